/* SPDX-License-Identifier: PostgreSQL */
/*
 * row.c
 *		Notes where the values of a page's items are, and makes rows of
 *		them one at a time.
 *
 * Attributes of most tables arrive in a stable order, so the attribute that
 * followed the last one in the item before is tried first; only when that
 * fails is the name looked up.
 */
#include "postgres.h"

#include "scan/row.h"

#include "codec/misfit.h"
#include "format/decimal.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* Grows with the pages. */
#define INITIAL_NOTES 256

static int
compare_names(const char *a, int alen, const char *b, int blen)
{
	if (alen != blen)
		return alen - blen;
	return memcmp(a, b, alen);
}

static int
compare_attributes(const void *a, const void *b)
{
	const DdbRowAttribute *x = (const DdbRowAttribute *) a;
	const DdbRowAttribute *y = (const DdbRowAttribute *) b;

	return compare_names(x->name, x->len, y->name, y->len);
}

/* Index of the attribute of that name, or -1. */
static int
find_attribute(const DdbRowReader *reader, const char *name, int len)
{
	int low = 0;
	int high = reader->nattributes - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		const DdbRowAttribute *attribute = &reader->attributes[middle];
		int order = compare_names(name, len, attribute->name, attribute->len);

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return -1;
}

/* The attribute of this name, made when it is new. */
static DdbRowAttribute *
make_attribute(DdbRowReader *reader, const char *name, int len)
{
	DdbRowAttribute *attribute;

	for (int i = 0; i < reader->nattributes; i++)
	{
		attribute = &reader->attributes[i];
		if (compare_names(attribute->name, attribute->len, name, len) == 0)
			return attribute;
	}
	attribute = &reader->attributes[reader->nattributes++];
	attribute->name = name;
	attribute->len = len;
	attribute->first_codec = -1;
	attribute->plain = ddb_json_is_plain(name, len);
	return attribute;
}

/* Chains the codec to its attribute. */
static void
add_attribute(DdbRowReader *reader, int codec)
{
	const DdbColumn *column = reader->codecs[codec]->column;
	DdbRowAttribute *attribute;

	if (ddb_column_needs_item(column))
	{
		reader->next_codec[codec] = reader->first_item;
		reader->first_item = codec;
		reader->whole_items = true;
		return;
	}
	attribute =
		make_attribute(reader, column->attribute, column->attribute_len);
	reader->next_codec[codec] = attribute->first_codec;
	attribute->first_codec = codec;
}

/* The order of rows hangs on this column: NULL in its place would break it. */
static bool
carries_order(const DdbRowReader *reader, const DdbColumn *column)
{
	const DdbKeySchema *keys = &reader->plan->source.keys;

	if (!reader->plan->order.is_within_partitions)
		return false;
	for (int i = keys->npartition; i < keys->n; i++)
		if (ddb_relation_find_attribute(reader->relation,
										keys->attributes[i].name) == column)
			return true;
	return false;
}

/*
 * Makes what reads the columns from items: a sorted table of attributes to
 * look for, and the codecs of each.  Columns that keys tell are left to the
 * matcher.
 */
