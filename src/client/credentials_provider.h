/* SPDX-License-Identifier: PostgreSQL */
/*
 * credentials_provider.h
 *		What a kind of credentials provider has to implement.
 *
 * For files that define providers only; users of one include credentials.h.
 */
#ifndef DDBC_CREDENTIALS_PROVIDER_H
#define DDBC_CREDENTIALS_PROVIDER_H

#include <stdbool.h>

#include "client/credentials.h"

typedef struct DdbcCredentialsMethods
{
	const char *source;
	DdbcCredentialsStatus (*get)(DdbcCredentialsProvider *provider,
								 int64_t now_ms, DdbcCredentials *credentials,
								 DdbcError *error);
	bool (*invalidate)(DdbcCredentialsProvider *provider);
	void (*free)(DdbcCredentialsProvider *provider);
} DdbcCredentialsMethods;

/* First member of every provider's own struct. */
struct DdbcCredentialsProvider
{
	const DdbcCredentialsMethods *methods;
};

#endif /* DDBC_CREDENTIALS_PROVIDER_H */
