/* SPDX-License-Identifier: PostgreSQL */
/*
 * client.c
 *		DynamoDB requests as a state machine over http.c.
 *
 * A request is QUEUED until the window of the client has room for it, IN
 * FLIGHT while one attempt runs, DELAYED between attempts (or before the
 * first, if its submitter wanted that) and DONE at last.  What to do after a
 * failed attempt is retry.c's decision; this file supplies the cures: other
 * credentials, the right time.
 */
#include "client/client.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "client/http.h"
#include "client/retry.h"
#include "client/sigv4.h"

#define CONTENT_TYPE "application/x-amz-json-1.0"
#define TARGET_PREFIX "DynamoDB_20120810."
#define SERVICE "dynamodb"

/* zlib counts in 32 bits, and no reply comes near it. */
#define MAX_RESPONSE_BYTES ((size_t) 1024 * 1024 * 1024)

/* How soon to ask a provider again that is fetching credentials. */
#define CREDENTIALS_PENDING_US INT64_C(20000)

typedef enum RequestState
{
	REQUEST_QUEUED,
	REQUEST_DELAYED,
	REQUEST_IN_FLIGHT,
	REQUEST_DONE,
} RequestState;

struct DdbcRequest
{
	DdbcClient *client;
	DdbcRequest *previous; /* in the client's list, while not done */
	DdbcRequest *next;
	RequestState state;
	DdbcOperation operation;
	char *body;
	size_t body_len;
	int64_t submitted_us;
	int64_t finished_us;
	int64_t ready_us; /* when DELAYED: not before */
	DdbcInstant sent_at; /* its last attempt */
	DdbcExchange exchange; /* its reply holds the result in the end */
	DdbcRetryState retry;
	DdbcRequestStats stats;
	DdbcError error;
	char request_id[96];
};

struct DdbcClient
{
	DdbcConfig config; /* strings: the two below */
	char *ca_file;
	char *user_agent;
	DdbcHttp *http;
	DdbcRetryShared retry;
	DdbcSigv4KeyCache key_cache;
	int64_t clock_offset_s; /* service's clock minus ours */
	DdbcRequest *first; /* not done, in order of submission */
	DdbcRequest *last;
	int in_flight;
	uint64_t received_bytes; /* since the client last rested */
};

/*
 * The text is static.  The trailing return serves values that are not in the
 * enum, which no caller has.
 */
const char *
ddbc_operation_name(DdbcOperation operation)
{
	switch (operation)
	{
		case DDBC_GET_ITEM:
			return "GetItem";
		case DDBC_BATCH_GET_ITEM:
			return "BatchGetItem";
		case DDBC_QUERY:
			return "Query";
		case DDBC_SCAN:
			return "Scan";
		case DDBC_DESCRIBE_TABLE:
			return "DescribeTable";
		case DDBC_DESCRIBE_TIME_TO_LIVE:
			return "DescribeTimeToLive";
		case DDBC_LIST_TABLES:
			return "ListTables";
		case DDBC_PUT_ITEM:
			return "PutItem";
		case DDBC_UPDATE_ITEM:
			return "UpdateItem";
		case DDBC_DELETE_ITEM:
			return "DeleteItem";
		case DDBC_BATCH_WRITE_ITEM:
			return "BatchWriteItem";
		case DDBC_TRANSACT_WRITE_ITEMS:
			return "TransactWriteItems";
	}
	return "unknown operation";
}

bool
ddbc_operation_writes(DdbcOperation operation)
{
	return operation >= DDBC_PUT_ITEM;
}

/* All attempts of such a request are one write to the service. */
static bool
has_token(DdbcOperation operation)
{
	return operation == DDBC_TRANSACT_WRITE_ITEMS;
}

static int64_t
read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t
system_wall_us(void *arg)
{
	(void) arg;
	return read_clock(CLOCK_REALTIME);
}

static int64_t
system_mono_us(void *arg)
{
	(void) arg;
	return read_clock(CLOCK_MONOTONIC);
}

