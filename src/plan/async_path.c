/* SPDX-License-Identifier: PostgreSQL */
/*
 * async_path.c
 *		Which scans an Append may have under way together.
 */
#include "postgres.h"

#include "plan/plan_state.h"

/*
 * A scan of which few rows are wanted is read in its turn: the partitions
 * before it may have them all.
 */
bool
ddbIsForeignPathAsyncCapable(ForeignPath *path)
{
	const RelOptInfo *rel = path->path.parent;
	DdbPlanState *state;
	DdbCandidate *candidate;

	if (IS_UPPER_REL(rel))
		rel = ((DdbCount *) rel->fdw_private)->rel;
	state = (DdbPlanState *) rel->fdw_private;
	candidate =
		list_nth(state->candidates, intVal(linitial(path->fdw_private)));
	return !candidate->limited && candidate->limit_hint < 0;
}
