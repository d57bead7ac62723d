/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_identity.h
 *		Which item is it?  Keys of items in a form that can be compared, which
 *		of them a scan has met, and keys as messages tell them.
 */
#ifndef DDB_ITEM_IDENTITY_H
#define DDB_ITEM_IDENTITY_H

#include "postgres.h"

#include "request/key_targets.h"
#include "scan/row.h"

typedef struct DdbIdentity
{
	char *key; /* the table's key: types, lengths, canonical bytes */
	int key_len;
	uint32 hash; /* of the key */
	char *position; /* the same of where an index lists the item */
	int position_len;
} DdbIdentity;

/*
 * That of the item whose notes begin there, read by a plan that has one.
 * target, unless NULL, becomes the item's whole key, to be asked for.  Raises
 * an error about the reply when the item lacks its key.  In the current memory
 * context.
 */
extern void ddb_identity_read(const DdbRowReader *reader, const DdbPage *page,
							  int note, DdbIdentity *identity,
							  DdbTarget *target);

extern bool ddb_identity_same_item(const DdbIdentity *a, const DdbIdentity *b);
extern bool ddb_identity_same_position(const DdbIdentity *a,
									   const DdbIdentity *b);

/*
 * The items that a scan has met of late: at least as many of the last ones as
 * take so many bytes.
 */
typedef struct DdbSeen DdbSeen;

extern DdbSeen *ddb_seen_create(MemoryContext context, Size bytes);

extern bool ddb_seen_has(const DdbSeen *seen, const DdbIdentity *identity);

/* Adds the item; false when it was there. */
extern bool ddb_seen_add(DdbSeen *seen, const DdbIdentity *identity);

/*
 * Has the reader find keys that its pages lack: the page is asked for once more,
 * with the keys, when an error needs one.
 */
extern void ddb_identity_serve_messages(DdbRowReader *reader);

#endif /* DDB_ITEM_IDENTITY_H */
