/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_kernel.h - userspace/io/dataplane.h over a kernel in memory, whose n-th fallible call can be made to
 * fail
 *
 * Defines the functions, so it is included by one test alone, which then links no other data plane.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/core/compile.h"
#include "userspace/core/error.h"
#include "userspace/io/dataplane.h"

#define SLOTS 8
#define DIED  7 /* exit status, where it `dies` */

struct dataplane {
	struct compiled_account accounts[SLOTS];
	unsigned int published[SLOTS]; /* how often */
	unsigned int uncovered;	       /* entries that were, in lists that may be long */
	bool refuses_edits;	       /* as a long list does that must be built anew */
	struct compiled_service services[32];
	size_t service_count;
	struct compiled_dest dests[64];
	size_t dest_count;
	uint32_t flags;
	uint64_t store_id, generation;
	int64_t clock;
	bool clock_set;
	uint16_t epoch;
	int calls;	 /* fallible calls so far */
	int fail_at;	 /* the call that fails, 0: none */
	int fail_for;	 /* how many from there on fail */
	bool dies;	 /* the process does, instead of publishing */
	char order[256]; /* what was done, a letter each */
};

struct dataplane_change {
	struct compiled_account want;
	struct compiled_edit edits[8]; /* of what is in force; where there are none, `want` is whole */
	size_t edit_count;
	bool is_edits;
};

struct dataplane_lists {
	struct compiled_account want;
};

struct dataplane_comparison {
	struct compiled_account have;
	size_t at4, at6;
	size_t differing;
	unsigned int published;
};

static struct dataplane kernel;

static int fallible(struct ag_error *error)
{
	kernel.calls++;
	if (!kernel.fail_at || kernel.calls < kernel.fail_at ||
	    kernel.calls >= kernel.fail_at + kernel.fail_for)
		return 0;
	return error_set(error, ERROR_KERNEL, "made to fail: wait and try again");
}

static void note(char what)
{
	size_t used = strlen(kernel.order);

	if (used + 1 < sizeof(kernel.order))
		kernel.order[used] = what;
}

static void copy_account(struct compiled_account *to, const struct compiled_account *from)
{
	compiled_account_clear(to);
	*to = *from;
	to->entries4 = malloc((from->count4 + 1) * sizeof(*to->entries4));
	to->entries6 = malloc((from->count6 + 1) * sizeof(*to->entries6));
	assert_true(to->entries4 && to->entries6);
	if (from->count4)
		memcpy(to->entries4, from->entries4, from->count4 * sizeof(*to->entries4));
	if (from->count6)
		memcpy(to->entries6, from->entries6, from->count6 * sizeof(*to->entries6));
}

int dataplane_open(const char *pin_dir, const struct dataplane_limits *limits, struct dataplane **ret,
		   struct ag_error *error)
{
	(void)pin_dir;
	(void)limits;
	(void)error;
	*ret = &kernel;
	return 0;
}

void dataplane_set_clock(struct dataplane *dataplane, int64_t offset)
{
	dataplane->clock = offset;
	dataplane->clock_set = true;
}

int64_t dataplane_clock(const struct dataplane *dataplane, bool *ret_set)
{
	if (ret_set)
		*ret_set = dataplane->clock_set;
	return dataplane->clock;
}

void dataplane_set_epoch(struct dataplane *dataplane, uint16_t epoch)
{
	dataplane->epoch = epoch;
}

void dataplane_close(struct dataplane *dataplane)
{
	(void)dataplane;
}

int dataplane_set_failsafe(struct dataplane *dataplane, const struct prefix *prefixes, size_t count,
			   struct ag_error *error)
{
	(void)dataplane;
	(void)prefixes;
	(void)count;
	(void)error;
	return 0;
}

void dataplane_seal(const struct dataplane *dataplane, uint64_t *ret_store_id, uint64_t *ret_generation)
{
	*ret_store_id = dataplane->store_id;
	*ret_generation = dataplane->generation;
}

bool dataplane_filled(const struct dataplane *dataplane)
{
	return dataplane->store_id != 0;
}

