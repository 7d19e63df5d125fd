// SPDX-License-Identifier: GPL-2.0-only
/*
 * import.c - decode, write to the store unseen, compile and build the kernel's lists, off the loop
 *
 * Invariant: import_prepare() reads the gate's options and the data plane's constants, and of the store uses
 * the import's own connection; everything else that it touches is the import's own.
 */
#include "userspace/daemon/import.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/core/request.h"
#include "userspace/daemon/edits.h"

#define LARGE 50000 /* entries: several megabytes */

int import_decode(const char *body, size_t length, enum list_form form, size_t limit, bool allow_empty,
		  struct list *ret, struct ag_error *error)
{
	int (*const decoders[])(const char *text, size_t size, size_t most, bool may_be_empty,
				struct list *list, struct ag_error *why) = {
		[LIST_JSON] = request_entries_decode,
		[LIST_TEXT] = request_entries_decode_text,
		[LIST_CSV] = request_entries_decode_csv,
	};

	return decoders[form](body, length, limit, allow_empty, ret, error);
}

/* Without who added it and when. */
static int copy_entry(struct list *list, const struct entry *from)
{
	const struct entry sent = {.prefix = from->prefix,
				   .verdict = from->verdict,
				   .disabled = from->disabled,
				   .expires = from->expires,
				   .note = from->note,
				   .list = from->list};

	return list_append_copy(list, &sent);
}

/* What the change points to is its caller's, and may be gone soon. */
static int keep_asked(struct import *import)
{
	struct change *change = &import->change;
	const struct list *list = change->list;
	int err = 0;

	if (change->mode)
		import->mode = *change->mode;
	if (change->on_deny)
		import->on_deny = *change->on_deny;
	import->label = change->label ? strdup(change->label) : NULL;
	if (change->label && !import->label)
		return -ENOMEM;
	for (size_t i = 0; list && i < list->count && !err; i++)
		err = copy_entry(&import->list, &list->entries[i]);
	change->mode = change->mode ? &import->mode : NULL;
	change->on_deny = change->on_deny ? &import->on_deny : NULL;
	if (change->set)
		import->set = *change->set;
	change->set = change->set ? &import->set : NULL;
	change->label = import->label;
	change->list = NULL;
	return err;
}

int import_new(struct gate *gate, const struct change *change, enum import_what what, struct import **ret,
	       struct ag_error *error)
{
	const struct account *account = gate_account(gate, change->account);
	struct import *import;
	int err = change_permitted(gate, change, error);

	if (err)
		return err;
	if (!account)
		return error_set(error, ERROR_NOT_FOUND,
				 "there is no account of that name: see 'allowgate account list'");
	import = calloc(1, sizeof(*import));
	if (!import)
		return error_set(error, ERROR_STORE, "no memory for the import");
	import->gate = gate;
	import->what = what;
	import->change = *change;
	import->change.prepared = &import->prepared;
	import->change.may_wait = false;
	import->now = time(NULL);
	import->policy_now = gate_now(gate);
	import->prepared.named_version = gate->named_version;
	err = account_copy(&import->account, account) || keep_asked(import)
		      ? error_set(error, ERROR_STORE, "no memory for the import")
		      : store_import_open(gate->store, account->id, &import->prepared.import, error);
	if (err) {
		import_free(import);
		return err;
	}
	*ret = import;
	return 0;
}

/* Strings that the list only borrows for the length of the preparation. What comes back is as it was. */
static void sign_entries(struct import *import)
{
	if (import->what == IMPORT_BACK)
		return;
	for (size_t i = 0; i < import->list.count; i++) {
		import->list.entries[i].created_by = import->change.actor.name;
		import->list.entries[i].created_at = import->now;
	}
}

static void unsign_entries(struct import *import)
{
	if (import->what == IMPORT_BACK)
		return;
	for (size_t i = 0; i < import->list.count; i++)
		import->list.entries[i].created_by = NULL;
}

/* --- the list that comes of it --------------------------------------------- */

static bool goes(struct import *import, const struct prefix *prefix)
{
	return import->what == IMPORT_LISTS && import->change.kind == CHANGE_ALLOW_REMOVE &&
	       list_find(&import->list, prefix);
}

/* Entries that hold the origin come shortest first. */
static void note_holding(struct import *import, const struct entry *entry)
{
	const struct addr *origin = &import->change.actor.origin;
	struct entry *held = &import->holding[import->holding_count];

	if (!addr_known(origin) || !prefix_contains(&entry->prefix, origin) ||
	    !entry_in_effect(entry, import->policy_now) || import->holding_count == HOLDING_MAX)
		return;
	*held = *entry;
	held->note = held->created_by = held->list = NULL;
	import->holding_count++;
}

