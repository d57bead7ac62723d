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

#include "scan/page_size.h"

#include <math.h>

#include "scan/merge.h"
#include "scan/scan.h"
#include "scan/stream.h"

/* Limit is a 32-bit integer; pages end at 1 MB long before. */
#define MAX_LIMIT PG_INT32_MAX

/* First page behind a filter, as a multiple of the rows wanted. */
#define MAX_FIRST_FACTOR 4.0

/* Read a little more than seems needed: a further request costs more. */
#define MARGIN 1.25

/* Growth when nothing is known: no row passed yet, or more is wanted. */
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
first_filtered(const DdbAccessPlan *plan, double rows_wanted)
{
	double factor = plan->estimate.selectivity > 0
						? 1.0 / plan->estimate.selectivity
						: MAX_FIRST_FACTOR;

	/* Up to a whole read unit items cost nothing more. */
	return clamp_limit(
		Max(rows_wanted * Min(Max(factor, 1.0), MAX_FIRST_FACTOR),
			DDB_UNIT_BYTES / Max(plan->estimate.item_bytes, 1)));
}

int64
ddb_page_size_first(const DdbAccessPlan *plan, int64 rows_wanted)
{
	return ddb_access_plan_is_filtered(plan) ? first_filtered(plan, rows_wanted)
											 : clamp_limit(rows_wanted);
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
	if ((state->plan->filter.is_local && state->run.filter == NULL) ||
		stream->given == 0)
		return stream->last_limit * BLIND_GROWTH;
	return missing * MARGIN * stream->scanned / stream->given;
}

/* Merged streams share memory, so that their pages cannot all be full. */
static int64
merge_limit(const DdbScanState *state, int64 limit)
{
	int width = ddb_merge_width(state);
	double share;
	double item_bytes =
		Max(state->plan->estimate.item_bytes, state->sizes.largest_item);

	if (width == 0)
		return limit;
	share = MERGE_BYTES / width;
	if (share >= DDB_PAGE_BYTES)
		return limit;
	share = Max(1.0, floor(share / Max(item_bytes, 1)));
	return limit == 0 ? (int64) share : Min(limit, (int64) share);
}

/*
 * Sets nothing.  A Limit counts items before the filter, so behind one it is
 * only a guess.
 */
static int64
page_limit(const DdbPager *pager, const DdbStream *stream)
{
	const DdbScanState *state = stream->scan;
	const DdbScanRun *run = &state->run;
	double missing = run->rows_per_key > 0
						 ? (double) run->rows_per_key - stream->given
						 : (double) run->rows_wanted - (double) run->given;
	bool exact = !ddb_access_plan_is_filtered(state->plan) &&
				 (!run->recheck || run->surplus >= 0);
	int64 limit;

	(void) pager;
	if (run->rows_wanted < 0 && run->rows_per_key == 0)
		return merge_limit(state, 0);
	/* More is wanted than LIMIT says: WITH TIES, or a hint that was low. */
	if (missing < 1)
		limit = clamp_limit(Max(stream->last_limit, 10) * BLIND_GROWTH);
	else if (exact)
		limit = clamp_limit(missing + (run->recheck ? run->surplus : 0));
	else
		limit = clamp_limit(filtered_items(state, stream, missing));
	return merge_limit(state, limit);
}

DdbPager *
ddb_page_size_create(void)
{
	DdbPager *pager = palloc0(sizeof(DdbPager));

	pager->limit = page_limit;
	return pager;
}
