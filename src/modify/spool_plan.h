/* SPDX-License-Identifier: PostgreSQL */
/*
 * spool_plan.h
 *		Has statements that write what they read read it all first.
 */
#ifndef DDB_SPOOL_PLAN_H
#define DDB_SPOOL_PLAN_H

#include "postgres.h"

#include "model/relation.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/*
 * Puts a spool below the node that writes the relation, if it updates or
 * deletes rows, or the statement reads the DynamoDB table that it inserts into;
 * unless there is one.
 */
extern void ddb_spool_add(PlannerInfo *root, ModifyTable *modify, Index target,
						  const DdbRelation *relation);

/* True if the statement reads the target's DynamoDB table elsewhere, too. */
extern bool ddb_spool_rereads(PlannerInfo *root, Index target,
							  const DdbRelation *relation);

#endif /* DDB_SPOOL_PLAN_H */
