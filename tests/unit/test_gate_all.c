// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_gate_all.c - several changes in one transaction
 *
 * Whatever is refused, by the rules, the store or the kernel: all of them are there afterwards, or none, in
 * the store and in the kernel alike.
 */
#include "tests/unit/faults.h"

#define CHANGES_MAX 8

/* Changes under construction, with what they point to. */
struct set {
	struct change changes[CHANGES_MAX];
	struct outcome outcomes[CHANGES_MAX];
	struct list lists[CHANGES_MAX];
	struct service services[CHANGES_MAX];
	size_t count;
	size_t failed;
};

static struct change *set_change(struct set *set, enum change_kind kind, const char *account)
{
	struct change *change = &set->changes[set->count++];

	assert_in_range(set->count, 1, CHANGES_MAX);
	*change = change_of(kind);
	(void)snprintf(change->account, sizeof(change->account), "%s", account);
	return change;
}

static struct change *set_list(struct set *set, enum change_kind kind, const char *account,
			       const char *const *prefixes)
{
	struct change *change = set_change(set, kind, account);
	struct list *list = &set->lists[set->count - 1];

	*list = list_of(prefixes);
	change->list = list;
	return change;
}

static struct change *set_service(struct set *set, enum change_kind kind, const char *account,
				  const char *text)
{
	struct change *change = set_change(set, kind, account);
	struct service *service = &set->services[set->count - 1];

	assert_int_equal(service_parse(text, service, NULL), 0);
	change->services = service;
	change->service_count = 1;
	return change;
}

static void set_clear(struct set *set)
{
	for (size_t i = 0; i < CHANGES_MAX; i++) {
		outcome_clear(&set->outcomes[i]);
		list_clear(&set->lists[i]);
	}
	*set = (struct set){0};
}

static int set_apply(struct fixture *fixture, struct set *set, struct ag_error *error)
{
	return gate_apply_all(fixture->gate, set->changes, set->count, set->outcomes, &set->failed, error);
}

/* Three active accounts with a service each: acme, beta, gamma. */
static int setup_three(void **state)
{
	static const char *const names[] = {"beta", "gamma"};
	static const char *const services[] = {"192.0.2.11:443/tcp", "192.0.2.12:443/tcp"};
	struct set set = {0};
	struct ag_error error = {0};

	if (setup(state))
		return -1;
	for (size_t i = 0; i < 2; i++) {
		(void)set_change(&set, CHANGE_ACCOUNT_ADD, names[i]);
		(void)set_service(&set, CHANGE_SERVICE_ADD, names[i], services[i]);
		(void)set_list(&set, CHANGE_ALLOW_ADD, names[i], PREFIXES("198.51.100.9"));
	}
	(void)set_list(&set, CHANGE_ALLOW_ADD, "acme", PREFIXES("198.51.100.9"));
	assert_int_equal(set_apply(*state, &set, &error), 0);
	assert_int_equal(set.failed, set.count);
	set_clear(&set);
	return 0;
}

static size_t entries_of(struct fixture *fixture, const char *name)
{
	const struct account *account = gate_account(fixture->gate, name);

	return account ? account_entries(account) : SIZE_MAX;
}

static size_t audit_rows(struct fixture *fixture)
{
	struct ag_error error = {0};
	uint64_t rows;

	assert_int_equal(store_audit_verify(fixture->gate->store, &rows, &error), 0);
	return rows;
}

static void test_all_are_in_force(void **state)
{
	struct fixture *fixture = *state;

	assert_true(agrees(fixture));
	assert_int_equal(fixture->gate->summary.account_count, 3);
	for (uint32_t slot = 0; slot < 3; slot++)
		assert_int_equal(kernel.accounts[slot].count4, 1);
	assert_int_equal(kernel.service_count, 3);
	assert_int_equal(kernel.generation, fixture->gate->generation);
}

/* One more entry for each. */
static void plan_more(struct set *set)
{
	(void)set_list(set, CHANGE_ALLOW_ADD, "acme", PREFIXES("203.0.113.0/24"));
	(void)set_list(set, CHANGE_ALLOW_ADD, "beta", PREFIXES("203.0.113.0/24"));
	(void)set_list(set, CHANGE_ALLOW_ADD, "gamma", PREFIXES("203.0.113.0/24"));
}

