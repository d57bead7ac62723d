/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_constant.c
 *		Constants of key conditions, as DynamoDB stores them.
 *
 * A constant need not be storable (39 digits, a fraction finer than the
 * column's format, infinity): then its place among storable values is what
 * conditions need (dynamodb.md sections 3.3 and 3.5).
 */
#include "postgres.h"

#include "codec/encode_constant.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "codec/boolean.h"
#include "codec/codec.h"
#include "codec/text_form.h"
#include "compat.h"
#include "datatype/timestamp.h"
#include "format/decimal.h"
#include "format/time_text.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#define PG_EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define PG_EPOCH_MICROS ((int64) PG_EPOCH_DAYS * USECS_PER_DAY)

/* Days that microseconds still hold, on either side of 1970. */
#define MAX_DAYS (PG_INT64_MAX / USECS_PER_DAY - 2)

static bool
is_number(DdbConversion conversion)
{
	return conversion == DDB_CONVERT_INT2 || conversion == DDB_CONVERT_INT4 ||
		   conversion == DDB_CONVERT_INT8 || conversion == DDB_CONVERT_NUMERIC;
}

/*
 * Fixed-width text has one spelling and sorts as time does; an epoch number
 * has one where its column is strict about it; other ISO-8601 text has many.
 */
static DdbAgreement
time_agreement(const DdbCodec *codec)
{
	if (codec->time_format == DDB_TIME_FIXED || codec->is_key)
		return codec->time_format == DDB_TIME_ISO8601 &&
					   codec->conversion != DDB_CONVERT_DATE
				   ? DDB_AGREES_WIDELY
				   : DDB_AGREES_EXACTLY;
	return DDB_AGREES_WIDELY;
}

/*
 * True if the bytes of texts in the database sort as those of their UTF-8 do.
 */
static bool
encoding_keeps_order(void)
{
	int encoding = GetDatabaseEncoding();

	/* LATIN1 has the first 256 characters; of SQL_ASCII bytes stay as they are.
	 */
	return encoding == PG_UTF8 || encoding == PG_LATIN1 ||
		   encoding == PG_SQL_ASCII;
}

/*
 * How far a comparison by order means the same in DynamoDB as in PostgreSQL,
 * collations aside: exactly, widely (DynamoDB's may be true of more), or not
 * at all.
 */
DdbAgreement
ddb_codec_order(const DdbCodec *codec)
{
	switch (codec->conversion)
	{
		case DDB_CONVERT_TEXT:
			/* Constants in SQL_ASCII may be bytes that no stored text has. */
			return codec->stored == DDB_STORED_S && encoding_keeps_order() &&
						   GetDatabaseEncoding() != PG_SQL_ASCII
					   ? DDB_AGREES_EXACTLY
					   : DDB_AGREES_NOT;
		case DDB_CONVERT_BYTEA:
			return DDB_AGREES_EXACTLY;
		case DDB_CONVERT_BOOL:
			/* f sorts before t as 0 does before 1; BOOL does not sort. */
			return codec->stored == DDB_STORED_BOOL ? DDB_AGREES_NOT
													: ddb_codec_equality(codec);
		case DDB_CONVERT_UUID:
			/* Hexadecimal sorts as bytes do; of keys in lower case only. */
			return codec->is_key ? DDB_AGREES_EXACTLY : DDB_AGREES_WIDELY;
		case DDB_CONVERT_FLOAT4:
		case DDB_CONVERT_FLOAT8:
			return codec->stored == DDB_STORED_N ? DDB_AGREES_WIDELY
												 : DDB_AGREES_NOT;
		case DDB_CONVERT_TIMESTAMPTZ:
		case DDB_CONVERT_TIMESTAMP:
		case DDB_CONVERT_DATE:
			return time_agreement(codec);
		default:
			return is_number(codec->conversion) && codec->stored == DDB_STORED_N
					   ? DDB_AGREES_EXACTLY
					   : DDB_AGREES_NOT;
	}
}

/*
 * The same for equality, which agrees in more cases than order: enums,
 * booleans and text under any encoding.
 */
DdbAgreement
ddb_codec_equality(const DdbCodec *codec)
{
	if (codec->conversion == DDB_CONVERT_TEXT)
		return codec->stored == DDB_STORED_S ? DDB_AGREES_EXACTLY
											 : DDB_AGREES_NOT;
	if (codec->conversion == DDB_CONVERT_BOOL)
		return codec->stored == DDB_STORED_S && !codec->is_key
				   ? DDB_AGREES_WIDELY
				   : DDB_AGREES_EXACTLY;
	if (codec->conversion == DDB_CONVERT_INPUT)
		return get_typtype(codec->column->base_typid) == TYPTYPE_ENUM
				   ? DDB_AGREES_EXACTLY
				   : DDB_AGREES_NOT;
	return ddb_codec_order(codec);
}

/*
 * True if any value of the stored type fits, so that NULL is the same as "not
 * of the stored type".  Domains may refuse any value, and numbers may exceed a
 * precision.
 */
bool
ddb_codec_fits_all(const DdbCodec *codec)
{
	return !codec->is_domain &&
		   (codec->stored == DDB_STORED_BOOL ||
			codec->conversion == DDB_CONVERT_BYTEA ||
			(codec->conversion == DDB_CONVERT_NUMERIC &&
			 codec->stored == DDB_STORED_N && codec->column->typmod < 0));
}

/*
 * True if begins_with() means what LIKE 'p%' means.  In EUC_JIS_2004 a
 * character may become two of UTF-8, the first of which is another one.
 */
bool
ddb_codec_can_prefix(const DdbCodec *codec)
{
	/* There a character may be two of UTF-8, the first of them another one. */
	return codec->conversion == DDB_CONVERT_TEXT &&
		   codec->stored == DDB_STORED_S &&
		   GetDatabaseEncoding() != PG_EUC_JIS_2004;
}

/*
 * True if the stored order is the type's order, collations aside.  Weaker than
 * agreement of comparisons: rounding may make values equal, but never swaps
 * them.
 */
bool
ddb_codec_keeps_order(const DdbCodec *codec)
{
	if (codec->conversion == DDB_CONVERT_TEXT)
		return codec->stored == DDB_STORED_S && encoding_keeps_order();
	/* Rounding is monotonic, so order survives it; ISO-8601 text has none. */
	return ddb_codec_order(codec) != DDB_AGREES_NOT &&
		   !(codec->stored == DDB_STORED_S &&
			 ddb_codec_order(codec) == DDB_AGREES_WIDELY);
}

/* Integers of all widths compare with each other. varchar counts as text. */
bool
ddb_codec_takes_type(const DdbCodec *codec, Oid typid)
{
	switch (codec->conversion)
	{
		case DDB_CONVERT_TEXT:
			return typid == TEXTOID || typid == VARCHAROID;
		case DDB_CONVERT_INT2:
		case DDB_CONVERT_INT4:
		case DDB_CONVERT_INT8:
			return typid == INT2OID || typid == INT4OID || typid == INT8OID;
		default:
			return typid == codec->column->base_typid;
	}
}

/* Copies len bytes, which may hold NULs, into the current memory context. */
static void
set_data(DdbStoredValue *stored, DdbValuePlace place, const char *data, int len)
{
	stored->place = place;
	stored->data = memcpy(palloc(len), data, len); /* bytes may hold NULs */
	stored->len = len;
}

static void
set_text(DdbStoredValue *stored, const char *text)
{
	set_data(stored, DDB_PLACE_EXACT, text, strlen(text));
}

/*
 * A number as a stored value.  Infinity and NaN lie beyond all stored numbers; what
 * DynamoDB cannot hold lies between two that it can.
 */
static void
encode_number(const char *text, DdbStoredValue *stored)
{
	DdbDecimal decimal;
	char out[DDB_DECIMAL_BUFFER];
	size_t len;

	stored->type = DDB_STORED_N;
	/* Infinity and NaN; PostgreSQL sorts NaN above everything. */
	if (!ddb_decimal_parse(text, strlen(text), &decimal))
	{
		stored->place =
			text[0] == '-' ? DDB_PLACE_BELOW_ALL : DDB_PLACE_ABOVE_ALL;
		return;
	}
	if (ddb_decimal_fit(&decimal) == DDB_DECIMAL_OK)
	{
		len = ddb_decimal_canonical(&decimal, out);
		set_data(stored, DDB_PLACE_EXACT, out, len);
	}
	else if (ddb_decimal_round(&decimal, -1, out, &len))
		set_data(stored, DDB_PLACE_BETWEEN, out, len);
	else
		stored->place = DDB_PLACE_BELOW_ALL;
}

/*
 * Any of the three integer types as int64; the type is the datum's, which may
 * not be the column's.
 */
int64
ddb_codec_integer(Datum datum, Oid typid)
{
	switch (typid)
	{
		case INT2OID:
			return DatumGetInt16(datum);
		case INT4OID:
			return DatumGetInt32(datum);
		default:
			return DatumGetInt64(datum);
	}
}

/*
 * Microseconds since 1970 as a stored value in the column's format.  It lies
 * between two stored forms where the format cuts something off.
 */
static void
encode_instant(const DdbCodec *codec, int64 micros, DdbStoredValue *stored)
{
	char out[DDB_TIMETEXT_BUFFER];
	size_t len;
	bool exact = true;

	stored->type = codec->stored;
	if (codec->time_format == DDB_TIME_EPOCH)
		len = ddb_time_format_epoch(micros, USECS_PER_SEC, out);
	else if (codec->time_format == DDB_TIME_EPOCH_MS)
		len = ddb_time_format_epoch(micros, 1000, out);
	else
		len =
			ddb_time_format_fixed(micros, codec->fraction_digits, out, &exact);
	if (len == 0) /* the form holds years 0001 to 9999 */
		stored->place = micros < 0 ? DDB_PLACE_BELOW_ALL : DDB_PLACE_ABOVE_ALL;
	else
		set_data(stored, exact ? DDB_PLACE_EXACT : DDB_PLACE_BETWEEN, out, len);
}

/*
 * A timestamp as a stored value in the column's format.  Infinities lie below or
 * above all.
 */
static void
encode_timestamp(const DdbCodec *codec, Timestamp value, DdbStoredValue *stored)
{
	stored->type = codec->stored;
	if (TIMESTAMP_IS_NOBEGIN(value))
		stored->place = DDB_PLACE_BELOW_ALL;
	else if (TIMESTAMP_IS_NOEND(value) ||
			 value > PG_INT64_MAX - PG_EPOCH_MICROS)
		stored->place = DDB_PLACE_ABOVE_ALL;
	else
		encode_instant(codec, value + PG_EPOCH_MICROS, stored);
}

/*
 * A date as a stored value.  As a plain date where the format allows it, otherwise
 * as the instant of midnight in UTC.
 */
static void
encode_date(const DdbCodec *codec, DateADT value, DdbStoredValue *stored)
{
	char out[DDB_TIMETEXT_BUFFER];
	size_t len;
	int64 days = (int64) value + PG_EPOCH_DAYS;

	stored->type = codec->stored;
	if (DATE_IS_NOBEGIN(value))
		stored->place = DDB_PLACE_BELOW_ALL;
	else if (DATE_IS_NOEND(value))
		stored->place = DDB_PLACE_ABOVE_ALL;
	else if (days > MAX_DAYS || days < -MAX_DAYS)
		stored->place = days < 0 ? DDB_PLACE_BELOW_ALL : DDB_PLACE_ABOVE_ALL;
	else if (codec->stored == DDB_STORED_N ||
			 codec->time_format == DDB_TIME_FIXED)
		encode_instant(codec, days * USECS_PER_DAY, stored);
	else
	{
		len = ddb_time_format_date((int32) days, out);
		if (len == 0)
			stored->place =
				days < 0 ? DDB_PLACE_BELOW_ALL : DDB_PLACE_ABOVE_ALL;
		else
			set_data(stored, DDB_PLACE_EXACT, out, len);
	}
}

/* Text and bytes: what no key can be, because it is too short or too long. */
static void
encode_bytes(DdbStoredType type, const char *data, int len, int max_len,
			 DdbStoredValue *stored)
{
	stored->type = type;
	if (len == 0 && max_len > 0)
		stored->place = DDB_PLACE_BELOW_ALL;
	else if (len > max_len && max_len > 0)
	{
		if (type == DDB_STORED_S)
			max_len = pg_encoding_mbcliplen(PG_UTF8, data, len, max_len);
		set_data(stored, DDB_PLACE_TOO_LONG, data, max_len);
	}
	else
		set_data(stored, DDB_PLACE_EXACT, data, len);
}

static void
encode_text(char *text, int max_len, DdbStoredValue *stored)
{
	char *utf8 = pg_server_to_any(text, strlen(text), PG_UTF8);

	encode_bytes(DDB_STORED_S, utf8, strlen(utf8), max_len, stored);
}

/*
 * Where the value lies among stored values.  A value without an exact stored
 * form becomes a stored value between two of them, so that ranges stay right.
 */
void
ddb_codec_encode_constant(const DdbCodec *codec, Datum datum, Oid typid,
						  int max_len, DdbStoredValue *stored)
{
	bytea *bytes;

	memset(stored, 0, sizeof(*stored));
	switch (codec->conversion)
	{
		case DDB_CONVERT_TEXT:
			encode_text(TextDatumGetCString(datum), max_len, stored);
			break;
		case DDB_CONVERT_BYTEA:
			bytes = DatumGetByteaPP(datum);
			encode_bytes(DDB_STORED_B, VARDATA_ANY(bytes),
						 VARSIZE_ANY_EXHDR(bytes), max_len, stored);
			break;
		case DDB_CONVERT_INT2:
		case DDB_CONVERT_INT4:
		case DDB_CONVERT_INT8:
			encode_number(
				psprintf(INT64_FORMAT, ddb_codec_integer(datum, typid)),
				stored);
			break;
		case DDB_CONVERT_NUMERIC:
			encode_number(
				DatumGetCString(DirectFunctionCall1(numeric_out, datum)),
				stored);
			break;
		case DDB_CONVERT_BOOL:
			stored->type = codec->stored;
			set_text(stored, ddb_boolean_text(codec, DatumGetBool(datum)));
			break;
		case DDB_CONVERT_TIMESTAMPTZ:
		case DDB_CONVERT_TIMESTAMP:
			encode_timestamp(codec, DatumGetTimestamp(datum), stored);
			break;
		case DDB_CONVERT_DATE:
			encode_date(codec, DatumGetDateADT(datum), stored);
			break;
		default:
			encode_text(
				ddb_text_form_write(unconstify(FmgrInfo *, &codec->output),
									codec->text_settings, datum),
				max_len, stored);
			break;
	}
}

/*
 * Decimals that round to this float lie between its neighbours, below and
 * above.  Infinity and NaN lie beyond all stored numbers.
 */
static void
float_span(double value, double below, double above, DdbStoredValue *low,
		   DdbStoredValue *high)
{
	if (isnan(value) || isinf(value))
	{
		low->type = high->type = DDB_STORED_N;
		low->place = high->place =
			value < 0 ? DDB_PLACE_BELOW_ALL : DDB_PLACE_ABOVE_ALL;
		return;
	}
	/* Not as extra_float_digits would have it: it may round inward. */
	encode_number(psprintf("%.17g", below), low);
	encode_number(psprintf("%.17g", above), high);
}

/*
 * ISO-8601 text begins with the local date, which is within sixteen hours of
 * UTC's, since time_text.c takes nothing further off.  The basic form, without
 * hyphens, sorts above all dates of its year.
 */
static void
iso_span(int64 micros, DdbStoredValue *low, DdbStoredValue *high)
{
	char out[DDB_TIMETEXT_BUFFER];
	int64 days = (micros - 16 * USECS_PER_HOUR) / USECS_PER_DAY -
				 (micros < 16 * USECS_PER_HOUR ? 1 : 0);
	size_t len = days > PG_INT32_MIN && days < PG_INT32_MAX
					 ? ddb_time_format_date((int32) days, out)
					 : 0;

	low->type = high->type = DDB_STORED_S;
	if (len == 0)
		low->place = days < 0 ? DDB_PLACE_BELOW_ALL : DDB_PLACE_ABOVE_ALL;
	else
		set_data(low, DDB_PLACE_EXACT, out, len);
	days = (micros + 16 * USECS_PER_HOUR) / USECS_PER_DAY;
	len = days > PG_INT32_MIN && days < PG_INT32_MAX
			  ? ddb_time_format_date((int32) days, out)
			  : 0;
	if (len == 0)
	{
		/* Just below year 1 or above 9999: any date there may be, or none. */
		if (low->place == DDB_PLACE_BELOW_ALL && days < 0)
			high->place = DDB_PLACE_BELOW_ALL;
		else
			high->place = DDB_PLACE_ABOVE_ALL;
		return;
	}
	/* The year's digits, then a character above every digit and hyphen. */
	out[4] = ':';
	set_data(high, DDB_PLACE_EXACT, out, 5);
}

/*
 * Microseconds since 1970 of a date or timestamp.  False for infinity, and for
 * what no stored form comes near; *is_positive then says on which side it is.
 */
static bool
instant_value(const DdbCodec *codec, Datum datum, int64 *micros,
			  bool *is_positive)
{
	if (codec->conversion == DDB_CONVERT_DATE)
	{
		int64 days = (int64) DatumGetDateADT(datum) + PG_EPOCH_DAYS;

		/* Infinity, and what no ISO-8601 date or epoch comes near. */
		*is_positive = days > 0;
		*micros = 0;
		if (days > MAX_DAYS || days < -MAX_DAYS)
			return false;
		*micros = days * USECS_PER_DAY;
		return true;
	}
	else
	{
		Timestamp value = DatumGetTimestamp(datum);

		*is_positive = TIMESTAMP_IS_NOEND(value) ||
					   value > PG_INT64_MAX - PG_EPOCH_MICROS - USECS_PER_DAY;
		*micros = *is_positive ? 0 : value + PG_EPOCH_MICROS;
		return !TIMESTAMP_NOT_FINITE(value) && !*is_positive;
	}
}

/*
 * The spellings of a UUID lie between the one in upper case and the one in
 * lower case.
 */
static void
uuid_span(const DdbCodec *codec, Datum datum, DdbStoredValue *low,
		  DdbStoredValue *high)
{
	char *text =
		OutputFunctionCall(unconstify(FmgrInfo *, &codec->output), datum);

	low->type = high->type = DDB_STORED_S;
	set_data(high, DDB_PLACE_EXACT, text, strlen(text));
	for (char *p = text; *p != '\0'; p++)
		*p = pg_toupper((unsigned char) *p);
	set_data(low, DDB_PLACE_EXACT, text, strlen(text));
}

/*
 * From the least to the greatest of the spellings of a boolean stored as text.
 */
static void
boolean_span(Datum datum, DdbStoredValue *low, DdbStoredValue *high)
{
	const char *least;
	const char *greatest;

	ddb_boolean_spellings(DatumGetBool(datum), &least, &greatest);
	low->type = high->type = DDB_STORED_S;
	set_text(low, least);
	set_text(high, greatest);
}

/*
 * All stored forms of an instant lie within.  Numbers are widened by a
 * microsecond on each side, because finer ones are cut.
 */
static void
instant_span(const DdbCodec *codec, Datum datum, DdbStoredValue *low,
			 DdbStoredValue *high)
{
	int64 micros;
	bool is_positive;

	if (!instant_value(codec, datum, &micros, &is_positive))
	{
		low->type = high->type = codec->stored;
		low->place = high->place =
			is_positive ? DDB_PLACE_ABOVE_ALL : DDB_PLACE_BELOW_ALL;
		return;
	}
	if (codec->stored == DDB_STORED_S)
	{
		iso_span(micros, low, high);
		return;
	}
	encode_instant(codec, micros - 1, low);
	encode_instant(codec, micros + 1, high);
}

/*
 * Used for equality that agrees widely.  Both bounds are palloc'd in the
 * current context.
 */
void
ddb_codec_encode_span(const DdbCodec *codec, Datum datum, DdbStoredValue *low,
					  DdbStoredValue *high)
{
	memset(low, 0, sizeof(*low));
	memset(high, 0, sizeof(*high));
	if (codec->conversion == DDB_CONVERT_FLOAT8)
	{
		double value = DatumGetFloat8(datum);

		float_span(value, nextafter(value, -INFINITY),
				   nextafter(value, INFINITY), low, high);
	}
	else if (codec->conversion == DDB_CONVERT_FLOAT4)
	{
		float value = DatumGetFloat4(datum);

		float_span(value, nextafterf(value, -INFINITY),
				   nextafterf(value, INFINITY), low, high);
	}
	else if (codec->conversion == DDB_CONVERT_BOOL)
		boolean_span(datum, low, high);
	else if (codec->conversion == DDB_CONVERT_UUID)
		uuid_span(codec, datum, low, high);
	else
		instant_span(codec, datum, low, high);
}
