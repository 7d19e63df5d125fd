// SPDX-License-Identifier: GPL-2.0-only
/*
 * bundle_plan.c - see bundle_plan.h
 */
#include "userspace/daemon/bundle_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"

/* From so many entries on a list is not built in the loop. */
#define LONG_ENTRIES 20000

void bundle_plan_free(struct bundle_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->import_count; i++)
		import_free(plan->imports[i]);
	for (size_t i = 0; i < plan->settings_count; i++)
		dataplane_lists_free(plan->settings[i].lists);
	for (size_t i = 0; i < plan->count && plan->outcomes; i++)
		outcome_clear(&plan->outcomes[i]);
	reversals_free(plan->parts, plan->part_count);
	free(plan->imports);
	free(plan->settings);
	free(plan->changes);
	free(plan->outcomes);
	free(plan);
}
DEFINE_CLEANUP(plan, struct bundle_plan *, bundle_plan_free)

static int no_memory(struct ag_error *error)
{
	return error_set(error, ERROR_STORE, "no memory to take the changes back");
}

/* --- lists that take long -------------------------------------------------------- */

static const struct reversal *find_part(const struct bundle_plan *plan, enum change_kind kind,
					const char *account)
{
	for (size_t i = 0; i < plan->part_count; i++)
		if (plan->parts[i].change.kind == kind && !strcmp(plan->parts[i].change.account, account))
			return &plan->parts[i];
	return NULL;
}

/* A list that goes back whole, or settings of one that is long. */
static bool takes_long(const struct bundle_plan *plan, const struct change *change)
{
	const struct account *account = gate_account(plan->gate, change->account);

	if (change->kind == CHANGE_ALLOW_REPLACE)
		return true;
	return change->kind == CHANGE_ACCOUNT_SET && account && account_entries(account) > LONG_ENTRIES &&
	       !find_part(plan, CHANGE_ALLOW_REPLACE, change->account);
}

static int new_import(struct bundle_plan *plan, const struct change *of, struct ag_error *error)
{
	bool whole = of->kind == CHANGE_ALLOW_REPLACE;
	const struct reversal *set = whole ? find_part(plan, CHANGE_ACCOUNT_SET, of->account) : NULL;
	struct change change = *of;
	struct import *import = NULL;
	int err;

	change.actor = plan->common.actor;
	change.dry_run = plan->common.dry_run;
	change.takes_back = plan->common.takes_back;
	if (set) { /* as it will be when the list is in force */
		change.mode = set->change.mode;
		change.on_deny = set->change.on_deny;
		change.label = set->change.label;
	}
	err = import_new(plan->gate, &change, whole ? IMPORT_BACK : IMPORT_LISTS, &import, error);
	if (!err)
		plan->imports[plan->import_count++] = import;
	return err;
}

static int make_imports(struct bundle_plan *plan, struct ag_error *error)
{
	int err = 0;

	plan->imports = calloc(plan->part_count + 1, sizeof(struct import *));
	plan->settings = calloc(plan->part_count + 1, sizeof(*plan->settings));
	if (!plan->imports || !plan->settings)
		return no_memory(error);
	for (size_t i = 0; i < plan->part_count && !err; i++)
		if (takes_long(plan, &plan->parts[i].change))
			err = new_import(plan, &plan->parts[i].change, error);
	return err;
}

/* --- its changes ------------------------------------------------------------ */

static struct change *add(struct bundle_plan *plan, const struct change *from)
{
	struct change *grown;
	size_t room = plan->room ? plan->room * 2 : 64;

	if (plan->count == plan->room) {
		grown = reallocarray(plan->changes, room, sizeof(*grown));
		if (!grown)
			return NULL;
		plan->changes = grown;
		plan->room = room;
	}
	grown = &plan->changes[plan->count++];
	*grown = *from;
	grown->actor = plan->common.actor;
	grown->force = plan->common.force;
	grown->dry_run = plan->common.dry_run;
	grown->action = plan->common.action;
	grown->takes_back = plan->common.takes_back;
	return grown;
}

static struct import *find_import(const struct bundle_plan *plan, const char *account)
{
	for (size_t i = 0; i < plan->import_count; i++)
		if (!strcmp(plan->imports[i]->change.account, account))
			return plan->imports[i];
	return NULL;
}

/* An account that follows a list is in force with it; one whose list is prepared comes to that itself. */
static int add_listed(struct bundle_plan *plan, const char *named, const char *account,
		      struct ag_error *error)
{
	struct change change = {.kind = CHANGE_LISTED_REMOVE};

	(void)snprintf(change.named, sizeof(change.named), "%s", named);
	(void)snprintf(change.account, sizeof(change.account), "%s", account);
	return add(plan, &change) ? 0 : no_memory(error);
}

static int add_users(struct bundle_plan *plan, const char *named, struct ag_error *error)
{
	AUTO_FREE struct store_named_user *users = NULL;
	size_t count = 0;
	int err = store_named_users(plan->gate->store, named, &users, &count, error);

	for (size_t i = 0; i < count && !err; i++)
		if (!find_import(plan, users[i].account))
			err = add_listed(plan, named, users[i].account, error);
	return err;
}

