/* SPDX-License-Identifier: PostgreSQL */
/*
 * skip_scan_path.h
 *		Queries that want one row of each partition.
 */
#ifndef DDB_SKIP_SCAN_PATH_H
#define DDB_SKIP_SCAN_PATH_H

#include "postgres.h"

#include "plan/plan_state.h"

/* True if one row of each partition will do for the query. */
extern bool ddb_skip_serves(PlannerInfo *root, RelOptInfo *rel,
							const DdbPlanState *state);

/* True if the query gives the same answer however often each row comes. */
extern bool ddb_skip_ignores_duplicates(const PlannerInfo *root);

#endif /* DDB_SKIP_SCAN_PATH_H */
