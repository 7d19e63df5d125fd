// SPDX-License-Identifier: GPL-2.0-only
/* ask_body.c - a request's body, member by member, as the command's row says */
#include "userspace/cli/ask.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <time.h>

#include "userspace/cli/command.h"
#include "userspace/core/error.h"
#include "userspace/core/text.h"

#define UID_LAST UINT32_C(0xfffffffe)

static int no_memory(struct invocation *invocation)
{
	return problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
}

/* jansson takes UTF-8 alone. */
static int make_string(struct invocation *invocation, const char *text, json_t **ret)
{
	*ret = json_string(text);
	return *ret ? 0 : problem_set(&invocation->problem, PROBLEM_USAGE, "\"%s\" is not valid UTF-8", text);
}

/* The time that --expires means; null for never. */
static int make_expiry(struct invocation *invocation, json_t **ret)
{
	const char *given = invocation->args.values[OPTION_EXPIRES];
	char text[TIME_TEXT_MAX];
	struct ag_error error = {0};
	int64_t expires;

	if (!given)
		return 0;
	if (expiry_parse(given, time(NULL), &expires, &error))
		return problem_set(&invocation->problem, PROBLEM_USAGE, "--expires: %s", error.message);
	time_format(expires, text);
	*ret = expires ? json_string(text) : json_null();
	return *ret ? 0 : no_memory(invocation);
}

static int make_enabled(struct invocation *invocation, json_t **ret)
{
	bool enable = option_given(invocation, OPTION_ENABLE);

	if (enable && option_given(invocation, OPTION_DISABLE))
		return problem_set(&invocation->problem, PROBLEM_USAGE,
				   "--enable and --disable say opposite things: give one");
	if (enable || option_given(invocation, OPTION_DISABLE))
		*ret = json_boolean(enable);
	return 0;
}

static json_t *make_entry(const struct invocation *invocation, const char *prefix, json_t *expires)
{
	const char *note = invocation->args.values[OPTION_NOTE];
	json_t *entry = json_pack("{s:s}", "prefix", prefix);
	int err = 0;

	if (entry && expires)
		err = json_object_set(entry, "expires", expires);

	if (entry && !err && option_given(invocation, OPTION_DENY))
		err = json_object_set_new(entry, "verdict", json_string("deny"));
	if (entry && !err && note)
		err = json_object_set_new(entry, "note", json_string(note));
	if (err) {
		json_decref(entry);
		entry = NULL;
	}
	return entry;
}

static int make_array(struct invocation *invocation, const struct member *member, json_t **ret)
{
	AUTO_JSON json_t *array = json_array(), *expires = NULL;
	int err = member->source == SOURCE_ENTRIES ? make_expiry(invocation, &expires) : 0;

	if (err)
		return err;
	for (size_t i = member->index; i < invocation->count; i++) {
		const char *text = invocation->arguments[i];
		json_t *item = member->source == SOURCE_ENTRIES ? make_entry(invocation, text, expires)
								: json_string(text);

		if (json_array_append_new(array, item))
			return problem_set(&invocation->problem, PROBLEM_USAGE,
					   "\"%s\" or its note is not valid UTF-8", text);
	}
	*ret = TAKE_PTR(array);
	return *ret ? 0 : no_memory(invocation);
}

static int find_uid(struct invocation *invocation, const char *name, uint64_t *ret)
{
	const struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (!user && errno && errno != ENOENT && errno != ESRCH)
		return problem_set(&invocation->problem, PROBLEM_INPUT,
				   "the user \"%s\" cannot be looked up: %s", name, strerror(errno));
	if (!user)
		return problem_set(&invocation->problem, PROBLEM_INPUT,
				   "the operating system has no user \"%s\": create it first, or give --uid",
				   name);
	*ret = user->pw_uid;
	return 0;
}

static int make_uid(struct invocation *invocation, json_t **ret)
{
	const char *number = invocation->args.values[OPTION_UID],
		   *name = invocation->args.values[OPTION_OS_USER];
	struct ag_error error = {0};
	uint64_t uid = 0;
	int err = 0;

	if (number && name)
		return problem_set(&invocation->problem, PROBLEM_USAGE,
				   "--uid and --os-user say the same: give one");
	if (!number && !name)
		return 0;
	if (name)
		err = find_uid(invocation, name, &uid);
	else if (number_parse("--uid", number, 0, UID_LAST, &uid, &error))
		err = problem_set(&invocation->problem, PROBLEM_USAGE, "%s", error.message);
	if (err)
		return err;
	*ret = json_integer((json_int_t)uid);
	return *ret ? 0 : no_memory(invocation);
}

/* *ret stays NULL for a member that is not asked for. */
static int make_member(struct invocation *invocation, const struct member *member, json_t **ret)
{
	switch (member->source) {
	case SOURCE_ARGUMENT:
		return make_string(invocation, invocation->arguments[member->index], ret);
	case SOURCE_TEXT:
		if (!option_given(invocation, member->index))
			return 0;
		return make_string(invocation, invocation->args.values[member->index], ret);
	case SOURCE_FLAG:
		*ret = option_given(invocation, member->index) ? json_true() : NULL;
		return 0;
	case SOURCE_ARGUMENTS:
	case SOURCE_ENTRIES:
		return make_array(invocation, member, ret);
	case SOURCE_UID:
		return make_uid(invocation, ret);
	case SOURCE_EXPIRY:
		return make_expiry(invocation, ret);
	case SOURCE_ENABLED:
		return make_enabled(invocation, ret);
	}
	return 0;
}

int ask_body(struct invocation *invocation, json_t **ret)
{
	const struct member *member = invocation->command->body;
	AUTO_JSON json_t *body = member->name ? json_object() : NULL;

	if (member->name && !body)
		return no_memory(invocation);
	for (; member->name; member++) {
		json_t *value = NULL;
		int err = make_member(invocation, member, &value);

		if (err)
			return err;
		if (value && json_object_set_new(body, member->name, value))
			return no_memory(invocation);
	}
	*ret = TAKE_PTR(body);
	return 0;
}
