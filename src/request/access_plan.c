/* SPDX-License-Identifier: PostgreSQL */
/*
 * access_plan.c
 *		Access plans into fdw_private and back.
 *
 * fdw_private must be made of nodes that copyObject and nodeToString know, so
 * a plan becomes one flat list of numbers and strings.  A table names the
 * fields of each struct, each with its kind; setting up, writing and reading
 * walk it.  "make lint" checks that no table lacks a field.
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

typedef struct Kind Kind;

/* One field of a struct. */
typedef struct Field
{
	const Kind *kind;
	size_t offset;
} Field;

/* How values of one kind are written and read; value points at one. */
struct Kind
{
	List *(*put)(List *list, const Kind *kind, const void *value);
	void (*get)(Reader *reader, const Kind *kind, void *value);
	size_t size;
	bool may_be_absent; /* an integer that is -1 until something is said */
	const Kind *of; /* what a pointer points at; a list's elements */
	const Field *fields; /* of a struct */
	int nfields;
};

/* A kind of values of one C type; SIZE_OF_name lets FIELD compare the sizes. */
#define KIND(name, type, ...)                                                  \
	enum                                                                       \
	{                                                                          \
		SIZE_OF_##name = sizeof(type)                                          \
	};                                                                         \
	static const Kind name = {__VA_ARGS__, .size = sizeof(type)}

#define STRUCT_KIND(name, type, table)                                         \
	KIND(name, type, put_struct, get_struct, .fields = (table),                \
		 .nfields = lengthof(table))

/* An entry of a struct's table. It does not compile if the sizes differ. */
#define FIELD(name, structure, member)                                         \
	{                                                                          \
		&(name), offsetof(structure, member) +                                 \
					 0 * sizeof(char[sizeof(((structure *) 0)->member) ==      \
											 SIZE_OF_##name                    \
										 ? 1                                   \
										 : -1])                                \
	}

/* ---- numbers and names ---- */

static List *
add_int(List *list, int value)
{
	return lappend(list, makeInteger(value));
}

static Node *
next_node(Reader *reader)
{
	return (Node *) list_nth(reader->list, reader->next++);
}

static int
next_int(Reader *reader)
{
	return intVal(next_node(reader));
}

static List *
put_int(List *list, const Kind *kind, const void *value)
{
	(void) kind;
	return add_int(list, *(const int *) value);
}

static void
get_int(Reader *reader, const Kind *kind, void *value)
{
	(void) kind;
	*(int *) value = next_int(reader);
}

static List *
put_attnum(List *list, const Kind *kind, const void *value)
{
	(void) kind;
	return add_int(list, *(const AttrNumber *) value);
}

static void
get_attnum(Reader *reader, const Kind *kind, void *value)
{
	(void) kind;
	*(AttrNumber *) value = (AttrNumber) next_int(reader);
}

static List *
put_bool(List *list, const Kind *kind, const void *value)
{
	(void) kind;
	return add_int(list, *(const bool *) value);
}

static void
get_bool(Reader *reader, const Kind *kind, void *value)
{
	(void) kind;
	*(bool *) value = next_int(reader) != 0;
}

static List *
add_double(List *list, double value)
{
	return lappend(list, makeFloat(psprintf("%.17g", value)));
}

/* A whole number is read back as an integer from the text that workers get. */
static double
next_double(Reader *reader)
{
	Node *node = next_node(reader);

	return IsA(node, Integer) ? intVal(node) : floatVal(node);
}

static List *
put_double(List *list, const Kind *kind, const void *value)
{
	(void) kind;
	return add_double(list, *(const double *) value);
}

static void
get_double(Reader *reader, const Kind *kind, void *value)
{
	(void) kind;
	*(double *) value = next_double(reader);
}

static List *
put_int64(List *list, const Kind *kind, const void *value)
{
	(void) kind;
	return add_double(list, (double) *(const int64 *) value);
}

static void
get_int64(Reader *reader, const Kind *kind, void *value)
{
	(void) kind;
	*(int64 *) value = (int64) next_double(reader);
}

