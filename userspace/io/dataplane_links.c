// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_links.c - the program on interfaces
 *
 * A pinned bpf_link holds the program on its device without any process; its program is replaced in place, so
 * that no packet goes by unfiltered. Nothing is ever detached to attach anew. A device that is gone leaves a
 * link with ifindex 0, and one in another network namespace a link whose ifindex means another device here,
 * or none: a link counts as ours here only where the kernel says that its program runs on that ifindex.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/choice.h"

static const char *const MODE_NAMES[] = {
	[ATTACH_AUTO] = "auto",
	[ATTACH_NATIVE] = "native",
	[ATTACH_GENERIC] = "generic",
};
_Static_assert(sizeof(MODE_NAMES) / sizeof(*MODE_NAMES) == ATTACH_MODE_MAX, "every mode has its name");

const char *attach_mode_name(enum attach_mode mode)
{
	return MODE_NAMES[mode];
}

int attach_mode_parse(const char *text, enum attach_mode *ret, struct ag_error *error)
{
	size_t index;
	int result = choice_parse("mode", MODE_NAMES, ATTACH_MODE_MAX, text, &index, error);

	if (result == 0)
		*ret = (enum attach_mode)index;
	return result;
}

/* What the kernel's bare numbers mean here; the text it has with them does not reach users of links. */
static const struct refusal {
	int number;
	const char *why;
} REFUSALS[] = {
	{EOPNOTSUPP, "its driver has no native XDP"},
	{ERANGE, "the MTU (of a veth: its peer's) is too large for its driver's XDP: lower it"},
	{EINVAL,
	 "its driver refuses XDP at this MTU, or with this many queues or these offloads: lower the MTU, or "
	 "the queues (ethtool -L)"},
	{ENOSPC, "it has too few receive queues (a veth needs as many as its peer has to send): set them "
		 "(ethtool -L)"},
	{ENOMEM, "its driver has not enough memory or queues for XDP"},
	{EPERM, "not allowed: run as root, or with CAP_NET_ADMIN and CAP_BPF"},
};

static const char *why_refused(int result)
{
	for (size_t i = 0; i < sizeof(REFUSALS) / sizeof(*REFUSALS); i++)
		if (REFUSALS[i].number == -result)
			return REFUSALS[i].why;
	return strerror(-result);
}

/* Program and mode on a device of this network namespace; program 0 for none. */
static int query(unsigned int ifindex, uint32_t *ret_program_id, enum attach_mode *ret_mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, about);
	int result = bpf_xdp_query((int)ifindex, 0, &about);

	if (result < 0)
		return result;
	*ret_mode = about.attach_mode == XDP_ATTACHED_SKB ? ATTACH_GENERIC : ATTACH_NATIVE;
	*ret_program_id = about.attach_mode == XDP_ATTACHED_MULTI ? about.drv_prog_id : about.prog_id;
	return 0;
}

static bool link_is_here(const struct pinned_link *link, enum attach_mode *ret_mode)
{
	uint32_t program_id = 0;

	return link->ifindex && query(link->ifindex, &program_id, ret_mode) == 0 &&
	       program_id == link->program_id;
}

/* False, and an info of zeros, where the kernel does not tell. */
static bool program_info(uint32_t id, struct bpf_prog_info *ret)
{
	__u32 size = sizeof(*ret);
	AUTO_FD int fd = id ? bpf_prog_get_fd_by_id(id) : -1;

	memset(ret, 0, sizeof(*ret));
	return fd >= 0 && bpf_obj_get_info_by_fd(fd, ret, &size) == 0;
}

void dataplane_program_name(uint32_t id, char name[DATAPLANE_PROGRAM_NAME])
{
	struct bpf_prog_info info;

	(void)program_info(id, &info); /* then it has no name */
	(void)snprintf(name, DATAPLANE_PROGRAM_NAME, "%s", info.name[0] ? info.name : "?");
}

/* Names the program that is in the way. */
static int foreign_error(const char *interface, unsigned int ifindex, struct ag_error *error)
{
	char name[DATAPLANE_PROGRAM_NAME], owner[40] = "";
	enum attach_mode mode = ATTACH_AUTO;
	struct bpf_prog_info info;
	uint32_t id = 0;

	if (query(ifindex, &id, &mode))
		id = 0;
	if (program_info(id, &info))
		(void)snprintf(owner, sizeof(owner), ", loaded by uid %u", info.created_by_uid); /* fits */
	dataplane_program_name(id, name);
	return error_set(
		error, ERROR_KERNEL,
		"%s: another XDP program is attached, '%s' (id %u, %s%s): remove it with the tool that "
		"attached it (ip link set dev %s xdp off, for one of ip's), then try again",
		interface, name, id, attach_mode_name(mode), owner, interface);
}

static int program_fd(const struct dataplane *dataplane)
{
	return bpf_program__fd(dataplane->skeleton->progs.ag_ingress);
}

static uint32_t program_id(const struct dataplane *dataplane)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(program_fd(dataplane), &info, &size) < 0 ? 0 : info.id;
}

