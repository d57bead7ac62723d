/* SPDX-License-Identifier: PostgreSQL */
/*
 * concurrent_loop_plan.c
 *		Offers nested loops that run their inner side for several outer rows at
 *		once, and makes plans of them.
 *
 * So a subquery that is run for each outer row (LATERAL, with LIMIT or
 * aggregates), and that ends in one read by key, costs a wait for several rows
 * instead of one for each.  The join itself stays PostgreSQL's: the plan is a
 * CustomScan above an ordinary nested loop, whose children it runs.
 *
 * Not offered: to parameterised paths, nor to parallel workers; under row marks
 * and where rows are changed, which PostgreSQL may check again one by one; and
 * where the inner side does more than pass rows on, because subplans would be
 * shared by runs that go on side by side.
 */
#include "postgres.h"

#include "join/concurrent_loop_plan.h"

#include "compat.h"
#include "join/concurrent_loop_exec.h"
#include "join/join_hook.h"
#include "model/guc.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "plan/cost.h"
#include "plan/path_candidate.h"
#include "plan/relsize.h"

/* ---- plans ---- */

/*
 * CustomPath callback: wraps the nested loop's plan.  Remembers whether all
 * rows are wanted, which lets the loop read ahead.
 */
static Plan *
plan_concurrent_loop(PlannerInfo *root, RelOptInfo *rel, CustomPath *path,
					 List *target_list, List *clauses, List *plans)
{
	CustomScan *plan = makeNode(CustomScan);
	NestLoop *loop = linitial_node(NestLoop, plans);

	(void) rel;
	(void) clauses;
	plan->scan.plan.targetlist = target_list;
	plan->flags = path->flags;
	plan->methods = &ddb_concurrent_loop_scan_methods;
	plan->custom_plans = list_make1(loop);
	plan->custom_scan_tlist = ddb_join_columns(plans);
	plan->custom_private = list_make1_int(root->tuple_fraction <= 0);
	return &plan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = DDB_CONCURRENT_LOOP_NAME,
	.PlanCustomPath = plan_concurrent_loop,
};

/* ---- which inner sides ---- */

/*
 * True if the path is one of our scans and reads by key. (One that was read
 * before the statement writes has all its rows.)
 */
static bool
reads_by_key(const Path *path)
{
	const RelOptInfo *rel = path->parent;

	return ddb_plan_is_ours(rel) &&
		   !ddb_path_is_snapshot((const ForeignPath *) path) &&
		   ddb_path_candidate((const ForeignPath *) path)->operation !=
			   DDB_OP_SCAN;
}

/*
 * True if what is evaluated for the path's rows gives the same each time, with
 * no plan of its own inside.
 */
static bool
is_stable(const Path *path)
{
	const RelOptInfo *rel = path->parent;
	List *clauses = extract_actual_clauses(rel->baserestrictinfo, false);

	if (path->param_info != NULL)
		clauses = list_concat(
			clauses,
			extract_actual_clauses(path->param_info->ppi_clauses, false));
	clauses = list_concat(clauses, list_copy(rel->reltarget->exprs));
	return !ddb_join_is_pseudoconstant(rel->baserestrictinfo) &&
		   !contain_subplans((Node *) clauses) &&
		   !contain_volatile_functions((Node *) clauses);
}

/* The same of a subquery, however it is planned. */
static bool
is_stable_query(const PlannerInfo *root, const Query *query)
{
	return root->init_plans == NIL && !root->parse->hasSubLinks &&
		   root->parse->cteList == NIL &&
		   !contain_volatile_functions((Node *) query);
}

/* The path of a subquery, or NULL when it cannot run side by side with itself. */
static Path *
subquery_path(PlannerInfo **root, const Path *path)
{
	const RelOptInfo *rel = path->parent;
	const RangeTblEntry *rte = planner_rt_fetch(rel->relid, *root);

	*root = rel->subroot;
	return is_stable(path) && is_stable_query(*root, rte->subquery)
			   ? ((const SubqueryScanPath *) path)->subpath
			   : NULL;
}

/*
 * True if the path does nothing but pass on, sort or group the rows of one
 * foreign scan that reads by key.
 */
