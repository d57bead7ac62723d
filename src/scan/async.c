/* SPDX-License-Identifier: PostgreSQL */
/*
 * async.c
 *		Lets an Append wait for several scans at once, and a Merge Append too for
 *		the first reply of each.
 *
 * A scan that would have to wait for a reply says so instead, and is asked
 * again when its client has something to do.  Several scans may share a client,
 * so each watches the client's descriptor through a duplicate of its own, and
 * one whose reply came in while another was served watches a descriptor that is
 * always readable.
 */
#include "postgres.h"

#include "scan/async.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "compat.h"
#include "executor/execAsync.h"
#include "storage/fd.h"
#include "miscadmin.h"
#include "scan/groups.h"
#include "storage/latch.h"
#include "utils/memutils.h"

/* What a scan watches; closed with the query's memory. */
typedef struct Watch
{
	MemoryContextCallback callback;
	int client_fd; /* a duplicate of the client's */
	int ready_fd; /* always readable */
	bool closed;
} Watch;

typedef struct DdbAsyncWait
{
	bool pending; /* the next row would have to be waited for */
	Watch *watch; /* NULL: nothing was watched yet */
} DdbAsyncWait;

/* Made when it is first needed, for as long as the query. */
static DdbAsyncWait *
wait_of(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	if (state->wait == NULL)
		state->wait = MemoryContextAllocZero(node->ss.ps.state->es_query_cxt,
											 sizeof(DdbAsyncWait));
	return state->wait;
}

/* Descriptors of a watch. */
#define WATCH_DESCRIPTORS 2

/*
 * Closes both descriptors and gives back their reservation, once; is a memory
 * context callback, too.
 */
static void
close_watch(void *arg)
{
	Watch *watch = (Watch *) arg;

	if (watch->closed)
		return;
	watch->closed = true;
	if (watch->client_fd >= 0)
		close(watch->client_fd);
	if (watch->ready_fd >= 0)
		close(watch->ready_fd);
	for (int i = 0; i < WATCH_DESCRIPTORS; i++)
		ReleaseExternalFD();
}

/*
 * Those that are left to others: Append's wait set, and sessions that are made
 * meanwhile.
 */
#define SPARE_DESCRIPTORS 16

/* True if so many descriptors may be open besides; reserves those of a watch. */
static bool
reserve_watch(void)
{
	int n = 0;

	while (n < WATCH_DESCRIPTORS + SPARE_DESCRIPTORS && AcquireExternalFD())
		n++;
	for (int keep =
			 n < WATCH_DESCRIPTORS + SPARE_DESCRIPTORS ? 0 : WATCH_DESCRIPTORS;
		 n > keep; n--)
		ReleaseExternalFD();
	return n > 0;
}

/*
 * Makes the descriptors that Append can wait for: a copy of the client's,
 * since one that is in a wait set twice is an error, and one that is always
 * ready.  Both are closed with the context.  NULL if too many are open.
 */
static Watch *
open_watch(const DdbScanState *state, MemoryContext context)
{
	Watch *watch;

	if (!reserve_watch())
		return NULL;
	watch = MemoryContextAllocZero(context, sizeof(Watch));
	watch->callback.func = close_watch;
	watch->callback.arg = watch;
	watch->client_fd = dup(ddb_session_fd(state->session));
	watch->ready_fd = eventfd(1, EFD_CLOEXEC);
	if (watch->client_fd < 0 || watch->ready_fd < 0)
	{
		close_watch(watch);
		return NULL;
	}
	MemoryContextRegisterResetCallback(context, &watch->callback);
	return watch;
}

/*
 * Where no more descriptors may be open, the scan is read as if it were not
 * asynchronous, and others wait for it.
 */
bool
ddb_async_must_wait(ForeignScanState *node, DdbRowSource *rows)
{
	DdbAsyncWait *wait;

	if (!node->ss.ps.async_capable || ddb_source_ready(rows))
		return false;
	wait = wait_of(node);
	if (wait->watch == NULL || wait->watch->closed)
		wait->watch = open_watch((const DdbScanState *) node->fdw_state,
								 node->ss.ps.state->es_query_cxt);
	wait->pending = wait->watch != NULL;
	return wait->pending;
}

