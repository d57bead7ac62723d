/* SPDX-License-Identifier: PostgreSQL */
/*
 * top_n.c
 *		When are the first rows of each partition all that a query can show?
 *
 * The newest entry of each device, as SQL says it:
 *		SELECT DISTINCT ON (pk) … ORDER BY pk, sk DESC
 *		SELECT pk, max(sk) … GROUP BY pk
 *		SELECT … FROM (SELECT …, row_number() OVER (PARTITION BY pk
 *			ORDER BY sk DESC) AS n …) WHERE n <= 3
 *		SELECT DISTINCT pk
 * Over partitions that the query names, each is a small Query.  PostgreSQL's
 * own nodes above still choose, from what may be more rows than they need.
 */
#include "postgres.h"

#include "plan/top_n.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "codec/encode_constant.h"
#include "compat.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/tlist.h"
#include "plan/skip_scan_path.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* More rows than these are read as a whole. */
#define MAX_TOP_ROWS 1000

/* ---- min() and max() ---- */

/*
 * The operator by whose order the aggregate's answer comes first, which min()
 * and max() have; InvalidOid for others, and with DISTINCT, FILTER or ORDER
 * BY.
 */
static Oid
extreme_operator(const Aggref *aggregate)
{
	HeapTuple tuple;
	Oid opno;

	if (list_length(aggregate->args) != 1 || aggregate->aggorder != NIL ||
		aggregate->aggdistinct != NIL || aggregate->aggfilter != NULL)
		return InvalidOid;
	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate->aggfnoid));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	opno = ((Form_pg_aggregate) GETSTRUCT(tuple))->aggsortop;
	ReleaseSysCache(tuple);
	return opno;
}

/* The aggregates of the query's output and of HAVING, each once. */
static List *
query_aggregates(const Query *query)
{
	List *nodes = list_concat(
		pull_var_clause((Node *) query->targetList,
						PVC_INCLUDE_AGGREGATES | PVC_INCLUDE_PLACEHOLDERS),
		pull_var_clause(query->havingQual,
						PVC_INCLUDE_AGGREGATES | PVC_INCLUDE_PLACEHOLDERS));
	List *aggregates = NIL;
	ListCell *lc;

	foreach (lc, nodes)
		if (IsA(lfirst(lc), Aggref))
			aggregates = list_append_unique(aggregates, lfirst(lc));
	return aggregates;
}

/*
 * The order of the aggregate's argument in which the first row has the answer.
 * NULLs come last, as aggregates ignore them.
 */
static List *
extreme_pathkeys(PlannerInfo *root, const Aggref *aggregate, Oid opno)
{
	TargetEntry *entry = flatCopyTargetEntry(
		linitial_node(TargetEntry, (List *) aggregate->args));
	SortGroupClause *clause = makeNode(SortGroupClause);

	entry->ressortgroupref = 1;
	clause->tleSortGroupRef = 1;
	ddb_compat_set_sort_operator(clause, opno);
	clause->hashable = false;
	clause->nulls_first = false;
	return make_pathkeys_for_sortclauses(root, list_make1(clause),
										 list_make1(entry));
}

/*
 * True if the query groups and computes nothing but one min() or max().  Fills
 * in *top.
 */
static bool
want_extremes(PlannerInfo *root, DdbTop *top)
{
	List *aggregates = query_aggregates(root->parse);
	const Aggref *aggregate;
	Oid opno;

	if (root->parse->groupClause == NIL || list_length(aggregates) != 1)
		return false;
	aggregate = linitial_node(Aggref, aggregates);
	opno = extreme_operator(aggregate);
	if (!OidIsValid(opno) || aggregate->agglevelsup != 0)
		return false;
	top->rows = 1;
	top->groups = get_sortgrouplist_exprs(root->parse->groupClause,
										  root->parse->targetList);
	top->pathkeys = list_concat_copy(ddb_compat_group_pathkeys(root),
									 extreme_pathkeys(root, aggregate, opno));
	return true;
}

/* ---- row_number() ---- */

/*
 * The value of an integer constant of any width, in *value.  False for
 * anything else, NULL too.
 */
static bool
integer_constant(const Node *node, int64 *value)
{
	const Const *constant = (const Const *) node;

	if (!IsA(node, Const) || constant->constisnull ||
		(constant->consttype != INT2OID && constant->consttype != INT4OID &&
		 constant->consttype != INT8OID))
		return false;
	*value = ddb_codec_integer(constant->constvalue, constant->consttype);
	return true;
}

/*
 * How many rows of a partition "row_number() <= constant" is true of, at least
 * 1; -1 if the condition is anything else.
 */
static int64
condition_rows(const OpExpr *condition)
{
	Node *left = (Node *) linitial(condition->args);
	Node *right = (Node *) lsecond(condition->args);
	Oid opno = condition->opno;
	int64 rows;

	if (IsA(right, WindowFunc))
	{
		Node *constant = left;

		left = right;
		right = constant;
		opno = get_commutator(opno);
	}
	if (!IsA(left, WindowFunc) || !integer_constant(right, &rows) ||
		!OidIsValid(opno))
		return -1;
	switch (get_op_opfamily_strategy(opno, INTEGER_BTREE_FAM_OID))
	{
		case BTLessStrategyNumber:
			return Max(rows, 2) - 1;
		case BTLessEqualStrategyNumber:
			return Max(rows, 1);
		default:
			return -1;
	}
}

