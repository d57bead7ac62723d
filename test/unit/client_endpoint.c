/* SPDX-License-Identifier: PostgreSQL */
/*
 * client_endpoint.c
 *		From region and options to URL, Host and signing region.
 *
 * cc -Isrc -Itest/unit test/unit/client_endpoint.c test/unit/support_server.c \
 *    src/client/[a-z]*.c -lcurl -lcrypto -ljansson -lz -lcmocka -lpthread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "client/endpoint.h"

typedef struct Expectation
{
	const char *region;
	const char *endpoint_url;
	bool fips;
	bool dualstack;
	const char *url; /* NULL: an error */
	const char *host;
	bool loopback;
} Expectation;

static const Expectation expectations[] = {
	{"eu-west-1", NULL, false, false,
	 "https://dynamodb.eu-west-1.amazonaws.com/",
	 "dynamodb.eu-west-1.amazonaws.com", false},
	{"eu-west-1", "", true, false,
	 "https://dynamodb-fips.eu-west-1.amazonaws.com/",
	 "dynamodb-fips.eu-west-1.amazonaws.com", false},
	{"us-east-1", NULL, false, true, "https://dynamodb.us-east-1.api.aws/",
	 "dynamodb.us-east-1.api.aws", false},
	{"us-east-1", NULL, true, true, "https://dynamodb-fips.us-east-1.api.aws/",
	 "dynamodb-fips.us-east-1.api.aws", false},
	{"cn-north-1", NULL, false, false,
	 "https://dynamodb.cn-north-1.amazonaws.com.cn/",
	 "dynamodb.cn-north-1.amazonaws.com.cn", false},
	{"cn-north-1", NULL, false, true,
	 "https://dynamodb.cn-north-1.api.amazonwebservices.com.cn/",
	 "dynamodb.cn-north-1.api.amazonwebservices.com.cn", false},
	{"us-gov-west-1", NULL, true, false,
	 "https://dynamodb.us-gov-west-1.amazonaws.com/",
	 "dynamodb.us-gov-west-1.amazonaws.com", false},
	{"us-gov-west-1", NULL, true, true,
	 "https://dynamodb-fips.us-gov-west-1.api.aws/",
	 "dynamodb-fips.us-gov-west-1.api.aws", false},
	{"us-iso-east-1", NULL, false, false,
	 "https://dynamodb.us-iso-east-1.c2s.ic.gov/",
	 "dynamodb.us-iso-east-1.c2s.ic.gov", false},
	{"us-isob-east-1", NULL, false, false,
	 "https://dynamodb.us-isob-east-1.sc2s.sgov.gov/",
	 "dynamodb.us-isob-east-1.sc2s.sgov.gov", false},
	{"eu-isoe-west-1", NULL, false, false,
	 "https://dynamodb.eu-isoe-west-1.cloud.adc-e.uk/",
	 "dynamodb.eu-isoe-west-1.cloud.adc-e.uk", false},
	{"us-isof-south-1", NULL, false, true,
	 "https://dynamodb.us-isof-south-1.api.aws.hci.ic.gov/",
	 "dynamodb.us-isof-south-1.api.aws.hci.ic.gov", false},
	{"eusc-de-east-1", NULL, false, false,
	 "https://dynamodb.eusc-de-east-1.amazonaws.eu/",
	 "dynamodb.eusc-de-east-1.amazonaws.eu", false},
	{"xx-new-9", NULL, false, false, "https://dynamodb.xx-new-9.amazonaws.com/",
	 "dynamodb.xx-new-9.amazonaws.com", false},
	{"local", NULL, false, false, "http://localhost:8000/", "localhost:8000",
	 true},
	{"local", "http://127.0.0.1:9", false, false, "http://127.0.0.1:9/",
	 "127.0.0.1:9", true},
	{"eu-west-1", "https://proxy.example:443/", false, false,
	 "https://proxy.example/", "proxy.example", false},
	{"eu-west-1", "HTTP://ddb.example:80", false, false, "http://ddb.example/",
	 "ddb.example", false},
	{"eu-west-1", "http://ddb.example:443", false, false,
	 "http://ddb.example:443/", "ddb.example:443", false},
	{"eu-west-1", "http://[::1]:8000/", false, false, "http://[::1]:8000/",
	 "[::1]:8000", true},
	{"eu-west-1", "http://[2001:db8::1]", false, false, "http://[2001:db8::1]/",
	 "[2001:db8::1]", false},
	{"eu-west-1", "http://LocalHost:1", false, false, "http://LocalHost:1/",
	 "LocalHost:1", true},
	{"eu-west-1", "http://127.0.0.1.example", false, false,
	 "http://127.0.0.1.example/", "127.0.0.1.example", false},
	/* not acceptable */
	{NULL, NULL, false, false, NULL, NULL, false},
	{"", NULL, false, false, NULL, NULL, false},
	{"EU-west-1", NULL, false, false, NULL, NULL, false},
	{"eu.west", NULL, false, false, NULL, NULL, false},
	{"a123456789012345678901234567890123456789012345678901234567890123", NULL,
	 false, false, NULL, NULL, false},
	{"eu-west-1", "ddb.example", false, false, NULL, NULL, false},
	{"eu-west-1", "ftp://ddb.example", false, false, NULL, NULL, false},
	{"eu-west-1", "https://", false, false, NULL, NULL, false},
	{"eu-west-1", "https://u:p@ddb.example", false, false, NULL, NULL, false},
	{"eu-west-1", "https://ddb.example/path", false, false, NULL, NULL, false},
	{"eu-west-1", "https://ddb.example?q", false, false, NULL, NULL, false},
	{"eu-west-1", "https://ddb.example/#f", false, false, NULL, NULL, false},
	{"eu-west-1", "https://ddb.example:0", false, false, NULL, NULL, false},
	{"eu-west-1", "https://ddb.example:65536", false, false, NULL, NULL, false},
	{"eu-west-1", "https://ddb.example:", false, false, NULL, NULL, false},
	{"eu-west-1", "https://ddb.example:8a", false, false, NULL, NULL, false},
	{"eu-west-1", "https://ddb ex", false, false, NULL, NULL, false},
	{"eu-west-1", "https://ddb\r\nX: y", false, false, NULL, NULL, false},
	{"eu-west-1", "http://[::1", false, false, NULL, NULL, false},
	{"eu-west-1", "http://[1::2::3]", false, false, NULL, NULL, false},
	{"eu-west-1", "http://::1", false, false, NULL, NULL, false},
};

