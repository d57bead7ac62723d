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
#include "scan/async.h"
#include "scan/groups.h"
#include "scan/guard.h"
#include "scan/outdated.h"
#include "scan/parallel_scan.h"
#include "scan/rescan.h"
#include "scan/snapshot.h"
#include "scan/stream.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* ---- the state ---- */

DdbScanState *
ddb_scan_state_create(DdbAccessPlan *plan, DdbRelation *relation)
{
	DdbScanState *state = palloc0(sizeof(DdbScanState));

	state->plan = plan;
	state->relation = relation;
	state->counters = palloc0(sizeof(DdbScanCounters));
	state->under_way = palloc(sizeof(dlist_head));
	dlist_init(state->under_way);
	return state;
}

void
ddb_scan_state_open(DdbScanState *state, Oid userid, TupleDesc descriptor)
{
	state->run_context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw run", ALLOCSET_DEFAULT_SIZES);
	state->row_context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw row", ALLOCSET_DEFAULT_SIZES);
	state->codecs = ddb_codec_set_create(state->relation,
										 state->plan->source.key_attributes);
	state->descriptor = CreateTupleDescCopy(descriptor);
	state->session = ddb_session_get(state->relation->server->serverid, userid);
	ddb_session_pin(state->session, CurrentMemoryContext);
}

DdbScanState *
ddb_scan_state_second(const DdbScanState *first, DdbAccessPlan *plan)
{
	DdbScanState *state = palloc0(sizeof(DdbScanState));

	state->plan = plan;
	state->relation = first->relation;
	state->codecs = first->codecs;
	state->session = first->session;
	state->descriptor = first->descriptor;
	state->counters = first->counters;
	state->under_way = first->under_way;
	state->run_context = first->run_context;
	state->row_context = AllocSetContextCreate(
		first->run_context, "ddb_fdw item row", ALLOCSET_DEFAULT_SIZES);
	return state;
}

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
	DdbScanState *state = ddb_scan_state_create(
		ddb_access_plan_deserialize(scan->fdw_private),
		ddb_relation_load(ddb_compat_scan_rte(node)->relid));

	node->fdw_state = state;
	ddb_key_templates_resolve(state->relation, &state->plan->source.table_keys,
							  state->plan->source.key_attributes,
							  state->plan->source.index_columns);
	if (scan->scan.plan.parallel_aware)
		ddb_parallel_begin(state);
	ddb_guard_locks(node, state->relation, eflags);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	ddb_scan_check_plan(state, ddb_compat_scan_userid(node));
	ddb_scan_state_open(state, ddb_compat_scan_userid(node),
						node->ss.ss_ScanTupleSlot->tts_tupleDescriptor);
	/*
	 * Catching takes subtransactions, of which there are none in parallel mode.
	 * The planner has been told (plan/parallel_path), but a subquery may have
	 * been planned before: its Gather runs without workers then.
	 */
	if (catches_misfits(state))
		estate->es_plannedstmt->parallelModeNeeded = false;
	state->values = compile_values(node, state->plan);
	if (state->plan->source.is_snapshot)
		ddb_snapshot_begin(node);
	ddb_async_join_merge(node);
	ddb_rescan_begin(node, eflags);
}

/* ---- rows that pass ---- */

typedef struct CheckedRows
{
	DdbRowSource source;
	ForeignScanState *node;
	DdbScanState *state;
	DdbRowSource *items;
} CheckedRows;

/*
 * True if the row satisfies the conditions that were pushed wider than they
 * are, and, where LIMIT needs to know, PostgreSQL's own filter. (The executor
 * tests that one again, on rows that pass.)
 */
static bool
row_passes(ForeignScanState *node, const DdbScanRun *run, TupleTableSlot *slot)
{
	ExprContext *econtext = node->ss.ps.ps_ExprContext;

	if (!run->recheck && run->filter == NULL)
		return true;
	econtext->ecxt_scantuple = slot;
	ResetExprContext(econtext);
	if (run->recheck && !ExecQual(node->fdw_recheck_quals, econtext))
		return false;
	if (run->filter != NULL && !ExecQual(run->filter, econtext))
	{
		InstrCountFiltered1(node, 1);
		return false;
	}
	return true;
}

static bool
checked_ready(DdbRowSource *source)
{
	return ddb_source_ready(((CheckedRows *) source)->items);
}

