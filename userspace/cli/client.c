// SPDX-License-Identifier: GPL-2.0-only
/* client.c - see client.h. A connection is kept for the pages of a list. */
#include "userspace/cli/client.h"

#include <curl/curl.h>
#include <errno.h>
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
	static const char JSON_TYPE[] = "application/json";
	int err = add_header(client, "Content-Type", JSON_TYPE);

	if (!err)
		err = add_header(client, "Allowgate-On-Behalf-Of", client->options.as);
	if (!err)
		err = add_header(client, "Allowgate-Origin", client->options.origin);
	if (err == -E2BIG)
		return problem_set(problem, PROBLEM_USAGE,
				   "--as or --origin is too long: give a name and an address");
	return err ? out_of_memory(problem) : 0;
}

static size_t receive(char *data, size_t size, size_t count, void *arg)
{
	struct buffer *body = arg;

	return buffer_append(body, data, size * count) ? 0 : size * count;
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
	code = code ? code : curl_easy_setopt(curl, CURLOPT_TIMEOUT, TOTAL_SECONDS);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
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
static int not_answered(const struct client *client, CURLcode code, const char *method,
			struct problem *problem)
{
	bool asks = !strcmp(method, "GET");
	const char *why = code == CURLE_OPERATION_TIMEDOUT ? "no answer in time"
							   : "the connection ended before the answer did";

	return problem_set(problem, PROBLEM_UNREACHABLE, "%s: %s (%s): %s", client->options.socket, why,
			   curl_easy_strerror(code),
			   asks ? "try again"
				: "the change may have been made or not: look before trying again");
}

static int failed(const struct client *client, CURLcode code, const struct client_request *request,
		  const struct buffer *body, struct problem *problem)
{
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
	return not_answered(client, code, request->method, problem);
}

static CURLcode perform(struct client *client, const struct client_request *request, const char *url,
			struct buffer *body)
{
	CURL *curl = client->curl;
	CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, url);

	/* HTTPGET drops the body of the request before; then what this one needs. */
	code = code ? code : curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	if (request->body) {
		code = code ? code : curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
		code = code ? code
			    : curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
					       (curl_off_t)request->length);
	}
	code = code ? code : curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
	code = code ? code : curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	return code ? code : curl_easy_perform(curl);
}

int client_send(struct client *client, const struct client_request *request, struct client_answer *ret,
		struct problem *problem)
{
	struct buffer url = {0}, body = {.limit = ANSWER_MAX};
	CURLcode code;
	long status = 0;
	int err = 0;

	if (buffer_print(&url, "http://allowgate%s", request->target) || buffer_append(&body, "", 0)) {
		buffer_clear(&url);
		buffer_clear(&body);
		return out_of_memory(problem);
	}
	code = perform(client, request, url.data, &body);
	buffer_clear(&url);
	(void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status); /* 0 where there is none */
	if (code)
		err = failed(client, code, request, &body, problem);
	else if (status < 200 || status > 299)
		err = problem_from_answer(problem, status, body.data, body.length);
	if (err) {
		buffer_clear(&body);
		return err;
	}
	ret->body = body;
	return 0;
}

void client_answer_clear(struct client_answer *answer)
{
	buffer_clear(&answer->body);
}
