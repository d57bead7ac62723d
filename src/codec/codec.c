/* SPDX-License-Identifier: PostgreSQL */
/*
 * codec.c
 *		Resolves codecs, and turns attribute values into Datums.
 *
 * Hot path: text and numbers are built here from the page's bytes; types with
 * an input function of their own go through it.  The page was checked to be
 * valid UTF-8 as a whole before any value is decoded.
 */
#include "postgres.h"

#include "codec/codec.h"

#include "catalog/pg_type.h"
#include "codec/boolean.h"
#include "codec/decode_array.h"
#include "codec/decode_document.h"
#include "codec/decode_number.h"
#include "codec/key_variable.h"
#include "codec/soft_input.h"
#include "codec/text_form.h"
#include "compat.h"
#include "datatype/timestamp.h"
#include "format/time_text.h"
#include "mb/pg_wchar.h"
#include "model/table_info.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Microseconds from 1970-01-01 to PostgreSQL's epoch, 2000-01-01. */
#define PG_EPOCH_MICROS                                                        \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)
#define PG_EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)

/* One row a type with a conversion of its own. */
static const struct
{
	Oid typid;
	DdbConversion conversion;
	DdbStoredType stored; /* by default */
} conversions[] = {
	{TEXTOID, DDB_CONVERT_TEXT, DDB_STORED_S},
	{VARCHAROID, DDB_CONVERT_TEXT, DDB_STORED_S},
	{BYTEAOID, DDB_CONVERT_BYTEA, DDB_STORED_B},
	{BOOLOID, DDB_CONVERT_BOOL, DDB_STORED_BOOL},
	{INT2OID, DDB_CONVERT_INT2, DDB_STORED_N},
	{INT4OID, DDB_CONVERT_INT4, DDB_STORED_N},
	{INT8OID, DDB_CONVERT_INT8, DDB_STORED_N},
	{NUMERICOID, DDB_CONVERT_NUMERIC, DDB_STORED_N},
	{FLOAT4OID, DDB_CONVERT_FLOAT4, DDB_STORED_N},
	{FLOAT8OID, DDB_CONVERT_FLOAT8, DDB_STORED_N},
	{TIMESTAMPTZOID, DDB_CONVERT_TIMESTAMPTZ, DDB_STORED_S},
	{TIMESTAMPOID, DDB_CONVERT_TIMESTAMP, DDB_STORED_S},
	{DATEOID, DDB_CONVERT_DATE, DDB_STORED_S},
	{UUIDOID, DDB_CONVERT_UUID, DDB_STORED_S},
	{JSONBOID, DDB_CONVERT_DOCUMENT, DDB_STORED_ANY},
	{JSONOID, DDB_CONVERT_DOCUMENT, DDB_STORED_ANY},
};

/*
 * How values of a type are converted, and in *stored the DynamoDB type they
 * have by default.  Types without an entry of their own go through their text
 * form, and arrays through their elements.
 */
static DdbConversion
conversion_of(Oid typid, DdbStoredType *stored)
{
	for (int i = 0; i < (int) lengthof(conversions); i++)
	{
		if (conversions[i].typid == typid)
		{
			*stored = conversions[i].stored;
			return conversions[i].conversion;
		}
	}
	*stored = DDB_STORED_S;
	if (!OidIsValid(get_element_type(typid)))
		return DDB_CONVERT_INPUT;
	*stored = DDB_STORED_L;
	return DDB_CONVERT_ARRAY;
}

/*
 * As conversion_of(), with the declared type taken into account: documents and
 * arrays declared to be text go through their input function.
 */
static DdbConversion
column_conversion(const DdbColumn *column, DdbStoredType *stored)
{
	DdbConversion conversion = conversion_of(column->base_typid, stored);

	if (column->declared_type == DDB_STORED_NONE)
		return conversion;
	*stored = column->declared_type;
	if ((conversion == DDB_CONVERT_DOCUMENT ||
		 conversion == DDB_CONVERT_ARRAY) &&
		*stored == DDB_STORED_S)
		return DDB_CONVERT_INPUT;
	if (conversion == DDB_CONVERT_TEXT && *stored == DDB_STORED_ANY)
		return DDB_CONVERT_ANY_TEXT;
	return conversion;
}

static bool
is_time_conversion(DdbConversion conversion)
{
	return conversion == DDB_CONVERT_TIMESTAMPTZ ||
		   conversion == DDB_CONVERT_TIMESTAMP ||
		   conversion == DDB_CONVERT_DATE;
}

