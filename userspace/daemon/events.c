// SPDX-License-Identifier: GPL-2.0-only
/*
 * events.c - followers, and what is written to each
 *
 * An event is formatted once, and written to all whom it concerns, whole or not at all.
 */
#include "userspace/daemon/events.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "userspace/core/buffer.h"
#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/daemon/bearer.h"
#include "userspace/daemon/identity.h"

struct follower {
	LIST_ENTRY(follower) link;
	struct events *events;
	struct httpd_stream *stream;
	char account[NAME_SIZE]; /* "": of all */
	int64_t account_id;
	int64_t token;	      /* that it came with; 0: none */
	int64_t expires;      /* it does; 0: never */
	unsigned int packets; /* in this tick */
	uint64_t missed;
	unsigned int idle_ticks;  /* nothing was written */
	unsigned int stuck_ticks; /* what waits for it has not become less */
	size_t room;		  /* at the end of the tick before */
};

struct events {
	struct gate *gate;
	LIST_HEAD(, follower) followers;
	size_t count;
	unsigned int ticks; /* since rights were last looked at */
};

int events_new(struct gate *gate, struct events **ret)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	events->gate = gate;
	LIST_INIT(&events->followers);
	*ret = events;
	return 0;
}

size_t events_followers(const struct events *events)
{
	return events->count;
}

static void follower_free(struct follower *follower)
{
	LIST_REMOVE(follower, link);
	follower->events->count--;
	free(follower);
}

static void gone(struct httpd_stream *stream, void *arg)
{
	(void)stream; /* the follower's own */
	follower_free(arg);
}

/* --- writing ------------------------------------------------------------------- */

/* Leaves so much of what may wait to others. */
static bool write_text(struct follower *follower, const struct buffer *text, size_t leave)
{
	if (text->failed || httpd_stream_room(follower->stream) < text->length + leave ||
	    httpd_stream_write(follower->stream, text->data, text->length))
		return false;
	follower->idle_ticks = 0;
	return true;
}

static bool write_event(struct follower *follower, const char *name, const char *data)
{
	CLEANUP(buffer_clear) struct buffer text = {0};

	(void)buffer_print(&text, "event: %s\ndata: %s\n\n", name, data); /* remembered in the buffer */
	return write_text(follower, &text, 0);
}

/* With what was missed since the one before. */
static void write_packet(struct follower *follower, const char *name, const char *data)
{
	CLEANUP(buffer_clear) struct buffer text = {0};

	(void)buffer_print(&text, "event: %s\ndata: %.*s,\"missed\":%" PRIu64 "}\n\n", name,
			   (int)strlen(data) - 1, data, follower->missed); /* remembered in the buffer */
	if (follower->packets < EVENTS_PER_TICK && write_text(follower, &text, EVENTS_HELD_CHANGES)) {
		follower->packets++;
		follower->missed = 0;
	} else {
		follower->missed++;
	}
}

static void write_missed(struct follower *follower)
{
	CLEANUP(buffer_clear) struct buffer text = {0};

	if (!follower->missed)
		return;
	(void)buffer_print(&text, "event: missed\ndata: {\"missed\":%" PRIu64 "}\n\n", follower->missed);
	if (write_text(follower, &text, 0))
		follower->missed = 0;
}

/* Says why, where there is room, and lets it go. */
static void let_go(struct follower *follower, const struct ag_error *why)
{
	json_t *problem = json_problem(why);
	AUTO_FREE char *text = problem ? json_dumps(problem, JSON_COMPACT) : NULL;

	write_missed(follower);
	if (text)
		(void)write_event(follower, "end", text); /* the stream's end says it too */
	json_decref(problem);
	httpd_stream_end(follower->stream);
	follower_free(follower);
}

void events_free(struct events *events)
{
	struct follower *follower;
	struct ag_error why = {0};

	if (!events)
		return;
	(void)error_set(&why, ERROR_CONFLICT, "the daemon is leaving: follow again when it is back");
	while ((follower = LIST_FIRST(&events->followers)))
		let_go(follower, &why);
	free(events);
}

/* --- who may follow ------------------------------------------------------------ */

