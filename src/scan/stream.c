/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream.c
 *		Sends, waits, opens pages, goes on.
 *
 * Ends on the absence of LastEvaluatedKey and on nothing else: pages may be
 * empty and go on (dynamodb.md section 2.4).  The same of UnprocessedKeys.
 */
#include "postgres.h"

#include "scan/stream.h"

#include "model/table_info.h"
#include "remote/describe.h"
#include "remote/report.h"
#include "request/item_key.h"
#include "request/read_request.h"
#include "request/reply_shape.h"
#include "scan/groups.h"
#include "scan/guard.h"
#include "scan/merge.h"
#include "scan/parallel_scan.h"
#include "scan/scan.h"
#include "utils/memutils.h"

/* Keys of a join or of entries are a batch however few: EXPLAIN says so. */
static bool
is_batch(const DdbStream *stream)
{
	const DdbAccessPlan *plan = stream->scan->plan;

	return plan->operation == DDB_OP_GET_ITEM &&
		   (stream->ntargets > 1 || plan->keys.batch_values != NIL ||
			plan->fetch.is_second);
}

/* A request without what pages differ in, of the target that is given. */
static char *
compose_base(const DdbStream *stream, DdbRequestSpec *spec,
			 const DdbTarget *target)
{
	if (stream->segment >= 0)
		spec->segment = stream->segment;
	spec->targets = stream->targets;
	spec->ntargets = stream->ntargets;
	if (is_batch(stream))
		return ddb_request_batch(spec);
	if (target != NULL)
	{
		spec->targets = target;
		spec->ntargets = 1;
	}
	return ddb_request_base(spec);
}

/* The request of the target that is read now. */
static void
prepare_base(DdbStream *stream)
{
	DdbRequestSpec spec = stream->scan->run.spec;
	MemoryContext old = MemoryContextSwitchTo(stream->scan->run_context);

	if (stream->base != NULL)
		pfree(stream->base);
	stream->base = compose_base(
		stream, &spec,
		stream->targets != NULL ? &stream->targets[stream->target] : NULL);
	MemoryContextSwitchTo(old);
}

static void
free_body(void *arg)
{
	DdbStream *stream = (DdbStream *) arg;

	free(stream->body);
	stream->body = NULL;
}

/* The open page was asked for with it. */
static void
leave_start_key(DdbStream *stream)
{
	if (stream->page_key != NULL)
		pfree(stream->page_key);
	stream->page_key = stream->start_key;
	stream->page_key_len = stream->start_key_len;
	stream->start_key = NULL;
}

/* Another range begins. */
static void
forget_passed(DdbStream *stream)
{
	if (stream->passed_key != NULL)
		pfree(stream->passed_key);
	stream->passed_key = NULL;
	stream->passed = stream->passed_most = 0;
}

/* ---- what was sent is counted ---- */

/* Adds what a request took, but for its read units. */
static void
count_request(DdbScanCounters *counters, const DdbCall *call)
{
	DdbcRequestStats stats = ddbc_request_stats(call->request);

	counters->requests++;
	counters->retries += Max(stats.attempts - 1, 0);
	counters->throttles += stats.throttles;
	counters->bytes_received += stats.bytes_received;
}

/* What an answer that nobody looks at says it took; -1: nothing. */
static double
reported_units(const DdbCall *call)
{
	size_t len;
	const char *body = ddbc_request_body(call->request, &len);
	DdbJsonReader json;
	bool first = true;
	DdbSpan key;

	if (ddbc_request_error(call->request) != NULL)
		return 0;
	if (body == NULL)
		return -1;
	ddb_json_init(&json, body, len);
	if (!ddb_json_enter_object(&json))
		return -1;
	while (ddb_json_next_member(&json, &first, &key))
	{
		if (ddb_span_equals(&key, "ConsumedCapacity", 16))
			return ddb_reply_read_capacity(&json, NULL);
		(void) ddb_json_skip(&json);
	}
	return -1;
}

/*
 * What a request takes, about: as much as others of this step, or of the whole
 * scan, or as the planner thought that each stream's only one would.
 */
