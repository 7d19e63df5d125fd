// SPDX-License-Identifier: GPL-2.0-only
/* test_gate_named.c - accounts that refer to named lists: what they enforce, and changes of a list for all of
 * them */
#include "tests/unit/named_fixture.h"

#include "userspace/daemon/judge.h"

/* "203.0.113.0/24 198.51.100.9/32-": what the kernel holds of IPv4, with a sign behind what it denies. */
static void assert_kernel(uint32_t slot, const char *wanted)
{
	const struct compiled_account *account = &kernel.accounts[slot];
	char text[512] = "", prefix[PREFIX_TEXT_MAX];
	size_t used = 0;

	for (size_t i = 0; i < account->count4; i++) {
		prefix_format(&account->entries4[i].prefix, prefix);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s", i ? " " : "", prefix,
					 account->entries4[i].value.verdict == AG_ENTRY_DENY ? "-" : "");
	}
	assert_string_equal(text, wanted);
}

/* What both sides say of a source: the longest of all that is enforced. */
static void assert_judged(struct fixture *fixture, const char *account, const char *source,
			  enum ag_verdict verdict, const char *named)
{
	struct dataplane_question question = {
		.source = address(source), .proto = 6, .slot = gate_account(fixture->gate, account)->slot};
	struct opinion opinion = {0};
	struct ag_error error = {0};

	assert_int_equal(judge(fixture->gate, &question, &opinion, &error), 0);
	assert_int_equal(opinion.verdict, verdict);
	assert_int_equal(opinion.entry.list != NULL, named != NULL);
	if (named)
		assert_string_equal(opinion.entry.list, named);
	opinion_clear(&opinion);
}

static void test_union_is_in_force(void **state)
{
	struct fixture *fixture = *state;

	assert_kernel(0, "198.51.100.9/32 203.0.113.0/24");
	assert_int_equal(kernel.accounts[0].count6, 1);
	assert_true(agrees(fixture));
	assert_judged(fixture, "acme", "203.0.113.7", AG_VERDICT_ALLOWED, "vpn");
	assert_judged(fixture, "acme", "198.51.100.9", AG_VERDICT_ALLOWED, NULL);
	assert_judged(fixture, "beta", "192.0.2.1", AG_VERDICT_DENIED, NULL);
}

static void test_change_of_a_list_is_in_force_for_all(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	uint64_t acme = gate_account(fixture->gate, "acme")->generation;

	memset(kernel.order, 0, sizeof(kernel.order));
	assert_int_equal(edit_named(fixture, "vpn", true, PREFIXES("192.0.2.0/24"), &error), 0);
	assert_string_equal(kernel.order, "ssp");
	assert_kernel(0, "192.0.2.0/24 198.51.100.9/32 203.0.113.0/24");
	assert_kernel(1, "192.0.2.0/24 198.51.100.9/32 203.0.113.0/24");
	assert_true(gate_account(fixture->gate, "acme")->generation > acme);
	assert_int_equal(
		edit_named(fixture, "vpn", false, PREFIXES("192.0.2.0/24", "203.0.113.0/24"), &error), 0);
	assert_kernel(1, "198.51.100.9/32");
	assert_true(agrees(fixture));
}

#define assert_refused(call, wanted)                                                                         \
	do {                                                                                                 \
		error = (struct ag_error){0};                                                                \
		assert_int_not_equal(call, 0);                                                               \
		assert_int_equal(error.code, wanted);                                                        \
	} while (0)

static void test_rules_hold_at_each(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	uint64_t generation;

	assert_refused(edit_allowlist(fixture, "beta", CHANGE_ALLOW_REMOVE, PREFIXES("198.51.100.9"), &error),
		       ERROR_WOULD_LOCK_OUT);
	assert_int_equal(edit_named(fixture, "vpn", true, PREFIXES("198.51.100.0/24"), &error), 0);
	assert_int_equal(
		edit_allowlist(fixture, "beta", CHANGE_ALLOW_REMOVE, PREFIXES("198.51.100.9"), &error), 0);
	generation = fixture->gate->generation;
	assert_refused(edit_named(fixture, "vpn", false, PREFIXES("198.51.100.0/24"), &error),
		       ERROR_WOULD_LOCK_OUT);
	assert_non_null(strstr(error.message, "account beta"));
	assert_kernel(0, "198.51.100.0/24 198.51.100.9/32 203.0.113.0/24"); /* nor was acme changed */
	assert_int_equal(fixture->gate->generation, generation);
	assert_true(agrees(fixture));
}

