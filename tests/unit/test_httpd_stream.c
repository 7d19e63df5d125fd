// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_httpd_stream.c - answers that are written while they are sent: to readers that are quick, slow or gone
 *
 * "/follow" becomes a stream; "/write?x=TEXT" writes to all streams and says how many took it, "/fill" as
 * much as they take, "/end" ends all. All in the thread of the loop, as a daemon would.
 */
#include "tests/unit/httpd_fixture.h"

#include "userspace/core/cleanup.h"

#define HOST	    "Host: x\r\n"
#define STREAMS_MAX 64
#define HELD_LIMIT  ((size_t)100000)
#define FOLLOW	    "GET /follow HTTP/1.1\r\n" HOST "X-Test: kept\r\n\r\n"

static struct {
	struct httpd_stream *streams[STREAMS_MAX]; /* NULL: ended or gone */
	size_t count;
	atomic_uint gone;
	atomic_ulong filled; /* bytes that the last "/fill" wrote */
	atomic_uint large;   /* writes over the limit that were taken */
} all;

static void note_gone(struct httpd_stream *stream, void *arg)
{
	struct httpd_stream **place = arg;

	assert_ptr_equal(*place, stream);
	*place = NULL;
	atomic_fetch_add(&all.gone, 1);
}

static void follow(const struct httpd_request *request, struct httpd_response *response)
{
	struct httpd_stream **place = &all.streams[all.count++];
	struct httpd_stream_options options = {.limit = HELD_LIMIT, .gone = note_gone, .arg = place};

	assert_true(all.count < STREAMS_MAX);
	*place = httpd_stream(request, &options);
	assert_non_null(*place);
	free(response->body);
	*response = (struct httpd_response){.status = 200, .content_type = "text/event-stream"};
	if (httpd_query(request, "x"))
		assert_int_equal(httpd_stream_write(*place, "at once\n", 8), 0);
	if (httpd_query(request, "end")) {
		httpd_stream_end(*place);
		*place = NULL;
	}
}

/* --- pulled: "/pull" gives PIECES pieces, one whenever the last was taken; "/pull?x" fails behind three ---
 */

#define PIECES	   200
#define PIECE_SIZE 50000

static struct {
	atomic_uint asked;
	atomic_uint gone;
	bool fails;
} pull;

static void pull_more(struct httpd_stream *stream, void *arg)
{
	static char piece[PIECE_SIZE];
	unsigned int number = atomic_fetch_add(&pull.asked, 1);

	(void)arg;
	assert_int_equal(httpd_stream_room(stream), HELD_LIMIT); /* all was taken */
	if (pull.fails && number == 3) {
		httpd_stream_fail(stream);
		return;
	}
	memset(piece, 'a' + (int)(number % 26), sizeof(piece));
	assert_int_equal(httpd_stream_write(stream, piece, sizeof(piece)), 0);
	if (number + 1 == PIECES)
		httpd_stream_end(stream);
}

static void pull_gone(struct httpd_stream *stream, void *arg)
{
	(void)stream;
	(void)arg;
	atomic_fetch_add(&pull.gone, 1);
}

static void begin_pull(const struct httpd_request *request, struct httpd_response *response)
{
	struct httpd_stream_options options = {.limit = HELD_LIMIT, .gone = pull_gone, .more = pull_more};

	atomic_store(&pull.asked, 0);
	atomic_store(&pull.gone, 0);
	pull.fails = httpd_query(request, "x");
	assert_non_null(httpd_stream(request, &options));
	free(response->body);
	*response = (struct httpd_response){.status = 200, .content_type = "application/x-ndjson"};
}

static void write_all(const char *text)
{
	for (size_t i = 0; i < all.count; i++)
		if (all.streams[i])
			(void)httpd_stream_write(all.streams[i], text, strlen(text)); /* or it is full */
}

