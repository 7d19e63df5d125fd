// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_loop.c - descriptors, timeouts that are asked for anew, signals and timers in one loop; what the
 * service manager is told; and the log, whose lines nobody can forge
 */
#include "userspace/io/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/io/log.h"

struct probe {
	struct loop *loop;
	int fd;
	int timeout_ms; /* what is answered when the loop asks */
	int asked;
	int called;
	int stop_after;
	const char *tag;
	char *trace; /* may be NULL */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_call(void *arg)
{
	struct probe *probe = arg;
	char byte;

	if (probe->fd >= 0)
		(void)!read(probe->fd, &byte, 1); /* non-blocking: there may be none */
	if (probe->trace)
		strcat(probe->trace, probe->tag);
	if (++probe->called == probe->stop_after)
		loop_stop(probe->loop);
}

static int on_ask(void *arg)
{
	struct probe *probe = arg;

	probe->asked++;
	return probe->timeout_ms;
}

static int open_pipe(int fds[2])
{
	return pipe2(fds, O_NONBLOCK | O_CLOEXEC);
}

static void close_pipe(const int fds[2])
{
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

static void test_fd(void **state)
{
	struct probe probe = {.stop_after = 3};
	int fds[2];

	(void)state;
	assert_int_equal(open_pipe(fds), 0);
	assert_int_equal(loop_new(&probe.loop), 0);
	probe.fd = fds[0];
	assert_int_equal(loop_add_fd(probe.loop, fds[0], on_call, NULL, &probe), 0);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	assert_int_equal(loop_run(probe.loop), 0);
	assert_int_equal(probe.called, 3);
	loop_free(probe.loop);
	close_pipe(fds);
}

/* The timeout that was named last counts, and it is kept within a few milliseconds. */
static void test_timeout(void **state)
{
	struct probe probe = {.timeout_ms = 40, .stop_after = 3};
	uint64_t start = now_ms(), took;
	int fds[2];

	(void)state;
	assert_int_equal(open_pipe(fds), 0);
	assert_int_equal(loop_new(&probe.loop), 0);
	probe.fd = fds[0];
	assert_int_equal(loop_add_fd(probe.loop, fds[0], on_call, on_ask, &probe), 0);
	assert_int_equal(loop_run(probe.loop), 0);
	took = now_ms() - start;
	assert_true(probe.asked >= 3);
	assert_in_range(took, 120, 600); /* sd-event's own accuracy would make it 250 ms each */
	loop_free(probe.loop);
	close_pipe(fds);
}

static void run_150_ms(struct probe *probe, int timeout_ms, uint64_t *ret_ms)
{
	struct probe timer = {.loop = probe->loop, .fd = -1, .stop_after = 1};
	uint64_t start = now_ms();

	probe->timeout_ms = timeout_ms;
	assert_int_equal(loop_add_fd(probe->loop, probe->fd, on_call, on_ask, probe), 0);
	assert_int_equal(loop_add_timer(probe->loop, 150, on_call, &timer), 0);
	assert_int_equal(loop_run(probe->loop), 0);
	*ret_ms = now_ms() - start;
}

/* -1: no timeout of its own. */
static void test_no_timeout(void **state)
{
	struct probe probe = {0};
	uint64_t took;
	int fds[2];

	(void)state;
	assert_int_equal(open_pipe(fds), 0);
	assert_int_equal(loop_new(&probe.loop), 0);
	probe.fd = fds[0];
	run_150_ms(&probe, -1, &took);
	assert_true(probe.asked > 0);
	assert_int_equal(probe.called, 0);
	assert_in_range(took, 150, 900);
	loop_free(probe.loop);
	close_pipe(fds);
}

static void disarm(void *arg)
{
	struct probe *probe = arg;
	char byte;

	(void)!read(probe->fd, &byte, 1); /* non-blocking: there may be none */
	probe->called++;
	probe->timeout_ms = -1; /* as of now there is nothing to wait for */
}

static void test_timeout_withdrawn(void **state)
{
	struct probe probe = {.timeout_ms = 50}, stop = {.fd = -1, .stop_after = 1};
	int fds[2];

	(void)state;
	assert_int_equal(open_pipe(fds), 0);
	assert_int_equal(loop_new(&probe.loop), 0);
	stop.loop = probe.loop;
	probe.fd = fds[0];
	assert_int_equal(write(fds[1], "x", 1), 1); /* there before the time is over */
	assert_int_equal(loop_add_fd(probe.loop, fds[0], disarm, on_ask, &probe), 0);
	assert_int_equal(loop_add_timer(probe.loop, 200, on_call, &stop), 0);
	assert_int_equal(loop_run(probe.loop), 0);
	assert_int_equal(probe.called, 1);
	loop_free(probe.loop);
	close_pipe(fds);
}

static void test_timer(void **state)
{
	struct probe probe = {.fd = -1, .stop_after = 4};
	uint64_t start = now_ms();

	(void)state;
	assert_int_equal(loop_new(&probe.loop), 0);
	assert_int_equal(loop_add_timer(probe.loop, 30, on_call, &probe), 0);
	assert_int_equal(loop_run(probe.loop), 0);
	assert_in_range(now_ms() - start, 120, 800); /* the first after one period */
	loop_free(probe.loop);
}

/* A signal is served before a descriptor that is always readable. */
static void test_signal(void **state)
{
	char trace[64] = "";
	struct probe busy = {.fd = -1, .tag = "f", .trace = trace, .stop_after = 20};
	struct probe hup = {.fd = -1, .tag = "H", .trace = trace},
		     term = {.fd = -1, .tag = "T", .trace = trace};
	int fds[2];

	(void)state;
	assert_int_equal(open_pipe(fds), 0);
	assert_int_equal(loop_new(&busy.loop), 0);
	hup.loop = busy.loop;
	term.loop = busy.loop;
	term.stop_after = 1;
	assert_int_equal(loop_add_fd(busy.loop, fds[0], on_call, NULL, &busy), 0);
	assert_int_equal(loop_add_signal(busy.loop, SIGHUP, on_call, &hup), 0);
	assert_int_equal(loop_add_signal(busy.loop, SIGTERM, on_call, &term), 0);
	assert_int_equal(write(fds[1], "x", 1), 1); /* never read */
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(loop_run(busy.loop), 0);
	assert_string_equal(trace, "HT");
	loop_free(busy.loop);
	close_pipe(fds);
}

static void test_failure_leaves_loop(void **state)
{
	struct probe probe = {.fd = -1, .stop_after = 1};

	(void)state;
	assert_int_equal(loop_new(&probe.loop), 0);
	assert_int_equal(loop_add_fd(probe.loop, -1, on_call, on_ask, &probe), -EBADF);
	assert_true(loop_add_signal(probe.loop, 4711, on_call, &probe) < 0);
	assert_int_equal(loop_add_timer(probe.loop, 10, on_call, &probe), 0);
	assert_int_equal(loop_run(probe.loop), 0);
	loop_free(probe.loop);
	loop_free(NULL);
}

/* --- the service manager -------------------------------------------------------- */

static void assert_told(int fd, const char *text)
{
	char message[1024];
	ssize_t length = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT);

	assert_true(length > 0);
	message[length] = '\0';
	assert_string_equal(message, text);
}

static void test_notify(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char message[256];
	ssize_t length;

	(void)state;
	loop_notify_ready("nobody listens");
	(void)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "allowgate-test-%d", getpid());
	assert_true(fd >= 0);
	assert_int_equal(
		bind(fd, (struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address.sun_path + 1))),
		0);
	(void)snprintf(message, sizeof(message), "@%s", address.sun_path + 1);
	assert_int_equal(setenv("NOTIFY_SOCKET", message, 1), 0);
	loop_notify_ready("ready: 2 accounts");
	assert_told(fd, "READY=1\nSTATUS=ready: 2 accounts");
	loop_notify_status("a\nMAINPID=1");
	assert_told(fd, "STATUS=a MAINPID=1"); /* no variable of its own */
	loop_notify_stopping();
	assert_told(fd, "STOPPING=1");
	loop_notify_reloading();
	length = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT);
	assert_true(length > 0);
	message[length] = '\0';
	assert_non_null(strstr(message, "RELOADING=1\nMONOTONIC_USEC="));
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(close(fd), 0);
}

