/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_writer.c
 *		Composes items of rows, and the changes of items.
 *
 * Columns that show the whole item, or what other columns do not show, come
 * first; columns of attributes are laid over them, then those of paths, from
 * the outside in.
 */
#include "postgres.h"

#include "modify/item_writer.h"

#include "codec/decode_document.h"
#include "codec/encode.h"
#include "codec/encode_document.h"
#include "codec/json_text.h"
#include "codec/misfit.h"
#include "executor/executor.h"
#include "modify/item_diff.h"
#include "modify/item_key.h"
#include "modify/item_tree.h"
#include "utils/builtins.h"

#define NULL_VALUE "{\"NULL\":true}"

static bool
is_key_attribute(const DdbItemWriter *writer, const DdbColumn *column)
{
	return column->reach == DDB_REACH_ATTRIBUTE &&
		   ddb_key_attributes_type(writer->info->key_attributes,
								   column->attribute) != DDB_STORED_NONE;
}

/*
 * Finds the names of the table's key attributes, and the columns that show
 * them, NULL where none does.
 */
static void
find_keys(DdbItemWriter *writer)
{
	const DdbKeySchema *keys = &writer->info->keys;

	for (int i = 0; i < keys->n; i++)
	{
		writer->key_names[i] = keys->attributes[i].name;
		writer->key_columns[i] =
			ddb_relation_find_attribute(writer->relation, writer->key_names[i]);
	}
	writer->nkeys = keys->n;
}

/*
 * True if each stored column is an attribute that no other column shows, so
 * that items can be put together without a tree.
 */
static bool
is_plain(DdbRelation *relation)
{
	for (int i = 0; i < relation->ncolumns; i++)
	{
		const DdbColumn *column = &relation->columns[i];

		if (!ddb_item_is_stored(column))
			continue;
		if (column->reach != DDB_REACH_ATTRIBUTE)
			return false;
		for (int j = 0; j < i; j++)
			if (ddb_item_is_stored(&relation->columns[j]) &&
				ddb_column_shows(&relation->columns[j], column->attribute))
				return false;
	}
	return true;
}

/* Codecs are made when they are first needed. */
DdbItemWriter *
ddb_item_writer_create(DdbRelation *relation, DdbTableInfo *info)
{
	DdbItemWriter *writer = palloc0(sizeof(DdbItemWriter));

	writer->relation = relation;
	writer->info = info;
	ddb_key_templates_resolve(relation, &info->keys, info->key_attributes,
							  ddb_key_templates_index_columns(relation, info));
	writer->codecs = ddb_codec_set_create(relation, info->key_attributes);
	find_keys(writer);
	writer->plain = is_plain(relation);
	writer->values = palloc0(sizeof(Datum) * Max(relation->ncolumns, 1));
	writer->nulls = palloc0(sizeof(bool) * Max(relation->ncolumns, 1));
	return writer;
}

/* Forgets all about the row before. */
void
ddb_item_load(DdbItemWriter *writer, TupleTableSlot *slot)
{
	int n = writer->relation->ncolumns;

	slot_getallattrs(slot);
	memcpy(writer->values, slot->tts_values, sizeof(Datum) * n);
	memcpy(writer->nulls, slot->tts_isnull, sizeof(bool) * n);
	writer->updated = NULL;
	writer->completed = false;
	writer->old = NULL;
	writer->settled = NULL;
	writer->stored.json = NULL;
}

/* Does nothing if no value was completed.  The slot keeps its table OID. */
void
ddb_item_store(const DdbItemWriter *writer, TupleTableSlot *slot)
{
	Oid relid = slot->tts_tableOid;
	MemoryContext old;
	HeapTuple tuple;

	if (!writer->completed)
		return;
	/* The slot frees it when it is used again, or dropped. */
	old = MemoryContextSwitchTo(slot->tts_mcxt);
	tuple = heap_form_tuple(slot->tts_tupleDescriptor, writer->values,
							writer->nulls);
	MemoryContextSwitchTo(old);
	ExecForceStoreHeapTuple(tuple, slot, true);
	slot->tts_tableOid = relid;
}

/*
 * What the column's value is stored as, palloc'd; NULL if the attribute is
 * left out.
 */
