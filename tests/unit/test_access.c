// SPDX-License-Identifier: GPL-2.0-only
/* test_access.c - every right against every kind of person and role */
#include "userspace/core/access.h"

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

enum person { NOBODY, USER, OPERATOR, ROOT };

static const struct actor people[] = {
	[NOBODY] = {.uid = 1000},
	[USER] = {.name = "ada", .uid = 1000},
	[OPERATOR] = {.name = "ops", .operator_ = true, .uid = 1001},
	[ROOT] = {.operator_ = true, .uid = 0},
};

/* Rights that a person with a role has, as a string of their letters: Anyone, Known, Operate, Read, Tune,
 * List. */
static const struct {
	enum person person;
	enum role role;
	const char *rights;
} TABLE[] = {
	{NOBODY, ROLE_NONE, "A"},	{NOBODY, ROLE_VIEWER, "A"},	  {NOBODY, ROLE_ADMIN, "A"},
	{USER, ROLE_NONE, "AK"},	{USER, ROLE_VIEWER, "AKR"},	  {USER, ROLE_ADMIN, "AKRTL"},
	{OPERATOR, ROLE_NONE, "AKORT"}, {OPERATOR, ROLE_VIEWER, "AKORT"}, {OPERATOR, ROLE_ADMIN, "AKORTL"},
	{ROOT, ROLE_NONE, "AKORT"},
};

static const char letters[] = {
	[RIGHT_ANYONE] = 'A',	    [RIGHT_KNOWN] = 'K',	[RIGHT_OPERATE] = 'O',
	[RIGHT_ACCOUNT_READ] = 'R', [RIGHT_ACCOUNT_TUNE] = 'T', [RIGHT_ACCOUNT_LIST] = 'L',
};

static void rights_are_those_of_the_table(void **state)
{
	(void)state;
	assert_int_equal(sizeof(letters), RIGHT_MAX);
	for (size_t i = 0; i < COUNT(TABLE); i++) {
		for (unsigned int right = 0; right < RIGHT_MAX; right++) {
			bool may = strchr(TABLE[i].rights, letters[right]) != NULL;
			struct ag_error error = {0};

			assert_int_equal(
				access_check(&people[TABLE[i].person], TABLE[i].role, right, "shop", &error),
				may ? 0 : -EACCES);
			assert_int_equal(error.code, may ? ERROR_NONE : ERROR_FORBIDDEN);
		}
	}
}

/* A role that is there would give away that the account is. */
static void a_refusal_says_the_same_whatever_the_role(void **state)
{
	static const enum right refused[] = {RIGHT_OPERATE, RIGHT_ACCOUNT_TUNE, RIGHT_ACCOUNT_LIST};

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct ag_error none, viewer;

		(void)access_check(&people[USER], ROLE_NONE, refused[i], "shop", &none);
		(void)access_check(&people[USER], ROLE_VIEWER, refused[i], "shop", &viewer);
		assert_string_equal(none.message, viewer.message);
	}
}

static void a_refusal_says_what_to_do(void **state)
{
	struct actor vouched = {.uid = 33, .delegate = "webapp"};
	static const struct {
		enum person person;
		enum right right;
		const char *advice;
	} cases[] = {
		{USER, RIGHT_ACCOUNT_READ, "allowgate role grant shop ada viewer"},
		{USER, RIGHT_ACCOUNT_TUNE, "allowgate role grant shop ada admin"},
		{USER, RIGHT_ACCOUNT_LIST, "allowgate role grant shop ada admin"},
		{OPERATOR, RIGHT_ACCOUNT_LIST, "allowgate role grant shop ops admin"},
		{ROOT, RIGHT_ACCOUNT_LIST,
		 "allowgate user add NAME --uid 0, then allowgate role grant shop NAME admin"},
		{USER, RIGHT_OPERATE, "operator"},
		{NOBODY, RIGHT_KNOWN, "allowgate user add NAME --uid 1000"},
		{NOBODY, RIGHT_ACCOUNT_READ, "allowgate user add NAME --uid 1000"},
	};
	struct ag_error error;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		(void)access_check(&people[cases[i].person], ROLE_NONE, cases[i].right, "shop", &error);
		assert_non_null(strstr(error.message, cases[i].advice));
	}
	(void)access_check(&vouched, ROLE_NONE, RIGHT_ACCOUNT_READ, "shop", &error);
	assert_non_null(strstr(error.message, "webapp speaks for"));
	assert_null(strstr(error.message, "33"));
	(void)access_check(&people[USER], ROLE_NONE, RIGHT_ACCOUNT_READ, NULL, &error);
	assert_non_null(strstr(error.message, "viewer"));
}

