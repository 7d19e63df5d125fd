// SPDX-License-Identifier: GPL-2.0-only
/*
 * passage.c - what one change does within the transaction: load, edit, load again, judge, stage
 */
#include "userspace/daemon/passage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/etag.h"
#include "userspace/core/guard.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/bundle.h"
#include "userspace/daemon/named.h"
#include "userspace/daemon/pending.h"
#include "userspace/daemon/stage.h"
#include "userspace/daemon/watch.h"

static void origin_match_clear(struct origin_match *match)
{
	entry_clear(&match->entry);
	entry_clear(&match->next);
}

void passage_clear(struct passage *passage)
{
	account_clear(&passage->edit.before);
	account_clear(&passage->edit.after);
	list_clear(&passage->edit.gone);
	free(passage->edit.tokens);
	store_pending_clear(&passage->edit.pending);
	buffer_clear(&passage->edit.detail);
	origin_match_clear(&passage->before_match);
	origin_match_clear(&passage->after_match);
	dataplane_change_free(passage->staged);
	if (passage->fresh)
		account_clear(passage->fresh);
	free(passage->fresh);
}

static bool imports(const struct change *change)
{
	return change->prepared && change->prepared->import;
}

/* --- before and after ------------------------------------------------------ */

static int match_origin(const struct edit *edit, const struct account *account, struct origin_match *ret,
			struct ag_error *error)
{
	const struct addr *origin = &edit->change->actor.origin;
	int err;

	if (!addr_known(origin))
		return 0;
	err = named_match(edit->gate, account, origin, gate_now(edit->gate), &ret->entry, &ret->matched,
			  error);
	if (err || !ret->matched || !ret->entry.expires)
		return err;
	return named_match(edit->gate, account, origin, ret->entry.expires, &ret->next, &ret->follows, error);
}

/* The tag is of what was before all of them. */
int passage_begin(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	int err = 0;

	if (passage->kind->account)
		err = store_account_find(edit->gate->store, edit->change->account, &edit->before, error);
	if (!err && passage->kind->account && !passage->follows)
		err = etag_check(&edit->before, edit->change->if_match, error);
	if (!err && passage->kind->list && passage->kind->account)
		err = match_origin(edit, &edit->before, &passage->before_match, error);
	if (err)
		return err;
	return passage->bundle ? bundle_begin(passage, error) : pending_begin(edit, error);
}

/* What an import makes of the list is not to be seen in the store before it is finished. */
static int load_prepared(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	const struct prepared *prepared = edit->change->prepared;

	if (account_copy(&edit->after, &edit->before))
		return error_set(error, ERROR_STORE, "no memory for the account");
	edit->after.entries4 = prepared->entries4;
	edit->after.entries6 = prepared->entries6;
	edit->after.disabled4 = prepared->disabled4;
	edit->after.disabled6 = prepared->disabled6;
	edit->after.references = prepared->references;
	edit->after.disabled_references = prepared->disabled_references;
	passage->after_match = (struct origin_match){.entry = prepared->match,
						     .next = prepared->next,
						     .matched = prepared->matched,
						     .follows = prepared->follows};
	return 0;
}

static int load_edited(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	int err = store_account_find(edit->gate->store, edit->change->account, &edit->after, error);

	if (!err)
		err = match_origin(edit, &edit->after, &passage->after_match, error);
	return err;
}

/* An account begins with a generation too. */
static int number_added(struct edit *edit, struct ag_error *error)
{
	edit->after.generation = edit->outcome->generation;
	return store_account_update(edit->gate->store, &edit->after, error);
}

/* Every change of an account's list or settings makes its next generation. */
static int load_after(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	int err = store_next_generation(edit->gate->store, &edit->outcome->generation, error);

	if (!err && !passage->bundle)
		err = pending_write(edit, error);
	if (!err && edit->change->kind == CHANGE_ACCOUNT_ADD)
		return number_added(edit, error);
	if (err || !passage->kind->list || passage->kind->removes_account)
		return err;
	err = imports(edit->change) ? load_prepared(passage, error) : load_edited(passage, error);
	edit->after.generation = edit->outcome->generation;
	return err ? err : store_account_update(edit->gate->store, &edit->after, error);
}

