/*
 * modify.c
 *		Rows that PostgreSQL wants written, one by one or in batches.
 *
 * Each is written at once, and stays so whatever becomes of the transaction.
 * Keys decide which item is meant; conditions see to it that INSERT makes new
 * ones and UPDATE and DELETE find old ones.
 */
#include "postgres.h"

#include "exec/modify.h"

#include "access/htup_details.h"
#include "compat.h"
#include "exec/insert.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "plan/modify.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/datum.h"
#include "utils/rel.h"

typedef struct DdbModifyState
{
	DdbRowWriter *rows;
	DdbInsert *insert; /* of INSERT and COPY */
	bool defers; /* rows need not be written before the next one comes */
	bool triggers_update; /* BEFORE triggers may set any column */
	AttrNumber key_junk[DDB_MAX_ITEM_KEYS];
	AttrNumber row_junk; /* the whole old row, or 0 */
	MemoryContext context; /* of the rows at hand */
} DdbModifyState;

/* ---- begin and end ---- */

static DdbModifyState *
create_state(const ModifyTableState *mtstate, ResultRelInfo *target)
{
	DdbModifyState *state = palloc0(sizeof(DdbModifyState));
	EState *estate = mtstate->ps.state;
	const ModifyTable *plan = (const ModifyTable *) mtstate->ps.plan;
	TriggerDesc *triggers = target->ri_TrigDesc;

	/* COPY has no plan. */
	state->rows = ddb_row_writer_create(
		estate, target, plan != NULL && plan->returningLists != NIL);
	state->triggers_update =
		triggers != NULL && triggers->trig_update_before_row;
	state->context = AllocSetContextCreate(estate->es_query_cxt, "ddb_fdw rows",
										   ALLOCSET_DEFAULT_SIZES);
	return state;
}

static void
find_junk(DdbModifyState *state, List *target_list)
{
	for (int i = 0; i < state->rows->items->nkeys; i++)
	{
		state->key_junk[i] = ExecFindJunkAttributeInTlist(
			target_list,
			ddb_modify_key_name(state->rows->items->key_columns[i]));
		if (!AttributeNumberIsValid(state->key_junk[i]))
			elog(ERROR, "rows do not carry key column \"%s\"",
				 state->rows->items->key_columns[i]->name);
	}
	state->row_junk = ExecFindJunkAttributeInTlist(target_list, "wholerow");
}

void
ddbBeginForeignModify(ModifyTableState *mtstate, ResultRelInfo *target,
					  List *fdw_private, int subplan_index, int eflags)
{
	EState *estate = mtstate->ps.state;
	ModifyTable *plan = (ModifyTable *) mtstate->ps.plan;
	MemoryContext old;
	DdbModifyState *state;

	(void) fdw_private;
	(void) subplan_index;
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	old = MemoryContextSwitchTo(estate->es_query_cxt);
	state = create_state(mtstate, target);
	if (mtstate->operation == CMD_INSERT)
		state->insert = ddb_insert_create(state->rows, plan->onConflictAction ==
														   ONCONFLICT_NOTHING);
	if (mtstate->operation != CMD_INSERT)
		find_junk(state, outerPlanState(mtstate)->plan->targetlist);
	target->ri_FdwState = state;
	MemoryContextSwitchTo(old);
}

/* COPY, and rows that are routed to a partition. */
void
ddbBeginForeignInsert(ModifyTableState *mtstate, ResultRelInfo *target)
{
	EState *estate = mtstate->ps.state;
	ModifyTable *plan = (ModifyTable *) mtstate->ps.plan;
	MemoryContext old;
	DdbModifyState *state;

	/* It would be updated and inserted into through one state. */
	if (target->ri_FdwState != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot route tuples into foreign table \"%s\", which "
						"the same statement updates",
						RelationGetRelationName(target->ri_RelationDesc))));
	old = MemoryContextSwitchTo(estate->es_query_cxt);
	state = create_state(mtstate, target);
	state->insert =
		ddb_insert_create(state->rows, plan != NULL && plan->onConflictAction ==
														   ONCONFLICT_NOTHING);
	/* COPY hands rows over one by one before PostgreSQL 16. */
	state->defers = plan == NULL && ddbGetForeignModifyBatchSize(target) > 1;
	target->ri_FdwState = state;
	MemoryContextSwitchTo(old);
}

