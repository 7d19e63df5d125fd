// SPDX-License-Identifier: GPL-2.0-only
/* Answers of NETLINK_SOCK_DIAG: written by hand, cut short, and the kernel's own about sockets of this test.
 */
#include "userspace/origin/diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#include <cmocka.h>

struct message {
	_Alignas(struct nlmsghdr) char bytes[512];
};

static struct inet_diag_msg *begin(struct message *message, uint8_t family, const char *local,
				   const char *remote)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(message->bytes);
	struct inet_diag_msg *socket;

	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	socket = mnl_nlmsg_put_extra_header(header, sizeof(*socket));
	socket->idiag_family = family;
	socket->idiag_state = 1;
	socket->id.idiag_sport = htons(22);
	socket->id.idiag_dport = htons(50000);
	socket->idiag_inode = 77;
	socket->idiag_uid = 12;
	assert_int_equal(inet_pton(family, local, socket->id.idiag_src), 1);
	assert_int_equal(inet_pton(family, remote, socket->id.idiag_dst), 1);
	return socket;
}

static void expect(uint8_t family, const char *local, const char *remote, const char *want)
{
	char text[ADDR_TEXT_MAX];
	struct message message;
	struct diag_socket socket;

	(void)begin(&message, family, local, remote);
	assert_int_equal(diag_parse((struct nlmsghdr *)message.bytes, &socket), 0);
	addr_format(&socket.remote, text);
	assert_string_equal(text, want);
	assert_int_equal(socket.local_port, 22);
	assert_int_equal(socket.state, 1);
	assert_int_equal(socket.inode, 77);
	assert_int_equal(socket.uid, 12);
}

static void test_parse(void **state)
{
	(void)state;
	expect(AF_INET, "192.0.2.10", "203.0.113.7", "203.0.113.7");
	expect(AF_INET6, "2001:db8::10", "2001:db8::7", "2001:db8::7");
	expect(AF_INET6, "::ffff:192.0.2.10", "::ffff:203.0.113.7", "203.0.113.7");
	expect(AF_INET6, "::1", "::1", "::1");
	/* Compatible, translated: not the same as mapped. */
	expect(AF_INET6, "::192.0.2.10", "64:ff9b::cb00:7107", "64:ff9b::cb00:7107");
}

static void test_parse_refused(void **state)
{
	struct message message;
	struct diag_socket socket;
	struct nlmsghdr *header = (struct nlmsghdr *)message.bytes;
	uint32_t length;

	(void)state;
	begin(&message, AF_INET, "192.0.2.10", "203.0.113.7")->idiag_family = AF_UNIX;
	assert_int_equal(diag_parse(header, &socket), -EPROTO);
	(void)begin(&message, AF_INET, "192.0.2.10", "203.0.113.7");
	header->nlmsg_type++;
	assert_int_equal(diag_parse(header, &socket), -EPROTO);
	(void)begin(&message, AF_INET, "192.0.2.10", "203.0.113.7");
	length = header->nlmsg_len;
	for (header->nlmsg_len = NLMSG_HDRLEN; header->nlmsg_len < length; header->nlmsg_len++) {
		/* As large as it says, so that a byte too far is found out. */
		void *copy = malloc(header->nlmsg_len);

		assert_non_null(copy);
		memcpy(copy, header, header->nlmsg_len);
		assert_int_equal(diag_parse(copy, &socket), -EPROTO);
		free(copy);
	}
}

static struct nlmsghdr *begin_unix(struct message *message, bool peer)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(message->bytes);
	struct unix_diag_msg *socket;

	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	socket = mnl_nlmsg_put_extra_header(header, sizeof(*socket));
	socket->udiag_family = AF_UNIX;
	socket->udiag_ino = 77;
	if (peer)
		mnl_attr_put_u32(header, UNIX_DIAG_PEER, 78);
	return header;
}

