/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * frame.h - the frame as the program has it, and parsed
 */
#pragma once

#include "bpf/maps.h"

#include "bpf/parse.h"
#include "bpf/quote.h"

/* Set by the loader together with BPF_F_XDP_HAS_FRAGS, where the kernel has it (5.18). */
const volatile _Bool ag_has_frags = 0;

#define AG_QUOTES_NOTHING (-1)

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

/* The protocol (as services name it, << 16) and source port (as it stands) that an ICMP error quotes. */
__attribute__((noinline)) int ag_parse_quote(struct xdp_md *ctx, const struct ag_packet *packet)
{
	struct ag_frame frame = linear_part_of(ctx);
	struct ag_packet quoted = {};

	if (ag_has_frags)
		frame.len = (__u32)bpf_xdp_get_buff_len(ctx);
	if (!packet || !ag_parse_quoted(&frame, packet, &quoted))
		return AG_QUOTES_NOTHING;
	return quoted.proto << 16 | quoted.port_be;
}
