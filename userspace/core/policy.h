/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - the model: accounts, their lists, and the longest match over them
 *
 * The host's side of the oracle: what policy_decide() says of a source, the program
 * in the kernel must say too. Lists are kept sorted by prefix_compare() and hold a prefix once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/addr.h"
#include "userspace/core/service.h"
#include "userspace/core/text.h"

/* Owns its strings (heap; NULL means empty). */
struct entry {
	struct prefix prefix;
	enum ag_entry_verdict verdict;
	char *note;
	char *created_by;
	int64_t created_at; /* seconds since 1970 */
};

/* Owns its entries. Zero-initialised is the empty list. */
struct list {
	struct entry *entries;
	size_t count;
	size_t capacity;
};

/* Owns its label: account_clear(). */
struct account {
	int64_t id;    /* the store's key */
	uint32_t slot; /* index in the kernel's arrays */
	char name[NAME_SIZE];
	char *label; /* heap; NULL means empty */
	enum ag_mode mode;
	enum ag_on_deny on_deny;
	uint64_t generation; /* of its newest change */
	size_t entries4;     /* entries by family */
	size_t entries6;
};

/* A service and whose it is. */
struct claim {
	struct service service;
	uint32_t slot;
};

/* Frees the label, and leaves an empty one. */
void account_clear(struct account *account);
/* *to becomes another of the same; what it was is not freed. -ENOMEM leaves it as it was. */
int account_copy(struct account *to, const struct account *from);
/* Of an array from the heap; NULL is none. */
void accounts_free(struct account *accounts, size_t count);
/* Frees the entry's strings. */
void entry_clear(struct entry *entry);

const char *mode_name(enum ag_mode mode);
/* ERROR_BAD_REQUEST that lists the modes there are. */
int mode_parse(const char *text, enum ag_mode *ret, struct ag_error *error);
const char *on_deny_name(enum ag_on_deny on_deny);
int on_deny_parse(const char *text, enum ag_on_deny *ret, struct ag_error *error);
const char *entry_verdict_name(enum ag_entry_verdict verdict);
int entry_verdict_parse(const char *text, enum ag_entry_verdict *ret, struct ag_error *error);
/* "open", "allowed", ... of the contract's section 3; NULL for AG_VERDICT_NOT_JUDGED. */
const char *verdict_name(enum ag_verdict verdict);

/* Appends and takes over the entry's strings (also on failure). -ENOMEM. Order is the caller's until
 * list_sort(). */
int list_append(struct list *list, struct entry *entry);
/* Sorts; returns the first entry whose prefix stands twice, NULL if none does. */
const struct entry *list_sort(struct list *list);
/* The entry of exactly this prefix, or NULL. */
struct entry *list_find(const struct list *list, const struct prefix *prefix);
/* The longest prefix that holds the address, or NULL. */
const struct entry *list_match(const struct list *list, const struct addr *addr);
/* Frees the entries and leaves the empty list. */
void list_clear(struct list *list);
size_t list_count_family(const struct list *list, enum ag_family family);

/* An account is active when its list has an entry and its mode is not off. */
bool policy_active(enum ag_mode mode, size_t entries);
/* The verdict on a source, and the entry that decides (ret_entry may be NULL; it gets NULL where none
 * matches). */
enum ag_verdict policy_decide(enum ag_mode mode, const struct list *list, const struct addr *source,
			      const struct entry **ret_entry);
bool verdict_passes(enum ag_verdict verdict);
