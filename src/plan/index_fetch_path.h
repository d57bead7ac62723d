/* SPDX-License-Identifier: PostgreSQL */
/*
 * index_fetch_path.h
 *		Reading in two steps.
 */
#ifndef DDB_INDEX_FETCH_PATH_H
#define DDB_INDEX_FETCH_PATH_H

#include "postgres.h"

#include "plan/plan_state.h"

/*
 * Of a candidate that reads a partial source: what entries can tell, and how
 * many items are left to be fetched.
 */
extern void ddb_index_fetch_prepare(PlannerInfo *root, RelOptInfo *rel,
									const DdbPlanState *state,
									DdbCandidate *candidate);

/* True if its rows may be said to come in the order of the index. */
extern bool ddb_index_fetch_may_order(PlannerInfo *root,
									  const DdbPlanState *state,
									  const DdbSource *source);

/*
 * Makes two steps of a plan that is complete but for what it asks for of each
 * entry; adds to the expressions that the plan refers to.
 */
extern void ddb_index_fetch_plan(PlannerInfo *root, RelOptInfo *rel,
								 const DdbPlanState *state,
								 const DdbCandidate *candidate,
								 DdbAccessPlan *plan, List **expressions);

#endif /* DDB_INDEX_FETCH_PATH_H */
