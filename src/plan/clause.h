/*
 * clause.h
 *		Recognises SQL expressions that compare one column.
 *
 * Says what is compared and how, not where the comparison will be made: keys.c
 * and filter.c both start from here.
 */
#ifndef DDB_CLAUSE_H
#define DDB_CLAUSE_H

#include "postgres.h"

#include "codec/value.h"
#include "nodes/pathnodes.h"
#include "plan/access_plan.h"

/* What clauses of one relation are looked at with. */
typedef struct DdbClauseContext
{
	PlannerInfo *root;
	RelOptInfo *rel;
	DdbCodecSet *codecs;
} DdbClauseContext;

/* A comparison; its value is an expression that has no place in a plan yet. */
typedef struct DdbComparison
{
	DdbCondition condition; /* value is not set */
	Expr *value; /* NULL: none */
	bool wider; /* true of more rows than the SQL, always */
} DdbComparison;

/*
 * Fills *comparison when expr (negated: NOT expr) is a comparison of a column
 * that DynamoDB can make, exactly or wider.
 */
extern bool ddb_clause_match(const DdbClauseContext *context, Expr *expr,
							 bool negated, DdbComparison *comparison);

/*
 * The literal prefix of a LIKE pattern into *prefix; true when the pattern is
 * nothing but a prefix (*equality false) or a plain string (*equality true).
 */
extern bool ddb_clause_like_prefix(const char *pattern, char **prefix,
								   bool *equality);

/* Is it '%text%' with plain text?  Then that text. */
extern bool ddb_clause_like_infix(const char *pattern, char **infix);

#endif /* DDB_CLAUSE_H */
