// SPDX-License-Identifier: GPL-2.0-only
#include "tests/oracle/generate.h"

#include <assert.h>

#define MUTATED_PERCENT 20
#define QUOTED_MAX	100

/* What is being made: what the frame is about, and its description. */
struct plan {
	struct chance chance;
	const struct oracle_policy *policy;
	const struct oracle_service *service; /* which the destination was chosen by, or NULL */
	struct oracle_addr source, dest;
	char source_text[INET6_ADDRSTRLEN], dest_text[INET6_ADDRSTRLEN];
	struct frame_spec spec;
	size_t quoted; /* bytes at the payload's end that quote a packet */
};

static bool is_ipv4(const struct plan *plan)
{
	return plan->dest.family == AG_FAMILY_IPV4;
}

static const char *addr_text(const struct oracle_addr *addr, char text[INET6_ADDRSTRLEN])
{
	const char *done = inet_ntop(addr->family == AG_FAMILY_IPV4 ? AF_INET : AF_INET6, addr->bytes, text,
				     INET6_ADDRSTRLEN);

	assert(done);
	return done;
}

/* --- from where to where ------------------------------------------------------- */

static void choose_dest(struct plan *plan)
{
	struct chance *chance = &plan->chance;

	if (plan->policy->service_count && chance_percent(chance, 85)) {
		plan->service = &plan->policy->services[chance_below(chance, plan->policy->service_count)];
		plan->dest = chance_percent(chance, 50) ? plan->service->dest.addr
							: generate_near(chance, &plan->service->dest);
	} else {
		plan->dest = generate_dest(chance,
					   chance_percent(chance, 50) ? AG_FAMILY_IPV4 : AG_FAMILY_IPV6);
	}
}

/* By an entry of the list that is likely to be asked, or by any; false where it is of the other family. */
static bool choose_by_entry(struct plan *plan)
{
	struct chance *chance = &plan->chance;
	uint32_t slot = plan->service && chance_percent(chance, 80)
				? plan->service->account
				: chance_below(chance, plan->policy->account_count);
	const struct oracle_account *account = &plan->policy->accounts[slot];
	const struct oracle_entry *entry;

	if (!account->entry_count)
		return false;
	entry = &account->entries[chance_below(chance, account->entry_count)];
	if (entry->prefix.addr.family != plan->dest.family)
		return false;
	plan->source = generate_near(chance, &entry->prefix);
	return true;
}

static bool choose_by_failsafe(struct plan *plan)
{
	const struct oracle_prefix *prefix;

	if (!plan->policy->failsafe_count)
		return false;
	prefix = &plan->policy->failsafes[chance_below(&plan->chance, plan->policy->failsafe_count)];
	if (prefix->addr.family != plan->dest.family)
		return false;
	plan->source = generate_near(&plan->chance, prefix);
	return true;
}

static void choose_source(struct plan *plan)
{
	uint32_t way = chance_below(&plan->chance, 100);

	if (way < 55 && choose_by_entry(plan))
		return;
	if (way >= 55 && way < 60 && choose_by_failsafe(plan))
		return;
	plan->source = generate_source(&plan->chance, plan->dest.family);
	if (way >= 90)
		for (size_t i = 0; i < (is_ipv4(plan) ? 4U : 16U); i++)
			plan->source.bytes[i] = (uint8_t)(chance_next(&plan->chance) | 1);
}

static void set_upper(struct plan *plan, uint8_t proto, uint16_t port)
{
	plan->spec.proto = proto;
	plan->spec.port = port;
}

