/* SPDX-License-Identifier: PostgreSQL */
/*
 * nearest_value.c
 *		Finds where among a column's values a comparison becomes true.
 *
 * Values are numbered in their order, and the first that is not below the
 * wanted one is found by halving.  What is compared with it may be made of the
 * column's value: such views keep the order (clause/order_view).  Those that
 * time zones have a part in keep it but for the days around a change of the
 * clocks, where the bound is widened.
 */
#include "postgres.h"

#include "request/nearest_value.h"

#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "executor/executor.h"
#include "pgtime.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Clocks are changed by a day at most; that much is looked at on both sides. */
#define SHIFT (INT64CONST(26) * USECS_PER_HOUR)

/*
 * Years of times that views are computed of: none of PostgreSQL's functions
 * leaves its range there.
 */
#define FIRST_VIEWED_YEAR 2
#define LAST_VIEWED_YEAR 200000

struct DdbSearch
{
	Oid typid;
	FmgrInfo compare;
	ExprState *view; /* NULL: the value itself is compared */
	ExprContext *econtext;
	MemoryContext scratch; /* of single comparisons */
	bool shifts;
	const char *zone;
	int64 first; /* numbers of the least and the greatest value … */
	int64 last;
	bool is_open; /* … that are looked at; there are others */
};

bool
ddb_search_knows_type(Oid typid)
{
	switch (typid)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return true;
		default:
			return false;
	}
}

/*
 * Bits of a floating point number as a number that sorts as it does; and back,
 * since it is its own inverse.
 */
static int64
float_bits(int64 bits, int64 least)
{
	return bits >= 0 ? bits : least - bits - 1;
}

/* The value with this number. */
static Datum
value_at(Oid typid, int64 number)
{
	union
	{
		int32 bits;
		float4 value;
	} single;
	union
	{
		int64 bits;
		float8 value;
	} twofold;

	switch (typid)
	{
		case INT2OID:
			return Int16GetDatum((int16) number);
		case INT4OID:
			return Int32GetDatum((int32) number);
		case DATEOID:
			return DateADTGetDatum((DateADT) number);
		case FLOAT4OID:
			single.bits = (int32) float_bits(number, PG_INT32_MIN);
			return Float4GetDatum(single.value);
		case FLOAT8OID:
			twofold.bits = float_bits(number, PG_INT64_MIN);
			return Float8GetDatum(twofold.value);
		default:
			return Int64GetDatum(number);
	}
}

/* The number of a value. */
static int64
number_of(Oid typid, Datum value)
{
	union
	{
		int32 bits;
		float4 value;
	} single;
	union
	{
		int64 bits;
		float8 value;
	} twofold;

	switch (typid)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case DATEOID:
			return DatumGetDateADT(value);
		case FLOAT4OID:
			single.value = DatumGetFloat4(value);
			return float_bits(single.bits, PG_INT32_MIN);
		case FLOAT8OID:
			twofold.value = DatumGetFloat8(value);
			return float_bits(twofold.bits, PG_INT64_MIN);
		default:
			return DatumGetInt64(value);
	}
}

/* Midnight that begins the year, in the numbers of the type. */
static int64
year_begins(Oid typid, int year)
{
	int64 days = date2j(year, 1, 1) - POSTGRES_EPOCH_JDATE;

	return typid == DATEOID ? days : days * USECS_PER_DAY;
}

/* Sets the numbers of the least and the greatest value that are looked at. */
static void
set_ends(DdbSearch *search)
{
	union
	{
		int32 bits;
		float4 value;
	} single = {.value = get_float4_infinity()};
	union
	{
		int64 bits;
		float8 value;
	} twofold = {.value = get_float8_infinity()};

	switch (search->typid)
	{
		case INT2OID:
			search->first = PG_INT16_MIN;
			search->last = PG_INT16_MAX;
			return;
		case INT4OID:
			search->first = PG_INT32_MIN;
			search->last = PG_INT32_MAX;
			return;
		case INT8OID:
			search->first = PG_INT64_MIN;
			search->last = PG_INT64_MAX;
			return;
		case FLOAT4OID:
			search->last = single.bits;
			search->first = -search->last - 1;
			return;
		case FLOAT8OID:
			search->last = twofold.bits;
			search->first = -search->last - 1;
			return;
		default:
			break;
	}
	search->is_open = search->view != NULL;
	if (search->is_open)
	{
		search->first = year_begins(search->typid, FIRST_VIEWED_YEAR);
		search->last = year_begins(search->typid, LAST_VIEWED_YEAR);
	}
	else if (search->typid == DATEOID)
	{
		search->first = DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE;
		search->last = DATE_END_JULIAN - POSTGRES_EPOCH_JDATE - 1;
	}
	else
	{
		search->first = MIN_TIMESTAMP;
		search->last = END_TIMESTAMP - 1;
	}
}

