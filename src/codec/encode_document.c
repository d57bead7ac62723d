/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_document.c
 *		Documents as attribute values.
 *
 * Plain: an object is a map, an array a list, or a set where the column says
 * so; strings are S.  Typed: each value says its type itself and is checked,
 * because DynamoDB would answer for the whole request that something in it is
 * wrong.  json is read as jsonb is: the last of equal names counts.
 */
#include "postgres.h"

#include "codec/encode_document.h"

#include "catalog/pg_type.h"
#include "codec/encode.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

/* DynamoDB nests no deeper, and has no longer names (dynamodb.md 2.1). */
#define MAX_DEPTH 32
#define MAX_NAME_BYTES 65535

typedef struct Writer
{
	StringInfo json;
	bool typed;
	int depth; /* of containers around what is written */
} Writer;

static void write_value(Writer *writer, const DdbWritePlace *place,
						const JsonbValue *value);

/* ---- taking documents apart ---- */

/*
 * The root of a json or jsonb value.  What is in it lives in the current
 * memory context.  Raises an error, with the column in its context, if json
 * cannot become jsonb.
 */
static JsonbValue
document_value(const DdbCodec *codec, const DdbWritePlace *place, Datum datum)
{
	JsonbValue value;
	Jsonb *jsonb;
	DdbPayloadContext context;

	ddb_payload_push_context(&context, place);
	if (codec->column->base_typid != JSONBOID)
		datum = DirectFunctionCall1(
			jsonb_in, CStringGetDatum(TextDatumGetCString(datum)));
	jsonb = DatumGetJsonbP(datum);
	ddb_payload_pop_context(&context);
	if (JB_ROOT_IS_SCALAR(jsonb) && JsonbExtractScalar(&jsonb->root, &value))
		return value;
	value.type = jbvBinary;
	value.val.binary.data = &jsonb->root;
	value.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	return value;
}

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		   JsonContainerIsObject(value->val.binary.data);
}

static bool
is_array(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		   JsonContainerIsArray(value->val.binary.data);
}

/*
 * The next member of an object; the iterator stands before it.  False at the
 * end.
 */
static bool
next_member(JsonbIterator **iterator, JsonbValue *name, JsonbValue *value)
{
	JsonbIteratorToken token;

	do
		token = JsonbIteratorNext(iterator, name, true);
	while (token == WJB_BEGIN_OBJECT);
	if (token != WJB_KEY)
		return false;
	(void) JsonbIteratorNext(iterator, value, true);
	return true;
}

/*
 * The next element of an array; the iterator stands before it.  False at the
 * end.
 */
static bool
next_element(JsonbIterator **iterator, JsonbValue *value)
{
	JsonbIteratorToken token;

	do
		token = JsonbIteratorNext(iterator, value, true);
	while (token == WJB_BEGIN_ARRAY);
	return token == WJB_ELEM;
}

static void
refuse_kind(const DdbWritePlace *place, const char *predicate, const char *hint)
{
	ddb_payload_refuse(place, ERRCODE_INVALID_PARAMETER_VALUE, predicate, hint);
}

/* ---- containers ---- */

/*
 * Counts a level of nesting.  Raises an error where DynamoDB's limit is
 * passed, before the value is sent.
 */
static void
enter(Writer *writer, const DdbWritePlace *place)
{
	check_stack_depth();
	if (++writer->depth > MAX_DEPTH)
		ddb_payload_refuse(place, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
						   "is nested deeper than the 32 levels that DynamoDB "
						   "takes",
						   NULL);
}

/*
 * The name of a member in UTF-8.  Raises an error if it is empty or too long,
 * which DynamoDB refuses at any depth.
 */
static DdbPayload
name_payload(const DdbWritePlace *place, const JsonbValue *name)
{
	DdbPayload payload =
		ddb_payload_text(place, name->val.string.val, name->val.string.len);

	if (payload.len == 0)
		refuse_kind(place, "has a member whose name is empty", NULL);
	if (payload.len > MAX_NAME_BYTES)
		refuse_kind(place, "has a member whose name is longer than 65535 bytes",
					NULL);
	return payload;
}

