/* SPDX-License-Identifier: PostgreSQL */
/*
 * read_request.h
 *		Access plan + targets and filter of this run → the JSON of a request.
 */
#ifndef DDB_READ_REQUEST_H
#define DDB_READ_REQUEST_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "request/access_plan.h"
#include "request/condition.h"
#include "request/key_targets.h"

/* What to ask for of each item: an attribute, or a value inside it. */
typedef struct DdbProjectedPath
{
	const char *attribute;
	const DdbPathStep *steps; /* all of them names */
	int nsteps;
} DdbProjectedPath;

typedef struct DdbRequestSpec
{
	const DdbAccessPlan *plan;
	const DdbTarget *targets; /* of Query one, of GetItem one or, for
								 * BatchGetItem, up to 100 */
	int ntargets;
	int segment; /* of a Scan in segments; -1: none */
	int total_segments;
	const DdbTerm *filter; /* NULL or DDB_TERM_TRUE: none */
	const DdbProjectedPath *paths; /* none of them within another */
	int npaths; /* 0: Select COUNT, unless */
	bool whole_items; /* all attributes are wanted */
} DdbRequestSpec;

/*
 * What must hold of an item that is changed besides that it is there: parts of
 * JSON, texts without quotes and objects without braces.
 */
typedef struct DdbWriteCondition
{
	char *text; /* as it stands behind AND */
	char *names;
	char *values; /* "": none */
} DdbWriteCondition;

/* BatchGetItem's most keys (API reference). */
#define DDB_MAX_BATCH_KEYS 100

/*
 * The part of the request that all pages share, as JSON without its closing
 * brace, palloc'd.
 */
extern char *ddb_request_base(const DdbRequestSpec *spec);

/* The same of a BatchGetItem; complete, since it has no pages. */
extern char *ddb_request_batch(const DdbRequestSpec *spec);

/* A BatchGetItem of what the one before left: raw JSON of UnprocessedKeys. */
extern void ddb_request_unprocessed(StringInfo buf, const char *keys, int len);

/*
 * One page's request into buf: the base, Limit when limit > 0, and the start
 * key (raw JSON of a LastEvaluatedKey) when there is one.
 */
extern void ddb_request_page(StringInfo buf, const char *base, int64 limit,
							 const char *start_key, int start_key_len);

/* Appends a whole key as JSON: every attribute of the target has one value. */
extern void ddb_request_append_key(StringInfo json, const DdbKeySchema *keys,
								   const DdbTarget *target);

/* A term as a condition of a write. */
extern DdbWriteCondition *ddb_request_condition(const DdbTerm *term);

#endif /* DDB_READ_REQUEST_H */
