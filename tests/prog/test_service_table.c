// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_service_table.c - the service table and the failsafe sources in the kernel, and how full its maps are
 */
#include "tests/prog/dataplane_fixture.h"

/* Brings the table to what is said, with as many differences as said, and sees that it then is so. */
static void sync_to(const char *text, size_t changed)
{
	assert_int_equal(sync_text(text, true), changed);
	assert_int_equal(sync_text(text, true), changed); /* nothing was done */
	assert_int_equal(sync_text(text, false), changed);
	assert_int_equal(sync_text(text, true), 0);
}

struct sought {
	struct ag_service_key key;
	uint32_t slot;
};

static void look(const struct ag_service_key *key, uint32_t account, void *arg)
{
	struct sought *sought = arg;

	if (memcmp(key, &sought->key, sizeof(*key)) == 0)
		sought->slot = account;
}

static uint32_t service_slot(const char *text)
{
	struct sought sought = {.slot = AG_NO_ACCOUNT};
	struct service service;
	int fd = host_map(MAPS "/ag_services");

	check_ok(service_parse(text, &service, &error));
	sought.key = compile_service_key(&service);
	if (bpf_map_lookup_elem(fd, &sought.key, &sought.slot) < 0)
		buckets_each(dataplane, look, &sought);
	(void)close(fd);
	return sought.slot;
}

static uint64_t services_held(void)
{
	return entries_of_map("ag_services4") + entries_of_map("ag_services6") +
	       entries_of_map("ag_services");
}

static void test_services(void **state)
{
	(void)state;
	sync_to("192.0.2.10:443/tcp>1 [2001:db8::10]:443/tcp>1",
		5); /* two services, two destinations, flags */
	assert_int_equal(dataplane->config->now.flags, AG_CONFIG_ENFORCING);
	assert_int_equal(service_slot("192.0.2.10:443/tcp"), 1);
	assert_int_equal(service_slot("[2001:db8::10]:443/tcp"), 1);
	sync_to("192.0.2.10:443/tcp>2 [2001:db8::10]:443/tcp>1",
		2); /* moved; its destination's fragments too */
	assert_int_equal(service_slot("192.0.2.10:443/tcp"), 2);
	assert_int_equal(services_held(), 2);
	sync_to("192.0.2.10:443/tcp>2 192.0.2.0/24>3", 6);
	assert_int_equal(dataplane->config->now.flags, AG_CONFIG_ENFORCING | AG_CONFIG_PREFIX_DESTS);
	assert_int_equal(service_slot("[2001:db8::10]:443/tcp"), AG_NO_ACCOUNT);
	assert_int_equal(entries_of_map("ag_dest_prefixes"), 1);
	assert_int_equal(entries_of_map("ag_dests"), 1);
	reopen();
	assert_int_equal(services_held(), 2);
	assert_int_equal(sync_text("192.0.2.10:443/tcp>2 192.0.2.0/24>3", true), 0);
	sync_to("", 5);
	assert_int_equal(dataplane->config->now.flags, 0);
	assert_int_equal(services_held(), 0);
	assert_int_equal(entries_of_map("ag_dest_prefixes"), 0);
}

/* The table can be full, and then be wholly another; more than fit are refused. */
static void test_services_to_the_limit(void **state)
{
	char first[1024] = "", second[1024] = "", over[1100] = "";
	struct compiled_services services;

	(void)state;
	for (unsigned int i = 0; i < LIMITS.services; i++) {
		(void)snprintf(first + strlen(first), sizeof(first) - strlen(first), "192.0.2.%u>1 ", i);
		(void)snprintf(second + strlen(second), sizeof(second) - strlen(second), "198.51.100.%u>1 ",
			       i);
	}
	(void)snprintf(over, sizeof(over), "%s203.0.113.1>1", first);
	sync_to(first, 2 * LIMITS.services + 1);
	assert_int_equal(services_held(), LIMITS.services);
	sync_to(second, 4 * LIMITS.services);
	services = services_of(over);
	check_refused(dataplane_sync_services(dataplane, &services, false, NULL, &error), ERROR_LIMIT,
		      "17 services are more than the limit of 16");
	compiled_services_clear(&services);
	sync_text(first, false);
	assert_int_equal(sync_text(first, true), 0);
}

