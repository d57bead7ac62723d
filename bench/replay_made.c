/* SPDX-License-Identifier: PostgreSQL */
/*
 * replay_made.c
 *		Made-up tables, answered by key: what joins and segments are timed on.
 *
 *	ids		key id (N): every number has an item
 *	pairs	keys pk (S) and sk (N): every partition has three items
 *	small	key id (N): 3,200 items, which a Scan gets in 320 pages of ten; with
 *			segments each gets its share of the pages
 *
 * Each is described as large enough for whatever is worth it on a large table.
 * Of a condition on keys only the partition key is looked at.
 */
#define _GNU_SOURCE
#include "replay_made.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITION_ITEMS 3
#define PAGES 320
#define PAGE_ITEMS 10

struct MadeTable
{
	const char *name;
	const char *hash_key;
	const char *hash_type;
	const char *range_key; /* an N, or NULL */
};

static const MadeTable tables[] = {
	{"ids", "id", "N", NULL},
	{"pairs", "pk", "S", "sk"},
	{"small", "id", "N", NULL},
};

#define NTABLES (sizeof(tables) / sizeof(tables[0]))

const MadeTable *
made_table(const char *body, const char *end)
{
	const char *name = find_value(body, end, "\"TableName\"");
	const char *batch = find(body, end, "\"RequestItems\"");
	size_t i;

	if (name == NULL && batch != NULL)
		name = memchr(batch + strlen("\"RequestItems\""), '"',
					  (size_t) (end - batch) - strlen("\"RequestItems\""));
	for (i = 0; name != NULL && i < NTABLES; i++)
	{
		size_t len = strlen(tables[i].name);

		if ((size_t) (end - name) > len + 1 &&
			strncmp(name + 1, tables[i].name, len) == 0 && name[len + 1] == '"')
			return &tables[i];
	}
	return NULL;
}

static void
put_attribute_definition(Buffer *reply, const char *name, const char *type)
{
	put_format(reply, "{\"AttributeName\":\"%s\",\"AttributeType\":\"%s\"}",
			   name, type);
}

static void
put_key(Buffer *reply, const char *name, const char *kind)
{
	put_format(reply, "{\"AttributeName\":\"%s\",\"KeyType\":\"%s\"}", name,
			   kind);
}

void
made_describe(const MadeTable *table, Buffer *reply)
{
	put_format(reply,
			   "{\"Table\":{\"TableName\":\"%s\",\"TableStatus\":\"ACTIVE\","
			   "\"ItemCount\":1000000,\"TableSizeBytes\":200000000,"
			   "\"TableArn\":\"arn:aws:dynamodb:us-east-1:000000000000:table/"
			   "%s\",\"CreationDateTime\":1.7E9,"
			   "\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\"},"
			   "\"KeySchema\":[",
			   table->name, table->name);
	put_key(reply, table->hash_key, "HASH");
	if (table->range_key != NULL)
	{
		put_text(reply, ",");
		put_key(reply, table->range_key, "RANGE");
	}
	put_text(reply, "],\"AttributeDefinitions\":[");
	put_attribute_definition(reply, table->hash_key, table->hash_type);
	if (table->range_key != NULL)
	{
		put_text(reply, ",");
		put_attribute_definition(reply, table->range_key, "N");
	}
	put_text(reply, "]}}");
}

/* What every item has besides its key, and the end of the item. */
static void
put_rest(Buffer *reply)
{
	put_text(reply,
			 ",\"v\":{\"N\":\"42\"},\"note\":{\"S\":\"made up when asked for; "
			 "nobody ever wrote it, and nobody will look for it again\"}}");
}

/* The item of a key, which is an object with its attributes. */
static void
put_item_of_key(Buffer *reply, const char *key, const char *key_end)
{
	put(reply, key, (size_t) (key_end - key) - 1);
	put_rest(reply);
}

/* The first object after name, or NULL; *object_end is behind it. */
static const char *
find_object(const char *body, const char *end, const char *name,
			const char **object_end)
{
	const char *object = find_value(body, end, name);

	if (object != NULL)
		object = memchr(object, '{', (size_t) (end - object));
	if (object != NULL)
		*object_end = skip_object(object);
	return object;
}

int
made_get(const MadeTable *table, Buffer *reply, const char *body,
		 const char *end)
{
	const char *key_end;
	const char *key = find_object(body, end, "\"Key\"", &key_end);

	(void) table;
	if (key == NULL)
	{
		put_text(reply, "{}");
		return 0;
	}
	put_text(reply, "{\"Item\":");
	put_item_of_key(reply, key, key_end);
	put_text(reply, "}");
	return 1;
}

int
made_batch_get(const MadeTable *table, Buffer *reply, const char *body,
			   const char *end)
{
	const char *key_end = NULL;
	const char *key = find_object(body, end, "\"Keys\"", &key_end);
	int count = 0;

	put_format(reply, "{\"Responses\":{\"%s\":[", table->name);
	while (key != NULL)
	{
		put_text(reply, count++ > 0 ? "," : "");
		put_item_of_key(reply, key, key_end);
		for (key = key_end; *key == ',' || *key == ' '; key++)
			;
		if (*key != '{')
			break;
		key_end = skip_object(key);
	}
	put_text(reply, "]},\"UnprocessedKeys\":{}}");
	return count;
}

int
made_query(const MadeTable *table, Buffer *reply, const char *body,
		   const char *end)
{
	const char *values_end;
	const char *values =
		find_object(body, end, "\"ExpressionAttributeValues\"", &values_end);
	const char *partition_end = NULL;
	const char *partition = NULL;
	int i;

	if (values != NULL)
		partition =
			find_object(values + 1, values_end, "\":v0\"", &partition_end);
	put_text(reply, "{\"Items\":[");
	for (i = 0; partition != NULL && i < PARTITION_ITEMS; i++)
	{
		put_format(reply, "%s{\"%s\":", i > 0 ? "," : "", table->hash_key);
		put(reply, partition, (size_t) (partition_end - partition));
		if (table->range_key != NULL)
			put_format(reply, ",\"%s\":{\"N\":\"%d\"}", table->range_key, i);
		put_rest(reply);
	}
	put_format(reply, "],\"Count\":%d,\"ScannedCount\":%d}", i, i);
	return i;
}

/* Pages are counted over the whole table; the start key names the last one. */
int
made_scan(const MadeTable *table, Buffer *reply, const char *body,
		  const char *end)
{
	long total = find_number(body, end, "\"TotalSegments\"", 1);
	long segment = find_number(body, end, "\"Segment\"", 0);
	const char *start = find(body, end, "\"ExclusiveStartKey\"");
	long page = PAGES * segment / total;
	long last = PAGES * (segment + 1) / total - 1;
	int i;

	/* its number is in quotes */
	if (start != NULL && (start = find_value(start, end, "\"N\"")) != NULL)
		page = strtol(start + 1, NULL, 10) / PAGE_ITEMS + 1;
	put_text(reply, "{\"Items\":[");
	for (i = 0; page <= last && i < PAGE_ITEMS; i++)
	{
		put_format(reply, "%s{\"%s\":{\"N\":\"%ld\"}", i > 0 ? "," : "",
				   table->hash_key, page * PAGE_ITEMS + i);
		put_rest(reply);
	}
	put_format(reply, "],\"Count\":%d,\"ScannedCount\":%d", i, i);
	if (page < last)
		put_format(reply, ",\"LastEvaluatedKey\":{\"%s\":{\"N\":\"%ld\"}}",
				   table->hash_key, page * PAGE_ITEMS + PAGE_ITEMS - 1);
	put_text(reply, "}");
	return i;
}
