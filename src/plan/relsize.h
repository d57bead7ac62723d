/* SPDX-License-Identifier: PostgreSQL */
/*
 * relsize.h
 *		What there is to read from, and how much of it.
 */
#ifndef DDB_RELSIZE_H
#define DDB_RELSIZE_H

#include "postgres.h"

#include "plan/plan_state.h"

/* Planner callback; finds what there is to read from. */
extern void ddbGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid);

/* True if the relation is a foreign table of ours that was sized. */
extern bool ddb_plan_is_ours(const RelOptInfo *rel);

/* How clauses of the relation are looked at; no partitions are listed. */
extern DdbClauseContext ddb_plan_clauses(PlannerInfo *root, RelOptInfo *rel);

/* How many partitions there are, -1 when nobody knows. */
extern double ddb_plan_partitions(PlannerInfo *root, RelOptInfo *rel,
								  const DdbPlanState *state,
								  const DdbKeySchema *keys);

#endif /* DDB_RELSIZE_H */
