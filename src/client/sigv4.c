/* SPDX-License-Identifier: PostgreSQL */
/*
 * sigv4.c
 *		AWS Signature Version 4, stage by stage (dynamodb.md section 8.1).
 *
 * Not libcurl's CURLOPT_AWS_SIGV4: that signs different headers in different
 * releases, takes no time of ours and derives the key again at every request.
 */
#include "client/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"
#define MAX_SIGNED_HEADERS 5

typedef struct SignedHeader
{
	const char *name;
	const char *value;
} SignedHeader;

/*
 * Writes UTC, as "20261101T101112Z". date is undefined when this returns
 * false.
 */
bool
ddbc_sigv4_format_date(int64_t epoch_seconds, char *date)
{
	time_t when = (time_t) epoch_seconds;
	struct tm parts;

	if (gmtime_r(&when, &parts) == NULL)
		return false;
	return strftime(date, DDBC_SIGV4_DATE_LEN + 1, "%Y%m%dT%H%M%SZ", &parts) ==
		   DDBC_SIGV4_DATE_LEN;
}

/*
 * Lower case, as SigV4 wants it; hex has room for DDBC_SIGV4_HEX_LEN
 * characters and a NUL.
 */
static void
to_hex(const unsigned char *hash, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < DDBC_SIGV4_HASH_LEN; i++)
	{
		hex[2 * i] = digits[hash[i] >> 4];
		hex[2 * i + 1] = digits[hash[i] & 15];
	}
	hex[DDBC_SIGV4_HEX_LEN] = '\0';
}

static void
hash_to_hex(const void *data, size_t len, char *hex)
{
	unsigned char hash[DDBC_SIGV4_HASH_LEN];

	SHA256(data, len, hash);
	to_hex(hash, hex);
}

/*
 * Fills headers with those that are signed, sorted by name as SigV4 wants
 * them, and returns how many.
 */
static int
list_headers(const DdbcSigv4Request *request, SignedHeader *headers)
{
	int n = 0;

	headers[n++] = (SignedHeader){"content-type", request->content_type};
	headers[n++] = (SignedHeader){"host", request->host};
	headers[n++] = (SignedHeader){"x-amz-date", request->amz_date};
	if (request->security_token != NULL)
		headers[n++] =
			(SignedHeader){"x-amz-security-token", request->security_token};
	if (request->target != NULL)
		headers[n++] = (SignedHeader){"x-amz-target", request->target};
	return n;
}

/*
 * Copies text with its NUL to to, which must have room for it.  Returns where
 * the NUL is.
 */
static char *
append(char *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(to, text, len + 1);
	return to + len;
}

/*
 * Appends a header's value as it is signed: trimmed, and with runs of spaces
 * made one.
 */
static char *
append_value(char *to, const char *value)
{
	while (*value == ' ')
		value++;
	for (; *value != '\0'; value++)
	{
		if (*value == ' ' && (value[1] == ' ' || value[1] == '\0'))
			continue;
		*to++ = *value;
	}
	*to = '\0';
	return to;
}

/*
 * Writes the names with semicolons between, in the order of list_headers(),
 * which is sorted.  Returns where it ends.
 */
static char *
append_header_names(char *to, const DdbcSigv4Request *request)
{
	SignedHeader headers[MAX_SIGNED_HEADERS];
	int n = list_headers(request, headers);
	int i;

	for (i = 0; i < n; i++)
	{
		if (i > 0)
			to = append(to, ";");
		to = append(to, headers[i].name);
	}
	return to;
}

/*
 * The first stage of signing.  The method is always POST and the path always
 * "/".  The result quotes the session token, so the caller wipes it.
 */
