/* SPDX-License-Identifier: PostgreSQL */
/*
 * time_text.c
 *		Dates and times as DynamoDB tables keep them: ISO-8601 text, epochs.
 *
 * Integer arithmetic only; neither libc's calendar nor its locale is asked.
 * The bounds on years are for what is written: an offset or "24:00" may carry
 * the instant a little beyond them.
 */
#include "format/time_text.h"

#include <string.h>

#include "format/decimal.h"

#define MICROS_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY 86400
#define MICROS_PER_DAY (SECONDS_PER_DAY * MICROS_PER_SECOND)
#define FRACTION_DIGITS 6

/* The calendar repeats every 400 years. */
#define YEARS_PER_ERA 400
#define DAYS_PER_ERA 146097

/* Days from 0000-03-01, where counting is simple, to 1970-01-01. */
#define EPOCH_DAYS 719468

/* 0001-01-01 and 9999-12-31 */
#define FIRST_DAY (-719162)
#define LAST_DAY 2932896

/*
 * Offsets that PostgreSQL takes, too.  Conditions on keys rely on it: they look
 * no further than sixteen hours around an instant.
 */
#define MAX_OFFSET_HOURS 15

/* Units beyond this would overflow the long division by them. */
#define MAX_UNIT_MICROS INT64_C(1000000000000000000)

/* Where to stop for a unit that no power of ten is a multiple of. */
#define MAX_EPOCH_FRACTION 20

typedef struct Cursor
{
	const char *pos;
	const char *end;
} Cursor;

typedef struct Civil
{
	int year;
	int month;
	int day;
} Civil;

typedef struct Clock
{
	int hour;
	int minute;
	int second;
	int micros;
	bool exact;
} Clock;

static inline bool
is_digit(char c)
{
	return (unsigned char) (c - '0') < 10;
}

/*
 * Takes exactly n digits as a number into *value.  False, with nothing taken,
 * when there are fewer.
 */
static bool
take_digits(Cursor *cursor, int n, int *value)
{
	int sum = 0;
	int i;

	if (cursor->end - cursor->pos < n)
		return false;
	for (i = 0; i < n; i++)
	{
		if (!is_digit(cursor->pos[i]))
			return false;
		sum = sum * 10 + (cursor->pos[i] - '0');
	}
	cursor->pos += n;
	*value = sum;
	return true;
}

/* Takes the character if it is next. */
static bool
take_char(Cursor *cursor, char c)
{
	if (cursor->pos == cursor->end || *cursor->pos != c)
		return false;
	cursor->pos++;
	return true;
}

/* True if there is a next character and it is a or b; it is not consumed. */
static bool
next_is(const Cursor *cursor, char a, char b)
{
	return cursor->pos < cursor->end &&
		   (*cursor->pos == a || *cursor->pos == b);
}

static bool
next_is_digit(const Cursor *cursor)
{
	return cursor->pos < cursor->end && is_digit(*cursor->pos);
}

/* By the Gregorian calendar, which is applied to all years. */
static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool
valid_civil(const Civil *civil)
{
	return civil->year >= 1 && civil->month >= 1 && civil->month <= 12 &&
		   civil->day >= 1 &&
		   civil->day <= days_in_month(civil->year, civil->month);
}

/*
 * Days since 1970-01-01.  Years are counted from March, so that the leap day
 * is their last and the lengths of months follow a straight line.
 */
static int32_t
civil_to_days(const Civil *civil)
{
	int year = civil->month > 2 ? civil->year : civil->year - 1;
	int month = civil->month > 2 ? civil->month - 3 : civil->month + 9;
	int era = year / YEARS_PER_ERA;
	int of_era = year % YEARS_PER_ERA;
	int of_year = (153 * month + 2) / 5 + civil->day - 1;

	return era * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 +
		   of_year - EPOCH_DAYS;
}

/*
 * The inverse of civil_to_days(), by whole-number arithmetic.  False, with
 * *civil unchanged, when the year is not in 0001 to 9999.
 */
