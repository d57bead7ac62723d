/* SPDX-License-Identifier: PostgreSQL */
/*
 * insert.c
 *		Rows that become new items, many at once.
 *
 * Each is put on the condition that there is no such item; where items may be
 * replaced, 25 go in one request without a condition.
 */
#include "postgres.h"

#include "modify/insert.h"

#include "codec/codec.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "modify/item_key.h"
#include "utils/memutils.h"

/* What BatchWriteItem is given at once, in bytes of JSON: it takes 16 MB. */
#define MAX_BATCH_BYTES ((size_t) 4 * 1024 * 1024)

/* A row on its way. */
typedef struct PendingRow
{
	char *item; /* JSON */
	char *key;
	int position; /* among the rows that were given */
	const struct PendingRow *first; /* one before it with the same key; NULL:
									 * none */
	bool again; /* it is not to be written in the first round */
	bool written;
} PendingRow;

struct DdbInsert
{
	DdbRowWriter *rows;
	bool ignores_conflicts; /* ON CONFLICT DO NOTHING */
	MemoryContext context; /* of the rows at hand */
	TupleTableSlot *given_back[DDB_WRITE_ROWS]; /* the array that was given is
								 * the executor's */

	/* kept until there are more */
	PendingRow *later;
	int nlater;
	size_t later_bytes;
};

/*
 * ignores_conflicts is ON CONFLICT DO NOTHING: an item that exists is left
 * alone without an error.
 */
DdbInsert *
ddb_insert_create(DdbRowWriter *rows, bool ignores_conflicts)
{
	DdbInsert *insert = palloc0(sizeof(DdbInsert));

	insert->rows = rows;
	insert->ignores_conflicts = ignores_conflicts;
	insert->context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw new rows", ALLOCSET_DEFAULT_SIZES);
	return insert;
}

/*
 * Makes the item and its key of the slot's row, and checks constraints.  What
 * was completed goes back into the slot, for RETURNING.
 */
static void
compose_row(DdbInsert *insert, TupleTableSlot *slot, PendingRow *row)
{
	StringInfoData item;
	StringInfoData key;

	initStringInfo(&item);
	initStringInfo(&key);
	ddb_item_load(insert->rows->items, slot);
	ddb_item_compose(insert->rows->items, &item, &key);
	ddb_row_writer_check_item(insert->rows, item.data, key.data);
	ddb_item_store(insert->rows->items, slot);
	row->item = item.data;
	row->key = key.data;
	row->first = NULL;
	row->again = false;
	row->written = false;
}

/* Sorts rows by key, then by their position in the statement, for qsort(). */
static int
compare_keys(const void *a, const void *b)
{
	const PendingRow *left = *(PendingRow *const *) a;
	const PendingRow *right = *(PendingRow *const *) b;
	int order = strcmp(left->key, right->key);

	return order != 0 ? order : left->position - right->position;
}

/* Marks rows whose key an earlier row has.  True if there are any. */
static bool
mark_repeats(PendingRow *rows, int n)
{
	PendingRow **sorted = palloc(sizeof(PendingRow *) * n);
	bool found = false;

	for (int i = 0; i < n; i++)
		sorted[i] = &rows[i];
	qsort(sorted, n, sizeof(PendingRow *), compare_keys);
	for (int i = 1; i < n; i++)
		if (strcmp(sorted[i]->key, sorted[i - 1]->key) == 0)
		{
			sorted[i]->first = sorted[i - 1]->first != NULL
								   ? sorted[i - 1]->first
								   : sorted[i - 1];
			sorted[i]->again = found = true;
		}
	return found;
}

/*
 * Raises the error of an item that is there already, in the words of a unique
 * violation.
 */
static void
raise_exists(const DdbInsert *insert, const char *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("item already exists in DynamoDB table \"%s\"",
					insert->rows->wire.table_name),
			 errdetail("Key %s already exists.",
					   ddb_item_describe_key(insert->rows->items, key))));
}

/*
 * True if nobody knows whether the row's PutItem made the item that is there:
 * an attempt had no answer, and another one was refused.  Where a row before
 * has made an item, that is what is there.
 */
