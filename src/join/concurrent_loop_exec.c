/* SPDX-License-Identifier: PostgreSQL */
/*
 * concurrent_loop_exec.c
 *		Runs a nested loop whose inner side is under way for several outer rows.
 *
 * The join is PostgreSQL's own.  While it runs, its two children are replaced:
 * the outer one gives rows that were read ahead, the inner one the rows of
 * whichever copy of the inner side was started for the row.  Starting a copy
 * sends its first requests and does not wait.  Outer rows keep their order.
 *
 * What the inner side gave is kept as long as there is room, for outer rows
 * that repeat its values.  So it must give the same when it runs again.
 */
#include "postgres.h"

#include "join/concurrent_loop_exec.h"

#include "compat.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "kept/run_memo.h"
#include "miscadmin.h"
#include "scan/groups.h"
#include "scan/rescan.h"
#include "scan/scan.h"

/* Copies of the inner side that rows may be started in … */
#define AHEAD_LANES DDB_MAX_WINDOW
/* … and one for a row that has to be started when its turn has come. */
#define LANES (AHEAD_LANES + 1)

/* Outer rows read ahead: more than lanes, because some may need none. */
#define MAX_ROWS 64

/* Where all rows may not be wanted, so many at first. */
#define FIRST_WINDOW 2

/* A copy of the inner side. */
typedef struct Lane
{
	PlanState *plan; /* NULL until it is needed */
	ForeignScanState *scan; /* what it ends in */
	bool busy; /* some row's */
	int requests; /* that starting it sent */
} Lane;

/* An outer row whose turn has come or is to come. */
typedef struct LoopRow
{
	TupleTableSlot *slot;
	Lane *lane; /* NULL: not started */
	DdbMemoRun *run; /* NULL: nothing is known of it */
	bool records; /* it keeps what the lane gives */
} LoopRow;

struct ConcurrentLoopState;

/* Stands in for a child of the nested loop. */
typedef struct Feed
{
	CustomScanState custom; /* first: this is a node */
	struct ConcurrentLoopState *state;
} Feed;

typedef struct ConcurrentLoopState
{
	CustomScanState custom; /* first: this is a node */
	NestLoopState *loop;
	PlanState *outer; /* its real outer child */
	Feed outer_feed;
	Feed inner_feed;
	bool wants_all; /* else start few, and more as rows are asked for */

	Lane lanes[LANES]; /* the first has the real inner child */
	LoopRow rows[MAX_ROWS]; /* a ring */
	int first; /* the row whose turn it is */
	int n;
	bool joining; /* its turn has begun */
	bool outer_done;
	int window; /* requests to keep under way */
	int requests; /* that are */

	DdbRunMemo *memo; /* NULL: nothing repeats */
	List *columns; /* attnums of outer rows that runs depend on … */
	Datum *values; /* … and what they are in one row */
	bool *isnull;
	bool repeats; /* something did, since rows were forgotten last */
	DdbMemoRow *known; /* what is left to give of rows that were kept */
	TupleTableSlot *known_slot;

	/* for EXPLAIN ANALYZE */
	int64 runs;
	int concurrency; /* most requests under way */
} ConcurrentLoopState;

static LoopRow *
row_at(ConcurrentLoopState *state, int place)
{
	return &state->rows[(state->first + place) % MAX_ROWS];
}

/* ---- lanes ---- */

/* What a node of the inner side reads from; NULL below a foreign scan. */
static PlanState *
child_of(PlanState *node)
{
	return IsA(node, SubqueryScanState) ? ((SubqueryScanState *) node)->subplan
										: outerPlanState(node);
}

/*
 * Makes the lane's copy of the inner plan at first use, and finds its foreign
 * scan.  Copies count what they do as the first one's work.
 */
static void
init_lane(ConcurrentLoopState *state, Lane *lane)
{
	EState *estate = state->custom.ss.ps.state;
	PlanState *node;

	if (lane->plan == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);

		lane->plan = ExecInitNode(
			innerPlan(state->loop->js.ps.plan), estate,
			estate->es_top_eflags &
				~(EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK));
		MemoryContextSwitchTo(old);
	}
	for (node = lane->plan; child_of(node) != NULL; node = child_of(node))
		;
	lane->scan = castNode(ForeignScanState, node);
	ddb_rescan_keep_nothing(lane->scan);
	if (lane != state->lanes)
		ddb_scan_count_by(lane->scan, state->lanes[0].scan);
}

