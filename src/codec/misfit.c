/* SPDX-License-Identifier: PostgreSQL */
/*
 * misfit.c
 *		What messages say of a value that does not fit its column: its
 *		beginning, what the column takes, and which declaration it would fit.
 *
 * A declaration is only named when the value was converted by it.
 */
#include "postgres.h"

#include "codec/misfit.h"

#include "catalog/pg_type.h"
#include "codec/soft_input.h"
#include "format/decimal.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* Longest part of a value that a message repeats. */
#define MESSAGE_VALUE_BYTES 100

/* From here on a number of seconds is one of milliseconds: the year 5138. */
#define LEAST_MILLISECONDS INT64CONST(100000000000)

/*
 * Appends a value.  Cuts between characters, and says so with an ellipsis.  A
 * text that the database's encoding cannot hold is not shown.
 */
static void
append_value(StringInfo text, const DdbAttributeValue *value)
{
	const char *quote = value->type <= DDB_VALUE_B ? "\"" : "";
	int len = (int) value->span.len;
	int shown;
	char *copy;

	if (value->type == DDB_VALUE_BOOL || value->type == DDB_VALUE_NULL)
	{
		appendStringInfoString(text, value->type == DDB_VALUE_NULL ? "null"
									 : value->boolean              ? "true"
																   : "false");
		return;
	}
	shown = pg_encoding_mbcliplen(PG_UTF8, value->span.data, len,
								  Min(len, MESSAGE_VALUE_BYTES));
	copy = ddb_soft_from_utf8(pnstrdup(value->span.data, shown), shown);
	if (copy == NULL)
		appendStringInfoString(text, "(not in the encoding of the database)");
	else
		appendStringInfo(text, "%s%s%s%s", quote, copy, shown < len ? "…" : "",
						 quote);
}

void
ddb_misfit_append_attribute(StringInfo text, const char *name,
							const DdbAttributeValue *value)
{
	appendStringInfo(text, "%s%s = ", text->len > 0 ? ", " : "", name);
	append_value(text, value);
}

/*
 * The text is palloc'd and in the database's encoding.  It completes a
 * sentence that begins with "The item ... has".
 */
char *
ddb_misfit_describe(const DdbCodec *codec, const DdbAttributeValue *value,
					const char *reason)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, "value ");
	append_value(&text, value);
	appendStringInfo(
		&text,
		" of DynamoDB type %s; the column is of type %s and takes "
		"DynamoDB type %s",
		ddb_attribute_type_name(value->type),
		format_type_with_typemod(codec->column->typid, codec->column->typmod),
		ddb_codec_accepted_types(codec));
	if (codec->time_format != DDB_TIME_DEFAULT)
		appendStringInfo(
			&text, " in format \"%s\"",
			ddb_time_format_name(codec->time_format, codec->fraction_digits));
	if (reason != NULL)
		appendStringInfo(&text, "; of this value, %s", reason);
	return text.data;
}

/* ---- declarations that are tried ---- */

typedef struct Trial
{
	const DdbRelation *relation;
	const DdbColumn *column;
	DdbStoredType key_type;
	const DdbAttributeValue *value;
	bool fits;
} Trial;

/*
 * Resolves a codec for a trial declaration and decodes the value with it.
 * Runs inside ddb_soft_try(), as a declaration may be impossible.
 */
static void
try_column(void *arg)
{
	Trial *trial = (Trial *) arg;
	DdbCodec codec;
	Datum unused;
	const char *reason;

	ddb_codec_init(&codec, trial->relation, trial->column, trial->key_type);
	trial->fits = ddb_codec_decode(&codec, trial->value, DDB_MISFITS_RAISE,
								   &unused, &reason) == DDB_DECODE_OK;
}

/* The declarations that fit so far, as parts of a sentence. */
typedef struct Cures
{
	const DdbRelation *relation;
	const DdbCodec *codec;
	const DdbAttributeValue *value;
	List *found; /* of char * */
} Cures;

/* True if a column declared like this would take the value. */
static bool
fits(const Cures *cures, const DdbColumn *column)
{
	Trial trial = {
		.relation = cures->relation,
		.column = column,
		.key_type =
			cures->codec->is_key ? cures->codec->stored : DDB_STORED_NONE,
		.value = cures->value,
	};

	return ddb_soft_try(try_column, &trial) && trial.fits;
}

/* Adds a phrase, which join_cures() makes a sentence of. */
static void
add_cure(Cures *cures, char *cure)
{
	cures->found = lappend(cures->found, cure);
}

/*
 * Tries the column with these options "type" and "format", and adds them as a
 * cure if the value then fits.  Options that the column has already are not
 * named.
 */
