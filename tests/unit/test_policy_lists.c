// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_policy_lists.c - named lists of a document into store and kernel, with the accounts that use them
 *
 * All of it or none: a list never comes, changes or goes without what the document says of its accounts.
 */
#include "tests/unit/faults.h"
#include "tests/unit/policy_fixture.h"

#define CORP(e)	    "{\"name\": \"corp\", \"entries\": [" e "]}"
#define HQ	    "{\"prefix\": \"203.0.113.0/24\", \"note\": \"hq\"}"
#define LAB	    "{\"prefix\": \"192.0.2.0/24\"}"
#define REF	    "{\"prefix\": \"@corp\"}"
#define ACCOUNTS(a) "\"accounts\": [" a "]"
#define LISTS(l)    "\"lists\": [" l "]"
#define ACME(e)	    "{\"name\": \"acme\", " ENTRIES(e) "}"
#define WITH_CORP   "{" LISTS(CORP(HQ)) ", " ACCOUNTS(ACME(HOME ", " REF)) "}"

static int setup_corp(void **state)
{
	if (setup_two(state))
		return -1;
	take(*state, WITH_CORP);
	return 0;
}

static struct store_named corp_of(struct fixture *fixture)
{
	struct store_named named = {0};
	struct ag_error error = {0};

	if (store_named_find(fixture->gate->store, "corp", &named, &error) && error.code != ERROR_NOT_FOUND)
		fail_msg("%s", error.message);
	return named;
}

static void test_they_come_with_the_accounts(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(corp_of(fixture).entries, 1);
	assert_int_equal(gate_account(fixture->gate, "acme")->references, 1);
	assert_int_equal(kernel.accounts[0].count4, 2);
	assert_true(agrees(fixture));
}

static void check_no_change(struct fixture *fixture, const char *text)
{
	uint64_t generation = fixture->gate->generation;
	struct trial trial = {.text = text};
	struct ag_error error = {0};

	if (apply_policy(fixture, &trial, &error))
		fail_msg("%s: %s", text, error.message);
	assert_int_equal(trial.parts, 0);
	assert_int_equal(trial.lists, 0);
	assert_int_equal(trial.changes, 0);
	assert_int_equal(fixture->gate->generation, generation);
}

static void test_an_export_is_no_change(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE char *text = exported(fixture), *again = NULL;

	assert_non_null(strstr(text, "\"lists\": ["));
	assert_non_null(strstr(text, "\"@corp\""));
	check_no_change(fixture, WITH_CORP);
	check_no_change(fixture, text);
	take(fixture, "{\"scope\": \"host\", " LISTS("") ", " ACCOUNTS("") "}");
	assert_int_equal(corp_of(fixture).id, 0);
	take(fixture, text);
	again = exported(fixture);
	assert_string_equal(again, text);
	assert_int_equal(kernel.accounts[0].count4, 2);
}

/* Accounts that the document does not mention. */
static void test_who_uses_a_list_follows_it(void **state)
{
	struct fixture *fixture = *state;
	uint64_t generation = gate_account(fixture->gate, "acme")->generation;
	struct trial trial = {.text = "{" LISTS(CORP(LAB)) ", " ACCOUNTS("") "}"};
	struct ag_error error = {0};
	struct prefix lab;

	assert_int_equal(prefix_parse("192.0.2.0/24", &lab, NULL), 0);
	assert_int_equal(apply_policy(fixture, &trial, &error), 0);
	assert_int_equal(trial.parts, 0);
	assert_int_equal(trial.lists, 1);
	assert_int_equal(trial.changes, 5); /* itself, out and in, and the same for acme */
	assert_int_equal(kernel.accounts[0].count4, 2);
	assert_int_equal(prefix_compare(&kernel.accounts[0].entries4[0].prefix, &lab), 0);
	assert_true(gate_account(fixture->gate, "acme")->generation > generation);
	assert_true(agrees(fixture));
}

static void test_a_note_is_no_change_of_accounts(void **state)
{
	struct fixture *fixture = *state;
	uint64_t generation = gate_account(fixture->gate, "acme")->generation;
	struct list list = {0};
	struct store_named corp;
	struct ag_error error = {0};

	take(fixture,
	     "{" LISTS(CORP("{\"prefix\": \"203.0.113.0/24\", \"note\": \"x\"}")) ", " ACCOUNTS("") "}");
	corp = corp_of(fixture);
	assert_int_equal(store_named_list(fixture->gate->store, &corp, &list, &error), 0);
	assert_string_equal(list.entries[0].note, "x");
	list_clear(&list);
	assert_int_equal(gate_account(fixture->gate, "acme")->generation, generation);
}

