/* SPDX-License-Identifier: PostgreSQL */
/*
 * parallel_path.c
 *		Offers Scans that PostgreSQL's parallel workers share.
 *
 * They are partial paths: each process reads the segments that it takes.  All
 * other paths read everything, and each process that ran one would pay for it
 * again; besides, an asynchronous Append needs children that are not
 * parallel-safe.  So those are not.
 */
#include "postgres.h"

#include "plan/parallel_path.h"

#include <math.h>

#include "compat.h"
#include "model/guc.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "plan/cost.h"
#include "plan/create_plan.h"
#include "plan/path_candidate.h"

/*
 * Segments of two pages at least, as for one process, but as many for each
 * process as keep all of them busy when some turn out larger than others.
 */
#define MIN_SEGMENTS_PER_PROCESS 4
#define MAX_SEGMENTS_PER_PROCESS 32

/* What a leader does besides looking after its workers, as PostgreSQL has it. */
#define LEADER_LOSS_PER_WORKER 0.3

/*
 * Planner callback: always true, so that partial paths are considered.  Serial
 * paths are marked as unsafe one by one.
 */
bool
ddbIsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel,
							 RangeTblEntry *rte)
{
	(void) root;
	(void) rel;
	(void) rte;
	return true;
}

/*
 * Marks the path as one that only one process may run, since each process
 * would read, and pay for, all of it.
 */
Path *
ddb_parallel_unsafe(ForeignPath *path)
{
	path->path.parallel_safe = false;
	return &path->path;
}

/*
 * True if the query or a template needs the column, and its misfits are found
 * by catching errors, which needs subtransactions.
 */
static bool
must_catch(const DdbPlanState *state, const DdbColumn *column, List *needed)
{
	return column->name != NULL &&
		   (column->source != 0 || list_member_int(needed, column->attnum)) &&
		   ddb_codec_catches_misfits(
			   ddb_codec_set_get(state->codecs, column->attnum));
}

/*
 * Forbids parallel workers to the whole query if this scan may have to catch
 * an error.  Subtransactions cannot be had in parallel mode, not even in the
 * leader.
 */
void
ddb_parallel_check(PlannerInfo *root, const DdbPlanState *state)
{
	List *needed = ddb_plan_column_list(state->relation, state->needed);
	bool must = false;

	for (int i = 0; i < state->relation->ncolumns; i++)
		must |= must_catch(state, &state->relation->columns[i], needed);
	if (!must)
		return;
	root->glob->parallelModeOK = false;
	for (; root != NULL; root = root->parent_root)
		for (int i = 1; i < root->simple_rel_array_size; i++)
			if (root->simple_rel_array[i] != NULL)
				root->simple_rel_array[i]->consider_parallel = false;
}

/*
 * True if processes may share it.  Where rows or units are limited, reading by
 * several at once may be for nothing; a declared segment cannot be divided,
 * nor what is declared to be one.
 */
static bool
may_share(const RelOptInfo *rel, const DdbCandidate *candidate)
{
	const DdbPlanState *state = (const DdbPlanState *) rel->fdw_private;

	return rel->consider_parallel && bms_is_empty(rel->lateral_relids) &&
		   ddb_guc_pushdown && candidate->operation == DDB_OP_SCAN &&
		   !candidate->skip.is_wanted && !candidate->is_limited &&
		   candidate->limit_hint < 0 && state->relation->segment < 0 &&
		   state->relation->scan_segments != 1 &&
		   ddb_relation_max_read_units(state->relation) <= 0 &&
		   ddb_relation_scan_policy(state->relation) != DDB_SCAN_DENY;
}

/* By how much several processes are faster than one. */
static double
divisor_of(int workers)
{
	double leader = 1.0 - LEADER_LOSS_PER_WORKER * workers;

	return parallel_leader_participation ? workers + Max(leader, 0) : workers;
}

/*
 * Into how many segments a shared Scan is divided: as declared, or by size,
 * within bounds for each process.
 */
static int
count_segments(const DdbRelation *relation, double bytes, int workers)
{
	int processes = workers + (parallel_leader_participation ? 1 : 0);
	double segments = bytes / DDB_PAGE_BYTES / DDB_PAGES_PER_SEGMENT;

	if (relation->scan_segments > 0)
		return relation->scan_segments;
	segments = Min(segments, MAX_SEGMENTS_PER_PROCESS * processes);
	return (int) Max(segments, MIN_SEGMENTS_PER_PROCESS * processes);
}

/*
 * Offers the Scan as a partial path, if it may be shared and the table is
 * large enough to be worth a worker.
 */
void
ddb_parallel_add_path(PlannerInfo *root, RelOptInfo *rel,
					  const DdbCandidate *serial, double rows)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	const DdbSource *source = serial->source;
	double bytes = source->item_count * source->item_bytes;
	DdbCandidate *candidate;
	Cost startup_cost;
	Cost total_cost;
	ForeignPath *path;
	int workers;

	if (!may_share(rel, serial))
		return;
	/* PostgreSQL gives a partition workers however small it is. */
	if (source->unknown && rel->reloptkind != RELOPT_BASEREL)
		return;
	workers = compute_parallel_worker(rel, ceil(bytes / BLCKSZ), -1,
									  max_parallel_workers_per_gather);
	if (workers <= 0)
		return;
	candidate = palloc(sizeof(DdbCandidate));
	*candidate = *serial;
	candidate->segments = count_segments(state->relation, bytes, workers);
	ddb_cost_partial(state, candidate, rows, divisor_of(workers), &startup_cost,
					 &total_cost);
	path = ddb_compat_foreign_path(
		root, rel, clamp_row_est(rows / divisor_of(workers)), startup_cost,
		total_cost, NIL, NULL, ddb_path_private(state, rel, candidate));
	path->path.parallel_aware = true;
	path->path.parallel_workers = workers;
	add_partial_path(rel, &path->path);
}
