// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_policy_apply.c - a document into store and kernel: compared, planned, applied
 *
 * Whatever fails, of the rules, the document or the kernel: the policy is the old one or the new one, for
 * every account alike.
 */
#include "tests/unit/faults.h"
#include "tests/unit/policy_fixture.h"

static void test_it_is_in_both(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture->gate->summary.account_count, 2);
	assert_int_equal(gate_account(fixture->gate, "beta")->mode, AG_MODE_MONITOR);
	assert_int_equal(stored(fixture), 1);
	assert_int_equal(kernel.accounts[0].count4, 1);
	assert_int_equal(kernel.service_count, 1);
}

static void test_again_it_is_no_change(void **state)
{
	struct fixture *fixture = *state;
	uint64_t generation = fixture->gate->generation;
	AUTO_FREE char *text = exported(fixture);
	struct trial two = {.text = TWO}, whole = {.text = text};
	struct ag_error error = {0};

	assert_int_equal(apply_policy(fixture, &two, &error), 0);
	assert_int_equal(two.parts, 0);
	assert_int_equal(apply_policy(fixture, &whole, &error), 0);
	assert_int_equal(whole.parts, 0);
	assert_int_equal(fixture->gate->generation, generation);
}

static void test_a_dry_run_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE char *before = exported(fixture), *after = NULL;
	struct trial trial = {
		.text = "{\"accounts\": [{\"name\": \"acme\", " ENTRIES(
			HOME ", {\"prefix\": \"203.0.113.0/24\"}") "},"
								   "{\"name\": \"gamma\", \"services\": "
								   "[\"192.0.2.30\"]}]}",
		.dry_run = true};
	uint64_t generation = fixture->gate->generation;
	struct ag_error error = {0};

	assert_int_equal(apply_policy(fixture, &trial, &error), 0);
	assert_int_equal(trial.parts, 2);
	after = exported(fixture);
	assert_string_equal(before, after);
	assert_int_equal(fixture->gate->generation, generation);
	assert_true(agrees(fixture));
}

/* The comparison is of a generation, and no other is changed by it. */
static void test_a_stale_comparison_is_not_applied(void **state)
{
	struct fixture *fixture = *state;
	struct trial trial = {.text = "{\"accounts\": [{\"name\": \"acme\", \"label\": \"x\"}]}",
			      .stale = true};
	struct ag_error error = {0};

	assert_int_equal(apply_policy(fixture, &trial, &error), -EAGAIN);
	assert_true(agrees(fixture));
}

static void test_scope_decides_what_goes(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, "{\"accounts\": [{\"name\": \"gamma\"}]}");
	assert_int_equal(fixture->gate->summary.account_count, 3);
	take(fixture, "{\"scope\": \"host\", \"accounts\": [{\"name\": \"acme\"}]}");
	assert_int_equal(fixture->gate->summary.account_count, 1);
	assert_int_equal(stored(fixture), 1); /* what it does not mention */
	refuse(fixture, (struct trial){.text = "{\"scope\": \"host\", \"accounts\": []}"}, ERROR_WOULD_OPEN,
	       "acme");
	take(fixture, "{\"scope\": \"host\", \"accounts\": []}");
	assert_int_equal(fixture->gate->summary.account_count, 0);
	assert_int_equal(kernel.service_count, 0);
}

static void test_services_move(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, "{\"accounts\": [{\"name\": \"acme\", \"services\": [\"192.0.2.11\"]},"
		      "{\"name\": \"beta\", \"services\": [\"192.0.2.10:443/tcp\"]}]}");
	take(fixture, "{\"accounts\": [{\"name\": \"acme\", \"services\": [\"192.0.2.10:443/tcp\"]},"
		      "{\"name\": \"beta\", \"services\": [\"192.0.2.11\"]}]}");
	/* ... from an account that goes, too */
	take(fixture,
	     "{\"scope\": \"host\", \"accounts\": [{\"name\": \"acme\", \"services\": [\"192.0.2.11\"]}]}");
	assert_int_equal(fixture->gate->summary.account_count, 1);
	refuse(fixture,
	       (struct trial){
		       .text = "{\"accounts\": [{\"name\": \"gamma\", \"services\": [\"192.0.2.11\"]}]}"},
	       ERROR_EXISTS, "192.0.2.11");
}

