// SPDX-License-Identifier: GPL-2.0-only
/*
 * named.c - references resolved: lists from the store, by way of those that are kept
 */
#include "userspace/daemon/named.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/error.h"

/* Entries that are kept of all lists together; beyond, all are let go before the next account is looked at.
 */
#define KEPT_ENTRIES_MAX 200000

struct kept {
	struct store_named named;
	struct list list;
};

struct named {
	struct kept **kept;
	size_t count;
	size_t entries;
};

/* An account's enabled references, and their lists. */
struct sources {
	struct list references;
	struct union_source sources[REFERENCES_MAX];
	size_t count;
};

static void kept_free(struct kept *kept)
{
	list_clear(&kept->list);
	free(kept);
}

static void let_go(struct named *named)
{
	for (size_t i = 0; i < named->count; i++)
		kept_free(named->kept[i]);
	free(named->kept);
	*named = (struct named){0};
}

int named_new(struct named **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void named_free(struct named *named)
{
	if (named)
		let_go(named);
	free(named);
}

/* --- lists that are kept ----------------------------------------------------- */

static int keep(struct named *named, const struct store_named *row, struct list *list,
		const struct list **ret)
{
	struct kept **grown = reallocarray(named->kept, named->count + 1, sizeof(struct kept *));
	struct kept *kept = grown ? malloc(sizeof(*kept)) : NULL;

	if (grown)
		named->kept = grown;
	if (!kept)
		return -ENOMEM;
	*kept = (struct kept){.named = *row, .list = *list};
	named->kept[named->count++] = kept;
	named->entries += list->count;
	*ret = &kept->list;
	return 0;
}

/* The list as it was before, if it is another one now. */
static const struct list *find_kept(struct named *named, const struct store_named *row)
{
	for (size_t i = 0; i < named->count; i++) {
		struct kept *kept = named->kept[i];

		if (kept->named.id != row->id)
			continue;
		if (kept->named.entries == row->entries &&
		    !memcmp(kept->named.content, row->content, sizeof(row->content)))
			return &kept->list;
		named->entries -= kept->list.count;
		named->kept[i] = named->kept[--named->count];
		kept_free(kept);
		return NULL;
	}
	return NULL;
}

static int get_list(const struct gate *gate, const char *name, const struct list **ret,
		    struct ag_error *error)
{
	struct store_named row;
	struct list list = {0};
	int err = store_named_find(gate->store, name, &row, error);

	if (err)
		return err;
	*ret = find_kept(gate->named, &row);
	if (*ret)
		return 0;
	err = store_named_list(gate->store, &row, &list, error);
	if (!err && keep(gate->named, &row, &list, ret)) {
		list_clear(&list);
		err = error_set(error, ERROR_STORE, "no memory for list '%s'", name);
	}
	return err;
}

static int get_sources(const struct gate *gate, const struct account *account, struct sources *ret,
		       struct ag_error *error)
{
	int err = store_references(gate->store, account->id, &ret->references, error);

	if (gate->named->entries > KEPT_ENTRIES_MAX)
		let_go(gate->named);
	for (size_t i = 0; i < ret->references.count && !err; i++) {
		const struct entry *reference = &ret->references.entries[i];

		if (reference->disabled)
			continue;
		ret->sources[ret->count].reference = reference;
		err = get_list(gate, reference->list, &ret->sources[ret->count].list, error);
		ret->count += !err;
	}
	return err;
}

static void sources_clear(struct sources *sources)
{
	list_clear(&sources->references);
}

static int no_memory(const struct account *account, struct ag_error *error)
{
	return error_set(error, ERROR_STORE, "no memory for the named lists of account '%s'", account->name);
}

int named_through(const struct gate *gate, const struct account *account, struct list *ret,
		  struct ag_error *error)
{
	struct sources sources = {0};
	int err;

	if (!account_refers(account))
		return 0;
	err = get_sources(gate, account, &sources, error);
	if (!err && union_through(sources.sources, sources.count, ret))
		err = no_memory(account, error);
	sources_clear(&sources);
	return err;
}

int named_check(const struct gate *gate, const struct account *account, struct ag_error *error)
{
	struct list references = {0};
	struct store_named row;
	int err;

	if (!account->references)
		return 0;
	err = store_references(gate->store, account->id, &references, error);
	for (size_t i = 0; i < references.count && !err; i++)
		err = store_named_find(gate->store, references.entries[i].list, &row, error);
	list_clear(&references);
	return err;
}

int named_check_spread(const struct gate *gate, const char *list, struct ag_error *error)
{
	struct store_named named;
	size_t accounts = 0;
	int err = store_named_find(gate->store, list, &named, error);

	if (!err)
		err = store_named_user_count(gate->store, list, &accounts, error);
	if (!err && accounts > gate->options->max_list_accounts)
		return error_set(error, ERROR_LIMIT,
				 "list '%s' would be used by %zu accounts, and %" PRIu64
				 " are the most that may change with one list: give the others a second one, "
				 "or raise list_accounts in the configuration",
				 list, accounts, gate->options->max_list_accounts);
	if (err || accounts * named.entries <= NAMED_SPREAD_MAX)
		return err;
	return error_set(
		error, ERROR_LIMIT,
		"list '%s' would bring %zu entries to each of %zu accounts, and %d in all are the most "
		"that can change at one time: write it by fewer prefixes, or let fewer accounts use it",
		list, named.entries, accounts, NAMED_SPREAD_MAX);
}

int named_check_uses(const struct gate *gate, const struct account *account, struct ag_error *error)
{
	struct list references = {0};
	int err = account->references ? store_references(gate->store, account->id, &references, error) : 0;

	for (size_t i = 0; i < references.count && !err; i++)
		err = named_check_spread(gate, references.entries[i].list, error);
	list_clear(&references);
	return err;
}

int named_size(const struct gate *gate, const struct account *account, size_t *ret, struct ag_error *error)
{
	struct list references = {0};
	struct store_named row;
	int err = 0;

	*ret = 0;
	if (account_refers(account))
		err = store_references(gate->store, account->id, &references, error);
	for (size_t i = 0; i < references.count && !err; i++) {
		if (references.entries[i].disabled)
			continue;
		err = store_named_find(gate->store, references.entries[i].list, &row, error);
		*ret += err ? 0 : row.entries;
	}
	list_clear(&references);
	return err;
}

void named_count(const struct list *through, size_t *ret4, size_t *ret6)
{
	*ret4 = list_count_family(through, AG_FAMILY_IPV4);
	*ret6 = through->count - *ret4;
}

/* --- what holds an address ----------------------------------------------------- */

/* The account's own enabled entries that hold it, longest first, whether or not they have expired. */
static int own_holding(const struct gate *gate, const struct account *account, const struct addr *addr,
		       struct list *ret, struct ag_error *error)
{
	struct entry entry = {0};
	bool found = false;
	int err = store_entry_match(gate->store, account->id, addr, INT64_MIN, &entry, &found, error);

	while (!err && found) {
		struct prefix prefix = entry.prefix;

		if (list_append(ret, &entry))
			return no_memory(account, error);
		err = store_entry_around(gate->store, account->id, &prefix, &entry, &found, error);
	}
	return err;
}

/* Finds the last one that is in effect: prefixes that hold one address come shortest first. */
struct search {
	int64_t now;
	struct entry *found; /* a copy; prefix.len 0: none */
};

static int note_match(const struct entry *entry, void *arg)
{
	struct search *search = arg;
	struct entry copy;

	if (!entry_in_effect(entry, search->now))
		return 0;
	if (entry_copy(entry, &copy))
		return -ENOMEM;
	entry_clear(search->found);
	*search->found = copy;
	return 0;
}

static int unite(const struct list *own, const struct list *through, struct search *search)
{
	struct union_walk walk = {.through = through, .visit = note_match, .arg = search};
	int err = 0;

	for (size_t i = own->count; i-- > 0 && !err;)
		err = union_own(&walk, &own->entries[i]);
	return err ? err : union_end(&walk);
}

static int match_united(const struct gate *gate, const struct account *account, const struct addr *addr,
			int64_t now, struct entry *ret, struct ag_error *error)
{
	struct search search = {.now = now, .found = ret};
	struct sources sources = {0};
	struct list own = {0}, through = {0};
	int err = get_sources(gate, account, &sources, error);

	if (!err)
		err = own_holding(gate, account, addr, &own, error);
	if (!err &&
	    (union_holding(sources.sources, sources.count, addr, &through) || unite(&own, &through, &search)))
		err = no_memory(account, error);
	list_clear(&own);
	list_clear(&through);
	sources_clear(&sources);
	return err;
}

int named_match(const struct gate *gate, const struct account *account, const struct addr *addr, int64_t now,
		struct entry *ret, bool *ret_found, struct ag_error *error)
{
	struct entry entry = {0};
	int err;

	if (!account_refers(account))
		return store_entry_match(gate->store, account->id, addr, now, ret, ret_found, error);
	err = match_united(gate, account, addr, now, &entry, error);
	if (err) {
		entry_clear(&entry);
		return err;
	}
	*ret_found = entry.prefix.len > 0;
	if (*ret_found)
		*ret = entry;
	return 0;
}
