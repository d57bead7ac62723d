/* SPDX-License-Identifier: PostgreSQL */
/*
 * count.c
 *		Counts what an access plan selects, in all or by partition.
 *
 * A reply to Select COUNT says how many there are; when conditions have to be
 * checked again, items are fetched and counted one by one.  Targets come
 * sorted, so that all ranges of a partition follow each other.
 */
#include "postgres.h"

#include "scan/scan.h"

#include "executor/tuptable.h"

/* Starts the counts of a run at zero. */
void
ddb_count_begin(DdbScanState *state)
{
	Size size =
		sizeof(int64) * Max(list_length(state->plan->counts.columns), 1);

	state->counts = MemoryContextAllocZero(state->run_context, size);
	state->other_counts = MemoryContextAllocZero(state->run_context, size);
	state->group_rows = 0;
	state->group = NULL;
	state->counted_all = false;
}

/*
 * A finished group as a row in the scan's slot.  Its counts start again at
 * zero.
 */
static TupleTableSlot *
give_group(ForeignScanState *node, DdbScanState *state, const DdbTarget *group,
		   int64 *counts)
{
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	int first = state->relation->ncolumns;
	MemoryContext old = MemoryContextSwitchTo(state->row_context);

	if (state->plan->counts.are_by_partition)
		ddb_row_from_target(state->reader, group, slot);
	else
		ExecStoreAllNullTuple(slot);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < list_length(state->plan->counts.columns); i++)
	{
		slot->tts_values[first + i] = Int64GetDatum(counts[i]);
		slot->tts_isnull[first + i] = false;
		counts[i] = 0;
	}
	return slot;
}

/*
 * Adds n rows like this one to the counts of the group, each count if its
 * column is not NULL.
 */
static void
add_rows(DdbScanState *state, const TupleTableSlot *row, int64 n)
{
	ListCell *lc;
	int i = 0;

	foreach (lc, state->plan->counts.columns)
	{
		int column = lfirst_int(lc);

		/* DynamoDB counts no item whose column could be NULL here. */
		if (column == 0 || state->count_only || !row->tts_isnull[column - 1])
			state->counts[i] += n;
		i++;
	}
	state->group_rows += n;
}

/*
 * Counts a row.  True when it is the first of a new group, so that the one
 * before is finished.
 */
static bool
count_row(DdbScanState *state, const TupleTableSlot *row)
{
	const DdbTarget *target = state->last->counted_target;
	bool another =
		state->plan->counts.are_by_partition && state->group != NULL &&
		!ddb_target_same_partition(state->plan, target, state->group);

	if (another)
	{
		int64 *counts = state->counts;

		state->counts = state->other_counts;
		state->other_counts = counts;
		state->group_rows = 0;
	}
	add_rows(state, row, 1 + ddb_stream_take_counted(state->last));
	state->group = target;
	return another;
}

/*
 * The next row of counts.  Without groups there is always one, even of zeros;
 * a group shows only if it has rows.  NULL while a reply is awaited, too.
 */
TupleTableSlot *
ddb_count_next(ForeignScanState *node, DdbScanState *state)
{
	TupleTableSlot *row;

	while (!state->counted_all &&
		   (row = ddb_scan_next_row(node, state)) != NULL)
	{
		const DdbTarget *before = state->group;

		if (count_row(state, row))
			return give_group(node, state, before, state->other_counts);
	}
	/* The counts so far are kept while a reply is awaited. */
	if (state->pending || state->counted_all ||
		(state->plan->counts.are_by_partition && state->group_rows == 0))
		return NULL;
	state->counted_all = true;
	return give_group(node, state, state->group, state->counts);
}
