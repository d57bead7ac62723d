/* SPDX-License-Identifier: PostgreSQL */
/*
 * format_time_text.c
 *		Unit tests of dates and times as text and as numbers.
 *
 * Build from the top of the tree:
 * cc -std=c11 -Isrc -Itest/unit test/unit/format_time_text.c src/format/time_text.c src/format/decimal.c -lcmocka -o format_time_text
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "format/time_text.h"

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* 2026-11-01, 10:11:12 of it, and the ends of the years we know. */
#define NOV1 (20758 * DAY)
#define AT_101112 (NOV1 + 10 * HOUR + 11 * MINUTE + 12 * SECOND)
#define FIRST_INSTANT (-719162 * DAY)
#define AFTER_LAST (2932897 * DAY)

/* What a text must be read as; parts: d(ate), t(ime), z(one), i(nexact). */
typedef struct Iso
{
	const char *text;
	const char *parts;
	int64_t micros;
	int32_t offset_seconds;
} Iso;

static const Iso isos[] = {
	{"1970-01-01", "d", 0, 0},
	{"2026-11-01", "d", NOV1, 0},
	{"20261101", "d", NOV1, 0},
	{"2026-11-01T10:11", "dt", AT_101112 - 12 * SECOND, 0},
	{"2026-11-01T10:11:12", "dt", AT_101112, 0},
	{"2026-11-01t10:11:12", "dt", AT_101112, 0},
	{"2026-11-01 10:11:12", "dt", AT_101112, 0},
	{"20261101T101112Z", "dtz", AT_101112, 0},
	{"20261101T1011", "dt", AT_101112 - 12 * SECOND, 0},
	{"20261101T1011Z", "dtz", AT_101112 - 12 * SECOND, 0},
	{"20261101T101112.5Z", "dtz", AT_101112 + SECOND / 2, 0},
	{"20261101 101112,5+0100", "dtz", AT_101112 + SECOND / 2 - HOUR, 3600},
	{"2026-11-01T10:11Z", "dtz", AT_101112 - 12 * SECOND, 0},
	{"2026-11-01T10:11+01", "dtz", AT_101112 - 12 * SECOND - HOUR, 3600},
	{"2026-11-01T10:11:12Z", "dtz", AT_101112, 0},
	{"2026-11-01T10:11:12z", "dtz", AT_101112, 0},
	{"2026-11-01T10:11:12+01", "dtz", AT_101112 - HOUR, 3600},
	{"2026-11-01T10:11:12+0100", "dtz", AT_101112 - HOUR, 3600},
	{"2026-11-01T10:11:12+01:00", "dtz", AT_101112 - HOUR, 3600},
	{"2026-11-01T10:11:12-05:30", "dtz", AT_101112 + 5 * HOUR + 30 * MINUTE,
	 -19800},
	{"2026-11-01T10:11:12-00:00", "dtz", AT_101112, 0},
	{"2026-11-01T10:11:12+15:59", "dtz", AT_101112 - 16 * HOUR + MINUTE, 57540},
	{"2026-11-01T10:11:12.1Z", "dtz", AT_101112 + 100000, 0},
	{"2026-11-01T10:11:12.12", "dt", AT_101112 + 120000, 0},
	{"2026-11-01T10:11:12,123Z", "dtz", AT_101112 + 123000, 0},
	{"2026-11-01T10:11:12.123456Z", "dtz", AT_101112 + 123456, 0},
	{"2026-11-01T10:11:12.000001Z", "dtz", AT_101112 + 1, 0},
	/* beyond microseconds */
	{"2026-11-01T10:11:12.1234560Z", "dtz", AT_101112 + 123456, 0},
	{"2026-11-01T10:11:12.123456000000000000000000000000Z", "dtz",
	 AT_101112 + 123456, 0},
	{"2026-11-01T10:11:12.1234564Z", "dtzi", AT_101112 + 123456, 0},
	{"2026-11-01T10:11:12.12345649999999999999999999Z", "dtzi",
	 AT_101112 + 123456, 0},
	{"2026-11-01T10:11:12.1234565Z", "dtzi", AT_101112 + 123456, 0},
	{"2026-11-01T10:11:12.123456789Z", "dtzi", AT_101112 + 123456, 0},
	{"2026-11-01T10:11:12.0000001Z", "dtzi", AT_101112, 0},
	{"2026-11-01T10:11:12.9999995Z", "dtzi", AT_101112 + SECOND - 1, 0},
	{"1969-12-31T23:59:59.9999995Z", "dtzi", -1, 0},
	{"1969-12-31T23:59:59.9999994Z", "dtzi", -1, 0},
	{"1969-12-31T23:59:58.9999989Z", "dtzi", -SECOND - 2, 0},
	/* the other names of midnight and of a minute's start */
	{"2026-10-31T24:00:00Z", "dtz", NOV1, 0},
	{"2026-10-31T24:00", "dt", NOV1, 0},
	{"2026-10-31T24:00:00.000", "dt", NOV1, 0},
	{"20261031T240000Z", "dtz", NOV1, 0},
	{"2026-10-31T23:59:60Z", "dtz", NOV1, 0},
	{"2026-10-31T23:59:60.5Z", "dtz", NOV1 + SECOND / 2, 0},
	{"2026-11-01T10:10:60Z", "dtz", AT_101112 - 12 * SECOND, 0},
	/* leap years */
	{"2024-02-29", "d", 19782 * DAY, 0},
	{"2000-02-29", "d", 11016 * DAY, 0},
	{"2000-03-01", "d", 11017 * DAY, 0},
	{"1900-02-28", "d", -25509 * DAY, 0},
	{"1900-03-01", "d", -25508 * DAY, 0},
	/* the ends */
	{"0001-01-01T00:00:00Z", "dtz", FIRST_INSTANT, 0},
	{"0001-01-01T00:00:00+01:00", "dtz", FIRST_INSTANT - HOUR, 3600},
	{"9999-12-31T23:59:59.999999Z", "dtz", AFTER_LAST - 1, 0},
	{"9999-12-31T23:59:59.9999999Z", "dtzi", AFTER_LAST - 1, 0},
	{"9999-12-31T24:00:00Z", "dtz", AFTER_LAST, 0},
	{"9999-12-31T23:59:59-01:00", "dtz", AFTER_LAST + HOUR - SECOND, -3600},
};

