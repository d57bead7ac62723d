/*
 * limit.c
 *		When does the query's LIMIT say how many rows one scan must give?
 *
 * PostgreSQL's own Limit node stays above the scan; what is handed down only
 * sizes requests.  So a wrong "yes" here could cost requests, never rows.
 */
#include "postgres.h"

#include "optimizer/paths.h"
#include "plan/plan_state.h"

/* Nothing between this relation's rows and the Limit node but projection. */
static bool
query_is_plain(const PlannerInfo *root)
{
	const Query *query = root->parse;

	return query->commandType == CMD_SELECT && !query->hasAggs &&
		!query->hasWindowFuncs && !query->hasTargetSRFs &&
		query->groupClause == NIL && query->groupingSets == NIL &&
		query->havingQual == NULL && query->distinctClause == NIL &&
		query->setOperations == NULL;
}

bool
ddb_limit_reaches(PlannerInfo *root, RelOptInfo *rel, List *pathkeys)
{
	return root->parse->limitCount != NULL && query_is_plain(root) &&
		rel->reloptkind == RELOPT_BASEREL &&
		bms_membership(root->all_baserels) == BMS_SINGLETON &&
		(root->sort_pathkeys == NIL ||
		 pathkeys_contained_in(root->sort_pathkeys, pathkeys));
}
