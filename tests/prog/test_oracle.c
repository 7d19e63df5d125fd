// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_oracle.c - the heart: what the host says of a random packet under a random policy, the kernel says too
 *
 * The host's side shares nothing with the program: it looks at the description of the frame, not at its
 * bytes, asks every service in turn, and decides by policy_decide(). AG_ORACLE_SEED=N repeats a run.
 */
#include "tests/prog/kernel.h"

#include <stdio.h>
#include <time.h>

#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define POLICIES     100
#define PACKETS	     200 /* a policy */
#define ACCOUNTS     5
#define CLAIMS_MAX   24

struct world {
	struct account accounts[ACCOUNTS];
	struct list lists[ACCOUNTS];
	struct claim claims[CLAIMS_MAX];
	size_t claim_count;
	struct prefix failsafe;
	bool enforcing;
};

/* --- chance -------------------------------------------------------------- */

static uint64_t random_state;

static uint32_t chance(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % below;
}

/* Of a few neighbouring addresses, so that prefixes nest and meet. */
static struct addr random_addr(uint32_t base)
{
	const uint8_t ipv4[4] = {10, (uint8_t)base, (uint8_t)chance(2), (uint8_t)(chance(8) * 33)};
	const uint8_t ipv6[16] = {0x20,
				  0x01,
				  0x0d,
				  0xb8,
				  [7] = (uint8_t)base,
				  [8] = (uint8_t)chance(2),
				  [15] = (uint8_t)(chance(8) * 33)};

	return chance(2) ? addr_make(AG_FAMILY_IPV4, ipv4) : addr_make(AG_FAMILY_IPV6, ipv6);
}

static struct prefix random_prefix(uint32_t base)
{
	static const uint8_t host_bits[] = {0, 0, 0, 1, 3, 5, 7, 8, 9, 15};
	struct addr addr = random_addr(base);

	return prefix_of(&addr, (uint8_t)(addr_bits(&addr) - host_bits[chance(COUNT(host_bits))]));
}

static struct service random_service(void)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, AG_PROTO_ANY};
	struct service service = {.dest = random_prefix(1), .proto = protos[chance(COUNT(protos))]};

	if (service.proto != IPPROTO_ICMP && chance(3))
		service.port = (uint16_t)(1 + chance(3));
	return service;
}

static void random_list(struct list *list)
{
	size_t count = chance(4) ? chance(12) : 0;

	for (size_t i = 0; i < count; i++) {
		struct entry entry = {.prefix = random_prefix(2),
				      .verdict = chance(3) ? AG_ENTRY_ALLOW : AG_ENTRY_DENY};

		list_sort(list);
		if (!list_find(list, &entry.prefix))
			kernel_check(list_append(list, &entry), "append");
	}
	assert_null(list_sort(list));
}

static void random_world(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->failsafe = random_prefix(2);
	for (uint32_t slot = 0; slot < ACCOUNTS; slot++) {
		struct account *account = &world->accounts[slot];

		random_list(&world->lists[slot]);
		account->slot = slot;
		account->mode = chance(2) ? AG_MODE_ENFORCE : (enum ag_mode)chance(AG_MODE_MAX);
		account->entries4 = list_count_family(&world->lists[slot], AG_FAMILY_IPV4);
		account->entries6 = list_count_family(&world->lists[slot], AG_FAMILY_IPV6);
		world->enforcing |= account->mode == AG_MODE_ENFORCE && world->lists[slot].count;
	}
	for (size_t i = 0; i < CLAIMS_MAX; i++) {
		struct claim claim = {.service = random_service(), .slot = chance(ACCOUNTS)};
		size_t j = 0;

		while (j < world->claim_count &&
		       service_compare(&world->claims[j].service, &claim.service) != 0)
			j++;
		if (j == world->claim_count)
			world->claims[world->claim_count++] = claim;
	}
}