static int create_link(const struct dataplane *dataplane, unsigned int ifindex, enum attach_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = mode == ATTACH_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);

	return bpf_link_create(program_fd(dataplane), (int)ifindex, BPF_XDP, &options);
}

static bool is_taken(int result)
{
	return result == -EBUSY || result == -EEXIST;
}

/* Auto tries native, then generic; ret->fallback says why. Returns the link's fd. */
static int create_link_or_fall_back(const struct dataplane *dataplane, enum attach_mode mode,
				    struct attachment *ret, struct ag_error *error)
{
	int fd = create_link(dataplane, ret->ifindex, mode);
	int native = fd;

	if (fd < 0 && mode == ATTACH_AUTO && !is_taken(fd)) {
		fd = create_link(dataplane, ret->ifindex, ATTACH_GENERIC);
		(void)snprintf(ret->fallback, sizeof(ret->fallback), "%s",
			       why_refused(native)); /* may be cut */
	}
	if (fd >= 0)
		return fd;
	if (is_taken(fd))
		return foreign_error(ret->name, ret->ifindex, error);
	return error_set(error, ERROR_KERNEL, "%s: cannot attach%s%s: %s%s", ret->name,
			 mode == ATTACH_AUTO ? "" : " in mode ",
			 mode == ATTACH_AUTO ? "" : attach_mode_name(mode), why_refused(fd),
			 mode == ATTACH_NATIVE ? "; mode generic does without" : "");
}

/* The link is the process's until it is pinned: a failure in between leaves the interface as it was. */
static int attach_fresh(const struct dataplane *dataplane, const char *path, enum attach_mode mode,
			struct attachment *ret, struct ag_error *error)
{
	AUTO_FD int fd = create_link_or_fall_back(dataplane, mode, ret, error);
	int result;

	if (fd < 0)
		return fd;
	result = bpf_obj_pin(fd, path);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "%s: cannot pin the link as '%s': %s", ret->name, path,
				 strerror(-result));
	return 0;
}

/* -ENOLINK: its device is gone. */
static int replace_program(const struct dataplane *dataplane, const struct pinned_link *link,
			   enum attach_mode mode, const struct attachment *attachment, struct ag_error *error)
{
	enum attach_mode in_force = ATTACH_AUTO;
	int result;

	if (!link->ifindex)
		return -ENOLINK;
	if (link->ifindex != attachment->ifindex || !link_is_here(link, &in_force))
		return error_set(
			error, ERROR_KERNEL,
			"%s: the pin '%s' is of a device in another network namespace: use another pin "
			"directory here",
			attachment->name, link->path);
	if (mode != ATTACH_AUTO && mode != in_force)
		return error_set(error, ERROR_EXISTS,
				 "%s is attached in mode %s, and changing that lets packets by for a moment: "
				 "to do so, "
				 "detach it first (interface detach %s)",
				 attachment->name, attach_mode_name(in_force), attachment->name);
	result = bpf_link_update(link->fd, program_fd(dataplane), NULL);
	if (result < 0 && result != -ENOLINK)
		return error_set(error, ERROR_KERNEL, "%s: cannot replace the program: %s", attachment->name,
				 why_refused(result));
	return result;
}

/* The number may come back on another device, and there is room for a few hundred only. */
static void forget_counters(const struct dataplane *dataplane, uint32_t ifindex)
{
	(void)bpf_map_delete_elem(dataplane_map_fd(dataplane->skeleton->maps.ag_interface_counters),
				  &ifindex); /* there may be none */
}

static int attach_pinned(struct dataplane *dataplane, const char *path, enum attach_mode mode,
			 struct attachment *attachment, struct ag_error *error)
{
	struct pinned_link link;
	int result = pinned_link_open(path, &link);

	if (result == -ENOENT)
		return attach_fresh(dataplane, path, mode, attachment, error);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot open the pin '%s': %s", path,
				 strerror(-result));
	result = replace_program(dataplane, &link, mode, attachment, error);
	(void)close(link.fd); /* the pin holds the link */
	if (result != -ENOLINK)
		return result;
	forget_counters(dataplane, attachment->ifindex);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(error, ERROR_KERNEL, "cannot remove the pin '%s': %s", path,
				 strerror(errno));
	return attach_fresh(dataplane, path, mode, attachment, error);
}

static int find_interface(const char *interface, struct attachment *ret, struct ag_error *error)
{
	*ret = (struct attachment){.ifindex = if_nametoindex(interface)};
	if (!ret->ifindex)
		return error_set(error, ERROR_NOT_FOUND,
				 "there is no interface '%s': ip link shows those there are", interface);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", interface); /* the kernel knows it, so it fits */
	return 0;
}

int dataplane_attach(struct dataplane *dataplane, const char *interface, enum attach_mode mode,
		     struct attachment *ret, struct ag_error *error)
{
	AUTO_FREE char *path = NULL;
	struct attachment attachment;
	uint32_t attached = 0;
	int result = find_interface(interface, &attachment, error);

