/* SPDX-License-Identifier: PostgreSQL */
/*
 * rescan.c
 *		Scans that run several times within their statement read nothing twice.
 *
 * Rows are kept by the values that the scan ran with: parameters that come from
 * rows further out.  A run with values that were there before gives the rows
 * that they gave.  Where only conditions of the filter change, the units are
 * spent on items that fail them: so one wider run, without these conditions, is
 * kept, and they are checked here.
 *
 * Kept is what a run after the first gives, and of the first where the planner
 * or the executor has said that there will be more.  It takes as much memory as
 * a hash table may.  What is larger goes to disk if it is known to be wanted
 * again, and else is not kept.
 *
 * Nothing is kept where somebody else keeps it (batched joins, concurrent loops,
 * snapshots), where processes share a Scan, and of what writes.
 */
#include "postgres.h"

#include "scan/rescan.h"

#include "executor/executor.h"
#include "kept/kept_runs.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "scan/async.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

/*
 * So large a table is read whole, and kept on disk, at the first of several
 * runs.  Of a larger one the first run is as narrow as it can be, since there
 * might be no other.
 */
#define AT_ONCE_BYTES (64.0 * 1024 * 1024)

/*
 * And so much of a partition, by the planner's estimate, at the first run with
 * its key: it costs as many units, and little more time.
 */
#define PARTITION_AT_ONCE_BYTES (256.0 * 1024)

/* Rows of a run that was left early are compared one by one when it goes on. */
#define MOST_COMPARED 100

typedef struct DdbRescan
{
	/* parameters that rows depend on: first those that runs are known by */
	int *ids;
	ExprState **parameters;
	DdbMemoType *types;
	int n;
	int nkeys;
	Bitmapset **of_value; /* [position in fdw_exprs]: their numbers */

	bool is_expected; /* that the scan runs again */
	bool may_widen;
	bool keys_repeat; /* with other conditions */
	bool keeps_nothing;
	int64 runs; /* begun so far */
	MemoryContext context; /* for as long as the query */
	DdbKeptRuns *kept; /* NULL until something is kept */

	/* the run */
	bool records; /* it is under way, and its rows are kept */
	bool waits; /* whether it goes on depends on values that come */
	bool goes_on; /* it is to begin anew, for rows behind those it gave */
	int met; /* rows that were given before that … */
	bool *is_met; /* … and which of them have come again */

	DdbRescanCounters counters;
} DdbRescan;

static DdbRescan *
rescan_of(const ForeignScanState *node)
{
	return ((DdbScanState *) node->fdw_state)->rescan;
}

/* ---- what rows depend on ---- */

/* Adds parameters of the expression to the list, each once. */
static bool
find_parameters(Node *node, List **found)
{
	ListCell *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Param) || ((Param *) node)->paramkind != PARAM_EXEC)
		return expression_tree_walker(node, find_parameters, found);
	foreach (lc, *found)
		if (lfirst_node(Param, lc)->paramid == ((Param *) node)->paramid)
			return false;
	*found = lappend(*found, node);
	return false;
}

static void
add_position(Bitmapset **positions, int position)
{
	if (position >= 0)
		*positions = bms_add_member(*positions, position);
}

/*
 * Adds the values of a filter's conditions to positions; to fixed those of
 * conditions that must not be checked here of other items than DynamoDB finds:
 * casts that may fail.
 */
static void
filter_positions(const DdbFilter *filter, Bitmapset **positions,
				 Bitmapset **fixed)
{
	const DdbCondition *condition = &filter->condition;
	ListCell *lc;

	foreach (lc, filter->children)
		filter_positions((const DdbFilter *) lfirst(lc), positions, fixed);
	if (filter->kind != DDB_FILTER_CONDITION)
		return;
	if (condition->access == DDB_ACCESS_NUMBER ||
		condition->access == DDB_ACCESS_TEXT_NUMBER)
		positions = fixed;
	add_position(positions, condition->value);
	add_position(positions, condition->view);
}

/* The same of key conditions. */
static void
key_positions(const DdbAccessPlan *plan, Bitmapset **positions)
{
	ListCell *lc;

	foreach (lc, plan->keys.alternatives)
	{
		ListCell *inner;

		foreach (inner, (List *) lfirst(lc))
		{
			const DdbCondition *condition = (DdbCondition *) lfirst(inner);

			add_position(positions, condition->value);
			add_position(positions, condition->view);
		}
	}
}

