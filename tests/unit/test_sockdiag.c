// SPDX-License-Identifier: GPL-2.0-only
/* test_sockdiag.c - connections out of the kernel's messages, and real ones */
#include "userspace/io/sockdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct nlmsghdr *message_of(char *buffer, uint8_t family, uint8_t state, const char *local,
				   const char *remote)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_msg *socket = mnl_nlmsg_put_extra_header(message, sizeof(*socket));

	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	socket->idiag_family = family;
	socket->idiag_state = state;
	socket->id.idiag_sport = htons(443);
	socket->id.idiag_dport = htons(40000);
	assert_int_equal(inet_pton(family, local, socket->id.idiag_src), 1);
	assert_int_equal(inet_pton(family, remote, socket->id.idiag_dst), 1);
	return message;
}

static void assert_remote(const struct sockdiag_connection *connection, const char *text)
{
	char remote[ADDR_TEXT_MAX];

	addr_format(&connection->remote, remote);
	assert_string_equal(remote, text);
	assert_int_equal(connection->local_port, 443);
	assert_int_equal(connection->remote_port, 40000);
}

static void test_messages(void **state)
{
	char buffer[1024] = {0};
	struct sockdiag_connection connection;
	struct nlmsghdr *message;

	(void)state;
	message = message_of(buffer, AF_INET, TCP_ESTABLISHED, "192.0.2.10", "203.0.113.7");
	assert_int_equal(sockdiag_parse(message, &connection), 0);
	assert_remote(&connection, "203.0.113.7");
	message = message_of(buffer, AF_INET6, TCP_ESTABLISHED, "2001:db8::10", "2001:db8:b::7");
	assert_int_equal(sockdiag_parse(message, &connection), 0);
	assert_remote(&connection, "2001:db8:b::7");
	message = message_of(buffer, AF_INET6, TCP_ESTABLISHED, "::ffff:192.0.2.10", "::ffff:203.0.113.7");
	assert_int_equal(sockdiag_parse(message, &connection), 0);
	assert_remote(&connection, "203.0.113.7"); /* a dual-stack socket's */
}

static void test_what_is_none(void **state)
{
	char buffer[1024] = {0};
	struct sockdiag_connection connection;
	struct nlmsghdr *message = message_of(buffer, AF_INET, TCP_LISTEN, "192.0.2.10", "0.0.0.0");

	(void)state;
	assert_int_equal(sockdiag_parse(message, &connection), -EPROTO);
	message = message_of(buffer, AF_INET, TCP_ESTABLISHED, "192.0.2.10", "203.0.113.7");
	message->nlmsg_type = NLMSG_DONE;
	assert_int_equal(sockdiag_parse(message, &connection), -EPROTO);
	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_len = NLMSG_LENGTH(sizeof(struct inet_diag_msg) - 1);
	assert_int_equal(sockdiag_parse(message, &connection), -EPROTO);
	message = message_of(buffer, AF_INET, TCP_ESTABLISHED, "192.0.2.10", "203.0.113.7");
	((struct inet_diag_msg *)mnl_nlmsg_get_payload(message))->idiag_family = AF_UNIX;
	assert_int_equal(sockdiag_parse(message, &connection), -EPROTO);
}

struct counting {
	uint16_t port;
	size_t count;
};

static int count(const struct sockdiag_connection *connection, void *arg)
{
	struct counting *counting = arg;

	counting->count += connection->local_port == counting->port;
	return 0;
}

static int refuse(const struct sockdiag_connection *connection, void *arg)
{
	(void)connection;
	(void)arg;
	return 7;
}

/* A connection to oneself, of which both ends are here. */
static void test_real_ones(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), ours = socket(AF_INET, SOCK_STREAM, 0), theirs;
	struct counting counting = {0};
	socklen_t length = sizeof(address);
	bool complete = false;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(connect(ours, (struct sockaddr *)&address, length), 0);
	theirs = accept(listener, NULL, NULL);
	counting.port = ntohs(address.sin_port);
	assert_int_equal(sockdiag_established(1000000, 60000, count, &counting, &complete), 0);
	assert_true(complete);
	assert_int_equal(counting.count, 1);
	assert_int_equal(sockdiag_established(1, 60000, count, &counting, &complete), 0);
	assert_false(complete); /* there are two ends */
	assert_int_equal(sockdiag_established(1000000, 60000, refuse, NULL, &complete), 7);
	assert_false(complete);
	(void)close(listener);
	(void)close(ours);
	(void)close(theirs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_real_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
