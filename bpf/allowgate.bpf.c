/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * allowgate.bpf.c - the program on an interface's way in
 *
 * parse -> destination -> failsafe -> malformed -> ICMP error -> fragment -> service -> account -> list ->
 * decide -> carry out -> count, in the order of the contract's section 3, first match wins. Every packet
 * leaves with one verdict, counted once. The ordinary packet (parse.h) to a service on its own address takes
 * the short way: that service is the most specific there can be, and neither malformed nor a fragment it
 * meets no row before; all else, and all while there are failsafe sources, takes the whole one.
 *
 * It needs nothing newer than kernel 5.15, but uses 5.18's helpers for frames in several buffers where the
 * loader says so. Loading it takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: without the last the verifier
 * allows no packet pointer a variable offset, as headers of variable length need.
 */
#include "bpf/maps.h"

#include "bpf/actions.h"
#include "bpf/count.h"
#include "bpf/decide.h"
#include "bpf/explain.h"
#include "bpf/frame.h"
#include "bpf/judge.h"
#include "bpf/watch.h"

/* --- what is stopped, or would be ------------------------------------------------- */

AG_INLINE _Bool is_stopped(enum ag_verdict verdict)
{
	return verdict == AG_VERDICT_DENIED || verdict == AG_VERDICT_WOULD_DENY;
}

/* Of its own, so that a packet does not lie on the stack below all that is done with it. Returns the frame's
 * length.
 */
static __attribute__((noinline)) __u32 ag_look_at(struct xdp_md *ctx, struct ag_sighting *sighting)
{
	struct ag_packet packet = {};
	__u32 len = (__u32)ag_parse_frame(ctx, &packet);

	ag_describe(&packet, sighting);
	return len;
}

/*
 * More is to be done for it than to drop and to count it. What is reported is read before anything is done to
 * the frame, and told after it is known what came of that. A global function: seldom called, and from two
 * places.
 */
__attribute__((noinline)) int ag_conclude_fully(struct xdp_md *ctx, __u32 slot, __u32 verdict, __u32 action,
						__u32 reported)
{
	struct ag_sighting sighting = {.slot = slot, .ifindex = ctx->ingress_ifindex};
	int done = ag_action_of(verdict, 0);

	sighting.bytes = ag_look_at(ctx, &sighting);
	if (verdict == AG_VERDICT_DENIED && action != AG_ACTION_DROP) {
		__u32 came = (__u32)ag_carry_out(ctx, action);

		done = came & 0xff;
		verdict = came >> 8;
	}
	sighting.verdict = (__u8)verdict;
	if (reported)
		ag_report(&sighting);
	count(ctx, slot, verdict, sighting.bytes);
	return done;
}

AG_INLINE int conclude_stopped(struct xdp_md *ctx, __u32 slot, enum ag_verdict verdict, __u8 action,
			       __u32 flags, __u32 bytes)
{
	_Bool reported = flags & AG_CONFIG_WATCH && ag_may_report();

	verdict = ag_unless_panic(verdict, flags);
	if (reported || (action != AG_ACTION_DROP && verdict == AG_VERDICT_DENIED))
		return ag_conclude_fully(ctx, slot, verdict, action, reported);
	count_by_account(slot, verdict, bytes);
	return ag_action_of(verdict, 0);
}

/* --- the whole way ---------------------------------------------------------------- */

/* What ag_judge_any() returns: concluded, with what is to become of the frame; or stopped, which its caller
 * concludes, when this way's stack is free again. */
union judged {
	__u64 word;
	struct {
		__u32 slot;
		__u32 bytes : 20;
		__u32 action : 8; /* of the account; of what is concluded, enum xdp_action */
		__u32 verdict : 4;
	};
};
_Static_assert(AG_VERDICT_MAX < 16, "a verdict has four bits");

/* For any packet. Counts it unless it is stopped. */
__attribute__((noinline)) __u64 ag_judge_any(struct xdp_md *ctx)
{
	struct ag_judgement judgement = {.slot = AG_NO_ACCOUNT};
	union ag_config_now now = config_now();
	struct ag_packet packet = {};
	union judged judged = {.bytes = (__u32)ag_parse_frame(ctx, &packet)};

	judge(ctx, &packet, now, &judgement);
	judged.verdict = judgement.verdict;
	if (is_stopped(judgement.verdict)) {
		judged.slot = judgement.slot;
		judged.action = judgement.action;
	} else {
		count(ctx, judgement.slot, judgement.verdict, judged.bytes);
		judged.action = ag_action_of(judgement.verdict, judgement.guarded && !ag_panics(now.flags));
	}
	return judged.word;
}

AG_INLINE int conclude_any(struct xdp_md *ctx, __u32 flags)
{
	union judged judged = {.word = ag_judge_any(ctx)};

	if (!is_stopped(judged.verdict))
		return judged.action;
	return conclude_stopped(ctx, judged.slot, judged.verdict, judged.action, flags, judged.bytes);
}

/* --- the short way ------------------------------------------------------------- */

/* The kinds of AG_CONFIG_* that stand on single addresses somewhere, from the one that a packet names whole.
 */
