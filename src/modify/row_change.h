/* SPDX-License-Identifier: PostgreSQL */
/*
 * row_change.h
 *		What writing rows of one table takes, whoever found them: conditional
 *		requests, and what becomes of them.
 */
#ifndef DDB_ROW_CHANGE_H
#define DDB_ROW_CHANGE_H

#include "postgres.h"

#include "modify/constraint.h"
#include "modify/item_writer.h"
#include "modify/read_back.h"
#include "modify/unchanged.h"
#include "modify/write_queue.h"
#include "nodes/execnodes.h"
#include "request/write_request.h"

typedef struct DdbRowWriter
{
	DdbItemWriter *items;
	DdbWrites *writes;
	DdbWriteTarget wire;
	List *shown; /* attributes (char *) that must be unchanged when an item is
								 * written, since nothing comes back of it; NIL:
								 * none */
	DdbReadBack *read_back; /* what was stored, to be shown; NULL: the row
								 * says it all */
	bool keys_tell; /* all that is shown */
	EState *estate;
	ResultRelInfo *target;
	DdbConstraints *constraints; /* NULL: not looked for yet */
	struct HTAB *met; /* items that were updated; NULL: not kept */
	bool shares; /* other parts of the statement write such items, too */
	bool begun; /* something was written */
} DdbRowWriter;

/* One UPDATE or DELETE of a row; what it says lives as long as the row. */
typedef struct DdbRowChange
{
	DdbWriteJob job;
	char *key; /* the item's, as JSON */
	DdbItemUpdate update; /* empty of a DELETE */
	const DdbWriteCondition *condition; /* on which it is made; NULL: none */
	DdbItemNode *item; /* what is known of it; NULL: nothing, or nothing need */
	DdbUnchanged *unchanged; /* what must be as it is there; NULL: nothing */
	bool deletes;
	bool wants_item; /* nobody has read it, as is to be done first */
	bool sends; /* it takes a request */
	bool applied; /* the item was there, or nothing was to be done */
} DdbRowChange;

/*
 * In the query's memory context, with which requests under way end.  Raises an
 * error when options ask for what is not done.  shown: columns (attnums) that
 * RETURNING or triggers look at afterwards.  changes: rows of items that are
 * there already.
 */
extern DdbRowWriter *ddb_row_writer_create(EState *estate,
										   ResultRelInfo *target, List *shown,
										   bool changes);

/* Views' WITH CHECK OPTION: what is written cannot be taken back. */
extern void ddb_row_writer_check_view(EState *estate, ResultRelInfo *target,
									  TupleTableSlot *slot);

/* What new rows must meet; raises an error where an item that is new does not. */
extern DdbConstraints *ddb_row_writer_constraints(DdbRowWriter *writer);
extern void ddb_row_writer_check_item(DdbRowWriter *writer, const char *item,
									  const char *key);

/*
 * True if an UPDATE's rows have met this item (its key as JSON) before.  As in
 * local tables each is updated once, by the first row.
 */
extern bool ddb_row_writer_met(DdbRowWriter *writer, const char *key);

/* To be called before each write: what must be read before it is. */
extern void ddb_row_writer_begin(DdbRowWriter *writer);

/*
 * Makes a change of the item with that key; of an update, from the row's values
 * as they are to be (in writer->items) and as they were.  item: what was read
 * of it, with all attributes that are shown; NULL: that is not at hand.
 */
extern void ddb_row_change_delete(DdbRowWriter *writer, char *key,
								  const DdbKeptValue *item,
								  DdbRowChange *change);
extern void ddb_row_change_update(DdbRowWriter *writer, const Datum *keys,
								  char *key, const DdbKeptValue *item,
								  TupleTableSlot *old, Bitmapset *updated,
								  DdbRowChange *change);

/* Sends the changes, several at once, and sees what becomes of them. */
extern void ddb_row_writer_apply(DdbRowWriter *writer, DdbRowChange *changes,
								 int n);

/*
 * The row that an update has written or a delete removed, into the slot.  read:
 * the slot holds it as it was read, or as it was to be written.
 */
extern void ddb_row_change_show(const DdbRowWriter *writer,
								const DdbRowChange *change, bool read,
								TupleTableSlot *slot);

/*
 * Raises the error (08007) of writes of which nobody knows whether they were
 * applied; keys: of char *, their items'.
 */
extern void ddb_row_writer_raise_unknown(const DdbRowWriter *writer, List *keys)
	__attribute__((noreturn));

/* Raises the error that a row's i-th key part does not say which item it is. */
extern void ddb_row_writer_raise_null_key(const DdbRowWriter *writer, int i)
	__attribute__((noreturn));

#endif /* DDB_ROW_CHANGE_H */
