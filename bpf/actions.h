/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * actions.h - what is done with a stopped packet, by its account's action
 *
 * Whatever does not work out ends as the packet would without an action: dropped, and counted as denied.
 */
#pragma once

#include "bpf/answer.h"
#include "bpf/frame.h"
#include "bpf/notice.h"

#define AG_DONE(action, verdict) ((action) | (verdict) << 8)
#define AG_AS_DROP		 AG_DONE(XDP_DROP, AG_VERDICT_DENIED)

static __attribute__((noinline)) int ag_reject(struct xdp_md *ctx)
{
	struct ag_packet packet = {};
	__u32 len = (__u32)ag_parse_frame(ctx, &packet);

	return ag_answer(ctx, &packet, len) ? AG_DONE(XDP_TX, AG_VERDICT_REJECTED) : AG_AS_DROP;
}

static __attribute__((noinline)) int ag_notice(struct xdp_md *ctx, __be16 port_be)
{
	struct ag_packet packet = {};
	__u32 len = (__u32)ag_parse_frame(ctx, &packet);

	return ag_hand_to_notice(ctx, &packet, len, port_be) ? AG_DONE(XDP_PASS, AG_VERDICT_REDIRECTED)
							     : AG_AS_DROP;
}

/* The device can still refuse the frame, for its length or a full queue: the kernel's tracepoints tell. */
AG_INLINE int ag_redirect(__u32 action)
{
	__u64 *misses;

	if (bpf_redirect_map(&ag_devices, action, XDP_DROP) == XDP_REDIRECT)
		return AG_DONE(XDP_REDIRECT, AG_VERDICT_REDIRECTED);
	misses = bpf_map_lookup_elem(&ag_redirect_misses, &action);
	if (misses)
		++*misses;
	return AG_AS_DROP;
}

/* An XDP action | AG_VERDICT_* << 8. The frame is not to be read any more as what it was. */
static __attribute__((noinline)) int ag_carry_out(struct xdp_md *ctx, __u32 action)
{
	const struct ag_action *wanted;

	if (action == AG_ACTION_REJECT)
		return ag_reject(ctx);
	wanted = bpf_map_lookup_elem(&ag_actions, &action);
	switch (wanted ? wanted->kind : AG_ON_DENY_DROP) {
	case AG_ON_DENY_REJECT:
		return ag_reject(ctx);
	case AG_ON_DENY_NOTICE:
		return ag_notice(ctx, wanted->port_be);
	case AG_ON_DENY_REDIRECT:
		return ag_redirect(action);
	default:
		return AG_AS_DROP;
	}
}
