// SPDX-License-Identifier: GPL-2.0-only
/*
 * server.c - see server.h
 *
 * One request at a time, each whole in one packet. Whoever sends anything else is cut off: it is of another
 * version. An answer that the client does not take at once is not waited for.
 */
#include "userspace/origin/server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

#define CLIENTS_MAX	16
#define BACKLOG		16
#define FIRST_PASSED_FD 3
#define FDS_MAX		2

/* --- the listening socket ------------------------------------------------------------ */

/* SOCK_SEQPACKET, and listening. */
static bool is_ours(int fd)
{
	int type = 0, listening = 0;
	socklen_t size = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET)
		return false;
	size = sizeof(listening);
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

/* Read once, before anything else is; $LISTEN_PID says that they are for this process. */
static bool passed(bool *ret_one)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	char own[16];

	(void)snprintf(own, sizeof(own), "%d", (int)getpid()); /* fits */
	if (!pid || !count || strcmp(pid, own) != 0)
		return false;
	*ret_one = !strcmp(count, "1");
	return true;
}

static bool somebody_listens(const struct sockaddr_un *address)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	       errno != ECONNREFUSED;
}

/* A file that was left behind by one that ended is replaced. */
static int bind_path(int fd, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t before;
	int err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	before = umask(0177);
	err = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	if (err == -EADDRINUSE && !somebody_listens(&address) && unlink(path) == 0)
		err = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	(void)umask(before); /* cannot fail */
	return err;
}

int server_listen(const char *path, int *ret, struct ag_error *error)
{
	AUTO_FD int fd = -1;
	bool one = false;
	int err;

	if (passed(&one)) {
		if (!one || !is_ours(FIRST_PASSED_FD))
			return error_set(error, ERROR_BAD_REQUEST,
					 "the service manager handed over something else than one listening "
					 "socket of type SOCK_SEQPACKET: use allowgate-origin.socket");
		*ret = FIRST_PASSED_FD;
		return 0;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	err = fd < 0 ? -errno : bind_path(fd, path);
	if (!err && listen(fd, BACKLOG) < 0)
		err = -errno;
	if (err == -EADDRINUSE)
		return error_set(error, ERROR_EXISTS, "%s is in use: does allowgate-origin run already?",
				 path);
	if (err)
		return error_set(error, ERROR_KERNEL, "cannot listen on %s: %s", path, strerror(-err));
	*ret = TAKE_FD(fd);
	return 0;
}

/* --- one request ----------------------------------------------------------------------- */

struct asked {
	struct origin_request request;
	int fds[FDS_MAX];
	size_t fd_count;
};

static void close_fds(struct asked *asked)
{
	while (asked->fd_count)
		(void)close(asked->fds[--asked->fd_count]); /* another has them too */
}

/* More descriptors than there is room for are closed by the kernel, and say MSG_CTRUNC. */
static void take_fds(struct msghdr *message, struct asked *asked)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	for (; control; control = CMSG_NXTHDR(message, control)) {
		size_t size = control->cmsg_len - CMSG_LEN(0);

		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS ||
		    size > sizeof(asked->fds))
			continue;
		memcpy(asked->fds, CMSG_DATA(control), size);
		asked->fd_count = size / sizeof(int);
	}
}

/* -EAGAIN: nothing is there; -EPROTO: it is no request; -ECONNRESET: the client has gone. */
static int receive(int fd, struct asked *asked)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec part = {.iov_base = &asked->request, .iov_len = sizeof(asked->request)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	bool check;

	asked->fd_count = 0;
	if (length <= 0)
		return length < 0 && errno == EAGAIN ? -EAGAIN : -ECONNRESET;
	take_fds(&message, asked);
	check = asked->request.flags & ORIGIN_CHECK_PEER;
	if (length != sizeof(asked->request) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    asked->request.version != ORIGIN_VERSION || (asked->request.flags & ~ORIGIN_CHECK_PEER) ||
	    asked->fd_count != (check ? 2U : 1U)) {
		close_fds(asked);
		return -EPROTO;
	}
	return 0;
}

static int serve(int fd, const struct finder *finder)
{
	struct origin_answer answer;
	struct origin origin;
	struct asked asked;
	int err = receive(fd, &asked);

	if (err)
		return err == -EAGAIN ? 0 : err;
	find_origin(finder, asked.fds[0], asked.fd_count > 1 ? asked.fds[1] : -1, &origin);
	close_fds(&asked);
	origin_encode(&origin, asked.request.cookie, &answer);
	return send(fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* --- the loop ---------------------------------------------------------------------------- */

/* The first one is the listening socket; those of no client have -1. */
struct server {
	struct pollfd fds[1 + CLIENTS_MAX];
};

static void accept_client(struct server *server)
{
	int fd = accept4(server->fds[0].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (size_t i = 1; i <= CLIENTS_MAX; i++) {
		if (server->fds[i].fd < 0) {
			server->fds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
			return;
		}
	}
	(void)close(fd); /* too many: the daemon is one */
}

int server_run(int listen_fd, const struct finder *finder)
{
	struct server server;

	server.fds[0] = (struct pollfd){.fd = listen_fd, .events = POLLIN};
	for (size_t i = 1; i <= CLIENTS_MAX; i++)
		server.fds[i] = (struct pollfd){.fd = -1};
	for (;;) {
		if (poll(server.fds, 1 + CLIENTS_MAX, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		for (size_t i = 1; i <= CLIENTS_MAX; i++) {
			struct pollfd *client = &server.fds[i];

			if (client->fd < 0 || !client->revents || !serve(client->fd, finder))
				continue;
			(void)close(client->fd); /* it is gone, or has to begin anew */
			client->fd = -1;
		}
		if (server.fds[0].revents)
			accept_client(&server);
	}
}