static char *
encode_column(const DdbItemWriter *writer, const DdbColumn *column, int *len)
{
	int i = column->attnum - 1;
	StringInfoData json;

	if (writer->nulls[i] &&
		(!column->stores_null || is_key_attribute(writer, column)))
		return NULL;
	initStringInfo(&json);
	if (writer->nulls[i])
		appendStringInfoString(&json, NULL_VALUE);
	else
		ddb_codec_encode(ddb_codec_set_get(writer->codecs, column->attnum),
						 writer->relation, writer->values[i], &json);
	*len = json.len;
	return json.data;
}

/*
 * Cuts values to what their stored form keeps, so that RETURNING shows what is
 * stored.
 */
static void
cut_values(DdbItemWriter *writer)
{
	for (int i = 0; i < writer->relation->ncolumns; i++)
	{
		const DdbColumn *column = &writer->relation->columns[i];
		Datum cut;

		if (!ddb_item_is_stored(column) || writer->nulls[i])
			continue;
		cut = ddb_codec_cut(ddb_codec_set_get(writer->codecs, column->attnum),
							writer->values[i]);
		if (cut == writer->values[i])
			continue;
		writer->values[i] = cut;
		writer->completed = true;
	}
}

/* ---- items of parts ---- */

typedef struct MemberContext
{
	DdbItemWriter *writer;
	const DdbColumn *column; /* whose members they are */
	DdbItemNode *root;
} MemberContext;

/*
 * Raises an error if a column of its own shows this attribute, whose value
 * then has no place in the overflow.
 */
static void
check_overflow_member(const MemberContext *context, const char *name)
{
	DdbRelation *relation = context->writer->relation;

	for (int i = 0; i < relation->ncolumns; i++)
	{
		const DdbColumn *column = &relation->columns[i];

		if (ddb_item_is_stored(column) && ddb_column_shows(column, name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" of foreign table %s cannot hold "
							"attribute \"%s\"",
							context->column->name, relation->name, name),
					 errdetail("It holds what no other column shows, and "
							   "column \"%s\" shows this attribute.",
							   column->name),
					 errhint("Set column \"%s\" instead.", column->name)));
	}
}

/*
 * Callback: puts a member of a whole item or the overflow into the tree.
 * Raises an error if the overflow may not hold it.
 */
static void
add_member(void *arg, const char *name, int len, const char *value,
		   int value_len)
{
	MemberContext *context = (MemberContext *) arg;
	const char *copy = pnstrdup(name, len);

	if (context->column->reach == DDB_REACH_OVERFLOW)
		check_overflow_member(context, copy);
	(void) ddb_item_tree_set(context->root, copy, NULL, 0, value, value_len);
}

/* The members of a column's document, into a tree. */
static void
add_members(DdbItemWriter *writer, const DdbColumn *column, Datum value,
			DdbItemNode *root)
{
	MemberContext context = {writer, column, root};

	ddb_document_members(ddb_codec_set_get(writer->codecs, column->attnum),
						 writer->relation, value, add_member, &context);
}

/* What the document has of a column; of a set's column its array as a set. */
static bool
read_attribute(DdbItemWriter *writer, const DdbItemNode *root,
			   const DdbColumn *column, DdbAttributeValue *value)
{
	DdbStoredType stored =
		ddb_codec_set_get(writer->codecs, column->attnum)->stored;
	DdbKeptValue json = {NULL, 0};
	DdbJsonReader reader;

	json.json = ddb_item_tree_get(root, column->attribute, &json.len);
	if (json.json == NULL)
		return false;
	if (stored == DDB_STORED_SS || stored == DDB_STORED_NS ||
		stored == DDB_STORED_BS)
		(void) ddb_keep_make_set((DdbValueType) stored, &json);
	ddb_json_init(&reader, json.json, json.len);
	if (!ddb_attribute_read(&reader, value))
		elog(ERROR, "an attribute value was not well-formed");
	return value->type != DDB_VALUE_NULL;
}

/*
 * Raises the error of a document that gives an attribute a value which the
 * attribute's own column could not show.
 */
