// SPDX-License-Identifier: GPL-2.0-only
/* httpd_answer.c - from a response to what libmicrohttpd sends */
#include "userspace/io/httpd_private.h"

#include <stdio.h>
#include <stdlib.h>

/* NULL: has no such header. */
static enum MHD_Result add_header(struct MHD_Response *reply, const char *name, const char *value)
{
	return value ? MHD_add_response_header(reply, name, value) : MHD_YES;
}

static enum MHD_Result add_headers(struct MHD_Response *reply, const struct httpd_response *response,
				   bool closes)
{
	char seconds[16];
	const char *const headers[][2] = {
		{MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type},
		{MHD_HTTP_HEADER_ALLOW, response->allow},
		{MHD_HTTP_HEADER_ETAG, response->etag[0] ? response->etag : NULL},
		{MHD_HTTP_HEADER_WWW_AUTHENTICATE, response->authenticate},
		{MHD_HTTP_HEADER_RETRY_AFTER, response->retry_after ? seconds : NULL},
		{MHD_HTTP_HEADER_CONNECTION, closes ? "close" : NULL},
	};
	enum MHD_Result result = MHD_YES;

	(void)snprintf(seconds, sizeof(seconds), "%u", response->retry_after);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers) && result == MHD_YES; i++)
		result = add_header(reply, headers[i][0], headers[i][1]);
	return result;
}

enum MHD_Result httpd_send(struct MHD_Connection *mhd, struct httpd_response *response, bool closes)
{
	struct MHD_Response *reply = MHD_create_response_from_buffer(response->body_length, response->body,
								     MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!reply) {
		free(response->body);
		return MHD_NO;
	}
	result = add_headers(reply, response, closes);
	if (result == MHD_YES)
		result = MHD_queue_response(mhd, response->status, reply);
	MHD_destroy_response(reply);
	return result;
}
