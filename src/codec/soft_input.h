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
 * A type's input function.  False when it refuses the text; *reason then says
 * why, if that costs nothing.  soft: the query goes on; otherwise the caller
 * raises an error, and does nothing else before.
 *
 * Not all types' functions know soft errors; where this one does not, it runs in
 * a subtransaction to be soft.  Where none can be had, in parallel mode, its
 * error is raised.
 */
extern bool ddb_soft_input(Oid typid, FmgrInfo *flinfo, char *text,
						   Oid typioparam, int32 typmod, bool soft,
						   Datum *result, const char **reason);

/*
 * True if it is soft without a subtransaction.  From PostgreSQL 16 on most of
 * the server's own types are; but the parsers of others (json, xml, tsquery)
 * and those who look up names (regclass) raise some errors nevertheless.
 */
extern bool ddb_soft_input_is_safe(Oid typid);

/*
 * A domain's constraints, likewise; but errors of what they call, which are not
 * about the value, are raised.
 */
extern bool ddb_soft_domain_check(Datum value, Oid domain, void **cache,
								  MemoryContext context, bool soft,
								  const char **reason);

/*
 * Runs a function, and nothing else but raising an error may follow; false when
 * it raised one that is about what it tried.
 */
extern bool ddb_soft_try(void (*function)(void *arg), void *arg);

/*
 * UTF-8 in the database's encoding, NUL-terminated: the text itself where they
 * are the same, else palloc'd; NULL when a character has no equivalent there, or
 * one that it shares with another character.  The text is NUL-terminated, too.
 */
extern char *ddb_soft_from_utf8(char *utf8, size_t len);

/* Why such a text does not fit. */
#define DDB_SOFT_NO_EQUIVALENT                                                 \
	"it holds a character that the database's encoding does not have"

#endif /* DDB_SOFT_INPUT_H */
