/*
 * start.c
 *		Begins a run: values become key ranges, LIMIT becomes a bound, and both
 *		decide what to fetch.
 *
 * Runs at the first row and after every rescan, because parameters may have
 * changed, and settings too.
 */
#include "postgres.h"

#include "exec/scan.h"

#include "catalog/guc.h"
#include "common/int.h"
#include "exec/request.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"

/*
 * One of fdw_exprs. Results live in the current context; false when NULL.
 */
static bool
evaluate(ForeignScanState *node, const DdbScanState *state, int index,
		 Datum *value)
{
	bool		isnull;

	*value = ExecEvalExpr((ExprState *) list_nth(state->values, index),
						  node->ss.ps.ps_ExprContext, &isnull);
	return !isnull;
}

static void
settle_range(DdbKeyRanges *ranges, DdbKeyRange *range, bool keys_unique)
{
	ddb_key_range_finish(range);
	ranges->empty |= range->empty;
	ranges->recheck |= range->recheck;
	/* Of repeating keys any number may lie on a strict bound. */
	if (range->surplus < 0 || (range->surplus > 0 && !keys_unique))
		ranges->surplus = -1;
	else if (ranges->surplus >= 0)
		ranges->surplus += range->surplus;
}

static void
resolve_ranges(ForeignScanState *node, DdbScanState *state)
{
	const DdbAccessPlan *plan = state->plan;
	DdbKeyRanges *ranges = &state->ranges;
	ListCell   *lc;

	memset(ranges, 0, sizeof(*ranges));
	foreach(lc, plan->conditions)
	{
		DdbKeyCondition *condition = (DdbKeyCondition *) lfirst(lc);
		int			i = condition->position;
		Datum		value;

		/* Comparing with NULL is never true. */
		if (!evaluate(node, state, condition->value, &value))
		{
			ranges->empty = true;
			return;
		}
		if (condition->on_sort)
			ddb_key_range_add(&ranges->sort[i], &state->codecs.sort[i],
							  condition->op, value, condition->value_typid,
							  DDB_MAX_SORT_KEY_BYTES);
		else
			ddb_key_range_add(&ranges->partition[i],
							  &state->codecs.partition[i], condition->op,
							  value, condition->value_typid,
							  DDB_MAX_PARTITION_KEY_BYTES);
	}
	for (int i = 0; i < plan->keys.npartition; i++)
		settle_range(ranges, &ranges->partition[i], plan->keys_unique);
	for (int i = 0; i < plan->keys.nsort; i++)
		settle_range(ranges, &ranges->sort[i], plan->keys_unique);
}

/*
 * When a value that does not fit becomes NULL, a key column can be NULL, and a
 * condition that DynamoDB found true of the stored value is not.
 */
static bool
mismatch_needs_recheck(const DdbScanState *state)
{
	List	   *checked[] = {state->plan->columns, state->plan->recheck_columns};

	for (int i = 0; i < (int) lengthof(checked); i++)
	{
		ListCell   *lc;

		foreach(lc, checked[i])
		{
			const DdbColumn *column =
				&state->relation->columns[lfirst_int(lc) - 1];

			if (ddb_column_mismatch_policy(column) == DDB_MISMATCH_NULL)
				return true;
		}
	}
	return false;
}

/* LIMIT + OFFSET, or -1 when there is none. Wrong values raise errors above. */
static int64
resolve_bound(ForeignScanState *node, const DdbScanState *state)
{
	Datum		value;
	int64		bound;

	if (state->plan->limit_value < 0 ||
		!evaluate(node, state, state->plan->limit_value, &value))
		return -1;
	bound = Max(DatumGetInt64(value), 0);
	if (state->plan->offset_value >= 0 &&
		evaluate(node, state, state->plan->offset_value, &value) &&
		DatumGetInt64(value) > 0 &&
		pg_add_s64_overflow(bound, DatumGetInt64(value), &bound))
		return -1;
	/* The row after the last shows whether it ties. */
	if (state->plan->with_ties && bound < PG_INT64_MAX)
		bound++;
	return bound;
}

static void
choose_filter(ForeignScanState *node, DdbScanState *state)
{
	List	   *quals = node->ss.ps.plan->qual;

	state->filter = NULL;
	if (state->bound >= 0 && quals != NIL &&
		!contain_volatile_functions((Node *) quals) &&
		!contain_subplans((Node *) quals))
		state->filter = node->ss.ps.qual;
}

static void
prepare_request(ForeignScanState *node, DdbScanState *state)
{
	const DdbAccessPlan *plan = state->plan;
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;
	List	   *columns = list_copy(plan->columns);
	DdbRequestSpec spec = {0};

	state->recheck = scan->fdw_recheck_quals != NIL &&
		(state->ranges.recheck || mismatch_needs_recheck(state));
	if (state->recheck)
		columns = list_concat(columns, plan->recheck_columns);
	state->count_only = plan->count_only && !state->recheck;
	state->reader = ddb_row_reader_create(state->relation, plan,
										  plan->operation == DDB_OP_SCAN ?
										  NULL : &state->ranges, columns);
	spec.plan = plan;
	spec.ranges = &state->ranges;
	spec.attributes = ddb_row_reader_attributes(state->reader);
	spec.nattributes = state->reader->nattributes;
	/* Rows without a column still need their item to be seen. */
	if (spec.nattributes == 0 && !state->count_only)
	{
		spec.attributes[0] = plan->keys.partition[0].name;
		spec.nattributes = 1;
	}
	state->base = ddb_request_base(&spec);
	state->request = makeStringInfo();
}

void
ddb_scan_start(ForeignScanState *node, DdbScanState *state)
{
	MemoryContext old;

	ddb_call_release(state->call);
	MemoryContextReset(state->run_context);
	old = MemoryContextSwitchTo(state->run_context);
	state->started = true;
	state->finished = false;
	state->page_open = false;
	state->uncounted = 0;
	state->start_key = NULL;
	state->given = 0;
	state->run_scanned = 0;
	state->last_limit = 0;
	resolve_ranges(node, state);
	if (state->ranges.empty)
		state->finished = true;
	else
	{
		state->bound = resolve_bound(node, state);
		choose_filter(node, state);
		prepare_request(node, state);
	}
	MemoryContextSwitchTo(old);
}
