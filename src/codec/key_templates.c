/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_templates.c
 *		Checks templates against columns and keys, and decides where variables
 *		have their values from.
 */
#include "postgres.h"

#include "codec/key_templates.h"

#include "catalog/pg_type.h"
#include "format/time_text.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/*
 * The column that a variable names, or NULL. Names are compared in UTF-8, as
 * templates are parsed in it.
 */
static const DdbColumn *
find_column(const DdbRelation *relation, const DdbTemplateElement *element)
{
	for (int i = 0; i < relation->ncolumns; i++)
	{
		const DdbColumn *column = &relation->columns[i];
		char *utf8;

		if (column->name == NULL)
			continue;
		utf8 = pg_server_to_any(unconstify(char *, column->name),
								strlen(column->name), PG_UTF8);
		if (strlen(utf8) == element->len &&
			memcmp(utf8, element->text, element->len) == 0)
			return column;
	}
	return NULL;
}

/*
 * Raises the error of a template that is not valid for this table. detail is a
 * whole sentence.
 */
static void
raise_wrong(const DdbRelation *relation, const DdbColumn *column,
			const char *detail)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
		 errmsg("invalid template of column \"%s\" of foreign table %s",
				column->name, relation->name),
		 errdetail("%s", detail),
		 errhint("Change the option \"template\" with ALTER FOREIGN TABLE … "
				 "ALTER COLUMN … OPTIONS (SET template '…').")));
}

/*
 * Raises an error unless the templated column is text and shows a key
 * attribute of type S, of the table or of an index.
 */
static void
check_column(const DdbRelation *relation, const DdbColumn *column,
			 List *key_attributes)
{
	DdbStoredType type =
		ddb_key_attributes_type(key_attributes, column->attribute);

	if (type == DDB_STORED_NONE)
		raise_wrong(relation, column,
					psprintf("Attribute \"%s\" is not a key of DynamoDB table "
							 "\"%s\" or of one of its indexes.",
							 column->attribute, relation->table_name));
	if (type != DDB_STORED_S)
		raise_wrong(relation, column,
					psprintf("Templates are text, but key attribute \"%s\" is "
							 "of DynamoDB type %s.",
							 column->attribute, ddb_stored_type_name(type)));
	if (column->base_typid != TEXTOID && column->base_typid != VARCHAROID)
		raise_wrong(relation, column,
					psprintf("Templates are text, but the column is of type "
							 "%s.",
							 format_type_be(column->typid)));
}

/*
 * Binds an element to the column that it names.  Literals and unnamed shards
 * have none.  Raises an error if there is no such column, or its type does not
 * suit.
 */
static void
resolve_variable(const DdbRelation *relation, DdbKeyTemplate *template, int i)
{
	DdbTemplateElement *element = &template->parsed.elements[i];
	const DdbColumn *column;

	template->variables[i].element = element;
	if (element->form == DDB_FORM_LITERAL || element->len == 0)
		return;
	column = find_column(relation, element);
	if (column == NULL)
		raise_wrong(
			relation, template->column,
			psprintf("The table has no column \"%s\".",
					 pg_any_to_server(pnstrdup(element->text, element->len),
									  element->len, PG_UTF8)));
	if (column->template != NULL)
		raise_wrong(
			relation, template->column,
			psprintf("Column \"%s\" has a template itself.", column->name));
	ddb_variable_init(&template->variables[i], relation, column, element);
}

bool
ddb_key_template_walks(const DdbVariable *variable)
{
	const DdbTemplateElement *element = variable->element;

	return variable->column != NULL && element->ordered &&
		   element->unit != DDB_UNIT_NONE && element->unit != DDB_UNIT_FRACTION;
}

/*
 * Settles where the partitions of the template begin, for queries without a
 * lower bound.  Raises an error if no variable's units can be listed.
 */