static void test_rules_hold_for_each(void **state)
{
	static const struct {
		struct trial trial;
		enum error_code code;
		const char *says;
	} rows[] = {
		{{.text = "{\"accounts\": [{\"name\": \"acme\", " ENTRIES(
			  "{\"prefix\": \"203.0.113.9\"}") "}]}"},
		 ERROR_WOULD_LOCK_OUT,
		 "acme"},
		{{.text = "{\"accounts\": [{\"name\": \"acme\", " ENTRIES("") "}]}"},
		 ERROR_WOULD_OPEN,
		 "acme"},
		{{.text = "{\"accounts\": [{\"name\": \"acme\", " ENTRIES("") "}]}", .force = true},
		 ERROR_WOULD_OPEN,
		 "acme"},
		{{.text = "{\"accounts\": [{\"name\": \"beta\", " ENTRIES(HOME) "}]}"},
		 ERROR_FORBIDDEN,
		 "accounts[0].entries"},
		{{.text = "{\"accounts\": [{\"name\": \"beta\", " ADA "," ENTRIES(HOME) "}]}", .force = true},
		 ERROR_FORBIDDEN,
		 "accounts[0].entries"},
		{{.text = "{\"accounts\": [{\"name\": \"acme\", \"label\": \"x\"}, {\"name\": "
			  "\"gamma\", " ENTRIES(HOME) "}]}"},
		 ERROR_FORBIDDEN,
		 "accounts[1].entries"},
		{{.text = "{\"accounts\": [{\"name\": \"gamma\", " ADA
			  "," ENTRIES("{\"prefix\": \"203.0.113.9\"}") "}]}"},
		 ERROR_ORIGIN_NOT_COVERED,
		 "gamma"},
		{{.text = "{\"accounts\": [{\"name\": \"acme\", \"roles\": [{\"user\": \"bob\", \"role\": "
			  "\"viewer\"}]}]}"},
		 ERROR_NOT_FOUND,
		 "accounts[0].roles[0].user"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		refuse(*state, rows[i].trial, rows[i].code, rows[i].says);
}

static void test_an_operator_forces(void **state)
{
	struct fixture *fixture = *state;
	struct trial trial = {.text = "{\"accounts\": [{\"name\": \"gamma\", " ADA
				      "," ENTRIES("{\"prefix\": \"203.0.113.9\"}") "}]}",
			      .force = true};
	struct ag_error error = {0};

	assert_int_equal(apply_policy(fixture, &trial, &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(gate_account(fixture->gate, "gamma")->entries4, 1);
}

/* An entry that stays is not touched: neither is what is known of it. */
static void test_what_stays_is_kept(void **state)
{
	struct fixture *fixture = *state;
	struct list list = {0};
	struct ag_error error = {0};

	take(fixture,
	     "{\"accounts\": [{\"name\": \"acme\", " ENTRIES(
		     "{\"prefix\": \"198.51.100.9\", \"note\": \"home\"}, {\"prefix\": \"203.0.113.0/24\"},"
		     "{\"prefix\": \"203.0.113.7\", \"verdict\": \"deny\", \"expires\": "
		     "\"2001-01-01T00:00:00Z\"}") "}]}");
	take(fixture, "{\"accounts\": [{\"name\": \"acme\", " ENTRIES(
			      "{\"prefix\": \"198.51.100.9\", \"note\": \"office\"},"
			      "{\"prefix\": \"203.0.113.7\", \"enabled\": false}") "}]}");
	assert_int_equal(
		store_list(fixture->gate->store, gate_account(fixture->gate, "acme")->id, &list, &error), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.entries[0].note, "office");
	assert_string_equal(list.entries[0].created_by, "ada");
	assert_int_equal(list.entries[1].verdict, AG_ENTRY_ALLOW);
	assert_true(list.entries[1].disabled);
	assert_int_equal(list.entries[1].expires, 0);
	list_clear(&list);
}

/* --- long lists ------------------------------------------------------------ */

static char *long_document(size_t count, const char *settings)
{
	struct buffer text = {0};

	(void)buffer_print(&text, "{\"accounts\": [{\"name\": \"acme\", %s \"entries\": [" HOME, settings);
	for (size_t i = 0; i < count; i++)
		(void)buffer_print(&text, ",{\"prefix\": \"10.%zu.%zu.0/24\"}", i / 256, i % 256);
	(void)buffer_print(&text, "]}]}");
	assert_false(text.failed);
	return text.data;
}

static void test_a_long_list_is_prepared(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE char *text = long_document(1500, "\"mode\": \"monitor\", \"label\": \"long\",");
	AUTO_FREE char *less = long_document(200, "");
	struct trial dry_run = {.text = text, .dry_run = true}, again = {.text = text};
	struct ag_error error = {0};

	assert_int_equal(apply_policy(fixture, &dry_run, &error), 0);
	assert_int_equal(stored(fixture), 1);
	take(fixture, text);
	assert_int_equal(stored(fixture), 1501);
	assert_int_equal(kernel.accounts[0].mode, AG_MODE_MONITOR);
	assert_string_equal(gate_account(fixture->gate, "acme")->label, "long");
	assert_int_equal(apply_policy(fixture, &again, &error), 0);
	assert_int_equal(again.parts, 0);
	take(fixture, less);
	assert_int_equal(stored(fixture), 201);
}

static void test_a_long_list_is_under_the_rules(void **state)
{
	AUTO_FREE char *text = long_document(1500, "");

	strstr(text, "198.51.100.9")[11] = '8'; /* somebody else's home */
	refuse(*state, (struct trial){.text = text}, ERROR_WOULD_LOCK_OUT, "acme");
}

/* --- faults ---------------------------------------------------------------- */

/* Accounts and services come, move and change; nothing goes that could not be put back. */
static const char CHANGES[] =
	"{\"accounts\": [{\"name\": \"acme\", \"label\": \"x\", \"services\": "
	"[\"192.0.2.11\"], " ENTRIES("{\"prefix\": \"198.51.100.0/24\"}, {\"prefix\": "
				     "\"2001:db8::/32\"}") "},"
							   "{\"name\": \"beta\", \"mode\": \"enforce\", "
							   "\"services\": [\"192.0.2.10:443/tcp\"]},"
							   "{\"name\": \"gamma\", \"services\": "
							   "[\"192.0.2.12\"], " ADA "," ENTRIES(HOME) "}]}";

static int attempt_text(struct fixture *fixture, const void *arg, struct ag_error *error)
{
	return apply_text(fixture, arg, error);
}

static void test_each_call_fails(void **state)
{
	AUTO_FREE char *text = long_document(1100, "\"mode\": \"monitor\",");
	struct faulty faulty = {.setup = setup_two,
				.attempt = attempt_text,
				.exported = exported,
				.arg = CHANGES,
				.least = 3};

	(void)state;
	fail_once_and_for_good(&faulty);
	faulty.arg = text;
	fail_each_call(&faulty, 1);
}

#define with_two(test) cmocka_unit_test_setup_teardown(test, setup_two, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_two(test_it_is_in_both),
		with_two(test_again_it_is_no_change),
		with_two(test_a_dry_run_changes_nothing),
		with_two(test_a_stale_comparison_is_not_applied),
		with_two(test_scope_decides_what_goes),
		with_two(test_services_move),
		with_two(test_rules_hold_for_each),
		with_two(test_an_operator_forces),
		with_two(test_what_stays_is_kept),
		with_two(test_a_long_list_is_prepared),
		with_two(test_a_long_list_is_under_the_rules),
		cmocka_unit_test(test_each_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
