/* SPDX-License-Identifier: PostgreSQL */
/*
 * snapshot_plan.c
 *		Which scans must be read before any part of their statement writes.
 *
 * The parts of a statement see one snapshot (PostgreSQL, "Data-Modifying
 * Statements in WITH"), subqueries in RETURNING too, and DynamoDB has none.  So what is read of a table that
 * a part writes is read, and kept, before the first write (scan/snapshot.c).
 */
#include "postgres.h"

#include "plan/snapshot_plan.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "foreign/fdwapi.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "parser/parsetree.h"
#include "plan/plan_state.h"
#include "utils/lsyscache.h"

/* A count of the places where a DynamoDB table is named. */
typedef struct Count
{
	const DdbRelation *relation;
	List *ignored; /* of RangeTblEntry *: the planner's own */
	int places;
	int writers; /* parts of the statement that write the table */
} Count;

static bool
is_same_table(const DdbRelation *relation, Oid relid)
{
	if (get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE ||
		GetFdwRoutineByRelId(relid)->GetForeignPlan != ddbGetForeignPlan)
		return false;
	/* Two servers may well be one and the same to DynamoDB. */
	return strcmp(ddb_relation_load(relid)->table_name, relation->table_name) ==
		   0;
}

bool
ddb_snapshot_names_table(const DdbRelation *relation, const RangeTblEntry *rte)
{
	ListCell *lc;

	if (rte->rtekind != RTE_RELATION)
		return false;
	if (!rte->inh || !has_subclass(rte->relid))
		return is_same_table(relation, rte->relid);
	foreach (lc, find_all_inheritors(rte->relid, NoLock, NULL))
		if (is_same_table(relation, lfirst_oid(lc)))
			return true;
	return false;
}

/* Counts in queries and in whatever holds queries. */
static bool
count_places(Node *node, void *context)
{
	Count *count = (Count *) context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (!list_member_ptr(count->ignored, rte) &&
			ddb_snapshot_names_table(count->relation, rte))
			count->places++;
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, count_places, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, count_places, context);
}

static void
count_writer(Count *count, const Query *query)
{
	if (query->commandType != CMD_SELECT &&
		ddb_snapshot_names_table(
			count->relation, rt_fetch(query->resultRelation, query->rtable)))
		count->writers++;
}

/* Partitions and children that the planner has put beside their parent. */
static List *
expanded_children(const PlannerInfo *root)
{
	List *children = NIL;
	ListCell *lc;

	foreach (lc, root->append_rel_list)
	{
		AppendRelInfo *info = lfirst_node(AppendRelInfo, lc);

		if (rt_fetch(info->parent_relid, root->parse->rtable)->rtekind ==
			RTE_RELATION)
			children = lappend(
				children, rt_fetch(info->child_relid, root->parse->rtable));
	}
	return children;
}

/*
 * Sublinks of the statement are plans already; those of its WITH queries stand
 * in them still, and so what these became is left out.
 */
static void
count_in_subplans(const PlannerInfo *top, Count *count)
{
	int plan_id = 0;
	ListCell *lc;

	foreach (lc, top->glob->subroots)
	{
		plan_id++;
		if (!list_member_int(top->cte_plan_ids, plan_id))
			(void) count_places((Node *) lfirst_node(PlannerInfo, lc)->parse,
								count);
	}
}

/*
 * Does the statement read while it writes, as no plan without subqueries in
 * RETURNING or WITH queries that write does?
 */
static bool
reads_beside_writes(const Query *query)
{
	return query->hasModifyingCTE ||
		   (query->commandType != CMD_SELECT &&
			contain_subplans((Node *) query->returningList));
}

bool
ddb_snapshot_is_shared(PlannerInfo *root, const DdbRelation *relation)
{
	Count count = {.relation = relation};
	const PlannerInfo *top = root;
	ListCell *lc;

	while (top->parent_root != NULL)
		top = top->parent_root;
	if (!reads_beside_writes(top->parse))
		return false;
	count_writer(&count, top->parse);
	foreach (lc, top->parse->cteList)
		count_writer(
			&count,
			castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery));
	if (count.writers == 0)
		return false;
	count.ignored = expanded_children(top);
	(void) count_places((Node *) top->parse, &count);
	count_in_subplans(top, &count);
	return count.places > 1;
}
