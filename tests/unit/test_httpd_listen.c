// SPDX-License-Identifier: GPL-2.0-only
/* test_httpd_listen.c - socket files: made with the right mode from the start, replaced when stale, never
 * when not ours */
#include "tests/unit/httpd_fixture.h"

#include <grp.h>

#include "userspace/core/cleanup.h"

#define GET "GET /g HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct httpd *other; /* a second one, which no thread runs */
static char directory[64];
static char path[256];

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/test_httpd_listen.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/control.sock", directory);
	return 0;
}

static int teardown_all(void **state)
{
	httpd_close(other);
	other = NULL;
	(void)teardown(state);
	(void)unlink(path); /* what a test left there */
	return rmdir(directory);
}

static int open_at(const char *at, const char *group, struct ag_error *error)
{
	struct httpd_options options = server_options();

	memset(error, 0, sizeof(*error));
	return httpd_open_unix(at, group, &options, &other, error);
}

static mode_t mode_of(const char *file)
{
	struct stat status;

	assert_int_equal(lstat(file, &status), 0);
	return status.st_mode;
}

static mode_t current_umask(void)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	return mask;
}

static void test_mode_and_group(void **state)
{
	const struct group *group = getgrgid(getegid());
	struct ag_error error;
	struct stat status;

	(void)state;
	(void)umask(0);
	assert_non_null(group);
	assert_int_equal(open_at(path, NULL, &error), 0);
	assert_int_equal(mode_of(path), S_IFSOCK | 0660);
	assert_int_equal(current_umask(), 0); /* as it was */
	assert_int_equal(httpd_port(other), 0);
	httpd_close(other);
	other = NULL;
	assert_int_equal(access(path, F_OK), -1);

	(void)umask(077);
	if (geteuid() == 0)
		group = getgrnam("daemon");
	assert_non_null(group);
	assert_int_equal(open_at(path, group->gr_name, &error), 0);
	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0660);
	assert_int_equal(status.st_gid, group->gr_gid);
	assert_int_equal(status.st_uid, geteuid());
	assert_int_equal(current_umask(), 077);
	(void)umask(022);
}

static void test_unknown_group(void **state)
{
	struct ag_error error;

	(void)state;
	assert_true(open_at(path, "no-such-group", &error) < 0);
	assert_int_equal(error.code, ERROR_NOT_FOUND); /* and nothing else is: a caller tells by it */
	assert_non_null(strstr(error.message, "no-such-group"));
	assert_non_null(strstr(error.message, "groupadd"));
	assert_int_equal(access(path, F_OK), -1);
	assert_null(other);
}

static void test_directory(void **state)
{
	char made[128], deeper[256];
	struct ag_error error;

	(void)state;
	(void)snprintf(made, sizeof(made), "%s/run", directory);
	(void)snprintf(deeper, sizeof(deeper), "%s/control.sock", made);
	(void)umask(077);
	assert_int_equal(open_at(deeper, NULL, &error), 0);
	(void)umask(022);
	assert_int_equal(mode_of(made), S_IFDIR | 0755);
	httpd_close(other);
	other = NULL;
	assert_int_equal(rmdir(made), 0);
	(void)snprintf(deeper, sizeof(deeper), "%s/a/b/control.sock", directory); /* one level, no more */
	assert_true(open_at(deeper, NULL, &error) < 0);
	assert_int_equal(error.code, ERROR_KERNEL);
}

static void test_path_length(void **state)
{
	char text[120];
	struct ag_error error;

	(void)state;
	(void)snprintf(text, sizeof(text), "%s/%0*d", directory, (int)(106 - strlen(directory)), 0);
	assert_int_equal(strlen(text), 107);
	assert_int_equal(open_at(text, NULL, &error), 0);
	assert_int_equal(mode_of(text), S_IFSOCK | 0660);
	httpd_close(other);
	other = NULL;
	assert_int_equal(access(text, F_OK), -1);
	(void)snprintf(text, sizeof(text), "%s/%0*d", directory, (int)(107 - strlen(directory)), 0);
	assert_true(open_at(text, NULL, &error) < 0);
	assert_int_equal(error.code, ERROR_BAD_REQUEST);
	assert_true(open_at("", NULL, &error) < 0);
	assert_int_equal(error.code, ERROR_BAD_REQUEST);
}

