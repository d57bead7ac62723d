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

#include "scan/merge.h"

#include "catalog/pg_collation.h"
#include "lib/binaryheap.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"
#include "utils/typcache.h"

/* Streams whose first pages are asked for together. */
#define GROUP 16

/* A stream of a merge. */
typedef struct MergedStream
{
	DdbStream *stream;
	TupleTableSlot *slot; /* its next row; lives in row_context */
	MemoryContext row_context;
} MergedStream;

typedef struct DdbMerge
{
	DdbRowSource source; /* first */
	DdbScanState *state;
	DdbStream **streams;
	int n;
	MergedStream *members; /* NULL: the merge has not begun */
	binaryheap *heap; /* of members, by their next row */
	MergedStream *last; /* whose row was given last */
	SortSupport sort_keys;
	int nsort_keys;
} DdbMerge;

/*
 * Compares the next rows of two streams, in reverse, because the heap keeps
 * the greatest on top.
 */
static int
compare_streams(Datum a, Datum b, void *arg)
{
	const DdbMerge *merge = (const DdbMerge *) arg;
	TupleTableSlot *left = ((MergedStream *) DatumGetPointer(a))->slot;
	TupleTableSlot *right = ((MergedStream *) DatumGetPointer(b))->slot;

	for (int i = 0; i < merge->nsort_keys; i++)
	{
		SortSupport key = &merge->sort_keys[i];
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
init_sort_keys(DdbMerge *merge)
{
	const DdbScanState *state = merge->state;
	const DdbKeySchema *keys = &state->plan->source.keys;

	merge->sort_keys = palloc0(sizeof(SortSupportData) * keys->n);
	merge->nsort_keys = 0;
	for (int i = keys->npartition; i < keys->n; i++)
	{
		DdbColumn *column = ddb_relation_find_attribute(
			state->relation, keys->attributes[i].name);

		if (column == NULL)
			break;
		init_sort_key(state, column, &merge->sort_keys[merge->nsort_keys++]);
	}
}

/*
 * Reads the stream's next row.  False when it has none: then it is closed.
 */
static bool
read_next(MergedStream *member)
{
	if (ddb_stream_next(member->stream, member->slot, member->row_context))
		return true;
	ddb_stream_close(member->stream);
	return false;
}

/* Puts the stream on top of the heap, whose row was given, in its new place. */
static void
advance(DdbMerge *merge)
{
	if (read_next(merge->last))
		binaryheap_replace_first(merge->heap, PointerGetDatum(merge->last));
	else
		(void) binaryheap_remove_first(merge->heap);
}

/*
 * First pages come in groups, so that the sizes of the first ones bound those
 * of the others.
 */
static void
fill(DdbMerge *merge)
{
	for (int i = 0; i < merge->n; i += GROUP)
	{
		int end = Min(i + GROUP, merge->n);

		for (int j = i; j < end; j++)
			ddb_stream_send(merge->streams[j]);
		for (int j = i; j < end; j++)
			if (read_next(&merge->members[j]))
				binaryheap_add_unordered(merge->heap,
										 PointerGetDatum(&merge->members[j]));
	}
	binaryheap_build(merge->heap);
}

/*
 * Starts the merge: a slot and a context for each stream, and the first row of
 * each in the heap.
 */
static void
begin(DdbMerge *merge)
{
	DdbScanState *state = merge->state;
	MemoryContext old = MemoryContextSwitchTo(state->run_context);

	init_sort_keys(merge);
	merge->heap = binaryheap_allocate(merge->n, compare_streams, merge);
	merge->members =
		palloc_extended(sizeof(MergedStream) * merge->n, MCXT_ALLOC_HUGE);
	for (int i = 0; i < merge->n; i++)
	{
		MergedStream *member = &merge->members[i];

		member->stream = merge->streams[i];
		member->slot = MakeTupleTableSlot(state->descriptor, &TTSOpsVirtual);
		member->slot->tts_tableOid = state->relation->relid;
		member->row_context = AllocSetContextCreate(
			state->run_context, "ddb_fdw merge row", ALLOCSET_SMALL_SIZES);
	}
	MemoryContextSwitchTo(old);
	state->run.merge = merge;
	fill(merge);
}

int
ddb_merge_width(const DdbScanState *state)
{
	return state->run.merge != NULL ? state->run.merge->n : 0;
}

/* ---- as a source of rows ---- */

/* Before the merge has begun every stream must have its first row. */
static bool
source_ready(DdbRowSource *source)
{
	DdbMerge *merge = (DdbMerge *) source;
	bool ready = true;

	if (merge->members != NULL)
		return ddb_stream_ready(merge->last->stream);
	for (int i = 0; i < Min(merge->n, GROUP); i++)
		ready &= ddb_stream_ready(merge->streams[i]);
	return ready;
}

/* The row, in the stream's slot, is valid until the next call. */
static TupleTableSlot *
source_next(DdbRowSource *source, TupleTableSlot *slot)
{
	DdbMerge *merge = (DdbMerge *) source;

	(void) slot;
	/* The row given last is done with only now. */
	if (merge->members == NULL)
		begin(merge);
	else if (!binaryheap_empty(merge->heap))
		advance(merge);
	if (binaryheap_empty(merge->heap))
		return NULL;
	merge->last =
		(MergedStream *) DatumGetPointer(binaryheap_first(merge->heap));
	source->page_of = source->found_by = merge->last->stream;
	return merge->last->slot;
}

static void
source_close(DdbRowSource *source)
{
	DdbMerge *merge = (DdbMerge *) source;

	for (int i = 0; i < merge->n; i++)
		ddb_source_close(&merge->streams[i]->source);
	if (merge->members == NULL)
		return;
	for (int i = 0; i < merge->n; i++)
		MemoryContextDelete(merge->members[i].row_context);
	binaryheap_free(merge->heap);
	pfree(merge->members);
	pfree(merge->sort_keys);
	merge->members = NULL;
	merge->state->run.merge = NULL;
}

DdbRowSource *
ddb_merge_create(DdbScanState *state, DdbStream **streams, int n)
{
	DdbMerge *merge = palloc0(sizeof(DdbMerge));

	merge->source.ready = source_ready;
	merge->source.next = source_next;
	merge->source.close = source_close;
	merge->state = state;
	merge->streams = streams;
	merge->n = n;
	return &merge->source;
}
