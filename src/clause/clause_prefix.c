/* SPDX-License-Identifier: PostgreSQL */
/*
 * clause_prefix.c
 *		left(), substr() and regular expressions that say how a text begins.
 *
 * A regular expression is asked for the beginning that all its matches share,
 * by PostgreSQL's own function; what else it says is checked here.
 */
#include "postgres.h"

#include "clause/clause_prefix.h"

#include "catalog/pg_type.h"
#include "codec/encode_constant.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* Characters that mean themselves wherever they stand in a regular expression. */
static const char plain_characters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	" _-/:#@,;=%&!~\"'<>";

/* The column, if it is text that begins_with() can be asked of; else 0. */
static AttrNumber
text_column(const DdbClauseContext *context, Node *node, Oid collation)
{
	AttrNumber column = ddb_clause_column(context, node);

	if (column == 0 || !ddb_clause_collation_equals_bytes(collation) ||
		!ddb_codec_can_prefix(ddb_codec_set_get(context->codecs, column)))
		return 0;
	return column;
}

/* The integer that the node is, in *value; false if it is none. */
static bool
integer_constant(Node *node, int32 *value)
{
	const Const *constant = (const Const *) node;

	if (!IsA(node, Const) || constant->constisnull ||
		constant->consttype != INT4OID)
		return false;
	*value = DatumGetInt32(constant->constvalue);
	return true;
}

/*
 * The column of which the call gives the first characters, and how many, which
 * is not negative; 0 if it is anything else.
 */
static AttrNumber
match_beginning(const DdbClauseContext *context, Node *node, int32 *length)
{
	const FuncExpr *call = (const FuncExpr *) node;
	int32 start = 1;

	while (IsA(call, RelabelType))
		call = (const FuncExpr *) ((const RelabelType *) call)->arg;
	if (!IsA(call, FuncExpr))
		return 0;
	switch (call->funcid)
	{
		case F_LEFT:
			break;
		case F_SUBSTR_TEXT_INT4_INT4:
		case F_SUBSTRING_TEXT_INT4_INT4:
			if (!integer_constant(lsecond(call->args), &start) || start != 1)
				return 0;
			break;
		default:
			return 0;
	}
	if (!integer_constant(llast(call->args), length) || *length < 0)
		return 0;
	return text_column(context, linitial(call->args), call->inputcollid);
}

/*
 * left(column, n) = 'p': begins with p, if p has n characters; if it has less,
 * the column is p.  A value that is not known yet, or is longer, is a prefix
 * besides which the rest is checked.
 */
static bool
match_left(const DdbClauseContext *context, OpExpr *expr, Node *node,
		   Node *value, DdbComparison *comparison)
{
	const Const *constant = (const Const *) value;
	Oid value_typid = getBaseType(exprType(value));
	int32 length;
	AttrNumber column = match_beginning(context, node, &length);
	int characters;
	DdbCompare op;

	if (column == 0 || (value_typid != TEXTOID && value_typid != VARCHAROID) ||
		!ddb_clause_is_constant(context, value) ||
		!ddb_clause_btree_operator(expr->opno, TEXTOID, &op) ||
		op != DDB_COMPARE_EQ ||
		!ddb_clause_collation_equals_bytes(expr->inputcollid))
		return false;
	(void) ddb_clause_set(comparison, column, DDB_COMPARE_PREFIX, value);
	comparison->wider = true;
	if (!IsA(value, Const) || constant->constisnull)
		return true;
	characters = pg_mbstrlen(TextDatumGetCString(constant->constvalue));
	if (characters == 0)
		return false;
	if (characters < length)
		comparison->condition.op = DDB_COMPARE_EQ;
	comparison->wider = characters > length;
	return true;
}

/*
 * True if the regular expression says nothing but that a text begins with the
 * prefix: ^p, ^p.* and what SIMILAR TO 'p%' becomes.
 */
static bool
says_prefix_only(const char *pattern, const char *prefix)
{
	size_t len = strlen(prefix);
	bool grouped;

	if (pattern[0] != '^' || strspn(prefix, plain_characters) != len)
		return false;
	pattern++;
	grouped = strncmp(pattern, "(?:", 3) == 0;
	if (grouped)
		pattern += 3;
	if (strncmp(pattern, prefix, len) != 0)
		return false;
	pattern += len;
	if (grouped)
		return strcmp(pattern, ".*)$") == 0;
	return pattern[0] == '\0' || strcmp(pattern, ".*") == 0 ||
		   strcmp(pattern, ".*$") == 0;
}

/* column ~ 'pattern', as far as it says how the text begins. */
static bool
match_regex(const DdbClauseContext *context, OpExpr *expr,
			DdbComparison *comparison)
{
	const Const *pattern = (const Const *) lsecond(expr->args);
	AttrNumber column =
		text_column(context, linitial(expr->args), expr->inputcollid);
	bool exact;
	char *prefix;

	if (column == 0 || !IsA(pattern, Const) || pattern->constisnull ||
		pattern->consttype != TEXTOID)
		return false;
	prefix = regexp_fixed_prefix(DatumGetTextPP(pattern->constvalue), false,
								 expr->inputcollid, &exact);
	if (prefix == NULL || prefix[0] == '\0')
		return false;
	(void) ddb_clause_set(
		comparison, column, exact ? DDB_COMPARE_EQ : DDB_COMPARE_PREFIX,
		(Node *) makeConst(TEXTOID, -1, expr->inputcollid, -1,
						   CStringGetTextDatum(prefix), false, false));
	comparison->wider =
		!exact &&
		!says_prefix_only(TextDatumGetCString(pattern->constvalue), prefix);
	return true;
}

bool
ddb_prefix_clause_match(const DdbClauseContext *context, Expr *expr,
						DdbComparison *comparison)
{
	OpExpr *clause = (OpExpr *) expr;
	Node *left;
	Node *right;

	if (!IsA(expr, OpExpr) || list_length(clause->args) != 2)
		return false;
	left = linitial(clause->args);
	right = lsecond(clause->args);
	if (get_opcode(clause->opno) == F_TEXTREGEXEQ)
		return match_regex(context, clause, comparison);
	return match_left(context, clause, left, right, comparison) ||
		   match_left(context, clause, right, left, comparison);
}
