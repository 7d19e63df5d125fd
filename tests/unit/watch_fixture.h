/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watch_fixture.h - a watch over a real server, and the kernel's reports, accounts and users as the test says
 *
 * The server's handler follows for "/events" and runs the test's job for "/run", in the thread of the loop.
 * Ticks come when the test says so. Defines what watch.c and events.c stand on, so it is included by one test
 * alone.
 */
#pragma once

#include "tests/unit/httpd_fixture.h"

#include "userspace/core/cleanup.h"
#include "userspace/daemon/bearer.h"
#include "userspace/daemon/identity.h"
#include "userspace/daemon/watch.h"
#include "userspace/io/loop.h"

#include "tests/unit/fake_watch.h"

#define HOST "Host: x\r\n"

static struct {
	struct options options;
	struct gate gate;
	struct watch *watch;
	struct account acme, beta;
	bool acme_gone;
	enum role role; /* of ada, at acme */
	bool root_is_operator;
	loop_callback tick;
	void *tick_arg;
	void (*job)(void);
	unsigned int refused;  /* to follow */
	struct actor by_token; /* who follows by a token, where it has one */
	bool revoked;	       /* it is */
} world;

/* --- what watch.c and events.c stand on ------------------------------------------- */

int loop_add_timer(struct loop *loop, uint64_t period_ms, loop_callback callback, void *arg)
{
	(void)loop;
	assert_int_equal(period_ms, EVENTS_TICK_MS);
	world.tick = callback;
	world.tick_arg = arg;
	return 0;
}

struct account *summary_slot(const struct summary *summary, uint32_t slot)
{
	(void)summary;
	if (slot == world.acme.slot && !world.acme_gone)
		return &world.acme;
	return slot == world.beta.slot ? &world.beta : NULL;
}

struct account *gate_account(const struct gate *gate, const char *name)
{
	(void)gate;
	if (!strcmp(name, world.acme.name) && !world.acme_gone)
		return &world.acme;
	return !strcmp(name, world.beta.name) ? &world.beta : NULL;
}

int store_role_of(struct store *store, int64_t account_id, const char *user, enum role *ret,
		  struct ag_error *error)
{
	(void)store;
	(void)error;
	*ret = account_id == world.acme.id && !strcmp(user, "ada") ? world.role : ROLE_NONE;
	return 0;
}

int identity_establish(struct gate *gate, const struct httpd_request *request, struct actor *ret,
		       struct ag_error *error)
{
	const char *name = httpd_header(request, "X-Test", NULL);

	(void)gate;
	(void)error;
	assert_non_null(name);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->operator_ = !strcmp(name, "root") && world.root_is_operator;
	return 0;
}

int bearer_identify(const struct gate *gate, const struct httpd_request *request, struct actor *ret,
		    struct tokens_refusal *refusal, struct ag_error *error)
{
	(void)gate;
	(void)request;
	(void)refusal;
	assert_int_not_equal(world.by_token.token, 0);
	*ret = world.by_token;
	return world.revoked ? error_set(error, ERROR_FORBIDDEN, "the token is none") : 0;
}

/* --- the server -------------------------------------------------------------------- */

static inline void handle_world(const struct httpd_request *request, struct httpd_response *response,
				void *arg)
{
	const char *account = httpd_query(request, "x");
	struct ag_error error = {0};

	handle(request, response, arg);
	if (strcmp(request->path, "/run") == 0)
		world.job();
	if (strcmp(request->path, "/events") != 0)
		return;
	if (watch_follow(world.watch, request, &world.by_token,
			 account ? gate_account(&world.gate, account) : NULL, &error)) {
		assert_int_equal(error.code, ERROR_LIMIT);
		world.refused++;
		response->status = 503;
		return;
	}
	free(response->body);
	*response = (struct httpd_response){.status = 200, .content_type = "text/event-stream"};
}

static inline void start(enum denied_sources sources)
{
	struct httpd_options options = server_options();

	memset(&world, 0, sizeof(world));
	memset(&reports, 0, sizeof(reports));
	world.options.denied = sources;
	world.gate.options = &world.options;
	world.gate.store = (struct store *)&world; /* never looked into */
	world.acme = (struct account){.id = 1, .slot = 1, .name = "acme"};
	world.beta = (struct account){.id = 2, .slot = 2, .name = "beta"};
	world.role = ROLE_VIEWER;
	world.root_is_operator = true;
	assert_int_equal(watch_new(&world.gate, NULL, &world.watch), 0);
	assert_ptr_equal(world.gate.watch, world.watch);
	options.handler = handle_world;
	server_start(&options);
}

