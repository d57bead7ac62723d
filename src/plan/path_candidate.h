/* SPDX-License-Identifier: PostgreSQL */
/*
 * path_candidate.h
 *		Paths and the candidates that they stand for.
 */
#ifndef DDB_PATH_CANDIDATE_H
#define DDB_PATH_CANDIDATE_H

#include "postgres.h"

#include "plan/plan_state.h"

/* What fdw_private of a path for the candidate is. */
extern List *ddb_path_private(DdbPlanState *state, const RelOptInfo *rel,
							  DdbCandidate *candidate);

/* The candidate of a path. */
extern DdbCandidate *ddb_path_candidate(const ForeignPath *path);

/* True if what it reads is read before the statement writes. */
extern bool ddb_path_is_snapshot(const ForeignPath *path);

/* Planner callbacks; the second: may an Append have it under way with others. */
extern List *ddbReparameterizeForeignPathByChild(PlannerInfo *root,
												 List *fdw_private,
												 RelOptInfo *child_rel);
extern bool ddbIsForeignPathAsyncCapable(ForeignPath *path);

#endif /* DDB_PATH_CANDIDATE_H */
