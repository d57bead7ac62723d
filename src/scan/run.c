/* SPDX-License-Identifier: PostgreSQL */
/*
 * run.c
 *		Begins a run: values become key ranges, LIMIT becomes a bound, and both
 *		decide what to fetch.
 *
 * Runs at the first row and after every rescan, because parameters may have
 * changed, and settings too.
 */
#include "postgres.h"

#include "scan/scan.h"

#include "common/int.h"
#include "executor/executor.h"
#include "model/guc.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "request/condition.h"
#include "request/read_request.h"
#include "request/run_values.h"
#include "scan/groups.h"
#include "scan/index_fetch.h"
#include "scan/item_key.h"
#include "scan/parallel_scan.h"
#include "scan/skip_scan.h"

/*
 * When a value that does not fit becomes NULL, a key column can be NULL, and a
 * condition that DynamoDB found true of the stored value is not.
 */
static bool
mismatch_needs_recheck(const DdbScanState *state)
{
	List *checked[] = {state->plan->projection.columns,
					   state->plan->projection.recheck_columns};

	for (int i = 0; i < (int) lengthof(checked); i++)
	{
		ListCell *lc;

		foreach (lc, checked[i])
		{
			const DdbColumn *column =
				&state->relation->columns[lfirst_int(lc) - 1];

			/* What does not fit there matches no template. */
			if (column->template == NULL && column->source == 0 &&
				ddb_column_mismatch_policy(column) == DDB_MISMATCH_NULL &&
				!ddb_codec_fits_all(
					ddb_codec_set_get(state->codecs, column->attnum)))
				return true;
		}
	}
	return false;
}

/* LIMIT + OFFSET, or -1 when there is none. Wrong values raise errors above. */
static int64
resolve_bound(ForeignScanState *node, const DdbScanState *state)
{
	Datum value;
	int64 bound;

	if (state->plan->limit.count < 0)
		return state->plan->limit.hint;
	if (!ddb_values_evaluate(node, state->values, state->plan->limit.count,
							 &value))
		return -1;
	bound = Max(DatumGetInt64(value), 0);
	if (state->plan->limit.offset >= 0 &&
		ddb_values_evaluate(node, state->values, state->plan->limit.offset,
							&value) &&
		DatumGetInt64(value) > 0 &&
		pg_add_s64_overflow(bound, DatumGetInt64(value), &bound))
		return -1;
	/* The row after the last shows whether it ties. */
	if (state->plan->limit.with_ties && bound < PG_INT64_MAX)
		bound++;
	return bound;
}

/*
 * Into how many segments a Scan is divided now.  Where rows or units are
 * limited, reading ahead may be for nothing.
 */
static int
resolve_segments(const DdbScanState *state)
{
	if (state->shared != NULL)
		return ddb_parallel_segments(state);
	return state->bound < 0 && ddb_relation_max_read_units(state->relation) <= 0
			   ? Max(state->plan->segments.count, 1)
			   : 1;
}

/*
 * Decides whether to evaluate PostgreSQL's conditions while reading, so that
 * page sizes follow what passes.  Conditions are evaluated twice then, so they
 * must be immutable.
 */
static void
choose_filter(ForeignScanState *node, DdbScanState *state)
{
	List *quals = node->ss.ps.plan->qual;

	state->filter = NULL;
	if (state->bound >= 0 && quals != NIL &&
		!contain_mutable_functions((Node *) quals) &&
		!contain_subplans((Node *) quals))
		state->filter = node->ss.ps.qual;
}

/*
 * At least one path is asked for, because rows without columns still need
 * their item.
 */
void
ddb_scan_put_projection(DdbScanState *state)
{
	DdbRequestSpec *spec = &state->spec;
	DdbProjectedPath *key;

	spec->whole_items = state->reader->whole_items;
	if (!spec->whole_items)
		spec->paths = ddb_row_reader_paths(state->reader, &spec->npaths);
	if (spec->npaths > 0 || spec->whole_items)
		return;
	/* Rows without a column still need their item to be seen. */
	key = palloc0(sizeof(DdbProjectedPath));
	key->attribute = state->plan->source.keys.attributes[0].name;
	spec->paths = key;
	spec->npaths = 1;
}

