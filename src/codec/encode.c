/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode.c
 *		Scalars, and arrays of them, as DynamoDB stores them.
 *
 * One spelling of each value, whatever the session's settings: other sessions
 * read it, and of keys and members of sets DynamoDB compares the bytes.
 */
#include "postgres.h"

#include "codec/encode.h"

#include "catalog/pg_type.h"
#include "codec/boolean.h"
#include "codec/encode_check.h"
#include "codec/encode_constant.h"
#include "codec/encode_document.h"
#include "codec/key_variable.h"
#include "codec/text_form.h"
#include "common/shortest_dec.h"
#include "datatype/timestamp.h"
#include "format/time_text.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

static DdbPayload
payload_of(const char *text)
{
	DdbPayload payload = {text, (int) strlen(text)};

	return payload;
}

/* ---- text ---- */

/*
 * Raises an error if number text would no longer fit the column in its
 * canonical form, which may be longer: 1E9 in varchar(3).
 */
static void
check_length(const DdbCodec *codec, const DdbWritePlace *place,
			 DdbPayload number)
{
	int32 max_chars = codec->column->typmod - (int32) VARHDRSZ;

	if (max_chars >= 0 && number.len > max_chars)
		ddb_payload_refuse(
			place, ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
			psprintf("is %s in the form in which DynamoDB stores it, which is "
					 "too long for the column",
					 number.data),
			NULL);
}

/*
 * Text for an S attribute, or number text in canonical form for an N
 * attribute.  Raises an error if number text is not a number, or too long for
 * the column once it is canonical.
 */
static DdbPayload
text_payload(const DdbCodec *codec, const DdbWritePlace *place, Datum datum)
{
	text *value = DatumGetTextPP(datum);
	char *data = VARDATA_ANY(value);
	int len = VARSIZE_ANY_EXHDR(value);
	DdbPayload number;

	if (codec->stored != DDB_STORED_N)
		return ddb_payload_text(place, data, len);
	number = ddb_payload_number(place, data, len,
								ERRCODE_INVALID_TEXT_REPRESENTATION);
	check_length(codec, place, number);
	return number;
}

/* By the type's output function. */
static DdbPayload
output_payload(DdbCodec *codec, const DdbWritePlace *place, Datum datum)
{
	DdbPayloadContext context;
	char *text;

	ddb_payload_push_context(&context, place);
	text = ddb_text_form_write(&codec->output, codec->text_settings, datum);
	ddb_payload_pop_context(&context);
	return ddb_payload_text(place, text, (int) strlen(text));
}

