/* SPDX-License-Identifier: PostgreSQL */
/*
 * replay.c
 *		A fast stand-in for DynamoDB's data plane, for benchmarks on loopback.
 *
 *	cc -O2 -o replay bench/replay*.c -lz
 *	replay [--pages DIR] [--port N] [--repeat N] [--delay-us N]
 *		   [--gzip never|auto] [--table NAME]
 *
 * Serves the pages that gen_pages.py wrote, from memory: one thread, epoll,
 * 127.0.0.1 only, connections kept.  Port 0 (the default) takes a free one;
 * the first line of output names it.  Every reply carries Content-Length,
 * x-amzn-RequestId and x-amz-crc32 over the bytes as sent, as DynamoDB's do.
 *
 *	Scan, Query, ExecuteStatement  whole pages; ExclusiveStartKey, NextToken,
 *						Segment and TotalSegments, Select COUNT, Limit,
 *						ScanIndexForward and a partition "app-NN" are honoured
 *	a request that names dateTime values and no start key: just those items
 *						(GetItem, BatchGetItem, key Query, PartiQL)
 *	DescribeTable, ListTables	canned
 *	tables ids, pairs, small	made up, and answered by key: replay_made.c
 *	GET /stats, /reset, /delay?us=N	counters; sets them to 0; sets the delay
 *
 * --repeat N serves a Scan's pages N times over, so that gigabytes go by that
 * nobody has to keep: the start key carries the round.
 *
 * Checks no signature, and evaluates neither projection nor filter: it is a
 * load source, not an emulator, and believes its clients.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "replay_made.h"
#include "replay_pages.h"
#include "replay_text.h"

/* What DynamoDB puts into a page, as JSON: about 1 MB of items. */
#define PAGE_BYTES ((size_t) 1200 * 1024)

#define SEND_BUFFER_BYTES (4 << 20)
#define REQUEST_BYTES ((size_t) 64 * 1024)
#define EVENTS_PER_CALL 64
#define BACKLOG 512

typedef struct Connection
{
	int fd;
	Buffer request;
	Buffer body; /* of the reply, where it is not a page as it lies */
	char head[512];
	char before[64]; /* of a page as it lies */
	char after[512];
	struct iovec parts[4];
	int nparts; /* 0: no reply under way */
	int next_part;
	bool blocked; /* the socket takes no more for now */
	bool waiting; /* for the injected delay to pass */
	int64_t due_ns;
	struct Connection *next; /* in the queue of those who wait */
} Connection;

/* A request's bytes: headers from start, body from body to end. */
typedef struct Request
{
	const char *start;
	const char *body;
	const char *end;
	bool gzip; /* the client takes it */
} Request;

/* Which items are asked for. */
typedef struct Range
{
	int low; /* items from low to high - 1 */
	int high;
	int from; /* the first to give */
	int round; /* of --repeat */
	int rounds;
	bool forward;
	bool count_only;
	int limit; /* 0: none */
	bool token; /* continued by NextToken, as PartiQL is */
} Range;

typedef enum Operation
{
	OP_GET_ITEM,
	OP_BATCH_GET_ITEM,
	OP_QUERY,
	OP_SCAN,
	OP_EXECUTE_STATEMENT,
	OP_BATCH_EXECUTE_STATEMENT,
	OP_DESCRIBE_TABLE,
	OP_LIST_TABLES,
	OP_OTHER,
} Operation;

static const char *const operation_names[] = {
	"GetItem",       "BatchGetItem",     "Query",
	"Scan",          "ExecuteStatement", "BatchExecuteStatement",
	"DescribeTable", "ListTables",       "Other",
};

static const char *table_name = "logs";
static bool may_gzip = true;
static long delay_us;
static int repeat = 1;

static unsigned long calls[OP_OTHER + 1];
static unsigned long bytes_in;
static unsigned long bytes_out;
static unsigned long connections;
static unsigned long items_out;

static int epoll_fd;
static Connection *first_waiting;
static Connection *last_waiting;

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---- replies --------------------------------------------------------------- */