/* What a Scan's one target says of keys, as a filter; NULL: nothing. */
static DdbTerm *
key_filter(DdbScanState *state, const DdbTargets *targets)
{
	const DdbKeySchema *keys = &state->plan->source.keys;
	DdbTerm *term = NULL;

	if (state->plan->operation != DDB_OP_SCAN || targets->n == 0)
		return NULL;
	for (int i = 0; i < keys->n; i++)
		term = ddb_term_and(
			term,
			ddb_term_of_range(ddb_relation_find_attribute(
								  state->relation, keys->attributes[i].name),
							  &targets->items[0].ranges[i]));
	return term;
}

/* What all requests of the run share; false when no item can match. */
static bool
prepare_requests(ForeignScanState *node, DdbScanState *state,
				 const DdbTargets *targets)
{
	const DdbAccessPlan *plan = state->plan;
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;
	List *columns = list_copy(plan->projection.columns);
	DdbTermContext terms = {node, state->values, state->codecs,
							key_filter(state, targets), false};
	DdbTerm *filter = ddb_term_resolve(&terms, plan->filter.pushed);

	if (filter->kind == DDB_TERM_FALSE)
		return false;
	/* A count may hang on whether a column is NULL, with no condition on it. */
	state->recheck =
		(scan->fdw_recheck_quals != NIL || plan->counts.columns != NIL) &&
		(targets->recheck || terms.recheck || mismatch_needs_recheck(state));
	if (terms.recheck)
		state->surplus = -1;
	if (state->recheck)
		columns = list_concat(columns, plan->projection.recheck_columns);
	/* Entries may be out of date, and items may have changed since. */
	if (plan->fetch.plan != NULL)
		state->recheck = scan->fdw_recheck_quals != NIL;
	state->count_only = plan->projection.is_count && !state->recheck;
	state->reader =
		ddb_row_reader_create(state->relation, plan, state->codecs, columns);
	ddb_item_key_serve(state->reader);
	if (plan->filter.ttl_attribute != NULL && plan->filter.ttl_is_pushed)
		filter = ddb_term_unexpired(filter, plan->filter.ttl_attribute,
									ddb_expiry_now());
	state->reader->expiry = ddb_expiry_now();
	memset(&state->spec, 0, sizeof(state->spec));
	state->spec.plan = plan;
	state->spec.segment = plan->segments.declared;
	state->spec.total_segments =
		state->segments > 1 ? state->segments : plan->segments.declared_total;
	state->spec.filter = filter;
	if (!state->count_only)
		ddb_scan_put_projection(state);
	state->request = makeStringInfo();
	return true;
}

/* Frees everything of the last run, and sets what must not survive it. */
static void
reset_run(DdbScanState *state)
{
	MemoryContextReset(state->run_context);
	state->started = true;
	state->nstreams = 0;
	state->streams = NULL;
	state->ngroups = 0;
	state->heap = NULL;
	state->last = NULL;
	state->sort_keys = NULL;
	state->current = 0;
	state->all_taken = true;
	state->given = 0;
	state->surplus = 0;
	state->two_step = NULL;
}

/*
 * Begins a run with the values of now.  No stream at all if no item can match,
 * and then no request.
 */
void
ddb_scan_start(ForeignScanState *node, DdbScanState *state)
{
	MemoryContext old;
	DdbTargets targets;

	reset_run(state);
	/* Filters that run here may ask; ForeignNext tells only later. */
	node->ss.ss_ScanTupleSlot->tts_tableOid = state->relation->relid;
	old = MemoryContextSwitchTo(state->run_context);
	ddb_targets_resolve(node, state->plan, state->values, &state->keys,
						state->codecs, &targets);
	if (state->plan->keys.alternatives == NIL || targets.n > 0)
	{
		state->surplus = targets.surplus;
		/* Where a key finds more than its own, the first may be another's. */
		state->rows_per_key =
			targets.recheck ? 0 : state->plan->keys.rows_per_key;
		state->bound = resolve_bound(node, state);
		state->segments = resolve_segments(state);
		state->reads_ahead = state->plan->limit.reads_all && state->bound < 0 &&
							 state->rows_per_key == 0 && state->segments == 1 &&
							 !state->plan->skip.is_wanted &&
							 ddb_relation_max_read_units(state->relation) <= 0;
		choose_filter(node, state);
		if (prepare_requests(node, state, &targets))
		{
			ddb_groups_create(state, &targets);
			if (state->plan->fetch.plan != NULL)
				state->two_step = ddb_two_step_create(node, state);
		}
	}
	if (state->plan->counts.are_wanted)
		ddb_count_begin(state);
	if (state->plan->skip.is_wanted)
		ddb_skip_begin(state);
	MemoryContextSwitchTo(old);
}
