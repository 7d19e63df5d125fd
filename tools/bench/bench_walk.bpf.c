/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bench_walk.bpf.c - writes the next key into the frame, then sends it or calls the program under test
 *
 * For BPF_PROG_TEST_RUN alone. What the program or the stack behind it may have changed in a frame that comes
 * around again (addresses of the link, TTL) is written each time too.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tools/bench/bench_keys.h"

#define INLINE static inline __attribute__((always_inline))

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_walk);
} bench_walk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_key4);
} bench_keys4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_key6);
} bench_keys6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_programs SEC(".maps");

struct frame4 {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

struct frame6 {
	struct ethhdr ethernet;
	struct ipv6hdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

/* The index of the key to be sent. One processor runs this at a time. */
INLINE struct bench_walk *advance(__u32 *index)
{
	const __u32 zero = 0;
	struct bench_walk *walk = bpf_map_lookup_elem(&bench_walk, &zero);

	if (!walk)
		return 0;
	*index = walk->next;
	walk->next = *index + 1 < walk->count ? *index + 1 : 0;
	return walk;
}

INLINE _Bool write4(struct xdp_md *ctx)
{
	struct frame4 *frame = (void *)(long)ctx->data;
	const struct bench_walk *walk;
	const struct bench_key4 *key;
	__u32 index;

	walk = advance(&index);
	key = walk ? bpf_map_lookup_elem(&bench_keys4, &index) : 0;
	if (!key || (void *)(frame + 1) > (void *)(long)ctx->data_end)
		return 0;
	__builtin_memcpy(&frame->ethernet, walk->macs, sizeof(walk->macs));
	frame->ip.ttl = BENCH_TTL;
	frame->ip.check = key->ip_check;
	frame->ip.saddr = key->source;
	frame->ip.daddr = key->dest;
	frame->tcp.dest = key->port;
	frame->tcp.seq = bpf_htonl(index);
	frame->tcp.check = key->tcp_check;
	return 1;
}

INLINE _Bool write6(struct xdp_md *ctx)
{
	struct frame6 *frame = (void *)(long)ctx->data;
	const struct bench_walk *walk;
	const struct bench_key6 *key;
	__u32 index;

	walk = advance(&index);
	key = walk ? bpf_map_lookup_elem(&bench_keys6, &index) : 0;
	if (!key || (void *)(frame + 1) > (void *)(long)ctx->data_end)
		return 0;
	__builtin_memcpy(&frame->ethernet, walk->macs, sizeof(walk->macs));
	frame->ip.hop_limit = BENCH_TTL;
	__builtin_memcpy(&frame->ip.saddr, key->source, sizeof(key->source));
	__builtin_memcpy(&frame->ip.daddr, key->dest, sizeof(key->dest));
	frame->tcp.dest = key->port;
	frame->tcp.seq = bpf_htonl(index);
	frame->tcp.check = key->tcp_check;
	return 1;
}

SEC("xdp")
int send4(struct xdp_md *ctx)
{
	return write4(ctx) ? XDP_TX : XDP_ABORTED;
}

SEC("xdp")
int send6(struct xdp_md *ctx)
{
	return write6(ctx) ? XDP_TX : XDP_ABORTED;
}

SEC("xdp")
int call4(struct xdp_md *ctx)
{
	if (write4(ctx))
		bpf_tail_call(ctx, &bench_programs, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int call6(struct xdp_md *ctx)
{
	if (write6(ctx))
		bpf_tail_call(ctx, &bench_programs, 0);
	return XDP_ABORTED;
}

/* For what needs a program that does nothing. */
SEC("xdp")
int idle(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

char bench_license[] SEC("license") = "Dual BSD/GPL";