static void
add_part(Connection *connection, const char *data, size_t len)
{
	struct iovec *part = &connection->parts[connection->nparts++];

	part->iov_base = (void *) (uintptr_t) data;
	part->iov_len = len;
}

/* Begins the reply: its headers. */
static void
start_reply(Connection *connection, size_t len, uint32_t crc, bool is_gzip)
{
	static unsigned long request_id;
	int n = snprintf(connection->head, sizeof(connection->head),
					 "HTTP/1.1 200 OK\r\n"
					 "Server: Server\r\n"
					 "Content-Type: application/x-amz-json-1.0\r\n"
					 "Content-Length: %zu\r\n"
					 "Connection: keep-alive\r\n"
					 "x-amzn-RequestId: REPLAY%020lu\r\n"
					 "x-amz-crc32: %u\r\n"
					 "%s\r\n",
					 len, ++request_id, crc,
					 is_gzip ? "Content-Encoding: gzip\r\n" : "");

	connection->nparts = 0;
	connection->next_part = 0;
	add_part(connection, connection->head, (size_t) n);
	bytes_out += (size_t) n + len;
}

static void
compress_buffer(Buffer *buffer)
{
	z_stream stream = {0};
	size_t capacity;
	char *out;

	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
					 Z_DEFAULT_STRATEGY) != Z_OK)
		die("deflateInit2");
	capacity = deflateBound(&stream, buffer->len);
	out = must(malloc(capacity));
	stream.next_in = (Bytef *) buffer->data;
	stream.avail_in = (uInt) buffer->len;
	stream.next_out = (Bytef *) out;
	stream.avail_out = (uInt) capacity;
	deflate(&stream, Z_FINISH);
	free(buffer->data);
	buffer->data = out;
	buffer->len = stream.total_out;
	buffer->capacity = capacity;
	deflateEnd(&stream);
}

/* Replies with what is in connection->body. */
static void
reply_body(Connection *connection, bool gzip)
{
	Buffer *body = &connection->body;

	if (gzip)
		compress_buffer(body);
	start_reply(
		connection, body->len,
		(uint32_t) crc32(0, (const Bytef *) body->data, (uInt) body->len),
		gzip);
	add_part(connection, body->data, body->len);
}

/* The continuation after that item; returns its length. */
static size_t
write_continuation(char *out, size_t size, int item, const Range *range)
{
	char round[40] = "";
	char token[60] = "";
	int n;

	if (range->rounds > 1)
		snprintf(round, sizeof(round), ",\"round\":{\"N\":\"%d\"}",
				 range->round);
	if (range->token)
		snprintf(token, sizeof(token), ",\"NextToken\":\"tok-%.27s\"",
				 items[item].date_time);
	n = snprintf(out, size,
				 ",\"LastEvaluatedKey\":{\"logPartition\":{\"S\":\"app-%02d\"},"
				 "\"dateTime\":{\"S\":\"%.27s\"}%s}%s",
				 items[item].partition, items[item].date_time, round, token);
	return (size_t) n;
}

/* The page as it lies in memory: only what stands around it is written. */
static void
reply_page(Connection *connection, const Page *page, const Range *range,
		   bool more)
{
	char continuation[400] = "";
	size_t before;
	size_t after;
	uint32_t crc;

	if (more)
		write_continuation(continuation, sizeof(continuation),
						   page->first + page->count - 1, range);
	before = (size_t) snprintf(connection->before, sizeof(connection->before),
							   "{\"Count\":%d,\"Items\":[", page->count);
	after = (size_t) snprintf(connection->after, sizeof(connection->after),
							  "]%s,\"ScannedCount\":%d}", continuation,
							  page->count);
	crc =
		(uint32_t) crc32(0, (const Bytef *) connection->before, (uInt) before);
	crc = (uint32_t) crc32_combine(crc, page->crc, (z_off_t) page->len);
	crc = (uint32_t) crc32_combine(
		crc, crc32(0, (const Bytef *) connection->after, (uInt) after),
		(z_off_t) after);
	start_reply(connection, before + page->len + after, crc, false);
	add_part(connection, connection->before, before);
	add_part(connection, page->items, page->len);
	add_part(connection, connection->after, after);
	items_out += (size_t) page->count;
}

