/* SPDX-License-Identifier: PostgreSQL */
/*
 * analyze.h
 *		ANALYZE of a foreign table.
 */
#ifndef DDB_ANALYZE_H
#define DDB_ANALYZE_H

#include "postgres.h"

#include "foreign/fdwapi.h"
#include "utils/relcache.h"

/* Callback: says how to sample, and how large the table is. */
extern bool ddbAnalyzeForeignTable(Relation rel, AcquireSampleRowsFunc *func,
								   BlockNumber *totalpages);

#endif /* DDB_ANALYZE_H */
