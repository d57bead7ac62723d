/* SPDX-License-Identifier: PostgreSQL */
/*
 * create_plan.c
 *		Turns the chosen candidate into a ForeignScan with an access plan.
 *
 * Expressions that the scan evaluates go to fdw_exprs; clauses that DynamoDB
 * decides go to fdw_recheck_quals, where EvalPlanQual and, when a constant
 * turns out to need it, the executor find them.
 */
#include "postgres.h"

#include "plan/create_plan.h"

#include "access/sysattr.h"
#include "compat.h"
#include "nodes/makefuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "plan/index_fetch_path.h"
#include "plan/index_use.h"
#include "plan/order.h"
#include "plan/path_candidate.h"
#include "plan/repeated_runs.h"
#include "plan/upper.h"

/* Attribute numbers of this relation's columns in some expressions. */
static Bitmapset *
columns_of(List *expressions, Index relid)
{
	Bitmapset *attributes = NULL;

	pull_varattnos((Node *) expressions, relid, &attributes);
	return attributes;
}

/*
 * Attribute numbers, ascending.  A whole-row reference means all columns;
 * system columns and dropped ones are left out.
 */
List *
ddb_plan_column_list(const DdbRelation *relation, Bitmapset *attributes)
{
	List *columns = NIL;
	bool whole_row =
		bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attributes);

	for (int i = 0; i < relation->ncolumns; i++)
	{
		int member = i + 1 - FirstLowInvalidHeapAttributeNumber;

		if (relation->columns[i].name != NULL &&
			(whole_row || bms_is_member(member, attributes)))
			columns = lappend_int(columns, i + 1);
	}
	return columns;
}

/* Adds an expression unless it is one that cannot be run from here. */
static int
add_limit_expression(Node *node, List **expressions)
{
	if (node == NULL || contain_subplans(node) ||
		contain_volatile_functions(node))
		return -1;
	*expressions = lappend(*expressions, copyObject(node));
	return list_length(*expressions) - 1;
}

/*
 * Hands LIMIT and OFFSET down as values of the plan, if the candidate's rows
 * are the query's rows. -1 stands for none.  An OFFSET that cannot be handed
 * down rules out the LIMIT too.
 */
static void
build_limit(PlannerInfo *root, const DdbCandidate *candidate,
			DdbAccessPlan *plan, List **expressions)
{
	if (!candidate->is_limited)
		return;
	plan->limit.count =
		add_limit_expression(root->parse->limitCount, expressions);
	plan->limit.offset =
		add_limit_expression(root->parse->limitOffset, expressions);
	if (root->parse->limitOffset != NULL && plan->limit.offset < 0)
		plan->limit.count = -1;
	plan->limit.with_ties = root->parse->limitOption == LIMIT_OPTION_WITH_TIES;
}

/*
 * The clauses that DynamoDB alone decides, or that the key implies.  They are
 * kept for re-checks.
 */
static List *
pushed_clauses(const DdbCandidate *candidate, List *scan_clauses)
{
	List *pushed = NIL;
	ListCell *lc;

	foreach (lc, scan_clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		/* (Not by their address: joins to partitions have copies.) */
		if (list_member(candidate->decided, rinfo))
			pushed = lappend(pushed, rinfo->clause);
	}
	return pushed;
}

/*
 * What an index does not hold cannot be read from a table that is declared to
 * be that index.
 */
static void
check_projection(const DdbPlanState *state, const DdbIndexInfo *index,
				 List *columns)
{
	ListCell *lc;

	if (!state->forced_index || !index->global)
		return;
	if (state->ttl_attribute != NULL &&
		!ddb_table_info_holds(state->info, index, state->ttl_attribute))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("cannot hide expired items of index \"%s\" of DynamoDB "
						"table \"%s\"",
						index->name, state->relation->table_name),
				 errdetail("The index does not hold the table's TTL attribute "
						   "\"%s\".",
						   state->ttl_attribute),
				 errhint("Set \"hide_expired\" to false on foreign table %s, "
						 "or drop its option \"index_name\".",
						 state->relation->name)));
	foreach (lc, columns)
	{
		DdbColumn *column = &state->relation->columns[lfirst_int(lc) - 1];

		if (!ddb_column_needs_item(column) &&
			!ddb_table_info_projects(state->info, index, column))
			ereport(ERROR,
					(errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
					 errmsg("index \"%s\" of DynamoDB table \"%s\" does not "
							"hold attribute \"%s\"",
							index->name, state->relation->table_name,
							column->label),
					 errhint("Leave column \"%s\" out of the query, or read "
							 "the table without option \"index_name\".",
							 column->name)));
	}
}

