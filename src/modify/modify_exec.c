/* SPDX-License-Identifier: PostgreSQL */
/*
 * modify_exec.c
 *		Rows that PostgreSQL wants written, one by one or in batches.
 *
 * Each is written at once, and stays so whatever becomes of the transaction.
 * Keys decide which item is meant; conditions see to it that INSERT makes new
 * ones and UPDATE and DELETE find old ones.
 */
#include "postgres.h"

#include "modify/modify_exec.h"

#include "catalog/pg_class.h"
#include "compat.h"
#include "executor/executor.h"
#include "foreign/fdwapi.h"
#include "modify/insert.h"
#include "modify/update_delete.h"
#include "optimizer/optimizer.h"
#include "plan/create_plan.h"
#include "plan/system_columns.h"
#include "scan/explain.h"
#include "utils/rel.h"

typedef struct DdbModifyState
{
	DdbRowWriter *rows;
	DdbInsert *insert; /* of INSERT and COPY, and rows that move */
	DdbChange *change; /* of UPDATE and DELETE */
	bool defers; /* rows need not be written before the next one comes */
} DdbModifyState;

/* ---- begin and end ---- */

/* Which of the plan's target relations it is; -1: none, as of COPY. */
static int
target_index(const ModifyTable *plan, const ResultRelInfo *target)
{
	for (int i = 0; plan != NULL && i < list_length(plan->resultRelations); i++)
		if (list_nth_int(plan->resultRelations, i) ==
			(int) target->ri_RangeTableIndex)
			return i;
	return -1;
}

/*
 * True if a trigger looks at new rows after they were written.  Old rows it is
 * given by PostgreSQL.
 */
static bool
has_trigger(const ResultRelInfo *target, CmdType operation)
{
	const TriggerDesc *triggers = target->ri_TrigDesc;

	return triggers != NULL &&
		   ((operation == CMD_INSERT && triggers->trig_insert_after_row) ||
			(operation == CMD_UPDATE && triggers->trig_update_after_row));
}

/* Columns (offset) that are looked at after the row was written. */
static Bitmapset *
columns_shown(const ModifyTable *plan, const ResultRelInfo *target,
			  CmdType operation)
{
	int index = target_index(plan, target);
	Bitmapset *whole =
		bms_make_singleton(0 - FirstLowInvalidHeapAttributeNumber);
	Bitmapset *columns = NULL;

	if (has_trigger(target, operation))
		return whole;
	if (plan == NULL || plan->returningLists == NIL)
		return NULL;
	/* For a row that is routed it is another relation's expressions. */
	if (index < 0)
		return whole;
	pull_varattnos(list_nth(plan->returningLists, index),
				   target->ri_RangeTableIndex, &columns);
	return columns;
}

/*
 * What writes rows of this target, with the columns that must be shown
 * afterwards.
 */
static DdbModifyState *
create_state(const ModifyTableState *mtstate, ResultRelInfo *target,
			 CmdType operation)
{
	DdbModifyState *state = palloc0(sizeof(DdbModifyState));
	const DdbRelation *relation =
		ddb_relation_load(RelationGetRelid(target->ri_RelationDesc));
	Bitmapset *shown = columns_shown((const ModifyTable *) mtstate->ps.plan,
									 target, operation);

	state->rows = ddb_row_writer_create(mtstate->ps.state, target,
										ddb_plan_column_list(relation, shown),
										operation != CMD_INSERT);
	return state;
}

static Bitmapset *
as_set(List *attnums)
{
	Bitmapset *set = NULL;
	ListCell *lc;

	foreach (lc, attnums)
		set = bms_add_member(set, lfirst_int(lc));
	return set;
}

/*
 * Executor callback: sets up INSERT, UPDATE or DELETE, in the query's memory
 * context.  Does nothing for EXPLAIN alone.
 */
