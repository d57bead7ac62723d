/* SPDX-License-Identifier: PostgreSQL */
/*
 * session.h
 *		One DynamoDB client per user mapping and backend, and calls on it.
 *
 * The bridge between the two rings: below it the client, which neither throws
 * nor knows of interrupts; above it backend code, where any wait may end in an
 * error.  Clients and their connections stay from statement to statement until
 * an option of server or mapping changes.
 */
#ifndef DDB_SESSION_H
#define DDB_SESSION_H

#include "postgres.h"

#include "client/client.h"
#include "port/atomics.h"
#include "utils/palloc.h"

typedef struct DdbSession DdbSession;

/* One request on a leash: freed with the memory context that owns it. */
typedef struct DdbCall
{
	DdbSession *session; /* pinned while the call lives */
	DdbcRequest *request; /* NULL once finished and released */
	DdbcOperation operation;
	const char *table_name; /* for messages; owned by the caller */
	const char *index_name; /* NULL: the table itself */
	bool settled; /* its end was counted and logged */

	/*
	 * Called once if the call ends unsettled, be it sent or not: the read units
	 * that it took in vain, about.  May not raise an error.  NULL: nobody counts.
	 */
	double (*abandon)(void *owner);
	void *owner;
} DdbCall;

/*
 * The session of this role on this server.  Raises an error when there is no
 * user mapping, when the role may not use the credentials that it would get,
 * or when region and endpoint do not make a URL.
 */
extern DdbSession *ddb_session_get(Oid serverid, Oid userid);

/* Keeps the session from being freed as long as the context lives. */
extern void ddb_session_pin(DdbSession *session, MemoryContext context);

/*
 * A call that context owns: cancelled and released when the context is reset
 * or deleted, so also on every error.  To be started any number of times.
 */
extern DdbCall *ddb_call_create(DdbSession *session, MemoryContext context);

/*
 * Sends a request, not before delay_ms have passed; the one before must have
 * been released.
 */
extern void ddb_call_start(DdbCall *call, DdbcOperation operation,
						   const char *table_name, const char *index_name,
						   const char *body, size_t len, int64 delay_ms);

/* How many of its requests are in flight at most; others queue in it. */
extern int ddb_session_concurrency(const DdbSession *session);

/*
 * A reply left a part of its batch unprocessed, as fruitless replies in a row
 * did that brought nothing: true if the rest is to be sent after *delay_ms,
 * false when max_attempts are over.
 */
extern bool ddb_session_retry_unprocessed(DdbSession *session, int fruitless,
										  int64 *delay_ms);

/*
 * Waits for a reply to one of the calls, of one session, serving interrupts.
 * Does not raise the call's error.
 */
#define DDB_MAX_CALLS 512
extern void ddb_call_wait(DdbCall *const *calls, int n);

/* The same, until *stop is set and the process's latch with it. */
extern void ddb_call_wait_unless(DdbCall *const *calls, int n,
								 pg_atomic_uint32 *stop);

/* Drives the calls of a session without waiting; its descriptor is readable
 * when there is something to do. */
extern void ddb_session_step(DdbSession *session);
extern int ddb_session_fd(const DdbSession *session);

/*
 * Once the reply is in, and the read or write units that it consumed are known:
 * one line in the log if ddb_fdw.log_requests is on.  Never a value, never a
 * key.
 */
extern void ddb_call_log(DdbCall *call, double units);

/*
 * Ends the call's request, cancelling it if it is under way.  One that was sent,
 * and whose reply nobody looked at, has its line in the log now.
 */
extern void ddb_call_release(DdbCall *call);

#endif /* DDB_SESSION_H */
