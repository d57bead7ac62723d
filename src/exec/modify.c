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
#include "exec/item_equal.h"
#include "exec/row_writer.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "plan/modify.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/datum.h"
#include "utils/rel.h"

/*
 * Rows of one batch.  The next is begun when the last reply is in, so there are
 * many more than requests in flight.
 */
#define BATCH_ROWS 400

/* What BatchWriteItem is given at once, in bytes of JSON: it takes 16 MB. */
#define MAX_BATCH_BYTES (4 * 1024 * 1024)

/* Items that are made of rows before they are sent, in bytes of JSON. */
#define MAX_PENDING_BYTES (8 * 1024 * 1024)

typedef struct DdbModifyState
{
	DdbRowWriter *rows;
	bool ignores_conflicts; /* ON CONFLICT DO NOTHING */
	bool triggers_update; /* BEFORE triggers may set any column */
	AttrNumber key_junk[DDB_MAX_ITEM_KEYS];
	AttrNumber row_junk; /* the whole old row, or 0 */
	MemoryContext context; /* of the rows at hand */
	TupleTableSlot *given_back[BATCH_ROWS]; /* the array that was given is the
											 * executor's */
} DdbModifyState;

/* A row on its way. */
typedef struct PendingRow
{
	TupleTableSlot *slot;
	char *item; /* JSON */
	char *key;
	int position; /* among the rows that were given */
	bool again; /* another one before it has the same key */
	bool written;
} PendingRow;

/* ---- begin and end ---- */

static DdbModifyState *
create_state(EState *estate, ResultRelInfo *target)
{
	DdbModifyState *state = palloc0(sizeof(DdbModifyState));
	TriggerDesc *triggers = target->ri_TrigDesc;

	state->rows = ddb_row_writer_create(estate, target);
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
	state = create_state(estate, target);
	state->ignores_conflicts = plan->onConflictAction == ONCONFLICT_NOTHING;
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
	state = create_state(estate, target);
	state->ignores_conflicts =
		plan != NULL && plan->onConflictAction == ONCONFLICT_NOTHING;
	target->ri_FdwState = state;
	MemoryContextSwitchTo(old);
}

void
ddbEndForeignModify(EState *estate, ResultRelInfo *target)
{
	(void) estate;
	(void) target;
	/* Requests end with the query's memory context. */
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
	return BATCH_ROWS;
}

/* ---- INSERT ---- */

static void
compose_row(DdbModifyState *state, TupleTableSlot *slot, PendingRow *row)
{
	StringInfoData item;
	StringInfoData key;

	initStringInfo(&item);
	initStringInfo(&key);
	ddb_item_load(state->rows->items, slot);
	ddb_item_compose(state->rows->items, &item, &key);
	ddb_item_store(state->rows->items, slot);
	row->slot = slot;
	row->item = item.data;
	row->key = key.data;
	row->again = false;
	row->written = false;
}

static int
compare_keys(const void *a, const void *b)
{
	const PendingRow *left = *(PendingRow *const *) a;
	const PendingRow *right = *(PendingRow *const *) b;
	int order = strcmp(left->key, right->key);

	return order != 0 ? order : left->position - right->position;
}

/* Marks rows whose key an earlier one has; true if there are any. */
static bool
mark_repeats(PendingRow *rows, int n)
{
	PendingRow **sorted = palloc(sizeof(PendingRow *) * n);
	bool found = false;

	for (int i = 0; i < n; i++)
		sorted[i] = &rows[i];
	qsort(sorted, n, sizeof(PendingRow *), compare_keys);
	for (int i = 1; i < n; i++)
		if (strcmp(sorted[i]->key, sorted[i - 1]->key) == 0)
			sorted[i]->again = found = true;
	return found;
}

