// SPDX-License-Identifier: GPL-2.0-only
/* The asking side, against a helper of the test's own: late, gone, back, wrong, and many at once. */
#include "userspace/io/originclient.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[32];
	char path[64];
	int listener;
	int helper;
	struct originclient *client;
};

struct asked {
	unsigned int count;
	struct origin origin;
};

static void answered(const struct origin *origin, void *arg)
{
	struct asked *asked = arg;

	asked->count++;
	asked->origin = *origin;
}

static void helper_listen(struct fixture *fixture)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture->path);
	(void)unlink(fixture->path);
	fixture->listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(fixture->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fixture->listener, 4), 0);
}

static void helper_accept(struct fixture *fixture)
{
	fixture->helper = accept(fixture->listener, NULL, NULL);
	assert_true(fixture->helper >= 0);
}

static void helper_end(struct fixture *fixture)
{
	(void)close(fixture->helper), (void)close(fixture->listener);
	fixture->helper = fixture->listener = -1;
}

/* Takes a question; *ret_inode is of its first descriptor, the number of them is returned. */
static size_t helper_take(const struct fixture *fixture, struct origin_request *ret, ino_t *ret_inode)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = {.iov_base = ret, .iov_len = sizeof(*ret)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header;
	struct stat status;
	int fds[2];
	size_t count;

	assert_int_equal(recvmsg(fixture->helper, &message, MSG_DONTWAIT), sizeof(*ret));
	header = CMSG_FIRSTHDR(&message);
	assert_non_null(header);
	count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(header), count * sizeof(int));
	assert_int_equal(fstat(fds[0], &status), 0);
	*ret_inode = status.st_ino;
	for (size_t i = 0; i < count; i++)
		(void)close(fds[i]);
	assert_int_equal(ret->version, ORIGIN_VERSION);
	return count;
}

static void helper_answer(const struct fixture *fixture, uint64_t cookie, enum origin_reason reason)
{
	struct origin origin = {.reason = reason, .sshd_pid = 5};
	struct origin_answer answer;

	assert_int_equal(addr_parse("203.0.113.7", &origin.addr, NULL), 0);
	origin_encode(&origin, cookie, &answer);
	assert_int_equal(send(fixture->helper, &answer, sizeof(answer), 0), sizeof(answer));
}

static uint64_t cookie_of(const struct fixture *fixture)
{
	struct origin_request request;
	ino_t inode;

	(void)helper_take(fixture, &request, &inode);
	return request.cookie;
}

/* As an event loop would, once. */
static void turn(const struct fixture *fixture)
{
	struct pollfd ready = {.fd = originclient_fd(fixture->client), .events = POLLIN};

	assert_true(poll(&ready, 1, originclient_timeout_ms(fixture->client)) >= 0);
	originclient_run(fixture->client);
}

static enum origin_reason ask(const struct fixture *fixture, struct asked *asked)
{
	return originclient_ask(fixture->client, STDIN_FILENO, -1, answered, asked);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	(void)snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/ag-origin.XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/sock", fixture->dir);
	helper_listen(fixture);
	assert_int_equal(originclient_new(fixture->path, &fixture->client), 0);
	helper_accept(fixture); /* it has connected by itself */
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	originclient_free(fixture->client);
	(void)close(fixture->helper), (void)close(fixture->listener);
	(void)unlink(fixture->path);
	(void)rmdir(fixture->dir);
	free(fixture);
	return 0;
}

static void test_found(void **state)
{
	const struct fixture *fixture = *state;
	struct origin_request request;
	struct asked asked = {0};
	char text[ADDR_TEXT_MAX];
	struct stat own;
	ino_t inode;

	assert_int_equal(originclient_timeout_ms(fixture->client), -1);
	assert_int_equal(ask(fixture, &asked), ORIGIN_NONE);
	assert_int_equal(helper_take(fixture, &request, &inode), 1);
	assert_int_equal(request.flags, 0);
	assert_int_equal(fstat(STDIN_FILENO, &own), 0);
	assert_true(own.st_ino == inode);
	originclient_run(fixture->client);
	assert_int_equal(asked.count, 0);
	helper_answer(fixture, request.cookie, ORIGIN_FOUND);
	turn(fixture);
	assert_int_equal(asked.count, 1);
	assert_int_equal(asked.origin.reason, ORIGIN_FOUND);
	addr_format(&asked.origin.addr, text);
	assert_string_equal(text, "203.0.113.7");
	assert_int_equal(originclient_timeout_ms(fixture->client), -1);
}