/*
 * A declared type wins.  Times in an epoch format are numbers, all others
 * text.
 */
DdbStoredType
ddb_value_default_stored_type(const DdbColumn *column)
{
	DdbStoredType stored;
	DdbConversion conversion = column_conversion(column, &stored);

	if (column->declared_type != DDB_STORED_NONE)
		return stored;
	if (is_time_conversion(conversion) &&
		(column->time_format == DDB_TIME_EPOCH ||
		 column->time_format == DDB_TIME_EPOCH_MS))
		return DDB_STORED_N;
	return stored;
}

/* Which stored types a conversion can read. */
static bool
conversion_reads(DdbConversion conversion, DdbStoredType stored)
{
	switch (conversion)
	{
		case DDB_CONVERT_BYTEA:
			return stored == DDB_STORED_B;
		case DDB_CONVERT_BOOL:
			return stored == DDB_STORED_BOOL || stored == DDB_STORED_N ||
				   stored == DDB_STORED_S;
		case DDB_CONVERT_UUID:
		case DDB_CONVERT_INPUT:
			return stored == DDB_STORED_S;
		case DDB_CONVERT_ANY_TEXT:
			return stored == DDB_STORED_ANY;
		case DDB_CONVERT_DOCUMENT:
			return stored >= DDB_STORED_SS; /* ANY too */
		case DDB_CONVERT_ARRAY:
			return stored >= DDB_STORED_SS && stored != DDB_STORED_M &&
				   stored != DDB_STORED_ANY;
		default:
			return stored == DDB_STORED_S || stored == DDB_STORED_N;
	}
}

static bool
is_epoch(DdbTimeFormat format)
{
	return format == DDB_TIME_EPOCH || format == DDB_TIME_EPOCH_MS;
}

/*
 * Settles the format of a time column, which by default follows the stored
 * type.  Raises an error if the declared format is of the other type.
 */
static void
init_time_format(DdbCodec *codec, const DdbRelation *relation)
{
	const DdbColumn *column = codec->column;

	codec->time_format = column->time_format;
	codec->fraction_digits = column->fraction_digits;
	if (codec->time_format == DDB_TIME_DEFAULT)
		codec->time_format =
			codec->stored == DDB_STORED_N ? DDB_TIME_EPOCH : DDB_TIME_ISO8601;
	if (is_epoch(codec->time_format) != (codec->stored == DDB_STORED_N))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
						errmsg("format of column \"%s\" of foreign table %s "
							   "does not match its stored type %s",
							   column->name, relation->name,
							   ddb_stored_type_name(codec->stored)),
						errhint("Formats \"epoch\" and \"epoch_ms\" are stored "
								"as numbers (N), all others as text (S).")));
}

/* Only types that are converted through text need functions. */
static void
init_functions(DdbCodec *codec)
{
	Oid function;
	bool varlena;

	if (codec->conversion != DDB_CONVERT_INPUT &&
		codec->conversion != DDB_CONVERT_UUID)
		return;
	codec->is_enum = get_typtype(codec->column->base_typid) == TYPTYPE_ENUM;
	codec->text_settings = ddb_text_form_settings(codec->column->base_typid);
	codec->has_times = ddb_text_form_has_times(codec->column->base_typid);
	getTypeInputInfo(codec->column->base_typid, &function, &codec->typioparam);
	fmgr_info(function, &codec->input);
	getTypeOutputInfo(codec->column->base_typid, &function, &varlena);
	fmgr_info(function, &codec->output);
}

/* key_type is DDB_STORED_NONE if the attribute is not a key. */
static void
raise_unsuited(const DdbCodec *codec, const DdbRelation *relation,
			   DdbStoredType key_type)
{
	const DdbColumn *column = codec->column;

	if (key_type != DDB_STORED_NONE)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
						errmsg("column \"%s\" of foreign table %s cannot hold "
							   "key attribute \"%s\"",
							   column->name, relation->name, column->attribute),
						errdetail("The key attribute is of DynamoDB type %s, "
								  "the column of type %s.",
								  ddb_stored_type_name(key_type),
								  format_type_be(column->typid))));
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			 errmsg("column \"%s\" of foreign table %s has type %s, which "
					"cannot hold DynamoDB type %s",
					column->name, relation->name, format_type_be(column->typid),
					ddb_stored_type_name(codec->stored)),
			 errhint("Change the column's type or its option \"type\".")));
}

