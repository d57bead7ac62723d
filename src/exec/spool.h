/*
 * spool.h
 *		Reads all rows before it gives the first.
 */
#ifndef DDB_SPOOL_H
#define DDB_SPOOL_H

#include "postgres.h"

#include "nodes/extensible.h"

#define DDB_SPOOL_NAME "DynamoDB Spool"

extern const CustomScanMethods ddb_spool_scan_methods;

#endif /* DDB_SPOOL_H */
