// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_gate_pending.c - changes with a deadline: each is taken back to the letter, and the row of what waits
 * agrees with the policy whatever the kernel refuses
 */
#include "tests/unit/pending_fixture.h"

#include <time.h>

#define WITHIN 60

/* A change that is made with a deadline. */
struct scenario {
	const char *name;
	enum change_kind kind;
	enum pending_subject subject;
	const char *of;
	const char *service;
	const char *user;
	enum role role;
	const char *interface;
	const char *prefix;
	int64_t token;
	bool faults; /* each call into the kernel is failed in turn */
};

static const struct scenario scenarios[] = {
	{"account add", CHANGE_ACCOUNT_ADD, PENDING_ACCOUNT, .of = "beta"},
	{"account remove", CHANGE_ACCOUNT_REMOVE, PENDING_ACCOUNT, .of = "acme", .faults = true},
	{"service add", CHANGE_SERVICE_ADD, PENDING_ACCOUNT, .of = "acme", .service = "192.0.2.11:443/tcp"},
	{"service remove", CHANGE_SERVICE_REMOVE, PENDING_ACCOUNT, .of = "acme",
	 .service = "192.0.2.10:443/tcp", .faults = true},
	{"role grant", CHANGE_ROLE_GRANT, PENDING_ACCOUNT, .of = "acme", .user = "bob", .role = ROLE_ADMIN},
	{"role revoke", CHANGE_ROLE_REVOKE, PENDING_ACCOUNT, .of = "acme", .user = "bob"},
	{"user add", CHANGE_USER_ADD, PENDING_USER, .of = "vera", .user = "vera"},
	{"user remove", CHANGE_USER_REMOVE, PENDING_USER, .of = "bob", .user = "bob"},
	{"attach", CHANGE_INTERFACE_ATTACH, PENDING_INTERFACE, .of = "eth1", .interface = "eth1",
	 .faults = true},
	{"detach", CHANGE_INTERFACE_DETACH, PENDING_INTERFACE, .of = "eth0", .interface = "eth0"},
	{"mode", CHANGE_ACCOUNT_SET, PENDING_ACCOUNT, .of = "acme"},
	{"allow add", CHANGE_ALLOW_ADD, PENDING_ACCOUNT, .of = "acme", .prefix = "192.0.2.128/25",
	 .faults = true},
	{"allow remove", CHANGE_ALLOW_REMOVE, PENDING_ACCOUNT, .of = "acme", .prefix = "203.0.113.0/24"},
	{"allow set", CHANGE_ALLOW_SET, PENDING_ACCOUNT, .of = "acme", .prefix = "203.0.113.0/24"},
	{"allow replace", CHANGE_ALLOW_REPLACE, PENDING_ACCOUNT, .of = "acme", .prefix = "198.51.100.0/24",
	 .faults = true},
	{"token create", CHANGE_TOKEN_CREATE, PENDING_TOKEN, .of = "000000000003", .user = "bob", .token = 3},
	{"token revoke", CHANGE_TOKEN_REVOKE, PENDING_TOKEN, .of = "000000000002", .user = "bob", .token = 2},
};

static int attach_eth0(struct fixture *fixture)
{
	struct change change = change_of(CHANGE_INTERFACE_ATTACH);
	struct ag_error error = {0};

	change.account[0] = '\0';
	change.interface = (struct store_interface){"eth0", "auto"};
	return apply(fixture, &change, &error);
}

/* A change of a list, of one prefix. */
static int make_list(struct fixture *fixture, const struct scenario *scenario, struct change *change,
		     struct ag_error *error)
{
	struct request_entry set = {.has_note = true, .note = "another", .has_enabled = true};
	struct list list = list_of(PREFIXES(scenario->prefix));
	struct outcome outcome = {0};
	int err;

	change->list = &list;
	change->set = change->kind == CHANGE_ALLOW_SET ? &set : NULL;
	err = change->kind == CHANGE_ALLOW_REPLACE
		      ? apply_import(fixture, change, IMPORT_WHOLE, &list, &outcome, error)
		      : gate_apply(fixture->gate, change, &outcome, error);
	outcome_clear(&outcome);
	list_clear(&list);
	return err;
}

