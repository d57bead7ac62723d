/* SPDX-License-Identifier: PostgreSQL */
/*
 * decode_number.c
 *		Numbers, and text that holds numbers, as Datums.
 *
 * Exact or not at all, floats excepted.  Short numbers, which most are, are
 * taken apart here; longer ones go through numeric's input function.
 */
#include "postgres.h"

#include "codec/decode_number.h"

#include <float.h>
#include <math.h>

#include "format/decimal.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* 7.0 and 7E0 are whole numbers; 7.5 does not fit. */
DdbDecodeResult
ddb_number_decode_integer(DdbConversion conversion, const char *text,
						  size_t len, Datum *datum, const char **reason)
{
	int64 value;

	*reason = "it is not a whole number in the column's range";
	if (!ddb_decimal_to_int64(text, len, &value))
		return DDB_DECODE_MISFIT;
	if (conversion == DDB_CONVERT_INT8)
		*datum = Int64GetDatum(value);
	else if (conversion == DDB_CONVERT_INT4 && value >= PG_INT32_MIN &&
			 value <= PG_INT32_MAX)
		*datum = Int32GetDatum((int32) value);
	else if (conversion == DDB_CONVERT_INT2 && value >= PG_INT16_MIN &&
			 value <= PG_INT16_MAX)
		*datum = Int16GetDatum((int16) value);
	else
		return DDB_DECODE_MISFIT;
	return DDB_DECODE_OK;
}

/*
 * Takes up to 18 characters of digits, with or without a point, apart: the
 * number is *digits / 10^*scale.  False when there are more, or others.
 */
static bool
small_decimal(const char *text, size_t len, int64 *digits, int *scale)
{
	int64 value = 0;
	size_t i = len > 0 && text[0] == '-' ? 1 : 0;
	size_t point = len;

	if (len > 18)
		return false;
	for (; i < len; i++)
	{
		if (text[i] >= '0' && text[i] <= '9')
			value = value * 10 + (text[i] - '0');
		else if (text[i] == '.' && point == len)
			point = i;
		else
			return false;
	}
	/* A digit there must be. */
	if (len == 0 || (len == 1 && (text[0] < '0' || text[0] > '9')) ||
		(len == 2 && text[0] == '-' && text[1] == '.'))
		return false;
	*digits = text[0] == '-' ? -value : value;
	*scale = point < len ? (int) (len - point - 1) : 0;
	return true;
}

/*
 * Avoids numeric_in() for the numbers that most items hold. *datum is
 * palloc'd.
 */
bool
ddb_number_small_numeric(const char *text, size_t len, Datum *datum)
{
	int64 digits;
	int scale;

	if (!small_decimal(text, len, &digits, &scale))
		return false;
	*datum =
		NumericGetDatum(scale > 0 ? int64_div_fast_to_numeric(digits, scale)
								  : int64_to_numeric(digits));
	return true;
}

/*
 * numeric(p,s) takes only what it holds exactly: rounding would make a
 * condition true here and false there.
 */
static bool
numeric_fits_typmod(Datum value, int32 typmod, Datum *result)
{
	int precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
	int scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	Numeric rounded;
	DdbDecimal decimal;
	char *text;

	if (typmod < (int32) VARHDRSZ)
		return true;
	rounded = DatumGetNumeric(
		DirectFunctionCall2(numeric_round, value, Int32GetDatum(scale)));
	if (!DatumGetBool(
			DirectFunctionCall2(numeric_eq, value, NumericGetDatum(rounded))))
		return false;
	text = DatumGetCString(
		DirectFunctionCall1(numeric_out, NumericGetDatum(rounded)));
	if (!ddb_decimal_parse(text, strlen(text), &decimal) ||
		(decimal.ndigits > 0 && decimal.exponent > precision - scale))
		return false;
	*result = NumericGetDatum(rounded);
	return true;
}

/*
 * Limits the exponent before numeric_in() sees it, which could otherwise
 * allocate far too much.  A declared precision and scale must hold the number
 * without rounding.
 */
DdbDecodeResult
ddb_number_decode_numeric(const DdbCodec *codec, const DdbSpan *span,
						  Datum *datum, const char **reason)
{
	char buffer[DDB_VALUE_BUFFER];
	char *text;
	size_t len;
	DdbDecimal decimal;

	if (span->escaped ||
		!ddb_number_small_numeric(span->data, span->len, datum))
	{
		text = ddb_value_text(span, buffer, sizeof(buffer), &len, reason);
		if (text == NULL)
			return DDB_DECODE_MISFIT;
		*reason = "it is not a number";
		if (!ddb_decimal_parse(text, len, &decimal) ||
			decimal.exponent > NUMERIC_MAX_PRECISION ||
			decimal.exponent < -NUMERIC_MAX_PRECISION)
			return DDB_DECODE_MISFIT;
		*datum = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
									 ObjectIdGetDatum(InvalidOid),
									 Int32GetDatum(-1));
	}
	if (numeric_fits_typmod(*datum, codec->column->typmod, datum))
		return DDB_DECODE_OK;
	*reason = "it does not fit the column's precision and scale";
	return DDB_DECODE_MISFIT;
}

/*
 * Up to 15 digits, with or without a point, are exact in a double, and so is
 * the power of ten they are divided by: the quotient is rounded once, as
 * strtod would.  False when the text is longer or holds anything else.
 */
static bool
double_from_digits(const char *text, size_t len, double *value)
{
	static const double powers[] = {1e0,  1e1,  1e2,  1e3, 1e4,  1e5,
									1e6,  1e7,  1e8,  1e9, 1e10, 1e11,
									1e12, 1e13, 1e14, 1e15};
	int64 digits;
	int scale;

	if (FLT_EVAL_METHOD != 0 || len > 15 ||
		!small_decimal(text, len, &digits, &scale))
		return false;
	/* -0 is left to strtod. */
	*value = (double) digits / powers[scale];
	return digits != 0 || text[0] != '-';
}

/*
 * Rounds to the nearest value, as PostgreSQL does.  Overflow, and a number
 * that would become zero, do not fit.
 */
DdbDecodeResult
ddb_number_decode_float(DdbConversion conversion, const DdbSpan *span,
						Datum *datum, const char **reason)
{
	char buffer[DDB_VALUE_BUFFER];
	char *text;
	size_t len;
	DdbDecimal decimal;
	double value;

	if (conversion == DDB_CONVERT_FLOAT8 && !span->escaped &&
		double_from_digits(span->data, span->len, &value))
	{
		*datum = Float8GetDatum(value);
		return DDB_DECODE_OK;
	}
	text = ddb_value_text(span, buffer, sizeof(buffer), &len, reason);
	if (text == NULL)
		return DDB_DECODE_MISFIT;

	*reason = "it is out of the column's range";
	if (!ddb_decimal_parse(text, len, &decimal))
	{
		*reason = "it is not a number";
		return DDB_DECODE_MISFIT;
	}
	if (conversion == DDB_CONVERT_FLOAT4)
	{
		float single = strtof(text, NULL);

		if (isinf(single) || (single == 0 && decimal.ndigits > 0))
			return DDB_DECODE_MISFIT;
		*datum = Float4GetDatum(single);
		return DDB_DECODE_OK;
	}
	value = strtod(text, NULL);
	if (isinf(value) || (value == 0 && decimal.ndigits > 0))
		return DDB_DECODE_MISFIT;
	*datum = Float8GetDatum(value);
	return DDB_DECODE_OK;
}
