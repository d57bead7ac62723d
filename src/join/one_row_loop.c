/* SPDX-License-Identifier: PostgreSQL */
/*
 * one_row_loop.c
 *		Nested loops below one outer row keep the order of their inner side.
 *
 *		SELECT … FROM users u JOIN history h ON h.user_id = u.id
 *		WHERE u.email = 'x' ORDER BY h.at DESC LIMIT 10
 *
 * With one row outside at most, the join gives the rows of one run of the inner
 * side, in their order.  PostgreSQL's nested loop serves; it is only offered
 * with that order, which the planner itself claims of no nested loop.
 */
#include "postgres.h"

#include "join/one_row_loop.h"

#include "join/row_choice.h"
#include "model/guc.h"
#include "optimizer/cost.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "plan/path_candidate.h"
#include "plan/paths.h"
#include "plan/relsize.h"

static bool
is_base_of_ours(const RelOptInfo *rel)
{
	return rel->reloptkind == RELOPT_BASEREL && ddb_plan_is_ours(rel);
}

/* True if the path asks DynamoDB for one item by its whole key. */
static bool
reads_one_item(const Path *path)
{
	const DdbCandidate *candidate;

	if (!IsA(path, ForeignPath) || !is_base_of_ours(path->parent))
		return false;
	candidate = ddb_path_candidate((const ForeignPath *) path);
	return candidate->operation == DDB_OP_GET_ITEM && !candidate->keys.are_many;
}

/*
 * True if the path gives one row at most: a whole key, or a unique index all of
 * whose columns are bound to values.  A unique index that is deferrable does
 * not count, PostgreSQL sees to that.
 */
static bool
gives_one_row(PlannerInfo *root, const Path *path)
{
	return PATH_REQ_OUTER(path) == NULL &&
		   (reads_one_item(path) ||
			(path->parent->reloptkind == RELOPT_BASEREL &&
			 relation_has_unique_index_for(root, path->parent, NIL, NIL, NIL)));
}

/*
 * Offers PostgreSQL's nested loop of the two, in the inner side's order.  It is
 * as certain as a batched join to run once.
 */
static void
add_loop(const DdbJoin *join, Path *outer, Path *inner)
{
	Path *path = (Path *) ddb_join_loop(join, outer, inner, inner->pathkeys);

	path->total_cost =
		Max(path->startup_cost, path->total_cost - DDB_JOIN_CERTAINTY_GAIN);
	add_path(join->joinrel, path);
}

static bool
reads_by_key(const Path *path)
{
	return IsA(path, ForeignPath) &&
		   ddb_path_candidate((const ForeignPath *) path)->operation !=
			   DDB_OP_SCAN;
}

/* By the planner's estimate, so many outer rows may be one. */
#define MAY_BE_ONE 10.0

/*
 * True if the outer side may turn out to have one row, which is worth finding
 * out: where it costs little to read, and few rows of the join are wanted.
 */
static bool
may_give_one_row(const DdbJoin *join, const Path *outer)
{
	const RelOptInfo *rel = outer->parent;

	return PATH_REQ_OUTER(outer) == NULL && outer->rows <= MAY_BE_ONE &&
		   rel->reloptkind == RELOPT_BASEREL && rel->rtekind == RTE_RELATION &&
		   (!is_base_of_ours(rel) || reads_by_key(outer)) &&
		   join->root->rowMarks == NIL &&
		   join->root->parse->commandType == CMD_SELECT;
}

static bool
wants_few(const Path *inner)
{
	return ddb_path_candidate((const ForeignPath *) inner)->limit_hint >= 0;
}

/* Inner joins only: pathkeys of a nullable side mean other values above it. */
void
ddb_one_row_loop_add_paths(const DdbJoin *join)
{
	Path *outer = join->outer->cheapest_total_path;
	bool is_one;
	ListCell *lc;

	if (join->jointype != JOIN_INNER || join->root->query_pathkeys == NIL ||
		!enable_nestloop || !is_base_of_ours(join->inner) ||
		!bms_is_empty(join->inner->lateral_relids) ||
		((const DdbPlanState *) join->inner->fdw_private)->snapshot)
		return;
	is_one = gives_one_row(join->root, outer);
	if (!is_one && !may_give_one_row(join, outer))
		return;
	foreach (lc,
			 ddb_paths_in_order(join->root, join->inner, join->outer->relids))
		if (is_one)
			add_loop(join, outer, (Path *) lfirst(lc));
		else if (wants_few((Path *) lfirst(lc)))
			ddb_row_choice_add_path(join, outer, (Path *) lfirst(lc));
}
