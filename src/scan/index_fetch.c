/* SPDX-License-Identifier: PostgreSQL */
/*
 * index_fetch.c
 *		Fetches the items that an index's entries stand for.
 *
 * Entries fill batches of keys, batches are sent ahead as far as rows are
 * wanted, and their rows are given one batch after another: in the order of the
 * entries where that is relied upon, else as they come.
 *
 * An index may lag behind its table, and the table may change between the two
 * steps.  The item is the truth: one that is gone is no row, and one that has
 * come is checked against every condition again, as the scan does with all rows.
 */
#include "postgres.h"

#include "scan/index_fetch.h"

#include <math.h>

#include "executor/executor.h"
#include "miscadmin.h"
#include "request/reply_shape.h"
#include "scan/groups.h"
#include "scan/item_identity.h"
#include "scan/stream.h"
#include "utils/memutils.h"

/* A reply of BatchGetItem is no larger (API reference). */
#define MAX_REPLY_BYTES (16.0 * 1024 * 1024)

/* Keys for a row that is wanted, at first, where rows fall out. */
#define MAX_FIRST_FACTOR 4.0

/* Ask for a little more than seems needed: a further request costs more. */
#define MARGIN 1.25

/* Growth when nothing is known: no row passed yet, or more is wanted. */
#define BLIND_GROWTH 4.0

/* Share of work_mem for what was met. */
#define SEEN_SHARE 0.25

/* Whether a step may wait for replies, or only look at those that are there. */
typedef enum Patience
{
	DOES_NOT_WAIT,
	WAITS,
} Patience;

/* A key that an entry gave. */
typedef struct FetchedKey
{
	DdbIdentity identity;
	DdbStream *source; /* of the entry */

	/* of its item, where order matters */
	bool found;
	bool moved; /* its place in the index is another by now */
	int note; /* where its notes begin in the page */
	MinimalTuple row; /* kept from a page before, or NULL */
	bool kept;
} FetchedKey;

typedef struct FetchBatch
{
	MemoryContext context; /* of its keys */
	DdbStream *stream;
	DdbTarget *targets;
	FetchedKey *keys;
	int n;
	int next; /* key whose row is given next, in order */
} FetchBatch;

typedef struct IndexFetch
{
	DdbRowSource source; /* first */
	ForeignScanState *node;
	DdbScanState *scan; /* which reads the entries */
	DdbRowSource *entries;
	DdbScanState *items;
	ExprState *entry_filter; /* or NULL */
	TupleTableSlot *entry_slot;
	TupleTableSlot *kept_slot;
	DdbSeen *seen;
	bool ended; /* there are no more entries */
	bool held; /* the one read last is for the next batch */
	FetchBatch
		batches[DDB_MAX_WINDOW]; /* in a ring: sent ones from first on, then
								 * one that is being filled */
	int first;
	int sent;
	int64 asked; /* keys of all batches */
	int last_size;
} IndexFetch;

/* ---- entries into keys ---- */

/*
 * True if the entry's item could be a row, by those conditions of PostgreSQL's
 * that the index has the columns for.
 */
static bool
entry_passes(const IndexFetch *fetch, TupleTableSlot *slot)
{
	ExprContext *econtext = fetch->node->ss.ps.ps_ExprContext;
	bool isnull;
	Datum passes;

	if (fetch->entry_filter == NULL)
		return true;
	econtext->ecxt_scantuple = slot;
	ResetExprContext(econtext);
	passes = ExecEvalExprSwitchContext(fetch->entry_filter, econtext, &isnull);
	return !isnull && DatumGetBool(passes);
}

/*
 * True if a row is given only where the index lists its item by now.  Then the
 * order may be relied upon.
 */
static bool
is_strict(const IndexFetch *fetch)
{
	return fetch->scan->plan->projection.position != NIL;
}

/* The key of the batch that is this item's; NULL if it was not asked for. */
static FetchedKey *
find_key(FetchBatch *batch, const DdbIdentity *identity)
{
	for (int i = 0; i < batch->n; i++)
		if (ddb_identity_same_item(&batch->keys[i].identity, identity))
			return &batch->keys[i];
	return NULL;
}

/*
 * Makes the batch empty.  Its context and stream are kept from the last time.
 */
static void
begin_batch(IndexFetch *fetch, FetchBatch *batch)
{
	if (batch->context == NULL)
	{
		batch->context = AllocSetContextCreate(
			fetch->items->run_context, "ddb_fdw keys", ALLOCSET_DEFAULT_SIZES);
		batch->stream = NULL;
	}
	MemoryContextReset(batch->context);
	batch->targets = MemoryContextAllocZero(
		batch->context, sizeof(DdbTarget) * DDB_MAX_BATCH_KEYS);
	batch->keys = MemoryContextAllocZero(
		batch->context, sizeof(FetchedKey) * DDB_MAX_BATCH_KEYS);
	batch->n = 0;
	batch->next = 0;
}