static inline int setup(void **state)
{
	(void)state;
	start(DENIED_FULL);
	return 0;
}

static inline int setup_off(void **state)
{
	(void)state;
	start(DENIED_OFF);
	return 0;
}

static inline int setup_truncated(void **state)
{
	(void)state;
	start(DENIED_TRUNCATED);
	return 0;
}

static inline int teardown_world(void **state)
{
	(void)state;
	if (server.httpd)
		server_end_thread();
	watch_free(world.watch);
	assert_null(world.gate.watch);
	if (server.httpd)
		httpd_close(server.httpd);
	server.httpd = NULL;
	assert_int_equal(rmdir(server.directory), 0);
	return 0;
}

static inline void run(void (*job)(void))
{
	static const char RUN[] = "GET /run HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
	CLEANUP(buffer_clear) struct buffer answer = {0};

	world.job = job;
	assert_int_equal(exchange(RUN, strlen(RUN), &answer), 200);
}

static inline void tick(void)
{
	world.tick(world.tick_arg);
}

/* Receives until the text is there. */
static inline bool receive_text(int fd, struct buffer *answer, const char *text)
{
	uint64_t begun = now_ms();

	while (!answer->data || !strstr(answer->data, text))
		if (now_ms() - begun > ANSWER_WAIT_MS || receive_some(fd, answer, ANSWER_WAIT_MS) <= 0)
			return false;
	return true;
}

static inline int try_follow(const char *user, const char *query, struct buffer *answer)
{
	CLEANUP(buffer_clear) struct buffer request = {0};
	int fd = client();

	(void)buffer_print(&request, "GET /events%s HTTP/1.1\r\n" HOST "X-Test: %s\r\n\r\n", query, user);
	assert_true(send_text(fd, request.data));
	assert_true(receive_text(fd, answer, "\r\n\r\n"));
	return fd;
}

static inline int follow(const char *user, const char *query, struct buffer *answer)
{
	int fd = try_follow(user, query, answer);

	assert_int_equal(status_of(answer), 200);
	return fd;
}

static inline size_t occurrences(const struct buffer *answer, const char *text)
{
	size_t count = 0;

	for (const char *at = answer->data; at && (at = strstr(at, text)); at++)
		count++;
	return count;
}

/* The sum of all members "missed". */
static inline unsigned long missed_in(const struct buffer *answer)
{
	unsigned long sum = 0;

	for (const char *at = answer->data; at && (at = strstr(at, "\"missed\":")); at++)
		sum += strtoul(at + strlen("\"missed\":"), NULL, 10);
	return sum;
}

/* --- what the kernel reports ------------------------------------------------------- */

static inline struct ag_sighting *report(uint32_t slot, uint32_t number)
{
	struct ag_sighting *sighting = &reports.sightings[reports.count++];

	assert_true(reports.count < REPORTS_MAX);
	*sighting = (struct ag_sighting){
		.boot_ns = 1000000000,
		.source = {203, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number},
		.dest = {192, 0, 2, 10},
		.slot = slot,
		.bytes = 60,
		.port_be = htons(443),
		.family = AG_FAMILY_IPV4,
		.proto = IPPROTO_TCP,
		.verdict = AG_VERDICT_DENIED};
	return sighting;
}

static inline void report_both(void)
{
	static const uint8_t SOURCE6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, [15] = 7};
	struct ag_sighting *sighting;

	report(1, 7)->missed = 5;
	report(2, 8)->verdict = AG_VERDICT_REJECTED;
	sighting = report(1, 0);
	sighting->family = AG_FAMILY_IPV6;
	memcpy(sighting->source, SOURCE6, sizeof(SOURCE6));
	memcpy(sighting->dest, SOURCE6, sizeof(SOURCE6));
	sighting->proto = AG_PROTO_ANY;
	sighting->port_be = 0;
	sighting->verdict = AG_VERDICT_WOULD_DENY;
	tick();
}

static inline void report_flood(void)
{
	for (uint32_t i = 0; i < 5000; i++)
		report(1, i);
	tick();
}

static inline void change(const char *account, const char *action, const char *outcome)
{
	struct actor actor = {.name = "ops", .uid = 12};
	struct event_change event = {.time = 0,
				     .actor = &actor,
				     .origin = "unknown",
				     .account = account,
				     .action = action,
				     .detail = "a \"detail\"\n",
				     .outcome = outcome};

	watch_change(world.watch, &event);
}

static inline void grant_done(void)
{
	change("acme", "role grant", "done");
}
