/* SPDX-License-Identifier: PostgreSQL */
/*
 * written_items.h
 *		Which items were written before, told by their keys.
 */
#ifndef DDB_WRITTEN_ITEMS_H
#define DDB_WRITTEN_ITEMS_H

#include "postgres.h"

#include "model/relation.h"
#include "nodes/execnodes.h"

struct HTAB;

/* An empty set, in the current memory context. */
extern struct HTAB *ddb_written_items_create(void);

/*
 * The set of the relation's items that all parts of the statement share which
 * write its DynamoDB table; NULL where it is written in one place only.
 */
extern struct HTAB *ddb_written_items_shared(EState *estate,
											 const DdbRelation *relation);

/* Adds an item by its key, as JSON; true if it was there before. */
extern bool ddb_written_items_add(struct HTAB *items, const char *key);

#endif /* DDB_WRITTEN_ITEMS_H */
