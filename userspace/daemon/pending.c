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
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/token.h"
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

enum pending_subject pending_subject_of(const struct change *change, char ret_name[NAME_SIZE])
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
		token_id_format(change->token->id, token);
		return named(PENDING_TOKEN, token, ret_name);
	case CHANGE_TOKEN_RESTORE:
		token_id_format(change->tokens[0].id, token);
		return named(PENDING_TOKEN, token, ret_name);
	case CHANGE_LIST_CREATE:
	case CHANGE_LIST_REMOVE:
	case CHANGE_LIST_RESTORE:
	case CHANGE_LIST_ADD:
	case CHANGE_LIST_REMOVE_ENTRIES:
		return named(PENDING_LIST, change->named, ret_name);
	case CHANGE_POLICY_APPLY:
		return named(PENDING_POLICY, PENDING_POLICY_NAME, ret_name);
	default:
		return named(PENDING_ACCOUNT, change->account, ret_name);
	}
}

void pending_title(const struct store_pending *row, char title[PENDING_TITLE_SIZE])
{
	if (row->subject == PENDING_POLICY)
		(void)snprintf(title, PENDING_TITLE_SIZE, "the policy");
	else
		(void)snprintf(title, PENDING_TITLE_SIZE, "%s %s", pending_subject_name(row->subject),
			       row->name);
}

int pending_refuse(const struct store_pending *row, struct ag_error *error)
{
	static const char *const options[PENDING_SUBJECT_MAX] = {[PENDING_ACCOUNT] = "",
								 [PENDING_USER] = "--user ",
								 [PENDING_INTERFACE] = "--interface ",
								 [PENDING_TOKEN] = "--token ",
								 [PENDING_LIST] = "--list ",
								 [PENDING_POLICY] = "--policy"};
	const char *option = options[row->subject];
	const char *name = row->subject == PENDING_POLICY ? "" : row->name;
	char until[TIME_TEXT_MAX], title[PENDING_TITLE_SIZE];

	time_format(row->deadline.at.wall, until);
	pending_title(row, title);
	return error_set(error, ERROR_CONFLICT,
			 "a change of %s (%s) is to be confirmed until %s: do so with 'allowgate confirm "
			 "%s%s', or take it back now with 'allowgate confirm %s%s --undo'",
			 title, row->action, until, option, name, option, name);
}

/* --- what is claimed ---------------------------------------------------------- */

bool pending_next_claim(const char **at, const char *kind, char value[CLAIM_SIZE])
{
	size_t length = strlen(kind);

	while (*at && **at) {
		const char *word = *at + strspn(*at, " ");
		size_t size = strcspn(word, " ");

		*at = word + size;
		if (size <= length || memcmp(word, kind, length) != 0 || word[length] != '=')
			continue;
		(void)snprintf(value, CLAIM_SIZE, "%.*s", (int)(size - length - 1), word + length + 1);
		return true;
	}
	return false;
}

int pending_check_held(const struct gate *gate, const char *kind, const char *name, struct ag_error *error)
{
	struct store_pending row = {0};
	char claim[CLAIM_SIZE];
	int err;

	(void)snprintf(claim, sizeof(claim), "%s=%s", kind, name);
	err = store_pending_claimed(gate->store, claim, &row, error);
	if (err > 0)
		err = pending_refuse(&row, error);
	store_pending_clear(&row);
	return err;
}

/* Where something needs what another change would need to be taken back. */
static int check_claim(const struct gate *gate, const char *claim, struct ag_error *error)
{
	struct store_pending row = {0};
	int err = store_pending_claimed(gate->store, claim, &row, error);

	if (err > 0 && (row.subject == PENDING_ACCOUNT || row.subject == PENDING_USER))
		err = error_set(error, ERROR_EXISTS,
				"%s was '%s's, and is again unless the change that took it away is "
				"confirmed: see 'allowgate confirm'",
				claim, row.name);
	else if (err > 0)
		err = pending_refuse(&row, error);
	store_pending_clear(&row);
	return err;
}

static int check_claims(const struct gate *gate, const struct change *change, struct ag_error *error)
{
	char text[SERVICE_TEXT_MAX];
	int err = change->account[0] ? pending_check_held(gate, "account", change->account, error) : 0;

	for (size_t i = 0; change->kind == CHANGE_SERVICE_ADD && i < change->service_count && !err; i++) {
		service_format(&change->services[i], text);
		err = check_claim(gate, text, error);
	}
	if (err || change->kind != CHANGE_USER_ADD || change->user.uid < 0)
		return err;
	(void)snprintf(text, sizeof(text), "uid=%" PRId64, change->user.uid);
	return check_claim(gate, text, error);
}

static int check_list_claims(const struct gate *gate, const struct change *change, struct ag_error *error)
{
	int err = pending_check_held(gate, "list", change->named, error);

	return err || change->kind != CHANGE_LIST_REMOVE
		       ? err
		       : pending_check_held(gate, "uses", change->named, error);
}