/* Jitter only: if the kernel has nothing yet, the clock will do. */
static uint64_t
system_random(void *arg)
{
	uint64_t bits;

	(void) arg;
	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		bits = (uint64_t) read_clock(CLOCK_MONOTONIC) *
			   UINT64_C(0x9E3779B97F4A7C15);
	return bits;
}

/* An interrupted poll is no reason to stop: ddbc_client_wait polls again. */
static bool
system_wait(void *arg, int fd)
{
	struct pollfd descriptor = {.fd = fd, .events = POLLIN};

	(void) arg;
	return poll(&descriptor, 1, -1) >= 0 || errno == EINTR || errno == EAGAIN;
}

static int64_t
mono_now(const DdbcClient *client)
{
	return client->config.clock.mono_us(client->config.clock.arg);
}

static int64_t
wall_now(const DdbcClient *client)
{
	return client->config.clock.wall_us(client->config.clock.arg);
}

static DdbcInstant
instant(const DdbcClient *client)
{
	DdbcInstant now = {mono_now(client), wall_now(client)};

	return now;
}

/*
 * Replaces callbacks that are NULL by the system's clock, random source and
 * wait, and bounds the size of replies.  Tests hand in their own.
 */
static void
fill_defaults(DdbcConfig *config)
{
	if (config->clock.wall_us == NULL)
		config->clock.wall_us = system_wall_us;
	if (config->clock.mono_us == NULL)
		config->clock.mono_us = system_mono_us;
	if (config->clock.random == NULL)
		config->clock.random = system_random;
	if (config->wait == NULL)
		config->wait = system_wait;
	if (config->user_agent == NULL)
		config->user_agent = "ddb_fdw";
	if (config->max_response_bytes > MAX_RESPONSE_BYTES)
		config->max_response_bytes = MAX_RESPONSE_BYTES;
}

/*
 * False with *error set when a limit is not positive, or when the user agent
 * could smuggle in a header of its own.
 */
static bool
check_config(const DdbcConfig *config, DdbcError *error)
{
	const char *character;

	if (config->max_attempts < 1 || config->max_concurrency < 1 ||
		config->connect_timeout_ms < 1 || config->request_timeout_ms < 1 ||
		config->max_response_bytes < 1)
	{
		ddbc_error_set(error, DDBC_ERROR_CONFIG,
					   "attempts, concurrency, timeouts and response size "
					   "must be positive");
		return false;
	}
	/* it would end its header and begin another one */
	for (character = config->user_agent; *character != '\0'; character++)
		if ((unsigned char) *character < ' ' || *character == 0x7F)
		{
			ddbc_error_set(error, DDBC_ERROR_CONFIG,
						   "user agent contains a control character");
			return false;
		}
	return true;
}

/*
 * Makes the HTTP layer with the strings that the client owns.  NULL with
 * *error set on failure.
 */
static DdbcHttp *
create_http(DdbcClient *client, DdbcError *error)
{
	const DdbcConfig *config = &client->config;
	DdbcHttpOptions options = {
		.url = config->endpoint.url,
		.is_loopback = config->endpoint.is_loopback,
		.ca_file = client->ca_file,
		.user_agent = client->user_agent,
		.connect_timeout_ms = config->connect_timeout_ms,
		.request_timeout_ms = config->request_timeout_ms,
		.max_connections = config->max_concurrency,
		.mono_us = config->clock.mono_us,
		.clock_arg = config->clock.arg,
	};

	return ddbc_http_create(&options, error);
}

/*
 * Copies the strings of the configuration and creates what the client owns.
 * False with *error set; the caller then frees the client.
 */
static bool
set_up(DdbcClient *client, DdbcError *error)
{
	client->user_agent = strdup(client->config.user_agent);
	if (client->config.ca_file != NULL)
		client->ca_file = strdup(client->config.ca_file);
	if (client->user_agent == NULL ||
		(client->config.ca_file != NULL && client->ca_file == NULL))
	{
		ddbc_error_set(error, DDBC_ERROR_NO_MEMORY, "out of memory");
		return false;
	}
	client->config.user_agent = client->user_agent;
	client->config.ca_file = client->ca_file;
	ddbc_retry_init(&client->retry, client->config.max_attempts,
					client->config.max_concurrency);
	client->http = create_http(client, error);
	return client->http != NULL;
}

