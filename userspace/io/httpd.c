// SPDX-License-Identifier: GPL-2.0-only
/*
 * httpd.c - one epoll instance over the listening socket, libmicrohttpd and the lingering connections
 *
 * libmicrohttpd runs without a thread and without a listening socket. Its epoll instance lies within ours,
 * which is ready as long as its own has events. It may have work left when it returns (data that it read
 * already), which it says by a timeout of 0; so it is run until it has none, within bounds, and the timeout
 * that is left is given to the loop.
 */
#include "userspace/io/httpd.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"
#include "userspace/io/httpd_private.h"

/* libmicrohttpd's memory of one connection: request line, header fields, and the window for the body. */
#define CONNECTION_MEMORY ((size_t)32 * 1024)
/* In one httpd_run(): the rest waits for the next, and other sources of the loop have their turn. */
#define ACCEPTS_MAX 64
/* A handshake is a signature, some milliseconds of RSA: few of them, and the loop goes on with the rest. */
#define TLS_ACCEPTS_MAX 4
#define ROUNDS_MAX	16
#define EVENTS_MAX	64
#define TLS_PRIORITIES	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"
/* Until accepting is tried again, when there were no descriptors left. */
#define ACCEPT_PAUSE_MS 100

DEFINE_CLEANUP(httpd, struct httpd *, httpd_close)

int httpd_watch(const struct httpd *httpd, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

	return epoll_ctl(httpd->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

struct MHD_Daemon *httpd_start_daemon(struct httpd *httpd, const struct httpd_tls *tls)
{
	const struct MHD_OptionItem with_tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? (void *)(uintptr_t)tls->certificate : NULL},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? (void *)(uintptr_t)tls->key : NULL},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

	errno = 0;
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
					(tls ? (unsigned int)MHD_USE_TLS : 0U),
				0, NULL, NULL, httpd_request_continue, httpd, MHD_OPTION_CONNECTION_LIMIT,
				httpd->options.connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
				MHD_OPTION_URI_LOG_CALLBACK, httpd_request_begin, httpd,
				MHD_OPTION_NOTIFY_COMPLETED, httpd_request_end, httpd,
				MHD_OPTION_NOTIFY_CONNECTION, httpd_notify_connection, httpd,
				/* the target is taken raw: decoding comes after splitting */
				MHD_OPTION_UNESCAPE_CALLBACK, httpd_unescape_nothing, NULL, MHD_OPTION_ARRAY,
				tls ? with_tls : none, MHD_OPTION_END);
}

int httpd_watch_daemon(const struct httpd *httpd, struct MHD_Daemon *daemon)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);

	return info ? httpd_watch(httpd, info->epoll_fd) : -EIO;
}

static int watch_listeners(const struct httpd *httpd)
{
	int result = 0;

	for (size_t i = 0; i < httpd->listen_count && !result; i++)
		result = httpd_watch(httpd, httpd->listen_fds[i]);
	return result;
}

static int start_watching(struct httpd *httpd)
{
	int result = httpd_watch_daemon(httpd, httpd->daemon);

	return result ? result : watch_listeners(httpd);
}

static struct httpd *httpd_new(const struct httpd_options *options)
{
	struct httpd *httpd = calloc(1, sizeof(*httpd));

	assert(options->connections > 0 && options->connections <= HTTPD_CONNECTIONS_MAX);
	assert(options->handler && options->refusal && options->deadline_ms > 0);
	if (!httpd)
		return NULL;
	httpd->options = *options;
	httpd->epoll_fd = -1;
	TAILQ_INIT(&httpd->serving);
	TAILQ_INIT(&httpd->lingering);
	LIST_INIT(&httpd->deferred);
	LIST_INIT(&httpd->streams);
	return httpd;
}

static int finish_open(struct httpd **httpd, const char *where, struct httpd **ret, struct ag_error *error)
{
	int result = start_watching(*httpd);

	if (result)
		return error_set(error, ERROR_KERNEL, "cannot serve on %s: %s", where, strerror(-result));
	*ret = TAKE_PTR(*httpd);
	return 0;
}

static int begin_open(const char *where, const struct httpd_options *options, struct httpd **ret,
		      struct ag_error *error)
{
	struct httpd *httpd = httpd_new(options);

