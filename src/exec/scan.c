/*
 * scan.c
 *		Runs an access plan: page after page, row after row.
 *
 * Ends on the absence of LastEvaluatedKey and on nothing else: pages may be
 * empty and go on (dynamodb.md section 2.4).  Reads no further than rows are
 * asked for.
 */
#include "postgres.h"

#include "exec/scan.h"

#include "catalog/table_info.h"
#include "compat.h"
#include "exec/guard.h"
#include "exec/request.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "remote/report.h"
#include "utils/memutils.h"
#include "utils/rel.h"

void
ddbBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;
	EState *estate = node->ss.ps.state;
	DdbScanState *state = palloc0(sizeof(DdbScanState));

	node->fdw_state = state;
	state->plan = ddb_access_plan_deserialize(scan->fdw_private);
	state->relation =
		ddb_relation_load(RelationGetRelid(node->ss.ss_currentRelation));
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	state->run_context = AllocSetContextCreate(
		estate->es_query_cxt, "ddb_fdw run", ALLOCSET_DEFAULT_SIZES);
	state->row_context = AllocSetContextCreate(
		estate->es_query_cxt, "ddb_fdw row", ALLOCSET_DEFAULT_SIZES);
	ddb_quals_key_codecs(state->relation, &state->plan->keys, &state->codecs);
	state->values = ExecInitExprList(scan->fdw_exprs, &node->ss.ps);
	state->call =
		ddb_call_create(ddb_session_get(state->relation->server->serverid,
										ddb_compat_scan_userid(node)),
						estate->es_query_cxt);
}

static DdbcOperation
client_operation(DdbOperation operation)
{
	switch (operation)
	{
		case DDB_OP_GET_ITEM:
			return DDBC_GET_ITEM;
		case DDB_OP_QUERY:
			return DDBC_QUERY;
		default:
			return DDBC_SCAN;
	}
}

static void
send_request(DdbScanState *state)
{
	int64 limit = ddb_scan_page_limit(state);

	ddb_guard_check_read_units(state->relation);
	ddb_request_page(state->request, state->base, limit, state->start_key,
					 state->start_key_len);
	state->last_limit = limit;
	ddb_call_start(state->call, client_operation(state->plan->operation),
				   state->plan->table_name, state->plan->index_name,
				   state->request->data, state->request->len);
}

static void
count_request(DdbScanState *state)
{
	DdbcRequestStats stats = ddbc_request_stats(state->call->request);

	state->counters.requests++;
	state->counters.retries += Max(stats.attempts - 1, 0);
	state->counters.throttles += stats.throttles;
	state->counters.bytes_received += stats.bytes_received;
}

/* Errors that may mean that what is known of the table is out of date. */
static void
raise_call_error(DdbScanState *state, const DdbcError *error)
{
	if (error->kind == DDBC_ERROR_VALIDATION ||
		error->kind == DDBC_ERROR_TABLE_NOT_FOUND ||
		error->kind == DDBC_ERROR_INDEX_NOT_FOUND)
		ddb_table_info_forget(state->relation->server->serverid,
							  state->plan->table_name);
	ddb_report_call(error, state->call->operation, state->plan->table_name,
					state->plan->index_name);
}

static void
remember_last_key(DdbScanState *state)
{
	DdbPage *page = &state->page;

	if (page->last_key == NULL)
	{
		state->finished = true;
		return;
	}
	/* A key that does not move would be asked for without end. */
	if (state->start_key != NULL &&
		page->last_key_len == state->start_key_len &&
		memcmp(page->last_key, state->start_key, page->last_key_len) == 0)
		ddb_page_raise_malformed(state->plan->table_name,
								 "its continuation key does not move");
	if (state->start_key != NULL)
		pfree(state->start_key);
	state->start_key =
		MemoryContextAlloc(state->run_context, page->last_key_len);
	memcpy(state->start_key, page->last_key, page->last_key_len);
	state->start_key_len = page->last_key_len;
}

static DdbPageKind
page_kind(const DdbScanState *state)
{
	if (state->plan->operation == DDB_OP_GET_ITEM)
		return DDB_PAGE_ITEM;
	return state->count_only ? DDB_PAGE_COUNT : DDB_PAGE_ITEMS;
}

/* Fetches one page; the reply's buffer belongs to the call. */
static void
fetch_page(DdbScanState *state)
{
	const DdbcError *error;
	const char *body;
	size_t len;

	ddb_call_release(state->call);
	send_request(state);
	ddb_call_wait(state->call);
	count_request(state);
	error = ddbc_request_error(state->call->request);
	if (error != NULL)
		raise_call_error(state, error);
	body = ddbc_request_body(state->call->request, &len);
	ddb_page_open(&state->page, body, len, page_kind(state),
				  state->plan->table_name,
				  state->count_only ? NULL : state->reader);
	state->page_open = true;
	state->uncounted = state->count_only ? state->page.count : 0;
	state->run_scanned += state->page.scanned;
	state->counters.items_scanned += state->page.scanned;
	state->counters.items_returned += state->page.count;
	state->counters.read_units += state->page.read_units;
	remember_last_key(state);
	ddb_guard_add_read_units(state->relation, state->page.read_units);
}

/* The next row of the open page into the slot; false at its end. */
static bool
next_of_page(DdbScanState *state, TupleTableSlot *slot)
{
	MemoryContext old;
	bool found;

	if (!state->page_open)
		return false;
	if (state->count_only)
	{
		if (state->uncounted == 0)
			return false;
		state->uncounted--;
		ExecStoreAllNullTuple(slot);
		return true;
	}
	MemoryContextReset(state->row_context);
	old = MemoryContextSwitchTo(state->row_context);
	found = ddb_row_read(state->reader, slot);
	MemoryContextSwitchTo(old);
	return found;
}

/*
 * Does the row satisfy the conditions that were pushed wider than they are,
 * and, where LIMIT needs to know, PostgreSQL's own filter?  (The executor
 * tests that one again, on rows that pass.)
 */
static bool
row_passes(ForeignScanState *node, DdbScanState *state, TupleTableSlot *slot)
{
	ExprContext *econtext = node->ss.ps.ps_ExprContext;

	if (!state->recheck && state->filter == NULL)
		return true;
	econtext->ecxt_scantuple = slot;
	ResetExprContext(econtext);
	if (state->recheck && !ExecQual(node->fdw_recheck_quals, econtext))
		return false;
	if (state->filter != NULL && !ExecQual(state->filter, econtext))
	{
		InstrCountFiltered1(node, 1);
		return false;
	}
	return true;
}

TupleTableSlot *
ddbIterateForeignScan(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	if (!state->started)
	{
		/* Not in BeginForeignScan: a plan may never run this node. */
		if (state->counters.requests == 0)
			ddb_guard_scan(state->relation, state->plan);
		ddb_scan_start(node, state);
	}
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (next_of_page(state, slot))
		{
			if (!row_passes(node, state, slot))
				continue;
			state->given++;
			return slot;
		}
		if (state->finished)
			return ExecClearTuple(slot);
		fetch_page(state);
	}
}

void
ddbReScanForeignScan(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	/* The next row starts anew, with the values of then. */
	state->started = false;
	ddb_call_release(state->call);
	state->page_open = false;
}

void
ddbEndForeignScan(ForeignScanState *node)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;

	/* Contexts free the rest; a reply may be large and a request under way. */
	if (state != NULL && state->call != NULL)
		ddb_call_release(state->call);
}
