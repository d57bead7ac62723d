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

/* What a process knows of the sharing. */
typedef struct DdbScanSharing
{
	DdbSharedScan *shared; /* NULL: this process reads all */
	ParallelContext *workers; /* of the leader, while they share */
	bool watches_memory;
	bool is_guarded; /* the policy about scans was asked, for all processes */
	bool all_taken;
	int next; /* segment, if nothing is shared */
} DdbScanSharing;

/* What the processes share of the scan; NULL: nothing. */
static DdbSharedScan *
shared_of(const DdbScanState *state)
{
	return state->sharing != NULL ? state->sharing->shared : NULL;
}

void
ddb_parallel_begin(DdbScanState *state)
{
	state->sharing = palloc0(sizeof(DdbScanSharing));
}

bool
ddb_parallel_is_guarded(const DdbScanState *state)
{
	return state->sharing != NULL && state->sharing->is_guarded;
}

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
	DdbSharedScan *shared = shared_of(state);
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
	if (pg_atomic_read_u32(&state->sharing->shared->outdated) != 0)
		ddb_describe_forget(state->relation->server->serverid,
							state->plan->source.table_name);
	state->sharing->shared = NULL;
	state->sharing->workers = NULL;
}

/* The scan's state goes first: nobody is left to tell. */
static void
cancel_leave(void *arg)
{
	DdbScanState *state = (DdbScanState *) arg;

	if (state->sharing->workers != NULL)
		cancel_on_dsm_detach(state->sharing->workers->seg, leave,
							 PointerGetDatum(state));
}

/* So that counts are whole: workers may still read when the plan shuts down. */
static void
watch_shared_memory(DdbScanState *state, dsm_segment *seg,
					MemoryContext context)
{
	if (!state->sharing->watches_memory)
	{
		MemoryContextCallback *callback =
			MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

		callback->func = cancel_leave;
		callback->arg = state;
		MemoryContextRegisterResetCallback(context, callback);
		state->sharing->watches_memory = true;
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
	if (!state->sharing->is_guarded)
		ddb_guard_scan(state->relation, state->plan);
	state->sharing->is_guarded = true;
	/* None was to be had: there will be no workers, and all is this process's. */
	if (pcxt->seg == NULL)
		return;
	memset(shared, 0, sizeof(DdbSharedScan));
	pg_atomic_init_u32(&shared->next, 0);
	pg_atomic_init_u32(&shared->stop, 0);
	pg_atomic_init_u32(&shared->outdated, 0);
	SpinLockInit(&shared->mutex);
	state->sharing->shared = shared;
	state->sharing->workers = pcxt;
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

	if (shared_of(state) == NULL)
		return;
	Assert(shared_of(state) == coordinate);
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
	state->sharing->shared = (DdbSharedScan *) coordinate;
	state->sharing->is_guarded = true;
	ddb_guard_begin_with(state->sharing->shared->statement_units);
}

/*
 * The leader's: workers whose rows nobody waits for should not read on, nor
 * wait for a reply.  PostgreSQL wakes them when it stops listening to them.
 */
void
ddbShutdownForeignScan(ForeignScanState *node)
{
	DdbSharedScan *shared = shared_of((DdbScanState *) node->fdw_state);

	if (shared != NULL && !IsParallelWorker())
		pg_atomic_write_u32(&shared->stop, 1);
}

int
ddb_parallel_segments(const DdbScanState *state)
{
	const DdbSharedScan *shared = shared_of(state);

	return shared != NULL ? shared->segments : 0;
}

/* The leader has decided the window for all processes. */
int
ddb_parallel_window(const DdbScanState *state)
{
	const DdbScanSharing *sharing = state->sharing;

	/* Without workers after all, as one process would. */
	if (sharing->shared == NULL ||
		(sharing->workers != NULL && sharing->workers->nworkers_launched == 0))
		return state->run.segments;
	return sharing->shared->window;
}

void
ddb_parallel_begin_taking(DdbScanState *state)
{
	state->sharing->all_taken = false;
	state->sharing->next = 0;
}

/*
 * Takes from the shared counter.  A run without shared memory counts by
 * itself.
 */
bool
ddb_parallel_take(DdbScanState *state, int *segment)
{
	DdbScanSharing *sharing = state->sharing;

	if (sharing->all_taken)
		return false;
	*segment = sharing->shared != NULL
				   ? (int) pg_atomic_fetch_add_u32(&sharing->shared->next, 1)
				   : sharing->next++;
	sharing->all_taken = *segment >= state->run.segments;
	return !sharing->all_taken;
}

pg_atomic_uint32 *
ddb_parallel_stop(const DdbScanState *state)
{
	DdbSharedScan *shared = shared_of(state);

	return shared != NULL ? &shared->stop : NULL;
}

bool
ddb_parallel_stopped(const DdbScanState *state)
{
	DdbSharedScan *shared = shared_of(state);

	return shared != NULL && pg_atomic_read_u32(&shared->stop) != 0;
}

/* Adds counters to sum, each to its own. */
static void
add_counters(DdbScanCounters *sum, const DdbScanCounters *counters)
{
	sum->requests += counters->requests;
	sum->abandoned += counters->abandoned;
	sum->items_scanned += counters->items_scanned;
	sum->items_returned += counters->items_returned;
	sum->read_units += counters->read_units;
	sum->abandoned_units += counters->abandoned_units;
	sum->retries += counters->retries;
	sum->throttles += counters->throttles;
	sum->bytes_received += counters->bytes_received;
	sum->keys_fetched += counters->keys_fetched;
}

/* The worker's own counters start again at zero. */
void
ddb_parallel_report(DdbScanState *state)
{
	DdbSharedScan *shared = shared_of(state);

	if (shared == NULL || !IsParallelWorker())
		return;
	SpinLockAcquire(&shared->mutex);
	add_counters(&shared->counters, state->counters);
	SpinLockRelease(&shared->mutex);
	memset(state->counters, 0, sizeof(DdbScanCounters));
}

/*
 * May be called any number of times: nothing is counted twice.  The units
 * count for the statement's cap too.
 */
void
ddb_parallel_collect(DdbScanState *state)
{
	DdbSharedScan *shared = shared_of(state);
	DdbScanCounters counters;

	if (shared == NULL || IsParallelWorker())
		return;
	SpinLockAcquire(&shared->mutex);
	counters = shared->counters;
	memset(&shared->counters, 0, sizeof(DdbScanCounters));
	SpinLockRelease(&shared->mutex);
	add_counters(state->counters, &counters);
	ddb_guard_begin_with(ddb_guard_read_units() + counters.read_units);
}

void
ddb_parallel_forget(DdbScanState *state)
{
	DdbSharedScan *shared = shared_of(state);

	if (shared != NULL && IsParallelWorker())
		pg_atomic_write_u32(&shared->outdated, 1);
}
