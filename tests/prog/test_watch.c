// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_watch.c - stopped packets are reported while somebody watches, and come out oldest first
 */
#include "tests/prog/traffic.h"

static struct {
	struct ag_sighting last;
	size_t count;
	uint64_t missed;
	size_t stop_at;
	bool in_order;
} seen;

static int note(const struct ag_sighting *sighting, void *arg)
{
	assert_ptr_equal(arg, &seen);
	seen.in_order = seen.in_order && sighting->boot_ns >= seen.last.boot_ns;
	seen.last = *sighting;
	seen.missed += sighting->missed;
	return ++seen.count == seen.stop_at ? 33 : 0;
}

static size_t look(void)
{
	memset(&seen, 0, sizeof(seen));
	seen.in_order = true;
	check_ok(dataplane_sightings(dataplane, note, &seen, &error));
	assert_true(seen.in_order);
	return seen.count;
}

static void pause_a_tick(void)
{
	const struct timespec tick = {.tv_nsec = 12000000};

	(void)nanosleep(&tick, NULL); /* a signal would fail the test */
}

static void test_only_while_watched(void **state)
{
	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	fill("203.0.113.7", FILL_NOTHING);
	assert_int_equal(knock("100.64.0.9"), XDP_DROP);
	assert_int_equal(look(), 0);
	dataplane_set_watch(dataplane, true);
	assert_int_equal(knock("203.0.113.7"), XDP_PASS);
	assert_int_equal(look(), 0);
	assert_int_equal(knock("100.64.0.9"), XDP_DROP);
	assert_int_equal(look(), 1);
	assert_int_equal(seen.last.slot, 3);
	assert_int_equal(seen.last.family, AG_FAMILY_IPV4);
	assert_int_equal(seen.last.proto, IPPROTO_TCP);
	assert_int_equal(ntohs(seen.last.port_be), 443);
	assert_int_equal(seen.last.verdict, AG_VERDICT_DENIED);
	assert_memory_equal(seen.last.source, "\x64\x40\0\x09", 4);
	assert_int_equal(look(), 0);
	dataplane_set_watch(dataplane, false);
	pause_a_tick();
	assert_int_equal(knock("100.64.0.9"), XDP_DROP);
	assert_int_equal(look(), 0);
}

/* A service or a source that always passes may come and go, and the watch goes on. */
static void test_watch_survives_flags(void **state)
{
	const struct prefix failsafe = prefix_text("203.0.113.250");

	(void)state;
	dataplane_set_watch(dataplane, true);
	assert_true(sync_text(WEB, false) > 0);
	fill("203.0.113.7", FILL_NOTHING);
	assert_int_equal(sync_text(WEB, true), 0); /* the watch is no difference */
	check_ok(dataplane_set_failsafe(dataplane, &failsafe, 1, &error));
	check_ok(dataplane_set_failsafe(dataplane, NULL, 0, &error));
	assert_true(dataplane->config->now.flags & AG_CONFIG_WATCH);
	assert_false(dataplane->config->now.flags & AG_CONFIG_FAILSAFE);
	assert_int_equal(knock("100.64.0.9"), XDP_DROP);
	assert_int_equal(look(), 1);
}

/* Of a flood some are reported, and each that is not is counted in the next that is. */
static void test_flood(void **state)
{
	const size_t packets = 5000;
	size_t reported = 0;
	uint64_t missed = 0;

	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	fill("203.0.113.7", FILL_NOTHING);
	dataplane_set_watch(dataplane, true);
	for (size_t i = 0; i < packets; i++)
		assert_int_equal(knock("100.64.0.9"), XDP_DROP);
	reported += look();
	missed += seen.missed;
	assert_true(reported > 0 && reported < packets);
	assert_true(reported + missed <= packets);
	assert_true(reported + missed > packets / 2);
}

#define REPEAT	 100000
#define ROUNDS	 15
#define ATTEMPTS 5 /* the host has other things to do */

/* Of a packet that is dropped, in ns: the kernel's own mean of many. */
static uint32_t drop_ns(void)
{
	const struct frame_spec spec = {.source = "100.64.0.9",
					.dest = "192.0.2.10",
					.proto = IPPROTO_TCP,
					.source_port = 40000,
					.port = 443};
	static struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, options, .repeat = REPEAT);

	frame_build(&frame, &spec);
	options.data_in = frame_data(&frame);
	options.data_size_in = (uint32_t)frame.len;
	check_ok(bpf_prog_test_run_opts(bpf_program__fd(dataplane->skeleton->progs.ag_ingress), &options));
	assert_int_equal(options.retval, XDP_DROP);
	return options.duration;
}

/* The least of some rounds, of which every second is watched. */
static void measure(uint32_t ret_least[2])
{
	ret_least[0] = ret_least[1] = UINT32_MAX;
	for (int i = 0; i < 2 * ROUNDS; i++) {
		uint32_t ns;

		dataplane_set_watch(dataplane, i % 2);
		ns = drop_ns();
		ret_least[i % 2] = ns < ret_least[i % 2] ? ns : ret_least[i % 2];
		(void)look();
	}
}

/* By a fifth at the most is a drop slower for being watched. */
static void test_flood_costs_little(void **state)
{
	uint32_t least[2] = {0, UINT32_MAX};

	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	fill("203.0.113.7", FILL_NOTHING);
	for (int i = 0; i < ATTEMPTS && least[1] > least[0] + least[0] / 5; i++)
		measure(least);
	print_message("# a drop takes %u ns, and %u ns while drops are reported\n", least[0], least[1]);
	assert_true(least[1] <= least[0] + least[0] / 5);
}

/* What the caller's function ends with is returned, and the next call goes on behind it. */
static void test_visit_ends(void **state)
{
	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	fill("203.0.113.7", FILL_NOTHING);
	dataplane_set_watch(dataplane, true);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(knock("100.64.0.9"), XDP_DROP);
		pause_a_tick();
	}
	memset(&seen, 0, sizeof(seen));
	seen.stop_at = 1;
	assert_int_equal(dataplane_sightings(dataplane, note, &seen, &error), 33);
	assert_int_equal(seen.count, 1);
	assert_int_equal(look(), 2);
}

/* What was reported while no daemon was there is not lost. */
static void test_outlives_the_daemon(void **state)
{
	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	fill("203.0.113.7", FILL_NOTHING);
	dataplane_set_watch(dataplane, true);
	assert_int_equal(knock("100.64.0.9"), XDP_DROP);
	reopen();
	assert_int_equal(look(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_only_while_watched),
		TEST(test_watch_survives_flags),
		TEST(test_flood),
		TEST(test_flood_costs_little),
		TEST(test_visit_ends),
		TEST(test_outlives_the_daemon),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
