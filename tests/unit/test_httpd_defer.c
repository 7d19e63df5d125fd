// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_httpd_defer.c - requests that are answered later, or never, or when nobody is there any more
 *
 * "/hold" keeps its ticket, "/release" answers the oldest one that is kept, "/at-once" answers its own before
 * its handler returns; all in the thread of the loop, as a daemon would.
 */
#include "tests/unit/httpd_fixture.h"

#include "userspace/core/cleanup.h"

#define HOST	 "Host: x\r\n"
#define HELD_MAX 64

static struct {
	struct httpd_ticket *tickets[HELD_MAX];
	size_t first;
	size_t count;
	atomic_uint seen; /* as count, for the test's thread */
} held;

static void answer_ticket(struct httpd_ticket *ticket, const char *how)
{
	struct httpd_response response = {.status = 201, .content_type = "text/plain"};
	struct buffer text = {0};

	(void)buffer_print(&text, "%s ", how);
	describe(httpd_ticket_request(ticket), &text);
	response.body = text.data;
	response.body_length = text.length;
	httpd_answer(ticket, &response);
	assert_null(response.body);
}

static void release_one(void)
{
	if (held.first == held.count)
		return;
	answer_ticket(held.tickets[held.first], "late");
	held.first++;
}

static void handle_tickets(const struct httpd_request *request, struct httpd_response *response, void *arg)
{
	bool hold = strcmp(request->path, "/hold") == 0;

	handle(request, response, arg); /* of a deferred request it must come to nothing */
	if (strcmp(request->path, "/release") == 0)
		release_one();
	if (strcmp(request->path, "/at-once") == 0)
		answer_ticket(httpd_defer(request), "at once");
	if (!hold)
		return;
	held.tickets[held.count++] = httpd_defer(request);
	atomic_fetch_add(&held.seen, 1);
}

static int setup(void **state)
{
	struct httpd_options options = server_options();

	(void)state;
	memset(&held, 0, sizeof(held));
	options.handler = handle_tickets;
	options.connections = 8;
	options.deadline_ms = 400;
	server_start(&options);
	return 0;
}

static int teardown_released(void **state)
{
	if (server.httpd)
		server_end_thread();
	while (held.first < held.count)
		release_one();
	if (server.httpd)
		httpd_close(server.httpd);
	server.httpd = NULL;
	(void)rmdir(server.directory); /* where there was one */
	(void)state;
	return 0;
}

static void wait_held(unsigned int count)
{
	uint64_t start = now_ms();

	while (atomic_load(&held.seen) < count) {
		assert_true(now_ms() - start < ANSWER_WAIT_MS);
		sleep_ms(1);
	}
}

static int hold(const char *request)
{
	unsigned int before = atomic_load(&held.seen);
	int fd = client();

	assert_true(send_text(fd, request));
	wait_held(before + 1);
	return fd;
}

static unsigned int get(const char *path)
{
	CLEANUP(buffer_clear) struct buffer answer = {0}, request = {0};

	(void)buffer_print(&request, "GET %s HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", path);
	return exchange(request.data, request.length, &answer);
}

#define HOLD_BODY                                                                                            \
	"PUT /hold?x=1 HTTP/1.1\r\n" HOST "X-Test: kept\r\nContent-Length: 5\r\n\r\n"                        \
	"hello"
#define SEEN_BODY "late PUT /hold body=5:hello nul=0 header=kept x=1 uid="

/* Others are served meanwhile, the request stays whole, and its connection goes on. */
static void test_later(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = hold(HOLD_BODY);

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(get("/other"), 200);
	assert_int_equal(receive_some(fd, &answer, 0), -ETIMEDOUT);
	assert_int_equal(get("/release"), 200);
	assert_true(receive_one(fd, &answer) > 0);
	assert_int_equal(status_of(&answer), 201);
	assert_non_null(strstr(answer.data, SEEN_BODY));
	assert_int_equal(ask(fd, "GET /more HTTP/1.1\r\n" HOST "\r\n", &answer), 200);
	assert_non_null(strstr(answer.data, "GET /more body=0:"));
	assert_int_equal(ask(fd, "GET /at-once HTTP/1.1\r\n" HOST "\r\n", &answer), 201);
	assert_non_null(strstr(answer.data, "at once GET /at-once"));
	assert_int_equal(close(fd), 0);
}