static bool
passes_rows_on(PlannerInfo *root, Path *path)
{
	while (path != NULL && !IsA(path, ForeignPath))
	{
		switch (nodeTag(path))
		{
			case T_SubqueryScanPath:
				path = subquery_path(&root, path);
				break;
			case T_ProjectionPath:
				path = ((ProjectionPath *) path)->subpath;
				break;
			case T_LimitPath:
				path = ((LimitPath *) path)->subpath;
				break;
			case T_SortPath:
			case T_IncrementalSortPath:
				path = ((SortPath *) path)->subpath;
				break;
			case T_GroupPath:
				path = ((GroupPath *) path)->subpath;
				break;
			case T_AggPath:
				path = ((AggPath *) path)->subpath;
				break;
			case T_UpperUniquePath:
				path = ((UpperUniquePath *) path)->subpath;
				break;
			case T_WindowAggPath:
				path = ((WindowAggPath *) path)->subpath;
				break;
			default:
				return false;
		}
	}
	return path != NULL && reads_by_key(path);
}

/* ---- paths ---- */

/*
 * How many of the outer rows differ in what the inner side takes from them.
 */
static double
count_runs(const DdbJoin *join, double outer_rows)
{
	List *values = NIL;
	ListCell *lc;

	foreach (lc, join->inner->subplan_params)
		values = lappend(values, lfirst_node(PlannerParamItem, lc)->item);
	return values == NIL ? outer_rows
						 : ddb_cost_distinct(join->root, values, outer_rows);
}

/*
 * The nested loop's costs, less what waiting together and repeating runs save.
 */
static void
set_costs(const DdbJoin *join, const NestPath *loop, Path *path)
{
	const Path *outer = loop->jpath.outerjoinpath;
	const Path *inner = loop->jpath.innerjoinpath;
	Cost penalty = ddb_compat_nestloop_penalty();
	double runs = Min(count_runs(join, outer->rows), outer->rows);
	bool complete =
		(join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT) &&
		!join->extra->inner_unique;
	Cost saved = ddb_cost_shared_waits(runs);

	saved += (outer->rows - runs) *
			 (complete ? inner->total_cost : inner->startup_cost);
	path->rows = loop->jpath.path.rows;
	path->startup_cost = loop->jpath.path.startup_cost - penalty;
	path->total_cost =
		loop->jpath.path.total_cost - penalty - saved - DDB_JOIN_CERTAINTY_GAIN;
	path->total_cost = Max(path->total_cost, path->startup_cost);
	ddb_compat_add_disabled(path, outer);
	ddb_compat_add_disabled(path, inner);
}

/*
 * Offers a concurrent loop above a nested loop of these two paths, which is
 * made for it and costed by PostgreSQL.
 */
static void
add_loop(const DdbJoin *join, Path *outer, Path *inner)
{
	CustomPath *custom = makeNode(CustomPath);
	Path *path = &custom->path;
	NestPath *loop;

	path->pathkeys = build_join_pathkeys(join->root, join->joinrel,
										 join->jointype, outer->pathkeys);
	loop = ddb_join_loop(join, outer, inner, path->pathkeys);
	path->pathtype = T_CustomScan;
	path->parent = join->joinrel;
	path->pathtarget = join->joinrel->reltarget;
	custom->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	custom->custom_paths = list_make1(loop);
	custom->methods = &path_methods;
	set_costs(join, loop, path);
	add_path(join->joinrel, path);
}

/*
 * True if the inner path is run with values of the outer side, and of nothing
 * further out.
 */
static bool
is_run_by(const Path *inner, const RelOptInfo *outer)
{
	return PATH_REQ_OUTER(inner) != NULL &&
		   bms_is_subset(PATH_REQ_OUTER(inner), outer->relids);
}

/*
 * True if the join has a type and an inner side that a concurrent loop can
 * serve.
 */
static bool
may_loop(const DdbJoin *join)
{
	const PlannerInfo *root = join->root;

	return (join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT ||
			join->jointype == JOIN_SEMI || join->jointype == JOIN_ANTI) &&
		   join->inner->rtekind == RTE_SUBQUERY &&
		   join->inner->reloptkind == RELOPT_BASEREL && root->rowMarks == NIL &&
		   (root->parse->commandType == CMD_SELECT ||
			root->parse->commandType == CMD_INSERT);
}

/* The outer side must not be parameterized itself. */
void
ddb_concurrent_loop_add_paths(const DdbJoin *join)
{
	ListCell *lc;

	if (!may_loop(join))
		return;
	foreach (lc, join->inner->pathlist)
	{
		Path *inner = (Path *) lfirst(lc);
		ListCell *other;

		if (!is_run_by(inner, join->outer) ||
			!passes_rows_on(join->root, inner))
			continue;
		foreach (other, join->outer->pathlist)
			if (PATH_REQ_OUTER((Path *) lfirst(other)) == NULL)
				add_loop(join, (Path *) lfirst(other), inner);
	}
}
