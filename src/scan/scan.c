/* SPDX-License-Identifier: PostgreSQL */
/*
 * scan.c
 *		Runs an access plan, row after row.
 *
 * Reads no further than rows are asked for.
 */
#include "postgres.h"

#include "scan/scan.h"

#include "compat.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "scan/groups.h"
#include "scan/guard.h"
#include "scan/index_fetch.h"
#include "scan/outdated.h"
#include "scan/snapshot.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* What a batched join gives is not ours to compute. */
static List *
compile_values(ForeignScanState *node, const DdbAccessPlan *plan)
{
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;
	List *states = NIL;
	int index = 0;
	ListCell *lc;

	foreach (lc, scan->fdw_exprs)
		states = lappend(states,
						 list_member_int(plan->keys.batch_values, index++)
							 ? NULL
							 : ExecInitExpr((Expr *) lfirst(lc), &node->ss.ps));
	return states;
}

void
ddb_scan_set_keys(ForeignScanState *node, const Datum *keys, int nkeys)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	state->keys.values = keys;
	state->keys.n = nkeys;
}

int
ddb_scan_most_keys(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	return ddb_targets_most_keys(node, state->plan, state->values,
								 state->codecs);
}

/*
 * True if one of the columns, by attribute number, catches errors to find
 * misfits.
 */
static bool
any_catches_misfits(const DdbScanState *state, List *columns)
{
	ListCell *lc;

	foreach (lc, columns)
		if (ddb_codec_catches_misfits(
				ddb_codec_set_get(state->codecs, lfirst_int(lc))))
			return true;
	return false;
}

/* Columns that are read by the plan, or by its second step. */
static bool
catches_misfits(const DdbScanState *state)
{
	const DdbRelation *relation = state->relation;
	List *taken = NIL;

	/* Values that are taken from keys tell whether an item is a row. */
	for (int i = 0; i < relation->ncolumns; i++)
		if (relation->columns[i].name != NULL &&
			relation->columns[i].source != 0)
			taken = lappend_int(taken, i + 1);
	for (const DdbAccessPlan *plan = state->plan; plan != NULL;
		 plan = plan->fetch.plan)
		if (any_catches_misfits(state, plan->projection.columns) ||
			any_catches_misfits(state, plan->projection.recheck_columns))
			return true;
	return any_catches_misfits(state, taken);
}

/*
 * Executor callback: loads plan and declaration, and checks that the plan
 * still suits the table.  Sends nothing but perhaps DescribeTable.  For
 * EXPLAIN alone no session is needed.
 */
void
ddbBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;
	EState *estate = node->ss.ps.state;
	DdbScanState *state = palloc0(sizeof(DdbScanState));

	node->fdw_state = state;
	state->counters = palloc0(sizeof(DdbScanCounters));
	state->plan = ddb_access_plan_deserialize(scan->fdw_private);
	state->divided = scan->scan.plan.parallel_aware;
	state->relation = ddb_relation_load(ddb_compat_scan_rte(node)->relid);
	ddb_key_templates_resolve(state->relation, &state->plan->source.table_keys,
							  state->plan->source.key_attributes,
							  state->plan->source.index_columns);
	ddb_guard_locks(node, state->relation, eflags);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	ddb_scan_check_plan(state, ddb_compat_scan_userid(node));
	state->run_context = AllocSetContextCreate(
		estate->es_query_cxt, "ddb_fdw run", ALLOCSET_DEFAULT_SIZES);
	state->row_context = AllocSetContextCreate(
		estate->es_query_cxt, "ddb_fdw row", ALLOCSET_DEFAULT_SIZES);
	state->codecs = ddb_codec_set_create(state->relation,
										 state->plan->source.key_attributes);
	/*
	 * That takes subtransactions, of which there are none in parallel mode.  The
	 * planner has been told (plan/parallel.c), but a subquery may have been
	 * planned before: its Gather runs without workers then.
	 */
	if (catches_misfits(state))
		estate->es_plannedstmt->parallelModeNeeded = false;
	state->descriptor =
		CreateTupleDescCopy(node->ss.ss_ScanTupleSlot->tts_tupleDescriptor);
	state->values = compile_values(node, state->plan);
	state->session = ddb_session_get(state->relation->server->serverid,
									 ddb_compat_scan_userid(node));
	ddb_session_pin(state->session, estate->es_query_cxt);
	if (state->plan->source.is_snapshot)
		ddb_snapshot_begin(node);
}

