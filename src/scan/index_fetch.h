/* SPDX-License-Identifier: PostgreSQL */
/*
 * index_fetch.h
 *		Entries of an index → keys → items of the table.
 *
 * For an index that finds the rows but does not hold all that is needed: its
 * entries are read as any scan's rows, and the items that they stand for are
 * fetched by BatchGetItem.
 */
#ifndef DDB_INDEX_FETCH_H
#define DDB_INDEX_FETCH_H

#include "postgres.h"

#include "scan/scan.h"

typedef struct DdbTwoStep DdbTwoStep;

/* For a run that is otherwise ready to begin: its streams are the entries'. */
extern DdbTwoStep *ddb_two_step_create(ForeignScanState *node,
									   DdbScanState *state);

/*
 * True if the next row, or the end, can be told without waiting.  Sends what
 * it takes.
 */
extern bool ddb_two_step_ready(DdbTwoStep *two);

/* The next item's row; NULL at the end, however often it is asked for. */
extern TupleTableSlot *ddb_two_step_next(DdbTwoStep *two, TupleTableSlot *slot);

/* The stream of entries that the row given last comes from. */
extern DdbStream *ddb_two_step_source(const DdbTwoStep *two);

/* The stream of the second step whose page has the row given last. */
extern DdbStream *ddb_two_step_stream(const DdbTwoStep *two);

#endif /* DDB_INDEX_FETCH_H */
