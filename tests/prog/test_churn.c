// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_churn.c - an account's list replaced again and again under traffic: no packet sees a mixture
 *
 * AG_CHURN_REPLACEMENTS says how often at least (20,000 if it does not), AG_CHURN_SECONDS how long at least
 * (0 if it does not), as fast as it goes. A thread runs the program without pause, half of the packets from a
 * source that is listed in every version and half from one that is listed in none. Between them the versions
 * share nothing. That lines are used again too soon is seen where packets are held up.
 */
#include "tests/prog/dataplane_fixture.h"

#include <pthread.h>
#include <sys/timerfd.h>
#include <time.h>

#include "tests/frames.h"

#define ACCOUNT	   3U
#define REPEAT	   300000U /* to begin a run of several packets takes the kernel 20 ms */
#define LATENCIES  2000U
#define LONG_SHARE 200U /* one in so many replacements is of a long list, which takes a grace period */

struct traffic {
	pthread_t thread;
	bool stop;
	int failed;
	uint64_t packets[2]; /* from the listed, from the unlisted */
};

static int program(void)
{
	return bpf_program__fd(dataplane->skeleton->progs.ag_ingress);
}

static void frame_from(struct frame *frame, const char *source)
{
	const struct frame_spec spec = {.source = source,
					.dest = strchr(source, ':') ? "2001:db8::10" : "192.0.2.10",
					.proto = IPPROTO_TCP,
					.source_port = 40000,
					.port = 443};

	frame_build(frame, &spec);
}

static uint32_t run_frame(struct frame *frame, uint32_t repeat, int *ret_failed)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame_data(frame),
		    .data_size_in = (uint32_t)frame->len, .repeat = (int)repeat);

	*ret_failed = bpf_prog_test_run_opts(program(), &options);
	return options.retval;
}

static uint64_t counted(enum ag_verdict verdict)
{
	struct account_counters counters;

	check_ok(dataplane_account_counters(dataplane, ACCOUNT, &counters, &error));
	return counters.by_verdict[verdict].packets;
}

static void *run_traffic(void *arg)
{
	static const char *const sources[] = {"203.0.113.1", "198.51.100.77", "2001:db8:1::1",
					      "2001:db8:2::1"};
	struct traffic *traffic = arg;
	static struct frame frames[COUNT(sources)];

	for (size_t i = 0; i < COUNT(sources); i++)
		frame_from(&frames[i], sources[i]);
	for (size_t i = 0; !__atomic_load_n(&traffic->stop, __ATOMIC_ACQUIRE) && !traffic->failed; i++) {
		(void)run_frame(&frames[i % COUNT(frames)], REPEAT, &traffic->failed); /* the counters tell */
		traffic->packets[i % 2] += REPEAT;
	}
	return NULL;
}

/*
 * Version `i`: the listed source of each family by a prefix that stands behind all other entries, of which
 * there are now few, now many. So the word of one version, over the lines of the next but one, misses it.
 */
static struct compiled_account version_of(unsigned int i)
{
	struct compiled_account account = account_of(ACCOUNT, ENFORCE, "203.0.113.0/24 2001:db8:1::/64");
	unsigned int form = i % LONG_SHARE;

	/* a verdict of every second entry is deny: the sources of the traffic are in none of them */
	if (form == 0)
		add_many(&account, i / LONG_SHARE % 2 ? FAMILY4 : FAMILY6, 200, i, i / LONG_SHARE % 4 < 2);
	else if (form / 2 % 2) {
		add_many(&account, FAMILY4, 36, i, false);
		add_many(&account, FAMILY6, 18, i, false);
	}
	return account;
}

static struct compiled_account versions[4 * LONG_SHARE];

static void replace(unsigned int i)
{
	struct dataplane_change *staged = NULL;

	check_ok(dataplane_stage(dataplane, NULL, &versions[i % COUNT(versions)], &staged, &error));
	check_ok(dataplane_publish(dataplane, staged, &error));
	dataplane_change_free(staged);
}

