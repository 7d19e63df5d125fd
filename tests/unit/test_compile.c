// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_compile.c - from the policy to the kernel's maps
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "userspace/core/compile.h"
#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct prefix prefix(const char *text)
{
	struct prefix parsed = {0};

	if (prefix_parse(text, &parsed, NULL))
		fail_msg("%s is no prefix", text);
	return parsed;
}

static struct list list_of(const char *const *texts, size_t count)
{
	struct list list = {0};

	for (size_t i = 0; i < count; i++) {
		struct entry entry = {
			.prefix = prefix(texts[i] + (texts[i][0] == '!')),
			.verdict = texts[i][0] == '!' ? AG_ENTRY_DENY : AG_ENTRY_ALLOW,
		};

		assert_int_equal(list_append(&list, &entry), 0);
	}
	assert_null(list_sort(&list));
	return list;
}

/* --- an account ---------------------------------------------------------- */

static void test_account(void **state)
{
	static const char *const texts[] = {"2001:db8::/32", "203.0.113.0/24", "!203.0.113.128/25",
					    "198.51.100.7"};
	const struct account account = {.slot = 7,
					.mode = AG_MODE_MONITOR,
					.on_deny = {.kind = AG_ON_DENY_REJECT},
					.generation = 0x100000005};
	struct list list = list_of(texts, COUNT(texts));
	struct compiled_account compiled;

	(void)state;
	assert_int_equal(compile_account(&account, &list, &compiled), 0);
	assert_int_equal(compiled.slot, 7);
	assert_true(compiled.active);
	assert_int_equal(compiled.mode, AG_MODE_MONITOR);
	assert_int_equal(compiled.on_deny.kind, AG_ON_DENY_REJECT);
	assert_int_equal(compiled.count4, 3);
	assert_int_equal(compiled.count6, 1);
	assert_int_equal(compiled.entries4[0].value.len, 32);
	assert_int_equal(compiled.entries4[1].value.verdict, AG_ENTRY_ALLOW);
	assert_int_equal(compiled.entries4[2].value.verdict, AG_ENTRY_DENY);
	assert_int_equal(compiled.entries4[2].value.len, 25);
	assert_int_equal(compiled.entries6[0].prefix.len, 32);
	for (size_t i = 1; i < compiled.count4; i++)
		assert_true(prefix_compare(&compiled.entries4[i - 1].prefix, &compiled.entries4[i].prefix) <
			    0);
	compiled_account_clear(&compiled);
	assert_null(compiled.entries4);
	assert_int_equal(compiled.count4, 0);
	list_clear(&list);
}

