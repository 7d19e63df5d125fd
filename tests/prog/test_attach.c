// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_attach.c - the program on devices: modes, pins that outlive the process, others' programs, devices
 * that go
 *
 * Each test has a network namespace of its own with a veth pair "near.1" (number 77) and "far"; lo has no
 * native XDP.
 */
#include "tests/prog/private_host.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#define NEAR	   "near.1"
#define NEAR_INDEX 77
#define LINK_NEAR  "77"

static const struct dataplane_limits LIMITS = {.accounts = 4, .services = 4, .entries = 16};

static struct ag_error error;
static struct dataplane *dataplane;

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static void make_devices(void)
{
	run("ip link set lo up && ip link add " NEAR " index 77 type veth peer name far");
	run("ip link set " NEAR " up && ip link set far up");
}

static int setup(void **state)
{
	(void)state;
	memset(&error, 0, sizeof(error));
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	make_devices();
	check_ok(dataplane_open(host.pins, &LIMITS, &dataplane, &error));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dataplane_close(dataplane);
	dataplane = NULL;
	check_ok(dataplane_uninstall(host.pins, &error));
	return 0;
}

static void reopen(void)
{
	dataplane_close(dataplane);
	dataplane = NULL;
	check_ok(dataplane_open(host.pins, &LIMITS, &dataplane, &error));
}

/* The program on a device, 0 for none. */
static uint32_t program_on(const char *interface, unsigned int *ret_mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, about);

	assert_int_equal(bpf_xdp_query((int)if_nametoindex(interface), 0, &about), 0);
	if (ret_mode)
		*ret_mode = about.attach_mode;
	return about.prog_id;
}

static struct attachment attach(const char *interface, enum attach_mode mode)
{
	struct attachment attachment = {0};

	check_ok(dataplane_attach(dataplane, interface, mode, &attachment, &error));
	assert_int_equal(attachment.ifindex, if_nametoindex(interface));
	assert_string_equal(attachment.name, interface);
	return attachment;
}

static void refuse_attach(const char *interface, enum attach_mode mode, enum error_code code,
			  const char *text)
{
	struct attachment attachment = {.ifindex = 12345};

	check_refused(dataplane_attach(dataplane, interface, mode, &attachment, &error), code, text);
	assert_int_equal(attachment.ifindex, 12345);
}

/* How many are attached here, and that NEAR is (or is not) among them, in this mode. */
static void assert_attachments(size_t want, enum attach_mode near_mode)
{
	struct attachment *attachments;
	size_t count, near = 0;

	check_ok(dataplane_attachments(dataplane, &attachments, &count, &error));
	assert_int_equal(count, want);
	for (size_t i = 0; i < count; i++) {
		if (attachments[i].ifindex != NEAR_INDEX)
			continue;
		assert_string_equal(attachments[i].name, NEAR);
		assert_int_equal(attachments[i].mode, near_mode);
		near++;
	}
	assert_int_equal(near, near_mode != ATTACH_AUTO);
	free(attachments);
}

static void adopt(size_t want)
{
	size_t count = 0;

	check_ok(dataplane_adopt_links(dataplane, &count, &error));
	assert_int_equal(count, want);
}

static void test_native(void **state)
{
	struct attachment attachment = attach(NEAR, ATTACH_NATIVE);
	unsigned int mode;

	(void)state;
	assert_int_equal(attachment.mode, ATTACH_NATIVE);
	assert_string_equal(attachment.fallback, "");
	assert_int_not_equal(program_on(NEAR, &mode), 0);
	assert_int_equal(mode, XDP_ATTACHED_DRV);
	assert_true(host_has("%s/links/%s", LINK_NEAR));
	assert_attachments(1, ATTACH_NATIVE);
	assert_int_equal(program_on("far", NULL), 0);
}

static void test_generic(void **state)
{
	unsigned int mode;

	(void)state;
	assert_int_equal(attach(NEAR, ATTACH_GENERIC).mode, ATTACH_GENERIC);
	assert_int_not_equal(program_on(NEAR, &mode), 0);
	assert_int_equal(mode, XDP_ATTACHED_SKB);
	assert_attachments(1, ATTACH_GENERIC);
}