static void
resolve_since(const DdbRelation *relation, DdbKeyTemplate *template)
{
	const DdbColumn *column = template->column;
	DdbTimeParse parse;
	bool walks = false;

	for (int i = 0; i < template->parsed.n; i++)
		walks |= ddb_key_template_walks(&template->variables[i]);
	if (column->partitions_since == NULL)
		return;
	if (!walks)
		raise_wrong(relation, column,
					"Option \"partitions_since\" is for templates with a time "
					"from the year on, such as ${column:YYYY-MM-DD}.");
	template->has_since = ddb_time_parse_iso(
		column->partitions_since, strlen(column->partitions_since), &parse);
	template->since = parse.micros;
}

/*
 * Binds the column that says when the key is composed.  Raises an error if
 * there is none of this name, or if it is no boolean.
 */
static void
resolve_when(const DdbRelation *relation, DdbKeyTemplate *template)
{
	const char *name = template->column->template_when;

	for (int i = 0; name != NULL && i < relation->ncolumns; i++)
		if (relation->columns[i].name != NULL &&
			strcmp(relation->columns[i].name, name) == 0)
			template->when = &relation->columns[i];
	if (name != NULL &&
		(template->when == NULL || template->when->base_typid != BOOLOID))
		raise_wrong(relation, template->column,
					psprintf("Option \"template_when\" names \"%s\", which is "
							 "no boolean column of the table.",
							 name));
}

/*
 * Parses the template of a column and binds its variables.  Raises an error if
 * two variables could not be told apart in a key.
 */
static DdbKeyTemplate *
resolve_template(const DdbRelation *relation, const DdbColumn *column)
{
	DdbKeyTemplate *template = palloc0(sizeof(DdbKeyTemplate));
	DdbTemplateError error;

	template->column = column;
	if (!ddb_template_parse(column->template, strlen(column->template),
							&template->parsed, &error))
		raise_wrong(relation, column, psprintf("%s.", error.message));
	for (int i = 0; i < template->parsed.n; i++)
		resolve_variable(relation, template, i);
	resolve_since(relation, template);
	resolve_when(relation, template);
	if (!ddb_template_check(&template->parsed, &error))
		raise_wrong(
			relation, column,
			psprintf("In \"%s\", %s.", column->template, error.message));
	return template;
}

/*
 * The columns that show attributes of these keys, by number; table_keys,
 * unless NULL, are left out.
 */
static List *
columns_of_keys(DdbRelation *relation, const DdbKeySchema *keys,
				const DdbKeySchema *table_keys)
{
	List *columns = NIL;

	for (int i = 0; i < keys->n; i++)
	{
		const char *name = keys->attributes[i].name;
		const DdbColumn *column = ddb_relation_find_attribute(relation, name);

		if (column != NULL &&
			(table_keys == NULL || !ddb_key_schema_has(table_keys, name)))
			columns = lappend_int(columns, column->attnum);
	}
	return columns;
}

/* True if one of the columns, given by number, has a template. */
static bool
any_template(const DdbRelation *relation, List *columns)
{
	ListCell *lc;

	foreach (lc, columns)
		if (relation->columns[lfirst_int(lc) - 1].template != NULL)
			return true;
	return false;
}

/* The smallest attribute number of the list, which must not be empty. */
static int
least_column(const List *columns)
{
	int least = linitial_int(columns);
	ListCell *lc;

	foreach (lc, columns)
		least = Min(least, lfirst_int(lc));
	return least;
}

/*
 * Sorts by the least column of each list, then by their members in turn, for
 * list_sort().
 */
static int
compare_indexes(const ListCell *a, const ListCell *b)
{
	const List *left = (const List *) lfirst(a);
	const List *right = (const List *) lfirst(b);
	int difference = least_column(left) - least_column(right);
	ListCell *lc;
	ListCell *other;

	forboth(lc, left, other, right) if (difference == 0) difference =
		lfirst_int(lc) - lfirst_int(other);
	return difference != 0 ? difference
						   : list_length(left) - list_length(right);
}

/*
 * Sorted so that the same foreign table gives the same result, whatever order
 * DynamoDB lists the indexes in.
 */
