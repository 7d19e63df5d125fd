// SPDX-License-Identifier: GPL-2.0-only
/*
 * seen.c - harvests, in slices of the loop's idle time
 *
 * What the kernel holds is marked with the newest minute alone, so a pass over everything finds again what is
 * in the store already: all that is older than the pass before it is left out.
 */
#include "userspace/daemon/seen.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/core/epoch.h"
#include "userspace/core/error.h"
#include "userspace/core/reference.h"
#include "userspace/io/log.h"
#include "userspace/io/loop.h"

#define SEEN_INTERVAL_MS (UINT64_C(5) * 60 * 1000)
#define ROWS_AT_ONCE	 1000 /* some milliseconds of the store's time */

struct seen {
	struct gate *gate;
	struct loop_idle *idle;
	struct dataplane_harvest *harvest; /* NULL: none is under way */
	bool all;			   /* it goes over what is in force too */
	bool all_wanted;		   /* the next one shall */
	bool wanted;
	int64_t began; /* the pass that is under way, on the policy's clock ... */
	int64_t since; /* ... and the last one over all that came to its end; 0: none did */
	struct store_seen rows[ROWS_AT_ONCE];
	size_t count;
};

int64_t seen_last(const struct gate *gate, const struct account *account, const struct entry *entry)
{
	struct ag_error ignored;
	int64_t time = 0, stored = 0;
	uint16_t epoch = 0;

	if (prefix_is_reference(&entry->prefix)) /* what comes through a list is marked by its prefix */
		return 0;
	(void)store_seen_get(gate->store, account->id, &entry->prefix, &stored, &ignored); /* or as never */

	if (!entry->disabled && account_active(account) &&
	    !dataplane_seen(gate->dataplane, account->slot, &entry->prefix, &epoch, &ignored))
		time = epoch_time(epoch, gate_now(gate));
	return time > stored ? time : stored;
}

/* Marks are worth a log line when they cannot be kept, and no more. */
static void flush(struct seen *seen)
{
	struct ag_error why = {0};

	if (seen->count && seen->gate->store &&
	    store_seen_put(seen->gate->store, seen->rows, seen->count, &why))
		log_warning("cannot note when entries were last seen: %s", why.message);
	seen->count = 0;
}

static int note(uint32_t slot, const struct prefix *prefix, uint16_t epoch, void *arg)
{
	struct seen *seen = arg;
	const struct account *account = summary_slot(&seen->gate->summary, slot);
	int64_t time = epoch_time(epoch, gate_now(seen->gate));

	if (!account || time < seen->since - AG_EPOCH_SECONDS)
		return 0;
	seen->rows[seen->count++] =
		(struct store_seen){.account_id = account->id, .prefix = *prefix, .time = time};
	if (seen->count == ROWS_AT_ONCE)
		flush(seen);
	return 0;
}

static bool begin(struct seen *seen)
{
	if (!seen->wanted || dataplane_harvest_new(seen->gate->dataplane, seen->all_wanted, &seen->harvest))
		return false;
	seen->all = seen->all_wanted;
	seen->wanted = seen->all_wanted = false;
	seen->began = gate_now(seen->gate);
	return true;
}

static void end(struct seen *seen, bool whole)
{
	dataplane_harvest_free(seen->harvest);
	seen->harvest = NULL;
	if (whole && seen->all)
		seen->since = seen->began;
}

/* A slice. */
static bool work(void *arg)
{
	struct seen *seen = arg;
	struct ag_error why = {0};
	bool more = false;
	int err;

	if (!seen->harvest && !begin(seen))
		return false;
	err = dataplane_harvest_step(seen->harvest, note, seen, &more, &why);
	flush(seen);
	if (err)
		log_warning("cannot read when entries were last seen: %s", why.message);
	if (err || !more)
		end(seen, !err);
	return more || seen->wanted;
}

void seen_harvest(struct seen *seen, bool all)
{
	seen->wanted = true;
	seen->all_wanted |= all;
	loop_idle_wake(seen->idle);
}

static void harvest_all(void *arg)
{
	seen_harvest(arg, true);
}

int seen_new(struct gate *gate, struct loop *loop, struct seen **ret)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	int err;

	if (!seen)
		return -ENOMEM;
	seen->gate = gate;
	err = loop_add_idle(loop, work, seen, &seen->idle);
	if (!err)
		err = loop_add_timer(loop, SEEN_INTERVAL_MS, harvest_all, seen);
	if (err) {
		free(seen);
		return err;
	}
	*ret = seen;
	return 0;
}

/* The last one, in one go. */
void seen_free(struct seen *seen)
{
	if (!seen)
		return;
	seen->wanted = seen->all_wanted = true;
	while (work(seen))
		;
	free(seen);
}
