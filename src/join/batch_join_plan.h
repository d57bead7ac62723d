/* SPDX-License-Identifier: PostgreSQL */
/*
 * batch_join_plan.h
 *		Joins that look up the keys of many outer rows at once.
 *
 * A CustomScan with two children: any plan, and a scan of a DynamoDB table by
 * keys that the join hands it.  What travels in the plan besides expressions is
 * DdbBatchJoin; expressions are in custom_exprs, in the order of DdbBatchExprs.
 */
#ifndef DDB_BATCH_JOIN_PLAN_H
#define DDB_BATCH_JOIN_PLAN_H

#include "postgres.h"

#include "join/join_hook.h"
#include "nodes/pg_list.h"
#include "nodes/plannodes.h"

typedef struct DdbBatchJoin
{
	JoinType jointype; /* INNER, LEFT, SEMI or ANTI */
	int first_keys; /* keys to look up first; more as rows are asked for */
	int bytes_per_key; /* of rows that a key finds, estimated */
	List *value_places; /* ints, for each value of a key: the hash clause
								 * that compares it, or -1 - a range */
} DdbBatchJoin;

/* Lists in custom_exprs. */
typedef enum DdbBatchExprs
{
	DDB_BATCH_HASH_CLAUSES, /* outer = inner, as the join compares keys */
	DDB_BATCH_RANGES, /* values of keys that are compared otherwise */
	DDB_BATCH_JOIN_CLAUSES, /* what else must hold of a match */
} DdbBatchExprs;

/* Most keys looked up at once: 16 requests of 100 keys each. */
#define DDB_MAX_BATCH_JOIN_KEYS 1600

/* Offers to look up the keys of many outer rows together. */
extern void ddb_batch_join_add_paths(const DdbJoin *join);

extern List *ddb_batch_join_serialize(const DdbBatchJoin *join);
extern void ddb_batch_join_deserialize(List *list, DdbBatchJoin *join);

#endif /* DDB_BATCH_JOIN_PLAN_H */
