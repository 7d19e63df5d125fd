// SPDX-License-Identifier: GPL-2.0-only
/*
 * httpd_request.c - one request: its target kept raw, its head judged, its body gathered, its handler called
 *
 * libmicrohttpd calls request_begin with the raw target, then request_continue once for the head, once for
 * each part of the body and once at its end, and request_end in any case. A request that is refused is
 * answered past libmicrohttpd, which is told to close the connection: it takes no answer while a body comes
 * in. Over TLS, where there is no past, it is answered as soon as libmicrohttpd takes an answer.
 *
 * A deferred request's connection is suspended: libmicrohttpd looks at it no more, so that nothing of the
 * request goes away, until it is resumed by the answer; then request_continue is called once more, and sends.
 */
#include "userspace/io/httpd_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "userspace/core/buffer.h"
#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"
#include "userspace/core/uri.h"

/* All bodies held at one time may be so many times as large as one, not counting those that are small: one
 * that is worked on, and one that comes in meanwhile. */
#define BODIES_MAX 2
#define BODY_SMALL ((size_t)64 * 1024)

struct httpd_ticket {
	struct request *request;
};

enum request_state {
	REQUEST_ARRIVING, /* or with its handler, or done */
	REQUEST_DEFERRED, /* has a ticket */
	REQUEST_ANSWERED, /* by its ticket */
	REQUEST_STREAMED, /* its answer is a stream */
	REQUEST_REFUSED,  /* over TLS: answered at its end, and then closed */
};

struct request {
	struct connection *connection; /* NULL, as is mhd: httpd was closed before the ticket was answered */
	struct MHD_Connection *mhd;
	enum request_state state;
	bool suspended;
	LIST_ENTRY(request) link; /* while suspended, in httpd's list */
	struct httpd_ticket ticket;
	struct httpd_stream *stream;
	struct httpd_response answer; /* the ticket's, or a refusal's, until it is sent */
	struct httpd_request view;    /* what the handler sees */
	char *target;		      /* the path, and behind its NUL the query, decoded in place */
	struct uri_pair *pairs;
	size_t pair_count;
	struct buffer body;
	bool head_seen;
	bool refusal_sent;
};

static void request_free(struct request *request)
{
	if (!request)
		return;
	free(request->answer.body);
	free(request->target);
	free(request->pairs);
	buffer_clear(&request->body);
	free(request);
}
DEFINE_CLEANUP(request, struct request *, request_free)

size_t httpd_unescape_nothing(void *arg, struct MHD_Connection *mhd, char *text)
{
	(void)arg; /* libmicrohttpd's form */
	(void)mhd;
	return strlen(text);
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void *httpd_request_begin(void *arg, const char *uri, struct MHD_Connection *mhd)
{
	CLEANUP(cleanup_request) struct request *request = calloc(1, sizeof(*request));

	(void)arg; /* the connection knows its httpd */
	if (!request)
		return NULL;
	request->connection = connection_of(mhd);
	request->mhd = mhd;
	if (!request->connection->asked) /* the time for a handshake is over, the request's goes on */
		request->connection->deadline_ms = request->connection->since_ms +
						   request->connection->httpd->options.deadline_ms;
	request->connection->asked = true;
	request->body.limit = request->connection->httpd->options.body_limit;
	request->target = strdup(uri);
	return request->target ? TAKE_PTR(request) : NULL;
}

void httpd_request_end(void *arg, struct MHD_Connection *mhd, void **context,
		       enum MHD_RequestTerminationCode code)
{
	struct request *request = *context;

	(void)arg; /* libmicrohttpd's form */
	(void)mhd;
	(void)code;
	if (!request)
		return;
	request->connection->deadline_ms = httpd_now_ms() + request->connection->httpd->options.deadline_ms;
	request->connection->httpd->bodies -= request->body.length;
	*context = NULL;
	httpd_stream_free(TAKE_PTR(request->stream));
	if (request->state == REQUEST_DEFERRED) { /* the ticket has it now */
		request->connection = NULL;
		request->mhd = NULL;
		request->view.method = "";
		return;
	}
	request_free(request);
}

/* --- the head ------------------------------------------------------------------ */

struct count {
	const char *name;
	unsigned int count;
};

static enum MHD_Result count_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct count *count = arg;

	(void)kind; /* headers alone were asked for */
	(void)value;
	count->count += strcasecmp(name, count->name) == 0;
	return MHD_YES;
}

static unsigned int header_count(struct MHD_Connection *mhd, const char *name)
{
	struct count count = {.name = name};

	(void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, count_header,
					&count); /* the number of all headers */
	return count.count;
}

/* Where a body ends must be said once, in one way: libmicrohttpd takes the first of several (RFC 9112,
 * section 6.3). */