static const char *const no_isos[] = {
	"",
	" ",
	"2026",
	"2026-11",
	"2026-11-",
	"2026-11-1",
	"2026-11-01T",
	"2026-11-01 ",
	" 2026-11-01",
	"2026-11-01\n",
	"2026-11-01Z",
	"2026-11-01+01:00",
	"26-11-01",
	"02026-11-01",
	"+2026-11-01",
	"-2026-11-01",
	"2026/11/01",
	"2026-11-01X10:11",
	"2026-11-01  10:11",
	"2026-1-01",
	"2026-W44-7",
	"2026-305",
	"2026305",
	"202611",
	"2026-1101",
	"202611-01",
	"20261101T10:11:12",
	"2026-11-01T101112",
	"2026-11-01T1011",
	"20261101T10:11",
	"2026-11-01T10",
	"20261101T10",
	"2026-11-01T10Z",
	"2026-11-01T10:",
	"2026-11-01T10:1",
	"2026-11-01T1:11",
	"2026-11-01T10:11:",
	"2026-11-01T10:11:1",
	"2026-11-01T10:11:12.",
	"2026-11-01T10:11:12,",
	"2026-11-01T10:11:12.Z",
	"2026-11-01T10:11.5",
	"2026-11-01T10:11:12.1.2",
	"2026-11-01T10:11:12:13",
	"10:11:12",
	"T10:11:12",
	"2026-11-01T10:11:12 Z",
	"2026-11-01T10:11:12ZZ",
	"2026-11-01T10:11:12Z ",
	"2026-11-01T10:11:12+",
	"2026-11-01T10:11:12+1",
	"2026-11-01T10:11:12+01:",
	"2026-11-01T10:11:12+01:0",
	"2026-11-01T10:11:12+010",
	"2026-11-01T10:11:12+01:00:00",
	"2026-11-01T10:11:12+01000",
	"2026-11-01T10:11:12+16:00",
	"2026-11-01T10:11:12-23:59",
	"2026-11-01T10:11:12+24:00",
	"2026-11-01T10:11:12+01:60",
	"2026-11-01T10:11:12 +01:00",
	"2026-11-01T10:11:12UTC",
	"2026-11-01T10:11:12 AM",
	"2026-11-01T10:11:12Z[Europe/Berlin]",
	"2026-11-01T10:11:12\342\210\22201",
	/* not in the calendar, not on the clock */
	"0000-01-01",
	"2026-00-01",
	"2026-13-01",
	"2026-11-00",
	"2026-11-31",
	"2026-02-29",
	"1900-02-29",
	"2100-02-29",
	"2024-02-30",
	"2026-04-31",
	"2026-06-31",
	"2026-09-31",
	"2026-01-32",
	"2026-11-01T24:00:01",
	"2026-11-01T24:01",
	"2026-11-01T24:00:00.1",
	"2026-11-01T24:00:00.0000001",
	"2026-11-01T25:00",
	"2026-11-01T10:60",
	"2026-11-01T10:11:61",
	"2026-11-01T99:99:99",
	"10000-01-01",
	"2026-11-01T-1:00",
};

