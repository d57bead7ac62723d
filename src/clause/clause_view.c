/* SPDX-License-Identifier: PostgreSQL */
/*
 * clause_view.c
 *		Neighbouring types and views of a column.
 *
 * A view is an expression of one column that keeps its order: the larger value
 * never makes the smaller result.  So a comparison of the view is one of the
 * column, with the nearest value for which it becomes true.  That value is
 * found when the scan runs (request/nearest_value), by the comparison that
 * PostgreSQL itself makes.  A comparison of a column with a value of another
 * type of the same btree family is the same with no view.
 *
 * Where several values of the column make one result, equality is a range: two
 * comparisons.
 */
#include "postgres.h"

#include "clause/clause_view.h"

#include "access/nbtree.h"
#include "catalog/pg_type.h"
#include "codec/encode_constant.h"
#include "compat.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "request/nearest_value.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* What a function makes of the order of its argument. */
typedef enum Keeps
{
	KEEPS_VALUES, /* other values, other results */
	KEEPS_ORDER, /* some results are one */
	KEEPS_SHIFTED, /* but for days on which a zone's clocks change */
} Keeps;

/* What the function's other argument must be. */
typedef enum Beside
{
	BESIDE_NOTHING,
	BESIDE_UNIT, /* of date_trunc */
	BESIDE_FIELD, /* of extract, one that only grows */
	BESIDE_ZONE,
	BESIDE_INTERVAL, /* as a zone */
	BESIDE_UNIT_AND_ZONE, /* stand around the column's */
} Beside;

typedef struct ViewFunction
{
	Oid function;
	Keeps keeps;
	Beside beside; /* stands before the column's */
} ViewFunction;

static const ViewFunction functions[] = {
	{F_INT4_INT2, KEEPS_VALUES, BESIDE_NOTHING},
	{F_INT8_INT2, KEEPS_VALUES, BESIDE_NOTHING},
	{F_INT8_INT4, KEEPS_VALUES, BESIDE_NOTHING},
	{F_NUMERIC_INT2, KEEPS_VALUES, BESIDE_NOTHING},
	{F_NUMERIC_INT4, KEEPS_VALUES, BESIDE_NOTHING},
	{F_NUMERIC_INT8, KEEPS_VALUES, BESIDE_NOTHING},
	{F_FLOAT8_INT2, KEEPS_VALUES, BESIDE_NOTHING},
	{F_FLOAT8_INT4, KEEPS_VALUES, BESIDE_NOTHING},
	{F_FLOAT8_INT8, KEEPS_ORDER, BESIDE_NOTHING},
	{F_FLOAT8_FLOAT4, KEEPS_VALUES, BESIDE_NOTHING},
	{F_TIMESTAMP_DATE, KEEPS_VALUES, BESIDE_NOTHING},
	{F_TIMESTAMPTZ_DATE, KEEPS_ORDER, BESIDE_NOTHING},
	{F_DATE_TIMESTAMP, KEEPS_ORDER, BESIDE_NOTHING},
	{F_DATE_TIMESTAMPTZ, KEEPS_SHIFTED, BESIDE_NOTHING},
	{F_TIMESTAMP_TIMESTAMPTZ, KEEPS_SHIFTED, BESIDE_NOTHING},
	{F_TIMESTAMPTZ_TIMESTAMP, KEEPS_SHIFTED, BESIDE_NOTHING},
	{F_DATE_TRUNC_TEXT_TIMESTAMP, KEEPS_ORDER, BESIDE_UNIT},
	{F_DATE_TRUNC_TEXT_TIMESTAMPTZ, KEEPS_SHIFTED, BESIDE_UNIT},
	{F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT, KEEPS_SHIFTED, BESIDE_UNIT_AND_ZONE},
	{F_EXTRACT_TEXT_DATE, KEEPS_ORDER, BESIDE_FIELD},
	{F_EXTRACT_TEXT_TIMESTAMP, KEEPS_ORDER, BESIDE_FIELD},
	{F_EXTRACT_TEXT_TIMESTAMPTZ, KEEPS_SHIFTED, BESIDE_FIELD},
	{F_DATE_PART_TEXT_TIMESTAMP, KEEPS_ORDER, BESIDE_FIELD},
	{F_DATE_PART_TEXT_TIMESTAMPTZ, KEEPS_SHIFTED, BESIDE_FIELD},
	{F_TIMEZONE_TEXT_TIMESTAMP, KEEPS_SHIFTED, BESIDE_ZONE},
	{F_TIMEZONE_TEXT_TIMESTAMPTZ, KEEPS_SHIFTED, BESIDE_ZONE},
	{F_TIMEZONE_INTERVAL_TIMESTAMP, KEEPS_VALUES, BESIDE_INTERVAL},
	{F_TIMEZONE_INTERVAL_TIMESTAMPTZ, KEEPS_VALUES, BESIDE_INTERVAL},
};

