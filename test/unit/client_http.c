/* SPDX-License-Identifier: PostgreSQL */
/*
 * client_http.c
 *		The client against a scripted server: connections, faults, retries,
 *		cancels.
 *
 * cc -Isrc -Itest/unit test/unit/client_http.c test/unit/support_server.c \
 *    src/client/[a-z]*.c -lcurl -lcrypto -ljansson -lz -lcmocka -lpthread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/client.h"
#include "support_server.h"

#define OK_BODY "{\"Count\":1}"

/* What a test wants different from the usual. */
typedef struct Fixture
{
	Server *server;
	DdbcConfig config;
	DdbcClient *client;
	char last_head[8192];
} Fixture;

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Blocks for ten seconds at most, so that no test hangs. */
static bool
bounded_wait(void *arg, int fd)
{
	struct pollfd descriptor = {.fd = fd, .events = POLLIN};

	(void) arg;
	return poll(&descriptor, 1, 10000) > 0;
}

static void
set_port(DdbcConfig *config, int port)
{
	DdbcError error;
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
	assert_true(ddbc_endpoint_resolve(&config->endpoint, "eu-west-1", url,
									  false, false, &error));
}

static void
prepare(Fixture *fixture, ServerScript script, void *arg)
{
	DdbcError error;

	memset(fixture, 0, sizeof(*fixture));
	fixture->server = server_start(script, arg);
	fixture->config = (DdbcConfig){
		.credentials =
			ddbc_credentials_static("AKIDTEST", "secret", NULL, &error),
		.connect_timeout_ms = 2000,
		.request_timeout_ms = 9000,
		.max_attempts = 10,
		.max_concurrency = 4,
		.max_response_bytes = 4 << 20,
		.wait = bounded_wait,
	};
	set_port(&fixture->config, server_port(fixture->server));
}

static void
create(Fixture *fixture)
{
	DdbcError error;

	fixture->client = ddbc_client_create(&fixture->config, &error);
	assert_non_null(fixture->client);
}

static void
set_up(Fixture *fixture, ServerScript script, void *arg)
{
	prepare(fixture, script, arg);
	create(fixture);
}

static void
tear_down(Fixture *fixture)
{
	ddbc_client_free(fixture->client);
	server_stop(fixture->server);
}

static DdbcRequest *
submit_operation(Fixture *fixture, DdbcOperation operation)
{
	DdbcError error;
	DdbcRequest *request = ddbc_client_submit(
		fixture->client, operation, "{\"TableName\":\"t\"}", 17, 0, &error);

	assert_non_null(request);
	return request;
}

static DdbcRequest *
submit(Fixture *fixture)
{
	return submit_operation(fixture, DDBC_QUERY);
}

static DdbcRequest *
run_operation(Fixture *fixture, DdbcOperation operation)
{
	DdbcRequest *request = submit_operation(fixture, operation);

	assert_true(ddbc_client_wait(fixture->client, &request, 1));
	assert_true(ddbc_request_done(request));
	return request;
}

static DdbcRequest *
run(Fixture *fixture)
{
	return run_operation(fixture, DDBC_QUERY);
}

static void
assert_body(const DdbcRequest *request, const char *expected)
{
	size_t len;
	const char *body = ddbc_request_body(request, &len);
	int i;

	if (ddbc_request_error(request) != NULL)
		print_message("%s\n", ddbc_request_error(request)->message);
	assert_null(ddbc_request_error(request));
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(body, expected, len);
	for (i = 0; i < DDBC_BODY_PADDING; i++)
		assert_int_equal(body[len + (size_t) i], 0);
}

static void
run_good(Fixture *fixture, int attempts)
{
	DdbcRequest *request = run(fixture);

	assert_body(request, OK_BODY);
	assert_int_equal(ddbc_request_stats(request).attempts, attempts);
	ddbc_request_free(request);
}

static void
run_bad(Fixture *fixture, DdbcErrorKind kind, int attempts, const char *part)
{
	DdbcRequest *request = run(fixture);
	const DdbcError *error = ddbc_request_error(request);

	assert_non_null(error);
	if (error->kind != kind || strstr(error->message, part) == NULL)
		print_message("kind %d: %s\n", (int) error->kind, error->message);
	assert_int_equal(error->kind, kind);
	assert_int_equal(error->attempts, attempts);
	assert_non_null(strstr(error->message, part));
	ddbc_request_free(request);
}

/* ---- scripts: the first replies of a list, then a good one ---- */

typedef struct Script
{
	const ServerReply *replies;
	int n;
} Script;

