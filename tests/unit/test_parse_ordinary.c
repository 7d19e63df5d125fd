// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_parse_ordinary.c - the quick look at an ordinary packet: whatever it accepts, it takes for what the
 * whole parser does
 */
#include "tests/unit/parse_fixture.h"

#define RANDOM_FRAMES 200000

static uint64_t random_state = 0x243f6a8885a308d3ULL;

static uint32_t chance(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % below;
}

/* In a buffer of the linear part's very size, which the quick look alone may read. */
struct quick_frame {
	uint8_t *storage;
	struct ag_frame view;
};

static struct quick_frame quick_frame_of(struct frame *frame, size_t linear)
{
	size_t size = linear < frame->len ? linear : frame->len;
	struct quick_frame quick = {.storage = malloc(size + FRAME_ALIGN)};

	assert_non_null(quick.storage);
	memcpy(quick.storage + FRAME_ALIGN, frame_data(frame), size);
	quick.view.data = quick.storage + FRAME_ALIGN;
	quick.view.end = quick.view.data + size;
	quick.view.len = (uint32_t)frame->len;
	return quick;
}

/* What the quick look found, as ag_parse() has it. Judging reads no more of a packet than this. */
static struct ag_packet quick_look(const struct ag_frame *view, bool *accepted)
{
	struct ag_packet packet = {.status = AG_PARSE_IP};
	struct ag_ordinary4 four;
	struct ag_ordinary6 six;
	__u16 type = ag_linear_ethertype(view);

	*accepted = true;
	if (type == AG_ETH_IPV4 && ag_parse_ordinary4(view, &four)) {
		packet.family = AG_FAMILY_IPV4;
		packet.source.words[0] = htonl(four.source);
		packet.dest.words[0] = htonl(four.dest);
		packet.port_be = htons(four.port);
		ag_set_proto(&packet, four.proto);
	} else if (type == AG_ETH_IPV6 && ag_parse_ordinary6(view, &six)) {
		packet.family = AG_FAMILY_IPV6;
		for (int i = 0; i < 4; i++) {
			packet.source.words[i] = htonl((uint32_t)(six.source[i / 2] >> (i % 2 ? 0 : 32)));
			packet.dest.words[i] = htonl((uint32_t)(six.dest[i / 2] >> (i % 2 ? 0 : 32)));
		}
		packet.port_be = htons(six.port);
		ag_set_proto(&packet, six.proto);
	} else {
		*accepted = false;
	}
	return packet;
}

/* Whether it was accepted; if so, as what ag_parse() finds. */
static bool check_quick_look(struct frame *frame, size_t linear, const char *name)
{
	struct quick_frame quick = quick_frame_of(frame, linear);
	struct ag_packet whole = parse(frame, FRAME_MAX), packet;
	bool accepted;

	packet = quick_look(&quick.view, &accepted);
	free(quick.storage);
	memset(&whole.cursor, 0, sizeof(whole.cursor));
	if (accepted && memcmp(&whole, &packet, sizeof(packet)) != 0)
		fail_msg("%s, %zu bytes, %zu of them linear: taken for an ordinary packet, is status %u, "
			 "malformed %u, fragment %u, protocol %u, port %u",
			 name, frame->len, linear, whole.status, whole.malformed, whole.fragment, whole.proto,
			 ntohs(whole.port_be));
	return accepted;
}

static void test_quick_look_at_rows(void **state)
{
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t whole;

		frame_build(&frame, &rows[i].spec);
		whole = frame.len;
		for (size_t len = 0; len <= whole && len < 200; len++)
			(void)check_quick_look(&frame, len, rows[i].name);
		for (frame.len = 0; frame.len < whole && frame.len < 200; frame.len++)
			(void)check_quick_look(&frame, FRAME_MAX, rows[i].name);
	}
}

/* The quick look is quick for what it is meant for: it does accept that. */
static void test_quick_look_accepts(void **state)
{
	static const struct frame_spec ordinary[] = {
		{V4, TCP},
		{V6, TCP},
		{V4, .proto = IPPROTO_UDP, .port = 53, .payload = 1400},
		{V6, .proto = IPPROTO_UDP, .port = 53, .payload = 1400},
		{V4, TCP, .trim = 16},
		{V6, TCP, .trim = 16},
		{V4, .proto = IPPROTO_UDP, .port = 53, .padding = 18},
		{.source = "64:ff9b::203.0.113.7", .dest = "2001:db8::10", TCP},
	};
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++) {
		frame_build(&frame, &ordinary[i]);
		assert_true(check_quick_look(&frame, FRAME_MAX, "ordinary"));
	}
}

/* Every value of both bytes of a length field, and of each byte of the IP header. */
static void check_all_values(const struct frame_spec *spec, size_t length_at, const char *name)
{
	static struct frame frame;

	frame_build(&frame, spec);
	for (uint32_t len = 0; len <= 0xffff; len++) {
		frame_put16(frame_data(&frame) + length_at, len);
		(void)check_quick_look(&frame, FRAME_MAX, name);
	}
	for (size_t at = AG_ETH_TYPE_OFFSET; at < AG_ETH_HEADER_LEN + 40; at++) {
		for (int value = 0; value <= 0xff; value++) {
			frame_build(&frame, spec);
			frame_data(&frame)[at] = (uint8_t)value;
			(void)check_quick_look(&frame, FRAME_MAX, name);
		}
	}
}

static void test_quick_look_at_all_values(void **state)
{
	static const struct frame_spec four = {V4, TCP, .payload = 10, .padding = 5},
				       six = {V6, TCP, .payload = 10, .padding = 5};

	(void)state;
	check_all_values(&four, AG_ETH_HEADER_LEN + 2, "IPv4");
	check_all_values(&six, AG_ETH_HEADER_LEN + 4, "IPv6");
}

static void mutate(struct frame *frame)
{
	for (uint32_t i = chance(4); i > 0; i--)
		frame_data(frame)[chance((uint32_t)(frame->len < 80 ? frame->len : 80))] =
			(uint8_t)chance(256);
	if (!chance(3))
		frame->len = chance((uint32_t)frame->len + 1);
}

static void test_quick_look_at_random_frames(void **state)
{
	const size_t count = sizeof(rows) / sizeof(rows[0]);
	static struct frame frame;
	unsigned long accepted = 0;

	(void)state;
	for (int i = 0; i < RANDOM_FRAMES; i++) {
		const struct row *row = &rows[chance(2) ? chance(2) : chance((uint32_t)count)];

		frame_build(&frame, &row->spec);
		mutate(&frame);
		accepted += check_quick_look(&frame, chance(2) ? FRAME_MAX : chance(100), row->name);
	}
	print_message("%d frames, %lu accepted\n", RANDOM_FRAMES, accepted);
	assert_true(accepted > RANDOM_FRAMES / 20); /* else the mutations prove nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quick_look_at_rows),
		cmocka_unit_test(test_quick_look_accepts),
		cmocka_unit_test(test_quick_look_at_all_values),
		cmocka_unit_test(test_quick_look_at_random_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
