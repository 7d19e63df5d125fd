// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_refusals.c - a kernel that is short of memory while lists are put into it: what passes by itself is
 * waited for, what does not is given up whole
 *
 * The kernel's answers are given here instead of its own, by functions that stand before libbpf's.
 */
#include "tests/prog/dataplane_fixture.h"

#include <dirent.h>
#include <dlfcn.h>
#include <time.h>

#define FOR_GOOD SIZE_MAX

/* --- a kernel that refuses ------------------------------------------------------ */

enum call {
	CALL_BATCH,
	CALL_UPDATE,
	CALL_DELETE,
	CALL_MAX,
};

static struct refusal {
	int number;		/* errno; 0: it refuses nothing */
	size_t after;		/* calls that go well before */
	size_t times;		/* and so many do not */
	enum bpf_map_type type; /* of maps of this type alone; BPF_MAP_TYPE_UNSPEC: of any */
	uint32_t map_id;	/* of this map alone; 0: of any */
	size_t refused;
} refusals[CALL_MAX];

static bool concerns(const struct refusal *refusal, int fd)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	return (!refusal->map_id || refusal->map_id == info.id) &&
	       (refusal->type == BPF_MAP_TYPE_UNSPEC || refusal->type == info.type);
}

/* 0, or what the call is refused with. */
static int refuse(enum call call, int fd)
{
	struct refusal *refusal = &refusals[call];

	if (!refusal->number || !concerns(refusal, fd))
		return 0;
	if (refusal->after) {
		refusal->after--;
		return 0;
	}
	if (!refusal->times)
		return 0;
	if (refusal->times != FOR_GOOD)
		refusal->times--;
	refusal->refused++;
	return -refusal->number;
}

int bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count,
			 const struct bpf_map_batch_opts *options)
{
	int (*real)(int, const void *, const void *, __u32 *,
		    const struct bpf_map_batch_opts *) = dlsym(RTLD_NEXT, "bpf_map_update_batch");
	int result = refuse(CALL_BATCH, fd);
	__u32 half = *count / 2;

	if (result == 0)
		return real(fd, keys, values, count, options);
	/* as the kernel does: what came before the element it has no memory for stays */
	if (half && real(fd, keys, values, &half, options) < 0)
		half = 0;
	*count = half;
	return result;
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	int (*real)(int, const void *, const void *, __u64) = dlsym(RTLD_NEXT, "bpf_map_update_elem");
	int result = refuse(CALL_UPDATE, fd);

	return result ? result : real(fd, key, value, flags);
}

int bpf_map_delete_elem(int fd, const void *key)
{
	int (*real)(int, const void *) = dlsym(RTLD_NEXT, "bpf_map_delete_elem");
	int result = refuse(CALL_DELETE, fd);

	return result ? result : real(fd, key);
}

static void refuse_nothing(void)
{
	memset(refusals, 0, sizeof(refusals));
}

static int with_kernel(void **state)
{
	refuse_nothing();
	return setup(state);
}

static int without(void **state)
{
	refuse_nothing();
	return teardown(state);
}

static const struct refusal NO_MEMORY = {.number = ENOMEM, .times = FOR_GOOD};
static const struct refusal NO_TRIE = {.number = ENOMEM, .times = FOR_GOOD, .type = BPF_MAP_TYPE_LPM_TRIE};

/* --- lists ------------------------------------------------------------------------ */

/* More than a batch, of every length: a trie. */
static struct compiled_account trie_account(const char *text, size_t count)
{
	struct compiled_account account = account_of(3, ENFORCE, text);

	add_many(&account, FAMILY4, count, 0, true);
	return account;
}

static size_t open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	(void)closedir(directory);
	return count;
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A batch that is refused goes on element by element. */
static void test_batch_is_refused(void **state)
{
	struct compiled_account want = trie_account("", 2000);

	(void)state;
	refusals[CALL_BATCH] = NO_TRIE;
	change(NULL, &want);
	assert_int_equal(held4(3), AG_HELD_TRIE);
	assert_true(refusals[CALL_BATCH].refused > 0);
	compiled_account_clear(&want);
}

