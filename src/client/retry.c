/* SPDX-License-Identifier: PostgreSQL */
/*
 * retry.c
 *		The arithmetic of retries; see retry.h for the rules.
 */
#include "client/retry.h"

#include <string.h>

#define MILLISECOND INT64_C(1000)
#define SECOND (1000 * MILLISECOND)

/* Ceilings of the first delay of each class. */
#define TRANSIENT_BASE_US (25 * MILLISECOND)
#define THROTTLE_BASE_US (100 * MILLISECOND)
/* a server that is being restarted should be back within two of these */
#define CONNECT_BASE_US (250 * MILLISECOND)
/* transactions take some ten milliseconds, but to recover one takes seconds */
#define CONFLICT_BASE_US (50 * MILLISECOND)
#define IN_PROGRESS_BASE_US (100 * MILLISECOND)

#define MAX_DELAY_US (20 * SECOND)
/* x-amz-retry-after may add this much, not more */
#define MAX_EXTRA_DELAY_US (5 * SECOND)

/* A throttled run that ended within this time counts as random throttling. */
#define SHORT_RUN_US (1 * SECOND)
#define MAX_SURVIVED_RUN 8
/* Successes in a row after which the memory of such runs fades by one. */
#define CALM_SUCCESSES 32

/* Starts with a full quota and an open window: nothing is known to be wrong. */
void
ddbc_retry_init(DdbcRetryShared *shared, int max_attempts, int max_concurrency)
{
	memset(shared, 0, sizeof(*shared));
	shared->max_attempts = max_attempts;
	shared->max_concurrency = max_concurrency;
	shared->quota = DDBC_RETRY_QUOTA;
	shared->window = max_concurrency;
}

/*
 * What the AWS SDKs retry, with throttles, conflicts and clock errors told
 * apart from other transient errors because they follow rules of their own.
 */
DdbcRetryClass
ddbc_retry_classify(const DdbcError *error)
{
	switch (error->kind)
	{
		case DDBC_ERROR_RESOLVE:
		case DDBC_ERROR_CONNECT:
		case DDBC_ERROR_TLS:
			return error->retryable ? DDBC_RETRY_CONNECT : DDBC_RETRY_NEVER;
		case DDBC_ERROR_TIMEOUT:
			return DDBC_RETRY_TIMEOUT;
		case DDBC_ERROR_THROTTLED:
			return DDBC_RETRY_THROTTLE;
		case DDBC_ERROR_CREDENTIALS_EXPIRED:
		case DDBC_ERROR_CREDENTIALS_REJECTED:
			return DDBC_RETRY_CREDENTIALS;
		case DDBC_ERROR_CLOCK_SKEW:
			return DDBC_RETRY_CLOCK;
		case DDBC_ERROR_TRANSACTION_CONFLICT:
			return DDBC_RETRY_CONFLICT;
		case DDBC_ERROR_TRANSACTION_IN_PROGRESS:
			return DDBC_RETRY_IN_PROGRESS;
		case DDBC_ERROR_TRANSACTION_CANCELED:
			/* as the AWS SDKs: the reasons are the caller's to judge */
			return DDBC_RETRY_NEVER;
		default:
			return error->retryable ? DDBC_RETRY_TRANSIENT : DDBC_RETRY_NEVER;
	}
}

void
ddbc_retry_sent(const DdbcRetryShared *shared, DdbcRetryState *state)
{
	state->window_epoch = shared->window_epoch;
}

void
ddbc_retry_unanswered(DdbcRetryState *state, DdbcInstant sent_at)
{
	if (!state->unanswered)
		state->unanswered_at = sent_at;
	state->unanswered = true;
}

bool
ddbc_retry_token_holds(const DdbcRetryState *state, DdbcInstant at)
{
	const DdbcInstant *first = &state->unanswered_at;

	return !state->unanswered ||
		   (at.mono_us - first->mono_us < DDBC_RETRY_TOKEN_US &&
			at.wall_us - first->wall_us < DDBC_RETRY_TOKEN_US);
}

/* One more request in flight per window of successes. */
static void
grow_window(DdbcRetryShared *shared)
{
	shared->window_successes++;
	if (shared->window_successes < shared->window)
		return;
	shared->window_successes = 0;
	if (shared->window < shared->max_concurrency)
		shared->window++;
}

/*
 * Halves at most once per window: a throttle of a request that was sent
 * before the last halving says nothing about the window as it is now.
 */
