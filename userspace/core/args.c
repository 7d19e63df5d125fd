// SPDX-License-Identifier: GPL-2.0-only
/* args.c - see args.h. No getopt: it permutes through globals, guesses abbreviations, and prints. */
#include "userspace/core/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

struct cursor {
	char *const *argv;
	int argc;
	int next;
};

static int find_option(const struct args_option *options, size_t count, const char *text, size_t *ret,
		       struct ag_error *error)
{
	size_t length = strcspn(text, "=");

	for (size_t i = 0; i < count; i++) {
		if (strlen(options[i].name) == length && !strncmp(options[i].name, text, length)) {
			*ret = i;
			return 0;
		}
	}
	return error_set(error, ERROR_BAD_REQUEST,
			 "%.*s: there is no such option; a text that begins with '-' stands behind \"--\"",
			 (int)(length < 64 ? length : 64), text);
}

/* The value of an option that takes one: behind its '=', or the argument that follows. */
static int take_value(struct cursor *cursor, const struct args_option *option, const char *text,
		      const char **ret, struct ag_error *error)
{
	const char *value = strchr(text, '=');

	if (value)
		value++;
	else if (cursor->next < cursor->argc)
		value = cursor->argv[cursor->next++];
	else
		return error_set(error, ERROR_BAD_REQUEST, "%s: %s is missing", option->name, option->value);
	if (!*value && !option->may_be_empty)
		return error_set(error, ERROR_BAD_REQUEST, "%s: %s is empty", option->name, option->value);
	*ret = value;
	return 0;
}

static int take_option(struct cursor *cursor, const struct args_option *options, size_t count,
		       struct args *args, struct ag_error *error)
{
	const char *text = cursor->argv[cursor->next++];
	size_t index = 0;
	int err = find_option(options, count, text, &index, error);

	if (err)
		return err;
	if (!options[index].value) {
		if (strchr(text, '='))
			return error_set(error, ERROR_BAD_REQUEST, "%s takes no value", options[index].name);
	} else {
		if (args->values[index])
			return error_set(error, ERROR_BAD_REQUEST, "%s is given twice: give it once",
					 options[index].name);
		err = take_value(cursor, &options[index], text, &args->values[index], error);
		if (err)
			return err;
	}
	args->given |= UINT64_C(1) << index;
	return 0;
}

static int take_all(struct cursor *cursor, const struct args_option *options, size_t count, struct args *args,
		    struct ag_error *error)
{
	bool ended = false;
	int err = 0;

	while (!err && cursor->next < cursor->argc) {
		const char *text = cursor->argv[cursor->next];

		if (!ended && !strcmp(text, "--")) {
			ended = true;
			cursor->next++;
		} else if (!ended && text[0] == '-' && text[1]) {
			err = take_option(cursor, options, count, args, error);
		} else {
			args->arguments[args->count++] = text;
			args->words += !ended;
			cursor->next++;
		}
	}
	return err;
}

int args_parse(int argc, char *const argv[], const struct args_option *options, size_t option_count,
	       struct args *ret, struct ag_error *error)
{
	struct cursor cursor = {.argv = argv, .argc = argc, .next = 1};
	AUTO_FREE const char **arguments = calloc((size_t)(argc > 0 ? argc : 1), sizeof(*arguments));
	struct args args = {.arguments = arguments};
	int err;

	if (!arguments)
		return -ENOMEM;
	err = take_all(&cursor, options, option_count < ARGS_OPTIONS_MAX ? option_count : ARGS_OPTIONS_MAX,
		       &args, error);
	if (err)
		return err;
	*ret = args;
	arguments = NULL;
	return 0;
}

void args_clear(struct args *args)
{
	free(args->arguments);
	*args = (struct args){0};
}

bool args_has(const struct args *args, unsigned int option)
{
	return args->given & UINT64_C(1) << option;
}
