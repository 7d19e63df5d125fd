// SPDX-License-Identifier: GPL-2.0-only
/* client.c - see client.h. A connection is kept for the pages of a list. */
#include "userspace/cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define CONNECT_SECONDS 5L
#define TOTAL_SECONDS	120L
#define ANSWER_MAX	((size_t)1 << 30)
#define HEADER_SIZE	512

struct client {
	CURL *curl;
	struct curl_slist *headers;
	struct client_options options;
};

static int out_of_memory(struct problem *problem)
{
	return problem_set(problem, PROBLEM_MEMORY, "there is not enough memory");
}

static int add_header(struct client *client, const char *name, const char *value)
{
	char line[HEADER_SIZE];
	struct curl_slist *longer;

	if (!value)
		return 0;
	if (snprintf(line, sizeof(line), "%s: %s", name, value) >= (int)sizeof(line))
		return -E2BIG;
	longer = curl_slist_append(client->headers, line);
	if (!longer)
		return -ENOMEM;
	client->headers = longer;
	return 0;
}

static int add_headers(struct client *client, struct problem *problem)
{
	int err = add_header(client, "Allowgate-On-Behalf-Of", client->options.as);

	if (!err)
		err = add_header(client, "Allowgate-Origin", client->options.origin);
	if (err == -E2BIG)
		return problem_set(problem, PROBLEM_USAGE,
				   "--as or --origin is too long: give a name and an address");
	return err ? out_of_memory(problem) : 0;
}

/* One request on its way. */
struct exchange {
	struct client *client;
	const struct client_request *request;
	struct buffer body; /* of the answer */
	bool taken;	    /* of the answer, by the request's take() */
};

static long status_of(const struct client *client)
{
	long status = 0;

	(void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status); /* 0 where there is none */
	return status;
}

static bool is_success(long status)
{
	return status >= 200 && status <= 299;
}

static size_t receive(char *data, size_t size, size_t count, void *arg)
{
	struct exchange *exchange = arg;
	const struct client_transfer *transfer = &exchange->request->transfer;
	size_t length = size * count;

	if (!transfer->take || !is_success(status_of(exchange->client)))
		return buffer_append(&exchange->body, data, length) ? 0 : length;
	exchange->taken = true;
	return transfer->take(transfer->arg, data, length) ? 0 : length;
}

static size_t send_more(char *data, size_t size, size_t count, void *arg)
{
	const struct exchange *exchange = arg;
	const struct client_transfer *transfer = &exchange->request->transfer;
	ssize_t length = transfer->give(transfer->arg, data, size * count);

	return length < 0 ? CURL_READFUNC_ABORT : (size_t)length;
}

/* What is the same for every request of this client. */
static int configure(struct client *client)
{
	CURL *curl = client->curl;
	CURLcode code = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->options.socket);

	code = code ? code : curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	code = code ? code : curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_READFUNCTION, send_more);
	return code ? -EIO : 0;
}

