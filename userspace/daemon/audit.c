// SPDX-License-Identifier: GPL-2.0-only
/*
 * audit.c - from an actor and what they did to a row of the audit log
 */
#include "userspace/daemon/audit.h"

#include <stdio.h>
#include <time.h>

#include "userspace/daemon/watch.h"

static void origin_text(const struct actor *actor, char text[ADDR_TEXT_MAX])
{
	if (addr_known(&actor->origin))
		addr_format(&actor->origin, text);
	else
		(void)snprintf(text, ADDR_TEXT_MAX, "unknown");
}

int audit_row(struct gate *gate, const struct actor *actor, const char *account, const char *action,
	      const char *detail, const char *outcome, struct ag_error *error)
{
	char origin[ADDR_TEXT_MAX];
	struct store_audit row = {
		.time = time(NULL),
		.user = (char *)(uintptr_t)actor->name, /* borrowed by store_audit_add, as its header says */
		.delegate = (char *)(uintptr_t)actor->delegate,
		.uid = actor->uid == (uid_t)-1 ? -1 : (int64_t)actor->uid,
		.origin = origin,
		.account = (char *)(uintptr_t)account,
		.action = (char *)(uintptr_t)action,
		.detail = (char *)(uintptr_t)detail,
		.outcome = (char *)(uintptr_t)outcome,
	};

	origin_text(actor, origin);
	return store_audit_add(gate->store, &row, error);
}

void audit_tell(struct gate *gate, const struct actor *actor, const char *account, const char *action,
		const char *detail, const char *outcome)
{
	struct event_change change = {
		.time = time(NULL),
		.actor = actor,
		.account = account,
		.action = action,
		.detail = detail,
		.outcome = outcome,
	};

	origin_text(actor, change.origin);
	watch_change(gate->watch, &change);
}

void change_audit(struct gate *gate, const struct actor *actor, const char *account, const char *action,
		  const char *detail, const struct ag_error *why)
{
	const char *outcome = why ? error_code_name(why->code) : "done";
	struct ag_error error = {0};

	audit_tell(gate, actor, account, action, detail, outcome);
	if (gate->store && !audit_row(gate, actor, account, action, detail, outcome, &error))
		return;
	log_warning("'%s' by uid %u (%s) is not in the audit log: %s", action, actor->uid, outcome,
		    gate->store ? error.message : gate->reason);
}
