/* SPDX-License-Identifier: PostgreSQL */
/*
 * sigv4.h
 *		AWS Signature Version 4 for a POST to "/" without a query string.
 *
 * That is all that DynamoDB and STS need, and it spares every question of URI
 * encoding.  The stages are separate functions, so that each can be held
 * against known values; the time is an argument everywhere.
 */
#ifndef DDBC_SIGV4_H
#define DDBC_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DDBC_SIGV4_DATE_LEN 16 /* 20260115T123456Z */
#define DDBC_SIGV4_DAY_LEN 8 /* the first of these */
#define DDBC_SIGV4_HASH_LEN 32
#define DDBC_SIGV4_HEX_LEN 64

/* What is signed.  Nothing is copied; values are those that go on the wire. */
typedef struct DdbcSigv4Request
{
	const char *content_type;
	const char *host;
	const char *amz_date; /* DDBC_SIGV4_DATE_LEN characters */
	const char *security_token; /* NULL: none */
	const char *target; /* NULL: none (STS) */
	const char *payload;
	size_t payload_len;
} DdbcSigv4Request;

/* For whom: the scope of a signature without its day. */
typedef struct DdbcSigv4Scope
{
	const char *region;
	const char *service;
} DdbcSigv4Scope;

/* The four steps from secret to signing key. */
typedef struct DdbcSigv4Key
{
	unsigned char date[DDBC_SIGV4_HASH_LEN];
	unsigned char region[DDBC_SIGV4_HASH_LEN];
	unsigned char service[DDBC_SIGV4_HASH_LEN];
	unsigned char signing[DDBC_SIGV4_HASH_LEN];
} DdbcSigv4Key;

/*
 * The key of the day, made anew when day, region, service or secret change.
 * Zeroed memory is an empty cache.  Holds a hash of what it was made from,
 * not the secret.
 */
typedef struct DdbcSigv4KeyCache
{
	bool filled;
	unsigned char made_from[DDBC_SIGV4_HASH_LEN];
	DdbcSigv4Key key;
} DdbcSigv4KeyCache;

/* date: DDBC_SIGV4_DATE_LEN + 1 bytes.  False: a time without a date. */
extern bool ddbc_sigv4_format_date(int64_t epoch_seconds, char *date);

/* malloc'd, NULL when memory is short. */
extern char *ddbc_sigv4_canonical_request(const DdbcSigv4Request *request);
extern char *ddbc_sigv4_string_to_sign(const char *canonical_request,
									   const char *amz_date,
									   const DdbcSigv4Scope *scope);

/* day: its first DDBC_SIGV4_DAY_LEN characters count.  False: no memory. */
extern bool ddbc_sigv4_derive_key(DdbcSigv4Key *key, const char *secret,
								  const char *day, const DdbcSigv4Scope *scope);

/* The same through a cache; points into it.  NULL when memory is short. */
extern const DdbcSigv4Key *ddbc_sigv4_cached_key(DdbcSigv4KeyCache *cache,
												 const char *secret,
												 const char *day,
												 const DdbcSigv4Scope *scope);
extern void ddbc_sigv4_wipe_cache(DdbcSigv4KeyCache *cache);

/* hex: DDBC_SIGV4_HEX_LEN + 1 bytes. */
extern bool ddbc_sigv4_signature(const DdbcSigv4Key *key,
								 const char *string_to_sign, char *hex);

/*
 * All stages: the value of the Authorization header, malloc'd.  NULL when
 * memory is short.
 */
extern char *ddbc_sigv4_authorization(const DdbcSigv4Request *request,
									  const DdbcSigv4Scope *scope,
									  const char *access_key_id,
									  const char *secret,
									  DdbcSigv4KeyCache *cache);

#endif /* DDBC_SIGV4_H */
