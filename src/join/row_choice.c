/* SPDX-License-Identifier: PostgreSQL */
/*
 * row_choice.c
 *		Joins that find out when they run whether there is one outer row.
 *
 *		SELECT … FROM users u JOIN history h ON h.user_id = u.id
 *		WHERE u.email = 'x' ORDER BY h.at DESC LIMIT 10
 *
 * An index by e-mail address is not unique, and yet finds one user.  So there
 * are two plans of the same join.  The first is a nested loop whose inner side
 * is in the wanted order; with one outer row, so is the join.  The second sorts.
 * Before the first row is given, up to two outer rows are read, and kept for
 * the loop: they decide which plan runs.
 *
 * Both plans, and the planner's offer of them, are here.  Not offered where
 * expressions hold subplans, which the two plans would share.
 */
#include "postgres.h"

#include "join/row_choice.h"

#include "executor/executor.h"
#include "optimizer/clauses.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"

/* ---- planning ---- */

/* CustomPath callback: both children have the same columns. */
static Plan *
plan_row_choice(PlannerInfo *root, RelOptInfo *rel, CustomPath *path,
				List *target_list, List *clauses, List *plans)
{
	CustomScan *plan = makeNode(CustomScan);

	(void) root;
	(void) rel;
	(void) clauses;
	plan->scan.plan.targetlist = target_list;
	plan->flags = path->flags;
	plan->methods = &ddb_row_choice_scan_methods;
	plan->custom_plans = plans;
	plan->custom_scan_tlist = ddb_join_columns(list_make1(linitial(plans)));
	return &plan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = DDB_ROW_CHOICE_NAME,
	.PlanCustomPath = plan_row_choice,
};

static bool
has_subplans(const RelOptInfo *rel)
{
	return contain_subplans(
			   (Node *) extract_actual_clauses(rel->baserestrictinfo, false)) ||
		   contain_subplans((Node *) rel->reltarget->exprs);
}

/* The cheapest way to look up what an outer row gives; NULL if there is none. */
static Path *
cheapest_look_up(const DdbJoin *join)
{
	Path *best = NULL;
	ListCell *lc;

	foreach (lc, join->inner->pathlist)
	{
		Path *path = (Path *) lfirst(lc);

		if (PATH_REQ_OUTER(path) != NULL &&
			bms_is_subset(PATH_REQ_OUTER(path), join->outer->relids) &&
			(best == NULL || path->total_cost < best->total_cost))
			best = path;
	}
	return best;
}

void
ddb_row_choice_add_path(const DdbJoin *join, Path *outer, Path *inner)
{
	Path *look_up = cheapest_look_up(join);
	CustomPath *custom = makeNode(CustomPath);
	Path *path = &custom->path;
	Path *loop;
	Path *sort;

	if (look_up == NULL || has_subplans(join->outer) ||
		has_subplans(join->inner) ||
		contain_subplans(
			(Node *) extract_actual_clauses(join->extra->restrictlist, false)))
		return;
	loop = (Path *) ddb_join_loop(
		join, (Path *) create_material_path(outer->parent, outer), inner, NIL);
	sort = (Path *) create_sort_path(
		join->root, join->joinrel,
		(Path *) ddb_join_loop(join, outer, look_up, NIL), inner->pathkeys, -1);
	path->pathtype = T_CustomScan;
	path->parent = join->joinrel;
	path->pathtarget = join->joinrel->reltarget;
	path->pathkeys = inner->pathkeys;
	path->rows = loop->rows;
	path->startup_cost = outer->total_cost + inner->startup_cost;
	path->total_cost =
		Max(path->startup_cost,
			outer->total_cost + inner->total_cost - DDB_JOIN_CERTAINTY_GAIN);
	custom->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	custom->custom_paths = list_make2(loop, sort);
	custom->methods = &path_methods;
	add_path(join->joinrel, path);
}

/* ---- running ---- */

typedef struct RowChoiceState
{
	CustomScanState custom; /* first: this is a node */
	PlanState *loop; /* in order if there is one outer row */
	PlanState *sort; /* in order in any case */
	PlanState *chosen; /* one of them; NULL: not yet */
} RowChoiceState;

/* Executor callback.  The loop's outer side must be able to begin again. */
static void
begin_row_choice(CustomScanState *node, EState *estate, int eflags)
{
	RowChoiceState *state = (RowChoiceState *) node;
	List *plans = ((CustomScan *) node->ss.ps.plan)->custom_plans;

	eflags &= ~(EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK);
	state->loop =
		ExecInitNode(linitial(plans), estate, eflags | EXEC_FLAG_REWIND);
	state->sort = ExecInitNode(lsecond(plans), estate, eflags);
	node->custom_ps = list_make2(state->loop, state->sort);
}

/* Reads two outer rows at most, which the loop then has again. */
static PlanState *
choose(RowChoiceState *state)
{
	PlanState *outer = outerPlanState(state->loop);
	int n = 0;

	for (; n < 2; n++)
	{
		TupleTableSlot *slot = ExecProcNode(outer);

		if (TupIsNull(slot))
			break;
	}
	ExecReScan(state->loop);
	return n < 2 ? state->loop : state->sort;
}

/* Executor callback: the next joined row, in the scan's own slot. */
static TupleTableSlot *
exec_row_choice(CustomScanState *node)
{
	RowChoiceState *state = (RowChoiceState *) node;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	int natts = slot->tts_tupleDescriptor->natts;
	TupleTableSlot *row;

	if (state->chosen == NULL)
		state->chosen = choose(state);
	row = ExecProcNode(state->chosen);
	if (TupIsNull(row))
		return NULL;
	slot_getallattrs(row);
	ExecClearTuple(slot);
	memcpy(slot->tts_values, row->tts_values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, row->tts_isnull, sizeof(bool) * natts);
	ExecStoreVirtualTuple(slot);
	if (node->ss.ps.ps_ProjInfo == NULL)
		return slot;
	ResetExprContext(econtext);
	econtext->ecxt_scantuple = slot;
	return ExecProject(node->ss.ps.ps_ProjInfo);
}

/* Executor callback: outer rows may be others now. */
static void
rescan_row_choice(CustomScanState *node)
{
	RowChoiceState *state = (RowChoiceState *) node;

	if (node->ss.ps.chgParam != NULL)
	{
		UpdateChangedParamSet(state->loop, node->ss.ps.chgParam);
		UpdateChangedParamSet(state->sort, node->ss.ps.chgParam);
	}
	ExecReScan(state->loop);
	ExecReScan(state->sort);
	state->chosen = NULL;
}

static void
end_row_choice(CustomScanState *node)
{
	RowChoiceState *state = (RowChoiceState *) node;

	ExecEndNode(state->loop);
	ExecEndNode(state->sort);
}

static const CustomExecMethods exec_methods = {
	.CustomName = DDB_ROW_CHOICE_NAME,
	.BeginCustomScan = begin_row_choice,
	.ExecCustomScan = exec_row_choice,
	.ReScanCustomScan = rescan_row_choice,
	.EndCustomScan = end_row_choice,
};

/* CustomScan callback: an empty state, filled by begin_row_choice(). */
static Node *
create_state(CustomScan *plan)
{
	RowChoiceState *state = palloc0(sizeof(RowChoiceState));

	(void) plan;
	state->custom.ss.ps.type = T_CustomScanState;
	state->custom.methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods ddb_row_choice_scan_methods = {
	.CustomName = DDB_ROW_CHOICE_NAME,
	.CreateCustomScanState = create_state,
};
