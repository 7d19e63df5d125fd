// SPDX-License-Identifier: GPL-2.0-only
/* test_pem.c - which files are taken for a certificate and a key */
#include "userspace/io/pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/core/error.h"

static char directory[] = "/tmp/test_pem.XXXXXX";
static char path[64];

static int setup(void **state)
{
	FILE *file;

	(void)state;
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/file", directory);
	file = fopen(path, "w");
	return !file || fputs("some text", file) < 0 || fclose(file);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path) || rmdir(directory);
}

static void assert_refused(const char *name, bool secret, const char *says)
{
	struct ag_error error = {0};
	char *text = NULL;

	assert_true(pem_read(name, secret, &text, &error) < 0);
	assert_int_equal(error.code, ERROR_BAD_REQUEST);
	if (!strstr(error.message, says))
		fail_msg("\"%s\" does not say \"%s\"", error.message, says);
	assert_null(text);
}

static void assert_taken(bool secret)
{
	struct ag_error error = {0};
	char *text = NULL;

	if (pem_read(path, secret, &text, &error))
		fail_msg("%s", error.message);
	assert_string_equal(text, "some text");
	pem_free(text);
}

static void a_key_is_for_its_owner_and_group(void **state)
{
	static const mode_t good[] = {0400, 0600, 0640, 0440, 0700};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(chmod(path, good[i]), 0);
		assert_taken(true);
	}
	for (mode_t bit = 1; bit <= 020; bit <<= 1) {
		if (bit == 010)
			continue; /* running it is nothing */
		assert_int_equal(chmod(path, 0600 | bit), 0);
		assert_refused(path, true, "is open to others");
		assert_taken(false); /* a certificate is no secret */
	}
	assert_int_equal(chmod(path, 0600), 0);
}

static void a_key_is_of_root_or_of_oneself(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("SKIP: giving a file away needs root\n");
		skip();
	}
	assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
	assert_refused(path, true, "belongs to uid 12345");
	assert_taken(false);
	assert_int_equal(chown(path, 0, (gid_t)-1), 0);
	assert_taken(true);
}

static void what_is_no_file_is_refused(void **state)
{
	char name[80];

	(void)state;
	assert_refused("/tmp/test_pem.none/none", false, "No such file");
	assert_refused(directory, false, "is no PEM file");
	assert_refused("/dev/zero", false, "is no PEM file");
	(void)snprintf(name, sizeof(name), "%s/fifo", directory);
	assert_int_equal(mkfifo(name, 0600), 0);
	assert_refused(name, true, "is no PEM file");
	assert_int_equal(unlink(name), 0);
	assert_int_equal(truncate(path, 0), 0);
	assert_refused(path, false, "is no PEM file");
	assert_int_equal(truncate(path, (1 << 20) + 1), 0);
	assert_refused(path, false, "is no PEM file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_for_its_owner_and_group),
		cmocka_unit_test(a_key_is_of_root_or_of_oneself),
		cmocka_unit_test(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
