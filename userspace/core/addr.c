// SPDX-License-Identifier: GPL-2.0-only
/*
 * addr.c - addresses and prefixes
 *
 * The numbers are read by inet_pton(), which is as strict as is wanted: no leading zeros in
 * dotted decimal, no missing octets, no scope, no blanks (tests/unit/test_addr.c holds it to that).
 * What is done here is to refuse what is well formed and yet not meant, and to say what is.
 */
#include "userspace/core/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/error.h"

#define IPV4_IN_IPV6_BITS 96

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool bytes_parse(const char *text, size_t length, struct addr *ret)
{
	char copy[ADDR_TEXT_MAX];
	struct addr addr = {.family = AG_FAMILY_IPV4};

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (strchr(copy, ':'))
		addr.family = AG_FAMILY_IPV6;
	if (inet_pton(addr.family == AG_FAMILY_IPV6 ? AF_INET6 : AF_INET, copy, addr.bytes) != 1)
		return false;
	*ret = addr;
	return true;
}

/* Looks at the numbers of the dotted part: a leading zero, or a number over 255. */
static bool dotted_has(const char *text, size_t length, bool (*bad)(const char *number, size_t digits))
{
	const char *colon = memrchr(text, ':', length);
	const char *at = colon ? colon + 1 : text;
	const char *end = text + length;

	if (!memchr(at, '.', (size_t)(end - at)))
		return false;
	while (at < end) {
		size_t digits = 0;

		while (at + digits < end && is_digit(at[digits]))
			digits++;
		if (bad(at, digits))
			return true;
		at += digits + 1;
	}
	return false;
}

static bool leading_zero(const char *number, size_t digits)
{
	return digits > 1 && number[0] == '0';
}

static bool over_255(const char *number, size_t digits)
{
	return digits > 3 || (digits == 3 && memcmp(number, "255", 3) > 0);
}

/* Why bytes_parse() refused it, as the end of a sentence; `otherwise` where there is no particular reason. */
static const char *bytes_complaint(const char *text, size_t length, const char *otherwise)
{
	if (memchr(text, '%', length))
		return "has a scope, which means nothing on the wire: leave out the % and what follows it";
	if (dotted_has(text, length, leading_zero))
		return "has leading zeros, which some programs read as octal: leave them out";
	if (dotted_has(text, length, over_255))
		return "has a number over 255: an IPv4 address is four numbers from 0 to 255";
	return otherwise;
}

/* The first twelve bytes are those of ::ffff:0:0/96. */
static bool is_mapped(const struct addr *addr)
{
	static const uint8_t START[12] = {[10] = 0xff, [11] = 0xff};

	return addr->family == AG_FAMILY_IPV6 && memcmp(addr->bytes, START, sizeof(START)) == 0;
}

/* They are those of ::/96: IPv4-compatible, the unspecified and the loopback address. */
static bool is_compatible(const struct addr *addr)
{
	static const uint8_t START[12] = {0};

	return addr->family == AG_FAMILY_IPV6 && memcmp(addr->bytes, START, sizeof(START)) == 0;
}

static struct addr embedded_ipv4(const struct addr *addr)
{
	return addr_make(AG_FAMILY_IPV4, addr->bytes + 12);
}

int addr_parse(const char *text, struct addr *ret, struct ag_error *error)
{
	size_t length = strlen(text);
	struct addr addr;

	if (strchr(text, '/'))
		return error_set_at(error, ERROR_BAD_REQUEST, strcspn(text, "/"),
				    "\"%.80s\" is a prefix where one address is wanted: leave out the length",
				    text);
	if (!bytes_parse(text, length, &addr))
		return error_set(error, ERROR_BAD_REQUEST, "\"%.80s\" %s", text,
				 bytes_complaint(text, length,
						 "is no address: write one like 203.0.113.7 or 2001:db8::7"));
	*ret = is_mapped(&addr) ? embedded_ipv4(&addr) : addr;
	return 0;
}

struct addr addr_make(enum ag_family family, const void *bytes)
{
	struct addr addr = {.family = (uint8_t)family};

	memcpy(addr.bytes, bytes, addr_size(&addr));
	return addr;
}

void addr_format(const struct addr *addr, char text[ADDR_TEXT_MAX])
{
	if (!addr_known(addr)) {
		(void)snprintf(text, ADDR_TEXT_MAX, "unknown"); /* fits */
		return;
	}
	/* cannot fail: the family is known and the room is enough */
	(void)inet_ntop(addr->family == AG_FAMILY_IPV6 ? AF_INET6 : AF_INET, addr->bytes, text,
			ADDR_TEXT_MAX);
}

bool addr_known(const struct addr *addr)
{
	return addr->family == AG_FAMILY_IPV4 || addr->family == AG_FAMILY_IPV6;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, addr_size(a)) == 0;
}

uint8_t addr_bits(const struct addr *addr)
{
	return (uint8_t)(addr_size(addr) * 8);
}

size_t addr_size(const struct addr *addr)
{
	if (!addr_known(addr))
		return 0;
	return addr->family == AG_FAMILY_IPV6 ? 16 : 4;
}

/* The length behind the slash; offsets are those in the whole text. */
static int length_parse(const char *text, const char *digits, const struct addr *addr, uint8_t *ret,
			struct ag_error *error)
{
	size_t offset = (size_t)(digits - text), count = strspn(digits, "0123456789");
	unsigned int max = addr_bits(addr), length = 0;
	char bare[ADDR_TEXT_MAX];