static int make(struct fixture *fixture, const struct scenario *scenario, int64_t within,
		struct ag_error *error)
{
	static const enum ag_mode monitor = AG_MODE_MONITOR;
	struct change change = change_of(scenario->kind);
	struct store_token token = token_of(scenario->token, "bob", 1800000000);
	struct service service;

	change.token = scenario->token ? &token : NULL;
	if (scenario->kind == CHANGE_TOKEN_REVOKE)
		assert_int_equal(store_token_find(fixture->gate->store, scenario->token, &token, error), 0);

	(void)snprintf(change.account, sizeof(change.account), "%s",
		       scenario->subject == PENDING_ACCOUNT ? scenario->of
		       : scenario->token		    ? "acme"
							    : "");
	change.open = true;
	change.confirm_within = within;
	if (scenario->service)
		assert_int_equal(service_parse(scenario->service, &service, NULL), 0);
	change.services = scenario->service ? &service : NULL;
	change.service_count = scenario->service ? 1 : 0;
	change.user.uid = -1;
	if (scenario->user)
		(void)snprintf(change.user.name, sizeof(change.user.name), "%s", scenario->user);
	change.role = scenario->role;
	change.interface = (struct store_interface){"", "auto"};
	if (scenario->interface)
		(void)snprintf(change.interface.name, sizeof(change.interface.name), "%s",
			       scenario->interface);
	change.mode = scenario->kind == CHANGE_ACCOUNT_SET ? &monitor : NULL;
	return scenario->prefix ? make_list(fixture, scenario, &change, error)
				: apply(fixture, &change, error);
}

static struct fixture *begin(void **state)
{
	assert_int_equal(setup(state), 0);
	populate(*state);
	assert_int_equal(attach_eth0(*state), 0);
	return *state;
}

static void test_taken_back_to_the_letter(void **state)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		const struct scenario *scenario = &scenarios[i];
		struct fixture *fixture = begin(state);
		AUTO_FREE char *before = snapshot(fixture), *between = NULL, *after = NULL;
		struct ag_error error = {0};

		if (make(fixture, scenario, WITHIN, &error))
			fail_msg("%s: %s", scenario->name, error.message);
		assert_waiting(fixture, 1);
		between = snapshot(fixture);
		assert_string_not_equal(before, between);
		if (take_back(fixture, scenario->subject, scenario->of, &error))
			fail_msg("%s: %s", scenario->name, error.message);
		assert_waiting(fixture, 0);
		after = snapshot(fixture);
		assert_string_equal(before, after);
		assert_true(agrees(fixture));
		assert_int_equal(teardown(state), 0);
	}
}

/* While one waits, the same subject is left alone; others are not. */
static void test_others_wait(void **state)
{
	struct fixture *fixture = begin(state);
	struct ag_error error = {0};

	assert_int_equal(make(fixture, &scenarios[2], WITHIN, &error), 0);
	for (size_t i = 1; i < 6; i++) {
		assert_true(make(fixture, &scenarios[i], 0, &error) < 0);
		assert_int_equal(error.code, ERROR_CONFLICT);
		assert_non_null(strstr(error.message, "allowgate confirm acme --undo"));
	}
	assert_true(attempt_mode(fixture, &error) < 0);
	assert_int_equal(error.code, ERROR_CONFLICT);
	assert_true(attempt_replace(fixture, &error) < 0);
	assert_int_equal(error.code, ERROR_CONFLICT);
	assert_int_equal(make(fixture, &scenarios[0], 0, &error), 0);
	assert_int_equal(make(fixture, &scenarios[6], 0, &error), 0);
	assert_waiting(fixture, 1);
	assert_int_equal(teardown(state), 0);
}

