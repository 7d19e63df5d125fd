// SPDX-License-Identifier: GPL-2.0-only
/*
 * tokens.c - what becomes of tokens that are presented, and of those that are none
 */
#include "userspace/daemon/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/core/backoff.h"
#include "userspace/core/pace.h"
#include "userspace/core/token.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/bearer.h"
#include "userspace/io/log.h"
#include "userspace/io/loop.h"

#define MINUTE_MS    60000
#define USED_EVERY_S 60
#define ACTION	     "token use"

static const unsigned int notes_per_minute[TOKENS_NOTE_MAX] = {
	[TOKENS_NOTE_FAILURE] = 10,
	[TOKENS_NOTE_REFUSAL] = 60,
};

struct tokens {
	struct gate *gate;
	struct backoff backoff;
	struct pace pace;
	struct pace marks;		     /* when its use was last written */
	unsigned int notes[TOKENS_NOTE_MAX]; /* rows in this minute */
	uint64_t unnoted[TOKENS_NOTE_MAX];
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- what is noted ----------------------------------------------------------- */

bool tokens_may_note(struct tokens *tokens, enum tokens_note note)
{
	if (tokens->notes[note] < notes_per_minute[note]) {
		tokens->notes[note]++;
		return true;
	}
	tokens->unnoted[note]++;
	return false;
}

static void note_rest(struct tokens *tokens)
{
	const uint64_t *unnoted = tokens->unnoted;
	struct actor nobody = {.uid = (uid_t)-1};
	struct ag_error why = {.code = ERROR_FORBIDDEN};
	char detail[160];

	if (!unnoted[TOKENS_NOTE_FAILURE] && !unnoted[TOKENS_NOTE_REFUSAL])
		return;
	(void)snprintf(detail, sizeof(detail),
		       "%llu more tokens were none, and %llu more changes over TLS were refused",
		       (unsigned long long)unnoted[TOKENS_NOTE_FAILURE],
		       (unsigned long long)unnoted[TOKENS_NOTE_REFUSAL]);
	memset(tokens->unnoted, 0, sizeof(tokens->unnoted));
	change_audit(tokens->gate, &nobody, "", ACTION, detail, &why);
}

static void minute_over(void *arg)
{
	struct tokens *tokens = arg;

	memset(tokens->notes, 0, sizeof(tokens->notes));
	note_rest(tokens);
}

int tokens_new(struct gate *gate, struct loop *loop, struct tokens **ret)
{
	struct tokens *tokens = calloc(1, sizeof(*tokens));
	int err = 0;

	if (!tokens)
		return -ENOMEM;
	tokens->gate = gate;
	tokens->pace.per_minute = gate->options->max_token_requests;
	tokens->marks.per_minute = 1;
	if (gate->options->listen_count)
		err = loop_add_timer(loop, MINUTE_MS, minute_over, tokens);
	if (err) {
		free(tokens);
		return err;
	}
	*ret = tokens;
	return 0;
}

void tokens_free(struct tokens *tokens)
{
	if (!tokens)
		return;
	note_rest(tokens);
	free(tokens);
}

/* --- what becomes of it ------------------------------------------------------ */

/* The id is shown as it was sent, if it has its form: twelve digits. */
static void note_failure(struct tokens *tokens, const struct httpd_request *request,
			 const struct ag_error *why)
{
	struct actor nobody = {.uid = (uid_t)-1, .origin = request->peer};
	const char *value = httpd_header(request, "Authorization", NULL);
	uint8_t secret[TOKEN_SECRET_SIZE];
	char detail[320], id_text[TOKEN_ID_SIZE] = "of no form";
	int64_t id;

	if (!tokens_may_note(tokens, TOKENS_NOTE_FAILURE))
		return;
	if (value && !token_parse(value + strlen(BEARER_SCHEME), &id, secret)) {
		token_id_format(id, id_text);
		explicit_bzero(secret, sizeof(secret));
	}
	(void)snprintf(detail, sizeof(detail), "%s: %.280s", id_text, why->message);
	change_audit(tokens->gate, &nobody, "", ACTION, detail, why);
}

static int wait_for(uint64_t wait_ms, struct tokens_refusal *refusal, struct ag_error *error, const char *why)
{
	refusal->status = 429;
	refusal->retry_after = (unsigned int)((wait_ms + 999) / 1000);
	return error_set(error, ERROR_LIMIT, "%s: try again in %u seconds", why, refusal->retry_after);
}

/* At most once a minute and token, also where writing fails. */
static void mark_used(struct tokens *tokens, const struct store_token *token, uint64_t now)
{
	int64_t seconds = time(NULL);
	struct ag_error why = {0};

	if (seconds < token->last_used + USED_EVERY_S || pace_take(&tokens->marks, token->id, now))
		return;
	if (store_token_used(tokens->gate->store, token->id, seconds, &why))
		log_warning("cannot note when a token was used: %s", why.message);
}

int tokens_admit(struct tokens *tokens, const struct httpd_request *request, struct tokens_refusal *refusal,
		 struct ag_error *error)
{
	uint64_t now = now_ms(), wait = backoff_wait_ms(&tokens->backoff, &request->peer, now);
	struct store_token token;
	int err;

	if (wait)
		return wait_for(wait, refusal, error, "too many tokens from this address were none");
	err = bearer_find(tokens->gate, request, &token, refusal, error);
	if (err) {
		tokens->gate->auth_failures += refusal->status == 401;
		if (refusal->status == 401 && httpd_header(request, "Authorization", NULL)) {
			backoff_fail(&tokens->backoff, &request->peer, now);
			note_failure(tokens, request, error);
		}
		return err;
	}
	wait = pace_take(&tokens->pace, token.id, now);
	if (wait)
		return wait_for(wait, refusal, error, "this token asks too often");
	mark_used(tokens, &token, now);
	return 0;
}
