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

/* How the streams of a run are read. */
typedef enum DdbReading
{
	DDB_READ_IN_TURN, /* group after group */
	DDB_READ_AS_THEY_COME, /* whichever has its reply */
	DDB_READ_SHARED, /* the same of segments that processes take */
} DdbReading;

/* The streams of a run; see row_source.h for what they give. */
typedef struct DdbGroups DdbGroups;

/* Makes the streams of a run, and groups of them.  Nothing is sent yet. */
extern DdbGroups *ddb_groups_create(DdbScanState *state,
									const DdbTargets *targets,
									DdbReading reading);

extern DdbRowSource *ddb_groups_source(DdbGroups *groups);

/* How many streams the run has. */
extern int ddb_groups_streams(const DdbGroups *groups);

/*
 * Sends what the next row takes, and no more than so many streams where they
 * are read in turn.  Returns how many are under way or have their reply.
 */
extern int ddb_groups_send(DdbGroups *groups, int streams);

/*
 * How many streams may be kept going, of so many at most, when their replies are
 * so large: together they stay under 24 MB.
 */
extern int ddb_groups_window(int64 largest_reply, int most);

/*
 * How many of so many requests the cap on read units still allows, if each takes
 * what those before took; one, as long as there were none.
 */
extern int ddb_groups_affordable(const DdbScanState *state, int most);

/*
 * The target with this number, counted over all streams, for those that want
 * the keys and not their items; NULL behind the last one.  *stream and *target
 * begin at 0 and are kept here.
 */
extern const DdbTarget *ddb_groups_next_target(const DdbGroups *groups,
											   int *stream, int *target);

#endif /* DDB_GROUPS_H */
