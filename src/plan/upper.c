/* SPDX-License-Identifier: PostgreSQL */
/*
 * upper.c
 *		Counting in DynamoDB: count(*), count(column), by partition too.
 *
 * A Query or Scan with Select COUNT sends no items.  Where DynamoDB decides
 * every condition, and the groups are the partitions that were asked for, the
 * counts of the replies are the query's.  FILTER, and IS NOT NULL of a counted
 * column, join the conditions of WHERE where all aggregates share them.
 * Partitions of a table can count in part each, which PostgreSQL adds up, if
 * enable_partitionwise_aggregate is on.  Other aggregates, DISTINCT and joins
 * stay with PostgreSQL.
 */
#include "postgres.h"

#include "plan/upper.h"

#include "catalog/pg_type.h"
#include "codec/encode_constant.h"
#include "compat.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "plan/cost.h"
#include "plan/create_plan.h"
#include "plan/parallel_path.h"
#include "plan/path_candidate.h"
#include "plan/paths.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/*
 * The share of the cost of reading: short replies, and nothing to aggregate.
 * Below what the planner takes for equal, when it prefers what happens to be
 * sorted.
 */
#define COUNT_SHARE 0.95

static DdbPlanState *
plan_state(const DdbCount *count)
{
	return (DdbPlanState *) count->rel->fdw_private;
}

/* The column of the table that an expression is, or 0. */
static AttrNumber
column_of(const DdbCount *count, Node *node)
{
	const Var *var = (const Var *) node;

	if (node == NULL || !IsA(node, Var) ||
		var->varno != (int) count->rel->relid || var->varlevelsup != 0)
		return 0;
	return Max(var->varattno, 0);
}

/*
 * True if the column is a key of the table, or taken from one, and so is never
 * NULL.
 */
static bool
is_table_key(const DdbCount *count, const DdbColumn *column)
{
	if (column->source != 0)
		column = &plan_state(count)->relation->columns[column->source - 1];
	return column->reach == DDB_REACH_ATTRIBUTE &&
		   ddb_key_schema_has(&plan_state(count)->info->keys,
							  column->attribute);
}

/*
 * The aggregate's argument.  A key is never NULL, but where it does not fit its
 * column, which the executor looks after.  Of any other column a value that
 * does not fit must come back to raise its error, unless the column's own
 * options say that it is NULL, and nothing else can fail to fit.
 */
static bool
match_argument(const DdbCount *count, const Aggref *aggregate,
			   AttrNumber *counted, List **conditions)
{
	Node *node =
		aggregate->aggstar
			? NULL
			: (Node *) linitial_node(TargetEntry, aggregate->args)->expr;
	const DdbColumn *column;
	NullTest *test;

	*counted = 0;
	if (node == NULL ||
		(IsA(node, Const) && !((const Const *) node)->constisnull))
		return true;
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	*counted = column_of(count, node);
	if (*counted == 0)
		return false;
	column = &plan_state(count)->relation->columns[*counted - 1];
	if (is_table_key(count, column))
		return true;
	if (column->on_type_mismatch != DDB_MISMATCH_NULL ||
		!ddb_codec_fits_all(
			ddb_codec_set_get(plan_state(count)->codecs, *counted)))
		return false;
	test = makeNode(NullTest);
	test->arg = (Expr *) copyObject(node);
	test->nulltesttype = IS_NOT_NULL;
	test->location = -1;
	*conditions = lappend(*conditions, test);
	return true;
}

/*
 * True if the aggregate is a count that DynamoDB can make. *counted is the
 * column that must not be NULL, or 0; *conditions is its FILTER.
 */
static bool
match_aggregate(const DdbCount *count, Node *node, AttrNumber *counted,
				List **conditions)
{
	const Aggref *aggregate = (const Aggref *) node;
	AggSplit split = count->partial ? AGGSPLIT_INITIAL_SERIAL : AGGSPLIT_SIMPLE;

	*conditions = NIL;
	/* (What a count counts in part is a number as the whole.) */
	if (!IsA(node, Aggref) || aggregate->agglevelsup != 0 ||
		aggregate->aggsplit != split || aggregate->aggdistinct != NIL ||
		aggregate->aggorder != NIL ||
		(aggregate->aggfnoid != F_COUNT_ && aggregate->aggfnoid != F_COUNT_ANY))
		return false;
	if (aggregate->aggfilter != NULL)
		*conditions = make_ands_implicit(copyObject(aggregate->aggfilter));
	return match_argument(count, aggregate, counted, conditions);
}

