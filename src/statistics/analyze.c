/* SPDX-License-Identifier: PostgreSQL */
/*
 * analyze.c
 *		ANALYZE: a sample of a DynamoDB table, for the planner's statistics.
 *
 * A small table is read whole.  Of a larger one, segments of a parallel Scan
 * are read that are drawn by chance: a segment is a slice of the hash space,
 * so it holds partitions that have nothing to do with each other.  Both stay
 * within a budget of read units.  Where a few partitions hold nearly
 * everything, most segments are empty; then the space is divided coarsely and
 * every segment that holds anything gives its share, from the beginning of its
 * first partition on: what comes late in a large partition is not seen.
 *
 * Reads are eventually consistent whatever the options say, being estimates,
 * and a value that does not fit its column is NULL.
 */
#include "postgres.h"

#include "statistics/analyze.h"

#include <math.h>

#include "common/pg_prng.h"
#include "compat.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "model/table_info.h"
#include "model/guc.h"
#include "remote/describe.h"
#include "scan/guard.h"
#include "scan/scan.h"
#include "scan/stream.h"
#include "statistics/promises.h"
#include "statistics/sample.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/*
 * A read unit for so many rows of the sample (so 10,000 for the 30,000 rows of
 * the default statistics target), but not less than a full page.
 */
#define ROWS_PER_UNIT 3.0
#define MIN_BUDGET 130.0

/*
 * The share of what "max_read_units" leaves, so that the sample ends before
 * it.
 */
#define CAP_SHARE 0.8

/*
 * The share of the budget that a whole table is read for, when its size says
 * that it takes no more than half of it, and when nobody knows its size.
 */
#define KNOWN_SHARE 0.75
#define UNKNOWN_SHARE 0.25

/* Bytes that a unit reads, eventually consistent. */
#define UNIT_BYTES 8192.0

/* Until the first page shows better. */
#define UNKNOWN_ITEM_BYTES 4096.0

/* How many segments a sample is made of, and after how many it is judged. */
#define SEGMENTS 512
#define PROBES 64

/* So many of these must hold something: else few partitions hold it all. */
#define MIN_HITS 6

/* Segments into which the table is divided when few partitions hold it all. */
#define COARSE_SEGMENTS 128

/* DynamoDB's greatest TotalSegments. */
#define MAX_SEGMENTS 1000000

/* A segment may hold so many times the rows that it should, then it is cut. */
#define MAX_EXCESS 8

typedef struct Analysis
{
	DdbRelation *relation;
	Oid userid; /* the owner: who analyzes is nobody to DynamoDB */
	DdbTableInfo *info;
	DdbIndexInfo *index; /* that the table is declared to be, or NULL */
	DdbAccessPlan plan;
	DdbScanState *scan;
	TupleTableSlot *slot;
	DdbSample *sample;
	double budget; /* read units */
	double item_count; /* as described, unless it is wrong; 0: unknown */
	double least_items; /* that there are: so many were read */
	int64 skipped_items; /* read before the sample was begun anew */
	bool complete; /* every item was read */
} Analysis;

/* Items and bytes of the foreign table, as DynamoDB last counted; 0: unknown */
static double
described_size(const DdbRelation *relation, const DdbTableInfo *info,
			   const DdbIndexInfo *index, double *bytes)
{
	double share = Max(relation->total_segments, 1);

	*bytes = (index != NULL ? index->size_bytes : info->size_bytes) / share;
	return (index != NULL ? index->item_count : info->item_count) / share;
}

/*
 * The columns that can be read, by number: not those that a global index does
 * not hold.  They are NULL in the sample.
 */
static List *
readable_columns(const Analysis *analysis)
{
	const DdbRelation *relation = analysis->relation;
	List *columns = NIL;

	for (int i = 0; i < relation->ncolumns; i++)
	{
		const DdbColumn *column = &relation->columns[i];

		if (column->name != NULL &&
			(analysis->index == NULL || !analysis->index->global ||
			 ddb_column_needs_item(column) ||
			 ddb_table_info_projects(analysis->info, analysis->index, column)))
			columns = lappend_int(columns, i + 1);
	}
	return columns;
}

