/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_key.c
 *		Finds the key of an item that a message is about.
 *
 * Queries fetch keys only where they need them.  Where a message needs one that
 * was not fetched, the same page is asked for again with the keys and the
 * attribute in question.  The first item in it that has the same value is taken:
 * it has the same fault.
 */
#include "postgres.h"

#include "scan/item_key.h"

#include "codec/misfit.h"
#include "lib/stringinfo.h"
#include "scan/stream.h"

/* A reader of the table's keys and one attribute, in this order. */
static DdbRowReader *
create_key_reader(const DdbRowReader *reader, const char *attribute)
{
	DdbAccessPlan *plan = palloc(sizeof(DdbAccessPlan));

	*plan = *reader->plan;
	plan->projection.identity = ddb_key_schema_names(&plan->source.table_keys);
	plan->projection.position = list_make1(unconstify(char *, attribute));
	plan->filter.matched = NIL;
	plan->filter.ttl_attribute = NULL;
	return ddb_row_reader_create(reader->relation, plan, NULL, NIL);
}

static bool
is_same(const DdbAttributeValue *a, const DdbAttributeValue *b)
{
	return a->type == b->type && a->span.len == b->span.len &&
		   memcmp(a->span.data, b->span.data, a->span.len) == 0 &&
		   (a->type != DDB_VALUE_BOOL || a->boolean == b->boolean);
}

/*
 * The key of the item whose notes begin there, as text, if the item has the
 * value that is sought in this column; NULL otherwise.
 */
static char *
match_item(const DdbRowReader *reader, const DdbPage *page, int note,
		   const DdbColumn *column, const DdbAttributeValue *sought)
{
	int nkeys = reader->nidentity - 1;
	DdbAttributeValue value;
	StringInfoData text;

	if (!ddb_row_identity(reader, page, note, nkeys, &value) ||
		!ddb_row_follow_path(column, &value) || !is_same(&value, sought))
		return NULL;
	initStringInfo(&text);
	for (int i = 0; i < nkeys; i++)
	{
		if (!ddb_row_identity(reader, page, note, i, &value))
			return NULL;
		ddb_misfit_append_attribute(
			&text, reader->attributes[reader->identity[i]].name, &value);
	}
	return text.data;
}

/* NULL when no item of the page has the value any more, or it is refused. */
static char *
find_in_page(const DdbRowReader *reader, const DdbColumn *column,
			 const DdbAttributeValue *value)
{
	DdbRowReader *keys = create_key_reader(reader, column->attribute);
	DdbPage page = {0};
	char *key = NULL;

	if (!ddb_stream_read_again(reader->stream, keys, &page))
		return NULL;
	for (int note = 0; note < page.notes.n && key == NULL;
		 note = ddb_row_next_item(&page, note))
		key = match_item(keys, &page, note, column, value);
	return key;
}

void
ddb_item_key_serve(DdbRowReader *reader)
{
	reader->find_key = find_in_page;
}
