/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `redirect` makes of a stopped packet: handed to a device as it is, or, where that is not there,
 * dropped and counted.
 *
 * BPF_PROG_TEST_RUN says what the program wants and does not do it: that the frame arrives is shown in
 * tests/net/redirect.sh.
 */
#include "tests/prog/actions.h"

#include <net/if.h>
#include <sched.h>

#define FROM(text) .source = (text)
#define TO(text)   .dest = (text)

static const struct frame_spec stopped[] = {
	{FROM(STRANGER4), TO("192.0.2.30"), .proto = IPPROTO_TCP, .port = 80, .payload = 9},
	{FROM(STRANGER6), TO("2001:db8::30"), .proto = IPPROTO_TCP, .port = 80, .payload = 9},
	{FROM(STRANGER4), TO("192.0.2.30"), .proto = IPPROTO_UDP, .port = 80},
	{FROM(STRANGER4), TO("192.0.2.30"), .proto = IPPROTO_ICMP, .type = 8},
	{FROM(STRANGER4), TO("192.0.2.30"), .proto = IPPROTO_UDP, .start = 8, .payload = 9},
	{.tags = {FRAME_VLAN}, FROM(STRANGER4), TO("192.0.2.30"), .proto = IPPROTO_UDP, .ihl = 7},
};

static void put_device(struct allowgate_bpf *kernel, uint32_t ifindex)
{
	const uint32_t index = REDIRECT_ACTION;

	kernel_put(kernel->maps.ag_devices, &index, &ifindex);
}

static uint64_t misses(struct allowgate_bpf *kernel, uint32_t index)
{
	size_t cpus = (size_t)libbpf_num_possible_cpus();
	uint64_t *values = calloc(cpus, sizeof(*values)), sum = 0;

	assert_non_null(values);
	kernel_get(kernel->maps.ag_redirect_misses, index, values);
	for (size_t i = 0; i < cpus; i++)
		sum += values[i];
	free(values);
	return sum;
}

static void check_stopped(struct allowgate_bpf *kernel, uint32_t action, enum ag_verdict verdict)
{
	static struct actions_result result;
	static struct frame frame;

	for (size_t i = 0; i < COUNT(stopped); i++) {
		frame_build(&frame, &stopped[i]);
		actions_run(kernel, &frame, 0, &result);
		if (result.action != action || result.verdict != verdict)
			fail_msg("row %zu: action %u, verdict %d", i, result.action, result.verdict);
		actions_compare("redirected", result.data, result.len, frame_data(&frame), frame.len);
	}
}

static void test_device_is_there(void **state)
{
	struct allowgate_bpf *kernel = actions_load(true);

	(void)state;
	put_device(kernel, KERNEL_IFINDEX);
	check_stopped(kernel, XDP_REDIRECT, AG_VERDICT_REDIRECTED);
	assert_int_equal(misses(kernel, REDIRECT_ACTION), 0);
	allowgate_bpf__destroy(kernel);
}

static void test_device_is_not_there(void **state)
{
	struct allowgate_bpf *kernel = actions_load(true);

	(void)state;
	check_stopped(kernel, XDP_DROP, AG_VERDICT_DENIED);
	assert_int_equal(misses(kernel, REDIRECT_ACTION), COUNT(stopped));
	assert_int_equal(misses(kernel, NOTICE_ACTION), 0);
	assert_int_equal(misses(kernel, AG_ACTION_REJECT), 0);
	allowgate_bpf__destroy(kernel);
}

/* The kernel takes a device that goes out of the map: from then on it is as if it had never been there. */
static void test_device_goes(void **state)
{
	struct allowgate_bpf *kernel = actions_load(true);

	(void)state;
	assert_int_equal(system("ip link add agr0 type veth peer name agr1 && ip link set agr0 up"), 0);
	put_device(kernel, if_nametoindex("agr0"));
	check_stopped(kernel, XDP_REDIRECT, AG_VERDICT_REDIRECTED);
	assert_int_equal(system("ip link delete agr0"), 0);
	check_stopped(kernel, XDP_DROP, AG_VERDICT_DENIED);
	assert_int_equal(misses(kernel, REDIRECT_ACTION), COUNT(stopped));
	allowgate_bpf__destroy(kernel);
}

static void test_listed_passes(void **state)
{
	static const struct frame_spec spec = {FROM(LISTED4), TO("192.0.2.30"), .proto = IPPROTO_UDP};
	struct allowgate_bpf *kernel = actions_load(true);
	static struct actions_result result;
	static struct frame frame;

	(void)state;
	put_device(kernel, KERNEL_IFINDEX);
	frame_build(&frame, &spec);
	actions_run(kernel, &frame, 0, &result);
	assert_int_equal(result.action, XDP_PASS);
	assert_int_equal(result.verdict, AG_VERDICT_ALLOWED);
	allowgate_bpf__destroy(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_is_there),
		cmocka_unit_test(test_device_is_not_there),
		cmocka_unit_test(test_device_goes),
		cmocka_unit_test(test_listed_passes),
	};

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		print_message("SKIP: cannot make a network namespace\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
