/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * oracle_fixture.h - a small policy that has everything, for the oracle's own tests
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/oracle/generate.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW	     1000000U

/* --- the policy ---------------------------------------------------------------- */

static struct oracle_policy policy;

static inline struct oracle_prefix prefix_of_text(const char *text)
{
	char copy[64], *slash;
	struct oracle_addr addr = {.family = strchr(text, ':') ? AG_FAMILY_IPV6 : AG_FAMILY_IPV4};
	bool ipv4 = addr.family == AG_FAMILY_IPV4;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	assert_int_equal(inet_pton(ipv4 ? AF_INET : AF_INET6, copy, addr.bytes), 1);
	return oracle_prefix_around(&addr, slash ? (unsigned int)atoi(slash) : ipv4 ? 32U : 128U);
}

static inline uint32_t add_account(enum ag_mode mode, enum ag_on_deny on_deny)
{
	struct oracle_account *account = &policy.accounts[policy.account_count];

	account->mode = mode;
	account->on_deny = on_deny;
	account->notice_port = on_deny == AG_ON_DENY_NOTICE ? 8403 : 0;
	return (uint32_t)policy.account_count++;
}

static inline struct oracle_entry *add_entry(uint32_t account, const char *prefix)
{
	struct oracle_account *owner = &policy.accounts[account];
	struct oracle_entry *entry = &owner->entries[owner->entry_count++];

	entry->prefix = prefix_of_text(prefix);
	return entry;
}

static inline void add_service(uint32_t account, const char *dest, uint8_t proto, uint16_t port)
{
	policy.services[policy.service_count++] = (struct oracle_service){
		.dest = prefix_of_text(dest), .proto = proto, .port = port, .account = account};
}

enum { WEB, WATCH, OFF, EMPTY, NET, REJECT, NOTICE, ELSEWHERE };

static inline void add_web(void)
{
	assert_int_equal(add_account(AG_MODE_ENFORCE, AG_ON_DENY_DROP), WEB);
	(void)add_entry(WEB, "203.0.113.0/24");
	add_entry(WEB, "203.0.113.128/25")->deny = true;
	(void)add_entry(WEB, "203.0.113.200");
	add_entry(WEB, "203.0.113.201")->disabled = true;
	add_entry(WEB, "198.51.100.1")->expires = NOW + 1;
	add_entry(WEB, "198.51.100.2")->expires = NOW;
	add_entry(WEB, "203.0.113.1")->expires = NOW - 1;
	policy.accounts[WEB].entries[6].deny = true;
	(void)add_entry(WEB, "2001:db8:1::/48");
	add_service(WEB, "192.0.2.10", IPPROTO_TCP, 443);
	add_service(WEB, "192.0.2.10", IPPROTO_ICMP, AG_PORT_ANY);
	add_service(WEB, "2001:db8::10", IPPROTO_TCP, 443);
	add_service(WEB, "2001:db8::10", IPPROTO_ICMP, AG_PORT_ANY);
	add_service(WEB, "192.0.2.10", IPPROTO_UDP, 53);
}

static inline void add_others(void)
{
	assert_int_equal(add_account(AG_MODE_MONITOR, AG_ON_DENY_REJECT), WATCH);
	(void)add_entry(WATCH, "203.0.113.0/24");
	add_service(WATCH, "192.0.2.11", AG_PROTO_ANY, AG_PORT_ANY);
	assert_int_equal(add_account(AG_MODE_OFF, AG_ON_DENY_DROP), OFF);
	(void)add_entry(OFF, "203.0.113.0/24");
	add_service(OFF, "192.0.2.12", AG_PROTO_ANY, AG_PORT_ANY);
	assert_int_equal(add_account(AG_MODE_ENFORCE, AG_ON_DENY_DROP), EMPTY);
	add_entry(EMPTY, "203.0.113.0/24")->disabled = true;
	add_service(EMPTY, "192.0.2.13", AG_PROTO_ANY, AG_PORT_ANY);
	assert_int_equal(add_account(AG_MODE_ENFORCE, AG_ON_DENY_DROP), NET);
	add_entry(NET, "203.0.113.0/24")->expires = NOW - 5;
	add_service(NET, "198.18.0.0/16", IPPROTO_TCP, 443);
	add_service(NET, "198.18.0.0/16", AG_PROTO_ANY, 53);
	add_service(NET, "198.18.9.0/24", IPPROTO_UDP, AG_PORT_ANY);
	assert_int_equal(add_account(AG_MODE_ENFORCE, AG_ON_DENY_REJECT), REJECT);
	(void)add_entry(REJECT, "203.0.113.0/24");
	add_service(REJECT, "198.18.1.7", IPPROTO_TCP, AG_PORT_ANY);
	add_service(REJECT, "192.0.2.14", AG_PROTO_ANY, AG_PORT_ANY);
	assert_int_equal(add_account(AG_MODE_ENFORCE, AG_ON_DENY_NOTICE), NOTICE);
	(void)add_entry(NOTICE, "203.0.113.0/24");
	add_service(NOTICE, "198.18.2.7", AG_PROTO_ANY, AG_PORT_ANY);
	assert_int_equal(add_account(AG_MODE_ENFORCE, AG_ON_DENY_REDIRECT), ELSEWHERE);
	(void)add_entry(ELSEWHERE, "203.0.113.0/24");
	add_service(ELSEWHERE, "198.18.3.7", AG_PROTO_ANY, AG_PORT_ANY);
}

static inline int setup(void **state)
{
	(void)state;
	memset(&policy, 0, sizeof(policy));
	policy.now = NOW;
	add_web();
	add_others();
	policy.failsafes[policy.failsafe_count++] = prefix_of_text("203.0.113.250");
	policy.failsafes[policy.failsafe_count++] = prefix_of_text("2001:db8:fa::/48");
	return 0;
}
