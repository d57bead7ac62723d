/* SPDX-License-Identifier: PostgreSQL */
/*
 * clause.c
 *		One function a node type; each either recognises all of it or nothing.
 *
 * Operators are known by their place in the column type's btree family, never
 * by name, so that operators of other types and user-defined ones stay local.
 * Text comparisons obey collations: equality needs a deterministic one, order
 * needs bytes (dynamodb.md section 4).
 */
#include "postgres.h"

#include "clause/clause.h"

#include "catalog/pg_type.h"
#include "clause/clause_document.h"
#include "clause/clause_prefix.h"
#include "clause/clause_view.h"
#include "codec/encode_constant.h"
#include "compat.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/*
 * The attribute number of the column of this relation that the expression is,
 * relabelling aside; 0 if it is none.  Columns of the whole item and of the
 * overflow count as none, because conditions name attributes.
 */
AttrNumber
ddb_clause_column(const DdbClauseContext *context, Node *node)
{
	Var *var;

	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node == NULL || !IsA(node, Var))
		return 0;
	var = (Var *) node;
	if (var->varno != (int) context->rel->relid || var->varlevelsup != 0 ||
		var->varattno <= 0)
		return 0;
	/* Conditions name attributes; what shows the whole item shows none. */
	if (ddb_column_needs_item(
			&context->codecs->relation->columns[var->varattno - 1]))
		return 0;
	return var->varattno;
}

/* A tree walker: true if a subquery gives the value, or a part of it. */
static bool
find_subquery(Node *node, void *context)
{
	if (node == NULL)
		return false;
	/* Before it is planned, and afterwards. */
	if (IsA(node, SubLink) || IsA(node, SubPlan) ||
		IsA(node, AlternativeSubPlan) ||
		(IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC))
		return true;
	return expression_tree_walker(node, find_subquery, context);
}

bool
ddb_clause_asks(Node *node)
{
	return find_subquery(node, NULL);
}

/*
 * True if the other side may be computed once, before the scan.  Parameters,
 * stable functions and other relations' columns may; subplans would be run
 * outside of their place.
 */
bool
ddb_clause_is_constant(const DdbClauseContext *context, Node *node)
{
	if (context->is_snapshot &&
		(!bms_is_empty(pull_varnos(context->root, node)) ||
		 ddb_clause_asks(node)))
		return false;
	return !bms_is_member(context->rel->relid,
						  pull_varnos(context->root, node)) &&
		   !contain_volatile_functions(node) && !contain_subplans(node);
}

static bool
collation_compares_bytes(Oid collation)
{
	return OidIsValid(collation) && ddb_compat_collation_is_c(collation);
}

bool
ddb_clause_collation_equals_bytes(Oid collation)
{
	return OidIsValid(collation) && get_collation_isdeterministic(collation);
}

/*
 * The operator that is true of exactly the values of which this one is false,
 * NULL aside.  Raises an internal error for operators that have none.
 */
DdbCompare
ddb_clause_negate(DdbCompare op)
{
	static const DdbCompare pairs[][2] = {
		{DDB_COMPARE_EQ, DDB_COMPARE_NE},
		{DDB_COMPARE_LT, DDB_COMPARE_GE},
		{DDB_COMPARE_LE, DDB_COMPARE_GT},
		{DDB_COMPARE_PREFIX, DDB_COMPARE_NOT_PREFIX},
		{DDB_COMPARE_LIKE, DDB_COMPARE_NOT_LIKE},
		{DDB_COMPARE_IN, DDB_COMPARE_NOT_IN},
		{DDB_COMPARE_CONTAINS, DDB_COMPARE_NOT_CONTAINS},
		{DDB_COMPARE_DISTINCT, DDB_COMPARE_NOT_DISTINCT},
		{DDB_COMPARE_NULL, DDB_COMPARE_NOT_NULL},
		{DDB_COMPARE_MEMBER, DDB_COMPARE_NOT_MEMBER},
		{DDB_COMPARE_HOLDS, DDB_COMPARE_NOT_HOLDS},
		{DDB_COMPARE_OVERLAPS, DDB_COMPARE_NOT_OVERLAPS},
	};

	for (int i = 0; i < (int) lengthof(pairs); i++)
	{
		if (pairs[i][0] == op)
			return pairs[i][1];
		if (pairs[i][1] == op)
			return pairs[i][0];
	}
	elog(ERROR, "operator has no negation: %d", (int) op);
}