/*
 * The positions of values that stand in conditions only, which can be checked
 * here.  Of a Scan, what is said of keys is a condition as well.
 */
static Bitmapset *
condition_positions(const DdbAccessPlan *plan)
{
	Bitmapset *positions = NULL;
	Bitmapset *fixed = NULL;

	if (plan->filter.pushed != NULL)
		filter_positions(plan->filter.pushed, &positions, &fixed);
	key_positions(plan, plan->operation == DDB_OP_SCAN ? &positions : &fixed);
	add_position(&fixed, plan->limit.count);
	add_position(&fixed, plan->limit.offset);
	add_position(&fixed, plan->fetch.entry_filter);
	return bms_del_members(positions, fixed);
}

/* True if rows may be read without conditions, which are then checked here. */
static bool
may_widen(const DdbScanState *state)
{
	const DdbAccessPlan *plan = state->plan;
	List *columns = list_concat_copy(plan->projection.columns,
									 plan->projection.recheck_columns);
	ListCell *lc;

	if (plan->fetch.plan != NULL || plan->skip.is_wanted ||
		plan->keys.rows_per_key > 0 || plan->counts.are_by_partition ||
		plan->operation == DDB_OP_GET_ITEM)
		return false;
	/* Misfits of items that nobody asked for must be told without an error. */
	foreach (lc, columns)
		if (ddb_codec_catches_misfits(
				ddb_codec_set_get(state->codecs, lfirst_int(lc))))
			return false;
	return true;
}

/*
 * Numbers the parameters: those that must be as they were, then those of
 * conditions only.
 */
static void
collect_parameters(ForeignScanState *node, DdbRescan *rescan)
{
	const DdbScanState *state = (DdbScanState *) node->fdw_state;
	const DdbAccessPlan *plan = state->plan;
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;
	Bitmapset *conditions = condition_positions(plan);
	List *keys = NIL;
	List *others = NIL;
	List *all;
	int position = 0;
	int n;
	ListCell *lc;

	foreach (lc, scan->fdw_exprs)
		(void) find_parameters((Node *) lfirst(lc),
							   bms_is_member(position++, conditions) ? &others
																	 : &keys);
	/* Those in doubt are keys. */
	all = list_concat_copy(keys, others);
	n = list_length(all);
	(void) find_parameters((Node *) scan->fdw_recheck_quals, &all);
	keys = list_concat(keys, list_copy_tail(all, n));
	rescan->nkeys = list_length(keys);
	/* LIMIT counts what passes the local filter. */
	if (plan->limit.count >= 0 || plan->limit.hint >= 0)
		(void) find_parameters((Node *) scan->scan.plan.qual, &others);
	foreach (lc, others)
		(void) find_parameters((Node *) lfirst(lc), &keys);

	rescan->n = list_length(keys);
	rescan->ids = palloc(sizeof(int) * Max(rescan->n, 1));
	rescan->parameters = palloc(sizeof(ExprState *) * Max(rescan->n, 1));
	rescan->types = palloc(sizeof(DdbMemoType) * Max(rescan->n, 1));
	for (int i = 0; i < rescan->n; i++)
	{
		Param *param = list_nth_node(Param, keys, i);

		rescan->ids[i] = param->paramid;
		rescan->parameters[i] = ExecInitExpr((Expr *) param, &node->ss.ps);
		get_typlenbyval(param->paramtype, &rescan->types[i].len,
						&rescan->types[i].byval);
	}
}

/* Which parameters the plan's values are made of. */
static void
collect_values(const ForeignScan *scan, DdbRescan *rescan)
{
	int position = 0;
	ListCell *lc;

	rescan->of_value =
		palloc0(sizeof(Bitmapset *) * Max(list_length(scan->fdw_exprs), 1));
	foreach (lc, scan->fdw_exprs)
	{
		List *found = NIL;
		ListCell *inner;

		(void) find_parameters((Node *) lfirst(lc), &found);
		foreach (inner, found)
			for (int i = 0; i < rescan->n; i++)
				if (rescan->ids[i] == lfirst_node(Param, inner)->paramid)
					rescan->of_value[position] =
						bms_add_member(rescan->of_value[position], i);
		position++;
	}
}

/*
 * Costs nothing until the scan runs again, but where more runs are expected.
 * Everything lives as long as the query.
 */
