/* SPDX-License-Identifier: PostgreSQL */
/*
 * run.c
 *		Begins a run: values become key ranges, LIMIT the rows wanted, and both
 *		decide what to fetch, and how it is read.
 *
 * Runs at the first row and after every rescan, because parameters may have
 * changed, and settings too.
 */
#include "postgres.h"

#include "scan/run.h"

#include "codec/encode_constant.h"
#include "common/int.h"
#include "executor/executor.h"
#include "model/guc.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "request/condition.h"
#include "request/read_request.h"
#include "request/run_values.h"
#include "scan/count.h"
#include "scan/groups.h"
#include "scan/index_fetch.h"
#include "scan/item_identity.h"
#include "scan/page_size.h"
#include "scan/parallel_scan.h"
#include "scan/rescan.h"
#include "scan/scan.h"
#include "scan/skip_scan.h"
#include "scan/stream.h"

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
count_wanted(ForeignScanState *node, const DdbScanState *state)
{
	Datum value;
	int64 wanted;

	if (state->plan->limit.count < 0)
		return state->plan->limit.hint;
	if (!ddb_values_evaluate(node, state->values, state->plan->limit.count,
							 &value))
		return -1;
	wanted = Max(DatumGetInt64(value), 0);
	if (state->plan->limit.offset >= 0 &&
		ddb_values_evaluate(node, state->values, state->plan->limit.offset,
							&value) &&
		DatumGetInt64(value) > 0 &&
		pg_add_s64_overflow(wanted, DatumGetInt64(value), &wanted))
		return -1;
	/* The row after the last shows whether it ties. */
	if (state->plan->limit.with_ties && wanted < PG_INT64_MAX)
		wanted++;
	return wanted;
}

/*
 * Into how many segments a Scan is divided now.  Where rows or units are
 * limited, reading ahead may be for nothing.
 */
static int
resolve_segments(const DdbScanState *state)
{
	int shared = ddb_parallel_segments(state);

	if (shared > 0)
		return shared;
	return state->run.rows_wanted < 0 &&
				   ddb_relation_max_read_units(state->relation) <= 0
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

	if (state->run.rows_wanted >= 0 && quals != NIL &&
		!contain_mutable_functions((Node *) quals) &&
		!contain_subplans((Node *) quals))
		state->run.filter = node->ss.ps.qual;
}

/*
 * At least one path is asked for, because rows without columns still need
 * their item to be seen.
 */
