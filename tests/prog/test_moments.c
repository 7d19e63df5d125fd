// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_moments.c - what must hold at every moment while the policy changes
 *
 * Twice over: the program is run after every single write to the kernel's maps, which finds any write in a
 * wrong order; and a second thread runs it without pause, which finds programs that began before a write and
 * end after it.
 */
#include "tests/prog/dataplane_fixture.h"

#include <dlfcn.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/frames.h"

#define FILLERS 200U

/* --- after every write ---------------------------------------------------------- */

struct probe {
	struct frame frame;
	uint32_t action; /* that the program must come to, always */
};

static struct {
	struct probe probes[8];
	size_t count; /* 0: nothing is probed */
	size_t writes;
	size_t wrong;
	size_t graces; /* that were waited for by way of an array of maps */
	size_t hasty;  /* removals before any was */
} stepper;

static uint32_t run_program(struct frame *frame)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame_data(frame),
		    .data_size_in = (uint32_t)frame->len, .repeat = 1);
	int fd = bpf_program__fd(dataplane->skeleton->progs.ag_ingress);

	return bpf_prog_test_run_opts(fd, &options) < 0 ? UINT32_MAX : options.retval;
}

static void after_write(void)
{
	stepper.writes++;
	for (size_t i = 0; i < stepper.count; i++)
		stepper.wrong += run_program(&stepper.probes[i].frame) != stepper.probes[i].action;
}

/* These stand before libbpf's own, which they call. */
int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	int (*real)(int, const void *, const void *, __u64) = dlsym(RTLD_NEXT, "bpf_map_update_elem");
	int result = real(fd, key, value, flags);

	after_write();
	return result;
}

int bpf_map_delete_elem(int fd, const void *key)
{
	int (*real)(int, const void *) = dlsym(RTLD_NEXT, "bpf_map_delete_elem");
	int result = real(fd, key);

	stepper.hasty += !stepper.graces;
	after_write();
	return result;
}

int bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_size, __u32 value_size, __u32 entries,
		   const struct bpf_map_create_opts *options)
{
	int (*real)(enum bpf_map_type, const char *, __u32, __u32, __u32,
		    const struct bpf_map_create_opts *) = dlsym(RTLD_NEXT, "bpf_map_create");

	stepper.graces += name && strcmp(name, "ag_grace") == 0;
	return real(type, name, key_size, value_size, entries, options);
}

int bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count,
			 const struct bpf_map_batch_opts *options)
{
	int (*real)(int, const void *, const void *, __u32 *,
		    const struct bpf_map_batch_opts *) = dlsym(RTLD_NEXT, "bpf_map_update_batch");
	int result = real(fd, keys, values, count, options);

	after_write();
	return result;
}

/* These stand in the place of dataplane_store.c. */
void store_u32(uint32_t *to, uint32_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
	after_write();
}

void store_u64(__u64 *to, uint64_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
	after_write();
}

static void probe_add(const char *source, const char *dest, uint16_t port, uint32_t action)
{
	const struct frame_spec spec = {
		.source = source, .dest = dest, .proto = IPPROTO_TCP, .source_port = 40000, .port = port};

	assert_true(stepper.count < COUNT(stepper.probes));
	frame_build(&stepper.probes[stepper.count].frame, &spec);
	stepper.probes[stepper.count++].action = action;
}

/* At least that many writes, none of which let a packet come to anything else. */
static void probes_end(size_t writes)
{
	size_t wrong = stepper.wrong, seen = stepper.writes;

	stepper.count = stepper.writes = stepper.wrong = 0;
	assert_int_equal(wrong, 0);
	assert_true(seen >= writes);
}

static void test_steps_of_lists(void **state)
{
	static const char *const lists[] = {
		"203.0.113.1 203.0.113.2 2001:db8:1::1 2001:db8:1::2",
		"203.0.113.1 203.0.113.3 2001:db8:1::1 2001:db8:1::3",
		"203.0.113.1 2001:db8:1::1",
		"203.0.113.0/24 !203.0.113.2 2001:db8:1::/64 !2001:db8:1::2",
	};

	(void)state;
	sync_text("192.0.2.10>3 2001:db8::10>3", false);
	for (size_t i = 0; i < COUNT(lists) * COUNT(lists); i++) {
		const char *from = lists[i / COUNT(lists)], *to = lists[i % COUNT(lists)];

		probe_add("203.0.113.1", "192.0.2.10", 443, XDP_PASS);
		probe_add("2001:db8:1::1", "2001:db8::10", 443, XDP_PASS);
		change_text("", from, i % 2);
		probe_add("198.51.100.1", "192.0.2.10", 443, XDP_DROP);
		probe_add("2001:db8:2::1", "2001:db8::10", 443, XDP_DROP);
		change_text(from, to, i % 2);
		stepper.count = 2; /* the unlisted may pass from here on */
		change_text(to, "", i % 2);
		probes_end(2);
	}
}

