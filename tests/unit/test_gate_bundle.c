// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_gate_bundle.c - several changes that wait as one: a named list's with those of all that use it, a
 * policy's; all taken back to the letter, or none, whatever the kernel refuses
 */
#include "tests/unit/bundle_fixture.h"

#include <time.h>

static void test_taken_back_to_the_letter(void **state)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		const struct scenario *scenario = &scenarios[i];
		struct fixture *fixture = begin_two(state);
		AUTO_FREE char *before = snapshot_all(fixture), *between = NULL, *after = NULL;
		struct ag_error error = {0};

		if (make(fixture, scenario, &error))
			fail_msg("%s: %s", scenario->name, error.message);
		assert_waiting(fixture, 1);
		assert_true(agrees(fixture));
		between = snapshot_all(fixture);
		assert_string_not_equal(before, between);
		if (back(fixture, scenario, true, &error))
			fail_msg("%s, tried: %s", scenario->name, error.message);
		after = snapshot_all(fixture);
		assert_string_equal(between, after);
		assert_waiting(fixture, 1);
		if (back(fixture, scenario, false, &error))
			fail_msg("%s: %s", scenario->name, error.message);
		free(TAKE_PTR(after));
		after = snapshot_all(fixture);
		assert_string_equal(before, after);
		assert_waiting(fixture, 0);
		assert_true(agrees(fixture));
		assert_int_equal(teardown(state), 0);
	}
}

/* A dry run is none, and another process finds what waits. */
static void test_read_anew(void **state)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		struct fixture *fixture = begin_two(state);
		AUTO_FREE char *before = snapshot_all(fixture), *after = NULL;
		struct ag_error error = {0};

		assert_int_equal(make(fixture, &scenarios[i], &error), 0);
		assert_int_equal(gate_reload(fixture->gate, false, NULL, &error), 0);
		assert_waiting(fixture, 1);
		if (back(fixture, &scenarios[i], false, &error))
			fail_msg("%s: %s", scenarios[i].name, error.message);
		after = snapshot_all(fixture);
		assert_string_equal(before, after);
		assert_int_equal(teardown(state), 0);
	}
}

/* --- what is claimed ----------------------------------------------------------- */

static void assert_held(int err, const struct ag_error *error, const char *says)
{
	assert_true(err < 0);
	assert_int_equal(error->code, ERROR_CONFLICT);
	if (!strstr(error->message, says))
		fail_msg("%s, which does not say %s", error->message, says);
}

static void test_a_list_holds_its_accounts(void **state)
{
	struct fixture *fixture = begin_two(state);
	const char *says = "'allowgate confirm --list vpn --undo'";
	struct ag_error error = {0};

	assert_int_equal(make(fixture, &scenarios[2], &error), 0);
	assert_held(attempt_mode(fixture, &error), &error, says);
	assert_held(edit_allowlist(fixture, "beta", CHANGE_ALLOW_ADD, PREFIXES("192.0.2.1"), &error), &error,
		    says);
	assert_held(attempt_service(fixture, &error), &error, says);
	assert_held(make_within(fixture, &scenarios[3], 0, &error), &error, says);
	assert_held(make_within(fixture, &scenarios[5], 0, &error), &error, says);
	assert_true(pending_confirm_by(fixture->gate, "acme") > time(NULL));
	assert_int_equal(make_within(fixture, &scenarios[4], 0, &error), 0); /* another list */
	assert_int_equal(back(fixture, &scenarios[2], false, &error), 0);
	assert_int_equal(pending_confirm_by(fixture->gate, "acme"), 0);
	assert_int_equal(attempt_mode(fixture, &error), 0);
	assert_int_equal(teardown(state), 0);
}