/*
 * The attribute whose past times hide items, or NULL. What an index does not
 * hold hides none of its items.
 */
static char *
ttl_attribute(const Analysis *analysis)
{
	char *attribute;

	if (!analysis->relation->hide_expired)
		return NULL;
	attribute =
		ddb_describe_ttl_attribute(analysis->relation, analysis->userid);
	if (attribute != NULL && analysis->index != NULL &&
		!ddb_table_info_holds(analysis->info, analysis->index, attribute))
		return NULL;
	return attribute;
}

/*
 * Makes the plan of a Scan of everything, on the declared index if there is
 * one.
 */
static void
make_plan(Analysis *analysis)
{
	DdbAccessPlan *plan = &analysis->plan;
	DdbIndexInfo *index = analysis->index;
	double bytes;

	analysis->item_count =
		described_size(analysis->relation, analysis->info, index, &bytes);
	ddb_access_plan_init(plan, DDB_OP_SCAN);
	plan->source.table_name = analysis->relation->table_name;
	plan->source.index_name = index != NULL ? index->name : NULL;
	plan->source.index_is_local = index != NULL && !index->global;
	plan->source.keys = index != NULL ? index->keys : analysis->info->keys;
	plan->source.table_keys = analysis->info->keys;
	plan->source.key_attributes = analysis->info->key_attributes;
	plan->source.index_columns =
		ddb_key_templates_index_columns(analysis->relation, analysis->info);
	ddb_key_templates_resolve(analysis->relation, &plan->source.table_keys,
							  plan->source.key_attributes,
							  plan->source.index_columns);
	plan->filter.matched = ddb_key_templates_of_keys(
		analysis->relation, &plan->source.table_keys, &plan->source.keys);
	plan->projection.columns = readable_columns(analysis);
	plan->filter.ttl_attribute = ttl_attribute(analysis);
	plan->segments.declared = analysis->relation->segment;
	plan->segments.declared_total = analysis->relation->total_segments;
	plan->estimate.table_bytes = bytes;
	plan->estimate.item_bytes = analysis->item_count > 0 && bytes > 0
									? bytes / analysis->item_count
									: UNKNOWN_ITEM_BYTES;
}

/* Sets up a run of the plan in which values that do not fit are NULL. */
static void
prepare_scan(Analysis *analysis, Relation rel)
{
	DdbScanState *scan =
		ddb_scan_state_create(&analysis->plan, analysis->relation);
	DdbRowReader *reader;

	ddb_scan_state_open(scan, analysis->userid, RelationGetDescr(rel));
	reader = ddb_row_reader_create(scan->relation, scan->plan, scan->codecs,
								   scan->plan->projection.columns);
	for (int i = 0; i < reader->ncodecs; i++)
		reader->soft[i] = true;
	reader->expiry = ddb_expiry_now();
	ddb_run_begin_streams(scan, reader);
	analysis->scan = scan;
	analysis->slot = MakeSingleTupleTableSlot(scan->descriptor, &TTSOpsVirtual);
}

/* The columns that show the partition key; NIL unless they show all of it. */
static List *
partition_columns(const Analysis *analysis)
{
	const DdbKeySchema *keys = &analysis->plan.source.keys;
	List *columns = NIL;

	for (int i = 0; i < keys->npartition; i++)
	{
		const DdbColumn *column = ddb_relation_find_attribute(
			analysis->relation, keys->attributes[i].name);

		if (column == NULL ||
			!list_member_int(analysis->plan.projection.columns, column->attnum))
			return NIL;
		columns = lappend_int(columns, column->attnum);
	}
	return columns;
}

/* Items read for the sample, rows or not. */
static double
items_read(const Analysis *analysis)
{
	return analysis->scan->counters->items_scanned - analysis->skipped_items;
}

