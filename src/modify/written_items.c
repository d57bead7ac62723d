/* SPDX-License-Identifier: PostgreSQL */
/*
 * written_items.c
 *		Which items were written before, told by their keys.
 *
 * A row is updated or deleted once by a statement, by whichever part or joined
 * row comes first; what comes later leaves it alone, as in local tables.
 */
#include "postgres.h"

#include "modify/written_items.h"

#include "common/hashfn.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "plan/snapshot_plan.h"
#include "scan/snapshot.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* Keys are told apart by 128 bits: two in 10^19 items are the same by chance. */
typedef struct WrittenKey
{
	uint64 hash[2];
} WrittenKey;

/* The items of one table that a statement has written. */
typedef struct WrittenTable
{
	Oid serverid;
	const char *table_name;
	HTAB *items;
} WrittenTable;

/*
 * The set grows with the number of items, by 16 bytes and the overhead of an
 * entry for each.
 */
HTAB *
ddb_written_items_create(void)
{
	HASHCTL control = {0};

	control.keysize = sizeof(WrittenKey);
	control.entrysize = sizeof(WrittenKey);
	control.hcxt = CurrentMemoryContext;
	return hash_create("ddb_fdw written items", 256, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/*
 * Keeps a 128-bit hash in place of the key.  Two keys with the same hash are
 * not to be expected.
 */
bool
ddb_written_items_add(HTAB *items, const char *key)
{
	WrittenKey written;
	bool found;
	int len = strlen(key);

	written.hash[0] = hash_bytes_extended((const unsigned char *) key, len, 1);
	written.hash[1] = hash_bytes_extended((const unsigned char *) key, len, 2);
	(void) hash_search(items, &written, HASH_ENTER, &found);
	return found;
}

/*
 * Nobody knows whether different servers are one and the same to DynamoDB:
 * they may be two accounts.
 */
static bool
is_same_table(const RangeTblEntry *rte, const DdbRelation *relation)
{
	return ddb_snapshot_same_table(rte->relid, relation) &&
		   GetForeignTable(rte->relid)->serverid == relation->server->serverid;
}

/* In how many places the statement writes the table. */
static int
count_targets(EState *estate, const DdbRelation *relation)
{
	int targets = 0;
	ListCell *lc;

	/* COPY has no plan. */
	if (estate->es_plannedstmt == NULL)
		return 0;
	foreach (lc, estate->es_plannedstmt->resultRelations)
		targets +=
			is_same_table(exec_rt_fetch(lfirst_int(lc), estate), relation);
	return targets;
}

/*
 * Adds an empty set for the relation's DynamoDB table.  Lives as long as the
 * query.
 */
static WrittenTable *
add_table(DdbStatement *statement, const DdbRelation *relation)
{
	MemoryContext old = MemoryContextSwitchTo(statement->estate->es_query_cxt);
	WrittenTable *table = palloc(sizeof(WrittenTable));

	table->serverid = relation->server->serverid;
	table->table_name = pstrdup(relation->table_name);
	table->items = ddb_written_items_create();
	statement->written = lappend(statement->written, table);
	MemoryContextSwitchTo(old);
	return table;
}

/* Tables are told apart by server and name. */
HTAB *
ddb_written_items_shared(EState *estate, const DdbRelation *relation)
{
	DdbStatement *statement;
	ListCell *lc;

	if (count_targets(estate, relation) < 2)
		return NULL;
	statement = ddb_statement_of(estate);
	foreach (lc, statement->written)
	{
		WrittenTable *table = (WrittenTable *) lfirst(lc);

		if (table->serverid == relation->server->serverid &&
			strcmp(table->table_name, relation->table_name) == 0)
			return table->items;
	}
	return add_table(statement, relation)->items;
}
