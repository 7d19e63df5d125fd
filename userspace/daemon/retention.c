// SPDX-License-Identifier: GPL-2.0-only
/*
 * retention.c - once a minute, in slices of the loop's idle time; what has gone for its age is overwritten in
 * the file by the store
 */
#include "userspace/daemon/retention.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "userspace/core/error.h"
#include "userspace/daemon/api.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/gate.h"
#include "userspace/io/log.h"
#include "userspace/io/loop.h"

#define ROUND_MS       (UINT64_C(60) * 1000)
#define REFUSALS_MS    (UINT64_C(5) * 1000)
#define ROUNDS_OF_SEEN 60 /* when entries were last seen is looked over once an hour */
#define ROWS_AT_ONCE   500
#define DAY_SECONDS    86400

struct retention {
	struct gate *gate;
	struct loop_idle *idle;
	const struct api *api;
	struct store_seen seen; /* where that goes on */
	bool seen_wanted;
	unsigned int rounds;
};

static int64_t days_ago(uint64_t days)
{
	return (int64_t)time(NULL) - (int64_t)days * DAY_SECONDS;
}

static void scrub(struct gate *gate)
{
	struct ag_error why = {0};

	if (!gate->scrub_wanted)
		return;
	if (store_scrub(gate->store, &why))
		log_warning("cannot write the store's file anew, which may still hold what was erased: %s",
			    why.message);
	else
		gate->scrub_wanted = false;
}

static int retain_seen(struct retention *retention, bool *ret_more, struct ag_error *error)
{
	const struct gate *gate = retention->gate;
	int err;

	if (!retention->seen_wanted)
		return 0;
	err = store_seen_forget(gate->store, days_ago(gate->options->seen_days), &retention->seen,
				ROWS_AT_ONCE, ret_more, error);
	retention->seen_wanted = !err && *ret_more;
	return err;
}

/* A slice. */
static bool work(void *arg)
{
	struct retention *retention = arg;
	struct gate *gate = retention->gate;
	const struct options *options = gate->options;
	struct store_retention keep;
	struct ag_error why = {0};
	bool more = false;
	int err;

	if (gate->reason[0] || !gate->store || api_busy(retention->api))
		return false;
	scrub(gate);
	keep = (struct store_retention){.rows_since = days_ago(options->audit_days),
					.rows = (int64_t)options->audit_rows,
					.addresses_since = days_ago(options->address_days)};
	err = store_audit_retain(gate->store, &keep, ROWS_AT_ONCE, &more, &why);
	if (!err && !more)
		err = retain_seen(retention, &more, &why);
	if (err)
		log_warning("cannot let go of what is kept no longer: %s", why.message);
	return !err && more;
}

static void next_round(void *arg)
{
	struct retention *retention = arg;

	retention->seen_wanted |= ++retention->rounds % ROUNDS_OF_SEEN == 0;
	loop_idle_wake(retention->idle);
}

static void tell_refusals(void *arg)
{
	const struct retention *retention = arg;

	audit_refusals(retention->gate, false);
}

int retention_new(struct gate *gate, const struct api *api, struct loop *loop, struct retention **ret)
{
	struct retention *retention = calloc(1, sizeof(*retention));
	int err;

	if (!retention)
		return -ENOMEM;
	*retention = (struct retention){.gate = gate, .api = api, .seen_wanted = true};
	err = loop_add_idle(loop, work, retention, &retention->idle);
	if (!err)
		err = loop_add_timer(loop, ROUND_MS, next_round, retention);
	if (!err)
		err = loop_add_timer(loop, REFUSALS_MS, tell_refusals, retention);
	if (err) {
		free(retention);
		return err;
	}
	*ret = retention;
	return 0;
}

/* What was refused, and only counted, is written before the end. */
void retention_free(struct retention *retention)
{
	if (!retention)
		return;
	audit_refusals(retention->gate, true);
	free(retention);
}