void dataplane_set_seal(struct dataplane *dataplane, uint64_t store_id, uint64_t generation)
{
	dataplane->store_id = store_id;
	dataplane->generation = generation;
}

static void new_change(const struct compiled_account *want, struct dataplane_change **ret)
{
	*ret = calloc(1, sizeof(**ret));
	assert_non_null(*ret);
	copy_account(&(*ret)->want, want);
}

int dataplane_stage(struct dataplane *dataplane, const struct compiled_account *have,
		    const struct compiled_account *want, struct dataplane_change **ret,
		    struct ag_error *error)
{
	(void)dataplane;
	(void)have;
	note('s');
	if (fallible(error))
		return -EIO;
	new_change(want, ret);
	return 0;
}

static size_t count_of(const struct compiled_account *account)
{
	return account->count4 + account->count6;
}

int dataplane_stage_edits(struct dataplane *dataplane, const struct compiled_account *want,
			  const struct compiled_edit *edits, size_t count, struct dataplane_change **ret,
			  struct ag_error *error)
{
	const struct compiled_account *have = &dataplane->accounts[want->slot];
	size_t expected = count_of(have);

	note('e');
	if (fallible(error))
		return -EIO;
	for (size_t i = 0; i < count; i++)
		expected += edits[i].kind == COMPILE_ADD ? 1 : (size_t)-1;
	if (dataplane->refuses_edits || count > 8 || expected != count_of(want) || !have->active)
		return 0;
	*ret = calloc(1, sizeof(**ret));
	assert_non_null(*ret);
	(*ret)->want = *want;
	(*ret)->is_edits = true;
	(*ret)->edit_count = count;
	memcpy((*ret)->edits, edits, count * sizeof(*edits));
	return 0;
}

int dataplane_build_lists(const struct dataplane *dataplane, const struct compiled_account *want,
			  struct dataplane_lists **ret, struct ag_error *error)
{
	(void)dataplane;
	note('b');
	if (fallible(error))
		return -EIO;
	*ret = calloc(1, sizeof(**ret));
	assert_non_null(*ret);
	copy_account(&(*ret)->want, want);
	return 0;
}

void dataplane_lists_free(struct dataplane_lists *lists)
{
	if (lists)
		compiled_account_clear(&lists->want);
	free(lists);
}

int dataplane_stage_ready(struct dataplane *dataplane, const struct compiled_account *want,
			  struct dataplane_lists *lists, struct dataplane_change **ret,
			  struct ag_error *error)
{
	int err;

	(void)dataplane;
	assert_int_equal(count_of(&lists->want), count_of(want));
	note('s');
	err = fallible(error);
	if (!err)
		new_change(&lists->want, ret);
	dataplane_lists_free(lists);
	return err;
}

static void check_uncovered(const struct compiled_entry *entries, size_t count,
			    const struct compiled_edit *edit)
{
	const struct compiled_entry *longest = NULL;

	for (size_t i = 0; i < count; i++)
		if (entries[i].prefix.len < edit->entry.prefix.len &&
		    prefix_covers(&entries[i].prefix, &edit->entry.prefix))
			longest = &entries[i];
	assert_int_equal(edit->has_uncovered, longest != NULL);
	if (!longest)
		return;
	kernel.uncovered++;
	assert_int_equal(prefix_compare(&edit->uncovered.prefix, &longest->prefix), 0);
	assert_memory_equal(&edit->uncovered.value, &longest->value, sizeof(longest->value));
}

