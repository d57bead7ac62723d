/* SPDX-License-Identifier: PostgreSQL */
/*
 * reply_shape.h
 *		What replies of every operation have, and the error for one that is none.
 */
#ifndef DDB_REPLY_SHAPE_H
#define DDB_REPLY_SHAPE_H

#include "postgres.h"

#include "format/json_reader.h"

/*
 * Consumes the value of ConsumedCapacity: the units, of all tables.  Of batches
 * and transactions it is a list, one element a table.  Adds to *read_units,
 * unless it is NULL, those that are told apart as read units.
 */
extern double ddb_reply_read_capacity(DdbJsonReader *json, double *read_units);

/* Raises the error for a reply that is not as documented. */
extern void ddb_reply_raise_malformed(const char *table_name, const char *what)
	__attribute__((noreturn));

#endif /* DDB_REPLY_SHAPE_H */
