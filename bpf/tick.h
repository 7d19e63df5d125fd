/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tick.h - what one CPU may do of what costs, in one tick of the kernel's clock; and the policy's clock
 *
 * A tick is a jiffy, 1 to 10 ms: bpf_jiffies64() (kernel 5.5) is a plain load where the clock itself would
 * cost more than the rest of a short list's way. Programs on one CPU do not interrupt one another here: XDP
 * runs in softirq.
 */
#pragma once

#include "bpf/maps.h"
#include "bpf/parse.h"

/* This CPU's limits, fresh where a tick has begun. NULL never; the verifier wants to see it. */
AG_INLINE struct ag_cpu *ag_this_tick(void)
{
	const __u32 zero = 0;
	struct ag_cpu *cpu = bpf_map_lookup_elem(&ag_cpu, &zero);
	__u64 tick = bpf_jiffies64();

	if (cpu && cpu->tick != tick) {
		cpu->tick = tick;
		cpu->reports = 0;
		cpu->answers = 0;
	}
	return cpu;
}

/* Whether that second of the policy's clock has come. */
static __attribute__((noinline)) int ag_is_over(__u32 expires)
{
	const __u32 zero = 0;
	const struct ag_config *config = bpf_map_lookup_elem(&ag_config, &zero);
	__u64 clock = config ? *(const volatile __u64 *)&config->clock : 0;

	return (bpf_ktime_get_boot_ns() + clock) / 1000000000 >= expires;
}
