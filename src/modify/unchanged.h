/* SPDX-License-Identifier: PostgreSQL */
/*
 * unchanged.h
 *		Items that are written only if what is shown of them is what was read.
 *
 * Where nothing comes back from a write (DdbWriteTarget's exactly_once), what
 * it left is known of what was there before, provided that nobody else has
 * changed that meanwhile.
 */
#ifndef DDB_UNCHANGED_H
#define DDB_UNCHANGED_H

#include "postgres.h"

#include "model/table_info.h"
#include "modify/item_tree.h"
#include "request/write_request.h"

/* Attributes with the values that an item had; in the context it is made in. */
typedef struct DdbUnchanged DdbUnchanged;

/*
 * The attributes (char *) besides the table's key that these columns (attnums)
 * are read from.  Raises an error where that cannot be said.
 */
extern List *ddb_unchanged_attributes(DdbRelation *relation,
									  const DdbKeySchema *keys, List *columns);

/*
 * True if an update tells all of these attributes by itself, so that nothing
 * need be known of the item but its key.
 */
extern bool ddb_unchanged_is_told(List *attributes,
								  const DdbItemUpdate *update);

/* What the item has of these attributes, but those that the update tells. */
extern DdbUnchanged *ddb_unchanged_note(List *attributes,
										const DdbItemUpdate *update,
										const DdbItemNode *item);

/* That they are unchanged, and besides what may be NULL. */
extern const DdbWriteCondition *
ddb_unchanged_condition(const DdbUnchanged *unchanged,
						const DdbWriteCondition *besides);

extern bool ddb_unchanged_holds(const DdbUnchanged *unchanged,
								const DdbItemNode *item);

/* The item, as JSON, after an update; it is changed for that. */
extern char *ddb_unchanged_after(DdbItemNode *item, const DdbItemUpdate *update,
								 int *len);

#endif /* DDB_UNCHANGED_H */
