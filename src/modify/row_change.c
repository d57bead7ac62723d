/* SPDX-License-Identifier: PostgreSQL */
/*
 * row_change.c
 *		Conditional UPDATEs and DELETEs of items.
 */
#include "postgres.h"

#include "modify/row_change.h"

#include "compat.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "modify/document_update.h"
#include "modify/item_key.h"
#include "modify/item_tree.h"
#include "modify/written_items.h"
#include "remote/describe.h"
#include "scan/snapshot.h"
#include "utils/rel.h"

/* Keys that one message names. */
#define MAX_TOLD_KEYS 10

/*
 * True if the table's key tells all of these columns, so that nothing else
 * need come back.
 */
static bool
key_tells(const DdbItemWriter *writer, List *columns)
{
	ListCell *lc;

	foreach (lc, columns)
	{
		const DdbColumn *column =
			&writer->relation->columns[lfirst_int(lc) - 1];

		if (column->source != 0)
			column = &writer->relation->columns[column->source - 1];
		if (column->reach != DDB_REACH_ATTRIBUTE ||
			!ddb_key_schema_has(&writer->info->keys, column->attribute))
			return false;
	}
	return true;
}

/*
 * A new row's item is looked at only where several columns show one attribute;
 * an old item may have been changed by others as well.
 */
static void
prepare_to_show(DdbRowWriter *writer, List *shown, bool changes)
{
	if (shown == NIL || (!changes && writer->items->plain))
		return;
	writer->read_back = ddb_read_back_create(
		writer->items, RelationGetDescr(writer->target->ri_RelationDesc),
		shown);
	writer->keys_tell = key_tells(writer->items, shown);
	writer->wire.returns = changes && !writer->keys_tell;
	if (writer->wire.returns && writer->wire.exactly_once)
		writer->shown = ddb_unchanged_attributes(
			writer->items->relation, &writer->items->info->keys, shown);
	writer->keys_tell |= writer->wire.exactly_once && writer->shown == NIL;
}

/*
 * Asks for DynamoDB's description, and for the TTL attribute if expired items
 * are hidden.
 */
DdbRowWriter *
ddb_row_writer_create(EState *estate, ResultRelInfo *target, List *shown,
					  bool changes)
{
	DdbRowWriter *writer = palloc0(sizeof(DdbRowWriter));
	DdbRelation *relation =
		ddb_relation_load(RelationGetRelid(target->ri_RelationDesc));
	Oid userid = ddb_compat_result_userid(target, estate);
	DdbTableInfo *info;

	writer->estate = estate;
	writer->target = target;
	writer->met = ddb_written_items_shared(estate, relation);
	writer->shares = writer->met != NULL;
	info = ddb_describe_table(relation, userid);
	writer->items = ddb_item_writer_create(relation, info);
	writer->writes = ddb_writes_create(relation, userid);
	writer->wire.table_name = relation->table_name;
	writer->wire.keys = &info->keys;
	writer->wire.partition_key = writer->items->key_names[0];
	if (relation->hide_expired)
		writer->wire.ttl_attribute =
			ddb_describe_ttl_attribute(relation, userid);
	writer->wire.expiry = ddb_expiry_now();
	writer->wire.exactly_once = relation->exactly_once;
	prepare_to_show(writer, shown, changes);
	return writer;
}

void
ddb_row_writer_check_view(EState *estate, ResultRelInfo *target,
						  TupleTableSlot *slot)
{
	if (target->ri_WithCheckOptions != NIL)
		ExecWithCheckOptions(WCO_VIEW_CHECK, target, slot, estate);
}

/* Created at the first call. */
DdbConstraints *
ddb_row_writer_constraints(DdbRowWriter *writer)
{
	MemoryContext old;

	if (writer->constraints == NULL)
	{
		old = MemoryContextSwitchTo(GetMemoryChunkContext(writer));
		writer->constraints = ddb_constraints_create(
			writer->estate, writer->target, writer->items);
		MemoryContextSwitchTo(old);
	}
	return writer->constraints;
}

