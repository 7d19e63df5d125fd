// SPDX-License-Identifier: GPL-2.0-only
/*
 * completion.c - what a shell offers while a command is typed
 *
 * The scripts of completion/ know how to read a line; the rows they go by are made here from the table of
 * commands, so that they offer what it has and nothing else.
 */
#include <ctype.h>
#include <string.h>

#include "cli/completion_scripts.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"

/* What is offered for a placeholder or an option's value (completion/allowgate.bash says what the words
 * mean), of commands with that noun and verb or any; the first row that fits. */
static const struct kind {
	const char *what;
	const char *noun;
	const char *verb;
	const char *offered;
} KINDS[] = {
	{"--os-user", NULL, NULL, "os-user"},
	{"--role", NULL, NULL, ":admin,viewer"},
	{"A", NULL, NULL, "account"}, /* of --account */
	{"ACCOUNT", NULL, NULL, "account"},
	{"USER", NULL, NULL, "user"},
	{"NAME", "account", "add", "-"},
	{"NAME", "account", NULL, "account"},
	{"NAME", "user", "add", "-"},
	{"NAME", "user", NULL, "user"},
	{"NAME", "list", "create", "-"},
	{"NAME", "list", NULL, "list"},
	{"IFACE", "interface", "detach", "interface"},
	{"IFACE", NULL, NULL, "device"},
	{"MODE", "account", NULL, ":enforce,monitor,off"},
	{"MODE", "interface", NULL, ":auto,native,generic"},
	{"ACTION", NULL, NULL, ":drop,reject"},
	{"FILE|-", NULL, NULL, "file"},
	{"FILE", NULL, NULL, "file"},
	{"PATH", NULL, NULL, "file"},
	{NULL, NULL, NULL, NULL},
};

/* Options that ask_body.c refuses beside each other. */
static const char EXCLUSIVE[] = "--os-user --uid\n--disable --enable";

static bool is_of(const char *wanted, const char *name)
{
	return !wanted || (name && !strcmp(wanted, name));
}

/* A noun whose names cannot be listed is no source of any. */
static const char *offered_of(const struct kind *kind)
{
	const char *words[] = {kind->offered, "list"};
	size_t used;

	if (!command_noun_exists(kind->offered) || command_find(words, 2, &used))
		return kind->offered;
	return "-";
}

static const char *find_kind(const struct command *command, const char *what)
{
	for (const struct kind *kind = KINDS; kind->what; kind++)
		if (!strcmp(kind->what, what) && is_of(kind->noun, command->noun) &&
		    is_of(kind->verb, command->verb))
			return offered_of(kind);
	return NULL;
}

/* What is appended here and cannot be is remembered in the buffer, throughout. */

/* Between two words of a row's part. */
static void add_space(struct buffer *out)
{
	if (out->length && out->data[out->length - 1] != '|')
		(void)buffer_append(out, " ", 1);
}

/* "ACCOUNT", "[ACCOUNT]", "PREFIX...", "FILE|-", or the words themselves: "admin|viewer". */
static void add_argument(struct buffer *out, const struct command *command, const char *word, size_t length)
{
	bool more = length > 3 && !strncmp(word + length - 3, "...", 3);
	bool optional = *word == '[';
	char name[64] = "";
	const char *offered;

	length -= (more ? 3U : 0U) + (optional ? 2U : 0U);
	memcpy(name, word + optional, length < sizeof(name) ? length : sizeof(name) - 1);
	add_space(out);
	if (islower((unsigned char)*name)) {
		for (char *bar = name; (bar = strchr(bar, '|'));)
			*bar = ',';
		(void)buffer_print(out, ":%s", name);
	} else {
		offered = find_kind(command, name);
		(void)buffer_print(out, "%s", offered ? offered : "-");
	}
	(void)buffer_print(out, "%s", more ? "..." : "");
}

static void add_option_word(struct buffer *out, const char *word, size_t length)
{
	add_space(out);
	(void)buffer_append(out, word, length);
}

/* The arguments, in their order; or the options that may stand instead of them: "ACCOUNT ADDRESS | --from
 * ADDRESS". */
static void add_arguments(struct buffer *out, const struct command *command, bool instead)
{
	bool behind = false;

	for (const char *word = command->arguments; *word;) {
		size_t length = strcspn(word, " ");

		if (length == 1 && *word == '|')
			behind = true;
		else if (!behind && !instead)
			add_argument(out, command, word, length);
		else if (behind && instead && *word == '-')
			add_option_word(out, word, length);
		word += length + strspn(word + length, " ");
	}
	(void)buffer_print(out, "|");
}

