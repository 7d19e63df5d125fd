/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `reject` answers, byte by byte, and to what it gives no answer.
 *
 * The answer that is wanted is made here from the description of the frame, with checksums by the definition.
 */
#include "tests/prog/answers_rows.h"

#include <sched.h>

/* --- what the answer must be --------------------------------------------------- */

static void put32(uint8_t *at, uint32_t value)
{
	frame_put16(at, value >> 16);
	frame_put16(at + 2, value & 0xffff);
}

/* Ethernet and IP headers of the answer to `spec`, `len` bytes behind them. Returns the IP header. */
static uint8_t *want_headers(const struct frame_spec *spec, struct frame *frame, uint8_t proto, size_t len)
{
	bool ipv6 = frame_is_ipv6(spec);
	uint8_t *eth, *ip;

	frame->len = 0;
	frame_push_ethernet(frame, spec);
	eth = frame_data(frame);
	for (size_t i = 0; i < 6; i++) {
		uint8_t dest = eth[i];

		eth[i] = eth[i + 6];
		eth[i + 6] = dest;
	}
	ip = frame_push(frame, ipv6 ? 40 : 20);
	if (ipv6) {
		ip[0] = 0x60;
		frame_put16(ip + 4, len);
		ip[6] = proto;
		ip[7] = 64;
		inet_pton(AF_INET6, spec->dest, ip + 8);
		inet_pton(AF_INET6, spec->source, ip + 24);
		return ip;
	}
	ip[0] = 0x45;
	ip[1] = proto == IPPROTO_ICMP ? 0xc0 : 0;
	frame_put16(ip + 2, 20 + len);
	ip[6] = 0x40; /* not to be fragmented, so the id may be zero */
	ip[8] = 64;
	ip[9] = proto;
	inet_pton(AF_INET, spec->dest, ip + 12);
	inet_pton(AF_INET, spec->source, ip + 16);
	frame_put16(ip + 10, ~actions_add(ip, 20, 0) & 0xffff);
	return ip;
}

/* --- TCP ------------------------------------------------------------------------ */

static void want_reset(const struct segment *row, struct frame *frame)
{
	uint8_t *ip = want_headers(&row->spec, frame, IPPROTO_TCP, 20);
	uint8_t *tcp = frame_push(frame, 20);

	frame_put16(tcp, row->spec.port);
	frame_put16(tcp + 2, row->spec.source_port);
	put32(tcp + 4, row->reset_seq);
	put32(tcp + 8, row->reset_ack);
	tcp[12] = 0x50;
	tcp[13] = row->reset_flags;
	frame_put16(tcp + 16, ~actions_add(tcp, 20, actions_pseudo(ip, IPPROTO_TCP, 20)) & 0xffff);
}

static void check_silence(const char *name, const struct actions_result *result)
{
	if (result->action != XDP_DROP || result->verdict != AG_VERDICT_DENIED)
		fail_msg("%s: action %u, verdict %d, not dropped as denied", name, result->action,
			 result->verdict);
}

static void build_segment(const struct segment *row, struct frame *frame)
{
	frame_build(frame, &row->spec);
	if (row->spec.proto == IPPROTO_TCP && !row->spec.start)
		actions_set_tcp(frame, actions_transport(&row->spec), row->seq, row->ack,
				row->words ? row->words : 5, row->flags);
}

static void check_segment(struct allowgate_bpf *kernel, const struct segment *row, size_t linear)
{
	static struct actions_result result;
	static struct frame frame, want;

	build_segment(row, &frame);
	actions_run(kernel, &frame, linear < frame.len ? linear : 0, &result);
	if (!row->reset_flags) {
		check_silence(row->name, &result);
		return;
	}
	if (result.action != XDP_TX || result.verdict != AG_VERDICT_REJECTED)
		fail_msg("%s: action %u, verdict %d", row->name, result.action, result.verdict);
	want_reset(row, &want);
	actions_compare(row->name, result.data, result.len, frame_data(&want), want.len);
}

static void test_segments(void **state)
{
	(void)state;
	for (int frags = 0; frags <= 1; frags++) {
		struct allowgate_bpf *kernel = actions_load(frags);

		for (size_t i = 0; i < COUNT(segments); i++)
			if (frags || segments[i].spec.payload < 2000)
				check_segment(kernel, &segments[i], 0);
		for (size_t i = 0; i < COUNT(no_hosts); i++)
			check_segment(kernel, &no_hosts[i], 0);
		allowgate_bpf__destroy(kernel);
	}
}

/* --- all else --------------------------------------------------------------------- */

