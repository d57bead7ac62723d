/* SPDX-License-Identifier: PostgreSQL */
/*
 * groups.h
 *		Which streams are read together, and in which order.
 *
 * A group is a run of streams that are merged into one order where the plan
 * relies on one, or a single stream.  Groups are read one after another, and
 * some ahead of the one whose turn it is.
 */
#ifndef DDB_GROUPS_H
#define DDB_GROUPS_H

#include "postgres.h"

#include "scan/scan.h"

typedef struct DdbGroup
{
	int first; /* index into the streams of the scan */
	int n;
} DdbGroup;

/* Makes the streams and groups of a run. */
extern void ddb_groups_create(DdbScanState *state, const DdbTargets *targets);

/* True if the next row can be given without waiting.  Sends what it takes. */
extern bool ddb_groups_ready(DdbScanState *state);

/*
 * Sends what the next row takes, and no more than so many streams where they
 * are read in turn.  Returns how many are under way or have their reply.
 */
extern int ddb_groups_send(DdbScanState *state, int streams);

/*
 * How many streams may be kept going, of so many at most, when their replies are
 * so large: together they stay under 24 MB.
 */
extern int ddb_groups_window(int64 largest_reply, int most);

/* The next row of all; NULL at the end, however often it is asked for. */
extern TupleTableSlot *ddb_groups_next(DdbScanState *state,
									   TupleTableSlot *slot);

#endif /* DDB_GROUPS_H */