/* In the order of the answers, not of the requests; what is pipelined waits for the one in front of it. */
static void test_many(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fds[5];
	const char *next;

	(void)state;
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = hold(i ? HOLD_BODY : HOLD_BODY "GET /behind HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(atomic_load(&server.handled), COUNT(fds));
	for (size_t i = 0; i < COUNT(fds); i++) {
		buffer_clear(&answer);
		assert_int_equal(receive_some(fds[i], &answer, 0), -ETIMEDOUT);
		assert_int_equal(get("/release"), 200);
		assert_true(receive_one(fds[i], &answer) > 0);
		assert_non_null(strstr(answer.data, SEEN_BODY));
		while (i == 0 && !strstr(answer.data, "GET /behind"))
			assert_true(receive_some(fds[i], &answer, ANSWER_WAIT_MS) > 0);
		next = strstr(answer.data, "GET /behind");
		assert_true(!next == (i != 0));
		assert_int_equal(close(fds[i]), 0);
	}
}

/* The deadline is that of the arrival; and a server that waits does not spin. */
static void test_no_deadline(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = hold(HOLD_BODY);
	unsigned int rounds;

	(void)state;
	sleep_ms(100);
	rounds = atomic_load(&server.rounds);
	sleep_ms(600);
	assert_true(atomic_load(&server.rounds) - rounds < 20);
	assert_int_equal(get("/release"), 200);
	assert_true(receive_one(fd, &answer) > 0);
	assert_int_equal(status_of(&answer), 201);
	/* From the answer on there is one again. */
	buffer_clear(&answer);
	assert_int_equal(receive_all(fd, &answer), 0);
	assert_int_equal(close(fd), 0);
}

/* Its ticket does not notice, and others get its place once it is answered. */
static void test_client_gone(void **state)
{
	int fds[7];

	(void)state;
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = hold(HOLD_BODY);
	for (size_t i = 0; i < COUNT(fds); i++)
		assert_int_equal(close(fds[i]), 0);
	for (size_t i = 0; i < COUNT(fds); i++)
		assert_int_equal(get("/release"), 200);
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = hold(HOLD_BODY);
	for (size_t i = 0; i < COUNT(fds); i++)
		assert_int_equal(close(fds[i]), 0);
}

/* A half-closed connection still gets its answer. */
static void test_half_closed(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = hold(HOLD_BODY);

	(void)state;
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	sleep_ms(20);
	assert_int_equal(get("/release"), 200);
	(void)receive_all(fd, &answer);
	assert_int_equal(status_of(&answer), 201);
	assert_int_equal(close(fd), 0);
}

/* What was answered before the close gets out; what was not is cut, and its ticket ends without effect. */
static void test_close(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int answered = hold(HOLD_BODY), left = hold(HOLD_BODY), pipelined;

	(void)state;
	pipelined = hold(HOLD_BODY HOLD_BODY);
	server_end_thread();
	release_one();
	httpd_close(server.httpd);
	server.httpd = NULL;
	assert_int_equal(rmdir(server.directory), 0);
	assert_true(receive_one(answered, &answer) > 0);
	assert_non_null(strstr(answer.data, SEEN_BODY));
	buffer_clear(&answer);
	assert_true(receive_all(left, &answer) <= 0);
	assert_int_equal(answer.length, 0);
	assert_null(httpd_header(httpd_ticket_request(held.tickets[1]), "X-Test", NULL));
	assert_string_equal(httpd_ticket_request(held.tickets[1])->body, "hello");
	release_one();
	release_one();
	assert_int_equal(held.count, 3);
	assert_int_equal(close(answered), 0);
	assert_int_equal(close(left), 0);
	assert_int_equal(close(pipelined), 0);
}

static bool run_within(int wait_ms)
{
	struct pollfd fd = {.fd = httpd_fd(server.httpd), .events = POLLIN};
	bool woken = poll(&fd, 1, wait_ms) == 1 || httpd_timeout_ms(server.httpd) == 0;

	httpd_run(server.httpd);
	return woken;
}

/* An answer from somewhere else in the loop makes it run httpd. */
static void test_answer_wakes(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd;

	(void)state;
	server_end_thread();
	fd = client();
	assert_true(send_text(fd, HOLD_BODY));
	while (atomic_load(&held.seen) == 0)
		assert_true(run_within(ANSWER_WAIT_MS));
	while (run_within(20)) /* all is quiet */
		;
	release_one();
	assert_true(run_within(0));
	assert_true(receive_one(fd, &answer) > 0);
	assert_int_equal(status_of(&answer), 201);
	assert_int_equal(close(fd), 0);
	server_run();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_later, setup, teardown_released),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown_released),
		cmocka_unit_test_setup_teardown(test_no_deadline, setup, teardown_released),
		cmocka_unit_test_setup_teardown(test_client_gone, setup, teardown_released),
		cmocka_unit_test_setup_teardown(test_half_closed, setup, teardown_released),
		cmocka_unit_test_setup_teardown(test_close, setup, teardown_released),
		cmocka_unit_test_setup_teardown(test_answer_wakes, setup, teardown_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