/*
 * Takes the key of the entry read last into the batch, unless its item was met
 * before.  False, and it is held for the next batch, when the batch has it from
 * another entry, and only the table can tell which of the two holds: a batch
 * takes no key twice.
 */
static bool
take_key(IndexFetch *fetch, FetchBatch *batch)
{
	FetchedKey *key = &batch->keys[batch->n];
	DdbStream *stream = fetch->entries->page_of;
	MemoryContext old;

	old = MemoryContextSwitchTo(batch->context);
	ddb_identity_read(fetch->scan->run.reader, &stream->page,
					  stream->page.item_note, &key->identity,
					  &batch->targets[batch->n]);
	MemoryContextSwitchTo(old);
	key->source = stream;
	fetch->held = is_strict(fetch) && find_key(batch, &key->identity) != NULL;
	if (fetch->held)
		return false;
	if (is_strict(fetch) ? !ddb_seen_has(fetch->seen, &key->identity)
						 : ddb_seen_add(fetch->seen, &key->identity))
		batch->n++;
	return true;
}

/*
 * Reads an entry of the index into the batch; *taken says if it went in.
 * False when there is none, or when it would have to be waited for and may not.
 */
static bool
read_entry(IndexFetch *fetch, FetchBatch *batch, Patience patience, bool *taken)
{
	TupleTableSlot *row;

	CHECK_FOR_INTERRUPTS();
	*taken = true;
	if (!fetch->held)
	{
		if (fetch->ended ||
			(patience == DOES_NOT_WAIT && !ddb_source_ready(fetch->entries)))
			return false;
		row = ddb_source_next(fetch->entries, fetch->entry_slot);
		fetch->ended = row == NULL;
		if (fetch->ended)
			return false;
		if (!entry_passes(fetch, row))
			return true;
	}
	*taken = take_key(fetch, batch);
	return true;
}

/* ---- batches ---- */

static FetchBatch *
front(IndexFetch *fetch)
{
	return &fetch->batches[fetch->first];
}

/*
 * How many batches may be under way: as memory allows for their replies, and
 * one alone where units are capped.
 */
static int
largest_window(const IndexFetch *fetch)
{
	double reply =
		Min(fetch->items->plan->estimate.item_bytes * DDB_MAX_BATCH_KEYS,
			MAX_REPLY_BYTES);

	/* What is under way when a cap is reached has been paid for in vain. */
	if (ddb_relation_max_read_units(fetch->items->relation) > 0)
		return 1;
	return ddb_groups_window(
		(int64) Max(reply, fetch->items->sizes.largest_reply), DDB_MAX_WINDOW);
}

/*
 * About how many keys it takes for the rows that are wanted, as page_size.c has
 * it of items.
 */
static double
keys_for_rows(const IndexFetch *fetch, int64 under_way)
{
	const DdbScanRun *run = &fetch->scan->run;
	const DdbAccessPlan *plan = fetch->items->plan;
	double missing = (double) run->rows_wanted - (double) run->given;
	double asked = (double) (fetch->asked - under_way);
	double factor = plan->estimate.selectivity > 0
						? 1.0 / plan->estimate.selectivity
						: MAX_FIRST_FACTOR;

	if (missing < 1)
		return Max(fetch->last_size, 10) * BLIND_GROWTH;
	if (!plan->filter.is_local)
		return missing;
	if (asked <= 0)
		return missing * Min(Max(factor, 1.0), MAX_FIRST_FACTOR);
	if (run->given == 0)
		return fetch->last_size * BLIND_GROWTH;
	return missing * MARGIN * asked / run->given;
}

/*
 * How many keys the next batch should have. 0 means that those under way are
 * enough for the rows that are wanted.
 */
static int
next_size(const IndexFetch *fetch)
{
	int64 under_way = 0;
	double keys;

	if (fetch->scan->run.rows_wanted < 0)
		return DDB_MAX_BATCH_KEYS;
	for (int i = 0; i < fetch->sent; i++)
		under_way += fetch->batches[(fetch->first + i) % DDB_MAX_WINDOW].n;
	keys = keys_for_rows(fetch, under_way) - under_way;
	if (fetch->sent == 0)
		keys = Max(keys, 1);
	return (int) Max(0, Min(ceil(keys), DDB_MAX_BATCH_KEYS));
}

/*
 * Asks for the items of the batch.  Streams are used again, since there may be
 * very many batches.
 */