static void test_scope_decides_what_goes(void **state)
{
	struct fixture *fixture = *state;

	take(fixture, "{" LISTS("{\"name\": \"guests\"}") ", " ACCOUNTS("") "}");
	assert_int_equal(corp_of(fixture).entries, 1); /* which it does not name */
	take(fixture, "{\"scope\": \"host\", " ACCOUNTS("{\"name\": \"acme\"}, {\"name\": \"beta\"}") "}");
	assert_int_equal(corp_of(fixture).entries, 1); /* of lists it says nothing */
	take(fixture, "{\"scope\": \"host\", " LISTS("{\"name\": \"corp\"}") ", " ACCOUNTS(
			      "{\"name\": \"acme\"}, {\"name\": \"beta\"}") "}");
	assert_int_equal(corp_of(fixture).entries, 1); /* absent is not empty */
	refuse(fixture,
	       (struct trial){.text = "{\"scope\": \"host\", " LISTS("") ", " ACCOUNTS(
				      "{\"name\": \"acme\"}, {\"name\": \"beta\"}") "}"},
	       ERROR_CONFLICT, "used by acme");
	take(fixture,
	     "{\"scope\": \"host\", " LISTS("") ", " ACCOUNTS(ACME(HOME) ", {\"name\": \"beta\"}") "}");
	assert_int_equal(corp_of(fixture).id, 0);
	assert_int_equal(kernel.accounts[0].count4, 1);
}

static void test_references_lead_somewhere(void **state)
{
	struct fixture *fixture = *state;
	struct trial unknown = {.text = "{" ACCOUNTS(ACME(HOME ", {\"prefix\": \"@none\"}")) "}"};
	struct trial unlisted = {
		.text = "{\"scope\": \"host\", " LISTS("{\"name\": \"other\"}") ", " ACCOUNTS(
			ACME(HOME ", " REF) ", {\"name\": \"beta\"}") "}"};

	refuse(fixture, unknown, ERROR_NOT_FOUND, "accounts[0].entries: there is no list 'none'");
	refuse(fixture, unlisted, ERROR_NOT_FOUND, "accounts[0].entries: @corp is none of the document's");
}

/* Rule 1 of every account that uses the list, and rules 2 and 3 at each. */
static void test_rules_hold_at_each(void **state)
{
	static const char grant[] = "{" ACCOUNTS("{\"name\": \"beta\", " ADA "}") "}";
	static const char use[] = "{" LISTS(CORP(HQ ", " HOME)) ", " ACCOUNTS(
		ACME(REF) ", {\"name\": \"beta\", \"mode\": \"enforce\", " ENTRIES(REF) "}") "}";
	struct fixture *fixture = *state;
	struct trial out = {.text = "{" LISTS(CORP(HQ)) ", " ACCOUNTS("") "}"};
	struct trial first = {.text = "{" LISTS("{\"name\": \"new\", " ENTRIES(LAB) "}") ", " ACCOUNTS(
				      "{\"name\": \"beta\", " ENTRIES("{\"prefix\": \"@new\"}") "}") "}"};

	take(fixture, grant);
	refuse(fixture, first, ERROR_ORIGIN_NOT_COVERED, "account beta");
	take(fixture, use);
	refuse(fixture, out, ERROR_WOULD_LOCK_OUT, "account acme");
	take(fixture, "{" ACCOUNTS("{\"name\": \"beta\", \"roles\": []}") "}");
	out.text = "{" LISTS(CORP(HQ ", " HOME ", " LAB)) ", " ACCOUNTS("") "}";
	refuse(fixture, out, ERROR_FORBIDDEN, "used by 2 accounts, of 1 of which you are not an admin");
	/* What goes has nobody to be asked for. */
	take(fixture,
	     "{\"scope\": \"host\", " LISTS(CORP(HQ ", " HOME ", " LAB)) ", " ACCOUNTS(ACME(REF)) "}");
	assert_int_equal(kernel.accounts[0].count4, 3);
}

static void test_a_dry_run_says_what_it_would(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE char *before = exported(fixture), *after = NULL;
	struct trial trial = {
		.text = "{\"scope\": \"host\", " LISTS("{\"name\": \"new\", " ENTRIES(LAB) "}") ", " ACCOUNTS(
			ACME(HOME ", {\"prefix\": \"@new\"}") ", {\"name\": \"beta\"}") "}",
		.dry_run = true,
		.answers = true};
	struct ag_error error = {0};
	AUTO_FREE char *lists = NULL;

	assert_int_equal(apply_policy(fixture, &trial, &error), 0);
	lists = json_dumps(json_object_get(trial.answer, "lists"), JSON_COMPACT);
	json_decref(trial.answer);
	assert_string_equal(
		lists,
		"[{\"list\":\"new\",\"change\":\"added\",\"entries\":{\"added\":1,\"removed\":0,"
		"\"changed\":0,\"difference\":{\"added\":[\"192.0.2.0/24\"],\"removed\":[],\"changed\":["
		"]}},\"accounts\":0},{\"list\":\"corp\",\"change\":\"removed\",\"entries\":{\"added\":0,"
		"\"removed\":1,\"changed\":0,\"difference\":{\"added\":[],\"removed\":[],\"changed\":[]}},"
		"\"accounts\":1}]");
	after = exported(fixture);
	assert_string_equal(before, after);
	assert_true(agrees(fixture));
}

