/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rtnl.h - hear of network interfaces that come, change and go (rtnetlink; libmnl)
 *
 * The only module that sees libmnl. Source: rtnetlink(7), RTNLGRP_LINK.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>

struct ag_error;
struct rtnl;

struct rtnl_link {
	unsigned int ifindex;
	char name[IF_NAMESIZE];
	bool gone;
};

typedef void (*rtnl_callback)(const struct rtnl_link *link, void *arg);

/* Subscribes; non-blocking. ERROR_KERNEL. Caller closes. */
int rtnl_open(struct rtnl **ret, struct ag_error *error);
void rtnl_close(struct rtnl *rtnl);
int rtnl_fd(const struct rtnl *rtnl);
/*
 * Reads what is there and calls for each link. Returns -ENOBUFS when messages were lost, upon which the
 * caller must look at all interfaces by itself; other negative errno on failure.
 */
int rtnl_read(struct rtnl *rtnl, rtnl_callback callback, void *arg);
