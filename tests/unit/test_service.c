// SPDX-License-Identifier: GPL-2.0-only
/* test_service.c - every way to write a service, and one way to print it */
#include "userspace/core/service.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *in, *canonical, *dest;
	uint16_t port;
	uint8_t proto;
} GOOD[] = {
	/* the contract's own examples */
	{"192.0.2.10:443/tcp", "192.0.2.10:443/tcp", "192.0.2.10/32", 443, IPPROTO_TCP},
	{"192.0.2.0/28/udp", "192.0.2.0/28/udp", "192.0.2.0/28", AG_PORT_ANY, IPPROTO_UDP},
	{"[2001:db8::10]:443", "[2001:db8::10]:443", "2001:db8::10/128", 443, AG_PROTO_ANY},
	{"[2001:db8::/64]:443/tcp", "[2001:db8::/64]:443/tcp", "2001:db8::/64", 443, IPPROTO_TCP},
	{"2001:db8::10", "2001:db8::10", "2001:db8::10/128", AG_PORT_ANY, AG_PROTO_ANY},
	{"[2001:db8::]/64:443", "[2001:db8::/64]:443", "2001:db8::/64", 443, AG_PROTO_ANY},
	/* IPv4 */
	{"192.0.2.10", "192.0.2.10", "192.0.2.10/32", AG_PORT_ANY, AG_PROTO_ANY},
	{"192.0.2.10/32", "192.0.2.10", "192.0.2.10/32", AG_PORT_ANY, AG_PROTO_ANY},
	{"192.0.2.10/tcp", "192.0.2.10/tcp", "192.0.2.10/32", AG_PORT_ANY, IPPROTO_TCP},
	{"192.0.2.10/any", "192.0.2.10", "192.0.2.10/32", AG_PORT_ANY, AG_PROTO_ANY},
	{"192.0.2.10:any", "192.0.2.10", "192.0.2.10/32", AG_PORT_ANY, AG_PROTO_ANY},
	{"192.0.2.10:any/any", "192.0.2.10", "192.0.2.10/32", AG_PORT_ANY, AG_PROTO_ANY},
	{"192.0.2.10:any/udp", "192.0.2.10/udp", "192.0.2.10/32", AG_PORT_ANY, IPPROTO_UDP},
	{"192.0.2.10:any/icmp", "192.0.2.10/icmp", "192.0.2.10/32", AG_PORT_ANY, IPPROTO_ICMP},
	{"192.0.2.10:1", "192.0.2.10:1", "192.0.2.10/32", 1, AG_PROTO_ANY},
	{"192.0.2.10:65535/udp", "192.0.2.10:65535/udp", "192.0.2.10/32", 65535, IPPROTO_UDP},
	{"192.0.2.0/28", "192.0.2.0/28", "192.0.2.0/28", AG_PORT_ANY, AG_PROTO_ANY},
	{"192.0.2.0/28:443/tcp", "192.0.2.0/28:443/tcp", "192.0.2.0/28", 443, IPPROTO_TCP},
	{"192.0.2.0/28:any/tcp", "192.0.2.0/28/tcp", "192.0.2.0/28", AG_PORT_ANY, IPPROTO_TCP},
	/* IPv6 */
	{"2001:DB8:0::10/tcp", "2001:db8::10/tcp", "2001:db8::10/128", AG_PORT_ANY, IPPROTO_TCP},
	{"2001:db8::/64", "2001:db8::/64", "2001:db8::/64", AG_PORT_ANY, AG_PROTO_ANY},
	{"2001:db8::/64/icmp", "2001:db8::/64/icmp", "2001:db8::/64", AG_PORT_ANY, IPPROTO_ICMP},
	{"[2001:db8::10]", "2001:db8::10", "2001:db8::10/128", AG_PORT_ANY, AG_PROTO_ANY},
	{"[2001:db8::10]/udp", "2001:db8::10/udp", "2001:db8::10/128", AG_PORT_ANY, IPPROTO_UDP},
	{"[2001:db8::]/64", "2001:db8::/64", "2001:db8::/64", AG_PORT_ANY, AG_PROTO_ANY},
	{"[2001:db8::]/64/tcp", "2001:db8::/64/tcp", "2001:db8::/64", AG_PORT_ANY, IPPROTO_TCP},
	{"[2001:db8::]/64:53/udp", "[2001:db8::/64]:53/udp", "2001:db8::/64", 53, IPPROTO_UDP},
	{"[2001:db8::/64]:any/udp", "2001:db8::/64/udp", "2001:db8::/64", AG_PORT_ANY, IPPROTO_UDP},
};

