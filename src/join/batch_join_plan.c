/* SPDX-License-Identifier: PostgreSQL */
/*
 * batch_join_plan.c
 *		Offers batched joins to the planner, and makes plans of them.
 *
 * Where join clauses give a foreign table's key, a nested loop would send a
 * request for each outer row.  Here the key values of many outer rows are
 * looked up together.  The outer side's order is kept.
 *
 * The outer side may itself be parameterised, as what is inside the nullable side
 * of an outer join: then the join is, and values of the relations further out
 * may be part of the keys.  Not offered to parallel workers.
 */
#include "postgres.h"

#include "join/batch_join_plan.h"

#include <math.h>

#include "clause/clause.h"
#include "compat.h"
#include "join/batch_join_exec.h"
#include "join/join_hook.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "plan/paths.h"
#include "plan/relsize.h"
#include "utils/lsyscache.h"

/* What a row takes in memory besides its columns: tuple header and links. */
#define ROW_OVERHEAD 64

/* With a LIMIT or a cursor, no more keys than one BatchGetItem first. */
#define MAX_FIRST_KEYS 100

/* Where one row will do; fewer are a request as well. */
#define FEW_KEYS 10

/* Keys for each row that is wanted, however few are expected to match. */
#define MAX_MISSES 2.0

/* A path with what its plan will need. */
typedef struct BatchPath
{
	CustomPath custom;
	JoinType jointype;
	List *restrictions; /* RestrictInfos of the join */
	List *hash_clauses; /* those of them that match rows */
	DdbBatchedScan *scan;
	int first_keys;
	int bytes_per_key;
} BatchPath;

/* What is asked of the hook, with what all paths share. */
typedef struct JoinContext
{
	DdbJoin join;

	/* of paths that need the same relations from further out */
	ParamPathInfo *param; /* NULL: none */
	double outer_rows;
	List *restrictions; /* RestrictInfos of the join */
} JoinContext;

/* As lists of integers, which plans are copied and sent as. */
List *
ddb_batch_join_serialize(const DdbBatchJoin *join)
{
	return list_make2(
		list_make3_int(join->jointype, join->first_keys, join->bytes_per_key),
		join->value_places);
}

/* The inverse of ddb_batch_join_serialize(), in the same order. */
void
ddb_batch_join_deserialize(List *list, DdbBatchJoin *join)
{
	List *numbers = (List *) linitial(list);

	join->jointype = (JoinType) linitial_int(numbers);
	join->first_keys = lsecond_int(numbers);
	join->bytes_per_key = lthird_int(numbers);
	join->value_places = (List *) lsecond(list);
}

/* ---- plans ---- */

/*
 * Where a value of the scan's keys comes from: the place of its hash clause,
 * or, counted down from -1, its place among the ranges, to which it is added.
 */
static int
value_place(Expr *value, List *hash_clauses, List **ranges)
{
	int place = 0;
	ListCell *lc;

	foreach (lc, hash_clauses)
	{
		OpExpr *clause = (OpExpr *) lfirst_node(RestrictInfo, lc)->clause;

		if (equal(value, linitial(clause->args)) ||
			equal(value, lsecond(clause->args)))
			return place;
		place++;
	}
	*ranges = list_append_unique(*ranges, value);
	place = 0;
	foreach (lc, *ranges)
	{
		if (equal(value, lfirst(lc)))
			break;
		place++;
	}
	return -1 - place;
}

/*
 * Clauses without their RestrictInfos, those of lower security levels first:
 * nothing may see rows before the conditions of a view have held.
 */
static List *
bare_clauses(List *restrictions)
{
	List *clauses = NIL;
	Index level = 0;
	ListCell *lc;

	while (list_length(clauses) < list_length(restrictions))
	{
		foreach (lc, restrictions)
			if (lfirst_node(RestrictInfo, lc)->security_level == level)
				clauses =
					lappend(clauses, lfirst_node(RestrictInfo, lc)->clause);
		level++;
	}
	return clauses;
}

/*
 * Splits the clauses as outer joins need it: joins decide about matches,
 * filters also see rows that have none.
 */
static void
split_clauses(const BatchPath *path, List **joins, List **filters)
{
	Relids relids = path->custom.path.parent->relids;
	ListCell *lc;

	*joins = NIL;
	*filters = NIL;
	foreach (lc, path->restrictions)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (list_member_ptr(path->hash_clauses, rinfo))
			continue;
		if (IS_OUTER_JOIN(path->jointype) &&
			RINFO_IS_PUSHED_DOWN(rinfo, relids))
			*filters = lappend(*filters, rinfo);
		else
			*joins = lappend(*joins, rinfo);
	}
	*joins = bare_clauses(*joins);
	*filters = bare_clauses(*filters);
}