/* What the way back needs is nobody else's meanwhile. */
static void test_claims_are_kept(void **state)
{
	struct fixture *fixture = begin(state);
	struct change add = change_of(CHANGE_ACCOUNT_ADD), service = change_of(CHANGE_SERVICE_ADD);
	struct change user = change_of(CHANGE_USER_ADD);
	struct ag_error error = {0};
	struct service wanted;

	assert_int_equal(make(fixture, &scenarios[5], 0, &error), 0);	   /* bob has no role there */
	assert_int_equal(make(fixture, &scenarios[1], WITHIN, &error), 0); /* acme goes ... */
	assert_int_equal(make(fixture, &scenarios[7], WITHIN, &error), 0); /* ... and bob */
	strcpy(add.account, "beta");
	assert_int_equal(apply(fixture, &add, &error), 0);
	assert_int_equal(service_parse("192.0.2.10:443/tcp", &wanted, NULL), 0);
	strcpy(service.account, "beta");
	service.services = &wanted;
	service.service_count = 1;
	assert_true(apply(fixture, &service, &error) < 0);
	assert_int_equal(error.code, ERROR_EXISTS);
	assert_non_null(strstr(error.message, "acme"));
	user.user = (struct store_user){.name = "eve", .uid = 1000};
	assert_true(apply(fixture, &user, &error) < 0);
	assert_int_equal(error.code, ERROR_EXISTS);
	strcpy(add.account, "acme"); /* the name is taken too */
	assert_true(apply(fixture, &add, &error) < 0);
	assert_int_equal(error.code, ERROR_CONFLICT);
	assert_int_equal(take_back(fixture, PENDING_ACCOUNT, "acme", &error), 0);
	assert_int_equal(take_back(fixture, PENDING_USER, "bob", &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(teardown(state), 0);
}

/* Of two that stand on one another the second waits for the first: else neither order would bring back both.
 */
static void test_none_crosses_another(void **state)
{
	static const struct {
		size_t first, second;
		const char *says;
	} pairs[] = {{1, 7, "confirm acme"},
		     {7, 1, "confirm --user bob"},
		     {5, 7, "confirm acme"},
		     {16, 7, "confirm --token 000000000002"},
		     {16, 1, "confirm --token 000000000002"},
		     {16, 5, "confirm --token 000000000002"}};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct fixture *fixture = begin(state);
		struct ag_error error = {0};

		assert_int_equal(make(fixture, &scenarios[pairs[i].first], WITHIN, &error), 0);
		assert_true(make(fixture, &scenarios[pairs[i].second], WITHIN, &error) < 0);
		assert_int_equal(error.code, ERROR_CONFLICT);
		if (!strstr(error.message, pairs[i].says))
			fail_msg("%zu: %s", i, error.message);
		assert_waiting(fixture, 1);
		assert_int_equal(make(fixture, &scenarios[pairs[i].second], 0, &error), 0); /* for good */
		assert_int_equal(teardown(state), 0);
	}
}

/* Of a user that is gone for good there is no role to be put back. */
static void test_what_is_gone_stays_gone(void **state)
{
	struct fixture *fixture = begin(state);
	struct ag_error error = {0};
	AUTO_FREE char *after = NULL;

	assert_int_equal(make(fixture, &scenarios[5], WITHIN, &error), 0); /* bob's role is revoked */
	assert_int_equal(make(fixture, &scenarios[7], 0, &error), 0);	   /* and bob goes */
	assert_int_equal(take_back(fixture, PENDING_ACCOUNT, "acme", &error), 0);
	assert_waiting(fixture, 0);
	assert_int_equal(make(fixture, &scenarios[1], WITHIN, &error), 0);
	assert_int_equal(take_back(fixture, PENDING_ACCOUNT, "acme", &error), 0);
	after = snapshot(fixture);
	assert_null(strstr(after, "bob"));
	assert_true(agrees(fixture));
	assert_int_equal(teardown(state), 0);
}

/* Tokens are no exception, and what is not confirmed does not come back by another change's way. */
static void test_tokens_and_roles(void **state)
{
	const struct scenario *revoke_role = &scenarios[5], *create = &scenarios[15],
			      *revoke = &scenarios[16];
	struct fixture *fixture = begin(state);
	struct ag_error error = {0};
	AUTO_FREE char *after = NULL;

	assert_int_equal(make(fixture, create, WITHIN, &error), 0);
	assert_true(make(fixture, revoke_role, WITHIN, &error) < 0);
	assert_int_equal(error.code, ERROR_CONFLICT);
	assert_non_null(strstr(error.message, "allowgate confirm --token 000000000003 --undo"));
	assert_int_equal(make(fixture, revoke, WITHIN, &error), 0);
	assert_int_equal(make(fixture, revoke_role, 0, &error), 0); /* for good, and both tokens with it */
	assert_int_equal(take_back(fixture, PENDING_TOKEN, create->of, &error), 0);
	assert_int_equal(take_back(fixture, PENDING_TOKEN, revoke->of, &error), 0);
	assert_waiting(fixture, 0);
	after = snapshot(fixture);
	assert_non_null(strstr(after, "token 1 "));
	assert_null(strstr(after, "token 2 "));
	assert_null(strstr(after, "token 3 "));
	assert_int_equal(teardown(state), 0);
}

/* What tells a token's secret is nowhere but in the store: not in the audit log. */
static void test_no_hash_in_the_audit_log(void **state)
{
	struct fixture *fixture = begin(state);
	struct store_audit_filter filter = {.until = INT64_MAX, .limit = 1000};
	struct store_audit *rows = NULL;
	struct ag_error error = {0};
	size_t count = 0;

	assert_int_equal(make(fixture, &scenarios[16], WITHIN, &error), 0);
	assert_int_equal(take_back(fixture, PENDING_TOKEN, scenarios[16].of, &error), 0);
	assert_int_equal(store_audit_read(fixture->gate->store, &filter, &rows, &count, &error), 0);
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++)
		assert_null(strstr(rows[i].detail, "a2a2"));
	assert_non_null(strstr(rows[count - 1].detail, "000000000002 for bob viewer"));
	store_audit_free(rows, count);
	assert_int_equal(teardown(state), 0);
}

