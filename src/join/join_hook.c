/* SPDX-License-Identifier: PostgreSQL */
/*
 * join_hook.c
 *		Answers the planner's question for ways to join.
 */
#include "postgres.h"

#include "join/join_hook.h"

#include "join/batch_join_exec.h"
#include "join/batch_join_plan.h"
#include "join/concurrent_loop_exec.h"
#include "join/concurrent_loop_plan.h"
#include "join/one_row_loop.h"
#include "join/row_choice.h"
#include "model/guc.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"

static set_join_pathlist_hook_type previous_hook = NULL;

/*
 * True if one of these RestrictInfos is decided before the join begins.
 * PostgreSQL puts such clauses above the join, in a Result node of its own.
 */
bool
ddb_join_is_pseudoconstant(List *restrictions)
{
	ListCell *lc;

	foreach (lc, restrictions)
		if (lfirst_node(RestrictInfo, lc)->pseudoconstant)
			return true;
	return false;
}

List *
ddb_join_columns(List *plans)
{
	List *columns = NIL;
	ListCell *lc;

	foreach (lc, plans)
	{
		ListCell *inner;

		foreach (inner, ((Plan *) lfirst(lc))->targetlist)
			columns = lappend(
				columns, makeTargetEntry(
							 copyObject(lfirst_node(TargetEntry, inner)->expr),
							 list_length(columns) + 1, NULL, false));
	}
	return columns;
}

/* Costed as the planner does, for paths that need nothing from further out. */
NestPath *
ddb_join_loop(const DdbJoin *join, Path *outer, Path *inner, List *pathkeys)
{
	JoinCostWorkspace workspace;

	initial_cost_nestloop(join->root, &workspace, join->jointype, outer, inner,
						  join->extra);
	return create_nestloop_path(join->root, join->joinrel, join->jointype,
								&workspace, join->extra, outer, inner,
								join->extra->restrictlist, pathkeys, NULL);
}

/*
 * Planner hook: runs the hook that was there before, then offers our joins
 * unless a setting turns them off.
 */
static void
add_paths_to_join(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outer,
				  RelOptInfo *inner, JoinType jointype,
				  JoinPathExtraData *extra)
{
	DdbJoin join = {root, joinrel, outer, inner, jointype, extra};

	if (previous_hook != NULL)
		previous_hook(root, joinrel, outer, inner, jointype, extra);
	if (!ddb_guc_batch_join || !ddb_guc_pushdown ||
		ddb_join_is_pseudoconstant(extra->restrictlist))
		return;
	ddb_batch_join_add_paths(&join);
	ddb_concurrent_loop_add_paths(&join);
	ddb_one_row_loop_add_paths(&join);
}

/* Other extensions' hooks keep working, since ours calls the one before it. */
void
ddb_join_install(void)
{
	RegisterCustomScanMethods(&ddb_batch_join_scan_methods);
	RegisterCustomScanMethods(&ddb_concurrent_loop_scan_methods);
	RegisterCustomScanMethods(&ddb_row_choice_scan_methods);
	previous_hook = set_join_pathlist_hook;
	set_join_pathlist_hook = add_paths_to_join;
}
