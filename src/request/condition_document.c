/* SPDX-License-Identifier: PostgreSQL */
/*
 * condition_document.c
 *		What documents, lists and sets hold, asked for as they are stored.
 *
 * JSON shows several stored types in one form: "AP8=" may be text or binary,
 * "5" under ->> text or a number, an array a list or a set.  So a condition on
 * a document asks for each stored form of its value, and where these cannot be
 * told, for more, to be re-checked.
 */
#include "postgres.h"

#include "request/condition_document.h"

#include "catalog/pg_type.h"
#include "codec/encode_constant.h"
#include "common/base64.h"
#include "compat.h"
#include "format/decimal.h"
#include "mb/pg_wchar.h"
#include "request/run_values.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

/* Stored forms of one piece of text: S, N, BOOL, B. */
#define MAX_FORMS 4

/* Longest UTF-8 sequence of one character, in whatever size() counts. */
#define MAX_UNITS INT64CONST(4)

/* What a document may hold under a path, in masks of DDB_ACCEPTS. */
#define ARRAY_TYPES (DDB_ACCEPTS(DDB_STORED_L) | DDB_ACCEPTS_SETS)
#define CONTAINER_TYPES (ARRAY_TYPES | DDB_ACCEPTS(DDB_STORED_M))

/* ---- pieces of terms ---- */

/* A term of this kind on the place, with nothing else set. */
static DdbTerm *
make(DdbTermKind kind, const DdbColumn *place, bool negated)
{
	DdbTerm *term = palloc0(sizeof(DdbTerm));

	term->kind = kind;
	term->column = place;
	term->negated = negated;
	return term;
}

static DdbTerm *
both(DdbTerm *left, DdbTerm *right)
{
	return ddb_term_combine(DDB_TERM_AND, left, right);
}

static DdbTerm *
either(DdbTerm *left, DdbTerm *right)
{
	return ddb_term_combine(DDB_TERM_OR, left, right);
}

static DdbTerm *
types_term(const DdbColumn *place, uint32 types, bool negated)
{
	DdbTerm *term = ddb_term_constant(negated);

	for (int type = DDB_STORED_S; type <= DDB_STORED_L; type++)
	{
		DdbTerm *one;

		if ((types & DDB_ACCEPTS(type)) == 0)
			continue;
		one = make(DDB_TERM_TYPE, place, negated);
		one->type = (DdbStoredType) type;
		term = negated ? both(term, one) : either(term, one);
	}
	return term;
}

/* The place exists and has one of these stored types. */
static DdbTerm *
of_types(const DdbColumn *place, uint32 types)
{
	return types_term(place, types, false);
}

/* The place exists with another type, or does not exist. */
static DdbTerm *
not_of_types(const DdbColumn *place, uint32 types)
{
	return types_term(place, types, true);
}

/* A term with these values, which are copied. */
static DdbTerm *
with_bounds(DdbTermKind kind, const DdbColumn *place, const char *op,
			const DdbStoredValue *bounds, int nbounds, bool negated)
{
	DdbTerm *term = make(kind, place, negated);

	term->op = op;
	term->bounds = palloc(sizeof(DdbStoredValue) * Max(nbounds, 1));
	memcpy(term->bounds, bounds, sizeof(DdbStoredValue) * nbounds);
	term->nbounds = nbounds;
	return term;
}

/* Inside the column's value?  There null is a value, and not SQL's NULL. */
static bool
is_member(const DdbColumn *place)
{
	return place->attnum == 0;
}

/*
 * True if the place has as many elements as an expression may name, so that
 * nothing inside it can be named.
 */
static bool
is_too_deep(const DdbColumn *place)
{
	return place->nsteps + 1 >= DDB_MAX_PATH_STEPS;
}

/* ---- stored forms of values ---- */

/*
 * True if the text is the one base64 spelling of some bytes, which *bound then
 * holds.  A document shows binary as such text.
 */
