/* SPDX-License-Identifier: PostgreSQL */
/*
 * loop_memo.c
 *		A hash table of the runs of a loop's inner side.
 */
#include "postgres.h"

#include "join/loop_memo.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/datum.h"
#include "utils/memutils.h"

/* An entry of the hash table; runs stay where they are when it grows. */
typedef struct Entry
{
	DdbLoopRun *run;
	uint32 status;
} Entry;

struct DdbLoopMemo
{
	TupleDesc descriptor;
	AttrNumber *columns;
	int ncolumns;
	DdbLoopRun scratch; /* of the outer row that is looked at */
	MemoryContext context; /* of runs and their rows */
	struct runs_hash *runs;
};

/*
 * True if two runs had the same parameters, byte by byte.  Equal values of
 * another form count as different, as in Memoize's binary mode.
 */
static bool
runs_are_same(const DdbLoopMemo *memo, const DdbLoopRun *a, const DdbLoopRun *b)
{
	if (a->hash != b->hash)
		return false;
	for (int i = 0; i < memo->ncolumns; i++)
	{
		Form_pg_attribute column =
			TupleDescAttr(memo->descriptor, memo->columns[i] - 1);

		if (a->isnull[i] != b->isnull[i] ||
			(!a->isnull[i] &&
			 !datum_image_eq(a->values[i], b->values[i], column->attbyval,
							 column->attlen)))
			return false;
	}
	return true;
}

#define SH_PREFIX runs
#define SH_ELEMENT_TYPE Entry
#define SH_KEY_TYPE DdbLoopRun *
#define SH_KEY run
#define SH_HASH_KEY(tb, key) (key)->hash
#define SH_EQUAL(tb, a, b)                                                     \
	runs_are_same((const DdbLoopMemo *) (tb)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry) (entry)->run->hash
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

/* Few at first: most loops are short. */
#define FIRST_RUNS 64

/*
 * Values and rows live in a context of their own, whose size the caller
 * limits.
 */
DdbLoopMemo *
ddb_loop_memo_create(TupleDesc descriptor, List *columns)
{
	DdbLoopMemo *memo = palloc0(sizeof(DdbLoopMemo));
	int n = Max(list_length(columns), 1);
	ListCell *lc;

	memo->descriptor = descriptor;
	memo->columns = palloc(sizeof(AttrNumber) * n);
	foreach (lc, columns)
		memo->columns[memo->ncolumns++] = lfirst_int(lc);
	memo->scratch.values = palloc(sizeof(Datum) * n);
	memo->scratch.isnull = palloc(sizeof(bool) * n);
	memo->context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw loop rows", ALLOCSET_DEFAULT_SIZES);
	memo->runs = runs_create(memo->context, FIRST_RUNS, memo);
	return memo;
}

/*
 * Reads the parameters of an outer row into the scratch run, which points into
 * the slot.
 */
static void
read_values(DdbLoopMemo *memo, TupleTableSlot *slot)
{
	DdbLoopRun *run = &memo->scratch;

	run->hash = 0;
	for (int i = 0; i < memo->ncolumns; i++)
	{
		Form_pg_attribute column =
			TupleDescAttr(memo->descriptor, memo->columns[i] - 1);

		run->values[i] = slot_getattr(slot, memo->columns[i], &run->isnull[i]);
		run->hash = pg_rotate_left32(run->hash, 1);
		if (!run->isnull[i])
			run->hash ^= datum_image_hash(run->values[i], column->attbyval,
										  column->attlen);
	}
	run->hash = murmurhash32(run->hash);
}

/*
 * A new run with copies of the scratch run's values, in the current memory
 * context.
 */
static DdbLoopRun *
keep_run(const DdbLoopMemo *memo)
{
	DdbLoopRun *run = palloc0(sizeof(DdbLoopRun));
	int n = Max(memo->ncolumns, 1);

	run->hash = memo->scratch.hash;
	run->end = &run->rows;
	run->values = palloc0(sizeof(Datum) * n);
	run->isnull = palloc(sizeof(bool) * n);
	for (int i = 0; i < memo->ncolumns; i++)
	{
		Form_pg_attribute column =
			TupleDescAttr(memo->descriptor, memo->columns[i] - 1);

		run->isnull[i] = memo->scratch.isnull[i];
		if (!run->isnull[i])
			run->values[i] = datumCopy(memo->scratch.values[i],
									   column->attbyval, column->attlen);
	}
	return run;
}

/* A new run copies the parameters of the row and has no rows yet. */
DdbLoopRun *
ddb_loop_memo_enter(DdbLoopMemo *memo, TupleTableSlot *slot)
{
	MemoryContext old;
	Entry *entry;
	bool found;

	read_values(memo, slot);
	entry = runs_insert(memo->runs, &memo->scratch, &found);
	if (!found)
	{
		old = MemoryContextSwitchTo(memo->context);
		entry->run = keep_run(memo);
		MemoryContextSwitchTo(old);
	}
	return entry->run;
}

/* The rows of a run keep their order. */
void
ddb_loop_memo_add(DdbLoopMemo *memo, DdbLoopRun *run, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(memo->context);
	DdbLoopRow *row = palloc(sizeof(DdbLoopRow));

	row->next = NULL;
	row->tuple = ExecCopySlotMinimalTuple(slot);
	*run->end = row;
	run->end = &row->next;
	MemoryContextSwitchTo(old);
}

bool
ddb_loop_memo_is_full(const DdbLoopMemo *memo)
{
	return MemoryContextMemAllocated(memo->context, false) >=
		   get_hash_memory_limit();
}

/* Runs that callers still point to are gone as well. */
void
ddb_loop_memo_reset(DdbLoopMemo *memo)
{
	MemoryContextReset(memo->context);
	memo->runs = runs_create(memo->context, FIRST_RUNS, memo);
}
