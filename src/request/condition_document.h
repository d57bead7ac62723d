/* SPDX-License-Identifier: PostgreSQL */
/*
 * condition_document.h
 *		Terms about what is inside a value: members of documents, elements of
 *		arrays, sizes.
 */
#ifndef DDB_CONDITION_DOCUMENT_H
#define DDB_CONDITION_DOCUMENT_H

#include "postgres.h"

#include "request/condition.h"

/*
 * The term of a condition that plan/inside_clause.c recognised, with its
 * value, which is not NULL; of IS [NOT] NULL there is none.  Sets recheck in
 * the context where the term is true of more.
 */
extern DdbTerm *ddb_inside_term(DdbTermContext *context, const DdbCodec *codec,
								const DdbCondition *condition, Datum value);

/* The same where the value is NULL. */
extern DdbTerm *ddb_inside_term_of_null(DdbTermContext *context,
										const DdbCodec *codec,
										const DdbCondition *condition);

#endif /* DDB_CONDITION_DOCUMENT_H */
