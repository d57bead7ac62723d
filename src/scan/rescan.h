/* SPDX-License-Identifier: PostgreSQL */
/*
 * rescan.h
 *		Runs whose rows are known: a scan that runs again with the same values
 *		gives what it gave.
 */
#ifndef DDB_RESCAN_H
#define DDB_RESCAN_H

#include "postgres.h"

#include "scan/scan.h"

/* What a run does. */
typedef enum DdbRerun
{
	DDB_RERUN_READS, /* asks, and nothing is kept of it */
	DDB_RERUN_RECORDS, /* asks, and its rows are kept as they come */
	DDB_RERUN_WIDENS, /* asks for more than its conditions select, keeps it,
								 * and chooses from it */
	DDB_RERUN_KNOWS, /* its rows are those of an earlier run … */
	DDB_RERUN_CHOOSES, /* … or are chosen from those of a wider one */
} DdbRerun;

/* For EXPLAIN ANALYZE. */
typedef struct DdbRescanCounters
{
	int64 served; /* runs that asked for nothing */
	int64 rows; /* that were kept */
} DdbRescanCounters;

/* When the scan begins: finds what its rows depend on, if they may be kept. */
extern void ddb_rescan_begin(ForeignScanState *node, int eflags);

/* Keeps no rows of this scan: whoever runs it does. */
extern void ddb_rescan_keep_nothing(ForeignScanState *node);

/* What the run that begins now does, with the values of now. */
extern DdbRerun ddb_rescan_choose(ForeignScanState *node);

/* Of a run that is wider: what is left of the filter. */
extern DdbFilter *ddb_rescan_filter(const DdbScanState *state,
									const DdbFilter *filter);

/* Of a run that is wider: true if these keys are among what it leaves out. */
extern bool ddb_rescan_drops_keys(const DdbScanState *state);

/*
 * Of a run that is wider: keeps all rows of the source.  False if a value among
 * them does not fit its column, which is no fault of the run's own rows: they
 * must be asked for.
 */
extern bool ddb_rescan_read(ForeignScanState *node, DdbRowSource *rows);

/* Of a run that records: the rows of that source, kept as they come. */
extern DdbRowSource *ddb_rescan_record(ForeignScanState *node,
									   DdbRowSource *rows);

/* Of a run whose rows are kept: these. */
extern DdbRowSource *ddb_rescan_known(ForeignScanState *node);

/*
 * At the end of what is known: true if more is asked for than was before, and
 * the run is to begin anew, for the rest.
 */
extern bool ddb_rescan_goes_on(DdbScanState *state);

/*
 * When the scan is to run again: true if the run stays as it is until the
 * values are known.
 */
extern bool ddb_rescan_waits(DdbScanState *state);

/* True if it then goes on with what it has read, and gives it again. */
extern bool ddb_rescan_resumes(ForeignScanState *node);

/* NULL: nothing was kept. */
extern const DdbRescanCounters *ddb_rescan_counters(const DdbScanState *state);

extern void ddb_rescan_end(DdbScanState *state);

#endif /* DDB_RESCAN_H */