static void test_auto(void **state)
{
	struct attachment attachment;

	(void)state;
	attachment = attach(NEAR, ATTACH_AUTO);
	assert_int_equal(attachment.mode, ATTACH_NATIVE);
	assert_string_equal(attachment.fallback, "");
	attachment = attach("lo", ATTACH_AUTO);
	assert_int_equal(attachment.mode, ATTACH_GENERIC);
	assert_non_null(strstr(attachment.fallback, "no native XDP"));
	attachment = attach("lo", ATTACH_AUTO); /* there is nothing to fall back from now */
	assert_int_equal(attachment.mode, ATTACH_GENERIC);
	assert_string_equal(attachment.fallback, "");
	refuse_attach("lo", ATTACH_NATIVE, ERROR_EXISTS, "mode generic");
	assert_attachments(2, ATTACH_NATIVE);
}

static void test_native_where_the_driver_cannot(void **state)
{
	(void)state;
	refuse_attach("lo", ATTACH_NATIVE, ERROR_KERNEL, "no native XDP");
	assert_int_equal(program_on("lo", NULL), 0);
	assert_false(host_has("%s/links/%s", "1"));
	assert_attachments(0, ATTACH_AUTO);
}

static void test_no_such_interface(void **state)
{
	(void)state;
	refuse_attach("none0", ATTACH_AUTO, ERROR_NOT_FOUND, "none0");
	check_refused(dataplane_detach(dataplane, "none0", &error), ERROR_NOT_FOUND, "none0");
}

/* The MTU of the far end is what counts for a veth; a program for frames in several buffers takes 9000 */
static void test_jumbo(void **state)
{
	(void)state;
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_get_buff_len, NULL) != 1)
		skip();
	run("ip link set " NEAR " mtu 9000 && ip link set far mtu 9000");
	assert_int_equal(attach(NEAR, ATTACH_NATIVE).mode, ATTACH_NATIVE);
}

static void test_mode_is_not_changed_in_place(void **state)
{
	uint32_t program;

	(void)state;
	(void)attach(NEAR, ATTACH_GENERIC);
	program = program_on(NEAR, NULL);
	refuse_attach(NEAR, ATTACH_NATIVE, ERROR_EXISTS, "detach it first");
	assert_int_equal(program_on(NEAR, NULL), program);
	assert_int_equal(attach(NEAR, ATTACH_AUTO).mode, ATTACH_GENERIC);
	assert_int_equal(attach(NEAR, ATTACH_GENERIC).mode, ATTACH_GENERIC);
	check_ok(dataplane_detach(dataplane, NEAR, &error));
	assert_int_equal(attach(NEAR, ATTACH_NATIVE).mode, ATTACH_NATIVE);
}

static void test_detach(void **state)
{
	(void)state;
	check_refused(dataplane_detach(dataplane, NEAR, &error), ERROR_NOT_FOUND, NEAR);
	(void)attach(NEAR, ATTACH_NATIVE);
	(void)attach("lo", ATTACH_GENERIC);
	check_ok(dataplane_detach(dataplane, NEAR, &error));
	assert_int_equal(program_on(NEAR, NULL), 0);
	assert_false(host_has("%s/links/%s", LINK_NEAR));
	assert_attachments(1, ATTACH_AUTO);
	check_refused(dataplane_detach(dataplane, NEAR, &error), ERROR_NOT_FOUND, NEAR);
}

static uint32_t link_id(void)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);
	int fd = host_map("links/" LINK_NEAR);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	(void)close(fd);
	return info.id;
}

/* The program stays with nobody there, and the next one takes its place in the same link. */
static void test_adoption(void **state)
{
	uint32_t program, link;

	(void)state;
	(void)attach(NEAR, ATTACH_NATIVE);
	program = program_on(NEAR, NULL);
	link = link_id();
	dataplane_close(dataplane);
	dataplane = NULL;
	assert_int_equal(program_on(NEAR, NULL), program);
	check_ok(dataplane_open(host.pins, &LIMITS, &dataplane, &error));
	assert_int_equal(program_on(NEAR, NULL), program);
	assert_attachments(1, ATTACH_NATIVE);
	adopt(1);
	assert_int_not_equal(program_on(NEAR, NULL), program);
	assert_int_equal(link_id(), link);
	program = program_on(NEAR, NULL);
	reopen();
	assert_int_equal(attach(NEAR, ATTACH_AUTO).mode, ATTACH_NATIVE); /* attaching is adopting, too */
	assert_int_not_equal(program_on(NEAR, NULL), program);
	assert_int_equal(link_id(), link);
}

