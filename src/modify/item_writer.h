/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_writer.h
 *		Rows of a foreign table → items, and what changes of them.
 *
 * The inverse of row.h.  What a row does not say is composed: keys of
 * templates from their variables, shards by a hash.  Raises an error when what
 * would be stored is no row of the table, or another one than was given.
 */
#ifndef DDB_ITEM_WRITER_H
#define DDB_ITEM_WRITER_H

#include "postgres.h"

#include "codec/codec.h"
#include "codec/key_templates.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "model/table_info.h"
#include "modify/item_keep.h"
#include "request/write_request.h"

/* A description might list as many; DynamoDB has two at most in a table. */
#define DDB_MAX_ITEM_KEYS DDB_MAX_KEY_ATTRIBUTES

/* What one statement needs to know of a table to write it. */
typedef struct DdbItemWriter
{
	DdbRelation *relation;
	DdbTableInfo *info;
	DdbCodecSet *codecs;
	const char *key_names[DDB_MAX_ITEM_KEYS]; /* partition, then sort */
	const DdbColumn *key_columns[DDB_MAX_ITEM_KEYS]; /* NULL: none shows it */
	int nkeys;
	bool plain; /* each column is an attribute of its own */

	/* the row at hand, [attnum - 1] */
	Datum *values;
	bool *nulls;
	Bitmapset *updated; /* attnums that were set; NULL: all */
	Bitmapset *named; /* of an INSERT: attnums that the statement names; where
								 * one of these is NULL, no key is composed */
	bool completed; /* has values that the row was not given */
	const char *own_key; /* of an item that is replaced, as JSON; NULL: a new
						  * item is composed */

	/* of an UPDATE */
	Bitmapset *kept; /* attnums that are set to what is made of their old
					  * values, which are in … */
	TupleTableSlot *old; /* … this row */
	Bitmapset *settled; /* attnums: the whole item, which is set, says that
						 * their values stay */
	DdbKeptValue stored; /* the item that it was read from, if at hand */
	char *(*look)(void *arg, const char *key, int *len); /* the item with that
								 * key, as it is now; NULL: there is none */
	void *look_arg;
} DdbItemWriter;

/* True if the column has a place of its own in items. */
static inline bool
ddb_item_is_stored(const DdbColumn *column)
{
	return column->name != NULL && column->source == 0;
}

/* In the current memory context; resolves the relation's key templates. */
extern DdbItemWriter *ddb_item_writer_create(DdbRelation *relation,
											 DdbTableInfo *info);

/* Takes a row's values, which must live as long as the row is worked on. */
extern void ddb_item_load(DdbItemWriter *writer, TupleTableSlot *slot);

/* Puts what was completed back into the slot, for RETURNING. */
extern void ddb_item_store(const DdbItemWriter *writer, TupleTableSlot *slot);

/*
 * The row as an item, and its key, each as JSON that is appended.  Completes
 * the row.
 */
extern void ddb_item_compose(DdbItemWriter *writer, StringInfo item,
							 StringInfo key);

/* Appends the key of these values, in the order of key_columns, as JSON. */
extern void ddb_item_append_key(const DdbItemWriter *writer, const Datum *keys,
								StringInfo json);

/*
 * What the row at hand changes of the item that it was, when these columns
 * (attnums) were set.  key: the item's, as JSON; keys: the values of key_columns
 * that it had, needed where these or what templates make them of are set.
 */
extern void ddb_item_update(DdbItemWriter *writer, TupleTableSlot *old,
							const char *key, const Datum *keys,
							Bitmapset *updated, DdbItemUpdate *update);

/* True if setting this column may set the table's key. */
extern bool ddb_item_is_key(const DdbItemWriter *writer, AttrNumber column);

/*
 * The item, as JSON, as far as these columns (attnums) show it, after an update
 * of the old row.
 */
extern char *ddb_item_after_update(DdbItemWriter *writer, TupleTableSlot *old,
								   const char *key, const DdbItemUpdate *update,
								   const Bitmapset *columns);

/* Raises the error that the table's key cannot be changed. */
extern void ddb_item_raise_key_change(const DdbItemWriter *writer,
									  const DdbColumn *column)
	__attribute__((noreturn));

/* Raises the error that the row has no value for a part of the table's key. */
extern void ddb_item_raise_missing_key(const DdbItemWriter *writer, int part)
	__attribute__((noreturn));

#endif /* DDB_ITEM_WRITER_H */
