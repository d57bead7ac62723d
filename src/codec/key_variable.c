/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_variable.c
 *		Values of a template's variables ↔ their text in keys.
 *
 * Plain forms are those of a key attribute of the column's type, numbers as
 * text; the others are template.c's, which knows numbers and instants only.
 */
#include "postgres.h"

#include "codec/key_variable.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "codec/encode_constant.h"
#include "codec/soft_input.h"
#include "datatype/timestamp.h"
#include "format/time_text.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define PG_EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define PG_EPOCH_MICROS ((int64) PG_EPOCH_DAYS * USECS_PER_DAY)

/* Days that microseconds still hold, on either side of 1970. */
#define MAX_DAYS (PG_INT64_MAX / USECS_PER_DAY - 2)

#define UUID_WIDTH 36
#define DATE_FORMAT "YYYY-MM-DD"

static bool
is_timestamp(Oid typid)
{
	return typid == TIMESTAMPTZOID || typid == TIMESTAMPOID;
}

static bool
is_integer(Oid typid)
{
	return typid == INT2OID || typid == INT4OID || typid == INT8OID;
}

static bool
is_text(Oid typid)
{
	return typid == TEXTOID || typid == VARCHAROID;
}

/*
 * Raises the error of a column whose type cannot be a variable. detail
 * completes the sentence "The column is of type ...; ".
 */
static void
raise_unsuited(const DdbRelation *relation, const DdbColumn *column,
			   const char *detail, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
					errmsg("column \"%s\" of foreign table %s cannot be a "
						   "variable of a key template",
						   column->name, relation->name),
					errdetail("The column is of type %s; %s.",
							  format_type_be(column->typid), detail),
					errhint("%s", hint)));
}

/* A column's own format says how its plain text form is. */
static void
adopt_format(DdbTemplateElement *element, const DdbColumn *column)
{
	const char *format =
		ddb_time_format_name(column->time_format, column->fraction_digits);

	(void) ddb_template_parse_format(format, strlen(format), element);
}

/*
 * Raises an error if the column's type does not suit the element's form, or if
 * its values have no text that is always the same.
 */
static void
check_type(const DdbRelation *relation, const DdbColumn *column,
		   const DdbTemplateElement *element)
{
	Oid typid = column->base_typid;
	char typtype = get_typtype(typid);

	if (element->unit != DDB_UNIT_NONE)
	{
		if (!is_timestamp(typid) && typid != DATEOID)
			raise_unsuited(relation, column,
						   "its format is one of dates and times",
						   "Change its type, or its format in the template.");
		return;
	}
	if (element->form == DDB_FORM_PADDED && !is_integer(typid))
		raise_unsuited(relation, column, "its format pads whole numbers",
					   "Change its type to integer or bigint.");
	if (element->form == DDB_FORM_SHARD && !is_integer(typid) &&
		!is_text(typid))
		raise_unsuited(relation, column, "shards are numbered",
					   "Change its type to integer or text.");
	if (is_timestamp(typid))
		raise_unsuited(relation, column,
					   "the template does not say how it is written",
					   "Give it a format, such as ${column:iso8601:3}.");
	if (typid == FLOAT4OID || typid == FLOAT8OID || typid == BYTEAOID ||
		typid == JSONOID || typid == JSONBOID || typtype == TYPTYPE_COMPOSITE ||
		typtype == TYPTYPE_PSEUDO || OidIsValid(get_element_type(typid)))
		raise_unsuited(relation, column,
					   "values of this type have no text form of their own",
					   "Change its type to text or numeric.");
	if (ddb_text_form_is_unsteady(typid))
		raise_unsuited(relation, column,
					   "this type has no text form that is the same in each "
					   "session",
					   "Change its type to text.");
}

/* Plain forms of a type whose texts are of one length sort as the type does. */
static void
settle_width(DdbTemplateElement *element, Oid typid)
{
	if (element->form != DDB_FORM_PLAIN)
		return;
	if (typid == DATEOID)
		(void) ddb_template_parse_format(DATE_FORMAT, strlen(DATE_FORMAT),
										 element);
	else if (typid == UUIDOID)
	{
		element->width = UUID_WIDTH;
		element->ordered = true;
	}
}

/*
 * The codec of a variable in plain form, palloc'd: as if the column were a key
 * attribute of type S, without options.
 */