/* --- the log -------------------------------------------------------------------- */

/* What log_line() writes to standard error, into a static buffer. */
static const char *logged(enum log_level level, bool journal, const char *text)
{
	static char line[16384];
	int fds[2], saved = dup(STDERR_FILENO);
	struct stat status;
	char stream[64];
	ssize_t length;

	assert_int_equal(open_pipe(fds), 0);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
		       (uintmax_t)status.st_ino + !journal);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	errno = ENOTTY;
	log_line(level, "said: %s", text);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(saved), 0);
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	length = read(fds[0], line, sizeof(line) - 1);
	line[length < 0 ? 0 : length] = '\0';
	close_pipe(fds);
	return line;
}

static void test_log_prefix(void **state)
{
	(void)state;
	assert_string_equal(logged(LOG_LEVEL_WARNING, true, "x"), "<4>said: x\n");
	assert_string_equal(logged(LOG_LEVEL_INFO, true, "x"), "<6>said: x\n");
	/* JOURNAL_STREAM is of another descriptor: standard error was redirected since */
	assert_string_equal(logged(LOG_LEVEL_WARNING, false, "x"), "test_loop: warning: said: x\n");
	assert_string_equal(logged(LOG_LEVEL_ERROR, false, "x"), "test_loop: error: said: x\n");
	assert_string_equal(logged(LOG_LEVEL_NOTICE, false, "x"), "test_loop: said: x\n");
}

