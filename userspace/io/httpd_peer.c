// SPDX-License-Identifier: GPL-2.0-only
/*
 * httpd_peer.c - the process at the other end of a Unix socket
 *
 * SO_PEERPIDFD (Linux 6.5) is of the process that connected, whatever has become of its number. Without it
 * there is only the number in SO_PEERCRED, which may be another process' by the time it is looked at.
 */
#include "userspace/io/httpd_private.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* as everywhere but on sparc and parisc */
#endif

static int open_by_number(int fd, struct httpd_peer *ret)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	long pidfd;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	if (peer.pid <= 0)
		return -ESRCH; /* of a pid namespace that is none of ours */
	pidfd = syscall(SYS_pidfd_open, peer.pid, 0U);
	if (pidfd < 0)
		return -errno;
	*ret = (struct httpd_peer){.pidfd = (int)pidfd, .connection = fd};
	return 0;
}

int httpd_peer(const struct httpd_request *request, struct httpd_peer *ret)
{
	const struct connection *connection = httpd_request_connection(request);
	socklen_t size = sizeof(ret->pidfd);
	int pidfd;

	if (!connection)
		return -ENOTCONN;
	if (!connection->httpd->is_unix)
		return -EOPNOTSUPP;
	if (getsockopt(connection->fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0) {
		if (errno == ENOPROTOOPT)
			return open_by_number(connection->fd, ret);
		return errno == EINVAL ? -ESRCH : -errno; /* as it was before 6.15: it has ended */
	}
	*ret = (struct httpd_peer){.pidfd = pidfd, .connection = -1};
	return 0;
}
