// SPDX-License-Identifier: GPL-2.0-only
/* listen.c - see listen.h */
#include "userspace/notice/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

#define BACKLOG 1024

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

bool endpoint_of(const void *address, struct endpoint *ret)
{
	const union address *from = address;

	switch (from->any.sa_family) {
	case AF_INET:
		ret->addr = addr_make(AG_FAMILY_IPV4, &from->v4.sin_addr);
		ret->port = ntohs(from->v4.sin_port);
		return true;
	case AF_INET6:
		/* systemd's sockets may be dual-stack. */
		if (IN6_IS_ADDR_V4MAPPED(&from->v6.sin6_addr))
			ret->addr = addr_make(AG_FAMILY_IPV4, &from->v6.sin6_addr.s6_addr[12]);
		else
			ret->addr = addr_make(AG_FAMILY_IPV6, &from->v6.sin6_addr);
		ret->port = ntohs(from->v6.sin6_port);
		return true;
	default:
		return false;
	}
}

static socklen_t address_of(const struct endpoint *endpoint, union address *ret)
{
	*ret = (union address){0};
	if (endpoint->addr.family == AG_FAMILY_IPV4) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(endpoint->port);
		memcpy(&ret->v4.sin_addr, endpoint->addr.bytes, sizeof(ret->v4.sin_addr));
		return sizeof(ret->v4);
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(endpoint->port);
	memcpy(&ret->v6.sin6_addr, endpoint->addr.bytes, sizeof(ret->v6.sin6_addr));
	return sizeof(ret->v6);
}

static int enable(int fd, int level, int option)
{
	const int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

static int open_one(const struct endpoint *endpoint, int *ret)
{
	union address address;
	socklen_t size = address_of(endpoint, &address);
	AUTO_FD int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || enable(fd, SOL_SOCKET, SO_REUSEADDR) < 0 ||
	    (address.any.sa_family == AF_INET6 && enable(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0) ||
	    bind(fd, &address.any, size) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

static int take_handed(int count, struct listeners *ret, struct ag_error *error)
{
	if (count > SETTINGS_LISTEN_MAX)
		return error_set(error, ERROR_LIMIT, "systemd hands over %d sockets: at most %d", count,
				 SETTINGS_LISTEN_MAX);
	for (int i = 0; i < count; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 || sd_is_socket(fd, AF_UNIX, 0, -1) > 0)
			return error_set(error, ERROR_BAD_REQUEST,
					 "what systemd hands over is no listening TCP socket: write "
					 "ListenStream=PORT in the socket unit");
		if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			return error_set(error, ERROR_KERNEL, "cannot use a socket: %s", strerror(errno));
		ret->fds[ret->count++] = fd;
	}
	return 0;
}

int listen_open(const struct settings *settings, struct listeners *ret, struct ag_error *error)
{
	int handed = sd_listen_fds(1);

	if (handed)
		return handed < 0 ? error_set(error, ERROR_KERNEL, "cannot take systemd's sockets: %s",
					      strerror(-handed))
				  : take_handed(handed, ret, error);
	if (!settings->listen_count)
		return error_set(error, ERROR_BAD_REQUEST,
				 "there is no place to listen: give --listen ADDRESS:PORT, or set listen");
	for (size_t i = 0; i < settings->listen_count; i++) {
		const struct endpoint *endpoint = &settings->listen[i];
		int err = open_one(endpoint, &ret->fds[ret->count]);
		char text[ADDR_TEXT_MAX];

		addr_format(&endpoint->addr, text);
		if (err)
			return error_set(error, ERROR_KERNEL, "cannot listen on %s port %u: %s", text,
					 endpoint->port, strerror(-err));
		ret->count++;
	}
	return 0;
}
