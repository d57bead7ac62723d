/* SPDX-License-Identifier: PostgreSQL */
/*
 * clause_prefix.h
 *		Other ways than LIKE to say how a text begins.
 */
#ifndef DDB_CLAUSE_PREFIX_H
#define DDB_CLAUSE_PREFIX_H

#include "postgres.h"

#include "clause/clause.h"

/*
 * As ddb_clause_match_one, of left(column, n) = 'p', substr(column, 1, n) =
 * 'p', column ~ '^p' and column SIMILAR TO 'p%'.
 */
extern bool ddb_prefix_clause_match(const DdbClauseContext *context, Expr *expr,
									DdbComparison *comparison);

#endif /* DDB_CLAUSE_PREFIX_H */