static void test_check_peer(void **state)
{
	const struct fixture *fixture = *state;
	struct origin_request request;
	static struct asked asked; /* answered when the client ends */
	ino_t inode;

	assert_int_equal(originclient_ask(fixture->client, STDIN_FILENO, fixture->listener, answered, &asked),
			 ORIGIN_NONE);
	assert_int_equal(helper_take(fixture, &request, &inode), 2);
	assert_int_equal(request.flags, ORIGIN_CHECK_PEER);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void test_late(void **state)
{
	const struct fixture *fixture = *state;
	struct asked asked = {0}, next = {0};
	int64_t begin = now_ms();
	uint64_t cookie;

	assert_int_equal(ask(fixture, &asked), ORIGIN_NONE);
	cookie = cookie_of(fixture);
	while (!asked.count)
		turn(fixture);
	assert_int_equal(asked.origin.reason, ORIGIN_LATE);
	assert_in_range(now_ms() - begin, ORIGINCLIENT_DEADLINE_MS - 1, 10 * ORIGINCLIENT_DEADLINE_MS);
	/* What comes now is nobody's, and the next one's least of all. */
	assert_int_equal(ask(fixture, &next), ORIGIN_NONE);
	helper_answer(fixture, cookie, ORIGIN_FOUND);
	turn(fixture);
	assert_int_equal(asked.count + next.count, 1);
	helper_answer(fixture, cookie_of(fixture), ORIGIN_NO_SSHD);
	turn(fixture);
	assert_int_equal(next.origin.reason, ORIGIN_NO_SSHD);
	assert_int_equal(asked.count + next.count, 2);
}

static void test_gone_and_back(void **state)
{
	struct fixture *fixture = *state;
	struct asked first = {0}, second = {0}, third = {0};

	assert_int_equal(ask(fixture, &first), ORIGIN_NONE);
	assert_int_equal(ask(fixture, &second), ORIGIN_NONE);
	helper_end(fixture);
	turn(fixture);
	assert_int_equal(first.count + second.count, 2);
	assert_int_equal(first.origin.reason, ORIGIN_NO_HELPER);
	assert_int_equal(second.origin.reason, ORIGIN_NO_HELPER);
	assert_int_equal(ask(fixture, &third), ORIGIN_NO_HELPER);
	assert_int_equal(third.count, 0);
	helper_listen(fixture);
	assert_int_equal(ask(fixture, &third), ORIGIN_NONE);
	helper_accept(fixture);
	helper_answer(fixture, cookie_of(fixture), ORIGIN_FOUND);
	turn(fixture);
	assert_int_equal(third.origin.reason, ORIGIN_FOUND);
}

/* It was started anew since it was last asked, and nobody has noticed. */
static void test_started_anew(void **state)
{
	struct fixture *fixture = *state;
	struct asked asked = {0};

	helper_end(fixture);
	helper_listen(fixture);
	assert_int_equal(ask(fixture, &asked), ORIGIN_NONE);
	helper_accept(fixture);
	helper_answer(fixture, cookie_of(fixture), ORIGIN_LOCAL);
	turn(fixture);
	assert_int_equal(asked.origin.reason, ORIGIN_LOCAL);
}

static void test_bad_answers(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 4; i++) {
		struct origin_answer answer = {.version = ORIGIN_VERSION, .reason = ORIGIN_NO_SSHD};
		size_t size = sizeof(answer);
		struct asked asked = {0};

		assert_int_equal(ask(fixture, &asked), ORIGIN_NONE);
		if (i)
			helper_accept(fixture);
		answer.cookie = cookie_of(fixture);
		answer.version += i == 0;
		answer.cookie += i == 1;
		size -= i == 2;
		answer.reason = i == 3 ? ORIGIN_LATE : ORIGIN_NO_SSHD;
		assert_int_equal(send(fixture->helper, &answer, size, 0), size);
		turn(fixture);
		assert_int_equal(asked.count, 1);
		assert_int_equal(asked.origin.reason, ORIGIN_BAD_ANSWER);
		assert_false(addr_known(&asked.origin.addr));
		(void)close(fixture->helper);
	}
	fixture->helper = -1;
}

static void test_many(void **state)
{
	const struct fixture *fixture = *state;
	static struct asked asked[ORIGINCLIENT_PENDING_MAX + 1];
	unsigned int open = 0, said = 0;

	memset(asked, 0, sizeof(asked));
	while (open <= ORIGINCLIENT_PENDING_MAX && ask(fixture, &asked[open]) == ORIGIN_NONE)
		open++;
	assert_in_range(open, 1, ORIGINCLIENT_PENDING_MAX);
	assert_int_equal(ask(fixture, &asked[open]), ORIGIN_LATE);
	while (originclient_timeout_ms(fixture->client) >= 0)
		turn(fixture);
	for (unsigned int i = 0; i <= open; i++)
		said += asked[i].count;
	assert_int_equal(said, open);
}

static void test_cancel(void **state)
{
	const struct fixture *fixture = *state;
	struct asked gone = {0}, stays = {0};

	assert_int_equal(ask(fixture, &gone), ORIGIN_NONE);
	assert_int_equal(ask(fixture, &stays), ORIGIN_NONE);
	originclient_cancel(fixture->client, &gone);
	originclient_cancel(fixture->client, fixture); /* nobody's */
	helper_answer(fixture, cookie_of(fixture), ORIGIN_FOUND);
	helper_answer(fixture, cookie_of(fixture), ORIGIN_FOUND);
	turn(fixture);
	assert_int_equal(gone.count, 0);
	assert_int_equal(stays.count, 1);
}

static void test_free_answers(void **state)
{
	struct fixture *fixture = *state;
	struct asked asked = {0};

	assert_int_equal(ask(fixture, &asked), ORIGIN_NONE);
	originclient_free(fixture->client);
	fixture->client = NULL;
	assert_int_equal(asked.count, 1);
	assert_int_equal(asked.origin.reason, ORIGIN_NO_HELPER);
}

static void test_off(void **state)
{
	static const char *const paths[] = {"", "off"};
	struct asked asked = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct originclient *client = NULL;

		assert_int_equal(originclient_new(paths[i], &client), 0);
		assert_int_equal(originclient_ask(client, STDIN_FILENO, -1, answered, &asked),
				 ORIGIN_NO_HELPER);
		originclient_free(client);
	}
	assert_int_equal(asked.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_peer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_started_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_answers, setup, teardown),
		cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
