// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_httpd_limits.c - connections in number, users and time: who is served, who is told why not, who is cut
 * off, and that nobody waits
 */
#include "tests/unit/httpd_fixture.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "userspace/core/cleanup.h"

#define GET	 "GET /g HTTP/1.1\r\nHost: x\r\n\r\n"
#define NOBODY	 65534
#define CROWD	 100
#define REQUESTS 10

static int open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	assert_int_equal(closedir(directory), 0);
	return count;
}

/* What a connection gets that is not served: a whole answer, before it has sent anything, and an orderly end.
 */
static void assert_turned_away(unsigned int status)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd = client();

	assert_int_equal(receive_all(fd, &answer), 0);
	assert_int_equal(status_of(&answer), status);
	assert_non_null(strstr(answer.data, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(answer.data, "\r\nContent-Type: application/problem+json\r\n"));
	assert_int_equal(response_length(&answer), answer.length);
	assert_true(send_text(fd, GET)); /* sending late breaks nothing */
	assert_int_equal(close(fd), 0);
}

static void assert_served(int fd)
{
	CLEANUP(buffer_clear) struct buffer answer = {0};

	assert_int_equal(ask(fd, GET, &answer), 200);
}

static void test_connections_in_all(void **state)
{
	struct httpd_options options = server_options();
	int fds[3], descriptors = open_descriptors();

	(void)state;
	options.connections = COUNT(fds);
	server_start(&options);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT(fds); i++) {
			fds[i] = client();
			if (i != 1)
				assert_served(fds[i]); /* the other counts, idle as it is */
		}
		sleep_ms(20); /* until that one is accepted */
		for (int i = 0; i < 200; i++)
			assert_turned_away(503);
		assert_served(fds[0]);
		for (size_t i = 0; i < COUNT(fds); i++)
			assert_int_equal(close(fds[i]), 0);
		sleep_ms(50); /* until the server has noticed */
	}
	server_stop();
	assert_int_equal(open_descriptors(), descriptors);
}

/* Those turned away who do not go: their number is bounded, and others are served. */
static void test_turned_away_and_staying(void **state)
{
	struct httpd_options options = server_options();
	int served, fds[150], descriptors;

	(void)state;
	options.connections = 1;
	server_start(&options);
	served = client();
	assert_served(served);
	descriptors = open_descriptors();
	for (size_t i = 0; i < COUNT(fds); i++) {
		CLEANUP(buffer_clear) struct buffer answer = {0};

		fds[i] = client();
		assert_int_equal(receive_all(fds[i], &answer), 0);
		assert_int_equal(status_of(&answer), 503);
	}
	sleep_ms(50); /* until the oldest has made room */
	assert_true(open_descriptors() - descriptors <=
		    (int)COUNT(fds) + 64); /* the client's, and the server's */
	assert_served(served);
	for (size_t i = 0; i < COUNT(fds); i++)
		assert_int_equal(close(fds[i]), 0);
	sleep_ms(100);
	assert_int_equal(open_descriptors(), descriptors);
	assert_int_equal(close(served), 0);
}

