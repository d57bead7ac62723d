/* SPDX-License-Identifier: PostgreSQL */
/*
 * access_plan.c
 *		Access plans into fdw_private and back.
 *
 * fdw_private must be made of nodes that copyObject and nodeToString know, so
 * the struct becomes one flat list, written and read in the same order by the
 * two functions of each pair below.
 */
#include "postgres.h"

#include "request/access_plan.h"

#include "nodes/value.h"

/* Reads a list of nodes one by one. */
typedef struct Reader
{
	List *list;
	int next;
} Reader;

static List *
put_int(List *list, int value)
{
	return lappend(list, makeInteger(value));
}

static int
get_int(Reader *reader)
{
	return intVal(list_nth(reader->list, reader->next++));
}

static List *
put_double(List *list, double value)
{
	return lappend(list, makeFloat(psprintf("%.17g", value)));
}

/* A whole number is read back as an integer from the text that workers get. */
static double
get_double(Reader *reader)
{
	Node *node = (Node *) list_nth(reader->list, reader->next++);

	return IsA(node, Integer) ? intVal(node) : floatVal(node);
}

/* NULL travels as an empty string: no name is empty. */
static List *
put_string(List *list, const char *value)
{
	return lappend(list, makeString(pstrdup(value != NULL ? value : "")));
}

static char *
get_string(Reader *reader)
{
	char *value = strVal(list_nth(reader->list, reader->next++));

	return value[0] != '\0' ? value : NULL;
}

static List *
put_names(List *list, List *names)
{
	ListCell *lc;

	list = put_int(list, list_length(names));
	foreach (lc, names)
		list = put_string(list, (char *) lfirst(lc));
	return list;
}

static List *
get_names(Reader *reader)
{
	List *names = NIL;

	for (int n = get_int(reader); n > 0; n--)
		names = lappend(names, get_string(reader));
	return names;
}

static List *
put_key_part(List *list, const DdbKeyAttribute *part, int n)
{
	list = put_int(list, n);
	for (int i = 0; i < n; i++)
	{
		list = put_string(list, part[i].name);
		list = put_int(list, part[i].type);
	}
	return list;
}

static int
get_key_part(Reader *reader, DdbKeyAttribute *part)
{
	int n = get_int(reader);

	for (int i = 0; i < n; i++)
	{
		part[i].name = get_string(reader);
		part[i].type = (DdbStoredType) get_int(reader);
	}
	return n;
}

static List *
put_keys(List *list, const DdbKeySchema *keys)
{
	list = put_key_part(list, keys->partition, keys->npartition);
	return put_key_part(list, keys->sort, keys->nsort);
}

static void
get_keys(Reader *reader, DdbKeySchema *keys)
{
	keys->npartition = get_key_part(reader, keys->partition);
	keys->nsort = get_key_part(reader, keys->sort);
}

static List *
put_key_attributes(List *list, List *attributes)
{
	ListCell *lc;

	list = put_int(list, list_length(attributes));
	foreach (lc, attributes)
	{
		list = put_string(list, ((DdbKeyAttribute *) lfirst(lc))->name);
		list = put_int(list, ((DdbKeyAttribute *) lfirst(lc))->type);
	}
	return list;
}

static List *
get_key_attributes(Reader *reader)
{
	List *attributes = NIL;
	int n = get_int(reader);

	for (int i = 0; i < n; i++)
	{
		DdbKeyAttribute *attribute = palloc0(sizeof(DdbKeyAttribute));

		attribute->name = get_string(reader);
		attribute->type = (DdbStoredType) get_int(reader);
		attributes = lappend(attributes, attribute);
	}
	return attributes;
}

static List *
put_condition(List *list, const DdbCondition *condition)
{
	list = put_int(list, condition->column);
	list = put_int(list, condition->op);
	list = put_int(list, condition->other);
	list = put_int(list, condition->value);
	list = put_int(list, (int) condition->value_typid);
	list = put_int(list, condition->access);
	return put_names(list, condition->path);
}