char *
ddbc_sigv4_canonical_request(const DdbcSigv4Request *request)
{
	SignedHeader headers[MAX_SIGNED_HEADERS];
	char payload_hash[DDBC_SIGV4_HEX_LEN + 1];
	int n = list_headers(request, headers);
	size_t size = sizeof("POST\n/\n\n\n\n") + sizeof(payload_hash);
	char *canonical;
	char *to;
	int i;

	/* each name stands there twice, with ":" and "\n" or with ";" */
	for (i = 0; i < n; i++)
		size += 2 * strlen(headers[i].name) + strlen(headers[i].value) + 3;
	canonical = malloc(size);
	if (canonical == NULL)
		return NULL;

	to = append(canonical, "POST\n/\n\n");
	for (i = 0; i < n; i++)
	{
		to = append(to, headers[i].name);
		to = append(to, ":");
		to = append_value(to, headers[i].value);
		to = append(to, "\n");
	}
	to = append(to, "\n");
	to = append_header_names(to, request);
	to = append(to, "\n");
	hash_to_hex(request->payload, request->payload_len, payload_hash);
	append(to, payload_hash);
	return canonical;
}

/*
 * The second stage: algorithm, date, scope, and the hash of the first.
 * malloc'd; NULL when memory is short.
 */
char *
ddbc_sigv4_string_to_sign(const char *canonical_request, const char *amz_date,
						  const DdbcSigv4Scope *scope)
{
	char hash[DDBC_SIGV4_HEX_LEN + 1];
	size_t size = sizeof(ALGORITHM TERMINATOR "\n\n\n///") +
				  DDBC_SIGV4_DATE_LEN + DDBC_SIGV4_DAY_LEN +
				  DDBC_SIGV4_HEX_LEN + strlen(scope->region) +
				  strlen(scope->service);
	char *text = malloc(size);

	if (text == NULL)
		return NULL;
	hash_to_hex(canonical_request, strlen(canonical_request), hash);
	snprintf(text, size, "%s\n%.*s\n%.*s/%s/%s/%s\n%s", ALGORITHM,
			 DDBC_SIGV4_DATE_LEN, amz_date, DDBC_SIGV4_DAY_LEN, amz_date,
			 scope->region, scope->service, TERMINATOR, hash);
	return text;
}

/*
 * HMAC-SHA256 into result, of DDBC_SIGV4_HASH_LEN bytes.  False when OpenSSL
 * fails.
 */
static bool
hmac(const void *key, size_t key_len, const char *text, size_t text_len,
	 unsigned char *result)
{
	unsigned int len = 0;

	return HMAC(EVP_sha256(), key, (int) key_len, (const unsigned char *) text,
				text_len, result, &len) != NULL;
}

/*
 * The third stage: a chain of four HMACs that begins with the secret.
 * Intermediate keys are kept for golden tests; the copy of the secret is
 * wiped.
 */
bool
ddbc_sigv4_derive_key(DdbcSigv4Key *key, const char *secret, const char *day,
					  const DdbcSigv4Scope *scope)
{
	size_t size = strlen(secret) + sizeof("AWS4");
	char *start = malloc(size);
	bool ok;

	if (start == NULL)
		return false;
	snprintf(start, size, "AWS4%s", secret);
	ok = hmac(start, size - 1, day, DDBC_SIGV4_DAY_LEN, key->date) &&
		 hmac(key->date, sizeof(key->date), scope->region,
			  strlen(scope->region), key->region) &&
		 hmac(key->region, sizeof(key->region), scope->service,
			  strlen(scope->service), key->service) &&
		 hmac(key->service, sizeof(key->service), TERMINATOR,
			  strlen(TERMINATOR), key->signing);
	OPENSSL_cleanse(start, size);
	free(start);
	return ok;
}

/*
 * One hash over all that a key depends on.  Lengths are in it, so that no two
 * different inputs read the same.
 */
