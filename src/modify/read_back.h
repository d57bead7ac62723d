/* SPDX-License-Identifier: PostgreSQL */
/*
 * read_back.h
 *		Rows of items that were just written, for RETURNING.
 */
#ifndef DDB_READ_BACK_H
#define DDB_READ_BACK_H

#include "postgres.h"

#include "modify/item_writer.h"

typedef struct DdbReadBack DdbReadBack;

/*
 * In the current memory context, with which it ends.  columns: attnums of those
 * that are wanted.
 */
extern DdbReadBack *ddb_read_back_create(const DdbItemWriter *writer,
										 TupleDesc descriptor, List *columns);

/*
 * What a scan would show of the item (JSON): a slot of the reader's own, until
 * the next one is read; NULL: it is no row.
 */
extern const TupleTableSlot *ddb_read_back_row(DdbReadBack *reader,
											   const char *item);

/* Fills the slot with what a scan would show of the item (JSON). */
extern void ddb_read_back_item(DdbReadBack *reader, const char *item,
							   TupleTableSlot *slot);

#endif /* DDB_READ_BACK_H */