static const char *framing_fault(struct MHD_Connection *mhd, const char *version)
{
	unsigned int lengths = header_count(mhd, MHD_HTTP_HEADER_CONTENT_LENGTH);
	unsigned int codings = header_count(mhd, MHD_HTTP_HEADER_TRANSFER_ENCODING);
	const char *coding = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_TRANSFER_ENCODING);

	if (lengths > 1)
		return "the request has more than one Content-Length: send it once";
	if (codings == 0)
		return NULL;
	if (lengths > 0)
		return "the request has both Content-Length and Transfer-Encoding: send one of them";
	if (codings > 1 || !coding || strcasecmp(coding, "chunked") != 0)
		return "the request has a Transfer-Encoding other than \"chunked\": send the body as it is";
	if (strcmp(version, MHD_HTTP_VERSION_1_0) == 0)
		return "the request has a Transfer-Encoding, which HTTP/1.0 does not know: send "
		       "Content-Length";
	return NULL;
}

static bool announces_too_much(const struct request *request)
{
	const char *text = MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_CONTENT_LENGTH);

	/* libmicrohttpd has checked that it is a number that fits 64 bits. */
	return text && strtoull(text, NULL, 10) > request->connection->httpd->options.body_limit;
}

/* Parts the target and decodes its query. */
static int take_target(struct request *request, struct ag_error *error)
{
	char *query;
	int result = uri_check(request->target, error);

	if (result)
		return result;
	query = strchr(request->target, '?');
	request->view.path = request->target;
	if (!query)
		return 0;
	*query++ = '\0';
	request->pairs = calloc(uri_query_count(query), sizeof(*request->pairs));
	if (!request->pairs)
		return error_set(error, ERROR_KERNEL, "out of memory: try again in a moment");
	return uri_query_decode(query, request->pairs, &request->pair_count, error);
}

static enum MHD_Result send_answer(struct request *request)
{
	struct httpd_response answer = request->answer;
	bool refused = request->state == REQUEST_REFUSED;

	request->answer = (struct httpd_response){0};
	if (!refused)
		request->state = REQUEST_ARRIVING; /* nothing is left to the ticket */
	request->refusal_sent = refused;
	return httpd_send(request->mhd, &answer, refused);
}

static enum MHD_Result refuse(struct request *request, unsigned int status, const char *why)
{
	const struct httpd_options *options = &request->connection->httpd->options;

	if (!request->connection->httpd->is_tls) {
		httpd_refuse(request->connection, status, why);
		return MHD_NO;
	}
	options->refusal(status, why, &request->answer, options->arg);
	request->state = REQUEST_REFUSED;
	return MHD_YES;
}

static enum MHD_Result refuse_too_large(struct request *request)
{
	return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE,
		      "the request's body is over the limit: send it in parts, or raise the limit of the "
		      "body's size");
}

static bool admitted(struct request *request)
{
	const struct httpd_options *options = &request->connection->httpd->options;

	if (!options->admission || options->admission(&request->view, &request->answer, options->arg))
		return true;
	request->state = REQUEST_REFUSED;
	return false;
}

static enum MHD_Result judge_head(struct request *request, const char *version)
{
	struct ag_error error = {0};
	const char *fault = framing_fault(request->mhd, version);

	if (fault)
		return refuse(request, MHD_HTTP_BAD_REQUEST, fault);
	if (take_target(request, &error))
		return refuse(request, error_code_http_status(error.code), error.message);
	if (!admitted(request))
		return MHD_YES;
	if (announces_too_much(request))
		return refuse_too_large(request);
	return MHD_YES;
}

static enum MHD_Result take_head(struct request *request, const char *method, const char *version)
{
	enum MHD_Result result;

	request->head_seen = true;
	request->view.method = method;
	request->view.body = "";
	request->view.peer_uid = request->connection->uid;
	request->view.peer = request->connection->peer;
	request->view.handle = request;
	result = judge_head(request, version);
	/* Here libmicrohttpd takes an answer, instead of the body. */
	return request->state == REQUEST_REFUSED ? send_answer(request) : result;
}

/* --- the body ---------------------------------------------------------------------- */

static enum MHD_Result take_body(struct request *request, const char *data, size_t length)
{
	struct httpd *httpd = request->connection->httpd;

	if (length > request->body.limit - request->body.length)
		return refuse_too_large(request);
	if (request->body.length + length > BODY_SMALL &&
	    (httpd->bodies + length) / BODIES_MAX > httpd->options.body_limit)
		return refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "too many large requests are under way: try again in a moment");
	if (buffer_append(&request->body, data, length))
		return refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory: try again in a moment");
	httpd->bodies += length;
	return MHD_YES;
}

/* --- answering later --------------------------------------------------------------- */

struct httpd_ticket *httpd_defer(const struct httpd_request *view)
{
	struct request *request = view->handle;