static void
play(void *arg, const ServerRequest *request, ServerReply *reply)
{
	const Script *script = arg;

	if (request->number < script->n)
		*reply = script->replies[request->number];
	else
	{
		reply->body = OK_BODY;
		reply->crc = SERVER_CRC_GOOD;
	}
}

static void
always(void *arg, const ServerRequest *request, ServerReply *reply)
{
	(void) request;
	*reply = *(const ServerReply *) arg;
}

/* One bad reply, then a good one: two attempts. */
static void
check_recovers(ServerReply bad)
{
	Script script = {&bad, 1};
	Fixture fixture;

	set_up(&fixture, play, &script);
	run_good(&fixture, 2);
	tear_down(&fixture);
}

static void
check_head(void *arg, const ServerRequest *request, ServerReply *reply)
{
	Fixture *fixture = arg;

	snprintf(fixture->last_head, sizeof(fixture->last_head), "%s",
			 request->head);
	if (request->body_len != 17)
		reply->status = 400;
	reply->body = OK_BODY;
	reply->headers = "x-amzn-RequestId: REQ1\r\n";
}

static void
test_request_as_sent(void **state)
{
	Fixture fixture;
	DdbcRequest *request;
	DdbcError error;

	(void) state;
	prepare(&fixture, check_head, &fixture);
	ddbc_credentials_free(fixture.config.credentials);
	fixture.config.credentials =
		ddbc_credentials_static("AKIDTEST", "secret", "token", &error);
	fixture.config.compression = true;
	create(&fixture);
	request = run(&fixture);
	assert_body(request, OK_BODY);
	assert_string_equal(ddbc_request_id(request), "REQ1");
	ddbc_request_free(request);
	assert_non_null(strstr(fixture.last_head, "POST / HTTP/1.1\r\n"));
	assert_non_null(
		strstr(fixture.last_head, "X-Amz-Target: DynamoDB_20120810.Query\r\n"));
	assert_non_null(strstr(fixture.last_head,
						   "Content-Type: application/x-amz-json-1.0\r\n"));
	assert_non_null(strstr(fixture.last_head, "Host: 127.0.0.1:"));
	assert_non_null(strstr(fixture.last_head, "X-Amz-Security-Token: token"));
	assert_non_null(strstr(fixture.last_head, "Accept-Encoding: gzip\r\n"));
	assert_non_null(strstr(fixture.last_head, "User-Agent: ddb_fdw\r\n"));
	assert_non_null(strstr(fixture.last_head,
						   "/eu-west-1/dynamodb/aws4_request, SignedHeaders="));
	assert_null(strstr(fixture.last_head, "Expect"));
	tear_down(&fixture);
}

static void
test_keep_alive(void **state)
{
	Script script = {NULL, 0};
	Fixture fixture;

	(void) state;
	set_up(&fixture, play, &script);
	run_good(&fixture, 1);
	run_good(&fixture, 1);
	assert_int_equal(server_connections(fixture.server), 1);
	tear_down(&fixture);
}

static void
test_closed_while_idle(void **state)
{
	ServerReply closing = {.body = OK_BODY, .close_after = true};
	Script script = {&closing, 1};
	DdbcRequest *request;
	Fixture fixture;

	(void) state;
	set_up(&fixture, play, &script);
	run_good(&fixture, 1);
	/* Its end may come while the second request is sent, again then. */
	request = run(&fixture);
	assert_body(request, OK_BODY);
	assert_in_range(ddbc_request_stats(request).attempts, 1, 2);
	ddbc_request_free(request);
	assert_int_equal(server_connections(fixture.server), 2);
	tear_down(&fixture);
}

/*
 * The server closes a kept connection after it has read a request: libcurl
 * sends it again, which is an attempt, too, and what becomes of the first nobody
 * knows.
 */
static void
check_sent_twice(DdbcOperation operation, bool expected)
{
	ServerReply replies[] = {{.body = OK_BODY}, {.drop = true}};
	Script script = {replies, 2};
	Fixture fixture;
	DdbcRequest *request;

	set_up(&fixture, play, &script);
	request = run_operation(&fixture, operation);
	assert_false(ddbc_request_stats(request).ambiguous);
	ddbc_request_free(request);
	request = run_operation(&fixture, operation);
	assert_body(request, OK_BODY);
	assert_int_equal(ddbc_request_stats(request).attempts, 2);
	assert_int_equal(ddbc_request_stats(request).ambiguous, expected);
	ddbc_request_free(request);
	assert_int_equal(server_requests(fixture.server), 3);
	assert_int_equal(server_connections(fixture.server), 2);
	/* the next one knows nothing of it */
	request = run_operation(&fixture, operation);
	assert_false(ddbc_request_stats(request).ambiguous);
	ddbc_request_free(request);
	tear_down(&fixture);
}

