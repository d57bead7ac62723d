/* SPDX-License-Identifier: PostgreSQL */
/*
 * paths.h
 *		The ways to read what a relation needs.
 */
#ifndef DDB_PATHS_H
#define DDB_PATHS_H

#include "postgres.h"

#include "plan/plan_state.h"
#include "plan/upper.h"

/* Planner callback. */
extern void ddbGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid);

/* Offers every way to count what satisfies these clauses. */
extern void ddb_paths_count(PlannerInfo *root, DdbCount *count,
							List *restrictions);

/*
 * The ways (of Path *) to look up the key that one row of the outer relations
 * gives, whose rows come in an order that the query wants.
 */
extern List *ddb_paths_in_order(PlannerInfo *root, RelOptInfo *rel,
								Relids outer);

/* A scan for a batched join: it looks up keys that the join hands it. */
typedef struct DdbBatchedScan
{
	Path *path;
	DdbCandidate *candidate;
	List *values; /* of Expr *, over other relations: a key is a row of these */
	List *decided; /* of RestrictInfo *: join clauses that hold of all that a
								 * key finds */
	double keys; /* that differ, estimated */
	double rows_per_key;
} DdbBatchedScan;

/*
 * The ways (of DdbBatchedScan *) to look up the keys of many outer rows at
 * once, by the join clauses, which are RestrictInfos.
 */
extern List *ddb_paths_batched(PlannerInfo *root, RelOptInfo *rel,
							   List *join_clauses, double outer_rows);

/*
 * One row of each key is wanted: any will do, if the scan gives only matches.
 */
extern void ddb_paths_want_one(RelOptInfo *rel, DdbBatchedScan *scan);

#endif /* DDB_PATHS_H */
