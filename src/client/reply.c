/* SPDX-License-Identifier: PostgreSQL */
/*
 * reply.c
 *		One HTTP reply: headers, bounded body, checksum, gzip.
 *
 * The x-amz-crc32 is over the bytes as transmitted, so it is taken before
 * decompression, and that is why libcurl is not asked to decompress.
 */
#include "client/reply.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "client/client.h"

#define MIN_CAPACITY ((size_t) 16 * 1024)

/* A Content-Length is believed up to this; more is allocated as it arrives. */
#define MAX_PRESIZE ((size_t) 4 * 1024 * 1024)

/* What JSON usually gains by gzip: a first guess at the size. */
#define USUAL_RATIO 6

/*
 * Forgets all headers.  The body is not touched.  Numbers that may be absent
 * are -1.
 */
static void
reset_headers(DdbcReply *reply)
{
	reply->status = 0;
	reply->content_length = -1;
	reply->date_s = -1;
	reply->retry_after_ms = -1;
	reply->has_crc = false;
	reply->is_html = false;
	reply->encoding = DDBC_ENCODING_IDENTITY;
	reply->request_id[0] = '\0';
}

void
ddbc_reply_init(DdbcReply *reply, size_t max_bytes)
{
	memset(reply, 0, sizeof(*reply));
	reply->max_bytes = max_bytes;
	reply->body_crc = (uint32_t) crc32(0, NULL, 0);
	reset_headers(reply);
}

/* Frees the body.  The headers stay, as retries look at them. */
void
ddbc_reply_free(DdbcReply *reply)
{
	free(reply->body);
	reply->body = NULL;
	reply->len = reply->capacity = 0;
	reply->is_refusal = false;
}

/* A non-negative decimal number without anything behind it, or -1. */
static int64_t
parse_number(const char *text)
{
	char *end;
	long long number;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	number = strtoll(text, &end, 10);
	return errno != 0 || *end != '\0' ? -1 : (int64_t) number;
}

/*
 * zlib detects gzip and zlib streams by itself, so both are one encoding here.
 */
static DdbcReplyEncoding
parse_encoding(const char *value)
{
	if (value[0] == '\0' || strcasecmp(value, "identity") == 0)
		return DDBC_ENCODING_IDENTITY;
	if (strcasecmp(value, "gzip") == 0 || strcasecmp(value, "x-gzip") == 0 ||
		strcasecmp(value, "deflate") == 0)
		return DDBC_ENCODING_ZLIB;
	return DDBC_ENCODING_UNKNOWN;
}

/*
 * Keeps the headers that matter and ignores all others.  A number that cannot
 * be read counts as absent.
 */
static void
take_header(DdbcReply *reply, const char *name, const char *value)
{
	if (strcasecmp(name, "content-length") == 0)
		reply->content_length = parse_number(value);
	else if (strcasecmp(name, "x-amz-crc32") == 0)
	{
		int64_t crc = parse_number(value);

		reply->has_crc = crc >= 0 && crc <= UINT32_MAX;
		reply->crc = (uint32_t) crc;
	}
	else if (strcasecmp(name, "content-encoding") == 0)
		reply->encoding = parse_encoding(value);
	else if (strcasecmp(name, "content-type") == 0)
		reply->is_html = strncasecmp(value, "text/html", 9) == 0;
	else if (strcasecmp(name, "date") == 0)
		reply->date_s = (int64_t) curl_getdate(value, NULL);
	else if (strcasecmp(name, "x-amz-retry-after") == 0)
		reply->retry_after_ms = parse_number(value);
	else if (strcasecmp(name, "x-amzn-requestid") == 0)
	{
		size_t len = strnlen(value, sizeof(reply->request_id) - 1);

		memcpy(reply->request_id, value, len);
		reply->request_id[len] = '\0';
	}
}

/*
 * The line is not terminated.  A line without a colon, or one longer than any
 * that matters, is ignored.
 */
void
ddbc_reply_header(DdbcReply *reply, const char *line, size_t len)
{
	char copy[512];
	char *value;

	/* 100 Continue and the like: only the last block of headers counts */
	if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0)
	{
		reset_headers(reply);
		return;
	}
	/* none of those wanted is that long */
	if (len >= sizeof(copy))
		return;
	while (len > 0 && memchr(" \t\r\n", line[len - 1], 4) != NULL)
		len--;
	memcpy(copy, line, len);
	copy[len] = '\0';
	value = strchr(copy, ':');
	if (value == NULL)
		return;
	*value++ = '\0';
	value += strspn(value, " \t");
	take_header(reply, copy, value);
}

