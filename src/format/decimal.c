/* SPDX-License-Identifier: PostgreSQL */
/*
 * decimal.c
 *		DynamoDB numbers as decimal text: checked, made canonical, compared.
 *
 * A number stays text throughout: taking it apart only finds where its
 * significant digits are and what power of ten they count, so any spelling
 * costs one pass and nothing is ever rounded by accident.  Exponents are
 * added up in 64 bits, where the length of no text can overflow them.
 */
#include "format/decimal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* 0.1 * 10^127 is 1E126, the first magnitude that is too large. */
#define MAX_EXPONENT 126

/* 0.1 * 10^-129 is 1E-130, the smallest magnitude there is. */
#define MIN_EXPONENT (-129)

#define EXPONENT_CLAMP 99999

/* Longest text of digits alone that cannot overflow an int64. */
#define SAFE_INT64_DIGITS 18

/* Reads the significant digits one by one, from the first; then zeros. */
typedef struct DigitReader
{
	const char *pos;
	const char *end;
} DigitReader;

static inline bool
is_digit(char c)
{
	return (unsigned char) (c - '0') < 10;
}

static void
start_digits(DigitReader *reader, const DdbDecimal *decimal)
{
	reader->pos = decimal->text;
	reader->end = decimal->text + decimal->text_len;
}

/* The next digit's value; 0 when there are no more. */
static int
next_digit(DigitReader *reader)
{
	if (reader->pos < reader->end && *reader->pos == '.')
		reader->pos++;
	return reader->pos < reader->end ? *reader->pos++ - '0' : 0;
}

/*
 * Reads (e|E)[+-]digits up to the end, or nothing, into *exponent, which
 * stops growing where no length of text can make up for it.
 */
static bool
parse_exponent(const char *p, const char *end, int64_t *exponent)
{
	bool negative = false;
	int64_t value = 0;

	*exponent = 0;
	if (p == end)
		return true;
	if (*p != 'e' && *p != 'E')
		return false;
	p++;
	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	if (p == end)
		return false;
	for (; p < end; p++)
	{
		if (!is_digit(*p))
			return false;
		if (value < INT64_MAX / 16)
			value = value * 10 + (*p - '0');
	}
	*exponent = negative ? -value : value;
	return true;
}

/*
 * Fills in the significant digits of the mantissa [p, mantissa_end), whose
 * point, or the place where it would be, is at point.
 */
static void
set_digits(DdbDecimal *decimal, const char *p, const char *mantissa_end,
		   const char *point, int64_t exponent)
{
	const char *last = mantissa_end;
	int64_t ndigits;

	while (p < last && (*p == '0' || *p == '.'))
		p++;
	while (last > p && (last[-1] == '0' || last[-1] == '.'))
		last--;
	decimal->text = p;
	decimal->text_len = (size_t) (last - p);
	if (p == last)
	{
		decimal->negative = false;
		decimal->ndigits = 0;
		decimal->exponent = 0;
		return;
	}
	ndigits = last - p - (p < point && point < last);
	decimal->ndigits = ndigits > INT_MAX ? INT_MAX : (int) ndigits;

	/* Places from the first digit to the point; the point is none itself. */
	exponent += p < point ? point - p : point + 1 - p;
	if (exponent > EXPONENT_CLAMP)
		exponent = EXPONENT_CLAMP;
	if (exponent < -EXPONENT_CLAMP)
		exponent = -EXPONENT_CLAMP;
	decimal->exponent = (int) exponent;
}

/*
 * Checks the form first and finds the significant digits afterwards, in
 * set_digits(), which strips zeros on both sides.
 */
bool
ddb_decimal_parse(const char *text, size_t len, DdbDecimal *decimal)
{
	const char *p = text;
	const char *end = text + len;
	const char *mantissa;
	const char *point;
	int64_t exponent;

	decimal->negative = false;
	if (p < end && (*p == '+' || *p == '-'))
		decimal->negative = *p++ == '-';
	mantissa = p;
	while (p < end && is_digit(*p))
		p++;
	point = p;
	if (p < end && *p == '.')
	{
		p++;
		while (p < end && is_digit(*p))
			p++;
	}
	/* A digit on either side of the point is enough, but one must be. */
	if (p - mantissa - (p > point) < 1)
		return false;
	if (!parse_exponent(p, end, &exponent))
		return false;
	set_digits(decimal, mantissa, p, point, exponent);
	return true;
}

