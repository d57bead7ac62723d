/* SPDX-License-Identifier: PostgreSQL */
/*
 * groups.c
 *		Makes streams of targets, and reads them group after group.
 */
#include "postgres.h"

#include "scan/groups.h"

#include <math.h>

#include "catalog/pg_collation.h"
#include "mb/pg_wchar.h"
#include "scan/guard.h"
#include "scan/merge.h"
#include "scan/parallel_scan.h"
#include "scan/stream.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/*
 * All response buffers of one statement stay under 32 MB
 * (docs/decisions/08-a-page-is-checked-whole-then-walked-once.md).
 */
#define WINDOW_BYTES (INT64CONST(24) * 1024 * 1024)

/*
 * Streams kept going at once, by requests in flight: the next ones queue in the
 * client, which sends them as soon as others are answered.
 */
#define WINDOW_FACTOR 1.5

typedef struct StreamGroup
{
	DdbRowSource *source; /* its only stream, or what merges its streams */
	int first; /* index into the streams of the run */
	int n;
} StreamGroup;

struct DdbGroups
{
	DdbRowSource source; /* first */
	DdbScanState *state;
	DdbReading reading;
	DdbStream **streams;
	int nstreams;
	StreamGroup *groups; /* in the order of reading; none of shared segments */
	int ngroups;
	int current; /* the one being read */
	int sent; /* how many streams were sent their first request */
	int open; /* of these, not read to the end: if as they come */
	int window; /* how many streams are kept going at once, of few rows */
	int max_window; /* how many may be */
	DdbStream *last; /* if as they come: whose row was given last */
};

static void
add_stream(DdbGroups *groups, const DdbTarget *targets, int ntargets)
{
	groups->streams[groups->nstreams++] =
		ddb_stream_create(groups->state, targets, ntargets);
}

static void
add_segment(DdbGroups *groups, int segment)
{
	groups->streams[groups->nstreams++] =
		groups->state->run.segments > 1
			? ddb_stream_create_segment(groups->state, segment)
			: ddb_stream_create(groups->state, NULL, 0);
}

/*
 * Which targets are read together: batches of keys, one partition's ranges
 * where their order matters, else each by itself.  Shared segments become
 * streams as they are taken.
 */
static void
make_streams(DdbGroups *groups, const DdbTargets *targets)
{
	const DdbAccessPlan *plan = groups->state->plan;
	int segments = groups->state->run.segments;
	int i = 0;

	groups->streams = palloc_extended(
		sizeof(DdbStream *) * Max(targets->n, segments), MCXT_ALLOC_HUGE);
	if (plan->operation == DDB_OP_SCAN)
	{
		for (int j = 0; groups->reading != DDB_READ_SHARED && j < segments; j++)
			add_segment(groups, j);
		return;
	}
	while (i < targets->n)
	{
		int n = 1;

		if (plan->operation == DDB_OP_GET_ITEM)
			n = Min(targets->n - i, DDB_MAX_BATCH_KEYS);
		else
			while (plan->order.is_relied_upon && i + n < targets->n &&
				   ddb_target_same_partition(plan, &targets->items[i],
											 &targets->items[i + n]))
				n++;
		add_stream(groups, &targets->items[i], n);
		i += n;
	}
}

/* ---- the order of partitions ---- */

/* A stream, and what its partition is ordered by. */
typedef struct RankedStream
{
	DdbStream *stream;
	Datum *texts; /* [place in order.partitions], in the database's encoding */
} RankedStream;

/* Where the column's attribute stands in the partition key. */
static int
partition_place(const DdbScanState *state, AttrNumber column)
{
	const char *attribute = state->relation->columns[column - 1].attribute;
	int place = 0;

	while (strcmp(state->plan->source.keys.attributes[place].name, attribute) !=
		   0)
		place++;
	return place;
}

static const DdbStoredValue *
partition_bound(const DdbScanState *state, const DdbStream *stream,
				const DdbPartitionOrder *key)
{
	return &stream->targets[0]
				.ranges[partition_place(state, key->column)]
				.lower;
}

/*
 * The part of a partition's value that says in which order the partition
 * comes: all of it, or one element of its template.
 */
static DdbTemplatePart
ordering_part(const DdbScanState *state, const DdbPartitionOrder *key,
			  const DdbStoredValue *bound)
{
	DdbTemplatePart parts[DDB_TEMPLATE_MAX_ELEMENTS];
	DdbTemplatePart whole = {bound->data, bound->len};

	if (key->element >= 0 &&
		ddb_template_split(
			&ddb_key_template_of_column(state->relation, key->column)->parsed,
			bound->data, bound->len, parts))
		return parts[key->element];
	return whole;
}

