/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_range.h
 *		The values of a key's conditions, intersected into one range each.
 *
 * DynamoDB takes one condition per key attribute and rejects whole requests
 * over values that cannot be keys (dynamodb.md section 3.3).  So the values
 * are put together here first: contradictions and impossible values mean that
 * there are no rows and no request; what one condition cannot say exactly is
 * asked for a little wider and re-checked.
 */
#ifndef DDB_KEY_RANGE_H
#define DDB_KEY_RANGE_H

#include "postgres.h"

#include "codec/codec.h"
#include "lib/stringinfo.h"
#include "request/access_plan.h"

/* Longest values of key attributes, in bytes (developer guide, "Limits"). */
#define DDB_MAX_PARTITION_KEY_BYTES 2048
#define DDB_MAX_SORT_KEY_BYTES 1024

/* What one attribute of the key may be. Memory: the context of resolving. */
typedef struct DdbKeyRange
{
	bool empty; /* nothing satisfies it */
	bool has_lower;
	bool lower_strict;
	bool has_upper;
	bool upper_strict;
	bool is_prefix; /* exactly the strings that begin with lower */
	bool recheck; /* DynamoDB may return more than was asked */
	int surplus; /* at most so many more, when known; else -1 */
	DdbStoredValue lower;
	DdbStoredValue upper;
} DdbKeyRange;

/* A range of one value. */
extern bool ddb_key_range_is_value(const DdbKeyRange *range);

/* Has rows of it checked again, any number of which may not be wanted. */
extern void ddb_key_range_must_be_checked(DdbKeyRange *range);

/* No condition at all. */
extern bool ddb_key_range_is_open(const DdbKeyRange *range);

/* Adds one condition to a range; datum must not be NULL. */
extern void ddb_key_range_add(DdbKeyRange *range, const DdbCodec *codec,
							  DdbCompare op, Datum datum, Oid typid,
							  int max_len);

/*
 * Adds one condition on text (UTF-8) that is compared as it is: EQ, an order,
 * or PREFIX.
 */
extern void ddb_key_range_add_text(DdbKeyRange *range, DdbCompare op,
								   const char *text, int len, int max_len);

/*
 * The least text above all that begin with this one, in its place; false when
 * there is none.
 */
extern bool ddb_key_range_next_prefix(StringInfo text);

/* Order of two values of one attribute, as DynamoDB compares them. */
extern int ddb_stored_value_compare(const DdbStoredValue *a,
									const DdbStoredValue *b);

/* Orders ranges by where they begin, then by where they end. */
extern int ddb_key_range_compare(const DdbKeyRange *a, const DdbKeyRange *b);

/* True if it has turned out that no value can lie in it. */
extern bool ddb_key_range_is_empty(const DdbKeyRange *range);

/*
 * Makes strict ends inclusive where DynamoDB cannot say them; what is not
 * wanted then is left to the re-check.  To be done before ranges are compared
 * with each other, so that none overlaps another in what is asked for.
 */
extern void ddb_key_range_widen(DdbKeyRange *range);

/*
 * Extends a to hold b as well, when together they are one range: when they
 * overlap or touch.  a must not begin after b.
 */
extern bool ddb_key_range_unite(DdbKeyRange *a, const DdbKeyRange *b);

/* True if the range holds this value. */
extern bool ddb_key_range_holds(const DdbKeyRange *range,
								const DdbStoredValue *value);

/* After the last one: settles what is left to DynamoDB and what is not. */
extern void ddb_key_range_finish(DdbKeyRange *range);

#endif /* DDB_KEY_RANGE_H */