static void
raise_misfit(const DdbItemWriter *writer, const DdbCodec *codec,
			 const DdbAttributeValue *value, const char *reason)
{
	/* Not inside ereport: it catches errors. */
	char *hint = ddb_misfit_hint(writer->relation, codec, value, false);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("attribute \"%s\" does not fit column \"%s\" of foreign "
					"table %s",
					codec->column->attribute, codec->column->name,
					writer->relation->name),
			 errdetail("The document has %s.",
					   ddb_misfit_describe(codec, value, reason)),
			 errhint("%s", hint)));
}

/*
 * Fills in the columns that the document says and the row does not.  Raises an
 * error if a value does not fit its column.
 */
static void
complete_from(DdbItemWriter *writer, const DdbItemNode *root)
{
	for (int i = 0; i < writer->relation->ncolumns; i++)
	{
		const DdbColumn *column = &writer->relation->columns[i];
		DdbCodec *codec;
		DdbAttributeValue value;
		const char *reason;
		DdbDecodeResult result;

		if (!ddb_item_is_stored(column) ||
			column->reach != DDB_REACH_ATTRIBUTE || !writer->nulls[i] ||
			bms_is_member(i + 1, writer->settled) ||
			!read_attribute(writer, root, column, &value))
			continue;
		codec = ddb_codec_set_get(writer->codecs, column->attnum);
		result = ddb_codec_decode(codec, &value, DDB_MISFITS_RAISE,
								  &writer->values[i], &reason);
		if (result == DDB_DECODE_MISFIT)
			raise_misfit(writer, codec, &value, reason);
		writer->nulls[i] = result == DDB_DECODE_NULL;
		writer->completed = true;
	}
}

/*
 * Raises an error if another column that shows the same attribute or path has
 * another value for it.
 */
static void
check_agreement(const DdbItemWriter *writer, const DdbColumn *column,
				const char *json, int len)
{
	for (int i = 0; i < column->attnum - 1; i++)
	{
		const DdbColumn *other = &writer->relation->columns[i];
		int other_len;
		char *other_json;

		if (!ddb_item_is_stored(other) ||
			!ddb_column_same_path(other, column) ||
			(writer->updated != NULL && !bms_is_member(i + 1, writer->updated)))
			continue;
		other_json = encode_column(writer, other, &other_len);
		if (other_json != NULL &&
			(other_len != len || memcmp(other_json, json, len) != 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("columns \"%s\" and \"%s\" of foreign table %s "
							"have different values for attribute \"%s\"",
							other->name, column->name, writer->relation->name,
							column->label),
					 errhint("Set one of them, or both to the same value.")));
	}
}

/*
 * Raises the error of two columns of which one leads into what the other makes
 * a scalar.
 */
static void
raise_blocked_path(const DdbItemWriter *writer, const DdbColumn *column)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("cannot set column \"%s\" of foreign table %s",
						   column->name, writer->relation->name),
					errdetail("The path \"%s\" leads into a value that is "
							  "neither a map nor a list.",
							  column->label)));
}

/* Lays the columns with paths of so many steps over the tree. */
static bool
add_columns(DdbItemWriter *writer, DdbItemNode *root, int nsteps)
{
	bool more = false;

	for (int i = 0; i < writer->relation->ncolumns; i++)
	{
		const DdbColumn *column = &writer->relation->columns[i];
		char *json;
		int len;

		if (!ddb_item_is_stored(column) || ddb_column_needs_item(column) ||
			bms_is_member(i + 1, writer->settled))
			continue;
		more |= column->nsteps > nsteps;
		if (column->nsteps != nsteps)
			continue;
		json = encode_column(writer, column, &len);
		if (json == NULL)
			continue;
		check_agreement(writer, column, json, len);
		if (!ddb_item_tree_set(root, column->attribute, column->steps, nsteps,
							   json, len))
			raise_blocked_path(writer, column);
	}
	return more;
}

/*
 * i counts the parts of the key from 0: the partition key, then the sort key.
 */
