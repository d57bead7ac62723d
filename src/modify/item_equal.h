/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_equal.h
 *		Are two items the same?
 */
#ifndef DDB_ITEM_EQUAL_H
#define DDB_ITEM_EQUAL_H

#include "postgres.h"

/*
 * Compares items as JSON: members in any order, sets as sets.  Numbers must be
 * in their canonical form.  False when one of them is not well-formed.
 */
extern bool ddb_item_equal(const char *a, size_t a_len, const char *b,
						   size_t b_len);

#endif /* DDB_ITEM_EQUAL_H */
