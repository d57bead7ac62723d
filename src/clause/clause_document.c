/* SPDX-License-Identifier: PostgreSQL */
/*
 * clause_document.c
 *		-> and ->> of documents, @> and ? of them, @>, && and = ANY of arrays,
 *		sizes.
 *
 * A subject is what is compared: a column, and the way from it.  Only members
 * are followed, by constant names: a number in a path may be a member or an
 * element, and elements of sets, which documents show as arrays, have no path
 * in DynamoDB.  Typed JSON is another document than the one that is stored.
 */
#include "postgres.h"

#include "clause/clause_document.h"

#include "catalog/pg_operator_d.h"
#include "catalog/pg_type.h"
#include "codec/encode_constant.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

typedef struct Subject
{
	AttrNumber column;
	DdbAccess access;
	List *path; /* of char *, UTF-8 */
	Oid typid; /* of the expression */
} Subject;

/*
 * The function that a call or an operator runs, and its arguments in *args;
 * InvalidOid and NIL for any other node.
 */
static Oid
called_function(Node *node, List **args)
{
	if (IsA(node, OpExpr))
	{
		*args = ((OpExpr *) node)->args;
		return get_opcode(((OpExpr *) node)->opno);
	}
	if (IsA(node, FuncExpr))
	{
		*args = ((FuncExpr *) node)->args;
		return ((FuncExpr *) node)->funcid;
	}
	*args = NIL;
	return InvalidOid;
}

/*
 * Appends a member's name, in UTF-8, to the subject's path.  False for the
 * empty name, which no item can have.
 */
static bool
add_name(const char *name, Subject *subject)
{
	/* No item has a member without a name. */
	if (name[0] == '\0')
		return false;
	subject->path =
		lappend(subject->path, pg_server_to_any(unconstify(char *, name),
												strlen(name), PG_UTF8));
	return true;
}

/* -> 'name' */
static bool
add_member(Node *name, Subject *subject)
{
	Const *constant = (Const *) name;

	return IsA(name, Const) && !constant->constisnull &&
		   constant->consttype == TEXTOID &&
		   add_name(TextDatumGetCString(constant->constvalue), subject);
}

/* True if the name may be taken for the number of an element. */
static bool
looks_like_number(const char *name)
{
	return strchr("+-0123456789 \t\n\v\f\r", name[0]) != NULL;
}

/*
 * Appends the names of a constant path, as in #> '{a,b}', to the subject.
 * False if one looks like the number of an element, as sets are shown as lists
 * but have no such paths.
 */
static bool
add_path(Node *path, Subject *subject)
{
	Const *constant = (Const *) path;
	Datum *names;
	bool *nulls;
	int n;

	if (!IsA(path, Const) || constant->constisnull ||
		constant->consttype != TEXTARRAYOID)
		return false;
	deconstruct_array(DatumGetArrayTypeP(constant->constvalue), TEXTOID, -1,
					  false, TYPALIGN_INT, &names, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char *name;

		if (nulls[i])
			return false;
		name = TextDatumGetCString(names[i]);
		if (looks_like_number(name) || !add_name(name, subject))
			return false;
	}
	return n > 0;
}

static bool match_document(const DdbClauseContext *context, Node *node,
						   Subject *subject);

/*
 * Matches document['a']['b'] with constant names.  False for slices,
 * assignments and numbers.
 */
static bool
match_subscripts(const DdbClauseContext *context, SubscriptingRef *ref,
				 Subject *subject)
{
	ListCell *lc;

	if (ref->refcontainertype != JSONBOID || ref->refassgnexpr != NULL ||
		ref->reflowerindexpr != NIL ||
		!match_document(context, (Node *) ref->refexpr, subject))
		return false;
	foreach (lc, ref->refupperindexpr)
	{
		Const *name = (Const *) lfirst(lc);

		if (name == NULL || !add_member((Node *) name, subject) ||
			looks_like_number(llast(subject->path)))
			return false;
	}
	return true;
}

/*
 * Matches a column that shows a document, or a document inside it by names.
 * Documents with DynamoDB's types are not matched.
 */
