/* SPDX-License-Identifier: PostgreSQL */
/*
 * update_delete.h
 *		Rows that PostgreSQL found to be updated or deleted.
 */
#ifndef DDB_UPDATE_DELETE_H
#define DDB_UPDATE_DELETE_H

#include "postgres.h"

#include "modify/row_change.h"
#include "nodes/execnodes.h"

typedef struct DdbChange DdbChange;

/*
 * In the current memory context.  kept: attnums that are set to what is made of
 * their old values.
 */
extern DdbChange *ddb_change_create(ModifyTableState *mtstate,
									ResultRelInfo *target, DdbRowWriter *rows,
									const List *kept);

/*
 * Changes the item of a row: to that of the slot, which is then as it is
 * stored; or deletes it, and the slot becomes what it was.  False when the item
 * is gone, or was updated already.
 */
extern bool ddb_change_row(DdbChange *change, TupleTableSlot *slot,
						   TupleTableSlot *plan_slot);

#endif /* DDB_UPDATE_DELETE_H */
