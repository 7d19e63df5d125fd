// SPDX-License-Identifier: GPL-2.0-only
/* test_policy.c - lists, the longest match against brute force, and the verdict of every mode */
#include "userspace/core/policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW	     1000

static struct addr addr_of(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr, NULL), 0);
	return addr;
}

static void add(struct list *list, const char *prefix, enum ag_entry_verdict verdict)
{
	struct entry entry = {.verdict = verdict};

	assert_int_equal(prefix_parse(prefix, &entry.prefix, NULL), 0);
	assert_int_equal(list_append(list, &entry), 0);
}

static void append_takes_over_the_strings(void **state)
{
	struct list list = {0};

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		struct entry entry = {.note = strdup("a note"), .created_by = strdup("ada"), .created_at = i};
		uint8_t bytes[4] = {198, 51, 100, (uint8_t)(99 - i)};
		struct addr addr = addr_make(AG_FAMILY_IPV4, bytes);

		entry.prefix = prefix_of(&addr, 32);
		assert_int_equal(list_append(&list, &entry), 0);
		assert_null(entry.note);
		assert_null(entry.created_by);
	}
	assert_int_equal(list.count, 100);
	assert_null(list_sort(&list));
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(list.entries[i].created_at, 99 - i);
	assert_string_equal(list.entries[50].note, "a note");
	list_clear(&list);
	assert_null(list.entries);
	assert_int_equal(list.count, 0);
	assert_int_equal(list.capacity, 0);
}

static void sort_names_what_stands_twice(void **state)
{
	struct list list = {0};
	const struct entry *twice;
	char text[PREFIX_TEXT_MAX];

	(void)state;
	add(&list, "203.0.113.0/24", AG_ENTRY_ALLOW);
	add(&list, "2001:db8::/32", AG_ENTRY_ALLOW);
	add(&list, "203.0.113.0/25", AG_ENTRY_ALLOW);
	add(&list, "198.51.100.0/24", AG_ENTRY_ALLOW);
	assert_null(list_sort(&list));
	add(&list, "203.0.113.0/24", AG_ENTRY_DENY);
	twice = list_sort(&list);
	assert_non_null(twice);
	prefix_format(&twice->prefix, text);
	assert_string_equal(text, "203.0.113.0/24");
	for (size_t i = 1; i < list.count; i++)
		assert_true(prefix_compare(&list.entries[i - 1].prefix, &list.entries[i].prefix) <= 0);
	assert_int_equal(list_count_family(&list, AG_FAMILY_IPV4), 4);
	assert_int_equal(list_count_family(&list, AG_FAMILY_IPV6), 1);
	list_clear(&list);
}

static void find_wants_the_very_prefix(void **state)
{
	static const struct {
		const char *prefix;
		bool there;
	} cases[] = {{"203.0.113.0/24", true},	{"203.0.113.0/25", false}, {"203.0.113.0/32", false},
		     {"203.0.112.0/23", false}, {"2001:db8::/32", true},   {"2001:db8::/33", false},
		     {"1.1.1.1", false},	{"ffff::", false},	   {"203.0.113.9", true}};
	struct list list = {0};

	(void)state;
	add(&list, "203.0.113.0/24", AG_ENTRY_ALLOW);
	add(&list, "2001:db8::/32", AG_ENTRY_ALLOW);
	add(&list, "203.0.113.9", AG_ENTRY_ALLOW);
	assert_null(list_sort(&list));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix prefix;
		struct entry *entry;

		assert_int_equal(prefix_parse(cases[i].prefix, &prefix, NULL), 0);
		entry = list_find(&list, &prefix);
		assert_int_equal(entry != NULL, cases[i].there);
		if (entry)
			assert_int_equal(prefix_compare(&entry->prefix, &prefix), 0);
	}
	list_clear(&list);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Bytes from few values, so that prefixes lie within one another and next to one another. */
static struct addr random_addr(uint32_t *seed)
{
	static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe};
	enum ag_family family = next_random(seed) % 2 ? AG_FAMILY_IPV6 : AG_FAMILY_IPV4;
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = values[next_random(seed) % (i < 2 ? 3 : 6)];
	return addr_make(family, bytes);
}

