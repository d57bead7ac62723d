/* SPDX-License-Identifier: PostgreSQL */
/*
 * decode_document.c
 *		Attribute values as JSON, straight from the page's bytes.
 *
 * Plain: a map is an object, a list or set an array, a number a number with
 * all its digits, binary its base64 text, NULL null.  Typed: each value as
 * DynamoDB writes it, {"N": "1"}, so that nothing is lost.  Both walk the same
 * way and differ in what they write; json is written as text, jsonb built.
 */
#include "postgres.h"

#include "codec/decode_document.h"

#include "catalog/pg_type.h"
#include "codec/decode_number.h"
#include "codec/soft_input.h"
#include "format/decimal.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

/* Where a value goes. */
typedef enum Place
{
	PLACE_ROOT,
	PLACE_ELEMENT,
	PLACE_MEMBER,
} Place;

typedef struct Writer
{
	bool typed;
	bool is_item; /* the root is */
	bool utf8_server;
	bool is_text; /* json: into text; otherwise into state */
	StringInfoData text; /* UTF-8 */
	bool comma; /* one is due before the next in text */
	JsonbParseState *state;
	JsonbValue *root; /* what was pushed last */
	const DdbCodec *hiding; /* the next map is one of which it hides names */
	const char *reason; /* why it failed; NULL: it is malformed */
} Writer;

static bool write_tagged(Writer *writer, DdbJsonReader *reader, Place place);

/* ---- what is written ---- */

/* Opens an object or array, in text or in the jsonb state. */
static void
begin(Writer *writer, bool is_object)
{
	if (!writer->is_text)
	{
		writer->root = pushJsonbValue(
			&writer->state, is_object ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY,
			NULL);
		return;
	}
	if (writer->comma)
		appendStringInfoString(&writer->text, ", ");
	appendStringInfoChar(&writer->text, is_object ? '{' : '[');
	writer->comma = false;
}

/*
 * Closes what begin() opened.  The next value at this level gets a comma in
 * front.
 */
static void
end(Writer *writer, bool is_object)
{
	if (!writer->is_text)
	{
		writer->root = pushJsonbValue(
			&writer->state, is_object ? WJB_END_OBJECT : WJB_END_ARRAY, NULL);
		return;
	}
	appendStringInfoChar(&writer->text, is_object ? '}' : ']');
	writer->comma = true;
}

/*
 * Adds a scalar to the jsonb state.  A root that is a scalar never enters the
 * state, and is copied.
 */
static void
push_scalar(Writer *writer, JsonbValue *value, Place place)
{
	if (place == PLACE_ROOT)
	{
		writer->root = palloc(sizeof(JsonbValue));
		*writer->root = *value;
	}
	else
		writer->root =
			pushJsonbValue(&writer->state,
						   place == PLACE_MEMBER ? WJB_VALUE : WJB_ELEM, value);
}

/* Appends a scalar to JSON text, with the comma that it may need. */
static void
append_scalar(Writer *writer, const char *text, int len)
{
	if (writer->comma)
		appendStringInfoString(&writer->text, ", ");
	appendBinaryStringInfo(&writer->text, text, len);
	writer->comma = true;
}

/*
 * Writes true or false; place says whether it is a member, an element or the
 * root.
 */
static void
write_bool(Writer *writer, bool value, Place place)
{
	JsonbValue json;

	if (writer->is_text)
	{
		append_scalar(writer, value ? "true" : "false", value ? 4 : 5);
		return;
	}
	json.type = jbvBool;
	json.val.boolean = value;
	push_scalar(writer, &json, place);
}

/* Writes JSON's null, which only occurs inside a document. */
static void
write_null(Writer *writer, Place place)
{
	JsonbValue json;

	if (writer->is_text)
	{
		append_scalar(writer, "null", 4);
		return;
	}
	json.type = jbvNull;
	push_scalar(writer, &json, place);
}

/* The span unescaped, NUL-terminated; NULL when it can be no text here. */
static char *
unescaped(Writer *writer, const DdbSpan *span, size_t *len)
{
	return ddb_value_text(span, NULL, 0, len, &writer->reason);
}

/*
 * Appends a string to JSON text, as it is if it has no escapes.  False with
 * writer->reason set if it cannot be text.
 */
static bool
append_string(Writer *writer, const DdbSpan *span)
{
	char *out;
	size_t len;

	if (!span->escaped)
	{
		appendStringInfoChar(&writer->text, '"');
		appendBinaryStringInfo(&writer->text, span->data, span->len);
		appendStringInfoChar(&writer->text, '"');
		return true;
	}
	out = unescaped(writer, span, &len);
	if (out == NULL)
		return false;
	escape_json(&writer->text, out);
	pfree(out);
	return true;
}

/*
 * Makes a jsonb string in the database's encoding.  False with writer->reason
 * set if it cannot be text, or the encoding lacks a character.
 */
