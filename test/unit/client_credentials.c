/* SPDX-License-Identifier: PostgreSQL */
/*
 * client_credentials.c
 *		Static keys and the environment; nothing secret in messages.
 *
 * cc -Isrc -Itest/unit test/unit/client_credentials.c test/unit/support_server.c \
 *    src/client/[a-z]*.c -lcurl -lcrypto -ljansson -lz -lcmocka -lpthread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "client/credentials.h"

static void
set_environment(const char *id, const char *secret, const char *token)
{
	const char *names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
						   "AWS_SESSION_TOKEN"};
	const char *values[] = {id, secret, token};
	int i;

	for (i = 0; i < 3; i++)
		if (values[i] != NULL)
			setenv(names[i], values[i], 1);
		else
			unsetenv(names[i]);
}

static void
test_static(void **state)
{
	char secret[] = "s3cr/t+=";
	DdbcError error;
	DdbcCredentials credentials;
	DdbcCredentialsProvider *provider =
		ddbc_credentials_static("AKID", secret, "tok/en==", &error);

	(void) state;
	memset(secret, 'x', 8);
	assert_int_equal(ddbc_credentials_get(provider, 0, &credentials, &error),
					 DDBC_CREDENTIALS_READY);
	assert_string_equal(credentials.access_key_id, "AKID");
	assert_string_equal(credentials.secret_access_key, "s3cr/t+=");
	assert_string_equal(credentials.session_token, "tok/en==");
	assert_int_equal(credentials.expires_ms, 0);
	assert_false(ddbc_credentials_invalidate(provider));
	assert_string_equal(ddbc_credentials_source(provider), "static");
	ddbc_credentials_free(provider);

	provider = ddbc_credentials_static("AKID", "s", "", &error);
	ddbc_credentials_get(provider, 0, &credentials, &error);
	assert_null(credentials.session_token);
	ddbc_credentials_free(provider);
	ddbc_credentials_free(NULL);
}

static void
test_unusable_keys(void **state)
{
	static const char *const cases[][4] = {
		{"AK\r\nX: y", "SECRET", NULL, "access key id"},
		{"AK/ID", "SECRET", NULL, "access key id"},
		{"", "SECRET", NULL, "access key id is empty"},
		{NULL, "SECRET", NULL, "access key id is empty"},
		{"AKID", "SECRET\n", NULL, "secret access key"},
		{"AKID", "SEC\xc3\xa9RET", NULL, "secret access key"},
		{"AKID", "", NULL, "secret access key is empty"},
		{"AKID", "SECRET", "TOK EN", "session token"},
	};
	size_t i;

	(void) state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		DdbcError error;

		assert_null(ddbc_credentials_static(cases[i][0], cases[i][1],
											cases[i][2], &error));
		assert_int_equal(error.kind, DDBC_ERROR_CREDENTIALS);
		assert_non_null(strstr(error.message, cases[i][3]));
		assert_null(strstr(error.message, "SECRET"));
		assert_null(strstr(error.message, "TOK"));
	}
}

static void
test_environment(void **state)
{
	DdbcError error;
	DdbcCredentials credentials;
	DdbcCredentialsProvider *provider = ddbc_credentials_environment(&error);

	(void) state;
	set_environment("ID1", "S1", "T1");
	assert_int_equal(ddbc_credentials_get(provider, 0, &credentials, &error),
					 DDBC_CREDENTIALS_READY);
	assert_string_equal(credentials.access_key_id, "ID1");
	assert_string_equal(credentials.session_token, "T1");
	assert_false(ddbc_credentials_invalidate(provider));

	set_environment("ID1", "S1", NULL);
	assert_true(ddbc_credentials_invalidate(provider));
	assert_int_equal(ddbc_credentials_get(provider, 0, &credentials, &error),
					 DDBC_CREDENTIALS_READY);
	assert_null(credentials.session_token);
	assert_false(ddbc_credentials_invalidate(provider));
	assert_string_equal(ddbc_credentials_source(provider), "environment");
	ddbc_credentials_free(provider);
}

static void
test_incomplete_environment(void **state)
{
	DdbcError error;
	DdbcCredentials credentials;
	DdbcCredentialsProvider *provider = ddbc_credentials_environment(&error);

	(void) state;
	set_environment(NULL, NULL, NULL);
	assert_int_equal(ddbc_credentials_get(provider, 0, &credentials, &error),
					 DDBC_CREDENTIALS_FAILED);
	assert_int_equal(error.kind, DDBC_ERROR_CREDENTIALS);
	assert_string_equal(error.message, "the environment holds no credentials");
	set_environment("ID", "", NULL);
	assert_int_equal(ddbc_credentials_get(provider, 0, &credentials, &error),
					 DDBC_CREDENTIALS_FAILED);
	assert_non_null(strstr(error.message, "only one of"));
	set_environment("ID", "two words", NULL);
	assert_int_equal(ddbc_credentials_get(provider, 0, &credentials, &error),
					 DDBC_CREDENTIALS_FAILED);
	ddbc_credentials_free(provider);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_static),
		cmocka_unit_test(test_unusable_keys),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_incomplete_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
