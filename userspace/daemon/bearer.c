// SPDX-License-Identifier: GPL-2.0-only
/*
 * bearer.c - a token presented: found, and compared
 *
 * An unknown id is compared with a hash of nobody's, so that it takes as long as a wrong secret. A request
 * without a token is told so, and no more: nothing was guessed.
 */
#include "userspace/daemon/bearer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "userspace/core/token.h"
#include "userspace/daemon/identity.h"

static int refuse(struct tokens_refusal *refusal, struct ag_error *error, const char *challenge,
		  const char *why)
{
	refusal->status = 401;
	refusal->authenticate = challenge;
	return error_set(error, ERROR_FORBIDDEN, "%s", why);
}

static int refuse_token(struct tokens_refusal *refusal, struct ag_error *error, const char *why)
{
	return refuse(refusal, error, "Bearer error=\"invalid_token\"", why);
}

/* The one token of the request; its text is borrowed. */
static int take_header(const struct httpd_request *request, const char **ret, struct tokens_refusal *refusal,
		       struct ag_error *error)
{
	bool many = false;
	const char *value = httpd_header(request, "Authorization", &many);

	if (many)
		return error_set(error, ERROR_BAD_REQUEST,
				 "the header Authorization stands more than once: send it once");
	if (!value || strncasecmp(value, BEARER_SCHEME, strlen(BEARER_SCHEME)) != 0)
		return refuse(refusal, error, "Bearer",
			      "over TLS a token says who asks: send \"Authorization: Bearer agt_...\"; an "
			      "operator makes one with 'allowgate token create'");
	*ret = value + strlen(BEARER_SCHEME);
	return 0;
}

static int find_token(const struct gate *gate, const char *text, struct store_token *ret,
		      struct tokens_refusal *refusal, struct ag_error *error)
{
	uint8_t secret[TOKEN_SECRET_SIZE] = {0};
	struct store_token token = {0};
	struct ag_error why = {0};
	int64_t id = 0;
	bool known = !token_parse(text, &id, secret);
	bool right;

	if (known && store_token_find(gate->store, id, &token, &why)) {
		if (why.code != ERROR_NOT_FOUND)
			return error_set(error, why.code, "%s", why.message);
		known = false;
	}
	right = token_matches(secret, token.hash); /* whether it is known or not */
	explicit_bzero(secret, sizeof(secret));
	if (!known || !right)
		return refuse_token(refusal, error,
				    "the token is none: it is mistyped, or was revoked, or its user, account "
				    "or role is gone");
	if (token.expires && token.expires <= time(NULL))
		return refuse_token(refusal, error, "the token has expired: ask an operator for another");
	*ret = token;
	return 0;
}

static void become(const struct store_token *token, struct actor *actor)
{
	(void)snprintf(actor->name, sizeof(actor->name), "%s", token->user);
	(void)snprintf(actor->token_account, sizeof(actor->token_account), "%s", token->account);
	actor->token = token->id;
	actor->token_role = token->role;
	actor->token_expires = token->expires;
}

int bearer_find(const struct gate *gate, const struct httpd_request *request, struct store_token *ret,
		struct tokens_refusal *refusal, struct ag_error *error)
{
	const char *text = NULL;
	int err = take_header(request, &text, refusal, error);

	if (!err && !gate->store)
		err = error_set(error, ERROR_STORE, "%s", gate->reason);
	return err ? err : find_token(gate, text, ret, refusal, error);
}

int bearer_identify(const struct gate *gate, const struct httpd_request *request, struct actor *ret,
		    struct tokens_refusal *refusal, struct ag_error *error)
{
	struct store_token token;
	int err;

	*ret = (struct actor){.uid = (uid_t)-1, .origin = request->peer};
	err = bearer_find(gate, request, &token, refusal, error);
	if (err)
		return err;
	become(&token, ret);
	if (!identity_claims(request))
		return 0;
	return error_set(
		error, ERROR_FORBIDDEN,
		"over TLS nobody speaks for somebody else, and where a request comes from is seen: leave "
		"out Allowgate-On-Behalf-Of and Allowgate-Origin");
}
