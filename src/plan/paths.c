/* SPDX-License-Identifier: PostgreSQL */
/*
 * paths.c
 *		Finds the ways to read a foreign table and offers them to the planner.
 *
 * Of the table and of each index that serves: a Query where every partition
 * attribute is bound to values, a GetItem or BatchGetItem where the table's
 * whole key is, and a Scan.  PostgreSQL chooses by cost.
 */
#include "postgres.h"

#include "plan/paths.h"

#include "clause/filter.h"
#include "clause/trivial_key.h"
#include "compat.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "plan/cost.h"
#include "plan/index_fetch_path.h"
#include "plan/index_use.h"
#include "plan/order.h"
#include "plan/parallel_path.h"
#include "plan/path_candidate.h"
#include "plan/query_shape.h"
#include "plan/relsize.h"
#include "plan/skip_scan_path.h"
#include "plan/top_n.h"
#include "plan/upper.h"

/*
 * Columns that a filter of this source may not name: what the index does not
 * hold, and of a Query the key that it is read by.
 */
static Bitmapset *
banned_columns(const DdbPlanState *state, const DdbSource *source,
			   DdbOperation operation)
{
	Bitmapset *columns = NULL;

	for (int i = 0; i < state->relation->ncolumns; i++)
	{
		const DdbColumn *column = &state->relation->columns[i];

		if (column->name == NULL)
			continue;
		/*
		 * Values that are taken from keys are no attributes, and keys that do
		 * not match are NULL.
		 */
		if (column->source != 0 ||
			(column->template != NULL &&
			 !ddb_key_schema_has(&state->info->keys, column->attribute) &&
			 !ddb_key_schema_has(source->keys, column->attribute)) ||
			(operation == DDB_OP_QUERY &&
			 ddb_key_schema_has(source->keys, column->attribute)) ||
			(source->index != NULL &&
			 !ddb_table_info_projects(state->info, source->index, column)))
			columns = bms_add_member(columns, i + 1);
	}
	return columns;
}

/*
 * A candidate that reads this source by this operation, with nothing else
 * decided.
 */
static DdbCandidate *
create_candidate(const DdbSource *source, DdbOperation operation)
{
	DdbCandidate *candidate = palloc0(sizeof(DdbCandidate));

	candidate->source = source;
	candidate->operation = operation;
	candidate->limit_hint = -1;
	return candidate;
}

/*
 * Turns the match's alternatives into conditions of the candidate, and their
 * values into its values.
 */
static void
place_alternatives(const DdbKeyMatch *match, DdbCandidate *candidate)
{
	ListCell *lc;

	foreach (lc, match->alternatives)
	{
		List *conditions = NIL;
		ListCell *inner;

		foreach (inner, (List *) lfirst(lc))
		{
			DdbCondition *condition = palloc(sizeof(DdbCondition));

			ddb_filter_place((DdbComparison *) lfirst(inner), condition,
							 &candidate->values);
			conditions = lappend(conditions, condition);
		}
		candidate->keys.alternatives =
			lappend(candidate->keys.alternatives, conditions);
	}
}

/*
 * IS NOT NULL of a key attribute, or of what is taken from it: no item is
 * without its keys, and no entry of an index without those of the table.  Nor
 * is one outside of LIKE '%'.
 */
static bool
holds_of_keys(const DdbClauseContext *context, const DdbPlanState *state,
			  const DdbSource *source, Expr *expr)
{
	DdbComparison comparison;
	const DdbColumn *column;
	bool holds;

	if (!ddb_clause_match_one(context, expr, &comparison) ||
		comparison.condition.access != DDB_ACCESS_VALUE)
		return false;
	if (!(IsA(expr, NullTest) &&
		  comparison.condition.op == DDB_COMPARE_NOT_NULL) &&
		!(ddb_keys_trivial(context, &comparison, &holds) && holds))
		return false;
	column = &state->relation->columns[comparison.condition.column - 1];
	if (column->source != 0)
		column = &state->relation->columns[column->source - 1];
	return column->reach == DDB_REACH_ATTRIBUTE &&
		   (ddb_key_schema_has(source->keys, column->attribute) ||
			ddb_key_schema_has(&state->info->keys, column->attribute));
}

