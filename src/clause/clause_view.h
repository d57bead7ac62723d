/* SPDX-License-Identifier: PostgreSQL */
/*
 * clause_view.h
 *		Comparisons with values of neighbouring types, and of what is made of a
 *		column in its order: its date, its year, itself as a numeric.
 */
#ifndef DDB_CLAUSE_VIEW_H
#define DDB_CLAUSE_VIEW_H

#include "postgres.h"

#include "clause/clause.h"

/*
 * As ddb_clause_match, of "view op value" with the view on either side, and of
 * "view = ANY (array)".  Comparisons that the column's codec takes as they are
 * are not looked at.
 */
extern List *ddb_view_clause_match(const DdbClauseContext *context, Expr *expr,
								   bool negated);

/*
 * What a comparison by order with this value is likely to come to, as a value
 * of the column: in *value.  False when nothing satisfies it.
 */
extern bool ddb_view_estimate(const DdbClauseContext *context,
							  const DdbComparison *comparison, Datum *value);

#endif /* DDB_CLAUSE_VIEW_H */
