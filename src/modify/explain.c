/* SPDX-License-Identifier: PostgreSQL */
/*
 * explain.c
 *		What EXPLAIN ANALYZE shows of writes.
 */
#include "postgres.h"

#include "scan/explain.h"

#include "compat.h"
#include "modify/direct_modify_exec.h"
#include "modify/write_queue.h"
#include "scan/scan.h"

void
ddb_explain_writes(const DdbWrites *writes, ExplainState *es)
{
	const DdbWriteCounters *counters = &writes->counters;

	ExplainPropertyInteger("Requests", NULL, counters->requests, es);
	ExplainPropertyInteger("Items Written", NULL, counters->items, es);
	ddb_explain_consumption(writes->relation, counters->read_units,
							counters->write_units, counters->retries,
							counters->throttles, counters->bytes_received, es);
}

void
ddbExplainDirectModify(ForeignScanState *node, ExplainState *es)
{
	const DdbScanState *state = (const DdbScanState *) node->fdw_state;

	/* Without ANALYZE nothing writes. */
	if (state->modify == NULL)
		ddbExplainForeignScan(node, es);
	else
		ddb_explain_scan(node, ddb_direct_modify_counters(state->modify), es);
}
