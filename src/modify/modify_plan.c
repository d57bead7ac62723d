/* SPDX-License-Identifier: PostgreSQL */
/*
 * modify_plan.c
 *		What rows must carry to be updated and deleted: their item's key.
 */
#include "postgres.h"

#include "modify/modify_plan.h"

#include "access/sysattr.h"
#include "codec/codec.h"
#include "codec/encode_constant.h"
#include "codec/key_templates.h"
#include "compat.h"
#include "model/table_info.h"
#include "modify/spool_plan.h"
#include "nodes/makefuncs.h"
#include "optimizer/appendinfo.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "plan/system_columns.h"
#include "remote/describe.h"
#include "utils/builtins.h"

/*
 * The columns (attnums) that an INSERT names, or that have defaults: others are
 * not in its target list before it is filled up.
 */
static List *
named_columns(const PlannerInfo *root)
{
	List *attnums = NIL;
	ListCell *lc;

	foreach (lc, root->parse->targetList)
	{
		const TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (!entry->resjunk)
			attnums = lappend_int(attnums, entry->resno);
	}
	return attnums;
}

/*
 * Planner callback: a mask of 1 << CMD_x.  Raises no error, so that views can
 * ask.
 */
int
ddbIsForeignRelUpdatable(Relation rel)
{
	const DdbRelation *relation = ddb_relation_load(RelationGetRelid(rel));

	/* An index is read, never written. */
	if (!relation->updatable || relation->index_name != NULL)
		return 0;
	/* Nobody knows in which segment a new item will be. */
	return (relation->segment < 0 ? 1 << CMD_INSERT : 0) | (1 << CMD_UPDATE) |
		   (1 << CMD_DELETE);
}

const char *
ddb_modify_key_name(const DdbColumn *column)
{
	/* Partitions share it where their columns are alike. */
	return psprintf("ddb_fdw key %d %u %d %u", column->attnum, column->typid,
					column->typmod, column->collation);
}

/* The role and its user mapping are those of the table that is written. */
static DdbTableInfo *
table_info(PlannerInfo *root, RangeTblEntry *rte, DdbRelation *relation)
{
	ddb_compat_check_permissions(root, rte);
	ddb_compat_check_permissions(
		root, rt_fetch(root->parse->resultRelation, root->parse->rtable));
	return ddb_describe_table(relation, ddb_compat_target_userid(root, rte));
}

/*
 * Adds the column of a key attribute to what identifies rows, if there is one.
 */
static void
add_key_column(PlannerInfo *root, Index rtindex, DdbRelation *relation,
			   TupleDesc descriptor, const char *attribute)
{
	const DdbColumn *column = ddb_relation_find_attribute(relation, attribute);
	Var *key;

	/* A scan that writes its rows itself needs none. */
	if (column == NULL)
		return;
	key = makeVar(rtindex, column->attnum, column->typid,
				  TupleDescAttr(descriptor, column->attnum - 1)->atttypmod,
				  column->collation, 0);
	add_row_identity_var(root, key, rtindex, ddb_modify_key_name(column));
}

/*
 * Planner callback: rows to be changed carry their keys, and for DELETE with
 * RETURNING the whole old row.
 */
void
ddbAddForeignUpdateTargets(PlannerInfo *root, Index rtindex,
						   RangeTblEntry *target_rte, Relation target_relation)
{
	DdbRelation *relation =
		ddb_relation_load(RelationGetRelid(target_relation));
	DdbTableInfo *info = table_info(root, target_rte, relation);

	for (int i = 0; i < info->keys.n; i++)
		add_key_column(root, rtindex, relation, target_relation->rd_att,
					   info->keys.attributes[i].name);
	/* What DELETE returns; UPDATE carries the whole row anyway. */
	if (root->parse->commandType == CMD_DELETE &&
		root->parse->returningList != NIL)
		add_row_identity_var(
			root,
			makeVar(rtindex, InvalidAttrNumber, RECORDOID, -1, InvalidOid, 0),
			rtindex, "wholerow");
}

/*
 * Raises the error of rows that their columns do not identify exactly. column
 * is NULL if none shows the attribute.
 */
static void
raise_unaddressable(const DdbRelation *relation, const char *attribute,
					const DdbColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot update or delete rows of foreign table %s in a "
					"join, or with triggers",
					relation->name),
			 column == NULL
				 ? errdetail("It has no column for key attribute \"%s\" of "
							 "DynamoDB table \"%s\".",
							 attribute, relation->table_name)
				 : errdetail("Column \"%s\" of type %s does not determine how "
							 "key attribute \"%s\" is stored.",
							 column->name, format_type_be(column->typid),
							 attribute),
			 errhint(column == NULL
						 ? "Add a column for the attribute."
						 : "Change the column to text, numeric, or a time of "
						   "fixed format such as iso8601:3.")));
}