/* NULL may also mean that a reply is awaited: scan/async tells. */
static TupleTableSlot *
checked_next(DdbRowSource *source, TupleTableSlot *slot)
{
	CheckedRows *checked = (CheckedRows *) source;

	for (;;)
	{
		TupleTableSlot *row;

		CHECK_FOR_INTERRUPTS();
		if (ddb_async_must_wait(checked->node, checked->items))
			return NULL;
		row = ddb_source_next(checked->items, slot);
		if (row == NULL)
			return NULL;
		if (!row_passes(checked->node, &checked->state->run, row))
			continue;
		ddb_source_follow(source, checked->items);
		checked->state->run.given++;
		if (source->found_by != NULL)
			ddb_stream_row_passed(source->found_by);
		return row;
	}
}

static void
checked_close(DdbRowSource *source)
{
	ddb_source_close(((CheckedRows *) source)->items);
}

DdbRowSource *
ddb_scan_check_rows(ForeignScanState *node, DdbRowSource *items)
{
	CheckedRows *checked = palloc0(sizeof(CheckedRows));

	checked->source.ready = checked_ready;
	checked->source.next = checked_next;
	checked->source.close = checked_close;
	checked->node = node;
	checked->state = (DdbScanState *) node->fdw_state;
	checked->items = items;
	return &checked->source;
}

/* ---- runs ---- */

/* Not in BeginForeignScan: a plan may never run this node. */
void
ddb_scan_ensure_started(ForeignScanState *node, DdbScanState *state)
{
	if (state->run.started && ddb_rescan_resumes(node))
		return;
	if (state->counters->requests == 0 && !ddb_parallel_is_guarded(state))
		ddb_guard_scan(state->relation, state->plan);
	ddb_run_begin(node, state);
	ddb_async_start_merge(node);
}

int
ddb_scan_send(ForeignScanState *node, int streams)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	ddb_scan_ensure_started(node, state);
	return state->run.groups != NULL
			   ? ddb_groups_send(state->run.groups, streams)
			   : 0;
}

void
ddb_scan_cancel(ForeignScanState *node)
{
	ddbReScanForeignScan(node);
}

int64
ddb_scan_largest_reply(const ForeignScanState *node)
{
	return ((const DdbScanState *) node->fdw_state)->sizes.largest_reply;
}

int
ddb_scan_affordable(const ForeignScanState *node, int most)
{
	return ddb_groups_affordable((const DdbScanState *) node->fdw_state, most);
}

void
ddb_scan_count_by(ForeignScanState *copy, ForeignScanState *node)
{
	const DdbScanState *state = (const DdbScanState *) node->fdw_state;

	((DdbScanState *) copy->fdw_state)->counters = state->counters;
	((DdbScanState *) copy->fdw_state)->under_way = state->under_way;
}

/* Begins the run if it has not begun. */
TupleTableSlot *
ddb_scan_next(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;
	TupleTableSlot *row;

	ddb_scan_ensure_started(node, state);
	row = ddb_source_next(state->run.source, node->ss.ss_ScanTupleSlot);
	if (row != NULL || !ddb_rescan_goes_on(state))
		return row;
	ddb_run_begin(node, state);
	return ddb_source_next(state->run.source, node->ss.ss_ScanTupleSlot);
}

TupleTableSlot *
ddbIterateForeignScan(ForeignScanState *node)
{
	const DdbScanState *state = (DdbScanState *) node->fdw_state;

	return state->snapshot != NULL ? ddb_snapshot_next(node)
								   : ddb_scan_next(node);
}

/* The next row starts anew, with the values of then. */
void
ddb_scan_release(ForeignScanState *node)
{
	ddb_run_end((DdbScanState *) node->fdw_state);
}

/*
 * Executor callback: the next row starts anew.  Rows that were kept, before the
 * statement wrote or of runs with the same values, are given again instead.
 */
void
ddbReScanForeignScan(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	if (state->snapshot != NULL)
		ddb_snapshot_rewind(node);
	else if (!ddb_rescan_waits(state))
		ddb_scan_release(node);
}

/*
 * Executor callback: frees replies and cancels requests now, rather than at
 * the end of the query.
 */
void
ddbEndForeignScan(ForeignScanState *node)
{
	if (node->fdw_state == NULL)
		return;
	ddb_snapshot_end(node);
	ddb_scan_release(node);
	ddb_rescan_end((DdbScanState *) node->fdw_state);
}