static bool
binary_form(const char *text, int len, DdbStoredValue *bound)
{
	int room = pg_b64_dec_len(len) + 1;
	int back_room = pg_b64_enc_len(len) + 1;
	char *bytes;
	char *back;
	int size;

	if (len % 4 != 0)
		return false;
	bytes = palloc(room);
	back = palloc(back_room);
	size = ddb_compat_b64_decode(text, len, bytes, room);
	if (size < 0 ||
		ddb_compat_b64_encode(bytes, size, back, back_room) != len ||
		memcmp(back, text, len) != 0)
		return false;
	*bound = ddb_stored_value(DDB_STORED_B, bytes, size);
	return true;
}

/* What a JSON string may be stored as. */
static int
string_forms(char *utf8, int len, DdbStoredValue *forms)
{
	forms[0] = ddb_stored_value(DDB_STORED_S, utf8, len);
	return binary_form(utf8, len, &forms[1]) ? 2 : 1;
}

/*
 * The stored scalars that ->> shows as this text, and how many they are: text,
 * a number in its canonical spelling, a boolean, binary.  Containers are left
 * to the caller.
 */
static int
text_forms(char *utf8, int len, DdbStoredValue *forms)
{
	int n = string_forms(utf8, len, forms);
	DdbDecimal decimal;
	char canonical[DDB_DECIMAL_BUFFER];

	if (ddb_decimal_parse(utf8, len, &decimal) &&
		ddb_decimal_fit(&decimal) == DDB_DECIMAL_OK &&
		ddb_decimal_canonical(&decimal, canonical) == (size_t) len &&
		memcmp(canonical, utf8, len) == 0)
		forms[n++] = ddb_stored_value(DDB_STORED_N, utf8, len);
	if (strcmp(utf8, "true") == 0 || strcmp(utf8, "false") == 0)
		forms[n++] = ddb_stored_value(DDB_STORED_BOOL, utf8, len);
	return n;
}

static char *
to_utf8(const char *text, int len)
{
	char *copy = pnstrdup(text, len);

	return pg_server_to_any(copy, len, PG_UTF8);
}

/*
 * The number as a bound in its canonical form.  False when no item can hold
 * it.
 */
static bool
number_form(const char *text, DdbStoredValue *bound)
{
	DdbDecimal decimal;
	char *canonical = palloc(DDB_DECIMAL_BUFFER);

	if (!ddb_decimal_parse(text, strlen(text), &decimal) ||
		ddb_decimal_fit(&decimal) != DDB_DECIMAL_OK)
		return false;
	*bound = ddb_stored_value(DDB_STORED_N, canonical,
							  ddb_decimal_canonical(&decimal, canonical));
	return true;
}

/*
 * The forms in which a JSON scalar other than null may be stored, and how many
 * they are. 0 where nothing is stored so.
 */
static int
scalar_forms(const JsonbValue *value, DdbStoredValue *forms)
{
	char *text;

	switch (value->type)
	{
		case jbvString:
			text = to_utf8(value->val.string.val, value->val.string.len);
			return string_forms(text, strlen(text), forms);
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(
				numeric_out, NumericGetDatum(value->val.numeric)));
			return number_form(text, &forms[0]) ? 1 : 0;
		case jbvBool:
			text = value->val.boolean ? "true" : "false";
			forms[0] =
				ddb_stored_value(DDB_STORED_BOOL, pstrdup(text), strlen(text));
			return 1;
		default:
			return 0;
	}
}

static DdbTerm *
equals_any(const DdbColumn *place, const DdbStoredValue *forms, int n,
		   bool negated)
{
	if (n == 0)
		return ddb_term_constant(negated);
	return with_bounds(DDB_TERM_IN, place, NULL, forms, n, negated);
}

/* ---- documents ---- */

/* How a member is looked at: a stored null is NULL to ->>, and a value to ->. */
typedef enum LookedAt
{
	AS_JSON,
	AS_TEXT,
} LookedAt;

/* IS NULL of a member. */
static DdbTerm *
is_null(const DdbColumn *place, LookedAt as)
{
	DdbTerm *absent = make(DDB_TERM_EXISTS, place, true);

	return as == AS_JSON
			   ? absent
			   : either(absent, of_types(place, DDB_ACCEPTS(DDB_STORED_NULL)));
}

/* IS NOT NULL of a member. */
static DdbTerm *
is_not_null(const DdbColumn *place, LookedAt as)
{
	DdbTerm *exists = make(DDB_TERM_EXISTS, place, false);

	return as == AS_JSON
			   ? exists
			   : both(exists,
					  not_of_types(place, DDB_ACCEPTS(DDB_STORED_NULL)));
}

