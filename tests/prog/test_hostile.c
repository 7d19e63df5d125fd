// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_hostile.c - services made by somebody who knows the seed: all in one place, and nested
 */
#include "tests/prog/hostile.h"

#include <stdio.h>

#define CRAFTED	 2200
#define STRANGER 11 /* every so many of the crafted is no service, but looks for one in the same place */
/*
 * Of a packet that finds its service only on the widest of AG_DEST_DEPTH_MAX prefixes, each with every kind
 * of service but its own: 24 times was measured. It takes no seed, only whoever may nest services so.
 */
#define NESTED_COST_MAX 40

/* --- services that all want the same place ------------------------------------- */

/* The n-th that somebody may ask for: some addresses, all ports of each. */
static struct service nth_service(enum ag_family family, uint32_t n)
{
	struct addr addr = addr_of(family == AG_FAMILY_IPV4 ? "10.66.0.0" : "2001:db8:66::");
	struct service service = {.proto = IPPROTO_TCP, .port = (uint16_t)(1 + n % 65535)};
	size_t size = addr_size(&addr);

	addr.bytes[size - 2] = (uint8_t)(n / 65535 >> 8);
	addr.bytes[size - 1] = (uint8_t)(n / 65535);
	service.dest = prefix_of(&addr, addr_bits(&addr));
	return service;
}

static void craft_services(struct allowgate_bpf *kernel, enum ag_family family, bool same_other,
			   struct claim *claims)
{
	uint32_t home = 0, other = 0;

	for (uint32_t n = 0, count = 0; count < CRAFTED; n++) {
		struct claim claim = {.service = nth_service(family, n), .slot = count % ACCOUNTS};
		struct compiled_service compiled = {.key = compile_service_key(&claim.service)};
		struct kernel_service wants = kernel_service_of(kernel, &compiled);

		if (!n)
			home = wants.home, other = wants.other;
		if (wants.home == home && (!same_other || wants.other == other))
			claims[count++] = claim;
	}
}

static void service_frame(struct frame *frame, const struct service *service, bool tagged)
{
	char dest[ADDR_TEXT_MAX];
	const struct frame_spec spec = {.tags = {tagged ? FRAME_VLAN : 0},
					.source = source_of((enum ag_family)service->dest.addr.family),
					.dest = dest,
					.proto = service->proto,
					.source_port = 40000,
					.port = service->port};

	addr_format(&service->dest.addr, dest);
	frame_build(frame, &spec);
}

/* The short way and the whole one. */
static void check_service(struct allowgate_bpf *kernel, const struct claim *claim, bool stranger)
{
	enum ag_verdict verdict = claim->slot % 2 ? AG_VERDICT_DENIED : AG_VERDICT_ALLOWED;
	static struct frame frame;

	for (int tagged = 0; tagged < 2; tagged++) {
		struct outcome outcome;

		service_frame(&frame, &claim->service, tagged);
		outcome = kernel_run(kernel, ACCOUNTS, &frame, 0);
		assert_int_equal(outcome.verdict, stranger ? AG_VERDICT_UNMATCHED : verdict);
		assert_int_equal(outcome.slot, stranger ? AG_NO_ACCOUNT : claim->slot);
		assert_int_equal(outcome.action, !stranger && claim->slot % 2 ? XDP_DROP : XDP_PASS);
	}
}

/* Strangers are moved behind the services. Returns how many those are. */
static size_t part_strangers(struct claim *claims)
{
	struct claim strangers[CRAFTED / STRANGER];
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < CRAFTED; i++) {
		if (i % STRANGER == STRANGER - 1)
			strangers[count++] = claims[i];
		else
			claims[kept++] = claims[i];
	}
	memcpy(claims + kept, strangers, sizeof(strangers));
	return kept;
}