static bool
make_string(Writer *writer, const DdbSpan *span, JsonbValue *json)
{
	size_t len;
	char *out = unescaped(writer, span, &len);

	if (out == NULL)
		return false;
	if (!writer->utf8_server)
	{
		out = ddb_soft_from_utf8(out, len);
		if (out == NULL)
		{
			writer->reason = DDB_SOFT_NO_EQUIVALENT;
			return false;
		}
		len = strlen(out);
	}
	json->type = jbvString;
	json->val.string.val = out;
	json->val.string.len = len;
	return true;
}

/* Writes a string value.  False if it cannot be text in this database. */
static bool
write_string(Writer *writer, const DdbSpan *span, Place place)
{
	JsonbValue json;

	if (writer->is_text)
	{
		append_scalar(writer, "", 0);
		return append_string(writer, span);
	}
	if (!make_string(writer, span, &json))
		return false;
	push_scalar(writer, &json, place);
	return true;
}

/*
 * Writes the name of a member; its value comes next.  False if it cannot be
 * text in this database.
 */
static bool
write_name(Writer *writer, const DdbSpan *span)
{
	JsonbValue json;

	if (writer->is_text)
	{
		append_scalar(writer, "", 0);
		writer->comma = false;
		if (!append_string(writer, span))
			return false;
		appendStringInfoString(&writer->text, ": ");
		return true;
	}
	if (!make_string(writer, span, &json))
		return false;
	writer->root = pushJsonbValue(&writer->state, WJB_KEY, &json);
	return true;
}

/*
 * Writes the number's canonical text to out.  Emulators may write 1.5 as
 * "01.50".  False with writer->reason set if it is not a number.
 */
static bool
canonical_number(Writer *writer, const DdbSpan *span, char *out, size_t *len)
{
	DdbDecimal decimal;

	writer->reason = "it holds a number that is none";
	if (span->escaped || !ddb_decimal_parse(span->data, span->len, &decimal) ||
		ddb_decimal_fit(&decimal) != DDB_DECIMAL_OK)
		return false;
	*len = ddb_decimal_canonical(&decimal, out);
	writer->reason = NULL;
	return true;
}

/*
 * Writes a number in its canonical form, with all its digits.  False if the
 * stored text is not a number.
 */
static bool
write_number(Writer *writer, const DdbSpan *span, Place place)
{
	char out[DDB_DECIMAL_BUFFER];
	size_t len;
	JsonbValue json;
	Datum number;

	if (!canonical_number(writer, span, out, &len))
		return false;
	if (writer->is_text)
	{
		append_scalar(writer, out, len);
		return true;
	}
	if (!ddb_number_small_numeric(out, len, &number))
		number = DirectFunctionCall3(numeric_in, CStringGetDatum(out),
									 ObjectIdGetDatum(InvalidOid),
									 Int32GetDatum(-1));
	json.type = jbvNumeric;
	json.val.numeric = DatumGetNumeric(number);
	push_scalar(writer, &json, place);
	return true;
}

/* ---- the walk ---- */

/* S, N or B, whose string was read. */
static bool
write_span(Writer *writer, DdbValueType type, const DdbSpan *span, Place place)
{
	if (type == DDB_VALUE_N && !writer->typed)
		return write_number(writer, span, place);
	return write_string(writer, span, place);
}

/*
 * Writes a set as an array, in the order in which it came.  False at the first
 * member that does not fit.
 */
static bool
write_set(Writer *writer, DdbJsonReader *reader, DdbValueType type)
{
	bool first = true;
	DdbValueType member = type == DDB_VALUE_NS ? DDB_VALUE_N : DDB_VALUE_S;
	DdbSpan span;

	begin(writer, false);
	(void) ddb_json_enter_array(reader);
	while (ddb_json_next_element(reader, &first))
		if (!ddb_json_string(reader, &span) ||
			!write_span(writer, member, &span, PLACE_ELEMENT))
			return false;
	end(writer, false);
	return reader->error == DDB_JSON_OK;
}

/*
 * Writes a list with values of any type, to any depth that the reader allows.
 */
static bool
write_list(Writer *writer, DdbJsonReader *reader)
{
	bool first = true;

	begin(writer, false);
	(void) ddb_json_enter_array(reader);
	while (ddb_json_next_element(reader, &first))
		if (!write_tagged(writer, reader, PLACE_ELEMENT))
			return false;
	end(writer, false);
	return reader->error == DDB_JSON_OK;
}

/* True if the overflow leaves out the attribute of this name. */
static bool
is_hidden(const DdbCodec *codec, const DdbSpan *name)
{
	for (int i = 0; i < codec->nhidden; i++)
		if (ddb_span_equals(name, codec->hidden[i], strlen(codec->hidden[i])))
			return true;
	return false;
}

/*
 * Writes a map or item.  Attributes that the overflow hides are left out at
 * the top level only.
 */
static bool
write_map(Writer *writer, DdbJsonReader *reader)
{
	const DdbCodec *hiding = writer->hiding;
	bool first = true;
	DdbSpan name;

	writer->hiding = NULL;
	begin(writer, true);
	(void) ddb_json_enter_object(reader);
	while (ddb_json_next_member(reader, &first, &name))
	{
		if (hiding != NULL && is_hidden(hiding, &name))
			(void) ddb_json_skip(reader);
		else if (!write_name(writer, &name) ||
				 !write_tagged(writer, reader, PLACE_MEMBER))
			return false;
	}
	end(writer, true);
	return reader->error == DDB_JSON_OK;
}

