// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_plan.c - which accounts differ, and who may change that
 */
#include "userspace/daemon/policy_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/daemon/policy_lists.h"
#include "userspace/daemon/policy_roles.h"

/* From so many entries on a list is not looked at in the loop. */
#define LONG_ENTRIES 20000

void policy_plan_clear(struct policy_plan *plan)
{
	for (size_t i = 0; i < plan->part_count; i++)
		policydiff_clear(&plan->parts[i].diff);
	for (size_t i = 0; i < plan->change_count; i++)
		outcome_clear(&plan->outcomes[i]);
	for (size_t i = 0; i < plan->settings_count; i++)
		dataplane_lists_free(plan->settings[i].lists);
	policy_lists_clear(plan);
	free(plan->parts);
	free(plan->changes);
	free(plan->outcomes);
	free(plan->sets);
	free(plan->settings);
	*plan = (struct policy_plan){0};
}

static int no_memory(struct ag_error *error)
{
	return error_set(error, ERROR_STORE, "no memory to plan the change");
}

static size_t entries_differing(const struct policy_part *part)
{
	return part->entries ? policydiff_entries_count(&part->entries->diff) : 0;
}

/* --- who may --------------------------------------------------------------- */

static enum role role_among(const struct policydoc_role *roles, size_t count, const char *user)
{
	for (size_t i = 0; i < count && user[0]; i++)
		if (!strcmp(roles[i].user, user))
			return roles[i].role;
	return ROLE_NONE;
}

/* Rule 1: whoever changes an allowlist is its admin. A new account has the admins that come with it. */
static int check_role(const struct policy_ask *ask, const struct policy_part *part,
		      const struct policydoc_role *roles, size_t count, struct ag_error *error)
{
	const struct policydoc_account *asked = part->entries->asked;
	enum role role = part->had ? role_among(roles, count, ask->actor.name)
				   : role_among(asked->roles, asked->role_count, ask->actor.name);
	int err;

	if (!entries_differing(part))
		return 0;
	err = access_check(&ask->actor, role, RIGHT_ACCOUNT_LIST, part->account, error);
	if (err)
		error_prepend(error, "accounts[%zu].entries", asked->index);
	return err;
}

static int check_users(const struct policy_ask *ask, const struct policy_part *part, struct ag_error *error)
{
	struct store_user user;
	int err = 0;

	for (size_t i = 0; i < part->diff.roles_come_count && !err; i++) {
		err = store_user_find(ask->gate->store, part->diff.roles_come[i].user, &user, error);
		if (err)
			error_prepend(error, "accounts[%zu].roles[%zu].user", part->entries->asked->index,
				      part->diff.roles_come[i].index);
	}
	return err;
}

/* --- what differs ---------------------------------------------------------- */

/* Whether it takes a list to be built that is too long for the loop. */
static bool must_import(const struct policy_part *part)
{
	size_t had = part->had ? account_entries(part->had) : 0;
	bool is_long = had > LONG_ENTRIES || part->entries->asked->entries.count > LONG_ENTRIES;

	if (!part->had)
		return false;
	return entries_differing(part) > POLICY_DIRECT_MAX ||
	       (is_long && (entries_differing(part) || part->diff.sets_mode || part->diff.sets_on_deny));
}

static int plan_account(struct policy_plan *plan, const struct policy_entries *entries,
			struct policy_roles *roles, struct ag_error *error)
{
	const struct policy_ask *ask = plan->ask;
	struct policy_part *part = &plan->parts[plan->part_count];
	const struct account *had = gate_account(ask->gate, entries->asked->name);
	size_t services = 0, role_count = 0;
	const struct claim *claims = had ? summary_claims_of(&ask->gate->summary, had->slot, &services)
					 : NULL;
	const struct policydoc_role *given = policy_roles_of(roles, entries->asked->name, &role_count);
	int err;

