/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_key.h
 *		Keys of items as replies hold them: as they are compared, whether they
 *		were asked for, and whether what a batch leaves was in it.
 */
#ifndef DDB_ITEM_KEY_H
#define DDB_ITEM_KEY_H

#include "postgres.h"

#include "codec/codec.h"
#include "format/attribute.h"
#include "request/key_targets.h"

/*
 * A key's value as DynamoDB compares it, in the current memory context.  False
 * for a value that cannot be a key.
 */
extern bool ddb_item_key_value(const DdbAttributeValue *value,
							   DdbStoredValue *stored);

/* False if DynamoDB would not give an item with this value for this range. */
extern bool ddb_item_key_in_range(const DdbKeyRange *range,
								  const DdbAttributeValue *value);

/*
 * How many keys or writes a batch left undone: left is the raw JSON of
 * UnprocessedKeys or UnprocessedItems, sent that of the RequestItems, or the
 * request that has them.  Raises an error about the reply if one of them was
 * not sent.
 */
extern int ddb_item_key_count_left(const char *sent, int sent_len,
								   const char *left, int left_len,
								   const DdbKeySchema *keys,
								   const char *table_name);

#endif /* DDB_ITEM_KEY_H */