static void test_one_commit_and_one_publication(void **state)
{
	struct fixture *fixture = *state;
	size_t rows = audit_rows(fixture);
	struct ag_error error = {0};
	struct set set = {0};

	plan_more(&set);
	memset(kernel.order, 0, sizeof(kernel.order));
	assert_int_equal(set_apply(fixture, &set, &error), 0);
	assert_string_equal(kernel.order, "eeep"); /* lists that are there are edited, not built anew */
	assert_true(agrees(fixture));
	assert_int_equal(audit_rows(fixture), rows + 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(set.outcomes[i].added, 1);
		assert_true(set.outcomes[i].active);
		assert_int_equal(gate_account(fixture->gate, set.changes[i].account)->generation,
				 set.outcomes[i].generation);
	}
	assert_true(set.outcomes[0].generation < set.outcomes[1].generation);
	set_clear(&set);
}

static void test_one_refusal_refuses_all(void **state)
{
	struct fixture *fixture = *state;
	uint64_t generation = fixture->gate->generation;
	size_t rows = audit_rows(fixture);
	struct ag_error error = {0};
	struct set set = {0};

	plan_more(&set);
	set.changes[1].kind = CHANGE_ALLOW_REMOVE;
	list_clear(&set.lists[1]);
	set.lists[1] = list_of(PREFIXES("198.51.100.9"));
	assert_int_not_equal(set_apply(fixture, &set, &error), 0);
	assert_int_equal(error.code, ERROR_WOULD_OPEN);
	assert_int_equal(set.failed, 1);
	assert_int_equal(entries_of(fixture, "acme"), 1);
	assert_int_equal(entries_of(fixture, "gamma"), 1);
	assert_int_equal(fixture->gate->generation, generation);
	assert_int_equal(audit_rows(fixture), rows);
	assert_true(agrees(fixture));
	set_clear(&set);
}

static void test_dry_run_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	uint64_t generation = fixture->gate->generation;
	struct ag_error error = {0};
	struct set set = {0};

	plan_more(&set);
	for (size_t i = 0; i < set.count; i++)
		set.changes[i].dry_run = true;
	assert_int_equal(set_apply(fixture, &set, &error), 0);
	assert_int_equal(set.outcomes[2].came.count, 1);
	assert_int_equal(fixture->gate->generation, generation);
	assert_int_equal(entries_of(fixture, "beta"), 1);
	assert_true(agrees(fixture));
	set_clear(&set);
}

/* Midway nothing would hold the origin, and midway the account would be open; neither is ever in force. */
static void test_one_account_is_judged_once(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	struct set set = {0};

	(void)set_list(&set, CHANGE_ALLOW_REMOVE, "beta", PREFIXES("198.51.100.9"));
	(void)set_list(&set, CHANGE_ALLOW_ADD, "beta", PREFIXES("198.51.100.0/24"));
	etag_of(gate_account(fixture->gate, "beta"), set.changes[0].if_match);
	etag_of(gate_account(fixture->gate, "beta"), set.changes[1].if_match); /* of what was before both */
	assert_int_equal(set_apply(fixture, &set, &error), 0);
	assert_int_equal(entries_of(fixture, "beta"), 1);
	assert_int_equal(kernel.accounts[1].entries4[0].prefix.len, 24);
	assert_int_equal(kernel.published[1], 2);
	assert_true(agrees(fixture));
	set_clear(&set);

	(void)set_list(&set, CHANGE_ALLOW_ADD, "beta", PREFIXES("203.0.113.0/24"));
	(void)set_list(&set, CHANGE_ALLOW_REMOVE, "beta", PREFIXES("198.51.100.0/24"));
	assert_int_not_equal(set_apply(fixture, &set, &error), 0);
	assert_int_equal(error.code, ERROR_WOULD_LOCK_OUT);
	assert_true(agrees(fixture));
	set_clear(&set);
}

