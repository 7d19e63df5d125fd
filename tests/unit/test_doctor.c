// SPDX-License-Identifier: GPL-2.0-only
/* test_doctor.c - findings from facts: of drivers that experiments were made with, and of a host */
#include "userspace/core/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct row {
	const char *name;
	struct doctor_interface facts;
	const char *check;
	enum doctor_state state;
	const char *text; /* in detail or advice */
};

#define THERE  .there = true, .up = true, .kernel_frags = true, .processors = 4
#define ENA    THERE, .driver = "ena", .version = "6.1.0"
#define VETH   THERE, .driver = "veth", .mtu = 1500
#define VIRTIO THERE, .driver = "virtio_net", .mtu = 1500

static const struct row rows[] = {
	{"absent", {.name = "eth9"}, "link", DOCTOR_FAIL, "no such interface"},
	{"down", {.there = true}, "link", DOCTOR_WARN, "down"},
	{"ena flaps", {ENA}, "driver", DOCTOR_OK, "down and up"},
	{"ena, jumbo", {ENA, .mtu = 9001}, "mtu", DOCTOR_WARN, "mtu 3498"},
	{"ena, jumbo, native asked for",
	 {ENA, .mtu = 9001, .needs_native = true},
	 "mtu",
	 DOCTOR_FAIL,
	 "3498"},
	{"ena, just", {ENA, .mtu = 3498}, "mtu", DOCTOR_OK, "3498"},
	{"ena that takes frags",
	 {ENA, .mtu = 9001, .has_features = true, .features = DOCTOR_XDP_BASIC | DOCTOR_XDP_RX_FRAGS},
	 "mtu",
	 DOCTOR_OK,
	 "9001"},
	{"ena, half its queues", {ENA, .channels = 4, .channels_max = 8}, "queues", DOCTOR_OK, "4 of 8"},
	{"ena, all its queues", {ENA, .channels = 8, .channels_max = 8}, "queues", DOCTOR_WARN, "combined 4"},
	{"ena, one queue",
	 {ENA, .channels = 1, .channels_max = 1},
	 "queues",
	 DOCTOR_WARN,
	 "one queue in all"},
	{"ena, one queue, native asked for",
	 {ENA, .channels = 1, .channels_max = 1, .needs_native = true},
	 "queues",
	 DOCTOR_FAIL,
	 "generic"},
	{"Amazon's driver, new",
	 {THERE, .driver = "ena", .version = "2.17.0g", .channels = 8, .channels_max = 8},
	 "queues",
	 DOCTOR_OK,
	 "8 of 8"},
	{"Amazon's driver, old",
	 {THERE, .driver = "ena", .version = "2.9.1g", .channels = 8, .channels_max = 8},
	 "queues",
	 DOCTOR_WARN,
	 "2.17"},
	{"the kernel's driver is none of Amazon's",
	 {THERE, .driver = "ena", .version = "6.18.0", .channels = 8, .channels_max = 8},
	 "queues",
	 DOCTOR_WARN,
	 "combined 4"},
	{"veth, jumbo",
	 {THERE, .driver = "veth", .mtu = 9000, .peer_mtu = 9000},
	 "mtu",
	 DOCTOR_OK,
	 "other end"},
	{"veth, jumbo at its other end, old kernel",
	 {.there = true, .driver = "veth", .mtu = 1500, .peer_mtu = 9000},
	 "mtu",
	 DOCTOR_WARN,
	 "dev PEER"},
	{"veth, queues",
	 {VETH, .rx_queues = 2, .channels = 2, .peer_tx_queues = 2},
	 "queues",
	 DOCTOR_OK,
	 "2"},
	{"veth, too few",
	 {VETH, .name = "v0", .rx_queues = 1, .channels = 1, .peer_tx_queues = 4},
	 "queues",
	 DOCTOR_WARN,
	 "ethtool -L v0 rx 4"},
	{"veth, another namespace", {VETH, .rx_queues = 1, .channels = 1}, "queues", DOCTOR_OK, "1"},
	{"veth that refuses", {VETH, .has_features = true}, "driver", DOCTOR_WARN, "as the interface is"},
	{"virtio, enough", {VIRTIO, .channels = 4, .channels_max = 8}, "queues", DOCTOR_OK, "enough"},
	{"virtio, too few", {VIRTIO, .channels = 4, .channels_max = 4}, "queues", DOCTOR_WARN, "8 queues"},
	{"virtio, jumbo, old kernel",
	 {.there = true, .driver = "virtio_net", .mtu = 9000},
	 "mtu",
	 DOCTOR_WARN,
	 "this kernel"},
	{"no native XDP", {THERE, .driver = "iavf"}, "driver", DOCTOR_WARN, "no native XDP"},
	{"no native XDP, asked for",
	 {THERE, .driver = "iavf", .needs_native = true},
	 "driver",
	 DOCTOR_FAIL,
	 "generic"},
	{"an unknown driver", {THERE, .driver = "newnic"}, "driver", DOCTOR_WARN, "newnic nothing is known"},
	{"an unknown driver that the kernel knows",
	 {THERE, .driver = "newnic", .has_features = true, .features = DOCTOR_XDP_BASIC},
	 "driver",
	 DOCTOR_OK,
	 "has native XDP"},
	{"an unknown driver without",
	 {THERE, .driver = "newnic", .has_features = true},
	 "driver",
	 DOCTOR_WARN,
	 "no native XDP"},
	{"none attached", {VETH}, "program", DOCTOR_OK, "no XDP program"},
	{"none attached, but wanted", {VETH, .wanted = true}, "program", DOCTOR_FAIL, "nothing is filtered"},
	{"ours", {VETH, .wanted = true, .program = DOCTOR_PROGRAM_NATIVE}, "program", DOCTOR_OK, "native"},
	{"ours, generic", {VETH, .program = DOCTOR_PROGRAM_GENERIC}, "program", DOCTOR_OK, "generic"},
	{"another's",
	 {VETH, .program = DOCTOR_PROGRAM_FOREIGN, .program_id = 77, .program_name = "theirs"},
	 "program",
	 DOCTOR_FAIL,
	 "'theirs' (id 77)"},
};

