/* SPDX-License-Identifier: PostgreSQL */
/*
 * repeated_runs.c
 *		Scans that will run several times within their statement.
 *
 * As the inner side of a nested loop, or within a subquery that names columns of
 * a query further out.  There these columns are parameters already; so are what
 * subqueries give that run once, which differ from run to run only if they are
 * correlated themselves: scan/rescan sees that when it happens.
 */
#include "postgres.h"

#include "plan/repeated_runs.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"

/* True if a subquery that runs once gives the parameter. */
static bool
is_given_once(PlannerInfo *root, int paramid)
{
	for (; root != NULL; root = root->parent_root)
	{
		ListCell *lc;

		foreach (lc, root->init_plans)
			if (list_member_int(lfirst_node(SubPlan, lc)->setParam, paramid))
				return true;
	}
	return false;
}

/* True if the expression, or query, names a column of a query further out. */
static bool
names_outer(Node *node, PlannerInfo *root)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXEC &&
			   !is_given_once(root, ((Param *) node)->paramid);
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, names_outer, root, 0);
	return expression_tree_walker(node, names_outer, root);
}

/* True if the query, or one that it is part of, runs for rows further out. */
static bool
is_correlated(PlannerInfo *root)
{
	for (; root->parent_root != NULL; root = root->parent_root)
		if (names_outer((Node *) root->parse, root))
			return true;
	return false;
}

void
ddb_plan_runs(PlannerInfo *root, const Path *path, List *expressions,
			  DdbPlanRuns *runs)
{
	int position = 0;
	ListCell *lc;

	runs->are_expected =
		!bms_is_empty(PATH_REQ_OUTER(path)) || is_correlated(root);
	if (!runs->are_expected)
		return;
	foreach (lc, expressions)
	{
		Node *value = (Node *) lfirst(lc);

		if (!bms_is_empty(pull_varnos(root, value)) || names_outer(value, root))
			runs->varying = lappend_int(runs->varying, position);
		position++;
	}
}