static void services_are_read_and_formatted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(GOOD); i++) {
		struct ag_error error = {0};
		struct service service, again;
		char text[SERVICE_TEXT_MAX];

		if (service_parse(GOOD[i].in, &service, &error))
			fail_msg("%s: %s", GOOD[i].in, error.message);
		prefix_format(&service.dest, text);
		assert_string_equal(text, GOOD[i].dest);
		assert_int_equal(service.port, GOOD[i].port);
		assert_int_equal(service.proto, GOOD[i].proto);
		service_format(&service, text);
		assert_string_equal(text, GOOD[i].canonical);
		assert_int_equal(service_parse(text, &again, NULL), 0);
		assert_int_equal(service_compare(&service, &again), 0);
	}
}

static const struct {
	const char *in;
	enum error_code code;
	size_t offset;
	const char *says;
} BAD[] = {
	/* ports */
	{"192.0.2.10:65536", ERROR_BAD_REQUEST, 11, "port 65536 is out of range: it goes from 1 to 65535"},
	{"192.0.2.10:0/tcp", ERROR_BAD_REQUEST, 11, "it goes from 1 to 65535"},
	{"192.0.2.10:99999999999999999999", ERROR_BAD_REQUEST, 11, "it goes from 1 to 65535"},
	{"192.0.2.10:0443", ERROR_BAD_REQUEST, 11, "leading zeros"},
	{"192.0.2.10:-1", ERROR_BAD_REQUEST, 11, "is no number"},
	{"192.0.2.10:http", ERROR_BAD_REQUEST, 11, "port \"http\" is no number"},
	{"192.0.2.10:1-1024", ERROR_BAD_REQUEST, 12, "is no number"},
	{"[2001:db8::10]:70000", ERROR_BAD_REQUEST, 15, "port 70000 is out of range"},
	{"192.0.2.10:443/icmp", ERROR_BAD_REQUEST, 11, "icmp has no ports: leave out :443"},
	{"[2001:db8::10]:443/icmp", ERROR_BAD_REQUEST, 15, "icmp has no ports"},
	/* protocols */
	{"192.0.2.10:443/TCP", ERROR_BAD_REQUEST, 15,
	 "\"TCP\" is no protocol of a service: it is tcp, udp, icmp"},
	{"192.0.2.10:443/sctp", ERROR_BAD_REQUEST, 15, "is no protocol"},
	{"192.0.2.10:443/6", ERROR_BAD_REQUEST, 15, "is no protocol"},
	{"192.0.2.0/28/17", ERROR_BAD_REQUEST, 13, "is no protocol"},
	{"192.0.2.10/tcp/udp", ERROR_BAD_REQUEST, 11, "is no protocol"},
	{"192.0.2.10/tcp:443", ERROR_BAD_REQUEST, 11, "is no protocol"},
	{"[2001:db8::/64]/64:443", ERROR_BAD_REQUEST, 16, "is no protocol"},
	/* form */
	{"", ERROR_BAD_REQUEST, 0, "is no service: write ADDRESS[:PORT][/PROTO]"},
	{"192.0.2.10:", ERROR_BAD_REQUEST, 0, "is no service"},
	{"192.0.2.10/", ERROR_BAD_REQUEST, 0, "is no service"},
	{"192.0.2.10:443/", ERROR_BAD_REQUEST, 0, "is no service"},
	{"192.0.2.10:/tcp", ERROR_BAD_REQUEST, 0, "is no service"},
	{":443", ERROR_BAD_REQUEST, 0, "is no service"},
	{"/tcp", ERROR_BAD_REQUEST, 0, "is no service"},
	{"[2001:db8::10", ERROR_BAD_REQUEST, 0, "is no service"},
	{"[2001:db8::10]443", ERROR_BAD_REQUEST, 0, "is no service"},
	{"[2001:db8::10]]:443", ERROR_BAD_REQUEST, 0, "is no service"},
	{"[192.0.2.10]:443", ERROR_BAD_REQUEST, 0, "is no service"},
	{"[]:443", ERROR_BAD_REQUEST, 0, "is no service"},
	{"2001:db8::/64:443", ERROR_BAD_REQUEST, 14, "stands in brackets: write [2001:db8::/64]:443"},
	/* 64 and 67 characters: more than any destination has */
	{"1111111111111111111111111111111111111111111111111111111111111111", ERROR_BAD_REQUEST, 0,
	 "is no service"},
	{"1111111111111111111111111111111111111111111111111111111111111111111", ERROR_BAD_REQUEST, 0,
	 "is no service"},
	/* destinations */
	{"192.0.2.10/28:443", ERROR_BAD_PREFIX, 0, "did you mean 192.0.2.0/28, or 192.0.2.10 alone?"},
	{"[2001:db8::10/64]:443", ERROR_BAD_PREFIX, 0, "did you mean 2001:db8::/64"},
	{"0.0.0.0/0", ERROR_BAD_PREFIX, 0,
	 "0.0.0.0/0 is every address: name the service's own address or prefix"},
	{"0.0.0.0/0:443/tcp", ERROR_BAD_PREFIX, 0, "is every address"},
	{"[::]/0:443", ERROR_BAD_PREFIX, 0, "::/0 is every address"},
	{"::/0/udp", ERROR_BAD_PREFIX, 0, "is every address"},
	{"192.0.2.0/33", ERROR_BAD_PREFIX, 10, "goes up to /32"},
	{"192.0.2.0/028", ERROR_BAD_PREFIX, 10, "leading zeros"},
	{"192.0.2.010:443", ERROR_BAD_PREFIX, 0, "leading zeros"},
	{"192.0.2.256:443", ERROR_BAD_PREFIX, 0, "over 255"},
	{"fe80::1%eth0", ERROR_BAD_PREFIX, 0, "scope"},
	{"[::ffff:192.0.2.10]:443", ERROR_BAD_PREFIX, 0, "write 192.0.2.10"},
	{"::192.0.2.10", ERROR_BAD_PREFIX, 0, "write 192.0.2.10"},
	{"::1", ERROR_BAD_PREFIX, 0, "lies in ::/96"},
	{"www.example.com:443", ERROR_BAD_PREFIX, 0, "is no prefix"},
	{"foo/0", ERROR_BAD_PREFIX, 0, "is no prefix"},
	{"192.0.2.10:443:80", ERROR_BAD_PREFIX, 0, "is no prefix"},
	{"2001:db8::10:any", ERROR_BAD_PREFIX, 0, "is no prefix"},
};