/*
 * Tests magnitude before precision, so that a number that fails both is
 * reported as out of range.  Zero always fits, whatever its exponent was.
 */
DdbDecimalFit
ddb_decimal_fit(const DdbDecimal *decimal)
{
	if (decimal->ndigits == 0)
		return DDB_DECIMAL_OK;
	if (decimal->exponent > MAX_EXPONENT)
		return DDB_DECIMAL_OVERFLOW;
	if (decimal->exponent < MIN_EXPONENT)
		return DDB_DECIMAL_UNDERFLOW;
	if (decimal->ndigits > DDB_DECIMAL_MAX_DIGITS)
		return DDB_DECIMAL_TOO_PRECISE;
	return DDB_DECIMAL_OK;
}

/*
 * Writes ndigits significant digits (characters) as plain decimal text, NUL
 * terminated, into DDB_DECIMAL_BUFFER bytes; returns its length.
 */
static size_t
write_plain(bool negative, const char *digits, int ndigits, int exponent,
			char *out)
{
	char *to = out;
	int i;

	if (negative && ndigits > 0)
		*to++ = '-';
	if (exponent <= 0)
		*to++ = '0';
	for (i = 0; i < exponent; i++)
		*to++ = i < ndigits ? digits[i] : '0';
	if (exponent < ndigits)
	{
		*to++ = '.';
		for (i = exponent; i < 0; i++)
			*to++ = '0';
		for (i = exponent < 0 ? 0 : exponent; i < ndigits; i++)
			*to++ = digits[i];
	}
	*to = '\0';
	return (size_t) (to - out);
}

/*
 * Copies the first digits as characters, 38 at most, and returns how many.
 * They are not terminated.
 */
static int
copy_digits(const DdbDecimal *decimal, char *digits)
{
	DigitReader reader;
	int n = decimal->ndigits;
	int i;

	if (n > DDB_DECIMAL_MAX_DIGITS)
		n = DDB_DECIMAL_MAX_DIGITS;
	start_digits(&reader, decimal);
	for (i = 0; i < n; i++)
		digits[i] = (char) ('0' + next_digit(&reader));
	return n;
}

/*
 * Writes without ever using an exponent, so the text may be far longer than
 * the digits; DDB_DECIMAL_BUFFER allows for the smallest number with all its
 * digits.
 */
size_t
ddb_decimal_canonical(const DdbDecimal *decimal, char *out)
{
	char digits[DDB_DECIMAL_MAX_DIGITS];
	int n;

	/* Kept from overrunning the buffer even when the caller did not ask. */
	if (ddb_decimal_fit(decimal) != DDB_DECIMAL_OK)
	{
		out[0] = '\0';
		return 0;
	}
	n = copy_digits(decimal, digits);
	return write_plain(decimal->negative, digits, n, decimal->exponent, out);
}

/*
 * Adds one to the last of n digits.  Returns how many are left without the
 * zeros that makes at the end; a carry out of the first leaves a "1" that
 * counts ten times as much: *exponent is then raised.
 */
static int
increment_digits(char *digits, int n, int *exponent)
{
	while (n > 0 && digits[n - 1] == '9')
		n--;
	if (n == 0)
	{
		digits[0] = '1';
		(*exponent)++;
		return 1;
	}
	digits[n - 1]++;
	return n;
}

/*
 * Cuts to 38 digits, and adds one in the last place when the direction is away
 * from zero.  That may carry over the largest number, after which there is
 * none left on that side.
 */