/* A packet to `dest` and TCP `port` is one for some service of the table. */
static bool table_serves(const char *table, const char *dest, uint16_t port)
{
	char *copy = strdup(table), *rest = copy;
	struct addr addr;
	bool serves = false;

	check_ok(addr_parse(dest, &addr, &error));
	for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
		char *slot = strchr(word, '>');
		struct service service;

		if (!slot)
			continue;
		*slot = '\0';
		check_ok(service_parse(word, &service, &error));
		serves = serves || (prefix_contains(&service.dest, &addr) &&
				    (service.port == AG_PORT_ANY || service.port == port) &&
				    (service.proto == AG_PROTO_ANY || service.proto == IPPROTO_TCP));
	}
	free(copy);
	return serves;
}

/* Prefixes within one another, any of them or none, each with any kind of service. */
static void random_table(char *table, size_t size, unsigned int *seed)
{
	static const char *const places[] = {"192.0.2.10",   "192.0.2.9",    "192.0.2.8/30", "192.0.2.0/28",
					     "192.0.2.0/26", "192.0.2.0/24", "192.0.2.0/23"};
	static const char *const kinds[] = {":443/tcp", ":443", ":any/tcp", "", ":22/tcp", ":22"};
	size_t length = 0;

	table[0] = '\0';
	for (size_t i = 0; i < COUNT(places) * COUNT(kinds); i++) {
		const char *place = places[i / COUNT(kinds)], *kind = kinds[i % COUNT(kinds)];

		if (rand_r(seed) % 6 == 0)
			length += (size_t)snprintf(table + length, size - length, "%s%s>%u ", place, kind,
						   3 + (unsigned int)rand_r(seed) % 2);
	}
}

/* What both tables have a service for is never missed in between: here, as nobody is listed, never let
 * through. */
static void test_steps_of_service_tables(void **state)
{
	static const struct dataplane_limits many = {.accounts = 64, .services = 256, .entries = 16};
	static const char *const dests[] = {"192.0.2.10", "192.0.2.9", "192.0.2.100"};
	static const uint16_t ports[] = {443, 22};
	char tables[2][2048];
	unsigned int seed = 20;

	(void)state;
	dataplane_close(dataplane);
	check_ok(dataplane_open(host.pins, &many, &dataplane, &error));
	for (uint32_t slot = 3; slot <= 4; slot++) {
		struct compiled_account account = account_of(slot, ENFORCE, "203.0.113.1");

		change(NULL, &account);
		compiled_account_clear(&account);
	}
	random_table(tables[0], sizeof(tables[0]), &seed);
	sync_text(tables[0], false);
	for (size_t i = 0; i < 120; i++) {
		const char *from = tables[i % 2];
		char *to = tables[(i + 1) % 2];

		random_table(to, sizeof(tables[0]), &seed);
		for (size_t j = 0; j < COUNT(dests) * COUNT(ports); j++)
			if (table_serves(from, dests[j / 2], ports[j % 2]) &&
			    table_serves(to, dests[j / 2], ports[j % 2]))
				probe_add("198.51.100.1", dests[j / 2], ports[j % 2], XDP_DROP);
		sync_text(to, false);
		if (stepper.wrong)
			print_message("# %zu: '%s' to '%s'\n", i, from, to);
		probes_end(1);
	}
}

/* --- without pause ------------------------------------------------------------- */

struct watcher {
	pthread_t thread;
	struct frame frame;
	bool stop;
	int failed;
	struct account_counters before;
};

static void *watch(void *arg)
{
	struct watcher *watcher = arg;

	while (!__atomic_load_n(&watcher->stop, __ATOMIC_ACQUIRE) && !watcher->failed) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame_data(&watcher->frame),
			    .data_size_in = (uint32_t)watcher->frame.len, .repeat = 5000);

		watcher->failed = bpf_prog_test_run_opts(
			bpf_program__fd(dataplane->skeleton->progs.ag_ingress), &options);
	}
	return NULL;
}

