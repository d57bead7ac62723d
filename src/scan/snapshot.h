/* SPDX-License-Identifier: PostgreSQL */
/*
 * snapshot.h
 *		What the parts of one running statement share, and scans that are read
 *		before their statement writes.
 */
#ifndef DDB_SNAPSHOT_H
#define DDB_SNAPSHOT_H

#include "postgres.h"

#include "nodes/execnodes.h"

typedef struct DdbStatement
{
	EState *estate;
	List *scans; /* of ForeignScanState *: to be read before the first write
								 * (ddb_snapshot_take) */
	List *written; /* of what several parts write, the items that were
								 * (modify/written_items) */
} DdbStatement;

/* The statement that runs in this state, in whose memory context it lives. */
extern DdbStatement *ddb_statement_of(EState *estate);

/* The same; NULL if nothing is known of it yet. */
extern DdbStatement *ddb_statement_find(const EState *estate);

/* Has the scan's rows kept, when it begins. */
extern void ddb_snapshot_begin(ForeignScanState *node);

/* The next row, as it was before the statement wrote; empty at the end. */
extern TupleTableSlot *ddb_snapshot_next(ForeignScanState *node);

/* Back to the first row: it is the same for every run. */
extern void ddb_snapshot_rewind(ForeignScanState *node);

extern void ddb_snapshot_end(ForeignScanState *node);

/*
 * The statement is about to write the DynamoDB table: what it has still to read
 * of it is read now.
 */
extern void ddb_snapshot_take(EState *estate, const char *table_name);

#endif /* DDB_SNAPSHOT_H */
