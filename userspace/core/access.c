// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is said to whoever is refused depends on the right and on who asks alone, never on the role or on
 * whether the account exists: so the two cannot be told apart.
 */
#include "userspace/core/access.h"

#include <string.h>

#include "userspace/core/choice.h"
#include "userspace/core/error.h"

static const char *const role_names[] = {
	[ROLE_NONE] = "none",
	[ROLE_VIEWER] = "viewer",
	[ROLE_ADMIN] = "admin",
};
_Static_assert(sizeof(role_names) / sizeof(*role_names) == ROLE_MAX, "a role has no name");

static const struct {
	bool anyone;
	bool known;	 /* being a user is enough */
	bool operators;	 /* being an operator is enough */
	enum role least; /* so is this role and those above; ROLE_NONE: no role is */
	const char *what;
} rights[] = {
	[RIGHT_ANYONE] = {.anyone = true},
	[RIGHT_KNOWN] = {.known = true},
	[RIGHT_OPERATE] = {.operators = true},
	[RIGHT_ACCOUNT_READ] = {.operators = true, .least = ROLE_VIEWER, .what = "reading"},
	[RIGHT_ACCOUNT_TUNE] = {.operators = true,
				.least = ROLE_ADMIN,
				.what = "changing the mode or the on-deny action of"},
	[RIGHT_ACCOUNT_LIST] = {.least = ROLE_ADMIN, .what = "changing the allowlist of"},
};
_Static_assert(sizeof(rights) / sizeof(*rights) == RIGHT_MAX, "a right has no rule");

const char *role_name(enum role role)
{
	return role_names[role];
}

int role_parse(const char *text, enum role *ret, struct ag_error *error)
{
	size_t index;
	int r = choice_parse("role", role_names + 1, ROLE_MAX - 1, text, &index, error);

	if (r == 0)
		*ret = (enum role)(index + 1);
	return r;
}

static bool actor_known(const struct actor *actor)
{
	return actor->operator_ || actor->name[0];
}

enum role access_role(const struct actor *actor, enum role role)
{
	return actor->token && actor->token_role < role ? actor->token_role : role;
}

static bool token_reaches(const struct actor *actor, enum right right, const char *account)
{
	return rights[right].anyone ||
	       (rights[right].least != ROLE_NONE && account && strcmp(account, actor->token_account) == 0);
}

static bool has_right(const struct actor *actor, enum role role, enum right right)
{
	if (rights[right].anyone)
		return true;
	if (!actor_known(actor))
		return false;
	if (rights[right].known || (rights[right].operators && actor->operator_))
		return true;
	return rights[right].least != ROLE_NONE && role >= rights[right].least;
}

static int refuse_unknown(const struct actor *actor, struct ag_error *error)
{
	if (actor->delegate[0])
		return error_set(error, ERROR_FORBIDDEN,
				 "the person that %s speaks for is no user here: an operator can add them: "
				 "allowgate user add NAME",
				 actor->delegate);
	return error_set(error, ERROR_FORBIDDEN,
			 "uid %u is no user here: an operator can add it: allowgate user add NAME --uid %u",
			 (unsigned int)actor->uid, (unsigned int)actor->uid);
}

/* Nothing is hidden from operators, so they are told the whole way to the role. */
static int refuse_role(const struct actor *actor, enum right right, const char *account,
		       struct ag_error *error)
{
	const char *role = role_names[rights[right].least];
	const char *what = rights[right].what;

	if (!account)
		return error_set(error, ERROR_FORBIDDEN,
				 "%s an account needs the role %s on it: an operator can grant it", what,
				 role);
	if (actor->operator_ && !actor->name[0])
		return error_set(
			error, ERROR_FORBIDDEN,
			"%s account %s needs the role %s on it, which an operator has not got by that alone: "
			"allowgate user add NAME --uid %u, then allowgate role grant %s NAME %s",
			what, account, role, (unsigned int)actor->uid, account, role);
	if (actor->operator_)
		return error_set(
			error, ERROR_FORBIDDEN,
			"%s account %s needs the role %s on it, which an operator has not got by that alone: "
			"allowgate role grant %s %s %s",
			what, account, role, account, actor->name, role);
	return error_set(error, ERROR_FORBIDDEN,
			 "%s account %s needs the role %s on it: an operator can grant it: "
			 "allowgate role grant %s %s %s",
			 what, account, role, account, actor->name, role);
}

int access_check(const struct actor *actor, enum role role, enum right right, const char *account,
		 struct ag_error *error)
{
	/* One sentence for all there is elsewhere, so that nothing can be told of it. */
	if (actor->token && !token_reaches(actor, right, account))
		return error_set(
			error, ERROR_FORBIDDEN,
			"this token is for account %s: it reads /v1/whoami, and nothing else that is "
			"not below /v1/accounts/%s or asked for of that account alone",
			actor->token_account, actor->token_account);
	if (has_right(actor, access_role(actor, role), right))
		return 0;
	if (actor->token)
		return error_set(
			error, ERROR_FORBIDDEN,
			"%s account %s needs the role %s on it, which this token, or its user, has not "
			"got: an operator can grant the role, and make a token for it",
			rights[right].what, account, role_names[rights[right].least]);
	if (!actor_known(actor))
		return refuse_unknown(actor, error);
	if (rights[right].least == ROLE_NONE)
		return error_set(error, ERROR_FORBIDDEN,
				 "only an operator may do this: root, or a user added with --operator");
	return refuse_role(actor, right, account, error);
}