static void want_icmp(const struct other *row, const struct frame *request, struct frame *frame)
{
	bool ipv6 = frame_is_ipv6(&row->spec);
	size_t most = ipv6 ? 1280 - 48 : 576 - 28;
	size_t quoted = row->quoted == AS_LONG_AS_ALLOWED ? most : row->quoted;
	uint8_t proto = ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	uint8_t *ip = want_headers(&row->spec, frame, proto, 8 + quoted);
	uint8_t *icmp = frame_push(frame, 8 + quoted);

	icmp[0] = ipv6 ? 1 : 3;
	icmp[1] = ipv6 ? 1 : 13;
	memcpy(icmp + 8, request->storage + FRAME_ALIGN + actions_network(&row->spec), quoted);
	frame_put16(icmp + 2,
		    ~actions_add(icmp, 8 + quoted, ipv6 ? actions_pseudo(ip, proto, 8 + quoted) : 0) &
			    0xffff);
}

static void check_other(struct allowgate_bpf *kernel, const struct other *row, size_t linear)
{
	static struct actions_result result;
	static struct frame frame, want;
	size_t transport = actions_transport(&row->spec);

	frame_build(&frame, &row->spec);
	if (frame.len > transport + 8)
		actions_fill(&frame, transport + 8);
	actions_run(kernel, &frame, linear < frame.len ? linear : 0, &result);
	if (row->quoted == SILENCE) {
		check_silence(row->name, &result);
		return;
	}
	if (result.action != XDP_TX || result.verdict != AG_VERDICT_REJECTED)
		fail_msg("%s: action %u, verdict %d", row->name, result.action, result.verdict);
	want_icmp(row, &frame, &want);
	actions_compare(row->name, result.data, result.len, frame_data(&want), want.len);
}

static void test_others(void **state)
{
	(void)state;
	for (int frags = 0; frags <= 1; frags++) {
		struct allowgate_bpf *kernel = actions_load(frags);

		for (size_t i = 0; i < COUNT(others); i++)
			if (frags || others[i].spec.payload < 2000)
				check_other(kernel, &others[i], 0);
		allowgate_bpf__destroy(kernel);
	}
}

/* Errors are not answered; of IPv4, nor is what might be one. */
static void test_icmp_types(void **state)
{
	static const uint8_t silent4[] = {3, 4, 5, 11, 12};
	struct allowgate_bpf *kernel = actions_load(true);

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		struct other four = {"ICMP", {FOUR, .proto = IPPROTO_ICMP, .type = (uint8_t)type}, 28};
		struct other six = {"ICMPv6", {SIX, .proto = IPPROTO_ICMPV6, .type = (uint8_t)type}, 48};

		if (type > 18 || memchr(silent4, (int)type, sizeof(silent4)))
			four.quoted = SILENCE;
		if (type < 128 || type == 137)
			six.quoted = SILENCE;
		check_other(kernel, &four, 0);
		check_other(kernel, &six, 0);
	}
	allowgate_bpf__destroy(kernel);
}

/* --- frames for many, frames in several buffers ------------------------------------ */

/* A frame for a group of hosts is answered by none of them, and none is sent to a group. */
static void test_groups(void **state)
{
	static const struct segment segment = {"", {FOUR, TCP}, .flags = SYN};
	static const struct frame_spec datagram = {SIX, UDP};
	struct allowgate_bpf *kernel = actions_load(true);
	static struct actions_result result;
	static struct frame frame;

	(void)state;
	for (size_t at = 0; at <= 6; at += 6) {
		build_segment(&segment, &frame);
		frame_data(&frame)[at] = 0x01;
		actions_run(kernel, &frame, 0, &result);
		check_silence("TCP, a group's address", &result);
		frame_build(&frame, &datagram);
		memset(frame_data(&frame) + at, 0xff, 6);
		actions_run(kernel, &frame, 0, &result);
		check_silence("UDP, broadcast", &result);
	}
	allowgate_bpf__destroy(kernel);
}

static bool can_shorten_linear_part(struct allowgate_bpf *kernel)
{
	static const struct frame_spec spec = {FOUR, UDP, .payload = 100};
	static struct frame frame;
	uint32_t action;

	frame_build(&frame, &spec);
	return kernel_run_raw(kernel, &frame, 60, &action) == 0;
}

/*
 * With its headers in the first buffer a frame is answered as if it lay in one: a RST is the same, an error
 * quotes what is there. Otherwise it is dropped, never answered wrongly.
 */