static bool
match_document(const DdbClauseContext *context, Node *node, Subject *subject)
{
	List *args;
	const DdbCodec *codec;

	subject->typid = exprType(node);
	subject->access = DDB_ACCESS_JSON;
	subject->column = ddb_clause_column(context, node);
	if (subject->column != 0)
	{
		codec = ddb_codec_set_get(context->codecs, subject->column);
		return codec->conversion == DDB_CONVERT_DOCUMENT &&
			   codec->column->json_format != DDB_JSON_TYPED;
	}
	if (IsA(node, SubscriptingRef))
		return match_subscripts(context, (SubscriptingRef *) node, subject);
	switch (called_function(node, &args))
	{
		case F_JSONB_OBJECT_FIELD:
		case F_JSON_OBJECT_FIELD:
			return match_document(context, linitial(args), subject) &&
				   add_member(lsecond(args), subject);
		case F_JSONB_EXTRACT_PATH:
		case F_JSON_EXTRACT_PATH:
			return match_document(context, linitial(args), subject) &&
				   add_path(lsecond(args), subject);
		default:
			return false;
	}
}

/* Matches a member as text: document ->> 'a', or #>> with a path. */
static bool
match_text(const DdbClauseContext *context, Node *node, Subject *subject)
{
	List *args;
	bool matches;

	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	switch (called_function(node, &args))
	{
		case F_JSONB_OBJECT_FIELD_TEXT:
		case F_JSON_OBJECT_FIELD_TEXT:
			matches = match_document(context, linitial(args), subject) &&
					  add_member(lsecond(args), subject);
			break;
		case F_JSONB_EXTRACT_PATH_TEXT:
		case F_JSON_EXTRACT_PATH_TEXT:
			matches = match_document(context, linitial(args), subject) &&
					  add_path(lsecond(args), subject);
			break;
		default:
			return false;
	}
	subject->access = DDB_ACCESS_TEXT;
	subject->typid = TEXTOID;
	return matches;
}

static bool
is_integer_type(Oid typid)
{
	return typid == INT2OID || typid == INT4OID || typid == INT8OID;
}

/* Matches a member as a number, cast from its text or from its JSON. */
static bool
match_number(const DdbClauseContext *context, Node *node, Subject *subject)
{
	List *args;

	if (IsA(node, CoerceViaIO))
	{
		CoerceViaIO *cast = (CoerceViaIO *) node;

		if ((cast->resulttype != NUMERICOID &&
			 !is_integer_type(cast->resulttype)) ||
			!match_text(context, (Node *) cast->arg, subject))
			return false;
		subject->access = DDB_ACCESS_TEXT_NUMBER;
		subject->typid = cast->resulttype;
		return true;
	}
	switch (called_function(node, &args))
	{
		case F_NUMERIC_JSONB:
		case F_INT2_JSONB:
		case F_INT4_JSONB:
		case F_INT8_JSONB:
			break;
		default:
			return false;
	}
	if (!match_document(context, linitial(args), subject))
		return false;
	subject->access = DDB_ACCESS_NUMBER;
	subject->typid = exprType(node);
	return true;
}

/* A column whose value is converted so. */
static AttrNumber
column_of(const DdbClauseContext *context, Node *node, DdbConversion conversion)
{
	AttrNumber column = ddb_clause_column(context, node);

	return column != 0 &&
				   ddb_codec_set_get(context->codecs, column)->conversion ==
					   conversion
			   ? column
			   : 0;
}

/* Sizes of text are in characters or bytes here, in neither there. */
static bool
match_text_size(const DdbClauseContext *context, Oid function, Node *arg,
				Subject *subject)
{
	subject->column = column_of(context, arg, DDB_CONVERT_TEXT);
	subject->access = function == F_OCTET_LENGTH_TEXT ? DDB_ACCESS_OCTETS
													  : DDB_ACCESS_CHARACTERS;
	return subject->column != 0 &&
		   ddb_codec_set_get(context->codecs, subject->column)->stored ==
			   DDB_STORED_S &&
		   GetDatabaseEncoding() == PG_UTF8;
}

/*
 * Matches the size of a value: cardinality(array), length(bytea), length(text)
 * and others.
 */