static DdbPayload
bytea_payload(Datum datum)
{
	bytea *value = DatumGetByteaPP(datum);

	return ddb_payload_bytes(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

/* ---- numbers ---- */

static DdbPayload
integer_payload(const DdbCodec *codec, Datum datum)
{
	return payload_of(psprintf(
		INT64_FORMAT, ddb_codec_integer(datum, codec->column->base_typid)));
}

/* Shortest text that reads back as the same float, whatever settings say. */
static char *
float_text(const DdbCodec *codec, Datum datum)
{
	char *text = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	if (codec->conversion == DDB_CONVERT_FLOAT4)
		(void) float_to_shortest_decimal_buf(DatumGetFloat4(datum), text);
	else
		(void) double_to_shortest_decimal_buf(DatumGetFloat8(datum), text);
	return text;
}

/*
 * A number that is stored as text: as PostgreSQL writes it, provided that it
 * can be read back.  Raises an error otherwise, as for NaN.
 */
static DdbPayload
number_text_payload(const DdbWritePlace *place, const char *text)
{
	DdbDecimal decimal;

	if (!ddb_decimal_parse(text, strlen(text), &decimal))
		ddb_payload_refuse(place, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
						   psprintf("is %s, which is not a number", text),
						   NULL);
	if (abs(decimal.exponent) > NUMERIC_MAX_PRECISION)
		ddb_payload_refuse(
			place, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
			"has a magnitude too large or too small to be read back from text",
			NULL);
	return payload_of(text);
}

/* The payload of a numeric or a float, for an attribute of type N or S. */
static DdbPayload
number_payload(const DdbCodec *codec, const DdbWritePlace *place, Datum datum)
{
	char *text = codec->conversion == DDB_CONVERT_NUMERIC
					 ? DatumGetCString(DirectFunctionCall1(numeric_out, datum))
					 : float_text(codec, datum);

	if (codec->stored == DDB_STORED_S)
		return number_text_payload(place, text);
	return ddb_payload_number(place, text, strlen(text),
							  ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE);
}

/* ---- times ---- */

/* True for infinity and -infinity of dates and timestamps. */
static bool
is_infinite(const DdbCodec *codec, Datum datum)
{
	if (codec->conversion == DDB_CONVERT_DATE)
		return DATE_NOT_FINITE(DatumGetDateADT(datum));
	return TIMESTAMP_NOT_FINITE(DatumGetTimestamp(datum));
}

/* As few digits of a fraction as keep it, in steps of three. */
static int
iso_digits(int64 micros)
{
	if (micros % USECS_PER_SEC == 0)
		return 0;
	return micros % 1000 == 0 ? 3 : 6;
}

/*
 * Writes microseconds since 1970 in the column's format and returns the
 * length; 0 when the format does not reach so far.
 */
static size_t
format_instant(const DdbCodec *codec, int64 micros, char *out)
{
	bool exact;

	switch (codec->time_format)
	{
		case DDB_TIME_EPOCH:
			return ddb_time_format_epoch(micros, USECS_PER_SEC, out);
		case DDB_TIME_EPOCH_MS:
			return ddb_time_format_epoch(micros, 1000, out);
		case DDB_TIME_FIXED:
			return ddb_time_format_fixed(micros, codec->fraction_digits, out,
										 &exact);
		default:
			break;
	}
	if (codec->conversion == DDB_CONVERT_DATE)
	{
		int64 days = micros / USECS_PER_DAY;

		return ddb_time_format_date((int32) days, out);
	}
	return ddb_time_format_fixed(micros, iso_digits(micros), out, &exact);
}

/*
 * The text or number of a date or timestamp, in the column's format.  Raises
 * an error for infinity, and for a time that the format cannot write.
 */
static DdbPayload
time_payload(const DdbCodec *codec, const DdbWritePlace *place, Datum datum)
{
	char *out = palloc(DDB_TIMETEXT_BUFFER);
	DdbPayload payload = {out, 0};
	int64 micros = 0;
	bool is_positive;

	if (is_infinite(codec, datum))
		ddb_payload_refuse(place, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
						   "is infinite, which DynamoDB cannot store",
						   "Store NULL or a finite date instead.");
	if (ddb_variable_to_micros(codec->column->base_typid, datum, &micros,
							   &is_positive))
		payload.len = (int) format_instant(codec, micros, out);
	if (payload.len == 0)
		ddb_payload_refuse(
			place, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
			codec->stored == DDB_STORED_N ? "is too far from 1970"
										  : "is not in the years 0001 to 9999",
			codec->stored == DDB_STORED_N
				? NULL
				: "Formats \"epoch\" and \"epoch_ms\" reach further.");
	return payload;
}

/* ---- any scalar ---- */

static DdbStoredType
scalar_type(const DdbCodec *codec)
{
	return codec->stored == DDB_STORED_ANY ? DDB_STORED_S : codec->stored;
}

/* The payload of any value that is stored as S, N or B, by its conversion. */
static DdbPayload
scalar_payload(DdbCodec *codec, const DdbWritePlace *place, Datum datum)
{
	switch (codec->conversion)
	{
		case DDB_CONVERT_TEXT:
		case DDB_CONVERT_ANY_TEXT:
			return text_payload(codec, place, datum);
		case DDB_CONVERT_BYTEA:
			return bytea_payload(datum);
		case DDB_CONVERT_BOOL:
			return payload_of(ddb_boolean_text(codec, DatumGetBool(datum)));
		case DDB_CONVERT_INT2:
		case DDB_CONVERT_INT4:
		case DDB_CONVERT_INT8:
			return integer_payload(codec, datum);
		case DDB_CONVERT_NUMERIC:
		case DDB_CONVERT_FLOAT4:
		case DDB_CONVERT_FLOAT8:
			return number_payload(codec, place, datum);
		case DDB_CONVERT_TIMESTAMPTZ:
		case DDB_CONVERT_TIMESTAMP:
		case DDB_CONVERT_DATE:
			return time_payload(codec, place, datum);
		default:
			return output_payload(codec, place, datum);
	}
}

/*
 * Appends the attribute value of a scalar.  Raises an error if a key would be
 * empty.
 */
static void
encode_scalar(DdbCodec *codec, const DdbWritePlace *place, Datum datum,
			  StringInfo json)
{
	DdbPayload payload = scalar_payload(codec, place, datum);

	if (codec->is_key && payload.len == 0)
		ddb_payload_refuse(place, ERRCODE_INVALID_PARAMETER_VALUE,
						   "is empty, which a key attribute cannot be", NULL);
	ddb_payload_append(json, scalar_type(codec), payload);
}

/* ---- arrays ---- */

typedef struct Elements
{
	Datum *values;
	bool *nulls;
	int n;
} Elements;

/* The elements of an array, palloc'd, whatever its dimensions. */
static Elements
take_apart(const DdbCodec *codec, ArrayType *array)
{
	Elements elements;

	deconstruct_array(array, ARR_ELEMTYPE(array), codec->element_len,
					  codec->element_byval, codec->element_align,
					  &elements.values, &elements.nulls, &elements.n);
	return elements;
}

/*
 * Raises an error for an array that a list cannot hold: lists have one
 * dimension, and are counted from a fixed number.
 */
static void
check_shape(const DdbWritePlace *place, ArrayType *array)
{
	if (ARR_NDIM(array) > 1)
		ddb_payload_refuse(place, ERRCODE_ARRAY_SUBSCRIPT_ERROR,
						   psprintf("is an array of %d dimensions, and only "
									"one-dimensional arrays can be stored",
									ARR_NDIM(array)),
						   "Store lists of lists in a column of type jsonb.");
	if (ARR_NDIM(array) == 1 && ARR_LBOUND(array)[0] != 1)
		ddb_payload_refuse(place, ERRCODE_ARRAY_SUBSCRIPT_ERROR,
						   psprintf("is an array that begins at %d, and only "
									"arrays that begin at 1 can be stored",
									ARR_LBOUND(array)[0]),
						   NULL);
}

/*
 * The place of an array's element, counted from 0.  It points to the array's
 * place.
 */
static DdbWritePlace
element_place(const DdbWritePlace *place, int position)
{
	DdbWritePlace element = ddb_payload_inside(place, NULL, 0, position);

	element.is_array = true;
	return element;
}

/*
 * Appends the attribute value of a set.  Raises an error for NULL, and for two
 * members that are stored the same.
 */
static void
encode_set(DdbCodec *codec, const DdbWritePlace *place,
		   const Elements *elements, StringInfo json)
{
	DdbPayload *members = palloc(sizeof(DdbPayload) * Max(elements->n, 1));

	for (int i = 0; i < elements->n; i++)
	{
		DdbWritePlace inside = element_place(place, i);

		if (elements->nulls[i])
			ddb_payload_refuse(&inside, ERRCODE_INVALID_PARAMETER_VALUE,
							   "is NULL, which a DynamoDB set cannot hold",
							   "Leave it out, or store a list (type L).");
		members[i] =
			scalar_payload(codec->element, &inside, elements->values[i]);
	}
	ddb_payload_append_set(json, place, codec->stored, members, elements->n);
}

static void encode_value(DdbCodec *codec, const DdbWritePlace *place,
						 Datum datum, StringInfo json);

/* Appends the attribute value of a list, in which NULL is DynamoDB's NULL. */
static void
encode_list(DdbCodec *codec, const DdbWritePlace *place,
			const Elements *elements, StringInfo json)
{
	appendStringInfoString(json, "{\"L\":[");
	for (int i = 0; i < elements->n; i++)
	{
		DdbWritePlace inside = element_place(place, i);

		if (i > 0)
			appendStringInfoChar(json, ',');
		if (elements->nulls[i])
			appendStringInfoString(json, "{\"NULL\":true}");
		else
			encode_value(codec->element, &inside, elements->values[i], json);
	}
	appendStringInfoString(json, "]}");
}

/*
 * Appends an array as a list or set.  Raises an error if its shape cannot be
 * read back.
 */
static void
encode_array(DdbCodec *codec, const DdbWritePlace *place, Datum datum,
			 StringInfo json)
{
	ArrayType *array = DatumGetArrayTypeP(datum);
	Elements elements;

	check_shape(place, array);
	elements = take_apart(codec, array);
	if (codec->stored == DDB_STORED_L)
		encode_list(codec, place, &elements, json);
	else
		encode_set(codec, place, &elements, json);
}

/* ---- all together ---- */

/*
 * Appends the attribute value of any datum that is not NULL. Errors name the
 * place inside the column's value.
 */
static void
encode_value(DdbCodec *codec, const DdbWritePlace *place, Datum datum,
			 StringInfo json)
{
	switch (codec->conversion)
	{
		case DDB_CONVERT_BOOL:
			if (codec->stored != DDB_STORED_BOOL)
				encode_scalar(codec, place, datum, json);
			else
				appendStringInfo(json, "{\"BOOL\":%s}",
								 DatumGetBool(datum) ? "true" : "false");
			break;
		case DDB_CONVERT_DOCUMENT:
			ddb_document_encode(codec, place, datum, json);
			break;
		case DDB_CONVERT_ARRAY:
			encode_array(codec, place, datum, json);
			break;
		default:
			encode_scalar(codec, place, datum, json);
			break;
	}
}

void
ddb_codec_encode(DdbCodec *codec, const DdbRelation *relation, Datum datum,
				 StringInfo json)
{
	DdbWritePlace place = ddb_payload_place(relation, codec->column);

	encode_value(codec, &place, datum, json);
}

/* ---- what stays of a value ---- */

static bool
cuts_times(const DdbCodec *codec)
{
	return (codec->conversion == DDB_CONVERT_TIMESTAMPTZ ||
			codec->conversion == DDB_CONVERT_TIMESTAMP) &&
		   codec->time_format == DDB_TIME_FIXED;
}

static bool
spells_numbers(const DdbCodec *codec)
{
	return codec->conversion == DDB_CONVERT_TEXT &&
		   codec->stored == DDB_STORED_N;
}

/*
 * Cuts a timestamp to the digits of its fixed form: down, as the writer of the
 * form does, before 1970 too.
 */
static Datum
cut_time(const DdbCodec *codec, Datum datum)
{
	static const int64 units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
	Timestamp value = DatumGetTimestamp(datum);
	int64 rest;

	if (TIMESTAMP_NOT_FINITE(value))
		return datum;
	rest = value % units[codec->fraction_digits];
	if (rest < 0)
		rest += units[codec->fraction_digits];
	return TimestampGetDatum(value - rest);
}

/*
 * Number text in its canonical spelling.  What is not a number is returned as
 * it is, for the writer to refuse.
 */
static Datum
spell_number(Datum datum)
{
	text *value = DatumGetTextPP(datum);
	DdbDecimal decimal;
	char out[DDB_DECIMAL_BUFFER];

	if (!ddb_decimal_parse(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
						   &decimal) ||
		ddb_decimal_fit(&decimal) != DDB_DECIMAL_OK)
		return datum;
	(void) ddb_decimal_canonical(&decimal, out);
	return CStringGetTextDatum(out);
}

/*
 * A copy of the array with each element cut as ddb_codec_cut() does; its shape
 * stays.
 */
static Datum
cut_elements(const DdbCodec *codec, Datum datum)
{
	ArrayType *array = DatumGetArrayTypeP(datum);
	Elements elements = take_apart(codec, array);

	for (int i = 0; i < elements.n; i++)
		if (!elements.nulls[i])
			elements.values[i] =
				ddb_codec_cut(codec->element, elements.values[i]);
	return PointerGetDatum(construct_md_array(
		elements.values, elements.nulls, ARR_NDIM(array), ARR_DIMS(array),
		ARR_LBOUND(array), ARR_ELEMTYPE(array), codec->element_len,
		codec->element_byval, codec->element_align));
}

/*
 * Reading back what was written gives this value, so RETURNING and constraints
 * look at it.  May return datum itself.
 */
Datum
ddb_codec_cut(const DdbCodec *codec, Datum datum)
{
	if (cuts_times(codec))
		return cut_time(codec, datum);
	if (spells_numbers(codec))
		return spell_number(datum);
	if (codec->conversion == DDB_CONVERT_ARRAY &&
		(cuts_times(codec->element) || spells_numbers(codec->element)))
		return cut_elements(codec, datum);
	return datum;
}