/* Counters of an interface, as the program makes them. */
static void count_packets(unsigned int ifindex)
{
	int cpus = libbpf_num_possible_cpus();
	struct ag_interface_counters *each = calloc((size_t)cpus, sizeof(*each));
	int fd = host_map("maps-4-4-4-16/ag_interface_counters");

	assert_non_null(each);
	for (int i = 0; i < cpus; i++)
		each[i].by_verdict[0] = (struct ag_counter){.packets = 1, .bytes = 60};
	assert_int_equal(bpf_map_update_elem(fd, &ifindex, each, BPF_ANY), 0);
	(void)close(fd);
	free(each);
}

static uint64_t counted(unsigned int ifindex)
{
	struct ag_interface_counters sum;

	check_ok(dataplane_interface_counters(dataplane, ifindex, &sum, &error));
	assert_int_equal(sum.by_verdict[0].bytes, sum.by_verdict[0].packets * 60);
	return sum.by_verdict[0].packets;
}

static void test_device_made_again(void **state)
{
	uint64_t cpus = (uint64_t)libbpf_num_possible_cpus();

	(void)state;
	(void)attach(NEAR, ATTACH_NATIVE);
	assert_int_equal(counted(NEAR_INDEX), 0);
	count_packets(NEAR_INDEX);
	assert_int_equal(counted(NEAR_INDEX), cpus);
	run("ip link delete " NEAR);
	assert_attachments(0, ATTACH_AUTO);
	make_devices();
	assert_attachments(0, ATTACH_AUTO);
	assert_int_equal(program_on(NEAR, NULL), 0);
	check_refused(dataplane_detach(dataplane, NEAR, &error), ERROR_NOT_FOUND, NEAR);
	assert_int_equal(attach(NEAR, ATTACH_NATIVE).mode, ATTACH_NATIVE);
	assert_int_not_equal(program_on(NEAR, NULL), 0);
	assert_attachments(1, ATTACH_NATIVE);
	assert_int_equal(counted(NEAR_INDEX), 0); /* it is another device */
}

static void test_adoption_drops_pins_of_devices_that_are_gone(void **state)
{
	(void)state;
	(void)attach(NEAR, ATTACH_NATIVE);
	(void)attach("lo", ATTACH_GENERIC);
	count_packets(NEAR_INDEX);
	run("ip link delete " NEAR);
	reopen();
	adopt(1);
	assert_false(host_has("%s/links/%s", LINK_NEAR));
	assert_true(host_has("%s/links/%s", "1"));
	assert_int_equal(counted(NEAR_INDEX), 0);
	assert_attachments(1, ATTACH_AUTO);
}

/* --- programs of others --------------------------------------------------------- */

static int foreign_program(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options);
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "theirs", "GPL", pass, sizeof(pass) / sizeof(*pass),
			       &options);

	assert_true(fd >= 0);
	return fd;
}

static void foreign_stays(__u32 flags, enum attach_mode mode)
{
	int fd = foreign_program();
	char id[32];
	uint32_t program;

	assert_int_equal(bpf_xdp_attach(NEAR_INDEX, fd, flags, NULL), 0);
	program = program_on(NEAR, NULL);
	(void)snprintf(id, sizeof(id), "id %u", program);
	refuse_attach(NEAR, mode, ERROR_KERNEL, "'theirs'");
	refuse_attach(NEAR, mode, ERROR_KERNEL, id);
	check_refused(dataplane_detach(dataplane, NEAR, &error), ERROR_NOT_FOUND, NEAR);
	adopt(0);
	assert_attachments(0, ATTACH_AUTO);
	check_ok(dataplane_uninstall(host.pins, &error));
	assert_int_equal(program_on(NEAR, NULL), program);
	(void)close(fd);
}

static void test_foreign_native(void **state)
{
	(void)state;
	foreign_stays(XDP_FLAGS_DRV_MODE, ATTACH_AUTO);
}

static void test_foreign_native_against_generic(void **state)
{
	(void)state;
	foreign_stays(XDP_FLAGS_DRV_MODE, ATTACH_GENERIC);
}