/* Is there anything after position at, in this round or the next? */
static bool
has_more(const Range *range, int at)
{
	if (range->forward)
		return at < range->high || range->round + 1 < range->rounds;
	return at >= range->low;
}

/* Gathers items one by one, up to a page or to the limit. */
static void
reply_gathered(Connection *connection, const Range *range, bool gzip)
{
	Buffer *body = &connection->body;
	char continuation[400];
	Buffer list = {0};
	size_t size = 0;
	int count = 0;
	int step = range->forward ? 1 : -1;
	int at = range->from;

	while (at >= range->low && at < range->high &&
		   (range->limit == 0 || count < range->limit) &&
		   (count == 0 || size + items[at].len <= PAGE_BYTES))
	{
		if (!range->count_only)
		{
			if (count > 0)
				put_text(&list, ",");
			put(&list, items[at].json, items[at].len);
		}
		size += items[at].len;
		count++;
		at += step;
	}
	put_format(body, "{\"Count\":%d", count);
	if (!range->count_only)
	{
		put_text(body, ",\"Items\":[");
		put(body, list.data, list.len);
		put_text(body, "]");
	}
	free(list.data);
	/* As DynamoDB: a key whenever Limit stopped it, even at the end. */
	if (count > 0 &&
		(has_more(range, at) || (range->limit > 0 && count == range->limit)))
		put(body, continuation,
			write_continuation(continuation, sizeof(continuation), at - step,
							   range));
	put_format(body, ",\"ScannedCount\":%d}", count);
	items_out += (size_t) count;
	reply_body(connection, gzip);
}

static void
reply_range(Connection *connection, const Range *range, bool gzip)
{
	if (range->forward && !range->count_only && range->limit == 0 && !gzip &&
		range->from < range->high)
	{
		const Page *page = &pages[page_of(range->from)];
		int end = page->first + page->count;

		if (page->first == range->from && end <= range->high)
		{
			reply_page(connection, page, range, has_more(range, end));
			return;
		}
	}
	reply_gathered(connection, range, gzip);
}

/* The items whose times the request names, each between these two texts. */
static int
put_named_items(Buffer *body, const Request *request, const char *before,
				const char *after)
{
	const char *p = request->body;
	int count = 0;

	while ((p = next_date_time(p, request->end)) != NULL)
	{
		int i = find_item(p);

		if (i >= 0)
		{
			put_text(body, count++ > 0 ? "," : "");
			put_text(body, before);
			put(body, items[i].json, items[i].len);
			put_text(body, after);
		}
		p += DATE_TIME_LEN;
	}
	items_out += (size_t) count;
	return count;
}

/* ---- requests -------------------------------------------------------------- */

static void
describe_table(Buffer *body)
{
	put_format(body,
			   "{\"Table\":{\"TableName\":\"%s\",\"TableStatus\":\"ACTIVE\","
			   "\"ItemCount\":%d,\"TableSizeBytes\":%lld,"
			   "\"CreationDateTime\":1.7E9,"
			   "\"TableArn\":\"arn:aws:dynamodb:us-east-1:000000000000:table/"
			   "%s\",",
			   table_name, nitems, nitems * 320LL, table_name);
	put_text(body,
			 "\"KeySchema\":["
			 "{\"AttributeName\":\"logPartition\",\"KeyType\":\"HASH\"},"
			 "{\"AttributeName\":\"dateTime\",\"KeyType\":\"RANGE\"}],"
			 "\"AttributeDefinitions\":["
			 "{\"AttributeName\":\"logPartition\",\"AttributeType\":\"S\"},"
			 "{\"AttributeName\":\"dateTime\",\"AttributeType\":\"S\"}],"
			 "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":0,"
			 "\"WriteCapacityUnits\":0,\"NumberOfDecreasesToday\":0},"
			 "\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\"}}}");
}

