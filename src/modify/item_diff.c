/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_diff.c
 *		Compares what columns showed of an item with what they are set to.
 */
#include "postgres.h"

#include "modify/item_diff.h"

#include "codec/encode.h"
#include "codec/encode_document.h"
#include "modify/item_tree.h"
#include "utils/datum.h"

/*
 * The JSON of an item as that of a map's value, palloc'd and padded for a
 * scanner.
 */
static DdbKeptValue
wrap(const char *item, int len)
{
	StringInfoData json;
	DdbKeptValue value;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"M\":");
	appendBinaryStringInfo(&json, item, len);
	appendStringInfoChar(&json, '}');
	enlargeStringInfo(&json, DDB_JSON_PADDING);
	value.json = json.data;
	value.len = json.len;
	return value;
}

/* The tree as one attribute value of type M. palloc'd. */
static DdbKeptValue
wrap_tree(const DdbItemNode *root)
{
	StringInfoData json;

	initStringInfo(&json);
	ddb_item_tree_write(root, &json);
	return wrap(json.data, json.len);
}

/*
 * True if both columns set parts of one attribute, of which one lies in the
 * other.
 */
static bool
overlap(const DdbColumn *a, const DdbColumn *b)
{
	if (!ddb_item_is_stored(a) || !ddb_item_is_stored(b) ||
		ddb_column_needs_item(a) || ddb_column_needs_item(b) ||
		strcmp(a->attribute, b->attribute) != 0)
		return false;
	for (int i = 0; i < Min(a->nsteps, b->nsteps); i++)
		if (!ddb_path_step_equal(&a->steps[i], &b->steps[i]))
			return false;
	return true;
}

/* Another of these columns whose value overlaps this one's, or NULL. */
static const DdbColumn *
find_overlap(const DdbItemWriter *writer, const DdbColumn *column,
			 const Bitmapset *columns)
{
	int attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		const DdbColumn *other = &writer->relation->columns[attnum - 1];

		if (other != column && overlap(other, column))
			return other;
	}
	return NULL;
}

/* True if the column was set to the value that it had, byte by byte. */
static bool
is_unchanged(const DdbItemWriter *writer, const DdbColumn *column)
{
	int i = column->attnum - 1;
	Form_pg_attribute attribute =
		TupleDescAttr(writer->old->tts_tupleDescriptor, i);

	if (!ddb_item_is_stored(column) || ddb_column_needs_item(column) ||
		column->template != NULL ||
		writer->nulls[i] != writer->old->tts_isnull[i])
		return false;
	return writer->nulls[i] ||
		   datum_image_eq(writer->values[i], writer->old->tts_values[i],
						  attribute->attbyval, attribute->attlen);
}

/*
 * Returns a new set.  A column whose value is equal to the old one still
 * counts if another column changes the same part of the item.
 */
Bitmapset *
ddb_item_changed_columns(const DdbItemWriter *writer, const Bitmapset *updated)
{
	Bitmapset *unchanged = NULL;
	Bitmapset *changed;
	int attnum = -1;

	while ((attnum = bms_next_member(updated, attnum)) >= 0)
		if (bms_is_member(attnum, writer->kept) &&
			is_unchanged(writer, &writer->relation->columns[attnum - 1]))
			unchanged = bms_add_member(unchanged, attnum);
	changed = bms_difference(updated, unchanged);
	attnum = -1;
	/* Beside others that change the same value it has its say. */
	while ((attnum = bms_next_member(unchanged, attnum)) >= 0)
		if (find_overlap(writer, &writer->relation->columns[attnum - 1],
						 changed) != NULL)
			changed = bms_add_member(changed, attnum);
	return changed;
}

/* What is stored of the value that changes, in the item at hand. */
static void
find_stored(const DdbItemWriter *writer, DdbKeptChange *change)
{
	if (writer->stored.json == NULL)
		return;
	if (change->attribute != NULL)
		change->stored = ddb_keep_find(&writer->stored, change->attribute,
									   change->steps, change->nsteps);
	else
		change->stored = wrap(writer->stored.json, writer->stored.len);
}

/*
 * Adds the assignments for the change.  Asks for the stored item if the change
 * cannot be made without it, and tries again.
 */
static DdbKeepResult
assign(DdbItemWriter *writer, const char *key, DdbKeptChange *change,
	   DdbItemUpdate *update)
{
	DdbKeepResult result;

	change->last_word = writer->look == NULL;
	find_stored(writer, change);
	result = ddb_keep_assign(change, update);
	if (result == DDB_KEEP_DONE || change->last_word)
		return result;
	if (writer->stored.json == NULL)
		writer->stored.json =
			writer->look(writer->look_arg, key, &writer->stored.len);
	find_stored(writer, change);
	change->last_word = true;
	return ddb_keep_assign(change, update);
}

/* What was looked up once is used again for the same item. */
void
ddb_item_assign_value(DdbItemWriter *writer, const char *key,
					  DdbKeptChange *change, DdbItemUpdate *update)
{
	(void) assign(writer, key, change, update);
}

/*
 * What a value of the column is stored as, palloc'd and padded for a scanner.
 */
static DdbKeptValue
encode_value(const DdbItemWriter *writer, const DdbColumn *column, Datum value)
{
	StringInfoData json;
	DdbKeptValue encoded;

	initStringInfo(&json);
	ddb_codec_encode(ddb_codec_set_get(writer->codecs, column->attnum),
					 writer->relation, value, &json);
	enlargeStringInfo(&json, DDB_JSON_PADDING);
	encoded.json = json.data;
	encoded.len = json.len;
	return encoded;
}

