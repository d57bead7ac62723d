/* SPDX-License-Identifier: PostgreSQL */
/*
 * client_retry.c
 *		The arithmetic of retries with injected time and randomness.
 *
 * cc -Isrc -Itest/unit test/unit/client_retry.c test/unit/support_server.c \
 *    src/client/[a-z]*.c -lcurl -lcrypto -ljansson -lz -lcmocka -lpthread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "client/retry.h"

/* The delay is then the ceiling minus little: random % (ceiling + 1). */
static int64_t
ceiling_of(DdbcRetryShared *shared, DdbcRetryState *state,
		   DdbcRetryClass retry_class)
{
	DdbcRetryShared shared_copy;
	DdbcRetryState state_copy;
	int64_t largest = -1;
	int64_t delay = -1;
	uint64_t random;

	/* draws from every part of the range, and then the real one */
	for (random = 0; random <= 40000000; random += 999)
	{
		shared_copy = *shared;
		state_copy = *state;
		if (!ddbc_retry_failed(&shared_copy, &state_copy, retry_class, 0,
							   random, -1, &delay))
			return -1;
		if (delay > largest)
			largest = delay;
		assert_true(delay >= 0);
	}
	assert_true(
		ddbc_retry_failed(shared, state, retry_class, 0, 0, -1, &delay));
	assert_int_equal(delay, 0);
	return (largest + 999) / 1000;
}

static void
test_transient_delays(void **state)
{
	static const int expected_ms[] = {25,  50,   100,  200, 400,
									  800, 1600, 3200, 6400};
	DdbcRetryShared shared;
	DdbcRetryState request = {0};
	int64_t delay;
	int i;

	(void) state;
	ddbc_retry_init(&shared, 10, 4);
	for (i = 0; i < 9; i++)
		assert_in_range(ceiling_of(&shared, &request, DDBC_RETRY_TRANSIENT),
						expected_ms[i] - 1, expected_ms[i] + 1);
	assert_false(ddbc_retry_failed(&shared, &request, DDBC_RETRY_TRANSIENT, 0,
								   0, -1, &delay));
}

/* Waited for, some longer than others, at nobody's cost. */
static void
test_conflict_delays(void **state)
{
	static const int conflict_ms[] = {50, 100, 200, 400, 800};
	static const int in_progress_ms[] = {100,  200,  400,   800,  1600,
										 3200, 6400, 12800, 20000};
	DdbcRetryShared shared;
	DdbcRetryState request = {0};
	int64_t delay;
	int i;

	(void) state;
	ddbc_retry_init(&shared, 10, 4);
	for (i = 0; i < DDBC_RETRY_MAX_CONFLICTS - 1; i++)
		assert_in_range(ceiling_of(&shared, &request, DDBC_RETRY_CONFLICT),
						conflict_ms[i] - 1, conflict_ms[i] + 1);
	assert_false(ddbc_retry_failed(&shared, &request, DDBC_RETRY_CONFLICT, 0, 0,
								   -1, &delay));

	memset(&request, 0, sizeof(request));
	for (i = 0; i < 9; i++)
		assert_in_range(ceiling_of(&shared, &request, DDBC_RETRY_IN_PROGRESS),
						in_progress_ms[i] - 1, in_progress_ms[i] + 1);
	assert_false(ddbc_retry_failed(&shared, &request, DDBC_RETRY_IN_PROGRESS, 0,
								   0, -1, &delay));
	assert_int_equal(shared.quota, DDBC_RETRY_QUOTA);
	assert_int_equal(shared.window, 4);

	/* max_attempts holds for them, too */
	ddbc_retry_init(&shared, 2, 4);
	memset(&request, 0, sizeof(request));
	assert_true(ddbc_retry_failed(&shared, &request, DDBC_RETRY_CONFLICT, 0, 0,
								  -1, &delay));
	assert_false(ddbc_retry_failed(&shared, &request, DDBC_RETRY_CONFLICT, 0, 0,
								   -1, &delay));
}

static void
test_connect_and_timeout(void **state)
{
	DdbcRetryClass classes[] = {DDBC_RETRY_CONNECT, DDBC_RETRY_TIMEOUT};
	int i;

	(void) state;
	for (i = 0; i < 2; i++)
	{
		DdbcRetryShared shared;
		DdbcRetryState request = {0};
		int64_t delay;

		ddbc_retry_init(&shared, 10, 4);
		assert_true(
			ddbc_retry_failed(&shared, &request, classes[i], 0, 1, -1, &delay));
		assert_true(
			ddbc_retry_failed(&shared, &request, classes[i], 0, 1, -1, &delay));
		assert_false(
			ddbc_retry_failed(&shared, &request, classes[i], 0, 1, -1, &delay));
	}
}

