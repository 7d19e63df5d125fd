// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_pins.c - what outlives the process: adopted, completed, refused where it does not fit, removed
 */
#include "tests/prog/dataplane_fixture.h"

static void test_pins(void **state)
{
	static const char *const maps[] = {
		"ag_config", "ag_accounts",  "ag_dests",     "ag_dest_prefixes",    "ag_services",
		"ag_lines",  "ag_services4", "ag_services6", "ag_indexes4",	    "ag_indexes6",
		"ag_lists4", "ag_lists6",    "ag_failsafe",  "ag_account_counters", "ag_interface_counters"};
	struct stat about;

	(void)state;
	for (size_t i = 0; i < COUNT(maps); i++)
		assert_true(host_has("%s/" MAPS "/%s", maps[i]));
	assert_int_equal(stat(host.pins, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0700);
	assert_int_equal(dataplane->config->abi_version, AG_ABI_VERSION);
}

static void test_adopts_what_is_there(void **state)
{
	static const uint32_t used[] = {3};
	struct compiled_account account = account_of(3, ENFORCE, "2001:db8::/32");
	uint64_t cpus = (uint64_t)libbpf_num_possible_cpus();
	uint64_t store_id, generation;
	uint32_t id;

	(void)state;
	dataplane_seal(dataplane, &store_id, &generation);
	assert_int_equal(store_id, 0);
	assert_int_equal(generation, 0);
	add_many(&account, FAMILY4, 100, 0, false);
	change(NULL, &account);
	count_packets(3);
	dataplane_set_seal(dataplane, 0x1122334455667788, 42);
	id = list_id(3, FAMILY4);
	assert_int_not_equal(id, 0);
	reopen();
	assert_in_kernel(&account);
	assert_used(used, 1);
	assert_int_equal(list_id(3, FAMILY4), id);
	assert_denied(3, 10 * cpus);
	dataplane_seal(dataplane, &store_id, &generation);
	assert_int_equal(store_id, 0x1122334455667788);
	assert_int_equal(generation, 42);
	compiled_account_clear(&account);
}

/* A daemon that was killed while it pinned leaves some of the pins: the rest is made, what is there stays. */
static void test_completes_half_the_pins(void **state)
{
	struct compiled_account account = account_of(3, ENFORCE, "203.0.113.1");
	char path[128];

	(void)state;
	change(NULL, &account);
	dataplane_close(dataplane);
	dataplane = NULL;
	(void)snprintf(path, sizeof(path), "%s/" MAPS "/ag_services", host.pins);
	assert_int_equal(unlink(path), 0);
	check_ok(dataplane_open(host.pins, &LIMITS, &dataplane, &error));
	assert_int_equal(access(path, F_OK), 0);
	assert_in_kernel(&account);
	compiled_account_clear(&account);
}

static void test_other_limits_are_other_maps(void **state)
{
	static const struct dataplane_limits more = {.accounts = 128, .services = 16, .entries = 4096};
	struct compiled_account account = account_of(3, ENFORCE, "203.0.113.1");

	(void)state;
	change(NULL, &account);
	dataplane_close(dataplane);
	check_ok(dataplane_open(host.pins, &more, &dataplane, &error));
	assert_used(NULL, 0);
	assert_true(host_has("%s/%s", MAPS));
	dataplane_drop_old_maps(dataplane);
	assert_false(host_has("%s/%s", MAPS));
	assert_true(host_has("%s/%s", "maps-4-128-16-4096"));
	compiled_account_clear(&account);
}

static int open_at(const char *directory)
{
	struct dataplane *other = NULL;
	int result = dataplane_open(directory, &LIMITS, &other, &error);

	if (result < 0)
		assert_null(other);
	dataplane_close(other);
	return result;
}

static void test_odd_pin_directories(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/plain", host.directory);
	check_refused(open_at(path), ERROR_KERNEL, "mount -t bpf");
	assert_int_equal(access(path, F_OK), -1); /* nothing was made there */
	check_refused(dataplane_uninstall(path, &error), ERROR_KERNEL, "not on a bpffs");
	check_refused(open_at("pins"), ERROR_KERNEL, "absolute");
	check_refused(open_at(""), ERROR_KERNEL, "absolute");
	(void)snprintf(path, sizeof(path), "%s/with.dot", host.bpffs);
	check_refused(open_at(path), ERROR_KERNEL, "dot");
	(void)snprintf(path, sizeof(path), "%s/a/b/c", host.bpffs);
	check_ok(open_at(path));
	check_ok(dataplane_uninstall(path, &error));
	assert_int_equal(access(path, F_OK), -1);
}

static void test_foreign_map_in_the_way(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "foreign", 4, 4, 8, &options);
	char path[128];

	(void)state;
	dataplane_close(dataplane);
	dataplane = NULL;
	(void)snprintf(path, sizeof(path), "%s/" MAPS "/ag_services", host.pins);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	(void)close(fd);
	check_refused(open_at(host.pins), ERROR_KERNEL, "ag_services' is not the map");
	check_refused(open_at(host.pins), ERROR_KERNEL, "--uninstall");
}

static void test_maps_of_another_version(void **state)
{
	char said[32];

	(void)state;
	(void)snprintf(said, sizeof(said), "of version %d, this is %d", AG_ABI_VERSION + 1, AG_ABI_VERSION);
	dataplane->config->abi_version = AG_ABI_VERSION + 1;
	dataplane_close(dataplane);
	dataplane = NULL;
	check_refused(open_at(host.pins), ERROR_KERNEL, said);
}

/* Two that write to the same maps would undo each other's work. */
static void test_one_dataplane_at_a_time(void **state)
{
	(void)state;
	check_refused(open_at(host.pins), ERROR_EXISTS, "another allowgated");
	dataplane_close(dataplane);
	dataplane = NULL;
	check_ok(open_at(host.pins));
}

static void test_uninstall(void **state)
{
	char other[128], theirs[128];

	(void)state;
	dataplane_close(dataplane);
	dataplane = NULL;
	(void)snprintf(other, sizeof(other), "%s/maps-99-1-2-3", host.pins);
	(void)snprintf(theirs, sizeof(theirs), "%s/maps-other", host.pins);
	assert_int_equal(mkdir(other, 0700), 0);
	assert_int_equal(mkdir(theirs, 0700), 0);
	check_ok(dataplane_uninstall(host.pins, &error));
	assert_int_equal(access(other, F_OK), -1);
	assert_false(host_has("%s/%s", MAPS));
	assert_false(host_has("%s/%s", "links"));
	assert_int_equal(access(theirs, F_OK), 0); /* is not ours, so neither it nor its directory goes */
	assert_int_equal(rmdir(theirs), 0);
	check_ok(dataplane_uninstall(host.pins, &error));
	assert_int_equal(access(host.pins, F_OK), -1);
	check_ok(dataplane_uninstall(host.pins, &error)); /* of nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pins),
		TEST(test_adopts_what_is_there),
		TEST(test_completes_half_the_pins),
		TEST(test_other_limits_are_other_maps),
		TEST(test_odd_pin_directories),
		TEST(test_foreign_map_in_the_way),
		TEST(test_maps_of_another_version),
		TEST(test_one_dataplane_at_a_time),
		TEST(test_uninstall),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