void
ddb_row_writer_check_item(DdbRowWriter *writer, const char *item,
						  const char *key)
{
	ddb_constraints_check_item(ddb_row_writer_constraints(writer),
							   writer->items, item, key);
}

/*
 * True if the item was updated before by this statement.  Remembers it
 * otherwise.
 */
bool
ddb_row_writer_met(DdbRowWriter *writer, const char *key)
{
	if (writer->met == NULL)
	{
		MemoryContext old =
			MemoryContextSwitchTo(GetMemoryChunkContext(writer));

		writer->met = ddb_written_items_create();
		MemoryContextSwitchTo(old);
	}
	return ddb_written_items_add(writer->met, key);
}

void
ddb_row_writer_begin(DdbRowWriter *writer)
{
	if (!writer->begun)
		ddb_snapshot_take(writer->estate, writer->wire.table_name);
	writer->begun = true;
}

/* ---- requests ---- */

/* Makes the request of a change, of what is known of its item. */
static void
compose(const DdbRowWriter *writer, DdbRowChange *change)
{
	DdbWriteTarget wire = writer->wire;
	DdbcOperation operation = DDBC_UPDATE_ITEM;
	StringInfoData body;

	wire.condition = change->condition;
	if (change->unchanged != NULL)
		wire.condition =
			ddb_unchanged_condition(change->unchanged, change->condition);
	initStringInfo(&body);
	if (change->deletes)
	{
		operation = DDBC_DELETE_ITEM;
		ddb_write_delete(&body, &wire, change->key);
	}
	else if (change->update.item != NULL)
	{
		operation = DDBC_PUT_ITEM;
		ddb_write_put(&body, &wire, change->update.item, DDB_PUT_OLD);
	}
	else
		ddb_write_update(&body, &wire, change->key, &change->update);
	ddb_write_job_init(&change->job, &wire, operation, &body, 1);
	change->job.may_lack_path = operation == DDBC_UPDATE_ITEM;
}

/* Makes the request of the item (JSON, copied) as it was read last. */
static void
compose_of(const DdbRowWriter *writer, DdbRowChange *change, const char *json,
		   int len)
{
	char *copy = palloc0(len + DDB_JSON_PADDING);

	memcpy(copy, json, len);
	change->item = ddb_item_tree_parse(copy, len);
	if (change->item == NULL)
		elog(ERROR, "an item of DynamoDB table \"%s\" is not well-formed",
			 writer->wire.table_name);
	change->unchanged =
		ddb_unchanged_note(writer->shown, &change->update, change->item);
	compose(writer, change);
}

/*
 * True if the change takes an item that nobody has read: what it leaves is to be
 * shown, and does not come back.  Otherwise the request is made.
 */
static bool
wants_item(const DdbRowWriter *writer, DdbRowChange *change,
		   const DdbKeptValue *item)
{
	if (writer->shown == NIL || change->update.item != NULL)
		compose(writer, change);
	else if (item != NULL)
		compose_of(writer, change, item->json, item->len);
	else if (!change->deletes &&
			 ddb_unchanged_is_told(writer->shown, &change->update))
		compose_of(writer, change, change->key, (int) strlen(change->key));
	else
		return true;
	return false;
}

/* The key, as JSON, is not copied. */
void
ddb_row_change_delete(DdbRowWriter *writer, char *key, const DdbKeptValue *item,
					  DdbRowChange *change)
{
	memset(change, 0, sizeof(*change));
	change->key = key;
	change->deletes = true;
	change->sends = true;
	change->condition = writer->wire.condition;
	change->wants_item = wants_item(writer, change, item);
}

/*
 * old is the row as it was read, or NULL. change->sends is false if nothing
 * changes, so that no request is made.
 */