DdbRowReader *
ddb_row_reader_create(DdbRelation *relation, const DdbAccessPlan *plan,
					  DdbCodecSet *codecs, List *columns)
{
	DdbRowReader *reader = palloc0(sizeof(DdbRowReader));
	const char *ttl =
		plan->filter.ttl_is_pushed ? NULL : plan->filter.ttl_attribute;
	List *identity =
		list_concat_copy(plan->projection.identity, plan->projection.position);
	int n = list_length(columns);
	ListCell *lc;

	reader->relation = relation;
	reader->plan = plan;
	reader->first_item = -1;
	reader->codecs = palloc0(sizeof(DdbCodec *) * Max(n, 1));
	reader->next_codec = palloc0(sizeof(int) * Max(n, 1));
	reader->soft = palloc0(sizeof(bool) * Max(n, 1));
	reader->attributes =
		palloc0(sizeof(DdbRowAttribute) * (n + 1 + list_length(identity)));
	foreach (lc, columns)
	{
		DdbColumn *column = &relation->columns[lfirst_int(lc) - 1];

		/* The matcher tells it. */
		if (column->source != 0)
			continue;
		reader->codecs[reader->ncodecs] =
			ddb_codec_set_get(codecs, lfirst_int(lc));
		reader->soft[reader->ncodecs] =
			ddb_column_mismatch_policy(column) == DDB_MISMATCH_NULL &&
			!carries_order(reader, column);
		add_attribute(reader, reader->ncodecs++);
	}
	if (ttl != NULL)
		make_attribute(reader, ttl, strlen(ttl))->whole = true;
	foreach (lc, identity)
		make_attribute(reader, (char *) lfirst(lc), strlen(lfirst(lc)))->whole =
			true;
	reader->matcher =
		ddb_matcher_create(relation, columns, plan->filter.matched);
	qsort(reader->attributes, reader->nattributes, sizeof(DdbRowAttribute),
		  compare_attributes);
	reader->ttl = ttl != NULL ? find_attribute(reader, ttl, strlen(ttl)) : -1;
	reader->identity = palloc(sizeof(int) * Max(list_length(identity), 1));
	foreach (lc, identity)
		reader->identity[reader->nidentity++] = find_attribute(
			reader, (char *) lfirst(lc), strlen((char *) lfirst(lc)));
	for (int i = 0; i < plan->source.keys.n; i++)
		reader->keys[i] =
			find_attribute(reader, plan->source.keys.attributes[i].name,
						   strlen(plan->source.keys.attributes[i].name));
	reader->follower = palloc0(sizeof(int) * (reader->nattributes + 1));
	return reader;
}

/*
 * True if what the path leads to lies within what the other path asks for,
 * both of one attribute.
 */
static bool
is_within(const DdbProjectedPath *path, const DdbProjectedPath *other)
{
	if (path->nsteps < other->nsteps)
		return false;
	for (int i = 0; i < other->nsteps; i++)
		if (!ddb_path_step_equal(&path->steps[i], &other->steps[i]))
			return false;
	return true;
}

/*
 * Adds a path to those of the same attribute, from first on.  Of paths that
 * lie within each other the shortest is asked for: others are errors.
 */
static int
add_path(DdbProjectedPath *paths, int first, int n,
		 const DdbProjectedPath *path)
{
	int kept = first;

	for (int i = first; i < n; i++)
		if (is_within(path, &paths[i]))
			return n;
	for (int i = first; i < n; i++)
		if (!is_within(&paths[i], path))
			paths[kept++] = paths[i];
	paths[kept++] = *path;
	return kept;
}

/*
 * For elements of lists the list is asked for: in what comes back of them
 * their places are not to be seen (docs/dynamodb.md section 3.2).
 */
const DdbProjectedPath *
ddb_row_reader_paths(const DdbRowReader *reader, int *n)
{
	DdbProjectedPath *paths = palloc(sizeof(DdbProjectedPath) *
									 (reader->ncodecs + reader->nattributes));

	*n = 0;
	for (int i = 0; i < reader->nattributes; i++)
	{
		int first = *n;
		DdbProjectedPath whole = {reader->attributes[i].name, NULL, 0};

		if (reader->attributes[i].whole)
			*n = add_path(paths, first, *n, &whole);
		for (int j = reader->attributes[i].first_codec; j >= 0;
			 j = reader->next_codec[j])
		{
			const DdbColumn *column = reader->codecs[j]->column;
			DdbProjectedPath path = {
				reader->attributes[i].name, column->steps,
				ddb_path_names(column->steps, column->nsteps)};

			*n = add_path(paths, first, *n, &path);
		}
	}
	return paths;
}

/* The range's one value, as an item would show it. */
static void
bound_to_value(const DdbStoredValue *bound, DdbAttributeValue *value)
{
	memset(value, 0, sizeof(*value));
	value->type = bound->type == DDB_STORED_N ? DDB_VALUE_N : DDB_VALUE_S;
	value->span.data = bound->data;
	value->span.len = bound->len;
}

/* The item whose notes begin with this one, as a map. */
static DdbAttributeValue
item_of_note(const DdbPage *page, const DdbNote *note)
{
	DdbAttributeValue item = {
		.type = DDB_VALUE_M,
		.span = {page->body + note->offset, note->len, false},
	};

	return item;
}