static void
test_endpoints(void **state)
{
	size_t i;

	(void) state;
	for (i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++)
	{
		const Expectation *expected = &expectations[i];
		DdbcEndpoint endpoint;
		DdbcError error;
		bool ok = ddbc_endpoint_resolve(&endpoint, expected->region,
										expected->endpoint_url, expected->fips,
										expected->dualstack, &error);

		if (ok != (expected->url != NULL))
			print_message("%s\n", expected->endpoint_url);
		assert_int_equal(ok, expected->url != NULL);
		if (!ok)
		{
			assert_int_equal(error.kind, DDBC_ERROR_CONFIG);
			assert_null(strstr(error.message, "u:p"));
			continue;
		}
		assert_string_equal(endpoint.url, expected->url);
		assert_string_equal(endpoint.host, expected->host);
		assert_int_equal(endpoint.is_loopback, expected->loopback);
		assert_int_equal(endpoint.is_https,
						 strncmp(expected->url, "https", 5) == 0);
		assert_string_equal(endpoint.signing_region,
							strcmp(expected->region, "local") == 0
								? "us-east-1"
								: expected->region);
	}
}

/* The longest name that DNS knows fits, one more is refused. */
static void
test_long_host(void **state)
{
	char url[400] = "https://";
	DdbcEndpoint endpoint;
	DdbcError error;

	(void) state;
	memset(url + 8, 'a', 254);
	assert_false(
		ddbc_endpoint_resolve(&endpoint, "r", url, false, false, &error));
	url[8 + 253] = '\0';
	assert_true(
		ddbc_endpoint_resolve(&endpoint, "r", url, false, false, &error));
	assert_int_equal(strlen(endpoint.host), 253);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_long_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