static void
send_batch(IndexFetch *fetch, FetchBatch *batch)
{
	MemoryContext old = MemoryContextSwitchTo(fetch->items->run_context);

	if (batch->stream == NULL)
		batch->stream =
			ddb_stream_create(fetch->items, batch->targets, batch->n);
	else
		ddb_stream_restart(batch->stream, batch->targets, batch->n);
	MemoryContextSwitchTo(old);
	ddb_stream_send(batch->stream);
	fetch->scan->counters->keys_fetched += batch->n;
	fetch->asked += batch->n;
	fetch->last_size = batch->n;
	fetch->sent++;
}

/*
 * Fills and sends batches, as many as are wanted and may be under way; if it
 * may wait for entries, then only where nothing is under way.
 */
static void
send_ahead(IndexFetch *fetch, Patience patience)
{
	while (fetch->sent < largest_window(fetch))
	{
		FetchBatch *batch =
			&fetch->batches[(fetch->first + fetch->sent) % DDB_MAX_WINDOW];
		int size = next_size(fetch);
		bool taken = true;

		if (size == 0)
			return;
		if (batch->context == NULL || batch->n == 0)
			begin_batch(fetch, batch);
		while (batch->n < size && taken &&
			   read_entry(fetch, batch,
						  fetch->sent == 0 ? patience : DOES_NOT_WAIT, &taken))
			;
		/* Whether there are more is to be waited for. */
		if (batch->n == 0 || (batch->n < size && taken && !fetch->ended))
			return;
		send_batch(fetch, batch);
	}
}

/* The first batch is done with. */
static void
drop_batch(IndexFetch *fetch)
{
	FetchBatch *batch = front(fetch);

	ddb_stream_close(batch->stream);
	batch->n = 0;
	fetch->first = (fetch->first + 1) % DDB_MAX_WINDOW;
	fetch->sent--;
}

/* ---- rows in the order of entries ---- */

/*
 * Finds out whose items a page holds, as BatchGetItem returns them in any
 * order.
 */
static void
place_items(IndexFetch *fetch, FetchBatch *batch)
{
	DdbPage *page = &batch->stream->page;
	MemoryContext old = MemoryContextSwitchTo(batch->context);

	for (int note = 0; note < page->notes.n;
		 note = ddb_row_next_item(page, note))
	{
		DdbIdentity identity;
		FetchedKey *key;

		ddb_identity_read(fetch->items->run.reader, page, note, &identity,
						  NULL);
		key = find_key(batch, &identity);
		if (key == NULL)
			ddb_reply_raise_malformed(
				fetch->items->plan->source.table_name,
				"it holds an item that was not asked for");
		key->found = true;
		key->note = note;
		key->moved = is_strict(fetch) &&
					 !ddb_identity_same_position(&key->identity, &identity);
	}
	MemoryContextSwitchTo(old);
	page->notes.next = page->notes.n;
}

/*
 * The row of an item that was found, into the slot.  False if it is not a row,
 * or has moved so that it may not be shown.
 */
static bool
read_row(IndexFetch *fetch, FetchBatch *batch, const FetchedKey *key,
		 TupleTableSlot *slot)
{
	MemoryContext old;
	bool is_row;

	if (key->moved)
		return false;
	if (key->kept)
	{
		if (key->row != NULL)
			ExecForceStoreMinimalTuple(key->row, slot, false);
		return key->row != NULL;
	}
	MemoryContextReset(fetch->items->row_context);
	old = MemoryContextSwitchTo(fetch->items->row_context);
	is_row = ddb_row_read_at(fetch->items->run.reader, &batch->stream->page,
							 key->note, slot);
	MemoryContextSwitchTo(old);
	return is_row;
}

/* Before the next page of a batch: the rows of this one that are not due yet. */
static void
keep_rows(IndexFetch *fetch, FetchBatch *batch)
{
	for (int i = batch->next; i < batch->n; i++)
	{
		FetchedKey *key = &batch->keys[i];
		MemoryContext old;

		if (!key->found || key->kept)
			continue;
		if (read_row(fetch, batch, key, fetch->kept_slot))
		{
			old = MemoryContextSwitchTo(batch->context);
			key->row = ExecCopySlotMinimalTuple(fetch->kept_slot);
			MemoryContextSwitchTo(old);
		}
		key->kept = true;
	}
}

/*
 * True if it is known what has become of the item that is due, or if all are
 * given.
 */
static bool
is_settled(const FetchBatch *batch)
{
	return batch->next >= batch->n || batch->keys[batch->next].found ||
		   (batch->stream->finished && !batch->stream->sent);
}