static bool
match_size(const DdbClauseContext *context, Node *node, Subject *subject)
{
	List *args;
	Oid function = called_function(node, &args);

	subject->typid = INT4OID;
	subject->path = NIL;
	subject->access = DDB_ACCESS_SIZE;
	if (list_length(args) != 1)
		return false;
	switch (function)
	{
		case F_CARDINALITY:
			subject->column =
				column_of(context, linitial(args), DDB_CONVERT_ARRAY);
			return subject->column != 0;
		case F_LENGTH_BYTEA:
		case F_OCTET_LENGTH_BYTEA:
			subject->column =
				column_of(context, linitial(args), DDB_CONVERT_BYTEA);
			return subject->column != 0;
		case F_JSONB_ARRAY_LENGTH:
		case F_JSON_ARRAY_LENGTH:
			if (!match_document(context, linitial(args), subject))
				return false;
			subject->access = DDB_ACCESS_SIZE;
			subject->typid = INT4OID;
			return true;
		case F_LENGTH_TEXT:
		case F_CHAR_LENGTH_TEXT:
		case F_CHARACTER_LENGTH_TEXT:
		case F_OCTET_LENGTH_TEXT:
			return match_text_size(context, function, linitial(args), subject);
		default:
			return false;
	}
}

/*
 * Recognises what is compared: a member as text, a number, a size, or a
 * document.  Each attempt starts with an empty path.
 */
static bool
match_subject(const DdbClauseContext *context, Node *node, Subject *subject)
{
	memset(subject, 0, sizeof(*subject));
	if (match_text(context, node, subject))
		return true;
	subject->path = NIL;
	if (match_number(context, node, subject))
		return true;
	subject->path = NIL;
	if (match_size(context, node, subject))
		return true;
	subject->path = NIL;
	return match_document(context, node, subject);
}

/*
 * Fills *comparison with this subject.  It is wider where the stored form does
 * not say exactly how the comparison ends.  Always true, for the callers'
 * return.
 */
static bool
set_subject(const Subject *subject, DdbCompare op, Node *value,
			DdbComparison *comparison)
{
	(void) ddb_clause_set(comparison, subject->column, op, value);
	comparison->condition.access = subject->access;
	comparison->condition.path = subject->path;
	/* Text that holds a number may be stored as either. */
	comparison->wider = subject->access == DDB_ACCESS_TEXT_NUMBER ||
						(subject->access == DDB_ACCESS_NUMBER &&
						 subject->typid != NUMERICOID) ||
						subject->access == DDB_ACCESS_CHARACTERS ||
						subject->access == DDB_ACCESS_OCTETS;
	return true;
}

/* True if the operator compares the subject as DynamoDB does; *op says how. */
static bool
subject_operator(const Subject *subject, Oid opno, Oid collation, Oid typid,
				 DdbCompare *op)
{
	switch (subject->access)
	{
		case DDB_ACCESS_TEXT:
			return (typid == TEXTOID || typid == VARCHAROID) &&
				   ddb_clause_collation_equals_bytes(collation) &&
				   ddb_clause_btree_operator(opno, TEXTOID, op) &&
				   (*op == DDB_COMPARE_EQ || *op == DDB_COMPARE_NE);
		case DDB_ACCESS_JSON:
			return typid == JSONBOID && subject->typid == JSONBOID &&
				   ddb_clause_btree_operator(opno, JSONBOID, op) &&
				   *op == DDB_COMPARE_EQ;
		default:
			return (typid == NUMERICOID || is_integer_type(typid)) &&
				   (typid == NUMERICOID) == (subject->typid == NUMERICOID) &&
				   ddb_clause_btree_operator(opno, subject->typid, op);
	}
}

/*
 * Matches a comparison of something inside a document with a value.  Equality
 * of documents is not negated, since it decides only about scalars.
 */
static bool
match_comparison(const DdbClauseContext *context, Oid opno, Oid collation,
				 Node *left, Node *value, bool negated,
				 DdbComparison *comparison)
{
	Subject subject;
	DdbCompare op;

	if (!OidIsValid(opno) || !ddb_clause_is_constant(context, value) ||
		!match_subject(context, left, &subject) ||
		!subject_operator(&subject, opno, collation,
						  getBaseType(exprType(value)), &op) ||
		(negated && subject.access == DDB_ACCESS_JSON))
		return false;
	return set_subject(&subject, negated ? ddb_clause_negate(op) : op, value,
					   comparison);
}

