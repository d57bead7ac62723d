/* SPDX-License-Identifier: PostgreSQL */
/*
 * batch_keys.c
 *		A hash table of keys, found by outer rows and by inner rows.
 *
 * Outer values find their key by the same bytes, so that a key is asked for as
 * it was given; inner values find theirs by the join's own operators, whose
 * types may differ from side to side.
 */
#include "postgres.h"

#include "join/batch_keys.h"

#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "port/pg_bitutils.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define FIRST_BUCKETS 1024

/* What a chunk takes besides what was asked for. */
#define CHUNK_BYTES 16

/* Prepares an expression, and remembers how values of its type are copied. */
static void
init_value(PlanState *parent, Expr *expr, DdbKeyColumn *column)
{
	column->value = ExecInitExpr(expr, parent);
	get_typlenbyval(exprType((Node *) expr), &column->len, &column->byval);
}

/* The inner side's column, if this argument is one. */
static AttrNumber
inner_column(Node *argument, int outer_columns)
{
	while (IsA(argument, RelabelType))
		argument = (Node *) ((RelabelType *) argument)->arg;
	if (!IsA(argument, Var) || ((Var *) argument)->varattno <= outer_columns)
		return 0;
	return ((Var *) argument)->varattno - outer_columns;
}

/* True if the argument is made of the inner side's columns. */
static bool
is_inner(Node *argument, int outer_columns)
{
	List *vars = pull_var_clause(argument, 0);
	bool inner = vars != NIL;
	ListCell *lc;

	foreach (lc, vars)
		inner &= ((Var *) lfirst(lc))->varattno > outer_columns;
	return inner;
}

/* A mutator: the same expression of a row of the inner child. */
static Node *
of_inner_row(Node *node, void *outer_columns)
{
	if (node != NULL && IsA(node, Var))
	{
		Var *var = copyObject((Var *) node);

		var->varno = INNER_VAR;
		var->varattno -= *(int *) outer_columns;
		return (Node *) var;
	}
	return expression_tree_mutator(node, of_inner_row, outer_columns);
}

/* Prepares the inner side: a column of the child's rows, or what is made of it. */
static void
init_inner(Node *argument, int outer_columns, DdbKeyColumn *column)
{
	column->inner_column = inner_column(argument, outer_columns);
	if (column->inner_column == 0)
		column->inner_value =
			ExecInitExpr((Expr *) of_inner_row(argument, &outer_columns), NULL);
}

/*
 * Prepares one equality of the join: the inner side, the outer value, and the
 * functions that compare and hash both.  An operator that cannot hash is an
 * internal error, as the planner chose only those that can.
 */
static void
init_column(PlanState *parent, OpExpr *clause, int outer_columns,
			DdbKeyColumn *column)
{
	RegProcedure left_hash;
	RegProcedure right_hash;
	Node *inner = linitial(clause->args);
	Node *outer = lsecond(clause->args);

	column->inner_left = is_inner(inner, outer_columns);
	if (!column->inner_left)
	{
		inner = lsecond(clause->args);
		outer = linitial(clause->args);
	}
	if (!is_inner(inner, outer_columns) ||
		!get_op_hash_functions(clause->opno, &left_hash, &right_hash))
		elog(ERROR, "operator %u does not match rows of a batched join",
			 clause->opno);
	init_inner(inner, outer_columns, column);
	init_value(parent, (Expr *) outer, column);
	column->collation = clause->inputcollid;
	fmgr_info(get_opcode(clause->opno), &column->equal);
	fmgr_info(column->inner_left ? right_hash : left_hash, &column->hash);
	fmgr_info(column->inner_left ? left_hash : right_hash, &column->inner_hash);
}

/*
 * Keys and the rows found live in contexts of their own, so that rows can be
 * dropped and keys kept.
 */
DdbBatchKeys *
ddb_batch_keys_create(PlanState *parent, List *hash_clauses, List *ranges,
					  int outer_columns)
{
	DdbBatchKeys *keys = palloc0(sizeof(DdbBatchKeys));
	ListCell *lc;

	keys->columns =
		palloc0(sizeof(DdbKeyColumn) * Max(list_length(hash_clauses), 1));
	foreach (lc, hash_clauses)
		init_column(parent, (OpExpr *) lfirst(lc), outer_columns,
					&keys->columns[keys->ncolumns++]);
	keys->ranges = palloc0(sizeof(DdbKeyColumn) * Max(list_length(ranges), 1));
	foreach (lc, ranges)
		init_value(parent, (Expr *) lfirst(lc), &keys->ranges[keys->nranges++]);
	keys->inner_context = CreateExprContext(parent->state);
	keys->scratch = palloc(sizeof(Datum) * (keys->ncolumns + keys->nranges));
	keys->key_context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw join keys", ALLOCSET_DEFAULT_SIZES);
	keys->row_context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw join rows", ALLOCSET_DEFAULT_SIZES);
	ddb_batch_keys_reset(keys);
	return keys;
}

