// SPDX-License-Identifier: GPL-2.0-only
/*
 * compile.c - from the policy to what the kernel's maps must hold
 *
 * Sorted by prefix, every prefix stands behind those around it. So one pass over the services with a stack of
 * the prefixes that are open suffices for what each inherits: O(n log n) for the sort.
 */
#include "userspace/core/compile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

/* --- an account ---------------------------------------------------------- */

static int make_room(size_t room, struct compiled_entry **ret, size_t *ret_room)
{
	if (room == 0)
		return 0;
	*ret = calloc(room, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	*ret_room = room;
	return 0;
}

static int begin_with_room(const struct account *account, bool active, size_t room4, size_t room6,
			   struct compiled_account *ret)
{
	struct compiled_account compiled = {.slot = account->slot};
	int r;

	if (active) {
		compiled.active = true;
		compiled.mode = account->mode;
		compiled.on_deny = account->on_deny;
		r = make_room(room4, &compiled.entries4, &compiled.room4);
		if (!r)
			r = make_room(room6, &compiled.entries6, &compiled.room6);
		if (r) {
			compiled_account_clear(&compiled);
			return r;
		}
	}
	*ret = compiled;
	return 0;
}

int compile_begin(const struct account *account, struct compiled_account *ret)
{
	return begin_with_room(account, policy_active(account->mode, account_enabled(account)),
			       account->entries4 - account->disabled4, account->entries6 - account->disabled6,
			       ret);
}

static int grow_room(struct compiled_entry **entries, size_t *room, size_t more)
{
	struct compiled_entry *grown;

	if (!more)
		return 0;
	grown = reallocarray(*entries, *room + more, sizeof(**entries));
	if (!grown)
		return -ENOMEM;
	*entries = grown;
	*room += more;
	return 0;
}

int compile_reserve(struct compiled_account *compiled, size_t more4, size_t more6)
{
	int r = 0;

	if (compiled->active)
		r = grow_room(&compiled->entries4, &compiled->room4, more4);
	if (compiled->active && !r)
		r = grow_room(&compiled->entries6, &compiled->room6, more6);
	return r;
}

bool compile_entry(const struct entry *entry, struct compiled_entry *ret)
{
	*ret = (struct compiled_entry){
		.prefix = entry->prefix,
		.value = {.verdict = (uint8_t)entry->verdict,
			  .len = entry->prefix.len,
			  .expires = (uint32_t)entry->expires},
	};
	return !entry->disabled;
}

bool compiled_entry_equal(const struct compiled_entry *a, const struct compiled_entry *b)
{
	return !prefix_compare(&a->prefix, &b->prefix) && a->value.verdict == b->value.verdict &&
	       a->value.expires == b->value.expires;
}

int compile_add(struct compiled_account *compiled, const struct entry *entry)
{
	bool is4 = entry->prefix.addr.family == AG_FAMILY_IPV4;
	struct compiled_entry *entries = is4 ? compiled->entries4 : compiled->entries6;
	size_t *count = is4 ? &compiled->count4 : &compiled->count6;
	struct compiled_entry added;

	if (!compiled->active || !addr_known(&entry->prefix.addr) || !compile_entry(entry, &added))
		return 0;
	if (*count == (is4 ? compiled->room4 : compiled->room6))
		return -ENOMEM;
	entries[(*count)++] = added;
	return 0;
}

int compile_account(const struct account *account, const struct list *list, struct compiled_account *ret)
{
	struct compiled_account compiled;
	size_t count[2] = {0}, enabled = 0;
	int r;

	for (size_t i = 0; list && i < list->count; i++) {
		const struct entry *entry = &list->entries[i];

		enabled += !entry->disabled;
		if (!entry->disabled && addr_known(&entry->prefix.addr))
			count[entry->prefix.addr.family == AG_FAMILY_IPV6]++;
	}
	r = begin_with_room(account, policy_active(account->mode, enabled), count[0], count[1], &compiled);
	if (r)
		return r;
	for (size_t i = 0; list && i < list->count; i++)
		(void)compile_add(&compiled, &list->entries[i]); /* there is room for just these */
	*ret = compiled;
	return 0;
}

void compiled_account_clear(struct compiled_account *compiled)
{
	free(compiled->entries4);
	free(compiled->entries6);
	*compiled = (struct compiled_account){0};
}

int compile_difference(const struct compiled_entry *have, size_t have_count,
		       const struct compiled_entry *want, size_t want_count,
		       int (*edit)(enum compile_edit kind, const struct compiled_entry *entry, void *arg),
		       void *arg)
{
	size_t h = 0, w = 0;
	int order, r = 0;

	while (!r && (h < have_count || w < want_count)) {
		if (h == have_count)
			order = 1;
		else if (w == want_count)
			order = -1;
		else
			order = prefix_compare(&have[h].prefix, &want[w].prefix);
		if (order < 0)
			r = edit(COMPILE_REMOVE, &have[h], arg);
		else if (order > 0 || !compiled_entry_equal(&have[h], &want[w]))
			r = edit(COMPILE_ADD, &want[w], arg);
		h += order <= 0;
		w += order >= 0;
	}
	return r;
}

/* --- services ------------------------------------------------------------ */

enum ag_proto_class compile_proto_class(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return AG_PROTO_CLASS_TCP;
	case IPPROTO_UDP:
		return AG_PROTO_CLASS_UDP;
	case IPPROTO_ICMP:
		return AG_PROTO_CLASS_ICMP;
	default:
		return AG_PROTO_CLASS_OTHER;
	}
}

