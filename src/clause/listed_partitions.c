/* SPDX-License-Identifier: PostgreSQL */
/*
 * listed_partitions.c
 *		day BETWEEN '2026-11-01' AND '2026-11-07': seven partitions.
 *
 * DynamoDB takes no range of a partition key.  Days and whole numbers between
 * two bounds can be listed, as if they had been written as IN (…).  The plan
 * keeps the bounds, and the run lists what they are then
 * (request/key_targets).
 */
#include "postgres.h"

#include "clause/listed_partitions.h"

#include "clause/clause_view.h"
#include "codec/encode_constant.h"
#include "optimizer/optimizer.h"
#include "request/nearest_value.h"

/* More of them are no few: a Scan may be cheaper, and is not endless. */
#define MAX_LISTED 1000

/* The ends of a list, as numbers of the type's values. */
typedef struct Ends
{
	bool has_lower;
	bool has_upper;
	int64 lower;
	int64 upper;
} Ends;

/*
 * Narrows the ends by one comparison by order.  Bounds whose value is not
 * known yet, or is infinite, are none.
 */
static void
add_bound(const DdbClauseContext *context, const DdbComparison *comparison,
		  Ends *ends)
{
	const DdbCondition *condition = &comparison->condition;
	Node *value =
		estimate_expression_value(context->root, (Node *) comparison->value);
	bool upward =
		condition->op == DDB_COMPARE_GT || condition->op == DDB_COMPARE_GE;
	Datum datum;
	int64 number;

	if (!IsA(value, Const) || ((Const *) value)->constisnull)
		return;
	datum = ((Const *) value)->constvalue;
	if (!DDB_CONDITION_IS_DIRECT(condition) &&
		!ddb_view_estimate(context, comparison, &datum))
		return;
	if (!ddb_value_number(condition->value_typid, datum, &number))
		return;
	if (upward)
	{
		ends->lower = ends->has_lower ? Max(ends->lower, number) : number;
		ends->has_lower = true;
	}
	else
	{
		ends->upper = ends->has_upper ? Min(ends->upper, number) : number;
		ends->has_upper = true;
	}
}

/* True if each value of the column's type has one stored form and a next one. */
static bool
is_discrete(const DdbCodec *codec)
{
	switch (codec->conversion)
	{
		case DDB_CONVERT_INT2:
		case DDB_CONVERT_INT4:
		case DDB_CONVERT_INT8:
		case DDB_CONVERT_DATE:
			return codec->column->template == NULL &&
				   codec->column->source == 0 &&
				   ddb_codec_equality(codec) == DDB_AGREES_EXACTLY;
		default:
			return false;
	}
}

double
ddb_listed_count(const DdbClauseContext *context, AttrNumber column,
				 List *comparisons)
{
	Ends ends = {false, false, 0, 0};
	double count;
	ListCell *lc;

	if (!is_discrete(ddb_codec_set_get(context->codecs, column)))
		return 0;
	foreach (lc, comparisons)
	{
		const DdbComparison *comparison = (DdbComparison *) lfirst(lc);

		if (comparison->condition.column == column && !comparison->wider &&
			comparison->condition.op >= DDB_COMPARE_LT &&
			comparison->condition.op <= DDB_COMPARE_GE)
			add_bound(context, comparison, &ends);
	}
	if (!ends.has_lower || !ends.has_upper)
		return 0;
	count = (double) ends.upper - (double) ends.lower + 1;
	return count > MAX_LISTED ? 0 : Max(count, 1);
}
