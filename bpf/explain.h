/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * explain.h - what a judgement says, for those who ask without effect
 */
#pragma once

#include "bpf/judge.h"

/* What a packet that is stopped is counted as, when all goes well. */
AG_INLINE enum ag_verdict verdict_by_action(enum ag_verdict verdict, __u8 kind, __u8 proto)
{
	if (verdict != AG_VERDICT_DENIED)
		return verdict;
	if (kind == AG_ON_DENY_REJECT)
		return AG_VERDICT_REJECTED;
	if (kind == AG_ON_DENY_REDIRECT || (kind == AG_ON_DENY_NOTICE && proto == AG_IP_TCP))
		return AG_VERDICT_REDIRECTED;
	return verdict;
}

AG_INLINE __u8 action_kind(__u32 index)
{
	const struct ag_action *action = bpf_map_lookup_elem(&ag_actions, &index);

	if (index < AG_ACTIONS_FIRST)
		return index == AG_ACTION_REJECT ? AG_ON_DENY_REJECT : AG_ON_DENY_DROP;
	return action ? action->kind : AG_ON_DENY_DROP;
}

AG_INLINE void explain(const struct ag_packet *packet, const struct ag_judgement *judgement,
		       struct ag_explanation *explanation)
{
	__u8 kind = action_kind(judgement->action);

	explanation->slot = judgement->slot;
	explanation->kind = kind;
	explanation->verdict = (__u8)verdict_by_action(judgement->verdict, kind, packet->proto);
	explanation->matched = (judgement->match & AG_MATCH_MASK) != AG_MATCH_NONE;
	explanation->len = (__u8)(judgement->match >> AG_MATCH_LEN_SHIFT);
	explanation->dest_len = judgement->dest_len;
	explanation->gated = judgement->gated;
}