/* Expressions as they are above the join, whichever side they were written for */
static List *
above_join(List *expressions, List *targets)
{
	return (List *) ddb_compat_match_nulling((Node *) expressions, targets);
}

/*
 * CustomPath callback: makes the plan node.  Hash clauses, ranges and join
 * clauses are kept apart, as the executor uses them at different times.
 */
static Plan *
plan_batch_join(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
				List *target_list, List *clauses, List *plans)
{
	const BatchPath *path = (const BatchPath *) best_path;
	CustomScan *plan = makeNode(CustomScan);
	DdbBatchJoin join = {path->jointype, path->first_keys, path->bytes_per_key,
						 NIL};
	/* The relation's too: what projects the plan's rows has the targets then. */
	List *targets =
		pull_var_clause((Node *) list_concat(get_tlist_exprs(target_list, true),
											 rel->reltarget->exprs),
						PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
							PVC_INCLUDE_PLACEHOLDERS);
	List *ranges = NIL;
	List *joins;
	List *filters;
	ListCell *lc;

	(void) root;
	(void) clauses;
	foreach (lc, path->scan->values)
		join.value_places = lappend_int(
			join.value_places,
			value_place((Expr *) lfirst(lc), path->hash_clauses, &ranges));
	split_clauses(path, &joins, &filters);
	plan->scan.plan.targetlist = above_join(target_list, targets);
	plan->scan.plan.qual = above_join(filters, targets);
	plan->flags = best_path->flags;
	plan->methods = &ddb_batch_join_scan_methods;
	plan->custom_plans = plans;
	plan->custom_scan_tlist = above_join(ddb_join_columns(plans), targets);
	plan->custom_exprs =
		list_make3(above_join(bare_clauses(path->hash_clauses), targets),
				   above_join(ranges, targets), above_join(joins, targets));
	plan->custom_private = ddb_batch_join_serialize(&join);
	return &plan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = DDB_BATCH_JOIN_NAME,
	.PlanCustomPath = plan_batch_join,
};

/* ---- paths ---- */

/*
 * True if the inner side is a foreign table of ours that can be looked up by
 * keys.
 */
static bool
may_batch(const JoinContext *context)
{
	const RelOptInfo *inner = context->join.inner;

	if (!ddb_plan_is_ours(inner) || !bms_is_empty(inner->lateral_relids) ||
		((const DdbPlanState *) inner->fdw_private)->snapshot)
		return false;
	return !ddb_join_is_pseudoconstant(inner->baserestrictinfo);
}

/*
 * Clauses that may give keys: strict operators, and of outer joins only those
 * that are part of the join condition.
 */
static List *
key_clauses(const JoinContext *context)
{
	List *clauses = NIL;
	ListCell *lc;

	foreach (lc, context->restrictions)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (IsA(rinfo->clause, OpExpr) &&
			op_strict(((OpExpr *) rinfo->clause)->opno) &&
			!(IS_OUTER_JOIN(context->join.jointype) &&
			  RINFO_IS_PUSHED_DOWN(rinfo, context->join.joinrel->relids)))
			clauses = lappend(clauses, rinfo);
	}
	return clauses;
}

/*
 * Those of the clauses that compare a value of the scan's keys by equality and
 * can be hashed.
 */
static List *
hash_clauses(const JoinContext *context, const DdbBatchedScan *scan,
			 List *clauses)
{
	DdbClauseContext columns =
		ddb_plan_clauses(context->join.root, context->join.inner);
	List *found = NIL;
	ListCell *lc;

	foreach (lc, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		OpExpr *clause = (OpExpr *) rinfo->clause;
		DdbComparison comparison;

		if (ddb_clause_match_one(&columns, rinfo->clause, &comparison) &&
			comparison.condition.op == DDB_COMPARE_EQ &&
			list_member(scan->values, comparison.value) &&
			op_hashjoinable(clause->opno, exprType(linitial(clause->args))))
			found = lappend(found, rinfo);
	}
	return found;
}

static double
joined_rows(const JoinContext *context)
{
	return context->param != NULL ? context->param->ppi_rows
								  : context->join.joinrel->rows;
}

/*
 * True if a semi- or antijoin above runs this join for each of its rows, and
 * stops at the first match.
 */