static void test_linear_part(void **state)
{
	static const struct segment four = {"", {FOUR, TCP, .payload = 900}, 9, 77, ACK, 0, RST, 77, 0};
	static const struct segment six = {"", {SIX, TCP, EXT(0)}, 9, 7, SYN, 0, RST | ACK, 0, 10};
	struct allowgate_bpf *kernel = actions_load(true);
	struct segment segment;
	struct other other;

	(void)state;
	if (!can_shorten_linear_part(kernel)) {
		allowgate_bpf__destroy(kernel);
		print_message("SKIP: this kernel puts all of a short frame into one buffer\n");
		skip();
	}
	for (size_t linear = 14; linear < 120; linear++) {
		segment = four;
		segment.reset_flags = linear < 54 ? 0 : RST;
		check_segment(kernel, &segment, linear);
		segment = six;
		segment.reset_flags = linear < 82 ? 0 : RST | ACK;
		check_segment(kernel, &segment, linear);
		other = (struct other){"UDP", {FOUR, UDP, .payload = 900}, SILENCE};
		if (linear >= 42)
			other.quoted = (uint16_t)(linear - 14);
		check_other(kernel, &other, linear);
		other = (struct other){"UDP, IPv6", {TAGS(FRAME_VLAN), SIX, UDP, .payload = 900}, SILENCE};
		if (linear >= 66)
			other.quoted = (uint16_t)(linear - 18);
		check_other(kernel, &other, linear);
	}
	allowgate_bpf__destroy(kernel);
}

/* --- the limit ---------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void stay_on_one_cpu(cpu_set_t *before)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	assert_int_equal(sched_getaffinity(0, sizeof(*before), before), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* As many as the frames that were answered until one was not; the rest of that tick is silence. */
static size_t answered_in_a_row(struct allowgate_bpf *kernel, struct frame *frame)
{
	static struct actions_result result;

	for (size_t answered = 0; answered < 1000000; answered++) {
		actions_run_only(kernel, frame, 0, &result);
		if (result.action == XDP_DROP)
			return answered;
		assert_int_equal(result.action, XDP_TX);
	}
	fail_msg("there is no limit");
	return 0;
}

/* Ten a tick, of whatever kind; a tick is 1 to 10 ms. What gets no answer costs none of them. */
static void test_limit(void **state)
{
	static const struct segment syn = {"", {FOUR, TCP}, .flags = SYN};
	static const struct segment reset = {"", {FOUR, TCP}, .flags = RST};
	static const struct frame_spec datagram = {SIX, UDP};
	struct allowgate_bpf *kernel = actions_load(false);
	static struct actions_result result;
	static struct frame frame, other;
	cpu_set_t cpus;

	(void)state;
	stay_on_one_cpu(&cpus);
	build_segment(&syn, &frame);
	for (int round = 0; round < 5; round++) {
		int64_t start = now_ms();
		size_t answered = answered_in_a_row(kernel, &frame);

		assert_true(answered >= 10);
		assert_true(answered <= 10 * (size_t)(now_ms() - start + 2));
		usleep(25000);
	}
	build_segment(&reset, &other);
	for (int i = 0; i < 100; i++)
		actions_run_only(kernel, &other, 0, &result);
	actions_run_only(kernel, &frame, 0, &result);
	assert_int_equal(result.action, XDP_TX);
	(void)answered_in_a_row(kernel, &frame);
	frame_build(&other, &datagram);
	usleep(25000);
	assert_true(answered_in_a_row(kernel, &other) >= 10);
	assert_int_equal(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	allowgate_bpf__destroy(kernel);
}

/* Over the limit is denied, and counted so. */
static void test_over_the_limit_is_denied(void **state)
{
	static const struct segment syn = {"", {FOUR, TCP}, .flags = SYN};
	struct allowgate_bpf *kernel = actions_load(false);
	struct actions_tally before, after;
	struct frame frame;
	size_t answered;

	(void)state;
	build_segment(&syn, &frame);
	actions_tally(kernel, &before);
	answered = answered_in_a_row(kernel, &frame);
	actions_tally(kernel, &after);
	assert_int_equal(after.account[0][AG_VERDICT_REJECTED].packets, answered);
	assert_int_equal(after.account[0][AG_VERDICT_DENIED].packets, 1);
	assert_int_equal(after.account[0][AG_VERDICT_DENIED].bytes, frame.len);
	allowgate_bpf__destroy(kernel);
}

/* Those who are listed are let in, and an action that is none is no way in. */
static void test_no_other_is_touched(void **state)
{
	static const struct frame_spec listed = {FROM(LISTED4), TO("192.0.2.10"), UDP, .payload = 9};
	static const struct frame_spec nonsense = {FROM(STRANGER4), TO("192.0.2.50"), UDP, .payload = 9};
	struct allowgate_bpf *kernel = actions_load(false);
	static struct actions_result result;
	static struct frame frame;

	(void)state;
	frame_build(&frame, &listed);
	actions_run(kernel, &frame, 0, &result);
	assert_int_equal(result.action, XDP_PASS);
	assert_int_equal(result.verdict, AG_VERDICT_ALLOWED);
	actions_compare("listed", result.data, result.len, frame_data(&frame), frame.len);
	frame_build(&frame, &nonsense);
	actions_run(kernel, &frame, 0, &result);
	check_silence("an action that is none", &result);
	allowgate_bpf__destroy(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_icmp_types),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_linear_part),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_over_the_limit_is_denied),
		cmocka_unit_test(test_no_other_is_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
