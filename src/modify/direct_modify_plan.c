/* SPDX-License-Identifier: PostgreSQL */
/*
 * direct_modify_plan.c
 *		UPDATE and DELETE of one foreign table, done by its scan.
 *
 * The rows are read, filtered and changed as ever, but nothing passes through
 * PostgreSQL's ModifyTable: so many are written at once, and only what is
 * needed is read; nothing at all where the key says it all.
 */
#include "postgres.h"

#include "modify/direct_modify_plan.h"

#include "access/sysattr.h"
#include "clause/filter.h"
#include "codec/key_templates.h"
#include "modify/constraint.h"
#include "modify/modify_plan.h"
#include "modify/spool_plan.h"
#include "modify/unchanged.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/appendinfo.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "plan/create_plan.h"
#include "plan/relsize.h"
#include "plan/snapshot_plan.h"

/* One statement's writing of one table. */
typedef struct Context
{
	PlannerInfo *root;
	Index target;
	ForeignScan *scan;
	DdbRelation *relation;
	DdbAccessPlan *plan;
	DdbWritePlan *write;
	List *values; /* of Expr *: of write->updated */
	bool constrained; /* constraints look at what is set … */
	Bitmapset *looked_at; /* … and at these columns */
	bool decides_all; /* the condition says all that PostgreSQL would check */
} Context;

/*
 * The target's own scan, if its rows go straight to the node that writes; NULL
 * if anything stands between.
 */
static ForeignScan *
find_scan(const ModifyTable *modify, Index target, int subplan_index)
{
	Plan *plan = outerPlan(modify);
	ForeignScan *scan;

	if (IsA(plan, Append))
	{
		Append *append = (Append *) plan;

		if (subplan_index >= list_length(append->appendplans))
			return NULL;
		plan = (Plan *) list_nth(append->appendplans, subplan_index);
	}
	if (!IsA(plan, ForeignScan))
		return NULL;
	scan = (ForeignScan *) plan;
	return scan->scan.scanrelid == target && scan->operation == CMD_SELECT
			   ? scan
			   : NULL;
}

static Bitmapset *
columns_of(const Context *context, List *expressions)
{
	Bitmapset *attributes = NULL;

	pull_varattnos((Node *) expressions, context->target, &attributes);
	return attributes;
}

/*
 * Notes what is set to what.  False when a subquery gives several columns at
 * once, which takes more than an expression for each.
 */
static bool
take_values(Context *context)
{
	List *targets;
	List *attnums;
	ListCell *lc;
	ListCell *attnum;

	get_translated_update_targetlist(context->root, context->target, &targets,
									 &attnums);
	/* Behind the columns that are set come what rows carry besides. */
	forboth(lc, targets, attnum, attnums) context->values =
		lappend(context->values, lfirst_node(TargetEntry, lc)->expr);
	context->write->updated = attnums;
	context->write->kept =
		ddb_modify_kept_columns(targets, attnums, context->target);
	/* The subplan of (a, b) = (SELECT …) is behind the values. */
	return !contain_subplans((Node *) targets);
}

/*
 * True if a template's key depends on the column that is set, so that it must
 * be composed anew.
 */
static bool
is_templated(const Context *context, AttrNumber attnum)
{
	const DdbKeyTemplates *templates = context->relation->templates;

	for (int i = 0; templates != NULL && i < templates->n; i++)
		if (templates->items[i]->column->attnum == attnum ||
			list_member_int(templates->items[i]->companions, attnum))
			return true;
	return ddb_key_templates_depend(context->relation, attnum);
}

/*
 * True if a column is set that takes more of the row than itself: a variable
 * of a template, or a whole item.
 */
static bool
sets_more(const Context *context)
{
	ListCell *lc;

	foreach (lc, context->write->updated)
		if (is_templated(context, lfirst_int(lc)) ||
			ddb_column_needs_item(
				&context->relation->columns[lfirst_int(lc) - 1]))
			return true;
	return false;
}

/*
 * True if a key of the table is set.  It may only be set to what it is, for
 * which the row must be read.
 */
