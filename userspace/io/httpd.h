/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * httpd.h - HTTP/1.1 over a Unix socket, TCP or TLS, driven by the caller's event loop
 *
 * The only module that sees microhttpd.h. It moves bytes: who may do what, and what a path means, is its
 * caller's. It accepts by itself, so that it knows the peer (SO_PEERCRED) before a byte is read, holds a
 * limit of connections in all (at most 120: libmicrohttpd's epoll mode stalls from 128 on) and per uid, and
 * gives every request an absolute deadline, counted from the connection's start or the end of the request
 * before; a connection that is over it is cut.
 *
 * What it refuses by itself, through the refusal callback: 503 and 429 for too many connections, in all and
 * of one uid; 413 for a body over the limit; 503 for a body over 64 KiB while all that are held are twice
 * as long as the limit, or where memory lacks for one; 400 for a target that is no
 * path, has control characters, malformed percent escapes or %00, and for framing that can be read in two
 * ways (Content-Length twice, beside Transfer-Encoding; a transfer coding other than chunked). libmicrohttpd
 * refuses by itself, in plain text or HTML, what it cannot parse (400), no Host (400), and a request line
 * (414) or header fields (431) over about 32 KiB. After a refusal the connection is closed, but read on for a
 * while, so that a client that is still sending gets to read the answer. A NUL byte in a header ends its
 * value.
 *
 * Over TLS nothing can be answered past libmicrohttpd. A connection that is one too many is closed without an
 * answer; what is refused at the head is answered in its turn and then closed; what is refused within a body
 * is answered once that body, which nobody keeps, has ended, or is cut at the deadline. The handshake and the
 * first request line have a deadline of their own, of HTTPD_HANDSHAKE_MS at the most.
 *
 * Source: RFC 9112; libmicrohttpd 0.9.75 (MHD_add_connection, MHD_OPTION_STRICT_FOR_CLIENT,
 * MHD_OPTION_HTTPS_MEM_CERT).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/core/addr.h"

struct ag_error;
struct httpd;

#define HTTPD_CONNECTIONS_MAX 120
#define HTTPD_LISTENERS_MAX   8
#define HTTPD_HANDSHAKE_MS    10000

struct httpd_request {
	const char *method;
	const char *path; /* as sent, without the query, well-formed: see uri_path_segments() */
	const char *body; /* NUL-terminated behind body_length bytes; "" where there is none */
	size_t body_length;
	uid_t peer_uid;	  /* (uid_t)-1 on TCP */
	struct addr peer; /* on TCP; AG_FAMILY_NONE on a Unix socket */
	void *handle;	  /* httpd's own */
};

/* The handler fills this; body is heap memory that httpd takes over. */
struct httpd_response {
	unsigned int status;
	const char *content_type; /* static */
	char *body;
	size_t body_length;
	const char *allow;	  /* static; the Allow header of a 405; NULL: none */
	char etag[64];		  /* the ETag header; "": none */
	const char *authenticate; /* static; the WWW-Authenticate header of a 401; NULL: none */
	unsigned int retry_after; /* the Retry-After header, in seconds; 0: none */
};

/*
 * A request that is answered later: the handler calls httpd_defer(), once, which gives a ticket, and returns;
 * what it filled in is not sent. The request (its body, query and headers included) stays as it is until
 * httpd_answer(), also when its client has gone, of which the ticket's owner is not told: answering is then
 * without effect. httpd_answer() takes over response->body, ends the ticket, and may be called within the
 * handler too; it makes httpd_timeout_ms() 0. All in the thread of the loop; another one may read the body.
 *
 * Every ticket is answered exactly once, and should be before httpd_close(), which sends what was answered so
 * far. One that is left over has no method and no headers any more, but must be answered all the same, to
 * free it. The request's deadline ends with its arrival; for its answer a new one begins. A deferred request
 * counts among the connections, and its body among the bodies held. NULL: no memory; nothing is deferred.
 */
struct httpd_ticket;
struct httpd_ticket *httpd_defer(const struct httpd_request *request);
const struct httpd_request *httpd_ticket_request(const struct httpd_ticket *ticket);
void httpd_answer(struct httpd_ticket *ticket, struct httpd_response *response);

/*
 * An answer without an end of its own: the handler calls httpd_stream(), once, fills in status and
 * content_type (and no body), and returns. From then on what is written is sent as the client takes it;
 * nothing is ever waited for. The stream is its owner's until httpd_stream_end(), or until `gone` is called,
 * which is when the client has closed its end (its sending one too: whoever follows has nothing more to say),
 * or httpd was closed; not once it was ended. There is no deadline until the end, but one for what is then
 * left to send. A stream counts among the connections. NULL: no memory; then the handler answers as usual.
 *
 * httpd_stream_write() takes all or nothing: -ENOBUFS where more than `limit` bytes would wait for the
 * client, -ENOMEM. The request stays as it is as long as the stream. All in the thread of the loop.
 */
struct httpd_stream;
typedef void (*httpd_stream_gone)(struct httpd_stream *stream, void *arg);
/*
 * Called whenever the client has taken all that was written: writes the next piece, or ends the stream. So
 * what is long is held a piece at a time, at the client's pace; a client that takes nothing for as long as a
 * request's deadline is cut.
 */
typedef void (*httpd_stream_more)(struct httpd_stream *stream, void *arg);
struct httpd_stream_options {
	size_t limit; /* bytes that may wait for the client */
	httpd_stream_gone gone;
	httpd_stream_more more; /* NULL: it is written to whenever there is something */
	void *arg;
};
struct httpd_stream *httpd_stream(const struct httpd_request *request,
				  const struct httpd_stream_options *options);
const struct httpd_request *httpd_stream_request(const struct httpd_stream *stream);
/* What httpd_stream_write() would take at the most. */
size_t httpd_stream_room(const struct httpd_stream *stream);
int httpd_stream_write(struct httpd_stream *stream, const void *data, size_t length);
/* Sends what is held, and no more. */
void httpd_stream_end(struct httpd_stream *stream);
/* Ends it so that the client sees that it is not whole. */
void httpd_stream_fail(struct httpd_stream *stream);

typedef void (*httpd_handler)(const struct httpd_request *request, struct httpd_response *response,
			      void *arg);
/* For requests that httpd refuses by itself: fills the response as the handler would. */
typedef void (*httpd_refusal)(unsigned int status, const char *why, struct httpd_response *response,
			      void *arg);
/*
 * Asked when a request's head is there, before its body: false has it answered with what was filled in, and
 * its connection closed. The request has no body then; nothing of httpd may be called but httpd_header() and
 * the queries.
 */
typedef bool (*httpd_admission)(const struct httpd_request *request, struct httpd_response *response,
				void *arg);

struct httpd_options {
	size_t body_limit;	  /* bytes; over it: 413. All bodies held: twice that, and small ones */
	unsigned int connections; /* in all, at most HTTPD_CONNECTIONS_MAX */
	unsigned int connections_per_uid;     /* 0: no limit of its own */
	unsigned int connections_per_address; /* over TCP, an IPv6 /64 is one; 0: no limit of its own */
	unsigned int deadline_ms;	      /* of one request */
	httpd_handler handler;
	httpd_refusal refusal;
	httpd_admission admission; /* over TLS alone; NULL: whoever is connected */
	void *arg;
};

/*
 * Listens on a Unix socket that it binds with mode 0660 and group (NULL: leave the group); its directory is
 * made with mode 0755 if absent. A socket file that nobody listens on is replaced; a live one is
 * ERROR_EXISTS, and any other file ERROR_BAD_REQUEST, as is a path too long. ERROR_NOT_FOUND for a group that
 * does not exist, and that alone; ERROR_KERNEL for what the system refuses.
 */
int httpd_open_unix(const char *path, const char *group, const struct httpd_options *options,
		    struct httpd **ret, struct ag_error *error);
/* Listens on TCP, "127.0.0.1:9812" or "[::1]:9812"; port 0 picks one. ERROR_BAD_REQUEST, ERROR_KERNEL. */
int httpd_open_tcp(const char *address, const struct httpd_options *options, struct httpd **ret,
		   struct ag_error *error);
/* A certificate with its chain, and its key: PEM, borrowed for the call. */
struct httpd_tls {
	const char *certificate;
	const char *key;
};
/*
 * The same over TLS 1.2 and later, on up to HTTPD_LISTENERS_MAX addresses, which need not be configured yet
 * and whose connections count together.
 * ERROR_BAD_REQUEST for a certificate and a key that are none or do not belong together.
 */
int httpd_open_tls(const char *const *addresses, size_t count, const struct httpd_tls *tls,
		   const struct httpd_options *options, struct httpd **ret, struct ag_error *error);
/* Connections from now on get this certificate; those that are there go on with theirs until they end. On
 * failure everything stays as it is: as above, and ERROR_CONFLICT while too many older ones are in use. */
int httpd_renew_tls(struct httpd *httpd, const struct httpd_tls *tls, struct ag_error *error);
/* Closes all connections; removes its socket file, if it is still the one that it made. */
void httpd_close(struct httpd *httpd);
/* The port in use, for TCP, of the first address; 0 for a Unix socket. */
uint16_t httpd_port(const struct httpd *httpd);

/* For the event loop: wait until the fd (an epoll instance) is readable or the timeout is over (-1: none),
 * then run. */
int httpd_fd(const struct httpd *httpd);
int httpd_timeout_ms(const struct httpd *httpd);
void httpd_run(struct httpd *httpd);

/*
 * The process that made the other end of a Unix socket, while it lives. pidfd is the caller's. connection is
 * -1, or, where the kernel does not say it for certain (before Linux 6.5: the pidfd is then made of a number,
 * which may be another process by now), the connection itself, borrowed, to be compared with what that
 * process has open. Negative errno: -ESRCH where it has ended, -EOPNOTSUPP over TCP.
 */
struct httpd_peer {
	int pidfd;
	int connection;
};
int httpd_peer(const struct httpd_request *request, struct httpd_peer *ret);

/* A header's value, the first one, NULL where absent. *ret_many (may be NULL) says whether it stands more
 * than once. */
const char *httpd_header(const struct httpd_request *request, const char *name, bool *ret_many);
/* A query parameter's decoded value ("" where it has none), the first one; NULL where absent. */
const char *httpd_query(const struct httpd_request *request, const char *name);
/* Calls each query parameter, in order, until a non-zero return, which is given back. */
int httpd_query_each(const struct httpd_request *request,
		     int (*each)(const char *name, const char *value, void *arg), void *arg);
