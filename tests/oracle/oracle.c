// SPDX-License-Identifier: GPL-2.0-only
#include "tests/oracle/oracle.h"

#include <string.h>

#include "tests/oracle/packet.h"

/* --- prefixes ------------------------------------------------------------------ */

static bool bit_of(const uint8_t *bytes, unsigned int bit)
{
	return bytes[bit / 8] >> (7 - bit % 8) & 1;
}

bool oracle_prefix_holds(const struct oracle_prefix *prefix, const struct oracle_addr *addr)
{
	if (prefix->addr.family != addr->family)
		return false;
	for (unsigned int bit = 0; bit < prefix->len; bit++)
		if (bit_of(prefix->addr.bytes, bit) != bit_of(addr->bytes, bit))
			return false;
	return true;
}

struct oracle_prefix oracle_prefix_around(const struct oracle_addr *addr, unsigned int len)
{
	struct oracle_prefix prefix = {.addr.family = addr->family, .len = (uint8_t)len};

	for (unsigned int bit = 0; bit < len; bit++)
		if (bit_of(addr->bytes, bit))
			prefix.addr.bytes[bit / 8] = (uint8_t)(prefix.addr.bytes[bit / 8] | 0x80U >> bit % 8);
	return prefix;
}

bool oracle_prefix_same(const struct oracle_prefix *a, const struct oracle_prefix *b)
{
	return a->len == b->len && oracle_prefix_holds(a, &b->addr);
}

/* --- accounts ------------------------------------------------------------------ */

bool oracle_is_active(const struct oracle_account *account)
{
	if (account->mode == AG_MODE_OFF)
		return false;
	for (size_t i = 0; i < account->entry_count; i++)
		if (!account->entries[i].disabled)
			return true;
	return false;
}

static bool enforces(const struct oracle_account *account)
{
	return account->mode == AG_MODE_ENFORCE && oracle_is_active(account);
}

static bool any_enforces(const struct oracle_policy *policy)
{
	for (size_t i = 0; i < policy->account_count; i++)
		if (enforces(&policy->accounts[i]))
			return true;
	return false;
}

static bool is_notice_port(const struct oracle_policy *policy, uint16_t port)
{
	for (size_t i = 0; i < policy->account_count; i++)
		if (enforces(&policy->accounts[i]) && policy->accounts[i].on_deny == AG_ON_DENY_NOTICE &&
		    policy->accounts[i].notice_port == port)
			return true;
	return false;
}

static bool has_expired(const struct oracle_entry *entry, uint32_t now)
{
	return entry->expires && now >= entry->expires;
}

/* The longest entry that matches; NULL: none. *traits also gets what stood before it and did not. */
static const struct oracle_entry *find_entry(const struct oracle_account *account, uint32_t now,
					     const struct oracle_addr *source, unsigned int *traits)
{
	for (int len = 128; len >= 0; len--) {
		for (size_t i = 0; i < account->entry_count; i++) {
			const struct oracle_entry *entry = &account->entries[i];

			if (entry->prefix.len != len || !oracle_prefix_holds(&entry->prefix, source))
				continue;
			if (entry->disabled)
				*traits |= ORACLE_PAST_DISABLED;
			else if (has_expired(entry, now))
				*traits |= ORACLE_PAST_EXPIRED;
			else
				return entry;
		}
	}
	return NULL;
}

/* --- services ------------------------------------------------------------------ */

static bool is_named(const struct oracle_policy *policy, const struct oracle_addr *dest)
{
	for (size_t i = 0; i < policy->service_count; i++)
		if (oracle_prefix_holds(&policy->services[i].dest, dest))
			return true;
	return false;
}

static bool is_gated(const struct oracle_policy *policy, const struct oracle_addr *dest)
{
	for (size_t i = 0; i < policy->service_count; i++)
		if (oracle_prefix_holds(&policy->services[i].dest, dest) &&
		    enforces(&policy->accounts[policy->services[i].account]))
			return true;
	return false;
}

static bool is_failsafe(const struct oracle_policy *policy, const struct oracle_addr *source)
{
	for (size_t i = 0; i < policy->failsafe_count; i++)
		if (oracle_prefix_holds(&policy->failsafes[i], source))
			return true;
	return false;
}

static bool proto_matches(const struct oracle_service *service, uint8_t proto, uint8_t family)
{
	if (service->proto == AG_PROTO_ANY)
		return true;
	if (service->proto == 1)
		return proto == (family == AG_FAMILY_IPV4 ? 1 : 58);
	return proto == service->proto;
}

static bool service_matches(const struct oracle_service *service, const struct oracle_addr *dest,
			    uint8_t proto, bool has_port, uint16_t port)
{
	if (!oracle_prefix_holds(&service->dest, dest) || !proto_matches(service, proto, dest->family))
		return false;
	return service->port == AG_PORT_ANY || (has_port && service->port == port);
}

