/* SPDX-License-Identifier: PostgreSQL */
/*
 * run.h
 *		One run of a scan: from one (re)start to the next.
 */
#ifndef DDB_RUN_H
#define DDB_RUN_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "request/read_request.h"
#include "scan/row.h"
#include "scan/row_source.h"

struct DdbScanState;
struct DdbStream;

/* How streams go through their pages. */
typedef struct DdbPager DdbPager;

struct DdbPager
{
	/* The Limit of the stream's next request; 0: DynamoDB's own page. */
	int64 (*limit)(const DdbPager *pager, const struct DdbStream *stream);

	/*
	 * Where to go on behind this page, palloc'd; NULL: at its last key.  Is
	 * called once for each page that is not the last.
	 */
	char *(*go_on)(DdbPager *pager, const DdbPage *page, int *len);
};

typedef struct DdbScanRun
{
	bool started;

	/* what is asked for */
	int64 rows_wanted; /* LIMIT + OFFSET or a hint, or -1 */
	int rows_per_key; /* of each target; 0: all */
	int surplus; /* rows DynamoDB may return beyond the conditions,
								 * per target; -1: any number */
	int segments; /* of a Scan: as many streams, in any order */
	bool reads_ahead; /* pages of streams that are read in turn */
	bool count_only; /* items are counted where they are */
	DdbRequestSpec spec; /* what all requests share */
	StringInfo request; /* being composed */

	/* what is done with it */
	bool is_wider; /* without conditions that change (scan/rescan) */
	bool recheck; /* pushed conditions must be checked again */
	ExprState *filter; /* PostgreSQL's filter, to learn how selective
								 * it is; NULL when it must not run twice */
	DdbRowReader *reader;

	/* how it is read */
	DdbPager *pager;
	struct DdbGroups *groups; /* of streams; NULL: no item can match */
	struct DdbMerge *merge; /* that is under way; NULL: none (scan/merge) */
	DdbRowSource *source; /* of the rows that the scan gives; NULL: the run
								 * was not begun for rows */
	int64 given; /* rows that passed every condition (scan/scan) */
} DdbScanRun;

/*
 * Begins a run with the values of now.  No stream at all if no item can match,
 * and then no request.
 */
extern void ddb_run_begin(ForeignScanState *node, struct DdbScanState *state);

/*
 * Begins a run of all that the plan selects, for streams that the caller makes
 * and reads with this reader.
 */
extern void ddb_run_begin_streams(struct DdbScanState *state,
								  DdbRowReader *reader);

/* Of such a run: which segment of how many streams ask for from now on. */
extern void ddb_run_set_segment(struct DdbScanState *state, int segment,
								int total);

/* Ends the run: requests under way are cancelled, its memory is freed. */
extern void ddb_run_end(struct DdbScanState *state);

#endif /* DDB_RUN_H */
