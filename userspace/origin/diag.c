// SPDX-License-Identifier: GPL-2.0-only
/*
 * diag.c - see diag.h
 *
 * A host may have a million connections: which of them has the port is decided in the kernel, by a program in
 * the request (INET_DIAG_REQ_BYTECODE), and decided again here.
 */
#include "userspace/origin/diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "userspace/core/cleanup.h"

#define MESSAGE_MAX ((size_t)32 * 1024)
#define WAIT_US	    200000 /* the kernel answers within the call; this is for what nobody thought of */

struct diag {
	struct mnl_socket *socket;
	uint32_t sequence;
	char buffer[MESSAGE_MAX];
};

DEFINE_CLEANUP(diag, struct diag *, diag_close)

/* --- the socket ---------------------------------------------------------------- */

static int open_here(struct diag *diag)
{
	struct timeval wait = {.tv_usec = WAIT_US};

	diag->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (!diag->socket || mnl_socket_bind(diag->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(diag->socket), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0)
		return -errno;
	return 0;
}

static int open_there(struct diag *diag, int namespace_fd)
{
	AUTO_FD int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int err;

	if (home < 0 || setns(namespace_fd, CLONE_NEWNET) < 0)
		return -errno;
	err = open_here(diag);
	if (setns(home, CLONE_NEWNET) < 0)
		abort(); /* every later answer would be about another network */
	return err;
}

int diag_open(int namespace_fd, struct diag **ret)
{
	CLEANUP(cleanup_diag) struct diag *diag = calloc(1, sizeof(*diag));
	int err;

	if (!diag)
		return -ENOMEM;
	err = namespace_fd < 0 ? open_here(diag) : open_there(diag, namespace_fd);
	if (!err)
		*ret = TAKE_PTR(diag);
	return err;
}

void diag_close(struct diag *diag)
{
	if (!diag)
		return;
	if (diag->socket)
		(void)mnl_socket_close(diag->socket); /* nothing is left to send */
	free(diag);
}

/* --- what is answered ---------------------------------------------------------- */

static struct addr address_of(uint8_t family, const __be32 *words)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (family == AF_INET)
		return addr_make(AG_FAMILY_IPV4, words);
	if (memcmp(words, mapped, sizeof(mapped)) == 0)
		return addr_make(AG_FAMILY_IPV4, words + 3);
	return addr_make(AG_FAMILY_IPV6, words);
}

int diag_parse(const struct nlmsghdr *message, struct diag_socket *ret)
{
	const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*socket) ||
	    (socket->idiag_family != AF_INET && socket->idiag_family != AF_INET6))
		return -EPROTO;
	*ret = (struct diag_socket){
		.state = socket->idiag_state,
		.local_port = ntohs(socket->id.idiag_sport),
		.local = address_of(socket->idiag_family, socket->id.idiag_src),
		.remote = address_of(socket->idiag_family, socket->id.idiag_dst),
		.inode = socket->idiag_inode,
		.uid = socket->idiag_uid,
	};
	return 0;
}

static int take_peer(const struct nlattr *attribute, void *arg)
{
	if (mnl_attr_get_type(attribute) == UNIX_DIAG_PEER &&
	    mnl_attr_get_payload_len(attribute) == sizeof(uint32_t))
		memcpy(arg, mnl_attr_get_payload(attribute), sizeof(uint32_t));
	return MNL_CB_OK;
}

int diag_parse_unix(const struct nlmsghdr *message, uint32_t *ret_inode, uint32_t *ret_peer)
{
	const struct unix_diag_msg *socket = mnl_nlmsg_get_payload(message);
	uint32_t peer = 0;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*socket) || socket->udiag_family != AF_UNIX)
		return -EPROTO;
	if (mnl_attr_parse(message, sizeof(*socket), take_peer, &peer) < 0)
		return -EPROTO;
	*ret_inode = socket->udiag_ino;
	*ret_peer = peer;
	return 0;
}

/* --- asking -------------------------------------------------------------------- */

static struct nlmsghdr *request_new(struct diag *diag, uint16_t flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(diag->buffer);

	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	message->nlmsg_seq = ++diag->sequence;
	return message;
}

