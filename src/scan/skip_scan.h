/* SPDX-License-Identifier: PostgreSQL */
/*
 * skip_scan.h
 *		A Scan from partition to partition.
 */
#ifndef DDB_SKIP_SCAN_H
#define DDB_SKIP_SCAN_H

#include "postgres.h"

#include "scan/scan.h"

extern void ddb_skip_begin(DdbScanState *state);

/* The Limit of the next request; 0: a whole page. */
extern int64 ddb_skip_page_limit(const DdbScanState *state);

/*
 * Decides from a page how to go on, and where: returns an ExclusiveStartKey,
 * palloc'd, behind everything in the partition of the page's last item.
 */
extern char *ddb_skip_past(DdbScanState *state, const DdbPage *page, int *len);

#endif /* DDB_SKIP_SCAN_H */
