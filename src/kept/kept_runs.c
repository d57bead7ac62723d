/* SPDX-License-Identifier: PostgreSQL */
/*
 * kept_runs.c
 *		Runs in memory, and one of them on disk.
 */
#include "postgres.h"

#include "kept/kept_runs.h"

#include "executor/executor.h"
#include "kept/stored_rows.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"

/* Everything lives in the current memory context, for as long as the query. */
DdbKeptRuns *
ddb_kept_create(const DdbMemoType *types, int n, int nkeys,
				TupleDesc descriptor)
{
	DdbKeptRuns *kept = palloc0(sizeof(DdbKeptRuns));

	kept->types = types;
	kept->n = n;
	kept->nkeys = nkeys;
	kept->values = palloc0(sizeof(Datum) * Max(n, 1));
	kept->isnull = palloc0(sizeof(bool) * Max(n, 1));
	kept->drops = palloc0(sizeof(bool) * Max(n, 1));
	kept->context = CurrentMemoryContext;
	kept->memo = ddb_run_memo_create(types, nkeys);
	kept->slot = MakeSingleTupleTableSlot(descriptor, &TTSOpsMinimalTuple);
	return kept;
}

static void
end_store(DdbKeptRuns *kept)
{
	if (kept->store != NULL)
		tuplestore_end(kept->store);
	kept->store = NULL;
	kept->stored = NULL;
}

void
ddb_kept_forget_all(DdbKeptRuns *kept)
{
	ExecClearTuple(kept->slot);
	end_store(kept);
	ddb_run_memo_reset(kept->memo);
	kept->run = NULL;
}

void
ddb_kept_forget_rows(DdbKeptRuns *kept)
{
	DdbMemoRun *run = kept->run;

	if (kept->stored == run)
		end_store(kept);
	run->rows = NULL;
	run->end = &run->rows;
	run->complete = false;
	ddb_kept_known(run)->nrows = 0;
	ddb_kept_known(run)->is_enough = false;
	ddb_kept_known(run)->is_wide = false;
	memset(ddb_kept_known(run)->is_dropped, 0, sizeof(bool) * kept->n);
}

/* A new run has no rows yet. */
DdbMemoRun *
ddb_kept_enter(DdbKeptRuns *kept)
{
	DdbMemoRun *run =
		ddb_run_memo_enter(kept->memo, kept->values, kept->isnull);

	if (run->more == NULL)
	{
		MemoryContext old =
			MemoryContextSwitchTo(ddb_run_memo_context(kept->memo));
		DdbKnown *known = palloc0(sizeof(DdbKnown));

		known->values = palloc0(sizeof(Datum) * Max(kept->n, 1));
		known->isnull = palloc0(sizeof(bool) * Max(kept->n, 1));
		known->is_dropped = palloc0(sizeof(bool) * Max(kept->n, 1));
		run->more = known;
		MemoryContextSwitchTo(old);
	}
	kept->run = run;
	return run;
}

/* Notes with which values the run is read, and without which. */
static void
note_values(DdbKeptRuns *kept)
{
	MemoryContext old = MemoryContextSwitchTo(ddb_run_memo_context(kept->memo));
	DdbKnown *known = ddb_kept_known(kept->run);

	for (int i = 0; i < kept->n; i++)
	{
		known->isnull[i] = kept->isnull[i];
		known->is_dropped[i] = known->is_wide && kept->drops[i];
		if (i >= kept->nkeys && !known->isnull[i])
			known->values[i] = datumCopy(kept->values[i], kept->types[i].byval,
										 kept->types[i].len);
	}
	MemoryContextSwitchTo(old);
}

bool
ddb_kept_has_value(const DdbKeptRuns *kept, int i)
{
	const DdbKnown *known = ddb_kept_known(kept->run);

	return kept->isnull[i] == known->isnull[i] &&
		   (kept->isnull[i] ||
			datum_image_eq(kept->values[i], known->values[i],
						   kept->types[i].byval, kept->types[i].len));
}

/* Its rows are those that have come so far; reading goes on behind them. */
void
ddb_kept_spill(DdbKeptRuns *kept)
{
	MemoryContext old = MemoryContextSwitchTo(kept->context);
	DdbKnown known = *ddb_kept_known(kept->run);

	end_store(kept);
	kept->store = tuplestore_begin_heap(false, false, work_mem);
	tuplestore_set_eflags(kept->store, EXEC_FLAG_REWIND);
	for (const DdbMemoRow *row = kept->run->rows; row != NULL; row = row->next)
	{
		ExecStoreMinimalTuple(row->tuple, kept->slot, false);
		tuplestore_puttupleslot(kept->store, kept->slot);
	}
	ExecClearTuple(kept->slot);
	while (tuplestore_advance(kept->store, true))
		;
	ddb_run_memo_reset(kept->memo);
	kept->stored = ddb_kept_enter(kept);
	known.values = ddb_kept_known(kept->run)->values;
	known.isnull = ddb_kept_known(kept->run)->isnull;
	known.is_dropped = ddb_kept_known(kept->run)->is_dropped;
	*ddb_kept_known(kept->run) = known;
	note_values(kept);
	MemoryContextSwitchTo(old);
}

/* (Blocks of memory are filled to a half at least.) */
bool
ddb_kept_is_large(const DdbKeptRuns *kept)
{
	return kept->bytes > get_hash_memory_limit() / 4;
}

void
ddb_kept_give_up(DdbKeptRuns *kept)
{
	int64 chosen = ddb_kept_known(kept->run)->chosen;
	bool large = ddb_kept_is_large(kept);

	ddb_kept_forget_all(kept);
	(void) ddb_kept_enter(kept);
	note_values(kept);
	/* One that did not find room may next time. */
	ddb_kept_known(kept->run)->chosen = large ? chosen : 0;
}

/*
 * Of a run that has gone to disk, there; else in memory, as long as there is
 * room.
 */
bool
ddb_kept_add(DdbKeptRuns *kept, TupleTableSlot *slot)
{
	DdbMemoRun *run = kept->run;

	ddb_kept_known(run)->nrows++;
	if (kept->stored == run)
	{
		tuplestore_puttupleslot(kept->store, slot);
		return true;
	}
	kept->next = run->end;
	ddb_run_memo_add(kept->memo, run, slot);
	kept->bytes += GetMemoryChunkSpace(*kept->next) +
				   GetMemoryChunkSpace((*kept->next)->tuple);
	kept->next = &(*kept->next)->next;
	return !ddb_run_memo_is_full(kept->memo);
}

bool
ddb_kept_next(DdbKeptRuns *kept, TupleTableSlot *slot)
{
	const DdbMemoRow *row;

	if (kept->run == NULL)
		return false;
	if (kept->stored == kept->run)
		return ddb_stored_next(kept->store, kept->slot, slot);
	row = *kept->next;
	if (row == NULL)
		return false;
	kept->next = &(*kept->next)->next;
	ddb_stored_show(row->tuple, kept->slot, slot);
	return true;
}

void
ddb_kept_rewind(DdbKeptRuns *kept)
{
	if (kept->stored == kept->run)
		tuplestore_rescan(kept->store);
	else
		kept->next = &kept->run->rows;
}

void
ddb_kept_begin(DdbKeptRuns *kept, bool is_wide)
{
	ddb_kept_forget_rows(kept);
	ddb_kept_known(kept->run)->is_wide = is_wide;
	note_values(kept);
	kept->bytes = 0;
	ddb_kept_rewind(kept);
}

void
ddb_kept_end(DdbKeptRuns *kept)
{
	ddb_kept_forget_all(kept);
	ExecDropSingleTupleTableSlot(kept->slot);
}