static unsigned int setting(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned int)strtoul(text, NULL, 10) : otherwise;
}

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void test_churn(void **state)
{
	struct traffic traffic = {.failed = 0};
	uint64_t wrong, began, end;
	unsigned int least = setting("AG_CHURN_REPLACEMENTS", 20000), count = 0;

	(void)state;
	for (unsigned int i = 0; i < COUNT(versions); i++)
		versions[i] = version_of(i);
	replace(1);
	sync_text("192.0.2.10:443/tcp>3 [2001:db8::10]:443/tcp>3", false);
	assert_int_equal(pthread_create(&traffic.thread, NULL, run_traffic, &traffic), 0);
	began = now_ns();
	end = began + setting("AG_CHURN_SECONDS", 0) * 1000000000ULL;
	while (count < least || now_ns() < end)
		replace(2 + count++);
	end = now_ns();
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(traffic.thread, NULL), 0);
	assert_int_equal(traffic.failed, 0);
	for (unsigned int i = 0; i < COUNT(versions); i++)
		compiled_account_clear(&versions[i]);
	wrong = difference(counted(AG_VERDICT_ALLOWED), traffic.packets[0]) +
		difference(counted(AG_VERDICT_DENIED), traffic.packets[1]) + counted(AG_VERDICT_OPEN);
	print_message("# %u replacements in %llu s, %llu packets of a source that is listed throughout and "
		      "%llu of one that never is, %llu wrong verdicts\n",
		      count, (unsigned long long)((end - began) / 1000000000U),
		      (unsigned long long)traffic.packets[0], (unsigned long long)traffic.packets[1],
		      (unsigned long long)wrong);
	assert_true(traffic.packets[0] && traffic.packets[1]);
	assert_int_equal(wrong, 0);
}

/* --- a packet that is held up ---------------------------------------------------- */

/*
 * A packet takes far less time than a replacement. So it is held up: by timers that go off on its processor
 * in groups, each of which is many microseconds of interrupt; while the replacements are of two accounts that
 * take each other's lines, of which there are no more than it takes.
 */
#define TIMERS	      480U
#define GROUPS	      16U
#define SECONDS	      5U
#define OTHER_ACCOUNT 4U

static void pin_to(unsigned int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	assert_int_equal(pthread_setaffinity_np(pthread_self(), sizeof(set), &set), 0);
}

/* To go off while the run that comes next is at work. */
static void arm_timers(const int *timers)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	for (unsigned int i = 0; i < TIMERS; i++) {
		struct itimerspec when = {.it_value = now};

		when.it_value.tv_nsec += 20000000L + (long)(i % GROUPS) * 1500000L;
		when.it_value.tv_sec += when.it_value.tv_nsec / 1000000000L;
		when.it_value.tv_nsec %= 1000000000L;
		(void)timerfd_settime(timers[i], TFD_TIMER_ABSTIME, &when, NULL);
	}
}

static void *run_held_up(void *arg)
{
	struct traffic *traffic = arg;
	static struct frame frames[2];
	int timers[TIMERS];

	pin_to(1);
	frame_from(&frames[0], "203.0.113.1");
	frame_from(&frames[1], "198.51.100.77");
	for (unsigned int i = 0; i < TIMERS; i++)
		timers[i] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	for (size_t i = 0; !__atomic_load_n(&traffic->stop, __ATOMIC_ACQUIRE) && !traffic->failed; i++) {
		arm_timers(timers);
		(void)run_frame(&frames[i % 2], REPEAT, &traffic->failed);
		traffic->packets[i % 2] += REPEAT;
	}
	for (unsigned int i = 0; i < TIMERS; i++)
		(void)close(timers[i]);
	return NULL;
}

/* As many entries as lines hold; the wide one stands behind all others. */
static struct compiled_account full_lines(uint32_t slot, const char *wide, uint32_t salt)
{
	struct compiled_account account = account_of(slot, ENFORCE, wide);