static void test_service_changes_hands(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	struct set set = {0};

	(void)set_service(&set, CHANGE_SERVICE_REMOVE, "beta", "192.0.2.11:443/tcp");
	(void)set_service(&set, CHANGE_SERVICE_ADD, "gamma", "192.0.2.11:443/tcp");
	(void)set_service(&set, CHANGE_SERVICE_ADD, "beta", "192.0.2.0/28:443/tcp");
	assert_int_equal(set_apply(fixture, &set, &error), 0);
	assert_true(agrees(fixture));
	assert_int_equal(kernel.service_count, 4);
	set_clear(&set);
}

static void test_removal_comes_last(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	struct set set = {0};

	(void)set_service(&set, CHANGE_SERVICE_REMOVE, "beta", "192.0.2.11:443/tcp");
	(void)set_service(&set, CHANGE_SERVICE_ADD, "gamma", "192.0.2.11:443/tcp");
	set_change(&set, CHANGE_ACCOUNT_REMOVE, "beta")->open = true;
	assert_int_equal(set_apply(fixture, &set, &error), 0);
	assert_int_equal(fixture->gate->summary.account_count, 2);
	assert_false(kernel.accounts[1].active);
	assert_true(agrees(fixture));
	set_clear(&set);
}

static void test_table_of_services_is_full(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	struct set set = {0};

	kernel.service_count = 31; /* as it believes */
	(void)set_service(&set, CHANGE_SERVICE_ADD, "acme", "192.0.2.20:443/tcp");
	(void)set_service(&set, CHANGE_SERVICE_ADD, "beta", "192.0.2.21:443/tcp");
	assert_int_not_equal(set_apply(fixture, &set, &error), 0);
	assert_int_equal(error.code, ERROR_LIMIT);
	kernel.service_count = 3;
	assert_true(agrees(fixture));
	set_clear(&set);
}

/* --- faults ------------------------------------------------------------------ */

static void plan_policy(struct set *set)
{
	static const enum ag_mode monitor = AG_MODE_MONITOR;

	(void)set_change(set, CHANGE_ACCOUNT_ADD, "delta");
	(void)set_service(set, CHANGE_SERVICE_REMOVE, "acme", "192.0.2.10:443/tcp");
	(void)set_service(set, CHANGE_SERVICE_ADD, "delta", "192.0.2.10:443/tcp");
	(void)set_list(set, CHANGE_ALLOW_ADD, "delta", PREFIXES("198.51.100.9"));
	(void)set_list(set, CHANGE_ALLOW_ADD, "beta", PREFIXES("2001:db8::/32"));
	(void)set_list(set, CHANGE_ALLOW_REMOVE, "beta", PREFIXES("198.51.100.9"));
	(void)set_list(set, CHANGE_ALLOW_ADD, "beta", PREFIXES("198.51.100.0/24"));
	set_change(set, CHANGE_ACCOUNT_SET, "gamma")->mode = &monitor;
}

/* The store: accounts, their modes, lists and services. */
static char *exported(struct fixture *fixture)
{
	const struct summary *summary = &fixture->gate->summary;
	struct buffer text = {.limit = 8192};
	struct ag_error error = {0};
	char prefix[PREFIX_TEXT_MAX], service[SERVICE_TEXT_MAX];

	for (size_t i = 0; i < summary->account_count; i++) {
		struct list list = {0};
		struct account account;

		assert_int_equal(store_account_find(fixture->gate->store, summary->accounts[i]->name,
						    &account, &error),
				 0);
		assert_int_equal(store_list(fixture->gate->store, account.id, &list, &error), 0);
		(void)buffer_print(&text, "%s %s:", account.name, mode_name(account.mode));
		for (size_t at = 0; at < list.count; at++) {
			prefix_format(&list.entries[at].prefix, prefix);
			(void)buffer_print(&text, " %s", prefix);
		}
		list_clear(&list);
		account_clear(&account);
	}
	for (size_t i = 0; i < summary->claim_count; i++) {
		service_format(&summary->by_service[i].service, service);
		(void)buffer_print(&text, " %s=%u", service, summary->by_service[i].slot);
	}
	assert_false(text.failed);
	return text.data;
}