static void fill_all(void)
{
	static const char LINE[] = "a line of forty bytes, more or less ...\n";
	char *large = calloc(1, HELD_LIMIT + 1);

	atomic_store(&all.filled, 0);
	for (size_t i = 0; i < all.count; i++) {
		if (!all.streams[i])
			continue;
		atomic_fetch_add(&all.large,
				 httpd_stream_write(all.streams[i], large, HELD_LIMIT + 1) != -ENOBUFS);
		while (!httpd_stream_write(all.streams[i], LINE, strlen(LINE)))
			atomic_fetch_add(&all.filled, strlen(LINE));
		assert_true(httpd_stream_room(all.streams[i]) < strlen(LINE));
	}
	free(large);
}

static void end_all(void)
{
	for (size_t i = 0; i < all.count; i++) {
		if (all.streams[i])
			httpd_stream_end(all.streams[i]);
		all.streams[i] = NULL;
	}
}

static void describe_all(struct httpd_response *response)
{
	struct buffer text = {0};

	for (size_t i = 0; i < all.count; i++)
		if (all.streams[i])
			describe(httpd_stream_request(all.streams[i]), &text);
	free(response->body);
	response->body = text.data;
	response->body_length = text.length;
}

static void handle_streams(const struct httpd_request *request, struct httpd_response *response, void *arg)
{
	handle(request, response, arg); /* of a stream it must come to nothing */
	if (strcmp(request->path, "/follow") == 0)
		follow(request, response);
	if (strcmp(request->path, "/pull") == 0)
		begin_pull(request, response);
	if (strcmp(request->path, "/write") == 0)
		write_all(httpd_query(request, "x"));
	if (strcmp(request->path, "/fill") == 0)
		fill_all();
	if (strcmp(request->path, "/end") == 0)
		end_all();
	if (strcmp(request->path, "/who") == 0)
		describe_all(response);
}

static int setup(void **state)
{
	struct httpd_options options = server_options();

	(void)state;
	memset(&all, 0, sizeof(all));
	options.handler = handle_streams;
	options.connections = 8;
	options.deadline_ms = 400;
	server_start(&options);
	return 0;
}

static unsigned int get(const char *path)
{
	CLEANUP(buffer_clear) struct buffer answer = {0}, request = {0};

	(void)buffer_print(&request, "GET %s HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", path);
	return exchange(request.data, request.length, &answer);
}

/* Receives until the text is there. */
static bool receive_text(int fd, struct buffer *answer, const char *text)
{
	uint64_t start = now_ms();

	while (!answer->data || !strstr(answer->data, text))
		if (now_ms() - start > ANSWER_WAIT_MS || receive_some(fd, answer, ANSWER_WAIT_MS) <= 0)
			return false;
	return true;
}

static int follower(struct buffer *answer)
{
	int fd = client();

	assert_true(send_text(fd, FOLLOW));
	assert_true(receive_text(fd, answer, "\r\n\r\n"));
	assert_int_equal(status_of(answer), 200);
	return fd;
}

static void wait_gone(unsigned int count)
{
	uint64_t start = now_ms();

	while (atomic_load(&all.gone) < count) {
		assert_true(now_ms() - start < ANSWER_WAIT_MS);
		sleep_ms(1);
	}
	assert_int_equal(atomic_load(&all.gone), count);
}

/* The head comes at once, then whatever is written when it is; and after the end the next request. */
static void test_written(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = follower(&answer);

	(void)state;
	assert_non_null(strstr(answer.data, "Content-Type: text/event-stream\r\n"));
	assert_null(strstr(answer.data, "Content-Length"));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(receive_some(fd, &answer, 20), -ETIMEDOUT);
		buffer_clear(&answer);
		assert_int_equal(get("/write?x=hello"), 200);
		assert_true(receive_text(fd, &answer, "hello"));
	}
	assert_int_equal(get("/end"), 200);
	assert_true(receive_text(fd, &answer, "\r\n0\r\n\r\n"));
	assert_int_equal(ask(fd, "GET /more HTTP/1.1\r\n" HOST "\r\n", &answer), 200);
	assert_non_null(strstr(answer.data, "GET /more body=0:"));
	assert_int_equal(close(fd), 0);
	assert_int_equal(atomic_load(&all.gone), 0);
}