/* ... and an element is tried again, later each time. */
static void test_elements_are_refused_for_a_while(void **state)
{
	static const int numbers[] = {ENOMEM, EAGAIN, EBUSY};
	struct compiled_account want = trie_account("", 300);

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		double started;

		refusals[CALL_BATCH] = NO_TRIE;
		refusals[CALL_UPDATE] = NO_TRIE;
		refusals[CALL_UPDATE].number = numbers[i];
		refusals[CALL_UPDATE].after = 100;
		refusals[CALL_UPDATE].times = 5;
		started = seconds();
		change(NULL, &want);
		assert_int_equal(refusals[CALL_UPDATE].refused, 5);
		assert_true(seconds() - started >= 0.031); /* 1 + 2 + 4 + 8 + 16 ms */
		refuse_nothing();
		check_ok(dataplane_clear_account(dataplane, 3, &error));
	}
	compiled_account_clear(&want);
}

/* One that goes on is the end of the change, before anything of it is in force; nothing stays behind. */
static void test_elements_are_refused_for_good(void **state)
{
	static const int numbers[] = {ENOMEM, ENOSPC};
	struct compiled_account have = account_of(3, ENFORCE, "203.0.113.1 203.0.113.2");
	struct compiled_account want = trie_account("", 300);
	struct dataplane_change *staged = NULL;

	(void)state;
	change(NULL, &have);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		size_t files = open_files(), lines = dataplane->space.in_use;
		double started = seconds();

		refusals[CALL_BATCH] = NO_TRIE;
		refusals[CALL_UPDATE] = NO_TRIE;
		refusals[CALL_UPDATE].number = numbers[i];
		refusals[CALL_UPDATE].after = 100;
		check_refused(dataplane_stage(dataplane, NULL, &want, &staged, &error), ERROR_KERNEL,
			      "refused an account's new list");
		assert_null(staged);
		assert_true(seconds() - started < 2);
		/* what does not pass by itself is not waited for */
		assert_int_equal(refusals[CALL_UPDATE].refused, numbers[i] == ENOMEM ? 9 : 1);
		refuse_nothing();
		assert_int_equal(open_files(), files);
		assert_int_equal(dataplane->space.in_use, lines);
		assert_in_kernel(&have);
	}
	change(NULL, &want); /* once there is memory again */
	compiled_account_clear(&have);
	compiled_account_clear(&want);
}

/* --- a live trie that refuses its edit ----------------------------------------------- */

/* A change by one entry of the trie in force, which is staged; its map's id. */
static uint32_t stage_edit(const struct compiled_account *have, const struct compiled_account *want,
			   struct dataplane_change **ret)
{
	uint32_t id = list_id(3, FAMILY4);

	assert_int_equal(held4(3), AG_HELD_TRIE);
	check_ok(dataplane_stage(dataplane, have, want, ret, &error));
	assert_int_equal((*ret)->step, CHANGE_TRIE);
	return id;
}

static void refuse_map(enum call call, uint32_t map_id)
{
	refusals[call] = NO_MEMORY;
	refusals[call].map_id = map_id;
}

/* It becomes a fresh list, whether an entry is added, changed or removed. */
static void test_live_trie_refuses(void **state)
{
	struct compiled_account lists[] = {
		trie_account("203.0.113.1", 300),
		trie_account("203.0.113.1 203.0.113.2", 300),
		trie_account("!203.0.113.1 203.0.113.2", 300),
		trie_account("203.0.113.2", 300),
	};

	(void)state;
	change(NULL, &lists[0]);
	for (size_t i = 1; i < COUNT(lists); i++) {
		struct dataplane_change *staged = NULL;
		uint32_t id = stage_edit(&lists[i - 1], &lists[i], &staged);

		refuse_map(CALL_UPDATE, id);
		refuse_map(CALL_DELETE, id);
		check_ok(dataplane_publish(dataplane, staged, &error));
		assert_true(refusals[CALL_UPDATE].refused + refusals[CALL_DELETE].refused > 0);
		refuse_nothing();
		assert_int_not_equal(list_id(3, FAMILY4), id);
		assert_in_kernel(&lists[i]);
		check_ok(dataplane_publish(dataplane, staged, &error)); /* again: harmless */
		dataplane_change_free(staged);
		assert_in_kernel(&lists[i]);
		check_ok(dataplane_tidy(dataplane, &error));
	}
	/* the next edit stands upon the fresh list, and knows how long it is */
	change(&lists[3], &lists[2]);
	for (size_t i = 0; i < COUNT(lists); i++)
		compiled_account_clear(&lists[i]);
}

