/* SPDX-License-Identifier: PostgreSQL */
/*
 * update_delete.c
 *		UPDATE and DELETE of rows that come from joins, subqueries and triggers.
 *
 * PostgreSQL hands over one row and wants to know what became of it before it
 * hands over the next.  But the rows are in a spool: so those behind it are
 * looked at, written together with it, and what became of them is told when
 * their turn comes.
 */
#include "postgres.h"

#include "modify/update_delete.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "modify/modify_plan.h"
#include "modify/spool_exec.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"

struct DdbChange
{
	ModifyTableState *mtstate;
	ResultRelInfo *target;
	DdbRowWriter *rows;
	PlanState *spool; /* NULL: rows are written one by one */
	bool triggers_update; /* BEFORE triggers may set any column */
	Bitmapset *kept; /* attnums that are set to what is made of themselves */
	AttrNumber key_junk[DDB_MAX_ITEM_KEYS];
	AttrNumber row_junk; /* the whole old row, or 0 */

	/* of the batch */
	MemoryContext context;
	DdbRowChange *changes;
	bool *met; /* an earlier row updated the item */
	HeapTuple *completed; /* rows with values that they were not given */
	int n;
	int next; /* whose turn it is */
	size_t bytes; /* of their requests */
};

/* ---- beginning ---- */

/*
 * Finds where rows carry their keys and the old row, among the columns that
 * are not for the user.
 */
static void
find_junk(DdbChange *change, List *target_list)
{
	const DdbItemWriter *items = change->rows->items;

	for (int i = 0; i < items->nkeys; i++)
	{
		/* The planner has seen to it that there are no rows then. */
		if (items->key_columns[i] == NULL)
			continue;
		change->key_junk[i] = ExecFindJunkAttributeInTlist(
			target_list, ddb_modify_key_name(items->key_columns[i]));
		if (!AttributeNumberIsValid(change->key_junk[i]))
			elog(ERROR, "rows do not carry key column \"%s\"",
				 items->key_columns[i]->name);
	}
	change->row_junk = ExecFindJunkAttributeInTlist(target_list, "wholerow");
}

/* The item as it is now: rows that come from elsewhere do not show it. */
static char *
look_at_item(void *arg, const char *key, int *len)
{
	DdbRowWriter *rows = (DdbRowWriter *) arg;
	DdbWriteJob *job = palloc(sizeof(DdbWriteJob));
	StringInfoData body;

	initStringInfo(&body);
	ddb_write_get(&body, &rows->wire, key);
	ddb_write_job_init(job, &rows->wire, DDBC_GET_ITEM, &body, 0);
	ddb_writes_run(rows->writes, &job, 1);
	*len = job->item_len;
	return job->item;
}

/*
 * True if rows may be written before their turn, since nothing can change them
 * until then.
 */
static bool
may_look_ahead(const DdbChange *change)
{
	const TriggerDesc *triggers = change->target->ri_TrigDesc;

	return change->target->ri_WithCheckOptions == NIL &&
		   (triggers == NULL || (!triggers->trig_update_before_row &&
								 !triggers->trig_delete_before_row));
}

/* Looks ahead only into a spool, which alone can give rows twice. */
DdbChange *
ddb_change_create(ModifyTableState *mtstate, ResultRelInfo *target,
				  DdbRowWriter *rows, const List *kept)
{
	DdbChange *change = palloc0(sizeof(DdbChange));
	PlanState *child = outerPlanState(mtstate);
	ListCell *lc;

	change->mtstate = mtstate;
	change->target = target;
	change->rows = rows;
	foreach (lc, kept)
		change->kept = bms_add_member(change->kept, lfirst_int(lc));
	rows->items->look = look_at_item;
	rows->items->look_arg = rows;
	find_junk(change, child->plan->targetlist);
	change->triggers_update = target->ri_TrigDesc != NULL &&
							  target->ri_TrigDesc->trig_update_before_row;
	if (may_look_ahead(change) && ddb_spool_is(child))
		change->spool = child;
	change->context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw changes", ALLOCSET_DEFAULT_SIZES);
	return change;
}

/* ---- one row ---- */

/* The key of the item that the row was read from. */
static void
take_keys(const DdbChange *change, TupleTableSlot *plan_slot, Datum *keys)
{
	for (int i = 0; i < change->rows->items->nkeys; i++)
	{
		bool isnull;

		keys[i] = ExecGetJunkAttribute(plan_slot, change->key_junk[i], &isnull);
		if (isnull)
			ddb_row_writer_raise_null_key(change->rows, i);
	}
}

/* The key of these values as JSON, palloc'd. */
static char *
key_json(const DdbChange *change, const Datum *keys)
{
	StringInfoData json;

	initStringInfo(&json);
	ddb_item_append_key(change->rows->items, keys, &json);
	return json.data;
}

