/* SPDX-License-Identifier: PostgreSQL */
/*
 * one_row_loop.h
 *		Nested loops below one outer row.
 */
#ifndef DDB_ONE_ROW_LOOP_H
#define DDB_ONE_ROW_LOOP_H

#include "postgres.h"

#include "join/join_hook.h"

/* Offers them where the outer side is known to have one row at most. */
extern void ddb_one_row_loop_add_paths(const DdbJoin *join);

#endif /* DDB_ONE_ROW_LOOP_H */
