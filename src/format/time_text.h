/* SPDX-License-Identifier: PostgreSQL */
/*
 * time_text.h
 *		Dates and times as DynamoDB tables keep them: ISO-8601 text, epochs.
 *
 * All instants are int64 microseconds since 1970-01-01 00:00:00 UTC (proleptic
 * Gregorian calendar); callers shift to PostgreSQL's epoch.  Years 0001 to
 * 9999 as written: an offset or "24:00" may carry the instant past them.  Knows nothing of PostgreSQL: no palloc, no ereport.
 */
#ifndef DDB_TIME_TEXT_H
#define DDB_TIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DDB_TIMETEXT_BUFFER 64

typedef struct DdbTimeParse
{
	int64_t micros; /* the instant; of a local time without zone,
								 * as if it were UTC */
	bool has_date;
	bool has_time;
	bool has_zone; /* Z or an offset was given */
	int32_t offset_seconds; /* east of UTC; 0 for Z */
	bool exact; /* false: more than 6 fraction digits that were
								 * not zero; micros is cut, not rounded */
} DdbTimeParse;

/*
 * Any ISO-8601 calendar form found in the wild: "2026-11-01",
 * "2026-11-01T10:11", "…T10:11:12", ".fraction" or ",fraction" of any length,
 * 'T', 't' or one space between, "Z", "z", "+01", "+0100", "+01:00", "-05:30"
 * up to 15:59; also the basic form "20261101T101112Z", its date alone too, the two forms
 * never mixed.  A zone needs a time, a fraction needs seconds.  "24:00:00" is
 * the next midnight; a leap second ":60" counts as the next minute's second 0.
 * Nothing else may stand before or after.  Returns false when it is anything
 * else.
 */
extern bool ddb_time_parse_iso(const char *text, size_t len,
							   DdbTimeParse *result);

/*
 * The fixed-width form "YYYY-MM-DDTHH:MM:SS[.fff]Z" with 0 to 6 fraction
 * digits: strict, so that text order is time order.
 */
extern bool ddb_time_parse_fixed(const char *text, size_t len,
								 int fraction_digits, int64_t *micros);

/*
 * Writes that form (NUL-terminated) and returns its length, or 0 when the
 * year is outside 0001–9999.  Digits below the fraction are cut off (floor);
 * *exact says whether nothing was lost.
 */
extern size_t ddb_time_format_fixed(int64_t micros, int fraction_digits,
									char *out, bool *exact);

/*
 * Epoch numbers (text of a DynamoDB number, any decimal spelling) in units of
 * unit_micros microseconds (1000000: seconds, 1000: milliseconds), fractions
 * allowed.  False when not a number or beyond ±9.2e18 microseconds; *exact is
 * false when digits below a microsecond were cut off (floor).
 */
extern bool ddb_time_parse_epoch(const char *text, size_t len,
								 int64_t unit_micros, int64_t *micros,
								 bool *exact);

/*
 * The inverse: exact decimal text without superfluous zeros (exact for units
 * that divide a power of ten; cut after 20 digits otherwise); its length.
 */
extern size_t ddb_time_format_epoch(int64_t micros, int64_t unit_micros,
									char *out);

/* An instant of the years 0001 to 9999, taken apart in UTC. */
typedef struct DdbTimeFields
{
	int year;
	int month;
	int day;
	int hour;
	int minute;
	int second;
	int micros;
} DdbTimeFields;

/* False outside those years; of fields, also when there is no such time. */
extern bool ddb_time_to_fields(int64_t micros, DdbTimeFields *fields);
extern bool ddb_time_from_fields(const DdbTimeFields *fields, int64_t *micros);

/* "YYYY-MM-DD" <-> days since 1970-01-01; length 0 outside 0001–9999. */
extern bool ddb_time_parse_date(const char *text, size_t len, int32_t *days);
extern size_t ddb_time_format_date(int32_t days, char *out);

#endif /* DDB_TIME_TEXT_H */