/* Writes an object as M. Errors below it name the member by its path. */
static void
write_map(Writer *writer, const DdbWritePlace *place, const JsonbValue *object)
{
	JsonbIterator *iterator = JsonbIteratorInit(object->val.binary.data);
	JsonbValue name;
	JsonbValue value;
	const char *separator = "";

	enter(writer, place);
	appendStringInfoString(writer->json, "{\"M\":{");
	while (next_member(&iterator, &name, &value))
	{
		DdbWritePlace inside = ddb_payload_inside(place, name.val.string.val,
												  name.val.string.len, 0);

		appendStringInfoString(writer->json, separator);
		ddb_payload_append_string(writer->json, name_payload(place, &name));
		appendStringInfoChar(writer->json, ':');
		write_value(writer, &inside, &value);
		separator = ",";
	}
	appendStringInfoString(writer->json, "}}");
	writer->depth--;
}

/* Writes an array as L. NULL elements become DynamoDB's NULL. */
static void
write_list(Writer *writer, const DdbWritePlace *place, const JsonbValue *array)
{
	JsonbIterator *iterator = JsonbIteratorInit(array->val.binary.data);
	JsonbValue value;

	enter(writer, place);
	appendStringInfoString(writer->json, "{\"L\":[");
	for (int i = 0; next_element(&iterator, &value); i++)
	{
		DdbWritePlace inside = ddb_payload_inside(place, NULL, 0, i);

		if (i > 0)
			appendStringInfoChar(writer->json, ',');
		write_value(writer, &inside, &value);
	}
	appendStringInfoString(writer->json, "]}");
	writer->depth--;
}

/* ---- scalars and sets ---- */

/* The payload of a JSON string.  Raises an error for any other JSON value. */
static DdbPayload
string_payload(const DdbWritePlace *place, const JsonbValue *value)
{
	if (value->type != jbvString)
		refuse_kind(place, "is not a string", NULL);
	return ddb_payload_text(place, value->val.string.val,
							value->val.string.len);
}

/*
 * The payload of bytes, which JSON has as a string of base64.  Raises an error
 * for anything else.
 */
static DdbPayload
base64_payload(const DdbWritePlace *place, const JsonbValue *value)
{
	if (value->type != jbvString)
		refuse_kind(place, "is not a string of bytes in base64", NULL);
	return ddb_payload_base64(place, value->val.string.val,
							  value->val.string.len);
}

/* The payload of a JSON number.  Raises an error for any other JSON value. */
static DdbPayload
plain_number_payload(const DdbWritePlace *place, const JsonbValue *value)
{
	char *text;

	if (value->type != jbvNumeric)
		refuse_kind(place, "is not a number", NULL);
	text = DatumGetCString(
		DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	return ddb_payload_number(place, text, strlen(text),
							  ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE);
}

/* The payload of {"N": "1.5"}, which must be a string that holds a number. */
static DdbPayload
typed_number_payload(const DdbWritePlace *place, const JsonbValue *value)
{
	if (value->type != jbvString)
		refuse_kind(place, "is not a string, as typed numbers are",
					"Put the number in quotes: {\"N\": \"1.5\"}.");
	return ddb_payload_number(place, value->val.string.val,
							  value->val.string.len,
							  ERRCODE_INVALID_PARAMETER_VALUE);
}

/*
 * The payload of a scalar, or of a set's member, of this type.  Numbers are
 * strings where the format has types.
 */
static DdbPayload
member_payload(const Writer *writer, const DdbWritePlace *place,
			   DdbStoredType type, const JsonbValue *value)
{
	switch (type)
	{
		case DDB_STORED_B:
		case DDB_STORED_BS:
			return base64_payload(place, value);
		case DDB_STORED_N:
		case DDB_STORED_NS:
			return writer->typed ? typed_number_payload(place, value)
								 : plain_number_payload(place, value);
		default:
			return string_payload(place, value);
	}
}

/*
 * Writes an array as a set of this type.  Raises an error for members of
 * another type, for an empty array, and for equal members.
 */
static void
write_set(Writer *writer, const DdbWritePlace *place, DdbStoredType type,
		  const JsonbValue *array)
{
	JsonbContainer *container = array->val.binary.data;
	JsonbIterator *iterator = JsonbIteratorInit(container);
	DdbPayload *members =
		palloc(sizeof(DdbPayload) * Max(JsonContainerSize(container), 1));
	JsonbValue value;
	int n;

	for (n = 0; next_element(&iterator, &value); n++)
	{
		DdbWritePlace inside = ddb_payload_inside(place, NULL, 0, n);

		members[n] = member_payload(writer, &inside, type, &value);
	}
	ddb_payload_append_set(writer->json, place, type, members, n);
}

static void
write_null(Writer *writer)
{
	appendStringInfoString(writer->json, "{\"NULL\":true}");
}

static void
write_bool(Writer *writer, bool value)
{
	appendStringInfo(writer->json, "{\"BOOL\":%s}", value ? "true" : "false");
}

/* ---- plain ---- */

/*
 * Writes plain JSON as the type that fits each value best: M, L, S, N, BOOL or
 * NULL.
 */
static void
write_plain(Writer *writer, const DdbWritePlace *place, const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			write_null(writer);
			break;
		case jbvBool:
			write_bool(writer, value->val.boolean);
			break;
		case jbvString:
			ddb_payload_append(writer->json, DDB_STORED_S,
							   string_payload(place, value));
			break;
		case jbvNumeric:
			ddb_payload_append(writer->json, DDB_STORED_N,
							   plain_number_payload(place, value));
			break;
		default:
			if (is_object(value))
				write_map(writer, place, value);
			else
				write_list(writer, place, value);
			break;
	}
}