void
ddb_item_raise_missing_key(const DdbItemWriter *writer, int i)
{
	const DdbColumn *column = writer->key_columns[i];
	const char *part = i == 0 ? "partition" : "sort";

	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("row for foreign table %s lacks the %s key \"%s\" of "
						"DynamoDB table \"%s\"",
						writer->relation->name, part, writer->key_names[i],
						writer->relation->table_name),
				 errhint("Add a column for the attribute to the foreign "
						 "table.")));
	ereport(
		ERROR,
		(errcode(ERRCODE_NOT_NULL_VIOLATION),
		 errmsg("null value not allowed in column \"%s\" of foreign table %s",
				column->name, writer->relation->name),
		 errdetail("The column is the %s key \"%s\" of DynamoDB table "
				   "\"%s\".",
				   part, writer->key_names[i], writer->relation->table_name)));
}

static void
append_key_part(StringInfo key, const char *name, const char *json, int len)
{
	appendStringInfoString(key, key->len > 1 ? "," : "");
	ddb_json_append_text(key, name);
	appendStringInfoChar(key, ':');
	appendBinaryStringInfo(key, json, len);
}

/*
 * Puts the item together in a tree, columns with shorter paths first, and
 * writes it and its key.
 */
static void
compose_from_tree(DdbItemWriter *writer, DdbItemNode *root, StringInfo item,
				  StringInfo key)
{
	for (int nsteps = 0; add_columns(writer, root, nsteps); nsteps++)
		;
	for (int i = 0; i < writer->nkeys; i++)
	{
		int len;
		char *json = ddb_item_tree_get(root, writer->key_names[i], &len);

		if (json == NULL)
			ddb_item_raise_missing_key(writer, i);
		append_key_part(key, writer->key_names[i], json, len);
	}
	ddb_item_tree_write(root, item);
}

/*
 * Writes the item and its key straight from the columns.  NULLs are left out,
 * unless the column stores them.
 */
static void
compose_plainly(DdbItemWriter *writer, StringInfo item, StringInfo key)
{
	bool first = true;

	appendStringInfoChar(item, '{');
	for (int i = 0; i < writer->relation->ncolumns; i++)
	{
		const DdbColumn *column = &writer->relation->columns[i];
		char *json;
		int len;

		if (!ddb_item_is_stored(column) ||
			(json = encode_column(writer, column, &len)) == NULL)
			continue;
		if (!first)
			appendStringInfoChar(item, ',');
		first = false;
		ddb_json_append_string(item, column->attribute, column->attribute_len);
		appendStringInfoChar(item, ':');
		appendBinaryStringInfo(item, json, len);
	}
	appendStringInfoChar(item, '}');
	for (int i = 0; i < writer->nkeys; i++)
	{
		char *json = NULL;
		int len = 0;

		if (writer->key_columns[i] != NULL)
			json = encode_column(writer, writer->key_columns[i], &len);
		if (json == NULL)
			ddb_item_raise_missing_key(writer, i);
		append_key_part(key, writer->key_names[i], json, len);
	}
}

/* The key that the item has stays where the new one does not say it. */
static void
keep_key(const DdbItemWriter *writer, DdbItemNode *root)
{
	DdbItemNode *own =
		ddb_item_tree_parse(writer->own_key, strlen(writer->own_key));

	for (int i = 0; i < writer->nkeys; i++)
	{
		const char *name = writer->key_names[i];
		int unused;
		int value_len;
		char *value = ddb_item_tree_get(own, name, &value_len);

		if (ddb_item_tree_get(root, name, &unused) == NULL)
			(void) ddb_item_tree_set(root, name, NULL, 0, value, value_len);
	}
}

/*
 * Raises an error if a part of the key is missing, or if columns contradict
 * each other.
 */
void
ddb_item_compose(DdbItemWriter *writer, StringInfo item, StringInfo key)
{
	DdbItemNode *root = writer->plain ? NULL : ddb_item_tree_create();

	for (int i = 0; root != NULL && i < writer->relation->ncolumns; i++)
	{
		const DdbColumn *column = &writer->relation->columns[i];

		if (ddb_item_is_stored(column) && ddb_column_needs_item(column) &&
			!writer->nulls[i])
			add_members(writer, column, writer->values[i], root);
	}
	if (root != NULL && writer->own_key != NULL)
		keep_key(writer, root);
	if (root != NULL)
		complete_from(writer, root);
	/* Keys are composed of what the attributes will be. */
	cut_values(writer);
	ddb_item_complete_keys(writer);
	appendStringInfoChar(key, '{');
	if (root != NULL)
		compose_from_tree(writer, root, item, key);
	else
		compose_plainly(writer, item, key);
	appendStringInfoChar(key, '}');
}

