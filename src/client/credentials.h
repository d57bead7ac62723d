/* SPDX-License-Identifier: PostgreSQL */
/*
 * credentials.h
 *		Where the keys that sign a request come from.
 *
 * A provider answers "which keys, now?".  Static keys and the environment
 * answer at once; providers that must ask a server (STS, container, instance
 * metadata) fit behind the same call by answering from their cache and saying
 * DDBC_CREDENTIALS_PENDING while a refresh is under way.
 * Who may use which provider is not decided here but by the caller.
 */
#ifndef DDBC_CREDENTIALS_H
#define DDBC_CREDENTIALS_H

#include <stdint.h>

#include "client/error.h"

typedef struct DdbcCredentials
{
	const char *access_key_id; /* owned by the provider, valid until the next */
	const char *secret_access_key; /* call on it */
	const char *session_token; /* NULL for long-lived keys */
	int64_t expires_ms; /* epoch ms; 0: never */
} DdbcCredentials;

typedef enum DdbcCredentialsStatus
{
	DDBC_CREDENTIALS_READY,
	DDBC_CREDENTIALS_PENDING,
	DDBC_CREDENTIALS_FAILED,
} DdbcCredentialsStatus;

typedef struct DdbcCredentialsProvider DdbcCredentialsProvider;

/*
 * Keys handed in.  session_token may be NULL.  Copies its arguments; the copy
 * is wiped by ddbc_credentials_free.  NULL when memory is short or a key holds
 * characters that cannot stand in a header (error says which, not what).
 */
extern DdbcCredentialsProvider *
ddbc_credentials_static(const char *access_key_id,
						const char *secret_access_key,
						const char *session_token, DdbcError *error);

/*
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN of this process,
 * read at every call so that nothing stale is kept.  One without the other is
 * an error, as in the AWS SDKs.
 */
extern DdbcCredentialsProvider *ddbc_credentials_environment(DdbcError *error);

/* now_ms: wall clock.  On FAILED *error (DDBC_ERROR_CREDENTIALS) is set. */
extern DdbcCredentialsStatus
ddbc_credentials_get(DdbcCredentialsProvider *provider, int64_t now_ms,
					 DdbcCredentials *credentials, DdbcError *error);

/*
 * The service said that the keys are expired or unknown: true when the
 * provider can come up with other ones (so the request is worth one retry).
 */
extern bool ddbc_credentials_invalidate(DdbcCredentialsProvider *provider);

/* "static", "environment": for health checks and messages. */
extern const char *
ddbc_credentials_source(const DdbcCredentialsProvider *provider);

extern void ddbc_credentials_free(DdbcCredentialsProvider *provider);

#endif /* DDBC_CREDENTIALS_H */