int passage_edit(struct passage *passage, struct ag_error *error)
{
	int err;

	passage->edited = true;
	err = passage->kind->edit(&passage->edit, error);
	if (passage->first && passage->edit.change->kind != CHANGE_ACCOUNT_SET) {
		passage->first->added += passage->edit.outcome->added;
		passage->first->removed += passage->edit.outcome->removed;
	}
	return err ? err : load_after(passage, error);
}

int passage_remember(struct passage *passage, struct ag_error *error)
{
	const struct edit *edit = &passage->edit;
	struct store_history row = {.time = time(NULL)};

	if (!passage->remembers)
		return 0;
	(void)snprintf(row.user, sizeof(row.user), "%s", edit->change->actor.name);  /* fits */
	(void)snprintf(row.action, sizeof(row.action), "%s", passage->kind->action); /* fits */
	if (passage->first) {
		row.added = passage->first->added;
		row.removed = passage->first->removed;
	}
	return store_history_add(edit->gate->store, edit->after.id, &row, error);
}

/* --- the rules ------------------------------------------------------------- */

static struct guard_view view_of(const struct account *account, const struct origin_match *match)
{
	return (struct guard_view){
		.mode = account->mode,
		.count = account_enabled(account),
		.match = match->matched ? &match->entry : NULL,
		.next = match->follows ? &match->next : NULL,
	};
}

static int guard(struct passage *passage, struct ag_error *error)
{
	const struct edit *edit = &passage->edit;
	struct guard_change change = {
		.account = edit->change->account,
		.before = view_of(&passage->first->edit.before, &passage->first->before_match),
		.after = view_of(&edit->after, &passage->after_match),
		.removes_account = passage->kind->removes_account,
		.origin = edit->change->actor.origin,
		.open = edit->change->open,
		.force = edit->change->force,
	};
	int err;

	if (edit->change->takes_back) /* to what was, whatever the rules would say of it */
		return 0;
	err = guard_check(&change, error);
	if (!err && !passage->kind->removes_account && !edit->outcome->warning[0])
		guard_warn(&change, edit->outcome->warning);
	return err;
}

/* What a packet may have to look up again and again is bounded: see AG_EXPIRING_LENGTHS_MAX. */
static int check_lengths(const struct edit *edit, struct ag_error *error)
{
	size_t lengths;
	int err = store_expiring_lengths(edit->gate->store, edit->after.id, &lengths, error);

	if (err || lengths <= AG_EXPIRING_LENGTHS_MAX)
		return err;
	return error_set(
		error, ERROR_LIMIT,
		"entries of account %s that expire would have %zu different prefix lengths in one "
		"family: %d are the most; let some of them never expire, or write them by fewer lengths",
		edit->change->account, lengths, AG_EXPIRING_LENGTHS_MAX);
}

/* What was allowed when it came stays allowed, though the setting be another now. */
static bool may_refer_anew(const struct passage *passage)
{
	const struct edit *edit = &passage->edit;

	return !edit->change->takes_back &&
	       (edit->after.references > passage->first->edit.before.references || edit->change->prepared);
}

static int check_bounds(struct passage *passage, struct ag_error *error)
{
	int err = check_lengths(&passage->edit, error);

	if (!err && may_refer_anew(passage))
		err = named_check_uses(passage->edit.gate, &passage->edit.after, error);
	return err;
}

int passage_judge(struct passage *passage, struct ag_error *error)
{
	int err = passage->closes && !passage->kind->removes_account
			  ? named_check(passage->edit.gate, &passage->edit.after, error)
			  : 0;

	if (!err && passage->closes && !passage->kind->removes_account)
		err = pending_check_references(&passage->edit, error);
	if (!err && passage->closes)
		err = guard(passage, error);
	if (!err && passage->closes && passage->first->entries && !passage->kind->removes_account)
		err = check_bounds(passage, error);
	return err;
}

