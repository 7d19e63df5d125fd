// SPDX-License-Identifier: GPL-2.0-only
/* test_guard.c - rules 2, 3 and 4 of the contract's section 4, each both ways */
#include "userspace/core/guard.h"

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
#define ENTRIES_MAX  3

#define NOW 1767323045 /* 2026-01-02T03:04:05Z */

/* Lists as words: a prefix is allowed, one with "!" before it denied; with "-" it is disabled, with "+"
 * expired, with "@" it expires in an hour and with "&" in two. */
struct rule_case {
	const char *what;
	enum ag_mode mode_before;
	const char *before[ENTRIES_MAX];
	enum ag_mode mode_after;
	const char *after[ENTRIES_MAX];
	const char *origin; /* NULL: unknown */
	unsigned int flags;
	enum error_code want;
};

#define E	    AG_MODE_ENFORCE
#define M	    AG_MODE_MONITOR
#define O	    AG_MODE_OFF
#define ME	    "198.51.100.9"
#define MINE	    "198.51.100.0/24"
#define OTHER	    "203.0.113.0/24"
#define REMOVES	    1U
#define OPEN	    2U
#define FORCE	    4U
#define OK	    ERROR_NONE
#define NOT_COVERED ERROR_ORIGIN_NOT_COVERED
#define LOCKS_OUT   ERROR_WOULD_LOCK_OUT
#define OPENS	    ERROR_WOULD_OPEN

