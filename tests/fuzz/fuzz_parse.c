// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_parse.c - the kernel's parser over any frame
 *
 * Properties: no byte beyond the frame is read; where the linear part ends makes no difference; a sound
 * packet's cursor lies within it, ports come from protocols that have them, and whatever lies behind the
 * packet does not matter; and what the quick look takes for an ordinary packet is what the parser finds.
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

/* In a buffer that ends with the linear part, which the quick look alone may read. */
static void check_quick_look(const uint8_t *frame, size_t linear, size_t len, const struct ag_packet *packet)
{
	const struct ag_frame view = {.data = frame, .end = frame + linear, .len = (uint32_t)len};
	uint16_t type = ag_linear_ethertype(&view);
	struct ag_ordinary4 four;
	struct ag_ordinary6 six;

	if (type == AG_ETH_IPV4 && ag_parse_ordinary4(&view, &four)) {
		assert(packet->family == AG_FAMILY_IPV4 && packet->proto == four.proto);
		assert(packet->source.words[0] == bpf_htonl(four.source));
		assert(packet->dest.words[0] == bpf_htonl(four.dest));
		assert(packet->port_be == bpf_htons(four.port));
	} else if (type == AG_ETH_IPV6 && ag_parse_ordinary6(&view, &six)) {
		assert(packet->family == AG_FAMILY_IPV6 && packet->proto == six.proto);
		for (int i = 0; i < 2; i++) {
			assert(ag_host64(packet->source.words + i * 2) == six.source[i]);
			assert(ag_host64(packet->dest.words + i * 2) == six.dest[i]);
		}
		assert(packet->port_be == bpf_htons(six.port));
	} else {
		return;
	}
	assert(packet->status == AG_PARSE_IP && !packet->malformed && packet->fragment == AG_FRAGMENT_NONE);
}

static void check_quick_looks(const uint8_t *data, size_t len, const struct ag_packet *packet)
{
	for (size_t linear = 0; linear <= len; linear += linear < 80 ? 1 : 1 + linear / 8) {
		uint8_t *copy = malloc(linear + ALIGN);

		assert(copy);
		if (linear)
			memcpy(copy + ALIGN, data, linear);
		check_quick_look(copy + ALIGN, linear, len, packet);
		free(copy);
	}
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
	check_quick_looks(data, len, &packet);
	check_quick_look(copy + ALIGN, len, len, &packet);
	for (size_t linear = 0; linear < len; linear += 1 + linear / 8) {
		part = parse(copy + ALIGN, linear, len);
		assert(memcmp(&part, &packet, sizeof(part)) == 0);
	}
	free(copy);
	return 0;
}
