// SPDX-License-Identifier: GPL-2.0-only
/*
 * originclient.c - see originclient.h
 *
 * Answers come in the order of the questions; one that comes after its deadline is known by its cookie, and
 * dropped. What is no answer ends the connection, and with it every question that is open.
 */
#include "userspace/io/originclient.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "userspace/core/cleanup.h"

struct question {
	TAILQ_ENTRY(question) link;
	uint64_t cookie;
	uint64_t deadline_ms; /* monotonic */
	originclient_callback callback;
	void *arg;
};

TAILQ_HEAD(questions, question);

struct originclient {
	struct sockaddr_un address; /* an empty path: there is no helper */
	int epoll_fd;
	int fd; /* -1: not connected */
	uint64_t cookie;
	struct questions open; /* oldest first */
	unsigned int count;
};

DEFINE_CLEANUP(client, struct originclient *, originclient_free)

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- the connection ---------------------------------------------------------- */

static int client_connect(struct originclient *client)
{
	const struct sockaddr *address = (const struct sockaddr *)&client->address;
	struct epoll_event event = {.events = EPOLLIN};
	AUTO_FD int fd = -1;

	if (client->fd >= 0)
		return 0;
	if (!client->address.sun_path[0])
		return -ENOENT;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, address, sizeof(client->address)) < 0 ||
	    epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	client->fd = TAKE_FD(fd);
	return 0;
}

static void answer(struct originclient *client, struct question *question, const struct origin *origin)
{
	TAILQ_REMOVE(&client->open, question, link);
	client->count--;
	question->callback(origin, question->arg);
	free(question);
}

/* Those that are open now: a callback may ask anew, over a new connection. */
static void disconnect(struct originclient *client, enum origin_reason reason)
{
	const struct origin origin = {.reason = reason};
	uint64_t last = client->cookie;
	struct question *question;

	(void)close(client->fd); /* leaves the epoll instance too */
	client->fd = -1;
	while ((question = TAILQ_FIRST(&client->open)) && question->cookie <= last)
		answer(client, question, &origin);
}

int originclient_new(const char *path, struct originclient **ret)
{
	CLEANUP(cleanup_client) struct originclient *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	TAILQ_INIT(&client->open);
	client->fd = -1;
	client->address.sun_family = AF_UNIX;
	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (client->epoll_fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(client->address.sun_path))
		return -ENAMETOOLONG;
	if (strcmp(path, "off") != 0)
		memcpy(client->address.sun_path, path, strlen(path) + 1);
	(void)client_connect(client); /* the next question tries again, and says so */
	*ret = TAKE_PTR(client);
	return 0;
}

void originclient_free(struct originclient *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		disconnect(client, ORIGIN_NO_HELPER);
	if (client->epoll_fd >= 0)
		(void)close(client->epoll_fd); /* nothing is written to it */
	free(client);
}

int originclient_fd(const struct originclient *client)
{
	return client->epoll_fd;
}

/* --- questions ----------------------------------------------------------------- */

static int send_question(const struct originclient *client, uint64_t cookie, int pidfd, int connection)
{
	struct origin_request request = {
		.version = ORIGIN_VERSION,
		.flags = connection >= 0 ? ORIGIN_CHECK_PEER : 0,
		.cookie = cookie,
	};
	const int fds[2] = {pidfd, connection};
	const size_t size = connection >= 0 ? sizeof(fds) : sizeof(fds[0]);
	union {
		char bytes[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr header;
	} control = {{0}};
	struct iovec part = {.iov_base = &request, .iov_len = sizeof(request)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = CMSG_SPACE(size)};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(&control.header), fds, size);
	return sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A helper that was started anew since is found at the second try. */
static int ask_twice(struct originclient *client, uint64_t cookie, int pidfd, int connection)
{
	int err = -ENOTCONN;

	for (int i = 0; i < 2 && err && err != -EAGAIN; i++) {
		err = client_connect(client);
		if (err)
			return err;
		err = send_question(client, cookie, pidfd, connection);
		if (err && err != -EAGAIN)
			disconnect(client, ORIGIN_NO_HELPER);
	}
	return err;
}

enum origin_reason originclient_ask(struct originclient *client, int pidfd, int connection,
				    originclient_callback callback, void *arg)
{
	struct question *question;
	int err;

	if (client->count == ORIGINCLIENT_PENDING_MAX)
		return ORIGIN_LATE;
	question = calloc(1, sizeof(*question));
	if (!question)
		return ORIGIN_FAILED;
	question->cookie = ++client->cookie;
	question->deadline_ms = now_ms() + ORIGINCLIENT_DEADLINE_MS;
	question->callback = callback;
	question->arg = arg;
	err = ask_twice(client, question->cookie, pidfd, connection);
	if (err) {
		free(question);
		return err == -EAGAIN ? ORIGIN_LATE : ORIGIN_NO_HELPER;
	}
	TAILQ_INSERT_TAIL(&client->open, question, link);
	client->count++;
	return ORIGIN_NONE;
}

void originclient_cancel(struct originclient *client, const void *arg)
{
	struct question *question;

	TAILQ_FOREACH(question, &client->open, link)
	if (question->arg == arg)
		break;
	if (!question)
		return;
	TAILQ_REMOVE(&client->open, question, link);
	client->count--;
	free(question);
}

/* --- answers ------------------------------------------------------------------- */

static struct question *find_question(const struct originclient *client, uint64_t cookie)
{
	struct question *question;

	TAILQ_FOREACH(question, &client->open, link)
	if (question->cookie == cookie)
		return question;
	return NULL;
}

static void take_answer(struct originclient *client, const struct origin_answer *packet)
{
	struct question *question = find_question(client, packet->cookie);
	struct origin origin;

	if (!question && packet->version == ORIGIN_VERSION && packet->cookie <= client->cookie)
		return; /* too late */
	if (!question || origin_decode(packet, question->cookie, &origin))
		disconnect(client, ORIGIN_BAD_ANSWER);
	else
		answer(client, question, &origin);
}

static void expire(struct originclient *client)
{
	const struct origin late = {.reason = ORIGIN_LATE};
	uint64_t now = now_ms();
	struct question *question;

	while ((question = TAILQ_FIRST(&client->open)) && question->deadline_ms <= now)
		answer(client, question, &late);
}

void originclient_run(struct originclient *client)
{
	for (unsigned int i = 0; i < ORIGINCLIENT_PENDING_MAX && client->fd >= 0; i++) {
		struct origin_answer packet;
		ssize_t length = recv(client->fd, &packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);

		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (length == sizeof(packet))
			take_answer(client, &packet);
		else
			disconnect(client, length > 0 ? ORIGIN_BAD_ANSWER : ORIGIN_NO_HELPER);
	}
	expire(client);
}

int originclient_timeout_ms(const struct originclient *client)
{
	const struct question *first = TAILQ_FIRST(&client->open);
	uint64_t now = now_ms();

	if (!first)
		return -1;
	return first->deadline_ms > now ? (int)(first->deadline_ms - now) : 0;
}
