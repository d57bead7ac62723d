/* SPDX-License-Identifier: PostgreSQL */
/*
 * snapshot.h
 *		Scans that are read before their statement writes anything.
 */
#ifndef DDB_SNAPSHOT_H
#define DDB_SNAPSHOT_H

#include "postgres.h"

#include "nodes/execnodes.h"

typedef struct DdbSnapshot DdbSnapshot;

/*
 * A scan whose rows are kept, in the query's memory context: known to the
 * statement's writes from now on.
 */
extern DdbSnapshot *ddb_snapshot_create(ForeignScanState *node);

/* The scan's next row, kept or new; empty at the end. */
extern TupleTableSlot *ddb_snapshot_next(DdbSnapshot *snapshot);

/* Begins with the first row again. */
extern void ddb_snapshot_rescan(DdbSnapshot *snapshot);

/* Gives back what is kept. */
extern void ddb_snapshot_end(DdbSnapshot *snapshot);

/*
 * Before the statement's writes: reads each such scan to its end, unless that
 * has been done.
 */
extern void ddb_snapshot_take(EState *estate);

/*
 * Where the items of a DynamoDB table are kept that the parts of the statement
 * have changed; NULL of a statement that has no such scans.
 */
extern struct HTAB **ddb_snapshot_changed_items(EState *estate,
												const char *table_name);

#endif /* DDB_SNAPSHOT_H */
