/*
 * spool.c
 *		Keeps the rows of a statement that writes what it reads.
 *
 * There are no snapshots in DynamoDB: a scan that goes on while its table is
 * written meets what was written.  So all is read first.  Rows go to disk when
 * they are more than work_mem holds.
 */
#include "postgres.h"

#include "exec/spool.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

typedef struct SpoolState
{
	CustomScanState custom; /* first: this is a node */
	Tuplestorestate *store; /* NULL: nothing was read yet */
	TupleTableSlot *kept; /* as the store gives rows */
} SpoolState;

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
}

static void
read_all(SpoolState *state)
{
	PlanState *child = (PlanState *) linitial(state->custom.custom_ps);
	TupleTableSlot *slot;

	state->store = tuplestore_begin_heap(false, false, work_mem);
	for (slot = ExecProcNode(child); !TupIsNull(slot);
		 slot = ExecProcNode(child))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(state->store, slot);
	}
}

/* The store's row as the virtual one that whoever reads this node expects. */
static TupleTableSlot *
next_row(SpoolState *state)
{
	TupleTableSlot *slot = state->custom.ss.ss_ScanTupleSlot;
	int n = slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	if (!tuplestore_gettupleslot(state->store, true, false, state->kept))
		return slot;
	slot_getallattrs(state->kept);
	memcpy(slot->tts_values, state->kept->tts_values, sizeof(Datum) * n);
	memcpy(slot->tts_isnull, state->kept->tts_isnull, sizeof(bool) * n);
	return ExecStoreVirtualTuple(slot);
}

static TupleTableSlot *
exec_spool(CustomScanState *node)
{
	SpoolState *state = (SpoolState *) node;
	TupleTableSlot *slot;

	if (state->store == NULL)
		read_all(state);
	slot = next_row(state);
	if (TupIsNull(slot) || node->ss.ps.ps_ProjInfo == NULL)
		return slot;
	ResetExprContext(node->ss.ps.ps_ExprContext);
	node->ss.ps.ps_ExprContext->ecxt_scantuple = slot;
	return ExecProject(node->ss.ps.ps_ProjInfo);
}

static void
forget_rows(SpoolState *state)
{
	ExecClearTuple(state->custom.ss.ss_ScanTupleSlot);
	ExecClearTuple(state->kept);
	if (state->store != NULL)
		tuplestore_end(state->store);
	state->store = NULL;
}

static void
end_spool(CustomScanState *node)
{
	forget_rows((SpoolState *) node);
	ExecDropSingleTupleTableSlot(((SpoolState *) node)->kept);
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
