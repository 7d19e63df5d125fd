/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `notice` makes of a stopped packet on its way in, and of the notice server's answers on their way out.
 *
 * Frames carry right checksums here: what has been changed must be right too, by the definition, and
 * everything else be as it was.
 */
#include "tests/prog/actions.h"

#include <linux/pkt_cls.h>

#define FROM(text)  .source = (text)
#define TO(text)    .dest = (text)
#define TCP(number) .proto = IPPROTO_TCP, .source_port = 40000, .port = (number)
#define UDP(number) .proto = IPPROTO_UDP, .source_port = 40000, .port = (number)
#define EXT(...)    .extensions = {__VA_ARGS__}, .extension_count = sizeof((uint8_t[]){__VA_ARGS__})
#define TAGS(...)   .tags = {__VA_ARGS__}
#define FOUR	    FROM(STRANGER4), TO("192.0.2.20")
#define SIX	    FROM(STRANGER6), TO("2001:db8::20")

/* --- frames with checksums ------------------------------------------------------ */

/* Of a header that goes as far. */
static void seal_tcp(struct frame *frame, size_t ip, size_t tcp, size_t end)
{
	uint8_t *data = frame_data(frame);
	size_t len = end - tcp;

	if (len < 18)
		return;
	frame_put16(data + tcp + 16, 0);
	frame_put16(data + tcp + 16,
		    ~actions_add(data + tcp, len, actions_pseudo(data + ip, IPPROTO_TCP, len)) & 0xffff);
}

static size_t tcp_end(const struct frame_spec *spec, const struct frame *frame)
{
	return frame->len - spec->padding;
}

static void build(const struct frame_spec *spec, struct frame *frame)
{
	size_t tcp = actions_transport(spec);

	frame_build(frame, spec);
	if (spec->proto != IPPROTO_TCP || spec->start)
		return;
	actions_fill(frame, tcp + 4);
	if (tcp + 20 <= tcp_end(spec, frame))
		actions_set_tcp(frame, tcp, 0x12345678, 0x9abcdef0, 5, 0x18);
	seal_tcp(frame, actions_network(spec), tcp, tcp_end(spec, frame));
}

/* --- in ------------------------------------------------------------------------- */

struct handed {
	const char *name;
	struct frame_spec spec;
	uint16_t port; /* of the notice server; 0: it is dropped */
};

static const struct handed handed[] = {
	{"IPv4", {FOUR, TCP(80)}, NOTICE_PORT},
	{"IPv4, another port of the address", {FOUR, TCP(443), .payload = 33}, NOTICE_PORT},
	{"IPv6", {SIX, TCP(80), .payload = 1001}, NOTICE_PORT},
	{"another server", {FROM(STRANGER4), TO("192.0.2.21"), TCP(22)}, OTHER_PORT},
	{"another server, IPv6", {FROM(STRANGER6), TO("2001:db8::21"), TCP(22)}, OTHER_PORT},
	{"the server's own port", {FROM(STRANGER4), TO("192.0.2.21"), TCP(OTHER_PORT)}, OTHER_PORT},
	{"in a prefix", {FROM(STRANGER4), TO("198.19.7.7"), TCP(80)}, OTHER_PORT},
	{"one tag", {TAGS(FRAME_VLAN), FOUR, TCP(80)}, NOTICE_PORT},
	{"two tags", {TAGS(FRAME_QINQ, FRAME_VLAN), SIX, TCP(80)}, NOTICE_PORT},
	{"options", {FOUR, TCP(80), .ihl = 15, .payload = 7}, NOTICE_PORT},
	{"extension headers", {SIX, TCP(80), EXT(0, 60, 43, 44)}, NOTICE_PORT},
	{"long extension headers", {SIX, TCP(80), EXT(60, 60, 60), .extension_len = 40}, NOTICE_PORT},
	{"padding", {FOUR, TCP(80), .padding = 6}, NOTICE_PORT},
	{"a first fragment", {FOUR, TCP(80), .more = true, .payload = 12}, NOTICE_PORT},
	{"a jumbo frame", {FOUR, TCP(80), .payload = 8000}, NOTICE_PORT},
	{"ports alone", {FOUR, TCP(80), .trim = 16}, NOTICE_PORT},
	{"ports alone, padding", {SIX, TCP(80), .trim = 16, .padding = 20}, NOTICE_PORT},
	{"up to the checksum", {FOUR, TCP(80), .trim = 4, .padding = 8}, NOTICE_PORT},
	{"half a checksum", {FOUR, TCP(80), .trim = 3, .padding = 8}, NOTICE_PORT},
	{"with the checksum", {SIX, TCP(80), .trim = 2, .padding = 8}, NOTICE_PORT},

	{"a later fragment", {FROM(STRANGER4), TO("192.0.2.21"), TCP(80), .start = 8}, 0},
	{"a later fragment, IPv6", {SIX, TCP(80), EXT(44), .start = 8}, 0},
	{"UDP", {FROM(STRANGER4), TO("192.0.2.21"), UDP(80)}, 0},
	{"ping", {FROM(STRANGER4), TO("192.0.2.21"), .proto = IPPROTO_ICMP, .type = 8}, 0},
	{"ESP", {FROM(STRANGER4), TO("192.0.2.21"), .proto = IPPROTO_ESP, .payload = 40}, 0},
};

