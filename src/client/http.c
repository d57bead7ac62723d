/* SPDX-License-Identifier: PostgreSQL */
/*
 * http.c
 *		Many HTTP exchanges over one epoll descriptor: libcurl's
 *		multi_socket interface, an epoll and a timerfd.
 *
 * Every call that may make libcurl start a resolver thread runs with signals
 * blocked: the thread inherits the mask, so that signals of the process (in
 * PostgreSQL: cancel, latch) are never delivered to a thread that has no
 * business with them.
 */
#include "client/http.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_PER_CALL 64

/* Libcurl's largest in 7.88: fewer calls for a page of a megabyte. */
#define RECEIVE_BUFFER_BYTES (512L * 1024)

/*
 * How many of libcurl's timeouts may fall due one after the other; more can
 * wait.
 */
#define MAX_TIMEOUTS_PER_CALL 8

struct DdbcHttp
{
	DdbcHttpOptions options;
	char *peer; /* url without its last slash */
	CURLM *multi;
	int epoll_fd;
	int timer_fd;
	int64_t curl_deadline_us;
	int64_t armed_us; /* what timer_fd is set to */
	int added; /* exchanges in multi */
	bool may_be_done; /* of these, one may be over and not fetched */
	bool broken;
	CURL **idle; /* easy handles for reuse */
	int n_idle; /* at most options.max_connections */
	curl_socket_t *sockets; /* of all connections */
	size_t n_sockets;
	size_t sockets_room;
};

/* Connections that stay when there is nothing to send. */
#define KEPT_CONNECTIONS 2

/*
 * Blocks all signals but those of the thread's own faults, and keeps the old
 * mask in *before.  A resolver thread that libcurl starts inherits the mask,
 * so signals stay with the backend's main thread.
 */
