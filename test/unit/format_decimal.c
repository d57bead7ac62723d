/* SPDX-License-Identifier: PostgreSQL */
/*
 * format_decimal.c
 *		Unit tests of DynamoDB numbers as text.
 *
 * Build from the top of the tree:
 * cc -std=c11 -Isrc -Itest/unit test/unit/format_decimal.c src/format/decimal.c -lcmocka -o format_decimal
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "format/decimal.h"

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

#define NINES_38 "99999999999999999999999999999999999999"
#define NINES_37 "9999999999999999999999999999999999999"
#define ZEROS_10 "0000000000"
#define ZEROS_100                                                              \
	ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10    \
		ZEROS_10 ZEROS_10
#define ZEROS_88                                                               \
	ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10 ZEROS_10    \
		"00000000"
#define ZEROS_125 ZEROS_100 ZEROS_10 ZEROS_10 "00000"
#define ZEROS_129 ZEROS_125 "0000"

/* The greatest magnitude, and the least. */
#define GREATEST NINES_38 ZEROS_88
#define LEAST "0." ZEROS_129 "1"

static bool
parse(const char *text, DdbDecimal *decimal)
{
	return ddb_decimal_parse(text, strlen(text), decimal);
}

/* Text, what becomes of it, and its canonical spelling if it fits. */
typedef struct Case
{
	const char *text;
	DdbDecimalFit fit;
	const char *canonical;
} Case;

#define OK DDB_DECIMAL_OK
#define TOO_PRECISE DDB_DECIMAL_TOO_PRECISE
#define OVERFLOW DDB_DECIMAL_OVERFLOW
#define UNDERFLOW DDB_DECIMAL_UNDERFLOW

