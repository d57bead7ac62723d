/* SPDX-License-Identifier: PostgreSQL */
/*
 * query_shape.c
 *		When does a LIMIT say how many rows one scan must give?
 *
 * PostgreSQL's own Limit node stays above the scan; what is handed down only
 * sizes requests.  So a wrong answer here could cost requests, never rows.
 */
#include "postgres.h"

#include "plan/query_shape.h"

#include "optimizer/paths.h"

/* Rows that are fetched first of what is planned for a fraction of its rows. */
#define CURSOR_ROWS 100

/* A fraction of at least 1 is a number of rows (planner's tuple_fraction). */
#define IS_ROW_COUNT(fraction) ((fraction) >= 1.0 && (fraction) < 1e9)

/*
 * True if nothing but joins stands between the rows of relations and the Limit
 * node.
 */
bool
ddb_limit_is_plain(const PlannerInfo *root)
{
	const Query *query = root->parse;

	return query->commandType == CMD_SELECT && !query->hasAggs &&
		   !query->hasWindowFuncs && !query->hasTargetSRFs &&
		   query->groupClause == NIL && query->groupingSets == NIL &&
		   query->havingQual == NULL && query->distinctClause == NIL &&
		   query->setOperations == NULL;
}

/* Every row of the relation is a row of the query, in the query's order. */
static bool
rows_pass_through(PlannerInfo *root, List *pathkeys)
{
	return ddb_limit_is_plain(root) &&
		   bms_membership(root->all_baserels) == BMS_SINGLETON &&
		   (root->sort_pathkeys == NIL ||
			pathkeys_contained_in(root->sort_pathkeys, pathkeys));
}

/*
 * True if each row that the relation gives is a row of the query, so that
 * LIMIT counts just these.
 */
bool
ddb_limit_reaches(PlannerInfo *root, RelOptInfo *rel, List *pathkeys)
{
	return root->parse->limitCount != NULL &&
		   rel->reloptkind == RELOPT_BASEREL &&
		   rows_pass_through(root, pathkeys);
}

/*
 * True if the relation is looked up to see whether there is a match at all.
 * Then a nested loop stops at the first one.
 */
static bool
is_semijoin_inner(const PlannerInfo *root, const RelOptInfo *rel)
{
	ListCell *lc;

	foreach (lc, root->join_info_list)
	{
		SpecialJoinInfo *join = lfirst_node(SpecialJoinInfo, lc);

		if ((join->jointype == JOIN_SEMI || join->jointype == JOIN_ANTI) &&
			bms_equal(join->syn_righthand, rel->relids))
			return true;
	}
	return false;
}

/*
 * True if what stands above the relation may take its rows one by one, in the
 * order that they come in, and stop early: joins, window functions, DISTINCT
 * and GROUP BY on that order.  Aggregates of everything take them all.
 */
static bool
rows_are_taken_in_order(PlannerInfo *root, List *pathkeys)
{
	const Query *query = root->parse;

	return query->commandType == CMD_SELECT && root->query_pathkeys != NIL &&
		   pathkeys_contained_in(root->query_pathkeys, pathkeys) &&
		   !(query->hasAggs && query->groupClause == NIL) &&
		   query->groupingSets == NIL && query->setOperations == NULL;
}

/*
 * How many rows will probably be wanted, to size the first page; -1 if nobody
 * knows.  Being wrong costs requests, never rows.
 */
int64
ddb_limit_hint(PlannerInfo *root, RelOptInfo *rel, List *pathkeys,
			   bool parameterized)
{
	if (parameterized)
		return is_semijoin_inner(root, rel) ? 1 : -1;
	if (!rows_pass_through(root, pathkeys) &&
		!rows_are_taken_in_order(root, pathkeys))
		return -1;
	/* Partitions and UNION ALL: the LIMIT of all bounds each. */
	if (IS_ROW_COUNT(root->limit_tuples))
		return (int64) root->limit_tuples;
	/* EXISTS and its like want the first row, then perhaps no other. */
	if (IS_ROW_COUNT(root->tuple_fraction))
		return (int64) root->tuple_fraction;
	/* A cursor: its first rows, in an order that needs no sort. */
	if (root->tuple_fraction > 0 && root->query_pathkeys != NIL)
		return CURSOR_ROWS;
	return -1;
}