/*
 * What the key did not decide goes into the filter as far as it can, and what
 * the filter does not say exactly stays with PostgreSQL.
 */
static void
place_rest(const DdbClauseContext *context, const DdbPlanState *state,
		   List *restrictions, List *decided, Bitmapset *banned,
		   DdbCandidate *candidate)
{
	ListCell *lc;

	foreach (lc, restrictions)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		bool exact = !rinfo->pseudoconstant;

		if (list_member_ptr(decided, rinfo) ||
			(ddb_guc_pushdown && exact &&
			 holds_of_keys(context, state, candidate->source, rinfo->clause)))
		{
			candidate->decided = lappend(candidate->decided, rinfo);
			continue;
		}
		if (!ddb_guc_pushdown || !exact ||
			candidate->operation == DDB_OP_GET_ITEM ||
			!restriction_is_securely_promotable(rinfo, context->rel))
			exact = false;
		else
			candidate->filter = ddb_filter_and(
				candidate->filter,
				ddb_filter_translate(context, rinfo->clause, banned,
									 &candidate->values, &exact));
		if (exact)
			candidate->decided = lappend(candidate->decided, rinfo);
		else
			candidate->local = lappend(candidate->local, rinfo);
	}
}

/* What paths of one parameterisation share. */
typedef struct PathContext
{
	PlannerInfo *root;
	RelOptInfo *rel;
	DdbClauseContext clauses;
	List *restrictions; /* of RestrictInfo *: all that the scan is given */
	Relids required_outer;
	double rows; /* that satisfy them */
	DdbCount *count; /* what is wanted of them; NULL: the rows */
	const DdbTop *top; /* of each partition these will do, or NULL */
	bool one_outer_row; /* the outer relations have one row at most */
	List *in_order; /* of Path *, then: what is found, instead of offering it */
} PathContext;

/* Nothing is decided but which clauses there are; no partitions are listed. */
static PathContext
path_context(PlannerInfo *root, RelOptInfo *rel, List *restrictions)
{
	PathContext context = {0};

	context.root = root;
	context.rel = rel;
	context.clauses = ddb_plan_clauses(root, rel);
	context.restrictions = restrictions;
	context.rows = rel->rows;
	return context;
}

static DdbPlanState *
plan_state(const PathContext *context)
{
	return (DdbPlanState *) context->rel->fdw_private;
}

/* Segments that are worth their requests. */
#define MAX_SEGMENTS 16.0

/*
 * Into how many segments, read at once, a Scan of everything is divided: of
 * several pages each, because the last of each segment is not full, unless the
 * table's options say.
 */
static int
scan_segments(const DdbPlanState *state, const DdbCandidate *candidate)
{
	const DdbSource *source = candidate->source;
	double pages = source->item_count * source->item_bytes / DDB_PAGE_BYTES;

	if (candidate->operation != DDB_OP_SCAN || candidate->skip.is_wanted ||
		!ddb_guc_pushdown || state->relation->segment >= 0 ||
		candidate->is_limited || candidate->limit_hint >= 0)
		return 1;
	if (state->relation->scan_segments > 0)
		return state->relation->scan_segments;
	return (int) Max(1, Min(MAX_SEGMENTS, pages / DDB_PAGES_PER_SEGMENT));
}

/* One of several min() and max(), which together answer one question. */
static void
share_request(const PathContext *context, const DdbCandidate *candidate,
			  Cost *startup_cost, Cost *total_cost)
{
	int siblings = ddb_sibling_extremes(context->root);

	if (siblings > 1)
		ddb_cost_share_request(candidate, siblings,
							   ddb_plan_partitions(context->root, context->rel,
												   plan_state(context),
												   candidate->source->keys) > 0,
							   startup_cost, total_cost);
}

/*
 * Settles the candidate's limit, segments and cost, and offers it as a path;
 * or as a way to count, where the query counts.
 */
