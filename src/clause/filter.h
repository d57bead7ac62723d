/* SPDX-License-Identifier: PostgreSQL */
/*
 * filter.h
 *		SQL conditions → a tree of comparisons for FilterExpression.
 */
#ifndef DDB_FILTER_H
#define DDB_FILTER_H

#include "postgres.h"

#include "clause/clause.h"

/*
 * Translates an expression.  NULL: nothing of it can be asked of DynamoDB,
 * which then has to return every row.  *exact is cleared when the tree is true
 * of more rows than the expression.  Values are appended to *values, and the
 * tree refers to them by position.  banned: columns that the request's filter
 * may not name (the key attributes of what a Query reads).
 */
extern DdbFilter *ddb_filter_translate(const DdbClauseContext *context,
									   Expr *expr, Bitmapset *banned,
									   List **values, bool *exact);

/* The conjunction of two filters, either of which may be NULL. */
extern DdbFilter *ddb_filter_and(DdbFilter *left, DdbFilter *right);

/* Turns a comparison into a condition whose value stands in *values. */
extern void ddb_filter_place(const DdbComparison *comparison,
							 DdbCondition *condition, List **values);

/*
 * True if a comparison, which is not wider in itself, is exact whatever is
 * stored.
 */
extern bool ddb_filter_is_exact(const DdbClauseContext *context,
								const DdbComparison *comparison);

#endif /* DDB_FILTER_H */