/* The longest decides; once it has expired, the longest that outlasts it. */
static void settle_match(struct import *import)
{
	struct prepared *prepared = &import->prepared;
	size_t at = import->holding_count;

	if (!at)
		return;
	prepared->match = import->holding[--at];
	prepared->matched = true;
	while (prepared->match.expires && at-- > 0 && !prepared->follows) {
		prepared->next = import->holding[at];
		prepared->follows = entry_in_effect(&prepared->next, prepared->match.expires);
	}
}

static void count_entry(struct prepared *prepared, const struct entry *entry)
{
	bool refers = prefix_is_reference(&entry->prefix);
	bool ipv4 = entry->prefix.addr.family == AG_FAMILY_IPV4, ipv6 = !ipv4 && !refers;

	prepared->references += refers;
	prepared->entries4 += ipv4;
	prepared->entries6 += ipv6;
	prepared->disabled_references += refers && entry->disabled;
	prepared->disabled4 += ipv4 && entry->disabled;
	prepared->disabled6 += ipv6 && entry->disabled;
}

/* An entry that is enforced, in order. */
static int enforce_entry(const struct entry *entry, void *arg)
{
	struct import *import = arg;

	note_holding(import, entry);
	return compile_add(&import->prepared.want, entry);
}

static int copy_list(const struct list *from, struct list *ret)
{
	int err = 0;

	for (size_t i = 0; i < from->count && !err; i++)
		err = copy_entry(ret, &from->entries[i]);
	return err;
}

/* By the import's own connection, or as the document has it that goes with it. */
static int read_named(struct import *import, const char *name, struct list *ret)
{
	const struct policydoc_list *asked = import->lists_of ? policydoc_find_list(import->lists_of, name)
							      : NULL;
	int err;

	if (asked && asked->has_entries)
		return copy_list(&asked->entries, ret);
	err = store_import_named(import->prepared.import, name, ret, &import->error);
	if (!err || !asked || import->error.code != ERROR_NOT_FOUND)
		return err;
	import->error = (struct ag_error){0}; /* it comes, with nothing in it */
	return 0;
}

static int keep_reference(struct import *import, const struct entry *entry)
{
	struct list *list = &import->lists[import->references.count], unneeded = {0};
	struct entry reference = {.prefix = entry->prefix,
				  .verdict = entry->verdict,
				  .expires = entry->expires,
				  .list = strdup(entry->list)};
	int err = reference.list ? read_named(import, reference.list, entry->disabled ? &unneeded : list)
				 : -ENOMEM;

	list_clear(&unneeded);
	if (err || entry->disabled)
		entry_clear(&reference);
	else
		err = list_append(&import->references, &reference);
	return err;
}

/* Behind the last reference. */
static int begin_walk(struct import *import)
{
	struct union_source sources[REFERENCES_MAX];
	size_t count = import->references.count, more4, more6;
	int err;

	for (size_t i = 0; i < count; i++)
		sources[i] = (struct union_source){&import->references.entries[i], &import->lists[i]};
	err = union_through(sources, count, &import->through);
	if (err)
		return err;
	import->walk =
		(struct union_walk){.through = &import->through, .visit = enforce_entry, .arg = import};
	named_count(&import->through, &more4, &more6);
	return compile_reserve(&import->prepared.want, more4, more6);
}

/* An entry of the list as it will be, in order. */
static int keep_entry(const struct entry *entry, void *arg)
{
	struct import *import = arg;
	struct entry kept = *entry;
	int err = 0;

	if (goes(import, &entry->prefix))
		return 0;
	if (import->change.set && list_find(&import->list, &entry->prefix))
		entry_set(&kept, import->change.set);
	count_entry(&import->prepared, &kept);
	if (prefix_is_reference(&kept.prefix))
		return import->prepared.references > REFERENCES_MAX ? 0 : keep_reference(import, &kept);
	if (!import->walk.visit)
		err = begin_walk(import);
	return err ? err : union_own(&import->walk, &kept);
}

static bool replaces(const struct import *import)
{
	return import->what == IMPORT_WHOLE || import->what == IMPORT_BACK;
}

