// SPDX-License-Identifier: GPL-2.0-only
/* test_policy_services.c - what is done with a stopped packet, and whose a packet is, against brute force */
#include "userspace/core/policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/compile.h"
#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void actions_are_read_and_shown(void **state)
{
	static const char *const good[] = {"drop",
					   "reject",
					   "notice:1",
					   "notice:65535",
					   "redirect:quarantine0",
					   "redirect:0123456789abcde"};
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"", "use drop, reject, notice:PORT or redirect:IFACE"},
		{"answer", "no such on-deny action, \"answer\": use drop"},
		{"Drop", "no such on-deny action"},
		{"dro", "no such on-deny action"},
		{"drops", "no such on-deny action"},
		{":8080", "no such on-deny action"},
		{"drop:", "'drop' takes nothing behind it"},
		{"reject:1", "'reject' takes nothing behind it"},
		{"notice", "notice:8080"},
		{"notice:", "is no number"},
		{"notice:0", "from 1 to 65535"},
		{"notice:65536", "from 1 to 65535"},
		{"notice:80:80", "is no number"},
		{"redirect", "redirect:quarantine0"},
		{"redirect:", "redirect:quarantine0"},
		{"redirect:..", "redirect:quarantine0"},
		{"redirect:a:b", "redirect:quarantine0"},
		{"redirect:0123456789abcdef", "1 to 15 bytes"},
		{"redirect:a\nb", "redirect:quarantine0"},
	};
	struct on_deny on_deny, untouched;
	char text[ON_DENY_TEXT_MAX];
	struct ag_error error;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(on_deny_parse(good[i], &on_deny, NULL), 0);
		on_deny_format(&on_deny, text);
		assert_string_equal(text, good[i]);
	}
	memset(&on_deny, 0x5a, sizeof(on_deny));
	untouched = on_deny;
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (on_deny_parse(bad[i].text, &on_deny, &error) != -EINVAL ||
		    error.code != ERROR_BAD_REQUEST || !strstr(error.message, bad[i].says))
			fail_msg("%s: %s", bad[i].text, error.message);
		assert_memory_equal(&on_deny, &untouched, sizeof(on_deny));
	}
}

static void actions_are_compared_by_what_they_take(void **state)
{
	static const char *const texts[] = {"drop",	 "reject",     "notice:80",
					    "notice:81", "redirect:a", "redirect:b"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts) * COUNT(texts); i++) {
		struct on_deny a, b;

		assert_int_equal(on_deny_parse(texts[i / COUNT(texts)], &a, NULL), 0);
		assert_int_equal(on_deny_parse(texts[i % COUNT(texts)], &b, NULL), 0);
		assert_int_equal(on_deny_equal(&a, &b), i / COUNT(texts) == i % COUNT(texts));
	}
}

