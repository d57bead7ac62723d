/* SPDX-License-Identifier: PostgreSQL */
/*
 * entity_match.h
 *		Does an item match the table's key templates?  And the values that its
 *		keys tell.
 */
#ifndef DDB_ENTITY_MATCH_H
#define DDB_ENTITY_MATCH_H

#include "postgres.h"

#include "codec/key_templates.h"
#include "executor/tuptable.h"

typedef struct DdbMatcher DdbMatcher;

/*
 * For rows of these columns, which are closed (ddb_key_templates_close);
 * matched: the templated columns that rows must match.  NULL when no template
 * concerns them.  In the current memory context.
 */
extern DdbMatcher *ddb_matcher_create(const DdbRelation *relation,
									  List *columns, List *matched);

/* True if the matcher reads this column, which is an attribute. */
extern bool ddb_matcher_reads(const DdbMatcher *matcher, AttrNumber column);

/*
 * Compares the keys in the slot with their templates and puts what they tell
 * into it; false when it is no row.  Values live in the current context.
 */
extern bool ddb_matcher_apply(DdbMatcher *matcher, TupleTableSlot *slot);

#endif /* DDB_ENTITY_MATCH_H */
