/* SPDX-License-Identifier: PostgreSQL */
/*
 * insert.h
 *		New items of rows, for INSERT and COPY.
 */
#ifndef DDB_INSERT_H
#define DDB_INSERT_H

#include "postgres.h"

#include "modify/row_change.h"

typedef struct DdbInsert DdbInsert;

/* In the current memory context. */
extern DdbInsert *ddb_insert_create(DdbRowWriter *rows, bool ignores_conflicts);

/*
 * Writes up to DDB_WRITE_ROWS rows.  Returns those that became items, and
 * their number in *n; what was completed of them is put into their slots.
 */
extern TupleTableSlot **ddb_insert_rows(DdbInsert *insert, EState *estate,
										ResultRelInfo *target,
										TupleTableSlot **slots, int *n);

/*
 * Keeps a row to be written with others, where nobody looks at rows one by one
 * and a conflict is an error anyway; and writes those that were kept.
 */
extern void ddb_insert_later(DdbInsert *insert, TupleTableSlot *slot);
extern void ddb_insert_flush(DdbInsert *insert);

#endif /* DDB_INSERT_H */
