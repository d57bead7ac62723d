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

#include "scan/count.h"

#include "executor/tuptable.h"
#include "scan/async.h"
#include "scan/stream.h"

typedef struct Count
{
	DdbRowSource source; /* first */
	DdbScanState *state;
	DdbRowSource *rows; /* that are counted */
	int64 *counts; /* of the group being counted, as plan->counts */
	int64 *other_counts; /* room for those of the next one */
	int64 group_rows; /* its rows */
	const DdbTarget *group; /* any target of its partition */
	bool is_done; /* the last group was given */
} Count;

/*
 * A finished group as a row in the slot.  Its counts start again at zero.
 */
static TupleTableSlot *
give_group(const Count *count, const DdbTarget *group, int64 *counts,
		   TupleTableSlot *slot)
{
	const DdbScanState *state = count->state;
	int first = state->relation->ncolumns;
	MemoryContext old = MemoryContextSwitchTo(state->row_context);

	if (state->plan->counts.are_by_partition)
		ddb_row_from_target(state->run.reader, group, slot);
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
add_rows(Count *count, const TupleTableSlot *row, int64 n)
{
	ListCell *lc;
	int i = 0;

	foreach (lc, count->state->plan->counts.columns)
	{
		int column = lfirst_int(lc);

		/* DynamoDB counts no item whose column could be NULL here. */
		if (column == 0 || count->state->run.count_only ||
			!row->tts_isnull[column - 1])
			count->counts[i] += n;
		i++;
	}
	count->group_rows += n;
}

/*
 * Counts a row.  True when it is the first of a new group, so that the one
 * before is finished.
 */
static bool
count_row(Count *count, const TupleTableSlot *row)
{
	const DdbAccessPlan *plan = count->state->plan;
	DdbStream *stream =
		count->rows->found_by; /* NULL: of a row that was kept */
	const DdbTarget *target = stream != NULL ? stream->counted_target : NULL;
	bool another = plan->counts.are_by_partition && count->group != NULL &&
				   !ddb_target_same_partition(plan, target, count->group);

	if (another)
	{
		int64 *counts = count->counts;

		count->counts = count->other_counts;
		count->other_counts = counts;
		count->group_rows = 0;
	}
	add_rows(count, row,
			 stream != NULL ? 1 + ddb_stream_take_counted(stream) : 1);
	count->group = target;
	return another;
}

/* ---- as a source of rows ---- */

static bool
source_ready(DdbRowSource *source)
{
	return ddb_source_ready(((Count *) source)->rows);
}

/*
 * The next row of counts.  Without groups there is always one, even of zeros;
 * a group shows only if it has rows.  NULL while a reply is awaited, too.
 */
static TupleTableSlot *
source_next(DdbRowSource *source, TupleTableSlot *slot)
{
	Count *count = (Count *) source;
	TupleTableSlot *row;

	while (!count->is_done &&
		   (row = ddb_source_next(count->rows, slot)) != NULL)
	{
		const DdbTarget *before = count->group;

		if (count_row(count, row))
			return give_group(count, before, count->other_counts, slot);
	}
	/* The counts so far are kept while a reply is awaited. */
	if (ddb_async_is_waiting(count->state) || count->is_done ||
		(count->state->plan->counts.are_by_partition && count->group_rows == 0))
		return NULL;
	count->is_done = true;
	return give_group(count, count->group, count->counts, slot);
}

static void
source_close(DdbRowSource *source)
{
	ddb_source_close(((Count *) source)->rows);
}

DdbRowSource *
ddb_count_create(DdbScanState *state, DdbRowSource *rows)
{
	Size size =
		sizeof(int64) * Max(list_length(state->plan->counts.columns), 1);
	Count *count = palloc0(sizeof(Count));

	count->source.ready = source_ready;
	count->source.next = source_next;
	count->source.close = source_close;
	count->state = state;
	count->rows = rows;
	count->counts = palloc0(size);
	count->other_counts = palloc0(size);
	return &count->source;
}