static void fill_randomly(struct list *list, size_t count, uint32_t *seed)
{
	for (size_t i = 0; i < count; i++) {
		struct addr addr = i % 3 && list->count
					   ? list->entries[next_random(seed) % list->count].prefix.addr
					   : random_addr(seed); /* within one another */
		struct entry entry = {.verdict = next_random(seed) % 3 ? AG_ENTRY_ALLOW : AG_ENTRY_DENY,
				      .disabled = next_random(seed) % 4 == 0};

		if (next_random(seed) % 2)
			entry.expires = NOW - 1 + next_random(seed) % 3;

		entry.prefix = prefix_of(&addr, (uint8_t)(next_random(seed) % (addr_bits(&addr) + 1U)));
		if (list_find(list, &entry.prefix))
			continue;
		assert_int_equal(list_append(list, &entry), 0);
		assert_null(list_sort(list));
	}
}

static const struct entry *match_by_force(const struct list *list, const struct addr *addr, int64_t now)
{
	const struct entry *best = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct entry *entry = &list->entries[i];

		if (entry->disabled || (entry->expires != 0 && entry->expires <= now))
			continue;
		if (prefix_contains(&entry->prefix, addr) && (!best || entry->prefix.len > best->prefix.len))
			best = entry;
	}
	return best;
}

/* Whether a longer prefix, not in effect, holds the address too. */
static bool hidden_under(const struct list *list, const struct addr *addr, const struct entry *match)
{
	for (size_t i = 0; i < list->count; i++)
		if (prefix_contains(&list->entries[i].prefix, addr) &&
		    list->entries[i].prefix.len > match->prefix.len)
			return true;
	return false;
}

/* The heart: any list, any address. Half of the addresses lie in or next to an entry. */
static void longest_match_agrees_with_brute_force(void **state)
{
	uint32_t seed = 20260102;
	size_t matched = 0, missed = 0, uncovered = 0;

	(void)state;
	for (unsigned int round = 0; round < 300; round++) {
		struct list list = {0};

		fill_randomly(&list, next_random(&seed) % 40, &seed);
		for (unsigned int i = 0; i < 200; i++) {
			struct addr addr = random_addr(&seed);
			const struct entry *want;

			if (list.count && i % 2) {
				addr = list.entries[next_random(&seed) % list.count].prefix.addr;
				addr.bytes[next_random(&seed) % addr_size(&addr)] ^=
					(uint8_t)(1U << next_random(&seed) % 8);
			}
			want = match_by_force(&list, &addr, NOW);
			assert_ptr_equal(list_match(&list, &addr, NOW), want);
			uncovered += want != NULL && hidden_under(&list, &addr, want);
			matched += want != NULL;
			missed += want == NULL;
		}
		list_clear(&list);
	}
	assert_true(matched > 10000 && missed > 10000 && uncovered > 1000);
}

static void families_never_meet(void **state)
{
	struct list list4 = {0}, list6 = {0};
	struct addr v4 = addr_of("203.0.113.7"), v6 = addr_of("cb00:7107::"), unknown = {0};

	(void)state;
	add(&list4, "203.0.113.7", AG_ENTRY_ALLOW);
	add(&list6, "cb00:7107::/32", AG_ENTRY_ALLOW); /* the same leading bytes */
	assert_non_null(list_match(&list4, &v4, NOW));
	assert_non_null(list_match(&list6, &v6, NOW));
	assert_null(list_match(&list4, &v6, NOW));
	assert_null(list_match(&list6, &v4, NOW));
	assert_null(list_match(&list4, &unknown, NOW));
	assert_int_equal(policy_decide(AG_MODE_ENFORCE, &list4, &v6, NOW, NULL), AG_VERDICT_DENIED);
	assert_int_equal(policy_decide(AG_MODE_ENFORCE, &list6, &v4, NOW, NULL), AG_VERDICT_DENIED);
	list_clear(&list4);
	list_clear(&list6);
}