/* How many of several keys or elements must be there. */
typedef enum HowMany
{
	ANY_OF_THEM,
	ALL_OF_THEM,
} HowMany;

/*
 * The place equals a JSON scalar.  A null equals only inside a document, since
 * a whole attribute that is NULL shows as SQL NULL.
 */
static DdbTerm *
equals_scalar(const DdbColumn *place, const JsonbValue *value)
{
	DdbStoredValue forms[MAX_FORMS];

	/* The whole attribute NULL is SQL NULL, and equals nothing. */
	if (value->type == jbvNull)
		return is_member(place) ? of_types(place, DDB_ACCEPTS(DDB_STORED_NULL))
								: ddb_term_constant(false);
	return equals_any(place, forms, scalar_forms(value, forms), false);
}

/*
 * The place is a list or a set with the scalar among its elements.  The type
 * must be tested too, since contains() also finds pieces of text.
 */
static DdbTerm *
array_holds_scalar(const DdbColumn *place, const JsonbValue *value)
{
	DdbStoredValue forms[MAX_FORMS];
	int n = scalar_forms(value, forms);
	DdbTerm *term = ddb_term_constant(false);

	for (int i = 0; i < n; i++)
		term = either(term, with_bounds(DDB_TERM_CONTAINS, place, NULL,
										&forms[i], 1, false));
	/* contains() finds pieces of text, too. */
	return both(of_types(place, ARRAY_TYPES), term);
}

static DdbTerm *holds(DdbTermContext *context, const DdbColumn *place,
					  JsonbContainer *container);

static DdbTerm *
holds_value(DdbTermContext *context, const DdbColumn *place, JsonbValue *value)
{
	return value->type == jbvBinary
			   ? holds(context, place, value->val.binary.data)
			   : equals_scalar(place, value);
}

/*
 * Each member of the JSON object is contained in the place's member of that
 * name.  Members that no expression can name are left out, with recheck set.
 */
static DdbTerm *
object_holds(DdbTermContext *context, const DdbColumn *place,
			 JsonbIterator *iterator)
{
	DdbTerm *term = ddb_term_constant(true);
	JsonbValue value;
	bool any = false;

	while (JsonbIteratorNext(&iterator, &value, true) == WJB_KEY)
	{
		char *name = to_utf8(value.val.string.val, value.val.string.len);

		(void) JsonbIteratorNext(&iterator, &value, true);
		if (name[0] == '\0' || is_too_deep(place))
		{
			context->recheck = true; /* no expression can say it */
			continue;
		}
		any = true;
		term = both(term, holds_value(context,
									  ddb_column_below(place, list_make1(name)),
									  &value));
	}
	return any ? term : of_types(place, DDB_ACCEPTS(DDB_STORED_M));
}

/*
 * Each scalar of the JSON array is an element of the place.  Other elements
 * cannot be asked for, and set recheck.
 */
static DdbTerm *
array_holds(DdbTermContext *context, const DdbColumn *place,
			JsonbIterator *iterator)
{
	DdbTerm *term = of_types(place, ARRAY_TYPES);
	JsonbValue value;

	while (JsonbIteratorNext(&iterator, &value, true) == WJB_ELEM)
	{
		if (value.type == jbvBinary || value.type == jbvNull)
			context->recheck = true;
		else
			term = both(term, array_holds_scalar(place, &value));
	}
	return term;
}

/* jsonb's @> */
static DdbTerm *
holds(DdbTermContext *context, const DdbColumn *place,
	  JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbValue value;

	if (JsonbIteratorNext(&iterator, &value, true) == WJB_BEGIN_OBJECT)
		return object_holds(context, place, iterator);
	if (!value.val.array.rawScalar)
		return array_holds(context, place, iterator);
	/* A scalar is held by itself, and by an array of which it is an element. */
	(void) JsonbIteratorNext(&iterator, &value, true);
	if (value.type == jbvNull)
	{
		context->recheck = true;
		return either(equals_scalar(place, &value),
					  of_types(place, ARRAY_TYPES));
	}
	return either(equals_scalar(place, &value),
				  array_holds_scalar(place, &value));
}

