// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_packet_oracle.c - the oracle itself, by hand-written packets of every row of the table
 */
#include "tests/unit/oracle_fixture.h"

/* --- rows ---------------------------------------------------------------------- */

struct row {
	const char *name;
	struct frame_spec spec;
	enum oracle_class class;
	enum ag_verdict verdict;
	uint32_t account;
	enum oracle_action action;
};

#define FROM(text)  .source = (text)
#define TO(text)    .dest = (text)
#define TCP(number) .proto = IPPROTO_TCP, .source_port = 40000, .port = (number)
#define UDP(number) .proto = IPPROTO_UDP, .source_port = 40000, .port = (number)
#define EXT(...)    .extensions = {__VA_ARGS__}, .extension_count = sizeof((uint8_t[]){__VA_ARGS__})
#define TAGS(...)   .tags = {__VA_ARGS__}
#define WEB4	    TO("192.0.2.10")
#define WEB6	    TO("2001:db8::10")
#define LISTED4	    FROM("203.0.113.7")
#define LISTED6	    FROM("2001:db8:1::7")
#define OTHER4	    FROM("100.64.0.9")
#define OTHER6	    FROM("2001:db8:bad::7")

#define NOBODY		    AG_NO_ACCOUNT
#define UNCOUNTED	    AG_VERDICT_NOT_JUDGED, NOBODY, ORACLE_PASSES
#define UNMATCHED	    AG_VERDICT_UNMATCHED, NOBODY, ORACLE_PASSES
#define BAD		    AG_VERDICT_MALFORMED, NOBODY, ORACLE_DROPPED
#define BAD_PASSED	    AG_VERDICT_MALFORMED, NOBODY, ORACLE_PASSES
#define ALLOWED(who)	    ORACLE_ALLOWED, AG_VERDICT_ALLOWED, who, ORACLE_PASSES
#define DENIED(who)	    ORACLE_DROP, AG_VERDICT_DENIED, who, ORACLE_DROPPED
#define STOPPED(class, who) class, AG_VERDICT_DENIED, who, ORACLE_DROPPED

