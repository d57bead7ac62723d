/* SPDX-License-Identifier: PostgreSQL */
/*
 * client_error.c
 *		What replies of the service, of proxies and of nobody become.
 *
 * cc -Isrc -Itest/unit test/unit/client_error.c test/unit/support_server.c \
 *    src/client/[a-z]*.c -lcurl -lcrypto -ljansson -lz -lcmocka -lpthread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "client/error.h"

typedef struct Expectation
{
	int status;
	const char *body;
	DdbcErrorKind kind;
	bool retryable;
	bool ambiguous;
	const char *code;
	const char *message;
} Expectation;

#define JSON(code, message)                                                    \
	"{\"__type\":\"" code "\",\"message\":\"" message "\"}"

/* A transaction of one action, cancelled. */
#define CANCELLED(code, message)                                               \
	"{\"__type\":\"x#TransactionCanceledException\",\"Message\":\"M\","        \
	"\"CancellationReasons\":[{\"Code\":\"" code "\",\"Message\":\"" message   \
	"\"}]}"

static const Expectation expectations[] = {
	{400,
	 JSON("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "m"),
	 DDBC_ERROR_TABLE_NOT_FOUND, false, false, "ResourceNotFoundException",
	 "m"},
	{400, JSON("a#b#ThrottlingException:http://x#y", "m"), DDBC_ERROR_THROTTLED,
	 true, false, "ThrottlingException", "m"},
	{400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"M\"}",
	 DDBC_ERROR_ACCESS_DENIED, false, false, "AccessDeniedException", "M"},
	{400, "{\"__type\":\"x#SerializationException\"}", DDBC_ERROR_PROTOCOL,
	 false, false, "SerializationException", "HTTP status 400"},
	{500, JSON("x#InternalServerError", "m"), DDBC_ERROR_UNAVAILABLE, true,
	 true, "InternalServerError", "m"},
	{400, JSON("x#ProvisionedThroughputExceededException", "m"),
	 DDBC_ERROR_THROTTLED, true, false,
	 "ProvisionedThroughputExceededException", "m"},
	{400, JSON("x#LimitExceededException", "m"), DDBC_ERROR_THROTTLED, true,
	 false, "LimitExceededException", "m"},
	{400, JSON("x#ExpiredTokenException", "m"), DDBC_ERROR_CREDENTIALS_EXPIRED,
	 false, false, "ExpiredTokenException", "m"},
	{400, JSON("x#UnrecognizedClientException", "m"),
	 DDBC_ERROR_CREDENTIALS_REJECTED, false, false,
	 "UnrecognizedClientException", "m"},
	{400, JSON("x#InvalidSignatureException", "Signature expired: 1 is now"),
	 DDBC_ERROR_CLOCK_SKEW, false, false, "InvalidSignatureException",
	 "Signature expired: 1 is now"},
	{403, JSON("x#InvalidSignatureException", "Signature not yet current: 1"),
	 DDBC_ERROR_CLOCK_SKEW, false, false, "InvalidSignatureException",
	 "Signature not yet current: 1"},
	/* the canonical request holds the session token */
	{403,
	 JSON("x#InvalidSignatureException",
		  "does not match.\\n\\nThe Canonical String for this request should "
		  "have been\\nx-amz-security-token:SECRET"),
	 DDBC_ERROR_CREDENTIALS_REJECTED, false, false, "InvalidSignatureException",
	 "does not match."},
	{400, JSON("x#RequestTimeTooSkewed", "m"), DDBC_ERROR_CLOCK_SKEW, false,
	 false, "RequestTimeTooSkewed", "m"},
	{400, JSON("x#ValidationException", "m"), DDBC_ERROR_VALIDATION, false,
	 false, "ValidationException", "m"},
	{400,
	 JSON("x#ValidationException",
		  "The table does not have the specified index: i"),
	 DDBC_ERROR_INDEX_NOT_FOUND, false, false, "ValidationException",
	 "The table does not have the specified index: i"},
	{400,
	 JSON("x#ValidationException",
		  "Cannot do operations on a non-existent table"),
	 DDBC_ERROR_TABLE_NOT_FOUND, false, false, "ValidationException",
	 "Cannot do operations on a non-existent table"},
	{400,
	 JSON("x#ResourceNotFoundException",
		  "Cannot do operations on a non-existent table"),
	 DDBC_ERROR_TABLE_NOT_FOUND, false, false, "ResourceNotFoundException",
	 "Cannot do operations on a non-existent table"},
	{400,
	 JSON("x#ValidationException",
		  "Item size has exceeded the maximum allowed size"),
	 DDBC_ERROR_REQUEST_TOO_LARGE, false, false, "ValidationException",
	 "Item size has exceeded the maximum allowed size"},
	{400,
	 JSON("x#ValidationException",
		  "Item size to update has exceeded the maximum allowed size"),
	 DDBC_ERROR_REQUEST_TOO_LARGE, false, false, "ValidationException",
	 "Item size to update has exceeded the maximum allowed size"},
	{400,
	 JSON("x#ValidationException",
		  "One or more parameter values were invalid: Size of hashkey has "
		  "exceeded the maximum size limit of2048 bytes"),
	 DDBC_ERROR_REQUEST_TOO_LARGE, false, false, "ValidationException",
	 "One or more parameter values were invalid: Size of hashkey has exceeded "
	 "the maximum size limit of2048 bytes"},
	{400,
	 JSON("x#ValidationException",
		  "One or more parameter values were invalid: Aggregated size of all "
		  "range keys has exceeded the size limit of 1024 bytes"),
	 DDBC_ERROR_REQUEST_TOO_LARGE, false, false, "ValidationException",
	 "One or more parameter values were invalid: Aggregated size of all range "
	 "keys has exceeded the size limit of 1024 bytes"},
	{400,
	 JSON("x#ValidationException",
		  "Hash primary key values must be under 2048 bytes, and range primary "
		  "key values must be under 1024 bytes"),
	 DDBC_ERROR_REQUEST_TOO_LARGE, false, false, "ValidationException",
	 "Hash primary key values must be under 2048 bytes, and range primary key "
	 "values must be under 1024 bytes"},
	{400,
	 JSON("x#ValidationException",
		  "One or more parameter values were invalid: Size limit exceeded"),
	 DDBC_ERROR_REQUEST_TOO_LARGE, false, false, "ValidationException",
	 "One or more parameter values were invalid: Size limit exceeded"},
	{400,
	 JSON("x#ValidationException",
		  "Attribute name is too large, must be less than 65536 bytes"),
	 DDBC_ERROR_REQUEST_TOO_LARGE, false, false, "ValidationException",
	 "Attribute name is too large, must be less than 65536 bytes"},
	{400,
	 JSON("x#ValidationException",
		  "Nesting Levels have exceeded supported limits"),
	 DDBC_ERROR_REQUEST_TOO_LARGE, false, false, "ValidationException",
	 "Nesting Levels have exceeded supported limits"},
	{400,
	 JSON("x#ValidationException",
		  "Number overflow. Attempting to store a number with magnitude larger "
		  "than supported range"),
	 DDBC_ERROR_NUMBER_RANGE, false, false, "ValidationException",
	 "Number overflow. Attempting to store a number with magnitude larger than "
	 "supported range"},
	{400,
	 JSON("x#ValidationException",
		  "Number underflow. Attempting to store a number with magnitude "
		  "smaller than supported range"),
	 DDBC_ERROR_NUMBER_RANGE, false, false, "ValidationException",
	 "Number underflow. Attempting to store a number with magnitude smaller "
	 "than supported range"},
	{400,
	 JSON("x#ValidationException",
		  "Attempting to store more than 38 significant digits in a Number"),
	 DDBC_ERROR_NUMBER_RANGE, false, false, "ValidationException",
	 "Attempting to store more than 38 significant digits in a Number"},
	{400,
	 JSON("x#ValidationException",
		  "DynamoDB only supports precision up to 38 digits"),
	 DDBC_ERROR_NUMBER_RANGE, false, false, "ValidationException",
	 "DynamoDB only supports precision up to 38 digits"},
	{400,
	 JSON("x#ValidationException",
		  "One or more parameter values were invalid: Type mismatch for key pk "
		  "expected: S actual: N"),
	 DDBC_ERROR_KEY_VALUE, false, false, "ValidationException",
	 "One or more parameter values were invalid: Type mismatch for key pk "
	 "expected: S actual: N"},
	{400,
	 JSON("x#ValidationException",
		  "One or more parameter values were invalid: Type mismatch for Index "
		  "Key g Expected: S Actual: N IndexName: i"),
	 DDBC_ERROR_KEY_VALUE, false, false, "ValidationException",
	 "One or more parameter values were invalid: Type mismatch for Index Key g "
	 "Expected: S Actual: N IndexName: i"},
	{400,
	 JSON("x#ValidationException",
		  "One or more parameter values are not valid. The AttributeValue for "
		  "a key attribute cannot contain an empty string value. Key: p"),
	 DDBC_ERROR_KEY_VALUE, false, false, "ValidationException",
	 "One or more parameter values are not valid. The AttributeValue for a key "
	 "attribute cannot contain an empty string value. Key: p"},
	{400,
	 JSON("x#ValidationException", "One or more parameter values were invalid: "
								   "Missing the key pk in the item"),
	 DDBC_ERROR_KEY_VALUE, false, false, "ValidationException",
	 "One or more parameter values were invalid: Missing the key pk in the "
	 "item"},
	{400,
	 JSON("x#ValidationException",
		  "One of the required keys was not given a value"),
	 DDBC_ERROR_KEY_VALUE, false, false, "ValidationException",
	 "One of the required keys was not given a value"},
	{400,
	 JSON("x#ValidationException",
		  "The provided key element does not match the schema"),
	 DDBC_ERROR_KEY_VALUE, false, false, "ValidationException",
	 "The provided key element does not match the schema"},
	{400, JSON("x#TransactionConflictException", "m"),
	 DDBC_ERROR_TRANSACTION_CONFLICT, true, false,
	 "TransactionConflictException", "m"},
	{400,
	 "{\"__type\":\"x#TransactionCanceledException\",\"Message\":\"M\","
	 "\"CancellationReasons\":[{\"Code\":\"None\"},"
	 "{\"Code\":\"TransactionConflict\"}]}",
	 DDBC_ERROR_TRANSACTION_CONFLICT, true, false,
	 "TransactionCanceledException", "M"},
	/* for one reason alone: with its words */
	{400, CANCELLED("ConditionalCheckFailed", "The conditional request failed"),
	 DDBC_ERROR_CONDITION_FAILED, false, false, "TransactionCanceledException",
	 "The conditional request failed"},
	{400, CANCELLED("ThrottlingError", "t"), DDBC_ERROR_THROTTLED, true, false,
	 "TransactionCanceledException", "t"},
	{400, CANCELLED("ProvisionedThroughputExceeded", ""), DDBC_ERROR_THROTTLED,
	 true, false, "TransactionCanceledException", "M"},
	{400, CANCELLED("ItemCollectionSizeLimitExceeded", "c"),
	 DDBC_ERROR_COLLECTION_TOO_LARGE, false, false,
	 "TransactionCanceledException", "c"},
	{400, CANCELLED("ValidationError", "v"), DDBC_ERROR_VALIDATION, false,
	 false, "TransactionCanceledException", "v"},
	{400, CANCELLED("ValidationError", "Type mismatch for key"),
	 DDBC_ERROR_KEY_VALUE, false, false, "TransactionCanceledException",
	 "Type mismatch for key"},
	{400, CANCELLED("BrandNew", "b"), DDBC_ERROR_TRANSACTION_CANCELED, false,
	 false, "TransactionCanceledException", "M"},
	{400, JSON("x#TransactionCanceledException", "m"),
	 DDBC_ERROR_TRANSACTION_CANCELED, false, false,
	 "TransactionCanceledException", "m"},
	{400,
	 "{\"__type\":\"x#TransactionCanceledException\",\"Message\":\"M\","
	 "\"CancellationReasons\":7}",
	 DDBC_ERROR_TRANSACTION_CANCELED, false, false,
	 "TransactionCanceledException", "M"},
	{400, JSON("x#TransactionInProgressException", "m"),
	 DDBC_ERROR_TRANSACTION_IN_PROGRESS, true, true,
	 "TransactionInProgressException", "m"},
	{400,
	 "{\"__type\":\"x#TransactionCanceledException\",\"Message\":\"M\","
	 "\"CancellationReasons\":[{\"Code\":\"ThrottlingError\"},"
	 "{\"Code\":\"ConditionalCheckFailed\"}]}",
	 DDBC_ERROR_TRANSACTION_CANCELED, false, false,
	 "TransactionCanceledException", "M"},
	{400,
	 "{\"__type\":\"x#ThrottlingException\",\"message\":\"m\","
	 "\"throttlingReasons\":[{\"reason\":\"TableRead\",\"resource\":"
	 "\"arn:t\"},{\"reason\":\"IndexRead\"}]}",
	 DDBC_ERROR_THROTTLED, true, false, "ThrottlingException",
	 "m (TableRead on arn:t; IndexRead)"},
	{400,
	 "{\"__type\":\"x#RequestLimitExceeded\",\"message\":\"m\","
	 "\"ThrottlingReasons\":[{\"reason\":\"R\",\"resource\":\"a\"}]}",
	 DDBC_ERROR_THROTTLED, true, false, "RequestLimitExceeded", "m (R on a)"},
	/* an item holds what jansson refuses, the code counts all the same */
	{400,
	 "{\"Item\":{\"a\\u0000b\":{\"S\":\"\\ud800 \\\\u0000 \\u0000\"}},"
	 "\"__type\":\"x#ConditionalCheckFailedException\","
	 "\"message\":\"\\uD83D m \\ud7ff \\\\ud800\"}",
	 DDBC_ERROR_CONDITION_FAILED, false, false,
	 "ConditionalCheckFailedException", "\xef\xbf\xbd m \xed\x9f\xbf \\ud800"},
	{400, "{\"__type\":\"x#ThrottlingException\",\"message\":\"\\u00",
	 DDBC_ERROR_PROTOCOL, false, false, "",
	 "{\"__type\":\"x#ThrottlingException\",\"message\":\"\\u00"},
	/* nothing known but the status */
	{400, JSON("x#BrandNewException", "m"), DDBC_ERROR_PROTOCOL, false, false,
	 "BrandNewException", "m"},
	{413, "{\"Message\":\"\"}", DDBC_ERROR_REQUEST_TOO_LARGE, false, false, "",
	 "HTTP status 413"},
	{429, "", DDBC_ERROR_THROTTLED, true, false, "", "HTTP status 429"},
	{503, "<b>\r\n\tBusy</b> \xff\x01 caf\xc3\xa9\n", DDBC_ERROR_UNAVAILABLE,
	 true, true, "", "<b> Busy</b> ? caf\xc3\xa9"},
	{502, "[1]", DDBC_ERROR_UNAVAILABLE, true, true, "", "[1]"},
	{504, "", DDBC_ERROR_UNAVAILABLE, true, true, "", "HTTP status 504"},
	{403, "go away", DDBC_ERROR_PROXY_DENIED, false, false, "", "go away"},
	{407, "", DDBC_ERROR_PROXY_DENIED, false, false, "", "HTTP status 407"},
	{301, "", DDBC_ERROR_PROTOCOL, false, false, "", "HTTP status 301"},
	{400, "{\"__type\":7,\"message\":{}}", DDBC_ERROR_PROTOCOL, false, false,
	 "", "HTTP status 400"},
};

static void
test_replies(void **state)
{
	size_t i;

	(void) state;
	for (i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++)
	{
		const Expectation *expected = &expectations[i];
		DdbcError error;

		ddbc_error_from_reply(&error, expected->status, expected->body,
							  strlen(expected->body), "REQ");
		assert_string_equal(error.code, expected->code);
		assert_string_equal(error.message, expected->message);
		assert_int_equal(error.kind, expected->kind);
		assert_int_equal(error.retryable, expected->retryable);
		assert_int_equal(error.ambiguous, expected->ambiguous);
		assert_int_equal(error.foreign, expected->code[0] == '\0');
		assert_int_equal(error.http_status, expected->status);
		assert_string_equal(error.request_id, "REQ");
	}
}

/* Every code of dynamodb.md 6.1 is known: none falls back on its status. */
static void
test_all_codes(void **state)
{
	static const char *const codes[] = {
		"Throttling",
		"ThrottledException",
		"RequestThrottled",
		"RequestThrottledException",
		"TooManyRequestsException",
		"SlowDown",
		"InternalFailure",
		"ServiceUnavailable",
		"ServiceUnavailableException",
		"RequestTimeout",
		"RequestTimeoutException",
		"PriorRequestNotComplete",
		"ExpiredToken",
		"SignatureDoesNotMatch",
		"RequestExpired",
		"RequestInTheFuture",
		"AuthFailure",
		"MissingAuthenticationTokenException",
		"MissingAuthenticationToken",
		"IncompleteSignatureException",
		"InvalidClientTokenId",
		"NotAuthorized",
		"IndexNotFoundException",
		"ResourceInUseException",
		"TableInUseException",
		"TableAlreadyExistsException",
		"ConditionalCheckFailedException",
		"DuplicateItemException",
		"TransactionInProgressException",
		"ItemCollectionSizeLimitExceededException",
		"ReplicatedWriteConflictException",
		"ExpiredIteratorException",
		"TrimmedDataAccessException",
	};
	size_t i;

	(void) state;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
	{
		char body[200];
		DdbcError error;

		snprintf(body, sizeof(body), "{\"__type\":\"x#%s\"}", codes[i]);
		ddbc_error_from_reply(&error, 200, body, strlen(body), NULL);
		assert_string_equal(error.code, codes[i]);
		assert_int_not_equal(error.kind, DDBC_ERROR_PROTOCOL);
	}
}

/* Cut at a character, never inside one; foreign text after 200 bytes. */
static void
test_long_texts(void **state)
{
	char body[4000];
	DdbcError error;
	size_t i;

	(void) state;
	for (i = 0; i < 3999; i += 3)
		memcpy(body + i, "\xe2\x82\xac", 3);
	ddbc_error_from_reply(&error, 503, body, 3999, NULL);
	assert_int_equal(strlen(error.message), 198);
	body[3999] = '\0';
	ddbc_error_set(&error, DDBC_ERROR_CONFIG, "%s", body);
	assert_int_equal(strlen(error.message), 1023);
	ddbc_error_set(&error, DDBC_ERROR_CONFIG, "x%s", body);
	/* what vsnprintf cut in two becomes question marks */
	assert_int_equal(strlen(error.message), 1023);
	assert_string_equal(error.message + 1021, "??");
}

static void
test_bad_utf8(void **state)
{
	static const char *const cases[][2] = {
		{"a\xc0\x80z", "a??z"}, /* overlong */
		{"a\xed\xa0\x80z", "a???z"}, /* surrogate */
		{"a\xf4\x90\x80\x80z", "a????z"},
		{"a\xe2\x82", "a??"},
		{"a\xc2\x85\xe2\x80\xa8z", "a z"}, /* NEL, line separator */
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
		{" \n x \n ", "x"},
	};
	size_t i;
	DdbcError error;

	(void) state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ddbc_error_set(&error, DDBC_ERROR_NETWORK, "%s", cases[i][0]);
		assert_string_equal(error.message, cases[i][1]);
	}
}

/* The arguments may come from the error that is being set. */
static void
test_set_from_itself(void **state)
{
	DdbcError error;

	(void) state;
	ddbc_error_set(&error, DDBC_ERROR_NETWORK, "inner");
	error.attempts = 3;
	ddbc_error_set(&error, DDBC_ERROR_TLS, "outer: %s", error.message);
	assert_string_equal(error.message, "outer: inner");
	assert_int_equal(error.kind, DDBC_ERROR_TLS);
	assert_int_equal(error.attempts, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_all_codes),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_bad_utf8),
		cmocka_unit_test(test_set_from_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
