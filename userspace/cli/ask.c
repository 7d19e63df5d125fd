// SPDX-License-Identifier: GPL-2.0-only
/* ask.c - see ask.h. Whatever stands in a path or a query is encoded here: no argument can become another
 * request. */
#include "userspace/cli/ask.h"

#include <ctype.h>
#include <string.h>

#include "userspace/cli/command.h"

#define PAGE_ITEMS "1000"

static void encode(struct buffer *out, const char *text)
{
	bool dots = !strcmp(text, ".") || !strcmp(text, ".."); /* which would be steps in a path */

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c < 0x80 && (isalnum(c) || strchr("-_~", c) || (c == '.' && !dots));

		(void)buffer_print(out, plain ? "%c" : "%%%02X", c); /* remembered in the buffer */
	}
}

void ask_parameter(struct buffer *target, const char *name, const char *value)
{
	bool first = !target->data || !strchr(target->data, '?');

	(void)buffer_print(target, "%s%s=", first ? "?" : "&", name); /* remembered in the buffer */
	encode(target, value);
}

static void add_path(struct buffer *target, const char *path, const struct invocation *invocation)
{
	for (; *path; path++) {
		if (*path == '{') {
			encode(target, invocation->arguments[path[1] - '0']);
			path += 2; /* the digit and the closing brace */
		} else {
			(void)buffer_append(target, path, 1); /* remembered in the buffer */
		}
	}
}

void ask_target(const struct invocation *invocation, struct buffer *target)
{
	const struct command *command = invocation->command;
	bool bare = command->path_bare && !invocation->count;

	add_path(target, bare ? command->path_bare : command->path, invocation);
	for (size_t i = command->query_from; command->query && i < invocation->count; i++)
		ask_parameter(target, command->query, invocation->arguments[i]);
	for (unsigned int option = 0; option < OPTION_MAX && command_changes(command); option++) {
		if (!(OPTIONS_QUERY & UINT64_C(1) << option) || !option_given(invocation, option))
			continue;
		ask_parameter(target, option == OPTION_DRY_RUN ? "dry_run" : OPTIONS[option].name + 2,
			      "true");
	}
	if (option_given(invocation, OPTION_CONFIRM_WITHIN))
		ask_parameter(target, "confirm_within", invocation->args.values[OPTION_CONFIRM_WITHIN]);
	for (unsigned int option = 0; option < OPTION_MAX; option++)
		if (OPTIONS_QUERY_VALUE & UINT64_C(1) << option && option_given(invocation, option))
			ask_parameter(target, OPTIONS[option].name + 2, invocation->args.values[option]);
}

int ask_text(struct invocation *invocation, const struct buffer *target, const char *body, size_t length,
	     struct client_answer *ret)
{
	const char *method = invocation->command->method;
	bool carries = strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0;
	bool given = body || invocation->transfer.give;
	struct client_request request = {
		.method = method,
		.target = target->data,
		.body = given || !carries ? body : "",
		.length = length,
		.transfer = invocation->transfer,
	};

	if (target->failed)
		return problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
	return client_send(invocation->client, &request, ret, &invocation->problem);
}

int ask_json(struct invocation *invocation, const struct buffer *target, const char *body, size_t length,
	     json_t **ret)
{
	struct client_answer answer = {0};
	json_error_t why;
	json_t *json;
	int err = ask_text(invocation, target, body, length, &answer);

	if (err)
		return err;
	json = json_loadb(answer.body.data, answer.body.length, JSON_REJECT_DUPLICATES, &why);
	client_answer_clear(&answer);
	if (!json_is_object(json)) {
		json_decref(json);
		return problem_set(&invocation->problem, PROBLEM_BAD_ANSWER,
				   "the answer is no JSON object: is this allowgated's socket?");
	}
	*ret = json;
	return 0;
}

static int bad_page(struct invocation *invocation)
{
	return problem_set(&invocation->problem, PROBLEM_BAD_ANSWER,
			   "the answer is no page of a list: are allowgate and allowgated of one version?");
}

/* One page: its items go behind those before, of which only the newest stay; *cursor is where the next one
 * starts. */
static int take_page(struct invocation *invocation, json_t *page, size_t most, json_t *items, char **cursor)
{
	json_t *more = json_object_get(page, "items"), *next = json_object_get(page, "next");
	const char *after = json_string_value(next);
	AUTO_FREE char *before = TAKE_PTR(*cursor);

	if (!json_is_array(more) || (next && !after && !json_is_null(next)))
		return bad_page(invocation);
	if (json_array_extend(items, more))
		return problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
	while (json_array_size(items) > most)
		(void)json_array_remove(items, 0); /* it is there */
	if (!after)
		return 0;
	if (!json_array_size(more) || (before && !strcmp(before, after)))
		return bad_page(invocation); /* it would never end */
	*cursor = strdup(after);
	return *cursor ? 0 : problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
}

static int ask_page(struct invocation *invocation, const struct buffer *target, const char *cursor,
		    json_t **ret)
{
	struct buffer whole = {0};
	int err;

	(void)buffer_print(&whole, "%s", target->data ? target->data : ""); /* remembered in the buffer */
	if (!invocation->command->unpaged)
		ask_parameter(&whole, "limit", PAGE_ITEMS);
	if (cursor)
		ask_parameter(&whole, "after", cursor);
	err = ask_json(invocation, &whole, NULL, 0, ret);
	buffer_clear(&whole);
	return err;
}

int ask_items(struct invocation *invocation, const struct buffer *target, size_t most, json_t **ret)
{
	AUTO_JSON json_t *items = json_array();
	AUTO_FREE char *cursor = NULL;
	int err;

	do {
		AUTO_JSON json_t *page = NULL;

		err = ask_page(invocation, target, cursor, &page);
		if (!err)
			err = take_page(invocation, page, most, items, &cursor);
	} while (!err && cursor);
	if (err)
		return err;
	*ret = json_pack("{s:O}", "items", items);
	return *ret ? 0 : problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
}