/* NULL travels as an empty string: no name is empty. */
static List *
put_name(List *list, const Kind *kind, const void *value)
{
	const char *name = *(char *const *) value;

	(void) kind;
	return lappend(list, makeString(pstrdup(name != NULL ? name : "")));
}

static void
get_name(Reader *reader, const Kind *kind, void *value)
{
	char *name = strVal(next_node(reader));

	(void) kind;
	*(char **) value = name[0] != '\0' ? name : NULL;
}

KIND(INT, int, put_int, get_int);
KIND(OPTIONAL_INT, int, put_int, get_int, .may_be_absent = true);
KIND(ENUM, DdbOperation, put_int, get_int);
KIND(OID, Oid, put_int, get_int);
KIND(ATTNUM, AttrNumber, put_attnum, get_attnum);
KIND(BOOL, bool, put_bool, get_bool);
KIND(DOUBLE, double, put_double, get_double);
KIND(OPTIONAL_INT64, int64, put_int64, get_int64, .may_be_absent = true);
KIND(NAME, char *, put_name, get_name);

/* ---- structs, pointers, lists ---- */

/*
 * Appends each field of the struct that its kind names, in the order of the
 * table, by which it is read again.
 */
static List *
put_struct(List *list, const Kind *kind, const void *value)
{
	for (int i = 0; i < kind->nfields; i++)
	{
		const Field *field = &kind->fields[i];

		list = field->kind->put(list, field->kind,
								(const char *) value + field->offset);
	}
	return list;
}

/*
 * Reads what put_struct() wrote into value, which is zeroed or a valid struct.
 */
static void
get_struct(Reader *reader, const Kind *kind, void *value)
{
	for (int i = 0; i < kind->nfields; i++)
	{
		const Field *field = &kind->fields[i];

		field->kind->get(reader, field->kind, (char *) value + field->offset);
	}
}

/* Whether it points at something, then what. */
static List *
put_pointer(List *list, const Kind *kind, const void *value)
{
	const void *target = *(void *const *) value;

	list = add_int(list, target != NULL);
	return target != NULL ? kind->of->put(list, kind->of, target) : list;
}

/*
 * Reads an optional struct: NULL, or a new one in the current memory context.
 */
static void
get_pointer(Reader *reader, const Kind *kind, void *value)
{
	void *target = NULL;

	if (next_int(reader))
	{
		target = palloc0(kind->of->size);
		kind->of->get(reader, kind->of, target);
	}
	*(void **) value = target;
}

/* The length of a list of pointers, then each of them. */
static List *
put_list(List *list, const Kind *kind, const void *value)
{
	List *elements = *(List *const *) value;
	ListCell *lc;

	list = add_int(list, list_length(elements));
	foreach (lc, elements)
		list = kind->of->put(list, kind->of, &lfirst(lc));
	return list;
}

/* Reads a list of structs, each palloc'd. */
static void
get_list(Reader *reader, const Kind *kind, void *value)
{
	List *elements = NIL;

	for (int n = next_int(reader); n > 0; n--)
	{
		void *element;

		kind->of->get(reader, kind->of, &element);
		elements = lappend(elements, element);
	}
	*(List **) value = elements;
}

/* Appends a list of integers: its length, then its members. */
static List *
put_ints(List *list, const Kind *kind, const void *value)
{
	List *ints = *(List *const *) value;
	ListCell *lc;

	(void) kind;
	list = add_int(list, list_length(ints));
	foreach (lc, ints)
		list = add_int(list, lfirst_int(lc));
	return list;
}

/* Reads a list of integers. */
static void
get_ints(Reader *reader, const Kind *kind, void *value)
{
	List *ints = NIL;

	(void) kind;
	for (int n = next_int(reader); n > 0; n--)
		ints = lappend_int(ints, next_int(reader));
	*(List **) value = ints;
}

KIND(INTS, List *, put_ints, get_ints);
KIND(INT_LISTS, List *, put_list, get_list, .of = &INTS);
KIND(NAMES, List *, put_list, get_list, .of = &NAME);

/* ---- keys ---- */

