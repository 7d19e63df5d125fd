/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compile.h - from the policy to what the kernel's maps must hold
 *
 * Pure. The results own their arrays; x_clear() frees them and leaves them empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "bpf/ag_abi.h"
#include "userspace/core/policy.h"

struct ag_error;

/* One entry of a trie; the key's family is that of the whole array. */
struct compiled_entry {
	struct prefix prefix;
	struct ag_entry value;
};

/*
 * What an account is in the kernel. Entries are sorted by prefix, each family in its own array. Of an account
 * that is not active everything but the slot is zero and empty: the kernel holds nothing of it.
 */
struct compiled_account {
	uint32_t slot;
	bool active;
	enum ag_mode mode;
	struct on_deny on_deny;
	struct compiled_entry *entries4;
	size_t count4;
	struct compiled_entry *entries6;
	size_t count6;
	size_t room4; /* entries there is room for: compile_add() */
	size_t room6;
};

struct compiled_service {
	struct ag_service_key key;
	uint32_t slot;
};

struct compiled_dest {
	struct prefix prefix;
	struct ag_dest value;
};

/*
 * The service table of the whole host: services sorted by their key's bytes, destinations by
 * prefix_compare(), which is the order of their bytes too; ready to be compared with the kernel's.
 */
struct compiled_services {
	struct compiled_service *services;
	size_t service_count;
	struct compiled_dest *dests;
	size_t dest_count;
	uint32_t flags; /* AG_CONFIG_* but AG_CONFIG_FAILSAFE */
};

/*
 * An account, entry by entry, so that a long list never has to be held with its notes. begin() takes settings
 * and room for the account's enabled entries; add() takes entries in the order of prefix_compare(), of which
 * it keeps the enabled ones that are no references, an account that is not active none, and no more than
 * there is room for: -ENOMEM for one more. Clear it after a failure.
 */
int compile_begin(const struct account *account, struct compiled_account *ret);
int compile_add(struct compiled_account *compiled, const struct entry *entry);
/* Room for so many more: -ENOMEM. */
int compile_reserve(struct compiled_account *compiled, size_t more4, size_t more6);
/* An entry as the kernel holds it; false where it is disabled, and the kernel holds nothing. */
bool compile_entry(const struct entry *entry, struct compiled_entry *ret);
/* Whether the kernel decides by both alike: prefix, verdict and expiry. */
bool compiled_entry_equal(const struct compiled_entry *a, const struct compiled_entry *b);
/* The same of a list that is there. -ENOMEM only. */
int compile_account(const struct account *account, const struct list *list, struct compiled_account *ret);
void compiled_account_clear(struct compiled_account *compiled);
/*
 * claims: every service and its slot; accounts: every account, from which it is known which are active and
 * enforce. ERROR_LIMIT where more than AG_DEST_DEPTH_MAX prefixes of services lie within one another.
 */
int compile_services(const struct claim *claims, size_t claim_count, const struct account *accounts,
		     size_t account_count, struct compiled_services *ret, struct ag_error *error);
void compiled_services_clear(struct compiled_services *compiled);
/*
 * What a change of some services, or of an account that has them, touches: of `claims` (sorted by
 * claim_compare()) every one on a prefix that covers one of `touched`, or that one of them covers. What
 * compile_services() makes of these is, for every prefix that one of `touched` covers, what it would make of
 * all; and no other prefix changes with the touched ones. *ret is sorted; the caller frees it. -ENOMEM.
 */
int compile_claims_around(const struct claim *claims, size_t claim_count, const struct prefix *touched,
			  size_t touched_count, struct claim **ret, size_t *ret_count);
/* By prefix_compare() of the services' prefixes, then by protocol and port. */
int claim_compare(const void *a, const void *b);
/* The protocol's class for later fragments. */
enum ag_proto_class compile_proto_class(uint8_t proto);
/* Key of a service in the kernel. */
struct ag_service_key compile_service_key(const struct service *service);

enum compile_edit {
	COMPILE_ADD, /* or give it another value */
	COMPILE_REMOVE,
};
/*
 * What turns `have` into `want` (both sorted by prefix): calls `edit` for each difference, until it returns
 * non-zero, which is then returned. Returns 0 when all is done.
 */
int compile_difference(const struct compiled_entry *have, size_t have_count,
		       const struct compiled_entry *want, size_t want_count,
		       int (*edit)(enum compile_edit kind, const struct compiled_entry *entry, void *arg),
		       void *arg);
