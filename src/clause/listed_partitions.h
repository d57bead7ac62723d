/* SPDX-License-Identifier: PostgreSQL */
/*
 * listed_partitions.h
 *		Ranges of a partition key that name few values.
 */
#ifndef DDB_LISTED_PARTITIONS_H
#define DDB_LISTED_PARTITIONS_H

#include "postgres.h"

#include "clause/clause.h"

/*
 * How many values of the column lie between the comparisons' bounds, which
 * must be known now: at least 1; 0 if they cannot be listed or are too many.
 */
extern double ddb_listed_count(const DdbClauseContext *context,
							   AttrNumber column, List *comparisons);

#endif /* DDB_LISTED_PARTITIONS_H */
