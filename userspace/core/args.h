/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * args.h - a command line taken apart by a table of long options
 *
 * Options may stand anywhere; "--" ends them; a value stands behind "=" or is the next argument, whatever it
 * looks like. An option is written out in full and given once (a flag as often as one likes). "-" alone is an
 * argument.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ag_error;

#define ARGS_OPTIONS_MAX 64

struct args_option {
	const char *name;  /* "--note" */
	const char *value; /* what stands for its value in a usage, "TEXT"; NULL: a flag without one */
	const char *help;
	bool may_be_empty; /* takes "" as a value */
};

/* Borrows from argv; owns the array. Zero-initialised is empty. */
struct args {
	uint64_t given;			      /* bit by index of the option */
	const char *values[ARGS_OPTIONS_MAX]; /* NULL where not given, and for flags */
	const char **arguments;		      /* what is no option, in its order */
	size_t count;
	size_t words; /* how many of them stood before "--": only those may be names of commands */
};

/*
 * argv[0] is skipped. ERROR_BAD_REQUEST for an unknown or repeated option, a value that is missing, empty or
 * not taken; -ENOMEM. *ret is untouched on failure.
 */
int args_parse(int argc, char *const argv[], const struct args_option *options, size_t option_count,
	       struct args *ret, struct ag_error *error);
void args_clear(struct args *args);
bool args_has(const struct args *args, unsigned int option);
