/*
 * targets.c
 *		Multiplies values out, and makes what is left disjoint.
 */
#include "postgres.h"

#include "exec/targets.h"

#include "exec/values.h"
#include "miscadmin.h"

/*
 * Keys that one run asks for, at most: each takes half a kilobyte here, and a
 * thousand batches are long past what a Scan costs.
 */
#define MAX_TARGETS 100000

/* What resolving needs at hand. */
typedef struct Context
{
	ForeignScanState *node;
	const DdbAccessPlan *plan;
	List *values;
	const DdbKeyRows *keys;
	DdbCodecSet *codecs;
} Context;

/* A growing array of targets. */
typedef struct TargetList
{
	DdbTarget *items;
	int n;
	int room;
} TargetList;

static DdbTarget *
add_target(TargetList *list, const DdbTarget *target)
{
	if (list->n == list->room)
	{
		list->room = Max(8, list->room * 2);
		list->items =
			list->items == NULL
				? palloc_extended(sizeof(DdbTarget) * list->room,
								  MCXT_ALLOC_HUGE)
				: repalloc_huge(list->items, sizeof(DdbTarget) * list->room);
	}
	list->items[list->n] = *target;
	return &list->items[list->n++];
}

/* The range of a target that a column's condition bears on; its limit. */
static DdbKeyRange *
find_range(const Context *context, DdbTarget *target, AttrNumber column,
		   int *max_len)
{
	const DdbKeySchema *keys = &context->plan->keys;
	const char *attribute =
		context->codecs->relation->columns[column - 1].attribute;

	for (int i = 0; i < keys->npartition; i++)
	{
		*max_len = DDB_MAX_PARTITION_KEY_BYTES;
		if (strcmp(keys->partition[i].name, attribute) == 0)
			return &target->partition[i];
	}
	for (int i = 0; i < keys->nsort; i++)
	{
		*max_len = DDB_MAX_SORT_KEY_BYTES;
		if (strcmp(keys->sort[i].name, attribute) == 0)
			return &target->sort[i];
	}
	elog(ERROR, "condition on attribute \"%s\", which is not in the key",
		 attribute);
}

static void
add_value(const Context *context, DdbTarget *target,
		  const DdbCondition *condition, DdbCompare op, Datum value)
{
	int max_len;
	DdbKeyRange *range =
		find_range(context, target, condition->column, &max_len);

	ddb_key_range_add(range,
					  ddb_codec_set_get(context->codecs, condition->column), op,
					  value, condition->value_typid, max_len);
}

/* Every target once for each element; none for NULL elements. */
static void
multiply(const Context *context, TargetList *list,
		 const DdbCondition *condition, Datum array)
{
	TargetList result = {NULL, 0, 0};
	Datum *values;
	bool *nulls;
	int n = ddb_values_elements(array, &values, &nulls);

	if ((double) list->n * n > MAX_TARGETS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many combinations of key values for DynamoDB "
						"table \"%s\"",
						context->plan->table_name),
				 errdetail("Lists in the query make more than %d keys.",
						   MAX_TARGETS),
				 errhint("Use shorter lists, or join with a table that holds "
						 "the values.")));
	for (int i = 0; i < list->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < n; j++)
			if (!nulls[j])
				add_value(context, add_target(&result, &list->items[i]),
						  condition, DDB_COMPARE_EQ, values[j]);
	}
	*list = result;
}

/* Where in a row of keys the condition's value is; -1: not there. */
static int
place_in_keys(const Context *context, const DdbCondition *condition)
{
	int place = 0;
	ListCell *lc;

	foreach (lc, context->plan->batch_values)
	{
		if (lfirst_int(lc) == condition->value)
			return place;
		place++;
	}
	return -1;
}

