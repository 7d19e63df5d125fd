/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * allowgate.bpf.c - the program on an interface's way in
 *
 * parse -> destination -> failsafe -> malformed -> fragment -> service -> account -> list -> decide -> count,
 * in the order of the contract's section 3, first match wins. Every packet leaves with one verdict, counted
 * once. The ordinary packet (parse.h) to a service on its own address takes the short way: that service is
 * the most specific there can be, and neither malformed nor a fragment it meets no row before; all else, and
 * all while there are failsafe sources, takes the whole one.
 *
 * It needs nothing newer than kernel 5.15, but uses 5.18's helpers for frames in several buffers where the
 * loader says so. Loading it takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: without the last the verifier
 * allows no packet pointer a variable offset, as headers of variable length need.
 */
#include "bpf/maps.h"

#include "bpf/decide.h"
#include "bpf/lists.h"
#include "bpf/parse.h"
#include "bpf/services.h"

/* Set by the loader together with BPF_F_XDP_HAS_FRAGS, where the kernel has it (5.18). */
const volatile _Bool ag_has_frags = 0;

struct ag_judgement {
	enum ag_verdict verdict;
	__u32 slot;    /* of the account, where the verdict is one of an account's */
	_Bool guarded; /* see ag_action() */
};

AG_INLINE long ag_frame_load(const struct ag_frame *frame, __u32 offset, void *to, __u32 len)
{
	return ag_has_frags ? bpf_xdp_load_bytes(frame->context, offset, to, len) : -1;
}

/* The first buffer; to ask for the length of all is left to those who need it, for it costs. */
AG_INLINE struct ag_frame linear_part_of(struct xdp_md *ctx)
{
	struct ag_frame frame = {
		.data = (const __u8 *)(long)ctx->data,
		.end = (const __u8 *)(long)ctx->data_end,
		.len = ctx->data_end - ctx->data,
		.context = ctx,
	};

	return frame;
}

