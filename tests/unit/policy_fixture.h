/* SPDX-License-Identifier: GPL-2.0-only */
/* policy_fixture.h - a document applied to the gate's fixture as the daemon does it, but here and now */
#pragma once

#include "tests/unit/gate_fixture.h"
#include "userspace/daemon/policy_answer.h"
#include "userspace/daemon/policy_export.h"

#define NEVER (&(const bool){false})

/* As policies_apply.c does it. */
struct trial {
	const char *text;
	bool open;
	bool force;
	bool dry_run;
	bool stale;	/* the policy changes between comparison and plan */
	int64_t within; /* seconds in which it is to be confirmed */
	size_t parts;	/* accounts that differ, of what came of it ... */
	size_t lists;	/* ... lists that do ... */
	size_t changes; /* ... and changes */
	json_t *answer; /* kept where the caller asks for it, who has it then */
	bool answers;
};

static UNUSED int prepare_lists(struct policydoc *document, struct policy_plan *plan, struct import **imports,
				size_t *count, struct ag_error *error)
{
	int err = 0;

	for (size_t i = 0; i < plan->part_count && !err; i++) {
		struct policy_part *part = &plan->parts[i];
		struct change change;

		if (!part->imports)
			continue;
		change = policy_plan_import(plan, part);
		err = import_new(plan->ask->gate, &change, policy_plan_import_what(part), &part->import,
				 error);
		if (err)
			break;
		imports[(*count)++] = part->import;
		part->import->lists_of = document;
		for (size_t k = 0; k < document->account_count; k++)
			if (&document->accounts[k] == part->entries->asked) {
				part->import->list = document->accounts[k].entries;
				document->accounts[k].entries = (struct list){0};
			}
		import_prepare(part->import);
		err = part->import->err;
		if (err)
			*error = part->import->error;
	}
	return err;
}

static UNUSED int touch(struct fixture *fixture, struct ag_error *error)
{
	static const enum ag_mode off = AG_MODE_OFF;
	struct change change = change_of(CHANGE_ACCOUNT_SET);

	change.mode = &off;
	return apply(fixture, &change, error);
}

static UNUSED int apply_policy(struct fixture *fixture, struct trial *trial, struct ag_error *error)
{
	static const struct policydoc_limits limits = {
		.accounts = SLOTS, .services = 32, .entries = 5000, .lists = 10, .list_entries = 100};
	struct change like = change_of(CHANGE_POLICY_APPLY);
	struct policydoc document = {0};
	struct policy_comparison comparison = {0};
	struct policy_plan plan = {0};
	struct import *imports[SLOTS];
	size_t import_count = 0;
	struct policy_ask ask = {.gate = fixture->gate,
				 .actor = like.actor,
				 .open = trial->open,
				 .force = trial->force,
				 .dry_run = trial->dry_run,
				 .confirm_within = trial->within,
				 .document = &document,
				 .comparison = &comparison};
	int err = policydoc_read(trial->text, strlen(trial->text), &limits, &document, error);

	if (!err)
		err = policy_compare(fixture->gate->store, &document, NEVER, &comparison, error);
	if (!err && trial->stale)
		err = touch(fixture, error);
	if (!err)
		err = policy_plan_make(&ask, &plan, error);
	if (!err)
		err = prepare_lists(&document, &plan, imports, &import_count, error);
	trial->parts = plan.part_count;
	trial->lists = plan.list_count;
	for (size_t i = 0; i < import_count && plan.list_count; i++)
		imports[i]->prepared.named_given = true;
	if (!err && (plan.part_count || plan.list_count))
		err = policy_plan_apply(&plan, error);
	trial->changes = plan.change_count;
	if (!err) {
		json_t *answer = policy_answer(&plan);

		assert_non_null(answer);
		if (trial->answers)
			trial->answer = answer;
		else
			json_decref(answer);
	}
	policy_plan_clear(&plan);
	while (import_count)
		import_free(imports[--import_count]);
	policy_comparison_clear(&comparison);
	policydoc_clear(&document);
	return err;
}

static UNUSED int apply_text(struct fixture *fixture, const char *text, struct ag_error *error)
{
	struct trial trial = {.text = text, .open = true};

	return apply_policy(fixture, &trial, error);
}

static UNUSED void take(struct fixture *fixture, const char *text)
{
	struct ag_error error = {0};

	if (apply_text(fixture, text, &error))
		fail_msg("%s: %s", text, error.message);
	assert_true(agrees(fixture));
}

static UNUSED char *exported(struct fixture *fixture)
{
	struct buffer text = {0};
	struct ag_error error = {0};

	if (policy_export(fixture->gate->store, "", NEVER, &text, &error))
		fail_msg("%s", error.message);
	return text.data;
}

/* Refused, and nothing of it done. */
static UNUSED void refuse(struct fixture *fixture, struct trial trial, enum error_code code, const char *says)
{
	AUTO_FREE char *before = exported(fixture), *after = NULL;
	uint64_t generation = fixture->gate->generation;
	struct ag_error error = {0};

	assert_int_not_equal(apply_policy(fixture, &trial, &error), 0);
	if (error.code != code || !strstr(error.message, says))
		fail_msg("%s: %s: %s, which does not say: %s", trial.text, error_code_name(error.code),
			 error.message, says);
	after = exported(fixture);
	assert_string_equal(before, after);
	assert_int_equal(fixture->gate->generation, generation);
	assert_true(agrees(fixture));
}

#define ADA	   "\"roles\": [{\"user\": \"ada\", \"role\": \"admin\"}]"
#define ENTRIES(e) "\"entries\": [" e "]"
#define HOME	   "{\"prefix\": \"198.51.100.9\"}"

/* acme, of which ada is an admin, active, and beta, of which she is none. */
#define TWO                                                                                                  \
	"{\"scope\": \"host\", \"accounts\": [{\"name\": \"acme\", " ADA                                     \
	"," ENTRIES(HOME) ", \"services\": [\"192.0.2.10:443/tcp\"]}, {\"name\": \"beta\", \"mode\": "       \
			  "\"monitor\"}]}"

static UNUSED int setup_two(void **state)
{
	struct fixture *fixture;
	struct ag_error error = {0};
	struct change ada = change_of(CHANGE_USER_ADD), grant = change_of(CHANGE_ROLE_GRANT);

	if (setup(state))
		return -1;
	fixture = *state;
	gate_close(fixture->gate);
	fixture->options.max_entries = 5000;
	assert_int_equal(gate_open(&fixture->options, &fixture->gate, &error), 0);
	ada.account[0] = '\0';
	ada.user = (struct store_user){.name = "ada", .uid = -1};
	assert_int_equal(apply(fixture, &ada, &error), 0);
	grant.user = ada.user;
	grant.role = ROLE_ADMIN;
	assert_int_equal(apply(fixture, &grant, &error), 0);
	take(fixture, TWO);
	return 0;
}
