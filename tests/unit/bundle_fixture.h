/* SPDX-License-Identifier: GPL-2.0-only */
/* bundle_fixture.h - several changes that wait as one, over a gate with accounts, people and named lists */
#pragma once

#include "tests/unit/named_fixture.h"
#include "tests/unit/pending_fixture.h"
#include "tests/unit/policy_fixture.h"

#include "userspace/daemon/bundle_plan.h"

#include <time.h>

#define WITHIN 60

/* acme and beta as named_fixture.h has them, people with tokens, entries with notes. */
static UNUSED struct fixture *begin(void **state)
{
	struct change change = change_of(CHANGE_USER_ADD), role = change_of(CHANGE_ROLE_GRANT);
	struct fixture *fixture;
	struct ag_error error = {0};

	assert_int_equal(setup_named(state), 0);
	fixture = *state;
	gate_close(fixture->gate);
	fixture->options.max_entries = 5000;
	assert_int_equal(gate_open(&fixture->options, &fixture->gate, &error), 0);
	change.account[0] = '\0';
	change.user = (struct store_user){.name = "ada", .uid = -1};
	assert_int_equal(apply(*state, &change, &error), 0);
	change.user = (struct store_user){.name = "bob", .uid = 1000};
	assert_int_equal(apply(*state, &change, &error), 0);
	role.user = (struct store_user){.name = "ada"};
	role.role = ROLE_ADMIN;
	assert_int_equal(apply(*state, &role, &error), 0);
	(void)snprintf(role.account, sizeof(role.account), "beta");
	assert_int_equal(apply(*state, &role, &error), 0);
	(void)snprintf(role.account, sizeof(role.account), "acme");
	role.user = (struct store_user){.name = "bob"};
	role.role = ROLE_VIEWER;
	assert_int_equal(apply(*state, &role, &error), 0);
	assert_int_equal(create_token(*state, 1, "bob", 0, &error), 0);
	assert_int_equal(edit_named(*state, "guests", true, PREFIXES("192.0.2.64/26"), &error), 0);
	return *state;
}

static UNUSED void snap_lists(struct fixture *fixture, char *text)
{
	AUTO_FREE struct store_named *lists = NULL;
	struct ag_error error = {0};
	size_t count = 0;

	assert_int_equal(store_named_all(fixture->gate->store, &lists, &count, &error), 0);
	for (size_t i = 0; i < count; i++) {
		struct list list = {0};
		char prefix[PREFIX_TEXT_MAX];

		snap(text, "list %s at %lld\n", lists[i].name, (long long)lists[i].created_at);
		assert_int_equal(store_named_list(fixture->gate->store, &lists[i], &list, &error), 0);
		for (size_t k = 0; k < list.count; k++) {
			prefix_format(&list.entries[k].prefix, prefix);
			snap(text, " %s '%s' by %s at %lld\n", prefix,
			     list.entries[k].note ? list.entries[k].note : "",
			     list.entries[k].created_by ? list.entries[k].created_by : "",
			     (long long)list.entries[k].created_at);
		}
		list_clear(&list);
	}
}

/* The caller frees. */
static UNUSED char *snapshot_all(struct fixture *fixture)
{
	char *text = snapshot(fixture);

	snap_lists(fixture, text);
	return text;
}

/* What is done when nobody confirmed it, or somebody asks for it. */
static UNUSED int take_bundle_back(struct fixture *fixture, enum pending_subject subject, const char *name,
				   bool dry_run, struct ag_error *error)
{
	const struct change common = {.action = "confirm expired", .dry_run = dry_run};
	struct store_pending row = pending_of(fixture, subject, name);
	struct bundle_plan *plan = NULL;
	int err = bundle_plan_new(fixture->gate, &row, &common, &plan, error);

	for (size_t i = 0; !err && i < plan->import_count; i++) {
		import_prepare(plan->imports[i]);
		err = plan->imports[i]->err;
		if (err)
			*error = plan->imports[i]->error;
	}
	if (!err)
		err = bundle_plan_apply(plan, error);
	bundle_plan_free(plan);
	store_pending_clear(&row);
	return err;
}

