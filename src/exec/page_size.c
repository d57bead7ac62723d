/*
 * page_size.c
 *		How many items the next page should hold.
 *
 * LIMIT only sizes pages: reading goes on while rows are asked for, whatever
 * was estimated.  Where every row read is a row given, a page of exactly what
 * is missing is best; behind a filter, what was seen so far says how many
 * items a row takes.  DynamoDB's Limit counts items before any filter.
 */
#include "postgres.h"

#include "exec/scan.h"

#include <math.h>

/* Limit is a 32-bit integer; pages end at 1 MB long before. */
#define MAX_LIMIT PG_INT32_MAX

/* First page behind a filter, as a multiple of the rows wanted. */
#define MAX_FIRST_FACTOR 4.0

/* Read a little more than seems needed: a further request costs more. */
#define MARGIN 1.25

/* Growth when nothing is known: no row passed yet, or the bound is behind. */
#define BLIND_GROWTH 4.0

static int64
clamp_limit(double items)
{
	if (items >= MAX_LIMIT)
		return 0;
	return (int64) Max(1.0, ceil(items));
}

int64
ddb_scan_first_page(const DdbAccessPlan *plan, int64 bound)
{
	double		factor = plan->selectivity > 0 ? 1.0 / plan->selectivity :
		MAX_FIRST_FACTOR;

	return clamp_limit(bound * (plan->filtered ?
								Min(factor, MAX_FIRST_FACTOR) : 1.0));
}

static double
filtered_items(const DdbScanState *state, double missing)
{
	if (state->run_scanned == 0)
		return ddb_scan_first_page(state->plan, state->bound);
	if (state->filter == NULL || state->given == 0)
		return state->last_limit * BLIND_GROWTH;
	return missing * MARGIN * state->run_scanned / state->given;
}

int64
ddb_scan_page_limit(const DdbScanState *state)
{
	double		missing = (double) state->bound - (double) state->given;
	bool		exact = !state->plan->filtered &&
		(!state->recheck || state->ranges.surplus >= 0);

	if (state->bound < 0 || state->plan->operation == DDB_OP_GET_ITEM)
		return 0;
	/* More is wanted than LIMIT says: WITH TIES, or a plan not foreseen. */
	if (missing < 1)
		return clamp_limit(Max(state->last_limit, 10) * BLIND_GROWTH);
	if (exact)
		return clamp_limit(missing + (state->recheck ?
									  state->ranges.surplus : 0));
	return clamp_limit(filtered_items(state, missing));
}
