// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtnl.c - link messages, each reduced to index, name, and whether it is gone
 *
 * Only messages of family AF_UNSPEC are about the interface itself: those of AF_BRIDGE say that it joined or
 * left a bridge, and a "DELLINK" among them does not mean that the interface is gone.
 */
#include "userspace/io/rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

/* Link messages of devices with many virtual functions are long. */
#define MESSAGE_MAX ((size_t)64 * 1024)

struct rtnl {
	struct mnl_socket *socket;
	char buffer[MESSAGE_MAX];
};

struct reader {
	rtnl_callback callback;
	void *arg;
};

DEFINE_CLEANUP(rtnl, struct rtnl *, rtnl_close)

int rtnl_open(struct rtnl **ret, struct ag_error *error)
{
	CLEANUP(cleanup_rtnl) struct rtnl *rtnl = calloc(1, sizeof(*rtnl));

	if (!rtnl)
		return error_set(error, ERROR_KERNEL, "cannot watch the network interfaces: out of memory");
	rtnl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!rtnl->socket || mnl_socket_bind(rtnl->socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0)
		return error_set(error, ERROR_KERNEL, "cannot watch the network interfaces: %s",
				 strerror(errno));
	*ret = TAKE_PTR(rtnl);
	return 0;
}

void rtnl_close(struct rtnl *rtnl)
{
	if (!rtnl)
		return;
	if (rtnl->socket)
		(void)mnl_socket_close(rtnl->socket); /* nothing is written to it */
	free(rtnl);
}

int rtnl_fd(const struct rtnl *rtnl)
{
	return mnl_socket_get_fd(rtnl->socket);
}

static int take_attribute(const struct nlattr *attribute, void *arg)
{
	struct rtnl_link *link = arg;
	size_t length = mnl_attr_get_payload_len(attribute);

	if (mnl_attr_get_type(attribute) != IFLA_IFNAME || length == 0 || length > sizeof(link->name))
		return MNL_CB_OK;
	memcpy(link->name, mnl_attr_get_payload(attribute), length);
	link->name[length - 1] = '\0';
	return MNL_CB_STOP;
}

static int take_message(const struct nlmsghdr *header, void *arg)
{
	const struct reader *reader = arg;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct rtnl_link link = {.gone = header->nlmsg_type == RTM_DELLINK};

	if (header->nlmsg_type != RTM_NEWLINK && header->nlmsg_type != RTM_DELLINK)
		return MNL_CB_OK;
	if (mnl_nlmsg_get_payload_len(header) < sizeof(*info) || info->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	link.ifindex = (unsigned int)info->ifi_index;
	if (mnl_attr_parse(header, sizeof(*info), take_attribute, &link) < 0)
		return MNL_CB_OK;
	reader->callback(&link, reader->arg);
	return MNL_CB_OK;
}

int rtnl_read(struct rtnl *rtnl, rtnl_callback callback, void *arg)
{
	struct reader reader = {.callback = callback, .arg = arg};
	bool lost = false;

	for (;;) {
		ssize_t length = mnl_socket_recvfrom(rtnl->socket, rtnl->buffer, sizeof(rtnl->buffer));

		if (length >= 0) {
			if (mnl_cb_run(rtnl->buffer, (size_t)length, 0, 0, take_message, &reader) < 0)
				lost = true; /* malformed: as good as not there */
		} else if (errno == ENOBUFS || errno == ENOSPC) {
			lost = true; /* the kernel's queue, or our buffer, was too small */
		} else if (errno == EAGAIN) {
			return lost ? -ENOBUFS : 0;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
}