/* keys has a value for each part, none of which is NULL. */
void
ddb_item_append_key(const DdbItemWriter *writer, const Datum *keys,
					StringInfo json)
{
	appendStringInfoChar(json, '{');
	for (int i = 0; i < writer->nkeys; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		ddb_json_append_string(json, writer->key_names[i],
							   strlen(writer->key_names[i]));
		appendStringInfoChar(json, ':');
		ddb_codec_encode(
			ddb_codec_set_get(writer->codecs, writer->key_columns[i]->attnum),
			writer->relation, keys[i], json);
	}
	appendStringInfoChar(json, '}');
}

/* ---- updates ---- */

/* Never returns. */
void
ddb_item_raise_key_change(const DdbItemWriter *writer, const DdbColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot change column \"%s\" of foreign table %s",
					column->name, writer->relation->name),
			 errdetail("It belongs to the key of DynamoDB table \"%s\", and "
					   "keys of items cannot be changed.",
					   writer->relation->table_name),
			 errhint("INSERT a row with the new key, then DELETE the old "
					 "one.")));
}

static bool
is_table_key(const DdbItemWriter *writer, const DdbColumn *column)
{
	return column->reach == DDB_REACH_ATTRIBUTE &&
		   ddb_key_schema_has(&writer->info->keys, column->attribute);
}

bool
ddb_item_is_key(const DdbItemWriter *writer, AttrNumber column)
{
	/* A templated column gives its variables. */
	return is_table_key(writer, &writer->relation->columns[column - 1]) ||
		   writer->relation->columns[column - 1].template != NULL ||
		   ddb_key_templates_depend(writer->relation, column);
}

/* Setting a key to what it is does no harm. */
static void
check_key(const DdbItemWriter *writer, const DdbColumn *column,
		  const Datum *keys)
{
	int i = column->attnum - 1;
	int part = strcmp(column->attribute, writer->key_names[0]) == 0 ? 0 : 1;
	StringInfoData old;
	StringInfoData new;

	if (writer->nulls[i])
		ddb_item_raise_key_change(writer, column);
	initStringInfo(&old);
	initStringInfo(&new);
	ddb_codec_encode(
		ddb_codec_set_get(writer->codecs, writer->key_columns[part]->attnum),
		writer->relation, keys[part], &old);
	ddb_codec_encode(ddb_codec_set_get(writer->codecs, column->attnum),
					 writer->relation, writer->values[i], &new);
	if (strcmp(old.data, new.data) != 0)
		ddb_item_raise_key_change(writer, column);
}

/*
 * True if the assignment sets the column's value, or something that it lies
 * in.
 */
static bool
covers(const DdbAssignment *assignment, const DdbColumn *column)
{
	if (strcmp(assignment->attribute, column->attribute) != 0 ||
		assignment->nsteps > column->nsteps)
		return false;
	for (int i = 0; i < assignment->nsteps; i++)
		if (!ddb_path_step_equal(&assignment->steps[i], &column->steps[i]))
			return false;
	return true;
}

/* Sets a part of what an assignment sets already. */
static void
lay_over(const DdbItemWriter *writer, DdbAssignment *assignment,
		 const DdbColumn *column, const char *json, int len)
{
	static const char root_name[] = "value";
	DdbItemNode *root = ddb_item_tree_create();

	if (assignment->nsteps == column->nsteps)
	{
		/* An agreement that was checked; NULL says nothing. */
		if (json != NULL)
		{
			assignment->value = json;
			assignment->len = len;
		}
		return;
	}
	if (json == NULL && assignment->value == NULL)
		return;
	if (assignment->value != NULL)
		(void) ddb_item_tree_set(root, root_name, NULL, 0, assignment->value,
								 assignment->len);
	if (!ddb_item_tree_set(root, root_name, &column->steps[assignment->nsteps],
						   column->nsteps - assignment->nsteps, json, len))
		raise_blocked_path(writer, column);
	assignment->value = ddb_item_tree_get(root, root_name, &assignment->len);
}

/*
 * Adds the assignment that stores the column's value.  If an earlier
 * assignment covers it, the value is laid over that one.
 */