/* Room for capacity bytes and the padding. */
static bool
resize(char **buffer, size_t *capacity, size_t wanted)
{
	char *bigger = realloc(*buffer, wanted + DDBC_BODY_PADDING);

	if (bigger == NULL)
		return false;
	*buffer = bigger;
	*capacity = wanted;
	return true;
}

static size_t
at_most(size_t value, size_t limit)
{
	return value < limit ? value : limit;
}

/*
 * Grows the body so that need bytes fit, which are within the limit already.
 * An announced length saves growing step by step, but is not trusted beyond
 * MAX_PRESIZE.
 */
static bool
make_room(DdbcReply *reply, size_t need)
{
	size_t wanted = reply->capacity * 2;

	if (need <= reply->capacity)
		return true;
	if (reply->capacity == 0 && reply->content_length > 0)
		wanted = reply->content_length < (int64_t) MAX_PRESIZE
					 ? (size_t) reply->content_length
					 : MAX_PRESIZE;
	if (reply->capacity == 0 && wanted == 0)
		wanted = MIN_CAPACITY;
	if (wanted < need)
		wanted = need;
	return resize(&reply->body, &reply->capacity,
				  at_most(wanted, reply->max_bytes));
}

/* A body that announces more than the limit is refused at its first bytes. */
bool
ddbc_reply_append(DdbcReply *reply, const char *data, size_t len)
{
	if (len > reply->max_bytes - reply->len ||
		reply->content_length > (int64_t) at_most(reply->max_bytes, INT64_MAX))
	{
		reply->flaw = DDBC_REPLY_TOO_LARGE;
		return false;
	}
	if (!make_room(reply, reply->len + len))
	{
		reply->flaw = DDBC_REPLY_NO_MEMORY;
		return false;
	}
	memcpy(reply->body + reply->len, data, len);
	reply->len += len;
	reply->received_bytes += len;
	/* now, while the bytes are in the cache */
	if (reply->has_crc)
		reply->body_crc =
			(uint32_t) crc32(reply->body_crc, (const Bytef *) data, (uInt) len);
	return true;
}

/*
 * Completes *error for a reply that is of no use.  It is ambiguous, because
 * the request was answered.  Returns false for the caller's return.
 */
static bool
fail(DdbcReply *reply, DdbcError *error)
{
	error->http_status = reply->status;
	error->ambiguous = true;
	memcpy(error->request_id, reply->request_id, sizeof(error->request_id));
	return false;
}

/*
 * The reply was damaged on its way, so another try may succeed. what completes
 * "reply of PEER ...".
 */
static bool
fail_corrupt(DdbcReply *reply, const char *peer, const char *what,
			 DdbcError *error)
{
	ddbc_error_set(error, DDBC_ERROR_CORRUPT, "reply of %s %s", peer, what);
	error->retryable = true;
	return fail(reply, error);
}

static bool
fail_too_large(DdbcReply *reply, const char *peer, DdbcError *error)
{
	ddbc_error_set(error, DDBC_ERROR_REPLY_TOO_LARGE,
				   "reply of %s is larger than the limit of %zu bytes", peer,
				   reply->max_bytes);
	return fail(reply, error);
}

static bool
fail_no_memory(DdbcReply *reply, DdbcError *error)
{
	ddbc_error_set(error, DDBC_ERROR_NO_MEMORY,
				   "out of memory while receiving a reply");
	return fail(reply, error);
}

/*
 * Runs the stream to its end into *out, which grows up to max_bytes.  Z_OK:
 * complete and nothing after it; Z_BUF_ERROR: more than max_bytes;
 * Z_MEM_ERROR; anything else: not intact.
 */
static int
run_inflate(z_stream *stream, char **out, size_t *out_len, size_t guess,
			size_t max_bytes)
{
	size_t capacity = 0;
	size_t wanted = at_most(guess, max_bytes);
	int status = Z_OK;

	while (status == Z_OK)
	{
		size_t done = *out_len;

		if (!resize(out, &capacity, wanted))
			return Z_MEM_ERROR;
		stream->next_out = (Bytef *) *out + done;
		/* one byte more than allowed shows that it would go on; it falls
		 * into the padding */
		stream->avail_out =
			(uInt) (capacity - done + (capacity == max_bytes ? 1 : 0));
		status = inflate(stream, Z_NO_FLUSH);
		*out_len = (size_t) ((char *) stream->next_out - *out);
		if (*out_len > max_bytes)
			return Z_BUF_ERROR;
		if (status == Z_OK && stream->avail_out > 0)
			return Z_DATA_ERROR; /* input ended too early */
		wanted = at_most(capacity * 2, max_bytes);
	}
	if (status != Z_STREAM_END)
		return status == Z_MEM_ERROR ? Z_MEM_ERROR : Z_DATA_ERROR;
	return stream->avail_in == 0 ? Z_OK : Z_DATA_ERROR;
}