/* Narrows the range to the partition or the segment asked for. */
static void
choose_items(const Request *request, Operation operation, Range *range)
{
	int partition = find_partition(request->body, request->end);
	long total =
		find_number(request->body, request->end, "\"TotalSegments\"", 0);
	long segment = find_number(request->body, request->end, "\"Segment\"", 0);

	if (operation != OP_SCAN && partition >= 0 && partition < npartitions)
	{
		range->low = partition_starts[partition];
		range->high = partition_starts[partition + 1];
	}
	else if (operation == OP_SCAN && total > 0)
	{
		long first = npages * segment / total;
		long end = npages * (segment + 1) / total;

		range->low = first < npages ? pages[first].first : nitems;
		range->high = end < npages ? pages[end].first : nitems;
	}
}

/* Moves the range behind the start key, whose time is given. */
static void
start_after(const Request *request, const char *date_time, Range *range)
{
	const char *round = find_value(request->body, request->end, "\"round\"");
	int item = find_item(date_time);

	if (round != NULL)
		round = find_value(round, request->end, "\"N\"");
	/* its number is in quotes */
	range->round = round != NULL ? (int) strtol(round + 1, NULL, 10) : 0;
	if (item < 0)
		return;
	range->from = item + (range->forward ? 1 : -1);
	if (range->from == range->high && range->round + 1 < range->rounds)
	{
		range->from = range->low;
		range->round++;
	}
}

static void
handle_read(Connection *connection, const Request *request, Operation operation)
{
	const char *body = request->body;
	const char *end = request->end;
	const char *forward = find_value(body, end, "\"ScanIndexForward\"");
	const char *start = find(body, end, "\"ExclusiveStartKey\"");
	const char *date_time;
	Range range = {0};

	range.high = nitems;
	range.rounds = operation == OP_SCAN ? repeat : 1;
	range.forward = forward == NULL || *forward != 'f';
	range.count_only = find(body, end, "\"COUNT\"") != NULL;
	range.limit = (int) find_number(body, end, "\"Limit\"", 0);
	if (operation == OP_EXECUTE_STATEMENT)
	{
		range.token = true;
		range.forward = find(body, end, " DESC") == NULL;
		start = find(body, end, "\"tok-");
	}
	choose_items(request, operation, &range);
	range.from = range.forward ? range.low : range.high - 1;

	date_time = next_date_time(start != NULL ? start : body, end);
	if (start == NULL && date_time != NULL)
	{
		int count;

		put_text(&connection->body, "{\"Items\":[");
		count = put_named_items(&connection->body, request, "", "");
		put_format(&connection->body, "],\"Count\":%d,\"ScannedCount\":%d}",
				   count, count);
		reply_body(connection, request->gzip);
		return;
	}
	if (date_time != NULL)
		start_after(request, date_time, &range);
	reply_range(connection, &range, request->gzip);
}

/* False: it is not about a made-up table. */
static bool
handle_made(Connection *connection, const Request *request, Operation operation)
{
	static int (*const replies[])(const MadeTable *, Buffer *, const char *,
								  const char *) = {
		[OP_GET_ITEM] = made_get,
		[OP_BATCH_GET_ITEM] = made_batch_get,
		[OP_QUERY] = made_query,
		[OP_SCAN] = made_scan,
	};
	const MadeTable *table = made_table(request->body, request->end);

	if (table == NULL ||
		(operation > OP_SCAN && operation != OP_DESCRIBE_TABLE))
		return false;
	if (operation == OP_DESCRIBE_TABLE)
		made_describe(table, &connection->body);
	else
		items_out += (size_t) replies[operation](table, &connection->body,
												 request->body, request->end);
	reply_body(connection, request->gzip);
	return true;
}

