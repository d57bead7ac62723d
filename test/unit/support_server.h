/* SPDX-License-Identifier: PostgreSQL */
/*
 * support_server.h
 *		A scripted HTTP server on loopback, in threads of the test process.
 *
 * For every request it asks the script, which may look at the request and
 * says how to answer: well, late, never, cut short, corrupted.
 */
#ifndef SUPPORT_SERVER_H
#define SUPPORT_SERVER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ServerRequest
{
	int number; /* 0 for the first of the server */
	int connection; /* likewise */
	const char *head; /* request line and headers */
	const char *body;
	size_t body_len;
} ServerRequest;

typedef enum ServerChecksum
{
	SERVER_CRC_NONE,
	SERVER_CRC_GOOD,
	SERVER_CRC_BAD,
} ServerChecksum;

/* Zeroed: an empty 200. */
typedef struct ServerReply
{
	int status; /* 0: 200 */
	const char *body;
	size_t body_len; /* 0: strlen(body) */
	const char *headers; /* more of them, each with CRLF, or NULL */
	ServerChecksum crc;
	bool gzip; /* compress body and say so */
	int delay_ms; /* before the answer */
	bool stall; /* no answer at all */
	size_t send_bytes; /* if > 0: close after so much of the body */
	bool drop; /* close without an answer */
	bool close_after; /* close after the answer, unannounced */
	const char *raw; /* if set: sent as it is, then closed */
} ServerReply;

/* Called with a lock held: requests are scripted one at a time. */
typedef void (*ServerScript)(void *arg, const ServerRequest *request,
							 ServerReply *reply);

typedef struct Server Server;

extern Server *server_start(ServerScript script, void *arg);
extern void server_stop(Server *server);
extern int server_port(const Server *server);
extern int server_connections(Server *server);
extern int server_requests(Server *server);

/* Most requests that were being answered at the same time. */
extern int server_peak(Server *server);

/* Value of a header in head, copied to value; false if it is not there. */
extern bool server_header(const ServerRequest *request, const char *name,
						  char *value, size_t size);

#endif /* SUPPORT_SERVER_H */
