/* SPDX-License-Identifier: PostgreSQL */
/*
 * support_server.c
 *		A scripted HTTP server on loopback: one thread a connection.
 *
 * Understands just what the client sends: POST with Content-Length.
 */
#include "support_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#define MAX_CONNECTIONS 512
#define MAX_HEAD_BYTES 16384

struct Server
{
	ServerScript script;
	void *arg;
	int listener;
	int port;
	pthread_t acceptor;
	pthread_mutex_t lock;
	bool stopping;
	int n_connections;
	int n_requests;
	int busy;
	int peak;
	pthread_t threads[MAX_CONNECTIONS];
	int fds[MAX_CONNECTIONS];
};

typedef struct Connection
{
	Server *server;
	int number;
	int fd;
} Connection;

bool
server_header(const ServerRequest *request, const char *name, char *value,
			  size_t size)
{
	const char *line = request->head;
	size_t len = strlen(name);

	while ((line = strstr(line, "\r\n")) != NULL)
	{
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
		{
			const char *from = line + len + 1 + strspn(line + len + 1, " ");

			snprintf(value, size, "%.*s", (int) strcspn(from, "\r"), from);
			return true;
		}
	}
	return false;
}

static bool
send_all(int fd, const char *data, size_t len)
{
	while (len > 0)
	{
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t) n;
	}
	return true;
}

/* Reads up to the empty line; what follows of the body goes to *extra. */
static bool
read_head(int fd, char *head, char *extra, size_t *extra_len)
{
	size_t used = 0;

	for (;;)
	{
		ssize_t n = recv(fd, head + used, MAX_HEAD_BYTES - used, 0);
		char *end;

		if (n <= 0)
			return false;
		used += (size_t) n;
		head[used] = '\0';
		end = strstr(head, "\r\n\r\n");
		if (end != NULL)
		{
			*extra_len = used - (size_t) (end + 4 - head);
			memcpy(extra, end + 4, *extra_len);
			end[2] = '\0';
			return true;
		}
		if (used == MAX_HEAD_BYTES)
			return false;
	}
}

/* The body, malloc'd; NULL when the connection ends. */
static char *
read_body(int fd, const char *extra, size_t have, size_t len)
{
	char *body = malloc(len + 1);

	if (body == NULL || have > len)
	{
		free(body);
		return NULL;
	}
	memcpy(body, extra, have);
	while (have < len)
	{
		ssize_t n = recv(fd, body + have, len - have, 0);

		if (n <= 0)
		{
			free(body);
			return NULL;
		}
		have += (size_t) n;
	}
	body[len] = '\0';
	return body;
}

static char *
compress_body(const char *body, size_t *len)
{
	z_stream stream;
	size_t size;
	char *out;

	memset(&stream, 0, sizeof(stream));
	deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	size = deflateBound(&stream, *len);
	out = malloc(size);
	if (out == NULL)
		abort();
	stream.next_in = (Bytef *) body;
	stream.avail_in = (uInt) *len;
	stream.next_out = (Bytef *) out;
	stream.avail_out = (uInt) size;
	deflate(&stream, Z_FINISH);
	*len = stream.total_out;
	deflateEnd(&stream);
	return out;
}

static bool
send_reply(int fd, const ServerReply *reply)
{
	const char *body = reply->body != NULL ? reply->body : "";
	size_t len = reply->body_len > 0 ? reply->body_len : strlen(body);
	char *packed = reply->gzip ? compress_body(body, &len) : NULL;
	char head[2048];
	char crc[64] = "";
	bool ok;

	if (packed != NULL)
		body = packed;
	if (reply->crc != SERVER_CRC_NONE)
		snprintf(crc, sizeof(crc), "x-amz-crc32: %lu\r\n",
				 crc32(0, (const Bytef *) body, (uInt) len) ^
					 (reply->crc == SERVER_CRC_BAD ? 1 : 0));
	snprintf(head, sizeof(head),
			 "HTTP/1.1 %d Whatever\r\n"
			 "Content-Length: %zu\r\n%s%s%s\r\n",
			 reply->status > 0 ? reply->status : 200, len, crc,
			 packed != NULL ? "Content-Encoding: gzip\r\n" : "",
			 reply->headers != NULL ? reply->headers : "");
	ok = send_all(fd, head, strlen(head)) &&
		 send_all(fd, body, reply->send_bytes > 0 ? reply->send_bytes : len);
	free(packed);
	return ok && reply->send_bytes == 0 && !reply->close_after;
}

/* Until the client hangs up or the server is stopped. */
static void
wait_for_end(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) > 0)
		;
}