static void
block_signals(sigset_t *before)
{
	static const int own_fault[] = {SIGSEGV, SIGBUS,  SIGFPE,
									SIGILL,  SIGABRT, SIGTRAP};
	sigset_t all;
	size_t i;

	sigfillset(&all);
	/* a thread's own faults must not be lost */
	for (i = 0; i < sizeof(own_fault) / sizeof(own_fault[0]); i++)
		sigdelset(&all, own_fault[i]);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

static void
restore_signals(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

static int64_t
mono_now(const DdbcHttp *http)
{
	return http->options.mono_us(http->options.clock_arg);
}

/*
 * CURLMOPT_SOCKETFUNCTION: keeps the epoll set as libcurl wants it.  A failure
 * makes the whole handle broken, since an event would be missed.
 */
static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	DdbcHttp *http = arg;
	struct epoll_event event = {0};

	(void) easy;
	(void) unused;
	if (what == CURL_POLL_REMOVE)
	{
		/* may be closed, and so removed, already */
		epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, fd, &event);
		return 0;
	}
	event.data.fd = fd;
	event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0) |
				   ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0);
	if (epoll_ctl(http->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	if (errno == ENOENT &&
		epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	http->broken = true;
	return -1;
}

/*
 * Remembers when libcurl wants to be called, or that it does not. timeout_ms
 * is -1 then.
 */
static void
set_curl_deadline(DdbcHttp *http, long timeout_ms)
{
	http->curl_deadline_us = timeout_ms < 0
								 ? DDBC_HTTP_NO_DEADLINE
								 : mono_now(http) + (int64_t) timeout_ms * 1000;
}

/* CURLMOPT_TIMERFUNCTION. */
static int
set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	(void) multi;
	set_curl_deadline(arg, timeout_ms);
	return 0;
}

/* CURLOPT_WRITEFUNCTION. */
static size_t
receive_body(char *data, size_t size, size_t n, void *arg)
{
	DdbcExchange *exchange = arg;

	return ddbc_reply_append(&exchange->reply, data, size * n) ? size * n : 0;
}

/*
 * CURLOPT_PREREQFUNCTION: a request is about to be sent.  A second time when a
 * kept connection turned out to be closed: libcurl sends it again by itself,
 * though the server may have acted on the first.
 */
static int
count_send(void *arg, char *remote_ip, char *local_ip, int remote_port,
		   int local_port)
{
	DdbcExchange *exchange = arg;

	(void) remote_ip;
	(void) local_ip;
	(void) remote_port;
	(void) local_port;
	exchange->sends++;
	return CURL_PREREQFUNC_OK;
}

/* CURLOPT_HEADERFUNCTION. */
static size_t
receive_header(char *line, size_t size, size_t n, void *arg)
{
	DdbcExchange *exchange = arg;

	ddbc_reply_header(&exchange->reply, line, size * n);
	return size * n;
}

/*
 * Which authorities are trusted: those of ca_file and no others, or the system's
 * bundle.  libcurl's directory of certificates is left out where there is a
 * file: it adds the system's authorities to those of ca_file, and with it
 * libcurl parses the file anew for each connection instead of keeping it in the
 * multi handle (CURLOPT_CA_CACHE_TIMEOUT).
 */
static CURLcode
configure_authorities(CURL *easy, const DdbcHttpOptions *options)
{
	CURLcode rc = CURLE_OK;

	if (options->ca_file != NULL)
		rc = curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
	if (rc == CURLE_OK && (options->ca_file != NULL ||
						   curl_version_info(CURLVERSION_NOW)->cainfo != NULL))
		rc = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	return rc;
}

/* Notes the socket.  False when memory is short. */
static bool
add_socket(DdbcHttp *http, curl_socket_t fd)
{
	if (http->n_sockets == http->sockets_room)
	{
		size_t room = http->sockets_room * 2 + 16;
		curl_socket_t *larger =
			realloc(http->sockets, room * sizeof(*http->sockets));

		if (larger == NULL)
			return false;
		http->sockets = larger;
		http->sockets_room = room;
	}
	http->sockets[http->n_sockets++] = fd;
	return true;
}

/* libcurl's callback: a socket for a new connection. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
					address->protocol);

	(void) purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (!add_socket((DdbcHttp *) arg, fd))
	{
		close(fd);
		return CURL_SOCKET_BAD;
	}
	return fd;
}

/* libcurl's callback: a connection is over. */
static int
close_socket(void *arg, curl_socket_t fd)
{
	DdbcHttp *http = (DdbcHttp *) arg;
	size_t i;

	for (i = 0; i < http->n_sockets; i++)
		if (http->sockets[i] == fd)
		{
			memmove(&http->sockets[i], &http->sockets[i + 1],
					(--http->n_sockets - i) * sizeof(*http->sockets));
			break;
		}
	return close(fd);
}

/*
 * libcurl has no call that closes one idle connection.  But it looks whether
 * a connection has ended before it uses it again, and then closes it.
 */
void
ddbc_http_rest(DdbcHttp *http)
{
	size_t i;

	for (i = KEPT_CONNECTIONS; http->added == 0 && i < http->n_sockets; i++)
		(void) shutdown(http->sockets[i], SHUT_RDWR);
}

/*
 * Sets what all exchanges of one DdbcHttp have in common.  False if libcurl
 * refuses an option, or the certificates cannot be loaded.  Redirects are
 * never followed: the signature must not go where a reply says.
 */
static bool
configure_easy(CURL *easy, DdbcHttp *http)
{
	const DdbcHttpOptions *options = &http->options;
	CURLcode rc = CURLE_OK;

#define SET(option, value)                                                     \
	(rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, option, value))

	SET(CURLOPT_URL, options->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_USERAGENT, options->user_agent);
	SET(CURLOPT_BUFFERSIZE, RECEIVE_BUFFER_BYTES);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) options->connect_timeout_ms);
	SET(CURLOPT_TIMEOUT_MS, (long) options->request_timeout_ms);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (options->is_loopback)
		SET(CURLOPT_NOPROXY, "*");

	/* the checksum is over the bytes as sent: see reply.c */
	SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);

	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);

	/* no SIGALRM, and no joining of a resolver thread that hangs */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);

	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, http);
	SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	SET(CURLOPT_CLOSESOCKETDATA, http);
	SET(CURLOPT_WRITEFUNCTION, receive_body);
	SET(CURLOPT_HEADERFUNCTION, receive_header);
	SET(CURLOPT_PREREQFUNCTION, count_send);