	add_many(&account, FAMILY4, AG_LINES4_MAX * AG_LINE4_ENTRIES - 1, salt, false);
	return account;
}

static void publish_one(const struct compiled_account *account)
{
	struct dataplane_change *staged = NULL;

	check_ok(dataplane_stage(dataplane, NULL, account, &staged, &error));
	check_ok(dataplane_publish(dataplane, staged, &error));
	dataplane_change_free(staged);
}

/* One block for each of the accounts, and one for what comes. */
static void leave_three_blocks(void)
{
	while (dataplane->space.in_use + AG_LINES4_MAX < dataplane->space.count)
		assert_int_not_equal(lines_take(&dataplane->space, 1), LINES_NONE);
}

static void test_lines_of_others(void **state)
{
	/* the judged account, and one that lists just the opposite */
	struct compiled_account ours = full_lines(ACCOUNT, "203.0.113.0/24", 1);
	struct compiled_account other = full_lines(OTHER_ACCOUNT, "198.51.100.0/24", 2);
	struct traffic traffic = {.failed = 0};
	unsigned int count = 0;
	uint64_t wrong, end;

	(void)state;
	publish_one(&ours);
	publish_one(&other);
	leave_three_blocks();
	sync_text("192.0.2.10:443/tcp>3", false);
	pin_to(0);
	assert_int_equal(pthread_create(&traffic.thread, NULL, run_held_up, &traffic), 0);
	for (end = now_ns() + SECONDS * 1000000000ULL; now_ns() < end; count++)
		publish_one(count % 2 ? &other : &ours);
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(traffic.thread, NULL), 0);
	assert_int_equal(traffic.failed, 0);
	assert_int_equal(held4(ACCOUNT), AG_LINES4_MAX);
	wrong = difference(counted(AG_VERDICT_ALLOWED), traffic.packets[0]) +
		difference(counted(AG_VERDICT_DENIED), traffic.packets[1]) + counted(AG_VERDICT_OPEN);
	print_message("# %u replacements that take each other's lines, %llu packets, %llu wrong verdicts\n",
		      count, (unsigned long long)(traffic.packets[0] + traffic.packets[1]),
		      (unsigned long long)wrong);
	assert_int_equal(wrong, 0);
	compiled_account_clear(&ours);
	compiled_account_clear(&other);
}

/* --- how soon ---------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* From the return of publish() to the end of the first packet that comes to the new verdict: at most this. */
static void test_seen_at_once(void **state)
{
	static uint64_t took[LATENCIES];
	static struct frame frame;
	struct compiled_account with = account_of(ACCOUNT, ENFORCE, "203.0.113.1 203.0.113.2");
	struct compiled_account without = account_of(ACCOUNT, ENFORCE, "203.0.113.1");
	int failed = 0;

	(void)state;
	sync_text("192.0.2.10:443/tcp>3", false);
	frame_from(&frame, "203.0.113.2");
	for (size_t i = 0; i < COUNT(took); i++) {
		struct dataplane_change *staged = NULL;
		uint64_t start;

		check_ok(dataplane_stage(dataplane, NULL, i % 2 ? &without : &with, &staged, &error));
		check_ok(dataplane_publish(dataplane, staged, &error));
		start = now_ns();
		while (run_frame(&frame, 1, &failed) != (i % 2 ? XDP_DROP : XDP_PASS))
			assert_int_equal(failed, 0);
		took[i] = now_ns() - start;
		dataplane_change_free(staged);
	}
	qsort(took, COUNT(took), sizeof(*took), compare_numbers);
	print_message("# seen after publication, with one packet's run: median %llu ns, p99 %llu ns\n",
		      (unsigned long long)took[COUNT(took) / 2],
		      (unsigned long long)took[COUNT(took) * 99 / 100]);
	compiled_account_clear(&with);
	compiled_account_clear(&without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_churn),
		TEST(test_lines_of_others),
		TEST(test_seen_at_once),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
