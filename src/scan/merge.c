/* SPDX-License-Identifier: PostgreSQL */
/*
 * merge.c
 *		Merges the streams of a group into one order.
 *
 * Each stream comes in the order of the sort key; a heap holds the next row of
 * each.  All first pages are asked for at once, later ones when a stream's page
 * runs out.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "lib/binaryheap.h"
#include "scan/scan.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"
#include "utils/typcache.h"

/* Streams whose first pages are asked for together. */
#define GROUP 16

/*
 * Compares the next rows of two streams, in reverse, because the heap keeps
 * the greatest on top.
 */
static int
compare_streams(Datum a, Datum b, void *arg)
{
	DdbScanState *state = (DdbScanState *) arg;
	TupleTableSlot *left = ((DdbStream *) DatumGetPointer(a))->slot;
	TupleTableSlot *right = ((DdbStream *) DatumGetPointer(b))->slot;

	for (int i = 0; i < state->nsort_keys; i++)
	{
		SortSupport key = &state->sort_keys[i];
		int column = key->ssup_attno - 1;
		int order = ApplySortComparator(
			left->tts_values[column], left->tts_isnull[column],
			right->tts_values[column], right->tts_isnull[column], key);

		if (order != 0)
			return order < 0 ? 1 : -1;
	}
	return 0;
}

/*
 * Prepares a comparison in the order in which values are stored: text by its
 * bytes, whatever the column's collation.
 */
static void
init_sort_key(const DdbScanState *state, const DdbColumn *column,
			  SortSupport key)
{
	TypeCacheEntry *cache = lookup_type_cache(
		column->base_typid, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);

	memset(key, 0, sizeof(*key));
	key->ssup_cxt = state->run_context;
	key->ssup_collation =
		OidIsValid(column->collation) ? C_COLLATION_OID : InvalidOid;
	key->ssup_nulls_first = false;
	key->ssup_attno = column->attnum;
	PrepareSortSupportFromOrderingOp(
		state->plan->order.is_backward ? cache->gt_opr : cache->lt_opr, key);
}

/*
 * Prepares the comparison of rows by the sort key's columns.  Stops at the
 * first attribute that no column shows.
 */
static void
init_sort_keys(DdbScanState *state)
{
	const DdbKeySchema *keys = &state->plan->source.keys;

	state->sort_keys = palloc0(sizeof(SortSupportData) * keys->n);
	state->nsort_keys = 0;
	for (int i = keys->npartition; i < keys->n; i++)
	{
		DdbColumn *column = ddb_relation_find_attribute(
			state->relation, keys->attributes[i].name);

		if (column == NULL)
			break;
		init_sort_key(state, column, &state->sort_keys[state->nsort_keys++]);
	}
}

/*
 * Reads the stream's next row and puts the stream in its place in the heap.  A
 * stream without another row leaves the heap, or never enters it, and is
 * closed.
 */
static void
refill(DdbScanState *state, DdbStream *stream, bool is_top)
{
	bool more = ddb_stream_next(stream, stream->slot, stream->row_context);

	if (!more)
		ddb_stream_close(stream);
	if (is_top && more)
		binaryheap_replace_first(state->heap, PointerGetDatum(stream));
	else if (is_top)
		(void) binaryheap_remove_first(state->heap);
	else if (more)
		binaryheap_add_unordered(state->heap, PointerGetDatum(stream));
}

/*
 * First pages come in groups, so that the sizes of the first ones bound those
 * of the others.
 */
static void
fill(DdbScanState *state, DdbStream **streams, int n)
{
	for (int i = 0; i < n; i += GROUP)
	{
		int end = Min(i + GROUP, n);

		for (int j = i; j < end; j++)
			ddb_stream_send(streams[j]);
		for (int j = i; j < end; j++)
			refill(state, streams[j], false);
	}
	binaryheap_build(state->heap);
}

/*
 * Starts a merge of these streams: a slot and a context for each, and the
 * first row of each in the heap.
 */
static void
begin(DdbScanState *state, DdbStream **streams, int n)
{
	MemoryContext old = MemoryContextSwitchTo(state->run_context);

	if (state->sort_keys == NULL)
		init_sort_keys(state);
	state->heap = binaryheap_allocate(n, compare_streams, state);
	state->merged = n;
	for (int i = 0; i < n; i++)
	{
		streams[i]->slot =
			MakeTupleTableSlot(state->descriptor, &TTSOpsVirtual);
		streams[i]->slot->tts_tableOid = state->relation->relid;
		streams[i]->row_context = AllocSetContextCreate(
			state->run_context, "ddb_fdw merge row", ALLOCSET_SMALL_SIZES);
	}
	MemoryContextSwitchTo(old);
	fill(state, streams, n);
}

static void
end(DdbScanState *state, DdbStream **streams, int n)
{
	for (int i = 0; i < n; i++)
		MemoryContextDelete(streams[i]->row_context);
	binaryheap_free(state->heap);
	state->heap = NULL;
}

/*
 * True if ddb_merge_next() can give its row without waiting.  Before the merge
 * has begun every stream must have one.
 */
bool
ddb_merge_ready(DdbScanState *state, int first, int n)
{
	bool ready = true;

	if (state->heap != NULL)
		return ddb_stream_ready(state->last);
	for (int i = 0; i < Min(n, GROUP); i++)
		ready &= ddb_stream_ready(state->streams[first + i]);
	return ready;
}

/* The row is valid until the next call. */
TupleTableSlot *
ddb_merge_next(DdbScanState *state, int first, int n)
{
	DdbStream **streams = &state->streams[first];

	/* The row given last is done with only now. */
	if (state->heap != NULL)
		refill(state, state->last, true);
	else
		begin(state, streams, n);
	if (binaryheap_empty(state->heap))
	{
		end(state, streams, n);
		return NULL;
	}
	state->last = (DdbStream *) DatumGetPointer(binaryheap_first(state->heap));
	return state->last->slot;
}