void
ddbEndForeignModify(EState *estate, ResultRelInfo *target)
{
	DdbModifyState *state = (DdbModifyState *) target->ri_FdwState;

	(void) estate;
	/* Requests end with the query's memory context. */
	if (state != NULL && state->insert != NULL)
		ddb_insert_flush(state->insert);
}

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
	return DDB_INSERT_ROWS;
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

/* The key of the item that the row was read from. */
static void
take_keys(const DdbModifyState *state, TupleTableSlot *plan_slot, Datum *keys)
{
	for (int i = 0; i < state->rows->items->nkeys; i++)
	{
		bool isnull;

		keys[i] = ExecGetJunkAttribute(plan_slot, state->key_junk[i], &isnull);
		if (isnull)
			ddb_row_writer_raise_null_key(state->rows, i);
	}
}

/* Columns that a BEFORE trigger may have changed. */
static Bitmapset *
changed_columns(const DdbModifyState *state, TupleTableSlot *old)
{
	const DdbItemWriter *writer = state->rows->items;
	TupleDesc descriptor = old->tts_tupleDescriptor;
	Bitmapset *changed = NULL;

	slot_getallattrs(old);
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (attribute->attisdropped || (writer->nulls[i] && old->tts_isnull[i]))
			continue;
		if (writer->nulls[i] != old->tts_isnull[i] ||
			!datum_image_eq(writer->values[i], old->tts_values[i],
							attribute->attbyval, attribute->attlen))
			changed = bms_add_member(changed, i + 1);
	}
	return changed;
}

/* The columns that were set, as attnums. */
static Bitmapset *
updated_columns(const DdbModifyState *state, EState *estate,
				ResultRelInfo *target)
{
	Bitmapset *offset = ExecGetAllUpdatedCols(target, estate);
	Bitmapset *updated = NULL;
	int member = -1;

	while ((member = bms_next_member(offset, member)) >= 0)
	{
		AttrNumber attnum = member + FirstLowInvalidHeapAttributeNumber;

		if (attnum > 0)
			updated = bms_add_member(updated, attnum);
	}
	if (state->triggers_update)
		updated = bms_add_members(
			updated, changed_columns(state, target->ri_oldTupleSlot));
	return updated;
}

/* The item's key as JSON. */
static char *
key_json(const DdbModifyState *state, const Datum *keys)
{
	StringInfoData json;

	initStringInfo(&json);
	ddb_item_append_key(state->rows->items, keys, &json);
	return json.data;
}

/* False when the item is gone, or was updated already. */
static bool
update_row(DdbModifyState *state, EState *estate, ResultRelInfo *target,
		   TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	Datum keys[DDB_MAX_ITEM_KEYS];
	DdbRowChange change;
	char *key;

	take_keys(state, plan_slot, keys);
	key = key_json(state, keys);
	if (ddb_row_writer_met(state->rows, key))
		return false;
	ddb_item_load(state->rows->items, slot);
	ddb_row_change_update(state->rows, keys, key, target->ri_oldTupleSlot,
						  updated_columns(state, estate, target), &change);
	ddb_item_store(state->rows->items, slot);
	ddb_row_writer_check_view(estate, target, slot);
	ddb_row_writer_apply(state->rows, &change, 1);
	if (change.applied)
		ddb_row_change_show(state->rows, &change, slot);
	return change.applied;
}