/* The target once for each row of keys; by itself where no keys are given. */
static void
add_key_rows(const Context *context, List *conditions, const DdbTarget *target,
			 TargetList *list)
{
	int width = list_length(context->plan->batch_values);

	if (width == 0)
		(void) add_target(list, target);
	for (int i = 0; width > 0 && i < context->keys->n; i++)
	{
		const Datum *row = &context->keys->values[(Size) i * width];
		DdbTarget *added = add_target(list, target);
		ListCell *lc;

		foreach (lc, conditions)
		{
			DdbCondition *condition = (DdbCondition *) lfirst(lc);
			int place = place_in_keys(context, condition);

			if (place >= 0)
				add_value(context, added, condition, condition->op, row[place]);
		}
	}
}

/*
 * The targets of one alternative.  Lists come last, so that they multiply what
 * is already narrowed.  A NULL value means that there are none.
 */
static void
resolve_alternative(const Context *context, List *conditions, TargetList *list)
{
	DdbTarget target;
	ListCell *lc;
	Datum value;

	memset(&target, 0, sizeof(target));
	foreach (lc, conditions)
	{
		DdbCondition *condition = (DdbCondition *) lfirst(lc);

		if (condition->op == DDB_COMPARE_IN ||
			place_in_keys(context, condition) >= 0)
			continue;
		if (!ddb_values_evaluate(context->node, context->values,
								 condition->value, &value))
			return;
		add_value(context, &target, condition, condition->op, value);
	}
	add_key_rows(context, conditions, &target, list);
	foreach (lc, conditions)
	{
		DdbCondition *condition = (DdbCondition *) lfirst(lc);

		if (condition->op != DDB_COMPARE_IN)
			continue;
		if (!ddb_values_evaluate(context->node, context->values,
								 condition->value, &value))
		{
			list->n = 0;
			return;
		}
		multiply(context, list, condition, value);
	}
}

/* Partitions are values, so where a range begins says it all. */
static int
compare_partitions(const DdbAccessPlan *plan, const DdbTarget *a,
				   const DdbTarget *b)
{
	for (int i = 0; i < plan->keys.npartition; i++)
	{
		int order =
			ddb_bound_compare(&a->partition[i].lower, &b->partition[i].lower);

		if (order != 0)
			return order;
	}
	return 0;
}

bool
ddb_target_same_partition(const DdbAccessPlan *plan, const DdbTarget *a,
						  const DdbTarget *b)
{
	return compare_partitions(plan, a, b) == 0;
}

static int
compare_targets(const void *a, const void *b, void *arg)
{
	const DdbAccessPlan *plan = (const DdbAccessPlan *) arg;
	const DdbTarget *x = (const DdbTarget *) a;
	const DdbTarget *y = (const DdbTarget *) b;
	int order = compare_partitions(plan, x, y);

	for (int i = 0; order == 0 && i < plan->keys.nsort; i++)
		order = ddb_key_range_compare(&x->sort[i], &y->sort[i]);
	return order;
}

/*
 * Where two targets of one partition first differ; nsort when nowhere.
 */
static int
first_difference(const DdbAccessPlan *plan, const DdbTarget *a,
				 const DdbTarget *b)
{
	int i = 0;

	while (i < plan->keys.nsort &&
		   ddb_key_range_compare(&a->sort[i], &b->sort[i]) == 0)
		i++;
	return i;
}

/* Is nothing said of the sort attributes behind this one? */
static bool
is_last_range(const DdbAccessPlan *plan, const DdbTarget *target, int position)
{
	return position + 1 >= plan->keys.nsort ||
		   ddb_key_range_is_open(&target->sort[position + 1]);
}

typedef enum Overlap
{
	SEPARATE,
	FIRST_HOLDS, /* the first (perhaps extended) is both */
	SECOND_HOLDS, /* the second is both */
} Overlap;

/*
 * How two targets share items, of which a comes before b.  Sort attributes are
 * bound to values from the left, so where the targets first differ they are
 * two values (and share nothing), or two ranges, or a range and a value.
 */
