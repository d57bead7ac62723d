/* SPDX-License-Identifier: PostgreSQL */
/*
 * time_partitions.c
 *		From bounds on a time to the partitions that its items are in.
 *
 * The partition of an item says no more than the unit of its time, so the units
 * of both ends belong to the walk; what lies outside is left to the sort key's
 * range and to filters.  Where the column's values are the units themselves,
 * the ends say which of them are wanted.
 */
#include "postgres.h"

#include "request/time_partitions.h"

#include "datatype/timestamp.h"

/* What is known of one end; instants are microseconds since 1970. */
typedef struct Ends
{
	bool has_lower;
	bool has_upper;
	bool empty;
	int64 lower;
	int64 upper;
} Ends;

/*
 * Narrows the ends by one comparison.  Infinity is no end, or leaves nothing
 * at all.
 */
static void
add_end(Ends *ends, const DdbVariable *variable, const DdbComposeInput *input)
{
	bool upward = input->op == DDB_COMPARE_GT || input->op == DDB_COMPARE_GE;
	/* An end that begins a unit may leave all of it out. */
	bool strict = input->op == DDB_COMPARE_GT || input->op == DDB_COMPARE_LT;
	bool is_positive;
	int64 micros;

	if (!ddb_variable_to_micros(variable->column->base_typid, input->value,
								&micros, &is_positive))
	{
		ends->empty |= upward == is_positive;
		return;
	}
	if (upward)
	{
		micros += strict ? 1 : 0;
		ends->lower = ends->has_lower ? Max(ends->lower, micros) : micros;
		ends->has_lower = true;
	}
	else
	{
		micros -= strict ? 1 : 0;
		ends->upper = ends->has_upper ? Min(ends->upper, micros) : micros;
		ends->has_upper = true;
	}
}

/* Raises the error of bounds that make too many partitions. */
static void __attribute__((noreturn))
raise_endless(const DdbRelation *relation, const DdbKeyTemplate *template,
			  const DdbVariable *variable)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("too many partitions of foreign table %s between the "
					"bounds on column \"%s\"",
					relation->name, variable->column->name),
			 errdetail("Template \"%s\" makes more than %d partitions of them, "
					   "each at least one request.",
					   template->column->template, DDB_MAX_WALK),
			 errhint("Bound the column more closely.")));
}

/*
 * Settles where the first unit begins and the last ends, and supplies ends
 * that are missing.  Raises an error if there is no beginning.
 */
static void
settle_ends(Ends *ends, const DdbRelation *relation,
			const DdbKeyTemplate *template, const DdbVariable *variable)
{
	DdbTimeUnit unit = variable->element->unit;
	int64 first;

	if (!ends->has_upper &&
		!ddb_template_step_time(unit, ddb_variable_now(), 1, &ends->upper))
		raise_endless(relation, template, variable);
	if (!ends->has_lower && !template->has_since)
		raise_endless(relation, template, variable);
	if (!ends->has_lower)
		ends->lower = template->since;
	if (!ddb_template_step_time(unit, ends->lower, 0, &first))
		raise_endless(relation, template, variable);
	/*
	 * Where units themselves are compared, one that begins before the end is
	 * not wanted.
	 */
	if (variable->exact && first < ends->lower && ends->has_lower &&
		!ddb_template_step_time(unit, first, 1, &first))
		ends->empty = true;
	ends->lower = first;
}

/* *instants is palloc'd, and not set when the number is 0. */
int
ddb_walk_list(const DdbRelation *relation, const DdbKeyTemplate *template,
			  const DdbVariable *variable, const DdbComposeInput *inputs,
			  int ninputs, int64 **instants)
{
	Ends ends = {false, false, false, 0, 0};
	int64 instant;
	int n = 0;

	for (int i = 0; i < ninputs; i++)
		if (inputs[i].shard == NULL &&
			inputs[i].column == variable->column->attnum &&
			inputs[i].op >= DDB_COMPARE_LT && inputs[i].op <= DDB_COMPARE_GE)
			add_end(&ends, variable, &inputs[i]);
	if (ends.empty)
		return 0;
	settle_ends(&ends, relation, template, variable);
	*instants = palloc(sizeof(int64) * DDB_MAX_WALK);
	instant = ends.lower;
	while (!ends.empty && instant <= ends.upper)
	{
		if (n == DDB_MAX_WALK)
			raise_endless(relation, template, variable);
		(*instants)[n++] = instant;
		if (!ddb_template_step_time(variable->element->unit, instant, 1,
									&instant))
			break;
	}
	return n;
}