/* The account as far as it is known before the list is: with room for all that may be in it. */
static int begin_compiling(struct import *import)
{
	struct account account = import->account;
	size_t come4 = list_count_family(&import->list, AG_FAMILY_IPV4);
	size_t references = list_count_references(&import->list);
	bool keeps = !replaces(import);

	if (import->change.kind == CHANGE_ALLOW_REMOVE)
		come4 = 0;
	account.entries4 = (keeps ? account.entries4 : 0) + come4;
	account.entries6 =
		(keeps ? account.entries6 : 0) +
		(import->change.kind == CHANGE_ALLOW_REMOVE ? 0 : import->list.count - come4 - references);
	account.references = (keeps ? account.references : 0) + references;
	account.disabled_references = 0;
	account.disabled4 = account.disabled6 = 0; /* there is room for them too */
	if (import->change.mode)
		account.mode = *import->change.mode;
	if (import->change.on_deny)
		account.on_deny = *import->change.on_deny;
	return compile_begin(&account, &import->prepared.want);
}

static int decode(struct import *import)
{
	const struct change *change = &import->change;
	int err = 0;

	if (import->what == IMPORT_BACK)
		return store_import_list_at(import->prepared.import, change->restores, &import->list,
					    &import->error);
	if (!import->body)
		return 0;
	err = import_decode(import->body, import->body_length, import->form,
			    import->gate->options->max_entries, import->what == IMPORT_WHOLE, &import->list,
			    &import->error);
	for (size_t i = 0; !err && import->what == IMPORT_MORE && i < import->list.count; i++)
		err = edit_check_expiry(change, &import->list.entries[i], import->policy_now, &import->error);
	return err;
}

static enum import_kind import_kind_of(const struct import *import)
{
	if (import->what == IMPORT_BACK)
		return IMPORT_RESTORE;
	return import->what == IMPORT_WHOLE ? IMPORT_REPLACE : IMPORT_ADD;
}

static int write_store(struct import *import)
{
	static const struct list nothing;
	/* A dry run that adds nothing reads the list as it is. */
	bool removes = import->change.kind == CHANGE_ALLOW_REMOVE ||
		       import->change.kind == CHANGE_ALLOW_SET || import->change.kind == CHANGE_ACCOUNT_SET;
	bool dry_run = import->change.dry_run || import->what == IMPORT_LISTS;
	int err;

	sign_entries(import);
	err = store_import_prepare(import->prepared.import, import_kind_of(import),
				   removes ? &nothing : &import->list, dry_run, &import->cancel, keep_entry,
				   import, &import->prepared.result, &import->error);
	unsign_entries(import);
	return err;
}

static int prepare(struct import *import)
{
	struct prepared *prepared = &import->prepared;
	int err = decode(import);

	if (!err)
		err = begin_compiling(import);
	if (!err)
		err = write_store(import);
	if (!err && !import->walk.visit)
		err = begin_walk(import);
	if (!err)
		err = union_end(&import->walk);
	settle_match(import);
	if (import->what != IMPORT_LISTS)
		list_clear(&import->list); /* it is in the store now, and may be large */
	if (!err && prepared->want.active)
		err = dataplane_build_lists(import->gate->dataplane, &prepared->want, &prepared->lists,
					    &import->error);
	return err;
}

void import_prepare(void *arg)
{
	struct import *import = arg;

	import->err = prepare(import);
	if (import->err && import->error.code == ERROR_NONE)
		(void)error_set(&import->error, ERROR_STORE, "no memory for the list of '%s'",
				import->change.account);
}

/* --- back in the loop ------------------------------------------------------ */

int import_apply(struct import *import, struct outcome *outcome, struct ag_error *error)
{
	struct prepared *prepared = &import->prepared;

	if (import->err) {
		*error = import->error;
		return import->err;
	}
	if (import->what == IMPORT_LISTS) {
		/* it has read what it had to, and the change edits the store itself */
		store_import_close(prepared->import);
		prepared->import = NULL;
		import->change.list = &import->list;
	}
	return gate_apply(import->gate, &import->change, outcome, error);
}

void import_free(struct import *import)
{
	bool large;

	if (!import)
		return;
	large = import->prepared.entries4 + import->prepared.entries6 > LARGE;
	store_import_close(import->prepared.import);
	dataplane_lists_free(import->prepared.lists);
	compiled_account_clear(&import->prepared.want);
	list_clear(&import->prepared.result.came);
	list_clear(&import->prepared.result.went);
	list_clear(&import->list);
	list_clear(&import->references);
	list_clear(&import->through);
	for (size_t i = 0; i < REFERENCES_MAX; i++)
		list_clear(&import->lists[i]);
	account_clear(&import->account);
	free(import->label);
	free(import);
	if (large)
		(void)malloc_trim(0); /* gives back what it can */
}