/* Sends the request, and hands every message that comes upon it to the callback. */
static int run(struct diag *diag, const struct nlmsghdr *message, mnl_cb_t callback, void *arg)
{
	unsigned int port = mnl_socket_get_portid(diag->socket);
	int result = MNL_CB_OK;

	if (mnl_socket_sendto(diag->socket, message, message->nlmsg_len) < 0)
		return -errno;
	while (result > MNL_CB_STOP) {
		ssize_t length = mnl_socket_recvfrom(diag->socket, diag->buffer, sizeof(diag->buffer));

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		result = mnl_cb_run(diag->buffer, (size_t)length, diag->sequence, port, callback, arg);
	}
	return result < 0 ? -errno : 0;
}

struct reading {
	diag_callback callback;
	void *arg;
	uint8_t state;
	int result; /* the callback's */
};

/* What comes after the callback has had enough is read on, so that the socket is clean for what follows. */
static int take_socket(const struct nlmsghdr *message, void *arg)
{
	struct reading *reading = arg;
	struct diag_socket socket;

	if (!reading->result && !diag_parse(message, &socket) && socket.state == reading->state)
		reading->result = reading->callback(&socket, reading->arg);
	return MNL_CB_OK;
}

/* "port <= local port and local port <= port": the two comparisons that every kernel knows. A jump of more
 * than what is left of the program says no. */
static void put_port_filter(struct nlmsghdr *message, uint16_t port)
{
	const struct inet_diag_bc_op program[] = {
		{.code = INET_DIAG_BC_S_GE, .yes = 8, .no = 20},
		{.no = port},
		{.code = INET_DIAG_BC_S_LE, .yes = 8, .no = 12},
		{.no = port},
	};

	mnl_attr_put(message, INET_DIAG_REQ_BYTECODE, sizeof(program), program);
}

/* port 0: any. */
static int dump(struct diag *diag, uint8_t family, uint16_t port, struct reading *reading)
{
	struct nlmsghdr *message = request_new(diag, NLM_F_DUMP);
	struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	int err;

	request->sdiag_family = family;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = 1U << reading->state;
	if (port)
		put_port_filter(message, port);
	err = run(diag, message, take_socket, reading);
	return err ? err : reading->result;
}

static int dump_both(struct diag *diag, uint16_t port, struct reading *reading)
{
	int err = dump(diag, AF_INET, port, reading);

	if (!err)
		err = dump(diag, AF_INET6, port, reading);
	return err == -ENOENT ? 0 : err; /* a host without IPv6 */
}

int diag_listening(struct diag *diag, diag_callback callback, void *arg)
{
	struct reading reading = {.callback = callback, .arg = arg, .state = TCP_LISTEN};

	return dump_both(diag, 0, &reading);
}

struct by_port {
	uint16_t port;
	diag_callback callback;
	void *arg;
};

static int take_port(const struct diag_socket *socket, void *arg)
{
	const struct by_port *by_port = arg;

	return socket->local_port == by_port->port ? by_port->callback(socket, by_port->arg) : 0;
}

int diag_established(struct diag *diag, uint16_t local_port, diag_callback callback, void *arg)
{
	struct by_port by_port = {.port = local_port, .callback = callback, .arg = arg};
	struct reading reading = {.callback = take_port, .arg = &by_port, .state = TCP_ESTABLISHED};

	return dump_both(diag, local_port, &reading);
}

/* --- AF_UNIX ------------------------------------------------------------------- */

struct peer_reading {
	uint32_t inode;
	uint32_t peer;
};

static int take_unix(const struct nlmsghdr *message, void *arg)
{
	struct peer_reading *reading = arg;
	uint32_t inode, peer;

	if (!diag_parse_unix(message, &inode, &peer) && inode == reading->inode)
		reading->peer = peer;
	return MNL_CB_STOP; /* one socket, one message */
}

int diag_unix_peer(struct diag *diag, uint32_t inode, uint32_t *ret)
{
	struct nlmsghdr *message = request_new(diag, 0);
	struct unix_diag_req *request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	struct peer_reading reading = {.inode = inode};
	int err;

	request->sdiag_family = AF_UNIX;
	request->udiag_states = UINT32_MAX;
	request->udiag_ino = inode;
	request->udiag_show = UDIAG_SHOW_PEER;
	memset(request->udiag_cookie, 0xff, sizeof(request->udiag_cookie)); /* any */
	err = run(diag, message, take_unix, &reading);
	if (!err && !reading.peer)
		err = -ENOENT;
	if (!err)
		*ret = reading.peer;
	return err;
}
