/* SPDX-License-Identifier: PostgreSQL */
/*
 * batch_join_exec.c
 *		Runs batched joins: reads outer rows, looks up their keys together, and
 *		hands out the matches in the order of the outer rows.
 *
 * While keys are looked up, the next outer rows are read, unless few rows are
 * wanted.  A batch ends when it has enough new keys, or its rows take too much of
 * work_mem.  Rows found stay for the next batch, until they take too much.  If
 * a look-up brings more than fits, it is given up and made again with fewer
 * keys; only one key's rows are kept whatever they take.
 */
#include "postgres.h"

#include "join/batch_join_exec.h"

#include "compat.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "join/batch_join_plan.h"
#include "join/batch_keys.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "scan/scan.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"

/* Outer rows read for a key at most: more are no use before it is looked up. */
#define ROWS_PER_KEY 16
#define MOST_ROWS ((int64) DDB_MAX_BATCH_JOIN_KEYS * ROWS_PER_KEY)

/* Shares of work_mem. */
#define OUTER_SHARE 0.25 /* outer rows and keys of a batch */
#define KEPT_SHARE 0.25 /* rows kept from earlier look-ups */
#define FOUND_SHARE 0.5 /* rows that a look-up is sized to bring */
#define MOST_SHARE 0.75 /* rows that it may bring */

typedef struct OuterRow
{
	MinimalTuple tuple;
	DdbBatchKey *key; /* NULL: it matches nothing */
} OuterRow;

/* Outer rows that are joined together. */
typedef struct OuterRows
{
	MemoryContext context;
	OuterRow *items;
	int n;
	int room;
	int next; /* the one to be joined next */
	Size bytes;
} OuterRows;

typedef struct BatchJoinState
{
	CustomScanState custom; /* first: this is a node */
	DdbBatchJoin join;
	PlanState *outer;
	ForeignScanState *inner;
	bool inner_is_volatile; /* the same key may find other rows next time */
	DdbBatchKeys *keys;
	ExprState *clauses; /* what must hold besides equal keys */
	TupleTableSlot *outer_slot; /* the outer row that is being joined */
	TupleTableSlot *inner_slot;
	int max_keys; /* to look up at once, from now on */
	int64 max_rows; /* to read for them */

	/* outer rows */
	OuterRows rows;
	OuterRows ahead; /* read while keys of rows were looked up */
	uint64 batch; /* number of the one read last */
	bool outer_done;
	MemoryContext fetch_context; /* of one look-up */

	/* the outer row that is being joined */
	bool joining;
	bool matched;
	DdbFoundRow *found; /* what is left of its key's rows */

	/* for EXPLAIN ANALYZE */
	int64 batches; /* look-ups */
	int64 keys_sent;
} BatchJoinState;

/* A look-up under way. */
typedef struct Fetch
{
	DdbBatchKey **keys;
	int nkeys;
	Datum *values; /* rows of them, as the scan wants them */
	int nrows; /* of values: more than keys, where keys have several ranges */
} Fetch;

static Size
memory_share(double share)
{
	return (Size) (work_mem * 1024.0 * share);
}

/* ---- joined rows ---- */

/*
 * The joined row in the scan's slot: the outer row with an inner one, or with
 * NULLs if inner is NULL. It points into both.
 */
static TupleTableSlot *
compose(BatchJoinState *state, TupleTableSlot *outer, TupleTableSlot *inner)
{
	TupleTableSlot *slot = state->custom.ss.ss_ScanTupleSlot;
	int nouter = outer->tts_tupleDescriptor->natts;
	int ninner = slot->tts_tupleDescriptor->natts - nouter;

	ExecClearTuple(slot);
	slot_getallattrs(outer);
	memcpy(slot->tts_values, outer->tts_values, sizeof(Datum) * nouter);
	memcpy(slot->tts_isnull, outer->tts_isnull, sizeof(bool) * nouter);
	if (inner == NULL)
	{
		memset(&slot->tts_values[nouter], 0, sizeof(Datum) * ninner);
		memset(&slot->tts_isnull[nouter], true, sizeof(bool) * ninner);
		return ExecStoreVirtualTuple(slot);
	}
	slot_getallattrs(inner);
	memcpy(&slot->tts_values[nouter], inner->tts_values,
		   sizeof(Datum) * ninner);
	memcpy(&slot->tts_isnull[nouter], inner->tts_isnull, sizeof(bool) * ninner);
	return ExecStoreVirtualTuple(slot);
}