static bool
try_options(Cures *cures, DdbStoredType type, DdbTimeFormat format)
{
	DdbColumn column = *cures->codec->column;
	bool new_type = type != column.declared_type;
	bool new_format = format != column.time_format;
	StringInfoData text;

	column.declared_type = type;
	column.time_format = format;
	if (!fits(cures, &column))
		return false;
	initStringInfo(&text);
	if (new_type)
		appendStringInfo(&text, "set option \"type\" of the column to \"%s\"",
						 ddb_stored_type_name(type));
	if (new_format)
		appendStringInfo(&text, "%sset %soption \"format\"%s to \"%s\"",
						 new_type ? " and " : "", new_type ? "its " : "",
						 new_type ? "" : " of the column",
						 ddb_time_format_name(format, 0));
	add_cure(cures, text.data);
	return true;
}

/*
 * True if the number would be an unlikely time if it counted seconds, and so
 * probably counts milliseconds.
 */
static bool
is_milliseconds(const DdbAttributeValue *value)
{
	DdbDecimal number;

	return ddb_decimal_parse(value->span.data, value->span.len, &number) &&
		   ddb_decimal_compare_int64(&number, LEAST_MILLISECONDS) >= 0;
}

/* Tries other formats of times, and another type with them if need be. */
static void
try_time_formats(Cures *cures)
{
	DdbStoredType declared = cures->codec->column->declared_type;
	DdbTimeFormat format;

	if (cures->value->type == DDB_VALUE_S)
		format = DDB_TIME_ISO8601;
	else if (cures->value->type == DDB_VALUE_N)
		format =
			is_milliseconds(cures->value) ? DDB_TIME_EPOCH_MS : DDB_TIME_EPOCH;
	else
		return;
	if (format != cures->codec->time_format &&
		!try_options(cures, declared, format))
		(void) try_options(cures, (DdbStoredType) cures->value->type, format);
}

/*
 * Tries option "type": the type that is stored, and any, where the column's
 * type allows it.
 */
static void
try_stored_types(Cures *cures)
{
	const DdbColumn *column = cures->codec->column;
	DdbStoredType stored = (DdbStoredType) cures->value->type;

	if (cures->codec->time_format != DDB_TIME_DEFAULT)
		try_time_formats(cures);
	else if ((cures->codec->accepts & DDB_ACCEPTS(stored)) == 0)
		(void) try_options(cures, stored, column->time_format);
	if (cures->codec->conversion == DDB_CONVERT_TEXT ||
		cures->codec->conversion == DDB_CONVERT_DOCUMENT)
		(void) try_options(cures, DDB_STORED_ANY, column->time_format);
}

/*
 * Tries the column with another type and without options, and adds it as a cure
 * if the value then fits.
 */
static void
try_type(Cures *cures, Oid typid)
{
	DdbColumn column = *cures->codec->column;

	if (typid == column.base_typid && column.typmod < 0)
		return;
	column.typid = typid;
	column.base_typid = typid;
	column.typmod = -1;
	column.declared_type = DDB_STORED_NONE;
	column.time_format = DDB_TIME_DEFAULT;
	column.json_format = DDB_JSON_DEFAULT;
	if (fits(cures, &column))
		add_cure(cures, psprintf("declare it as %s", format_type_be(typid)));
}

/*
 * Tries the widest type of what is stored, and jsonb, which takes everything
 * but odd characters.
 */
static void
try_types(Cures *cures)
{
	switch (cures->value->type)
	{
		case DDB_VALUE_S:
			try_type(cures, TEXTOID);
			break;
		case DDB_VALUE_N:
			try_type(cures, NUMERICOID);
			break;
		case DDB_VALUE_B:
			try_type(cures, BYTEAOID);
			break;
		case DDB_VALUE_BOOL:
			try_type(cures, BOOLOID);
			break;
		default:
			break;
	}
	try_type(cures, JSONBOID);
}

/* The cures as a sentence, "Set ..., declare ... or set ....", palloc'd. */
static char *
join_cures(List *found)
{
	StringInfoData text;
	ListCell *lc;

	initStringInfo(&text);
	foreach (lc, found)
		appendStringInfo(&text, "%s%s",
						 lc == list_head(found) ? ""
						 : lnext(found, lc) == NULL
							 ? (list_length(found) > 2 ? ", or " : " or ")
							 : ", ",
						 (char *) lfirst(lc));
	appendStringInfoChar(&text, '.');
	text.data[0] = pg_toupper((unsigned char) text.data[0]);
	return text.data;
}

/* The text is a whole sentence, palloc'd. */
char *
ddb_misfit_hint(const DdbRelation *relation, const DdbCodec *codec,
				const DdbAttributeValue *value, bool may_be_null)
{
	Cures cures = {relation, codec, value, NIL};

	if (!ddb_column_needs_item(codec->column))
	{
		try_stored_types(&cures);
		try_types(&cures);
	}
	if (may_be_null)
		add_cure(&cures, "set \"on_type_mismatch\" to \"null\" to read such "
						 "values as NULL");
	if (cures.found == NIL)
		add_cure(&cures, "correct the item");
	return join_cures(cures.found);
}