static void
begin_anew(Analysis *analysis)
{
	analysis->skipped_items = analysis->scan->counters->items_scanned;
	ddb_sample_reset(analysis->sample);
}

/* What may be read, in read units. */
static double
sample_budget(const DdbRelation *relation, int targrows)
{
	return Min(Max(targrows / ROWS_PER_UNIT, MIN_BUDGET),
			   ddb_guard_read_units_left(relation) * CAP_SHARE);
}

/*
 * The mean size of an item, in bytes: as measured by what was read so far,
 * else as DynamoDB describes the table.
 */
static double
item_bytes(const Analysis *analysis)
{
	const DdbScanCounters *seen = analysis->scan->counters;

	if (seen->items_scanned == 0)
		return analysis->plan.estimate.item_bytes;
	return Max(seen->read_units * UNIT_BYTES / seen->items_scanned, 1);
}

/* The Limit of a page that units pay for; 0: they pay for any page. */
static int64
affordable_items(const Analysis *analysis, double units)
{
	if (units * UNIT_BYTES >= 1.5 * DDB_PAGE_BYTES)
		return 0;
	return (int64) Max(1.0, floor(units * UNIT_BYTES / item_bytes(analysis)));
}

/*
 * Reads one page of up to limit items (0: as many as fit) into the sample;
 * false when the stream is at its end.
 */
static bool
read_page(Analysis *analysis, DdbStream *stream, int64 limit)
{
	DdbScanState *scan = analysis->scan;

	if (!ddb_stream_fetch(stream, limit))
		return false;
	while (ddb_stream_row(stream, analysis->slot, scan->row_context))
	{
		ddb_compat_analyze_delay_point();
		ddb_sample_offer(analysis->sample, analysis->slot);
	}
	return !stream->finished;
}

/*
 * Reads a segment, or what the plan says when total is 0, until it ends, or
 * about most items were read (0: any number), or the units used in all reach
 * a number.  True when it was read to its end.
 */
static bool
read_segment(Analysis *analysis, int segment, int total, int64 most,
			 double until)
{
	DdbScanState *scan = analysis->scan;
	DdbStream *stream;
	MemoryContext old;

	MemoryContextReset(scan->run_context);
	if (total > 0)
	{
		analysis->plan.segments.declared = segment;
		analysis->plan.segments.declared_total = total;
	}
	ddb_run_set_segment(scan, analysis->plan.segments.declared,
						analysis->plan.segments.declared_total);
	old = MemoryContextSwitchTo(scan->run_context);
	stream = ddb_stream_create(scan, NULL, 0);
	MemoryContextSwitchTo(old);
	ddb_sample_jump(analysis->sample);
	for (;;)
	{
		int64 limit =
			affordable_items(analysis, until - scan->counters->read_units);
		int64 rest = most - stream->scanned;

		if (most > 0)
			limit = limit > 0 ? Min(limit, rest) : rest;
		if (!read_page(analysis, stream, limit))
			return true;
		if ((most > 0 && stream->scanned >= most) ||
			scan->counters->read_units >= until)
			return false;
	}
}

/* Numbers from 0 on, shuffled. */
static int *
shuffled(int n)
{
	int *numbers = palloc(sizeof(int) * n);

	for (int i = 0; i < n; i++)
	{
		int j = (int) pg_prng_uint64_range(&pg_global_prng_state, 0, i);

		numbers[i] = numbers[j];
		numbers[j] = i;
	}
	return numbers;
}

/*
 * Reads n segments of total: one of each of equal stretches of the hash space,
 * in random order, each of about expected rows, of which wanted will do.
 * Returns how many were read when the budget or the segments came to an end; 0
 * when nearly all of the first ones are empty.
 */
