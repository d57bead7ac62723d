/*
 * scan.c
 *		Runs an access plan: stream after stream, row after row.
 *
 * Reads no further than rows are asked for.
 */
#include "postgres.h"

#include "exec/scan.h"

#include "compat.h"
#include "exec/guard.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* All response buffers of one statement stay under 32 MB (design.md 8). */
#define WINDOW_BYTES (INT64CONST(24) * 1024 * 1024)

/* Streams kept going at once; the client bounds requests in flight besides. */
#define MAX_WINDOW 16

void
ddbBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;
	EState *estate = node->ss.ps.state;
	DdbScanState *state = palloc0(sizeof(DdbScanState));

	node->fdw_state = state;
	state->plan = ddb_access_plan_deserialize(scan->fdw_private);
	state->relation =
		ddb_relation_load(RelationGetRelid(node->ss.ss_currentRelation));
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	state->run_context = AllocSetContextCreate(
		estate->es_query_cxt, "ddb_fdw run", ALLOCSET_DEFAULT_SIZES);
	state->row_context = AllocSetContextCreate(
		estate->es_query_cxt, "ddb_fdw row", ALLOCSET_DEFAULT_SIZES);
	state->codecs =
		ddb_codec_set_create(state->relation, state->plan->key_attributes);
	state->descriptor =
		CreateTupleDescCopy(RelationGetDescr(node->ss.ss_currentRelation));
	state->values = ExecInitExprList(scan->fdw_exprs, &node->ss.ps);
	state->session = ddb_session_get(state->relation->server->serverid,
									 ddb_compat_scan_userid(node));
	ddb_session_pin(state->session, estate->es_query_cxt);
}

/* How many streams may be kept going: their replies share 24 MB. */
static int
largest_window(const DdbScanState *state)
{
	int64 replies = WINDOW_BYTES / Max(state->largest_reply, 1);

	return (int) Max(1, Min(replies, MAX_WINDOW));
}

/*
 * Reads streams one after another, and keeps some ahead going: all that fit
 * when every row is wanted, else only as many as have turned out to be needed.
 */
static TupleTableSlot *
next_in_turn(DdbScanState *state, TupleTableSlot *slot)
{
	while (state->current < state->nstreams)
	{
		int window = state->bound < 0
						 ? largest_window(state)
						 : Min(state->window, largest_window(state));

		while (state->sent < Min(state->current + window, state->nstreams))
			ddb_stream_send(state->streams[state->sent++]);
		state->last = state->streams[state->current];
		if (ddb_stream_next(state->last, slot, state->row_context))
			return slot;
		ddb_stream_close(state->last);
		state->current++;
		state->window = Min(state->window * 2, MAX_WINDOW);
	}
	return NULL;
}

static TupleTableSlot *
next_row(DdbScanState *state, TupleTableSlot *slot)
{
	return state->heap != NULL ? ddb_merge_next(state)
							   : next_in_turn(state, slot);
}

/*
 * Does the row satisfy the conditions that were pushed wider than they are,
 * and, where LIMIT needs to know, PostgreSQL's own filter?  (The executor
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

TupleTableSlot *
ddbIterateForeignScan(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	if (!state->started)
	{
		/* Not in BeginForeignScan: a plan may never run this node. */
		if (state->counters.requests == 0)
			ddb_guard_scan(state->relation, state->plan);
		ddb_scan_start(node, state);
	}
	for (;;)
	{
		TupleTableSlot *row;

		CHECK_FOR_INTERRUPTS();
		row = next_row(state, slot);
		if (row == NULL)
			return NULL;
		if (!row_passes(node, state, row))
			continue;
		state->given++;
		state->last->given++;
		return row;
	}
}

void
ddbReScanForeignScan(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	/* The next row starts anew, with the values of then. */
	state->started = false;
	if (state->run_context != NULL)
		MemoryContextReset(state->run_context);
}

void
ddbEndForeignScan(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	/* Replies may be large, and requests under way. */
	if (state != NULL && state->run_context != NULL)
		MemoryContextReset(state->run_context);
}