static void
handle_call(Connection *connection, const Request *request, Operation operation)
{
	Buffer *body = &connection->body;

	if (handle_made(connection, request, operation))
		return;
	switch (operation)
	{
		case OP_GET_ITEM:
			put_text(body, "{");
			put_named_items(body, request, "\"Item\":", "");
			put_text(body, "}");
			break;
		case OP_BATCH_GET_ITEM:
			put_format(body, "{\"Responses\":{\"%s\":[", table_name);
			put_named_items(body, request, "", "");
			put_text(body, "]},\"UnprocessedKeys\":{}}");
			break;
		case OP_BATCH_EXECUTE_STATEMENT:
			put_text(body, "{\"Responses\":[");
			put_named_items(body, request, "{\"Item\":", "}");
			put_text(body, "]}");
			break;
		case OP_QUERY:
		case OP_SCAN:
		case OP_EXECUTE_STATEMENT:
			handle_read(connection, request, operation);
			return;
		case OP_DESCRIBE_TABLE:
			describe_table(body);
			break;
		case OP_LIST_TABLES:
			put_format(body, "{\"TableNames\":[\"%s\"]}", table_name);
			break;
		case OP_OTHER:
			put_text(body, "{}");
			break;
	}
	reply_body(connection, request->gzip);
}

/* GET: what is known of the server, or a change of it. */
static void
handle_control(Connection *connection, const Request *request)
{
	const char *line_end =
		memchr(request->start, '\r', (size_t) (request->body - request->start));
	const char *delay = find(request->start, line_end, "/delay?us=");
	int i;

	if (find(request->start, line_end, "/reset") != NULL)
	{
		memset(calls, 0, sizeof(calls));
		bytes_in = bytes_out = connections = items_out = 0;
	}
	if (delay != NULL)
		delay_us = strtol(delay + strlen("/delay?us="), NULL, 10);
	put_text(&connection->body, "{");
	for (i = 0; i <= OP_OTHER; i++)
		put_format(&connection->body, "\"%s\":%lu,", operation_names[i],
				   calls[i]);
	put_format(&connection->body,
			   "\"items\":%lu,\"bytes_in\":%lu,\"bytes_out\":%lu,"
			   "\"conns\":%lu,\"delay_us\":%ld}\n",
			   items_out, bytes_in, bytes_out, connections, delay_us);
	reply_body(connection, false);
}

static Operation
find_operation(const Request *request)
{
	const char *target = strcasestr(request->start, "\r\nx-amz-target:");
	const char *dot =
		target != NULL && target < request->body ? strchr(target, '.') : NULL;
	int i;

	for (i = 0; dot != NULL && i < OP_OTHER; i++)
	{
		size_t len = strlen(operation_names[i]);

		if (strncmp(dot + 1, operation_names[i], len) == 0 &&
			dot[1 + len] == '\r')
			return (Operation) i;
	}
	return OP_OTHER;
}

static bool
takes_gzip(const Request *request)
{
	const char *accept = strcasestr(request->start, "\r\naccept-encoding:");

	return may_gzip && accept != NULL && accept < request->body &&
		   find(accept, strstr(accept + 2, "\r\n"), "gzip") != NULL;
}

static void
handle(Connection *connection, Request *request)
{
	bytes_in += (size_t) (request->end - request->start);
	connection->body.len = 0;
	connection->due_ns = 0;
	if (strncmp(request->start, "GET ", 4) == 0)
		handle_control(connection, request);
	else
	{
		Operation operation = find_operation(request);

		calls[operation]++;
		request->gzip = takes_gzip(request);
		handle_call(connection, request, operation);
		if (delay_us > 0)
			connection->due_ns = now_ns() + delay_us * 1000;
	}
}

/* ---- connections ----------------------------------------------------------- */

static void
leave_queue(Connection *connection)
{
	Connection **link = &first_waiting;
	Connection *before = NULL;

	for (; *link != NULL; before = *link, link = &(*link)->next)
	{
		if (*link == connection)
		{
			*link = connection->next;
			if (last_waiting == connection)
				last_waiting = before;
			return;
		}
	}
}

