// SPDX-License-Identifier: GPL-2.0-only
/*
 * find.c - see find.h
 *
 * The process leads up to an sshd of root's (walk.h). That one's sockets are known by inode, and one of them
 * has to be an established TCP connection to a port on which root listens, in an sshd other than this very
 * one (or in init, which listens for an sshd that it starts for each connection). So neither what a session
 * forwards counts, which has a local port of its own, nor what a session of root's listens on.
 *
 * When the address is known the whole way is looked at once more: it counts only if it still stands.
 */
#include "userspace/origin/find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "userspace/core/cleanup.h"
#include "userspace/origin/diag.h"
#include "userspace/origin/walk.h"

#define LISTENERS_MAX 4096
#define PROCESSES_MAX 131072

struct listener {
	uint32_t inode;
	uint16_t port;
	bool sshd; /* an sshd, or init, holds it */
};

/* What one search works with: too large for a stack. */
struct search {
	const struct finder *finder;
	struct walk walk;
	struct sockets own;   /* of the sshd that was walked up to */
	struct sockets other; /* of the process that is looked at */
	struct listener listeners[LISTENERS_MAX];
	size_t listener_count;
	size_t connections; /* that could be it */
	struct diag_socket connection;
};

DEFINE_CLEANUP(diag, struct diag *, diag_close)

static const struct process *sshd_of(const struct search *search)
{
	return &search->walk.steps[search->walk.count - 1];
}

/* --- ports that an sshd listens on ------------------------------------------------- */

static int take_listener(const struct diag_socket *socket, void *arg)
{
	struct search *search = arg;

	if (socket->uid != 0 || !socket->inode)
		return 0;
	if (search->listener_count == LISTENERS_MAX)
		return -E2BIG;
	search->listeners[search->listener_count++] = (struct listener){.inode = socket->inode,
									.port = socket->local_port};
	return 0;
}

/* Whose listening sockets count: sshd's of root, and init's. */
static int is_holder(const struct search *search, const struct process *process, bool *ret)
{
	enum program program;
	int err = process_program(process, search->finder->sshd, &program);

	*ret = !err && (program == PROGRAM_SSHD || process->pid == 1);
	return err || !*ret ? err : process_is_root(process, ret);
}

static void mark_held(struct search *search)
{
	for (size_t i = 0; i < search->listener_count; i++)
		search->listeners[i].sshd |= sockets_have(&search->other, search->listeners[i].inode);
}

static int look_at(struct search *search, uint32_t pid)
{
	struct process process = {.fd = -1};
	bool holder = false;
	int err = process_open(search->finder->proc_fd, pid, &process);

	if (!err)
		err = is_holder(search, &process, &holder);
	if (!err && holder)
		err = process_sockets(&process, &search->other);
	if (!err && holder)
		mark_held(search);
	process_close(&process);
	/* It has ended meanwhile, or may not be looked at: what it listens on does not count. */
	return err == -ESRCH || err == -EACCES ? 0 : err;
}

static uint32_t number_of(const char *name)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	return *name >= '1' && *name <= '9' && !*end && number <= INT32_MAX ? (uint32_t)number : 0;
}

