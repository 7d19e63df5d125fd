/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * change.h - one change of the policy, from request to force
 *
 * gate_apply() is the only way to change anything: begin, edit, load the result, guard, compile, stage in the
 * kernel, commit (THE commit point), publish, answer. What differs between changes is a row of the table in
 * edits.c: which edit, and what it touches.
 */
#pragma once

#include "userspace/core/access.h"
#include "userspace/daemon/gate.h"

#define CHANGE_DETAIL_SIZE    1024
#define CHANGE_DIFFERENCE_MAX 1000

enum change_kind {
	CHANGE_ACCOUNT_ADD,
	CHANGE_ACCOUNT_SET,
	CHANGE_ACCOUNT_REMOVE,
	CHANGE_SERVICE_ADD,
	CHANGE_SERVICE_REMOVE,
	CHANGE_USER_ADD,
	CHANGE_USER_REMOVE,
	CHANGE_ROLE_GRANT,
	CHANGE_ROLE_REVOKE,
	CHANGE_ALLOW_ADD,
	CHANGE_ALLOW_REMOVE,
	CHANGE_ALLOW_REPLACE,
	CHANGE_INTERFACE_ATTACH,
	CHANGE_INTERFACE_DETACH,
	CHANGE_KIND_MAX,
};

/* What is asked. Everything is borrowed; which members matter depends on the kind. */
struct change {
	enum change_kind kind;
	struct actor actor;
	bool open;
	bool force;
	bool dry_run;
	char account[NAME_SIZE]; /* "" where none is concerned */
	/* ACCOUNT_ADD and ACCOUNT_SET: NULL leaves as it is, or the default */
	const enum ag_mode *mode;
	const enum ag_on_deny *on_deny;
	const char *label;
	const struct service *services;
	size_t service_count;
	const struct list
		*list; /* ALLOW_ADD, ALLOW_REPLACE: new entries; ALLOW_REMOVE: their prefixes matter */
	struct store_user user; /* USER_*, ROLE_*: the name; USER_ADD: all */
	enum role role;
	struct store_interface interface;
};

/* What came of it. Zero-initialise; clear with outcome_clear(). */
struct outcome {
	uint64_t generation;
	size_t added;
	size_t removed;
	bool concerns_list;
	bool active;	  /* afterwards, where a list is concerned */
	struct list came; /* up to CHANGE_DIFFERENCE_MAX each, for a dry run */
	struct list went;
	char warning[256]; /* "" for none */
	struct attachment attachment;
};
void outcome_clear(struct outcome *outcome);

/* "allow add": as the audit log names it. */
const char *change_action(enum change_kind kind);
/*
 * 0 when it is durable and in force (or, for a dry run, would be). Otherwise nothing has changed. The success
 * is in the audit log within the same transaction; a refusal is the caller's to note, with
 * change_audit_refusal().
 */
int gate_apply(struct gate *gate, const struct change *change, struct outcome *outcome,
	       struct ag_error *error);
/* A row of the audit log outside of a change: a refusal (why), or what was done (NULL). Failing to write it
 * is logged. */
void change_audit(struct gate *gate, const struct actor *actor, const char *account, const char *action,
		  const char *detail, const struct ag_error *why);