static double
estimated_units(const DdbScanState *scan, const DdbScanCounters *counters)
{
	int64 answered = counters->requests - counters->abandoned;
	int streams =
		scan->run.groups != NULL ? ddb_groups_streams(scan->run.groups) : 1;

	if (scan->sizes.replies > 0)
		return scan->sizes.read_units / scan->sizes.replies;
	if (answered > 0)
		return (counters->read_units - counters->abandoned_units) / answered;
	return Max(0.5, Min(scan->plan->estimate.read_units / Max(streams, 1),
						DDB_PAGE_BYTES / DDB_UNIT_BYTES / 2));
}

/*
 * Adds the stream's request under way as one that nobody reads.  Returns its
 * units; nothing was sent if it still queues.
 */
static double
count_abandoned(const DdbStream *stream, DdbScanCounters *counters)
{
	double units;

	if (ddbc_request_stats(stream->call->request).attempts == 0)
		return 0;
	units = reported_units(stream->call);
	if (units < 0)
		units = estimated_units(stream->scan, counters);
	count_request(counters, stream->call);
	counters->abandoned++;
	counters->abandoned_units += units;
	counters->read_units += units;
	return units;
}

void
ddb_stream_count_under_way(const DdbScanState *scan, DdbScanCounters *counters)
{
	dlist_iter iter;

	dlist_foreach(iter, scan->under_way)
		count_abandoned(dlist_container(DdbStream, node, iter.cur), counters);
}

/* The request is under way no more. */
static void
leave_way(DdbStream *stream)
{
	stream->sent = false;
	dlist_delete(&stream->node);
}

/* Of the call: also when an error ends the scan. */
static double
abandon(void *owner)
{
	DdbStream *stream = (DdbStream *) owner;
	DdbScanState *scan = stream->scan;
	double units;

	/* What was received is counted already. */
	if (!stream->sent)
		return 0;
	leave_way(stream);
	units = count_abandoned(stream, scan->counters);
	ddb_guard_note_read_units(units);
	ddb_parallel_report(scan);
	return units;
}

/* ---- requests ---- */

/* Its call and its memory are used again. */
void
ddb_stream_restart(DdbStream *stream, const DdbTarget *targets, int ntargets)
{
	leave_start_key(stream);
	forget_passed(stream);
	stream->targets = targets;
	stream->ntargets = ntargets;
	stream->target = 0;
	stream->finished = false;
	stream->closed = false;
	stream->fruitless = 0;
	stream->delay_ms = 0;
	stream->pages = 0;
	stream->given = 0;
	stream->scanned = 0;
}

/* A stream that is closed early cancels its request. */
void
ddb_stream_close(DdbStream *stream)
{
	if (stream->call != NULL)
		ddb_call_release(stream->call);
	if (stream->base != NULL)
		pfree(stream->base);
	if (stream->page.notes.items != NULL)
		pfree(stream->page.notes.items);
	free_body(stream);
	stream->base = NULL;
	memset(&stream->page, 0, sizeof(stream->page));
	stream->page_open = false;
	stream->closed = true;
}

void
ddb_stream_row_passed(DdbStream *stream)
{
	stream->given++;
}

bool
ddb_stream_is_enough(const DdbStream *stream)
{
	int wanted = stream->scan->run.rows_per_key;

	return wanted > 0 && stream->given >= wanted;
}

/* The operation of the stream's requests. */
static DdbcOperation
client_operation(const DdbStream *stream)
{
	switch (stream->scan->plan->operation)
	{
		case DDB_OP_GET_ITEM:
			return is_batch(stream) ? DDBC_BATCH_GET_ITEM : DDBC_GET_ITEM;
		case DDB_OP_QUERY:
			return DDBC_QUERY;
		default:
			return DDBC_SCAN;
	}
}

/* The next request's Limit; 0: none. */
static int64
next_limit(const DdbStream *stream)
{
	const DdbPager *pager = stream->scan->run.pager;

	if (stream->scan->plan->operation == DDB_OP_GET_ITEM)
		return 0;
	return stream->wanted_limit > 0 ? stream->wanted_limit
									: pager->limit(pager, stream);
}

