/* SPDX-License-Identifier: PostgreSQL */
/*
 * write_reply.c
 *		What DynamoDB says about a write: units, items, what is left to do.
 *
 * Nothing is copied, and nothing of an item is looked into: who wants it reads
 * it as any other item.  That a write was applied must not be concluded from
 * something that is no reply to a write, so everything is checked.
 */
#include "postgres.h"

#include "request/write_reply.h"

#include "format/json_reader.h"
#include "request/reply_shape.h"

/*
 * The span of an object, unless it is empty: an item has a key, and what is
 * unprocessed a table.  Met twice: which is meant?
 */
static void
read_object(DdbJsonReader *json, const char **object, int *len)
{
	DdbSpan span;

	if (ddb_json_peek(json) == DDB_JSON_NULL)
	{
		(void) ddb_json_skip(json);
		return;
	}
	if (ddb_json_peek(json) != DDB_JSON_OBJECT || *object != NULL)
	{
		if (json->error == DDB_JSON_OK)
			json->error = DDB_JSON_WRONG_KIND;
		return;
	}
	if (ddb_json_skip_span(json, &span) &&
		memchr(span.data, '"', span.len) != NULL)
	{
		*object = span.data;
		*len = (int) span.len;
	}
}

/* [{"Code": "…", "Item": {…}}]: of the one action there is, what it met. */
static void
read_reasons(DdbWriteReply *reply, DdbJsonReader *json)
{
	bool first = true;

	if (ddb_json_peek(json) != DDB_JSON_ARRAY)
	{
		(void) ddb_json_skip(json);
		return;
	}
	(void) ddb_json_enter_array(json);
	while (ddb_json_next_element(json, &first))
	{
		bool first_member = true;
		DdbSpan key;

		if (ddb_json_peek(json) != DDB_JSON_OBJECT)
		{
			(void) ddb_json_skip(json);
			continue;
		}
		(void) ddb_json_enter_object(json);
		while (ddb_json_next_member(json, &first_member, &key))
			if (ddb_span_equals(&key, "Item", 4))
				read_object(json, &reply->item, &reply->item_len);
			else
				(void) ddb_json_skip(json);
	}
}

/*
 * Reads one member of a reply into *reply, or skips it.  True if it is the
 * member that only errors have.
 */
static bool
read_member(DdbWriteReply *reply, DdbJsonReader *json, const DdbSpan *key)
{
	if (ddb_span_equals(key, "ConsumedCapacity", 16))
		reply->units += ddb_reply_read_capacity(json, &reply->read_units);
	else if (ddb_span_equals(key, "CancellationReasons", 19))
		read_reasons(reply, json);
	else if (ddb_span_equals(key, "Attributes", 10) ||
			 ddb_span_equals(key, "Item", 4))
		read_object(json, &reply->item, &reply->item_len);
	else if (ddb_span_equals(key, "UnprocessedItems", 16))
		read_object(json, &reply->unprocessed, &reply->unprocessed_len);
	else
	{
		(void) ddb_json_skip(json);
		return ddb_span_equals(key, "__type", 6);
	}
	return false;
}

/*
 * Reads a reply's members into *reply, which points into body.  Raises an
 * error unless the body is one whole JSON object of the kind that its status
 * promises.
 */
static void
read_body(DdbWriteReply *reply, const char *body, size_t len, bool is_error,
		  const char *table_name)
{
	DdbJsonReader json;
	bool first = true;
	bool has_type = false;
	DdbSpan key;

	memset(reply, 0, sizeof(*reply));
	if (!ddb_json_valid_utf8(body, len))
		ddb_reply_raise_malformed(table_name, "it is not valid UTF-8");
	ddb_json_init(&json, body, len);
	if (ddb_json_enter_object(&json))
	{
		while (ddb_json_next_member(&json, &first, &key))
			has_type |= read_member(reply, &json, &key);
	}
	if (json.error == DDB_JSON_OK)
		(void) ddb_json_finish(&json);
	if (json.error != DDB_JSON_OK)
		ddb_reply_raise_malformed(table_name,
								  psprintf("%s at byte %zu",
										   ddb_json_error_text(json.error),
										   (size_t) (json.pos - body)));
	if (has_type && !is_error)
		ddb_reply_raise_malformed(table_name,
								  "it holds an error under a success status");
}

void
ddb_write_reply_read(DdbWriteReply *reply, const char *body, size_t len,
					 const char *table_name)
{
	read_body(reply, body, len, false, table_name);
}

void
ddb_write_reply_read_error(DdbWriteReply *reply, const char *body, size_t len,
						   const char *table_name)
{
	read_body(reply, body, len, true, table_name);
}
