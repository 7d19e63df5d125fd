// SPDX-License-Identifier: GPL-2.0-only
/* What /proc says, with the names that a process gives itself to be taken for another. */
#include "userspace/origin/proctext.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define REST "5 6 34816 7 4194304 1 2 3 4 5 6 7 8 20 0 1 0"

static void expect_stat(const char *text, uint32_t pid, char process_state, uint32_t parent, uint64_t start)
{
	struct proc_stat stat = {0};

	assert_int_equal(proctext_stat(text, &stat), 0);
	assert_int_equal(stat.pid, pid);
	assert_int_equal(stat.state, process_state);
	assert_int_equal(stat.parent, parent);
	assert_true(stat.start == start);
}

static void test_stat(void **state)
{
	(void)state;
	expect_stat("42 (bash) S 41 " REST " 9876 1 2\n", 42, 'S', 41, 9876);
	expect_stat("1 (systemd) S 0 " REST " 0 1 2\n", 1, 'S', 0, 0);
	expect_stat("4294967295 (x) Z 4294967295 " REST " 18446744073709551615 1\n", UINT32_MAX, 'Z',
		    UINT32_MAX, UINT64_MAX);
}

static void test_stat_hostile_names(void **state)
{
	static const char *const names[] = {
		"",
		")",
		"(",
		") S 1 (",
		"a) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
		"\n7 (x) S 1",
		"sshd) S 1 ",
		"((((",
		"))))",
		" ",
		"\xff\xfe",
		") ",
		"a)b c)d",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text), "42 (%s) S 41 " REST " 9876 1 2\n", names[i]);
		expect_stat(text, 42, 'S', 41, 9876);
	}
}

static void test_stat_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"42",
		"42 (bash",
		"42 (bash)",
		"42 bash) S 41 " REST " 9876 1\n",
		"x (bash) S 41 " REST " 9876 1\n",
		"0 (bash) S 41 " REST " 9876 1\n",
		"-42 (bash) S 41 " REST " 9876 1\n",
		"4294967296 (bash) S 41 " REST " 9876 1\n",
		"42 (bash)S 41 " REST " 9876 1\n",
		"42 (bash)  41 " REST " 9876 1\n",
		"42 (bash) SS 41 " REST " 9876 1\n",
		"42 (bash) S -1 " REST " 9876 1\n",
		"42 (bash) S 41x " REST " 9876 1\n",
		"42 (bash) S 41 " REST "\n",
		"42 (bash) S 41 " REST " 9876",
		"42 (bash) S 41 " REST " 9876x 1\n",
		"42 (bash) S 41 " REST " 18446744073709551616 1\n",
		"42 (bash) S 41 5 6\n",
		")42 (bash",
		"42) S 41 (" REST,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct proc_stat stat = {.pid = 7};

		assert_int_equal(proctext_stat(texts[i], &stat), -EPROTO);
		assert_int_equal(stat.pid, 7);
	}
}

static void test_uids(void **state)
{
	uint32_t uids[4] = {9, 9, 9, 9};

	(void)state;
	assert_int_equal(proctext_uids("Name:\tx\nUid:\t1\t2\t3\t4294967295\nGid:\t0\t0\t0\t0\n", uids), 0);
	assert_true(uids[0] == 1 && uids[1] == 2 && uids[2] == 3 && uids[3] == UINT32_MAX);
	/* A newline in a name is written as two characters. */
	assert_int_equal(proctext_uids("Name:\t\\nUid:\t0\t0\t0\t0\nUid:\t5\t6\t7\t8\n", uids), 0);
	assert_int_equal(uids[0], 5);
	assert_int_equal(proctext_uids("Name:\tUid:\t0\t0\t0\t0\nUid:\t5\t6\t7\t8\n", uids), 0);
	assert_int_equal(uids[0], 5);
	assert_int_equal(proctext_uids("Name:\tx\nGid:\t0\t0\t0\t0\n", uids), -EPROTO);
	assert_int_equal(proctext_uids("Uid:\t0\t0\t0\n", uids), -EPROTO);
	assert_int_equal(proctext_uids("Uid:\t0\t0\t0\t0", uids), -EPROTO);
	assert_int_equal(proctext_uids("Uid:\t0\t0\t0\t0\t0\n", uids), -EPROTO);
	assert_int_equal(proctext_uids("Uid: 0 0 0 0\n", uids), -EPROTO);
	assert_int_equal(proctext_uids("", uids), -EPROTO);
	assert_int_equal(uids[0], 5);
}

static void test_pidfd(void **state)
{
	uint32_t pid = 7;

	(void)state;
	assert_int_equal(proctext_pidfd("pos:\t0\nflags:\t02\nPid:\t-1\nNSpid:\t-1\n", &pid), -ESRCH);
	assert_int_equal(proctext_pidfd("pos:\t0\nPid:\t0\nNSpid:\t0\n", &pid), -ESRCH);
	assert_int_equal(proctext_pidfd("pos:\t0\nflags:\t02\n", &pid), -EPROTO);
	assert_int_equal(proctext_pidfd("pos:\t0\nPid:\t-2\n", &pid), -EPROTO);
	assert_int_equal(proctext_pidfd("pos:\t0\nPid:\t4294967296\n", &pid), -EPROTO);
	assert_int_equal(proctext_pidfd("pos:\t0\nNSPid:\t5\n", &pid), -EPROTO);
	assert_int_equal(pid, 7);
	assert_int_equal(proctext_pidfd("pos:\t0\nflags:\t02\nPid:\t4711\nNSpid:\t4711\n", &pid), 0);
	assert_int_equal(pid, 4711);
}

static void test_socket(void **state)
{
	static const char *const none[] = {
		"/dev/null",
		"pipe:[12]",
		"socket:[]",
		"socket:[12",
		"socket:[12]x",
		"socket:[4294967296]",
		"/tmp/socket:[12]",
		"socket:[-1]",
		"",
		"socket:[12] (deleted)",
	};
	uint32_t inode = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_int_equal(proctext_socket(none[i], &inode), -EPROTO);
	assert_int_equal(inode, 7);
	assert_int_equal(proctext_socket("socket:[4294967295]", &inode), 0);
	assert_true(inode == UINT32_MAX);
}

static void test_relays(void **state)
{
	static const char *const relays[] = {
		"/usr/bin/tmux",
		"/usr/bin/screen",
		"/usr/bin/screen-4.9.0",
		"/usr/sbin/sshd",
		"/tmp/u/sshd",
		"/usr/lib/openssh/sshd-session",
		"tmux",
		"/usr/bin/tmux (deleted)",
		"/usr/bin/mosh-server",
	};
	static const char *const others[] = {
		"/usr/bin/bash",
		"/usr/bin/sudo",
		"/usr/bin/ssh",
		"/tmux/bash",
		"/usr/bin/tmuxinator",
		"",
		"/",
		"/usr/bin/screenfetch",
		"/usr/bin/setsid",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(relays) / sizeof(*relays); i++)
		assert_true(proctext_relays(relays[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(proctext_relays(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),	     cmocka_unit_test(test_stat_hostile_names),
		cmocka_unit_test(test_stat_refused), cmocka_unit_test(test_uids),
		cmocka_unit_test(test_pidfd),	     cmocka_unit_test(test_socket),
		cmocka_unit_test(test_relays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