/* = of jsonb: exact of scalars; of others, of which types they may be. */
static DdbTerm *
equals_json(DdbTermContext *context, const DdbColumn *place, Jsonb *value)
{
	JsonbValue scalar;

	if (JsonbExtractScalar(&value->root, &scalar))
		return equals_scalar(place, &scalar);
	context->recheck = true;
	return of_types(place, JB_ROOT_IS_OBJECT(value) ? DDB_ACCEPTS(DDB_STORED_M)
													: ARRAY_TYPES);
}

/*
 * The place has a member or an element of this name, or is this text, which is
 * what the operator ? means.
 */
static DdbTerm *
has_key(DdbTermContext *context, const DdbColumn *place, const char *key)
{
	char *name = to_utf8(key, strlen(key));
	JsonbValue value;
	DdbTerm *term = ddb_term_constant(false);

	value.type = jbvString;
	value.val.string.val = unconstify(char *, key);
	value.val.string.len = strlen(key);
	if (is_too_deep(place))
	{
		context->recheck = true;
		return ddb_term_constant(true);
	}
	if (name[0] != '\0')
		term = make(DDB_TERM_EXISTS, ddb_column_below(place, list_make1(name)),
					false);
	return either(term, either(equals_scalar(place, &value),
							   array_holds_scalar(place, &value)));
}

/*
 * The same for all of the keys, or for any of them.  NULL among the keys is
 * passed over, as PostgreSQL does.
 */
static DdbTerm *
has_keys(DdbTermContext *context, const DdbColumn *place, Datum array,
		 HowMany wanted)
{
	bool all = wanted == ALL_OF_THEM;
	Datum *elements;
	bool *nulls;
	int n = ddb_values_elements(array, &elements, &nulls);
	DdbTerm *term = ddb_term_constant(all);

	for (int i = 0; i < n; i++)
	{
		DdbTerm *one;

		if (nulls[i])
			continue;
		one = has_key(context, place, TextDatumGetCString(elements[i]));
		term = all ? both(term, one) : either(term, one);
	}
	/* All of none is true, but not of NULL. */
	if (all && term->kind == DDB_TERM_TRUE)
		return is_not_null(place, is_member(place) ? AS_JSON : AS_TEXT);
	return term;
}

/*
 * The term of a condition on a member as JSON. Its value is a jsonb or text,
 * as the operator takes it.
 */
static DdbTerm *
document_term(DdbTermContext *context, const DdbColumn *place,
			  const DdbCondition *condition, Datum value)
{
	switch (condition->op)
	{
		case DDB_COMPARE_NULL:
			context->recheck = true;
			return is_null(place, AS_JSON);
		case DDB_COMPARE_NOT_NULL:
			return is_not_null(place, AS_JSON);
		case DDB_COMPARE_EQ:
			return equals_json(context, place, DatumGetJsonbP(value));
		case DDB_COMPARE_JSON_HOLDS:
			return holds(context, place, &DatumGetJsonbP(value)->root);
		case DDB_COMPARE_HAS_KEY:
			return has_key(context, place, TextDatumGetCString(value));
		case DDB_COMPARE_HAS_ANY_KEY:
			return has_keys(context, place, value, ANY_OF_THEM);
		case DDB_COMPARE_HAS_ALL_KEYS:
			return has_keys(context, place, value, ALL_OF_THEM);
		default:
			elog(ERROR, "no condition on documents: %d", (int) condition->op);
	}
}

/* ---- document ->> 'a' ---- */

/*
 * True if the text is one of these.  What begins like a document may be one,
 * and then all that can be asked is whether there is any.
 */
static DdbTerm *
text_in(DdbTermContext *context, const DdbColumn *place, Datum *texts,
		const bool *nulls, int n, bool negated)
{
	DdbTerm *term = ddb_term_constant(negated);
	bool containers = false;

	for (int i = 0; i < n; i++)
	{
		DdbStoredValue forms[MAX_FORMS];
		DdbTerm *one;
		char *shown;

		if (nulls != NULL && nulls[i])
			continue;
		shown = TextDatumGetCString(texts[i]);
		shown = to_utf8(shown, strlen(shown));
		containers |= shown[0] == '{' || shown[0] == '[';
		one = equals_any(place, forms, text_forms(shown, strlen(shown), forms),
						 negated);
		term = negated ? both(term, one) : either(term, one);
	}
	if (containers)
		context->recheck = true;
	if (containers && !negated)
		return either(term, of_types(place, CONTAINER_TYPES));
	return negated ? both(is_not_null(place, AS_TEXT), term) : term;
}

