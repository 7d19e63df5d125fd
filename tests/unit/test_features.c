// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_features.c - what a kernel lacks is said, each in one line, and nothing where it lacks nothing
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/daemon/features.h"

struct heard {
	char text[1024];
	size_t lines;
};

static void hear(const char *line, void *arg)
{
	struct heard *heard = arg;

	assert_null(strchr(line, '\n'));
	assert_true(strlen(line) < FEATURE_TEXT_SIZE - 1);
	assert_true(strlen(heard->text) + strlen(line) < sizeof(heard->text));
	strcat(heard->text, line);
	heard->lines++;
}

static struct heard lacking(struct dataplane_features has)
{
	struct heard heard = {0};

	features_each_lacking(&has, hear, &heard);
	return heard;
}

static void test_none(void **state)
{
	struct heard heard = lacking((struct dataplane_features){
		.frags = true, .tcx = true, .trie_batches = true, .outer_batches = true});

	(void)state;
	assert_int_equal(heard.lines, 0);
}

static void test_each(void **state)
{
	static const struct {
		struct dataplane_features has;
		const char *what;
	} cases[] = {
		{{.tcx = true, .trie_batches = true, .outer_batches = true},
		 "lacks XDP for frames in several buffers (Linux 5.18 has it): "},
		{{.frags = true, .trie_batches = true, .outer_batches = true},
		 "lacks tcx (Linux 6.6 has it): "},
		{{.frags = true, .tcx = true, .outer_batches = true},
		 "lacks batches of LPM tries (Linux 5.13 has it): "},
		{{.frags = true, .tcx = true, .trie_batches = true},
		 "lacks batches of arrays of maps (Linux 5.19 has it): "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct heard heard = lacking(cases[i].has);

		assert_int_equal(heard.lines, 1);
		assert_non_null(strstr(heard.text, cases[i].what));
		assert_int_equal(strncmp(heard.text, "this kernel (", 13), 0);
	}
}

static void test_all(void **state)
{
	(void)state;
	assert_int_equal(lacking((struct dataplane_features){0}).lines, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
