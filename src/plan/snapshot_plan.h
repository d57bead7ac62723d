/* SPDX-License-Identifier: PostgreSQL */
/*
 * snapshot_plan.h
 *		Which scans must be read before any part of their statement writes.
 */
#ifndef DDB_SNAPSHOT_PLAN_H
#define DDB_SNAPSHOT_PLAN_H

#include "postgres.h"

#include "model/relation.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"

/*
 * Does the entry read or write the relation's DynamoDB table, itself or by a
 * partition or child?
 */
extern bool ddb_snapshot_names_table(const DdbRelation *relation,
									 const RangeTblEntry *rte);

/*
 * Does one part of the statement write the relation's DynamoDB table, and
 * another read or write it?  Parts are the statement, subqueries in its
 * RETURNING, and those of its WITH queries that write.
 */
extern bool ddb_snapshot_is_shared(PlannerInfo *root,
								   const DdbRelation *relation);

#endif /* DDB_SNAPSHOT_PLAN_H */
