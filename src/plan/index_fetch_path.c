/* SPDX-License-Identifier: PostgreSQL */
/*
 * index_fetch_path.c
 *		Reading by an index that does not hold all columns that are needed.
 *
 * The index is asked for the keys of the rows, which it always holds, and the
 * table for the items.  Conditions on what the index holds are decided before
 * anything is fetched; all of them are checked again on the items.
 */
#include "postgres.h"

#include "plan/index_fetch_path.h"

#include "access/sysattr.h"
#include "nodes/makefuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "plan/create_plan.h"
#include "plan/query_shape.h"
#include "plan/snapshot_plan.h"

/* Columns of ours in some expressions, and what their values are made of. */
static List *
columns_in(const DdbPlanState *state, Index relid, Node *expressions)
{
	Bitmapset *attributes = NULL;

	pull_varattnos(expressions, relid, &attributes);
	return ddb_key_templates_close(
		state->relation, ddb_plan_column_list(state->relation, attributes),
		NIL);
}

/*
 * True if PostgreSQL can check the clause on an entry of the index, before its
 * item is fetched, and again on the item.
 */
static bool
checks_entries(const RelOptInfo *rel, const DdbPlanState *state,
			   const DdbIndexInfo *index, RestrictInfo *rinfo)
{
	Node *clause = (Node *) rinfo->clause;
	Bitmapset *attributes = NULL;

	/* An entry has no system columns. */
	pull_varattnos(clause, rel->relid, &attributes);
	if (bms_next_member(attributes, -1) >= 0 &&
		bms_next_member(attributes, -1) + FirstLowInvalidHeapAttributeNumber <
			0)
		return false;
	/* Nor are other parts' values known before they have run. */
	if (state->snapshot && ddb_clause_asks((Node *) clause))
		return false;
	return ddb_guc_pushdown && !rinfo->pseudoconstant &&
		   !contain_volatile_functions(clause) && !contain_subplans(clause) &&
		   restriction_is_securely_promotable(rinfo, (RelOptInfo *) rel) &&
		   ddb_table_info_holds_all(state->info, state->relation, index,
									columns_in(state, rel->relid, clause));
}

/*
 * Sorts the clauses of a candidate: those that entries can be checked by, and
 * those that need the item.  Fewer keys are fetched for each of the former.
 */
void
ddb_index_fetch_prepare(PlannerInfo *root, RelOptInfo *rel,
						const DdbPlanState *state, DdbCandidate *candidate)
{
	List *before = list_difference_ptr(candidate->decided, candidate->by_key);
	List *after = NIL;
	ListCell *lc;

	foreach (lc, candidate->local)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (checks_entries(rel, state, candidate->source->index, rinfo))
			candidate->entry_clauses = lappend(candidate->entry_clauses, rinfo);
		else
			after = lappend(after, rinfo);
	}
	before = list_concat(before, candidate->entry_clauses);
	candidate->fetched_keys =
		candidate->fetched_rows *
		clauselist_selectivity(root, before, rel->relid, JOIN_INNER, NULL);
	candidate->filters_items = after != NIL;
	candidate->item_selectivity =
		clauselist_selectivity(root, after, rel->relid, JOIN_INNER, NULL);
}

/*
 * The columns of the index's sort key, by number, which merging several ranges
 * compares, and what they are made of.
 */
static List *
sort_columns(const DdbPlanState *state, const DdbSource *source)
{
	const DdbKeySchema *keys = source->keys;
	List *columns = NIL;

	for (int i = keys->npartition; i < keys->n; i++)
	{
		const DdbColumn *column = ddb_relation_find_attribute(
			state->relation, keys->attributes[i].name);

		if (column != NULL)
			columns = lappend_int(columns, column->attnum);
	}
	return ddb_key_templates_close(state->relation, columns, NIL);
}

/*
 * An item may have moved in the index since the index listed it, or since the
 * index learned of it.  Then its row, where it is listed, is out of order.  At
 * the top of a query, where the order is but how rows are shown, it stays there:
 * so the index itself would have shown it.  Below joins, groups and the like
 * rows could be lost or wrong: there PostgreSQL sorts.  A subquery's LIMIT does
 * not work without the order, which others may rely on: there an item that has
 * moved is left out, as a Query may miss one that moves while it is read.
 */
