/* SPDX-License-Identifier: PostgreSQL */
/*
 * snapshot.c
 *		Scans that are read before their statement writes.
 *
 * The planner has marked them (plan/snapshot_plan), and seen to it that no value
 * that they take depends on other rows.  Their rows are kept, on disk when they
 * are more than work_mem holds, and are the same however often the scan runs.
 * A scan that is asked for rows before the first write reads all of them then.
 */
#include "postgres.h"

#include "scan/snapshot.h"

#include "executor/executor.h"
#include "kept/stored_rows.h"
#include "miscadmin.h"
#include "scan/scan.h"
#include "utils/memutils.h"

/* ---- what the parts of a statement share ---- */

typedef struct Listed
{
	DdbStatement statement;
	MemoryContextCallback end;
	struct Listed *next;
} Listed;

static Listed *statements = NULL;

/* The statement's memory goes, whether it has ended or failed. */
static void
forget(void *listed)
{
	Listed **place = &statements;

	while (*place != listed)
		place = &(*place)->next;
	*place = (*place)->next;
}

DdbStatement *
ddb_statement_find(const EState *estate)
{
	for (Listed *listed = statements; listed != NULL; listed = listed->next)
		if (listed->statement.estate == estate)
			return &listed->statement;
	return NULL;
}

/*
 * Statements are found by their executor state, and forgotten with its memory
 * context.
 */
DdbStatement *
ddb_statement_of(EState *estate)
{
	DdbStatement *known = ddb_statement_find(estate);
	Listed *listed;

	if (known != NULL)
		return known;
	listed = MemoryContextAllocZero(estate->es_query_cxt, sizeof(Listed));
	listed->statement.estate = estate;
	listed->end.func = forget;
	listed->end.arg = listed;
	listed->next = statements;
	statements = listed;
	MemoryContextRegisterResetCallback(estate->es_query_cxt, &listed->end);
	return &listed->statement;
}

/* ---- rows that are kept ---- */

typedef struct DdbSnapshot
{
	Tuplestorestate *rows; /* NULL: nothing was read yet */
	TupleTableSlot *kept; /* as the store gives rows */
} DdbSnapshot;

static DdbSnapshot *
snapshot_of(const ForeignScanState *node)
{
	return ((DdbScanState *) node->fdw_state)->snapshot;
}

/* Lists the scan among those of its statement.  Nothing is read yet. */
void
ddb_snapshot_begin(ForeignScanState *node)
{
	EState *estate = node->ss.ps.state;
	DdbStatement *statement = ddb_statement_of(estate);
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	DdbSnapshot *snapshot = palloc0(sizeof(DdbSnapshot));

	snapshot->kept = MakeSingleTupleTableSlot(
		node->ss.ss_ScanTupleSlot->tts_tupleDescriptor, &TTSOpsMinimalTuple);
	((DdbScanState *) node->fdw_state)->snapshot = snapshot;
	statement->scans = lappend(statement->scans, node);
	MemoryContextSwitchTo(old);
}

/* Reads all rows of the scan into a tuplestore, and lets go of the run. */
static void
read_all(ForeignScanState *node, DdbSnapshot *snapshot)
{
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	MemoryContext old = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);
	TupleTableSlot *slot;

	snapshot->rows = tuplestore_begin_heap(false, false, work_mem);
	tuplestore_set_eflags(snapshot->rows, EXEC_FLAG_REWIND);
	/* As the executor runs it. */
	MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	for (;;)
	{
		ResetExprContext(econtext);
		slot = ddb_scan_next(node);
		if (TupIsNull(slot))
			break;
		tuplestore_puttupleslot(snapshot->rows, slot);
	}
	MemoryContextSwitchTo(old);
	/* Pages are not needed any more, nor is what it took to read them. */
	ddb_scan_release(node);
}

/*
 * Scans that were read already are left alone.  Called before each write,
 * which costs nothing after the first.
 */
void
ddb_snapshot_take(EState *estate, const char *table_name)
{
	const DdbStatement *statement = ddb_statement_find(estate);
	ListCell *lc;

	if (statement == NULL)
		return;
	foreach (lc, statement->scans)
	{
		ForeignScanState *node = (ForeignScanState *) lfirst(lc);
		const DdbScanState *state = (DdbScanState *) node->fdw_state;

		if (state->snapshot->rows == NULL &&
			strcmp(state->relation->table_name, table_name) == 0)
			read_all(node, state->snapshot);
	}
}

/*
 * Reads the scan whole at the first call, if no write has had it read before.
 */
TupleTableSlot *
ddb_snapshot_next(ForeignScanState *node)
{
	DdbSnapshot *snapshot = snapshot_of(node);
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	if (snapshot->rows == NULL)
		read_all(node, snapshot);
	(void) ddb_stored_next(snapshot->rows, snapshot->kept, slot);
	return slot;
}

void
ddb_snapshot_rewind(ForeignScanState *node)
{
	DdbSnapshot *snapshot = snapshot_of(node);

	if (snapshot != NULL && snapshot->rows != NULL)
		tuplestore_rescan(snapshot->rows);
}

/* Frees the kept rows.  Does nothing for other scans. */
void
ddb_snapshot_end(ForeignScanState *node)
{
	DdbSnapshot *snapshot = snapshot_of(node);

	if (snapshot == NULL)
		return;
	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	ExecDropSingleTupleTableSlot(snapshot->kept);
	if (snapshot->rows != NULL)
		tuplestore_end(snapshot->rows);
	((DdbScanState *) node->fdw_state)->snapshot = NULL;
}
