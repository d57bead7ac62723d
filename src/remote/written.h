/* SPDX-License-Identifier: PostgreSQL */
/*
 * written.h
 *		How many items the transaction has written, which nothing undoes.
 */
#ifndef DDB_WRITTEN_H
#define DDB_WRITTEN_H

#include "postgres.h"

/* A DynamoDB table that is written; lives as long as the backend. */
typedef struct DdbWrittenTable DdbWrittenTable;

/* Has errors, and transactions that are rolled back, say what stays. */
extern void ddb_written_install(void);

extern DdbWrittenTable *ddb_written_table(Oid serverid, const char *name);

/*
 * So many items are being written.  They count as written perhaps until it is
 * known of them how many are, by any number of calls; if that never happens,
 * then for good.
 */
extern void ddb_written_send(DdbWrittenTable *table, int items);
extern void ddb_written_settle(DdbWrittenTable *table, int items, int written);

#endif /* DDB_WRITTEN_H */
