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
	const DdbCandidate *candidate = ddb_path_candidate(path);

	return !ddb_path_is_snapshot(path) && !candidate->limited &&
		   candidate->limit_hint < 0;
}
