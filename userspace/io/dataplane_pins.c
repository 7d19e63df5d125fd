// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_pins.c - the directories of pins, and the links in them
 *
 * Nothing is made, removed or trusted outside of a bpffs: a path that was mistyped must neither
 * fill an ordinary directory nor empty one.
 */
#include "userspace/io/dataplane_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define MAPS_NAME "maps-%u-%u-%u-%u"

void pins_maps_name(const struct dataplane_limits *limits, char name[PINS_NAME_MAX])
{
	(void)snprintf(name, PINS_NAME_MAX, MAPS_NAME, AG_ABI_VERSION, limits->accounts, limits->services,
		       limits->entries); /* fits */
}

static bool is_maps_name(const char *name)
{
	unsigned int abi, accounts, services, entries;
	int length = 0;

	return sscanf(name, MAPS_NAME "%n", &abi, &accounts, &services, &entries, &length) == 4 &&
	       name[length] == '\0';
}

char *pins_path(const char *pin_dir, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", pin_dir, name) < 0 ? NULL : path;
}

char *pins_link_path(const char *pin_dir, unsigned int ifindex)
{
	char *path = NULL;

	return asprintf(&path, "%s/links/%u", pin_dir, ifindex) < 0 ? NULL : path;
}

/* Cuts the last component off; false when there is none left. */
static bool cut_component(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash[1] == '\0')
		return false;
	slash[slash == path] = '\0';
	return true;
}

int pins_check(const char *pin_dir, struct ag_error *error)
{
	AUTO_FREE char *path = strdup(pin_dir);
	struct statfs about;
	bool absent = false;

	if (!path)
		return dataplane_no_memory(error);
	if (path[0] != '/')
		return error_set(error, ERROR_KERNEL, "pin directory '%s': give an absolute path on a bpffs",
				 pin_dir);
	while (statfs(path, &about) < 0) {
		if (errno != ENOENT || !cut_component(path))
			return error_set(error, ERROR_KERNEL, "pin directory '%s': %s", pin_dir,
					 strerror(errno));
		absent = true;
	}
	if (about.f_type != BPF_FS_MAGIC)
		return error_set(
			error, ERROR_KERNEL,
			"pin directory '%s' is not on a bpffs: mount one (mount -t bpf bpf /sys/fs/bpf) or "
			"give a directory under one that is mounted",
			pin_dir);
	return absent ? -ENOENT : 0;
}

static int make_directory(const char *path, struct ag_error *error)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	if (errno == EPERM)
		return error_set(
			error, ERROR_KERNEL,
			"cannot make '%s': a bpffs takes no name with a dot; choose another pin directory",
			path);
	return error_set(error, ERROR_KERNEL, "cannot make '%s': %s", path, strerror(errno));
}

int pins_prepare(const char *pin_dir, struct ag_error *error)
{
	AUTO_FREE char *path = pins_path(pin_dir, "links");
	int result = pins_check(pin_dir, error);

	if (result < 0 && result != -ENOENT)
		return result;
	if (!path)
		return dataplane_no_memory(error);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		result = make_directory(path, error);
		*slash = '/';
		if (result < 0)
			return result;
	}
	return make_directory(path, error);
}

