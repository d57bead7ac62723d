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

/* True if one of these RestrictInfos is decided before the join begins. */
extern bool ddb_join_is_pseudoconstant(List *restrictions);

#endif /* DDB_JOIN_HOOK_H */
