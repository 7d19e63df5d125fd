// SPDX-License-Identifier: GPL-2.0-only
/* policy_lists.c - see policy_lists.h */
#include "userspace/daemon/policy_lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/reference.h"
#include "userspace/daemon/named.h"

/* Users of a list that an error names. */
#define USERS_NAMED_MAX 3

static int no_memory(struct ag_error *error)
{
	return error_set(error, ERROR_STORE, "no memory to plan the change");
}

/* The document names every list there shall be. */
static bool names_all(const struct policydoc *document)
{
	return document->has_lists && document->scope == POLICYDOC_HOST;
}

/* --- references ------------------------------------------------------------ */

int policy_lists_check(const struct policy_ask *ask, const struct policydoc_account *asked,
		       struct ag_error *error)
{
	size_t count = list_count_references(&asked->entries); /* in front of all others */
	struct store_named named;
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		const char *name = asked->entries.entries[i].list;

		if (policydoc_find_list(ask->document, name))
			continue;
		if (names_all(ask->document))
			err = error_set(error, ERROR_NOT_FOUND,
					"@%s is none of the document's \"lists\": write it there", name);
		else
			err = store_named_find(ask->gate->store, name, &named, error);
		if (err)
			error_prepend(error, "accounts[%zu].entries", asked->index);
	}
	return err;
}

/* The account goes, by the document. */
static bool account_goes(const struct policydoc *document, const char *account)
{
	return document->scope == POLICYDOC_HOST && !policydoc_find(document, account);
}

/* It refers to the list no more, behind the apply. */
static bool lets_go(const struct policydoc *document, const char *account, const char *list)
{
	const struct policydoc_account *asked = policydoc_find(document, account);
	struct prefix key = reference_key(list);

	return account_goes(document, account) ||
	       (asked && asked->has_entries && !list_find(&asked->entries, &key));
}

static int still_used(const struct policy_ask *ask, const struct policy_list_part *part,
		      struct ag_error *error)
{
	CLEANUP(buffer_clear) struct buffer names = {.limit = 512};
	size_t count = 0;

	for (size_t i = 0; i < part->user_count; i++) {
		const char *account = part->users[i].account;

		if (lets_go(ask->document, account, part->name))
			continue;
		if (count++ < USERS_NAMED_MAX)
			(void)buffer_print(&names, "%s%s", count > 1 ? ", " : "", account); /* bounded */
	}
	if (count > USERS_NAMED_MAX)
		(void)buffer_print(&names, " and %zu more", count - USERS_NAMED_MAX);
	if (!count)
		return 0;
	return error_set(
		error, ERROR_CONFLICT,
		"list '%s' is none of the document's \"lists\", and would go, but is used by %s: take @%s "
		"out of their entries too, or write the list",
		part->name, names.data ? names.data : "accounts", part->name);
}

/* --- who may ---------------------------------------------------------------- */

/* Rule 1: who changes a list changes the allowlist of whoever uses it. */
static int check_roles(const struct policy_ask *ask, const struct policy_list_part *part,
		       struct ag_error *error)
{
	size_t lacking = 0;
	int err = 0;

	for (size_t i = 0; i < part->user_count && !err; i++) {
		enum role role = ROLE_NONE;

		if (account_goes(ask->document, part->users[i].account))
			continue;
		if (ask->actor.name[0])
			err = store_role_of(ask->gate->store, part->users[i].account_id, ask->actor.name,
					    &role, error);
		lacking += role != ROLE_ADMIN;
	}
	if (err || !lacking)
		return err;
	return error_set(
		error, ERROR_FORBIDDEN,
		"lists[%zu].entries: list '%s' is used by %zu accounts, of %zu of which you are not an "
		"admin: only who is admin of all that use a list may change it",
		part->entries->asked->index, part->name, part->user_count, lacking);
}

/* --- what differs ------------------------------------------------------------ */

