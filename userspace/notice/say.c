// SPDX-License-Identifier: GPL-2.0-only
/* say.c - see say.h */
#include "userspace/notice/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES	 1024
#define BETWEEN_LINES_MS 60000

void say(const char *format, ...)
{
	static const char NAME[] = "allowgate-notice: ";
	const size_t begin = sizeof(NAME) - 1;
	char line[LINE_MAX_BYTES];
	va_list args;
	size_t length;

	memcpy(line, NAME, sizeof(NAME));
	va_start(args, format);
	(void)vsnprintf(line + begin, sizeof(line) - begin - 1, format, args); /* cut when it is too long */
	va_end(args);
	length = strlen(line);
	for (size_t i = begin; i < length; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	line[length++] = '\n';
	/* Where it cannot be written there is nobody to tell. */
	(void)!write(STDERR_FILENO, line, length);
}

bool say_may(struct say_limit *limit, int64_t now_ms)
{
	if (now_ms < limit->next_ms)
		return false;
	limit->next_ms = now_ms + BETWEEN_LINES_MS;
	return true;
}