/* True when what the column shows may be less than what is stored. */
static bool
shows_less(const DdbCodec *codec)
{
	return (codec->conversion == DDB_CONVERT_DOCUMENT ||
			codec->conversion == DDB_CONVERT_ARRAY) &&
		   codec->stored != DDB_STORED_SS && codec->stored != DDB_STORED_NS &&
		   codec->stored != DDB_STORED_BS;
}

/*
 * Only for columns whose new value is made of the old one, and which show less
 * than is stored.
 */
bool
ddb_item_assign_parts(DdbItemWriter *writer, const char *key,
					  const DdbColumn *column, DdbItemUpdate *update)
{
	int i = column->attnum - 1;
	DdbKeptChange change = {.attribute = column->attribute,
							.steps = column->steps,
							.nsteps = column->nsteps};

	if (!bms_is_member(column->attnum, writer->kept) || writer->nulls[i] ||
		writer->old->tts_isnull[i] ||
		!shows_less(ddb_codec_set_get(writer->codecs, column->attnum)))
		return false;
	change.old = encode_value(writer, column, writer->old->tts_values[i]);
	change.wanted = encode_value(writer, column, writer->values[i]);
	change.by_path = find_overlap(writer, column, writer->updated) == NULL;
	ddb_item_assign_value(writer, key, &change, update);
	return true;
}

/* ---- the item as a whole ---- */

static void
add_member(void *arg, const char *name, int len, const char *value,
		   int value_len)
{
	(void) ddb_item_tree_set((DdbItemNode *) arg, pnstrdup(name, len), NULL, 0,
							 value, value_len);
}

/*
 * The value of a column that shows a whole item or the overflow, as a tree of
 * attributes.
 */
static DdbItemNode *
tree_of(DdbItemWriter *writer, const DdbColumn *column, Datum value)
{
	DdbItemNode *root = ddb_item_tree_create();

	ddb_document_members(ddb_codec_set_get(writer->codecs, column->attnum),
						 writer->relation, value, add_member, root);
	return root;
}

/* Sets the attribute to what the other tree has of it, or removes it. */
static void
copy_attribute(DdbItemNode *to, const DdbItemNode *from, const char *name)
{
	int len = 0;
	const char *value = ddb_item_tree_get(from, name, &len);

	(void) ddb_item_tree_set(to, name, NULL, 0, value, len);
}

/*
 * True if the column's attribute, or something in it, is set by another
 * column.
 */
static bool
is_set_besides(const DdbItemWriter *writer, const DdbColumn *column,
			   const Bitmapset *updated)
{
	int attnum = -1;

	while ((attnum = bms_next_member(updated, attnum)) >= 0)
	{
		const DdbColumn *other = &writer->relation->columns[attnum - 1];

		if (ddb_item_is_stored(other) && !ddb_column_needs_item(other) &&
			strcmp(other->attribute, column->attribute) == 0)
			return true;
	}
	return false;
}

/* True when the document says of the attribute what it said before. */
static bool
says_the_same(const DdbItemNode *old, const DdbItemNode *wanted,
			  const char *name)
{
	int old_len;
	int len;
	const char *before = ddb_item_tree_get(old, name, &old_len);
	const char *now = ddb_item_tree_get(wanted, name, &len);

	return before != NULL && now != NULL && old_len == len &&
		   memcmp(before, now, len) == 0;
}

/*
 * Columns whose attribute the new item changes become NULL in the writer, to
 * be completed from it.
 */
DdbItemNode *
ddb_item_begin_item(DdbItemWriter *writer, const DdbColumn *column,
					const Bitmapset *updated)
{
	int i = column->attnum - 1;
	DdbItemNode *old = ddb_item_tree_create();
	DdbItemNode *given = tree_of(writer, column, writer->values[i]);

	slot_getallattrs(writer->old);
	if (!writer->old->tts_isnull[i])
		old = tree_of(writer, column, writer->old->tts_values[i]);
	for (i = 0; i < writer->relation->ncolumns; i++)
	{
		const DdbColumn *other = &writer->relation->columns[i];

		if (other == column || bms_is_member(i + 1, updated))
			continue;
		if (!ddb_item_is_stored(other) || ddb_column_needs_item(other) ||
			other->template != NULL || is_set_besides(writer, other, updated) ||
			!says_the_same(old, given, other->attribute))
			writer->nulls[i] = true;
		else if (!ddb_key_schema_has(&writer->info->keys, other->attribute))
			writer->settled = bms_add_member(writer->settled, i + 1);
	}
	return old;
}

/* Replaces the whole item if the changes are too many for one UpdateItem. */
void
ddb_item_assign_item(DdbItemWriter *writer, const char *key, DdbItemNode *old,
					 StringInfo item, DdbItemUpdate *update)
{
	DdbItemNode *wanted;
	DdbKeptChange change = {.by_path = true};

	update->whole = item->data;
	wanted = ddb_item_tree_parse(item->data, item->len);
	if (wanted == NULL)
		elog(ERROR, "an item that was composed is not well-formed");
	/* Keys never change, however the document spells them. */
	for (int i = 0; i < writer->nkeys; i++)
		copy_attribute(wanted, old, writer->key_names[i]);
	change.old = wrap_tree(old);
	change.wanted = wrap_tree(wanted);
	if (assign(writer, key, &change, update) != DDB_KEEP_TOO_LONG)
		return;
	update->item =
		change.stored.json != NULL ? ddb_keep_merge(&change) : item->data;
}