static struct ag_flow_key flow_of(const struct frame_spec *spec, uint16_t notice_port)
{
	struct ag_flow_key key = {.visitor_port_be = htons(spec->source_port),
				  .notice_port_be = htons(notice_port),
				  .family = frame_is_ipv6(spec) ? AG_FAMILY_IPV6 : AG_FAMILY_IPV4};
	int family = frame_is_ipv6(spec) ? AF_INET6 : AF_INET;

	inet_pton(family, spec->source, key.visitor);
	inet_pton(family, spec->dest, key.service);
	return key;
}

static bool find_flow(struct allowgate_bpf *kernel, const struct ag_flow_key *key, uint16_t *port)
{
	__be16 found;

	if (bpf_map_lookup_elem(bpf_map__fd(kernel->maps.ag_flows), key, &found))
		return false;
	*port = ntohs(found);
	return true;
}

static void check_not_handed(struct allowgate_bpf *kernel, const struct handed *row,
			     const struct actions_result *result)
{
	const uint16_t ports[] = {NOTICE_PORT, OTHER_PORT};
	uint16_t port;

	if (result->action != XDP_DROP || result->verdict != AG_VERDICT_DENIED)
		fail_msg("%s: action %u, verdict %d", row->name, result->action, result->verdict);
	for (size_t i = 0; i < COUNT(ports); i++) {
		const struct ag_flow_key key = flow_of(&row->spec, ports[i]);

		assert_false(find_flow(kernel, &key, &port));
	}
}

static void forget_flows(struct allowgate_bpf *kernel)
{
	struct ag_flow_key key;

	while (!bpf_map_get_next_key(bpf_map__fd(kernel->maps.ag_flows), NULL, &key))
		(void)bpf_map_delete_elem(bpf_map__fd(kernel->maps.ag_flows), &key);
}

static void check_handed(struct allowgate_bpf *kernel, const struct handed *row, size_t linear)
{
	const struct ag_flow_key key = flow_of(&row->spec, row->port);
	static struct actions_result result;
	static struct frame frame, want;
	uint16_t port = 0;
	size_t tcp = actions_transport(&row->spec);

	build(&row->spec, &frame);
	forget_flows(kernel);
	actions_run(kernel, &frame, linear < frame.len ? linear : 0, &result);
	if (!row->port) {
		check_not_handed(kernel, row, &result);
		return;
	}
	if (result.action != XDP_PASS || result.verdict != AG_VERDICT_REDIRECTED)
		fail_msg("%s: action %u, verdict %d", row->name, result.action, result.verdict);
	want = frame;
	frame_put16(frame_data(&want) + tcp + 2, row->port);
	seal_tcp(&want, actions_network(&row->spec), tcp, tcp_end(&row->spec, &want));
	actions_compare(row->name, result.data, result.len, frame_data(&want), want.len);
	assert_true(find_flow(kernel, &key, &port));
	assert_int_equal(port, row->spec.port);
}

