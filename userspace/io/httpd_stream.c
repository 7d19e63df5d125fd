// SPDX-License-Identifier: GPL-2.0-only
/*
 * httpd_stream.c - answers that are written while they are sent, and end when somebody says so
 *
 * libmicrohttpd asks for more whenever the socket takes more; where there is none, the connection is
 * suspended until there is: it would be asked again at once otherwise. A suspended connection is out of
 * libmicrohttpd's epoll instance, so our own descriptor of the same socket tells when the client has gone.
 */
#include "userspace/io/httpd_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "userspace/core/buffer.h"
#include "userspace/core/cleanup.h"

#define BLOCK_SIZE ((size_t)8 * 1024) /* asked for at a time, out of the connection's memory */

struct httpd_stream {
	LIST_ENTRY(httpd_stream) link;
	struct connection *connection;
	struct MHD_Connection *mhd;
	const struct httpd_request *view;
	httpd_stream_gone gone; /* NULL once the owner has ended it */
	httpd_stream_more more;
	void *arg;
	struct buffer held; /* sent up to `sent` */
	size_t sent;
	bool suspended;
	bool ended; /* by the owner, or by httpd_close() */
	bool cut;   /* the client has gone: what is held is for nobody */
};

static size_t left_of(const struct httpd_stream *stream)
{
	return stream->held.length - stream->sent;
}

static int watch_client(struct connection *connection)
{
	struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = connection};

	return epoll_ctl(connection->httpd->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0 ? -errno : 0;
}

/* Before the connection lingers, which registers it anew, and once it is known to have gone. */
static void unwatch_client(struct connection *connection)
{
	(void)epoll_ctl(connection->httpd->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL); /* may be out */
}

struct httpd_stream *httpd_stream_new(struct connection *connection, struct MHD_Connection *mhd,
				      const struct httpd_request *view,
				      const struct httpd_stream_options *options)
{
	struct httpd_stream *stream = calloc(1, sizeof(*stream));

	assert(options->limit > 0 && options->gone);
	if (!stream || watch_client(connection)) {
		free(stream);
		return NULL;
	}
	stream->connection = connection;
	stream->mhd = mhd;
	stream->view = view;
	stream->gone = options->gone;
	stream->more = options->more;
	stream->arg = options->arg;
	stream->held.limit = options->limit;
	connection->stream = stream;
	connection->deadline_ms = UINT64_MAX;
	LIST_INSERT_HEAD(&connection->httpd->streams, stream, link);
	return stream;
}

void httpd_stream_free(struct httpd_stream *stream)
{
	if (!stream)
		return;
	LIST_REMOVE(stream, link);
	stream->connection->stream = NULL;
	unwatch_client(stream->connection);
	if (stream->gone)
		stream->gone(stream, stream->arg);
	buffer_clear(&stream->held);
	free(stream);
}

/* --- what libmicrohttpd asks ---------------------------------------------------- */

/* Its owner writes the next piece; a client that takes nothing for too long is cut. */
static void ask_owner(struct httpd_stream *stream)
{
	struct connection *connection = stream->connection;

	connection->deadline_ms = httpd_now_ms() + connection->httpd->options.deadline_ms;
	if (left_of(stream) == 0 && stream->gone && !stream->cut)
		stream->more(stream, stream->arg);
}

static ssize_t give_more(void *arg, uint64_t position, char *data, size_t size)
{
	struct httpd_stream *stream = arg;
	size_t length;

	(void)position; /* it is asked in order */
	if (stream->more)
		ask_owner(stream);
	length = left_of(stream);
	if (stream->cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (length > size)
		length = size;
	if (length == 0 && stream->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (length == 0) {
		MHD_suspend_connection(stream->mhd);
		stream->suspended = true;
		return 0;
	}
	memcpy(data, stream->held.data + stream->sent, length);
	stream->sent += length;
	if (left_of(stream) == 0)
		stream->sent = stream->held.length = 0;
	return (ssize_t)length;
}

enum MHD_Result httpd_stream_send(struct httpd_stream *stream, const struct httpd_response *response)
{
	struct MHD_Response *reply = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE,
								       give_more, stream, NULL);
	enum MHD_Result result;

	if (!reply)
		return MHD_NO;
	result = MHD_add_response_header(reply, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
	if (result == MHD_YES)
		result = MHD_add_response_header(reply, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (result == MHD_YES)
		result = MHD_queue_response(stream->mhd, response->status, reply);
	MHD_destroy_response(reply);
	return result;
}

static void wake(struct httpd_stream *stream)
{
	if (!stream->suspended)
		return;
	stream->suspended = false;
	stream->connection->httpd->resumed = true;
	MHD_resume_connection(stream->mhd);
}

/* --- what its owner does -------------------------------------------------------- */

const struct httpd_request *httpd_stream_request(const struct httpd_stream *stream)
{
	return stream->view;
}

size_t httpd_stream_room(const struct httpd_stream *stream)
{
	return stream->held.limit - left_of(stream);
}

static void drop_sent(struct httpd_stream *stream)
{
	memmove(stream->held.data, stream->held.data + stream->sent, left_of(stream));
	stream->held.length -= stream->sent;
	stream->sent = 0;
}

int httpd_stream_write(struct httpd_stream *stream, const void *data, size_t length)
{
	int err;

	assert(stream->gone); /* not ended */
	if (length > httpd_stream_room(stream))
		return -ENOBUFS;
	if (length > stream->held.limit - stream->held.length)
		drop_sent(stream);
	err = buffer_append(&stream->held, data, length);
	stream->held.failed = 0; /* nothing is half there: the next may fit */
	if (!err)
		wake(stream);
	return err;
}

static void end(struct httpd_stream *stream)
{
	stream->ended = true;
	stream->connection->deadline_ms = httpd_now_ms() + stream->connection->httpd->options.deadline_ms;
	wake(stream);
}

void httpd_stream_end(struct httpd_stream *stream)
{
	stream->gone = NULL;
	end(stream);
}

void httpd_stream_fail(struct httpd_stream *stream)
{
	stream->gone = NULL;
	stream->cut = true;
	wake(stream);
}

/* --- the connection's end ------------------------------------------------------- */

void httpd_stream_hang_up(struct httpd_stream *stream)
{
	unwatch_client(stream->connection);
	/* Wakes libmicrohttpd where it is not suspended: it finds the connection ended and closes it. */
	(void)shutdown(stream->connection->fd, SHUT_RDWR); /* fails where it was shut down already */
	stream->cut = true;
	wake(stream);
}

void httpd_end_streams(struct httpd *httpd)
{
	struct httpd_stream *stream;

	LIST_FOREACH(stream, &httpd->streams, link)
	end(stream);
}