static void choose_upper(struct plan *plan)
{
	static const uint8_t protos[] = {6, 6, 6, 17, 17, 1, 58, 132, 33, 136, 47, 4, 41, 50, 51, 59, 2, 255};
	struct chance *chance = &plan->chance;
	const struct oracle_service *service = plan->service;

	plan->spec.source_port = generate_port(chance);
	plan->spec.type = is_ipv4(plan) ? 8 : 128;
	set_upper(plan, CHANCE_OF(chance, protos), generate_port(chance));
	if (service && chance_percent(chance, 70)) {
		if (service->proto == IPPROTO_ICMP)
			plan->spec.proto = is_ipv4(plan) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		else if (service->proto != AG_PROTO_ANY)
			plan->spec.proto = service->proto;
		if (service->port != AG_PORT_ANY)
			plan->spec.port = service->port;
	}
	if (!is_ipv4(plan) && plan->spec.proto == IPPROTO_AH)
		plan->spec.proto = IPPROTO_ESP;
	if (chance_percent(chance, 2))
		plan->spec.port = 0;
}

static void choose_layout(struct plan *plan)
{
	static const uint8_t kinds[] = {0, 43, 51, 60, 135, 139, 140};
	struct chance *chance = &plan->chance;
	struct frame_spec *spec = &plan->spec;
	uint32_t tags = chance_percent(chance, 20) ? 1 + chance_below(chance, 2) : 0;

	for (uint32_t i = 0; i < tags; i++)
		spec->tags[i] = chance_percent(chance, 50) ? FRAME_VLAN : FRAME_QINQ;
	if (chance_percent(chance, 15))
		spec->padding = (uint16_t)(1 + chance_below(chance, 30));
	spec->payload = (uint16_t)chance_below(chance, 40);
	if (chance_percent(chance, 2))
		spec->payload = (uint16_t)chance_below(chance, chance_percent(chance, 50) ? 1400 : 8000);
	if (is_ipv4(plan) && chance_percent(chance, 15))
		spec->ihl = (uint8_t)(5 + chance_below(chance, 11));
	if (!is_ipv4(plan) && chance_percent(chance, 15)) {
		spec->extension_count = (uint8_t)(1 + chance_below(chance, AG_EXTENSION_HEADERS_MAX));
		spec->extension_len = (uint8_t)chance_below(chance, 3);
		for (size_t i = 0; i < spec->extension_count; i++)
			spec->extensions[i] = CHANCE_OF(chance, kinds);
	}
}

/* --- rows of the table --------------------------------------------------------- */

static void make_ordinary(struct plan *plan)
{
	(void)plan;
}

static void make_tags(struct plan *plan)
{
	for (size_t i = 0; i < 3U + chance_below(&plan->chance, 2); i++)
		plan->spec.tags[i] = chance_percent(&plan->chance, 50) ? FRAME_VLAN : FRAME_QINQ;
}

static void make_not_ip(struct plan *plan)
{
	static const uint16_t types[] = {FRAME_ETH_ARP, 0x88cc, 0x9100, 0x8847, 0x0801, 0x86de, 60};

	plan->spec.ethertype = CHANCE_OF(&plan->chance, types);
}

/* All but the destination, anew. */
static void choose_rest(struct plan *plan)
{
	memset(&plan->spec, 0, sizeof(plan->spec));
	choose_source(plan);
	choose_upper(plan);
	choose_layout(plan);
}

static void set_family(struct plan *plan, uint8_t family)
{
	for (int tries = 0; tries < 20 && plan->dest.family != family; tries++)
		choose_dest(plan);
	if (plan->dest.family != family) {
		plan->service = NULL;
		plan->dest = generate_dest(&plan->chance, family);
	}
	choose_rest(plan);
}

/* Rather to a service of an account with this action. */
static void prefer_action(struct plan *plan, enum ag_on_deny on_deny)
{
	for (int tries = 0; tries < 16; tries++) {
		if (plan->service && plan->policy->accounts[plan->service->account].on_deny == on_deny)
			break;
		choose_dest(plan);
	}
	choose_rest(plan);
}

static void make_neighbour(struct plan *plan)
{
	struct chance *chance = &plan->chance;

	set_family(plan, AG_FAMILY_IPV6);
	set_upper(plan, IPPROTO_ICMPV6, 0);
	plan->spec.type = (uint8_t)(132 + chance_below(chance, 7));
	plan->spec.code = chance_percent(chance, 10);
	plan->spec.hop_limit = chance_percent(chance, 90) ? 255 : 254;
	if (chance_percent(chance, 90))
		plan->spec.extension_count = 0;
	if (chance_percent(chance, 20))
		memset(plan->source.bytes, 0, 16);
}

