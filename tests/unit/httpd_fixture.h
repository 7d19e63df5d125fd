/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * httpd_fixture.h - a server in a thread, whose handler says what it saw, and a client that sends bytes
 *
 * The server's thread runs the loop that a daemon would. Tests talk to it over sockets alone, and look at its
 * counters.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/core/buffer.h"
#include "userspace/core/error.h"
#include "userspace/io/httpd.h"

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define ANSWER_WAIT_MS 10000
#define BODY_LIMIT     65536
#define BIG_RESPONSE   ((size_t)8 << 20)

struct server {
	struct httpd *httpd;
	pthread_t thread;
	int stop_fd;
	char directory[64];
	char path[96];
	atomic_uint handled; /* calls of the handler */
	atomic_uint rounds;  /* of the loop */
	atomic_int slow_ms;  /* what the handler sleeps for "/slow" */
};

/* One at a time; static, so that a test that fails leaves nothing that its thread goes on with. */
static struct server server;

static inline uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void sleep_ms(unsigned int ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)nanosleep(&time, NULL);
}

/* --- the handler ---------------------------------------------------------------- */

static inline int print_pair(const char *name, const char *value, void *arg)
{
	(void)buffer_print(arg, " %s=%s", name, value);
	return 0;
}

static inline void describe(const struct httpd_request *request, struct buffer *text)
{
	const char *header, *value;
	bool many = false;

	(void)buffer_print(text, "%s %s body=%zu:", request->method, request->path, request->body_length);
	(void)buffer_append(text, request->body, request->body_length);
	(void)buffer_print(text, " nul=%d", request->body[request->body_length]);
	header = httpd_header(request, "x-TEST", &many);
	(void)buffer_print(text, " header=%s%s", header ? header : "(none)", many ? "(many)" : "");
	value = httpd_query(request, "x");
	(void)buffer_print(text, " x=%s uid=%d query:", value ? value : "(none)", (int)request->peer_uid);
	(void)httpd_query_each(request, print_pair, text);
}

static inline void handle(const struct httpd_request *request, struct httpd_response *response, void *arg)
{
	struct buffer text = {0};

	(void)arg; /* the one server */
	atomic_fetch_add(&server.handled, 1);
	response->status = 200;
	if (strcmp(request->path, "/empty") == 0) {
		response->status = 204;
		return;
	}
	if (strcmp(request->path, "/big") == 0) {
		response->body = calloc(1, BIG_RESPONSE);
		response->body_length = BIG_RESPONSE;
		return;
	}
	if (strcmp(request->path, "/slow") == 0)
		sleep_ms((unsigned int)atomic_load(&server.slow_ms));
	if (strcmp(request->method, "HEAD") == 0) {
		response->status = 405;
		response->allow = "GET, POST";
	}
	describe(request, &text);
	response->content_type = "text/plain";
	response->body = text.data;
	response->body_length = text.length;
}

static inline void refuse(unsigned int status, const char *why, struct httpd_response *response, void *arg)
{
	struct buffer text = {0};

	(void)arg;
	(void)buffer_print(&text, "{\"status\":%u,\"detail\":\"%s\"}", status, why);
	response->status = status;
	response->content_type = "application/problem+json";
	response->body = text.data;
	response->body_length = text.length;
}

/* --- the server ----------------------------------------------------------------- */

static inline void *serve_thread(void *arg)
{
	struct pollfd fds[] = {{.fd = httpd_fd(server.httpd), .events = POLLIN},
			       {.fd = server.stop_fd, .events = POLLIN}};

	(void)arg; /* the one server */
	while (!fds[1].revents) {
		(void)poll(fds, COUNT(fds), httpd_timeout_ms(server.httpd));
		httpd_run(server.httpd);
		atomic_fetch_add(&server.rounds, 1);
	}
	return NULL;
}

static inline struct httpd_options server_options(void)
{
	return (struct httpd_options){
		.body_limit = BODY_LIMIT,
		.connections = HTTPD_CONNECTIONS_MAX,
		.deadline_ms = 20000,
		.handler = handle,
		.refusal = refuse,
	};
}

static inline void server_run(void)
{
	server.stop_fd = eventfd(0, EFD_CLOEXEC);
	assert_true(server.stop_fd >= 0);
	assert_int_equal(pthread_create(&server.thread, NULL, serve_thread, NULL), 0);
}

