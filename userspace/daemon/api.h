/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * api.h - the HTTP API, over the control socket and over TLS: from a request to its answer
 *
 * Shapes and paths: docs/api.md.
 */
#pragma once

#include "userspace/daemon/gate.h"
#include "userspace/io/httpd.h"

struct api;

struct loop;
struct remote;
struct verify;

/* Borrows all three. -ENOMEM, or what making a thread meets. */
int api_new(struct gate *gate, struct loop *loop, struct verify *verify, struct api **ret);
/* Ends what is under way, and answers whoever waits: before httpd_close(). */
void api_free(struct api *api);
/* A reload renews this one's certificate. Borrowed; NULL: there is none. */
void api_set_remote(struct api *api, struct remote *remote);
/* Some import is under way: the store must not be opened anew now. */
bool api_busy(const struct api *api);
/* Handlers of httpd; arg is the api. */
void api_handle(const struct httpd_request *request, struct httpd_response *response, void *api);
bool api_admit(const struct httpd_request *request, struct httpd_response *response, void *api);
void api_refuse(unsigned int status, const char *why, struct httpd_response *response, void *api);

/* How many requests were answered, by method and status, for the metrics. */
struct api_count {
	const char *method;
	unsigned int status;
	uint64_t requests;
};
/* Rows with requests, in no order; *ret is borrowed. */
size_t api_counts(const struct api *api, const struct api_count **ret);
