/* SPDX-License-Identifier: PostgreSQL */
/*
 * snapshot_plan.c
 *		Which scans a statement must finish before it writes.
 *
 * Parts of one statement do not see each other's effects: its own INSERT,
 * UPDATE or DELETE, those in WITH, and what only reads.  PostgreSQL runs them
 * side by side, or one inside another, on one snapshot.  DynamoDB has none: so
 * what the statement reads of a table that another of its parts writes is read
 * before the first write (scan/snapshot).  Then nothing is known yet of other
 * rows, nor of what other parts give: conditions on these are checked here.
 *
 * Data-modifying queries in WITH are parts of the outermost query only.
 */
#include "postgres.h"

#include "plan/snapshot_plan.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "foreign/fdwapi.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "plan/create_plan.h"
#include "utils/lsyscache.h"

/*
 * Compares names of DynamoDB tables only, as two servers may lead to the same
 * one.  True of the table itself.
 */
bool
ddb_snapshot_same_table(Oid relid, const DdbRelation *relation)
{
	if (get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE ||
		GetFdwRoutineByRelId(relid)->GetForeignPlan != ddbGetForeignPlan)
		return false;
	/* Two servers may well be one and the same to DynamoDB. */
	return strcmp(ddb_relation_load(relid)->table_name, relation->table_name) ==
		   0;
}

/* Looks at all children, whichever rows go where. */
bool
ddb_snapshot_holds_table(const RangeTblEntry *rte, const DdbRelation *relation)
{
	ListCell *lc;

	if (rte->rtekind != RTE_RELATION)
		return false;
	/* INSERT goes to partitions whatever inh says. */
	if (rte->relkind != RELKIND_PARTITIONED_TABLE &&
		(!rte->inh || !has_subclass(rte->relid)))
		return ddb_snapshot_same_table(rte->relid, relation);
	foreach (lc, find_all_inheritors(rte->relid, NoLock, NULL))
		if (ddb_snapshot_same_table(lfirst_oid(lc), relation))
			return true;
	return false;
}

/*
 * The planner's state of the statement as a whole.  Data-modifying WITH stands
 * only there.
 */
static PlannerInfo *
outermost(PlannerInfo *root)
{
	while (root->parent_root != NULL)
		root = root->parent_root;
	return root;
}

/* True when the query itself writes the table. */
static bool
writes_table(const Query *query, const DdbRelation *relation)
{
	return query->commandType != CMD_SELECT && query->resultRelation > 0 &&
		   ddb_snapshot_holds_table(
			   rt_fetch(query->resultRelation, query->rtable), relation);
}

/*
 * How many parts of the statement write the table: its own command, and each
 * WITH that does.
 */
static int
count_writers(const Query *statement, const DdbRelation *relation)
{
	int writers = writes_table(statement, relation);
	ListCell *lc;

	foreach (lc, statement->cteList)
		writers += writes_table(
			castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery),
			relation);
	return writers;
}

/*
 * The query of the part that is planned now.  A query of WITH that only reads is
 * a part of its own: whoever reads it first says when it runs.
 */
static const Query *
part_of(PlannerInfo *root)
{
	const PlannerInfo *statement = outermost(root);

	if (root == statement || !statement->parse->hasModifyingCTE)
		return statement->parse;
	while (root->parent_root != statement)
		root = root->parent_root;
	/* Those of WITH are planned first, one by one. */
	if (list_length(statement->cte_plan_ids) <
		list_length(statement->parse->cteList))
		return root->parse;
	return statement->parse;
}

/*
 * True if RETURNING or a view's check has subqueries, which run when rows have
 * been written.
 */
static bool
asks_afterwards(const Query *query)
{
	ListCell *lc;

	if (ddb_clause_asks((Node *) query->returningList))
		return true;
	foreach (lc, query->withCheckOptions)
		if (ddb_clause_asks(lfirst_node(WithCheckOption, lc)->qual))
			return true;
	return false;
}

/*
 * True if rows of the part may come to the table by way of another one, whose
 * partition it is.  There is no spool below that (modify/spool_plan).  What
 * the planner itself reads to update it is spooled.
 */
static bool
routes_rows(const PlannerInfo *root, const RelOptInfo *rel, const Query *part)
{
	return rt_fetch(part->resultRelation, part->rtable)->relkind ==
			   RELKIND_PARTITIONED_TABLE &&
		   (part->commandType == CMD_INSERT ||
			(part->commandType == CMD_UPDATE &&
			 !bms_is_member((int) rel->relid, root->all_result_relids)));
}

/*
 * True if the scan that is planned now might read after another part of the
 * statement has written the same table.  It then must be read before.
 */
bool
ddb_snapshot_needed(PlannerInfo *root, const RelOptInfo *rel,
					const DdbRelation *relation)
{
	const Query *statement = outermost(root)->parse;
	const Query *part;
	int writers;

	if (statement->commandType == CMD_SELECT && !statement->hasModifyingCTE)
		return false;
	writers = count_writers(statement, relation);
	if (writers == 0)
		return false;
	part = part_of(root);
	/* What a part reads to write it the spool keeps (modify/spool_plan). */
	return writers > 1 || !writes_table(part, relation) ||
		   asks_afterwards(part) || routes_rows(root, rel, part);
}

bool
ddb_snapshot_shares_writes(PlannerInfo *root, const DdbRelation *relation)
{
	const Query *statement = outermost(root)->parse;

	return statement->hasModifyingCTE && count_writers(statement, relation) > 1;
}
