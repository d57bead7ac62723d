/*
 * spool.c
 *		Which statements write what they read.
 */
#include "postgres.h"

#include "plan/spool.h"

#include "catalog/pg_class.h"
#include "exec/spool.h"
#include "foreign/fdwapi.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "plan/plan_state.h"

/* A search for tables that are read. */
typedef struct Search
{
	const DdbRelation *relation;
	const RangeTblEntry *target; /* what is written does not count as read */
	bool found;
} Search;

static bool
is_same_table(const Search *search, const RangeTblEntry *rte)
{
	if (rte->rtekind != RTE_RELATION || rte->relkind != RELKIND_FOREIGN_TABLE ||
		rte == search->target ||
		GetFdwRoutineByRelId(rte->relid)->GetForeignPlan != ddbGetForeignPlan)
		return false;
	/* Two servers may well be one and the same to DynamoDB. */
	return strcmp(ddb_relation_load(rte->relid)->table_name,
				  search->relation->table_name) == 0;
}

static bool
search_node(Node *node, void *context)
{
	Search *search = (Search *) context;

	if (node == NULL || search->found)
		return search->found;
	if (IsA(node, RangeTblEntry))
	{
		search->found |= is_same_table(search, (RangeTblEntry *) node);
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

void
ddb_spool_add(PlannerInfo *root, ModifyTable *modify, Index target,
			  const DdbRelation *relation)
{
	Plan *child = outerPlan(modify);
	Search search = {.relation = relation};
	CustomScan *spool;

	search.target = rt_fetch(target, root->parse->rtable);
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
	spool->custom_scan_tlist = copyObject(child->targetlist);
	outerPlan(modify) = &spool->scan.plan;
}
