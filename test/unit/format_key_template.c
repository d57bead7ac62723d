/* SPDX-License-Identifier: PostgreSQL */
/*
 * format_key_template.c
 *		Unit tests of key templates.
 *
 * Build from the top of the tree:
 * cc -std=c11 -Isrc -Itest/unit test/unit/format_key_template.c src/format/key_template.c src/format/time_text.c src/format/decimal.c -lcmocka -o format_key_template
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "format/key_template.h"

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

/* 2026-11-01, and 10:11:12.345678 of it. */
#define NOV1 (20758 * DAY)
#define MOMENT (NOV1 + 36672 * SECOND + 345678)

static DdbTemplate
parsed(const char *text)
{
	DdbTemplate template;
	DdbTemplateError error;

	if (!ddb_template_parse(text, strlen(text), &template, &error))
		fail_msg("\"%s\": %s", text, error.message);
	return template;
}

static DdbTemplateElement
format(const char *text)
{
	DdbTemplateElement element;

	memset(&element, 0, sizeof(element));
	if (!ddb_template_parse_format(text, strlen(text), &element))
		fail_msg("\"%s\" is refused", text);
	return element;
}

static void
test_parse(void **state)
{
	DdbTemplate template = parsed("USER#${user_id}#${n:05}${0..9}$");

	(void) state;
	assert_int_equal(template.n, 6);
	assert_int_equal(template.elements[0].form, DDB_FORM_LITERAL);
	assert_int_equal(template.elements[0].width, 5);
	assert_int_equal(template.elements[1].form, DDB_FORM_PLAIN);
	assert_memory_equal(template.elements[1].text, "user_id", 7);
	assert_int_equal(template.elements[1].len, 7);
	assert_int_equal(template.elements[1].width, 0);
	assert_int_equal(template.elements[3].form, DDB_FORM_PADDED);
	assert_int_equal(template.elements[3].width, 5);
	assert_true(template.elements[3].ordered);
	assert_int_equal(template.elements[4].form, DDB_FORM_SHARD);
	assert_int_equal(template.elements[4].len, 0);
	assert_int_equal(template.elements[4].last, 9);
	assert_int_equal(template.elements[5].form, DDB_FORM_LITERAL);
	assert_int_equal(parsed("METADATA").n, 1);
}

static void
test_parse_refuses(void **state)
{
	static const struct
	{
		const char *text;
		size_t position;
	} bad[] = {
		{"", 0},
		{"A#${", 2},
		{"A#${}", 4},
		{"A#${:05}", 4},
		{"A#${x:}", 6},
		{"A#${x:5}", 6},
		{"A#${x:00}", 6},
		{"A#${x:0123456789}", 6},
		{"A#${x:9..0}", 6},
		{"A#${x:0..}", 6},
		{"A#${x:00..5}", 6},
		{"A#${x:0..99999}", 6},
		{"A#${x:iso8601:7}", 6},
		{"A#${x:iso}", 6},
		{"A#${x:MM-DD}", 6},
		{"A#${x:YYYY-DD}", 6},
		{"A#${x:YYYY-Mon}", 6},
		{"A#${x:HH24:MI}", 6},
		{"${x:epoch}${y}", 0},
		{"${0..10}${y}", 0},
	};
	DdbTemplate template;
	DdbTemplateError error;
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(bad); i++)
	{
		if (ddb_template_parse(bad[i].text, strlen(bad[i].text), &template,
							   &error))
			fail_msg("\"%s\" is taken", bad[i].text);
		if (error.position != bad[i].position)
			fail_msg("\"%s\": %zu", bad[i].text, error.position);
	}
}

/* A plain variable may be of fixed width: a UUID. */
static void
test_neighbours(void **state)
{
	DdbTemplate template = parsed("${a}${b}");
	DdbTemplateError error;

	(void) state;
	assert_false(ddb_template_check(&template, &error));
	assert_non_null(strstr(error.message, "side by side"));
	template.elements[0].width = 36;
	assert_true(ddb_template_check(&template, &error));
}