static void
add_candidate(PathContext *context, DdbCandidate *candidate, List *pathkeys)
{
	DdbPlanState *state = plan_state(context);
	double rows = context->rows;
	Cost startup_cost;
	Cost total_cost;
	Path *path;

	if (context->count != NULL)
	{
		candidate->segments = scan_segments(state, candidate);
		ddb_upper_add_path(context->root, context->count, candidate);
		return;
	}
	candidate->is_limited =
		ddb_guc_pushdown && !state->snapshot &&
		ddb_limit_reaches(context->root, context->rel, pathkeys);
	candidate->limit_hint =
		ddb_guc_pushdown && !state->snapshot
			? ddb_limit_hint(context->root, context->rel, pathkeys,
							 !bms_is_empty(context->required_outer) &&
								 !context->one_outer_row)
			: -1;
	candidate->segments = scan_segments(state, candidate);
	if (candidate->keys.rows_per_key > 0)
		rows = clamp_row_est(Min(rows, candidate->fetched_rows));
	ddb_cost_estimate(state, candidate, rows, &startup_cost, &total_cost);
	share_request(context, candidate, &startup_cost, &total_cost);
	path = ddb_parallel_unsafe(ddb_compat_foreign_path(
		context->root, context->rel, rows, startup_cost, total_cost, pathkeys,
		context->required_outer,
		ddb_path_private(state, context->rel, candidate)));
	if (!context->one_outer_row)
		add_path(context->rel, path);
	else if (pathkeys != NIL)
		context->in_order = lappend(context->in_order, path);
}

/* Offers a Scan that gives one row of each partition and skips the rest. */
static void
add_skip(PathContext *context, DdbCandidate *candidate)
{
	DdbPlanState *state = plan_state(context);
	double partitions = ddb_plan_partitions(context->root, context->rel, state,
											&state->info->keys);
	Cost startup_cost;
	Cost total_cost;

	candidate->skip.is_wanted = true;
	ddb_cost_skip(state, candidate, partitions, &startup_cost, &total_cost);
	add_path(
		context->rel,
		ddb_parallel_unsafe(ddb_compat_foreign_path(
			context->root, context->rel,
			partitions > 0 ? Min(partitions, context->rows) : context->rows,
			startup_cost, total_cost, NIL, context->required_outer,
			ddb_path_private(state, context->rel, candidate))));
}

/* An estimate of less is as good as none. */
#define MIN_ITEMS 0.01

/*
 * Without statistics PostgreSQL takes any column to have 200 values.  Partition
 * keys are chosen to have many: so it is this size that is assumed at most.  If
 * partitions are larger, Queries still read none twice; a Scan for a few small
 * ones may read any amount in vain.
 */
#define UNKNOWN_PARTITION_ITEMS 10.0

/*
 * True if a value of one column makes a value of the partition key, so that
 * its number of distinct values is that of partitions.
 */
static bool
partition_is_one_value(const DdbPlanState *state, const DdbKeySchema *keys)
{
	const DdbKeyTemplate *template =
		ddb_key_template_of(state->relation, keys->attributes[0].name);
	int variables = 0;

	for (int i = 0; template != NULL && i < template->parsed.n; i++)
	{
		DdbTextForm form = template->parsed.elements[i].form;

		if (form == DDB_FORM_PLAIN || form == DDB_FORM_PADDED)
			variables++;
		else if (form != DDB_FORM_LITERAL)
			return false;
	}
	return keys->npartition == 1 && (template == NULL || variables == 1);
}

/*
 * The factor by which the selectivity of a condition on the partition key is
 * too large, where there are no statistics. 1 if it can be relied upon.
 */
