/* SPDX-License-Identifier: PostgreSQL */
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

#include "codec/codec.h"
#include "nodes/pathnodes.h"
#include "request/access_plan.h"

/* What clauses of one relation are looked at with. */
typedef struct DdbClauseContext
{
	PlannerInfo *root;
	RelOptInfo *rel;
	DdbCodecSet *codecs;
	bool is_snapshot; /* values of other rows are not known in time */
	bool walks; /* partitions may be listed from bounds on a time … */
	bool walks_on; /* … and from an open end, as far as partitions_since */
} DdbClauseContext;

/* A comparison; its value is an expression that has no place in a plan yet. */
typedef struct DdbComparison
{
	DdbCondition condition; /* value is not set */
	Expr *value; /* NULL: none */
	Expr *view; /* what is made of the column, as condition.view; or NULL */
	bool wider; /* true of more rows than the SQL, always */
} DdbComparison;

/*
 * The comparisons (of DdbComparison *) of a column that expr (negated: NOT
 * expr) is the conjunction of, as DynamoDB can make them, exactly or wider.
 * NIL when it cannot, or when they are none.
 */
extern List *ddb_clause_match(const DdbClauseContext *context, Expr *expr,
							  bool negated);

/* The same of a single comparison; false of any other. */
extern bool ddb_clause_match_one(const DdbClauseContext *context, Expr *expr,
								 DdbComparison *comparison);

/* The column of this relation that an expression is, or 0. */
extern AttrNumber ddb_clause_column(const DdbClauseContext *context,
									Node *node);

/* True if subqueries are asked, wherever in the expression. */
extern bool ddb_clause_asks(Node *node);

/* True if it may be computed once, before the scan. */
extern bool ddb_clause_is_constant(const DdbClauseContext *context, Node *node);

extern bool ddb_clause_collation_equals_bytes(Oid collation);

/* The comparison an operator means in a type's own btree family. */
extern bool ddb_clause_btree_operator(Oid opno, Oid typid, DdbCompare *op);

/* The operator that is true exactly where this one is false. */
extern DdbCompare ddb_clause_negate(DdbCompare op);

/* Fills a comparison of a column with a value, or NULL for none; true. */
extern bool ddb_clause_set(DdbComparison *comparison, AttrNumber column,
						   DdbCompare op, Node *value);

/*
 * Has the comparison's value be of another type than the column's, which is
 * typid: compare is the function that compares them.  zone: whose changes of
 * the clocks disturb the order of what is compared, where shifts is true; NULL:
 * the session's.
 */
extern void ddb_clause_set_neighbour(DdbComparison *comparison, Oid typid,
									 Oid compare, bool shifts, char *zone);

/* IS NOT DISTINCT FROM of what is never NULL. */
extern void ddb_clause_set_equality(DdbComparison *comparison);

#endif /* DDB_CLAUSE_H */
