/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_decimal.c
 *		libFuzzer target: laws that hold for every number.
 *
 * The input is two numbers with a newline between.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -Isrc test/fuzz/fuzz_decimal.c src/format/decimal.c -o fuzz_decimal && ./fuzz_decimal -max_total_time=120 NEW_CORPUS test/fuzz/corpus/fuzz_decimal
 */
#include "format/decimal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                       \
	do                                                                         \
	{                                                                          \
		if (!(condition))                                                      \
			abort();                                                           \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Canonical text must say the same number, and say it canonically.
 */
static void
check_canonical(const DdbDecimal *decimal, char *canonical)
{
	char again[DDB_DECIMAL_BUFFER];
	DdbDecimal read;
	size_t len = ddb_decimal_canonical(decimal, canonical);

	CHECK(len > 0 && len < DDB_DECIMAL_BUFFER && len == strlen(canonical));
	CHECK(ddb_decimal_parse(canonical, len, &read));
	CHECK(ddb_decimal_compare(decimal, &read) == 0);
	CHECK(read.ndigits == decimal->ndigits &&
		  read.exponent == decimal->exponent &&
		  read.negative == decimal->negative);
	CHECK(ddb_decimal_canonical(&read, again) == len);
	CHECK(memcmp(again, canonical, len + 1) == 0);
	CHECK(strpbrk(canonical, "eE+") == NULL);
}

/*
 * A rounded number fits, is on its side, and is the number if that fits.
 */
static void
check_round(const DdbDecimal *decimal, int toward)
{
	char out[DDB_DECIMAL_BUFFER];
	char canonical[DDB_DECIMAL_BUFFER];
	size_t len;
	DdbDecimal read;
	int order;

	if (!ddb_decimal_round(decimal, toward, out, &len))
	{
		CHECK(ddb_decimal_fit(decimal) != DDB_DECIMAL_OK);
		CHECK(decimal->negative == (toward < 0));
		CHECK(decimal->exponent >= 126);
		return;
	}
	CHECK(len == strlen(out) && ddb_decimal_parse(out, len, &read));
	CHECK(ddb_decimal_fit(&read) == DDB_DECIMAL_OK);
	order = ddb_decimal_compare(&read, decimal);
	CHECK(toward < 0 ? order <= 0 : order >= 0);
	CHECK((order == 0) == (ddb_decimal_fit(decimal) == DDB_DECIMAL_OK));
	ddb_decimal_canonical(&read, canonical);
	CHECK(strcmp(out, canonical) == 0);
}

/*
 * Integers against libc's reading of the canonical text.
 */
static void
check_int64(const char *text, size_t len, const DdbDecimal *decimal)
{
	char canonical[DDB_DECIMAL_BUFFER];
	int64_t value;
	bool is_int = ddb_decimal_to_int64(text, len, &value);
	long long expected;

	if (ddb_decimal_fit(decimal) != DDB_DECIMAL_OK)
	{
		CHECK(!is_int);
		return;
	}
	ddb_decimal_canonical(decimal, canonical);
	errno = 0;
	expected = strtoll(canonical, NULL, 10);
	CHECK(is_int == (errno == 0 && strchr(canonical, '.') == NULL));
	CHECK(!is_int || value == expected);
}

/*
 * Takes an exactly sized copy apart and checks all that is about one number.
 */
static bool
check_one(const char *text, size_t len, DdbDecimal *decimal)
{
	char canonical[DDB_DECIMAL_BUFFER];
	int64_t value;

	if (!ddb_decimal_parse(text, len, decimal))
	{
		CHECK(!ddb_decimal_to_int64(text, len, &value));
		return false;
	}
	if (ddb_decimal_fit(decimal) == DDB_DECIMAL_OK)
		check_canonical(decimal, canonical);
	else
		CHECK(ddb_decimal_canonical(decimal, canonical) == 0);
	check_round(decimal, -1);
	check_round(decimal, 1);
	check_int64(text, len, decimal);
	return true;
}

/* An exactly sized copy, so that reading past it is noticed. */
static char *
copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size + (size == 0));

	memcpy(text, data, size);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t first_len = newline != NULL ? (size_t) (newline - data) : size;
	size_t rest = newline != NULL ? size - first_len - 1 : 0;
	char *first = copy(data, first_len);
	char *second = copy(newline != NULL ? newline + 1 : data, rest);
	DdbDecimal a;
	DdbDecimal b;

	if (check_one(first, first_len, &a) && check_one(second, rest, &b))
	{
		int order = ddb_decimal_compare(&a, &b);
		int reverse = ddb_decimal_compare(&b, &a);

		CHECK((order < 0) == (reverse > 0) && (order == 0) == (reverse == 0));
		if (ddb_decimal_fit(&a) == DDB_DECIMAL_OK &&
			ddb_decimal_fit(&b) == DDB_DECIMAL_OK)
		{
			char text_a[DDB_DECIMAL_BUFFER];
			char text_b[DDB_DECIMAL_BUFFER];

			ddb_decimal_canonical(&a, text_a);
			ddb_decimal_canonical(&b, text_b);
			CHECK((order == 0) == (strcmp(text_a, text_b) == 0));
		}
	}
	free(first);
	free(second);
	return 0;
}