static double
partition_excess(const PathContext *context, const DdbSource *source)
{
	DdbPlanState *state = plan_state(context);
	double assumed = source->item_count / DEFAULT_NUM_DISTINCT;

	/*
	 * A global index may as well be by a status.  Where each of its entries costs
	 * a unit to fetch, that would be a dear mistake.
	 */
	if ((source->partial && source->index != NULL && source->index->global) ||
		assumed <= UNKNOWN_PARTITION_ITEMS ||
		!partition_is_one_value(state, source->keys) ||
		ddb_plan_partitions(context->root, context->rel, state, source->keys) >
			0)
		return 1.0;
	return assumed / UNKNOWN_PARTITION_ITEMS;
}

/*
 * The number of items that a key match leaves to be read, estimated.  Need not
 * be a whole number.
 */
static double
matched_items(const PathContext *context, const DdbSource *source,
			  const DdbKeyMatch *match)
{
	Selectivity selectivity = clauselist_selectivity(
		context->root, match->used, context->rel->relid, JOIN_INNER, NULL);
	double items = source->item_count / partition_excess(context, source);

	/* Keys with templates select items of this table only. */
	if (plan_state(context)->relation->templates != NULL)
		items = Min(items, context->rel->tuples);
	/* Not in whole items: that would make all that select few look alike. */
	return Max(items * selectivity, MIN_ITEMS);
}

/*
 * What DynamoDB last counted may be hours old, and a Scan reads whatever has
 * come since.  So where a key would do (keyed), or nothing was counted, the
 * table is taken for one that has grown.
 */
#define GROWN_ITEM_COUNT 100000.0

/* What a Scan's filter can say of keys that are composed. */
static void
narrow_scan(const PathContext *context, const DdbSource *source,
			DdbCandidate *candidate)
{
	DdbKeyMatch match = {0};
	List *comparisons;

	if (!ddb_guc_pushdown ||
		!ddb_keys_narrow(&context->clauses, context->restrictions, source->keys,
						 &comparisons))
		return;
	match.alternatives = list_make1(comparisons);
	place_alternatives(&match, candidate);
}

/*
 * A candidate that reads the whole source, with as much of the clauses in its
 * filter as can be. keyed says that there are ways by key as well, beside
 * which it must not look too cheap.
 */
static DdbCandidate *
scan_candidate(const PathContext *context, const DdbSource *source, bool keyed)
{
	DdbCandidate *candidate = create_candidate(source, DDB_OP_SCAN);

	candidate->fetched_rows = source->item_count;
	if (keyed || source->unknown)
		candidate->fetched_rows = Max(source->item_count, GROWN_ITEM_COUNT);
	place_rest(&context->clauses, plan_state(context), context->restrictions,
			   NIL, banned_columns(plan_state(context), source, DDB_OP_SCAN),
			   candidate);
	narrow_scan(context, source, candidate);
	return candidate;
}

/*
 * Offers the Scan, also in parallel, and the skip scan where the query wants
 * each partition once.
 */
static void
add_scan(PathContext *context, const DdbSource *source, bool keyed)
{
	DdbCandidate *candidate = scan_candidate(context, source, keyed);

	add_candidate(context, candidate, NIL);
	if (context->count == NULL)
		ddb_parallel_add_path(context->root, context->rel, candidate,
							  context->rows);
	if (!keyed && context->count == NULL && source->index == NULL &&
		ddb_skip_serves(context->root, context->rel, plan_state(context)))
		add_skip(context, scan_candidate(context, source, keyed));
}

/*
 * A candidate that reads by the matched key, with the remaining clauses in its
 * filter.
 */
static DdbCandidate *
key_candidate(const PathContext *context, const DdbSource *source,
			  const DdbKeyMatch *match, DdbOperation operation)
{
	DdbCandidate *candidate = create_candidate(source, operation);

	candidate->keys = match->keys;
	candidate->streams = match->count;
	candidate->key_columns = match->partition_columns;
	candidate->fetched_rows = operation == DDB_OP_GET_ITEM
								  ? match->count
								  : matched_items(context, source, match);
	candidate->by_key = match->used;
	place_alternatives(match, candidate);
	place_rest(&context->clauses, plan_state(context), context->restrictions,
			   match->decided,
			   banned_columns(plan_state(context), source, operation),
			   candidate);
	if (source->partial)
		ddb_index_fetch_prepare(context->root, context->rel,
								plan_state(context), candidate);
	return candidate;
}