static void test_account_active(void **state)
{
	static const char *const deny[] = {"!203.0.113.0/24"};
	static const struct {
		enum ag_mode mode;
		size_t entries;
		uint8_t active;
	} cases[] = {
		{AG_MODE_ENFORCE, 0, 0}, {AG_MODE_MONITOR, 0, 0}, {AG_MODE_OFF, 0, 0},
		{AG_MODE_ENFORCE, 1, 1}, {AG_MODE_MONITOR, 1, 1}, {AG_MODE_OFF, 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct account account = {.mode = cases[i].mode};
		struct list list = list_of(deny, cases[i].entries);
		struct compiled_account compiled;

		assert_int_equal(compile_account(&account, cases[i].entries ? &list : NULL, &compiled), 0);
		assert_int_equal(compiled.active, cases[i].active);
		assert_int_equal(compiled.mode, cases[i].active ? cases[i].mode : 0);
		assert_int_equal(compiled.count4, cases[i].active ? cases[i].entries : 0);
		assert_int_equal(compiled.entries4 != NULL, cases[i].active);
		assert_null(compiled.entries6);
		compiled_account_clear(&compiled);
		list_clear(&list);
	}
}

/* Entry by entry is the same, and what there is no room for is refused. */
static void test_account_by_entries(void **state)
{
	const struct entry entries[] = {
		{.prefix = prefix("198.51.100.7"), .verdict = AG_ENTRY_DENY},
		{.prefix = prefix("198.51.100.8"), .disabled = true, .expires = 5},
		{.prefix = prefix("203.0.113.0/24"), .verdict = AG_ENTRY_DENY, .expires = EXPIRES_LAST},
		{.prefix = prefix("2001:db8::/32")},
	};
	const struct account active = {.slot = 3,
				       .mode = AG_MODE_ENFORCE,
				       .entries4 = 3,
				       .disabled4 = 1,
				       .entries6 = 1},
			     off = {.slot = 4, .mode = AG_MODE_OFF, .entries4 = 2, .entries6 = 1};
	struct compiled_account compiled;

	(void)state;
	assert_int_equal(compile_begin(&active, &compiled), 0);
	for (size_t i = 0; i < COUNT(entries); i++)
		assert_int_equal(compile_add(&compiled, &entries[i]), 0);
	assert_int_equal(compiled.count4, 2);
	assert_int_equal(compiled.count6, 1);
	assert_int_equal(compiled.entries4[1].value.verdict, AG_ENTRY_DENY);
	assert_int_equal(compiled.entries4[1].value.len, 24);
	assert_int_equal(compiled.entries4[0].value.expires, 0);
	assert_int_equal(compiled.entries4[1].value.expires, UINT32_MAX);
	assert_int_equal(prefix_compare(&compiled.entries6[0].prefix, &entries[3].prefix), 0);
	assert_int_equal(compile_add(&compiled, &entries[0]), -ENOMEM);
	assert_int_equal(compile_add(&compiled, &entries[1]), 0);
	assert_int_equal(compile_add(&compiled, &entries[3]), -ENOMEM);
	compiled_account_clear(&compiled);

	assert_int_equal(compile_begin(&off, &compiled), 0);
	assert_int_equal(compile_add(&compiled, &entries[0]), 0);
	assert_int_equal(compiled.slot, 4);
	assert_false(compiled.active);
	assert_int_equal(compiled.count4, 0);
	assert_null(compiled.entries4);
	compiled_account_clear(&compiled);
}

/* --- the difference of two lists ----------------------------------------- */

struct edits {
	char text[512];
	int stop_after;
};

static int note_edit(enum compile_edit kind, const struct compiled_entry *entry, void *arg)
{
	struct edits *edits = arg;
	char text[PREFIX_TEXT_MAX];
	size_t used = strlen(edits->text);

	prefix_format_short(&entry->prefix, text);
	snprintf(edits->text + used, sizeof(edits->text) - used, "%s%s%s ", kind == COMPILE_ADD ? "+" : "-",
		 entry->value.verdict == AG_ENTRY_DENY ? "!" : "", text);
	return --edits->stop_after == 0 ? -77 : 0;
}

static void check_difference(const char *const *have_texts, size_t have_count, const char *const *want_texts,
			     size_t want_count, const char *expected)
{
	const struct account account = {.mode = AG_MODE_ENFORCE};
	struct list have_list = list_of(have_texts, have_count), want_list = list_of(want_texts, want_count);
	struct compiled_account have, want;
	struct edits edits = {.stop_after = -1};

	assert_int_equal(compile_account(&account, &have_list, &have), 0);
	assert_int_equal(compile_account(&account, &want_list, &want), 0);
	assert_int_equal(
		compile_difference(have.entries4, have.count4, want.entries4, want.count4, note_edit, &edits),
		0);
	assert_string_equal(edits.text, expected);
	compiled_account_clear(&have);
	compiled_account_clear(&want);
	list_clear(&have_list);
	list_clear(&want_list);
}

static void test_difference(void **state)
{
	static const char *const a[] = {"10.0.0.0/8", "10.0.0.0/16", "192.0.2.1"};
	static const char *const b[] = {"10.0.0.0/16", "!192.0.2.1", "203.0.113.0/24"};

	(void)state;
	check_difference(a, 3, a, 3, "");
	check_difference(a, 3, b, 3, "-10.0.0.0/8 +!192.0.2.1 +203.0.113.0/24 ");
	check_difference(b, 3, a, 3, "+10.0.0.0/8 +192.0.2.1 -203.0.113.0/24 ");
	check_difference(a, 3, b, 0, "-10.0.0.0/8 -10.0.0.0/16 -192.0.2.1 ");
	check_difference(a, 0, b, 1, "+10.0.0.0/16 ");
	check_difference(a, 0, b, 0, "");
}

static void test_difference_stops(void **state)
{
	struct compiled_entry have[2] = {{.prefix = prefix("10.0.0.1")}, {.prefix = prefix("10.0.0.2")}};
	struct edits edits = {.stop_after = 1};

	(void)state;
	assert_int_equal(compile_difference(have, 2, NULL, 0, note_edit, &edits), -77);
	assert_string_equal(edits.text, "-10.0.0.1 ");
}

/* --- services ------------------------------------------------------------ */

static struct claim claim(const char *text, uint32_t slot)
{
	struct claim claim = {.slot = slot};

	if (service_parse(text, &claim.service, NULL))
		fail_msg("%s is no service", text);
	return claim;
}

static const struct ag_dest *dest_of(const struct compiled_services *compiled, const char *text)
{
	struct prefix wanted = prefix(text);

	for (size_t i = 0; i < compiled->dest_count; i++)
		if (!prefix_compare(&compiled->dests[i].prefix, &wanted))
			return &compiled->dests[i].value;
	fail_msg("no destination %s", text);
	return NULL;
}

static void test_service_key(void **state)
{
	struct claim c4 = claim("192.0.2.0/28:443/tcp", 1), c6 = claim("2001:db8::10", 1);
	struct ag_service_key want4 = {
		.addr = {192, 0, 2, 0}, .port_be = htons(443), .proto = 6, .len = 28, .family = 4};
	struct ag_service_key want6 = {.addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x10},
				       .proto = AG_PROTO_ANY,
				       .len = 128,
				       .family = 6};
	struct ag_service_key key4 = compile_service_key(&c4.service),
			      key6 = compile_service_key(&c6.service);

	(void)state;
	assert_memory_equal(&key4, &want4, sizeof(key4));
	assert_memory_equal(&key6, &want6, sizeof(key6));
}

