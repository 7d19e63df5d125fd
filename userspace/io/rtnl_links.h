/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rtnl_links.h - the network interfaces there are, as they are now
 *
 * Source: rtnetlink(7), linux/if_link.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ag_error;

struct rtnl_interface {
	unsigned int ifindex;
	char name[16];
	bool up;
	bool loopback;
	uint32_t mtu;
	unsigned int peer;   /* ifindex of the other end of a veth, or of what it stands on; 0: none */
	int peer_netns;	     /* id of its network namespace; -1: this one */
	uint32_t program_id; /* of the XDP program that is attached; 0: none */
};
/* The caller frees *ret. ERROR_KERNEL. */
int rtnl_interfaces(struct rtnl_interface **ret, size_t *ret_count, struct ag_error *error);
/* MTU of another end; 0 where that cannot be told. */
uint32_t rtnl_peer_mtu(const struct rtnl_interface *interface);