static int check_account(const struct follower *follower, const struct actor *actor, struct ag_error *error)
{
	struct gate *gate = follower->events->gate;
	const struct account *account = gate_account(gate, follower->account);
	enum role role = ROLE_NONE;
	int err = 0;

	if (account && account->id != follower->account_id)
		account = NULL; /* another one of that name */
	if (account && actor->name[0])
		err = store_role_of(gate->store, account->id, actor->name, &role, error);
	if (!err)
		err = access_check(actor, role, RIGHT_ACCOUNT_READ, follower->account, error);
	if (!err && !account)
		err = error_set(error, ERROR_NOT_FOUND, "account %s was removed", follower->account);
	return err;
}

static int check_right(const struct follower *follower, struct ag_error *error)
{
	struct gate *gate = follower->events->gate;
	const struct httpd_request *request = httpd_stream_request(follower->stream);
	struct tokens_refusal unneeded = {0};
	struct actor actor = {0};
	int err;

	if (!gate->store)
		return error_set(error, ERROR_STORE, "%s", gate->reason);
	err = follower->token ? bearer_identify(gate, request, &actor, &unneeded, error)
			      : identity_establish(gate, request, &actor, error);
	if (err)
		return err;
	if (follower->account[0])
		return check_account(follower, &actor, error);
	return access_check(&actor, ROLE_NONE, RIGHT_OPERATE, NULL, error);
}

static void check_rights(struct events *events)
{
	struct follower *follower, *next;

	for (follower = LIST_FIRST(&events->followers); follower; follower = next) {
		struct ag_error why = {0};

		next = LIST_NEXT(follower, link);
		if (check_right(follower, &why))
			let_go(follower, &why);
	}
}

static int check_room(const struct events *events, const struct actor *actor, struct ag_error *error)
{
	const struct follower *follower;
	size_t remote = 0, same = 0;

	LIST_FOREACH(follower, &events->followers, link)
	{
		remote += follower->token != 0;
		same += follower->token == actor->token;
	}
	if (actor->token && same >= EVENTS_TOKEN_MAX)
		return error_set(
			error, ERROR_LIMIT,
			"%d follow events by this token already, which are the most: let one of them go",
			EVENTS_TOKEN_MAX);
	if (events->count < EVENTS_FOLLOWERS_MAX && (!actor->token || remote < EVENTS_REMOTE_MAX))
		return 0;
	return error_set(error, ERROR_LIMIT,
			 "%d follow events already, which are the most: try again when one has left",
			 events->count < EVENTS_FOLLOWERS_MAX ? EVENTS_REMOTE_MAX : EVENTS_FOLLOWERS_MAX);
}

int events_follow(struct events *events, const struct httpd_request *request, const struct actor *actor,
		  const struct account *account, struct ag_error *error)
{
	struct follower *follower;
	int err = check_room(events, actor, error);

	if (err)
		return err;
	follower = calloc(1, sizeof(*follower));
	if (follower)
		follower->stream = httpd_stream(
			request, &(struct httpd_stream_options){
					 .limit = EVENTS_HELD_MAX, .gone = gone, .arg = follower});
	if (!follower || !follower->stream) {
		free(follower);
		return error_set(error, ERROR_LIMIT, "no memory for one more who follows events");
	}
	follower->events = events;
	follower->token = actor->token;
	follower->expires = actor->token_expires;
	if (account) {
		memcpy(follower->account, account->name, sizeof(follower->account));
		follower->account_id = account->id;
	}
	LIST_INSERT_HEAD(&events->followers, follower, link);
	events->count++;
	follower->idle_ticks = EVENTS_KEEP_ALIVE_MS / EVENTS_TICK_MS; /* says at once that it is there */
	return 0;
}

/* --- ticks --------------------------------------------------------------------- */

/* Whatever waits for it was written before: what it has taken since makes room. */
static void note_progress(struct follower *follower)
{
	size_t room = httpd_stream_room(follower->stream);

	if (room == EVENTS_HELD_MAX || room > follower->room)
		follower->stuck_ticks = 0;
	else
		follower->stuck_ticks++;
}

void events_begin(struct events *events)
{
	struct follower *follower;

	LIST_FOREACH(follower, &events->followers, link)
	{
		follower->packets = 0;
		note_progress(follower);
	}
}