static void
test_sent_twice(void **state)
{
	(void) state;
	check_sent_twice(DDBC_PUT_ITEM, true);
	check_sent_twice(DDBC_QUERY, false);
}

static void
test_recoveries(void **state)
{
	(void) state;
	check_recovers((ServerReply){.body = OK_BODY, .crc = SERVER_CRC_BAD});
	check_recovers((ServerReply){.body = OK_BODY, .send_bytes = 3});
	check_recovers((ServerReply){.status = 500,
								 .body = "{\"__type\":\"x#"
										 "InternalServerError\"}"});
	check_recovers((ServerReply){.status = 503, .body = "busy"});
	check_recovers((ServerReply){.drop = true});
	check_recovers((ServerReply){.body = "<html></html>"});
	check_recovers(
		(ServerReply){.body = "{}", .headers = "Content-Type: text/html\r\n"});
	check_recovers((ServerReply){.body = ""});
	check_recovers((ServerReply){.body = "[1]"});
	check_recovers((ServerReply){.raw = "rubbish\r\n\r\n"});
	check_recovers((ServerReply){.body = "{not gzip}",
								 .headers = "Content-Encoding: gzip\r\n"});
	check_recovers(
		(ServerReply){.body = "{}", .headers = "Content-Encoding: br\r\n"});
}

static void
test_gzip(void **state)
{
	ServerReply packed = {
		.body = OK_BODY, .gzip = true, .crc = SERVER_CRC_GOOD};
	Fixture fixture;

	(void) state;
	set_up(&fixture, always, &packed);
	run_good(&fixture, 1);
	tear_down(&fixture);
}

/* "{" and len - 1 spaces. */
static char *
large_body(size_t len)
{
	char *body = malloc(len + 1);

	assert_non_null(body);
	memset(body, ' ', len);
	body[0] = '{';
	body[len] = '\0';
	return body;
}

static void
test_gzip_ceiling(void **state)
{
	size_t limit = 4 << 20;
	char *body = large_body(limit + 1);
	ServerReply packed = {.body = body, .body_len = limit, .gzip = true};
	Fixture fixture;
	DdbcRequest *request;

	(void) state;
	set_up(&fixture, always, &packed);
	body[limit] = '\0';
	request = run(&fixture);
	assert_null(ddbc_request_error(request));
	ddbc_request_free(request);
	packed.body_len = limit + 1;
	run_bad(&fixture, DDBC_ERROR_REPLY_TOO_LARGE, 1, "limit of 4194304 bytes");
	tear_down(&fixture);
	free(body);
}

static void
test_zip_bomb(void **state)
{
	char *body = large_body(16 << 20);
	ServerReply packed = {.body = body, .body_len = 16 << 20, .gzip = true};
	Fixture fixture;

	(void) state;
	set_up(&fixture, always, &packed);
	run_bad(&fixture, DDBC_ERROR_REPLY_TOO_LARGE, 1, "is larger");
	tear_down(&fixture);
	free(body);
}

static void
test_gzip_damage(void **state)
{
	/* empty gzip file, its last byte missing, and one with a byte after */
	static const char empty[] =
		"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
	ServerReply damaged[] = {
		{.body = empty,
		 .body_len = 19,
		 .headers = "Content-Encoding: gzip\r\n"},
		{.body = empty,
		 .body_len = 21,
		 .headers = "Content-Encoding: gzip\r\n"},
	};
	Script script = {damaged, 2};
	Fixture fixture;

	(void) state;
	set_up(&fixture, play, &script);
	run_good(&fixture, 3);
	tear_down(&fixture);
}

static void
test_oversize(void **state)
{
	char *body = large_body((4 << 20) + 1);
	ServerReply big = {.body = body};
	ServerReply endless = {.raw = NULL};
	Fixture fixture;

	(void) state;
	set_up(&fixture, always, &big);
	run_bad(&fixture, DDBC_ERROR_REPLY_TOO_LARGE, 1, "is larger");
	/* without a length that gives it away */
	body[0] = '{';
	memcpy(body, "HTTP/1.1 200 OK\r\n\r\n{", 20);
	fixture.config.max_response_bytes = 4 << 20;
	endless.raw = body;
	big = endless;
	tear_down(&fixture);

	prepare(&fixture, always, &endless);
	fixture.config.max_response_bytes = 1 << 20;
	create(&fixture);
	run_bad(&fixture, DDBC_ERROR_REPLY_TOO_LARGE, 1, "limit of 1048576");
	tear_down(&fixture);
	free(body);
}

