/* SPDX-License-Identifier: PostgreSQL */
/*
 * write_queue.h
 *		Writes of one statement: sent side by side, each until it is done.
 */
#ifndef DDB_WRITE_QUEUE_H
#define DDB_WRITE_QUEUE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "model/relation.h"
#include "remote/session.h"
#include "request/write_reply.h"
#include "request/write_request.h"

/*
 * Rows that are written together are so many, or their requests so many bytes.
 * The next are begun when the last reply is in, so there are many more than
 * requests in flight.
 */
#define DDB_WRITE_ROWS 400
#define DDB_WRITE_BYTES ((size_t) 8 * 1024 * 1024)

/* One request, and what became of it. */
typedef struct DdbWriteJob
{
	DdbcOperation operation;
	const char *body;
	int len;
	int items; /* that it writes */
	const struct DdbKeySchema *keys; /* of its table */
	bool may_lack_path; /* DynamoDB may say that a path leads nowhere */

	/* once it is done */
	bool refused; /* its condition did not hold */
	bool ambiguous; /* of an attempt that may have been applied before */
	bool undecided; /* refused, but not the attempt before it, perhaps */
	bool lacks_path;
	char *item; /* JSON that came back, of an item; NULL: none */
	int item_len;

	/* private */
	int fruitless; /* times in a row that no item of a batch was written */
	bool done;
} DdbWriteJob;

typedef struct DdbWrites
{
	const DdbRelation *relation;
	DdbSession *session;
	DdbCall **calls; /* of as many as may be in flight */
	DdbWriteJob **jobs; /* of each call its job; NULL: it is idle */
	int n;
	DdbWriteCounters counters;
	struct DdbWrittenTable *table; /* of the transaction's accounts */
} DdbWrites;

/*
 * body is not copied, and must stay until the job is done; target says how it
 * was made.  items: that it writes.
 */
extern void ddb_write_job_init(DdbWriteJob *job, const DdbWriteTarget *target,
							   DdbcOperation operation, const StringInfo body,
							   int items);

/* In the current memory context, with which its requests end. */
extern DdbWrites *ddb_writes_create(const DdbRelation *relation, Oid userid);

/*
 * Runs all jobs, several at once, in any order.  When one fails no more are
 * begun, those under way are waited for, and the error is raised; what was
 * written stays.  What comes back lives in the current memory context.
 */
extern void ddb_writes_run(DdbWrites *writes, DdbWriteJob *const *jobs, int n);

/*
 * What became of a job that is undecided, told by the item that came back.
 * Until then its item counts as written perhaps.  Does nothing of other jobs.
 */
extern void ddb_writes_decide(DdbWrites *writes, DdbWriteJob *job,
							  bool is_written);

#endif /* DDB_WRITE_QUEUE_H */