static void
test_split(void **state)
{
	static const struct
	{
		const char *template;
		const char *key;
		const char *parts; /* joined by |, NULL: no match */
	} cases[] = {
		{"METADATA", "METADATA", "METADATA"},
		{"METADATA", "METADAT", NULL},
		{"METADATA", "METADATA2", NULL},
		{"USER#${id}", "USER#42", "USER#|42"},
		{"USER#${id}", "USER#", "USER#|"},
		{"USER#${id}", "USER", NULL},
		{"USER#${id}", "user#42", NULL},
		{"${a}#${b}", "x#y#z", "x|#|y#z"},
		{"${a}#${b}", "#", "|#|"},
		{"${a}#${b}", "xy", NULL},
		{"${a}#E", "x#E", "x|#E"},
		{"${a}#E", "x#E#E", NULL},
		{"${a}##${b}", "x###y", "x|##|#y"},
		{"${n:03}${r}", "00712", "007|12"},
		{"${n:03}${r}", "007", "007|"},
		{"${n:03}${r}", "00", NULL},
		{"${t:YYYY-MM-DD}-${r}", "2026-11-01-x", "2026-11-01|-|x"},
		{"L#${t:YYYY}${0..9}", "L#20267", "L#|2026|7"},
		{"L#${t:YYYY}${0..9}", "L#202677", NULL},
	};
	DdbTemplatePart parts[DDB_TEMPLATE_MAX_ELEMENTS];
	size_t i;
	int j;

	(void) state;
	for (i = 0; i < LENGTH_OF(cases); i++)
	{
		DdbTemplate template = parsed(cases[i].template);
		char joined[100] = "";
		bool split = ddb_template_split(&template, cases[i].key,
										strlen(cases[i].key), parts);

		if (split != (cases[i].parts != NULL))
			fail_msg("%s of %s", cases[i].key, cases[i].template);
		for (j = 0; split && j < template.n; j++)
		{
			strcat(joined, j > 0 ? "|" : "");
			strncat(joined, parts[j].text, parts[j].len);
		}
		if (split)
			assert_string_equal(joined, cases[i].parts);
	}
}

static void
test_takes(void **state)
{
	DdbTemplate template = parsed("${a}##${n:03}${b}");

	(void) state;
	assert_true(ddb_template_takes(&template, 0, "x", 1));
	assert_true(ddb_template_takes(&template, 0, "", 0));
	assert_true(ddb_template_takes(&template, 0, "#x", 2));
	/* "x###…" would be split behind the x. */
	assert_false(ddb_template_takes(&template, 0, "x#", 2));
	assert_false(ddb_template_takes(&template, 0, "a##b", 4));
	assert_false(ddb_template_takes(&template, 2, "1234", 4));
	assert_true(ddb_template_takes(&template, 2, "123", 3));
	assert_true(ddb_template_takes(&template, 3, "##", 2));
}

static void
test_times(void **state)
{
	static const struct
	{
		const char *format;
		const char *text;
		bool exact;
		bool ordered;
		DdbTimeUnit unit;
	} cases[] = {
		{"YYYY", "2026", false, true, DDB_UNIT_YEAR},
		{"YYYY-MM", "2026-11", false, true, DDB_UNIT_MONTH},
		{"YYYY-MM-DD", "2026-11-01", false, true, DDB_UNIT_DAY},
		{"DD.MM.YYYY", "01.11.2026", false, false, DDB_UNIT_DAY},
		{"YYYYMMDDHH24", "2026110110", false, true, DDB_UNIT_HOUR},
		{"YYYY-MM-DDTHH24:MI", "2026-11-01T10:11", false, true,
		 DDB_UNIT_MINUTE},
		{"YYYYMMDD\"at\"HH24MISS", "20261101at101112", false, true,
		 DDB_UNIT_SECOND},
		{"YYYYMMDDHH24MISSMS", "20261101101112345", false, true,
		 DDB_UNIT_FRACTION},
		{"YYYYMMDDHH24MISSUS", "20261101101112345678", true, true,
		 DDB_UNIT_FRACTION},
		{"iso8601", "2026-11-01T10:11:12.345678Z", true, false,
		 DDB_UNIT_FRACTION},
		{"iso8601:0", "2026-11-01T10:11:12Z", false, true, DDB_UNIT_SECOND},
		{"iso8601:3", "2026-11-01T10:11:12.345Z", false, true,
		 DDB_UNIT_FRACTION},
		{"epoch", "1793527872.345678", true, false, DDB_UNIT_FRACTION},
		{"epoch_ms", "1793527872345.678", true, false, DDB_UNIT_FRACTION},
	};
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(cases); i++)
	{
		DdbTemplateElement element = format(cases[i].format);
		char out[DDB_TEMPLATE_TIME_BUFFER];
		bool exact;
		int64_t micros;

		assert_int_equal(
			ddb_template_format_time(&element, MOMENT, out, &exact),
			strlen(cases[i].text));
		assert_string_equal(out, cases[i].text);
		assert_int_equal(exact, cases[i].exact);
		assert_int_equal(element.ordered, cases[i].ordered);
		assert_int_equal(element.unit, cases[i].unit);
		assert_true(
			ddb_template_parse_time(&element, out, strlen(out), &micros));
		assert_true(micros <= MOMENT && (micros == MOMENT) == exact);
	}
}

