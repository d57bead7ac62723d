/* SPDX-License-Identifier: PostgreSQL */
/*
 * path_candidate.c
 *		Which candidate a ForeignPath stands for.
 *
 * fdw_private holds the candidate's number and the relation that has it.  A
 * path that takes values from a partitioned table, and is joined to just one
 * partition of it, becomes a path of its own, with a candidate of its own whose
 * expressions name that partition.
 */
#include "postgres.h"

#include "plan/path_candidate.h"

#include "compat.h"
#include "plan/upper.h"

/*
 * A path refers to its candidate by number, because fdw_private must be a list
 * of nodes.
 */
List *
ddb_path_private(DdbPlanState *state, const RelOptInfo *rel,
				 DdbCandidate *candidate)
{
	state->candidates = lappend(state->candidates, candidate);
	return list_make2(makeInteger(list_length(state->candidates) - 1),
					  makeInteger((int) rel->relid));
}

/*
 * The planner's state of the foreign table that the path reads, or whose rows
 * it counts.
 */
static const DdbPlanState *
path_state(const ForeignPath *path)
{
	const RelOptInfo *rel = path->path.parent;

	if (IS_UPPER_REL(rel))
		rel = ((DdbCount *) rel->fdw_private)->rel;
	return (const DdbPlanState *) rel->fdw_private;
}

/* The candidate that ddb_path_private() has put into the path. */
DdbCandidate *
ddb_path_candidate(const ForeignPath *path)
{
	return list_nth(path_state(path)->candidates,
					intVal(linitial(path->fdw_private)));
}

bool
ddb_path_is_snapshot(const ForeignPath *path)
{
	return path_state(path)->snapshot;
}

/*
 * A scan of which few rows are wanted is read in its turn: the partitions
 * before it may have them all.
 */
bool
ddbIsForeignPathAsyncCapable(ForeignPath *path)
{
	const DdbCandidate *candidate = ddb_path_candidate(path);

	return !ddb_path_is_snapshot(path) && !candidate->is_limited &&
		   candidate->limit_hint < 0;
}

/* Replaces the parent's columns by the child's in a list of expressions. */
static void
translate(PlannerInfo *root, const RelOptInfo *child, List **expressions)
{
	*expressions = (List *) ddb_compat_translate_to_child(
		root, (Node *) *expressions, child);
}

/*
 * Planner callback: makes the parameterized path one of a child relation, by a
 * copy of its candidate whose expressions name the child.
 */
List *
ddbReparameterizeForeignPathByChild(PlannerInfo *root, List *fdw_private,
									RelOptInfo *child_rel)
{
	const RelOptInfo *rel =
		root->simple_rel_array[intVal(lsecond(fdw_private))];
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	DdbCandidate *candidate = palloc(sizeof(DdbCandidate));

	*candidate = *(const DdbCandidate *) list_nth(
		state->candidates, intVal(linitial(fdw_private)));
	translate(root, child_rel, &candidate->values);
	translate(root, child_rel, &candidate->by_key);
	translate(root, child_rel, &candidate->decided);
	translate(root, child_rel, &candidate->local);
	translate(root, child_rel, &candidate->entry_clauses);
	return ddb_path_private(state, rel, candidate);
}
