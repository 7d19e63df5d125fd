// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_egress.c - the program for notice servers' answers: on every interface before an account needs it, and
 * on none after the last did; by a TCX link, and, as on kernels older than 6.6, by a filter of clsact
 *
 * Each test has a network namespace of its own with two veth pairs. A kernel without TCX is had by refusing
 * its links as such a kernel does.
 */
#include "tests/prog/actions_fixture.h"

#include <dlfcn.h>

#define NEAR	   "near"
#define OTHER	   "other"
#define TCX_EGRESS ((enum bpf_attach_type)47)

static const struct settings NOTICE = {.active = true, .on_deny = {.kind = AG_ON_DENY_NOTICE, .port = PORT}};
static const struct settings NOTICE_MONITOR = {
	.active = true, .mode = AG_MODE_MONITOR, .on_deny = {.kind = AG_ON_DENY_NOTICE, .port = PORT}};

/* --- a kernel that refuses --------------------------------------------------------- */

static struct {
	bool no_tcx;	     /* as one that does not know of it */
	int refuse;	     /* an errno: every link on the way out */
	size_t refuse_after; /* of them that are let through */
} kernel;

/* This stands before libbpf's own, which it calls. */
int bpf_link_create(int program, int target, enum bpf_attach_type type,
		    const struct bpf_link_create_opts *options)
{
	int (*real)(int, int, enum bpf_attach_type,
		    const struct bpf_link_create_opts *) = dlsym(RTLD_NEXT, "bpf_link_create");

	if (type == TCX_EGRESS && kernel.no_tcx)
		return -EINVAL;
	if (type == TCX_EGRESS && kernel.refuse) {
		if (!kernel.refuse_after)
			return -kernel.refuse;
		kernel.refuse_after--;
	}
	return real(program, target, type, options);
}

static int with_devices(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	run("ip link set lo up && ip link add " NEAR " index 77 type veth peer name far && ip link add " OTHER
	    " index 78 type veth peer name away");
	return setup(state);
}

static int with_old_kernel(void **state)
{
	int result = with_devices(state);

	kernel.no_tcx = true;
	return result;
}

/* --- what is attached --------------------------------------------------------------- */

/* The answers' program on the device's way out, by its id; 0 for none. */
static uint32_t answers_on(const char *interface)
{
	int ifindex = (int)if_nametoindex(interface);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = 0xa110, .priority = 0xa110);
	uint32_t ids[8] = {0};
	LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = ids, .prog_cnt = COUNT(ids));

	assert_true(ifindex > 0);
	if (kernel.no_tcx)
		return bpf_tc_query(&hook, &filter) == 0 ? filter.prog_id : 0;
	if (bpf_prog_query_opts(ifindex, TCX_EGRESS, &query) < 0)
		return 0;
	assert_true(query.prog_cnt <= 1);
	return query.prog_cnt ? ids[0] : 0;
}

static uint32_t answers_program(void)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	assert_int_equal(
		bpf_obj_get_info_by_fd(bpf_program__fd(dataplane->skeleton->progs.ag_egress), &info, &size),
		0);
	return info.id;
}

static void attach(const char *interface)
{
	struct attachment attachment;

	check_ok(dataplane_attach(dataplane, interface, ATTACH_AUTO, &attachment, &error));
}

static struct dataplane_change *stage(uint32_t slot, struct settings settings)
{
	struct compiled_account want = account_of(slot, settings, LIST);
	struct dataplane_change *staged = NULL;

	check_ok(dataplane_stage(dataplane, NULL, &want, &staged, &error));
	compiled_account_clear(&want);
	return staged;
}

static void publish(struct dataplane_change *staged)
{
	check_ok(dataplane_publish(dataplane, staged, &error));
	dataplane_change_free(staged);
}