/*
 * The orders that are worth offering for a key match, as lists of pathkeys.
 * NIL while counting.
 */
static List *
wanted_orders(const PathContext *context, const DdbSource *source)
{
	List *wanted;

	if (context->count != NULL)
		return NIL;
	if (source->partial)
		return ddb_index_fetch_may_order(context->root, plan_state(context),
										 source)
				   ? list_make1(context->root->query_pathkeys)
				   : list_make1(NIL);
	wanted = ddb_order_wanted(context->root, context->rel);
	if (context->top != NULL)
		wanted = lcons(context->top->pathkeys, wanted);
	return wanted;
}

/*
 * In each order that somebody may want, where the key gives any of it.  Merging
 * several partitions or ranges costs a wait for all of them, so those are also
 * offered unordered.
 */
static void
add_query(PathContext *context, const DdbSource *source,
		  const DdbKeyMatch *match)
{
	DdbPlanState *state = plan_state(context);
	List *offered = NIL; /* orders, as lists of pathkeys */
	bool unordered = false;
	ListCell *lc;

	foreach (lc, wanted_orders(context, source))
	{
		DdbCandidate *candidate =
			key_candidate(context, source, match, DDB_OP_QUERY);
		List *pathkeys = ddb_order_pathkeys(context->root, context->rel, state,
											(List *) lfirst(lc), candidate);

		if (list_member(offered, pathkeys) || (pathkeys == NIL && unordered))
			continue;
		unordered |= pathkeys == NIL;
		offered = lappend(offered, pathkeys);
		/* Entries are read ahead of what is known of their items. */
		if (context->top != NULL && !source->partial)
			ddb_top_apply(context->top, state, pathkeys, candidate);
		add_candidate(context, candidate, pathkeys);
	}
	if (!unordered && (match->keys.are_many || context->count != NULL))
		add_candidate(context,
					  key_candidate(context, source, match, DDB_OP_QUERY), NIL);
}

/*
 * Offers a Query or GetItem if the clauses select by the source's key.  True
 * if they do.
 */
static bool
add_keyed(PathContext *context, const DdbSource *source)
{
	DdbKeyMatch match;

	/* A segment is a share of a Scan; no key condition can be that share. */
	if (!ddb_guc_pushdown || plan_state(context)->relation->segment >= 0 ||
		!ddb_keys_match(&context->clauses, context->restrictions, source->keys,
						&match))
		return false;
	if (source->index == NULL && match.whole_key)
		add_candidate(context,
					  key_candidate(context, source, &match, DDB_OP_GET_ITEM),
					  NIL);
	if (source->index != NULL || !match.whole_key || match.keys.are_many)
		add_query(context, source, &match);
	return true;
}

/*
 * Where the newest, or the first, of everything are wanted, partitions that are
 * derived from a time are walked through, as far as partitions_since.
 */
static void
add_walk(const PathContext *unbounded, const DdbSource *source)
{
	PathContext context = *unbounded;
	DdbKeyMatch match;
	DdbCandidate *candidate;
	List *pathkeys;

	context.clauses.walks_on = true;
	if (!ddb_guc_pushdown || plan_state(&context)->relation->segment >= 0 ||
		context.count != NULL || context.root->query_pathkeys == NIL ||
		(source->partial && !ddb_index_fetch_may_order(
								context.root, plan_state(&context), source)) ||
		!ddb_keys_match(&context.clauses, context.restrictions, source->keys,
						&match))
		return;
	candidate = key_candidate(&context, source, &match, DDB_OP_QUERY);
	pathkeys =
		ddb_order_pathkeys(context.root, context.rel, plan_state(&context),
						   context.root->query_pathkeys, candidate);
	if (ddb_limit_reaches(context.root, context.rel, pathkeys) ||
		ddb_limit_hint(context.root, context.rel, pathkeys, false) >= 0)
		add_candidate(&context, candidate, pathkeys);
}