static struct allowgate_bpf *load_world(const struct world *world, bool frags)
{
	struct allowgate_bpf *kernel = kernel_load(frags, CLAIMS_MAX);
	struct compiled_services services;
	struct ag_error error = {0};
	char failsafe[PREFIX_TEXT_MAX];

	for (uint32_t slot = 0; slot < ACCOUNTS; slot++) {
		struct compiled_account compiled;

		kernel_check(compile_account(&world->accounts[slot], &world->lists[slot], &compiled),
			     "compile");
		kernel_put_account(kernel, &compiled);
		compiled_account_clear(&compiled);
	}
	if (compile_services(world->claims, world->claim_count, world->accounts, ACCOUNTS, &services, &error))
		fail_msg("%s", error.message);
	kernel_put_services(kernel, &services);
	prefix_format(&world->failsafe, failsafe);
	kernel_put_failsafe(kernel, failsafe);
	kernel_put_config(kernel, services.flags | AG_CONFIG_FAILSAFE);
	compiled_services_clear(&services);
	return kernel;
}

/* --- packets ------------------------------------------------------------- */

struct random_packet {
	struct frame_spec spec;
	struct addr source, dest;
	char source_text[ADDR_TEXT_MAX], dest_text[ADDR_TEXT_MAX];
	size_t tags;
};

static void random_extensions(struct frame_spec *spec)
{
	static const uint8_t kinds[] = {0, 43, 51, 60, 135, 139, 140, 44, 44};

	if (chance(2))
		spec->extension_count = (uint8_t)chance(chance(4) ? 4 : 11);
	for (size_t i = 0; i < spec->extension_count; i++)
		spec->extensions[i] = kinds[chance(COUNT(kinds))];
	spec->extension_len = (uint8_t)chance(4);
}

static void random_packet(struct random_packet *packet)
{
	static const uint8_t protos[] = {6, 6, 6, 17, 17, 1, 58, 132, 33, 136, 47, 50};
	struct frame_spec *spec = &packet->spec;

	memset(packet, 0, sizeof(*packet));
	packet->dest = random_addr(chance(10) ? 1 : 3);
	do
		packet->source = random_addr(chance(10) ? 2 : 4);
	while (packet->source.family != packet->dest.family);
	if (packet->dest.family == AG_FAMILY_IPV6 && !chance(20)) {
		memset(packet->source.bytes, 0, 12);
		packet->source.bytes[10] = packet->source.bytes[11] = chance(2) ? 0xff : 0;
		packet->source.bytes[12] = 10;
	}
	addr_format(&packet->source, packet->source_text);
	addr_format(&packet->dest, packet->dest_text);
	packet->tags = chance(4) ? 0 : chance(4);
	for (size_t i = 0; i < packet->tags; i++)
		spec->tags[i] = chance(2) ? FRAME_VLAN : FRAME_QINQ;
	spec->source = packet->source_text;
	spec->dest = packet->dest_text;
	spec->proto = protos[chance(COUNT(protos))];
	spec->source_port = (uint16_t)chance(4);
	spec->port = (uint16_t)chance(5);
	spec->type = 8; /* neither neighbour discovery nor MLD */
	spec->hop_limit = chance(2) ? 255 : 1;
	spec->ihl = chance(4) ? 0 : (uint8_t)(5 + chance(11));
	spec->start = chance(4) ? 0 : (uint16_t)(chance(3) * 8);
	spec->more = !chance(4);
	spec->padding = (uint16_t)(chance(2) * chance(30));
	if (packet->dest.family == AG_FAMILY_IPV6)
		random_extensions(spec);
	if (!chance(8) && (frame_proto_has_ports(spec->proto) || spec->proto == 1 || spec->proto == 58))
		spec->trim = (uint16_t)chance(spec->proto == IPPROTO_TCP ? 21 : 9);
}

/* --- the host's side ----------------------------------------------------- */

enum shape {
	SHAPE_SOUND,
	SHAPE_LATER,
	SHAPE_MALFORMED,
};

/* `proto` is what the packet says of its upper layer: of a later fragment, the next header of the fragment
 * header. */