/* varchar[] as text[], of which each element is the same. */
static Node *
strip_relabeled_elements(Node *node)
{
	ArrayCoerceExpr *cast = (ArrayCoerceExpr *) node;

	if (IsA(node, ArrayCoerceExpr) && IsA(cast->elemexpr, RelabelType) &&
		IsA(((RelabelType *) cast->elemexpr)->arg, CaseTestExpr))
		return (Node *) cast->arg;
	return node;
}

/*
 * The array column that the node is, if its elements are compared as values of
 * this type are; 0 otherwise.
 */
static AttrNumber
match_array_column(const DdbClauseContext *context, Node *node, Oid element,
				   Oid collation)
{
	AttrNumber column =
		column_of(context, strip_relabeled_elements(node), DDB_CONVERT_ARRAY);
	const DdbCodec *codec;

	if (column == 0 || !OidIsValid(element))
		return 0;
	codec = ddb_codec_set_get(context->codecs, column)->element;
	if (!ddb_codec_takes_type(codec, getBaseType(element)) ||
		ddb_codec_equality(codec) != DDB_AGREES_EXACTLY ||
		(codec->conversion == DDB_CONVERT_TEXT &&
		 !ddb_clause_collation_equals_bytes(collation)))
		return 0;
	return column;
}

/* Matches array @> value and array && value, with the column on the left. */
static bool
match_array_operator(const DdbClauseContext *context, DdbCompare op, Node *left,
					 Node *value, Oid collation, bool negated,
					 DdbComparison *comparison)
{
	Oid element = get_element_type(getBaseType(exprType(value)));
	AttrNumber column = match_array_column(context, left, element, collation);

	if (column == 0 || !ddb_clause_is_constant(context, value))
		return false;
	(void) ddb_clause_set(comparison, column,
						  negated ? ddb_clause_negate(op) : op, value);
	comparison->condition.value_typid = getBaseType(element);
	return true;
}

/* document @> value, document ? value */
static bool
match_json_operator(const DdbClauseContext *context, DdbCompare op, Node *left,
					Node *value, bool negated, DdbComparison *comparison)
{
	Subject subject = {0};

	return !negated && ddb_clause_is_constant(context, value) &&
		   match_document(context, left, &subject) &&
		   set_subject(&subject, op, value, comparison);
}

/*
 * Operators of documents and arrays.  Those that contain something are tried
 * in both directions, others also with their sides exchanged.
 */
static bool
match_operator(const DdbClauseContext *context, OpExpr *expr, bool negated,
			   DdbComparison *comparison)
{
	Node *left;
	Node *right;

	if (list_length(expr->args) != 2)
		return false;
	left = linitial(expr->args);
	right = lsecond(expr->args);
	switch (expr->opno)
	{
		case OID_ARRAY_CONTAINS_OP:
			return match_array_operator(context, DDB_COMPARE_HOLDS, left, right,
										expr->inputcollid, negated, comparison);
		case OID_ARRAY_CONTAINED_OP:
			return match_array_operator(context, DDB_COMPARE_HOLDS, right, left,
										expr->inputcollid, negated, comparison);
		case OID_ARRAY_OVERLAP_OP:
			return match_array_operator(context, DDB_COMPARE_OVERLAPS, left,
										right, expr->inputcollid, negated,
										comparison) ||
				   match_array_operator(context, DDB_COMPARE_OVERLAPS, right,
										left, expr->inputcollid, negated,
										comparison);
		default:
			break;
	}
	switch (get_opcode(expr->opno))
	{
		case F_JSONB_CONTAINS:
			return match_json_operator(context, DDB_COMPARE_JSON_HOLDS, left,
									   right, negated, comparison);
		case F_JSONB_CONTAINED:
			return match_json_operator(context, DDB_COMPARE_JSON_HOLDS, right,
									   left, negated, comparison);
		case F_JSONB_EXISTS:
			return match_json_operator(context, DDB_COMPARE_HAS_KEY, left,
									   right, negated, comparison);
		case F_JSONB_EXISTS_ANY:
			return match_json_operator(context, DDB_COMPARE_HAS_ANY_KEY, left,
									   right, negated, comparison);
		case F_JSONB_EXISTS_ALL:
			return match_json_operator(context, DDB_COMPARE_HAS_ALL_KEYS, left,
									   right, negated, comparison);
		default:
			return match_comparison(context, expr->opno, expr->inputcollid,
									left, right, negated, comparison) ||
				   match_comparison(context, get_commutator(expr->opno),
									expr->inputcollid, right, left, negated,
									comparison);
	}
}