/*
 * The comparison is exact until the caller says otherwise.  The value's type
 * is remembered as its base type, since domains compare as that.
 */
bool
ddb_clause_set(DdbComparison *comparison, AttrNumber column, DdbCompare op,
			   Node *value)
{
	memset(comparison, 0, sizeof(*comparison));
	comparison->condition.column = column;
	comparison->condition.op = op;
	comparison->condition.value = -1;
	comparison->condition.view = -1;
	comparison->value = (Expr *) value;
	if (value != NULL)
		comparison->condition.value_typid = getBaseType(exprType(value));
	return true;
}

void
ddb_clause_set_neighbour(DdbComparison *comparison, Oid typid, Oid compare,
						 bool shifts, char *zone)
{
	comparison->condition.value_typid = typid;
	comparison->condition.compare = compare;
	comparison->condition.shifts = shifts;
	comparison->condition.zone = zone;
}

void
ddb_clause_set_equality(DdbComparison *comparison)
{
	comparison->condition.op = DDB_COMPARE_EQ;
}

/*
 * The comparison that an operator means in the btree family of the type, in
 * *op.  Names of operators do not count.  False if it is in no such family.
 */
bool
ddb_clause_btree_operator(Oid opno, Oid typid, DdbCompare *op)
{
	TypeCacheEntry *cache = lookup_type_cache(typid, TYPECACHE_BTREE_OPFAMILY);

	if (!OidIsValid(cache->btree_opf))
		return false;
	switch (get_op_opfamily_strategy(opno, cache->btree_opf))
	{
		case BTLessStrategyNumber:
			*op = DDB_COMPARE_LT;
			return true;
		case BTLessEqualStrategyNumber:
			*op = DDB_COMPARE_LE;
			return true;
		case BTEqualStrategyNumber:
			*op = DDB_COMPARE_EQ;
			return true;
		case BTGreaterEqualStrategyNumber:
			*op = DDB_COMPARE_GE;
			return true;
		case BTGreaterStrategyNumber:
			*op = DDB_COMPARE_GT;
			return true;
		default:
			break;
	}
	/* <> is in no family; its negator is. */
	*op = DDB_COMPARE_NE;
	return OidIsValid(get_negator(opno)) &&
		   get_op_opfamily_strategy(get_negator(opno), cache->btree_opf) ==
			   BTEqualStrategyNumber;
}

/*
 * True for the operators of text_pattern_ops, ~<~ and its like, which compare
 * bytes whatever the collation. *op says which.
 */
static bool
pattern_operator(Oid opno, DdbCompare *op)
{
	switch (get_opcode(opno))
	{
		case F_TEXT_PATTERN_LT:
			*op = DDB_COMPARE_LT;
			return true;
		case F_TEXT_PATTERN_LE:
			*op = DDB_COMPARE_LE;
			return true;
		case F_TEXT_PATTERN_GE:
			*op = DDB_COMPARE_GE;
			return true;
		case F_TEXT_PATTERN_GT:
			*op = DDB_COMPARE_GT;
			return true;
		default:
			return false;
	}
}

/*
 * How far the column agrees with DynamoDB on this operator.  Text needs a
 * collation that compares bytes for order, and one that is deterministic for
 * equality.
 */
static DdbAgreement
operator_agreement(const DdbCodec *codec, DdbCompare op, bool bytewise,
				   Oid collation)
{
	bool is_text = codec->conversion == DDB_CONVERT_TEXT;

	if (op == DDB_COMPARE_EQ || op == DDB_COMPARE_NE)
		return is_text && !ddb_clause_collation_equals_bytes(collation)
				   ? DDB_AGREES_NOT
				   : ddb_codec_equality(codec);
	return is_text && !bytewise && !collation_compares_bytes(collation)
			   ? DDB_AGREES_NOT
			   : ddb_codec_order(codec);
}