static void make_listener(struct plan *plan)
{
	static const uint8_t types[] = {129, 130, 131, 132, 143, 143, 142};
	struct chance *chance = &plan->chance;

	set_family(plan, AG_FAMILY_IPV6);
	set_upper(plan, IPPROTO_ICMPV6, 0);
	plan->spec.type = CHANCE_OF(chance, types);
	plan->spec.hop_limit = chance_percent(chance, 90) ? 1 : 2;
	if (chance_percent(chance, 50)) {
		plan->spec.extension_count = 1;
		plan->spec.extensions[0] = 0;
	}
	if (chance_percent(chance, 60)) {
		plan->source.bytes[0] = 0xfe;
		plan->source.bytes[1] = (uint8_t)(0x80 + chance_below(chance, 0x40));
	} else if (chance_percent(chance, 60)) {
		memset(plan->source.bytes, 0, 16);
	}
}

static void make_cut(struct plan *plan)
{
	size_t tags = 0;

	while (tags < 4 && plan->spec.tags[tags])
		tags++;
	plan->spec.cut = (uint16_t)(14 + tags * 4 + chance_below(&plan->chance, is_ipv4(plan) ? 22 : 44));
}

static void make_version(struct plan *plan)
{
	plan->spec.version = (uint8_t)(1 + chance_below(&plan->chance, 15));
}

static void make_elsewhere(struct plan *plan)
{
	for (size_t i = 0; i < (is_ipv4(plan) ? 4U : 16U); i++)
		plan->dest.bytes[i] = (uint8_t)chance_next(&plan->chance);
}

static void make_header_len(struct plan *plan)
{
	set_family(plan, AG_FAMILY_IPV4);
	plan->spec.ihl = (uint8_t)chance_below(&plan->chance, 16);
	if (!plan->spec.ihl)
		plan->spec.ihl = 15;
	plan->spec.false_ihl = true;
	if (plan->spec.ihl > 5)
		plan->spec.payload = (uint16_t)chance_below(&plan->chance, 10);
}

static void make_lengths(struct plan *plan)
{
	struct chance *chance = &plan->chance;

	plan->spec.false_len = true;
	plan->spec.len = (uint16_t)(chance_percent(chance, 20) ? chance_next(chance)
							       : chance_below(chance, 120));
	if (chance_percent(chance, 10))
		plan->spec.len = 0;
}

static void make_extensions(struct plan *plan)
{
	static const uint8_t kinds[] = {0, 43, 51, 60, 135, 139, 140, 44};
	struct chance *chance = &plan->chance;

	set_family(plan, AG_FAMILY_IPV6);
	plan->spec.extension_count = (uint8_t)(1 + chance_below(chance, 11));
	plan->spec.extension_len = (uint8_t)chance_below(chance, 3);
	for (size_t i = 0; i < plan->spec.extension_count; i++)
		plan->spec.extensions[i] = CHANCE_OF(chance, kinds);
	plan->spec.start = (uint16_t)(chance_percent(chance, 10) * 8);
	plan->spec.more = chance_percent(chance, 30);
}

static void make_extension_cut(struct plan *plan)
{
	struct chance *chance = &plan->chance;

	set_family(plan, AG_FAMILY_IPV6);
	plan->spec.extension_count = 1;
	plan->spec.extensions[0] = chance_percent(chance, 50) ? 60 : 51;
	plan->spec.extension_len = (uint8_t)chance_below(chance, 4);
	plan->spec.proto = 47;
	plan->spec.payload = 0;
	plan->spec.trim = (uint16_t)chance_below(chance, 9);
}

