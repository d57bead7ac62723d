/* SPDX-License-Identifier: PostgreSQL */
/*
 * top_n.h
 *		Queries that want the first rows of each partition.
 */
#ifndef DDB_TOP_N_H
#define DDB_TOP_N_H

#include "postgres.h"

#include "plan/plan_state.h"

/* The first rows of each partition, when a query can show no others. */
typedef struct DdbTop
{
	int rows;
	List *groups; /* of Expr *: must be the same throughout a partition */
	List *pathkeys; /* the order in which they are the first */
} DdbTop;

/* True if the query wants only such rows. */
extern bool ddb_top_wanted(PlannerInfo *root, RelOptInfo *rel, DdbTop *top);

/* Has the candidate read only those, if it reads in that order. */
extern void ddb_top_apply(const DdbTop *top, const DdbPlanState *state,
						  List *pathkeys, DdbCandidate *candidate);

#endif /* DDB_TOP_N_H */
