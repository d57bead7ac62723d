/* SPDX-License-Identifier: PostgreSQL */
/*
 * sample.c
 *		Draws ANALYZE's rows from those that are read.
 *
 * PostgreSQL reckons with rows drawn one by one.  DynamoDB gives them by the
 * page, in which a partition's items stand together, so that values that go
 * with the partition repeat far too often: taken as it is, such a sample says
 * that the table has no more partitions than were read.
 */
#include "postgres.h"

#include "statistics/sample.h"

#include <math.h>

#include "common/pg_prng.h"
#include "executor/executor.h"
#include "utils/datum.h"
#include "utils/memutils.h"

/* Thinned to no less of what is wanted: other columns need rows as well. */
#define MIN_SHARE 0.1

/*
 * Values of partition_columns, attribute numbers, tell where a run of one
 * partition ends.
 */
void
ddb_sample_init(DdbSample *sample, HeapTuple *rows, int room,
				List *partition_columns)
{
	memset(sample, 0, sizeof(*sample));
	sample->rows = rows;
	sample->runs = palloc_extended(sizeof(int) * room, MCXT_ALLOC_HUGE);
	sample->room = room;
	sample->context = CurrentMemoryContext;
	sample->partition_columns = partition_columns;
	sample->previous =
		palloc0(sizeof(Datum) * Max(list_length(partition_columns), 1));
	reservoir_init_selection_state(&sample->reservoir, room);
	sample->to_skip = -1;
}

/* Frees the rows; room and columns stay. */
void
ddb_sample_reset(DdbSample *sample)
{
	for (int i = 0; i < sample->n; i++)
		heap_freetuple(sample->rows[i]);
	sample->n = 0;
	sample->seen = 0;
	sample->to_skip = -1;
	reservoir_init_selection_state(&sample->reservoir, sample->room);
	ddb_sample_jump(sample);
}

void
ddb_sample_jump(DdbSample *sample)
{
	sample->has_previous = false;
}

/* Remembers the row's partition; true if it is that of the row before. */
static bool
continues_run(DdbSample *sample, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(sample->context);
	bool same = sample->has_previous && sample->partition_columns != NIL;
	bool complete = true;
	ListCell *lc;

	foreach (lc, sample->partition_columns)
	{
		int i = lfirst_int(lc) - 1;
		Form_pg_attribute type = TupleDescAttr(slot->tts_tupleDescriptor, i);
		Datum *previous = &sample->previous[foreach_current_index(lc)];

		if (slot->tts_isnull[i])
		{
			/* Nothing is known of a key that is not to be seen. */
			complete = false;
			same = false;
			continue;
		}
		if (sample->has_previous &&
			!datumIsEqual(slot->tts_values[i], *previous, type->attbyval,
						  type->attlen))
			same = false;
		if (!type->attbyval && DatumGetPointer(*previous) != NULL)
			pfree(DatumGetPointer(*previous));
		*previous =
			datumCopy(slot->tts_values[i], type->attbyval, type->attlen);
	}
	sample->has_previous = complete;
	MemoryContextSwitchTo(old);
	return same;
}

/* A copy of the slot's row in the sample's context, as ANALYZE keeps it. */
static HeapTuple
copy_row(const DdbSample *sample, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(sample->context);
	HeapTuple row = ExecCopySlotHeapTuple(slot);

	MemoryContextSwitchTo(old);
	return row;
}

/*
 * Rows of one partition that follow each other share a run number, by which
 * ddb_sample_thin() finds them.
 */
void
ddb_sample_offer(DdbSample *sample, TupleTableSlot *slot)
{
	int place = -1;

	if (!continues_run(sample, slot))
		sample->run++;
	if (sample->n < sample->room)
		place = sample->n++;
	else
	{
		/* Vitter's algorithm, as PostgreSQL has it for its own tables. */
		if (sample->to_skip < 0)
			sample->to_skip = reservoir_get_next_S(&sample->reservoir,
												   sample->seen, sample->room);
		if (sample->to_skip <= 0)
		{
			place = (int) (sample->room *
						   sampler_random_fract(&sample->reservoir.randstate));
			heap_freetuple(sample->rows[place]);
		}
		sample->to_skip -= 1;
	}
	sample->seen += 1;
	if (place < 0)
		return;
	sample->rows[place] = copy_row(sample, slot);
	sample->runs[place] = sample->run;
}

/* A row and its run, to be sorted. */
typedef struct Member
{
	int run;
	HeapTuple row;
} Member;

static int
compare_members(const void *a, const void *b)
{
	int x = ((const Member *) a)->run;
	int y = ((const Member *) b)->run;

	return x < y ? -1 : x > y;
}

/*
 * The sample's rows with their runs, sorted by run so that a run's rows stand
 * together. palloc'd.
 */
static Member *
sorted_members(const DdbSample *sample)
{
	Member *members =
		palloc_extended(sizeof(Member) * Max(sample->n, 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < sample->n; i++)
	{
		members[i].run = sample->runs[i];
		members[i].row = sample->rows[i];
	}
	qsort(members, sample->n, sizeof(Member), compare_members);
	return members;
}

/* How many members, from first on, are of the same run. */
static int
run_length(const Member *members, int n, int first)
{
	int length = 1;

	while (first + length < n &&
		   members[first + length].run == members[first].run)
		length++;
	return length;
}

/* The length of the run that a row is in, on average over rows. */
static double
mean_run_length(const Member *members, int n)
{
	double squares = 0;

	for (int i = 0, length; i < n; i += length)
	{
		length = run_length(members, n, i);
		squares += (double) length * length;
	}
	return squares / Max(n, 1);
}

/*
 * How many rows to keep of a run.  On average rate of them, so that every row
 * has the same chance; and two of a short run as often as two rows drawn one
 * by one from the whole table would meet in its partition.
 */
static int
rows_to_keep(int length, double rate, double share)
{
	double expected = length * rate;
	double draw = pg_prng_double(&pg_global_prng_state);
	double both = expected * (length - 1) * rate * share / 2;

	if (expected >= 2)
		return (int) floor(expected + draw);
	both = Max(Min(both, expected / 2), expected - 1);
	if (draw < both)
		return 2;
	return draw < expected - both ? 1 : 0;
}

/*
 * Keeps a minimum of rows, however long the runs are.  The order of the rows
 * changes.
 */
void
ddb_sample_thin(DdbSample *sample, double share)
{
	Member *members = sorted_members(sample);
	int n = sample->n;
	double rate = Max(1.0 / Max(mean_run_length(members, n), 1.0),
					  Min(1.0, MIN_SHARE * sample->room / Max(n, 1)));
	int kept = 0;

	for (int i = 0, length; rate < 1 && i < n; i += length)
	{
		int wanted;

		length = run_length(members, n, i);
		wanted = rows_to_keep(length, rate, share);
		for (int j = 0; j < length; j++)
		{
			/* Which ones: each with the chance that is left. */
			if (pg_prng_double(&pg_global_prng_state) * (length - j) < wanted)
			{
				sample->rows[kept++] = members[i + j].row;
				wanted--;
			}
			else
				heap_freetuple(members[i + j].row);
		}
	}
	if (rate < 1)
		sample->n = kept;
	pfree(members);
}
