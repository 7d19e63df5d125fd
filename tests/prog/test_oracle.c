// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_oracle.c - the heart: what the host says of a random packet under a random policy, the kernel says too
 *
 * The host's side is in oracle.h. Each policy is held in every form that lists have, and its services stand
 * in few buckets, so that many are elsewhere. AG_ORACLE_SEED=N repeats a run.
 */
#include "tests/prog/fill.h"
#include "tests/prog/oracle.h"

#include <stdio.h>
#include <time.h>

#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define POLICIES     60
#define PACKETS	     100 /* a policy, in each form */
#define LIST_MAX     60

/* How often each way was gone: what was not proves nothing. */
struct seen {
	unsigned long verdict[AG_VERDICT_MAX];
	unsigned long lines4, lines6, index4, index6, trie4, trie6;
	struct kernel_placed placed;
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
	static const uint8_t host_bits[] = {0, 0, 0, 1, 3, 5, 7, 8, 9, 15, 24, 31};
	struct addr addr = random_addr(base);

	return prefix_of(&addr, (uint8_t)(addr_bits(&addr) - host_bits[chance(COUNT(host_bits))]));
}

/* Of sources, also around the half of an IPv6 address, at which the program goes from one word to the next.
 */
static struct prefix random_source_prefix(void)
{
	struct prefix prefix = random_prefix(2);

	if (prefix.addr.family == AG_FAMILY_IPV6 && !chance(4))
		return prefix_of(&prefix.addr, (uint8_t)(60 + chance(8)));
	return prefix;
}

static struct service random_service(void)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, AG_PROTO_ANY};
	struct service service = {.dest = random_prefix(1), .proto = protos[chance(COUNT(protos))]};

	if (chance(2)) /* or few would stand on single addresses */
		service.dest = prefix_of(&service.dest.addr, addr_bits(&service.dest.addr));
	if (service.proto != IPPROTO_ICMP && chance(3))
		service.port = (uint16_t)(1 + chance(3));
	return service;
}

static void random_list(struct list *list)
{
	size_t count = chance(4) ? chance(chance(2) ? 12 : LIST_MAX) : 0;

	for (size_t i = 0; i < count; i++) {
		struct entry entry = {.prefix = random_source_prefix(),
				      .verdict = chance(3) ? AG_ENTRY_ALLOW : AG_ENTRY_DENY};

		list_sort(list);
		if (!list_find(list, &entry.prefix))
			kernel_check(list_append(list, &entry), "append");
	}
	assert_null(list_sort(list));
}

/* A host would refuse more prefixes within one another than are walked. */
static bool is_too_deep(const struct world *world)
{
	struct compiled_services services = {0};
	struct ag_error error = {0};
	int r = compile_services(world->claims, world->claim_count, world->accounts, ACCOUNTS, &services,
				 &error);

	compiled_services_clear(&services);
	return r < 0;
}

static void random_world(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->failsafe = random_prefix(2);
	world->has_failsafe = !chance(4); /* with one no packet goes the short way */
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
	while (is_too_deep(world))
		world->claim_count--;
}

static void count_held(union ag_account_state state, struct seen *seen)
{
	seen->lines4 += state.held4 && state.held4 <= AG_LINES4_MAX;
	seen->lines6 += state.held6 && state.held6 <= AG_LINES6_MAX;
	seen->index4 += state.held4 == AG_HELD_INDEX;
	seen->index6 += state.held6 == AG_HELD_INDEX;
	seen->trie4 += state.held4 == AG_HELD_TRIE;
	seen->trie6 += state.held6 == AG_HELD_TRIE;
}

/* What the kernel is to hold of a policy's accounts, and where. */
struct held {
	struct compiled_account accounts[ACCOUNTS];
	uint8_t sides[ACCOUNTS];
};

static void compile_accounts(const struct world *world, struct held *held)
{
	for (size_t i = 0; i < ACCOUNTS; i++) {
		kernel_check(compile_account(&world->accounts[i], &world->lists[i], &held->accounts[i]),
			     "compile");
		held->sides[i] = chance(2) ? AG_ACCOUNT_SIDE : 0;
	}
}

/* Beforehand for all that follows, as it takes long. */
static void place_lists(struct allowgate_bpf *kernel, const struct held *held, enum kernel_form form)
{
	kernel_place_lists(kernel, AG_FAMILY_IPV4, form, held->accounts, held->sides, ACCOUNTS);
	kernel_place_lists(kernel, AG_FAMILY_IPV6, form, held->accounts, held->sides, ACCOUNTS);
}

