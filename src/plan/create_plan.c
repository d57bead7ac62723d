/*
 * create_plan.c
 *		Turns the chosen candidate into a ForeignScan with an access plan.
 *
 * Expressions that the scan evaluates go to fdw_exprs; clauses that DynamoDB
 * decides go to fdw_recheck_quals, where EvalPlanQual and, when a constant
 * turns out to need it, the executor find them.
 */
#include "postgres.h"

#include "plan/plan_state.h"

#include "access/sysattr.h"
#include "compat.h"
#include "nodes/makefuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"

/* Attribute numbers of this relation's columns in some expressions. */
static Bitmapset *
columns_of(List *expressions, Index relid)
{
	Bitmapset  *attributes = NULL;

	pull_varattnos((Node *) expressions, relid, &attributes);
	return attributes;
}

/* Live columns of a set that pull_varattnos filled, as a list. */
static List *
column_list(const DdbRelation *relation, Bitmapset *attributes)
{
	List	   *columns = NIL;
	bool		whole_row =
		bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attributes);

	for (int i = 0; i < relation->ncolumns; i++)
	{
		int			member = i + 1 - FirstLowInvalidHeapAttributeNumber;

		if (relation->columns[i].name != NULL &&
			(whole_row || bms_is_member(member, attributes)))
			columns = lappend_int(columns, i + 1);
	}
	return columns;
}

/* Conditions on one part of the key, added to a list. */
static List *
build_conditions(List *conditions, const DdbCandidate *candidate,
				 bool on_sort, List **expressions)
{
	ListCell   *lc;

	foreach(lc, candidate->key_clauses)
	{
		DdbKeyClause *clause = (DdbKeyClause *) lfirst(lc);
		DdbKeyCondition *condition;

		if (clause->on_sort != on_sort)
			continue;
		condition = palloc0(sizeof(DdbKeyCondition));
		condition->on_sort = clause->on_sort;
		condition->position = clause->position;
		condition->op = clause->op;
		condition->value = list_length(*expressions);
		condition->value_typid = clause->value_typid;
		*expressions = lappend(*expressions, clause->value);
		conditions = lappend(conditions, condition);
	}
	return conditions;
}

/* Adds an expression unless it is one that cannot be run from here. */
static int
add_limit_expression(Node *node, List **expressions)
{
	if (node == NULL || contain_subplans(node))
		return -1;
	*expressions = lappend(*expressions, copyObject(node));
	return list_length(*expressions) - 1;
}

static void
build_limit(PlannerInfo *root, const DdbCandidate *candidate,
			DdbAccessPlan *plan, List **expressions)
{
	plan->limit_value = -1;
	plan->offset_value = -1;
	if (!candidate->limited)
		return;
	plan->limit_value = add_limit_expression(root->parse->limitCount,
											 expressions);
	plan->offset_value = add_limit_expression(root->parse->limitOffset,
											  expressions);
	if (root->parse->limitOffset != NULL && plan->offset_value < 0)
		plan->limit_value = -1;
	plan->with_ties = root->parse->limitOption == LIMIT_OPTION_WITH_TIES;
}

/* The clauses that DynamoDB decides alone: exact ones, and implied ones. */
static List *
pushed_clauses(const DdbCandidate *candidate, List *scan_clauses)
{
	List	   *pushed = NIL;
	ListCell   *lc;

	foreach(lc, scan_clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (!rinfo->pseudoconstant &&
			!list_member_ptr(candidate->local, rinfo))
			pushed = lappend(pushed, rinfo->clause);
	}
	return pushed;
}

/*
 * An attribute that a global index does not hold cannot be read from it.
 */
static void
check_projection(const DdbPlanState *state, List *columns)
{
	ListCell   *lc;

	if (state->index == NULL || !state->index->global ||
		state->index->projection == DDB_PROJECT_ALL)
		return;
	foreach(lc, columns)
	{
		DdbColumn  *column = &state->relation->columns[lfirst_int(lc) - 1];

		if (!ddb_table_info_projects(state->info, state->index,
									 column->attribute))
			ereport(ERROR,
					(errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
					 errmsg("index \"%s\" of DynamoDB table \"%s\" does not hold attribute \"%s\"",
							state->index->name, state->relation->table_name,
							column->attribute),
					 errhint("Leave column \"%s\" out of the query, or read the table without option \"index_name\".",
							 column->name)));
	}
}

static void
build_columns(RelOptInfo *rel, const DdbPlanState *state, List *local,
			  List *pushed, DdbAccessPlan *plan)
{
	Bitmapset  *needed = columns_of(rel->reltarget->exprs, rel->relid);

	needed = bms_join(needed, columns_of(local, rel->relid));
	plan->columns = column_list(state->relation, needed);
	plan->recheck_columns =
		list_difference_int(column_list(state->relation,
										columns_of(pushed, rel->relid)),
							plan->columns);
	check_projection(state, plan->columns);
	plan->count_only = plan->columns == NIL && local == NIL &&
		plan->operation != DDB_OP_GET_ITEM;
}

ForeignScan *
ddbGetForeignPlan(PlannerInfo *root, RelOptInfo *rel, Oid relid,
				  ForeignPath *best_path, List *target_list,
				  List *scan_clauses, Plan *outer_plan)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	DdbCandidate *candidate =
		list_nth(state->candidates, intVal(linitial(best_path->fdw_private)));
	DdbAccessPlan plan = {0};
	List	   *expressions = NIL;
	List	   *local = NIL;
	List	   *pushed = pushed_clauses(candidate, scan_clauses);
	ListCell   *lc;

	(void) relid;
	foreach(lc, scan_clauses)
	{
		if (list_member_ptr(candidate->local, lfirst(lc)))
			local = lappend(local, lfirst(lc));
	}
	local = extract_actual_clauses(local, false);
	plan.operation = candidate->operation;
	plan.table_name = state->relation->table_name;
	plan.index_name = state->index != NULL ? state->index->name : NULL;
	plan.consistent_read = state->consistent_read;
	plan.keys = *state->keys;
	plan.conditions = build_conditions(NIL, candidate, false, &expressions);
	plan.conditions = build_conditions(plan.conditions, candidate, true,
									   &expressions);
	build_limit(root, candidate, &plan, &expressions);
	build_columns(rel, state, local, pushed, &plan);
	plan.ordered = candidate->ordered;
	plan.backward = candidate->backward;
	plan.keys_unique = state->index == NULL;
	plan.filtered = local != NIL;
	plan.selectivity = clauselist_selectivity(root, local, rel->relid,
											  JOIN_INNER, NULL);
	plan.segment = state->relation->segment;
	plan.total_segments = state->relation->total_segments;
	plan.table_bytes = state->item_count * state->item_bytes;
	plan.item_bytes = state->item_bytes;
	plan.read_units = candidate->read_units;
	return make_foreignscan(target_list, local, rel->relid, expressions,
							ddb_access_plan_serialize(&plan), NIL, pushed,
							outer_plan);
}