/*
 * Takes over config->credentials in any case: they are freed with the client,
 * and when this fails.
 */
DdbcClient *
ddbc_client_create(const DdbcConfig *config, DdbcError *error)
{
	DdbcClient *client = calloc(1, sizeof(*client));

	ddbc_error_clear(error);
	if (client == NULL)
	{
		ddbc_error_set(error, DDBC_ERROR_NO_MEMORY, "out of memory");
		ddbc_credentials_free(config->credentials);
		return NULL;
	}
	client->config = *config;
	fill_defaults(&client->config);
	if (check_config(&client->config, error) && set_up(client, error))
		return client;
	ddbc_client_free(client);
	return NULL;
}

/* So many bytes of replies are worth the time that giving memory back takes. */
#define TRIM_FROM_BYTES (8 * 1024 * 1024)

void
ddbc_client_rest(DdbcClient *client)
{
	ddbc_http_rest(client->http);
#ifdef __GLIBC__
	if (client->received_bytes >= TRIM_FROM_BYTES)
		(void) malloc_trim(0);
#endif
	client->received_bytes = 0;
}

/* Wipes keys and secrets before it frees them.  NULL is allowed. */
void
ddbc_client_free(DdbcClient *client)
{
	if (client == NULL)
		return;
	ddbc_http_free(client->http);
	ddbc_credentials_free(client->config.credentials);
	ddbc_sigv4_wipe_cache(&client->key_cache);
	free(client->ca_file);
	free(client->user_agent);
	free(client);
}

/*
 * Appends to the list of requests that are not done, which is kept in the
 * order of submission.
 */
static void
link_request(DdbcClient *client, DdbcRequest *request)
{
	request->previous = client->last;
	if (client->last != NULL)
		client->last->next = request;
	else
		client->first = request;
	client->last = request;
}

/*
 * Takes the request out of that list.  Its own links are cleared, so that it
 * may be checked for being linked.
 */
static void
unlink_request(DdbcClient *client, DdbcRequest *request)
{
	if (request->previous != NULL)
		request->previous->next = request->next;
	else
		client->first = request->next;
	if (request->next != NULL)
		request->next->previous = request->previous;
	else
		client->last = request->previous;
	request->previous = request->next = NULL;
}

/*
 * True if the last attempt tells what became of those before it: the service
 * knows them by their token.  Had one been applied, it would have said so.
 */
static bool
tells_all(const DdbcRequest *request)
{
	return has_token(request->operation) &&
		   ddbc_retry_token_holds(&request->retry, instant(request->client)) &&
		   (request->error.kind == DDBC_ERROR_NONE ||
			ddbc_error_is_verdict(&request->error));
}

/*
 * Ends a request, with request->error set or cleared.  A write is ambiguous if
 * any of its attempts was, unless a token settles it.  The body of a refusal is
 * kept, all others are freed with it.
 */
static void
finish_request(DdbcRequest *request)
{
	request->state = REQUEST_DONE;
	request->finished_us = mono_now(request->client);
	if (tells_all(request))
		request->stats.ambiguous = false;
	request->error.attempts = request->stats.attempts;
	unlink_request(request->client, request);
	if (request->error.kind == DDBC_ERROR_NONE)
		return;
	request->error.ambiguous |= request->stats.ambiguous;
	if (!request->exchange.reply.is_refusal)
		ddbc_reply_free(&request->exchange.reply);
}

/*
 * Appends "name: value" to *list.  False when memory is short, with the list
 * as it was.  The copy of the line is wiped, since it may hold a token.
 */
static bool
add_header(struct curl_slist **list, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + sizeof(": ");
	char *line = malloc(size);
	struct curl_slist *longer = NULL;

	if (line != NULL)
	{
		snprintf(line, size, "%s: %s", name, value);
		longer = curl_slist_append(*list, line);
		OPENSSL_cleanse(line, size);
		free(line);
	}
	if (longer != NULL)
		*list = longer;
	return longer != NULL;
}