static void
join_queue(Connection *connection)
{
	connection->waiting = true;
	connection->next = NULL;
	if (last_waiting != NULL)
		last_waiting->next = connection;
	else
		first_waiting = connection;
	last_waiting = connection;
}

static void
close_connection(Connection *connection)
{
	leave_queue(connection);
	close(connection->fd);
	free(connection->request.data);
	free(connection->body.data);
	free(connection);
}

static void
watch(Connection *connection, bool for_room)
{
	struct epoll_event event = {0};

	event.events = EPOLLIN | (for_room ? EPOLLOUT : 0);
	event.data.ptr = connection;
	connection->blocked = for_room;
	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

/* Sends what it can of the reply; false: the connection was closed. */
static bool
send_reply(Connection *connection)
{
	while (connection->next_part < connection->nparts)
	{
		struct iovec *part = &connection->parts[connection->next_part];
		ssize_t n = writev(connection->fd, part,
						   connection->nparts - connection->next_part);

		if (n < 0 && errno == EAGAIN)
		{
			if (!connection->blocked)
				watch(connection, true);
			return true;
		}
		if (n < 0)
		{
			close_connection(connection);
			return false;
		}
		for (; n > 0 && (size_t) n >= part->iov_len; part++)
		{
			n -= (ssize_t) part->iov_len;
			connection->next_part++;
		}
		if (n > 0)
		{
			part->iov_base = (char *) part->iov_base + n;
			part->iov_len -= (size_t) n;
		}
	}
	connection->nparts = 0;
	if (connection->blocked)
		watch(connection, false);
	return true;
}

/* Length of the request at the start of the buffer, 0: not all is there. */
static size_t
complete_request(Connection *connection, Request *request)
{
	Buffer *buffer = &connection->request;
	const char *head_end = memmem(buffer->data, buffer->len, "\r\n\r\n", 4);
	const char *header;
	size_t body_len = 0;
	size_t len;

	if (head_end == NULL)
		return 0;
	head_end += 4;
	header = strcasestr(buffer->data, "\r\ncontent-length:");
	if (header != NULL && header < head_end)
		body_len = strtoul(header + strlen("\r\ncontent-length:"), NULL, 10);
	len = (size_t) (head_end - buffer->data) + body_len;
	if (len > buffer->len)
	{
		header = strcasestr(buffer->data, "100-continue");
		if (header != NULL && header < head_end &&
			(size_t) (head_end - buffer->data) == buffer->len &&
			write(connection->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25) < 0)
			perror("replay: write");
		return 0;
	}
	request->start = buffer->data;
	request->body = head_end;
	request->end = buffer->data + len;
	return len;
}

/* Handles the requests received, one at a time. */
static void
handle_requests(Connection *connection)
{
	Buffer *buffer = &connection->request;
	Request request = {0};
	size_t len;

	while (connection->nparts == 0 && !connection->waiting &&
		   (len = complete_request(connection, &request)) > 0)
	{
		handle(connection, &request);
		memmove(buffer->data, buffer->data + len, buffer->len - len);
		buffer->len -= len;
		buffer->data[buffer->len] = '\0';
		if (connection->due_ns > 0)
			join_queue(connection);
		else if (!send_reply(connection))
			return;
	}
}

/* False: the connection was closed. */
static bool
receive(Connection *connection)
{
	Buffer *buffer = &connection->request;
	ssize_t n;

	if (buffer->capacity - buffer->len < REQUEST_BYTES)
	{
		buffer->capacity = buffer->len + REQUEST_BYTES * 2;
		buffer->data = must(realloc(buffer->data, buffer->capacity));
	}
	n = read(connection->fd, buffer->data + buffer->len,
			 buffer->capacity - buffer->len - 1);
	if (n == 0 || (n < 0 && errno != EAGAIN))
	{
		close_connection(connection);
		return false;
	}
	if (n > 0)
		buffer->len += (size_t) n;
	buffer->data[buffer->len] = '\0';
	return true;
}

static void
accept_connections(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
		   0)
	{
		Connection *connection = must(calloc(1, sizeof(Connection)));
		struct epoll_event event = {0};
		int on = 1;
		int size = SEND_BUFFER_BYTES;

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		connection->fd = fd;
		connections++;
		event.events = EPOLLIN;
		event.data.ptr = connection;
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
	}
}

