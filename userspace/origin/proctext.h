/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proctext.h - what files under /proc say, read strictly
 *
 * Pure. Whatever a process may choose itself (its name) is not believed. -EPROTO for text that is not as the
 * kernel writes it, and then *ret is untouched. Source: proc(5), fs/proc/array.c, pidfd_open(2).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
	uint32_t pid;
	char state;
	uint32_t parent; /* 0: none in this pid namespace */
	uint64_t start;	 /* in clock ticks since boot */
};

/* /proc/PID/stat. */
int proctext_stat(const char *text, struct proc_stat *ret);
/* /proc/PID/status: real, effective, saved and file system uid. */
int proctext_uids(const char *text, uint32_t ret[4]);
/* /proc/self/fdinfo/N of a pidfd: -ESRCH where that process has ended, -EPROTO where N is no pidfd. */
int proctext_pidfd(const char *text, uint32_t *ret);
/* Where a link of /proc/PID/fd leads to: "socket:[INODE]". */
int proctext_socket(const char *text, uint32_t *ret);
/* Whether an executable of that path hands on to its children what may come from elsewhere than it does
 * itself: terminal multiplexers, remote shells. Only the honest are found so. */
bool proctext_relays(const char *path);
