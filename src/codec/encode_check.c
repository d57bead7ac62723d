/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_check.c
 *		Pieces of attribute values as requests hold them.
 *
 * Strict where DynamoDB is lenient or says little: one spelling of a number,
 * whole base64, no value twice in a set.
 */
#include "postgres.h"

#include "codec/encode_check.h"

#include "codec/json_text.h"
#include "compat.h"
#include "mb/pg_wchar.h"

/* As much of a bad value as a message shows. */
#define SHOWN_BYTES 60

DdbWritePlace
ddb_payload_place(const DdbRelation *relation, const DdbColumn *column)
{
	DdbWritePlace place = {.relation = relation, .column = column};

	return place;
}

/*
 * The new place points to the outer one, which must live as long. name is not
 * copied.
 */
DdbWritePlace
ddb_payload_inside(const DdbWritePlace *place, const char *name, int len,
				   int position)
{
	DdbWritePlace inside = {
		.parent = place,
		.relation = place->relation,
		.column = place->column,
		.name = name,
		.name_len = len,
		.position = position,
	};

	return inside;
}

/*
 * Appends the path inside the value as option "attribute" spells paths, such
 * as a.b[0]. Long names are shortened.
 */
static void
append_path(StringInfo path, const DdbWritePlace *place)
{
	if (place->parent == NULL || place->is_array)
		return;
	append_path(path, place->parent);
	if (place->name == NULL)
		appendStringInfo(path, "[%d]", place->position);
	else
		appendStringInfo(
			path, "%s%.*s", path->len > 0 ? "." : "",
			pg_mbcliplen(place->name, place->name_len, SHOWN_BYTES),
			place->name);
}

/*
 * The place of the array element that the place lies in; NULL if there is
 * none.
 */
static const DdbWritePlace *
array_element(const DdbWritePlace *place)
{
	while (place != NULL && !place->is_array)
		place = place->parent;
	return place;
}

/*
 * How an error's DETAIL begins: "The value", "Element 2", or "The value at
 * a.b[0] of element 2".  Static or palloc'd.
 */
static const char *
subject(const DdbWritePlace *place)
{
	const DdbWritePlace *element = array_element(place);
	StringInfoData path;

	initStringInfo(&path);
	append_path(&path, place);
	if (path.len == 0)
		return element == NULL ? "The value"
							   : psprintf("Element %d", element->position + 1);
	return element == NULL ? psprintf("The value at %s", path.data)
						   : psprintf("The value at %s of element %d",
									  path.data, element->position + 1);
}

/*
 * Never returns.  The subject names the element of an array and the path
 * inside a document.
 */
void
ddb_payload_refuse(const DdbWritePlace *place, int sqlstate,
				   const char *predicate, const char *hint)
{
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("cannot store the value of column \"%s\" of foreign table "
					"%s in DynamoDB",
					place->column->name, place->relation->name),
			 errdetail("%s %s.", subject(place), predicate),
			 hint != NULL ? errhint("%s", hint) : 0));
	pg_unreachable();
}

/*
 * Error context callback, for errors of conversions that do not know the
 * column.
 */
static void
name_column(void *arg)
{
	const DdbWritePlace *place = (const DdbWritePlace *) arg;

	errcontext("storing a value of column \"%s\" of foreign table %s",
			   place->column->name, place->relation->name);
}

/* place and context must live until the context is popped. */
void
ddb_payload_push_context(DdbPayloadContext *context, const DdbWritePlace *place)
{
	context->callback.callback = name_column;
	context->callback.arg = unconstify(DdbWritePlace *, place);
	context->callback.previous = error_context_stack;
	error_context_stack = &context->callback;
}

void
ddb_payload_pop_context(DdbPayloadContext *context)
{
	error_context_stack = context->callback.previous;
}

/*
 * Converts to UTF-8.  A character that cannot be converted raises PostgreSQL's
 * error, with the column in its context.
 */
DdbPayload
ddb_payload_text(const DdbWritePlace *place, const char *text, int len)
{
	DdbPayload payload = {text, len};
	DdbPayloadContext context;

	if (GetDatabaseEncoding() == PG_UTF8)
		return payload;
	ddb_payload_push_context(&context, place);
	payload.data = pg_server_to_any(text, len, PG_UTF8);
	ddb_payload_pop_context(&context);
	if (payload.data != text)
		payload.len = (int) strlen(payload.data);
	return payload;
}

/*
 * Raises the error of a number that DynamoDB would not keep, as fit says why.
 * Never returns.
 */
static void
refuse_number(const DdbWritePlace *place, DdbDecimalFit fit)
{
	if (fit == DDB_DECIMAL_TOO_PRECISE)
		ddb_payload_refuse(place, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
						   "has more than 38 significant digits",
						   "Round the value: DynamoDB numbers have at most 38 "
						   "significant digits.");
	ddb_payload_refuse(
		place, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
		fit == DDB_DECIMAL_OVERFLOW ? "has a magnitude of 1E126 or more"
									: "has a magnitude below 1E-130",
		"Magnitudes of DynamoDB numbers range from 1E-130 to 9.99E+125.");
}

