// SPDX-License-Identifier: GPL-2.0-only
/*
 * verify_pass.c - one pass over the policy, that can stop anywhere and go on
 *
 * It holds no pointer into the policy between steps, only the name of the account that it is at. An account
 * that changes while it is being compared is compared again. A page of a long list is not checked against its
 * digest, so nothing is enforced by one: a repair reads the whole list, checked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/daemon/named.h"
#include "userspace/daemon/reconcile.h"
#include "userspace/daemon/slice.h"
#include "userspace/daemon/verify.h"

#define PAGE_ENTRIES 2000

enum phase {
	PHASE_ACCOUNTS,
	PHASE_SERVICES,
	PHASE_SLOTS,
	PHASE_OVER,
};

struct verify_pass {
	struct gate *gate;
	bool repair;
	enum phase phase;
	size_t drift;
	size_t repaired;
	char account[NAME_SIZE];		 /* the one it is at, or the last one it was through with */
	struct dataplane_comparison *comparison; /* NULL: through with it */
	uint64_t generation;			 /* of the account when the comparison began */
	struct prefix behind;			 /* the last entry compared */
	bool begun;				 /* there is one */
	struct list through;			 /* what comes through named lists ... */
	struct union_walk walk;			 /* ... and how far that is compared */
};

struct verify_pass *verify_pass_new(struct gate *gate, bool repair)
{
	struct verify_pass *pass = calloc(1, sizeof(*pass));

	if (!pass)
		return NULL;
	pass->gate = gate;
	pass->repair = repair;
	return pass;
}

static void drop_comparison(struct verify_pass *pass)
{
	struct ag_error ignored;
	size_t differing;

	if (pass->comparison) /* end frees it; what it says is of no use */
		(void)dataplane_compare_end(pass->comparison, false, AG_MODE_ENFORCE, AG_ON_DENY_DROP,
					    &differing, &ignored);
	pass->comparison = NULL;
	list_clear(&pass->through);
}

void verify_pass_free(struct verify_pass *pass)
{
	if (!pass)
		return;
	drop_comparison(pass);
	free(pass);
}

size_t verify_pass_repaired(const struct verify_pass *pass)
{
	return pass->repaired;
}

/* --- one account ----------------------------------------------------------- */

struct feeding {
	struct dataplane_comparison *comparison;
	struct ag_error *error;
};

static int feed(const struct entry *entry, void *arg)
{
	const struct feeding *feeding = arg;
	struct compiled_entry compiled;

	if (!compile_entry(entry, &compiled))
		return 0;
	return dataplane_compare_feed(feeding->comparison, &compiled, feeding->error);
}

static int feed_own(const struct entry *entry, void *arg)
{
	return union_own(arg, entry);
}

/* A list that is changed makes a generation of every account that uses it: what was begun is begun again. */
static int begin_account(struct verify_pass *pass, const struct account *account, struct ag_error *error)
{
	int err;

	list_clear(&pass->through);
	err = account_active(account) ? named_through(pass->gate, account, &pass->through, error) : 0;
	if (err)
		return err;
	pass->walk = (struct union_walk){.through = &pass->through, .visit = feed};
	(void)snprintf(pass->account, sizeof(pass->account), "%s", account->name);
	pass->generation = account->generation;
	pass->begun = false;
	return dataplane_compare_begin(pass->gate->dataplane, account->slot, &pass->comparison, error);
}

static int feed_page(struct verify_pass *pass, const struct account *account, bool *ret_more,
		     struct ag_error *error)
{
	struct feeding feeding = {pass->comparison, error};
	struct list list = {0};
	int err = store_list_page(pass->gate->store, account->id, pass->begun ? &pass->behind : NULL,
				  PAGE_ENTRIES, &list, error);