void
ddbBeginForeignModify(ModifyTableState *mtstate, ResultRelInfo *target,
					  List *fdw_private, int subplan_index, int eflags)
{
	EState *estate = mtstate->ps.state;
	ModifyTable *plan = (ModifyTable *) mtstate->ps.plan;
	MemoryContext old;
	DdbModifyState *state;

	(void) subplan_index;
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	old = MemoryContextSwitchTo(estate->es_query_cxt);
	state = create_state(mtstate, target, mtstate->operation);
	if (mtstate->operation == CMD_INSERT)
	{
		state->insert = ddb_insert_create(state->rows, plan->onConflictAction ==
														   ONCONFLICT_NOTHING);
		state->rows->items->named = as_set((List *) linitial(fdw_private));
	}
	else
		state->change =
			ddb_change_create(mtstate, target, state->rows, fdw_private);
	target->ri_FdwState = state;
	MemoryContextSwitchTo(old);
}

/* What was planned for rows of another relation they give here, too. */
static void
check_row_expressions(const ModifyTableState *mtstate, const ModifyTable *plan,
					  const DdbItemWriter *items)
{
	Index varno = mtstate->resultRelInfo[0].ri_RangeTableIndex;

	ddb_system_columns_check((Node *) plan->returningLists, varno,
							 items->relation, items->info);
	ddb_system_columns_check((Node *) plan->withCheckOptionLists, varno,
							 items->relation, items->info);
}

/*
 * True if triggers see the table before COPY says that there are no more rows.
 * Then none may be kept back.
 */
static bool
is_looked_at(const ResultRelInfo *root)
{
	return root->ri_TrigDesc != NULL &&
		   root->ri_TrigDesc->trig_insert_after_statement;
}

/* COPY, and rows that are routed to a partition. */
void
ddbBeginForeignInsert(ModifyTableState *mtstate, ResultRelInfo *target)
{
	EState *estate = mtstate->ps.state;
	ModifyTable *plan = (ModifyTable *) mtstate->ps.plan;
	MemoryContext old;
	DdbModifyState *state;

	/* It would be updated and inserted into through one state, or twice. */
	if (target->ri_FdwState != NULL || target->ri_usesFdwDirectModify)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot route tuples into foreign table \"%s\", which "
						"the same statement updates",
						RelationGetRelationName(target->ri_RelationDesc))));
	old = MemoryContextSwitchTo(estate->es_query_cxt);
	state = create_state(mtstate, target, CMD_INSERT);
	if (plan != NULL)
		check_row_expressions(mtstate, plan, state->rows->items);
	/* What COPY names, or an INSERT into the table that rows are routed from. */
	state->rows->items->named = as_set(ddb_plan_column_list(
		state->rows->items->relation, ExecGetInsertedCols(target, estate)));
	state->insert =
		ddb_insert_create(state->rows, plan != NULL && plan->onConflictAction ==
														   ONCONFLICT_NOTHING);
	/* COPY hands rows over one by one before PostgreSQL 16. */
	state->defers = plan == NULL && ddbGetForeignModifyBatchSize(target) > 1 &&
					!is_looked_at(mtstate->rootResultRelInfo);
	target->ri_FdwState = state;
	MemoryContextSwitchTo(old);
}

/*
 * Executor callback: writes what is left of an INSERT. Contexts free the rest.
 */
void
ddbEndForeignModify(EState *estate, ResultRelInfo *target)
{
	DdbModifyState *state = (DdbModifyState *) target->ri_FdwState;

	(void) estate;
	/* Requests end with the query's memory context. */
	if (state != NULL && state->insert != NULL)
		ddb_insert_flush(state->insert);
}

/*
 * Planner and executor callback: how many rows of an INSERT are handed over
 * together.  One, where each must be seen before the next.
 */
int
ddbGetForeignModifyBatchSize(ResultRelInfo *target)
{
	TriggerDesc *triggers = target->ri_TrigDesc;

	/* Where each row has to be seen after it was written, or before. */
	if (target->ri_projectReturning != NULL ||
		target->ri_WithCheckOptions != NIL ||
		(triggers != NULL &&
		 (triggers->trig_insert_before_row || triggers->trig_insert_after_row)))
		return 1;
	return DDB_WRITE_ROWS;
}