/* One text each: others are not of this form. */
static void
test_times_refused(void **state)
{
	static const char *const bad[][2] = {
		{"YYYY-MM-DD", "2026-11-1"},
		{"YYYY-MM-DD", "2026-13-01"},
		{"YYYY-MM-DD", "2026-02-29"},
		{"YYYY-MM-DD", "2026/11/01"},
		{"YYYY-MM-DD", "0000-01-01"},
		{"YYYY-YYYY", "2026-2027"},
		{"YYYYMMDDHH24", "2026110124"},
		{"iso8601", "2026-11-01T10:11:12.000Z"},
		{"iso8601", "2026-11-01T10:11:12+00:00"},
		{"iso8601", "2026-11-01T10:11:12.3Z"},
		{"iso8601:0", "2026-11-01T10:11:60Z"},
		{"epoch", "01"},
		{"epoch", "1.0"},
		{"epoch", "x"},
	};
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(bad); i++)
	{
		DdbTemplateElement element = {0};
		int64_t micros;

		if (!ddb_template_parse_format(bad[i][0], strlen(bad[i][0]), &element))
			continue;
		if (ddb_template_parse_time(&element, bad[i][1], strlen(bad[i][1]),
									&micros))
			fail_msg("%s as %s", bad[i][1], bad[i][0]);
	}
}

static void
test_numbers(void **state)
{
	static const struct
	{
		const char *format;
		int64_t number;
		const char *text; /* NULL: it has none */
	} cases[] = {
		{"05", 42, "00042"}, {"05", 99999, "99999"}, {"05", 100000, NULL},
		{"05", -1, NULL},    {"0..9", 7, "7"},       {"0..9", 10, NULL},
		{"00..15", 7, "07"}, {"3..12", 2, NULL},     {"3..12", 12, "12"},
		{"3..12", 3, "3"},
	};
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(cases); i++)
	{
		DdbTemplateElement element = format(cases[i].format);
		char out[DDB_TEMPLATE_TIME_BUFFER];
		int64_t number;
		size_t len = ddb_template_format_number(&element, cases[i].number, out);

		assert_int_equal(len > 0, cases[i].text != NULL);
		if (len == 0)
			continue;
		assert_string_equal(out, cases[i].text);
		assert_true(ddb_template_parse_number(&element, out, len, &number));
		assert_true(number == cases[i].number);
	}
}

static void
test_numbers_refused(void **state)
{
	static const char *const bad[][2] = {
		{"05", "42"},  {"05", "000042"}, {"05", "-0042"}, {"0..9", "07"},
		{"0..9", "a"}, {"00..15", "7"},  {"0..9", ""},
	};
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(bad); i++)
	{
		DdbTemplateElement element = format(bad[i][0]);
		int64_t number;

		assert_false(ddb_template_parse_number(&element, bad[i][1],
											   strlen(bad[i][1]), &number));
	}
}

static void
test_steps(void **state)
{
	static const struct
	{
		DdbTimeUnit unit;
		int64_t steps;
		int64_t expected; /* from NOV1, in seconds */
	} cases[] = {
		{DDB_UNIT_DAY, 0, 0},
		{DDB_UNIT_DAY, 1, 86400},
		{DDB_UNIT_DAY, -1, -86400},
		{DDB_UNIT_HOUR, 0, 36000},
		{DDB_UNIT_MINUTE, 1, 36720},
		{DDB_UNIT_SECOND, 0, 36672},
		{DDB_UNIT_MONTH, 0, 0},
		{DDB_UNIT_MONTH, 1, 30 * 86400},
		{DDB_UNIT_MONTH, -9, -273 * 86400},
		{DDB_UNIT_YEAR, 1, 61 * 86400},
	};
	int64_t result;
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(cases); i++)
	{
		assert_true(ddb_template_step_time(cases[i].unit, MOMENT,
										   cases[i].steps, &result));
		assert_true(result == NOV1 + cases[i].expected * SECOND);
	}
	assert_false(
		ddb_template_step_time(DDB_UNIT_DAY, MOMENT, 4000000, &result));
	assert_false(ddb_template_step_time(DDB_UNIT_YEAR, MOMENT, -2026, &result));
	assert_false(
		ddb_template_step_time(DDB_UNIT_MONTH, MOMENT, INT64_MAX, &result));
	assert_false(
		ddb_template_step_time(DDB_UNIT_DAY, MOMENT, INT64_MIN, &result));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_times_refused),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_numbers_refused),
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
