/* SPDX-License-Identifier: PostgreSQL */
/*
 * stored_rows.c
 *		Gives rows that were kept as if they had just been read.
 */
#include "postgres.h"

#include "kept/stored_rows.h"

#include "utils/memutils.h"

/* Has the slot show the values of the row in kept, until that changes. */
static void
show(TupleTableSlot *kept, TupleTableSlot *slot)
{
	int n = slot->tts_tupleDescriptor->natts;

	slot_getallattrs(kept);
	memcpy(slot->tts_values, kept->tts_values, sizeof(Datum) * n);
	memcpy(slot->tts_isnull, kept->tts_isnull, sizeof(bool) * n);
	(void) ExecStoreVirtualTuple(slot);
}

/* The row is valid until the next call. */
bool
ddb_stored_next(Tuplestorestate *rows, TupleTableSlot *kept,
				TupleTableSlot *slot)
{
	MemoryContext old;
	bool found;

	ExecClearTuple(slot);
	/* Rows from disk are allocated, to be freed by the slot. */
	old = MemoryContextSwitchTo(kept->tts_mcxt);
	found = tuplestore_gettupleslot(rows, true, false, kept);
	MemoryContextSwitchTo(old);
	if (found)
		show(kept, slot);
	return found;
}

void
ddb_stored_show(MinimalTuple row, TupleTableSlot *kept, TupleTableSlot *slot)
{
	ExecClearTuple(slot);
	ExecStoreMinimalTuple(row, kept, false);
	show(kept, slot);
}
