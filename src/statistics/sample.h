/* SPDX-License-Identifier: PostgreSQL */
/*
 * sample.h
 *		The rows that ANALYZE is given, and which of those read they are.
 */
#ifndef DDB_SAMPLE_H
#define DDB_SAMPLE_H

#include "postgres.h"

#include "access/htup.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/sampling.h"

typedef struct DdbSample
{
	HeapTuple *rows; /* the caller's array; tuples live in context */
	int *runs; /* of each row: number of the run it was read in */
	int n;
	int room;
	double seen; /* rows that were offered */
	double to_skip; /* before the next one is taken; < 0: not drawn */
	ReservoirStateData reservoir;
	MemoryContext context;

	/*
	 * Items of one partition are read one after another: a run.  The
	 * partition's columns of the row before tell where it ends.
	 */
	List *partition_columns; /* attnums; NIL: partitions are not to be told */
	Datum *previous; /* by partition_columns */
	bool has_previous;
	int run;
} DdbSample;

/* rows has room for so many; all else lives in the current context. */
extern void ddb_sample_init(DdbSample *sample, HeapTuple *rows, int room,
							List *partition_columns);

/* Forgets what was read so far. */
extern void ddb_sample_reset(DdbSample *sample);

/* The row after this one is not its neighbour. */
extern void ddb_sample_jump(DdbSample *sample);

/* Keeps the row, if chance has it so, instead of another when room is out. */
extern void ddb_sample_offer(DdbSample *sample, TupleTableSlot *slot);

/*
 * Drops so many of the rows that came in runs that repetitions are about as
 * rare as among rows drawn one by one from the whole table, of which this
 * share was read.
 */
extern void ddb_sample_thin(DdbSample *sample, double share);

#endif /* DDB_SAMPLE_H */
