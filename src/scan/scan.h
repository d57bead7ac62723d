/* SPDX-License-Identifier: PostgreSQL */
/*
 * scan.h
 *		The state of one running scan, and the executor's callbacks.
 *
 * What is fixed for a scan is set by the two functions that make its state; what
 * belongs to one run is scan/run's.  The other parts each have a file that alone
 * knows what is in them.
 */
#ifndef DDB_SCAN_H
#define DDB_SCAN_H

#include "postgres.h"

#include "lib/ilist.h"
#include "nodes/execnodes.h"
#include "remote/session.h"
#include "request/access_plan.h"
#include "request/key_targets.h"
#include "scan/run.h"

/* What a scan has done so far, rescans included: EXPLAIN ANALYZE shows it. */
typedef struct DdbScanCounters
{
	int64 requests; /* that were sent */
	int64 abandoned; /* of these, those whose reply nobody looked at */
	int64 items_scanned;
	int64 items_returned;
	double read_units;
	double abandoned_units; /* of these, about, what was abandoned took */
	int64 retries; /* tries beyond a request's first */
	int64 throttles;
	uint64 bytes_received;
	int64 keys_fetched; /* by the second of two steps */
} DdbScanCounters;

/* How large replies have been so far: what comes next is sized by it. */
typedef struct DdbReplySizes
{
	int64 largest_reply; /* bytes */
	double largest_item; /* mean bytes of an item, of the page where it was
						  * greatest */
	int64 replies;
	double read_units; /* of all of them */
} DdbReplySizes;

typedef struct DdbScanState
{
	/* of the scan, from beginning to end */
	DdbAccessPlan *plan;
	DdbRelation *relation;
	DdbCodecSet *codecs; /* from here on not for EXPLAIN alone */
	DdbSession *session;
	TupleDesc descriptor; /* a copy, for slots of streams */
	List *values; /* ExprStates of fdw_exprs; NULL where a batched
								 * join gives the value */
	MemoryContext run_context; /* lives from one (re)start to the next */
	MemoryContext row_context; /* one row's values */
	DdbScanCounters *counters; /* of all runs, of both steps of two, and of
								 * all copies of the scan */
	dlist_head *under_way; /* streams whose request is, of the same runs */

	DdbScanRun run; /* scan/run */
	DdbKeyRows keys; /* for the next run, instead of those of values */
	DdbReplySizes sizes; /* scan/stream */
	struct DdbScanSharing *sharing; /* scan/parallel_scan; NULL: the plan is for
								 * one process */
	struct DdbAsyncWait *wait; /* scan/async; NULL: nobody has had to wait */
	struct DdbRescan *rescan; /* scan/rescan: what earlier runs gave; NULL: they
								 * are not kept */
	struct DdbSnapshot
		*snapshot; /* scan/snapshot: the rows, before the statement
								 * wrote; NULL: they are read as they are asked
								 * for */
	struct DdbDirectModify
		*modify; /* modify/direct_modify_exec: what writes the
								 * rows; NULL: they are read only */
} DdbScanState;

/* Lanes of a loop, and streams that a join begins with. */
#define DDB_MAX_WINDOW 16

/*
 * The state of a scan by this plan, in the current memory context, to be looked
 * at: nothing can be read before ddb_scan_state_open().
 */
extern DdbScanState *ddb_scan_state_create(DdbAccessPlan *plan,
										   DdbRelation *relation);

/*
 * Makes the state one that reads, as this user, rows like the descriptor.
 * Everything lives in the current memory context, the session stays for as
 * long.
 */
extern void ddb_scan_state_open(DdbScanState *state, Oid userid,
								TupleDesc descriptor);

/*
 * The state of a second step, by this plan, which shares all that the first one
 * has but for its rows.  It is made within a run of the first, and goes with it.
 */
extern DdbScanState *ddb_scan_state_second(const DdbScanState *first,
										   DdbAccessPlan *plan);

extern void ddbBeginForeignScan(ForeignScanState *node, int eflags);
extern TupleTableSlot *ddbIterateForeignScan(ForeignScanState *node);
extern void ddbReScanForeignScan(ForeignScanState *node);
extern void ddbEndForeignScan(ForeignScanState *node);

/*
 * For a batched join: the rows of values, each as long as the plan's
 * batch_values, that the next run is to look up.  They stay the caller's, and
 * must live as long as the run.
 */
extern void ddb_scan_set_keys(ForeignScanState *node, const Datum *keys,
							  int nkeys);

/* How many such rows a run takes at most. Allocates in the current context. */
extern int ddb_scan_most_keys(ForeignScanState *node);

/*
 * Sends the run's first requests, of so many streams at most where they are
 * read in turn, and does not wait.  Returns of how many streams.
 */
extern int ddb_scan_send(ForeignScanState *node, int streams);

/* Gives up the run, and the requests that are under way. */
extern void ddb_scan_cancel(ForeignScanState *node);

/* Bytes of the largest reply so far. */
extern int64 ddb_scan_largest_reply(const ForeignScanState *node);

/* How many of so many requests the cap on read units still allows. */
extern int ddb_scan_affordable(const ForeignScanState *node, int most);

/* Counts what a copy of a scan does as done by that one. */
extern void ddb_scan_count_by(ForeignScanState *copy, ForeignScanState *node);

/* Resolves what the run asks for, unless that has been done. */
extern void ddb_scan_ensure_started(ForeignScanState *node,
									DdbScanState *state);

/*
 * The next row of the run, be it of counts; NULL at the end, or while a reply is
 * awaited (scan/async).
 */
extern TupleTableSlot *ddb_scan_next(ForeignScanState *node);

/* Lets go of what the run holds: it gives no more rows. */
extern void ddb_scan_release(ForeignScanState *node);

/*
 * The rows of that source which pass every condition that is checked here, in
 * the node's slot.
 */
extern DdbRowSource *ddb_scan_check_rows(ForeignScanState *node,
										 DdbRowSource *items);

#endif /* DDB_SCAN_H */
