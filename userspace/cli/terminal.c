// SPDX-License-Identifier: GPL-2.0-only
/* terminal.c - see terminal.h */
#include "userspace/cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "userspace/core/error.h"
#include "userspace/core/text.h"

#define COLUMNS_MAX 65535

static size_t find_columns(void)
{
	const char *given = getenv("COLUMNS");
	struct ag_error error = {0};
	struct winsize size = {0};
	uint64_t columns;

	if (given && !number_parse("COLUMNS", given, 1, COLUMNS_MAX, &columns, &error))
		return columns;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

static bool find_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

void terminal_find(struct terminal *ret)
{
	bool is = isatty(STDOUT_FILENO);

	*ret = (struct terminal){
		.columns = is ? find_columns() : 0,
		.colour = is && find_colour(),
	};
}
