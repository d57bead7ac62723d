/* SPDX-License-Identifier: PostgreSQL */
/*
 * upper.h
 *		Counting instead of reading.
 */
#ifndef DDB_UPPER_H
#define DDB_UPPER_H

#include "postgres.h"

#include "plan/plan_state.h"

/*
 * What a query counts instead of reading rows.  Kept in the fdw_private of the
 * upper relation.
 */
typedef struct DdbCount
{
	RelOptInfo *rel; /* the foreign table */
	RelOptInfo *upper; /* its aggregation */
	PathTarget *target;
	List *aggregates; /* of Aggref * */
	List *counted; /* of each its column, or 0 */
	List *conditions; /* of Expr *: what all count besides WHERE */
	List *group_columns; /* attnums, ascending */
	bool grouped;
	bool partial; /* PostgreSQL adds the counts of several tables up */
	List *having; /* of Expr * */
} DdbCount;

/* Planner callback. */
extern void ddbGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage,
									RelOptInfo *input_rel,
									RelOptInfo *output_rel, void *extra);

/* Offers one way to count. */
extern void ddb_upper_add_path(PlannerInfo *root, DdbCount *count,
							   DdbCandidate *candidate);

/* The tuples of such a scan: every column of the table, then the counts. */
extern List *ddb_upper_scan_tlist(const DdbCount *count);

#endif /* DDB_UPPER_H */