	if (count == 0 || digits[count]) {
		addr_format(addr, bare);
		return error_set_at(
			error, ERROR_BAD_PREFIX, offset,
			"\"%.80s\" has no length behind the slash: write a number of bits, as in %s/%u", text,
			bare, max);
	}
	if (count > 1 && digits[0] == '0')
		return error_set_at(error, ERROR_BAD_PREFIX, offset,
				    "\"%.80s\" has leading zeros in its length: leave them out", text);
	for (size_t i = 0; i < count && length <= max; i++)
		length = length * 10 + (unsigned int)(digits[i] - '0');
	if (length > max)
		return error_set_at(error, ERROR_BAD_PREFIX, offset,
				    "\"%.80s\" is too long: the length of an %s prefix goes up to /%u", text,
				    addr->family == AG_FAMILY_IPV6 ? "IPv6" : "IPv4", max);
	*ret = (uint8_t)length;
	return 0;
}

/* IPv4 in the clothes of IPv6: sources of IPv4 and IPv6 are kept apart, so such an entry would never match.
 */
static int embedded_check(const char *text, const struct addr *addr, uint8_t len, struct ag_error *error)
{
	struct addr ipv4 = embedded_ipv4(addr);
	bool is_ipv4 = ipv4.bytes[0] != 0; /* nothing has an address in 0.0.0.0/8 */
	char advice[PREFIX_TEXT_MAX] = "the IPv4 prefix, as in 203.0.113.0/24";
	struct prefix meant;

	if (!is_mapped(addr) && !(is_compatible(addr) && len >= IPV4_IN_IPV6_BITS))
		return 0;
	if (is_compatible(addr) && !is_ipv4)
		return error_set(
			error, ERROR_BAD_PREFIX,
			"%.80s lies in ::/96, from where no packet comes over a network: leave it out", text);
	if (is_ipv4) {
		meant = prefix_of(&ipv4, len > IPV4_IN_IPV6_BITS ? (uint8_t)(len - IPV4_IN_IPV6_BITS) : 32);
		prefix_format_short(&meant, advice);
	}
	return error_set(error, ERROR_BAD_PREFIX,
			 "%.80s is IPv4 written as IPv6, which matches nothing: write %s", text, advice);
}

static int host_bits_check(const char *text, const struct addr *addr, uint8_t len, struct ag_error *error)
{
	struct prefix prefix = prefix_of(addr, len);
	char meant[PREFIX_TEXT_MAX], alone[ADDR_TEXT_MAX];

	if (addr_equal(&prefix.addr, addr))
		return 0;
	prefix_format(&prefix, meant);
	addr_format(addr, alone);
	return error_set(error, ERROR_BAD_PREFIX, "%.80s has host bits set: did you mean %s, or %s alone?",
			 text, meant, alone);
}

int prefix_parse(const char *text, struct prefix *ret, struct ag_error *error)
{
	size_t length = strcspn(text, "/");
	struct addr addr;
	uint8_t len;
	int result = 0;

	if (!bytes_parse(text, length, &addr))
		return error_set(
			error, ERROR_BAD_PREFIX, "\"%.80s\" %s", text,
			bytes_complaint(text, length,
					"is no prefix: write one like 203.0.113.0/24, 2001:db8::/32 or "
					"203.0.113.7"));
	len = addr_bits(&addr);
	if (text[length])
		result = length_parse(text, text + length + 1, &addr, &len, error);
	if (result)
		return result;
	if (len == 0)
		return error_set_at(
			error, ERROR_BAD_PREFIX, length + 1,
			"%.80s would let everyone in: to open the account, empty its list or set --mode off",
			text);
	result = embedded_check(text, &addr, len, error);
	if (!result)
		result = host_bits_check(text, &addr, len, error);
	if (!result)
		*ret = (struct prefix){.addr = addr, .len = len};
	return result;
}

struct prefix prefix_of(const struct addr *addr, uint8_t len)
{
	struct prefix prefix = {.addr = *addr, .len = len};

	for (size_t i = 0; i < sizeof(prefix.addr.bytes); i++) {
		if (len < 8 * (i + 1)) {
			size_t kept = len > 8 * i ? len - 8 * i : 0;

			prefix.addr.bytes[i] &= (uint8_t)(0xff00 >> kept);
		}
	}
	return prefix;
}

void prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT_MAX])
{
	char addr[ADDR_TEXT_MAX];

	if (!addr_known(&prefix->addr)) {
		(void)snprintf(text, PREFIX_TEXT_MAX, "the named list"); /* fits */
		return;
	}

	addr_format(&prefix->addr, addr);
	(void)snprintf(text, PREFIX_TEXT_MAX, "%s/%u", addr, prefix->len); /* fits */
}

void prefix_format_short(const struct prefix *prefix, char text[PREFIX_TEXT_MAX])
{
	if (addr_known(&prefix->addr) && prefix->len == addr_bits(&prefix->addr))
		addr_format(&prefix->addr, text);
	else
		prefix_format(prefix, text);
}

bool prefix_contains(const struct prefix *prefix, const struct addr *addr)
{
	struct prefix around;

	if (!addr_known(addr))
		return false;
	around = prefix_of(addr, prefix->len);
	return addr_equal(&around.addr, &prefix->addr);
}

bool prefix_covers(const struct prefix *prefix, const struct prefix *inner)
{
	return inner->len >= prefix->len && prefix_contains(prefix, &inner->addr);
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int bytes;

	if (a->addr.family != b->addr.family)
		return a->addr.family < b->addr.family ? -1 : 1;
	/* Behind the bytes of an IPv4 address are zeros. */
	bytes = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));
	if (bytes)
		return bytes;
	return (a->len > b->len) - (a->len < b->len);
}