/* ---- outer rows ---- */

/*
 * The key of an outer row, new or known; NULL when a value of it is NULL, so
 * that nothing can match.
 */
static DdbBatchKey *
key_of(BatchJoinState *state, TupleTableSlot *slot)
{
	ExprContext *econtext = state->custom.ss.ps.ps_ExprContext;
	MemoryContext old;
	DdbBatchKey *key;

	ResetExprContext(econtext);
	econtext->ecxt_scantuple = compose(state, slot, NULL);
	old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	key = ddb_batch_keys_enter(state->keys, econtext);
	MemoryContextSwitchTo(old);
	return key;
}

/*
 * Appends a copy of the outer row with its key.  Memory is counted, as the
 * batch ends at a share of work_mem.
 */
static void
keep_row(OuterRows *rows, TupleTableSlot *slot, DdbBatchKey *key)
{
	MemoryContext old = MemoryContextSwitchTo(rows->context);
	OuterRow *row;

	if (rows->n == rows->room)
	{
		rows->room = Max(64, rows->room * 2);
		rows->items =
			rows->items == NULL
				? palloc(sizeof(OuterRow) * rows->room)
				: repalloc_huge(rows->items, sizeof(OuterRow) * rows->room);
	}
	row = &rows->items[rows->n++];
	row->tuple = ExecCopySlotMinimalTuple(slot);
	row->key = key;
	rows->bytes += row->tuple->t_len + sizeof(OuterRow);
	MemoryContextSwitchTo(old);
}

/* Frees the rows and starts an empty list; the context itself stays. */
static void
forget_rows(OuterRows *rows)
{
	MemoryContextReset(rows->context);
	rows->items = NULL;
	rows->n = 0;
	rows->room = 0;
	rows->next = 0;
	rows->bytes = 0;
}

/*
 * True if the key must be looked up in this batch: it is not known from
 * before, and not counted yet.
 */
static bool
is_news(const BatchJoinState *state, DdbBatchKey *key)
{
	bool known = key->batch == state->batch && state->keys->nranges == 0;

	key->batch = state->batch;
	return !known && !key->wanted &&
		   !ddb_batch_key_is_fetched(state->keys, key);
}

static bool
wants_all(const BatchJoinState *state)
{
	return state->join.first_keys == DDB_MAX_BATCH_JOIN_KEYS;
}

/* Where few rows may be wanted, few are read at first, even if keys repeat. */
static int64
most_rows_first(const BatchJoinState *state)
{
	return wants_all(state) ? MOST_ROWS : state->join.first_keys;
}

static bool
has_room(const BatchJoinState *state)
{
	return state->rows.bytes + state->ahead.bytes + state->keys->key_bytes <
		   memory_share(OUTER_SHARE);
}

/* Reads outer rows until there are enough keys, or as many as there is room for. */
static void
read_rows(BatchJoinState *state, OuterRows *rows)
{
	bool unmatched_matter =
		state->join.jointype == JOIN_LEFT || state->join.jointype == JOIN_ANTI;
	int nkeys = 0;

	forget_rows(rows);
	state->batch++;
	while (!state->outer_done && nkeys < state->max_keys &&
		   rows->n <
			   Min(state->max_rows, (int64) state->max_keys * ROWS_PER_KEY) &&
		   (rows->n == 0 || has_room(state)))
	{
		TupleTableSlot *slot = ExecProcNode(state->outer);
		DdbBatchKey *key;

		CHECK_FOR_INTERRUPTS();
		if (TupIsNull(slot))
		{
			state->outer_done = true;
			break;
		}
		key = key_of(state, slot);
		if (key != NULL && is_news(state, key))
			nkeys++;
		if (key != NULL || unmatched_matter)
			keep_row(rows, slot, key);
	}
	state->max_rows = Min(state->max_rows * 2, MOST_ROWS);
}