static const Case cases[] = {
	/* zero */
	{"0", OK, "0"},
	{"-0", OK, "0"},
	{"+0", OK, "0"},
	{"0.0", OK, "0"},
	{"000", OK, "0"},
	{".0", OK, "0"},
	{"0.", OK, "0"},
	{"-0.00", OK, "0"},
	{"0e126", OK, "0"},
	{"0e-131", OK, "0"},
	{"0E99999999999", OK, "0"},
	/* spellings */
	{"1", OK, "1"},
	{"01.00", OK, "1"},
	{"+1", OK, "1"},
	{"1.", OK, "1"},
	{"-1", OK, "-1"},
	{".5", OK, "0.5"},
	{"-.5", OK, "-0.5"},
	{"5.", OK, "5"},
	{"007", OK, "7"},
	{"10", OK, "10"},
	{"1e1", OK, "10"},
	{"1E+2", OK, "100"},
	{"1e-2", OK, "0.01"},
	{"1.50", OK, "1.5"},
	{"12.5e3", OK, "12500"},
	{"12.5e-3", OK, "0.0125"},
	{"123.456e2", OK, "12345.6"},
	{"0.001e3", OK, "1"},
	{"100e-2", OK, "1"},
	{"100.100", OK, "100.1"},
	{"0.0e5", OK, "0"},
	{"1e0", OK, "1"},
	{"1e-0", OK, "1"},
	{"1e0000000000000000001", OK, "10"},
	{"-120.0340e+01", OK, "-1200.34"},
	{"5.e3", OK, "5000"},
	{".5e1", OK, "5"},
	{"10203.04050", OK, "10203.0405"},
	/* precision */
	{NINES_38, OK, NINES_38},
	{"-" NINES_38, OK, "-" NINES_38},
	{NINES_38 "9", TOO_PRECISE, NULL},
	{NINES_38 ".9", TOO_PRECISE, NULL},
	{NINES_38 ".0", OK, NINES_38},
	{NINES_38 "00", OK, NINES_38 "00"},
	{"0.0" NINES_38, OK, "0.0" NINES_38},
	{"0." NINES_38 "1", TOO_PRECISE, NULL},
	{"0000" NINES_38 "0000.0000", OK, NINES_38 "0000"},
	{"1" ZEROS_10 ZEROS_10 ZEROS_10 "00000001", TOO_PRECISE, NULL},
	{"1" ZEROS_10 ZEROS_10 ZEROS_10 "0000001", OK,
	 "1" ZEROS_10 ZEROS_10 ZEROS_10 "0000001"},
	{"1" ZEROS_10 ZEROS_10 ZEROS_10 ".00000001", TOO_PRECISE, NULL},
	/* magnitude */
	{"1E125", OK, "1" ZEROS_125},
	{"1e126", OVERFLOW, NULL},
	{"-1e126", OVERFLOW, NULL},
	{"9.9E125", OK, "99" ZEROS_100 ZEROS_10 ZEROS_10 "0000"},
	{"10E124", OK, "1" ZEROS_125},
	{"10E125", OVERFLOW, NULL},
	{"0.1E126", OK, "1" ZEROS_125},
	{"1" ZEROS_125, OK, "1" ZEROS_125},
	{"1" ZEROS_125 "0", OVERFLOW, NULL},
	{GREATEST, OK, GREATEST},
	{GREATEST "0", OVERFLOW, NULL},
	{NINES_38 "e88", OK, GREATEST},
	{"-" NINES_38 "e88", OK, "-" GREATEST},
	{NINES_38 "e89", OVERFLOW, NULL},
	{NINES_38 "9e87", TOO_PRECISE, NULL},
	{"1E-130", OK, LEAST},
	{"-1E-130", OK, "-" LEAST},
	{"1E-131", UNDERFLOW, NULL},
	{"9.9E-131", UNDERFLOW, NULL},
	{"-9E-131", UNDERFLOW, NULL},
	{"10E-131", OK, LEAST},
	{"0.1E-129", OK, LEAST},
	{LEAST, OK, LEAST},
	{"0.0" ZEROS_129 "1", UNDERFLOW, NULL},
	{"9." NINES_37 "E-130", OK, "0." ZEROS_129 NINES_38},
	{"-9." NINES_37 "E-130", OK, "-0." ZEROS_129 NINES_38},
	{"1e99999", OVERFLOW, NULL},
	{"1e-99999", UNDERFLOW, NULL},
	{"1e9223372036854775807", OVERFLOW, NULL},
	{"1e-9223372036854775808", UNDERFLOW, NULL},
	{"1e99999999999999999999999999999999", OVERFLOW, NULL},
	{"-1e-99999999999999999999999999999999", UNDERFLOW, NULL},
	{"0." ZEROS_100 "1e101", OK, "1"},
	{"1" ZEROS_100 "e-100", OK, "1"},
};

static const char *const no_numbers[] = {
	"",         " ",         ".",     "+",        "-",   "-.",   "+.",
	"e",        "e5",        ".e5",   "1e",       "1e+", "1e-",  "1e.",
	"1e1.",     "1.1.1",     "--1",   "+-1",      "1-",  "1+1",  " 1",
	"1 ",       "1\n",       "0x1",   "1_0",      "1,0", "NaN",  "inf",
	"Infinity", "-Infinity", "1e5e5", "1e+-5",    "..5", "5..",  "a",
	"1a",       "1e1a",      "1 000", "\xd9\xa1", "-e1", "1E 5",
};

static void
test_fit_and_canonical(void **state)
{
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(cases); i++)
	{
		DdbDecimal decimal;
		char out[DDB_DECIMAL_BUFFER];
		size_t len;

		if (!parse(cases[i].text, &decimal))
			fail_msg("%s: not parsed", cases[i].text);
		if (ddb_decimal_fit(&decimal) != cases[i].fit)
			fail_msg("%s: %d", cases[i].text, ddb_decimal_fit(&decimal));
		len = ddb_decimal_canonical(&decimal, out);
		assert_int_equal(len, strlen(out));
		assert_string_equal(out, cases[i].fit == OK ? cases[i].canonical : "");
	}
}

