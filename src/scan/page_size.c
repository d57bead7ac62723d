/* SPDX-License-Identifier: PostgreSQL */
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

#include "scan/scan.h"
#include "scan/skip_scan.h"

#include <math.h>

/* Limit is a 32-bit integer; pages end at 1 MB long before. */
#define MAX_LIMIT PG_INT32_MAX

/* First page behind a filter, as a multiple of the rows wanted. */
#define MAX_FIRST_FACTOR 4.0

/* Read a little more than seems needed: a further request costs more. */
#define MARGIN 1.25

/* Growth when nothing is known: no row passed yet, or the bound is behind. */
#define BLIND_GROWTH 4.0

/* The first pages of all streams of a merge are in memory together. */
#define MERGE_BYTES (16.0 * 1024 * 1024)

static int64
clamp_limit(double items)
{
	if (items >= MAX_LIMIT)
		return 0;
	return (int64) Max(1.0, ceil(items));
}

/* Behind a filter. */
static int64
first_filtered(const DdbAccessPlan *plan, double bound)
{
	double factor = plan->estimate.selectivity > 0
						? 1.0 / plan->estimate.selectivity
						: MAX_FIRST_FACTOR;

	/* Up to a whole read unit items cost nothing more. */
	return clamp_limit(Max(bound * Min(Max(factor, 1.0), MAX_FIRST_FACTOR),
						   DDB_UNIT_BYTES / Max(plan->estimate.item_bytes, 1)));
}

int64
ddb_scan_first_page(const DdbAccessPlan *plan, int64 bound)
{
	return ddb_access_plan_is_filtered(plan) ? first_filtered(plan, bound)
											 : clamp_limit(bound);
}

/*
 * How many items to ask for so that the missing rows are among them.
 * Estimated by what was seen so far, with a margin.
 */
static double
filtered_items(const DdbScanState *state, const DdbStream *stream,
			   double missing)
{
	if (stream->scanned == 0)
		return first_filtered(state->plan, missing);
	if ((state->plan->filter.is_local && state->filter == NULL) ||
		stream->given == 0)
		return stream->last_limit * BLIND_GROWTH;
	return missing * MARGIN * stream->scanned / stream->given;
}

/* Merged streams share memory, so that their pages cannot all be full. */
static int64
merge_limit(const DdbScanState *state, int64 limit)
{
	double share;
	double item_bytes =
		Max(state->plan->estimate.item_bytes, state->largest_item);

	if (state->heap == NULL)
		return limit;
	share = MERGE_BYTES / state->merged;
	if (share >= DDB_PAGE_BYTES)
		return limit;
	share = Max(1.0, floor(share / Max(item_bytes, 1)));
	return limit == 0 ? (int64) share : Min(limit, (int64) share);
}

/*
 * Sets nothing.  A Limit counts items before the filter, so behind one it is
 * only a guess.
 */
int64
ddb_scan_page_limit(const DdbScanState *state, const DdbStream *stream)
{
	int per_key = state->rows_per_key;
	double missing = per_key > 0
						 ? (double) per_key - stream->given
						 : (double) state->bound - (double) state->given;
	bool exact = !ddb_access_plan_is_filtered(state->plan) &&
				 (!state->recheck || state->surplus >= 0);
	int64 limit;

	if (state->plan->operation == DDB_OP_GET_ITEM)
		return 0;
	if (state->page_items > 0)
		return state->page_items;
	if (state->plan->skip.is_wanted)
		return ddb_skip_page_limit(state);
	if (state->bound < 0 && per_key == 0)
		return merge_limit(state, 0);
	/* More is wanted than LIMIT says: WITH TIES, or a hint that was low. */
	if (missing < 1)
		limit = clamp_limit(Max(stream->last_limit, 10) * BLIND_GROWTH);
	else if (exact)
		limit = clamp_limit(missing + (state->recheck ? state->surplus : 0));
	else
		limit = clamp_limit(filtered_items(state, stream, missing));
	return merge_limit(state, limit);
}
