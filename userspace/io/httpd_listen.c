// SPDX-License-Identifier: GPL-2.0-only
/*
 * httpd_listen.c - the listening sockets
 *
 * A Unix socket's file is made under a lock of its directory, so that of two daemons that find the same stale
 * file one removes it, and the other finds the first one's. A connect that is refused is what tells a stale
 * file.
 */
#include "userspace/io/httpd_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "userspace/core/addr.h"
#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"
#include "userspace/core/text.h"

#define SOCKET_TYPE	 (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
#define GROUP_BUFFER_MAX ((size_t)1 << 20)

/* --- Unix -------------------------------------------------------------------- */

static int group_find(const char *name, gid_t *ret, struct ag_error *error)
{
	struct group entry, *found = NULL;
	size_t size = 4096;
	int result = ERANGE;

	for (; result == ERANGE && size <= GROUP_BUFFER_MAX; size *= 4) {
		AUTO_FREE char *buffer = malloc(size);

		result = buffer ? getgrnam_r(name, &entry, buffer, size, &found) : ENOMEM;
		if (!result && found) {
			*ret = entry.gr_gid;
			return 0;
		}
	}
	if (result)
		return error_set(error, ERROR_KERNEL, "cannot look up the group %s: %s", name,
				 strerror(result));
	return error_set(
		error, ERROR_NOT_FOUND,
		"there is no group %s: create it (groupadd --system %s), or name another one for the socket",
		name, name);
}

/* The directory of a path, made if absent, and locked until the descriptor is closed. */
static int lock_directory(const char *path, int *ret_fd, struct ag_error *error)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *directory;
	mode_t mask;
	AUTO_FD int fd = -1;
	int result;

	memcpy(copy, path, strlen(path) + 1); /* its length was checked */
	directory = dirname(copy);
	mask = umask(022);
	result = mkdir(directory, 0755) < 0 && errno != EEXIST ? -errno : 0;
	(void)umask(mask);
	if (result)
		return error_set(error, ERROR_KERNEL, "cannot create the directory %s: %s", directory,
				 strerror(-result));
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return error_set(error, ERROR_KERNEL, "cannot open the directory %s: %s", directory,
				 strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* 0: nobody listens; -EEXIST: somebody does, or has not come round to accepting (EAGAIN). */
static int probe(const struct sockaddr_un *address)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCKET_TYPE, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return -EEXIST;
	return errno == ECONNREFUSED ? 0 : -errno;
}

static int remove_stale(const struct sockaddr_un *address, struct ag_error *error)
{
	const char *path = address->sun_path;
	struct stat status;
	int result;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0
				       : error_set(error, ERROR_KERNEL, "cannot look at %s: %s", path,
						   strerror(errno));
	if (!S_ISSOCK(status.st_mode))
		return error_set(error, ERROR_BAD_REQUEST,
				 "%s is there and is no socket: remove it, or choose another path", path);
	result = probe(address);
	if (result == -EEXIST)
		return error_set(error, ERROR_EXISTS,
				 "another allowgated is running: it listens on %s; stop it, or choose "
				 "another --socket",
				 path);
	if (!result && unlink(path) < 0 && errno != ENOENT)
		result = -errno;
	if (result)
		return error_set(error, ERROR_KERNEL, "cannot replace the socket %s: %s", path,
				 strerror(-result));
	return 0;
}