#define NEXT_KIND(kind) (AG_CONFIG_PORT << ((kind)-1))

AG_INLINE __u32 find_own_service4(const struct ag_ordinary4 *packet, __u32 flags)
{
	__u32 slot = ag_find_service4(packet->dest, ag_service_rest(packet->port, packet->proto));

	for (int kind = 1; kind < AG_KINDS && slot == AG_NO_ACCOUNT; kind++)
		if (flags & NEXT_KIND(kind))
			slot = ag_find_service4(packet->dest,
						ag_kind_rest(kind, packet->port, packet->proto));
	return slot;
}

AG_INLINE __u32 find_own_service6(const struct ag_ordinary6 *packet, __u32 flags)
{
	__u32 slot = ag_find_service6(packet->dest[0], packet->dest[1],
				      ag_service_rest(packet->port, packet->proto));

	for (int kind = 1; kind < AG_KINDS && slot == AG_NO_ACCOUNT; kind++)
		if (flags & NEXT_KIND(kind))
			slot = ag_find_service6(packet->dest[0], packet->dest[1],
						ag_kind_rest(kind, packet->port, packet->proto));
	return slot;
}

AG_INLINE int conclude(struct xdp_md *ctx, __u32 slot, union ag_account_state state, __u32 match, __u32 flags,
		       __u32 bytes)
{
	enum ag_verdict verdict = ag_decide(state, match);

	if (is_stopped(verdict))
		return conclude_stopped(ctx, slot, verdict, state.action, flags, bytes);
	count_by_account(slot, verdict, bytes);
	return XDP_PASS;
}

/* False: take the whole way. Otherwise *ret is what is to become of the frame. */
AG_INLINE _Bool judge_ordinary4(struct xdp_md *ctx, const struct ag_frame *frame, union ag_config_now now,
				int *ret)
{
	union ag_account_state state;
	struct ag_ordinary4 packet;
	__u32 slot, match = AG_MATCH_NONE;

	if (!ag_parse_ordinary4(frame, &packet))
		return 0;
	slot = find_own_service4(&packet, now.flags);
	if (slot == AG_NO_ACCOUNT || !read_state(slot, &state))
		return 0;
	if (state.flags & AG_ACCOUNT_ACTIVE)
		match = ag_match_list4(state, slot, packet.source, now.epoch);
	*ret = conclude(ctx, slot, state, match, now.flags, frame->len);
	return 1;
}

AG_INLINE _Bool judge_ordinary6(struct xdp_md *ctx, const struct ag_frame *frame, union ag_config_now now,
				int *ret)
{
	union ag_account_state state;
	struct ag_ordinary6 packet;
	__u32 slot, match = AG_MATCH_NONE;

	if (!ag_parse_ordinary6(frame, &packet))
		return 0;
	slot = find_own_service6(&packet, now.flags);
	if (slot == AG_NO_ACCOUNT || !read_state(slot, &state))
		return 0;
	if (state.flags & AG_ACCOUNT_ACTIVE)
		match = ag_match_list6(state, slot, packet.source[0], packet.source[1], now.epoch);
	*ret = conclude(ctx, slot, state, match, now.flags, frame->len);
	return 1;
}

SEC("xdp")
int ag_ingress(struct xdp_md *ctx)
{
	struct ag_frame frame = linear_part_of(ctx);
	union ag_config_now now = config_now();
	__u16 type = now.flags & AG_CONFIG_FAILSAFE ? 0 : ag_linear_ethertype(&frame);
	int done;

	if (type == AG_ETH_IPV4 && judge_ordinary4(ctx, &frame, now, &done))
		return done;
	if (type == AG_ETH_IPV6 && judge_ordinary6(ctx, &frame, now, &done))
		return done;
	return conclude_any(ctx, now.flags);
}

/* --- the answers of notice servers, on their way out ------------------------------ */

SEC("tc")
int ag_egress(struct __sk_buff *skb)
{
	return ag_answer_leaves(skb);
}

/* --- the same asked, without effect ------------------------------------------------ */

/* Counts, marks and reports nothing, and leaves the frame as it is: what it says stands in ag_explanation. */
SEC("xdp")
int ag_explain(struct xdp_md *ctx)
{
	const __u32 zero = 0;
	struct ag_explanation *explanation = bpf_map_lookup_elem(&ag_explanation, &zero);
	struct ag_judgement judgement = {.slot = AG_NO_ACCOUNT, .dest_len = AG_DEST_NONE};
	union ag_config_now now = config_now();
	struct ag_packet packet = {};

	if (!explanation)
		return XDP_ABORTED;
	now.epoch = 0;
	(void)ag_parse_frame(ctx, &packet);
	if (explanation->ask_slot == AG_NO_ACCOUNT) {
		judge(ctx, &packet, now, &judgement);
	} else {
		judgement.slot = explanation->ask_slot;
		judge_source(&packet, now.epoch, &judgement);
	}
	judgement.verdict = ag_unless_panic(judgement.verdict, now.flags);
	explain(&packet, &judgement, explanation);
	return ag_action_of(judgement.verdict, judgement.guarded && !ag_panics(now.flags));
}

char ag_license[] SEC("license") = "Dual BSD/GPL";
