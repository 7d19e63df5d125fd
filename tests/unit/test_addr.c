// SPDX-License-Identifier: GPL-2.0-only
/* test_addr.c - strict text in, canonical text out, and containment held against a bit-by-bit reference */
#include "userspace/core/addr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* xorshift64*: the same numbers in every run. */
static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1dULL;
}

static struct addr random_addr(uint64_t *seed)
{
	bool ipv6 = random_next(seed) & 1;
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = random_next(seed) % 3 ? (uint8_t)random_next(seed) : 0; /* with runs of zeros */
	if (ipv6)
		bytes[0] = 0x20; /* clear of what prefix_parse() refuses */
	return addr_make(ipv6 ? AG_FAMILY_IPV6 : AG_FAMILY_IPV4, bytes);
}

static struct prefix random_prefix(uint64_t *seed)
{
	struct addr addr = random_addr(seed);

	return prefix_of(&addr, (uint8_t)(1 + random_next(seed) % addr_bits(&addr)));
}

static unsigned int bit_at(const struct addr *addr, unsigned int bit)
{
	return ((unsigned int)addr->bytes[bit / 8] >> (7 - bit % 8)) & 1U;
}

static bool contains_by_bits(const struct prefix *prefix, const struct addr *addr)
{
	if (prefix->addr.family != addr->family)
		return false;
	for (unsigned int bit = 0; bit < prefix->len; bit++)
		if (bit_at(&prefix->addr, bit) != bit_at(addr, bit))
			return false;
	return true;
}