/* In a process of that uid: 0 where it is served and the handler sees the uid. */
static int ask_as(uid_t uid)
{
	pid_t child = fork();
	int status = -1;

	assert_true(child >= 0);
	if (child == 0) {
		struct buffer answer = {0};
		char part[32];
		int fd;

		(void)snprintf(part, sizeof(part), " uid=%d ", (int)uid);
		if (setgid(uid) < 0 || setuid(uid) < 0)
			_exit(2);
		fd = client();
		_exit(ask(fd, GET, &answer) == 200 && strstr(answer.data, part) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void test_connections_per_uid(void **state)
{
	struct httpd_options options = server_options();
	int fds[2];

	(void)state;
	options.connections_per_uid = COUNT(fds);
	server_start(&options);
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = client();
		assert_served(fds[i]);
	}
	assert_turned_away(429);
	if (geteuid() == 0) {
		assert_int_equal(chmod(server.path, 0666), 0);
		assert_int_equal(ask_as(NOBODY), 0); /* another user is not concerned */
	}
	assert_int_equal(close(fds[0]), 0);
	sleep_ms(50);
	fds[0] = client();
	assert_served(fds[0]);
	assert_turned_away(429);
	for (size_t i = 0; i < COUNT(fds); i++)
		assert_int_equal(close(fds[i]), 0);
}

/* --- time ------------------------------------------------------------------------ */

#define DEADLINE_MS 400
#define EARLY_MS    300
#define LATE_MS	    1500

/* Sends a byte at a time until the server ends it; the time that took. */
static uint64_t dribble(int fd, const char *text, unsigned int pause_ms)
{
	uint64_t start = now_ms();
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	while (*text && poll(&poll_fd, 1, (int)pause_ms) == 0 && send_bytes(fd, text, 1))
		text++;
	return now_ms() - start;
}

static void test_deadline(void **state)
{
	static const char HEADERS[] =
		"GET / HTTP/1.1\r\nHost: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
	struct httpd_options options = server_options();
	CLEANUP(buffer_clear) struct buffer answer = {0};
	uint64_t start;
	int fd;

	(void)state;
	options.deadline_ms = DEADLINE_MS;
	server_start(&options);
	/* nothing sent */
	start = now_ms();
	fd = client();
	assert_true(receive_all(fd, &answer) <= 0);
	assert_in_range(now_ms() - start, EARLY_MS, LATE_MS);
	assert_int_equal(close(fd), 0);
	/* a head that never ends, and a body that never ends */
	fd = client();
	assert_in_range(dribble(fd, HEADERS, 30), EARLY_MS, LATE_MS);
	assert_int_equal(close(fd), 0);
	fd = client();
	assert_true(send_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"));
	assert_in_range(dribble(fd, HEADERS, 30), EARLY_MS, LATE_MS);
	assert_int_equal(close(fd), 0);
	assert_int_equal(atomic_load(&server.handled), 0);
}

/* Each request has its own time, which begins at the end of the one before. */
static void test_deadline_of_each_request(void **state)
{
	struct httpd_options options = server_options();
	CLEANUP(buffer_clear) struct buffer answer = {0};
	uint64_t start;
	int fd;

	(void)state;
	options.deadline_ms = DEADLINE_MS;
	server_start(&options);
	fd = client();
	for (int i = 0; i < 4; i++) {
		sleep_ms(DEADLINE_MS / 2);
		assert_served(fd);
	}
	start = now_ms();
	assert_true(receive_all(fd, &answer) <= 0);
	assert_in_range(now_ms() - start, EARLY_MS, LATE_MS);
	assert_int_equal(answer.length, 0);
	assert_int_equal(close(fd), 0);
}

/* A reader that takes its time with the answer is cut off too, and what it did not read is given up. */
static void test_deadline_of_reader(void **state)
{
	struct httpd_options options = server_options();
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int fd;

	(void)state;
	options.deadline_ms = DEADLINE_MS;
	server_start(&options);
	fd = client();
	assert_true(send_text(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"));
	sleep_ms(LATE_MS);
	(void)receive_all(fd, &answer);
	assert_in_range(answer.length, 1, BIG_RESPONSE - 1);
	assert_int_equal(close(fd), 0);
	fd = client();
	buffer_clear(&answer);
	assert_int_equal(ask(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", &answer), 200);
	assert_true(answer.length > BIG_RESPONSE);
	assert_int_equal(close(fd), 0);
}

/* A request that was there in time is answered, though the server was busy with another until after its
 * deadline. */
static void test_busy_server_cuts_nobody(void **state)
{
	struct httpd_options options = server_options();
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int slow, other;

	(void)state;
	options.deadline_ms = DEADLINE_MS;
	server_start(&options);
	atomic_store(&server.slow_ms, DEADLINE_MS * 2);
	other = client();
	slow = client();
	assert_served(other);
	assert_true(send_text(slow, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
	sleep_ms(50);
	assert_true(send_text(other, GET));
	assert_true(receive_one(slow, &answer) > 0);
	assert_int_equal(status_of(&answer), 200);
	buffer_clear(&answer);
	assert_true(receive_one(other, &answer) > 0);
	assert_int_equal(status_of(&answer), 200);
	assert_int_equal(close(slow), 0);
	assert_int_equal(close(other), 0);
}

/* --- nobody waits -------------------------------------------------------------------- */

/* A request on every connection, first sent to all, in one part or in two; the longest wait for an answer. */
static uint64_t ask_all(const int fds[CROWD], bool in_two)
{
	uint64_t start = now_ms(), longest = 0;
	size_t half = in_two ? sizeof(GET) / 2 : sizeof(GET) - 1;

	for (int i = 0; i < CROWD; i++)
		assert_true(send_bytes(fds[i], GET, half));
	for (int i = 0; i < CROWD; i++)
		assert_true(send_bytes(fds[i], GET + half, sizeof(GET) - 1 - half));
	for (int i = CROWD - 1; i >= 0; i--) {
		CLEANUP(buffer_clear) struct buffer answer = {0};

		assert_true(receive_one(fds[i], &answer) > 0);
		assert_int_equal(status_of(&answer), 200);
		if (now_ms() - start > longest)
			longest = now_ms() - start;
	}
	return longest;
}

/*
 * libmicrohttpd's epoll mode with work left over would sit still until the next event or the deadline, here
 * 20 s; 200 ms is far from both, and from what a hundred requests take.
 */
static void test_no_request_stalls(void **state)
{
	struct httpd_options options = server_options();
	uint64_t longest = 0, took;
	int fds[CROWD];

	(void)state;
	server_start(&options);
	for (int round = 0; round < REQUESTS; round++) {
		if (round % 5 == 0) {
			for (int i = 0; i < CROWD; i++)
				fds[i] = client();
		}
		took = ask_all(fds, round % 2);
		if (took > longest)
			longest = took;
		if (round % 5 == 4) {
			for (int i = 0; i < CROWD; i++)
				assert_int_equal(close(fds[i]), 0);
			sleep_ms(50);
		}
	}
	print_message("longest wait of %d requests: %u ms\n", CROWD * REQUESTS, (unsigned int)longest);
	assert_true(longest <= 200);
	assert_int_equal(atomic_load(&server.handled), CROWD * REQUESTS);
}

/* Idle, lingering and half-sent connections cost the loop nothing. */
static void test_no_spinning(void **state)
{
	struct httpd_options options = server_options();
	CLEANUP(buffer_clear) struct buffer answer = {0};
	unsigned int before, rounds;
	int idle, half, lingering;

	(void)state;
	server_start(&options);
	idle = client();
	assert_served(idle);
	half = client();
	assert_true(send_text(half, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhal"));
	lingering = client();
	assert_true(send_text(lingering, "GET * HTTP/1.1\r\nHost: x\r\n\r\n"));
	assert_int_equal(receive_all(lingering, &answer), 0); /* and it does not go */
	sleep_ms(50);
	before = atomic_load(&server.rounds);
	sleep_ms(300);
	rounds = atomic_load(&server.rounds) - before;
	assert_true(rounds < 10);
	assert_int_equal(close(idle), 0);
	assert_int_equal(close(half), 0);
	assert_int_equal(close(lingering), 0);
}

/* Without descriptors to accept with the loop does not spin, and goes on by itself once there are some. */
static void test_out_of_descriptors(void **state)
{
	struct httpd_options options = server_options();
	CLEANUP(buffer_clear) struct buffer answer = {0};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct rlimit saved, none;
	unsigned int before, rounds;
	int fd;

	(void)state;
	server_start(&options);
	strcpy(address.sun_path, server.path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	none = saved;
	none.rlim_cur = 3; /* all taken; poll() wants as many as it is given */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_true(send_text(fd, GET));
	sleep_ms(50);
	before = atomic_load(&server.rounds);
	sleep_ms(500);
	rounds = atomic_load(&server.rounds) - before;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
	assert_in_range(rounds, 2, 40);
	assert_true(receive_one(fd, &answer) > 0);
	assert_int_equal(status_of(&answer), 200);
	assert_int_equal(close(fd), 0);
}

/* Clients that vanish in the middle leave nothing behind. */
static void test_vanishing_clients(void **state)
{
	static const char *const PARTS[] = {"",
					    "GE",
					    "GET / HTTP/1.1\r\nHo",
					    GET,
					    "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
					    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
					    "GET * HTTP/1.1\r\n"};
	struct httpd_options options = server_options();
	int descriptors, fd;

	(void)state;
	options.connections = 4;
	server_start(&options);
	descriptors = open_descriptors();
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < COUNT(PARTS); i++) {
			fd = client();
			(void)send_text(fd, PARTS[i]);
			if (round % 2)
				sleep_ms(1);
			assert_int_equal(close(fd), 0);
		}
	}
	sleep_ms(100);
	assert_int_equal(open_descriptors(), descriptors);
	fd = client();
	assert_served(fd);
	assert_int_equal(close(fd), 0);
}

/* Closing ends every connection, in whatever state. */
static void test_close(void **state)
{
	static const char *const PARTS[] = {
		"", "GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
		"GET /big HTTP/1.1\r\nHost: x\r\n\r\n", "GET * HTTP/1.1\r\nHost: x\r\n\r\n"};
	struct httpd_options options = server_options();
	int fds[COUNT(PARTS)], descriptors = open_descriptors();

	(void)state;
	server_start(&options);
	for (size_t i = 0; i < COUNT(PARTS); i++) {
		fds[i] = client();
		assert_true(send_text(fds[i], PARTS[i]));
	}
	sleep_ms(50);
	server_stop();
	for (size_t i = 0; i < COUNT(PARTS); i++) {
		CLEANUP(buffer_clear) struct buffer answer = {0};
		int result = receive_all(fds[i], &answer);

		assert_true(result == 0 || result == -ECONNRESET);
		assert_int_equal(close(fds[i]), 0);
	}
	assert_int_equal(open_descriptors(), descriptors);
	httpd_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_connections_in_all, teardown),
		cmocka_unit_test_teardown(test_turned_away_and_staying, teardown),
		cmocka_unit_test_teardown(test_connections_per_uid, teardown),
		cmocka_unit_test_teardown(test_deadline, teardown),
		cmocka_unit_test_teardown(test_deadline_of_each_request, teardown),
		cmocka_unit_test_teardown(test_deadline_of_reader, teardown),
		cmocka_unit_test_teardown(test_busy_server_cuts_nobody, teardown),
		cmocka_unit_test_teardown(test_no_request_stalls, teardown),
		cmocka_unit_test_teardown(test_no_spinning, teardown),
		cmocka_unit_test_teardown(test_out_of_descriptors, teardown),
		cmocka_unit_test_teardown(test_vanishing_clients, teardown),
		cmocka_unit_test_teardown(test_close, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
