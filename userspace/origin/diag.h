/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * diag.h - ask the kernel about sockets (NETLINK_SOCK_DIAG; libmnl)
 *
 * Negative errno on failure. Source: sock_diag(7), linux/inet_diag.h, linux/unix_diag.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/core/addr.h"

struct diag;
struct nlmsghdr;

/* A TCP socket. Addresses that are IPv4-mapped are IPv4 here; :: and 0.0.0.0 are addresses as any. */
struct diag_socket {
	uint8_t state; /* as in tcp(7): 1 established, 10 listening */
	uint16_t local_port;
	struct addr local;
	struct addr remote;
	uint32_t inode;
	uid_t uid; /* who made it */
};

/* 0 to go on. */
typedef int (*diag_callback)(const struct diag_socket *socket, void *arg);

/* In the network namespace of that descriptor; -1: in ours. Ends the process where it cannot come back. */
int diag_open(int namespace_fd, struct diag **ret);
void diag_close(struct diag *diag);
/* Every TCP socket that listens, of both families. A callback's non-zero return ends it, and is returned. */
int diag_listening(struct diag *diag, diag_callback callback, void *arg);
/* Every established TCP connection with that local port. */
int diag_established(struct diag *diag, uint16_t local_port, diag_callback callback, void *arg);
/* The other end of a connected AF_UNIX socket, by inode; -ENOENT: it has none. */
int diag_unix_peer(struct diag *diag, uint32_t inode, uint32_t *ret);

/* One answer, for tests: -EPROTO where it is none about a TCP socket. */
int diag_parse(const struct nlmsghdr *message, struct diag_socket *ret);
/* The same about an AF_UNIX socket: its inode, and its peer's (0: none). */
int diag_parse_unix(const struct nlmsghdr *message, uint32_t *ret_inode, uint32_t *ret_peer);
