/* SPDX-License-Identifier: GPL-2.0-only */
/* pending_fixture.h - changes with a deadline over a gate, what takes them back, and all that the store holds
 * as text */
#pragma once

#include "tests/unit/gate_fixture.h"

#include "userspace/daemon/pending.h"
#include "userspace/daemon/reversal.h"

#define SNAPSHOT_SIZE (256 << 10)

static UNUSED void snap(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text + used, SNAPSHOT_SIZE - used, format, args);
	va_end(args);
	assert_true(strlen(text) < SNAPSHOT_SIZE - 1);
}

static UNUSED void snap_list(struct fixture *fixture, const struct account *account, char *text)
{
	struct ag_error error = {0};
	struct list list = {0};
	char prefix[PREFIX_TEXT_MAX];

	assert_int_equal(store_list(fixture->gate->store, account->id, &list, &error), 0);
	for (size_t i = 0; i < list.count; i++) {
		const struct entry *entry = &list.entries[i];

		prefix_format(&entry->prefix, prefix);
		snap(text, " %s%s %d %d %lld '%s' by %s at %lld\n", entry->list ? entry->list : "", prefix,
		     entry->verdict, entry->disabled, (long long)entry->expires,
		     entry->note ? entry->note : "", entry->created_by ? entry->created_by : "",
		     (long long)entry->created_at);
	}
	list_clear(&list);
}

static UNUSED void snap_accounts(struct fixture *fixture, char *text)
{
	struct ag_error error = {0};
	struct account *accounts = NULL;
	char on_deny[ON_DENY_TEXT_MAX];
	size_t count = 0;

	assert_int_equal(store_accounts(fixture->gate->store, &accounts, &count, &error), 0);
	for (size_t i = 0; i < count; i++) {
		on_deny_format(&accounts[i].on_deny, on_deny);
		snap(text, "account %s %s %s '%s'\n", accounts[i].name, mode_name(accounts[i].mode), on_deny,
		     accounts[i].label ? accounts[i].label : "");
		snap_list(fixture, &accounts[i], text);
	}
	accounts_free(accounts, count);
}

static UNUSED void snap_services(struct fixture *fixture, char *text)
{
	const struct summary *summary = &fixture->gate->summary;
	char service[SERVICE_TEXT_MAX];

	for (size_t i = 0; i < summary->claim_count; i++) {
		service_format(&summary->by_service[i].service, service);
		snap(text, "service %s of %s\n", service,
		     summary_slot(summary, summary->by_service[i].slot)->name);
	}
}

static UNUSED void snap_people(struct fixture *fixture, char *text)
{
	struct store *store = fixture->gate->store;
	struct ag_error error = {0};
	AUTO_FREE struct store_user *users = NULL;
	AUTO_FREE struct store_role *roles = NULL;
	AUTO_FREE struct store_interface *interfaces = NULL;
	size_t count = 0;

	assert_int_equal(store_users(store, &users, &count, &error), 0);
	for (size_t i = 0; i < count; i++)
		snap(text, "user %s %lld %d %d\n", users[i].name, (long long)users[i].uid, users[i].operator_,
		     users[i].delegate);
	assert_int_equal(store_roles(store, NULL, NULL, &roles, &count, &error), 0);
	for (size_t i = 0; i < count; i++)
		snap(text, "role %s %s %s\n", roles[i].account, roles[i].user, role_name(roles[i].role));
	assert_int_equal(store_interfaces(store, &interfaces, &count, &error), 0);
	for (size_t i = 0; i < count; i++)
		snap(text, "interface %s %s\n", interfaces[i].name, interfaces[i].mode);
}

static UNUSED void snap_tokens(struct fixture *fixture, char *text)
{
	struct ag_error error = {0};
	AUTO_FREE struct store_token *tokens = NULL;
	size_t count = 0;

	assert_int_equal(store_tokens(fixture->gate->store, 0, 100, &tokens, &count, &error), 0);
	for (size_t i = 0; i < count; i++)
		snap(text, "token %lld %s %s %s %02x%02x '%s' by %s at %lld until %lld seen %lld\n",
		     (long long)tokens[i].id, tokens[i].account, tokens[i].user, role_name(tokens[i].role),
		     tokens[i].hash[0], tokens[i].hash[31], tokens[i].note, tokens[i].created_by,
		     (long long)tokens[i].created_at, (long long)tokens[i].expires,
		     (long long)tokens[i].last_used);
}