/* The value of an attribute of the item being read; false: it has none here. */
static bool
read_from_page(const DdbPage *page, const char *name, DdbAttributeValue *value)
{
	DdbAttributeValue item =
		item_of_note(page, &page->notes.items[page->item_note]);

	return ddb_attribute_member(&item, name, strlen(name), value);
}

/* The one value that the request asks for. */
static bool
read_from_range(const DdbKeyRange *range, DdbAttributeValue *value)
{
	if (range == NULL || range->empty || !ddb_key_range_is_value(range) ||
		range->lower.type == DDB_STORED_B)
		return false;
	bound_to_value(&range->lower, value);
	return true;
}

/*
 * Appends "name = value" of a part of the key, if the page or the key that was
 * asked for tells it.  False if neither does.
 */
static bool
append_attribute(const DdbRowReader *reader, StringInfo text, const char *name,
				 const DdbKeyRange *range)
{
	DdbAttributeValue value;

	if (!(reader->page != NULL && read_from_page(reader->page, name, &value)) &&
		!read_from_range(range, &value))
		return false;
	ddb_misfit_append_attribute(text, name, &value);
	return true;
}

/*
 * "pk = "a", sk = "b"": the table's key, by which the item can be found and
 * mended; NULL when page and request do not tell all of it.
 */
static char *
key_at_hand(const DdbRowReader *reader)
{
	const DdbKeySchema *keys = &reader->plan->source.table_keys;
	/* Targets speak of the key that is read by, which may be an index's. */
	const DdbTarget *target =
		reader->plan->source.index_name == NULL ? reader->target : NULL;
	StringInfoData text;
	bool whole = true;

	initStringInfo(&text);
	for (int i = 0; i < keys->n; i++)
		whole &= append_attribute(reader, &text, keys->attributes[i].name,
								  target != NULL ? &target->ranges[i] : NULL);
	return whole && text.len > 0 ? text.data : NULL;
}

/*
 * Raises the error of a value that does not fit its column, with the item's
 * key.  The key may take another request.
 */
static void
raise_misfit(const DdbRowReader *reader, const DdbCodec *codec,
			 const DdbAttributeValue *value, const char *reason)
{
	const DdbColumn *column = codec->column;
	bool may_be_null = ddb_column_mismatch_policy(column) != DDB_MISMATCH_NULL;
	char *key = key_at_hand(reader);
	char *hint;

	if (key == NULL && reader->find_key != NULL)
		key = reader->find_key(reader, column, value);
	/* Not inside ereport: it catches errors. */
	hint = ddb_misfit_hint(reader->relation, codec, value, may_be_null);
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_CHARACTER_VALUE_FOR_CAST),
		 errmsg("attribute \"%s\" of DynamoDB table \"%s\" does not fit column "
				"\"%s\" of foreign table %s",
				column->label, reader->plan->source.table_name, column->name,
				reader->relation->name),
		 errdetail("The item%s%s has %s.",
				   key != NULL ? " with key " : ", whose key was not found,",
				   key != NULL ? key : "",
				   ddb_misfit_describe(codec, value, reason)),
		 errhint("%s", hint)));
}

/* Errors that are not about the value, such as a lack of memory: their place. */
static void
conversion_context(void *arg)
{
	DdbRowReader *reader = (DdbRowReader *) arg;
	char *key;

	if (reader->current == NULL)
		return;
	key = key_at_hand(reader);
	errcontext("column \"%s\" of foreign table %s%s%s",
			   reader->current->column->name, reader->relation->name,
			   key != NULL ? ", item with key " : "", key != NULL ? key : "");
}

/*
 * Converts one value into the slot.  Where misfits are to be NULL the column
 * stays NULL; otherwise one raises the error, or is told.
 */
static void
convert(DdbRowReader *reader, int codec_index, const DdbAttributeValue *value,
		TupleTableSlot *slot)
{
	DdbCodec *codec = reader->codecs[codec_index];
	int i = codec->column->attnum - 1;
	bool soft = reader->soft[codec_index] || reader->misfit_met != NULL;
	const char *reason;

	reader->current = codec;
	switch (ddb_codec_decode(codec, value,
							 soft ? DDB_MISFITS_ARE_TOLD : DDB_MISFITS_RAISE,
							 &slot->tts_values[i], &reason))
	{
		case DDB_DECODE_OK:
			slot->tts_isnull[i] = false;
			break;
		case DDB_DECODE_NULL:
			break;
		case DDB_DECODE_MISFIT:
			if (!soft)
			{
				reader->current = NULL;
				raise_misfit(reader, codec, value, reason);
			}
			if (!reader->soft[codec_index])
				*reader->misfit_met = true;
			break;
	}
	reader->current = NULL;
}