List *
ddb_key_templates_index_columns(DdbRelation *relation, const DdbTableInfo *info)
{
	List *indexes = NIL;
	ListCell *lc;

	foreach (lc, info->indexes)
	{
		List *columns = columns_of_keys(
			relation, &((DdbIndexInfo *) lfirst(lc))->keys, &info->keys);

		if (any_template(relation, columns))
			indexes = lappend(indexes, columns);
	}
	list_sort(indexes, compare_indexes);
	return indexes;
}

/*
 * The columns that must match together with this one: those of its index, or
 * itself where it is in the keys of several, which have different items.
 */
static List *
find_companions(const DdbColumn *column, List *columns, List *index_columns)
{
	int indexes = 0;
	ListCell *lc;

	foreach (lc, index_columns)
		indexes += list_member_int((List *) lfirst(lc), column->attnum);
	return indexes > 1 ? list_make1_int(column->attnum) : columns;
}

/*
 * Appends the templates of one key, those that are not there yet.  index_columns
 * is NIL for the table's.
 */
static void
add_templates(const DdbRelation *relation, List *columns, List *index_columns,
			  List **templates)
{
	ListCell *lc;

	foreach (lc, columns)
	{
		const DdbColumn *column = &relation->columns[lfirst_int(lc) - 1];
		DdbKeyTemplate *template;
		bool known = false;
		ListCell *other;

		foreach (other, *templates)
			known |= ((DdbKeyTemplate *) lfirst(other))->column == column;
		if (known || column->template == NULL)
			continue;
		template = resolve_template(relation, column);
		if (template->when != NULL && index_columns == NIL)
			raise_wrong(relation, column,
						"Option \"template_when\" is for keys of indexes: no "
						"item is without the table's key.");
		if (index_columns != NIL)
			template->companions =
				find_companions(column, columns, index_columns);
		*templates = lappend(*templates, template);
	}
}

/*
 * Raises an error if another column has a template for the same attribute:
 * which of them holds would not be clear.
 */
static void
check_single(DdbRelation *relation, const DdbColumn *column)
{
	const DdbColumn *first =
		ddb_relation_find_attribute(relation, column->attribute);

	if (first != column)
		raise_wrong(relation, column,
					psprintf("Column \"%s\" has a template for attribute "
							 "\"%s\" already.",
							 first->name, column->attribute));
}

/*
 * Marks the variables whose values are taken from this template's key: those
 * without an attribute of their own that no earlier template tells.  Raises an
 * error if such a column declares a stored type.
 */
static void
take_values(DdbRelation *relation, DdbKeyTemplate *template,
			List *key_attributes)
{
	for (int i = 0; i < template->parsed.n; i++)
	{
		DdbVariable *variable = &template->variables[i];
		DdbColumn *column;

		if (variable->column == NULL)
			continue;
		column = &relation->columns[variable->column->attnum - 1];
		if (column->source != 0 || column->names_attribute ||
			ddb_key_attributes_type(key_attributes, column->attribute) !=
				DDB_STORED_NONE ||
			!ddb_variable_tells_value(variable))
			continue;
		if (column->declared_type != DDB_STORED_NONE)
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
							errmsg("option \"type\" is not allowed for column "
								   "\"%s\" of foreign table %s, which is taken "
								   "from the key in column \"%s\"",
								   column->name, relation->name,
								   template->column->name),
							errhint("Drop the option, or name the attribute of "
									"the column in option \"attribute\".")));
		column->source = template->column->attnum;
		variable->sourced = true;
	}
}

/* The variable that gives a column its values. */
static const DdbVariable *
find_source(const DdbRelation *relation, const DdbColumn *column)
{
	const DdbKeyTemplate *template =
		ddb_key_template_of_column(relation, column->source);

	return &template
				->variables[ddb_key_template_find(template, column->attnum, 0)];
}

/*
 * Values that are taken from a key are no finer than it tells, so other keys
 * need not tell more.
 */
