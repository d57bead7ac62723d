/*
 * values.c
 *		Evaluates what the plan could only name.
 */
#include "postgres.h"

#include "exec/values.h"

#include "executor/executor.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

bool
ddb_values_evaluate(ForeignScanState *node, List *states, int index,
					Datum *value)
{
	bool isnull;

	*value = ExecEvalExpr((ExprState *) list_nth(states, index),
						  node->ss.ps.ps_ExprContext, &isnull);
	return !isnull;
}

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
