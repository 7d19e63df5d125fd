/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sockdiag.h - the TCP connections of this network namespace: asks the kernel, and changes nothing
 *
 * Source: sock_diag(7), linux/inet_diag.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/addr.h"

struct nlmsghdr;

/* Both ends of one that is established; an IPv4-mapped address is the IPv4 one. Ports in the host's order. */
struct sockdiag_connection {
	struct addr local;
	struct addr remote;
	uint16_t local_port;
	uint16_t remote_port;
};

/*
 * Calls for each until it returns non-zero, which is returned, but for no more than `most` and no longer than
 * `wait_ms`: *ret_complete says whether those were all. Otherwise 0 or a negative errno.
 */
int sockdiag_established(size_t most, unsigned int wait_ms,
			 int (*visit)(const struct sockdiag_connection *connection, void *arg), void *arg,
			 bool *ret_complete);
/* One message of the kernel's; -EPROTO where it is no connection. */
int sockdiag_parse(const struct nlmsghdr *message, struct sockdiag_connection *ret);