/* All processes: an sshd that listens may be anywhere, and the one that made the connection may be gone. */
static int look_at_all(struct search *search)
{
	AUTO_FD int fd = openat(search->finder->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	size_t seen = 0;
	int err = 0;

	if (!dir)
		return -errno;
	(void)TAKE_FD(fd); /* the directory's now */
	while (!err && (entry = readdir(dir))) {
		uint32_t pid = number_of(entry->d_name);

		if (!pid || pid == sshd_of(search)->pid)
			continue; /* what a session listens on is what it forwards */
		err = ++seen > PROCESSES_MAX ? -E2BIG : look_at(search, pid);
	}
	(void)closedir(dir); /* it was read from */
	return err;
}

/* --- the connection ---------------------------------------------------------------- */

static int take_connection(const struct diag_socket *socket, void *arg)
{
	struct search *search = arg;

	if (socket->inode && sockets_have(&search->own, socket->inode)) {
		search->connection = *socket;
		search->connections++;
	}
	return 0;
}

static bool port_came_before(const struct search *search, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (search->listeners[i].sshd && search->listeners[i].port == search->listeners[index].port)
			return true;
	return false;
}

static int find_connections(struct search *search, struct diag *diag)
{
	int err = diag_listening(diag, take_listener, search);

	if (!err)
		err = look_at_all(search);
	for (size_t i = 0; i < search->listener_count && !err; i++)
		if (search->listeners[i].sshd && !port_came_before(search, i))
			err = diag_established(diag, search->listeners[i].port, take_connection, search);
	return err;
}

/* -1: it is ours; -EXDEV: it may not be looked into. */
static int open_namespace(const struct search *search, int *ret)
{
	const struct finder *finder = search->finder;
	struct stat ours, theirs;

	if (fstatat(finder->proc_fd, "self/ns/net", &ours, 0) < 0 ||
	    fstatat(sshd_of(search)->fd, "ns/net", &theirs, 0) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	*ret = -1;
	if (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
		return 0;
	if (!finder->other_namespaces)
		return -EXDEV;
	*ret = openat(sshd_of(search)->fd, "ns/net", O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

static int ask_kernel(struct search *search)
{
	CLEANUP(cleanup_diag) struct diag *diag = NULL;
	AUTO_FD int namespace_fd = -1;
	int err = process_sockets(sshd_of(search), &search->own);

	if (!err)
		err = open_namespace(search, &namespace_fd);
	if (!err)
		err = diag_open(namespace_fd, &diag);
	return err ? err : find_connections(search, diag);
}

static bool from_here(const struct diag_socket *connection)
{
	static const uint8_t loopback[16] = {[15] = 1};
	const struct addr *remote = &connection->remote;

	if (addr_equal(remote, &connection->local))
		return true;
	return remote->family == AG_FAMILY_IPV4 ? remote->bytes[0] == 127
						: !memcmp(remote->bytes, loopback, sizeof(loopback));
}

static enum origin_reason conclude(struct search *search, struct origin *ret)
{
	if (search->connections == 0)
		return ORIGIN_NO_CONNECTION;
	if (search->connections > 1)
		return ORIGIN_AMBIGUOUS;
	if (from_here(&search->connection))
		return ORIGIN_LOCAL;
	if (!walk_stands(&search->walk))
		return ORIGIN_GONE;
	ret->addr = search->connection.remote;
	ret->sshd_pid = sshd_of(search)->pid;
	return ORIGIN_FOUND;
}

/* --- the peer ---------------------------------------------------------------------- */

/* Whether the process holds the other end of the connection. */
static int check_peer(struct search *search, const struct process *peer, int connection_fd)
{
	CLEANUP(cleanup_diag) struct diag *diag = NULL;
	struct stat status;
	uint32_t inode;
	int err = fstat(connection_fd, &status) < 0 ? -errno : 0;

	if (!err && (!S_ISSOCK(status.st_mode) || status.st_ino > UINT32_MAX))
		err = -EPROTO;
	if (!err)
		err = diag_open(-1, &diag);
	if (!err)
		err = diag_unix_peer(diag, (uint32_t)status.st_ino, &inode);
	if (!err)
		err = process_sockets(peer, &search->other);
	if (err)
		return err == -ENOENT ? -ENOTCONN : err;
	return sockets_have(&search->other, inode) ? 0 : -ENOTCONN;
}

static enum origin_reason reason_of(int err)
{
	if (err == -EXDEV)
		return ORIGIN_OTHER_NAMESPACE;
	return err == -ENOTCONN ? ORIGIN_NOT_PEER : walk_reason(err);
}

static enum origin_reason search_origin(struct search *search, int pidfd, int connection_fd,
					struct origin *ret)
{
	const struct finder *finder = search->finder;
	struct process peer = {.fd = -1};
	enum origin_reason reason;
	int err = process_of_pidfd(finder->proc_fd, pidfd, &peer);

	if (!err && connection_fd >= 0)
		err = check_peer(search, &peer, connection_fd);
	if (err) {
		process_close(&peer);
		return reason_of(err);
	}
	reason = walk_up(finder->proc_fd, &peer, finder->sshd, &search->walk);
	if (reason != ORIGIN_FOUND)
		return reason;
	err = ask_kernel(search);
	return err ? reason_of(err) : conclude(search, ret);
}

void find_origin(const struct finder *finder, int pidfd, int connection_fd, struct origin *ret)
{
	AUTO_FREE struct search *search = calloc(1, sizeof(*search));

	*ret = (struct origin){.reason = ORIGIN_FAILED};
	if (!search)
		return;
	search->finder = finder;
	ret->reason = search_origin(search, pidfd, connection_fd, ret);
	walk_clear(&search->walk);
}
