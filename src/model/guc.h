/* SPDX-License-Identifier: PostgreSQL */
/*
 * guc.h
 *		Settings: ddb_fdw.x is ddb_guc_x.
 *
 * Read when a statement runs, never baked into a plan; but for pushdown and
 * batch_join, which are what plans are made by.
 */
#ifndef DDB_GUC_H
#define DDB_GUC_H

#include "postgres.h"

typedef enum DdbScanPolicy
{
	DDB_SCAN_UNSET, /* options only */
	DDB_SCAN_ALLOW,
	DDB_SCAN_WARN,
	DDB_SCAN_DENY,
} DdbScanPolicy;

typedef enum DdbMismatchPolicy
{
	DDB_MISMATCH_UNSET, /* options only */
	DDB_MISMATCH_ERROR,
	DDB_MISMATCH_NULL,
} DdbMismatchPolicy;

extern int ddb_guc_scan; /* DdbScanPolicy */
extern double ddb_guc_max_read_units; /* 0: no cap */
extern int ddb_guc_on_type_mismatch; /* DdbMismatchPolicy, never UNSET */
extern bool ddb_guc_pushdown;
extern bool ddb_guc_batch_join;
extern bool ddb_guc_log_requests;
extern int ddb_guc_description_lifetime; /* seconds */

/* Called once, from _PG_init. */
extern void ddb_guc_define(void);

#endif /* DDB_GUC_H */