int client_new(const struct client_options *options, struct client **ret, struct problem *problem)
{
	AUTO_CLIENT struct client *client = NULL;
	int err;

	if (strlen(options->socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return problem_set(problem, PROBLEM_USAGE, "%s: the path of a socket has at most %zu bytes",
				   options->socket, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	client = calloc(1, sizeof(*client));
	if (!client || curl_global_init(CURL_GLOBAL_NOTHING))
		return out_of_memory(problem);
	client->options = *options;
	client->curl = curl_easy_init();
	if (!client->curl)
		return out_of_memory(problem);
	err = add_headers(client, problem);
	if (err)
		return err;
	if (configure(client))
		return out_of_memory(problem);
	*ret = TAKE_PTR(client);
	return 0;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	curl_slist_free_all(client->headers);
	curl_easy_cleanup(client->curl);
	free(client);
}

static int not_connected(const struct client *client, struct problem *problem)
{
	static const char UNPRIVILEGED[] =
		"permission denied: be root, or in the group that owns it (allowgate)";
	static const char NOBODY[] = "nobody listens: is allowgated running (systemctl status allowgated)?";
	long number = 0;

	(void)curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &number); /* 0 where it is not known */
	if (number == EACCES || number == EPERM)
		return problem_set(problem, PROBLEM_UNREACHABLE, "%s: %s", client->options.socket,
				   UNPRIVILEGED);
	if (number == ENOENT)
		return problem_set(problem, PROBLEM_UNREACHABLE,
				   "%s: no such socket: is allowgated running, and --socket right?",
				   client->options.socket);
	return problem_set(problem, PROBLEM_UNREACHABLE, "%s: %s", client->options.socket, NOBODY);
}

/* The request may have been received: what became of it is not known. */
static int not_answered(const struct exchange *exchange, CURLcode code, struct problem *problem)
{
	const char *next = exchange->taken ? "what was written is not the whole answer: try again"
			   : !strcmp(exchange->request->method, "GET")
				   ? "try again"
				   : "the change may have been made or not: look before trying again";
	const char *why = code == CURLE_OPERATION_TIMEDOUT ? "no answer in time"
							   : "the connection ended before the answer did";

	return problem_set(problem, PROBLEM_UNREACHABLE, "%s: %s (%s): %s", exchange->client->options.socket,
			   why, curl_easy_strerror(code), next);
}

static int failed(const struct exchange *exchange, CURLcode code, struct problem *problem)
{
	const struct client *client = exchange->client;
	const struct buffer *body = &exchange->body;

	if (problem->exit != EXIT_DONE) /* by a callback */
		return (int)problem->exit;
	if (body->failed == -EFBIG)
		return problem_set(problem, PROBLEM_LIMIT, "the answer is longer than %zu MiB",
				   ANSWER_MAX >> 20);
	if (body->failed || code == CURLE_OUT_OF_MEMORY)
		return out_of_memory(problem);
	if (code == CURLE_COULDNT_CONNECT)
		return not_connected(client, problem);
	if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
		return problem_set(problem, PROBLEM_BAD_ANSWER,
				   "%s: the answer is no HTTP: is this allowgated's socket?",
				   client->options.socket);
	return not_answered(exchange, code, problem);
}

/* HTTPGET drops the body of the request before; then what this one needs. */
static CURLcode set_body(struct exchange *exchange)
{
	const struct client_request *request = exchange->request;
	CURL *curl = exchange->client->curl;
	CURLcode code = curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);

	if (!request->body && !request->transfer.give)
		return code;
	code = code ? code : curl_easy_setopt(curl, CURLOPT_POST, 1L);
	/* without POSTFIELDS it is asked for */
	code = code ? code : curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_READDATA, exchange);
	return code ? code : curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->length);
}

static CURLcode perform(struct exchange *exchange, const char *url)
{
	const struct client_request *request = exchange->request;
	const char *type = request->transfer.type ? request->transfer.type : "Content-Type: application/json";
	struct curl_slist headers = {.data = (char *)(uintptr_t)type, /* curl only reads it */
				     .next = exchange->client->headers};
	CURL *curl = exchange->client->curl;
	CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, url);

	code = code ? code : set_body(exchange);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_HTTPHEADER, &headers); /* of this one alone */
	code = code ? code : curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	code = code ? code
		    : curl_easy_setopt(curl, CURLOPT_TIMEOUT, request->transfer.endless ? 0 : TOTAL_SECONDS);
	return code ? code : curl_easy_perform(curl);
}

int client_send(struct client *client, const struct client_request *request, struct client_answer *ret,
		struct problem *problem)
{
	struct exchange exchange = {.client = client, .request = request, .body = {.limit = ANSWER_MAX}};
	CLEANUP(buffer_clear) struct buffer url = {0};
	CURLcode code;
	int err = 0;

	if (buffer_print(&url, "http://allowgate%s", request->target) ||
	    buffer_append(&exchange.body, "", 0)) {
		buffer_clear(&exchange.body);
		return out_of_memory(problem);
	}
	code = perform(&exchange, url.data);
	if (code)
		err = failed(&exchange, code, problem);
	else if (!is_success(status_of(client)))
		err = problem_from_answer(problem, status_of(client), exchange.body.data,
					  exchange.body.length);
	if (err) {
		buffer_clear(&exchange.body);
		return err;
	}
	ret->body = exchange.body;
	return 0;
}

void client_answer_clear(struct client_answer *answer)
{
	buffer_clear(&answer->body);
}