	if (!had != !entries->found || (had && had->generation != entries->generation))
		return -EAGAIN;
	*part = (struct policy_part){.had = had, .entries = entries};
	if (policydiff_account(entries->asked, had, claims, services, given, role_count, &part->diff))
		return no_memory(error);
	plan->part_count++;
	memcpy(part->account, entries->asked->name, sizeof(part->account));
	part->kind = had ? PART_CHANGED : PART_ADDED;
	part->was_active = had && account_active(had);
	part->imports = must_import(part);
	err = check_role(ask, part, given, role_count, error);
	if (!err)
		err = policy_lists_check(ask, entries->asked, error);
	if (!err)
		err = check_users(ask, part, error);
	if (!err && policydiff_is_empty(&part->diff) && !entries_differing(part)) {
		policydiff_clear(&part->diff);
		plan->part_count--;
	}
	return err;
}

static void plan_removal(struct policy_plan *plan, const struct account *had)
{
	struct policy_part *part = &plan->parts[plan->part_count++];

	*part = (struct policy_part){.kind = PART_REMOVED, .had = had, .was_active = account_active(had)};
	memcpy(part->account, had->name, sizeof(part->account));
}

static int check_direct(const struct policy_plan *plan, struct ag_error *error)
{
	size_t total = 0, imports = 0;

	for (size_t i = 0; i < plan->part_count; i++) {
		const struct policy_part *part = &plan->parts[i];

		imports += part->imports;
		if (imports > POLICY_IMPORTS_MAX)
			return error_set(error, ERROR_LIMIT,
					 "account %s: %d long lists at a time are the most: put this one in "
					 "place with 'allowgate allow replace' first, and apply again",
					 part->account, POLICY_IMPORTS_MAX);
		total += part->imports ? 0 : entries_differing(part);
		if (total > POLICY_DIRECT_TOTAL)
			return error_set(error, ERROR_LIMIT,
					 "account %s: more than %d entries would come with new accounts or "
					 "by short lists: apply the document without \"entries\" first, or "
					 "use 'allowgate allow replace' for it, and apply again",
					 part->account, POLICY_DIRECT_TOTAL);
	}
	return 0;
}

static void summarise(struct policy_plan *plan)
{
	size_t used;

	for (size_t i = 0; i < plan->part_count; i++)
		plan->counts[plan->parts[i].kind]++;
	(void)snprintf(plan->summary, sizeof(plan->summary),
		       "%s: %zu accounts added, %zu changed, %zu removed",
		       plan->ask->document->scope == POLICYDOC_HOST ? "host" : "accounts",
		       plan->counts[PART_ADDED], plan->counts[PART_CHANGED], plan->counts[PART_REMOVED]);
	used = strlen(plan->summary);
	if (plan->list_count)
		(void)snprintf(plan->summary + used, sizeof(plan->summary) - used,
			       "; %zu lists added, %zu changed, %zu removed", plan->list_counts[PART_ADDED],
			       plan->list_counts[PART_CHANGED], plan->list_counts[PART_REMOVED]);
}

static int plan_all(struct policy_plan *plan, struct policy_roles *roles, struct ag_error *error)
{
	const struct policy_ask *ask = plan->ask;
	const struct policydoc *document = ask->document;
	const struct summary *summary = &ask->gate->summary;
	int err = 0;

	plan->parts = calloc(document->account_count + summary->account_count + 1, sizeof(*plan->parts));
	if (!plan->parts)
		return no_memory(error);
	for (size_t i = 0; i < ask->comparison->count && !err; i++)
		err = plan_account(plan, &ask->comparison->accounts[i], roles, error);
	for (size_t i = 0; i < summary->account_count && !err && document->scope == POLICYDOC_HOST; i++)
		if (!policydoc_find(document, summary->accounts[i]->name))
			plan_removal(plan, summary->accounts[i]);
	if (!err)
		err = check_direct(plan, error);
	if (!err)
		err = policy_lists_plan(plan, error);
	summarise(plan);
	return err;
}

int policy_plan_make(const struct policy_ask *ask, struct policy_plan *ret, struct ag_error *error)
{
	struct policy_roles roles = {0};
	int err = gate_ready(ask->gate, error);

	ret->ask = ask;
	if (!err)
		err = policy_roles_load(ask->gate->store, &roles, error);
	if (!err)
		err = plan_all(ret, &roles, error);
	policy_roles_clear(&roles);
	return err;
}