static void actions_count_stopped_packets_alone(void **state)
{
	static const struct {
		struct on_deny on_deny;
		enum ag_verdict tcp, other;
	} cases[] = {
		{{.kind = AG_ON_DENY_DROP}, AG_VERDICT_DENIED, AG_VERDICT_DENIED},
		{{.kind = AG_ON_DENY_REJECT}, AG_VERDICT_REJECTED, AG_VERDICT_REJECTED},
		{{.kind = AG_ON_DENY_NOTICE, .port = 80}, AG_VERDICT_REDIRECTED, AG_VERDICT_DENIED},
		{{.kind = AG_ON_DENY_REDIRECT}, AG_VERDICT_REDIRECTED, AG_VERDICT_REDIRECTED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct on_deny *on_deny = &cases[i].on_deny;

		assert_int_equal(policy_action(AG_VERDICT_DENIED, on_deny, IPPROTO_TCP), cases[i].tcp);
		assert_int_equal(policy_action(AG_VERDICT_DENIED, on_deny, IPPROTO_UDP), cases[i].other);
		for (enum ag_verdict verdict = 0; verdict < AG_VERDICT_MAX; verdict++)
			if (verdict != AG_VERDICT_DENIED)
				assert_int_equal(policy_action(verdict, on_deny, IPPROTO_TCP), verdict);
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Bytes from few values, so that prefixes lie within one another and next to one another. */
static struct addr random_addr(uint32_t *seed)
{
	static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe};
	enum ag_family family = next_random(seed) % 2 ? AG_FAMILY_IPV6 : AG_FAMILY_IPV4;
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = values[next_random(seed) % (i < 2 ? 3 : 6)];
	return addr_make(family, bytes);
}

static const uint8_t PROTOS[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, AG_PROTO_ANY};

static int compare_claims(const void *a, const void *b)
{
	return claim_compare(a, b);
}

/* Sorted, a service once. */
static size_t random_claims(struct claim *claims, size_t count, uint32_t *seed)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct addr addr = i % 3 ? claims[next_random(seed) % i].service.dest.addr
					 : random_addr(seed);
		struct service *service = &claims[i].service;

		service->dest = prefix_of(&addr, (uint8_t)(next_random(seed) % addr_bits(&addr) + 1U));
		service->proto = PROTOS[next_random(seed) % COUNT(PROTOS)];
		service->port = (uint16_t)(next_random(seed) % 3); /* 0: any */
		claims[i].slot = next_random(seed) % 8;
	}
	qsort(claims, count, sizeof(*claims), compare_claims);
	for (size_t i = 0; i < count; i++)
		if (!kept || service_compare(&claims[kept - 1].service, &claims[i].service) != 0)
			claims[kept++] = claims[i];
	return kept;
}

/* The contract's words as one number: the longest prefix, then a port over any, then a protocol over any. */
static const struct claim *claim_by_force(const struct claim *claims, size_t count, const struct addr *dest,
					  uint8_t proto, uint16_t port)
{
	const struct claim *best = NULL;
	int best_rank = -1;

	for (size_t i = 0; i < count; i++) {
		const struct service *service = &claims[i].service;
		int rank = service->dest.len * 4 + (service->port != AG_PORT_ANY) * 2 +
			   (service->proto != AG_PROTO_ANY);

		if (!prefix_contains(&service->dest, dest) ||
		    (service->port != AG_PORT_ANY && service->port != port) ||
		    (service->proto != AG_PROTO_ANY && service->proto != proto) || rank <= best_rank)
			continue;
		best = &claims[i];
		best_rank = rank;
	}
	return best;
}

static void claims_agree_with_brute_force(void **state)
{
	struct claim claims[60];
	uint32_t seed = 20260103;
	size_t kinds[5] = {0};

	(void)state;
	for (unsigned int round = 0; round < 300; round++) {
		size_t count = random_claims(claims, 1 + next_random(&seed) % COUNT(claims), &seed);

		for (unsigned int i = 0; i < 200; i++) {
			struct addr dest = claims[next_random(&seed) % count].service.dest.addr;
			uint8_t proto = PROTOS[next_random(&seed) % COUNT(PROTOS)];
			uint16_t port = (uint16_t)(next_random(&seed) % 4);
			const struct claim *want;

			if (i % 2)
				dest.bytes[next_random(&seed) % addr_size(&dest)] ^=
					(uint8_t)(1U << next_random(&seed) % 8);
			want = claim_by_force(claims, count, &dest, proto, port);
			assert_ptr_equal(policy_find_claim(claims, count, &dest, proto, port), want);
			kinds[want ? (want->service.port != AG_PORT_ANY) * 2 +
					      (want->service.proto != AG_PROTO_ANY)
				   : 4]++;
		}
	}
	for (size_t i = 0; i < COUNT(kinds); i++)
		assert_true(kinds[i] > 1000);
	assert_null(policy_find_claim(NULL, 0, &claims[0].service.dest.addr, IPPROTO_TCP, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_are_read_and_shown),
		cmocka_unit_test(actions_are_compared_by_what_they_take),
		cmocka_unit_test(actions_count_stopped_packets_alone),
		cmocka_unit_test(claims_agree_with_brute_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