/*
 * While keys are being looked up: only if all rows will be wanted, and not
 * where keys have ranges, which are looked up with the rows they come from.
 */
static void
read_ahead(BatchJoinState *state)
{
	if (wants_all(state) && state->keys->nranges == 0 && state->ahead.n == 0 &&
		has_room(state))
		read_rows(state, &state->ahead);
}

/*
 * Makes the rows that were read ahead the next batch, or reads one.  False
 * when there are no more rows.  Keys are forgotten when they take too much
 * memory.
 */
static bool
next_batch(BatchJoinState *state)
{
	if (state->ahead.n > 0)
	{
		OuterRows done = state->rows;

		state->rows = state->ahead;
		state->ahead = done;
		forget_rows(&state->ahead);
		return true;
	}
	if (state->keys->nranges > 0 ||
		state->keys->key_bytes > memory_share(OUTER_SHARE) / 2)
		ddb_batch_keys_reset(state->keys);
	read_rows(state, &state->rows);
	return state->rows.n > 0;
}

/* ---- look-ups ---- */

/* The keys that are to be looked up, of the batch's rows from the next one on. */
static void
choose_keys(BatchJoinState *state, Fetch *fetch)
{
	int most = Min(Min(state->max_keys, ddb_scan_most_keys(state->inner)),
				   state->rows.n - state->rows.next);

	fetch->keys = palloc(sizeof(DdbBatchKey *) * most);
	for (int i = state->rows.next; i < state->rows.n && fetch->nkeys < most;
		 i++)
	{
		DdbBatchKey *key = state->rows.items[i].key;

		if (key == NULL || key->wanted ||
			ddb_batch_key_is_fetched(state->keys, key))
			continue;
		key->wanted = true;
		key->rows = NULL;
		fetch->keys[fetch->nkeys++] = key;
	}
}

/*
 * Appends the key's values, once with each of its ranges, and returns where
 * they end.
 */
static Datum *
add_values(const BatchJoinState *state, const DdbBatchKey *key, Datum *values)
{
	const DdbKeyRanges *ranges = key->ranges;

	do
	{
		ListCell *lc;

		foreach (lc, state->join.value_places)
		{
			int place = lfirst_int(lc);

			*values++ =
				place >= 0 ? key->values[place] : ranges->values[-1 - place];
		}
		ranges = ranges != NULL ? ranges->next : NULL;
	} while (ranges != NULL);
	return values;
}

/*
 * Puts the keys together as rows of values, which is how the scan takes them.
 */
static void
collect_values(const BatchJoinState *state, Fetch *fetch)
{
	Size width = list_length(state->join.value_places);
	Datum *end;

	for (int i = 0; i < fetch->nkeys; i++)
	{
		const DdbKeyRanges *ranges = fetch->keys[i]->ranges;

		do
		{
			fetch->nrows++;
			ranges = ranges != NULL ? ranges->next : NULL;
		} while (ranges != NULL);
	}
	fetch->values =
		palloc_extended(sizeof(Datum) * width * fetch->nrows, MCXT_ALLOC_HUGE);
	end = fetch->values;
	for (int i = 0; i < fetch->nkeys; i++)
		end = add_values(state, fetch->keys[i], end);
}

/*
 * Sends the first requests of a look-up.  Where EvalPlanQual checks a row again
 * that has changed meanwhile, the children give what was joined before: whether
 * the scan is to ask at all, only PostgreSQL knows.
 */
static void
begin_fetch(BatchJoinState *state, const Fetch *fetch)
{
	ddb_scan_set_keys(state->inner, fetch->values, fetch->nrows);
	ExecReScan(&state->inner->ss.ps);
	if (state->inner->ss.ps.state->es_epq_active == NULL)
		(void) ddb_scan_send(state->inner, DDB_MAX_WINDOW);
	state->batches++;
	state->keys_sent += fetch->nrows;
}

/*
 * Reads what the scan finds and gives it to the keys.  False, with the scan
 * cancelled, when it takes too much memory and there are fewer keys to be
 * tried with.
 */
