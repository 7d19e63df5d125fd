/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * allowgate.bpf.c - the program on an interface's way in
 *
 * parse -> destination -> failsafe -> malformed -> fragment -> service -> account -> list -> decide -> count,
 * in the order of the contract's section 3, first match wins. Every packet leaves by the end of
 * ag_ingress() with one verdict, counted once. It needs nothing newer than kernel 5.15, but uses 5.18's
 * helpers for frames in several buffers where the loader says so. Loading it takes CAP_BPF, CAP_NET_ADMIN and
 * CAP_PERFMON: without the last the verifier allows no packet pointer a variable offset, as headers of
 * variable length need.
 */
#include "bpf/maps.h"

#include "bpf/decide.h"
#include "bpf/parse.h"

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

AG_INLINE struct ag_frame frame_of(struct xdp_md *ctx)
{
	struct ag_frame frame = {
		.data = (const __u8 *)(long)ctx->data,
		.end = (const __u8 *)(long)ctx->data_end,
		.context = ctx,
	};

	frame.len = ag_has_frags ? (__u32)bpf_xdp_get_buff_len(ctx) : ctx->data_end - ctx->data;
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

AG_INLINE __u32 probe_service(struct ag_service_key *key, __be16 port_be, __u8 proto)
{
	const __u32 *slot;

	key->port_be = port_be;
	key->proto = proto;
	slot = bpf_map_lookup_elem(&ag_services, key);
	return slot ? *slot : AG_NO_ACCOUNT;
}

/*
 * The services on one prefix: a port over any port, then a protocol over any protocol. A packet to port 0
 * reaches services on any port alone. A global function: looked at once, not for every prefix around.
 */
__attribute__((noinline)) __u32 ag_find_service_at(const struct ag_packet *packet, const struct ag_dest *dest)
{
	struct ag_service_key key = {};
	__u32 slot = AG_NO_ACCOUNT;
	_Bool port, proto;

	if (!packet || !dest) /* never; the verifier wants to see it */
		return slot;
	key.family = packet->family;
	key.len = dest->len;
	port = packet->port_be != AG_PORT_ANY;
	proto = packet->proto != AG_PROTO_ANY;
	copy_masked(key.addr, &packet->dest, dest->len);
	if (dest->flags & AG_DEST_PORT_PROTO && port && proto)
		slot = probe_service(&key, packet->port_be, packet->proto);
	if (slot == AG_NO_ACCOUNT && dest->flags & AG_DEST_PORT && port)
		slot = probe_service(&key, packet->port_be, AG_PROTO_ANY);
	if (slot == AG_NO_ACCOUNT && dest->flags & AG_DEST_PROTO && proto)
		slot = probe_service(&key, AG_PORT_ANY, packet->proto);
	if (slot == AG_NO_ACCOUNT && dest->flags & AG_DEST_ANY)
		slot = probe_service(&key, AG_PORT_ANY, AG_PROTO_ANY);
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

AG_INLINE const struct ag_entry *find_entry(const struct ag_packet *packet, __u32 slot)
{
	struct ag_list4_key key4 = {.prefixlen = 32};
	struct ag_list6_key key6 = {.prefixlen = 128};
	void *list;

	if (packet->family == AG_FAMILY_IPV4) {
		list = bpf_map_lookup_elem(&ag_lists4, &slot);
		__builtin_memcpy(key4.addr, packet->source.bytes, sizeof(key4.addr));
		return list ? bpf_map_lookup_elem(list, &key4) : 0;
	}
	list = bpf_map_lookup_elem(&ag_lists6, &slot);
	__builtin_memcpy(key6.addr, packet->source.bytes, sizeof(key6.addr));
	return list ? bpf_map_lookup_elem(list, &key6) : 0;
}

/* A slot that is none (or beyond the map) belongs to no account, so nobody asked for a filter. */
AG_INLINE enum ag_verdict judge_source(const struct ag_packet *packet, __u32 slot)
{
	const struct ag_account *account = bpf_map_lookup_elem(&ag_accounts, &slot);
	union ag_account_state state;

	if (!account)
		return AG_VERDICT_UNMATCHED;
	state.word = *(const volatile __u64 *)&account->state.word;
	return ag_decide(state, state.active ? find_entry(packet, slot) : 0);
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
 * A global function, so that the verifier looks at the parser once, by itself, and not again for
 * every way through what follows. *packet is zero before. Returns the frame's length.
 */
__attribute__((noinline)) int ag_parse_frame(struct xdp_md *ctx, struct ag_packet *packet)
{
	struct ag_frame frame = frame_of(ctx);

	if (packet) /* always; the verifier wants to see it */
		ag_parse(&frame, packet);
	return (int)frame.len;
}

SEC("xdp")
int ag_ingress(struct xdp_md *ctx)
{
	struct ag_judgement judgement = {.slot = AG_NO_ACCOUNT};
	struct ag_packet packet = {};
	__u32 bytes = (__u32)ag_parse_frame(ctx, &packet);

	judge(&packet, &judgement);
	count(ctx, &judgement, bytes);
	return ag_action(judgement.verdict, judgement.guarded);
}

char ag_license[] SEC("license") = "Dual BSD/GPL";
