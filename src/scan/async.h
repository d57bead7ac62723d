/* SPDX-License-Identifier: PostgreSQL */
/*
 * async.h
 *		Scans that an Append waits for together, and those below a Merge Append.
 */
#ifndef DDB_ASYNC_H
#define DDB_ASYNC_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "scan/scan.h"

/* Callbacks of the executor. */
extern void ddbForeignAsyncRequest(AsyncRequest *areq);
extern void ddbForeignAsyncConfigureWait(AsyncRequest *areq);
extern void ddbForeignAsyncNotify(AsyncRequest *areq);

/*
 * True if the scan's next row would have to be waited for, which an Append does
 * for it: then this is noted, and the scan has to return without a row.
 */
extern bool ddb_async_must_wait(ForeignScanState *node, DdbRowSource *rows);

/* True if it was noted since the Append asked last. */
extern bool ddb_async_is_waiting(const DdbScanState *state);

/* Makes the scan known to others below the same Merge Append. */
extern void ddb_async_join_merge(ForeignScanState *node);

/*
 * The scan has begun: sends its first request, and those of all others below
 * the same Merge Append, each of which must give a row before the first can be
 * handed on.
 */
extern void ddb_async_start_merge(ForeignScanState *node);

#endif /* DDB_ASYNC_H */
