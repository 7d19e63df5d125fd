// SPDX-License-Identifier: GPL-2.0-only
/* say.c - see say.h. Not io/log.c: nothing of io/ is linked into what has these capabilities. */
#include "userspace/origin/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 1024

void say(const char *format, ...)
{
	static const char NAME[] = "allowgate-origin: ";
	const size_t begin = sizeof(NAME) - 1;
	char line[LINE_BYTES];
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