AG_INLINE __u32 config_flags(void)
{
	const __u32 zero = 0;
	const struct ag_config *config = bpf_map_lookup_elem(&ag_config, &zero);

	return config ? *(const volatile __u32 *)&config->flags : 0;
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

AG_INLINE enum ag_match match_source(const struct ag_packet *packet, union ag_account_state state, __u32 slot)
{
	const __be32 *source = packet->source.words;

	if (packet->family == AG_FAMILY_IPV4)
		return ag_match_list4(state, slot, bpf_ntohl(source[0]));
	return ag_match_list6(state, slot, ag_host64(source), ag_host64(source + 2));
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
AG_INLINE enum ag_verdict judge_source(const struct ag_packet *packet, __u32 slot)
{
	enum ag_match match = AG_MATCH_NONE;
	union ag_account_state state;

	if (!read_state(slot, &state))
		return AG_VERDICT_UNMATCHED;
	if (state.flags & AG_ACCOUNT_ACTIVE)
		match = match_source(packet, state, slot);
	return ag_decide(state, match);
}

AG_INLINE void judge_address(const struct ag_packet *packet, __u32 flags, struct ag_judgement *judgement)
{
	struct ag_dest dest;

	judgement->verdict = AG_VERDICT_UNMATCHED;
	if (!find_dest(packet, flags, &dest))
		return;
	if (flags & AG_CONFIG_FAILSAFE && is_failsafe(packet)) {
		judgement->verdict = AG_VERDICT_FAILSAFE;
		return;
	}
	if (packet->malformed) {
		judgement->verdict = AG_VERDICT_MALFORMED;
		judgement->guarded = dest.flags & AG_DEST_GATED;
		return;
	}
	if (packet->fragment == AG_FRAGMENT_LATER)
		judgement->slot = find_fragment_account(packet, &dest);
	else
		judgement->slot = find_service(packet, &dest);
	if (judgement->slot == AG_SEVERAL_ACCOUNTS)
		judgement->verdict = AG_VERDICT_FRAGMENT;
	else
		judgement->verdict = judge_source(packet, judgement->slot);
}

AG_INLINE void judge(const struct ag_packet *packet, struct ag_judgement *judgement)
{
	__u32 flags = config_flags();

	switch (packet->status) {
	case AG_PARSE_IP:
		judge_address(packet, flags, judgement);
		break;
	case AG_PARSE_NOT_JUDGED:
		judgement->verdict = AG_VERDICT_NOT_JUDGED;
		break;
	case AG_PARSE_TAGGED:
		judgement->verdict = AG_VERDICT_MALFORMED;
		judgement->guarded = !!(flags & AG_CONFIG_ENFORCING);
		break;
	default:
		judgement->verdict = AG_VERDICT_UNMATCHED;
	}
}

AG_INLINE void add(struct ag_counter *counter, __u32 bytes)
{
	counter->packets++;
	counter->bytes += bytes;
}

AG_INLINE void count_by_account(__u32 slot, __u32 index, __u32 bytes)
{
	struct ag_account_counters *counters = bpf_map_lookup_elem(&ag_account_counters, &slot);

	if (counters && index < AG_VERDICT_ACCOUNT_MAX)
		add(&counters->by_verdict[index], bytes);
}

/* The element of an interface comes into being with its first packet. */
AG_INLINE void count_by_interface(__u32 ifindex, __u32 index, __u32 bytes)
{
	struct ag_interface_counters *counters = bpf_map_lookup_elem(&ag_interface_counters, &ifindex);

	if (!counters) {
		const struct ag_interface_counters zero = {};

		bpf_map_update_elem(&ag_interface_counters, &ifindex, &zero, BPF_NOEXIST);
		counters = bpf_map_lookup_elem(&ag_interface_counters, &ifindex);
		if (!counters)
			return;
	}
	barrier_var(index); /* else clang adds it to the pointer before the check for NULL */
	if (index < AG_VERDICT_INTERFACE_MAX)
		add(&counters->by_verdict[index], bytes);
}

AG_INLINE void count(struct xdp_md *ctx, const struct ag_judgement *judgement, __u32 bytes)
{
	if (judgement->verdict < AG_VERDICT_ACCOUNT_MAX)
		count_by_account(judgement->slot, judgement->verdict, bytes);
	else if (judgement->verdict != AG_VERDICT_NOT_JUDGED)
		count_by_interface(ctx->ingress_ifindex, judgement->verdict - AG_VERDICT_ACCOUNT_MAX, bytes);
}

/*
 * Global functions, so that the verifier looks at the parser once, by itself, and not again for every way
 * through what follows. *packet is zero before. Returns the frame's length.
 */
__attribute__((noinline)) int ag_parse_frame(struct xdp_md *ctx, struct ag_packet *packet)
{
	struct ag_frame frame = linear_part_of(ctx);

	if (ag_has_frags)
		frame.len = (__u32)bpf_xdp_get_buff_len(ctx);
	if (packet) /* always; the verifier wants to see it */
		ag_parse(&frame, packet);
	return (int)frame.len;
}

/* The whole way, for any packet: what becomes of it. */
__attribute__((noinline)) int ag_judge_any(struct xdp_md *ctx)
{
	struct ag_judgement judgement = {.slot = AG_NO_ACCOUNT};
	struct ag_packet packet = {};
	__u32 bytes = (__u32)ag_parse_frame(ctx, &packet);

	judge(&packet, &judgement);
	count(ctx, &judgement, bytes);
	return ag_action(judgement.verdict, judgement.guarded);
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

AG_INLINE int conclude(__u32 slot, union ag_account_state state, enum ag_match match, __u32 bytes)
{
	enum ag_verdict verdict = ag_decide(state, match);

	count_by_account(slot, verdict, bytes);
	return ag_action(verdict, 0);
}

AG_INLINE int judge_ordinary4(struct xdp_md *ctx, const struct ag_frame *frame, __u32 flags)
{
	enum ag_match match = AG_MATCH_NONE;
	union ag_account_state state;
	struct ag_ordinary4 packet;
	__u32 slot;

	if (!ag_parse_ordinary4(frame, &packet))
		return ag_judge_any(ctx);
	slot = find_own_service4(&packet, flags);
	if (slot == AG_NO_ACCOUNT || !read_state(slot, &state))
		return ag_judge_any(ctx);
	if (state.flags & AG_ACCOUNT_ACTIVE)
		match = ag_match_list4(state, slot, packet.source);
	return conclude(slot, state, match, frame->len);
}

AG_INLINE int judge_ordinary6(struct xdp_md *ctx, const struct ag_frame *frame, __u32 flags)
{
	enum ag_match match = AG_MATCH_NONE;
	union ag_account_state state;
	struct ag_ordinary6 packet;
	__u32 slot;

	if (!ag_parse_ordinary6(frame, &packet))
		return ag_judge_any(ctx);
	slot = find_own_service6(&packet, flags);
	if (slot == AG_NO_ACCOUNT || !read_state(slot, &state))
		return ag_judge_any(ctx);
	if (state.flags & AG_ACCOUNT_ACTIVE)
		match = ag_match_list6(state, slot, packet.source[0], packet.source[1]);
	return conclude(slot, state, match, frame->len);
}

SEC("xdp")
int ag_ingress(struct xdp_md *ctx)
{
	struct ag_frame frame = linear_part_of(ctx);
	__u32 flags = config_flags();

	if (flags & AG_CONFIG_FAILSAFE)
		return ag_judge_any(ctx);
	switch (ag_linear_ethertype(&frame)) {
	case AG_ETH_IPV4:
		return judge_ordinary4(ctx, &frame, flags);
	case AG_ETH_IPV6:
		return judge_ordinary6(ctx, &frame, flags);
	default:
		return ag_judge_any(ctx);
	}
}

char ag_license[] SEC("license") = "Dual BSD/GPL";
