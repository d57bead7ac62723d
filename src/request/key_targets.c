/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_targets.c
 *		Multiplies values out, and makes what is left disjoint.
 *
 * Conditions bear on key attributes themselves, or on variables of their
 * templates, of which keys are composed (compose.c).
 */
#include "postgres.h"

#include "request/key_targets.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "request/key_template_range.h"
#include "request/nearest_value.h"
#include "request/run_values.h"
#include "request/time_partitions.h"

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

/*
 * Appends a copy of the target, and returns where it is until the next one is
 * added.
 */
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

/* What stands in a place of the key: a value of a condition, or a shard. */
typedef struct Choice
{
	const DdbCondition *condition; /* NULL: a shard, or a row of keys */
	const DdbVariable *shard;
	const int64 *instants; /* of a time that is walked through; NULL: the
								 * shard's numbers */
	const Datum *values; /* of the condition; of keys, all rows of them */
	int n;
	int current;
	int place; /* of the condition, in a row of keys; -1: values
								 * are its own */
	DdbCompare op; /* how the key compares with the value */
	DdbSearch *search; /* of a row's value of another type; else NULL */
	Datum found; /* what it comes to, in the current combination */
} Choice;

/* All choices of one alternative: each combination of them is a target. */
typedef struct Choices
{
	Choice *items;
	int n;
	const Choice *rows; /* the one that says which row of keys */
	int width; /* of a row */
	bool recheck; /* a value stands for a wider one */
} Choices;

/*
 * The value of a choice in the current combination: from its list, or from the
 * current row of keys.
 */
static Datum
current_value(const Choices *choices, const Choice *choice)
{
	if (choice->search != NULL)
		return choice->found;
	return choice->place < 0
			   ? choice->values[choice->current]
			   : choices->rows
					 ->values[(Size) choices->rows->current * choices->width +
							  choice->place];
}

static int
max_key_bytes(const DdbKeySchema *keys, int i)
{
	return i < keys->npartition ? DDB_MAX_PARTITION_KEY_BYTES
								: DDB_MAX_SORT_KEY_BYTES;
}

/* The number of the key attribute that the column shows; -1: of none. */
static int
find_key(const Context *context, AttrNumber column)
{
	const DdbKeySchema *keys = &context->plan->source.keys;
	const DdbColumn *shown = &context->codecs->relation->columns[column - 1];

	for (int i = 0; i < keys->n; i++)
		if (shown->source == 0 &&
			strcmp(keys->attributes[i].name, shown->attribute) == 0)
			return i;
	return -1;
}

/*
 * Narrows the target by the current value, if the condition is on a key
 * attribute itself.  Variables of templates are composed elsewhere.
 */
static void
add_value(const Context *context, DdbTarget *target, const Choices *choices,
		  const Choice *choice)
{
	const DdbKeySchema *keys = &context->plan->source.keys;
	const DdbCondition *condition = choice->condition;
	int i = condition != NULL ? find_key(context, condition->column) : -1;

	if (i < 0)
		return;
	ddb_key_range_add(&target->ranges[i],
					  ddb_codec_set_get(context->codecs, condition->column),
					  choice->op == DDB_COMPARE_IN ? DDB_COMPARE_EQ
												   : choice->op,
					  current_value(choices, choice), condition->value_typid,
					  max_key_bytes(keys, i));
}

/* The current combination of values, as composing keys takes it; palloc'd. */
static DdbComposeInput *
compose_inputs(const Choices *choices)
{
	DdbComposeInput *inputs =
		palloc0(sizeof(DdbComposeInput) * Max(choices->n, 1));

	for (int i = 0; i < choices->n; i++)
	{
		const Choice *choice = &choices->items[i];
		const DdbCondition *condition = choice->condition;

		inputs[i].op = DDB_COMPARE_EQ;
		inputs[i].shard = choice->shard;
		if (choice->shard != NULL)
		{
			inputs[i].number =
				choice->instants != NULL
					? choice->instants[choice->current]
					: choice->shard->element->first + choice->current;
			continue;
		}
		if (condition == NULL)
			continue;
		inputs[i].column = condition->column;
		inputs[i].typid = condition->value_typid;
		inputs[i].value = current_value(choices, choice);
		if (choice->op != DDB_COMPARE_IN)
			inputs[i].op = choice->op;
	}
	return inputs;
}

/*
 * Settles what the current row's values of other types come to.  False when
 * nothing satisfies one.
 */