static int
read_some_segments(Analysis *analysis, int n, int total, double expected,
				   double wanted)
{
	int *order = shuffled(n);
	double most = expected > 2 * wanted ? wanted : expected * MAX_EXCESS;
	int done = 0;
	int hits = 0;

	while (done < n && analysis->scan->counters->read_units < analysis->budget)
	{
		int64 first = (int64) order[done] * total / n;
		int64 last = (int64) (order[done] + 1) * total / n - 1;
		double before = items_read(analysis);

		(void) read_segment(
			analysis,
			(int) pg_prng_uint64_range(&pg_global_prng_state, first, last),
			total, (int64) ceil(most), analysis->budget);
		if (items_read(analysis) > before)
			hits++;
		if (++done == PROBES && hits < MIN_HITS)
			return 0;
	}
	return done;
}

/* The segments that hold anything: true of each. */
static int
probe_segments(Analysis *analysis, bool *holds)
{
	int n = 0;

	for (int i = 0; i < COARSE_SEGMENTS; i++)
	{
		double before = items_read(analysis);

		/* What is not looked into may hold something. */
		if (analysis->scan->counters->read_units >= analysis->budget / 2)
		{
			holds[i] = true;
			n++;
			continue;
		}
		(void) read_segment(analysis, i, COARSE_SEGMENTS, 1, analysis->budget);
		holds[i] = items_read(analysis) > before;
		n += holds[i];
	}
	return n;
}

/*
 * Reads an equal share of every segment that holds anything, after a probe of
 * all has told which do.  Complete if all were read to their ends.
 */
static void
read_all_segments(Analysis *analysis)
{
	DdbSample *sample = analysis->sample;
	double *used = &analysis->scan->counters->read_units;
	bool holds[COARSE_SEGMENTS];
	int *order = shuffled(COARSE_SEGMENTS);
	int left;

	begin_anew(analysis);
	left = probe_segments(analysis, holds);
	begin_anew(analysis);
	analysis->complete = true;
	for (int i = 0; i < COARSE_SEGMENTS && *used < analysis->budget; i++)
	{
		double share = (analysis->budget - *used) / Max(left, 1);
		double rows = (double) (sample->room - sample->n) / Max(left, 1);

		if (!holds[order[i]])
			continue;
		analysis->complete &= read_segment(analysis, order[i], COARSE_SEGMENTS,
										   (int64) Max(rows, 1), *used + share);
		left--;
	}
	analysis->complete &= left == 0;
}

/* A table too large to be read whole. */
static void
sample_segments(Analysis *analysis)
{
	DdbSample *sample = analysis->sample;
	double left = analysis->budget - analysis->scan->counters->read_units;
	double rows = Min(sample->room, left * UNIT_BYTES / item_bytes(analysis));
	/* Each costs half a unit at least: half of what is left for that. */
	int n = Max(Min(SEGMENTS, (int) left), 1);
	double items;
	int total;
	int done;

	/* What was counted is hours old, if the beginning is more than all. */
	analysis->least_items = items_read(analysis);
	if (analysis->least_items > analysis->item_count)
		analysis->item_count = 0;
	items = Max(analysis->item_count, analysis->least_items * 2);
	total = (int) Min(ceil(items * n / Max(rows, 1)), MAX_SEGMENTS);
	total = Max(total, n);
	begin_anew(analysis);
	done = read_some_segments(analysis, n, total, items / total, rows / n);
	if (done > 0)
	{
		analysis->complete = false;
		if (analysis->item_count == 0)
			analysis->item_count = items_read(analysis) * total / done;
		ddb_sample_thin(sample, (double) done / total);
		return;
	}
	read_all_segments(analysis);
}

/*
 * Reads a small table whole, and samples segments of a larger one.  A table of
 * unknown size is tried first.
 */
