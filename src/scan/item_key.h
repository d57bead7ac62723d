/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_key.h
 *		Finds the key of an item that a message is about.
 */
#ifndef DDB_ITEM_KEY_H
#define DDB_ITEM_KEY_H

#include "postgres.h"

#include "scan/row.h"

/*
 * Has the reader find keys that its pages lack: the page is asked for once more,
 * with the keys, when an error needs one.
 */
extern void ddb_item_key_serve(DdbRowReader *reader);

#endif /* DDB_ITEM_KEY_H */
