/* SPDX-License-Identifier: PostgreSQL */
/*
 * boolean.c
 *		Booleans that are stored as numbers or as text.
 */
#include "postgres.h"

#include "codec/boolean.h"

#include "format/decimal.h"

static const char *
spelling(bool value)
{
	return value ? "true" : "false";
}

/*
 * A boolean stored as 0 or 1, in any spelling of these numbers.  Other numbers
 * are a misfit.
 */
static DdbDecodeResult
decode_number(const DdbSpan *span, Datum *datum, const char **reason)
{
	int64_t number;

	*reason = "it is neither 0 nor 1";
	if (span->escaped ||
		!ddb_decimal_to_int64(span->data, span->len, &number) ||
		(number != 0 && number != 1))
		return DDB_DECODE_MISFIT;
	*datum = BoolGetDatum(number == 1);
	return DDB_DECODE_OK;
}

/* The text is the value's or, where it may be short, its first letter. */
static bool
spells(const char *text, size_t len, bool value, bool may_be_short)
{
	const char *whole = spelling(value);

	if (may_be_short && len == 1)
		return text[0] == whole[0];
	return len == strlen(whole) && memcmp(text, whole, len) == 0;
}

/* Case matters: "True" does not fit. *reason is set for a misfit only. */
DdbDecodeResult
ddb_boolean_decode(const DdbCodec *codec, const DdbAttributeValue *value,
				   Datum *datum, const char **reason)
{
	char buffer[DDB_VALUE_BUFFER];
	const char *text;
	size_t len;

	if (value->type == DDB_VALUE_N)
		return decode_number(&value->span, datum, reason);
	text = ddb_value_text(&value->span, buffer, sizeof(buffer), &len, reason);
	if (text == NULL)
		return DDB_DECODE_MISFIT;
	for (int i = 0; i < 2; i++)
		if (spells(text, len, i == 1, !codec->is_key))
		{
			*datum = BoolGetDatum(i == 1);
			return DDB_DECODE_OK;
		}
	*reason = "it is neither true nor false";
	return DDB_DECODE_MISFIT;
}

/* The text is static.  It is the only spelling that a key may have. */
const char *
ddb_boolean_text(const DdbCodec *codec, bool value)
{
	if (codec->stored == DDB_STORED_N)
		return value ? "1" : "0";
	return spelling(value);
}

/*
 * For ranges of values that are not keys, where both spellings may be stored.
 */
void
ddb_boolean_spellings(bool value, const char **low, const char **high)
{
	*low = value ? "t" : "f";
	*high = spelling(value);
}
