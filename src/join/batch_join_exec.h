/* SPDX-License-Identifier: PostgreSQL */
/*
 * batch_join_exec.h
 *		The batched join as the executor runs it.
 */
#ifndef DDB_BATCH_JOIN_EXEC_H
#define DDB_BATCH_JOIN_EXEC_H

#include "postgres.h"

#include "nodes/extensible.h"

#define DDB_BATCH_JOIN_NAME "DynamoDB Batch Join"

extern const CustomScanMethods ddb_batch_join_scan_methods;

#endif /* DDB_BATCH_JOIN_EXEC_H */
