// SPDX-License-Identifier: GPL-2.0-only
/* rtnl_links.c - see rtnl_links.h: one question, on a socket of its own, which the kernel answers at once */
#include "userspace/io/rtnl_links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

/* Link messages of devices with many virtual functions are long. */
#define MESSAGE_MAX    ((size_t)64 * 1024)
#define INTERFACES_MAX 4096

struct found {
	struct rtnl_interface *interfaces;
	size_t count;
	bool no_memory;
};

static uint32_t number_of(const struct nlattr *attribute)
{
	return mnl_attr_get_payload_len(attribute) == sizeof(uint32_t) ? mnl_attr_get_u32(attribute) : 0;
}

static int take_program(const struct nlattr *attribute, void *arg)
{
	struct rtnl_interface *interface = arg;

	if (mnl_attr_get_type(attribute) == IFLA_XDP_PROG_ID)
		interface->program_id = number_of(attribute);
	return MNL_CB_OK;
}

static void take_name(const struct nlattr *attribute, struct rtnl_interface *interface)
{
	size_t length = mnl_attr_get_payload_len(attribute);

	if (!length || length > sizeof(interface->name))
		return;
	memcpy(interface->name, mnl_attr_get_payload(attribute), length);
	interface->name[length - 1] = '\0';
}

static int take_attribute(const struct nlattr *attribute, void *arg)
{
	struct rtnl_interface *interface = arg;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		take_name(attribute, interface);
		break;
	case IFLA_MTU:
		interface->mtu = number_of(attribute);
		break;
	case IFLA_LINK:
		interface->peer = number_of(attribute);
		break;
	case IFLA_LINK_NETNSID:
		interface->peer_netns = (int)number_of(attribute);
		break;
	case IFLA_XDP:
		(void)mnl_attr_parse_nested(attribute, take_program, interface); /* what is there is taken */
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *header, void *arg)
{
	struct found *found = arg;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct rtnl_interface interface = {.peer_netns = -1}, *grown;

	if (header->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(header) < sizeof(*info) ||
	    found->count == INTERFACES_MAX)
		return MNL_CB_OK;
	interface.ifindex = (unsigned int)info->ifi_index;
	interface.up = info->ifi_flags & IFF_UP;
	interface.loopback = info->ifi_flags & IFF_LOOPBACK;
	if (mnl_attr_parse(header, sizeof(*info), take_attribute, &interface) < 0)
		return MNL_CB_OK;
	grown = realloc(found->interfaces, (found->count + 1) * sizeof(*grown));
	if (!grown) {
		found->no_memory = true;
		return MNL_CB_ERROR;
	}
	found->interfaces = grown;
	grown[found->count++] = interface;
	return MNL_CB_OK;
}

static int receive(struct mnl_socket *socket, char *buffer, struct found *found)
{
	int more = MNL_CB_OK;

	while (more > MNL_CB_STOP) {
		ssize_t length = mnl_socket_recvfrom(socket, buffer, MESSAGE_MAX);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		more = mnl_cb_run(buffer, (size_t)length, 0, 0, take_link, found);
	}
	if (found->no_memory)
		return -ENOMEM;
	return more < 0 ? -errno : 0;
}

/* `of`: that one alone, which may be elsewhere; NULL: all that are here. */
static int request(const struct rtnl_interface *of, struct found *found)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	AUTO_FREE char *buffer = calloc(1, MESSAGE_MAX);
	struct nlmsghdr *header;
	struct ifinfomsg *info;
	int result = -ENOMEM;

	if (socket && buffer && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0) {
		header = mnl_nlmsg_put_header(buffer);
		header->nlmsg_type = RTM_GETLINK;
		header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (of ? NLM_F_ACK : NLM_F_DUMP));
		header->nlmsg_seq = 0;
		info = mnl_nlmsg_put_extra_header(header, sizeof(*info));
		info->ifi_family = AF_UNSPEC;
		info->ifi_index = of ? (int)of->peer : 0;
		if (of && of->peer_netns >= 0)
			mnl_attr_put_u32(header, IFLA_TARGET_NETNSID, (uint32_t)of->peer_netns);
		result = mnl_socket_sendto(socket, header, header->nlmsg_len) < 0
				 ? -errno
				 : receive(socket, buffer, found);
	}
	if (socket)
		(void)mnl_socket_close(socket); /* it was read alone */
	return result;
}

int rtnl_interfaces(struct rtnl_interface **ret, size_t *ret_count, struct ag_error *error)
{
	struct found found = {0};
	int result = request(NULL, &found);

	if (result < 0) {
		free(found.interfaces);
		return error_set(error, ERROR_KERNEL, "cannot list the network interfaces: %s",
				 strerror(-result));
	}
	*ret = found.interfaces;
	*ret_count = found.count;
	return 0;
}

uint32_t rtnl_peer_mtu(const struct rtnl_interface *interface)
{
	struct found found = {0};
	uint32_t mtu = 0;

	if (interface->peer && request(interface, &found) == 0 && found.count == 1)
		mtu = found.interfaces[0].mtu;
	free(found.interfaces);
	return mtu;
}
