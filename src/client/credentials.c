/* SPDX-License-Identifier: PostgreSQL */
/*
 * credentials.c
 *		The providers that need no server: keys handed in, and the environment.
 *
 * Secrets live in malloc'd copies that are wiped before they are freed.  No
 * message ever quotes one, not even a wrong one.
 */
#include "client/credentials.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "client/credentials_provider.h"

/* Copies of a set of keys; token may be NULL. */
typedef struct KeySet
{
	char *access_key_id;
	char *secret_access_key;
	char *session_token;
} KeySet;

/* Both providers: they differ in where the keys are from. */
typedef struct KeyProvider
{
	DdbcCredentialsProvider base;
	KeySet keys;
} KeyProvider;

/*
 * Overwrites the string before it frees it, and sets it to NULL. NULL is
 * allowed.
 */
static void
wipe_string(char **text)
{
	if (*text != NULL)
		OPENSSL_cleanse(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

static void
wipe_keys(KeySet *keys)
{
	wipe_string(&keys->access_key_id);
	wipe_string(&keys->secret_access_key);
	wipe_string(&keys->session_token);
}

/*
 * Printable ASCII without blanks and without the characters of forbidden.  A
 * line break or blank copied along with a key is the usual accident.
 */
static bool
is_clean(const char *text, const char *forbidden)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~' || strchr(forbidden, *text) != NULL)
			return false;
	return true;
}

/*
 * True if the value is not empty and has no forbidden character. what names
 * the value in *error, which never quotes it.
 */
static bool
check_value(const char *what, const char *text, const char *forbidden,
			DdbcError *error)
{
	if (text == NULL || text[0] == '\0')
	{
		ddbc_error_set(error, DDBC_ERROR_CREDENTIALS, "%s is empty", what);
		return false;
	}
	if (!is_clean(text, forbidden))
	{
		ddbc_error_set(error, DDBC_ERROR_CREDENTIALS,
					   "%s contains a character that is not allowed in it",
					   what);
		return false;
	}
	return true;
}

/*
 * Checks and copies a set of keys; an empty token is none.  '/' and ',' would
 * change the meaning of the Authorization header that quotes the key id.
 */
static bool
copy_keys(KeySet *keys, const char *access_key_id,
		  const char *secret_access_key, const char *session_token,
		  DdbcError *error)
{
	bool has_token = session_token != NULL && session_token[0] != '\0';

	memset(keys, 0, sizeof(*keys));
	if (!check_value("access key id", access_key_id, "/,", error) ||
		!check_value("secret access key", secret_access_key, "", error) ||
		(has_token && !check_value("session token", session_token, "", error)))
		return false;

	keys->access_key_id = strdup(access_key_id);
	keys->secret_access_key = strdup(secret_access_key);
	keys->session_token = has_token ? strdup(session_token) : NULL;
	if (keys->access_key_id == NULL || keys->secret_access_key == NULL ||
		(has_token && keys->session_token == NULL))
	{
		wipe_keys(keys);
		ddbc_error_set(error, DDBC_ERROR_NO_MEMORY, "out of memory");
		return false;
	}
	return true;
}

/*
 * Lets *credentials point to the keys; they are valid until the provider
 * changes or is freed.  Such keys never expire.
 */
static void
show_keys(const KeySet *keys, DdbcCredentials *credentials)
{
	credentials->access_key_id = keys->access_key_id;
	credentials->secret_access_key = keys->secret_access_key;
	credentials->session_token = keys->session_token;
	credentials->expires_ms = 0;
}

static void
key_provider_free(DdbcCredentialsProvider *provider)
{
	KeyProvider *self = (KeyProvider *) provider;

	wipe_keys(&self->keys);
	free(self);
}

static DdbcCredentialsStatus
static_get(DdbcCredentialsProvider *provider, int64_t now_ms,
		   DdbcCredentials *credentials, DdbcError *error)
{
	(void) now_ms;
	(void) error;
	show_keys(&((KeyProvider *) provider)->keys, credentials);
	return DDBC_CREDENTIALS_READY;
}

static bool
static_invalidate(DdbcCredentialsProvider *provider)
{
	(void) provider;
	return false;
}

static const DdbcCredentialsMethods static_methods = {
	.source = "static",
	.get = static_get,
	.invalidate = static_invalidate,
	.free = key_provider_free,
};

/* As the AWS SDKs do: set but empty means not set. */
static const char *
environment_value(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/*
 * Copies the keys of the environment into keys.  False with *error set when
 * they are absent, or when one half of the pair is; the session token may be
 * absent.
 */
static bool
read_environment(KeySet *keys, DdbcError *error)
{
	const char *id = environment_value("AWS_ACCESS_KEY_ID");
	const char *secret = environment_value("AWS_SECRET_ACCESS_KEY");

	if (id == NULL && secret == NULL)
	{
		ddbc_error_set(error, DDBC_ERROR_CREDENTIALS,
					   "the environment holds no credentials");
		return false;
	}
	if (id == NULL || secret == NULL)
	{
		ddbc_error_set(error, DDBC_ERROR_CREDENTIALS,
					   "only one of AWS_ACCESS_KEY_ID and "
					   "AWS_SECRET_ACCESS_KEY is set in the environment");
		return false;
	}
	return copy_keys(keys, id, secret, environment_value("AWS_SESSION_TOKEN"),
					 error);
}

/*
 * Reads the environment at each call.  The new keys are read before the old
 * ones are wiped, so that a failure leaves these in place.
 */
static DdbcCredentialsStatus
environment_get(DdbcCredentialsProvider *provider, int64_t now_ms,
				DdbcCredentials *credentials, DdbcError *error)
{
	KeyProvider *self = (KeyProvider *) provider;
	KeySet keys = {0};

	(void) now_ms;
	if (!read_environment(&keys, error))
		return DDBC_CREDENTIALS_FAILED;
	wipe_keys(&self->keys);
	self->keys = keys;
	show_keys(&self->keys, credentials);
	return DDBC_CREDENTIALS_READY;
}

static bool
equal_or_both_null(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/*
 * True if the environment has other keys by now, with which another try is
 * worth while.
 */
static bool
environment_invalidate(DdbcCredentialsProvider *provider)
{
	const KeySet *keys = &((KeyProvider *) provider)->keys;

	return !equal_or_both_null(keys->access_key_id,
							   environment_value("AWS_ACCESS_KEY_ID")) ||
		   !equal_or_both_null(keys->secret_access_key,
							   environment_value("AWS_SECRET_ACCESS_KEY")) ||
		   !equal_or_both_null(keys->session_token,
							   environment_value("AWS_SESSION_TOKEN"));
}

static const DdbcCredentialsMethods environment_methods = {
	.source = "environment",
	.get = environment_get,
	.invalidate = environment_invalidate,
	.free = key_provider_free,
};

/*
 * An empty provider with these methods.  NULL with *error set when memory is
 * short.
 */
static KeyProvider *
create_provider(const DdbcCredentialsMethods *methods, DdbcError *error)
{
	KeyProvider *self = calloc(1, sizeof(*self));

	if (self == NULL)
		ddbc_error_set(error, DDBC_ERROR_NO_MEMORY, "out of memory");
	else
		self->base.methods = methods;
	return self;
}

/* The provider never renews its keys: an expired token is reported as it is. */
DdbcCredentialsProvider *
ddbc_credentials_static(const char *access_key_id,
						const char *secret_access_key,
						const char *session_token, DdbcError *error)
{
	KeyProvider *self = create_provider(&static_methods, error);

	if (self == NULL)
		return NULL;
	if (!copy_keys(&self->keys, access_key_id, secret_access_key, session_token,
				   error))
	{
		free(self);
		return NULL;
	}
	return &self->base;
}

DdbcCredentialsProvider *
ddbc_credentials_environment(DdbcError *error)
{
	KeyProvider *self = create_provider(&environment_methods, error);

	return self == NULL ? NULL : &self->base;
}

DdbcCredentialsStatus
ddbc_credentials_get(DdbcCredentialsProvider *provider, int64_t now_ms,
					 DdbcCredentials *credentials, DdbcError *error)
{
	return provider->methods->get(provider, now_ms, credentials, error);
}

bool
ddbc_credentials_invalidate(DdbcCredentialsProvider *provider)
{
	return provider->methods->invalidate(provider);
}

const char *
ddbc_credentials_source(const DdbcCredentialsProvider *provider)
{
	return provider->methods->source;
}

void
ddbc_credentials_free(DdbcCredentialsProvider *provider)
{
	if (provider != NULL)
		provider->methods->free(provider);
}
