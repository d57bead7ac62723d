/* SPDX-License-Identifier: PostgreSQL */
/*
 * condition.c
 *		Puts values into filters, by the tables of dynamodb.md section 3.5.
 *
 * Each function returns what is true of every row that the SQL comparison is
 * true of; where it may be true of more, recheck is set.
 */
#include "postgres.h"

#include "request/condition.h"

#include "miscadmin.h"

#include "codec/encode_constant.h"
#include "request/condition_document.h"
#include "request/like_pattern.h"
#include "request/run_values.h"
#include "utils/builtins.h"

/* The service's limits of one expression (dynamodb.md section 2.1). */
#define MAX_EXPRESSION_BYTES 4000 /* of 4096: the rest is slack */
#define MAX_OPERATORS 290 /* of 300 */
#define MAX_VALUE_BYTES                                                        \
	(INT64CONST(512) * 1024) /* of 1 MB in all expressions together */
#define MAX_IN_OPERANDS 99

/* Longest placeholders: "#n9999" and ":v99999", with what is between. */
#define PLACEHOLDER_BYTES 8
#define INDEX_BYTES 12 /* "[2147483647]" */

/*
 * A term of this kind, on the codec's column if there is one, with nothing
 * else set.
 */
static DdbTerm *
make_term(DdbTermKind kind, const DdbCodec *codec)
{
	DdbTerm *term = palloc0(sizeof(DdbTerm));

	term->kind = kind;
	if (codec != NULL)
		term->column = codec->column;
	return term;
}

DdbTerm *
ddb_term_constant(bool value)
{
	return make_term(value ? DDB_TERM_TRUE : DDB_TERM_FALSE, NULL);
}

/* AND and OR of two terms, folding constants. */
DdbTerm *
ddb_term_combine(DdbTermKind kind, DdbTerm *left, DdbTerm *right)
{
	DdbTermKind neutral = kind == DDB_TERM_AND ? DDB_TERM_TRUE : DDB_TERM_FALSE;
	DdbTermKind dominant =
		kind == DDB_TERM_AND ? DDB_TERM_FALSE : DDB_TERM_TRUE;
	DdbTerm *term;

	if (left->kind == dominant || right->kind == neutral)
		return left;
	if (right->kind == dominant || left->kind == neutral)
		return right;
	term = make_term(kind, NULL);
	term->children =
		left->kind == kind ? list_copy(left->children) : list_make1(left);
	if (right->kind == kind)
		term->children = list_concat(term->children, right->children);
	else
		term->children = lappend(term->children, right);
	return term;
}

/* The attribute has this stored type, or has another one if negated. */
static DdbTerm *
one_type_term(const DdbCodec *codec, DdbStoredType type, bool negated)
{
	DdbTerm *term = make_term(DDB_TERM_TYPE, codec);

	term->type = type;
	term->negated = negated;
	return term;
}

static DdbTerm *
type_term(const DdbCodec *codec, bool negated)
{
	DdbTermKind kind = negated ? DDB_TERM_AND : DDB_TERM_OR;
	DdbTerm *term;

	if (codec->accepts == DDB_ACCEPTS_ANY)
	{
		term = make_term(DDB_TERM_EXISTS, codec);
		term->negated = negated;
		return ddb_term_combine(
			negated ? DDB_TERM_OR : DDB_TERM_AND, term,
			one_type_term(codec, DDB_STORED_NULL, !negated));
	}
	term = ddb_term_constant(negated);
	for (int type = DDB_STORED_S; type <= DDB_STORED_L; type++)
		if ((codec->accepts & DDB_ACCEPTS(type)) != 0)
			term = ddb_term_combine(
				kind, term,
				one_type_term(codec, (DdbStoredType) type, negated));
	return term;
}

DdbTerm *
ddb_term_of_type(const DdbCodec *codec)
{
	return type_term(codec, false);
}

DdbTerm *
ddb_term_not_of_type(const DdbCodec *codec)
{
	return type_term(codec, true);
}