static const struct row rows[] = {
	{"two tags", {TAGS(FRAME_QINQ, FRAME_VLAN), OTHER4, WEB4, TCP(443)}, DENIED(WEB)},
	{"three tags", {TAGS(FRAME_QINQ, FRAME_VLAN, FRAME_VLAN), LISTED4, WEB4, TCP(443)}, ORACLE_TAGS, BAD},
	{"another tag", {TAGS(0x9100), OTHER4, WEB4, TCP(443)}, ORACLE_NOT_IP, UNCOUNTED},
	{"ARP", {.ethertype = FRAME_ETH_ARP, .payload = 28}, ORACLE_NOT_IP, UNCOUNTED},
	{"solicitation",
	 {OTHER6, WEB6, .proto = 58, .type = 135, .hop_limit = 255},
	 ORACLE_NEIGHBOUR,
	 UNCOUNTED},
	{"solicitation of ::",
	 {FROM("::"), WEB6, .proto = 58, .type = 135, .hop_limit = 255},
	 ORACLE_NEIGHBOUR,
	 UNCOUNTED},
	{"redirect", {OTHER6, WEB6, .proto = 58, .type = 137, .hop_limit = 255}, ORACLE_NEIGHBOUR, UNCOUNTED},
	{"beyond neighbours", {OTHER6, WEB6, .proto = 58, .type = 138, .hop_limit = 255}, DENIED(WEB)},
	{"solicitation, hop limit", {OTHER6, WEB6, .proto = 58, .type = 135, .hop_limit = 254}, DENIED(WEB)},
	{"solicitation, code",
	 {OTHER6, WEB6, .proto = 58, .type = 135, .code = 1, .hop_limit = 255},
	 DENIED(WEB)},
	{"solicitation, behind",
	 {OTHER6, WEB6, EXT(60), .proto = 58, .type = 135, .hop_limit = 255},
	 DENIED(WEB)},
	{"report",
	 {FROM("fe80::1"), WEB6, EXT(0), .proto = 58, .type = 143, .hop_limit = 1},
	 ORACLE_LISTENER,
	 UNCOUNTED},
	{"query of ::",
	 {FROM("::"), WEB6, .proto = 58, .type = 130, .hop_limit = 1},
	 ORACLE_LISTENER,
	 UNCOUNTED},
	{"report from afar", {OTHER6, WEB6, .proto = 58, .type = 143, .hop_limit = 1}, DENIED(WEB)},
	{"report, hop limit", {FROM("fe80::1"), WEB6, .proto = 58, .type = 143}, DENIED(WEB)},
	{"cut off, IPv4", {OTHER4, WEB4, TCP(443), .cut = 33}, ORACLE_CUT_OFF, UNMATCHED},
	{"cut off, IPv6", {OTHER6, WEB6, TCP(443), .cut = 53}, ORACLE_CUT_OFF, UNMATCHED},
	{"version 6", {OTHER4, WEB4, TCP(443), .version = 6}, ORACLE_VERSION, UNMATCHED},
	{"version 4", {OTHER6, WEB6, TCP(443), .version = 4}, ORACLE_VERSION, UNMATCHED},
	{"no address", {OTHER4, TO("192.0.2.99"), TCP(443)}, ORACLE_NO_ADDRESS, UNMATCHED},
	{"malformed, no address",
	 {OTHER4, TO("192.0.2.99"), TCP(443), .ihl = 4, .false_ihl = true},
	 ORACLE_NO_ADDRESS,
	 UNMATCHED},
	{"failsafe",
	 {FROM("203.0.113.250"), WEB4, TCP(443)},
	 ORACLE_FAILSAFE,
	 AG_VERDICT_FAILSAFE,
	 NOBODY,
	 ORACLE_PASSES},
	{"failsafe, malformed",
	 {FROM("2001:db8:fa::1"), WEB6, TCP(443), .false_len = true, .len = 999},
	 ORACLE_FAILSAFE,
	 AG_VERDICT_FAILSAFE,
	 NOBODY,
	 ORACLE_PASSES},
	{"header length", {LISTED4, WEB4, TCP(443), .ihl = 4, .false_ihl = true}, ORACLE_BAD_HEADER_LEN, BAD},
	{"header length, open",
	 {LISTED4, TO("192.0.2.12"), TCP(443), .ihl = 4, .false_ihl = true},
	 ORACLE_BAD_HEADER_LEN,
	 BAD_PASSED},
	{"total length", {LISTED4, WEB4, TCP(443), .false_len = true, .len = 41}, ORACLE_BAD_TOTAL_LEN, BAD},
	{"total length 0", {LISTED4, WEB4, TCP(443), .false_len = true}, ORACLE_BAD_TOTAL_LEN, BAD},
	{"padding", {LISTED4, WEB4, TCP(443), .padding = 9}, ALLOWED(WEB)},
	{"payload length",
	 {LISTED6, WEB6, TCP(443), .false_len = true, .len = 21},
	 ORACLE_BAD_PAYLOAD_LEN,
	 BAD},
	{"jumbogram", {LISTED6, WEB6, EXT(0), TCP(443), .false_len = true}, ORACLE_BAD_PAYLOAD_LEN, BAD},
	{"eight headers", {LISTED6, WEB6, EXT(0, 43, 60, 135, 139, 140, 51, 60), TCP(443)}, ALLOWED(WEB)},
	{"nine headers",
	 {LISTED6, WEB6, EXT(0, 43, 60, 135, 139, 140, 51, 60, 60), TCP(443)},
	 ORACLE_BAD_EXTENSIONS,
	 BAD},
	{"header cut", {LISTED6, WEB6, EXT(60), .proto = 47, .trim = 1}, ORACLE_BAD_EXTENSION_CUT, BAD},
	{"two fragment headers", {LISTED6, WEB6, EXT(44, 44), TCP(443)}, ORACLE_BAD_SECOND_FRAGMENT, BAD},
	{"too far", {LISTED4, WEB4, .proto = IPPROTO_TCP, .start = 65528}, ORACLE_BAD_FRAGMENT_END, BAD},
	{"too far, IPv6", {LISTED6, WEB6, EXT(44), TCP(443), .start = 65520}, ORACLE_BAD_FRAGMENT_END, BAD},
	{"just not too far", {LISTED6, WEB6, EXT(44), TCP(443), .start = 65520, .trim = 5}, ALLOWED(WEB)},
	{"ports", {LISTED4, WEB4, TCP(443), .trim = 17}, ORACLE_BAD_PORTS, BAD},
	{"ports of a first fragment",
	 {LISTED4, WEB4, UDP(53), .more = true, .trim = 5},
	 ORACLE_BAD_PORTS,
	 BAD},
	{"ports are there", {LISTED4, WEB4, TCP(443), .trim = 16}, ALLOWED(WEB)},
	{"ICMP", {LISTED4, WEB4, .proto = 1, .type = 8, .trim = 1}, ORACLE_BAD_ICMP, BAD},
	{"ICMPv6", {LISTED6, WEB6, .proto = 58, .type = 128, .trim = 1}, ORACLE_BAD_ICMP, BAD},
	{"mapped", {FROM("::ffff:203.0.113.7"), WEB6, TCP(443)}, ORACLE_BAD_SOURCE, BAD},
	{"compatible", {FROM("::203.0.113.7"), WEB6, TCP(443)}, ORACLE_BAD_SOURCE, BAD},
	{"loopback", {FROM("::1"), WEB6, TCP(443)}, ORACLE_BAD_SOURCE, BAD},
	{"later fragment",
	 {OTHER4, TO("192.0.2.11"), TCP(0), .start = 8},
	 ORACLE_WOULD_DENY,
	 AG_VERDICT_WOULD_DENY,
	 WATCH,
	 ORACLE_PASSES},
	{"later fragment, one account of three", {OTHER4, WEB4, UDP(0), .start = 8}, DENIED(WEB)},
	{"later fragment, several",
	 {OTHER4, TO("198.18.1.7"), TCP(0), .start = 8},
	 ORACLE_SEVERAL,
	 AG_VERDICT_FRAGMENT,
	 NOBODY,
	 ORACLE_PASSES},
	{"later fragment, none", {OTHER4, WEB4, .proto = 47, .start = 8}, ORACLE_NO_SERVICE, UNMATCHED},
	{"later fragment of headers",
	 {OTHER6, WEB6, EXT(44, 60), TCP(443), .start = 8},
	 ORACLE_NO_SERVICE,
	 UNMATCHED},
	{"no service", {OTHER4, WEB4, TCP(444)}, ORACLE_NO_SERVICE, UNMATCHED},
	{"notice port",
	 {OTHER4, WEB4, TCP(8403)},
	 ORACLE_NOTICE_PORT,
	 AG_VERDICT_UNMATCHED,
	 NOBODY,
	 ORACLE_DROPPED},
	{"notice port, UDP", {OTHER4, WEB4, UDP(8403)}, ORACLE_NO_SERVICE, UNMATCHED},
	{"notice port, nobody's", {OTHER4, TO("192.0.2.99"), TCP(8403)}, ORACLE_NO_ADDRESS, UNMATCHED},
	{"notice port, a service's",
	 {OTHER4, TO("192.0.2.12"), TCP(8403)},
	 ORACLE_OPEN,
	 AG_VERDICT_OPEN,
	 OFF,
	 ORACLE_PASSES},
	{"off", {OTHER4, TO("192.0.2.12"), TCP(443)}, ORACLE_OPEN, AG_VERDICT_OPEN, OFF, ORACLE_PASSES},
	{"all disabled",
	 {OTHER4, TO("192.0.2.13"), TCP(443)},
	 ORACLE_OPEN,
	 AG_VERDICT_OPEN,
	 EMPTY,
	 ORACLE_PASSES},
	{"all expired", {LISTED4, TO("198.18.0.1"), TCP(443)}, DENIED(NET)},
	{"allowed", {LISTED4, WEB4, TCP(443)}, ALLOWED(WEB)},
	{"hole", {FROM("203.0.113.130"), WEB4, TCP(443)}, DENIED(WEB)},
	{"in the hole", {FROM("203.0.113.200"), WEB4, TCP(443)}, ALLOWED(WEB)},
	{"disabled", {FROM("203.0.113.201"), WEB4, TCP(443)}, DENIED(WEB)},
	{"expires next", {FROM("198.51.100.1"), WEB4, TCP(443)}, ALLOWED(WEB)},
	{"expires now", {FROM("198.51.100.2"), WEB4, TCP(443)}, DENIED(WEB)},
	{"a hole that expired", {FROM("203.0.113.1"), WEB4, TCP(443)}, ALLOWED(WEB)},
	{"monitor",
	 {OTHER4, TO("192.0.2.11"), TCP(443)},
	 ORACLE_WOULD_DENY,
	 AG_VERDICT_WOULD_DENY,
	 WATCH,
	 ORACLE_PASSES},
	{"one family alone", {OTHER6, WEB6, TCP(443)}, DENIED(WEB)},
	{"a port over any", {OTHER4, TO("198.18.9.9"), UDP(53)}, DENIED(NET)},
	{"UDP-Lite has ports", {OTHER4, TO("198.18.0.9"), .proto = 136, .port = 53}, DENIED(NET)},
	{"GRE has none", {OTHER4, TO("198.18.0.9"), .proto = 47, .port = 53}, ORACLE_NO_SERVICE, UNMATCHED},
	{"ICMP of the other family", {OTHER6, WEB6, .proto = 1, .type = 8}, ORACLE_NO_SERVICE, UNMATCHED},
	{"AH on IPv4",
	 {OTHER4, TO("192.0.2.11"), .proto = 51, .payload = 4},
	 ORACLE_WOULD_DENY,
	 AG_VERDICT_WOULD_DENY,
	 WATCH,
	 ORACLE_PASSES},
	{"reject",
	 {OTHER4, TO("198.18.1.7"), TCP(443)},
	 ORACLE_REJECT,
	 AG_VERDICT_REJECTED,
	 REJECT,
	 ORACLE_ANSWERED},
	{"reject, part",
	 {OTHER4, TO("198.18.1.7"), TCP(443), .trim = 1},
	 STOPPED(ORACLE_REJECT_PART, REJECT)},
	{"reject, later",
	 {OTHER4, TO("192.0.2.14"), UDP(443), .start = 8},
	 STOPPED(ORACLE_REJECT_PART, REJECT)},
	{"notice",
	 {OTHER4, TO("198.18.2.7"), TCP(443)},
	 ORACLE_NOTICE,
	 AG_VERDICT_REDIRECTED,
	 NOTICE,
	 ORACLE_REWRITTEN},
	{"notice, UDP", {OTHER4, TO("198.18.2.7"), UDP(443)}, STOPPED(ORACLE_NOTICE_REST, NOTICE)},
	{"redirect",
	 {OTHER4, TO("198.18.3.7"), UDP(443)},
	 ORACLE_REDIRECT,
	 AG_VERDICT_REDIRECTED,
	 ELSEWHERE,
	 ORACLE_REDIRECTED},
	{"an error without a quote", {OTHER4, WEB4, .proto = 1, .type = 3}, DENIED(WEB)},
};

