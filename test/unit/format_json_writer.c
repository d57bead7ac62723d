/* SPDX-License-Identifier: PostgreSQL */
/*
 * format_json_writer.c
 *		Unit tests of strings as JSON.
 *
 * Build from the top of the tree:
 * cc -std=c11 -Isrc -Itest/unit test/unit/format_json_writer.c src/format/json_writer.c -lcmocka -ljansson -o format_json_writer
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "format/json_writer.h"

/* The string as JSON, in a buffer that has just the room it asked for. */
static char *
written(const char *text, size_t len)
{
	size_t size = ddb_json_string_size(text, len);
	char *out = malloc(size + 1);
	char *end = ddb_json_put_string(out, text, len);

	assert_int_equal(end - out, size);
	*end = '\0';
	return out;
}

static void
check(const char *text, size_t len, const char *expected)
{
	char *json = written(text, len);

	assert_string_equal(json, expected);
	free(json);
}

static void
test_escapes(void **state)
{
	check("", 0, "\"\"");
	check("plain \xC3\xA9 / text", 15, "\"plain \xC3\xA9 / text\"");
	check("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	check("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
	check("\0x\x1F\x7F", 4, "\"\\u0000x\\u001f\x7F\"");
}

/* Another library reads back what was written, whatever the character. */
static void
test_read_back(void **state)
{
	for (int c = 0; c < 128; c++)
	{
		char text[3] = {'<', (char) c, '>'};
		char *json = written(text, sizeof(text));
		json_t *value =
			json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

		assert_non_null(value);
		assert_int_equal(json_string_length(value), sizeof(text));
		assert_memory_equal(json_string_value(value), text, sizeof(text));
		json_decref(value);
		free(json);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