static void edit_entry(struct compiled_account *account, const struct compiled_edit *edit)
{
	bool is4 = edit->entry.prefix.addr.family == AG_FAMILY_IPV4;
	struct compiled_entry **entries = is4 ? &account->entries4 : &account->entries6;
	size_t *count = is4 ? &account->count4 : &account->count6, at = 0;

	while (at < *count && prefix_compare(&(*entries)[at].prefix, &edit->entry.prefix) < 0)
		at++;
	*entries = reallocarray(*entries, *count + 2, sizeof(**entries));
	assert_non_null(*entries);
	if (edit->kind == COMPILE_ADD && at < *count &&
	    !prefix_compare(&(*entries)[at].prefix, &edit->entry.prefix)) {
		(*entries)[at] = edit->entry;
	} else if (edit->kind == COMPILE_ADD) {
		memmove(*entries + at + 1, *entries + at, (*count - at) * sizeof(**entries));
		(*entries)[at] = edit->entry;
		++*count;
	} else {
		if (*count > 18) /* fewer are never edited in place */
			check_uncovered(*entries, *count, edit);
		assert_true(at < *count && !prefix_compare(&(*entries)[at].prefix, &edit->entry.prefix));
		memmove(*entries + at, *entries + at + 1, (*count - at - 1) * sizeof(**entries));
		--*count;
	}
}

static void publish_one(struct compiled_account *account, const struct dataplane_change *change)
{
	if (!change->is_edits) {
		copy_account(account, &change->want);
		return;
	}
	for (size_t i = 0; i < change->edit_count; i++)
		edit_entry(account, &change->edits[i]);
	account->mode = change->want.mode;
	account->on_deny = change->want.on_deny;
}

int dataplane_publish_all(struct dataplane *dataplane, struct dataplane_change *const *changes, size_t count,
			  struct ag_error *error)
{
	note('p');
	if (dataplane->dies)
		_exit(DIED);
	if (fallible(error))
		return -EIO;
	for (size_t i = 0; i < count; i++) {
		publish_one(&dataplane->accounts[changes[i]->want.slot], changes[i]);
		dataplane->published[changes[i]->want.slot]++;
	}
	return 0;
}

int dataplane_publish(struct dataplane *dataplane, struct dataplane_change *change, struct ag_error *error)
{
	return dataplane_publish_all(dataplane, &change, 1, error);
}

void dataplane_change_free(struct dataplane_change *change)
{
	if (!change)
		return;
	if (!change->is_edits)
		compiled_account_clear(&change->want);
	free(change);
}

int dataplane_compare_begin(struct dataplane *dataplane, uint32_t slot, struct dataplane_comparison **ret,
			    struct ag_error *error)
{
	(void)error;
	*ret = calloc(1, sizeof(**ret));
	assert_non_null(*ret);
	copy_account(&(*ret)->have, &dataplane->accounts[slot]);
	(*ret)->have.slot = slot;
	(*ret)->published = dataplane->published[slot];
	return 0;
}

int dataplane_compare_feed(struct dataplane_comparison *comparison, const struct compiled_entry *entry,
			   struct ag_error *error)
{
	const struct prefix *prefix = &entry->prefix;
	bool is4 = prefix->addr.family == AG_FAMILY_IPV4;
	const struct compiled_entry *entries = is4 ? comparison->have.entries4 : comparison->have.entries6;
	size_t count = is4 ? comparison->have.count4 : comparison->have.count6;
	size_t *at = is4 ? &comparison->at4 : &comparison->at6;

	(void)error;
	while (*at < count && prefix_compare(&entries[*at].prefix, prefix) < 0) {
		++*at;
		comparison->differing++;
	}
	if (*at < count && !prefix_compare(&entries[*at].prefix, prefix))
		comparison->differing += !compiled_entry_equal(&entries[(*at)++], entry);
	else
		comparison->differing++;
	return 0;
}

int dataplane_compare_end(struct dataplane_comparison *comparison, bool active, enum ag_mode mode,
			  const struct on_deny *on_deny, size_t *ret_differing, struct ag_error *error)
{
	struct compiled_account *have = &comparison->have;
	bool fresh = comparison->published == kernel.published[have->slot];

	(void)error;
	*ret_differing = comparison->differing + (have->count4 - comparison->at4) +
			 (have->count6 - comparison->at6) +
			 (have->active != active ||
			  (active && (have->mode != mode || !on_deny_equal(&have->on_deny, on_deny))));
	compiled_account_clear(have);
	free(comparison);
	return fresh ? 0 : -EAGAIN;
}