/* Whoever may not read it learns nothing of an account but the name they gave. */
static void unknown_people_see_no_account(void **state)
{
	struct ag_error one, other;

	(void)state;
	(void)access_check(&people[NOBODY], ROLE_NONE, RIGHT_ACCOUNT_READ, "shop", &one);
	(void)access_check(&people[NOBODY], ROLE_NONE, RIGHT_ACCOUNT_READ, "none-such", &other);
	assert_string_equal(one.message, other.message);
}

/* A token for shop: its role, its user's, and the rights that come of them. */
static void a_token_gives_the_lesser_role_on_its_account_alone(void **state)
{
	static const struct {
		enum role token, user;
		const char *rights;
	} cases[] = {
		{ROLE_ADMIN, ROLE_ADMIN, "ARTL"}, {ROLE_ADMIN, ROLE_VIEWER, "AR"},
		{ROLE_ADMIN, ROLE_NONE, "A"},	  {ROLE_VIEWER, ROLE_ADMIN, "AR"},
		{ROLE_VIEWER, ROLE_NONE, "A"},
	};
	struct actor actor = {.name = "ada", .uid = (uid_t)-1, .token = 7, .token_account = "shop"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		actor.token_role = cases[i].token;
		for (unsigned int right = 0; right < RIGHT_MAX; right++) {
			bool may = strchr(cases[i].rights, letters[right]) != NULL;

			assert_int_equal(access_check(&actor, cases[i].user, right, "shop", NULL),
					 may ? 0 : -EACCES);
			may = right == RIGHT_ANYONE;
			assert_int_equal(access_check(&actor, ROLE_ADMIN, right, "other", NULL),
					 may ? 0 : -EACCES);
			assert_int_equal(access_check(&actor, ROLE_ADMIN, right, NULL, NULL),
					 may ? 0 : -EACCES);
		}
	}
	assert_int_equal(access_role(&actor, ROLE_ADMIN), ROLE_VIEWER);
	assert_int_equal(access_role(&people[USER], ROLE_ADMIN), ROLE_ADMIN);
}

/* Of another account it says the same as of one that is none, and of what is no account's. */
static void a_token_learns_nothing_of_the_rest(void **state)
{
	struct actor actor = {.name = "ada", .token = 7, .token_account = "shop", .token_role = ROLE_ADMIN};
	struct ag_error one, other, none;

	(void)state;
	(void)access_check(&actor, ROLE_ADMIN, RIGHT_ACCOUNT_READ, "other", &one);
	(void)access_check(&actor, ROLE_NONE, RIGHT_ACCOUNT_LIST, "none-such", &other);
	(void)access_check(&actor, ROLE_NONE, RIGHT_OPERATE, NULL, &none);
	assert_string_equal(one.message, other.message);
	assert_string_equal(one.message, none.message);
}

static void roles_have_names(void **state)
{
	enum role role = ROLE_MAX;

	(void)state;
	assert_int_equal(role_parse("viewer", &role, NULL), 0);
	assert_int_equal(role, ROLE_VIEWER);
	assert_int_equal(role_parse("admin", &role, NULL), 0);
	assert_int_equal(role, ROLE_ADMIN);
	assert_int_equal(role_parse("none", &role, NULL), -EINVAL);
	assert_int_equal(role_parse("operator", &role, NULL), -EINVAL);
	assert_int_equal(role, ROLE_ADMIN);
	assert_string_equal(role_name(ROLE_VIEWER), "viewer");
	assert_string_equal(role_name(ROLE_ADMIN), "admin");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_are_those_of_the_table),
		cmocka_unit_test(a_refusal_says_the_same_whatever_the_role),
		cmocka_unit_test(a_refusal_says_what_to_do),
		cmocka_unit_test(unknown_people_see_no_account),
		cmocka_unit_test(a_token_gives_the_lesser_role_on_its_account_alone),
		cmocka_unit_test(a_token_learns_nothing_of_the_rest),
		cmocka_unit_test(roles_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