/* It passes by itself: the list stays where it is. */
static void test_live_trie_refuses_for_a_while(void **state)
{
	struct compiled_account have = trie_account("203.0.113.1", 300);
	struct compiled_account want = trie_account("203.0.113.1 203.0.113.2", 300);
	struct dataplane_change *staged = NULL;
	uint32_t id;

	(void)state;
	change(NULL, &have);
	id = stage_edit(&have, &want, &staged);
	refuse_map(CALL_UPDATE, id);
	refusals[CALL_UPDATE].times = 3;
	check_ok(dataplane_publish(dataplane, staged, &error));
	assert_int_equal(refusals[CALL_UPDATE].refused, 3);
	dataplane_change_free(staged);
	assert_int_equal(list_id(3, FAMILY4), id);
	assert_in_kernel(&want);
	compiled_account_clear(&have);
	compiled_account_clear(&want);
}

/* Where there is no memory for a fresh list either, all stays as it was, and it may be tried again. */
static void test_no_memory_at_all(void **state)
{
	struct compiled_account have = trie_account("203.0.113.1 2001:db8::1", 300);
	struct compiled_account want = trie_account("203.0.113.1 203.0.113.2 2001:db8::1", 300);
	struct dataplane_change *staged = NULL;
	size_t files;
	uint32_t id;

	(void)state;
	change(NULL, &have);
	id = stage_edit(&have, &want, &staged);
	files = open_files();
	refusals[CALL_BATCH] = refusals[CALL_UPDATE] = NO_TRIE;
	for (int i = 0; i < 2; i++)
		check_refused(dataplane_publish(dataplane, staged, &error), ERROR_KERNEL, "refuses");
	refuse_nothing();
	assert_int_equal(open_files(), files);
	assert_int_equal(list_id(3, FAMILY4), id);
	assert_in_kernel(&have);
	check_ok(dataplane_publish(dataplane, staged, &error));
	dataplane_change_free(staged);
	assert_in_kernel(&want);
	compiled_account_clear(&have);
	compiled_account_clear(&want);
}

/* The fresh list is there, but the array of lists does not take it. */
static void test_place_is_refused(void **state)
{
	struct compiled_account have = trie_account("203.0.113.1 2001:db8::1", 300);
	struct compiled_account want = trie_account("203.0.113.1 203.0.113.2 2001:db8::2", 300);
	struct compiled_account neighbour = account_of(4, ENFORCE, "203.0.113.9"), none;
	struct dataplane_change *staged[2] = {NULL, NULL};
	uint32_t id;

	(void)state;
	none = account_of(4, INACTIVE, "");
	change(NULL, &have);
	id = list_id(3, FAMILY4);
	check_ok(dataplane_stage(dataplane, NULL, &want, &staged[0], &error));
	check_ok(dataplane_stage(dataplane, NULL, &neighbour, &staged[1], &error));
	refusals[CALL_BATCH] = refusals[CALL_UPDATE] = NO_MEMORY;
	refusals[CALL_BATCH].type = refusals[CALL_UPDATE].type = BPF_MAP_TYPE_ARRAY_OF_MAPS;
	check_refused(dataplane_publish_all(dataplane, staged, COUNT(staged), &error), ERROR_KERNEL,
		      "refuses to put a list in force");
	refuse_nothing();
	assert_int_equal(list_id(3, FAMILY4), id);
	assert_in_kernel(&have);
	assert_in_kernel(&none);
	check_ok(dataplane_publish_all(dataplane, staged, COUNT(staged), &error));
	assert_in_kernel(&want);
	assert_in_kernel(&neighbour);
	dataplane_change_free(staged[0]);
	dataplane_change_free(staged[1]);
	compiled_account_clear(&have);
	compiled_account_clear(&want);
	compiled_account_clear(&neighbour);
}

#define REFUSING(name) cmocka_unit_test_setup_teardown(name, with_kernel, without)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REFUSING(test_batch_is_refused),
		REFUSING(test_elements_are_refused_for_a_while),
		REFUSING(test_elements_are_refused_for_good),
		REFUSING(test_live_trie_refuses),
		REFUSING(test_live_trie_refuses_for_a_while),
		REFUSING(test_no_memory_at_all),
		REFUSING(test_place_is_refused),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