static void
get_condition(Reader *reader, DdbCondition *condition)
{
	condition->column = get_int(reader);
	condition->op = (DdbCompare) get_int(reader);
	condition->other = get_int(reader);
	condition->value = get_int(reader);
	condition->value_typid = (Oid) get_int(reader);
	condition->access = (DdbAccess) get_int(reader);
	condition->path = get_names(reader);
}

static List *
put_alternatives(List *list, List *alternatives)
{
	ListCell *lc;

	list = put_int(list, list_length(alternatives));
	foreach (lc, alternatives)
	{
		List *conditions = (List *) lfirst(lc);
		ListCell *inner;

		list = put_int(list, list_length(conditions));
		foreach (inner, conditions)
			list = put_condition(list, (DdbCondition *) lfirst(inner));
	}
	return list;
}

static List *
get_alternatives(Reader *reader)
{
	List *alternatives = NIL;
	int n = get_int(reader);

	for (int i = 0; i < n; i++)
	{
		List *conditions = NIL;
		int m = get_int(reader);

		for (int j = 0; j < m; j++)
		{
			DdbCondition *condition = palloc0(sizeof(DdbCondition));

			get_condition(reader, condition);
			conditions = lappend(conditions, condition);
		}
		alternatives = lappend(alternatives, conditions);
	}
	return alternatives;
}

static List *
put_partition_order(List *list, List *order)
{
	ListCell *lc;

	list = put_int(list, list_length(order));
	foreach (lc, order)
	{
		DdbPartitionOrder *key = (DdbPartitionOrder *) lfirst(lc);

		list = put_int(list, key->column);
		list = put_int(list, key->element);
		list = put_int(list, (int) key->collation);
		list = put_int(list, key->descending);
	}
	return list;
}

static List *
get_partition_order(Reader *reader)
{
	List *order = NIL;
	int n = get_int(reader);

	for (int i = 0; i < n; i++)
	{
		DdbPartitionOrder *key = palloc(sizeof(DdbPartitionOrder));

		key->column = get_int(reader);
		key->element = get_int(reader);
		key->collation = (Oid) get_int(reader);
		key->descending = get_int(reader);
		order = lappend(order, key);
	}
	return order;
}

/* Prefix notation; -1 stands for no filter. */
static List *
put_filter(List *list, const DdbFilter *filter)
{
	ListCell *lc;

	if (filter == NULL)
		return put_int(list, -1);
	list = put_int(list, filter->kind);
	if (filter->kind == DDB_FILTER_CONDITION)
		return put_condition(list, &filter->condition);
	list = put_int(list, list_length(filter->children));
	foreach (lc, filter->children)
		list = put_filter(list, (DdbFilter *) lfirst(lc));
	return list;
}

static DdbFilter *
get_filter(Reader *reader)
{
	int kind = get_int(reader);
	DdbFilter *filter;
	int n;

	if (kind < 0)
		return NULL;
	filter = palloc0(sizeof(DdbFilter));
	filter->kind = (DdbFilterKind) kind;
	if (filter->kind == DDB_FILTER_CONDITION)
	{
		get_condition(reader, &filter->condition);
		return filter;
	}
	n = get_int(reader);
	for (int i = 0; i < n; i++)
		filter->children = lappend(filter->children, get_filter(reader));
	return filter;
}

static List *
put_columns(List *list, List *columns)
{
	ListCell *lc;

	list = put_int(list, list_length(columns));
	foreach (lc, columns)
		list = put_int(list, lfirst_int(lc));
	return list;
}

static List *
get_columns(Reader *reader)
{
	List *columns = NIL;
	int n = get_int(reader);

	for (int i = 0; i < n; i++)
		columns = lappend_int(columns, get_int(reader));
	return columns;
}