/* KERNEL_FORM_MAX: either family of each account in a form of its own. */
static void put_accounts(struct allowgate_bpf *kernel, const struct held *held, enum kernel_form form,
			 struct seen *seen)
{
	bool any = form == KERNEL_FORM_MAX;

	for (size_t i = 0; i < ACCOUNTS; i++) {
		const struct kernel_holding holding = {
			.form4 = any ? (enum kernel_form)chance(KERNEL_FORM_MAX) : form,
			.form6 = any ? (enum kernel_form)chance(KERNEL_FORM_MAX) : form,
			.side = held->sides[i],
			.placed = true,
		};

		count_held(kernel_put_account_so(kernel, &held->accounts[i], &holding), seen);
	}
}

static struct allowgate_bpf *load_world(const struct world *world, bool frags, struct seen *seen)
{
	const struct kernel_options options = {
		.frags = frags, .services = CLAIMS_MAX, .buckets4 = 1 + chance(4), .buckets6 = 1 + chance(8)};
	struct allowgate_bpf *kernel = kernel_load_with(&options);
	struct compiled_services services;
	struct ag_error error = {0};
	struct kernel_placed placed;
	char failsafe[PREFIX_TEXT_MAX];

	if (compile_services(world->claims, world->claim_count, world->accounts, ACCOUNTS, &services, &error))
		fail_msg("%s", error.message);
	placed = kernel_put_services(kernel, &services);
	seen->placed.home += placed.home;
	seen->placed.other += placed.other;
	seen->placed.stash += placed.stash;
	seen->placed.prefix += placed.prefix;
	prefix_format(&world->failsafe, failsafe);
	kernel_put_failsafe(kernel, failsafe);
	kernel_put_config(kernel, services.flags | (world->has_failsafe ? AG_CONFIG_FAILSAFE : 0));
	compiled_services_clear(&services);
	return kernel;
}

/* --- packets ------------------------------------------------------------- */

static void random_extensions(struct frame_spec *spec)
{
	static const uint8_t kinds[] = {0, 43, 51, 60, 135, 139, 140, 44, 44};

	if (chance(2))
		spec->extension_count = (uint8_t)chance(chance(4) ? 4 : 11);
	for (size_t i = 0; i < spec->extension_count; i++)
		spec->extensions[i] = kinds[chance(COUNT(kinds))];
	spec->extension_len = (uint8_t)chance(4);
}