void
ddb_rescan_begin(ForeignScanState *node, int eflags)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;
	const DdbAccessPlan *plan = state->plan;
	DdbRescan *rescan;

	if (plan->keys.batch_values != NIL || plan->source.is_snapshot ||
		plan->write != NULL || state->sharing != NULL ||
		node->ss.ps.state->es_epq_active != NULL)
		return;
	rescan = palloc0(sizeof(DdbRescan));
	rescan->context = CurrentMemoryContext;
	rescan->is_expected =
		plan->runs.are_expected || (eflags & EXEC_FLAG_REWIND) != 0;
	state->rescan = rescan;
}

/* What it takes when rows are to be kept, at the first such run. */
static void
prepare(ForeignScanState *node, DdbRescan *rescan)
{
	MemoryContext old = MemoryContextSwitchTo(rescan->context);

	collect_parameters(node, rescan);
	collect_values((ForeignScan *) node->ss.ps.plan, rescan);
	rescan->may_widen = rescan->n > rescan->nkeys &&
						may_widen((const DdbScanState *) node->fdw_state);
	rescan->kept =
		ddb_kept_create(rescan->types, rescan->n, rescan->nkeys,
						node->ss.ss_ScanTupleSlot->tts_tupleDescriptor);
	MemoryContextSwitchTo(old);
}

void
ddb_rescan_keep_nothing(ForeignScanState *node)
{
	DdbRescan *rescan = rescan_of(node);

	if (rescan != NULL)
		rescan->keeps_nothing = true;
}

/* ---- which run ---- */

static void
evaluate(ForeignScanState *node, DdbRescan *rescan)
{
	for (int i = 0; i < rescan->n; i++)
		rescan->kept->values[i] =
			ExecEvalExpr(rescan->parameters[i], node->ss.ps.ps_ExprContext,
						 &rescan->kept->isnull[i]);
}

/* True if the rows of the run that is wanted, or those to choose from, are known. */
static bool
is_known(const DdbKeptRuns *kept)
{
	const DdbKnown *known = ddb_kept_known(kept->run);

	if (!kept->run->complete && !known->is_enough)
		return false;
	for (int i = kept->nkeys; i < kept->n; i++)
		if (!known->is_dropped[i] && !ddb_kept_has_value(kept, i))
			return false;
	return true;
}

/*
 * Notes which parameters of conditions differ from run to run, by the plan.
 * False if none does; *with_keys says whether keys do, too.
 */
static bool
conditions_vary(const DdbAccessPlan *plan, DdbRescan *rescan, bool *with_keys)
{
	bool found = false;
	ListCell *lc;

	*with_keys = false;
	foreach (lc, plan->runs.varying)
	{
		const Bitmapset *parameters = rescan->of_value[lfirst_int(lc)];
		int i = -1;

		while ((i = bms_next_member(parameters, i)) >= 0)
		{
			if (i < rescan->nkeys)
				*with_keys = true;
			else
				rescan->kept->drops[i] = found = true;
		}
	}
	return found;
}

/* What reading the whole table takes, roughly. */
static double
table_units(const DdbAccessPlan *plan)
{
	return plan->estimate.table_bytes / DDB_UNIT_BYTES *
		   (plan->source.is_consistent ? 1.0 : 0.5);
}

/*
 * True if what a run with new keys reads is little enough to be read without
 * the conditions that change.
 */
static bool
widens_at_once(const DdbAccessPlan *plan, DdbRescan *rescan)
{
	double units = PARTITION_AT_ONCE_BYTES / DDB_UNIT_BYTES / 2;
	bool with_keys;

	if (!rescan->is_expected || !conditions_vary(plan, rescan, &with_keys))
		return false;
	if (!with_keys)
		return plan->estimate.table_bytes <= AT_ONCE_BYTES;
	return rescan->keys_repeat || plan->estimate.read_units <= units;
}

/*
 * True if it pays to read without the conditions that change.  Runs that end
 * early may be cheap: then only once they have cost as much as the whole.
 */
