/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * judge.h - the whole way: the rows of the contract's table, for any packet
 *
 * destination -> failsafe -> malformed -> ICMP error -> fragment -> service -> account -> list -> decide. It
 * reads, and marks the entry that decides; it does nothing to the frame, and counts nothing.
 */
#pragma once

#include "bpf/maps.h"

#include "bpf/decide.h"
#include "bpf/frame.h"
#include "bpf/lists.h"
#include "bpf/notice.h"
#include "bpf/services.h"

struct ag_judgement {
	enum ag_verdict verdict;
	__u32 slot;    /* of the account, where the verdict is one of an account's */
	__u32 match;   /* what its list said: ag_matched() */
	__u8 action;   /* of the account: index in ag_actions */
	__u8 dest_len; /* of the longest prefix that services name around the destination; AG_DEST_NONE */
	_Bool gated;
	_Bool guarded; /* see ag_action_of() */
};
#define AG_DEST_NONE 255

AG_INLINE union ag_config_now config_now(void)
{
	const __u32 zero = 0;
	const struct ag_config *config = bpf_map_lookup_elem(&ag_config, &zero);
	union ag_config_now now = {};

	if (config)
		now.word = *(const volatile __u64 *)&config->now.word;
	return now;
}

/* `len` bits of the address at most; 128 means all of either family's. */
AG_INLINE struct ag_dest_prefix_key prefix_key(__u8 family, const union ag_addr *addr, __u32 len)
{
	struct ag_dest_prefix_key key = {
		.prefixlen = 32 + len,
		.family_be = bpf_htonl(family),
	};

	__builtin_memcpy(key.addr, addr->bytes, sizeof(key.addr));
	return key;
}

/*
 * Copies what it finds: the kernel may give an element of a hash that is replaced to another key while this
 * packet is still under way.
 */
AG_INLINE _Bool copy_dest(const struct ag_dest *found, struct ag_dest *dest)
{
	if (found)
		*dest = *found;
	return found;
}

AG_INLINE _Bool find_dest(const struct ag_packet *packet, __u32 flags, struct ag_dest *dest)
{
	struct ag_dest_key key = {.family = packet->family};
	struct ag_dest_prefix_key around;

	__builtin_memcpy(key.addr, packet->dest.bytes, sizeof(key.addr));
	if (copy_dest(bpf_map_lookup_elem(&ag_dests, &key), dest))
		return 1;
	if (!(flags & AG_CONFIG_PREFIX_DESTS))
		return 0;
	around = prefix_key(packet->family, &packet->dest, 128);
	return copy_dest(bpf_map_lookup_elem(&ag_dest_prefixes, &around), dest);
}

AG_INLINE _Bool is_failsafe(const struct ag_packet *packet)
{
	struct ag_dest_prefix_key key = prefix_key(packet->family, &packet->source, 128);

	return bpf_map_lookup_elem(&ag_failsafe, &key);
}

/* The address less the bits beyond the length. */
AG_INLINE void copy_masked(__u8 *to, const union ag_addr *addr, __u32 len)
{
	union ag_addr masked;

	for (__u32 i = 0; i < 4; i++) {
		__u32 bits = len > i * 32 ? len - i * 32 : 0;

		masked.words[i] = addr->words[i];
		if (bits < 32)
			masked.words[i] &= bpf_htonl(~(0xffffffffU >> bits));
	}
	__builtin_memcpy(to, masked.bytes, sizeof(masked.bytes));
}

/* A service on a prefix, or one that the buckets have no room for. */
AG_INLINE __u32 probe_prefix(const struct ag_packet *packet, __u8 len, __u32 rest)
{
	struct ag_service_key key = ag_stash_key(packet->family, len, rest);

	copy_masked(key.addr, &packet->dest, len);
	return ag_probe_stash(&key);
}

AG_INLINE __u32 probe_address(const struct ag_packet *packet, __u32 rest)
{
	const __be32 *dest = packet->dest.words;

	if (packet->family == AG_FAMILY_IPV4)
		return ag_find_service4(bpf_ntohl(dest[0]), rest);
	return ag_find_service6(ag_host64(dest), ag_host64(dest + 2), rest);
}

/*
 * The services on one prefix: a port over any port, then a protocol over any protocol. A global function:
 * looked at once, not for every prefix around.
 */
__attribute__((noinline)) __u32 ag_find_service_at(const struct ag_packet *packet, const struct ag_dest *dest)
{
	__u32 slot = AG_NO_ACCOUNT;
	_Bool single;
	__u16 port;

	if (!packet || !dest) /* never; the verifier wants to see it */
		return slot;
	single = dest->len == (packet->family == AG_FAMILY_IPV4 ? 32 : 128);
	port = ag_host16(packet->port_be);
	for (int kind = 0; kind < AG_KINDS && slot == AG_NO_ACCOUNT; kind++) {
		__u32 rest = ag_kind_rest(kind, port, packet->proto);

		if (!(dest->flags & AG_DEST_PORT_PROTO << kind) ||
		    !ag_kind_applies(kind, port, packet->proto))
			continue;
		slot = single ? probe_address(packet, rest) : probe_prefix(packet, dest->len, rest);
	}
	return slot;
}

/* From the narrowest prefix that services name (*dest) outwards, until one has a service for this packet. */
AG_INLINE __u32 find_service(const struct ag_packet *packet, struct ag_dest *dest)
{
	struct ag_dest_prefix_key around;
	__u32 slot = AG_NO_ACCOUNT;

	for (int depth = 0; depth < AG_DEST_DEPTH_MAX; depth++) {
		slot = ag_find_service_at(packet, dest);
		if (slot != AG_NO_ACCOUNT || !(dest->flags & AG_DEST_HAS_PARENT))
			break;
		around = prefix_key(packet->family, &packet->dest, dest->parent_len);
		if (!copy_dest(bpf_map_lookup_elem(&ag_dest_prefixes, &around), dest))
			break;
	}
	return slot;
}

