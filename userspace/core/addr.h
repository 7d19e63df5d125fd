/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * addr.h - IPv4 and IPv6 addresses and prefixes: strict text, comparison, containment
 *
 * Bytes are in network order, an IPv4 address in the first four with zeros
 * behind it, as in bpf/ag_abi.h. Values only: nothing here allocates.
 *
 * Text: RFC 4291 section 2.2 and RFC 5952 for IPv6, dotted decimal without
 * leading zeros for IPv4, RFC 4632 and RFC 4291 section 2.3 for lengths.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/ag_abi.h"

struct ag_error;

#define ADDR_TEXT_MAX	48 /* with the NUL */
#define PREFIX_TEXT_MAX 52 /* with the NUL */

struct addr {
	uint8_t family; /* enum ag_family; AG_FAMILY_NONE: unknown */
	uint8_t bytes[16];
};

/* Canonical: every bit beyond the length is zero. */
struct prefix {
	struct addr addr;
	uint8_t len;
};

/*
 * An address alone; anything else, a scope ("%eth0") included, is ERROR_BAD_REQUEST. *ret is untouched on
 * failure. An IPv4-mapped IPv6 address (::ffff:0:0/96) becomes the IPv4 address: a web server on a dual-stack
 * socket reports its IPv4 clients so.
 */
int addr_parse(const char *text, struct addr *ret, struct ag_error *error);
/* A family and 4 or 16 bytes in network order. */
struct addr addr_make(enum ag_family family, const void *bytes);
/* RFC 5952; "unknown" for AG_FAMILY_NONE. */
void addr_format(const struct addr *addr, char text[ADDR_TEXT_MAX]);
bool addr_known(const struct addr *addr);
bool addr_equal(const struct addr *a, const struct addr *b);
/* 32 or 128; 0 if unknown. */
uint8_t addr_bits(const struct addr *addr);
/* 4 or 16; 0 if unknown. */
size_t addr_size(const struct addr *addr);

/*
 * A source prefix as an allowlist takes it: "203.0.113.0/24", "2001:db8::/32", or
 * a bare address. ERROR_BAD_PREFIX, with what to write instead, for host bits, a /0,
 * leading zeros, a scope, an IPv4-mapped or IPv4-compatible prefix, and anything else that is none.
 */
int prefix_parse(const char *text, struct prefix *ret, struct ag_error *error);
/* The prefix of that length (at most addr_bits()) around an address. */
struct prefix prefix_of(const struct addr *addr, uint8_t len);
/* "203.0.113.7" for a single host ... */
void prefix_format_short(const struct prefix *prefix, char text[PREFIX_TEXT_MAX]);
/* ... or always with its length; "the named list" for the key of one (reference.h). */
void prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT_MAX]);
bool prefix_contains(const struct prefix *prefix, const struct addr *addr);
/* inner is prefix itself or lies within it. */
bool prefix_covers(const struct prefix *prefix, const struct prefix *inner);
/* By family, address, length: the order in which lists are kept. */
int prefix_compare(const struct prefix *a, const struct prefix *b);