/* True for LIKE, ^@ and their negations on text; *op says which. */
static bool
text_operator(Oid opno, DdbCompare *op)
{
	switch (get_opcode(opno))
	{
		case F_TEXTLIKE:
			*op = DDB_COMPARE_LIKE;
			return true;
		case F_TEXTNLIKE:
			*op = DDB_COMPARE_NOT_LIKE;
			return true;
		case F_STARTS_WITH:
			*op = DDB_COMPARE_PREFIX;
			return true;
		default:
			return false;
	}
}

/*
 * The value, as text where a column of text is compared with a name, such as
 * current_user.
 */
static Node *
name_as_text(const DdbCodec *codec, Node *value, Oid collation)
{
	if (codec->conversion != DDB_CONVERT_TEXT || exprType(value) != NAMEOID)
		return value;
	return (Node *) makeFuncExpr(F_TEXT_NAME, TEXTOID, list_make1(value),
								 collation, InvalidOid, COERCE_IMPLICIT_CAST);
}

/*
 * Matches "column op value", with operator and sides sorted out.  False if
 * DynamoDB cannot compare so, under this collation, with a value of this type.
 */
static bool
match_value(const DdbClauseContext *context, AttrNumber column, Oid opno,
			Oid collation, Node *value, bool negated, DdbComparison *comparison)
{
	const DdbCodec *codec = ddb_codec_set_get(context->codecs, column);
	DdbAgreement agreement;
	DdbCompare op;
	bool bytewise =
		codec->conversion == DDB_CONVERT_TEXT && pattern_operator(opno, &op);

	value = name_as_text(codec, value, collation);
	if (!ddb_codec_takes_type(codec, getBaseType(exprType(value))))
		return false;
	if (bytewise ||
		ddb_clause_btree_operator(opno, codec->column->base_typid, &op))
		agreement = operator_agreement(codec, op, bytewise, collation);
	else if (ddb_codec_can_prefix(codec) && text_operator(opno, &op) &&
			 ddb_clause_collation_equals_bytes(collation))
		agreement = DDB_AGREES_EXACTLY;
	else
		return false;
	if (agreement == DDB_AGREES_NOT)
		return false;
	ddb_clause_set(comparison, column, negated ? ddb_clause_negate(op) : op,
				   value);
	comparison->wider = agreement == DDB_AGREES_WIDELY;
	return true;
}

/*
 * Matches a comparison of two columns of the table.  Both must be stored in
 * the same form, as DynamoDB compares what is stored.
 */
static bool
match_columns(const DdbClauseContext *context, AttrNumber left,
			  AttrNumber right, Oid opno, Oid collation, bool negated,
			  DdbComparison *comparison)
{
	const DdbCodec *codec = ddb_codec_set_get(context->codecs, left);
	const DdbCodec *other = ddb_codec_set_get(context->codecs, right);
	DdbCompare op;

	/* An expression may not compare a path with itself. */
	if (codec->stored != other->stored ||
		ddb_column_same_path(codec->column, other->column) ||
		codec->time_format != other->time_format ||
		codec->fraction_digits != other->fraction_digits ||
		codec->stored == DDB_STORED_BOOL)
		return false;
	if (codec->conversion != other->conversion &&
		!(codec->stored == DDB_STORED_N && codec->time_format == 0))
		return false;
	if (!ddb_clause_btree_operator(opno, codec->column->base_typid, &op) ||
		operator_agreement(codec, op, false, collation) != DDB_AGREES_EXACTLY ||
		operator_agreement(other, op, false, collation) != DDB_AGREES_EXACTLY)
		return false;
	ddb_clause_set(comparison, left, negated ? ddb_clause_negate(op) : op,
				   NULL);
	comparison->condition.other = right;
	return true;
}

/*
 * The column of strpos(column, needle) and the needle; 0 if the node is
 * anything else, or if bytes could match where characters do not.
 */
static AttrNumber
match_strpos(const DdbClauseContext *context, Node *node, Node **needle)
{
	FuncExpr *function = (FuncExpr *) node;
	AttrNumber column;

	if (!IsA(node, FuncExpr) || list_length(function->args) != 2 ||
		(function->funcid != F_STRPOS &&
		 function->funcid != F_POSITION_TEXT_TEXT))
		return 0;
	column = ddb_clause_column(context, linitial(function->args));
	*needle = lsecond(function->args);
	if (column == 0 || !ddb_clause_is_constant(context, *needle) ||
		!ddb_clause_collation_equals_bytes(function->inputcollid) ||
		!ddb_codec_can_prefix(ddb_codec_set_get(context->codecs, column)))
		return 0;
	return column;
}