/* The caller frees. */
static UNUSED char *snapshot(struct fixture *fixture)
{
	char *text = calloc(1, SNAPSHOT_SIZE);

	assert_non_null(text);
	snap_accounts(fixture, text);
	snap_services(fixture, text);
	snap_people(fixture, text);
	snap_tokens(fixture, text);
	return text;
}

/* Of the user on acme, for ever or (in the past) expired. */
static UNUSED struct store_token token_of(int64_t id, const char *user, int64_t expires)
{
	struct store_token token = {.id = id,
				    .account = "acme",
				    .role = ROLE_VIEWER,
				    .created_by = "ops",
				    .created_at = 1700000000,
				    .expires = expires,
				    .note = "for the build"};

	(void)snprintf(token.user, sizeof(token.user), "%s", user);
	memset(token.hash, 0xa0 + (int)id, sizeof(token.hash));
	return token;
}

static UNUSED int create_token(struct fixture *fixture, int64_t id, const char *user, int64_t within,
			       struct ag_error *error)
{
	struct change change = change_of(CHANGE_TOKEN_CREATE);
	struct store_token token = token_of(id, user, 1800000000);

	change.token = &token;
	change.confirm_within = within;
	return apply(fixture, &change, error);
}

/* Users ada (admin of acme) and bob (a viewer, uid 1000), each with a token that was used, and an entry with
 * a note. */
static UNUSED void populate(struct fixture *fixture)
{
	struct change user = change_of(CHANGE_USER_ADD), role = change_of(CHANGE_ROLE_GRANT);
	struct ag_error error = {0};

	user.account[0] = '\0';
	user.user = (struct store_user){.name = "ada", .uid = -1};
	assert_int_equal(apply(fixture, &user, &error), 0);
	user.user = (struct store_user){.name = "bob", .uid = 1000, .delegate = true};
	assert_int_equal(apply(fixture, &user, &error), 0);
	role.user = (struct store_user){.name = "ada"};
	role.role = ROLE_ADMIN;
	assert_int_equal(apply(fixture, &role, &error), 0);
	role.user = (struct store_user){.name = "bob"};
	role.role = ROLE_VIEWER;
	assert_int_equal(apply(fixture, &role, &error), 0);
	assert_int_equal(attempt_first(fixture, &error), 0);
	assert_int_equal(attempt_more(fixture, &error), 0);
	assert_int_equal(create_token(fixture, 1, "ada", 0, &error), 0);
	assert_int_equal(create_token(fixture, 2, "bob", 0, &error), 0);
	assert_int_equal(store_token_used(fixture->gate->store, 2, 1700000500, &error), 0);
}

static UNUSED struct store_pending pending_of(struct fixture *fixture, enum pending_subject subject,
					      const char *name)
{
	struct store_pending row = {0};
	struct ag_error error = {0};

	if (store_pending_find(fixture->gate->store, subject, name, &row, &error))
		fail_msg("%s %s: %s", pending_subject_name(subject), name, error.message);
	return row;
}

/* What is done when nobody confirmed it. */
static UNUSED int take_back(struct fixture *fixture, enum pending_subject subject, const char *name,
			    struct ag_error *error)
{
	struct store_pending row = pending_of(fixture, subject, name);
	struct outcome outcome = {0};
	struct reversal reversal;
	int err = reversal_read(&row, &reversal, error);

	if (!err) {
		reversal.change.action = "confirm expired";
		err = reversal.change.restores
			      ? apply_import(fixture, &reversal.change, IMPORT_BACK, NULL, &outcome, error)
			      : gate_apply(fixture->gate, &reversal.change, &outcome, error);
		outcome_clear(&outcome);
		reversal_clear(&reversal);
	}
	store_pending_clear(&row);
	return err;
}

/* As many rows as the gate believes, which is so many. */
static UNUSED void assert_waiting(struct fixture *fixture, uint64_t count)
{
	struct ag_error error = {0};
	uint64_t stored = 0;

	assert_int_equal(store_pending_count(fixture->gate->store, &stored, &error), 0);
	assert_int_equal(stored, count);
	assert_int_equal(fixture->gate->pending_changes, count);
}