static List *
put_column_lists(List *list, List *lists)
{
	ListCell *lc;

	list = put_int(list, list_length(lists));
	foreach (lc, lists)
		list = put_columns(list, (List *) lfirst(lc));
	return list;
}

static List *
get_column_lists(Reader *reader)
{
	List *lists = NIL;
	int n = get_int(reader);

	for (int i = 0; i < n; i++)
		lists = lappend(lists, get_columns(reader));
	return lists;
}

static List *
put_write(List *list, const DdbWritePlan *write)
{
	list = put_int(list, write != NULL);
	if (write == NULL)
		return list;
	list = put_int(list, write->deletes);
	list = put_int(list, write->counts);
	list = put_int(list, write->returns);
	list = put_columns(list, write->returned);
	list = put_columns(list, write->updated);
	list = put_int(list, write->first_value);
	list = put_int(list, write->filter);
	list = put_int(list, write->moves);
	list = put_int(list, write->blind);
	list = put_int(list, write->rereads);
	list = put_columns(list, write->kept);
	list = put_names(list, write->checked);
	return put_filter(list, write->condition);
}

static DdbWritePlan *
get_write(Reader *reader)
{
	DdbWritePlan *write;

	if (!get_int(reader))
		return NULL;
	write = palloc(sizeof(DdbWritePlan));
	write->deletes = get_int(reader);
	write->counts = get_int(reader);
	write->returns = get_int(reader);
	write->returned = get_columns(reader);
	write->updated = get_columns(reader);
	write->first_value = get_int(reader);
	write->filter = get_int(reader);
	write->moves = get_int(reader);
	write->blind = get_int(reader);
	write->rereads = get_int(reader);
	write->kept = get_columns(reader);
	write->checked = get_names(reader);
	write->condition = get_filter(reader);
	return write;
}

List *
ddb_access_plan_serialize(const DdbAccessPlan *plan)
{
	List *list = NIL;

	list = put_int(list, plan->operation);
	list = put_string(list, plan->table_name);
	list = put_int(list, plan->description);
	list = put_string(list, plan->index_name);
	list = put_int(list, plan->index_is_local);
	list = put_int(list, plan->consistent_read);
	list = put_keys(list, &plan->keys);
	list = put_keys(list, &plan->table_keys);
	list = put_key_attributes(list, plan->key_attributes);
	list = put_alternatives(list, plan->alternatives);
	list = put_columns(list, plan->batch_values);
	list = put_int(list, plan->rows_per_key);
	list = put_filter(list, plan->filter);
	list = put_string(list, plan->ttl_attribute);
	list = put_int(list, plan->ttl_in_filter);
	list = put_column_lists(list, plan->index_columns);
	list = put_columns(list, plan->matched);
	list = put_int(list, plan->many);
	list = put_int(list, plan->walks);
	list = put_columns(list, plan->columns);
	list = put_columns(list, plan->recheck_columns);
	list = put_int(list, plan->all_projected);
	list = put_int(list, plan->count_only);
	list = put_int(list, plan->skips);
	list = put_int(list, plan->skip_budget);
	list = put_int(list, plan->skip_pays);
	list = put_int(list, plan->aggregated);
	list = put_int(list, plan->grouped);
	list = put_columns(list, plan->counted);
	list = put_int(list, plan->ordered);
	list = put_int(list, plan->items_ordered);
	list = put_int(list, plan->backward);
	list = put_partition_order(list, plan->partition_order);
	list = put_int(list, plan->keys_unique);
	list = put_int(list, plan->limit_value);
	list = put_int(list, plan->offset_value);
	list = put_int(list, plan->reads_all);
	list = put_double(list, (double) plan->limit_hint);
	list = put_int(list, plan->with_ties);
	list = put_int(list, plan->filtered);
	list = put_int(list, plan->snapshot);
	list = put_double(list, plan->selectivity);
	list = put_int(list, plan->segment);
	list = put_int(list, plan->total_segments);
	list = put_int(list, plan->segments);
	list = put_double(list, plan->table_bytes);
	list = put_double(list, plan->item_bytes);
	list = put_double(list, plan->read_units);
	list = put_int(list, plan->by_entries);
	list = put_names(list, plan->identity);
	list = put_names(list, plan->position);
	list = put_int(list, plan->entry_filter);
	list = put_int(list, plan->keys_match);
	list = put_write(list, plan->write);
	list = put_int(list, plan->fetch != NULL);
	if (plan->fetch != NULL)
		list = lappend(list, ddb_access_plan_serialize(plan->fetch));
	return list;
}