static bool
widens(const DdbScanState *state, DdbRescan *rescan)
{
	const DdbAccessPlan *plan = state->plan;
	const DdbKnown *known = ddb_kept_known(rescan->kept->run);
	bool is_limited = plan->limit.count >= 0 || plan->limit.hint >= 0;

	if (!rescan->may_widen ||
		(is_limited && ddb_relation_max_read_units(state->relation) > 0))
		return false;
	if (known->chosen == 1)
		return !is_limited && widens_at_once(plan, rescan);
	for (int i = rescan->nkeys; i < rescan->n; i++)
		rescan->kept->drops[i] |= !ddb_kept_has_value(rescan->kept, i);
	rescan->keys_repeat = true;
	return known->has_ended ||
		   (plan->operation == DDB_OP_SCAN &&
			state->counters->read_units >= table_units(plan));
}

/* The run that is wanted now; makes room for its rows. */
static DdbKeptRuns *
find_run(ForeignScanState *node, DdbRescan *rescan)
{
	DdbKeptRuns *kept;

	if (rescan->kept == NULL)
		prepare(node, rescan);
	kept = rescan->kept;
	evaluate(node, rescan);
	if (ddb_run_memo_is_full(kept->memo))
		ddb_kept_forget_all(kept);
	ddb_kept_known(ddb_kept_enter(kept))->chosen++;
	return kept;
}

DdbRerun
ddb_rescan_choose(ForeignScanState *node)
{
	const DdbScanState *state = (DdbScanState *) node->fdw_state;
	DdbRescan *rescan = state->rescan;
	DdbKeptRuns *kept;
	bool is_wide;

	if (rescan == NULL || rescan->keeps_nothing ||
		(rescan->runs++ == 0 && !rescan->is_expected))
		return DDB_RERUN_READS;
	if (rescan->goes_on)
	{
		rescan->goes_on = false;
		return DDB_RERUN_RECORDS;
	}
	rescan->met = 0;
	rescan->records = false;
	kept = find_run(node, rescan);
	if (is_known(kept))
	{
		rescan->counters.served++;
		ddb_kept_rewind(kept);
		return ddb_kept_known(kept->run)->is_wide ? DDB_RERUN_CHOOSES
												  : DDB_RERUN_KNOWS;
	}
	is_wide = widens(state, rescan);
	ddb_kept_begin(kept, is_wide);
	rescan->records = true;
	return is_wide ? DDB_RERUN_WIDENS : DDB_RERUN_RECORDS;
}

/* ---- rows ---- */

/* True if the run's rows are worth a file. */
static bool
may_spill(const DdbScanState *state)
{
	const DdbKeptRuns *kept = state->rescan->kept;
	const DdbKnown *known = ddb_kept_known(kept->run);

	if (known->is_wide)
		return true;
	return ddb_kept_is_large(kept) &&
		   (known->chosen > 1 ||
			(kept->nkeys == 0 &&
			 state->plan->estimate.table_bytes <= AT_ONCE_BYTES));
}

/* Keeps a row of the run, unless that has been given up. */
static void
keep_row(const DdbScanState *state, TupleTableSlot *slot)
{
	DdbRescan *rescan = state->rescan;

	if (!rescan->records)
		return;
	rescan->counters.rows++;
	if (ddb_kept_add(rescan->kept, slot))
		return;
	if (may_spill(state))
		ddb_kept_spill(rescan->kept);
	else
	{
		ddb_kept_give_up(rescan->kept);
		rescan->records = false;
	}
}

/* ---- runs that end early ---- */

/*
 * True if nobody will ask for more rows of this run: LIMIT has what it wants,
 * or one is enough.
 */
static bool
is_enough(const ForeignScanState *node)
{
	const DdbScanState *state = (DdbScanState *) node->fdw_state;
	const DdbAccessPlan *plan = state->plan;
	const DdbKeptRuns *kept = state->rescan->kept;
	int64 nrows = ddb_kept_known(kept->run)->nrows;

	if (nrows == 0 || nrows > MOST_COMPARED || kept->stored == kept->run ||
		(node->ss.ps.plan->qual != NIL && state->run.filter == NULL))
		return false;
	if (plan->limit.count >= 0)
		return !plan->limit.with_ties && state->run.rows_wanted >= 0 &&
			   nrows >= state->run.rows_wanted;
	return plan->limit.hint == 1;
}

/* The run is left before its end. */
static void
leave_run(ForeignScanState *node)
{
	DdbRescan *rescan = rescan_of(node);

	rescan->records = false;
	if (is_enough(node))
		ddb_kept_known(rescan->kept->run)->is_enough = true;
	else
		ddb_kept_forget_rows(rescan->kept);
}

