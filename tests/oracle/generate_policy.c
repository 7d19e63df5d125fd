// SPDX-License-Identifier: GPL-2.0-only
#include "tests/oracle/generate.h"

#include <netinet/in.h>

#define NOW 1800000000U

/* --- addresses ----------------------------------------------------------------- */

/* A few neighbours in a few neighbouring networks. */
static struct oracle_addr pool_addr(struct chance *chance, uint8_t family, uint8_t which)
{
	struct oracle_addr addr = {.family = family};
	uint8_t net = (uint8_t)chance_below(chance, 3), host = (uint8_t)(chance_below(chance, 8) * 33);

	if (family == AG_FAMILY_IPV4) {
		const uint8_t bytes[4] = {198, (uint8_t)(18 + which), net, host};

		memcpy(addr.bytes, bytes, 4);
	} else {
		const uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8, 0, which, 0, net & 1, net, [15] = host};

		memcpy(addr.bytes, bytes, 16);
	}
	return addr;
}

struct oracle_addr generate_dest(struct chance *chance, uint8_t family)
{
	return pool_addr(chance, family, 0);
}

struct oracle_addr generate_source(struct chance *chance, uint8_t family)
{
	return pool_addr(chance, family, 32);
}

uint16_t generate_port(struct chance *chance)
{
	static const uint16_t ports[] = {1, 22, 53, 80, 443, 8403, 65535};

	return CHANCE_OF(chance, ports);
}

static void step(struct oracle_addr *addr, int by)
{
	for (size_t i = addr->family == AG_FAMILY_IPV4 ? 4 : 16; i > 0; i--) {
		addr->bytes[i - 1] = (uint8_t)(addr->bytes[i - 1] + by);
		if (addr->bytes[i - 1] != (by > 0 ? 0 : 0xff))
			return;
	}
}

static void set_host_bits(struct oracle_addr *addr, unsigned int len, struct chance *chance)
{
	unsigned int bits = addr->family == AG_FAMILY_IPV4 ? 32 : 128;

	for (unsigned int bit = len; bit < bits; bit++)
		if (!chance || chance_below(chance, 2))
			addr->bytes[bit / 8] = (uint8_t)(addr->bytes[bit / 8] | 0x80U >> bit % 8);
}

struct oracle_addr generate_near(struct chance *chance, const struct oracle_prefix *prefix)
{
	struct oracle_addr addr = prefix->addr;

	switch (chance_below(chance, 8)) {
	case 0:
		step(&addr, -1);
		break;
	case 1:
		set_host_bits(&addr, prefix->len, NULL);
		step(&addr, 1);
		break;
	case 2:
	case 3:
		set_host_bits(&addr, prefix->len, NULL);
		break;
	case 4:
	case 5:
		set_host_bits(&addr, prefix->len, chance);
		break;
	default:
		break;
	}
	return addr;
}

/* Of a few lengths alone, so that a long list of them can be an index. */
static struct oracle_prefix random_regular_prefix(struct chance *chance, const struct oracle_addr *addr)
{
	static const uint8_t host_bits[] = {0, 0, 0, 4, 8};
	unsigned int bits = addr->family == AG_FAMILY_IPV4 ? 32 : 128;

	return oracle_prefix_around(addr, bits - CHANCE_OF(chance, host_bits));
}

static struct oracle_prefix random_prefix(struct chance *chance, const struct oracle_addr *addr)
{
	static const uint8_t host_bits[] = {0, 0, 0, 0, 1, 2, 3, 5, 7, 8, 9, 12, 15, 16, 20, 24};
	static const uint8_t middle[] = {127, 96, 80, 72, 65, 64, 63, 62, 60, 56, 48, 33, 32, 31};
	unsigned int bits = addr->family == AG_FAMILY_IPV4 ? 32 : 128;

