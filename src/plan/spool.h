/*
 * spool.h
 *		Has statements that write what they read read it all first.
 */
#ifndef DDB_PLAN_SPOOL_H
#define DDB_PLAN_SPOOL_H

#include "postgres.h"

#include "catalog/relation.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/*
 * Puts a spool below the node that writes the relation, if the statement reads
 * its DynamoDB table, and there is none yet.
 */
extern void ddb_spool_add(PlannerInfo *root, ModifyTable *modify, Index target,
						  const DdbRelation *relation);

#endif /* DDB_PLAN_SPOOL_H */