static void set_failsafe(const char *const *texts, size_t count)
{
	struct prefix prefixes[8];

	for (size_t i = 0; i < count; i++)
		check_ok(prefix_parse(texts[i], &prefixes[i], &error));
	check_ok(dataplane_set_failsafe(dataplane, prefixes, count, &error));
}

static void test_failsafe(void **state)
{
	static const char *const first[] = {"203.0.113.0/24", "2001:db8::/32", "203.0.113.0/24"};
	static const char *const second[] = {"198.51.100.1"};
	struct prefix *many = calloc(1025, sizeof(*many));

	(void)state;
	assert_non_null(many);
	set_failsafe(first, COUNT(first));
	assert_int_equal(entries_of_map("ag_failsafe"), 2);
	assert_int_equal(dataplane->config->now.flags, AG_CONFIG_FAILSAFE);
	sync_to("192.0.2.0/24>1", 3);
	assert_true(dataplane->config->now.flags &
		    AG_CONFIG_FAILSAFE); /* the service table leaves it alone */
	sync_to("", 3);
	assert_int_equal(dataplane->config->now.flags, AG_CONFIG_FAILSAFE);
	set_failsafe(second, COUNT(second));
	assert_int_equal(entries_of_map("ag_failsafe"), 1);
	for (uint32_t i = 0; i < 1025; i++) {
		uint8_t bytes[4] = {10, 0, (uint8_t)(i >> 8), (uint8_t)i};
		struct addr addr = addr_make(AG_FAMILY_IPV4, bytes);

		many[i] = prefix_of(&addr, 32);
	}
	check_refused(dataplane_set_failsafe(dataplane, many, 1025, &error), ERROR_LIMIT, "1024");
	assert_int_equal(entries_of_map("ag_failsafe"), 1);
	check_ok(dataplane_set_failsafe(dataplane, many, 1024, &error));
	reopen();
	assert_int_equal(entries_of_map("ag_failsafe"), 1024);
	set_failsafe(NULL, 0);
	assert_int_equal(dataplane->config->now.flags, 0);
	assert_int_equal(entries_of_map("ag_failsafe"), 0);
	free(many);
}

static void test_map_usage(void **state)
{
	struct compiled_account account = account_of(3, ENFORCE, "203.0.113.1 2001:db8::1");

	(void)state;
	assert_int_equal(entries_of_map("ag_accounts"), 0);
	change(NULL, &account);
	assert_int_equal(entries_of_map("ag_accounts"), 1);
	assert_int_equal(entries_of_map("ag_lines"), 2);
	reopen();
	assert_int_equal(entries_of_map("ag_lines"), 2);
	add_many(&account, FAMILY4, 500, 0, false);
	add_many(&account, FAMILY6, 500, 0, true);
	change(NULL, &account);
	check_ok(dataplane_tidy(dataplane, &error));
	assert_int_equal(entries_of_map("ag_lines"), 0);
	assert_int_equal(entries_of_map("ag_indexes4"), 1);
	assert_int_equal(entries_of_map("ag_lists6"), 1);
	reopen();
	assert_int_equal(entries_of_map("ag_indexes4"), 1);
	assert_int_equal(entries_of_map("ag_lists6"), 1);
	check_ok(dataplane_clear_account(dataplane, 3, &error));
	assert_int_equal(entries_of_map("ag_accounts"), 0);
	assert_int_equal(entries_of_map("ag_indexes4"), 0);
	assert_int_equal(entries_of_map("ag_lists6"), 0);
	compiled_account_clear(&account);
}

/* --- as many as are promised --------------------------------------------------- */

