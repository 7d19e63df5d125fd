// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_features.c - what a kernel lacks is named in one line, and this one lacks nothing that is needed
 */
#include "tests/prog/dataplane_fixture.h"

#include <sys/utsname.h>

static bool all_but(const struct kernel_need *need, void *arg)
{
	return need != arg;
}

static void test_this_kernel_has_all(void **state)
{
	(void)state;
	check_ok(features_check(NULL, NULL, &error));
	check_ok(features_check(all_but, NULL, &error));
}

static void test_each_is_named(void **state)
{
	const struct kernel_need *needs;
	struct utsname names;
	size_t count;

	(void)state;
	assert_int_equal(uname(&names), 0);
	needs = features_needs(&count);
	assert_true(count > 10);
	for (size_t i = 0; i < count; i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "this kernel (%s) lacks %s (Linux %s has it), needed for ",
			       names.release, needs[i].name, needs[i].since);
		check_refused(features_check(all_but, (void *)(uintptr_t)&needs[i], &error), ERROR_KERNEL,
			      text);
		assert_null(strchr(error.message, '\n'));
	}
}

static bool none(const struct kernel_need *need, void *arg)
{
	const struct kernel_need **first = arg;

	if (!*first)
		*first = need;
	return false;
}

/* The first that is lacking is the one that is told, and no more is asked. */
static void test_first_is_told(void **state)
{
	const struct kernel_need *first = NULL;
	size_t count;

	(void)state;
	check_refused(features_check(none, &first, &error), ERROR_KERNEL, features_needs(&count)[0].name);
	assert_ptr_equal(first, features_needs(&count));
}

/* What no kernel has is found lacking by the probes themselves, and does not pass for want of rights. */
static void test_probes_can_say_no(void **state)
{
	static const struct kernel_need unknown[] = {
		{.kind = NEED_HELPER, .id = 100000, .program = BPF_PROG_TYPE_XDP},
		{.kind = NEED_MAP, .id = 1000},
		{.kind = NEED_FLAGS, .id = 1U << 30},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(unknown); i++)
		assert_false(features_probe(&unknown[i]));
}

/* Where the kernel's age explains it, that is what is said, and else what the kernel did. */
static void test_refusal(void **state)
{
	static const char *const older[] = {"5.4.0", "5.10.0-28-amd64", "4.19.0", "5.11.22"};
	static const char *const newer[] = {"5.12.0", "5.15.0-100-generic", "6.1.0", "6.18.4", "7.0", "?"};

	(void)state;
	for (size_t i = 0; i < COUNT(older); i++) {
		check_refused(features_refusal(-EINVAL, "func#4", older[i], &error), ERROR_KERNEL,
			      "is older than Linux 5.12");
		assert_non_null(strstr(error.message, older[i]));
		assert_non_null(strstr(error.message, "(func#4): run Linux 5.15 or later"));
	}
	for (size_t i = 0; i < COUNT(newer); i++) {
		check_refused(features_refusal(-EINVAL, "func#4", newer[i], &error), ERROR_KERNEL,
			      "does not take the program: Invalid argument (func#4)");
		assert_null(strstr(error.message, "older than"));
	}
}

static bool at_least(unsigned int major, unsigned int minor)
{
	unsigned int is_major, is_minor;
	struct utsname names;

	assert_int_equal(uname(&names), 0);
	assert_int_equal(sscanf(names.release, "%u.%u", &is_major, &is_minor), 2);
	return is_major > major || (is_major == major && is_minor >= minor);
}

/* A distribution may have brought them to an older kernel, none has taken them from a newer one. */
static void test_optional(void **state)
{
	struct dataplane_features features;

	(void)state;
	dataplane_features(&features);
	print_message("frags %d, tcx %d, batches of tries %d, of arrays of maps %d\n", features.frags,
		      features.tcx, features.trie_batches, features.outer_batches);
	assert_true(features.trie_batches || !at_least(5, 13));
	assert_true(features.frags || !at_least(5, 18));
	assert_true(features.outer_batches || !at_least(5, 19));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_this_kernel_has_all),
		cmocka_unit_test(test_each_is_named),
		cmocka_unit_test(test_first_is_told),
		cmocka_unit_test(test_probes_can_say_no),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_optional),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
