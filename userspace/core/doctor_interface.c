// SPDX-License-Identifier: GPL-2.0-only
/*
 * doctor_interface.c - what is said of an interface: driver, MTU, queues, programs
 *
 * Where native XDP is refused, `auto` attaches in generic mode, which is a warning; it is a failure only
 * where native was asked for.
 */
#include "userspace/core/doctor_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without frames in several buffers a frame must fit into a page beside what XDP needs of it. */
#define MTU_ONE_BUFFER 3498

struct driver {
	const char *name;
	bool native;
	bool frags;   /* where the kernel does not say: takes frames in several buffers */
	bool flaps;   /* the first attach and the last detach take the link down and up */
	uint32_t mtu; /* that it takes without; 0: some 3,500 */
};

static const struct driver DRIVERS[] = {
	{"ena", true, false, true, 3498},
	{"veth", true, true, false, 0},
	{"virtio_net", true, true, false, 0},
	{"mlx5_core", true, true, true, 0},
	{"mlx4_en", true, false, true, 0},
	{"i40e", true, true, true, 3046},
	{"ice", true, true, true, 3046},
	{"ixgbe", true, false, true, 3050},
	{"ixgbevf", true, false, true, 3050},
	{"igb", true, false, true, 3050},
	{"igc", true, false, true, 1500},
	{"bnxt_en", true, true, true, 0},
	{"gve", true, false, true, 2032},
	{"hv_netvsc", true, false, true, 0},
	{"tun", true, false, false, 0},
	{"e1000", false, false, false, 0},
	{"e1000e", false, false, false, 0},
	{"iavf", false, false, false, 0},
	{"igbvf", false, false, false, 0},
	{"r8169", false, false, false, 0},
	{"tg3", false, false, false, 0},
	{"bnx2x", false, false, false, 0},
	{"bridge", false, false, false, 0},
	{"dummy", false, false, false, 0},
	{"802.1Q VLAN Support", false, false, false, 0},
};

static const struct driver *find_driver(const char *name)
{
	for (size_t i = 0; i < sizeof(DRIVERS) / sizeof(*DRIVERS); i++)
		if (!strcmp(DRIVERS[i].name, name))
			return &DRIVERS[i];
	return NULL;
}

static bool is_driver(const struct doctor_interface *interface, const char *name)
{
	return !strcmp(interface->driver, name);
}

/* What keeps native XDP away. */
static enum doctor_state refused(const struct doctor_interface *interface)
{
	return interface->needs_native ? DOCTOR_FAIL : DOCTOR_WARN;
}

/* --- driver ---------------------------------------------------------------------- */

static void check_driver(const struct doctor_interface *interface, const struct driver *driver,
			 struct doctor_report *report)
{
	const char *name = interface->driver[0] ? interface->driver : "unknown";
	bool refuses = interface->has_features && !(interface->features & DOCTOR_XDP_BASIC);
	bool known = driver || interface->has_features;

	if (!known)
		doctor_say(report, "driver", interface->name, DOCTOR_WARN,
			   "attach and see the mode (allowgate interface list): auto falls back to generic, "
			   "which works with every driver and is slower",
			   "of the driver %s nothing is known here", name);
	else if (driver && driver->native && refuses)
		doctor_say(report, "driver", interface->name, refused(interface),
			   "see queues and MTU below, and offloads that keep a frame from being one packet "
			   "(ethtool -k: lro, rx-gro-hw)",
			   "%s has native XDP, and refuses it as the interface is configured", name);
	else if (refuses || (driver && !driver->native && !interface->has_features))
		doctor_say(report, "driver", interface->name, refused(interface),
			   "attach in mode auto or generic: slower, and otherwise the same",
			   "%s has no native XDP", name);
	else
		doctor_say(report, "driver", interface->name, DOCTOR_OK, "", "%s%s%s has native XDP%s", name,
			   interface->version[0] ? " " : "", interface->version,
			   driver && driver->flaps ? "; the first attach and the last detach take the link "
						     "down and up for a moment"
						   : "");
}

/* --- MTU -------------------------------------------------------------------------- */

static bool takes_frags(const struct doctor_interface *interface, const struct driver *driver)
{
	if (!interface->kernel_frags)
		return false;
	if (interface->has_features && interface->features & DOCTOR_XDP_BASIC)
		return interface->features & DOCTOR_XDP_RX_FRAGS;
	return driver && driver->frags;
}

static void check_mtu(const struct doctor_interface *interface, const struct driver *driver,
		      struct doctor_report *report)
{
	uint32_t limit = driver && driver->mtu ? driver->mtu : MTU_ONE_BUFFER;
	uint32_t mtu = interface->peer_mtu ? interface->peer_mtu : interface->mtu;
	const char *whose = interface->peer_mtu ? " at its other end, which is what counts" : "";
	char advice[384];

	if (!mtu)
		return;
	if (takes_frags(interface, driver) || mtu <= limit) {
		doctor_say(report, "mtu", interface->name, DOCTOR_OK, "", "%u%s", mtu, whose);
		return;
	}
	(void)snprintf(
		advice, sizeof(advice), "lower it%s: ip link set dev %s mtu %u; or attach in mode generic",
		interface->peer_mtu ? " there" : "", interface->peer_mtu ? "PEER" : interface->name, limit);
	doctor_say(report, "mtu", interface->name, refused(interface), advice,
		   "%u%s: above %u native XDP needs frames in several buffers, which %s has not", mtu, whose,
		   limit, interface->kernel_frags ? "the driver" : "this kernel");
}

