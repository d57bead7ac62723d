/* SPDX-License-Identifier: PostgreSQL */
/*
 * scalar_lookup.h
 *		Subqueries of the SELECT list that look up one item are joins.
 */
#ifndef DDB_SCALAR_LOOKUP_H
#define DDB_SCALAR_LOOKUP_H

#include "postgres.h"

/* Installs a planner hook, for queries that come after it. */
extern void ddb_scalar_lookup_install(void);

#endif /* DDB_SCALAR_LOOKUP_H */
