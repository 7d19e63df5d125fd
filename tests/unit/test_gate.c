// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_gate.c - the way of a change into store and kernel, and stores that cannot be used
 */
#include "tests/unit/gate_fixture.h"

#include <unistd.h>

static void test_change_is_in_both(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};

	assert_int_equal(
		apply_list(fixture, CHANGE_ALLOW_ADD, PREFIXES("198.51.100.9", "2001:db8::/32"), &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(kernel.accounts[0].count4, 1);
	assert_int_equal(kernel.accounts[0].count6, 1);
	assert_int_equal(kernel.accounts[0].active, 1);
	assert_int_equal(kernel.generation, fixture->gate->generation);
	assert_true(kernel.flags & AG_CONFIG_ENFORCING);
}

static void test_staging_comes_before_the_commit(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	uint64_t generation = fixture->gate->generation;

	memset(kernel.order, 0, sizeof(kernel.order));
	kernel.calls = 0;
	kernel.fail_at = 1;
	kernel.fail_for = 1;
	assert_int_not_equal(apply_list(fixture, CHANGE_ALLOW_ADD, PREFIXES("198.51.100.9"), &error), 0);
	assert_int_equal(error.code, ERROR_KERNEL);
	assert_string_equal(kernel.order, "s");
	assert_true(agrees(fixture));
	assert_int_equal(stored(fixture), 0);
	assert_int_equal(fixture->gate->generation, generation);
}

static void test_account_is_published_before_its_services(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};

	memset(kernel.order, 0, sizeof(kernel.order));
	assert_int_equal(apply_list(fixture, CHANGE_ALLOW_ADD, PREFIXES("198.51.100.9"), &error), 0);
	assert_string_equal(kernel.order, "spt");
}

static void test_removed_account_loses_services_first(void **state)
{
	struct fixture *fixture = *state;
	struct change change = change_of(CHANGE_ACCOUNT_REMOVE);
	struct ag_error error = {0};

	memset(kernel.order, 0, sizeof(kernel.order));
	assert_int_equal(apply(fixture, &change, &error), 0);
	assert_string_equal(kernel.order, "tc");
	assert_int_equal(kernel.service_count, 0);
	assert_false(kernel.accounts[0].active);
}

/* --- a store that cannot be used ------------------------------------------- */

static void reopen(struct fixture *fixture)
{
	struct ag_error error = {0};

	gate_close(fixture->gate);
	fixture->gate = NULL;
	assert_int_equal(gate_open(&fixture->options, &fixture->gate, &error), 0);
}

static void assert_keeps_and_refuses(struct fixture *fixture, const char *why)
{
	struct ag_error error = {0};

	assert_non_null(strstr(fixture->gate->reason, why));
	assert_int_not_equal(attempt_replace(fixture, &error), 0);
	assert_int_equal(error.code, ERROR_STORE);
	assert_int_equal(kernel.accounts[0].active, 1);
	assert_int_equal(kernel.accounts[0].count4, 1);
}

static void test_absent_store_opens_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};

	assert_int_equal(attempt_first(fixture, &error), 0);
	gate_close(fixture->gate);
	assert_int_equal(unlink(fixture->options.store), 0);
	assert_int_equal(gate_open(&fixture->options, &fixture->gate, &error), 0);
	assert_keeps_and_refuses(fixture, fixture->options.store);
	assert_int_not_equal(access(fixture->options.store, F_OK), 0);
	assert_int_not_equal(gate_reload(fixture->gate, true, NULL, &error),
			     0); /* force takes no absent store for empty */
	assert_int_equal(kernel.accounts[0].active, 1);
}

static void test_another_store_opens_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};

	assert_int_equal(attempt_first(fixture, &error), 0);
	kernel.store_id++;
	reopen(fixture);
	assert_keeps_and_refuses(fixture, "is not the store whose policy the kernel enforces");
	assert_int_equal(gate_reload(fixture->gate, true, NULL, &error), 0);
	assert_int_equal(attempt_replace(fixture, &error), 0);
}

