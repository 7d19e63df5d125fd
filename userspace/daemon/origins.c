// SPDX-License-Identifier: GPL-2.0-only
/*
 * origins.c - see origins.h
 *
 * A helper that is not there is no error: it is said once, and once again when it is back.
 */
#include "userspace/daemon/origins.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/call.h"
#include "userspace/io/log.h"
#include "userspace/io/loop.h"
#include "userspace/io/originclient.h"

struct origins {
	struct originclient *client;
	char path[128];
	enum origin_reason said; /* what is wrong with the helper, as logged last; ORIGIN_NONE: nothing */
};

DEFINE_CLEANUP(origins, struct origins *, origins_free)

static void run(void *client)
{
	originclient_run(client);
}

static int timeout(void *client)
{
	return originclient_timeout_ms(client);
}

int origins_new(const char *path, struct loop *loop, struct origins **ret)
{
	CLEANUP(cleanup_origins) struct origins *origins = calloc(1, sizeof(*origins));
	int err;

	if (!origins)
		return -ENOMEM;
	(void)snprintf(origins->path, sizeof(origins->path), "%s", path);
	err = originclient_new(path, &origins->client);
	if (!err)
		err = loop_add_fd(loop, originclient_fd(origins->client), run, timeout, origins->client);
	if (!err)
		*ret = TAKE_PTR(origins);
	return err;
}

void origins_free(struct origins *origins)
{
	if (!origins)
		return;
	originclient_free(origins->client);
	free(origins);
}

/* Of the helper itself alone: that a person sits at a console is no business of the log. */
static void say(struct origins *origins, enum origin_reason reason)
{
	bool wrong = reason == ORIGIN_NO_HELPER || reason == ORIGIN_LATE || reason == ORIGIN_BAD_ANSWER;

	if (!origins->path[0] || !strcmp(origins->path, "off") ||
	    origins->said == (wrong ? reason : ORIGIN_NONE))
		return;
	origins->said = wrong ? reason : ORIGIN_NONE;
	if (wrong)
		log_warning("%s (%s): where requests over SSH come from stays unknown; start it "
			    "('systemctl enable --now allowgate-origin.socket'), or set origin_socket to off",
			    origin_reason_text(reason), origins->path);
	else
		log_notice("allowgate-origin answers: where requests over SSH come from is known");
}

static void take(const struct origin *origin, void *arg)
{
	struct call *call = arg;

	call->origin = *origin;
	say(call->api->origins, origin->reason);
	api_resume(call);
}

/* ORIGIN_NONE: the answer comes later. */
static enum origin_reason ask(struct origins *origins, struct call *call)
{
	struct httpd_peer peer;
	enum origin_reason reason;
	int err = httpd_peer(call->request, &peer);

	if (err)
		return err == -ESRCH ? ORIGIN_GONE : ORIGIN_NO_PEER;
	reason = originclient_ask(origins->client, peer.pidfd, peer.connection, take, call);
	(void)close(peer.pidfd); /* the helper has its own */
	return reason;
}

int origins_ask(struct origins *origins, struct call *call)
{
	enum origin_reason reason = ask(origins, call);
	int err;

	if (reason == ORIGIN_NONE) {
		err = call_wait(call);
		if (err)
			originclient_cancel(origins->client, call); /* which is about to be freed */
		return err;
	}
	call->origin = (struct origin){.reason = reason};
	say(origins, reason);
	return 0;
}