/* Written, and ended, before the handler returns. */
static void test_at_once(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = client();

	(void)state;
	assert_true(send_text(fd, "GET /follow?x=1&end=1 HTTP/1.1\r\n" HOST "\r\n"));
	assert_true(receive_text(fd, &answer, "at once\n\r\n0\r\n\r\n"));
	buffer_clear(&answer);
	assert_true(send_text(fd, "GET /follow?x=1 HTTP/1.0\r\n" HOST "\r\n"));
	assert_true(receive_text(fd, &answer, "at once\n"));
	assert_int_equal(get("/end"), 200);
	assert_int_equal(receive_all(fd, &answer), 0); /* HTTP/1.0: the end of the connection */
	assert_null(strstr(answer.data, "\r\n0\r\n"));
	assert_int_equal(close(fd), 0);
}

static void test_request_kept(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0}, who = {0};
	int fd = follower(&answer), other = client();

	(void)state;
	assert_int_equal(get("/write?x=hello"), 200);
	assert_true(receive_text(fd, &answer, "hello"));
	assert_int_equal(ask(other, "GET /who HTTP/1.1\r\n" HOST "\r\n", &who), 200);
	assert_non_null(strstr(who.data, "GET /follow body=0: nul=0 header=kept"));
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(other), 0);
	wait_gone(1);
}

/* No deadline while it is followed, and a server that waits does not spin. */
static void test_no_deadline(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = follower(&answer);
	unsigned int rounds;

	(void)state;
	sleep_ms(100);
	rounds = atomic_load(&server.rounds);
	sleep_ms(700);
	assert_true(atomic_load(&server.rounds) - rounds < 20);
	assert_int_equal(get("/write?x=hello"), 200);
	assert_true(receive_text(fd, &answer, "hello"));
	assert_int_equal(get("/end"), 200);
	/* From the end on there is one again. */
	assert_int_equal(receive_all(fd, &answer), 0);
	assert_int_equal(close(fd), 0);
}

/* While nothing is sent, and while something is; closed, or its sending end alone. */
static void test_client_goes(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0}, second = {0}, third = {0};
	int fd = follower(&answer), full, half;
	unsigned int rounds;

	(void)state;
	assert_int_equal(close(fd), 0);
	wait_gone(1);
	full = follower(&second);
	for (int i = 0; i < 30; i++)
		assert_int_equal(get("/fill"), 200);
	assert_int_equal(close(full), 0);
	wait_gone(2);
	half = follower(&third);
	assert_int_equal(shutdown(half, SHUT_WR), 0);
	wait_gone(3);
	assert_int_equal(get("/write?x=hello"), 200);
	assert_int_equal(close(half), 0);
	sleep_ms(50);
	rounds = atomic_load(&server.rounds);
	sleep_ms(200);
	assert_true(atomic_load(&server.rounds) - rounds < 20);
	/* Their places are free. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(get("/other"), 200);
}

/* Memory is bounded, nobody is waited for, and what was taken arrives whole and in order. */
static void test_slow_reader(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = follower(&answer);
	unsigned long filled = 0;
	uint64_t start = now_ms();

	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(get("/fill"), 200);
		filled += atomic_load(&all.filled);
	}
	assert_true(now_ms() - start < 5000);
	assert_int_equal(atomic_load(&all.large), 0);
	assert_int_equal(get("/fill"), 200);
	assert_true(atomic_load(&all.filled) < 100); /* it takes no more */
	sleep_ms(600);				     /* longer than a deadline */
	filled += atomic_load(&all.filled);
	assert_int_equal(get("/end"), 200);
	assert_true(receive_text(fd, &answer, "\r\n0\r\n\r\n"));
	assert_true(answer.length > filled);
	assert_true(answer.length < filled + filled / 10 + 1000); /* with the chunks' sizes */
	assert_int_equal(close(fd), 0);
}

/* One that never reads is cut at the deadline that begins with the end. */
static void test_end_has_deadline(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = follower(&answer), fds[7];

	(void)state;
	for (int i = 0; i < 30; i++)
		assert_int_equal(get("/fill"), 200);
	assert_int_equal(get("/end"), 200);
	sleep_ms(700);
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = client();
	assert_int_equal(get("/other"), 200); /* of 8 connections all are there again */
	for (size_t i = 0; i < COUNT(fds); i++)
		assert_int_equal(close(fds[i]), 0);
	assert_int_equal(close(fd), 0);
}

