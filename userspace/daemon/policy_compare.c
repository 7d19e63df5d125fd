// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_compare.c - lists read out of a snapshot, each beside the one that is asked for
 *
 * What is found is of accounts of a generation: it holds as long as they are of it.
 */
#include "userspace/daemon/policy_compare.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/core/error.h"

struct comparing {
	struct policydiff_entries *diff;
	const bool *cancel;
};

static int feed(const struct entry *entry, void *arg)
{
	const struct comparing *comparing = arg;

	if (__atomic_load_n(comparing->cancel, __ATOMIC_RELAXED))
		return -ECANCELED;
	return policydiff_entries_feed(comparing->diff, entry);
}

static int failed(int err, struct ag_error *error)
{
	if (err == -ECANCELED)
		return error_set(error, ERROR_CONFLICT, "the daemon is leaving: try again when it is back");
	if (error->code == ERROR_NONE)
		return error_set(error, ERROR_STORE, "no memory to compare the policy");
	return err;
}

static int compare_account(struct store *snapshot, const bool *cancel, struct policy_entries *entries,
			   struct ag_error *error)
{
	struct comparing comparing = {.diff = &entries->diff, .cancel = cancel};
	struct account account = {0};
	int err = store_account_find(snapshot, entries->asked->name, &account, error);

	entries->found = !err;
	entries->generation = account.generation;
	if (err && error->code != ERROR_NOT_FOUND)
		return err;
	error->code = ERROR_NONE;
	policydiff_entries_begin(&entries->diff, &entries->asked->entries, POLICY_DIRECT_MAX);
	if (entries->found && entries->asked->has_entries)
		err = store_list_each(snapshot, account.id, feed, &comparing, error);
	else
		err = 0;
	if (!err)
		err = policydiff_entries_end(&entries->diff);
	account_clear(&account);
	return err ? failed(err, error) : 0;
}

static int feed_list(struct store *snapshot, const struct store_named *named, struct comparing *comparing,
		     struct ag_error *error)
{
	struct list list = {0};
	int err = store_named_list(snapshot, named, &list, error);

	for (size_t i = 0; i < list.count && !err; i++)
		err = feed(&list.entries[i], comparing);
	list_clear(&list);
	return err;
}

static int compare_list(struct store *snapshot, const bool *cancel, struct policy_listed *listed,
			struct ag_error *error)
{
	struct comparing comparing = {.diff = &listed->diff, .cancel = cancel};
	struct store_named named = {0};
	int err = store_named_find(snapshot, listed->asked->name, &named, error);

	listed->found = !err;
	listed->id = named.id;
	listed->generation = named.generation;
	if (err && error->code != ERROR_NOT_FOUND)
		return err;
	error->code = ERROR_NONE;
	policydiff_entries_begin(&listed->diff, &listed->asked->entries, NAMED_ENTRIES_MAX);
	err = listed->found && listed->asked->has_entries ? feed_list(snapshot, &named, &comparing, error)
							  : 0;
	if (!err)
		err = policydiff_entries_end(&listed->diff);
	return err ? failed(err, error) : 0;
}

static int compare_lists(struct store *snapshot, const struct policydoc *document, const bool *cancel,
			 struct policy_comparison *ret, struct ag_error *error)
{
	int err = 0;

	for (size_t i = 0; i < document->list_count && !err; i++) {
		ret->lists[i].asked = &document->lists[i];
		ret->list_count = i + 1;
		err = compare_list(snapshot, cancel, &ret->lists[i], error);
	}
	return err;
}

int policy_compare(const struct store *store, const struct policydoc *document, const bool *cancel,
		   struct policy_comparison *ret, struct ag_error *error)
{
	struct store *snapshot = NULL;
	int err = store_snapshot_open(store, &snapshot, error);

	ret->accounts = calloc(document->account_count + 1, sizeof(*ret->accounts));
	ret->lists = calloc(document->list_count + 1, sizeof(*ret->lists));
	if (!err && (!ret->accounts || !ret->lists))
		err = error_set(error, ERROR_STORE, "no memory to compare the policy");
	for (size_t i = 0; i < document->account_count && !err; i++) {
		ret->accounts[i].asked = &document->accounts[i];
		ret->count = i + 1;
		err = compare_account(snapshot, cancel, &ret->accounts[i], error);
	}
	if (!err)
		err = compare_lists(snapshot, document, cancel, ret, error);
	store_snapshot_close(snapshot);
	return err;
}

void policy_comparison_clear(struct policy_comparison *comparison)
{
	for (size_t i = 0; i < comparison->count; i++)
		policydiff_entries_clear(&comparison->accounts[i].diff);
	for (size_t i = 0; i < comparison->list_count; i++)
		policydiff_entries_clear(&comparison->lists[i].diff);
	free(comparison->accounts);
	free(comparison->lists);
	*comparison = (struct policy_comparison){0};
}
