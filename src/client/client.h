/* SPDX-License-Identifier: PostgreSQL */
/*
 * client.h
 *		DynamoDB over HTTPS: submit requests, wait for completions, cancel.
 *
 * One state machine for many requests.  A client owns a libcurl multi handle
 * with its connections, kept until the client is freed.  All its sockets, and
 * one timer for libcurl's timeouts and every back-off, hang on one epoll
 * descriptor, so that whoever waits (a latch loop, async Append) waits on that
 * one descriptor and needs no timeout of its own.
 *
 * A request is signed afresh at every attempt, retried as the decision
 * "Throttles are not failures" says (full jitter; a quota for transient
 * errors; throttles shrink the number of requests in flight and are given up
 * only after max_attempts tries without any progress of the whole client), and
 * ends either with a complete, checked
 * (x-amz-crc32) and decompressed body or with one DdbcError.
 *
 * Knows nothing of PostgreSQL: no palloc, no ereport.  Memory is malloc's.
 */
#ifndef DDBC_CLIENT_H
#define DDBC_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "client/credentials.h"
#include "client/endpoint.h"
#include "client/error.h"

typedef enum DdbcOperation
{
	DDBC_GET_ITEM,
	DDBC_BATCH_GET_ITEM,
	DDBC_QUERY,
	DDBC_SCAN,
	DDBC_DESCRIBE_TABLE,
	DDBC_DESCRIBE_TIME_TO_LIVE,
	DDBC_LIST_TABLES,

	/* these, and only these, change items */
	DDBC_PUT_ITEM,
	DDBC_UPDATE_ITEM,
	DDBC_DELETE_ITEM,
	DDBC_BATCH_WRITE_ITEM,
	DDBC_TRANSACT_WRITE_ITEMS,
} DdbcOperation;

/* "GetItem": as X-Amz-Target and messages spell it. */
extern const char *ddbc_operation_name(DdbcOperation operation);

/* True of operations that change items. */
extern bool ddbc_operation_writes(DdbcOperation operation);

/*
 * Time and randomness are handed in, so that tests own them.  NULL members
 * mean the system's.
 */
typedef struct DdbcClock
{
	int64_t (*wall_us)(void *arg); /* epoch microseconds: signing */
	int64_t (*mono_us)(void *arg); /* monotonic microseconds: waiting */
	uint64_t (*random)(void *arg); /* 64 random bits: jitter */
	void *arg;
} DdbcClock;

/*
 * Blocks until fd is readable, or returns false because the caller has to
 * attend to something else (a cancel); ddbc_client_wait then returns at once
 * and may be called again.
 */
typedef bool (*DdbcWaitFunction)(void *arg, int fd);

typedef struct DdbcConfig
{
	DdbcEndpoint endpoint;
	DdbcCredentialsProvider *credentials; /* owned by the client from
											 * ddbc_client_create on, also
											 * when that fails */
	const char *ca_file; /* NULL: libcurl's default bundle */
	const char *user_agent; /* NULL: "ddb_fdw" */
	int connect_timeout_ms; /* per attempt */
	int request_timeout_ms; /* per attempt, connect included */
	int max_attempts; /* tries per request, >= 1 */
	int max_concurrency; /* requests in flight, >= 1; more wait */
	size_t max_response_bytes; /* ceiling of one decompressed body */
	bool compression; /* ask for gzip */
	DdbcClock clock;
	DdbcWaitFunction wait; /* NULL: poll(2) without end */
	void *wait_arg;
} DdbcConfig;

typedef struct DdbcClient DdbcClient;
typedef struct DdbcRequest DdbcRequest;

/* What a finished (or running) request has cost so far. */
typedef struct DdbcRequestStats
{
	int attempts; /* HTTP requests sent, by libcurl itself too; 0: none yet */
	int throttles; /* of these, answered by a throttle */
	uint64_t bytes_received; /* body bytes as sent, all attempts */
	int64_t elapsed_us; /* submit to completion */
	bool ambiguous; /* of a write: it may have been applied before its last
					 * reply, by an attempt whose end nobody saw; never of a
					 * TransactWriteItems whose token has settled it */
} DdbcRequestStats;

/* Copies config (strings too). NULL with *error on failure. */
extern DdbcClient *ddbc_client_create(const DdbcConfig *config,
									  DdbcError *error);

/* Frees the client; requests still held by callers must be freed before. */
extern void ddbc_client_free(DdbcClient *client);

/*
 * There is nothing to do for now: closes all but a few connections, and gives
 * memory back to the system after large replies.
 */
extern void ddbc_client_rest(DdbcClient *client);

/*
 * Starts a request; body is copied.  That of TransactWriteItems holds a
 * ClientRequestToken of its own.  It is not sent before delay_ms have
 * passed (0: now).  Never blocks.  NULL with *error only when memory is short.
 */
extern DdbcRequest *ddbc_client_submit(DdbcClient *client,
									   DdbcOperation operation,
									   const char *body, size_t body_len,
									   int64_t delay_ms, DdbcError *error);

/*
 * Waits until one of the n requests is done: true.  False when the wait
 * function returned false.  Drives all requests of the client meanwhile.
 */
extern bool ddbc_client_wait(DdbcClient *client, DdbcRequest *const *requests,
							 int n);

/*
 * A reply left a part of its batch unprocessed, as fruitless replies in a row
 * did that brought nothing: true if the rest is to be sent after *delay_ms.
 */
extern bool ddbc_client_retry_unprocessed(DdbcClient *client, int fruitless,
										  int64_t *delay_ms);

/* Drives all requests as far as possible without blocking. */
extern void ddbc_client_step(DdbcClient *client);

/* The epoll descriptor: readable when ddbc_client_step has something to do. */
extern int ddbc_client_fd(const DdbcClient *client);

extern bool ddbc_request_done(const DdbcRequest *request);

/*
 * NULL when it succeeded.  Valid until the request is freed.  Its ambiguous is
 * about all attempts: a write that was refused by the last one may have been
 * applied by one before.
 */
extern const DdbcError *ddbc_request_error(const DdbcRequest *request);

/*
 * The body of a successful request.  At least DDBC_BODY_PADDING zero bytes
 * follow it, so that scanners may read vectors past the end.
 */
#define DDBC_BODY_PADDING 64
extern const char *ddbc_request_body(const DdbcRequest *request, size_t *len);

/*
 * The same, but the caller becomes the owner and frees it with free(3); the
 * request no longer has it.
 */
extern char *ddbc_request_take_body(DdbcRequest *request, size_t *len);

/*
 * The body of the reply that refused a request, padded in the same way: there
 * may be more in it than DdbcError holds.  NULL when it succeeded, or failed
 * without a whole reply.  Valid until the request is freed.
 */
extern const char *ddbc_request_error_body(const DdbcRequest *request,
										   size_t *len);

extern const char *ddbc_request_id(const DdbcRequest *request);
extern DdbcRequestStats ddbc_request_stats(const DdbcRequest *request);

/* Cancels it if it is under way.  NULL is allowed. */
extern void ddbc_request_free(DdbcRequest *request);

#endif /* DDBC_CLIENT_H */
