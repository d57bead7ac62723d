/*
 * bounds.c
 *		Intersects conditions on one key attribute.
 *
 * Text and bytes compare as bytes and numbers by value, as DynamoDB compares
 * them; conditions whose SQL meaning differs from that never come here.
 */
#include "postgres.h"

#include "exec/bounds.h"

#include "codec/decimal.h"
#include "mb/pg_wchar.h"
#include "plan/quals.h"
#include "utils/builtins.h"

/* Order of two storable values of one attribute. */
static int
compare_bounds(const DdbBound *a, const DdbBound *b)
{
	DdbDecimal	x;
	DdbDecimal	y;
	int			order;

	if (a->type == DDB_STORED_N)
	{
		(void) ddb_decimal_parse(a->data, a->len, &x);
		(void) ddb_decimal_parse(b->data, b->len, &y);
		return ddb_decimal_compare(&x, &y);
	}
	order = memcmp(a->data, b->data, Min(a->len, b->len));
	return order != 0 ? order : a->len - b->len;
}

static void
add_lower(DdbKeyRange *range, const DdbBound *bound, bool strict)
{
	int			order = range->has_lower ?
		compare_bounds(bound, &range->lower) : 1;

	if (order > 0)
	{
		range->lower = *bound;
		range->lower_strict = strict;
		range->has_lower = true;
	}
	else if (order == 0)
		range->lower_strict |= strict;
}

static void
add_upper(DdbKeyRange *range, const DdbBound *bound, bool strict)
{
	int			order = range->has_upper ?
		compare_bounds(bound, &range->upper) : -1;

	if (order < 0)
	{
		range->upper = *bound;
		range->upper_strict = strict;
		range->has_upper = true;
	}
	else if (order == 0)
		range->upper_strict |= strict;
}

/*
 * The bound is a cut-off prefix of the constant.  Everything above the
 * constant is above the prefix; below it there is no bound as tight.
 */
static void
add_too_long(DdbKeyRange *range, DdbKeyOperator op, const DdbBound *bound)
{
	if (op == DDB_KEY_EQ)
		range->empty = true;
	else if (op == DDB_KEY_GT || op == DDB_KEY_GE)
		add_lower(range, bound, false);
	range->recheck = true;
	range->surplus = -1;
}

/* The constant lies between storable values; bound is the one below it. */
static void
add_between(DdbKeyRange *range, DdbKeyOperator op, const DdbBound *bound)
{
	if (op == DDB_KEY_EQ)
		range->empty = true;
	else if (op == DDB_KEY_GT || op == DDB_KEY_GE)
		add_lower(range, bound, true);
	else
		add_upper(range, bound, false);
}

static void
add_exact(DdbKeyRange *range, DdbKeyOperator op, const DdbBound *bound)
{
	if (op != DDB_KEY_LT && op != DDB_KEY_LE)
		add_lower(range, bound, op == DDB_KEY_GT);
	if (op != DDB_KEY_GT && op != DDB_KEY_GE)
		add_upper(range, bound, op == DDB_KEY_LT);
}

static void
add_comparison(DdbKeyRange *range, DdbKeyOperator op, const DdbBound *bound)
{
	bool		upward = op == DDB_KEY_GT || op == DDB_KEY_GE;
	bool		downward = op == DDB_KEY_LT || op == DDB_KEY_LE;

	switch (bound->place)
	{
		case DDB_BOUND_EXACT:
			add_exact(range, op, bound);
			break;
		case DDB_BOUND_BETWEEN:
			add_between(range, op, bound);
			break;
		case DDB_BOUND_TOO_LONG:
			add_too_long(range, op, bound);
			break;
		case DDB_BOUND_BELOW_ALL:
			range->empty |= !upward;
			break;
		case DDB_BOUND_ABOVE_ALL:
			range->empty |= !downward;
			break;
	}
}

/*
 * The least string above all that begin with this one: its last character
 * replaced by the next code point.  False when there is none.
 */