/* A list too long for the loop, which refers to named lists that come and change with it. */
static char *long_document(const char *head, size_t count, const char *corp)
{
	struct buffer text = {0};

	(void)buffer_print(&text,
			   "{%s \"lists\": [%s, {\"name\": \"new\", \"entries\": [" LAB "]}], "
			   "\"accounts\": [{\"name\": \"beta\"}, {\"name\": \"acme\", \"entries\": [" HOME
			   ", " REF ", {\"prefix\": \"@new\"}",
			   head, corp);
	for (size_t i = 0; i < count; i++)
		(void)buffer_print(&text, ", {\"prefix\": \"11.%zu.%zu.0/24\"}", i / 256, i % 256);
	(void)buffer_print(&text, "]}]}");
	assert_int_equal(text.failed, 0);
	return text.data;
}

static void test_long_lists_refer_to_what_comes(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE char *text = long_document("", 2000, CORP(HQ ", {\"prefix\": \"198.51.100.0/24\"}"));
	struct trial dry = {.text = text, .dry_run = true};
	struct ag_error error = {0};

	if (apply_policy(fixture, &dry, &error))
		fail_msg("%s", error.message);
	assert_int_equal(corp_of(fixture).entries, 1);
	take(fixture, text);
	assert_int_equal(corp_of(fixture).entries, 2);
	assert_int_equal(kernel.accounts[0].count4, 2000 + 4);
	check_no_change(fixture, text);
}

/* ... and lets go of one that goes. */
static void test_long_lists_let_go(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE char *text = long_document("", 2000, CORP(HQ)), *without = NULL;
	struct trial dry = {.dry_run = true, .open = true};
	struct ag_error error = {0};
	char *reference;

	without = long_document("\"scope\": \"host\",", 1, "{\"name\": \"other\"}");
	reference = strstr(without, REF ", ");
	assert_non_null(reference);
	memset(reference, ' ', strlen(REF ", "));
	take(fixture, text);
	dry.text = without;
	if (apply_policy(fixture, &dry, &error))
		fail_msg("%s", error.message);
	take(fixture, without);
	assert_int_equal(corp_of(fixture).id, 0);
	assert_int_equal(kernel.accounts[0].count4, 3);
}

static void test_limits_are_kept(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text = {0};
	struct trial trial = {0};

	(void)buffer_print(&text, "{\"accounts\": [], \"lists\": [{\"name\": \"corp\", \"entries\": [");
	for (size_t i = 0; i < 101; i++)
		(void)buffer_print(&text, "%s{\"prefix\": \"11.0.%zu.0/24\"}", i ? ", " : "", i);
	(void)buffer_print(&text, "]}]}");
	trial.text = text.data;
	refuse(fixture, trial, ERROR_LIMIT, "lists[0].entries[100]: more than 100 entries");
	buffer_clear(&text);
}

/* --- the kernel refuses ------------------------------------------------------ */

static int attempt_lists(struct fixture *fixture, struct ag_error *error)
{
	return apply_text(
		fixture,
		"{\"scope\": \"host\", " LISTS("{\"name\": \"lab\", " ENTRIES(LAB) "}, " CORP(
			HQ ", " LAB)) ", " ACCOUNTS("{\"name\": \"acme\"}, {\"name\": \"beta\", " ADA
						    ", \"mode\": \"enforce\", " ENTRIES(
							    HOME ", {\"prefix\": \"@lab\"}") "}") "}",
		error);
}

static int attempt_removal(struct fixture *fixture, struct ag_error *error)
{
	return apply_text(
		fixture,
		"{\"scope\": \"host\", " LISTS("") ", " ACCOUNTS(ACME(HOME) ", {\"name\": \"beta\"}") "}",
		error);
}

static int setup_corp_and_beta(void **state)
{
	assert_int_equal(setup_corp(state), 0);
	take(*state, "{" ACCOUNTS("{\"name\": \"beta\", " ADA "}") "}");
	return 0;
}

static void test_each_call_fails(void **state)
{
	static const struct tried all[] = {{attempt_lists}, {attempt_removal}};

	(void)state;
	fail_attempts(setup_corp_and_beta, exported, all, sizeof(all) / sizeof(*all));
}

#define LIST_TEST(name) cmocka_unit_test_setup_teardown(name, setup_corp, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(test_they_come_with_the_accounts),
		LIST_TEST(test_an_export_is_no_change),
		LIST_TEST(test_who_uses_a_list_follows_it),
		LIST_TEST(test_a_note_is_no_change_of_accounts),
		LIST_TEST(test_scope_decides_what_goes),
		LIST_TEST(test_references_lead_somewhere),
		LIST_TEST(test_rules_hold_at_each),
		LIST_TEST(test_a_dry_run_says_what_it_would),
		LIST_TEST(test_long_lists_refer_to_what_comes),
		LIST_TEST(test_long_lists_let_go),
		LIST_TEST(test_limits_are_kept),
		cmocka_unit_test(test_each_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
