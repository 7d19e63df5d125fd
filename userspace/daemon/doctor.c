// SPDX-License-Identifier: GPL-2.0-only
/*
 * doctor.c - the facts of the host and its interfaces
 *
 * The unit's sandbox may refuse a question (the clock's): then there is no fact, and nothing is said of it.
 */
#include "userspace/daemon/doctor.h"

#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/interfaces.h"
#include "userspace/io/ethtool.h"
#include "userspace/io/netdev.h"
#include "userspace/io/rtnl_links.h"

#define TIMESYNCD_SAYS "/run/systemd/timesync/synchronized"

/* --- the host ---------------------------------------------------------------------- */

static uint64_t own_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &header, data) < 0)
		return UINT64_MAX;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

static void examine_pins(const char *pin_dir, struct doctor_host *host)
{
	struct statfs about;

	host->pin_dir = pin_dir;
	host->pins_on_bpffs = statfs(pin_dir, &about) == 0 && (uint64_t)about.f_type == BPF_FS_MAGIC;
	host->pins_writable = access(pin_dir, W_OK) == 0;
}

/* Of the file's system, or, where there is no file, of its directory's. */
static void examine_disk(const char *store, struct doctor_host *host)
{
	char directory[4096];
	struct statvfs about;
	char *slash;

	(void)snprintf(directory, sizeof(directory), "%s", store);
	slash = strrchr(directory, '/');
	if (slash)
		slash[slash == directory] = '\0';
	host->has_free = statvfs(store, &about) == 0 || statvfs(slash ? directory : ".", &about) == 0;
	if (host->has_free)
		host->free_bytes = (uint64_t)about.f_bavail * about.f_frsize;
}

static void examine_clock(struct doctor_host *host)
{
	struct timex now = {0};
	int state = adjtimex(&now);

	host->has_clock = state >= 0;
	host->clock_synchronised = state != TIME_ERROR && !(now.status & STA_UNSYNC);
	if (state < 0 && access(TIMESYNCD_SAYS, F_OK) == 0)
		host->has_clock = host->clock_synchronised = true;
}