static bool
days_to_civil(int64_t days, Civil *civil)
{
	int since;
	int of_era;
	int year;
	int of_year;
	int month;

	if (days < FIRST_DAY || days > LAST_DAY)
		return false;
	since = (int) days + EPOCH_DAYS;
	of_era = since % DAYS_PER_ERA;
	year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year + year / 4 - year / 100);
	month = (5 * of_year + 2) / 153;
	civil->day = of_year - (153 * month + 2) / 5 + 1;
	civil->month = month < 10 ? month + 3 : month - 9;
	civil->year =
		year + since / DAYS_PER_ERA * YEARS_PER_ERA + (civil->month <= 2);
	return true;
}

/*
 * Takes the digits of a fraction of a second, at least one, and cuts it to
 * microseconds.  Rounded, the last instant of a day would be one of the next.
 */
static bool
take_fraction(Cursor *cursor, Clock *clock)
{
	const char *start = cursor->pos;
	int value = 0;
	int64_t missing;

	for (; next_is_digit(cursor); cursor->pos++)
	{
		int digit = *cursor->pos - '0';
		int64_t place = cursor->pos - start;

		if (place < FRACTION_DIGITS)
			value = value * 10 + digit;
		else if (digit != 0)
			clock->exact = false;
	}
	for (missing = FRACTION_DIGITS - (cursor->pos - start); missing > 0;
		 missing--)
		value *= 10;
	clock->micros = value;
	return cursor->pos > start;
}

/*
 * Takes YYYY-MM-DD, or YYYYMMDD with *basic set.  False if the date does not
 * exist.
 */
static bool
take_date(Cursor *cursor, Civil *civil, bool *basic)
{
	if (!take_digits(cursor, 4, &civil->year))
		return false;
	*basic = !take_char(cursor, '-');
	if (!take_digits(cursor, 2, &civil->month))
		return false;
	if (!*basic && !take_char(cursor, '-'))
		return false;
	return take_digits(cursor, 2, &civil->day) && valid_civil(civil);
}

/*
 * Takes HH:MM[:SS[.fraction]], or the same without colons if basic, and
 * checks it; 24 hours only when nothing is added to them.
 */
static bool
take_clock(Cursor *cursor, bool basic, Clock *clock)
{
	memset(clock, 0, sizeof(*clock));
	clock->exact = true;
	if (!take_digits(cursor, 2, &clock->hour))
		return false;
	if (!basic && !take_char(cursor, ':'))
		return false;
	if (!take_digits(cursor, 2, &clock->minute))
		return false;
	if (basic ? next_is_digit(cursor) : take_char(cursor, ':'))
	{
		if (!take_digits(cursor, 2, &clock->second))
			return false;
		if (take_char(cursor, '.') || take_char(cursor, ','))
		{
			if (!take_fraction(cursor, clock))
				return false;
		}
	}
	if (clock->hour == 24)
		return clock->minute == 0 && clock->second == 0 && clock->micros == 0 &&
			   clock->exact;
	return clock->hour < 24 && clock->minute < 60 && clock->second <= 60;
}

/*
 * Takes Z, z or an offset of hours and perhaps minutes, east of UTC, less than
 * sixteen hours.
 */
static bool
take_zone(Cursor *cursor, int32_t *offset_seconds)
{
	bool west;
	int hours;
	int minutes = 0;

	*offset_seconds = 0;
	if (take_char(cursor, 'Z') || take_char(cursor, 'z'))
		return true;
	if (!next_is(cursor, '+', '-'))
		return false;
	west = *cursor->pos++ == '-';
	if (!take_digits(cursor, 2, &hours) || hours > MAX_OFFSET_HOURS)
		return false;
	if (take_char(cursor, ':') || cursor->pos < cursor->end)
	{
		if (!take_digits(cursor, 2, &minutes) || minutes > 59)
			return false;
	}
	*offset_seconds = (hours * 60 + minutes) * 60;
	if (west)
		*offset_seconds = -*offset_seconds;
	return true;
}

static int64_t
to_micros(const Civil *civil, const Clock *clock)
{
	int64_t seconds = clock->hour * 3600 + clock->minute * 60 + clock->second;

	return civil_to_days(civil) * MICROS_PER_DAY + seconds * MICROS_PER_SECOND +
		   clock->micros;
}

