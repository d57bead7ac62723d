/*
 * quals.c
 *		Recognises the clauses that a key can answer.
 *
 * Operators are known by their place in the column type's btree family, never
 * by name, so that operators of other types and user-defined ones stay local.
 * Text comparisons obey collations: equality needs a deterministic one, order
 * needs bytes (dynamodb.md section 4).
 */
#include "postgres.h"

#include "plan/quals.h"

#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
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

/* What one clause is looked at with. */
typedef struct Context
{
	PlannerInfo *root;
	RelOptInfo *rel;
	const DdbKeySchema *keys;
	const DdbKeyCodecs *codecs;
} Context;

void
ddb_quals_key_codecs(DdbRelation *relation, const DdbKeySchema *keys,
					 DdbKeyCodecs *codecs)
{
	memset(codecs, 0, sizeof(*codecs));
	for (int i = 0; i < keys->npartition + keys->nsort; i++)
	{
		bool		on_sort = i >= keys->npartition;
		int			position = on_sort ? i - keys->npartition : i;
		const DdbKeyAttribute *attribute = on_sort ? &keys->sort[position] :
			&keys->partition[position];
		DdbColumn  *column = ddb_relation_find_attribute(relation,
														 attribute->name);

		if (column != NULL)
			ddb_codec_init(on_sort ? &codecs->sort[position] :
						   &codecs->partition[position], relation, column,
						   attribute->type);
	}
}

/* The key codec of a column of this relation, or NULL; and where it stands. */
static const DdbCodec *
match_column(const Context *context, Node *node, bool *on_sort, int *position)
{
	Var		   *var;

	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node == NULL || !IsA(node, Var))
		return NULL;
	var = (Var *) node;
	if (var->varno != (int) context->rel->relid || var->varlevelsup != 0)
		return NULL;
	for (int i = 0; i < context->keys->npartition + context->keys->nsort; i++)
	{
		const DdbCodec *codec;

		*on_sort = i >= context->keys->npartition;
		*position = *on_sort ? i - context->keys->npartition : i;
		codec = *on_sort ? &context->codecs->sort[*position] :
			&context->codecs->partition[*position];
		if (codec->column != NULL && codec->column->attnum == var->varattno)
			return codec;
	}
	return NULL;
}

/*
 * May the other side be computed once, before the scan?  Parameters, stable
 * functions and other relations' columns may; subplans would be run outside
 * of their place.
 */
static bool
is_constant_here(const Context *context, Node *node)
{
	return !bms_is_member(context->rel->relid,
						  pull_varnos(context->root, node)) &&
		!contain_volatile_functions(node) && !contain_subplans(node);
}

static bool
collation_compares_bytes(Oid collation)
{
	return OidIsValid(collation) && ddb_compat_collation_is_c(collation);
}

static bool
collation_equals_bytes(Oid collation)
{
	return OidIsValid(collation) &&
		get_collation_isdeterministic(collation);
}

static DdbKeyClause *
make_key_clause(bool on_sort, int position, DdbKeyOperator op, Node *value)
{
	DdbKeyClause *clause = palloc0(sizeof(DdbKeyClause));

	clause->on_sort = on_sort;
	clause->position = position;
	clause->op = op;
	clause->value = (Expr *) value;
	clause->value_typid = getBaseType(exprType(value));
	return clause;
}

/* The comparison an operator means in the column type's own btree family. */
static bool
btree_operator(Oid opno, Oid typid, DdbKeyOperator *op)
{
	TypeCacheEntry *cache = lookup_type_cache(typid, TYPECACHE_BTREE_OPFAMILY);

	if (!OidIsValid(cache->btree_opf))
		return false;
	switch (get_op_opfamily_strategy(opno, cache->btree_opf))
	{
		case BTLessStrategyNumber:
			*op = DDB_KEY_LT;
			return true;
		case BTLessEqualStrategyNumber:
			*op = DDB_KEY_LE;
			return true;
		case BTEqualStrategyNumber:
			*op = DDB_KEY_EQ;
			return true;
		case BTGreaterEqualStrategyNumber:
			*op = DDB_KEY_GE;
			return true;
		case BTGreaterStrategyNumber:
			*op = DDB_KEY_GT;
			return true;
		default:
			return false;
	}
}

/*
 * text_pattern_ops compare bytes whatever the collation: ~<~ and friends.
 */
static bool
pattern_operator(Oid opno, DdbKeyOperator *op)
{
	switch (get_opcode(opno))
	{
		case F_TEXT_PATTERN_LT:
			*op = DDB_KEY_LT;
			return true;
		case F_TEXT_PATTERN_LE:
			*op = DDB_KEY_LE;
			return true;
		case F_TEXT_PATTERN_GE:
			*op = DDB_KEY_GE;
			return true;
		case F_TEXT_PATTERN_GT:
			*op = DDB_KEY_GT;
			return true;
		default:
			return false;
	}
}

static DdbKeyClause *
match_comparison(const DdbCodec *codec, bool on_sort, int position, Oid opno,
				 Oid collation, Node *value)
{
	DdbKeyOperator op;
	bool		is_text = codec->conversion == DDB_CONVERT_TEXT;
	bool		bytewise = is_text && pattern_operator(opno, &op);

	if (!bytewise && !btree_operator(opno, codec->column->base_typid, &op))
		return NULL;
	if (!ddb_codec_takes_type(codec, getBaseType(exprType(value))))
		return NULL;
	if (op == DDB_KEY_EQ)
	{
		if (!ddb_codec_can_equal(codec) ||
			(is_text && !collation_equals_bytes(collation)))
			return NULL;
	}
	else if (!ddb_codec_can_range(codec) ||
			 (is_text && !bytewise && !collation_compares_bytes(collation)))
		return NULL;
	return make_key_clause(on_sort, position, op, value);
}