int pins_lock(const char *pin_dir, struct ag_error *error)
{
	AUTO_FD int fd = open(pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set(error, ERROR_KERNEL, "cannot open '%s': %s", pin_dir, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return TAKE_FD(fd);
	if (errno != EWOULDBLOCK)
		return error_set(error, ERROR_KERNEL, "cannot lock '%s': %s", pin_dir, strerror(errno));
	return error_set(
		error, ERROR_EXISTS,
		"another allowgated has the pin directory '%s': stop that one, or use another --pin-dir",
		pin_dir);
}

int pins_open_config(const char *pin_dir, const char *name)
{
	AUTO_FREE char *path = NULL;

	if (asprintf(&path, "%s/%s/ag_config", pin_dir, name) < 0)
		return -ENOMEM;
	return bpf_obj_get(path);
}

int pins_read_config(const char *pin_dir, const char *name, struct ag_config *ret)
{
	AUTO_FD int fd = pins_open_config(pin_dir, name);
	const __u32 zero = 0;

	if (fd == -ENOENT)
		return 0; /* the daemon that made the directory came no further */
	return fd < 0 ? fd : bpf_map_lookup_elem(fd, &zero, ret);
}

int pins_others_each(const char *pin_dir, const char *keep,
		     int (*visit)(const char *pin_dir, const char *name, void *arg), void *arg,
		     struct ag_error *error)
{
	AUTO_DIR DIR *directory = opendir(pin_dir);
	const struct dirent *entry;

	if (!directory)
		return error_set(error, ERROR_KERNEL, "cannot read '%s': %s", pin_dir, strerror(errno));
	while ((entry = readdir(directory))) {
		int result = 0;

		if (is_maps_name(entry->d_name) && strcmp(entry->d_name, keep) != 0)
			result = visit(pin_dir, entry->d_name, arg);
		if (result < 0)
			return error_set(error, ERROR_KERNEL, "cannot use the pins in '%s/%s': %s", pin_dir,
					 entry->d_name, strerror(-result));
	}
	return 0;
}

static int note_newest(const char *pin_dir, const char *name, void *arg)
{
	struct ag_config *newest = arg, config = {0};
	int result = pins_read_config(pin_dir, name, &config);

	if (result == 0 && config.store_id && (!newest->store_id || config.generation > newest->generation))
		*newest = config;
	return result;
}

int pins_inherited(const char *pin_dir, const char *keep, struct ag_config *ret, struct ag_error *error)
{
	struct ag_config newest = {0};
	int result = pins_others_each(pin_dir, keep, note_newest, &newest, error);

	if (result == 0)
		*ret = newest;
	return result;
}

/* Removes a directory of pins and whatever is pinned in it. */
static int remove_directory(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!directory) {
		int result = -errno;

		if (fd >= 0)
			(void)close(fd); /* fdopendir() did not take it */
		return result;
	}
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] != '.' && unlinkat(fd, entry->d_name, 0) < 0 && errno != ENOENT)
			return -errno;
	}
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int pins_remove_maps(const char *pin_dir, const char *keep, struct ag_error *error)
{
	AUTO_DIR DIR *directory = opendir(pin_dir);
	const struct dirent *entry;
	int result;

	if (!directory)
		return error_set(error, ERROR_KERNEL, "cannot read '%s': %s", pin_dir, strerror(errno));
	while ((entry = readdir(directory))) {
		if (!is_maps_name(entry->d_name) || (keep && strcmp(entry->d_name, keep) == 0))
			continue;
		result = remove_directory(dirfd(directory), entry->d_name);
		if (result < 0)
			return error_set(error, ERROR_KERNEL, "cannot remove the pins in '%s/%s': %s",
					 pin_dir, entry->d_name, strerror(-result));
	}
	return 0;
}

int pinned_link_open(const char *path, struct pinned_link *ret)
{
	AUTO_FD int fd = bpf_obj_get(path);
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);
	int result;

	if (fd < 0)
		return fd;
	result = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (result < 0)
		return result;
	if (info.type != BPF_LINK_TYPE_XDP)
		return -EBADMSG;
	*ret = (struct pinned_link){.path = path, .ifindex = info.xdp.ifindex, .program_id = info.prog_id};
	ret->fd = TAKE_FD(fd);
	return 0;
}

static int visit_link(const char *pin_dir, const char *name,
		      int (*visit)(const struct pinned_link *link, void *arg), void *arg)
{
	AUTO_FREE char *path = NULL;
	struct pinned_link link;
	int result;

	if (asprintf(&path, "%s/links/%s", pin_dir, name) < 0)
		return -ENOMEM;
	result = pinned_link_open(path, &link);
	if (result < 0)
		return result == -ENOENT ? 0 : result;
	result = visit(&link, arg);
	(void)close(link.fd); /* the pin holds the link */
	return result;
}

int pinned_links_each(const char *pin_dir, int (*visit)(const struct pinned_link *link, void *arg), void *arg)
{
	AUTO_FREE char *path = pins_path(pin_dir, "links");
	AUTO_DIR DIR *directory = path ? opendir(path) : NULL;
	const struct dirent *entry;

	if (!path)
		return -ENOMEM;
	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(directory))) {
		int result = entry->d_name[0] == '.' ? 0 : visit_link(pin_dir, entry->d_name, visit, arg);

		if (result)
			return result;
	}
	return 0;
}

static int detach_and_unpin(const struct pinned_link *link, void *arg)
{
	int result = bpf_link_detach(link->fd);

	(void)arg;
	if (result < 0 && result != -ENOLINK)
		return result;
	return unlink(link->path) < 0 ? -errno : 0;
}

int dataplane_uninstall(const char *pin_dir, struct ag_error *error)
{
	AUTO_FREE char *links = pins_path(pin_dir, "links");
	int result = pins_check(pin_dir, error);

	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return result;
	if (!links)
		return dataplane_no_memory(error);
	result = pinned_links_each(pin_dir, detach_and_unpin, NULL);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot detach what is pinned in '%s': %s", links,
				 strerror(-result));
	result = egress_detach_all(pin_dir);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot detach what is pinned in '%s/egress': %s",
				 pin_dir, strerror(-result));
	result = pins_remove_maps(pin_dir, NULL, error);
	if (result < 0)
		return result;
	if (rmdir(links) < 0 && errno != ENOENT)
		return error_set(error, ERROR_KERNEL, "cannot remove '%s': %s", links, strerror(errno));
	(void)rmdir(pin_dir); /* stays where others have something in it, or where it is the mount itself */
	return 0;
}