static const Field key_attribute_fields[] = {
	FIELD(NAME, DdbKeyAttribute, name),
	FIELD(ENUM, DdbKeyAttribute, type),
};
STRUCT_KIND(KEY_ATTRIBUTE, DdbKeyAttribute, key_attribute_fields);
KIND(KEY_ATTRIBUTE_POINTER, DdbKeyAttribute *, put_pointer, get_pointer,
	 .of = &KEY_ATTRIBUTE);
KIND(KEY_ATTRIBUTES, List *, put_list, get_list, .of = &KEY_ATTRIBUTE_POINTER);

/* Appends a key schema. */
static List *
put_keys(List *list, const Kind *kind, const void *value)
{
	const DdbKeySchema *keys = (const DdbKeySchema *) value;

	(void) kind;
	list = add_int(add_int(list, keys->n), keys->npartition);
	for (int i = 0; i < keys->n; i++)
		list = put_struct(list, &KEY_ATTRIBUTE, &keys->attributes[i]);
	return list;
}

/* Reads a key schema. */
static void
get_keys(Reader *reader, const Kind *kind, void *value)
{
	DdbKeySchema *keys = (DdbKeySchema *) value;

	(void) kind;
	keys->n = next_int(reader);
	keys->npartition = next_int(reader);
	for (int i = 0; i < keys->n; i++)
		get_struct(reader, &KEY_ATTRIBUTE, &keys->attributes[i]);
}

KIND(KEYS, DdbKeySchema, put_keys, get_keys);

static const Field partition_order_fields[] = {
	FIELD(ATTNUM, DdbPartitionOrder, column),
	FIELD(OPTIONAL_INT, DdbPartitionOrder, element),
	FIELD(OID, DdbPartitionOrder, collation),
	FIELD(BOOL, DdbPartitionOrder, descending),
};
STRUCT_KIND(PARTITION_ORDER, DdbPartitionOrder, partition_order_fields);
KIND(PARTITION_ORDER_POINTER, DdbPartitionOrder *, put_pointer, get_pointer,
	 .of = &PARTITION_ORDER);
KIND(PARTITION_ORDERS, List *, put_list, get_list,
	 .of = &PARTITION_ORDER_POINTER);

/* ---- conditions ---- */

static const Field condition_fields[] = {
	FIELD(ATTNUM, DdbCondition, column),
	FIELD(ENUM, DdbCondition, op),
	FIELD(ATTNUM, DdbCondition, other),
	FIELD(OPTIONAL_INT, DdbCondition, value),
	FIELD(OID, DdbCondition, value_typid),
	FIELD(ENUM, DdbCondition, access),
	FIELD(NAMES, DdbCondition, path),
	FIELD(OID, DdbCondition, compare),
	FIELD(OPTIONAL_INT, DdbCondition, view),
	FIELD(BOOL, DdbCondition, shifts),
	FIELD(NAME, DdbCondition, zone),
};
STRUCT_KIND(CONDITION, DdbCondition, condition_fields);
KIND(CONDITION_POINTER, DdbCondition *, put_pointer, get_pointer,
	 .of = &CONDITION);
KIND(CONDITIONS, List *, put_list, get_list, .of = &CONDITION_POINTER);
KIND(ALTERNATIVES, List *, put_list, get_list, .of = &CONDITIONS);

/* A filter has filters in it. */
static const Kind FILTER_NODE;
KIND(FILTER, DdbFilter *, put_pointer, get_pointer, .of = &FILTER_NODE);
KIND(FILTERS, List *, put_list, get_list, .of = &FILTER);

static const Field filter_fields[] = {
	FIELD(ENUM, DdbFilter, kind),
	FIELD(CONDITION, DdbFilter, condition),
	FIELD(FILTERS, DdbFilter, children),
};
STRUCT_KIND(FILTER_NODE, DdbFilter, filter_fields);

/* ---- plans ---- */

