// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_rtnl.c - interfaces that come, are renamed, join and leave a bridge, and go, in a network namespace of
 * the test's own
 */
#include "userspace/io/rtnl.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/core/error.h"

#define EVENTS_MAX 256
#define WAIT_MS	   2000

struct seen {
	struct rtnl *rtnl;
	struct rtnl_link links[EVENTS_MAX];
	size_t count;
};

static struct seen seen;
static bool may_not; /* make a namespace */

static void on_link(const struct rtnl_link *link, void *arg)
{
	struct seen *to = arg;

	if (to->count < EVENTS_MAX)
		to->links[to->count++] = *link;
}

static int setup_namespace(void **state)
{
	(void)state;
	may_not = unshare(CLONE_NEWNET) < 0;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	if (may_not)
		return 0;
	memset(&seen, 0, sizeof(seen));
	return rtnl_open(&seen.rtnl, NULL);
}

static int teardown(void **state)
{
	(void)state;
	rtnl_close(seen.rtnl);
	seen.rtnl = NULL;
	return 0;
}

static void need_namespace(void)
{
	if (may_not) {
		print_message("SKIP: a network namespace of the test's own needs root\n");
		skip();
	}
}

static void ip(const char *arguments)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "ip link %s", arguments);
	assert_int_equal(system(command), 0);
}

/* Reads what there is; messages are there before `ip` ends, so that none is waited for in vain. */
static int read_all(void)
{
	struct pollfd poll_fd = {.fd = rtnl_fd(seen.rtnl), .events = POLLIN};

	assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
	seen.count = 0;
	return rtnl_read(seen.rtnl, on_link, &seen);
}

static const struct rtnl_link *last_of(unsigned int ifindex)
{
	for (size_t i = seen.count; i > 0; i--) {
		if (seen.links[i - 1].ifindex == ifindex)
			return &seen.links[i - 1];
	}
	return NULL;
}

static bool said_gone(unsigned int ifindex)
{
	for (size_t i = 0; i < seen.count; i++) {
		if (seen.links[i].ifindex == ifindex && seen.links[i].gone)
			return true;
	}
	return false;
}

static void test_come_and_go(void **state)
{
	const struct rtnl_link *link;
	unsigned int a, b;

	(void)state;
	need_namespace();
	ip("add rtnl-a type veth peer name rtnl-b");
	a = if_nametoindex("rtnl-a");
	b = if_nametoindex("rtnl-b");
	assert_int_equal(read_all(), 0);
	link = last_of(a);
	assert_non_null(link);
	assert_string_equal(link->name, "rtnl-a");
	assert_false(link->gone);
	assert_string_equal(last_of(b)->name, "rtnl-b");

	ip("set rtnl-a name rtnl-fifteen-ch"); /* 16 bytes with its NUL: all that fits */
	assert_int_equal(read_all(), 0);
	assert_string_equal(last_of(a)->name, "rtnl-fifteen-ch");
	ip("delete rtnl-b");
	assert_int_equal(read_all(), 0);
	assert_true(said_gone(a));
	assert_true(said_gone(b));
	assert_true(last_of(a)->gone);
	assert_int_equal(rtnl_read(seen.rtnl, on_link, &seen), 0); /* nothing there: does not wait */
}

/* The same name again is another interface. */
static void test_recreated(void **state)
{
	unsigned int first, second;

	(void)state;
	need_namespace();
	ip("add rtnl-d type veth peer name rtnl-e");
	first = if_nametoindex("rtnl-d");
	ip("delete rtnl-d");
	ip("add rtnl-d type veth peer name rtnl-e");
	second = if_nametoindex("rtnl-d");
	assert_int_equal(read_all(), 0);
	assert_int_not_equal(first, second);
	assert_true(last_of(first)->gone);
	assert_false(last_of(second)->gone);
	ip("delete rtnl-d");
}

/* Leaving a bridge is told by a DELLINK of family AF_BRIDGE: the interface is still there. */
static void test_bridge(void **state)
{
	unsigned int port;

	(void)state;
	need_namespace();
	ip("add rtnl-br type bridge");
	ip("add rtnl-p type veth peer name rtnl-q");
	port = if_nametoindex("rtnl-p");
	ip("set rtnl-p master rtnl-br");
	ip("set rtnl-p nomaster");
	assert_int_equal(read_all(), 0);
	assert_non_null(last_of(port));
	assert_false(said_gone(port));
	ip("delete rtnl-p");
	assert_int_equal(read_all(), 0);
	assert_true(said_gone(port));
	ip("delete rtnl-br");
}

/* More than the socket holds: said, once, and what comes later is heard again. */
static void test_overrun(void **state)
{
	int size = 1;

	(void)state;
	need_namespace();
	assert_int_equal(setsockopt(rtnl_fd(seen.rtnl), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	for (int i = 0; i < 4; i++) {
		ip("add rtnl-o type veth peer name rtnl-n");
		ip("delete rtnl-o");
	}
	assert_int_equal(read_all(), -ENOBUFS);
	assert_int_equal(rtnl_read(seen.rtnl, on_link, &seen), 0);
	size = 1 << 20;
	assert_int_equal(setsockopt(rtnl_fd(seen.rtnl), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	ip("add rtnl-o type veth peer name rtnl-n");
	assert_int_equal(read_all(), 0);
	assert_non_null(last_of(if_nametoindex("rtnl-o")));
	ip("delete rtnl-o");
}

static void test_close_null(void **state)
{
	(void)state;
	rtnl_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(test_recreated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bridge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overrun, setup, teardown),
		cmocka_unit_test(test_close_null),
	};

	return cmocka_run_group_tests(tests, setup_namespace, NULL);
}
