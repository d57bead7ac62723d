/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_time_text.c
 *		libFuzzer target: every reader against the writer of its form.
 *
 * The input is taken as a text of every form, and its first 8 bytes as an
 * instant.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -Isrc test/fuzz/fuzz_time_text.c src/format/time_text.c src/format/decimal.c -o fuzz_time_text && ./fuzz_time_text -max_total_time=120 NEW_CORPUS test/fuzz/corpus/fuzz_time_text
 */
#include "format/time_text.h"

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
 * What is written of an instant must read back as it, or as its floor.
 */
static void
check_instant(int64_t micros)
{
	static const int64_t units[] = {1, 10, 1000, 1000000, 60000000};
	char out[DDB_TIMETEXT_BUFFER];
	int64_t read;
	bool exact;
	size_t len;
	size_t i;
	int digits;

	for (digits = 0; digits <= 6; digits++)
	{
		DdbTimeParse parsed;

		len = ddb_time_format_fixed(micros, digits, out, &exact);
		CHECK(len == strlen(out));
		if (len == 0)
			continue;
		CHECK(ddb_time_parse_fixed(out, len, digits, &read));
		CHECK(exact ? read == micros : read < micros);
		CHECK(micros - read < 1000000);
		CHECK(ddb_time_parse_iso(out, len, &parsed) && parsed.exact);
		CHECK(parsed.micros == read && parsed.has_zone);
		CHECK(digits < 6 || exact);
	}
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
	{
		len = ddb_time_format_epoch(micros, units[i], out);
		CHECK(len == strlen(out) && len > 0 && len < sizeof(out));
		if (micros == INT64_MIN)
			continue;
		if (units[i] == 60000000)
			continue;
		CHECK(ddb_time_parse_epoch(out, len, units[i], &read, &exact));
		CHECK(exact && read == micros);
	}
}

/*
 * All readers over one text: what one accepts, a laxer one does too, and the
 * strict ones accept nothing but what is written.
 */
static void
check_text(const char *text, size_t len)
{
	char out[DDB_TIMETEXT_BUFFER];
	DdbTimeParse parsed;
	bool is_iso = ddb_time_parse_iso(text, len, &parsed);
	int64_t micros;
	int32_t days;
	bool exact;
	int digits;

	if (is_iso)
	{
		CHECK(parsed.has_date && (parsed.has_time || !parsed.has_zone));
		CHECK(parsed.has_zone || parsed.offset_seconds == 0);
		check_instant(parsed.micros);
	}
	for (digits = -1; digits <= 7; digits++)
	{
		if (!ddb_time_parse_fixed(text, len, digits, &micros))
			continue;
		CHECK(is_iso && parsed.micros == micros && parsed.exact);
		CHECK(ddb_time_format_fixed(micros, digits, out, &exact) == len);
		CHECK(exact && memcmp(out, text, len) == 0);
	}
	if (ddb_time_parse_date(text, len, &days))
	{
		CHECK(is_iso && !parsed.has_time);
		CHECK(parsed.micros == days * INT64_C(86400000000));
		CHECK(ddb_time_format_date(days, out) == len);
		CHECK(memcmp(out, text, len) == 0);
	}
	if (ddb_time_parse_epoch(text, len, 1000000, &micros, &exact))
		check_instant(micros);
	if (ddb_time_parse_epoch(text, len, 1000, &micros, &exact))
		check_instant(micros);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + (size == 0));
	int64_t micros = 0;
	int32_t days;
	int32_t read;
	char out[DDB_TIMETEXT_BUFFER];
	size_t len;

	memcpy(text, data, size);
	check_text(text, size);
	free(text);

	memcpy(&micros, data, size < sizeof(micros) ? size : sizeof(micros));
	check_instant(micros);
	/* Most instants are far out of the years we write. */
	check_instant(micros >> 5);
	days = (int32_t) (micros % 4000000);
	len = ddb_time_format_date(days, out);
	CHECK(len == 0 || (ddb_time_parse_date(out, len, &read) && read == days));
	return 0;
}