static void assert_answer(const char *name, const struct oracle_answer *is, const struct row *row)
{
	if (is->class != row->class || is->verdict != row->verdict || is->account != row->account ||
	    is->action != row->action)
		fail_msg("%s: %s, verdict %d, account %x, action %d; wanted %s, %d, %x, %d", name,
			 oracle_class_name(is->class), is->verdict, is->account, is->action,
			 oracle_class_name(row->class), row->verdict, row->account, row->action);
}

static void test_rows(void **state)
{
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct oracle_answer answer;

		frame_build(&frame, &rows[i].spec);
		answer = oracle_judge(&policy, frame_data(&frame), frame.len);
		assert_answer(rows[i].name, &answer, &rows[i]);
	}
}

/* --- what ICMP errors quote ------------------------------------------------------ */

struct quote {
	const char *name;
	struct frame_spec error;
	struct frame_spec packet; /* what is quoted, of which 28 bytes, or 48 of IPv6, are there */
	bool passes;
};

#define ERROR4                                                                                               \
	{                                                                                                    \
		OTHER4, WEB4, .proto = 1, .type = 3, .code = 4                                               \
	}
#define ERROR6                                                                                               \
	{                                                                                                    \
		OTHER6, WEB6, .proto = 58, .type = 2                                                         \
	}
