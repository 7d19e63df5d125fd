// SPDX-License-Identifier: GPL-2.0-only
/*
 * audit.c - from an actor and what they did to a row of the audit log, and a copy of it to the journal
 *
 * The copy is made of what was committed, read back: what is in the journal is in the log, in its order.
 */
#include "userspace/daemon/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "userspace/core/buffer.h"
#include "userspace/core/cleanup.h"
#include "userspace/core/token.h"
#include "userspace/daemon/change.h"
#include "userspace/daemon/watch.h"
#include "userspace/io/log_journal.h"

#define COPIED_AT_ONCE 64

/* Of a change, and what stands before it. */
#define DETAIL_SIZE (CHANGE_DETAIL_SIZE + 64)

static void origin_text(const struct actor *actor, char text[ADDR_TEXT_MAX])
{
	if (addr_known(&actor->origin))
		addr_format(&actor->origin, text);
	else
		(void)snprintf(text, ADDR_TEXT_MAX, "unknown");
}

/* Which token it was, before what was done. */
static void with_token(const struct actor *actor, const char *detail, char text[DETAIL_SIZE])
{
	char id[TOKEN_ID_SIZE];

	token_id_format(actor->token, id);
	(void)snprintf(text, DETAIL_SIZE, "%s%s%s%s", actor->token ? "token " : "", actor->token ? id : "",
		       actor->token && detail[0] ? ": " : "", detail);
}

int audit_row(struct gate *gate, const struct actor *actor, const char *account, const char *action,
	      const char *detail, const char *outcome, struct ag_error *error)
{
	char origin[ADDR_TEXT_MAX], text[DETAIL_SIZE];
	struct store_audit row = {
		.time = time(NULL),
		.user = (char *)(uintptr_t)actor->name, /* borrowed by store_audit_add, as its header says */
		.delegate = (char *)(uintptr_t)actor->delegate,
		.uid = actor->uid == (uid_t)-1 ? -1 : (int64_t)actor->uid,
		.origin = origin,
		.account = (char *)(uintptr_t)account,
		.action = (char *)(uintptr_t)action,
		.detail = text,
		.outcome = (char *)(uintptr_t)outcome,
	};

	audit_begin(gate);
	origin_text(actor, origin);
	with_token(actor, detail, text);
	return store_audit_add(gate->store, &row, error);
}

/* --- the journal ------------------------------------------------------------------ */

static bool copies(const struct gate *gate)
{
	switch (gate->options->audit_journal) {
	case AUDIT_JOURNAL_ON:
		return true;
	case AUDIT_JOURNAL_AUTO:
		return log_is_journal();
	default:
		return false;
	}
}

static void copy_row(const struct store_audit *row)
{
	CLEANUP(buffer_clear) struct buffer message = {0};
	bool done = !strcmp(row->outcome, "done");
	char id[24], uid[24] = "";
	const struct log_field fields[] = {
		{"ALLOWGATE_AUDIT_ID", id},
		{"ALLOWGATE_USER", row->user},
		{"ALLOWGATE_UID", uid},
		{"ALLOWGATE_DELEGATE", row->delegate},
		{"ALLOWGATE_ORIGIN", row->origin},
		{"ALLOWGATE_ACCOUNT", row->account},
		{"ALLOWGATE_ACTION", row->action},
		{"ALLOWGATE_DETAIL", row->detail},
		{"ALLOWGATE_OUTCOME", row->outcome},
	};
	int err;

	(void)snprintf(id, sizeof(id), "%" PRId64, row->id);
	if (row->uid >= 0)
		(void)snprintf(uid, sizeof(uid), "%" PRId64, row->uid);
	(void)buffer_print(&message, "audit %s: %s%s%s by %s from %s: %s%s%s", id, row->action,
			   row->account[0] ? " " : "", row->account, row->user[0] ? row->user : uid,
			   row->origin, row->outcome, row->detail[0] ? ": " : "", row->detail);
	err = message.failed ? message.failed
			     : log_journal(done ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, message.data, fields,
					   sizeof(fields) / sizeof(*fields));
	if (err)
		log_warning("row %s of the audit log is not in the journal: %s", id, strerror(-err));
}

void audit_begin(struct gate *gate)
{
	struct ag_error ignored;

	if (gate->journaled < 0 && gate->store)
		(void)store_audit_newest(gate->store, &gate->journaled,
					 &ignored); /* the next time, or never */
}

static void journal_copy(struct gate *gate)
{
	struct store_audit_filter filter = {.since = INT64_MIN, .until = INT64_MAX, .limit = COPIED_AT_ONCE};
	struct ag_error error = {0};
	size_t count;

	if (!gate->store || gate->journaled < 0 || !copies(gate))
		return;
	do {
		struct store_audit *rows = NULL;

		count = 0;
		filter.after = gate->journaled;
		if (store_audit_read(gate->store, &filter, &rows, &count, &error))
			log_warning("the audit log cannot be copied to the journal: %s", error.message);
		for (size_t i = 0; i < count; i++)
			copy_row(&rows[i]);
		if (count)
			gate->journaled = rows[count - 1].id;
		store_audit_free(rows, count);
	} while (count == COPIED_AT_ONCE);
}

void audit_tell(struct gate *gate, const struct actor *actor, const char *account, const char *action,
		const char *detail, const char *outcome)
{
	char text[DETAIL_SIZE];
	struct event_change change = {
		.time = time(NULL),
		.actor = actor,
		.account = account,
		.action = action,
		.detail = text,
		.outcome = outcome,
	};

	origin_text(actor, change.origin);
	with_token(actor, detail, text);
	watch_change(gate->watch, &change);
	journal_copy(gate);
}

/* --- refusals ----------------------------------------------------------------- */

static int64_t seconds_up(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* By the user's name, where the uid is one's. */
static void count_refused(struct gate *gate, uid_t uid, uint64_t skipped)
{
	struct actor actor = {.uid = uid};
	struct store_user user;
	struct ag_error error = {0};
	char detail[96];

	if (!gate->store)
		return;
	if (uid != (uid_t)-1 && !store_user_find_uid(gate->store, (int64_t)uid, &user, &error))
		memcpy(actor.name, user.name, sizeof(actor.name));
	(void)snprintf(detail, sizeof(detail), "%" PRIu64 " more refused within a minute", skipped);
	if (audit_row(gate, &actor, "", "refused", detail, error_code_name(ERROR_LIMIT), &error))
		log_warning("%s of uid %u are not in the audit log: %s", detail, uid, error.message);
	journal_copy(gate);
}

void audit_refusals(struct gate *gate, bool all)
{
	uint64_t skipped;
	uid_t uid;

	while (refusals_take(&gate->refusals, seconds_up(), all, &uid, &skipped))
		count_refused(gate, uid, skipped);
}

/* Whoever is refused is told so each time, and so are those who follow events. */
static bool admits(struct gate *gate, const struct actor *actor)
{
	audit_refusals(gate, false);
	return refusals_admit(&gate->refusals, actor->uid, seconds_up());
}

void change_audit(struct gate *gate, const struct actor *actor, const char *account, const char *action,
		  const char *detail, const struct ag_error *why)
{
	const char *outcome = why ? error_code_name(why->code) : "done";
	struct ag_error error = {0};
	bool written = true;

	if (!why || admits(gate, actor))
		written = gate->store && !audit_row(gate, actor, account, action, detail, outcome, &error);
	if (!written)
		log_warning("'%s' by uid %u (%s) is not in the audit log: %s", action, actor->uid, outcome,
			    gate->store ? error.message : gate->reason);
	audit_tell(gate, actor, account, action, detail, outcome);
}