#undef SET
	return rc == CURLE_OK && configure_authorities(easy, options) == CURLE_OK;
}

/*
 * A configured handle, idle or new.  NULL when memory is short. release_easy()
 * takes it back.
 */
static CURL *
acquire_easy(DdbcHttp *http)
{
	CURL *easy;

	if (http->n_idle > 0)
		return http->idle[--http->n_idle];
	easy = curl_easy_init();
	if (easy != NULL && !configure_easy(easy, http))
	{
		curl_easy_cleanup(easy);
		easy = NULL;
	}
	return easy;
}

/*
 * Keeps the handle for the next request, or frees it if enough are idle.
 * Connections belong to the multi handle and stay open either way.
 */
static void
release_easy(DdbcHttp *http, CURL *easy)
{
	/* nothing of the finished exchange may be pointed to */
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
	if (http->n_idle < http->options.max_connections)
		http->idle[http->n_idle++] = easy;
	else
		curl_easy_cleanup(easy);
}

/* NULL is allowed, and is an empty list. */
void
ddbc_http_free_headers(struct curl_slist *headers)
{
	struct curl_slist *header;

	for (header = headers; header != NULL; header = header->next)
		OPENSSL_cleanse(header->data, strlen(header->data));
	curl_slist_free_all(headers);
}

/* After the exchange is out of multi, or never was in it. */
static void
end_exchange(DdbcHttp *http, DdbcExchange *exchange)
{
	release_easy(http, exchange->easy);
	exchange->easy = NULL;
	ddbc_http_free_headers(exchange->headers);
	exchange->headers = NULL;
}

/* Takes a running exchange out of multi. */
static void
remove_exchange(DdbcHttp *http, DdbcExchange *exchange)
{
	sigset_t before;

	block_signals(&before);
	curl_multi_remove_handle(http->multi, exchange->easy);
	restore_signals(&before);
	http->added--;
	end_exchange(http, exchange);
}

void
ddbc_http_abort(DdbcHttp *http, DdbcExchange *exchange)
{
	if (exchange->easy == NULL)
		return;
	remove_exchange(http, exchange);
}

/*
 * On failure the exchange is clean again and must not be aborted.  The request
 * may already be on its way when this returns.
 */
bool
ddbc_http_start(DdbcHttp *http, DdbcExchange *exchange,
				struct curl_slist *headers, const char *body, size_t body_len,
				DdbcError *error)
{
	CURL *easy = acquire_easy(http);
	sigset_t before;
	CURLMcode rc;

	exchange->headers = headers;
	exchange->easy = easy;
	exchange->error_text[0] = '\0';
	exchange->sends = 0;
	if (easy == NULL)
	{
		ddbc_http_free_headers(headers);
		exchange->headers = NULL;
		ddbc_error_set(error, DDBC_ERROR_NO_MEMORY,
					   "could not set up an HTTP request");
		return false;
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) body_len);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error_text);

	block_signals(&before);
	rc = curl_multi_add_handle(http->multi, easy);
	restore_signals(&before);
	if (rc != CURLM_OK)
	{
		end_exchange(http, exchange);
		ddbc_error_set(error, DDBC_ERROR_NO_MEMORY,
					   "could not start an HTTP request: %s",
					   curl_multi_strerror(rc));
		return false;
	}
	http->added++;
	return true;
}

/*
 * Lets libcurl act on one descriptor, or on its timeouts.  Any failure breaks
 * the whole handle; the client then fails all its requests.
 */
static void
socket_action(DdbcHttp *http, curl_socket_t fd, int events)
{
	sigset_t before;
	int running = 0;

	block_signals(&before);
	if (curl_multi_socket_action(http->multi, fd, events, &running) != CURLM_OK)
		http->broken = true;
	restore_signals(&before);
	if (running < http->added)
		http->may_be_done = true;
}

/*
 * Runs libcurl's timeouts that are due.  When we come a little early by its
 * clock it does nothing and does not set its timer again either, so it is
 * asked.
 */