/* The mode is right from the start: the file never exists with another one. */
static int bind_file(int fd, const struct sockaddr_un *address, const gid_t *gid, struct socket_file *ret)
{
	mode_t mask = umask(0117);
	int result = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	struct stat status;

	(void)umask(mask);
	if (result)
		return result;
	if (lstat(address->sun_path, &status) < 0)
		return -errno;
	memcpy(ret->path, address->sun_path, sizeof(ret->path));
	ret->device = status.st_dev;
	ret->inode = status.st_ino;
	if (gid && fchownat(AT_FDCWD, address->sun_path, (uid_t)-1, *gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return listen(fd, SOMAXCONN) < 0 ? -errno : 0;
}

int httpd_listen_unix(const char *path, const char *group, struct socket_file *ret, int *ret_fd,
		      struct ag_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct socket_file file = {0};
	AUTO_FD int directory = -1;
	AUTO_FD int fd = -1;
	gid_t gid;
	int result;

	if (!path[0] || strlen(path) >= sizeof(address.sun_path))
		return error_set(error, ERROR_BAD_REQUEST,
				 "the socket's path must have 1 to %zu bytes: choose another one",
				 sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	result = group ? group_find(group, &gid, error) : 0;
	if (!result)
		result = lock_directory(path, &directory, error);
	if (!result)
		result = remove_stale(&address, error);
	if (result)
		return result;
	fd = socket(AF_UNIX, SOCKET_TYPE, 0);
	result = fd < 0 ? -errno : bind_file(fd, &address, group ? &gid : NULL, &file);
	if (result) {
		httpd_remove_file(&file);
		return error_set(error, ERROR_KERNEL, "cannot listen on %s: %s", path, strerror(-result));
	}
	*ret = file;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void httpd_remove_file(const struct socket_file *file)
{
	struct stat status;

	if (!file->path[0] || lstat(file->path, &status) < 0)
		return;
	if (status.st_dev == file->device && status.st_ino == file->inode)
		(void)unlink(file->path); /* one that stays behind is found to be stale by the next daemon */
}

/* --- TCP --------------------------------------------------------------------- */

/* Parts "127.0.0.1:9812" and "[::1]:9812" into address and port. */
static int split_address(const char *text, char host[ADDR_TEXT_MAX], const char **ret_port)
{
	bool bracketed = text[0] == '[';
	const char *start = text + bracketed, *end = strchr(start, bracketed ? ']' : ':');

	if (!end || end - start >= ADDR_TEXT_MAX || (bracketed && end[1] != ':'))
		return -EINVAL;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	*ret_port = end + 1 + bracketed;
	return 0;
}

static int parse_address(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size,
			 struct ag_error *error)
{
	struct sockaddr_storage storage = {0};
	struct sockaddr_in *in = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
	char host[ADDR_TEXT_MAX];
	const char *port_text;
	struct addr addr;
	uint64_t port;

	if (split_address(text, host, &port_text) || addr_parse(host, &addr, NULL) ||
	    number_parse("port", port_text, 0, UINT16_MAX, &port, NULL) ||
	    (addr.family == AG_FAMILY_IPV6) != (text[0] == '['))
		return error_set(
			error, ERROR_BAD_REQUEST,
			"\"%.80s\" is no address to listen on: write it as 127.0.0.1:9812 or [::1]:9812",
			text);
	if (addr.family == AG_FAMILY_IPV4) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		memcpy(&in->sin_addr, addr.bytes, sizeof(in->sin_addr));
	} else {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		memcpy(&in6->sin6_addr, addr.bytes, sizeof(in6->sin6_addr));
	}
	*ret = storage;
	*ret_size = addr.family == AG_FAMILY_IPV4 ? sizeof(*in) : sizeof(*in6);
	return 0;
}

/* The daemon is there before the network is: what it serves must not keep it from filtering. */
static int allow_early(int fd, const struct sockaddr_storage *address)
{
	int on = 1;
	bool ipv6 = address->ss_family == AF_INET6;

	return setsockopt(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_FREEBIND : IP_FREEBIND, &on,
			  sizeof(on)) < 0
		       ? -errno
		       : 0;
}

static int bind_tcp(int fd, const struct sockaddr_storage *address, socklen_t size)
{
	int on = 1;

	/* A restart finds connections of the daemon before in TIME_WAIT. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (address->ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)address, size) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	return 0;
}

int httpd_listen_tcp(const char *text, bool early, int *ret_fd, struct ag_error *error)
{
	struct sockaddr_storage address;
	socklen_t size = 0;
	AUTO_FD int fd = -1;
	int result = parse_address(text, &address, &size, error);

	if (result)
		return result;
	fd = socket(address.ss_family, SOCKET_TYPE, 0);
	result = fd < 0 ? -errno : early ? allow_early(fd, &address) : 0;
	if (!result)
		result = bind_tcp(fd, &address, size);
	if (result == -EADDRINUSE)
		return error_set(error, ERROR_KERNEL,
				 "cannot listen on %s: another program does; choose another port", text);
	if (result)
		return error_set(error, ERROR_KERNEL, "cannot listen on %s: %s", text, strerror(-result));
	*ret_fd = TAKE_FD(fd);
	return 0;
}