/* A change of the named list, with those that use it, as the API makes it. */
static UNUSED int change_named(struct fixture *fixture, enum change_kind kind, const char *named,
			       const char *const *texts, int64_t within, struct ag_error *error)
{
	AUTO_FREE struct store_named_user *users = NULL;
	bool edits = kind == CHANGE_LIST_ADD || kind == CHANGE_LIST_REMOVE_ENTRIES;
	enum change_kind listed = kind == CHANGE_LIST_ADD ? CHANGE_LISTED_ADD : CHANGE_LISTED_REMOVE;
	struct change changes[4] = {0};
	struct outcome outcomes[4] = {0};
	struct list list = sources_of(texts);
	size_t count = 0;
	int err;

	if (edits)
		assert_int_equal(store_named_users(fixture->gate->store, named, &users, &count, error), 0);
	assert_in_range(count, 0, 3);
	for (size_t i = 0; i <= count; i++) {
		changes[i] = named_change(i ? listed : kind, i ? users[i - 1].account : "", named);
		changes[i].list = edits ? &list : NULL;
	}
	changes[0].confirm_within = within;
	err = gate_apply_all(fixture->gate, changes, count + 1, outcomes, NULL, error);
	for (size_t i = 0; i <= count; i++)
		outcome_clear(&outcomes[i]);
	list_clear(&list);
	return err;
}

/* --- what is made ------------------------------------------------------------------ */

/* Entries that come, go and are set; settings; a role that goes with its token, and one that comes; a service
 * that moves, to an account that comes. */
static const char CHANGED[] =
	"{\"accounts\": [{\"name\": \"acme\", \"mode\": \"monitor\", \"label\": \"x\", \"services\": "
	"[\"192.0.2.11\"], " ADA
	", " ENTRIES("{\"prefix\": \"@vpn\", \"note\": \"later\"}, {\"prefix\": "
		     "\"198.51.100.0/24\"}, {\"prefix\": \"@guests\"}") "},"
									"{\"name\": \"gamma\", \"services\": "
									"[\"192.0.2.10:443/tcp\"], " ADA
									", " ENTRIES(HOME) "}]}";
/* beta goes, and acme gets its service. */
static const char REMOVED[] = "{\"scope\": \"host\", \"accounts\": [{\"name\": \"acme\", \"services\": "
			      "[\"192.0.2.10:443/tcp\", \"192.0.2.20\"]}]}";

/* Lists come, change and go, and what uses them with them; acme's own list goes back whole. */
static const char LISTS[] =
	"{\"scope\": \"host\", \"lists\": [{\"name\": \"vpn\", \"entries\": [{\"prefix\": "
	"\"203.0.113.0/24\", "
	"\"note\": \"other\"}, {\"prefix\": \"192.0.2.128/26\"}]}, {\"name\": \"fresh\", \"entries\": "
	"[{\"prefix\": \"192.0.2.192/26\"}]}], \"accounts\": [{\"name\": \"beta\", " ENTRIES(
		HOME
		", {\"prefix\": \"@fresh\"}") "}, {\"name\": \"acme\", %s" ENTRIES(HOME ", {\"prefix\": "
											"\"@vpn\"}%s") "}]}";

/* A bundle that is made. */
struct scenario {
	const char *name;
	enum change_kind kind;
	enum pending_subject subject;
	const char *of;
	const char *text; /* a policy, or a prefix */
	bool is_long;	  /* the policy has many entries */
	bool has_lists;
};