static void test_older_store_opens_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};

	assert_int_equal(attempt_first(fixture, &error), 0);
	kernel.generation += 5;
	reopen(fixture);
	assert_keeps_and_refuses(fixture, "older than what the kernel enforces");
	assert_int_equal(gate_reload(fixture->gate, true, NULL, &error), 0);
	assert_string_equal(fixture->gate->reason, "");
}

static void test_reconcile_repairs_drift(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	size_t repaired = 0;

	assert_int_equal(attempt_first(fixture, &error), 0);
	kernel.accounts[0].active = false;
	kernel.accounts[0].count4 = 0;
	kernel.accounts[5].active = true; /* left by an account that is gone */
	kernel.service_count = 0;
	assert_int_equal(drift_of(fixture, false), 4);
	assert_int_equal(gate_reconcile(fixture->gate, false, &repaired, &error), 0);
	assert_int_equal(repaired, 4);
	assert_true(agrees(fixture));
	assert_false(kernel.accounts[5].active);
}

static void test_dry_run_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct change change = change_of(CHANGE_ALLOW_ADD);
	struct list list = list_of(PREFIXES("198.51.100.9"));
	struct outcome outcome = {0};
	struct ag_error error = {0};

	change.list = &list;
	change.dry_run = true;
	assert_int_equal(gate_apply(fixture->gate, &change, &outcome, &error), 0);
	assert_int_equal(outcome.added, 1);
	assert_int_equal(outcome.came.count, 1);
	assert_true(outcome.active);
	assert_true(agrees(fixture));
	assert_int_equal(stored(fixture), 0);
	change.actor.origin = address("203.0.113.1");
	outcome_clear(&outcome);
	assert_int_not_equal(gate_apply(fixture->gate, &change, &outcome, &error), 0);
	assert_int_equal(error.code, ERROR_ORIGIN_NOT_COVERED); /* refused in the same way */
	outcome_clear(&outcome);
	list_clear(&list);
}

static void test_replace_keeps_who_added(void **state)
{
	struct fixture *fixture = *state;
	struct change change = change_of(CHANGE_ALLOW_REPLACE);
	struct list list = list_of(PREFIXES("198.51.100.9", "203.0.113.0/24")), held = {0};
	struct outcome outcome = {0};
	struct ag_error error = {0};

	assert_int_equal(attempt_first(fixture, &error), 0);
	(void)snprintf(change.actor.name, sizeof(change.actor.name), "bob");
	assert_int_equal(apply_import(fixture, &change, IMPORT_WHOLE, &list, &outcome, &error), 0);
	assert_int_equal(outcome.added, 1);
	outcome_clear(&outcome);
	assert_int_equal(
		store_list(fixture->gate->store, gate_account(fixture->gate, "acme")->id, &held, &error), 0);
	assert_string_equal(held.entries[0].created_by, "ada");
	assert_string_equal(held.entries[1].created_by, "bob");
	list_clear(&held);
	list_clear(&list);
}

static void test_force_is_for_operators(void **state)
{
	struct fixture *fixture = *state;
	struct change change = change_of(CHANGE_ALLOW_ADD);
	struct list list = list_of(PREFIXES("203.0.113.0/24"));
	struct ag_error error = {0};

	change.list = &list;
	change.force = true;
	change.actor.operator_ = false;
	assert_int_not_equal(apply(fixture, &change, &error), 0);
	assert_int_equal(error.code, ERROR_FORBIDDEN);
	change.actor.operator_ = true;
	assert_int_equal(apply(fixture, &change, &error), 0);
	list_clear(&list);
}

