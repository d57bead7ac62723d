/* SPDX-License-Identifier: PostgreSQL */
/*
 * run_memo.h
 *		What runs gave, of a scan or of a loop's inner side, by the values they
 *		ran with.
 *
 * Values that are the same bytes give the same rows.  Values that are merely
 * equal (1.0 and 1.00) may not: they run apart.
 */
#ifndef DDB_RUN_MEMO_H
#define DDB_RUN_MEMO_H

#include "postgres.h"

#include "access/htup.h"
#include "executor/tuptable.h"

typedef struct DdbMemoRow
{
	struct DdbMemoRow *next;
	MinimalTuple tuple;
} DdbMemoRow;

/* One combination of values.  Gone with the next ddb_run_memo_reset. */
typedef struct DdbMemoRun
{
	uint32 hash;
	bool under_way; /* somebody runs it, and keeps what it gives */
	bool complete; /* these are all rows */
	DdbMemoRow *rows;
	DdbMemoRow **end; /* where the next row goes */
	Datum *values;
	bool *isnull;
	void *more; /* the caller's, in the memo's memory; NULL of a new one */
} DdbMemoRun;

/* Of which type a value is. */
typedef struct DdbMemoType
{
	int16 len;
	bool byval;
} DdbMemoType;

typedef struct DdbRunMemo DdbRunMemo;

/*
 * A memo for runs with so many values, of these types, which stay the caller's.
 * Lives in the current memory context.
 */
extern DdbRunMemo *ddb_run_memo_create(const DdbMemoType *types, int n);

/* The run with these values, known or new. */
extern DdbMemoRun *ddb_run_memo_enter(DdbRunMemo *memo, Datum *values,
									  bool *isnull);

/* What all runs live in. */
extern MemoryContext ddb_run_memo_context(const DdbRunMemo *memo);

/* Keeps a copy of a row of the run. */
extern void ddb_run_memo_add(DdbRunMemo *memo, DdbMemoRun *run,
							 TupleTableSlot *slot);

/* True if it takes more memory than a hash table may. */
extern bool ddb_run_memo_is_full(const DdbRunMemo *memo);

/* Forgets all runs: pointers to them are void. */
extern void ddb_run_memo_reset(DdbRunMemo *memo);

#endif /* DDB_RUN_MEMO_H */