static bool
read_found(BatchJoinState *state, const Fetch *fetch)
{
	ExprContext *econtext = state->custom.ss.ps.ps_ExprContext;
	PlanState *inner = &state->inner->ss.ps;

	for (;;)
	{
		TupleTableSlot *slot = ExecProcNode(inner);
		MemoryContext old;

		if (TupIsNull(slot))
			return true;
		ResetExprContext(econtext);
		old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
		ddb_batch_keys_add_row(state->keys, slot);
		MemoryContextSwitchTo(old);
		if (fetch->nkeys > 1 &&
			state->keys->row_bytes > memory_share(MOST_SHARE))
		{
			ExecReScan(inner);
			return false;
		}
	}
}

/* Ends a look-up: its keys are fetched, or are to be looked up again. */
static void
finish_fetch(BatchJoinState *state, const Fetch *fetch, bool complete)
{
	for (int i = 0; i < fetch->nkeys; i++)
	{
		fetch->keys[i]->wanted = false;
		if (complete)
			fetch->keys[i]->generation = state->keys->generation;
	}
}

/*
 * Settles how many keys the next look-up has, by how much memory this one
 * took.
 */
static void
adapt(BatchJoinState *state, const Fetch *fetch, Size bytes)
{
	double fit = DDB_MAX_BATCH_JOIN_KEYS;

	if (bytes > 0)
		fit = memory_share(FOUND_SHARE) * (double) fetch->nkeys / bytes;
	if (fetch->nkeys >= state->max_keys)
		state->max_keys *= 2;
	state->max_keys =
		(int) Max(1, Min(Min(state->max_keys, DDB_MAX_BATCH_JOIN_KEYS), fit));
}

/* After a look-up that brought too much: as many as would have fitted. */
static void
shrink(BatchJoinState *state, const Fetch *fetch)
{
	int seen = 0;

	for (int i = 0; i < fetch->nkeys; i++)
		if (fetch->keys[i]->rows != NULL)
			seen++;
	state->max_keys = Max(1, Min(fetch->nkeys / 2, seen / 2));
}

/* Looks up the next row's key, and as many keys after it as may be together. */
static void
look_up(BatchJoinState *state)
{
	bool complete = false;

	if (state->keys->row_bytes > memory_share(KEPT_SHARE))
		ddb_batch_keys_forget_rows(state->keys);
	while (!complete)
	{
		Fetch fetch = {0};
		Size before = state->keys->row_bytes;
		MemoryContext old;

		MemoryContextReset(state->fetch_context);
		old = MemoryContextSwitchTo(state->fetch_context);
		choose_keys(state, &fetch);
		collect_values(state, &fetch);
		MemoryContextSwitchTo(old);
		begin_fetch(state, &fetch);
		read_ahead(state);
		complete = read_found(state, &fetch);
		if (complete)
			adapt(state, &fetch, state->keys->row_bytes - before);
		else
			shrink(state, &fetch);
		finish_fetch(state, &fetch, complete);
		if (!complete)
			ddb_batch_keys_forget_rows(state->keys);
	}
}

/* ---- the join ---- */

/*
 * Goes on to the next outer row, and looks keys up if its own is not known.
 * False when there is none.
 */
static bool
next_outer(BatchJoinState *state)
{
	OuterRow *row;

	if (state->rows.next >= state->rows.n && !next_batch(state))
		return false;
	row = &state->rows.items[state->rows.next];
	if (row->key != NULL && !ddb_batch_key_is_fetched(state->keys, row->key))
		look_up(state);
	state->rows.next++;
	ExecStoreMinimalTuple(row->tuple, state->outer_slot, false);
	state->found = row->key != NULL ? row->key->rows : NULL;
	state->matched = false;
	state->joining = true;
	return true;
}

/*
 * The outer row joined with the next row that it matches; NULL when there are
 * no more.
 */
