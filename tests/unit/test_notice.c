// SPDX-License-Identifier: GPL-2.0-only
/* What a visitor is sent, and what notice.conf may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/core/error.h"
#include "userspace/notice/page.h"
#include "userspace/notice/settings.h"
#include "userspace/notice/value.h"

static struct addr address(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr, NULL), 0);
	return addr;
}

static int read_text(struct settings *settings, const char *text, struct ag_error *error)
{
	char path[] = "/tmp/test_notice.XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
	settings_init(settings);
	err = settings_read(settings, path, error);
	(void)unlink(path);
	return err;
}

static void chooses_json(void **state)
{
	(void)state;
	assert_false(page_wants_json(NULL));
	assert_false(page_wants_json(""));
	assert_false(page_wants_json("*/*"));
	assert_false(page_wants_json("text/html, application/json"));
	assert_true(page_wants_json("application/json"));
	assert_true(page_wants_json("Application/Problem+JSON"));
	assert_true(page_wants_json("application/problem+json, text/html, application/json"));
}

static void escapes_html(void **state)
{
	const struct site_view site = {
		.title = "<&>", .support = "\"'\n</p>", .redirect = "", .parameter = "n"};
	struct addr visitor = address("2001:db8::1");
	struct page page;

	(void)state;
	assert_int_equal(page_make(&site, &visitor, NULL, &page), 0);
	assert_int_equal(page.status, 403);
	assert_null(page.location.data);
	assert_non_null(strstr(page.body.data, "<title>&lt;&amp;&gt;</title>"));
	assert_non_null(strstr(page.body.data, "<h1>&lt;&amp;&gt;</h1>"));
	assert_non_null(strstr(page.body.data, "<p>&quot;&#39;<br>&lt;/p&gt;</p>"));
	assert_non_null(strstr(page.body.data, "<code>2001:db8::1</code>"));
	page_clear(&page);
}

static void redirects(void **state)
{
	struct site_view site = {
		.title = "a b&c=\xc3\xbc~", .support = "", .redirect = "https://h/", .parameter = "n"};
	struct addr visitor = address("192.0.2.1");
	struct page page;

	(void)state;
	assert_int_equal(page_make(&site, &visitor, NULL, &page), 0);
	assert_int_equal(page.status, 302);
	assert_string_equal(page.location.data, "https://h/?n=a%20b%26c%3D%C3%BC~");
	page_clear(&page);
	site.redirect = "https://h/?x=1";
	assert_int_equal(page_make(&site, &visitor, NULL, &page), 0);
	assert_string_equal(page.location.data, "https://h/?x=1&n=a%20b%26c%3D%C3%BC~");
	page_clear(&page);
	assert_int_equal(page_make(&site, &visitor, "application/json", &page), 0);
	assert_int_equal(page.status, 403);
	assert_null(page.location.data);
	page_clear(&page);
}

static void finds_the_longest_prefix(void **state)
{
	struct settings settings;
	struct addr a = address("192.0.2.10"), b = address("192.0.2.99"), c = address("2001:db8::1");
	struct site_view site;

	(void)state;
	assert_int_equal(
		read_text(&settings,
			  "[notice]\nsupport = one\nsupport = two\nredirect = https://h/\n"
			  "[192.0.2.10]\ntitle = host\n[192.0.2.0/24 8403]\ntitle = net port\n"
			  "[192.0.2.0/24]\ntitle = net\nredirect =\n[192.0.2.10 8403]\ntitle = host port\n",
			  NULL),
		0);
	assert_string_equal(settings_find(&settings, &a, 8403).title, "host port");
	assert_string_equal(settings_find(&settings, &a, 8404).title, "host");
	assert_string_equal(settings_find(&settings, &b, 8403).title, "net port");
	assert_string_equal(settings_find(&settings, &b, 8404).title, "net");
	assert_string_equal(settings_find(&settings, &b, 8404).redirect, "");
	site = settings_find(&settings, &c, 8403);
	assert_non_null(strstr(site.title, "unauthorized location"));
	assert_string_equal(site.support, "one\ntwo");
	assert_string_equal(site.redirect, "https://h/");
	assert_string_equal(site.parameter, "notice");
	settings_clear(&settings);
}

static void bounds_support(void **state)
{
	char text[4096] = "[notice]\n";
	struct settings settings;
	struct ag_error error = {0};

	(void)state;
	for (int i = 0; i < 20; i++)
		(void)sprintf(text + strlen(text), "support = %0150d\n", i);
	assert_int_not_equal(read_text(&settings, text, &error), 0);
	assert_non_null(strstr(error.message, "longer than 2000 bytes"));
	settings_clear(&settings);
}

static void parses_endpoints(void **state)
{
	static const char *const BAD[] = {"",
					  "8403",
					  "192.0.2.1",
					  "192.0.2.1:",
					  "192.0.2.1:0",
					  "host:1",
					  "192.0.2.1:65536",
					  "2001:db8::1:80",
					  "[192.0.2.1]:80",
					  "[::1:80",
					  "[::1%lo]:1",
					  "192.0.2.1:+1",
					  "[]:1",
					  ":1",
					  "[::ffff:192.0.2.1]:1"};
	struct endpoint endpoint;

	(void)state;
	assert_int_equal(settings_parse_endpoint("[2001:db8::1]:65535", &endpoint, NULL), 0);
	assert_int_equal(endpoint.port, 65535);
	assert_int_equal(endpoint.addr.family, AG_FAMILY_IPV6);
	assert_int_equal(settings_parse_endpoint("0.0.0.0:1", &endpoint, NULL), 0);
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		assert_int_not_equal(settings_parse_endpoint(BAD[i], &endpoint, NULL), 0);
}

static void checks_values(void **state)
{
	static const char *const BAD_URLS[] = {"",
					       "//evil",
					       "ftp://h/",
					       "https://",
					       "https:///a",
					       "https://h#a",
					       "https://h\"",
					       "https://h<",
					       "https://h\\",
					       "https://h/\r\nX: y",
					       "https://h/\xc3\xbc"};
	uint32_t number = 7;

	(void)state;
	assert_int_equal(value_url("https://h:8443/a?b=%20", NULL), 0);
	assert_int_equal(value_url("http://[2001:db8::1]", NULL), 0);
	for (size_t i = 0; i < sizeof(BAD_URLS) / sizeof(BAD_URLS[0]); i++)
		assert_int_not_equal(value_url(BAD_URLS[i], NULL), 0);
	assert_int_not_equal(value_parameter("", NULL), 0);
	assert_int_not_equal(value_parameter("a=b", NULL), 0);
	assert_int_equal(value_parameter("a-b", NULL), 0);
	assert_int_not_equal(value_text("\xc0\xaf", NULL), 0);
	assert_int_not_equal(value_number("4294967297", 0, UINT32_MAX, &number, NULL), 0);
	assert_int_not_equal(value_number("18446744073709551617", 0, UINT32_MAX, &number, NULL), 0);
	assert_int_not_equal(value_number("-1", 0, UINT32_MAX, &number, NULL), 0);
	assert_int_equal(number, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_json),	  cmocka_unit_test(escapes_html),
		cmocka_unit_test(redirects),	  cmocka_unit_test(finds_the_longest_prefix),
		cmocka_unit_test(bounds_support), cmocka_unit_test(parses_endpoints),
		cmocka_unit_test(checks_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
