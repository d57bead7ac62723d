/* SPDX-License-Identifier: PostgreSQL */
/*
 * snapshot_plan.h
 *		Which scans a statement must finish before it writes.
 */
#ifndef DDB_SNAPSHOT_PLAN_H
#define DDB_SNAPSHOT_PLAN_H

#include "postgres.h"

#include "model/relation.h"
#include "nodes/pathnodes.h"

/* True of a foreign table of the same DynamoDB table, itself too. */
extern bool ddb_snapshot_same_table(Oid relid, const DdbRelation *relation);

/* The same of a table, or of what it is the parent of. */
extern bool ddb_snapshot_holds_table(const RangeTblEntry *rte,
									 const DdbRelation *relation);

/*
 * True if a scan of the foreign table that is planned now may go on, or begin,
 * when the statement has written the table's items.
 */
extern bool ddb_snapshot_needed(PlannerInfo *root, const RelOptInfo *rel,
								const DdbRelation *relation);

/* True when several parts of the statement write the DynamoDB table. */
extern bool ddb_snapshot_shares_writes(PlannerInfo *root,
									   const DdbRelation *relation);

#endif /* DDB_SNAPSHOT_PLAN_H */