/* Types that are neither scalars nor made of them. */
static void
check_type(const DdbColumn *column, const DdbRelation *relation)
{
	char typtype = get_typtype(column->base_typid);

	if (typtype != TYPTYPE_COMPOSITE && typtype != TYPTYPE_PSEUDO)
		return;
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("column \"%s\" of foreign table %s has type %s, "
						   "which is not supported",
						   column->name, relation->name,
						   format_type_be(column->base_typid)),
					errhint("Declare the column as jsonb, or name a member of "
							"the attribute in option \"attribute\".")));
}

/*
 * Raises an error if the column cannot be a key of this type: documents and
 * arrays never can, and neither can types whose text varies between sessions.
 * Does nothing for other attributes.
 */
static void
check_key(const DdbCodec *codec, const DdbRelation *relation,
		  DdbStoredType key_type)
{
	const DdbColumn *column = codec->column;
	DdbStoredType natural;
	DdbConversion conversion = conversion_of(column->base_typid, &natural);

	if (codec->is_key &&
		(codec->stored != key_type || conversion == DDB_CONVERT_DOCUMENT ||
		 conversion == DDB_CONVERT_ARRAY))
		raise_unsuited(codec, relation, key_type);
	if (codec->is_key && ddb_text_form_is_unsteady(column->base_typid))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" of foreign table %s cannot hold key "
						"attribute \"%s\"",
						column->name, relation->name, column->attribute),
				 errdetail("Values of type %s have no text form that is the "
						   "same in every session.",
						   format_type_be(column->typid)),
				 errhint("Change the column's type to text.")));
}

/*
 * Checks option "format" against the column's type.  Raises an error for a
 * time format of another type, or a JSON format of a column that is not a
 * document.
 */
static void
init_format(DdbCodec *codec, const DdbRelation *relation)
{
	const DdbColumn *column = codec->column;

	if (is_time_conversion(codec->conversion))
		init_time_format(codec, relation);
	else if (column->time_format != DDB_TIME_DEFAULT &&
			 codec->conversion != DDB_CONVERT_ARRAY)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
						errmsg("format of column \"%s\" of foreign table %s "
							   "requires a date or time type",
							   column->name, relation->name)));
	if (column->json_format != DDB_JSON_DEFAULT &&
		codec->conversion != DDB_CONVERT_DOCUMENT &&
		codec->conversion != DDB_CONVERT_ARRAY)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("format of column \"%s\" of foreign table %s requires "
						"type jsonb or json",
						column->name, relation->name),
				 errhint("Formats \"plain\" and \"dynamodb\" are for columns "
						 "of type jsonb and json.")));
}

/*
 * Lists the attributes that have a column of their own, which the overflow
 * leaves out.  Raises an error if a second column is an overflow.
 */
static void
init_hidden(DdbCodec *codec, const DdbRelation *relation)
{
	codec->hidden = palloc(sizeof(char *) * relation->ncolumns);
	for (int i = 0; i < relation->ncolumns; i++)
	{
		const DdbColumn *other = &relation->columns[i];

		if (other->name == NULL || other == codec->column)
			continue;
		if (other->reach == DDB_REACH_OVERFLOW)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("foreign table %s has more than one column with "
							"option \"overflow\"",
							relation->name)));
		if (other->reach == DDB_REACH_ATTRIBUTE && other->source == 0)
			codec->hidden[codec->nhidden++] = other->attribute;
	}
}

/* Items are maps, and nothing else. */
static void
init_whole_item(DdbCodec *codec, const DdbRelation *relation)
{
	const DdbColumn *column = codec->column;

	if (codec->conversion != DDB_CONVERT_DOCUMENT ||
		(column->declared_type != DDB_STORED_NONE &&
		 column->declared_type != DDB_STORED_M))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
						errmsg("column \"%s\" of foreign table %s shows many "
							   "attributes and must be of type jsonb or json",
							   column->name, relation->name)));
	if (column->declared_key != DDB_KEY_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" of foreign table %s cannot be a key",
						column->name, relation->name)));
	codec->stored = DDB_STORED_M;
	if (column->reach == DDB_REACH_OVERFLOW)
		init_hidden(codec, relation);
}

/*
 * True if the column can hold a key attribute of this type.  As check_key()
 * and init_time_format() decide, without raising an error.
 */
