// SPDX-License-Identifier: GPL-2.0-only
/*
 * visitor.c - a connection, from accept() to the daemon that answers it
 *
 * Visitors of port 80 and of port 443 reach the same port here. The first byte tells them apart: 0x16 begins
 * a TLS record of the handshake (RFC 8446, 5.1), and no method of HTTP.
 */
#include "userspace/notice/server_private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_AT_ONCE 64
#define PAUSE_MS	200
#define TLS_HANDSHAKE	0x16

void visitor_forget(struct server *server, struct visitor *visitor)
{
	if (!visitor->used)
		return;
	if (visitor->queued)
		TAILQ_REMOVE(&server->queue, visitor, of_queue);
	LIST_REMOVE(visitor, of_bucket);
	visitor->used = false;
	visitor->queued = false;
	server->count--;
}

static void visitor_close(struct server *server, struct visitor *visitor)
{
	visitor_forget(server, visitor);
	(void)close(visitor->fd); /* nothing was written */
}

/* --- accepting ------------------------------------------------------------------- */

static size_t bucket_of(const struct addr *addr)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < sizeof(addr->bytes); i++)
		hash = (hash ^ addr->bytes[i]) * 16777619U;
	return hash % BUCKETS;
}

static bool has_too_many(const struct server *server, size_t bucket, const struct addr *addr)
{
	const struct visitor *visitor;
	uint32_t count = 0;

	LIST_FOREACH(visitor, &server->buckets[bucket], of_bucket)
	count += addr_equal(&visitor->counted_as, addr);
	return count >= server->settings->connections_per_address;
}

static bool may_enter(struct server *server, const struct visitor *visitor)
{
	bool full = server->count >= server->settings->connections;

	if (full && say_may(&server->full, server_now_ms()))
		say("%u connections are open, the most that is allowed: more are closed at once "
		    "(connections)",
		    server->count);
	return !full && !has_too_many(server, visitor->bucket, &visitor->counted_as);
}

/* The fd is the visitor's then, or closed. */
static void enter(struct server *server, int fd, const struct sockaddr_storage *peer)
{
	struct visitor visitor = {.used = true, .queued = true, .fd = fd};
	struct sockaddr_storage reached;
	socklen_t size = sizeof(reached);
	struct visitor *place;

	if ((size_t)fd >= server->visitors_size || !endpoint_of(peer, &visitor.peer) ||
	    getsockname(fd, (struct sockaddr *)&reached, &size) < 0 ||
	    !endpoint_of(&reached, &visitor.reached))
		goto refused;
	visitor.counted_as = visitor.peer.addr;
	if (visitor.peer.addr.family == AG_FAMILY_IPV6)
		visitor.counted_as = prefix_of(&visitor.peer.addr, 64).addr;
	visitor.bucket = bucket_of(&visitor.counted_as);
	if (!may_enter(server, &visitor) || server_watch(server, fd, EPOLLIN, EPOLL_CTL_ADD) < 0)
		goto refused;
	visitor.deadline_ms = server_now_ms() + (int64_t)server->settings->timeout_s * 1000;
	place = &server->visitors[fd];
	*place = visitor;
	LIST_INSERT_HEAD(&server->buckets[place->bucket], place, of_bucket);
	TAILQ_INSERT_TAIL(&server->queue, place, of_queue);
	server->count++;
	return;
refused:
	(void)close(fd); /* nothing was written */
}

/* What the kernel lacks it may have in a moment: asking at once, and again, would only burn the processor. */
static void pause_accepting(struct server *server, int error)
{
	int64_t now = server_now_ms();

	if (say_may(&server->busy, now))
		say("cannot accept connections for the moment: %s", strerror(error));
	server->resume_ms = now + PAUSE_MS;
	for (size_t i = 0; i < server->listeners->count; i++)
		(void)server_watch(server, server->listeners->fds[i], 0, EPOLL_CTL_MOD); /* it is watched */
}

void visitors_accept(struct server *server, int listen_fd)
{
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		int fd = accept4(listen_fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			enter(server, fd, &peer);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			pause_accepting(server, errno);
			return;
		}
		/* Anything else was that connection's own error. */
	}
}

/* --- telling apart ----------------------------------------------------------------- */

static void give(struct server *server, struct visitor *visitor, struct MHD_Daemon *daemon)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	if (server_watch(server, visitor->fd, 0, EPOLL_CTL_DEL) < 0 ||
	    getpeername(visitor->fd, (struct sockaddr *)&peer, &size) < 0) {
		visitor_close(server, visitor);
		return;
	}
	visitor->given = true;
	/* It closes the descriptor if it does not take it. */
	if (MHD_add_connection(daemon, visitor->fd, (struct sockaddr *)&peer, size) != MHD_YES)
		visitor_forget(server, visitor);
}

void visitor_sort(struct server *server, struct visitor *visitor)
{
	unsigned char first = 0;
	ssize_t got = recv(visitor->fd, &first, 1, MSG_PEEK);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0 && first == TLS_HANDSHAKE && !server->tls &&
	    say_may(&server->no_certificate, server_now_ms()))
		say("a visitor wants HTTPS, and is cut off: there is no certificate (certificate, key)");
	if (got <= 0 || (first == TLS_HANDSHAKE && !server->tls))
		visitor_close(server, visitor);
	else
		give(server, visitor, first == TLS_HANDSHAKE ? server->tls : server->plain);
}

/* --- the deadline -------------------------------------------------------------------- */

void visitors_expire(struct server *server, int64_t now_ms)
{
	struct visitor *visitor;

	while ((visitor = TAILQ_FIRST(&server->queue)) && visitor->deadline_ms <= now_ms) {
		if (!visitor->given) {
			visitor_close(server, visitor);
			continue;
		}
		/* libmicrohttpd finds its end, and says so (visitor_forget()). */
		TAILQ_REMOVE(&server->queue, visitor, of_queue);
		visitor->queued = false;
		(void)shutdown(visitor->fd, SHUT_RDWR); /* the peer may be gone */
	}
}