/* A fragment, first or later, of IPv6 behind a fragment header. */
static void set_fragment(struct plan *plan, uint16_t start, bool more)
{
	plan->spec.start = start;
	plan->spec.more = more;
	if (!is_ipv4(plan)) {
		plan->spec.extension_count = (uint8_t)(1 + chance_percent(&plan->chance, 20));
		plan->spec.extensions[0] = IPPROTO_FRAGMENT;
		if (plan->spec.extension_count == 2) {
			bool behind = chance_percent(&plan->chance, 50);

			plan->spec.extensions[behind] = 60;
			plan->spec.extensions[!behind] = IPPROTO_FRAGMENT;
		}
	}
}

static void make_fragment_end(struct plan *plan)
{
	set_fragment(plan, (uint16_t)(65528 - chance_below(&plan->chance, 10) * 8),
		     chance_percent(&plan->chance, 50));
}

static void make_later(struct plan *plan)
{
	set_fragment(plan, (uint16_t)(8 + chance_below(&plan->chance, 2000) * 8),
		     chance_percent(&plan->chance, 50));
}

static void make_first(struct plan *plan)
{
	set_fragment(plan, 0, chance_percent(&plan->chance, 80));
}

static void make_trimmed(struct plan *plan)
{
	bool icmp = chance_percent(&plan->chance, 25);

	prefer_action(plan, AG_ON_DENY_REJECT);
	if (icmp)
		set_upper(plan, is_ipv4(plan) ? IPPROTO_ICMP : IPPROTO_ICMPV6, 0);
	else if (!frame_proto_has_ports(plan->spec.proto))
		set_upper(plan, chance_percent(&plan->chance, 50) ? IPPROTO_TCP : IPPROTO_UDP,
			  generate_port(&plan->chance));
	plan->spec.payload = 0;
	plan->spec.trim = (uint16_t)chance_below(&plan->chance, plan->spec.proto == IPPROTO_TCP ? 21 : 9);
	if (chance_percent(&plan->chance, 20))
		set_fragment(plan, 0, true);
}

static void make_bad_source(struct plan *plan)
{
	struct chance *chance = &plan->chance;

	set_family(plan, AG_FAMILY_IPV6);
	memset(plan->source.bytes, 0, 12);
	if (chance_percent(chance, 50))
		plan->source.bytes[10] = plan->source.bytes[11] = 0xff;
	if (chance_percent(chance, 20))
		memset(plan->source.bytes, 0, 15);
	if (chance_percent(chance, 10))
		plan->source.bytes[chance_below(chance, 12)] = 1;
}

static void make_icmp_error(struct plan *plan)
{
	static const uint8_t types4[] = {3, 3, 11, 12, 4, 5}, types6[] = {1, 2, 2, 3, 4, 5, 0};
	struct chance *chance = &plan->chance;

	set_upper(plan, is_ipv4(plan) ? IPPROTO_ICMP : IPPROTO_ICMPV6, 0);
	plan->spec.type = is_ipv4(plan) ? CHANCE_OF(chance, types4) : CHANCE_OF(chance, types6);
	plan->spec.code = (uint8_t)chance_below(chance, 5);
	plan->quoted = chance_percent(chance, 90) ? QUOTED_MAX : chance_below(chance, 60);
}

/* Of an account that has one, where there is, which may be in use or not. */
static void make_notice_port(struct plan *plan)
{
	struct chance *chance = &plan->chance;
	uint16_t port = 8403;

	for (size_t i = 0; i < plan->policy->account_count; i++)
		if (plan->policy->accounts[i].notice_port && chance_percent(chance, 60))
			port = plan->policy->accounts[i].notice_port;
	set_upper(plan, chance_percent(chance, 90) ? IPPROTO_TCP : IPPROTO_UDP, port);
}

static const struct {
	void (*make)(struct plan *plan);
	unsigned int weight;
} recipes[] = {
	{make_ordinary, 50},	{make_tags, 3},	      {make_not_ip, 2},	      {make_neighbour, 4},
	{make_listener, 4},	{make_cut, 2},	      {make_version, 2},      {make_elsewhere, 2},
	{make_header_len, 4},	{make_lengths, 5},    {make_extensions, 12},  {make_extension_cut, 4},
	{make_fragment_end, 5}, {make_later, 7},      {make_first, 5},	      {make_trimmed, 15},
	{make_bad_source, 3},	{make_icmp_error, 8}, {make_notice_port, 11},
};