/* A term with a single value, which is copied. */
static DdbTerm *
value_term(DdbTermKind kind, const DdbCodec *codec, const char *op,
		   const DdbStoredValue *bound, bool negated)
{
	DdbTerm *term = make_term(kind, codec);

	term->op = op;
	term->negated = negated;
	term->bounds = palloc(sizeof(DdbStoredValue));
	term->bounds[0] = *bound;
	term->nbounds = 1;
	return term;
}

/*
 * The term, and that the attribute has the stored type.  Needed where the term
 * alone is also true of values of other types, or of none.
 */
static DdbTerm *
guarded(const DdbCodec *codec, DdbTerm *term)
{
	return ddb_term_combine(DDB_TERM_AND, ddb_term_of_type(codec), term);
}

/* The text is static.  Only for comparisons by order or equality. */
const char *
ddb_term_operator(DdbCompare op)
{
	switch (op)
	{
		case DDB_COMPARE_EQ:
			return "=";
		case DDB_COMPARE_NE:
			return "<>";
		case DDB_COMPARE_LT:
			return "<";
		case DDB_COMPARE_LE:
			return "<=";
		case DDB_COMPARE_GT:
			return ">";
		default:
			return ">=";
	}
}

/*
 * A comparison with a constant that no stored value equals.  It is true of all
 * or of none, or a comparison with the nearest value below.
 */
static DdbTerm *
compare_unstorable(const DdbCodec *codec, DdbCompare op,
				   const DdbStoredValue *bound)
{
	bool upward = op == DDB_COMPARE_GT || op == DDB_COMPARE_GE;

	if (op == DDB_COMPARE_EQ)
		return ddb_term_constant(false);
	if (op == DDB_COMPARE_NE)
		return ddb_term_of_type(codec);
	if (bound->place == DDB_PLACE_BETWEEN)
		return value_term(DDB_TERM_COMPARE, codec, upward ? ">" : "<=", bound,
						  false);
	return upward == (bound->place == DDB_PLACE_BELOW_ALL)
			   ? ddb_term_of_type(codec)
			   : ddb_term_constant(false);
}

/*
 * A comparison that means the same in DynamoDB. A value that no item can hold
 * is true of all or of none.
 */
static DdbTerm *
compare_exactly(const DdbCodec *codec, DdbCompare op, Datum value, Oid typid)
{
	DdbStoredValue bound;
	DdbTerm *term;

	ddb_codec_encode_constant(codec, value, typid, 0, &bound);
	if (bound.place != DDB_PLACE_EXACT)
		return compare_unstorable(codec, op, &bound);
	term = value_term(DDB_TERM_COMPARE, codec, ddb_term_operator(op), &bound,
					  false);
	return op == DDB_COMPARE_NE ? guarded(codec, term) : term;
}

/* One end of a span, as a comparison that takes the whole span in. */
static DdbTerm *
compare_span_end(const DdbCodec *codec, DdbCompare op,
				 const DdbStoredValue *end)
{
	if (end->place == DDB_PLACE_EXACT)
		return value_term(DDB_TERM_COMPARE, codec, ddb_term_operator(op), end,
						  false);
	if (end->place == DDB_PLACE_BETWEEN)
		return value_term(DDB_TERM_COMPARE, codec,
						  op == DDB_COMPARE_LE ? "<=" : ">=", end, false);
	return compare_unstorable(codec, op, end);
}

/*
 * A comparison that is true of at least what it should be: of all stored forms
 * of the value, and perhaps of more.
 */
static DdbTerm *
compare_widely(const DdbCodec *codec, DdbCompare op, Datum value)
{
	DdbStoredValue low;
	DdbStoredValue high;

	ddb_codec_encode_span(codec, value, &low, &high);
	switch (op)
	{
		case DDB_COMPARE_EQ:
			return ddb_term_combine(
				DDB_TERM_AND, compare_span_end(codec, DDB_COMPARE_GE, &low),
				compare_span_end(codec, DDB_COMPARE_LE, &high));
		case DDB_COMPARE_LT:
		case DDB_COMPARE_LE:
			return compare_span_end(codec, DDB_COMPARE_LE, &high);
		case DDB_COMPARE_GT:
		case DDB_COMPARE_GE:
			return compare_span_end(codec, DDB_COMPARE_GE, &low);
		default:
			return ddb_term_of_type(codec);
	}
}

