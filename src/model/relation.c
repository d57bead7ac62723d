/* SPDX-License-Identifier: PostgreSQL */
/*
 * relation.c
 *		Resolves the options and columns of a foreign table.
 *
 * Relies on the validator for the syntax of values.  Table options override
 * the server's; guards are combined so that the strictest wins.
 */
#include "postgres.h"

#include "model/relation.h"

#include <ctype.h>

#include "access/table.h"
#include "mb/pg_wchar.h"
#include "model/options.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static const struct
{
	const char *name;
	DdbStoredType type;
} stored_types[] = {
	{"S", DDB_STORED_S},       {"N", DDB_STORED_N},       {"B", DDB_STORED_B},
	{"BOOL", DDB_STORED_BOOL}, {"NULL", DDB_STORED_NULL}, {"SS", DDB_STORED_SS},
	{"NS", DDB_STORED_NS},     {"BS", DDB_STORED_BS},     {"M", DDB_STORED_M},
	{"L", DDB_STORED_L},       {"any", DDB_STORED_ANY},
};

const char *
ddb_stored_type_name(DdbStoredType type)
{
	for (int i = 0; i < (int) lengthof(stored_types); i++)
		if (stored_types[i].type == type)
			return stored_types[i].name;
	return "?";
}

/* palloc'd for formats of fixed width, static for the others. */
const char *
ddb_time_format_name(DdbTimeFormat format, int fraction_digits)
{
	static const char *const names[] = {
		[DDB_TIME_ISO8601] = "iso8601",
		[DDB_TIME_EPOCH] = "epoch",
		[DDB_TIME_EPOCH_MS] = "epoch_ms",
	};

	return format == DDB_TIME_FIXED ? psprintf("iso8601:%d", fraction_digits)
									: names[format];
}

/*
 * The stored type with this name, such as "SS"; DDB_STORED_NONE if there is
 * none.  The name need not be terminated.
 */
DdbStoredType
ddb_stored_type_from_name(const char *name, int len)
{
	for (int i = 0; i < (int) lengthof(stored_types); i++)
		if ((int) strlen(stored_types[i].name) == len &&
			memcmp(stored_types[i].name, name, len) == 0)
			return stored_types[i].type;
	return DDB_STORED_NONE;
}

/*
 * NULL, for an option that is not set, becomes DDB_SCAN_UNSET, which is less
 * strict than any policy.
 */
static DdbScanPolicy
scan_policy_from_text(const char *text)
{
	if (text == NULL)
		return DDB_SCAN_UNSET;
	if (strcmp(text, "deny") == 0)
		return DDB_SCAN_DENY;
	return strcmp(text, "warn") == 0 ? DDB_SCAN_WARN : DDB_SCAN_ALLOW;
}

/*
 * NULL, for an option that is not set, becomes DDB_MISMATCH_UNSET, so that the
 * next wider object decides.
 */
static DdbMismatchPolicy
mismatch_policy_from_text(const char *text)
{
	if (text == NULL)
		return DDB_MISMATCH_UNSET;
	return strcmp(text, "null") == 0 ? DDB_MISMATCH_NULL : DDB_MISMATCH_ERROR;
}

/*
 * Takes option "format" apart, which sets either the time format or the JSON
 * format.  NULL leaves both at their defaults.  The validator has checked the
 * text.
 */
static void
resolve_format(DdbColumn *column, const char *format)
{
	if (format == NULL)
		return;
	if (strcmp(format, "plain") == 0)
		column->json_format = DDB_JSON_PLAIN;
	else if (strcmp(format, "dynamodb") == 0)
		column->json_format = DDB_JSON_TYPED;
	else if (strcmp(format, "epoch") == 0)
		column->time_format = DDB_TIME_EPOCH;
	else if (strcmp(format, "epoch_ms") == 0)
		column->time_format = DDB_TIME_EPOCH_MS;
	else if (strncmp(format, "iso8601:", 8) == 0)
	{
		column->time_format = DDB_TIME_FIXED;
		column->fraction_digits = format[8] - '0';
	}
	else if (strcmp(format, "iso8601") == 0)
		column->time_format = DDB_TIME_ISO8601;
}