/*
 * Replaces the body by its decompressed form, within the same limit on its
 * size.  False with *error set if the body is not intact.
 */
static bool
decompress(DdbcReply *reply, const char *peer, DdbcError *error)
{
	z_stream stream;
	char *out = NULL;
	size_t out_len = 0;
	int status;

	memset(&stream, 0, sizeof(stream));
	/* largest window, 32: gzip or zlib header, whichever it is */
	if (inflateInit2(&stream, 15 + 32) != Z_OK)
		return fail_no_memory(reply, error);
	stream.next_in = (Bytef *) reply->body;
	stream.avail_in = (uInt) reply->len;
	status =
		run_inflate(&stream, &out, &out_len,
					reply->len * USUAL_RATIO + MIN_CAPACITY, reply->max_bytes);
	inflateEnd(&stream);
	if (status != Z_OK)
	{
		free(out);
		if (status == Z_BUF_ERROR)
			return fail_too_large(reply, peer, error);
		if (status == Z_MEM_ERROR)
			return fail_no_memory(reply, error);
		return fail_corrupt(reply, peer, "is not intact gzip", error);
	}
	free(reply->body);
	reply->body = out;
	reply->len = out_len;
	return true;
}

/*
 * Checks the body against its checksum, which covers it as it was sent, and
 * then decompresses it.  False with *error set.
 */
static bool
unpack(DdbcReply *reply, const char *peer, DdbcError *error)
{
	if (reply->has_crc && reply->crc != reply->body_crc)
		return fail_corrupt(reply, peer, "does not match its checksum", error);
	if (reply->encoding == DDBC_ENCODING_UNKNOWN)
		return fail_corrupt(reply, peer, "has an unknown content encoding",
							error);
	if (reply->encoding == DDBC_ENCODING_ZLIB && reply->len > 0)
		return decompress(reply, peer, error);
	return true;
}

/*
 * True if the body of a success begins as DynamoDB's do.  Some proxies answer
 * 200 to anything, with a page of HTML.
 */
static bool
check_success(DdbcReply *reply, const char *peer, DdbcError *error)
{
	size_t i = 0;

	while (i < reply->len && memchr(" \t\r\n", reply->body[i], 4) != NULL)
		i++;
	if (i == reply->len)
		return fail_corrupt(reply, peer, "is empty", error);
	if (reply->is_html || reply->body[i] == '<')
	{
		ddbc_error_set(error, DDBC_ERROR_PROTOCOL,
					   "reply of %s is a web page, not DynamoDB's", peer);
		error->retryable = true;
		return fail(reply, error);
	}
	if (reply->body[i] != '{')
		return fail_corrupt(reply, peer, "is not a JSON object", error);
	return true;
}

/*
 * The request id and the kind of an error reply come from
 * ddbc_error_from_reply().  A page of HTML under a success status is an error
 * of its own.
 */
bool
ddbc_reply_finish(DdbcReply *reply, const char *peer, DdbcError *error)
{
	bool is_error = reply->status >= 300;

	/* of an endless error page the beginning says enough */
	if (reply->flaw == DDBC_REPLY_TOO_LARGE && !is_error)
		return fail_too_large(reply, peer, error);
	if (reply->flaw == DDBC_REPLY_NO_MEMORY)
		return fail_no_memory(reply, error);
	if (reply->flaw == DDBC_REPLY_GOOD)
	{
		if (!unpack(reply, peer, error))
			return false;
		if (reply->len > 0)
			memset(reply->body + reply->len, 0, DDBC_BODY_PADDING);
		reply->is_refusal = is_error && reply->len > 0;
	}
	if (is_error)
	{
		ddbc_error_from_reply(error, reply->status, reply->body,
							  (unsigned long) reply->len, reply->request_id);
		return false;
	}
	return check_success(reply, peer, error);
}
