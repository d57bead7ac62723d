/* SPDX-License-Identifier: PostgreSQL */
/*
 * text_form.c
 *		Types that are stored as their text form: what is particular to some.
 */
#include "postgres.h"

#include "codec/text_form.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define FRACTION_DIGITS 6

/* What an array or a range is made of; InvalidOid of other types. */
static Oid
inner_type(Oid typid)
{
	Oid inner = get_element_type(typid);

	if (!OidIsValid(inner))
		inner = get_range_subtype(typid);
	if (!OidIsValid(inner))
		inner = get_multirange_range(typid);
	return inner;
}

/* The type of the scalars that a value is made of. */
static Oid
scalar_type(Oid typid)
{
	for (Oid inner = typid; OidIsValid(inner); inner = inner_type(typid))
		typid = getBaseType(inner);
	return typid;
}

bool
ddb_text_form_has_times(Oid typid)
{
	switch (scalar_type(typid))
	{
		case TIMEOID:
		case TIMETZOID:
		case INTERVALOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return true;
		default:
			return false;
	}
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Are digits around a point those of seconds?  Of an interval they may be of
 * another unit, and of a timestamp Julian days.
 */
static bool
are_seconds(bool is_interval, const char *text, const char *point,
			const char *end)
{
	while (point > text && is_digit(point[-1]))
		point--;
	if (point > text && point[-1] == ':')
		return true;
	if (point > text && pg_toupper((unsigned char) point[-1]) == 'J')
		return false;
	while (*end == ' ')
		end++;
	return !is_interval || pg_toupper((unsigned char) *end) == 'S' ||
		   !isalpha((unsigned char) *end);
}

DdbFractionCut
ddb_text_form_cut_fractions(Oid typid, char *text)
{
	bool is_interval = scalar_type(typid) == INTERVALOID;
	DdbFractionCut cut = DDB_FRACTION_WHOLE;

	for (char *p = text; *p != '\0'; p++)
	{
		size_t digits = *p == '.' ? strspn(p + 1, "0123456789") : 0;
		char *keep = p + 1 + FRACTION_DIGITS;

		if (digits <= FRACTION_DIGITS ||
			!are_seconds(is_interval, text, p, p + 1 + digits))
			continue;
		digits -= FRACTION_DIGITS;
		cut = Max(cut, strspn(keep, "0") < digits ? DDB_FRACTION_CUT
												  : DDB_FRACTION_ZEROS_CUT);
		memmove(keep, keep + digits, strlen(keep + digits) + 1);
	}
	return cut;
}

int32
ddb_text_form_finest_typmod(Oid typid, int32 typmod)
{
	if (typmod >= 0 && scalar_type(typid) == INTERVALOID)
		return INTERVAL_TYPMOD(INTERVAL_FULL_PRECISION, INTERVAL_RANGE(typmod));
	return -1;
}