struct planned {
	void (*plan)(struct set *set);
};

static int attempt_planned(struct fixture *fixture, const void *arg, struct ag_error *error)
{
	const struct planned *planned = arg;
	struct set set = {0};
	int err;

	planned->plan(&set);
	err = set_apply(fixture, &set, error);
	set_clear(&set);
	return err;
}

static void test_each_call_fails(void **state)
{
	static const struct planned all[] = {{plan_more}, {plan_policy}};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const struct faulty faulty = {.setup = setup_three,
					      .attempt = attempt_planned,
					      .exported = exported,
					      .arg = &all[i],
					      .least = 5};

		fail_once_and_for_good(&faulty);
	}
}

/* An account that is gone cannot be put back: then the new policy is what both come to hold. */
static void test_removal_stays_and_is_made_up_for(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	struct set set = {0};

	(void)set_list(&set, CHANGE_ALLOW_ADD, "gamma", PREFIXES("203.0.113.0/24"));
	set_change(&set, CHANGE_ACCOUNT_REMOVE, "beta")->open = true;
	kernel.calls = 0;
	kernel.fail_at = 2; /* the publication */
	kernel.fail_for = 1000;
	assert_int_not_equal(set_apply(fixture, &set, &error), 0);
	assert_int_equal(error.code, ERROR_KERNEL);
	assert_true(fixture->gate->reason[0]);
	assert_int_equal(fixture->gate->summary.account_count, 2);
	kernel.fail_at = 0;
	assert_int_equal(gate_reconcile(fixture->gate, false, NULL, &error), 0);
	assert_int_equal(entries_of(fixture, "gamma"), 2);
	assert_true(agrees(fixture));
	set_clear(&set);
}

/* ada, admin of acme, and her token there. */
static void add_token(struct fixture *fixture)
{
	struct store_token token = {.id = 7, .user = "ada", .role = ROLE_ADMIN, .created_at = 1};
	struct ag_error error = {0};
	struct set set = {0};
	struct change *change = set_change(&set, CHANGE_USER_ADD, "");

	change->user = (struct store_user){.name = "ada", .uid = -1};
	change = set_change(&set, CHANGE_ROLE_GRANT, "acme");
	strcpy(change->user.name, "ada");
	change->role = ROLE_ADMIN;
	set_change(&set, CHANGE_TOKEN_CREATE, "acme")->token = &token;
	assert_int_equal(set_apply(fixture, &set, &error), 0);
	set_clear(&set);
}

/* A role takes its tokens with it, and brings them back where the kernel refuses what it went with. */
static void test_role_comes_back_with_its_tokens(void **state)
{
	struct fixture *fixture = *state;
	struct ag_error error = {0};
	struct store_token token;
	struct set set = {0};

	add_token(fixture);
	for (int round = 0; round < 2; round++) {
		strcpy(set_change(&set, CHANGE_ROLE_REVOKE, "acme")->user.name, "ada");
		(void)set_list(&set, CHANGE_ALLOW_ADD, "gamma", PREFIXES("203.0.113.0/24"));
		kernel.calls = 0;
		kernel.fail_at = round == 0 ? 2 : 0; /* the publication */
		kernel.fail_for = 1;
		assert_int_equal(!set_apply(fixture, &set, &error), round);
		kernel.fail_at = 0;
		assert_int_equal(!store_token_find(fixture->gate->store, 7, &token, &error), !round);
		assert_true(agrees(fixture));
		set_clear(&set);
	}
}

#define with_three(test) cmocka_unit_test_setup_teardown(test, setup_three, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_three(test_all_are_in_force),
		with_three(test_one_commit_and_one_publication),
		with_three(test_one_refusal_refuses_all),
		with_three(test_dry_run_changes_nothing),
		with_three(test_one_account_is_judged_once),
		with_three(test_service_changes_hands),
		with_three(test_removal_comes_last),
		with_three(test_table_of_services_is_full),
		cmocka_unit_test(test_each_call_fails),
		with_three(test_removal_stays_and_is_made_up_for),
		with_three(test_role_comes_back_with_its_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