static void
test_no_numbers(void **state)
{
	DdbDecimal decimal;
	int64_t value;
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(no_numbers); i++)
	{
		if (parse(no_numbers[i], &decimal))
			fail_msg("\"%s\" parsed", no_numbers[i]);
		assert_false(
			ddb_decimal_to_int64(no_numbers[i], strlen(no_numbers[i]), &value));
	}
	assert_false(ddb_decimal_parse("1\0", 2, &decimal));
}

static void
test_parts(void **state)
{
	DdbDecimal decimal;

	(void) state;
	assert_true(parse("-0012.3400e5", &decimal));
	assert_true(decimal.negative);
	assert_int_equal(decimal.ndigits, 4);
	assert_int_equal(decimal.exponent, 7);
	assert_int_equal(decimal.text_len, 5);
	assert_memory_equal(decimal.text, "12.34", 5);
	assert_true(parse("-0.000", &decimal));
	assert_false(decimal.negative);
	assert_int_equal(decimal.ndigits, 0);
	assert_int_equal(decimal.exponent, 0);
	assert_true(parse("1e1000000", &decimal));
	assert_int_equal(decimal.exponent, 99999);
	assert_true(parse("1e-1000000", &decimal));
	assert_int_equal(decimal.exponent, -99999);
}

/* A written exponent far out that the digits bring back. */
static void
test_long_text(void **state)
{
	size_t zeros = 200000;
	char *text = malloc(zeros + 16);
	DdbDecimal decimal;
	char out[DDB_DECIMAL_BUFFER];

	(void) state;
	memset(text, '0', zeros);
	text[1] = '.';
	memcpy(text + zeros, "7e199999", 9);
	assert_true(parse(text, &decimal));
	assert_int_equal(ddb_decimal_canonical(&decimal, out), 1);
	assert_string_equal(out, "7");
	free(text);
}

/* A number, and the nearest below and above; NULL where there is none. */
typedef struct Rounding
{
	const char *text;
	const char *down;
	const char *up;
} Rounding;

#define E37 ZEROS_10 ZEROS_10 ZEROS_10 "0000000"

static const Rounding roundings[] = {
	{"0", "0", "0"},
	{"-0", "0", "0"},
	{"1.50", "1.5", "1.5"},
	{"-7e2", "-700", "-700"},
	{NINES_38, NINES_38, NINES_38},
	{NINES_38 ".1", NINES_38, "10" E37},
	{"-" NINES_38 ".1", "-10" E37, "-" NINES_38},
	{NINES_38 "1", NINES_38 "0", "10" E37 "0"},
	{"1" E37 ".0001", "1" E37, "1" ZEROS_10 ZEROS_10 ZEROS_10 "0000001"},
	{"-1" E37 ".0001", "-1" ZEROS_10 ZEROS_10 ZEROS_10 "0000001", "-1" E37},
	{"0." NINES_38 "9", "0." NINES_38, "1"},
	{"-0." NINES_38 "9", "-1", "-0." NINES_38},
	{"12345678901234567890123456789012345678.9",
	 "12345678901234567890123456789012345678",
	 "12345678901234567890123456789012345679"},
	{"12345678901234567890123456789012345699.9",
	 "12345678901234567890123456789012345699",
	 "123456789012345678901234567890123457"
	 "00"},
	{"1E125", "1" ZEROS_125, "1" ZEROS_125},
	{GREATEST, GREATEST, GREATEST},
	{"1E126", GREATEST, NULL},
	{"-1E126", NULL, "-" GREATEST},
	{"5E99999", GREATEST, NULL},
	{"-5E99999", NULL, "-" GREATEST},
	{NINES_38 "9E87", GREATEST, NULL},
	{"-" NINES_38 "9E87", NULL, "-" GREATEST},
	{NINES_37 "89E87", NINES_37 "8" ZEROS_88, GREATEST},
	{"1E-130", LEAST, LEAST},
	{"1E-131", "0", LEAST},
	{"-1E-131", "-" LEAST, "0"},
	{"9.9E-131", "0", LEAST},
	{"1e-99999", "0", LEAST},
	{"-1e-99999", "-" LEAST, "0"},
	{NINES_38 "9e-169", "0", LEAST},
	{"1." NINES_37 "9e-130", "0." ZEROS_129 "1" NINES_37, "0." ZEROS_129 "2"},
};

