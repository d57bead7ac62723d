/* SPDX-License-Identifier: PostgreSQL */
/*
 * modify_exec.h
 *		The executor's callbacks for INSERT, UPDATE, DELETE and COPY.
 */
#ifndef DDB_MODIFY_EXEC_H
#define DDB_MODIFY_EXEC_H

#include "postgres.h"

#include "nodes/execnodes.h"

struct ExplainState;

extern void ddbBeginForeignModify(ModifyTableState *mtstate,
								  ResultRelInfo *target, List *fdw_private,
								  int subplan_index, int eflags);
extern void ddbBeginForeignInsert(ModifyTableState *mtstate,
								  ResultRelInfo *target);
extern int ddbGetForeignModifyBatchSize(ResultRelInfo *target);
extern TupleTableSlot *ddbExecForeignInsert(EState *estate,
											ResultRelInfo *target,
											TupleTableSlot *slot,
											TupleTableSlot *plan_slot);
extern TupleTableSlot **ddbExecForeignBatchInsert(EState *estate,
												  ResultRelInfo *target,
												  TupleTableSlot **slots,
												  TupleTableSlot **plan_slots,
												  int *n);
extern TupleTableSlot *ddbExecForeignUpdate(EState *estate,
											ResultRelInfo *target,
											TupleTableSlot *slot,
											TupleTableSlot *plan_slot);
extern TupleTableSlot *ddbExecForeignDelete(EState *estate,
											ResultRelInfo *target,
											TupleTableSlot *slot,
											TupleTableSlot *plan_slot);
extern void ddbEndForeignModify(EState *estate, ResultRelInfo *target);
extern void ddbExplainForeignModify(ModifyTableState *mtstate,
									ResultRelInfo *target, List *fdw_private,
									int subplan_index, struct ExplainState *es);

#endif /* DDB_MODIFY_EXEC_H */