static void test_a_policy_holds_what_it_changes(void **state)
{
	struct fixture *fixture = begin_two(state);
	const char *says = "'allowgate confirm --policy --undo'";
	struct change service = named_change(CHANGE_SERVICE_ADD, "beta", ""),
		      add = named_change(CHANGE_ACCOUNT_ADD, "beta", "");
	struct ag_error error = {0};
	struct service wanted;

	assert_int_equal(make(fixture, &scenarios[5], &error), 0);
	assert_held(attempt_mode(fixture, &error), &error, says);
	assert_held(make_within(fixture, &scenarios[6], 0, &error), &error, says); /* another policy */
	assert_held(make_within(fixture, &scenarios[2], 0, &error), &error, says); /* acme uses that list */
	assert_int_equal(service_parse("192.0.2.10:443/tcp", &wanted, NULL), 0);
	service.services = &wanted;
	service.service_count = 1;
	assert_held(apply(fixture, &service, &error), &error, says);
	assert_int_equal(back(fixture, &scenarios[5], false, &error), 0);
	assert_int_equal(make(fixture, &scenarios[6], &error), 0);
	assert_held(apply(fixture, &add, &error), &error, says); /* its name is its own again */
	assert_held(attempt_mode(fixture, &error), &error, says);
	assert_int_equal(teardown(state), 0);
}