static void
sample_table(Analysis *analysis)
{
	const DdbRelation *relation = analysis->relation;
	bool known =
		analysis->item_count > 0 && analysis->plan.estimate.table_bytes > 0;
	double units = analysis->plan.estimate.table_bytes / UNIT_BYTES;
	double share = known ? KNOWN_SHARE : UNKNOWN_SHARE;

	/* A share of a parallel Scan is a slice of the hash space already. */
	if (relation->segment >= 0)
		share = 1;
	if (relation->segment >= 0 || !known || units <= analysis->budget / 2)
		analysis->complete =
			read_segment(analysis, 0, 0, 0, share * analysis->budget);
	if (!analysis->complete && relation->segment < 0)
		sample_segments(analysis);
}

/* How many rows there are: of the items as many as of those read. */
static double
total_rows(const Analysis *analysis)
{
	double seen = analysis->sample->seen;
	double read = items_read(analysis);

	if (analysis->complete || read == 0)
		return seen;
	return Max(Max(analysis->item_count, analysis->least_items), read) * seen /
		   read;
}

/*
 * ANALYZE callback: fills rows with at most targrows sampled rows, in any
 * order, and returns how many. *totalrows is an estimate.
 */
static int
acquire_sample(Relation rel, int elevel, HeapTuple *rows, int targrows,
			   double *totalrows, double *totaldeadrows)
{
	Analysis *analysis = palloc0(sizeof(Analysis));
	DdbSample sample;

	analysis->relation = ddb_relation_load(RelationGetRelid(rel));
	analysis->userid = rel->rd_rel->relowner;
	analysis->info = ddb_describe_table(analysis->relation, analysis->userid);
	analysis->index =
		ddb_table_info_forced_index(analysis->info, analysis->relation);
	make_plan(analysis);
	prepare_scan(analysis, rel);
	ddb_sample_init(&sample, rows, targrows, partition_columns(analysis));
	analysis->sample = &sample;
	analysis->budget = sample_budget(analysis->relation, targrows);
	sample_table(analysis);
	*totalrows = total_rows(analysis);
	*totaldeadrows = 0;
	ereport(elevel,
			(errmsg("foreign table %s: %d rows in sample, of %.0f read and "
					"about %.0f in all, for %g read units in " INT64_FORMAT
					" requests",
					analysis->relation->name, sample.n, sample.seen, *totalrows,
					analysis->scan->counters->read_units,
					analysis->scan->counters->requests)));
	ddb_promises_check(analysis->relation, analysis->info,
					   RelationGetDescr(rel), rows, sample.n);
	ExecDropSingleTupleTableSlot(analysis->slot);
	MemoryContextDelete(analysis->scan->run_context);
	MemoryContextDelete(analysis->scan->row_context);
	return sample.n;
}

/*
 * True if scans are denied by others than the table's owner, whose own option
 * is no matter: it is he who asks for the sample.
 */
static bool
is_denied(const DdbRelation *relation)
{
	if (Max(relation->server_scan_policy, (DdbScanPolicy) ddb_guc_scan) !=
		DDB_SCAN_DENY)
		return false;
	ereport(
		WARNING,
		(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
		 errmsg("scans to analyze foreign table %s are denied", relation->name),
		 errhint("Set \"scan\" of the server or \"ddb_fdw.scan\" to "
				 "\"allow\".")));
	return true;
}

/*
 * Asks DynamoDB for its description anew, so that *totalpages is not older
 * than DynamoDB's own counts.
 */
bool
ddbAnalyzeForeignTable(Relation rel, AcquireSampleRowsFunc *func,
					   BlockNumber *totalpages)
{
	DdbRelation *relation = ddb_relation_load(RelationGetRelid(rel));
	DdbTableInfo *info;
	double bytes;

	if (is_denied(relation))
		return false;
	/* Counts of now, as far as DynamoDB has them. */
	ddb_describe_forget(relation->server->serverid, relation->table_name);
	info = ddb_describe_table(relation, rel->rd_rel->relowner);
	(void) described_size(relation, info,
						  ddb_table_info_forced_index(info, relation), &bytes);
	*func = acquire_sample;
	*totalpages = (BlockNumber) Max(
		1.0, Min(ceil(bytes / BLCKSZ), (double) MaxBlockNumber));
	return true;
}
