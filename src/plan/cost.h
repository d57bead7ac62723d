/* SPDX-License-Identifier: PostgreSQL */
/*
 * cost.h
 *		What a candidate costs.
 */
#ifndef DDB_COST_H
#define DDB_COST_H

#include "postgres.h"

#include "plan/plan_state.h"

/* Sets what the candidate reads, too. */
extern void ddb_cost_estimate(const DdbPlanState *state,
							  DdbCandidate *candidate, double rows,
							  Cost *startup_cost, Cost *total_cost);

/*
 * Takes off what the first row of one of several min() and max() costs less
 * than a request of its own: together they answer one question.  is_known: how
 * large the partition is.
 */
extern void ddb_cost_share_request(const DdbCandidate *candidate, int siblings,
								   bool is_known, Cost *startup_cost,
								   Cost *total_cost);

/* How many of so many rows differ in these values, estimated. */
extern double ddb_cost_distinct(PlannerInfo *root, List *values, double rows);

/* What it saves to send so many requests side by side, not one by one. */
extern Cost ddb_cost_shared_waits(double requests);

/*
 * The same for each of several processes that share a Scan: they share its CPU
 * time, while all requests are paid for.
 */
extern void ddb_cost_partial(const DdbPlanState *state, DdbCandidate *candidate,
							 double rows, double divisor, Cost *startup_cost,
							 Cost *total_cost);

/*
 * The same of a Scan that skips from partition to partition, and how long it
 * should try to; partitions: how many there are, or -1.
 */
extern void ddb_cost_skip(const DdbPlanState *state, DdbCandidate *candidate,
						  double partitions, Cost *startup_cost,
						  Cost *total_cost);

#endif /* DDB_COST_H */
