/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * private_host.h - a mount namespace with a bpffs, and a network namespace, of the test's own
 *
 * They end with the process, however it ends; nothing of the host's is seen or touched. What needs root
 * says "SKIP: reason" and exits 77, as tests/run expects.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "userspace/core/error.h"
#include "userspace/io/dataplane.h"

struct private_host {
	char directory[32]; /* an ordinary one, under /tmp ... */
	char bpffs[40];	    /* ... and a bpffs in it */
	char pins[48];	    /* absent at first */
};

static struct private_host host;

/* Asserts that a call went well, or shows its message. */
#define check_ok(call)                                                                                       \
	do {                                                                                                 \
		int result_ = (call);                                                                        \
		if (result_ < 0)                                                                             \
			fail_msg("%s: %d, %s", #call, result_, error.message);                               \
	} while (0)

/* Asserts that it was refused with this code, and that the message holds this text. */
#define check_refused(call, error_code_, text)                                                               \
	do {                                                                                                 \
		memset(&error, 0, sizeof(error));                                                            \
		if ((call) >= 0)                                                                             \
			fail_msg("%s: was not refused", #call);                                              \
		assert_string_equal(error_code_name(error.code), error_code_name(error_code_));              \
		if (!strstr(error.message, (text)))                                                          \
			fail_msg("%s: '%s' does not say '%s'", #call, error.message, (text));                \
	} while (0)

static inline void host_skip(const char *reason)
{
	printf("SKIP: %s\n", reason);
	exit(77);
}

static inline void host_enter(void)
{
	if (geteuid() != 0)
		host_skip("needs root");
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		host_skip("cannot make namespaces");
	(void)snprintf(host.directory, sizeof(host.directory), "/tmp/ag-prog-XXXXXX");
	if (!mkdtemp(host.directory))
		host_skip("cannot make a directory under /tmp");
	(void)snprintf(host.bpffs, sizeof(host.bpffs), "%s/bpf", host.directory);
	(void)snprintf(host.pins, sizeof(host.pins), "%s/pins", host.bpffs);
	if (mkdir(host.bpffs, 0700) < 0 || mount("bpf", host.bpffs, "bpf", 0, NULL) < 0) {
		(void)rmdir(host.bpffs);
		(void)rmdir(host.directory);
		host_skip("cannot mount a bpffs");
	}
}

static inline void host_leave(void)
{
	(void)umount2(host.bpffs, MNT_DETACH);
	(void)rmdir(host.bpffs);
	(void)rmdir(host.directory);
}

static inline bool host_has(const char *format, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), format, host.pins, name);
	return access(path, F_OK) == 0;
}

/* The fd of a pinned map, by its path below the pins. */
static inline int host_map(const char *path_below)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", host.pins, path_below);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}
