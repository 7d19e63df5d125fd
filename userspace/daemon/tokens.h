/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tokens.h - who a request over TLS is for: the user of the token it brings, from where it comes
 *
 * "Authorization: Bearer agt_..." alone identifies there, and the connection's other end is the origin. A
 * token acts within the role that its user has now on its account, and never beyond its own. Everything that
 * can be asked for from outside has a limit: sources that fail wait (backoff.h), a token may ask so often
 * (pace.h), and what is refused leaves so many rows a minute in the audit log, and one that counts the rest.
 */
#pragma once

#include "userspace/core/access.h"
#include "userspace/daemon/gate.h"
#include "userspace/io/httpd.h"

struct loop;
struct tokens;

/* How a refusal differs from what its error code says. Zero-initialise. */
struct tokens_refusal {
	unsigned int status;	  /* 0: that of the code */
	unsigned int retry_after; /* seconds; 0: none */
	const char *authenticate; /* WWW-Authenticate; NULL: none */
};

/* Borrows both. -ENOMEM, or what the loop says. */
int tokens_new(struct gate *gate, struct loop *loop, struct tokens **ret);
/* Writes the row of what had none yet: while the gate is there. */
void tokens_free(struct tokens *tokens);

/* Whether the request may be read on: its source need not wait, its token is one, and may ask now. Once a
 * request. */
int tokens_admit(struct tokens *tokens, const struct httpd_request *request, struct tokens_refusal *refusal,
		 struct ag_error *error);
/* What is noted, each so many times a minute, so that strangers cannot crowd out those with a token. */
enum tokens_note {
	TOKENS_NOTE_FAILURE, /* a token that is none */
	TOKENS_NOTE_REFUSAL, /* what was asked with a good one */
	TOKENS_NOTE_MAX,
};
/* Whether one more gets a row in the audit log in this minute; it is counted otherwise. */
bool tokens_may_note(struct tokens *tokens, enum tokens_note note);
