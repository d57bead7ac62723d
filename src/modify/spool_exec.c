/* SPDX-License-Identifier: PostgreSQL */
/*
 * spool_exec.c
 *		Keeps the rows of a statement that writes what it reads.
 *
 * There are no snapshots in DynamoDB: a scan that goes on while its table is
 * written meets what was written.  So all is read first.  Rows go to disk when
 * they are more than work_mem holds.
 */
#include "postgres.h"

#include "modify/spool_exec.h"

#include "executor/executor.h"
#include "kept/stored_rows.h"
#include "miscadmin.h"

typedef struct SpoolState
{
	CustomScanState custom; /* first: this is a node */
	Tuplestorestate *store; /* NULL: nothing was read yet */
	int ahead; /* read pointer for looking ahead */
	TupleTableSlot *kept; /* as the store gives rows */
	TupleTableSlot *kept_ahead;
	TupleTableSlot *peeked;
} SpoolState;

/*
 * Executor callback: starts the child.  Rows are kept once the first is asked
 * for.
 */
static void
begin_spool(CustomScanState *node, EState *estate, int eflags)
{
	SpoolState *state = (SpoolState *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;
	PlanState *child =
		ExecInitNode((Plan *) linitial(plan->custom_plans), estate, eflags);

	node->custom_ps = list_make1(child);
	state->kept =
		MakeSingleTupleTableSlot(ExecGetResultType(child), &TTSOpsMinimalTuple);
	state->kept_ahead =
		MakeSingleTupleTableSlot(ExecGetResultType(child), &TTSOpsMinimalTuple);
	state->peeked =
		MakeSingleTupleTableSlot(ExecGetResultType(child), &TTSOpsVirtual);
	/* Its columns are the child's, also where they are constants. */
	node->ss.ps.ps_ProjInfo = NULL;
}

/*
 * Reads all rows of the child into a tuplestore, which goes to disk beyond
 * work_mem.  A second read pointer is for looking ahead.
 */
static void
read_all(SpoolState *state)
{
	PlanState *child = (PlanState *) linitial(state->custom.custom_ps);
	TupleTableSlot *slot;

	state->store = tuplestore_begin_heap(false, false, work_mem);
	state->ahead = tuplestore_alloc_read_pointer(state->store, 0);
	for (slot = ExecProcNode(child); !TupIsNull(slot);
		 slot = ExecProcNode(child))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(state->store, slot);
	}
}

/* The store's next row as the virtual one that whoever reads this expects. */
static TupleTableSlot *
read_row(SpoolState *state, int pointer, TupleTableSlot *kept,
		 TupleTableSlot *slot)
{
	tuplestore_select_read_pointer(state->store, pointer);
	(void) ddb_stored_next(state->store, kept, slot);
	return slot;
}

/* Executor callback: the next row, in the child's order. */
static TupleTableSlot *
exec_spool(CustomScanState *node)
{
	SpoolState *state = (SpoolState *) node;

	if (state->store == NULL)
		read_all(state);
	return read_row(state, 0, state->kept, node->ss.ss_ScanTupleSlot);
}

void
ddb_spool_begin_peek(PlanState *node)
{
	SpoolState *state = (SpoolState *) node;

	tuplestore_copy_read_pointer(state->store, 0, state->ahead);
}

TupleTableSlot *
ddb_spool_peek(PlanState *node)
{
	SpoolState *state = (SpoolState *) node;

	return read_row(state, state->ahead, state->kept_ahead, state->peeked);
}

/* Lets go of the tuplestore, and first of all slots that point into it. */
static void
forget_rows(SpoolState *state)
{
	ExecClearTuple(state->custom.ss.ss_ScanTupleSlot);
	ExecClearTuple(state->kept);
	ExecClearTuple(state->peeked);
	ExecClearTuple(state->kept_ahead);
	if (state->store != NULL)
		tuplestore_end(state->store);
	state->store = NULL;
}

/* Executor callback: frees the rows and ends the child. */
static void
end_spool(CustomScanState *node)
{
	forget_rows((SpoolState *) node);
	ExecDropSingleTupleTableSlot(((SpoolState *) node)->kept);
	ExecDropSingleTupleTableSlot(((SpoolState *) node)->kept_ahead);
	ExecDropSingleTupleTableSlot(((SpoolState *) node)->peeked);
	ExecEndNode((PlanState *) linitial(node->custom_ps));
}

static void
rescan_spool(CustomScanState *node)
{
	forget_rows((SpoolState *) node);
	ExecReScan((PlanState *) linitial(node->custom_ps));
}

static const CustomExecMethods exec_methods = {
	.CustomName = DDB_SPOOL_NAME,
	.BeginCustomScan = begin_spool,
	.ExecCustomScan = exec_spool,
	.EndCustomScan = end_spool,
	.ReScanCustomScan = rescan_spool,
};

bool
ddb_spool_is(const PlanState *node)
{
	return IsA(node, CustomScanState) &&
		   ((const CustomScanState *) node)->methods == &exec_methods;
}

/* CustomScan callback: an empty state, filled by begin_spool(). */
static Node *
create_state(CustomScan *plan)
{
	SpoolState *state =
		(SpoolState *) newNode(sizeof(SpoolState), T_CustomScanState);

	(void) plan;
	state->custom.methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods ddb_spool_scan_methods = {
	.CustomName = DDB_SPOOL_NAME,
	.CreateCustomScanState = create_state,
};

void
ddb_spool_install(void)
{
	RegisterCustomScanMethods(&ddb_spool_scan_methods);
}