static const struct rule_case CASES[] = {
	/* rule 2: the first entry */
	{"first entry holds the origin", E, {0}, E, {MINE}, ME, 0, OK},
	{"first entry is the origin alone", E, {0}, E, {ME}, ME, 0, OK},
	{"first entry elsewhere", E, {0}, E, {OTHER}, ME, 0, NOT_COVERED},
	{"first entries, one holds it", E, {0}, E, {OTHER, MINE}, ME, 0, OK},
	{"first entry denies the origin", E, {0}, E, {"!" MINE}, ME, 0, NOT_COVERED},
	{"first entries deny in that", E, {0}, E, {MINE, "!" ME}, ME, 0, NOT_COVERED},
	{"first entries allow in that", E, {0}, E, {"!" MINE, ME}, ME, 0, OK},
	{"first entry elsewhere in monitor", M, {0}, M, {OTHER}, ME, 0, NOT_COVERED},
	{"first entry elsewhere in off", O, {0}, O, {OTHER}, ME, 0, NOT_COVERED},
	{"first entry covers in monitor", M, {0}, M, {MINE}, ME, 0, OK},
	{"first entry, origin unknown", E, {0}, E, {MINE}, NULL, 0, NOT_COVERED},
	{"first entry, origin unknown in off", O, {0}, O, {MINE}, NULL, 0, NOT_COVERED},
	{"first entry of the other family", E, {0}, E, {MINE}, "2001:db8::9", 0, NOT_COVERED},
	{"first entries of both families", E, {0}, E, {MINE, "2001:db8::/64"}, "2001:db8::9", 0, OK},
	{"first entry elsewhere, forced", E, {0}, E, {OTHER}, ME, FORCE, OK},
	{"first entry, origin unknown, forced", E, {0}, E, {OTHER}, NULL, FORCE, OK},
	{"first entry elsewhere, --open is no force", E, {0}, E, {OTHER}, ME, OPEN, NOT_COVERED},
	{"nothing to nothing, origin unknown", E, {0}, M, {0}, NULL, 0, OK},
	{"first disabled entry elsewhere", E, {0}, E, {"-" OTHER}, NULL, 0, OK},
	{"first enabled entry elsewhere", E, {"-" MINE, "-" OTHER}, E, {"-" MINE, OTHER}, ME, 0, NOT_COVERED},
	{"first enabled entry holds the origin", E, {"-" MINE, "-" OTHER}, E, {MINE, "-" OTHER}, ME, 0, OK},
	{"first enabled entry elsewhere in off", O, {"-" OTHER}, O, {OTHER}, ME, 0, NOT_COVERED},
	{"first enabled entry, origin unknown", E, {"-" MINE}, E, {MINE}, NULL, 0, NOT_COVERED},
	{"first entry is expired", E, {0}, E, {"+" MINE}, ME, 0, NOT_COVERED},
	{"first entry is expired, a wider one is not", E, {0}, E, {MINE, "+" ME}, ME, 0, OK},
	{"first entry expires", E, {0}, E, {"@" MINE}, ME, 0, OK},
	{"an expired entry was there", E, {"+" MINE}, E, {"+" MINE, OTHER}, ME, 0, OK},

	/* rule 3: no sawing off one's branch */
	{"second entry elsewhere", E, {MINE}, E, {MINE, OTHER}, ME, 0, OK},
	{"own entry removed", E, {MINE, OTHER}, E, {OTHER}, ME, 0, LOCKS_OUT},
	{"own entry removed, a wider one stays", E, {MINE, ME, OTHER}, E, {MINE, OTHER}, ME, 0, OK},
	{"other's entry removed", E, {MINE, OTHER}, E, {MINE}, ME, 0, OK},
	{"denied over the origin", E, {MINE}, E, {MINE, "!198.51.100.8/29"}, ME, 0, LOCKS_OUT},
	{"denied beside the origin", E, {MINE}, E, {MINE, "!198.51.100.16/28"}, ME, 0, OK},
	{"denied over the origin, a longer allow in it", E, {MINE}, E, {"!" MINE, ME}, ME, 0, OK},
	{"verdict turned to deny", E, {MINE, OTHER}, E, {"!" MINE, OTHER}, ME, 0, LOCKS_OUT},
	{"replaced without the origin", E, {MINE}, E, {OTHER}, ME, 0, LOCKS_OUT},
	{"replaced with the origin", E, {OTHER, MINE}, E, {ME}, ME, 0, OK},
	{"replaced by the other family", E, {MINE}, E, {"2001:db8::/64"}, ME, 0, LOCKS_OUT},
	{"was stopped before", E, {OTHER}, E, {OTHER, "192.0.2.1"}, ME, 0, OK},
	{"origin unknown, any change", E, {MINE, OTHER}, E, {OTHER}, NULL, 0, OK},
	{"own entry removed in monitor", M, {MINE, OTHER}, M, {OTHER}, ME, 0, OK},
	{"own entry removed in off", O, {MINE, OTHER}, O, {OTHER}, ME, 0, OK},
	{"monitor to enforce, not covered", M, {OTHER}, E, {OTHER}, ME, 0, LOCKS_OUT},
	{"monitor to enforce, covered", M, {MINE}, E, {MINE}, ME, 0, OK},
	{"off to enforce, not covered", O, {OTHER}, E, {OTHER}, ME, 0, LOCKS_OUT},
	{"off to enforce, denied", O, {MINE, "!" ME}, E, {MINE, "!" ME}, ME, 0, LOCKS_OUT},
	{"off to enforce, covered", O, {MINE}, E, {MINE}, ME, 0, OK},
	{"off to monitor, not covered", O, {OTHER}, M, {OTHER}, ME, 0, OK},
	{"monitor to enforce, empty", M, {0}, E, {0}, ME, 0, OK},
	{"monitor to enforce, unknown", M, {OTHER}, E, {OTHER}, NULL, 0, OK},
	{"enforce to off", E, {MINE}, O, {MINE}, ME, 0, OK},
	{"enforce to monitor", E, {MINE}, M, {MINE}, NULL, 0, OK},
	{"locked out, forced", E, {MINE, OTHER}, E, {OTHER}, ME, FORCE, OK},
	{"locked out, --open is no force", E, {MINE, OTHER}, E, {OTHER}, ME, OPEN, LOCKS_OUT},
	{"monitor to enforce, forced", M, {OTHER}, E, {OTHER}, ME, FORCE, OK},

	{"own entry disabled", E, {MINE, OTHER}, E, {"-" MINE, OTHER}, ME, 0, LOCKS_OUT},
	{"own entry disabled, a wider one stays", E, {MINE, ME}, E, {MINE, "-" ME}, ME, 0, OK},
	{"own entry expired at once", E, {MINE, OTHER}, E, {"+" MINE, OTHER}, ME, 0, LOCKS_OUT},
	{"a hole enabled over the origin", E, {MINE, "-!" ME}, E, {MINE, "!" ME}, ME, 0, LOCKS_OUT},
	{"a hole expired over the origin", E, {MINE, "+!" ME}, E, {"-" MINE, "+!" ME}, ME, 0, LOCKS_OUT},
	{"own entry removed that had expired", E, {"+" MINE, OTHER}, E, {OTHER}, ME, 0, OK},
	{"own entry will expire", E, {MINE}, E, {"@" MINE}, ME, 0, OK},

	/* rule 3: nothing opens by accident */
	{"last enabled entry disabled", E, {MINE}, E, {"-" MINE}, ME, 0, OPENS},
	{"last enabled entry removed", E, {MINE, "-" OTHER}, E, {"-" OTHER}, ME, 0, OPENS},
	{"last enabled entry disabled, --open", E, {MINE}, E, {"-" MINE}, ME, OPEN, OK},
	{"last enabled entry removed, an expired one", E, {"+" MINE}, E, {0}, ME, 0, OPENS},
	{"an expired entry stays", E, {"+" OTHER, MINE}, E, {"+" OTHER}, ME, OPEN, LOCKS_OUT},
	{"disabled entry removed", E, {"-" MINE}, E, {0}, ME, 0, OK},
	{"account of disabled entries removed", E, {"-" MINE}, E, {0}, NULL, REMOVES, OK},
	{"account of expired entries removed", E, {"+" MINE}, E, {0}, NULL, REMOVES, OPENS},
	{"last entry removed", E, {MINE}, E, {0}, ME, 0, OPENS},
	{"last entries replaced by none", E, {MINE, OTHER}, E, {0}, ME, 0, OPENS},
	{"last entry removed, --open", E, {MINE}, E, {0}, ME, OPEN, OK},
	{"last entry removed in monitor", M, {MINE}, M, {0}, ME, 0, OPENS},
	{"last entry removed in off", O, {MINE}, O, {0}, ME, 0, OPENS},
	{"last entry removed, a denial", E, {"!" OTHER}, E, {0}, ME, 0, OPENS},
	{"last entry removed, unknown origin", E, {MINE}, E, {0}, NULL, 0, OPENS},
	{"last entry removed, --open, unknown origin", E, {MINE}, E, {0}, NULL, OPEN, OK},
	{"force does not stand in for --open", E, {MINE}, E, {0}, ME, FORCE, OPENS},
	{"active account removed", E, {MINE}, E, {0}, ME, REMOVES, OPENS},
	{"active account removed, its list still shown", E, {MINE}, E, {MINE}, ME, REMOVES, OPENS},
	{"active account removed in monitor", M, {MINE}, M, {0}, ME, REMOVES, OPENS},
	{"active account removed, --open", E, {MINE}, E, {0}, ME, REMOVES | OPEN, OK},
	{"active account removed, forced", E, {MINE}, E, {0}, ME, REMOVES | FORCE, OPENS},
	{"empty account removed", E, {0}, E, {0}, NULL, REMOVES, OK},
	{"account removed that is off", O, {MINE}, O, {0}, NULL, REMOVES, OK},
	{"account removed, whatever it was to be", O, {OTHER}, E, {OTHER}, ME, REMOVES, OK},
};