struct ag_service_key compile_service_key(const struct service *service)
{
	struct ag_service_key key;

	memset(&key, 0, sizeof(key)); /* the kernel compares every byte */
	memcpy(key.addr, service->dest.addr.bytes, sizeof(key.addr));
	key.port_be = htons(service->port);
	key.proto = service->proto;
	key.len = service->dest.len;
	key.family = service->dest.addr.family;
	return key;
}

static int compare_slots(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int compare_services(const void *a, const void *b)
{
	const struct compiled_service *x = a, *y = b;

	return memcmp(&x->key, &y->key, sizeof(x->key));
}

/* The slots of the accounts that are active and enforce, sorted. */
struct slots {
	uint32_t *slots;
	size_t count;
};

static int find_enforcing(const struct account *accounts, size_t count, struct slots *ret)
{
	uint32_t *slots = calloc(count ? count : 1, sizeof(*slots));
	size_t used = 0;

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct account *account = &accounts[i];

		if (account->mode == AG_MODE_ENFORCE &&
		    policy_active(account->mode, account_enabled(account)))
			slots[used++] = account->slot;
	}
	qsort(slots, used, sizeof(*slots), compare_slots);
	*ret = (struct slots){.slots = slots, .count = used};
	return 0;
}

static bool is_enforcing(const struct slots *enforcing, uint32_t slot)
{
	return bsearch(&slot, enforcing->slots, enforcing->count, sizeof(slot), compare_slots);
}

static int compile_service_table(const struct claim *claims, size_t count, struct compiled_service **ret)
{
	struct compiled_service *services = calloc(count ? count : 1, sizeof(*services));

	if (!services)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		services[i].key = compile_service_key(&claims[i].service);
		services[i].slot = claims[i].slot;
	}
	qsort(services, count, sizeof(*services), compare_services);
	*ret = services;
	return 0;
}

static int sort_claims(const struct claim *claims, size_t count, struct claim **ret)
{
	struct claim *sorted = calloc(count ? count : 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	if (count)
		memcpy(sorted, claims, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), claim_compare);
	*ret = sorted;
	return 0;
}

static uint8_t kind_flag(const struct service *service)
{
	if (service->port != AG_PORT_ANY)
		return service->proto != AG_PROTO_ANY ? AG_DEST_PORT_PROTO : AG_DEST_PORT;
	return service->proto != AG_PROTO_ANY ? AG_DEST_PROTO : AG_DEST_ANY;
}

static void claim_fragments(struct ag_dest *dest, const struct claim *claim)
{
	uint8_t proto = claim->service.proto;

	for (int class = 0; class < AG_PROTO_CLASS_MAX; class ++) {
		uint32_t *account = &dest->fragment_account[class];

		if (proto != AG_PROTO_ANY && (int)compile_proto_class(proto) != class)
			continue;
		if (*account == AG_NO_ACCOUNT)
			*account = claim->slot;
		else if (*account != claim->slot)
			*account = AG_SEVERAL_ACCOUNTS;
	}
}

/* What a prefix is before its own services: what it inherits from the next around it, NULL where there is
 * none. */
static struct ag_dest start_dest(const struct prefix *prefix, const struct compiled_dest *around)
{
	struct ag_dest dest = {.len = prefix->len};