/* ---- INSERT ---- */

TupleTableSlot **
ddbExecForeignBatchInsert(EState *estate, ResultRelInfo *target,
						  TupleTableSlot **slots, TupleTableSlot **plan_slots,
						  int *n)
{
	DdbModifyState *state = (DdbModifyState *) target->ri_FdwState;

	(void) plan_slots;
	return ddb_insert_rows(state->insert, estate, target, slots, n);
}

/*
 * Executor callback: writes the row, or keeps it for a batch.  NULL if the
 * item was there and conflicts are ignored.
 */
TupleTableSlot *
ddbExecForeignInsert(EState *estate, ResultRelInfo *target,
					 TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	DdbModifyState *state = (DdbModifyState *) target->ri_FdwState;
	int n = 1;

	(void) plan_slot;
	if (state->defers)
	{
		ddb_insert_later(state->insert, slot);
		return slot;
	}
	return ddb_insert_rows(state->insert, estate, target, &slot, &n) != NULL
			   ? slot
			   : NULL;
}

/* ---- UPDATE and DELETE ---- */

TupleTableSlot *
ddbExecForeignUpdate(EState *estate, ResultRelInfo *target,
					 TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	DdbModifyState *state = (DdbModifyState *) target->ri_FdwState;

	(void) estate;
	return ddb_change_row(state->change, slot, plan_slot) ? slot : NULL;
}

TupleTableSlot *
ddbExecForeignDelete(EState *estate, ResultRelInfo *target,
					 TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	DdbModifyState *state = (DdbModifyState *) target->ri_FdwState;

	(void) estate;
	return ddb_change_row(state->change, slot, plan_slot) ? slot : NULL;
}

/* ---- EXPLAIN ---- */

/* The DynamoDB operation that EXPLAIN shows for the statement. */
static const char *
operation_name(const DdbRelation *relation, ModifyTableState *mtstate,
			   ResultRelInfo *target)
{
	const ModifyTable *plan = (const ModifyTable *) mtstate->ps.plan;
	DdbcOperation operation = DDBC_DELETE_ITEM;

	if (mtstate->operation == CMD_INSERT)
		operation = relation->replaces && !relation->exactly_once &&
							plan->onConflictAction == ONCONFLICT_NONE &&
							ddbGetForeignModifyBatchSize(target) > 1
						? DDBC_BATCH_WRITE_ITEM
						: DDBC_PUT_ITEM;
	else if (mtstate->operation == CMD_UPDATE)
		operation = DDBC_UPDATE_ITEM;
	return ddbc_operation_name(operation);
}

/* What the writes have taken. */
static void
show_writes(const DdbWrites *writes, ExplainState *es)
{
	const DdbWriteCounters *counters = &writes->counters;

	ExplainPropertyInteger("Requests", NULL, counters->requests, es);
	ExplainPropertyInteger("Items Written", NULL, counters->items, es);
	ddb_explain_consumption(writes->relation, counters->read_units,
							counters->write_units, counters->retries,
							counters->throttles, counters->bytes_received, es);
}

/* EXPLAIN callback: the operation, and with ANALYZE what the writes took. */
void
ddbExplainForeignModify(ModifyTableState *mtstate, ResultRelInfo *target,
						List *fdw_private, int subplan_index, ExplainState *es)
{
	DdbModifyState *state = (DdbModifyState *) target->ri_FdwState;
	const DdbRelation *relation =
		ddb_relation_load(RelationGetRelid(target->ri_RelationDesc));

	(void) fdw_private;
	(void) subplan_index;
	ExplainPropertyText("DynamoDB Write",
						operation_name(relation, mtstate, target), es);
	ddb_explain_exactly_once(relation, es);
	if (es->analyze && state != NULL)
		show_writes(state->rows->writes, es);
}