static void
test_iso(void **state)
{
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(isos); i++)
	{
		const Iso *test = &isos[i];
		DdbTimeParse parsed;

		if (!ddb_time_parse_iso(test->text, strlen(test->text), &parsed))
			fail_msg("%s", test->text);
		if (parsed.micros != test->micros)
			fail_msg("%s: %lld", test->text, (long long) parsed.micros);
		assert_int_equal(parsed.has_date, strchr(test->parts, 'd') != NULL);
		assert_int_equal(parsed.has_time, strchr(test->parts, 't') != NULL);
		assert_int_equal(parsed.has_zone, strchr(test->parts, 'z') != NULL);
		assert_int_equal(parsed.exact, strchr(test->parts, 'i') == NULL);
		assert_int_equal(parsed.offset_seconds, test->offset_seconds);
	}
}

static void
test_no_iso(void **state)
{
	DdbTimeParse parsed;
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(no_isos); i++)
	{
		if (ddb_time_parse_iso(no_isos[i], strlen(no_isos[i]), &parsed))
			fail_msg("%s", no_isos[i]);
	}
	assert_false(ddb_time_parse_iso("2026-11-01\0", 11, &parsed));
	assert_false(ddb_time_parse_iso("2026-11-01T10:11\0", 17, &parsed));
}

/* Only prefixes that are forms themselves are taken. */
static void
test_iso_prefixes(void **state)
{
	const char *text = "2026-11-01T10:11:12.123456+01:00";
	size_t len;

	(void) state;
	for (len = 0; len <= strlen(text); len++)
	{
		DdbTimeParse parsed;
		bool expected = len == 10 || len == 16 || len == 19 ||
						(len >= 21 && len <= 26) || len == 29 || len == 32;

		assert_int_equal(ddb_time_parse_iso(text, len, &parsed), expected);
	}
}

static void
test_fixed(void **state)
{
	static const char *const texts[] = {
		"2026-11-01T10:11:12Z",       "2026-11-01T10:11:12.1Z",
		"2026-11-01T10:11:12.12Z",    "2026-11-01T10:11:12.123Z",
		"2026-11-01T10:11:12.1234Z",  "2026-11-01T10:11:12.12345Z",
		"2026-11-01T10:11:12.123456Z"};
	static const int64_t fractions[] = {0,      100000, 120000, 123000,
										123400, 123450, 123456};
	int digits;
	int i;

	(void) state;
	for (i = 0; i <= 6; i++)
	{
		for (digits = -1; digits <= 8; digits++)
		{
			int64_t micros;
			bool ok = ddb_time_parse_fixed(texts[i], strlen(texts[i]), digits,
										   &micros);

			assert_int_equal(ok, digits == i);
			if (ok)
				assert_int_equal(micros, AT_101112 + fractions[i]);
		}
	}
}

