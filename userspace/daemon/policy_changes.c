// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_changes.c - a plan as changes of the gate, in their order, and what came of them
 */
#include "userspace/daemon/policy_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/edits.h"
#include "userspace/daemon/policy_lists.h"

static int no_memory(struct ag_error *error)
{
	return error_set(error, ERROR_STORE, "no memory to plan the change");
}

/* --- one by one ------------------------------------------------------------ */

struct change *policy_plan_add(struct policy_plan *plan, enum change_kind kind, const char *account)
{
	const struct policy_ask *ask = plan->ask;
	struct change *change = &plan->changes[plan->change_count++];

	*change = (struct change){
		.kind = kind,
		.actor = ask->actor,
		.open = ask->open,
		.force = ask->force,
		.dry_run = ask->dry_run,
		.keeps_expired = true,
	};
	(void)snprintf(change->account, sizeof(change->account), "%s", account);
	return change;
}

static void add_concluding(struct policy_plan *plan, struct policy_part *part)
{
	part->concludes = plan->change_count - 1;
	part->has_conclusion = true;
}

static void take_settings(struct change *change, const struct policy_part *part)
{
	const struct policydoc_account *asked = part->entries->asked;
	bool adds = part->kind == PART_ADDED;

	change->mode = asked->has_mode && (adds || part->diff.sets_mode) ? &asked->mode : NULL;
	change->on_deny = asked->has_on_deny && (adds || part->diff.sets_on_deny) ? &asked->on_deny : NULL;
	if (asked->has_label && (adds || part->diff.sets_label))
		change->label = asked->label ? asked->label : "";
}

static void add_account(struct policy_plan *plan, struct policy_part *part)
{
	if (part->kind == PART_ADDED)
		take_settings(policy_plan_add(plan, CHANGE_ACCOUNT_ADD, part->account), part);
}

/* A service that goes with its account may come to another, which is before that goes. */
static int leaving_services(const struct policy_plan *plan, const struct policy_part *part,
			    struct change *change, struct ag_error *error)
{
	size_t count;
	const struct claim *claims = summary_claims_of(&plan->ask->gate->summary, part->had->slot, &count);
	struct service *services = calloc(count + 1, sizeof(*services));

	if (!services)
		return no_memory(error);
	for (size_t i = 0; i < count; i++)
		services[i] = claims[i].service;
	change->services = services;
	change->service_count = count;
	return 0;
}

static int add_leaving_services(struct policy_plan *plan, struct policy_part *part, struct ag_error *error)
{
	struct policydiff *diff = &part->diff;
	struct change services = {0};
	struct change *change;
	int err = 0;

	if (part->kind == PART_REMOVED) {
		err = leaving_services(plan, part, &services, error);
		diff->services_go = (struct service *)(uintptr_t)services.services;
		diff->services_go_count = services.service_count;
	}
	if (err || !diff->services_go_count)
		return err;
	change = policy_plan_add(plan, CHANGE_SERVICE_REMOVE, part->account);
	change->services = diff->services_go;
	change->service_count = diff->services_go_count;
	return 0;
}

static void add_coming_services(struct policy_plan *plan, struct policy_part *part)
{
	struct change *change;

	if (!part->diff.services_come_count)
		return;
	change = policy_plan_add(plan, CHANGE_SERVICE_ADD, part->account);
	change->services = part->diff.services_come;
	change->service_count = part->diff.services_come_count;
}

static void add_role(struct policy_plan *plan, enum change_kind kind, const struct policy_part *part,
		     const struct policydoc_role *role)
{
	struct change *change = policy_plan_add(plan, kind, part->account);

	memcpy(change->user.name, role->user, sizeof(change->user.name));
	change->role = role->role;
}