static void
test_large_good(void **state)
{
	char *body = large_body(3 << 20);
	ServerReply big = {.body = body, .crc = SERVER_CRC_GOOD};
	Fixture fixture;
	DdbcRequest *request;
	char *taken;
	size_t len;

	(void) state;
	set_up(&fixture, always, &big);
	request = run(&fixture);
	assert_body(request, body);
	taken = ddbc_request_take_body(request, &len);
	assert_int_equal(len, 3 << 20);
	assert_null(ddbc_request_body(request, &len));
	assert_int_equal(ddbc_request_stats(request).bytes_received, 3 << 20);
	ddbc_request_free(request);
	assert_string_equal(taken, body);
	free(taken);
	tear_down(&fixture);
	free(body);
}

static void
test_service_error(void **state)
{
	ServerReply refusal = {
		.status = 400,
		.headers = "x-amzn-RequestId: R7\r\n",
		.body = "{\"__type\":\"com.amazonaws.dynamodb.v20120810#"
				"ResourceNotFoundException\",\"message\":\"no table\"}"};
	Fixture fixture;

	(void) state;
	set_up(&fixture, always, &refusal);
	run_bad(&fixture, DDBC_ERROR_TABLE_NOT_FOUND, 1, "no table");
	tear_down(&fixture);
}

#define CONDITION_FAILED                                                       \
	"{\"__type\":\"x#ConditionalCheckFailedException\",\"message\":\"no\","    \
	"\"Item\":{\"pk\":{\"S\":\"a\"}}}"

/* What a refusal says beyond its message stays for whoever asks. */
static void
test_error_body(void **state)
{
	ServerReply replies[] = {
		{.status = 400, .body = CONDITION_FAILED, .crc = SERVER_CRC_GOOD},
		{.status = 400, .body = CONDITION_FAILED, .gzip = true},
		{.status = 400, .body = ""},
		{.body = "{}", .send_bytes = 1},
	};
	Script script = {replies, 4};
	Fixture fixture;
	DdbcRequest *request;
	const char *body;
	size_t len;
	int i;

	(void) state;
	set_up(&fixture, play, &script);
	for (i = 0; i < 2; i++)
	{
		request = run_operation(&fixture, DDBC_PUT_ITEM);
		assert_int_equal(ddbc_request_error(request)->kind,
						 DDBC_ERROR_CONDITION_FAILED);
		body = ddbc_request_error_body(request, &len);
		assert_int_equal(len, strlen(CONDITION_FAILED));
		assert_memory_equal(body, CONDITION_FAILED, len);
		assert_int_equal(body[len + DDBC_BODY_PADDING - 1], 0);
		assert_null(ddbc_request_body(request, &len));
		assert_null(ddbc_request_take_body(request, &len));
		ddbc_request_free(request);
	}
	request = run_operation(&fixture, DDBC_PUT_ITEM);
	assert_non_null(ddbc_request_error(request));
	assert_null(ddbc_request_error_body(request, &len));
	ddbc_request_free(request);
	/* after a failed attempt, a success has none */
	request = run_operation(&fixture, DDBC_PUT_ITEM);
	assert_body(request, OK_BODY);
	assert_null(ddbc_request_error_body(request, &len));
	ddbc_request_free(request);
	tear_down(&fixture);
}

/* Was it applied, perhaps, by an attempt before the last? */
static void
check_ambiguous(DdbcOperation operation, ServerReply first, bool expected)
{
	ServerReply replies[] = {
		first, {.status = 400, .body = CONDITION_FAILED}, first};
	Script script = {replies, 3};
	Fixture fixture;
	DdbcRequest *request;

	set_up(&fixture, play, &script);
	request = run_operation(&fixture, operation);
	assert_int_equal(ddbc_request_error(request)->kind,
					 DDBC_ERROR_CONDITION_FAILED);
	assert_int_equal(ddbc_request_stats(request).ambiguous, expected);
	assert_int_equal(ddbc_request_error(request)->ambiguous, expected);
	ddbc_request_free(request);
	request = run_operation(&fixture, operation);
	assert_body(request, OK_BODY);
	assert_int_equal(ddbc_request_stats(request).ambiguous, expected);
	ddbc_request_free(request);
	assert_int_equal(server_requests(fixture.server), 4);
	tear_down(&fixture);
}