/*
 * Rows that come from elsewhere than the scan itself are found by the values of
 * their key columns: these must be columns of which each value is stored in one
 * way only.
 */
static void
check_key(DdbRelation *relation, DdbTableInfo *info, const char *attribute)
{
	const DdbColumn *column = ddb_relation_find_attribute(relation, attribute);
	DdbCodec codec;

	if (column == NULL)
		raise_unaddressable(relation, attribute, NULL);
	ddb_codec_init(&codec, relation, column,
				   ddb_key_attributes_type(info->key_attributes, attribute));
	if (ddb_codec_equality(&codec) != DDB_AGREES_EXACTLY)
		raise_unaddressable(relation, attribute, column);
}

/* Where conditions are known to be false.  INSERT … VALUES looks alike. */
static bool
has_no_rows(const ModifyTable *modify)
{
	const Plan *plan = outerPlan(modify);

	return modify->operation != CMD_INSERT && IsA(plan, Result) &&
		   outerPlan(plan) == NULL;
}

/* Expressions of the target's rows, which no scan gives. */
static Node *
row_expressions(const ModifyTable *modify, int subplan_index)
{
	List *expressions = NIL;

	if (modify->returningLists != NIL)
		expressions = lappend(expressions,
							  list_nth(modify->returningLists, subplan_index));
	if (modify->withCheckOptionLists != NIL)
		expressions = lappend(
			expressions, list_nth(modify->withCheckOptionLists, subplan_index));
	return (Node *) expressions;
}

/* Reports system columns, which items do not have. */
void
ddb_modify_check_row_expressions(PlannerInfo *root, const ModifyTable *modify,
								 Index target, int subplan_index)
{
	RangeTblEntry *rte = planner_rt_fetch(target, root);
	DdbRelation *relation = ddb_relation_load(rte->relid);

	ddb_system_columns_check(row_expressions(modify, subplan_index), target,
							 relation, table_info(root, rte, relation));
}

/*
 * True if the value stands for a column of (a, b) = (SELECT ...), which may
 * read anything.
 */
static bool
is_of_subquery(const List *targets, const Expr *value)
{
	ListCell *lc;

	if (!IsA(value, Param))
		return false;
	foreach (lc, targets)
	{
		const Expr *expression = lfirst_node(TargetEntry, lc)->expr;

		if (IsA(expression, SubPlan) &&
			((const SubPlan *) expression)->subLinkType == MULTIEXPR_SUBLINK)
			return true;
	}
	return false;
}

/* targets and attnums correspond, one by one. */
List *
ddb_modify_kept_columns(const List *targets, const List *attnums, Index target)
{
	List *kept = NIL;
	ListCell *lc;
	ListCell *attnum;

	forboth(lc, targets, attnum, attnums)
	{
		Expr *value = lfirst_node(TargetEntry, lc)->expr;
		Bitmapset *read = NULL;

		pull_varattnos((Node *) value, target, &read);
		/* The row as a whole is column 0. */
		if (bms_is_member(lfirst_int(attnum) -
							  FirstLowInvalidHeapAttributeNumber,
						  read) ||
			bms_is_member(-FirstLowInvalidHeapAttributeNumber, read) ||
			is_of_subquery(targets, value))
			kept = lappend_int(kept, lfirst_int(attnum));
	}
	return kept;
}

/*
 * Planner callback: checks that rows can be written one by one, and adds a
 * spool where they must be read first.  Returns the columns whose new value is
 * made of the old one.
 */
List *
ddbPlanForeignModify(PlannerInfo *root, ModifyTable *modify, Index target,
					 int subplan_index)
{
	RangeTblEntry *rte = planner_rt_fetch(target, root);
	DdbRelation *relation = ddb_relation_load(rte->relid);
	DdbTableInfo *info = table_info(root, rte, relation);
	List *targets = NIL;
	List *attnums = NIL;

	ddb_modify_check_row_expressions(root, modify, target, subplan_index);
	if (has_no_rows(modify))
		return NIL;
	ddb_spool_add(root, modify, target, relation);
	if (modify->operation == CMD_INSERT)
		return list_make1(named_columns(root));
	if (modify->operation == CMD_UPDATE)
		get_translated_update_targetlist(root, target, &targets, &attnums);
	if (relation->optimistic)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot update or delete rows of foreign table %s in a "
						"join, or with triggers",
						relation->name),
				 errdetail("Option \"optimistic\" compares items with what was "
						   "read, which is possible only in a statement about "
						   "this table alone.")));
	for (int i = 0; i < info->keys.n; i++)
		check_key(relation, info, info->keys.attributes[i].name);
	return ddb_modify_kept_columns(targets, attnums, target);
}