/* Columns that a BEFORE trigger may have changed. */
static Bitmapset *
changed_columns(const DdbItemWriter *items, TupleTableSlot *old)
{
	TupleDesc descriptor = old->tts_tupleDescriptor;
	Bitmapset *changed = NULL;

	slot_getallattrs(old);
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (attribute->attisdropped || (items->nulls[i] && old->tts_isnull[i]))
			continue;
		if (items->nulls[i] != old->tts_isnull[i] ||
			!datum_image_eq(items->values[i], old->tts_values[i],
							attribute->attbyval, attribute->attlen))
			changed = bms_add_member(changed, i + 1);
	}
	return changed;
}

/* The columns that were set, as attnums; triggers keep what they leave. */
static Bitmapset *
updated_columns(const DdbChange *change)
{
	Bitmapset *offset =
		ExecGetAllUpdatedCols(change->target, change->mtstate->ps.state);
	Bitmapset *updated = NULL;
	int member = -1;

	while ((member = bms_next_member(offset, member)) >= 0)
	{
		AttrNumber attnum = member + FirstLowInvalidHeapAttributeNumber;

		if (attnum > 0)
			updated = bms_add_member(updated, attnum);
	}
	change->rows->items->kept = change->kept;
	if (change->triggers_update)
	{
		Bitmapset *changed = changed_columns(change->rows->items,
											 change->target->ri_oldTupleSlot);

		updated = bms_add_members(updated, changed);
		change->rows->items->kept = bms_union(change->kept, changed);
	}
	return updated;
}

/*
 * Makes change number i of the row in the slot.  Values that were completed
 * are remembered for RETURNING.
 */
static void
add_update(DdbChange *change, int i, const Datum *keys, char *key,
		   TupleTableSlot *slot)
{
	DdbItemWriter *items = change->rows->items;

	ddb_item_load(items, slot);
	ddb_row_change_update(change->rows, keys, key, NULL,
						  change->target->ri_oldTupleSlot,
						  updated_columns(change), &change->changes[i]);
	if (items->completed)
		change->completed[i] = heap_form_tuple(slot->tts_tupleDescriptor,
											   items->values, items->nulls);
}

/* The item that comes back is about as large as the row that was read. */
static size_t
returned_bytes(const DdbChange *change, TupleTableSlot *plan_slot)
{
	bool isnull;
	Datum row;

	if (!change->rows->wire.returns ||
		!AttributeNumberIsValid(change->row_junk))
		return 0;
	row = ExecGetJunkAttribute(plan_slot, change->row_junk, &isnull);
	return isnull ? 0
				  : HeapTupleHeaderGetDatumLength(DatumGetHeapTupleHeader(row));
}

/* Adds a row to the batch; of UPDATE, the slot is the new one. */
static void
add_row(DdbChange *change, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	Datum keys[DDB_MAX_ITEM_KEYS];
	int i = change->n++;
	char *key;

	take_keys(change, plan_slot, keys);
	key = key_json(change, keys);
	memset(&change->changes[i], 0, sizeof(DdbRowChange));
	/* A second DELETE finds no item, unless others write new ones. */
	change->met[i] =
		(change->mtstate->operation == CMD_UPDATE || change->rows->shares) &&
		ddb_row_writer_met(change->rows, key);
	change->completed[i] = NULL;
	if (change->met[i])
		change->changes[i].key = key;
	else if (change->mtstate->operation == CMD_DELETE)
		ddb_row_change_delete(change->rows, key, NULL, &change->changes[i]);
	else
		add_update(change, i, keys, key, slot);
	change->bytes +=
		change->changes[i].job.len + returned_bytes(change, plan_slot);
}

/* ---- rows whose turn has not come ---- */

/* True if the row belongs to this relation; rows of partitions come mixed. */
static bool
is_ours(const DdbChange *change, TupleTableSlot *plan_slot)
{
	int tableoid = change->mtstate->mt_resultOidAttno;
	bool isnull;

	return tableoid <= 0 ||
		   DatumGetObjectId(
			   ExecGetJunkAttribute(plan_slot, tableoid, &isnull)) ==
			   RelationGetRelid(change->target->ri_RelationDesc);
}

/* As the executor makes the new row of the old one and what is set. */
static TupleTableSlot *
new_row(const DdbChange *change, TupleTableSlot *plan_slot)
{
	ResultRelInfo *target = change->target;
	bool isnull;
	HeapTupleHeader header = DatumGetHeapTupleHeader(
		ExecGetJunkAttribute(plan_slot, change->row_junk, &isnull));
	HeapTuple tuple = palloc0(sizeof(HeapTupleData));

	tuple->t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple->t_self);
	tuple->t_tableOid = RelationGetRelid(target->ri_RelationDesc);
	tuple->t_data = header;
	ExecForceStoreHeapTuple(tuple, target->ri_oldTupleSlot, false);
	return ExecGetUpdateNewTuple(target, plan_slot, target->ri_oldTupleSlot);
}

/*
 * Adds rows from the spool to the batch, until it is full or a row belongs to
 * another relation.
 */
