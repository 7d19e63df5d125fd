// SPDX-License-Identifier: GPL-2.0-only
/* reference.c - keys of named lists, and entries as text */
#include "userspace/core/reference.h"

#include <stdio.h>
#include <string.h>

#include "userspace/core/digest.h"
#include "userspace/core/error.h"

struct prefix reference_key(const char *name)
{
	struct prefix key = {.addr.family = AG_FAMILY_NONE, .len = 8 * sizeof(key.addr.bytes)};
	uint8_t out[DIGEST_SIZE];
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, name);
	digest_finish(&digest, out);
	memcpy(key.addr.bytes, out, sizeof(key.addr.bytes));
	return key;
}

int entry_source_parse(const char *text, struct entry *entry, struct ag_error *error)
{
	char *name;
	int r;

	if (text[0] != '@')
		return prefix_parse(text, &entry->prefix, error);
	r = name_check("list", text + 1, error);
	if (r < 0)
		return r;
	name = strdup(text + 1);
	if (!name)
		return error_set(error, ERROR_LIMIT, "not enough memory to read the entry");
	entry->prefix = reference_key(name);
	entry->list = name;
	return 0;
}

static void format(const struct entry *entry, bool shorten, char text[ENTRY_TEXT_MAX])
{
	if (prefix_is_reference(&entry->prefix) && entry->list)
		(void)snprintf(text, ENTRY_TEXT_MAX, "@%.*s", NAME_MAX_BYTES, entry->list); /* fits */
	else if (shorten)
		prefix_format_short(&entry->prefix, text);
	else
		prefix_format(&entry->prefix, text);
}

void entry_format(const struct entry *entry, char text[ENTRY_TEXT_MAX])
{
	format(entry, false, text);
}

void entry_format_short(const struct entry *entry, char text[ENTRY_TEXT_MAX])
{
	format(entry, true, text);
}

void entry_describe(const struct entry *entry, char text[ENTRY_DESCRIPTION_MAX])
{
	char source[ENTRY_TEXT_MAX];

	entry_format_short(entry, source);
	if (entry->list && addr_known(&entry->prefix.addr))
		(void)snprintf(text, ENTRY_DESCRIPTION_MAX, "%s of @%.*s", source, NAME_MAX_BYTES,
			       entry->list); /* fits */
	else
		(void)snprintf(text, ENTRY_DESCRIPTION_MAX, "%s", source);
}

size_t list_count_references(const struct list *list)
{
	size_t count = 0;

	while (count < list->count && prefix_is_reference(&list->entries[count].prefix))
		count++;
	return count;
}