#define REPLY4 FROM("192.0.2.10"), TO("100.64.0.9")
#define REPLY6 FROM("2001:db8::10"), TO("2001:db8:bad::7")

static const struct quote quotes[] = {
	{"a service's", ERROR4, {REPLY4, .proto = IPPROTO_TCP, .source_port = 443}, true},
	{"another port", ERROR4, {REPLY4, .proto = IPPROTO_TCP, .source_port = 444}, false},
	{"another protocol", ERROR4, {REPLY4, .proto = IPPROTO_UDP, .source_port = 443}, false},
	{"an echo", ERROR4, {REPLY4, .proto = 1}, true},
	{"of another address",
	 ERROR4,
	 {FROM("192.0.2.11"), TO("100.64.0.9"), .proto = 6, .source_port = 443},
	 false},
	{"time exceeded",
	 {OTHER4, WEB4, .proto = 1, .type = 11},
	 {REPLY4, .proto = 6, .source_port = 443},
	 true},
	{"source quench",
	 {OTHER4, WEB4, .proto = 1, .type = 4},
	 {REPLY4, .proto = 6, .source_port = 443},
	 false},
	{"options", ERROR4, {REPLY4, .ihl = 6, .proto = 6, .source_port = 443}, true},
	{"too big", ERROR6, {REPLY6, .proto = IPPROTO_TCP, .source_port = 443}, true},
	{"too big, another port", ERROR6, {REPLY6, .proto = IPPROTO_TCP, .source_port = 80}, false},
	{"behind a header", ERROR6, {REPLY6, EXT(60), .proto = IPPROTO_TCP, .source_port = 443}, true},
	{"type 5", {OTHER6, WEB6, .proto = 58, .type = 5}, {REPLY6, .proto = 6, .source_port = 443}, false},
};