/*
 * Parameterised by other relations, whose columns then count as constants;
 * only by key, because a Scan for each outer row is never wanted.
 */
static void
add_parameterized(const PathContext *unparameterized, ParamPathInfo *info)
{
	PathContext context = *unparameterized;
	ListCell *lc;

	context.required_outer = info->ppi_req_outer;
	context.top = NULL;
	context.restrictions =
		list_concat_copy(unparameterized->restrictions, info->ppi_clauses);
	context.rows = info->ppi_rows;
	foreach (lc, list_concat_copy(plan_state(&context)->sources,
								  plan_state(&context)->partial_sources))
	{
		DdbSource *source = (DdbSource *) lfirst(lc);
		DdbKeyMatch match;

		/* Without the join clauses it is the path that there is already. */
		if (ddb_source_serves(plan_state(&context), context.rel, source,
							  context.restrictions) &&
			ddb_keys_match(&context.clauses, context.restrictions, source->keys,
						   &match) &&
			list_difference_ptr(match.decided, unparameterized->restrictions) !=
				NIL)
			(void) add_keyed(&context, source);
	}
}

List *
ddb_paths_in_order(PlannerInfo *root, RelOptInfo *rel, Relids outer)
{
	PathContext context = path_context(root, rel, rel->baserestrictinfo);
	ParamPathInfo *info = get_baserel_parampathinfo(root, rel, outer);
	ListCell *lc;

	context.clauses.walks = true;
	context.required_outer = info->ppi_req_outer;
	context.restrictions =
		list_concat_copy(rel->baserestrictinfo, info->ppi_clauses);
	context.rows = info->ppi_rows;
	context.one_outer_row = true;
	foreach (lc, plan_state(&context)->sources)
	{
		DdbSource *source = (DdbSource *) lfirst(lc);

		if (ddb_source_serves(plan_state(&context), rel, source,
							  context.restrictions))
			(void) add_keyed(&context, source);
	}
	return context.in_order;
}

/*
 * The positions of the candidate's values that come from other relations, and
 * so from the join.
 */
static List *
values_of_others(const PathContext *context, const DdbCandidate *candidate)
{
	List *found = NIL;
	int position = 0;
	ListCell *lc;

	foreach (lc, candidate->values)
	{
		if (!bms_is_empty(pull_varnos(context->root, (Node *) lfirst(lc))))
			found = lappend_int(found, position);
		position++;
	}
	return found;
}

/*
 * The number of outer rows that differ in these values, estimated; the values
 * are added to scan->values.
 */
static double
count_keys(const PathContext *context, const DdbCandidate *candidate,
		   double outer_rows, DdbBatchedScan *scan)
{
	ListCell *lc;

	foreach (lc, candidate->keys.batch_values)
		scan->values =
			lappend(scan->values, list_nth(candidate->values, lfirst_int(lc)));
	return ddb_cost_distinct(context->root, scan->values, outer_rows);
}

/* Sets the cost of the inner scan of a batched join, for all keys together. */
static void
set_batched_cost(const DdbPlanState *state, DdbBatchedScan *scan)
{
	double rows = clamp_row_est(scan->candidate->fetched_rows);

	scan->path->rows = rows;
	ddb_cost_estimate(state, scan->candidate, rows, &scan->path->startup_cost,
					  &scan->path->total_cost);
}