static bool
search_row(Choices *choices)
{
	for (int i = 0; i < choices->n; i++)
	{
		Choice *choice = &choices->items[i];
		DdbNearest nearest;

		if (choice->search == NULL)
			continue;
		if (!ddb_search_nearest(
				choice->search, choice->condition->op,
				choices->rows
					->values[(Size) choices->rows->current * choices->width +
							 choice->place],
				&nearest))
			return false;
		choice->op = nearest.op;
		choice->found = nearest.value;
		choices->recheck |= nearest.recheck;
	}
	return true;
}

/*
 * Adds the target of the current combination: the ranges of key attributes,
 * given or composed of their variables.
 */
static void
add_combination(const Context *context, Choices *choices, TargetList *list)
{
	const DdbKeySchema *keys = &context->plan->source.keys;
	DdbTarget target;
	DdbComposeInput *inputs = NULL;

	if (!search_row(choices))
		return;
	memset(&target, 0, sizeof(target));
	if (choices->recheck)
		ddb_key_range_must_be_checked(&target.ranges[0]);
	for (int i = 0; i < choices->n; i++)
		add_value(context, &target, choices, &choices->items[i]);
	for (int i = 0; i < keys->n; i++)
	{
		const DdbKeyTemplate *template = ddb_key_template_of(
			context->codecs->relation, keys->attributes[i].name);

		if (template == NULL)
			continue;
		if (inputs == NULL)
			inputs = compose_inputs(choices);
		ddb_compose_range(&target.ranges[i], template, inputs, choices->n,
						  max_key_bytes(keys, i));
	}
	(void) add_target(list, &target);
}

/* Goes on to the next combination; false after the last one. */
static bool
next_combination(Choices *choices)
{
	for (int i = choices->n - 1; i >= 0; i--)
	{
		if (++choices->items[i].current < choices->items[i].n)
			return true;
		choices->items[i].current = 0;
	}
	return false;
}

/* Raises an error if lists multiply to more keys than one run may have. */
static void
check_combinations(const Context *context, const Choices *choices)
{
	double n = 1;

	for (int i = 0; i < choices->n; i++)
		n *= choices->items[i].n;
	if (n > MAX_TARGETS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many combinations of key values for DynamoDB "
						"table \"%s\"",
						context->plan->source.table_name),
				 errdetail("Lists in the query make more than %d keys.",
						   MAX_TARGETS),
				 errhint("Use shorter lists, or join with a table that holds "
						 "the values.")));
}

/*
 * Where the condition's value stands in a row of keys that a join gives; -1 if
 * the plan has the value itself.
 */
static int
place_in_keys(const Context *context, const DdbCondition *condition)
{
	int place = 0;
	ListCell *lc;

	foreach (lc, context->plan->keys.batch_values)
	{
		if (lfirst_int(lc) == condition->value)
			return place;
		place++;
	}
	return -1;
}

/*
 * Has the choice list what a value of another type comes to: one value, or all
 * that equal it.  False when nothing satisfies the comparison.
 */
static bool
search_value(DdbSearch *search, Datum value, Choices *choices, Choice *choice)
{
	DdbNearest nearest;
	Datum *values;

	if (!ddb_search_nearest(search, choice->op, value, &nearest))
		return false;
	choices->recheck |= nearest.recheck;
	choice->op = nearest.op;
	choice->n = 1;
	if (nearest.op == DDB_COMPARE_EQ && nearest.equal > 1)
	{
		choice->op = DDB_COMPARE_IN;
		choice->n = (int) Min(nearest.equal, MAX_TARGETS + 1);
	}
	values = palloc(sizeof(Datum) * choice->n);
	for (int i = 0; i < choice->n; i++)
		values[i] = ddb_search_above(search, nearest.value, i);
	choice->values = values;
	return true;
}

/*
 * The elements of a list that are not NULL, those of another type as values of
 * the column's, which there may be none of.  Returns how many are left.
 */
static int
search_elements(DdbSearch *search, Datum *values, const bool *nulls, int n)
{
	int kept = 0;

	for (int i = 0; i < n; i++)
	{
		DdbNearest nearest = {.value = values[i]};

		if (!nulls[i] &&
			(search == NULL ||
			 ddb_search_nearest(search, DDB_COMPARE_EQ, values[i], &nearest)))
			values[kept++] = nearest.value;
	}
	return kept;
}

/*
 * A condition's values for this run, a list's without NULL and repetition.
 * False when there is none, so that nothing can match.
 */