/*
 * Writes the whole value of a column that holds nothing but maps, lists or
 * sets of one type.  Raises an error for another kind of value.
 */
static void
write_plain_root(Writer *writer, const DdbWritePlace *place, DdbStoredType type,
				 const JsonbValue *value)
{
	bool is_set =
		type == DDB_STORED_SS || type == DDB_STORED_NS || type == DDB_STORED_BS;

	if (type == DDB_STORED_M && !is_object(value))
		refuse_kind(place,
					"is not a JSON object, which the column's type M requires",
					NULL);
	if ((is_set || type == DDB_STORED_L) && !is_array(value))
		refuse_kind(
			place,
			psprintf("is not a JSON array, which the column's type %s requires",
					 ddb_stored_type_name(type)),
			NULL);
	if (is_set)
		write_set(writer, place, type, value);
	else
		write_plain(writer, place, value);
}

/* ---- typed ---- */

/* Raises the error of a value without a type, with examples in its hint. */
static void
refuse_untyped(const DdbWritePlace *place)
{
	refuse_kind(place, "does not say its DynamoDB type",
				"With format \"dynamodb\" each value is an object of one "
				"member, such as {\"S\": \"text\"}, {\"N\": \"1.5\"}, "
				"{\"BOOL\": true} or {\"L\": []}.");
}

/*
 * The type that the only member of a value is named by, and the member's value
 * in *payload.  Raises an error if the value is not of that form.
 */
static DdbStoredType
read_tag(const DdbWritePlace *place, const JsonbValue *value,
		 JsonbValue *payload)
{
	JsonbIterator *iterator;
	JsonbValue name;
	DdbSpan tag = {0};
	DdbValueType type;

	if (!is_object(value) || JsonContainerSize(value->val.binary.data) != 1)
		refuse_untyped(place);
	iterator = JsonbIteratorInit(value->val.binary.data);
	(void) next_member(&iterator, &name, payload);
	tag.data = name.val.string.val;
	tag.len = (uint32_t) name.val.string.len;
	type = ddb_attribute_type_from_tag(&tag);
	if (type == DDB_VALUE_NONE)
		refuse_untyped(place);
	return (DdbStoredType) type;
}

/*
 * Writes a typed BOOL or NULL. Raises an error unless the payload is what that
 * type can hold.
 */
static void
write_typed_flag(Writer *writer, const DdbWritePlace *place, DdbStoredType type,
				 const JsonbValue *payload)
{
	if (payload->type != jbvBool ||
		(type == DDB_STORED_NULL && !payload->val.boolean))
		refuse_kind(place,
					type == DDB_STORED_NULL
						? "is of type NULL, but not {\"NULL\": true}"
						: "is of type BOOL, but neither true nor false",
					NULL);
	if (type == DDB_STORED_NULL)
		write_null(writer);
	else
		write_bool(writer, payload->val.boolean);
}

/*
 * Writes a map, a list or a set.  Raises an error if the payload is not the
 * JSON that such a type has.
 */
