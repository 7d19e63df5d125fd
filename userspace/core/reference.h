/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reference.h - entries that name a shared list instead of a prefix: "@corp-vpn"
 *
 * Such an entry stands in a list by the key of the name: a prefix of family AG_FAMILY_NONE, whose 128 bits
 * are the first of the name's digest (digest.h). So it sorts in front of all prefixes, stands once, and
 * matches no address.
 */
#pragma once

#include <stdbool.h>

#include "userspace/core/policy.h"

struct ag_error;

#define ENTRY_TEXT_MAX	      68 /* "@" and a name, or a prefix; with the NUL */
#define ENTRY_DESCRIPTION_MAX 136

/* How many an allowlist may hold, disabled ones too. */
#define REFERENCES_MAX 16

/* The key of a list's name. */
struct prefix reference_key(const char *name);
static inline bool prefix_is_reference(const struct prefix *prefix)
{
	return prefix->addr.family == AG_FAMILY_NONE && prefix->len;
}

/*
 * What an entry is of: "@corp-vpn", or a prefix as prefix_parse() takes it. Sets prefix and list, of which
 * the string is the entry's then. ERROR_BAD_REQUEST for a name that is none; as prefix_parse() otherwise.
 */
int entry_source_parse(const char *text, struct entry *entry, struct ag_error *error);
/* The way back; short: a single host without its length. */
void entry_format(const struct entry *entry, char text[ENTRY_TEXT_MAX]);
void entry_format_short(const struct entry *entry, char text[ENTRY_TEXT_MAX]);
/* For sentences: "203.0.113.0/24 of @corp-vpn" for what came through a list, otherwise short. */
void entry_describe(const struct entry *entry, char text[ENTRY_DESCRIPTION_MAX]);
/* How many of a list's entries are references. */
size_t list_count_references(const struct list *list);
