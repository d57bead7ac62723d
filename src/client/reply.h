/* SPDX-License-Identifier: PostgreSQL */
/*
 * reply.h
 *		One HTTP reply while it arrives, and its check when it is complete.
 *
 * Fed by libcurl's callbacks; holds what of the headers matters, the body
 * under its ceiling, and the checksum over the bytes as sent.
 */
#ifndef DDBC_REPLY_H
#define DDBC_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/error.h"

typedef enum DdbcReplyFlaw
{
	DDBC_REPLY_GOOD,
	DDBC_REPLY_TOO_LARGE,
	DDBC_REPLY_NO_MEMORY,
} DdbcReplyFlaw;

typedef enum DdbcReplyEncoding
{
	DDBC_ENCODING_IDENTITY,
	DDBC_ENCODING_ZLIB, /* gzip or deflate: zlib tells them apart */
	DDBC_ENCODING_UNKNOWN,
} DdbcReplyEncoding;

typedef struct DdbcReply
{
	size_t max_bytes; /* ceiling of body, raw and decompressed */

	/* from the headers of the last status line */
	int status;
	int64_t content_length; /* -1: not said */
	int64_t date_s; /* epoch seconds, -1: not said */
	int64_t retry_after_ms; /* -1: not said */
	bool has_crc;
	uint32_t crc; /* as said */
	bool is_html;
	DdbcReplyEncoding encoding;
	char request_id[96];

	/* the body */
	char *body; /* malloc'd, NULL while empty */
	size_t len;
	size_t capacity; /* without the padding */
	uint32_t body_crc; /* of the bytes received */
	uint64_t received_bytes; /* body bytes of the wire */
	DdbcReplyFlaw flaw; /* why receiving was broken off */
	bool is_refusal; /* a whole reply that says no: see there */
} DdbcReply;

extern void ddbc_reply_init(DdbcReply *reply, size_t max_bytes);
extern void ddbc_reply_free(DdbcReply *reply);

/* One header line or status line as libcurl hands it over. */
extern void ddbc_reply_header(DdbcReply *reply, const char *line, size_t len);

/* False: reply->flaw says why no more is taken. */
extern bool ddbc_reply_append(DdbcReply *reply, const char *data, size_t len);

/*
 * The reply is complete: checks and decompresses it.  True if it is a success;
 * else *error.  The body of a success, and of a refusal if there is one, is
 * followed by DDBC_BODY_PADDING zeros.
 * peer names the service in messages.
 */
extern bool ddbc_reply_finish(DdbcReply *reply, const char *peer,
							  DdbcError *error);

#endif /* DDBC_REPLY_H */