int dataplane_clear_account(struct dataplane *dataplane, uint32_t slot, struct ag_error *error)
{
	note('c');
	if (fallible(error))
		return -EIO;
	compiled_account_clear(&dataplane->accounts[slot]);
	memset(&dataplane->accounts[slot], 0, sizeof(dataplane->accounts[slot]));
	return 0;
}

int dataplane_used_slots(struct dataplane *dataplane, uint32_t **ret, size_t *ret_count,
			 struct ag_error *error)
{
	(void)error;
	*ret = calloc(SLOTS, sizeof(**ret));
	*ret_count = 0;
	assert_non_null(*ret);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		if (dataplane->accounts[slot].active)
			(*ret)[(*ret_count)++] = slot;
	return 0;
}

static bool same_services(const struct dataplane *dataplane, const struct compiled_services *want)
{
	return dataplane->service_count == want->service_count && dataplane->dest_count == want->dest_count &&
	       dataplane->flags == want->flags &&
	       !memcmp(dataplane->services, want->services, want->service_count * sizeof(*want->services)) &&
	       !memcmp(dataplane->dests, want->dests, want->dest_count * sizeof(*want->dests));
}

int dataplane_sync_services(struct dataplane *dataplane, const struct compiled_services *want, bool dry_run,
			    size_t *ret_changed, struct ag_error *error)
{
	if (ret_changed)
		*ret_changed = !same_services(dataplane, want);
	if (dry_run)
		return 0;
	note('T');
	if (fallible(error))
		return -EIO;
	assert_true(want->service_count <= 32);
	memcpy(dataplane->services, want->services, want->service_count * sizeof(*want->services));
	memcpy(dataplane->dests, want->dests, want->dest_count * sizeof(*want->dests));
	dataplane->service_count = want->service_count;
	dataplane->dest_count = want->dest_count;
	dataplane->flags = want->flags;
	return 0;
}

static int compare_services(const void *a, const void *b)
{
	const struct compiled_service *left = a, *right = b;

	return memcmp(&left->key, &right->key, sizeof(left->key));
}

static int compare_dests(const void *a, const void *b)
{
	const struct compiled_dest *left = a, *right = b;

	return prefix_compare(&left->prefix, &right->prefix);
}

static void take_services(struct dataplane *dataplane, const struct compiled_services *have)
{
	for (size_t i = 0; i < have->service_count; i++)
		for (size_t at = 0; at < dataplane->service_count; at++)
			if (!compare_services(&have->services[i], &dataplane->services[at]))
				dataplane->services[at--] = dataplane->services[--dataplane->service_count];
	for (size_t i = 0; i < have->dest_count; i++)
		for (size_t at = 0; at < dataplane->dest_count; at++)
			if (!compare_dests(&have->dests[i], &dataplane->dests[at]))
				dataplane->dests[at--] = dataplane->dests[--dataplane->dest_count];
}

int dataplane_edit_services(struct dataplane *dataplane, const struct compiled_services *have,
			    const struct compiled_services *want, uint32_t flags, struct ag_error *error)
{
	int err;

	note('t');
	if (dataplane->dies)
		_exit(DIED);
	err = fallible(error); /* and then only half of it is done: what comes is there, what goes too */
	if (!err)
		take_services(dataplane, have);
	take_services(dataplane, want); /* as far as it is there already */
	for (size_t i = 0; i < want->service_count; i++)
		dataplane->services[dataplane->service_count++] = want->services[i];
	for (size_t i = 0; i < want->dest_count; i++)
		dataplane->dests[dataplane->dest_count++] = want->dests[i];
	qsort(dataplane->services, dataplane->service_count, sizeof(*want->services), compare_services);
	qsort(dataplane->dests, dataplane->dest_count, sizeof(*want->dests), compare_dests);
	if (!err)
		dataplane->flags = flags;
	return err;
}

int dataplane_check_services(struct dataplane *dataplane, size_t added, size_t prefixes,
			     struct ag_error *error)
{
	(void)prefixes;
	if (dataplane->service_count + added > 32)
		return error_set(error, ERROR_LIMIT, "no room for %zu more services", added);
	return 0;
}

#include "tests/unit/fake_links.h"
#include "tests/unit/fake_watch.h"