int pending_check(const struct gate *gate, const struct change *change, struct ag_error *error)
{
	struct store_pending row = {0};
	struct ag_error why = {0};
	char name[NAME_SIZE];
	enum pending_subject subject = pending_subject_of(change, name);
	int err;

	if (!gate->pending_changes || change->takes_back)
		return 0;
	err = store_pending_find(gate->store, subject, name, &row, &why);
	if (err && why.code == ERROR_NOT_FOUND)
		return subject == PENDING_LIST ? check_list_claims(gate, change, error)
					       : check_claims(gate, change, error);
	if (err)
		*error = why;
	else
		err = pending_refuse(&row, error);
	store_pending_clear(&row);
	return err;
}

/* A list whose making or removal may be taken back is not referred to anew. */
int pending_check_references(const struct edit *edit, struct ag_error *error)
{
	const struct gate *gate = edit->gate;
	struct list references = {0};
	int err;

	if (!gate->pending_changes || edit->change->takes_back || !edit->after.references)
		return 0;
	err = store_references(gate->store, edit->after.id, &references, error);
	for (size_t i = 0; i < references.count && !err; i++)
		err = pending_check_held(gate, "list", references.entries[i].list, error);
	list_clear(&references);
	return err;
}

/* --- its row -------------------------------------------------------------------- */

int pending_find_ended(const struct gate *gate, const struct change *change, struct store_pending *ret,
		       struct ag_error *error)
{
	char name[NAME_SIZE];
	enum pending_subject subject = pending_subject_of(change, name);
	int err = store_pending_find(gate->store, subject, name, ret, error);

	if (err || ret->generation == change->takes_back)
		return err;
	return error_set(error, ERROR_CONFLICT,
			 "another change of %s '%s' waits to be confirmed meanwhile: look at it first",
			 pending_subject_name(subject), name);
}

int pending_begin(struct edit *edit, struct ag_error *error)
{
	if (edit->change->takes_back)
		return pending_find_ended(edit->gate, edit->change, &edit->pending, error);
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

void pending_complete(struct store_pending *row, const struct change *change, struct outcome *outcome)
{
	row->subject = pending_subject_of(change, row->name);
	(void)snprintf(row->action, sizeof(row->action), "%s", change_action(change->kind));
	(void)snprintf(row->user, sizeof(row->user), "%s", change->actor.name);
	row->admins = change_is_of_list(change->kind);
	row->generation = outcome->generation;
	row->made_at = time(NULL);
	row->deadline = deadline_of(change);
	outcome->confirm_by = row->deadline.at.wall;
}

/* A generation to go back to is kept as long as it may be needed. */
static int pin(struct store *store, const char *name, uint64_t generation, bool pinned,
	       struct ag_error *error)
{
	struct account account = {0};
	int err = store_account_find(store, name, &account, error);

	if (!err)
		err = store_history_pin(store, account.id, generation, pinned, error);
	account_clear(&account);
	return err;
}

static int pin_all(struct store *store, const struct store_pending *row, bool pinned, struct ag_error *error)
{
	const char *at = row->claims;
	char back[CLAIM_SIZE];
	int err = row->restores ? pin(store, row->name, row->restores, pinned, error) : 0;

	while (!err && pending_next_claim(&at, "back", back)) {
		char *generation = strchr(back, '@');

		if (!generation)
			return error_set(error, ERROR_STORE, "'%s' names no generation", back);
		*generation++ = '\0';
		err = pin(store, back, strtoull(generation, NULL, 10), pinned, error);
	}
	return err;
}

int pending_put(struct gate *gate, const struct store_pending *row, bool comes, struct ag_error *error)
{
	int err = comes ? store_pending_add(gate->store, row, error)
			: store_pending_remove(gate->store, row->subject, row->name, error);

	return err ? err : pin_all(gate->store, row, comes, error);
}

int pending_write(struct edit *edit, struct ag_error *error)
{
	if (edit->change->takes_back)
		return pending_put(edit->gate, &edit->pending, false, error);
	if (!edit->change->confirm_within)
		return 0;
	pending_complete(&edit->pending, edit->change, edit->outcome);
	return pending_put(edit->gate, &edit->pending, true, error);
}

int pending_unwrite(struct edit *edit, struct ag_error *error)
{
	if (edit->change->takes_back || edit->change->confirm_within)
		return pending_put(edit->gate, &edit->pending, edit->change->takes_back, error);
	return 0;
}

void pending_count(struct gate *gate, int64_t difference)
{
	gate->pending_changes += (uint64_t)difference;
	gate->pending_version++;
}

void pending_follow(const struct edit *edit)
{
	if (edit->change->takes_back)
		pending_count(edit->gate, -1);
	else if (edit->change->confirm_within)
		pending_count(edit->gate, 1);
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
	char claim[CLAIM_SIZE];
	int64_t until = 0;

	if (!gate->pending_changes || !gate->store)
		return 0;
	(void)snprintf(claim, sizeof(claim), "account=%s", account);
	if (!store_pending_find(gate->store, PENDING_ACCOUNT, account, &row, NULL) ||
	    store_pending_claimed(gate->store, claim, &row, NULL) > 0)
		until = row.deadline.at.wall;
	store_pending_clear(&row);
	return until;
}