/* The attribute that a member names: the expected one, or looked up. */
static int
identify(DdbRowReader *reader, const DdbSpan *key, int previous)
{
	int guess = reader->follower[previous + 1];
	char *name;
	size_t len;

	if (key->escaped)
	{
		name = palloc(key->len + 1);
		if (ddb_json_unescape(key, name, &len) == DDB_UNESCAPE_OK)
			guess = find_attribute(reader, name, len);
		else
			guess = -1;
		pfree(name);
		return guess;
	}
	if (guess < reader->nattributes &&
		reader->attributes[guess].len == (int) key->len &&
		memcmp(reader->attributes[guess].name, key->data, key->len) == 0)
		return guess;
	guess = find_attribute(reader, key->data, key->len);
	if (guess >= 0)
		reader->follower[previous + 1] = guess;
	return guess;
}

/* Makes room for more notes, at least twice as many. */
static pg_noinline void
make_room(DdbNotes *notes)
{
	notes->room = Max(INITIAL_NOTES, notes->room * 2);
	notes->items =
		notes->items == NULL
			? palloc(sizeof(DdbNote) * notes->room)
			: repalloc_huge(notes->items, sizeof(DdbNote) * notes->room);
}

/*
 * Notes where a value lies.  Offsets are relative to body, so notes do not
 * depend on where the page is in memory.
 */
static inline void
add_note(DdbNotes *notes, const char *body, int attribute,
		 const DdbAttributeValue *value)
{
	DdbNote *note;

	if (notes->n == notes->room)
		make_room(notes);
	note = &notes->items[notes->n++];
	note->attribute = (int16) attribute;
	note->type = (uint8) value->type;
	note->flag =
		value->type == DDB_VALUE_BOOL ? value->boolean : value->span.escaped;
	note->offset = (uint32) (value->span.data - body);
	note->len = value->span.len;
}

/*
 * Reads the next member's name: its attribute, -1 when it is none that a
 * column shows; false at the end of the item.
 */
static inline bool
next_attribute(DdbRowReader *reader, DdbJsonReader *json, bool *first,
			   int previous, int *attribute)
{
	int guess = reader->follower[previous + 1];
	DdbSpan key;

	if (guess < reader->nattributes && reader->attributes[guess].plain &&
		ddb_json_try_member(json, first, reader->attributes[guess].name,
							reader->attributes[guess].len))
	{
		*attribute = guess;
		return true;
	}
	if (!ddb_json_next_member(json, first, &key))
		return false;
	*attribute = identify(reader, &key, previous);
	return true;
}

/*
 * True if the value is a time in seconds that has expired.  Any other type
 * never expires.
 */
static bool
has_expired(const DdbRowReader *reader, const DdbAttributeValue *value)
{
	DdbDecimal time;

	return value->type == DDB_VALUE_N &&
		   ddb_decimal_parse(value->span.data, value->span.len, &time) &&
		   ddb_decimal_compare_int64(&time, reader->expiry.since) >= 0 &&
		   ddb_decimal_compare_int64(&time, reader->expiry.until) <= 0;
}

/* An item that has expired leaves no notes. */
void
ddb_row_note_item(DdbRowReader *reader, DdbPage *page, DdbJsonReader *json)
{
	bool first = true;
	int previous = -1;
	int attribute;
	bool expired = false;
	DdbAttributeValue value;
	int item = page->notes.n;
	const char *start = json->pos;

	/* Types without a span leave this one in place. */
	value.type = DDB_VALUE_NONE;
	value.span.data = json->pos;
	value.span.len = 0;
	value.span.escaped = false;
	value.boolean = false;
	add_note(&page->notes, page->body, DDB_NOTE_ITEM, &value);
	(void) ddb_json_enter_object(json);
	while (next_attribute(reader, json, &first, previous, &attribute))
	{
		if (attribute < 0)
		{
			(void) ddb_json_skip(json);
			continue;
		}
		if (!ddb_attribute_read(json, &value))
			break;
		add_note(&page->notes, page->body, attribute, &value);
		previous = attribute;
		expired |= attribute == reader->ttl && has_expired(reader, &value);
	}
	page->notes.items[item].len = (uint32) (json->pos - start);
	if (expired)
		page->notes.n = item;
}

