// SPDX-License-Identifier: GPL-2.0-only
/*
 * process.c - see process.h
 */
#include "userspace/origin/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"

#define TEXT_MAX 8192
#define DELETED	 " (deleted)"

/* A file of /proc, whole: what does not fit is -E2BIG. */
static int read_text(int dir_fd, const char *name, char text[TEXT_MAX])
{
	AUTO_FD int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t length = 0;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	while (length < TEXT_MAX) {
		ssize_t count = read(fd, text + length, TEXT_MAX - length);

		if (count < 0)
			return -errno;
		if (count == 0) {
			text[length] = '\0';
			return memchr(text, '\0', length) ? -EPROTO : 0;
		}
		length += (size_t)count;
	}
	return -E2BIG;
}

int process_open(int proc_fd, uint32_t pid, struct process *ret)
{
	char name[16];
	int fd;

	(void)snprintf(name, sizeof(name), "%u", pid); /* fits */
	fd = openat(proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	*ret = (struct process){.fd = fd, .pid = pid};
	return 0;
}

void process_close(struct process *process)
{
	if (process->fd >= 0)
		(void)close(process->fd); /* a directory that was read from */
	process->fd = -1;
}

int process_read(struct process *process)
{
	char text[TEXT_MAX];
	int err = read_text(process->fd, "stat", text);

	if (!err)
		err = proctext_stat(text, &process->stat);
	if (!err && process->stat.pid != process->pid)
		err = -EPROTO;
	if (!err && strchr("ZXx", process->stat.state))
		err = -ESRCH;
	return err;
}

int process_is_root(const struct process *process, bool *ret)
{
	char text[TEXT_MAX];
	uint32_t uids[4];
	int err = read_text(process->fd, "status", text);

	if (!err)
		err = proctext_uids(text, uids);
	if (!err)
		*ret = !(uids[0] | uids[1] | uids[2] | uids[3]);
	return err;
}

/* --- its executable ------------------------------------------------------------ */

static bool only_root_writes(const struct stat *file)
{
	return S_ISREG(file->st_mode) && file->st_uid == 0 && !(file->st_mode & (S_IWGRP | S_IWOTH));
}

/* The path of what was that file before an upgrade put another one in its place. */
static bool was_at(const char *link, const char *path, const struct stat *file)
{
	size_t length = strlen(path);

	return file->st_nlink == 0 && !strncmp(link, path, length) && !strcmp(link + length, DELETED);
}

/* The same name, wherever it is: a process in another mount namespace sees other paths. */
static bool same_name(const char *link, const char *path)
{
	const char *slash = strrchr(link, '/');
	const char *name = strrchr(path, '/');
	size_t length = strlen(name);

	return slash && !strncmp(slash, name, length) && (!slash[length] || !strcmp(slash + length, DELETED));
}

static bool is_listed(const struct process *process, const struct programs *programs, const char *link)
{
	struct stat file, listed;

	for (size_t i = 0; i < programs->count; i++) {
		if (!same_name(link, programs->paths[i]))
			continue; /* nearly all: a host has many processes */
		if (fstatat(process->fd, "exe", &file, 0) < 0 || !only_root_writes(&file))
			return false;
		if (stat(programs->paths[i], &listed) < 0 || listed.st_dev != file.st_dev)
			continue;
		if (listed.st_ino == file.st_ino || was_at(link, programs->paths[i], &file))
			return true;
	}
	return false;
}

int process_program(const struct process *process, const struct programs *programs, enum program *ret)
{
	char link[PATH_MAX];
	ssize_t length = readlinkat(process->fd, "exe", link, sizeof(link) - 1);

	*ret = PROGRAM_OTHER;
	if (length < 0) /* a thread of the kernel has none */
		return errno == ENOENT ? 0 : -errno;
	link[length] = '\0';
	if (is_listed(process, programs, link))
		*ret = PROGRAM_SSHD;
	else if (proctext_relays(link))
		*ret = PROGRAM_RELAY;
	return 0;
}

/* --- its sockets --------------------------------------------------------------- */

static int note_socket(DIR *dir, const char *name, struct sockets *ret)
{
	char link[64];
	ssize_t length = readlinkat(dirfd(dir), name, link, sizeof(link) - 1);
	uint32_t inode;

	if (length < 0)
		return errno == ENOENT ? 0 : -errno; /* closed meanwhile */
	link[length] = '\0';
	if (proctext_socket(link, &inode))
		return 0;
	if (ret->count == SOCKETS_MAX)
		return -E2BIG;
	ret->inodes[ret->count++] = inode;
	return 0;
}

int process_sockets(const struct process *process, struct sockets *ret)
{
	AUTO_FD int fd = openat(process->fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int err = 0;

	ret->count = 0;
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	(void)TAKE_FD(fd); /* the directory's now */
	errno = 0;
	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			err = note_socket(dir, entry->d_name, ret);
		if (!err)
			errno = 0;
	}
	if (!err && errno)
		err = -errno;
	(void)closedir(dir); /* it was read from */
	return err;
}

bool sockets_have(const struct sockets *sockets, uint32_t inode)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->inodes[i] == inode)
			return true;
	return false;
}

/* --- by pidfd ------------------------------------------------------------------ */

static int pid_of(int proc_fd, int pidfd, uint32_t *ret)
{
	char name[32], text[TEXT_MAX];
	int err;

	(void)snprintf(name, sizeof(name), "self/fdinfo/%d", pidfd); /* fits */
	err = read_text(proc_fd, name, text);
	if (!err)
		err = proctext_pidfd(text, ret);
	return err;
}

int process_of_pidfd(int proc_fd, int pidfd, struct process *ret)
{
	struct process process = {.fd = -1};
	uint32_t pid, after;
	int err = pid_of(proc_fd, pidfd, &pid);

	if (!err)
		err = process_open(proc_fd, pid, &process);
	if (err)
		return err;
	err = process_read(&process);
	if (!err)
		err = pid_of(proc_fd, pidfd, &after); /* not given to another one before it was opened */
	if (err)
		process_close(&process);
	else
		*ret = process;
	return err;
}