static void test_emptied_list_opens_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct change remove = named_change(CHANGE_ALLOW_REMOVE, "beta", "");
	struct list own = sources_of(PREFIXES("198.51.100.9"));
	struct ag_error error = {0};

	remove.list = &own;
	remove.force = true;
	assert_int_equal(apply(fixture, &remove, &error), 0);
	assert_int_equal(
		edit_named(fixture, "vpn", false, PREFIXES("203.0.113.0/24", "2001:db8::/32"), &error), 0);
	assert_true(kernel.accounts[1].active);
	assert_int_equal(kernel.accounts[1].count4 + kernel.accounts[1].count6, 0);
	assert_judged(fixture, "beta", "203.0.113.7", AG_VERDICT_DENIED, NULL);
	assert_true(agrees(fixture));
	list_clear(&own);
}

static void test_first_entry_by_a_list(void **state)
{
	struct fixture *fixture = *state;
	struct change add = named_change(CHANGE_ACCOUNT_ADD, "gamma", "");
	struct ag_error error = {0};

	assert_int_equal(apply(fixture, &add, &error), 0);
	assert_refused(edit_allowlist(fixture, "gamma", CHANGE_ALLOW_ADD, PREFIXES("@vpn"), &error),
		       ERROR_ORIGIN_NOT_COVERED);
	assert_refused(edit_allowlist(fixture, "gamma", CHANGE_ALLOW_REPLACE, PREFIXES("@vpn"), &error),
		       ERROR_ORIGIN_NOT_COVERED);
	assert_int_equal(edit_named(fixture, "vpn", true, PREFIXES("198.51.100.8/29"), &error), 0);
	assert_int_equal(edit_allowlist(fixture, "gamma", CHANGE_ALLOW_REPLACE, PREFIXES("@vpn"), &error), 0);
	assert_kernel(2, "198.51.100.8/29 203.0.113.0/24");
	assert_true(agrees(fixture));
}

static void test_replaced_by_the_worker(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};

	assert_int_equal(edit_named(fixture, "guests", true, PREFIXES("198.51.100.9", "192.0.2.1"), &error),
			 0);
	assert_int_equal(edit_allowlist(fixture, "acme", CHANGE_ALLOW_REPLACE,
					PREFIXES("@guests", "@vpn", "192.0.2.0/24"), &error),
			 0);
	assert_kernel(0, "192.0.2.0/24 192.0.2.1/32 198.51.100.9/32 203.0.113.0/24");
	assert_true(agrees(fixture));
	assert_int_equal(
		edit_allowlist(fixture, "acme", CHANGE_ALLOW_REPLACE, PREFIXES("198.51.100.9"), &error), 0);
	assert_kernel(0, "198.51.100.9/32");
	assert_true(agrees(fixture));
}

static int prepared_lists(struct fixture *fixture, struct change change, const char *const *texts,
			  struct ag_error *error)
{
	struct list list = sources_of(texts);
	struct outcome outcome = {0};
	int err = apply_import(fixture, &change, IMPORT_LISTS, &list, &outcome, error);

	outcome_clear(&outcome);
	list_clear(&list);
	return err;
}