static void fill(struct list *list, const char *const words[ENTRIES_MAX])
{
	for (size_t i = 0; i < ENTRIES_MAX && words[i]; i++) {
		size_t marks = strspn(words[i], "!-+@&");
		struct entry entry = {.verdict = AG_ENTRY_ALLOW};

		for (size_t j = 0; j < marks; j++) {
			char mark = words[i][j];

			entry.verdict = mark == '!' ? AG_ENTRY_DENY : entry.verdict;
			entry.disabled |= mark == '-';
			entry.expires = mark == '+'   ? NOW
					: mark == '@' ? NOW + 3600
					: mark == '&' ? NOW + 7200
						      : entry.expires;
		}
		assert_int_equal(prefix_parse(words[i] + marks, &entry.prefix, NULL), 0);
		assert_int_equal(list_append(list, &entry), 0);
	}
	assert_null(list_sort(list));
}

static struct guard_view view_of(enum ag_mode mode, const struct list *list, const struct addr *origin)
{
	struct guard_view view = {.mode = mode, .match = list_match(list, origin, NOW)};

	for (size_t i = 0; i < list->count; i++)
		view.count += !list->entries[i].disabled;
	if (view.match && view.match->expires)
		view.next = list_match(list, origin, view.match->expires);
	return view;
}

