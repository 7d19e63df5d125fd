/* SPDX-License-Identifier: GPL-2.0-only */
/* actions_fixture.h - accounts that do more than to drop, in a network namespace with a device to redirect to
 */
#pragma once

#include "tests/prog/dataplane_fixture.h"

#include <net/if.h>

#define PORT   8080
#define LIST   "203.0.113.1"
#define DEVICE "q0"

static __attribute__((unused))
const struct settings REJECT = {.active = true, .on_deny = {.kind = AG_ON_DENY_REJECT}};
static __attribute__((unused)) const struct settings REDIRECT = {
	.active = true, .on_deny = {.kind = AG_ON_DENY_REDIRECT, .interface = DEVICE}};

static inline __attribute__((unused)) void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static inline __attribute__((unused)) int with_device(void **state)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	run("ip link set lo up && ip link add " DEVICE " type veth peer name q1 && ip link set " DEVICE
	    " up && ip link set q1 up");
	return setup(state);
}

static inline __attribute__((unused)) struct settings notice(uint16_t port, enum ag_mode mode)
{
	return (struct settings){
		.active = true, .mode = mode, .on_deny = {.kind = AG_ON_DENY_NOTICE, .port = port}};
}

static inline __attribute__((unused)) void put(uint32_t slot, struct settings settings)
{
	struct compiled_account want = account_of(slot, settings, settings.active ? LIST : "");

	change(NULL, &want);
	compiled_account_clear(&want);
}

static inline __attribute__((unused)) void tidy(void)
{
	check_ok(dataplane_tidy(dataplane, &error));
}

static inline __attribute__((unused)) uint8_t action_of(uint32_t slot)
{
	return account_state(dataplane, slot).action;
}

#define WITH_DEVICE(name) cmocka_unit_test_setup_teardown(name, with_device, teardown)