static const Field write_fields[] = {
	FIELD(BOOL, DdbWritePlan, deletes),
	FIELD(BOOL, DdbWritePlan, counts),
	FIELD(BOOL, DdbWritePlan, returns),
	FIELD(INTS, DdbWritePlan, returned),
	FIELD(INTS, DdbWritePlan, updated),
	FIELD(INT, DdbWritePlan, first_value),
	FIELD(OPTIONAL_INT, DdbWritePlan, filter),
	FIELD(BOOL, DdbWritePlan, moves),
	FIELD(BOOL, DdbWritePlan, is_blind),
	FIELD(NAMES, DdbWritePlan, checked),
	FIELD(FILTER, DdbWritePlan, condition),
	FIELD(BOOL, DdbWritePlan, rereads),
	FIELD(INTS, DdbWritePlan, kept),
};
STRUCT_KIND(WRITE_PLAN, DdbWritePlan, write_fields);
KIND(WRITE, DdbWritePlan *, put_pointer, get_pointer, .of = &WRITE_PLAN);

/* The first step's plan has the second one's in it. */
static const Kind PLAN;
KIND(PLAN_POINTER, DdbAccessPlan *, put_pointer, get_pointer, .of = &PLAN);

static const Field plan_fields[] = {
	FIELD(ENUM, DdbAccessPlan, operation),

	FIELD(NAME, DdbAccessPlan, source.table_name),
	FIELD(INT, DdbAccessPlan, source.generation),
	FIELD(NAME, DdbAccessPlan, source.index_name),
	FIELD(BOOL, DdbAccessPlan, source.index_is_local),
	FIELD(BOOL, DdbAccessPlan, source.is_consistent),
	FIELD(BOOL, DdbAccessPlan, source.is_snapshot),
	FIELD(BOOL, DdbAccessPlan, source.keys_are_unique),
	FIELD(KEYS, DdbAccessPlan, source.keys),
	FIELD(KEYS, DdbAccessPlan, source.table_keys),
	FIELD(KEY_ATTRIBUTES, DdbAccessPlan, source.key_attributes),
	FIELD(NAMES, DdbAccessPlan, source.obstacles),
	FIELD(INT_LISTS, DdbAccessPlan, source.index_columns),

	FIELD(ALTERNATIVES, DdbAccessPlan, keys.alternatives),
	FIELD(INTS, DdbAccessPlan, keys.batch_values),
	FIELD(INT, DdbAccessPlan, keys.rows_per_key),
	FIELD(BOOL, DdbAccessPlan, keys.are_many),
	FIELD(BOOL, DdbAccessPlan, keys.are_walked),
	FIELD(BOOL, DdbAccessPlan, keys.decide_match),

	FIELD(FILTER, DdbAccessPlan, filter.pushed),
	FIELD(NAME, DdbAccessPlan, filter.ttl_attribute),
	FIELD(BOOL, DdbAccessPlan, filter.ttl_is_pushed),
	FIELD(BOOL, DdbAccessPlan, filter.is_local),
	FIELD(INTS, DdbAccessPlan, filter.matched),

	FIELD(INTS, DdbAccessPlan, projection.columns),
	FIELD(INTS, DdbAccessPlan, projection.recheck_columns),
	FIELD(BOOL, DdbAccessPlan, projection.is_all),
	FIELD(BOOL, DdbAccessPlan, projection.is_count),
	FIELD(NAMES, DdbAccessPlan, projection.identity),
	FIELD(NAMES, DdbAccessPlan, projection.position),

	FIELD(BOOL, DdbAccessPlan, order.is_relied_upon),
	FIELD(BOOL, DdbAccessPlan, order.is_within_partitions),
	FIELD(BOOL, DdbAccessPlan, order.is_backward),
	FIELD(PARTITION_ORDERS, DdbAccessPlan, order.partitions),
	FIELD(NAME, DdbAccessPlan, order.obstacle),

	FIELD(OPTIONAL_INT, DdbAccessPlan, limit.count),
	FIELD(OPTIONAL_INT, DdbAccessPlan, limit.offset),
	FIELD(BOOL, DdbAccessPlan, limit.with_ties),
	FIELD(BOOL, DdbAccessPlan, limit.reads_all),
	FIELD(OPTIONAL_INT64, DdbAccessPlan, limit.hint),

	FIELD(BOOL, DdbAccessPlan, skip.is_wanted),
	FIELD(INT, DdbAccessPlan, skip.budget),
	FIELD(INT, DdbAccessPlan, skip.pays_from),

	FIELD(OPTIONAL_INT, DdbAccessPlan, segments.declared),
	FIELD(INT, DdbAccessPlan, segments.declared_total),
	FIELD(INT, DdbAccessPlan, segments.count),

	FIELD(BOOL, DdbAccessPlan, counts.are_wanted),
	FIELD(BOOL, DdbAccessPlan, counts.are_by_partition),
	FIELD(INTS, DdbAccessPlan, counts.columns),

	FIELD(DOUBLE, DdbAccessPlan, estimate.table_bytes),
	FIELD(DOUBLE, DdbAccessPlan, estimate.item_bytes),
	FIELD(DOUBLE, DdbAccessPlan, estimate.read_units),
	FIELD(DOUBLE, DdbAccessPlan, estimate.selectivity),

	FIELD(BOOL, DdbAccessPlan, runs.are_expected),
	FIELD(INTS, DdbAccessPlan, runs.varying),

	FIELD(PLAN_POINTER, DdbAccessPlan, fetch.plan),
	FIELD(BOOL, DdbAccessPlan, fetch.is_second),
	FIELD(OPTIONAL_INT, DdbAccessPlan, fetch.entry_filter),

	FIELD(WRITE, DdbAccessPlan, write),
};
STRUCT_KIND(PLAN, DdbAccessPlan, plan_fields);

