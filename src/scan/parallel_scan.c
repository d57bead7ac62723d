/* SPDX-License-Identifier: PostgreSQL */
/*
 * parallel_scan.c
 *		Divides a Scan among the processes of a parallel query.
 *
 * The leader decides once into how many segments; each process takes the next
 * one when it has room for it.  A segment that was taken is read to its end by
 * who took it, or the whole query ends with an error: no process ends silently
 * while rows are wanted.
 */
#include "postgres.h"

#include "scan/parallel_scan.h"

#include "model/table_info.h"
#include "optimizer/optimizer.h"
#include "remote/describe.h"
#include "scan/guard.h"
#include "storage/dsm.h"
#include "storage/spin.h"
#include "utils/memutils.h"

/* One segment is decoded while another one's page is under way. */
#define MIN_WINDOW 2

/* In shared memory. */
typedef struct DdbSharedScan
{
	int segments;
	int window;
	double statement_units; /* read before, by the statement */
	pg_atomic_uint32 next; /* segment to be taken */
	pg_atomic_uint32 stop; /* no more rows are wanted */
	pg_atomic_uint32 outdated; /* the description of the table */
	slock_t mutex; /* for what follows */
	DdbScanCounters counters; /* of workers, not yet collected */
} DdbSharedScan;

Size
ddbEstimateDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt)
{
	(void) node;
	(void) pcxt;
	return sizeof(DdbSharedScan);
}

/*
 * Before each run.  A process may not keep so many segments going that the
 * others find nothing left: at first, half of its share.
 */
static void
begin_run(DdbScanState *state, int workers)
{
	DdbSharedScan *shared = state->shared;
	int processes = workers + (parallel_leader_participation ? 1 : 0);

	shared->segments = Max(state->plan->segments.count, 1);
	/* The cap was set after planning: then one after another, in one piece. */
	if (ddb_relation_max_read_units(state->relation) > 0)
		shared->segments = 1;
	shared->window =
		Max(shared->segments / (2 * Max(processes, 1)), MIN_WINDOW);
	shared->statement_units = ddb_guard_read_units();
	pg_atomic_write_u32(&shared->next, 0);
	pg_atomic_write_u32(&shared->stop, 0);
}

/* The leader lets go of shared memory, after its workers did. */
static void
leave(dsm_segment *seg, Datum arg)
{
	DdbScanState *state = (DdbScanState *) DatumGetPointer(arg);

	(void) seg;
	ddb_parallel_collect(state);
	if (pg_atomic_read_u32(&state->shared->outdated) != 0)
		ddb_describe_forget(state->relation->server->serverid,
							state->plan->source.table_name);
	state->shared = NULL;
	state->workers = NULL;
}

/* The scan's state goes first: nobody is left to tell. */
static void
cancel_leave(void *arg)
{
	DdbScanState *state = (DdbScanState *) arg;

	if (state->workers != NULL)
		cancel_on_dsm_detach(state->workers->seg, leave,
							 PointerGetDatum(state));
}

/* So that counts are whole: workers may still read when the plan shuts down. */
static void
watch_shared_memory(DdbScanState *state, dsm_segment *seg,
					MemoryContext context)
{
	if (!state->watches_memory)
	{
		MemoryContextCallback *callback =
			MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

		callback->func = cancel_leave;
		callback->arg = state;
		MemoryContextRegisterResetCallback(context, callback);
		state->watches_memory = true;
	}
	on_dsm_detach(seg, leave, PointerGetDatum(state));
}

/*
 * Executor callback, in the leader: sets up the shared state, and asks the
 * scan policy once for all processes.
 */
void
ddbInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt,
							void *coordinate)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;
	DdbSharedScan *shared = (DdbSharedScan *) coordinate;

	/* Once, not in each process. */
	if (!state->guarded)
		ddb_guard_scan(state->relation, state->plan);
	state->guarded = true;
	/* None was to be had: there will be no workers, and all is this process's. */
	if (pcxt->seg == NULL)
		return;
	memset(shared, 0, sizeof(DdbSharedScan));
	pg_atomic_init_u32(&shared->next, 0);
	pg_atomic_init_u32(&shared->stop, 0);
	pg_atomic_init_u32(&shared->outdated, 0);
	SpinLockInit(&shared->mutex);
	state->shared = shared;
	state->workers = pcxt;
	watch_shared_memory(state, pcxt->seg, node->ss.ps.state->es_query_cxt);
	begin_run(state, pcxt->nworkers);
}