static void test_services_tree(void **state)
{
	const struct claim claims[] = {
		claim("192.0.2.10:443/tcp", 1),	 claim("192.0.2.10/any", 2),
		claim("192.0.2.0/24:53/udp", 3), claim("192.0.2.0/28:any/icmp", 1),
		claim("[2001:db8::10]:443", 4),	 claim("198.51.100.1:any/tcp", 1),
		claim("198.51.100.1:80/tcp", 1),
	};
	const struct account accounts[] = {
		{.slot = 1, .mode = AG_MODE_ENFORCE, .entries4 = 0},
		{.slot = 2, .mode = AG_MODE_MONITOR, .entries4 = 1},
		{.slot = 3, .mode = AG_MODE_ENFORCE, .entries6 = 1},
		{.slot = 4, .mode = AG_MODE_OFF, .entries4 = 1},
	};
	struct compiled_services compiled;
	const struct ag_dest *dest;

	(void)state;
	assert_int_equal(compile_services(claims, COUNT(claims), accounts, COUNT(accounts), &compiled, NULL),
			 0);
	assert_int_equal(compiled.service_count, COUNT(claims));
	assert_int_equal(compiled.dest_count, 5);
	assert_int_equal(compiled.flags, AG_CONFIG_PREFIX_DESTS | AG_CONFIG_ENFORCING | AG_CONFIG_PORT |
						 AG_CONFIG_PROTO | AG_CONFIG_ANY);

	dest = dest_of(&compiled, "192.0.2.0/24");
	assert_int_equal(dest->flags, AG_DEST_GATED | AG_DEST_PORT_PROTO);
	assert_int_equal(dest->len, 24);
	assert_int_equal(dest->fragment_account[AG_PROTO_CLASS_UDP], 3);
	assert_int_equal(dest->fragment_account[AG_PROTO_CLASS_TCP], AG_NO_ACCOUNT);

	dest = dest_of(&compiled, "192.0.2.0/28");
	assert_int_equal(dest->flags, AG_DEST_GATED | AG_DEST_HAS_PARENT | AG_DEST_PROTO);
	assert_int_equal(dest->parent_len, 24);
	assert_int_equal(dest->fragment_account[AG_PROTO_CLASS_ICMP], 1);
	assert_int_equal(dest->fragment_account[AG_PROTO_CLASS_UDP], 3);
	assert_int_equal(dest->fragment_account[AG_PROTO_CLASS_OTHER], AG_NO_ACCOUNT);

	dest = dest_of(&compiled, "192.0.2.10");
	assert_int_equal(dest->flags, AG_DEST_GATED | AG_DEST_HAS_PARENT | AG_DEST_PORT_PROTO | AG_DEST_ANY);
	assert_int_equal(dest->len, 32);
	assert_int_equal(dest->parent_len, 28);
	assert_int_equal(dest->fragment_account[AG_PROTO_CLASS_TCP], AG_SEVERAL_ACCOUNTS);
	assert_int_equal(dest->fragment_account[AG_PROTO_CLASS_UDP], AG_SEVERAL_ACCOUNTS);
	assert_int_equal(dest->fragment_account[AG_PROTO_CLASS_OTHER], 2);

	dest = dest_of(&compiled, "2001:db8::10");
	assert_int_equal(dest->flags, AG_DEST_PORT); /* a port of any protocol; its account is off */
	dest = dest_of(&compiled, "198.51.100.1");
	assert_int_equal(dest->flags, AG_DEST_PORT_PROTO | AG_DEST_PROTO); /* its account is empty */
	assert_int_equal(dest->fragment_account[AG_PROTO_CLASS_TCP], 1);
	for (size_t i = 1; i < compiled.service_count; i++)
		assert_true(memcmp(&compiled.services[i - 1].key, &compiled.services[i].key,
				   sizeof(compiled.services[i].key)) < 0);
	for (size_t i = 1; i < compiled.dest_count; i++)
		assert_true(prefix_compare(&compiled.dests[i - 1].prefix, &compiled.dests[i].prefix) < 0);
	compiled_services_clear(&compiled);
	assert_null(compiled.dests);
}