/* What is right for ISO but would break the order of texts. */
static void
test_fixed_is_strict(void **state)
{
	static const char *const wrong[] = {
		"2026-11-01t10:11:12.123Z",  "2026-11-01 10:11:12.123Z",
		"2026-11-01T10:11:12.123z",  "2026-11-01T10:11:12,123Z",
		"2026-11-01T10:11:12.123",   "2026-11-01T10:11:12.12Z",
		"2026-11-01T10:11:12.1234Z", "2026-11-01T10:11:12Z",
		"2026-11-01T10:11:12.123+0", "2026-11-01T10:11:12+00:",
		"2026-11-01T24:00:00.000Z",  "2026-11-01T10:11:60.000Z",
		"2026-11-01T10:60:00.000Z",  "2026-11-31T10:11:12.123Z",
		"0000-11-01T10:11:12.123Z",  "20261101T101112.12345678Z",
		"2026-11-01T10:11:12.12 Z",  "2026-11-01T10:11:12.12+Z",
		"2026-11-01T10:11:+2.123Z",  " 026-11-01T10:11:12.123Z",
		"2026-11-01T10:11Z.123456",  "",
		"2026-11-01T10:11:12.123Z ", "2026-11-01T10:11:12.123ZZ",
	};
	int64_t micros;
	size_t i;

	(void) state;
	assert_true(
		ddb_time_parse_fixed("2026-11-01T10:11:12.123Z", 24, 3, &micros));
	for (i = 0; i < LENGTH_OF(wrong); i++)
	{
		if (ddb_time_parse_fixed(wrong[i], strlen(wrong[i]), 3, &micros))
			fail_msg("%s", wrong[i]);
	}
	assert_false(ddb_time_parse_fixed("2026-11-01T10:11:60Z", 20, 0, &micros));
	assert_false(ddb_time_parse_fixed("2026-11-01T24:00:00Z", 20, 0, &micros));
}

static void
check_format(int64_t micros, int digits, const char *expected, bool exact)
{
	char out[DDB_TIMETEXT_BUFFER];
	bool was_exact;
	size_t len = ddb_time_format_fixed(micros, digits, out, &was_exact);

	assert_string_equal(out, expected);
	assert_int_equal(len, strlen(expected));
	assert_int_equal(was_exact, exact);
}

static void
test_format_fixed(void **state)
{
	(void) state;
	check_format(0, 0, "1970-01-01T00:00:00Z", true);
	check_format(0, 6, "1970-01-01T00:00:00.000000Z", true);
	check_format(AT_101112 + 123456, 6, "2026-11-01T10:11:12.123456Z", true);
	check_format(AT_101112 + 123456, 3, "2026-11-01T10:11:12.123Z", false);
	check_format(AT_101112 + 123000, 3, "2026-11-01T10:11:12.123Z", true);
	check_format(AT_101112 + 999999, 1, "2026-11-01T10:11:12.9Z", false);
	check_format(AT_101112 + 999999, 0, "2026-11-01T10:11:12Z", false);
	check_format(AT_101112, 0, "2026-11-01T10:11:12Z", true);
	/* Down, not toward 1970. */
	check_format(-1, 6, "1969-12-31T23:59:59.999999Z", true);
	check_format(-1, 3, "1969-12-31T23:59:59.999Z", false);
	check_format(-1, 0, "1969-12-31T23:59:59Z", false);
	check_format(-SECOND, 0, "1969-12-31T23:59:59Z", true);
	check_format(-DAY, 0, "1969-12-31T00:00:00Z", true);
	/* the ends */
	check_format(FIRST_INSTANT, 0, "0001-01-01T00:00:00Z", true);
	check_format(FIRST_INSTANT - 1, 0, "", false);
	check_format(AFTER_LAST - 1, 6, "9999-12-31T23:59:59.999999Z", true);
	check_format(AFTER_LAST, 0, "", false);
	check_format(INT64_MAX, 6, "", false);
	check_format(INT64_MIN, 6, "", false);
	check_format(0, -1, "", false);
	check_format(0, 7, "", false);
}

/* xorshift: the same instants on every machine. */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/*
 * Formats, parses in every way, compares; and text order is time order.
 */
static void
test_round_trip(void **state)
{
	uint64_t seed = 20261121;
	char before[DDB_TIMETEXT_BUFFER] = "";
	int64_t before_micros = 0;
	int i;

	(void) state;
	for (i = 0; i < 200000; i++)
	{
		int64_t range = AFTER_LAST - FIRST_INSTANT;
		int64_t micros =
			FIRST_INSTANT + (int64_t) (next_random(&seed) % (uint64_t) range);
		char out[DDB_TIMETEXT_BUFFER];
		DdbTimeParse parsed;
		int64_t read;
		bool exact;
		size_t len = ddb_time_format_fixed(micros, 6, out, &exact);

		assert_int_equal(len, 27);
		assert_true(exact);
		assert_true(ddb_time_parse_fixed(out, len, 6, &read));
		assert_int_equal(read, micros);
		assert_true(ddb_time_parse_iso(out, len, &parsed));
		assert_int_equal(parsed.micros, micros);
		if (i > 0)
			assert_int_equal(strcmp(before, out) < 0, before_micros < micros);
		memcpy(before, out, len + 1);
		before_micros = micros;

		len = ddb_time_format_epoch(micros, 1000, out);
		assert_true(ddb_time_parse_epoch(out, len, 1000, &read, &exact));
		assert_true(exact);
		assert_int_equal(read, micros);
	}
}

