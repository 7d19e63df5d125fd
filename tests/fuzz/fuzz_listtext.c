// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_listtext.c - lists as text, from any bytes
 *
 * Properties: what is accepted is a sorted list without a prefix twice, and, written, is read as the same
 * list; what is refused has a reason of one line that names bad ones, and leaves the result alone.
 */
#include "tests/fuzz/fuzz.h"
#include "userspace/core/error.h"
#include "userspace/core/listtext.h"

#define LIMIT 50

static void check_list(const struct list *list)
{
	struct buffer out = {0};
	struct list again = {0};

	for (size_t i = 0; i < list->count; i++) {
		assert(i == 0 || prefix_compare(&list->entries[i - 1].prefix, &list->entries[i].prefix) < 0);
		assert(list->entries[i].created_at == 0 && list->entries[i].last_seen == 0);
		assert(list->entries[i].expires >= 0 && list->entries[i].expires <= EXPIRES_LAST);
		listtext_format(&list->entries[i], &out);
	}
	assert(!out.failed);
	assert(listtext_parse(out.data ? out.data : "", out.length, SIZE_MAX, &again, NULL) == 0);
	assert(again.count == list->count);
	for (size_t i = 0; i < list->count; i++) {
		const struct entry *x = &list->entries[i];
		const struct entry *y = &again.entries[i];

		assert(prefix_compare(&x->prefix, &y->prefix) == 0 && x->verdict == y->verdict);
		assert(x->expires == y->expires && x->disabled == y->disabled);
		assert(!x->note == !y->note && (!x->note || strcmp(x->note, y->note) == 0));
		assert(!x->list == !y->list && (!x->list || strcmp(x->list, y->list) == 0));
		assert(!x->list == (x->prefix.addr.family != AG_FAMILY_NONE));
	}
	list_clear(&again);
	buffer_clear(&out);
}

static void check_error(const struct ag_error *error)
{
	if (error->code == ERROR_LIMIT)
		return;
	assert(error->code == ERROR_BAD_REQUEST || error->code == ERROR_BAD_PREFIX);
	assert(strncmp(error->message, "line ", 5) == 0 && !strchr(error->message, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct list list, untouched;
	struct ag_error error = {0};

	memset(&untouched, 0x5a, sizeof(untouched));
	list = untouched;
	if (listtext_parse((const char *)data, size, LIMIT, &list, &error) == 0) {
		assert(list.count <= LIMIT);
		check_list(&list);
		list_clear(&list);
	} else {
		check_error(&error);
		assert(memcmp(&list, &untouched, sizeof(list)) == 0);
	}
	return 0;
}