static void test_handed(void **state)
{
	(void)state;
	for (int frags = 0; frags <= 1; frags++) {
		struct allowgate_bpf *kernel = actions_load(frags);

		for (size_t i = 0; i < COUNT(handed); i++)
			if (frags || handed[i].spec.payload < 2000)
				check_handed(kernel, &handed[i], 0);
		allowgate_bpf__destroy(kernel);
	}
}

/* Wherever the frame is cut into buffers. */
static void test_handed_in_buffers(void **state)
{
	static const struct frame_spec spec = {SIX, TCP(80), .payload = 100};
	struct allowgate_bpf *kernel = actions_load(true);
	static struct frame frame;
	uint32_t action;

	(void)state;
	frame_build(&frame, &spec);
	if (kernel_run_raw(kernel, &frame, 60, &action)) {
		allowgate_bpf__destroy(kernel);
		print_message("SKIP: this kernel puts all of a short frame into one buffer\n");
		skip();
	}
	for (size_t linear = 14; linear < 120; linear++)
		for (size_t i = 0; i < COUNT(handed); i++)
			check_handed(kernel, &handed[i], linear);
	allowgate_bpf__destroy(kernel);
}

/* Of a visitor who comes to another port from the port that was used before, the last counts. */
static void test_last_port_counts(void **state)
{
	static const struct frame_spec first = {FOUR, TCP(80)}, second = {FOUR, TCP(443)};
	const struct ag_flow_key key = flow_of(&first, NOTICE_PORT);
	struct allowgate_bpf *kernel = actions_load(false);
	static struct actions_result result;
	static struct frame frame;
	uint16_t port = 0;

	(void)state;
	build(&first, &frame);
	actions_run(kernel, &frame, 0, &result);
	assert_true(find_flow(kernel, &key, &port));
	assert_int_equal(port, 80);
	build(&second, &frame);
	actions_run(kernel, &frame, 0, &result);
	assert_true(find_flow(kernel, &key, &port));
	assert_int_equal(port, 443);
	allowgate_bpf__destroy(kernel);
}

static void test_listed_is_not_touched(void **state)
{
	static const struct frame_spec specs[] = {
		{FROM(LISTED4), TO("192.0.2.20"), TCP(80), .payload = 9},
		{FROM(LISTED6), TO("2001:db8::20"), TCP(80), .payload = 9},
	};
	struct allowgate_bpf *kernel = actions_load(false);
	static struct actions_result result;
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		const struct ag_flow_key key = flow_of(&specs[i], NOTICE_PORT);
		uint16_t port;

		build(&specs[i], &frame);
		actions_run(kernel, &frame, 0, &result);
		assert_int_equal(result.action, XDP_PASS);
		assert_int_equal(result.verdict, AG_VERDICT_ALLOWED);
		actions_compare("listed", result.data, result.len, frame_data(&frame), frame.len);
		assert_false(find_flow(kernel, &key, &port));
	}
	allowgate_bpf__destroy(kernel);
}

/* --- out ------------------------------------------------------------------------ */

/* What leaves: to the visitor, from the service's address. */
#define OUT_FOUR	FROM("192.0.2.20"), TO(STRANGER4)
#define OUT_SIX		FROM("2001:db8::20"), TO(STRANGER6)
#define OUT_TCP(number) .proto = IPPROTO_TCP, .source_port = (number), .port = 40000

struct leaving {
	const char *name;
	struct frame_spec spec;
	uint16_t port; /* as the visitor sees it; 0: it leaves as it is */
};

/* The flows there are: of STRANGER4 and STRANGER6 from port 40000 to port 443 of 192.0.2.20 and 2001:db8::20.
 */