/* The longest prefix, then a port over any, then a protocol over any. */
static bool is_more_specific(const struct oracle_service *a, const struct oracle_service *b)
{
	if (a->dest.len != b->dest.len)
		return a->dest.len > b->dest.len;
	if ((a->port != AG_PORT_ANY) != (b->port != AG_PORT_ANY))
		return a->port != AG_PORT_ANY;
	return a->proto != AG_PROTO_ANY && b->proto == AG_PROTO_ANY;
}

static const struct oracle_service *find_service(const struct oracle_policy *policy,
						 const struct oracle_addr *dest, uint8_t proto, bool has_port,
						 uint16_t port)
{
	const struct oracle_service *best = NULL;

	for (size_t i = 0; i < policy->service_count; i++) {
		const struct oracle_service *service = &policy->services[i];

		if (service_matches(service, dest, proto, has_port, port) &&
		    (!best || is_more_specific(service, best)))
			best = service;
	}
	return best;
}

/* Of a later fragment: *several where more than one account has a service that it may belong to. */
static const struct oracle_service *find_fragment_service(const struct oracle_policy *policy,
							  const struct packet *packet, bool *several)
{
	const struct oracle_service *found = NULL;

	*several = false;
	for (size_t i = 0; i < policy->service_count; i++) {
		const struct oracle_service *service = &policy->services[i];

		if (!oracle_prefix_holds(&service->dest, &packet->dest) ||
		    !proto_matches(service, packet->proto, packet->dest.family))
			continue;
		if (found && found->account != service->account)
			*several = true;
		found = service;
	}
	return found;
}

/* --- ICMP ---------------------------------------------------------------------- */

