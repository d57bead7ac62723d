/* SPDX-License-Identifier: PostgreSQL */
/*
 * async.c
 *		Lets an Append wait for several scans at once.
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

#include "executor/execAsync.h"
#include "storage/fd.h"
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
