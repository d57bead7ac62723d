/* SPDX-License-Identifier: PostgreSQL */
/*
 * parallel_scan.h
 *		A Scan shared by the processes of a parallel query.
 *
 * They take its segments, one after another, from a counter in shared memory.
 * A plan for sharing that runs alone takes them all itself.
 */
#ifndef DDB_PARALLEL_SCAN_H
#define DDB_PARALLEL_SCAN_H

#include "postgres.h"

#include "access/parallel.h"
#include "port/atomics.h"
#include "scan/scan.h"

/* Callbacks of the executor. */
extern Size ddbEstimateDSMForeignScan(ForeignScanState *node,
									  ParallelContext *pcxt);
extern void ddbInitializeDSMForeignScan(ForeignScanState *node,
										ParallelContext *pcxt,
										void *coordinate);
extern void ddbReInitializeDSMForeignScan(ForeignScanState *node,
										  ParallelContext *pcxt,
										  void *coordinate);
extern void ddbInitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc,
										   void *coordinate);
extern void ddbShutdownForeignScan(ForeignScanState *node);

/* Makes the scan one whose plan is for several processes. */
extern void ddb_parallel_begin(DdbScanState *state);

/* True if the scan policy was asked for all processes. */
extern bool ddb_parallel_is_guarded(const DdbScanState *state);

/* Into how many segments the shared Scan is divided; 0: nothing is shared. */
extern int ddb_parallel_segments(const DdbScanState *state);

/* How many of them a process keeps going at once, at most. */
extern int ddb_parallel_window(const DdbScanState *state);

/* In each run, first: no segment was taken by this process. */
extern void ddb_parallel_begin_taking(DdbScanState *state);

/* The next segment for this process; false when all are taken. */
extern bool ddb_parallel_take(DdbScanState *state, int *segment);

/*
 * True if the rows that are still to come are not wanted any more.  And what
 * says so; NULL when the scan is not shared.
 */
extern bool ddb_parallel_stopped(const DdbScanState *state);
extern pg_atomic_uint32 *ddb_parallel_stop(const DdbScanState *state);

/* In a worker: hands what it has counted to the leader. */
extern void ddb_parallel_report(DdbScanState *state);

/* In the leader: what workers have counted so far becomes the scan's. */
extern void ddb_parallel_collect(DdbScanState *state);

/* In a worker: what the leader knows of the table seems to be out of date. */
extern void ddb_parallel_forget(DdbScanState *state);

#endif /* DDB_PARALLEL_SCAN_H */
