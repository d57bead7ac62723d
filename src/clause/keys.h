/* SPDX-License-Identifier: PostgreSQL */
/*
 * keys.h
 *		Which of a relation's clauses a key can answer, and what they make of it.
 */
#ifndef DDB_KEYS_H
#define DDB_KEYS_H

#include "postgres.h"

#include "clause/clause.h"
#include "request/access_plan.h"

typedef struct DdbKeyMatch
{
	List *alternatives; /* of List of DdbComparison *: an item matches
								 * when its key satisfies all of one list */
	List *used; /* of RestrictInfo *: that they are made of */
	List *decided; /* of these, what they say wholly */
	bool whole_key; /* every attribute of the key has a value */
	DdbPlanKeys keys; /* all but its alternatives, which have no place yet */
	double count; /* of partition and range pairs, estimated */
	Bitmapset *partition_columns; /* bound to values by every alternative */
} DdbKeyMatch;

/*
 * Tries to select by the given key.  False when some partition attribute is
 * not bound to values: then only a Scan can read it.
 */
extern bool ddb_keys_match(const DdbClauseContext *context, List *restrictions,
						   const DdbKeySchema *keys, DdbKeyMatch *match);

/*
 * Comparisons of variables that narrow key attributes each by itself, as a
 * Scan's filter can.  False when no attribute of the key has a template.
 */
extern bool ddb_keys_narrow(const DdbClauseContext *context, List *restrictions,
							const DdbKeySchema *keys, List **comparisons);

#endif /* DDB_KEYS_H */
