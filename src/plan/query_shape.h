/* SPDX-License-Identifier: PostgreSQL */
/*
 * query_shape.h
 *		What a query wants of a relation besides its rows.
 */
#ifndef DDB_QUERY_SHAPE_H
#define DDB_QUERY_SHAPE_H

#include "postgres.h"

#include "nodes/pathnodes.h"

/* True if LIMIT of the query applies to just this relation's rows. */
extern bool ddb_limit_reaches(PlannerInfo *root, RelOptInfo *rel,
							  List *pathkeys);

/* About how many rows will be asked for, whoever asks; -1: all. */
extern int64 ddb_limit_hint(PlannerInfo *root, RelOptInfo *rel, List *pathkeys,
							bool parameterized);

/*
 * True if there is nothing between relations' rows and the Limit node but
 * joins.
 */
extern bool ddb_limit_is_plain(const PlannerInfo *root);

/*
 * The first pathkeys of the query around this one, as pathkeys of this one's
 * only relation; NIL if there is no such query, or if its order is none of the
 * relation's columns.
 */
extern List *ddb_order_around(PlannerInfo *root, RelOptInfo *rel);

/*
 * The number of aggregates, if this query is what PostgreSQL plans to answer
 * one min() or max() of several by its first row; otherwise 1.
 */
extern int ddb_sibling_extremes(const PlannerInfo *root);

#endif /* DDB_QUERY_SHAPE_H */