static void stage_is_refused(const char *text)
{
	struct compiled_account want = account_of(3, NOTICE, LIST);
	struct dataplane_change *staged = NULL;

	check_refused(dataplane_stage(dataplane, NULL, &want, &staged, &error), ERROR_KERNEL, text);
	assert_null(staged);
	assert_int_equal(account_state(dataplane, 3).word, 0);
	compiled_account_clear(&want);
}

/* --- it comes and goes ---------------------------------------------------------------- */

static void test_before_it_is_needed(void **state)
{
	struct dataplane_change *staged;

	(void)state;
	attach(NEAR);
	attach(OTHER);
	put(4, ENFORCE);
	put(5, NOTICE_MONITOR);
	assert_int_equal(answers_on(NEAR), 0);
	staged = stage(3, NOTICE);
	assert_int_equal(answers_on(NEAR), answers_program());
	assert_int_equal(answers_on(OTHER), answers_program());
	assert_int_equal(answers_on("far"), 0); /* nothing of ours is there */
	assert_true(host_has("%s/egress/%s", "77"));
	publish(staged);
	assert_int_equal(answers_on(NEAR), answers_program());
	put(5, NOTICE);
	put(3, ENFORCE);
	tidy();
	assert_int_equal(answers_on(NEAR), answers_program()); /* account 5's */
	put(5, INACTIVE);
	assert_int_equal(answers_on(NEAR), answers_program()); /* answers may be under way */
	tidy();
	assert_int_equal(answers_on(NEAR), 0);
	assert_int_equal(answers_on(OTHER), 0);
	assert_false(host_has("%s/%s", "egress"));
	put(3, NOTICE);
	assert_int_equal(answers_on(NEAR), answers_program());
}

static void test_on_new_interfaces(void **state)
{
	(void)state;
	attach(NEAR);
	put(3, NOTICE);
	assert_int_equal(answers_on(OTHER), 0);
	attach(OTHER);
	assert_int_equal(answers_on(OTHER), answers_program());
	check_ok(dataplane_detach(dataplane, OTHER, &error));
	assert_int_equal(answers_on(OTHER), 0);
	assert_false(host_has("%s/egress/%s", "78"));
	assert_int_equal(answers_on(NEAR), answers_program());
	attach(NEAR); /* again */
	assert_int_equal(answers_on(NEAR), answers_program());
	/* the device goes and another one comes by its number */
	run("ip link del " NEAR " && ip link add " NEAR " index 77 type veth peer name far");
	attach(NEAR);
	assert_int_equal(answers_on(NEAR), answers_program());
}

/* It stays with nobody there, and the next daemon's takes its place. */
static void test_adoption(void **state)
{
	uint32_t first;

	(void)state;
	attach(NEAR);
	put(3, NOTICE);
	first = answers_on(NEAR);
	assert_int_not_equal(first, 0);
	dataplane_close(dataplane);
	dataplane = NULL;
	assert_int_equal(answers_on(NEAR), first);
	check_ok(dataplane_open(host.pins, &LIMITS, &dataplane, &error));
	assert_int_equal(answers_on(NEAR), answers_program());
	assert_int_not_equal(answers_program(), first);
	put(3, INACTIVE);
	tidy();
	assert_int_equal(answers_on(NEAR), 0);
}

/* What an earlier daemon left and no account needs is removed at the next start. */
static void test_left_behind(void **state)
{
	(void)state;
	attach(NEAR);
	put(3, NOTICE);
	put(3, INACTIVE);
	assert_int_not_equal(answers_on(NEAR), 0);
	reopen();
	assert_int_equal(answers_on(NEAR), 0);
	assert_false(host_has("%s/%s", "egress"));
}

static void test_uninstall(void **state)
{
	(void)state;
	attach(NEAR);
	attach(OTHER);
	put(3, NOTICE);
	run("ip link del " OTHER); /* its pin stays */
	dataplane_close(dataplane);
	dataplane = NULL;
	check_ok(dataplane_uninstall(host.pins, &error));
	assert_int_equal(answers_on(NEAR), 0);
	assert_int_not_equal(access(host.pins, F_OK), 0);
	check_ok(dataplane_open(host.pins, &LIMITS, &dataplane, &error));
}

