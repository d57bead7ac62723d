/* SPDX-License-Identifier: PostgreSQL */
/*
 * skip_scan.c
 *		Goes on behind the partition that the last page ended in.
 *
 * An ExclusiveStartKey may be any well-formed key, of an item that does not
 * exist too (dynamodb.md section 2.4), and within a partition items come in the
 * order of their sort key: so one with the greatest possible sort key leads to
 * the next partition.
 *
 * How many items a skip saved cannot be seen.  So it is tried for a while, and
 * then a whole page shows how many partitions it holds: with many, reading on
 * is cheaper.  Each time that skipping is found to pay it goes on twice as long,
 * so that what looking costs stays a small part of the whole.
 */
#include "postgres.h"

#include "scan/skip_scan.h"

#include "lib/stringinfo.h"
#include "scan/stream.h"

/* So many bytes of each page are read; a whole read unit costs no more. */
#define SKIP_PAGE_BYTES 2048.0
#define MAX_SKIP_ITEMS 100

/* A sort key's most bytes, and how the greatest keys are written. */
#define GREATEST_CHARACTER "\xF4\x8F\xBF\xBF" /* U+10FFFF */
#define GREATEST_NUMBER "9.9999999999999999999999999999999999999E+125"

typedef struct SkipScan
{
	DdbPager pager; /* first */
	const DdbAccessPlan *plan;
	bool skipping; /* else the next request is for a whole page */
	int budget; /* how long it was decided to skip */
	int left; /* of it */
} SkipScan;

/* While skipping, a page holds about one read unit of items. */
static int64
page_limit(const DdbPager *pager, const DdbStream *stream)
{
	const SkipScan *skip = (const SkipScan *) pager;
	double items = SKIP_PAGE_BYTES / Max(skip->plan->estimate.item_bytes, 1);

	(void) stream;
	if (!skip->skipping)
		return 0;
	return (int64) Min(Max(items, 1), MAX_SKIP_ITEMS);
}

/* Runs of equal values: the partition key is all that was asked for. */
static int
count_partitions(const DdbPage *page)
{
	const DdbNote *last = NULL;
	int n = 0;

	for (int i = 0; i < page->notes.n; i++)
	{
		const DdbNote *note = &page->notes.items[i];

		if (note->attribute == DDB_NOTE_ITEM)
			continue;
		if (last == NULL || last->len != note->len ||
			memcmp(page->body + last->offset, page->body + note->offset,
				   note->len) != 0)
			n++;
		last = note;
	}
	return n;
}

/*
 * Decides after each page whether to skip from here or to read on.  A budget
 * limits how long skipping goes on without being confirmed.
 */
static void
decide(SkipScan *skip, const DdbPage *page)
{
	int partitions;

	if (skip->skipping)
	{
		skip->skipping = --skip->left > 0;
		return;
	}
	partitions = count_partitions(page);
	/* Nothing is known of what a filter leaves out altogether. */
	if (partitions == 0 || partitions > skip->plan->skip.pays_from)
		return;
	skip->skipping = true;
	skip->budget = Min(skip->budget, PG_INT32_MAX / 2) * 2;
	skip->left = skip->budget;
}

/*
 * Appends the greatest value that a sort key of this type can have, as an
 * attribute value.
 */
static void
append_greatest(StringInfo text, DdbStoredType type)
{
	appendStringInfo(text, "{\"%s\":\"", ddb_stored_type_name(type));
	if (type == DDB_STORED_N)
		appendStringInfoString(text, GREATEST_NUMBER);
	else if (type == DDB_STORED_S)
		for (int i = 0; i < DDB_MAX_SORT_KEY_BYTES / 4; i++)
			appendStringInfoString(text, GREATEST_CHARACTER);
	else
	{
		/* Bytes FF, three as four characters, and the one that is left. */
		for (int i = 0; i < DDB_MAX_SORT_KEY_BYTES / 3; i++)
			appendStringInfoString(text, "////");
		appendStringInfoString(text, "/w==");
	}
	appendStringInfoString(text, "\"}");
}

/*
 * Decides from the page how to go on, and where: a key behind everything in the
 * partition of its last item.  A key of another shape stays as it is: it leads
 * on, if not as far.
 */
static char *
go_on(DdbPager *pager, const DdbPage *page, int *len)
{
	SkipScan *skip = (SkipScan *) pager;
	const DdbKeySchema *keys = &skip->plan->source.keys;
	const DdbKeyAttribute *sort = &keys->attributes[keys->npartition];
	StringInfoData key;
	DdbJsonReader json;
	bool first = true;
	DdbSpan name;
	DdbSpan value;

	decide(skip, page);
	initStringInfo(&key);
	appendBinaryStringInfo(&key, page->last_key, page->last_key_len);
	ddb_json_init(&json, page->last_key, page->last_key_len);
	(void) ddb_json_enter_object(&json);
	while (ddb_json_next_member(&json, &first, &name) &&
		   ddb_json_skip_span(&json, &value))
	{
		if (!ddb_span_equals(&name, sort->name, strlen(sort->name)))
			continue;
		resetStringInfo(&key);
		appendBinaryStringInfo(&key, page->last_key,
							   value.data - page->last_key);
		append_greatest(&key, sort->type);
		appendBinaryStringInfo(&key, value.data + value.len,
							   page->last_key + page->last_key_len -
								   (value.data + value.len));
		break;
	}
	*len = key.len;
	return key.data;
}

DdbPager *
ddb_skip_create(const DdbScanState *state)
{
	SkipScan *skip = palloc0(sizeof(SkipScan));

	skip->pager.limit = page_limit;
	skip->pager.go_on = go_on;
	skip->plan = state->plan;
	skip->skipping = true;
	skip->budget = skip->plan->skip.budget;
	skip->left = skip->budget;
	return &skip->pager;
}