static void make(struct plan *plan)
{
	unsigned int all = 0, at;

	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++)
		all += recipes[i].weight;
	at = chance_below(&plan->chance, all);
	for (size_t i = 0;; i++) {
		if (at < recipes[i].weight) {
			recipes[i].make(plan);
			return;
		}
		at -= recipes[i].weight;
	}
}

/* --- bytes --------------------------------------------------------------------- */

/* A packet that the destination sent to somebody, as an error quotes it. */
static void build_quoted(const struct plan *plan, struct chance *chance, struct frame *frame)
{
	static const uint8_t protos[] = {6, 6, 17, 1, 58, 132, 47};
	struct plan reply = {.chance = {chance_next(chance)}, .dest = plan->source, .source = plan->dest};

	if (chance_percent(chance, 15))
		reply.source = generate_near(chance, &(struct oracle_prefix){.addr = plan->dest, .len = 24});
	choose_layout(&reply);
	memset(reply.spec.tags, 0, sizeof(reply.spec.tags));
	set_upper(&reply, CHANCE_OF(chance, protos), generate_port(chance));
	reply.spec.source_port = generate_port(chance);
	if (plan->service && chance_percent(chance, 75)) {
		reply.spec.source_port = plan->service->port;
		if (plan->service->proto != AG_PROTO_ANY)
			reply.spec.proto = plan->service->proto;
	}
	if (is_ipv4(&reply) && chance_percent(chance, 4)) {
		reply.spec.ihl = (uint8_t)(1 + chance_below(chance, 4));
		reply.spec.false_ihl = true;
	}
	if (chance_percent(chance, 8))
		set_fragment(&reply, (uint16_t)(chance_below(chance, 3) * 8), true);
	reply.spec.source = addr_text(&reply.source, reply.source_text);
	reply.spec.dest = addr_text(&reply.dest, reply.dest_text);
	frame_build(frame, &reply.spec);
}

static void put_quoted(struct plan *plan, struct frame *frame)
{
	static struct frame quoted;
	size_t bytes;

	build_quoted(plan, &plan->chance, &quoted);
	bytes = quoted.len - 14;
	if (bytes > plan->quoted)
		bytes = plan->quoted;
	plan->spec.payload = (uint16_t)bytes;
	plan->spec.padding = 0;
	frame_build(frame, &plan->spec);
	memcpy(frame_data(frame) + frame->len - bytes, frame_data(&quoted) + 14, bytes);
}

/* A header's length and flags, where nothing is missing of it. */
static void put_tcp(struct plan *plan, struct frame *frame)
{
	static const uint8_t flags[] = {0x02, 0x02, 0x10, 0x18, 0x11, 0x04, 0x12};
	uint8_t *tcp = frame_data(frame) + frame->len - plan->spec.padding - plan->spec.payload - 20;

	if (plan->spec.proto != IPPROTO_TCP || plan->spec.trim || plan->spec.cut)
		return;
	tcp[12] = 5 << 4;
	tcp[13] = CHANCE_OF(&plan->chance, flags);
}

void generate_frame(const struct oracle_policy *policy, uint64_t seed, struct frame *ret, bool *ret_mutated)
{
	struct plan plan = {.chance = {.state = seed}, .policy = policy};

	choose_dest(&plan);
	choose_source(&plan);
	choose_upper(&plan);
	choose_layout(&plan);
	make(&plan);
	plan.spec.source = addr_text(&plan.source, plan.source_text);
	plan.spec.dest = addr_text(&plan.dest, plan.dest_text);
	if (plan.quoted) {
		put_quoted(&plan, ret);
	} else {
		frame_build(ret, &plan.spec);
		put_tcp(&plan, ret);
	}
	*ret_mutated = chance_percent(&plan.chance, MUTATED_PERCENT);
	if (*ret_mutated)
		generate_mutation(&plan.chance, ret);
}
