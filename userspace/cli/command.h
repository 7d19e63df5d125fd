/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * command.h - what a command is: a row of data, and the invocation that goes through it
 *
 * Most commands are a method, a path, a body and a way to print, and need no code of their own. Functions
 * return an exit code (problem.h) and leave the reason in the invocation's problem; what is to be printed
 * collects in `out`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/cli/client.h"
#include "userspace/cli/problem.h"
#include "userspace/cli/terminal.h"
#include "userspace/core/args.h"
#include "userspace/core/buffer.h"

/* Index in OPTIONS. */
enum option {
	OPTION_SOCKET,
	OPTION_JSON,
	OPTION_QUIET,
	OPTION_AS,
	OPTION_ORIGIN,
	OPTION_FORCE,
	OPTION_DRY_RUN,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_MODE,
	OPTION_ON_DENY,
	OPTION_LABEL,
	OPTION_OPEN,
	OPTION_NOTE,
	OPTION_DENY,
	OPTION_OS_USER,
	OPTION_UID,
	OPTION_OPERATOR,
	OPTION_DELEGATE,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_USER,
	OPTION_JSONL,
	OPTION_LIMIT,
	OPTION_EXPIRES,
	OPTION_DISABLE,
	OPTION_ENABLE,
	OPTION_UNUSED,
	OPTION_FROM,
	OPTION_TO,
	OPTION_REASON,
	OPTION_OFF,
	OPTION_ACCOUNT,
	OPTION_ROLE,
	OPTION_CONFIRM_WITHIN,
	OPTION_INTERFACE,
	OPTION_UNDO,
	OPTION_TOKEN,
	OPTION_LIST,
	OPTION_POLICY,
	OPTION_MAX,
};
#define OPTION_BIT(option) (UINT64_C(1) << OPTION_##option)
/* Every command takes these ... */
#define OPTIONS_COMMON                                                                                       \
	(OPTION_BIT(SOCKET) | OPTION_BIT(JSON) | OPTION_BIT(QUIET) | OPTION_BIT(AS) | OPTION_BIT(ORIGIN) |   \
	 OPTION_BIT(FORCE) | OPTION_BIT(HELP) | OPTION_BIT(VERSION))
/* ... these are parameters of a change's query, and those of any query with their value, of their own name.
 */
#define OPTIONS_QUERY	    (OPTION_BIT(FORCE) | OPTION_BIT(DRY_RUN) | OPTION_BIT(OPEN))
#define OPTIONS_QUERY_VALUE (OPTION_BIT(UNUSED) | OPTION_BIT(FROM) | OPTION_BIT(TO))

extern const struct args_option OPTIONS[OPTION_MAX];

/* Where a member of a request's body comes from. */
enum source {
	SOURCE_ARGUMENT,  /* the argument `index` */
	SOURCE_ARGUMENTS, /* all arguments from `index`, an array */
	SOURCE_ENTRIES,	  /* the same, as entries with --note, --expires and --deny */
	SOURCE_TEXT,	  /* the value of option `index`, if given */
	SOURCE_FLAG,	  /* true, if option `index` is given */
	SOURCE_UID,	  /* --uid or --os-user, if given */
	SOURCE_EXPIRY,	  /* --expires, if given: a time, or null */
	SOURCE_ENABLED,	  /* --enable or --disable, if given */
};

struct member {
	const char *name;
	enum source source;
	unsigned int index;
};
#define MEMBERS_MAX 5

/* A member of an answer, and how it stands in a table. */
struct field {
	const char *header;
	const char *name;
	bool right; /* a number, aligned to the right */
	enum {
		FIELD_PLAIN,
		FIELD_PREFIX, /* a single host without its length */
		FIELD_TIME,   /* null is never */
		FIELD_WORD,   /* a verdict or a state */
	} kind;
};
#define FIELDS_MAX 14

struct invocation;

struct command {
	const char *noun;
	const char *verb;      /* NULL: the noun is the command */
	const char *arguments; /* as the usage shows them */
	const char *help;      /* one line */
	uint64_t options;      /* OPTION_BIT()s beside the common ones; a change has DRY_RUN */
	unsigned int least;    /* arguments */
	unsigned int most;
	int (*run)(struct invocation *invocation);
	const char *method;
	const char *path;      /* "{0}" is the first argument, percent-encoded; NULL: asks no daemon */
	const char *path_bare; /* without arguments, where that is another one */
	const char *query;     /* parameter that carries the arguments from query_from on */
	unsigned int query_from;
	struct member body[MEMBERS_MAX]; /* ends with a NULL name */
	const struct field *fields;	 /* of an answer's items; ends with a NULL header */
	const char *done;		 /* sentence of a change: see sentence.h */
	bool unpaged;			 /* a list that comes whole */
	bool forceful;			 /* takes --force though it is no change of the policy */
};

struct invocation {
	const struct command *command;
	struct args args;
	const char *const *arguments; /* behind noun and verb; in args */
	size_t count;
	struct client *client;
	struct client_transfer transfer; /* for bodies that are no JSON in memory */
	struct terminal terminal;
	struct buffer out;
	struct problem problem;
};

static inline bool option_given(const struct invocation *invocation, enum option option)
{
	return args_has(&invocation->args, option);
}

static inline bool command_changes(const struct command *command)
{
	return command->forceful || command->options & OPTION_BIT(DRY_RUN);
}

/* The rows; the last one has a NULL noun. */
extern const struct command COMMANDS[];

/* The row of these words, the first ones of a command line; *ret_words is how many of them name it. NULL:
 * none. */
const struct command *command_find(const char *const *words, size_t count, size_t *ret_words);
/* Whether any command has this noun. */
bool command_noun_exists(const char *noun);
