/* SPDX-License-Identifier: PostgreSQL */
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

#include "codec/key_templates.h"
#include "foreign/fdwapi.h"
#include "model/table_info.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "clause/clause.h"
#include "clause/keys.h"
#include "request/access_plan.h"

/* Pages that are worth a segment: the last one of each is not full. */
#define DDB_PAGES_PER_SEGMENT 2.0

/* The table, or one of its indexes, as something to read from. */
typedef struct DdbSource
{
	DdbIndexInfo *index; /* NULL: the table */
	const DdbKeySchema *keys;
	double item_count;
	double item_bytes; /* mean */
	bool unknown; /* the count is a guess */
	bool partial; /* an index that lacks columns, which are fetched
								 * from the table in a second step */
	bool slim; /* an index that may hold less than it is sized at */
	double fetch_units; /* read units besides, per item: an LSI fetches
								 * attributes that it does not hold */
} DdbSource;

/* One way to read what a relation needs; with parts of its access plan. */
typedef struct DdbCandidate
{
	const DdbSource *source;
	DdbOperation operation;
	DdbPlanKeys keys; /* batch_values: positions in values */
	DdbPlanOrder order;
	DdbPlanSkip skip;
	DdbFilter *filter;
	List *values; /* expressions that keys and filter refer to */
	double streams; /* partitions, ranges or keys, estimated */
	List *by_key; /* of RestrictInfo *: what the key narrows by */
	List *decided; /* of RestrictInfo *: DynamoDB alone decides */
	List *local; /* of RestrictInfo *: PostgreSQL's filter */
	Bitmapset *key_columns; /* bound to values by the partition key */
	bool counts; /* items are counted, not sent */
	bool is_limited; /* the query's LIMIT bounds what it must give */
	int64 limit_hint; /* as in the access plan */
	int segments; /* a Scan in so many at once */
	double fetched_rows; /* items read, estimated */

	/* of a partial source */
	List *entry_clauses; /* of RestrictInfo *: of local, those that the
								 * index has the columns for */
	double fetched_keys; /* entries whose items are fetched, estimated */
	bool filters_items; /* some clauses take the item */
	double item_selectivity; /* of those */

	double read_units;
} DdbCandidate;

typedef struct DdbPlanState
{
	DdbRelation *relation;
	DdbTableInfo *info;
	DdbCodecSet *codecs;
	List *index_columns; /* ddb_key_templates_index_columns */
	List *sources; /* of DdbSource *; the table first, if it may be
								 * read */
	List *partial_sources; /* of DdbSource *, for reading in two steps */
	bool forced_index;
	double analyzed_count; /* items that ANALYZE found, of all segments; 0: it
								 * has not run */
	bool consistent_read;
	char *ttl_attribute; /* whose past times hide items, or NULL */
	bool snapshot; /* read before the statement writes */
	Bitmapset *needed; /* columns of target list and conditions,
								 * offset as pull_varattnos does */
	List *candidates; /* of DdbCandidate * */
} DdbPlanState;

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

/*
 * relsize.c: how clauses of the relation are looked at; no partitions are
 * listed.
 */
extern DdbClauseContext ddb_plan_clauses(PlannerInfo *root, RelOptInfo *rel);

/* Planner callback; finds what there is to read from. */
extern void ddbGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid);

/* True if the source holds every item that can satisfy these clauses. */
extern bool ddb_source_serves(const DdbPlanState *state, const RelOptInfo *rel,
							  const DdbSource *source, List *restrictions);

/* paths.c */
extern void ddbGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid);

/* Offers every way to count what satisfies these clauses. */
extern void ddb_paths_count(PlannerInfo *root, DdbCount *count,
							List *restrictions);

/* upper.c: planner callback; and offers one way to count. */
extern void ddbGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage,
									RelOptInfo *input_rel,
									RelOptInfo *output_rel, void *extra);
extern void ddb_upper_add_path(PlannerInfo *root, DdbCount *count,
							   DdbCandidate *candidate);

/* The tuples of such a scan: every column of the table, then the counts. */
extern List *ddb_upper_scan_tlist(const DdbCount *count);

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

/*
 * path_candidate.c: what fdw_private of a path for the candidate is, a path's
 * candidate, and planner callback.
 */
extern List *ddb_path_private(DdbPlanState *state, const RelOptInfo *rel,
							  DdbCandidate *candidate);
extern DdbCandidate *ddb_path_candidate(const ForeignPath *path);

/* True if what it reads is read before the statement writes. */
extern bool ddb_path_is_snapshot(const ForeignPath *path);
extern List *ddbReparameterizeForeignPathByChild(PlannerInfo *root,
												 List *fdw_private,
												 RelOptInfo *child_rel);

/* create_plan.c */
extern ForeignScan *ddbGetForeignPlan(PlannerInfo *root, RelOptInfo *rel,
									  Oid relid, ForeignPath *best_path,
									  List *target_list, List *scan_clauses,
									  Plan *outer_plan);

/*
 * True if the number of items will do, where nothing is checked locally.
 * Columns must then be told from the partition key that was asked for.
 */