static void
settle_exactness(const DdbRelation *relation)
{
	for (int i = 0; i < relation->templates->n; i++)
	{
		DdbKeyTemplate *template = relation->templates->items[i];

		for (int j = 0; j < template->parsed.n; j++)
		{
			DdbVariable *variable = &template->variables[j];

			if (variable->column != NULL && variable->column->source != 0)
				variable->exact = ddb_variable_is_as_fine(
					variable, find_source(relation, variable->column));
		}
	}
}

/*
 * Raises an error if a column has a template but is not a key, or has options
 * that need a template.
 */
static void
check_columns(DdbRelation *relation, List *key_attributes)
{
	for (int i = 0; i < relation->ncolumns; i++)
	{
		const DdbColumn *column = &relation->columns[i];

		if (column->name != NULL && column->template == NULL &&
			column->partitions_since != NULL)
			raise_wrong(relation, column,
						"Option \"partitions_since\" needs a template.");
		if (column->name != NULL && column->template == NULL &&
			column->template_when != NULL)
			raise_wrong(relation, column,
						"Option \"template_when\" needs a template.");
		if (column->name == NULL || column->template == NULL)
			continue;
		check_single(relation, column);
		check_column(relation, column, key_attributes);
	}
}

/*
 * Templates of the table's key come first, so that variables take their values
 * from it where they can.
 */
void
ddb_key_templates_resolve(DdbRelation *relation, const DdbKeySchema *table_keys,
						  List *key_attributes, List *index_columns)
{
	List *templates = NIL;
	DdbKeyTemplates *set;
	ListCell *lc;

	check_columns(relation, key_attributes);
	add_templates(relation, columns_of_keys(relation, table_keys, NULL), NIL,
				  &templates);
	foreach (lc, index_columns)
		add_templates(relation, (List *) lfirst(lc), index_columns, &templates);
	if (templates == NIL)
		return;
	set = palloc(sizeof(DdbKeyTemplates));
	set->n = 0;
	set->items = palloc(sizeof(DdbKeyTemplate *) * list_length(templates));
	foreach (lc, templates)
	{
		set->items[set->n++] = (DdbKeyTemplate *) lfirst(lc);
		take_values(relation, (DdbKeyTemplate *) lfirst(lc), key_attributes);
	}
	relation->templates = set;
	settle_exactness(relation);
}

/*
 * Looks at the relation's templates in their order; an attribute has at most
 * one.
 */
const DdbKeyTemplate *
ddb_key_template_of(const DdbRelation *relation, const char *attribute)
{
	for (int i = 0; relation->templates != NULL && i < relation->templates->n;
		 i++)
		if (strcmp(relation->templates->items[i]->column->attribute,
				   attribute) == 0)
			return relation->templates->items[i];
	return NULL;
}

/*
 * NULL too if the column has no template itself but shows an attribute that
 * another column's template describes.
 */
const DdbKeyTemplate *
ddb_key_template_of_column(const DdbRelation *relation, AttrNumber column)
{
	const DdbColumn *templated = &relation->columns[column - 1];

	return templated->template != NULL
			   ? ddb_key_template_of(relation, templated->attribute)
			   : NULL;
}

/*
 * A variable may occur more than once, which is why the search can be
 * continued.
 */
int
ddb_key_template_find(const DdbKeyTemplate *template, AttrNumber column,
					  int position)
{
	for (int i = position; i < template->parsed.n; i++)
		if (template->variables[i].column != NULL &&
			template->variables[i].column->attnum == column)
			return i;
	return -1;
}

/* True if the column is a variable of any template. */
bool
ddb_key_templates_use(const DdbRelation *relation, AttrNumber column)
{
	for (int i = 0; relation->templates != NULL && i < relation->templates->n;
		 i++)
		if (ddb_key_template_find(relation->templates->items[i], column, 0) >=
			0)
			return true;
	return false;
}