/*
 * Matches strpos(column, needle) > 0 and the other ways to say so, as
 * contains().  False for comparisons with other positions.
 */
static bool
match_position(const DdbClauseContext *context, OpExpr *expr, bool negated,
			   DdbComparison *comparison)
{
	Node *needle;
	AttrNumber column = match_strpos(context, linitial(expr->args), &needle);
	Const *number = (Const *) lsecond(expr->args);
	DdbCompare op;

	if (column == 0 || !IsA(number, Const) || number->constisnull ||
		number->consttype != INT4OID ||
		!ddb_clause_btree_operator(expr->opno, INT4OID, &op))
		return false;
	switch (op)
	{
		case DDB_COMPARE_GT:
		case DDB_COMPARE_NE:
			if (DatumGetInt32(number->constvalue) != 0)
				return false;
			break;
		case DDB_COMPARE_GE:
			if (DatumGetInt32(number->constvalue) != 1)
				return false;
			break;
		case DDB_COMPARE_EQ:
			if (DatumGetInt32(number->constvalue) != 0)
				return false;
			negated = !negated;
			break;
		default:
			return false;
	}
	return ddb_clause_set(
		comparison, column,
		negated ? DDB_COMPARE_NOT_CONTAINS : DDB_COMPARE_CONTAINS, needle);
}

/*
 * A binary operator: a column against a value on either side, a column against
 * a column, or strpos() against a position.  Fills *comparison if DynamoDB can
 * compare so.
 */
static bool
match_op_expr(const DdbClauseContext *context, OpExpr *expr, bool negated,
			  DdbComparison *comparison)
{
	Node *left;
	Node *right;
	AttrNumber left_column;
	AttrNumber right_column;

	if (list_length(expr->args) != 2)
		return false;
	left = linitial(expr->args);
	right = lsecond(expr->args);
	left_column = ddb_clause_column(context, left);
	right_column = ddb_clause_column(context, right);
	if (left_column != 0 && right_column != 0)
		return match_columns(context, left_column, right_column, expr->opno,
							 expr->inputcollid, negated, comparison);
	if (left_column != 0 && ddb_clause_is_constant(context, right))
		return match_value(context, left_column, expr->opno, expr->inputcollid,
						   right, negated, comparison);
	if (right_column != 0 && ddb_clause_is_constant(context, left) &&
		OidIsValid(get_commutator(expr->opno)))
		return match_value(context, right_column, get_commutator(expr->opno),
						   expr->inputcollid, left, negated, comparison);
	return match_position(context, expr, negated, comparison);
}

/*
 * Matches "column = ANY (array)" and "column <> ALL (array)", of a column that
 * agrees exactly on equality.
 */
static bool
match_array(const DdbClauseContext *context, ScalarArrayOpExpr *expr,
			bool negated, DdbComparison *comparison)
{
	AttrNumber column = ddb_clause_column(context, linitial(expr->args));
	Node *array = lsecond(expr->args);
	Oid element = get_element_type(getBaseType(exprType(array)));
	const DdbCodec *codec;
	DdbCompare op;

	if (column == 0 || !OidIsValid(element) ||
		!ddb_clause_is_constant(context, array))
		return false;
	codec = ddb_codec_set_get(context->codecs, column);
	if (!ddb_codec_takes_type(codec, getBaseType(element)) ||
		!ddb_clause_btree_operator(expr->opno, codec->column->base_typid,
								   &op) ||
		op != (expr->useOr ? DDB_COMPARE_EQ : DDB_COMPARE_NE) ||
		operator_agreement(codec, op, false, expr->inputcollid) !=
			DDB_AGREES_EXACTLY)
		return false;
	ddb_clause_set(comparison, column,
				   expr->useOr != negated ? DDB_COMPARE_IN : DDB_COMPARE_NOT_IN,
				   array);
	comparison->condition.value_typid = getBaseType(element);
	return true;
}

/*
 * IS DISTINCT FROM, with the column on either side.  Only where equality is
 * exact, as a wider condition would be wrong the other way round.
 */