/*
 * True if the row satisfies the conditions that were pushed wider than they
 * are, and, where LIMIT needs to know, PostgreSQL's own filter. (The executor
 * tests that one again, on rows that pass.)
 */
static bool
row_passes(ForeignScanState *node, DdbScanState *state, TupleTableSlot *slot)
{
	ExprContext *econtext = node->ss.ps.ps_ExprContext;

	if (!state->recheck && state->filter == NULL)
		return true;
	econtext->ecxt_scantuple = slot;
	ResetExprContext(econtext);
	if (state->recheck && !ExecQual(node->fdw_recheck_quals, econtext))
		return false;
	if (state->filter != NULL && !ExecQual(state->filter, econtext))
	{
		InstrCountFiltered1(node, 1);
		return false;
	}
	return true;
}

bool
ddb_scan_ready(DdbScanState *state)
{
	return state->two_step != NULL ? ddb_two_step_ready(state->two_step)
								   : ddb_groups_ready(state);
}

/*
 * With asynchronous execution NULL may also mean that a reply is awaited;
 * state->pending tells.
 */
TupleTableSlot *
ddb_scan_next_row(ForeignScanState *node, DdbScanState *state)
{
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	for (;;)
	{
		TupleTableSlot *row;

		CHECK_FOR_INTERRUPTS();
		if (node->ss.ps.async_capable && !ddb_scan_ready(state))
		{
			state->pending = true;
			return NULL;
		}
		row = state->two_step != NULL ? ddb_two_step_next(state->two_step, slot)
									  : ddb_groups_next(state, slot);
		if (row == NULL)
			return NULL;
		if (!row_passes(node, state, row))
			continue;
		state->given++;
		if (state->two_step != NULL)
			ddb_two_step_source(state->two_step)->given++;
		else
			state->last->given++;
		return row;
	}
}

/* Not in BeginForeignScan: a plan may never run this node. */
void
ddb_scan_ensure_started(ForeignScanState *node, DdbScanState *state)
{
	if (state->started)
		return;
	if (state->counters->requests == 0 && !state->guarded)
		ddb_guard_scan(state->relation, state->plan);
	ddb_scan_start(node, state);
}

int
ddb_scan_send(ForeignScanState *node, int streams)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	ddb_scan_ensure_started(node, state);
	return ddb_groups_send(state, streams);
}

void
ddb_scan_cancel(ForeignScanState *node)
{
	ddbReScanForeignScan(node);
}

int64
ddb_scan_largest_reply(const ForeignScanState *node)
{
	return ((const DdbScanState *) node->fdw_state)->largest_reply;
}

void
ddb_scan_count_by(ForeignScanState *copy, ForeignScanState *node)
{
	((DdbScanState *) copy->fdw_state)->counters =
		((DdbScanState *) node->fdw_state)->counters;
}

/* Begins the run if it has not begun. */
TupleTableSlot *
ddb_scan_next(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	ddb_scan_ensure_started(node, state);
	return state->plan->counts.are_wanted ? ddb_count_next(node, state)
										  : ddb_scan_next_row(node, state);
}

TupleTableSlot *
ddbIterateForeignScan(ForeignScanState *node)
{
	const DdbScanState *state = (DdbScanState *) node->fdw_state;

	return state->snapshot != NULL ? ddb_snapshot_next(node)
								   : ddb_scan_next(node);
}

/* Requests under way are cancelled. */
void
ddb_scan_release(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	/* The next row starts anew, with the values of then. */
	state->started = false;
	if (state->run_context != NULL)
		MemoryContextReset(state->run_context);
}

/*
 * Executor callback: the next row starts anew.  Rows that were kept before the
 * statement wrote are given again instead.
 */
void
ddbReScanForeignScan(ForeignScanState *node)
{
	const DdbScanState *state = (DdbScanState *) node->fdw_state;

	if (state->snapshot != NULL)
		ddb_snapshot_rewind(node);
	else
		ddb_scan_release(node);
}

/*
 * Executor callback: frees replies and cancels requests now, rather than at
 * the end of the query.
 */
void
ddbEndForeignScan(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	if (state != NULL)
		ddb_snapshot_end(node);
	/* Replies may be large, and requests under way. */
	if (state != NULL && state->run_context != NULL)
		MemoryContextReset(state->run_context);
}