bool
ddb_async_is_waiting(const DdbScanState *state)
{
	return state->wait != NULL && state->wait->pending;
}

/*
 * Gives Append the next row, or the end, or says that it must wait for the
 * descriptor.
 */
static void
produce(AsyncRequest *areq)
{
	ForeignScanState *node = (ForeignScanState *) areq->requestee;
	DdbAsyncWait *wait = wait_of(node);
	TupleTableSlot *slot;

	wait->pending = false;
	slot = node->ss.ps.ExecProcNodeReal(&node->ss.ps);
	if (!TupIsNull(slot))
		ExecAsyncRequestDone(areq, slot);
	else if (wait->pending)
		ExecAsyncRequestPending(areq);
	else
	{
		/* Others may need its descriptors. */
		if (wait->watch != NULL)
			close_watch(wait->watch);
		ExecAsyncRequestDone(areq, NULL);
	}
}

void
ddbForeignAsyncRequest(AsyncRequest *areq)
{
	produce(areq);
}

/*
 * Executor callback: adds one descriptor to Append's wait set.  It is ready at
 * once if the next row can be given without waiting.
 */
void
ddbForeignAsyncConfigureWait(AsyncRequest *areq)
{
	ForeignScanState *node = (ForeignScanState *) areq->requestee;
	const DdbScanState *state = (const DdbScanState *) node->fdw_state;
	AppendState *append = (AppendState *) areq->requestor;
	DdbAsyncWait *wait = wait_of(node);

	(void) AddWaitEventToSet(append->as_eventset, WL_SOCKET_READABLE,
							 ddb_source_ready(state->run.source)
								 ? wait->watch->ready_fd
								 : wait->watch->client_fd,
							 NULL, areq);
}

void
ddbForeignAsyncNotify(AsyncRequest *areq)
{
	ForeignScanState *node = (ForeignScanState *) areq->requestee;

	ddb_session_step(((DdbScanState *) node->fdw_state)->session);
	produce(areq);
}

/* ---- below a Merge Append ----
 *
 * A Merge Append asks each child for a row before it gives its own first one,
 * one child after another.  So the first scan that it asks sends the first
 * requests of all.  PostgreSQL does not tell a scan what is above it; the plan
 * does.
 */

/* The scans of one execution that may be below a Merge Append. */
typedef struct MergedScans
{
	MemoryContextCallback callback;
	const EState *estate;
	List *nodes; /* of ForeignScanState * */
	bool starting;
	struct MergedScans *next;
} MergedScans;

static MergedScans *all_merged = NULL;

/* Memory context callback: the execution is over. */
static void
forget_merged(void *arg)
{
	MergedScans **link = &all_merged;

	while (*link != NULL && *link != arg)
		link = &(*link)->next;
	if (*link != NULL)
		*link = (*link)->next;
}

static MergedScans *
merged_of(const EState *estate)
{
	MergedScans *merged = all_merged;

	while (merged != NULL && merged->estate != estate)
		merged = merged->next;
	return merged;
}

/* Scans whose values come from a join, or from a snapshot, begin otherwise. */
void
ddb_async_join_merge(ForeignScanState *node)
{
	const DdbScanState *state = (const DdbScanState *) node->fdw_state;
	EState *estate = node->ss.ps.state;
	MergedScans *merged = merged_of(estate);
	MemoryContext old;

	if (!state->plan->order.is_relied_upon || state->plan->source.is_snapshot ||
		state->plan->keys.batch_values != NIL || estate->es_epq_active != NULL)
		return;
	old = MemoryContextSwitchTo(estate->es_query_cxt);
	if (merged == NULL)
	{
		merged = palloc0(sizeof(MergedScans));
		merged->estate = estate;
		merged->callback.func = forget_merged;
		merged->callback.arg = merged;
		merged->next = all_merged;
		all_merged = merged;
		MemoryContextRegisterResetCallback(estate->es_query_cxt,
										   &merged->callback);
	}
	merged->nodes = lappend(merged->nodes, node);
	MemoryContextSwitchTo(old);
}