/* What the way back refers to is there then. */
static void test_lists_that_are_needed_stay(void **state)
{
	struct fixture *fixture = begin_two(state);
	struct change remove = named_change(CHANGE_ACCOUNT_REMOVE, "acme", "");
	struct ag_error error = {0};

	remove.open = true;
	remove.confirm_within = WITHIN;
	assert_int_equal(apply(fixture, &remove, &error), 0);
	remove.account[0] = '\0';
	(void)snprintf(remove.account, sizeof(remove.account), "beta");
	remove.confirm_within = 0;
	assert_int_equal(apply(fixture, &remove, &error), 0); /* nobody uses vpn any more, but ... */
	assert_held(change_named(fixture, CHANGE_LIST_REMOVE, "vpn", PREFIXES(NULL), 0, &error), &error,
		    "'allowgate confirm acme --undo'");
	assert_int_equal(take_back(fixture, PENDING_ACCOUNT, "acme", &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(teardown(state), 0);
}

static void test_a_reference_that_went_keeps_its_list(void **state)
{
	struct fixture *fixture = begin_two(state);
	struct change change = named_change(CHANGE_ALLOW_REMOVE, "acme", "");
	struct list list = sources_of(PREFIXES("@vpn"));
	struct ag_error error = {0};

	change.list = &list;
	change.confirm_within = WITHIN;
	assert_int_equal(apply(fixture, &change, &error), 0);
	(void)snprintf(change.account, sizeof(change.account), "beta");
	change.confirm_within = 0;
	assert_int_equal(apply(fixture, &change, &error), 0);
	assert_held(change_named(fixture, CHANGE_LIST_REMOVE, "vpn", PREFIXES(NULL), 0, &error), &error,
		    "'allowgate confirm acme --undo'");
	list_clear(&list);
	assert_int_equal(teardown(state), 0);
}

/* A list that may go again is not referred to. */
static void test_a_new_list_is_not_used_yet(void **state)
{
	struct fixture *fixture = begin_two(state);
	struct ag_error error = {0};

	assert_int_equal(make(fixture, &scenarios[0], &error), 0);
	assert_held(edit_allowlist(fixture, "acme", CHANGE_ALLOW_ADD, PREFIXES("@new"), &error), &error,
		    "'allowgate confirm --list new'");
	assert_held(edit_allowlist(fixture, "acme", CHANGE_ALLOW_REPLACE, PREFIXES("@new", "198.51.100.9"),
				   &error),
		    &error, "'allowgate confirm --list new'");
	assert_int_equal(back(fixture, &scenarios[0], false, &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(teardown(state), 0);
}

/* --- confirming ------------------------------------------------------------------ */

static int confirm_from(struct fixture *fixture, const struct scenario *scenario, const char *origin,
			bool force, struct ag_error *error)
{
	struct store_pending row = pending_of(fixture, scenario->subject, scenario->of);
	struct actor actor = {.name = "ada", .operator_ = true};
	struct confirmation confirmation = {.row = &row, .actor = &actor, .force = force};
	int err;

	if (origin)
		actor.origin = address(origin);
	err = pending_confirm(fixture->gate, &confirmation, error);
	store_pending_clear(&row);
	return err;
}

/* From where each account that is concerned and enforces lets one in. */
static void test_confirmed_from_where_all_let_one_in(void **state)
{
	struct fixture *fixture = begin_two(state);
	struct ag_error error = {0};

	assert_int_equal(make(fixture, &scenarios[3], &error), 0);
	assert_true(confirm_from(fixture, &scenarios[3], "203.0.113.7", false, &error) < 0); /* it went */
	assert_int_equal(error.code, ERROR_ORIGIN_NOT_COVERED);
	assert_true(confirm_from(fixture, &scenarios[3], NULL, false, &error) < 0);
	assert_int_equal(error.code, ERROR_ORIGIN_NOT_COVERED);
	assert_waiting(fixture, 1);
	assert_int_equal(confirm_from(fixture, &scenarios[3], "198.51.100.9", false, &error), 0);
	assert_waiting(fixture, 0);
	assert_int_equal(make(fixture, &scenarios[5], &error), 0); /* acme monitors, gamma enforces */
	assert_true(confirm_from(fixture, &scenarios[5], "198.51.100.8", false, &error) < 0);
	assert_non_null(strstr(error.message, "gamma"));
	assert_int_equal(confirm_from(fixture, &scenarios[5], NULL, true, &error), 0);
	assert_waiting(fixture, 0);
	assert_int_equal(attempt_mode(fixture, &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(teardown(state), 0);
}

/* The generation that a prepared list goes back to is kept as long as it waits, and no longer. */
static void test_generations_are_pinned(void **state)
{
	const struct scenario *scenario = &scenarios[7];
	struct fixture *fixture = begin_two(state);
	const struct account *acme = gate_account(fixture->gate, "acme");
	uint64_t generation = acme->generation;
	struct store_history row;
	struct ag_error error = {0};

	assert_int_equal(make(fixture, scenario, &error), 0);
	assert_int_equal(store_history_find(fixture->gate->store, 1, generation, &row, &error), 0);
	assert_true(row.pinned);
	account_clear(&row.account);
	assert_int_equal(confirm_from(fixture, scenario, "198.51.100.9", false, &error), 0);
	assert_int_equal(store_history_find(fixture->gate->store, 1, generation, &row, &error), 0);
	assert_false(row.pinned);
	account_clear(&row.account);
	assert_int_equal(teardown(state), 0);
}

/* What cannot be read is said, and nothing is done. */
static void test_a_row_that_is_none(void **state)
{
	static const char *const inverses[] = {
		"",
		"[]",
		"{\"do\": \"all\"}",
		"{\"do\": \"all\", \"changes\": [1]}",
		"{\"do\": \"all\", \"changes\": [{\"do\": \"rule\"}]}",
		"{\"do\": \"all\", \"changes\": [{\"do\": \"allow replace\"}]}",
		"{\"do\": \"all\", \"changes\": [{\"do\": \"allow set\"}]}"};
	struct ag_error error = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(inverses) / sizeof(*inverses); i++) {
		struct store_pending row = {.subject = PENDING_POLICY,
					    .name = PENDING_POLICY_NAME,
					    .generation = 7,
					    .inverse = (char *)(uintptr_t)inverses[i]};
		struct reversal *reversals = NULL;
		size_t count = 0;

		assert_true(reversal_read_all(&row, &reversals, &count, &error) < 0);
		assert_int_equal(error.code, ERROR_STORE);
		assert_null(reversals);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken_back_to_the_letter),
		cmocka_unit_test(test_read_anew),
		cmocka_unit_test(test_a_list_holds_its_accounts),
		cmocka_unit_test(test_a_policy_holds_what_it_changes),
		cmocka_unit_test(test_lists_that_are_needed_stay),
		cmocka_unit_test(test_a_reference_that_went_keeps_its_list),
		cmocka_unit_test(test_a_new_list_is_not_used_yet),
		cmocka_unit_test(test_confirmed_from_where_all_let_one_in),
		cmocka_unit_test(test_generations_are_pinned),
		cmocka_unit_test(test_a_row_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