	for (int class = 0; class < AG_PROTO_CLASS_MAX; class ++)
		dest.fragment_account[class] = around ? around->value.fragment_account[class] : AG_NO_ACCOUNT;
	if (around) {
		dest.flags = AG_DEST_HAS_PARENT | (around->value.flags & AG_DEST_GATED);
		dest.parent_len = around->prefix.len;
	}
	return dest;
}

/* The prefixes around the one the pass is at, the widest first: indices into dests. */
struct open_dests {
	size_t index[AG_DEST_DEPTH_MAX];
	size_t depth;
};

static const struct compiled_dest *pop_to_parent(struct open_dests *open, const struct compiled_dest *dests,
						 const struct prefix *prefix)
{
	while (open->depth && !prefix_covers(&dests[open->index[open->depth - 1]].prefix, prefix))
		open->depth--;
	return open->depth ? &dests[open->index[open->depth - 1]] : NULL;
}

static int too_deep(const struct prefix *prefix, struct ag_error *error)
{
	char text[PREFIX_TEXT_MAX];

	prefix_format(prefix, text);
	return error_set(error, ERROR_LIMIT,
			 "%s lies within %d other prefixes of services, one more than is supported: remove "
			 "one of them",
			 text, AG_DEST_DEPTH_MAX);
}

/* Begins the destination of a prefix that was not there yet. */
static int add_dest(const struct prefix *prefix, struct open_dests *open, struct compiled_services *ret,
		    struct ag_error *error)
{
	const struct compiled_dest *around = pop_to_parent(open, ret->dests, prefix);
	struct compiled_dest *dest = &ret->dests[ret->dest_count];

	if (open->depth == AG_DEST_DEPTH_MAX)
		return too_deep(prefix, error);
	open->index[open->depth++] = ret->dest_count++;
	dest->prefix = *prefix;
	dest->value = start_dest(prefix, around);
	if (prefix->len < addr_bits(&prefix->addr))
		ret->flags |= AG_CONFIG_PREFIX_DESTS;
	return 0;
}

/* What the program has to probe for at every single address. */
static uint32_t config_flag(const struct service *service)
{
	if (service->dest.len < addr_bits(&service->dest.addr))
		return 0;
	switch (kind_flag(service)) {
	case AG_DEST_PORT:
		return AG_CONFIG_PORT;
	case AG_DEST_PROTO:
		return AG_CONFIG_PROTO;
	case AG_DEST_ANY:
		return AG_CONFIG_ANY;
	default:
		return 0;
	}
}

/* One destination for each distinct prefix among the sorted claims. */
static int compile_dests(const struct claim *sorted, size_t count, const struct slots *enforcing,
			 struct compiled_services *ret, struct ag_error *error)
{
	struct open_dests open = {.depth = 0};
	struct ag_dest *dest;
	int r;

	ret->dests = calloc(count ? count : 1, sizeof(*ret->dests));
	if (!ret->dests)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct service *service = &sorted[i].service;

		if (!i || prefix_compare(&sorted[i - 1].service.dest, &service->dest) != 0) {
			r = add_dest(&service->dest, &open, ret, error);
			if (r)
				return r;
		}
		dest = &ret->dests[ret->dest_count - 1].value;
		dest->flags |= kind_flag(service);
		ret->flags |= config_flag(service);
		if (is_enforcing(enforcing, sorted[i].slot))
			dest->flags |= AG_DEST_GATED;
		claim_fragments(dest, &sorted[i]);
	}
	return 0;
}

int compile_services(const struct claim *claims, size_t claim_count, const struct account *accounts,
		     size_t account_count, struct compiled_services *ret, struct ag_error *error)
{
	struct compiled_services compiled = {.service_count = claim_count};
	struct slots enforcing = {.slots = NULL};
	struct claim *sorted = NULL;
	int r;

	r = find_enforcing(accounts, account_count, &enforcing);
	if (!r)
		r = sort_claims(claims, claim_count, &sorted);
	if (!r)
		r = compile_service_table(claims, claim_count, &compiled.services);
	if (!r)
		r = compile_dests(sorted, claim_count, &enforcing, &compiled, error);
	if (!r && enforcing.count)
		compiled.flags |= AG_CONFIG_ENFORCING;
	free(enforcing.slots);
	free(sorted);
	if (r)
		compiled_services_clear(&compiled);
	else
		*ret = compiled;
	return r;
}

void compiled_services_clear(struct compiled_services *compiled)
{
	free(compiled->services);
	free(compiled->dests);
	*compiled = (struct compiled_services){0};
}
