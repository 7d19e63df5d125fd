// SPDX-License-Identifier: GPL-2.0-only
/*
 * answer.c - every request gets the page
 *
 * Nothing is looked at but Accept. A body is read and thrown away, up to a limit: an answer sent over unread
 * bytes would be lost to the reset that follows.
 */
#include "userspace/notice/server_private.h"

#include <stdarg.h>
#include <string.h>

#include "userspace/notice/page.h"

/* Of a request's header, with room for the cookies of the application whose address this is, which
 * libmicrohttpd keeps twice. */
#define CONNECTION_MEMORY ((size_t)64 * 1024)
#define BODY_MAX	  ((uint64_t)64 * 1024)

static const char *const HEADERS[][2] = {
	{"Cache-Control", "no-store"},
	{"Connection", "close"},
	{"Content-Security-Policy",
	 "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	{"Referrer-Policy", "no-referrer"},
	{"Vary", "Accept"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
};

static enum MHD_Result add_headers(struct MHD_Response *response, const struct page *page)
{
	for (size_t i = 0; i < sizeof(HEADERS) / sizeof(HEADERS[0]); i++)
		if (MHD_add_response_header(response, HEADERS[i][0], HEADERS[i][1]) != MHD_YES)
			return MHD_NO;
	if (page->location.length &&
	    MHD_add_response_header(response, "Location", page->location.data) != MHD_YES)
		return MHD_NO;
	return MHD_add_response_header(response, "Content-Type", page->content_type);
}

static enum MHD_Result send_page(struct MHD_Connection *connection, const struct page *page)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(page->body.length, page->body.data,
									MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	if (add_headers(response, page) == MHD_YES)
		result = MHD_queue_response(connection, page->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(const struct server *server, const struct visitor *visitor,
			      struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	struct site_view site = settings_find(server->settings, &visitor->reached.addr,
					      visitor->reached.port);
	enum MHD_Result result;
	struct page page;

	if (page_make(&site, &visitor->peer.addr, accept, &page))
		return MHD_NO;
	result = send_page(connection, &page);
	page_clear(&page);
	return result;
}

static struct visitor *visitor_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
								       MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* MHD_NO closes the connection. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload_data,
			      size_t *upload_data_size, void **request)
{
	const struct server *server = arg;
	struct visitor *visitor = visitor_of(connection);

	(void)url;
	(void)method;
	(void)version;
	(void)upload_data;
	(void)request;
	if (!visitor)
		return MHD_NO;
	if (!visitor->asked) {
		visitor->asked = true;
		return MHD_YES;
	}
	if (!*upload_data_size)
		return answer(server, visitor, connection);
	visitor->body_bytes += *upload_data_size;
	*upload_data_size = 0;
	return visitor->body_bytes <= BODY_MAX ? MHD_YES : MHD_NO;
}

static void notify(void *arg, struct MHD_Connection *connection, void **context,
		   enum MHD_ConnectionNotificationCode code)
{
	struct server *server = arg;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context)
			visitor_forget(server, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	*context = info ? &server->visitors[info->connect_fd] : NULL;
}

/* What it has to say is about one visitor's bytes, who could fill the log with it. */
static void say_nothing(void *arg, const char *format, va_list args)
{
	(void)arg;
	(void)format;
	(void)args;
}

/* Paths are not looked at. */
static size_t unescape_nothing(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strlen(text);
}

struct MHD_Daemon *answer_start(struct server *server, const char *certificate, const char *key)
{
	const struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
		{MHD_OPTION_END, 0, NULL},
	};
	const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;

	return MHD_start_daemon(
		flags | (certificate ? (unsigned int)MHD_USE_TLS : 0U), 0, NULL, NULL, handle, server,
		MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL, MHD_OPTION_CONNECTION_LIMIT,
		server->settings->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, server->settings->timeout_s, MHD_OPTION_NOTIFY_CONNECTION,
		notify, server, MHD_OPTION_UNESCAPE_CALLBACK, unescape_nothing, NULL, MHD_OPTION_ARRAY,
		certificate ? tls : none, MHD_OPTION_END);
}