bool
ddb_batch_key_is_fetched(const DdbBatchKeys *keys, const DdbBatchKey *key)
{
	return key->generation == keys->generation;
}

void
ddb_batch_keys_forget_rows(DdbBatchKeys *keys)
{
	MemoryContextReset(keys->row_context);
	keys->row_bytes = 0;
	keys->generation++;
}

/* Starts with few buckets again. */
void
ddb_batch_keys_reset(DdbBatchKeys *keys)
{
	ddb_batch_keys_forget_rows(keys);
	MemoryContextReset(keys->key_context);
	keys->nbuckets = FIRST_BUCKETS;
	keys->buckets = MemoryContextAllocZero(
		keys->key_context, sizeof(DdbBatchKey *) * FIRST_BUCKETS);
	keys->nkeys = 0;
	keys->key_bytes = 0;
}

/* Doubles the number of buckets.  Keys keep their place in memory. */
static void
grow(DdbBatchKeys *keys)
{
	uint32 n = keys->nbuckets * 2;
	DdbBatchKey **buckets =
		MemoryContextAllocExtended(keys->key_context, sizeof(DdbBatchKey *) * n,
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (uint32 i = 0; i < keys->nbuckets; i++)
	{
		DdbBatchKey *key = keys->buckets[i];

		while (key != NULL)
		{
			DdbBatchKey *next = key->next;

			key->next = buckets[key->hash & (n - 1)];
			buckets[key->hash & (n - 1)] = key;
			key = next;
		}
	}
	pfree(keys->buckets);
	keys->buckets = buckets;
	keys->nbuckets = n;
}

static uint32
add_hash(uint32 hash, FmgrInfo *function, Oid collation, Datum value)
{
	return pg_rotate_left32(hash, 1) ^
		   DatumGetUInt32(FunctionCall1Coll(function, collation, value));
}

/* Evaluates the values of a row, detoasted.  False when one is NULL. */
static bool
evaluate(const DdbKeyColumn *columns, int n, ExprContext *econtext,
		 Datum *values)
{
	for (int i = 0; i < n; i++)
	{
		bool isnull;

		values[i] =
			ExecEvalExprSwitchContext(columns[i].value, econtext, &isnull);
		if (isnull)
			return false;
		/* So that they are taken apart once, not at every comparison. */
		if (columns[i].len == -1)
		{
			MemoryContext old =
				MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);

			values[i] = PointerGetDatum(PG_DETOAST_DATUM(values[i]));
			MemoryContextSwitchTo(old);
		}
	}
	return true;
}

/* True if all values are equal byte by byte. */
static bool
same_bytes(const DdbKeyColumn *columns, int n, const Datum *a, const Datum *b)
{
	for (int i = 0; i < n; i++)
		if (!datum_image_eq(a[i], b[i], columns[i].byval, columns[i].len))
			return false;
	return true;
}

/*
 * Copies the values into the keys' context and adds their size to what is
 * counted against work_mem.
 */
static void
copy_values(DdbBatchKeys *keys, const DdbKeyColumn *columns, int n,
			const Datum *from, Datum *to)
{
	MemoryContext old = MemoryContextSwitchTo(keys->key_context);

	for (int i = 0; i < n; i++)
	{
		to[i] = datumCopy(from[i], columns[i].byval, columns[i].len);
		if (!columns[i].byval)
			keys->key_bytes +=
				datumGetSize(to[i], columns[i].byval, columns[i].len) +
				CHUNK_BYTES;
	}
	MemoryContextSwitchTo(old);
}

/*
 * The known key with these values, NULL if it is new.  Compares bytes: keys
 * that differ only in form are looked up twice, which does no harm.
 */
static DdbBatchKey *
find_key(DdbBatchKeys *keys, uint32 hash, const Datum *values)
{
	DdbBatchKey *key = keys->buckets[hash & (keys->nbuckets - 1)];

	while (key != NULL &&
		   (key->hash != hash ||
			!same_bytes(keys->columns, keys->ncolumns, key->values, values)))
		key = key->next;
	return key;
}

/* Adds a key that is not known yet.  The values are copied. */
static DdbBatchKey *
add_key(DdbBatchKeys *keys, uint32 hash, const Datum *values)
{
	Size size = offsetof(DdbBatchKey, values) + sizeof(Datum) * keys->ncolumns;
	DdbBatchKey *key = MemoryContextAllocZero(keys->key_context, size);
	DdbBatchKey **bucket;

	if (keys->nkeys >= keys->nbuckets)
		grow(keys);
	bucket = &keys->buckets[hash & (keys->nbuckets - 1)];
	key->hash = hash;
	copy_values(keys, keys->columns, keys->ncolumns, values, key->values);
	key->next = *bucket;
	*bucket = key;
	keys->nkeys++;
	keys->key_bytes += size + CHUNK_BYTES + sizeof(*bucket);
	return key;
}

