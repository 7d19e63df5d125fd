// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_egress.c - the answers' program on interfaces' way out
 *
 * By a TCX link where the kernel has it (6.6), which is pinned as XDP's is: PIN_DIR/egress/<ifindex>. Else as
 * a filter of the clsact qdisc, and then the program itself is pinned there, to say so. Others' filters and
 * links stay: this one only ever answers for itself (TC_ACT_UNSPEC lets the next one see the packet).
 *
 * Source: tools/lib/bpf (bpf_tc_attach), include/uapi/linux/bpf.h (BPF_TCX_EGRESS), tc-bpf(8).
 */
#include "userspace/io/dataplane_private.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of libbpf older than 1.3. */
#define TCX_EGRESS ((enum bpf_attach_type)47)
/* Ours among the filters of a qdisc. */
#define TC_HANDLE   0xa110
#define TC_PRIORITY 0xa110

static char *path_of(const char *pin_dir, unsigned int ifindex)
{
	char *path;

	return asprintf(&path, "%s/egress/%u", pin_dir, ifindex) < 0 ? NULL : path;
}

static int program_fd(const struct dataplane *dataplane)
{
	return bpf_program__fd(dataplane->skeleton->progs.ag_egress);
}

/* --- filters of clsact ---------------------------------------------------------------- */

static int tc_attach(int program, unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .handle = TC_HANDLE, .priority = TC_PRIORITY,
		    .flags = BPF_TC_F_REPLACE);
	int result = bpf_tc_hook_create(&hook);

	if (result < 0 && result != -EEXIST)
		return result;
	return bpf_tc_attach(&hook, &options);
}

static int tc_detach(unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	int result = bpf_tc_detach(&hook, &options);

	return result == -ENOENT || result == -ENODEV || result == -EINVAL ? 0 : result;
}

/* --- one interface ---------------------------------------------------------------------- */

static int pin(int fd, const char *path)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return bpf_obj_pin(fd, path);
}

static int create(int program, unsigned int ifindex, const char *path)
{
	AUTO_FD int fd = bpf_link_create(program, (int)ifindex, TCX_EGRESS, NULL);
	int result;

	if (fd >= 0)
		return pin(fd, path);
	if (fd == -ENODEV || fd == -EPERM)
		return fd;
	result = tc_attach(program, ifindex);
	return result < 0 ? result : pin(program, path);
}

/* A link gets this build's program; -ENOLINK where its device is gone, -EINVAL where the pin is a program. */
static int replace(int program, unsigned int ifindex, const char *path)
{
	AUTO_FD int fd = bpf_obj_get(path);
	int result;

	if (fd < 0)
		return fd == -ENOENT ? -ENOLINK : fd;
	result = bpf_link_update(fd, program, NULL);
	if (result != -EINVAL)
		return result;
	result = tc_attach(program, ifindex);
	return result < 0 ? result : pin(program, path);
}

int egress_attach(struct dataplane *dataplane, unsigned int ifindex, struct ag_error *error)
{
	AUTO_FREE char *directory = pins_path(dataplane->pin_dir, "egress");
	AUTO_FREE char *path = path_of(dataplane->pin_dir, ifindex);
	int result;

	if (!path || !directory)
		return dataplane_no_memory(error);
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		return error_set(error, ERROR_KERNEL, "cannot make '%s': %s", directory, strerror(errno));
	result = replace(program_fd(dataplane), ifindex, path);
	if (result == -ENOLINK)
		result = create(program_fd(dataplane), ifindex, path);
	if (result < 0)
		return error_set(
			error, ERROR_KERNEL,
			"cannot attach the program for a notice server's answers to interface %u: %s",
			ifindex, strerror(-result));
	return 0;
}

static int detach_path(const char *path, unsigned int ifindex)
{
	AUTO_FD int fd = bpf_obj_get(path);
	int result;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	result = bpf_link_detach(fd);
	if (result == -EINVAL)
		result = tc_detach(ifindex);
	if (result < 0 && result != -ENOLINK)
		return result;
	return unlink(path) < 0 ? -errno : 0;
}

int egress_detach(const char *pin_dir, unsigned int ifindex)
{
	AUTO_FREE char *path = path_of(pin_dir, ifindex);

	return path ? detach_path(path, ifindex) : -ENOMEM;
}

/* --- all ---------------------------------------------------------------------------------- */

int egress_attach_all(struct dataplane *dataplane, struct ag_error *error)
{
	AUTO_FREE struct attachment *attachments = NULL;
	size_t count = 0;
	int result = dataplane_attachments(dataplane, &attachments, &count, error);

	for (size_t i = 0; i < count && result == 0; i++)
		result = egress_attach(dataplane, attachments[i].ifindex, error);
	return result;
}

int egress_detach_all(const char *pin_dir)
{
	AUTO_FREE char *directory = pins_path(pin_dir, "egress");
	AUTO_DIR DIR *stream = directory ? opendir(directory) : NULL;
	const struct dirent *entry;
	int result = 0;

	if (!directory)
		return -ENOMEM;
	while (stream && result == 0 && (entry = readdir(stream)))
		if (entry->d_name[0] != '.')
			result = egress_detach(pin_dir, (unsigned int)strtoul(entry->d_name, NULL, 10));
	if (result == 0 && rmdir(directory) < 0 && errno != ENOENT)
		result = -errno;
	return result;
}
