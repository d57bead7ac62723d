/* SPDX-License-Identifier: PostgreSQL */
/*
 * page.c
 *		Takes a reply apart without copying it.
 *
 * One walk checks every byte, finds the continuation key and has the row
 * reader note where the values of each item are.  Rows are made from those
 * notes after it, so that nothing is handed on from a page that would turn out
 * to be broken, and no byte is looked at twice.
 */
#include "postgres.h"

#include "scan/page.h"

#include "request/reply_shape.h"
#include "scan/row.h"

/*
 * Reads a count that is not negative. -1 with the scanner's error set if it is
 * anything else.
 */
static int64
read_count(DdbJsonReader *json)
{
	DdbSpan span;
	int64 value = 0;

	if (!ddb_json_number(json, &span))
		return -1;
	for (uint32 i = 0; i < span.len; i++)
	{
		if (span.data[i] < '0' || span.data[i] > '9' || i > 17)
		{
			json->error = DDB_JSON_WRONG_KIND;
			return -1;
		}
		value = value * 10 + (span.data[i] - '0');
	}
	return value;
}

/*
 * Reads one item, and has the reader note where its values are.  Without a
 * reader the item is only checked and counted.
 */
static void
read_item(DdbPage *page, DdbJsonReader *json, DdbRowReader *reader)
{
	page->has_items = true;
	page->item_count++;
	if (ddb_json_peek(json) != DDB_JSON_OBJECT)
		json->error = DDB_JSON_WRONG_KIND;
	else if (reader != NULL)
		ddb_row_note_item(reader, page, json);
	else
		(void) ddb_json_skip(json);
}

/* Reads the list of items, which may occur only once in a reply. */
static void
read_items(DdbPage *page, DdbJsonReader *json, DdbRowReader *reader)
{
	bool first = true;

	/* Items twice: nobody knows which are meant. */
	if (page->has_items)
	{
		json->error = DDB_JSON_WRONG_KIND;
		return;
	}
	if (!ddb_json_enter_array(json))
		return;
	page->has_items = true;
	while (ddb_json_next_element(json, &first))
		read_item(page, json, reader);
}

/* {"table": [items]}: one table was asked for, so one may answer. */
static void
read_responses(DdbPage *page, DdbJsonReader *json, DdbRowReader *reader)
{
	bool first = true;
	DdbSpan table;

	if (!ddb_json_enter_object(json))
		return;
	while (ddb_json_next_member(json, &first, &table))
		read_items(page, json, reader);
	page->has_items = true;
}

/*
 * Notes where the continuation key is, as raw JSON. null and an empty object
 * mean that there is none.
 */
static void
read_last_key(DdbPage *page, DdbJsonReader *json)
{
	DdbSpan span;

	if (ddb_json_peek(json) == DDB_JSON_NULL)
		(void) ddb_json_skip(json);
	else if (ddb_json_peek(json) != DDB_JSON_OBJECT)
		json->error = DDB_JSON_WRONG_KIND;
	else if (ddb_json_skip_span(json, &span) &&
			 memchr(span.data, '"', span.len) != NULL)
	{
		/* (An empty object is no key.) */
		page->last_key = span.data;
		page->last_key_len = span.len;
	}
}

/*
 * Reads one member of a reply by its name.  Unknown members are checked and
 * skipped.
 */
static void
read_member(DdbPage *page, DdbJsonReader *json, const DdbSpan *key,
			DdbRowReader *reader)
{
	if (ddb_span_equals(key, "Items", 5))
		read_items(page, json, reader);
	else if (ddb_span_equals(key, "Item", 4))
		read_item(page, json, reader);
	else if (ddb_span_equals(key, "Count", 5))
		page->count = read_count(json);
	else if (ddb_span_equals(key, "ScannedCount", 12))
		page->scanned = read_count(json);
	else if (ddb_span_equals(key, "Responses", 9))
		read_responses(page, json, reader);
	else if (ddb_span_equals(key, "LastEvaluatedKey", 16) ||
			 ddb_span_equals(key, "UnprocessedKeys", 15))
		read_last_key(page, json);
	else if (ddb_span_equals(key, "ConsumedCapacity", 16))
		page->read_units = ddb_reply_read_capacity(json, NULL);
	else if (ddb_span_equals(key, "__type", 6))
	{
		page->is_error = true;
		(void) ddb_json_skip(json);
	}
	else
		(void) ddb_json_skip(json);
}

/*
 * A reply without what every reply of its kind has is no empty result, but a
 * broken one.
 */
static void
check_shape(const DdbPage *page, DdbPageKind kind, const char *table_name)
{
	if (page->is_error)
		ddb_reply_raise_malformed(table_name,
								  "it holds an error under a success status");
	if (kind == DDB_PAGE_COUNT && page->count < 0)
		ddb_reply_raise_malformed(table_name, "it holds no count");
	if (kind == DDB_PAGE_COUNT && page->scanned >= 0 &&
		page->scanned < page->count)
		ddb_reply_raise_malformed(table_name,
								  "it counts more items than it scanned");
	if ((kind == DDB_PAGE_ITEMS || kind == DDB_PAGE_BATCH) && !page->has_items)
		ddb_reply_raise_malformed(table_name, "it holds no items");
	if (kind == DDB_PAGE_ITEM && page->item_count > 1)
		ddb_reply_raise_malformed(table_name, "it holds more than one item");
	if (kind != DDB_PAGE_COUNT && page->count >= 0 &&
		page->count != page->item_count)
		ddb_reply_raise_malformed(table_name,
								  psprintf("it counts " INT64_FORMAT
										   " items and holds " INT64_FORMAT,
										   page->count, page->item_count));
}

/*
 * Walks the whole reply once.  Raises an error unless it is one well-formed
 * JSON object.
 */
static void
walk_reply(DdbPage *page, const char *table_name, DdbRowReader *reader)
{
	DdbJsonReader json;
	bool first = true;
	DdbSpan key;

	ddb_json_init(&json, page->body, page->len);
	if (ddb_json_enter_object(&json))
	{
		while (ddb_json_next_member(&json, &first, &key))
			read_member(page, &json, &key, reader);
	}
	if (json.error == DDB_JSON_OK)
		(void) ddb_json_finish(&json);
	if (json.error != DDB_JSON_OK)
		ddb_reply_raise_malformed(table_name,
								  psprintf("%s at byte %zu",
										   ddb_json_error_text(json.error),
										   (size_t) (json.pos - page->body)));
}

/* Nothing of the page has been used when an error is raised. */
void
ddb_page_open(DdbPage *page, const char *body, size_t len, DdbPageKind kind,
			  const char *table_name, DdbRowReader *reader)
{
	DdbNotes notes = page->notes;

	memset(page, 0, sizeof(*page));
	page->notes = notes;
	page->notes.n = 0;
	page->notes.next = 0;
	page->body = body;
	page->len = len;
	page->count = -1;
	page->scanned = -1;
	if (!ddb_json_valid_utf8(body, len))
		ddb_reply_raise_malformed(table_name, "it is not valid UTF-8");
	walk_reply(page, table_name, reader);
	check_shape(page, kind, table_name);
	if (page->count < 0)
		page->count = page->item_count;
	if (page->scanned < page->count)
		page->scanned = page->count;
}