static void
check_round(const char *text, int toward, const char *expected)
{
	DdbDecimal decimal;
	char out[DDB_DECIMAL_BUFFER];
	size_t len;
	bool ok;

	assert_true(parse(text, &decimal));
	ok = ddb_decimal_round(&decimal, toward, out, &len);
	if (ok != (expected != NULL))
		fail_msg("%s toward %d: %s", text, toward, ok ? out : "none");
	if (!ok)
		return;
	assert_string_equal(out, expected);
	assert_int_equal(len, strlen(out));
}

static void
test_round(void **state)
{
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(roundings); i++)
	{
		check_round(roundings[i].text, -1, roundings[i].down);
		check_round(roundings[i].text, 1, roundings[i].up);
	}
}

static int
sign_of(int n)
{
	return (n > 0) - (n < 0);
}

/* In ascending order, equal spellings on one line. */
static const char *const ascending[][4] = {
	{"-1e99", "-1" ZEROS_10 "e89", "-0.1e100", "-1.0E+99"},
	{"-12.5", "-12.50", "-0125e-1", "-1.25e1"},
	{"-12.4999", "-12.4999", "-12.49990", "-124999e-4"},
	{"-1", "-1.0", "-01", "-1e0"},
	{"-0.1", "-.1", "-1e-1", "-0.10"},
	{"-1e-140", "-10e-141", "-0.1e-139", "-1e-140"},
	{"0", "-0", "0e99", "0.000"},
	{"1e-140", "10e-141", "0.1e-139", "1e-140"},
	{"0.09", "9e-2", ".09", "0.090"},
	{"0.1", ".1", "1e-1", "0.10"},
	{"0.11", "11e-2", "+.11", "0.110"},
	{"1", "01.00", "1.", "+1"},
	{"1.0000000000000000000000000000000000000000001",
	 "01.00000000000000000000000000000000000000000010",
	 "10000000000000000000000000000000000000000001e-43",
	 "1.0000000000000000000000000000000000000000001"},
	{"9", "9.0", "0.9e1", "90e-1"},
	{"10", "1e1", "010", "10.0"},
	{"1e125", "1" ZEROS_125, "10e124", "0.1e126"},
};

static void
test_compare(void **state)
{
	size_t n = LENGTH_OF(ascending) * 4;
	size_t i;
	size_t j;

	(void) state;
	for (i = 0; i < n; i++)
	{
		for (j = 0; j < n; j++)
		{
			int expected = sign_of((int) (i / 4) - (int) (j / 4));
			DdbDecimal a;
			DdbDecimal b;

			assert_true(parse(ascending[i / 4][i % 4], &a));
			assert_true(parse(ascending[j / 4][j % 4], &b));
			if (sign_of(ddb_decimal_compare(&a, &b)) != expected)
				fail_msg("%s, %s", ascending[i / 4][i % 4],
						 ascending[j / 4][j % 4]);
		}
	}
}

/* xorshift: the same pairs on every machine. */
static uint32_t
next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#define WIDTH 80
#define MIDDLE 40

/*
 * The slow reference: a number as WIDTH digits around a fixed point, most
 * significant first, written out as text in a random spelling.
 */
static bool
random_number(uint32_t *seed, char *digits, char *text)
{
	bool negative = next_random(seed) % 2;
	int first = MIDDLE - 8 + (int) (next_random(seed) % 10);
	int n = 1 + (int) (next_random(seed) % 6);
	int shift = (int) (next_random(seed) % 7) - 3;
	char *to = text;
	int from;
	int upto;
	int i;

	memset(digits, 0, WIDTH);
	for (i = first; i < first + n; i++)
		digits[i] = (char) (next_random(seed) % 3);

	/* Point moved by shift, zeros on both sides. */
	from = MIDDLE - 12;
	upto = MIDDLE + 12;
	if (negative)
		*to++ = '-';
	for (i = from; i < upto; i++)
	{
		if (i == MIDDLE + shift)
			*to++ = '.';
		*to++ = (char) ('0' + digits[i]);
	}
	*to++ = 'e';
	*to++ = shift > 0 ? '-' : '+';
	*to++ = (char) ('0' + abs(shift));
	*to = '\0';
	return negative;
}