static bool
match_distinct(const DdbClauseContext *context, DistinctExpr *expr,
			   bool negated, DdbComparison *comparison)
{
	AttrNumber column = ddb_clause_column(context, linitial(expr->args));
	Node *value = lsecond(expr->args);

	if (column == 0)
	{
		column = ddb_clause_column(context, lsecond(expr->args));
		value = linitial(expr->args);
	}
	if (column == 0 || !ddb_clause_is_constant(context, value) ||
		!match_value(context, column, expr->opno, expr->inputcollid, value,
					 false, comparison) ||
		comparison->wider)
		return false;
	comparison->condition.op =
		negated ? DDB_COMPARE_NOT_DISTINCT : DDB_COMPARE_DISTINCT;
	return true;
}

/*
 * IS NULL or IS NOT NULL of a column.  Resolves its codec, so that a column
 * with wrong options raises its error while planning.
 */
static bool
match_null_test(const DdbClauseContext *context, NullTest *test, bool negated,
				DdbComparison *comparison)
{
	AttrNumber column = ddb_clause_column(context, (Node *) test->arg);

	if (column == 0 || test->argisrow)
		return false;
	(void) ddb_codec_set_get(context->codecs, column);
	return ddb_clause_set(comparison, column,
						  (test->nulltesttype == IS_NULL) != negated
							  ? DDB_COMPARE_NULL
							  : DDB_COMPARE_NOT_NULL,
						  NULL);
}

/*
 * A boolean column is the value, or (is_distinct) it is something else or NULL.
 * A comparison with a constant, so that it reaches keys, of templates too.
 */
static bool
set_boolean_test(const DdbCodec *codec, bool value, bool is_distinct,
				 DdbComparison *comparison)
{
	(void) ddb_clause_set(comparison, codec->column->attnum,
						  is_distinct ? DDB_COMPARE_DISTINCT : DDB_COMPARE_EQ,
						  makeBoolConst(value, false));
	comparison->wider = ddb_codec_equality(codec) == DDB_AGREES_WIDELY;
	return !(comparison->wider && is_distinct);
}

/* The codec of a boolean column, or NULL. */
static const DdbCodec *
boolean_codec(const DdbClauseContext *context, Node *node)
{
	AttrNumber column = ddb_clause_column(context, node);
	const DdbCodec *codec =
		column != 0 ? ddb_codec_set_get(context->codecs, column) : NULL;

	return codec != NULL && codec->conversion == DDB_CONVERT_BOOL ? codec
																  : NULL;
}

/* A boolean column by itself: NOT b is "b is false", not "b is not true". */
static bool
match_boolean(const DdbClauseContext *context, Var *var, bool negated,
			  DdbComparison *comparison)
{
	const DdbCodec *codec = boolean_codec(context, (Node *) var);

	return codec != NULL &&
		   set_boolean_test(codec, !negated, false, comparison);
}

/* IS TRUE, IS NOT UNKNOWN and the like, of a column that is a boolean. */
static bool
match_boolean_test(const DdbClauseContext *context, BooleanTest *test,
				   bool negated, DdbComparison *comparison)
{
	const DdbCodec *codec = boolean_codec(context, (Node *) test->arg);
	BoolTestType type = test->booltesttype;

	if (codec == NULL)
		return false;
	if (type == IS_UNKNOWN || type == IS_NOT_UNKNOWN)
		return ddb_clause_set(comparison, codec->column->attnum,
							  (type == IS_UNKNOWN) != negated
								  ? DDB_COMPARE_NULL
								  : DDB_COMPARE_NOT_NULL,
							  NULL);
	return set_boolean_test(
		codec, type == IS_TRUE || type == IS_NOT_TRUE,
		(type == IS_NOT_TRUE || type == IS_NOT_FALSE) != negated, comparison);
}

/*
 * starts_with(column, value), under any collation that compares equal strings
 * by their bytes.
 */
static bool
match_func_expr(const DdbClauseContext *context, FuncExpr *expr, bool negated,
				DdbComparison *comparison)
{
	AttrNumber column;

	if (expr->funcid != F_STARTS_WITH || list_length(expr->args) != 2)
		return false;
	column = ddb_clause_column(context, linitial(expr->args));
	if (column == 0 || !ddb_clause_is_constant(context, lsecond(expr->args)) ||
		!ddb_clause_collation_equals_bytes(expr->inputcollid) ||
		!ddb_codec_can_prefix(ddb_codec_set_get(context->codecs, column)))
		return false;
	return ddb_clause_set(comparison, column,
						  negated ? DDB_COMPARE_NOT_PREFIX : DDB_COMPARE_PREFIX,
						  lsecond(expr->args));
}

