/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client.h - one HTTP request over the control socket, and its answer
 *
 * The only module that sees libcurl. Source: https://curl.se/libcurl/c/CURLOPT_UNIX_SOCKET_PATH.html
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "userspace/cli/problem.h"
#include "userspace/core/cleanup.h"

struct client;

#define CLIENT_SOCKET_DEFAULT "/run/allowgate/control.sock"

/* Borrowed for the life of the client; as and origin are printable ASCII without blanks, or NULL. */
struct client_options {
	const char *socket;
	const char *as;	    /* Allowgate-On-Behalf-Of */
	const char *origin; /* Allowgate-Origin */
};

struct client_request {
	const char *method;
	const char *target; /* path and query, percent-encoded */
	const char *body;   /* NULL: none */
	size_t length;
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
