/*
 * request.h
 *		Access plan + resolved key ranges → the JSON of a request.
 */
#ifndef DDB_REQUEST_H
#define DDB_REQUEST_H

#include "postgres.h"

#include "exec/bounds.h"
#include "lib/stringinfo.h"
#include "plan/access_plan.h"

typedef struct DdbRequestSpec
{
	const DdbAccessPlan *plan;
	const DdbKeyRanges *ranges; /* of GetItem and Query */
	const char **attributes;	/* to project, without duplicates */
	int			nattributes;	/* 0: Select COUNT */
} DdbRequestSpec;

/*
 * The part of the request that all pages share, as JSON without its closing
 * brace, palloc'd.
 */
extern char *ddb_request_base(const DdbRequestSpec *spec);

/*
 * One page's request into buf: the base, Limit when limit > 0, and the start
 * key (raw JSON of a LastEvaluatedKey) when there is one.
 */
extern void ddb_request_page(StringInfo buf, const char *base, int64 limit,
							 const char *start_key, int start_key_len);

/* The version of the library that builds requests. */
extern const char *ddb_request_library_version(void);

#endif							/* DDB_REQUEST_H */