/* Who connects and asks nothing is not answered, and does no harm. */
static bool listens(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return false;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static void examine_host(struct gate *gate, const struct dataplane_features *features,
			 struct doctor_report *report)
{
	const char *origin = gate->options->origin_socket;
	struct doctor_host host = {
		.frags = features->frags,
		.tcx = features->tcx,
		.trie_batches = features->trie_batches,
		.outer_batches = features->outer_batches,
		.capabilities = own_capabilities(),
		.store = gate->options->store,
		.reason = gate->reason,
		.origin_socket = strcmp(origin, "off") ? origin : "",
		.compared = gate->verified,
		.drift = gate->drift,
		.panics = gate->panics,
	};
	struct utsname names;

	(void)uname(&names); /* fails for a bad pointer alone */
	(void)snprintf(host.kernel, sizeof(host.kernel), "%.64s", names.release);
	examine_pins(gate->options->pin_dir, &host);
	examine_disk(gate->options->store, &host);
	examine_clock(&host);
	host.origin_answers = host.origin_socket[0] && listens(host.origin_socket);
	doctor_host(&host, report);
}

/* --- interfaces -------------------------------------------------------------------- */

struct links {
	struct rtnl_interface *interfaces;
	size_t count;
	struct attachment *attachments;
	size_t attachment_count;
};

static void links_clear(struct links *links)
{
	free(links->interfaces);
	free(links->attachments);
}

static const struct rtnl_interface *find_link(const struct links *links, const char *name,
					      unsigned int ifindex)
{
	for (size_t i = 0; i < links->count; i++)
		if (name ? !strcmp(links->interfaces[i].name, name) : links->interfaces[i].ifindex == ifindex)
			return &links->interfaces[i];
	return NULL;
}

static void examine_driver(const char *name, struct doctor_interface *ret)
{
	struct ethtool_facts facts;

	if (ethtool_read(name, &facts) < 0)
		return;
	(void)snprintf(ret->driver, sizeof(ret->driver), "%s", facts.driver);
	(void)snprintf(ret->version, sizeof(ret->version), "%s", facts.version);
	ret->rx_queues = facts.rx_queues;
	ret->channels = facts.channels;
	ret->channels_max = facts.channels_max;
}

/* Where the other end sends from is only to be told where it is in this network namespace. */
static void examine_peer(const struct links *links, const struct rtnl_interface *link,
			 struct doctor_interface *ret)
{
	const struct rtnl_interface *peer = link->peer_netns < 0 ? find_link(links, NULL, link->peer) : NULL;
	struct ethtool_facts facts;

	if (strcmp(ret->driver, "veth") != 0)
		return;
	ret->peer_mtu = rtnl_peer_mtu(link);
	if (peer && ethtool_read(peer->name, &facts) == 0)
		ret->peer_tx_queues = facts.tx_queues;
}

static void examine_program(const struct links *links, const struct rtnl_interface *link,
			    struct doctor_interface *ret)
{
	for (size_t i = 0; i < links->attachment_count; i++) {
		if (links->attachments[i].ifindex != link->ifindex)
			continue;
		ret->program = links->attachments[i].mode == ATTACH_GENERIC ? DOCTOR_PROGRAM_GENERIC
									    : DOCTOR_PROGRAM_NATIVE;
		return;
	}
	if (!link->program_id)
		return;
	ret->program = DOCTOR_PROGRAM_FOREIGN;
	ret->program_id = link->program_id;
	dataplane_program_name(link->program_id, ret->program_name);
}

static void examine_wanted(const struct gate *gate, const char *name, struct doctor_interface *ret)
{
	for (size_t i = 0; i < gate->wanted_count; i++) {
		if (strcmp(gate->wanted[i].name, name) != 0)
			continue;
		ret->wanted = true;
		ret->needs_native = gate->wanted[i].mode == ATTACH_NATIVE;
	}
}

static void examine_interface(const struct gate *gate, const struct links *links, const char *name,
			      const struct dataplane_features *features, struct doctor_report *report)
{
	const struct rtnl_interface *link = find_link(links, name, 0);
	long processors = sysconf(_SC_NPROCESSORS_CONF);
	struct doctor_interface interface = {.there = link != NULL,
					     .kernel_frags = features->frags,
					     .processors = processors > 0 ? (uint32_t)processors : 0};

	(void)snprintf(interface.name, sizeof(interface.name), "%s", name);
	examine_wanted(gate, name, &interface);
	if (link) {
		interface.up = link->up;
		interface.mtu = link->mtu;
		examine_driver(name, &interface);
		examine_peer(links, link, &interface);
		examine_program(links, link, &interface);
		interface.has_features = netdev_xdp_features(link->ifindex, &interface.features);
	}
	doctor_interface(&interface, report);
}

/* Those that are wanted first, as not all may have room. */
static void examine_all(const struct gate *gate, const struct links *links,
			const struct dataplane_features *features, struct doctor_report *report)
{
	size_t done = 0;

	for (size_t i = 0; i < gate->wanted_count && done < DOCTOR_INTERFACES_MAX; i++, done++)
		examine_interface(gate, links, gate->wanted[i].name, features, report);
	for (size_t i = 0; i < links->count && done < DOCTOR_INTERFACES_MAX; i++) {
		const struct rtnl_interface *link = &links->interfaces[i];

		if (link->loopback || interfaces_wanted(gate, link->name))
			continue;
		examine_interface(gate, links, link->name, features, report);
		done++;
	}
}

int doctor_examine(struct gate *gate, const char *interface, struct doctor_report *ret,
		   struct ag_error *error)
{
	CLEANUP(links_clear) struct links links = {0};
	struct dataplane_features features;
	int err = rtnl_interfaces(&links.interfaces, &links.count, error);

	if (!err)
		err = dataplane_attachments(gate->dataplane, &links.attachments, &links.attachment_count,
					    error);
	if (err)
		return err;
	dataplane_features(&features);
	examine_host(gate, &features, ret);
	if (interface)
		examine_interface(gate, &links, interface, &features, ret);
	else
		examine_all(gate, &links, &features, ret);
	return ret->cut ? error_set(error, ERROR_STORE, "no memory for the findings") : 0;
}