/*
 * Compares as far as the codec agrees with DynamoDB. Sets recheck in the
 * context where the term is true of more.
 */
static DdbTerm *
compare_value(DdbTermContext *context, const DdbCodec *codec, DdbCompare op,
			  Datum value, Oid typid)
{
	DdbAgreement agreement = op == DDB_COMPARE_EQ || op == DDB_COMPARE_NE
								 ? ddb_codec_equality(codec)
								 : ddb_codec_order(codec);

	if (agreement == DDB_AGREES_EXACTLY)
		return compare_exactly(codec, op, value, typid);
	context->recheck = true;
	return compare_widely(codec, op, value);
}

/*
 * A term that searches for a piece of text, as a prefix or anywhere.  An empty
 * piece is in every text.
 */
static DdbTerm *
search_text(const DdbCodec *codec, DdbTermKind kind, const char *piece,
			bool negated)
{
	DdbStoredValue bound;

	if (piece[0] == '\0')
		return negated ? ddb_term_constant(false) : ddb_term_of_type(codec);
	ddb_codec_encode_constant(codec, CStringGetTextDatum(piece), TEXTOID, 0,
							  &bound);
	/* contains() also finds members of sets and lists. */
	if (kind == DDB_TERM_CONTAINS || negated)
		return guarded(codec, value_term(kind, codec, NULL, &bound, negated));
	return value_term(kind, codec, NULL, &bound, false);
}

/*
 * The term of a LIKE pattern, or of NOT LIKE. Exact for a plain prefix or
 * infix; otherwise wider, with recheck set.
 */
static DdbTerm *
match_like(DdbTermContext *context, const DdbCodec *codec, const char *pattern,
		   bool negated)
{
	char *part;
	bool equality;

	if (ddb_like_prefix(pattern, &part, &equality))
		return equality
				   ? compare_exactly(codec,
									 negated ? DDB_COMPARE_NE : DDB_COMPARE_EQ,
									 CStringGetTextDatum(part), TEXTOID)
				   : search_text(codec, DDB_TERM_PREFIX, part, negated);
	if (negated)
	{
		context->recheck = true;
		return ddb_term_of_type(codec);
	}
	if (ddb_like_infix(pattern, &part))
		return search_text(codec, DDB_TERM_CONTAINS, part, false);
	context->recheck = true;
	(void) ddb_like_prefix(pattern, &part, &equality);
	return search_text(codec, DDB_TERM_PREFIX, part, false);
}

/* '%abc%' negated says all of it, too. */
static DdbTerm *
match_not_like(DdbTermContext *context, const DdbCodec *codec,
			   const char *pattern)
{
	char *part;

	if (ddb_like_infix(pattern, &part))
		return search_text(codec, DDB_TERM_CONTAINS, part, true);
	return match_like(context, codec, pattern, true);
}

/*
 * IN or NOT IN of n values, in terms of at most 99 operands each, which is
 * DynamoDB's limit.  The terms point into bounds.
 */
static DdbTerm *
in_terms(const DdbCodec *codec, DdbStoredValue *bounds, int n, bool negated)
{
	DdbTerm *result = ddb_term_constant(negated);

	for (int i = 0; i < n; i += MAX_IN_OPERANDS)
	{
		DdbTerm *term = make_term(DDB_TERM_IN, codec);

		term->negated = negated;
		term->bounds = bounds + i;
		term->nbounds = Min(n - i, MAX_IN_OPERANDS);
		result = ddb_term_combine(negated ? DDB_TERM_AND : DDB_TERM_OR, result,
								  term);
	}
	return result;
}

/*
 * A comparison with a value of another type, which is not NULL, as one with
 * the nearest value of the column's.
 */