static bool
first_row_will_do(const JoinContext *context)
{
	ListCell *lc;

	if (context->param == NULL)
		return false;
	foreach (lc, context->join.root->join_info_list)
	{
		SpecialJoinInfo *join = lfirst_node(SpecialJoinInfo, lc);

		if ((join->jointype == JOIN_SEMI || join->jointype == JOIN_ANTI) &&
			bms_is_subset(context->join.joinrel->relids, join->syn_righthand) &&
			bms_overlap(context->param->ppi_req_outer, join->syn_lefthand))
			return true;
	}
	return false;
}

/*
 * How many keys to look up first: as many as bring the rows that are wanted,
 * when fewer than all are.
 */
static int
first_keys(const JoinContext *context)
{
	double wanted = context->join.root->tuple_fraction;
	double misses = context->outer_rows / Max(joined_rows(context), 1);

	/* Too few are soon doubled; too many cost what nobody wants. */
	misses = Max(1, Min(misses, MAX_MISSES));
	if (first_row_will_do(context))
		return (int) ceil(FEW_KEYS * misses);
	if (wanted <= 0)
		return DDB_MAX_BATCH_JOIN_KEYS;
	if (wanted < 1)
		return MAX_FIRST_KEYS;
	return (int) Min(ceil(wanted * misses), MAX_FIRST_KEYS);
}

/*
 * Costs both children once, hashing of the rows on each side, and the clauses
 * for each match.
 */
static void
set_costs(const JoinContext *context, const Path *outer, BatchPath *path)
{
	const Path *inner = path->scan->path;
	const PathTarget *target = context->join.joinrel->reltarget;
	double matches = Max(joined_rows(context), 1);
	double hashes = list_length(path->hash_clauses) * cpu_operator_cost;
	Path *result = &path->custom.path;
	QualCost clauses;

	cost_qual_eval(&clauses, path->restrictions, context->join.root);
	result->rows = joined_rows(context);
	result->startup_cost = outer->startup_cost + inner->startup_cost +
						   clauses.startup + target->cost.startup;
	result->total_cost =
		outer->total_cost + inner->total_cost + clauses.startup +
		target->cost.startup + outer->rows * (hashes + cpu_tuple_cost) +
		inner->rows * hashes +
		matches * (clauses.per_tuple + cpu_tuple_cost + target->cost.per_tuple);
	/* But of a semi-join, the loop reads no more than one match. */
	if (path->jointype == JOIN_INNER || path->jointype == JOIN_LEFT ||
		path->scan->rows_per_key <= 1)
		result->total_cost -= DDB_JOIN_CERTAINTY_GAIN;
	result->total_cost = Max(result->total_cost, result->startup_cost);
	ddb_compat_add_disabled(result, outer);
}

/*
 * What the rows of a key take, as far as one knows before the first come.  Whole
 * items may come 16 MB at once, where a Query's pages end at one: so of those it
 * is the mean item that counts, however few columns are wanted.
 */
static int
bytes_per_key(const JoinContext *context, const DdbBatchedScan *scan)
{
	double width = context->join.inner->reltarget->width + ROW_OVERHEAD;

	if (scan->candidate->operation == DDB_OP_GET_ITEM)
		width = Max(width, scan->candidate->source->item_bytes);
	return (int) Min(Max(scan->rows_per_key, 1) * width, PG_INT32_MAX / 2);
}

/*
 * Offers the join of this outer path with the batched scan.  The outer order
 * is kept.
 */
static void
add_batch_path(const JoinContext *context, Path *outer, DdbBatchedScan *scan,
			   List *clauses)
{
	BatchPath *path = palloc0(sizeof(BatchPath));
	Path *result = &path->custom.path;

	path->custom.path.type = T_CustomPath;
	path->custom.flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom.custom_paths = list_make2(outer, scan->path);
	path->custom.methods = &path_methods;
	path->jointype = context->join.jointype;
	path->restrictions = context->restrictions;
	path->hash_clauses = clauses;
	path->scan = scan;
	path->first_keys = first_keys(context);
	path->bytes_per_key = bytes_per_key(context, scan);
	result->pathtype = T_CustomScan;
	result->parent = context->join.joinrel;
	result->pathtarget = context->join.joinrel->reltarget;
	result->param_info = context->param;
	result->pathkeys =
		build_join_pathkeys(context->join.root, context->join.joinrel,
							context->join.jointype, outer->pathkeys);
	set_costs(context, outer, path);
	add_path(context->join.joinrel, result);
}

/*
 * True if the first row that a key finds is as good as all: then nothing may
 * be left to compare but the key.
 */
