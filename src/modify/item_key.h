/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_key.h
 *		Keys that are composed of a row's columns.
 */
#ifndef DDB_ITEM_KEY_H
#define DDB_ITEM_KEY_H

#include "postgres.h"

#include "modify/item_writer.h"

/*
 * Compose the keys of a new row; and of an old one those of indexes that hang on
 * columns that were set, which are added to *updated.  Values of attributes are
 * cut to what is stored already.
 */
extern void ddb_item_complete_keys(DdbItemWriter *writer);
extern void ddb_item_recompose_keys(DdbItemWriter *writer, const Datum *keys,
									Bitmapset **updated);

/* "(a, b)=(1, 2)", as unique violations are told; key: as JSON. */
extern char *ddb_item_describe_key(const DdbItemWriter *writer,
								   const char *key);

#endif /* DDB_ITEM_KEY_H */
