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

#include "request/reply_shape.h"
#include "scan/index_fetch.h"

#include <math.h>

#include "executor/executor.h"
#include "miscadmin.h"
#include "scan/groups.h"
#include "scan/item_identity.h"
#include "utils/memutils.h"

/* A reply of BatchGetItem is no larger (API reference). */
#define MAX_REPLY_BYTES (16.0 * 1024 * 1024)

/* Keys for a row that is wanted, at first, where rows fall out. */
#define MAX_FIRST_FACTOR 4.0

/* Ask for a little more than seems needed: a further request costs more. */
#define MARGIN 1.25

/* Growth when nothing is known: no row passed yet, or the bound is behind. */
#define BLIND_GROWTH 4.0

/* Share of work_mem for what was met. */
#define SEEN_SHARE 0.25

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

struct DdbTwoStep
{
	ForeignScanState *node;
	DdbScanState *entries; /* the scan itself */
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
	DdbStream *source; /* of the entry of the row given last */
};

/* ---- beginning ---- */

/* The second step as a scan of its own, which shares what the first one has. */
static DdbScanState *
create_items_scan(DdbScanState *entries)
{
	DdbScanState *items = palloc0(sizeof(DdbScanState));
	const DdbAccessPlan *plan = entries->plan->fetch.plan;

	items->plan = unconstify(DdbAccessPlan *, plan);
	items->relation = entries->relation;
	items->codecs = entries->codecs;
	items->session = entries->session;
	items->descriptor = entries->descriptor;
	items->counters = entries->counters;
	items->run_context = entries->run_context;
	items->row_context = AllocSetContextCreate(
		entries->run_context, "ddb_fdw item row", ALLOCSET_DEFAULT_SIZES);
	items->bound = -1;
	items->reader = ddb_row_reader_create(
		items->relation, plan, items->codecs,
		list_concat_copy(plan->projection.columns,
						 plan->projection.recheck_columns));
	items->reader->expiry = entries->reader->expiry;
	items->spec.plan = plan;
	items->spec.segment = -1;
	ddb_scan_put_projection(items);
	items->request = makeStringInfo();
	return items;
}

/*
 * The second step is a scan of its own, of the table, that shares the first
 * one's counters.
 */
DdbTwoStep *
ddb_two_step_create(ForeignScanState *node, DdbScanState *state)
{
	DdbTwoStep *two = palloc0(sizeof(DdbTwoStep));

	two->node = node;
	two->entries = state;
	two->items = create_items_scan(state);
	if (state->plan->fetch.entry_filter >= 0)
		two->entry_filter = (ExprState *) list_nth(
			state->values, state->plan->fetch.entry_filter);
	two->entry_slot = MakeTupleTableSlot(state->descriptor, &TTSOpsVirtual);
	two->entry_slot->tts_tableOid = state->relation->relid;
	two->kept_slot = MakeTupleTableSlot(state->descriptor, &TTSOpsVirtual);
	two->seen = ddb_seen_create(state->run_context,
								(Size) (work_mem * 1024.0 * SEEN_SHARE));
	return two;
}

DdbStream *
ddb_two_step_source(const DdbTwoStep *two)
{
	return two->source;
}

/* ---- entries into keys ---- */

/*
 * True if the entry's item could be a row, by those conditions of PostgreSQL's
 * that the index has the columns for.
 */
static bool
entry_passes(const DdbTwoStep *two, TupleTableSlot *slot)
{
	ExprContext *econtext = two->node->ss.ps.ps_ExprContext;
	bool isnull;
	Datum passes;

	if (two->entry_filter == NULL)
		return true;
	econtext->ecxt_scantuple = slot;
	ResetExprContext(econtext);
	passes = ExecEvalExprSwitchContext(two->entry_filter, econtext, &isnull);
	return !isnull && DatumGetBool(passes);
}

/*
 * True if a row is given only where the index lists its item by now.  Then the
 * order may be relied upon.
 */
