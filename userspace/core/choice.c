// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/core/choice.h"

#include <stdio.h>
#include <string.h>

#include "userspace/core/error.h"

/* "enforce, monitor or off" */
static void join_names(const char *const *names, size_t count, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count && used < size; i++) {
		const char *between = i == 0 ? "" : i + 1 == count ? " or " : ", ";

		used += (size_t)snprintf(out + used, size - used, "%s%s", between, names[i]);
	}
}

int choice_parse(const char *what, const char *const *names, size_t count, const char *text, size_t *ret,
		 struct ag_error *error)
{
	char known[256];

	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], text) == 0) {
			*ret = i;
			return 0;
		}
	}
	join_names(names, count, known, sizeof(known));
	return error_set(error, ERROR_BAD_REQUEST, "no such %s, \"%.80s\": use %s", what, text, known);
}