/* "(a, b)=(1, 2)", as unique violations are told. */
static char *
describe_key(const DdbModifyState *state, TupleTableSlot *slot)
{
	const DdbItemWriter *writer = state->rows->items;
	StringInfoData names;
	StringInfoData values;

	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < writer->nkeys; i++)
	{
		const DdbColumn *column = writer->key_columns[i];
		const char *separator = i > 0 ? ", " : "";
		Oid output;
		bool is_varlena;
		bool isnull = true;
		Datum value = (Datum) 0;

		appendStringInfo(&names, "%s%s", separator,
						 column != NULL ? column->name : writer->key_names[i]);
		if (column != NULL)
			value = slot_getattr(slot, column->attnum, &isnull);
		if (!isnull)
			getTypeOutputInfo(column->typid, &output, &is_varlena);
		appendStringInfo(&values, "%s%s", separator,
						 isnull ? "…" : OidOutputFunctionCall(output, value));
	}
	return psprintf("(%s)=(%s)", names.data, values.data);
}

static void
raise_exists(const DdbModifyState *state, TupleTableSlot *slot)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("item exists already in DynamoDB table \"%s\"",
					state->rows->wire.table_name),
			 errdetail("Key %s already exists.", describe_key(state, slot))));
}

/* What became of a PutItem for a new item; false: there is one already. */
static bool
was_put(const DdbWriteJob *job, const PendingRow *row)
{
	if (!job->refused)
		return true;
	/*
	 * An attempt whose answer was lost may have put it, but hardly where a row
	 * before was put.
	 */
	return job->ambiguous && !row->again && job->item != NULL &&
		   ddb_item_equal(job->item, job->item_len, row->item,
						  strlen(row->item));
}

/* Puts those rows (repeats, or the others) as new items. */
static void
put_new(DdbModifyState *state, PendingRow *rows, int n, bool repeats)
{
	DdbWriteJob **jobs = palloc(sizeof(DdbWriteJob *) * n);
	PendingRow **of_job = palloc(sizeof(PendingRow *) * n);
	int count = 0;

	for (int i = 0; i < n; i++)
	{
		StringInfoData body;

		if (rows[i].again != repeats)
			continue;
		initStringInfo(&body);
		ddb_write_put(&body, &state->rows->wire, rows[i].item, DDB_PUT_NEW);
		of_job[count] = &rows[i];
		jobs[count] = palloc(sizeof(DdbWriteJob));
		ddb_write_job_init(jobs[count++], DDBC_PUT_ITEM, &body, 1);
	}
	ddb_writes_run(state->rows->writes, jobs, count);
	for (int i = 0; i < count; i++)
	{
		of_job[i]->written = was_put(jobs[i], of_job[i]);
		if (!of_job[i]->written && !state->ignores_conflicts)
			raise_exists(state, of_job[i]->slot);
	}
}

/* Of rows with one key the last one stays. */
static int
keep_last(PendingRow *rows, int n)
{
	PendingRow **sorted = palloc(sizeof(PendingRow *) * n);
	int kept = 0;

	for (int i = 0; i < n; i++)
	{
		sorted[i] = &rows[i];
		rows[i].written = true;
	}
	qsort(sorted, n, sizeof(PendingRow *), compare_keys);
	for (int i = 0; i < n; i++)
		sorted[i]->again =
			i + 1 < n && strcmp(sorted[i]->key, sorted[i + 1]->key) == 0;
	for (int i = 0; i < n; i++)
		kept += !rows[i].again;
	return kept;
}

/* The next items for one BatchWriteItem, from *next on. */
static int
take_batch(PendingRow *rows, int n, int *next, char **items)
{
	int count = 0;
	size_t bytes = 0;

	for (; *next < n && count < DDB_MAX_BATCH_ITEMS && bytes < MAX_BATCH_BYTES;
		 (*next)++)
	{
		if (rows[*next].again)
			continue;
		items[count] = rows[*next].item;
		bytes += strlen(items[count++]);
	}
	return count;
}