static const struct scenario scenarios[] = {
	{"list create", CHANGE_LIST_CREATE, PENDING_LIST, .of = "new"},
	{"list remove", CHANGE_LIST_REMOVE, PENDING_LIST, .of = "guests"},
	{"list add", CHANGE_LIST_ADD, PENDING_LIST, .of = "vpn", .text = "192.0.2.0/26"},
	{"list remove-entry", CHANGE_LIST_REMOVE_ENTRIES, PENDING_LIST, .of = "vpn",
	 .text = "203.0.113.0/24"},
	{"list add, of nobody's", CHANGE_LIST_ADD, PENDING_LIST, .of = "guests", .text = "192.0.2.0/26"},
	{"policy", CHANGE_POLICY_APPLY, PENDING_POLICY, .of = PENDING_POLICY_NAME, .text = CHANGED},
	{"policy without an account", CHANGE_POLICY_APPLY, PENDING_POLICY, .of = PENDING_POLICY_NAME,
	 .text = REMOVED},
	{"policy of many", CHANGE_POLICY_APPLY, PENDING_POLICY, .of = PENDING_POLICY_NAME, .is_long = true},
	{"policy with lists", CHANGE_POLICY_APPLY, PENDING_POLICY, .of = PENDING_POLICY_NAME,
	 .has_lists = true},
	{"policy of many with lists", CHANGE_POLICY_APPLY, PENDING_POLICY, .of = PENDING_POLICY_NAME,
	 .is_long = true, .has_lists = true},
};

/* A list that is prepared, with settings; or named lists; or both. */
static UNUSED char *document(const struct scenario *scenario)
{
	struct buffer text = {0}, many = {0};

	for (size_t n = 0; n < 1100 && scenario->is_long; n++)
		(void)buffer_print(&many, ",{\"prefix\": \"10.%zu.%zu.0/24\"}", n / 256, n % 256);
	(void)buffer_print(&text,
			   scenario->has_lists
				   ? LISTS
				   : "{\"accounts\": [{\"name\": \"acme\", %s" ENTRIES(HOME "%s") "}]}",
			   scenario->is_long ? "\"mode\": \"monitor\", " : "", many.data ? many.data : "");
	assert_false(text.failed || many.failed);
	buffer_clear(&many);
	return text.data;
}

static UNUSED int make_within(struct fixture *fixture, const struct scenario *scenario, int64_t within,
			      struct ag_error *error)
{
	AUTO_FREE char *text = scenario->text ? NULL : document(scenario);
	struct trial trial = {.text = text ? text : scenario->text, .open = true, .within = within};

	if (scenario->kind == CHANGE_POLICY_APPLY)
		return apply_policy(fixture, &trial, error);
	return change_named(fixture, scenario->kind, scenario->of,
			    (const char *const[]){scenario->text, NULL}, within, error);
}

static UNUSED int make(struct fixture *fixture, const struct scenario *scenario, struct ag_error *error)
{
	return make_within(fixture, scenario, WITHIN, error);
}

/* beta has a service of its own, and an entry with a note and an expiry. */
static UNUSED struct fixture *begin_two(void **state)
{
	struct fixture *fixture = begin(state);
	struct request_entry set = {
		.has_note = true, .note = "the office", .has_expires = true, .expires = time(NULL) + 3600};
	struct change change = named_change(CHANGE_SERVICE_ADD, "beta", ""),
		      entry = named_change(CHANGE_ALLOW_SET, "beta", "");
	struct list list = sources_of(PREFIXES("198.51.100.9"));
	struct service service;
	struct ag_error error = {0};

	assert_int_equal(service_parse("192.0.2.20", &service, NULL), 0);
	change.services = &service;
	change.service_count = 1;
	assert_int_equal(apply(fixture, &change, &error), 0);
	entry.list = &list;
	entry.set = &set;
	assert_int_equal(apply(fixture, &entry, &error), 0);
	list_clear(&list);
	return fixture;
}

static UNUSED int back(struct fixture *fixture, const struct scenario *scenario, bool dry_run,
		       struct ag_error *error)
{
	return take_bundle_back(fixture, scenario->subject, scenario->of, dry_run, error);
}
