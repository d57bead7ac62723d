/* SPDX-License-Identifier: PostgreSQL */
/*
 * spool_plan.c
 *		Which statements write what they read.
 */
#include "postgres.h"

#include "modify/spool_plan.h"

#include "catalog/pg_type.h"
#include "modify/spool_exec.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "plan/snapshot_plan.h"
#include "utils/builtins.h"

/* A search for tables that are read. */
typedef struct Search
{
	const DdbRelation *relation;
	const RangeTblEntry *target; /* what is written does not count as read */
	const RangeTblEntry *parent; /* nor does what the target is a part of */
	bool found;
} Search;

/* Subqueries in FROM do not show which partitions they read. */
static bool
reads_same_table(const Search *search, const RangeTblEntry *rte)
{
	return rte != search->target && rte != search->parent &&
		   ddb_snapshot_holds_table(rte, search->relation);
}

/*
 * Tree walker: true if the statement reads the table in question anywhere,
 * subqueries included.
 */
static bool
search_node(Node *node, void *context)
{
	Search *search = (Search *) context;

	if (node == NULL || search->found)
		return search->found;
	if (IsA(node, RangeTblEntry))
	{
		search->found |= reads_same_table(search, (RangeTblEntry *) node);
		return search->found;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, search_node, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, search_node, context);
}

/* In the query, its subqueries, and those that are plans of their own. */
static bool
reads_table(PlannerInfo *root, Search *search)
{
	ListCell *lc;

	(void) search_node((Node *) root->parse, search);
	foreach (lc, root->glob->subroots)
		(void) search_node((Node *) lfirst_node(PlannerInfo, lc)->parse,
						   search);
	return search->found;
}

/* A search for the table elsewhere than where it is written. */
static Search
search_of(PlannerInfo *root, Index target, const DdbRelation *relation)
{
	Search search = {.relation = relation};

	search.target = rt_fetch(target, root->parse->rtable);
	search.parent = rt_fetch(root->parse->resultRelation, root->parse->rtable);
	return search;
}

bool
ddb_spool_rereads(PlannerInfo *root, Index target, const DdbRelation *relation)
{
	Search search = search_of(root, target, relation);

	return reads_table(root, &search);
}

/* Rows that others return from below go by while they are written. */
static bool
writes_below(const Plan *plan)
{
	ListCell *lc;

	if (IsA(plan, ForeignScan))
		return ((const ForeignScan *) plan)->operation != CMD_SELECT;
	if (!IsA(plan, Append))
		return false;
	foreach (lc, ((const Append *) plan)->appendplans)
		if (writes_below((const Plan *) lfirst(lc)))
			return true;
	return false;
}

/*
 * What rows carry of whichever table they are of is a variable that nobody can
 * name, EXPLAIN neither: its label stands for it.
 */
static void
name_row_identities(List *targets)
{
	ListCell *lc;

	foreach (lc, targets)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);
		const Var *var = (const Var *) entry->expr;

		if (!IsA(var, Var) || var->varno != ROWID_VAR)
			continue;
		entry->expr = (Expr *) makeRelabelType(
			(Expr *) makeConst(TEXTOID, -1, InvalidOid, -1,
							   CStringGetTextDatum(entry->resname), false,
							   false),
			var->vartype, var->vartypmod, var->varcollid, COERCE_IMPLICIT_CAST);
	}
}

/*
 * Expressions are found in the rows below by what they are, and of equal ones
 * the first is found: random() and another random() become different ones, by
 * casts to their own type.
 */
static void
tell_apart(List *targets)
{
	for (int i = 1; i < list_length(targets); i++)
	{
		TargetEntry *entry = list_nth_node(TargetEntry, targets, i);
		Node *expression = (Node *) entry->expr;

		if (!contain_volatile_functions(expression))
			continue;
		for (int j = 0; j < i; j++)
			if (equal(list_nth_node(TargetEntry, targets, j)->expr,
					  entry->expr))
			{
				entry->expr = (Expr *) makeRelabelType(
					entry->expr, exprType(expression), exprTypmod(expression),
					exprCollation(expression), COERCE_IMPLICIT_CAST);
				j = -1;
			}
	}
}

/*
 * The spool gives just the rows of its child, so its target list is the
 * child's.
 */
void
ddb_spool_add(PlannerInfo *root, ModifyTable *modify, Index target,
			  const DdbRelation *relation)
{
	Plan *child = outerPlan(modify);
	Search search = search_of(root, target, relation);
	CustomScan *spool;

	if (IsA(child, CustomScan) &&
		((CustomScan *) child)->methods == &ddb_spool_scan_methods)
		return;
	/* Rows to be changed are read anyway, and written many at once from it. */
	if (writes_below(child) ||
		(modify->operation == CMD_INSERT && !reads_table(root, &search)))
		return;
	spool = makeNode(CustomScan);
	spool->scan.plan = *child;
	spool->scan.plan.type = T_CustomScan;
	spool->scan.plan.targetlist = copyObject(child->targetlist);
	spool->scan.plan.qual = NIL;
	spool->scan.plan.lefttree = spool->scan.plan.righttree = NULL;
	spool->scan.plan.initPlan = NIL;
	spool->scan.plan.startup_cost = child->total_cost;
	spool->scan.plan.parallel_aware = false;
	spool->scan.plan.async_capable = false;
	spool->methods = &ddb_spool_scan_methods;
	spool->custom_plans = list_make1(child);
	name_row_identities(spool->scan.plan.targetlist);
	tell_apart(spool->scan.plan.targetlist);
	spool->custom_scan_tlist = copyObject(spool->scan.plan.targetlist);
	outerPlan(modify) = &spool->scan.plan;
}