/* A lane that no row has: one always is, for the row whose turn it is. */
static Lane *
free_lane(ConcurrentLoopState *state)
{
	Lane *lane = state->lanes;

	while (lane->busy)
		lane++;
	if (lane->scan == NULL)
		init_lane(state, lane);
	return lane;
}

/*
 * Lets the inner side read the row's values, as the nested loop does, and
 * marks them as changed.
 */
static void
set_parameters(ConcurrentLoopState *state, TupleTableSlot *slot,
			   PlanState *inner)
{
	ListCell *lc;

	foreach (lc, ((NestLoop *) state->loop->js.ps.plan)->nestParams)
	{
		NestLoopParam *parameter = lfirst_node(NestLoopParam, lc);
		ParamExecData *value =
			&state->custom.ss.ps.state->es_param_exec_vals[parameter->paramno];

		value->value =
			slot_getattr(slot, parameter->paramval->varattno, &value->isnull);
		inner->chgParam = bms_add_member(inner->chgParam, parameter->paramno);
	}
}

/*
 * True if the node will not even ask its child for a row: LIMIT 0, or a
 * condition that is false beforehand.
 */
static bool
asks_nothing(PlanState *node)
{
	if (IsA(node, LimitState))
		return !((LimitState *) node)->noCount &&
			   ((LimitState *) node)->count <= 0;
	if (IsA(node, ResultState))
		return !ExecQual(((ResultState *) node)->resconstantqual,
						 node->ps_ExprContext);
	return false;
}

/*
 * Sends what the first row of the inner side will take.  On the way down nodes
 * are rescanned that would be with their first row.
 */
static int
send_requests(PlanState *node, int streams)
{
	for (; node != NULL; node = child_of(node))
	{
		if (node->chgParam != NULL)
			ExecReScan(node);
		if (IsA(node, ForeignScanState))
			return ddb_scan_send((ForeignScanState *) node, streams);
		if (asks_nothing(node))
			break;
	}
	return 0;
}

/*
 * Runs the inner side for this outer row in a free lane: sets its parameters,
 * rescans, and sends the first requests without waiting.
 */
static void
start_lane(ConcurrentLoopState *state, LoopRow *row, int streams)
{
	Lane *lane = free_lane(state);

	row->lane = lane;
	lane->busy = true;
	set_parameters(state, row->slot, lane->plan);
	ExecReScan(lane->plan);
	lane->requests = send_requests(lane->plan, streams);
	state->requests += lane->requests;
	state->concurrency = Max(state->concurrency, state->requests);
	state->runs++;
	row->records = row->run != NULL;
	if (row->records)
		row->run->under_way = true;
}

/*
 * Frees the row's lane for another row.  A run that was not read to its end is
 * forgotten.
 */
static void
leave_lane(ConcurrentLoopState *state, LoopRow *row)
{
	if (row->lane != NULL)
	{
		row->lane->busy = false;
		state->requests -= row->lane->requests;
		row->lane = NULL;
	}
	/* Rows that nobody asked for are not known. */
	if (row->records && !row->run->complete)
	{
		row->run->under_way = false;
		row->run->rows = NULL;
		row->run->end = &row->run->rows;
	}
}

/* Starts the row's inner side; if that takes no request, only in its turn. */
static void
start_ahead(ConcurrentLoopState *state, LoopRow *row)
{
	start_lane(state, row, 1);
	if (row->lane->requests == 0)
	{
		leave_lane(state, row);
		state->runs--;
	}
}

/* ---- rows that are kept ---- */

/*
 * Makes room in memory.  Rows that counted on what was kept will be started
 * themselves; if nothing ever repeated, no more is kept at all.
 */
static void
forget_runs(ConcurrentLoopState *state)
{
	for (int i = 0; i < state->n; i++)
	{
		row_at(state, i)->run = NULL;
		row_at(state, i)->records = false;
	}
	ddb_run_memo_reset(state->memo);
	if (!state->repeats)
		state->memo = NULL;
	state->repeats = false;
}

/* The run with the values of an outer row. */
static DdbMemoRun *
enter_run(ConcurrentLoopState *state, TupleTableSlot *slot)
{
	int n = 0;
	ListCell *lc;

	foreach (lc, state->columns)
	{
		state->values[n] =
			slot_getattr(slot, lfirst_int(lc), &state->isnull[n]);
		n++;
	}
	return ddb_run_memo_enter(state->memo, state->values, state->isnull);
}