/*
 * The date decides whether the basic or the extended form is used, and the
 * time must follow suit.  Fractions beyond microseconds clear result->exact.
 */
bool
ddb_time_parse_iso(const char *text, size_t len, DdbTimeParse *result)
{
	Cursor cursor = {text, text + len};
	Civil civil;
	Clock clock = {0, 0, 0, 0, true};
	bool basic;

	memset(result, 0, sizeof(*result));
	if (!take_date(&cursor, &civil, &basic))
		return false;
	result->has_date = true;
	if (cursor.pos < cursor.end)
	{
		if (!take_char(&cursor, 'T') && !take_char(&cursor, 't') &&
			!take_char(&cursor, ' '))
			return false;
		if (!take_clock(&cursor, basic, &clock))
			return false;
		result->has_time = true;
	}
	if (cursor.pos < cursor.end)
	{
		if (!take_zone(&cursor, &result->offset_seconds))
			return false;
		result->has_zone = true;
	}
	result->exact = clock.exact;
	result->micros =
		to_micros(&civil, &clock) - result->offset_seconds * MICROS_PER_SECOND;
	return cursor.pos == cursor.end;
}

/* The number of two digits, or one that no field of a time can have. */
static inline int
two_digits(const char *text)
{
	if (!is_digit(text[0]) || !is_digit(text[1]))
		return 100;
	return (text[0] - '0') * 10 + (text[1] - '0');
}

/*
 * Reads a point and so many digits as microseconds; 0 digits mean that there
 * is no point.  False if something else stands there.
 */
static bool
read_fixed_fraction(const char *text, int digits, int *micros)
{
	int value = 0;
	int i;

	if (digits > 0 && text[0] != '.')
		return false;
	for (i = 1; i <= FRACTION_DIGITS; i++)
	{
		if (i <= digits && !is_digit(text[i]))
			return false;
		value = value * 10 + (i <= digits ? text[i] - '0' : 0);
	}
	*micros = value;
	return true;
}

/*
 * Positions are fixed, so it reads without a cursor.  Every separator and
 * every digit is checked; *micros is set only on success.
 */
bool
ddb_time_parse_fixed(const char *text, size_t len, int fraction_digits,
					 int64_t *micros)
{
	const size_t point = strlen("YYYY-MM-DDTHH:MM:SS");
	int century;
	int year;
	Civil civil;
	Clock clock;

	if (fraction_digits < 0 || fraction_digits > FRACTION_DIGITS ||
		len != point + (fraction_digits > 0) + (size_t) fraction_digits + 1)
		return false;
	if (text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
		text[13] != ':' || text[16] != ':' || text[len - 1] != 'Z')
		return false;
	century = two_digits(text);
	year = two_digits(text + 2);
	civil.year = century * 100 + year;
	civil.month = two_digits(text + 5);
	civil.day = two_digits(text + 8);
	clock.hour = two_digits(text + 11);
	clock.minute = two_digits(text + 14);
	clock.second = two_digits(text + 17);
	/* The other names of an instant, 24:00 and :60, would not sort where it
	 * does. */
	if (century > 99 || year > 99 || !valid_civil(&civil) || clock.hour > 23 ||
		clock.minute > 59 || clock.second > 59 ||
		!read_fixed_fraction(text + point, fraction_digits, &clock.micros))
		return false;
	*micros = to_micros(&civil, &clock);
	return true;
}

/*
 * Writes value with n digits and zeros in front.  Returns where they end;
 * there is no NUL.
 */
static char *
put_digits(char *to, int value, int n)
{
	int i;

	for (i = n - 1; i >= 0; i--)
	{
		to[i] = (char) ('0' + value % 10);
		value /= 10;
	}
	return to + n;
}

/* Writes YYYY-MM-DD; returns what follows. */
static char *
put_date(char *to, const Civil *civil)
{
	to = put_digits(to, civil->year, 4);
	*to++ = '-';
	to = put_digits(to, civil->month, 2);
	*to++ = '-';
	return put_digits(to, civil->day, 2);
}

