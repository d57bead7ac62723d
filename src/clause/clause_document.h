/* SPDX-License-Identifier: PostgreSQL */
/*
 * clause_document.h
 *		Recognises conditions on what is inside a column's value: members of
 *		documents, elements of arrays, sizes.
 */
#ifndef DDB_CLAUSE_DOCUMENT_H
#define DDB_CLAUSE_DOCUMENT_H

#include "postgres.h"

#include "clause/clause.h"

/* As ddb_clause_match, of these conditions. */
extern bool ddb_inside_clause_match(const DdbClauseContext *context, Expr *expr,
									bool negated, DdbComparison *comparison);

#endif /* DDB_CLAUSE_DOCUMENT_H */