static void
shrink_window(DdbcRetryShared *shared, const DdbcRetryState *state)
{
	if (state->window_epoch != shared->window_epoch)
		return;
	shared->window_epoch++;
	shared->window_successes = 0;
	if (shared->window > 1)
		shared->window /= 2;
}

/*
 * Learns from the run of throttles that this success ends, if there is one:
 * runs as long as this one pass by themselves.  What was learned fades with
 * many successes.
 */
static void
end_run(DdbcRetryShared *shared, int64_t now_us)
{
	if (shared->run == 0)
	{
		shared->calm++;
		if (shared->calm >= CALM_SUCCESSES)
		{
			shared->calm = 0;
			if (shared->survived_run > 0)
				shared->survived_run--;
		}
		return;
	}
	shared->calm = 0;
	if (now_us - shared->run_started_us <= SHORT_RUN_US &&
		shared->run > shared->survived_run)
		shared->survived_run =
			shared->run < MAX_SURVIVED_RUN ? shared->run : MAX_SURVIVED_RUN;
	shared->run = 0;
}

static void
add_tokens(DdbcRetryShared *shared, int64_t n)
{
	if (n >= DDBC_RETRY_QUOTA - shared->quota)
		shared->quota = DDBC_RETRY_QUOTA;
	else
		shared->quota += (int) n;
}

/*
 * Gives back what the last try cost, or one token if it cost none, so that a
 * healthy service refills the quota.
 */
void
ddbc_retry_answered(DdbcRetryShared *shared, DdbcRetryState *state)
{
	add_tokens(shared, state->last_cost > 0 ? state->last_cost : 1);
	state->last_cost = 0;
}

/* Adds a token for each stretch of time that has passed. */
static void
refill(DdbcRetryShared *shared, int64_t now_us)
{
	int64_t n;

	if (shared->quota_us == 0 || now_us < shared->quota_us)
		shared->quota_us = now_us;
	n = (now_us - shared->quota_us) / DDBC_RETRY_REFILL_US;
	add_tokens(shared, n);
	shared->quota_us += n * DDBC_RETRY_REFILL_US;
}

/*
 * Ends a run of throttles, lets more requests be in flight, and refills the
 * quota.
 */
void
ddbc_retry_succeeded(DdbcRetryShared *shared, DdbcRetryState *state,
					 int64_t now_us)
{
	shared->progress++;
	end_run(shared, now_us);
	grow_window(shared);
	ddbc_retry_answered(shared, state);
}

/* Evenly between zero and base doubled (step - 1) times. */
static int64_t
full_jitter(int64_t base_us, int step, uint64_t random)
{
	int64_t ceiling = base_us;

	while (--step > 0 && ceiling < MAX_DELAY_US)
		ceiling *= 2;
	if (ceiling > MAX_DELAY_US)
		ceiling = MAX_DELAY_US;
	return (int64_t) (random % (uint64_t) (ceiling + 1));
}

/*
 * The longer of the two delays, but no more than MAX_EXTRA_DELAY_US beyond
 * ours: a service must not make us wait for ever.
 */
static int64_t
respect_retry_after(int64_t delay_us, int64_t retry_after_ms)
{
	int64_t most = delay_us + MAX_EXTRA_DELAY_US;

	if (retry_after_ms < 0 || retry_after_ms <= delay_us / MILLISECOND)
		return delay_us;
	if (retry_after_ms >= most / MILLISECOND)
		return most;
	return retry_after_ms * MILLISECOND;
}

/*
 * True with *delay_us set if the throttled request is tried again.  Its count
 * starts anew whenever any request of the client has succeeded since.
 */
static bool
throttle_failed(DdbcRetryShared *shared, DdbcRetryState *state, int64_t now_us,
				uint64_t random, int64_t *delay_us)
{
	shrink_window(shared, state);
	if (state->progress_seen != shared->progress)
	{
		state->progress_seen = shared->progress;
		state->throttles = 0;
		state->grown = 0;
	}
	state->throttles++;
	if (shared->run == 0)
		shared->run_started_us = now_us;
	if (state->throttles > shared->run)
		shared->run = state->throttles;

	/* the short ones do not count: patience is max_attempts long ones */
	if (state->throttles <= shared->survived_run)
	{
		*delay_us = full_jitter(TRANSIENT_BASE_US, 1, random);
		return true;
	}
	state->grown++;
	if (state->grown >= shared->max_attempts)
		return false;
	*delay_us = full_jitter(THROTTLE_BASE_US, state->grown, random);
	return true;
}

