/* SPDX-License-Identifier: PostgreSQL */
/*
 * client_sigv4.c
 *		Every stage of the signer against the vectors of dynamodb.md 8.2, on
 *		which botocore and an independent implementation agree.
 *
 * cc -Isrc -Itest/unit test/unit/client_sigv4.c test/unit/support_server.c \
 *    src/client/[a-z]*.c -lcurl -lcrypto -ljansson -lz -lcmocka -lpthread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "client/sigv4.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TOKEN "AQoDYXdzEPT//////////wEXAMPLEtoken+/=="
#define DATE "20260115T123456Z"

static const char query_body[] =
	"{\"TableName\":\"Music\",\"KeyConditionExpression\":\"#a = :v\","
	"\"ExpressionAttributeNames\":{\"#a\":\"Artist\"},"
	"\"ExpressionAttributeValues\":{\":v\":{\"S\":\"Bj\xc3\xb6rk\"}}}";

static const char sts_body[] =
	"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A"
	"123456789012%3Arole%2Fddb-reader&RoleSessionName=pgfdw-1"
	"&DurationSeconds=3600";

static const DdbcSigv4Scope dynamodb = {"us-east-1", "dynamodb"};
static const DdbcSigv4Scope sts = {"us-east-1", "sts"};

static const DdbcSigv4Request with_token = {
	.content_type = "application/x-amz-json-1.0",
	.host = "dynamodb.us-east-1.amazonaws.com",
	.amz_date = DATE,
	.security_token = TOKEN,
	.target = "DynamoDB_20120810.Query",
	.payload = query_body,
	.payload_len = sizeof(query_body) - 1,
};

static void
assert_hash(const unsigned char *hash, const char *expected)
{
	char hex[65];
	int i;

	for (i = 0; i < 32; i++)
		snprintf(hex + (size_t) 2 * (size_t) i, 3, "%02x", hash[i]);
	assert_string_equal(hex, expected);
}

/* All stages of one request after the canonical text itself. */
static void
check_signature(const DdbcSigv4Request *request, const DdbcSigv4Scope *scope,
				const char *canonical_hash, const char *signature)
{
	char *canonical = ddbc_sigv4_canonical_request(request);
	unsigned char hash[32];
	DdbcSigv4Key key;
	char hex[65];
	char *text;

	assert_non_null(canonical);
	SHA256((const unsigned char *) canonical, strlen(canonical), hash);
	assert_hash(hash, canonical_hash);
	text = ddbc_sigv4_string_to_sign(canonical, request->amz_date, scope);
	assert_non_null(strstr(text, canonical_hash));
	assert_true(ddbc_sigv4_derive_key(&key, SECRET, DATE, scope));
	assert_true(ddbc_sigv4_signature(&key, text, hex));
	assert_string_equal(hex, signature);
	free(canonical);
	free(text);
}

static void
test_canonical_request(void **state)
{
	char *text = ddbc_sigv4_canonical_request(&with_token);

	(void) state;
	assert_int_equal(with_token.payload_len, 149);
	assert_string_equal(text,
						"POST\n/\n\n"
						"content-type:application/x-amz-json-1.0\n"
						"host:dynamodb.us-east-1.amazonaws.com\n"
						"x-amz-date:" DATE "\n"
						"x-amz-security-token:" TOKEN "\n"
						"x-amz-target:DynamoDB_20120810.Query\n"
						"\n"
						"content-type;host;x-amz-date;x-amz-security-token;"
						"x-amz-target\n"
						"821df3ad2e5c3429c48cc1ba263dd0df"
						"03da824ca5bf99efdc60c9b2712e12d1");
	free(text);
}

static void
test_string_to_sign(void **state)
{
	char *canonical = ddbc_sigv4_canonical_request(&with_token);
	char *text = ddbc_sigv4_string_to_sign(canonical, DATE, &dynamodb);

	(void) state;
	assert_string_equal(text, "AWS4-HMAC-SHA256\n" DATE "\n"
							  "20260115/us-east-1/dynamodb/aws4_request\n"
							  "1115152122023ace0ccf1d5da41c88a6"
							  "efad6fee2bb0a8f6bf8f54f02d2a1934");
	free(canonical);
	free(text);
}

