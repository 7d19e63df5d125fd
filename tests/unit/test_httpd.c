// SPDX-License-Identifier: GPL-2.0-only
/* test_httpd.c - requests as the handler sees them, requests that it never sees, and answers that always
 * arrive */
#include "tests/unit/httpd_fixture.h"

#include "userspace/core/cleanup.h"

static int setup(void **state)
{
	struct httpd_options options = server_options();

	(void)state;
	server_start(&options);
	return 0;
}

struct seen_row {
	const char *request;
	const char *seen; /* by the handler */
};

#define HOST "Host: x\r\n"
#define SEEN(method, path, body, header, query)                                                              \
	method " " path " body=" body " nul=0 header=" header " x=" query

static void test_handler_sees(void **state)
{
	static const struct seen_row ROWS[] = {
		{"GET /v1 HTTP/1.1\r\n" HOST "\r\n", SEEN("GET", "/v1", "0:", "(none)", "(none)")},
		{"GET /a%2Fb/%41?x=%2F&y=a+b%2B&x=2&z HTTP/1.1\r\n" HOST "\r\n",
		 SEEN("GET", "/a%2Fb/%41", "0:", "(none)", "/ uid=0 query: x=/ y=a b+ x=2 z=")},
		{"GET /? HTTP/1.1\r\n" HOST "\r\n", SEEN("GET", "/", "0:", "(none)", "(none)")},
		{"POST /p HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
		 SEEN("POST", "/p", "5:hello", "(none)", "(none)")},
		{"PUT /p HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
		 SEEN("PUT", "/p", "0:", "(none)", "(none)")},
		{"DELETE /p HTTP/1.1\r\n" HOST "\r\n", SEEN("DELETE", "/p", "0:", "(none)", "(none)")},
		{"PATCH /p HTTP/1.1\r\n" HOST
		 "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;ext=1\r\n!\r\n0\r\n\r\n",
		 SEEN("PATCH", "/p", "6:hello!", "(none)", "(none)")},
		{"POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n0\r\nX-Test: trailer\r\n\r\n",
		 SEEN("POST", "/p", "0:", "(none)", "(none)")},
		{"GET / HTTP/1.1\r\n" HOST "X-Test: 1\r\n\r\n", SEEN("GET", "/", "0:", "1", "(none)")},
		{"GET / HTTP/1.1\r\n" HOST "X-Test: 1\r\nx-test: 2\r\n\r\n",
		 SEEN("GET", "/", "0:", "1(many)", "(none)")},
		{"GET / HTTP/1.1\r\n" HOST "X-Test;\r\nX-Test:\r\n\r\n", NULL}, /* no header line */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		CLEANUP(buffer_clear) struct buffer answer = {0};
		int fd = client();
		unsigned int status = ask(fd, ROWS[i].request, &answer);

		assert_int_equal(close(fd), 0);
		assert_int_equal(status, ROWS[i].seen ? 200 : 400);
		if (ROWS[i].seen && !strstr(answer.data, ROWS[i].seen))
			fail_msg("%s\n-- instead of --\n%s", answer.data, ROWS[i].seen);
		assert_true(!ROWS[i].seen || strstr(answer.data, "\r\nContent-Type: text/plain\r\n"));
	}
}

static void test_binary_body(void **state)
{
	static const char REQUEST[] = "POST / HTTP/1.1\r\n" HOST
				      "Content-Length: 5\r\nConnection: close\r\n\r\n"
				      "a\0b\r\n";
	CLEANUP(buffer_clear) struct buffer answer = {0};

	(void)state;
	assert_int_equal(exchange(REQUEST, sizeof(REQUEST) - 1, &answer), 200);
	assert_non_null(memmem(answer.data, answer.length, "body=5:a\0b\r\n nul=0", 18));
}