/* --- faults ------------------------------------------------------------------ */

/* The policy is the one from before with no row, or the new one with it. */
static bool fail_call(void **state, const struct scenario *scenario, int n, int times, bool taking_back)
{
	struct fixture *fixture = begin(state);
	AUTO_FREE char *before = snapshot(fixture), *made = NULL, *after = NULL;
	struct ag_error error = {0};
	uint64_t waiting = 0;
	bool done;
	int err;

	if (taking_back)
		assert_int_equal(make(fixture, scenario, WITHIN, &error), 0);
	made = snapshot(fixture);
	kernel.calls = 0;
	kernel.fail_at = n;
	kernel.fail_for = times;
	err = taking_back ? take_back(fixture, scenario->subject, scenario->of, &error)
			  : make(fixture, scenario, WITHIN, &error);
	done = kernel.calls < n;
	kernel.fail_at = 0;
	if (err && fixture->gate->reason[0])
		assert_int_equal(gate_reconcile(fixture->gate, false, NULL, &error), 0);
	after = snapshot(fixture);
	assert_int_equal(store_pending_count(fixture->gate->store, &waiting, &error), 0);
	assert_int_equal(fixture->gate->pending_changes, waiting);
	if (!taking_back)
		assert_int_equal(waiting, strcmp(before, after) != 0);
	else if (waiting)
		assert_string_equal(made, after);
	else
		assert_string_equal(before, after);
	assert_true(agrees(fixture));
	if (taking_back && waiting) /* it can be tried again */
		assert_int_equal(take_back(fixture, scenario->subject, scenario->of, &error), 0);
	assert_int_equal(teardown(state), 0);
	return done;
}

static void fail_each(void **state, int times, bool taking_back)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		int n = 1;

		while (scenarios[i].faults && !fail_call(state, &scenarios[i], n, times, taking_back))
			n++;
		assert_in_range(n, 1, 20);
	}
}

static void test_each_call_fails_while_it_is_made(void **state)
{
	fail_each(state, 1000, false);
}

static void test_each_call_fails_while_it_is_taken_back(void **state)
{
	fail_each(state, 1000, true);
}

/* --- confirming -------------------------------------------------------------- */