DdbSearch *
ddb_search_create(const DdbCondition *condition, Oid typid, ExprState *view,
				  ExprContext *econtext)
{
	DdbSearch *search = palloc0(sizeof(DdbSearch));

	search->typid = typid;
	fmgr_info(condition->compare, &search->compare);
	search->view = view;
	search->econtext = econtext;
	search->shifts = condition->shifts;
	search->zone = condition->zone;
	search->scratch = AllocSetContextCreate(
		CurrentMemoryContext, "nearest value", ALLOCSET_SMALL_SIZES);
	set_ends(search);
	return search;
}

/*
 * How the value with this number, or what is made of it, compares with the
 * wanted one.
 */
static int
compare_at(DdbSearch *search, int64 number, Datum wanted)
{
	Datum value = value_at(search->typid, number);
	bool isnull = false;

	if (search->view != NULL)
	{
		search->econtext->caseValue_datum = value;
		search->econtext->caseValue_isNull = false;
		value = ExecEvalExpr(search->view, search->econtext, &isnull);
	}
	if (isnull)
		elog(ERROR, "view of a column's value is NULL");
	return DatumGetInt32(
		FunctionCall2Coll(&search->compare, InvalidOid, value, wanted));
}

/*
 * The number of the first value that is at least the wanted one, or (strictly)
 * above it.  False when there is none.
 */
static bool
find_first(DdbSearch *search, Datum wanted, bool strictly, int64 *number)
{
	MemoryContext before = MemoryContextSwitchTo(search->scratch);
	int least = strictly ? 1 : 0;
	int64 low = search->first;
	int64 high = search->last;
	bool found = compare_at(search, high, wanted) >= least;

	while (found && low < high)
	{
		int64 middle =
			(int64) ((uint64) low + ((uint64) high - (uint64) low) / 2);

		if (compare_at(search, middle, wanted) >= least)
			high = middle;
		else
			low = middle + 1;
	}
	MemoryContextSwitchTo(before);
	MemoryContextReset(search->scratch);
	*number = low;
	return found;
}

/*
 * True if the zone's clocks may change within two shifts of the instant: one
 * because order is disturbed so far off, one because the instant of a local
 * time is not known better.
 */
static bool
clocks_change(const DdbSearch *search, Timestamp instant)
{
	const pg_tz *zone =
		search->zone == NULL ? session_timezone : pg_tzset(search->zone);
	pg_time_t from = timestamptz_to_time_t(instant - 2 * SHIFT);
	pg_time_t boundary;
	long offset_before;
	long offset_after;
	int dst_before;
	int dst_after;
	int found;

	if (zone == NULL)
		return true;
	found = pg_next_dst_boundary(&from, &offset_before, &dst_before, &boundary,
								 &offset_after, &dst_after, zone);
	return found < 0 ||
		   (found > 0 &&
			boundary <= timestamptz_to_time_t(instant + 2 * SHIFT) + 1);
}

/* Moves a bound outward, where time zones may disturb the order around it. */
static void
widen(const DdbSearch *search, bool upward, int64 *number, bool *recheck)
{
	int64 shift = search->typid == DATEOID ? 2 : SHIFT;

	if (!search->shifts || !clocks_change(search, search->typid == DATEOID
													  ? *number * USECS_PER_DAY
													  : *number))
		return;
	*number += upward ? -shift : shift;
	*recheck = true;
}