static void every_mode_has_its_verdict(void **state)
{
	static const struct {
		const char *source;
		enum ag_verdict enforce, monitor;
		const char *decided_by;
	} cases[] = {
		{"198.51.100.1", AG_VERDICT_ALLOWED, AG_VERDICT_ALLOWED, "198.51.100.0/24"},
		{"198.51.100.9", AG_VERDICT_DENIED, AG_VERDICT_WOULD_DENY, "198.51.100.8/29"},
		{"198.51.100.10", AG_VERDICT_ALLOWED, AG_VERDICT_ALLOWED, "198.51.100.10"},
		{"198.51.101.1", AG_VERDICT_DENIED, AG_VERDICT_WOULD_DENY, NULL},
		{"2001:db8::1", AG_VERDICT_DENIED, AG_VERDICT_WOULD_DENY, NULL},
	};
	struct list list = {0};

	(void)state;
	add(&list, "198.51.100.0/24", AG_ENTRY_ALLOW);
	add(&list, "198.51.100.8/29", AG_ENTRY_DENY);
	add(&list, "198.51.100.10", AG_ENTRY_ALLOW);
	assert_null(list_sort(&list));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr source = addr_of(cases[i].source);
		const struct entry *entry = NULL;
		char text[PREFIX_TEXT_MAX];

		assert_int_equal(policy_decide(AG_MODE_ENFORCE, &list, &source, NOW, &entry),
				 cases[i].enforce);
		assert_int_equal(entry != NULL, cases[i].decided_by != NULL);
		if (entry) {
			prefix_format_short(&entry->prefix, text);
			assert_string_equal(text, cases[i].decided_by);
		}
		assert_int_equal(policy_decide(AG_MODE_MONITOR, &list, &source, NOW, NULL), cases[i].monitor);
		assert_int_equal(policy_decide(AG_MODE_OFF, &list, &source, NOW, &entry), AG_VERDICT_OPEN);
		assert_null(entry);
	}
	list_clear(&list);
}

static void empty_is_open_and_denials_alone_are_not(void **state)
{
	struct list list = {0};
	struct addr source = addr_of("203.0.113.7");
	const struct entry *entry = (const struct entry *)&list;

	(void)state;
	assert_int_equal(policy_decide(AG_MODE_ENFORCE, &list, &source, NOW, &entry), AG_VERDICT_OPEN);
	assert_null(entry);
	add(&list, "198.51.100.0/24", AG_ENTRY_DENY);
	assert_int_equal(policy_decide(AG_MODE_ENFORCE, &list, &source, NOW, NULL), AG_VERDICT_DENIED);
	assert_true(policy_active(AG_MODE_ENFORCE, 1));
	assert_true(policy_active(AG_MODE_MONITOR, 1));
	assert_false(policy_active(AG_MODE_OFF, 1));
	assert_false(policy_active(AG_MODE_ENFORCE, 0));
	list_clear(&list);
}

static void names_are_the_contracts(void **state)
{
	static const struct {
		const char *name;
		bool passes;
	} want[] = {{"open", true},	  {"allowed", true},	 {"would_deny", true}, {"denied", false},
		    {"rejected", false},  {"redirected", false}, {"unmatched", true},  {"failsafe", true},
		    {"malformed", false}, {"icmp_error", true},	 {"fragment", true}};
	enum ag_mode mode = AG_MODE_MAX;
	enum ag_entry_verdict verdict = AG_ENTRY_VERDICT_MAX;
	struct ag_error error;

	(void)state;
	assert_int_equal(COUNT(want), AG_VERDICT_MAX);
	for (unsigned int i = 0; i < AG_VERDICT_MAX; i++) {
		assert_string_equal(verdict_name(i), want[i].name);
		assert_int_equal(verdict_passes(i), want[i].passes);
	}
	assert_null(verdict_name(AG_VERDICT_NOT_JUDGED));
	assert_true(verdict_passes(AG_VERDICT_NOT_JUDGED));
	assert_int_equal(mode_parse("monitor", &mode, NULL), 0);
	assert_int_equal(mode, AG_MODE_MONITOR);
	assert_int_equal(mode_parse("enforced", &mode, &error), -EINVAL);
	assert_int_equal(mode, AG_MODE_MONITOR);
	assert_string_equal(error.message, "no such mode, \"enforced\": use enforce, monitor or off");
	assert_int_equal(entry_verdict_parse("deny", &verdict, NULL), 0);
	assert_int_equal(verdict, AG_ENTRY_DENY);
	assert_int_equal(entry_verdict_parse("drop", &verdict, NULL), -EINVAL);
	assert_string_equal(mode_name(AG_MODE_ENFORCE), "enforce");
	assert_string_equal(mode_name(AG_MODE_OFF), "off");
	assert_string_equal(entry_verdict_name(AG_ENTRY_ALLOW), "allow");
}

