/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_diff.h
 *		What an UPDATE changes of an item, and what it leaves as it is.
 */
#ifndef DDB_ITEM_DIFF_H
#define DDB_ITEM_DIFF_H

#include "postgres.h"

#include "modify/item_keep.h"
#include "modify/item_tree.h"
#include "modify/item_writer.h"

/*
 * Those of the columns that are to be written.  What a column shows does not
 * tell all that is stored: so what it showed before is not written again.
 */
extern Bitmapset *ddb_item_changed_columns(const DdbItemWriter *writer,
										   const Bitmapset *updated);

/*
 * Adds what changes of a value.  What is stored of it is filled in here, and
 * looked up if need be: the key is that of the item.
 */
extern void ddb_item_assign_value(DdbItemWriter *writer, const char *key,
								  DdbKeptChange *change, DdbItemUpdate *update);

/*
 * For a column that shows all of the item, and is set: other columns are to be
 * as the new item says, but where it says what the old one said.  Gives the old
 * one, as the column would store it.
 */
extern DdbItemNode *ddb_item_begin_item(DdbItemWriter *writer,
										const DdbColumn *column,
										const Bitmapset *updated);

/* What it takes to make that into this item, which was composed. */
extern void ddb_item_assign_item(DdbItemWriter *writer, const char *key,
								 DdbItemNode *old, StringInfo item,
								 DdbItemUpdate *update);

/* Sets parts of a document or an array; false where it is set as a whole. */
extern bool ddb_item_assign_parts(DdbItemWriter *writer, const char *key,
								  const DdbColumn *column,
								  DdbItemUpdate *update);

#endif /* DDB_ITEM_DIFF_H */