/*
 * The term of a condition on a member as text, which may be stored as any type
 * that shows this text.
 */
static DdbTerm *
text_term(DdbTermContext *context, const DdbColumn *place,
		  const DdbCondition *condition, Datum value)
{
	Datum *elements;
	bool *nulls;
	int n;

	switch (condition->op)
	{
		case DDB_COMPARE_NULL:
			context->recheck = true;
			return is_null(place, AS_TEXT);
		case DDB_COMPARE_NOT_NULL:
			return is_not_null(place, AS_TEXT);
		case DDB_COMPARE_EQ:
		case DDB_COMPARE_NE:
			return text_in(context, place, &value, NULL, 1,
						   condition->op == DDB_COMPARE_NE);
		case DDB_COMPARE_IN:
			n = ddb_values_elements(value, &elements, &nulls);
			return text_in(context, place, elements, nulls, n, false);
		case DDB_COMPARE_NOT_IN:
			n = ddb_values_elements(value, &elements, &nulls);
			/* <> ALL of nothing is true, even of NULL; with NULL, never. */
			if (n == 0)
				return ddb_term_constant(true);
			for (int i = 0; i < n; i++)
				if (nulls[i])
					return ddb_term_constant(false);
			return text_in(context, place, elements, nulls, n, true);
		default:
			elog(ERROR, "no condition on text: %d", (int) condition->op);
	}
}

/* ---- numbers ---- */

/*
 * The place is a number that compares so with the one in text, which need not
 * be storable: it may be infinite, too large, or have too many digits.
 */
static DdbTerm *
compare_number(const DdbColumn *place, DdbCompare op, const char *text)
{
	DdbTerm *is_number = of_types(place, DDB_ACCEPTS(DDB_STORED_N));
	bool upward = op == DDB_COMPARE_GT || op == DDB_COMPARE_GE;
	DdbStoredValue bound;
	DdbDecimal decimal;
	char *rounded = palloc(DDB_DECIMAL_BUFFER);
	size_t len;

	if (number_form(text, &bound))
	{
		DdbTerm *term = with_bounds(DDB_TERM_COMPARE, place,
									ddb_term_operator(op), &bound, 1, false);

		return op == DDB_COMPARE_NE ? both(is_number, term) : term;
	}
	if (op == DDB_COMPARE_EQ)
		return ddb_term_constant(false);
	if (op == DDB_COMPARE_NE)
		return is_number;
	/* Infinity, NaN (which is above all), or beyond what is storable. */
	if (!ddb_decimal_parse(text, strlen(text), &decimal))
		return upward == (text[0] == '-') ? is_number
										  : ddb_term_constant(false);
	if (!ddb_decimal_round(&decimal, -1, rounded, &len))
		return upward ? is_number : ddb_term_constant(false);
	bound = ddb_stored_value(DDB_STORED_N, rounded, len);
	return with_bounds(DDB_TERM_COMPARE, place, upward ? ">" : "<=", &bound, 1,
					   false);
}

/*
 * Casts of numbers to integers round: what is compared with lies within one
 * of what is stored.
 */
static DdbTerm *
compare_rounded(const DdbColumn *place, DdbCompare op, Numeric value)
{
	Numeric one = int64_to_numeric(1);
	Datum number = NumericGetDatum(value);
	char *low = DatumGetCString(DirectFunctionCall1(
		numeric_out,
		DirectFunctionCall2(numeric_sub, number, NumericGetDatum(one))));
	char *high = DatumGetCString(DirectFunctionCall1(
		numeric_out,
		DirectFunctionCall2(numeric_add, number, NumericGetDatum(one))));

	switch (op)
	{
		case DDB_COMPARE_EQ:
			return both(compare_number(place, DDB_COMPARE_GE, low),
						compare_number(place, DDB_COMPARE_LE, high));
		case DDB_COMPARE_LT:
		case DDB_COMPARE_LE:
			return compare_number(place, DDB_COMPARE_LE, high);
		case DDB_COMPARE_GT:
		case DDB_COMPARE_GE:
			return compare_number(place, DDB_COMPARE_GE, low);
		default:
			return of_types(place, DDB_ACCEPTS(DDB_STORED_N));
	}
}