/*
 * Only functions that number rows, of whose numbers one is bounded: what comes
 * later changes none of them.
 */
static bool
want_first_numbers(PlannerInfo *root, DdbTop *top)
{
	const Query *query = root->parse;
	const WindowClause *window;
	List *functions = NIL;
	int64 least = -1;
	ListCell *lc;

	if (list_length(query->windowClause) != 1)
		return false;
	window = linitial_node(WindowClause, query->windowClause);
	foreach (
		lc, pull_var_clause((Node *) query->targetList,
							PVC_INCLUDE_WINDOWFUNCS | PVC_INCLUDE_PLACEHOLDERS))
		if (IsA(lfirst(lc), WindowFunc))
			functions = lappend(functions, lfirst(lc));
	foreach (lc, functions)
		if (lfirst_node(WindowFunc, lc)->winfnoid != F_ROW_NUMBER)
			return false;
	foreach (lc, ddb_compat_run_conditions(window, functions))
	{
		int64 rows = condition_rows(lfirst_node(OpExpr, lc));

		if (rows >= 0 && (least < 0 || rows < least))
			least = rows;
	}
	if (least < 0 || least > MAX_TOP_ROWS)
		return false;
	top->rows = (int) least;
	top->groups =
		get_sortgrouplist_exprs(window->partitionClause, query->targetList);
	top->pathkeys = root->query_pathkeys;
	return true;
}

/* ---- DISTINCT ---- */

/*
 * True if the query wants one row of each group: DISTINCT ON, or any query
 * that ignores duplicates.
 */
static bool
want_distinct_rows(PlannerInfo *root, const RelOptInfo *rel, DdbTop *top)
{
	const Query *query = root->parse;

	top->rows = 1;
	if (query->hasDistinctOn)
	{
		if (query->hasAggs || query->groupClause != NIL)
			return false;
		top->groups =
			get_sortgrouplist_exprs(query->distinctClause, query->targetList);
		top->pathkeys = root->query_pathkeys;
		return true;
	}
	/* However often a row comes: then all that is asked for is the group. */
	if (!ddb_skip_ignores_duplicates(root))
		return false;
	top->groups = rel->reltarget->exprs;
	top->pathkeys = NIL;
	return true;
}

/*
 * True if the query wants only the first rows of each group; fills in *top
 * with the groups, their order and how many rows.
 */
bool
ddb_top_wanted(PlannerInfo *root, RelOptInfo *rel, DdbTop *top)
{
	const Query *query = root->parse;

	memset(top, 0, sizeof(*top));
	return ddb_guc_pushdown && rel->reloptkind == RELOPT_BASEREL &&
		   query->commandType == CMD_SELECT &&
		   bms_membership(root->all_baserels) == BMS_SINGLETON &&
		   !query->hasTargetSRFs && query->groupingSets == NIL &&
		   query->rowMarks == NIL && query->setOperations == NULL &&
		   !contain_volatile_functions((Node *) query->targetList) &&
		   !contain_volatile_functions(query->havingQual) &&
		   (query->hasWindowFuncs
				? !query->hasAggs && query->groupClause == NIL &&
					  query->distinctClause == NIL &&
					  want_first_numbers(root, top)
				: want_distinct_rows(root, rel, top) ||
					  want_extremes(root, top));
}

/*
 * True if every row of a partition has the same value in this expression: a
 * partition attribute, or a variable of its template.
 */
static bool
is_of_partition(const DdbPlanState *state, const DdbKeySchema *keys,
				const Node *expr)
{
	const DdbColumn *column;

	while (IsA(expr, RelabelType))
		expr = (const Node *) ((const RelabelType *) expr)->arg;
	if (!IsA(expr, Var) || ((const Var *) expr)->varattno <= 0)
		return false;
	column = &state->relation->columns[((const Var *) expr)->varattno - 1];
	for (int i = 0; i < keys->npartition; i++)
	{
		const DdbKeyTemplate *template =
			ddb_key_template_of(state->relation, keys->attributes[i].name);

		if (ddb_column_shows(column, keys->attributes[i].name))
			return true;
		for (int j = 0; template != NULL && j < template->parsed.n; j++)
			if (template->variables[j].column == column)
				return true;
	}
	return false;
}

/*
 * Does nothing if the groups are not partitions, or if rows are checked
 * locally.
 */
void
ddb_top_apply(const DdbTop *top, const DdbPlanState *state, List *pathkeys,
			  DdbCandidate *candidate)
{
	ListCell *lc;

	if (candidate->operation != DDB_OP_QUERY || candidate->local != NIL ||
		candidate->keys.are_walked ||
		!pathkeys_contained_in(top->pathkeys, pathkeys))
		return;
	foreach (lc, top->groups)
		if (!is_of_partition(state, candidate->source->keys,
							 (const Node *) lfirst(lc)))
			return;
	candidate->keys.rows_per_key = top->rows;
	candidate->fetched_rows =
		Min(candidate->fetched_rows, candidate->streams * top->rows);
}