bool
ddb_codec_suits_key(const DdbColumn *column, DdbStoredType key_type)
{
	DdbStoredType stored;
	DdbConversion conversion = column_conversion(column, &stored);

	if (column->declared_type != DDB_STORED_NONE &&
		column->declared_type != key_type)
		return false;
	if (!conversion_reads(conversion, key_type) ||
		conversion_of(column->base_typid, &stored) == DDB_CONVERT_DOCUMENT ||
		conversion_of(column->base_typid, &stored) == DDB_CONVERT_ARRAY ||
		ddb_text_form_is_unsteady(column->base_typid))
		return false;
	return !is_time_conversion(conversion) ||
		   column->time_format == DDB_TIME_DEFAULT ||
		   is_epoch(column->time_format) == (key_type == DDB_STORED_N);
}

/*
 * Everything lives in the current memory context.  The column must outlive the
 * codec.
 */
void
ddb_codec_init(DdbCodec *codec, const DdbRelation *relation,
			   const DdbColumn *column, DdbStoredType key_type)
{
	DdbStoredType unused;

	memset(codec, 0, sizeof(*codec));
	check_type(column, relation);
	codec->column = column;
	codec->conversion = column_conversion(column, &unused);
	codec->stored = ddb_value_default_stored_type(column);
	codec->is_key = key_type != DDB_STORED_NONE;
	/* The key schema is right, unless the column insists on another type. */
	if (codec->is_key && column->declared_type == DDB_STORED_NONE)
		codec->stored = key_type;
	if (!conversion_reads(codec->conversion, codec->stored))
		raise_unsuited(codec, relation, key_type);
	check_key(codec, relation, key_type);
	if (ddb_column_needs_item(column))
		init_whole_item(codec, relation);
	codec->accepts = codec->stored == DDB_STORED_ANY
						 ? DDB_ACCEPTS_ANY
						 : DDB_ACCEPTS(codec->stored);
	codec->utf8_server = GetDatabaseEncoding() == PG_UTF8;
	codec->is_domain = column->typid != column->base_typid;
	codec->cache_context = CurrentMemoryContext;
	init_format(codec, relation);
	init_functions(codec);
	if (codec->conversion == DDB_CONVERT_ARRAY)
		ddb_array_init(codec, relation);
}

/* The result is static or palloc'd. */
const char *
ddb_codec_accepted_types(const DdbCodec *codec)
{
	StringInfoData text;

	if (codec->accepts == DDB_ACCEPTS_ANY)
		return "any";
	initStringInfo(&text);
	for (int type = DDB_STORED_L; type > DDB_STORED_NONE; type--)
		if ((codec->accepts & DDB_ACCEPTS(type)) != 0)
			appendStringInfo(&text, "%s%s", text.len > 0 ? " or " : "",
							 ddb_stored_type_name((DdbStoredType) type));
	return text.data;
}

/*
 * The text is still UTF-8; conversion to the database's encoding comes later.
 * *reason is set only when NULL is returned.
 */
char *
ddb_value_text(const DdbSpan *span, char *buffer, size_t size, size_t *len,
			   const char **reason)
{
	char *out = span->len + 1 <= size ? buffer : palloc(span->len + 1);

	*len = span->len;
	if (!span->escaped)
		memcpy(out, span->data, span->len);
	else
	{
		switch (ddb_json_unescape(span, out, len))
		{
			case DDB_UNESCAPE_OK:
				break;
			case DDB_UNESCAPE_NUL:
				*reason = "it holds U+0000";
				return NULL;
			default:
				*reason = "it holds a lone surrogate";
				return NULL;
		}
	}
	out[*len] = '\0';
	return out;
}

/*
 * True if the text is longer than the column's varchar(n) allows; sets *reason
 * then.
 */
static bool
is_too_long(const DdbCodec *codec, const text *value, const char **reason)
{
	int32 max_chars = codec->column->typmod - VARHDRSZ;
	int32 bytes = VARSIZE_ANY_EXHDR(value);

	/* More bytes than the limit has characters: count the characters. */
	if (max_chars < 0 || bytes <= max_chars ||
		pg_mbstrlen_with_len(VARDATA_ANY(value), bytes) <= max_chars)
		return false;
	*reason = "it is too long";
	return true;
}