static void
handle_event(const struct epoll_event *event)
{
	Connection *connection = event->data.ptr;

	if ((event->events & EPOLLOUT) != 0 && connection->nparts > 0 &&
		!connection->waiting && !send_reply(connection))
		return;
	if ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 &&
		!receive(connection))
		return;
	handle_requests(connection);
}

static void
send_due_replies(void)
{
	while (first_waiting != NULL && first_waiting->due_ns <= now_ns())
	{
		Connection *connection = first_waiting;

		leave_queue(connection);
		connection->waiting = false;
		if (send_reply(connection))
			handle_requests(connection);
	}
}

static int
start_listening(int port)
{
	struct sockaddr_in address = {0};
	socklen_t len = sizeof(address);
	int listener =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	address.sin_family = AF_INET;
	address.sin_port = htons((uint16_t) port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *) &address, len) != 0 ||
		listen(listener, BACKLOG) != 0 ||
		getsockname(listener, (struct sockaddr *) &address, &len) != 0)
		die("replay: cannot listen");
	printf("replay: port %d, %d pages, %d items, %d partitions, "
		   "delay %ld us\n",
		   ntohs(address.sin_port), npages, nitems, npartitions, delay_us);
	fflush(stdout);
	return listener;
}

static void
serve(int listener)
{
	struct epoll_event event = {0};

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	event.events = EPOLLIN;
	if (epoll_fd < 0 ||
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) != 0)
		die("replay: epoll");
	for (;;)
	{
		struct epoll_event events[EVENTS_PER_CALL];
		struct timespec timeout;
		int64_t ns =
			first_waiting != NULL ? first_waiting->due_ns - now_ns() : 0;
		int n;
		int i;

		ns = ns > 0 ? ns : 0;
		timeout.tv_sec = ns / 1000000000;
		timeout.tv_nsec = ns % 1000000000;
		n = epoll_pwait2(epoll_fd, events, EVENTS_PER_CALL,
						 first_waiting != NULL ? &timeout : NULL, NULL);
		if (n < 0 && errno != EINTR)
			die("replay: epoll_pwait2");
		/* One event a descriptor, so none is of a connection just closed. */
		for (i = 0; i < n; i++)
		{
			if (events[i].data.ptr == NULL)
				accept_connections(listener);
			else
				handle_event(&events[i]);
		}
		send_due_replies();
	}
}

static void
usage(void)
{
	fprintf(stderr, "usage: replay [--pages DIR] [--port N] [--repeat N] "
					"[--delay-us N] [--gzip never|auto] [--table NAME]\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	const char *directory = NULL;
	int port = 0;
	int i;

	if (argc % 2 == 0)
		usage();
	for (i = 1; i < argc; i += 2)
	{
		const char *value = argv[i + 1];

		if (strcmp(argv[i], "--pages") == 0)
			directory = value;
		else if (strcmp(argv[i], "--port") == 0)
			port = (int) strtol(value, NULL, 10);
		else if (strcmp(argv[i], "--repeat") == 0)
			repeat = (int) strtol(value, NULL, 10);
		else if (strcmp(argv[i], "--delay-us") == 0)
			delay_us = strtol(value, NULL, 10);
		else if (strcmp(argv[i], "--gzip") == 0)
			may_gzip = strcmp(value, "never") != 0;
		else if (strcmp(argv[i], "--table") == 0)
			table_name = value;
		else
			usage();
	}
	if (repeat < 1)
		usage();
	signal(SIGPIPE, SIG_IGN);
	if (directory != NULL)
		load_pages(directory);
	serve(start_listening(port));
}