static void test_services_of_single_addresses(void **state)
{
	const struct claim claims[] = {claim("192.0.2.10", 1), claim("2001:db8::10", 1)};
	const struct account monitor = {.slot = 1, .mode = AG_MODE_MONITOR, .entries4 = 1};
	struct compiled_services compiled;

	(void)state;
	assert_int_equal(compile_services(claims, 2, &monitor, 1, &compiled, NULL), 0);
	assert_int_equal(compiled.flags, AG_CONFIG_ANY);
	assert_int_equal(compiled.dest_count, 2);
	compiled_services_clear(&compiled);
	assert_int_equal(compile_services(NULL, 0, NULL, 0, &compiled, NULL), 0);
	assert_int_equal(compiled.service_count + compiled.dest_count, 0);
	compiled_services_clear(&compiled);
}

/* An account that enforces without services still makes three tags a reason to drop. */
static void test_services_enforcing_without_services(void **state)
{
	const struct account account = {.slot = 1, .mode = AG_MODE_ENFORCE, .entries4 = 1};
	struct compiled_services compiled;

	(void)state;
	assert_int_equal(compile_services(NULL, 0, &account, 1, &compiled, NULL), 0);
	assert_int_equal(compiled.flags, AG_CONFIG_ENFORCING);
	compiled_services_clear(&compiled);
}

static void test_services_depth(void **state)
{
	struct claim claims[AG_DEST_DEPTH_MAX + 2];
	struct compiled_services compiled = {.service_count = 4711};
	struct ag_error error = {0};
	char text[64];

	(void)state;
	for (unsigned int i = 0; i <= AG_DEST_DEPTH_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.0.0/%u", 8 + i);
		claims[i] = claim(text, i);
	}
	claims[AG_DEST_DEPTH_MAX + 1] = claim("10.128.0.0/9", 5); /* beside them, not within */
	assert_true(compile_services(claims, AG_DEST_DEPTH_MAX + 1, NULL, 0, &compiled, &error) < 0);
	assert_int_equal(error.code, ERROR_LIMIT);
	assert_non_null(strstr(error.message, "10.0.0.0/16"));
	assert_int_equal(compiled.service_count, 4711); /* untouched */
	claims[AG_DEST_DEPTH_MAX] = claims[AG_DEST_DEPTH_MAX + 1];
	assert_int_equal(compile_services(claims, AG_DEST_DEPTH_MAX + 1, NULL, 0, &compiled, &error), 0);
	compiled_services_clear(&compiled);
}

/* 100,000 services, half of them on nested prefixes, in a time that only n log n gives. */
static void test_services_many(void **state)
{
	const size_t count = 100000;
	struct claim *claims = calloc(count, sizeof(*claims));
	struct compiled_services compiled;
	clock_t start = clock();

	(void)state;
	assert_non_null(claims);
	for (size_t i = 0; i < count; i++) {
		const uint8_t bytes[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
		struct addr addr = addr_make(AG_FAMILY_IPV4, bytes);

		claims[count - 1 - i] = (struct claim){
			.service = {.dest = prefix_of(&addr, i % 2 ? 32 : 31), .port = 443, .proto = 6},
			.slot = (uint32_t)i,
		};
	}
	assert_int_equal(compile_services(claims, count, NULL, 0, &compiled, NULL), 0);
	assert_int_equal(compiled.dest_count, count);
	assert_int_equal(dest_of(&compiled, "10.0.0.5")->parent_len, 31);
	assert_true((clock() - start) / CLOCKS_PER_SEC < 10);
	compiled_services_clear(&compiled);
	free(claims);
}

static void test_services_kinds(void **state)
{
	static const struct {
		const char *service;
		uint32_t flags;
	} cases[] = {
		{"192.0.2.10:443/tcp", 0},
		{"192.0.2.10:443", AG_CONFIG_PORT},
		{"192.0.2.10:any/udp", AG_CONFIG_PROTO},
		{"2001:db8::10", AG_CONFIG_ANY},
		{"192.0.2.0/28:443", AG_CONFIG_PREFIX_DESTS},
		{"2001:db8::/64", AG_CONFIG_PREFIX_DESTS},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct claim claims[] = {claim(cases[i].service, 1)};
		struct compiled_services compiled;

		assert_int_equal(compile_services(claims, 1, NULL, 0, &compiled, NULL), 0);
		assert_int_equal(compiled.flags, cases[i].flags);
		compiled_services_clear(&compiled);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_account_active),
		cmocka_unit_test(test_account_by_entries),
		cmocka_unit_test(test_difference),
		cmocka_unit_test(test_difference_stops),
		cmocka_unit_test(test_service_key),
		cmocka_unit_test(test_services_tree),
		cmocka_unit_test(test_services_of_single_addresses),
		cmocka_unit_test(test_services_enforcing_without_services),
		cmocka_unit_test(test_services_depth),
		cmocka_unit_test(test_services_many),
		cmocka_unit_test(test_services_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
