/* SPDX-License-Identifier: PostgreSQL */
/*
 * merge.h
 *		Several streams in one order.
 */
#ifndef DDB_MERGE_H
#define DDB_MERGE_H

#include "postgres.h"

#include "scan/scan.h"
#include "scan/stream.h"

/*
 * The rows of the n streams, each of which comes in the order of its sort key,
 * in the order of these keys.  The array must live as long.
 */
extern DdbRowSource *ddb_merge_create(DdbScanState *state, DdbStream **streams,
									  int n);

/* How many streams of the run are merged now; 0: no merge has begun. */
extern int ddb_merge_width(const DdbScanState *state);

#endif /* DDB_MERGE_H */
