/* SPDX-License-Identifier: PostgreSQL */
/*
 * concurrent_loop_exec.h
 *		Nested loops whose inner side runs for several outer rows at once.
 */
#ifndef DDB_CONCURRENT_LOOP_EXEC_H
#define DDB_CONCURRENT_LOOP_EXEC_H

#include "postgres.h"

#include "nodes/extensible.h"

#define DDB_CONCURRENT_LOOP_NAME "DynamoDB Concurrent Loop"

extern const CustomScanMethods ddb_concurrent_loop_scan_methods;

#endif /* DDB_CONCURRENT_LOOP_EXEC_H */
