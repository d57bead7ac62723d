/* SPDX-License-Identifier: PostgreSQL */
/*
 * session.c
 *		Caches clients per backend, and waits on them as a backend must.
 *
 * A session is keyed by user mapping and role: a mapping for PUBLIC may lend
 * the server's own identity to a superuser, and another role must not find
 * that client in the cache.  Changes of server or mapping options mark
 * sessions stale; a stale one is freed when its last call is.
 */
#include "postgres.h"

#include "remote/session.h"

#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "compat.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "model/guc.h"
#include "model/options.h"
#include "remote/report.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/*
 * All response buffers of one statement stay under this
 * (docs/decisions/08-a-page-is-checked-whole-then-walked-once.md).
 */
#define MAX_RESPONSE_BYTES ((size_t) 32 * 1024 * 1024)

/* Descriptors a client holds besides its connections: an epoll, a timer. */
#define OWN_DESCRIPTORS 2

/*
 * Sessions that a backend keeps, with their connections, when nobody uses them:
 * pools that change roles make one for each role.
 */
#define MAX_SESSIONS 16

typedef struct SessionKey
{
	Oid umid;
	Oid userid;
} SessionKey;

struct DdbSession
{
	SessionKey key;
	DdbcClient *client;
	WaitEventSet *wait_set;
	uint32 server_hash; /* syscache hash values, for invalidation */
	uint32 mapping_hash;
	bool own_identity; /* signs with the database server's identity */
	bool stale;
	int max_concurrency; /* requests in flight at most */
	pg_atomic_uint32 *stop; /* when set, ends the wait under way; or NULL */
	int pins; /* calls that hold it */
	uint64 last_use; /* by the number of uses of all sessions */
};

typedef struct SessionEntry
{
	SessionKey key; /* hash key, must be first */
	DdbSession *session;
} SessionEntry;

static HTAB *sessions = NULL;
static bool any_stale = false;
static uint64 uses = 0;

/* Gives back what one client has reserved. */
static void
release_descriptors(void)
{
	for (int i = 0; i < OWN_DESCRIPTORS; i++)
		ReleaseExternalFD();
}

/* Closes connections and wipes keys.  Nothing may be pinned or under way. */
static void
session_free(DdbSession *session)
{
	if (session->wait_set != NULL)
		FreeWaitEventSet(session->wait_set);
	ddbc_client_free(session->client);
	release_descriptors();
	pfree(session);
}

/*
 * Syscache callback: marks the sessions of a server or mapping that has
 * changed.  They are freed later, outside the callback, once nobody uses them.
 */
static void
invalidate_sessions(Datum arg, int cacheid, uint32 hash)
{
	HASH_SEQ_STATUS status;
	SessionEntry *entry;

	hash_seq_init(&status, sessions);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		DdbSession *session = entry->session;

		/* hash 0 means everything of that cache */
		if (session != NULL &&
			(hash == 0 ||
			 hash == (cacheid == FOREIGNSERVEROID ? session->server_hash
												  : session->mapping_hash)))
			session->stale = any_stale = true;
	}
}

/* Made at first use, and lives as long as the backend. */
static void
create_cache(void)
{
	HASHCTL ctl;

	ctl.keysize = sizeof(SessionKey);
	ctl.entrysize = sizeof(SessionEntry);
	sessions = hash_create("ddb_fdw sessions", 8, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, invalidate_sessions,
								  (Datum) 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, invalidate_sessions,
								  (Datum) 0);
}

/* What a session waits for: the latch, the postmaster's end, the client. */
static WaitEventSet *
make_wait_set(int fd)
{
	WaitEventSet *set = ddb_compat_wait_event_set(3);

	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(set, WL_SOCKET_READABLE, fd, NULL, NULL);
	return set;
}

/* The caller unwinds out of the client then, and serves the interrupt. */
static bool
must_unwind(const DdbSession *session)
{
	return (InterruptPending && INTERRUPTS_CAN_BE_PROCESSED()) ||
		   (session->stop != NULL && pg_atomic_read_u32(session->stop) != 0);
}

