/* SPDX-License-Identifier: PostgreSQL */
/*
 * stored_rows.h
 *		Rows of a tuplestore, or of memory, in the slot of who gives them.
 */
#ifndef DDB_STORED_ROWS_H
#define DDB_STORED_ROWS_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/tuplestore.h"

/*
 * A tuplestore's next row, into a virtual slot; false, and an empty slot, at its
 * end.  kept, of minimal tuples, holds what the slot points to.
 */
extern bool ddb_stored_next(Tuplestorestate *rows, TupleTableSlot *kept,
							TupleTableSlot *slot);

/* The same of a row that stays where it is. */
extern void ddb_stored_show(MinimalTuple row, TupleTableSlot *kept,
							TupleTableSlot *slot);

#endif /* DDB_STORED_ROWS_H */