/*
 * The term of a comparison of a member as a number.  Integers round, so theirs
 * is wider; text may hold a number as well.
 */
static DdbTerm *
number_term(DdbTermContext *context, const DdbColumn *place,
			const DdbCondition *condition, Datum value)
{
	Oid typid = condition->value_typid;
	DdbTerm *term;

	if (typid == NUMERICOID)
		term = compare_number(
			place, condition->op,
			DatumGetCString(DirectFunctionCall1(numeric_out, value)));
	else
	{
		context->recheck = true;
		term =
			compare_rounded(place, condition->op,
							int64_to_numeric(ddb_codec_integer(value, typid)));
	}
	if (condition->access == DDB_ACCESS_NUMBER)
		return term;
	/* Text may hold a number, and so may base64. */
	context->recheck = true;
	return either(term, of_types(place, DDB_ACCEPTS(DDB_STORED_S) |
											DDB_ACCEPTS(DDB_STORED_B)));
}

/* ---- sizes ---- */

/* The place's size() compares with this number. */
static DdbTerm *
compare_size(const DdbColumn *place, DdbCompare op, int64 size)
{
	DdbStoredValue bound;
	char *text = psprintf(INT64_FORMAT, size);

	bound = ddb_stored_value(DDB_STORED_N, text, strlen(text));
	return with_bounds(DDB_TERM_SIZE, place, ddb_term_operator(op), &bound, 1,
					   false);
}

/*
 * size() of text counts what DynamoDB does not say: at least one for each
 * character, at most one for each byte, of which a character has up to four
 * (dynamodb.md section 3.4).  low, high: what a text of this size may count.
 */
static DdbTerm *
compare_text_size(const DdbColumn *place, DdbCompare op, int64 low, int64 high)
{
	switch (op)
	{
		case DDB_COMPARE_EQ:
			return both(compare_size(place, DDB_COMPARE_GE, low),
						compare_size(place, DDB_COMPARE_LE, high));
		case DDB_COMPARE_LT:
		case DDB_COMPARE_LE:
			return compare_size(place, DDB_COMPARE_LE, high);
		case DDB_COMPARE_GT:
		case DDB_COMPARE_GE:
			return compare_size(place, DDB_COMPARE_GE, low);
		default:
			return ddb_term_constant(true);
	}
}

/*
 * The term of a condition on a size.  DynamoDB does not say in which unit it
 * counts text, so conditions on that are wider.
 */
static DdbTerm *
size_term(DdbTermContext *context, const DdbCodec *codec,
		  const DdbColumn *place, const DdbCondition *condition, Datum value)
{
	int64 size = ddb_codec_integer(value, condition->value_typid);
	bool is_document = codec->conversion == DDB_CONVERT_DOCUMENT;
	DdbTerm *types =
		is_document ? of_types(place, ARRAY_TYPES) : ddb_term_of_type(codec);

	/* No item is so large. */
	size = Max(Min(size, PG_INT32_MAX), -1);
	if (condition->access == DDB_ACCESS_SIZE)
		return both(types, compare_size(place, condition->op, size));
	context->recheck = true;
	if (condition->access == DDB_ACCESS_CHARACTERS)
		return both(types, compare_text_size(place, condition->op, size,
											 size * MAX_UNITS));
	return both(types, compare_text_size(place, condition->op,
										 Max(size, 0) / MAX_UNITS, size));
}

/* ---- arrays ---- */

/* One element that the array has; negated: has not. */
static DdbTerm *
has_element(const DdbCodec *codec, Datum element, Oid typid, bool negated)
{
	DdbStoredValue bound;

	ddb_codec_encode_constant(codec->element, element, typid, 0, &bound);
	if (bound.place != DDB_PLACE_EXACT)
		return ddb_term_constant(negated);
	return with_bounds(DDB_TERM_CONTAINS, codec->column, NULL, &bound, 1,
					   negated);
}

