// SPDX-License-Identifier: GPL-2.0-only
/*
 * httpd_connection.c - the life of a connection: accepted, served or refused, closed, lingering, gone
 *
 * Every connection is in exactly one of the lists serving and lingering, and moves from the first to the
 * second when libmicrohttpd says that it closed it. The number of both is bounded.
 */
#include "userspace/io/httpd_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "userspace/core/backoff.h"
#include "userspace/core/buffer.h"
#include "userspace/core/cleanup.h"

/* How long a closed connection's peer may take to read the answer and close too. */
#define LINGER_MS     5000
#define LINGERING_MAX 64
/* Of one lingering connection at a time, so that a peer that never stops sending holds nobody else up. */
#define DRAIN_READS 64

uint64_t httpd_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void connection_free(struct connection *connection)
{
	if (connection->fd >= 0)
		(void)close(connection->fd); /* nothing was written behind the peer's back */
	free(connection);
}
DEFINE_CLEANUP(connection, struct connection *, connection_free)

/* The peer's uid: of the process that made the socket, which it cannot choose. */
static uid_t peer_uid(const struct httpd *httpd, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (!httpd->is_unix || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return (uid_t)-1;
	return peer.uid;
}

/* Who is at the other end, and as which source that counts. */
static void take_peer(const struct httpd *httpd, struct connection *connection)
{
	struct sockaddr_storage peer = {0};
	const struct sockaddr_in *in = (const struct sockaddr_in *)&peer;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&peer;
	socklen_t size = sizeof(peer);

	if (httpd->is_unix || getpeername(connection->fd, (struct sockaddr *)&peer, &size) < 0)
		return;
	if (peer.ss_family == AF_INET)
		connection->peer = addr_make(AG_FAMILY_IPV4, &in->sin_addr);
	else if (peer.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		connection->peer = addr_make(AG_FAMILY_IPV4, &in6->sin6_addr.s6_addr[12]);
	else if (peer.ss_family == AF_INET6)
		connection->peer = addr_make(AG_FAMILY_IPV6, &in6->sin6_addr);
	connection->source = source_of(&connection->peer);
}

/* Until there is a request, over TLS, the handshake's. */
static uint64_t first_deadline_ms(const struct httpd *httpd, uint64_t now)
{
	uint64_t wait = httpd->options.deadline_ms;

	return now + (httpd->is_tls && wait > HTTPD_HANDSHAKE_MS ? HTTPD_HANDSHAKE_MS : wait);
}

static struct connection *connection_new(struct httpd *httpd, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		(void)close(fd); /* nothing was written */
		return NULL;
	}
	connection->httpd = httpd;
	connection->fd = fd;
	connection->uid = peer_uid(httpd, fd);
	take_peer(httpd, connection);
	connection->since_ms = httpd_now_ms();
	connection->deadline_ms = first_deadline_ms(httpd, connection->since_ms);
	return connection;
}

/* --- lingering --------------------------------------------------------------- */

static void forget_lingering(struct connection *connection)
{
	struct httpd *httpd = connection->httpd;

	TAILQ_REMOVE(&httpd->lingering, connection, link);
	httpd->lingering_count--;
	/* libmicrohttpd may hold its descriptor a moment longer, so that closing ours would not end the
	 * registration. */
	(void)epoll_ctl(httpd->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
	connection_free(connection);
}

void httpd_drain(struct connection *connection)
{
	char scratch[16384];

	for (int i = 0; i < DRAIN_READS; i++) {
		ssize_t count = recv(connection->fd, scratch, sizeof(scratch), MSG_DONTWAIT);

		if (count > 0 || (count < 0 && errno == EINTR))
			continue;
		if (count == 0 || errno != EAGAIN)
			forget_lingering(connection);
		return;
	}
}

/* Takes a connection over that is in no list, for the peer to read what it was answered. */
static void linger(struct connection *connection)
{
	struct httpd *httpd = connection->httpd;
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = connection};

	(void)shutdown(connection->fd, SHUT_WR); /* fails where the peer is gone, which the drain finds out */
	if (httpd->lingering_count == LINGERING_MAX)
		forget_lingering(TAILQ_FIRST(&httpd->lingering));
	TAILQ_INSERT_TAIL(&httpd->lingering, connection, link);
	httpd->lingering_count++;
	connection->deadline_ms = httpd_now_ms() + LINGER_MS;
	if (epoll_ctl(httpd->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0)
		forget_lingering(connection);
	else
		httpd_drain(connection);
}

void httpd_free_lingering(struct httpd *httpd)
{
	while (!TAILQ_EMPTY(&httpd->lingering))
		forget_lingering(TAILQ_FIRST(&httpd->lingering));
}

/* --- refusing ---------------------------------------------------------------- */

void httpd_refuse(struct connection *connection, unsigned int status, const char *why)
{
	const struct httpd_options *options = &connection->httpd->options;
	struct httpd_response response = {.status = status};
	CLEANUP(buffer_clear) struct buffer text = {0};

	options->refusal(status, why, &response, options->arg);
	(void)buffer_print(&text, "HTTP/1.1 %u %s\r\n", response.status,
			   MHD_get_reason_phrase_for(response.status));
	if (response.content_type)
		(void)buffer_print(&text, "Content-Type: %s\r\n", response.content_type);
	(void)buffer_print(&text, "Content-Length: %zu\r\nConnection: close\r\n\r\n", response.body_length);
	/* Nothing was answered yet on this request, so that a small text fits the socket's buffer whole. */
	if (!buffer_append(&text, response.body, response.body_length))
		(void)send(connection->fd, text.data, text.length, MSG_NOSIGNAL | MSG_DONTWAIT);
	free(response.body);
}

/* --- serving ----------------------------------------------------------------- */

void httpd_notify_connection(void *arg, struct MHD_Connection *mhd, void **socket_context,
			     enum MHD_ConnectionNotificationCode code)
{
	struct httpd *httpd = arg;
	struct connection *connection;

	(void)mhd; /* the context says which */
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = httpd->adding;
		TAILQ_INSERT_TAIL(&httpd->serving, httpd->adding, link);
		httpd->adding = NULL;
		httpd->serving_count++;
		return;
	}
	connection = *socket_context;
	TAILQ_REMOVE(&httpd->serving, connection, link);
	httpd->serving_count--;
	linger(connection);
}

static bool uid_is_full(const struct httpd *httpd, uid_t uid)
{
	const struct connection *connection;
	unsigned int count = 0;

	if (!httpd->is_unix || httpd->options.connections_per_uid == 0)
		return false;
	TAILQ_FOREACH(connection, &httpd->serving, link)
	count += connection->uid == uid;
	return count >= httpd->options.connections_per_uid;
}

static bool address_is_full(const struct httpd *httpd, const struct addr *source)
{
	const struct connection *connection;
	unsigned int count = 0;

	if (httpd->is_unix || httpd->options.connections_per_address == 0)
		return false;
	TAILQ_FOREACH(connection, &httpd->serving, link)
	count += addr_equal(&connection->source, source);
	return count >= httpd->options.connections_per_address;
}

/* 0 where the connection may be served. */
static unsigned int over_limit(const struct httpd *httpd, const struct connection *connection,
			       const char **ret_why)
{
	if (httpd->serving_count >= httpd->options.connections) {
		*ret_why = "too many connections are open: try again in a moment";
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	}
	if (address_is_full(httpd, &connection->source)) {
		*ret_why = "this address has too many connections open: close some, or raise the limit of "
			   "connections per address";
		return MHD_HTTP_TOO_MANY_REQUESTS;
	}
	if (uid_is_full(httpd, connection->uid)) {
		*ret_why = "this user has too many connections open: close some, or raise the limit of "
			   "connections per uid";
		return MHD_HTTP_TOO_MANY_REQUESTS;
	}
	return 0;
}

/* Hands a second descriptor to libmicrohttpd; false: it did not take the connection, which is still the
 * caller's. */
static bool serve(struct httpd *httpd, struct connection *connection)
{
	struct sockaddr_storage peer = {0};
	socklen_t size = sizeof(peer);
	int fd = fcntl(connection->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return false;
	if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0) {
		(void)close(fd); /* the peer is gone */
		return false;
	}
	httpd->adding = connection;
	(void)MHD_add_connection(httpd->daemon, fd, (struct sockaddr *)&peer,
				 size); /* closes fd on failure */
	if (!httpd->adding)
		return true; /* it may have failed since, and then the connection lingers */
	httpd->adding = NULL;
	return false;
}

void httpd_add(struct httpd *httpd, int fd)
{
	CLEANUP(cleanup_connection) struct connection *connection = connection_new(httpd, fd);
	const char *why = "memory or descriptors are short: try again in a moment";
	unsigned int status;

	if (!connection)
		return;
	status = over_limit(httpd, connection, &why);
	if (!status) {
		if (serve(httpd, connection)) {
			(void)TAKE_PTR(connection); /* in a list now */
			return;
		}
		status = MHD_HTTP_SERVICE_UNAVAILABLE;
	}
	if (httpd->is_tls)
		return; /* it is closed: nothing can be said before the handshake */
	httpd_refuse(connection, status, why);
	linger(TAKE_PTR(connection));
}

/* --- deadlines --------------------------------------------------------------- */

void httpd_expire(struct httpd *httpd, uint64_t now_ms)
{
	struct connection *connection, *next;

	TAILQ_FOREACH(connection, &httpd->serving, link)
	{
		if (connection->cut || connection->deadline_ms > now_ms)
			continue;
		/* Wakes libmicrohttpd, which finds the connection ended and closes it. */
		(void)shutdown(connection->fd, SHUT_RDWR);
		connection->cut = true;
	}
	for (connection = TAILQ_FIRST(&httpd->lingering); connection; connection = next) {
		next = TAILQ_NEXT(connection, link);
		if (connection->deadline_ms <= now_ms)
			forget_lingering(connection);
	}
}

uint64_t httpd_nearest_deadline(const struct httpd *httpd)
{
	const struct connection *connection;
	uint64_t nearest = UINT64_MAX;

	TAILQ_FOREACH(connection, &httpd->serving, link)
	{
		if (!connection->cut && connection->deadline_ms < nearest)
			nearest = connection->deadline_ms;
	}
	connection = TAILQ_FIRST(&httpd->lingering);
	if (connection && connection->deadline_ms < nearest)
		nearest = connection->deadline_ms;
	return nearest;
}
