// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_compile_claims.c - random services, compiled all and around a change, against a look at every one
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "userspace/core/compile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct prefix prefix(const char *text)
{
	struct prefix parsed = {0};

	if (prefix_parse(text, &parsed, NULL))
		fail_msg("%s is no prefix", text);
	return parsed;
}

static struct claim claim(const char *text, uint32_t slot)
{
	struct claim claim = {.slot = slot};

	if (service_parse(text, &claim.service, NULL))
		fail_msg("%s is no service", text);
	return claim;
}

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static struct claim random_claim(uint64_t *seed)
{
	static const uint8_t protos[] = {6, 17, 1, AG_PROTO_ANY};
	static const uint8_t lens[] = {28, 29, 30, 32, 32};
	const uint8_t bytes[4] = {192, 0, 2, (uint8_t)(random_next(seed) % 16)};
	struct addr addr = addr_make(AG_FAMILY_IPV4, bytes);

	return (struct claim){
		.service = {.dest = prefix_of(&addr, lens[random_next(seed) % COUNT(lens)]),
			    .proto = protos[random_next(seed) % COUNT(protos)]},
		.slot = (uint32_t)(random_next(seed) % 4),
	};
}

/* --- the pass with a stack against a look at every claim -------------------- */

static uint32_t fragment_account_of(const struct claim *claims, size_t count, const struct addr *addr,
				    int class)
{
	uint32_t account = AG_NO_ACCOUNT;

	for (size_t i = 0; i < count; i++) {
		uint8_t proto = claims[i].service.proto;

		if (!prefix_contains(&claims[i].service.dest, addr))
			continue;
		if (proto != AG_PROTO_ANY && (int)compile_proto_class(proto) != class)
			continue;
		if (account != AG_NO_ACCOUNT && account != claims[i].slot)
			return AG_SEVERAL_ACCOUNTS;
		account = claims[i].slot;
	}
	return account;
}

static bool gated_by(const struct claim *claims, size_t count, const struct addr *addr,
		     const struct account *accounts)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_contains(&claims[i].service.dest, addr) &&
		    accounts[claims[i].slot].mode == AG_MODE_ENFORCE && accounts[claims[i].slot].entries4)
			return true;
	return false;
}

static void check_random(uint64_t *seed)
{
	struct account accounts[4];
	struct claim claims[12];
	struct compiled_services compiled;
	size_t count = random_next(seed) % COUNT(claims);

	for (uint32_t i = 0; i < COUNT(accounts); i++)
		accounts[i] = (struct account){.slot = i,
					       .mode = (enum ag_mode)(random_next(seed) % AG_MODE_MAX),
					       .entries4 = random_next(seed) % 2};
	for (size_t i = 0; i < count; i++)
		claims[i] = random_claim(seed);
	assert_int_equal(compile_services(claims, count, accounts, COUNT(accounts), &compiled, NULL), 0);
	for (size_t i = 0; i < compiled.dest_count; i++) {
		const struct compiled_dest *dest = &compiled.dests[i];
		struct addr addr = dest->prefix.addr;
		/* the last address of the prefix may be in narrower ones: only those as wide or wider count
		 */
		struct claim around[COUNT(claims)];
		size_t around_count = 0;

		for (size_t j = 0; j < count; j++)
			if (prefix_covers(&claims[j].service.dest, &dest->prefix))
				around[around_count++] = claims[j];
		assert_int_equal(!!(dest->value.flags & AG_DEST_GATED),
				 gated_by(around, around_count, &addr, accounts));
		for (int class = 0; class < AG_PROTO_CLASS_MAX; class ++)
			assert_int_equal(dest->value.fragment_account[class],
					 fragment_account_of(around, around_count, &addr, class));
	}
	compiled_services_clear(&compiled);
}

static void test_services_random(void **state)
{
	uint64_t seed = (uint64_t)time(NULL) | 1;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (int i = 0; i < 2000; i++)
		check_random(&seed);
}

/* --- the services around a change ------------------------------------------ */

static bool is_around(const struct claim *claim, const struct prefix *touched, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_covers(&touched[i], &claim->service.dest) ||
		    prefix_covers(&claim->service.dest, &touched[i]))
			return true;
	return false;
}

static bool same_dest(const struct compiled_dest *a, const struct compiled_dest *b)
{
	return !prefix_compare(&a->prefix, &b->prefix) && !memcmp(&a->value, &b->value, sizeof(a->value));
}

/* What is compiled of them alone is, within what was touched, what is compiled of all. */
static void check_same_within(const struct compiled_services *all, const struct compiled_services *some,
			      const struct prefix *touched, size_t touched_count)
{
	for (size_t i = 0, j = 0; i < all->dest_count; i++) {
		bool within = false;

		for (size_t t = 0; t < touched_count; t++)
			within |= prefix_covers(&touched[t], &all->dests[i].prefix);
		while (j < some->dest_count &&
		       prefix_compare(&some->dests[j].prefix, &all->dests[i].prefix) < 0)
			j++;
		if (within)
			assert_true(j < some->dest_count && same_dest(&some->dests[j], &all->dests[i]));
	}
}

static void check_around(uint64_t *seed)
{
	struct account accounts[4] = {{.slot = 0, .mode = AG_MODE_ENFORCE, .entries4 = 1}, {.slot = 1}};
	struct compiled_services all, some;
	struct claim claims[40], *around;
	struct prefix touched[3];
	size_t count = random_next(seed) % COUNT(claims), touched_count = random_next(seed) % 4, want = 0,
	       got;

	for (size_t i = 0; i < count; i++) {
		claims[i] = random_claim(seed);
		claims[i].service.dest = prefix_of(&claims[i].service.dest.addr,
						   (uint8_t)(25 + random_next(seed) % 8));
	}
	for (size_t i = 0; i < touched_count; i++) {
		struct claim any = random_claim(seed);

		touched[i] = prefix_of(&any.service.dest.addr, (uint8_t)(25 + random_next(seed) % 8));
	}
	qsort(claims, count, sizeof(*claims), claim_compare);
	assert_int_equal(compile_claims_around(claims, count, touched, touched_count, &around, &got), 0);
	for (size_t i = 0; i < count; i++) {
		if (!is_around(&claims[i], touched, touched_count))
			continue;
		assert_true(want < got);
		assert_memory_equal(&around[want++], &claims[i], sizeof(claims[i]));
	}
	assert_int_equal(want, got);
	assert_int_equal(compile_services(claims, count, accounts, 4, &all, NULL), 0);
	assert_int_equal(compile_services(around, got, accounts, 4, &some, NULL), 0);
	check_same_within(&all, &some, touched, touched_count);
	compiled_services_clear(&all);
	compiled_services_clear(&some);
	free(around);
}

static void test_claims_around(void **state)
{
	const struct claim claims[] = {claim("192.0.2.0/24", 1), claim("[2001:db8::/32]:443/tcp", 1),
				       claim("2001:db8::1", 2), claim("2001:db8:1::/48", 3)};
	const struct prefix touched[] = {prefix("2001:db8::1")};
	uint64_t seed = 20261123;
	struct claim *around;
	size_t count;

	(void)state;
	assert_int_equal(compile_claims_around(claims, COUNT(claims), touched, 1, &around, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(around[0].service.dest.len, 32);
	assert_int_equal(around[1].service.dest.len, 128);
	free(around);
	for (int i = 0; i < 3000; i++)
		check_around(&seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services_random),
		cmocka_unit_test(test_claims_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
