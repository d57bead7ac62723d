/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_range.c
 *		Intersects conditions on one key attribute.
 *
 * Text and bytes compare as bytes and numbers by value, as DynamoDB compares
 * them; conditions whose SQL meaning differs from that never come here.
 */
#include "postgres.h"

#include "request/key_range.h"

#include "codec/encode_constant.h"
#include "format/decimal.h"
#include "mb/pg_wchar.h"
#include "request/like_pattern.h"
#include "utils/builtins.h"

/*
 * Both have a value, that is, they are EXACT or BETWEEN. Numbers compare by
 * value, text and binary by bytes.
 */
int
ddb_stored_value_compare(const DdbStoredValue *a, const DdbStoredValue *b)
{
	DdbDecimal x;
	DdbDecimal y;
	int order;

	if (a->type == DDB_STORED_N)
	{
		(void) ddb_decimal_parse(a->data, a->len, &x);
		(void) ddb_decimal_parse(b->data, b->len, &y);
		return ddb_decimal_compare(&x, &y);
	}
	order = memcmp(a->data, b->data, Min(a->len, b->len));
	return order != 0 ? order : a->len - b->len;
}

/* Raises the lower end of the range, if this one is higher or stricter. */
static void
add_lower(DdbKeyRange *range, const DdbStoredValue *bound, bool strict)
{
	int order =
		range->has_lower ? ddb_stored_value_compare(bound, &range->lower) : 1;

	if (order > 0)
	{
		range->lower = *bound;
		range->lower_strict = strict;
		range->has_lower = true;
	}
	else if (order == 0)
		range->lower_strict |= strict;
}