static void add_roles(struct policy_plan *plan, struct policy_part *part)
{
	for (size_t i = 0; i < part->diff.roles_go_count; i++)
		add_role(plan, CHANGE_ROLE_REVOKE, part, &part->diff.roles_go[i]);
	for (size_t i = 0; i < part->diff.roles_come_count; i++)
		add_role(plan, CHANGE_ROLE_GRANT, part, &part->diff.roles_come[i]);
}

/* --- lists and settings ------------------------------------------------------ */

static void add_set(struct policy_plan *plan, const struct policy_part *part, struct entry *entry)
{
	struct policy_set *set = &plan->sets[plan->set_count++];
	struct change *change = policy_plan_add(plan, CHANGE_ALLOW_SET, part->account);

	*set = (struct policy_set){
		.set = {.has_note = true,
			.has_expires = true,
			.has_enabled = true,
			.expires = entry->expires,
			.enabled = !entry->disabled},
		.list = {.entries = entry, .count = 1},
	};
	(void)snprintf(set->set.note, sizeof(set->set.note), "%s", entry->note ? entry->note : "");
	change->set = &set->set;
	change->list = &set->list;
}

/* Few entries: as `allow remove`, `allow set` and `allow add` would. */
static void add_entries(struct policy_plan *plan, struct policy_part *part)
{
	const struct policydiff_entries *diff = &part->entries->diff;

	if (diff->removed)
		policy_plan_add(plan, CHANGE_ALLOW_REMOVE, part->account)->list = &diff->went;
	for (size_t i = 0; i < diff->set.count; i++)
		add_set(plan, part, &diff->set.entries[i]);
	if (diff->added)
		policy_plan_add(plan, CHANGE_ALLOW_ADD, part->account)->list =
			part->kind == PART_ADDED ? &part->entries->asked->entries : &diff->came;
	if (policydiff_entries_count(diff))
		add_concluding(plan, part);
}

static void add_settings(struct policy_plan *plan, struct policy_part *part, struct prepared *prepared)
{
	struct change *change;

	if (part->kind == PART_ADDED || !policydiff_sets(&part->diff))
		return;
	change = policy_plan_add(plan, CHANGE_ACCOUNT_SET, part->account);
	change->prepared = prepared;
	take_settings(change, part);
	add_concluding(plan, part);
}

enum import_what policy_plan_import_what(const struct policy_part *part)
{
	return part->entries && policydiff_entries_count(&part->entries->diff) ? IMPORT_WHOLE : IMPORT_LISTS;
}

struct change policy_plan_import(const struct policy_plan *plan, const struct policy_part *part)
{
	bool whole = policy_plan_import_what(part) == IMPORT_WHOLE;
	struct change change = {
		.kind = whole ? CHANGE_ALLOW_REPLACE : CHANGE_ACCOUNT_SET,
		.actor = plan->ask->actor,
		.open = plan->ask->open,
		.force = plan->ask->force,
		.dry_run = plan->ask->dry_run,
	};

	(void)snprintf(change.account, sizeof(change.account), "%s", part->account);
	take_settings(&change, part);
	return change;
}

static void add_replacement(struct policy_plan *plan, struct policy_part *part)
{
	policy_plan_add(plan, CHANGE_ALLOW_REPLACE, part->account)->prepared = &part->import->prepared;
	add_concluding(plan, part);
}

/*
 * A list that was prepared. Its import must be finished before anything else of the account is edited, and
 * what comes last stages the kernel's lists. A dry run finishes no import, so that its rules must be asked
 * behind the settings.
 */
static void add_import(struct policy_plan *plan, struct policy_part *part)
{
	struct prepared *prepared = &part->import->prepared, *lists;

	if (policy_plan_import_what(part) == IMPORT_LISTS || !policydiff_sets(&part->diff)) {
		if (policy_plan_import_what(part) == IMPORT_WHOLE)
			add_replacement(plan, part);
		else
			add_settings(plan, part, prepared);
		return;
	}
	if (plan->ask->dry_run) {
		add_settings(plan, part, NULL);
		add_replacement(plan, part);
		return;
	}
	lists = &plan->settings[plan->settings_count++];
	*lists = (struct prepared){.want = prepared->want, .lists = TAKE_PTR(prepared->lists)};
	add_replacement(plan, part);
	add_settings(plan, part, lists);
}