static void
test_quota(void **state)
{
	DdbcRetryShared shared;
	DdbcRetryState request = {0};
	int64_t delay;
	int retries = 0;

	(void) state;
	ddbc_retry_init(&shared, 1000, 4);
	while (ddbc_retry_failed(&shared, &request, DDBC_RETRY_TRANSIENT, 0, 0, -1,
							 &delay))
		retries++;
	assert_int_equal(retries, 500 / 14);
	/* throttles pay nothing */
	assert_true(ddbc_retry_failed(&shared, &request, DDBC_RETRY_THROTTLE, 0, 0,
								  -1, &delay));
	assert_int_equal(shared.quota, 500 % 14);
	/* success after a retry gives its cost back, a clean one a token */
	ddbc_retry_succeeded(&shared, &request, 0);
	assert_int_equal(shared.quota, 500 % 14 + 14);
	ddbc_retry_succeeded(&shared, &request, 0);
	assert_int_equal(shared.quota, 500 % 14 + 15);
}

/* Refusals are answers, and time heals. */
static void
test_quota_is_refilled(void **state)
{
	DdbcRetryShared shared;
	DdbcRetryState request = {0};
	DdbcRetryState refused = {0};
	int64_t delay;
	int64_t start = 1000;

	(void) state;
	ddbc_retry_init(&shared, 1000, 4);
	while (ddbc_retry_failed(&shared, &request, DDBC_RETRY_TRANSIENT, start, 0,
							 -1, &delay))
		;
	assert_true(shared.quota < DDBC_RETRY_COST);
	for (int i = 0; i < DDBC_RETRY_COST; i++)
		ddbc_retry_answered(&shared, &refused);
	assert_true(ddbc_retry_failed(&shared, &request, DDBC_RETRY_TRANSIENT,
								  start, 0, -1, &delay));
	/* what a try cost comes back when it ends in a refusal */
	ddbc_retry_answered(&shared, &request);
	assert_true(shared.quota >= DDBC_RETRY_COST);

	shared.quota = 0;
	assert_false(ddbc_retry_failed(&shared, &request, DDBC_RETRY_TRANSIENT,
								   start + 13 * DDBC_RETRY_REFILL_US, 0, -1,
								   &delay));
	assert_true(ddbc_retry_failed(&shared, &request, DDBC_RETRY_TRANSIENT,
								  start + 14 * DDBC_RETRY_REFILL_US, 0, -1,
								  &delay));
	assert_int_equal(shared.quota, 0);
	/* never more than a full one, however long it took */
	assert_true(ddbc_retry_failed(&shared, &request, DDBC_RETRY_TRANSIENT,
								  start + INT64_MAX / 2, 0, -1, &delay));
	assert_int_equal(shared.quota, DDBC_RETRY_QUOTA - DDBC_RETRY_COST);
}

static void
test_throttle_delays(void **state)
{
	static const int expected_ms[] = {100,  200,  400,   800,  1600,
									  3200, 6400, 12800, 20000};
	DdbcRetryShared shared;
	DdbcRetryState request = {0};
	int64_t delay;
	int i;

	(void) state;
	ddbc_retry_init(&shared, 10, 4);
	for (i = 0; i < 9; i++)
		assert_in_range(ceiling_of(&shared, &request, DDBC_RETRY_THROTTLE),
						expected_ms[i] - 1, expected_ms[i] + 1);
	assert_false(ddbc_retry_failed(&shared, &request, DDBC_RETRY_THROTTLE, 0, 0,
								   -1, &delay));
}

/* Success of another request resets patience and back-off. */
static void
test_throttle_progress(void **state)
{
	DdbcRetryShared shared;
	DdbcRetryState starved = {0};
	DdbcRetryState other = {0};
	int64_t delay;
	int i;

	(void) state;
	ddbc_retry_init(&shared, 3, 4);
	for (i = 0; i < 100; i++)
	{
		assert_true(ddbc_retry_failed(&shared, &starved, DDBC_RETRY_THROTTLE,
									  i * 10000000LL, 0, -1, &delay));
		assert_true(ddbc_retry_failed(&shared, &starved, DDBC_RETRY_THROTTLE,
									  i * 10000000LL, 0, -1, &delay));
		ddbc_retry_succeeded(&shared, &other, i * 10000000LL + 5000000);
	}
	/* those were long runs: nothing was learned from them */
	assert_int_equal(shared.survived_run, 0);
	for (i = 0; i < 2; i++)
		assert_true(ddbc_retry_failed(&shared, &starved, DDBC_RETRY_THROTTLE, 0,
									  0, -1, &delay));
	assert_false(ddbc_retry_failed(&shared, &starved, DDBC_RETRY_THROTTLE, 0, 0,
								   -1, &delay));
}