/*
 * True with *delay_us set if there is to be another try, for which it takes
 * tokens from the quota.  Connects and timeouts have smaller limits of their
 * own.
 */
static bool
transient_failed(DdbcRetryShared *shared, DdbcRetryState *state,
				 DdbcRetryClass retry_class, int64_t now_us, uint64_t random,
				 int64_t *delay_us)
{
	refill(shared, now_us);
	if (retry_class == DDBC_RETRY_CONNECT &&
		++state->connects >= DDBC_RETRY_MAX_CONNECTS)
		return false;
	if (retry_class == DDBC_RETRY_TIMEOUT &&
		++state->timeouts >= DDBC_RETRY_MAX_TIMEOUTS)
		return false;
	if (state->tries >= shared->max_attempts || shared->quota < DDBC_RETRY_COST)
		return false;
	shared->quota -= DDBC_RETRY_COST;
	state->last_cost = DDBC_RETRY_COST;
	if (retry_class == DDBC_RETRY_CONNECT)
		*delay_us = full_jitter(CONNECT_BASE_US, state->connects, random);
	else
		*delay_us = full_jitter(TRANSIENT_BASE_US, state->tries, random);
	return true;
}

/*
 * True with *delay_us set if the write is tried again.  Costs no tokens.  A
 * transaction in progress may take longer than a conflict, so only
 * max_attempts limits it.
 */
static bool
conflict_failed(const DdbcRetryShared *shared, DdbcRetryState *state,
				DdbcRetryClass retry_class, uint64_t random, int64_t *delay_us)
{
	bool in_progress = retry_class == DDBC_RETRY_IN_PROGRESS;

	state->conflicts++;
	if (state->tries >= shared->max_attempts ||
		(!in_progress && state->conflicts >= DDBC_RETRY_MAX_CONFLICTS))
		return false;
	*delay_us =
		full_jitter(in_progress ? IN_PROGRESS_BASE_US : CONFLICT_BASE_US,
					state->conflicts, random);
	return true;
}

/* Those that need a cure first, and get one chance. */
static bool
once_failed(const DdbcRetryShared *shared, const DdbcRetryState *state,
			bool *tried, int64_t *delay_us)
{
	if (*tried || state->tries >= shared->max_attempts)
		return false;
	*tried = true;
	*delay_us = 0;
	return true;
}

/*
 * A delay that the service asked for lengthens ours within bounds; see
 * respect_retry_after().  Wrong credentials and a wrong clock are tried once
 * more after they were renewed.
 */
bool
ddbc_retry_failed(DdbcRetryShared *shared, DdbcRetryState *state,
				  DdbcRetryClass retry_class, int64_t now_us, uint64_t random,
				  int64_t retry_after_ms, int64_t *delay_us)
{
	bool again = false;

	if (retry_class != DDBC_RETRY_THROTTLE)
		state->tries++;
	switch (retry_class)
	{
		case DDBC_RETRY_NEVER:
			return false;
		case DDBC_RETRY_CREDENTIALS:
			return once_failed(shared, state, &state->credentials_tried,
							   delay_us);
		case DDBC_RETRY_CLOCK:
			return once_failed(shared, state, &state->clock_tried, delay_us);
		case DDBC_RETRY_THROTTLE:
			again = throttle_failed(shared, state, now_us, random, delay_us);
			break;
		case DDBC_RETRY_CONFLICT:
		case DDBC_RETRY_IN_PROGRESS:
			again =
				conflict_failed(shared, state, retry_class, random, delay_us);
			break;
		case DDBC_RETRY_TRANSIENT:
		case DDBC_RETRY_CONNECT:
		case DDBC_RETRY_TIMEOUT:
			again = transient_failed(shared, state, retry_class, now_us, random,
									 delay_us);
			break;
	}
	if (again)
		*delay_us = respect_retry_after(*delay_us, retry_after_ms);
	return again;
}

bool
ddbc_retry_unprocessed(const DdbcRetryShared *shared, int fruitless,
					   uint64_t random, int64_t *delay_us)
{
	if (fruitless >= shared->max_attempts)
		return false;
	*delay_us = full_jitter(THROTTLE_BASE_US, fruitless + 1, random);
	return true;
}