static DdbCodec *
plain_codec(const DdbRelation *relation, const DdbColumn *column)
{
	DdbCodec *codec = palloc(sizeof(DdbCodec));
	DdbColumn *plain = palloc(sizeof(DdbColumn));

	*plain = *column;
	plain->declared_type = DDB_STORED_NONE;
	plain->time_format = DDB_TIME_DEFAULT;
	plain->source = 0;
	ddb_codec_init(codec, relation, plain, DDB_STORED_S);
	return codec;
}

/* Digits of a second's fraction that a time form of that unit has. */
static int
fraction_digits(const DdbTemplateElement *element)
{
	if (element->form == DDB_FORM_FIXED)
		return element->digits;
	if (element->form == DDB_FORM_PATTERN)
		return memmem(element->pattern, element->pattern_len, "US", 2) != NULL
				   ? 6
				   : 3;
	return 6;
}

/*
 * True if equal texts mean equal values, even where the column's own attribute
 * may be finer than the text.
 */
static bool
tells_all(const DdbVariable *variable)
{
	const DdbTemplateElement *element = variable->element;
	int digits = 6;

	if (variable->column->base_typid == DATEOID)
		return element->unit >= DDB_UNIT_DAY;
	if (!is_timestamp(variable->column->base_typid))
		return true;
	/* An attribute of fixed width is no finer than that. */
	if (variable->column->time_format == DDB_TIME_FIXED)
		digits = variable->column->fraction_digits;
	return element->unit == DDB_UNIT_FRACTION
			   ? fraction_digits(element) >= digits
			   : element->unit == DDB_UNIT_SECOND && digits == 0;
}

/*
 * A timestamp without a format in the template takes the column's.  The
 * relation and the template must outlive the variable.
 */
void
ddb_variable_init(DdbVariable *variable, const DdbRelation *relation,
				  const DdbColumn *column, DdbTemplateElement *element)
{
	Oid typid = column->base_typid;

	memset(variable, 0, sizeof(*variable));
	variable->column = column;
	variable->element = element;
	if (element->form == DDB_FORM_PLAIN && is_timestamp(typid) &&
		column->time_format != DDB_TIME_DEFAULT)
		adopt_format(element, column);
	check_type(relation, column, element);
	settle_width(element, typid);
	variable->exact = tells_all(variable);
	/* Texts of booleans are taken as they are. */
	if (element->form == DDB_FORM_PLAIN && typid != BOOLOID)
		variable->codec = plain_codec(relation, column);
}

/*
 * True if the text tells so much that the column's value can be taken from it:
 * a second or finer for timestamps, everything for other types.
 */
bool
ddb_variable_tells_value(const DdbVariable *variable)
{
	DdbTimeUnit unit = variable->element->unit;

	return !is_timestamp(variable->column->base_typid)
			   ? variable->exact
			   : unit >= DDB_UNIT_SECOND;
}

/*
 * True if this variable's text tells at least as much of a time as that of the
 * other one.
 */
bool
ddb_variable_is_as_fine(const DdbVariable *variable, const DdbVariable *other)
{
	const DdbTemplateElement *element = variable->element;

	if (element->unit != DDB_UNIT_FRACTION ||
		other->element->unit != DDB_UNIT_FRACTION)
		return element->unit >= other->element->unit;
	return fraction_digits(element) >= fraction_digits(other->element);
}

/* A stored value at this place, with a copy of the text. */
static void
set_text(DdbStoredValue *stored, DdbValuePlace place, const char *text,
		 size_t len)
{
	stored->place = place;
	stored->type = DDB_STORED_S;
	stored->data = pnstrdup(text, len);
	stored->len = len;
}

/*
 * A whole number, or the text of a shard, as a stored value among the texts of
 * its form.  What the form does not have lies below or above all.
 */
static void
compose_number(const DdbVariable *variable, Datum value, Oid typid,
			   DdbStoredValue *stored)
{
	char out[DDB_TEMPLATE_TIME_BUFFER];
	int64 number = -1;
	size_t len;

	if (typid == INT2OID)
		number = DatumGetInt16(value);
	else if (typid == INT4OID)
		number = DatumGetInt32(value);
	else if (typid == INT8OID)
		number = DatumGetInt64(value);
	else
	{
		/* Text of a shard: as it is written, or no shard at all. */
		char *shard = TextDatumGetCString(value);

		if (!ddb_template_parse_number(variable->element, shard, strlen(shard),
									   &number))
			number = -1;
	}
	len = ddb_template_format_number(variable->element, number, out);
	if (len > 0)
		set_text(stored, DDB_PLACE_EXACT, out, len);
	else
		stored->place = number < Max(variable->element->first, 0)
							? DDB_PLACE_BELOW_ALL
							: DDB_PLACE_ABOVE_ALL;
}

