/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client.h - one HTTP request over the control socket, and its answer
 *
 * The only module that sees libcurl. Source: https://curl.se/libcurl/c/CURLOPT_UNIX_SOCKET_PATH.html
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "userspace/cli/problem.h"
#include "userspace/core/buffer.h"
#include "userspace/core/cleanup.h"

struct client;

#define CLIENT_SOCKET_DEFAULT "/run/allowgate/control.sock"

/* Borrowed for the life of the client; as and origin are printable ASCII without blanks, or NULL. */
struct client_options {
	const char *socket;
	const char *as;	    /* Allowgate-On-Behalf-Of */
	const char *origin; /* Allowgate-Origin */
};

/*
 * How bodies go that are no JSON in memory. A callback that fails sets the problem that client_send() was
 * given; that ends the request.
 */
struct client_transfer {
	const char *type; /* "Content-Type: ..." of the request's body; NULL: JSON */
	/* Instead of a body: fills in its next 1 to size bytes until `length` of the request were; -1:
	 * failed. */
	ssize_t (*give)(void *arg, char *data, size_t size);
	/* Takes the body of a 2xx as it comes, of which the answer then has nothing. The connection may end
	 * in the middle of it, which client_send() says. Non-zero: failed. */
	int (*take)(void *arg, const char *data, size_t length);
	bool endless; /* what is taken comes for as long as it comes: no time is too long */
	void *arg;    /* of both */
};

struct client_request {
	const char *method;
	const char *target; /* path and query, percent-encoded */
	const char *body;   /* NULL: none, or what is given */
	size_t length;
	struct client_transfer transfer;
};

/* Owns its body, which has a NUL behind it ("" where there was none). */
struct client_answer {
	struct buffer body;
};

int client_new(const struct client_options *options, struct client **ret, struct problem *problem);
void client_free(struct client *client);
DEFINE_CLEANUP(client, struct client *, client_free)
#define AUTO_CLIENT CLEANUP(cleanup_client)

/* 0 for a 2xx; otherwise the problem is what the daemon said, or why it could not be asked. */
int client_send(struct client *client, const struct client_request *request, struct client_answer *ret,
		struct problem *problem);
void client_answer_clear(struct client_answer *answer);