/* A bound that leaves no value out: rows that satisfy it are checked again. */
static bool
take_all(const DdbSearch *search, bool upward, DdbNearest *nearest)
{
	int64 number = upward ? search->first : search->last;

	nearest->op = upward ? DDB_COMPARE_GE : DDB_COMPARE_LE;
	nearest->value = value_at(search->typid, number);
	if (search->typid == DATEOID)
		nearest->value =
			DateADTGetDatum(upward ? DATEVAL_NOBEGIN : DATEVAL_NOEND);
	else if (search->typid == TIMESTAMPOID || search->typid == TIMESTAMPTZOID)
		nearest->value = TimestampGetDatum(upward ? DT_NOBEGIN : DT_NOEND);
	nearest->recheck |= search->is_open;
	return true;
}

/* The values from the first one on that is at least the wanted, or above it. */
static bool
nearest_above(DdbSearch *search, Datum wanted, bool strictly,
			  DdbNearest *nearest)
{
	int64 number;

	nearest->op = DDB_COMPARE_GE;
	if (!find_first(search, wanted, strictly, &number))
	{
		/* What lies beyond is not known. */
		nearest->value = value_at(search->typid, search->last);
		nearest->recheck = true;
		return search->is_open;
	}
	if (number == search->first)
		return take_all(search, true, nearest);
	widen(search, true, &number, &nearest->recheck);
	nearest->value = value_at(search->typid, number);
	return true;
}

/* The values before the first one that is at least the wanted, or above it. */
static bool
nearest_below(DdbSearch *search, Datum wanted, bool strictly,
			  DdbNearest *nearest)
{
	int64 number;

	if (!find_first(search, wanted, strictly, &number))
		return take_all(search, false, nearest);
	nearest->recheck |= search->is_open && number == search->first;
	if (number == search->first && !search->is_open)
		return false;
	widen(search, false, &number, &nearest->recheck);
	/* A key condition says "up to" more exactly than "below". */
	nearest->op = DDB_COMPARE_LE;
	nearest->value = value_at(search->typid, number - 1);
	return true;
}

/* The values that equal the wanted one. */
static bool
nearest_equal(DdbSearch *search, Datum wanted, DdbNearest *nearest)
{
	int64 number;
	int64 after;

	nearest->op = DDB_COMPARE_EQ;
	if (!find_first(search, wanted, false, &number))
		return false;
	if (!find_first(search, wanted, true, &after))
		nearest->equal = (int64) ((uint64) search->last - (uint64) number) + 1;
	else
		nearest->equal = after - number;
	nearest->value = value_at(search->typid, number);
	return nearest->equal > 0;
}

bool
ddb_search_nearest(DdbSearch *search, DdbCompare op, Datum value,
				   DdbNearest *nearest)
{
	memset(nearest, 0, sizeof(*nearest));
	switch (op)
	{
		case DDB_COMPARE_GE:
			return nearest_above(search, value, false, nearest);
		case DDB_COMPARE_GT:
			return nearest_above(search, value, true, nearest);
		case DDB_COMPARE_LT:
			return nearest_below(search, value, false, nearest);
		case DDB_COMPARE_LE:
			return nearest_below(search, value, true, nearest);
		case DDB_COMPARE_EQ:
			return nearest_equal(search, value, nearest);
		case DDB_COMPARE_NE:
			if (!nearest_equal(search, value, nearest))
				return take_all(search, true, nearest);
			nearest->op = DDB_COMPARE_NE;
			return true;
		default:
			elog(ERROR, "comparison is neither by order nor by equality: %d",
				 (int) op);
	}
}

Datum
ddb_search_above(const DdbSearch *search, Datum value, int64 steps)
{
	return value_at(search->typid, number_of(search->typid, value) + steps);
}

bool
ddb_value_number(Oid typid, Datum value, int64 *number)
{
	*number = number_of(typid, value);
	return typid != DATEOID || !DATE_NOT_FINITE((DateADT) *number);
}

Datum
ddb_numbered_value(Oid typid, int64 number)
{
	return typid == DATEOID ? DateADTGetDatum((DateADT) number)
							: Int64GetDatum(number);
}
