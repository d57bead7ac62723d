/* SPDX-License-Identifier: PostgreSQL */
/*
 * error.h
 *		What can go wrong between this process and DynamoDB, as values.
 *
 * The client never throws and never prints: every failure is one DdbcError.
 * Its kind says what a caller may do about it; code, message and request id
 * are DynamoDB's own words.  remote/report.c alone turns kinds into SQLSTATEs.
 */
#ifndef DDBC_ERROR_H
#define DDBC_ERROR_H

#include <stdbool.h>

typedef enum DdbcErrorKind
{
	DDBC_ERROR_NONE = 0,

	/* on this side of the wire */
	DDBC_ERROR_NO_MEMORY,
	DDBC_ERROR_CONFIG, /* endpoint, region or CA file unusable */
	DDBC_ERROR_CREDENTIALS, /* no credentials to sign with */
	DDBC_ERROR_RESOLVE, /* host name did not resolve */
	DDBC_ERROR_CONNECT, /* refused, unreachable, connect timeout */
	DDBC_ERROR_TLS, /* handshake or certificate */
	DDBC_ERROR_TIMEOUT, /* no complete reply within request_timeout */
	DDBC_ERROR_NETWORK, /* connection broke, reply truncated */
	DDBC_ERROR_CORRUPT, /* checksum, gzip or framing is wrong */
	DDBC_ERROR_REPLY_TOO_LARGE, /* over max_response_bytes */

	/* said by the service (dynamodb.md section 6.1 lists the codes) */
	DDBC_ERROR_THROTTLED,
	DDBC_ERROR_UNAVAILABLE, /* 5xx, timeouts on their side */
	DDBC_ERROR_CREDENTIALS_EXPIRED,
	DDBC_ERROR_CREDENTIALS_REJECTED, /* unknown key, wrong secret */
	DDBC_ERROR_CLOCK_SKEW,
	DDBC_ERROR_ACCESS_DENIED,
	DDBC_ERROR_PROXY_DENIED, /* 401, 403, 407, 511 of a web proxy */
	DDBC_ERROR_VALIDATION,
	DDBC_ERROR_REQUEST_TOO_LARGE, /* 413 and limits of items */
	DDBC_ERROR_NUMBER_RANGE,
	DDBC_ERROR_KEY_VALUE, /* empty, missing, of another type */
	DDBC_ERROR_TABLE_NOT_FOUND,
	DDBC_ERROR_INDEX_NOT_FOUND,
	DDBC_ERROR_IN_USE,
	DDBC_ERROR_CONDITION_FAILED,
	DDBC_ERROR_DUPLICATE_ITEM,
	DDBC_ERROR_TRANSACTION_CANCELED, /* for several reasons at once */
	DDBC_ERROR_TRANSACTION_CONFLICT,
	DDBC_ERROR_TRANSACTION_IN_PROGRESS,
	DDBC_ERROR_COLLECTION_TOO_LARGE,
	DDBC_ERROR_PROTOCOL, /* not DynamoDB's protocol, or our own bug */
} DdbcErrorKind;

typedef struct DdbcError
{
	DdbcErrorKind kind;
	int http_status; /* 0: no reply */
	bool retryable; /* a later try may succeed by itself */
	bool ambiguous; /* a write may have been applied */
	bool foreign; /* message is not in DynamoDB's words */
	int attempts; /* tries made when it was given up */
	char code[96]; /* DynamoDB's error type without namespace, or
								 * libcurl's short text; "" when unknown */
	char message[1024]; /* one line, valid UTF-8, never a secret */
	char request_id[96]; /* x-amzn-RequestId, or "" */
} DdbcError;

/* Resets *error to DDBC_ERROR_NONE. */
extern void ddbc_error_clear(DdbcError *error);

/* Sets kind and a printf-formatted message; clears every other field. */
extern void ddbc_error_set(DdbcError *error, DdbcErrorKind kind,
						   const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Fills *error from a reply with an HTTP status of 300 or more.  body may be
 * anything: JSON of the service, a proxy's HTML, nothing.
 */
extern void ddbc_error_from_reply(DdbcError *error, int http_status,
								  const char *body, unsigned long body_len,
								  const char *request_id);

/* True if the service has judged what was to be written, and refused it. */
extern bool ddbc_error_is_verdict(const DdbcError *error);

/* The version of the library that reads errors. */
extern const char *ddbc_error_library_version(void);

#endif /* DDBC_ERROR_H */