/* value is overwritten on the way, also when this is false. */
bool
ddb_row_follow_path(const DdbColumn *column, DdbAttributeValue *value)
{
	for (int i = 0; i < column->nsteps; i++)
	{
		const DdbPathStep *step = &column->steps[i];
		DdbAttributeValue whole = *value;

		if (step->name != NULL
				? !ddb_attribute_member(&whole, step->name, step->len, value)
				: !ddb_attribute_element(&whole, step->index, value))
			return false;
	}
	return true;
}

/* What the column's path leads to; nothing when the item ends before. */
static inline void
convert_path(DdbRowReader *reader, int codec_index,
			 const DdbAttributeValue *attribute, TupleTableSlot *slot)
{
	const DdbColumn *column = reader->codecs[codec_index]->column;
	DdbAttributeValue value;

	if (likely(column->nsteps == 0))
	{
		convert(reader, codec_index, attribute, slot);
		return;
	}
	value = *attribute;
	if (ddb_row_follow_path(column, &value))
		convert(reader, codec_index, &value, slot);
}

/* The item as a map, for the columns that show all of it. */
static void
convert_whole_item(DdbRowReader *reader, const DdbPage *page,
				   const DdbNote *note, TupleTableSlot *slot)
{
	DdbAttributeValue item = item_of_note(page, note);

	for (int i = reader->first_item; i >= 0; i = reader->next_codec[i])
		convert(reader, i, &item, slot);
}

/* The value that a note stands for; it points into the page. */
static inline void
value_of_note(const DdbPage *page, const DdbNote *note,
			  DdbAttributeValue *value)
{
	value->type = (DdbValueType) note->type;
	value->span.data = page->body + note->offset;
	value->span.len = note->len;
	value->span.escaped = note->flag;
	value->boolean = note->flag;
}

/*
 * True if the item is a row, whatever its other attributes are: those of other
 * tables' items need not fit.  A key that does not fit its column matches
 * nothing.
 */
static bool
match_item(DdbRowReader *reader, const DdbPage *page, TupleTableSlot *slot)
{
	const DdbNote *note = &page->notes.items[page->notes.next];
	const DdbNote *end = &page->notes.items[page->notes.n];
	DdbAttributeValue value;
	const char *reason;

	for (note++; note < end && note->attribute != DDB_NOTE_ITEM; note++)
	{
		value_of_note(page, note, &value);
		for (int i = reader->attributes[note->attribute].first_codec; i >= 0;
			 i = reader->next_codec[i])
		{
			DdbCodec *codec = reader->codecs[i];
			int j = codec->column->attnum - 1;

			if (codec->column->nsteps == 0 &&
				ddb_matcher_reads(reader->matcher, codec->column->attnum))
				slot->tts_isnull[j] =
					ddb_codec_decode(codec, &value, DDB_MISFITS_ARE_TOLD,
									 &slot->tts_values[j],
									 &reason) != DDB_DECODE_OK;
		}
	}
	return ddb_matcher_apply(reader->matcher, slot);
}

/* Values of templated columns are there already, if they are values. */
static inline bool
is_settled(const DdbRowReader *reader, int codec)
{
	return reader->matcher != NULL &&
		   reader->codecs[codec]->column->template != NULL;
}

/*
 * Converts the next item of the page into the slot, and moves on to the one
 * after it.
 */
static void
convert_item(DdbRowReader *reader, DdbPage *page, TupleTableSlot *slot)
{
	const DdbNote *note = &page->notes.items[page->notes.next];
	const DdbNote *end = &page->notes.items[page->notes.n];
	DdbAttributeValue value;

	if (reader->whole_items)
		convert_whole_item(reader, page, note, slot);
	for (note++; note < end && note->attribute != DDB_NOTE_ITEM; note++)
	{
		value_of_note(page, note, &value);
		for (int i = reader->attributes[note->attribute].first_codec; i >= 0;
			 i = reader->next_codec[i])
			if (!is_settled(reader, i))
				convert_path(reader, i, &value, slot);
	}
	page->notes.next = note - page->notes.items;
}

