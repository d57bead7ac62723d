/* SPDX-License-Identifier: PostgreSQL */
/*
 * read_back.c
 *		Reads written items as replies are read.
 */
#include "postgres.h"

#include "modify/read_back.h"

#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "scan/row.h"
#include "utils/memutils.h"

struct DdbReadBack
{
	DdbAccessPlan plan; /* as of a GetItem */
	DdbRowReader *reader;
	TupleTableSlot *slot; /* virtual, as readers fill them */
	MemoryContext context; /* of the item at hand */
};

/* The reader is that of a scan, so RETURNING and a later SELECT agree. */
DdbReadBack *
ddb_read_back_create(const DdbItemWriter *writer, TupleDesc descriptor,
					 List *columns)
{
	DdbReadBack *back = palloc0(sizeof(DdbReadBack));

	ddb_access_plan_init(&back->plan, DDB_OP_GET_ITEM);
	back->plan.source.table_name = writer->relation->table_name;
	back->plan.source.keys = writer->info->keys;
	back->plan.source.table_keys = writer->info->keys;
	back->plan.filter.matched = ddb_key_templates_of_keys(
		writer->relation, &writer->info->keys, &writer->info->keys);
	back->reader = ddb_row_reader_create(
		writer->relation, &back->plan, writer->codecs,
		ddb_key_templates_close(writer->relation, columns,
								back->plan.filter.matched));
	/* A relation's own is counted, and nobody lets go of this slot. */
	back->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(descriptor),
										  &TTSOpsVirtual);
	back->context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw item read back", ALLOCSET_DEFAULT_SIZES);
	return back;
}

/* Memory of the row before is freed. */
const TupleTableSlot *
ddb_read_back_row(DdbReadBack *back, const char *item)
{
	StringInfoData body;
	DdbPage page = {0};
	MemoryContext old;
	bool found;

	MemoryContextReset(back->context);
	old = MemoryContextSwitchTo(back->context);
	initStringInfo(&body);
	appendStringInfoString(&body, "{\"Item\":");
	appendStringInfoString(&body, item);
	appendStringInfoChar(&body, '}');
	enlargeStringInfo(&body, DDB_JSON_PADDING);
	memset(body.data + body.len, 0, DDB_JSON_PADDING);
	ddb_page_open(&page, body.data, body.len, DDB_PAGE_ITEM,
				  back->plan.source.table_name, back->reader);
	found = ddb_row_read(back->reader, &page, back->slot);
	MemoryContextSwitchTo(old);
	return found ? back->slot : NULL;
}

/* Leaves the slot alone if the item is not a row of the foreign table. */
void
ddb_read_back_item(DdbReadBack *back, const char *item, TupleTableSlot *slot)
{
	Oid relid = slot->tts_tableOid;
	MemoryContext old;
	HeapTuple tuple;

	if (ddb_read_back_row(back, item) == NULL)
		return;
	old = MemoryContextSwitchTo(slot->tts_mcxt);
	tuple = ExecCopySlotHeapTuple(back->slot);
	MemoryContextSwitchTo(old);
	ExecForceStoreHeapTuple(tuple, slot, true);
	slot->tts_tableOid = relid;
}