/* A socket file whose daemon was killed. */
static void leave_stale_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(close(fd), 0);
}

static void test_stale_is_replaced(void **state)
{
	struct httpd_options options = server_options();
	CLEANUP(buffer_clear) struct buffer answer = {0};

	(void)state;
	leave_stale_socket();
	server_name();
	assert_int_equal(httpd_open_unix(path, NULL, &options, &server.httpd, NULL), 0);
	strcpy(server.path, path);
	server_run();
	assert_int_equal(exchange(GET, strlen(GET), &answer), 200);
	assert_int_equal(mode_of(path), S_IFSOCK | 0660);
}

static void test_live_is_left(void **state)
{
	struct httpd_options options = server_options();
	CLEANUP(buffer_clear) struct buffer answer = {0};
	struct ag_error error;

	(void)state;
	server_start(&options);
	assert_true(open_at(server.path, NULL, &error) < 0);
	assert_int_equal(error.code, ERROR_EXISTS);
	assert_non_null(strstr(error.message, "another allowgated is running"));
	assert_null(other);
	assert_int_equal(exchange(GET, strlen(GET), &answer), 200); /* it serves on */
}

/* One that listens and does not come round to accepting is as alive. */
static void test_busy_is_left(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), clients[2];
	struct ag_error error;

	(void)state;
	memcpy(address.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (size_t i = 0; i < COUNT(clients); i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(clients[i], (struct sockaddr *)&address,
			      sizeof(address)); /* the last one finds no room */
	}
	assert_int_equal(errno, EAGAIN);
	assert_true(open_at(path, NULL, &error) < 0);
	assert_int_equal(error.code, ERROR_EXISTS);
	for (size_t i = 0; i < COUNT(clients); i++)
		assert_int_equal(close(clients[i]), 0);
	assert_int_equal(close(fd), 0);
}

static void test_other_files_are_left(void **state)
{
	char target[128];
	struct ag_error error;
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	assert_true(open_at(path, NULL, &error) < 0);
	assert_int_equal(error.code, ERROR_BAD_REQUEST);
	assert_int_equal(mode_of(path) & S_IFMT, S_IFREG);
	assert_int_equal(unlink(path), 0);

	/* a link to a stale socket is not followed, nor removed */
	(void)snprintf(target, sizeof(target), "%s/target", directory);
	leave_stale_socket();
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_true(open_at(path, NULL, &error) < 0);
	assert_int_equal(error.code, ERROR_BAD_REQUEST);
	assert_int_equal(mode_of(path) & S_IFMT, S_IFLNK);
	assert_int_equal(mode_of(target) & S_IFMT, S_IFSOCK);
	assert_int_equal(unlink(target), 0);
}

/* A file that somebody put in the place of ours is not ours to remove. */
static void test_close_removes_own_alone(void **state)
{
	char aside[128];
	struct ag_error error;

	(void)state;
	(void)snprintf(aside, sizeof(aside), "%s/aside", directory);
	assert_int_equal(open_at(path, NULL, &error), 0);
	assert_int_equal(rename(path, aside), 0);
	leave_stale_socket();
	httpd_close(other);
	other = NULL;
	assert_int_equal(mode_of(path) & S_IFMT, S_IFSOCK);
	assert_int_equal(unlink(aside), 0);
}

/* --- TCP --------------------------------------------------------------------------- */

static int connect_port(const char *address, uint16_t port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
	bool v6 = address[0] == '[';
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
				 v6 ? sizeof(in6) : sizeof(in)),
			 0);
	return fd;
}

