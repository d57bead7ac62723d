/*
 * soft.h
 *		Conversions that answer "it does not fit" instead of raising an error.
 */
#ifndef DDB_SOFT_H
#define DDB_SOFT_H

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

#endif /* DDB_SOFT_H */