static void
test_ambiguous(void **state)
{
	ServerReply dropped = {.drop = true};
	ServerReply fault = {.status = 500,
						 .body = "{\"__type\":\"x#InternalServerError\"}"};
	ServerReply throttled = {.status = 400,
							 .body = "{\"__type\":\"x#ThrottlingException\"}"};
	ServerReply conflict = {
		.status = 400,
		.body = "{\"__type\":\"x#TransactionConflictException\"}"};

	(void) state;
	check_ambiguous(DDBC_PUT_ITEM, dropped, true);
	check_ambiguous(DDBC_DELETE_ITEM, fault, true);
	check_ambiguous(DDBC_UPDATE_ITEM,
					(ServerReply){.body = OK_BODY, .send_bytes = 3}, true);
	check_ambiguous(DDBC_BATCH_WRITE_ITEM,
					(ServerReply){.body = OK_BODY, .crc = SERVER_CRC_BAD},
					true);
	check_ambiguous(DDBC_PUT_ITEM, conflict, false);
	/* a token tells what became of the attempt before */
	check_ambiguous(DDBC_TRANSACT_WRITE_ITEMS, conflict, false);
	check_ambiguous(DDBC_TRANSACT_WRITE_ITEMS, dropped, false);
	check_ambiguous(DDBC_TRANSACT_WRITE_ITEMS, fault, false);
	check_ambiguous(DDBC_PUT_ITEM, throttled, false);
	check_ambiguous(DDBC_GET_ITEM, fault, false);
}

static int64_t minutes_passed;

static int64_t
hurried_mono(void *arg)
{
	(void) arg;
	return now_ms() * 1000 +
		   __atomic_load_n(&minutes_passed, __ATOMIC_SEQ_CST) * 60000000;
}

/* Drops the first request, refuses the next; so much time passes meanwhile. */
typedef struct Slow
{
	int first_takes;
	int second_takes;
} Slow;

static void
play_slowly(void *arg, const ServerRequest *request, ServerReply *reply)
{
	const Slow *slow = (const Slow *) arg;
	int minutes = request->number == 0 ? slow->first_takes : slow->second_takes;

	__atomic_add_fetch(&minutes_passed, minutes, __ATOMIC_SEQ_CST);
	reply->drop = request->number == 0;
	reply->status = 400;
	reply->body = CONDITION_FAILED;
}

/* A token lives for ten minutes. */
static void
check_token(Slow slow, int attempts, bool ambiguous)
{
	Fixture fixture;
	DdbcRequest *request;

	prepare(&fixture, play_slowly, &slow);
	fixture.config.clock.mono_us = hurried_mono;
	create(&fixture);
	request = run_operation(&fixture, DDBC_TRANSACT_WRITE_ITEMS);
	assert_non_null(ddbc_request_error(request));
	assert_int_equal(ddbc_request_error(request)->ambiguous, ambiguous);
	assert_int_equal(ddbc_request_stats(request).attempts, attempts);
	assert_int_equal(server_requests(fixture.server), attempts);
	ddbc_request_free(request);
	tear_down(&fixture);
}

static void
test_token_lives_ten_minutes(void **state)
{
	(void) state;
	check_token((Slow){9, 0}, 2, false);
	check_token((Slow){10, 0}, 1, true);
	check_token((Slow){5, 5}, 2, true);
}

/* What no verdict follows stays open, token or not. */
static void
test_token_without_verdict(void **state)
{
	ServerReply dropped = {.drop = true};
	ServerReply lasts[] = {
		{.status = 400, .body = "{\"__type\":\"x#AccessDeniedException\"}"},
		{.status = 413, .body = "too large"},
		{.status = 400,
		 .body = "{\"__type\":\"x#IdempotentParameterMismatchException\"}"}};
	size_t i;

	(void) state;
	for (i = 0; i < sizeof(lasts) / sizeof(lasts[0]); i++)
	{
		ServerReply replies[] = {dropped, lasts[i]};
		Script script = {replies, 2};
		Fixture fixture;
		DdbcRequest *request;

		set_up(&fixture, play, &script);
		request = run_operation(&fixture, DDBC_TRANSACT_WRITE_ITEMS);
		assert_true(ddbc_request_error(request)->ambiguous);
		ddbc_request_free(request);
		tear_down(&fixture);
	}
}

/* Given up: by the last attempt, by one before it, or never sent at all. */
static void
check_given_up(Fixture *fixture, DdbcErrorKind kind, bool expected)
{
	DdbcRequest *request = run_operation(fixture, DDBC_PUT_ITEM);

	assert_int_equal(ddbc_request_error(request)->kind, kind);
	assert_int_equal(ddbc_request_error(request)->ambiguous, expected);
	ddbc_request_free(request);
	tear_down(fixture);
}

