/*
 * plan_state.h
 *		What planning one foreign table knows, from GetForeignRelSize on.
 *
 * Kept in RelOptInfo.fdw_private.  Candidates are the ways found to read the
 * table; a path names its candidate by position.
 */
#ifndef DDB_PLAN_STATE_H
#define DDB_PLAN_STATE_H

#include "postgres.h"

#include "catalog/table_info.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "plan/access_plan.h"
#include "plan/quals.h"

/* One way to read what a relation needs. */
typedef struct DdbCandidate
{
	DdbOperation operation;
	List	   *key_clauses;	/* of DdbKeyClause *, used by this way */
	List	   *local;			/* of RestrictInfo *: PostgreSQL's filter */
	bool		ordered;
	bool		backward;
	bool		limited;		/* the query's LIMIT bounds what it must give */
	double		fetched_rows;	/* items read, estimated */
	double		read_units;
} DdbCandidate;

typedef struct DdbPlanState
{
	DdbRelation *relation;
	DdbTableInfo *info;
	DdbIndexInfo *index;		/* the forced index, or NULL */
	const DdbKeySchema *keys;	/* of the table or that index */
	DdbKeyCodecs codecs;
	DdbQuals   *quals;
	bool		consistent_read;
	double		item_count;
	double		item_bytes;		/* mean */
	List	   *candidates;		/* of DdbCandidate * */
} DdbPlanState;

/* paths.c: planner callbacks */
extern void ddbGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel,
								 Oid relid);
extern void ddbGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid);

/* create_plan.c */
extern ForeignScan *ddbGetForeignPlan(PlannerInfo *root, RelOptInfo *rel,
									  Oid relid, ForeignPath *best_path,
									  List *target_list, List *scan_clauses,
									  Plan *outer_plan);

/* order.c: the part of the query's order that reading by this key gives. */
extern List *ddb_order_pathkeys(PlannerInfo *root, RelOptInfo *rel,
								const DdbPlanState *state, bool *backward);

/* limit.c: is LIMIT of the query applied to just this relation's rows? */
extern bool ddb_limit_reaches(PlannerInfo *root, RelOptInfo *rel,
							  List *pathkeys);

/* cost.c */
extern void ddb_cost_estimate(const DdbPlanState *state,
							  DdbCandidate *candidate, double rows,
							  Cost *startup_cost, Cost *total_cost);

#endif							/* DDB_PLAN_STATE_H */