static bool
fingerprint(const char *secret, const char *day, const DdbcSigv4Scope *scope,
			unsigned char *hash)
{
	const char *parts[] = {secret, scope->region, scope->service};
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool ok = context != NULL &&
			  EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
			  EVP_DigestUpdate(context, day, DDBC_SIGV4_DAY_LEN) == 1;
	size_t i;

	for (i = 0; ok && i < sizeof(parts) / sizeof(parts[0]); i++)
	{
		size_t len = strlen(parts[i]);

		ok = EVP_DigestUpdate(context, &len, sizeof(len)) == 1 &&
			 EVP_DigestUpdate(context, parts[i], len) == 1;
	}
	ok = ok && EVP_DigestFinal_ex(context, hash, NULL) == 1;
	EVP_MD_CTX_free(context);
	return ok;
}

/*
 * The cache holds one key and compares a fingerprint, never the secret itself.
 * A key is valid for one day in one region.
 */
const DdbcSigv4Key *
ddbc_sigv4_cached_key(DdbcSigv4KeyCache *cache, const char *secret,
					  const char *day, const DdbcSigv4Scope *scope)
{
	unsigned char made_from[DDBC_SIGV4_HASH_LEN];

	if (!fingerprint(secret, day, scope, made_from))
		return NULL;
	if (cache->filled &&
		memcmp(cache->made_from, made_from, sizeof(made_from)) == 0)
		return &cache->key;
	cache->filled = ddbc_sigv4_derive_key(&cache->key, secret, day, scope);
	memcpy(cache->made_from, made_from, sizeof(made_from));
	return cache->filled ? &cache->key : NULL;
}

void
ddbc_sigv4_wipe_cache(DdbcSigv4KeyCache *cache)
{
	OPENSSL_cleanse(cache, sizeof(*cache));
	cache->filled = false;
}

/* The last stage.  False when OpenSSL fails, for lack of memory. */
bool
ddbc_sigv4_signature(const DdbcSigv4Key *key, const char *string_to_sign,
					 char *hex)
{
	unsigned char hash[DDBC_SIGV4_HASH_LEN];

	if (!hmac(key->signing, sizeof(key->signing), string_to_sign,
			  strlen(string_to_sign), hash))
		return false;
	to_hex(hash, hex);
	return true;
}

/*
 * The value of the Authorization header around a finished signature, malloc'd.
 * NULL when memory is short.
 */
static char *
format_authorization(const DdbcSigv4Request *request,
					 const DdbcSigv4Scope *scope, const char *access_key_id,
					 const char *signature)
{
	char names[128];
	size_t size;
	char *value;

	append_header_names(names, request);
	size = strlen(access_key_id) + strlen(scope->region) +
		   strlen(scope->service) + strlen(names) + DDBC_SIGV4_HEX_LEN + 128;
	value = malloc(size);
	if (value != NULL)
		snprintf(value, size,
				 "%s Credential=%s/%.*s/%s/%s/%s, SignedHeaders=%s, "
				 "Signature=%s",
				 ALGORITHM, access_key_id, DDBC_SIGV4_DAY_LEN,
				 request->amz_date, scope->region, scope->service, TERMINATOR,
				 names, signature);
	return value;
}

/*
 * Frees every intermediate text, and wipes the one that quotes the session
 * token.
 */
char *
ddbc_sigv4_authorization(const DdbcSigv4Request *request,
						 const DdbcSigv4Scope *scope, const char *access_key_id,
						 const char *secret, DdbcSigv4KeyCache *cache)
{
	const DdbcSigv4Key *key =
		ddbc_sigv4_cached_key(cache, secret, request->amz_date, scope);
	char *canonical = ddbc_sigv4_canonical_request(request);
	char *text = NULL;
	char *value = NULL;
	char signature[DDBC_SIGV4_HEX_LEN + 1];

	if (canonical != NULL)
		text = ddbc_sigv4_string_to_sign(canonical, request->amz_date, scope);
	if (key != NULL && text != NULL &&
		ddbc_sigv4_signature(key, text, signature))
		value = format_authorization(request, scope, access_key_id, signature);

	/* it quotes the session token */
	if (canonical != NULL)
		OPENSSL_cleanse(canonical, strlen(canonical));
	free(canonical);
	free(text);
	return value;
}