static void test_quotes(void **state)
{
	static struct frame frame, quoted;

	(void)state;
	for (size_t i = 0; i < COUNT(quotes); i++) {
		struct frame_spec error = quotes[i].error;
		const struct row passes = {.class = ORACLE_ICMP_ERROR,
					   .verdict = AG_VERDICT_ICMP_ERROR,
					   .account = NOBODY},
				 judged = {.class = ORACLE_DROP,
					   .verdict = AG_VERDICT_DENIED,
					   .account = WEB,
					   .action = ORACLE_DROPPED};
		struct oracle_answer answer;
		size_t bytes;

		frame_build(&quoted, &quotes[i].packet);
		bytes = quoted.len - 14 < 60 ? quoted.len - 14 : 60;
		error.payload = (uint16_t)bytes;
		frame_build(&frame, &error);
		memcpy(frame_data(&frame) + frame.len - bytes, frame_data(&quoted) + 14, bytes);
		answer = oracle_judge(&policy, frame_data(&frame), frame.len);
		assert_answer(quotes[i].name, &answer, quotes[i].passes ? &passes : &judged);
	}
}

/* Three tags are dropped only while somebody enforces. */
static void test_tags_without_enforcing(void **state)
{
	static struct frame frame;
	const struct row row = {.class = ORACLE_TAGS, .verdict = AG_VERDICT_MALFORMED, .account = NOBODY};
	const struct frame_spec spec = {TAGS(FRAME_VLAN, FRAME_VLAN, FRAME_VLAN), OTHER4, WEB4, TCP(443)};
	struct oracle_answer answer;

	(void)state;
	for (size_t i = 0; i < policy.account_count; i++)
		if (policy.accounts[i].mode == AG_MODE_ENFORCE && i != EMPTY)
			policy.accounts[i].mode = AG_MODE_MONITOR;
	frame_build(&frame, &spec);
	answer = oracle_judge(&policy, frame_data(&frame), frame.len);
	assert_answer("three tags", &answer, &row);
}