/* Decodes straight into the datum where the database's encoding is UTF-8. */
static DdbDecodeResult
decode_text(DdbCodec *codec, const DdbSpan *span, Datum *datum,
			const char **reason)
{
	text *result = palloc(VARHDRSZ + span->len + 1);
	char *converted;
	size_t len;

	if (ddb_value_text(span, VARDATA(result), span->len + 1, &len, reason) ==
		NULL)
		return DDB_DECODE_MISFIT;
	if (codec->utf8_server)
		SET_VARSIZE(result, VARHDRSZ + len);
	else
	{
		converted = ddb_soft_from_utf8(VARDATA(result), len);
		*reason = DDB_SOFT_NO_EQUIVALENT;
		if (converted == NULL)
			return DDB_DECODE_MISFIT;
		result = cstring_to_text(converted);
	}
	if (is_too_long(codec, result, reason))
		return DDB_DECODE_MISFIT;
	*datum = PointerGetDatum(result);
	return DDB_DECODE_OK;
}

/* S as it is, base64 of B, and JSON of everything else. */
static DdbDecodeResult
decode_any_text(DdbCodec *codec, const DdbAttributeValue *value, Datum *datum,
				const char **reason)
{
	DdbDecodeResult result;

	if (value->type == DDB_VALUE_S || value->type == DDB_VALUE_B)
		return decode_text(codec, &value->span, datum, reason);
	result = ddb_document_decode(codec, value, datum, reason);
	if (result == DDB_DECODE_OK &&
		is_too_long(codec, DatumGetTextPP(*datum), reason))
		return DDB_DECODE_MISFIT;
	return result;
}

/* Decodes base64; text that is not well-formed is a misfit. */
static DdbDecodeResult
decode_bytea(const DdbSpan *span, Datum *datum, const char **reason)
{
	char buffer[DDB_VALUE_BUFFER];
	size_t len;
	char *base64 = span->escaped ? ddb_value_text(span, buffer, sizeof(buffer),
												  &len, reason)
								 : unconstify(char *, span->data);
	int room;
	int size;
	bytea *result;

	if (base64 == NULL)
		return DDB_DECODE_MISFIT;
	if (!span->escaped)
		len = span->len;
	room = pg_b64_dec_len(len) + 1;
	result = palloc(VARHDRSZ + room);
	size = ddb_compat_b64_decode(base64, len, VARDATA(result), room);
	if (size < 0)
	{
		*reason = "it is not base64";
		return DDB_DECODE_MISFIT;
	}
	SET_VARSIZE(result, VARHDRSZ + size);
	*datum = PointerGetDatum(result);
	return DDB_DECODE_OK;
}

/*
 * An instant, as microseconds since 1970; false when the text is none.  exact:
 * nothing finer than a microsecond was cut off.
 */
static bool
parse_instant(const DdbCodec *codec, const char *text, size_t len,
			  int64 *micros, bool *exact)
{
	DdbTimeParse parse;
	bool ok;

	*exact = true;
	switch (codec->time_format)
	{
		case DDB_TIME_FIXED:
			return ddb_time_parse_fixed(text, len, codec->fraction_digits,
										micros);
		case DDB_TIME_EPOCH:
			ok = ddb_time_parse_epoch(text, len, USECS_PER_SEC, micros, exact);
			break;
		case DDB_TIME_EPOCH_MS:
			ok = ddb_time_parse_epoch(text, len, 1000, micros, exact);
			break;
		default:
			ok = ddb_time_parse_iso(text, len, &parse) && parse.has_date;
			*micros = ok ? parse.micros : 0;
			*exact = ok && parse.exact;
			return ok;
	}
	/* As a key takes only instants that a condition can name. */
	return ok && (*exact || !codec->is_key);
}

/*
 * Decodes a date, or an instant that is midnight in UTC. A key takes only the
 * plain form of a date, where its format is ISO-8601.
 */
static DdbDecodeResult
decode_date(DdbCodec *codec, const char *text, size_t len, Datum *datum,
			const char **reason)
{
	int64 micros;
	int32 days;
	bool exact;

	*reason = "it is not a date";
	if (codec->time_format == DDB_TIME_ISO8601)
	{
		if (ddb_time_parse_date(text, len, &days))
		{
			*datum = DateADTGetDatum(days - PG_EPOCH_DAYS);
			return DDB_DECODE_OK;
		}
		if (codec->is_key)
			return DDB_DECODE_MISFIT;
	}
	/* A date never stands for the time of day it would lose. */
	if (!parse_instant(codec, text, len, &micros, &exact) || !exact ||
		micros % USECS_PER_DAY != 0)
		return DDB_DECODE_MISFIT;
	micros = micros / USECS_PER_DAY - PG_EPOCH_DAYS;
	if (!IS_VALID_DATE(micros))
		return DDB_DECODE_MISFIT;
	*datum = DateADTGetDatum((DateADT) micros);
	return DDB_DECODE_OK;
}

