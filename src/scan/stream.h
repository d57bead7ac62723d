/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream.h
 *		One sequence of requests: the pages of a Scan, of the Queries of one
 *		partition, or the rounds of a BatchGetItem.
 *
 * A stream has at most one request under way.  It hands out rows in the order
 * in which DynamoDB sends them.
 */
#ifndef DDB_STREAM_H
#define DDB_STREAM_H

#include "postgres.h"

#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "remote/session.h"
#include "request/key_targets.h"
#include "scan/page.h"
#include "scan/row.h"
#include "scan/row_source.h"

struct DdbScanState;
struct DdbScanCounters;

typedef struct DdbStream
{
	DdbRowSource source; /* first; closes the stream at its end */
	struct DdbScanState *scan;
	const DdbTarget *targets; /* NULL: a Scan */
	int ntargets; /* of Query: one after the other; of a batch:
								 * all at once */
	int target; /* of Query: the one being read */
	int segment; /* of a Scan in segments; -1: none */
	char *base; /* its request, but for what pages differ in */
	DdbCall *call;
	bool sent; /* a request is under way */
	dlist_node node; /* then in the scan's list */
	bool finished; /* nothing is left to ask for */
	bool closed; /* and all rows were given */
	char *start_key; /* for the next request; NULL: from the start */
	int start_key_len;
	char
		*passed_key; /* a start key some pages back, to find circles; or NULL */
	int passed_key_len;
	int passed; /* pages since it, … */
	int passed_most; /* … and after how many another one is kept */
	int fruitless; /* replies in a row to a batch that brought nothing */
	int64 delay_ms; /* before the next request */
	char *page_key; /* the start key that the open page was asked for with */
	int page_key_len;
	int64 page_limit; /* and its Limit; 0: none */
	DdbPage page;
	bool page_open;
	char *body; /* of the page; malloc's, or NULL */
	MemoryContextCallback callback; /* frees it */
	int pages; /* received */
	const DdbTarget *counted_target; /* that the page's rows belong to */
	int64 uncounted; /* rows of a counted page not yet given */

	/* how well it goes, for page sizes */
	int64 given; /* rows that passed every condition */
	int64 scanned; /* items read for them */
	int64 last_limit; /* Limit of the request before; 0: none sent */
	int64 wanted_limit; /* Limit of the next one; 0: as the pager has it */
} DdbStream;

/*
 * Allocates in the current memory context, which must be the run's.  Targets of
 * a Scan are none, and its segment is given.
 */
extern DdbStream *ddb_stream_create(struct DdbScanState *scan,
									const DdbTarget *targets, int ntargets);
extern DdbStream *ddb_stream_create_segment(struct DdbScanState *scan,
											int segment);

/* One that was closed begins anew. */
extern void ddb_stream_restart(DdbStream *stream, const DdbTarget *targets,
							   int ntargets);

/* Gives back what a stream that has ended holds; there may be thousands. */
extern void ddb_stream_close(DdbStream *stream);

/* Counts a row of the stream that passed every condition. */
extern void ddb_stream_row_passed(DdbStream *stream);

/* True if the stream has given all rows that are wanted of it. */
extern bool ddb_stream_is_enough(const DdbStream *stream);

/* Sends the next request, unless one is under way or none is left. */
extern void ddb_stream_send(DdbStream *stream);

/*
 * True if its next row, or its end, can be told without waiting.  Sends what
 * it takes.
 */
extern bool ddb_stream_ready(DdbStream *stream);

/*
 * The next row into the slot; false at the end.  Values are allocated in
 * row_context, which is reset first.
 */
extern bool ddb_stream_next(DdbStream *stream, TupleTableSlot *slot,
							MemoryContext row_context);

/*
 * The same in two steps: the next page, of up to limit items (0: as many as
 * fit), and the next row of a page.
 */
extern bool ddb_stream_fetch(DdbStream *stream, int64 limit);
extern bool ddb_stream_row(DdbStream *stream, TupleTableSlot *slot,
						   MemoryContext row_context);

/* Takes the rows of a counted page that were not given yet: so many. */
extern int64 ddb_stream_take_counted(DdbStream *stream);

/* Adds what the scan's requests under way have taken, for EXPLAIN. */
extern void ddb_stream_count_under_way(const struct DdbScanState *scan,
									   struct DdbScanCounters *counters);

/*
 * Asks for the open page once more, with what this reader shows of its items;
 * false when DynamoDB refuses.  Of a batch, for what it was begun with.  Lives in
 * the current memory context.
 */
extern bool ddb_stream_read_again(DdbStream *stream, DdbRowReader *reader,
								  DdbPage *page);

#endif /* DDB_STREAM_H */