	if (httpd)
		httpd->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!httpd || httpd->epoll_fd < 0) {
		httpd_close(httpd);
		return error_set(error, ERROR_KERNEL, "cannot serve on %s: out of memory or descriptors",
				 where);
	}
	*ret = httpd;
	return 0;
}

static int start_plain(struct httpd *httpd, const char *where, struct ag_error *error)
{
	httpd->daemon = httpd_start_daemon(httpd, NULL);
	return httpd->daemon ? 0
			     : error_set(error, ERROR_KERNEL, "cannot serve on %s: %s", where,
					 strerror(errno ? errno : EIO));
}

int httpd_open_unix(const char *path, const char *group, const struct httpd_options *options,
		    struct httpd **ret, struct ag_error *error)
{
	CLEANUP(cleanup_httpd) struct httpd *httpd = NULL;
	int result = begin_open(path, options, &httpd, error);

	if (result)
		return result;
	httpd->is_unix = true;
	result = httpd_listen_unix(path, group, &httpd->file, &httpd->listen_fds[0], error);
	httpd->listen_count = !result;
	if (!result)
		result = start_plain(httpd, path, error);
	return result ? result : finish_open(&httpd, path, ret, error);
}

int httpd_open_tcp(const char *address, const struct httpd_options *options, struct httpd **ret,
		   struct ag_error *error)
{
	CLEANUP(cleanup_httpd) struct httpd *httpd = NULL;
	int result = begin_open(address, options, &httpd, error);

	if (!result)
		result = httpd_listen_tcp(address, false, &httpd->listen_fds[0], error);
	if (result)
		return result;
	httpd->listen_count = 1;
	result = start_plain(httpd, address, error);
	return result ? result : finish_open(&httpd, address, ret, error);
}

static int listen_all(struct httpd *httpd, const char *const *addresses, size_t count, struct ag_error *error)
{
	int result = 0;

	for (size_t i = 0; i < count && !result; i++) {
		result = httpd_listen_tcp(addresses[i], true, &httpd->listen_fds[i], error);
		httpd->listen_count += !result;
	}
	return result;
}

int httpd_open_tls(const char *const *addresses, size_t count, const struct httpd_tls *tls,
		   const struct httpd_options *options, struct httpd **ret, struct ag_error *error)
{
	CLEANUP(cleanup_httpd) struct httpd *httpd = NULL;
	int result = begin_open(addresses[0], options, &httpd, error);

	assert(count > 0 && count <= HTTPD_LISTENERS_MAX);
	if (result)
		return result;
	httpd->is_tls = true;
	result = httpd_renew_tls(httpd, tls, error); /* the first one */
	if (!result)
		result = listen_all(httpd, addresses, count, error);
	if (result)
		return result;
	result = watch_listeners(httpd);
	if (result)
		return error_set(error, ERROR_KERNEL, "cannot serve on %s: %s", addresses[0],
				 strerror(-result));
	*ret = TAKE_PTR(httpd);
	return 0;
}

uint16_t httpd_port(const struct httpd *httpd)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (getsockname(httpd->listen_fds[0], (struct sockaddr *)&address, &size) < 0)
		return 0;
	if (address.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&address)->sin_port);
	if (address.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
	return 0;
}

int httpd_fd(const struct httpd *httpd)
{
	return httpd->epoll_fd;
}

/* What libmicrohttpd has to do by itself. */
static uint64_t daemons_wait_ms(const struct httpd *httpd)
{
	MHD_UNSIGNED_LONG_LONG one = 0;
	uint64_t wait = UINT64_MAX;

	if (MHD_get_timeout(httpd->daemon, &one) == MHD_YES)
		wait = one;
	for (size_t i = 0; i < httpd->retired_count; i++)
		if (MHD_get_timeout(httpd->retired[i], &one) == MHD_YES && one < wait)
			wait = one;
	return wait;
}

int httpd_timeout_ms(const struct httpd *httpd)
{
	uint64_t nearest = httpd_nearest_deadline(httpd), now = httpd_now_ms();
	uint64_t wait, daemons_ms = daemons_wait_ms(httpd);

	if (httpd->accept_again_ms && httpd->accept_again_ms < nearest)
		nearest = httpd->accept_again_ms;
	wait = nearest == UINT64_MAX ? UINT64_MAX : nearest > now ? nearest - now : 0;
	if (daemons_ms < wait)
		wait = daemons_ms;
	if (httpd->resumed)
		return 0;
	if (wait == UINT64_MAX)
		return -1;
	return wait > INT_MAX ? INT_MAX : (int)wait;
}