static DdbTerm *
compare_nearest(DdbTermContext *context, const DdbCodec *codec,
				DdbSearch *search, DdbCompare op, Datum value, Oid typid)
{
	DdbNearest nearest;

	if (!ddb_search_nearest(search, op, value, &nearest))
		return ddb_term_constant(false);
	context->recheck |= nearest.recheck;
	if (nearest.equal <= 1)
		return compare_value(context, codec, nearest.op, nearest.value, typid);
	return ddb_term_combine(
		DDB_TERM_AND,
		compare_value(context, codec, DDB_COMPARE_GE, nearest.value, typid),
		compare_value(
			context, codec, DDB_COMPARE_LE,
			ddb_search_above(search, nearest.value, nearest.equal - 1), typid));
}

/* IN, with elements of another type. */
static DdbTerm *
match_nearest(DdbTermContext *context, const DdbCodec *codec, DdbSearch *search,
			  Datum array, Oid typid)
{
	Datum *elements;
	bool *nulls;
	int n = ddb_values_elements(array, &elements, &nulls);
	int nbounds = 0;
	DdbStoredValue *bounds = palloc(sizeof(DdbStoredValue) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		DdbNearest nearest;

		if (nulls[i] ||
			!ddb_search_nearest(search, DDB_COMPARE_EQ, elements[i], &nearest))
			continue;
		/* All but one that equal it are too many to be listed. */
		if (nearest.equal > 1)
		{
			context->recheck = true;
			return ddb_term_of_type(codec);
		}
		ddb_codec_encode_constant(codec, nearest.value, typid, 0,
								  &bounds[nbounds]);
		if (bounds[nbounds].place == DDB_PLACE_EXACT)
			nbounds++;
	}
	return in_terms(codec, bounds, nbounds, false);
}

/*
 * IN or NOT IN, with the array's elements as values.  Elements that no item
 * can hold are left out.
 */
static DdbTerm *
match_array(const DdbCodec *codec, Datum array, Oid typid, bool negated)
{
	Datum *elements;
	bool *nulls;
	int n = ddb_values_elements(array, &elements, &nulls);
	int nbounds = 0;
	DdbStoredValue *bounds;

	/* <> ALL of nothing is true, even of NULL. */
	if (n == 0)
		return ddb_term_constant(negated);
	bounds = palloc(sizeof(DdbStoredValue) * n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i] && negated)
			return ddb_term_constant(false);
		if (nulls[i])
			continue;
		ddb_codec_encode_constant(codec, elements[i], typid, 0,
								  &bounds[nbounds]);
		if (bounds[nbounds].place == DDB_PLACE_EXACT)
			nbounds++;
	}
	if (negated)
		return guarded(codec, in_terms(codec, bounds, nbounds, true));
	return in_terms(codec, bounds, nbounds, false);
}

/*
 * IS NULL: not of the stored type.  A value of another type comes back with
 * it, to raise its error; where misfits are NULL, one that is of the type may
 * be NULL all the same, and then nothing can be asked.
 */
static DdbTerm *
null_term(DdbTermContext *context, const DdbCodec *codec)
{
	bool misfit_is_null =
		ddb_column_mismatch_policy(codec->column) == DDB_MISMATCH_NULL;

	if (misfit_is_null && ddb_codec_fits_all(codec))
		return ddb_term_not_of_type(codec);
	context->recheck = true;
	return misfit_is_null ? ddb_term_constant(true)
						  : ddb_term_not_of_type(codec);
}

/*
 * True if a stored value may be NULL here although it is of the stored type.
 * Then what is true of NULL cannot be asked of DynamoDB.
 */
bool
ddb_term_hides_nulls(const DdbCodec *codec)
{
	return ddb_column_mismatch_policy(codec->column) == DDB_MISMATCH_NULL &&
		   !ddb_codec_fits_all(codec);
}

/*
 * A comparison of two columns, which must both be of their stored types to be
 * true.
 */