const char *passage_action(const struct passage *passage)
{
	return passage->edit.change->action ? passage->edit.change->action : passage->kind->action;
}

int passage_audit(struct passage *passage, const char *outcome, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	const struct change *change = edit->change;

	if (change->force)
		(void)buffer_print(&edit->detail, "--force ");
	if (change->open)
		(void)buffer_print(&edit->detail, "--open ");
	if (change->confirm_within)
		(void)buffer_print(&edit->detail, "--confirm-within %" PRId64 "s ", change->confirm_within);
	if (edit->detail.length && edit->detail.data[edit->detail.length - 1] == ' ')
		edit->detail.data[edit->detail.length - 1] = '\0';
	if (edit->detail.failed)
		return error_set(error, ERROR_STORE, "no memory to describe the change for the audit log");
	return audit_row(edit->gate, &change->actor, change->account, passage_action(passage),
			 edit->detail.data ? edit->detail.data : "", outcome, error);
}

/* --- towards the kernel ---------------------------------------------------- */

int passage_stage(struct passage *passage, struct ag_error *error)
{
	if (!passage->closes || passage->kind->removes_account)
		return 0;
	passage->edit.whole = passage->first != passage; /* the kernel does not hold what was before it */
	return stage_change(&passage->edit, &passage->staged, error);
}

/* Services that come and go, and those of an account that begins or ceases to gate their addresses. */
static struct services_change services_of(const struct passage *passage)
{
	const struct edit_kind *kind = passage->kind;
	const struct edit *edit = &passage->edit;

	return (struct services_change){
		.before = &edit->before,
		.after = kind->list ? &edit->after : &edit->before,
		.services = edit->change->services,
		.count = edit->change->service_count,
		.kind = kind->removes_account	 ? SERVICES_ALL_GO
			: kind->removes_services ? SERVICES_GO
			: kind->services	 ? SERVICES_COME
						 : SERVICES_STAY,
	};
}

bool passage_touches_services(const struct passage *passage)
{
	struct services_change change = services_of(passage);

	return change.kind != SERVICES_STAY ||
	       (passage->kind->list && account_gates(change.before) != account_gates(change.after));
}

int passage_plan_services(struct passage *passage, struct services_edit *ret, struct ag_error *error)
{
	struct services_change change = services_of(passage);

	return services_edit_plan(passage->edit.gate, &change, ret, error);
}

int passage_reserve(struct passage *passage, struct ag_error *error)
{
	const struct edit *edit = &passage->edit;
	bool concerns = edit->change->kind == CHANGE_ACCOUNT_ADD ||
			(passage->kind->list && !passage->kind->removes_account);
	size_t claims = passage->kind->services ? edit->change->service_count : 0;
	int err = 0;

	if (concerns) {
		passage->fresh = calloc(1, sizeof(*passage->fresh));
		err = passage->fresh ? account_copy(passage->fresh, &edit->after) : -ENOMEM;
	}
	if (!err && (concerns || claims))
		err = summary_reserve(&edit->gate->summary, edit->after.slot, claims);
	return err ? error_set(error, ERROR_STORE, "no memory for the change") : 0;
}

void passage_follow(struct passage *passage)
{
	struct edit *edit = &passage->edit;
	const struct change *change = edit->change;
	struct summary *summary = &edit->gate->summary;

	if (passage->fresh)
		summary_put_account(summary, TAKE_PTR(passage->fresh));
	if (passage->kind->removes_account)
		summary_remove_account(summary, edit->before.slot);
	for (size_t i = 0; i < change->service_count && passage->kind->services; i++) {
		struct claim claim = {.service = change->services[i], .slot = edit->before.slot};

		if (passage->kind->removes_services)
			summary_remove_claim(summary, &claim);
		else
			summary_add_claim(summary, &claim);
	}
}
