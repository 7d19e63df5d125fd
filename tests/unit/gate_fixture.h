/* SPDX-License-Identifier: GPL-2.0-only */
/* gate_fixture.h - a gate over a store in a directory of its own and a kernel in memory, with account acme
 * and a service */
#pragma once

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "userspace/core/cleanup.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/import.h"
#include "userspace/daemon/verify.h"

#include "tests/unit/fake_kernel.h"

#define UNUSED __attribute__((unused))

struct fixture {
	char dir[64];
	struct options options;
	struct gate *gate;
};

static UNUSED struct addr address(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr, NULL), 0);
	return addr;
}

static UNUSED struct list list_of(const char *const *prefixes)
{
	struct list list = {0};

	for (; *prefixes; prefixes++) {
		struct entry entry = {0};

		assert_int_equal(prefix_parse(*prefixes, &entry.prefix, NULL), 0);
		assert_int_equal(list_append(&list, &entry), 0);
	}
	assert_null(list_sort(&list));
	return list;
}

static UNUSED struct change change_of(enum change_kind kind)
{
	struct change change = {.kind = kind, .account = "acme"};

	(void)snprintf(change.actor.name, sizeof(change.actor.name), "ada");
	change.actor.origin = address("198.51.100.9");
	change.actor.operator_ = true;
	return change;
}

static UNUSED int apply(struct fixture *fixture, const struct change *change, struct ag_error *error)
{
	struct outcome outcome = {0};
	int err = gate_apply(fixture->gate, change, &outcome, error);

	outcome_clear(&outcome);
	return err;
}

/* As the worker does it, but here and now. */
static UNUSED int apply_import(struct fixture *fixture, const struct change *change, enum import_what what,
			       const struct list *list, struct outcome *outcome, struct ag_error *error)
{
	struct change asked = *change;
	struct import *import = NULL;
	int err;

	asked.list = list;
	err = import_new(fixture->gate, &asked, what, &import, error);
	if (err)
		return err;
	import_prepare(import);
	err = import_apply(import, outcome, error);
	import_free(import);
	return err;
}

static UNUSED int apply_list(struct fixture *fixture, enum change_kind kind, const char *const *prefixes,
			     struct ag_error *error)
{
	struct change change = change_of(kind);
	struct list list = list_of(prefixes);
	struct outcome outcome = {0};
	int err;

	change.list = &list;
	change.open = !list.count || kind == CHANGE_ALLOW_REMOVE;
	err = kind == CHANGE_ALLOW_REPLACE
		      ? apply_import(fixture, &change, IMPORT_WHOLE, &list, &outcome, error)
		      : gate_apply(fixture->gate, &change, &outcome, error);
	outcome_clear(&outcome);
	list_clear(&list);
	return err;
}

static UNUSED int apply_service(struct fixture *fixture, enum change_kind kind, const char *text,
				struct ag_error *error)
{
	struct change change = change_of(kind);
	struct service service;

	assert_int_equal(service_parse(text, &service, NULL), 0);
	change.services = &service;
	change.service_count = 1;
	return apply(fixture, &change, error);
}

#define PREFIXES(...) ((const char *const[]){__VA_ARGS__, NULL})

static UNUSED void reset_kernel(void)
{
	for (size_t i = 0; i < SLOTS; i++)
		compiled_account_clear(&kernel.accounts[i]);
	kernel = (struct dataplane){0};
}

static UNUSED int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct ag_error error = {0};
	struct change add = change_of(CHANGE_ACCOUNT_ADD);

	assert_non_null(fixture);
	reset_kernel();
	/* In memory: what a disk makes of fsync() is no part of any test here. */
	(void)snprintf(fixture->dir, sizeof(fixture->dir), "%s/ag-test-gate-XXXXXX",
		       access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(fixture->dir));
	fixture->options = (struct options){
		.max_accounts = SLOTS, .max_services = 32, .max_entries = 100, .max_list_accounts = 3};
	(void)snprintf(fixture->options.store, sizeof(fixture->options.store), "%s/policy.db", fixture->dir);
	assert_int_equal(gate_open(&fixture->options, &fixture->gate, &error), 0);
	assert_int_equal(apply(fixture, &add, &error), 0);
	assert_int_equal(apply_service(fixture, CHANGE_SERVICE_ADD, "192.0.2.10:443/tcp", &error), 0);
	*state = fixture;
	return 0;
}

static UNUSED int teardown(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	gate_close(fixture->gate);
	(void)snprintf(command, sizeof(command), "rm -rf %s", fixture->dir);
	assert_int_equal(system(command), 0);
	free(fixture);
	reset_kernel();
	return 0;
}

