/* SPDX-License-Identifier: PostgreSQL */
/*
 * repeated_runs.h
 *		Scans that will run several times within their statement.
 */
#ifndef DDB_REPEATED_RUNS_H
#define DDB_REPEATED_RUNS_H

#include "postgres.h"

#include "nodes/pathnodes.h"
#include "request/access_plan.h"

/*
 * What the planner knows of the runs of this path, with these expressions as its
 * values.
 */
extern void ddb_plan_runs(PlannerInfo *root, const Path *path,
						  List *expressions, DdbPlanRuns *runs);

#endif /* DDB_REPEATED_RUNS_H */