static void test_parse_unix(void **state)
{
	uint32_t inode = 0, peer = 0;
	struct message message;
	struct nlmsghdr *header;

	(void)state;
	header = begin_unix(&message, true);
	assert_int_equal(diag_parse_unix(header, &inode, &peer), 0);
	assert_int_equal(inode, 77);
	assert_int_equal(peer, 78);
	assert_int_equal(diag_parse_unix(begin_unix(&message, false), &inode, &peer), 0);
	assert_int_equal(peer, 0);
	header = begin_unix(&message, false);
	mnl_attr_put_u16(header, UNIX_DIAG_PEER, 78); /* of another size */
	assert_int_equal(diag_parse_unix(header, &inode, &peer), 0);
	assert_int_equal(peer, 0);
	header = begin_unix(&message, true);
	header->nlmsg_type++;
	assert_int_equal(diag_parse_unix(header, &inode, &peer), -EPROTO);
	header = begin_unix(&message, true);
	header->nlmsg_len = NLMSG_HDRLEN + 8;
	assert_int_equal(diag_parse_unix(header, &inode, &peer), -EPROTO);
}

/* --- the kernel's own ---------------------------------------------------------- */

struct seen {
	uint32_t inode;
	size_t count;
	size_t others;
	struct diag_socket socket;
};

static int see(const struct diag_socket *socket, void *arg)
{
	struct seen *seen = arg;

	if (socket->inode == seen->inode) {
		seen->count++;
		seen->socket = *socket;
	} else {
		seen->others++;
	}
	return 0;
}

static int stop(const struct diag_socket *socket, void *arg)
{
	(void)socket;
	*(size_t *)arg += 1;
	return -E2BIG;
}

static uint32_t inode_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return (uint32_t)status.st_ino;
}

static int listen_on(struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)address, size), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &size), 0);
	return fd;
}

static int connect_to(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
	return fd;
}

static void test_kernel_tcp(void **state)
{
	struct sockaddr_in address, other;
	int listener = listen_on(&address), elsewhere = listen_on(&other);
	int client = connect_to(&address), noise = connect_to(&other);
	int accepted = accept(listener, NULL, NULL);
	struct seen listening = {.inode = inode_of(listener)}, connected = {.inode = inode_of(accepted)};
	uint16_t port = ntohs(address.sin_port);
	struct diag *diag = NULL;
	size_t calls = 0;

	(void)state;
	assert_int_equal(diag_open(-1, &diag), 0);
	assert_int_equal(diag_listening(diag, see, &listening), 0);
	assert_int_equal(listening.count, 1);
	assert_int_equal(listening.socket.local_port, port);
	assert_int_equal(listening.socket.uid, getuid());
	assert_true(listening.others >= 1);
	assert_int_equal(diag_established(diag, port, see, &connected), 0);
	assert_int_equal(connected.count, 1);
	assert_int_equal(connected.others, 0); /* neither its client's end, nor the other port's */
	assert_true(addr_equal(&connected.socket.remote, &connected.socket.local));
	/* A callback that has had enough leaves nothing behind for the next question. */
	assert_int_equal(diag_listening(diag, stop, &calls), -E2BIG);
	assert_int_equal(calls, 1);
	connected.count = 0;
	assert_int_equal(diag_established(diag, port, see, &connected), 0);
	assert_int_equal(connected.count, 1);
	diag_close(diag);
	(void)close(client), (void)close(noise), (void)close(accepted), (void)close(listener),
		(void)close(elsewhere);
}

static void test_kernel_unix(void **state)
{
	int pair[2], alone = socket(AF_UNIX, SOCK_STREAM, 0);
	struct diag *diag = NULL;
	uint32_t peer = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(diag_open(-1, &diag), 0);
	assert_int_equal(diag_unix_peer(diag, inode_of(pair[0]), &peer), 0);
	assert_int_equal(peer, inode_of(pair[1]));
	assert_int_equal(diag_unix_peer(diag, inode_of(alone), &peer), -ENOENT);
	assert_int_equal(diag_unix_peer(diag, 1, &peer), -ENOENT);
	assert_int_equal(diag_unix_peer(diag, inode_of(pair[1]), &peer), 0);
	assert_int_equal(peer, inode_of(pair[0]));
	diag_close(diag);
	(void)close(pair[0]), (void)close(pair[1]), (void)close(alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	    cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_parse_unix),  cmocka_unit_test(test_kernel_tcp),
		cmocka_unit_test(test_kernel_unix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
