// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_parse.c - the kernel's parser over any frame
 *
 * Properties: no byte beyond the frame is read; where the linear part ends makes no difference; a sound
 * packet's cursor lies within it, ports come from protocols that have them, and whatever lies behind the
 * packet does not matter.
 */
#include "tests/fuzz/fuzz.h"

#include "bpf/parse.h"

#define ALIGN	  2    /* of the Ethernet header, see parse.h */
#define FRAME_MAX 9000 /* bytes tried */

AG_INLINE long ag_frame_load(const struct ag_frame *frame, __u32 offset, void *to, __u32 len)
{
	assert(offset + len <= frame->len);
	memcpy(to, (const uint8_t *)frame->context + offset, len);
	return 0;
}

static struct ag_packet parse(const uint8_t *frame, size_t linear, size_t len)
{
	const struct ag_frame view = {
		.data = frame,
		.end = frame + linear,
		.len = (uint32_t)len,
		.context = (void *)(uintptr_t)frame,
	};
	struct ag_packet packet;

	memset(&packet, 0, sizeof(packet));
	ag_parse(&view, &packet);
	return packet;
}

static void check_packet(const struct ag_packet *packet, size_t len)
{
	assert(packet->status <= AG_PARSE_IP);
	assert(packet->malformed <= 1);
	if (packet->status != AG_PARSE_IP)
		return;
	assert(packet->family == AG_FAMILY_IPV4 || packet->family == AG_FAMILY_IPV6);
	if (packet->malformed)
		return;
	assert(packet->cursor.offset <= packet->cursor.end && packet->cursor.end <= len);
	assert(packet->fragment == AG_FRAGMENT_LATER || packet->family == AG_FAMILY_IPV4 ||
	       !ag_is_extension(packet->cursor.proto));
	assert(!packet->port_be ||
	       (ag_has_ports(packet->cursor.proto) && packet->fragment != AG_FRAGMENT_LATER));
	if (packet->family == AG_FAMILY_IPV4)
		assert(!packet->source.words[1] && !packet->source.words[3] && !packet->dest.words[1]);
}

/* A sound packet stays what it is when the frame ends with it. */
static void check_without_padding(const uint8_t *frame, const struct ag_packet *packet)
{
	struct ag_packet again;

	if (packet->status != AG_PARSE_IP || packet->malformed)
		return;
	again = parse(frame, packet->cursor.end, packet->cursor.end);
	assert(memcmp(&again, packet, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size < FRAME_MAX ? size : FRAME_MAX;
	uint8_t *copy = malloc(len + ALIGN);
	struct ag_packet packet, part;

	assert(copy);
	if (len)
		memcpy(copy + ALIGN, data, len);
	packet = parse(copy + ALIGN, len, len);
	check_packet(&packet, len);
	check_without_padding(copy + ALIGN, &packet);
	for (size_t linear = 0; linear < len; linear += 1 + linear / 8) {
		part = parse(copy + ALIGN, linear, len);
		assert(memcmp(&part, &packet, sizeof(part)) == 0);
	}
	free(copy);
	return 0;
}