/* Names go out as UTF-8, whatever the database's encoding. */
static char *
to_utf8(const char *name)
{
	return pg_server_to_any(unconstify(char *, name), strlen(name), PG_UTF8);
}

static void
set_attribute(DdbColumn *column, const char *name)
{
	column->attribute = to_utf8(name);
	column->attribute_len = strlen(column->attribute);
}

/* Keys are UTF-8 as well. */
static void
resolve_template(DdbColumn *column, const char *option)
{
	if (option != NULL)
		column->template = pg_server_to_any(option, strlen(option), PG_UTF8);
}

/*
 * Splits option "attribute" into the attribute and the steps below it.  Names
 * become UTF-8, which is how they are compared with items.
 */
static void
resolve_path(DdbColumn *column, const char *option)
{
	List *path = ddb_path_parse(option);

	/* The validator refuses it, but it may be older than the library. */
	if (path == NIL)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("invalid value for option \"%s\": \"%s\"",
							   "attribute", option)));
	set_attribute(column, ((DdbPathStep *) linitial(path))->name);
	column->nsteps = list_length(path) - 1;
	if (column->nsteps == 0)
		return;
	column->reach = DDB_REACH_PATH;
	column->label = option;
	column->steps = palloc0(sizeof(DdbPathStep) * column->nsteps);
	for (int i = 0; i < column->nsteps; i++)
	{
		DdbPathStep *step = &column->steps[i];

		*step = *(DdbPathStep *) list_nth(path, i + 1);
		if (step->name == NULL)
			continue;
		step->name = to_utf8(step->name);
		step->len = strlen(step->name);
	}
}

/*
 * Decides what the column shows: the attribute of its own name, one named by
 * its options, a path, the whole item, or the overflow.
 */
static void
resolve_attribute(DdbColumn *column, List *options)
{
	const char *option = ddb_options_get(options, "attribute");

	column->names_attribute = option != NULL;
	if (ddb_options_bool("overflow", options, NIL))
		column->reach = DDB_REACH_OVERFLOW;
	else if (option != NULL && strcmp(option, "*") == 0)
		column->reach = DDB_REACH_ITEM;
	if (column->reach != DDB_REACH_ATTRIBUTE)
		set_attribute(column, "*");
	else if (option != NULL)
		resolve_path(column, option);
	else
		set_attribute(column, column->name);
	if (column->label == NULL)
		column->label = column->attribute;
}

/*
 * Fills in one column from the catalog.  A dropped or virtual generated column
 * gets no name, by which all others know that there is nothing to read.
 */
static void
load_column(DdbColumn *column, Relation rel, int index,
			DdbMismatchPolicy fallback)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(rel), index);
	List *options;
	const char *key;

	column->attnum = attribute->attnum;
	/* Values that are computed when they are asked for are none of items'. */
	if (attribute->attisdropped || attribute->attgenerated == 'v')
		return;
	options = GetForeignColumnOptions(RelationGetRelid(rel), attribute->attnum);
	column->name = pstrdup(NameStr(attribute->attname));
	column->typid = attribute->atttypid;
	column->typmod = attribute->atttypmod;
	column->base_typid =
		getBaseTypeAndTypmod(attribute->atttypid, &column->typmod);
	column->collation = attribute->attcollation;
	column->not_null = attribute->attnotnull;
	resolve_attribute(column, options);
	resolve_template(column, ddb_options_get(options, "template"));
	column->template_when = ddb_options_get(options, "template_when");
	column->partitions_since = ddb_options_get(options, "partitions_since");
	column->stores_null =
		ddb_options_choice_is("null_as", options, NIL, "null");
	resolve_format(column, ddb_options_get(options, "format"));
	if (ddb_options_get(options, "type") != NULL)
		column->declared_type =
			ddb_stored_type_from_name(ddb_options_get(options, "type"),
									  strlen(ddb_options_get(options, "type")));
	key = ddb_options_get(options, "key");
	if (key != NULL)
		column->declared_key =
			strcmp(key, "sort") == 0 ? DDB_KEY_SORT : DDB_KEY_PARTITION;
	column->on_type_mismatch =
		mismatch_policy_from_text(ddb_options_get(options, "on_type_mismatch"));
	if (column->on_type_mismatch == DDB_MISMATCH_UNSET)
		column->on_type_mismatch = fallback;
}

