// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_policydoc.c - documents of a policy, from any bytes
 *
 * Properties: what is accepted is sorted, names nothing twice and keeps its limits, and is read as the same
 * one when it is written; what is refused has a reason of one line, and leaves the result alone.
 */
#include "tests/fuzz/fuzz.h"
#include "userspace/core/buffer.h"
#include "userspace/core/error.h"
#include "userspace/core/policydoc.h"

static const struct policydoc_limits LIMITS = {
	.accounts = 20, .services = 50, .entries = 50, .lists = 20, .list_entries = 50};

static void check_account(const struct policydoc_account *account)
{
	const struct list *list = &account->entries;

	assert(name_check("account", account->name, NULL) == 0);
	assert(!account->label || (account->has_label && note_check("label", account->label, NULL) == 0));
	assert(account->has_services || !account->service_count);
	assert(account->has_roles || !account->role_count);
	assert(account->has_entries || !list->count);
	for (size_t i = 1; i < account->service_count; i++)
		assert(service_compare(&account->services[i - 1], &account->services[i]) < 0);
	for (size_t i = 0; i < account->role_count; i++) {
		assert(name_check("user", account->roles[i].user, NULL) == 0);
		assert(account->roles[i].role != ROLE_NONE);
		assert(!i || strcmp(account->roles[i - 1].user, account->roles[i].user) < 0);
	}
	assert(list->count <= LIMITS.entries);
	for (size_t i = 0; i < list->count; i++) {
		assert(!i || prefix_compare(&list->entries[i - 1].prefix, &list->entries[i].prefix) < 0);
		assert(!list->entries[i].created_by && !list->entries[i].created_at);
	}
}

static void check_list(const struct policydoc_list *named)
{
	const struct list *list = &named->entries;

	assert(name_check("list", named->name, NULL) == 0);
	assert(named->has_entries || !list->count);
	assert(list->count <= LIMITS.list_entries);
	for (size_t i = 0; i < list->count; i++) {
		const struct entry *entry = &list->entries[i];

		assert(!i || prefix_compare(&entry[-1].prefix, &entry->prefix) < 0);
		assert(addr_known(&entry->prefix.addr) && !entry->list && !entry->disabled &&
		       !entry->expires);
		assert(entry->verdict == AG_ENTRY_ALLOW && !entry->created_by && !entry->created_at);
	}
}

static void check_document(const struct policydoc *document)
{
	size_t services = 0;

	assert(document->account_count <= LIMITS.accounts);
	for (size_t i = 0; i < document->account_count; i++) {
		check_account(&document->accounts[i]);
		services += document->accounts[i].service_count;
		assert(!i || strcmp(document->accounts[i - 1].name, document->accounts[i].name) < 0);
	}
	assert(services <= LIMITS.services);
	assert(document->list_count <= LIMITS.lists);
	assert(document->has_lists || !document->list_count);
	for (size_t i = 0; i < document->list_count; i++) {
		check_list(&document->lists[i]);
		assert(!i || strcmp(document->lists[i - 1].name, document->lists[i].name) < 0);
	}
}

static void write_account(struct policydoc_writer *writer, const struct policydoc_account *account)
{
	struct account written = {
		.label = account->label, .mode = account->mode, .on_deny = account->on_deny};
	struct claim *claims = calloc(account->service_count + 1, sizeof(*claims));

	assert(claims);
	memcpy(written.name, account->name, sizeof(written.name));
	for (size_t i = 0; i < account->service_count; i++)
		claims[i].service = account->services[i];
	policydoc_write_account(writer, &written, claims, account->service_count, account->roles,
				account->role_count);
	for (size_t i = 0; i < account->entries.count; i++)
		policydoc_write_entry(writer, &account->entries.entries[i]);
	policydoc_write_account_end(writer);
	free(claims);
}

/* A list whose entries are not mentioned is written as an empty one, which is the same the next time. */
static void write_lists(struct policydoc_writer *writer, const struct policydoc *document)
{
	policydoc_write_lists(writer);
	for (size_t i = 0; i < document->list_count; i++) {
		const struct policydoc_list *list = &document->lists[i];

		policydoc_write_list(writer, list->name);
		for (size_t k = 0; k < list->entries.count; k++)
			policydoc_write_listed(writer, &list->entries.entries[k]);
		policydoc_write_list_end(writer);
	}
}

static void write_document(const struct policydoc *document, struct buffer *text)
{
	struct policydoc_writer writer = {.out = text};

	policydoc_write_begin(&writer, document->scope);
	if (document->has_lists)
		write_lists(&writer, document);
	policydoc_write_accounts(&writer);
	for (size_t i = 0; i < document->account_count; i++)
		write_account(&writer, &document->accounts[i]);
	policydoc_write_end(&writer);
	assert(!text->failed);
}

static void check_same_again(const struct policydoc *document)
{
	struct buffer text = {0}, again = {0};
	struct policydoc copy;

	write_document(document, &text);
	assert(policydoc_read(text.data, text.length, &LIMITS, &copy, NULL) == 0);
	write_document(&copy, &again);
	assert(text.length == again.length && memcmp(text.data, again.data, text.length) == 0);
	policydoc_clear(&copy);
	buffer_clear(&text);
	buffer_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policydoc document, untouched;
	struct ag_error error = {0};

	memset(&untouched, 0x5a, sizeof(untouched));
	document = untouched;
	if (policydoc_read((const char *)data, size, &LIMITS, &document, &error) == 0) {
		check_document(&document);
		check_same_again(&document);
		policydoc_clear(&document);
		return 0;
	}
	assert(error.code != ERROR_NONE && error.message[0] && !strchr(error.message, '\n'));
	assert(memcmp(&document, &untouched, sizeof(document)) == 0);
	return 0;
}