static const struct leaving leaving[] = {
	{"IPv4", {OUT_FOUR, OUT_TCP(NOTICE_PORT), .payload = 77}, 443},
	{"IPv6", {OUT_SIX, OUT_TCP(NOTICE_PORT), .payload = 78}, 443},
	{"no data", {OUT_FOUR, OUT_TCP(NOTICE_PORT)}, 443},
	{"options", {OUT_FOUR, OUT_TCP(NOTICE_PORT), .ihl = 15}, 443},
	{"one tag", {TAGS(FRAME_VLAN), OUT_FOUR, OUT_TCP(NOTICE_PORT)}, 443},
	{"two tags", {TAGS(FRAME_QINQ, FRAME_VLAN), OUT_SIX, OUT_TCP(NOTICE_PORT)}, 443},
	{"a long segment", {OUT_SIX, OUT_TCP(NOTICE_PORT), .payload = 3000}, 443},

	{"another visitor", {FROM("192.0.2.20"), TO("100.64.0.8"), OUT_TCP(NOTICE_PORT)}, 0},
	{"another address", {FROM("192.0.2.21"), TO(STRANGER4), OUT_TCP(NOTICE_PORT)}, 0},
	{"another server", {OUT_FOUR, OUT_TCP(OTHER_PORT)}, 0},
	{"another port of the visitor",
	 {OUT_FOUR, .proto = IPPROTO_TCP, .source_port = NOTICE_PORT, .port = 40001},
	 0},
	{"the application", {OUT_FOUR, OUT_TCP(443)}, 0},
	{"to the notice port",
	 {OUT_FOUR, .proto = IPPROTO_TCP, .source_port = 40000, .port = NOTICE_PORT},
	 0},
	{"UDP", {OUT_FOUR, .proto = IPPROTO_UDP, .source_port = NOTICE_PORT, .port = 40000}, 0},
	{"UDP, IPv6", {OUT_SIX, .proto = IPPROTO_UDP, .source_port = NOTICE_PORT, .port = 40000}, 0},
	{"a later fragment", {OUT_FOUR, OUT_TCP(NOTICE_PORT), .start = 8, .payload = 20}, 0},
	{"extension headers", {OUT_SIX, OUT_TCP(NOTICE_PORT), EXT(60)}, 0},
	{"ARP", {.ethertype = FRAME_ETH_ARP, .payload = 28}, 0},
	{"three tags", {TAGS(FRAME_VLAN, FRAME_VLAN, FRAME_VLAN), OUT_FOUR, OUT_TCP(NOTICE_PORT)}, 0},
};

static void run_egress(struct allowgate_bpf *kernel, struct frame *frame, struct actions_result *result)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame_data(frame),
		    .data_size_in = (uint32_t)frame->len, .data_out = result->data,
		    .data_size_out = sizeof(result->data), .repeat = 1);

	kernel_check(bpf_prog_test_run_opts(bpf_program__fd(kernel->progs.ag_egress), &opts), "run egress");
	result->action = opts.retval;
	result->len = opts.data_size_out;
}

static void put_flows(struct allowgate_bpf *kernel)
{
	static const struct frame_spec specs[] = {{FOUR, TCP(443)}, {SIX, TCP(443)}};
	const __be16 port_be = htons(443);

	for (size_t i = 0; i < COUNT(specs); i++) {
		const struct ag_flow_key key = flow_of(&specs[i], NOTICE_PORT);

		kernel_put(kernel->maps.ag_flows, &key, &port_be);
	}
}

/* `port` as in struct leaving. Returns the program's word, which other programs on the device go by. */
static void check_leaving(struct allowgate_bpf *kernel, const struct leaving *row, uint16_t port)
{
	static struct actions_result result;
	static struct frame frame, want;
	size_t tcp;

	build(&row->spec, &frame);
	run_egress(kernel, &frame, &result);
	if (result.action != (uint32_t)TC_ACT_UNSPEC)
		fail_msg("%s: action %d", row->name, (int)result.action);
	want = frame;
	if (port) {
		tcp = actions_transport(&row->spec);
		frame_put16(frame_data(&want) + tcp, port);
		seal_tcp(&want, actions_network(&row->spec), tcp, want.len);
	}
	actions_compare(row->name, result.data, result.len, frame_data(&want), want.len);
}

