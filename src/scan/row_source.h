/* SPDX-License-Identifier: PostgreSQL */
/*
 * row_source.h
 *		What gives rows one after another, however they are read.
 *
 * One stream, streams in an order or as they come (groups, merge), items by the
 * entries of an index (index_fetch), rows that passed every condition (scan),
 * counts (count).  Sources stand on each other; scan/run chooses which, and
 * nobody else asks.  Each is the first member of a struct that its own file
 * makes, in the run's memory.
 */
#ifndef DDB_ROW_SOURCE_H
#define DDB_ROW_SOURCE_H

#include "postgres.h"

#include "executor/tuptable.h"

struct DdbStream;

typedef struct DdbRowSource DdbRowSource;

struct DdbRowSource
{
	/*
	 * True if the next row, or the end, can be told without waiting.  Sends
	 * what it takes.
	 */
	bool (*ready)(DdbRowSource *source);

	/*
	 * The next row, in this slot or in one of the source's, valid until the
	 * next call; NULL at the end, however often it is asked for.
	 */
	TupleTableSlot *(*next)(DdbRowSource *source, TupleTableSlot *slot);

	/* Gives back what it holds and cancels its requests: no more rows. */
	void (*close)(DdbRowSource *source);

	/* of the row given last */
	struct DdbStream *page_of; /* whose open page has its item */
	struct DdbStream *found_by; /* whose requests found it: how many come of
								 * them says how large the next ones are */
};

static inline bool
ddb_source_ready(DdbRowSource *source)
{
	return source->ready(source);
}

static inline TupleTableSlot *
ddb_source_next(DdbRowSource *source, TupleTableSlot *slot)
{
	return source->next(source, slot);
}

static inline void
ddb_source_close(DdbRowSource *source)
{
	source->close(source);
}

/* For a source that gives the rows of another one: what is known of the last. */
static inline void
ddb_source_follow(DdbRowSource *source, const DdbRowSource *other)
{
	source->page_of = other->page_of;
	source->found_by = other->found_by;
}

#endif /* DDB_ROW_SOURCE_H */
