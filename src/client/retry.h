/* SPDX-License-Identifier: PostgreSQL */
/*
 * retry.h
 *		Whether to try again, when, and how many requests to have in flight.
 *
 * Pure functions over two small structs: what all requests of a client share,
 * and what one request remembers.  Time and randomness are arguments.
 *
 * Six rules (docs/dynamodb.md, "Retry policy", and
 * docs/decisions/10-throttles-are-not-failures.md):
 * - Transient errors cost tokens of a quota, so that a broken service is not
 *   flooded; it is refilled by time and by every answer that is no such error,
 *   refused conditions and throttles included; every delay is drawn between zero and a doubling ceiling.
 * - Throttles cost none.  They shrink the number of requests in flight (AIMD)
 *   and are given up only after max_attempts tries without any progress, that
 *   is, without success of any request of the client.
 * - A service that throttles some requests at random is no reason to wait
 *   long: runs of throttles as long as those that lately ended by themselves
 *   within a second are answered by short delays; longer ones double.
 * - What batches leave unprocessed for lack of capacity is waited for as
 *   throttles are.
 * - Transactions in the way of a write are traffic, no trouble of the service:
 *   they cost no tokens and are waited for, each write by itself.  So is one's
 *   own transaction that is still being applied, as long as max_attempts allow.
 * - A write with a request token is sent again only while the token holds.
 */
#ifndef DDBC_RETRY_H
#define DDBC_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "client/error.h"

/* Tries, not retries, of what seldom heals by itself. */
#define DDBC_RETRY_MAX_CONNECTS 3
#define DDBC_RETRY_MAX_TIMEOUTS 3

/* Tries while transactions hold the item: together about a second. */
#define DDBC_RETRY_MAX_CONFLICTS 6

/*
 * A request token names one write for ten minutes (dynamodb.md section 2.7);
 * so long is it told from others, less what the last attempt may need.
 */
#define DDBC_RETRY_TOKEN_US INT64_C(590000000)

#define DDBC_RETRY_QUOTA 500
#define DDBC_RETRY_COST 14
#define DDBC_RETRY_REFILL_US 120000 /* a token: all of them in a minute */

typedef enum DdbcRetryClass
{
	DDBC_RETRY_NEVER,
	DDBC_RETRY_TRANSIENT,
	DDBC_RETRY_CONNECT, /* name, connection, handshake */
	DDBC_RETRY_TIMEOUT,
	DDBC_RETRY_THROTTLE,
	DDBC_RETRY_CONFLICT, /* somebody else's transaction holds the item */
	DDBC_RETRY_IN_PROGRESS, /* our own transaction is not over yet */
	DDBC_RETRY_CREDENTIALS, /* once, if other credentials exist */
	DDBC_RETRY_CLOCK, /* once, if the right time is known */
} DdbcRetryClass;

/* What all requests of one client share. */
typedef struct DdbcRetryShared
{
	int max_attempts;
	int max_concurrency;
	int quota; /* tokens left … */
	int64_t quota_us; /* … when time last added some; 0: not yet */
	int window; /* requests allowed in flight */
	int window_successes; /* since it last grew */
	uint32_t window_epoch; /* changes whenever it is halved */
	uint64_t progress; /* successes so far */
	int run; /* most throttles of one request since */
	int64_t run_started_us; /* first throttle since, if run > 0 */
	int survived_run; /* such runs end by themselves */
	int calm; /* successes since the last throttle */
} DdbcRetryShared;

/*
 * By both clocks, since one stands still while the machine sleeps, and the
 * other may be set.
 */
typedef struct DdbcInstant
{
	int64_t mono_us;
	int64_t wall_us;
} DdbcInstant;

/* What one request remembers.  Zeroed memory is a new one. */
typedef struct DdbcRetryState
{
	int tries; /* failed ones, throttles aside */
	int connects; /* of these, without a connection */
	int timeouts; /* of these, without a reply in time */
	int conflicts; /* of these, refused for a transaction */
	int throttles; /* without progress of the client */
	int grown; /* of these, over the survived run */
	int last_cost; /* tokens to give back on success */
	uint64_t progress_seen;
	uint32_t window_epoch; /* of the last try */
	bool credentials_tried;
	bool clock_tried;
	bool unanswered; /* an attempt may have been applied, … */
	DdbcInstant unanswered_at; /* … the first of which was sent then */
} DdbcRetryState;

extern void ddbc_retry_init(DdbcRetryShared *shared, int max_attempts,
							int max_concurrency);

extern DdbcRetryClass ddbc_retry_classify(const DdbcError *error);

/* A try goes out now. */
extern void ddbc_retry_sent(const DdbcRetryShared *shared,
							DdbcRetryState *state);

/*
 * An attempt that was sent then may have been applied.  While the token holds
 * that the request carries, a later one is told what became of it; afterwards
 * it would be another write.
 */
extern void ddbc_retry_unanswered(DdbcRetryState *state, DdbcInstant sent_at);
extern bool ddbc_retry_token_holds(const DdbcRetryState *state, DdbcInstant at);

extern void ddbc_retry_succeeded(DdbcRetryShared *shared, DdbcRetryState *state,
								 int64_t now_us);

/*
 * The service has answered, if only to refuse what was asked: it is well.  For
 * requests that end so; those that succeed say it themselves.
 */
extern void ddbc_retry_answered(DdbcRetryShared *shared, DdbcRetryState *state);

/*
 * A try failed: true if there is to be another one after *delay_us.
 * retry_after_ms is what the service asked for, or -1.
 */
extern bool ddbc_retry_failed(DdbcRetryShared *shared, DdbcRetryState *state,
							  DdbcRetryClass retry_class, int64_t now_us,
							  uint64_t random, int64_t retry_after_ms,
							  int64_t *delay_us);

/*
 * A reply left a part of its batch unprocessed: true if the rest is to be sent
 * again after *delay_us.  Patience ends with max_attempts replies in a row that
 * brought nothing; fruitless is how many there were.
 */
extern bool ddbc_retry_unprocessed(const DdbcRetryShared *shared, int fruitless,
								   uint64_t random, int64_t *delay_us);

#endif /* DDBC_RETRY_H */
