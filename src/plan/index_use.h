/* SPDX-License-Identifier: PostgreSQL */
/*
 * index_use.h
 *		Which indexes hold all that a query can select, and why others do not.
 */
#ifndef DDB_INDEX_USE_H
#define DDB_INDEX_USE_H

#include "postgres.h"

#include "plan/plan_state.h"

/* True if the source holds every item that can satisfy these clauses. */
extern bool ddb_source_serves(const DdbPlanState *state, const RelOptInfo *rel,
							  const DdbSource *source, List *restrictions);

/*
 * What keeps an index from being read whatever the query says, for users: a
 * clause that goes on after the index's name; NULL if nothing does.
 */
extern const char *ddb_index_obstacle(const DdbPlanState *state,
									  const DdbIndexInfo *index);

/*
 * Of a full scan with these clauses (RestrictInfos): of each index that they
 * select by, but that may not be used, what keeps it and the shortest cure, as
 * sentences without their full stop (of char *).
 */
extern List *ddb_index_obstacles(PlannerInfo *root, RelOptInfo *rel,
								 List *clauses);

#endif /* DDB_INDEX_USE_H */
