/* SPDX-License-Identifier: PostgreSQL */
/*
 * write_reply.h
 *		One reply to a write of items, or to GetItem, or the body of an error that refused it.
 */
#ifndef DDB_WRITE_REPLY_H
#define DDB_WRITE_REPLY_H

#include "postgres.h"

/* What the writes of a statement have taken so far: EXPLAIN ANALYZE shows it. */
typedef struct DdbWriteCounters
{
	int64 requests; /* answered or given up */
	int64 retries; /* tries beyond a request's first */
	int64 throttles;
	uint64 bytes_received;
	double write_units;
	double read_units; /* of items that had to be looked at */
	int64 items; /* written or deleted */
} DdbWriteCounters;

/*
 * Spans are raw JSON within the body, so they live as long as it does, and
 * DDB_JSON_PADDING readable bytes follow them, too.
 */
typedef struct DdbWriteReply
{
	double units; /* consumed, as reported; of all tables */
	double read_units; /* of these, read units: the token said that it had
								 * been written before */
	const char *item; /* Attributes, or of an error, a reason to cancel and of
					   * GetItem Item: a map of attribute values; NULL: none */
	int item_len;
	const char *unprocessed; /* UnprocessedItems; NULL: none are left */
	int unprocessed_len;
} DdbWriteReply;

/*
 * Walks the whole body of a successful reply and raises an error unless it is
 * well-formed JSON and valid UTF-8 of the documented shape.  The body must be
 * followed by DDB_JSON_PADDING readable bytes.
 */
extern void ddb_write_reply_read(DdbWriteReply *reply, const char *body,
								 size_t len, const char *table_name);

/*
 * The same of an error's body (ddbc_request_error_body), which holds the item
 * that stood in the way when ReturnValuesOnConditionCheckFailure asked for it.
 */
extern void ddb_write_reply_read_error(DdbWriteReply *reply, const char *body,
									   size_t len, const char *table_name);

#endif /* DDB_WRITE_REPLY_H */