static void test_changes_are_audited(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0}, why = {0};
	struct change change = change_of(CHANGE_ALLOW_ADD);
	const struct store_audit_filter acme = {
		.account = "acme", .since = INT64_MIN, .until = INT64_MAX, .limit = 100};
	struct store_audit *rows = NULL;
	size_t count = 0;
	uint64_t verified = 0;

	assert_int_equal(attempt_first(fixture, &error), 0);
	(void)error_set(&why, ERROR_FORBIDDEN, "no");
	change_audit(fixture->gate, &change.actor, "acme", "allow add", why.message, &why);
	assert_int_equal(store_audit_read(fixture->gate->store, &acme, &rows, &count, &error), 0);
	assert_int_equal(count, 4); /* account, service, entry, refusal */
	assert_string_equal(rows[2].action, "allow add");
	assert_string_equal(rows[2].detail, "+198.51.100.9/32");
	assert_string_equal(rows[2].origin, "198.51.100.9");
	assert_string_equal(rows[2].outcome, "done");
	assert_string_equal(rows[3].outcome, "forbidden");
	assert_int_equal(store_audit_verify(fixture->gate->store, &verified, &error), 0);
	assert_int_equal(verified, 4);
	store_audit_free(rows, count);
}

/* --- what takes long ------------------------------------------------------- */

static void test_small_change_stages_edits_alone(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};

	assert_int_equal(attempt_first(fixture, &error), 0);
	memset(kernel.order, 0, sizeof(kernel.order));
	assert_int_equal(
		apply_list(fixture, CHANGE_ALLOW_ADD, PREFIXES("203.0.113.7", "2001:db8::/48"), &error), 0);
	assert_int_equal(apply_list(fixture, CHANGE_ALLOW_REMOVE, PREFIXES("203.0.113.7"), &error), 0);
	assert_int_equal(attempt_mode(fixture, &error), 0);
	assert_string_equal(kernel.order, "epepept"); /* monitor gates nothing: the services change too */
	assert_true(agrees(fixture));
	kernel.refuses_edits = true; /* as a long list that must be built anew: then it takes the whole one */
	memset(kernel.order, 0, sizeof(kernel.order));
	assert_int_equal(apply_list(fixture, CHANGE_ALLOW_ADD, PREFIXES("203.0.113.8"), &error), 0);
	assert_string_equal(kernel.order, "esp");
	assert_true(agrees(fixture));
}

/* What an entry uncovers is looked for in the store, as a long list in the kernel cannot tell. */
static void test_removal_says_what_it_uncovers(void **state)
{
	static const char *const nested[] = {"203.0.113.0/24", "203.0.113.0/26",     "203.0.113.64/26",
					     "203.0.113.8/29", "203.0.113.9",	     "203.0.113.70",
					     "2001:db8::/32",  "2001:db8:8000::/33", NULL};
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	char texts[30][32];
	const char *filling[31] = {NULL};

	for (unsigned int i = 0; i < 30; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), i < 20 ? "192.0.2.%u" : "2001:db8::%u", 2 * i);
		filling[i] = texts[i];
	}
	assert_int_equal(attempt_first(fixture, &error), 0);
	assert_int_equal(apply_list(fixture, CHANGE_ALLOW_ADD, filling, &error), 0);
	assert_int_equal(apply_list(fixture, CHANGE_ALLOW_ADD, nested, &error), 0);
	memset(kernel.order, 0, sizeof(kernel.order));
	for (size_t i = 0; nested[i]; i++)
		assert_int_equal(apply_list(fixture, CHANGE_ALLOW_REMOVE, PREFIXES(nested[7 - i]), &error),
				 0);
	assert_string_equal(kernel.order, "epepepepepepepep");
	/* but for the /24 and the /32; and of IPv6 the lists are short by then */
	assert_int_equal(kernel.uncovered, 5);
	assert_true(agrees(fixture));
}