bool
ddb_index_fetch_may_order(PlannerInfo *root, const DdbPlanState *state,
						  const DdbSource *source)
{
	return ddb_limit_is_plain(root) &&
		   bms_membership(root->all_baserels) == BMS_SINGLETON &&
		   (root->parent_root == NULL || root->parse->limitCount != NULL) &&
		   ddb_table_info_holds_all(state->info, state->relation, source->index,
									sort_columns(state, source));
}

/*
 * The plan of the second step: what the first one says of rows, read by keys
 * of the table.
 */
static DdbAccessPlan *
second_plan(const DdbPlanState *state, const DdbCandidate *candidate,
			const DdbAccessPlan *plan)
{
	DdbAccessPlan *second = palloc(sizeof(DdbAccessPlan));
	const DdbSource *table = (DdbSource *) linitial(state->sources);

	ddb_access_plan_init(second, DDB_OP_GET_ITEM);
	second->source = plan->source;
	second->source.index_name = NULL;
	second->source.index_is_local = false;
	second->source.keys_are_unique = true;
	second->source.keys = plan->source.table_keys;
	second->keys.are_many = true;
	second->filter.ttl_attribute = plan->filter.ttl_attribute;
	second->filter.is_local = candidate->filters_items;
	second->filter.matched = plan->filter.matched;
	second->projection.columns = plan->projection.columns;
	second->projection.recheck_columns = plan->projection.recheck_columns;
	second->projection.identity = plan->projection.identity;
	second->projection.position = plan->projection.position;
	second->estimate.table_bytes = table->item_count * table->item_bytes;
	second->estimate.item_bytes = table->item_bytes;
	second->estimate.selectivity = candidate->item_selectivity;
	second->fetch.is_second = true;
	return second;
}

/*
 * Settles what is asked for of entries besides their keys.  What an index does
 * not hold is left to the items, which are then checked.
 */
static void
build_entries(RelOptInfo *rel, const DdbPlanState *state,
			  const DdbCandidate *candidate, DdbAccessPlan *plan)
{
	const DdbIndexInfo *index = candidate->source->index;
	List *columns = columns_in(
		state, rel->relid,
		(Node *) extract_actual_clauses(candidate->entry_clauses, false));
	List *matching;

	if (candidate->order.is_relied_upon && candidate->keys.are_many)
		columns = list_concat_unique_int(
			columns, sort_columns(state, candidate->source));
	matching =
		ddb_key_templates_close(state->relation, columns, plan->filter.matched);
	/* Whether an entry's item is a row can often be told by its keys. */
	if (ddb_table_info_holds_all(state->info, state->relation, index, matching))
		columns = matching;
	else
	{
		plan->filter.matched = NIL;
		plan->filter.is_local = plan->fetch.plan->filter.is_local = true;
	}
	plan->projection.columns = columns;
	plan->projection.recheck_columns = NIL;
	if (plan->filter.ttl_attribute != NULL &&
		!ddb_table_info_holds(state->info, index, plan->filter.ttl_attribute))
	{
		plan->filter.ttl_attribute = NULL;
		plan->filter.is_local = plan->fetch.plan->filter.is_local = true;
	}
	plan->projection.is_all = index->projection == DDB_PROJECT_KEYS_ONLY;
	plan->projection.is_count = false;
}

/*
 * Does nothing about entries if no clause can be checked on them.  Otherwise
 * one expression checks them all.
 */
void
ddb_index_fetch_plan(PlannerInfo *root, RelOptInfo *rel,
					 const DdbPlanState *state, const DdbCandidate *candidate,
					 DdbAccessPlan *plan, List **expressions)
{
	List *clauses = extract_actual_clauses(candidate->entry_clauses, false);

	plan->projection.identity = ddb_key_schema_names(&plan->source.table_keys);
	if (candidate->order.is_relied_upon && root->parent_root != NULL)
		plan->projection.position = ddb_key_schema_names(&plan->source.keys);
	plan->fetch.plan = second_plan(state, candidate, plan);
	build_entries(rel, state, candidate, plan);
	if (clauses == NIL)
		return;
	plan->fetch.entry_filter = list_length(*expressions);
	*expressions =
		lappend(*expressions, copyObject(make_ands_explicit(clauses)));
}
