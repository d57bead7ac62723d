/* SPDX-License-Identifier: PostgreSQL */
/*
 * promises.h
 *		Whether a sample keeps what the declaration promises of all items.
 */
#ifndef DDB_PROMISES_H
#define DDB_PROMISES_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "model/table_info.h"

/*
 * Warns of each column that is declared NOT NULL, and each index that is
 * declared complete, of which a row of the sample is the contrary.
 */
extern void ddb_promises_check(DdbRelation *relation, const DdbTableInfo *info,
							   TupleDesc descriptor, HeapTuple *rows, int n);

#endif /* DDB_PROMISES_H */