extern bool ddb_plan_can_count(const DdbPlanState *state,
							   const DdbCandidate *candidate, List *columns);

/* Live columns of a set that pull_varattnos filled, as a list. */
extern List *ddb_plan_column_list(const DdbRelation *relation,
								  Bitmapset *attributes);

/*
 * order.c: the part of a wanted order that reading by this key gives, as
 * pathkeys; sets what the candidate must do for it.
 */
extern List *ddb_order_pathkeys(PlannerInfo *root, RelOptInfo *rel,
								const DdbPlanState *state, List *wanted,
								DdbCandidate *candidate);

/* The orders that somebody may want, as lists of pathkeys, best first. */
extern List *ddb_order_wanted(PlannerInfo *root, RelOptInfo *rel);

/*
 * query_shape.c: true if LIMIT of the query applies to just this relation's
 * rows.  And about how many rows will be asked for, whoever asks; -1: all.
 */
extern bool ddb_limit_reaches(PlannerInfo *root, RelOptInfo *rel,
							  List *pathkeys);
extern int64 ddb_limit_hint(PlannerInfo *root, RelOptInfo *rel, List *pathkeys,
							bool parameterized);

/*
 * parallel_path.c: planner callback; forbids workers for the whole query if reading
 * the relation needs what is not to be had beside them; offers a Scan that
 * processes share; and the path, marked as one that only one process may run.
 */
extern bool ddbIsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel,
										 RangeTblEntry *rte);
extern void ddb_parallel_check(PlannerInfo *root, const DdbPlanState *state);
extern void ddb_parallel_add_path(PlannerInfo *root, RelOptInfo *rel,
								  const DdbCandidate *serial, double rows);
extern Path *ddb_parallel_unsafe(ForeignPath *path);

/*
 * True if there is nothing between relations' rows and the Limit node but
 * joins.
 */
extern bool ddb_limit_is_plain(const PlannerInfo *root);

/*
 * index_fetch_path.c: of a candidate that reads a partial source, what entries can
 * tell, and how many items are left to be fetched.
 */
extern void ddb_two_step_prepare(PlannerInfo *root, RelOptInfo *rel,
								 const DdbPlanState *state,
								 DdbCandidate *candidate);

/* True if its rows may be said to come in the order of the index. */
extern bool ddb_two_step_may_order(PlannerInfo *root, const DdbPlanState *state,
								   const DdbSource *source);

/*
 * Makes two steps of a plan that is complete but for what it asks for of each
 * entry; adds to the expressions that the plan refers to.
 */
extern void ddb_two_step_plan(PlannerInfo *root, RelOptInfo *rel,
							  const DdbPlanState *state,
							  const DdbCandidate *candidate,
							  DdbAccessPlan *plan, List **expressions);

/* cost.c */
extern void ddb_cost_estimate(const DdbPlanState *state,
							  DdbCandidate *candidate, double rows,
							  Cost *startup_cost, Cost *total_cost);

/* What it saves to send so many requests side by side, not one by one. */
extern Cost ddb_cost_shared_waits(double requests);

/*
 * The same for each of several processes that share a Scan: they share its CPU
 * time, while all requests are paid for.
 */
extern void ddb_cost_partial(const DdbPlanState *state, DdbCandidate *candidate,
							 double rows, double divisor, Cost *startup_cost,
							 Cost *total_cost);

/*
 * The same of a Scan that skips from partition to partition, and how long it
 * should try to; partitions: how many there are, or -1.
 */
extern void ddb_cost_skip(const DdbPlanState *state, DdbCandidate *candidate,
						  double partitions, Cost *startup_cost,
						  Cost *total_cost);

/* skip_scan_path.c: true if one row of each partition will do for the query. */
extern bool ddb_skip_serves(PlannerInfo *root, RelOptInfo *rel,
							const DdbPlanState *state);

/* relsize.c: how many partitions there are, -1 when nobody knows. */
extern double ddb_plan_partitions(PlannerInfo *root, RelOptInfo *rel,
								  const DdbPlanState *state,
								  const DdbKeySchema *keys);

/* True if the query gives the same answer however often each row comes. */
extern bool ddb_skip_ignores_duplicates(const PlannerInfo *root);

/* The first rows of each partition, when a query can show no others. */
typedef struct DdbTop
{
	int rows;
	List *groups; /* of Expr *: must be the same throughout a partition */
	List *pathkeys; /* the order in which they are the first */
} DdbTop;

/* top_n.c: true if the query wants only such rows. */
extern bool ddb_top_wanted(PlannerInfo *root, RelOptInfo *rel, DdbTop *top);

/* Has the candidate read only those, if it reads in that order. */
extern void ddb_top_apply(const DdbTop *top, const DdbPlanState *state,
						  List *pathkeys, DdbCandidate *candidate);

/* path_candidate.c: planner callback; may an Append have it under way with
 * others? */
extern bool ddbIsForeignPathAsyncCapable(ForeignPath *path);

#endif /* DDB_PLAN_STATE_H */
