/* SPDX-License-Identifier: PostgreSQL */
/*
 * loop_memo.h
 *		What runs of a loop's inner side gave, by the values they ran with.
 *
 * Values that are the same bytes give the same rows.  Values that are merely
 * equal (1.0 and 1.00) may not: they run apart.
 */
#ifndef DDB_LOOP_MEMO_H
#define DDB_LOOP_MEMO_H

#include "postgres.h"

#include "access/htup.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"

typedef struct DdbLoopRow
{
	struct DdbLoopRow *next;
	MinimalTuple tuple;
} DdbLoopRow;

/* One combination of values.  Gone with the next ddb_loop_memo_reset. */
typedef struct DdbLoopRun
{
	uint32 hash;
	bool under_way; /* some outer row runs it, and keeps what it gives */
	bool complete; /* these are all rows */
	DdbLoopRow *rows;
	DdbLoopRow **end; /* where the next row goes */
	Datum *values;
	bool *isnull;
} DdbLoopRun;

typedef struct DdbLoopMemo DdbLoopMemo;

/*
 * A memo for outer rows of that descriptor, whose columns (attnums) the inner
 * side runs with.  Lives in the current memory context.
 */
extern DdbLoopMemo *ddb_loop_memo_create(TupleDesc descriptor, List *columns);

/* The run of an outer row, known or new. */
extern DdbLoopRun *ddb_loop_memo_enter(DdbLoopMemo *memo, TupleTableSlot *slot);

/* Keeps a copy of a row of the run. */
extern void ddb_loop_memo_add(DdbLoopMemo *memo, DdbLoopRun *run,
							  TupleTableSlot *slot);

/* True if it takes more memory than a hash table may. */
extern bool ddb_loop_memo_is_full(const DdbLoopMemo *memo);

extern void ddb_loop_memo_reset(DdbLoopMemo *memo);

#endif /* DDB_LOOP_MEMO_H */