static void test_foreign_generic(void **state)
{
	(void)state;
	foreign_stays(XDP_FLAGS_SKB_MODE, ATTACH_AUTO);
}

/* --- network namespaces ------------------------------------------------------------ */

/* Device 77 of the other namespace has our link; number 77 here is another device. */
static void test_device_of_another_namespace(void **state)
{
	int other = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int here;
	uint32_t program;

	(void)state;
	assert_true(other >= 0);
	(void)attach(NEAR, ATTACH_NATIVE);
	program = program_on(NEAR, NULL);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_attachments(0, ATTACH_AUTO);
	make_devices();
	assert_attachments(0, ATTACH_AUTO);
	refuse_attach(NEAR, ATTACH_AUTO, ERROR_KERNEL, "another network namespace");
	check_refused(dataplane_detach(dataplane, NEAR, &error), ERROR_NOT_FOUND, NEAR);
	assert_int_equal(program_on(NEAR, NULL), 0);
	reopen();
	adopt(1); /* its program is replaced all the same: it must not go on with an old one */
	assert_int_equal(setns(other, CLONE_NEWNET), 0);
	assert_int_not_equal(program_on(NEAR, NULL), 0);
	assert_int_not_equal(program_on(NEAR, NULL), program);
	assert_attachments(1, ATTACH_NATIVE);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	(void)close(here);
	(void)close(other);
}

/* --- the end ---------------------------------------------------------------------- */

static void test_uninstall_detaches(void **state)
{
	(void)state;
	(void)attach(NEAR, ATTACH_NATIVE);
	(void)attach("lo", ATTACH_GENERIC);
	run("ip link add late type veth peer name later");
	(void)attach("late", ATTACH_NATIVE);
	run("ip link delete late"); /* leaves a link without a device */
	dataplane_close(dataplane);
	dataplane = NULL;
	check_ok(dataplane_uninstall(host.pins, &error));
	assert_int_equal(program_on(NEAR, NULL), 0);
	assert_int_equal(program_on("lo", NULL), 0);
	assert_int_equal(access(host.pins, F_OK), -1);
}

/* Maps go only when no link runs a program over them any more. */
static void test_old_maps_stay_while_they_are_used(void **state)
{
	static const struct dataplane_limits more = {.accounts = 8, .services = 4, .entries = 16};

	(void)state;
	(void)attach(NEAR, ATTACH_NATIVE);
	dataplane_close(dataplane);
	dataplane = NULL;
	check_ok(dataplane_open(host.pins, &more, &dataplane, &error));
	dataplane_drop_old_maps(dataplane);
	assert_true(host_has("%s/%s", "maps-4-4-4-16"));
	adopt(1);
	dataplane_drop_old_maps(dataplane);
	assert_false(host_has("%s/%s", "maps-4-4-4-16"));
	assert_true(host_has("%s/%s", "maps-4-8-4-16"));
	assert_attachments(1, ATTACH_NATIVE);
}

static void test_mode_names(void **state)
{
	enum attach_mode mode;

	(void)state;
	for (enum attach_mode each = ATTACH_AUTO; each < ATTACH_MODE_MAX; each++) {
		check_ok(attach_mode_parse(attach_mode_name(each), &mode, &error));
		assert_int_equal(mode, each);
	}
	check_refused(attach_mode_parse("skb", &mode, &error), ERROR_BAD_REQUEST, "generic");
	check_refused(attach_mode_parse("", &mode, &error), ERROR_BAD_REQUEST, "generic");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_native),
		TEST(test_generic),
		TEST(test_auto),
		TEST(test_native_where_the_driver_cannot),
		TEST(test_no_such_interface),
		TEST(test_jumbo),
		TEST(test_mode_is_not_changed_in_place),
		TEST(test_detach),
		TEST(test_adoption),
		TEST(test_device_made_again),
		TEST(test_adoption_drops_pins_of_devices_that_are_gone),
		TEST(test_foreign_native),
		TEST(test_foreign_native_against_generic),
		TEST(test_foreign_generic),
		TEST(test_device_of_another_namespace),
		TEST(test_uninstall_detaches),
		TEST(test_old_maps_stay_while_they_are_used),
		TEST(test_mode_names),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
