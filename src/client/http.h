/* SPDX-License-Identifier: PostgreSQL */
/*
 * http.h
 *		Many HTTP exchanges over one epoll descriptor.
 *
 * Knows URLs, connections and time limits; nothing of DynamoDB, of signing or
 * of retries.  An exchange is one POST and its reply.
 *
 * The descriptor holds every socket of libcurl and one timer, which is set to
 * whatever comes first: libcurl's own timeouts or the deadline of the owner.
 */
#ifndef DDBC_HTTP_H
#define DDBC_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/error.h"
#include "client/reply.h"

#define DDBC_HTTP_NO_DEADLINE INT64_MAX

typedef struct DdbcHttp DdbcHttp;

/* Strings must outlive the DdbcHttp. */
typedef struct DdbcHttpOptions
{
	const char *url; /* "http://host:port/" */
	bool is_loopback; /* never through a proxy */
	const char *ca_file; /* NULL: libcurl's default */
	const char *user_agent;
	int connect_timeout_ms;
	int request_timeout_ms;
	int max_connections;
	int64_t (*mono_us)(void *arg);
	void *clock_arg;
} DdbcHttpOptions;

/* Embedded in its owner's struct; zeroed memory is one that is not running. */
typedef struct DdbcExchange
{
	CURL *easy; /* NULL: not running */
	struct curl_slist *headers;
	DdbcReply reply;
	int sends; /* of the request, also by libcurl's own account */
	void *owner;
	char error_text[CURL_ERROR_SIZE];
} DdbcExchange;

/* NULL with *error. */
extern DdbcHttp *ddbc_http_create(const DdbcHttpOptions *options,
								  DdbcError *error);

/* No exchange may be running. */
extern void ddbc_http_free(DdbcHttp *http);

/* Ends most idle connections, if no exchange is running. */
extern void ddbc_http_rest(DdbcHttp *http);

extern int ddbc_http_fd(const DdbcHttp *http);

/* "https://host": the service as messages name it. */
extern const char *ddbc_http_peer(const DdbcHttp *http);

/*
 * Sends body, which must stay until the exchange is over, with headers, which
 * it takes over in any case.  reply is initialised by the caller.  False:
 * *error.
 */
extern bool ddbc_http_start(DdbcHttp *http, DdbcExchange *exchange,
							struct curl_slist *headers, const char *body,
							size_t body_len, DdbcError *error);

/* Gives what was started a chance to be sent before anybody waits. */
extern void ddbc_http_kick(DdbcHttp *http);

/* Breaks an exchange off at once.  Harmless if it is not running. */
extern void ddbc_http_abort(DdbcHttp *http, DdbcExchange *exchange);

/* Does what sockets and timer ask for, without blocking. */
extern void ddbc_http_drive(DdbcHttp *http);

/*
 * The next exchange that is over, NULL if there is none.  error->kind is
 * DDBC_ERROR_NONE if its reply is complete, good or bad.
 */
extern DdbcExchange *ddbc_http_next_done(DdbcHttp *http, DdbcError *error);

/* Libcurl is beyond repair: no exchange will end any more. */
extern bool ddbc_http_is_broken(const DdbcHttp *http);

/* Makes the descriptor readable at deadline_us of the monotonic clock. */
extern void ddbc_http_arm(DdbcHttp *http, int64_t deadline_us);

/* Wipes and frees a list of headers, for there may be a token in it. */
extern void ddbc_http_free_headers(struct curl_slist *headers);

#endif /* DDBC_HTTP_H */