/* Every day there is, counted by hand. */
static void
test_every_day(void **state)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30,
								  31, 31, 30, 31, 30, 31};
	int32_t expected = -719162;
	int year;
	int month;
	int day;

	(void) state;
	for (year = 1; year <= 9999; year++)
	{
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		for (month = 1; month <= 12; month++)
		{
			int length = lengths[month - 1] + (month == 2 && leap);

			for (day = 1; day <= length + 1; day++)
			{
				char text[] = {(char) ('0' + year / 1000),
							   (char) ('0' + year / 100 % 10),
							   (char) ('0' + year / 10 % 10),
							   (char) ('0' + year % 10),
							   '-',
							   (char) ('0' + month / 10),
							   (char) ('0' + month % 10),
							   '-',
							   (char) ('0' + day / 10),
							   (char) ('0' + day % 10),
							   '\0'};
				char out[DDB_TIMETEXT_BUFFER];
				int32_t days = 0;
				bool ok = ddb_time_parse_date(text, 10, &days);

				if (ok != (day <= length))
					fail_msg("%s", text);
				if (!ok)
					continue;
				if (days != expected || ddb_time_format_date(days, out) != 10 ||
					strcmp(out, text) != 0)
					fail_msg("%s", text);
				expected++;
			}
		}
	}
	assert_int_equal(expected, 2932897);
}

static void
test_date(void **state)
{
	static const char *const wrong[] = {
		"",           "2026-11-1",   "2026-11-011",      "20261101",
		"2026-1101",  "2026-11-01T", "2026-11-01T00:00", " 2026-11-01",
		"2026-02-29", "0000-12-31",  "2026-11-0a",
	};
	char out[DDB_TIMETEXT_BUFFER];
	int32_t days;
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(wrong); i++)
		assert_false(ddb_time_parse_date(wrong[i], strlen(wrong[i]), &days));
	assert_int_equal(ddb_time_format_date(-719163, out), 0);
	assert_string_equal(out, "");
	assert_int_equal(ddb_time_format_date(2932897, out), 0);
	assert_int_equal(ddb_time_format_date(INT32_MAX, out), 0);
	assert_int_equal(ddb_time_format_date(INT32_MIN, out), 0);
}

typedef struct Epoch
{
	const char *text;
	int64_t unit_micros;
	bool ok;
	bool exact;
	int64_t micros;
} Epoch;

