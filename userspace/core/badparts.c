// SPDX-License-Identifier: GPL-2.0-only
/* badparts.c - "line 3: what is wrong with it (bad too: lines 7, 9 and 12 more)" */
#include "userspace/core/badparts.h"

#include <stdlib.h>

#include "userspace/core/buffer.h"
#include "userspace/core/cleanup.h"

void badparts_add(struct badparts *bad, size_t number, const char *which, struct ag_error *problem)
{
	if (bad->count < BADPARTS_NAMED)
		bad->numbers[bad->count] = number;
	if (bad->count++ > 0)
		return;
	if (which)
		error_prepend(problem, "%s %zu, %.80s", bad->one, number, which);
	else
		error_prepend(problem, "%s %zu", bad->one, number);
	bad->first = *problem;
}

bool badparts_enough(const struct badparts *bad)
{
	return bad->count >= BADPARTS_STOP;
}

static int compare_numbers(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int badparts_finish(struct badparts *bad, struct ag_error *error)
{
	CLEANUP(buffer_clear) struct buffer others = {0};
	size_t named = bad->count < BADPARTS_NAMED ? bad->count : BADPARTS_NAMED;

	if (!bad->count)
		return 0;
	if (bad->count == 1)
		return error_set(error, bad->first.code, "%s", bad->first.message);
	qsort(bad->numbers + 1, named - 1, sizeof(*bad->numbers), compare_numbers);
	for (size_t i = 1; i < named; i++)
		(void)buffer_print(&others, "%s%zu", i > 1 ? ", " : "", bad->numbers[i]);
	if (badparts_enough(bad))
		(void)buffer_print(&others, " and many more");
	else if (bad->count > named)
		(void)buffer_print(&others, " and %zu more", bad->count - named);
	return error_set(error, bad->first.code, "%.280s (bad too: %s %s)", bad->first.message,
			 bad->count == 2 ? bad->one : bad->many, others.data ? others.data : "out of memory");
}