static bool
is_unknown(const DdbWriteJob *job, const PendingRow *row)
{
	return job->refused && job->ambiguous &&
		   (row->first == NULL || !row->first->written);
}

/*
 * Puts those rows that repeat a key, or those that do not, as new items.
 * Raises an error at a conflict unless conflicts are ignored, and where it is
 * not known whether there is one.
 */
static void
put_new(DdbInsert *insert, PendingRow *rows, int n, bool repeats)
{
	DdbWriteJob **jobs = palloc(sizeof(DdbWriteJob *) * n);
	PendingRow **of_job = palloc(sizeof(PendingRow *) * n);
	List *unknown = NIL;
	int count = 0;

	for (int i = 0; i < n; i++)
	{
		StringInfoData body;

		if (rows[i].again != repeats)
			continue;
		initStringInfo(&body);
		ddb_write_put(&body, &insert->rows->wire, rows[i].item, DDB_PUT_NEW);
		of_job[count] = &rows[i];
		jobs[count] = palloc(sizeof(DdbWriteJob));
		ddb_write_job_init(jobs[count++], &insert->rows->wire, DDBC_PUT_ITEM,
						   &body, 1);
	}
	ddb_writes_run(insert->rows->writes, jobs, count);
	for (int i = 0; i < count; i++)
	{
		of_job[i]->written = !jobs[i]->refused;
		if (is_unknown(jobs[i], of_job[i]))
			unknown = lappend(unknown, of_job[i]->key);
		else
			ddb_writes_decide(insert->rows->writes, jobs[i],
							  of_job[i]->written);
	}
	if (unknown != NIL)
		ddb_row_writer_raise_unknown(insert->rows, unknown);
	for (int i = 0; i < count && !insert->ignores_conflicts; i++)
		if (!of_job[i]->written)
			raise_exists(insert, of_job[i]->key);
}

/*
 * Marks all rows but the last of each key as superseded.  Returns how many are
 * left.  Their order stays.
 */
static int
keep_last(PendingRow *rows, int n)
{
	PendingRow **sorted = palloc(sizeof(PendingRow *) * n);
	int kept = 0;

	for (int i = 0; i < n; i++)
	{
		sorted[i] = &rows[i];
		rows[i].written = true;
	}
	qsort(sorted, n, sizeof(PendingRow *), compare_keys);
	for (int i = 0; i < n; i++)
		sorted[i]->again =
			i + 1 < n && strcmp(sorted[i]->key, sorted[i + 1]->key) == 0;
	for (int i = 0; i < n; i++)
		kept += !rows[i].again;
	return kept;
}

/*
 * Takes the next items for one request, at most so many, from *next on, within
 * the limit of size.  Returns how many.
 */
static int
take_batch(PendingRow *rows, int n, int *next, char **items, int most)
{
	int count = 0;
	size_t bytes = 0;

	for (; *next < n && count < most && bytes < MAX_BATCH_BYTES; (*next)++)
	{
		if (rows[*next].again)
			continue;
		items[count] = rows[*next].item;
		bytes += strlen(items[count++]);
	}
	return count;
}

/*
 * Puts rows whatever is there, 25 to a request; one, where each is a
 * transaction of its own.
 */
static void
put_always(DdbInsert *insert, PendingRow *rows, int n)
{
	int most = insert->rows->wire.exactly_once ? 1 : DDB_MAX_BATCH_ITEMS;
	int kept = keep_last(rows, n);
	DdbWriteJob **jobs = palloc(sizeof(DdbWriteJob *) * Max(kept, 1));
	char *items[DDB_MAX_BATCH_ITEMS];
	int count = 0;
	int next = 0;
	int taken;

	while ((taken = take_batch(rows, n, &next, items, most)) > 0)
	{
		StringInfoData body;

		initStringInfo(&body);
		if (taken == 1)
			ddb_write_put(&body, &insert->rows->wire, items[0], DDB_PUT_ALWAYS);
		else
			ddb_write_batch(&body, &insert->rows->wire, items, taken);
		jobs[count] = palloc(sizeof(DdbWriteJob));
		ddb_write_job_init(jobs[count++], &insert->rows->wire,
						   taken == 1 ? DDBC_PUT_ITEM : DDBC_BATCH_WRITE_ITEM,
						   &body, taken);
	}
	ddb_writes_run(insert->rows->writes, jobs, count);
}

