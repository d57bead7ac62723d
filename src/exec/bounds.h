/*
 * bounds.h
 *		The values of a key's conditions, intersected into one range each.
 *
 * DynamoDB takes one condition per key attribute and rejects whole requests
 * over values that cannot be keys (dynamodb.md section 3.3).  So the values
 * are put together here first: contradictions and impossible values mean that
 * there are no rows and no request; what one condition cannot say exactly is
 * asked for a little wider and re-checked.
 */
#ifndef DDB_BOUNDS_H
#define DDB_BOUNDS_H

#include "postgres.h"

#include "codec/value.h"
#include "plan/access_plan.h"

/* Longest values of key attributes, in bytes (developer guide, "Limits"). */
#define DDB_MAX_PARTITION_KEY_BYTES 2048
#define DDB_MAX_SORT_KEY_BYTES 1024

/* What one attribute of the key may be. Memory: the context of resolving. */
typedef struct DdbKeyRange
{
	bool		empty;			/* nothing satisfies it */
	bool		has_lower;
	bool		lower_strict;
	bool		has_upper;
	bool		upper_strict;
	bool		is_prefix;		/* exactly the strings that begin with lower */
	bool		recheck;		/* DynamoDB may return more than was asked */
	int			surplus;		/* at most so many more, when known; else -1 */
	DdbBound	lower;
	DdbBound	upper;
} DdbKeyRange;

typedef struct DdbKeyRanges
{
	bool		empty;			/* no item can match: send nothing */
	bool		recheck;
	int			surplus;		/* as above, of the sort attributes together */
	DdbKeyRange partition[DDB_MAX_KEY_PART];
	DdbKeyRange sort[DDB_MAX_KEY_PART];
} DdbKeyRanges;

/* A range of one value. */
extern bool ddb_key_range_is_value(const DdbKeyRange *range);

/* No condition at all. */
extern bool ddb_key_range_is_open(const DdbKeyRange *range);

/* Adds one condition to a range; datum must not be NULL. */
extern void ddb_key_range_add(DdbKeyRange *range, const DdbCodec *codec,
							  DdbKeyOperator op, Datum datum, Oid typid,
							  int max_len);

/* After the last one: settles what is left to DynamoDB and what is not. */
extern void ddb_key_range_finish(DdbKeyRange *range);

#endif							/* DDB_BOUNDS_H */