/*
 * Decodes a date or timestamp, by the column's format.  What the column's
 * precision or range cannot hold is a misfit; nothing is rounded.
 */
static DdbDecodeResult
decode_time(DdbCodec *codec, const char *text, size_t len, Datum *datum,
			const char **reason)
{
	int64 micros;
	bool exact;

	if (codec->conversion == DDB_CONVERT_DATE)
		return decode_date(codec, text, len, datum, reason);
	*reason = "it is not a timestamp in the column's format";
	if (!parse_instant(codec, text, len, &micros, &exact) ||
		micros < PG_INT64_MIN + PG_EPOCH_MICROS)
		return DDB_DECODE_MISFIT;
	micros -= PG_EPOCH_MICROS;
	if (!IS_VALID_TIMESTAMP(micros))
		return DDB_DECODE_MISFIT;
	if (codec->column->typmod >= 0 && codec->column->typmod < 6)
	{
		static const int64 units[] = {1000000, 100000, 10000, 1000, 100, 10};

		*reason = "it has more fraction digits than the column";
		if (!exact || micros % units[codec->column->typmod] != 0)
			return DDB_DECODE_MISFIT;
	}
	*datum = TimestampTzGetDatum(micros);
	return DDB_DECODE_OK;
}

/* Looks in the catalog cache, so that a wrong label is no error. */
static bool
is_enum_label(Oid typid, const char *text)
{
	return strlen(text) < NAMEDATALEN &&
		   SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(typid),
								 CStringGetDatum(text));
}

/*
 * Calls the type's input function under the fixed settings of its text form.
 * False with *reason set if it refuses the text; without soft its error may be
 * raised instead.
 */
static bool
call_input(DdbCodec *codec, char *text, int32 typmod, bool soft, Datum *datum,
		   const char **reason)
{
	const char *refusal = NULL;
	int level = ddb_text_form_begin_reading(codec->text_settings);
	bool ok = ddb_soft_input(codec->column->base_typid, &codec->input, text,
							 codec->typioparam, typmod, soft, datum, &refusal);

	ddb_text_form_end_reading(level);
	if (ok)
		return true;
	*reason = refusal != NULL ? psprintf("it is refused: %s", refusal)
							  : "the type's input function refuses it";
	return false;
}

/*
 * A type that holds times: what is finer than a microsecond is cut, and no
 * more.  A key, or a column with fewer digits, takes no such text.
 */
static DdbDecodeResult
decode_with_times(DdbCodec *codec, char *text, bool soft, Datum *datum,
				  const char **reason)
{
	const DdbColumn *column = codec->column;
	int32 finest =
		ddb_text_form_finest_typmod(column->base_typid, column->typmod);
	DdbFractionCut cut = ddb_text_form_cut_fractions(column->base_typid, text);
	Datum fitted;
	int16 len;
	bool byval;

	if (!call_input(codec, text, finest, soft, datum, reason))
		return DDB_DECODE_MISFIT;
	*reason = "it is not in the type's canonical form";
	if (codec->is_key && cut != DDB_FRACTION_WHOLE)
		return DDB_DECODE_MISFIT;
	if (column->typmod == finest)
		return DDB_DECODE_OK;
	*reason = "it has more fraction digits than the column";
	get_typlenbyval(column->base_typid, &len, &byval);
	return cut != DDB_FRACTION_CUT &&
				   call_input(codec, text, column->typmod, soft, &fitted,
							  reason) &&
				   datumIsEqual(*datum, fitted, byval, len)
			   ? DDB_DECODE_OK
			   : DDB_DECODE_MISFIT;
}

/*
 * Through the type's input function.  Of keys the text must be the one that
 * the output function writes, because equality asks for that one.
 */