bool
ddb_rescan_waits(DdbScanState *state)
{
	DdbRescan *rescan = state->rescan;

	if (rescan == NULL || !rescan->records || !state->run.started)
		return false;
	rescan->waits = true;
	return true;
}

/* True if the run that is under way has the values of now. */
static bool
is_same_run(const DdbKeptRuns *kept)
{
	for (int i = 0; i < kept->n; i++)
	{
		if (i >= kept->nkeys
				? !ddb_kept_has_value(kept, i)
				: (kept->isnull[i] != kept->run->isnull[i] ||
				   (!kept->isnull[i] &&
					!datum_image_eq(kept->values[i], kept->run->values[i],
									kept->types[i].byval, kept->types[i].len))))
			return false;
	}
	return true;
}

/* The values that a run began with have come again, or others have. */
bool
ddb_rescan_resumes(ForeignScanState *node)
{
	DdbRescan *rescan = rescan_of(node);

	if (rescan == NULL || !rescan->waits)
		return true;
	rescan->waits = false;
	evaluate(node, rescan);
	if (!is_same_run(rescan->kept))
	{
		leave_run(node);
		return false;
	}
	ddb_kept_known(rescan->kept->run)->chosen++;
	rescan->counters.served++;
	ddb_kept_rewind(rescan->kept);
	return true;
}

/*
 * The run begins anew, and what it gave is not given again: it is told by its
 * values.  Nothing is added to what is known.
 */
bool
ddb_rescan_goes_on(DdbScanState *state)
{
	DdbRescan *rescan = state->rescan;
	DdbKnown *known;

	if (rescan == NULL || rescan->kept == NULL || rescan->kept->run == NULL ||
		rescan->records || rescan->kept->run->complete)
		return false;
	known = ddb_kept_known(rescan->kept->run);
	if (!known->is_enough)
		return false;
	known->is_enough = false;
	rescan->goes_on = true;
	rescan->met = (int) known->nrows;
	rescan->is_met =
		MemoryContextAllocZero(rescan->context, sizeof(bool) * rescan->met);
	rescan->counters.served--;
	return true;
}

/* True if the row is one of those that were given before the run went on. */
static bool
was_given(DdbRescan *rescan, TupleTableSlot *slot)
{
	const DdbMemoRow *row = rescan->kept->run->rows;
	bool should_free;
	MinimalTuple tuple = ExecFetchSlotMinimalTuple(slot, &should_free);
	bool found = false;

	for (int i = 0; i < rescan->met && !found; i++, row = row->next)
	{
		found = !rescan->is_met[i] && row->tuple->t_len == tuple->t_len &&
				memcmp(row->tuple, tuple, tuple->t_len) == 0;
		rescan->is_met[i] |= found;
	}
	if (should_free)
		heap_free_minimal_tuple(tuple);
	return found;
}

/* ---- as sources of rows ---- */

/* True if no run has more than one row. */
static bool
is_one_item(const DdbAccessPlan *plan)
{
	return plan->operation == DDB_OP_GET_ITEM && !plan->keys.are_many;
}

/* The run has given all its rows. */
static void
finish_run(DdbRescan *rescan)
{
	DdbMemoRun *run = rescan->kept->run;

	if (run == NULL)
		return;
	ddb_kept_known(run)->has_ended = true;
	run->complete |= rescan->records;
	rescan->records = false;
}

typedef struct KeptRows
{
	DdbRowSource source; /* first */
	DdbScanState *state;
	DdbRowSource *rows; /* what is read; NULL: all is known */
} KeptRows;

static bool
kept_ready(DdbRowSource *source)
{
	const KeptRows *kept = (const KeptRows *) source;

	return kept->rows == NULL || ddb_source_ready(kept->rows);
}

/*
 * A run that gives rows again which it has read gives those first.  NULL may
 * also mean that a reply is awaited.
 */