/* What is known of the run that the row needs. */
static void
find_run(ConcurrentLoopState *state, LoopRow *row)
{
	row->run = NULL;
	row->records = false;
	if (state->memo != NULL && ddb_run_memo_is_full(state->memo))
		forget_runs(state);
	if (state->memo != NULL)
		row->run = enter_run(state, row->slot);
}

/* Keeps a row that the lane gave, or (NULL) that there are no more. */
static void
record(ConcurrentLoopState *state, LoopRow *row, TupleTableSlot *slot)
{
	if (TupIsNull(slot))
		row->run->complete = true;
	else if (ddb_run_memo_is_full(state->memo))
		forget_runs(state);
	else
		ddb_run_memo_add(state->memo, row->run, slot);
}

/* ---- outer rows ---- */

/* A slot for copies of outer rows, of the kind that the nested loop expects. */
static TupleTableSlot *
outer_slot(const ConcurrentLoopState *state)
{
	EState *estate = state->custom.ss.ps.state;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	TupleTableSlot *slot =
		ExecInitExtraTupleSlot(estate, ExecGetResultType(state->outer),
							   ExecGetResultSlotOps(state->outer, NULL));

	MemoryContextSwitchTo(old);
	return slot;
}

/*
 * Reads the next outer row into the place behind those that were read.  False
 * when there is none.
 */
static bool
read_outer(ConcurrentLoopState *state)
{
	LoopRow *row = row_at(state, state->n);
	TupleTableSlot *slot = ExecProcNode(state->outer);

	if (TupIsNull(slot))
	{
		state->outer_done = true;
		return false;
	}
	if (row->slot == NULL)
		row->slot = outer_slot(state);
	ExecCopySlot(row->slot, slot);
	row->lane = NULL;
	find_run(state, row);
	state->n++;
	return true;
}

/* How many lanes run for rows that are not done. */
static int
busy_lanes(const ConcurrentLoopState *state)
{
	int n = 0;

	for (int i = 0; i < LANES; i++)
		n += state->lanes[i].busy;
	return n;
}

/*
 * How many requests may be under way, as large as replies have been and as far
 * as the cap on read units allows.
 */
static int
most_requests(const ConcurrentLoopState *state)
{
	int64 largest = 0;
	int window = state->window;

	for (int i = 0; i < LANES; i++)
		if (state->lanes[i].scan != NULL)
			largest =
				Max(largest, ddb_scan_largest_reply(state->lanes[i].scan));
	if (state->lanes[0].scan != NULL)
		window = ddb_scan_affordable(state->lanes[0].scan, window);
	return ddb_groups_window(largest, window);
}

/*
 * Reads outer rows, and starts the inner side for them, until enough requests
 * are under way.
 */
static void
read_ahead(ConcurrentLoopState *state)
{
	while (!state->outer_done && state->n < MAX_ROWS &&
		   (state->n == 0 || (state->requests < most_requests(state) &&
							  busy_lanes(state) < AHEAD_LANES)))
	{
		LoopRow *row;

		CHECK_FOR_INTERRUPTS();
		if (!read_outer(state))
			break;
		row = row_at(state, state->n - 1);
		if (row->run == NULL || (!row->run->complete && !row->run->under_way))
			start_ahead(state, row);
	}
}

/* The row is done with. */
static void
leave_row(ConcurrentLoopState *state)
{
	leave_lane(state, row_at(state, 0));
	state->first = (state->first + 1) % MAX_ROWS;
	state->n--;
	state->joining = false;
	state->window = Min(state->window + 1, DDB_MAX_WINDOW);
}

/*
 * Begins the turn of the first row: its lane may run already, its rows may be
 * known, or it is started now.
 */
static void
enter_row(ConcurrentLoopState *state)
{
	LoopRow *row = row_at(state, 0);

	state->joining = true;
	state->known = NULL;
	if (row->lane != NULL)
		return;
	if (row->run != NULL && row->run->complete)
	{
		state->known = row->run->rows;
		state->repeats = true;
	}
	else
		start_lane(state, row, DDB_MAX_WINDOW);
}

/* ---- what the nested loop sees ---- */

/*
 * What the nested loop calls for its outer row: gives the next one that was
 * read ahead, and starts the inner side for those behind it.
 */
static TupleTableSlot *
next_outer(PlanState *node)
{
	ConcurrentLoopState *state = ((Feed *) node)->state;

	if (state->joining)
		leave_row(state);
	read_ahead(state);
	if (state->n == 0)
		return NULL;
	enter_row(state);
	return row_at(state, 0)->slot;
}