/* The one account that judges what has no port any more. */
AG_INLINE __u32 find_fragment_account(const struct ag_packet *packet, const struct ag_dest *dest)
{
	__u32 class = packet->proto_class;

	return class < AG_PROTO_CLASS_MAX ? dest->fragment_account[class] : AG_NO_ACCOUNT;
}

AG_INLINE __u32 match_source(const struct ag_packet *packet, union ag_account_state state, __u32 slot,
			     __u16 epoch)
{
	const __be32 *source = packet->source.words;

	if (packet->family == AG_FAMILY_IPV4)
		return ag_match_list4(state, slot, bpf_ntohl(source[0]), epoch);
	return ag_match_list6(state, slot, ag_host64(source), ag_host64(source + 2), epoch);
}

/* Read once: all of an account changes with its word. */
AG_INLINE _Bool read_state(__u32 slot, union ag_account_state *state)
{
	const struct ag_account *account = bpf_map_lookup_elem(&ag_accounts, &slot);

	if (account)
		state->word = *(const volatile __u64 *)&account->state.word;
	return account;
}

/* A slot that is none (or beyond the map) belongs to no account, so nobody asked for a filter. */
AG_INLINE void judge_source(const struct ag_packet *packet, __u16 epoch, struct ag_judgement *judgement)
{
	union ag_account_state state;

	judgement->verdict = AG_VERDICT_UNMATCHED;
	if (!read_state(judgement->slot, &state))
		return;
	if (state.flags & AG_ACCOUNT_ACTIVE)
		judgement->match = match_source(packet, state, judgement->slot, epoch);
	judgement->verdict = ag_decide(state, judgement->match);
	judgement->action = state.action;
}

/*
 * A packet that is no ICMP error of a service's own flow. Only what is left of `dest` afterwards is of
 * another prefix than the first.
 */
AG_INLINE void judge_service(const struct ag_packet *packet, union ag_config_now now, struct ag_dest *dest,
			     struct ag_judgement *judgement)
{
	if (packet->fragment == AG_FRAGMENT_LATER)
		judgement->slot = find_fragment_account(packet, dest);
	else
		judgement->slot = find_service(packet, dest);
	if (judgement->slot == AG_SEVERAL_ACCOUNTS)
		judgement->verdict = AG_VERDICT_FRAGMENT;
	else
		judge_source(packet, now.epoch, judgement);
	if (judgement->verdict == AG_VERDICT_UNMATCHED && now.flags & AG_CONFIG_NOTICE &&
	    packet->fragment != AG_FRAGMENT_LATER)
		judgement->guarded = packet->proto == AG_IP_TCP && ag_is_notice_port(packet->port_be);
}

/*
 * Whether it quotes a packet of a service's: a router has something to say about what left from here. The
 * service is looked for as if the packet itself were to that protocol and port, for there is no room on the
 * stack for another one.
 */
AG_INLINE _Bool quotes_service(struct xdp_md *ctx, struct ag_packet *packet, const struct ag_dest *dest)
{
	int quoted = packet->proto == AG_IP_ICMP ? ag_parse_quote(ctx, packet) : AG_QUOTES_NOTHING;
	struct ag_dest walked = *dest;
	__be16 port_be = packet->port_be;
	__u8 proto = packet->proto;
	__u32 slot;

	if (quoted == AG_QUOTES_NOTHING)
		return 0;
	packet->proto = (__u8)(quoted >> 16);
	packet->port_be = (__be16)quoted;
	slot = find_service(packet, &walked);
	packet->proto = proto;
	packet->port_be = port_be;
	return slot != AG_NO_ACCOUNT;
}

AG_INLINE void judge_address(struct xdp_md *ctx, struct ag_packet *packet, union ag_config_now now,
			     struct ag_judgement *judgement)
{
	struct ag_dest dest;

	judgement->verdict = AG_VERDICT_UNMATCHED;
	if (!find_dest(packet, now.flags, &dest))
		return;
	judgement->dest_len = dest.len;
	judgement->gated = dest.flags & AG_DEST_GATED;
	if (now.flags & AG_CONFIG_FAILSAFE && is_failsafe(packet)) {
		judgement->verdict = AG_VERDICT_FAILSAFE;
	} else if (packet->malformed) {
		judgement->verdict = AG_VERDICT_MALFORMED;
		judgement->guarded = judgement->gated;
	} else if (quotes_service(ctx, packet, &dest)) {
		judgement->verdict = AG_VERDICT_ICMP_ERROR;
	} else {
		judge_service(packet, now, &dest, judgement);
	}
}

AG_INLINE void judge(struct xdp_md *ctx, struct ag_packet *packet, union ag_config_now now,
		     struct ag_judgement *judgement)
{
	switch (packet->status) {
	case AG_PARSE_IP:
		judge_address(ctx, packet, now, judgement);
		break;
	case AG_PARSE_NOT_JUDGED:
		judgement->verdict = AG_VERDICT_NOT_JUDGED;
		break;
	case AG_PARSE_TAGGED:
		judgement->verdict = AG_VERDICT_MALFORMED;
		judgement->guarded = !!(now.flags & AG_CONFIG_ENFORCING);
		break;
	default:
		judgement->verdict = AG_VERDICT_UNMATCHED;
	}
}