/*
 * Composes the next request: the next page, the rest of a batch, or a batch as
 * a whole.
 */
static void
compose(DdbStream *stream, StringInfo request)
{
	if (!is_batch(stream))
	{
		stream->last_limit = next_limit(stream);
		ddb_request_page(request, stream->base, stream->last_limit,
						 stream->start_key, stream->start_key_len);
	}
	else if (stream->start_key != NULL)
		ddb_request_unprocessed(request, stream->start_key,
								stream->start_key_len);
	else
	{
		resetStringInfo(request);
		appendStringInfoString(request, stream->base);
	}
}

/* Raises an error if the statement has no read units left. */
void
ddb_stream_send(DdbStream *stream)
{
	DdbScanState *scan = stream->scan;

	if (stream->sent || stream->finished)
		return;
	if (stream->call == NULL)
	{
		stream->call = ddb_call_create(scan->session, scan->run_context);
		stream->call->abandon = abandon;
		stream->call->owner = stream;
	}
	else
		ddb_call_release(stream->call);
	ddb_guard_check_read_units(scan->relation, scan->counters->read_units);
	if (stream->base == NULL)
		prepare_base(stream);
	compose(stream, scan->run.request);
	ddb_call_start(stream->call, client_operation(stream),
				   scan->plan->source.table_name, scan->plan->source.index_name,
				   scan->run.request->data, scan->run.request->len,
				   stream->delay_ms);
	stream->sent = true;
	dlist_push_tail(scan->under_way, &stream->node);
}

/* Errors that may mean that what is known of the table is out of date. */
static void
raise_call_error(DdbStream *stream, const DdbcError *error)
{
	const DdbScanState *scan = stream->scan;
	ErrorContextCallback callback;

	if (error->kind == DDBC_ERROR_VALIDATION ||
		error->kind == DDBC_ERROR_KEY_VALUE)
		ddb_relation_push_declared_key(scan->relation, &callback);
	if (error->kind == DDBC_ERROR_VALIDATION ||
		error->kind == DDBC_ERROR_TABLE_NOT_FOUND ||
		error->kind == DDBC_ERROR_INDEX_NOT_FOUND)
	{
		ddb_describe_forget(scan->relation->server->serverid,
							scan->plan->source.table_name);
		ddb_parallel_forget(stream->scan);
	}
	ddb_report_call(error, stream->call->operation,
					scan->plan->source.table_name,
					scan->plan->source.index_name);
}

/*
 * Raises an error if the key is where reading began already: it would go on
 * without end.  Of the keys passed one is kept, for twice as many pages each
 * time, so a circle of any length is found.
 */
static void
check_moves(DdbStream *stream, const char *key, int len)
{
	if (stream->passed_key != NULL && len == stream->passed_key_len &&
		memcmp(key, stream->passed_key, len) == 0)
		ddb_reply_raise_malformed(stream->scan->plan->source.table_name,
								  "its continuation key does not move on");
	if (++stream->passed < stream->passed_most)
		return;
	if (stream->passed_key != NULL)
		pfree(stream->passed_key);
	stream->passed_key =
		MemoryContextAlloc(stream->scan->run_context, Max(len, 1));
	memcpy(stream->passed_key, key, len);
	stream->passed_key_len = len;
	stream->passed = 0;
	stream->passed_most = Max(stream->passed_most * 2, 1);
}

/* Where the next request starts: a copy of the page's, or behind it. */
static void
keep_start_key(DdbStream *stream)
{
	DdbScanState *scan = stream->scan;
	const DdbPage *page = &stream->page;
	DdbPager *pager = scan->run.pager;
	MemoryContext old = MemoryContextSwitchTo(scan->run_context);
	int len = page->last_key_len;
	char *key = pager->go_on != NULL ? pager->go_on(pager, page, &len)
									 : pnstrdup(page->last_key, len);

	MemoryContextSwitchTo(old);
	if (!is_batch(stream))
		check_moves(stream, key, len);
	leave_start_key(stream);
	stream->start_key = key;
	stream->start_key_len = len;
}