static DdbDecodeResult
decode_input(DdbCodec *codec, char *utf8, size_t len, bool soft, Datum *datum,
			 const char **reason)
{
	char *text = ddb_soft_from_utf8(utf8, len);
	char *written;
	DdbDecodeResult result;

	*reason = DDB_SOFT_NO_EQUIVALENT;
	if (text == NULL)
		return DDB_DECODE_MISFIT;
	if (codec->is_enum)
	{
		*reason = "it is not a label of the enum";
		if (!is_enum_label(codec->column->base_typid, text))
			return DDB_DECODE_MISFIT;
		*datum = InputFunctionCall(&codec->input, text, codec->typioparam,
								   codec->column->typmod);
	}
	else if (codec->has_times)
	{
		result = decode_with_times(codec, text, soft, datum, reason);
		if (result != DDB_DECODE_OK)
			return result;
	}
	else if (!call_input(codec, text, codec->column->typmod, soft, datum,
						 reason))
		return DDB_DECODE_MISFIT;
	if (!codec->is_key && codec->column->base_typid != MONEYOID)
		return DDB_DECODE_OK;
	written = ddb_text_form_write(&codec->output, codec->text_settings, *datum);
	*reason = "it is not in the type's canonical form";
	return strcmp(written, text) == 0 ||
				   (!codec->is_key && ddb_text_form_is_money(text, written))
			   ? DDB_DECODE_OK
			   : DDB_DECODE_MISFIT;
}

/* The value of a hexadecimal digit in either case, or -1. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/*
 * The 36 characters with hyphens, of keys in lower case: other spellings that
 * uuid_in takes would be other values to DynamoDB.
 */
static DdbDecodeResult
decode_uuid(const DdbCodec *codec, const char *text, size_t len, Datum *datum,
			const char **reason)
{
	pg_uuid_t *uuid = palloc0(sizeof(pg_uuid_t));
	int digits = 0;

	*reason = codec->is_key ? "it is not a UUID in its canonical form"
							: "it is not a UUID with hyphens";
	if (len != 36)
		return DDB_DECODE_MISFIT;
	for (int i = 0; i < 36; i++)
	{
		int digit = hex_digit(text[i]);

		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (text[i] != '-')
				return DDB_DECODE_MISFIT;
			continue;
		}
		if (digit < 0 || (codec->is_key && text[i] >= 'A' && text[i] <= 'F'))
			return DDB_DECODE_MISFIT;
		uuid->data[digits / 2] |= digit << (digits % 2 == 0 ? 4 : 0);
		digits++;
	}
	*datum = UUIDPGetDatum(uuid);
	return DDB_DECODE_OK;
}

/* What is read by its length: it may lie in the page as it is. */
static DdbDecodeResult
decode_in_place(DdbCodec *codec, const DdbSpan *span, Datum *datum,
				const char **reason)
{
	char buffer[DDB_VALUE_BUFFER];
	const char *text = span->data;
	size_t len = span->len;

	if (span->escaped)
		text = ddb_value_text(span, buffer, sizeof(buffer), &len, reason);
	if (text == NULL)
		return DDB_DECODE_MISFIT;
	if (is_time_conversion(codec->conversion))
		return decode_time(codec, text, len, datum, reason);
	if (codec->conversion == DDB_CONVERT_UUID)
		return decode_uuid(codec, text, len, datum, reason);
	return ddb_number_decode_integer(codec->conversion, text, len, datum,
									 reason);
}

/* Everything that is converted from text, whether stored as S or as N. */
static DdbDecodeResult
decode_from_text(DdbCodec *codec, const DdbSpan *span, bool soft, Datum *datum,
				 const char **reason)
{
	char buffer[DDB_VALUE_BUFFER];
	char *text;
	size_t len;

	switch (codec->conversion)
	{
		case DDB_CONVERT_NUMERIC:
			return ddb_number_decode_numeric(codec, span, datum, reason);
		case DDB_CONVERT_FLOAT4:
		case DDB_CONVERT_FLOAT8:
			return ddb_number_decode_float(codec->conversion, span, datum,
										   reason);
		case DDB_CONVERT_INPUT:
			text = ddb_value_text(span, buffer, sizeof(buffer), &len, reason);
			if (text == NULL)
				return DDB_DECODE_MISFIT;
			return decode_input(codec, text, len, soft, datum, reason);
		default:
			return decode_in_place(codec, span, datum, reason);
	}
}

/* A value of a type that the codec accepts, domains aside. */
static inline DdbDecodeResult
convert(DdbCodec *codec, const DdbAttributeValue *value, bool soft,
		Datum *datum, const char **reason)
{
	switch (codec->conversion)
	{
		case DDB_CONVERT_TEXT:
			return decode_text(codec, &value->span, datum, reason);
		case DDB_CONVERT_BYTEA:
			return decode_bytea(&value->span, datum, reason);
		case DDB_CONVERT_BOOL:
			if (value->type != DDB_VALUE_BOOL)
				return ddb_boolean_decode(codec, value, datum, reason);
			*datum = BoolGetDatum(value->boolean);
			return DDB_DECODE_OK;
		case DDB_CONVERT_DOCUMENT:
			return ddb_document_decode(codec, value, datum, reason);
		case DDB_CONVERT_ANY_TEXT:
			return decode_any_text(codec, value, datum, reason);
		case DDB_CONVERT_ARRAY:
			return ddb_array_decode(codec, value, soft, datum, reason);
		default:
			return decode_from_text(codec, &value->span, soft, datum, reason);
	}
}

