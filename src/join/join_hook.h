/* SPDX-License-Identifier: PostgreSQL */
/*
 * join_hook.h
 *		What the planner asks about one join, and who answers.
 *
 * PostgreSQL has one hook for ways to join; batched joins and concurrent loops
 * share it.
 */
#ifndef DDB_JOIN_HOOK_H
#define DDB_JOIN_HOOK_H

#include "postgres.h"

#include "nodes/pathnodes.h"

/*
 * Among equals, these joins are better: estimates may be wrong, and a nested
 * loop waits for one more request for each row that was not expected.
 */
#define DDB_JOIN_CERTAINTY_GAIN 10.0

typedef struct DdbJoin
{
	PlannerInfo *root;
	RelOptInfo *joinrel;
	RelOptInfo *outer;
	RelOptInfo *inner;
	JoinType jointype;
	JoinPathExtraData *extra;
} DdbJoin;

/* Called once, from _PG_init. */
extern void ddb_join_install(void);

/*
 * The columns of these children, one child after the other, as what a
 * CustomScan above them reads.
 */
extern List *ddb_join_columns(List *plans);

/* PostgreSQL's nested loop of the two, which gives rows in this order. */
extern NestPath *ddb_join_loop(const DdbJoin *join, Path *outer, Path *inner,
							   List *pathkeys);

/* True if one of these RestrictInfos is decided before the join begins. */
extern bool ddb_join_is_pseudoconstant(List *restrictions);

#endif /* DDB_JOIN_HOOK_H */
