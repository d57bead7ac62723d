/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_tree.h
 *		An item being put together, attribute by attribute and path by path.
 *
 * Values are JSON texts of attribute values, taken apart only where a path
 * leads into them.  Everything is UTF-8 and lives in the memory context that
 * is current when it is made.
 */
#ifndef DDB_ITEM_TREE_H
#define DDB_ITEM_TREE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "model/document_path.h"

typedef struct DdbItemNode DdbItemNode;

/* An item without attributes. */
extern DdbItemNode *ddb_item_tree_create(void);

/* An item of its JSON, {"name": value, …}; NULL when it is not well-formed. */
extern DdbItemNode *ddb_item_tree_parse(const char *json, int len);

/*
 * Sets what the path behind an attribute leads to (the attribute itself, when
 * it has no steps), making the maps and lists on the way; what a list lacks
 * before the element becomes NULL.  value NULL: removes it, if it is there.
 * False when the path leads into a value that has nothing of the kind inside.
 */
extern bool ddb_item_tree_set(DdbItemNode *root, const char *attribute,
							  const DdbPathStep *steps, int nsteps,
							  const char *value, int value_len);

/* The attribute's value as JSON; NULL when it is not there. */
extern char *ddb_item_tree_get(const DdbItemNode *root, const char *attribute,
							   int *value_len);

/* Appends all attributes, as {"name": value, …}. */
extern void ddb_item_tree_write(const DdbItemNode *root, StringInfo json);

#endif /* DDB_ITEM_TREE_H */
