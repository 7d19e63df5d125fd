// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_export.c - a snapshot of the store walked account by account
 *
 * Everything comes sorted, so that the same policy is the same text.
 */
#include "userspace/daemon/policy_export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/policydoc.h"
#include "userspace/daemon/policy_roles.h"
#include "userspace/daemon/summary.h"

struct exporting {
	struct store *snapshot;
	struct summary summary;
	struct policy_roles roles;
	struct policydoc_writer writer;
	const bool *cancel;
};

/* --- what is read at once ---------------------------------------------------- */

static int load_summary(struct exporting *exporting, struct ag_error *error)
{
	AUTO_FREE struct claim *claims = NULL;
	struct account *accounts = NULL;
	size_t account_count = 0, claim_count = 0;
	int err = store_accounts(exporting->snapshot, &accounts, &account_count, error);

	if (!err)
		err = store_claims(exporting->snapshot, &claims, &claim_count, error);
	if (!err && summary_build(&exporting->summary, accounts, account_count, claims, claim_count))
		err = error_set(error, ERROR_STORE, "no memory for %zu accounts", account_count);
	accounts_free(accounts, account_count);
	return err;
}

static int load(struct exporting *exporting, const struct store *store, struct ag_error *error)
{
	int err = store_snapshot_open(store, &exporting->snapshot, error);

	if (!err)
		err = load_summary(exporting, error);
	return err ? err : policy_roles_load(exporting->snapshot, &exporting->roles, error);
}

static void clear(struct exporting *exporting)
{
	store_snapshot_close(exporting->snapshot);
	summary_clear(&exporting->summary);
	policy_roles_clear(&exporting->roles);
}

/* --- what is written --------------------------------------------------------- */

static bool cancelled(const struct exporting *exporting)
{
	return __atomic_load_n(exporting->cancel, __ATOMIC_RELAXED);
}

static int write_entry(const struct entry *entry, void *arg)
{
	struct exporting *exporting = arg;

	policydoc_write_entry(&exporting->writer, entry);
	return cancelled(exporting) ? -ECANCELED : exporting->writer.out->failed;
}

static int write_account(struct exporting *exporting, const struct account *account, struct ag_error *error)
{
	size_t services, roles;
	const struct claim *claims = summary_claims_of(&exporting->summary, account->slot, &services);
	const struct policydoc_role *given = policy_roles_of(&exporting->roles, account->name, &roles);
	int err;

	error->code = ERROR_NONE;
	policydoc_write_account(&exporting->writer, account, claims, services, given, roles);
	err = store_list_each(exporting->snapshot, account->id, write_entry, exporting, error);
	policydoc_write_account_end(&exporting->writer);
	if (!err)
		err = exporting->writer.out->failed;
	if (err == -ECANCELED)
		return error_set(error, ERROR_CONFLICT, "the daemon is leaving: try again when it is back");
	if (err && error->code == ERROR_NONE)
		return error_set(error, ERROR_STORE, "no memory for the text of the policy");
	return err;
}

static int write_list(struct exporting *exporting, const struct store_named *named, struct ag_error *error)
{
	struct list list = {0};
	int err = store_named_list(exporting->snapshot, named, &list, error);

	policydoc_write_list(&exporting->writer, named->name);
	for (size_t i = 0; i < list.count && !err; i++)
		policydoc_write_listed(&exporting->writer, &list.entries[i]);
	policydoc_write_list_end(&exporting->writer);
	list_clear(&list);
	if (!err && cancelled(exporting))
		err = error_set(error, ERROR_CONFLICT, "the daemon is leaving: try again when it is back");
	return err;
}

/* They are the host's: a document of one account refers to them, and leaves them alone. */
static int write_lists(struct exporting *exporting, struct ag_error *error)
{
	AUTO_FREE struct store_named *lists = NULL;
	size_t count = 0;
	int err = store_named_all(exporting->snapshot, &lists, &count, error);

	policydoc_write_lists(&exporting->writer);
	for (size_t i = 0; i < count && !err; i++)
		err = write_list(exporting, &lists[i], error);
	return err;
}

static int write_host(struct exporting *exporting, struct ag_error *error)
{
	int err;

	policydoc_write_begin(&exporting->writer, POLICYDOC_HOST);
	err = write_lists(exporting, error);
	policydoc_write_accounts(&exporting->writer);
	for (size_t i = 0; i < exporting->summary.account_count && !err; i++)
		err = write_account(exporting, exporting->summary.accounts[i], error);
	policydoc_write_end(&exporting->writer);
	return err;
}

static int write_one(struct exporting *exporting, const char *name, struct ag_error *error)
{
	const struct account *account = summary_account(&exporting->summary, name);
	int err;

	if (!account)
		return error_set(error, ERROR_NOT_FOUND,
				 "there is no account of that name: see 'allowgate account list'");
	policydoc_write_begin(&exporting->writer, POLICYDOC_ACCOUNTS);
	policydoc_write_accounts(&exporting->writer);
	err = write_account(exporting, account, error);
	policydoc_write_end(&exporting->writer);
	return err;
}

int policy_export(const struct store *store, const char *account, const bool *cancel, struct buffer *out,
		  struct ag_error *error)
{
	struct exporting exporting = {.writer = {.out = out}, .cancel = cancel};
	int err = load(&exporting, store, error);

	if (!err)
		err = account[0] ? write_one(&exporting, account, error) : write_host(&exporting, error);
	if (!err && out->failed)
		err = error_set(error, ERROR_STORE, "no memory for the text of the policy");
	clear(&exporting);
	return err;
}