/*
 * Sorts streams by the order of their partitions, for qsort_arg().  Text
 * compares under the collation that the query wants.
 */
static int
compare_streams(const void *a, const void *b, void *arg)
{
	const DdbScanState *state = (const DdbScanState *) arg;
	const RankedStream *x = (const RankedStream *) a;
	const RankedStream *y = (const RankedStream *) b;
	int i = 0;
	ListCell *lc;

	foreach (lc, state->plan->order.partitions)
	{
		DdbPartitionOrder *key = (DdbPartitionOrder *) lfirst(lc);
		const DdbStoredValue *bound = partition_bound(state, x->stream, key);
		Oid collation =
			OidIsValid(key->collation) ? key->collation : C_COLLATION_OID;
		int order;

		if (bound->type != DDB_STORED_S)
			order = ddb_stored_value_compare(
				bound, partition_bound(state, y->stream, key));
		else
			order = DatumGetInt32(DirectFunctionCall2Coll(
				bttextcmp, collation, x->texts[i], y->texts[i]));
		if (order != 0)
			return key->descending ? -order : order;
		i++;
	}
	return 0;
}

/*
 * Prepares what a stream is sorted by.  Texts are converted to the database's
 * encoding once, not at each comparison.
 */
static void
init_rank(const DdbScanState *state, DdbStream *stream, RankedStream *rank)
{
	int i = 0;
	ListCell *lc;

	rank->stream = stream;
	rank->texts =
		palloc0(sizeof(Datum) * list_length(state->plan->order.partitions));
	foreach (lc, state->plan->order.partitions)
	{
		DdbPartitionOrder *key = (DdbPartitionOrder *) lfirst(lc);
		const DdbStoredValue *bound = partition_bound(state, stream, key);

		if (bound->type == DDB_STORED_S)
		{
			DdbTemplatePart part = ordering_part(state, key, bound);
			char *utf8 = pnstrdup(part.text, part.len);

			rank->texts[i] =
				CStringGetTextDatum(pg_any_to_server(utf8, part.len, PG_UTF8));
		}
		i++;
	}
}

/*
 * Sorts the streams by the order of their partitions, and makes a group of
 * those that tie.
 */