/*
 * Appends a copy of line.  False when memory is short, with the list as it
 * was.
 */
static bool
add_header_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer != NULL)
		*list = longer;
	return longer != NULL;
}

/*
 * Signs one attempt with the time of now, corrected by what the service's
 * clock said.  Returns all of its headers, or NULL when memory is short.
 */
static struct curl_slist *
sign_request(DdbcClient *client, const DdbcRequest *request,
			 const DdbcCredentials *credentials)
{
	const DdbcSigv4Scope scope = {client->config.endpoint.signing_region,
								  SERVICE};
	char target[64];
	char date[DDBC_SIGV4_DATE_LEN + 1];
	DdbcSigv4Request signable = {
		.content_type = CONTENT_TYPE,
		.host = client->config.endpoint.host,
		.amz_date = date,
		.security_token = credentials->session_token,
		.target = target,
		.payload = request->body,
		.payload_len = request->body_len,
	};
	struct curl_slist *list = NULL;
	char *authorization = NULL;

	snprintf(target, sizeof(target), "%s%s", TARGET_PREFIX,
			 ddbc_operation_name(request->operation));
	if (ddbc_sigv4_format_date(
			wall_now(client) / 1000000 + client->clock_offset_s, date))
		authorization = ddbc_sigv4_authorization(
			&signable, &scope, credentials->access_key_id,
			credentials->secret_access_key, &client->key_cache);
	/* Expect would cost a round trip, Accept says nothing */
	if (authorization == NULL || !add_header(&list, "Host", signable.host) ||
		!add_header(&list, "Content-Type", signable.content_type) ||
		!add_header(&list, "X-Amz-Target", target) ||
		!add_header(&list, "X-Amz-Date", date) ||
		!add_header(&list, "Authorization", authorization) ||
		(signable.security_token != NULL &&
		 !add_header(&list, "X-Amz-Security-Token", signable.security_token)) ||
		(client->config.compression &&
		 !add_header_line(&list, "Accept-Encoding: gzip")) ||
		!add_header_line(&list, "Expect:") ||
		!add_header_line(&list, "Accept:"))
	{
		ddbc_http_free_headers(list);
		list = NULL;
	}
	free(authorization);
	return list;
}

/* Lets the request wait for so many microseconds before its next attempt. */
static void
delay_request(DdbcRequest *request, int64_t delay_us)
{
	request->ready_us = mono_now(request->client) + delay_us;
	request->state = delay_us > 0 ? REQUEST_DELAYED : REQUEST_QUEUED;
}

/*
 * One attempt.  Afterwards the request is in flight, or delayed because its
 * credentials are on their way, or done with an error.
 */
static void
start_attempt(DdbcClient *client, DdbcRequest *request)
{
	DdbcCredentials credentials;
	DdbcCredentialsStatus status;
	struct curl_slist *headers;

	ddbc_error_clear(&request->error);
	status = ddbc_credentials_get(client->config.credentials,
								  wall_now(client) / 1000, &credentials,
								  &request->error);
	if (status == DDBC_CREDENTIALS_PENDING)
	{
		delay_request(request, CREDENTIALS_PENDING_US);
		return;
	}
	if (status == DDBC_CREDENTIALS_FAILED)
	{
		finish_request(request);
		return;
	}

	headers = sign_request(client, request, &credentials);
	if (headers == NULL)
	{
		ddbc_error_set(&request->error, DDBC_ERROR_NO_MEMORY,
					   "out of memory while signing a request");
		finish_request(request);
		return;
	}
	ddbc_reply_init(&request->exchange.reply,
					client->config.max_response_bytes);
	if (!ddbc_http_start(client->http, &request->exchange, headers,
						 request->body, request->body_len, &request->error))
	{
		finish_request(request);
		return;
	}
	ddbc_retry_sent(&client->retry, &request->retry);
	request->sent_at = instant(client);
	request->stats.attempts++;
	request->state = REQUEST_IN_FLIGHT;
	client->in_flight++;
}

