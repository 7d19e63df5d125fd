// SPDX-License-Identifier: GPL-2.0-only
/* test_policydiff.c - an account as it is beside what a document asks for */
#include "userspace/core/policydiff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"

static const struct policydoc_limits LIMITS = {.accounts = 100, .services = 100, .entries = 100};

static void read_document(const char *text, struct policydoc *ret)
{
	struct ag_error error = {0};

	*ret = (struct policydoc){0};
	if (policydoc_read(text, strlen(text), &LIMITS, ret, &error))
		fail_msg("%s: %s", text, error.message);
}

static struct claim claim_of(const char *text)
{
	struct claim claim = {0};

	assert_int_equal(service_parse(text, &claim.service, NULL), 0);
	return claim;
}

static void what_is_not_mentioned_is_no_difference(void **state)
{
	struct account acme = {.name = "acme", .label = (char *)(uintptr_t) "x", .mode = AG_MODE_MONITOR};
	const struct claim services[] = {claim_of("192.0.2.10")};
	const struct policydoc_role roles[] = {{"ada", ROLE_ADMIN, 0}};
	struct policydoc document;
	struct policydiff diff;

	(void)state;
	read_document("{\"accounts\": [{\"name\": \"acme\"}]}", &document);
	assert_int_equal(policydiff_account(&document.accounts[0], &acme, services, 1, roles, 1, &diff), 0);
	assert_true(policydiff_is_empty(&diff));
	policydiff_clear(&diff);
	assert_int_equal(policydiff_account(&document.accounts[0], NULL, NULL, 0, NULL, 0, &diff), 0);
	assert_true(diff.adds && !policydiff_is_empty(&diff));
	policydiff_clear(&diff);
	policydoc_clear(&document);
}

static void differences_are_found(void **state)
{
	struct account acme = {.name = "acme", .label = (char *)(uintptr_t) "x", .mode = AG_MODE_MONITOR};
	const struct claim services[] = {claim_of("192.0.2.10"), claim_of("192.0.2.12")};
	const struct policydoc_role roles[] = {
		{"ada", ROLE_ADMIN, 0}, {"bob", ROLE_VIEWER, 0}, {"eve", ROLE_VIEWER, 0}};
	struct policydoc document;
	struct policydiff diff;

	(void)state;
	read_document("{\"accounts\": [{\"name\": \"acme\", \"label\": \"\", \"mode\": \"monitor\", "
		      "\"on_deny\": \"reject\","
		      "\"services\": [\"192.0.2.13\", \"192.0.2.10\", \"192.0.2.9\"],"
		      "\"roles\": [{\"user\": \"ada\", \"role\": \"admin\"}, {\"user\": \"eve\", \"role\": "
		      "\"admin\"},"
		      " {\"user\": \"zoe\", \"role\": \"viewer\"}]}]}",
		      &document);
	assert_int_equal(policydiff_account(&document.accounts[0], &acme, services, 2, roles, 3, &diff), 0);
	assert_true(diff.sets_label && diff.sets_on_deny && !diff.sets_mode && !diff.adds);
	assert_int_equal(diff.services_come_count, 2);
	assert_int_equal(diff.services_go_count, 1);
	assert_int_equal(service_compare(&diff.services_go[0], &services[1].service), 0);
	assert_int_equal(diff.roles_come_count, 2);
	assert_string_equal(diff.roles_come[0].user, "eve");
	assert_string_equal(diff.roles_come[1].user, "zoe");
	assert_int_equal(diff.roles_go_count, 1);
	assert_string_equal(diff.roles_go[0].user, "bob");
	policydiff_clear(&diff);
	policydoc_clear(&document);
}

/* Of an empty array everything goes, and of the same nothing does. */
static void empty_and_equal(void **state)
{
	struct account acme = {.name = "acme"};
	const struct claim services[] = {claim_of("192.0.2.10")};
	const struct policydoc_role roles[] = {{"ada", ROLE_ADMIN, 0}};
	struct policydoc document;
	struct policydiff diff;

	(void)state;
	read_document(
		"{\"accounts\": [{\"name\": \"acme\", \"services\": [], \"roles\": []}, {\"name\": \"b\","
		"\"services\": [\"192.0.2.10\"], \"roles\": [{\"user\": \"ada\", \"role\": \"admin\"}],"
		"\"mode\": \"enforce\", \"on_deny\": \"drop\", \"label\": \"\"}]}",
		&document);
	assert_int_equal(policydiff_account(&document.accounts[0], &acme, services, 1, roles, 1, &diff), 0);
	assert_int_equal(diff.services_go_count, 1);
	assert_int_equal(diff.roles_go_count, 1);
	policydiff_clear(&diff);
	assert_int_equal(policydiff_account(&document.accounts[1], &acme, services, 1, roles, 1, &diff), 0);
	assert_true(policydiff_is_empty(&diff));
	policydiff_clear(&diff);
	policydoc_clear(&document);
}