/* Short runs teach that short delays are enough; calm makes it forget. */
static void
test_throttle_learning(void **state)
{
	DdbcRetryShared shared;
	DdbcRetryState request = {0};
	int64_t delay;
	int i;

	(void) state;
	ddbc_retry_init(&shared, 10, 4);
	for (i = 0; i < 3; i++)
		ddbc_retry_failed(&shared, &request, DDBC_RETRY_THROTTLE, 0, 0, -1,
						  &delay);
	ddbc_retry_succeeded(&shared, &request, 900000);
	assert_int_equal(shared.survived_run, 3);

	memset(&request, 0, sizeof(request));
	for (i = 0; i < 3; i++)
		assert_in_range(ceiling_of(&shared, &request, DDBC_RETRY_THROTTLE), 24,
						26);
	assert_in_range(ceiling_of(&shared, &request, DDBC_RETRY_THROTTLE), 99,
					101);
	for (i = 0; i < 97; i++)
		ddbc_retry_succeeded(&shared, &request, INT64_MAX / 2);
	assert_int_equal(shared.survived_run, 0);
}

static void
test_window(void **state)
{
	DdbcRetryShared shared;
	DdbcRetryState a = {0};
	DdbcRetryState b = {0};
	int64_t delay;
	int i;

	(void) state;
	ddbc_retry_init(&shared, 1000, 8);
	assert_int_equal(shared.window, 8);
	ddbc_retry_sent(&shared, &a);
	ddbc_retry_sent(&shared, &b);
	ddbc_retry_failed(&shared, &a, DDBC_RETRY_THROTTLE, 0, 0, -1, &delay);
	/* b went out under the old window: no second halving */
	ddbc_retry_failed(&shared, &b, DDBC_RETRY_THROTTLE, 0, 0, -1, &delay);
	assert_int_equal(shared.window, 4);
	for (i = 0; i < 5; i++)
	{
		ddbc_retry_sent(&shared, &a);
		ddbc_retry_failed(&shared, &a, DDBC_RETRY_THROTTLE, 0, 0, -1, &delay);
	}
	assert_int_equal(shared.window, 1);
	ddbc_retry_succeeded(&shared, &a, 0);
	assert_int_equal(shared.window, 2);
	for (i = 0; i < 2; i++)
		ddbc_retry_succeeded(&shared, &a, 0);
	assert_int_equal(shared.window, 3);
	for (i = 0; i < 100; i++)
		ddbc_retry_succeeded(&shared, &a, 0);
	assert_int_equal(shared.window, 8);
}

static int64_t
delay_with_retry_after(uint64_t random, int64_t retry_after_ms)
{
	DdbcRetryShared shared;
	DdbcRetryState request = {0};
	int64_t delay = -1;

	ddbc_retry_init(&shared, 10, 4);
	assert_true(ddbc_retry_failed(&shared, &request, DDBC_RETRY_TRANSIENT, 0,
								  random, retry_after_ms, &delay));
	return delay;
}

static void
test_retry_after(void **state)
{
	(void) state;
	assert_int_equal(delay_with_retry_after(10000, -1), 10000);
	assert_int_equal(delay_with_retry_after(10000, 0), 10000);
	assert_int_equal(delay_with_retry_after(10000, 5), 10000);
	assert_int_equal(delay_with_retry_after(10000, 1500), 1500000);
	assert_int_equal(delay_with_retry_after(10000, 60000), 5010000);
	assert_int_equal(delay_with_retry_after(10000, INT64_MAX), 5010000);
}

static void
test_once(void **state)
{
	DdbcRetryClass classes[] = {DDBC_RETRY_CREDENTIALS, DDBC_RETRY_CLOCK};
	DdbcRetryShared shared;
	DdbcRetryState request = {0};
	DdbcRetryState impatient = {0};
	int64_t delay;
	int i;

	(void) state;
	ddbc_retry_init(&shared, 10, 4);
	for (i = 0; i < 2; i++)
	{
		assert_true(
			ddbc_retry_failed(&shared, &request, classes[i], 0, 9, -1, &delay));
		assert_int_equal(delay, 0);
		assert_false(
			ddbc_retry_failed(&shared, &request, classes[i], 0, 9, -1, &delay));
	}
	assert_false(ddbc_retry_failed(&shared, &request, DDBC_RETRY_NEVER, 0, 9,
								   -1, &delay));
	ddbc_retry_init(&shared, 1, 4);
	assert_false(ddbc_retry_failed(&shared, &impatient, DDBC_RETRY_CLOCK, 0, 9,
								   -1, &delay));
}

