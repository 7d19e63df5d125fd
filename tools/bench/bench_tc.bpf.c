/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bench_tc.bpf.c - the same lookup in the same maps, but at the tc hook: what XDP is worth by itself
 *
 * The ordinary packet to a service on a single address alone, which is all that the benchmark sends.
 */
#include "bpf/maps.h"

#include "bpf/decide.h"
#include "bpf/lists.h"
#include "bpf/parse.h"
#include "bpf/services.h"

#define TC_ACT_OK   0
#define TC_ACT_SHOT 2

AG_INLINE long ag_frame_load(const struct ag_frame *frame, __u32 offset, void *to, __u32 len)
{
	return bpf_skb_load_bytes(frame->context, offset, to, len);
}

AG_INLINE _Bool read_state(__u32 slot, union ag_account_state *state)
{
	const struct ag_account *account = bpf_map_lookup_elem(&ag_accounts, &slot);

	if (account)
		state->word = *(const volatile __u64 *)&account->state.word;
	return account;
}

AG_INLINE int conclude(__u32 slot, union ag_account_state state, __u32 match, __u32 bytes)
{
	struct ag_account_counters *counters = bpf_map_lookup_elem(&ag_account_counters, &slot);
	enum ag_verdict verdict = ag_decide(state, match);

	if (counters && verdict < AG_VERDICT_JUDGED_MAX) {
		counters->by_verdict[verdict].packets++;
		counters->by_verdict[verdict].bytes += bytes;
	}
	return ag_action_of(verdict, 0) == XDP_DROP ? TC_ACT_SHOT : TC_ACT_OK;
}

AG_INLINE int judge4(const struct ag_frame *frame)
{
	__u32 slot, match = AG_MATCH_NONE;
	union ag_account_state state;
	struct ag_ordinary4 packet;

	if (!ag_parse_ordinary4(frame, &packet))
		return TC_ACT_OK;
	slot = ag_find_service4(packet.dest, ag_service_rest(packet.port, packet.proto));
	if (slot == AG_NO_ACCOUNT || !read_state(slot, &state))
		return TC_ACT_OK;
	if (state.flags & AG_ACCOUNT_ACTIVE)
		match = ag_match_list4(state, slot, packet.source, 0);
	return conclude(slot, state, match, frame->len);
}

AG_INLINE int judge6(const struct ag_frame *frame)
{
	__u32 slot, match = AG_MATCH_NONE;
	union ag_account_state state;
	struct ag_ordinary6 packet;

	if (!ag_parse_ordinary6(frame, &packet))
		return TC_ACT_OK;
	slot = ag_find_service6(packet.dest[0], packet.dest[1], ag_service_rest(packet.port, packet.proto));
	if (slot == AG_NO_ACCOUNT || !read_state(slot, &state))
		return TC_ACT_OK;
	if (state.flags & AG_ACCOUNT_ACTIVE)
		match = ag_match_list6(state, slot, packet.source[0], packet.source[1], 0);
	return conclude(slot, state, match, frame->len);
}

SEC("tc")
int bench_tc(struct __sk_buff *skb)
{
	struct ag_frame frame = {
		.data = (const __u8 *)(long)skb->data,
		.end = (const __u8 *)(long)skb->data_end,
		.len = skb->len,
		.context = skb,
	};

	switch (ag_linear_ethertype(&frame)) {
	case AG_ETH_IPV4:
		return judge4(&frame);
	case AG_ETH_IPV6:
		return judge6(&frame);
	default:
		return TC_ACT_OK;
	}
}

char bench_license[] SEC("license") = "Dual BSD/GPL";