static DdbTerm *
columns_term(DdbTermContext *context, const DdbCodec *codec,
			 const DdbCondition *condition)
{
	const DdbCodec *other =
		ddb_codec_set_get(context->codecs, condition->other);
	DdbTerm *term = make_term(DDB_TERM_COMPARE_ATTRIBUTES, codec);

	if (ddb_column_mismatch_policy(other->column) == DDB_MISMATCH_NULL)
		context->recheck = true;
	term->other = other->column;
	term->op = ddb_term_operator(condition->op);
	if (condition->op == DDB_COMPARE_NE)
		term = guarded(other, term);
	return guarded(codec, term);
}

/*
 * The term of a condition without a value, or whose value is NULL. Comparisons
 * with NULL are never true.
 */
static DdbTerm *
resolve_valueless(DdbTermContext *context, const DdbCodec *codec, DdbCompare op)
{
	switch (op)
	{
		case DDB_COMPARE_NULL:
		case DDB_COMPARE_NOT_DISTINCT:
			return null_term(context, codec);
		case DDB_COMPARE_NOT_NULL:
		case DDB_COMPARE_DISTINCT:
			return ddb_term_of_type(codec);
		default:
			return ddb_term_constant(false); /* of NULL, never true */
	}
}

/* IS DISTINCT FROM a value: also of what is not of the type, or not there. */
static DdbTerm *
distinct_term(const DdbCodec *codec, Datum value, Oid typid)
{
	DdbStoredValue bound;

	ddb_codec_encode_constant(codec, value, typid, 0, &bound);
	if (bound.place != DDB_PLACE_EXACT || ddb_term_hides_nulls(codec))
		return ddb_term_constant(true);
	return value_term(DDB_TERM_COMPARE, codec, "<>", &bound, false);
}

/* The term of a condition with its value, which is not NULL. */
static DdbTerm *
resolve_value(DdbTermContext *context, const DdbCodec *codec,
			  const DdbCondition *condition, Datum value)
{
	Oid typid = condition->value_typid;

	switch (condition->op)
	{
		case DDB_COMPARE_PREFIX:
		case DDB_COMPARE_NOT_PREFIX:
			return search_text(codec, DDB_TERM_PREFIX,
							   TextDatumGetCString(value),
							   condition->op == DDB_COMPARE_NOT_PREFIX);
		case DDB_COMPARE_CONTAINS:
		case DDB_COMPARE_NOT_CONTAINS:
			return search_text(codec, DDB_TERM_CONTAINS,
							   TextDatumGetCString(value),
							   condition->op == DDB_COMPARE_NOT_CONTAINS);
		case DDB_COMPARE_LIKE:
			return match_like(context, codec, TextDatumGetCString(value),
							  false);
		case DDB_COMPARE_NOT_LIKE:
			return match_not_like(context, codec, TextDatumGetCString(value));
		case DDB_COMPARE_IN:
			return match_array(codec, value, typid, false);
		case DDB_COMPARE_NOT_IN:
			return match_array(codec, value, typid, true);
		case DDB_COMPARE_DISTINCT:
			return distinct_term(codec, value, typid);
		case DDB_COMPARE_NOT_DISTINCT:
			return compare_value(context, codec, DDB_COMPARE_EQ, value, typid);
		default:
			return compare_value(context, codec, condition->op, value, typid);
	}
}

/*
 * True if the condition is about something inside the column's value, which
 * condition_document.c knows.
 */
static bool
is_inside(const DdbCondition *condition)
{
	return condition->access != DDB_ACCESS_VALUE ||
		   condition->op >= DDB_COMPARE_MEMBER;
}

/*
 * The term of one condition with the values of now.  A value that is NULL
 * makes most conditions true of nothing.
 */
