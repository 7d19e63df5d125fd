// SPDX-License-Identifier: GPL-2.0-only
/*
 * pending.c - see pending.h
 *
 * Invariant: a row is there exactly while its change is in the store and neither confirmed nor taken back,
 * since it comes and goes in the transactions that make the change, undo it, and take it back.
 */
#include "userspace/daemon/pending.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/token.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/named.h"
#include "userspace/daemon/reversal.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* --- time ------------------------------------------------------------------- */

/* Where it cannot be read, only the wall clock counts (deadline.h). */
static void read_boot_id(char boot[BOOT_ID_SIZE])
{
	AUTO_FD int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, boot, BOOT_ID_SIZE - 1) : 0;

	boot[length > 0 ? length : 0] = '\0';
}

static int64_t seconds_of(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now); /* cannot fail for these clocks */
	return now.tv_sec;
}

struct moment pending_now(void)
{
	static char boot[BOOT_ID_SIZE]; /* the same as long as the process lives */
	struct moment now = {.wall = seconds_of(CLOCK_REALTIME), .up = seconds_of(CLOCK_BOOTTIME)};

	if (!boot[0])
		read_boot_id(boot);
	memcpy(now.boot, boot, sizeof(now.boot));
	return now;
}

/* --- on the way of a change ------------------------------------------------- */

static enum pending_subject named(enum pending_subject subject, const char *name, char ret_name[NAME_SIZE])
{
	(void)snprintf(ret_name, NAME_SIZE, "%s", name);
	return subject;
}

/* Whose change it is. */
static enum pending_subject subject_of(const struct change *change, char ret_name[NAME_SIZE])
{
	char token[TOKEN_ID_SIZE];

	switch (change->kind) {
	case CHANGE_USER_ADD:
	case CHANGE_USER_REMOVE:
	case CHANGE_USER_RESTORE:
		return named(PENDING_USER, change->user.name, ret_name);
	case CHANGE_INTERFACE_ATTACH:
	case CHANGE_INTERFACE_DETACH:
		return named(PENDING_INTERFACE, change->interface.name, ret_name);
	case CHANGE_TOKEN_CREATE:
	case CHANGE_TOKEN_REVOKE:
	case CHANGE_TOKEN_RESTORE:
		token_id_format(change->token->id, token);
		return named(PENDING_TOKEN, token, ret_name);
	default:
		return named(PENDING_ACCOUNT, change->account, ret_name);
	}
}

int pending_refuse(const struct store_pending *row, struct ag_error *error)
{
	static const char *const options[PENDING_SUBJECT_MAX] = {[PENDING_ACCOUNT] = "",
								 [PENDING_USER] = "--user ",
								 [PENDING_INTERFACE] = "--interface ",
								 [PENDING_TOKEN] = "--token "};
	const char *option = options[row->subject];
	char until[TIME_TEXT_MAX];

	time_format(row->deadline.at.wall, until);
	return error_set(error, ERROR_CONFLICT,
			 "a change of %s %s (%s) is to be confirmed until %s: do so with 'allowgate confirm "
			 "%s%s', or take it back now with 'allowgate confirm %s%s --undo'",
			 pending_subject_name(row->subject), row->name, row->action, until, option, row->name,
			 option, row->name);
}

/* Where something needs what another change would need to be taken back. */
static int check_claim(const struct gate *gate, const char *claim, struct ag_error *error)
{
	struct store_pending row = {0};
	int err = store_pending_claimed(gate->store, claim, &row, error);

	if (err <= 0)
		return err;
	err = error_set(error, ERROR_EXISTS,
			"%s was '%s's, and is again unless the change that took it away is confirmed: see "
			"'allowgate confirm'",
			claim, row.name);
	store_pending_clear(&row);
	return err;
}

static int check_claims(const struct gate *gate, const struct change *change, struct ag_error *error)
{
	char text[SERVICE_TEXT_MAX];
	int err = 0;

	for (size_t i = 0; change->kind == CHANGE_SERVICE_ADD && i < change->service_count && !err; i++) {
		service_format(&change->services[i], text);
		err = check_claim(gate, text, error);
	}
	if (change->kind != CHANGE_USER_ADD || change->user.uid < 0)
		return err;
	(void)snprintf(text, sizeof(text), "uid=%" PRId64, change->user.uid);
	return check_claim(gate, text, error);
}

int pending_check(const struct gate *gate, const struct change *change, struct ag_error *error)
{
	struct store_pending row = {0};
	struct ag_error why = {0};
	char name[NAME_SIZE];
	enum pending_subject subject = subject_of(change, name);
	int err;

	if (!gate->pending_changes || change->takes_back)
		return 0;
	err = store_pending_find(gate->store, subject, name, &row, &why);
	if (err && why.code == ERROR_NOT_FOUND)
		return check_claims(gate, change, error);
	if (err)
		*error = why;
	else
		err = pending_refuse(&row, error);
	store_pending_clear(&row);
	return err;
}

static int find_ended(struct edit *edit, struct ag_error *error)
{
	char name[NAME_SIZE];
	enum pending_subject subject = subject_of(edit->change, name);
	int err = store_pending_find(edit->gate->store, subject, name, &edit->pending, error);

	if (err || edit->pending.generation == edit->change->takes_back)
		return err;
	return error_set(error, ERROR_CONFLICT,
			 "another change of %s '%s' waits to be confirmed meanwhile: look at it first",
			 pending_subject_name(subject), name);
}