static void cost_of_services(struct allowgate_bpf *kernel, enum ag_family family, const struct claim *service,
			     const struct claim *stranger)
{
	static struct frame frame;

	service_frame(&frame, &service->service, false);
	check_cost(kernel, &frame, family, "a service in the stash");
	service_frame(&frame, &stranger->service, false);
	check_cost(kernel, &frame, family, "no service, in a crowded place");
	kernel_put_config(kernel, AG_CONFIG_PORT | AG_CONFIG_PROTO | AG_CONFIG_ANY);
	check_cost(kernel, &frame, family, "no service of any kind, in a crowded place");
}

static void check_crowd(enum ag_family family, bool same_other, uint32_t buckets)
{
	static struct claim claims[CRAFTED];
	const struct kernel_options options = {
		.frags = true, .services = CRAFTED, .buckets4 = buckets, .buckets6 = buckets};
	struct allowgate_bpf *kernel = kernel_load_with(&options);
	size_t slots = family == AG_FAMILY_IPV4 ? AG_SERVICE4_SLOTS : AG_SERVICE6_SLOTS, services;
	struct kernel_placed placed;

	for (uint32_t slot = 0; slot < ACCOUNTS; slot++)
		put_ordinary_account(kernel, slot);
	craft_services(kernel, family, same_other, claims);
	services = part_strangers(claims);
	placed = put_claims(kernel, claims, services);
	assert_int_equal(placed.home, slots);
	assert_int_equal(placed.home + placed.other + placed.stash, services);
	if (same_other)
		assert_int_equal(placed.other, slots);
	for (size_t i = 0; i < CRAFTED; i++)
		check_service(kernel, &claims[i], i >= services);
	if (same_other) /* sorted by what names them, so that the last did not come first */
		cost_of_services(kernel, family, &claims[services - 1], &claims[services]);
	allowgate_bpf__destroy(kernel);
}

static void test_services_in_one_pair_of_buckets(void **state)
{
	(void)state;
	check_crowd(AG_FAMILY_IPV4, true, 64);
	check_crowd(AG_FAMILY_IPV6, true, 64);
}

/* As many buckets as the daemon makes for so many services. */
static void test_services_in_one_home(void **state)
{
	(void)state;
	check_crowd(AG_FAMILY_IPV4, false, 0);
	check_crowd(AG_FAMILY_IPV6, false, 0);
}

/* Prefixes as deep as they may nest, with every kind of service but the right one, on the narrowest in the
 * stash. */
static void test_services_nested(void **state)
{
	static const uint8_t lengths[AG_DEST_DEPTH_MAX] = {120, 121, 122, 123, 124, 125, 126, 128};
	static const char *const rest[] = {"444/tcp", "444", "any/udp", "445/tcp", "446/tcp", "447/tcp"};
	const struct kernel_options options = {.frags = true, .services = 100, .buckets4 = 1, .buckets6 = 1};
	struct claim claims[COUNT(lengths) * COUNT(rest) + 1] = {claim_of("[2001:db8::/120]", 0)};
	struct allowgate_bpf *kernel = kernel_load_with(&options);
	static const struct frame_spec spec = {
		.source = "2001:db8:1::7", .dest = "2001:db8::1", .proto = IPPROTO_TCP, .port = 443};
	static struct frame frame;
	size_t count = 1;

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		for (size_t j = 0; j < COUNT(rest); j++) {
			char text[SERVICE_TEXT_MAX];

			(void)snprintf(text, sizeof(text), "[2001:db8::%s/%u]:%s",
				       lengths[i] == 128 ? "1" : "", lengths[i], rest[j]);
			claims[count++] = claim_of(text, 1);
		}
	}
	put_ordinary_account(kernel, 0);
	put_ordinary_account(kernel, 1);
	assert_true(put_claims(kernel, claims, count).stash);
	frame_build(&frame, &spec);
	assert_int_equal(kernel_run(kernel, ACCOUNTS, &frame, 0).verdict, AG_VERDICT_ALLOWED);
	check_cost_of(kernel, &frame, AG_FAMILY_IPV6, "services nested", NESTED_COST_MAX);
	allowgate_bpf__destroy(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services_in_one_pair_of_buckets),
		cmocka_unit_test(test_services_in_one_home),
		cmocka_unit_test(test_services_nested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