/*
 * The stored type is checked first, by a mask, and domains last. *datum is set
 * only for DDB_DECODE_OK.
 */
DdbDecodeResult
ddb_codec_decode(DdbCodec *codec, const DdbAttributeValue *value,
				 DdbMisfits misfits, Datum *datum, const char **reason)
{
	bool soft = misfits == DDB_MISFITS_ARE_TOLD;
	DdbDecodeResult result;

	*reason = NULL;
	if (value->type == DDB_VALUE_NULL)
		return DDB_DECODE_NULL;
	if ((codec->accepts & DDB_ACCEPTS(value->type)) == 0)
		return DDB_DECODE_MISFIT;
	result = convert(codec, value, soft, datum, reason);
	if (result != DDB_DECODE_OK || !codec->is_domain)
		return result;
	return ddb_soft_domain_check(*datum, codec->column->typid,
								 &codec->domain_cache, codec->cache_context,
								 soft, reason)
			   ? DDB_DECODE_OK
			   : DDB_DECODE_MISFIT;
}

/*
 * True if a value that does not fit can only be found out by catching an
 * error.  Such columns keep parallel workers away from the query.
 */
static bool
needs_subtransactions(const DdbCodec *codec)
{
	if (codec->conversion == DDB_CONVERT_ARRAY &&
		needs_subtransactions(codec->element))
		return true;
	return codec->is_domain ||
		   (codec->conversion == DDB_CONVERT_INPUT && !codec->is_enum &&
			!ddb_soft_input_is_safe(codec->column->base_typid));
}

bool
ddb_codec_catches_misfits(const DdbCodec *codec)
{
	/* Variables of templates always are. */
	return (codec->column->source != 0 ||
			ddb_column_mismatch_policy(codec->column) == DDB_MISMATCH_NULL) &&
		   needs_subtransactions(codec);
}

/*
 * A set of codecs for the relation's columns, made lazily in the current
 * memory context. key_attributes says which attributes are keys, and of which
 * type.
 */
DdbCodecSet *
ddb_codec_set_create(const DdbRelation *relation, List *key_attributes)
{
	DdbCodecSet *set = palloc0(sizeof(DdbCodecSet));

	set->relation = relation;
	set->key_attributes = key_attributes;
	set->context = CurrentMemoryContext;
	set->by_column = palloc0(sizeof(DdbCodec *) * Max(relation->ncolumns, 1));
	return set;
}

/* The type that the key schema gives the column's attribute, if any. */
static DdbStoredType
key_type(const DdbCodecSet *set, const DdbColumn *column)
{
	DdbStoredType type =
		ddb_column_needs_item(column)
			? DDB_STORED_NONE
			: ddb_key_attributes_type(set->key_attributes, column->attribute);

	if (type != DDB_STORED_NONE && column->reach == DDB_REACH_PATH)
		ereport(
			ERROR,
			(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			 errmsg("column \"%s\" of foreign table %s names a member of key "
					"attribute \"%s\"",
					column->name, set->relation->name, column->attribute),
			 errdetail("Key attributes are scalars, which have no members."),
			 errhint("If \"%s\" is the whole name of an attribute, put it "
					 "in double quotes inside the option's value.",
					 column->label)));
	return type;
}

/* Makes the codec at its first use, which may raise an error. */
DdbCodec *
ddb_codec_set_get(DdbCodecSet *set, AttrNumber attnum)
{
	const DdbColumn *column = &set->relation->columns[attnum - 1];
	MemoryContext old;

	if (set->by_column[attnum - 1] == NULL)
	{
		old = MemoryContextSwitchTo(set->context);
		set->by_column[attnum - 1] = palloc(sizeof(DdbCodec));
		if (column->source != 0)
			ddb_variable_init_codec(set->by_column[attnum - 1], set->relation,
									column);
		else
			ddb_codec_init(set->by_column[attnum - 1], set->relation, column,
						   key_type(set, column));
		MemoryContextSwitchTo(old);
	}
	return set->by_column[attnum - 1];
}
