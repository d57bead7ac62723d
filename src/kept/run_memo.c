/* SPDX-License-Identifier: PostgreSQL */
/*
 * run_memo.c
 *		A hash table of runs.
 */
#include "postgres.h"

#include "kept/run_memo.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/datum.h"
#include "utils/memutils.h"

/* An entry of the hash table; runs stay where they are when it grows. */
typedef struct Entry
{
	DdbMemoRun *run;
	uint32 status;
} Entry;

struct DdbRunMemo
{
	const DdbMemoType *types; /* of values */
	int n;
	DdbMemoRun scratch; /* that is looked for; its values are the caller's */
	MemoryContext context; /* of runs and their rows */
	struct runs_hash *runs;
};

/*
 * True if two runs had the same parameters, byte by byte.  Equal values of
 * another form count as different, as in Memoize's binary mode.
 */
static bool
runs_are_same(const DdbRunMemo *memo, const DdbMemoRun *a, const DdbMemoRun *b)
{
	if (a->hash != b->hash)
		return false;
	for (int i = 0; i < memo->n; i++)
		if (a->isnull[i] != b->isnull[i] ||
			(!a->isnull[i] &&
			 !datum_image_eq(a->values[i], b->values[i], memo->types[i].byval,
							 memo->types[i].len)))
			return false;
	return true;
}

#define SH_PREFIX runs
#define SH_ELEMENT_TYPE Entry
#define SH_KEY_TYPE DdbMemoRun *
#define SH_KEY run
#define SH_HASH_KEY(tb, key) (key)->hash
#define SH_EQUAL(tb, a, b)                                                     \
	runs_are_same((const DdbRunMemo *) (tb)->private_data, a, b)
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
DdbRunMemo *
ddb_run_memo_create(const DdbMemoType *types, int n)
{
	DdbRunMemo *memo = palloc0(sizeof(DdbRunMemo));

	memo->types = types;
	memo->n = n;
	memo->context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw kept rows", ALLOCSET_DEFAULT_SIZES);
	memo->runs = runs_create(memo->context, FIRST_RUNS, memo);
	return memo;
}

/* The hash of values of the scratch run. */
static uint32
hash_values(const DdbRunMemo *memo, const Datum *values, const bool *isnull)
{
	uint32 hash = 0;

	for (int i = 0; i < memo->n; i++)
	{
		hash = pg_rotate_left32(hash, 1);
		if (!isnull[i])
			hash ^= datum_image_hash(values[i], memo->types[i].byval,
									 memo->types[i].len);
	}
	return murmurhash32(hash);
}

/*
 * A new run with copies of the scratch run's values, in the current memory
 * context.
 */
static DdbMemoRun *
keep_run(const DdbRunMemo *memo)
{
	DdbMemoRun *run = palloc0(sizeof(DdbMemoRun));
	int n = Max(memo->n, 1);

	run->hash = memo->scratch.hash;
	run->end = &run->rows;
	run->values = palloc0(sizeof(Datum) * n);
	run->isnull = palloc(sizeof(bool) * n);
	for (int i = 0; i < memo->n; i++)
	{
		run->isnull[i] = memo->scratch.isnull[i];
		if (!run->isnull[i])
			run->values[i] =
				datumCopy(memo->scratch.values[i], memo->types[i].byval,
						  memo->types[i].len);
	}
	return run;
}

/* A new run copies the values and has no rows yet. */
DdbMemoRun *
ddb_run_memo_enter(DdbRunMemo *memo, Datum *values, bool *isnull)
{
	MemoryContext old;
	Entry *entry;
	bool found;

	memo->scratch.values = values;
	memo->scratch.isnull = isnull;
	memo->scratch.hash = hash_values(memo, values, isnull);
	entry = runs_insert(memo->runs, &memo->scratch, &found);
	if (!found)
	{
		old = MemoryContextSwitchTo(memo->context);
		entry->run = keep_run(memo);
		MemoryContextSwitchTo(old);
	}
	return entry->run;
}

MemoryContext
ddb_run_memo_context(const DdbRunMemo *memo)
{
	return memo->context;
}

/* The rows of a run keep their order. */
void
ddb_run_memo_add(DdbRunMemo *memo, DdbMemoRun *run, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(memo->context);
	DdbMemoRow *row = palloc(sizeof(DdbMemoRow));

	row->next = NULL;
	row->tuple = ExecCopySlotMinimalTuple(slot);
	*run->end = row;
	run->end = &row->next;
	MemoryContextSwitchTo(old);
}

bool
ddb_run_memo_is_full(const DdbRunMemo *memo)
{
	return MemoryContextMemAllocated(memo->context, false) >=
		   get_hash_memory_limit();
}

void
ddb_run_memo_reset(DdbRunMemo *memo)
{
	MemoryContextReset(memo->context);
	memo->runs = runs_create(memo->context, FIRST_RUNS, memo);
}
