/* SPDX-License-Identifier: PostgreSQL */
/*
 * row_choice.h
 *		Joins that find out when they run whether there is one outer row.
 */
#ifndef DDB_ROW_CHOICE_H
#define DDB_ROW_CHOICE_H

#include "postgres.h"

#include "join/join_hook.h"
#include "nodes/extensible.h"

#define DDB_ROW_CHOICE_NAME "DynamoDB Row Choice"

/*
 * Offers the join of the outer path with the inner one, whose order it keeps.
 * Nobody has to know how many outer rows there are.
 */
extern void ddb_row_choice_add_path(const DdbJoin *join, Path *outer,
									Path *inner);

extern const CustomScanMethods ddb_row_choice_scan_methods;

#endif /* DDB_ROW_CHOICE_H */
