/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conf.h - read a configuration file: [section], key = value
 *
 * The only module that sees inih. Lines that begin with '#' or ';' are comments, and so is what follows ' ;'
 * behind a value. Strict: a line that is none of these, that is longer than 199 bytes, or that holds a NUL is
 * an error; nothing goes on in a second line.
 *
 * Source: https://github.com/benhoyt/inih (README), allowgate.conf(5).
 */
#pragma once

struct ag_error;

/* Borrowed for the callback. */
struct conf_setting {
	const char *file;
	unsigned int line;
	const char *section; /* "" before the first */
	const char *key;
	const char *value;
};

/* 0 to go on; a negative errno, with *error filled, ends the reading. */
typedef int (*conf_callback)(const struct conf_setting *setting, void *arg, struct ag_error *error);

/*
 * Calls for each setting, in order. ERROR_NOT_FOUND where there is no such file; ERROR_BAD_REQUEST where it
 * cannot be read or understood. "file:line: " stands before every message about a line, the callback's too.
 */
int conf_read(const char *path, conf_callback callback, void *arg, struct ag_error *error);
