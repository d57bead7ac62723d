/* SPDX-License-Identifier: PostgreSQL */
/*
 * direct_modify_plan.h
 *		Writes that are the scan's work, as far as the planner goes.
 */
#ifndef DDB_DIRECT_MODIFY_PLAN_H
#define DDB_DIRECT_MODIFY_PLAN_H

#include "postgres.h"

#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/*
 * Planner callback: has the scan write its rows itself, where nothing has to be
 * done with them in between.
 */
extern bool ddbPlanDirectModify(PlannerInfo *root, ModifyTable *modify,
								Index target, int subplan_index);

#endif /* DDB_DIRECT_MODIFY_PLAN_H */