/* Long unions are compiled in the worker, for changes that edit the store themselves. */
static void test_union_is_built_for_a_change(void **state)
{
	static const enum ag_mode monitor = AG_MODE_MONITOR;
	struct fixture *fixture = *state;
	struct request_entry expire = {.has_expires = true, .expires = 4000000000};
	struct change add = named_change(CHANGE_ALLOW_ADD, "acme", ""), set = add, tune = add, remove = add;
	struct ag_error error = {0};

	set.kind = CHANGE_ALLOW_SET;
	set.set = &expire;
	tune.kind = CHANGE_ACCOUNT_SET;
	tune.mode = &monitor;
	remove.kind = CHANGE_ALLOW_REMOVE;
	assert_int_equal(edit_named(fixture, "guests", true, PREFIXES("192.0.2.1"), &error), 0);
	assert_int_equal(prepared_lists(fixture, add, PREFIXES("@guests", "192.0.2.0/24"), &error), 0);
	assert_kernel(0, "192.0.2.0/24 192.0.2.1/32 198.51.100.9/32 203.0.113.0/24");
	assert_true(agrees(fixture));
	assert_int_equal(prepared_lists(fixture, set, PREFIXES("@guests"), &error), 0);
	assert_int_equal(kernel.accounts[0].entries4[1].value.expires, 4000000000);
	assert_true(agrees(fixture));
	assert_int_equal(prepared_lists(fixture, tune, (const char *const[]){NULL}, &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(prepared_lists(fixture, remove, PREFIXES("@guests"), &error), 0);
	assert_kernel(0, "192.0.2.0/24 198.51.100.9/32 203.0.113.0/24");
	assert_true(agrees(fixture));
	assert_refused(prepared_lists(fixture, add, PREFIXES("@other"), &error), ERROR_NOT_FOUND);
}

static void test_list_that_is_not_there(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};

	assert_refused(edit_allowlist(fixture, "acme", CHANGE_ALLOW_ADD, PREFIXES("@other"), &error),
		       ERROR_NOT_FOUND);
	assert_refused(edit_allowlist(fixture, "acme", CHANGE_ALLOW_REPLACE,
				      PREFIXES("@other", "198.51.100.9"), &error),
		       ERROR_NOT_FOUND);
	assert_true(agrees(fixture));
}

static void test_no_more_accounts_than_the_setting(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	struct change add = change_of(CHANGE_ACCOUNT_ADD);

	fixture->options.max_list_accounts = 2;
	(void)snprintf(add.account, sizeof(add.account), "gamma");
	assert_int_equal(apply(fixture, &add, &error), 0);
	assert_refused(
		edit_allowlist(fixture, "gamma", CHANGE_ALLOW_ADD, PREFIXES("@vpn", "198.51.100.9"), &error),
		ERROR_LIMIT);
	assert_refused(edit_allowlist(fixture, "gamma", CHANGE_ALLOW_REPLACE,
				      PREFIXES("@vpn", "198.51.100.9"), &error),
		       ERROR_LIMIT);
	assert_int_equal(gate_account(fixture->gate, "gamma")->references, 0);
	error = (struct ag_error){0};
	assert_int_equal(edit_allowlist(fixture, "gamma", CHANGE_ALLOW_ADD,
					PREFIXES("@guests", "198.51.100.9"), &error),
			 0);
	assert_refused(edit_allowlist(fixture, "gamma", CHANGE_ALLOW_REPLACE,
				      PREFIXES("@vpn", "198.51.100.9"), &error),
		       ERROR_LIMIT);
	error = (struct ag_error){0};
	fixture->options.max_list_accounts = 1; /* for what comes, not for what is there */
	assert_int_equal(edit_allowlist(fixture, "acme", CHANGE_ALLOW_ADD, PREFIXES("192.0.2.0/24"), &error),
			 0);
	assert_refused(edit_named(fixture, "vpn", true, PREFIXES("192.0.2.0/24"), &error), ERROR_LIMIT);
	error = (struct ag_error){0};
	assert_int_equal(edit_named(fixture, "vpn", false, PREFIXES("203.0.113.0/24"), &error), 0);
	assert_true(agrees(fixture));
}

static void test_list_in_use_stays(void **state)
{
	struct fixture *fixture = *state;
	struct change remove = named_change(CHANGE_LIST_REMOVE, "", "vpn");
	struct ag_error error = {0};

	assert_refused(apply(fixture, &remove, &error), ERROR_CONFLICT);
	assert_non_null(strstr(error.message, "acme, beta"));
	assert_int_equal(edit_allowlist(fixture, "acme", CHANGE_ALLOW_REMOVE, PREFIXES("@vpn"), &error), 0);
	assert_kernel(0, "198.51.100.9/32");
	assert_int_equal(edit_allowlist(fixture, "beta", CHANGE_ALLOW_REMOVE, PREFIXES("@vpn"), &error), 0);
	assert_int_equal(apply(fixture, &remove, &error), 0);
	assert_true(agrees(fixture));
}

static void test_list_changes_while_an_import_prepares(void **state)
{
	struct fixture *fixture = *state;
	struct change change = named_change(CHANGE_ALLOW_REPLACE, "acme", "");
	struct list list = sources_of(PREFIXES("@guests", "198.51.100.9"));
	struct import *import = NULL;
	struct outcome outcome = {0};
	struct ag_error error = {0};

	change.list = &list;
	assert_int_equal(import_new(fixture->gate, &change, IMPORT_WHOLE, &import, &error), 0);
	import_prepare(import);
	assert_int_equal(edit_named(fixture, "guests", true, PREFIXES("192.0.2.1"), &error), 0);
	assert_refused(import_apply(import, &outcome, &error), ERROR_CONFLICT);
	import_free(import);
	outcome_clear(&outcome);
	list_clear(&list);
	assert_kernel(0, "198.51.100.9/32 203.0.113.0/24");
	assert_true(agrees(fixture));
}

static int set_reference(struct fixture *fixture, const char *account, const struct request_entry *set,
			 struct ag_error *error)
{
	struct change change = named_change(CHANGE_ALLOW_SET, account, "");
	struct list list = sources_of(PREFIXES("@vpn"));
	int err;

	change.list = &list;
	change.set = set;
	err = apply(fixture, &change, error);
	list_clear(&list);
	return err;
}

static void test_reference_is_set(void **state)
{
	struct fixture *fixture = *state;
	struct request_entry disable = {.has_enabled = true}, enable = {.has_enabled = true, .enabled = true};
	struct request_entry expire = {.has_expires = true, .expires = 4000000000};
	struct ag_error error = {0};

	assert_int_equal(set_reference(fixture, "acme", &disable, &error), 0);
	assert_kernel(0, "198.51.100.9/32");
	assert_true(agrees(fixture));
	assert_int_equal(set_reference(fixture, "acme", &enable, &error), 0);
	assert_int_equal(set_reference(fixture, "acme", &expire, &error), 0);
	assert_kernel(0, "198.51.100.9/32 203.0.113.0/24");
	assert_int_equal(kernel.accounts[0].entries4[1].value.expires, 4000000000);
	assert_int_equal(kernel.accounts[0].entries4[0].value.expires, 0);
	assert_true(agrees(fixture));
}

/* What the program may have to look up again and again stays bounded, whatever is in a list. */
static void test_lengths_that_expire(void **state)
{
	struct fixture *fixture = *state;
	struct request_entry expire = {.has_expires = true, .expires = 4000000000};
	struct ag_error error = {0};

	assert_int_equal(set_reference(fixture, "acme", &expire, &error), 0);
	assert_refused(edit_named(fixture, "vpn", true,
				  PREFIXES("10.0.0.0/8", "10.0.0.0/9", "10.0.0.0/10", "10.0.0.0/11",
					   "10.0.0.0/12", "10.0.0.0/13", "10.0.0.0/14", "10.0.0.0/15"),
				  &error),
		       ERROR_LIMIT);
	assert_non_null(strstr(error.message, "account acme"));
	assert_true(agrees(fixture));
}

static void test_drift_is_found_and_repaired(void **state)
{
	struct fixture *fixture = *state;

	kernel.accounts[1].entries4[1].value.verdict = AG_ENTRY_DENY;
	kernel.accounts[0].count6 = 0;
	assert_int_equal(drift_of(fixture, false), 2);
	assert_int_equal(drift_of(fixture, true), 2);
	assert_int_equal(drift_of(fixture, false), 0);
	assert_kernel(1, "198.51.100.9/32 203.0.113.0/24");
}

/* A long list is compared in pages: what comes through lists falls between any two of its entries. */
static void test_long_list_is_compared_in_pages(void **state)
{
	struct fixture *fixture = *state;
	struct change change = named_change(CHANGE_ALLOW_REPLACE, "acme", "");
	struct list list = sources_of(PREFIXES("@vpn", "198.51.100.9"));
	struct outcome outcome = {0};
	struct ag_error error = {0};

	gate_close(fixture->gate);
	fixture->options.max_entries = 10000;
	assert_int_equal(gate_open(&fixture->options, &fixture->gate, &error), 0);
	for (uint32_t i = 0; i < 5000; i++) {
		struct entry entry = {
			.prefix = {.addr = {AG_FAMILY_IPV4, {203, 0, (uint8_t)(100 + i / 256), (uint8_t)i}},
				   .len = 32},
			.disabled = i % 7 == 0};

		assert_int_equal(list_append(&list, &entry), 0);
	}
	assert_null(list_sort(&list));
	assert_int_equal(apply_import(fixture, &change, IMPORT_WHOLE, &list, &outcome, &error), 0);
	assert_int_equal(drift_of(fixture, false), 0);
	assert_int_equal(kernel.accounts[0].count6, 1);
	assert_int_equal(edit_named(fixture, "vpn", true, PREFIXES("192.0.2.1", "224.0.0.0/8"), &error), 0);
	assert_int_equal(drift_of(fixture, false), 0);
	kernel.accounts[0].count4--;
	assert_int_equal(drift_of(fixture, false), 1);
	assert_int_equal(drift_of(fixture, true), 1);
	outcome_clear(&outcome);
	list_clear(&list);
}

static void test_survives_a_restart(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};

	gate_close(fixture->gate);
	assert_int_equal(gate_open(&fixture->options, &fixture->gate, &error), 0);
	assert_string_equal(fixture->gate->reason, "");
	assert_true(agrees(fixture));
	assert_kernel(1, "198.51.100.9/32 203.0.113.0/24");
}

#define named_test(test) cmocka_unit_test_setup_teardown(test, setup_named, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		named_test(test_union_is_in_force),
		named_test(test_change_of_a_list_is_in_force_for_all),
		named_test(test_rules_hold_at_each),
		named_test(test_emptied_list_opens_nothing),
		named_test(test_first_entry_by_a_list),
		named_test(test_replaced_by_the_worker),
		named_test(test_union_is_built_for_a_change),
		named_test(test_list_that_is_not_there),
		named_test(test_no_more_accounts_than_the_setting),
		named_test(test_list_in_use_stays),
		named_test(test_list_changes_while_an_import_prepares),
		named_test(test_reference_is_set),
		named_test(test_lengths_that_expire),
		named_test(test_drift_is_found_and_repaired),
		named_test(test_long_list_is_compared_in_pages),
		named_test(test_survives_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