/* Many at once, each with all of it; they count among the connections. */
static void test_many(void **state)
{
	struct buffer answers[8] = {0};
	int fds[8];

	(void)state;
	for (size_t i = 0; i < 7; i++)
		fds[i] = follower(&answers[i]);
	assert_int_equal(get("/write?x=hello"), 200);
	fds[7] = follower(&answers[7]);
	assert_int_equal(get("/other"), 503);
	for (size_t i = 0; i < 7; i++)
		assert_true(receive_text(fds[i], &answers[i], "hello"));
	assert_int_equal(close(fds[3]), 0);
	wait_gone(1);
	sleep_ms(20);
	assert_int_equal(get("/write?x=more"), 200);
	for (size_t i = 0; i < COUNT(fds); i++) {
		if (i != 3) {
			assert_true(receive_text(fds[i], &answers[i], "more"));
			assert_int_equal(close(fds[i]), 0);
		}
		buffer_clear(&answers[i]);
	}
	wait_gone(8);
}

/* What was written gets out, then the end, and the owner is told; also beside one that takes nothing. */
static void test_close(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0}, slow = {0};
	int full = follower(&slow), fd;

	(void)state;
	for (int i = 0; i < 30; i++)
		assert_int_equal(get("/fill"), 200);
	fd = follower(&answer);
	server_end_thread();
	assert_int_equal(httpd_stream_write(all.streams[1], "the last\n", 9), 0);
	httpd_close(server.httpd);
	server.httpd = NULL;
	assert_int_equal(atomic_load(&all.gone), 2);
	assert_int_equal(receive_all(fd, &answer), 0);
	assert_non_null(strstr(answer.data, "the last\n\r\n0\r\n\r\n"));
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(full), 0);
	assert_int_equal(rmdir(server.directory), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Chunked: its bytes are those of all pieces and of what frames them. */
static void pulled_as_it_is_taken(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	size_t bytes = 0;
	int fd = client();

	(void)state;
	assert_true(send_text(fd, "GET /pull HTTP/1.1\r\n" HOST "\r\n"));
	assert_true(receive_text(fd, &answer, "\r\n0\r\n\r\n"));
	for (size_t i = 0; i < answer.length; i++)
		bytes += answer.data[i] == 'q';
	assert_true(bytes >= (size_t)PIECE_SIZE * (PIECES / 26));
	assert_true(answer.length > (size_t)PIECES * PIECE_SIZE);
	assert_int_equal(atomic_load(&pull.asked), PIECES);
	assert_int_equal(atomic_load(&pull.gone), 0);
	close(fd);
}

/* What is not whole does not look so. */
static void pulled_and_failed(void **state)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = client();

	(void)state;
	assert_true(send_text(fd, "GET /pull?x=1 HTTP/1.1\r\n" HOST "\r\n"));
	while (receive_some(fd, &answer, ANSWER_WAIT_MS) > 0)
		;
	assert_null(strstr(answer.data, "\r\n0\r\n"));
	assert_int_equal(atomic_load(&pull.asked), 4);
	close(fd);
}

/* Who takes nothing gets no more than the sockets hold, and is cut at the deadline. */
static void pulled_and_not_taken(void **state)
{
	uint64_t start = now_ms();
	int fd = client();

	(void)state;
	assert_true(send_text(fd, "GET /pull HTTP/1.1\r\n" HOST "\r\n"));
	while (!atomic_load(&pull.gone) && now_ms() - start < ANSWER_WAIT_MS)
		usleep(10000);
	assert_int_equal(atomic_load(&pull.gone), 1);
	assert_true(now_ms() - start >= 300);
	assert_true(atomic_load(&pull.asked) < PIECES);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_written),	     TEST(test_at_once),      TEST(test_request_kept),
		TEST(test_no_deadline),	     TEST(test_client_goes),  TEST(test_slow_reader),
		TEST(test_end_has_deadline), TEST(test_many),	      TEST(test_close),
		TEST(pulled_as_it_is_taken), TEST(pulled_and_failed), TEST(pulled_and_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