static DdbTerm *
elements_term(const DdbCodec *codec, const DdbCondition *condition, Datum array,
			  bool all, bool negated)
{
	Datum *elements;
	bool *nulls;
	int n = ddb_values_elements(array, &elements, &nulls);
	DdbTermKind kind = all != negated ? DDB_TERM_AND : DDB_TERM_OR;
	DdbTerm *term = ddb_term_constant(all != negated);

	for (int i = 0; i < n; i++)
		term = ddb_term_combine(kind, term,
								/* No array has an element that equals NULL. */
								nulls[i] ? ddb_term_constant(negated)
										 : has_element(codec, elements[i],
													   condition->value_typid,
													   negated));
	return both(ddb_term_of_type(codec), term);
}

/*
 * The array has so many of these elements.  NULL is never an element that equals
 * another.
 */
static DdbTerm *
has_elements(const DdbCodec *codec, const DdbCondition *condition, Datum array,
			 HowMany wanted)
{
	return elements_term(codec, condition, array, wanted == ALL_OF_THEM, false);
}

/* The array does not have so many of these elements. */
static DdbTerm *
has_not_elements(const DdbCodec *codec, const DdbCondition *condition,
				 Datum array, HowMany wanted)
{
	return elements_term(codec, condition, array, wanted == ALL_OF_THEM, true);
}

/*
 * The term of a condition on an array column, which may be stored as a list or
 * a set.
 */
static DdbTerm *
array_term(DdbTermContext *context, const DdbCodec *codec,
		   const DdbCondition *condition, Datum value)
{
	switch (condition->op)
	{
		case DDB_COMPARE_MEMBER:
			return both(
				ddb_term_of_type(codec),
				has_element(codec, value, condition->value_typid, false));
		case DDB_COMPARE_NOT_MEMBER:
			/* With NULL among the elements of a list it is unknown. */
			if ((codec->accepts & DDB_ACCEPTS(DDB_STORED_L)) != 0)
				context->recheck = true;
			return both(
				ddb_term_of_type(codec),
				has_element(codec, value, condition->value_typid, true));
		case DDB_COMPARE_HOLDS:
			return has_elements(codec, condition, value, ALL_OF_THEM);
		case DDB_COMPARE_NOT_HOLDS:
			return has_not_elements(codec, condition, value, ALL_OF_THEM);
		case DDB_COMPARE_OVERLAPS:
			return has_elements(codec, condition, value, ANY_OF_THEM);
		case DDB_COMPARE_NOT_OVERLAPS:
			return has_not_elements(codec, condition, value, ANY_OF_THEM);
		default:
			elog(ERROR, "no condition on arrays: %d", (int) condition->op);
	}
}

/* Most operators are never true of NULL. */
DdbTerm *
ddb_inside_term_of_null(DdbTermContext *context, const DdbCodec *codec,
						const DdbCondition *condition)
{
	if (condition->op != DDB_COMPARE_NOT_MEMBER)
		return ddb_term_constant(false);
	/* NULL is not among the elements of an empty array. */
	context->recheck = true;
	return ddb_term_of_type(codec);
}

/*
 * A path too long for an expression becomes a term that is always true, with
 * recheck set.
 */
DdbTerm *
ddb_inside_term(DdbTermContext *context, const DdbCodec *codec,
				const DdbCondition *condition, Datum value)
{
	const DdbColumn *place = ddb_column_below(codec->column, condition->path);

	/* What is true of NULL is true of a misfit, whatever is inside. */
	if (condition->op == DDB_COMPARE_NULL && ddb_term_hides_nulls(codec))
		return ddb_term_constant(true);
	if (place->nsteps + 1 > DDB_MAX_PATH_STEPS)
	{
		context->recheck = true;
		return ddb_term_constant(true);
	}
	switch (condition->access)
	{
		case DDB_ACCESS_VALUE:
			return array_term(context, codec, condition, value);
		case DDB_ACCESS_JSON:
			return document_term(context, place, condition, value);
		case DDB_ACCESS_TEXT:
			return text_term(context, place, condition, value);
		case DDB_ACCESS_NUMBER:
		case DDB_ACCESS_TEXT_NUMBER:
			return number_term(context, place, condition, value);
		default:
			return size_term(context, codec, place, condition, value);
	}
}
