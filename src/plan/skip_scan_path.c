/* SPDX-License-Identifier: PostgreSQL */
/*
 * skip_scan_path.c
 *		Decides when a Scan may go from partition to partition, one row of
 *		each.
 *
 * Where a query needs nothing but the partition key and does not care how often
 * a row comes: SELECT DISTINCT, GROUP BY, count(DISTINCT).  PostgreSQL's own
 * node above takes care of what comes more than once.
 */
#include "postgres.h"

#include "plan/skip_scan_path.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "plan/create_plan.h"

/* True if more rows of the same value would change an aggregate in it. */
static bool
counts_duplicates(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref) && ((Aggref *) node)->aggdistinct == NIL)
		return true;
	return expression_tree_walker(node, counts_duplicates, context);
}

/* True if the query gives the same answer however often each row comes. */
bool
ddb_skip_ignores_duplicates(const PlannerInfo *root)
{
	const Query *query = root->parse;

	return query->commandType == CMD_SELECT && !query->hasWindowFuncs &&
		   !query->hasTargetSRFs && !query->hasDistinctOn &&
		   query->groupingSets == NIL && query->rowMarks == NIL &&
		   query->setOperations == NULL &&
		   (query->hasAggs || query->groupClause != NIL ||
			query->distinctClause != NIL) &&
		   !counts_duplicates((Node *) query->targetList, NULL) &&
		   !counts_duplicates(query->havingQual, NULL);
}

/* What is computed of a row must not differ from one to the next. */
static bool
is_volatile(const PlannerInfo *root, const RelOptInfo *rel)
{
	return contain_volatile_functions((Node *) root->parse->targetList) ||
		   contain_volatile_functions(root->parse->havingQual) ||
		   contain_volatile_functions(
			   (Node *) extract_actual_clauses(rel->baserestrictinfo, false));
}

/* True if the query needs the partition key and no other column. */
static bool
needs_partition_key_only(const RelOptInfo *rel, const DdbPlanState *state)
{
	const char *attribute = state->info->keys.attributes[0].name;
	Bitmapset *given = NULL;
	ListCell *lc;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &given);
	foreach (lc, ddb_plan_column_list(state->relation, state->needed))
		if (!ddb_column_shows(&state->relation->columns[lfirst_int(lc) - 1],
							  attribute))
			return false;
	return ddb_plan_column_list(state->relation, given) != NIL;
}

/*
 * True if one row of each partition will do for the query, and every item
 * counts as a row.
 */
bool
ddb_skip_serves(PlannerInfo *root, RelOptInfo *rel, const DdbPlanState *state)
{
	/* An item that is not shown says nothing of the next of its partition. */
	return ddb_guc_pushdown && rel->reloptkind == RELOPT_BASEREL &&
		   bms_membership(root->all_baserels) == BMS_SINGLETON &&
		   !state->forced_index && state->relation->segment < 0 &&
		   state->relation->templates == NULL && state->ttl_attribute == NULL &&
		   state->info->keys.n > state->info->keys.npartition &&
		   ddb_skip_ignores_duplicates(root) &&
		   needs_partition_key_only(rel, state) && !is_volatile(root, rel);
}