static void
assign_column(DdbItemWriter *writer, const char *key, const DdbColumn *column,
			  DdbItemUpdate *update)
{
	DdbAssignment *assignment;
	int len = 0;
	char *json = encode_column(writer, column, &len);

	if (json != NULL)
		check_agreement(writer, column, json, len);
	for (int i = 0; i < update->n; i++)
		if (covers(&update->assignments[i], column))
		{
			lay_over(writer, &update->assignments[i], column, json, len);
			return;
		}
	if (ddb_item_assign_parts(writer, key, column, update))
		return;
	assignment = ddb_update_add(update, column->attribute, column->steps,
								column->nsteps);
	assignment->value = json;
	assignment->len = len;
}

typedef struct OverflowContext
{
	MemberContext member;
	const char *key;
	DdbItemUpdate *update;
	DdbItemNode *old; /* the members that it had */
} OverflowContext;

static void
keep_member(void *arg, const char *name, int len, const char *value,
			int value_len)
{
	OverflowContext *context = (OverflowContext *) arg;

	(void) ddb_item_tree_set(context->old, pnstrdup(name, len), NULL, 0, value,
							 value_len);
}

/* A member that the overflow had: removed, unless it has it still. */
static void
drop_member(void *arg, const char *name, int len, const char *value,
			int value_len)
{
	OverflowContext *context = (OverflowContext *) arg;
	const char *copy = pnstrdup(name, len);
	int unused;

	(void) value;
	(void) value_len;
	if (ddb_item_tree_get(context->member.root, copy, &unused) == NULL)
		(void) ddb_update_add(context->update, copy, NULL, 0);
}

/*
 * Callback: sets what differs in an attribute of the overflow, or all of one
 * that is new.
 */
static void
assign_member(void *arg, const char *name, int len, const char *value,
			  int value_len)
{
	OverflowContext *context = (OverflowContext *) arg;
	DdbKeptChange change = {.attribute = pnstrdup(name, len)};
	DdbAssignment *assignment;

	add_member(&context->member, name, len, value, value_len);
	change.wanted.json = ddb_item_tree_get(
		context->member.root, change.attribute, &change.wanted.len);
	change.old.json =
		ddb_item_tree_get(context->old, change.attribute, &change.old.len);
	change.by_path = true;
	if (change.old.json != NULL)
	{
		ddb_item_assign_value(context->member.writer, context->key, &change,
							  context->update);
		return;
	}
	assignment = ddb_update_add(context->update, change.attribute, NULL, 0);
	assignment->value = change.wanted.json;
	assignment->len = change.wanted.len;
}

/* Its members become what the new value says, and what it lacks is removed. */
static void
assign_overflow(DdbItemWriter *writer, const char *key, const DdbColumn *column,
				DdbItemUpdate *update)
{
	OverflowContext context = {{writer, column, ddb_item_tree_create()},
							   key,
							   update,
							   ddb_item_tree_create()};
	DdbCodec *codec = ddb_codec_set_get(writer->codecs, column->attnum);
	int i = column->attnum - 1;

	slot_getallattrs(writer->old);
	if (!writer->old->tts_isnull[i])
		ddb_document_members(codec, writer->relation,
							 writer->old->tts_values[i], keep_member, &context);
	if (!writer->nulls[i])
		ddb_document_members(codec, writer->relation, writer->values[i],
							 assign_member, &context);
	if (!writer->old->tts_isnull[i])
		ddb_document_members(codec, writer->relation,
							 writer->old->tts_values[i], drop_member, &context);
}

/* The item is set as a whole; columns that are set too are laid over it. */
static void
replace_item(DdbItemWriter *writer, const DdbColumn *column,
			 const char *old_key, Bitmapset *updated, DdbItemUpdate *update)
{
	StringInfoData item;
	StringInfoData key;
	DdbItemNode *old;

	if (writer->nulls[column->attnum - 1])
		ereport(
			ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg(
				 "null value not allowed in column \"%s\" of foreign table %s",
				 column->name, writer->relation->name),
			 errdetail("The column holds the whole item.")));
	old = ddb_item_begin_item(writer, column, updated);
	initStringInfo(&item);
	initStringInfo(&key);
	writer->own_key = old_key;
	ddb_item_compose(writer, &item, &key);
	writer->own_key = NULL;
	if (strcmp(key.data, old_key) != 0)
		ddb_item_raise_key_change(writer, column);
	writer->completed = true;
	ddb_item_assign_item(writer, old_key, old, &item, update);
}

