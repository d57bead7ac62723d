/* SPDX-License-Identifier: PostgreSQL */
/*
 * decimal.h
 *		DynamoDB numbers as decimal text: checked, made canonical, compared.
 *
 * A DynamoDB number has at most 38 significant digits and a magnitude of
 * 1E-130 to 9.99…E+125, or is 0 (developer guide, "Data types: Number").  It
 * arrives as text: always plain decimal from the service, in any decimal
 * spelling from emulators ("01.0", "1E+2"), so values are compared by value.
 * Nothing here goes through double.
 *
 * Knows nothing of PostgreSQL: no palloc, no ereport.
 */
#ifndef DDB_DECIMAL_H
#define DDB_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sign, "0.", 130 zeros or digits, 38 digits: ample for any canonical text. */
#define DDB_DECIMAL_BUFFER 192
#define DDB_DECIMAL_MAX_DIGITS 38

typedef enum DdbDecimalFit
{
	DDB_DECIMAL_OK,
	DDB_DECIMAL_SYNTAX, /* not a number */
	DDB_DECIMAL_TOO_PRECISE, /* more than 38 significant digits */
	DDB_DECIMAL_OVERFLOW, /* magnitude of 1E126 or more */
	DDB_DECIMAL_UNDERFLOW, /* not 0, but magnitude below 1E-130 */
} DdbDecimalFit;

/* A number taken apart: sign * 0.d1d2d3… * 10^exponent; 0 has no digits. */
typedef struct DdbDecimal
{
	bool negative;
	int ndigits; /* significant, first and last are not '0' */
	int exponent;
	const char *text; /* where the digits are read from: the input, */
	size_t text_len; /* which may hold zeros and a point between */
} DdbDecimal;

/*
 * Takes [+-]digits[.digits][(e|E)[+-]digits] apart (also ".5", "5."); false
 * when it is not of that form.  Borrows text.  An exponent beyond ±99999 is
 * clamped there, which no valid number reaches.
 */
extern bool ddb_decimal_parse(const char *text, size_t len,
							  DdbDecimal *decimal);

/* Whether DynamoDB takes this number as it is, or why not. */
extern DdbDecimalFit ddb_decimal_fit(const DdbDecimal *decimal);

/*
 * DynamoDB's canonical text: plain decimal, no superfluous zero, "0" for zero,
 * into out (DDB_DECIMAL_BUFFER bytes, NUL-terminated); returns its length.
 * Only for numbers that fit; 0 and an empty text for others.
 */
extern size_t ddb_decimal_canonical(const DdbDecimal *decimal, char *out);

/*
 * The nearest number of at most 38 digits that is not above (toward -1) or
 * not below (toward +1) the given one, canonical.  For bounds of ranges.
 * Returns false when there is none in DynamoDB's range on that side; numbers
 * between -1E-130 and 1E-130 round to 0 or to ±1E-130 as the direction says.
 */
extern bool ddb_decimal_round(const DdbDecimal *decimal, int toward, char *out,
							  size_t *out_len);

/* Compares by value: <0, 0, >0. */
extern int ddb_decimal_compare(const DdbDecimal *a, const DdbDecimal *b);

/* The same with a whole number. */
extern int ddb_decimal_compare_int64(const DdbDecimal *a, int64_t b);

/* Exact conversion to int64; false when it has a fraction or is out of range. */
extern bool ddb_decimal_to_int64(const char *text, size_t len, int64_t *value);

#endif /* DDB_DECIMAL_H */
