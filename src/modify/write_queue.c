/* SPDX-License-Identifier: PostgreSQL */
/*
 * write_queue.c
 *		Sends writes side by side and sees each through to its end.
 *
 * A write is not undone: so when one fails, those under way are waited for.
 * What is written, and what perhaps, remote/written is told.
 */
#include "postgres.h"

#include "modify/write_queue.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "model/table_info.h"
#include "remote/describe.h"
#include "remote/report.h"
#include "remote/written.h"
#include "request/item_key.h"
#include "request/write_reply.h"
#include "request/write_request.h"

/* What DynamoDB says of a path whose maps are not there (ValidationException). */
#define INVALID_PATH "document path provided in the update expression"

void
ddb_write_job_init(DdbWriteJob *job, const DdbWriteTarget *target,
				   DdbcOperation operation, const StringInfo body, int items)
{
	memset(job, 0, sizeof(*job));
	job->operation = target->exactly_once && ddbc_operation_writes(operation)
						 ? DDBC_TRANSACT_WRITE_ITEMS
						 : operation;
	job->body = body->data;
	job->len = body->len;
	job->items = items;
	job->keys = target->keys;
}

/* Pins the session.  One call for each request that may be under way. */
DdbWrites *
ddb_writes_create(const DdbRelation *relation, Oid userid)
{
	DdbWrites *writes = palloc0(sizeof(DdbWrites));

	writes->relation = relation;
	writes->session = ddb_session_get(relation->server->serverid, userid);
	ddb_session_pin(writes->session, CurrentMemoryContext);
	writes->table =
		ddb_written_table(relation->server->serverid, relation->table_name);
	writes->n = Min(ddb_session_concurrency(writes->session), DDB_MAX_CALLS);
	writes->calls = palloc(sizeof(DdbCall *) * writes->n);
	writes->jobs = palloc0(sizeof(DdbWriteJob *) * writes->n);
	for (int i = 0; i < writes->n; i++)
		writes->calls[i] =
			ddb_call_create(writes->session, CurrentMemoryContext);
	return writes;
}

static void
start(DdbWrites *writes, int lane, DdbWriteJob *job, int64 delay_ms)
{
	writes->jobs[lane] = job;
	ddb_call_start(writes->calls[lane], job->operation,
				   writes->relation->table_name, NULL, job->body, job->len,
				   delay_ms);
}

/* Adds what a finished request took to the counters. */
static void
count_request(DdbWrites *writes, const DdbCall *call)
{
	DdbcRequestStats stats = ddbc_request_stats(call->request);

	writes->counters.requests++;
	writes->counters.retries += Max(stats.attempts - 1, 0);
	writes->counters.throttles += stats.throttles;
	writes->counters.bytes_received += stats.bytes_received;
}

/* So many items, of those under way, are written or are not. */
static void
count_items(DdbWrites *writes, int items, bool are_written)
{
	int written = are_written ? items : 0;

	writes->counters.items += written;
	ddb_written_settle(writes->table, items, written);
}

/* What a batch left to be done; false when nothing is. */
static bool
take_rest(const DdbWrites *writes, DdbWriteJob *job, const DdbWriteReply *reply)
{
	StringInfoData body;
	int items;

	if (reply->unprocessed == NULL)
		return false;
	items = ddb_item_key_count_left(job->body, job->len, reply->unprocessed,
									reply->unprocessed_len, job->keys,
									writes->relation->table_name);
	job->fruitless = items < job->items ? 0 : job->fruitless + 1;
	job->items = items;
	initStringInfo(&body);
	ddb_write_unprocessed(&body, reply->unprocessed, reply->unprocessed_len);
	job->body = body.data;
	job->len = body.len;
	return true;
}

/*
 * Keeps a copy of the item in the reply, if there is one, padded for a
 * scanner.
 */
static void
keep_item(DdbWriteJob *job, const DdbWriteReply *reply)
{
	if (reply->item == NULL)
		return;
	job->item = palloc0(reply->item_len + DDB_JSON_PADDING);
	memcpy(job->item, reply->item, reply->item_len);
	job->item_len = reply->item_len;
}

/* A request that succeeded. */
static void
finish(DdbWrites *writes, DdbCall *call, DdbWriteJob *job)
{
	DdbWriteReply reply;
	size_t len;
	const char *body = ddbc_request_body(call->request, &len);
	int items = job->items;
	bool writes_items = ddbc_operation_writes(job->operation);
	double read_units;

	ddb_write_reply_read(&reply, body, len, writes->relation->table_name);
	read_units = writes_items ? reply.read_units : reply.units;
	writes->counters.read_units += read_units;
	writes->counters.write_units += reply.units - read_units;
	ddb_call_log(call, writes_items ? reply.units - read_units : read_units);
	keep_item(job, &reply);
	job->done = !take_rest(writes, job, &reply);
	count_items(writes, job->done ? items : items - job->items, true);
}

/* One that failed in a way that its caller knows what to do about. */
static bool
is_answer(const DdbCall *call, DdbWriteJob *job, const DdbcError *error)
{
	DdbWriteReply reply;
	size_t len;
	const char *body;

	job->lacks_path = job->may_lack_path &&
					  error->kind == DDBC_ERROR_VALIDATION &&
					  strstr(error->message, INVALID_PATH) != NULL;
	if (job->lacks_path)
		return true;
	if (error->kind != DDBC_ERROR_CONDITION_FAILED)
		return false;
	job->refused = true;
	body = ddbc_request_error_body(call->request, &len);
	if (body != NULL)
	{
		ddb_write_reply_read_error(&reply, body, len, call->table_name);
		keep_item(job, &reply);
	}
	return true;
}

