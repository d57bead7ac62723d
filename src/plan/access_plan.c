/*
 * access_plan.c
 *		Access plans into fdw_private and back.
 *
 * fdw_private must be made of nodes that copyObject and nodeToString know, so
 * the struct becomes one flat list, written and read in the same order by the
 * two functions of each pair below.
 */
#include "postgres.h"

#include "plan/access_plan.h"

#include "nodes/value.h"

/* Reads a list of nodes one by one. */
typedef struct Reader
{
	List	   *list;
	int			next;
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

static double
get_double(Reader *reader)
{
	return floatVal(list_nth(reader->list, reader->next++));
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
	char	   *value = strVal(list_nth(reader->list, reader->next++));

	return value[0] != '\0' ? value : NULL;
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
	int			n = get_int(reader);

	for (int i = 0; i < n; i++)
	{
		part[i].name = get_string(reader);
		part[i].type = (DdbStoredType) get_int(reader);
	}
	return n;
}

static List *
put_conditions(List *list, List *conditions)
{
	ListCell   *lc;

	list = put_int(list, list_length(conditions));
	foreach(lc, conditions)
	{
		DdbKeyCondition *condition = (DdbKeyCondition *) lfirst(lc);

		list = put_int(list, condition->on_sort);
		list = put_int(list, condition->position);
		list = put_int(list, condition->op);
		list = put_int(list, condition->value);
		list = put_int(list, (int) condition->value_typid);
	}
	return list;
}

static List *
get_conditions(Reader *reader)
{
	List	   *conditions = NIL;
	int			n = get_int(reader);

	for (int i = 0; i < n; i++)
	{
		DdbKeyCondition *condition = palloc0(sizeof(DdbKeyCondition));

		condition->on_sort = get_int(reader);
		condition->position = get_int(reader);
		condition->op = (DdbKeyOperator) get_int(reader);
		condition->value = get_int(reader);
		condition->value_typid = (Oid) get_int(reader);
		conditions = lappend(conditions, condition);
	}
	return conditions;
}

static List *
put_columns(List *list, List *columns)
{
	ListCell   *lc;

	list = put_int(list, list_length(columns));
	foreach(lc, columns)
		list = put_int(list, lfirst_int(lc));
	return list;
}

static List *
get_columns(Reader *reader)
{
	List	   *columns = NIL;
	int			n = get_int(reader);

	for (int i = 0; i < n; i++)
		columns = lappend_int(columns, get_int(reader));
	return columns;
}

List *
ddb_access_plan_serialize(const DdbAccessPlan *plan)
{
	List	   *list = NIL;

	list = put_int(list, plan->operation);
	list = put_string(list, plan->table_name);
	list = put_string(list, plan->index_name);
	list = put_int(list, plan->consistent_read);
	list = put_key_part(list, plan->keys.partition, plan->keys.npartition);
	list = put_key_part(list, plan->keys.sort, plan->keys.nsort);
	list = put_conditions(list, plan->conditions);
	list = put_columns(list, plan->columns);
	list = put_columns(list, plan->recheck_columns);
	list = put_int(list, plan->count_only);
	list = put_int(list, plan->ordered);
	list = put_int(list, plan->backward);
	list = put_int(list, plan->keys_unique);
	list = put_int(list, plan->limit_value);
	list = put_int(list, plan->offset_value);
	list = put_int(list, plan->with_ties);
	list = put_int(list, plan->filtered);
	list = put_double(list, plan->selectivity);
	list = put_int(list, plan->segment);
	list = put_int(list, plan->total_segments);
	list = put_double(list, plan->table_bytes);
	list = put_double(list, plan->item_bytes);
	list = put_double(list, plan->read_units);
	return list;
}

DdbAccessPlan *
ddb_access_plan_deserialize(List *list)
{
	DdbAccessPlan *plan = palloc0(sizeof(DdbAccessPlan));
	Reader		reader = {list, 0};

	plan->operation = (DdbOperation) get_int(&reader);
	plan->table_name = get_string(&reader);
	plan->index_name = get_string(&reader);
	plan->consistent_read = get_int(&reader);
	plan->keys.npartition = get_key_part(&reader, plan->keys.partition);
	plan->keys.nsort = get_key_part(&reader, plan->keys.sort);
	plan->conditions = get_conditions(&reader);
	plan->columns = get_columns(&reader);
	plan->recheck_columns = get_columns(&reader);
	plan->count_only = get_int(&reader);
	plan->ordered = get_int(&reader);
	plan->backward = get_int(&reader);
	plan->keys_unique = get_int(&reader);
	plan->limit_value = get_int(&reader);
	plan->offset_value = get_int(&reader);
	plan->with_ties = get_int(&reader);
	plan->filtered = get_int(&reader);
	plan->selectivity = get_double(&reader);
	plan->segment = get_int(&reader);
	plan->total_segments = get_int(&reader);
	plan->table_bytes = get_double(&reader);
	plan->item_bytes = get_double(&reader);
	plan->read_units = get_double(&reader);
	Assert(reader.next == list_length(list));
	return plan;
}

const char *
ddb_access_plan_operation_name(DdbOperation operation)
{
	switch (operation)
	{
		case DDB_OP_GET_ITEM:
			return "GetItem";
		case DDB_OP_QUERY:
			return "Query";
		default:
			return "Scan";
	}
}