static Overlap
relate(const DdbAccessPlan *plan, DdbTarget *a, const DdbTarget *b)
{
	int i;

	if (compare_partitions(plan, a, b) != 0)
		return SEPARATE;
	i = first_difference(plan, a, b);
	if (i == plan->keys.nsort)
		return FIRST_HOLDS;
	if (is_last_range(plan, a, i) && is_last_range(plan, b, i))
		return ddb_key_range_unite(&a->sort[i], &b->sort[i]) ? FIRST_HOLDS
															 : SEPARATE;
	/* The one that goes on has a value here; the other may hold it. */
	if (is_last_range(plan, a, i))
		return ddb_key_range_holds(&a->sort[i], &b->sort[i].lower) ? FIRST_HOLDS
																   : SEPARATE;
	if (is_last_range(plan, b, i))
		return ddb_key_range_holds(&b->sort[i], &a->sort[i].lower)
				   ? SECOND_HOLDS
				   : SEPARATE;
	return SEPARATE;
}

static bool
is_empty(const DdbAccessPlan *plan, const DdbTarget *target)
{
	for (int i = 0; i < plan->keys.npartition; i++)
		if (ddb_key_range_is_empty(&target->partition[i]))
			return true;
	for (int i = 0; i < plan->keys.nsort; i++)
		if (ddb_key_range_is_empty(&target->sort[i]))
			return true;
	return false;
}

/* Drops empty targets, and unites the others where they meet. */
static void
make_disjoint(const DdbAccessPlan *plan, TargetList *list)
{
	int kept = 0;

	for (int i = 0; i < list->n; i++)
	{
		if (is_empty(plan, &list->items[i]))
			continue;
		for (int j = 0; j < plan->keys.nsort; j++)
			ddb_key_range_widen(&list->items[i].sort[j]);
		list->items[kept++] = list->items[i];
	}
	list->n = kept;
	qsort_arg(list->items, list->n, sizeof(DdbTarget), compare_targets,
			  unconstify(DdbAccessPlan *, plan));
	kept = 0;
	for (int i = 0; i < list->n; i++)
	{
		Overlap relation = SEPARATE;

		while (kept > 0 && (relation = relate(plan, &list->items[kept - 1],
											  &list->items[i])) == SECOND_HOLDS)
			kept--;
		if (kept == 0 || relation == SEPARATE)
			list->items[kept++] = list->items[i];
	}
	list->n = kept;
}

static void
finish_range(DdbTargets *targets, DdbKeyRange *range, bool keys_unique)
{
	ddb_key_range_finish(range);
	targets->recheck |= range->recheck;
	/* Of repeating keys any number may lie on a strict bound. */
	if (range->surplus < 0 || (range->surplus > 0 && !keys_unique))
		targets->surplus = -1;
	else if (targets->surplus >= 0)
		targets->surplus = Max(targets->surplus, range->surplus);
}

void
ddb_targets_resolve(ForeignScanState *node, const DdbAccessPlan *plan,
					List *values, const DdbKeyRows *keys, DdbCodecSet *codecs,
					DdbTargets *targets)
{
	Context context = {node, plan, values, keys, codecs};
	TargetList all = {NULL, 0, 0};
	ListCell *lc;

	memset(targets, 0, sizeof(*targets));
	foreach (lc, plan->alternatives)
	{
		TargetList some = {NULL, 0, 0};

		resolve_alternative(&context, (List *) lfirst(lc), &some);
		for (int i = 0; i < some.n; i++)
			(void) add_target(&all, &some.items[i]);
	}
	make_disjoint(plan, &all);
	targets->items = all.items;
	targets->n = all.n;
	for (int i = 0; i < targets->n; i++)
	{
		DdbTarget *target = &targets->items[i];

		for (int j = 0; j < plan->keys.npartition; j++)
			finish_range(targets, &target->partition[j], plan->keys_unique);
		for (int j = 0; j < plan->keys.nsort; j++)
			finish_range(targets, &target->sort[j], plan->keys_unique);
	}
}
