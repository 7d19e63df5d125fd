// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_pending.c - changes that wait to be confirmed: shown, kept, taken back
 */
#include <string.h>

#include "userspace/core/text.h"
#include "userspace/daemon/api_people.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/pending.h"
#include "userspace/daemon/takeback.h"

static enum pending_subject subject_of(const struct call *call)
{
	static const char *const paths[PENDING_SUBJECT_MAX] = {
		[PENDING_ACCOUNT] = "/v1/accounts/",	 [PENDING_USER] = "/v1/users/",
		[PENDING_INTERFACE] = "/v1/interfaces/", [PENDING_TOKEN] = "/v1/tokens/",
		[PENDING_LIST] = "/v1/lists/",		 [PENDING_POLICY] = "/v1/policy/"};
	enum pending_subject subject = PENDING_ACCOUNT;

	while (strncmp(call->match.route->path, paths[subject], strlen(paths[subject])) != 0)
		subject++;
	return subject;
}

json_t *pending_json(const struct store_pending *row)
{
	char made_at[TIME_TEXT_MAX], confirm_by[TIME_TEXT_MAX];

	time_format(row->made_at, made_at);
	time_format(row->deadline.at.wall, confirm_by);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s}", "subject", pending_subject_name(row->subject),
			 "name", row->name, "action", row->action, "user", row->user, "generation",
			 (json_int_t)row->generation, "made_at", made_at, "confirm_by", confirm_by);
}

/* At most STORE_PENDINGS_MAX, so they come whole. */
int api_list_pending(struct call *call)
{
	struct store_pending *rows = NULL;
	json_t *items;
	size_t count = 0;
	int err = store_pendings(call->gate->store, &rows, &count, &call->error), failed = 0;

	if (err)
		return err;
	items = json_array();
	for (size_t i = 0; i < count && items; i++)
		failed |= json_array_append_new(items, pending_json(&rows[i]));
	store_pendings_free(rows, count);
	if (failed) {
		json_decref(items);
		items = NULL;
	}
	return call_answer(call, items ? json_pack("{s:o, s:n}", "items", items, "next") : NULL);
}

static int find(struct call *call, struct store_pending *ret)
{
	enum pending_subject subject = subject_of(call);
	const char *name = subject == PENDING_POLICY ? PENDING_POLICY_NAME : call->arguments[0];

	return store_pending_find(call->gate->store, subject, name, ret, &call->error);
}

int api_show_pending(struct call *call)
{
	struct store_pending row = {0};
	int err = find(call, &row);

	if (!err)
		err = call_answer(call, pending_json(&row));
	store_pending_clear(&row);
	return err;
}

/* Entries came and went: by an admin of those accounts, or by who it is again. */
static int check_entries(struct call *call, const struct store_pending *row)
{
	bool made = call->actor.name[0] && !strcmp(row->user, call->actor.name);
	const char *at = row->claims;
	char account[CLAIM_SIZE];
	int err = 0;

	while (!err && !made && pending_next_claim(&at, "entries", account)) {
		const struct account *there = gate_account(call->gate, account);
		enum role role = ROLE_NONE;

		if (there && call->actor.name[0])
			err = store_role_of(call->gate->store, there->id, call->actor.name, &role,
					    &call->error);
		if (!err)
			err = access_check(&call->actor, role, RIGHT_ACCOUNT_LIST, account, &call->error);
	}
	return err;
}

/* Who could have made the change; and the account's admins, of what operators alone do. */
static int check_right(struct call *call, const struct store_pending *row)
{
	enum right right = row->admins	   ? RIGHT_ACCOUNT_LIST
			   : call->account ? RIGHT_ACCOUNT_TUNE
					   : RIGHT_OPERATE;

	if (row->subject == PENDING_LIST)
		return named_check_right(call, row->name);
	if (row->subject == PENDING_POLICY)
		return check_entries(call, row);
	return access_check(&call->actor, call->role, right, call->match.account, &call->error);
}

static int check_options(struct call *call)
{
	int err = gate_ready(call->gate, &call->error);

	if (err || !call->force || call->actor.operator_)
		return err;
	return error_set(&call->error, ERROR_FORBIDDEN, "--force is for operators: leave it out, or ask one");
}

/* Whoever may, is told whether there is anything; nobody else. */
static int begin(struct call *call, struct store_pending *ret)
{
	int err = check_options(call);

	if (!err)
		err = find(call, ret);
	return err ? err : check_right(call, ret);
}

static int answer_kept(struct call *call, const struct store_pending *row)
{
	json_t *answer = pending_json(row);

	if (answer && json_object_set_new(answer, "dry_run", json_boolean(call->dry_run))) {
		json_decref(answer);
		answer = NULL;
	}
	return call_answer(call, answer);
}

int api_confirm(struct call *call)
{
	struct store_pending row = {0};
	struct confirmation confirmation = {
		.row = &row, .actor = &call->actor, .force = call->force, .dry_run = call->dry_run};
	int err = begin(call, &row);

	if (!err)
		err = pending_confirm(call->gate, &confirmation, &call->error);
	if (!err)
		err = answer_kept(call, &row);
	store_pending_clear(&row);
	return err;
}

int api_undo_pending(struct call *call)
{
	struct store_pending row = {0};
	int err = begin(call, &row);

	if (!err)
		err = takeback_asked(call, &row);
	store_pending_clear(&row);
	return err;
}