static enum shape walk_headers(const struct frame_spec *spec, uint8_t *proto)
{
	bool fragmented = false;

	for (size_t i = 0; i < spec->extension_count; i++) {
		if (i == AG_EXTENSION_HEADERS_MAX)
			return SHAPE_MALFORMED;
		if (spec->extensions[i] != IPPROTO_FRAGMENT)
			continue;
		if (fragmented)
			return SHAPE_MALFORMED;
		fragmented = true;
		if (!spec->start)
			continue;
		*proto = i + 1 < spec->extension_count ? spec->extensions[i + 1] : spec->proto;
		return SHAPE_LATER;
	}
	return SHAPE_SOUND;
}

static size_t transport_len(uint8_t proto)
{
	if (proto == IPPROTO_TCP)
		return 20;
	return frame_proto_has_ports(proto) || proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ? 8 : 0;
}

static bool is_icmp(const struct random_packet *packet, uint8_t proto)
{
	return proto == (packet->dest.family == AG_FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static enum shape shape_of(const struct random_packet *packet, uint8_t *proto)
{
	const struct frame_spec *spec = &packet->spec;
	bool ipv4 = packet->dest.family == AG_FAMILY_IPV4;
	enum shape shape;

	*proto = spec->proto;
	if (ipv4)
		shape = spec->start ? SHAPE_LATER : SHAPE_SOUND;
	else
		shape = walk_headers(spec, proto);
	if (!ipv4 && packet->source.bytes[0] == 0) /* mapped or compatible */
		return SHAPE_MALFORMED;
	if (shape != SHAPE_SOUND)
		return shape;
	if (frame_proto_has_ports(spec->proto) && transport_len(spec->proto) < spec->trim + 4U)
		return SHAPE_MALFORMED;
	if (is_icmp(packet, spec->proto) && spec->trim)
		return SHAPE_MALFORMED;
	return SHAPE_SOUND;
}

static bool proto_matches(const struct random_packet *packet, uint8_t proto, uint8_t wanted)
{
	if (wanted == AG_PROTO_ANY)
		return true;
	return wanted == IPPROTO_ICMP ? is_icmp(packet, proto) : proto == wanted;
}

static bool is_better(const struct service *a, const struct service *b)
{
	if (a->dest.len != b->dest.len)
		return a->dest.len > b->dest.len;
	if (!a->port != !b->port)
		return a->port;
	return a->proto != AG_PROTO_ANY && b->proto == AG_PROTO_ANY;
}

static uint32_t service_account(const struct world *world, const struct random_packet *packet, uint8_t proto)
{
	const struct claim *best = NULL;

	for (size_t i = 0; i < world->claim_count; i++) {
		const struct service *service = &world->claims[i].service;

		if (!prefix_contains(&service->dest, &packet->dest) ||
		    !proto_matches(packet, proto, service->proto))
			continue;
		if (service->port && (!frame_proto_has_ports(proto) || service->port != packet->spec.port))
			continue;
		if (!best || is_better(service, &best->service))
			best = &world->claims[i];
	}
	return best ? best->slot : AG_NO_ACCOUNT;
}

static uint32_t fragment_account(const struct world *world, const struct random_packet *packet, uint8_t proto)
{
	uint32_t account = AG_NO_ACCOUNT;

	for (size_t i = 0; i < world->claim_count; i++) {
		const struct claim *claim = &world->claims[i];

		if (!prefix_contains(&claim->service.dest, &packet->dest) ||
		    !proto_matches(packet, proto, claim->service.proto))
			continue;
		if (account != AG_NO_ACCOUNT && account != claim->slot)
			return AG_SEVERAL_ACCOUNTS;
		account = claim->slot;
	}
	return account;
}

/* Whether any service names the address, and whether one of an account that is active and enforces. */
static bool named(const struct world *world, const struct addr *dest, bool *gated)
{
	bool found = false;

	*gated = false;
	for (size_t i = 0; i < world->claim_count; i++) {
		uint32_t slot = world->claims[i].slot;

		if (!prefix_contains(&world->claims[i].service.dest, dest))
			continue;
		found = true;
		*gated |= world->accounts[slot].mode == AG_MODE_ENFORCE && world->lists[slot].count;
	}
	return found;
}

static struct outcome interface_outcome(enum ag_verdict verdict, bool drop)
{
	return (struct outcome){
		.verdict = verdict, .slot = AG_NO_ACCOUNT, .action = drop ? XDP_DROP : XDP_PASS};
}

static struct outcome expect(const struct world *world, const struct random_packet *packet)
{
	struct outcome outcome;
	enum shape shape;
	uint8_t proto;
	bool gated;

	if (packet->tags > 2)
		return interface_outcome(AG_VERDICT_MALFORMED, world->enforcing);
	if (!named(world, &packet->dest, &gated))
		return interface_outcome(AG_VERDICT_UNMATCHED, false);
	if (prefix_contains(&world->failsafe, &packet->source))
		return interface_outcome(AG_VERDICT_FAILSAFE, false);
	shape = shape_of(packet, &proto);
	if (shape == SHAPE_MALFORMED)
		return interface_outcome(AG_VERDICT_MALFORMED, gated);
	outcome.slot = shape == SHAPE_LATER ? fragment_account(world, packet, proto)
					    : service_account(world, packet, proto);
	if (outcome.slot == AG_SEVERAL_ACCOUNTS)
		return interface_outcome(AG_VERDICT_FRAGMENT, false);
	if (outcome.slot == AG_NO_ACCOUNT)
		return interface_outcome(AG_VERDICT_UNMATCHED, false);
	outcome.verdict = policy_decide(world->accounts[outcome.slot].mode, &world->lists[outcome.slot],
					&packet->source, NULL);
	outcome.action = verdict_passes(outcome.verdict) ? XDP_PASS : XDP_DROP;
	return outcome;
}

/* --- both ---------------------------------------------------------------- */

static void compare(struct allowgate_bpf *kernel, const struct world *world, unsigned long *seen)
{
	static struct frame frame;
	struct random_packet packet;
	struct outcome is, should;

	random_packet(&packet);
	frame_build(&frame, &packet.spec);
	should = expect(world, &packet);
	is = kernel_run(kernel, ACCOUNTS, &frame, 0);
	if (is.verdict != should.verdict || is.slot != should.slot || is.action != should.action)
		fail_msg("%s to %s, proto %u, port %u, start %u, trim %u, %u headers: kernel %d/%x/%u, host "
			 "%d/%x/%u",
			 packet.source_text, packet.dest_text, packet.spec.proto, packet.spec.port,
			 packet.spec.start, packet.spec.trim, packet.spec.extension_count, is.verdict,
			 is.slot, is.action, should.verdict, should.slot, should.action);
	seen[is.verdict]++;
}

static void test_host_and_kernel_agree(void **state)
{
	const char *given = getenv("AG_ORACLE_SEED");
	unsigned long seen[AG_VERDICT_MAX] = {0};

	(void)state;
	random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) << 16 | 1;
	print_message("AG_ORACLE_SEED=%llu\n", (unsigned long long)random_state);
	for (int i = 0; i < POLICIES; i++) {
		struct allowgate_bpf *kernel;
		struct world world;

		random_world(&world);
		kernel = load_world(&world, i % 2);
		for (int j = 0; j < PACKETS; j++)
			compare(kernel, &world, seen);
		allowgate_bpf__destroy(kernel);
		for (size_t slot = 0; slot < ACCOUNTS; slot++)
			list_clear(&world.lists[slot]);
	}
	for (int verdict = 0; verdict < AG_VERDICT_MAX; verdict++) {
		print_message("%s: %lu\n", verdict_name((enum ag_verdict)verdict), seen[verdict]);
		assert_true(seen[verdict] > 20); /* else the chances above prove nothing of it */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_host_and_kernel_agree)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