/*
 * Sends as many waiting requests as the window allows, in the order of
 * submission.  True if it sent anything, so that libcurl must be driven.
 */
static bool
start_attempts(DdbcClient *client)
{
	int64_t now = mono_now(client);
	DdbcRequest *request = client->first;
	DdbcRequest *next;
	int before = client->in_flight;

	for (; request != NULL && client->in_flight < client->retry.window;
		 request = next)
	{
		next = request->next;
		if (request->state == REQUEST_DELAYED && request->ready_us <= now)
			request->state = REQUEST_QUEUED;
		if (request->state == REQUEST_QUEUED)
			start_attempt(client, request);
	}
	return client->in_flight > before;
}

/* A clock outside of these, in seconds since 1970, is none: 2015 and 2100. */
#define FIRST_PLAUSIBLE_S INT64_C(1420070400)
#define LAST_PLAUSIBLE_S INT64_C(4102444800)

/*
 * Sets our idea of the service's clock by its reply.  False: it said none, or
 * none that can be true.
 */
static bool
adopt_clock(DdbcClient *client, const DdbcReply *reply)
{
	if (reply->date_s < FIRST_PLAUSIBLE_S || reply->date_s > LAST_PLAUSIBLE_S)
		return false;
	client->clock_offset_s = reply->date_s - wall_now(client) / 1000000;
	return true;
}

/*
 * Classifies a failed attempt, and does what may cure it: renews the
 * credentials, or adopts the service's clock.  DDBC_RETRY_NEVER if there is no
 * cure.
 */
static DdbcRetryClass
prepare_retry(DdbcClient *client, DdbcRequest *request)
{
	DdbcRetryClass retry_class = ddbc_retry_classify(&request->error);

	if (retry_class == DDBC_RETRY_THROTTLE)
		request->stats.throttles++;
	if (retry_class == DDBC_RETRY_CREDENTIALS &&
		(request->retry.credentials_tried ||
		 !ddbc_credentials_invalidate(client->config.credentials)))
		return DDBC_RETRY_NEVER;
	if (retry_class == DDBC_RETRY_CLOCK &&
		(request->retry.clock_tried ||
		 !adopt_clock(client, &request->exchange.reply)))
	{
		/* What did not help this time must not spoil the next. */
		client->clock_offset_s = 0;
		return DDBC_RETRY_NEVER;
	}
	return retry_class;
}

/* The last attempt of a write may have been applied, and nobody saw its end. */
static void
note_unanswered(DdbcRequest *request)
{
	if (!ddbc_operation_writes(request->operation))
		return;
	request->stats.ambiguous = true;
	ddbc_retry_unanswered(&request->retry, request->sent_at);
}

/* True if it would still be the same write to the service after the delay. */
static bool
may_repeat(const DdbcRequest *request, int64_t delay_us)
{
	DdbcInstant then = instant(request->client);

	then.mono_us += delay_us;
	then.wall_us += delay_us;
	return !has_token(request->operation) ||
		   ddbc_retry_token_holds(&request->retry, then);
}

/*
 * Decides what becomes of a request whose attempt failed with request->error:
 * another attempt after a delay, or its end.
 */
static void
fail_attempt(DdbcClient *client, DdbcRequest *request)
{
	const DdbcClock *clock = &client->config.clock;
	DdbcRetryClass retry_class = prepare_retry(client, request);
	int64_t delay_us = 0;

	if (request->error.ambiguous)
		note_unanswered(request);
	if (!ddbc_retry_failed(&client->retry, &request->retry, retry_class,
						   mono_now(client), clock->random(clock->arg),
						   request->exchange.reply.retry_after_ms, &delay_us) ||
		!may_repeat(request, delay_us))
	{
		if (retry_class == DDBC_RETRY_NEVER && request->error.http_status > 0)
			ddbc_retry_answered(&client->retry, &request->retry);
		finish_request(request);
		return;
	}
	ddbc_reply_free(&request->exchange.reply);
	delay_request(request, delay_us);
}

/*
 * Judges an exchange that is over. request->error says if it broke.  An
 * exchange that libcurl sent twice by itself makes a write ambiguous.
 */
