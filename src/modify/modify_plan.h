/* SPDX-License-Identifier: PostgreSQL */
/*
 * modify_plan.h
 *		INSERT, UPDATE and DELETE, as far as the planner goes.
 */
#ifndef DDB_MODIFY_PLAN_H
#define DDB_MODIFY_PLAN_H

#include "postgres.h"

#include "model/relation.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "utils/rel.h"

/* Planner callbacks. */
extern int ddbIsForeignRelUpdatable(Relation rel);
extern void ddbAddForeignUpdateTargets(PlannerInfo *root, Index rtindex,
									   RangeTblEntry *target_rte,
									   Relation target_relation);

extern List *ddbPlanForeignModify(PlannerInfo *root, ModifyTable *modify,
								  Index target, int subplan_index);

/*
 * Raises an error when RETURNING, or a view's check, wants more of the target's
 * rows than items have.
 */
extern void ddb_modify_check_row_expressions(PlannerInfo *root,
											 const ModifyTable *modify,
											 Index target, int subplan_index);

/*
 * The columns, among those that an UPDATE sets, of which the old values are
 * read for it: attnums.
 */
extern List *ddb_modify_kept_columns(const List *targets, const List *attnums,
									 Index target);

/*
 * The name under which rows that are to be updated or deleted carry the value
 * of a key column.
 */
extern const char *ddb_modify_key_name(const DdbColumn *column);

#endif /* DDB_MODIFY_PLAN_H */