/* On to the next range of the partition, if there is one. */
static void
next_target(DdbStream *stream)
{
	int step = stream->scan->plan->order.is_backward ? -1 : 1;

	leave_start_key(stream);
	forget_passed(stream);
	if (is_batch(stream) || stream->target + step < 0 ||
		stream->target + step >= stream->ntargets)
	{
		stream->finished = true;
		return;
	}
	stream->target += step;
	prepare_base(stream);
}

/* A batch leaves only what was sent; in memory of its own. */
static void
check_left(const DdbStream *stream)
{
	const DdbPage *page = &stream->page;
	const DdbPlanSource *source = &stream->scan->plan->source;
	const char *sent =
		stream->start_key != NULL ? stream->start_key : stream->base;
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw unprocessed", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	(void) ddb_item_key_count_left(
		sent,
		stream->start_key != NULL ? stream->start_key_len : (int) strlen(sent),
		page->last_key, page->last_key_len, &source->table_keys,
		source->table_name);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* What the page leaves to be asked for. */
static void
advance(DdbStream *stream)
{
	DdbPage *page = &stream->page;

	stream->fruitless =
		is_batch(stream) && page->item_count == 0 ? stream->fruitless + 1 : 0;
	stream->delay_ms = 0;
	if (page->last_key == NULL)
	{
		next_target(stream);
		return;
	}
	if (is_batch(stream))
		check_left(stream);
	/* Keys that followed 16 MB of items lack no capacity. */
	if (stream->fruitless > 0 &&
		!ddb_session_retry_unprocessed(stream->scan->session, stream->fruitless,
									   &stream->delay_ms))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not read DynamoDB table \"%s\": keys remain "
						"unprocessed",
						stream->scan->plan->source.table_name),
				 errdetail("BatchGetItem was sent %d times and returned no "
						   "item.",
						   stream->fruitless),
				 errhint("The table's read capacity is exhausted. Retry later, "
						 "read less, or raise its capacity.")));
	keep_start_key(stream);
}

/* What the reply holds; counted: of a request that asks for no items. */
static DdbPageKind
page_kind(const DdbStream *stream, bool counted)
{
	if (stream->scan->plan->operation == DDB_OP_GET_ITEM)
		return is_batch(stream) ? DDB_PAGE_BATCH : DDB_PAGE_ITEM;
	return counted ? DDB_PAGE_COUNT : DDB_PAGE_ITEMS;
}

/*
 * True if the next page is asked for while this one is read: where all rows
 * are wanted, and the first page was not all that somebody wanted after all.
 */
static bool
wants_next(const DdbStream *stream)
{
	return stream->scan->run.reads_ahead &&
		   ddb_merge_width(stream->scan) == 0 && stream->pages > 1 &&
		   !is_batch(stream);
}

/* The reply is in. */
static void
receive(DdbStream *stream)
{
	DdbScanState *scan = stream->scan;
	const DdbcError *error;
	MemoryContext old;
	size_t len;

	leave_way(stream);
	stream->page_open = false;
	count_request(scan->counters, stream->call);
	error = ddbc_request_error(stream->call->request);
	if (error != NULL)
	{
		ddb_call_log(stream->call, 0);
		raise_call_error(stream, error);
	}
	stream->page_limit = is_batch(stream) ? 0 : stream->last_limit;
	free_body(stream);
	stream->body = ddbc_request_take_body(stream->call->request, &len);
	old = MemoryContextSwitchTo(scan->run_context);
	ddb_page_open(&stream->page, stream->body, len,
				  page_kind(stream, scan->run.count_only),
				  scan->plan->source.table_name,
				  scan->run.count_only ? NULL : scan->run.reader);
	MemoryContextSwitchTo(old);
	ddb_call_log(stream->call, stream->page.read_units);
	stream->page_open = true;
	stream->pages++;
	scan->sizes.replies++;
	scan->sizes.read_units += stream->page.read_units;
	scan->sizes.largest_reply = Max(scan->sizes.largest_reply, (int64) len);
	if (stream->page.item_count > 0)
		scan->sizes.largest_item = Max(scan->sizes.largest_item,
									   (double) len / stream->page.item_count);
	/* Rows counted belong to the range that was asked, not to the next. */
	stream->uncounted = scan->run.count_only ? stream->page.count : 0;
	stream->counted_target = stream->targets != NULL && !is_batch(stream)
								 ? &stream->targets[stream->target]
								 : NULL;
	stream->scanned += stream->page.scanned;
	scan->counters->items_scanned += stream->page.scanned;
	scan->counters->items_returned += stream->page.count;
	scan->counters->read_units += stream->page.read_units;
	advance(stream);
	ddb_guard_add_read_units(scan->relation, stream->page.read_units,
							 scan->counters->read_units);
	ddb_parallel_report(scan);
	if (wants_next(stream))
		ddb_stream_send(stream);
}