static void
finish_attempt(DdbcClient *client, DdbcRequest *request)
{
	DdbcReply *reply = &request->exchange.reply;

	client->in_flight--;
	request->stats.bytes_received += reply->received_bytes;
	request->client->received_bytes += reply->received_bytes;
	if (request->exchange.sends > 1)
	{
		request->stats.attempts += request->exchange.sends - 1;
		note_unanswered(request);
	}
	memcpy(request->request_id, reply->request_id, sizeof(request->request_id));
	if (request->error.kind == DDBC_ERROR_NONE &&
		ddbc_reply_finish(reply, ddbc_http_peer(client->http), &request->error))
	{
		ddbc_retry_succeeded(&client->retry, &request->retry, mono_now(client));
		finish_request(request);
	}
	else
		fail_attempt(client, request);
}

/*
 * Ends all requests when libcurl cannot go on.  Writes that had been sent are
 * ambiguous.
 */
static void
fail_everything(DdbcClient *client)
{
	DdbcRequest *request;

	while ((request = client->first) != NULL)
	{
		if (request->state == REQUEST_IN_FLIGHT)
			client->in_flight--;
		ddbc_http_abort(client->http, &request->exchange);
		ddbc_error_set(&request->error, DDBC_ERROR_NO_MEMORY,
					   "could not go on with the requests to %s",
					   ddbc_http_peer(client->http));
		request->error.ambiguous = request->stats.attempts > 0;
		finish_request(request);
	}
}

/*
 * Sets the timer to when the next request may start, so that whoever waits on
 * the descriptor wakes up in time.
 */
static void
arm_timer(DdbcClient *client)
{
	bool has_room = client->in_flight < client->retry.window;
	int64_t deadline = DDBC_HTTP_NO_DEADLINE;
	const DdbcRequest *request;

	/* without room nothing can start before an exchange ends */
	for (request = client->first; has_room && request != NULL;
		 request = request->next)
	{
		if (request->state == REQUEST_QUEUED)
			deadline = 0;
		else if (request->state == REQUEST_DELAYED &&
				 request->ready_us < deadline)
			deadline = request->ready_us;
	}
	ddbc_http_arm(client->http, deadline);
}

/*
 * Finished exchanges are judged first, as their requests may be tried again at
 * once.  Then waiting requests start as far as the window allows, and the
 * timer is set to whatever falls due next.
 */
void
ddbc_client_step(DdbcClient *client)
{
	DdbcExchange *exchange;
	DdbcError error;

	ddbc_http_drive(client->http);
	while ((exchange = ddbc_http_next_done(client->http, &error)) != NULL)
	{
		DdbcRequest *request = exchange->owner;

		request->error = error;
		finish_attempt(client, request);
	}
	if (start_attempts(client))
		ddbc_http_kick(client->http);
	if (ddbc_http_is_broken(client->http))
		fail_everything(client);
	arm_timer(client);
}

/*
 * The request is linked before it is sent, so it waits for its turn if too
 * many are in flight.  The caller frees it with ddbc_request_free() in any
 * case.
 */
DdbcRequest *
ddbc_client_submit(DdbcClient *client, DdbcOperation operation,
				   const char *body, size_t body_len, int64_t delay_ms,
				   DdbcError *error)
{
	DdbcRequest *request = calloc(1, sizeof(*request));
	char *copy = malloc(body_len + 1);

	ddbc_error_clear(error);
	if (request == NULL || copy == NULL)
	{
		free(request);
		free(copy);
		ddbc_error_set(error, DDBC_ERROR_NO_MEMORY, "out of memory");
		return NULL;
	}
	memcpy(copy, body, body_len);
	copy[body_len] = '\0';
	request->client = client;
	request->operation = operation;
	request->body = copy;
	request->body_len = body_len;
	request->exchange.owner = request;
	request->submitted_us = mono_now(client);
	link_request(client, request);
	delay_request(request, delay_ms > 0 ? delay_ms * 1000 : 0);

	/* on the wire now, while the caller does other things */
	if (start_attempts(client))
		ddbc_http_kick(client->http);
	arm_timer(client);
	return request;
}

