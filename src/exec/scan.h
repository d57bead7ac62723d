/*
 * scan.h
 *		The state of one running scan, and the executor's callbacks.
 */
#ifndef DDB_SCAN_H
#define DDB_SCAN_H

#include "postgres.h"

#include "exec/bounds.h"
#include "exec/page.h"
#include "exec/row.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "plan/access_plan.h"
#include "plan/quals.h"
#include "remote/session.h"

/* What a scan has done so far, rescans included: EXPLAIN ANALYZE shows it. */
typedef struct DdbScanCounters
{
	int64		requests;		/* answered or given up */
	int64		items_scanned;
	int64		items_returned;
	double		read_units;
	int64		retries;		/* tries beyond a request's first */
	int64		throttles;
	uint64		bytes_received;
} DdbScanCounters;

typedef struct DdbScanState
{
	DdbAccessPlan *plan;
	DdbRelation *relation;
	DdbKeyCodecs codecs;
	List	   *values;			/* ExprStates of fdw_exprs */
	DdbCall    *call;
	MemoryContext run_context;	/* lives from one (re)start to the next */
	MemoryContext row_context;	/* one row's values */

	/* of this run */
	bool		started;
	bool		finished;		/* no page is left to ask for */
	DdbKeyRanges ranges;
	bool		recheck;		/* pushed conditions must be checked again */
	DdbRowReader *reader;
	bool		count_only;
	char	   *base;			/* what all requests of this run share */
	StringInfo	request;
	char	   *start_key;		/* for the next page; NULL: from the beginning */
	int			start_key_len;
	DdbPage		page;
	bool		page_open;
	int64		uncounted;		/* rows of a counted page not yet given */

	/* how many rows are wanted */
	int64		bound;			/* LIMIT + OFFSET, or -1 */
	int64		given;			/* rows that passed every condition */
	int64		run_scanned;	/* items read for them */
	int64		last_limit;		/* Limit of the page before; 0: none sent */
	ExprState  *filter;			/* PostgreSQL's filter, to learn how selective
								 * it is; NULL when it must not run twice */

	DdbScanCounters counters;
} DdbScanState;

extern void ddbBeginForeignScan(ForeignScanState *node, int eflags);
extern TupleTableSlot *ddbIterateForeignScan(ForeignScanState *node);
extern void ddbReScanForeignScan(ForeignScanState *node);
extern void ddbEndForeignScan(ForeignScanState *node);

/* explain.c */
struct ExplainState;
extern void ddbExplainForeignScan(ForeignScanState *node,
								  struct ExplainState *es);

/* start.c: evaluates a run's values; resolves ranges, bound, what to fetch. */
extern void ddb_scan_start(ForeignScanState *node, DdbScanState *state);

/* page_size.c: the Limit of the next request; 0: DynamoDB's own page. */
extern int64 ddb_scan_page_limit(const DdbScanState *state);

/* The Limit of the first one, when bound rows are wanted. */
extern int64 ddb_scan_first_page(const DdbAccessPlan *plan, int64 bound);

#endif							/* DDB_SCAN_H */