/*
 * Adds the row's ranges to its key.  Rows in order often repeat them, which is
 * noticed; others do no harm twice.
 */
static void
add_ranges(DdbBatchKeys *keys, DdbBatchKey *key, const Datum *values)
{
	Size size = offsetof(DdbKeyRanges, values) + sizeof(Datum) * keys->nranges;
	DdbKeyRanges *ranges;

	if (key->ranges != NULL &&
		same_bytes(keys->ranges, keys->nranges, key->ranges->values, values))
		return;
	ranges = MemoryContextAlloc(keys->key_context, size);
	copy_values(keys, keys->ranges, keys->nranges, values, ranges->values);
	ranges->next = key->ranges;
	key->ranges = ranges;
	keys->key_bytes += size + CHUNK_BYTES;
}

/* Sort-key ranges of the row are added to its key. */
DdbBatchKey *
ddb_batch_keys_enter(DdbBatchKeys *keys, ExprContext *econtext)
{
	Datum *values = keys->scratch;
	Datum *ranges = &keys->scratch[keys->ncolumns];
	uint32 hash = 0;
	DdbBatchKey *key;

	if (!evaluate(keys->columns, keys->ncolumns, econtext, values) ||
		!evaluate(keys->ranges, keys->nranges, econtext, ranges))
		return NULL;
	for (int i = 0; i < keys->ncolumns; i++)
		hash = add_hash(hash, &keys->columns[i].hash,
						keys->columns[i].collation, values[i]);
	key = find_key(keys, hash, values);
	if (key == NULL)
		key = add_key(keys, hash, values);
	if (keys->nranges > 0)
		add_ranges(keys, key, ranges);
	return key;
}

/*
 * True if these values of an inner row are equal to the key's, by the
 * operators of the join.
 */
static bool
matches(DdbBatchKeys *keys, const DdbBatchKey *key, const Datum *values)
{
	for (int i = 0; i < keys->ncolumns; i++)
	{
		DdbKeyColumn *column = &keys->columns[i];
		Datum left = column->inner_left ? values[i] : key->values[i];
		Datum right = column->inner_left ? key->values[i] : values[i];

		if (!DatumGetBool(FunctionCall2Coll(&column->equal, column->collation,
											left, right)))
			return false;
	}
	return true;
}

/*
 * Adds the row to the key's list. *tuple is the copy that all keys of this row
 * share, made when it is first needed.
 */
static void
give_row(DdbBatchKeys *keys, DdbBatchKey *key, TupleTableSlot *slot,
		 MinimalTuple *tuple)
{
	DdbFoundRow *row =
		MemoryContextAlloc(keys->row_context, sizeof(DdbFoundRow));

	if (*tuple == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(keys->row_context);

		*tuple = ExecCopySlotMinimalTuple(slot);
		MemoryContextSwitchTo(old);
		keys->row_bytes += (*tuple)->t_len + CHUNK_BYTES;
	}
	keys->row_bytes += sizeof(DdbFoundRow) + CHUNK_BYTES;
	row->tuple = *tuple;
	row->next = key->rows;
	key->rows = row;
}

/* The inner side's value in a row of the inner child. */
static Datum
inner_value(const DdbBatchKeys *keys, const DdbKeyColumn *column,
			TupleTableSlot *slot, bool *isnull)
{
	if (column->inner_value == NULL)
		return slot_getattr(slot, column->inner_column, isnull);
	keys->inner_context->ecxt_innertuple = slot;
	return ExecEvalExprSwitchContext(column->inner_value, keys->inner_context,
									 isnull);
}

/*
 * A row with NULL in a join column belongs to no key.  Rows of keys that are
 * not wanted are ignored.
 */
void
ddb_batch_keys_add_row(DdbBatchKeys *keys, TupleTableSlot *slot)
{
	Datum *values = keys->scratch;
	MinimalTuple tuple = NULL;
	uint32 hash = 0;
	DdbBatchKey *key;

	ResetExprContext(keys->inner_context);
	for (int i = 0; i < keys->ncolumns; i++)
	{
		DdbKeyColumn *column = &keys->columns[i];
		bool isnull;

		values[i] = inner_value(keys, column, slot, &isnull);
		if (isnull)
			return;
		hash =
			add_hash(hash, &column->inner_hash, column->collation, values[i]);
	}
	for (key = keys->buckets[hash & (keys->nbuckets - 1)]; key != NULL;
		 key = key->next)
		if (key->wanted && key->hash == hash && matches(keys, key, values))
			give_row(keys, key, slot, &tuple);
}
