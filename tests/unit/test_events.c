// SPDX-License-Identifier: GPL-2.0-only
/* test_events.c - what followers are sent, how much of it, how long, and who may follow */
#include "tests/unit/watch_fixture.h"

#define ACME_7 "event: denied\ndata: {\"time\":\"20"
#define ACME_7_REST                                                                                          \
	"\"account\":\"acme\",\"source\":\"203.0.0.7/32\",\"dest\":\"192.0.2.10\",\"service\":"              \
	"\"192.0.2.10:443/tcp\",\"bytes\":60,\"missed\":5}\n\n"

static void test_two_followers(void **state)
{
	CLEANUP(buffer_clear) struct buffer one = {0}, both = {0};
	int fd = follow("ada", "?x=acme", &one), other = follow("root", "", &both);

	(void)state;
	run(report_both);
	assert_true(receive_text(fd, &one, "event: would_deny"));
	assert_true(receive_text(other, &both, "event: would_deny"));
	assert_true(receive_text(fd, &one, "\"missed\":0}\n\n"));
	assert_non_null(strstr(one.data, ACME_7));
	assert_non_null(strstr(one.data, ACME_7_REST));
	assert_non_null(strstr(one.data, "\"source\":\"2001:db8:1:2::7/128\",\"dest\":\"2001:db8:1:2::7\","
					 "\"service\":\"2001:db8:1:2::7\",\"bytes\":60,\"missed\":0}\n\n"));
	assert_null(strstr(one.data, "beta"));
	assert_non_null(strstr(both.data, "event: rejected\ndata: {"));
	assert_non_null(strstr(both.data, "\"account\":\"beta\""));
	assert_non_null(strstr(both.data, ACME_7_REST));
	assert_int_equal(world.gate.denied_unreported, 5);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(other), 0);
}

/* As many as are worth reading; the others are counted, for each follower by itself. */
static void test_flood(void **state)
{
	CLEANUP(buffer_clear) struct buffer one = {0}, other = {0};
	int fd = follow("ada", "?x=acme", &one), beta = follow("root", "?x=beta", &other);

	(void)state;
	run(report_flood);
	assert_true(receive_text(fd, &one, "event: missed"));
	assert_true(receive_text(fd, &one, "}\n\n\r\n"));
	assert_int_equal(occurrences(&one, "event: denied"), EVENTS_PER_TICK);
	assert_int_equal(missed_in(&one), 5000 - EVENTS_PER_TICK);
	run(report_flood); /* the next tick has its own share */
	while (occurrences(&one, "event: denied") < 2 * EVENTS_PER_TICK)
		assert_true(receive_some(fd, &one, ANSWER_WAIT_MS) > 0);
	run(report_both);
	assert_true(receive_text(beta, &other, "event: rejected"));
	assert_int_equal(occurrences(&other, "event: denied"), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(beta), 0);
}

/* What does not fit is lost, but for what is said of it and for changes; in the end all adds up. */
static void test_slow_reader(void **state)
{
	CLEANUP(buffer_clear) struct buffer slow = {0}, quick = {0};
	int fd = follow("ada", "?x=acme", &slow), other = follow("root", "", &quick);
	unsigned long all = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		run(report_flood);
		all += 5000;
	}
	run(grant_done);
	while (occurrences(&quick, "event: denied") < 100 * EVENTS_PER_TICK / 10)
		assert_true(receive_some(other, &quick, ANSWER_WAIT_MS) > 0);
	assert_true(receive_text(fd, &slow, "event: change"));
	assert_true(occurrences(&slow, "event: denied") < 100 * EVENTS_PER_TICK);
	run(report_both);
	all += 2 + 5;
	while (occurrences(&slow, "event: denied") + occurrences(&slow, "event: would_deny") +
		       missed_in(&slow) <
	       all)
		assert_true(receive_some(fd, &slow, ANSWER_WAIT_MS) > 0);
	assert_int_equal(occurrences(&slow, "event: denied") + occurrences(&slow, "event: would_deny") +
				 missed_in(&slow),
			 all);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(other), 0);
}

static void many_ticks(void)
{
	report_flood();
	for (int i = 0; i < EVENTS_STUCK_MS / EVENTS_TICK_MS + 2; i++)
		tick();
}

/* Its place is wanted by others. */
static void test_stuck_reader(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = follow("root", "", &answer);

	(void)state;
	for (int i = 0; i < 30; i++)
		run(report_flood);
	run(many_ticks);
	assert_true(receive_text(fd, &answer, "event: end\ndata: {"));
	assert_true(receive_text(fd, &answer, "\r\n0\r\n\r\n"));
	assert_non_null(strstr(answer.data, "\"code\":\"limit\""));
	assert_int_equal(close(fd), 0);
}