/*
 * The scan that gives a child of a Merge Append its rows, through nodes that
 * take them at once and have no other child; NULL if there is none.
 */
static const Plan *
scan_below(const Plan *plan)
{
	while (plan != NULL && !IsA(plan, ForeignScan))
	{
		if (IsA(plan, SubqueryScan))
			plan = ((const SubqueryScan *) plan)->subplan;
		else if (IsA(plan, Sort) || IsA(plan, IncrementalSort) ||
				 (IsA(plan, Result) &&
				  ((const Result *) plan)->resconstantqual == NULL))
			plan = plan->lefttree;
		else
			return NULL;
	}
	return plan;
}

/*
 * True if the Merge Append has the scan below it, and asks all its children:
 * those that are left out at run time must not be started.
 */
static bool
merges(const MergeAppend *merge, const Plan *scan)
{
	ListCell *lc;

	if (ddb_compat_merge_prunes(merge))
		return false;
	foreach (lc, merge->mergeplans)
		if (scan_below((const Plan *) lfirst(lc)) == scan)
			return true;
	return false;
}

static const MergeAppend *find_merge(const Plan *plan, const Plan *scan);

static const MergeAppend *
find_merge_in(const List *plans, const Plan *scan)
{
	const MergeAppend *found = NULL;
	ListCell *lc;

	foreach (lc, plans)
		if (found == NULL)
			found = find_merge((const Plan *) lfirst(lc), scan);
	return found;
}

/* The Merge Append that the scan is below, in this part of the plan, or NULL. */
static const MergeAppend *
find_merge(const Plan *plan, const Plan *scan)
{
	const MergeAppend *found;

	check_stack_depth();
	if (plan == NULL)
		return NULL;
	if (IsA(plan, MergeAppend) && merges((const MergeAppend *) plan, scan))
		return (const MergeAppend *) plan;
	if (IsA(plan, MergeAppend))
		return find_merge_in(((const MergeAppend *) plan)->mergeplans, scan);
	if (IsA(plan, Append))
		return find_merge_in(((const Append *) plan)->appendplans, scan);
	if (IsA(plan, CustomScan))
		return find_merge_in(((const CustomScan *) plan)->custom_plans, scan);
	if (IsA(plan, SubqueryScan))
		return find_merge(((const SubqueryScan *) plan)->subplan, scan);
	found = find_merge(plan->lefttree, scan);
	return found != NULL ? found : find_merge(plan->righttree, scan);
}

/* Starts each other scan below the Merge Append that has not begun. */
static void
start_others(const MergedScans *merged, const MergeAppend *merge,
			 const ForeignScanState *first)
{
	ListCell *lc;

	foreach (lc, merged->nodes)
	{
		ForeignScanState *node = (ForeignScanState *) lfirst(lc);
		const DdbScanState *state = (const DdbScanState *) node->fdw_state;

		if (node != first && !state->run.started &&
			merges(merge, node->ss.ps.plan))
			(void) ddb_scan_send(node, 1);
	}
}

void
ddb_async_start_merge(ForeignScanState *node)
{
	const PlannedStmt *stmt = node->ss.ps.state->es_plannedstmt;
	const DdbScanState *state = (const DdbScanState *) node->fdw_state;
	MergedScans *merged = merged_of(node->ss.ps.state);
	const MergeAppend *merge;

	if (merged == NULL || merged->starting || list_length(merged->nodes) < 2 ||
		!list_member_ptr(merged->nodes, node))
		return;
	merge = find_merge(stmt->planTree, node->ss.ps.plan);
	if (merge == NULL)
		merge = find_merge_in(stmt->subplans, node->ss.ps.plan);
	if (merge == NULL)
		return;
	merged->starting = true;
	if (state->run.groups != NULL)
		(void) ddb_groups_send(state->run.groups, 1);
	start_others(merged, merge, node);
	merged->starting = false;
}