/* The change is refused, or accepted with a warning. */
static enum error_code judge_and_warn(const struct rule_case *rule, struct ag_error *error,
				      char warning[GUARD_WARNING_SIZE])
{
	struct list before = {0}, after = {0};
	struct guard_change change = {.account = "shop",
				      .removes_account = rule->flags & REMOVES,
				      .open = rule->flags & OPEN,
				      .force = rule->flags & FORCE};
	int r;

	fill(&before, rule->before);
	fill(&after, rule->after);
	if (rule->origin)
		assert_int_equal(addr_parse(rule->origin, &change.origin, NULL), 0);
	change.before = view_of(rule->mode_before, &before, &change.origin);
	change.after = view_of(rule->mode_after, &after, &change.origin);
	*error = (struct ag_error){0};
	r = guard_check(&change, error);
	assert_int_equal(r < 0, error->code != ERROR_NONE);
	memset(warning, 'x', GUARD_WARNING_SIZE);
	guard_warn(&change, warning);
	list_clear(&before);
	list_clear(&after);
	return error->code;
}

static enum error_code judge(const struct rule_case *rule, struct ag_error *error)
{
	char warning[GUARD_WARNING_SIZE];

	return judge_and_warn(rule, error, warning);
}

static void every_rule_holds_both_ways(void **state)
{
	struct ag_error error;

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		enum error_code got = judge(&CASES[i], &error);

		if (got != CASES[i].want)
			fail_msg("%s: %s, not %s (%s)", CASES[i].what, error_code_name(got),
				 error_code_name(CASES[i].want), error.message);
	}
}

/* A caller's mistake: a match is given though no origin is known. It covers nobody. */
static void a_match_without_origin_covers_nobody(void **state)
{
	const struct entry entry = {.verdict = AG_ENTRY_ALLOW};
	const struct guard_change change = {.account = "shop", .after = {AG_MODE_ENFORCE, 1, &entry, NULL}};
	struct ag_error error = {0};

	(void)state;
	assert_true(guard_check(&change, &error) < 0);
	assert_int_equal(error.code, ERROR_ORIGIN_NOT_COVERED);
}

static void messages_say_what_to_do(void **state)
{
	static const struct {
		const char *what, *one, *other;
	} cases[] = {
		{"first entry elsewhere", "connected from, 198.51.100.9", "add it in the same request"},
		{"first entry denies the origin", "deny", "allow it in the same request"},
		{"first entry, origin unknown", "not known where you are connected from", "--origin"},
		{"own entry removed", "connected from, 198.51.100.9", "no entry would hold it"},
		{"denied over the origin", "denies 198.51.100.8/29", "--force"},
		{"last entry removed", "last enabled entry of account shop", "--open"},
		{"first enabled entry elsewhere", "first enabled entry of account shop", "--force"},
		{"active account removed", "removing account shop", "--open"},
	};
	struct ag_error error;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct rule_case *rule = CASES;

		while (strcmp(rule->what, cases[i].what) != 0)
			rule++;
		(void)judge(rule, &error);
		assert_non_null(strstr(error.message, cases[i].one));
		assert_non_null(strstr(error.message, cases[i].other));
		assert_true(strlen(error.message) < sizeof(error.message) - 100);
	}
}

#define IN_1H "2026-01-02T04:04:05Z"
#define IN_2H "2026-01-02T05:04:05Z"