static void
make_ranked_groups(DdbGroups *groups)
{
	DdbScanState *state = groups->state;
	RankedStream *ranks = palloc_extended(
		sizeof(RankedStream) * Max(groups->nstreams, 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < groups->nstreams; i++)
		init_rank(state, groups->streams[i], &ranks[i]);
	qsort_arg(ranks, groups->nstreams, sizeof(RankedStream), compare_streams,
			  state);
	for (int i = 0; i < groups->nstreams; i++)
	{
		groups->streams[i] = ranks[i].stream;
		if (i == 0 || compare_streams(&ranks[i - 1], &ranks[i], state) != 0)
			groups->groups[groups->ngroups++].first = i;
		groups->groups[groups->ngroups - 1].n++;
	}
}

/* Streams of one group are merged; groups follow each other. */
static void
make_groups(DdbGroups *groups)
{
	const DdbAccessPlan *plan = groups->state->plan;

	groups->groups =
		palloc_extended(sizeof(StreamGroup) * Max(groups->nstreams, 1),
						MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (plan->order.partitions != NIL)
		make_ranked_groups(groups);
	else if (plan->order.is_relied_upon && groups->nstreams > 0)
		groups->groups[groups->ngroups++].n = groups->nstreams;
	else
		for (int i = 0; i < groups->nstreams; i++)
			groups->groups[groups->ngroups++] =
				(StreamGroup){.first = i, .n = 1};
	for (int i = 0; i < groups->ngroups; i++)
	{
		StreamGroup *group = &groups->groups[i];
		DdbStream **streams = &groups->streams[group->first];

		group->source = group->n > 1
							? ddb_merge_create(groups->state, streams, group->n)
							: &streams[0]->source;
	}
}

/* ---- requests ahead ---- */

/* Where units are limited, what is queued might be sent in vain. */
static int
usual_window(const DdbScanState *state)
{
	double streams = ddb_session_concurrency(state->session);

	if (ddb_relation_max_read_units(state->relation) <= 0)
		streams *= WINDOW_FACTOR;
	return (int) Max(1, Min(streams, DDB_MAX_CALLS));
}

int
ddb_groups_window(int64 largest_reply, int most)
{
	return (int) Max(1, Min(WINDOW_BYTES / Max(largest_reply, 1), most));
}

/* What is sent beyond the cap is paid for in vain. */
int
ddb_groups_affordable(const DdbScanState *state, int most)
{
	const DdbScanCounters *counters = state->counters;
	double cap = ddb_relation_max_read_units(state->relation);
	double replies = 1;

	if (cap <= 0)
		return most;
	if (counters->read_units > 0)
		replies = Min(ddb_guard_read_units_left(state->relation),
					  cap - counters->read_units) *
				  counters->requests / counters->read_units;
	return (int) Max(1, Min(replies, most));
}

static int
largest_window(const DdbGroups *groups)
{
	return ddb_groups_window(
		groups->state->sizes.largest_reply,
		ddb_groups_affordable(groups->state, groups->max_window));
}

/*
 * How many streams behind this group should be kept going where rows are
 * limited: as many as it takes if they give as many rows as those that were
 * read, and one group more than these at most, so that no more is sent in vain
 * than was needed.
 */
static int
window_behind(const DdbGroups *groups, const StreamGroup *group)
{
	const DdbScanRun *run = &groups->state->run;
	double streams = group->first + group->n;
	double missing = (double) run->rows_wanted - (double) run->given;
	bool is_known =
		run->given > 0 && missing >= 1 &&
		(!groups->state->plan->filter.is_local || run->filter != NULL);
	double window = streams + group->n;

	if (is_known)
		window = Min(window, ceil(missing * streams / run->given));
	return (int) Max(1, Min(window, DDB_MAX_CALLS));
}

/*
 * How many streams are sent ahead: as many as fit when every row is wanted, else
 * only as many as have turned out to be needed.
 */
static int
window_ahead(const DdbGroups *groups)
{
	return groups->state->run.rows_wanted < 0
			   ? largest_window(groups)
			   : Min(groups->window, largest_window(groups));
}

static void
send_next(DdbGroups *groups)
{
	ddb_stream_send(groups->streams[groups->sent++]);
	groups->open++;
}

/*
 * Sends streams of the group whose turn it is and of those behind it.  Of that
 * group a merge sends all by itself.
 */
static void
send_in_turn(DdbGroups *groups)
{
	int first = groups->groups[groups->current].first;
	int window = window_ahead(groups);

	while (groups->sent < groups->nstreams && groups->sent - first < window)
		send_next(groups);
}

/*
 * Takes segments of a shared Scan and sends their first requests, as long as
 * this process has room for more.
 */
static void
take_segments(DdbGroups *groups)
{
	DdbScanState *state = groups->state;
	int window = Min(ddb_parallel_window(state), largest_window(groups));
	int segment;

	while (groups->open < window && ddb_parallel_take(state, &segment))
	{
		MemoryContext old = MemoryContextSwitchTo(state->run_context);

		add_segment(groups, segment);
		MemoryContextSwitchTo(old);
		send_next(groups);
	}
}

/*
 * True if there is a stream or segment left to be read.  Sends what the window
 * allows.
 */
static bool
any_left(DdbGroups *groups)
{
	int window = window_ahead(groups);

	if (groups->reading == DDB_READ_SHARED)
		take_segments(groups);
	else
		while (groups->sent < groups->nstreams && groups->open < window)
			send_next(groups);
	return groups->current < groups->nstreams;
}

int
ddb_groups_send(DdbGroups *groups, int streams)
{
	const StreamGroup *group;

	if (groups->current >= groups->ngroups)
		return 0;
	/* Joins start several runs, and bound what they send together. */
	groups->max_window = streams;
	(void) ddb_source_ready(&groups->source);
	groups->max_window = usual_window(groups->state);
	group = &groups->groups[groups->current];
	return Max(groups->sent - group->first, group->n);
}

/* ---- group after group ---- */

static bool
turn_ready(DdbRowSource *source)
{
	DdbGroups *groups = (DdbGroups *) source;

	if (groups->current >= groups->ngroups)
		return true;
	send_in_turn(groups);
	return ddb_source_ready(groups->groups[groups->current].source);
}

/*
 * Each group that was read to its end tells how many streams are to be kept
 * going.
 */
static TupleTableSlot *
turn_next(DdbRowSource *source, TupleTableSlot *slot)
{
	DdbGroups *groups = (DdbGroups *) source;

	while (groups->current < groups->ngroups)
	{
		const StreamGroup *group = &groups->groups[groups->current];
		TupleTableSlot *row;

		send_in_turn(groups);
		row = ddb_source_next(group->source, slot);
		if (row != NULL)
		{
			ddb_source_follow(source, group->source);
			return row;
		}
		ddb_source_close(group->source);
		groups->current++;
		groups->sent = Max(groups->sent, group->first + group->n);
		groups->window = window_behind(groups, group);
	}
	return NULL;
}

static void
turn_close(DdbRowSource *source)
{
	DdbGroups *groups = (DdbGroups *) source;

	for (int i = groups->current; i < groups->ngroups; i++)
		ddb_source_close(groups->groups[i].source);
	groups->current = groups->ngroups;
}

/* ---- as they come ---- */

/*
 * True if it is the stream's turn in any order: a row of it is there, or its
 * end.
 */
static bool
is_ready(DdbStream *stream)
{
	return !stream->closed &&
		   (ddb_stream_is_enough(stream) || ddb_stream_ready(stream));
}

/* A stream sent ahead whose next row is there; NULL: all have to wait. */
static DdbStream *
find_ready(DdbGroups *groups)
{
	if (groups->last != NULL && is_ready(groups->last))
		return groups->last;
	for (int i = groups->current; i < groups->sent; i++)
		if (is_ready(groups->streams[i]))
			return groups->streams[i];
	return NULL;
}

/* Waits for the reply of any stream under way.  Raises an error on a cancel. */
static void
wait_for_any(DdbGroups *groups)
{
	DdbCall *calls[DDB_MAX_CALLS];
	int n = 0;

	for (int i = groups->current; i < groups->sent && n < DDB_MAX_CALLS; i++)
		if (!groups->streams[i]->closed)
			calls[n++] = groups->streams[i]->call;
	ddb_call_wait_unless(calls, n, ddb_parallel_stop(groups->state));
}

static bool
any_ready(DdbRowSource *source)
{
	DdbGroups *groups = (DdbGroups *) source;

	return !any_left(groups) || find_ready(groups) != NULL;
}

/* A stream that has to be waited for holds up no other. */
static TupleTableSlot *
any_next(DdbRowSource *source, TupleTableSlot *slot)
{
	DdbGroups *groups = (DdbGroups *) source;

	while (!ddb_parallel_stopped(groups->state) && any_left(groups))
	{
		DdbStream *stream = find_ready(groups);
		TupleTableSlot *row;

		if (stream == NULL)
		{
			wait_for_any(groups);
			continue;
		}
		groups->last = stream;
		row = ddb_source_next(&stream->source, slot);
		if (row != NULL)
		{
			ddb_source_follow(source, &stream->source);
			return row;
		}
		ddb_stream_close(stream);
		groups->open--;
		while (groups->current < groups->nstreams &&
			   groups->streams[groups->current]->closed)
			groups->current++;
	}
	return NULL;
}

static void
any_close(DdbRowSource *source)
{
	DdbGroups *groups = (DdbGroups *) source;

	for (int i = groups->current; i < groups->nstreams; i++)
		ddb_source_close(&groups->streams[i]->source);
	groups->current = groups->nstreams;
}

/* ---- the streams of a run ---- */

DdbGroups *
ddb_groups_create(DdbScanState *state, const DdbTargets *targets,
				  DdbReading reading)
{
	DdbGroups *groups = palloc0(sizeof(DdbGroups));
	bool in_turn = reading == DDB_READ_IN_TURN;

	groups->source.ready = in_turn ? turn_ready : any_ready;
	groups->source.next = in_turn ? turn_next : any_next;
	groups->source.close = in_turn ? turn_close : any_close;
	groups->state = state;
	groups->reading = reading;
	groups->window = 1;
	groups->max_window = usual_window(state);
	if (reading == DDB_READ_SHARED)
		ddb_parallel_begin_taking(state);
	make_streams(groups, targets);
	make_groups(groups);
	return groups;
}

DdbRowSource *
ddb_groups_source(DdbGroups *groups)
{
	return &groups->source;
}

int
ddb_groups_streams(const DdbGroups *groups)
{
	return groups->nstreams;
}

const DdbTarget *
ddb_groups_next_target(const DdbGroups *groups, int *stream, int *target)
{
	for (; *stream < groups->nstreams; (*stream)++)
	{
		const DdbStream *at = groups->streams[*stream];

		if (*target < at->ntargets)
			return &at->targets[(*target)++];
		*target = 0;
	}
	return NULL;
}
