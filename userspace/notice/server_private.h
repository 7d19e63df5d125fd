/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server_private.h - what the parts of the server share
 *
 * A visitor is in the table by its descriptor, in one bucket by its address, and, until it is cut, in the
 * queue of deadlines, which is in the order of time because every visitor gets the same.
 */
#pragma once

#include <microhttpd.h>
#include <sys/queue.h>

#include "userspace/notice/say.h"
#include "userspace/notice/server.h"

#define BUCKETS 1024

struct visitor {
	bool used;
	bool queued; /* for its deadline */
	bool given;  /* to libmicrohttpd, which owns the descriptor then */
	int fd;
	struct endpoint peer;
	struct addr counted_as; /* an IPv4 address, or a /64 */
	struct endpoint reached;
	int64_t deadline_ms;
	size_t bucket;
	uint64_t body_bytes;
	bool asked; /* a request's header was read */
	LIST_ENTRY(visitor) of_bucket;
	TAILQ_ENTRY(visitor) of_queue;
};

LIST_HEAD(bucket, visitor);
TAILQ_HEAD(queue, visitor);

struct server {
	const struct settings *settings;
	const struct listeners *listeners;
	int epoll_fd;
	int signal_fd;
	struct MHD_Daemon *plain;
	struct MHD_Daemon *tls;	  /* NULL without a certificate */
	struct visitor *visitors; /* by descriptor */
	size_t visitors_size;
	uint32_t count;
	struct bucket buckets[BUCKETS];
	struct queue queue;
	int64_t resume_ms; /* accepting goes on; 0: it does */
	struct say_limit full, busy, no_certificate;
};

int64_t server_now_ms(void);
int server_watch(struct server *server, int fd, uint32_t events, int operation);

/* visitor.c: accepts what waits; gives what can be told apart to its daemon; cuts whose time is up. */
void visitors_accept(struct server *server, int listen_fd);
void visitor_sort(struct server *server, struct visitor *visitor);
void visitors_expire(struct server *server, int64_t now_ms);
void visitor_forget(struct server *server, struct visitor *visitor);

/* answer.c: libmicrohttpd, with or without TLS. */
struct MHD_Daemon *answer_start(struct server *server, const char *certificate, const char *key);