static void
put_projection(DdbScanState *state)
{
	DdbRequestSpec *spec = &state->run.spec;
	DdbProjectedPath *key;

	spec->whole_items = state->run.reader->whole_items;
	if (!spec->whole_items)
		spec->paths = ddb_row_reader_paths(state->run.reader, &spec->npaths);
	if (spec->npaths > 0 || spec->whole_items)
		return;
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

/*
 * Which columns are read of items, and how; makes the reader.  Entries of an
 * index may be out of date, and items may have changed since: there all
 * conditions are checked again.
 */
static void
prepare_reader(ForeignScanState *node, DdbScanState *state,
			   const DdbTargets *targets, bool terms_recheck)
{
	const DdbAccessPlan *plan = state->plan;
	DdbScanRun *run = &state->run;
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;
	List *columns = list_copy(plan->projection.columns);

	/* A count may hang on whether a column is NULL, with no condition on it. */
	run->recheck =
		(scan->fdw_recheck_quals != NIL || plan->counts.columns != NIL) &&
		(run->is_wider || targets->recheck || terms_recheck ||
		 mismatch_needs_recheck(state));
	if (run->recheck)
		columns = list_concat(columns, plan->projection.recheck_columns);
	if (plan->fetch.plan != NULL)
		run->recheck = scan->fdw_recheck_quals != NIL;
	run->count_only = plan->projection.is_count && !run->recheck;
	run->reader =
		ddb_row_reader_create(state->relation, plan, state->codecs, columns);
	run->reader->expiry = ddb_expiry_now();
	ddb_identity_serve_messages(run->reader);
}

/* What all requests of the run share; false when no item can match. */
static bool
prepare_requests(ForeignScanState *node, DdbScanState *state,
				 const DdbTargets *targets)
{
	const DdbAccessPlan *plan = state->plan;
	DdbScanRun *run = &state->run;
	DdbTermContext terms = {.node = node,
							.values = state->values,
							.codecs = state->codecs,
							.besides = key_filter(state, targets)};
	DdbTerm *filter = ddb_term_resolve(
		&terms, run->is_wider ? ddb_rescan_filter(state, plan->filter.pushed)
							  : plan->filter.pushed);

	if (filter->kind == DDB_TERM_FALSE)
		return false;
	if (terms.recheck)
		run->surplus = -1;
	prepare_reader(node, state, targets, terms.recheck);
	if (plan->filter.ttl_attribute != NULL && plan->filter.ttl_is_pushed)
		filter = ddb_term_unexpired(filter, plan->filter.ttl_attribute,
									run->reader->expiry);
	run->spec.plan = plan;
	run->spec.segment = plan->segments.declared;
	run->spec.total_segments =
		run->segments > 1 ? run->segments : plan->segments.declared_total;
	run->spec.filter = filter;
	if (!run->count_only)
		put_projection(state);
	run->request = makeStringInfo();
	return true;
}

/* ---- what it is read by ---- */

/* No rows: nothing can match. */
static bool
nothing_ready(DdbRowSource *source)
{
	(void) source;
	return true;
}

static TupleTableSlot *
nothing_next(DdbRowSource *source, TupleTableSlot *slot)
{
	(void) source;
	(void) slot;
	return NULL;
}

static void
nothing_close(DdbRowSource *source)
{
	(void) source;
}

static DdbRowSource *
create_nothing(void)
{
	DdbRowSource *source = palloc0(sizeof(DdbRowSource));

	source->ready = nothing_ready;
	source->next = nothing_next;
	source->close = nothing_close;
	return source;
}

/*
 * In which order streams are read.  What a join looks up comes in any, since it
 * hashes what its keys find.
 */
static DdbReading
choose_reading(const DdbScanState *state)
{
	const DdbAccessPlan *plan = state->plan;

	if (state->sharing != NULL)
		return DDB_READ_SHARED;
	if (state->run.segments > 1 ||
		(plan->keys.batch_values != NIL && state->run.rows_wanted < 0 &&
		 !plan->order.is_relied_upon && plan->order.partitions == NIL))
		return DDB_READ_AS_THEY_COME;
	return DDB_READ_IN_TURN;
}

/* What reads the items; targets: NULL if there are none. */
static DdbRowSource *
choose_items(ForeignScanState *node, DdbScanState *state,
			 const DdbTargets *targets)
{
	const DdbAccessPlan *plan = state->plan;
	DdbScanRun *run = &state->run;

	run->pager =
		plan->skip.is_wanted ? ddb_skip_create(state) : ddb_page_size_create();
	if (targets == NULL)
		return create_nothing();
	run->groups = ddb_groups_create(state, targets, choose_reading(state));
	return plan->fetch.plan != NULL ? ddb_index_fetch_create(node, state)
									: ddb_groups_source(run->groups);
}

/* The rows that are made of items: those that pass, or counts of them. */
static DdbRowSource *
choose_rows(ForeignScanState *node, DdbScanState *state, DdbRowSource *items)
{
	DdbRowSource *rows = ddb_scan_check_rows(node, items);

	return state->plan->counts.are_wanted ? ddb_count_create(state, rows)
										  : rows;
}

/* ---- runs ---- */

/*
 * Sets everything of the last run to what a new one begins with.  EXPLAIN shows
 * whether the last one that asked for anything only counted.
 */
static void
reset(DdbScanState *state)
{
	bool count_only = state->run.count_only;

	memset(&state->run, 0, sizeof(DdbScanRun));
	state->run.rows_wanted = -1;
	state->run.segments = 1;
	state->run.count_only = count_only;
}

void
ddb_run_end(DdbScanState *state)
{
	if (state->run.source != NULL)
		ddb_source_close(state->run.source);
	reset(state);
	if (state->run_context != NULL)
		MemoryContextReset(state->run_context);
}

/* What is wanted, of targets that were resolved; false: no item can match. */
static bool
prepare(ForeignScanState *node, DdbScanState *state, const DdbTargets *targets)
{
	const DdbAccessPlan *plan = state->plan;
	DdbScanRun *run = &state->run;

	if (plan->keys.alternatives != NIL && targets->n == 0)
		return false;
	run->surplus = targets->surplus;
	/* Where a key finds more than its own, the first may be another's. */
	run->rows_per_key = targets->recheck ? 0 : plan->keys.rows_per_key;
	run->rows_wanted = run->is_wider ? -1 : count_wanted(node, state);
	run->segments = resolve_segments(state);
	run->reads_ahead = (run->is_wider || plan->limit.reads_all) &&
					   run->rows_wanted < 0 && run->rows_per_key == 0 &&
					   run->segments == 1 && !plan->skip.is_wanted &&
					   ddb_relation_max_read_units(state->relation) <= 0;
	choose_filter(node, state);
	return prepare_requests(node, state, targets);
}

/* A Scan of all keys: one target without bounds. */
static void
open_target(DdbTargets *targets)
{
	memset(targets, 0, sizeof(DdbTargets));
	targets->items = palloc0(sizeof(DdbTarget));
	targets->n = 1;
}

/* What reads the items that are asked for with the values of now. */
static DdbRowSource *
begin_reading(ForeignScanState *node, DdbScanState *state)
{
	DdbTargets targets;

	if (state->run.is_wider && ddb_rescan_drops_keys(state))
		open_target(&targets);
	else
		ddb_targets_resolve(node, state->plan, state->values, &state->keys,
							state->codecs, &targets);
	return choose_items(node, state,
						prepare(node, state, &targets) ? &targets : NULL);
}

/* Begins anew, with nothing decided. */
static void
restart(ForeignScanState *node, DdbScanState *state)
{
	ddb_run_end(state);
	state->run.started = true;
	/* Filters that run here may ask; ForeignNext tells only later. */
	node->ss.ss_ScanTupleSlot->tts_tableOid = state->relation->relid;
}

/*
 * Reads more than the run's conditions select, for others to choose from as
 * well.  Says what the run does after that.
 */
static DdbRerun
read_wider(ForeignScanState *node, DdbScanState *state)
{
	bool is_complete;

	state->run.is_wider = true;
	state->run.source = begin_reading(node, state);
	is_complete = ddb_rescan_read(node, state->run.source);
	restart(node, state);
	return is_complete ? DDB_RERUN_CHOOSES : DDB_RERUN_RECORDS;
}

/* The one place that chooses how the rows of a run are read. */
static DdbRowSource *
choose_source(ForeignScanState *node, DdbScanState *state, DdbRerun rerun)
{
	const ForeignScan *scan = (const ForeignScan *) node->ss.ps.plan;
	DdbRowSource *rows;

	switch (rerun)
	{
		case DDB_RERUN_KNOWS:
			return ddb_rescan_known(node);
		case DDB_RERUN_CHOOSES:
			state->run.recheck = scan->fdw_recheck_quals != NIL ||
								 state->plan->counts.columns != NIL;
			return choose_rows(node, state, ddb_rescan_known(node));
		default:
			rows = choose_rows(node, state, begin_reading(node, state));
			return rerun == DDB_RERUN_RECORDS ? ddb_rescan_record(node, rows)
											  : rows;
	}
}

void
ddb_run_begin(ForeignScanState *node, DdbScanState *state)
{
	MemoryContext old;
	DdbRerun rerun;

	restart(node, state);
	old = MemoryContextSwitchTo(state->run_context);
	rerun = ddb_rescan_choose(node);
	if (rerun == DDB_RERUN_WIDENS)
		rerun = read_wider(node, state);
	state->run.source = choose_source(node, state, rerun);
	MemoryContextSwitchTo(old);
}

void
ddb_run_begin_streams(DdbScanState *state, DdbRowReader *reader)
{
	DdbScanRun *run = &state->run;

	reset(state);
	run->started = true;
	run->reader = reader;
	run->spec.plan = state->plan;
	run->spec.segment = -1;
	put_projection(state);
	run->request = makeStringInfo();
	run->pager = ddb_page_size_create();
}

void
ddb_run_set_segment(DdbScanState *state, int segment, int total)
{
	state->run.spec.segment = segment;
	state->run.spec.total_segments = total;
}