static void test_kernel_lists_are_built_for_a_change(void **state)
{
	struct fixture *fixture = *state;
	struct change add = change_of(CHANGE_ALLOW_ADD), remove = change_of(CHANGE_ALLOW_REMOVE);
	struct list come = list_of(PREFIXES("203.0.113.7", "2001:db8::/48")),
		    go = list_of(PREFIXES("203.0.113.7"));
	struct outcome outcome = {0};
	struct ag_error error = {0};

	assert_int_equal(attempt_first(fixture, &error), 0);
	memset(kernel.order, 0, sizeof(kernel.order));
	assert_int_equal(apply_import(fixture, &add, IMPORT_LISTS, &come, &outcome, &error), 0);
	assert_string_equal(kernel.order, "bsp");
	assert_true(agrees(fixture));
	assert_int_equal(stored(fixture), 3);
	outcome_clear(&outcome);
	assert_int_equal(apply_import(fixture, &remove, IMPORT_LISTS, &go, &outcome, &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(stored(fixture), 2);
	outcome_clear(&outcome);
	list_clear(&come);
	list_clear(&go);
}

static void test_import_is_judged_and_adds(void **state)
{
	struct fixture *fixture = *state;
	struct change change = change_of(CHANGE_ALLOW_ADD);
	struct list list = list_of(PREFIXES("203.0.113.0/24", "2001:db8::/48")),
		    own = list_of(PREFIXES("198.51.100.9"));
	struct outcome outcome = {0};
	struct ag_error error = {0};

	assert_int_not_equal(apply_import(fixture, &change, IMPORT_MORE, &list, &outcome, &error), 0);
	assert_int_equal(error.code, ERROR_ORIGIN_NOT_COVERED);
	assert_int_equal(stored(fixture), 0);
	outcome_clear(&outcome);
	assert_int_equal(apply_import(fixture, &change, IMPORT_MORE, &own, &outcome, &error), 0);
	outcome_clear(&outcome);
	assert_int_equal(apply_import(fixture, &change, IMPORT_MORE, &list, &outcome, &error), 0);
	assert_int_equal(outcome.added, 2);
	outcome_clear(&outcome);
	assert_int_equal(stored(fixture), 3);
	assert_int_not_equal(apply_import(fixture, &change, IMPORT_MORE, &own, &outcome, &error), 0);
	assert_int_equal(error.code, ERROR_EXISTS);
	outcome_clear(&outcome);
	change.dry_run = true;
	change.kind = CHANGE_ALLOW_REPLACE;
	assert_int_not_equal(apply_import(fixture, &change, IMPORT_WHOLE, &list, &outcome, &error), 0);
	assert_int_equal(error.code, ERROR_WOULD_LOCK_OUT);
	assert_true(agrees(fixture));
	outcome_clear(&outcome);
	list_clear(&list);
	list_clear(&own);
}

static void test_summary_follows_every_change(void **state)
{
	struct fixture *fixture = *state;
	struct change add = change_of(CHANGE_ACCOUNT_ADD), remove = change_of(CHANGE_ACCOUNT_REMOVE);
	static const char *const names[] = {"zeta", "abel", "mira"};
	struct ag_error error = {0};

	add.label = "a label";
	remove.open = true;
	assert_int_equal(attempt_first(fixture, &error), 0);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(add.account, sizeof(add.account), "%s", names[i]);
		assert_int_equal(apply(fixture, &add, &error), 0);
		assert_true(agrees(fixture));
	}
	assert_int_equal(apply_service(fixture, CHANGE_SERVICE_ADD, "192.0.2.0/28", &error), 0);
	assert_int_equal(apply_service(fixture, CHANGE_SERVICE_ADD, "192.0.2.10:any/tcp", &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(kernel.flags, AG_CONFIG_PREFIX_DESTS | AG_CONFIG_PROTO | AG_CONFIG_ENFORCING);
	assert_int_equal(apply_service(fixture, CHANGE_SERVICE_REMOVE, "192.0.2.0/28", &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(apply(fixture, &remove, &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(kernel.flags, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_change_is_in_both, setup, teardown),
		cmocka_unit_test_setup_teardown(test_staging_comes_before_the_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_account_is_published_before_its_services, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_removed_account_loses_services_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absent_store_opens_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_store_opens_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_older_store_opens_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reconcile_repairs_drift, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dry_run_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replace_keeps_who_added, setup, teardown),
		cmocka_unit_test_setup_teardown(test_force_is_for_operators, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes_are_audited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small_change_stages_edits_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removal_says_what_it_uncovers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_lists_are_built_for_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_import_is_judged_and_adds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_summary_follows_every_change, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
