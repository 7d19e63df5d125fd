// SPDX-License-Identifier: GPL-2.0-only
/*
 * pending_confirm.c - a change that waits is kept, from where it lets one in: see pending.h
 */
#include "userspace/daemon/pending.h"

#include <inttypes.h>
#include <stdio.h>

#include "userspace/daemon/audit.h"
#include "userspace/daemon/named.h"

static int not_let_in(const struct confirmation *confirmation, const char *account, struct ag_error *error)
{
	const struct addr *origin = &confirmation->actor->origin;
	char text[ADDR_TEXT_MAX];

	if (!addr_known(origin))
		return error_set(
			error, ERROR_ORIGIN_NOT_COVERED,
			"only who is let in by the list of account %s as it is now keeps the change, and it "
			"is not known where you are connected from: a delegate names it with --origin; an "
			"operator may use --force",
			account);
	addr_format(origin, text);
	return error_set(
		error, ERROR_ORIGIN_NOT_COVERED,
		"the address you are connected from, %s, is not let in by the list of account %s as it "
		"is now: confirm it from one that is, or let it be taken back; an operator may use --force",
		text, account);
}

/* An account that is gone, stops nobody, or whose list has no enabled entry lets everybody in. */
static int check_account(struct gate *gate, const struct confirmation *confirmation, const char *name,
			 struct ag_error *error)
{
	const struct addr *origin = &confirmation->actor->origin;
	const struct account *account = gate_account(gate, name);
	struct entry entry = {0};
	bool found = false, allowed;
	int err = 0;

	if (!account || account->mode != AG_MODE_ENFORCE || !account_enabled(account))
		return 0;
	if (addr_known(origin))
		err = named_match(gate, account, origin, gate_now(gate), &entry, &found, error);
	allowed = found && entry.verdict == AG_ENTRY_ALLOW;
	entry_clear(&entry);
	return err || allowed ? err : not_let_in(confirmation, name, error);
}

/* Of every account concerned. */
static int check_origin(struct gate *gate, const struct confirmation *confirmation, struct ag_error *error)
{
	const struct store_pending *row = confirmation->row;
	const char *at = row->claims;
	char account[CLAIM_SIZE];
	int err = 0;

	if (confirmation->force)
		return 0;
	if (row->subject == PENDING_ACCOUNT)
		return check_account(gate, confirmation, row->name, error);
	while (!err && pending_next_claim(&at, "account", account))
		err = check_account(gate, confirmation, account, error);
	return err;
}

static int keep(struct gate *gate, const struct confirmation *confirmation, const char *detail,
		struct ag_error *error)
{
	const struct store_pending *row = confirmation->row;
	const char *account = row->subject == PENDING_ACCOUNT ? row->name : "";
	int err = store_begin(gate->store, error);

	if (err)
		return err;
	err = pending_put(gate, row, false, error);
	if (!err)
		err = audit_row(gate, confirmation->actor, account, "confirm", detail, "done", error);
	if (err) {
		store_rollback(gate->store);
		return err;
	}
	err = store_commit(gate->store, error);
	if (err)
		return err;
	pending_count(gate, -1);
	audit_tell(gate, confirmation->actor, account, "confirm", detail, "done");
	return 0;
}

int pending_confirm(struct gate *gate, const struct confirmation *confirmation, struct ag_error *error)
{
	const struct store_pending *row = confirmation->row;
	struct moment now = pending_now();
	char detail[128], until[TIME_TEXT_MAX];
	int err;

	time_format(row->deadline.at.wall, until);
	if (deadline_left(&row->deadline, &now) <= 0)
		return error_set(error, ERROR_CONFLICT,
				 "the change was to be confirmed until %s: it is being taken back", until);
	err = check_origin(gate, confirmation, error);
	if (err || confirmation->dry_run)
		return err;
	(void)snprintf(detail, sizeof(detail), "%s%s%s, generation %" PRIu64 "%s",
		       row->subject == PENDING_ACCOUNT ? "" : row->name,
		       row->subject == PENDING_ACCOUNT ? "" : ": ", row->action, row->generation,
		       confirmation->force ? " --force" : "");
	return keep(gate, confirmation, detail, error);
}