/* *is_positive says on which side of 1970 a value without microseconds lies. */
bool
ddb_variable_to_micros(Oid typid, Datum value, int64 *micros, bool *is_positive)
{
	Timestamp instant;

	if (typid == DATEOID)
	{
		int64 days = (int64) DatumGetDateADT(value) + PG_EPOCH_DAYS;

		*is_positive = days > 0;
		if (days > MAX_DAYS || days < -MAX_DAYS)
			return false;
		*micros = days * USECS_PER_DAY;
		return true;
	}
	instant = DatumGetTimestamp(value);
	*is_positive = instant > 0;
	if (TIMESTAMP_NOT_FINITE(instant) ||
		instant > PG_INT64_MAX - PG_EPOCH_MICROS)
		return false;
	*micros = instant + PG_EPOCH_MICROS;
	return true;
}

int64
ddb_variable_now(void)
{
	return GetCurrentStatementStartTimestamp() + PG_EPOCH_MICROS;
}

/*
 * A date or timestamp as a stored value among the texts of its form.  It lies
 * between two texts where the form cuts something off.
 */
static void
compose_time(const DdbVariable *variable, Datum value, DdbStoredValue *stored)
{
	char out[DDB_TEMPLATE_TIME_BUFFER];
	int64 micros = 0;
	bool is_positive;
	bool exact;
	size_t len = 0;

	if (ddb_variable_to_micros(variable->column->base_typid, value, &micros,
							   &is_positive))
	{
		len = ddb_template_format_time(variable->element, micros, out, &exact);
		is_positive = micros > 0;
	}
	if (len > 0)
		set_text(stored, exact ? DDB_PLACE_EXACT : DDB_PLACE_BETWEEN, out, len);
	else
		stored->place = is_positive ? DDB_PLACE_ABOVE_ALL : DDB_PLACE_BELOW_ALL;
}

/*
 * Used for constants and for the keys of rows alike.  Whoever writes a key
 * refuses anything but EXACT.
 */
void
ddb_variable_compose(const DdbVariable *variable, Datum value, Oid typid,
					 DdbStoredValue *stored)
{
	DdbTextForm form = variable->element->form;

	memset(stored, 0, sizeof(*stored));
	stored->type = DDB_STORED_S;
	if (form == DDB_FORM_PADDED || form == DDB_FORM_SHARD)
		compose_number(variable, value, typid, stored);
	else if (form != DDB_FORM_PLAIN)
		compose_time(variable, value, stored);
	else if (variable->codec == NULL && DatumGetBool(value))
		set_text(stored, DDB_PLACE_EXACT, "true", 4);
	else if (variable->codec == NULL)
		set_text(stored, DDB_PLACE_EXACT, "false", 5);
	else
		ddb_codec_encode_constant(variable->codec, value, typid, 0, stored);
	stored->type = DDB_STORED_S;
}

/*
 * The value of a padded number or a shard, in the column's type.  False if it
 * is out of the type's range.
 */
static bool
parse_number(const DdbVariable *variable, const char *text, size_t len,
			 Datum *value)
{
	int64 number;

	if (!ddb_template_parse_number(variable->element, text, len, &number))
		return false;
	switch (variable->column->base_typid)
	{
		case INT2OID:
			*value = Int16GetDatum((int16) number);
			return number <= PG_INT16_MAX;
		case INT4OID:
			*value = Int32GetDatum((int32) number);
			return number <= PG_INT32_MAX;
		case INT8OID:
			*value = Int64GetDatum(number);
			return true;
		default:
			*value = PointerGetDatum(cstring_to_text_with_len(text, len));
			return true;
	}
}

/*
 * True if the timestamp has no more digits than its column's modifier allows.
 */
