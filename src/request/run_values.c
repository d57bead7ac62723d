/* SPDX-License-Identifier: PostgreSQL */
/*
 * run_values.c
 *		Evaluates what the plan could only name.
 */
#include "postgres.h"

#include "request/run_values.h"

#include "catalog/pg_collation.h"
#include "executor/executor.h"
#include "lib/qunique.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* The expression context is the scan node's. */
bool
ddb_values_evaluate(ForeignScanState *node, List *states, int index,
					Datum *value)
{
	bool isnull;

	*value = ExecEvalExpr((ExprState *) list_nth(states, index),
						  node->ss.ps.ps_ExprContext, &isnull);
	return !isnull;
}

DdbSearch *
ddb_values_search(ForeignScanState *node, List *states,
				  const DdbCodecSet *codecs, const DdbCondition *condition)
{
	const DdbColumn *column = &codecs->relation->columns[condition->column - 1];

	if (DDB_CONDITION_IS_DIRECT(condition))
		return NULL;
	return ddb_search_create(
		condition, column->base_typid,
		condition->view < 0 ? NULL
							: (ExprState *) list_nth(states, condition->view),
		node->ss.ps.ps_ExprContext);
}

/* Elements are palloc'd, and may point into the array. */
int
ddb_values_elements(Datum array, Datum **elements, bool **nulls)
{
	ArrayType *list = DatumGetArrayTypeP(array);
	int16 len;
	bool byval;
	char align;
	int n;

	get_typlenbyvalalign(ARR_ELEMTYPE(list), &len, &byval, &align);
	deconstruct_array(list, ARR_ELEMTYPE(list), len, byval, align, elements,
					  nulls, &n);
	return n;
}

static int
compare_values(const void *a, const void *b, void *arg)
{
	return DatumGetInt32(FunctionCall2Coll((FmgrInfo *) arg, C_COLLATION_OID,
										   *(const Datum *) a,
										   *(const Datum *) b));
}

/*
 * Works in place.  Without a comparison function for the type nothing is
 * dropped.
 */
int
ddb_values_unique(Datum *values, int n, Oid typid)
{
	TypeCacheEntry *cache = lookup_type_cache(typid, TYPECACHE_CMP_PROC_FINFO);

	if (n < 2 || !OidIsValid(cache->cmp_proc_finfo.fn_oid))
		return n;
	qsort_arg(values, n, sizeof(Datum), compare_values, &cache->cmp_proc_finfo);
	return (int) qunique_arg(values, n, sizeof(Datum), compare_values,
							 &cache->cmp_proc_finfo);
}