/*
 * True if FilterExpression may tell items that have expired.  A Query's may
 * not name its own key, nor may what the index does not hold be named.
 */
static bool
filter_takes_ttl(const DdbPlanState *state, const DdbCandidate *candidate)
{
	const DdbSource *source = candidate->source;

	return state->ttl_attribute != NULL && ddb_guc_pushdown &&
		   candidate->operation != DDB_OP_GET_ITEM &&
		   !(candidate->operation == DDB_OP_QUERY &&
			 ddb_key_schema_has(source->keys, state->ttl_attribute)) &&
		   (source->index == NULL ||
			ddb_table_info_holds(state->info, source->index,
								 state->ttl_attribute));
}

/* The templated columns of the keys that are read by. */
static List *
matched_columns(const DdbPlanState *state, const DdbCandidate *candidate)
{
	return ddb_key_templates_of_keys(state->relation, &state->info->keys,
									 candidate->source->keys);
}

/*
 * True if every item that is asked for matches the key templates, so that none
 * need be looked at.
 */
static bool
all_match(const DdbPlanState *state, const DdbCandidate *candidate)
{
	ListCell *lc;
	bool matches = true;

	foreach (lc, matched_columns(state, candidate))
		matches &= candidate->operation == DDB_OP_QUERY &&
				   candidate->keys.decide_match &&
				   ddb_key_schema_has(
					   candidate->source->keys,
					   state->relation->columns[lfirst_int(lc) - 1].attribute);
	return matches;
}

/*
 * True if the number of items will do, where nothing is checked locally.  The
 * columns must be told from the partition key.
 */
bool
ddb_plan_can_count(const DdbPlanState *state, const DdbCandidate *candidate,
				   List *columns)
{
	ListCell *lc;

	if (!ddb_guc_pushdown || candidate->operation == DDB_OP_GET_ITEM ||
		candidate->order.is_relied_upon || candidate->skip.is_wanted ||
		!all_match(state, candidate) ||
		(state->ttl_attribute != NULL && !filter_takes_ttl(state, candidate)))
		return false;
	foreach (lc, columns)
		if (!bms_is_member(lfirst_int(lc), candidate->key_columns) ||
			ddb_codec_set_get(state->codecs, lfirst_int(lc))->stored ==
				DDB_STORED_B)
			return false;
	return true;
}

/*
 * An index of keys alone has nothing to leave out.  (DynamoDB Local, given a
 * ProjectionExpression, fetches the item from the table and charges for it.)
 */
static bool
holds_keys_only(const DdbPlanState *state, const DdbCandidate *candidate,
				const DdbAccessPlan *plan)
{
	const DdbIndexInfo *index = candidate->source->index;
	ListCell *lc;

	if (index == NULL || index->projection != DDB_PROJECT_KEYS_ONLY ||
		(plan->filter.ttl_attribute != NULL &&
		 !ddb_table_info_holds(state->info, index, plan->filter.ttl_attribute)))
		return false;
	foreach (lc, list_concat_copy(plan->projection.columns,
								  plan->projection.recheck_columns))
		if (!ddb_table_info_projects(
				state->info, index,
				&state->relation->columns[lfirst_int(lc) - 1]))
			return false;
	return true;
}

/*
 * Settles which columns are read, which are fetched only to be checked again,
 * and whether items need not be fetched at all.
 */
static void
build_columns(RelOptInfo *rel, DdbPlanState *state,
			  const DdbCandidate *candidate, List *local, List *pushed,
			  DdbAccessPlan *plan)
{
	Bitmapset *needed = columns_of(rel->reltarget->exprs, rel->relid);
	List *columns;

	needed = bms_join(needed, columns_of(local, rel->relid));
	columns = ddb_plan_column_list(state->relation, needed);
	plan->projection.columns =
		ddb_key_templates_close(state->relation, columns, plan->filter.matched);
	plan->projection.recheck_columns = list_difference_int(
		ddb_key_templates_close(
			state->relation,
			ddb_plan_column_list(state->relation,
								 columns_of(pushed, rel->relid)),
			NIL),
		plan->projection.columns);
	check_projection(state, candidate->source->index,
					 list_concat_copy(plan->projection.columns,
									  plan->projection.recheck_columns));
	plan->projection.is_all = holds_keys_only(state, candidate, plan);
	plan->projection.is_count =
		local == NIL && ddb_plan_can_count(state, candidate, columns);
}

