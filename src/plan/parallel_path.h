/* SPDX-License-Identifier: PostgreSQL */
/*
 * parallel_path.h
 *		Scans that several processes share, and what forbids them.
 */
#ifndef DDB_PARALLEL_PATH_H
#define DDB_PARALLEL_PATH_H

#include "postgres.h"

#include "plan/plan_state.h"

/* Planner callback. */
extern bool ddbIsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel,
										 RangeTblEntry *rte);

/*
 * Forbids workers for the whole query if reading the relation needs what is not
 * to be had beside them.
 */
extern void ddb_parallel_check(PlannerInfo *root, const DdbPlanState *state);

/* Offers a Scan that processes share. */
extern void ddb_parallel_add_path(PlannerInfo *root, RelOptInfo *rel,
								  const DdbCandidate *serial, double rows);

/* The path, marked as one that only one process may run. */
extern Path *ddb_parallel_unsafe(ForeignPath *path);

#endif /* DDB_PARALLEL_PATH_H */
