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

extern void ddbExplainDirectModify(ForeignScanState *node,
								   struct ExplainState *es);

#endif /* DDB_DIRECT_MODIFY_EXEC_H */
