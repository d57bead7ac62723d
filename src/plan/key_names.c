/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_names.c
 *		Column logpartition where the key is logPartition.
 *
 * SQL folds names that are not quoted, DynamoDB's names are often camelCase.
 * Such a column is NULL in every row, and a condition on it scans the table to
 * find nothing.
 */
#include "postgres.h"

#include "plan/key_names.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

/* Foreign tables (by OID) of which this session has been told. */
static List *told = NIL;

/* True if the names are the same but for case and underscores. */
static bool
resembles(const char *name, const char *attribute)
{
	for (;;)
	{
		name += strspn(name, "_");
		attribute += strspn(attribute, "_");
		if (pg_tolower((unsigned char) *name) !=
			pg_tolower((unsigned char) *attribute))
			return false;
		if (*name == '\0')
			return true;
		name++;
		attribute++;
	}
}

/* True if some column shows the attribute. */
static bool
is_shown(const DdbRelation *relation, const char *attribute)
{
	for (int i = 0; i < relation->ncolumns; i++)
		if (relation->columns[i].name != NULL &&
			ddb_column_shows(&relation->columns[i], attribute))
			return true;
	return false;
}

/* The column that was probably meant to show the attribute, or NULL. */
static const DdbColumn *
find_meant(const DdbRelation *relation, const char *attribute)
{
	for (int i = 0; i < relation->ncolumns; i++)
	{
		const DdbColumn *column = &relation->columns[i];

		if (column->name != NULL && column->reach == DDB_REACH_ATTRIBUTE &&
			!column->names_attribute && column->source == 0 &&
			resembles(column->attribute, attribute))
			return column;
	}
	return NULL;
}

/* Tells how the column is declared so that it shows the key. */
static void
tell(const DdbRelation *relation, const DdbColumn *column,
	 const char *attribute)
{
	ereport(NOTICE,
			(errmsg("column \"%s\" of foreign table %s shows no key of "
					"DynamoDB table \"%s\"",
					column->name, relation->name, relation->table_name),
			 errdetail("It shows attribute \"%s\". The key is \"%s\".",
					   column->attribute, attribute),
			 errhint("ALTER FOREIGN TABLE %s ALTER COLUMN %s OPTIONS (ADD "
					 "attribute %s);",
					 relation->name, quote_identifier(column->name),
					 quote_literal_cstr(attribute))));
}

void
ddb_key_names_check(const DdbRelation *relation, const DdbTableInfo *info)
{
	bool found = false;
	ListCell *lc;

	if (list_member_oid(told, relation->relid))
		return;
	foreach (lc, info->key_attributes)
	{
		const char *attribute = ((DdbKeyAttribute *) lfirst(lc))->name;
		const DdbColumn *column = is_shown(relation, attribute)
									  ? NULL
									  : find_meant(relation, attribute);

		if (column == NULL)
			continue;
		tell(relation, column, attribute);
		found = true;
	}
	if (found)
	{
		MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);

		told = lappend_oid(told, relation->relid);
		MemoryContextSwitchTo(before);
	}
}