void
ddb_row_change_update(DdbRowWriter *writer, const Datum *keys, char *key,
					  const DdbKeptValue *item, TupleTableSlot *old,
					  Bitmapset *updated, DdbRowChange *change)
{
	DdbItemUpdate *update = &change->update;

	memset(change, 0, sizeof(*change));
	change->key = key;
	change->condition = writer->wire.condition;
	ddb_item_update(writer->items, old, key, keys, updated, update);
	ddb_constraints_check_update(ddb_row_writer_constraints(writer),
								 writer->items, old, key, update);
	/* What was set to what it is needs no request, unless others count. */
	change->sends = update->item != NULL || update->n > 0 ||
					writer->items->relation->optimistic || writer->wire.returns;
	change->wants_item = change->sends && wants_item(writer, change, item);
}

/* ---- what becomes of them ---- */

/*
 * True if nobody knows whether the change was made: an attempt had no answer,
 * and another one was refused, by its condition or for a path that leads
 * nowhere.  The first may have been applied, so that its condition does not
 * hold any more; or somebody else has changed the item.
 */
static bool
is_unknown(const DdbWriteJob *job)
{
	return (job->refused || job->lacks_path) && job->ambiguous;
}

/* Raises the error of an option optimistic whose condition did not hold. */
static void
raise_changed(const DdbRowWriter *writer, const DdbRowChange *change)
{
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("an item of DynamoDB table \"%s\" was changed by "
						   "others since it was read",
						   writer->wire.table_name),
					errdetail("Its key is %s.",
							  pg_any_to_server(change->key, strlen(change->key),
											   PG_UTF8)),
					errhint("Retry the statement.")));
}

/*
 * True if the change was refused, perhaps for nothing but that others have
 * changed what is shown of the item: then it is made anew, of the item as it is.
 */
static bool
starts_over(const DdbRowWriter *writer, DdbRowChange *change)
{
	const DdbWriteJob *job = &change->job;
	const DdbItemNode *now;

	if (change->unchanged == NULL || !job->refused || job->item == NULL)
		return false;
	now = ddb_item_tree_parse(job->item, job->item_len);
	if (now == NULL || ddb_unchanged_holds(change->unchanged, now))
		return false;
	compose_of(writer, change, job->item, job->item_len);
	return true;
}

/* What became of a change that was sent, and is known. */
static void
settle(DdbRowWriter *writer, DdbRowChange *change)
{
	DdbWriteJob *job = &change->job;

	writer->wire.condition = change->condition;
	if (job->lacks_path ||
		(job->refused && ddb_path_update_has_elements(&change->update)))
		ddb_path_update_run(writer->writes, &writer->wire, change->key,
							&change->update, writer->shown, job);
	else if (!job->refused && change->unchanged != NULL)
		job->item =
			ddb_unchanged_after(change->item, &change->update, &job->item_len);
	change->applied = !job->refused;
	if (!change->applied && !is_unknown(job) && job->item != NULL &&
		writer->items->relation->optimistic)
		raise_changed(writer, change);
}

/* The keys, as many as a message can take. */
static char *
describe_keys(const DdbRowWriter *writer, List *keys)
{
	StringInfoData text;
	int n = 0;
	ListCell *lc;

	initStringInfo(&text);
	foreach (lc, keys)
	{
		if (n++ == MAX_TOLD_KEYS)
		{
			appendStringInfo(&text, " and %d others",
							 list_length(keys) - MAX_TOLD_KEYS);
			break;
		}
		appendStringInfo(
			&text, "%s%s", n > 1 ? ", " : "",
			ddb_item_describe_key(writer->items, (const char *) lfirst(lc)));
	}
	return text.data;
}

void
ddb_row_writer_raise_unknown(const DdbRowWriter *writer, List *keys)
{
	char *described = describe_keys(writer, keys);

	ereport(ERROR,
			(errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
			 errmsg_plural("it is not known whether %d item of DynamoDB table "
						   "\"%s\" was written",
						   "it is not known whether %d items of DynamoDB table "
						   "\"%s\" were written",
						   list_length(keys), list_length(keys),
						   writer->wire.table_name),
			 errdetail("A request had no answer, and was refused when it was "
					   "sent again. The first may have been applied, or "
					   "others have changed the item. Keys: %s.",
					   described),
			 errhint("Look at the items before the statement is run again.")));
}

