// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_parse.c - the kernel's parser and its decision, compiled on the host
 */
#include "tests/unit/parse_fixture.h"

#include "bpf/decide.h"

static bool packet_is(const struct ag_packet *packet, const struct row *row)
{
	if (packet->status != row->status)
		return false;
	if (row->status != AG_PARSE_IP)
		return true;
	if (packet->malformed != row->malformed || packet->fragment != row->fragment)
		return false;
	return row->malformed || (packet->proto == row->proto && ntohs(packet->port_be) == row->port);
}

static void check_addresses(const struct ag_packet *packet, const struct frame_spec *spec)
{
	union ag_addr source = {0}, dest = {0};
	int family = frame_is_ipv6(spec) ? AF_INET6 : AF_INET;

	inet_pton(family, spec->source, &source);
	inet_pton(family, spec->dest, &dest);
	assert_int_equal(packet->family, family == AF_INET ? AG_FAMILY_IPV4 : AG_FAMILY_IPV6);
	assert_memory_equal(&packet->source, &source, sizeof(source));
	assert_memory_equal(&packet->dest, &dest, sizeof(dest));
}

static void test_rows(void **state)
{
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ag_packet packet;

		frame_build(&frame, &rows[i].spec);
		packet = parse(&frame, FRAME_MAX);
		if (!packet_is(&packet, &rows[i]))
			fail_msg("%s: status %u, malformed %u, fragment %u, proto %u, port %u", rows[i].name,
				 packet.status, packet.malformed, packet.fragment, packet.proto,
				 ntohs(packet.port_be));
		if (packet.status == AG_PARSE_IP)
			check_addresses(&packet, &rows[i].spec);
	}
}

/* Where the linear part ends must not matter; short frames are in a buffer of their very size, for ASan to
 * watch. */
static void test_linear_part_does_not_matter(void **state)
{
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ag_packet whole, part;

		frame_build(&frame, &rows[i].spec);
		whole = parse(&frame, FRAME_MAX);
		for (size_t linear = 0; linear < frame.len && linear < 200; linear++) {
			part = parse(&frame, linear);
			if (memcmp(&whole, &part, sizeof(whole)) != 0)
				fail_msg("%s: differs with %zu linear bytes", rows[i].name, linear);
		}
	}
}

/* Every frame cut at every length: nothing is read beyond it, and a cut packet is never taken for a whole
 * one. */
static void test_every_cut(void **state)
{
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		frame_build(&frame, &rows[i].spec);
		for (size_t len = 0; len < frame.len && len < 300; len++) {
			uint8_t *copy = malloc(len + FRAME_ALIGN);
			struct ag_frame view = {.len = (uint32_t)len};
			struct ag_packet packet = {0};

			assert_non_null(copy);
			memcpy(copy + FRAME_ALIGN, frame_data(&frame), len);
			view.data = copy + FRAME_ALIGN;
			view.end = view.data + len;
			view.context = copy + FRAME_ALIGN;
			ag_parse(&view, &packet);
			if (packet.status == AG_PARSE_IP && !packet.malformed && !rows[i].spec.padding)
				fail_msg("%s: sound when cut to %zu bytes", rows[i].name, len);
			free(copy);
		}
	}
}

/* --- what is decided ------------------------------------------------------ */

static void test_decide(void **state)
{
	static const struct {
		uint8_t flags;
		enum ag_match match;
		enum ag_verdict verdict;
	} cases[] = {
		{0, AG_MATCH_NONE, AG_VERDICT_OPEN},
		{0, AG_MATCH_DENY, AG_VERDICT_OPEN},
		{AG_ACCOUNT_MONITOR | AG_ACCOUNT_SIDE, AG_MATCH_DENY, AG_VERDICT_OPEN},
		{AG_ACCOUNT_ACTIVE, AG_MATCH_ALLOW, AG_VERDICT_ALLOWED},
		{AG_ACCOUNT_ACTIVE, AG_MATCH_DENY, AG_VERDICT_DENIED},
		{AG_ACCOUNT_ACTIVE, AG_MATCH_NONE, AG_VERDICT_DENIED},
		{AG_ACCOUNT_ACTIVE, (enum ag_match)77, AG_VERDICT_DENIED},
		{AG_ACCOUNT_ACTIVE | AG_ACCOUNT_SIDE, AG_MATCH_NONE, AG_VERDICT_DENIED},
		{AG_ACCOUNT_ACTIVE | AG_ACCOUNT_MONITOR, AG_MATCH_ALLOW, AG_VERDICT_ALLOWED},
		{AG_ACCOUNT_ACTIVE | AG_ACCOUNT_MONITOR, AG_MATCH_DENY, AG_VERDICT_WOULD_DENY},
		{AG_ACCOUNT_ACTIVE | AG_ACCOUNT_MONITOR, AG_MATCH_NONE, AG_VERDICT_WOULD_DENY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const union ag_account_state account = {.flags = cases[i].flags};

		assert_int_equal(ag_decide(account, cases[i].match), cases[i].verdict);
	}
}

static void test_action(void **state)
{
	(void)state;
	for (int verdict = 0; verdict <= AG_VERDICT_NOT_JUDGED; verdict++) {
		assert_int_equal(ag_action_of((enum ag_verdict)verdict, false),
				 verdict == AG_VERDICT_DENIED ? XDP_DROP : XDP_PASS);
		assert_int_equal(ag_action_of((enum ag_verdict)verdict, true), XDP_DROP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	  cmocka_unit_test(test_linear_part_does_not_matter),
		cmocka_unit_test(test_every_cut), cmocka_unit_test(test_decide),
		cmocka_unit_test(test_action),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