static void
run_curl_timeouts(DdbcHttp *http)
{
	int i;

	for (i = 0; i < MAX_TIMEOUTS_PER_CALL && !http->broken; i++)
	{
		long timeout_ms = -1;

		if (http->curl_deadline_us > mono_now(http))
			return;
		http->curl_deadline_us = DDBC_HTTP_NO_DEADLINE;
		socket_action(http, CURL_SOCKET_TIMEOUT, 0);
		if (http->curl_deadline_us == DDBC_HTTP_NO_DEADLINE &&
			curl_multi_timeout(http->multi, &timeout_ms) == CURLM_OK)
			set_curl_deadline(http, timeout_ms == 0 ? 1 : timeout_ms);
	}
}

/*
 * Serves one event of the epoll set.  The timer's event only wakes; what is
 * due is done by run_curl_timeouts().
 */
static void
handle_event(DdbcHttp *http, const struct epoll_event *event)
{
	uint64_t expirations;
	int what = 0;

	if (event->data.fd == http->timer_fd)
	{
		/* nothing to read: it was set anew after it fell due */
		if (read(http->timer_fd, &expirations, sizeof(expirations)) > 0)
			http->armed_us = DDBC_HTTP_NO_DEADLINE;
		return;
	}
	if ((event->events & EPOLLIN) != 0)
		what |= CURL_CSELECT_IN;
	if ((event->events & EPOLLOUT) != 0)
		what |= CURL_CSELECT_OUT;
	/* the cause comes out when it tries to use the socket */
	if ((event->events & (EPOLLERR | EPOLLHUP)) != 0)
		what |= CURL_CSELECT_IN | CURL_CSELECT_OUT;
	socket_action(http, event->data.fd, what);
}

/*
 * Takes at most EVENTS_PER_CALL events.  What is left makes the descriptor
 * readable again at once.
 */
void
ddbc_http_drive(DdbcHttp *http)
{
	struct epoll_event events[EVENTS_PER_CALL];
	int n = epoll_wait(http->epoll_fd, events, EVENTS_PER_CALL, 0);
	int i;

	for (i = 0; i < n && !http->broken; i++)
		handle_event(http, &events[i]);
	run_curl_timeouts(http);
}

void
ddbc_http_kick(DdbcHttp *http)
{
	run_curl_timeouts(http);
}

/*
 * The connection was not made in time: the name was not resolved, or host or
 * handshake did not answer.  The text tells which.
 */
static void
set_connect_timeout_error(const DdbcHttp *http, CURL *easy, DdbcError *error)
{
	curl_off_t resolved_us = 0;

	curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved_us);
	ddbc_error_set(
		error, resolved_us == 0 ? DDBC_ERROR_RESOLVE : DDBC_ERROR_CONNECT,
		resolved_us == 0 ? "could not resolve the host of %s within %d ms"
						 : "could not connect to %s within %d ms",
		http->peer, http->options.connect_timeout_ms);
}

/*
 * Prefers the error of the operating system, which is more precise than
 * libcurl's text.
 */
static void
set_connect_error(const DdbcHttp *http, DdbcExchange *exchange,
				  DdbcError *error)
{
	long os_errno = 0;

	curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &os_errno);
	if (os_errno == 0)
	{
		ddbc_error_set(error, DDBC_ERROR_CONNECT, "could not connect to %s: %s",
					   http->peer, exchange->error_text);
		return;
	}
	errno = (int) os_errno;
	ddbc_error_set(error, DDBC_ERROR_CONNECT, "could not connect to %s: %m",
				   http->peer);
}

/* The connection was there, and then it was not. */
static void
set_network_error(const DdbcHttp *http, const DdbcExchange *exchange,
				  CURLcode code, DdbcError *error)
{
	const char *cause = exchange->error_text[0] != '\0'
							? exchange->error_text
							: curl_easy_strerror(code);

	ddbc_error_set(error, DDBC_ERROR_NETWORK, "connection to %s broke: %s",
				   http->peer, cause);
}