static void test_tcp(void **state)
{
	static const char *const ADDRESSES[] = {"127.0.0.1:0", "[::1]:0"};

	(void)state;
	for (size_t i = 0; i < COUNT(ADDRESSES); i++) {
		struct httpd_options options = server_options();
		CLEANUP(buffer_clear) struct buffer answer = {0};
		struct ag_error error = {0};
		char text[64];
		uint16_t port;
		int fd;

		memset(&server, 0, sizeof(server));
		options.connections_per_uid = 1; /* has no meaning here: there are no uids */
		if (httpd_open_tcp(ADDRESSES[i], &options, &server.httpd, &error))
			fail_msg("%s", error.message);
		server_run();
		port = httpd_port(server.httpd);
		assert_int_not_equal(port, 0);
		fd = connect_port(ADDRESSES[i], port);
		assert_int_equal(ask(fd, GET, &answer), 200);
		assert_non_null(strstr(answer.data, " uid=-1 "));
		assert_int_equal(close(fd), 0);
		(void)snprintf(text, sizeof(text), i ? "[::1]:%u" : "127.0.0.1:%u", port);
		assert_true(httpd_open_tcp(text, &options, &other, &error) < 0);
		assert_int_equal(error.code, ERROR_KERNEL);
		assert_non_null(strstr(error.message, text));
		server_stop();
		assert_int_equal(httpd_open_tcp(text, &options, &other, &error),
				 0); /* at once, after a restart */
		httpd_close(other);
		other = NULL;
	}
}

static void test_tcp_connections(void **state)
{
	struct httpd_options options = server_options();
	CLEANUP(buffer_clear) struct buffer answer = {0};
	int first, second, third;

	(void)state;
	memset(&server, 0, sizeof(server));
	options.connections = 2;
	options.connections_per_uid = 1;
	assert_int_equal(httpd_open_tcp("127.0.0.1:0", &options, &server.httpd, NULL), 0);
	server_run();
	first = connect_port("", httpd_port(server.httpd));
	second = connect_port("", httpd_port(server.httpd));
	assert_int_equal(ask(first, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", &answer), 200);
	assert_int_equal(ask(second, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", &answer), 200);
	third = connect_port("", httpd_port(server.httpd));
	assert_int_equal(ask(third, GET, &answer), 503);
	assert_int_equal(receive_all(third, &answer), 0);
	assert_int_equal(close(first), 0);
	assert_int_equal(close(second), 0);
	assert_int_equal(close(third), 0);
}

static void test_tcp_bad_addresses(void **state)
{
	static const char *const BAD[] = {"",
					  "off",
					  "127.0.0.1",
					  "127.0.0.1:",
					  "127.0.0.1:65536",
					  ":9812",
					  "9812",
					  "::1:9812",
					  "[::1]",
					  "[::1]9812",
					  "[::1]:",
					  "[::1:9812",
					  "[127.0.0.1]:1",
					  "localhost:1",
					  "127.0.0.1:1x",
					  "127.0.0.1:-1",
					  "[fe80::1%lo]:1",
					  "127.1:1"};

	(void)state;
	for (size_t i = 0; i < COUNT(BAD); i++) {
		struct httpd_options options = server_options();
		struct ag_error error = {0};

		assert_true(httpd_open_tcp(BAD[i], &options, &other, &error) < 0);
		assert_int_equal(error.code, ERROR_BAD_REQUEST);
		assert_null(other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mode_and_group, setup, teardown_all),
		cmocka_unit_test_setup_teardown(test_unknown_group, setup, teardown_all),
		cmocka_unit_test_setup_teardown(test_directory, setup, teardown_all),
		cmocka_unit_test_setup_teardown(test_path_length, setup, teardown_all),
		cmocka_unit_test_setup_teardown(test_stale_is_replaced, setup, teardown_all),
		cmocka_unit_test_setup_teardown(test_live_is_left, setup, teardown_all),
		cmocka_unit_test_setup_teardown(test_busy_is_left, setup, teardown_all),
		cmocka_unit_test_setup_teardown(test_other_files_are_left, setup, teardown_all),
		cmocka_unit_test_setup_teardown(test_close_removes_own_alone, setup, teardown_all),
		cmocka_unit_test_setup_teardown(test_tcp, setup, teardown_all),
		cmocka_unit_test_setup_teardown(test_tcp_connections, setup, teardown_all),
		cmocka_unit_test_setup_teardown(test_tcp_bad_addresses, setup, teardown_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