/*
 * Loads all columns, at the index attnum - 1. on_type_mismatch falls from
 * column to table to server, and is left unset if none of them says anything.
 */
static void
load_columns(DdbRelation *relation, List *server, List *table)
{
	Relation rel = table_open(relation->relid, NoLock);
	const char *text = ddb_options_get(table, "on_type_mismatch");
	DdbMismatchPolicy fallback;

	/* (The option's default is the setting's to say.) */
	if (text == NULL)
		text = ddb_options_get(server, "on_type_mismatch");
	fallback = mismatch_policy_from_text(text);
	relation->ncolumns = RelationGetDescr(rel)->natts;
	relation->columns = palloc0(sizeof(DdbColumn) * Max(relation->ncolumns, 1));
	for (int i = 0; i < relation->ncolumns; i++)
		load_column(&relation->columns[i], rel, i, fallback);
	table_close(rel, NoLock);
}

/* Names between commas, without the spaces around them; NIL of NULL. */
static List *
split_names(const char *text)
{
	List *names = NIL;

	while (text != NULL && *text != '\0')
	{
		const char *end = text + strcspn(text, ",");
		const char *next = *end == ',' ? end + 1 : end;

		while (text < end && isspace((unsigned char) *text))
			text++;
		while (end > text && isspace((unsigned char) end[-1]))
			end--;
		if (end > text)
			names = lappend(names, pnstrdup(text, end - text));
		text = next;
	}
	return names;
}

/*
 * Reads the declaration of a foreign table into the current memory context.
 * Sends no request; whether the DynamoDB table exists is not known yet.
 */
