/* SPDX-License-Identifier: PostgreSQL */
/*
 * soft_input.h
 *		Conversions that answer "it does not fit" instead of raising an error.
 */
#ifndef DDB_SOFT_INPUT_H
#define DDB_SOFT_INPUT_H

#include "postgres.h"

#include "fmgr.h"

/*
 * A type's input function; false when it refuses the text.  Servers before 16
 * have no soft errors, so there the call runs in a subtransaction; where none
 * can be had, in parallel mode, the error is raised.
 */
extern bool ddb_soft_input(FmgrInfo *flinfo, char *text, Oid typioparam,
						   int32 typmod, Datum *result);

/* A domain's constraints, likewise. */
extern bool ddb_soft_domain_check(Datum value, Oid domain, void **cache,
								  MemoryContext context);

/*
 * UTF-8 in the database's encoding, NUL-terminated: the text itself where they
 * are the same, else palloc'd; NULL when a character has no equivalent there.
 * The text is NUL-terminated, too.
 */
extern char *ddb_soft_from_utf8(char *utf8, size_t len);

/* Why such a text does not fit. */
#define DDB_SOFT_NO_EQUIVALENT                                                 \
	"it holds a character that the database's encoding does not have"

#endif /* DDB_SOFT_INPUT_H */
