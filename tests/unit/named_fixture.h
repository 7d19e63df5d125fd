/* SPDX-License-Identifier: GPL-2.0-only */
/* named_fixture.h - the gate's fixture with named lists "vpn" and "guests", and two accounts that refer to
 * the one */
#pragma once

#include "tests/unit/gate_fixture.h"

#include "userspace/daemon/named.h"

static UNUSED struct list sources_of(const char *const *texts)
{
	struct list list = {0};

	for (; *texts; texts++) {
		struct entry entry = {0};

		assert_int_equal(entry_source_parse(*texts, &entry, NULL), 0);
		assert_int_equal(list_append(&list, &entry), 0);
	}
	assert_null(list_sort(&list));
	return list;
}

static UNUSED struct change named_change(enum change_kind kind, const char *account, const char *named)
{
	struct change change = change_of(kind);

	(void)snprintf(change.account, sizeof(change.account), "%s", account);
	(void)snprintf(change.named, sizeof(change.named), "%s", named);
	return change;
}

/* An allowlist of any account. */
static UNUSED int edit_allowlist(struct fixture *fixture, const char *account, enum change_kind kind,
				 const char *const *texts, struct ag_error *error)
{
	struct change change = named_change(kind, account, "");
	struct list list = sources_of(texts);
	struct outcome outcome = {0};
	int err;

	change.list = &list;
	err = kind == CHANGE_ALLOW_REPLACE
		      ? apply_import(fixture, &change, IMPORT_WHOLE, &list, &outcome, error)
		      : gate_apply(fixture->gate, &change, &outcome, error);
	outcome_clear(&outcome);
	list_clear(&list);
	return err;
}

static UNUSED int list_create(struct fixture *fixture, const char *named, struct ag_error *error)
{
	struct change change = named_change(CHANGE_LIST_CREATE, "", named);

	return apply(fixture, &change, error);
}

/* A change of a list, for the accounts that use it, as the API makes it. */
static UNUSED int edit_named(struct fixture *fixture, const char *named, bool comes, const char *const *texts,
			     struct ag_error *error)
{
	struct store_named_user *users = NULL;
	struct change changes[4] = {0};
	struct outcome outcomes[4] = {0};
	struct list list = sources_of(texts);
	size_t count = 0;
	int err;

	assert_int_equal(store_named_users(fixture->gate->store, named, &users, &count, error), 0);
	assert_in_range(count, 0, 3);
	changes[0] = named_change(comes ? CHANGE_LIST_ADD : CHANGE_LIST_REMOVE_ENTRIES, "", named);
	for (size_t i = 0; i < count; i++)
		changes[1 + i] = named_change(comes ? CHANGE_LISTED_ADD : CHANGE_LISTED_REMOVE,
					      users[i].account, named);
	for (size_t i = 0; i <= count; i++)
		changes[i].list = &list;
	err = gate_apply_all(fixture->gate, changes, count + 1, outcomes, NULL, error);
	for (size_t i = 0; i <= count; i++)
		outcome_clear(&outcomes[i]);
	free(users);
	list_clear(&list);
	return err;
}

/* Lists "vpn" and "guests", acme and beta active by @vpn and an entry of the person's own. */
static UNUSED int setup_named(void **state)
{
	struct fixture *fixture;
	struct ag_error error = {0};
	struct change add = change_of(CHANGE_ACCOUNT_ADD);

	assert_int_equal(setup(state), 0);
	fixture = *state;
	(void)snprintf(add.account, sizeof(add.account), "beta");
	assert_int_equal(apply(fixture, &add, &error), 0);
	assert_int_equal(list_create(fixture, "vpn", &error), 0);
	assert_int_equal(list_create(fixture, "guests", &error), 0);
	assert_int_equal(
		edit_named(fixture, "vpn", true, PREFIXES("203.0.113.0/24", "2001:db8::/32"), &error), 0);
	assert_int_equal(
		edit_allowlist(fixture, "acme", CHANGE_ALLOW_ADD, PREFIXES("@vpn", "198.51.100.9"), &error),
		0);
	assert_int_equal(
		edit_allowlist(fixture, "beta", CHANGE_ALLOW_ADD, PREFIXES("@vpn", "198.51.100.9"), &error),
		0);
	return 0;
}