/*
 * Adds an aggregate that DynamoDB can count.  False if it cannot, or if it
 * counts other rows than those before it.
 */
static bool
add_aggregate(DdbCount *count, Node *node)
{
	AttrNumber counted;
	List *conditions;

	if (list_member(count->aggregates, node))
		return true;
	if (!match_aggregate(count, node, &counted, &conditions))
		return false;
	/* A group whose rows all fail a condition is still a group. */
	if (count->grouped && conditions != NIL)
		return false;
	if (count->aggregates == NIL)
		count->conditions = conditions;
	else if (!equal(count->conditions, conditions))
		return false;
	count->aggregates = lappend(count->aggregates, node);
	count->counted = lappend_int(count->counted, counted);
	return true;
}

/*
 * True if the aggregation computes nothing but counts and columns that it
 * groups by.  Collects the counts.
 */
static bool
match_outputs(DdbCount *count)
{
	List *nodes = pull_var_clause(
		(Node *) list_concat_copy(count->target->exprs, count->having),
		PVC_INCLUDE_AGGREGATES | PVC_INCLUDE_PLACEHOLDERS |
			PVC_RECURSE_WINDOWFUNCS);
	ListCell *lc;

	foreach (lc, nodes)
	{
		Node *node = (Node *) lfirst(lc);

		if (IsA(node, Var)
				? !list_member_int(count->group_columns, column_of(count, node))
				: !add_aggregate(count, node))
			return false;
	}
	return true;
}

/*
 * True if values of the column are one group exactly when their stored keys
 * are equal.
 */
static bool
groups_by_bytes(const DdbCount *count, const SortGroupClause *clause,
				const Var *var)
{
	const DdbCodec *codec =
		ddb_codec_set_get(plan_state(count)->codecs, var->varattno);
	TypeCacheEntry *cache =
		lookup_type_cache(codec->column->base_typid, TYPECACHE_EQ_OPR);

	return clause->eqop == cache->eq_opr &&
		   ddb_codec_equality(codec) == DDB_AGREES_EXACTLY &&
		   (codec->conversion != DDB_CONVERT_TEXT ||
			(OidIsValid(var->varcollid) &&
			 get_collation_isdeterministic(var->varcollid)));
}

/*
 * True if the query groups by columns whose stored keys can stand for their
 * values, or does not group at all.
 */
static bool
match_groups(PlannerInfo *root, List *target_list, DdbCount *count)
{
	ListCell *lc;

	if (root->parse->groupingSets != NIL)
		return false;
	count->grouped = root->parse->groupClause != NIL;
	foreach (lc, root->parse->groupClause)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		Node *node = get_sortgroupclause_expr(clause, target_list);
		AttrNumber column = column_of(count, node);

		if (column == 0 || !groups_by_bytes(count, clause, (Var *) node))
			return false;
		count->group_columns =
			list_append_unique_int(count->group_columns, column);
	}
	list_sort(count->group_columns, list_int_cmp);
	return true;
}

/*
 * True if each partition of the source is one group, or if there is one group
 * in all.
 */
static bool
groups_are_partitions(const DdbCount *count, const DdbCandidate *candidate)
{
	const DdbKeySchema *keys = candidate->source->keys;

	if (!count->grouped)
		return true;
	for (int i = 0; i < keys->npartition; i++)
	{
		bool found = false;
		ListCell *lc;

		foreach (lc, count->group_columns)
			found |= ddb_column_shows(
				&plan_state(count)->relation->columns[lfirst_int(lc) - 1],
				keys->attributes[i].name);
		if (!found)
			return false;
	}
	return true;
}

/*
 * Offers the candidate as a way to count, if nothing is checked locally and
 * its streams are the groups.
 */