/*
 * True if rows fall out between DynamoDB's items and what the scan gives:
 * items of other tables, too, unless it is the key of this one that is asked
 * for.
 */
static bool
is_filtered(const DdbCandidate *candidate, const DdbAccessPlan *plan)
{
	return plan->filter.matched != NIL &&
		   (candidate->operation == DDB_OP_SCAN ||
			plan->source.index_name != NULL);
}

/*
 * Fills in what is read from: table or index, its keys, and the description
 * that the plan relies on.
 */
static void
build_source(const DdbPlanState *state, const DdbSource *source,
			 DdbPlanSource *part)
{
	const DdbIndexInfo *index = source->index;

	part->table_name = state->relation->table_name;
	part->generation = state->info->generation;
	part->index_name = index != NULL ? index->name : NULL;
	part->index_is_local = index != NULL && !index->global;
	part->is_consistent = state->consistent_read;
	part->is_snapshot = state->snapshot;
	part->keys_are_unique = index == NULL;
	part->keys = *source->keys;
	part->table_keys = state->info->keys;
	part->key_attributes = state->info->key_attributes;
	part->index_columns = state->index_columns;
}

/* Fills in what the candidate alone decides of the access plan. */
static void
build_access(const DdbPlanState *state, const DdbCandidate *candidate,
			 DdbAccessPlan *plan)
{
	const DdbSource *source = candidate->source;

	ddb_access_plan_init(plan, candidate->operation);
	build_source(state, source, &plan->source);
	plan->filter.pushed = candidate->filter;
	plan->filter.ttl_attribute = state->ttl_attribute;
	plan->filter.ttl_is_pushed = filter_takes_ttl(state, candidate);
	plan->filter.matched = matched_columns(state, candidate);
	plan->keys = candidate->keys;
	plan->keys.decide_match |= plan->filter.matched == NIL;
	plan->order = candidate->order;
	plan->skip = candidate->skip;
	plan->limit.hint = candidate->limit_hint;
	plan->segments.declared = state->relation->segment;
	plan->segments.declared_total = state->relation->total_segments;
	plan->segments.count = Max(candidate->segments, 1);
	plan->estimate.table_bytes = source->item_count * source->item_bytes;
	plan->estimate.item_bytes = source->item_bytes;
	plan->estimate.read_units = candidate->read_units;
}

/*
 * Notes in the plan of a full scan which indexes it might have used instead,
 * and of a Query why its rows have to be sorted.
 */
static void
explain_scan(PlannerInfo *root, RelOptInfo *rel, List *clauses,
			 DdbCandidate *candidate, DdbAccessPlan *plan)
{
	plan->order.obstacle = ddb_order_obstacle(
		root, rel, (const DdbPlanState *) rel->fdw_private, candidate);
	if (plan->operation == DDB_OP_SCAN && plan->source.index_name == NULL)
		plan->source.obstacles = ddb_index_obstacles(root, rel, clauses);
}

/* Which share of the items that the key selects the other clauses leave. */
static double
filter_selectivity(PlannerInfo *root, RelOptInfo *rel,
				   const DdbCandidate *candidate, List *scan_clauses)
{
	return clauselist_selectivity(
		root, list_difference(scan_clauses, candidate->by_key), rel->relid,
		JOIN_INNER, NULL);
}

/*
 * Read units of all that the candidate may read.  A table that DynamoDB counts
 * as empty is weighed as if it had grown (plan/paths), but told as it is.
 */
static double
expected_units(const DdbCandidate *candidate)
{
	const DdbSource *source = candidate->source;

	if (candidate->operation != DDB_OP_SCAN || !source->unknown ||
		candidate->fetched_rows <= source->item_count)
		return candidate->read_units;
	return candidate->read_units * source->item_count / candidate->fetched_rows;
}

