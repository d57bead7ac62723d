/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_names.h
 *		Columns that were probably meant to be keys.
 */
#ifndef DDB_KEY_NAMES_H
#define DDB_KEY_NAMES_H

#include "postgres.h"

#include "model/table_info.h"

/*
 * Tells the user, once a session and foreign table, of columns whose name is a
 * key attribute's but for case and underscores: they show other attributes,
 * which no item may have.
 */
extern void ddb_key_names_check(const DdbRelation *relation,
								const DdbTableInfo *info);

#endif /* DDB_KEY_NAMES_H */