/*
 * The text is palloc'd.  Raises an error as well if the number has too many
 * digits, or too large or small a magnitude.
 */
DdbPayload
ddb_payload_number(const DdbWritePlace *place, const char *text, size_t len,
				   int bad_sqlstate)
{
	DdbDecimal decimal;
	DdbDecimalFit fit;
	char *out = palloc(DDB_DECIMAL_BUFFER);
	DdbPayload payload = {out, 0};

	if (!ddb_decimal_parse(text, len, &decimal))
		ddb_payload_refuse(
			place, bad_sqlstate,
			psprintf("is \"%.*s\", which is not a DynamoDB number",
					 pg_mbcliplen(text, (int) len, SHOWN_BYTES), text),
			NULL);
	fit = ddb_decimal_fit(&decimal);
	if (fit != DDB_DECIMAL_OK)
		refuse_number(place, fit);
	payload.len = (int) ddb_decimal_canonical(&decimal, out);
	return payload;
}

/* The base64 is palloc'd. */
DdbPayload
ddb_payload_bytes(const char *bytes, int len)
{
	int room = pg_b64_enc_len(len) + 1;
	char *out = palloc(room);
	DdbPayload payload = {out, ddb_compat_b64_encode(bytes, len, out, room)};

	if (payload.len < 0)
		elog(ERROR, "could not encode %d bytes as base64", len);
	return payload;
}

/*
 * True for the standard alphabet, padded to whole groups of four, with nothing
 * in between.
 */
static bool
is_base64(const char *text, int len)
{
	int padding = 0;

	if (len % 4 != 0)
		return false;
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	for (int i = 0; i < len - padding; i++)
	{
		char c = text[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			  (c >= '0' && c <= '9') || c == '+' || c == '/'))
			return false;
	}
	return true;
}

/*
 * Decodes and encodes again, so that equal values have equal payloads.  Raises
 * an error if text is not base64.
 */
DdbPayload
ddb_payload_base64(const DdbWritePlace *place, const char *text, int len)
{
	int room = pg_b64_dec_len(len) + 1;
	char *bytes = palloc(room);
	int size = -1;

	if (is_base64(text, len))
		size = ddb_compat_b64_decode(text, len, bytes, room);
	if (size < 0)
		ddb_payload_refuse(
			place, ERRCODE_INVALID_PARAMETER_VALUE,
			"is not base64 in the standard alphabet with padding", NULL);
	return ddb_payload_bytes(bytes, size);
}

void
ddb_payload_append_string(StringInfo json, DdbPayload payload)
{
	ddb_json_append_string(json, payload.data, payload.len);
}

void
ddb_payload_append(StringInfo json, DdbStoredType type, DdbPayload payload)
{
	appendStringInfo(json, "{\"%s\":", ddb_stored_type_name(type));
	ddb_payload_append_string(json, payload);
	appendStringInfoChar(json, '}');
}

/*
 * Order by bytes, then by length, for qsort(): it only has to bring equal ones
 * together.
 */
static int
compare_payloads(const void *a, const void *b)
{
	const DdbPayload *left = (const DdbPayload *) a;
	const DdbPayload *right = (const DdbPayload *) b;
	int order =
		memcmp(left->data, right->data, (size_t) Min(left->len, right->len));

	return order != 0 ? order : left->len - right->len;
}

/*
 * Raises an error if two members are equal.  Equal values have equal payloads,
 * numbers and bytes too.
 */
static void
check_unique(const DdbWritePlace *place, const DdbPayload *members, int n)
{
	DdbPayload *sorted = palloc(sizeof(DdbPayload) * n);

	memcpy(sorted, members, sizeof(DdbPayload) * n);
	qsort(sorted, n, sizeof(DdbPayload), compare_payloads);
	for (int i = 1; i < n; i++)
		if (compare_payloads(&sorted[i - 1], &sorted[i]) == 0)
			ddb_payload_refuse(
				place, ERRCODE_INVALID_PARAMETER_VALUE,
				"contains a value twice, which a DynamoDB set does not allow",
				"Leave one of them out, or store a list (type L).");
	pfree(sorted);
}

/*
 * Raises an error for an empty set, and for members that are equal; members
 * are compared in their stored form.
 */
void
ddb_payload_append_set(StringInfo json, const DdbWritePlace *place,
					   DdbStoredType type, const DdbPayload *members, int n)
{
	if (n == 0)
		ddb_payload_refuse(place, ERRCODE_INVALID_PARAMETER_VALUE,
						   "is empty, which a DynamoDB set cannot be",
						   "Use NULL, or store a list (type L).");
	check_unique(place, members, n);
	appendStringInfo(json, "{\"%s\":[", ddb_stored_type_name(type));
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		ddb_payload_append_string(json, members[i]);
	}
	appendStringInfoString(json, "]}");
}