DdbAccessPlan *
ddb_access_plan_deserialize(List *list)
{
	DdbAccessPlan *plan = palloc0(sizeof(DdbAccessPlan));
	Reader reader = {list, 0};

	plan->operation = (DdbOperation) get_int(&reader);
	plan->table_name = get_string(&reader);
	plan->description = get_int(&reader);
	plan->index_name = get_string(&reader);
	plan->index_is_local = get_int(&reader);
	plan->consistent_read = get_int(&reader);
	get_keys(&reader, &plan->keys);
	get_keys(&reader, &plan->table_keys);
	plan->key_attributes = get_key_attributes(&reader);
	plan->alternatives = get_alternatives(&reader);
	plan->batch_values = get_columns(&reader);
	plan->rows_per_key = get_int(&reader);
	plan->filter = get_filter(&reader);
	plan->ttl_attribute = get_string(&reader);
	plan->ttl_in_filter = get_int(&reader);
	plan->index_columns = get_column_lists(&reader);
	plan->matched = get_columns(&reader);
	plan->many = get_int(&reader);
	plan->walks = get_int(&reader);
	plan->columns = get_columns(&reader);
	plan->recheck_columns = get_columns(&reader);
	plan->all_projected = get_int(&reader);
	plan->count_only = get_int(&reader);
	plan->skips = get_int(&reader);
	plan->skip_budget = get_int(&reader);
	plan->skip_pays = get_int(&reader);
	plan->aggregated = get_int(&reader);
	plan->grouped = get_int(&reader);
	plan->counted = get_columns(&reader);
	plan->ordered = get_int(&reader);
	plan->items_ordered = get_int(&reader);
	plan->backward = get_int(&reader);
	plan->partition_order = get_partition_order(&reader);
	plan->keys_unique = get_int(&reader);
	plan->limit_value = get_int(&reader);
	plan->offset_value = get_int(&reader);
	plan->reads_all = get_int(&reader);
	plan->limit_hint = (int64) get_double(&reader);
	plan->with_ties = get_int(&reader);
	plan->filtered = get_int(&reader);
	plan->snapshot = get_int(&reader);
	plan->selectivity = get_double(&reader);
	plan->segment = get_int(&reader);
	plan->total_segments = get_int(&reader);
	plan->segments = get_int(&reader);
	plan->table_bytes = get_double(&reader);
	plan->item_bytes = get_double(&reader);
	plan->read_units = get_double(&reader);
	plan->by_entries = get_int(&reader);
	plan->identity = get_names(&reader);
	plan->position = get_names(&reader);
	plan->entry_filter = get_int(&reader);
	plan->keys_match = get_int(&reader);
	plan->write = get_write(&reader);
	if (get_int(&reader))
		plan->fetch = ddb_access_plan_deserialize(
			(List *) list_nth(reader.list, reader.next++));
	Assert(reader.next == list_length(list));
	return plan;
}

const char *
ddb_access_plan_operation_name(const DdbAccessPlan *plan)
{
	/* The rows are not read. */
	if (plan->write != NULL && plan->write->blind)
		return plan->write->deletes ? "DeleteItem" : "UpdateItem";
	switch (plan->operation)
	{
		case DDB_OP_GET_ITEM:
			return plan->many ? "BatchGetItem" : "GetItem";
		case DDB_OP_QUERY:
			return "Query";
		default:
			return "Scan";
	}
}
