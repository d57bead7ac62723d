/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_targets.h
 *		Where in the key space the rows of one run lie.
 *
 * A target is one partition and one range of its sort key: what one Query (or,
 * with a whole key, one GetItem) can ask for.  Targets of a run never overlap,
 * so no row comes twice.
 */
#ifndef DDB_KEY_TARGETS_H
#define DDB_KEY_TARGETS_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "request/access_plan.h"
#include "request/key_range.h"

typedef struct DdbTarget
{
	DdbKeyRange ranges[DDB_MAX_KEY_ATTRIBUTES]; /* of the key's attributes */
} DdbTarget;

typedef struct DdbTargets
{
	int n;
	DdbTarget *items; /* by partition, then by sort range, ascending */
	bool recheck; /* more may come than the conditions hold of … */
	int surplus; /* … at most so many per target, or -1 */
} DdbTargets;

/*
 * What a batched join looks up: rows of values, one after the other, each as
 * long as the plan's batch_values.  A value of a row belongs with the others of
 * the row: rows are not multiplied out as lists are.
 */
typedef struct DdbKeyRows
{
	const Datum *values; /* the join's, never NULL */
	int n;
} DdbKeyRows;

/*
 * The targets of the plan's alternatives with the values of now.  Allocates in
 * the current memory context.
 */
extern void ddb_targets_resolve(ForeignScanState *node,
								const DdbAccessPlan *plan, List *values,
								const DdbKeyRows *keys, DdbCodecSet *codecs,
								DdbTargets *targets);

/*
 * How many rows of keys a run may be given at most, since lists of values and
 * shards multiply them.
 */
extern int ddb_targets_most_keys(ForeignScanState *node,
								 const DdbAccessPlan *plan, List *values,
								 DdbCodecSet *codecs);

/* True if two targets lie in the same partition. */
extern bool ddb_target_same_partition(const DdbAccessPlan *plan,
									  const DdbTarget *a, const DdbTarget *b);

#endif /* DDB_KEY_TARGETS_H */
