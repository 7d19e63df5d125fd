// SPDX-License-Identifier: GPL-2.0-only
/* run_host.c - what the daemon says of itself, of a caller and of an address: see run.h */
#include <stdio.h>
#include <string.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
#include "userspace/cli/show.h"
#include "userspace/core/table.h"

/* A line of text with members of an answer in it, as sentences have them: "up {uptime_seconds} s". */
static void say(struct invocation *invocation, const char *sentence, const json_t *answer)
{
	show_sentence(invocation, sentence, answer, &invocation->out);
}

static int get(struct invocation *invocation, json_t **ret)
{
	struct buffer target = {0};
	int err;

	ask_target(invocation, &target);
	err = ask_json(invocation, &target, NULL, 0, ret);
	buffer_clear(&target);
	return err;
}

/* --- status ---------------------------------------------------------------- */

static const struct field STATUS[] = {
	{"VERSION", "version", false, FIELD_PLAIN},
	{"KERNEL", "kernel", false, FIELD_PLAIN},
	{"UPTIME SECONDS", "uptime_seconds", false, FIELD_PLAIN},
	{"STATE", "state", false, FIELD_PLAIN},
	{"REASON", "reason", false, FIELD_PLAIN},
	{"GENERATION", "generation", false, FIELD_PLAIN},
	{"GENERATION IN KERNEL", "kernel_generation", false, FIELD_PLAIN},
	{"DRIFT ENTRIES", "drift", false, FIELD_PLAIN},
	{"ACCOUNTS", "accounts", false, FIELD_PLAIN},
	{"ACTIVE ACCOUNTS", "active_accounts", false, FIELD_PLAIN},
	{"SERVICES", "services", false, FIELD_PLAIN},
	{"ENTRIES", "entries", false, FIELD_PLAIN},
	{"PENDING", "pending", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};
_Static_assert(sizeof(STATUS) / sizeof(*STATUS) <= FIELDS_MAX + 1, "a table has room for the fields");

static const struct field STATUS_INTERFACE[] = {
	{"INTERFACE", "interface", false, FIELD_PLAIN},
	{"MODE", "mode", false, FIELD_PLAIN},
	{"ATTACHED", "attached", false, FIELD_PLAIN},
	{"FALLBACK", "fallback", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field TOTAL[] = {
	{"VERDICT", "verdict", false, FIELD_WORD},
	{"PACKETS", "packets", true, FIELD_PLAIN},
	{"BYTES", "bytes", true, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static void print_uptime(struct buffer *out, json_int_t seconds)
{
	static const struct {
		const char *name;
		json_int_t seconds;
	} units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
	size_t first = 0;

	while (first < 3 && seconds < units[first].seconds)
		first++;
	(void)buffer_print(out, "%" JSON_INTEGER_FORMAT " %s", seconds / units[first].seconds,
			   units[first].name);
	if (first < 3)
		(void)buffer_print(out, " %" JSON_INTEGER_FORMAT " %s",
				   seconds % units[first].seconds / units[first + 1].seconds,
				   units[first + 1].name);
}

/* First of all, where it is so. */
static void print_panic(struct invocation *invocation, const json_t *panic)
{
	if (!json_is_object(panic))
		return;
	(void)buffer_print(&invocation->out, "PANIC       "); /* remembered in the buffer, as below */
	say(invocation,
	    json_object_get(panic, "reason") ? "everything passes, since {since}, by {by}: {reason}"
					     : "everything passes, since {since}",
	    panic);
}

static void print_summary(struct invocation *invocation, const json_t *status)
{
	struct buffer *out = &invocation->out;
	const char *reason = json_string_value(json_object_get(status, "reason"));
	const char *state = json_string_value(json_object_get(status, "state"));
	bool degraded = json_is_true(json_object_get(status, "degraded"));

	print_panic(invocation, json_object_get(status, "panic"));
	(void)buffer_print(out, "uptime      "); /* remembered in the buffer, as below */
	print_uptime(out, json_integer_value(json_object_get(status, "uptime_seconds")));
	(void)buffer_print(out, "\nstate       ");
	show_word(invocation, state ? state : "");
	if (degraded && state && strcmp(state, "degraded") != 0) {
		(void)buffer_print(out, ", ");
		show_word(invocation, "degraded");
	}
	say(invocation, reason && *reason ? ": {reason}" : "", status);
	say(invocation,
	    "generation  {generation} in the store, {kernel_generation} in the kernel; drift {drift}",
	    status);
	say(invocation,
	    "policy      accounts {accounts} (active {active_accounts}), services {services}, entries "
	    "{entries}",
	    status);
	if (json_integer_value(json_object_get(status, "pending")))
		say(invocation, "pending     {pending} to be confirmed: see \"allowgate confirm\"", status);
	if (json_is_string(json_object_get(status, "store")))
		say(invocation, "store       {store}", status);
}

/* {"open": {...}, ...} as rows. */
static json_t *total_rows(const json_t *totals)
{
	json_t *rows = json_array(), *value;
	const char *verdict;

	json_object_foreach ((json_t *)totals, verdict, value) {
		json_t *row = json_pack("{s:s, s:O*, s:O*}", "verdict", verdict, "packets",
					json_object_get(value, "packets"), "bytes",
					json_object_get(value, "bytes"));

		if (json_array_append_new(rows, row)) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

static int print_section(struct invocation *invocation, const struct field *fields, const json_t *rows)
{
	if (!json_array_size(rows))
		return 0;
	if (!option_given(invocation, OPTION_QUIET))
		(void)buffer_append(&invocation->out, "\n", 1); /* remembered in the buffer */
	return show_items(invocation, fields, rows);
}

int run_status(struct invocation *invocation)
{
	AUTO_JSON json_t *status = NULL;
	AUTO_JSON json_t *totals = NULL;
	const json_t *interfaces;
	int err = get(invocation, &status);

	if (err)
		return err;
	if (option_given(invocation, OPTION_JSON))
		return show_json(invocation, status);
	if (option_given(invocation, OPTION_QUIET))
		return show_object(invocation, STATUS, status);
	say(invocation, "allowgated  {version}, kernel {kernel}", status);
	print_summary(invocation, status);
	interfaces = json_object_get(status, "interfaces");
	if (!json_array_size(interfaces))
		say(invocation, "interfaces  none: nothing is filtered", status);
	err = print_section(invocation, STATUS_INTERFACE, interfaces);
	totals = total_rows(json_object_get(status, "totals"));
	return err ? err : print_section(invocation, TOTAL, totals);
}

/* --- whoami ---------------------------------------------------------------- */

int run_whoami(struct invocation *invocation)
{
	static const struct field ROLES[] = {
		{"ACCOUNT", "account", false, FIELD_PLAIN},
		{"ROLE", "role", false, FIELD_PLAIN},
		{NULL, NULL, false, FIELD_PLAIN},
	};
	AUTO_JSON json_t *whoami = NULL;
	int err = get(invocation, &whoami);

	if (err)
		return err;
	if (option_given(invocation, OPTION_JSON))
		return show_json(invocation, whoami);
	err = show_object(invocation, invocation->command->fields, whoami);
	if (!err && !option_given(invocation, OPTION_QUIET))
		err = print_section(invocation, ROLES, json_object_get(whoami, "roles"));
	return err;
}

/* --- doctor ---------------------------------------------------------------- */

/* A line a finding, and what to do on one of its own, which is too long for a table. */
static void print_finding(struct invocation *invocation, const json_t *finding)
{
	const char *state = json_string_value(json_object_get(finding, "state"));
	const char *advice = json_string_value(json_object_get(finding, "advice"));
	bool of_interface = json_is_string(json_object_get(finding, "interface"));

	(void)buffer_print(&invocation->out, "%s", state && !strcmp(state, "ok") ? "  " : "");
	show_word(invocation, state ? state : "unknown"); /* remembered in the buffer, as below */
	(void)buffer_print(&invocation->out, "  ");
	say(invocation, of_interface ? "{interface}: {check}: {detail}" : "{check}: {detail}", finding);
	if (advice && *advice)
		say(invocation, "      {advice}", finding);
}

static size_t count_failures(const json_t *findings)
{
	const json_t *finding;
	size_t index, failures = 0;

	json_array_foreach ((json_t *)findings, index, finding) {
		const char *state = json_string_value(json_object_get(finding, "state"));

		failures += state && !strcmp(state, "fail");
	}
	return failures;
}

int run_doctor(struct invocation *invocation)
{
	CLEANUP(buffer_clear) struct buffer target = {0};
	AUTO_JSON json_t *list = NULL;
	const json_t *findings, *finding;
	size_t index, failures;
	int err;

	ask_target(invocation, &target);
	err = ask_items(invocation, &target, SIZE_MAX, &list);
	if (err)
		return err;
	findings = json_object_get(list, "items");
	if (option_given(invocation, OPTION_JSON) || option_given(invocation, OPTION_QUIET))
		err = show_list(invocation, list);
	else
		json_array_foreach ((json_t *)findings, index, finding)
			print_finding(invocation, finding);
	failures = count_failures(findings);
	if (err || !failures)
		return err;
	return problem_set(&invocation->problem, PROBLEM_FINDINGS, "%zu of %zu checks failed: see above",
			   failures, json_array_size(findings));
}

/* --- panic ----------------------------------------------------------------- */

int run_panic(struct invocation *invocation)
{
	bool off = option_given(invocation, OPTION_OFF);
	const struct command *own = invocation->command;
	struct command end = *own;
	int err;

	if (off == option_given(invocation, OPTION_REASON))
		return problem_set(&invocation->problem, PROBLEM_USAGE,
				   "give --reason TEXT to let everything pass, or --off to end that");
	end.method = "DELETE";
	end.body[0].name = NULL;
	end.done = "the panic is over: the policy is in force again";
	if (off)
		invocation->command = &end;
	err = run_change(invocation);
	invocation->command = own;
	return err;
}
