/* SPDX-License-Identifier: PostgreSQL */
/*
 * skip_scan.h
 *		A Scan from partition to partition.
 */
#ifndef DDB_SKIP_SCAN_H
#define DDB_SKIP_SCAN_H

#include "postgres.h"

#include "scan/scan.h"

/* A pager of the run's only stream. */
extern DdbPager *ddb_skip_create(const DdbScanState *state);

#endif /* DDB_SKIP_SCAN_H */
