/* SPDX-License-Identifier: PostgreSQL */
/*
 * misfit.h
 *		Values that do not fit their columns, as messages tell of them.
 */
#ifndef DDB_MISFIT_H
#define DDB_MISFIT_H

#include "postgres.h"

#include "codec/codec.h"
#include "lib/stringinfo.h"

/*
 * Appends "name = value", behind a comma if there is text already; long values
 * only in part, strings in quotes.
 */
extern void ddb_misfit_append_attribute(StringInfo text, const char *name,
										const DdbAttributeValue *value);

/*
 * "value "x" of DynamoDB type S; the column is of type integer and takes
 * DynamoDB type N", with the format of times and the reason, if there are any.
 */
extern char *ddb_misfit_describe(const DdbCodec *codec,
								 const DdbAttributeValue *value,
								 const char *reason);

/*
 * A HINT: each declaration of the column that this value fits, and, with
 * may_be_null, on_type_mismatch.  To be called when nothing is left to do but to
 * raise the error: the declarations are tried, and errors in that are caught
 * without a subtransaction.
 */
extern char *ddb_misfit_hint(const DdbRelation *relation, const DdbCodec *codec,
							 const DdbAttributeValue *value, bool may_be_null);

#endif /* DDB_MISFIT_H */