static void entries_take_effect_to_the_second(void **state)
{
	static const struct {
		bool disabled;
		int64_t expires;
		bool in_effect;
	} cases[] = {{false, 0, true},		 {true, 0, false},	 {false, NOW - 1, false},
		     {false, NOW, false},	 {false, NOW + 1, true}, {true, NOW + 1, false},
		     {false, EXPIRES_LAST, true}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct entry entry = {.disabled = cases[i].disabled, .expires = cases[i].expires};

		assert_int_equal(entry_in_effect(&entry, NOW), cases[i].in_effect);
	}
}

/* Expiry never opens an account; that nothing is enabled does. */
static void expired_is_closed_and_disabled_is_open(void **state)
{
	struct list list = {0};
	struct addr source = addr_of("203.0.113.7");
	const struct entry *entry;
	struct account account = {.entries4 = 3, .entries6 = 4, .disabled4 = 1, .disabled6 = 3};

	(void)state;
	add(&list, "203.0.113.0/24", AG_ENTRY_ALLOW);
	add(&list, "203.0.113.7", AG_ENTRY_DENY);
	list.entries[1].expires = NOW + 1;
	assert_int_equal(policy_decide(AG_MODE_ENFORCE, &list, &source, NOW, &entry), AG_VERDICT_DENIED);
	assert_ptr_equal(entry, &list.entries[1]);
	assert_int_equal(policy_decide(AG_MODE_ENFORCE, &list, &source, NOW + 1, &entry), AG_VERDICT_ALLOWED);
	assert_ptr_equal(entry, &list.entries[0]);
	list.entries[0].expires = NOW;
	assert_int_equal(policy_decide(AG_MODE_ENFORCE, &list, &source, NOW + 1, &entry), AG_VERDICT_DENIED);
	assert_null(entry);
	assert_int_equal(policy_decide(AG_MODE_MONITOR, &list, &source, NOW + 1, NULL),
			 AG_VERDICT_WOULD_DENY);
	list.entries[0].disabled = true;
	assert_int_equal(policy_decide(AG_MODE_ENFORCE, &list, &source, NOW + 1, NULL), AG_VERDICT_DENIED);
	list.entries[1].disabled = true;
	assert_int_equal(policy_decide(AG_MODE_ENFORCE, &list, &source, NOW, NULL), AG_VERDICT_OPEN);
	assert_int_equal(account_enabled(&account), 3);
	list_clear(&list);
}

static void accounts_own_their_labels(void **state)
{
	struct account account = {.slot = 7, .label = strdup("the shop")}, copy = {0};
	struct account *accounts = calloc(2, sizeof(*accounts));

	(void)state;
	assert_non_null(accounts);
	assert_int_equal(account_copy(&copy, &account), 0);
	assert_ptr_not_equal(copy.label, account.label);
	account_clear(&account);
	assert_null(account.label);
	account_clear(&account); /* once more does nothing */
	assert_string_equal(copy.label, "the shop");
	assert_int_equal(copy.slot, 7);
	assert_int_equal(account_copy(&accounts[0], &account), 0); /* none is none */
	assert_null(accounts[0].label);
	accounts[1] = copy;
	accounts_free(accounts, 2);
	accounts_free(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(append_takes_over_the_strings),
		cmocka_unit_test(sort_names_what_stands_twice),
		cmocka_unit_test(find_wants_the_very_prefix),
		cmocka_unit_test(longest_match_agrees_with_brute_force),
		cmocka_unit_test(families_never_meet),
		cmocka_unit_test(every_mode_has_its_verdict),
		cmocka_unit_test(empty_is_open_and_denials_alone_are_not),
		cmocka_unit_test(names_are_the_contracts),
		cmocka_unit_test(entries_take_effect_to_the_second),
		cmocka_unit_test(expired_is_closed_and_disabled_is_open),
		cmocka_unit_test(accounts_own_their_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
