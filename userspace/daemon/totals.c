// SPDX-License-Identifier: GPL-2.0-only
/*
 * totals.c - add up the kernel's counters
 */
#include "userspace/daemon/totals.h"

#include <string.h>

#include "userspace/core/cleanup.h"

static void add(struct ag_counter *totals, const struct ag_counter *counters, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		totals[i].packets += counters[i].packets;
		totals[i].bytes += counters[i].bytes;
	}
}

static int add_account(uint32_t slot, const struct account_counters *counters, void *totals)
{
	(void)slot;
	add(totals, counters->by_verdict, AG_VERDICT_ACCOUNT_MAX);
	return 0;
}

static int add_accounts(struct gate *gate, struct ag_counter *totals, struct ag_error *error)
{
	size_t end = gate->summary.slot_room;

	if (end > gate->options->max_accounts)
		end = gate->options->max_accounts;
	return dataplane_counters_each(gate->dataplane, (uint32_t)end, add_account, totals, error);
}

static int add_interfaces(struct gate *gate, struct ag_counter *totals, struct ag_error *error)
{
	AUTO_FREE struct attachment *attachments = NULL;
	struct ag_interface_counters counters;
	size_t count = 0;
	int err = dataplane_attachments(gate->dataplane, &attachments, &count, error);

	for (size_t i = 0; i < count && !err; i++) {
		err = dataplane_interface_counters(gate->dataplane, attachments[i].ifindex, &counters, error);
		if (!err)
			add(totals + AG_VERDICT_ACCOUNT_MAX, counters.by_verdict, AG_VERDICT_INTERFACE_MAX);
	}
	return err;
}

int totals_collect(struct gate *gate, struct ag_counter totals[AG_VERDICT_MAX], struct ag_error *error)
{
	int err;

	memset(totals, 0, AG_VERDICT_MAX * sizeof(*totals));
	err = add_accounts(gate, totals, error);
	return err ? err : add_interfaces(gate, totals, error);
}