static void an_expiry_over_the_actor_warns(void **state)
{
	static const struct {
		struct rule_case rule;
		const char *says; /* NULL: nothing */
	} cases[] = {
		{{"first entry expires", E, {0}, E, {"@" MINE}, ME, 0, OK},
		 "entry " MINE ", which lets you in from " ME ", expires at " IN_1H
		 ": account shop then stops you"},
		{{"the same in monitor", M, {0}, M, {"@" MINE}, ME, 0, OK}, "then no longer lists you"},
		{{"the same in off", O, {0}, O, {"@" MINE}, ME, 0, OK}, "then no longer lists you"},
		{{"first entry never expires", E, {0}, E, {MINE}, ME, 0, OK}, NULL},
		{{"an expiry is set", E, {MINE}, E, {"@" MINE}, ME, 0, OK}, IN_1H},
		{{"it is brought forward", E, {"&" MINE}, E, {"@" MINE}, ME, 0, OK}, IN_1H},
		{{"it is put off", E, {"@" MINE}, E, {"&" MINE}, ME, 0, OK}, NULL},
		{{"it is lifted", E, {"@" MINE}, E, {MINE}, ME, 0, OK}, NULL},
		{{"it stays as it was", E, {"@" MINE}, E, {"@" MINE, OTHER}, ME, 0, OK}, NULL},
		{{"a wider one is behind it", E, {MINE}, E, {MINE, "@" ME}, ME, 0, OK}, NULL},
		{{"the wider one goes", E, {MINE, "@" ME}, E, {"@" ME}, ME, 0, OK}, "entry " ME ","},
		{{"the wider one is disabled", E, {MINE, "@" ME}, E, {"-" MINE, "@" ME}, ME, 0, OK}, IN_1H},
		{{"the wider one expires first", E, {MINE, "&" ME}, E, {"@" MINE, "&" ME}, ME, 0, OK}, IN_2H},
		{{"a denial is behind it", E, {MINE}, E, {"!" MINE, "@" ME}, ME, 0, OK}, IN_1H},
		{{"a denial expires over it", E, {MINE}, E, {MINE, "@!" ME}, ME, FORCE, OK}, NULL},
		{{"another's expires", E, {MINE}, E, {MINE, "@" OTHER}, ME, 0, OK}, NULL},
		{{"the list begins to bite", M, {"@" MINE}, E, {"@" MINE}, ME, 0, OK}, "then stops you"},
		{{"the list ceases to bite", E, {"@" MINE}, M, {"@" MINE}, ME, 0, OK}, NULL},
		{{"origin unknown", E, {MINE}, E, {"@" MINE}, NULL, 0, OK}, NULL},
		{{"account removed", E, {MINE}, E, {"@" MINE}, ME, REMOVES | OPEN, OK}, NULL},
		{{"all is taken away", E, {"@" MINE}, E, {0}, ME, OPEN, OK}, NULL},
	};
	char warning[GUARD_WARNING_SIZE];
	struct ag_error error;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(judge_and_warn(&cases[i].rule, &error, warning), OK);
		if (!memchr(warning, '\0', sizeof(warning)) || !warning[0] != !cases[i].says ||
		    (cases[i].says && !strstr(warning, cases[i].says)))
			fail_msg("%s: %.200s", cases[i].rule.what, warning);
	}
}

static void the_longest_warning_is_whole(void **state)
{
	struct entry entry = {.verdict = AG_ENTRY_ALLOW, .expires = EXPIRES_LAST};
	char name[NAME_SIZE], warning[GUARD_WARNING_SIZE];
	struct guard_change change = {.account = name, .after = {AG_MODE_MONITOR, 1, &entry, NULL}};

	(void)state;
	(void)snprintf(name, sizeof(name), "%063d", 0);
	assert_int_equal(prefix_parse("2001:db8:1111:2222:3333:4444:5555:6660/127", &entry.prefix, NULL), 0);
	assert_int_equal(addr_parse("2001:db8:1111:2222:3333:4444:5555:6661", &change.origin, NULL), 0);
	guard_warn(&change, warning);
	assert_non_null(strstr(warning, "0 then no longer lists you"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_holds_both_ways),
		cmocka_unit_test(a_match_without_origin_covers_nobody),
		cmocka_unit_test(messages_say_what_to_do),
		cmocka_unit_test(an_expiry_over_the_actor_warns),
		cmocka_unit_test(the_longest_warning_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
