/*
 * modify.h
 *		INSERT, UPDATE and DELETE, as far as the planner goes.
 */
#ifndef DDB_PLAN_MODIFY_H
#define DDB_PLAN_MODIFY_H

#include "postgres.h"

#include "catalog/relation.h"
#include "nodes/pathnodes.h"
#include "utils/rel.h"

/* Planner callbacks. */
extern int ddbIsForeignRelUpdatable(Relation rel);
extern void ddbAddForeignUpdateTargets(PlannerInfo *root, Index rtindex,
									   RangeTblEntry *target_rte,
									   Relation target_relation);

/*
 * The name under which rows that are to be updated or deleted carry the value
 * of a key column.
 */
extern const char *ddb_modify_key_name(const DdbColumn *column);

#endif /* DDB_PLAN_MODIFY_H */