	pass->walk.arg = &feeding;
	for (size_t i = 0; i < list.count && !err; i++)
		err = union_own(&pass->walk, &list.entries[i]);
	if (list.count)
		pass->behind = list.entries[list.count - 1].prefix;
	pass->begun |= list.count > 0;
	*ret_more = list.count == PAGE_ENTRIES;
	list_clear(&list);
	return err;
}

/* A short list is read whole, with its check. */
static int feed_some(struct verify_pass *pass, const struct account *account, bool *ret_more,
		     struct ag_error *error)
{
	struct feeding feeding = {pass->comparison, error};
	int err;

	*ret_more = false;
	if (!account_active(account))
		return 0;
	pass->walk.arg = &feeding;
	if (account_entries(account) >= LONG_LIST)
		err = feed_page(pass, account, ret_more, error);
	else
		err = store_list_each(pass->gate->store, account->id, feed_own, &pass->walk, error);
	pass->walk.arg = &feeding; /* feed_page() has one of its own */
	return err || *ret_more ? err : union_end(&pass->walk);
}

/* What differs is repaired from the whole list, read again. */
static int note_drift(struct verify_pass *pass, const struct account *account, size_t differing,
		      struct ag_error *error)
{
	size_t repaired = 0;
	int err;

	if (!differing || !pass->repair) {
		pass->drift += differing;
		return 0;
	}
	err = reconcile_account(pass->gate, account, &repaired, error);
	if (err)
		pass->drift += repaired;
	else
		pass->repaired += repaired;
	return err;
}

static int end_account(struct verify_pass *pass, const struct account *account, struct ag_error *error)
{
	struct dataplane_comparison *comparison = pass->comparison;
	size_t differing = 0;
	int err;

	pass->comparison = NULL;
	err = dataplane_compare_end(comparison, account_active(account), account->mode, &account->on_deny,
				    &differing, error);
	if (err == -EAGAIN)
		return begin_account(pass, account, error);
	return err ? err : note_drift(pass, account, differing, error);
}

static int step_account(struct verify_pass *pass, struct ag_error *error)
{
	const struct account *account = gate_account(pass->gate, pass->account);
	bool more;
	int err;

	if (!account || account->generation != pass->generation) {
		drop_comparison(pass);
		return account ? begin_account(pass, account, error) : 0;
	}
	err = feed_some(pass, account, &more, error);
	return err || more ? err : end_account(pass, account, error);
}

static int step_accounts(struct verify_pass *pass, struct ag_error *error)
{
	const struct summary *summary = &pass->gate->summary;
	size_t next;

	if (pass->comparison)
		return step_account(pass, error);
	next = summary_behind(summary, pass->account); /* "" stands before every name */
	if (next < summary->account_count)
		return begin_account(pass, summary->accounts[next], error);
	pass->phase++;
	return 0;
}

/* --- the pass -------------------------------------------------------------- */

static int step(struct verify_pass *pass, struct ag_error *error)
{
	size_t *found = pass->repair ? &pass->repaired : &pass->drift;

	switch (pass->phase) {
	case PHASE_ACCOUNTS:
		return step_accounts(pass, error);
	case PHASE_SERVICES:
		pass->phase++;
		return reconcile_services(pass->gate, pass->repair, found, error);
	case PHASE_SLOTS:
		pass->phase++;
		return reconcile_stale_slots(pass->gate, pass->repair, found, error);
	default:
		return 0;
	}
}

int verify_pass_step(struct verify_pass *pass, bool *ret_more, struct ag_error *error)
{
	int64_t end = slice_begin();
	int err = pass->gate->store ? gate_ready(pass->gate, error) : -EIO;

	*ret_more = false;
	if (!pass->gate->store)
		return error_set(error, ERROR_STORE, "the store is not open");
	while (!err && pass->phase != PHASE_OVER && !slice_over(end))
		err = step(pass, error);
	*ret_more = !err && pass->phase != PHASE_OVER;
	if (err || *ret_more)
		return err;
	pass->gate->drift = pass->drift;
	pass->gate->verified = true;
	return 0;
}
