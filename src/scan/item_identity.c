/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_identity.c
 *		Keys of items as bytes that are equal when the keys are.
 */
#include "postgres.h"

#include "request/reply_shape.h"
#include "scan/item_identity.h"

#include "codec/misfit.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "request/item_key.h"
#include "scan/stream.h"
#include "utils/memutils.h"

static void
raise_malformed(const DdbRowReader *reader, const char *what,
				const char *attribute)
{
	ddb_reply_raise_malformed(reader->plan->source.table_name,
							  psprintf("%s \"%s\"", what, attribute));
}

/* Appends what an item has of an attribute that it may lack. */
static void
append_bound(StringInfo bytes, const DdbStoredValue *bound)
{
	int32 type = bound->type;
	int32 len = bound->len;

	appendBinaryStringInfo(bytes, (const char *) &type, sizeof(type));
	appendBinaryStringInfo(bytes, (const char *) &len, sizeof(len));
	appendBinaryStringInfo(bytes, bound->data, len);
}

/* The range that holds this value alone. */
static DdbKeyRange
range_of_value(const DdbStoredValue *value)
{
	DdbKeyRange range = {.has_lower = true, .has_upper = true};

	range.lower = *value;
	range.upper = *value;
	return range;
}

/*
 * identity->key is a text that is equal exactly when keys are.
 * identity->position says where the index lists the item.
 */
void
ddb_identity_read(const DdbRowReader *reader, const DdbPage *page, int note,
				  DdbIdentity *identity, DdbTarget *target)
{
	const DdbAccessPlan *plan = reader->plan;
	int nkey = list_length(plan->projection.identity);
	StringInfoData key;
	StringInfoData position;

	initStringInfo(&key);
	initStringInfo(&position);
	for (int i = 0; i < reader->nidentity; i++)
	{
		DdbStoredValue bound = {DDB_PLACE_EXACT, DDB_STORED_NONE, "", 0};
		DdbAttributeValue value;

		if (ddb_row_identity(reader, page, note, i, &value))
		{
			/* What was moved out of an index may be of any type now. */
			if (!ddb_item_key_value(&value, &bound) && i < nkey)
				raise_malformed(reader, "no key is the value of",
								list_nth(plan->projection.identity, i));
		}
		else if (i < nkey)
			raise_malformed(reader, "an item lacks its key",
							list_nth(plan->projection.identity, i));
		append_bound(i < nkey ? &key : &position, &bound);
		if (target != NULL && i < nkey)
			target->ranges[i] = range_of_value(&bound);
	}
	identity->key = key.data;
	identity->key_len = key.len;
	identity->hash = hash_bytes((const unsigned char *) key.data, key.len);
	identity->position = position.data;
	identity->position_len = position.len;
}

bool
ddb_identity_same_item(const DdbIdentity *a, const DdbIdentity *b)
{
	return a->hash == b->hash && a->key_len == b->key_len &&
		   memcmp(a->key, b->key, a->key_len) == 0;
}

bool
ddb_identity_same_position(const DdbIdentity *a, const DdbIdentity *b)
{
	return a->position_len == b->position_len &&
		   memcmp(a->position, b->position, a->position_len) == 0;
}

/* ---- items met ---- */

typedef struct SeenItem
{
	DdbIdentity identity; /* of which position is not set */
	char status; /* simplehash's */
} SeenItem;

#define SH_PREFIX items
#define SH_ELEMENT_TYPE SeenItem
#define SH_KEY_TYPE DdbIdentity
#define SH_KEY identity
#define SH_HASH_KEY(table, key) (key).hash
#define SH_EQUAL(table, a, b) ddb_identity_same_item(&(a), &(b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Some of them, forgotten together. */
typedef struct Generation
{
	MemoryContext context;
	items_hash *items;
	Size bytes;
} Generation;

struct DdbSeen
{
	Generation present;
	Generation past;
	Size bytes; /* that a generation takes */
};

static void
begin_generation(Generation *generation)
{
	MemoryContextReset(generation->context);
	generation->items = items_create(generation->context, 64, NULL);
	generation->bytes = 0;
}

/*
 * Items are kept in two generations, so that memory stays within about twice
 * bytes, and the most recent ones are known.
 */
DdbSeen *
ddb_seen_create(MemoryContext context, Size bytes)
{
	DdbSeen *seen = MemoryContextAllocZero(context, sizeof(DdbSeen));

	seen->bytes = bytes;
	seen->present.context =
		AllocSetContextCreate(context, "ddb_fdw items", ALLOCSET_DEFAULT_SIZES);
	seen->past.context = AllocSetContextCreate(context, "ddb_fdw past items",
											   ALLOCSET_DEFAULT_SIZES);
	begin_generation(&seen->present);
	begin_generation(&seen->past);
	return seen;
}

bool
ddb_seen_has(const DdbSeen *seen, const DdbIdentity *identity)
{
	return items_lookup(seen->past.items, *identity) != NULL ||
		   items_lookup(seen->present.items, *identity) != NULL;
}

/*
 * When the present generation is full, the past one is forgotten.  An item
 * that was forgotten counts as new.
 */
bool
ddb_seen_add(DdbSeen *seen, const DdbIdentity *identity)
{
	Generation *present = &seen->present;
	SeenItem *item;
	bool found;

	if (items_lookup(seen->past.items, *identity) != NULL)
		return false;
	if (present->bytes >= seen->bytes)
	{
		Generation past = seen->past;

		seen->past = *present;
		*present = past;
		begin_generation(present);
	}
	item = items_insert(present->items, *identity, &found);
	if (found)
		return false;
	item->identity.position = NULL;
	item->identity.position_len = 0;
	item->identity.key =
		MemoryContextAlloc(present->context, identity->key_len);
	memcpy(item->identity.key, identity->key, identity->key_len);
	present->bytes += identity->key_len + 2 * sizeof(SeenItem);
	return true;
}

/* ---- keys as messages tell them ----
 *
 * Queries fetch keys only where they need them.  Where a message needs one that
 * was not fetched, the same page is asked for again with the keys and the
 * attribute in question.  The first item in it that has the same value is taken:
 * it has the same fault.
 */

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
ddb_identity_serve_messages(DdbRowReader *reader)
{
	reader->find_key = find_in_page;
}