static DdbTerm *
resolve_condition(DdbTermContext *context, const DdbCondition *condition)
{
	const DdbCodec *codec =
		ddb_codec_set_get(context->codecs, condition->column);
	DdbSearch *search;
	Datum value;

	/* What is NULL here need not be so there. */
	if (ddb_column_mismatch_policy(codec->column) == DDB_MISMATCH_NULL &&
		!ddb_codec_fits_all(codec))
		context->recheck = true;
	if (condition->other != 0)
		return columns_term(context, codec, condition);
	if (condition->value < 0)
		return is_inside(condition)
				   ? ddb_inside_term(context, codec, condition, (Datum) 0)
				   : resolve_valueless(context, codec, condition->op);
	if (!ddb_values_evaluate(context->node, context->values, condition->value,
							 &value))
		return is_inside(condition)
				   ? ddb_inside_term_of_null(context, codec, condition)
				   : resolve_valueless(context, codec, condition->op);
	if (is_inside(condition))
		return ddb_inside_term(context, codec, condition, value);
	search = ddb_values_search(context->node, context->values, context->codecs,
							   condition);
	if (search != NULL)
		return condition->op == DDB_COMPARE_IN
				   ? match_nearest(context, codec, search, value,
								   condition->value_typid)
				   : compare_nearest(context, codec, search, condition->op,
									 value, condition->value_typid);
	return resolve_value(context, codec, condition, value);
}

/* AND and OR as above; a group, which nobody else has, grows in place. */
static DdbTerm *
extend(DdbTermKind kind, DdbTerm *group, DdbTerm *term)
{
	if (group->kind != kind || term->kind == DDB_TERM_TRUE ||
		term->kind == DDB_TERM_FALSE)
		return ddb_term_combine(kind, group, term);
	if (term->kind == kind)
		group->children = list_concat(group->children, term->children);
	else
		group->children = lappend(group->children, term);
	return group;
}

/*
 * The term of a filter, with the values of now.  AND and OR keep their
 * structure, simplified where an arm is constant.
 */
static DdbTerm *
resolve(DdbTermContext *context, const DdbFilter *filter)
{
	DdbTermKind kind =
		filter->kind == DDB_FILTER_AND ? DDB_TERM_AND : DDB_TERM_OR;
	DdbTerm *result;
	ListCell *lc;

	if (filter->kind == DDB_FILTER_CONDITION)
		return resolve_condition(context, &filter->condition);
	check_stack_depth();
	result = ddb_term_constant(kind == DDB_TERM_AND);
	foreach (lc, filter->children)
	{
		CHECK_FOR_INTERRUPTS();
		result =
			extend(kind, result, resolve(context, (DdbFilter *) lfirst(lc)));
		if (result->kind != kind ||
			list_length(result->children) <= MAX_OPERATORS)
			continue;
		/* No request holds more: what is left out of it is checked here. */
		context->recheck = true;
		return kind == DDB_TERM_OR ? ddb_term_constant(true) : result;
	}
	return result;
}

/* What a term takes of the service's limits, at most. */
typedef struct Extent
{
	int operators;
	int bytes;
	int64 value_bytes;
} Extent;

/* Beyond the placeholder of the attribute itself, which all have. */
static int
path_bytes(const DdbColumn *column)
{
	int bytes = 0;

	for (int i = 0; column != NULL && i < column->nsteps; i++)
		bytes +=
			column->steps[i].name != NULL ? PLACEHOLDER_BYTES : INDEX_BYTES;
	return bytes;
}

/*
 * Adds to size what the term takes of a request: operators, bytes of the
 * expression, bytes of values.  Errs on the high side.
 */
static void
add_extent(const DdbTerm *term, Extent *size)
{
	ListCell *lc;

	foreach (lc, term->children)
		add_extent((DdbTerm *) lfirst(lc), size);
	size->operators +=
		1 + (term->negated ? 1 : 0) + (term->kind == DDB_TERM_SIZE ? 1 : 0);
	/* The longest word is attribute_type; the rest is placeholders. */
	size->bytes += 24 + PLACEHOLDER_BYTES * (2 + term->nbounds);
	size->bytes += path_bytes(term->column) + path_bytes(term->other);
	for (int i = 0; i < term->nbounds; i++)
		size->value_bytes += term->bounds[i].len + 16;
	size->value_bytes += 32;
}