/*
 * Splits an instant into its day and the microseconds since midnight, which
 * are never negative.
 */
static void
split_day(int64_t micros, int64_t *days, int64_t *of_day)
{
	*days = micros / MICROS_PER_DAY;
	*of_day = micros % MICROS_PER_DAY;
	if (*of_day < 0)
	{
		*of_day += MICROS_PER_DAY;
		(*days)--;
	}
}

/*
 * The buffer needs room for "YYYY-MM-DDTHH:MM:SS.ffffffZ" and a NUL. It is an
 * empty string when 0 is returned.
 */
size_t
ddb_time_format_fixed(int64_t micros, int fraction_digits, char *out,
					  bool *exact)
{
	Civil civil;
	char *to = out;
	int64_t days;
	int64_t of_day;
	int seconds;
	int fraction;
	int cut = 1;
	int i;

	*exact = false;
	out[0] = '\0';
	split_day(micros, &days, &of_day);
	if (fraction_digits < 0 || fraction_digits > FRACTION_DIGITS ||
		!days_to_civil(days, &civil))
		return 0;
	seconds = (int) (of_day / MICROS_PER_SECOND);
	fraction = (int) (of_day % MICROS_PER_SECOND);
	for (i = fraction_digits; i < FRACTION_DIGITS; i++)
		cut *= 10;
	*exact = fraction % cut == 0;

	to = put_date(to, &civil);
	*to++ = 'T';
	to = put_digits(to, seconds / 3600, 2);
	*to++ = ':';
	to = put_digits(to, seconds / 60 % 60, 2);
	*to++ = ':';
	to = put_digits(to, seconds % 60, 2);
	if (fraction_digits > 0)
	{
		*to++ = '.';
		to = put_digits(to, fraction / cut, fraction_digits);
	}
	*to++ = 'Z';
	*to = '\0';
	return (size_t) (to - out);
}

/*
 * Multiplies the digits before the point with unit; false on overflow.
 * *fraction is set to the first digit behind it.
 */
static bool
scale_whole(const DdbDecimal *decimal, uint64_t unit, uint64_t *product,
			const char **fraction)
{
	const char *p = decimal->text;
	const char *end = decimal->text + decimal->text_len;
	uint64_t whole = 0;
	int i;

	for (i = 0; i < decimal->exponent; i++)
	{
		unsigned int digit = 0;

		if (p < end && *p == '.')
			p++;
		if (p < end)
			digit = (unsigned int) (*p++ - '0');
		if (__builtin_mul_overflow(whole, 10, &whole) ||
			__builtin_add_overflow(whole, digit, &whole))
			return false;
	}
	*fraction = p;
	return !__builtin_mul_overflow(whole, unit, product);
}

/*
 * Multiplies 0.00…digits, with as many zeros as the decimal's exponent says,
 * with unit; returns the whole part of the product, and in *exact whether that
 * is all of it.
 *
 * From the last digit to the first: what is left of the division by ten can
 * only matter as "not nothing".
 */
static uint64_t
scale_fraction(const DdbDecimal *decimal, const char *fraction, uint64_t unit,
			   bool *exact)
{
	const char *p = decimal->text + decimal->text_len;
	int zeros = decimal->exponent < 0 ? -decimal->exponent : 0;
	uint64_t product = 0;

	*exact = true;
	while (p > fraction || zeros > 0)
	{
		if (p > fraction)
		{
			p--;
			if (*p == '.')
				continue;
			product += unit * (uint64_t) (*p - '0');
		}
		else
			zeros--;
		if (product % 10 != 0)
			*exact = false;
		product /= 10;
	}
	return product;
}

/*
 * Computes with whole numbers only.  Of a negative number with digits below a
 * microsecond the result is one less, because cutting goes down, not toward
 * zero.
 */