/*
 * Adds assignments for the columns whose paths have this many steps.  True if
 * there are longer ones.
 */
static bool
assign_columns(DdbItemWriter *writer, const char *key, const Datum *keys,
			   Bitmapset *updated, int nsteps, DdbItemUpdate *update)
{
	bool more = false;
	int attnum = -1;

	while ((attnum = bms_next_member(updated, attnum)) >= 0)
	{
		const DdbColumn *column = &writer->relation->columns[attnum - 1];

		if (!ddb_item_is_stored(column) || ddb_column_needs_item(column))
			continue;
		more |= column->nsteps > nsteps;
		if (column->nsteps != nsteps)
			continue;
		if (is_table_key(writer, column))
			check_key(writer, column, keys);
		else
			assign_column(writer, key, column, update);
	}
	return more;
}

/*
 * Columns whose value stays are left out.  Raises an error if a key of the
 * table would change.
 */
void
ddb_item_update(DdbItemWriter *writer, TupleTableSlot *old, const char *key,
				const Datum *keys, Bitmapset *updated, DdbItemUpdate *update)
{
	int attnum = -1;

	memset(update, 0, sizeof(*update));
	writer->old = old;
	while ((attnum = bms_next_member(updated, attnum)) >= 0)
		if (writer->relation->columns[attnum - 1].reach == DDB_REACH_ITEM)
		{
			replace_item(writer, &writer->relation->columns[attnum - 1], key,
						 updated, update);
			return;
		}
	cut_values(writer);
	ddb_item_recompose_keys(writer, keys, &updated);
	if (writer->kept != NULL)
	{
		slot_getallattrs(old);
		updated = ddb_item_changed_columns(writer, updated);
	}
	writer->updated = updated;
	attnum = -1;
	while ((attnum = bms_next_member(updated, attnum)) >= 0)
		if (writer->relation->columns[attnum - 1].reach == DDB_REACH_OVERFLOW)
			assign_overflow(writer, key, &writer->relation->columns[attnum - 1],
							update);
	for (int nsteps = 0;
		 assign_columns(writer, key, keys, updated, nsteps, update); nsteps++)
		;
}

/* What these columns show of the old row, into a tree. */
static void
add_old_values(DdbItemWriter *writer, TupleTableSlot *old,
			   const Bitmapset *columns, DdbItemNode *root)
{
	Datum *values = writer->values;
	bool *nulls = writer->nulls;
	int attnum = -1;

	slot_getallattrs(old);
	writer->values = old->tts_values;
	writer->nulls = old->tts_isnull;
	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		const DdbColumn *column = &writer->relation->columns[attnum - 1];
		char *json;
		int len;

		if (!ddb_item_is_stored(column) || writer->nulls[attnum - 1])
			continue;
		if (ddb_column_needs_item(column))
			add_members(writer, column, writer->values[attnum - 1], root);
		else if ((json = encode_column(writer, column, &len)) != NULL)
			(void) ddb_item_tree_set(root, column->attribute, column->steps,
									 column->nsteps, json, len);
	}
	writer->values = values;
	writer->nulls = nulls;
}

/* The result has the key and these columns, and may lack all else. palloc'd. */
char *
ddb_item_after_update(DdbItemWriter *writer, TupleTableSlot *old,
					  const char *key, const DdbItemUpdate *update,
					  const Bitmapset *columns)
{
	DdbItemNode *root = ddb_item_tree_parse(key, strlen(key));
	StringInfoData item;

	if (root == NULL)
		elog(ERROR, "a key that was composed is not well-formed");
	if (old != NULL)
		add_old_values(writer, old, columns, root);
	for (int i = 0; i < update->n; i++)
		(void) ddb_item_tree_set(
			root, update->assignments[i].attribute,
			update->assignments[i].steps, update->assignments[i].nsteps,
			update->assignments[i].value, update->assignments[i].len);
	initStringInfo(&item);
	ddb_item_tree_write(root, &item);
	return item.data;
}