static void
test_key_steps(void **state)
{
	DdbcSigv4Key key;

	(void) state;
	assert_true(ddbc_sigv4_derive_key(&key, SECRET, DATE, &dynamodb));
	assert_hash(key.date, "3b871eb9be3e2866e4451da9d2a59e07"
						  "8c9535db363972684d5ce611285d3bea");
	assert_hash(key.region, "6eb6a882a13bb16f880bede1e99cbdcc"
							"584a50d19c4562a95391ab297d619526");
	assert_hash(key.service, "2e12dc0afee7f2cddda9ced692856a28"
							 "c271dcffb28094933bebd17b5ad6b8dc");
	assert_hash(key.signing, "3e5a90f95f619d04564f5b5d1eb996f9"
							 "c05830e937ab4a9be934e1ea8614395d");
}

static void
test_signatures(void **state)
{
	DdbcSigv4Request without_token = with_token;
	DdbcSigv4Request assume_role = {
		.content_type = "application/x-www-form-urlencoded; charset=utf-8",
		.host = "sts.us-east-1.amazonaws.com",
		.amz_date = DATE,
		.payload = sts_body,
		.payload_len = sizeof(sts_body) - 1,
	};

	(void) state;
	check_signature(
		&with_token, &dynamodb,
		"1115152122023ace0ccf1d5da41c88a6efad6fee2bb0a8f6bf8f54f02d2a1934",
		"49c22ecd2008b880bcfeb597b73da6c85765bc18a35109fd5c6fe4b3e81cdcdc");
	without_token.security_token = NULL;
	check_signature(
		&without_token, &dynamodb,
		"9884103bebd2c47dde1da918d19c6b271c39009eacffcf34f630ed58f5213974",
		"1080a521beba07c9e05b02e612d389ff4ae059b5532d763781cd221cf5518a4a");
	check_signature(
		&assume_role, &sts,
		"876a717ab8481891c25006b175d2d27a7462c3567eca948f75e2775a433a4188",
		"994ca41a89b75388192e4fea75c0063b90e5a114950c586360a9374ea713ed08");
	/* values are trimmed and runs of blanks collapsed */
	assume_role.content_type =
		"  application/x-www-form-urlencoded;   charset=utf-8 ";
	check_signature(
		&assume_role, &sts,
		"876a717ab8481891c25006b175d2d27a7462c3567eca948f75e2775a433a4188",
		"994ca41a89b75388192e4fea75c0063b90e5a114950c586360a9374ea713ed08");
}

static void
test_authorization(void **state)
{
	DdbcSigv4KeyCache cache = {0};
	char *value = ddbc_sigv4_authorization(&with_token, &dynamodb,
										   "AKIDEXAMPLE", SECRET, &cache);

	(void) state;
	assert_string_equal(
		value,
		"AWS4-HMAC-SHA256 "
		"Credential=AKIDEXAMPLE/20260115/us-east-1/dynamodb/aws4_request, "
		"SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;"
		"x-amz-target, Signature="
		"49c22ecd2008b880bcfeb597b73da6c85765bc18a35109fd5c6fe4b3e81cdcdc");
	free(value);
	ddbc_sigv4_wipe_cache(&cache);
	assert_false(cache.filled);
}

/* A cached key never outlives what it was made from. */
static void
test_key_cache(void **state)
{
	DdbcSigv4KeyCache cache = {0};
	DdbcSigv4Key expected;
	const DdbcSigv4Key *key;
	const char *secrets[] = {SECRET, SECRET, "other", SECRET, SECRET};
	const char *days[] = {DATE, DATE, DATE, "20260116", "20260116"};
	const DdbcSigv4Scope *scopes[] = {&dynamodb, &dynamodb, &dynamodb,
									  &dynamodb, &sts};
	int i;

	(void) state;
	for (i = 0; i < 5; i++)
	{
		key = ddbc_sigv4_cached_key(&cache, secrets[i], days[i], scopes[i]);
		assert_true(
			ddbc_sigv4_derive_key(&expected, secrets[i], days[i], scopes[i]));
		assert_memory_equal(key, &expected, sizeof(expected));
	}
}

static void
test_date(void **state)
{
	char date[DDBC_SIGV4_DATE_LEN + 1];

	(void) state;
	assert_true(ddbc_sigv4_format_date(1768480496, date));
	assert_string_equal(date, DATE);
	assert_true(ddbc_sigv4_format_date(0, date));
	assert_string_equal(date, "19700101T000000Z");
	assert_false(ddbc_sigv4_format_date(INT64_MAX, date));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical_request),
		cmocka_unit_test(test_string_to_sign),
		cmocka_unit_test(test_key_steps),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_authorization),
		cmocka_unit_test(test_key_cache),
		cmocka_unit_test(test_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