/* Ten minutes after the first attempt that may have been applied. */
static void
test_token(void **state)
{
	DdbcRetryState request = {0};

	(void) state;
	assert_true(ddbc_retry_token_holds(&request, (DdbcInstant){1, 1}));
	assert_true(
		ddbc_retry_token_holds(&request, (DdbcInstant){INT64_MAX, INT64_MAX}));
	ddbc_retry_unanswered(&request, (DdbcInstant){5, 70});
	ddbc_retry_unanswered(&request, (DdbcInstant){100000000, 100000000});
	assert_true(ddbc_retry_token_holds(
		&request,
		(DdbcInstant){4 + DDBC_RETRY_TOKEN_US, 69 + DDBC_RETRY_TOKEN_US}));
	assert_false(ddbc_retry_token_holds(
		&request, (DdbcInstant){5 + DDBC_RETRY_TOKEN_US, 70}));
	/* the machine has slept; the clock was set back */
	assert_false(ddbc_retry_token_holds(
		&request, (DdbcInstant){5, 70 + DDBC_RETRY_TOKEN_US}));
	assert_true(ddbc_retry_token_holds(&request, (DdbcInstant){6, 0}));
}

static DdbcRetryClass
class_of(DdbcErrorKind kind, bool retryable)
{
	DdbcError error = {.kind = kind, .retryable = retryable};

	return ddbc_retry_classify(&error);
}

static void
test_classes(void **state)
{
	(void) state;
	assert_int_equal(class_of(DDBC_ERROR_CONNECT, true), DDBC_RETRY_CONNECT);
	assert_int_equal(class_of(DDBC_ERROR_TLS, false), DDBC_RETRY_NEVER);
	assert_int_equal(class_of(DDBC_ERROR_TIMEOUT, true), DDBC_RETRY_TIMEOUT);
	assert_int_equal(class_of(DDBC_ERROR_CORRUPT, true), DDBC_RETRY_TRANSIENT);
	assert_int_equal(class_of(DDBC_ERROR_PROTOCOL, false), DDBC_RETRY_NEVER);
	assert_int_equal(class_of(DDBC_ERROR_THROTTLED, true), DDBC_RETRY_THROTTLE);
	assert_int_equal(class_of(DDBC_ERROR_TRANSACTION_CONFLICT, true),
					 DDBC_RETRY_CONFLICT);
	assert_int_equal(class_of(DDBC_ERROR_TRANSACTION_IN_PROGRESS, true),
					 DDBC_RETRY_IN_PROGRESS);
	assert_int_equal(class_of(DDBC_ERROR_TRANSACTION_CANCELED, true),
					 DDBC_RETRY_NEVER);
	assert_int_equal(class_of(DDBC_ERROR_CREDENTIALS_EXPIRED, false),
					 DDBC_RETRY_CREDENTIALS);
	assert_int_equal(class_of(DDBC_ERROR_CLOCK_SKEW, false), DDBC_RETRY_CLOCK);
	assert_int_equal(class_of(DDBC_ERROR_REPLY_TOO_LARGE, false),
					 DDBC_RETRY_NEVER);
}

/* Delays double up to a ceiling, are drawn below it, and end in time. */
static void
test_unprocessed(void **state)
{
	DdbcRetryShared shared;
	int64_t delay_us = -1;

	ddbc_retry_init(&shared, 4, 16);
	for (int fruitless = 0; fruitless < 4; fruitless++)
	{
		int64_t ceiling = 100000 << fruitless;

		assert_true(ddbc_retry_unprocessed(&shared, fruitless,
										   (uint64_t) ceiling, &delay_us));
		assert_int_equal(delay_us, ceiling);
		assert_true(ddbc_retry_unprocessed(&shared, fruitless,
										   (uint64_t) ceiling + 1, &delay_us));
		assert_int_equal(delay_us, 0);
	}
	assert_false(ddbc_retry_unprocessed(&shared, 4, 0, &delay_us));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transient_delays),
		cmocka_unit_test(test_conflict_delays),
		cmocka_unit_test(test_connect_and_timeout),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_quota_is_refilled),
		cmocka_unit_test(test_throttle_delays),
		cmocka_unit_test(test_throttle_progress),
		cmocka_unit_test(test_throttle_learning),
		cmocka_unit_test(test_unprocessed),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