/* --- the apply itself ---------------------------------------------------------- */

/* What is done is done by the changes that come with it. */
int edit_policy_apply(struct edit *edit, struct ag_error *error)
{
	(void)error;
	(void)buffer_print(&edit->detail, "%s ", edit->change->label);
	return 0;
}

int undo_policy_apply(struct edit *edit, struct ag_error *error)
{
	(void)edit;
	(void)error;
	return 0;
}

/* --- all of them ------------------------------------------------------------- */

static size_t count_changes(const struct policy_plan *plan, size_t *ret_sets)
{
	size_t count = 1;

	*ret_sets = 0;
	for (size_t i = 0; i < plan->part_count; i++) {
		const struct policy_part *part = &plan->parts[i];
		size_t sets = part->entries ? part->entries->diff.set.count : 0;

		count += 8 + sets + part->diff.roles_go_count + part->diff.roles_come_count;
		*ret_sets += sets;
	}
	return count + policy_lists_count(plan);
}

static int make_room(struct policy_plan *plan, struct ag_error *error)
{
	size_t sets, count = count_changes(plan, &sets);

	plan->changes = calloc(count, sizeof(*plan->changes));
	plan->outcomes = calloc(count, sizeof(*plan->outcomes));
	plan->sets = calloc(sets + 1, sizeof(*plan->sets));
	plan->settings = calloc(plan->part_count + 1, sizeof(*plan->settings));
	return plan->changes && plan->outcomes && plan->sets && plan->settings ? 0 : no_memory(error);
}

/* It stands for all of them, and waits for all. */
static void add_leading(struct policy_plan *plan)
{
	struct change *change = policy_plan_add(plan, CHANGE_POLICY_APPLY, "");

	change->label = plan->summary;
	change->confirm_within = plan->ask->confirm_within;
}

static int fill(struct policy_plan *plan, struct ag_error *error)
{
	int err = 0;

	add_leading(plan);
	for (size_t i = 0; i < plan->part_count && !err; i++)
		err = add_leaving_services(plan, &plan->parts[i], error);
	policy_lists_come(plan);
	for (size_t i = 0; i < plan->part_count && !err; i++)
		add_account(plan, &plan->parts[i]);
	for (size_t i = 0; i < plan->part_count && !err; i++)
		add_roles(plan, &plan->parts[i]);
	for (size_t i = 0; i < plan->part_count && !err; i++) {
		struct policy_part *part = &plan->parts[i];

		if (part->kind == PART_REMOVED)
			continue;
		if (part->imports) {
			add_import(plan, part);
		} else {
			add_entries(plan, part);
			add_settings(plan, part, NULL);
		}
	}
	policy_lists_follow(plan);
	for (size_t i = 0; i < plan->part_count && !err; i++)
		add_coming_services(plan, &plan->parts[i]);
	for (size_t i = 0; i < plan->part_count && !err; i++)
		if (plan->parts[i].kind == PART_REMOVED)
			(void)policy_plan_add(plan, CHANGE_ACCOUNT_REMOVE, plan->parts[i].account);
	policy_lists_go(plan);
	return err;
}

int policy_plan_apply(struct policy_plan *plan, struct ag_error *error)
{
	size_t failed = 0;
	int err = make_room(plan, error);

	if (!err)
		err = fill(plan, error);
	if (err)
		return err;
	err = gate_apply_all(plan->ask->gate, plan->changes, plan->change_count, plan->outcomes, &failed,
			     error);
	if (err && failed < plan->change_count && plan->changes[failed].account[0] &&
	    !strstr(error->message, plan->changes[failed].account))
		error_prepend(error, "account %s", plan->changes[failed].account);
	return err;
}