/* By the keys of many outer rows at once, if the clauses give any; else NULL. */
static DdbBatchedScan *
batched_scan(const PathContext *context, const DdbSource *source,
			 List *join_clauses, double outer_rows)
{
	List *clauses = list_concat_copy(context->restrictions, join_clauses);
	DdbBatchedScan *scan = palloc0(sizeof(DdbBatchedScan));
	DdbPlanState *state = plan_state(context);
	DdbCandidate *candidate;
	DdbKeyMatch match;

	if (!ddb_source_serves(state, context->rel, source, clauses) ||
		!ddb_keys_match(&context->clauses, clauses, source->keys, &match))
		return NULL;
	/* Partitions are listed for a run, not for each key of it. */
	if (match.keys.are_walked)
		return NULL;
	candidate =
		key_candidate(context, source, &match,
					  source->index == NULL && match.whole_key ? DDB_OP_GET_ITEM
															   : DDB_OP_QUERY);
	candidate->keys.batch_values = values_of_others(context, candidate);
	if (candidate->keys.batch_values == NIL)
		return NULL;
	scan->candidate = candidate;
	scan->decided = match.decided;
	scan->keys = count_keys(context, candidate, outer_rows, scan);
	scan->rows_per_key = candidate->fetched_rows;
	candidate->keys.are_many = true;
	candidate->streams *= scan->keys;
	candidate->fetched_rows *= scan->keys;
	candidate->fetched_keys *= scan->keys;
	scan->path = ddb_parallel_unsafe(ddb_compat_foreign_path(
		context->root, context->rel, 0, 0, 0, NIL, NULL,
		ddb_path_private(state, context->rel, candidate)));
	set_batched_cost(state, scan);
	return scan;
}

/*
 * Makes the scan stop after one row of each key, if it gives only matches: for
 * EXISTS and its like.
 */
void
ddb_paths_want_one(RelOptInfo *rel, DdbBatchedScan *scan)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	DdbCandidate *candidate = scan->candidate;

	/* The first entry's item may not match any more. */
	if (candidate->operation != DDB_OP_QUERY || candidate->local != NIL ||
		candidate->source->partial)
		return;
	candidate->keys.rows_per_key = 1;
	candidate->fetched_rows = Min(candidate->fetched_rows, candidate->streams);
	scan->rows_per_key = Min(scan->rows_per_key, 1);
	set_batched_cost(state, scan);
}

/*
 * NIL if the table cannot be looked up by these clauses.  Declared segments
 * are never looked up.
 */
List *
ddb_paths_batched(PlannerInfo *root, RelOptInfo *rel, List *join_clauses,
				  double outer_rows)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	PathContext context = path_context(root, rel, rel->baserestrictinfo);
	List *scans = NIL;
	ListCell *lc;

	if (state->relation->segment >= 0)
		return NIL;
	foreach (lc, list_concat_copy(state->sources, state->partial_sources))
	{
		DdbBatchedScan *scan = batched_scan(&context, (DdbSource *) lfirst(lc),
											join_clauses, outer_rows);

		if (scan != NULL)
			scans = lappend(scans, scan);
	}
	return scans;
}

/*
 * Callback of generate_implied_equalities_for_column(): true if the
 * equivalence member is the column whose number arg points to.
 */
static bool
member_is_column(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec,
				 EquivalenceMember *em, void *arg)
{
	Node *node = (Node *) em->em_expr;

	(void) root;
	(void) ec;
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return IsA(node, Var) && ((Var *) node)->varno == (int) rel->relid &&
		   ((Var *) node)->varattno == *(AttrNumber *) arg;
}

/* True if the column is a key attribute, or a variable of one. */
static bool
reaches_key(const DdbPlanState *state, const DdbColumn *column)
{
	return column->name != NULL &&
		   ((column->source == 0 &&
			 ddb_key_attributes_type(state->info->key_attributes,
									 column->attribute) != DDB_STORED_NONE) ||
			ddb_key_templates_use(state->relation, column->attnum));
}

/*
 * The clauses that join this relation with others, those implied by
 * equivalence classes included, as far as they reach a key.
 */
static List *
join_clauses(PlannerInfo *root, RelOptInfo *rel, const DdbPlanState *state)
{
	List *clauses = NIL;
	ListCell *lc;

	foreach (lc, rel->joininfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (join_clause_is_movable_to(rinfo, rel))
			clauses = lappend(clauses, rinfo);
	}
	if (!rel->has_eclass_joins)
		return clauses;
	for (int i = 0; i < state->relation->ncolumns; i++)
	{
		AttrNumber attnum = i + 1;

		if (reaches_key(state, &state->relation->columns[i]))
			clauses =
				list_concat(clauses, generate_implied_equalities_for_column(
										 root, rel, member_is_column, &attnum,
										 rel->lateral_referencers));
	}
	return clauses;
}

