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
#include "userspace/daemon/change.h"

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

static UNUSED int apply_list(struct fixture *fixture, enum change_kind kind, const char *const *prefixes,
			     struct ag_error *error)
{
	struct change change = change_of(kind);
	struct list list = list_of(prefixes);
	int err;

	change.list = &list;
	change.open = !list.count || kind == CHANGE_ALLOW_REMOVE;
	err = apply(fixture, &change, error);
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
	(void)snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/ag-test-gate-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	fixture->options = (struct options){.max_accounts = SLOTS, .max_services = 32, .max_entries = 100};
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

/* The kernel holds just what the store says: accounts and services. */
static UNUSED bool agrees(struct fixture *fixture)
{
	struct ag_error error = {0};

	kernel.fail_at = 0;
	assert_int_equal(gate_refresh(fixture->gate, &error), 0);
	fixture->gate->reason[0] = '\0';
	assert_int_equal(gate_verify(fixture->gate, &error), 0);
	return fixture->gate->drift == 0;
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