static TupleTableSlot *
next_match(BatchJoinState *state)
{
	ExprContext *econtext = state->custom.ss.ps.ps_ExprContext;

	while (state->found != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		ResetExprContext(econtext);
		ExecStoreMinimalTuple(state->found->tuple, state->inner_slot, false);
		state->found = state->found->next;
		econtext->ecxt_scantuple =
			compose(state, state->outer_slot, state->inner_slot);
		if (ExecQual(state->clauses, econtext))
			return econtext->ecxt_scantuple;
	}
	return NULL;
}

/* The next row of the outer row that is being joined; NULL when it is done. */
static TupleTableSlot *
next_of_outer(BatchJoinState *state)
{
	TupleTableSlot *slot = next_match(state);
	bool unmatched = slot == NULL && !state->matched;

	state->matched |= slot != NULL;
	switch (state->join.jointype)
	{
		case JOIN_SEMI:
			state->joining = false;
			return slot;
		case JOIN_ANTI:
			state->joining = false;
			return unmatched ? compose(state, state->outer_slot, NULL) : NULL;
		case JOIN_LEFT:
			state->joining = slot != NULL;
			return unmatched ? compose(state, state->outer_slot, NULL) : slot;
		default:
			state->joining = slot != NULL;
			return slot;
	}
}

/*
 * Executor callback: the next joined row, NULL at the end.  Reads and looks up
 * a batch whenever the last one is used up.
 */
static TupleTableSlot *
exec_batch_join(CustomScanState *node)
{
	BatchJoinState *state = (BatchJoinState *) node;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;

	for (;;)
	{
		TupleTableSlot *slot;

		CHECK_FOR_INTERRUPTS();
		if (!state->joining && !next_outer(state))
			return NULL;
		slot = next_of_outer(state);
		if (slot == NULL)
			continue;
		ResetExprContext(econtext);
		econtext->ecxt_scantuple = slot;
		if (!ExecQual(node->ss.ps.qual, econtext))
			InstrCountFiltered1(node, 1);
		else if (node->ss.ps.ps_ProjInfo != NULL)
			return ExecProject(node->ss.ps.ps_ProjInfo);
		else
			return slot;
	}
}

/* ---- beginning and end ---- */

/* No more keys than the plan says first, and than memory holds. */
static int
most_keys_first(const BatchJoinState *state)
{
	double fit =
		(double) memory_share(FOUND_SHARE) / Max(state->join.bytes_per_key, 1);

	return (int) Max(1, Min(state->join.first_keys, fit));
}

/*
 * Executor callback: starts both children.  The first batch is small if a
 * LIMIT may want few rows.  Contexts hang below the query's.
 */