static bool
sets_table_key(const Context *context)
{
	ListCell *lc;

	foreach (lc, context->write->updated)
		if (ddb_key_schema_has(
				&context->plan->source.table_keys,
				context->relation->columns[lfirst_int(lc) - 1].attribute))
			return true;
	return false;
}

/*
 * The columns that the condition of a write may not use: the key needs none,
 * and what keys tell is not an attribute.
 */
static Bitmapset *
banned_columns(const Context *context)
{
	Bitmapset *columns = NULL;

	for (int i = 0; i < context->relation->ncolumns; i++)
	{
		const DdbColumn *column = &context->relation->columns[i];

		if (column->name != NULL &&
			(column->source != 0 || column->template != NULL ||
			 ddb_key_schema_has(&context->plan->source.table_keys,
								column->attribute)))
			columns = bms_add_member(columns, i + 1);
	}
	return columns;
}

/* Adds what can be said of the clauses; false when that is not all of them. */
static bool
add_conditions(Context *context, List *clauses)
{
	RelOptInfo *rel = context->root->simple_rel_array[context->target];
	DdbClauseContext clause_context = ddb_plan_clauses(context->root, rel);
	Bitmapset *banned = banned_columns(context);
	bool exact = true;
	ListCell *lc;

	foreach (lc, clauses)
		context->write->condition = ddb_filter_and(
			context->write->condition,
			ddb_filter_translate(&clause_context, (Expr *) lfirst(lc), banned,
								 &context->scan->fdw_exprs, &exact));
	return exact;
}

/*
 * What WHERE says must hold of the item as it is when it is written, as far as
 * DynamoDB can tell: others may have changed it since it was read.
 */
static void
make_condition(Context *context)
{
	if (!ddb_guc_pushdown)
		return;
	context->scan->fdw_exprs = list_copy(context->scan->fdw_exprs);
	context->decides_all =
		add_conditions(context, context->scan->scan.plan.qual);
	(void) add_conditions(context, context->scan->fdw_recheck_quals);
}

/* True if what is set gives the attribute a value, whatever the item has. */
static bool
sets_attribute(const Context *context, const char *attribute)
{
	ListCell *lc;

	foreach (lc, context->write->updated)
	{
		const DdbColumn *column =
			&context->relation->columns[lfirst_int(lc) - 1];

		if (column->reach == DDB_REACH_ATTRIBUTE &&
			strcmp(column->attribute, attribute) == 0)
			return true;
	}
	return false;
}

/*
 * The attributes (char *) that rows are shown of after they were written, where
 * no answer to the write tells them.
 */
static List *
untold_attributes(const Context *context)
{
	if (!context->relation->exactly_once || !context->write->returns)
		return NIL;
	return ddb_unchanged_attributes(context->relation,
									&context->plan->source.table_keys,
									context->write->returned);
}

/* True if they take more than what is set. */
static bool
shows_what_is_read(const Context *context)
{
	ListCell *lc;

	foreach (lc, untold_attributes(context))
		if (!sets_attribute(context, (char *) lfirst(lc)))
			return true;
	return false;
}

/*
 * True if nothing need be known of a row but what the condition of the write
 * says.  Then it is written without being read.
 */
static bool
is_blind(const Context *context)
{
	const DdbAccessPlan *plan = context->plan;

	return plan->operation == DDB_OP_GET_ITEM && plan->fetch.plan == NULL &&
		   bms_is_empty(context->looked_at) &&
		   !(context->constrained &&
			 contain_volatile_functions((Node *) context->values)) &&
		   (context->scan->scan.plan.qual == NIL || context->decides_all) &&
		   plan->filter.ttl_attribute == NULL && plan->keys.decide_match &&
		   !sets_more(context) && !sets_table_key(context) &&
		   columns_of(context, context->values) == NULL;
}

/*
 * What would be written without being read is read to be shown; and, as the
 * write would see it, as it is by now.
 */
