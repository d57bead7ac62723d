/* SPDX-License-Identifier: PostgreSQL */
/*
 * spool_exec.h
 *		Reads all rows before it gives the first.
 */
#ifndef DDB_SPOOL_EXEC_H
#define DDB_SPOOL_EXEC_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/extensible.h"

#define DDB_SPOOL_NAME "DynamoDB Spool"

extern const CustomScanMethods ddb_spool_scan_methods;

/* Called once, from _PG_init: lets plans with spools be read. */
extern void ddb_spool_install(void);

extern bool ddb_spool_is(const PlanState *node);

/*
 * Rows behind the one that was given last, from begin_peek on; empty after the
 * last one.  Looking at them does not take them.
 */
extern void ddb_spool_begin_peek(PlanState *node);
extern TupleTableSlot *ddb_spool_peek(PlanState *node);

#endif /* DDB_SPOOL_EXEC_H */