/*
 * The client's wait function: blocks on its descriptor and on the process's
 * latch.  False if the client must unwind, because an interrupt is pending or
 * *stop is set.
 */
static bool
session_wait(void *arg, int fd)
{
	DdbSession *session = (DdbSession *) arg;
	WaitEvent event;

	Assert(fd == ddbc_client_fd(session->client));
	if (must_unwind(session))
		return false;
	(void) WaitEventSetWait(session->wait_set, -1, &event, 1,
							ddb_compat_wait_event());
	if ((event.events & WL_LATCH_SET) != 0)
		ResetLatch(MyLatch);
	return !must_unwind(session);
}

/*
 * True if this role may borrow the identity of the database server itself, as
 * password_required does in postgres_fdw.
 */
static bool
may_use_own_identity(const UserMapping *mapping)
{
	return superuser_arg(mapping->userid) ||
		   !ddb_options_bool("credentials_required", mapping->options, NIL);
}

/*
 * Raises an error if the mapping has no keys and its user may not use the
 * database server's own identity, or if that would go where somebody other
 * than a superuser says: key id and token are in each request.
 */
static void
check_own_identity(const UserMapping *mapping, const ForeignServer *server)
{
	if (!superuser_arg(server->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("server \"%s\" may not use the AWS identity of the "
						"database server",
						server->servername),
				 errdetail("Its owner \"%s\" is not a superuser, and may send "
						   "requests anywhere.",
						   GetUserNameFromId(server->owner, false)),
				 errhint("Set \"access_key_id\" and \"secret_access_key\" on "
						 "the user mapping, or have a superuser own the "
						 "server.")));
	if (may_use_own_identity(mapping))
		return;
	ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
					errmsg("credentials are required for user \"%s\"",
						   GetUserNameFromId(mapping->userid, false)),
					errdetail("Only superusers may use the AWS identity of the "
							  "database server."),
					errhint("Set \"access_key_id\" and \"secret_access_key\" "
							"on the user mapping, or have a superuser set "
							"\"credentials_required\" to false on it.")));
}

/*
 * The credentials provider that the mapping asks for. *own_identity says
 * whether it is the server's own identity.  Raises an error if the user may
 * not use that; NULL with *error set if keys are malformed.
 */
static DdbcCredentialsProvider *
make_provider(const UserMapping *mapping, const ForeignServer *server,
			  bool *own_identity, DdbcError *error)
{
	const char *key_id = ddb_options_get(mapping->options, "access_key_id");
	const char *source = ddb_options_get(mapping->options, "credential_source");

	*own_identity =
		key_id == NULL || (source != NULL && strcmp(source, "default") != 0);
	if (*own_identity)
	{
		check_own_identity(mapping, server);
		return ddbc_credentials_environment(error);
	}
	return ddbc_credentials_static(
		key_id, ddb_options_get(mapping->options, "secret_access_key"),
		ddb_options_get(mapping->options, "session_token"), error);
}

/*
 * The server's region.  Roles that may use the server's own identity fall back
 * to the region in its environment; others get an error.
 */
static const char *
choose_region(const ForeignServer *server, const UserMapping *mapping)
{
	const char *region = ddb_options_get(server->options, "region");

	if (region == NULL && may_use_own_identity(mapping))
		region = getenv("AWS_REGION");
	if (region == NULL && may_use_own_identity(mapping))
		region = getenv("AWS_DEFAULT_REGION");
	if (region == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
			 errmsg("server \"%s\" has no region", server->servername),
			 errhint("Use ALTER SERVER %s OPTIONS (ADD region 'us-east-1').",
					 quote_identifier(server->servername))));
	return region;
}

/*
 * Fills in the endpoint from the server's options.  Raises an error if they do
 * not make a URL, or if it is plain HTTP to another host without allow_http.
 */
