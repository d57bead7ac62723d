/* SPDX-License-Identifier: PostgreSQL */
/*
 * snapshot.c
 *		Scans that are read before their statement writes anything.
 *
 * Rows are kept as they are read, on disk when they are more than work_mem
 * holds.  At the statement's first write all such scans are read to their end.
 * What they ask DynamoDB for depends on nothing that the statement computes
 * (plan/clause.c), so they can be read at any time, and a rescan gives the same
 * rows again.
 */
#include "postgres.h"

#include "scan/snapshot.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "scan/scan.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

/* Items of a DynamoDB table. */
typedef struct ChangedItems
{
	char *table_name;
	HTAB *items; /* NULL: none yet */
} ChangedItems;

/* The scans of one running statement, and what its parts have changed. */
typedef struct Registry
{
	EState *estate;
	List *snapshots; /* of DdbSnapshot * */
	List *changed; /* of ChangedItems * */
	MemoryContextCallback forget;
	struct Registry *next;
} Registry;

struct DdbSnapshot
{
	ForeignScanState *node;
	Tuplestorestate *store; /* NULL: nothing was read yet */
	TupleTableSlot *kept; /* as the store gives rows */
	int writer; /* read pointer that is active while rows are added that
								 * nobody has been given */
	bool complete; /* all is in the store */
};

static Registry *registries = NULL;

static void
forget_registry(void *arg)
{
	Registry **link = &registries;

	while (*link != arg)
		link = &(*link)->next;
	*link = (*link)->next;
}

static Registry *
find_registry(const EState *estate)
{
	Registry *registry = registries;

	while (registry != NULL && registry->estate != estate)
		registry = registry->next;
	return registry;
}

static Registry *
ensure_registry(EState *estate)
{
	Registry *registry = find_registry(estate);

	if (registry != NULL)
		return registry;
	registry = MemoryContextAllocZero(estate->es_query_cxt, sizeof(Registry));
	registry->estate = estate;
	registry->next = registries;
	registry->forget.func = forget_registry;
	registry->forget.arg = registry;
	MemoryContextRegisterResetCallback(estate->es_query_cxt, &registry->forget);
	registries = registry;
	return registry;
}

DdbSnapshot *
ddb_snapshot_create(ForeignScanState *node)
{
	EState *estate = node->ss.ps.state;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	DdbSnapshot *snapshot = palloc0(sizeof(DdbSnapshot));
	Registry *registry = ensure_registry(estate);

	snapshot->node = node;
	snapshot->kept = MakeSingleTupleTableSlot(
		node->ss.ss_ScanTupleSlot->tts_tupleDescriptor, &TTSOpsMinimalTuple);
	registry->snapshots = lappend(registry->snapshots, snapshot);
	MemoryContextSwitchTo(old);
	return snapshot;
}

/* Reads a row and keeps it; empty at the end. */
static TupleTableSlot *
read_row(DdbSnapshot *snapshot)
{
	TupleTableSlot *slot = ddb_scan_read(snapshot->node);

	snapshot->complete = TupIsNull(slot);
	if (!snapshot->complete)
		tuplestore_puttupleslot(snapshot->store, slot);
	return slot;
}

static void
ensure_store(DdbSnapshot *snapshot)
{
	MemoryContext old;

	if (snapshot->store != NULL)
		return;
	old = MemoryContextSwitchTo(snapshot->node->ss.ps.state->es_query_cxt);
	snapshot->store = tuplestore_begin_heap(false, false, work_mem);
	tuplestore_set_eflags(snapshot->store, EXEC_FLAG_REWIND);
	snapshot->writer = tuplestore_alloc_read_pointer(snapshot->store, 0);
	MemoryContextSwitchTo(old);
}

TupleTableSlot *
ddb_snapshot_next(DdbSnapshot *snapshot)
{
	TupleTableSlot *slot = snapshot->node->ss.ss_ScanTupleSlot;
	MemoryContext old;
	bool found;

	ensure_store(snapshot);
	/* Rows from disk are allocated, to be freed by the slot. */
	old = MemoryContextSwitchTo(snapshot->kept->tts_mcxt);
	found =
		tuplestore_gettupleslot(snapshot->store, true, false, snapshot->kept);
	MemoryContextSwitchTo(old);
	if (found)
		return ExecCopySlot(slot, snapshot->kept);
	if (snapshot->complete)
		return ExecClearTuple(slot);
	/* Puts the row behind what has been given, and so counts it as given. */
	return read_row(snapshot);
}

void
ddb_snapshot_rescan(DdbSnapshot *snapshot)
{
	if (snapshot->store != NULL)
		tuplestore_rescan(snapshot->store);
}

void
ddb_snapshot_end(DdbSnapshot *snapshot)
{
	ExecClearTuple(snapshot->kept);
	if (snapshot->store != NULL)
		tuplestore_end(snapshot->store);
	snapshot->store = NULL;
}

/*
 * Reads the rest.  Whoever reads the rows goes on where he was: a pointer at
 * the end stays in front of what is added only while another one is active.
 */
static void
read_to_end(DdbSnapshot *snapshot)
{
	ensure_store(snapshot);
	tuplestore_select_read_pointer(snapshot->store, snapshot->writer);
	while (!snapshot->complete)
	{
		CHECK_FOR_INTERRUPTS();
		(void) read_row(snapshot);
	}
	tuplestore_select_read_pointer(snapshot->store, 0);
}

void
ddb_snapshot_take(EState *estate)
{
	Registry *registry = find_registry(estate);
	ListCell *lc;

	if (registry == NULL)
		return;
	foreach (lc, registry->snapshots)
		read_to_end((DdbSnapshot *) lfirst(lc));
}

HTAB **
ddb_snapshot_changed_items(EState *estate, const char *table_name)
{
	Registry *registry = find_registry(estate);
	MemoryContext old;
	ChangedItems *changed;
	ListCell *lc;

	if (registry == NULL)
		return NULL;
	foreach (lc, registry->changed)
	{
		changed = (ChangedItems *) lfirst(lc);
		if (strcmp(changed->table_name, table_name) == 0)
			return &changed->items;
	}
	old = MemoryContextSwitchTo(estate->es_query_cxt);
	changed = palloc0(sizeof(ChangedItems));
	changed->table_name = pstrdup(table_name);
	registry->changed = lappend(registry->changed, changed);
	MemoryContextSwitchTo(old);
	return &changed->items;
}
