/* SPDX-License-Identifier: PostgreSQL */
/*
 * condition.h
 *		A filter with its values: what is left to write down.
 *
 * The planner's tree says what is compared; with the values of this run its
 * comparisons become terms of DynamoDB's own grammar, or turn out to be true or
 * false whatever the item.
 */
#ifndef DDB_CONDITION_H
#define DDB_CONDITION_H

#include "postgres.h"

#include "codec/codec.h"
#include "nodes/execnodes.h"
#include "request/access_plan.h"
#include "request/expiry.h"
#include "request/key_range.h"

typedef enum DdbTermKind
{
	DDB_TERM_FALSE,
	DDB_TERM_TRUE,
	DDB_TERM_AND,
	DDB_TERM_OR,
	DDB_TERM_COMPARE, /* attribute op bounds[0] */
	DDB_TERM_COMPARE_ATTRIBUTES, /* attribute op other */
	DDB_TERM_IN, /* any of the bounds */
	DDB_TERM_TYPE, /* attribute_type(attribute, type) */
	DDB_TERM_EXISTS, /* attribute_exists(attribute) */
	DDB_TERM_PREFIX, /* begins_with(attribute, bounds[0]) */
	DDB_TERM_CONTAINS, /* contains(attribute, bounds[0]) */
	DDB_TERM_SIZE, /* size(attribute) op bounds[0] */
} DdbTermKind;

typedef struct DdbTerm
{
	DdbTermKind kind;
	bool negated; /* NOT before it: only of what is never unknown
								 * where it stands */
	const DdbColumn *column;
	const DdbColumn *other;
	const char *op;
	DdbStoredType type; /* of DDB_TERM_TYPE */
	DdbStoredValue *bounds;
	int nbounds;
	List *children; /* of DdbTerm * */
} DdbTerm;

/* What terms are made with. */
typedef struct DdbTermContext
{
	ForeignScanState *node;
	List *values; /* ExprStates of fdw_exprs */
	DdbCodecSet *codecs;
	DdbTerm *besides; /* to hold as well; NULL: none */
	bool recheck; /* out: DynamoDB may return more rows than the
								 * conditions hold of */
} DdbTermContext;

/* An attribute lies in a range, which is not empty; NULL of an open one. */
extern DdbTerm *ddb_term_of_range(const DdbColumn *column,
								  const DdbKeyRange *range);

/* The conjunction of two terms, either of which may be NULL. */
extern DdbTerm *ddb_term_and(DdbTerm *left, DdbTerm *right);

/*
 * The term of a filter, small enough for one request: conjuncts that would
 * make it too large are left out (and recheck is set).  In the current memory
 * context.
 */
extern DdbTerm *ddb_term_resolve(DdbTermContext *context,
								 const DdbFilter *filter);

/* "=", "<": as expressions spell a comparison. */
extern const char *ddb_term_operator(DdbCompare op);

/* What is left of a term when items that have expired are hidden. */
extern DdbTerm *ddb_term_unexpired(DdbTerm *term, const char *ttl_attribute,
								   DdbExpiry expiry);

/* Parts of terms, for those that other files make. */
extern DdbTerm *ddb_term_constant(bool value);

/* AND and OR of two terms, folding constants. */
extern DdbTerm *ddb_term_combine(DdbTermKind kind, DdbTerm *left,
								 DdbTerm *right);

/* There, and of a type that the codec accepts; and the opposite. */
extern DdbTerm *ddb_term_of_type(const DdbCodec *codec);
extern DdbTerm *ddb_term_not_of_type(const DdbCodec *codec);

/* True if a value that the codec accepts may be NULL here all the same. */
extern bool ddb_term_hides_nulls(const DdbCodec *codec);

#endif /* DDB_CONDITION_H */
