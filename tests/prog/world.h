/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * world.h - one policy that has everything, and rows of frames with what must become of them
 */
#pragma once

#include "tests/prog/fill.h"

#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- the policy ---------------------------------------------------------- */

struct world_account {
	const char *name;
	enum ag_mode mode;
	const char *list[6]; /* '!' before what is denied */
	const char *services[9];
};

#define NOBODY                                                                                               \
	{                                                                                                    \
		"!100.100.100.100"                                                                           \
	}

static const struct world_account world[] = {
	{"web",
	 AG_MODE_ENFORCE,
	 {"203.0.113.0/24", "!203.0.113.128/25", "203.0.113.200", "2001:db8:1::/48", "!2001:db8:1:dead::/64"},
	 {"192.0.2.10:443/tcp", "192.0.2.10:any/icmp", "[2001:db8::10]:443/tcp", "[2001:db8::10]:any/icmp"}},
	{"watch",
	 AG_MODE_MONITOR,
	 {"203.0.113.0/24", "!203.0.113.128/25"},
	 {"192.0.2.11:443/tcp", "[2001:db8::11]:443/tcp"}},
	{"off", AG_MODE_OFF, {"203.0.113.0/24"}, {"192.0.2.12:443/tcp"}},
	{"empty", AG_MODE_ENFORCE, {NULL}, {"192.0.2.13", "2001:db8::13"}},
	{"four", AG_MODE_ENFORCE, {"203.0.113.0/24"}, {"192.0.2.14", "2001:db8::14"}},
	{"six", AG_MODE_ENFORCE, {"2001:db8:1::/48"}, {"192.0.2.15", "2001:db8::15"}},
	{"holes", AG_MODE_ENFORCE, {"!203.0.113.0/24"}, {"192.0.2.16"}},
	{"net",
	 AG_MODE_ENFORCE,
	 {"198.51.100.0/24", "2001:db8:2::/48"},
	 {"198.18.0.0/16:443/tcp", "198.18.0.0/16:8443/tcp", "198.18.0.0/16:53",
	  "[2001:db8:a::/48]:443/tcp"}},
	{"port and proto", AG_MODE_ENFORCE, NOBODY, {"198.18.0.20:443/tcp"}},
	{"port", AG_MODE_ENFORCE, NOBODY, {"198.18.0.20:443", "198.18.0.21:443"}},
	{"proto", AG_MODE_ENFORCE, NOBODY, {"198.18.0.20:any/tcp", "198.18.0.21:any/tcp"}},
	{"any", AG_MODE_ENFORCE, NOBODY, {"198.18.0.20", "198.18.0.21"}},
	{"sub", AG_MODE_ENFORCE, NOBODY, {"198.18.1.0/24:443/tcp", "198.18.1.7:22/tcp"}},
	{"deep",
	 AG_MODE_ENFORCE,
	 NOBODY,
	 {"10.0.0.0/12:1/tcp", "10.0.0.0/14:2/tcp", "10.0.0.0/16:2/tcp", "10.0.0.0/18:2/tcp",
	  "10.0.0.0/20:2/tcp", "10.0.0.0/22:2/tcp", "10.0.0.0/24:2/tcp", "10.0.0.1:2/tcp"}},
};

static inline struct account compile_world_account(uint32_t slot, struct compiled_account *ret)
{
	const struct world_account *account = &world[slot];
	struct account model = {.slot = slot, .mode = account->mode};
	struct list list = {0};

	for (size_t i = 0; i < COUNT(account->list) && account->list[i]; i++) {
		bool deny = account->list[i][0] == '!';
		struct entry entry = {.verdict = deny ? AG_ENTRY_DENY : AG_ENTRY_ALLOW};

		kernel_check(prefix_parse(account->list[i] + deny, &entry.prefix, NULL), account->list[i]);
		kernel_check(list_append(&list, &entry), "append");
	}
	assert_null(list_sort(&list));
	model.entries4 = list_count_family(&list, AG_FAMILY_IPV4);
	model.entries6 = list_count_family(&list, AG_FAMILY_IPV6);
	kernel_check(compile_account(&model, &list, ret), "compile");
	list_clear(&list);
	return model;
}

