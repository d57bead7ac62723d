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

struct DdbReadBack
{
	DdbAccessPlan plan; /* as of a GetItem */
	DdbRowReader *reader;
	TupleTableSlot *slot; /* virtual, as readers fill them */
};

List *
ddb_read_back_columns(const DdbRelation *relation)
{
	List *columns = NIL;

	for (int i = 0; i < relation->ncolumns; i++)
		if (relation->columns[i].name != NULL)
			columns = lappend_int(columns, i + 1);
	return columns;
}

DdbReadBack *
ddb_read_back_create(const DdbItemWriter *writer, TupleDesc descriptor,
					 List *columns)
{
	DdbReadBack *back = palloc0(sizeof(DdbReadBack));

	back->plan.operation = DDB_OP_GET_ITEM;
	back->plan.table_name = writer->relation->table_name;
	back->plan.keys = writer->info->keys;
	back->plan.table_keys = writer->info->keys;
	back->plan.matched = ddb_key_templates_of_keys(
		writer->relation, &writer->info->keys, &writer->info->keys);
	back->reader = ddb_row_reader_create(writer->relation, &back->plan,
										 writer->codecs, columns);
	/* A relation's own is counted, and nobody lets go of this slot. */
	back->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(descriptor),
										  &TTSOpsVirtual);
	return back;
}

const TupleTableSlot *
ddb_read_back_row(DdbReadBack *back, const char *item)
{
	StringInfoData body;
	DdbPage page = {0};

	initStringInfo(&body);
	appendStringInfoString(&body, "{\"Item\":");
	appendStringInfoString(&body, item);
	appendStringInfoChar(&body, '}');
	enlargeStringInfo(&body, DDB_SCAN_PADDING);
	memset(body.data + body.len, 0, DDB_SCAN_PADDING);
	ddb_page_open(&page, body.data, body.len, DDB_PAGE_ITEM,
				  back->plan.table_name, back->reader);
	return ddb_row_read(back->reader, &page, back->slot) ? back->slot : NULL;
}

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