static struct policy_list_part *next_part(struct policy_plan *plan, enum policy_part_kind kind,
					  const char *name)
{
	struct policy_list_part *part = &plan->lists[plan->list_count++];

	*part = (struct policy_list_part){.kind = kind};
	(void)snprintf(part->name, sizeof(part->name), "%s", name); /* fits */
	plan->list_counts[kind]++;
	return part;
}

static int plan_asked(struct policy_plan *plan, const struct policy_listed *listed, struct ag_error *error)
{
	struct store *store = plan->ask->gate->store;
	struct policy_list_part *part;
	struct store_named named = {0};
	struct ag_error why = {0};
	int err = store_named_find(store, listed->asked->name, &named, &why);

	if (err && why.code != ERROR_NOT_FOUND) {
		*error = why;
		return err;
	}
	if (!err != listed->found || named.id != listed->id || named.generation != listed->generation)
		return -EAGAIN;
	if (listed->found && !policydiff_entries_count(&listed->diff))
		return 0;
	part = next_part(plan, listed->found ? PART_CHANGED : PART_ADDED, listed->asked->name);
	part->entries = listed;
	if (!listed->found)
		return 0;
	err = store_named_users(store, part->name, &part->users, &part->user_count, error);
	return err ? err : check_roles(plan->ask, part, error);
}

static int plan_removals(struct policy_plan *plan, const struct store_named *lists, size_t count,
			 struct ag_error *error)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		struct policy_list_part *part;

		if (policydoc_find_list(plan->ask->document, lists[i].name))
			continue;
		part = next_part(plan, PART_REMOVED, lists[i].name);
		part->had = lists[i].entries;
		err = store_named_users(plan->ask->gate->store, part->name, &part->users, &part->user_count,
					error);
		if (!err)
			err = still_used(plan->ask, part, error);
	}
	return err;
}

static int check_total(const struct policy_plan *plan, struct ag_error *error)
{
	size_t total = 0;

	for (size_t i = 0; i < plan->list_count; i++) {
		const struct policy_list_part *part = &plan->lists[i];

		total += part->entries ? policydiff_entries_count(&part->entries->diff) : part->had;
		if (total > POLICY_LISTED_TOTAL)
			return error_set(
				error, ERROR_LIMIT,
				"list '%s': more than %d entries of named lists would come, go or change in "
				"one step: apply documents of scope \"accounts\" with some of the lists each "
				"first",
				part->name, POLICY_LISTED_TOTAL);
	}
	return 0;
}

/* All of them change at one time, and so do their accounts: as named_check_spread() of a single list. */
static int check_spread(const struct policy_plan *plan, struct ag_error *error)
{
	size_t spread = 0;

	for (size_t i = 0; i < plan->list_count; i++) {
		const struct policy_list_part *part = &plan->lists[i];

		if (part->kind == PART_CHANGED &&
		    (part->entries->diff.came.count || part->entries->diff.went.count))
			spread += part->user_count * (part->entries->asked->entries.count + 1);
		if (spread > NAMED_SPREAD_MAX)
			return error_set(
				error, ERROR_LIMIT,
				"list '%s': with those before it, it would bring more than %d entries to the "
				"accounts that use them, which are the most that can change at one time: "
				"apply "
				"documents with some of the lists each first",
				part->name, NAMED_SPREAD_MAX);
	}
	return 0;
}

int policy_lists_plan(struct policy_plan *plan, struct ag_error *error)
{
	const struct policy_comparison *comparison = plan->ask->comparison;
	AUTO_FREE struct store_named *lists = NULL;
	size_t count = 0;
	int err = 0;

	if (names_all(plan->ask->document))
		err = store_named_all(plan->ask->gate->store, &lists, &count, error);
	if (err)
		return err;
	plan->lists = calloc(comparison->list_count + count + 1, sizeof(*plan->lists));
	if (!plan->lists)
		return no_memory(error);
	for (size_t i = 0; i < comparison->list_count && !err; i++)
		err = plan_asked(plan, &comparison->lists[i], error);
	if (!err)
		err = plan_removals(plan, lists, count, error);
	if (!err)
		err = check_total(plan, error);
	return err ? err : check_spread(plan, error);
}

