/* SPDX-License-Identifier: PostgreSQL */
/*
 * create_plan.h
 *		From the path that was chosen to the plan that is run.
 */
#ifndef DDB_CREATE_PLAN_H
#define DDB_CREATE_PLAN_H

#include "postgres.h"

#include "plan/plan_state.h"

/* Planner callback. */
extern ForeignScan *ddbGetForeignPlan(PlannerInfo *root, RelOptInfo *rel,
									  Oid relid, ForeignPath *best_path,
									  List *target_list, List *scan_clauses,
									  Plan *outer_plan);

/*
 * True if the number of items will do, where nothing is checked locally.
 * Columns must then be told from the partition key that was asked for.
 */
extern bool ddb_plan_can_count(const DdbPlanState *state,
							   const DdbCandidate *candidate, List *columns);

/* Live columns of a set that pull_varattnos filled, as a list. */
extern List *ddb_plan_column_list(const DdbRelation *relation,
								  Bitmapset *attributes);

#endif /* DDB_CREATE_PLAN_H */