static void change_some(void)
{
	change("acme", "allow add", "done");
	change("acme", "allow remove", "would_open");
	change("beta", "account set", "done");
	change("", "user add", "done");
}

static void test_changes(void **state)
{
	CLEANUP(buffer_clear) struct buffer one = {0}, both = {0};
	int fd = follow("ada", "?x=acme", &one), other = follow("root", "", &both);

	(void)state;
	run(change_some);
	run(report_both);
	assert_true(receive_text(fd, &one, "event: would_deny"));
	assert_true(receive_text(other, &both, "event: would_deny"));
	assert_int_equal(occurrences(&one, "event: change"), 2);
	assert_int_equal(occurrences(&both, "event: change"), 4);
	assert_non_null(strstr(
		one.data,
		"event: change\ndata: {\"time\":\"1970-01-01T00:00:00Z\",\"user\":\"ops\",\"uid\":12,"
		"\"delegate\":\"\",\"origin\":\"unknown\",\"account\":\"acme\",\"action\":\"allow add\","
		"\"detail\":\"a \\\"detail\\\"\\n\",\"outcome\":\"done\"}\n\n"));
	assert_non_null(strstr(one.data, "\"outcome\":\"would_open\""));
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(other), 0);
}

static void take_role(void)
{
	world.role = ROLE_NONE;
	change("acme", "role revoke", "would_open"); /* what is refused changes no right: nothing is asked */
	change("acme", "role revoke", "done");
}

static void take_operator(void)
{
	world.root_is_operator = false;
	change("", "user remove", "done");
}

static void take_account(void)
{
	world.acme_gone = true;
	change("acme", "account remove", "done");
}

static void take_store(void)
{
	world.gate.store = NULL;
	for (int i = 0; i < EVENTS_KEEP_ALIVE_MS / EVENTS_TICK_MS; i++)
		tick();
}

/* Neither the change that takes it away nor anything behind it is told. */
static void assert_ended(int fd, struct buffer *answer, const char *code)
{
	assert_true(receive_text(fd, answer, "event: end\ndata: {"));
	assert_true(receive_text(fd, answer, "\r\n0\r\n\r\n"));
	assert_non_null(strstr(answer->data, code));
	assert_null(strstr(answer->data, "\"outcome\":\"done\""));
	assert_int_equal(close(fd), 0);
}

static void test_right_taken(void **state)
{
	CLEANUP(buffer_clear) struct buffer one = {0}, both = {0};
	int fd = follow("ada", "?x=acme", &one), other = follow("root", "", &both);

	(void)state;
	run(take_role);
	run(report_both);
	assert_ended(fd, &one, "\"code\":\"forbidden\"");
	assert_int_equal(occurrences(&one, "event: change"), 1);
	assert_null(strstr(one.data, "event: denied"));
	assert_true(receive_text(other, &both, "event: would_deny")); /* who may goes on */
	buffer_clear(&both);
	run(take_operator);
	assert_ended(other, &both, "\"code\":\"forbidden\"");
}

static void test_account_removed(void **state)
{
	CLEANUP(buffer_clear) struct buffer one = {0}, two = {0};
	int fd = follow("ada", "?x=acme", &one), other = follow("root", "?x=acme", &two);

	(void)state;
	run(take_account);
	assert_ended(fd, &one, "\"code\":\"forbidden\"");
	assert_ended(other, &two, "\"code\":\"not_found\"");
}

/* Without a store nobody's right is known. */
static void test_store_gone(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = follow("root", "", &answer);

	(void)state;
	run(take_store);
	assert_ended(fd, &answer, "\"code\":\"store\"");
}

static void keep_alive_ticks(void)
{
	for (int i = 0; i < EVENTS_KEEP_ALIVE_MS / EVENTS_TICK_MS; i++)
		tick();
}

static void test_keep_alive(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = follow("root", "", &answer);

	(void)state;
	run(tick);
	assert_true(receive_text(fd, &answer, ": nothing new\n\n"));
	buffer_clear(&answer);
	for (int i = 0; i < 10; i++)
		run(tick);
	assert_int_equal(receive_some(fd, &answer, 50), -ETIMEDOUT);
	run(keep_alive_ticks);
	assert_true(receive_text(fd, &answer, ": nothing new\n\n"));
	assert_int_equal(occurrences(&answer, "nothing new"), 1);
	assert_int_equal(close(fd), 0);
}