static void
read_what_is_shown(Context *context)
{
	DdbAccessPlan *plan = context->plan;

	context->write->is_blind = false;
	if (!plan->source.is_consistent)
		plan->estimate.read_units *= 2;
	plan->source.is_consistent = true;
}

/* The columns of the table's key, by number, as far as there are any. */
static List *
key_columns(const Context *context)
{
	List *columns = NIL;
	ListCell *lc;

	foreach (lc, ddb_key_schema_names(&context->plan->source.table_keys))
	{
		const DdbColumn *column =
			ddb_relation_find_attribute(context->relation, lfirst(lc));

		if (column != NULL)
			columns = lappend_int(columns, column->attnum);
	}
	return columns;
}

/* Appends the name unless the list has it already. */
static List *
add_name(List *names, char *name)
{
	ListCell *lc;

	foreach (lc, names)
		if (strcmp(lfirst(lc), name) == 0)
			return names;
	return lappend(names, name);
}

/*
 * Adds the attribute that a column's values are taken from to those that must
 * be unchanged.  Raises an error for columns of many attributes.
 */
static void
check_column(Context *context, const DdbColumn *column)
{
	if (ddb_column_needs_item(column))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot write to foreign table %s with option "
							   "\"optimistic\"",
							   context->relation->name),
						errdetail("Column \"%s\" is read and shows many "
								  "attributes, which cannot be compared.",
								  column->name)));
	if (column->source != 0)
		column = &context->relation->columns[column->source - 1];
	if (!ddb_key_schema_has(&context->plan->source.table_keys,
							column->attribute))
		context->write->checked = add_name(
			context->write->checked, unconstify(char *, column->attribute));
}

/*
 * With option optimistic: notes all that WHERE and SET read, so that the
 * write's condition compares it.
 */
static void
check_what_is_read(Context *context)
{
	List *expressions =
		list_concat_copy(context->values, context->scan->scan.plan.qual);
	ListCell *lc;

	if (!context->relation->optimistic || context->write->is_blind)
		return;
	expressions = list_concat(expressions, context->scan->fdw_recheck_quals);
	foreach (lc,
			 ddb_plan_column_list(context->relation,
								  bms_union(columns_of(context, expressions),
											context->looked_at)))
		check_column(context, &context->relation->columns[lfirst_int(lc) - 1]);
}

/*
 * Asks for the attributes that must be unchanged, whole, behind the key's: those
 * of the condition first, then those that are shown.
 */
static void
read_unchanged(Context *context)
{
	DdbAccessPlan *rows = ddb_access_plan_last_step(context->plan);
	List *names = list_copy(context->write->checked);
	ListCell *lc;

	if (context->write->is_blind)
		return;
	foreach (lc, untold_attributes(context))
		names = add_name(names, (char *) lfirst(lc));
	if (names != NIL)
		rows->projection.position = names;
}

/*
 * Reads no more columns than it takes to find the item, to compute its values,
 * and to show what is returned.
 */
static void
narrow_columns(Context *context)
{
	DdbAccessPlan *plan = context->plan;
	Bitmapset *needed = columns_of(context, context->values);
	List *columns;

	plan->projection.is_count = false;
	if (sets_more(context) || plan->fetch.plan != NULL)
		return;
	needed =
		bms_join(needed, columns_of(context, context->scan->scan.plan.qual));
	needed = bms_join(needed, context->looked_at);
	/* These are looked at before the row is written, if it is read at all. */
	columns =
		list_concat_unique_int(ddb_plan_column_list(context->relation, needed),
							   context->write->returned);
	if (sets_table_key(context))
		columns = list_concat_unique_int(columns, key_columns(context));
	list_sort(columns, list_int_cmp);
	plan->projection.columns = ddb_key_templates_close(
		context->relation, columns, plan->filter.matched);
	plan->projection.recheck_columns = list_difference_int(
		ddb_key_templates_close(
			context->relation,
			ddb_plan_column_list(
				context->relation,
				columns_of(context, context->scan->fdw_recheck_quals)),
			NIL),
		plan->projection.columns);
}