static void addresses_are_read_and_formatted(void **state)
{
	static const struct {
		const char *in, *out;
	} CASES[] = {
		{"203.0.113.7", "203.0.113.7"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"127.0.0.1", "127.0.0.1"},
		{"::1", "::1"},
		{"::", "::"},
		{"2001:DB8::A", "2001:db8::a"},
		/* RFC 5952, sections 4.1, 4.2.1, 4.2.2 and 4.2.3 */
		{"2001:0db8::0001", "2001:db8::1"},
		{"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
		{"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		/* a dual-stack socket's IPv4 client */
		{"::ffff:203.0.113.7", "203.0.113.7"},
		{"::FFFF:cb00:7107", "203.0.113.7"},
		{"64:ff9b::203.0.113.7", "64:ff9b::cb00:7107"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct addr addr;
		char text[ADDR_TEXT_MAX];

		assert_int_equal(addr_parse(CASES[i].in, &addr, NULL), 0);
		addr_format(&addr, text);
		assert_string_equal(text, CASES[i].out);
	}
}

static void bytes_are_in_network_order(void **state)
{
	static const uint8_t IPV4[16] = {203, 0, 113, 7};
	static const uint8_t IPV6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
	struct addr addr;

	(void)state;
	assert_int_equal(addr_parse("::ffff:203.0.113.7", &addr, NULL), 0);
	assert_int_equal(addr.family, AG_FAMILY_IPV4);
	assert_memory_equal(addr.bytes, IPV4, 16);
	assert_int_equal(addr_bits(&addr), 32);
	assert_int_equal(addr_parse("2001:db8::7", &addr, NULL), 0);
	assert_int_equal(addr.family, AG_FAMILY_IPV6);
	assert_memory_equal(addr.bytes, IPV6, 16);
	assert_int_equal(addr_bits(&addr), 128);
	addr = addr_make(AG_FAMILY_IPV4, "\xcb\0\x71\x07rest");
	assert_memory_equal(addr.bytes, IPV4, 16);
}

static void bad_addresses_are_refused(void **state)
{
	static const struct {
		const char *in, *says;
	} CASES[] = {
		{"", "is no address"},
		{"localhost", "is no address"},
		{"203.0.113", "is no address"},
		{"203.0.113.7.", "is no address"},
		{"203.0.113.7 ", "is no address"},
		{" 203.0.113.7", "is no address"},
		{"203.0.113.-7", "is no address"},
		{"0xcb.0.113.7", "is no address"},
		{"3405803783", "is no address"},
		{"203.0.113.256", "over 255"},
		{"203.0.113.1000", "over 255"},
		{"203.0.0113.7", "leading zeros"},
		{"00.0.113.7", "leading zeros"},
		{"::ffff:203.0.113.07", "leading zeros"},
		{"::ffff:203.0.113.256", "over 255"},
		{"fe80::1%eth0", "scope"},
		{"203.0.113.7%1", "scope"},
		{"203.0.113.7/32", "is a prefix"},
		{"2001:db8::/64", "is a prefix"},
		{"2001:db8::1::2", "is no address"},
		{"2001:db8:1:2:3:4:5:6:7", "is no address"},
		{"2001:db8:00001::1", "is no address"},
		{"2001:db8::g", "is no address"},
		{"[2001:db8::1]", "is no address"},
		{"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", "is no address"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct addr addr, before;
		struct ag_error error = {0};

		memset(&addr, 0x5a, sizeof(addr));
		before = addr;
		assert_int_equal(addr_parse(CASES[i].in, &addr, &error), -EINVAL);
		assert_int_equal(error.code, ERROR_BAD_REQUEST);
		if (!strstr(error.message, CASES[i].says))
			fail_msg("%s: %s", CASES[i].in, error.message);
		assert_memory_equal(&addr, &before, sizeof(addr));
	}
}

static void unknown_is_no_address(void **state)
{
	struct addr unknown = {0}, known;
	struct prefix prefix = {.len = 0};
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_false(addr_known(&unknown));
	addr_format(&unknown, text);
	assert_string_equal(text, "unknown");
	assert_int_equal(addr_parse("0.0.0.0", &known, NULL), 0);
	assert_true(addr_known(&known));
	assert_false(addr_equal(&unknown, &known));
	assert_false(prefix_contains(&prefix, &unknown));
}

static void prefixes_are_read_and_formatted(void **state)
{
	static const struct {
		const char *in, *whole, *brief;
	} CASES[] = {
		{"203.0.113.7", "203.0.113.7/32", "203.0.113.7"},
		{"203.0.113.7/32", "203.0.113.7/32", "203.0.113.7"},
		{"203.0.113.0/24", "203.0.113.0/24", "203.0.113.0/24"},
		{"128.0.0.0/1", "128.0.0.0/1", "128.0.0.0/1"},
		{"0.0.0.0/1", "0.0.0.0/1", "0.0.0.0/1"},
		{"203.0.113.254/31", "203.0.113.254/31", "203.0.113.254/31"},
		{"2001:DB8::/32", "2001:db8::/32", "2001:db8::/32"},
		{"2001:db8::7", "2001:db8::7/128", "2001:db8::7"},
		{"2001:db8::7/128", "2001:db8::7/128", "2001:db8::7"},
		{"8000::/1", "8000::/1", "8000::/1"},
		{"::/1", "::/1", "::/1"},
		{"::/95", "::/95", "::/95"},
		{"::fffe:0:0/95", "::fffe:0:0/95", "::fffe:0:0/95"},
		{"64:ff9b::/96", "64:ff9b::/96", "64:ff9b::/96"},
		{"fe80::/10", "fe80::/10", "fe80::/10"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct prefix prefix;
		char text[PREFIX_TEXT_MAX];

		assert_int_equal(prefix_parse(CASES[i].in, &prefix, NULL), 0);
		prefix_format(&prefix, text);
		assert_string_equal(text, CASES[i].whole);
		prefix_format_short(&prefix, text);
		assert_string_equal(text, CASES[i].brief);
	}
}

static const struct {
	const char *in;
	size_t offset;
	const char *says;
} BAD_PREFIXES[] = {
	/* host bits */
	{"203.0.113.7/24", 0,
	 "203.0.113.7/24 has host bits set: did you mean 203.0.113.0/24, or 203.0.113.7 alone?"},
	{"203.0.113.1/31", 0, "did you mean 203.0.113.0/31, or 203.0.113.1 alone?"},
	{"2001:db8::7/64", 0, "did you mean 2001:db8::/64, or 2001:db8::7 alone?"},
	{"2001:db8:0:0:8000::/64", 0, "did you mean 2001:db8::/64"},
	/* everyone */
	{"0.0.0.0/0", 8,
	 "0.0.0.0/0 would let everyone in: to open the account, empty its list or set --mode off"},
	{"::/0", 3, "::/0 would let everyone in: to open the account, empty its list or set --mode off"},
	{"203.0.113.7/0", 12, "would let everyone in"},
	{"::ffff:0:0/0", 11, "would let everyone in"},
	/* lengths */
	{"203.0.113.0/33", 12, "the length of an IPv4 prefix goes up to /32"},
	{"2001:db8::/129", 11, "the length of an IPv6 prefix goes up to /128"},
	{"203.0.113.0/4294967320", 12, "goes up to /32"},
	{"203.0.113.0/99999999999999999999999999", 12, "goes up to /32"},
	{"203.0.113.0/024", 12, "leading zeros in its length"},
	{"0.0.0.0/00", 8, "leading zeros in its length"},
	{"203.0.113.0/", 12, "no length behind the slash: write a number of bits, as in 203.0.113.0/32"},
	{"203.0.113.0/ 24", 12, "no length"},
	{"203.0.113.0/24 ", 12, "no length"},
	{"203.0.113.0/+24", 12, "no length"},
	{"203.0.113.0/-1", 12, "no length"},
	{"203.0.113.0/24/24", 12, "no length"},
	{"203.0.113.0/255.255.255.0", 12, "no length"},
	{"2001:db8::/x", 11, "as in 2001:db8::/128"},
	/* leading zeros, octets out of range, scopes */
	{"203.0.0113.0/24", 0, "leading zeros, which some programs read as octal"},
	{"010.0.0.1", 0, "leading zeros"},
	{"203.0.113.256", 0, "a number over 255"},
	{"fe80::1%eth0", 0, "has a scope"},
	{"fe80::%eth0/64", 0, "has a scope"},
	/* IPv4 in IPv6 */
	{"::ffff:203.0.113.7", 0,
	 "::ffff:203.0.113.7 is IPv4 written as IPv6, which matches nothing: write 203.0.113.7"},
	{"::ffff:203.0.113.0/120", 0, "write 203.0.113.0/24"},
	{"::ffff:cb00:7107/128", 0, "write 203.0.113.7"},
	{"::ffff:203.0.113.7/120", 0, "write 203.0.113.0/24"},
	{"::ffff:203.0.113.7/24", 0, "write 203.0.113.7"},
	{"::ffff:0:0/96", 0, "write the IPv4 prefix, as in 203.0.113.0/24"},
	{"::ffff:0:0/97", 0, "write the IPv4 prefix"},
	{"::203.0.113.7", 0,
	 "::203.0.113.7 is IPv4 written as IPv6, which matches nothing: write 203.0.113.7"},
	{"::203.0.113.0/120", 0, "write 203.0.113.0/24"},
	{"::", 0, ":: lies in ::/96, from where no packet comes over a network"},
	{"::1", 0, "::1 lies in ::/96"},
	{"::/96", 0, "::/96 lies in ::/96"},
	{"::/128", 0, "lies in ::/96"},
	/* none at all */
	{"", 0, "is no prefix: write one like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7"},
	{"/", 0, "is no prefix"},
	{"/24", 0, "is no prefix"},
	{"office", 0, "\"office\" is no prefix"},
	{"203.0.113/24", 0, "is no prefix"},
	{"203.0.113.*", 0, "is no prefix"},
	{"203.0.113.0-203.0.113.9", 0, "is no prefix"},
	{"[2001:db8::]/32", 0, "is no prefix"},
	{"2001:db8/32", 0, "is no prefix"},
	{" 203.0.113.7", 0, "is no prefix"},
	{"203.0.113.7\n", 0, "is no prefix"},
};

static void bad_prefixes_say_what_to_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(BAD_PREFIXES); i++) {
		struct prefix prefix, before;
		struct ag_error error = {0};

		memset(&prefix, 0x5a, sizeof(prefix));
		before = prefix;
		if (prefix_parse(BAD_PREFIXES[i].in, &prefix, &error) != -EINVAL)
			fail_msg("\"%s\" was accepted", BAD_PREFIXES[i].in);
		assert_int_equal(error.code, ERROR_BAD_PREFIX);
		if (!strstr(error.message, BAD_PREFIXES[i].says))
			fail_msg("\"%s\": %s", BAD_PREFIXES[i].in, error.message);
		assert_null(strchr(error.message, '\n'));
		assert_int_equal(error.offset, BAD_PREFIXES[i].offset);
		assert_memory_equal(&prefix, &before, sizeof(prefix));
	}
}

/* The advice of an error must be something that is then accepted. */
static void advice_can_be_followed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(BAD_PREFIXES); i++) {
		struct ag_error error = {0};
		struct prefix prefix;
		char advice[PREFIX_TEXT_MAX];
		const char *at;

		(void)prefix_parse(BAD_PREFIXES[i].in, &prefix, &error);
		at = strstr(error.message, "did you mean ");
		if (!at || sscanf(at, "did you mean %51[^,]", advice) != 1)
			continue;
		assert_int_equal(prefix_parse(advice, &prefix, NULL), 0);
	}
}

static void text_round_trips(void **state)
{
	uint64_t seed = 20260102;

	(void)state;
	for (unsigned int i = 0; i < 50000; i++) {
		struct prefix prefix = random_prefix(&seed), again;
		struct addr addr = random_addr(&seed), back;
		char text[PREFIX_TEXT_MAX];

		prefix_format(&prefix, text);
		assert_int_equal(prefix_parse(text, &again, NULL), 0);
		assert_memory_equal(&again, &prefix, sizeof(prefix));
		prefix_format_short(&prefix, text);
		assert_int_equal(prefix_parse(text, &again, NULL), 0);
		assert_memory_equal(&again, &prefix, sizeof(prefix));
		addr_format(&addr, text);
		assert_int_equal(addr_parse(text, &back, NULL), 0);
		assert_true(addr_equal(&back, &addr));
	}
}

/* An address with a random number of its leading bits changed at most once. */
static struct addr near(const struct addr *addr, uint64_t *seed)
{
	struct addr changed = *addr;
	unsigned int bit = (unsigned int)(random_next(seed) % (2U * addr_bits(addr)));

	if (bit < addr_bits(addr))
		changed.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	return changed;
}

static void containment_is_that_of_the_bits(void **state)
{
	uint64_t seed = 7;
	unsigned int held = 0;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		struct addr base = random_addr(&seed), other = near(&base, &seed);
		struct addr addr = random_next(&seed) % 8 ? other : random_addr(&seed);
		uint8_t outer_len = (uint8_t)(random_next(&seed) % (addr_bits(&base) + 1U));
		uint8_t inner_len = (uint8_t)(random_next(&seed) % (addr_bits(&addr) + 1U));
		struct prefix outer = prefix_of(&base, outer_len), inner = prefix_of(&addr, inner_len);
		bool expected = contains_by_bits(&outer, &addr);

		held += expected;
		assert_int_equal(prefix_contains(&outer, &addr), expected);
		assert_int_equal(prefix_covers(&outer, &inner),
				 inner_len >= outer_len && contains_by_bits(&outer, &inner.addr));
		assert_true(prefix_contains(&outer, &base));
		assert_int_equal(addr_equal(&base, &addr),
				 base.family == addr.family &&
					 !memcmp(base.bytes, addr.bytes, addr_size(&base)));
		for (unsigned int bit = 0; bit < addr_bits(&base); bit++)
			assert_int_equal(bit_at(&outer.addr, bit), bit < outer_len ? bit_at(&base, bit) : 0);
	}
	assert_in_range(held, 20000, 90000); /* both answers were asked for */
}