static bool is_link_local(const struct oracle_addr *addr)
{
	return addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

static bool is_unspecified(const struct oracle_addr *addr)
{
	static const uint8_t zeros[16];

	return memcmp(addr->bytes, zeros, 16) == 0;
}

/* Neighbour or listener discovery, of which *class says which. */
static bool is_discovery(const struct packet *packet, const uint8_t *frame, enum oracle_class *class)
{
	uint8_t type, code;

	if (packet->source.family != AG_FAMILY_IPV6 || !packet->whole || packet->later ||
	    packet->proto != 58 || packet->end < packet->upper + 2)
		return false;
	type = frame[packet->upper];
	code = frame[packet->upper + 1];
	*class = ORACLE_NEIGHBOUR;
	if (type >= 133 && type <= 137)
		return code == 0 && packet->hop_limit == 255 && !packet->extensions;
	*class = ORACLE_LISTENER;
	return ((type >= 130 && type <= 132) || type == 143) && packet->hop_limit == 1 &&
	       (is_link_local(&packet->source) || is_unspecified(&packet->source));
}

static bool is_icmp_error(const struct packet *packet, const uint8_t *frame)
{
	uint8_t type;

	if (packet->later || !packet_is_icmp(packet))
		return false;
	type = frame[packet->upper];
	if (packet->source.family == AG_FAMILY_IPV4)
		return type == 3 || type == 11 || type == 12;
	return type >= 1 && type <= 4;
}

static bool quotes_service(const struct oracle_policy *policy, const struct packet *packet,
			   const uint8_t *frame)
{
	struct packet quoted;

	if (!packet_read_quoted(frame, packet->upper + 8, packet->end, packet->dest.family, &quoted) ||
	    memcmp(quoted.source.bytes, packet->dest.bytes, 16) != 0 ||
	    ((quoted.later || quoted.half) && policy->other_reading))
		return false;
	return find_service(policy, &packet->dest, quoted.proto, quoted.has_ports, quoted.source_port);
}

/* --- the table ----------------------------------------------------------------- */

static struct oracle_answer of_interface(enum oracle_class class, enum ag_verdict verdict, bool drop,
					 unsigned int traits)
{
	return (struct oracle_answer){.class = class,
				      .verdict = verdict,
				      .account = AG_NO_ACCOUNT,
				      .action = drop ? ORACLE_DROPPED : ORACLE_PASSES,
				      .traits = traits};
}

static void stop(struct oracle_answer *answer, enum oracle_class class, enum ag_verdict verdict,
		 enum oracle_action action)
{
	answer->class = class;
	answer->verdict = verdict;
	answer->action = action;
}

/* "Without a whole transport header": twenty bytes of TCP, twelve of SCTP and DCCP, eight of others. */
static bool has_whole_transport(const struct packet *packet)
{
	size_t left = packet->end - packet->upper;

	if (packet->later)
		return false;
	if (packet->proto == 6)
		return left >= 20;
	return left >= (packet->proto == 132 || packet->proto == 33 ? 12 : 8);
}

static bool is_host(const struct oracle_addr *addr)
{
	static const uint8_t zeros[15];

	if (addr->family == AG_FAMILY_IPV4)
		return addr->bytes[0] != 0 && addr->bytes[0] != 127 && addr->bytes[0] < 224;
	return addr->bytes[0] != 0xff && (memcmp(addr->bytes, zeros, 15) != 0 || addr->bytes[15] > 1);
}

/* TCP but resets and broken headers, ICMP but errors and what may be one. */
static bool may_be_answered(const struct packet *packet, const uint8_t *frame)
{
	const uint8_t *upper = frame + packet->upper;
	bool ipv4 = packet->source.family == AG_FAMILY_IPV4;

	if ((frame[0] | frame[6]) & 1 || !is_host(&packet->source) || !is_host(&packet->dest))
		return false;
	if (packet->proto == 6)
		return !(upper[13] & 4) && upper[12] >> 4 >= 5 &&
		       (size_t)(upper[12] >> 4) * 4 <= packet->end - packet->upper;
	if (!packet_is_icmp(packet))
		return true;
	if (ipv4)
		return upper[0] != 3 && upper[0] != 4 && upper[0] != 5 && upper[0] != 11 && upper[0] != 12 &&
		       upper[0] <= 18;
	return upper[0] >= 128 && upper[0] != 137;
}

static bool is_for_answer(const struct oracle_policy *policy, const struct packet *packet,
			  const uint8_t *frame)
{
	return has_whole_transport(packet) && (!policy->other_reading || may_be_answered(packet, frame));
}

static bool is_for_notice(const struct oracle_policy *policy, const struct packet *packet)
{
	return packet->proto == 6 && !packet->later &&
	       (!policy->other_reading || has_whole_transport(packet));
}

static void act(const struct oracle_policy *policy, const struct oracle_account *account,
		const struct packet *packet, const uint8_t *frame, struct oracle_answer *answer)
{
	switch (account->on_deny) {
	case AG_ON_DENY_REJECT:
		if (is_for_answer(policy, packet, frame))
			stop(answer, ORACLE_REJECT, AG_VERDICT_REJECTED, ORACLE_ANSWERED);
		else
			stop(answer, ORACLE_REJECT_PART, AG_VERDICT_DENIED, ORACLE_DROPPED);
		break;
	case AG_ON_DENY_NOTICE:
		if (is_for_notice(policy, packet))
			stop(answer, ORACLE_NOTICE, AG_VERDICT_REDIRECTED, ORACLE_REWRITTEN);
		else
			stop(answer, ORACLE_NOTICE_REST, AG_VERDICT_DENIED, ORACLE_DROPPED);
		break;
	case AG_ON_DENY_REDIRECT:
		stop(answer, ORACLE_REDIRECT, AG_VERDICT_REDIRECTED, ORACLE_REDIRECTED);
		break;
	default:
		stop(answer, ORACLE_DROP, AG_VERDICT_DENIED, ORACLE_DROPPED);
	}
}

static struct oracle_answer of_account(const struct oracle_policy *policy, uint32_t slot,
				       const struct packet *packet, const uint8_t *frame, unsigned int traits)
{
	const struct oracle_account *account = &policy->accounts[slot];
	struct oracle_answer answer = {.class = ORACLE_OPEN,
				       .verdict = AG_VERDICT_OPEN,
				       .account = slot,
				       .action = ORACLE_PASSES,
				       .traits = traits};
	const struct oracle_entry *entry;

	if (!oracle_is_active(account))
		return answer;
	entry = find_entry(account, policy->now, &packet->source, &answer.traits);
	if (entry)
		answer.traits |= entry->deny ? ORACLE_BY_HOLE : ORACLE_BY_ENTRY;
	if (entry && !entry->deny)
		stop(&answer, ORACLE_ALLOWED, AG_VERDICT_ALLOWED, ORACLE_PASSES);
	else if (account->mode == AG_MODE_MONITOR)
		stop(&answer, ORACLE_WOULD_DENY, AG_VERDICT_WOULD_DENY, ORACLE_PASSES);
	else
		act(policy, account, packet, frame, &answer);
	return answer;
}

static struct oracle_answer unmatched(const struct oracle_policy *policy, const struct packet *packet,
				      unsigned int traits)
{
	bool notice = packet->proto == 6 && !packet->later && is_notice_port(policy, packet->dest_port);

	return of_interface(notice ? ORACLE_NOTICE_PORT : ORACLE_NO_SERVICE, AG_VERDICT_UNMATCHED, notice,
			    traits);
}

static struct oracle_answer judge_fragment(const struct oracle_policy *policy, const struct packet *packet,
					   const uint8_t *frame, unsigned int traits)
{
	bool several;
	const struct oracle_service *service = find_fragment_service(policy, packet, &several);

	if (several)
		return of_interface(ORACLE_SEVERAL, AG_VERDICT_FRAGMENT, false, traits);
	if (!service)
		return unmatched(policy, packet, traits);
	return of_account(policy, service->account, packet, frame, traits | ORACLE_IS_LATER);
}

static struct oracle_answer judge_service(const struct oracle_policy *policy, const struct packet *packet,
					  const uint8_t *frame, unsigned int traits)
{
	const struct oracle_service *service = find_service(policy, &packet->dest, packet->proto,
							    packet->has_ports, packet->dest_port);

	if (!service)
		return unmatched(policy, packet, traits);
	if (service->dest.len < (packet->dest.family == AG_FAMILY_IPV4 ? 32 : 128))
		traits |= ORACLE_BY_PREFIX;
	if (!packet->has_ports && !packet_is_icmp(packet))
		traits |= ORACLE_HAS_NO_PORTS;
	return of_account(policy, service->account, packet, frame, traits);
}

/* Of an IP packet to a service's address that is no discovery. */
static struct oracle_answer judge_named(const struct oracle_policy *policy, const struct packet *packet,
					const uint8_t *frame, unsigned int traits)
{
	if (is_failsafe(policy, &packet->source))
		return of_interface(ORACLE_FAILSAFE, AG_VERDICT_FAILSAFE, false, traits);
	if (packet->malformed)
		return of_interface(packet->fault, AG_VERDICT_MALFORMED, is_gated(policy, &packet->dest),
				    traits);
	if (is_icmp_error(packet, frame)) {
		if (quotes_service(policy, packet, frame))
			return of_interface(ORACLE_ICMP_ERROR, AG_VERDICT_ICMP_ERROR, false, traits);
		traits |= ORACLE_FORGED_ERROR;
	}
	if (packet->later)
		return judge_fragment(policy, packet, frame, traits);
	return judge_service(policy, packet, frame, traits);
}

static unsigned int traits_of(const struct packet *packet)
{
	unsigned int traits = packet->source.family == AG_FAMILY_IPV4 ? ORACLE_HAS_IPV4 : ORACLE_HAS_IPV6;

	if (packet->tags)
		traits |= packet->tags == 1 ? ORACLE_HAS_ONE_TAG : ORACLE_HAS_TWO_TAGS;
	if (packet->extensions)
		traits |= ORACLE_HAS_EXTENSIONS;
	if (packet->first)
		traits |= ORACLE_IS_FIRST;
	if (packet->padding)
		traits |= ORACLE_HAS_PADDING;
	return traits;
}

static struct oracle_answer judge_ip(const struct oracle_policy *policy, const struct packet *packet,
				     const uint8_t *frame)
{
	unsigned int traits = traits_of(packet);
	enum oracle_class class;

	if (is_discovery(packet, frame, &class))
		return of_interface(class, AG_VERDICT_NOT_JUDGED, false, traits);
	if (!is_named(policy, &packet->dest))
		return of_interface(ORACLE_NO_ADDRESS, AG_VERDICT_UNMATCHED, false, traits);
	return judge_named(policy, packet, frame, traits);
}

static struct oracle_answer judge(const struct oracle_policy *policy, const uint8_t *frame, size_t len)
{
	struct packet packet;

	packet_read(frame, len, &packet);
	switch (packet.kind) {
	case PACKET_TOO_MANY_TAGS:
		return of_interface(ORACLE_TAGS, AG_VERDICT_MALFORMED, any_enforces(policy), 0);
	case PACKET_NOT_IP:
		return of_interface(ORACLE_NOT_IP, AG_VERDICT_NOT_JUDGED, false, 0);
	case PACKET_CUT_OFF:
		return of_interface(ORACLE_CUT_OFF, AG_VERDICT_UNMATCHED, false, 0);
	case PACKET_WRONG_VERSION:
		return of_interface(ORACLE_VERSION, AG_VERDICT_UNMATCHED, false, 0);
	default:
		return judge_ip(policy, &packet, frame);
	}
}

/* The row stays what it is. */
struct oracle_answer oracle_judge(const struct oracle_policy *policy, const uint8_t *frame, size_t len)
{
	struct oracle_answer answer = judge(policy, frame, len);

	if (!policy->panic)
		return answer;
	answer.action = ORACLE_PASSES;
	if (answer.verdict == AG_VERDICT_DENIED || answer.verdict == AG_VERDICT_REJECTED ||
	    answer.verdict == AG_VERDICT_REDIRECTED)
		answer.verdict = AG_VERDICT_WOULD_DENY;
	return answer;
}
