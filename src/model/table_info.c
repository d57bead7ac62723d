/* SPDX-License-Identifier: PostgreSQL */
/*
 * table_info.c
 *		What the description of a table says, asked for.
 */
#include "postgres.h"

#include "model/table_info.h"

/* The list holds the keys of the table and of all its indexes, each once. */
DdbStoredType
ddb_key_attributes_type(List *key_attributes, const char *attribute)
{
	ListCell *lc;

	foreach (lc, key_attributes)
	{
		DdbKeyAttribute *known = (DdbKeyAttribute *) lfirst(lc);

		if (strcmp(known->name, attribute) == 0)
			return known->type;
	}
	return DDB_STORED_NONE;
}

/* Finds indexes that are not active too; the caller looks at index->usable. */
DdbIndexInfo *
ddb_table_info_index(DdbTableInfo *info, const char *name)
{
	ListCell *lc;

	foreach (lc, info->indexes)
	{
		DdbIndexInfo *index = (DdbIndexInfo *) lfirst(lc);

		if (strcmp(index->name, name) == 0)
			return index;
	}
	return NULL;
}

/* True if the name stands for every index. */
static bool
is_every_index(const char *name)
{
	return strcmp(name, "*") == 0;
}

bool
ddb_table_info_is_complete(const DdbRelation *relation,
						   const DdbIndexInfo *index)
{
	ListCell *lc;

	foreach (lc, relation->complete_indexes)
		if (is_every_index((char *) lfirst(lc)) ||
			strcmp((char *) lfirst(lc), index->name) == 0)
			return true;
	return false;
}

void
ddb_table_info_check_promises(DdbTableInfo *info, const DdbRelation *relation)
{
	ListCell *lc;

	foreach (lc, relation->complete_indexes)
	{
		const char *name = (const char *) lfirst(lc);

		if (!is_every_index(name) && ddb_table_info_index(info, name) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("DynamoDB table \"%s\" has no index \"%s\"",
							relation->table_name, name),
					 errhint("Check the option \"complete_indexes\" of foreign "
							 "table %s.",
							 relation->name)));
	}
}

/*
 * Called while planning, so that a wrong declaration is an error before any
 * request reads data.
 */
DdbIndexInfo *
ddb_table_info_forced_index(DdbTableInfo *info, const DdbRelation *relation)
{
	DdbIndexInfo *index;

	if (relation->index_name == NULL)
		return NULL;
	index = ddb_table_info_index(info, relation->index_name);

	if (index == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("DynamoDB table \"%s\" has no index \"%s\"",
						relation->table_name, relation->index_name),
				 errhint("Check the option \"index_name\" of foreign table %s.",
						 relation->name)));
	if (index->unsuited != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" of foreign table %s cannot hold key "
						"attribute \"%s\" of index \"%s\"",
						index->unsuited->name, relation->name,
						index->unsuited->attribute, index->name),
				 errhint("Change the column's type or its option \"type\".")));
	if (index->global && relation->consistent_read)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("foreign table %s cannot use consistent reads of a "
						"global secondary index",
						relation->name),
				 errdetail("DynamoDB offers only eventually consistent reads "
						   "of global secondary indexes."),
				 errhint("Set \"consistent_read\" to false on the foreign "
						 "table, or drop its option \"index_name\".")));
	return index;
}

/* Partition attributes may come after sort attributes, and go before them. */
DdbKeyAttribute *
ddb_key_schema_add(DdbKeySchema *keys, DdbDeclaredKey part)
{
	int place = part == DDB_KEY_PARTITION ? keys->npartition : keys->n;
	int first = part == DDB_KEY_PARTITION ? 0 : keys->npartition;

	if (place - first >= DDB_MAX_KEY_PART)
		return NULL;
	memmove(&keys->attributes[place + 1], &keys->attributes[place],
			sizeof(DdbKeyAttribute) * (keys->n - place));
	keys->n++;
	if (part == DDB_KEY_PARTITION)
		keys->npartition++;
	return &keys->attributes[place];
}

/* Compares names by their bytes, as DynamoDB does. */
bool
ddb_key_schema_has(const DdbKeySchema *keys, const char *attribute)
{
	for (int i = 0; i < keys->n; i++)
		if (strcmp(keys->attributes[i].name, attribute) == 0)
			return true;
	return false;
}

List *
ddb_key_schema_names(const DdbKeySchema *keys)
{
	List *names = NIL;

	for (int i = 0; i < keys->n; i++)
		names = lappend(names, keys->attributes[i].name);
	return names;
}

/*
 * Columns of the whole item or the overflow take an index that projects
 * everything.
 */
bool
ddb_table_info_projects(const DdbTableInfo *info, const DdbIndexInfo *index,
						const DdbColumn *column)
{
	if (ddb_column_needs_item(column))
		return index->projection == DDB_PROJECT_ALL;
	/* What is taken from a key is there when the key is. */
	if (column->source != 0)
		return true;
	return ddb_table_info_holds(info, index, column->attribute);
}

/* columns are attribute numbers.  True for an empty list. */
bool
ddb_table_info_holds_all(const DdbTableInfo *info, const DdbRelation *relation,
						 const DdbIndexInfo *index, List *columns)
{
	ListCell *lc;

	foreach (lc, columns)
		if (!ddb_table_info_projects(info, index,
									 &relation->columns[lfirst_int(lc) - 1]))
			return false;
	return true;
}

/* Keys of the table are in each index, whatever its projection says. */
bool
ddb_table_info_holds(const DdbTableInfo *info, const DdbIndexInfo *index,
					 const char *attribute)
{
	ListCell *lc;

	if (index->projection == DDB_PROJECT_ALL)
		return true;
	/* Keys of table and index are in every projection. */
	if (ddb_key_schema_has(&index->keys, attribute) ||
		ddb_key_schema_has(&info->keys, attribute))
		return true;
	foreach (lc, index->included)
		if (strcmp((char *) lfirst(lc), attribute) == 0)
			return true;
	return false;
}