static void
write_typed_container(Writer *writer, const DdbWritePlace *place,
					  DdbStoredType type, const JsonbValue *payload)
{
	if (type == DDB_STORED_M ? !is_object(payload) : !is_array(payload))
		refuse_kind(place,
					psprintf("is of type %s, but not a JSON %s",
							 ddb_stored_type_name(type),
							 type == DDB_STORED_M ? "object" : "array"),
					NULL);
	if (type == DDB_STORED_M)
		write_map(writer, place, payload);
	else if (type == DDB_STORED_L)
		write_list(writer, place, payload);
	else
		write_set(writer, place, type, payload);
}

/*
 * Writes a value whose type its tag has said.  The payload is checked against
 * the type, as DynamoDB would do.
 */
static void
write_typed(Writer *writer, const DdbWritePlace *place, DdbStoredType type,
			const JsonbValue *payload)
{
	switch (type)
	{
		case DDB_STORED_S:
		case DDB_STORED_N:
		case DDB_STORED_B:
			ddb_payload_append(writer->json, type,
							   member_payload(writer, place, type, payload));
			break;
		case DDB_STORED_BOOL:
		case DDB_STORED_NULL:
			write_typed_flag(writer, place, type, payload);
			break;
		default:
			write_typed_container(writer, place, type, payload);
			break;
	}
}

/*
 * Writes a typed value that the column must be able to take.  Raises an error
 * if its tag is another type than the column's.
 */
static void
write_typed_root(Writer *writer, const DdbWritePlace *place,
				 DdbStoredType wanted, const JsonbValue *value)
{
	JsonbValue payload;
	DdbStoredType type = read_tag(place, value, &payload);

	if (wanted != DDB_STORED_ANY && type != wanted)
		refuse_kind(place,
					psprintf("is of type %s; the column takes %s",
							 ddb_stored_type_name(type),
							 ddb_stored_type_name(wanted)),
					NULL);
	write_typed(writer, place, type, &payload);
}

/* ---- documents ---- */

/* Inside a document, where any type may stand. */
static void
write_value(Writer *writer, const DdbWritePlace *place, const JsonbValue *value)
{
	if (writer->typed)
		write_typed_root(writer, place, DDB_STORED_ANY, value);
	else
		write_plain(writer, place, value);
}

/*
 * Takes json as well as jsonb.  Raises an error if the value would not be read
 * back as it is.
 */
void
ddb_document_encode(const DdbCodec *codec, const DdbWritePlace *place,
					Datum datum, StringInfo json)
{
	Writer writer = {.json = json,
					 .typed = codec->column->json_format == DDB_JSON_TYPED};
	JsonbValue value = document_value(codec, place, datum);

	if (writer.typed)
		write_typed_root(&writer, place, codec->stored, &value);
	else
		write_plain_root(&writer, place, codec->stored, &value);
}

/*
 * Raises an error if a member of the overflow has the name of an attribute
 * with a column of its own.  It would not be shown when it is read.
 */
static void
check_shown(const DdbCodec *codec, const DdbWritePlace *place, DdbPayload name)
{
	for (int i = 0; i < codec->nhidden; i++)
		if ((int) strlen(codec->hidden[i]) == name.len &&
			memcmp(codec->hidden[i], name.data, name.len) == 0)
			refuse_kind(place,
						"is of an attribute that has a column of its own",
						"Give the value to that column.");
}

/*
 * Names and values are valid only during the callback.  Raises an error if the
 * value is not an object.
 */
void
ddb_document_members(DdbCodec *codec, const DdbRelation *relation, Datum datum,
					 DdbMemberCallback callback, void *arg)
{
	DdbWritePlace place = ddb_payload_place(relation, codec->column);
	JsonbValue item = document_value(codec, &place, datum);
	StringInfoData json;
	Writer writer = {.json = &json,
					 .typed = codec->column->json_format == DDB_JSON_TYPED};
	JsonbIterator *iterator;
	JsonbValue name;
	JsonbValue value;

	if (!is_object(&item))
		refuse_kind(&place, "is not a JSON object, as items are", NULL);
	initStringInfo(&json);
	iterator = JsonbIteratorInit(item.val.binary.data);
	while (next_member(&iterator, &name, &value))
	{
		DdbWritePlace inside = ddb_payload_inside(&place, name.val.string.val,
												  name.val.string.len, 0);
		DdbPayload attribute = name_payload(&place, &name);

		check_shown(codec, &inside, attribute);
		resetStringInfo(&json);
		write_value(&writer, &inside, &value);
		callback(arg, attribute.data, attribute.len, json.data, json.len);
	}
}