/* Makes all columns of the slot NULL. */
static void
clear_slot(TupleTableSlot *slot)
{
	int natts = slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, natts * sizeof(bool));
	memset(slot->tts_values, 0, natts * sizeof(Datum));
}

/* note must be where an item's notes begin. */
int
ddb_row_next_item(const DdbPage *page, int note)
{
	do
		note++;
	while (note < page->notes.n &&
		   page->notes.items[note].attribute != DDB_NOTE_ITEM);
	return note;
}

/* Goes on to the next item that is a row; false after the last one. */
static bool
next_row(DdbRowReader *reader, DdbPage *page, TupleTableSlot *slot)
{
	DdbNotes *notes = &page->notes;

	for (;;)
	{
		if (notes->next == notes->n)
			return false;
		clear_slot(slot);
		page->item_note = notes->next;
		if (reader->matcher == NULL || match_item(reader, page, slot))
			break;
		CHECK_FOR_INTERRUPTS();
		notes->next = ddb_row_next_item(page, notes->next);
	}
	convert_item(reader, page, slot);
	return true;
}

/* Items that match no template are passed over. */
bool
ddb_row_read(DdbRowReader *reader, DdbPage *page, TupleTableSlot *slot)
{
	ErrorContextCallback context;
	bool found;

	reader->page = page;
	context.callback = conversion_context;
	context.arg = reader;
	context.previous = error_context_stack;
	error_context_stack = &context;
	found = next_row(reader, page, slot);
	error_context_stack = context.previous;
	if (found)
		ExecStoreVirtualTuple(slot);
	return found;
}

/* The page counts as read to its end afterwards. */
bool
ddb_row_read_at(DdbRowReader *reader, DdbPage *page, int note,
				TupleTableSlot *slot)
{
	DdbNotes *notes = &page->notes;
	int n = notes->n;
	bool found;

	/* As if there were no other. */
	notes->n = ddb_row_next_item(page, note);
	notes->next = note;
	found = ddb_row_read(reader, page, slot);
	notes->n = n;
	notes->next = n;
	return found;
}

/* The attribute's value in the item whose notes begin there, if it has one. */
static bool
find_value(const DdbPage *page, int note, int attribute,
		   DdbAttributeValue *value)
{
	const DdbNotes *notes = &page->notes;

	for (note++;
		 note < notes->n && notes->items[note].attribute != DDB_NOTE_ITEM;
		 note++)
	{
		if (notes->items[note].attribute != attribute)
			continue;
		value_of_note(page, &notes->items[note], value);
		return true;
	}
	return false;
}

/* The value points into the page. */
bool
ddb_row_identity(const DdbRowReader *reader, const DdbPage *page, int note,
				 int i, DdbAttributeValue *value)
{
	return find_value(page, note, reader->identity[i], value);
}

/* The value points into the page. */
bool
ddb_row_key(const DdbRowReader *reader, const DdbPage *page, int i,
			DdbAttributeValue *value)
{
	return reader->keys[i] >= 0 &&
		   find_value(page, page->item_note, reader->keys[i], value);
}

/*
 * Only columns of the partition key can be told, since that is what counts are
 * grouped by.
 */
void
ddb_row_from_target(DdbRowReader *reader, const DdbTarget *target,
					TupleTableSlot *slot)
{
	const DdbKeySchema *keys = &reader->plan->source.keys;
	DdbAttributeValue value;

	clear_slot(slot);
	reader->page = NULL;
	for (int i = 0; i < reader->ncodecs; i++)
	{
		for (int j = 0; j < keys->npartition; j++)
		{
			if (!ddb_column_shows(reader->codecs[i]->column,
								  keys->attributes[j].name))
				continue;
			bound_to_value(&target->ranges[j].lower, &value);
			convert(reader, i, &value, slot);
		}
	}
	ExecStoreVirtualTuple(slot);
}