bool
ddb_decimal_round(const DdbDecimal *decimal, int toward, char *out,
				  size_t *out_len)
{
	/* Rounding up a negative number, or down a positive one, shrinks it. */
	bool shrink = decimal->negative == (toward > 0);
	char digits[DDB_DECIMAL_MAX_DIGITS];
	int exponent = decimal->exponent;
	int n;

	n = copy_digits(decimal, digits);
	switch (ddb_decimal_fit(decimal))
	{
		case DDB_DECIMAL_OVERFLOW:
			memset(digits, '9', sizeof(digits));
			n = DDB_DECIMAL_MAX_DIGITS;
			exponent = MAX_EXPONENT;
			if (!shrink)
				return false;
			break;
		case DDB_DECIMAL_UNDERFLOW:
			digits[0] = '1';
			n = shrink ? 0 : 1;
			exponent = shrink ? 0 : MIN_EXPONENT;
			break;
		case DDB_DECIMAL_TOO_PRECISE:
			if (!shrink)
				n = increment_digits(digits, n, &exponent);
			break;
		default:
			break;
	}
	if (exponent > MAX_EXPONENT)
		return false;
	while (n > 0 && digits[n - 1] == '0')
		n--;
	*out_len = write_plain(decimal->negative, digits, n, exponent, out);
	return true;
}

/*
 * Compares two numbers that are not 0 by exponent and digits, whatever their
 * signs.  Digits that one number lacks count as zeros.
 */
static int
compare_magnitude(const DdbDecimal *a, const DdbDecimal *b)
{
	DigitReader in_a;
	DigitReader in_b;

	if (a->exponent != b->exponent)
		return a->exponent < b->exponent ? -1 : 1;
	start_digits(&in_a, a);
	start_digits(&in_b, b);
	while (in_a.pos < in_a.end || in_b.pos < in_b.end)
	{
		int difference = next_digit(&in_a) - next_digit(&in_b);

		if (difference != 0)
			return difference;
	}
	return 0;
}

/*
 * Zeros are equal whatever their sign and exponent.  Signs decide next, then
 * magnitudes by exponent and digits, so that spelling never matters.
 */
int
ddb_decimal_compare(const DdbDecimal *a, const DdbDecimal *b)
{
	int sign_a = a->ndigits == 0 ? 0 : a->negative ? -1 : 1;
	int sign_b = b->ndigits == 0 ? 0 : b->negative ? -1 : 1;

	if (sign_a != sign_b)
		return sign_a < sign_b ? -1 : 1;
	if (sign_a == 0)
		return 0;
	return sign_a < 0 ? compare_magnitude(b, a) : compare_magnitude(a, b);
}

int
ddb_decimal_compare_int64(const DdbDecimal *a, int64_t b)
{
	char text[32];
	DdbDecimal number;

	(void) ddb_decimal_parse(
		text, (size_t) snprintf(text, sizeof(text), "%" PRId64, b), &number);
	return ddb_decimal_compare(a, &number);
}

/*
 * The usual spelling of an integer, too short to overflow; false for all
 * others, which may be integers none the less.
 */
static bool
short_int64(const char *text, size_t len, int64_t *value)
{
	bool negative = len > 0 && text[0] == '-';
	const char *p = text + negative;
	const char *end = text + len;
	int64_t sum = 0;

	if (p == end || end - p > SAFE_INT64_DIGITS)
		return false;
	for (; p < end; p++)
	{
		if (!is_digit(*p))
			return false;
		sum = sum * 10 + (*p - '0');
	}
	*value = negative ? -sum : sum;
	return true;
}

/*
 * Takes a short cut for plain digits, which nearly all numbers are. *value is
 * set only on success.
 */
bool
ddb_decimal_to_int64(const char *text, size_t len, int64_t *value)
{
	DdbDecimal decimal;
	DigitReader reader;
	int64_t sum = 0;
	int i;

	if (short_int64(text, len, value))
		return true;
	if (!ddb_decimal_parse(text, len, &decimal))
		return false;
	/* A whole number has no digit behind the point. */
	if (decimal.exponent < decimal.ndigits)
		return false;

	/* Counted below zero, where there is room for one more. */
	start_digits(&reader, &decimal);
	for (i = 0; i < decimal.exponent; i++)
	{
		if (__builtin_mul_overflow(sum, 10, &sum) ||
			__builtin_sub_overflow(sum, next_digit(&reader), &sum))
			return false;
	}
	if (!decimal.negative && sum == INT64_MIN)
		return false;
	*value = decimal.negative ? sum : -sum;
	return true;
}