static void
begin_batch_join(CustomScanState *node, EState *estate, int eflags)
{
	BatchJoinState *state = (BatchJoinState *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;
	List *exprs = plan->custom_exprs;

	eflags &= ~(EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK);
	ddb_batch_join_deserialize(plan->custom_private, &state->join);
	state->outer = ExecInitNode(linitial(plan->custom_plans), estate, eflags);
	state->inner =
		castNode(ForeignScanState,
				 ExecInitNode(lsecond(plan->custom_plans), estate, eflags));
	node->custom_ps = list_make2(state->outer, state->inner);
	state->inner_is_volatile =
		contain_volatile_functions((Node *) state->inner->ss.ps.plan->qual);
	state->keys = ddb_batch_keys_create(&node->ss.ps,
										list_nth(exprs, DDB_BATCH_HASH_CLAUSES),
										list_nth(exprs, DDB_BATCH_RANGES),
										ExecGetResultType(state->outer)->natts);
	state->clauses =
		ExecInitQual(list_nth(exprs, DDB_BATCH_JOIN_CLAUSES), &node->ss.ps);
	state->outer_slot = MakeSingleTupleTableSlot(
		ExecGetResultType(state->outer), &TTSOpsMinimalTuple);
	state->inner_slot = MakeSingleTupleTableSlot(
		ExecGetResultType(&state->inner->ss.ps), &TTSOpsMinimalTuple);
	state->rows.context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw join batch", ALLOCSET_DEFAULT_SIZES);
	state->ahead.context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw join ahead", ALLOCSET_DEFAULT_SIZES);
	state->fetch_context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw join look-up", ALLOCSET_DEFAULT_SIZES);
	state->max_keys = most_keys_first(state);
	state->max_rows = most_rows_first(state);
}

/*
 * Executor callback.  Rows that were looked up stay known unless the inner
 * side depends on parameters that changed, or is volatile.
 */
static void
rescan_batch_join(CustomScanState *node)
{
	BatchJoinState *state = (BatchJoinState *) node;

	if (node->ss.ps.chgParam != NULL)
	{
		UpdateChangedParamSet(state->outer, node->ss.ps.chgParam);
		UpdateChangedParamSet(&state->inner->ss.ps, node->ss.ps.chgParam);
	}
	/* The inner scan starts anew with each look-up. */
	if (state->outer->chgParam == NULL)
		ExecReScan(state->outer);
	if (state->inner->ss.ps.chgParam != NULL || state->inner_is_volatile)
		ddb_batch_keys_reset(state->keys);
	forget_rows(&state->rows);
	forget_rows(&state->ahead);
	state->outer_done = false;
	state->joining = false;
	state->max_keys = Min(state->max_keys, most_keys_first(state));
	state->max_rows = most_rows_first(state);
}

/*
 * Executor callback: ends both children.  Memory goes with the query's
 * context.
 */
static void
end_batch_join(CustomScanState *node)
{
	BatchJoinState *state = (BatchJoinState *) node;

	ExecDropSingleTupleTableSlot(state->outer_slot);
	ExecDropSingleTupleTableSlot(state->inner_slot);
	ExecEndNode(state->outer);
	ExecEndNode(&state->inner->ss.ps);
}

/* ---- EXPLAIN ---- */

/* The join type as EXPLAIN shows it. */
static const char *
join_type_name(JoinType jointype)
{
	switch (jointype)
	{
		case JOIN_LEFT:
			return "Left";
		case JOIN_SEMI:
			return "Semi";
		case JOIN_ANTI:
			return "Anti";
		default:
			return "Inner";
	}
}

/*
 * Shows the clauses joined by AND, as the query wrote them.  Nothing if there
 * are none.
 */
static void
show_clauses(const char *label, List *clauses, CustomScanState *node,
			 List *ancestors, ExplainState *es)
{
	List *context;

	if (clauses == NIL)
		return;
	context =
		set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, ancestors);
	ExplainPropertyText(label,
						deparse_expression((Node *) make_ands_explicit(clauses),
										   context, true, false),
						es);
}

/*
 * EXPLAIN callback: the join's type and conditions, and with ANALYZE how often
 * and how many keys were looked up.
 */
static void
explain_batch_join(CustomScanState *node, List *ancestors, ExplainState *es)
{
	BatchJoinState *state = (BatchJoinState *) node;
	List *exprs = ((CustomScan *) node->ss.ps.plan)->custom_exprs;

	ExplainPropertyText("Join Type", join_type_name(state->join.jointype), es);
	show_clauses("Hash Cond", list_nth(exprs, DDB_BATCH_HASH_CLAUSES), node,
				 ancestors, es);
	show_clauses("Join Filter", list_nth(exprs, DDB_BATCH_JOIN_CLAUSES), node,
				 ancestors, es);
	if (es->analyze)
	{
		ExplainPropertyInteger("Batches", NULL, state->batches, es);
		ExplainPropertyInteger("Keys", NULL, state->keys_sent, es);
	}
}

static const CustomExecMethods exec_methods = {
	.CustomName = DDB_BATCH_JOIN_NAME,
	.BeginCustomScan = begin_batch_join,
	.ExecCustomScan = exec_batch_join,
	.ReScanCustomScan = rescan_batch_join,
	.EndCustomScan = end_batch_join,
	.ExplainCustomScan = explain_batch_join,
};

/* CustomScan callback: an empty state, filled by begin_batch_join(). */
static Node *
create_state(CustomScan *plan)
{
	BatchJoinState *state = palloc0(sizeof(BatchJoinState));

	(void) plan;
	state->custom.ss.ps.type = T_CustomScanState;
	state->custom.methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods ddb_batch_join_scan_methods = {
	.CustomName = DDB_BATCH_JOIN_NAME,
	.CreateCustomScanState = create_state,
};