/*
 * True if at least one of the requests is done, or if there is none to wait
 * for.
 */
static bool
any_done(DdbcRequest *const *requests, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (requests[i]->state == REQUEST_DONE)
			return true;
	return n == 0;
}

/*
 * Hands the epoll descriptor to the wait function, which returns when it is
 * readable.  The result says nothing of how a request ended.
 */
bool
ddbc_client_wait(DdbcClient *client, DdbcRequest *const *requests, int n)
{
	for (;;)
	{
		ddbc_client_step(client);
		if (any_done(requests, n))
			return true;
		if (!client->config.wait(client->config.wait_arg,
								 ddbc_http_fd(client->http)))
			return false;
	}
}

int
ddbc_client_fd(const DdbcClient *client)
{
	return ddbc_http_fd(client->http);
}

bool
ddbc_request_done(const DdbcRequest *request)
{
	return request->state == REQUEST_DONE;
}

const DdbcError *
ddbc_request_error(const DdbcRequest *request)
{
	return request->state == REQUEST_DONE &&
				   request->error.kind != DDBC_ERROR_NONE
			   ? &request->error
			   : NULL;
}

/* What the reply holds, if the request ended as the caller has in mind. */
static char *
body_of(const DdbcRequest *request, bool failed, size_t *len)
{
	bool is_so = (request->error.kind != DDBC_ERROR_NONE) == failed &&
				 request->state == REQUEST_DONE;

	*len = is_so ? request->exchange.reply.len : 0;
	return is_so ? request->exchange.reply.body : NULL;
}

const char *
ddbc_request_body(const DdbcRequest *request, size_t *len)
{
	return body_of(request, false, len);
}

const char *
ddbc_request_error_body(const DdbcRequest *request, size_t *len)
{
	return body_of(request, true, len);
}

/* NULL, with nothing taken, when the request is not done or has failed. */
char *
ddbc_request_take_body(DdbcRequest *request, size_t *len)
{
	char *body = body_of(request, false, len);

	if (body == NULL)
		return NULL;
	request->exchange.reply.body = NULL;
	ddbc_reply_free(&request->exchange.reply);
	return body;
}

const char *
ddbc_request_id(const DdbcRequest *request)
{
	return request->request_id;
}

/*
 * Of a request that is not done, what it has cost up to now: an attempt that
 * still waits for its connection was not sent.
 */
DdbcRequestStats
ddbc_request_stats(const DdbcRequest *request)
{
	DdbcRequestStats stats = request->stats;
	int64_t end = request->state == REQUEST_DONE ? request->finished_us
												 : mono_now(request->client);

	if (request->state == REQUEST_IN_FLIGHT)
	{
		stats.attempts += request->exchange.sends - 1;
		stats.bytes_received += request->exchange.reply.received_bytes;
	}
	stats.elapsed_us = end - request->submitted_us;
	return stats;
}

/*
 * Takes the exchange off the wire, which closes its connection if the reply
 * has not come whole.  The body of the reply is freed unless it was taken.
 */
void
ddbc_request_free(DdbcRequest *request)
{
	DdbcClient *client;

	if (request == NULL)
		return;
	client = request->client;
	if (request->state != REQUEST_DONE)
	{
		if (request->state == REQUEST_IN_FLIGHT)
			client->in_flight--;
		ddbc_http_abort(client->http, &request->exchange);
		unlink_request(client, request);
		/* there is room for another one now */
		arm_timer(client);
	}
	ddbc_reply_free(&request->exchange.reply);
	free(request->body);
	free(request);
}

/*
 * Only draws the delay; the caller submits the rest as a new request with that
 * delay.
 */
bool
ddbc_client_retry_unprocessed(DdbcClient *client, int fruitless,
							  int64_t *delay_ms)
{
	DdbcClock *clock = &client->config.clock;
	int64_t delay_us = 0;
	bool again = ddbc_retry_unprocessed(&client->retry, fruitless,
										clock->random(clock->arg), &delay_us);

	*delay_ms = delay_us / 1000;
	return again;
}