	if (result < 0)
		return result;
	path = pins_link_path(dataplane->pin_dir, attachment.ifindex);
	if (!path)
		return dataplane_no_memory(error);
	/* the answers' program first, so that no visitor is handed to a server whose answers nobody mends */
	result = dataplane->actions.egress ? egress_attach(dataplane, attachment.ifindex, error) : 0;
	if (result == 0)
		result = attach_pinned(dataplane, path, mode, &attachment, error);
	if (result < 0)
		return result;
	result = query(attachment.ifindex, &attached, &attachment.mode);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "%s: attached, but its mode is not known: %s",
				 interface, strerror(-result));
	*ret = attachment;
	return 0;
}

int dataplane_detach(struct dataplane *dataplane, const char *interface, struct ag_error *error)
{
	AUTO_FREE char *path = NULL;
	AUTO_FD int fd = -1;
	struct attachment attachment;
	struct pinned_link link;
	int result = find_interface(interface, &attachment, error);

	if (result < 0)
		return result;
	path = pins_link_path(dataplane->pin_dir, attachment.ifindex);
	if (!path)
		return dataplane_no_memory(error);
	result = pinned_link_open(path, &link);
	if (result == 0)
		fd = link.fd;
	if (result == -ENOENT || (result == 0 && !link_is_here(&link, &attachment.mode)))
		return error_set(error, ERROR_NOT_FOUND, "nothing of allowgate is attached to %s", interface);
	if (result == 0)
		result = bpf_link_detach(fd);
	if (result == 0 && unlink(path) < 0)
		result = -errno;
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "%s: cannot detach: %s", interface, strerror(-result));
	(void)egress_detach(dataplane->pin_dir, attachment.ifindex); /* without flows it does nothing */
	forget_counters(dataplane, attachment.ifindex);
	return 0;
}

struct adoption {
	struct dataplane *dataplane;
	size_t updated;
	int failed; /* the first refusal; the other links are gone through all the same */
	unsigned int failed_ifindex;
};

static uint32_t pinned_ifindex(const struct pinned_link *link)
{
	return (uint32_t)strtoul(strrchr(link->path, '/') + 1, NULL, 10);
}

static int adopt_link(const struct pinned_link *link, void *arg)
{
	struct adoption *adoption = arg;
	int result = link->ifindex ? bpf_link_update(link->fd, program_fd(adoption->dataplane), NULL)
				   : -ENOLINK;

	if (result == -ENOLINK) {
		forget_counters(adoption->dataplane, pinned_ifindex(link));
		result = unlink(link->path) < 0 && errno != ENOENT ? -errno : 0;
	} else if (result == 0) {
		adoption->updated++;
	}
	if (result < 0 && !adoption->failed) {
		adoption->failed = result;
		adoption->failed_ifindex = link->ifindex;
	}
	return 0;
}

int dataplane_adopt_links(struct dataplane *dataplane, size_t *ret_count, struct ag_error *error)
{
	struct adoption adoption = {.dataplane = dataplane};
	int result = pinned_links_each(dataplane->pin_dir, adopt_link, &adoption);

	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot read the links pinned in '%s/links': %s",
				 dataplane->pin_dir, strerror(-result));
	if (adoption.failed)
		return error_set(error, ERROR_KERNEL,
				 "interface %u keeps the program of an earlier version, as the kernel "
				 "refuses this one: %s",
				 adoption.failed_ifindex, why_refused(adoption.failed));
	*ret_count = adoption.updated;
	return 0;
}

struct collection {
	struct attachment *attachments;
	size_t count;
};

static int collect_link(const struct pinned_link *link, void *arg)
{
	struct collection *collection = arg;
	struct attachment attachment = {.ifindex = link->ifindex};
	struct attachment *grown;

	if (!link_is_here(link, &attachment.mode) || !if_indextoname(link->ifindex, attachment.name))
		return 0;
	grown = realloc(collection->attachments, (collection->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[collection->count++] = attachment;
	collection->attachments = grown;
	return 0;
}

int dataplane_attachments(struct dataplane *dataplane, struct attachment **ret, size_t *ret_count,
			  struct ag_error *error)
{
	struct collection collection = {0};
	int result = pinned_links_each(dataplane->pin_dir, collect_link, &collection);

	if (result < 0) {
		free(collection.attachments);
		return error_set(error, ERROR_KERNEL, "cannot read the links pinned in '%s/links': %s",
				 dataplane->pin_dir, strerror(-result));
	}
	*ret = collection.attachments;
	*ret_count = collection.count;
	return 0;
}

static int is_of_another_program(const struct pinned_link *link, void *arg)
{
	return link->ifindex && link->program_id != *(const uint32_t *)arg;
}

void dataplane_drop_old_maps(struct dataplane *dataplane)
{
	char keep[PINS_NAME_MAX];
	uint32_t ours = program_id(dataplane);

	if (!ours || pinned_links_each(dataplane->pin_dir, is_of_another_program, &ours) != 0)
		return;
	pins_maps_name(&dataplane->limits, keep);
	(void)pins_remove_maps(dataplane->pin_dir, keep,
			       NULL); /* what is left is tried again the next time */
}