/* Compares what random_number made, digit by digit. */
static int
slow_compare(const char *a, bool a_negative, const char *b, bool b_negative)
{
	int i;

	for (i = 0; i < WIDTH; i++)
	{
		int in_a = a_negative ? -a[i] : a[i];
		int in_b = b_negative ? -b[i] : b[i];

		/* The first digit that is not 0 decides between signs, too. */
		if (in_a != in_b)
			return in_a < in_b ? -1 : 1;
	}
	return 0;
}

static void
test_compare_random(void **state)
{
	uint32_t seed = 20261121;
	int equal = 0;
	int i;

	(void) state;
	for (i = 0; i < 300000; i++)
	{
		char digits_a[WIDTH];
		char digits_b[WIDTH];
		char text_a[WIDTH];
		char text_b[WIDTH];
		DdbDecimal a;
		DdbDecimal b;
		bool negative_a = random_number(&seed, digits_a, text_a);
		bool negative_b = random_number(&seed, digits_b, text_b);
		int expected = slow_compare(digits_a, negative_a, digits_b, negative_b);

		assert_true(parse(text_a, &a));
		assert_true(parse(text_b, &b));
		if (sign_of(ddb_decimal_compare(&a, &b)) != expected)
			fail_msg("%s, %s: not %d", text_a, text_b, expected);
		equal += expected == 0;
	}
	assert_true(equal > 100);
}

typedef struct Integer
{
	const char *text;
	bool ok;
	int64_t value;
} Integer;

static const Integer integers[] = {
	{"0", true, 0},
	{"-0", true, 0},
	{"+0", true, 0},
	{"0.000", true, 0},
	{"0e500", true, 0},
	{"1", true, 1},
	{"-1", true, -1},
	{"+1", true, 1},
	{"007", true, 7},
	{"1.0", true, 1},
	{"1e3", true, 1000},
	{"1.5e1", true, 15},
	{"1500e-2", true, 15},
	{"-12.30e1", true, -123},
	{"1.5", false, 0},
	{"0.1", false, 0},
	{"1e-1", false, 0},
	{"15e-1", false, 0},
	{"1.0000000000000000000000000001", false, 0},
	{"999999999999999999", true, INT64_C(999999999999999999)},
	{"1000000000000000000", true, INT64_C(1000000000000000000)},
	{"9223372036854775807", true, INT64_MAX},
	{"9223372036854775808", false, 0},
	{"9223372036854775807.0", true, INT64_MAX},
	{"-9223372036854775808", true, INT64_MIN},
	{"-9223372036854775809", false, 0},
	{"-9.223372036854775808e18", true, INT64_MIN},
	{"9.223372036854775808e18", false, 0},
	{"1e18", true, INT64_C(1000000000000000000)},
	{"1e19", false, 0},
	{"-1e19", false, 0},
	{"1e125", false, 0},
	{"1e99999999999", false, 0},
	{"1e-99999999999", false, 0},
	{"00000000000000000000000000000000000001", true, 1},
	{"18446744073709551616", false, 0},
	{"99999999999999999999", false, 0},
	{"-99999999999999999999999999999999999999", false, 0},
};

static void
test_int64(void **state)
{
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(integers); i++)
	{
		int64_t value = 0;
		bool ok = ddb_decimal_to_int64(integers[i].text,
									   strlen(integers[i].text), &value);

		if (ok != integers[i].ok || (ok && value != integers[i].value))
			fail_msg("%s", integers[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit_and_canonical),
		cmocka_unit_test(test_no_numbers),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_compare_random),
		cmocka_unit_test(test_int64),
	};

	return cmocka_run_group_tests_name("format_decimal", tests, NULL, NULL);
}