/*
 * True if opno is the equality operator of the type's own btree family, whose
 * elements are compared by it.
 */
static bool
is_equality(Oid opno, Oid typid)
{
	DdbCompare op;

	return ddb_clause_btree_operator(opno, typid, &op) && op == DDB_COMPARE_EQ;
}

/* Matches value = ANY (array column), and value <> ALL (array column). */
static bool
match_member(const DdbClauseContext *context, ScalarArrayOpExpr *expr,
			 bool negated, DdbComparison *comparison)
{
	Node *value = linitial(expr->args);
	AttrNumber column = match_array_column(context, lsecond(expr->args),
										   exprType(value), expr->inputcollid);
	const DdbCodec *codec;

	if (column == 0 || !ddb_clause_is_constant(context, value))
		return false;
	codec = ddb_codec_set_get(context->codecs, column);
	/* value <> ALL (column) is NOT (value = ANY (column)) */
	if (!is_equality(expr->useOr ? expr->opno : get_negator(expr->opno),
					 codec->element->column->base_typid))
		return false;
	return ddb_clause_set(comparison, column,
						  expr->useOr != negated ? DDB_COMPARE_MEMBER
												 : DDB_COMPARE_NOT_MEMBER,
						  value);
}

/* Matches a member as text against a list: document ->> 'a' = ANY (array). */
static bool
match_text_in(const DdbClauseContext *context, ScalarArrayOpExpr *expr,
			  bool negated, DdbComparison *comparison)
{
	Subject subject = {0};
	Node *array = lsecond(expr->args);
	Oid element = getBaseType(get_element_type(getBaseType(exprType(array))));

	if (!match_text(context, linitial(expr->args), &subject) ||
		!ddb_clause_is_constant(context, array) ||
		(element != TEXTOID && element != VARCHAROID) ||
		!ddb_clause_collation_equals_bytes(expr->inputcollid) ||
		!is_equality(expr->useOr ? expr->opno : get_negator(expr->opno),
					 TEXTOID))
		return false;
	return set_subject(
		&subject, expr->useOr != negated ? DDB_COMPARE_IN : DDB_COMPARE_NOT_IN,
		array, comparison);
}

/* IS NULL and IS NOT NULL of a member, as text or as JSON. */
static bool
match_null_test(const DdbClauseContext *context, NullTest *test, bool negated,
				DdbComparison *comparison)
{
	Subject subject = {0};
	Node *arg = (Node *) test->arg;

	if (test->argisrow || !match_subject(context, arg, &subject) ||
		(subject.access != DDB_ACCESS_TEXT &&
		 subject.access != DDB_ACCESS_JSON))
		return false;
	return set_subject(&subject,
					   (test->nulltesttype == IS_NULL) != negated
						   ? DDB_COMPARE_NULL
						   : DDB_COMPARE_NOT_NULL,
					   NULL, comparison);
}

/* negated says that the expression stands under NOT. */
bool
ddb_inside_clause_match(const DdbClauseContext *context, Expr *expr,
						bool negated, DdbComparison *comparison)
{
	switch (nodeTag(expr))
	{
		case T_OpExpr:
			return match_operator(context, (OpExpr *) expr, negated,
								  comparison);
		case T_ScalarArrayOpExpr:
			return match_member(context, (ScalarArrayOpExpr *) expr, negated,
								comparison) ||
				   match_text_in(context, (ScalarArrayOpExpr *) expr, negated,
								 comparison);
		case T_NullTest:
			return match_null_test(context, (NullTest *) expr, negated,
								   comparison);
		default:
			return false;
	}
}
