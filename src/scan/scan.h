/* SPDX-License-Identifier: PostgreSQL */
/*
 * scan.h
 *		The state of one running scan, and the executor's callbacks.
 */
#ifndef DDB_SCAN_H
#define DDB_SCAN_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "remote/session.h"
#include "request/access_plan.h"
#include "request/key_targets.h"
#include "request/read_request.h"
#include "scan/row.h"
#include "scan/stream.h"

/* What a scan has done so far, rescans included: EXPLAIN ANALYZE shows it. */
typedef struct DdbScanCounters
{
	int64 requests; /* answered or given up */
	int64 items_scanned;
	int64 items_returned;
	double read_units;
	int64 retries; /* tries beyond a request's first */
	int64 throttles;
	uint64 bytes_received;
	int64 keys_fetched; /* by the second of two steps */
} DdbScanCounters;

struct binaryheap;

typedef struct DdbScanState
{
	DdbAccessPlan *plan;
	DdbRelation *relation;
	DdbCodecSet *codecs;
	List *values; /* ExprStates of fdw_exprs; NULL where a batched
								 * join gives the value */
	DdbKeyRows keys; /* those values, for the next run */
	DdbSession *session;
	TupleDesc descriptor; /* a copy, for slots of streams */
	bool guarded; /* the policy about scans was asked */
	MemoryContext run_context; /* lives from one (re)start to the next */
	MemoryContext row_context; /* one row's values */

	/* of this run */
	bool started;
	bool recheck; /* pushed conditions must be checked again */
	bool count_only;
	bool reads_ahead; /* pages of streams that are read in turn */
	int surplus; /* rows DynamoDB may return beyond the conditions,
								 * per target; -1: any number */
	DdbRowReader *reader;
	DdbRequestSpec spec; /* what all requests share */
	StringInfo request; /* being composed */
	DdbStream **streams;
	int nstreams;
	int segments; /* of a Scan: as many streams, in any order */
	bool any_order; /* they are read as their replies come */
	int sent; /* how many were sent their first request */
	int open; /* of these, not read to the end: if in any order */
	struct DdbGroup *groups; /* of streams, in the order of reading */
	int ngroups;
	int current; /* the one being read */
	int window; /* how many streams are kept going at once */
	int max_window; /* how many may be */
	struct binaryheap *heap; /* of the group that is merged now: streams by
								 * their next row */
	int merged; /* how many streams that are */
	DdbStream *last; /* whose row was given last */
	struct SortSupportData *sort_keys;
	int nsort_keys;
	int64 largest_reply; /* bytes */
	double largest_item; /* mean bytes of an item, of the page where it was
						  * greatest */

	/* how many rows are wanted */
	int rows_per_key; /* of each target; 0: all */
	int64 bound; /* LIMIT + OFFSET or a hint, or -1 */
	int64 given; /* rows that passed every condition */
	int64 page_items; /* Limit of the next page; 0: as the bound has it */

	/* of a scan that skips partitions */
	bool skipping; /* else the next request is for a whole page */
	int skip_budget; /* how long it was decided to skip */
	int skips_left;

	/* of an aggregated scan */
	int64 *counts; /* of the group being counted, as plan->counted */
	int64 *other_counts; /* room for those of the next one */
	int64 group_rows; /* its rows */
	const DdbTarget *group; /* any target of its partition */
	bool counted_all; /* the last group was given */

	/* of a Scan that processes share */
	bool divided; /* segments become streams as they are taken */
	bool all_taken;
	struct DdbSharedScan *shared; /* NULL: this process reads all */
	struct ParallelContext *workers; /* of the leader, while they share */
	bool watches_memory;

	ExprState *filter; /* PostgreSQL's filter, to learn how selective
								 * it is; NULL when it must not run twice */

	bool pending; /* the next row would have to be waited for, which an
								 * asynchronous Append does */
	struct DdbAsyncWatch *watch; /* what that waits on, or NULL */

	DdbScanCounters *counters; /* of all runs, of both steps of two, and of
								 * all copies of the scan */

	struct DdbSnapshot *snapshot; /* the rows, before the statement wrote; NULL:
								 * they are read as they are asked for */

	struct DdbDirectModify *modify; /* what writes the rows; NULL: they are read
								 * only */

	struct DdbTwoStep *two_step; /* of this run: items are fetched by the keys
								 * that an index gives; NULL: they are not */
} DdbScanState;