static const struct doctor_finding *find(const struct doctor_report *report, const char *check)
{
	for (size_t i = 0; i < report->count; i++)
		if (!strcmp(report->findings[i].check, check))
			return &report->findings[i];
	return NULL;
}

static void test_interfaces(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct doctor_report report = {0};
		const struct doctor_finding *finding;

		doctor_interface(&rows[i].facts, &report);
		finding = find(&report, rows[i].check);
		if (!finding)
			fail_msg("%s: no finding %s", rows[i].name, rows[i].check);
		else if (finding->state != rows[i].state ||
			 (!strstr(finding->detail, rows[i].text) && !strstr(finding->advice, rows[i].text)))
			fail_msg("%s: %s: %s; %s", rows[i].name, doctor_state_name(finding->state),
				 finding->detail, finding->advice);
		free(report.findings);
	}
}

/* What is well needs no advice; what is not has some. */
static void test_advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct doctor_report report = {0};

		doctor_interface(&rows[i].facts, &report);
		for (size_t j = 0; j < report.count; j++)
			if ((report.findings[j].state == DOCTOR_OK) != !report.findings[j].advice[0])
				fail_msg("%s: %s", rows[i].name, report.findings[j].check);
		free(report.findings);
	}
}

static const struct doctor_host well = {.kernel = "6.18.0",
					.frags = true,
					.tcx = true,
					.trie_batches = true,
					.outer_batches = true,
					.pin_dir = "/sys/fs/bpf/allowgate",
					.pins_on_bpffs = true,
					.pins_writable = true,
					.capabilities = UINT64_MAX,
					.store = "/var/lib/allowgate/policy.db",
					.reason = "",
					.has_free = true,
					.free_bytes = UINT64_C(1) << 40,
					.has_clock = true,
					.clock_synchronised = true,
					.origin_socket = "/run/allowgate/origin.sock",
					.origin_answers = true,
					.compared = true};

static void expect(const struct doctor_host *host, const char *check, enum doctor_state wanted)
{
	struct doctor_report report = {0};
	const struct doctor_finding *finding;

	doctor_host(host, &report);
	finding = find(&report, check);
	assert_non_null(finding);
	assert_int_equal(finding->state, wanted);
	for (size_t i = 0; i < report.count; i++)
		if (strcmp(report.findings[i].check, check) != 0)
			assert_int_equal(report.findings[i].state, DOCTOR_OK);
	free(report.findings);
}

static void test_host(void **state)
{
	struct doctor_host host = well;

	(void)state;
	expect(&host, "kernel", DOCTOR_OK);
	host.frags = false;
	expect(&host, "kernel", DOCTOR_WARN);
	host = well, host.pins_writable = false;
	expect(&host, "bpffs", DOCTOR_FAIL);
	host = well, host.pins_on_bpffs = false;
	expect(&host, "bpffs", DOCTOR_FAIL);
	host = well, host.capabilities &= ~(UINT64_C(1) << 38);
	expect(&host, "rights", DOCTOR_FAIL);
	host = well, host.reason = "the store is gone";
	expect(&host, "store", DOCTOR_FAIL);
	host = well, host.free_bytes = 1 << 20;
	expect(&host, "disk", DOCTOR_FAIL);
	host = well, host.free_bytes = 100 << 20;
	expect(&host, "disk", DOCTOR_WARN);
	host = well, host.clock_synchronised = false;
	expect(&host, "clock", DOCTOR_WARN);
	host = well, host.origin_answers = false;
	expect(&host, "origin", DOCTOR_WARN);
	host = well, host.drift = 3;
	expect(&host, "drift", DOCTOR_FAIL);
	host = well, host.panics = true;
	expect(&host, "panic", DOCTOR_WARN);
}

/* A fact that is not there is not held against anybody. */
static void test_unknown_facts(void **state)
{
	struct doctor_host host = well;
	struct doctor_report report = {0};

	(void)state;
	host.has_clock = host.has_free = host.compared = false;
	doctor_host(&host, &report);
	assert_null(find(&report, "clock"));
	assert_null(find(&report, "disk"));
	assert_null(find(&report, "drift"));
	free(report.findings);
}

static void test_limit(void **state)
{
	struct doctor_report report = {0};

	(void)state;
	for (size_t i = 0; i < DOCTOR_FINDINGS_MAX; i++)
		doctor_interface(&(struct doctor_interface){0}, &report);
	assert_false(report.cut);
	doctor_interface(&(struct doctor_interface){0}, &report);
	assert_true(report.cut);
	assert_int_equal(report.count, DOCTOR_FINDINGS_MAX);
	free(report.findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interfaces), cmocka_unit_test(test_advice),
		cmocka_unit_test(test_host),	   cmocka_unit_test(test_unknown_facts),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