/* The next row of a run whose rows are remembered; NULL at the end. */
static TupleTableSlot *
next_known(ConcurrentLoopState *state)
{
	DdbMemoRow *row = state->known;

	if (row == NULL)
		return NULL;
	state->known = row->next;
	ExecForceStoreMinimalTuple(row->tuple, state->known_slot, false);
	return state->known_slot;
}

/*
 * What the nested loop calls for its inner row: from the lane that runs for
 * the outer row, or from memory.
 */
static TupleTableSlot *
next_inner(PlanState *node)
{
	ConcurrentLoopState *state = ((Feed *) node)->state;
	LoopRow *row = row_at(state, 0);
	TupleTableSlot *slot;

	if (row->lane == NULL)
		return next_known(state);
	slot = ExecProcNode(row->lane->plan);
	if (row->records)
		record(state, row, slot);
	return slot;
}

/* The nested loop rescans its inner side for each row: it has been. */
static void
rescan_feed(CustomScanState *node)
{
	(void) node;
}

static const CustomExecMethods feed_methods = {
	.CustomName = DDB_CONCURRENT_LOOP_NAME,
	.ReScanCustomScan = rescan_feed,
};

/*
 * Makes a node that the nested loop takes for its child.  It has the plan of
 * the real one, so that nothing else notices.
 */
static void
init_feed(ConcurrentLoopState *state, Feed *feed, PlanState *real,
		  ExecProcNodeMtd next)
{
	PlanState *node = &feed->custom.ss.ps;

	node->type = T_CustomScanState;
	node->plan = real->plan;
	node->state = real->state;
	node->ExecProcNode = next;
	feed->custom.methods = &feed_methods;
	feed->state = state;
}

/* ---- beginning and end ---- */

/* The outer columns that the inner side runs with, by attribute number. */
static List *
parameter_columns(const NestLoop *loop)
{
	List *columns = NIL;
	ListCell *lc;

	foreach (lc, loop->nestParams)
		columns = lappend_int(
			columns, lfirst_node(NestLoopParam, lc)->paramval->varattno);
	return columns;
}

/* Makes the memo of runs, with room for the values of an outer row. */
static void
create_memo(ConcurrentLoopState *state)
{
	TupleDesc descriptor = ExecGetResultType(state->outer);
	DdbMemoType *types;
	int n = 0;
	ListCell *lc;

	state->columns = parameter_columns((NestLoop *) state->loop->js.ps.plan);
	types = palloc(sizeof(DdbMemoType) * list_length(state->columns));
	foreach (lc, state->columns)
	{
		Form_pg_attribute column =
			TupleDescAttr(descriptor, lfirst_int(lc) - 1);

		types[n++] = (DdbMemoType){column->attlen, column->attbyval};
	}
	state->values = palloc(sizeof(Datum) * n);
	state->isnull = palloc(sizeof(bool) * n);
	state->memo = ddb_run_memo_create(types, n);
}

/*
 * Forgets outer rows that were read ahead, and frees all lanes.  The window is
 * narrow again unless all rows are wanted.
 */
static void
reset_rows(ConcurrentLoopState *state)
{
	for (int i = 0; i < LANES; i++)
		state->lanes[i].busy = false;
	state->n = 0;
	state->joining = false;
	state->outer_done = false;
	state->requests = 0;
	state->window = state->wants_all ? DDB_MAX_WINDOW : FIRST_WINDOW;
}

/*
 * Executor callback: starts PostgreSQL's nested loop and puts the feeds
 * between it and its children.  Nothing more is done for EXPLAIN alone.
 */
