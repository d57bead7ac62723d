/* SPDX-License-Identifier: PostgreSQL */
/*
 * unchanged.c
 *		What was read of an item, as the condition of writing it.
 *
 * Whole attributes are compared, as JSON here and as values by DynamoDB: so
 * what is read must hold them whole, not just members that columns show.
 */
#include "postgres.h"

#include "modify/unchanged.h"

#include "codec/json_text.h"
#include "codec/key_templates.h"
#include "lib/stringinfo.h"

/*
 * The service's limits of one expression (dynamodb.md section 2.1), less what
 * says that the item is there: 4096 bytes, 300 operators, two an attribute.
 */
#define MAX_TEXT_BYTES 4064
#define MAX_ATTRIBUTES 148

typedef struct Attribute
{
	const char *name;
	const char *value; /* JSON; NULL: it is not there */
	int len;
} Attribute;

struct DdbUnchanged
{
	int n;
	Attribute attributes[FLEXIBLE_ARRAY_MEMBER];
};

/* Raises the error of a column that shows attributes which nobody can name. */
static void
check_column(const DdbRelation *relation, const DdbColumn *column)
{
	if (ddb_column_needs_item(column))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot show column \"%s\" of rows that are updated or "
						"deleted in foreign table %s",
						column->name, relation->name),
				 errdetail("With option \"exactly_once\", rows are shown as "
						   "they were read, if that is unchanged when they are "
						   "written. The column shows many attributes, which "
						   "cannot be compared.")));
}

static bool
has_name(List *names, const char *name)
{
	ListCell *lc;

	foreach (lc, names)
		if (strcmp((char *) lfirst(lc), name) == 0)
			return true;
	return false;
}

/* Keys do not change; what they tell does not, either. */
List *
ddb_unchanged_attributes(DdbRelation *relation, const DdbKeySchema *keys,
						 List *columns)
{
	List *matched = ddb_key_templates_of_keys(relation, keys, keys);
	List *names = NIL;
	ListCell *lc;

	foreach (lc, ddb_key_templates_close(relation, columns, matched))
	{
		const DdbColumn *column = &relation->columns[lfirst_int(lc) - 1];

		if (column->source != 0)
			column = &relation->columns[column->source - 1];
		check_column(relation, column);
		if (!ddb_key_schema_has(keys, column->attribute) &&
			!has_name(names, column->attribute))
			names = lappend(names, unconstify(char *, column->attribute));
	}
	return names;
}

/* True if the update sets or removes the attribute as a whole. */
static bool
sets_whole(const DdbItemUpdate *update, const char *attribute)
{
	for (int i = 0; i < update->n; i++)
		if (update->assignments[i].nsteps == 0 &&
			strcmp(update->assignments[i].attribute, attribute) == 0)
			return true;
	return false;
}

bool
ddb_unchanged_is_told(List *attributes, const DdbItemUpdate *update)
{
	ListCell *lc;

	foreach (lc, attributes)
		if (!sets_whole(update, (char *) lfirst(lc)))
			return false;
	return true;
}

DdbUnchanged *
ddb_unchanged_note(List *attributes, const DdbItemUpdate *update,
				   const DdbItemNode *item)
{
	DdbUnchanged *unchanged =
		palloc(offsetof(DdbUnchanged, attributes) +
			   sizeof(Attribute) * list_length(attributes));
	ListCell *lc;

	unchanged->n = 0;
	foreach (lc, attributes)
	{
		Attribute *attribute = &unchanged->attributes[unchanged->n];

		attribute->name = (char *) lfirst(lc);
		if (sets_whole(update, attribute->name))
			continue;
		attribute->value =
			ddb_item_tree_get(item, attribute->name, &attribute->len);
		unchanged->n++;
	}
	return unchanged;
}

/* Begins the next element of a list. */
static void
separate(StringInfo text, const char *separator)
{
	if (text->len > 0)
		appendStringInfoString(text, separator);
}

/* Appends another condition's part, if it has any. */
static void
append_part(StringInfo text, const char *separator, const char *part)
{
	if (part[0] == '\0')
		return;
	separate(text, separator);
	appendStringInfoString(text, part);
}

/* Raises the error of a condition that no request can hold. */
static void
check_size(const DdbUnchanged *unchanged, const StringInfo text)
{
	if (text->len <= MAX_TEXT_BYTES && unchanged->n <= MAX_ATTRIBUTES)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("too many columns are shown of rows that are updated or "
					"deleted"),
			 errdetail("With option \"exactly_once\" each of their %d "
					   "attributes is compared with what was read. DynamoDB "
					   "takes %d, in an expression of %d bytes.",
					   unchanged->n, MAX_ATTRIBUTES, MAX_TEXT_BYTES),
			 errhint("Return fewer columns.")));
}

const DdbWriteCondition *
ddb_unchanged_condition(const DdbUnchanged *unchanged,
						const DdbWriteCondition *besides)
{
	DdbWriteCondition *condition;
	StringInfoData text;
	StringInfoData names;
	StringInfoData values;

	if (unchanged->n == 0)
		return besides;
	initStringInfo(&text);
	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < unchanged->n; i++)
	{
		const Attribute *attribute = &unchanged->attributes[i];

		separate(&text, " AND ");
		separate(&names, ",");
		appendStringInfo(&text,
						 attribute->value != NULL
							 ? "#u%d = :u%d"
							 : "attribute_not_exists(#u%d)",
						 i, i);
		appendStringInfo(&names, "\"#u%d\":", i);
		ddb_json_append_text(&names, attribute->name);
		if (attribute->value == NULL)
			continue;
		separate(&values, ",");
		appendStringInfo(&values, "\":u%d\":", i);
		appendBinaryStringInfo(&values, attribute->value, attribute->len);
	}
	if (besides != NULL)
	{
		append_part(&text, " AND ", besides->text);
		append_part(&names, ",", besides->names);
		append_part(&values, ",", besides->values);
	}
	check_size(unchanged, &text);
	condition = palloc(sizeof(DdbWriteCondition));
	condition->text = text.data;
	condition->names = names.data;
	condition->values = values.data;
	return condition;
}

bool
ddb_unchanged_holds(const DdbUnchanged *unchanged, const DdbItemNode *item)
{
	for (int i = 0; i < unchanged->n; i++)
	{
		const Attribute *attribute = &unchanged->attributes[i];
		int len = 0;
		const char *now = ddb_item_tree_get(item, attribute->name, &len);

		if ((now == NULL) != (attribute->value == NULL) ||
			(now != NULL && (len != attribute->len ||
							 memcmp(now, attribute->value, (size_t) len) != 0)))
			return false;
	}
	return true;
}

/* DynamoDB has taken the update, so its paths lead somewhere. */
char *
ddb_unchanged_after(DdbItemNode *item, const DdbItemUpdate *update, int *len)
{
	StringInfoData json;

	for (int i = 0; i < update->n; i++)
	{
		const DdbAssignment *assignment = &update->assignments[i];

		(void) ddb_item_tree_set(item, assignment->attribute, assignment->steps,
								 assignment->nsteps, assignment->value,
								 assignment->len);
	}
	initStringInfo(&json);
	ddb_item_tree_write(item, &json);
	*len = json.len;
	return json.data;
}
