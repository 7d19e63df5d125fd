// SPDX-License-Identifier: GPL-2.0-only
/*
 * summary.c - the policy without its lists, kept in order by inserting and removing one at a time
 */
#include "userspace/daemon/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/compile.h"

/* --- what an account and a service count as -------------------------------- */

size_t account_entries(const struct account *account)
{
	return account->entries4 + account->entries6 + account->references;
}

bool account_active(const struct account *account)
{
	return policy_active(account->mode, account_enabled(account));
}

bool account_gates(const struct account *account)
{
	return account->mode == AG_MODE_ENFORCE && account_active(account);
}

static size_t *tally_of(struct tally *tally, const struct service *service)
{
	if (service->dest.len < addr_bits(&service->dest.addr))
		return &tally->prefixes;
	if (service->port == AG_PORT_ANY)
		return service->proto == AG_PROTO_ANY ? &tally->any : &tally->proto;
	return service->proto == AG_PROTO_ANY ? &tally->port : &tally->exact;
}

void tally_service(struct tally *tally, const struct service *service, int change)
{
	*tally_of(tally, service) += (size_t)change;
}

uint32_t tally_flags(const struct tally *tally)
{
	return (tally->prefixes ? AG_CONFIG_PREFIX_DESTS : 0) | (tally->enforcing ? AG_CONFIG_ENFORCING : 0) |
	       (tally->port ? AG_CONFIG_PORT : 0) | (tally->proto ? AG_CONFIG_PROTO : 0) |
	       (tally->any ? AG_CONFIG_ANY : 0);
}

/* --- looking up ------------------------------------------------------------ */