static bool
is_strict(const DdbTwoStep *two)
{
	return two->entries->plan->projection.position != NIL;
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
begin_batch(DdbTwoStep *two, FetchBatch *batch)
{
	if (batch->context == NULL)
	{
		batch->context = AllocSetContextCreate(
			two->items->run_context, "ddb_fdw keys", ALLOCSET_DEFAULT_SIZES);
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
take_key(DdbTwoStep *two, FetchBatch *batch)
{
	DdbScanState *entries = two->entries;
	FetchedKey *key = &batch->keys[batch->n];
	MemoryContext old;

	old = MemoryContextSwitchTo(batch->context);
	ddb_identity_read(entries->reader, &entries->last->page,
					  entries->last->page.item_note, &key->identity,
					  &batch->targets[batch->n]);
	MemoryContextSwitchTo(old);
	key->source = entries->last;
	two->held = is_strict(two) && find_key(batch, &key->identity) != NULL;
	if (two->held)
		return false;
	if (is_strict(two) ? !ddb_seen_has(two->seen, &key->identity)
					   : ddb_seen_add(two->seen, &key->identity))
		batch->n++;
	return true;
}

/*
 * Reads an entry of the index into the batch; *taken says if it went in.
 * False when there is none, or when it has to be waited for and wait is false.
 */
static bool
read_entry(DdbTwoStep *two, FetchBatch *batch, bool wait, bool *taken)
{
	TupleTableSlot *row;

	CHECK_FOR_INTERRUPTS();
	*taken = true;
	if (!two->held)
	{
		if (two->ended || (!wait && !ddb_groups_ready(two->entries)))
			return false;
		row = ddb_groups_next(two->entries, two->entry_slot);
		two->ended = row == NULL;
		if (two->ended)
			return false;
		if (!entry_passes(two, row))
			return true;
	}
	*taken = take_key(two, batch);
	return true;
}

/* ---- batches ---- */

static FetchBatch *
front(DdbTwoStep *two)
{
	return &two->batches[two->first];
}

/*
 * How many batches may be under way: as memory allows for their replies, and
 * one alone where units are capped.
 */
static int
largest_window(const DdbTwoStep *two)
{
	double reply =
		Min(two->items->plan->estimate.item_bytes * DDB_MAX_BATCH_KEYS,
			MAX_REPLY_BYTES);

	/* What is under way when a cap is reached has been paid for in vain. */
	if (ddb_relation_max_read_units(two->items->relation) > 0)
		return 1;
	return ddb_groups_window((int64) Max(reply, two->items->largest_reply),
							 DDB_MAX_WINDOW);
}

/*
 * About how many keys it takes for the rows that are wanted, as page_size.c has
 * it of items.
 */
static double
keys_for_rows(const DdbTwoStep *two, int64 under_way)
{
	const DdbScanState *scan = two->entries;
	const DdbAccessPlan *plan = scan->plan->fetch.plan;
	double missing = (double) scan->bound - (double) scan->given;
	double asked = (double) (two->asked - under_way);
	double factor = plan->estimate.selectivity > 0
						? 1.0 / plan->estimate.selectivity
						: MAX_FIRST_FACTOR;

	if (missing < 1)
		return Max(two->last_size, 10) * BLIND_GROWTH;
	if (!plan->filter.is_local)
		return missing;
	if (asked <= 0)
		return missing * Min(Max(factor, 1.0), MAX_FIRST_FACTOR);
	if (scan->given == 0)
		return two->last_size * BLIND_GROWTH;
	return missing * MARGIN * asked / scan->given;
}

/*
 * How many keys the next batch should have. 0 means that those under way are
 * enough for the rows that are wanted.
 */
static int
next_size(const DdbTwoStep *two)
{
	int64 under_way = 0;
	double keys;

	if (two->entries->bound < 0)
		return DDB_MAX_BATCH_KEYS;
	for (int i = 0; i < two->sent; i++)
		under_way += two->batches[(two->first + i) % DDB_MAX_WINDOW].n;
	keys = keys_for_rows(two, under_way) - under_way;
	if (two->sent == 0)
		keys = Max(keys, 1);
	return (int) Max(0, Min(ceil(keys), DDB_MAX_BATCH_KEYS));
}

/*
 * Asks for the items of the batch.  Streams are used again, since there may be
 * very many batches.
 */
static void
send_batch(DdbTwoStep *two, FetchBatch *batch)
{
	MemoryContext old = MemoryContextSwitchTo(two->items->run_context);

	if (batch->stream == NULL)
		batch->stream = ddb_stream_create(two->items, batch->targets, batch->n);
	else
		ddb_stream_restart(batch->stream, batch->targets, batch->n);
	MemoryContextSwitchTo(old);
	ddb_stream_send(batch->stream);
	two->entries->counters->keys_fetched += batch->n;
	two->asked += batch->n;
	two->last_size = batch->n;
	two->sent++;
}

/*
 * Fills and sends batches, as many as are wanted and may be under way; if it
 * may wait for entries, then only where nothing is under way.
 */
static void
send_ahead(DdbTwoStep *two, bool wait)
{
	while (two->sent < largest_window(two))
	{
		FetchBatch *batch =
			&two->batches[(two->first + two->sent) % DDB_MAX_WINDOW];
		int size = next_size(two);
		bool taken = true;

		if (size == 0)
			return;
		if (batch->context == NULL || batch->n == 0)
			begin_batch(two, batch);
		while (batch->n < size && taken &&
			   read_entry(two, batch, wait && two->sent == 0, &taken))
			;
		/* Whether there are more is to be waited for. */
		if (batch->n == 0 || (batch->n < size && taken && !two->ended))
			return;
		send_batch(two, batch);
	}
}

/* The first batch is done with. */
static void
drop_batch(DdbTwoStep *two)
{
	FetchBatch *batch = front(two);

	ddb_stream_close(batch->stream);
	batch->n = 0;
	two->first = (two->first + 1) % DDB_MAX_WINDOW;
	two->sent--;
}

/* ---- rows in the order of entries ---- */

/*
 * Finds out whose items a page holds, as BatchGetItem returns them in any
 * order.
 */
static void
place_items(DdbTwoStep *two, FetchBatch *batch)
{
	DdbPage *page = &batch->stream->page;
	MemoryContext old = MemoryContextSwitchTo(batch->context);

	for (int note = 0; note < page->notes.n;
		 note = ddb_row_next_item(page, note))
	{
		DdbIdentity identity;
		FetchedKey *key;

		ddb_identity_read(two->items->reader, page, note, &identity, NULL);
		key = find_key(batch, &identity);
		if (key == NULL)
			ddb_reply_raise_malformed(
				two->items->plan->source.table_name,
				"it holds an item that was not asked for");
		key->found = true;
		key->note = note;
		key->moved = is_strict(two) &&
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
read_row(DdbTwoStep *two, FetchBatch *batch, const FetchedKey *key,
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
	MemoryContextReset(two->items->row_context);
	old = MemoryContextSwitchTo(two->items->row_context);
	is_row = ddb_row_read_at(two->items->reader, &batch->stream->page,
							 key->note, slot);
	MemoryContextSwitchTo(old);
	return is_row;
}

/* Before the next page of a batch: the rows of this one that are not due yet. */
static void
keep_rows(DdbTwoStep *two, FetchBatch *batch)
{
	for (int i = batch->next; i < batch->n; i++)
	{
		FetchedKey *key = &batch->keys[i];
		MemoryContext old;

		if (!key->found || key->kept)
			continue;
		if (read_row(two, batch, key, two->kept_slot))
		{
			old = MemoryContextSwitchTo(batch->context);
			key->row = ExecCopySlotMinimalTuple(two->kept_slot);
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
settle(DdbTwoStep *two, FetchBatch *batch, bool wait)
{
	for (;;)
	{
		if (batch->stream->page_open &&
			batch->stream->page.notes.next < batch->stream->page.notes.n)
			place_items(two, batch);
		if (is_settled(batch))
			return true;
		keep_rows(two, batch);
		while (!ddb_stream_ready(batch->stream))
		{
			if (!wait)
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
next_in_order(DdbTwoStep *two, FetchBatch *batch, TupleTableSlot *slot)
{
	while (settle(two, batch, true) && batch->next < batch->n)
	{
		const FetchedKey *key = &batch->keys[batch->next++];

		two->source = key->source;
		/* One that has not come with the last page is gone. */
		if (key->found && read_row(two, batch, key, slot) &&
			(!is_strict(two) || ddb_seen_add(two->seen, &key->identity)))
			return true;
	}
	return false;
}

/* ---- rows ---- */

static bool
next_of_batch(DdbTwoStep *two, FetchBatch *batch, TupleTableSlot *slot)
{
	if (two->entries->plan->order.is_relied_upon)
		return next_in_order(two, batch, slot);
	two->source = batch->keys[0].source;
	return ddb_stream_next(batch->stream, slot, two->items->row_context);
}

/* True if the next row, or the end, can be told without waiting. */
bool
ddb_two_step_ready(DdbTwoStep *two)
{
	send_ahead(two, false);
	if (two->sent == 0)
		return two->ended;
	if (two->entries->plan->order.is_relied_upon)
		return settle(two, front(two), false);
	return ddb_stream_ready(front(two)->stream);
}

/* Batches are kept going ahead, and given in their order. */
TupleTableSlot *
ddb_two_step_next(DdbTwoStep *two, TupleTableSlot *slot)
{
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		send_ahead(two, true);
		if (two->sent == 0)
			return NULL;
		if (next_of_batch(two, front(two), slot))
			return slot;
		drop_batch(two);
	}
}

DdbStream *
ddb_two_step_stream(const DdbTwoStep *two)
{
	return two->batches[two->first].stream;
}