void policy_lists_clear(struct policy_plan *plan)
{
	for (size_t i = 0; i < plan->list_count; i++)
		free(plan->lists[i].users);
	free(plan->lists);
}

/* --- as changes ---------------------------------------------------------------- */

size_t policy_lists_count(const struct policy_plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->list_count; i++)
		count += 6 + 2 * plan->lists[i].user_count;
	return count;
}

static void add(struct policy_plan *plan, enum change_kind kind, const struct policy_list_part *part,
		const char *account, const struct list *entries)
{
	struct change *change;

	if (entries && !entries->count)
		return;
	change = policy_plan_add(plan, kind, account);
	(void)snprintf(change->named, sizeof(change->named), "%s", part->name);
	change->list = entries;
}

/* An entry whose note is another goes, and comes with it. */
void policy_lists_come(struct policy_plan *plan)
{
	for (size_t i = 0; i < plan->list_count; i++) {
		const struct policy_list_part *part = &plan->lists[i];
		const struct policydiff_entries *diff;

		if (part->kind == PART_REMOVED)
			continue;
		diff = &part->entries->diff;
		if (part->kind == PART_ADDED)
			add(plan, CHANGE_LIST_CREATE, part, "", NULL);
		add(plan, CHANGE_LIST_REMOVE_ENTRIES, part, "", &diff->went);
		add(plan, CHANGE_LIST_REMOVE_ENTRIES, part, "", &diff->set);
		add(plan, CHANGE_LIST_ADD, part, "", &diff->set);
		add(plan, CHANGE_LIST_ADD, part, "", &diff->came);
	}
}

static int compare_part(const void *name, const void *part)
{
	return strcmp(name, ((const struct policy_part *)part)->account);
}

/* The account's own list or settings are edited, which brings it beside its lists too. */
static bool is_edited(const struct policy_plan *plan, const char *account)
{
	const struct policy_part *part = bsearch(account, plan->parts,
						 plan->part_count - plan->counts[PART_REMOVED],
						 sizeof(*plan->parts), compare_part);

	return part && (part->imports || policydiff_sets(&part->diff) ||
			policydiff_entries_count(&part->entries->diff));
}

void policy_lists_follow(struct policy_plan *plan)
{
	for (size_t i = 0; i < plan->list_count; i++) {
		const struct policy_list_part *part = &plan->lists[i];

		for (size_t k = 0; k < part->user_count && part->kind == PART_CHANGED; k++) {
			const char *account = part->users[k].account;

			if (account_goes(plan->ask->document, account) || is_edited(plan, account))
				continue;
			add(plan, CHANGE_LISTED_REMOVE, part, account, &part->entries->diff.went);
			add(plan, CHANGE_LISTED_ADD, part, account, &part->entries->diff.came);
		}
	}
}

/* A list that is let go by an import is, in a dry run, still used: no import is finished there. */
static bool waits_for_import(const struct policy_plan *plan, const struct policy_list_part *part)
{
	bool waits = false;

	for (size_t i = 0; i < part->user_count && plan->ask->dry_run; i++) {
		const struct policy_part *user = bsearch(part->users[i].account, plan->parts,
							 plan->part_count - plan->counts[PART_REMOVED],
							 sizeof(*plan->parts), compare_part);

		waits |= user && user->imports;
	}
	return waits;
}

void policy_lists_go(struct policy_plan *plan)
{
	for (size_t i = 0; i < plan->list_count; i++)
		if (plan->lists[i].kind == PART_REMOVED && !waits_for_import(plan, &plan->lists[i]))
			add(plan, CHANGE_LIST_REMOVE, &plan->lists[i], "", NULL);
}
