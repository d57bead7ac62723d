/* SPDX-License-Identifier: PostgreSQL */
/*
 * system_columns.h
 *		Items have no ctid, xmin, xmax, cmin or cmax; rows have a tableoid.
 */
#ifndef DDB_SYSTEM_COLUMNS_H
#define DDB_SYSTEM_COLUMNS_H

#include "postgres.h"

#include "model/table_info.h"
#include "nodes/pathnodes.h"

/* Raises an error when the query refers to a system column of the relation. */
extern void ddb_system_columns_check_scan(PlannerInfo *root,
										  const RelOptInfo *rel,
										  DdbRelation *relation,
										  const DdbTableInfo *info);

/* The same of expressions in which varno stands for the relation. */
extern void ddb_system_columns_check(Node *expressions, Index varno,
									 DdbRelation *relation,
									 const DdbTableInfo *info);

#endif /* DDB_SYSTEM_COLUMNS_H */
