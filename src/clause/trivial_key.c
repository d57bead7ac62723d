/* SPDX-License-Identifier: PostgreSQL */
/*
 * trivial_key.c
 *		Comparisons that no key condition can hold: LIKE '%x%', sk >= ''.
 *
 * What they leave to check is PostgreSQL's, so they are none of the key's.  Of
 * parameters nobody knows before the scan runs: those may turn out to be.
 */
#include "postgres.h"

#include "clause/trivial_key.h"

#include "clause/keys.h"
#include "codec/encode_constant.h"
#include "compat.h"
#include "request/key_range.h"
#include "request/like_pattern.h"
#include "utils/builtins.h"

/*
 * True if the pattern begins with a wildcard, so that no key can be told from
 * it. *holds: it matches everything.
 */
static bool
pattern_is_trivial(const Const *pattern, bool *holds)
{
	char *prefix;
	bool equality;

	*holds = ddb_like_prefix(TextDatumGetCString(pattern->constvalue), &prefix,
							 &equality);
	return prefix[0] == '\0' && !equality;
}

/*
 * True if every key is on the wanted side of the bound, so that it excludes
 * none.
 */
static bool
bound_is_trivial(const DdbClauseContext *context,
				 const DdbComparison *comparison)
{
	const DdbCondition *condition = &comparison->condition;
	const DdbCodec *codec =
		ddb_codec_set_get(context->codecs, condition->column);
	bool upward =
		condition->op == DDB_COMPARE_GT || condition->op == DDB_COMPARE_GE;
	DdbStoredValue bound;

	if (codec->column->source != 0 || codec->column->template != NULL ||
		ddb_codec_order(codec) != DDB_AGREES_EXACTLY)
		return false;
	ddb_codec_encode_constant(codec, ((Const *) comparison->value)->constvalue,
							  condition->value_typid, DDB_MAX_SORT_KEY_BYTES,
							  &bound);
	return bound.place == (upward ? DDB_PLACE_BELOW_ALL : DDB_PLACE_ABOVE_ALL);
}

/*
 * True if this comparison of a key attribute, or of what one is composed of,
 * leaves a key condition nothing to say. *holds says that it is true of every
 * key.
 */
bool
ddb_keys_trivial(const DdbClauseContext *context,
				 const DdbComparison *comparison, bool *holds)
{
	const Const *value = (const Const *) comparison->value;

	*holds = false;
	if (value == NULL || !IsA(value, Const) || value->constisnull ||
		comparison->wider || !DDB_CONDITION_IS_DIRECT(&comparison->condition) ||
		comparison->condition.access != DDB_ACCESS_VALUE)
		return false;
	switch (comparison->condition.op)
	{
		case DDB_COMPARE_LIKE:
			return pattern_is_trivial(value, holds);
		case DDB_COMPARE_PREFIX:
			*holds = VARSIZE_ANY_EXHDR(DatumGetPointer(value->constvalue)) == 0;
			return *holds;
		case DDB_COMPARE_LT:
		case DDB_COMPARE_LE:
		case DDB_COMPARE_GT:
		case DDB_COMPARE_GE:
			*holds = bound_is_trivial(context, comparison);
			return *holds;
		default:
			return false;
	}
}
