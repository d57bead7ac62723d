/* SPDX-License-Identifier: PostgreSQL */
/*
 * order.h
 *		Which order a key gives.
 */
#ifndef DDB_ORDER_H
#define DDB_ORDER_H

#include "postgres.h"

#include "plan/plan_state.h"

/*
 * The part of a wanted order that reading by this key gives, as pathkeys; sets
 * what the candidate must do for it.
 */
extern List *ddb_order_pathkeys(PlannerInfo *root, RelOptInfo *rel,
								const DdbPlanState *state, List *wanted,
								DdbCandidate *candidate);

/*
 * What keeps a Query from giving the order that the query wants, though it is
 * that of the sort key's column: a sentence's end, or NULL.
 */
extern char *ddb_order_obstacle(PlannerInfo *root, RelOptInfo *rel,
								const DdbPlanState *state,
								DdbCandidate *candidate);

/* The orders that somebody may want, as lists of pathkeys, best first. */
extern List *ddb_order_wanted(PlannerInfo *root, RelOptInfo *rel);

#endif /* DDB_ORDER_H */