static bool
prefix_successor(const DdbBound *prefix, DdbBound *successor)
{
	int			len = prefix->len;
	unsigned char next[8];

	*successor = *prefix;
	while (len > 0)
	{
		int			start = len - 1;
		pg_wchar	code;

		while (start > 0 && ((unsigned char) prefix->data[start] & 0xC0) == 0x80)
			start--;
		code = utf8_to_unicode((const unsigned char *) prefix->data + start);
		if (code < 0x10FFFF)
		{
			/* Code points end at U+D7FF and go on at U+E000. */
			unicode_to_utf8(code == 0xD7FF ? 0xE000 : code + 1, next);
			successor->len = start + pg_utf_mblen(next);
			successor->data = palloc(successor->len);
			memcpy(successor->data, prefix->data, start);
			memcpy(successor->data + start, next, pg_utf_mblen(next));
			return true;
		}
		len = start;
	}
	return false;
}

static void
add_prefix(DdbKeyRange *range, const DdbBound *bound)
{
	DdbBound	successor;

	if (bound->place == DDB_BOUND_BELOW_ALL)
		return;					/* the empty prefix: every string */
	if (bound->place == DDB_BOUND_TOO_LONG)
	{
		range->empty = true;
		return;
	}
	add_lower(range, bound, false);
	if (prefix_successor(bound, &successor))
		add_upper(range, &successor, true);
	range->is_prefix = true;
}

static void
add_like(DdbKeyRange *range, const DdbCodec *codec, const char *pattern,
		 Oid typid, int max_len)
{
	char	   *prefix;
	bool		equality;
	DdbBound	bound;

	if (!ddb_quals_like_prefix(pattern, &prefix, &equality))
	{
		range->recheck = true;
		range->surplus = -1;
	}
	ddb_codec_encode_bound(codec, CStringGetTextDatum(prefix), typid, max_len,
						   &bound);
	if (equality)
		add_comparison(range, DDB_KEY_EQ, &bound);
	else
		add_prefix(range, &bound);
}

void
ddb_key_range_add(DdbKeyRange *range, const DdbCodec *codec,
				  DdbKeyOperator op, Datum datum, Oid typid, int max_len)
{
	DdbBound	bound;

	if (op == DDB_KEY_LIKE)
	{
		add_like(range, codec, TextDatumGetCString(datum), typid, max_len);
		return;
	}
	ddb_codec_encode_bound(codec, datum, typid, max_len, &bound);
	if (op == DDB_KEY_PREFIX)
		add_prefix(range, &bound);
	else
		add_comparison(range, op, &bound);
}

bool
ddb_key_range_is_value(const DdbKeyRange *range)
{
	return range->has_lower && range->has_upper && !range->lower_strict &&
		!range->upper_strict &&
		compare_bounds(&range->lower, &range->upper) == 0;
}

bool
ddb_key_range_is_open(const DdbKeyRange *range)
{
	return !range->has_lower && !range->has_upper;
}

/* Does begins_with(lower) still say it all, after other conditions? */
static bool
is_pure_prefix(const DdbKeyRange *range)
{
	DdbBound	successor;

	if (!range->is_prefix || !range->has_lower || range->lower_strict)
		return false;
	if (!prefix_successor(&range->lower, &successor))
		return !range->has_upper;
	return range->has_upper && range->upper_strict &&
		compare_bounds(&successor, &range->upper) == 0;
}

/*
 * BETWEEN takes both ends in; a strict end lets through one item of that value
 * at most (of an index, whose keys may repeat, any number: the caller knows).
 */
void
ddb_key_range_finish(DdbKeyRange *range)
{
	int			order;

	if (range->empty)
		return;
	range->is_prefix = is_pure_prefix(range);
	if (range->is_prefix || !range->has_lower || !range->has_upper)
		return;
	order = compare_bounds(&range->lower, &range->upper);
	if (order > 0 ||
		(order == 0 && (range->lower_strict || range->upper_strict)))
		range->empty = true;
	else if (range->lower_strict || range->upper_strict)
	{
		range->recheck = true;
		if (range->surplus >= 0)
			range->surplus += range->lower_strict + range->upper_strict;
	}
}