static bool
evaluate(const Context *context, const DdbCondition *condition,
		 Choices *choices, Choice *choice)
{
	DdbSearch *search = ddb_values_search(context->node, context->values,
										  context->codecs, condition);
	Datum value;
	Datum *values;
	bool *nulls;
	int n;

	memset(choice, 0, sizeof(*choice));
	choice->condition = condition;
	choice->op = condition->op;
	choice->n = 1;
	choice->place = place_in_keys(context, condition);
	if (choice->place >= 0)
	{
		choice->search = search;
		return true;
	}
	if (!ddb_values_evaluate(context->node, context->values, condition->value,
							 &value))
		return false;
	if (condition->op != DDB_COMPARE_IN && search != NULL)
		return search_value(search, value, choices, choice);
	if (condition->op != DDB_COMPARE_IN)
	{
		values = palloc(sizeof(Datum));
		values[0] = value;
		choice->values = values;
		return true;
	}
	n = ddb_values_elements(value, &values, &nulls);
	n = search_elements(search, values, nulls, n);
	choice->n = ddb_values_unique(values, n, condition->value_typid);
	choice->values = values;
	return choice->n > 0;
}

/* True if a condition gives this column values; false for NULL. */
static bool
is_given(const DdbColumn *column, List *conditions)
{
	ListCell *lc;

	foreach (lc, conditions)
	{
		const DdbCondition *condition = (DdbCondition *) lfirst(lc);

		if (column != NULL && condition->column == column->attnum &&
			(condition->op == DDB_COMPARE_EQ ||
			 condition->op == DDB_COMPARE_IN))
			return true;
	}
	return false;
}

/*
 * Shards that no condition names are all asked for, and so are the units of
 * time that a partition key is derived from.
 */
static bool
add_shards(const Context *context, List *conditions, Choices *choices)
{
	const DdbKeySchema *keys = &context->plan->source.keys;
	int nconditions = choices->n;

	for (int i = 0; i < keys->n; i++)
	{
		const DdbKeyTemplate *template = ddb_key_template_of(
			context->codecs->relation, keys->attributes[i].name);

		for (int j = 0; template != NULL && j < template->parsed.n; j++)
		{
			const DdbVariable *variable = &template->variables[j];
			Choice *choice = &choices->items[choices->n];
			Choices given = *choices;
			int64 *instants = NULL;

			given.n = nconditions;
			memset(choice, 0, sizeof(*choice));
			choice->shard = variable;
			choice->place = -1;
			if (is_given(variable->column, conditions))
				continue;
			if (variable->element->form == DDB_FORM_SHARD)
				choice->n = (int) (variable->element->last -
								   variable->element->first + 1);
			else if (i < keys->npartition && ddb_key_template_walks(variable) &&
					 !is_given(template->column, conditions))
				choice->n =
					ddb_walk_list(context->codecs->relation, template, variable,
								  compose_inputs(&given), given.n, &instants);
			else
				continue;
			choice->instants = instants;
			if (choice->n == 0)
				return false;
			choices->n++;
		}
	}
	return true;
}

/*
 * Adds the rows of keys that a batched join gives as one choice, since their
 * values belong together.  False when there are none.
 */
static bool
add_key_rows(const Context *context, Choices *choices)
{
	Choice *choice = &choices->items[choices->n];

	choices->width = list_length(context->plan->keys.batch_values);
	if (choices->width == 0)
		return true;
	memset(choice, 0, sizeof(*choice));
	choice->place = -1;
	choice->values = context->keys->values;
	choice->n = context->keys->n;
	choices->rows = choice;
	choices->n++;
	return choice->n > 0;
}

/* Narrows the ends of a list by a choice that is a bound. */
static void
add_end(const Choice *choice, int64 *lower, int64 *upper, int *sides)
{
	bool upward = choice->op == DDB_COMPARE_GT || choice->op == DDB_COMPARE_GE;
	int64 number;

	if (!ddb_value_number(choice->condition->value_typid, choice->values[0],
						  &number))
		return;
	/* A list takes its ends in; those of strict bounds fall out of its range. */
	if (upward)
		*lower = Max(*lower, number);
	else
		*upper = Min(*upper, number);
	*sides |= upward ? 1 : 2;
}

/*
 * Lists the values of a partition attribute between its bounds, where nothing
 * gives it values: the planner has found that they are few.  False when there
 * are none.
 */
