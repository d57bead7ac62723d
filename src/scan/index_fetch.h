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

/*
 * The items of the table, for a run that is otherwise ready to begin: its
 * streams are the entries'.
 */
extern DdbRowSource *ddb_index_fetch_create(ForeignScanState *node,
											DdbScanState *state);

#endif /* DDB_INDEX_FETCH_H */
