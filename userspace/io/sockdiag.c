// SPDX-License-Identifier: GPL-2.0-only
/* sockdiag.c - see sockdiag.h: a dump a family, each on a socket of its own, so that one that is ended early
 * leaves nothing behind */
#include "userspace/io/sockdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define MESSAGE_MAX ((size_t)32 * 1024)

struct reading {
	size_t left; /* that may still be looked at */
	int64_t end; /* CLOCK_MONOTONIC, milliseconds */
	int (*visit)(const struct sockdiag_connection *connection, void *arg);
	void *arg;
	int result; /* the visitor's */
	bool cut;
};

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct addr address_of(uint8_t family, const __be32 *words)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (family == AF_INET)
		return addr_make(AG_FAMILY_IPV4, words);
	if (memcmp(words, mapped, sizeof(mapped)) == 0)
		return addr_make(AG_FAMILY_IPV4, words + 3);
	return addr_make(AG_FAMILY_IPV6, words);
}

int sockdiag_parse(const struct nlmsghdr *message, struct sockdiag_connection *ret)
{
	const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*socket) ||
	    (socket->idiag_family != AF_INET && socket->idiag_family != AF_INET6) ||
	    socket->idiag_state != TCP_ESTABLISHED)
		return -EPROTO;
	*ret = (struct sockdiag_connection){
		.local = address_of(socket->idiag_family, socket->id.idiag_src),
		.remote = address_of(socket->idiag_family, socket->id.idiag_dst),
		.local_port = ntohs(socket->id.idiag_sport),
		.remote_port = ntohs(socket->id.idiag_dport),
	};
	return 0;
}

static int take_socket(const struct nlmsghdr *message, void *arg)
{
	struct reading *reading = arg;
	struct sockdiag_connection connection;

	if (sockdiag_parse(message, &connection))
		return MNL_CB_OK;
	if (!reading->left || now_ms() > reading->end) {
		reading->cut = true;
		return MNL_CB_STOP;
	}
	reading->left--;
	reading->result = reading->visit(&connection, reading->arg);
	return reading->result ? MNL_CB_STOP : MNL_CB_OK;
}

static int receive(struct mnl_socket *socket, char *buffer, struct reading *reading)
{
	int more = MNL_CB_OK;

	while (more > MNL_CB_STOP) {
		ssize_t length = mnl_socket_recvfrom(socket, buffer, MESSAGE_MAX);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		more = mnl_cb_run(buffer, (size_t)length, 0, 0, take_socket, reading);
	}
	return more < 0 ? -errno : 0;
}

static int dump(uint8_t family, struct reading *reading)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	const struct timeval wait = {.tv_usec = 100000}; /* the kernel answers within the call */
	char buffer[MESSAGE_MAX] = {0};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	int result;

	if (!socket)
		return -errno;
	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->sdiag_family = family;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = 1U << TCP_ESTABLISHED;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		result = -errno;
	else
		result = receive(socket, buffer, reading);
	(void)mnl_socket_close(socket); /* ends the dump */
	return result;
}

int sockdiag_established(size_t most, unsigned int wait_ms,
			 int (*visit)(const struct sockdiag_connection *connection, void *arg), void *arg,
			 bool *ret_complete)
{
	struct reading reading = {.left = most, .end = now_ms() + wait_ms, .visit = visit, .arg = arg};
	int result = dump(AF_INET, &reading);

	if (!result && !reading.result && !reading.cut)
		result = dump(AF_INET6, &reading);
	if (result == -ENOENT)
		result = 0; /* a host without IPv6 */
	*ret_complete = !result && !reading.cut && !reading.result;
	return result ? result : reading.result;
}