	if (bits == 128 && chance_percent(chance, 40))
		return oracle_prefix_around(addr, CHANCE_OF(chance, middle));
	return oracle_prefix_around(addr, bits - CHANCE_OF(chance, host_bits));
}

static uint8_t random_family(struct chance *chance)
{
	return chance_percent(chance, 50) ? AG_FAMILY_IPV4 : AG_FAMILY_IPV6;
}

/* --- lists --------------------------------------------------------------------- */

static bool has_entry(const struct oracle_account *account, const struct oracle_prefix *prefix)
{
	for (size_t i = 0; i < account->entry_count; i++)
		if (oracle_prefix_same(&account->entries[i].prefix, prefix))
			return true;
	return false;
}

/* How many lengths expiring entries of the family have, this one among them. */
static size_t expiring_lengths(const struct oracle_account *account, const struct oracle_prefix *prefix)
{
	bool seen[129] = {0};
	size_t count = 0;

	seen[prefix->len] = true;
	for (size_t i = 0; i < account->entry_count; i++)
		if (account->entries[i].expires &&
		    account->entries[i].prefix.addr.family == prefix->addr.family)
			seen[account->entries[i].prefix.len] = true;
	for (size_t len = 0; len <= 128; len++)
		count += seen[len];
	return count;
}

static uint32_t random_expiry(struct chance *chance)
{
	static const int64_t offsets[] = {-1000000, -60, -1, 0, 1, 2, 1000, 1000000};

	return (uint32_t)((int64_t)NOW + CHANCE_OF(chance, offsets));
}

/* How many percent of a list's entries are so. */
struct habits {
	unsigned int deny;
	unsigned int disabled;
	unsigned int expiring;
	unsigned int one_family; /* or 0 */
	bool regular;		 /* of a few lengths */
};

static void add_entry(struct chance *chance, const struct habits *habits, struct oracle_account *account)
{
	uint8_t family = habits->one_family ? (uint8_t)habits->one_family : random_family(chance);
	struct oracle_entry *entry = &account->entries[account->entry_count];
	struct oracle_addr addr;

	memset(entry, 0, sizeof(*entry));
	if (account->entry_count && chance_percent(chance, 30)) /* around one that is there */
		addr = account->entries[chance_below(chance, account->entry_count)].prefix.addr;
	else
		addr = generate_source(chance, family);
	if (account->entry_count > 60) /* there are only so many neighbours */
		set_host_bits(&addr, addr.family == AG_FAMILY_IPV4 ? 14 : 40, chance);
	entry->prefix = habits->regular ? random_regular_prefix(chance, &addr) : random_prefix(chance, &addr);
	if (has_entry(account, &entry->prefix))
		return;
	entry->deny = chance_percent(chance, habits->deny);
	entry->disabled = chance_percent(chance, habits->disabled);
	if (chance_percent(chance, habits->expiring) &&
	    expiring_lengths(account, &entry->prefix) <= AG_EXPIRING_LENGTHS_MAX)
		entry->expires = random_expiry(chance);
	account->entry_count++;
}

static size_t random_list_len(struct chance *chance)
{
	uint32_t kind = chance_below(chance, 20);

	if (kind < 2)
		return 0;
	if (kind < 12)
		return 1 + chance_below(chance, 12);
	if (kind < 16)
		return 1 + chance_below(chance, 48);
	return 40 + chance_below(chance, ORACLE_ENTRIES_MAX - 40);
}