static void test_leaving(void **state)
{
	struct allowgate_bpf *kernel = actions_load(false);

	(void)state;
	put_flows(kernel);
	for (size_t i = 0; i < COUNT(leaving); i++)
		check_leaving(kernel, &leaving[i], leaving[i].port);
	allowgate_bpf__destroy(kernel);
}

/* Without a notice server in use nothing is touched, whatever has been left behind. */
static void test_leaving_without_notice(void **state)
{
	struct allowgate_bpf *kernel = actions_load(false);
	const uint32_t word = NOTICE_PORT / 64;
	const uint64_t others = ~(1ULL << NOTICE_PORT % 64);

	(void)state;
	put_flows(kernel);
	kernel_put_config(kernel, 0);
	for (size_t i = 0; i < COUNT(leaving); i++)
		check_leaving(kernel, &leaving[i], 0);
	kernel_put_config(kernel, AG_CONFIG_NOTICE);
	kernel_put(kernel->maps.ag_notice_ports, &word, &others);
	for (size_t i = 0; i < COUNT(leaving); i++)
		check_leaving(kernel, &leaving[i], 0);
	allowgate_bpf__destroy(kernel);
}

/* --- there and back --------------------------------------------------------------- */

/* Any port on either side, any checksum that can come of it: what comes back is from where it was sent to. */
static void test_there_and_back(void **state)
{
	struct allowgate_bpf *kernel = actions_load(false);
	struct leaving back;

	(void)state;
	srandom(20);
	for (unsigned int i = 0; i < 2000; i++) {
		struct handed there = {"there", {FROM(STRANGER4), TO("192.0.2.21")}, OTHER_PORT};

		if (i % 2)
			there.spec = (struct frame_spec){FROM(STRANGER6), TO("2001:db8::21")};
		there.spec.proto = IPPROTO_TCP;
		there.spec.source_port = (uint16_t)random();
		there.spec.port = (uint16_t)(random() % 65535 + 1);
		there.spec.payload = (uint16_t)(random() % 50);
		check_handed(kernel, &there, 0);
		back = (struct leaving){"back", there.spec, there.spec.port};
		back.spec.source = there.spec.dest;
		back.spec.dest = there.spec.source;
		back.spec.source_port = OTHER_PORT;
		back.spec.port = there.spec.source_port;
		check_leaving(kernel, &back, there.spec.port);
	}
	allowgate_bpf__destroy(kernel);
}

/*
 * A checksum that nobody is to look at (CHECKSUM_PARTIAL) may be anything; one of 0xffff or 0 is where the
 * two zeros of the arithmetic meet.
 */
static void test_checksums_at_the_edge(void **state)
{
	static const struct frame_spec spec = {FROM(STRANGER4), TO("192.0.2.21"), TCP(80), .payload = 2};
	struct allowgate_bpf *kernel = actions_load(false);
	size_t tcp = actions_transport(&spec);
	static struct actions_result result;
	static struct frame frame;

	(void)state;
	for (uint32_t payload = 0; payload < 0x10000; payload++) {
		uint32_t sum;

		build(&spec, &frame);
		frame_put16(frame_data(&frame) + tcp + 20, payload);
		seal_tcp(&frame, 14, tcp, frame.len);
		actions_run_only(kernel, &frame, 0, &result);
		assert_int_equal(result.action, XDP_PASS);
		sum = actions_add(result.data + tcp, 22, actions_pseudo(result.data + 14, IPPROTO_TCP, 22));
		assert_int_equal(sum, 0xffff);
	}
	allowgate_bpf__destroy(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handed),		 cmocka_unit_test(test_handed_in_buffers),
		cmocka_unit_test(test_last_port_counts), cmocka_unit_test(test_listed_is_not_touched),
		cmocka_unit_test(test_leaving),		 cmocka_unit_test(test_leaving_without_notice),
		cmocka_unit_test(test_there_and_back),	 cmocka_unit_test(test_checksums_at_the_edge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
