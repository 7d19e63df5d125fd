/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * httpd_private.h - what httpd*.c share
 *
 * A connection has two descriptors of one socket: libmicrohttpd owns and closes the one, httpd the other. So
 * httpd can answer on a connection that libmicrohttpd never parses, cut it at its deadline, and read on after
 * libmicrohttpd has closed it ("lingering"): a socket that is closed with unread data resets the peer, who
 * would lose the answer.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

#include "userspace/io/httpd.h"

struct connection {
	TAILQ_ENTRY(connection) link;
	struct httpd *httpd;
	int fd;
	uid_t uid;
	struct addr peer;   /* over TCP */
	struct addr source; /* as which it is counted: the peer, or its /64 */
	uint64_t since_ms;  /* monotonic, as the next */
	uint64_t deadline_ms;
	bool asked;		     /* a request line has come */
	bool cut;		     /* shut down; libmicrohttpd is about to notice */
	struct httpd_stream *stream; /* that is its answer now; NULL: none */
};

TAILQ_HEAD(connections, connection);
LIST_HEAD(requests, request);
LIST_HEAD(streams, httpd_stream);

/* The socket file, to be removed with the listening socket. */
struct socket_file {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": none */
	dev_t device;
	ino_t inode;
};

/* Certificates that were replaced, and still have connections. */
#define RETIRED_MAX 4

struct httpd {
	struct httpd_options options;
	struct MHD_Daemon *daemon;
	struct MHD_Daemon *retired[RETIRED_MAX]; /* over TLS: they get no new connections */
	size_t retired_count;
	int epoll_fd; /* holds the listening sockets, the daemons' own epoll instances, the lingering
			 connections and those that have a stream */
	int listen_fds[HTTPD_LISTENERS_MAX];
	size_t listen_count;
	bool is_unix;
	bool is_tls;
	struct socket_file file;
	struct connections serving; /* libmicrohttpd has them */
	unsigned int serving_count;
	struct connections lingering; /* oldest first */
	unsigned int lingering_count;
	struct connection *adding; /* while MHD_add_connection() runs */
	uint64_t accept_again_ms;  /* no descriptors were left: the listening sockets are out of the epoll
				      instance until then; 0: they are in */
	size_t bodies;		   /* bytes of request bodies held, of all connections */
	struct requests deferred;  /* suspended, with a ticket that is not answered yet */
	struct streams streams;
	bool resumed; /* which libmicrohttpd does not say: neither its epoll instance is readable,
			 nor its timeout 0 (0.9.75, without a listening socket of its own) */
	bool closing; /* no handler is called any more */
};

/* httpd.c */
int httpd_watch(const struct httpd *httpd, int fd);
/* tls: NULL without. NULL: errno, or 0 where libmicrohttpd does not say. */
struct MHD_Daemon *httpd_start_daemon(struct httpd *httpd, const struct httpd_tls *tls);
int httpd_watch_daemon(const struct httpd *httpd, struct MHD_Daemon *daemon);

/* httpd_tls.c: ends those that have no connection any more. */
void httpd_end_retired(struct httpd *httpd);

/* httpd_answer.c: takes over the body; `closes` has the connection closed behind it. */
enum MHD_Result httpd_send(struct MHD_Connection *mhd, struct httpd_response *response, bool closes);

/* httpd_listen.c: a listening, non-blocking socket; *ret_fd is the caller's. */
int httpd_listen_unix(const char *path, const char *group, struct socket_file *ret, int *ret_fd,
		      struct ag_error *error);
/* early: the address need not be configured yet. */
int httpd_listen_tcp(const char *address, bool early, int *ret_fd, struct ag_error *error);
void httpd_remove_file(const struct socket_file *file);

/* httpd_connection.c */
uint64_t httpd_now_ms(void);
/* Takes the socket over in any case: serves or refuses it. */
void httpd_add(struct httpd *httpd, int fd);
/* Writes a whole response past libmicrohttpd, which must then close the connection (MHD_NO). */
void httpd_refuse(struct connection *connection, unsigned int status, const char *why);
/* Reads and discards what a lingering connection's peer sends; frees it when the peer is done. */
void httpd_drain(struct connection *connection);
/* Ends what was over its deadline at that time. */
void httpd_expire(struct httpd *httpd, uint64_t now_ms);
/* The nearest deadline; UINT64_MAX: none. */
uint64_t httpd_nearest_deadline(const struct httpd *httpd);
void httpd_free_lingering(struct httpd *httpd);
void httpd_notify_connection(void *httpd, struct MHD_Connection *mhd, void **socket_context,
			     enum MHD_ConnectionNotificationCode code);

/* httpd_request.c: libmicrohttpd's callbacks. */
void *httpd_request_begin(void *httpd, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result httpd_request_continue(void *httpd, struct MHD_Connection *mhd, const char *url,
				       const char *method, const char *version, const char *data,
				       size_t *data_length, void **request);
void httpd_request_end(void *httpd, struct MHD_Connection *mhd, void **request,
		       enum MHD_RequestTerminationCode code);
/* NULL: httpd was closed before the request was answered. */
struct connection *httpd_request_connection(const struct httpd_request *view);
/* Leaves what was not answered to its tickets, so that libmicrohttpd may be stopped. */
void httpd_abandon_deferred(struct httpd *httpd);
size_t httpd_unescape_nothing(void *arg, struct MHD_Connection *mhd, char *text);

/* httpd_stream.c */
struct httpd_stream *httpd_stream_new(struct connection *connection, struct MHD_Connection *mhd,
				      const struct httpd_request *view,
				      const struct httpd_stream_options *options);
/* With its request: tells its owner. */
void httpd_stream_free(struct httpd_stream *stream);
enum MHD_Result httpd_stream_send(struct httpd_stream *stream, const struct httpd_response *response);
/* The client has closed its end. */
void httpd_stream_hang_up(struct httpd_stream *stream);
/* All of them, so that libmicrohttpd may be stopped. */
void httpd_end_streams(struct httpd *httpd);