/*
 * Writes what follows the type tag.  An unknown type is a misfit: a document
 * cannot show it.
 */
static bool
write_payload(Writer *writer, DdbJsonReader *reader, DdbValueType type,
			  Place place)
{
	DdbSpan span;
	bool flag;

	switch (type)
	{
		case DDB_VALUE_S:
		case DDB_VALUE_N:
		case DDB_VALUE_B:
			return ddb_json_string(reader, &span) &&
				   write_span(writer, type, &span, place);
		case DDB_VALUE_BOOL:
		case DDB_VALUE_NULL:
			if (!ddb_json_bool(reader, &flag))
				return false;
			if (type == DDB_VALUE_NULL && !writer->typed)
				write_null(writer, place);
			else
				write_bool(writer, flag, place);
			return true;
		case DDB_VALUE_SS:
		case DDB_VALUE_NS:
		case DDB_VALUE_BS:
			return write_set(writer, reader, type);
		case DDB_VALUE_L:
			return write_list(writer, reader);
		case DDB_VALUE_M:
			return write_map(writer, reader);
		case DDB_VALUE_NONE:
			writer->reason = "it holds a value of a type that ddb_fdw does "
							 "not know";
			return false;
	}
	return false;
}

/*
 * Writes the value {"S": "..."} at the scanner's position.  False if it is not
 * exactly one member, or does not fit.
 */
static bool
write_tagged(Writer *writer, DdbJsonReader *reader, Place place)
{
	bool first = true;
	DdbSpan tag;

	if (!ddb_json_enter_object(reader) ||
		!ddb_json_next_member(reader, &first, &tag))
		return false;
	if (writer->typed)
		begin(writer, true);
	if (writer->typed && !write_name(writer, &tag))
		return false;
	if (!write_payload(writer, reader, ddb_attribute_type_from_tag(&tag),
					   writer->typed ? PLACE_MEMBER : place))
		return false;
	if (writer->typed)
		end(writer, true);
	/* Exactly one type. */
	return !ddb_json_next_member(reader, &first, &tag) &&
		   reader->error == DDB_JSON_OK;
}

/*
 * Writes a value that the page's walk has read already, without its type tag.
 */
static bool
write_read_value(Writer *writer, const DdbAttributeValue *value, Place place)
{
	DdbJsonReader reader;

	switch (value->type)
	{
		case DDB_VALUE_S:
		case DDB_VALUE_N:
		case DDB_VALUE_B:
			return write_span(writer, value->type, &value->span, place);
		case DDB_VALUE_BOOL:
			write_bool(writer, value->boolean, place);
			return true;
		default:
			ddb_json_init(&reader, value->span.data, value->span.len);
			return write_payload(writer, &reader, value->type, place);
	}
}

/*
 * Writes the whole value: plain, or wrapped in its type if the format is
 * dynamodb.  The members of an item carry their types themselves.
 */
static bool
write_value(Writer *writer, const DdbAttributeValue *value)
{
	const char *name = ddb_attribute_type_name(value->type);
	DdbSpan tag = {name, strlen(name), false};

	/* An item is no value, but has some. */
	if (!writer->typed || writer->is_item)
		return write_read_value(writer, value, PLACE_ROOT);
	begin(writer, true);
	if (!write_name(writer, &tag) ||
		!write_read_value(writer, value, PLACE_MEMBER))
		return false;
	end(writer, true);
	return true;
}

/*
 * Text is converted to the database's encoding at the end, in one go; jsonb
 * string by string.
 */
DdbDecodeResult
ddb_document_decode(const DdbCodec *codec, const DdbAttributeValue *value,
					Datum *datum, const char **reason)
{
	Writer writer = {0};
	char *text;

	writer.typed = codec->column->json_format == DDB_JSON_TYPED;
	writer.utf8_server = codec->utf8_server;
	writer.is_item = ddb_column_needs_item(codec->column);
	writer.hiding = codec->nhidden > 0 ? codec : NULL;
	writer.is_text = codec->column->base_typid != JSONBOID;
	if (writer.is_text)
		initStringInfo(&writer.text);
	if (!write_value(&writer, value))
	{
		*reason =
			writer.reason != NULL ? writer.reason : "it is not well-formed";
		return DDB_DECODE_MISFIT;
	}
	if (!writer.is_text)
	{
		*datum = JsonbPGetDatum(JsonbValueToJsonb(writer.root));
		return DDB_DECODE_OK;
	}
	text = ddb_soft_from_utf8(writer.text.data, writer.text.len);
	if (text == NULL)
	{
		*reason = DDB_SOFT_NO_EQUIVALENT;
		return DDB_DECODE_MISFIT;
	}
	*datum = CStringGetTextDatum(text);
	return DDB_DECODE_OK;
}