static void
resolve_endpoint(const ForeignServer *server, const UserMapping *mapping,
				 DdbcEndpoint *endpoint)
{
	DdbcError error;

	if (!ddbc_endpoint_resolve(
			endpoint, choose_region(server, mapping),
			ddb_options_get(server->options, "endpoint_url"),
			ddb_options_bool("use_fips", server->options, NIL),
			ddb_options_bool("use_dualstack", server->options, NIL), &error))
		ddb_report_setup(&error, server->servername);
	if (!endpoint->is_https && !endpoint->is_loopback &&
		!ddb_options_bool("allow_http", server->options, NIL))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("option \"endpoint_url\" of server \"%s\" uses "
							   "plain HTTP to another host",
							   server->servername),
						errhint("Use https, or have a superuser set the option "
								"\"allow_http\" on the server.")));
}

/*
 * Copies the server's options into the client's configuration.  Strings point
 * into the option list, since the client makes copies.
 */
static void
fill_config(DdbcConfig *config, const ForeignServer *server)
{
	List *options = server->options;

	config->ca_file = ddb_options_get(options, "ca_file");
	config->user_agent = "ddb_fdw/1.0";
	config->connect_timeout_ms =
		ddb_options_duration_ms("connect_timeout", options, NIL);
	config->request_timeout_ms =
		ddb_options_duration_ms("request_timeout", options, NIL);
	config->max_attempts = ddb_options_int("max_attempts", options, NIL);
	config->max_concurrency = ddb_options_int("max_concurrency", options, NIL);
	config->max_response_bytes = MAX_RESPONSE_BYTES;
	config->compression = ddb_options_bool("compression", options, NIL);
}

/*
 * Frees the session that has not been used for longest, of those that nobody
 * uses.  False if there is none.
 */
static bool
evict_session(void)
{
	HASH_SEQ_STATUS status;
	SessionEntry *entry;
	DdbSession *oldest = NULL;

	hash_seq_init(&status, sessions);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->session != NULL && entry->session->pins == 0 &&
			(oldest == NULL || entry->session->last_use < oldest->last_use))
			oldest = entry->session;
	if (oldest == NULL)
		return false;
	(void) hash_search(sessions, &oldest->key, HASH_REMOVE, NULL);
	session_free(oldest);
	return true;
}

/*
 * Reserves what a client opens, and sees to it that its wait set can be opened
 * besides.  Others that nobody uses are closed for it.
 */
static void
reserve_descriptors(void)
{
	int n = 0;

	while (hash_get_num_entries(sessions) > MAX_SESSIONS && evict_session())
		continue;
	while (n <= OWN_DESCRIPTORS)
	{
		if (AcquireExternalFD())
			n++;
		else if (!evict_session())
			break;
	}
	for (int keep = n > OWN_DESCRIPTORS ? OWN_DESCRIPTORS : 0; n > keep; n--)
		ReleaseExternalFD();
	if (n < OWN_DESCRIPTORS)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("too many sessions with DynamoDB are in use"),
				 errdetail("Each holds %d descriptors besides its connections.",
						   OWN_DESCRIPTORS + 1),
				 errhint("Close cursors, or raise "
						 "\"max_files_per_process\".")));
}

/*
 * Everything that can raise an error happens before the client exists, so
 * nothing can leak.
 */
static DdbSession *
session_create(const ForeignServer *server, const UserMapping *mapping)
{
	DdbSession *session =
		MemoryContextAllocZero(TopMemoryContext, sizeof(DdbSession));
	DdbcConfig config;
	DdbcError error;
	volatile bool reserved = false;

	memset(&config, 0, sizeof(config));
	PG_TRY();
	{
		resolve_endpoint(server, mapping, &config.endpoint);
		fill_config(&config, server);
		reserve_descriptors();
		reserved = true;
		config.credentials =
			make_provider(mapping, server, &session->own_identity, &error);
	}
	PG_CATCH();
	{
		if (reserved)
			release_descriptors();
		pfree(session);
		PG_RE_THROW();
	}
	PG_END_TRY();
	config.wait = session_wait;
	config.wait_arg = session;
	session->max_concurrency = config.max_concurrency;
	if (config.credentials != NULL)
		session->client = ddbc_client_create(&config, &error);
	if (session->client == NULL)
	{
		release_descriptors();
		pfree(session);
		ddb_report_setup(&error, server->servername);
	}
	PG_TRY();
	{
		session->wait_set = make_wait_set(ddbc_client_fd(session->client));
	}
	PG_CATCH();
	{
		session_free(session);
		PG_RE_THROW();
	}
	PG_END_TRY();
	session->server_hash = GetSysCacheHashValue1(
		FOREIGNSERVEROID, ObjectIdGetDatum(server->serverid));
	session->mapping_hash =
		GetSysCacheHashValue1(USERMAPPINGOID, ObjectIdGetDatum(mapping->umid));
	return session;
}