static void
test_given_up(void **state)
{
	ServerReply silent = {.stall = true};
	ServerReply replies[] = {
		{.status = 503, .body = "busy"},
		{.status = 400, .body = "{\"__type\":\"x#AccessDeniedException\"}"}};
	Script script = {replies, 2};
	Fixture fixture;
	Server *gone;

	(void) state;
	prepare(&fixture, always, &silent);
	fixture.config.request_timeout_ms = 50;
	fixture.config.max_attempts = 1;
	create(&fixture);
	check_given_up(&fixture, DDBC_ERROR_TIMEOUT, true);

	set_up(&fixture, play, &script);
	check_given_up(&fixture, DDBC_ERROR_ACCESS_DENIED, true);
	script = (Script){replies + 1, 1};
	set_up(&fixture, play, &script);
	check_given_up(&fixture, DDBC_ERROR_ACCESS_DENIED, false);

	prepare(&fixture, always, &silent);
	gone = server_start(always, &silent);
	set_port(&fixture.config, server_port(gone));
	server_stop(gone);
	create(&fixture);
	check_given_up(&fixture, DDBC_ERROR_CONNECT, false);
}

static void
test_gives_up(void **state)
{
	ServerReply down = {.status = 503, .body = "<h1>Down</h1>\n<p>later"};
	Fixture fixture;

	(void) state;
	prepare(&fixture, always, &down);
	fixture.config.max_attempts = 3;
	create(&fixture);
	run_bad(&fixture, DDBC_ERROR_UNAVAILABLE, 3, "<h1>Down</h1> <p>later");
	tear_down(&fixture);
}

static void
test_refused(void **state)
{
	ServerReply unused = {0};
	Fixture fixture;
	int64_t start;
	Server *gone;

	(void) state;
	prepare(&fixture, always, &unused);
	gone = server_start(always, &unused);
	set_port(&fixture.config, server_port(gone));
	server_stop(gone);
	create(&fixture);
	start = now_ms();
	run_bad(&fixture, DDBC_ERROR_CONNECT, 3, ": Connection refused");
	assert_true(now_ms() - start < 3000);
	tear_down(&fixture);
}

static bool
counting_wait(void *arg, int fd)
{
	(*(int *) arg)++;
	return bounded_wait(NULL, fd);
}

/* The descriptor wakes nobody without need. */
static void
test_timeout(void **state)
{
	ServerReply silent = {.stall = true};
	Fixture fixture;
	int waits = 0;

	(void) state;
	prepare(&fixture, always, &silent);
	fixture.config.request_timeout_ms = 100;
	fixture.config.wait = counting_wait;
	fixture.config.wait_arg = &waits;
	create(&fixture);
	run_bad(&fixture, DDBC_ERROR_TIMEOUT, 3, "within 100 ms");
	print_message("%d waits\n", waits);
	assert_true(waits < 60);
	tear_down(&fixture);
}

/* Others wait on the descriptor without a timeout, idle or with much to do. */
static void
test_descriptor(void **state)
{
	Script script = {NULL, 0};
	Fixture fixture;
	DdbcRequest *requests[3];
	struct pollfd descriptor = {.events = POLLIN};
	int i;

	(void) state;
	prepare(&fixture, play, &script);
	fixture.config.max_concurrency = 1;
	create(&fixture);
	descriptor.fd = ddbc_client_fd(fixture.client);
	assert_int_equal(poll(&descriptor, 1, 0), 0);
	for (i = 0; i < 3; i++)
		requests[i] = submit(&fixture);
	/* the one in flight goes: the next in line must get its turn */
	ddbc_request_free(requests[0]);
	while (!ddbc_request_done(requests[2]))
	{
		assert_int_equal(poll(&descriptor, 1, 10000), 1);
		ddbc_client_step(fixture.client);
	}
	assert_body(requests[1], OK_BODY);
	assert_body(requests[2], OK_BODY);
	ddbc_request_free(requests[1]);
	ddbc_request_free(requests[2]);
	ddbc_client_step(fixture.client);
	assert_int_equal(poll(&descriptor, 1, 0), 0);
	tear_down(&fixture);
}

/* CA certificates that are not there: no reason to try again. */
static void
test_missing_ca_file(void **state)
{
	ServerReply unused = {.raw = "what?\r\n\r\n"};
	Fixture fixture;

	(void) state;
	prepare(&fixture, always, &unused);
	snprintf(fixture.config.endpoint.url, sizeof(fixture.config.endpoint.url),
			 "https://127.0.0.1:%d/", server_port(fixture.server));
	fixture.config.ca_file = "/nonexistent/ca.pem";
	create(&fixture);
	run_bad(&fixture, DDBC_ERROR_CONFIG, 1, "CA certificates");
	tear_down(&fixture);
}

static bool
wait_briefly(void *arg, int fd)
{
	struct pollfd descriptor = {.fd = fd, .events = POLLIN};

	(void) arg;
	return poll(&descriptor, 1, 20) > 0;
}