/* One too many is told so; who is killed makes room. */
static void test_limit(void **state)
{
	struct buffer answers[EVENTS_FOLLOWERS_MAX] = {0};
	int fds[EVENTS_FOLLOWERS_MAX], fd = -1;
	CLEANUP(buffer_clear) struct buffer answer = {0};
	uint64_t begun = now_ms();

	(void)state;
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = follow("root", "", &answers[i]);
	fd = try_follow("root", "", &answer);
	assert_int_equal(status_of(&answer), 503);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(fds[3]), 0);
	do {
		assert_true(now_ms() - begun < ANSWER_WAIT_MS);
		buffer_clear(&answer);
		fd = try_follow("root", "", &answer);
		if (status_of(&answer) != 200)
			assert_int_equal(close(fd), 0);
	} while (status_of(&answer) != 200);
	fds[3] = fd;
	run(report_both);
	for (size_t i = 0; i < COUNT(fds); i++) {
		assert_true(receive_text(fds[i], i == 3 ? &answer : &answers[i], "event: would_deny"));
		assert_int_equal(close(fds[i]), 0);
		buffer_clear(&answers[i]);
	}
}

/* ada comes with a viewer's token for acme. */
static void come_by_token(int64_t token, int64_t expires)
{
	world.by_token = (struct actor){.name = "ada",
					.token = token,
					.token_account = "acme",
					.token_role = ROLE_VIEWER,
					.token_expires = expires};
}

static void revoke_token(void)
{
	world.revoked = true;
	change("acme", "token revoke", "done");
}

static void test_token_revoked(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd;

	(void)state;
	come_by_token(7, 0);
	fd = follow("ada", "?x=acme", &answer);
	run(report_both);
	assert_true(receive_text(fd, &answer, "event: would_deny"));
	run(revoke_token);
	assert_true(receive_text(fd, &answer, "\r\n0\r\n\r\n"));
	assert_non_null(strstr(answer.data, "the token is none"));
	assert_null(strstr(answer.data, "event: change")); /* of what is done after that it hears nothing */
	assert_int_equal(close(fd), 0);
}

static void a_tick(void)
{
	tick();
}

/* In the next tick, with nothing else happening. */
static void test_token_expires(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int64_t end = time(NULL) + 2;
	int fd;

	(void)state;
	come_by_token(7, end);
	fd = follow("ada", "?x=acme", &answer);
	run(a_tick);
	run(report_both);
	assert_true(receive_text(fd, &answer, "event: would_deny"));
	assert_null(strstr(answer.data, "event: end"));
	while (time(NULL) < end)
		(void)usleep(10000);
	run(a_tick);
	assert_true(receive_text(fd, &answer, "\r\n0\r\n\r\n"));
	assert_non_null(strstr(answer.data, "the token has expired"));
	assert_int_equal(close(fd), 0);
}

static void assert_full(void)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = try_follow("ada", "?x=acme", &answer);

	assert_int_equal(status_of(&answer), 503);
	assert_int_equal(close(fd), 0);
}

/* So many by one token, and so many by all tokens, and there is still room for who is here. */
static void test_tokens_have_limits(void **state)
{
	CLEANUP(buffer_clear) struct buffer local = {0};
	int fds[EVENTS_REMOTE_MAX + 1], count = 0;

	(void)state;
	for (int64_t token = 1; count < EVENTS_REMOTE_MAX; token++) {
		come_by_token(token, 0);
		for (int i = 0; i < EVENTS_TOKEN_MAX; i++) {
			CLEANUP(buffer_clear) struct buffer answer = {0};

			fds[count++] = follow("ada", "?x=acme", &answer);
		}
		assert_full();
	}
	come_by_token(99, 0);
	assert_full();
	come_by_token(0, 0);
	fds[count++] = follow("root", "", &local);
	while (count)
		assert_int_equal(close(fds[--count]), 0);
}

static void test_leaving(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = follow("root", "", &answer);

	(void)state;
	server_end_thread();
	watch_free(TAKE_PTR(world.watch));
	httpd_close(server.httpd);
	server.httpd = NULL;
	assert_int_equal(receive_all(fd, &answer), 0);
	assert_non_null(strstr(answer.data, "event: end\ndata: {"));
	assert_non_null(strstr(answer.data, "\"code\":\"conflict\""));
	assert_int_equal(close(fd), 0);
	assert_false(reports.on);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_two_followers),   TEST(test_flood),
		TEST(test_slow_reader),	    TEST(test_stuck_reader),
		TEST(test_changes),	    TEST(test_right_taken),
		TEST(test_account_removed), TEST(test_store_gone),
		TEST(test_keep_alive),	    TEST(test_limit),
		TEST(test_leaving),	    TEST(test_token_revoked),
		TEST(test_token_expires),   TEST(test_tokens_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