/*
 * Frees stale sessions that nobody uses.  Those of dropped mappings would not
 * be asked for again.
 */
static void
sweep_stale_sessions(void)
{
	HASH_SEQ_STATUS status;
	SessionEntry *entry;

	hash_seq_init(&status, sessions);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		DdbSession *session = entry->session;

		if (session != NULL && (!session->stale || session->pins > 0))
			continue;
		/* (Removing the entry just returned is allowed.) */
		(void) hash_search(sessions, &entry->key, HASH_REMOVE, NULL);
		if (session != NULL)
			session_free(session);
	}
}

/*
 * Creates the session at first use.  An outdated one is replaced; whoever
 * still uses it keeps it until they are done.
 */
DdbSession *
ddb_session_get(Oid serverid, Oid userid)
{
	UserMapping *mapping = GetUserMapping(userid, serverid);
	SessionKey key = {mapping->umid, userid};
	SessionEntry *entry;
	bool found;

	if (sessions == NULL)
		create_cache();
	if (any_stale)
	{
		any_stale = false;
		sweep_stale_sessions();
	}
	entry = hash_search(sessions, &key, HASH_ENTER, &found);
	if (!found)
		entry->session = NULL;
	/* One that is still used is freed by its last user. */
	if (entry->session != NULL && entry->session->stale)
		entry->session = NULL;
	if (entry->session == NULL)
	{
		DdbSession *session =
			session_create(GetForeignServer(serverid), mapping);

		session->key = key;
		/* Creating it read catalogs, which may have moved the table. */
		entry = hash_search(sessions, &key, HASH_ENTER, &found);
		entry->session = session;
	}
	entry->session->last_use = ++uses;
	/* Roles may have lost what they had when the session was made. */
	if (entry->session->own_identity)
		check_own_identity(mapping, GetForeignServer(serverid));
	return entry->session;
}

/*
 * Gives back one use of the session.  The last use of an outdated session
 * frees it.
 */
static void
session_unpin(DdbSession *session)
{
	SessionEntry *entry;

	if (--session->pins > 0)
		return;
	if (!session->stale)
	{
		ddbc_client_rest(session->client);
		return;
	}
	entry = hash_search(sessions, &session->key, HASH_FIND, NULL);
	if (entry != NULL && entry->session == session)
		entry->session = NULL;
	session_free(session);
}

static void
pin_context_reset(void *arg)
{
	session_unpin((DdbSession *) arg);
}

/*
 * The pin is given back by a callback of the context, so also when an error
 * resets it.
 */
void
ddb_session_pin(DdbSession *session, MemoryContext context)
{
	MemoryContextCallback *callback =
		MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

	session->pins++;
	callback->func = pin_context_reset;
	callback->arg = session;
	MemoryContextRegisterResetCallback(context, callback);
}

/*
 * One line, and nothing beneath it: statement and context may hold values.  Is
 * called while a transaction is aborted, too.
 */
static void
log_call(const DdbCall *call, const char *outcome, double units)
{
	DdbcRequestStats stats = ddbc_request_stats(call->request);

	ereport(LOG,
			(errmsg("DynamoDB %s on table \"%s\"%s%s%s: %s, %.1f %s "
					"units, %.3f ms, %d attempts, " UINT64_FORMAT " bytes",
					ddbc_operation_name(call->operation),
					call->table_name != NULL ? call->table_name : "",
					call->index_name != NULL ? " index \"" : "",
					call->index_name != NULL ? call->index_name : "",
					call->index_name != NULL ? "\"" : "", outcome, units,
					ddbc_operation_writes(call->operation) ? "write" : "read",
					stats.elapsed_us / 1000.0, stats.attempts,
					(uint64) stats.bytes_received),
			 errhidestmt(true), errhidecontext(true)));
}