static int confirm_from(struct fixture *fixture, const char *origin, bool force, struct ag_error *error)
{
	struct store_pending row = pending_of(fixture, PENDING_ACCOUNT, "acme");
	struct actor actor = {.name = "ada", .operator_ = true};
	struct confirmation confirmation = {.row = &row, .actor = &actor, .force = force};
	int err;

	if (origin)
		actor.origin = address(origin);
	confirmation.dry_run = true;
	err = pending_confirm(fixture->gate, &confirmation, error);
	assert_waiting(fixture, 1);
	confirmation.dry_run = false;
	assert_int_equal(pending_confirm(fixture->gate, &confirmation, error), err);
	store_pending_clear(&row);
	return err;
}

static void test_confirmed_from_where_one_is_let_in(void **state)
{
	struct fixture *fixture = begin(state);
	struct ag_error error = {0};

	assert_int_equal(make(fixture, &scenarios[2], WITHIN, &error), 0);
	assert_true(confirm_from(fixture, "192.0.2.99", false, &error) < 0);
	assert_int_equal(error.code, ERROR_ORIGIN_NOT_COVERED);
	assert_non_null(strstr(error.message, "192.0.2.99"));
	assert_true(confirm_from(fixture, NULL, false, &error) < 0);
	assert_int_equal(error.code, ERROR_ORIGIN_NOT_COVERED);
	assert_waiting(fixture, 1);
	assert_int_equal(confirm_from(fixture, "198.51.100.9", false, &error), 0);
	assert_waiting(fixture, 0);
	assert_int_equal(make(fixture, &scenarios[3], WITHIN, &error), 0);
	assert_int_equal(confirm_from(fixture, NULL, true, &error), 0);
	assert_waiting(fixture, 0);
	assert_int_equal(make(fixture, &scenarios[10], WITHIN, &error), 0); /* monitor: stops nobody */
	assert_int_equal(confirm_from(fixture, "192.0.2.99", false, &error), 0);
	assert_waiting(fixture, 0);
	assert_true(agrees(fixture));
	assert_int_equal(teardown(state), 0);
}

/* Whoever comes too late has it taken back. */
static void test_confirmed_too_late(void **state)
{
	struct fixture *fixture = begin(state);
	struct actor actor = {.name = "ada", .origin = address("198.51.100.9")};
	struct confirmation confirmation = {.actor = &actor};
	struct store_pending row;
	struct ag_error error = {0};

	assert_int_equal(make(fixture, &scenarios[2], WITHIN, &error), 0);
	row = pending_of(fixture, PENDING_ACCOUNT, "acme");
	row.deadline.at.wall -= WITHIN + 2;
	confirmation.row = &row;
	assert_true(pending_confirm(fixture->gate, &confirmation, &error) < 0);
	assert_int_equal(error.code, ERROR_CONFLICT);
	store_pending_clear(&row);
	assert_waiting(fixture, 1);
	assert_int_equal(teardown(state), 0);
}

/* Another process finds what waits. */
static void test_read_anew(void **state)
{
	struct fixture *fixture = begin(state);
	struct ag_error error = {0};
	uint64_t version = fixture->gate->pending_version;

	assert_int_equal(make(fixture, &scenarios[2], WITHIN, &error), 0);
	assert_int_equal(gate_reload(fixture->gate, false, NULL, &error), 0);
	assert_waiting(fixture, 1);
	assert_true(fixture->gate->pending_version > version + 1);
	assert_true(pending_confirm_by(fixture->gate, "acme") > time(NULL));
	assert_int_equal(pending_confirm_by(fixture->gate, "beta"), 0);
	assert_int_equal(take_back(fixture, PENDING_ACCOUNT, "acme", &error), 0);
	assert_int_equal(teardown(state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken_back_to_the_letter),
		cmocka_unit_test(test_others_wait),
		cmocka_unit_test(test_claims_are_kept),
		cmocka_unit_test(test_none_crosses_another),
		cmocka_unit_test(test_what_is_gone_stays_gone),
		cmocka_unit_test(test_tokens_and_roles),
		cmocka_unit_test(test_no_hash_in_the_audit_log),
		cmocka_unit_test(test_each_call_fails_while_it_is_made),
		cmocka_unit_test(test_each_call_fails_while_it_is_taken_back),
		cmocka_unit_test(test_confirmed_from_where_one_is_let_in),
		cmocka_unit_test(test_confirmed_too_late),
		cmocka_unit_test(test_read_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
