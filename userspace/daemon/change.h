/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * change.h - one change of the policy, from request to force
 *
 * gate_apply() is the only way to change anything: begin, edit, guard, compile, stage in the kernel, commit
 * (THE commit point), publish, answer. What differs between changes is a row of the table in edits.c: which
 * edit, and what it touches. A change costs what it changes: no list is read for it, but where the kernel's
 * has to be built anew; a whole list that comes was prepared elsewhere before (import.h).
 */
#pragma once

#include "userspace/core/access.h"
#include "userspace/core/etag.h"
#include "userspace/core/request.h"
#include "userspace/daemon/gate.h"
#include "userspace/daemon/preview.h"

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
	CHANGE_USER_ERASE,
	CHANGE_ROLE_GRANT,
	CHANGE_ROLE_REVOKE,
	CHANGE_TOKEN_CREATE,
	CHANGE_TOKEN_REVOKE,
	CHANGE_ALLOW_ADD,
	CHANGE_ALLOW_REMOVE,
	CHANGE_ALLOW_SET,
	CHANGE_ALLOW_REPLACE,
	CHANGE_POLICY_APPLY, /* the row of the audit log for several changes that are one */
	CHANGE_ALLOW_ROLLBACK,
	CHANGE_LIST_CREATE,
	CHANGE_LIST_REMOVE,
	CHANGE_LIST_ADD,
	CHANGE_LIST_REMOVE_ENTRIES,
	CHANGE_LISTED_ADD, /* an account follows the list that it uses */
	CHANGE_LISTED_REMOVE,
	CHANGE_INTERFACE_ATTACH,
	CHANGE_INTERFACE_DETACH,
	CHANGE_ACCOUNT_RESTORE, /* takes a removal back */
	CHANGE_USER_RESTORE,
	CHANGE_TOKEN_RESTORE,
	CHANGE_LIST_RESTORE,
	CHANGE_KIND_MAX,
};

/*
 * What was prepared for a change that would take too long in the loop: the kernel's lists as they shall be,
 * and, where many entries come, the store's too.
 */
struct prepared {
	struct store_import *import; /* NULL: the change edits the store itself */
	struct import_result result; /* of the import */
	size_t entries4;	     /* that the list will have */
	size_t entries6;
	size_t disabled4; /* of them */
	size_t disabled6;
	size_t references;
	size_t disabled_references;
	uint64_t named_version; /* of the gate, when it was begun */
	bool named_given;	/* its named lists are as changes that go with it make them */
	struct entry match;	/* the longest in effect that holds the actor's origin, without its strings */
	struct entry next;	/* the longest of those that do not expire before that one */
	bool matched;
	bool follows; /* there is such a one */
	struct compiled_account want;
	struct dataplane_lists *lists; /* gate_apply() takes them */
};

/* The named lists that it refers to are others by now. */
static inline bool prepared_outdated(const struct prepared *prepared, const struct gate *gate)
{
	return prepared->references && !prepared->named_given &&
	       prepared->named_version != gate->named_version;
}

/* What is asked. Everything is borrowed; which members matter depends on the kind. */
struct change {
	enum change_kind kind;
	struct actor actor;
	bool open;
	bool force;
	bool dry_run;
	int64_t confirm_within; /* seconds: it is taken back unless it is confirmed in time; 0: it stays. Of
				   several the first alone has it, for all of them (bundle.h) */
	uint64_t takes_back; /* generation of the pending change (pending.h) that this one ends; 0: of none */
	uint64_t restores;  /* ALLOW_ROLLBACK and ALLOW_REPLACE, prepared by IMPORT_BACK: the generation whose
			       list it is */
	const char *action; /* for the audit log, if another than the kind's; not copied */
	bool keeps_expired; /* ALLOW_ADD: what is read back from an export may have expired */
	char if_match[ETAG_SIZE]; /* the tag that the list must have; "" for any */
	char account[NAME_SIZE];  /* "" where none is concerned */
	/* ACCOUNT_ADD and ACCOUNT_SET: NULL leaves as it is, or the default */
	const enum ag_mode *mode;
	const struct on_deny *on_deny;
	const char *label;		 /* POLICY_APPLY: what it comes to */
	const struct request_entry *set; /* ALLOW_SET: to be set of the one entry in `list` */
	const struct service *services;
	size_t service_count;
	const struct list
		*list; /* ALLOW_ADD: new entries, but for an import; ALLOW_REMOVE: their prefixes matter */
	struct store_user user; /* USER_*, ROLE_*: the name; USER_ADD: all */
	const char *erase;	/* USER_ERASE: a name, or uid:1000 */
	enum role role;
	struct store_token *token; /* TOKEN_CREATE: all but what is found by the names in it, which is filled
				      in; TOKEN_REVOKE: as found */
	const struct store_role *roles; /* ACCOUNT_RESTORE and USER_RESTORE */
	size_t role_count;
	const struct store_token *tokens; /* *_RESTORE, and ROLE_GRANT that takes back: as they were */
	size_t token_count;
	struct store_interface interface;
	bool unstored;		   /* INTERFACE_ATTACH: the configuration's, and none of the store */
	char named[NAME_SIZE];	   /* LIST_*, LISTED_*: the list; its entries in `list` */
	int64_t created_at;	   /* LIST_RESTORE: of the list */
	struct prepared *prepared; /* ALLOW_REPLACE and ALLOW_ROLLBACK always; otherwise NULL: nothing is */
	bool may_wait;		   /* gate_apply() may ask for preparation */
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
	char warning[384];  /* "" for none */
	int64_t confirm_by; /* taken back then unless it is confirmed; 0: it stays */
	struct attachment attachment;
	bool erases;
	struct store_erased erased; /* where it erases */
	struct preview preview;	    /* of a dry run, with the first change */
};
void outcome_clear(struct outcome *outcome);

/* "allow add": as the audit log names it. */
const char *change_action(enum change_kind kind);
/* What takes the right to the list, RIGHT_ACCOUNT_LIST. */
bool change_is_of_list(enum change_kind kind);
/* What is refused whatever the change is: while degraded, and force without the right to it. */
int change_permitted(const struct gate *gate, const struct change *change, struct ag_error *error);
/*
 * 0 when it is durable and in force (or, for a dry run, would be). Otherwise nothing has changed. The success
 * is in the audit log within the same transaction; a refusal is the caller's to note, with change_audit().
 * -EINPROGRESS (no error set; only with may_wait): nothing was changed, the kernel's list is long and must be
 * built anew: give it prepared.
 */
int gate_apply(struct gate *gate, const struct change *change, struct outcome *outcome,
	       struct ag_error *error);
/*
 * The same for any number of changes in their order, all or nothing, by one actor, all dry runs or none: ONE
 * commit, each account in force atomically by itself, and a row of the audit log for each. An account that
 * several of them concern is judged by the rules from what was before the first to what the last leaves; what
 * removes accounts stands last. Nothing is prepared on the way (may_wait). *ret_failed (may be NULL): the
 * change that was refused; `count` where it is none of them alone. outcomes[i] is of changes[i].
 *
 * Where the kernel refuses what is committed, the store gets back what it held. Only where an account or a
 * user was removed, or an interface attached, does it keep the new, and the kernel will come to take it.
 */
int gate_apply_all(struct gate *gate, const struct change *changes, size_t count, struct outcome *outcomes,
		   size_t *ret_failed, struct ag_error *error);