static void watch_start(struct watcher *watcher, const char *source)
{
	const struct frame_spec spec = {.source = source,
					.dest = strchr(source, ':') ? "2001:db8::10" : "192.0.2.10",
					.proto = IPPROTO_TCP,
					.source_port = 40000,
					.port = 443};

	memset(watcher, 0, sizeof(*watcher));
	frame_build(&watcher->frame, &spec);
	check_ok(dataplane_account_counters(dataplane, 3, &watcher->before, &error));
	assert_int_equal(pthread_create(&watcher->thread, NULL, watch, watcher), 0);
}

/* Packets that came to this verdict since. */
static uint64_t watched(const struct watcher *watcher, enum ag_verdict verdict)
{
	struct account_counters after;

	check_ok(dataplane_account_counters(dataplane, 3, &after, &error));
	return after.by_verdict[verdict].packets - watcher->before.by_verdict[verdict].packets;
}

static void watch_stop(struct watcher *watcher)
{
	struct ag_interface_counters unmatched;

	__atomic_store_n(&watcher->stop, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(watcher->thread, NULL), 0);
	assert_int_equal(watcher->failed, 0);
	check_ok(dataplane_interface_counters(dataplane, 1, &unmatched, &error));
	assert_int_equal(unmatched.by_verdict[AG_VERDICT_UNMATCHED - AG_VERDICT_ACCOUNT_MAX].packets, 0);
}

static bool watched_all(const struct watcher *watcher)
{
	return watched(watcher, AG_VERDICT_ALLOWED) && watched(watcher, AG_VERDICT_OPEN);
}

/*
 * Swaps, edits, activations and openings: who is listed throughout is never denied. It is the later of the
 * two families, as the kernel takes its time for the first: what is done in a wrong order shows.
 */
static void test_listed_is_never_denied(void **state)
{
	static const char *const lists[] = {
		"203.0.113.1 2001:db8:1::1 2001:db8:1::2 2001:db8:1::3",
		"203.0.113.2 2001:db8:1::1 2001:db8:2::2 2001:db8:2::3",
		"203.0.113.2 2001:db8:1::1 2001:db8:2::2 2001:db8:2::3 2001:db8:2::4",
		"203.0.113.2 2001:db8:1::/64 !2001:db8:1::2",
		"",
	};
	struct watcher watcher;

	(void)state;
	sync_text("[2001:db8::10]:443/tcp>3", false);
	watch_start(&watcher, "2001:db8:1::1");
	for (size_t i = 0; i < 8 * COUNT(lists) || (!watched_all(&watcher) && i < 100000); i++)
		change_text(lists[i % COUNT(lists)], lists[(i + 1) % COUNT(lists)], i % 2);
	watch_stop(&watcher);
	assert_int_equal(watched(&watcher, AG_VERDICT_DENIED), 0);
	assert_true(watched(&watcher, AG_VERDICT_ALLOWED) > 0);
	assert_true(watched(&watcher, AG_VERDICT_OPEN) > 0);
}

/* Swaps and edits: who is not listed is denied throughout. */
static void test_unlisted_is_never_let_in(void **state)
{
	static const char *const lists[] = {
		"203.0.113.1 203.0.113.2 203.0.113.3",
		"198.51.100.2 198.51.100.3",
		"2001:db8::1",
		"198.51.100.2",
	};
	struct watcher watcher;

	(void)state;
	sync_text("192.0.2.10:443/tcp>3", false);
	change_text("", lists[0], true);
	watch_start(&watcher, "198.51.100.77");
	for (size_t i = 0; i < 10 * COUNT(lists) || (!watched(&watcher, AG_VERDICT_DENIED) && i < 100000);
	     i++)
		change_text(lists[i % COUNT(lists)], lists[(i + 1) % COUNT(lists)], i % 2);
	watch_stop(&watcher);
	assert_int_equal(watched(&watcher, AG_VERDICT_ALLOWED), 0);
	assert_int_equal(watched(&watcher, AG_VERDICT_OPEN), 0);
	assert_true(watched(&watcher, AG_VERDICT_DENIED) > 0);
}

/*
 * A table, and around its addresses many more services, some of them only in this table and some in another
 * form, so that each step from one table to the next takes long enough to be seen.
 */
static void sync_filled(const char *text, bool odd)
{
	size_t size = 128 + 2 * FILLERS * 32, length;
	char *filled = malloc(size);

	assert_non_null(filled);
	length = (size_t)snprintf(filled, size, "%s", text);
	for (unsigned int i = 0; i < FILLERS; i++) {
		const char *kind = odd ? ":1/tcp" : "";

		length += (size_t)snprintf(filled + length, size - length, " 10.%u.%u.%u%s>4",
					   i % 2 ? odd : 2U, i / 200, i % 200, kind);
		length += (size_t)snprintf(filled + length, size - length, " 198.%u.%u.%u%s>4",
					   i % 2 ? odd : 2U, i / 200, i % 200, kind);
	}
	(void)sync_text(filled, false);
	free(filled);
}

