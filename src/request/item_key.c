/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_key.c
 *		Keys of items as replies hold them.
 *
 * Strings without their escapes, numbers in their canonical text, binary
 * decoded: emulators send numbers as they were written, and nobody promises that
 * two operations escape alike.
 */
#include "postgres.h"

#include "request/item_key.h"

#include "common/base64.h"
#include "compat.h"
#include "format/decimal.h"
#include "format/json_reader.h"
#include "lib/stringinfo.h"
#include "request/reply_shape.h"

bool
ddb_item_key_value(const DdbAttributeValue *value, DdbStoredValue *stored)
{
	char *text = palloc(Max(value->span.len, DDB_DECIMAL_BUFFER) + 1);
	size_t len = value->span.len;
	int room;
	DdbDecimal decimal;

	memcpy(text, value->span.data, len);
	if (value->span.escaped &&
		ddb_json_unescape(&value->span, text, &len) > DDB_UNESCAPE_NUL)
		return false;
	stored->place = DDB_PLACE_EXACT;
	stored->data = text;
	stored->len = (int) len;
	switch (value->type)
	{
		case DDB_VALUE_S:
			stored->type = DDB_STORED_S;
			return true;
		case DDB_VALUE_N:
			stored->type = DDB_STORED_N;
			if (!ddb_decimal_parse(pnstrdup(text, len), len, &decimal) ||
				ddb_decimal_fit(&decimal) != DDB_DECIMAL_OK)
				return false;
			stored->len = (int) ddb_decimal_canonical(&decimal, text);
			return true;
		case DDB_VALUE_B:
			stored->type = DDB_STORED_B;
			room = pg_b64_dec_len((int) len) + 1;
			stored->data = palloc(room);
			stored->len =
				ddb_compat_b64_decode(text, (int) len, stored->data, room);
			return stored->len >= 0;
		default:
			return false;
	}
}

/* True if the value is spelled as the only one that the range holds. */
static bool
is_spelled_so(const DdbKeyRange *range, const DdbAttributeValue *value)
{
	return (value->type == DDB_VALUE_S || value->type == DDB_VALUE_N) &&
		   !value->span.escaped && range->lower.len == (int) value->span.len &&
		   memcmp(range->lower.data, value->span.data, value->span.len) == 0;
}

bool
ddb_item_key_in_range(const DdbKeyRange *range, const DdbAttributeValue *value)
{
	DdbStoredValue stored;
	DdbStoredType type = range->has_lower   ? range->lower.type
						 : range->has_upper ? range->upper.type
											: DDB_STORED_NONE;

	/* What is asked for a little wider is checked by its conditions. */
	if (type == DDB_STORED_NONE || range->recheck)
		return true;
	if ((type == DDB_STORED_S) != (value->type == DDB_VALUE_S))
		return false;
	if (ddb_key_range_is_value(range) && is_spelled_so(range, value))
		return true;
	return ddb_item_key_value(value, &stored) && stored.type == type &&
		   ddb_key_range_holds(range, &stored);
}

/* ---- what a batch leaves ---- */

/* The number of the key's attribute of this name; -1: none. */
static int
find_attribute(const DdbKeySchema *keys, const DdbSpan *name)
{
	for (int i = 0; i < keys->n; i++)
		if (ddb_span_equals(name, keys->attributes[i].name,
							strlen(keys->attributes[i].name)))
			return i;
	return -1;
}

/*
 * The key of the object at the scanner's position, an item or a key, as text
 * that is equal when keys are; NULL if it has none.
 */
static char *
read_key(DdbJsonReader *json, const DdbKeySchema *keys)
{
	char *parts[DDB_MAX_KEY_ATTRIBUTES] = {NULL};
	StringInfoData key;
	bool first = true;
	DdbSpan name;

	if (!ddb_json_enter_object(json))
		return NULL;
	while (ddb_json_next_member(json, &first, &name))
	{
		int i = find_attribute(keys, &name);
		DdbAttributeValue value;
		DdbStoredValue stored;

		if (i < 0)
			(void) ddb_json_skip(json);
		else if (ddb_attribute_read(json, &value) &&
				 ddb_item_key_value(&value, &stored))
		{
			StringInfoData part;

			initStringInfo(&part);
			appendStringInfo(&part, "%d:%d:", (int) stored.type, stored.len);
			for (int j = 0; j < stored.len; j++)
				appendStringInfo(&part, "%02x", (unsigned char) stored.data[j]);
			parts[i] = part.data;
		}
	}
	initStringInfo(&key);
	for (int i = 0; i < keys->n; i++)
	{
		if (parts[i] == NULL)
			return NULL;
		appendStringInfoString(&key, parts[i]);
	}
	return json->error == DDB_JSON_OK ? key.data : NULL;
}

