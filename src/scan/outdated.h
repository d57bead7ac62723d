/* SPDX-License-Identifier: PostgreSQL */
/*
 * outdated.h
 *		Plans that were made for another table than there is now.
 */
#ifndef DDB_OUTDATED_H
#define DDB_OUTDATED_H

#include "postgres.h"

#include "scan/scan.h"

/*
 * Raises an error when the keys, or what else the scan's plan relies on, are
 * others by now; asks DynamoDB if what is known is too old.
 */
extern void ddb_scan_check_plan(const DdbScanState *state, Oid userid);

#endif /* DDB_OUTDATED_H */