/* Every table has a service for the packet: none of the steps between two of them may miss it. */
static void test_service_that_stays_is_never_missed(void **state)
{
	static const struct dataplane_limits many = {.accounts = 64, .services = 4096, .entries = 16};
	static const char *const tables[] = {
		"192.0.2.10:443/tcp>3",
		"192.0.2.10>3",
		"192.0.2.0/24:443>3 198.51.100.1>4",
		"192.0.2.0/25>3 192.0.2.10:22/tcp>3",
		"192.0.2.0/24:443/tcp>3 192.0.2.0/25:22/tcp>3 192.0.2.10:23/tcp>3",
		"192.0.2.0/24:22/tcp>3 192.0.2.0/25:23/tcp>3 192.0.2.10:443/tcp>3",
		"192.0.2.0/24:22/tcp>3 192.0.2.0/28:any/tcp>3",
		"192.0.2.0/23>3",
		"192.0.2.0/23:22>3 192.0.2.0/26>3 192.0.2.10:22/tcp>3",
	};
	struct watcher watcher;
	bool odd = false;

	(void)state;
	dataplane_close(dataplane);
	check_ok(dataplane_open(host.pins, &many, &dataplane, &error));
	sync_filled(tables[0], odd);
	{
		struct compiled_account account = account_of(3, ENFORCE, "203.0.113.1");

		change(NULL, &account);
		compiled_account_clear(&account);
	}
	watch_start(&watcher, "203.0.113.77");
	for (size_t from = 0; from < COUNT(tables); from++)
		for (size_t to = 0; to < COUNT(tables); to++) {
			sync_filled(tables[from], odd = !odd);
			sync_filled(tables[to], odd = !odd);
		}
	watch_stop(&watcher);
	assert_true(watched(&watcher, AG_VERDICT_DENIED) > 0);
}

/* membarrier(2) is refused by some kernels and filters: opening then waits in another way. */
static void refuse_membarrier(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = COUNT(code), .filter = code};

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	assert_int_equal(syscall(SYS_membarrier, 0, 0, 0), -1);
}

/* Nothing that a program may still be led to is removed before a grace period; this alone can be seen without
 * luck. */
static void assert_removals_wait(void)
{
	sync_text("192.0.2.10>3 192.0.2.11>3 192.0.2.0/24>3", false);
	stepper.graces = stepper.hasty = 0;
	sync_text("192.0.2.11>3", false);
	assert_int_equal(stepper.graces, 1);
	assert_int_equal(stepper.hasty, 0);
}

/* Lines that a word named are in no other list before a grace period; this, too, is seen without luck. */
static void assert_lines_wait(void)
{
	bool *left = calloc(dataplane->space.count, sizeof(*left));
	size_t graces = stepper.graces = 0;

	assert_non_null(left);
	change_text("", "203.0.113.1", true);
	for (unsigned int i = 0; i < 2000; i++) {
		union ag_account_state old = account_state(dataplane, 3), new;
		struct compiled_account want = account_of(3, ENFORCE,
							  i % 3 ? "203.0.113.1 2001:db8::1" : "203.0.113.2");

		change(NULL, &want);
		compiled_account_clear(&want);
		if (graces != stepper.graces)
			memset(left, 0, dataplane->space.count * sizeof(*left));
		graces = stepper.graces;
		new = account_state(dataplane, 3);
		for (uint32_t line = 0; line < (uint32_t) new.held4 + new.held6; line++)
			assert_false(left[new.block + line]);
		for (uint32_t line = 0; line < (uint32_t)old.held4 + old.held6; line++)
			left[old.block + line] = true;
	}
	assert_true(graces > 0);
	free(left);
}

static void test_without_membarrier(void **state)
{
	/* last of all: the filter stays for the rest of the process */
	refuse_membarrier();
	assert_removals_wait();
	assert_lines_wait();
	test_listed_is_never_denied(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_steps_of_lists),
		TEST(test_steps_of_service_tables),
		TEST(test_listed_is_never_denied),
		TEST(test_unlisted_is_never_let_in),
		TEST(test_service_that_stays_is_never_missed),
		TEST(test_without_membarrier),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