void
ddb_upper_add_path(PlannerInfo *root, DdbCount *count, DdbCandidate *candidate)
{
	DdbPlanState *state = plan_state(count);
	double rows = count->grouped ? Max(candidate->streams, 1) : 1;
	Cost startup_cost;
	Cost total_cost;

	if (candidate->local != NIL || !groups_are_partitions(count, candidate) ||
		!ddb_plan_can_count(state, candidate, count->group_columns))
		return;
	candidate->counts = true;
	ddb_cost_estimate(state, candidate, rows, &startup_cost, &total_cost);
	total_cost *= COUNT_SHARE;
	if (!count->grouped)
		startup_cost = total_cost;
	add_path(count->upper,
			 ddb_parallel_unsafe(ddb_compat_foreign_upper_path(
				 root, count->upper, count->target, rows,
				 Min(startup_cost, total_cost), total_cost,
				 ddb_path_private(state, count->rel, candidate))));
}

/*
 * Columns are there for runs that must fetch items and count them one by one.
 */
List *
ddb_upper_scan_tlist(const DdbCount *count)
{
	const DdbRelation *relation = plan_state(count)->relation;
	List *tlist = NIL;

	for (int i = 0; i < relation->ncolumns; i++)
	{
		const DdbColumn *column = &relation->columns[i];
		Expr *expr =
			column->name == NULL
				? (Expr *) makeNullConst(INT4OID, -1, InvalidOid)
				: (Expr *) makeVar(count->rel->relid, i + 1, column->typid,
								   column->typmod, column->collation, 0);

		tlist = lappend(
			tlist, makeTargetEntry(expr, list_length(tlist) + 1, NULL, false));
	}
	return add_to_flat_tlist(tlist, count->aggregates);
}

/* WHERE and what the aggregates ask besides. */
static List *
all_restrictions(PlannerInfo *root, const DdbCount *count)
{
	List *restrictions = list_copy(count->rel->baserestrictinfo);
	ListCell *lc;

	foreach (lc, count->conditions)
		restrictions = lappend(
			restrictions, ddb_compat_restriction(root, (Expr *) lfirst(lc)));
	return restrictions;
}

/*
 * A whole aggregation, of a table or of a partition whose groups no other has;
 * or a partition's part of one.  The parts of parallel workers are not counted.
 */
static bool
is_counting_stage(UpperRelationKind stage, const GroupPathExtraData *grouping)
{
	return (stage == UPPERREL_GROUP_AGG &&
			grouping->patype != PARTITIONWISE_AGGREGATE_PARTIAL) ||
		   (stage == UPPERREL_PARTIAL_GROUP_AGG &&
			grouping->patype == PARTITIONWISE_AGGREGATE_PARTIAL);
}

/*
 * Planner callback: offers to let DynamoDB count, for the whole aggregation or
 * for its partial stage.
 */
void
ddbGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage,
						RelOptInfo *input_rel, RelOptInfo *output_rel,
						void *extra)
{
	const GroupPathExtraData *grouping = (const GroupPathExtraData *) extra;
	DdbCount *count;

	/* A parent of inheritance was never planned as a scan: its children are. */
	if (!is_counting_stage(stage, grouping) || !ddb_guc_pushdown ||
		output_rel->fdw_private != NULL || !IS_SIMPLE_REL(input_rel) ||
		input_rel->fdw_private == NULL || IS_DUMMY_REL(input_rel) ||
		!bms_is_empty(input_rel->lateral_relids) || root->parse->hasTargetSRFs)
		return;
	count = palloc0(sizeof(DdbCount));
	count->rel = input_rel;
	count->upper = output_rel;
	count->target = output_rel->reltarget;
	count->partial = stage == UPPERREL_PARTIAL_GROUP_AGG;
	/* Nobody knows of a part whether the whole group has it. */
	count->having = count->partial ? NIL : (List *) grouping->havingQual;
	if (!match_groups(root, grouping->targetList, count) ||
		!match_outputs(count))
		return;
	output_rel->fdw_private = count;
	ddb_paths_count(root, count, all_restrictions(root, count));
}