DdbRelation *
ddb_relation_load(Oid relid)
{
	DdbRelation *relation = palloc0(sizeof(DdbRelation));
	ForeignTable *table = GetForeignTable(relid);
	List *own = table->options;
	List *server;
	const char *name;
	int segments;

	relation->relid = relid;
	relation->server = GetForeignServer(table->serverid);
	server = relation->server->options;
	relation->name = quote_qualified_identifier(
		get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	name = ddb_options_get(own, "table_name");
	relation->table_name = pstrdup(name != NULL ? name : get_rel_name(relid));
	name = ddb_options_get(own, "index_name");
	relation->index_name = name != NULL ? pstrdup(name) : NULL;
	relation->consistent_read =
		ddb_options_bool("consistent_read", own, server);
	relation->complete_indexes =
		split_names(ddb_options_get(own, "complete_indexes"));
	relation->hide_expired = ddb_options_bool("hide_expired", own, NIL);
	relation->updatable = ddb_options_bool("updatable", own, server);
	relation->optimistic = ddb_options_bool("optimistic", own, server);
	relation->exactly_once = ddb_options_bool("exactly_once", own, server);
	relation->replaces = ddb_options_choice_is("insert_mode", own, NIL, "put");
	segments = ddb_options_int("total_segments", own, NIL);
	relation->segment = ddb_options_get(own, "segment") != NULL
							? ddb_options_int("segment", own, NIL)
							: -1;
	relation->total_segments = relation->segment >= 0 ? segments : 0;
	relation->scan_segments = relation->segment >= 0 ? 0 : segments;
	relation->server_scan_policy =
		scan_policy_from_text(ddb_options_get(server, "scan"));
	relation->scan_policy =
		Max(relation->server_scan_policy,
			scan_policy_from_text(ddb_options_get(own, "scan")));
	relation->max_read_units =
		ddb_options_number("max_read_units", server, NIL);
	relation->read_unit_price =
		ddb_options_number("read_unit_price", server, NIL);
	relation->write_unit_price =
		ddb_options_number("write_unit_price", server, NIL);
	load_columns(relation, server, own);
	return relation;
}

bool
ddb_column_shows(const DdbColumn *column, const char *attribute)
{
	return column->reach == DDB_REACH_ATTRIBUTE && column->source == 0 &&
		   strcmp(column->attribute, attribute) == 0;
}

/*
 * True if both columns show the same value of an item, whatever their types
 * are.
 */
bool
ddb_column_same_path(const DdbColumn *a, const DdbColumn *b)
{
	if (a->reach != b->reach || a->nsteps != b->nsteps ||
		strcmp(a->attribute, b->attribute) != 0)
		return false;
	for (int i = 0; i < a->nsteps; i++)
		if (!ddb_path_step_equal(&a->steps[i], &b->steps[i]))
			return false;
	return true;
}

bool
ddb_column_needs_item(const DdbColumn *column)
{
	return column->reach == DDB_REACH_ITEM ||
		   column->reach == DDB_REACH_OVERFLOW;
}

/* Columns that show only a part of the attribute do not count. */
DdbColumn *
ddb_relation_find_attribute(DdbRelation *relation, const char *attribute)
{
	DdbColumn *found = NULL;

	for (int i = 0; i < relation->ncolumns; i++)
	{
		DdbColumn *column = &relation->columns[i];

		if (column->name != NULL && ddb_column_shows(column, attribute) &&
			(found == NULL ||
			 (found->template == NULL && column->template != NULL)))
			found = column;
	}
	return found;
}

DdbScanPolicy
ddb_relation_scan_policy(const DdbRelation *relation)
{
	return Max(relation->scan_policy, (DdbScanPolicy) ddb_guc_scan);
}

/*
 * The stricter of the server's option and the setting; 0 if neither sets a
 * limit.
 */
double
ddb_relation_max_read_units(const DdbRelation *relation)
{
	if (relation->max_read_units <= 0)
		return ddb_guc_max_read_units;
	if (ddb_guc_max_read_units <= 0)
		return relation->max_read_units;
	return Min(relation->max_read_units, ddb_guc_max_read_units);
}

DdbMismatchPolicy
ddb_column_mismatch_policy(const DdbColumn *column)
{
	if (column->on_type_mismatch != DDB_MISMATCH_UNSET)
		return column->on_type_mismatch;
	return (DdbMismatchPolicy) ddb_guc_on_type_mismatch;
}

/*
 * Error context callback: if the key was declared by options, says so in the
 * context of DynamoDB's error.  A wrong declaration is the likely cause.
 */
static void
add_declared_key(void *arg)
{
	const DdbRelation *relation = (const DdbRelation *) arg;

	for (int i = 0; i < relation->ncolumns; i++)
		if (relation->columns[i].name != NULL &&
			relation->columns[i].declared_key != DDB_KEY_NONE)
		{
			errcontext("option \"key\" of columns of foreign table %s, which "
					   "says what its key is",
					   relation->name);
			return;
		}
}

/*
 * The callback must be in the caller's frame, and be popped before that ends.
 */
void
ddb_relation_push_declared_key(const DdbRelation *relation,
							   ErrorContextCallback *callback)
{
	callback->callback = add_declared_key;
	callback->arg = unconstify(DdbRelation *, relation);
	callback->previous = error_context_stack;
	error_context_stack = callback;
}

DdbColumn *
ddb_column_below(const DdbColumn *column, const List *path)
{
	DdbColumn *place = palloc(sizeof(DdbColumn));
	ListCell *lc;

	*place = *column;
	if (path != NIL)
		place->attnum = 0; /* no column */
	place->steps =
		palloc0(sizeof(DdbPathStep) * (column->nsteps + list_length(path) + 1));
	if (column->nsteps > 0)
		memcpy(place->steps, column->steps,
			   sizeof(DdbPathStep) * column->nsteps);
	foreach (lc, path)
	{
		DdbPathStep *step = &place->steps[place->nsteps++];

		step->name = (char *) lfirst(lc);
		step->len = strlen(step->name);
	}
	return place;
}

DdbColumn *
ddb_column_of_attribute(const char *attribute)
{
	DdbColumn *column = palloc0(sizeof(DdbColumn));

	column->attribute = pstrdup(attribute);
	column->attribute_len = strlen(attribute);
	return column;
}
