// SPDX-License-Identifier: GPL-2.0-only
/* test_watch.c - what is kept of the kernel's reports, and when the kernel is asked for them */
#include "tests/unit/watch_fixture.h"

struct kept {
	char text[1024];
	size_t count;
};

static int keep(uint32_t slot, const struct denied_row *row, void *arg)
{
	struct kept *kept = arg;
	char source[PREFIX_TEXT_MAX];
	size_t used = strlen(kept->text);

	(void)slot;
	prefix_format_short(&row->source, source);
	(void)snprintf(kept->text + used, sizeof(kept->text) - used, "%s%s*%d", used ? " " : "", source,
		       (int)row->packets);
	kept->count++;
	return 0;
}

static struct kept kept_of(const struct account *account)
{
	struct kept kept = {0};

	assert_non_null(watch_denied(world.watch));
	(void)denied_each(watch_denied(world.watch), account, 0, keep, &kept);
	return kept;
}

static void test_kept(void **state)
{
	(void)state;
	assert_true(reports.on);
	report_both();
	report_both();
	assert_string_equal(kept_of(&world.acme).text, "2001:db8:1:2::7*2 203.0.0.7*2");
	assert_string_equal(kept_of(&world.beta).text, "203.0.0.8*2");
	assert_int_equal(denied_missed(watch_denied(world.watch), &world.acme), 5);
	assert_int_equal(world.gate.denied_unreported, 10);
}

static void test_truncated(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = follow("root", "", &answer);

	(void)state;
	run(report_both);
	assert_true(receive_text(fd, &answer, "event: would_deny"));
	assert_non_null(strstr(answer.data, "\"source\":\"203.0.0.0/24\""));
	assert_non_null(strstr(answer.data, "\"source\":\"2001:db8:1::/48\""));
	assert_null(strstr(answer.data, "\"source\":\"203.0.0.7"));
	assert_int_equal(close(fd), 0);
	assert_string_equal(kept_of(&world.acme).text, "2001:db8:1::/48*1 203.0.0.0/24*1");
}

/* The kernel reports while somebody follows, and no longer. */
static void test_off(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	uint64_t begun = now_ms();
	int fd;

	(void)state;
	assert_null(watch_denied(world.watch));
	assert_false(reports.on);
	fd = follow("root", "", &answer);
	assert_true(reports.on);
	run(report_both);
	assert_true(receive_text(fd, &answer, "\"source\":\"203.0.0.7/32\""));
	assert_int_equal(close(fd), 0);
	while (reports.on) {
		assert_true(now_ms() - begun < ANSWER_WAIT_MS);
		run(tick);
	}
	report_both(); /* what was on its way */
	watch_forget(world.watch, 1);
	assert_int_equal(world.gate.denied_unreported, 10);
}

/* What was reported of an account that goes is not taken for the next one's in its slot. */
static void test_forget(void **state)
{
	(void)state;
	report_both();
	report(1, 9);
	watch_forget(world.watch, 1);
	assert_int_equal(reports.count, 0);
	assert_string_equal(kept_of(&world.acme).text, "");
	world.acme.id = 3;
	tick();
	assert_string_equal(kept_of(&world.acme).text, "");
	assert_string_equal(kept_of(&world.beta).text, "203.0.0.8*1");
	watch_forget(NULL, 1);
	watch_change(NULL, NULL);
}

/* Reports are the kernel's, but not believed. */
static void test_nonsense(void **state)
{
	(void)state;
	report(70, 1);
	report(AG_NO_ACCOUNT, 1);
	report(1, 1)->family = 5;
	report(1, 1)->verdict = AG_VERDICT_ALLOWED;
	report(1, 1)->verdict = 200;
	report(1, 1)->proto = 99;
	tick();
	assert_string_equal(kept_of(&world.acme).text, "203.0.0.1*1");
	assert_int_equal(world.gate.denied_unreported, 5);
	reports.broken = true;
	tick();
	tick();
	reports.broken = false;
	report(1, 2);
	tick();
	assert_string_equal(kept_of(&world.acme).text, "203.0.0.2*1 203.0.0.1*1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kept),
		cmocka_unit_test_setup_teardown(test_truncated, setup_truncated, teardown_world),
		cmocka_unit_test_setup_teardown(test_off, setup_off, teardown_world),
		TEST(test_forget),
		TEST(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