void events_miss(struct events *events, uint64_t count)
{
	struct follower *follower;

	LIST_FOREACH(follower, &events->followers, link)
	follower->missed += count;
}

static void keep_alive(struct follower *follower)
{
	static const char COMMENT[] = ": nothing new\n\n";

	if (++follower->idle_ticks < EVENTS_KEEP_ALIVE_MS / EVENTS_TICK_MS)
		return;
	follower->idle_ticks = 0;
	/* Without room there is something else to be sent. */
	(void)httpd_stream_write(follower->stream, COMMENT, strlen(COMMENT));
}

/* Nothing else happens when a token expires. */
static bool has_expired(const struct follower *follower)
{
	return follower->expires && follower->expires <= time(NULL);
}

static void let_go_expired(struct events *events)
{
	struct follower *follower, *next;
	struct ag_error why = {0};

	(void)error_set(&why, ERROR_FORBIDDEN, "the token has expired: ask an operator for another");
	for (follower = LIST_FIRST(&events->followers); follower; follower = next) {
		next = LIST_NEXT(follower, link);
		if (has_expired(follower))
			let_go(follower, &why);
	}
}

void events_flush(struct events *events)
{
	struct follower *follower, *next;
	struct ag_error why = {0};

	(void)error_set(&why, ERROR_LIMIT, "what was sent was not read: follow again, and read faster");
	for (follower = LIST_FIRST(&events->followers); follower; follower = next) {
		next = LIST_NEXT(follower, link);
		write_missed(follower);
		keep_alive(follower);
		follower->room = httpd_stream_room(follower->stream);
		if (follower->stuck_ticks > EVENTS_STUCK_MS / EVENTS_TICK_MS)
			let_go(follower, &why);
	}
	let_go_expired(events);
	if (++events->ticks < EVENTS_KEEP_ALIVE_MS / EVENTS_TICK_MS)
		return;
	events->ticks = 0;
	check_rights(events);
}

/* --- events -------------------------------------------------------------------- */

static bool concerns(const struct follower *follower, const char *account)
{
	return !follower->account[0] || !strcmp(follower->account, account);
}

static char *stopped_json(const struct stopped *stopped)
{
	char time[TIME_TEXT_MAX], source[PREFIX_TEXT_MAX], dest[ADDR_TEXT_MAX], service[SERVICE_TEXT_MAX];
	json_t *json;
	char *text;

	time_format(stopped->time, time);
	prefix_format(&stopped->source, source);
	addr_format(&stopped->service.dest.addr, dest);
	service_format(&stopped->service, service);
	json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "time", time, "account", stopped->account->name,
			 "source", source, "dest", dest, "service", service, "bytes",
			 (json_int_t)stopped->bytes);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

void events_stopped(struct events *events, const struct stopped *stopped)
{
	AUTO_FREE char *text = LIST_EMPTY(&events->followers) ? NULL : stopped_json(stopped);
	struct follower *follower;

	LIST_FOREACH(follower, &events->followers, link)
	{
		if (!concerns(follower, stopped->account->name))
			continue;
		if (text)
			write_packet(follower, verdict_name(stopped->verdict), text);
		else
			follower->missed++;
	}
}

static char *change_json(const struct event_change *change)
{
	char time[TIME_TEXT_MAX];
	json_t *json;
	char *text;

	time_format(change->time, time);
	json = json_pack(
		"{s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s}", "time", time, "user", change->actor->name,
		"uid",
		change->actor->uid == (uid_t)-1 ? json_null() : json_integer((json_int_t)change->actor->uid),
		"delegate", change->actor->delegate, "origin", change->origin, "account", change->account,
		"action", change->action, "detail", change->detail, "outcome", change->outcome);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

/* Rights come and go with what is done, and go before it is told. */
void events_change(struct events *events, const struct event_change *change)
{
	AUTO_FREE char *text = NULL;
	struct follower *follower;

	if (LIST_EMPTY(&events->followers))
		return;
	if (!strcmp(change->outcome, "done"))
		check_rights(events);
	text = change_json(change);
	LIST_FOREACH(follower, &events->followers, link)
	if (concerns(follower, change->account) && (!text || !write_event(follower, "change", text)))
		follower->missed++;
}