/*
 * Dispatches by node type to the function that knows it.  False for
 * expressions that no function knows.
 */
static bool
match_value_of_column(const DdbClauseContext *context, Expr *expr, bool negated,
					  DdbComparison *comparison)
{
	switch (nodeTag(expr))
	{
		case T_Var:
			return match_boolean(context, (Var *) expr, negated, comparison);
		case T_OpExpr:
			return match_op_expr(context, (OpExpr *) expr, negated, comparison);
		case T_ScalarArrayOpExpr:
			return match_array(context, (ScalarArrayOpExpr *) expr, negated,
							   comparison);
		case T_DistinctExpr:
			return match_distinct(context, (DistinctExpr *) expr, negated,
								  comparison);
		case T_NullTest:
			return match_null_test(context, (NullTest *) expr, negated,
								   comparison);
		case T_BooleanTest:
			return match_boolean_test(context, (BooleanTest *) expr, negated,
									  comparison);
		case T_FuncExpr:
			return match_func_expr(context, (FuncExpr *) expr, negated,
								   comparison);
		default:
			return false;
	}
}

/* A copy of the comparison, as the only one; NIL if there is none. */
static List *
one_of(bool found, const DdbComparison *comparison)
{
	DdbComparison *copy;

	if (!found)
		return NIL;
	copy = palloc(sizeof(DdbComparison));
	*copy = *comparison;
	return list_make1(copy);
}

/*
 * What (a, b) < (x, y) implies: a <= x.  Rows of which it is true are more, so
 * its negation cannot be made of it.
 */
static List *
match_row_compare(const DdbClauseContext *context, RowCompareExpr *expr)
{
	Expr *first = make_opclause(linitial_oid(expr->opnos), BOOLOID, false,
								linitial(expr->largs), linitial(expr->rargs),
								InvalidOid, linitial_oid(expr->inputcollids));
	List *comparisons = ddb_clause_match(context, first, false);
	ListCell *lc;

	foreach (lc, comparisons)
	{
		DdbComparison *comparison = (DdbComparison *) lfirst(lc);

		comparison->wider = true;
		if (comparison->condition.op == DDB_COMPARE_LT)
			comparison->condition.op = DDB_COMPARE_LE;
		else if (comparison->condition.op == DDB_COMPARE_GT)
			comparison->condition.op = DDB_COMPARE_GE;
	}
	return comparisons;
}

/*
 * negated says that the expression stands under NOT. Conditions on columns are
 * tried first, then those on what is made of them, and on members of documents.
 */
List *
ddb_clause_match(const DdbClauseContext *context, Expr *expr, bool negated)
{
	DdbComparison comparison;
	List *comparisons;

	/* NOT b of a boolean column: other negations the planner has resolved. */
	if (IsA(expr, BoolExpr) && ((BoolExpr *) expr)->boolop == NOT_EXPR)
		return ddb_clause_match(context, linitial(((BoolExpr *) expr)->args),
								!negated);
	if (IsA(expr, RowCompareExpr))
		return negated ? NIL
					   : match_row_compare(context, (RowCompareExpr *) expr);
	comparisons =
		one_of(match_value_of_column(context, expr, negated, &comparison),
			   &comparison);
	if (comparisons == NIL)
		comparisons = ddb_view_clause_match(context, expr, negated);
	if (comparisons == NIL && !negated)
		comparisons = one_of(
			ddb_prefix_clause_match(context, expr, &comparison), &comparison);
	if (comparisons == NIL)
		comparisons =
			one_of(ddb_inside_clause_match(context, expr, negated, &comparison),
				   &comparison);
	return comparisons;
}

bool
ddb_clause_match_one(const DdbClauseContext *context, Expr *expr,
					 DdbComparison *comparison)
{
	List *comparisons = ddb_clause_match(context, expr, false);

	if (list_length(comparisons) != 1)
		return false;
	*comparison = *(DdbComparison *) linitial(comparisons);
	return true;
}