/* --- what httpd_run() does ----------------------------------------------------- */

/* Events of the listening socket and of libmicrohttpd need no telling apart: both are looked at anyway. */
static void run_connections(struct httpd *httpd)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(httpd->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < count; i++) {
		struct connection *connection = events[i].data.ptr;

		if (connection && connection->stream)
			httpd_stream_hang_up(connection->stream);
		else if (connection)
			httpd_drain(connection);
	}
}

/* A listening socket that is readable and cannot be accepted from would keep the loop spinning. */
static void pause_accepting(struct httpd *httpd)
{
	for (size_t i = 0; i < httpd->listen_count; i++)
		(void)epoll_ctl(httpd->epoll_fd, EPOLL_CTL_DEL, httpd->listen_fds[i], NULL); /* it is in */
	httpd->accept_again_ms = httpd_now_ms() + ACCEPT_PAUSE_MS;
}

/* Whether accepting is on. */
static bool resume_accepting(struct httpd *httpd)
{
	if (!httpd->accept_again_ms)
		return true;
	if (httpd_now_ms() < httpd->accept_again_ms)
		return false;
	if (watch_listeners(httpd)) {
		pause_accepting(httpd);
		return false;
	}
	httpd->accept_again_ms = 0;
	return true;
}

/* False: nothing more can be accepted for a while. */
static bool accept_some(struct httpd *httpd, int listen_fd)
{
	int most = httpd->is_tls ? TLS_ACCEPTS_MAX : ACCEPTS_MAX;

	for (int i = 0; i < most; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			httpd_add(httpd, fd);
		} else if (errno == EAGAIN) {
			return true;
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			pause_accepting(httpd);
			return false;
		}
		/* Any other error belongs to the one connection (accept(2)): on to the next. */
	}
	return true;
}

static void run_accept(struct httpd *httpd)
{
	bool more = resume_accepting(httpd);

	for (size_t i = 0; i < httpd->listen_count && more; i++)
		more = accept_some(httpd, httpd->listen_fds[i]);
}

static void run_daemons(struct httpd *httpd)
{
	for (int i = 0; i < ROUNDS_MAX; i++) {
		httpd->resumed = false;	      /* by a handler, and then there is another round */
		(void)MHD_run(httpd->daemon); /* fails for a daemon with threads alone */
		for (size_t old = 0; old < httpd->retired_count; old++)
			(void)MHD_run(httpd->retired[old]);
		if (!httpd->resumed && daemons_wait_ms(httpd) > 0)
			return;
	}
}

/* What was answered a moment ago still gets out. libmicrohttpd must not be stopped with a suspended
 * connection. */
static void stop_daemons(struct httpd *httpd)
{
	httpd->closing = true;
	httpd_end_streams(httpd);
	run_daemons(httpd);
	httpd_abandon_deferred(httpd);
	MHD_stop_daemon(httpd->daemon); /* what it served lingers now */
	while (httpd->retired_count)
		MHD_stop_daemon(httpd->retired[--httpd->retired_count]);
}

void httpd_close(struct httpd *httpd)
{
	if (!httpd)
		return;
	httpd_remove_file(&httpd->file);
	if (httpd->daemon)
		stop_daemons(httpd);
	httpd_free_lingering(httpd);
	for (size_t i = 0; i < httpd->listen_count; i++)
		(void)close(httpd->listen_fds[i]); /* a listening socket has nothing to lose */
	if (httpd->epoll_fd >= 0)
		(void)close(httpd->epoll_fd);
	free(httpd);
}

void httpd_run(struct httpd *httpd)
{
	uint64_t now = httpd_now_ms();

	run_connections(httpd);
	run_accept(httpd);
	run_daemons(httpd);
	if (httpd->retired_count)
		httpd_end_retired(httpd);
	/* Last, and by the clock as it was: what arrived in time, while the loop or a handler was busy, was
	 * read. */
	httpd_expire(httpd, now);
}