/* Nothing is there, and what may be absent is. */
static void
init_struct(const Kind *kind, void *value)
{
	memset(value, 0, kind->size);
	for (int i = 0; i < kind->nfields; i++)
	{
		const Field *field = &kind->fields[i];

		if (field->kind->may_be_absent)
			memset((char *) value + field->offset, -1, field->kind->size);
	}
}

DdbCondition *
ddb_condition_of_list(AttrNumber column, Oid typid)
{
	DdbCondition *condition = palloc0(sizeof(DdbCondition));

	condition->column = column;
	condition->op = DDB_COMPARE_IN;
	condition->value = -1;
	condition->value_typid = typid;
	condition->view = -1;
	return condition;
}

void
ddb_access_plan_init(DdbAccessPlan *plan, DdbOperation operation)
{
	init_struct(&PLAN, plan);
	plan->operation = operation;
}

DdbWritePlan *
ddb_write_plan_create(void)
{
	DdbWritePlan *write = palloc(sizeof(DdbWritePlan));

	init_struct(&WRITE_PLAN, write);
	return write;
}

DdbAccessPlan *
ddb_access_plan_last_step(const DdbAccessPlan *plan)
{
	return plan->fetch.plan != NULL ? plan->fetch.plan
									: unconstify(DdbAccessPlan *, plan);
}

List *
ddb_access_plan_serialize(const DdbAccessPlan *plan)
{
	return put_struct(NIL, &PLAN, plan);
}

/*
 * The inverse of ddb_access_plan_serialize(), in the current memory context.
 * The list is not changed, and its strings are shared.
 */
DdbAccessPlan *
ddb_access_plan_deserialize(List *list)
{
	DdbAccessPlan *plan = palloc0(sizeof(DdbAccessPlan));
	Reader reader = {list, 0};

	get_struct(&reader, &PLAN, plan);
	Assert(reader.next == list_length(list));
	return plan;
}

bool
ddb_access_plan_is_filtered(const DdbAccessPlan *plan)
{
	return plan->filter.is_local || plan->filter.pushed != NULL ||
		   plan->filter.ttl_attribute != NULL;
}

/* A plan that writes without reading goes by the name of its write. */
const char *
ddb_access_plan_operation_name(const DdbAccessPlan *plan)
{
	/* The rows are not read. */
	if (plan->write != NULL && plan->write->is_blind)
		return plan->write->deletes ? "DeleteItem" : "UpdateItem";
	switch (plan->operation)
	{
		case DDB_OP_GET_ITEM:
			return plan->keys.are_many ? "BatchGetItem" : "GetItem";
		case DDB_OP_QUERY:
			return "Query";
		default:
			return "Scan";
	}
}
