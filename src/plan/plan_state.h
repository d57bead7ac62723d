/* SPDX-License-Identifier: PostgreSQL */
/*
 * plan_state.h
 *		What planning one foreign table knows, from GetForeignRelSize on.
 *
 * Kept in RelOptInfo.fdw_private.  Candidates are the ways found to read the
 * table; a path names its candidate by position.
 */
#ifndef DDB_PLAN_STATE_H
#define DDB_PLAN_STATE_H

#include "postgres.h"

#include "clause/clause.h"
#include "clause/keys.h"
#include "codec/key_templates.h"
#include "foreign/fdwapi.h"
#include "model/table_info.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "request/access_plan.h"

/* Pages that are worth a segment: the last one of each is not full. */
#define DDB_PAGES_PER_SEGMENT 2.0

/* The table, or one of its indexes, as something to read from. */
typedef struct DdbSource
{
	DdbIndexInfo *index; /* NULL: the table */
	const DdbKeySchema *keys;
	double item_count;
	double item_bytes; /* mean */
	bool unknown; /* the count is a guess */
	bool partial; /* an index that lacks columns, which are fetched
								 * from the table in a second step */
	bool slim; /* an index that may hold less than it is sized at */
	double fetch_units; /* read units besides, per item: an LSI fetches
								 * attributes that it does not hold */
} DdbSource;

/* One way to read what a relation needs; with parts of its access plan. */
typedef struct DdbCandidate
{
	const DdbSource *source;
	DdbOperation operation;
	DdbPlanKeys keys; /* batch_values: positions in values */
	DdbPlanOrder order;
	DdbPlanSkip skip;
	DdbFilter *filter;
	List *values; /* expressions that keys and filter refer to */
	double streams; /* partitions, ranges or keys, estimated */
	List *by_key; /* of RestrictInfo *: what the key narrows by */
	List *decided; /* of RestrictInfo *: DynamoDB alone decides */
	List *local; /* of RestrictInfo *: PostgreSQL's filter */
	Bitmapset *key_columns; /* bound to values by the partition key */
	bool counts; /* items are counted, not sent */
	bool is_limited; /* the query's LIMIT bounds what it must give */
	int64 limit_hint; /* as in the access plan */
	int segments; /* a Scan in so many at once */
	double fetched_rows; /* items read, estimated */

	/* of a partial source */
	List *entry_clauses; /* of RestrictInfo *: of local, those that the
								 * index has the columns for */
	double fetched_keys; /* entries whose items are fetched, estimated */
	bool filters_items; /* some clauses take the item */
	double item_selectivity; /* of those */

	double read_units;
} DdbCandidate;

typedef struct DdbPlanState
{
	DdbRelation *relation;
	DdbTableInfo *info;
	DdbCodecSet *codecs;
	List *index_columns; /* ddb_key_templates_index_columns */
	List *sources; /* of DdbSource *; the table first, if it may be
								 * read */
	List *partial_sources; /* of DdbSource *, for reading in two steps */
	bool forced_index;
	double analyzed_count; /* items that ANALYZE found, of all segments; 0: it
								 * has not run */
	bool consistent_read;
	char *ttl_attribute; /* whose past times hide items, or NULL */
	bool snapshot; /* read before the statement writes */
	Bitmapset *needed; /* columns of target list and conditions,
								 * offset as pull_varattnos does */
	List *candidates; /* of DdbCandidate * */
} DdbPlanState;

#endif /* DDB_PLAN_STATE_H */