/*
 * Read units that the pages take which a known LIMIT, or a first row that will
 * do, leaves to be read; all of them where nothing says when reading ends.
 */
static double
limited_units(RelOptInfo *rel, const DdbCandidate *candidate)
{
	double wanted = candidate->limit_hint;
	double least = Max(candidate->streams, 1) * 0.5;
	double units = expected_units(candidate);

	if (!candidate->is_limited || wanted < 0 || rel->rows <= 0)
		return units;
	return Min(units, Max(least, units * wanted / rel->rows));
}

/*
 * The scan gives counts.  Should its conditions have to be checked again when
 * it runs, items are fetched and counted here: so its tuples have room for
 * every column.
 */
static ForeignScan *
count_plan(PlannerInfo *root, const Path *path, DdbCandidate *candidate,
		   List *target_list)
{
	const DdbCount *count = (const DdbCount *) path->parent->fdw_private;
	DdbPlanState *state = (DdbPlanState *) count->rel->fdw_private;
	Index relid = count->rel->relid;
	DdbAccessPlan plan;
	List *pushed = extract_actual_clauses(candidate->decided, false);

	build_access(state, candidate, &plan);
	explain_scan(root, count->rel, candidate->decided, candidate, &plan);
	plan.projection.columns = count->group_columns;
	plan.projection.recheck_columns = list_difference_int(
		ddb_key_templates_close(
			state->relation,
			ddb_plan_column_list(
				state->relation,
				columns_of(list_concat_copy(pushed, count->aggregates), relid)),
			plan.filter.matched),
		plan.projection.columns);
	plan.projection.is_count = true;
	plan.counts.are_wanted = true;
	plan.counts.are_by_partition = count->grouped;
	plan.counts.columns = count->counted;
	plan.estimate.selectivity =
		filter_selectivity(root, count->rel, candidate, candidate->decided);
	ddb_plan_runs(root, path, candidate->values, &plan.runs);
	return make_foreignscan(target_list, count->having, 0, candidate->values,
							ddb_access_plan_serialize(&plan),
							ddb_upper_scan_tlist(count), pushed, NULL);
}

/*
 * Planner callback: turns the chosen candidate into an access plan.  A clause
 * stays local unless the candidate decides it.  Values become expressions of
 * the plan, in the order that the access plan refers to.
 */
ForeignScan *
ddbGetForeignPlan(PlannerInfo *root, RelOptInfo *rel, Oid relid,
				  ForeignPath *best_path, List *target_list, List *scan_clauses,
				  Plan *outer_plan)
{
	DdbCandidate *candidate = ddb_path_candidate(best_path);
	DdbPlanState *state;
	DdbAccessPlan plan;
	List *expressions;
	List *local = NIL;
	List *pushed;
	ListCell *lc;

	(void) relid;
	if (IS_UPPER_REL(rel))
		return count_plan(root, &best_path->path, candidate, target_list);
	state = (DdbPlanState *) rel->fdw_private;
	expressions = list_copy(candidate->values);
	pushed = pushed_clauses(candidate, scan_clauses);
	foreach (lc, scan_clauses)
	{
		/* Also join clauses, which come with lateral references. */
		if (!list_member(candidate->decided, lfirst(lc)))
			local = lappend(local, lfirst(lc));
	}
	local = extract_actual_clauses(local, false);
	build_access(state, candidate, &plan);
	explain_scan(root, rel, scan_clauses, candidate, &plan);
	build_limit(root, candidate, &plan, &expressions);
	build_columns(rel, state, candidate, local, pushed, &plan);
	plan.filter.is_local = local != NIL || is_filtered(candidate, &plan);
	plan.limit.reads_all = root->tuple_fraction <= 0;
	plan.estimate.read_units = limited_units(rel, candidate);
	plan.estimate.selectivity =
		filter_selectivity(root, rel, candidate, scan_clauses);
	if (candidate->source->partial)
		ddb_index_fetch_plan(root, rel, state, candidate, &plan, &expressions);
	ddb_plan_runs(root, &best_path->path, expressions, &plan.runs);
	return make_foreignscan(target_list, local, rel->relid, expressions,
							ddb_access_plan_serialize(&plan), NIL, pushed,
							outer_plan);
}
