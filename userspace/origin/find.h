/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * find.h - where the SSH connection comes from that a process belongs to
 *
 * Found, or not known, with the reason: never a guess.
 */
#pragma once

#include <stdbool.h>

#include "userspace/core/origin.h"
#include "userspace/origin/process.h"

struct finder {
	int proc_fd;		     /* /proc; borrowed */
	const struct programs *sshd; /* borrowed */
	bool other_namespaces;	     /* may look into another network namespace than ours */
};

/* connection_fd: the connection whose other end the process must hold; -1: the pidfd is believed. *ret is
 * filled in any case. */
void find_origin(const struct finder *finder, int pidfd, int connection_fd, struct origin *ret);