static void bad_services_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(BAD); i++) {
		struct service service, before;
		struct ag_error error = {0};

		memset(&service, 0x5a, sizeof(service));
		before = service;
		if (service_parse(BAD[i].in, &service, &error) != -EINVAL)
			fail_msg("\"%s\" was accepted", BAD[i].in);
		if (error.code != BAD[i].code || error.offset != BAD[i].offset ||
		    !strstr(error.message, BAD[i].says))
			fail_msg("\"%s\": %s at %zu: %s", BAD[i].in, error_code_name(error.code),
				 error.offset, error.message);
		assert_memory_equal(&service, &before, sizeof(service));
		assert_int_equal(service_parse(BAD[i].in, &service, NULL), -EINVAL);
	}
}

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1dULL;
}

static struct service random_service(uint64_t *seed)
{
	static const uint8_t PROTOS[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, AG_PROTO_ANY};
	struct service service = {.proto = PROTOS[random_next(seed) % 4]};
	bool ipv6 = random_next(seed) & 1;
	uint8_t bytes[16];
	struct addr addr;
	uint64_t len;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = random_next(seed) % 3 ? (uint8_t)random_next(seed) : 0;
	if (ipv6)
		bytes[0] = 0x20; /* clear of what is refused */
	addr = addr_make(ipv6 ? AG_FAMILY_IPV6 : AG_FAMILY_IPV4, bytes);
	len = random_next(seed) & 1 ? addr_bits(&addr) : 1 + random_next(seed) % addr_bits(&addr);
	service.dest = prefix_of(&addr, (uint8_t)len);
	if (service.proto != IPPROTO_ICMP && random_next(seed) % 4)
		service.port = (uint16_t)random_next(seed);
	return service;
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void text_round_trips(void **state)
{
	uint64_t seed = 443;

	(void)state;
	for (unsigned int i = 0; i < 50000; i++) {
		struct service service = random_service(&seed), other = random_service(&seed), again;
		char text[SERVICE_TEXT_MAX], twice[SERVICE_TEXT_MAX];

		service_format(&service, text);
		assert_int_equal(service_parse(text, &again, NULL), 0);
		assert_int_equal(service_compare(&again, &service), 0);
		assert_memory_equal(&again.dest, &service.dest, sizeof(service.dest));
		assert_int_equal(again.port, service.port);
		assert_int_equal(again.proto, service.proto);
		service_format(&again, twice);
		assert_string_equal(text, twice);
		assert_int_equal(sign(service_compare(&service, &other)),
				 -sign(service_compare(&other, &service)));
	}
}

static void order_is_destination_protocol_port(void **state)
{
	static const char *const SORTED[] = {"192.0.2.0/28:9/tcp", "192.0.2.0/icmp",	"192.0.2.0/tcp",
					     "192.0.2.0:1/tcp",	   "192.0.2.0:443/tcp", "192.0.2.0/udp",
					     "192.0.2.0",	   "192.0.2.0:80",	"192.0.2.1/icmp",
					     "2001:db8::/tcp"};

	(void)state;
	for (size_t i = 0; i < COUNT(SORTED); i++) {
		struct service a, b;

		assert_int_equal(service_parse(SORTED[i], &a, NULL), 0);
		assert_int_equal(service_compare(&a, &a), 0);
		for (size_t j = i + 1; j < COUNT(SORTED); j++) {
			assert_int_equal(service_parse(SORTED[j], &b, NULL), 0);
			assert_true(service_compare(&a, &b) < 0);
			assert_true(service_compare(&b, &a) > 0);
		}
	}
}

static void longest_text_fits(void **state)
{
	static const char LONGEST[] = "[2001:db8:1111:2222:3333:4444:5555:6666/127]:65535/tcp";
	struct service service;
	char text[SERVICE_TEXT_MAX];

	(void)state;
	assert_int_equal(service_parse(LONGEST, &service, NULL), 0);
	service_format(&service, text);
	assert_string_equal(text, LONGEST);
}

static void protocols_have_names(void **state)
{
	(void)state;
	assert_string_equal(service_proto_name(IPPROTO_TCP), "tcp");
	assert_string_equal(service_proto_name(IPPROTO_UDP), "udp");
	assert_string_equal(service_proto_name(IPPROTO_ICMP), "icmp");
	assert_string_equal(service_proto_name(AG_PROTO_ANY), "any");
	assert_null(service_proto_name(IPPROTO_SCTP));
	assert_null(service_proto_name(IPPROTO_ICMPV6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_are_read_and_formatted),
		cmocka_unit_test(bad_services_are_refused),
		cmocka_unit_test(text_round_trips),
		cmocka_unit_test(order_is_destination_protocol_port),
		cmocka_unit_test(longest_text_fits),
		cmocka_unit_test(protocols_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
