// SPDX-License-Identifier: GPL-2.0-only
/*
 * identity.c - from the socket's peer, and what a delegate vouches for, to an actor
 */
#include "userspace/daemon/identity.h"

#include <stdio.h>

#define HEADER_USER   "Allowgate-On-Behalf-Of"
#define HEADER_ORIGIN "Allowgate-Origin"

/* Root is an operator whatever the store says, so that a host can always be run; it has a name only where a
 * user is it. */
static int identify_peer(struct gate *gate, uid_t uid, struct actor *actor, bool *ret_delegate,
			 struct ag_error *error)
{
	struct store_user user = {0};
	int err = gate->store ? store_user_find_uid(gate->store, (int64_t)uid, &user, error) : 0;

	actor->uid = uid;
	if (err && error->code != ERROR_NOT_FOUND)
		return err;
	(void)snprintf(actor->name, sizeof(actor->name), "%s", user.name);
	actor->operator_ = user.operator_ || uid == 0;
	*ret_delegate = user.delegate;
	return 0;
}

static int header(const struct httpd_request *request, const char *name, const char **ret,
		  struct ag_error *error)
{
	bool many = false;

	*ret = httpd_header(request, name, &many);
	return many ? error_set(error, ERROR_BAD_REQUEST, "the header %s stands more than once: send it once",
				name)
		    : 0;
}

static int act_for(struct gate *gate, const char *name, struct actor *actor, struct ag_error *error)
{
	struct store_user user;
	struct ag_error why;
	int err = name_check("user", name, error);

	if (err)
		return err;
	(void)snprintf(actor->delegate, sizeof(actor->delegate), "%s", actor->name);
	actor->operator_ = false;
	if (store_user_find(gate->store, name, &user, &why)) {
		(void)snprintf(actor->name, sizeof(actor->name), "%s", name);
		return why.code == ERROR_NOT_FOUND ? error_set(error, ERROR_FORBIDDEN,
							       "user '%s' is not known here: an operator "
							       "adds them with 'allowgate user add'",
							       name)
						   : error_set(error, why.code, "%s", why.message);
	}
	(void)snprintf(actor->name, sizeof(actor->name), "%s", user.name);
	actor->operator_ = user.operator_ || user.uid == 0;
	return 0;
}

bool identity_claims(const struct httpd_request *request)
{
	return httpd_header(request, HEADER_USER, NULL) || httpd_header(request, HEADER_ORIGIN, NULL);
}

/* Here the socket says who asks. A token that came as well would be of somebody else's, and be ignored in
 * silence. */
static int refuse_token(const struct httpd_request *request, struct ag_error *error)
{
	if (!httpd_header(request, "Authorization", NULL))
		return 0;
	return error_set(
		error, ERROR_BAD_REQUEST,
		"tokens are for requests over TLS: here the socket says who asks; leave out the header "
		"Authorization");
}

int identity_establish(struct gate *gate, const struct httpd_request *request, struct actor *ret,
		       struct ag_error *error)
{
	const char *user, *origin;
	bool delegate = false;
	int err;

	*ret = (struct actor){0};
	err = identify_peer(gate, request->peer_uid, ret, &delegate, error);
	if (!err)
		err = refuse_token(request, error);
	if (!err)
		err = header(request, HEADER_USER, &user, error);
	if (!err)
		err = header(request, HEADER_ORIGIN, &origin, error);
	if (err || (!user && !origin))
		return err;
	if (!delegate)
		return error_set(error, ERROR_FORBIDDEN,
				 "only a delegate may say on whose behalf or from where: an operator makes "
				 "one with 'allowgate user "
				 "add NAME --uid %u --delegate'",
				 (unsigned int)request->peer_uid);
	if (user)
		err = act_for(gate, user, ret, error);
	if (!err && origin) {
		err = addr_parse(origin, &ret->origin, error);
		if (err)
			error_prepend(error, "origin: ");
	}
	return err;
}

bool identity_wants_origin(const struct actor *actor)
{
	return !actor->delegate[0] && !addr_known(&actor->origin);
}
