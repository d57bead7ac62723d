/* SPDX-License-Identifier: PostgreSQL */
/*
 * batch_join.h
 *		The batched join as the executor runs it.
 */
#ifndef DDB_EXEC_BATCH_JOIN_H
#define DDB_EXEC_BATCH_JOIN_H

#include "postgres.h"

#include "nodes/extensible.h"

#define DDB_BATCH_JOIN_NAME "DynamoDB Batch Join"

extern const CustomScanMethods ddb_batch_join_scan_methods;

#endif /* DDB_EXEC_BATCH_JOIN_H */
