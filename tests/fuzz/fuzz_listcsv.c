// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_listcsv.c - lists as comma-separated values, from any bytes
 *
 * Properties: what is accepted is a sorted list without a prefix twice; what is refused has a reason of one
 * line that names bad ones, and leaves the result alone.
 */
#include "tests/fuzz/fuzz.h"
#include "userspace/core/error.h"
#include "userspace/core/listcsv.h"

#define LIMIT 50

static void check_list(const struct list *list)
{
	assert(list->count <= LIMIT);
	for (size_t i = 0; i < list->count; i++) {
		const struct entry *entry = &list->entries[i];

		assert(i == 0 || prefix_compare(&list->entries[i - 1].prefix, &entry->prefix) < 0);
		assert(entry->created_at == 0 && entry->last_seen == 0 && !entry->created_by);
		assert(entry->expires >= 0 && entry->expires <= EXPIRES_LAST);
		assert(!entry->note || strlen(entry->note) < NOTE_SIZE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct list list, untouched;
	struct ag_error error = {0};

	memset(&untouched, 0x5a, sizeof(untouched));
	list = untouched;
	if (listcsv_parse((const char *)data, size, LIMIT, &list, &error) == 0) {
		check_list(&list);
		list_clear(&list);
		return 0;
	}
	assert(error.code == ERROR_LIMIT || strncmp(error.message, "line ", 5) == 0);
	assert(!strchr(error.message, '\n'));
	assert(memcmp(&list, &untouched, sizeof(list)) == 0);
	return 0;
}