/* Lanes of a loop, and streams that a join begins with. */
#define DDB_MAX_WINDOW 16

extern void ddbBeginForeignScan(ForeignScanState *node, int eflags);
extern TupleTableSlot *ddbIterateForeignScan(ForeignScanState *node);
extern void ddbReScanForeignScan(ForeignScanState *node);
extern void ddbEndForeignScan(ForeignScanState *node);

/* async.c */
extern void ddbForeignAsyncRequest(AsyncRequest *areq);
extern void ddbForeignAsyncConfigureWait(AsyncRequest *areq);
extern void ddbForeignAsyncNotify(AsyncRequest *areq);

/*
 * For a batched join: the rows of values, each as long as the plan's
 * batch_values, that the next run is to look up.  They stay the caller's, and
 * must live as long as the run.
 */
extern void ddb_scan_set_keys(ForeignScanState *node, const Datum *keys,
							  int nkeys);

/*
 * Sends the run's first requests, of so many streams at most where they are
 * read in turn, and does not wait.  Returns of how many streams.
 */
extern int ddb_scan_send(ForeignScanState *node, int streams);

/* Gives up the run, and the requests that are under way. */
extern void ddb_scan_cancel(ForeignScanState *node);

/* Bytes of the largest reply so far. */
extern int64 ddb_scan_largest_reply(const ForeignScanState *node);

/* Counts what a copy of a scan does as done by that one. */
extern void ddb_scan_count_by(ForeignScanState *copy, ForeignScanState *node);

/* How many such rows a run takes at most. Allocates in the current context. */
extern int ddb_scan_most_keys(ForeignScanState *node);

/* explain.c */
struct ExplainState;
extern void ddbExplainForeignScan(ForeignScanState *node,
								  struct ExplainState *es);

/* Resolves what the run asks for, unless that has been done. */
extern void ddb_scan_ensure_started(ForeignScanState *node,
									DdbScanState *state);

/* True if it can be given without waiting.  Sends what it takes. */
extern bool ddb_scan_ready(DdbScanState *state);

/* The next item's row, after all checks; NULL at the end. */
extern TupleTableSlot *ddb_scan_next_row(ForeignScanState *node,
										 DdbScanState *state);

/* The next row of the run, be it of counts; NULL at the end. */
extern TupleTableSlot *ddb_scan_next(ForeignScanState *node);

/* Lets go of what the run holds: it gives no more rows. */
extern void ddb_scan_release(ForeignScanState *node);

/* count.c: an aggregated scan's next row, of counts; NULL at the end. */
extern void ddb_count_begin(DdbScanState *state);
extern TupleTableSlot *ddb_count_next(ForeignScanState *node,
									  DdbScanState *state);

/* start.c: evaluates a run's values; resolves targets, filter, bound. */
extern void ddb_scan_start(ForeignScanState *node, DdbScanState *state);

/* What the reader needs of each item, into what all requests share. */
extern void ddb_scan_put_projection(DdbScanState *state);

/*
 * merge.c: the next row of the n streams from first on, in the order of their
 * keys; NULL at the end of them.
 */
extern TupleTableSlot *ddb_merge_next(DdbScanState *state, int first, int n);

/* True if ddb_merge_next can give it without waiting. */
extern bool ddb_merge_ready(DdbScanState *state, int first, int n);

/* page_size.c: the Limit of a stream's next request; 0: DynamoDB's own page. */
extern int64 ddb_scan_page_limit(const DdbScanState *state,
								 const DdbStream *stream);

/* The Limit of the first one, when bound rows are wanted. */
extern int64 ddb_scan_first_page(const DdbAccessPlan *plan, int64 bound);

#endif /* DDB_SCAN_H */