/*
 * The key of an element of a batch: a key itself, or of writes {"PutRequest":
 * {"Item": …}} or {"DeleteRequest": {"Key": …}}.  NULL if it is something else.
 */
static char *
read_element(DdbJsonReader *json, const DdbKeySchema *keys, bool is_write)
{
	bool first = true;
	bool first_inner = true;
	DdbSpan name;
	char *key = NULL;

	if (!is_write)
		return read_key(json, keys);
	if (!ddb_json_enter_object(json) ||
		!ddb_json_next_member(json, &first, &name) ||
		!ddb_json_enter_object(json))
		return NULL;
	while (ddb_json_next_member(json, &first_inner, &name))
		if (ddb_span_equals(&name, "Item", 4) ||
			ddb_span_equals(&name, "Key", 3))
			key = read_key(json, keys);
		else
			(void) ddb_json_skip(json);
	/* There is one request in it. */
	return ddb_json_next_member(json, &first, &name) ? NULL : key;
}

/* Appends the keys of a list to *found; false if one cannot be understood. */
static bool
read_list(DdbJsonReader *json, const DdbKeySchema *keys, bool is_write,
		  List **found)
{
	bool first = true;

	if (ddb_json_peek(json) != DDB_JSON_ARRAY || !ddb_json_enter_array(json))
		return false;
	while (ddb_json_next_element(json, &first))
	{
		char *key = ddb_json_peek(json) == DDB_JSON_OBJECT
						? read_element(json, keys, is_write)
						: NULL;

		if (key == NULL)
			return false;
		*found = lappend(*found, key);
	}
	return json->error == DDB_JSON_OK;
}

/*
 * {"table": {"Keys": [key, …], …}} or {"table": [request, …]}: their keys.
 * False if it is something else, or of several tables.
 */
static bool
read_tables(DdbJsonReader *json, const DdbKeySchema *keys, List **found)
{
	bool first = true;
	bool first_inner = true;
	bool ok = false;
	DdbSpan name;

	if (!ddb_json_enter_object(json) ||
		!ddb_json_next_member(json, &first, &name))
		return false;
	if (ddb_json_peek(json) == DDB_JSON_ARRAY)
		ok = read_list(json, keys, true, found);
	else if (ddb_json_peek(json) == DDB_JSON_OBJECT &&
			 ddb_json_enter_object(json))
	{
		while (ddb_json_next_member(json, &first_inner, &name))
			if (!ddb_span_equals(&name, "Keys", 4))
				(void) ddb_json_skip(json);
			else if (!(ok = read_list(json, keys, false, found)))
				return false;
	}
	return ok && !ddb_json_next_member(json, &first, &name) &&
		   json->error == DDB_JSON_OK;
}

/* The same of a copy of the text, or of the RequestItems in it. */
static bool
read_batch(const char *text, int len, const DdbKeySchema *keys, List **found)
{
	char *padded = palloc0(len + DDB_JSON_PADDING);
	DdbJsonReader json;
	bool first = true;
	DdbSpan name;

	memcpy(padded, text, len);
	ddb_json_init(&json, padded, len);
	if (!ddb_json_enter_object(&json) ||
		!ddb_json_next_member(&json, &first, &name))
		return false;
	if (ddb_span_equals(&name, "RequestItems", 12) &&
		ddb_json_peek(&json) == DDB_JSON_OBJECT)
	{
		DdbJsonReader inner = json;

		if (read_tables(&inner, keys, found))
			return true;
		*found = NIL;
	}
	ddb_json_init(&json, padded, len);
	return read_tables(&json, keys, found);
}

/* Each can be left once. */
static bool
take_key(List **sent, const char *key)
{
	ListCell *lc;

	foreach (lc, *sent)
		if (strcmp((char *) lfirst(lc), key) == 0)
		{
			*sent = foreach_delete_current(*sent, lc);
			return true;
		}
	return false;
}

int
ddb_item_key_count_left(const char *sent, int sent_len, const char *left,
						int left_len, const DdbKeySchema *keys,
						const char *table_name)
{
	List *keys_sent = NIL;
	List *keys_left = NIL;
	ListCell *lc;

	if (!read_batch(left, left_len, keys, &keys_left))
		ddb_reply_raise_malformed(table_name,
								  "what is unprocessed is no part of a batch");
	if (!read_batch(sent, sent_len, keys, &keys_sent))
		elog(ERROR, "could not read a batch that was sent");
	foreach (lc, keys_left)
		if (!take_key(&keys_sent, (char *) lfirst(lc)))
			ddb_reply_raise_malformed(
				table_name, "it leaves unprocessed what was not sent");
	return list_length(keys_left);
}