static void
begin_concurrent_loop(CustomScanState *node, EState *estate, int eflags)
{
	ConcurrentLoopState *state = (ConcurrentLoopState *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;
	PlanState *inner;

	eflags &= ~(EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK);
	state->wants_all = linitial_int(plan->custom_private) != 0;
	state->loop =
		castNode(NestLoopState,
				 ExecInitNode(linitial(plan->custom_plans), estate, eflags));
	node->custom_ps = list_make1(state->loop);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	state->outer = outerPlanState(state->loop);
	inner = state->lanes[0].plan = innerPlanState(state->loop);
	init_feed(state, &state->outer_feed, state->outer, next_outer);
	init_feed(state, &state->inner_feed, inner, next_inner);
	create_memo(state);
	state->known_slot = ExecInitExtraTupleSlot(
		estate, ExecGetResultType(inner), ExecGetResultSlotOps(inner, NULL));
	reset_rows(state);
}

/*
 * Executor callback: the next joined row.  The loop has the feeds as its
 * children only while it runs, since others walk the tree too.
 */
static TupleTableSlot *
exec_concurrent_loop(CustomScanState *node)
{
	ConcurrentLoopState *state = (ConcurrentLoopState *) node;
	PlanState *loop = &state->loop->js.ps;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	TupleTableSlot *slot;

	outerPlanState(loop) = &state->outer_feed.custom.ss.ps;
	innerPlanState(loop) = &state->inner_feed.custom.ss.ps;
	slot = ExecProcNode(loop);
	outerPlanState(loop) = state->outer;
	innerPlanState(loop) = state->lanes[0].plan;
	if (TupIsNull(slot) || node->ss.ps.ps_ProjInfo == NULL)
		return slot;
	ResetExprContext(econtext);
	econtext->ecxt_scantuple = slot;
	return ExecProject(node->ss.ps.ps_ProjInfo);
}

/*
 * Executor callback: cancels what is under way.  Remembered runs are dropped
 * only if other parameters than the outer row's have changed.
 */
static void
rescan_concurrent_loop(CustomScanState *node)
{
	ConcurrentLoopState *state = (ConcurrentLoopState *) node;
	PlanState *loop = &state->loop->js.ps;

	if (node->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(loop, node->ss.ps.chgParam);
	for (int i = 0; i < LANES; i++)
	{
		Lane *lane = &state->lanes[i];

		if (lane->busy)
			ddb_scan_cancel(lane->scan);
		if (i > 0 && lane->plan != NULL && node->ss.ps.chgParam != NULL)
			UpdateChangedParamSet(lane->plan, node->ss.ps.chgParam);
	}
	ExecReScan(loop);
	reset_rows(state);
	if (state->memo != NULL && state->lanes[0].plan->chgParam != NULL)
		ddb_run_memo_reset(state->memo);
}

/* Executor callback: ends the loop, and the copies of its inner side. */
static void
end_concurrent_loop(CustomScanState *node)
{
	ConcurrentLoopState *state = (ConcurrentLoopState *) node;

	ExecEndNode(&state->loop->js.ps);
	for (int i = 1; i < LANES; i++)
		ExecEndNode(state->lanes[i].plan);
}

/* ---- EXPLAIN ---- */

/* Adds what a lane's nodes did to the nodes that EXPLAIN shows. */
static void
move_instrumentation(const ConcurrentLoopState *state, Lane *lane)
{
	PlanState *to = state->lanes[0].plan;
	PlanState *from = lane->plan;

	for (; from != NULL; from = child_of(from), to = child_of(to))
	{
		if (from->instrument == NULL)
			continue;
		InstrEndLoop(from->instrument);
		InstrAggNode(to->instrument, from->instrument);
		InstrInit(from->instrument, from->state->es_instrument);
	}
}

/*
 * EXPLAIN callback: adds up what the copies did, and shows how many ran and
 * how many at once.
 */
static void
explain_concurrent_loop(CustomScanState *node, List *ancestors,
						ExplainState *es)
{
	ConcurrentLoopState *state = (ConcurrentLoopState *) node;

	(void) ancestors;
	if (!es->analyze)
		return;
	for (int i = 1; i < LANES; i++)
		if (state->lanes[i].scan != NULL)
			move_instrumentation(state, &state->lanes[i]);
	ExplainPropertyInteger("Keys", NULL, state->runs, es);
	ExplainPropertyInteger("Concurrency", NULL, state->concurrency, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = DDB_CONCURRENT_LOOP_NAME,
	.BeginCustomScan = begin_concurrent_loop,
	.ExecCustomScan = exec_concurrent_loop,
	.ReScanCustomScan = rescan_concurrent_loop,
	.EndCustomScan = end_concurrent_loop,
	.ExplainCustomScan = explain_concurrent_loop,
};

/* CustomScan callback: an empty state, filled by begin_concurrent_loop(). */
static Node *
create_state(CustomScan *plan)
{
	ConcurrentLoopState *state = palloc0(sizeof(ConcurrentLoopState));

	(void) plan;
	state->custom.ss.ps.type = T_CustomScanState;
	state->custom.methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods ddb_concurrent_loop_scan_methods = {
	.CustomName = DDB_CONCURRENT_LOOP_NAME,
	.CreateCustomScanState = create_state,
};