static void
look_ahead(DdbChange *change)
{
	TupleTableSlot *plan_slot;

	ddb_spool_begin_peek(change->spool);
	while (change->n < DDB_WRITE_ROWS && change->bytes < DDB_WRITE_BYTES)
	{
		plan_slot = ddb_spool_peek(change->spool);
		if (TupIsNull(plan_slot) || !is_ours(change, plan_slot))
			return;
		add_row(change,
				change->mtstate->operation == CMD_UPDATE
					? new_row(change, plan_slot)
					: plan_slot,
				plan_slot);
	}
}

/* The same for UPDATE, whose slots are the executor's. */
static void
look_ahead_and_back(DdbChange *change, TupleTableSlot *slot)
{
	TupleTableSlot *old = change->target->ri_oldTupleSlot;
	HeapTuple new_tuple = ExecCopySlotHeapTuple(slot);
	HeapTuple old_tuple = ExecCopySlotHeapTuple(old);
	Oid relid = slot->tts_tableOid;

	look_ahead(change);
	ExecForceStoreHeapTuple(new_tuple, slot, false);
	ExecForceStoreHeapTuple(old_tuple, old, false);
	slot->tts_tableOid = old->tts_tableOid = relid;
}

/* Writes the row, and as many behind it as there are. */
static void
run_batch(DdbChange *change, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	bool updates = change->mtstate->operation == CMD_UPDATE;

	MemoryContextReset(change->context);
	change->changes = palloc(sizeof(DdbRowChange) * DDB_WRITE_ROWS);
	change->met = palloc(sizeof(bool) * DDB_WRITE_ROWS);
	change->completed = palloc(sizeof(HeapTuple) * DDB_WRITE_ROWS);
	change->n = change->next = 0;
	change->bytes = 0;
	add_row(change, slot, plan_slot);
	if (updates && change->target->ri_WithCheckOptions != NIL)
	{
		if (change->completed[0] != NULL)
			ExecForceStoreHeapTuple(change->completed[0], slot, false);
		ddb_row_writer_check_view(change->mtstate->ps.state, change->target,
								  slot);
	}
	if (change->spool != NULL && updates)
		look_ahead_and_back(change, slot);
	else if (change->spool != NULL)
		look_ahead(change);
	ddb_row_writer_apply(change->rows, change->changes, change->n);
}

/* ---- what became of them ---- */

/* What DELETE returns, as it was read. */
static void
show_old_row(const DdbChange *change, TupleTableSlot *plan_slot,
			 TupleTableSlot *slot)
{
	bool isnull;
	HeapTupleHeader header;
	HeapTupleData tuple = {0};
	Oid relid = slot->tts_tableOid;

	ExecClearTuple(slot);
	if (!AttributeNumberIsValid(change->row_junk))
	{
		ExecStoreAllNullTuple(slot);
		return;
	}
	header = DatumGetHeapTupleHeader(
		ExecGetJunkAttribute(plan_slot, change->row_junk, &isnull));
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_data = header;
	ExecForceStoreHeapTuple(heap_copytuple(&tuple), slot, true);
	slot->tts_tableOid = relid;
}

/*
 * Puts change number i into the slot: the row as it was written, or as it was
 * before it was deleted.
 */
static void
show(const DdbChange *change, int i, TupleTableSlot *slot,
	 TupleTableSlot *plan_slot)
{
	Oid relid = slot->tts_tableOid;

	if (change->mtstate->operation == CMD_DELETE)
	{
		show_old_row(change, plan_slot, slot);
		ddb_row_change_show(change->rows, &change->changes[i], true, slot);
		return;
	}
	if (change->completed[i] != NULL)
		ExecForceStoreHeapTuple(change->completed[i], slot, false);
	slot->tts_tableOid = relid;
	ddb_row_change_show(change->rows, &change->changes[i], true, slot);
}

/* The row whose turn it is must be the one that was written. */
static void
check_turn(const DdbChange *change, int i, TupleTableSlot *plan_slot)
{
	Datum keys[DDB_MAX_ITEM_KEYS];

	take_keys(change, plan_slot, keys);
	if (strcmp(key_json(change, keys), change->changes[i].key) != 0)
		elog(ERROR, "rows come in another order than they were read");
}

/*
 * Writes a batch when none is left, of this row and those that the spool can
 * give ahead of their turn.
 */
bool
ddb_change_row(DdbChange *change, TupleTableSlot *slot,
			   TupleTableSlot *plan_slot)
{
	MemoryContext old;
	bool applied;
	int i;

	old = MemoryContextSwitchTo(change->context);
	if (change->next == change->n)
		run_batch(change, slot, plan_slot);
	i = change->next++;
	if (i > 0)
		check_turn(change, i, plan_slot);
	applied = change->changes[i].applied && !change->met[i];
	if (applied)
		show(change, i, slot, plan_slot);
	MemoryContextSwitchTo(old);
	return applied;
}