/*
 * Executor callback, in the leader: starts a new run.  All workers of the last
 * one have ended.
 */
void
ddbReInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt,
							  void *coordinate)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	if (state->shared == NULL)
		return;
	Assert(state->shared == coordinate);
	ddb_parallel_collect(state);
	begin_run(state, pcxt->nworkers);
}

/*
 * Executor callback, in a worker: takes over the shared state, and the units
 * that the statement has consumed so far.
 */
void
ddbInitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc,
							   void *coordinate)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	(void) toc;
	state->shared = (DdbSharedScan *) coordinate;
	state->guarded = true;
	ddb_guard_begin_with(state->shared->statement_units);
}

/*
 * The leader's: workers whose rows nobody waits for should not read on, nor
 * wait for a reply.  PostgreSQL wakes them when it stops listening to them.
 */
void
ddbShutdownForeignScan(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	if (state->shared != NULL && !IsParallelWorker())
		pg_atomic_write_u32(&state->shared->stop, 1);
}

int
ddb_parallel_segments(const DdbScanState *state)
{
	return state->shared->segments;
}

/* The leader has decided the window for all processes. */
int
ddb_parallel_window(const DdbScanState *state)
{
	/* Without workers after all, as one process would. */
	if (state->shared == NULL ||
		(state->workers != NULL && state->workers->nworkers_launched == 0))
		return state->segments;
	return state->shared->window;
}

/*
 * Takes from the shared counter.  A run without shared memory counts by
 * itself.
 */
bool
ddb_parallel_take(DdbScanState *state, int *segment)
{
	if (state->all_taken)
		return false;
	*segment = state->shared != NULL
				   ? (int) pg_atomic_fetch_add_u32(&state->shared->next, 1)
				   : state->nstreams;
	state->all_taken = *segment >= state->segments;
	return !state->all_taken;
}

pg_atomic_uint32 *
ddb_parallel_stop(const DdbScanState *state)
{
	return state->shared != NULL ? &state->shared->stop : NULL;
}

bool
ddb_parallel_stopped(const DdbScanState *state)
{
	return state->shared != NULL &&
		   pg_atomic_read_u32(&state->shared->stop) != 0;
}

/* Adds counters to sum, each to its own. */
static void
add_counters(DdbScanCounters *sum, const DdbScanCounters *counters)
{
	sum->requests += counters->requests;
	sum->items_scanned += counters->items_scanned;
	sum->items_returned += counters->items_returned;
	sum->read_units += counters->read_units;
	sum->retries += counters->retries;
	sum->throttles += counters->throttles;
	sum->bytes_received += counters->bytes_received;
	sum->keys_fetched += counters->keys_fetched;
}

/* The worker's own counters start again at zero. */
void
ddb_parallel_report(DdbScanState *state)
{
	if (state->shared == NULL || !IsParallelWorker())
		return;
	SpinLockAcquire(&state->shared->mutex);
	add_counters(&state->shared->counters, state->counters);
	SpinLockRelease(&state->shared->mutex);
	memset(state->counters, 0, sizeof(DdbScanCounters));
}

/*
 * May be called any number of times: nothing is counted twice.  The units
 * count for the statement's cap too.
 */
void
ddb_parallel_collect(DdbScanState *state)
{
	DdbScanCounters counters;

	if (state->shared == NULL || IsParallelWorker())
		return;
	SpinLockAcquire(&state->shared->mutex);
	counters = state->shared->counters;
	memset(&state->shared->counters, 0, sizeof(DdbScanCounters));
	SpinLockRelease(&state->shared->mutex);
	add_counters(state->counters, &counters);
	ddb_guard_begin_with(ddb_guard_read_units() + counters.read_units);
}

void
ddb_parallel_forget(DdbScanState *state)
{
	if (state->shared != NULL && IsParallelWorker())
		pg_atomic_write_u32(&state->shared->outdated, 1);
}
