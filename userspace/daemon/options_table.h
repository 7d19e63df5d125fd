/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options_table.h - one row a setting, for the file, the command line and the help text
 *
 * Private to options*.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum option_kind {
	OPTION_TEXT,	  /* char[size]; not empty */
	OPTION_NUMBER,	  /* uint64_t */
	OPTION_SECONDS,	  /* uint64_t of milliseconds */
	OPTION_DURATION,  /* uint64_t of seconds; 90d, 8h */
	OPTION_BYTES,	  /* uint64_t; K, M and G behind the number are powers of 1024 */
	OPTION_LEVEL,	  /* enum log_level */
	OPTION_DENIED,	  /* enum denied_sources */
	OPTION_JOURNAL,	  /* enum audit_journal */
	OPTION_INTERFACE, /* repeatable */
	OPTION_FAILSAFE,  /* repeatable */
	OPTION_LISTEN,	  /* repeatable */
	OPTION_FLAG,	  /* bool; takes no value */
};

struct option_row {
	const char *section; /* NULL: on the command line alone */
	const char *key;
	const char *name;     /* of the long option, without the dashes */
	const char *argument; /* what the help text calls its value; NULL: takes none */
	const char *initial;  /* as in the file; NULL: none */
	const char *help;
	enum option_kind kind;
	size_t offset; /* in struct options */
	size_t size;   /* of OPTION_TEXT */
	uint64_t min;  /* of numbers, in the unit of the file */
	uint64_t max;
};

extern const struct option_row OPTION_ROWS[];
extern const size_t OPTION_ROW_COUNT;