/* column op value, or value op column */
static DdbKeyClause *
match_op_expr(const Context *context, OpExpr *expr)
{
	Node	   *left;
	Node	   *right;
	Oid			opno = expr->opno;
	const DdbCodec *codec;
	bool		on_sort;
	int			position;
	DdbKeyClause *clause;

	if (list_length(expr->args) != 2)
		return NULL;
	left = linitial(expr->args);
	right = lsecond(expr->args);
	codec = match_column(context, left, &on_sort, &position);
	if (codec == NULL)
	{
		codec = match_column(context, right, &on_sort, &position);
		opno = get_commutator(opno);
		right = left;
	}
	if (codec == NULL || !OidIsValid(opno) ||
		!is_constant_here(context, right))
		return NULL;
	clause = match_comparison(codec, on_sort, position, opno,
							  expr->inputcollid, right);
	if (clause != NULL || !ddb_codec_can_prefix(codec) ||
		opno != expr->opno || !collation_equals_bytes(expr->inputcollid) ||
		!ddb_codec_takes_type(codec, getBaseType(exprType(right))))
		return clause;
	if (get_opcode(opno) == F_TEXTLIKE)
		return make_key_clause(on_sort, position, DDB_KEY_LIKE, right);
	if (get_opcode(opno) == F_STARTS_WITH)
		return make_key_clause(on_sort, position, DDB_KEY_PREFIX, right);
	return NULL;
}

static DdbKeyClause *
match_func_expr(const Context *context, FuncExpr *expr)
{
	const DdbCodec *codec;
	bool		on_sort;
	int			position;

	if (expr->funcid != F_STARTS_WITH || list_length(expr->args) != 2)
		return NULL;
	codec = match_column(context, linitial(expr->args), &on_sort, &position);
	if (codec == NULL || !ddb_codec_can_prefix(codec) ||
		!collation_equals_bytes(expr->inputcollid) ||
		!is_constant_here(context, lsecond(expr->args)))
		return NULL;
	return make_key_clause(on_sort, position, DDB_KEY_PREFIX,
						   lsecond(expr->args));
}

static DdbKeyClause *
match_clause(const Context *context, Expr *expr)
{
	if (IsA(expr, OpExpr))
		return match_op_expr(context, (OpExpr *) expr);
	if (IsA(expr, FuncExpr))
		return match_func_expr(context, (FuncExpr *) expr);
	return NULL;
}

/* IS NOT NULL of a key attribute: DynamoDB keeps no item without its keys. */
static bool
is_implied(const Context *context, Expr *expr)
{
	NullTest   *test = (NullTest *) expr;
	bool		on_sort;
	int			position;

	return IsA(expr, NullTest) && test->nulltesttype == IS_NOT_NULL &&
		!test->argisrow &&
		match_column(context, (Node *) test->arg, &on_sort, &position) != NULL;
}

/* A pattern that is known now and is more than a prefix is re-checked. */
static bool
is_wider(const DdbKeyClause *clause)
{
	Const	   *pattern = (Const *) clause->value;
	char	   *prefix;
	bool		equality;

	if (clause->op != DDB_KEY_LIKE || !IsA(pattern, Const) ||
		pattern->constisnull)
		return false;
	return !ddb_quals_like_prefix(TextDatumGetCString(pattern->constvalue),
								  &prefix, &equality);
}

DdbQuals *
ddb_quals_classify(PlannerInfo *root, RelOptInfo *rel, List *restrictions,
				   const DdbKeySchema *keys, const DdbKeyCodecs *codecs)
{
	Context		context = {root, rel, keys, codecs};
	DdbQuals   *quals = palloc0(sizeof(DdbQuals));
	ListCell   *lc;

	foreach(lc, restrictions)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		DdbKeyClause *clause = rinfo->pseudoconstant ? NULL :
			match_clause(&context, rinfo->clause);

		if (clause != NULL)
		{
			clause->rinfo = rinfo;
			clause->wider = is_wider(clause);
			quals->key_clauses = lappend(quals->key_clauses, clause);
		}
		else if (is_implied(&context, rinfo->clause))
			quals->implied = lappend(quals->implied, rinfo);
		else
			quals->local = lappend(quals->local, rinfo);
	}
	return quals;
}

bool
ddb_quals_like_prefix(const char *pattern, char **prefix, bool *equality)
{
	StringInfoData literal;
	const char *p = pattern;
	bool		dangling = false;

	initStringInfo(&literal);
	while (*p != '\0' && *p != '%' && *p != '_')
	{
		int			len;

		/* A backslash takes the next character as it is. */
		dangling = *p == '\\' && p[1] == '\0';
		if (*p == '\\')
			p++;
		if (dangling)
			break;
		len = pg_mblen(p);
		appendBinaryStringInfo(&literal, p, len);
		p += len;
	}
	*prefix = literal.data;
	/* A backslash at the end is an error, which the re-check raises. */
	*equality = *p == '\0' && !dangling;
	return !dangling && p[strspn(p, "%")] == '\0';
}