	assert(request->state == REQUEST_ARRIVING);
	request->state = REQUEST_DEFERRED;
	request->ticket.request = request;
	return &request->ticket;
}

const struct httpd_request *httpd_ticket_request(const struct httpd_ticket *ticket)
{
	return &ticket->request->view;
}

static void suspend(struct request *request)
{
	MHD_suspend_connection(request->mhd);
	request->suspended = true;
	request->connection->deadline_ms = UINT64_MAX;
	LIST_INSERT_HEAD(&request->connection->httpd->deferred, request, link);
}

static void resume(struct request *request)
{
	struct connection *connection = request->connection;

	LIST_REMOVE(request, link);
	request->suspended = false;
	connection->deadline_ms = httpd_now_ms() + connection->httpd->options.deadline_ms;
	connection->httpd->resumed = true;
	MHD_resume_connection(request->mhd);
}

void httpd_answer(struct httpd_ticket *ticket, struct httpd_response *response)
{
	struct request *request = ticket->request;

	assert(request->state == REQUEST_DEFERRED);
	request->state = REQUEST_ANSWERED;
	request->answer = *response;
	response->body = NULL;
	if (!request->mhd)
		request_free(request);
	else if (request->suspended)
		resume(request);
	/* Otherwise its handler has not returned yet. */
}

void httpd_abandon_deferred(struct httpd *httpd)
{
	while (!LIST_EMPTY(&httpd->deferred))
		resume(LIST_FIRST(&httpd->deferred));
}

struct httpd_stream *httpd_stream(const struct httpd_request *view,
				  const struct httpd_stream_options *options)
{
	struct request *request = view->handle;

	assert(request->state == REQUEST_ARRIVING);
	request->stream = httpd_stream_new(request->connection, request->mhd, view, options);
	if (request->stream)
		request->state = REQUEST_STREAMED;
	return request->stream;
}

/* --- the answer ---------------------------------------------------------------------- */

static enum MHD_Result respond(struct request *request)
{
	const struct httpd_options *options = &request->connection->httpd->options;
	struct httpd_response response = {0};

	if (request->refusal_sent)
		return MHD_YES;
	if (request->state == REQUEST_ANSWERED || request->state == REQUEST_REFUSED)
		return send_answer(request);
	if (request->connection->httpd->closing)
		return MHD_NO;
	request->view.body = request->body.data ? request->body.data : "";
	request->view.body_length = request->body.length;
	options->handler(&request->view, &response, options->arg);
	if (request->state == REQUEST_ARRIVING)
		return httpd_send(request->mhd, &response, false);
	free(response.body); /* the ticket's answer counts, or what is streamed */
	if (request->state == REQUEST_STREAMED)
		return httpd_stream_send(request->stream, &response);
	if (request->state == REQUEST_ANSWERED)
		return send_answer(request);
	suspend(request);
	return MHD_YES;
}

enum MHD_Result httpd_request_continue(void *arg, struct MHD_Connection *mhd, const char *url,
				       const char *method, const char *version, const char *data,
				       size_t *data_length, void **context)
{
	struct request *request = *context;
	size_t length = *data_length;

	(void)arg; /* the connection knows its httpd */
	(void)url; /* the raw target was kept */
	if (!request) {
		if (connection_of(mhd)->httpd->is_tls)
			return MHD_NO;
		httpd_refuse(connection_of(mhd), MHD_HTTP_SERVICE_UNAVAILABLE,
			     "out of memory: try again in a moment");
		return MHD_NO;
	}
	if (!request->head_seen)
		return take_head(request, method, version);
	if (length == 0)
		return respond(request);
	*data_length = 0;
	return request->state == REQUEST_REFUSED ? MHD_YES : take_body(request, data, length);
}

/* --- what the handler asks for ---------------------------------------------------- */

const char *httpd_header(const struct httpd_request *view, const char *name, bool *ret_many)
{
	const struct request *request = view->handle;

	if (ret_many)
		*ret_many = false;
	if (!request->mhd)
		return NULL;
	if (ret_many)
		*ret_many = header_count(request->mhd, name) > 1;
	return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

struct connection *httpd_request_connection(const struct httpd_request *view)
{
	const struct request *request = view->handle;

	return request->connection;
}

const char *httpd_query(const struct httpd_request *view, const char *name)
{
	const struct request *request = view->handle;

	for (size_t i = 0; i < request->pair_count; i++) {
		if (strcmp(request->pairs[i].name, name) == 0)
			return request->pairs[i].value;
	}
	return NULL;
}

int httpd_query_each(const struct httpd_request *view,
		     int (*each)(const char *name, const char *value, void *arg), void *arg)
{
	const struct request *request = view->handle;
	int result = 0;

	for (size_t i = 0; i < request->pair_count && !result; i++)
		result = each(request->pairs[i].name, request->pairs[i].value, arg);
	return result;
}