/* Others' filters on the same device stay, and their qdisc. */
static void test_others_stay(void **state)
{
	static const char *const show = "tc filter show dev " NEAR " egress | grep -q 'flowid 1:77'";

	(void)state;
	run("tc qdisc add dev " NEAR " clsact && tc filter add dev " NEAR
	    " egress protocol ip prio 7 u32 match u32 0 0 flowid 1:77");
	attach(NEAR);
	put(3, NOTICE);
	assert_int_equal(answers_on(NEAR), answers_program());
	run(show);
	put(3, INACTIVE);
	tidy();
	assert_int_equal(answers_on(NEAR), 0);
	run(show);
}

/* --- it is refused ---------------------------------------------------------------------- */

/* A change that needs it is refused before anything is done. */
static void test_refused(void **state)
{
	(void)state;
	attach(NEAR);
	attach(OTHER);
	kernel.refuse = EPERM;
	kernel.refuse_after = 1;
	stage_is_refused("answers");
	kernel.refuse = 0;
	put(3, NOTICE);
	assert_int_equal(answers_on(NEAR), answers_program());
	assert_int_equal(answers_on(OTHER), answers_program());
}

/* ... and refused again for as long as it cannot be attached: the first refusal is not taken for done. */
static void test_refused_again(void **state)
{
	(void)state;
	attach(NEAR);
	attach(OTHER);
	kernel.refuse = EPERM;
	kernel.refuse_after = 1;
	stage_is_refused("answers");
	kernel.refuse_after = 0;
	stage_is_refused("answers");
}

/* --- between stage and publish -------------------------------------------------------------- */

/* A grace period that somebody else waits for does not take it away from a change that is staged. */
static void test_staged_keeps_it(void **state)
{
	struct dataplane_change *staged;

	(void)state;
	attach(NEAR);
	put(4, ENFORCE);
	staged = stage(3, NOTICE);
	put(4, INACTIVE);
	tidy();
	assert_int_equal(answers_on(NEAR), answers_program());
	publish(staged);
	assert_int_equal(answers_on(NEAR), answers_program());
}

/* One that only watches now needs it no more, even where nothing else of it has changed. */
static void test_monitor_lets_go(void **state)
{
	struct compiled_account enforces = account_of(3, NOTICE, LIST);
	struct compiled_account watches = account_of(3, NOTICE_MONITOR, LIST);

	(void)state;
	attach(NEAR);
	change(NULL, &enforces);
	tidy();
	assert_int_equal(answers_on(NEAR), answers_program());
	change(&enforces, &watches);
	tidy();
	assert_int_equal(answers_on(NEAR), 0);
	compiled_account_clear(&enforces);
	compiled_account_clear(&watches);
}

#define TCX(name) cmocka_unit_test_setup_teardown(name, with_devices, teardown)
#define CLSACT(name)                                                                                         \
	{                                                                                                    \
#name " (clsact)", name, with_old_kernel, teardown, NULL                                     \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TCX(test_before_it_is_needed),
		TCX(test_on_new_interfaces),
		TCX(test_adoption),
		TCX(test_left_behind),
		TCX(test_uninstall),
		TCX(test_others_stay),
		TCX(test_refused),
		TCX(test_refused_again),
		TCX(test_staged_keeps_it),
		TCX(test_monitor_lets_go),
		CLSACT(test_before_it_is_needed),
		CLSACT(test_on_new_interfaces),
		CLSACT(test_adoption),
		CLSACT(test_left_behind),
		CLSACT(test_uninstall),
		CLSACT(test_others_stay),
	};
	struct dataplane_features features;
	int failed;

	host_enter();
	dataplane_features(&features);
	if (!features.tcx)
		host_skip("needs TCX (Linux 6.6) to see both ways");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