/* Lowers the upper end of the range, if this one is lower or stricter. */
static void
add_upper(DdbKeyRange *range, const DdbStoredValue *bound, bool strict)
{
	int order =
		range->has_upper ? ddb_stored_value_compare(bound, &range->upper) : -1;

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
add_too_long(DdbKeyRange *range, DdbCompare op, const DdbStoredValue *bound)
{
	if (op == DDB_COMPARE_EQ)
		range->empty = true;
	else if (op == DDB_COMPARE_GT || op == DDB_COMPARE_GE)
		add_lower(range, bound, false);
	range->recheck = true;
	range->surplus = -1;
}

/* The constant lies between storable values; bound is the one below it. */
static void
add_between(DdbKeyRange *range, DdbCompare op, const DdbStoredValue *bound)
{
	if (op == DDB_COMPARE_EQ)
		range->empty = true;
	else if (op == DDB_COMPARE_GT || op == DDB_COMPARE_GE)
		add_lower(range, bound, true);
	else
		add_upper(range, bound, false);
}

/*
 * Adds a comparison with a value that can be stored; equality sets both ends.
 */
static void
add_exact(DdbKeyRange *range, DdbCompare op, const DdbStoredValue *bound)
{
	if (op != DDB_COMPARE_LT && op != DDB_COMPARE_LE)
		add_lower(range, bound, op == DDB_COMPARE_GT);
	if (op != DDB_COMPARE_GT && op != DDB_COMPARE_GE)
		add_upper(range, bound, op == DDB_COMPARE_LT);
}

/* Adds a comparison, by where its value lies among what can be stored. */
static void
add_comparison(DdbKeyRange *range, DdbCompare op, const DdbStoredValue *bound)
{
	bool upward = op == DDB_COMPARE_GT || op == DDB_COMPARE_GE;
	bool downward = op == DDB_COMPARE_LT || op == DDB_COMPARE_LE;

	switch (bound->place)
	{
		case DDB_PLACE_EXACT:
			add_exact(range, op, bound);
			break;
		case DDB_PLACE_BETWEEN:
			add_between(range, op, bound);
			break;
		case DDB_PLACE_TOO_LONG:
			add_too_long(range, op, bound);
			break;
		case DDB_PLACE_BELOW_ALL:
			range->empty |= !upward;
			break;
		case DDB_PLACE_ABOVE_ALL:
			range->empty |= !downward;
			break;
	}
}

/*
 * The least string above all that begin with this one: its last character
 * replaced by the next code point.  False when there is none.
 */
static bool
prefix_successor(const DdbStoredValue *prefix, DdbStoredValue *successor)
{
	int len = prefix->len;
	unsigned char next[8];

	*successor = *prefix;
	while (len > 0)
	{
		int start = len - 1;
		pg_wchar code;

		while (start > 0 &&
			   ((unsigned char) prefix->data[start] & 0xC0) == 0x80)
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

/*
 * Adds begins_with(): the range from the prefix to the least text above all
 * that begin with it.
 */
static void
add_prefix(DdbKeyRange *range, const DdbStoredValue *bound)
{
	DdbStoredValue successor;

	if (bound->place == DDB_PLACE_BELOW_ALL)
		return; /* the empty prefix: every string */
	if (bound->place == DDB_PLACE_TOO_LONG)
	{
		range->empty = true;
		return;
	}
	add_lower(range, bound, false);
	if (prefix_successor(bound, &successor))
		add_upper(range, &successor, true);
	range->is_prefix = true;
}

/*
 * Adds a LIKE pattern as far as its prefix says.  Sets recheck where the
 * pattern says more.
 */
static void
add_like(DdbKeyRange *range, const DdbCodec *codec, const char *pattern,
		 Oid typid, int max_len)
{
	char *prefix;
	bool equality;
	DdbStoredValue bound;

	if (!ddb_like_prefix(pattern, &prefix, &equality))
	{
		range->recheck = true;
		range->surplus = -1;
	}
	ddb_codec_encode_constant(codec, CStringGetTextDatum(prefix), typid,
							  max_len, &bound);
	if (equality)
		add_comparison(range, DDB_COMPARE_EQ, &bound);
	else
		add_prefix(range, &bound);
}

/* One end of what may be equal, taken in. */
static void
add_span_end(DdbKeyRange *range, DdbCompare op, const DdbStoredValue *end)
{
	DdbStoredValue bound = *end;

	/* The greatest storable value below it, or any further. */
	if (bound.place == DDB_PLACE_BETWEEN)
		bound.place = DDB_PLACE_EXACT;
	add_comparison(range, op, &bound);
}

/*
 * Where many stored values are one value of the column's type, all that may
 * satisfy the comparison; PostgreSQL checks each again.
 */
static void
add_span(DdbKeyRange *range, const DdbCodec *codec, DdbCompare op, Datum datum)
{
	DdbStoredValue low;
	DdbStoredValue high;

	ddb_codec_encode_span(codec, datum, &low, &high);
	if (op != DDB_COMPARE_LT && op != DDB_COMPARE_LE)
		add_span_end(range, DDB_COMPARE_GE, &low);
	if (op != DDB_COMPARE_GT && op != DDB_COMPARE_GE)
		add_span_end(range, DDB_COMPARE_LE, &high);
}

/*
 * Where the codec agrees only widely, the range holds all stored forms of the
 * value, and recheck is set.
 */
void
ddb_key_range_add(DdbKeyRange *range, const DdbCodec *codec, DdbCompare op,
				  Datum datum, Oid typid, int max_len)
{
	DdbStoredValue bound;

	if (op == DDB_COMPARE_LIKE)
	{
		add_like(range, codec, TextDatumGetCString(datum), typid, max_len);
		return;
	}
	if (ddb_codec_order(codec) == DDB_AGREES_WIDELY)
	{
		add_span(range, codec, op, datum);
		return;
	}
	ddb_codec_encode_constant(codec, datum, typid, max_len, &bound);
	if (op == DDB_COMPARE_PREFIX)
		add_prefix(range, &bound);
	else
		add_comparison(range, op, &bound);
}

/* text need not be terminated, and is copied. */
void
ddb_key_range_add_text(DdbKeyRange *range, DdbCompare op, const char *text,
					   int len, int max_len)
{
	DdbStoredValue bound = {DDB_PLACE_EXACT, DDB_STORED_S, NULL, len};

	if (len == 0)
		bound.place = DDB_PLACE_BELOW_ALL;
	else if (len > max_len)
	{
		bound.place = DDB_PLACE_TOO_LONG;
		bound.len = pg_encoding_mbcliplen(PG_UTF8, text, len, max_len);
	}
	bound.data = pnstrdup(text, bound.len);
	if (op == DDB_COMPARE_PREFIX)
		add_prefix(range, &bound);
	else
		add_comparison(range, op, &bound);
}

/* text is unchanged if there is none. */
bool
ddb_key_range_next_prefix(StringInfo text)
{
	DdbStoredValue prefix = {DDB_PLACE_EXACT, DDB_STORED_S, text->data,
							 text->len};
	DdbStoredValue successor;

	if (!prefix_successor(&prefix, &successor))
		return false;
	resetStringInfo(text);
	appendBinaryStringInfo(text, successor.data, successor.len);
	return true;
}

void
ddb_key_range_must_be_checked(DdbKeyRange *range)
{
	range->recheck = true;
	range->surplus = -1;
}

bool
ddb_key_range_is_value(const DdbKeyRange *range)
{
	return range->has_lower && range->has_upper && !range->lower_strict &&
		   !range->upper_strict &&
		   ddb_stored_value_compare(&range->lower, &range->upper) == 0;
}

bool
ddb_key_range_is_open(const DdbKeyRange *range)
{
	return !range->has_lower && !range->has_upper;
}

/*
 * True if begins_with(lower) still says all of the range, after other
 * conditions have narrowed it.
 */
static bool
is_pure_prefix(const DdbKeyRange *range)
{
	DdbStoredValue successor;

	if (!range->is_prefix || !range->has_lower || range->lower_strict)
		return false;
	if (!prefix_successor(&range->lower, &successor))
		return !range->has_upper;
	return range->has_upper && range->upper_strict &&
		   ddb_stored_value_compare(&successor, &range->upper) == 0;
}

/*
 * Compares where two ranges begin.  A range without a lower end begins before
 * all others.
 */
static int
compare_lower(const DdbKeyRange *a, const DdbKeyRange *b)
{
	int order;

	if (!a->has_lower || !b->has_lower)
		return (int) a->has_lower - (int) b->has_lower;
	order = ddb_stored_value_compare(&a->lower, &b->lower);
	return order != 0 ? order : (int) a->lower_strict - (int) b->lower_strict;
}

/*
 * Compares where two ranges end.  A range without an upper end ends after all
 * others.
 */
static int
compare_upper(const DdbKeyRange *a, const DdbKeyRange *b)
{
	int order;

	if (!a->has_upper || !b->has_upper)
		return (int) b->has_upper - (int) a->has_upper;
	order = ddb_stored_value_compare(&a->upper, &b->upper);
	return order != 0 ? order : (int) b->upper_strict - (int) a->upper_strict;
}

int
ddb_key_range_compare(const DdbKeyRange *a, const DdbKeyRange *b)
{
	int order = compare_lower(a, b);

	return order != 0 ? order : compare_upper(a, b);
}

/* True if no value can lie in the range, as far as its ends show. */
bool
ddb_key_range_is_empty(const DdbKeyRange *range)
{
	int order;

	if (range->empty || !range->has_lower || !range->has_upper)
		return range->empty;
	order = ddb_stored_value_compare(&range->lower, &range->upper);
	return order > 0 ||
		   (order == 0 && (range->lower_strict || range->upper_strict));
}

/*
 * BETWEEN takes both ends in; a strict end lets through one item of that value
 * at most (of an index, whose keys may repeat, any number: the caller knows).
 */
void
ddb_key_range_widen(DdbKeyRange *range)
{
	if (!range->has_lower || !range->has_upper || is_pure_prefix(range) ||
		!(range->lower_strict || range->upper_strict))
		return;
	range->recheck = true;
	if (range->surplus >= 0)
		range->surplus += range->lower_strict + range->upper_strict;
	range->lower_strict = false;
	range->upper_strict = false;
}

/* False if there is a gap between them, with a unchanged. */
bool
ddb_key_range_unite(DdbKeyRange *a, const DdbKeyRange *b)
{
	int order = -1;

	if (a->has_upper && b->has_lower)
		order = ddb_stored_value_compare(&b->lower, &a->upper);
	/* Where they meet, the value itself must be in one of them. */
	if (order > 0 || (order == 0 && a->upper_strict && b->lower_strict))
		return false;
	a->is_prefix &= b->is_prefix && ddb_key_range_compare(a, b) == 0;
	a->recheck |= b->recheck;
	a->surplus =
		a->surplus < 0 || b->surplus < 0 ? -1 : a->surplus + b->surplus;
	if (compare_upper(a, b) < 0)
	{
		a->has_upper = b->has_upper;
		a->upper = b->upper;
		a->upper_strict = b->upper_strict;
	}
	ddb_key_range_widen(a);
	return true;
}

/* True if the value, which must be exact, lies in the range. */
bool
ddb_key_range_holds(const DdbKeyRange *range, const DdbStoredValue *value)
{
	int order;

	if (range->has_lower)
	{
		order = ddb_stored_value_compare(value, &range->lower);
		if (order < 0 || (order == 0 && range->lower_strict))
			return false;
	}
	if (range->has_upper)
	{
		order = ddb_stored_value_compare(value, &range->upper);
		if (order > 0 || (order == 0 && range->upper_strict))
			return false;
	}
	return true;
}

void
ddb_key_range_finish(DdbKeyRange *range)
{
	range->empty = ddb_key_range_is_empty(range);
	range->is_prefix = !range->empty && is_pure_prefix(range);
	if (!range->empty)
		ddb_key_range_widen(range);
}