#define MANY 100000U

static struct addr addr_of_family(uint8_t family)
{
	return (struct addr){.family = family, .bytes = {family == AG_FAMILY_IPV4 ? 192 : 0x20, 0x02}};
}

/* Of each kind a fourth, each on an address or a prefix of its own: `asked` is a packet's that it is for. */
static struct claim nth_claim(uint32_t n, struct dataplane_question *asked)
{
	static const struct {
		const char *base; /* the last four bytes of which are n's */
		uint8_t bits, shift, proto, proto_asked;
		uint16_t port;
	} kinds[] = {
		{"10.0.0.0", 32, 0, IPPROTO_TCP, IPPROTO_TCP, 443},
		{"20.0.0.0", 32, 0, AG_PROTO_ANY, IPPROTO_UDP, AG_PORT_ANY},
		{"48.0.0.0", 28, 4, IPPROTO_UDP, IPPROTO_UDP, 53},
		{"2001:db8::", 128, 0, IPPROTO_TCP, IPPROTO_TCP, 443},
	};
	size_t kind = n % COUNT(kinds), last;
	struct claim claim = {.slot = n % LIMITS.accounts,
			      .service = {.proto = kinds[kind].proto, .port = kinds[kind].port}};
	struct addr addr;

	check_ok(addr_parse(kinds[kind].base, &addr, &error));
	last = addr_size(&addr) - 1;
	for (uint32_t i = 0, bits = n << kinds[kind].shift; i < 4; i++, bits >>= 8)
		addr.bytes[last - i] |= bits & 0xff;
	claim.service.dest = prefix_of(&addr, kinds[kind].bits);
	*asked = (struct dataplane_question){.source = addr_of_family(addr.family),
					     .dest = addr,
					     .proto = kinds[kind].proto_asked,
					     .port = kinds[kind].port == AG_PORT_ANY ? 99 : kinds[kind].port,
					     .slot = AG_NO_ACCOUNT};
	return claim;
}

static struct compiled_services many_services(void)
{
	struct claim *claims = calloc(MANY, sizeof(*claims));
	struct account accounts[64] = {0};
	struct compiled_services services = {0};
	struct dataplane_question asked;

	assert_non_null(claims);
	for (uint32_t slot = 0; slot < COUNT(accounts); slot++)
		accounts[slot] = (struct account){
			.id = slot + 1, .slot = slot, .mode = AG_MODE_ENFORCE, .entries4 = 1};
	for (uint32_t n = 0; n < MANY; n++)
		claims[n] = nth_claim(n, &asked);
	qsort(claims, MANY, sizeof(*claims), claim_compare);
	check_ok(compile_services(claims, MANY, accounts, COUNT(accounts), &services, &error));
	free(claims);
	return services;
}

/* All are held, and packets to them find whose they are. */
static void test_many_services(void **state)
{
	static const struct dataplane_limits limits = {.accounts = 64, .services = MANY, .entries = 4096};
	struct compiled_services services = many_services();
	struct dataplane_question asked;
	struct dataplane_answer answer;
	size_t changed;

	(void)state;
	check_ok(dataplane_open(host.pins, &limits, &dataplane, &error));
	check_ok(dataplane_sync_services(dataplane, &services, false, NULL, &error));
	check_ok(dataplane_sync_services(dataplane, &services, true, &changed, &error));
	assert_int_equal(changed, 0);
	assert_int_equal(services_held(), MANY);
	for (uint32_t n = 0; n < MANY; n += 97) {
		uint32_t slot = nth_claim(n, &asked).slot;

		check_ok(dataplane_ask(dataplane, &asked, &answer, &error));
		assert_int_equal(answer.slot, slot);
	}
	compiled_services_clear(&services);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_services),
		TEST(test_services_to_the_limit),
		TEST(test_failsafe),
		TEST(test_map_usage),
		cmocka_unit_test_teardown(test_many_services, teardown),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