/*
 * Reads pages until it is known what has become of the next item.  False when
 * it would have to wait and may not.
 */
static bool
settle(IndexFetch *fetch, FetchBatch *batch, Patience patience)
{
	for (;;)
	{
		if (batch->stream->page_open &&
			batch->stream->page.notes.next < batch->stream->page.notes.n)
			place_items(fetch, batch);
		if (is_settled(batch))
			return true;
		keep_rows(fetch, batch);
		while (!ddb_stream_ready(batch->stream))
		{
			if (patience == DOES_NOT_WAIT)
				return false;
			ddb_call_wait(&batch->stream->call, 1);
		}
	}
}

/*
 * The next row of the batch, in the order of its entries.  Waits for replies
 * where it must; false at the end.
 */
static bool
next_in_order(IndexFetch *fetch, FetchBatch *batch, TupleTableSlot *slot)
{
	while (settle(fetch, batch, WAITS) && batch->next < batch->n)
	{
		const FetchedKey *key = &batch->keys[batch->next++];

		fetch->source.found_by = key->source;
		/* One that has not come with the last page is gone. */
		if (key->found && read_row(fetch, batch, key, slot) &&
			(!is_strict(fetch) || ddb_seen_add(fetch->seen, &key->identity)))
			return true;
	}
	return false;
}

/* ---- rows ---- */

static bool
next_of_batch(IndexFetch *fetch, FetchBatch *batch, TupleTableSlot *slot)
{
	if (fetch->scan->plan->order.is_relied_upon)
		return next_in_order(fetch, batch, slot);
	fetch->source.found_by = batch->keys[0].source;
	return ddb_stream_next(batch->stream, slot, fetch->items->row_context);
}

/* ---- as a source of rows ---- */

static bool
source_ready(DdbRowSource *source)
{
	IndexFetch *fetch = (IndexFetch *) source;

	send_ahead(fetch, DOES_NOT_WAIT);
	if (fetch->sent == 0)
		return fetch->ended;
	if (fetch->scan->plan->order.is_relied_upon)
		return settle(fetch, front(fetch), DOES_NOT_WAIT);
	return ddb_stream_ready(front(fetch)->stream);
}

/* Batches are kept going ahead, and given in their order. */
static TupleTableSlot *
source_next(DdbRowSource *source, TupleTableSlot *slot)
{
	IndexFetch *fetch = (IndexFetch *) source;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		send_ahead(fetch, WAITS);
		if (fetch->sent == 0)
			return NULL;
		if (next_of_batch(fetch, front(fetch), slot))
		{
			source->page_of = front(fetch)->stream;
			return slot;
		}
		drop_batch(fetch);
	}
}

static void
source_close(DdbRowSource *source)
{
	IndexFetch *fetch = (IndexFetch *) source;

	while (fetch->sent > 0)
		drop_batch(fetch);
	fetch->ended = true;
	fetch->held = false;
	ddb_source_close(fetch->entries);
}

/* ---- beginning ---- */

/*
 * The second step is a scan of its own, of the table, whose streams take the
 * keys that entries give.
 */
static DdbScanState *
create_items_scan(const DdbScanState *scan)
{
	DdbAccessPlan *plan = scan->plan->fetch.plan;
	DdbScanState *items = ddb_scan_state_second(scan, plan);
	DdbRowReader *reader = ddb_row_reader_create(
		items->relation, plan, items->codecs,
		list_concat_copy(plan->projection.columns,
						 plan->projection.recheck_columns));

	reader->expiry = scan->run.reader->expiry;
	ddb_run_begin_streams(items, reader);
	return items;
}

DdbRowSource *
ddb_index_fetch_create(ForeignScanState *node, DdbScanState *state)
{
	IndexFetch *fetch = palloc0(sizeof(IndexFetch));

	fetch->source.ready = source_ready;
	fetch->source.next = source_next;
	fetch->source.close = source_close;
	fetch->node = node;
	fetch->scan = state;
	fetch->entries = ddb_groups_source(state->run.groups);
	fetch->items = create_items_scan(state);
	if (state->plan->fetch.entry_filter >= 0)
		fetch->entry_filter = (ExprState *) list_nth(
			state->values, state->plan->fetch.entry_filter);
	fetch->entry_slot = MakeTupleTableSlot(state->descriptor, &TTSOpsVirtual);
	fetch->entry_slot->tts_tableOid = state->relation->relid;
	fetch->kept_slot = MakeTupleTableSlot(state->descriptor, &TTSOpsVirtual);
	fetch->seen = ddb_seen_create(state->run_context,
								  (Size) (work_mem * 1024.0 * SEEN_SHARE));
	return &fetch->source;
}
