/* SPDX-License-Identifier: PostgreSQL */
/*
 * filter.c
 *		The boolean algebra of pushed conditions.
 *
 * DynamoDB's conditions are true or false, SQL's also unknown.  So a SQL
 * condition is never translated and then negated: NOT is carried down to the
 * comparisons, and each is translated to what is true of just the rows of
 * which SQL finds it true, or false (dynamodb.md sections 3.5 and 3.6).
 */
#include "postgres.h"

#include "clause/filter.h"

#include "codec/encode_constant.h"
#include "request/like_pattern.h"
#include "utils/builtins.h"

static DdbFilter *translate_node(const DdbClauseContext *context, Expr *expr,
								 bool negated, Bitmapset *banned, List **values,
								 bool *exact);

/*
 * Copies the condition and appends its value to *values, whose position the
 * condition then holds.  Conditions without a value keep -1.
 */
void
ddb_filter_place(const DdbComparison *comparison, DdbCondition *condition,
				 List **values)
{
	*condition = comparison->condition;
	if (comparison->value == NULL)
		return;
	condition->value = list_length(*values);
	*values = lappend(*values, comparison->value);
	if (comparison->view == NULL)
		return;
	condition->view = list_length(*values);
	*values = lappend(*values, comparison->view);
}

/*
 * True if one condition says all of a LIKE pattern.  A pattern that is not
 * known yet is taken for exact: the executor looks again.
 */
static bool
pattern_is_exact(const DdbComparison *comparison)
{
	const Const *pattern = (const Const *) comparison->value;
	const char *literal;
	char *part;
	bool equality;

	if (!IsA(pattern, Const) || pattern->constisnull)
		return true; /* the executor finds out */
	literal = TextDatumGetCString(pattern->constvalue);
	if (ddb_like_prefix(literal, &part, &equality))
		return true;
	return ddb_like_infix(literal, &part);
}

/*
 * A value that does not fit its column must come back to raise its error, and
 * be found NULL by PostgreSQL; unless the column's own options say that it is
 * NULL, and nothing else can fail to fit.
 */
static bool
null_test_is_exact(const DdbClauseContext *context, AttrNumber column)
{
	const DdbCodec *codec = ddb_codec_set_get(context->codecs, column);

	return codec->column->on_type_mismatch == DDB_MISMATCH_NULL &&
		   ddb_codec_fits_all(codec);
}

/*
 * True if the comparison, which is not wider in itself, is exact whatever is
 * stored.
 */
bool
ddb_filter_is_exact(const DdbClauseContext *context,
					const DdbComparison *comparison)
{
	if (comparison->wider)
		return false;
	switch (comparison->condition.op)
	{
		case DDB_COMPARE_LIKE:
		case DDB_COMPARE_NOT_LIKE:
			return pattern_is_exact(comparison);
		case DDB_COMPARE_NULL:
			return null_test_is_exact(context, comparison->condition.column);
		case DDB_COMPARE_NOT_DISTINCT:
			/* From a NULL: that is IS NULL. */
			return IsA(comparison->value, Const) &&
				   !((Const *) comparison->value)->constisnull;
		default:
			return true;
	}
}

/* The left one grows, if it is a conjunction: it must be the caller's own. */
DdbFilter *
ddb_filter_and(DdbFilter *left, DdbFilter *right)
{
	DdbFilter *group;

	if (left == NULL || right == NULL)
		return left != NULL ? left : right;
	if (left->kind == DDB_FILTER_AND)
	{
		left->children = lappend(left->children, right);
		return left;
	}
	group = palloc0(sizeof(DdbFilter));
	group->kind = DDB_FILTER_AND;
	group->children = list_make2(left, right);
	return group;
}

/*
 * Translates what is no AND, OR or NOT: one comparison, or the conjunction of
 * several.  NULL if DynamoDB cannot make one, or if it is on a banned column.
 */
static DdbFilter *
translate_comparison(const DdbClauseContext *context, Expr *expr, bool negated,
					 Bitmapset *banned, List **values, bool *exact)
{
	List *comparisons = ddb_clause_match(context, expr, negated);
	DdbFilter *filter = NULL;
	ListCell *lc;

	foreach (lc, comparisons)
	{
		const DdbComparison *comparison = (DdbComparison *) lfirst(lc);

		if (bms_is_member(comparison->condition.column, banned) ||
			bms_is_member(comparison->condition.other, banned))
			return NULL;
	}
	foreach (lc, comparisons)
	{
		const DdbComparison *comparison = (DdbComparison *) lfirst(lc);
		DdbFilter *node = palloc0(sizeof(DdbFilter));

		node->kind = DDB_FILTER_CONDITION;
		ddb_filter_place(comparison, &node->condition, values);
		*exact &= ddb_filter_is_exact(context, comparison);
		filter = ddb_filter_and(filter, node);
	}
	return filter;
}

/*
 * AND may leave arms out, and then is true of more rows; OR may not.
 */
static DdbFilter *
translate_group(const DdbClauseContext *context, List *args, bool negated,
				bool is_and, Bitmapset *banned, List **values, bool *exact)
{
	DdbFilter *group = palloc0(sizeof(DdbFilter));
	ListCell *lc;

	group->kind = is_and ? DDB_FILTER_AND : DDB_FILTER_OR;
	foreach (lc, args)
	{
		DdbFilter *child = translate_node(context, (Expr *) lfirst(lc), negated,
										  banned, values, exact);

		if (child != NULL)
			group->children = lappend(group->children, child);
		else if (!is_and)
			return NULL;
		else
			*exact = false;
	}
	if (group->children == NIL)
		return NULL;
	return list_length(group->children) == 1
			   ? (DdbFilter *) linitial(group->children)
			   : group;
}

/*
 * Carries NOT down to the comparisons.  NULL if nothing of the expression can
 * be translated.
 */
static DdbFilter *
translate_node(const DdbClauseContext *context, Expr *expr, bool negated,
			   Bitmapset *banned, List **values, bool *exact)
{
	BoolExpr *boolean = (BoolExpr *) expr;

	if (!IsA(expr, BoolExpr))
		return translate_comparison(context, expr, negated, banned, values,
									exact);
	if (boolean->boolop == NOT_EXPR)
		return translate_node(context, linitial(boolean->args), !negated,
							  banned, values, exact);
	/* NOT (a AND b) is NOT a OR NOT b. */
	return translate_group(context, boolean->args, negated,
						   (boolean->boolop == AND_EXPR) != negated, banned,
						   values, exact);
}

/* Values of arms that came to nothing are dropped again. */
DdbFilter *
ddb_filter_translate(const DdbClauseContext *context, Expr *expr,
					 Bitmapset *banned, List **values, bool *exact)
{
	int before = list_length(*values);
	DdbFilter *filter =
		translate_node(context, expr, false, banned, values, exact);

	if (filter == NULL)
	{
		*values =
			list_truncate(*values, before); /* arms that came to nothing */
		*exact = false;
	}
	return filter;
}
