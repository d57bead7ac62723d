/*
 * paths.c
 *		Finds the ways to read a foreign table and offers them to the planner.
 *
 * Of the table and of each index that serves: a Query where every partition
 * attribute is bound to values, a GetItem or BatchGetItem where the table's
 * whole key is, and a Scan.  PostgreSQL chooses by cost.
 */
#include "postgres.h"

#include "plan/plan_state.h"

#include "compat.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "plan/filter.h"

/* Columns that a Query of this source may not name in its filter. */
static Bitmapset *
key_columns(const DdbPlanState *state, const DdbSource *source)
{
	Bitmapset *columns = NULL;

	for (int i = 0; i < state->relation->ncolumns; i++)
		if (state->relation->columns[i].name != NULL &&
			ddb_key_schema_has(source->keys,
							   state->relation->columns[i].attribute))
			columns = bms_add_member(columns, i + 1);
	return columns;
}

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
		candidate->alternatives = lappend(candidate->alternatives, conditions);
	}
}

/* IS NOT NULL of a key attribute: no item is without its keys. */
static bool
is_key_not_null(const DdbClauseContext *context, const DdbPlanState *state,
				const DdbSource *source, Expr *expr)
{
	DdbComparison comparison;

	return IsA(expr, NullTest) &&
		   ddb_clause_match(context, expr, false, &comparison) &&
		   comparison.condition.op == DDB_COMPARE_NOT_NULL &&
		   ddb_key_schema_has(
			   source->keys,
			   state->relation->columns[comparison.condition.column - 1]
				   .attribute);
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
			 is_key_not_null(context, state, candidate->source, rinfo->clause)))
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

static void
add_candidate(PlannerInfo *root, RelOptInfo *rel, DdbCandidate *candidate,
			  List *pathkeys)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	Cost startup_cost;
	Cost total_cost;

	candidate->limited =
		ddb_guc_pushdown && ddb_limit_reaches(root, rel, pathkeys);
	candidate->limit_hint =
		ddb_guc_pushdown ? ddb_limit_hint(root, rel, pathkeys) : -1;
	ddb_cost_estimate(state, candidate, rel->rows, &startup_cost, &total_cost);
	state->candidates = lappend(state->candidates, candidate);
	add_path(rel,
			 (Path *) ddb_compat_foreign_path(
				 root, rel, rel->rows, startup_cost, total_cost, pathkeys,
				 rel->lateral_relids,
				 list_make1(makeInteger(list_length(state->candidates) - 1))));
}

/* The items that a key match leaves to be read, estimated. */
static double
matched_items(PlannerInfo *root, RelOptInfo *rel, const DdbSource *source,
			  const DdbKeyMatch *match)
{
	Selectivity selectivity = clauselist_selectivity(
		root, match->decided, rel->relid, JOIN_INNER, NULL);

	return clamp_row_est(source->item_count * selectivity);
}

static void
add_scan(PlannerInfo *root, RelOptInfo *rel, const DdbClauseContext *context,
		 const DdbSource *source)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	DdbCandidate *candidate = palloc0(sizeof(DdbCandidate));

	candidate->source = source;
	candidate->operation = DDB_OP_SCAN;
	candidate->fetched_rows = source->item_count;
	place_rest(context, state, rel->baserestrictinfo, NIL, NULL, candidate);
	add_candidate(root, rel, candidate, NIL);
}

static DdbCandidate *
key_candidate(PlannerInfo *root, RelOptInfo *rel,
			  const DdbClauseContext *context, const DdbSource *source,
			  const DdbKeyMatch *match, DdbOperation operation)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	DdbCandidate *candidate = palloc0(sizeof(DdbCandidate));

	candidate->source = source;
	candidate->operation = operation;
	candidate->many = match->many;
	candidate->streams = match->count;
	candidate->key_columns = match->partition_columns;
	candidate->fetched_rows = operation == DDB_OP_GET_ITEM
								  ? match->count
								  : matched_items(root, rel, source, match);
	place_alternatives(match, candidate);
	place_rest(context, state, rel->baserestrictinfo, match->decided,
			   operation == DDB_OP_QUERY ? key_columns(state, source) : NULL,
			   candidate);
	return candidate;
}

/*
 * In the query's order, where the key gives any of it; merging several
 * partitions or ranges costs a wait for all of them, so those are also
 * offered unordered.
 */
static void
add_query(PlannerInfo *root, RelOptInfo *rel, const DdbClauseContext *context,
		  const DdbSource *source, const DdbKeyMatch *match)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	DdbCandidate *candidate =
		key_candidate(root, rel, context, source, match, DDB_OP_QUERY);
	List *pathkeys =
		ddb_order_pathkeys(root, rel, state, candidate, &candidate->backward);

	candidate->ordered = pathkeys != NIL;
	add_candidate(root, rel, candidate, pathkeys);
	if (pathkeys != NIL && match->many)
		add_candidate(
			root, rel,
			key_candidate(root, rel, context, source, match, DDB_OP_QUERY),
			NIL);
}

static void
add_source(PlannerInfo *root, RelOptInfo *rel, const DdbClauseContext *context,
		   const DdbSource *source)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	DdbKeyMatch match;

	/* A segment is a share of a Scan; no key condition can be that share. */
	if (ddb_guc_pushdown && state->relation->segment < 0 &&
		ddb_keys_match(context, rel->baserestrictinfo, source->keys, &match))
	{
		if (source->index == NULL && match.whole_key)
			add_candidate(root, rel,
						  key_candidate(root, rel, context, source, &match,
										DDB_OP_GET_ITEM),
						  NIL);
		if (source->index != NULL || !match.whole_key || match.many)
			add_query(root, rel, context, source, &match);
	}
	add_scan(root, rel, context, source);
}

void
ddbGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	DdbClauseContext context = {root, rel, state->codecs};
	ListCell *lc;

	(void) relid;
	foreach (lc, state->sources)
		add_source(root, rel, &context, (DdbSource *) lfirst(lc));
}