int pending_begin(struct edit *edit, struct ag_error *error)
{
	if (edit->change->takes_back)
		return find_ended(edit, error);
	return edit->change->confirm_within ? reversal_describe(edit, error) : 0;
}

/* Whole seconds that have passed are counted: one more, so that none is taken away. */
static struct deadline deadline_of(const struct change *change)
{
	struct moment now = pending_now();

	now.wall++;
	now.up++;
	return deadline_after(&now, change->confirm_within);
}

static void complete(struct edit *edit)
{
	const struct change *change = edit->change;
	struct store_pending *row = &edit->pending;

	row->subject = subject_of(change, row->name);
	(void)snprintf(row->action, sizeof(row->action), "%s", change_action(change->kind));
	(void)snprintf(row->user, sizeof(row->user), "%s", change->actor.name);
	row->admins = change_is_of_list(change->kind);
	row->generation = edit->outcome->generation;
	row->made_at = time(NULL);
	row->deadline = deadline_of(change);
	edit->outcome->confirm_by = row->deadline.at.wall;
}

/* The generation to go back to is kept as long as it may be needed. */
static int pin(struct store *store, int64_t account_id, const struct store_pending *row, bool pinned,
	       struct ag_error *error)
{
	return row->restores ? store_history_pin(store, account_id, row->restores, pinned, error) : 0;
}

/* The row comes or goes. */
static int put_row(struct edit *edit, bool comes, struct ag_error *error)
{
	const struct store_pending *row = &edit->pending;
	struct store *store = edit->gate->store;
	int err = comes ? store_pending_add(store, row, error)
			: store_pending_remove(store, row->subject, row->name, error);

	return err ? err : pin(store, edit->before.id, row, comes, error);
}

int pending_write(struct edit *edit, struct ag_error *error)
{
	if (edit->change->takes_back)
		return put_row(edit, false, error);
	if (!edit->change->confirm_within)
		return 0;
	complete(edit);
	return put_row(edit, true, error);
}

int pending_unwrite(struct edit *edit, struct ag_error *error)
{
	if (edit->change->takes_back || edit->change->confirm_within)
		return put_row(edit, edit->change->takes_back, error);
	return 0;
}

static void count_changed(struct gate *gate, int64_t difference)
{
	gate->pending_changes += (uint64_t)difference;
	gate->pending_version++;
}

void pending_follow(const struct edit *edit)
{
	if (edit->change->takes_back)
		count_changed(edit->gate, -1);
	else if (edit->change->confirm_within)
		count_changed(edit->gate, 1);
}

/* --- what waits ------------------------------------------------------------- */

int pending_load(struct gate *gate, struct ag_error *error)
{
	gate->pending_version++;
	return store_pending_count(gate->store, &gate->pending_changes, error);
}

int64_t pending_confirm_by(const struct gate *gate, const char *account)
{
	struct store_pending row = {0};
	int64_t until = 0;

	if (!gate->pending_changes || !gate->store)
		return 0;
	if (!store_pending_find(gate->store, PENDING_ACCOUNT, account, &row, NULL))
		until = row.deadline.at.wall;
	store_pending_clear(&row);
	return until;
}

static int not_let_in(const struct confirmation *confirmation, struct ag_error *error)
{
	const struct addr *origin = &confirmation->actor->origin;
	char text[ADDR_TEXT_MAX];

	if (!addr_known(origin))
		return error_set(
			error, ERROR_ORIGIN_NOT_COVERED,
			"only who is let in by the list of account %s as it is now keeps the change, and it "
			"is not known where you are connected from: a delegate names it with --origin; an "
			"operator may use --force",
			confirmation->row->name);
	addr_format(origin, text);
	return error_set(
		error, ERROR_ORIGIN_NOT_COVERED,
		"the address you are connected from, %s, is not let in by the list of account %s as it "
		"is now: confirm it from one that is, or let it be taken back; an operator may use --force",
		text, confirmation->row->name);
}

/* An account that is gone, or whose list has no enabled entry, stops nobody. */
static int check_origin(struct gate *gate, const struct confirmation *confirmation, struct ag_error *error)
{
	const struct addr *origin = &confirmation->actor->origin;
	const struct account *account = gate_account(gate, confirmation->row->name);
	struct entry entry = {0};
	bool found = false, allowed;
	int err = 0;

	if (confirmation->row->subject != PENDING_ACCOUNT || confirmation->force || !account ||
	    !account_enabled(account))
		return 0;
	if (addr_known(origin))
		err = named_match(gate, account, origin, gate_now(gate), &entry, &found, error);
	allowed = found && entry.verdict == AG_ENTRY_ALLOW;
	entry_clear(&entry);
	return err || allowed ? err : not_let_in(confirmation, error);
}

static int keep(struct gate *gate, const struct confirmation *confirmation, const char *detail,
		struct ag_error *error)
{
	const struct store_pending *row = confirmation->row;
	const char *account = row->subject == PENDING_ACCOUNT ? row->name : "";
	int err = store_begin(gate->store, error);

	if (err)
		return err;
	err = store_pending_remove(gate->store, row->subject, row->name, error);
	if (!err && row->restores)
		err = pin(gate->store, gate_account(gate, row->name)->id, row, false, error);
	if (!err)
		err = audit_row(gate, confirmation->actor, account, "confirm", detail, "done", error);
	if (err) {
		store_rollback(gate->store);
		return err;
	}
	err = store_commit(gate->store, error);
	if (err)
		return err;
	count_changed(gate, -1);
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