static bool
answer(Connection *connection, const char *head, const char *body,
	   size_t body_len)
{
	Server *server = connection->server;
	ServerRequest request = {0};
	ServerReply reply = {0};
	bool more = false;

	request.connection = connection->number;
	request.head = head;
	request.body = body;
	request.body_len = body_len;
	pthread_mutex_lock(&server->lock);
	request.number = server->n_requests++;
	server->busy++;
	if (server->busy > server->peak)
		server->peak = server->busy;
	server->script(server->arg, &request, &reply);
	pthread_mutex_unlock(&server->lock);

	if (reply.delay_ms > 0)
		poll(NULL, 0, reply.delay_ms);
	/* before the answer: the client may be quicker than we are */
	pthread_mutex_lock(&server->lock);
	server->busy--;
	pthread_mutex_unlock(&server->lock);
	if (reply.stall)
		wait_for_end(connection->fd);
	else if (reply.raw != NULL)
		send_all(connection->fd, reply.raw, strlen(reply.raw));
	else if (!reply.drop)
		more = send_reply(connection->fd, &reply);
	return more;
}

static void *
serve_connection(void *arg)
{
	Connection *connection = arg;
	char *head = malloc(MAX_HEAD_BYTES + 1);
	char *extra = malloc(MAX_HEAD_BYTES + 1);
	size_t extra_len;
	bool more = true;

	while (more && read_head(connection->fd, head, extra, &extra_len))
	{
		ServerRequest probe = {0};
		char value[32] = "0";
		char *body;
		size_t len;

		probe.head = head;
		server_header(&probe, "Content-Length", value, sizeof(value));
		len = strtoul(value, NULL, 10);
		body = read_body(connection->fd, extra, extra_len, len);
		more = body != NULL && answer(connection, head, body, len);
		free(body);
	}
	/* closed by server_stop, lest the number be used again before */
	shutdown(connection->fd, SHUT_RDWR);
	free(head);
	free(extra);
	free(connection);
	return NULL;
}

static void
add_connection(Server *server, int fd)
{
	Connection *connection = malloc(sizeof(*connection));

	pthread_mutex_lock(&server->lock);
	if (connection == NULL || server->stopping ||
		server->n_connections == MAX_CONNECTIONS)
	{
		close(fd);
		free(connection);
	}
	else
	{
		connection->server = server;
		connection->number = server->n_connections++;
		connection->fd = fd;
		server->fds[connection->number] = fd;
		pthread_create(&server->threads[connection->number], NULL,
					   serve_connection, connection);
	}
	pthread_mutex_unlock(&server->lock);
}

static void *
accept_connections(void *arg)
{
	Server *server = arg;

	for (;;)
	{
		int fd = accept(server->listener, NULL, NULL);
		int on = 1;

		if (fd < 0)
			return NULL;
		/* head and body go out by two calls */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		add_connection(server, fd);
	}
}

Server *
server_start(ServerScript script, void *arg)
{
	Server *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = {0};
	socklen_t len = sizeof(address);

	if (server == NULL)
		abort();
	server->script = script;
	server->arg = arg;
	pthread_mutex_init(&server->lock, NULL);
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(server->listener, (struct sockaddr *) &address, len) != 0 ||
		listen(server->listener, 128) != 0 ||
		getsockname(server->listener, (struct sockaddr *) &address, &len) != 0)
		abort();
	server->port = ntohs(address.sin_port);
	pthread_create(&server->acceptor, NULL, accept_connections, server);
	return server;
}

void
server_stop(Server *server)
{
	int i;

	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->acceptor, NULL);
	close(server->listener);
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	for (i = 0; i < server->n_connections; i++)
		shutdown(server->fds[i], SHUT_RDWR);
	pthread_mutex_unlock(&server->lock);
	for (i = 0; i < server->n_connections; i++)
	{
		pthread_join(server->threads[i], NULL);
		close(server->fds[i]);
	}
	pthread_mutex_destroy(&server->lock);
	free(server);
}

int
server_port(const Server *server)
{
	return server->port;
}

static int
read_locked(Server *server, const int *number)
{
	int value;

	pthread_mutex_lock(&server->lock);
	value = *number;
	pthread_mutex_unlock(&server->lock);
	return value;
}

int
server_connections(Server *server)
{
	return read_locked(server, &server->n_connections);
}

int
server_requests(Server *server)
{
	return read_locked(server, &server->n_requests);
}

int
server_peak(Server *server)
{
	return read_locked(server, &server->peak);
}
