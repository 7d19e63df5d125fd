// SPDX-License-Identifier: GPL-2.0-only
/*
 * log.c - a line is written by one write(), and nothing in it can look like a second one
 *
 * Arguments may hold what a client sent. Whatever is not printable ASCII comes out as \xNN, so that it can
 * neither begin a line of its own nor reach a terminal as a control sequence.
 *
 * Source: sd-daemon(3) for "<N>".
 */
#include "userspace/io/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "userspace/io/log_journal.h"

#define MESSAGE_MAX 2048
#define PREFIX_MAX  64

struct level_row {
	const char *name;
	const char *prefix; /* before a message that no journal reads */
};

static const struct level_row LEVELS[] = {
	[LOG_LEVEL_ERROR] = {"error", "error: "}, [LOG_LEVEL_WARNING] = {"warning", "warning: "},
	[LOG_LEVEL_NOTICE] = {"notice", ""},	  [LOG_LEVEL_INFO] = {"info", ""},
	[LOG_LEVEL_DEBUG] = {"debug", "debug: "},
};
#define LEVELS_END ((int)(sizeof(LEVELS) / sizeof(LEVELS[0])))

static enum log_level current_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	current_level = level;
}

int log_level_parse(const char *text, enum log_level *ret)
{
	for (int level = LOG_LEVEL_ERROR; level < LEVELS_END; level++) {
		if (strcmp(LEVELS[level].name, text) == 0) {
			*ret = (enum log_level)level;
			return 0;
		}
	}
	return -EINVAL;
}

static size_t prefix_print(enum log_level level, char prefix[PREFIX_MAX])
{
	int length;

	if (log_is_journal())
		length = snprintf(prefix, PREFIX_MAX, "<%d>", (int)level);
	else
		length = snprintf(prefix, PREFIX_MAX, "%.32s: %s", program_invocation_short_name,
				  LEVELS[level].prefix);
	return (size_t)length;
}

/* Appends with four bytes for each that is not printable. */
static size_t escape(const char *message, char *out)
{
	static const char HEX[] = "0123456789abcdef";
	size_t length = 0;

	for (; *message; message++) {
		unsigned char c = (unsigned char)*message;

		if (c >= ' ' && c < 0x7f) {
			out[length++] = (char)c;
			continue;
		}
		out[length++] = '\\';
		out[length++] = 'x';
		out[length++] = HEX[c >> 4];
		out[length++] = HEX[c & 15];
	}
	return length;
}

void log_line(enum log_level level, const char *format, ...)
{
	char message[MESSAGE_MAX], line[PREFIX_MAX + 4 * MESSAGE_MAX + 1];
	int saved = errno;
	size_t length;
	va_list args;

	if (level > current_level)
		return;
	va_start(args, format);
	if (vsnprintf(message, sizeof(message), format, args) >= (int)sizeof(message))
		memcpy(message + sizeof(message) - 4, "...", 4);
	va_end(args);
	length = prefix_print(level, line);
	length += escape(message, line + length);
	line[length++] = '\n';
	/* Where it cannot be written there is nobody to tell. */
	(void)!write(STDERR_FILENO, line, length);
	errno = saved;
}