/* The request of the open page, with what the reader shows of its items. */
static void
compose_again(DdbStream *stream, DdbRowReader *reader, StringInfo request)
{
	DdbRequestSpec spec = stream->scan->run.spec;
	char *base;

	spec.paths = ddb_row_reader_paths(reader, &spec.npaths);
	spec.whole_items = false;
	base = compose_base(stream, &spec, stream->counted_target);
	if (is_batch(stream))
		appendStringInfoString(request, base);
	else
		ddb_request_page(request, base, stream->page_limit, stream->page_key,
						 stream->page_key_len);
}

/*
 * Used to find an item's key for an error message, so a failure is not an
 * error of its own.
 */
bool
ddb_stream_read_again(DdbStream *stream, DdbRowReader *reader, DdbPage *page)
{
	const DdbAccessPlan *plan = stream->scan->plan;
	DdbCall *call =
		ddb_call_create(stream->scan->session, CurrentMemoryContext);
	StringInfoData request;
	const char *body;
	size_t len;

	initStringInfo(&request);
	compose_again(stream, reader, &request);
	ddb_call_start(call, client_operation(stream), plan->source.table_name,
				   plan->source.index_name, request.data, request.len, 0);
	ddb_call_wait(&call, 1);
	count_request(stream->scan->counters, call);
	if (ddbc_request_error(call->request) != NULL)
	{
		ddb_call_log(call, 0);
		return false;
	}
	/* It stays with the call, which the memory context owns. */
	body = ddbc_request_body(call->request, &len);
	ddb_page_open(page, body, len, page_kind(stream, false),
				  plan->source.table_name, reader);
	ddb_call_log(call, page->read_units);
	stream->scan->counters->read_units += page->read_units;
	ddb_guard_note_read_units(page->read_units);
	return true;
}

/* The next row that was only counted; false when all were given. */
static bool
next_counted(DdbStream *stream, TupleTableSlot *slot)
{
	if (stream->uncounted == 0)
		return false;
	stream->uncounted--;
	if (stream->counted_target != NULL)
		ddb_row_from_target(stream->scan->run.reader, stream->counted_target,
							slot);
	else
		ExecStoreAllNullTuple(slot);
	return true;
}

int64
ddb_stream_take_counted(DdbStream *stream)
{
	int64 n = stream->uncounted;

	stream->uncounted = 0;
	return n;
}

/* True if the item that was read last is in the target, as far as it shows. */
static bool
is_in_target(const DdbStream *stream, const DdbTarget *target)
{
	const DdbRowReader *reader = stream->scan->run.reader;
	const DdbKeySchema *keys = &stream->scan->plan->source.keys;
	DdbAttributeValue value;

	for (int i = 0; i < keys->n; i++)
		if (!ddb_key_range_is_open(&target->ranges[i]) &&
			ddb_row_key(reader, &stream->page, i, &value) &&
			!ddb_item_key_in_range(&target->ranges[i], &value))
			return false;
	return true;
}

/* Raises an error if the item that was read last was not asked for. */
static void
check_asked(const DdbStream *stream)
{
	bool is_asked;

	if (stream->targets == NULL)
		return;
	if (stream->counted_target != NULL)
		is_asked = is_in_target(stream, stream->counted_target);
	else
	{
		is_asked = false;
		for (int i = 0; i < stream->ntargets && !is_asked; i++)
			is_asked = is_in_target(stream, &stream->targets[i]);
	}
	if (!is_asked)
		ddb_reply_raise_malformed(stream->scan->plan->source.table_name,
								  "it holds an item outside the key asked for");
}

