/* SPDX-License-Identifier: PostgreSQL */
/*
 * change.h
 *		Rows that PostgreSQL found to be updated or deleted.
 */
#ifndef DDB_CHANGE_H
#define DDB_CHANGE_H

#include "postgres.h"

#include "exec/row_writer.h"
#include "nodes/execnodes.h"

typedef struct DdbChange DdbChange;

/* In the current memory context. */
extern DdbChange *ddb_change_create(ModifyTableState *mtstate,
									ResultRelInfo *target, DdbRowWriter *rows);

/*
 * Changes the item of a row: to that of the slot, which is then as it is
 * stored; or deletes it, and the slot becomes what it was.  False when the item
 * is gone, or was updated already.
 */
extern bool ddb_change_row(DdbChange *change, TupleTableSlot *slot,
						   TupleTableSlot *plan_slot);

#endif /* DDB_CHANGE_H */