/*
 * Makes *error of libcurl's verdict.  Kind, message and retryable are set;
 * code and ambiguous are for the caller to set.  Certificates and wrong files
 * are not tried again.
 */
static void
translate_code(const DdbcHttp *http, DdbcExchange *exchange, CURLcode code,
			   bool was_sent, DdbcError *error)
{
	switch (code)
	{
		case CURLE_OUT_OF_MEMORY:
			ddbc_error_set(error, DDBC_ERROR_NO_MEMORY, "out of memory");
			return;
		case CURLE_SSL_CACERT_BADFILE:
			ddbc_error_set(error, DDBC_ERROR_CONFIG,
						   "could not load the CA certificates: %s",
						   exchange->error_text);
			return;
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_RESOLVE_PROXY:
			ddbc_error_set(error, DDBC_ERROR_RESOLVE,
						   "could not resolve the host of %s: %s", http->peer,
						   exchange->error_text);
			break;
		case CURLE_COULDNT_CONNECT:
			set_connect_error(http, exchange, error);
			break;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_INVALIDCERTSTATUS:
			/* what is wrong with a certificate stays wrong */
			ddbc_error_set(error, DDBC_ERROR_TLS,
						   "could not verify the certificate of %s: %s",
						   http->peer, exchange->error_text);
			return;
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_SSL_CIPHER:
			ddbc_error_set(error, DDBC_ERROR_TLS,
						   "could not establish a TLS connection to %s: %s",
						   http->peer, exchange->error_text);
			break;
		case CURLE_OPERATION_TIMEDOUT:
			if (was_sent)
				ddbc_error_set(error, DDBC_ERROR_TIMEOUT,
							   "no complete reply from %s within %d ms",
							   http->peer, http->options.request_timeout_ms);
			else
				set_connect_timeout_error(http, exchange->easy, error);
			break;
		case CURLE_UNSUPPORTED_PROTOCOL:
		case CURLE_WEIRD_SERVER_REPLY:
		case CURLE_BAD_CONTENT_ENCODING:
			ddbc_error_set(error, DDBC_ERROR_CORRUPT,
						   "reply of %s is not HTTP: %s", http->peer,
						   exchange->error_text);
			break;
		default:
			set_network_error(http, exchange, code, error);
			break;
	}
	error->retryable = true;
}

/*
 * Sets *error from how the exchange ended, and leaves it clear when a reply
 * has come whole.  A failure after anything was sent is ambiguous: the service
 * may have acted on it.
 */
static void
judge_exchange(const DdbcHttp *http, DdbcExchange *exchange, CURLcode code,
			   DdbcError *error)
{
	long status = 0;
	size_t len;
	const char *text;

	ddbc_error_clear(error);
	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	exchange->reply.status = (int) status;
	/* broken off by ourselves: ddbc_reply_finish knows why */
	if (code == CURLE_OK || exchange->reply.flaw != DDBC_REPLY_GOOD)
		return;
	translate_code(http, exchange, code, exchange->sends > 0, error);
	error->ambiguous = exchange->sends > 0;
	text = curl_easy_strerror(code);
	len = strnlen(text, sizeof(error->code) - 1);
	memcpy(error->code, text, len);
	error->code[len] = '\0';
}

/*
 * Takes the handle out of the multi handle and gives it back, so the caller
 * has only the exchange and its reply left.
 */
DdbcExchange *
ddbc_http_next_done(DdbcHttp *http, DdbcError *error)
{
	CURLMsg *message;
	CURLcode code;
	DdbcExchange *exchange = NULL;
	int left;

	do
	{
		message = curl_multi_info_read(http->multi, &left);
		if (message == NULL)
		{
			http->may_be_done = false;
			return NULL;
		}
	} while (message->msg != CURLMSG_DONE);

	/* the message is gone with its handle */
	code = message->data.result;
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
					  (char **) &exchange);
	judge_exchange(http, exchange, code, error);
	remove_exchange(http, exchange);
	return exchange;
}

bool
ddbc_http_is_broken(const DdbcHttp *http)
{
	return http->broken;
}