/*
 * The next row of the open page; false when the page is read or none is open.
 * row_context is reset first.
 */
bool
ddb_stream_row(DdbStream *stream, TupleTableSlot *slot,
			   MemoryContext row_context)
{
	DdbScanState *scan = stream->scan;
	MemoryContext old;
	bool found;

	if (!stream->page_open)
		return false;
	MemoryContextReset(row_context);
	old = MemoryContextSwitchTo(row_context);
	scan->run.reader->target = stream->counted_target;
	scan->run.reader->stream = stream;
	found = scan->run.count_only
				? next_counted(stream, slot)
				: ddb_row_read(scan->run.reader, &stream->page, slot);
	if (found && !scan->run.count_only)
		check_asked(stream);
	MemoryContextSwitchTo(old);
	return found;
}

static bool
has_rows(const DdbStream *stream)
{
	return stream->page_open &&
		   (stream->uncounted > 0 ||
			stream->page.notes.next < stream->page.notes.n);
}

/*
 * True if its next row, or its end, can be told without waiting.  Opens the
 * reply if it is there.
 */
bool
ddb_stream_ready(DdbStream *stream)
{
	while (!has_rows(stream))
	{
		if (stream->finished && !stream->sent)
			return true;
		/* Nobody looks at its rows any more: many streams wait at once. */
		free_body(stream);
		ddb_stream_send(stream);
		if (!ddbc_request_done(stream->call->request))
			return false;
		receive(stream);
	}
	return true;
}

/* Waits for the next page and opens it; false when there is none. */
bool
ddb_stream_fetch(DdbStream *stream, int64 limit)
{
	if (stream->finished && !stream->sent)
		return false;
	stream->wanted_limit = limit;
	ddb_stream_send(stream);
	ddb_call_wait(&stream->call, 1);
	receive(stream);
	return true;
}

/* Pages may bring no row at all, and reading goes on. */
bool
ddb_stream_next(DdbStream *stream, TupleTableSlot *slot,
				MemoryContext row_context)
{
	for (;;)
	{
		while (!ddb_stream_ready(stream))
			ddb_call_wait(&stream->call, 1);
		if (!has_rows(stream))
			return false;
		/* What the page holds may yet be no row of this table. */
		if (ddb_stream_row(stream, slot, row_context))
			return true;
	}
}

/* ---- as a source of rows ---- */

static bool
source_ready(DdbRowSource *source)
{
	return ddb_stream_ready((DdbStream *) source);
}

/* The next row that is wanted of the stream. */
static TupleTableSlot *
source_next(DdbRowSource *source, TupleTableSlot *slot)
{
	DdbStream *stream = (DdbStream *) source;

	if (!stream->closed && !ddb_stream_is_enough(stream) &&
		ddb_stream_next(stream, slot, stream->scan->row_context))
		return slot;
	return NULL;
}

static void
source_close(DdbRowSource *source)
{
	DdbStream *stream = (DdbStream *) source;

	if (!stream->closed)
		ddb_stream_close(stream);
}

/*
 * Targets are read one after another and must live as long as the stream.
 * Nothing is sent yet.
 */
DdbStream *
ddb_stream_create(DdbScanState *scan, const DdbTarget *targets, int ntargets)
{
	DdbStream *stream = palloc0(sizeof(DdbStream));

	stream->source.ready = source_ready;
	stream->source.next = source_next;
	stream->source.close = source_close;
	stream->source.page_of = stream->source.found_by = stream;
	stream->scan = scan;
	stream->segment = -1;
	stream->targets = targets;
	stream->ntargets = ntargets;
	stream->callback.func = free_body;
	stream->callback.arg = stream;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &stream->callback);
	/* In the order in which a backward Query meets them. */
	if (scan->plan->order.is_backward && !is_batch(stream))
		stream->target = Max(ntargets - 1, 0);
	return stream;
}

DdbStream *
ddb_stream_create_segment(DdbScanState *scan, int segment)
{
	DdbStream *stream = ddb_stream_create(scan, NULL, 0);

	stream->segment = segment;
	return stream;
}