/* First index whose name is not before `name` (behind: not `name` either). */
static size_t find_name(const struct summary *summary, const char *name, bool behind)
{
	size_t low = 0, high = summary->account_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(summary->accounts[middle]->name, name);

		if (order < 0 || (behind && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t summary_behind(const struct summary *summary, const char *name)
{
	return find_name(summary, name, true);
}

struct account *summary_account(const struct summary *summary, const char *name)
{
	size_t at = find_name(summary, name, false);

	if (at == summary->account_count || strcmp(summary->accounts[at]->name, name))
		return NULL;
	return summary->accounts[at];
}

struct account *summary_slot(const struct summary *summary, uint32_t slot)
{
	return slot < summary->slot_room ? summary->slots[slot] : NULL;
}

static int compare_by_slot(const void *a, const void *b)
{
	const struct claim *left = a, *right = b;

	if (left->slot != right->slot)
		return left->slot < right->slot ? -1 : 1;
	return service_compare(&left->service, &right->service);
}

typedef int (*comparison)(const void *a, const void *b);

/* First index that is not before the claim. */
static size_t find_claim(const struct claim *claims, size_t count, const struct claim *claim,
			 comparison compare)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&claims[middle], claim) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t first_of_slot(const struct summary *summary, uint32_t slot)
{
	size_t low = 0, high = summary->claim_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (summary->by_slot[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct claim *summary_claims_of(const struct summary *summary, uint32_t slot, size_t *ret_count)
{
	size_t first = first_of_slot(summary, slot), end = first_of_slot(summary, slot + 1);

	*ret_count = end - first;
	return end > first ? &summary->by_slot[first] : NULL;
}

/* --- room ------------------------------------------------------------------ */

static size_t grown(size_t room, size_t needed)
{
	size_t doubled = room * 2 > 16 ? room * 2 : 16;

	return doubled > needed ? doubled : needed;
}

static int reserve_accounts(struct summary *summary, size_t needed)
{
	size_t room = grown(summary->account_room, needed);
	struct account **accounts;

	if (needed <= summary->account_room)
		return 0;
	accounts = reallocarray(summary->accounts, room, sizeof(void *));
	if (!accounts)
		return -ENOMEM;
	summary->accounts = accounts;
	summary->account_room = room;
	return 0;
}

static int reserve_slots(struct summary *summary, size_t needed)
{
	size_t room = grown(summary->slot_room, needed);
	struct account **slots;

	if (needed <= summary->slot_room)
		return 0;
	slots = reallocarray(summary->slots, room, sizeof(void *));
	if (!slots)
		return -ENOMEM;
	memset(slots + summary->slot_room, 0, (room - summary->slot_room) * sizeof(void *));
	summary->slots = slots;
	summary->slot_room = room;
	return 0;
}

static int reserve_claims(struct summary *summary, size_t needed)
{
	size_t room = grown(summary->claim_room, needed);
	struct claim *claims;

	if (needed <= summary->claim_room)
		return 0;
	claims = reallocarray(summary->by_service, room, sizeof(*claims));
	if (!claims)
		return -ENOMEM;
	summary->by_service = claims;
	claims = reallocarray(summary->by_slot, room, sizeof(*claims));
	if (!claims)
		return -ENOMEM;
	summary->by_slot = claims;
	summary->claim_room = room;
	return 0;
}

int summary_reserve(struct summary *summary, uint32_t slot, size_t claims)
{
	int err = reserve_accounts(summary, summary->account_count + 1);

	if (!err)
		err = reserve_slots(summary, (size_t)slot + 1);
	return err ? err : reserve_claims(summary, summary->claim_count + claims);
}

/* --- editing --------------------------------------------------------------- */

void summary_put_account(struct summary *summary, struct account *account)
{
	size_t at = find_name(summary, account->name, false);
	struct account *held = summary_account(summary, account->name);

	summary->tally.enforcing += account_gates(account);
	if (held) {
		summary->tally.enforcing -= account_gates(held);
		account_clear(held);
		*held = *account;
		free(account);
		return;
	}
	memmove(&summary->accounts[at + 1], &summary->accounts[at],
		(summary->account_count - at) * sizeof(void *));
	summary->accounts[at] = account;
	summary->account_count++;
	summary->slots[account->slot] = account;
}

static void insert_claim(struct claim *claims, size_t count, const struct claim *claim, comparison compare)
{
	size_t at = find_claim(claims, count, claim, compare);

	memmove(&claims[at + 1], &claims[at], (count - at) * sizeof(*claims));
	claims[at] = *claim;
}

void summary_add_claim(struct summary *summary, const struct claim *claim)
{
	insert_claim(summary->by_service, summary->claim_count, claim, claim_compare);
	insert_claim(summary->by_slot, summary->claim_count, claim, compare_by_slot);
	summary->claim_count++;
	tally_service(&summary->tally, &claim->service, 1);
}

static bool take_claim(struct claim *claims, size_t count, const struct claim *claim, comparison compare)
{
	size_t at = find_claim(claims, count, claim, compare);

	if (at == count || compare(&claims[at], claim))
		return false;
	memmove(&claims[at], &claims[at + 1], (count - at - 1) * sizeof(*claims));
	return true;
}

void summary_remove_claim(struct summary *summary, const struct claim *claim)
{
	const struct claim gone = *claim; /* it may stand in one of the arrays */

	if (!take_claim(summary->by_slot, summary->claim_count, &gone, compare_by_slot))
		return;
	(void)take_claim(summary->by_service, summary->claim_count, &gone,
			 claim_compare); /* what stands in one stands in the other */
	summary->claim_count--;
	tally_service(&summary->tally, &gone.service, -1);
}

static void account_free(struct account *account)
{
	if (account)
		account_clear(account);
	free(account);
}

void summary_remove_account(struct summary *summary, uint32_t slot)
{
	struct account *account = summary_slot(summary, slot);
	const struct claim *claims;
	size_t count, at;

	if (!account)
		return;
	while ((claims = summary_claims_of(summary, slot, &count)))
		summary_remove_claim(summary, &claims[count - 1]);
	at = find_name(summary, account->name, false);
	summary->account_count--;
	memmove(&summary->accounts[at], &summary->accounts[at + 1],
		(summary->account_count - at) * sizeof(void *));
	summary->slots[slot] = NULL;
	summary->tally.enforcing -= account_gates(account);
	account_free(account);
}

/* --- whole ----------------------------------------------------------------- */

static int build_account(struct summary *summary, struct account *from)
{
	struct account *account = malloc(sizeof(*account));
	int err = account ? reserve_slots(summary, (size_t)from->slot + 1) : -ENOMEM;

	if (err) {
		free(account);
		return err;
	}
	*account = *from;
	from->label = NULL;
	summary_put_account(summary, account); /* sorted already: at the end */
	return 0;
}

int summary_build(struct summary *summary, struct account *accounts, size_t account_count,
		  const struct claim *claims, size_t claim_count)
{
	int err = reserve_accounts(summary, account_count);

	if (!err)
		err = reserve_claims(summary, claim_count);
	for (size_t i = 0; i < account_count && !err; i++)
		err = build_account(summary, &accounts[i]);
	if (err) {
		summary_clear(summary);
		return err;
	}
	for (size_t i = 0; i < claim_count; i++) {
		summary->by_service[i] = summary->by_slot[i] = claims[i];
		tally_service(&summary->tally, &claims[i].service, 1);
	}
	summary->claim_count = claim_count;
	if (claim_count) {
		qsort(summary->by_service, claim_count, sizeof(*claims), claim_compare);
		qsort(summary->by_slot, claim_count, sizeof(*claims), compare_by_slot);
	}
	return 0;
}

void summary_clear(struct summary *summary)
{
	for (size_t i = 0; i < summary->account_count; i++)
		account_free(summary->accounts[i]);
	free(summary->accounts);
	free(summary->slots);
	free(summary->by_service);
	free(summary->by_slot);
	*summary = (struct summary){0};
}