static void test_keep_alive_and_head(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = client();

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(fd, "POST /k HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok", &answer),
				 200);
		assert_non_null(strstr(answer.data, "body=2:ok"));
		assert_int_equal(ask(fd, "GET /empty HTTP/1.1\r\n" HOST "\r\n", &answer), 204);
	}
	buffer_clear(&answer);
	assert_true(send_text(fd, "HEAD /h HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
	assert_int_equal(receive_all(fd, &answer), 0);
	assert_int_equal(status_of(&answer), 405);
	assert_non_null(strstr(answer.data, "\r\nAllow: GET, POST\r\n"));
	assert_string_equal(answer.data + answer.length - 4, "\r\n\r\n"); /* no body */
	assert_int_equal(close(fd), 0);
}

/* Several requests in one write are answered in order, none of them left lying. */
static void test_pipelined(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	CLEANUP(buffer_clear) struct buffer requests = {0};
	int fd = client();
	const char *at;
	uint64_t start = now_ms();

	(void)state;
	for (int i = 0; i < 50; i++)
		(void)buffer_print(&requests, "POST /%d HTTP/1.1\r\n" HOST "Content-Length: 3\r\n%s\r\nabc",
				   i, i == 49 ? "Connection: close\r\n" : "");
	assert_true(send_bytes(fd, requests.data, requests.length));
	assert_int_equal(receive_all(fd, &answer), 0);
	at = answer.data;
	for (int i = 0; i < 50; i++) {
		char part[64];

		(void)snprintf(part, sizeof(part), "POST /%d body=3:abc", i);
		at = strstr(at, part);
		assert_non_null(at);
	}
	assert_true(now_ms() - start < 2000);
	assert_int_equal(close(fd), 0);
}

/* --- refusals ---------------------------------------------------------------------- */

struct refused_row {
	const char *request;
	unsigned int status;
	bool ours; /* answered by the refusal callback */
};

#define FRAMED(headers) "POST / HTTP/1.1\r\n" HOST headers "\r\nhello"
#define TARGET(target)	"GET " target " HTTP/1.1\r\n" HOST "\r\n"

/* To a malformed Content-Length libmicrohttpd 0.9.75 sends its own answer's head twice: only ours are held to
 * be whole. */
static void test_refused(void **state)
{
	static const struct refused_row ROWS[] = {
		{FRAMED("Content-Length: 5\r\nContent-Length: 5\r\n"), 400, true},
		{FRAMED("Content-Length: 5\r\ncontent-length: 0\r\n"), 400, true},
		{FRAMED("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400, true},
		{FRAMED("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400, true},
		{FRAMED("Transfer-Encoding: gzip\r\n"), 400, true},
		{FRAMED("Transfer-Encoding: gzip, chunked\r\n"), 400, true},
		{FRAMED("Transfer-Encoding: chunked, identity\r\n"), 400, true},
		{FRAMED("Transfer-Encoding: \r\n"), 400, true},
		{FRAMED("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400, true},
		{"POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, true},
		{FRAMED("Content-Length: -5\r\n"), 400, false},
		{FRAMED("Content-Length: +5\r\n"), 400, false},
		{FRAMED("Content-Length: 5, 5\r\n"), 400, false},
		{FRAMED("Content-Length: 0x5\r\n"), 400, false},
		{FRAMED("Content-Length:\r\n"), 400, false},
		{FRAMED("Content-Length: 65537\r\n"), 413, true},
		{FRAMED("Content-Length: 18446744073709551615\r\n"), 413, true},
		{FRAMED("Content-Length: 18446744073709551616\r\n"), 413, false},
		{FRAMED("Transfer-Encoding: chunked\r\n"), 400, false}, /* "hello" is no chunk */
		{TARGET("/a%00b"), 400, true},
		{TARGET("/a?b=%00"), 400, true},
		{TARGET("/a%zz"), 400, true},
		{TARGET("/a?b=%"), 400, true},
		{TARGET("/?=x"), 400, true},
		{TARGET("/a\x01"), 400, true},
		{TARGET("/a\tb"), 400, true},
		{TARGET("http://x/a"), 400, true},
		{TARGET("*"), 400, true},
		{TARGET("a"), 400, true},
		{TARGET("?a"), 400, true},
		{TARGET("/a b"), 0, false},		 /* closed without an answer */
		{"GET /a HTTP/1.1\r\n\r\n", 400, false}, /* no Host */
		{"GET /a HTTP/2.0\r\n" HOST "\r\n", 505, false},
		{"GET /a XTTP/1.1\r\n" HOST "\r\n", 400, false},
		{"GET /a HTTP/1.1\r\n" HOST "nonsense\r\n\r\n", 400, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		CLEANUP(buffer_clear) struct buffer answer = {0};
		unsigned int status = exchange(ROWS[i].request, strlen(ROWS[i].request), &answer);
		bool whole = response_length(&answer) == answer.length;
		bool ours = answer.data &&
			    strstr(answer.data, "\r\nContent-Type: application/problem+json\r\n");

		if (status != ROWS[i].status || ours != ROWS[i].ours || (ours && !whole))
			fail_msg("%s\n-- was answered --\n%s", ROWS[i].request, answer.data);
		if (status)
			assert_non_null(strcasestr(answer.data, "\r\nConnection: close\r\n"));
	}
	assert_int_equal(atomic_load(&server.handled), 0);
}

/* libmicrohttpd's limits of line and headers, and its answers. */
static void test_head_too_long(void **state)
{
	AUTO_FREE char *request = malloc(1 << 20);
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int length;

	(void)state;
	assert_non_null(request);
	length = sprintf(request, "GET /%0100000d HTTP/1.1\r\n" HOST "\r\n", 0);
	assert_int_equal(exchange(request, (size_t)length, &answer), 414);
	buffer_clear(&answer);
	length = sprintf(request, "GET / HTTP/1.1\r\n" HOST "X-Test: %0100000d\r\n\r\n", 0);
	assert_int_equal(exchange(request, (size_t)length, &answer), 431);
	buffer_clear(&answer);
	length = sprintf(request, "GET /%08000d HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 0);
	assert_int_equal(exchange(request, (size_t)length, &answer), 200);
	assert_int_equal(atomic_load(&server.handled), 1);
}

/* A body exactly at the limit is taken, one byte more is not, however it is framed. */
static void test_body_limit(void **state)
{
	AUTO_FREE char *body = malloc(BODY_LIMIT + 1);

	(void)state;
	assert_non_null(body);
	memset(body, 'x', BODY_LIMIT + 1);
	for (size_t over = 0; over <= 1; over++) {
		CLEANUP(buffer_clear) struct buffer plain = {0};
		CLEANUP(buffer_clear) struct buffer chunked = {0};
		CLEANUP(buffer_clear) struct buffer answer = {0};

		(void)buffer_print(
			&plain, "POST / HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: %zu\r\n\r\n",
			BODY_LIMIT + over);
		(void)buffer_append(&plain, body, BODY_LIMIT + over);
		assert_int_equal(exchange(plain.data, plain.length, &answer), over ? 413 : 200);
		buffer_clear(&answer);
		(void)buffer_print(&chunked,
				   "POST / HTTP/1.1\r\n" HOST
				   "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
				   BODY_LIMIT);
		(void)buffer_append(&chunked, body, BODY_LIMIT);
		(void)buffer_print(&chunked, "\r\n%s0\r\n\r\n", over ? "1\r\nx\r\n" : "");
		assert_int_equal(exchange(chunked.data, chunked.length, &answer), over ? 413 : 200);
	}
	assert_int_equal(atomic_load(&server.handled), 2);
}

/* Sends head and then `size` bytes in parts of 64 KiB, each framed as a chunk if so wanted, before it reads
 * anything. */
static void send_blindly(const char *head, size_t size, bool chunked)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	AUTO_FREE char *part = calloc(1, 65536);
	int fd = client();
	bool going = send_text(fd, head);

	assert_non_null(part);
	for (size_t sent = 0; going && sent < size; sent += 65536) {
		if (chunked)
			going = send_text(fd, "10000\r\n");
		going = going && send_bytes(fd, part, 65536);
		if (chunked)
			going = going && send_text(fd, "\r\n");
	}
	assert_true(going); /* the server took it all: nothing broke under the client's hands */
	assert_int_equal(receive_all(fd, &answer), 0);
	assert_int_equal(status_of(&answer), 413);
	assert_int_equal(response_length(&answer), answer.length);
	assert_int_equal(close(fd), 0);
}

static void test_refused_while_sending(void **state)
{
	char head[128];

	(void)state;
	(void)snprintf(head, sizeof(head), "POST / HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
		       (size_t)16 << 20);
	send_blindly(head, (size_t)16 << 20, false);
	send_blindly("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", (size_t)16 << 20, true);
	assert_int_equal(atomic_load(&server.handled), 0);
}

static void test_expect_continue(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = client();

	(void)state;
	assert_true(send_text(fd, "POST /e HTTP/1.1\r\n" HOST
				  "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
	assert_true(receive_one(fd, &answer) > 0);
	assert_int_equal(status_of(&answer), 100);
	assert_int_equal(ask(fd, "ok", &answer), 200);
	assert_non_null(strstr(answer.data, "POST /e body=2:ok"));
	buffer_clear(&answer);
	assert_true(send_text(fd, "POST /e HTTP/1.1\r\n" HOST
				  "Expect: 100-continue\r\nContent-Length: 99999\r\n\r\n"));
	assert_int_equal(receive_all(fd, &answer), 0);
	assert_int_equal(status_of(&answer), 413); /* at once, and not 100 */
	assert_int_equal(close(fd), 0);
}

/* What libmicrohttpd 0.9.75 does with a NUL in a header: the value ends there, and what follows is nowhere
 * seen. */
static void test_nul_in_header(void **state)
{
	static const char REQUEST[] = "GET / HTTP/1.1\r\n" HOST
				      "X-Test: a\0hidden\r\nConnection: close\r\n\r\n";
	CLEANUP(buffer_clear) struct buffer answer = {0};
	unsigned int status;

	(void)state;
	status = exchange(REQUEST, sizeof(REQUEST) - 1, &answer);
	assert_true(status == 400 || (status == 200 && strstr(answer.data, " header=a x=")));
	assert_null(strstr(answer.data, "hidden"));
}

/* Large bodies that are never finished cannot take more than twice the limit of one. */
static void test_bodies_in_flight(void **state)
{
	static const char HEAD[] = "POST / HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n";
	struct httpd_options options = server_options();
	AUTO_FREE char *part = calloc(1, 1048575);
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fds[8], refused = 0, last;

	(void)state;
	assert_non_null(part);
	options.body_limit = 1048576;
	server_start(&options);
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = client();
		assert_true(send_text(fds[i], HEAD) && send_bytes(fds[i], part, 1048575));
	}
	for (size_t i = 0; i < COUNT(fds); i++) {
		buffer_clear(&answer);
		if (receive_some(fds[i], &answer, 200) > 0)
			refused += status_of(&answer) == 503;
	}
	assert_in_range(refused, 5, 6); /* two, all but whole, and a part of a third are held */
	last = client();
	assert_int_equal(ask(last, "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok", &answer), 200);
	for (size_t i = 0; i < COUNT(fds); i++)
		assert_int_equal(close(fds[i]), 0);
	sleep_ms(100);
	part[0] = 0;
	assert_true(send_text(last, HEAD) && send_bytes(last, part, 1048575)); /* all given back */
	assert_int_equal(ask(last, "x", &answer), 200);
	assert_int_equal(close(last), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_handler_sees, setup, teardown),
		cmocka_unit_test_setup_teardown(test_binary_body, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keep_alive_and_head, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pipelined, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_head_too_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_body_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_while_sending, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expect_continue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nul_in_header, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bodies_in_flight, NULL, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
