/* SPDX-License-Identifier: PostgreSQL */
/*
 * groups.c
 *		Makes streams of targets, and reads them group after group.
 */
#include "postgres.h"

#include "scan/groups.h"

#include "catalog/pg_collation.h"
#include "mb/pg_wchar.h"
#include "scan/parallel_scan.h"
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

static void
add_stream(DdbScanState *state, const DdbTarget *targets, int ntargets)
{
	state->streams[state->nstreams++] =
		ddb_stream_create(state, targets, ntargets);
}

/*
 * Which targets are read together: batches of keys, one partition's ranges
 * where their order matters, else each by itself.
 */
static void
make_streams(DdbScanState *state, const DdbTargets *targets)
{
	const DdbAccessPlan *plan = state->plan;
	int i = 0;

	state->streams =
		palloc_extended(sizeof(DdbStream *) * Max(targets->n, state->segments),
						MCXT_ALLOC_HUGE);
	state->nstreams = 0;
	for (int j = 0; plan->operation == DDB_OP_SCAN && !state->divided &&
					j < state->segments;
		 j++)
	{
		add_stream(state, NULL, 0);
		state->streams[j]->segment = j;
	}
	while (plan->operation != DDB_OP_SCAN && i < targets->n)
	{
		int n = 1;

		if (plan->operation == DDB_OP_GET_ITEM)
			n = Min(targets->n - i, DDB_MAX_BATCH_KEYS);
		else
			while (plan->order.is_relied_upon && i + n < targets->n &&
				   ddb_target_same_partition(plan, &targets->items[i],
											 &targets->items[i + n]))
				n++;
		add_stream(state, &targets->items[i], n);
		i += n;
	}
}

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
make_ranked_groups(DdbScanState *state)
{
	RankedStream *ranks = palloc_extended(
		sizeof(RankedStream) * Max(state->nstreams, 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < state->nstreams; i++)
		init_rank(state, state->streams[i], &ranks[i]);
	qsort_arg(ranks, state->nstreams, sizeof(RankedStream), compare_streams,
			  state);
	for (int i = 0; i < state->nstreams; i++)
	{
		state->streams[i] = ranks[i].stream;
		if (i == 0 || compare_streams(&ranks[i - 1], &ranks[i], state) != 0)
			state->groups[state->ngroups++].first = i;
		state->groups[state->ngroups - 1].n++;
	}
}

/* Where units are limited, what is queued might be sent in vain. */
static int
usual_window(const DdbScanState *state)
{
	double streams = ddb_session_concurrency(state->session);

	if (ddb_relation_max_read_units(state->relation) <= 0)
		streams *= WINDOW_FACTOR;
	return (int) Max(1, Min(streams, DDB_MAX_CALLS));
}

/*
 * Streams of one group are merged; groups follow each other.  Nothing is sent
 * yet.
 */
void
ddb_groups_create(DdbScanState *state, const DdbTargets *targets)
{
	make_streams(state, targets);
	state->groups = palloc_extended(sizeof(DdbGroup) * Max(state->nstreams, 1),
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	state->ngroups = 0;
	if (state->plan->order.partitions != NIL)
		make_ranked_groups(state);
	else if (state->plan->order.is_relied_upon && state->nstreams > 0)
		state->groups[state->ngroups++].n = state->nstreams;
	else
		for (int i = 0; i < state->nstreams; i++)
			state->groups[state->ngroups++] = (DdbGroup){i, 1};
	state->current = 0;
	state->all_taken = false;
	state->sent = 0;
	state->open = 0;
	state->window = 1;
	state->max_window = usual_window(state);
	state->heap = NULL;
	/* A join hashes what its keys find. */
	state->any_order =
		state->segments > 1 || state->divided ||
		(state->plan->keys.batch_values != NIL && state->bound < 0 &&
		 !state->plan->order.is_relied_upon &&
		 state->plan->order.partitions == NIL);
}

int
ddb_groups_window(int64 largest_reply, int most)
{
	return (int) Max(1, Min(WINDOW_BYTES / Max(largest_reply, 1), most));
}

static int
largest_window(const DdbScanState *state)
{
	return ddb_groups_window(state->largest_reply, state->max_window);
}

/*
 * Sends streams ahead: as many as fit when every row is wanted, else only as
 * many as have turned out to be needed.  Of the group whose turn it is, a merge
 * sends all by itself.
 */
static void
send_ahead(DdbScanState *state)
{
	int first = state->groups[state->current].first;
	int window = state->bound < 0 ? largest_window(state)
								  : Min(state->window, largest_window(state));

	while (state->sent < state->nstreams &&
		   (state->any_order ? state->open : state->sent - first) < window)
	{
		ddb_stream_send(state->streams[state->sent++]);
		state->open++;
	}
}

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

/*
 * Takes segments of a shared Scan and sends their first requests, as long as
 * this process has room for more.
 */
static void
take_ahead(DdbScanState *state)
{
	int window = Min(ddb_parallel_window(state), largest_window(state));
	int segment;

	while (state->open < window && ddb_parallel_take(state, &segment))
	{
		MemoryContext old = MemoryContextSwitchTo(state->run_context);

		add_stream(state, NULL, 0);
		MemoryContextSwitchTo(old);
		state->streams[state->sent]->segment = segment;
		ddb_stream_send(state->streams[state->sent++]);
		state->open++;
	}
}

/* A stream sent ahead whose next row is there; NULL: all have to wait. */
static DdbStream *
find_ready(DdbScanState *state)
{
	if (state->last != NULL && is_ready(state->last))
		return state->last;
	for (int i = state->current; i < state->sent; i++)
		if (is_ready(state->streams[i]))
			return state->streams[i];
	return NULL;
}

/* Waits for the reply of any stream under way.  Raises an error on a cancel. */
static void
wait_for_any(DdbScanState *state)
{
	DdbCall *calls[DDB_MAX_CALLS];
	int n = 0;

	for (int i = state->current; i < state->sent && n < DDB_MAX_CALLS; i++)
		if (!state->streams[i]->closed)
			calls[n++] = state->streams[i]->call;
	ddb_call_wait_unless(calls, n, ddb_parallel_stop(state));
}

/*
 * True if there is a stream or segment left to be read.  Sends what the window
 * allows.
 */
static bool
any_left(DdbScanState *state)
{
	if (state->divided)
		take_ahead(state);
	else if (state->current < state->nstreams)
		send_ahead(state);
	return state->current < state->nstreams;
}

/*
 * Where order does not matter, whatever has come: a stream that has to be waited
 * for holds up no other.
 */
static TupleTableSlot *
next_of_any(DdbScanState *state, TupleTableSlot *slot)
{
	while (!ddb_parallel_stopped(state) && any_left(state))
	{
		DdbStream *stream = find_ready(state);

		if (stream == NULL)
		{
			wait_for_any(state);
			continue;
		}
		state->last = stream;
		if (!ddb_stream_is_enough(stream) &&
			ddb_stream_next(stream, slot, state->row_context))
			return slot;
		ddb_stream_close(stream);
		state->open--;
		while (state->current < state->nstreams &&
			   state->streams[state->current]->closed)
			state->current++;
	}
	return NULL;
}

/* True if the next row, or the end, can be given without waiting. */
bool
ddb_groups_ready(DdbScanState *state)
{
	const DdbGroup *group;

	if (state->current >= state->ngroups)
		return true;
	group = &state->groups[state->current];
	send_ahead(state);
	if (state->any_order)
		return find_ready(state) != NULL;
	return group->n > 1 ? ddb_merge_ready(state, group->first, group->n)
						: ddb_stream_ready(state->streams[group->first]);
}

/* Used by joins that start several runs, and bound what they send together. */
int
ddb_groups_send(DdbScanState *state, int streams)
{
	const DdbGroup *group;

	if (state->current >= state->ngroups)
		return 0;
	state->max_window = streams;
	(void) ddb_groups_ready(state);
	state->max_window = usual_window(state);
	group = &state->groups[state->current];
	return Max(state->sent - group->first, group->n);
}

/*
 * The next row of one group; NULL at its end.  A group of one stream is closed
 * at its end, a merged one by the merge.
 */
static TupleTableSlot *
next_of_group(DdbScanState *state, const DdbGroup *group, TupleTableSlot *slot)
{
	if (group->n > 1)
		return ddb_merge_next(state, group->first, group->n);
	state->last = state->streams[group->first];
	if (!ddb_stream_is_enough(state->last) &&
		ddb_stream_next(state->last, slot, state->row_context))
		return slot;
	ddb_stream_close(state->last);
	return NULL;
}

/*
 * The window of streams that are kept going doubles with each group that was
 * read to its end.
 */
TupleTableSlot *
ddb_groups_next(DdbScanState *state, TupleTableSlot *slot)
{
	if (state->any_order)
		return next_of_any(state, slot);
	while (state->current < state->ngroups)
	{
		const DdbGroup *group = &state->groups[state->current];
		TupleTableSlot *row;

		send_ahead(state);
		row = next_of_group(state, group, slot);
		if (row != NULL)
			return row;
		state->current++;
		state->sent = Max(state->sent, group->first + group->n);
		state->window = Min(state->window * 2, largest_window(state));
	}
	return NULL;
}