static void random_account(struct chance *chance, struct oracle_account *account)
{
	static const uint16_t notice_ports[] = {8403, 8403, 8404, 443, 1};
	static const unsigned int percents[] = {0, 10, 10, 30, 100};
	const struct habits habits = {
		.deny = chance_percent(chance, 10) ? 100 : 30,
		.disabled = chance_percent(chance, 10) ? 100 : 12,
		.expiring = CHANCE_OF(chance, percents),
		.one_family = chance_percent(chance, 15) ? random_family(chance) : 0,
		.regular = chance_percent(chance, 30),
	};
	size_t len = random_list_len(chance);

	memset(account, 0, sizeof(*account));
	account->mode = chance_percent(chance, 65) ? AG_MODE_ENFORCE
						   : (enum ag_mode)chance_below(chance, AG_MODE_MAX);
	account->on_deny = (enum ag_on_deny)chance_below(chance, AG_ON_DENY_MAX);
	if (account->on_deny == AG_ON_DENY_NOTICE)
		account->notice_port = CHANCE_OF(chance, notice_ports);
	for (size_t i = 0; i < len; i++)
		add_entry(chance, &habits, account);
}

/* --- services ------------------------------------------------------------------ */

static bool service_same(const struct oracle_service *a, const struct oracle_service *b)
{
	return a->proto == b->proto && a->port == b->port && oracle_prefix_same(&a->dest, &b->dest);
}

/* Different prefixes of services that hold this one, itself too. */
static size_t depth_of(const struct oracle_policy *policy, const struct oracle_prefix *prefix)
{
	bool seen[129] = {0};
	size_t depth = 0;

	for (size_t i = 0; i < policy->service_count; i++) {
		const struct oracle_prefix *other = &policy->services[i].dest;

		if (other->len <= prefix->len && oracle_prefix_holds(other, &prefix->addr))
			seen[other->len] = true;
	}
	for (size_t len = 0; len <= 128; len++)
		depth += seen[len];
	return depth;
}

static bool is_acceptable(const struct oracle_policy *policy)
{
	const struct oracle_service *last = &policy->services[policy->service_count - 1];

	for (size_t i = 0; i + 1 < policy->service_count; i++)
		if (service_same(&policy->services[i], last))
			return false;
	for (size_t i = 0; i < policy->service_count; i++)
		if (depth_of(policy, &policy->services[i].dest) > AG_DEST_DEPTH_MAX)
			return false;
	return true;
}

static void add_service(struct chance *chance, struct oracle_policy *policy)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, AG_PROTO_ANY};
	struct oracle_service *service = &policy->services[policy->service_count++];
	struct oracle_addr addr = generate_dest(chance, random_family(chance));

	memset(service, 0, sizeof(*service));
	if (chance_percent(chance, 50)) /* or few would be on single addresses */
		service->dest = oracle_prefix_around(&addr, addr.family == AG_FAMILY_IPV4 ? 32 : 128);
	else
		service->dest = random_prefix(chance, &addr);
	service->proto = CHANCE_OF(chance, protos);
	if (service->proto != IPPROTO_ICMP && chance_percent(chance, 65))
		service->port = generate_port(chance);
	service->account = chance_below(chance, policy->account_count);
	if (!is_acceptable(policy))
		policy->service_count--;
}

void generate_policy(uint64_t seed, struct oracle_policy *ret)
{
	struct chance chance = {.state = seed};
	size_t services = 1 + chance_below(&chance, ORACLE_SERVICES_MAX);

	memset(ret, 0, sizeof(*ret));
	ret->now = NOW;
	ret->account_count = 1 + chance_below(&chance, ORACLE_ACCOUNTS_MAX);
	for (size_t i = 0; i < ret->account_count; i++)
		random_account(&chance, &ret->accounts[i]);
	for (size_t i = 0; i < services; i++)
		add_service(&chance, ret);
	if (chance_percent(&chance, 40)) /* with one, no packet goes the program's short way */
		ret->failsafe_count = 1 + chance_below(&chance, ORACLE_FAILSAFES_MAX);
	for (size_t i = 0; i < ret->failsafe_count; i++) {
		struct oracle_addr addr = generate_source(&chance, random_family(&chance));

		ret->failsafes[i] = random_prefix(&chance, &addr);
		if (ret->failsafes[i].len < 20)
			ret->failsafes[i] = oracle_prefix_around(&addr, 31);
	}
}
