// SPDX-License-Identifier: GPL-2.0-only
/*
 * watch.c - from the kernel's reports to stopped packets of accounts
 *
 * A report names a slot. Before a slot can be somebody else's, what was reported of it is taken.
 */
#include "userspace/daemon/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "userspace/core/error.h"
#include "userspace/io/log.h"
#include "userspace/io/loop.h"

#define TRUNCATED4 24
#define TRUNCATED6 48

struct watch {
	struct gate *gate;
	struct denied *denied; /* NULL: off */
	struct events *events;
	int64_t boot_ns; /* the wall clock's time of CLOCK_BOOTTIME 0, when last looked at */
	bool reported;	 /* by the kernel, as it was told last */
	bool failing;	 /* which was logged */
};

/* --- from a report to a packet ------------------------------------------------- */

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now); /* cannot fail for these clocks */
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct prefix source_of(const struct watch *watch, const struct addr *addr)
{
	uint8_t len = addr_bits(addr);

	if (watch->gate->options->denied == DENIED_TRUNCATED)
		len = addr->family == AG_FAMILY_IPV4 ? TRUNCATED4 : TRUNCATED6;
	return prefix_of(addr, len);
}

static struct service service_of(const struct ag_sighting *sighting)
{
	struct addr dest = addr_make(sighting->family, sighting->dest);

	return (struct service){
		.dest = prefix_of(&dest, addr_bits(&dest)),
		.port = ntohs(sighting->port_be),
		.proto = service_proto_name(sighting->proto) ? sighting->proto : AG_PROTO_ANY,
	};
}

static bool makes_sense(const struct ag_sighting *sighting)
{
	return (sighting->family == AG_FAMILY_IPV4 || sighting->family == AG_FAMILY_IPV6) &&
	       (sighting->verdict == AG_VERDICT_DENIED || sighting->verdict == AG_VERDICT_REJECTED ||
		sighting->verdict == AG_VERDICT_REDIRECTED || sighting->verdict == AG_VERDICT_WOULD_DENY);
}

static void miss(struct watch *watch, uint64_t count)
{
	watch->gate->denied_unreported += count;
	if (watch->denied)
		denied_miss(watch->denied, count);
	events_miss(watch->events, count);
}

/* What is not understood, or of an account that went, counts as not reported. */
static int take(const struct ag_sighting *sighting, void *arg)
{
	struct watch *watch = arg;
	const struct account *account = summary_slot(&watch->gate->summary, sighting->slot);
	bool known = account && makes_sense(sighting);
	struct stopped stopped = {.account = account, .bytes = sighting->bytes};
	struct addr source;

	if (sighting->missed || !known)
		miss(watch, (uint64_t)sighting->missed + !known);
	if (!known)
		return 0;
	source = addr_make(sighting->family, sighting->source);
	stopped.time = (watch->boot_ns + (int64_t)sighting->boot_ns) / 1000000000;
	stopped.source = source_of(watch, &source);
	stopped.service = service_of(sighting);
	stopped.verdict = sighting->verdict;
	if (watch->denied)
		denied_note(watch->denied, &stopped);
	events_stopped(watch->events, &stopped);
	return 0;
}

void watch_drain(struct watch *watch)
{
	struct ag_error why = {0};
	int err;

	watch->boot_ns = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_BOOTTIME);
	err = dataplane_sightings(watch->gate->dataplane, take, watch, &why);
	if (err && !watch->failing)
		log_warning("cannot read which packets were stopped: %s", why.message);
	watch->failing = err;
}

/* --- when ---------------------------------------------------------------------- */

static void tell_kernel(struct watch *watch)
{
	bool wanted = watch->denied || events_followers(watch->events);

	if (wanted != watch->reported)
		dataplane_set_watch(watch->gate->dataplane, wanted);
	watch->reported = wanted;
}

static void tick(void *arg)
{
	struct watch *watch = arg;

	events_begin(watch->events);
	watch_drain(watch);
	events_flush(watch->events);
	tell_kernel(watch);
}

int watch_new(struct gate *gate, struct loop *loop, struct watch **ret)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int err;

	if (!watch)
		return -ENOMEM;
	watch->gate = gate;
	err = events_new(gate, &watch->events);
	if (!err && gate->options->denied != DENIED_OFF)
		err = denied_new(DENIED_ACCOUNT_ROWS, DENIED_ROWS, &watch->denied);
	if (!err)
		err = loop_add_timer(loop, EVENTS_TICK_MS, tick, watch);
	if (err) {
		watch_free(watch);
		return err;
	}
	watch->reported = watch->denied != NULL;
	dataplane_set_watch(gate->dataplane, watch->reported); /* whatever it was told before */
	gate->watch = watch;
	*ret = watch;
	return 0;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->reported)
		dataplane_set_watch(watch->gate->dataplane, false);
	watch->gate->watch = NULL;
	events_free(watch->events);
	denied_free(watch->denied);
	free(watch);
}

/* --- for others ---------------------------------------------------------------- */

const struct denied *watch_denied(const struct watch *watch)
{
	return watch->denied;
}

int watch_follow(struct watch *watch, const struct httpd_request *request, const struct actor *actor,
		 const struct account *account, struct ag_error *error)
{
	int err = events_follow(watch->events, request, actor, account, error);

	if (!err)
		tell_kernel(watch);
	return err;
}

void watch_forget(struct watch *watch, uint32_t slot)
{
	if (!watch)
		return;
	watch_drain(watch);
	if (watch->denied)
		denied_forget(watch->denied, slot);
}

void watch_change(struct watch *watch, const struct event_change *change)
{
	if (watch)
		events_change(watch->events, change);
}
