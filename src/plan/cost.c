/*
 * cost.c
 *		What a way of reading costs: requests, read units, rows.
 *
 * Requests cost latency and read units cost money; both are put on
 * PostgreSQL's scale so that a GetItem beats a Query beats a Scan for the
 * right reason.  Units follow the developer guide ("Read consistency",
 * "Capacity unit consumption for read operations"): one unit is 4 KB read
 * consistently, half a unit eventually, rounded up per page.
 */
#include "postgres.h"

#include <math.h>

#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "plan/plan_state.h"

/* One round trip of about 5 ms, next to seq_page_cost's 1.0 for a page read. */
#define REQUEST_COST 100.0

/* A read unit, so that a full page of 128 of them outweighs its round trip. */
#define READ_UNIT_COST 5.0

/* Decoding an item, above cpu_tuple_cost for handing it on. */
#define ITEM_COST 0.02

#define UNIT_BYTES 4096.0
#define PAGE_BYTES (1024.0 * 1024.0)

void
ddb_cost_estimate(const DdbPlanState *state, DdbCandidate *candidate,
				  double rows, Cost *startup_cost, Cost *total_cost)
{
	double		bytes = candidate->fetched_rows * state->item_bytes;
	double		requests = Max(1.0, ceil(bytes / PAGE_BYTES));
	double		per_unit = state->consistent_read ? 1.0 : 0.5;

	candidate->read_units = Max(1.0, ceil(bytes / UNIT_BYTES)) * per_unit;
	*startup_cost = REQUEST_COST;
	*total_cost = requests * REQUEST_COST +
		candidate->read_units * READ_UNIT_COST +
		candidate->fetched_rows * ITEM_COST +
		rows * cpu_tuple_cost;
}