/*
 * Takes a reply.  False when the job has failed: its call is kept, with the
 * error in it.
 */
static bool
receive(DdbWrites *writes, int lane)
{
	DdbCall *call = writes->calls[lane];
	DdbWriteJob *job = writes->jobs[lane];
	const DdbcError *error = ddbc_request_error(call->request);

	count_request(writes, call);
	job->ambiguous |= ddbc_request_stats(call->request).ambiguous;
	if (error == NULL)
		finish(writes, call, job);
	else
	{
		ddb_call_log(call, 0);
		if (!is_answer(call, job, error))
			return false;
		job->done = true;
		job->undecided = job->ambiguous;
		if (!job->undecided)
			count_items(writes, job->items, false);
	}
	writes->jobs[lane] = NULL;
	ddb_call_release(call);
	return true;
}

/* Raises the error of a batch of which nothing was written any more. */
static void
raise_unprocessed(const DdbWrites *writes, const DdbWriteJob *job)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
			 errmsg("could not write to DynamoDB table \"%s\": items remain "
					"unprocessed",
					writes->relation->table_name),
			 errdetail("BatchWriteItem was sent %d times and wrote no item.",
					   job->fruitless),
			 errhint("The table's write capacity is exhausted. Retry later, "
					 "write more slowly, or raise its capacity.")));
}

/* Waits until one of the calls under way is done; its lane, -1: there is none. */
static int
wait_for_one(DdbWrites *writes)
{
	DdbCall *calls[DDB_MAX_CALLS];
	int n = 0;

	for (int i = 0; i < writes->n; i++)
		if (writes->jobs[i] != NULL)
			calls[n++] = writes->calls[i];
	if (n == 0)
		return -1;
	ddb_call_wait(calls, n);
	for (int i = 0; i < writes->n; i++)
		if (writes->jobs[i] != NULL &&
			ddbc_request_done(writes->calls[i]->request))
			return i;
	elog(ERROR, "no request is done after waiting for one");
}

static int
idle_lane(const DdbWrites *writes)
{
	for (int i = 0; i < writes->n; i++)
		if (writes->jobs[i] == NULL)
			return i;
	return -1;
}

void
ddb_writes_decide(DdbWrites *writes, DdbWriteJob *job, bool is_written)
{
	if (job->undecided)
		count_items(writes, job->items, is_written);
	job->undecided = false;
}

/* Waits for what is under way; nothing of it is sent again. */
static void
finish_others(DdbWrites *writes)
{
	int lane;

	while ((lane = wait_for_one(writes)) >= 0)
	{
		const DdbWriteJob *job = writes->jobs[lane];
		DdbCall *call = writes->calls[lane];

		if (receive(writes, lane))
		{
			/* What a batch left. */
			if (!job->done && !job->ambiguous)
				count_items(writes, job->items, false);
		}
		else
		{
			if (!ddbc_request_error(call->request)->ambiguous)
				count_items(writes, job->items, false);
			ddb_call_release(call);
		}
		writes->jobs[lane] = NULL;
	}
}

/* Waits for what is under way, then raises the error of the failed one. */
static void
give_up(DdbWrites *writes, int failed)
{
	DdbCall *call = writes->calls[failed];
	const DdbcError *error = ddbc_request_error(call->request);
	ErrorContextCallback callback;

	if (!error->ambiguous)
		count_items(writes, writes->jobs[failed]->items, false);
	writes->jobs[failed] = NULL;
	finish_others(writes);
	if (error->kind == DDBC_ERROR_VALIDATION ||
		error->kind == DDBC_ERROR_KEY_VALUE)
		ddb_relation_push_declared_key(writes->relation, &callback);
	if (error->kind == DDBC_ERROR_VALIDATION ||
		error->kind == DDBC_ERROR_TABLE_NOT_FOUND)
		ddb_describe_forget(writes->relation->server->serverid,
							writes->relation->table_name);
	ddb_report_call(error, call->operation, call->table_name, NULL);
}

/* Takes one reply, and sends again what it left. */
static void
advance(DdbWrites *writes)
{
	int lane = wait_for_one(writes);
	DdbWriteJob *job;
	int64 delay_ms;

	if (lane < 0)
		elog(ERROR, "no write is under way");
	job = writes->jobs[lane];
	if (!receive(writes, lane))
		give_up(writes, lane);
	if (job->done)
		return;
	if (!ddb_session_retry_unprocessed(writes->session, job->fruitless,
									   &delay_ms))
	{
		if (!job->ambiguous)
			count_items(writes, job->items, false);
		finish_others(writes);
		raise_unprocessed(writes, job);
	}
	start(writes, lane, job, delay_ms);
}

/*
 * A cancel raises its error without waiting for the requests under way, whose
 * outcome is then unknown.
 */
void
ddb_writes_run(DdbWrites *writes, DdbWriteJob *const *jobs, int n)
{
	int lane;

	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		while ((lane = idle_lane(writes)) < 0)
			advance(writes);
		ddb_written_send(writes->table, jobs[i]->items);
		start(writes, lane, jobs[i], 0);
	}
	for (int i = 0; i < n; i++)
		while (!jobs[i]->done)
			advance(writes);
}
