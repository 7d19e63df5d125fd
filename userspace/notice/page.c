// SPDX-License-Identifier: GPL-2.0-only
/* page.c - see page.h. What cannot be appended is remembered in the buffer and looked at once, at the end. */
#include "userspace/notice/page.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void append_html(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			(void)buffer_print(out, "&amp;");
			break;
		case '<':
			(void)buffer_print(out, "&lt;");
			break;
		case '>':
			(void)buffer_print(out, "&gt;");
			break;
		case '"':
			(void)buffer_print(out, "&quot;");
			break;
		case '\'':
			(void)buffer_print(out, "&#39;");
			break;
		case '\n':
			(void)buffer_print(out, "<br>");
			break;
		default:
			(void)buffer_append(out, text, 1);
		}
	}
}

/* Percent-encoding of all but unreserved characters (RFC 3986, 2.3). */
static void append_query(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c))
			(void)buffer_append(out, text, 1);
		else
			(void)buffer_print(out, "%%%02X", c);
	}
}

static void make_html(const struct site_view *site, const char *address, struct buffer *out)
{
	(void)buffer_print(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
				"<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
	append_html(out, site->title);
	(void)buffer_print(out, "</title>\n</head>\n<body>\n<h1>");
	append_html(out, site->title);
	(void)buffer_print(out, "</h1>\n<p>Your address: <code>%s</code></p>\n", address);
	if (*site->support) {
		(void)buffer_print(out, "<p>");
		append_html(out, site->support);
		(void)buffer_print(out, "</p>\n");
	}
	(void)buffer_print(out, "</body>\n</html>\n");
}

/* RFC 9457, with the visitor's address and the support line as members of its own. */
static void make_json(const struct site_view *site, const char *address, struct buffer *out)
{
	json_t *problem = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "type", "about:blank", "title",
				    "Forbidden", "status", 403, "detail", site->title, "code",
				    "unauthorized_location", "address", address);
	char *text = NULL;

	if (problem &&
	    (!*site->support || !json_object_set_new(problem, "support", json_string(site->support))))
		text = json_dumps(problem, JSON_COMPACT);
	json_decref(problem);
	if (text)
		(void)buffer_print(out, "%s\n", text);
	else
		out->failed = -ENOMEM;
	free(text);
}

static void make_location(const struct site_view *site, struct buffer *out)
{
	(void)buffer_print(out, "%s%c%s=", site->redirect, strchr(site->redirect, '?') ? '&' : '?',
			   site->parameter);
	append_query(out, site->title);
}

bool page_wants_json(const char *accept)
{
	const char *json = accept ? strcasestr(accept, "application/json") : NULL;
	const char *problem = accept ? strcasestr(accept, "application/problem+json") : NULL;
	const char *html = accept ? strcasestr(accept, "text/html") : NULL;

	if (!json || (problem && problem < json))
		json = problem;
	return json && (!html || json < html);
}

int page_make(const struct site_view *site, const struct addr *visitor, const char *accept, struct page *ret)
{
	struct page page = {.status = 403, .content_type = "text/html; charset=utf-8"};
	char address[ADDR_TEXT_MAX];

	addr_format(visitor, address);
	if (page_wants_json(accept)) {
		page.content_type = "application/problem+json";
		make_json(site, address, &page.body);
	} else {
		make_html(site, address, &page.body);
		if (*site->redirect) {
			page.status = 302;
			make_location(site, &page.location);
		}
	}
	if (page.body.failed || page.location.failed) {
		page_clear(&page);
		return -ENOMEM;
	}
	*ret = page;
	return 0;
}

void page_clear(struct page *page)
{
	buffer_clear(&page->body);
	buffer_clear(&page->location);
}