/*
 * Composes the items of the first rows, as many as are sent together, and
 * returns how many.  Checks views too.
 */
static int
compose_rows(DdbInsert *insert, EState *estate, ResultRelInfo *target,
			 TupleTableSlot **slots, int n, PendingRow *rows)
{
	size_t bytes = 0;
	int i;

	for (i = 0; i < n && bytes < DDB_WRITE_BYTES; i++)
	{
		rows[i].position = i;
		compose_row(insert, slots[i], &rows[i]);
		ddb_row_writer_check_view(estate, target, slots[i]);
		bytes += strlen(rows[i].item);
	}
	return i;
}

/*
 * Writes rows that are composed: by BatchWriteItem if they may replace,
 * otherwise each on condition that it is new.  Rows that repeat a key come in
 * a second round.
 */
static void
write_new(DdbInsert *insert, PendingRow *rows, int n)
{
	ddb_row_writer_begin(insert->rows);
	/* What is there must stay, if that is asked for. */
	if (insert->rows->items->relation->replaces && !insert->ignores_conflicts)
		put_always(insert, rows, n);
	else
	{
		bool repeats = mark_repeats(rows, n);

		put_new(insert, rows, n, false);
		if (repeats)
			put_new(insert, rows, n, true);
	}
}

/*
 * Writes the first rows, and gives back the slots of those that became items.
 * Returns how many rows it took.
 */
static int
write_first(DdbInsert *insert, EState *estate, ResultRelInfo *target,
			TupleTableSlot **slots, int n, int *written)
{
	PendingRow *rows;

	MemoryContextReset(insert->context);
	rows = palloc(sizeof(PendingRow) * n);
	n = compose_rows(insert, estate, target, slots, n, rows);
	write_new(insert, rows, n);
	for (int i = 0; i < n; i++)
		if (rows[i].written)
		{
			if (insert->rows->shares)
				(void) ddb_row_writer_met(insert->rows, rows[i].key);
			if (insert->rows->read_back != NULL)
				ddb_read_back_item(insert->rows->read_back, rows[i].item,
								   slots[i]);
			insert->given_back[(*written)++] = slots[i];
		}
	return n;
}

/*
 * More rows may be given than one batch takes; they are written batch by
 * batch.  NULL if no row became an item.
 */
TupleTableSlot **
ddb_insert_rows(DdbInsert *insert, EState *estate, ResultRelInfo *target,
				TupleTableSlot **slots, int *n)
{
	MemoryContext old;
	int written = 0;

	old = MemoryContextSwitchTo(insert->context);
	for (int i = 0; i < *n;)
		i += write_first(insert, estate, target, slots + i, *n - i, &written);
	MemoryContextSwitchTo(old);
	*n = written;
	return written > 0 ? insert->given_back : NULL;
}

/* Writes the rows that ddb_insert_later() has kept, if any. */
void
ddb_insert_flush(DdbInsert *insert)
{
	MemoryContext old;

	if (insert->nlater == 0)
		return;
	old = MemoryContextSwitchTo(insert->context);
	write_new(insert, insert->later, insert->nlater);
	insert->nlater = 0;
	MemoryContextSwitchTo(old);
}

/*
 * The row is composed and checked at once, so that errors come at their row.
 * Only the request waits.
 */
void
ddb_insert_later(DdbInsert *insert, TupleTableSlot *slot)
{
	PendingRow *row;
	MemoryContext old;

	if (insert->nlater == 0)
		MemoryContextReset(insert->context);
	old = MemoryContextSwitchTo(insert->context);
	if (insert->nlater == 0)
	{
		insert->later = palloc(sizeof(PendingRow) * DDB_WRITE_ROWS);
		insert->later_bytes = 0;
	}
	row = &insert->later[insert->nlater];
	row->position = insert->nlater++;
	compose_row(insert, slot, row);
	insert->later_bytes += strlen(row->item);
	MemoryContextSwitchTo(old);
	if (insert->nlater == DDB_WRITE_ROWS ||
		insert->later_bytes >= DDB_WRITE_BYTES)
		ddb_insert_flush(insert);
}
