/* SPDX-License-Identifier: PostgreSQL */
/*
 * query_shape.c
 *		How many rows are wanted of one scan, and in which order.
 *
 * PostgreSQL's own Limit node stays above the scan; what is handed down only
 * sizes requests.  So a wrong answer here could cost requests, never rows.
 */
#include "postgres.h"

#include "plan/query_shape.h"

#include "compat.h"
#include "optimizer/cost.h"
#include "optimizer/paths.h"
#include "optimizer/tlist.h"

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

/* ---- the query around ----
 *
 *		SELECT at, … FROM logs WHERE … UNION ALL SELECT at, … FROM audit WHERE …
 *		ORDER BY at DESC LIMIT 10
 *
 * A member of UNION ALL that has a WHERE is a subquery of its own.  PostgreSQL
 * plans it without telling it of ORDER BY, but merges members that happen to
 * come in that order.
 */

/*
 * True if rows of the query are those of its only relation, in its order, and
 * all of them.
 */
static bool
rows_are_handed_on(const PlannerInfo *root)
{
	const Query *query = root->parse;

	return ddb_limit_is_plain(root) && query->sortClause == NIL &&
		   query->limitCount == NULL && query->limitOffset == NULL &&
		   bms_membership(root->all_baserels) == BMS_SINGLETON;
}

/* The relation's column that this output of the query shows, or NULL. */
static Expr *
output_column(const PlannerInfo *root, const RelOptInfo *rel, AttrNumber number)
{
	const TargetEntry *entry =
		get_tle_by_resno(root->parse->targetList, number);
	const Var *var;

	if (entry == NULL || entry->resjunk || !IsA(entry->expr, Var))
		return NULL;
	var = (const Var *) entry->expr;
	return var->varno == (int) rel->relid && var->varlevelsup == 0 ? entry->expr
																   : NULL;
}

/*
 * The column that the class of the query around stands for, by any subquery's
 * output of that number: which one is being planned nobody says.  Being wrong
 * offers an order that nobody takes.
 */
static Expr *
column_of_class(const PlannerInfo *root, const RelOptInfo *rel,
				const EquivalenceClass *class, Oid *type)
{
	PlannerInfo *around = root->parent_root;

	for (int i = 1; i < around->simple_rel_array_size; i++)
	{
		ListCell *lc;

		if (around->simple_rel_array[i] == NULL ||
			around->simple_rte_array[i]->rtekind != RTE_SUBQUERY)
			continue;
		foreach (lc, ddb_compat_class_members(
						 class, around->simple_rel_array[i]->relids))
		{
			EquivalenceMember *member = lfirst_node(EquivalenceMember, lc);
			const Var *var = (const Var *) member->em_expr;
			Expr *column;

			if (!IsA(var, Var) || var->varno != i || var->varlevelsup != 0)
				continue;
			column = output_column(root, rel, var->varattno);
			*type = member->em_datatype;
			if (column != NULL)
				return column;
		}
	}
	return NULL;
}

/* The pathkey of the query around, as one of this query; NULL if it is none. */
static PathKey *
translate(PlannerInfo *root, RelOptInfo *rel, const PathKey *pathkey)
{
	const EquivalenceClass *class = pathkey->pk_eclass;
	Oid type = InvalidOid;
	Expr *column;

	if (class->ec_has_volatile)
		return NULL;
	column = column_of_class(root, rel, class, &type);
	if (column == NULL)
		return NULL;
	return ddb_compat_pathkey_like(root, pathkey, column, type);
}

List *
ddb_order_around(PlannerInfo *root, RelOptInfo *rel)
{
	List *pathkeys = NIL;
	ListCell *lc;

	if (root->parent_root == NULL || !rows_are_handed_on(root) ||
		root->parent_root->simple_rel_array == NULL)
		return NIL;
	foreach (lc, root->parent_root->query_pathkeys)
	{
		PathKey *pathkey = translate(root, rel, lfirst_node(PathKey, lc));

		if (pathkey == NULL)
			break;
		pathkeys = lappend(pathkeys, pathkey);
	}
	return pathkeys;
}

/* ---- how many rows ---- */

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
 *
 * Rows that come in the first columns of the order only will do as well: the
 * Incremental Sort above takes them group by group.
 */
static bool
rows_are_taken_in_order(PlannerInfo *root, List *pathkeys)
{
	const Query *query = root->parse;
	int n;

	return query->commandType == CMD_SELECT && root->query_pathkeys != NIL &&
		   (pathkeys_count_contained_in(root->query_pathkeys, pathkeys, &n) ||
			(n > 0 && enable_incremental_sort)) &&
		   !(query->hasAggs && query->groupClause == NIL) &&
		   query->groupingSets == NIL && query->setOperations == NULL;
}

/*
 * How many rows the query's taker will probably stop at; -1 if nobody knows.
 */
static int64
rows_wanted(const PlannerInfo *root)
{
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

/*
 * An Incremental Sort reads on until the rows that tie with the last one that
 * is wanted have ended, which takes one row more, and however many tie.
 */
static int64
beyond_ties(int64 rows)
{
	return rows + rows / 4 + 2;
}

/*
 * How many rows the query around this one will probably want, if it takes them
 * in the order of these pathkeys; -1 if nobody knows.
 */
static int64
rows_wanted_around(PlannerInfo *root, RelOptInfo *rel, List *pathkeys)
{
	List *wanted = ddb_order_around(root, rel);
	bool whole;
	int64 rows;
	int n;

	if (wanted == NIL || !ddb_limit_is_plain(root->parent_root))
		return -1;
	whole = pathkeys_count_contained_in(wanted, pathkeys, &n) &&
			n == list_length(root->parent_root->query_pathkeys);
	if (!whole && (n == 0 || !enable_incremental_sort))
		return -1;
	rows = rows_wanted(root->parent_root);
	return whole || rows < 0 ? rows : beyond_ties(rows);
}

/*
 * How many rows will probably be wanted, to size the first page; -1 if nobody
 * knows.  Being wrong costs requests, never rows.
 */
int64
ddb_limit_hint(PlannerInfo *root, RelOptInfo *rel, List *pathkeys,
			   bool parameterized)
{
	int64 rows = -1;

	if (parameterized)
		return is_semijoin_inner(root, rel) ? 1 : -1;
	if (rows_pass_through(root, pathkeys) ||
		rows_are_taken_in_order(root, pathkeys))
		rows = rows_wanted(root);
	if (rows < 0)
		return rows_wanted_around(root, rel, pathkeys);
	return pathkeys_contained_in(root->query_pathkeys, pathkeys)
			   ? rows
			   : beyond_ties(rows);
}

/* The output of such a query has this name (planagg.c, build_minmax_path). */
#define EXTREME_OUTPUT "agg_target"

int
ddb_sibling_extremes(const PlannerInfo *root)
{
	const Query *query = root->parse;
	const TargetEntry *output;

	if (root->parent_root == NULL || !root->parent_root->parse->hasAggs ||
		query->limitCount == NULL || list_length(query->sortClause) != 1 ||
		list_length(query->targetList) != 1)
		return 1;
	output = linitial_node(TargetEntry, query->targetList);
	if (output->resname == NULL || strcmp(output->resname, EXTREME_OUTPUT) != 0)
		return 1;
	return Max(1, list_length(root->parent_root->agginfos));
}
