/* SPDX-License-Identifier: PostgreSQL */
/*
 * batch_keys.h
 *		The keys of a batched join, and the rows that were found by them.
 *
 * A key is one combination of values that the join compares by equality.  It
 * is looked up by those, and by ranges, where the join compares the table's
 * sort key otherwise: a key may have several.  Keys that the join calls equal
 * may differ in their bytes (1.0 and 1.00): each is an entry of its own, and
 * a row belongs to all of them.
 */
#ifndef DDB_BATCH_KEYS_H
#define DDB_BATCH_KEYS_H

#include "postgres.h"

#include "access/htup.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "nodes/execnodes.h"

/* A row that a key found; rows are shared by keys that are equal. */
typedef struct DdbFoundRow
{
	struct DdbFoundRow *next;
	MinimalTuple tuple;
} DdbFoundRow;

typedef struct DdbKeyRanges
{
	struct DdbKeyRanges *next;
	Datum values[FLEXIBLE_ARRAY_MEMBER];
} DdbKeyRanges;

typedef struct DdbBatchKey
{
	struct DdbBatchKey *next; /* in its bucket */
	uint32 hash;
	uint32 generation; /* its rows are there while it is the table's; 0: not
								 * looked up */
	bool wanted; /* being looked up */
	uint64 batch; /* the last whose outer rows have it; the join's own */
	DdbKeyRanges *ranges; /* of this batch; NULL: by equality alone */
	DdbFoundRow *rows;
	Datum values[FLEXIBLE_ARRAY_MEMBER];
} DdbBatchKey;

/* How values of one place in a key are hashed, compared and copied. */
typedef struct DdbKeyColumn
{
	ExprState *value; /* of the outer row */
	FmgrInfo hash; /* NULL function: a range */
	FmgrInfo inner_hash;
	FmgrInfo equal;
	bool inner_left; /* the operator has the inner column on its left */
	AttrNumber inner_column; /* of the inner child's rows; 0: … */
	ExprState *inner_value; /* … what this makes of them */
	Oid collation;
	bool byval;
	int16 len;
} DdbKeyColumn;

typedef struct DdbBatchKeys
{
	DdbKeyColumn *columns; /* compared by equality … */
	int ncolumns;
	DdbKeyColumn *ranges; /* … and otherwise */
	int nranges;
	ExprContext *inner_context; /* of inner rows */
	Datum *scratch; /* of the row that is looked at */
	MemoryContext key_context; /* entries */
	MemoryContext row_context; /* rows found */
	DdbBatchKey **buckets;
	uint32 nbuckets; /* a power of two */
	uint32 nkeys;
	uint32 generation; /* rows of older ones are gone */
	Size key_bytes;
	Size row_bytes;
} DdbBatchKeys;

/*
 * hash_clauses: operators with an outer side and an inner column, as the
 * executor sees them; of the joined row, the inner child's columns come after
 * the first outer_columns.  Lives in the current memory context.
 */
extern DdbBatchKeys *ddb_batch_keys_create(PlanState *parent,
										   List *hash_clauses, List *ranges,
										   int outer_columns);

/*
 * The key of the outer row in the expression context, new or known; NULL when
 * a value is NULL, so that nothing can match.
 */
extern DdbBatchKey *ddb_batch_keys_enter(DdbBatchKeys *keys,
										 ExprContext *econtext);

/* Gives a row of the inner side to each wanted key that it belongs to. */
extern void ddb_batch_keys_add_row(DdbBatchKeys *keys, TupleTableSlot *slot);

/* True if the key's rows have been fetched, and not been forgotten since. */
extern bool ddb_batch_key_is_fetched(const DdbBatchKeys *keys,
									 const DdbBatchKey *key);

/* Forgets all rows; keys stay. */
extern void ddb_batch_keys_forget_rows(DdbBatchKeys *keys);

/* Forgets all keys as well. */
extern void ddb_batch_keys_reset(DdbBatchKeys *keys);

#endif /* DDB_BATCH_KEYS_H */