static const Epoch epochs[] = {
	{"0", SECOND, true, true, 0},
	{"-0", SECOND, true, true, 0},
	{"1795244863", SECOND, true, true, INT64_C(1795244863000000)},
	{"1795244863.963", SECOND, true, true, INT64_C(1795244863963000)},
	{"1795244863963", 1000, true, true, INT64_C(1795244863963000)},
	{"1795244863963.25", 1000, true, true, INT64_C(1795244863963250)},
	{"1795244863963250", 1, true, true, INT64_C(1795244863963250)},
	{"1.795244863963E9", SECOND, true, true, INT64_C(1795244863963000)},
	{"1795244863963e-3", SECOND, true, true, INT64_C(1795244863963000)},
	{"0001.50", SECOND, true, true, 1500000},
	{"-1.5", SECOND, true, true, -1500000},
	{".5", SECOND, true, true, 500000},
	{"1e3", SECOND, true, true, 1000000000},
	{"0.000001", SECOND, true, true, 1},
	{"1e-6", SECOND, true, true, 1},
	{"0.0000001", SECOND, true, false, 0},
	{"0.00000049999999999999999999", SECOND, true, false, 0},
	{"0.0000005", SECOND, true, false, 0},
	{"-0.0000005", SECOND, true, false, -1},
	{"-0.0000004", SECOND, true, false, -1},
	{"1.0000014999", SECOND, true, false, 1000001},
	{"1.0000015", SECOND, true, false, 1000001},
	{"-1.0000015", SECOND, true, false, -1000002},
	{"0.9999995", SECOND, true, false, 999999},
	{"1.00000000000000000000000000000000000001", SECOND, true, false, 1000000},
	{"1e-130", SECOND, true, false, 0},
	{"1e-99999999", SECOND, true, false, 0},
	{"0.0005", 1000, true, false, 0},
	{"0.5", 60 * SECOND, true, true, 30000000},
	{"0.1", 3, true, false, 0},
	{"0.5", 3, true, false, 1},
	{"0.16666666666666666666666666666666666666", 3, true, false, 0},
	{"-0.16666666666666666666666666666666666667", 3, true, false, -1},
	{"9223372036854.775807", SECOND, true, true, INT64_MAX},
	{"-9223372036854.775807", SECOND, true, true, -INT64_MAX},
	{"9223372036854.775808", SECOND, false, false, 0},
	{"9223372036854.7758074", SECOND, true, false, INT64_MAX},
	{"9223372036854.7758079", SECOND, true, false, INT64_MAX},
	{"-9223372036854.7758071", SECOND, false, false, 0},
	{"-9223372036855", SECOND, false, false, 0},
	{"1e19", SECOND, false, false, 0},
	{"18446744073709.551616", SECOND, false, false, 0},
	{"18446744073709551616", 1, false, false, 0},
	{"18446744073709551615.9", 1, false, false, 0},
	{"1e125", 1, false, false, 0},
	{"-1e99999999", 1, false, false, 0},
	{"1", INT64_C(1000000000000000000), true, true,
	 INT64_C(1000000000000000000)},
	{"9.9", INT64_C(1000000000000000000), false, false, 0},
	{"1", 0, false, false, 0},
	{"1", -1, false, false, 0},
	{"1", INT64_MAX, false, false, 0},
	{"", SECOND, false, false, 0},
	{"x", SECOND, false, false, 0},
	{"1 ", SECOND, false, false, 0},
	{"2026-11-01", SECOND, false, false, 0},
	{"NaN", SECOND, false, false, 0},
};

static void
test_epoch(void **state)
{
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(epochs); i++)
	{
		const Epoch *test = &epochs[i];
		int64_t micros = 0;
		bool exact = false;
		bool ok = ddb_time_parse_epoch(test->text, strlen(test->text),
									   test->unit_micros, &micros, &exact);

		if (ok != test->ok || (ok && micros != test->micros) ||
			(ok && exact != test->exact))
			fail_msg("%s: %d %lld", test->text, ok, (long long) micros);
	}
}

static void
check_epoch(int64_t micros, int64_t unit_micros, const char *expected)
{
	char out[DDB_TIMETEXT_BUFFER];

	assert_int_equal(ddb_time_format_epoch(micros, unit_micros, out),
					 strlen(expected));
	assert_string_equal(out, expected);
}

static void
test_format_epoch(void **state)
{
	(void) state;
	check_epoch(0, SECOND, "0");
	check_epoch(1, SECOND, "0.000001");
	check_epoch(-1, SECOND, "-0.000001");
	check_epoch(SECOND, SECOND, "1");
	check_epoch(1500000, SECOND, "1.5");
	check_epoch(-1500000, SECOND, "-1.5");
	check_epoch(1500000, 1000, "1500");
	check_epoch(1500001, 1000, "1500.001");
	check_epoch(INT64_C(1795244863963000), SECOND, "1795244863.963");
	check_epoch(INT64_C(1795244863963000), 1000, "1795244863963");
	check_epoch(INT64_MAX, SECOND, "9223372036854.775807");
	check_epoch(INT64_MIN, SECOND, "-9223372036854.775808");
	check_epoch(INT64_MIN, 1, "-9223372036854775808");
	check_epoch(30 * SECOND, 60 * SECOND, "0.5");
	check_epoch(1, 3, "0.33333333333333333333");
	check_epoch(1, INT64_C(1000000000000000000), "0.000000000000000001");
	check_epoch(1, 0, "");
	check_epoch(1, -5, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iso),
		cmocka_unit_test(test_no_iso),
		cmocka_unit_test(test_iso_prefixes),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_fixed_is_strict),
		cmocka_unit_test(test_format_fixed),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_format_epoch),
	};

	return cmocka_run_group_tests_name("format_time_text", tests, NULL, NULL);
}