/* What a pass over everything finds. */
static UNUSED size_t drift_of(struct fixture *fixture, bool repair)
{
	struct verify_pass *pass = verify_pass_new(fixture->gate, repair);
	struct ag_error error = {0};
	size_t drift;
	bool more = true;

	assert_non_null(pass);
	while (more)
		assert_int_equal(verify_pass_step(pass, &more, &error), 0);
	drift = repair ? verify_pass_repaired(pass) : fixture->gate->drift;
	verify_pass_free(pass);
	return drift;
}

static UNUSED bool same_account(const struct account *a, const struct account *b)
{
	return a && !strcmp(a->name, b->name) && a->id == b->id && a->slot == b->slot && a->mode == b->mode &&
	       on_deny_equal(&a->on_deny, &b->on_deny) && a->generation == b->generation &&
	       a->entries4 == b->entries4 && a->entries6 == b->entries6 &&
	       !strcmp(a->label ? a->label : "", b->label ? b->label : "");
}

/* What was edited in place is what reading it all anew would give. */
static UNUSED void assert_summary_is_true(struct fixture *fixture)
{
	struct summary *summary = &fixture->gate->summary, fresh = {0};
	struct account *accounts = NULL;
	AUTO_FREE struct claim *claims = NULL;
	struct ag_error error = {0};
	size_t account_count = 0, claim_count = 0;
	uint64_t id, generation;

	assert_int_equal(store_accounts(fixture->gate->store, &accounts, &account_count, &error), 0);
	assert_int_equal(store_claims(fixture->gate->store, &claims, &claim_count, &error), 0);
	assert_int_equal(store_identity(fixture->gate->store, &id, &generation, &error), 0);
	assert_int_equal(summary_build(&fresh, accounts, account_count, claims, claim_count), 0);
	accounts_free(accounts, account_count);
	assert_int_equal(fixture->gate->generation, generation);
	assert_int_equal(summary->account_count, fresh.account_count);
	for (size_t i = 0; i < fresh.account_count; i++)
		assert_true(same_account(summary->accounts[i], fresh.accounts[i]));
	assert_int_equal(summary->claim_count, fresh.claim_count);
	for (size_t i = 0; i < claim_count; i++) {
		assert_int_equal(claim_compare(&summary->by_service[i], &fresh.by_service[i]), 0);
		assert_int_equal(summary->by_slot[i].slot, fresh.by_slot[i].slot);
	}
	assert_memory_equal(&summary->tally, &fresh.tally, sizeof(fresh.tally));
	summary_clear(&fresh);
}

/* The kernel holds just what the store says: accounts and services. */
static UNUSED bool agrees(struct fixture *fixture)
{
	kernel.fail_at = 0;
	assert_summary_is_true(fixture);
	fixture->gate->reason[0] = '\0';
	return drift_of(fixture, false) == 0;
}

static UNUSED size_t stored(struct fixture *fixture)
{
	const struct account *account = gate_account(fixture->gate, "acme");

	return account ? account->entries4 + account->entries6 : SIZE_MAX;
}

typedef int (*attempt)(struct fixture *fixture, struct ag_error *error);

static UNUSED int attempt_first(struct fixture *fixture, struct ag_error *error)
{
	return apply_list(fixture, CHANGE_ALLOW_ADD, PREFIXES("198.51.100.9"), error);
}

static UNUSED int attempt_more(struct fixture *fixture, struct ag_error *error)
{
	return apply_list(fixture, CHANGE_ALLOW_ADD, PREFIXES("203.0.113.0/24", "2001:db8::/48"), error);
}

static UNUSED int attempt_last(struct fixture *fixture, struct ag_error *error)
{
	return apply_list(fixture, CHANGE_ALLOW_REMOVE, PREFIXES("198.51.100.9"), error);
}

static UNUSED int attempt_replace(struct fixture *fixture, struct ag_error *error)
{
	return apply_list(fixture, CHANGE_ALLOW_REPLACE, PREFIXES("198.51.100.0/24", "203.0.113.0/24"),
			  error);
}

static UNUSED int attempt_empty(struct fixture *fixture, struct ag_error *error)
{
	return apply_list(fixture, CHANGE_ALLOW_REPLACE, (const char *const[]){NULL}, error);
}

static UNUSED int attempt_mode(struct fixture *fixture, struct ag_error *error)
{
	static const enum ag_mode monitor = AG_MODE_MONITOR;
	struct change change = change_of(CHANGE_ACCOUNT_SET);

	change.mode = &monitor;
	return apply(fixture, &change, error);
}

static UNUSED int attempt_service(struct fixture *fixture, struct ag_error *error)
{
	return apply_service(fixture, CHANGE_SERVICE_ADD, "192.0.2.11:443/tcp", error);
}

static UNUSED int attempt_service_removal(struct fixture *fixture, struct ag_error *error)
{
	return apply_service(fixture, CHANGE_SERVICE_REMOVE, "192.0.2.10:443/tcp", error);
}
