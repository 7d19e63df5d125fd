/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process.h - one process, held by its directory under /proc
 *
 * The directory's descriptor is that process for good: once it has ended, everything under it is -ESRCH, also
 * when its number was given to another one. Negative errno on failure. Source: proc(5), fs/proc/base.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/origin/proctext.h"

#define PROGRAMS_MAX 24
#define SOCKETS_MAX  16384

struct process {
	int fd; /* owned; -1: none */
	uint32_t pid;
	struct proc_stat stat; /* as it was last read */
};

/* Executables that are sshd; paths are borrowed. */
struct programs {
	const char *paths[PROGRAMS_MAX];
	size_t count;
};

enum program {
	PROGRAM_OTHER,
	PROGRAM_SSHD,
	PROGRAM_RELAY, /* what stands behind it may come from elsewhere */
};

/* What a process has open, sockets alone. */
struct sockets {
	uint32_t inodes[SOCKETS_MAX];
	size_t count;
};

/* proc_fd is /proc. -ESRCH: there is none of that number. Its stat is not read yet. Caller closes. */
int process_open(int proc_fd, uint32_t pid, struct process *ret);
void process_close(struct process *process);
/* Reads its stat; a zombie is -ESRCH. */
int process_read(struct process *process);
/* Whether every one of its uids is 0, as this process' user namespace counts them. */
int process_is_root(const struct process *process, bool *ret);
/* By its executable: the very file that a path of the list names, or what was that file before an upgrade. */
int process_program(const struct process *process, const struct programs *programs, enum program *ret);
/* -E2BIG: more than fit. */
int process_sockets(const struct process *process, struct sockets *ret);
bool sockets_have(const struct sockets *sockets, uint32_t inode);
/* The process that a pidfd stands for; -EPROTO where it is no pidfd, -ESRCH where that has ended. */
int process_of_pidfd(int proc_fd, int pidfd, struct process *ret);