/* Puts rows whatever is there: 25 a request. */
static void
put_always(DdbModifyState *state, PendingRow *rows, int n)
{
	int kept = keep_last(rows, n);
	DdbWriteJob **jobs = palloc(sizeof(DdbWriteJob *) * Max(kept, 1));
	char *items[DDB_MAX_BATCH_ITEMS];
	int count = 0;
	int next = 0;
	int taken;

	while ((taken = take_batch(rows, n, &next, items)) > 0)
	{
		StringInfoData body;

		initStringInfo(&body);
		if (taken == 1)
			ddb_write_put(&body, &state->rows->wire, items[0], DDB_PUT_ALWAYS);
		else
			ddb_write_batch(&body, &state->rows->wire, items, taken);
		jobs[count] = palloc(sizeof(DdbWriteJob));
		ddb_write_job_init(jobs[count++],
						   taken == 1 ? DDBC_PUT_ITEM : DDBC_BATCH_WRITE_ITEM,
						   &body, taken);
	}
	ddb_writes_run(state->rows->writes, jobs, count);
}

/* Views' WITH CHECK OPTION: what is written cannot be taken back. */
static void
check_view(EState *estate, ResultRelInfo *target, TupleTableSlot *slot)
{
	if (target->ri_WithCheckOptions != NIL)
		ExecWithCheckOptions(WCO_VIEW_CHECK, target, slot, estate);
}

/* Items of the first rows, of as many as are sent together; how many. */
static int
compose_rows(DdbModifyState *state, EState *estate, ResultRelInfo *target,
			 TupleTableSlot **slots, int n, PendingRow *rows)
{
	size_t bytes = 0;
	int i;

	for (i = 0; i < n && bytes < MAX_PENDING_BYTES; i++)
	{
		rows[i].position = i;
		compose_row(state, slots[i], &rows[i]);
		check_view(estate, target, slots[i]);
		bytes += strlen(rows[i].item);
	}
	return i;
}

static void
write_new(DdbModifyState *state, PendingRow *rows, int n)
{
	/* What is there must stay, if that is asked for. */
	if (state->rows->items->relation->replaces && !state->ignores_conflicts)
		put_always(state, rows, n);
	else
	{
		bool repeats = mark_repeats(rows, n);

		put_new(state, rows, n, false);
		if (repeats)
			put_new(state, rows, n, true);
	}
}

/* Writes the first rows, and gives back those that were new; how many it took. */
static int
insert_rows(DdbModifyState *state, EState *estate, ResultRelInfo *target,
			TupleTableSlot **slots, int n, TupleTableSlot **given_back,
			int *written)
{
	PendingRow *rows;

	MemoryContextReset(state->context);
	rows = palloc(sizeof(PendingRow) * n);
	n = compose_rows(state, estate, target, slots, n, rows);
	write_new(state, rows, n);
	for (int i = 0; i < n; i++)
		if (rows[i].written)
		{
			if (state->rows->read_back != NULL)
				ddb_read_back_item(state->rows->read_back, rows[i].item,
								   slots[i]);
			given_back[(*written)++] = slots[i];
		}
	return n;
}

TupleTableSlot **
ddbExecForeignBatchInsert(EState *estate, ResultRelInfo *target,
						  TupleTableSlot **slots, TupleTableSlot **plan_slots,
						  int *n)
{
	DdbModifyState *state = (DdbModifyState *) target->ri_FdwState;
	ErrorContextCallback callback;
	MemoryContext old;
	int written = 0;

	(void) plan_slots;
	ddb_writes_push_context(state->rows->writes, &callback);
	old = MemoryContextSwitchTo(state->context);
	for (int i = 0; i < *n;)
		i += insert_rows(state, estate, target, slots + i, *n - i,
						 state->given_back, &written);
	MemoryContextSwitchTo(old);
	ddb_writes_pop_context(&callback);
	*n = written;
	return written > 0 ? state->given_back : NULL;
}

TupleTableSlot *
ddbExecForeignInsert(EState *estate, ResultRelInfo *target,
					 TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	int n = 1;

	return ddbExecForeignBatchInsert(estate, target, &slot, &plan_slot, &n) !=
				   NULL
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
	check_view(estate, target, slot);
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
	DdbcOperation operation = DDBC_DELETE_ITEM;

	if (mtstate->operation == CMD_INSERT)
		operation =
			relation->replaces && ddbGetForeignModifyBatchSize(target) > 1
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
