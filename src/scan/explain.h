/* SPDX-License-Identifier: PostgreSQL */
/*
 * explain.h
 *		What EXPLAIN shows of scans, for those that do more than scan.
 */
#ifndef DDB_EXPLAIN_H
#define DDB_EXPLAIN_H

#include "postgres.h"

#include "model/relation.h"
#include "nodes/execnodes.h"
#include "request/write_reply.h"

struct ExplainState;

/* Callback of the executor. */
extern void ddbExplainForeignScan(ForeignScanState *node,
								  struct ExplainState *es);

/* A scan, and what has been written on its behalf. */
extern void ddb_explain_scan(ForeignScanState *node,
							 const DdbWriteCounters *writes,
							 struct ExplainState *es);

/* What reading and writing has taken, and its price in USD. */
extern void ddb_explain_consumption(const DdbRelation *relation,
									double read_units, double write_units,
									int64 retries, int64 throttles,
									uint64 bytes_received,
									struct ExplainState *es);

/* That each write is a transaction of its own, where it is. */
extern void ddb_explain_exactly_once(const DdbRelation *relation,
									 struct ExplainState *es);

#endif /* DDB_EXPLAIN_H */
