/* SPDX-License-Identifier: PostgreSQL */
/*
 * kept_runs.h
 *		Runs of a scan whose rows are kept, by the parameters that it ran with.
 *
 * Some parameters tell runs apart: their values are the keys of a memo.  Others
 * stand in conditions only.  A run is known with the values of these that it was
 * read with; or, if it is a wider one, without some of them.
 */
#ifndef DDB_KEPT_RUNS_H
#define DDB_KEPT_RUNS_H

#include "postgres.h"

#include "kept/run_memo.h"
#include "utils/tuplestore.h"

/* What is known of a run besides the values that the memo finds it by. */
typedef struct DdbKnown
{
	Datum *values; /* of all parameters, when it was read */
	bool *isnull;
	bool *is_dropped; /* conditions with it were left out, of a wider run */
	int64 nrows;
	int64 chosen; /* how often it was wanted */
	bool is_wide; /* read without the conditions that change */
	bool has_ended; /* some run with these keys was read to its end */
	bool is_enough; /* not to its end, but as far as anybody asks */
} DdbKnown;

typedef struct DdbKeptRuns
{
	const DdbMemoType *types; /* of parameters; the first are keys */
	int n;
	int nkeys;
	Datum
		*values; /* of parameters, in the run that is wanted: the caller's … */
	bool *isnull;
	bool *drops; /* … and what a wider run is read without */
	MemoryContext context; /* for as long as the query */
	DdbRunMemo *memo;
	Tuplestorestate *store; /* the rows of one run, if they are many … */
	DdbMemoRun *stored; /* … which is this */
	TupleTableSlot *slot; /* as memo and store give rows */
	DdbMemoRun *run; /* that is wanted; NULL: none */
	DdbMemoRow **next; /* of it, to be given */
	Size bytes; /* that it takes in memory */
} DdbKeptRuns;

extern DdbKeptRuns *ddb_kept_create(const DdbMemoType *types, int n, int nkeys,
									TupleDesc descriptor);

static inline DdbKnown *
ddb_kept_known(const DdbMemoRun *run)
{
	return (DdbKnown *) run->more;
}

/* The run with the values of now, known or new; it is the one that is wanted. */
extern DdbMemoRun *ddb_kept_enter(DdbKeptRuns *kept);

/* True if that run was read with the value that the parameter has now. */
extern bool ddb_kept_has_value(const DdbKeptRuns *kept, int i);

/* It is read anew: its rows are to be added. */
extern void ddb_kept_begin(DdbKeptRuns *kept, bool is_wide);

/*
 * Adds a row.  False if there is no more room: the run must go to disk, or be
 * given up.
 */
extern bool ddb_kept_add(DdbKeptRuns *kept, TupleTableSlot *slot);

/* True if it is this run that takes most of the memory. */
extern bool ddb_kept_is_large(const DdbKeptRuns *kept);

/* The run goes to disk; all others are forgotten. */
extern void ddb_kept_spill(DdbKeptRuns *kept);

/* The run is not kept any further, nor is any other. */
extern void ddb_kept_give_up(DdbKeptRuns *kept);

/* Back to the first row that is known of the run. */
extern void ddb_kept_rewind(DdbKeptRuns *kept);

/* The next row that is known of it, into the slot; false at their end. */
extern bool ddb_kept_next(DdbKeptRuns *kept, TupleTableSlot *slot);

/* Forgets the rows of the run, but not that it was wanted; all runs. */
extern void ddb_kept_forget_rows(DdbKeptRuns *kept);
extern void ddb_kept_forget_all(DdbKeptRuns *kept);

extern void ddb_kept_end(DdbKeptRuns *kept);

#endif /* DDB_KEPT_RUNS_H */
