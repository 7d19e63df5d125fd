/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * count.h - every packet, once: by account, by what was done for it, or by interface
 */
#pragma once

#include "bpf/maps.h"

#include "bpf/parse.h"

AG_INLINE void add(struct ag_counter *counter, __u32 bytes)
{
	counter->packets++;
	counter->bytes += bytes;
}

AG_INLINE void count_by_account(__u32 slot, __u32 index, __u32 bytes)
{
	struct ag_account_counters *counters = bpf_map_lookup_elem(&ag_account_counters, &slot);

	if (counters && index < AG_VERDICT_JUDGED_MAX)
		add(&counters->by_verdict[index], bytes);
}

AG_INLINE void count_by_action(__u32 slot, __u32 index, __u32 bytes)
{
	struct ag_action_counters *counters = bpf_map_lookup_elem(&ag_action_counters, &slot);

	if (counters && index < AG_VERDICT_ACTION_MAX)
		add(&counters->by_verdict[index], bytes);
}

/* The element of an interface comes into being with its first packet. */
AG_INLINE void count_by_interface(__u32 ifindex, __u32 index, __u32 bytes)
{
	struct ag_interface_counters *counters = bpf_map_lookup_elem(&ag_interface_counters, &ifindex);

	if (!counters) {
		static const struct ag_interface_counters zero; /* there is no room on the stack */

		bpf_map_update_elem(&ag_interface_counters, &ifindex, &zero, BPF_NOEXIST);
		counters = bpf_map_lookup_elem(&ag_interface_counters, &ifindex);
		if (!counters)
			return;
	}
	barrier_var(index); /* else clang adds it to the pointer before the check for NULL */
	if (index < AG_VERDICT_INTERFACE_MAX)
		add(&counters->by_verdict[index], bytes);
}

AG_INLINE void count(struct xdp_md *ctx, __u32 slot, enum ag_verdict verdict, __u32 bytes)
{
	if (verdict < AG_VERDICT_JUDGED_MAX)
		count_by_account(slot, verdict, bytes);
	else if (verdict < AG_VERDICT_ACCOUNT_MAX)
		count_by_action(slot, verdict - AG_VERDICT_JUDGED_MAX, bytes);
	else if (verdict != AG_VERDICT_NOT_JUDGED)
		count_by_interface(ctx->ingress_ifindex, verdict - AG_VERDICT_ACCOUNT_MAX, bytes);
}