static bool
add_list(const DdbColumn *column, Choices *choices, int nconditions)
{
	Choice *choice = &choices->items[choices->n];
	Oid typid = column->base_typid == DATEOID ? DATEOID : INT8OID;
	int64 lower = PG_INT64_MIN;
	int64 upper = PG_INT64_MAX;
	int sides = 0;
	Datum *values;

	for (int i = 0; i < nconditions; i++)
	{
		const Choice *other = &choices->items[i];

		if (other->condition->column == column->attnum &&
			other->op >= DDB_COMPARE_LT && other->op <= DDB_COMPARE_GE)
			add_end(other, &lower, &upper, &sides);
	}
	if (sides != 3)
		elog(ERROR, "partition attribute \"%s\" has no values",
			 column->attribute);
	if (upper < lower)
		return false;
	memset(choice, 0, sizeof(*choice));
	choice->condition = ddb_condition_of_list(column->attnum, typid);
	choice->op = DDB_COMPARE_IN;
	choice->place = -1;
	choice->n = (int) Min((double) upper - (double) lower + 1, MAX_TARGETS + 1);
	values = palloc(sizeof(Datum) * choice->n);
	for (int i = 0; i < choice->n; i++)
		values[i] = ddb_numbered_value(typid, lower + i);
	choice->values = values;
	choices->n++;
	return true;
}

/* True if a value of a condition, or a list of them, is the attribute's. */
static bool
is_chosen(const Choices *choices, int nconditions, const DdbColumn *column)
{
	for (int i = 0; i < nconditions; i++)
		if (choices->items[i].condition->column == column->attnum &&
			(choices->items[i].op == DDB_COMPARE_EQ ||
			 choices->items[i].op == DDB_COMPARE_IN))
			return true;
	return false;
}

/* Lists of all partition attributes that are bounded only. */
static bool
add_lists(const Context *context, Choices *choices)
{
	const DdbKeySchema *keys = &context->plan->source.keys;
	int nconditions = choices->n;

	for (int i = 0; i < keys->npartition; i++)
	{
		const DdbColumn *column = NULL;

		/* The conditions of the plan name the column that shows it. */
		for (int j = 0; j < nconditions && column == NULL; j++)
			if (find_key(context, choices->items[j].condition->column) == i)
				column =
					&context->codecs->relation
						 ->columns[choices->items[j].condition->column - 1];
		if (column == NULL ||
			ddb_key_template_of(context->codecs->relation, column->attribute) !=
				NULL ||
			is_chosen(choices, nconditions, column))
			continue;
		if (!add_list(column, choices, nconditions))
			return false;
	}
	return true;
}

/*
 * Collects the choices of an alternative: the values of its conditions, and
 * the shards that none of them names.  False when one has no values.
 */
static bool
collect_choices(const Context *context, List *conditions, Choices *choices)
{
	ListCell *lc;

	memset(choices, 0, sizeof(*choices));
	choices->items =
		palloc(sizeof(Choice) *
			   (list_length(conditions) +
				DDB_MAX_KEY_ATTRIBUTES * DDB_TEMPLATE_MAX_ELEMENTS + 1));
	foreach (lc, conditions)
		if (!evaluate(context, (DdbCondition *) lfirst(lc), choices,
					  &choices->items[choices->n++]))
			return false;
	/* A Scan has one filter, which leaves lists and shards open. */
	return context->plan->operation == DDB_OP_SCAN ||
		   (add_lists(context, choices) &&
			add_shards(context, conditions, choices));
}

/*
 * The targets of one alternative: each combination of values.  A NULL value
 * means that there are none.
 */
static void
resolve_alternative(const Context *context, List *conditions, TargetList *list)
{
	Choices choices;

	if (!collect_choices(context, conditions, &choices) ||
		!add_key_rows(context, &choices))
		return;
	check_combinations(context, &choices);
	do
	{
		CHECK_FOR_INTERRUPTS();
		add_combination(context, &choices, list);
	} while (next_combination(&choices));
}

/* At least one, however many values there are. */
int
ddb_targets_most_keys(ForeignScanState *node, const DdbAccessPlan *plan,
					  List *values, DdbCodecSet *codecs)
{
	Context context = {node, plan, values, NULL, codecs};
	double most = 1;
	ListCell *lc;

	foreach (lc, plan->keys.alternatives)
	{
		Choices choices;
		double product = 1;

		if (!collect_choices(&context, (List *) lfirst(lc), &choices))
			continue;
		for (int i = 0; i < choices.n; i++)
			product *= choices.items[i].n;
		most = Max(most, product);
	}
	return (int) Max(1, MAX_TARGETS / most);
}

/*
 * Compares the partitions of two targets.  They are single values, so their
 * lower ends decide.
 */