static void families_never_meet(void **state)
{
	struct prefix ipv4, ipv6 = {.addr = {.family = AG_FAMILY_IPV6}, .len = 1};
	struct addr addr4, addr6;

	(void)state;
	assert_int_equal(prefix_parse("0.0.0.0/1", &ipv4, NULL), 0);
	assert_int_equal(addr_parse("1.2.3.4", &addr4, NULL), 0);
	assert_int_equal(addr_parse("102:304::", &addr6, NULL), 0);
	assert_true(prefix_contains(&ipv4, &addr4));
	assert_true(prefix_contains(&ipv6, &addr6));
	assert_false(prefix_contains(&ipv4, &addr6));
	assert_false(prefix_contains(&ipv6, &addr4));
	assert_false(prefix_covers(&ipv4, &ipv6));
	assert_false(addr_equal(&addr4, &addr6));
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void comparison_is_a_total_order(void **state)
{
	uint64_t seed = 99;

	(void)state;
	for (unsigned int i = 0; i < 50000; i++) {
		struct prefix all[3];

		for (unsigned int k = 0; k < 3; k++) {
			struct addr addr = k ? near(&all[0].addr, &seed) : random_addr(&seed);

			if (random_next(&seed) % 8 == 0)
				addr = random_addr(&seed);
			all[k] = prefix_of(&addr, (uint8_t)(addr_bits(&addr) - random_next(&seed) % 4));
		}
		assert_int_equal(prefix_compare(&all[0], &all[0]), 0);
		assert_int_equal(sign(prefix_compare(&all[0], &all[1])),
				 -sign(prefix_compare(&all[1], &all[0])));
		assert_int_equal(prefix_compare(&all[0], &all[1]) == 0,
				 !memcmp(&all[0], &all[1], sizeof(all[0])));
		if (prefix_compare(&all[0], &all[1]) <= 0 && prefix_compare(&all[1], &all[2]) <= 0)
			assert_true(prefix_compare(&all[0], &all[2]) <= 0);
	}
}

static void order_is_family_address_length(void **state)
{
	static const char *const SORTED[] = {"10.0.0.0/8",   "10.0.0.0/16", "10.0.0.0", "10.0.0.1",
					     "192.0.2.0/24", "255.0.0.0/8", "1::/16",	"1::/32",
					     "2001:db8::",   "ff00::/8"};

	(void)state;
	for (size_t i = 0; i + 1 < COUNT(SORTED); i++) {
		struct prefix a, b;

		assert_int_equal(prefix_parse(SORTED[i], &a, NULL), 0);
		assert_int_equal(prefix_parse(SORTED[i + 1], &b, NULL), 0);
		assert_true(prefix_compare(&a, &b) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_formatted),
		cmocka_unit_test(bytes_are_in_network_order),
		cmocka_unit_test(bad_addresses_are_refused),
		cmocka_unit_test(unknown_is_no_address),
		cmocka_unit_test(prefixes_are_read_and_formatted),
		cmocka_unit_test(bad_prefixes_say_what_to_write),
		cmocka_unit_test(advice_can_be_followed),
		cmocka_unit_test(text_round_trips),
		cmocka_unit_test(containment_is_that_of_the_bits),
		cmocka_unit_test(families_never_meet),
		cmocka_unit_test(comparison_is_a_total_order),
		cmocka_unit_test(order_is_family_address_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
