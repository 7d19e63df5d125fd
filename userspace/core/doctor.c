// SPDX-License-Identifier: GPL-2.0-only
/*
 * doctor.c - findings, and what is said of the host; interfaces are in doctor_interface.c
 */
#include "userspace/core/doctor_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A store that is full refuses changes: some room for what comes and for its log. */
#define FREE_WARN (UINT64_C(256) << 20)
#define FREE_FAIL (UINT64_C(16) << 20)

static const char *const STATE_NAMES[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};
_Static_assert(sizeof(STATE_NAMES) / sizeof(*STATE_NAMES) == DOCTOR_STATE_MAX, "every state has its name");

const char *doctor_state_name(enum doctor_state state)
{
	return STATE_NAMES[state];
}

static struct doctor_finding *add(struct doctor_report *report)
{
	struct doctor_finding *grown;

	if (report->count == DOCTOR_FINDINGS_MAX)
		return NULL;
	grown = realloc(report->findings, (report->count + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	report->findings = grown;
	grown += report->count++;
	*grown = (struct doctor_finding){0};
	return grown;
}

void doctor_say(struct doctor_report *report, const char *check, const char *interface,
		enum doctor_state state, const char *advice, const char *format, ...)
{
	struct doctor_finding *finding = add(report);
	va_list arguments;

	if (!finding) {
		report->cut = true;
		return;
	}
	finding->check = check;
	finding->state = state;
	(void)snprintf(finding->interface, sizeof(finding->interface), "%s", interface);
	(void)snprintf(finding->advice, sizeof(finding->advice), "%s", advice);
	va_start(arguments, format);
	(void)vsnprintf(finding->detail, sizeof(finding->detail), format, arguments);
	va_end(arguments);
}

static void check_kernel(const struct doctor_host *host, struct doctor_report *report)
{
	bool all = host->frags && host->tcx && host->trie_batches && host->outer_batches;

	doctor_say(report, "kernel", "", host->frags ? DOCTOR_OK : DOCTOR_WARN,
		   host->frags ? ""
			       : "at an MTU above some 3,500, lower the MTU or attach in generic mode; Linux "
				 "5.18 and later have it",
		   "Linux %s%s%s%s%s%s", host->kernel, all ? ": has all that is made use of" : " lacks",
		   host->frags ? "" : " frames in several buffers (5.18),",
		   host->tcx ? "" : " tcx links (6.6), for which clsact does,",
		   host->trie_batches ? "" : " reading long lists in batches (5.13),",
		   host->outer_batches ? "" : " publishing long lists in batches (5.19)");
}

static void check_pins(const struct doctor_host *host, struct doctor_report *report)
{
	if (!host->pins_on_bpffs)
		doctor_say(report, "bpffs", "", DOCTOR_FAIL, "mount one: mount -t bpf bpf /sys/fs/bpf",
			   "%s is on no bpf file system", host->pin_dir);
	else if (!host->pins_writable)
		doctor_say(
			report, "bpffs", "", DOCTOR_FAIL,
			"name it in ReadWritePaths= of the unit: ProtectKernelTunables= makes it read-only",
			"%s cannot be written", host->pin_dir);
	else
		doctor_say(report, "bpffs", "", DOCTOR_OK, "", "%s is on a bpf file system, and writable",
			   host->pin_dir);
}

/* By their numbers in linux/capability.h. */
static void check_rights(const struct doctor_host *host, struct doctor_report *report)
{
	static const struct {
		unsigned int number;
		const char *name;
	} needed[] = {{12, "CAP_NET_ADMIN"}, {21, "CAP_SYS_ADMIN"}, {38, "CAP_PERFMON"}, {39, "CAP_BPF"}};
	char missing[128] = "";

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		size_t used = strlen(missing);

		if (!(host->capabilities >> needed[i].number & 1))
			(void)snprintf(missing + used, sizeof(missing) - used, " %s", needed[i].name);
	}
	if (missing[0])
		doctor_say(report, "rights", "", DOCTOR_FAIL,
			   "run it by its unit, or as root: see AmbientCapabilities= there",
			   "the daemon lacks%s", missing);
	else
		doctor_say(report, "rights", "", DOCTOR_OK, "",
			   "the daemon has the capabilities that it needs");
}

static void check_store(const struct doctor_host *host, struct doctor_report *report)
{
	unsigned long long mib = host->free_bytes >> 20;
	enum doctor_state state = host->free_bytes < FREE_FAIL	 ? DOCTOR_FAIL
				  : host->free_bytes < FREE_WARN ? DOCTOR_WARN
								 : DOCTOR_OK;

	if (host->reason[0])
		doctor_say(report, "store", "", DOCTOR_FAIL,
			   "until then changes are refused, and the kernel keeps what it enforces", "%s",
			   host->reason);
	else
		doctor_say(report, "store", "", DOCTOR_OK, "", "%s is in use", host->store);
	if (host->has_free)
		doctor_say(report, "disk", "", state,
			   state == DOCTOR_OK ? "" : "make room: with a full disk every change is refused",
			   "%llu MiB are free where the store is", mib);
}

static void check_clock(const struct doctor_host *host, struct doctor_report *report)
{
	if (host->has_clock)
		doctor_say(report, "clock", "", host->clock_synchronised ? DOCTOR_OK : DOCTOR_WARN,
			   host->clock_synchronised ? ""
						    : "entries expire by it: run a time service (timedatectl "
						      "set-ntp true)",
			   "the clock is %ssynchronised", host->clock_synchronised ? "" : "not ");
}

static void check_origin(const struct doctor_host *host, struct doctor_report *report)
{
	if (!host->origin_socket[0])
		doctor_say(report, "origin", "", DOCTOR_WARN,
			   "set origin_socket, unless all changes come from delegates",
			   "nobody is asked where admins are connected from");
	else if (!host->origin_answers)
		doctor_say(report, "origin", "", DOCTOR_WARN,
			   "start it: systemctl enable --now allowgate-origin.socket",
			   "allowgate-origin does not run (%s): the origin of who works over SSH is unknown",
			   host->origin_socket);
	else
		doctor_say(report, "origin", "", DOCTOR_OK, "", "allowgate-origin answers");
}

static void check_policy(const struct doctor_host *host, struct doctor_report *report)
{
	if (host->compared)
		doctor_say(report, "drift", "", host->drift ? DOCTOR_FAIL : DOCTOR_OK,
			   host->drift ? "bring the kernel in line: allowgate reload" : "",
			   "kernel and store differ in %zu elements", host->drift);
	if (host->panics)
		doctor_say(report, "panic", "", DOCTOR_WARN, "when it is over: allowgate panic --off",
			   "everything passes, whatever the policy says");
	doctor_say(report, "notice", "", DOCTOR_OK, "", "answers of notice servers leave by %s",
		   host->tcx ? "tcx" : "a clsact filter");
}

void doctor_host(const struct doctor_host *host, struct doctor_report *report)
{
	check_kernel(host, report);
	check_pins(host, report);
	check_rights(host, report);
	check_store(host, report);
	check_clock(host, report);
	check_origin(host, report);
	check_policy(host, report);
}