static bool
one_is_enough(const JoinContext *context, const DdbBatchedScan *scan,
			  List *clauses)
{
	List *ranges = NIL;
	ListCell *lc;

	if ((context->join.jointype != JOIN_SEMI &&
		 context->join.jointype != JOIN_ANTI) ||
		list_difference_ptr(context->restrictions, clauses) != NIL ||
		list_difference_ptr(clauses, scan->decided) != NIL)
		return false;
	foreach (lc, scan->values)
		(void) value_place((Expr *) lfirst(lc), clauses, &ranges);
	return ranges == NIL;
}

/* With each way to read the outer side, and each to look up the inner one. */
static void
add_batch_paths(const JoinContext *context, List *outer_paths)
{
	List *keys = key_clauses(context);
	ListCell *lc;

	foreach (lc, ddb_paths_batched(context->join.root, context->join.inner,
								   keys, context->outer_rows))
	{
		DdbBatchedScan *scan = (DdbBatchedScan *) lfirst(lc);
		List *clauses = hash_clauses(context, scan, keys);
		ListCell *inner;

		if (clauses == NIL)
			continue;
		if (one_is_enough(context, scan, clauses))
			ddb_paths_want_one(context->join.inner, scan);
		foreach (inner, outer_paths)
			add_batch_path(context, (Path *) lfirst(inner), scan, clauses);
	}
}

/*
 * The paths that need the same relations as this one.  NIL if an earlier one
 * needs them too, which has been dealt with then.
 */
static List *
paths_like(List *paths, const Path *path)
{
	List *found = NIL;
	ListCell *lc;

	foreach (lc, paths)
	{
		Path *other = (Path *) lfirst(lc);

		if (!bms_equal(PATH_REQ_OUTER(other), PATH_REQ_OUTER(path)))
			continue;
		if (found == NIL && other != path)
			return NIL;
		found = lappend(found, other);
	}
	return found;
}

/*
 * True if the join may be parameterised like this outer path.  Only where join
 * order needs it, as PostgreSQL has it.  Partitionwise joins would want our
 * paths translated to partitions of the relations further out.
 */
static bool
may_parameterize(const JoinContext *context, Relids required)
{
	if (!bms_is_subset(context->join.joinrel->lateral_relids, required))
		return false;
	return bms_is_empty(required) ||
		   (!bms_overlap(required, context->join.inner->relids) &&
			bms_overlap(required, context->join.extra->param_source_rels) &&
			!(enable_partitionwise_join &&
			  context->join.root->append_rel_list != NIL));
}

/*
 * Offers joins of the outer paths, in groups that are parameterized by the
 * same relations.
 */
static void
add_all_paths(JoinContext *context, List *outer_paths)
{
	ListCell *lc;

	foreach (lc, outer_paths)
	{
		Path *outer = (Path *) lfirst(lc);
		Path inner = {.type = T_Path, .parent = context->join.inner};
		Relids required = PATH_REQ_OUTER(outer);
		List *alike = paths_like(outer_paths, outer);

		if (alike == NIL || !may_parameterize(context, required))
			continue;
		context->outer_rows = outer->rows;
		context->restrictions = context->join.extra->restrictlist;
		context->param = get_joinrel_parampathinfo(
			context->join.root, context->join.joinrel, outer, &inner,
			context->join.extra->sjinfo, bms_copy(required),
			&context->restrictions);
		add_batch_paths(context, alike);
	}
}

/* Where each outer row is to be taken once, that is an inner join of them. */
static List *
unique_paths(JoinContext *context)
{
	Path *path = context->join.outer->cheapest_total_path;

	if (context->join.jointype != JOIN_UNIQUE_OUTER)
		return context->join.outer->pathlist;
	context->join.jointype = JOIN_INNER;
	if (PATH_REQ_OUTER(path) != NULL)
		return NIL;
	path = (Path *) create_unique_path(context->join.root, context->join.outer,
									   path, context->join.extra->sjinfo);
	return path != NULL ? list_make1(path) : NIL;
}

/*
 * Inner, left, semi and anti joins only; RIGHT and FULL would need the inner
 * side whole.
 */
void
ddb_batch_join_add_paths(const DdbJoin *join)
{
	JoinContext context = {.join = *join};

	if (may_batch(&context) &&
		(join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT ||
		 join->jointype == JOIN_SEMI || join->jointype == JOIN_ANTI ||
		 join->jointype == JOIN_UNIQUE_OUTER))
		add_all_paths(&context, unique_paths(&context));
}