static bool
fits_precision(int64 micros, int32 typmod)
{
	static const int64 units[] = {1000000, 100000, 10000, 1000, 100, 10};

	return typmod < 0 || typmod >= (int32) lengthof(units) ||
		   micros % units[typmod] == 0;
}

/*
 * The value of a time's text, in the column's type.  False if a date would
 * lose a time of day, or if the column's precision would.
 */
static bool
parse_time(const DdbVariable *variable, const char *text, size_t len,
		   Datum *value)
{
	int64 micros;

	if (!ddb_template_parse_time(variable->element, text, len, &micros))
		return false;
	if (variable->column->base_typid == DATEOID)
	{
		*value =
			DateADTGetDatum((DateADT) (micros / USECS_PER_DAY - PG_EPOCH_DAYS));
		return micros % USECS_PER_DAY == 0 &&
			   IS_VALID_DATE(micros / USECS_PER_DAY - PG_EPOCH_DAYS);
	}
	if (micros < PG_INT64_MIN + PG_EPOCH_MICROS)
		return false;
	micros -= PG_EPOCH_MICROS;
	*value = TimestampTzGetDatum(micros);
	return IS_VALID_TIMESTAMP(micros) &&
		   fits_precision(micros, variable->column->typmod);
}

/*
 * The value of text that is written as the type writes it.  Never raises an
 * error because of the text.
 */
static bool
parse_plain(const DdbVariable *variable, const char *text, size_t len,
			Datum *value)
{
	DdbAttributeValue stored = {0};
	const char *reason;

	if (variable->codec == NULL)
	{
		*value = BoolGetDatum(len == 4);
		return (len == 4 && memcmp(text, "true", 4) == 0) ||
			   (len == 5 && memcmp(text, "false", 5) == 0);
	}
	stored.type = DDB_VALUE_S;
	stored.span.data = text;
	stored.span.len = len;
	return ddb_codec_decode(variable->codec, &stored, DDB_MISFITS_ARE_TOLD,
							value, &reason) == DDB_DECODE_OK;
}

/*
 * True if the value passes the constraints of the column's domain, if it has
 * one.  Plain forms were checked by their codec.
 */
static bool
fits_domain(const DdbVariable *variable, Datum value)
{
	const DdbColumn *column = variable->column;
	const char *reason;
	void *cache = NULL;

	return column->typid == column->base_typid || variable->codec != NULL ||
		   ddb_soft_domain_check(value, column->typid, &cache,
								 CurrentMemoryContext, true, &reason);
}

/*
 * True if the value's own text is exactly this one.  Rejects second spellings
 * of a value.
 */
static bool
is_text_of(const DdbVariable *variable, Datum value, const char *text,
		   size_t len)
{
	DdbStoredValue stored;

	ddb_variable_compose(variable, value, variable->column->base_typid,
						 &stored);
	return stored.place == DDB_PLACE_EXACT && stored.len == (int) len &&
		   memcmp(stored.data, text, len) == 0;
}

/*
 * Composes the value again and compares, so that just one text stands for each
 * value.
 */
bool
ddb_variable_parse(const DdbVariable *variable, const char *text, size_t len,
				   Datum *value)
{
	DdbTextForm form = variable->element->form;
	bool ok;

	if (form == DDB_FORM_PADDED || form == DDB_FORM_SHARD)
		ok = parse_number(variable, text, len, value);
	else if (form == DDB_FORM_PLAIN)
		ok = parse_plain(variable, text, len, value);
	else
		ok = parse_time(variable, text, len, value);
	return ok && is_text_of(variable, *value, text, len) &&
		   fits_domain(variable, *value);
}

/*
 * The stored type is that which the column's type has by default; options
 * about storage do not apply.
 */
void
ddb_variable_init_codec(DdbCodec *codec, const DdbRelation *relation,
						const DdbColumn *column)
{
	DdbColumn *plain = palloc(sizeof(DdbColumn));

	*plain = *column;
	plain->source = 0;
	plain->declared_type = DDB_STORED_NONE;
	plain->time_format = DDB_TIME_DEFAULT;
	ddb_codec_init(codec, relation, plain,
				   ddb_value_default_stored_type(plain));
	codec->column = column;
	/* One spelling, in the order of time: as exact as the type itself. */
	if (codec->time_format != DDB_TIME_DEFAULT)
	{
		codec->time_format = DDB_TIME_FIXED;
		codec->fraction_digits = 6;
	}
}