/*
 * Takes the new values out of the scan's target list, since the scan computes
 * them itself, once.
 */
static void
blank_target_list(const Context *context)
{
	Plan *plan = &context->scan->scan.plan;
	ListCell *lc;
	ListCell *value;

	plan->targetlist = copyObject(plan->targetlist);
	forboth(lc, plan->targetlist, value, context->values)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);
		Node *expression = (Node *) entry->expr;

		if (equal(expression, lfirst(value)))
			entry->expr = (Expr *) makeNullConst(exprType(expression),
												 exprTypmod(expression),
												 exprCollation(expression));
	}
}

/*
 * Completes the plan: what the scan reads, the condition of each write, and
 * the filter that is checked before it.
 */
static void
finish(Context *context, CmdType operation)
{
	ForeignScan *scan = context->scan;
	DdbWritePlan *write = context->write;

	/* Keys are taken from items as they are stored, not from columns. */
	ddb_access_plan_last_step(context->plan)->projection.identity =
		ddb_key_schema_names(&context->plan->source.table_keys);
	/* Entries of an index move when they are written, here or elsewhere. */
	write->moves = context->plan->source.index_name != NULL && !write->deletes;
	make_condition(context);
	write->is_blind = is_blind(context);
	if (write->is_blind && shows_what_is_read(context))
		read_what_is_shown(context);
	check_what_is_read(context);
	read_unchanged(context);
	narrow_columns(context);
	if (scan->scan.plan.qual != NIL)
	{
		write->filter = list_length(scan->fdw_exprs);
		scan->fdw_exprs = lappend(list_copy(scan->fdw_exprs),
								  make_ands_explicit(scan->scan.plan.qual));
		scan->scan.plan.qual = NIL;
	}
	write->first_value = list_length(scan->fdw_exprs);
	scan->fdw_exprs = list_concat(list_copy(scan->fdw_exprs), context->values);
	context->plan->write = write;
	/* Its scan meets no item twice, whatever was written. */
	context->plan->source.is_snapshot = false;
	scan->fdw_private = ddb_access_plan_serialize(context->plan);
	blank_target_list(context);
	scan->operation = operation;
	scan->resultRelation = context->target;
	/* It gives no rows that others could wait for. */
	scan->scan.plan.async_capable = false;
}

/*
 * Planner callback: true if the scan writes its rows itself, after which the
 * plan is changed for that.  False leaves the work to ModifyTable, as with
 * joins and triggers.
 */
bool
ddbPlanDirectModify(PlannerInfo *root, ModifyTable *modify, Index target,
					int subplan_index)
{
	Context context = {.root = root, .target = target};

	ddb_modify_check_row_expressions(root, modify, target, subplan_index);
	context.scan = find_scan(modify, target, subplan_index);
	if (context.scan == NULL ||
		contain_subplans((Node *) context.scan->scan.plan.qual))
		return false;
	context.relation = ddb_relation_load(planner_rt_fetch(target, root)->relid);
	if (ddb_snapshot_shares_writes(root, context.relation))
		return false;
	context.plan = ddb_access_plan_deserialize(context.scan->fdw_private);
	ddb_key_templates_resolve(context.relation,
							  &context.plan->source.table_keys,
							  context.plan->source.key_attributes,
							  context.plan->source.index_columns);
	context.write = ddb_write_plan_create();
	context.write->deletes = modify->operation == CMD_DELETE;
	context.write->counts = modify->canSetTag;
	context.write->returns = modify->returningLists != NIL;
	if (context.write->returns)
		context.write->returned = ddb_plan_column_list(
			context.relation,
			columns_of(&context,
					   list_nth(modify->returningLists, subplan_index)));
	context.write->rereads = ddb_spool_rereads(root, target, context.relation);
	if (modify->operation == CMD_UPDATE && !take_values(&context))
		return false;
	if (modify->operation == CMD_UPDATE)
		context.constrained = ddb_constraints_concern(
			context.relation, context.write->updated, &context.looked_at);
	finish(&context, modify->operation);
	return true;
}