/*
 * Keeps the conjuncts that fit into one request, in their order.  Sets recheck
 * if one is left out.
 */
static DdbTerm *
fit(DdbTermContext *context, DdbTerm *term)
{
	List *conjuncts =
		term->kind == DDB_TERM_AND ? term->children : list_make1(term);
	DdbTerm *result = ddb_term_constant(true);
	Extent total = {0, 0, 0};
	ListCell *lc;

	foreach (lc, conjuncts)
	{
		Extent next = total;

		add_extent((DdbTerm *) lfirst(lc), &next);
		if (next.operators > MAX_OPERATORS ||
			next.bytes > MAX_EXPRESSION_BYTES ||
			next.value_bytes > MAX_VALUE_BYTES)
			context->recheck = true;
		else
		{
			total = next;
			result =
				ddb_term_combine(DDB_TERM_AND, result, (DdbTerm *) lfirst(lc));
		}
	}
	return result;
}

/* One comparison of a key attribute. */
static DdbTerm *
key_term(const DdbColumn *column, DdbTermKind kind, const char *op,
		 const DdbStoredValue *bound)
{
	DdbTerm *term = value_term(kind, NULL, op, bound, false);

	term->column = column;
	return term;
}

/*
 * Used by Scans, which take no key condition.  An empty range must not come
 * here.
 */
DdbTerm *
ddb_term_of_range(const DdbColumn *column, const DdbKeyRange *range)
{
	DdbTerm *lower = NULL;
	DdbTerm *upper = NULL;

	if (ddb_key_range_is_value(range))
		return key_term(column, DDB_TERM_COMPARE, "=", &range->lower);
	if (range->is_prefix)
		return key_term(column, DDB_TERM_PREFIX, NULL, &range->lower);
	if (range->has_lower)
		lower = key_term(column, DDB_TERM_COMPARE,
						 range->lower_strict ? ">" : ">=", &range->lower);
	if (range->has_upper)
		upper = key_term(column, DDB_TERM_COMPARE,
						 range->upper_strict ? "<" : "<=", &range->upper);
	return ddb_term_and(lower, upper);
}

DdbTerm *
ddb_term_and(DdbTerm *left, DdbTerm *right)
{
	if (left == NULL || right == NULL)
		return left != NULL ? left : right;
	return ddb_term_combine(DDB_TERM_AND, left, right);
}

DdbTerm *
ddb_term_resolve(DdbTermContext *context, const DdbFilter *filter)
{
	DdbTerm *term =
		filter != NULL ? resolve(context, filter) : ddb_term_constant(true);

	return fit(context, ddb_term_and(context->besides, term));
}

/*
 * Compares the attribute with a number of seconds; used for the TTL attribute.
 */
static DdbTerm *
compare_seconds(const DdbColumn *column, const char *op, int64 seconds)
{
	DdbTerm *term = make_term(DDB_TERM_COMPARE, NULL);
	char *number = psprintf(INT64_FORMAT, seconds);

	term->column = column;
	term->op = op;
	term->bounds = palloc(sizeof(DdbStoredValue));
	*term->bounds = ddb_stored_value(DDB_STORED_N, number, strlen(number));
	term->nbounds = 1;
	return term;
}

/*
 * Comparisons with what is not a number are false, and their negations true:
 * such items never expire (docs/dynamodb.md section 3.5).
 */
DdbTerm *
ddb_term_unexpired(DdbTerm *term, const char *ttl_attribute, DdbExpiry expiry)
{
	/* A column of the foreign table may show it or not. */
	const DdbColumn *column = ddb_column_of_attribute(ttl_attribute);
	DdbTerm *passed;
	DdbTerm *kept;

	passed = compare_seconds(column, "<=", expiry.until);
	passed->negated = true;
	kept = compare_seconds(column, "<", expiry.since);
	return ddb_term_combine(DDB_TERM_AND, term,
							ddb_term_combine(DDB_TERM_OR, passed, kept));
}