/*
 * Takes libcurl's own deadline into account.  Calls the kernel only if the
 * time has changed, as this runs after every step.
 */
void
ddbc_http_arm(DdbcHttp *http, int64_t deadline_us)
{
	struct itimerspec timer = {{0, 0}, {0, 0}};
	int64_t remaining_us;

	if (http->curl_deadline_us < deadline_us)
		deadline_us = http->curl_deadline_us;
	/* what is over and not yet fetched, or will never be, is due now */
	if (http->may_be_done || http->broken)
		deadline_us = 0;
	if (deadline_us == http->armed_us)
		return;
	if (deadline_us != DDBC_HTTP_NO_DEADLINE)
	{
		remaining_us = deadline_us - mono_now(http);
		/* zero would switch it off */
		if (remaining_us < 1)
			remaining_us = 1;
		timer.it_value.tv_sec = (time_t) (remaining_us / 1000000);
		timer.it_value.tv_nsec = (long) (remaining_us % 1000000) * 1000;
	}
	timerfd_settime(http->timer_fd, 0, &timer, NULL);
	http->armed_us = deadline_us;
}

const char *
ddbc_http_peer(const DdbcHttp *http)
{
	return http->peer;
}

int
ddbc_http_fd(const DdbcHttp *http)
{
	return http->epoll_fd;
}

/* Makes the epoll descriptor and the timer in it.  False with errno set. */
static bool
open_descriptors(DdbcHttp *http)
{
	struct epoll_event event = {0};

	http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (http->epoll_fd < 0)
		return false;
	http->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (http->timer_fd < 0)
		return false;
	event.events = EPOLLIN;
	event.data.fd = http->timer_fd;
	return epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, http->timer_fd, &event) ==
		   0;
}

/*
 * Sets up the multi handle and the array of idle handles.  False when memory
 * is short; what was made is freed by ddbc_http_free().
 */
static bool
open_multi(DdbcHttp *http)
{
	static bool initialised = false;

	/* never undone: other users of libcurl may live in this process */
	if (!initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	initialised = true;
	http->multi = curl_multi_init();
	http->idle = calloc((size_t) http->options.max_connections, sizeof(CURL *));
	if (http->multi == NULL || http->idle == NULL)
		return false;
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS,
					  (long) http->options.max_connections);
	return true;
}

/* Messages name the peer by its URL without the slash at the end. */
DdbcHttp *
ddbc_http_create(const DdbcHttpOptions *options, DdbcError *error)
{
	DdbcHttp *http = calloc(1, sizeof(*http));
	size_t len = strlen(options->url);

	if (http == NULL)
	{
		ddbc_error_set(error, DDBC_ERROR_NO_MEMORY, "out of memory");
		return NULL;
	}
	http->options = *options;
	http->epoll_fd = http->timer_fd = -1;
	http->curl_deadline_us = http->armed_us = DDBC_HTTP_NO_DEADLINE;
	http->peer = strndup(options->url, len > 0 ? len - 1 : 0);
	if (http->peer == NULL || !open_multi(http))
		ddbc_error_set(error, DDBC_ERROR_NO_MEMORY,
					   "could not initialise libcurl");
	else if (!open_descriptors(http))
		ddbc_error_set(error, DDBC_ERROR_NO_MEMORY,
					   "could not create an epoll descriptor: %m");
	else
		return http;
	ddbc_http_free(http);
	return NULL;
}

/*
 * Waits for nothing while connections close, as CURLOPT_QUICK_EXIT is set.
 * NULL is allowed.
 */
void
ddbc_http_free(DdbcHttp *http)
{
	sigset_t before;

	if (http == NULL)
		return;
	block_signals(&before);
	while (http->n_idle > 0)
		curl_easy_cleanup(http->idle[--http->n_idle]);
	if (http->multi != NULL)
		curl_multi_cleanup(http->multi);
	restore_signals(&before);
	if (http->timer_fd >= 0)
		close(http->timer_fd);
	if (http->epoll_fd >= 0)
		close(http->epoll_fd);
	free(http->idle);
	free(http->sockets);
	free(http->peer);
	free(http);
}