/* --- queues ------------------------------------------------------------------------ */

/* "2.17.0g": Amazon's own driver, from that version on. The kernel's has the kernel's version. */
static bool is_amazons(const char *version, unsigned long major, unsigned long minor)
{
	size_t length = strlen(version);
	char *end;
	unsigned long has;

	if (!length || version[length - 1] != 'g' || !isdigit((unsigned char)version[0]))
		return false;
	has = strtoul(version, &end, 10);
	if (has != major || *end != '.')
		return has > major;
	return strtoul(end + 1, NULL, 10) >= minor;
}

static void check_ena(const struct doctor_interface *interface, struct doctor_report *report)
{
	char advice[384] = "take an instance with more queues, or attach in mode generic";

	if (interface->channels_max < 2) {
		doctor_say(report, "queues", interface->name, refused(interface), advice,
			   "one queue in all: native XDP needs a second one");
		return;
	}
	if (2 * interface->channels <= interface->channels_max || is_amazons(interface->version, 2, 17)) {
		doctor_say(report, "queues", interface->name, DOCTOR_OK, "", "%u of %u", interface->channels,
			   interface->channels_max);
		return;
	}
	(void)snprintf(advice, sizeof(advice),
		       "ethtool -L %s combined %u; Amazon's driver 2.17 and later do without",
		       interface->name, interface->channels_max / 2);
	doctor_say(report, "queues", interface->name, refused(interface), advice,
		   "%u of %u in use: native XDP needs as many again", interface->channels,
		   interface->channels_max);
}

static void check_veth(const struct doctor_interface *interface, struct doctor_report *report)
{
	char advice[384];

	if (!interface->peer_tx_queues || interface->rx_queues >= interface->peer_tx_queues) {
		doctor_say(report, "queues", interface->name, DOCTOR_OK, "", "%u to receive on",
			   interface->rx_queues);
		return;
	}
	(void)snprintf(advice, sizeof(advice),
		       "ethtool -L %s rx %u (made with numrxqueues of as many), or fewer at the other end",
		       interface->name, interface->peer_tx_queues);
	doctor_say(report, "queues", interface->name, refused(interface), advice,
		   "%u to receive on, where its other end sends on %u", interface->rx_queues,
		   interface->peer_tx_queues);
}

static void check_virtio(const struct doctor_interface *interface, struct doctor_report *report)
{
	bool enough = interface->channels + interface->processors <= interface->channels_max;
	char advice[384];

	(void)snprintf(advice, sizeof(advice),
		       "give the guest %u queues (queues= of its device), or use fewer: ethtool -L",
		       interface->channels + interface->processors);
	doctor_say(report, "queues", interface->name, enough ? DOCTOR_OK : DOCTOR_WARN, enough ? "" : advice,
		   enough ? "%u of %u, enough for %u processors to send on besides"
			  : "%u of %u, too few for %u processors to send on besides: reject and redirect "
			    "wait for one another",
		   interface->channels, interface->channels_max, interface->processors);
}

static void check_queues(const struct doctor_interface *interface, struct doctor_report *report)
{
	if (is_driver(interface, "veth") && interface->rx_queues)
		check_veth(interface, report);
	else if (is_driver(interface, "ena") && interface->channels)
		check_ena(interface, report);
	else if (is_driver(interface, "virtio_net") && interface->channels)
		check_virtio(interface, report);
	else if (interface->channels)
		doctor_say(report, "queues", interface->name, DOCTOR_OK, "", "%u of %u", interface->channels,
			   interface->channels_max);
}

/* --- programs ----------------------------------------------------------------------- */

static void check_program(const struct doctor_interface *interface, struct doctor_report *report)
{
	char advice[384];

	switch (interface->program) {
	case DOCTOR_PROGRAM_FOREIGN:
		(void)snprintf(
			advice, sizeof(advice),
			"remove it with the tool that attached it (ip link set dev %s xdp off, for one of "
			"ip's): it is never replaced",
			interface->name);
		doctor_say(report, "program", interface->name, DOCTOR_FAIL, advice,
			   "another XDP program is attached, '%s' (id %u)", interface->program_name,
			   interface->program_id);
		break;
	case DOCTOR_PROGRAM_GENERIC:
		doctor_say(report, "program", interface->name, DOCTOR_OK, "", "attached, in generic mode");
		break;
	case DOCTOR_PROGRAM_NATIVE:
		doctor_say(report, "program", interface->name, DOCTOR_OK, "", "attached, in native mode");
		break;
	default:
		doctor_say(report, "program", interface->name, interface->wanted ? DOCTOR_FAIL : DOCTOR_OK,
			   interface->wanted ? "see the log for why, then: allowgate interface attach" : "",
			   "no XDP program is attached%s",
			   interface->wanted ? ", though it is configured: nothing is filtered there" : "");
	}
}

void doctor_interface(const struct doctor_interface *interface, struct doctor_report *report)
{
	const struct driver *driver = find_driver(interface->driver);

	if (!interface->there) {
		doctor_say(report, "link", interface->name, DOCTOR_FAIL,
			   "ip link shows those there are; it is attached to when it appears",
			   "there is no such interface");
		return;
	}
	doctor_say(report, "link", interface->name, interface->up ? DOCTOR_OK : DOCTOR_WARN,
		   interface->up ? "" : "ip link set dev IFACE up", "%s", interface->up ? "up" : "down");
	check_driver(interface, driver, report);
	check_mtu(interface, driver, report);
	check_queues(interface, report);
	check_program(interface, report);
}