static struct entry entry_of(const char *prefix, enum ag_entry_verdict verdict, const char *note)
{
	struct entry entry = {.verdict = verdict, .note = (char *)(uintptr_t)note};

	assert_int_equal(prefix_parse(prefix, &entry.prefix, NULL), 0);
	return entry;
}

static void feed_all(struct policydiff_entries *diff, const struct list *asked, size_t keep,
		     const struct entry *had, size_t count)
{
	policydiff_entries_begin(diff, asked, keep);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(policydiff_entries_feed(diff, &had[i]), 0);
	assert_int_equal(policydiff_entries_end(diff), 0);
}

static void entries_are_compared(void **state)
{
	const struct entry had[] = {
		entry_of("192.0.2.1", AG_ENTRY_ALLOW, NULL),  entry_of("192.0.2.3", AG_ENTRY_ALLOW, "same"),
		entry_of("192.0.2.4", AG_ENTRY_ALLOW, "old"), entry_of("192.0.2.5", AG_ENTRY_DENY, NULL),
		entry_of("192.0.2.9", AG_ENTRY_ALLOW, NULL),
	};
	struct policydoc document;
	struct policydiff_entries diff;

	(void)state;
	read_document("{\"accounts\": [{\"name\": \"acme\", \"entries\": [{\"prefix\": \"192.0.2.2\", "
		      "\"note\": \"n\"},"
		      "{\"prefix\": \"192.0.2.3\", \"note\": \"same\"}, {\"prefix\": \"192.0.2.4\", "
		      "\"note\": \"new\"},"
		      "{\"prefix\": \"192.0.2.5\"}, {\"prefix\": \"2001:db8::/32\"}]}]}",
		      &document);
	feed_all(&diff, &document.accounts[0].entries, 10, had, 5);
	assert_int_equal(diff.added, 3);
	assert_int_equal(diff.removed, 3);
	assert_int_equal(diff.changed, 1);
	assert_int_equal(policydiff_entries_count(&diff), 7);
	assert_int_equal(diff.came.count, 3);
	assert_string_equal(diff.came.entries[0].note, "n");
	assert_int_equal(diff.went.count, 3);
	assert_int_equal(diff.went.entries[1].verdict, AG_ENTRY_DENY);
	assert_string_equal(diff.set.entries[0].note, "new");
	policydiff_entries_clear(&diff);
	feed_all(&diff, &document.accounts[0].entries, 1, had, 5);
	assert_int_equal(diff.added, 3);
	assert_int_equal(diff.came.count, 1);
	policydiff_entries_clear(&diff);
	feed_all(&diff, &document.accounts[0].entries, 9, document.accounts[0].entries.entries, 5);
	assert_int_equal(policydiff_entries_count(&diff), 0);
	policydiff_entries_clear(&diff);
	feed_all(&diff, &(struct list){0}, 9, had, 5);
	assert_int_equal(diff.removed, 5);
	policydiff_entries_clear(&diff);
	policydoc_clear(&document);
}

/* What an entry refers to is part of it. */
static void references_are_kept(void **state)
{
	struct entry reference = {.prefix = {.addr = {.family = AG_FAMILY_NONE}, .len = 128},
				  .verdict = AG_ENTRY_ALLOW,
				  .list = (char *)(uintptr_t) "corp-vpn"};
	struct list asked = {.entries = &reference, .count = 1};
	struct policydiff_entries diff;

	(void)state;
	feed_all(&diff, &asked, 9, NULL, 0);
	assert_string_equal(diff.came.entries[0].list, "corp-vpn");
	policydiff_entries_clear(&diff);
	feed_all(&diff, &asked, 9, &reference, 1);
	assert_int_equal(policydiff_entries_count(&diff), 0);
	policydiff_entries_clear(&diff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_mentioned_is_no_difference),
		cmocka_unit_test(differences_are_found),
		cmocka_unit_test(empty_and_equal),
		cmocka_unit_test(entries_are_compared),
		cmocka_unit_test(references_are_kept),
	};

	return cmocka_run_group_tests_name("policydiff", tests, NULL, NULL);
}
