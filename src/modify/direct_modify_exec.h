/* SPDX-License-Identifier: PostgreSQL */
/*
 * direct_modify_exec.h
 *		Scans that write the rows that they find.
 */
#ifndef DDB_DIRECT_MODIFY_EXEC_H
#define DDB_DIRECT_MODIFY_EXEC_H

#include "postgres.h"

#include "modify/write_queue.h"
#include "nodes/execnodes.h"

struct ExplainState;
struct DdbDirectModify;

extern void ddbBeginDirectModify(ForeignScanState *node, int eflags);
extern TupleTableSlot *ddbIterateDirectModify(ForeignScanState *node);
extern void ddbEndDirectModify(ForeignScanState *node);

/* explain.c */
extern void ddbExplainDirectModify(ForeignScanState *node,
								   struct ExplainState *es);

/* What it has written so far. */
extern const DdbWriteCounters *
ddb_direct_modify_counters(const struct DdbDirectModify *modify);

#endif /* DDB_DIRECT_MODIFY_EXEC_H */
