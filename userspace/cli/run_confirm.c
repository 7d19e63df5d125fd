// SPDX-License-Identifier: GPL-2.0-only
/* run_confirm.c - changes that wait to be confirmed: kept, taken back, listed: see run.h */
#include <stdio.h>
#include <string.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
#include "userspace/cli/show.h"

/* Whose change, and where that is found. */
struct subject {
	const char *name;
	const char *kept; /* path of what keeps it; its name is {0} */
	const char *pending;
};

static const struct field PENDING[] = {
	{"SUBJECT", "subject", false, FIELD_PLAIN},	  {"NAME", "name", false, FIELD_PLAIN},
	{"ACTION", "action", false, FIELD_PLAIN},	  {"USER", "user", false, FIELD_PLAIN},
	{"GENERATION", "generation", true, FIELD_PLAIN},  {"MADE AT", "made_at", false, FIELD_PLAIN},
	{"CONFIRM BY", "confirm_by", false, FIELD_PLAIN}, {NULL, NULL, false, FIELD_PLAIN},
};

static int find_subject(struct invocation *invocation, struct subject *ret)
{
	const struct subject subjects[] = {
		{invocation->count ? invocation->arguments[0] : NULL, "/v1/accounts/{0}/confirm",
		 "/v1/accounts/{0}/pending"},
		{invocation->args.values[OPTION_USER], "/v1/users/{0}/confirm", "/v1/users/{0}/pending"},
		{invocation->args.values[OPTION_INTERFACE], "/v1/interfaces/{0}/confirm",
		 "/v1/interfaces/{0}/pending"},
		{invocation->args.values[OPTION_TOKEN], "/v1/tokens/{0}/confirm", "/v1/tokens/{0}/pending"},
		{invocation->args.values[OPTION_LIST], "/v1/lists/{0}/confirm", "/v1/lists/{0}/pending"},
		{option_given(invocation, OPTION_POLICY) ? "policy" : NULL, "/v1/policy/confirm",
		 "/v1/policy/pending"},
	};
	int count = 0;

	*ret = (struct subject){0};
	for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++) {
		if (!subjects[i].name)
			continue;
		*ret = subjects[i];
		count++;
	}
	return count <= 1 ? 0
			  : problem_set(&invocation->problem, PROBLEM_USAGE,
					"name one: an account, --user USER, --interface IFACE, --token ID, "
					"--list NAME "
					"or --policy");
}

static int list_pending(struct invocation *invocation)
{
	if (option_given(invocation, OPTION_UNDO))
		return problem_set(&invocation->problem, PROBLEM_USAGE,
				   "--undo needs to know whose change to take back: name an account");
	return run_list(invocation);
}

static int settle(struct invocation *invocation, const struct subject *subject)
{
	bool undo = option_given(invocation, OPTION_UNDO);
	struct command command = *invocation->command;
	const struct command *own = invocation->command;
	const char *const *arguments = invocation->arguments;
	size_t count = invocation->count;
	int err;

	command.method = undo ? "DELETE" : "POST";
	command.path = undo ? subject->pending : subject->kept;
	command.path_bare = NULL;
	command.done = undo ? "{0}: taken back, as it was before" : "{0}: {action} confirmed, and stays";
	invocation->command = &command;
	invocation->arguments = &subject->name;
	invocation->count = 1;
	err = run_change(invocation);
	invocation->command = own;
	invocation->arguments = arguments;
	invocation->count = count;
	return err;
}

int run_confirm(struct invocation *invocation)
{
	struct command listing = *invocation->command;
	const struct command *own = invocation->command;
	struct subject subject;
	int err = find_subject(invocation, &subject);

	if (err || subject.name)
		return err ? err : settle(invocation, &subject);
	listing.method = "GET";
	listing.options = 0; /* no change */
	listing.fields = PENDING;
	invocation->command = &listing;
	err = list_pending(invocation);
	invocation->command = own;
	return err;
}