static inline void server_name(void)
{
	memset(&server, 0, sizeof(server));
	strcpy(server.directory, "/tmp/test_httpd.XXXXXX");
	assert_non_null(mkdtemp(server.directory));
	assert_int_equal(chmod(server.directory, 0755), 0); /* for clients of another uid */
	(void)snprintf(server.path, sizeof(server.path), "%s/control.sock", server.directory);
}

static inline void server_start(const struct httpd_options *options)
{
	struct ag_error error = {0};

	server_name();
	if (httpd_open_unix(server.path, NULL, options, &server.httpd, &error))
		fail_msg("%s", error.message);
	server_run();
}

static inline void server_end_thread(void)
{
	uint64_t one = 1;

	assert_int_equal(write(server.stop_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(pthread_join(server.thread, NULL), 0);
	assert_int_equal(close(server.stop_fd), 0);
}

static inline void server_stop(void)
{
	server_end_thread();
	httpd_close(server.httpd);
	server.httpd = NULL;
	if (server.directory[0])
		assert_int_equal(rmdir(server.directory), 0); /* the socket file is gone */
}

static inline int teardown(void **state)
{
	(void)state;
	if (server.httpd)
		server_stop();
	return 0;
}

/* --- the client ----------------------------------------------------------------- */

static inline int connect_path(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static inline int client(void)
{
	return connect_path(server.path);
}

/* False once the server takes no more. */
static inline bool send_bytes(int fd, const void *data, size_t length)
{
	const char *at = data;

	while (length > 0) {
		ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		at += sent;
		length -= (size_t)sent;
	}
	return true;
}

static inline bool send_text(int fd, const char *text)
{
	return send_bytes(fd, text, strlen(text));
}

/* Appends what comes within the time: 1, 0 at the end of the stream, -ETIMEDOUT, -ECONNRESET, ... */
static inline int receive_some(int fd, struct buffer *answer, int wait_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char part[65536];
	ssize_t length;

	if (poll(&poll_fd, 1, wait_ms) == 0)
		return -ETIMEDOUT;
	length = recv(fd, part, sizeof(part), 0);
	if (length < 0)
		return -errno;
	if (length > 0)
		assert_int_equal(buffer_append(answer, part, (size_t)length), 0);
	return length > 0;
}

/* Until the server closes; the result is that of the last receive_some(). */
static inline int receive_all(int fd, struct buffer *answer)
{
	int result = 1;

	while (result > 0)
		result = receive_some(fd, answer, ANSWER_WAIT_MS);
	return result;
}

/* The length of the first whole response with a Content-Length in there; 0: not whole yet. */
static inline size_t response_length(const struct buffer *answer)
{
	const char *end = answer->data ? strstr(answer->data, "\r\n\r\n") : NULL, *length;

	if (!end)
		return 0;
	length = strcasestr(answer->data, "\r\nContent-Length: ");
	if (!length || length > end)
		return (size_t)(end + 4 - answer->data);
	length += strlen("\r\nContent-Length: ");
	if (answer->length < (size_t)(end + 4 - answer->data) + strtoul(length, NULL, 10))
		return 0;
	return (size_t)(end + 4 - answer->data) + strtoul(length, NULL, 10);
}

/* One response of a connection that stays open. */
static inline int receive_one(int fd, struct buffer *answer)
{
	int result = 1;

	while (result > 0 && response_length(answer) == 0)
		result = receive_some(fd, answer, ANSWER_WAIT_MS);
	return result;
}

static inline unsigned int status_of(const struct buffer *answer)
{
	unsigned int status = 0;

	if (!answer->data || sscanf(answer->data, "HTTP/1.1 %u ", &status) != 1)
		return 0;
	return status;
}

/* Sends, receives until the server closes, and gives the status; the server must have closed in order. */
static inline unsigned int exchange(const void *request, size_t length, struct buffer *answer)
{
	int fd = client(), result;

	(void)send_bytes(fd, request, length); /* the answer may come before all is sent */
	result = receive_all(fd, answer);
	assert_int_equal(close(fd), 0);
	assert_int_equal(result, 0);
	return status_of(answer);
}

/* A request on an open connection, and its answer's status. */
static inline unsigned int ask(int fd, const char *request, struct buffer *answer)
{
	buffer_clear(answer);
	if (!send_text(fd, request) || receive_one(fd, answer) < 0)
		return 0;
	return status_of(answer);
}