bool
ddb_time_parse_epoch(const char *text, size_t len, int64_t unit_micros,
					 int64_t *micros, bool *exact)
{
	DdbDecimal decimal;
	const char *fraction;
	uint64_t unit = (uint64_t) unit_micros;
	uint64_t sum;

	if (unit_micros < 1 || unit_micros > MAX_UNIT_MICROS ||
		!ddb_decimal_parse(text, len, &decimal) ||
		!scale_whole(&decimal, unit, &sum, &fraction) || sum > INT64_MAX)
		return false;
	sum += scale_fraction(&decimal, fraction, unit, exact);
	/* Down, before 1970 too. */
	sum += decimal.negative && !*exact;
	if (sum > INT64_MAX)
		return false;
	*micros = decimal.negative ? -(int64_t) sum : (int64_t) sum;
	return true;
}

/*
 * Zeros at the end of a fraction never appear, since the loop ends when
 * nothing remains.  Returns 0 when the unit is out of range.
 */
size_t
ddb_time_format_epoch(int64_t micros, int64_t unit_micros, char *out)
{
	uint64_t magnitude = micros < 0 ? -(uint64_t) micros : (uint64_t) micros;
	char whole[20];
	char *to = out;
	uint64_t unit = (uint64_t) unit_micros;
	uint64_t rest;
	int n = 0;
	int i;

	out[0] = '\0';
	if (unit_micros < 1 || unit_micros > MAX_UNIT_MICROS)
		return 0;
	if (micros < 0)
		*to++ = '-';
	rest = magnitude / unit;
	do
	{
		whole[n++] = (char) ('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	while (n > 0)
		*to++ = whole[--n];

	rest = magnitude % unit;
	if (rest > 0)
		*to++ = '.';
	for (i = 0; rest > 0 && i < MAX_EPOCH_FRACTION; i++)
	{
		rest *= 10;
		*to++ = (char) ('0' + rest / unit);
		rest %= unit;
	}
	*to = '\0';
	return (size_t) (to - out);
}

/*
 * Takes the extended form only, without a time. *days is set only on success.
 */
bool
ddb_time_parse_date(const char *text, size_t len, int32_t *days)
{
	Cursor cursor = {text, text + len};
	Civil civil;
	bool basic;

	if (!take_date(&cursor, &civil, &basic) || basic ||
		cursor.pos != cursor.end)
		return false;
	*days = civil_to_days(&civil);
	return true;
}

/* Returns 0, and an empty text, when the year is outside 0001–9999. */
size_t
ddb_time_format_date(int32_t days, char *out)
{
	Civil civil;
	char *to = out;

	if (days_to_civil(days, &civil))
		to = put_date(to, &civil);
	*to = '\0';
	return (size_t) (to - out);
}

/*
 * Fields of an instant in UTC. False, with fields unchanged, outside the years
 * 0001 to 9999.
 */
bool
ddb_time_to_fields(int64_t micros, DdbTimeFields *fields)
{
	Civil civil;
	int64_t days;
	int64_t of_day;
	int seconds;

	split_day(micros, &days, &of_day);
	if (!days_to_civil(days, &civil))
		return false;
	seconds = (int) (of_day / MICROS_PER_SECOND);
	fields->year = civil.year;
	fields->month = civil.month;
	fields->day = civil.day;
	fields->hour = seconds / 3600;
	fields->minute = seconds / 60 % 60;
	fields->second = seconds % 60;
	fields->micros = (int) (of_day % MICROS_PER_SECOND);
	return true;
}

/*
 * The inverse, which accepts no other name of an instant, such as hour 24 or
 * second 60. *micros is set only on success.
 */
bool
ddb_time_from_fields(const DdbTimeFields *fields, int64_t *micros)
{
	Civil civil = {fields->year, fields->month, fields->day};
	Clock clock = {fields->hour, fields->minute, fields->second, fields->micros,
				   true};

	if (!valid_civil(&civil) || civil.year > 9999 || clock.hour < 0 ||
		clock.hour > 23 || clock.minute < 0 || clock.minute > 59 ||
		clock.second < 0 || clock.second > 59 || clock.micros < 0 ||
		clock.micros >= MICROS_PER_SECOND)
		return false;
	*micros = to_micros(&civil, &clock);
	return true;
}
