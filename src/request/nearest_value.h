/* SPDX-License-Identifier: PostgreSQL */
/*
 * nearest_value.h
 *		Comparisons with values of other types, as comparisons with the column's.
 *
 * A condition may compare a column with a value of another type (a timestamptz
 * with a date), or what is made of the column (its date, its year).  The
 * smallest value of the column's type that satisfies it is found by
 * PostgreSQL's own comparison, so that both always agree.
 */
#ifndef DDB_NEAREST_VALUE_H
#define DDB_NEAREST_VALUE_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "request/access_plan.h"

typedef struct DdbSearch DdbSearch;

/* What a comparison becomes: one of the column's own type. */
typedef struct DdbNearest
{
	DdbCompare op; /* =, <>, <= or >= */
	Datum value;
	int64 equal; /* of = and <>: how many values, from this one on, equal
								 * what was compared with */
	bool recheck; /* it may be true of more rows than it should */
} DdbNearest;

/*
 * Prepares for conditions that are not direct.  typid: the column's base type;
 * view: of the condition's view, or NULL.  In the current memory context.
 */
extern DdbSearch *ddb_search_create(const DdbCondition *condition, Oid typid,
									ExprState *view, ExprContext *econtext);

/*
 * The comparison with a value that is not NULL; op: =, <>, or by order.  False
 * when nothing can satisfy it.
 */
extern bool ddb_search_nearest(DdbSearch *search, DdbCompare op, Datum value,
							   DdbNearest *nearest);

/* The value of the column's type that is so many steps above this one. */
extern Datum ddb_search_above(const DdbSearch *search, Datum value,
							  int64 steps);

/*
 * The number of a date or integer among all of its type, which follow each
 * other without a gap; false for infinity.  And back: the value of a number;
 * integers as bigint.
 */
extern bool ddb_value_number(Oid typid, Datum value, int64 *number);
extern Datum ddb_numbered_value(Oid typid, int64 number);

/* True of the types whose values a search can number in their order. */
extern bool ddb_search_knows_type(Oid typid);

#endif /* DDB_NEAREST_VALUE_H */