/* At the edge of an entry: its first address, its last, or the next beyond either. */
static void edge_of_entry(const struct list *list, struct addr *source)
{
	const struct prefix *prefix = &list->entries[chance((uint32_t)list->count)].prefix;
	size_t size = addr_size(&prefix->addr);
	bool last = chance(2), beyond = chance(2);

	if (prefix->addr.family != source->family)
		return;
	*source = prefix->addr;
	for (size_t bit = prefix->len; last && bit < size * 8; bit++)
		source->bytes[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
	for (size_t i = size; beyond && i > 0; i--) {
		source->bytes[i - 1] = (uint8_t)(source->bytes[i - 1] + (last ? 1 : -1));
		if (source->bytes[i - 1] != (last ? 0 : 0xff))
			break;
	}
}

static void random_packet(const struct world *world, struct random_packet *packet)
{
	const struct list *list = &world->lists[chance(ACCOUNTS)];
	static const uint8_t protos[] = {6, 6, 6, 17, 17, 1, 58, 132, 33, 136, 47, 50};
	struct frame_spec *spec = &packet->spec;

	memset(packet, 0, sizeof(*packet));
	packet->dest = random_addr(chance(10) ? 1 : 3);
	do
		packet->source = random_addr(chance(10) ? 2 : 4);
	while (packet->source.family != packet->dest.family);
	if (list->count && chance(2))
		edge_of_entry(list, &packet->source);
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
	if (chance(2))
		spec->ihl = 0, spec->start = 0, spec->more = false;
	spec->padding = (uint16_t)(chance(2) * chance(30));
	if (packet->dest.family == AG_FAMILY_IPV6 && chance(2))
		random_extensions(spec);
	if (!chance(8) && (frame_proto_has_ports(spec->proto) || spec->proto == 1 || spec->proto == 58))
		spec->trim = (uint16_t)chance(spec->proto == IPPROTO_TCP ? 21 : 9);
}

/* --- both ---------------------------------------------------------------- */

static void compare(struct allowgate_bpf *kernel, const struct world *world, struct random_packet *packet,
		    enum kernel_form form, struct tally *tally, struct seen *seen)
{
	static struct frame frame;
	struct outcome is, should;

	packet->spec.source = packet->source_text;
	packet->spec.dest = packet->dest_text;
	frame_build(&frame, &packet->spec);
	should = expect(world, packet);
	is = kernel_run_on(kernel, ACCOUNTS, &frame, 0, tally);
	if (is.verdict != should.verdict || is.slot != should.slot || is.action != should.action)
		fail_msg("form %d, %s to %s, proto %u, port %u, start %u, trim %u, %u headers: kernel "
			 "%d/%x/%u, host %d/%x/%u",
			 form, packet->source_text, packet->dest_text, packet->spec.proto, packet->spec.port,
			 packet->spec.start, packet->spec.trim, packet->spec.extension_count, is.verdict,
			 is.slot, is.action, should.verdict, should.slot, should.action);
	seen->verdict[is.verdict]++;
}

/*
 * The same packets under the same policy, whichever way its lists are held: first as tries while there are no
 * indexes.
 */
static void compare_forms(const struct world *world, bool frags, struct seen *seen)
{
	static const enum kernel_form forms[] = {KERNEL_TRIE, KERNEL_INDEX, KERNEL_SHORT, KERNEL_FORM_MAX};
	static struct random_packet packets[PACKETS];
	struct allowgate_bpf *kernel = load_world(world, frags, seen);
	struct tally tally = {0};
	struct held held;

	for (size_t i = 0; i < PACKETS; i++)
		random_packet(world, &packets[i]);
	compile_accounts(world, &held);
	for (size_t i = 0; i < COUNT(forms); i++) {
		if (forms[i] == KERNEL_TRIE || forms[i] == KERNEL_INDEX)
			place_lists(kernel, &held, forms[i]);
		put_accounts(kernel, &held, forms[i], seen);
		for (size_t j = 0; j < PACKETS; j++)
			compare(kernel, world, &packets[j], forms[i], &tally, seen);
	}
	for (size_t i = 0; i < ACCOUNTS; i++)
		compiled_account_clear(&held.accounts[i]);
	allowgate_bpf__destroy(kernel);
}

/* Else the chances above prove nothing of it. */
static void assert_seen(const struct seen *seen)
{
	for (int verdict = 0; verdict < AG_VERDICT_MAX; verdict++) {
		print_message("%s: %lu\n", verdict_name((enum ag_verdict)verdict), seen->verdict[verdict]);
		/* no action but drop here, and no quotes: test_packets.c has them */
		if (verdict != AG_VERDICT_REJECTED && verdict != AG_VERDICT_REDIRECTED &&
		    verdict != AG_VERDICT_ICMP_ERROR)
			assert_true(seen->verdict[verdict] > 20);
	}
	print_message("lists in lines %lu and %lu, indexes %lu and %lu, tries %lu and %lu\n", seen->lines4,
		      seen->lines6, seen->index4, seen->index6, seen->trie4, seen->trie6);
	assert_true(seen->lines4 > 20 && seen->lines6 > 20 && seen->index4 > 20 && seen->index6 > 20);
	assert_true(seen->trie4 > 20 && seen->trie6 > 20);
	print_message("services at home %zu, in the other bucket %zu, in the stash %zu, on prefixes %zu\n",
		      seen->placed.home, seen->placed.other, seen->placed.stash, seen->placed.prefix);
	assert_true(seen->placed.home > 20 && seen->placed.other > 20);
	assert_true(seen->placed.stash > 20 && seen->placed.prefix > 20);
}

static void test_host_and_kernel_agree(void **state)
{
	const char *given = getenv("AG_ORACLE_SEED");
	struct seen seen = {0};

	(void)state;
	random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) << 16 | 1;
	print_message("AG_ORACLE_SEED=%llu\n", (unsigned long long)random_state);
	for (int i = 0; i < POLICIES; i++) {
		struct world world;

		random_world(&world);
		compare_forms(&world, i % 2, &seen);
		for (size_t slot = 0; slot < ACCOUNTS; slot++)
			list_clear(&world.lists[slot]);
	}
	assert_seen(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_host_and_kernel_agree)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
