// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf.c - inih, made strict
 *
 * inih takes indented lines for the value before going on, ignores what follows a section's bracket, cuts
 * long lines in two and goes on behind an error. So each line is read and looked at here, and inih is handed
 * one that holds no surprise. It tells its callback no line number either (that depends on how it was built),
 * but takes its lines one by one from here.
 */
#include "userspace/io/conf.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

struct reading {
	const char *path;
	FILE *file;
	char *line; /* getline()'s */
	size_t size;
	unsigned int number;
	conf_callback callback;
	void *arg;
	int result; /* of the first line that was refused */
	struct ag_error *error;
};

static int refuse(struct reading *reading, const char *why)
{
	reading->result = error_set(reading->error, ERROR_BAD_REQUEST, "%s", why);
	return reading->result;
}

static bool is_section(const char *line)
{
	size_t length = strcspn(line, "]");
	const char *rest = line + length + 1;

	if (!line[length])
		return false;
	rest += strspn(rest, " \t");
	return !*rest || *rest == '#' || *rest == ';';
}

/* Where a line's text begins: without the indentation and the line's end. */
static char *trim(char *line, size_t length)
{
	while (length > 0 && isspace((unsigned char)line[length - 1]))
		line[--length] = '\0';
	while (isspace((unsigned char)*line))
		line++;
	return line;
}

static int check(struct reading *reading, size_t length, const char **ret)
{
	const char *text;

	if (memchr(reading->line, '\0', length))
		return refuse(reading, "there is a NUL byte in this line: remove it");
	text = trim(reading->line, length);
	if (text[0] == '[' && !is_section(text))
		return refuse(reading, "this is no section: write [name] on a line of its own");
	*ret = text;
	return 0;
}

/* inih's fgets(): the next line, within `size` bytes; NULL ends the reading. */
static char *next_line(char *buffer, int size, void *arg)
{
	struct reading *reading = arg;
	const char *text = NULL;
	ssize_t length;

	if (reading->result)
		return NULL;
	length = getline(&reading->line, &reading->size, reading->file);
	if (length < 0) {
		if (ferror(reading->file))
			(void)refuse(reading, strerror(errno));
		return NULL;
	}
	reading->number++;
	if (check(reading, (size_t)length, &text))
		return NULL;
	if (strlen(text) >= (size_t)size) {
		(void)refuse(reading, "this line is too long: shorten it");
		return NULL;
	}
	memcpy(buffer, text, strlen(text) + 1);
	return buffer;
}

/* inih's form: 0 is failure. */
static int take_setting(void *arg, const char *section, const char *key, const char *value)
{
	struct reading *reading = arg;
	struct conf_setting setting = {
		.file = reading->path,
		.line = reading->number,
		.section = section,
		.key = key,
		.value = value ? value : "",
	};

	reading->result = reading->callback(&setting, reading->arg, reading->error);
	return reading->result == 0;
}

static int parse(struct reading *reading)
{
	int first_bad = ini_parse_stream(next_line, reading, take_setting, reading);

	/* A line that inih did not understand comes before any that was refused, for that one ends the
	 * reading. */
	if (first_bad > 0 && (!reading->result || (unsigned int)first_bad < reading->number)) {
		reading->number = (unsigned int)first_bad;
		(void)refuse(reading, "this is no setting: write key = value");
	} else if (first_bad < 0 && !reading->result) {
		(void)refuse(reading, "out of memory");
	}
	if (reading->result)
		error_prepend(reading->error, "%s:%u", reading->path, reading->number);
	return reading->result;
}

int conf_read(const char *path, conf_callback callback, void *arg, struct ag_error *error)
{
	struct reading reading = {.path = path, .callback = callback, .arg = arg, .error = error};
	int result;

	reading.file = fopen(path, "re");
	if (!reading.file)
		return error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_BAD_REQUEST,
				 "cannot read %s: %s", path, strerror(errno));
	result = parse(&reading);
	free(reading.line);
	(void)fclose(reading.file); /* it was read from alone */
	return result;
}