/* Ends the call's request.  AWS charges for what was sent, read or not. */
static void
end_request(DdbCall *call)
{
	if (call->request != NULL && !call->settled)
	{
		double units = 0;

		call->settled = true;
		if (call->abandon != NULL)
			units = call->abandon(call->owner);
		if (ddb_guc_log_requests &&
			ddbc_request_stats(call->request).attempts > 0)
			log_call(call, "abandoned", units);
	}
	ddbc_request_free(call->request);
	call->request = NULL;
}

/* The leash: runs when the owning context goes away, also on abort. */
static void
call_context_reset(void *arg)
{
	DdbCall *call = (DdbCall *) arg;

	end_request(call);
	session_unpin(call->session);
}

/* Pins the session.  No request is made yet: ddb_call_start() does that. */
DdbCall *
ddb_call_create(DdbSession *session, MemoryContext context)
{
	DdbCall *call = MemoryContextAllocZero(context, sizeof(DdbCall));
	MemoryContextCallback *callback =
		MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

	call->session = session;
	session->pins++;
	callback->func = call_context_reset;
	callback->arg = call;
	MemoryContextRegisterResetCallback(context, callback);
	return call;
}

/*
 * Raises an error only when memory is short; failures of the request show when
 * it is done.  Names must outlive the call.
 */
void
ddb_call_start(DdbCall *call, DdbcOperation operation, const char *table_name,
			   const char *index_name, const char *body, size_t len,
			   int64 delay_ms)
{
	DdbcError error;

	Assert(call->request == NULL);
	call->operation = operation;
	call->settled = false;
	call->table_name = table_name;
	call->index_name = index_name;
	call->request = ddbc_client_submit(call->session->client, operation, body,
									   len, delay_ms, &error);
	if (call->request == NULL)
		ddb_report_call(&error, operation, table_name, index_name);
}

/* The call must be done.  An error shows as its code, a success as "ok". */
void
ddb_call_log(DdbCall *call, double units)
{
	const DdbcError *error = ddbc_request_error(call->request);

	call->settled = true;
	if (ddb_guc_log_requests)
		log_call(call, error == NULL ? "ok" : error->code, units);
}

/*
 * All calls belong to one session, and there are at most DDB_MAX_CALLS. A
 * cancel or termination of the backend raises its error here, after the client
 * has returned.
 */
void
ddb_call_wait_unless(DdbCall *const *calls, int n, pg_atomic_uint32 *stop)
{
	DdbcRequest *requests[DDB_MAX_CALLS];
	DdbSession *session = calls[0]->session;

	Assert(n <= DDB_MAX_CALLS);
	for (int i = 0; i < n; i++)
		requests[i] = calls[i]->request;
	for (;;)
	{
		bool done;

		session->stop = stop;
		done = ddbc_client_wait(session->client, requests, n);
		session->stop = NULL;
		if (done || (stop != NULL && pg_atomic_read_u32(stop) != 0))
			return;
		CHECK_FOR_INTERRUPTS();
	}
}

void
ddb_call_wait(DdbCall *const *calls, int n)
{
	ddb_call_wait_unless(calls, n, NULL);
}

int
ddb_session_concurrency(const DdbSession *session)
{
	return session->max_concurrency;
}

/*
 * Draws the delay from the client's random source, so that sessions do not
 * retry in step.
 */
bool
ddb_session_retry_unprocessed(DdbSession *session, int fruitless,
							  int64 *delay_ms)
{
	int64_t delay;
	bool again =
		ddbc_client_retry_unprocessed(session->client, fruitless, &delay);

	*delay_ms = delay;
	return again;
}

void
ddb_session_step(DdbSession *session)
{
	ddbc_client_step(session->client);
}

int
ddb_session_fd(const DdbSession *session)
{
	return ddbc_client_fd(session->client);
}

void
ddb_call_release(DdbCall *call)
{
	end_request(call);
}