/* Every row passes, and none is counted as stopped. */
static void test_panic(void **state)
{
	static struct frame frame;

	(void)state;
	policy.panic = true;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct row row = rows[i];
		struct oracle_answer answer;

		if (row.account != NOBODY && row.action != ORACLE_PASSES)
			row.verdict = AG_VERDICT_WOULD_DENY;
		row.action = ORACLE_PASSES;
		frame_build(&frame, &row.spec);
		answer = oracle_judge(&policy, frame_data(&frame), frame.len);
		assert_answer(row.name, &answer, &row);
	}
}

/* Where the table can be read otherwise, and how it is then. */
static void test_other_reading(void **state)
{
	static const struct row others[] = {
		{"notice, part",
		 {OTHER4, TO("198.18.2.7"), TCP(443), .trim = 1},
		 STOPPED(ORACLE_NOTICE_REST, NOTICE)},
		{"reject, an error",
		 {OTHER4, TO("192.0.2.14"), .proto = 1, .type = 3, .payload = 8},
		 STOPPED(ORACLE_REJECT_PART, REJECT)},
		{"reject, from many",
		 {FROM("224.0.0.9"), TO("192.0.2.14"), UDP(443)},
		 STOPPED(ORACLE_REJECT_PART, REJECT)},
		{"reject, UDP",
		 {OTHER4, TO("192.0.2.14"), UDP(443)},
		 ORACLE_REJECT,
		 AG_VERDICT_REJECTED,
		 REJECT,
		 ORACLE_ANSWERED},
	};
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		struct oracle_answer answer;

		frame_build(&frame, &others[i].spec);
		policy.other_reading = false;
		answer = oracle_judge(&policy, frame_data(&frame), frame.len);
		assert_true(answer.action == ORACLE_ANSWERED || answer.action == ORACLE_REWRITTEN);
		policy.other_reading = true;
		answer = oracle_judge(&policy, frame_data(&frame), frame.len);
		assert_answer(others[i].name, &answer, &others[i]);
	}
}

/* The same from the same seed, and such policies as a host accepts. */
static void test_generator(void **state)
{
	static struct oracle_policy again;
	static struct frame frame, same;
	bool mutated;

	(void)state;
	for (uint64_t seed = 1; seed < 300; seed++) {
		generate_policy(seed, &policy);
		generate_policy(seed, &again);
		assert_memory_equal(&policy, &again, sizeof(policy));
		assert_true(policy.account_count && policy.account_count <= ORACLE_ACCOUNTS_MAX);
		for (size_t i = 0; i < policy.service_count; i++)
			assert_true(policy.services[i].account < policy.account_count);
		generate_frame(&policy, seed, &frame, &mutated);
		generate_frame(&again, seed, &same, &mutated);
		assert_int_equal(frame.len, same.len);
		assert_true(frame.len >= 14 && frame.len <= GENERATED_FRAME_MAX + 14);
		assert_memory_equal(frame_data(&frame), frame_data(&same), frame.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rows, setup),
		cmocka_unit_test_setup(test_quotes, setup),
		cmocka_unit_test_setup(test_tags_without_enforcing, setup),
		cmocka_unit_test_setup(test_panic, setup),
		cmocka_unit_test_setup(test_other_reading, setup),
		cmocka_unit_test_setup(test_generator, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
