/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * oracle.h - what the host says of a packet under a policy
 *
 * Shares nothing with the program: it looks at the description of the frame, not at its bytes, asks every
 * service in turn, and decides by policy_decide().
 */
#pragma once

#include "tests/prog/kernel.h"

#include "userspace/core/compile.h"

#define ACCOUNTS   5
#define CLAIMS_MAX 48

struct world {
	struct account accounts[ACCOUNTS];
	struct list lists[ACCOUNTS];
	struct claim claims[CLAIMS_MAX];
	size_t claim_count;
	struct prefix failsafe;
	bool has_failsafe;
	bool enforcing;
};

struct random_packet {
	struct frame_spec spec;
	struct addr source, dest;
	char source_text[ADDR_TEXT_MAX], dest_text[ADDR_TEXT_MAX];
	size_t tags;
};

enum shape {
	SHAPE_SOUND,
	SHAPE_LATER,
	SHAPE_MALFORMED,
};

/* `proto` is what the packet says of its upper layer: of a later fragment, the next header of the fragment
 * header. */
static inline enum shape walk_headers(const struct frame_spec *spec, uint8_t *proto)
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

static inline size_t transport_len(uint8_t proto)
{
	if (proto == IPPROTO_TCP)
		return 20;
	return frame_proto_has_ports(proto) || proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ? 8 : 0;
}

static inline bool is_icmp(const struct random_packet *packet, uint8_t proto)
{
	return proto == (packet->dest.family == AG_FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* Mapped (::ffff:0:0/96) or compatible (::/96). */
static inline bool holds_ipv4(const struct addr *source)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, compatible[12];

	return memcmp(source->bytes, mapped, 12) == 0 || memcmp(source->bytes, compatible, 12) == 0;
}

static inline enum shape shape_of(const struct random_packet *packet, uint8_t *proto)
{
	const struct frame_spec *spec = &packet->spec;
	bool ipv4 = packet->dest.family == AG_FAMILY_IPV4;
	enum shape shape;

	*proto = spec->proto;
	if (ipv4)
		shape = spec->start ? SHAPE_LATER : SHAPE_SOUND;
	else
		shape = walk_headers(spec, proto);
	if (!ipv4 && holds_ipv4(&packet->source))
		return SHAPE_MALFORMED;
	if (shape != SHAPE_SOUND)
		return shape;
	if (frame_proto_has_ports(spec->proto) && transport_len(spec->proto) < spec->trim + 4U)
		return SHAPE_MALFORMED;
	if (is_icmp(packet, spec->proto) && spec->trim)
		return SHAPE_MALFORMED;
	return SHAPE_SOUND;
}

static inline bool proto_matches(const struct random_packet *packet, uint8_t proto, uint8_t wanted)
{
	if (wanted == AG_PROTO_ANY)
		return true;
	return wanted == IPPROTO_ICMP ? is_icmp(packet, proto) : proto == wanted;
}

static inline bool is_better(const struct service *a, const struct service *b)
{
	if (a->dest.len != b->dest.len)
		return a->dest.len > b->dest.len;
	if (!a->port != !b->port)
		return a->port;
	return a->proto != AG_PROTO_ANY && b->proto == AG_PROTO_ANY;
}

static inline uint32_t service_account(const struct world *world, const struct random_packet *packet,
				       uint8_t proto)
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

static inline uint32_t fragment_account(const struct world *world, const struct random_packet *packet,
					uint8_t proto)
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
static inline bool named(const struct world *world, const struct addr *dest, bool *gated)
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

static inline struct outcome interface_outcome(enum ag_verdict verdict, bool drop)
{
	return (struct outcome){
		.verdict = verdict, .slot = AG_NO_ACCOUNT, .action = drop ? XDP_DROP : XDP_PASS};
}

static inline struct outcome expect(const struct world *world, const struct random_packet *packet)
{
	struct outcome outcome;
	enum shape shape;
	uint8_t proto;
	bool gated;

	if (packet->tags > 2)
		return interface_outcome(AG_VERDICT_MALFORMED, world->enforcing);
	if (!named(world, &packet->dest, &gated))
		return interface_outcome(AG_VERDICT_UNMATCHED, false);
	if (world->has_failsafe && prefix_contains(&world->failsafe, &packet->source))
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
					&packet->source, 0, NULL);
	outcome.action = verdict_passes(outcome.verdict) ? XDP_PASS : XDP_DROP;
	return outcome;
}