/*
 * Reads the items that changes take, and makes their requests.  Those whose
 * items are gone are done, and not applied.  How many are left.
 */
static int
read_items(DdbRowWriter *writer, DdbRowChange **pending, int n)
{
	DdbWriteJob **jobs = palloc(sizeof(DdbWriteJob *) * Max(n, 1));
	int count = 0;
	int left = 0;

	for (int i = 0; i < n; i++)
	{
		StringInfoData body;

		if (!pending[i]->wants_item)
			continue;
		initStringInfo(&body);
		ddb_write_get(&body, &writer->wire, pending[i]->key);
		jobs[count++] = &pending[i]->job;
		ddb_write_job_init(&pending[i]->job, &writer->wire, DDBC_GET_ITEM,
						   &body, 0);
	}
	ddb_writes_run(writer->writes, jobs, count);
	for (int i = 0; i < n; i++)
	{
		DdbRowChange *change = pending[i];

		change->applied = !change->wants_item || change->job.item != NULL;
		if (change->wants_item && change->applied)
			compose_of(writer, change, change->job.item, change->job.item_len);
		if (change->applied)
			pending[left++] = change;
	}
	return left;
}

/*
 * Sends changes, and sees what becomes of them.  Those that start over come
 * first then; how many they are.
 */
static int
send_changes(DdbRowWriter *writer, DdbRowChange **pending, int n)
{
	DdbWriteJob **jobs = palloc(sizeof(DdbWriteJob *) * Max(n, 1));
	List *unknown = NIL;
	int left = 0;

	for (int i = 0; i < n; i++)
		jobs[i] = &pending[i]->job;
	ddb_writes_run(writer->writes, jobs, n);
	for (int i = 0; i < n; i++)
	{
		DdbRowChange *change = pending[i];

		if (!is_unknown(&change->job) && starts_over(writer, change))
		{
			pending[left++] = change;
			continue;
		}
		if (!is_unknown(&change->job))
			settle(writer, change);
		if (is_unknown(&change->job))
			unknown = lappend(unknown, change->key);
	}
	if (unknown != NIL)
		ddb_row_writer_raise_unknown(writer, unknown);
	return left;
}

/* Changes that need no request count as applied. */
void
ddb_row_writer_apply(DdbRowWriter *writer, DdbRowChange *changes, int n)
{
	DdbRowChange **pending = palloc(sizeof(DdbRowChange *) * Max(n, 1));
	int count = 0;

	if (n > 0)
		ddb_row_writer_begin(writer);
	for (int i = 0; i < n; i++)
	{
		changes[i].applied = true;
		if (changes[i].sends)
			pending[count++] = &changes[i];
	}
	count = read_items(writer, pending, count);
	for (int i = 0; count > 0 && i < DDB_MAX_CHANGE_TRIES; i++)
		count = send_changes(writer, pending, count);
	if (count > 0)
		ddb_path_raise_contended(&writer->wire);
}

void
ddb_row_change_show(const DdbRowWriter *writer, const DdbRowChange *change,
					bool read, TupleTableSlot *slot)
{
	const char *item =
		change->update.item != NULL ? change->update.item : change->job.item;

	if (writer->read_back == NULL || (read && writer->keys_tell))
		return;
	if (item == NULL && writer->keys_tell)
		item = change->key;
	if (item != NULL)
		ddb_read_back_item(writer->read_back, item, slot);
	else if (!read)
		elog(ERROR, "no answer has told the item that was written");
}

/* Never returns. */
void
ddb_row_writer_raise_null_key(const DdbRowWriter *writer, int i)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
		 errmsg("cannot update or delete an item of DynamoDB table \"%s\" "
				"whose key does not fit",
				writer->wire.table_name),
		 errdetail("Column \"%s\" of foreign table %s shows the key as NULL.",
				   writer->items->key_columns[i]->name,
				   writer->items->relation->name)));
}