static void
test_cancel(void **state)
{
	ServerReply silent = {.stall = true};
	Fixture fixture;
	DdbcRequest *requests[6];
	int64_t start;
	int i;

	(void) state;
	prepare(&fixture, always, &silent);
	fixture.config.wait = wait_briefly;
	create(&fixture);
	for (i = 0; i < 6; i++)
		requests[i] = submit(&fixture);
	start = now_ms();
	assert_false(ddbc_client_wait(fixture.client, requests, 6));
	/* four were sent, the others queue */
	for (i = 0; i < 6; i++)
		assert_int_equal(ddbc_request_stats(requests[i]).attempts, i < 4);
	for (i = 0; i < 6; i++)
		ddbc_request_free(requests[i]);
	ddbc_client_free(fixture.client);
	assert_true(now_ms() - start < 100);
	server_stop(fixture.server);
}

/* A name that the resolver has to ask for: the cancel must not wait. */
static void
test_cancel_resolving(void **state)
{
	ServerReply unused = {0};
	Fixture fixture;
	DdbcRequest *request;
	DdbcError error;
	int64_t start;

	(void) state;
	prepare(&fixture, always, &unused);
	assert_true(ddbc_endpoint_resolve(&fixture.config.endpoint, "eu-west-1",
									  "http://no-such-host.invalid:1", false,
									  false, &error));
	create(&fixture);
	start = now_ms();
	request = submit(&fixture);
	ddbc_client_step(fixture.client);
	/* without a connection nothing was sent */
	assert_int_equal(ddbc_request_stats(request).attempts, 0);
	ddbc_request_free(request);
	tear_down(&fixture);
	assert_true(now_ms() - start < 500);
}

static const ServerReply throttle = {
	.status = 400,
	.body = "{\"__type\":\"x#ThrottlingException\",\"message\":\"slow\"}"};

static void
throttle_half(void *arg, const ServerRequest *request, ServerReply *reply)
{
	uint64_t *seed = arg;

	(void) request;
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	if ((*seed >> 63) != 0)
		*reply = throttle;
	else
		reply->body = OK_BODY;
	reply->delay_ms = 1;
}

/* All at once: never more in flight than allowed, and all get through. */
static void
test_throttled_crowd(void **state)
{
	uint64_t seed = 1;
	Fixture fixture;
	DdbcRequest *requests[200];
	int64_t start = now_ms();
	int i;

	(void) state;
	prepare(&fixture, throttle_half, &seed);
	fixture.config.max_concurrency = 8;
	create(&fixture);
	for (i = 0; i < 200; i++)
		requests[i] = submit(&fixture);
	for (i = 0; i < 200; i++)
	{
		assert_true(ddbc_client_wait(fixture.client, &requests[i], 1));
		assert_body(requests[i], OK_BODY);
		ddbc_request_free(requests[i]);
	}
	assert_true(server_peak(fixture.server) <= 8);
	print_message("200 at once: %d ms\n", (int) (now_ms() - start));
	assert_true(now_ms() - start < 10000);
	tear_down(&fixture);
}

/* One after the other, as the pages of a scan. */
static void
test_throttled_pages(void **state)
{
	uint64_t seed = 1;
	Fixture fixture;
	int64_t start = now_ms();
	int i;

	(void) state;
	set_up(&fixture, throttle_half, &seed);
	for (i = 0; i < 200; i++)
	{
		DdbcRequest *request = run(&fixture);

		assert_body(request, OK_BODY);
		ddbc_request_free(request);
	}
	print_message("200 pages: %d ms\n", (int) (now_ms() - start));
	assert_true(now_ms() - start < 15000);
	tear_down(&fixture);
}

static void
test_throttled_forever(void **state)
{
	ServerReply reply = throttle;
	Fixture fixture;

	(void) state;
	prepare(&fixture, always, &reply);
	fixture.config.max_attempts = 4;
	create(&fixture);
	run_bad(&fixture, DDBC_ERROR_THROTTLED, 4, "slow");
	tear_down(&fixture);
}

static void
test_delay(void **state)
{
	Script script = {NULL, 0};
	Fixture fixture;
	DdbcRequest *request;
	DdbcError error;
	int64_t start = now_ms();

	(void) state;
	set_up(&fixture, play, &script);
	request =
		ddbc_client_submit(fixture.client, DDBC_SCAN, "{}", 2, 50, &error);
	assert_true(ddbc_client_wait(fixture.client, &request, 1));
	assert_body(request, OK_BODY);
	assert_true(now_ms() - start >= 49);
	ddbc_request_free(request);
	tear_down(&fixture);
}

static const ServerReply expired = {
	.status = 400,
	.body = "{\"__type\":\"x#ExpiredTokenException\","
			"\"message\":\"The security token included in the request is "
			"expired\"}"};

