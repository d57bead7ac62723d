/* SPDX-License-Identifier: PostgreSQL */
/*
 * count.h
 *		Counts in place of rows.
 */
#ifndef DDB_COUNT_H
#define DDB_COUNT_H

#include "postgres.h"

#include "scan/scan.h"

/* Counts of these rows, in all or by partition, as the plan has it. */
extern DdbRowSource *ddb_count_create(DdbScanState *state, DdbRowSource *rows);

#endif /* DDB_COUNT_H */