/*
 * One set of outer relations for each way to be joined, without repetition,
 * and one of all of them, which may give a key together.
 */
static List *
parameterizations(PlannerInfo *root, RelOptInfo *rel, const DdbPlanState *state)
{
	List *infos = NIL;
	Relids all = bms_copy(rel->lateral_relids);
	ListCell *lc;

	foreach (lc, join_clauses(root, rel, state))
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		Relids outer = bms_union(rinfo->clause_relids, rel->lateral_relids);

		outer = bms_del_member(outer, rel->relid);
		if (bms_is_empty(outer))
			continue;
		all = bms_union(all, outer);
		infos = list_append_unique_ptr(
			infos, get_baserel_parampathinfo(root, rel, outer));
	}
	/* Parts of a key may come from several relations together. */
	if (list_length(infos) > 1)
		infos = list_append_unique_ptr(
			infos, get_baserel_parampathinfo(root, rel, all));
	return infos;
}

/*
 * By key, in two steps.  That a table may have grown since it was counted is no
 * reason to prefer these: what they fetch grows with it.
 */
static bool
add_two_steps(PathContext *context)
{
	const DdbPlanState *state = plan_state(context);
	bool found = false;
	ListCell *lc;

	if (context->count != NULL)
		return false;
	foreach (lc, state->partial_sources)
	{
		const DdbSource *source = (DdbSource *) lfirst(lc);

		if (!ddb_source_serves(state, context->rel, source,
							   context->restrictions))
			continue;
		if (add_keyed(context, source))
			found = true;
		else
			add_walk(context, source);
	}
	return found;
}

/*
 * Offers reading by key and by Scan, from every source that holds what the
 * clauses can select.  Where full scans are denied, none is offered beside a
 * key.
 */
static void
add_unparameterized(PathContext *context)
{
	const DdbPlanState *state = plan_state(context);
	bool keyed = false;
	bool in_two_steps;
	ListCell *lc;

	foreach (lc, state->sources)
		if (ddb_source_serves(state, context->rel, (DdbSource *) lfirst(lc),
							  context->restrictions))
		{
			bool found = add_keyed(context, (DdbSource *) lfirst(lc));

			if (!found)
				add_walk(context, (DdbSource *) lfirst(lc));
			keyed |= found;
		}
	in_two_steps = add_two_steps(context);
	/* Where full scans are denied, none is offered beside a key. */
	foreach (lc, state->sources)
		if (ddb_source_serves(state, context->rel, (DdbSource *) lfirst(lc),
							  context->restrictions) &&
			!((keyed || in_two_steps) &&
			  ddb_relation_scan_policy(state->relation) == DDB_SCAN_DENY))
			add_scan(context, (DdbSource *) lfirst(lc), keyed);
}

/* Ends in ddb_upper_add_path() for each candidate that can count. */
void
ddb_paths_count(PlannerInfo *root, DdbCount *count, List *restrictions)
{
	RelOptInfo *rel = count->rel;
	PathContext context = path_context(root, rel, restrictions);

	context.clauses.walks = true;
	context.count = count;
	add_unparameterized(&context);
}

/*
 * Planner callback: offers Scans, Queries and look-ups of table and indexes,
 * without parameters first, then for each set of outer relations that gives
 * values.
 */
void
ddbGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	PathContext context = path_context(root, rel, rel->baserestrictinfo);
	DdbTop top;
	ListCell *lc;

	(void) relid;
	context.clauses.walks = true;
	context.required_outer = rel->lateral_relids;
	if (bms_is_empty(rel->lateral_relids) && ddb_top_wanted(root, rel, &top))
		context.top = &top;
	add_unparameterized(&context);
	/* Then no other row is known. */
	if (!ddb_guc_pushdown || state->snapshot)
		return;
	foreach (lc, parameterizations(root, rel, state))
		add_parameterized(&context, (ParamPathInfo *) lfirst(lc));
}
