/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_equal.c
 *		Compares items with jansson: small, and rarely needed.
 */
#include "postgres.h"

#include "modify/item_equal.h"

#include <jansson.h>

static bool value_equal(const json_t *a, const json_t *b);

/*
 * True if both sets have the same members.  As sets have nothing twice, equal
 * sizes make one direction enough.
 */
static bool
set_equal(const json_t *a, const json_t *b)
{
	size_t i;
	size_t j;
	json_t *left;
	json_t *right;

	if (json_array_size(a) != json_array_size(b))
		return false;
	json_array_foreach(a, i, left)
	{
		bool found = false;

		json_array_foreach(b, j, right) found |= json_equal(left, right) != 0;
		if (!found)
			return false;
	}
	return true;
}

/* True if both lists have equal values in the same order. */
static bool
list_equal(const json_t *a, const json_t *b)
{
	if (json_array_size(a) != json_array_size(b))
		return false;
	for (size_t i = 0; i < json_array_size(a); i++)
		if (!value_equal(json_array_get(a, i), json_array_get(b, i)))
			return false;
	return true;
}

/* True if both maps have the same names with equal values, in any order. */
static bool
map_equal(json_t *a, const json_t *b)
{
	const char *name;
	json_t *value;

	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach(
		a, name,
		value) if (!value_equal(value, json_object_get(b, name))) return false;
	return true;
}

/*
 * True if both are the same attribute value.  Lists keep their order; sets and
 * maps have none.
 */
static bool
value_equal(const json_t *a, const json_t *b)
{
	static const char *const sets[] = {"SS", "NS", "BS"};

	if (!json_is_object(a) || !json_is_object(b))
		return false;
	for (int i = 0; i < (int) lengthof(sets); i++)
		if (json_object_get(a, sets[i]) != NULL)
			return set_equal(json_object_get(a, sets[i]),
							 json_object_get(b, sets[i]));
	if (json_object_get(a, "L") != NULL)
		return list_equal(json_object_get(a, "L"), json_object_get(b, "L"));
	if (json_object_get(a, "M") != NULL)
		return map_equal(json_object_get(a, "M"), json_object_get(b, "M"));
	return json_equal(a, b) != 0;
}

/*
 * Used after a lost answer, to learn whether the item that is there is the one
 * that was written.
 */
bool
ddb_item_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
	json_t *left = json_loadb(a, a_len, JSON_ALLOW_NUL, NULL);
	json_t *right = json_loadb(b, b_len, JSON_ALLOW_NUL, NULL);
	bool equal =
		json_is_object(left) && json_is_object(right) && map_equal(left, right);

	json_decref(left);
	json_decref(right);
	return equal;
}