static void add_options(struct buffer *out, const struct command *command, uint64_t options)
{
	for (unsigned int i = 0; i < OPTION_MAX; i++) {
		const char *offered = find_kind(command, OPTIONS[i].name);

		if (!(options & UINT64_C(1) << i))
			continue;
		if (!offered && OPTIONS[i].value)
			offered = find_kind(command, OPTIONS[i].value);
		add_space(out);
		(void)buffer_print(out, "%s%s%s", OPTIONS[i].name, OPTIONS[i].value ? "=" : "",
				   offered	      ? offered
				   : OPTIONS[i].value ? "-"
						      : "");
	}
	(void)buffer_print(out, "|");
}

static void add_commands(struct buffer *out)
{
	static const struct command ANY = {.arguments = ""};

	(void)buffer_print(out, "||");
	add_options(out, &ANY, OPTIONS_COMMON);
	(void)buffer_print(out, "|");
	for (const struct command *command = COMMANDS; command->noun; command++) {
		(void)buffer_print(out, "\n%s%s%s|", command->noun, command->verb ? " " : "",
				   command->verb ? command->verb : "");
		add_arguments(out, command, false);
		add_options(out, command, command->options);
		add_arguments(out, command, true);
		(void)buffer_print(out, "%s", command->help);
	}
}

static void add_all_options(struct buffer *out)
{
	for (unsigned int i = 0; i < OPTION_MAX; i++)
		(void)buffer_print(out, "%s%s|%s|%s", i ? "\n" : "", OPTIONS[i].name,
				   OPTIONS[i].value ? OPTIONS[i].value : "", OPTIONS[i].help);
}

static void add_exclusive(struct buffer *out)
{
	(void)buffer_print(out, "%s", EXCLUSIVE);
}

static const struct shell {
	const char *name;
	const char *script;
	const char *quote; /* what stands for ' and \ between single quotes */
	const char *backslash;
} SHELLS[] = {
	{"bash", SCRIPT_bash, "'\\''", "\\"},
	{"zsh", SCRIPT_zsh, "'\\''", "\\"},
	{"fish", SCRIPT_fish, "\\'", "\\\\"},
};

static void add_quoted(struct buffer *out, const struct shell *shell, const struct buffer *text)
{
	(void)buffer_print(out, "'");
	for (const char *c = text->data; *c; c++) {
		char one[] = {*c, '\0'};

		(void)buffer_print(out, "%s",
				   *c == '\''	? shell->quote
				   : *c == '\\' ? shell->backslash
						: one);
	}
	(void)buffer_print(out, "'");
}

static const struct {
	const char *name;
	void (*add)(struct buffer *out);
} PARTS[] = {
	{"@commands@", add_commands},
	{"@options@", add_all_options},
	{"@exclusive@", add_exclusive},
};
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* What stands in the script for a part; the length of its name, or 0 where it is none. */
static size_t add_part(struct buffer *out, const struct shell *shell, const char *script)
{
	for (size_t i = 0; i < COUNT(PARTS); i++) {
		CLEANUP(buffer_clear) struct buffer text = {0};

		if (strncmp(script, PARTS[i].name, strlen(PARTS[i].name)) != 0)
			continue;
		PARTS[i].add(&text);
		if (text.failed)
			out->failed = text.failed;
		else
			add_quoted(out, shell, &text);
		return strlen(PARTS[i].name);
	}
	return 0;
}

int run_completion(struct invocation *invocation)
{
	const struct shell *shell = NULL;
	const char *script;

	for (size_t i = 0; i < COUNT(SHELLS) && !shell; i++)
		if (!strcmp(SHELLS[i].name, invocation->arguments[0]))
			shell = &SHELLS[i];
	if (!shell)
		return problem_set(&invocation->problem, PROBLEM_USAGE,
				   "\"%s\" is no shell known here: say bash, zsh or fish",
				   invocation->arguments[0]);
	for (script = shell->script; *script;) {
		size_t length = add_part(&invocation->out, shell, script);

		if (!length)
			(void)buffer_append(&invocation->out, script, length = 1);
		script += length;
	}
	return 0;
}
