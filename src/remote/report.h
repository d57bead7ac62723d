/* SPDX-License-Identifier: PostgreSQL */
/*
 * report.h
 *		Turns the client's errors into PostgreSQL's.
 */
#ifndef DDB_REPORT_H
#define DDB_REPORT_H

#include "postgres.h"

#include "client/client.h"

/*
 * Raises the error of a call: SQLSTATE by kind, DynamoDB's own words and
 * request id in DETAIL, what to do in HINT.  A write that may have been applied
 * is reported as one whose outcome is unknown, whatever ended it.  table_name
 * may be NULL, but not of a write.
 */
extern void ddb_report_call(const DdbcError *error, DdbcOperation operation,
							const char *table_name, const char *index_name)
	__attribute__((noreturn));

/* Raises an error met before any request was made. */
extern void ddb_report_setup(const DdbcError *error, const char *server_name)
	__attribute__((noreturn));

#endif /* DDB_REPORT_H */
