/* SPDX-License-Identifier: PostgreSQL */
/*
 * concurrent_loop_plan.h
 *		Nested loops whose inner side runs for several rows at once.
 */
#ifndef DDB_CONCURRENT_LOOP_PLAN_H
#define DDB_CONCURRENT_LOOP_PLAN_H

#include "postgres.h"

#include "join/join_hook.h"

/* Offers to run the inner side for several rows at once. */
extern void ddb_concurrent_loop_add_paths(const DdbJoin *join);

#endif /* DDB_CONCURRENT_LOOP_PLAN_H */