TupleTableSlot *
ddbExecForeignUpdate(EState *estate, ResultRelInfo *target,
					 TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	DdbModifyState *state = (DdbModifyState *) target->ri_FdwState;
	ErrorContextCallback callback;
	MemoryContext old;
	bool applied;

	MemoryContextReset(state->context);
	ddb_writes_push_context(state->rows->writes, &callback);
	old = MemoryContextSwitchTo(state->context);
	applied = update_row(state, estate, target, slot, plan_slot);
	MemoryContextSwitchTo(old);
	ddb_writes_pop_context(&callback);
	return applied ? slot : NULL;
}

/* What DELETE returns is the row as it was read. */
static void
store_old_row(const DdbModifyState *state, TupleTableSlot *plan_slot,
			  TupleTableSlot *slot)
{
	bool isnull;
	HeapTupleHeader header;
	HeapTupleData tuple = {0};
	Oid relid = slot->tts_tableOid;

	ExecClearTuple(slot);
	if (!AttributeNumberIsValid(state->row_junk))
	{
		ExecStoreAllNullTuple(slot);
		return;
	}
	header = DatumGetHeapTupleHeader(
		ExecGetJunkAttribute(plan_slot, state->row_junk, &isnull));
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_data = header;
	ExecForceStoreHeapTuple(heap_copytuple(&tuple), slot, true);
	slot->tts_tableOid = relid;
}

TupleTableSlot *
ddbExecForeignDelete(EState *estate, ResultRelInfo *target,
					 TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	DdbModifyState *state = (DdbModifyState *) target->ri_FdwState;
	Datum keys[DDB_MAX_ITEM_KEYS];
	DdbRowChange change;
	ErrorContextCallback callback;
	MemoryContext old;

	(void) estate;
	MemoryContextReset(state->context);
	ddb_writes_push_context(state->rows->writes, &callback);
	old = MemoryContextSwitchTo(state->context);
	take_keys(state, plan_slot, keys);
	ddb_row_change_delete(state->rows, key_json(state, keys), &change);
	ddb_row_writer_apply(state->rows, &change, 1);
	MemoryContextSwitchTo(old);
	ddb_writes_pop_context(&callback);
	if (!change.applied)
		return NULL;
	/* Nobody looks at it without RETURNING or triggers. */
	if (target->ri_projectReturning != NULL)
		store_old_row(state, plan_slot, slot);
	else
		ExecStoreAllNullTuple(ExecClearTuple(slot));
	return slot;
}

/* ---- EXPLAIN ---- */

/* Is the item set as a whole? */
static bool
replaces_item(const DdbRelation *relation, EState *estate,
			  ResultRelInfo *target)
{
	Bitmapset *offset = ExecGetAllUpdatedCols(target, estate);

	for (int i = 0; i < relation->ncolumns; i++)
		if (relation->columns[i].name != NULL &&
			relation->columns[i].reach == DDB_REACH_ITEM &&
			bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, offset))
			return true;
	return false;
}

static const char *
operation_name(const DdbRelation *relation, ModifyTableState *mtstate,
			   ResultRelInfo *target)
{
	const ModifyTable *plan = (const ModifyTable *) mtstate->ps.plan;
	DdbcOperation operation = DDBC_DELETE_ITEM;

	if (mtstate->operation == CMD_INSERT)
		operation = relation->replaces &&
							plan->onConflictAction == ONCONFLICT_NONE &&
							ddbGetForeignModifyBatchSize(target) > 1
						? DDBC_BATCH_WRITE_ITEM
						: DDBC_PUT_ITEM;
	else if (mtstate->operation == CMD_UPDATE)
		operation = replaces_item(relation, mtstate->ps.state, target)
						? DDBC_PUT_ITEM
						: DDBC_UPDATE_ITEM;
	return ddbc_operation_name(operation);
}

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
	if (es->analyze && state != NULL)
		ddb_explain_writes(state->rows->writes, es);
}