static void test_log_one_line(void **state)
{
	char text[5000];
	const char *line;

	(void)state;
	assert_string_equal(logged(LOG_LEVEL_INFO, true, "a\n<3>forged\r\x1b[2J\x7f\xc2\x85"),
			    "<6>said: a\\x0a<3>forged\\x0d\\x1b[2J\\x7f\\xc2\\x85\n");
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	line = logged(LOG_LEVEL_INFO, true, text);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_string_equal(line + strlen(line) - 8, "\\x0a...\n"); /* cut, and says so */
}

static void test_log_level(void **state)
{
	enum log_level level = LOG_LEVEL_ERROR;

	(void)state;
	assert_string_equal(logged(LOG_LEVEL_DEBUG, true, "x"), ""); /* info by default */
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	log_set_level(level);
	assert_string_equal(logged(LOG_LEVEL_DEBUG, true, "x"), "<7>said: x\n");
	log_set_level(LOG_LEVEL_ERROR);
	assert_string_equal(logged(LOG_LEVEL_WARNING, true, "x"), "");
	assert_string_equal(logged(LOG_LEVEL_ERROR, true, "x"), "<3>said: x\n");
	log_set_level(LOG_LEVEL_INFO);
	assert_int_equal(log_level_parse("Debug", &level), -EINVAL);
	assert_int_equal(log_level_parse("", &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
}

struct idle {
	struct loop *loop;
	struct loop_idle *idle;
	int calls, sleep_after, wake_at, stop_at;
	char *trace;
};

static bool on_idle(void *arg)
{
	struct idle *idle = arg;

	strcat(idle->trace, "i");
	if (++idle->calls == idle->wake_at)
		loop_idle_wake(idle->idle);
	if (idle->calls == idle->stop_at)
		loop_stop(idle->loop);
	return idle->calls < idle->sleep_after;
}

/* What is due comes first; a wake within the work is not lost; without one it rests. */
static void test_idle(void **state)
{
	char trace[64] = "";
	struct idle idle = {.sleep_after = 2, .wake_at = 3, .stop_at = 4, .trace = trace};
	struct probe probe = {.fd = -1, .tag = "f", .trace = trace};
	int fds[2];

	(void)state;
	assert_int_equal(open_pipe(fds), 0);
	assert_int_equal(loop_new(&idle.loop), 0);
	probe.loop = idle.loop;
	probe.fd = fds[0];
	assert_int_equal(write(fds[1], "abc", 3), 3);
	assert_int_equal(loop_add_idle(idle.loop, on_idle, &idle, &idle.idle), 0);
	assert_int_equal(loop_add_fd(idle.loop, fds[0], on_call, NULL, &probe), 0);
	probe.stop_after = 4;
	assert_int_equal(loop_add_timer(idle.loop, 30, on_call, &probe), 0);
	assert_int_equal(loop_run(idle.loop), 0);
	assert_string_equal(trace, "fffiif"); /* it rested until the timer */
	loop_free(idle.loop);
	close_pipe(fds);
}

static void test_idle_woken(void **state)
{
	char trace[64] = "";
	struct idle idle = {.wake_at = 1, .stop_at = 2, .trace = trace};

	(void)state;
	assert_int_equal(loop_new(&idle.loop), 0);
	assert_int_equal(loop_add_idle(idle.loop, on_idle, &idle, &idle.idle), 0);
	assert_int_equal(loop_run(idle.loop), 0); /* it would never end */
	assert_int_equal(idle.calls, 2);
	loop_free(idle.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fd),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_no_timeout),
		cmocka_unit_test(test_timeout_withdrawn),
		cmocka_unit_test(test_timer),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_failure_leaves_loop),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_idle_woken),
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_log_prefix),
		cmocka_unit_test(test_log_one_line),
		cmocka_unit_test(test_log_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