/*
 * As a policy that is applied has it (policy_changes.c): an import is finished before anything else of the
 * account is edited, and what comes last stages the kernel's lists. A dry run finishes none.
 */
static void take_import(struct bundle_plan *plan, struct change *change)
{
	struct import *import = find_import(plan, change->account);
	struct prepared *lists;

	if (!import || (change->kind != CHANGE_ALLOW_REPLACE && change->kind != CHANGE_ACCOUNT_SET))
		return;
	if (change->kind == CHANGE_ALLOW_REPLACE || import->what == IMPORT_LISTS) {
		change->prepared = &import->prepared;
		return;
	}
	if (plan->common.dry_run)
		return;
	lists = &plan->settings[plan->settings_count++];
	*lists = (struct prepared){.want = import->prepared.want, .lists = TAKE_PTR(import->prepared.lists)};
	change->prepared = lists;
}

static int add_part(struct bundle_plan *plan, const struct reversal *part, struct ag_error *error)
{
	enum change_kind kind = part->change.kind;
	struct change *change = add(plan, &part->change);

	if (!change)
		return no_memory(error);
	take_import(plan, change);
	if (kind != CHANGE_LIST_ADD && kind != CHANGE_LIST_REMOVE_ENTRIES)
		return 0;
	plan->edits_lists = true;
	return add_users(plan, part->change.named, error);
}

/*
 * What was prepared knows nothing of the named lists as they are taken back: the kernel's are built from the
 * store behind it, by a change that brings nothing else.
 */
static int restage_imports(struct bundle_plan *plan, struct ag_error *error)
{
	int err = 0;

	for (size_t i = 0; i < plan->import_count && plan->edits_lists && !err; i++) {
		plan->imports[i]->prepared.named_given = true;
		err = add_listed(plan, "", plan->imports[i]->change.account, error);
	}
	return err;
}

static int make_changes(struct bundle_plan *plan, struct ag_error *error)
{
	const struct change lead = {.kind = CHANGE_POLICY_APPLY, .label = plan->label};
	int err = plan->leads && !add(plan, &lead) ? no_memory(error) : 0;
	size_t i = 0;

	for (; i < plan->part_count && plan->parts[i].phase <= REVERSAL_LISTS_DONE && !err; i++)
		err = add_part(plan, &plan->parts[i], error);
	if (!err)
		err = restage_imports(plan, error);
	for (; i < plan->part_count && !err; i++)
		err = add_part(plan, &plan->parts[i], error);
	if (!err && !plan->count)
		err = error_set(error, ERROR_STORE, "there is nothing in it that could be taken back");
	if (err)
		return err;
	plan->outcomes = calloc(plan->count + 1, sizeof(*plan->outcomes));
	return plan->outcomes ? 0 : no_memory(error);
}

/* --- applied ------------------------------------------------------------------ */

static void close_readers(struct bundle_plan *plan)
{
	for (size_t i = 0; i < plan->import_count; i++) {
		struct import *import = plan->imports[i];

		if (import->what != IMPORT_LISTS)
			continue;
		store_import_close(import->prepared.import); /* it has read what it had to */
		import->prepared.import = NULL;
	}
}

static void conclude(struct bundle_plan *plan)
{
	struct outcome *outcome = &plan->outcomes[0];

	for (size_t i = 1; i < plan->count; i++)
		if (plan->outcomes[i].generation > outcome->generation)
			outcome->generation = plan->outcomes[i].generation;
}

int bundle_plan_apply(struct bundle_plan *plan, struct ag_error *error)
{
	size_t failed = 0;
	int err;

	close_readers(plan);
	err = make_changes(plan, error);
	if (err)
		return err;
	err = gate_apply_all(plan->gate, plan->changes, plan->count, plan->outcomes, &failed, error);
	if (!err)
		conclude(plan);
	else if (failed < plan->count && plan->changes[failed].account[0] &&
		 !strstr(error->message, plan->changes[failed].account))
		error_prepend(error, "account %s", plan->changes[failed].account);
	return err;
}

/* --- begun ---------------------------------------------------------------------- */

static struct bundle_plan *plan_new(struct gate *gate, const struct store_pending *row,
				    const struct change *common)
{
	struct bundle_plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return NULL;
	plan->gate = gate;
	plan->leads = row->subject == PENDING_POLICY;
	plan->common = *common;
	plan->common.takes_back = row->generation;
	(void)snprintf(plan->label, sizeof(plan->label), "%s of generation %" PRIu64, row->action,
		       row->generation); /* fits */
	return plan;
}

int bundle_plan_new(struct gate *gate, const struct store_pending *row, const struct change *common,
		    struct bundle_plan **ret, struct ag_error *error)
{
	CLEANUP(cleanup_plan) struct bundle_plan *plan = plan_new(gate, row, common);
	int err;

	if (!plan)
		return no_memory(error);
	err = reversal_read_all(row, &plan->parts, &plan->part_count, error);
	if (!err)
		err = make_imports(plan, error);
	if (!err)
		*ret = TAKE_PTR(plan);
	return err;
}
