// SPDX-License-Identifier: GPL-2.0-only
/* server.c - the loop: listeners, visitors not yet told apart, libmicrohttpd's own epolls, and a signal */
#include "userspace/notice/server_private.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

#define EVENTS_AT_ONCE 256
#define SPARE_FILES    64 /* standard ones, listeners, epolls */

DEFINE_CLEANUP(server, struct server *, server_free)

int64_t server_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint32_t server_files(const struct settings *settings)
{
	return settings->connections + SPARE_FILES;
}

int server_watch(struct server *server, int fd, uint32_t events, int operation)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(server->epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	if (server->plain)
		MHD_stop_daemon(server->plain);
	if (server->tls)
		MHD_stop_daemon(server->tls);
	for (size_t fd = 0; fd < server->visitors_size; fd++)
		if (server->visitors[fd].used)
			(void)close((int)fd); /* nothing was written */
	if (server->signal_fd >= 0)
		(void)close(server->signal_fd);
	if (server->epoll_fd >= 0)
		(void)close(server->epoll_fd);
	free(server->visitors);
	free(server);
}

/* --- making it --------------------------------------------------------------------- */

static int watch_daemon(struct server *server, struct MHD_Daemon *daemon)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);

	return info ? server_watch(server, info->epoll_fd, EPOLLIN, EPOLL_CTL_ADD) : -EIO;
}

static int watch_all(struct server *server)
{
	int err = server_watch(server, server->signal_fd, EPOLLIN, EPOLL_CTL_ADD);

	for (size_t i = 0; !err && i < server->listeners->count; i++)
		err = server_watch(server, server->listeners->fds[i], EPOLLIN, EPOLL_CTL_ADD);
	if (!err)
		err = watch_daemon(server, server->plain);
	if (!err && server->tls)
		err = watch_daemon(server, server->tls);
	return err;
}

static int open_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set); /* these cannot fail for signals that there are */
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int server_new(const struct settings *settings, const struct listeners *listeners, const char *certificate,
	       const char *key, struct server **ret, struct ag_error *error)
{
	CLEANUP(cleanup_server) struct server *server = calloc(1, sizeof(*server));
	int err;

	if (!server)
		return error_set(error, ERROR_LIMIT, "out of memory");
	server->settings = settings;
	server->listeners = listeners;
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	server->signal_fd = open_signals();
	TAILQ_INIT(&server->queue);
	server->visitors_size = server_files(settings);
	server->visitors = calloc(server->visitors_size, sizeof(*server->visitors));
	if (server->epoll_fd < 0 || server->signal_fd < 0 || !server->visitors)
		return error_set(error, ERROR_KERNEL, "cannot start: %s", strerror(errno));
	server->plain = answer_start(server, NULL, NULL);
	if (!server->plain)
		return error_set(error, ERROR_KERNEL,
				 "libmicrohttpd does not start: too old, or built without "
				 "epoll?");
	if (certificate) {
		server->tls = answer_start(server, certificate, key);
		if (!server->tls)
			return error_set(error, ERROR_BAD_REQUEST,
					 "the certificate and the key are no PEM files that belong together: "
					 "see --certificate and --key");
	}
	err = watch_all(server);
	if (err)
		return error_set(error, ERROR_KERNEL, "cannot wait for connections: %s", strerror(-err));
	*ret = server;
	server = NULL;
	return 0;
}

/* --- running it -------------------------------------------------------------------- */

static bool is_listener(const struct server *server, int fd)
{
	for (size_t i = 0; i < server->listeners->count; i++)
		if (server->listeners->fds[i] == fd)
			return true;
	return false;
}

static void dispatch(struct server *server, int fd)
{
	struct visitor *visitor = (size_t)fd < server->visitors_size ? &server->visitors[fd] : NULL;

	if (is_listener(server, fd))
		visitors_accept(server, fd);
	else if (visitor && visitor->used && !visitor->given)
		visitor_sort(server, visitor);
	/* libmicrohttpd's are run in each turn. */
}

static void sooner(int64_t *at_ms, int64_t other_ms)
{
	if (*at_ms < 0 || other_ms < *at_ms)
		*at_ms = other_ms;
}

static void ask_daemon(struct MHD_Daemon *daemon, int64_t now, int64_t *at_ms)
{
	MHD_UNSIGNED_LONG_LONG wait = 0;

	if (daemon && MHD_get_timeout(daemon, &wait) == MHD_YES)
		sooner(at_ms, now + (int64_t)(wait < 60000 ? wait : 60000));
}

/* For epoll_wait(): -1 is for ever. */
static int timeout_ms(const struct server *server)
{
	const struct visitor *first = TAILQ_FIRST(&server->queue);
	int64_t now = server_now_ms(), at = -1;

	if (first)
		sooner(&at, first->deadline_ms);
	if (server->resume_ms)
		sooner(&at, server->resume_ms);
	ask_daemon(server->plain, now, &at);
	ask_daemon(server->tls, now, &at);
	if (at < 0)
		return -1;
	return at > now ? (int)(at - now) : 0;
}

static void turn(struct server *server)
{
	int64_t now = server_now_ms();

	visitors_expire(server, now);
	(void)MHD_run(server->plain); /* an error of it is one of a visitor */
	if (server->tls)
		(void)MHD_run(server->tls);
	if (server->resume_ms && server->resume_ms <= now) {
		server->resume_ms = 0;
		for (size_t i = 0; i < server->listeners->count; i++)
			(void)server_watch(server, server->listeners->fds[i], EPOLLIN, EPOLL_CTL_MOD);
	}
}

int server_run(struct server *server)
{
	struct epoll_event events[EVENTS_AT_ONCE];

	for (;;) {
		int count = epoll_wait(server->epoll_fd, events, EVENTS_AT_ONCE, timeout_ms(server));

		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == server->signal_fd)
				return 0;
			dispatch(server, events[i].data.fd);
		}
		turn(server);
	}
}
