// SPDX-License-Identifier: GPL-2.0-only
/* netdev.c - see netdev.h: the generic netlink family "netdev", whose numbers are written here, as the
 * headers of older systems lack them */
#include "userspace/io/netdev.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stddef.h>
#include <string.h>

#define NETDEV_DEV_GET		1
#define NETDEV_DEV_IFINDEX	1
#define NETDEV_DEV_XDP_FEATURES 3
#define BUFFER_SIZE		8192

struct answer {
	uint16_t wanted; /* attribute */
	bool found;
	uint64_t value;
};

static int take_attribute(const struct nlattr *attribute, void *arg)
{
	struct answer *answer = arg;
	size_t length = mnl_attr_get_payload_len(attribute);

	if (mnl_attr_get_type(attribute) != answer->wanted || length > sizeof(answer->value))
		return MNL_CB_OK;
	if (length == sizeof(uint16_t))
		answer->value = mnl_attr_get_u16(attribute);
	else if (length == sizeof(uint64_t))
		answer->value = mnl_attr_get_u64(attribute);
	else
		return MNL_CB_OK;
	answer->found = true;
	return MNL_CB_STOP;
}

static int take_message(const struct nlmsghdr *header, void *arg)
{
	(void)mnl_attr_parse(header, sizeof(struct genlmsghdr), take_attribute, arg); /* what is there */
	return MNL_CB_OK;
}

static struct nlmsghdr *begin(char *buffer, uint16_t family, uint8_t command, uint8_t version)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *generic;

	header->nlmsg_type = family;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
	generic->cmd = command;
	generic->version = version;
	return header;
}

/* Until the acknowledgement, which comes at once. */
static bool ask(struct mnl_socket *socket, char *buffer, const struct nlmsghdr *header, struct answer *answer)
{
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		return false;
	while (more > MNL_CB_STOP) {
		ssize_t length = mnl_socket_recvfrom(socket, buffer, BUFFER_SIZE);

		if (length < 0 && errno == EINTR)
			continue;
		more = length < 0 ? MNL_CB_ERROR
				  : mnl_cb_run(buffer, (size_t)length, 0, 0, take_message, answer);
	}
	return more == MNL_CB_STOP && answer->found;
}

static bool ask_both(struct mnl_socket *socket, unsigned int ifindex, uint64_t *ret)
{
	char buffer[BUFFER_SIZE];
	struct answer family = {.wanted = CTRL_ATTR_FAMILY_ID},
		      features = {.wanted = NETDEV_DEV_XDP_FEATURES};
	struct nlmsghdr *header = begin(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);

	mnl_attr_put_strz(header, CTRL_ATTR_FAMILY_NAME, "netdev");
	if (!ask(socket, buffer, header, &family))
		return false;
	header = begin(buffer, (uint16_t)family.value, NETDEV_DEV_GET, 1);
	mnl_attr_put_u32(header, NETDEV_DEV_IFINDEX, ifindex);
	if (!ask(socket, buffer, header, &features))
		return false;
	*ret = features.value;
	return true;
}

bool netdev_xdp_features(unsigned int ifindex, uint64_t *ret)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	bool known = false;

	if (!socket)
		return false;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0)
		known = ask_both(socket, ifindex, ret);
	(void)mnl_socket_close(socket); /* it was read alone */
	return known;
}