static inline size_t claims_of(uint32_t slot, struct claim *claims)
{
	size_t count = 0;

	for (size_t i = 0; i < COUNT(world[slot].services) && world[slot].services[i]; i++) {
		kernel_check(service_parse(world[slot].services[i], &claims[count].service, NULL),
			     world[slot].services[i]);
		claims[count++].slot = slot;
	}
	return count;
}

static inline struct allowgate_bpf *load_world(bool frags)
{
	struct allowgate_bpf *kernel = kernel_load(frags, 100);
	struct account accounts[COUNT(world)];
	struct claim claims[COUNT(world) * COUNT(world[0].services)];
	struct compiled_services services;
	struct ag_error error = {0};
	size_t count = 0;

	for (uint32_t slot = 0; slot < COUNT(world); slot++) {
		struct compiled_account compiled;

		accounts[slot] = compile_world_account(slot, &compiled);
		kernel_put_account(kernel, &compiled);
		compiled_account_clear(&compiled);
		count += claims_of(slot, claims + count);
	}
	if (compile_services(claims, count, accounts, COUNT(world), &services, &error))
		fail_msg("%s", error.message);
	(void)kernel_put_services(kernel, &services);
	kernel_put_failsafe(kernel, "203.0.113.250");
	kernel_put_failsafe(kernel, "2001:db8:fa::/48");
	kernel_put_config(kernel, services.flags | AG_CONFIG_FAILSAFE);
	compiled_services_clear(&services);
	return kernel;
}

/* --- rows of a table ----------------------------------------------------- */

struct row {
	const char *name;
	struct frame_spec spec;
	enum ag_verdict verdict;
	const char *account; /* whose verdict it is; NULL for those of the interface */
	uint32_t action;
};

#define FROM(text)  .source = (text)
#define TO(text)    .dest = (text)
#define TCP(number) .proto = IPPROTO_TCP, .source_port = 40000, .port = (number)
#define UDP(number) .proto = IPPROTO_UDP, .source_port = 40000, .port = (number)
#define EXT(...)    .extensions = {__VA_ARGS__}, .extension_count = sizeof((uint8_t[]){__VA_ARGS__})
#define TAGS(...)   .tags = {__VA_ARGS__}

#define ALLOWED4 FROM("203.0.113.7")
#define DENIED4	 FROM("100.64.0.9")
#define ALLOWED6 FROM("2001:db8:1::7")
#define DENIED6	 FROM("2001:db8:bad::7")
#define WEB4	 TO("192.0.2.10")
#define WEB6	 TO("2001:db8::10")

#define PASSES(name)  AG_VERDICT_ALLOWED, name, XDP_PASS
#define STOPPED(name) AG_VERDICT_DENIED, name, XDP_DROP
#define OPEN(name)    AG_VERDICT_OPEN, name, XDP_PASS
#define WATCHED(name) AG_VERDICT_WOULD_DENY, name, XDP_PASS
#define UNMATCHED     AG_VERDICT_UNMATCHED, NULL, XDP_PASS
#define FAILSAFE      AG_VERDICT_FAILSAFE, NULL, XDP_PASS
#define FRAGMENT      AG_VERDICT_FRAGMENT, NULL, XDP_PASS
#define BAD_DROPPED   AG_VERDICT_MALFORMED, NULL, XDP_DROP
#define BAD_PASSED    AG_VERDICT_MALFORMED, NULL, XDP_PASS
#define NOT_JUDGED    AG_VERDICT_NOT_JUDGED, NULL, XDP_PASS

static inline void check_row(struct allowgate_bpf *kernel, const struct row *row, size_t linear)
{
	static struct frame frame;
	struct outcome outcome;
	const char *account = NULL;

	frame_build(&frame, &row->spec);
	outcome = kernel_run(kernel, COUNT(world), &frame, linear < frame.len ? linear : 0);
	if (outcome.slot != AG_NO_ACCOUNT)
		account = world[outcome.slot].name;
	if (outcome.verdict != row->verdict || outcome.action != row->action ||
	    strcmp(account ? account : "", row->account ? row->account : "") != 0)
		fail_msg("%s: verdict %d of %s, action %u; wanted %d of %s, action %u", row->name,
			 outcome.verdict, account, outcome.action, row->verdict, row->account, row->action);
}