static TupleTableSlot *
kept_next(DdbRowSource *source, TupleTableSlot *slot)
{
	const KeptRows *kept = (const KeptRows *) source;
	DdbRescan *rescan = kept->state->rescan;
	TupleTableSlot *row;

	source->page_of = source->found_by = NULL;
	if ((kept->rows == NULL || rescan->records) &&
		ddb_kept_next(rescan->kept, slot))
		return slot;
	if (kept->rows == NULL)
		return NULL;
	do
	{
		row = ddb_source_next(kept->rows, slot);
	} while (row != NULL && rescan->met > 0 && was_given(rescan, row));
	if (row != NULL)
	{
		ddb_source_follow(source, kept->rows);
		keep_row(kept->state, row);
	}
	if (row == NULL ? !ddb_async_is_waiting(kept->state)
					: is_one_item(kept->state->plan))
		finish_run(rescan);
	return row;
}

static void
kept_close(DdbRowSource *source)
{
	const KeptRows *kept = (const KeptRows *) source;

	if (kept->rows != NULL)
		ddb_source_close(kept->rows);
}

DdbRowSource *
ddb_rescan_record(ForeignScanState *node, DdbRowSource *rows)
{
	KeptRows *kept = palloc0(sizeof(KeptRows));

	kept->source.ready = kept_ready;
	kept->source.next = kept_next;
	kept->source.close = kept_close;
	kept->state = (DdbScanState *) node->fdw_state;
	kept->rows = rows;
	return &kept->source;
}

DdbRowSource *
ddb_rescan_known(ForeignScanState *node)
{
	return ddb_rescan_record(node, NULL);
}

/* ---- wider runs ---- */

/* True if a value of the condition changes from run to run. */
static bool
changes(const DdbRescan *rescan, const DdbCondition *condition)
{
	int positions[] = {condition->value, condition->view};

	for (int p = 0; p < (int) lengthof(positions); p++)
	{
		int i = -1;

		if (positions[p] < 0)
			continue;
		while ((i = bms_next_member(rescan->of_value[positions[p]], i)) >= 0)
			if (rescan->kept->drops[i])
				return true;
	}
	return false;
}

/* A filter that is true of more rows; NULL: of all. */
DdbFilter *
ddb_rescan_filter(const DdbScanState *state, const DdbFilter *filter)
{
	DdbFilter *wider;
	ListCell *lc;

	if (filter == NULL || (filter->kind == DDB_FILTER_CONDITION &&
						   changes(state->rescan, &filter->condition)))
		return NULL;
	wider = palloc(sizeof(DdbFilter));
	*wider = *filter;
	if (filter->kind == DDB_FILTER_CONDITION)
		return wider;
	wider->children = NIL;
	foreach (lc, filter->children)
	{
		DdbFilter *child =
			ddb_rescan_filter(state, (const DdbFilter *) lfirst(lc));

		if (child != NULL)
			wider->children = lappend(wider->children, child);
		else if (filter->kind == DDB_FILTER_OR)
			return NULL;
	}
	return wider->children != NIL ? wider : NULL;
}

bool
ddb_rescan_drops_keys(const DdbScanState *state)
{
	ListCell *lc;

	if (state->plan->operation != DDB_OP_SCAN)
		return false;
	foreach (lc, state->plan->keys.alternatives)
	{
		ListCell *inner;

		foreach (inner, (List *) lfirst(lc))
			if (changes(state->rescan, (DdbCondition *) lfirst(inner)))
				return true;
	}
	return false;
}

/* The rows are then chosen from. */
bool
ddb_rescan_read(ForeignScanState *node, DdbRowSource *rows)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;
	DdbRescan *rescan = state->rescan;
	bool misfit_met = false;
	TupleTableSlot *row;

	/* (There is no reader where no item can match.) */
	if (state->run.reader != NULL)
		state->run.reader->misfit_met = &misfit_met;
	while (!misfit_met &&
		   (row = ddb_source_next(rows, node->ss.ss_ScanTupleSlot)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		keep_row(state, row);
	}
	if (!misfit_met)
		finish_run(rescan);
	else
	{
		rescan->may_widen = false;
		ddb_kept_forget_rows(rescan->kept);
	}
	ddb_kept_rewind(rescan->kept);
	return !misfit_met;
}

/* ---- the end ---- */

const DdbRescanCounters *
ddb_rescan_counters(const DdbScanState *state)
{
	return state->rescan != NULL && state->rescan->kept != NULL
			   ? &state->rescan->counters
			   : NULL;
}

void
ddb_rescan_end(DdbScanState *state)
{
	DdbRescan *rescan = state->rescan;

	if (rescan != NULL && rescan->kept != NULL)
		ddb_kept_end(rescan->kept);
	state->rescan = NULL;
}