/* A view, as far as it has been looked at. */
typedef struct View
{
	AttrNumber column;
	Expr *expr; /* NULL: the column itself */
	Keeps keeps; /* the least that its functions do */
	char *zone; /* that disturbs it; NULL: the session's */
} View;

static const ViewFunction *
find_function(Oid function)
{
	for (int i = 0; i < (int) lengthof(functions); i++)
		if (functions[i].function == function)
			return &functions[i];
	return NULL;
}

/* True if the text is one of the words; case does not matter. */
static bool
is_word(const char *text, const char *const *words, int n)
{
	for (int i = 0; i < n; i++)
		if (pg_strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

/* True if the interval is a difference of clocks. */
static bool
is_offset(const Interval *interval)
{
	return interval->month == 0 && interval->day == 0;
}

/*
 * True if the argument beside the column's is a constant of which the function
 * keeps the order.  A zone is noted.
 */
static bool
check_beside(Beside beside, Node *node, View *view)
{
	static const char *const units[] = {
		"microseconds", "milliseconds", "second",    "minute",  "hour",
		"day",          "week",         "month",     "quarter", "year",
		"decade",       "century",      "millennium"};
	static const char *const fields[] = {"year",    "isoyear",    "decade",
										 "century", "millennium", "epoch"};
	const Const *value = (const Const *) node;
	char *word;

	if (!IsA(node, Const) || value->constisnull)
		return false;
	if (beside == BESIDE_INTERVAL)
		return is_offset(DatumGetIntervalP(value->constvalue));
	word = TextDatumGetCString(value->constvalue);
	if (beside == BESIDE_UNIT)
		return is_word(word, units, lengthof(units));
	if (beside == BESIDE_FIELD)
		return is_word(word, fields, lengthof(fields));
	/* Two zones in one view would both have to be looked at. */
	if (view->keeps == KEEPS_SHIFTED)
		return false;
	view->zone = word;
	return true;
}

/* A place for the column's value in a view. */
static Expr *
make_place(Node *column)
{
	CaseTestExpr *place = makeNode(CaseTestExpr);

	place->typeId = getBaseType(exprType(column));
	place->typeMod = -1;
	place->collation = exprCollation(column);
	return (Expr *) place;
}

static bool match_call(const DdbClauseContext *context, FuncExpr *call,
					   View *view);

/* Fills *view if the expression is one of a column. */
static bool
match_view(const DdbClauseContext *context, Node *node, View *view)
{
	memset(view, 0, sizeof(*view));
	view->column = ddb_clause_column(context, node);
	if (view->column != 0)
		return true;
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return IsA(node, FuncExpr) && match_call(context, (FuncExpr *) node, view);
}

/* True if the function keeps the order with what stands beside the view. */
static bool
check_arguments(const ViewFunction *function, List *args, View *view)
{
	switch (function->beside)
	{
		case BESIDE_NOTHING:
			return true;
		case BESIDE_UNIT_AND_ZONE:
			return check_beside(BESIDE_UNIT, linitial(args), view) &&
				   check_beside(BESIDE_ZONE, lthird(args), view);
		default:
			return check_beside(function->beside, linitial(args), view);
	}
}

/*
 * A call of which one argument is a view.  The view's expression becomes a
 * copy of the call.
 */
static bool
match_call(const DdbClauseContext *context, FuncExpr *call, View *view)
{
	const ViewFunction *function = find_function(call->funcid);
	FuncExpr *copy;
	Node *inner;
	bool shifted;
	int place;

	if (function == NULL)
		return false;
	place = function->beside == BESIDE_NOTHING ? 0 : 1;
	inner = list_nth(call->args, place);
	if (!match_view(context, inner, view))
		return false;
	shifted = view->keeps == KEEPS_SHIFTED;
	if (!check_arguments(function, call->args, view))
		return false;
	/* The session's zone would be the second one. */
	if (shifted && function->keeps == KEEPS_SHIFTED && view->zone != NULL)
		return false;
	view->keeps = Max(view->keeps, function->keeps);
	copy = makeNode(FuncExpr);
	*copy = *call;
	copy->args = list_copy(call->args);
	lfirst(list_nth_cell(copy->args, place)) =
		view->expr != NULL ? view->expr : make_place(inner);
	view->expr = (Expr *) copy;
	return true;
}

/*
 * The function of the type's btree family that compares a value of it with one
 * of another type; InvalidOid if there is none.
 */
static Oid
comparison_function(Oid typid, Oid value_typid)
{
	TypeCacheEntry *cache = lookup_type_cache(typid, TYPECACHE_BTREE_OPFAMILY);

	if (!OidIsValid(cache->btree_opf))
		return InvalidOid;
	return get_opfamily_proc(cache->btree_opf, typid, value_typid,
							 BTORDER_PROC);
}

/* The column's type as a view sees it. */
static Oid
view_typid(const View *view, const DdbCodec *codec)
{
	return view->expr != NULL ? exprType((Node *) view->expr)
							  : codec->column->base_typid;
}

/*
 * Comparing a timestamp with a timestamptz converts the column's side, by the
 * session's zone.
 */
static bool
converts_column(Oid typid, Oid value_typid)
{
	return typid == TIMESTAMPOID && value_typid == TIMESTAMPTZOID;
}

/*
 * Notes in the view what comparing with a value of this type makes of it.
 * False if two zones would have a part in it.
 */
static bool
add_conversion(Oid typid, Oid value_typid, View *view)
{
	if (converts_column(typid, value_typid))
	{
		if (view->zone != NULL)
			return false;
		view->keeps = KEEPS_SHIFTED;
	}
	/* Two days may begin at one instant, where a zone left one of them out. */
	else if (typid == DATEOID && value_typid == TIMESTAMPTZOID)
		view->keeps = Max(view->keeps, KEEPS_ORDER);
	return true;
}

/* One comparison of the view. */
static DdbComparison *
make_comparison(const DdbCodec *codec, const View *view, DdbCompare op,
				Node *value, Oid compare)
{
	DdbComparison *comparison = palloc(sizeof(DdbComparison));

	(void) ddb_clause_set(comparison, view->column, op, value);
	ddb_clause_set_neighbour(comparison, codec->column->base_typid, compare,
							 view->keeps == KEEPS_SHIFTED, view->zone);
	comparison->view = view->expr;
	comparison->wider = ddb_codec_order(codec) == DDB_AGREES_WIDELY;
	return comparison;
}

/*
 * True if an equal value of the view is one value of the column.  Of times,
 * views are known within bounds only, and equality needs both.
 */
static bool
has_one_value(const DdbCodec *codec, const View *view)
{
	return view->keeps == KEEPS_VALUES &&
		   (view->expr == NULL || codec->conversion == DDB_CONVERT_INT2 ||
			codec->conversion == DDB_CONVERT_INT4 ||
			codec->conversion == DDB_CONVERT_INT8);
}

/*
 * The comparisons that "view op value" is.  Equality of what several values of
 * the column make is a range, which has no negation here.
 */
static List *
compare_view(const DdbCodec *codec, const View *view, DdbCompare op,
			 Node *value, Oid compare)
{
	if ((op != DDB_COMPARE_EQ && op != DDB_COMPARE_NE) ||
		has_one_value(codec, view))
		return list_make1(make_comparison(codec, view, op, value, compare));
	if (op == DDB_COMPARE_NE)
		return NIL;
	return list_make2(
		make_comparison(codec, view, DDB_COMPARE_GE, value, compare),
		make_comparison(codec, view, DDB_COMPARE_LE, value, compare));
}

/*
 * The codec of a view's column, if its values can be searched; else NULL.
 * Views of the whole value only: a member of a document has none.
 */
static const DdbCodec *
searched_codec(const DdbClauseContext *context, const View *view)
{
	const DdbCodec *codec = ddb_codec_set_get(context->codecs, view->column);

	switch (codec->conversion)
	{
		case DDB_CONVERT_INT2:
		case DDB_CONVERT_INT4:
		case DDB_CONVERT_INT8:
		case DDB_CONVERT_FLOAT4:
		case DDB_CONVERT_FLOAT8:
		case DDB_CONVERT_DATE:
		case DDB_CONVERT_TIMESTAMP:
		case DDB_CONVERT_TIMESTAMPTZ:
			return ddb_search_knows_type(codec->column->base_typid) &&
						   ddb_codec_order(codec) != DDB_AGREES_NOT
					   ? codec
					   : NULL;
		default:
			return NULL;
	}
}

/* Has PostgreSQL check them again, always. */
static void
widen(List *comparisons)
{
	ListCell *lc;

	foreach (lc, comparisons)
		((DdbComparison *) lfirst(lc))->wider = true;
}

/*
 * The comparisons of "node op value", if the node is a view that is not just a
 * column with a value of its type.
 */
static List *
match_sides(const DdbClauseContext *context, Node *node, Oid opno, Node *value,
			bool negated)
{
	Oid value_typid = getBaseType(exprType(value));
	const DdbCodec *codec;
	DdbCompare op;
	View view;
	Oid typid;
	Oid compare;
	List *comparisons;

	if (!ddb_clause_is_constant(context, value) ||
		!match_view(context, node, &view) ||
		(codec = searched_codec(context, &view)) == NULL ||
		(view.expr == NULL && ddb_codec_takes_type(codec, value_typid)))
		return NIL;
	typid = view_typid(&view, codec);
	compare = comparison_function(typid, value_typid);
	if (!OidIsValid(compare) || !ddb_clause_btree_operator(opno, typid, &op) ||
		!add_conversion(typid, value_typid, &view))
		return NIL;
	comparisons = compare_view(
		codec, &view, negated ? ddb_clause_negate(op) : op, value, compare);
	/* Rows of a join are not checked again by what a run has found out. */
	if (view.keeps == KEEPS_SHIFTED &&
		!bms_is_empty(pull_varnos(context->root, value)))
		widen(comparisons);
	return comparisons;
}

/* "view op value", with the view on either side. */
static List *
match_operator(const DdbClauseContext *context, OpExpr *expr, bool negated)
{
	Node *left;
	Node *right;
	List *comparisons;

	if (list_length(expr->args) != 2)
		return NIL;
	left = linitial(expr->args);
	right = lsecond(expr->args);
	comparisons = match_sides(context, left, expr->opno, right, negated);
	if (comparisons == NIL && OidIsValid(get_commutator(expr->opno)))
		comparisons = match_sides(context, right, get_commutator(expr->opno),
								  left, negated);
	return comparisons;
}

/*
 * "view = ANY (array)", where an equal value of the view is one value of the
 * column.
 */
static List *
match_any(const DdbClauseContext *context, ScalarArrayOpExpr *expr,
		  bool negated)
{
	Node *array = lsecond(expr->args);
	Oid element = get_element_type(getBaseType(exprType(array)));
	DdbComparison *comparison;
	const DdbCodec *codec;
	DdbCompare op;
	View view;
	Oid typid;
	Oid compare;

	if (negated || !expr->useOr || !OidIsValid(element) ||
		!ddb_clause_is_constant(context, array) ||
		!match_view(context, linitial(expr->args), &view) ||
		(codec = searched_codec(context, &view)) == NULL ||
		ddb_codec_equality(codec) != DDB_AGREES_EXACTLY)
		return NIL;
	element = getBaseType(element);
	typid = view_typid(&view, codec);
	compare = comparison_function(typid, element);
	if ((view.expr == NULL && ddb_codec_takes_type(codec, element)) ||
		!OidIsValid(compare) ||
		!ddb_clause_btree_operator(expr->opno, typid, &op) ||
		op != DDB_COMPARE_EQ || !add_conversion(typid, element, &view) ||
		!has_one_value(codec, &view))
		return NIL;
	comparison = make_comparison(codec, &view, DDB_COMPARE_IN, array, compare);
	return list_make1(comparison);
}

List *
ddb_view_clause_match(const DdbClauseContext *context, Expr *expr, bool negated)
{
	switch (nodeTag(expr))
	{
		case T_OpExpr:
			return match_operator(context, (OpExpr *) expr, negated);
		case T_ScalarArrayOpExpr:
			return match_any(context, (ScalarArrayOpExpr *) expr, negated);
		default:
			return NIL;
	}
}

/* In the session's zone of now: another one may hold when the plan is run. */
bool
ddb_view_estimate(const DdbClauseContext *context,
				  const DdbComparison *comparison, Datum *value)
{
	const DdbCondition *condition = &comparison->condition;
	ExprContext *econtext = CreateStandaloneExprContext();
	ExprState *view =
		comparison->view == NULL
			? NULL
			: ExecInitExpr(expression_planner(comparison->view), NULL);
	DdbSearch *search = ddb_search_create(
		condition,
		context->codecs->relation->columns[condition->column - 1].base_typid,
		view, econtext);
	DdbNearest nearest;
	bool found = ddb_search_nearest(search, condition->op, *value, &nearest);

	FreeExprContext(econtext, true);
	*value = nearest.value;
	return found;
}
