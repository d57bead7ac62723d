/* SPDX-License-Identifier: PostgreSQL */
/*
 * cost.c
 *		What a way of reading costs: requests, read units, rows.
 *
 * Requests cost latency and read units cost money; both are put on
 * PostgreSQL's scale so that a GetItem beats a Query beats a Scan for the
 * right reason.  Units follow the developer guide ("Read consistency",
 * "Capacity unit consumption for read operations"): one unit is 4 KB read
 * consistently, half a unit eventually, rounded up per page, or per item of
 * GetItem and BatchGetItem.
 */
#include "postgres.h"

#include "plan/cost.h"

#include <math.h>

#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/selfuncs.h"

/* One round trip of about 5 ms, next to seq_page_cost's 1.0 for a page read. */
#define REQUEST_COST 100.0

/* A read unit, so that a full page of 128 of them outweighs its round trip. */
#define READ_UNIT_COST 5.0

/* Decoding an item, above cpu_tuple_cost for handing it on. */
#define ITEM_COST 0.02

#define BATCH_ITEMS 100.0 /* BatchGetItem's most keys */

/*
 * A Scan's size is what DynamoDB last counted, up to six hours ago; what a key
 * selects hardly grows like that.  So of equals, the Scan loses.
 */
#define SCAN_RISK_COST 50.0

/* Where full scans are denied, any other way is better, as by a join's keys. */
#define DENIED_COST 1.0e10

/* A whole key reads one item, where other estimates are estimates. */
#define CERTAINTY_GAIN 5.0

/*
 * Among equals, the index that holds less is read.  PostgreSQL sees 1 percent.
 */
#define SLIM_FACTOR 0.98

/*
 * Skipping is tried for this share of what reading everything would cost, and
 * for so many partitions at least, before a whole page shows whether it pays.
 */
#define SKIP_SHARE 0.1
#define MIN_SKIPS 8

/* Partitions of a query whose number nobody knows. */
#define UNKNOWN_PARTITIONS 200.0

/* Requests under way at once, where many are needed. */
#define CONCURRENCY 16.0

/* How requests follow each other. */
typedef enum Sending
{
	ONE_BY_ONE,
	SIDE_BY_SIDE, /* up to the usual concurrency */
} Sending;

/* The cost of waiting for this many requests. */
static double
latency_cost(double requests, Sending sending)
{
	if (sending == ONE_BY_ONE)
		return requests * REQUEST_COST;
	return ceil(requests / CONCURRENCY) * REQUEST_COST +
		   requests * REQUEST_COST / 20;
}

/* True if a relation that is run for each row of others gives a value. */
static bool
is_lateral(PlannerInfo *root, List *values)
{
	Relids relids = pull_varnos(root, (Node *) values);
	int i = -1;

	while ((i = bms_next_member(relids, i)) >= 0)
		if (i < root->simple_rel_array_size &&
			root->simple_rel_array[i] != NULL &&
			!bms_is_empty(root->simple_rel_array[i]->lateral_relids))
			return true;
	return false;
}

/*
 * Without statistics, none may repeat.  What runs for each row of others is
 * known to the planner by the rows of one run.
 */
double
ddb_cost_distinct(PlannerInfo *root, List *values, double rows)
{
	EstimationInfo info = {0};
	double groups;

	if (is_lateral(root, values))
		return rows;
	groups = estimate_num_groups(root, values, rows, NULL, &info);
	return (info.flags & SELFLAG_USED_DEFAULT) != 0 ? rows : groups;
}

/* Used by joins that run several scans at once. */
Cost
ddb_cost_shared_waits(double requests)
{
	return Max(latency_cost(requests, ONE_BY_ONE) -
				   latency_cost(requests, SIDE_BY_SIDE),
			   0);
}

/*
 * Adds what fetching the items costs: a request for each 100 keys, and at
 * least one unit, or half of one, for each item.
 */
static void
add_second_step(const DdbPlanState *state, DdbCandidate *candidate,
				Cost *startup_cost, Cost *total_cost)
{
	const DdbSource *table = (DdbSource *) linitial(state->sources);
	double keys = candidate->fetched_keys;
	double units = keys * ceil(table->item_bytes / DDB_UNIT_BYTES) *
				   (state->consistent_read ? 1.0 : 0.5);
	double requests = Max(1.0, ceil(keys / BATCH_ITEMS));

	candidate->read_units += units;
	*startup_cost += REQUEST_COST;
	*total_cost += latency_cost(requests, SIDE_BY_SIDE) +
				   units * READ_UNIT_COST + keys * ITEM_COST;
}

/*
 * What the first page costs before it gives a row, besides its round trip: a
 * whole one, where no LIMIT makes it smaller.
 */
static Cost
page_cost(const DdbCandidate *candidate, double units)
{
	double share = Min(1.0, DDB_PAGE_BYTES / DDB_UNIT_BYTES / Max(units, 1.0));
	double items = candidate->fetched_rows / Max(candidate->streams, 1);

	return share * (units / 2 * READ_UNIT_COST +
					(candidate->counts ? 0 : items * ITEM_COST));
}

/*
 * Sets candidate->read_units too.  The weights make a request dearer than a
 * row, and a Scan dearer than a Query of the same size, as it may turn out to
 * be larger.
 */