/* A column that says when, too, changes keys. */
bool
ddb_key_templates_depend(const DdbRelation *relation, AttrNumber column)
{
	for (int i = 0; relation->templates != NULL && i < relation->templates->n;
		 i++)
		if (relation->templates->items[i]->when != NULL &&
			relation->templates->items[i]->when->attnum == column)
			return true;
	return ddb_key_templates_use(relation, column);
}

/*
 * Templates of other indexes are not among them: they only make columns NULL.
 */
List *
ddb_key_templates_of_keys(const DdbRelation *relation,
						  const DdbKeySchema *table_keys,
						  const DdbKeySchema *keys)
{
	List *columns = NIL;

	for (int i = 0; relation->templates != NULL && i < relation->templates->n;
		 i++)
	{
		const DdbColumn *column = relation->templates->items[i]->column;

		if (ddb_key_schema_has(table_keys, column->attribute) ||
			ddb_key_schema_has(keys, column->attribute))
			columns = lappend_int(columns, column->attnum);
	}
	return columns;
}

/*
 * True if one of the columns has a template with these companions, or is taken
 * from a column that has.  Since it is not NULL, the whole key matched.
 */
static bool
any_tells(const DdbRelation *relation, List *companions, Bitmapset *columns)
{
	int member = -1;

	while ((member = bms_next_member(columns, member)) >= 0)
	{
		const DdbColumn *column = &relation->columns[member - 1];
		const DdbKeyTemplate *template;

		if (column->source != 0)
			column = &relation->columns[column->source - 1];
		template = ddb_key_template_of_column(relation, column->attnum);
		if (template != NULL && template->companions == companions)
			return true;
	}
	return false;
}

/*
 * True if one of these columns, which are known not to be NULL, implies that
 * an index key with this attribute matches.  An item that matches is in the
 * index.
 */
bool
ddb_key_templates_imply(const DdbRelation *relation, const char *attribute,
						Bitmapset *not_null)
{
	for (int i = 0; relation->templates != NULL && i < relation->templates->n;
		 i++)
	{
		List *companions = relation->templates->items[i]->companions;
		ListCell *lc;

		foreach (lc, companions)
			if (ddb_column_shows(&relation->columns[lfirst_int(lc) - 1],
								 attribute) &&
				any_tells(relation, companions, not_null))
				return true;
	}
	return false;
}

/*
 * Adds what the column's value is made of: the column that it is taken from,
 * or the variables and companions of its template.
 */
static Bitmapset *
add_parts(const DdbRelation *relation, Bitmapset *columns, AttrNumber attnum)
{
	const DdbKeyTemplate *template =
		ddb_key_template_of_column(relation, attnum);
	ListCell *lc;

	if (relation->columns[attnum - 1].source != 0)
		columns = bms_add_member(columns, relation->columns[attnum - 1].source);
	for (int i = 0; template != NULL && i < template->parsed.n; i++)
		if (template->variables[i].column != NULL)
			columns =
				bms_add_member(columns, template->variables[i].column->attnum);
	if (template == NULL)
		return columns;
	foreach (lc, template->companions)
		columns = bms_add_member(columns, lfirst_int(lc));
	return columns;
}

/*
 * columns and matched are attribute numbers.  Repeats until nothing is added,
 * since a part may be taken from a further column.
 */
List *
ddb_key_templates_close(const DdbRelation *relation, List *columns,
						List *matched)
{
	Bitmapset *closed = NULL;
	List *result = NIL;
	ListCell *lc;
	int before;
	int member = -1;

	if (relation->templates == NULL)
		return columns;
	foreach (lc, columns)
		closed = bms_add_member(closed, lfirst_int(lc));
	foreach (lc, matched)
		closed = bms_add_member(closed, lfirst_int(lc));
	do
	{
		before = bms_num_members(closed);
		member = -1;
		while ((member = bms_next_member(closed, member)) >= 0)
			closed = add_parts(relation, closed, (AttrNumber) member);
	} while (bms_num_members(closed) > before);
	member = -1;
	while ((member = bms_next_member(closed, member)) >= 0)
		result = lappend_int(result, member);
	return result;
}
