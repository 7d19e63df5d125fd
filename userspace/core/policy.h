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

/* Times are seconds since 1970. Owns its strings (heap; NULL means empty). */
struct entry {
	struct prefix prefix;
	enum ag_entry_verdict verdict;
	bool disabled;	 /* counts as absent */
	int64_t expires; /* from then on it matches nothing, but still counts as an entry; 0: never */
	char *note;
	char *created_by;
	char *list; /* the named list that it refers to, or came through; NULL: none (reference.h) */
	int64_t created_at;
	int64_t last_seen; /* when it last decided about a packet, to AG_EPOCH_SECONDS; 0: never */
};

/* Owns its entries. Zero-initialised is the empty list. */
struct list {
	struct entry *entries;
	size_t count;
	size_t capacity;
};

/* What is done with a stopped packet. */
struct on_deny {
	enum ag_on_deny kind;
	uint16_t port;			/* of the notice server, in the host's order */
	char interface[INTERFACE_SIZE]; /* to redirect to */
};
#define ON_DENY_TEXT_MAX 32

/* Owns its label: account_clear(). */
struct account {
	int64_t id;    /* the store's key */
	uint32_t slot; /* index in the kernel's arrays */
	char name[NAME_SIZE];
	char *label; /* heap; NULL means empty */
	enum ag_mode mode;
	struct on_deny on_deny;
	uint64_t generation; /* of its newest change */
	size_t entries4;     /* entries by family, the disabled ones too ... */
	size_t entries6;
	size_t disabled4; /* ... and how many those are */
	size_t disabled6;
	size_t references; /* to named lists, the disabled ones too ... */
	size_t disabled_references;
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
/* *ret becomes another of the same, with strings of its own; what it was is not freed. -ENOMEM leaves it as
 * it was. */
int entry_copy(const struct entry *from, struct entry *ret);

const char *mode_name(enum ag_mode mode);
/* ERROR_BAD_REQUEST that lists the modes there are. */
int mode_parse(const char *text, enum ag_mode *ret, struct ag_error *error);
/* "drop", "reject", "notice:8080", "redirect:quarantine0". */
void on_deny_format(const struct on_deny *on_deny, char text[ON_DENY_TEXT_MAX]);
/* ERROR_BAD_REQUEST that lists the actions and what they take, or says what a port or an interface's name may
 * be. */
int on_deny_parse(const char *text, struct on_deny *ret, struct ag_error *error);
bool on_deny_equal(const struct on_deny *a, const struct on_deny *b);
const char *entry_verdict_name(enum ag_entry_verdict verdict);
int entry_verdict_parse(const char *text, enum ag_entry_verdict *ret, struct ag_error *error);
/* "open", "allowed", ... of the contract's section 3; NULL for AG_VERDICT_NOT_JUDGED. */
const char *verdict_name(enum ag_verdict verdict);

/* Appends and takes over the entry's strings (also on failure). -ENOMEM. Order is the caller's until
 * list_sort(). */
int list_append(struct list *list, struct entry *entry);
/* The same of a copy: the entry's strings stay its own. */
int list_append_copy(struct list *list, const struct entry *entry);
/* Sorts; returns the first entry whose prefix stands twice, NULL if none does. */
const struct entry *list_sort(struct list *list);
/* The entry of exactly this prefix, or NULL. */
struct entry *list_find(const struct list *list, const struct prefix *prefix);
/* Whether it takes part in deciding: enabled, and not expired at `now`. */
bool entry_in_effect(const struct entry *entry, int64_t now);
/* The longest prefix in effect that holds the address, or NULL. */
const struct entry *list_match(const struct list *list, const struct addr *addr, int64_t now);
/* The same among those up to that length. */
const struct entry *list_match_within(const struct list *list, const struct addr *addr, uint8_t len,
				      int64_t now);
/* Frees the entries and leaves the empty list. */
void list_clear(struct list *list);
size_t list_count_family(const struct list *list, enum ag_family family);

/* Entries that are enabled, expired ones too: what the kernel holds, and what makes an account active. */
size_t account_enabled(const struct account *account);
/* An account is active when its list has an enabled entry and its mode is not off. */
bool policy_active(enum ag_mode mode, size_t enabled);
/* The verdict on a source, and the entry that decides (ret_entry may be NULL; it gets NULL where none
 * matches). */
enum ag_verdict policy_decide(enum ag_mode mode, const struct list *list, const struct addr *source,
			      int64_t now, const struct entry **ret_entry);
/* What a stopped packet is counted as, by the action; a notice takes TCP alone. */
enum ag_verdict policy_action(enum ag_verdict verdict, const struct on_deny *on_deny, uint8_t proto);
/*
 * The service that a packet to this address, protocol and port belongs to: the longest prefix, then a port
 * over any, then a protocol over any. `proto` is as services name it, or AG_PROTO_ANY for another; port 0:
 * none. `claims` are sorted by claim_compare() (compile.h). NULL where there is none.
 */
const struct claim *policy_find_claim(const struct claim *claims, size_t count, const struct addr *dest,
				      uint8_t proto, uint16_t port);
bool verdict_passes(enum ag_verdict verdict);
