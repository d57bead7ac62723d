/* SPDX-License-Identifier: PostgreSQL */
/*
 * trivial_key.h
 *		Comparisons that leave a key condition nothing to say.
 */
#ifndef DDB_TRIVIAL_KEY_H
#define DDB_TRIVIAL_KEY_H

#include "postgres.h"

#include "clause/clause.h"

/*
 * True if this comparison of a key attribute, or of what one is composed of,
 * leaves a key condition nothing to say. *holds: it is true of every key.
 */
extern bool ddb_keys_trivial(const DdbClauseContext *context,
							 const DdbComparison *comparison, bool *holds);

#endif /* DDB_TRIVIAL_KEY_H */