void
ddb_cost_estimate(const DdbPlanState *state, DdbCandidate *candidate,
				  double rows, Cost *startup_cost, Cost *total_cost)
{
	const DdbSource *source = candidate->source;
	double items = candidate->fetched_rows;
	double bytes = items * source->item_bytes;
	double streams = Max(candidate->streams, 1);
	double units;
	double requests;

	if (candidate->operation == DDB_OP_GET_ITEM)
	{
		units = streams * ceil(source->item_bytes / DDB_UNIT_BYTES);
		requests = ceil(streams / BATCH_ITEMS);
	}
	else
	{
		units = streams * Max(1.0, ceil(bytes / streams / DDB_UNIT_BYTES)) +
				items * source->fetch_units;
		requests = streams * Max(1.0, ceil(bytes / streams / DDB_PAGE_BYTES));
		requests = Max(requests, candidate->segments);
	}
	candidate->read_units = units * (state->consistent_read ? 1.0 : 0.5);
	*startup_cost = REQUEST_COST;
	if (candidate->operation != DDB_OP_GET_ITEM && !candidate->is_limited &&
		candidate->limit_hint < 0)
		*startup_cost += page_cost(candidate, units / streams);
	/* A merge waits for the first page of each. */
	if (candidate->order.is_relied_upon && candidate->keys.are_many &&
		candidate->order.partitions == NIL)
		*startup_cost += latency_cost(streams, SIDE_BY_SIDE) - REQUEST_COST;
	*total_cost = latency_cost(requests, candidate->keys.are_many ||
												 candidate->segments > 1
											 ? SIDE_BY_SIDE
											 : ONE_BY_ONE) +
				  candidate->read_units * READ_UNIT_COST +
				  (candidate->counts ? 0 : items * ITEM_COST) +
				  rows * cpu_tuple_cost;
	if (candidate->operation == DDB_OP_SCAN)
		*total_cost += SCAN_RISK_COST;
	if (candidate->operation == DDB_OP_SCAN &&
		ddb_relation_scan_policy(state->relation) == DDB_SCAN_DENY)
	{
		*startup_cost += DENIED_COST;
		*total_cost += DENIED_COST;
	}
	if (candidate->operation == DDB_OP_GET_ITEM)
		*total_cost -= CERTAINTY_GAIN;
	if (source->partial)
		add_second_step(state, candidate, startup_cost, total_cost);
	else if (source->slim && source->fetch_units == 0)
		*total_cost *= SLIM_FACTOR;
	*total_cost = Max(*total_cost, *startup_cost);
}

/*
 * They are charged one request in all, and each its units, of which the first
 * row takes all that there are; where nobody knows how large the partition is,
 * they are sure to cost little, and nothing else is.
 */
void
ddb_cost_share_request(const DdbCandidate *candidate, int siblings,
					   bool is_known, Cost *startup_cost, Cost *total_cost)
{
	Cost saved = REQUEST_COST * (1.0 - 1.0 / siblings);

	if (siblings == 1 || candidate->operation != DDB_OP_QUERY)
		return;
	*startup_cost -= saved;
	if (is_known)
		*startup_cost += READ_UNIT_COST / 2;
	*total_cost =
		is_known ? Max(*total_cost - saved, *startup_cost) : *startup_cost;
}

/*
 * divisor is the number of processes, in PostgreSQL's measure of what the
 * leader contributes.
 */
void
ddb_cost_partial(const DdbPlanState *state, DdbCandidate *candidate,
				 double rows, double divisor, Cost *startup_cost,
				 Cost *total_cost)
{
	double shared = candidate->fetched_rows * ITEM_COST + rows * cpu_tuple_cost;

	ddb_cost_estimate(state, candidate, rows, startup_cost, total_cost);
	*total_cost -= shared - shared / divisor;
	*total_cost = Max(*total_cost, *startup_cost);
}

/*
 * Sets candidate->skip_budget and skip_pays, which the executor follows.  A
 * limited number of tries bounds what can be lost.
 */
void
ddb_cost_skip(const DdbPlanState *state, DdbCandidate *candidate,
			  double partitions, Cost *startup_cost, Cost *total_cost)
{
	double unit = (state->consistent_read ? 1.0 : 0.5) * READ_UNIT_COST;
	double skip = REQUEST_COST + unit;
	double page = REQUEST_COST + DDB_PAGE_BYTES / DDB_UNIT_BYTES * unit;
	double known = partitions > 0 ? partitions : UNKNOWN_PARTITIONS;
	double whole;

	ddb_cost_estimate(state, candidate, known, startup_cost, total_cost);
	whole = *total_cost;
	candidate->skip.budget =
		(int) Min(Max(MIN_SKIPS, whole * SKIP_SHARE / skip), 1e6);
	candidate->skip.pays_from = (int) (page / skip);
	/* Whatever there turns out to be, little is lost, and often most is won. */
	if (partitions > 0)
		*total_cost = Min(partitions * skip, whole * (1 + SKIP_SHARE));
	else
		*total_cost = MIN_SKIPS * skip + whole / 2;
	candidate->read_units = Min(candidate->read_units, *total_cost / skip / 2);
	*total_cost = Max(*total_cost, *startup_cost);
}