/* Somebody sets new keys while the old ones are being refused. */
static void
expire_once(void *arg, const ServerRequest *request, ServerReply *reply)
{
	char value[512] = "";

	(void) arg;
	server_header(request, "Authorization", value, sizeof(value));
	if (strstr(value, "Credential=NEWKEY/") != NULL)
		reply->body = OK_BODY;
	else
	{
		setenv("AWS_ACCESS_KEY_ID", "NEWKEY", 1);
		*reply = expired;
	}
}

static void
test_expired_credentials(void **state)
{
	ServerReply reply = expired;
	Fixture fixture;
	DdbcError error;

	(void) state;
	set_up(&fixture, always, &reply);
	run_bad(&fixture, DDBC_ERROR_CREDENTIALS_EXPIRED, 1, "expired");
	tear_down(&fixture);

	setenv("AWS_ACCESS_KEY_ID", "OLDKEY", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	unsetenv("AWS_SESSION_TOKEN");
	prepare(&fixture, expire_once, NULL);
	ddbc_credentials_free(fixture.config.credentials);
	fixture.config.credentials = ddbc_credentials_environment(&error);
	create(&fixture);
	run_good(&fixture, 2);
	tear_down(&fixture);
}

static int64_t
fixed_wall(void *arg)
{
	(void) arg;
	return INT64_C(1768480496) * 1000000; /* 2026-01-15 12:34:56 */
}

/* Accepts only what is signed for an hour later. */
static void
insist_on_time(void *arg, const ServerRequest *request, ServerReply *reply)
{
	char value[64] = "";

	(void) arg;
	server_header(request, "X-Amz-Date", value, sizeof(value));
	if (strcmp(value, "20260115T133456Z") == 0)
	{
		reply->body = OK_BODY;
		return;
	}
	reply->status = 400;
	reply->headers = "Date: Thu, 15 Jan 2026 13:34:56 GMT\r\n";
	reply->body = "{\"__type\":\"x#InvalidSignatureException\","
				  "\"message\":\"Signature expired: too old\"}";
}

static void
test_clock_skew(void **state)
{
	ServerReply hopeless = {
		.status = 400,
		.headers = "Date: Thu, 15 Jan 2026 13:34:56 GMT\r\n",
		.body = "{\"__type\":\"x#InvalidSignatureException\","
				"\"message\":\"Signature not yet current\"}"};
	Fixture fixture;

	(void) state;
	prepare(&fixture, insist_on_time, NULL);
	fixture.config.clock.wall_us = fixed_wall;
	create(&fixture);
	run_good(&fixture, 2);
	run_good(&fixture, 1);
	tear_down(&fixture);

	set_up(&fixture, always, &hopeless);
	run_bad(&fixture, DDBC_ERROR_CLOCK_SKEW, 2, "not yet current");
	tear_down(&fixture);
}

static void
test_no_credentials(void **state)
{
	ServerReply unused = {0};
	Fixture fixture;
	DdbcError error;

	(void) state;
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	prepare(&fixture, always, &unused);
	ddbc_credentials_free(fixture.config.credentials);
	fixture.config.credentials = ddbc_credentials_environment(&error);
	create(&fixture);
	run_bad(&fixture, DDBC_ERROR_CREDENTIALS, 0, "no credentials");
	tear_down(&fixture);
}

static void
test_bad_config(void **state)
{
	ServerReply unused = {0};
	Fixture fixture;
	DdbcError error;

	(void) state;
	prepare(&fixture, always, &unused);
	fixture.config.user_agent = "x\r\nInjected: 1";
	assert_null(ddbc_client_create(&fixture.config, &error));
	assert_int_equal(error.kind, DDBC_ERROR_CONFIG);
	server_stop(fixture.server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_as_sent),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_closed_while_idle),
		cmocka_unit_test(test_sent_twice),
		cmocka_unit_test(test_recoveries),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_gzip_ceiling),
		cmocka_unit_test(test_zip_bomb),
		cmocka_unit_test(test_gzip_damage),
		cmocka_unit_test(test_oversize),
		cmocka_unit_test(test_large_good),
		cmocka_unit_test(test_service_error),
		cmocka_unit_test(test_error_body),
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_token_lives_ten_minutes),
		cmocka_unit_test(test_token_without_verdict),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_descriptor),
		cmocka_unit_test(test_missing_ca_file),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_resolving),
		cmocka_unit_test(test_throttled_crowd),
		cmocka_unit_test(test_throttled_pages),
		cmocka_unit_test(test_throttled_forever),
		cmocka_unit_test(test_delay),
		cmocka_unit_test(test_expired_credentials),
		cmocka_unit_test(test_clock_skew),
		cmocka_unit_test(test_no_credentials),
		cmocka_unit_test(test_bad_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