static int
compare_partitions(const DdbAccessPlan *plan, const DdbTarget *a,
				   const DdbTarget *b)
{
	for (int i = 0; i < plan->source.keys.npartition; i++)
	{
		int order =
			ddb_stored_value_compare(&a->ranges[i].lower, &b->ranges[i].lower);

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

/*
 * Sorts targets by partition, then by where their ranges begin, for
 * qsort_arg().
 */
static int
compare_targets(const void *a, const void *b, void *arg)
{
	const DdbAccessPlan *plan = (const DdbAccessPlan *) arg;
	const DdbTarget *x = (const DdbTarget *) a;
	const DdbTarget *y = (const DdbTarget *) b;
	const DdbKeySchema *keys = &plan->source.keys;
	int order = compare_partitions(plan, x, y);

	for (int i = keys->npartition; order == 0 && i < keys->n; i++)
		order = ddb_key_range_compare(&x->ranges[i], &y->ranges[i]);
	return order;
}

/*
 * The first attribute in which two targets of one partition differ; the number
 * of all when they differ in none.
 */
static int
first_difference(const DdbAccessPlan *plan, const DdbTarget *a,
				 const DdbTarget *b)
{
	int i = plan->source.keys.npartition;

	while (i < plan->source.keys.n &&
		   ddb_key_range_compare(&a->ranges[i], &b->ranges[i]) == 0)
		i++;
	return i;
}

/* True if nothing is said of the sort attributes behind this one. */
static bool
is_last_range(const DdbAccessPlan *plan, const DdbTarget *target, int position)
{
	return position + 1 >= plan->source.keys.n ||
		   ddb_key_range_is_open(&target->ranges[position + 1]);
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
	if (i == plan->source.keys.n)
		return FIRST_HOLDS;
	if (is_last_range(plan, a, i) && is_last_range(plan, b, i))
		return ddb_key_range_unite(&a->ranges[i], &b->ranges[i]) ? FIRST_HOLDS
																 : SEPARATE;
	/* The one that goes on has a value here; the other may hold it. */
	if (is_last_range(plan, a, i))
		return ddb_key_range_holds(&a->ranges[i], &b->ranges[i].lower)
				   ? FIRST_HOLDS
				   : SEPARATE;
	if (is_last_range(plan, b, i))
		return ddb_key_range_holds(&b->ranges[i], &a->ranges[i].lower)
				   ? SECOND_HOLDS
				   : SEPARATE;
	return SEPARATE;
}

/*
 * True if one of the target's ranges is empty, so that nothing need be asked.
 */
static bool
is_empty(const DdbAccessPlan *plan, const DdbTarget *target)
{
	for (int i = 0; i < plan->source.keys.n; i++)
		if (ddb_key_range_is_empty(&target->ranges[i]))
			return true;
	return false;
}

/*
 * Drops empty targets, sorts the others, and leaves none that another one
 * holds, so that no item is read twice.
 */
static void
make_disjoint(const DdbAccessPlan *plan, TargetList *list)
{
	const DdbKeySchema *keys = &plan->source.keys;
	int kept = 0;

	for (int i = 0; i < list->n; i++)
	{
		if (is_empty(plan, &list->items[i]))
			continue;
		for (int j = keys->npartition; j < keys->n; j++)
			ddb_key_range_widen(&list->items[i].ranges[j]);
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

/*
 * Settles a range, and notes what follows for the run: whether rows must be
 * checked again, and how many too many DynamoDB may return.
 */
static void
finish_range(DdbTargets *targets, DdbKeyRange *range, bool keys_unique)
{
	ddb_key_range_finish(range);
	targets->recheck |= range->recheck;
	/* Any number of repeating keys may lie on a strict bound. */
	if (range->surplus < 0 || (range->surplus > 0 && !keys_unique))
		targets->surplus = -1;
	else if (targets->surplus >= 0)
		targets->surplus = Max(targets->surplus, range->surplus);
}

/*
 * Targets are disjoint, sorted and not empty.  None at all means that nothing
 * can match, and no request is needed.
 */
void
ddb_targets_resolve(ForeignScanState *node, const DdbAccessPlan *plan,
					List *values, const DdbKeyRows *keys, DdbCodecSet *codecs,
					DdbTargets *targets)
{
	Context context = {node, plan, values, keys, codecs};
	TargetList all = {NULL, 0, 0};
	ListCell *lc;

	memset(targets, 0, sizeof(*targets));
	foreach (lc, plan->keys.alternatives)
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

		for (int j = 0; j < plan->source.keys.n; j++)
			finish_range(targets, &target->ranges[j],
						 plan->source.keys_are_unique);
	}
}
