// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_actions_table.c - what accounts do with stopped packets: rows shared and used again, devices that come
 * and go, and notice servers' ports
 */
#include "tests/prog/actions_fixture.h"

#include <arpa/inet.h>

/* A row as the program reads it. */
static struct ag_action row(uint32_t index)
{
	struct ag_action action = {0};
	int fd = host_map(MAPS "/ag_actions");

	assert_int_equal(bpf_map_lookup_elem(fd, &index, &action), 0);
	(void)close(fd);
	return action;
}

static bool row_is_free(uint32_t index)
{
	static const struct ag_action nothing = {0};
	const struct ag_action action = row(index);

	return memcmp(&action, &nothing, sizeof(action)) == 0;
}

static uint32_t device_at(uint32_t index)
{
	uint32_t ifindex = 0;
	int fd = host_map(MAPS "/ag_devices");

	if (bpf_map_lookup_elem(fd, &index, &ifindex))
		ifindex = 0;
	(void)close(fd);
	return ifindex;
}

static bool port_is_set(uint16_t port)
{
	uint32_t word = port / 64;
	uint64_t bits = 0;
	int fd = host_map(MAPS "/ag_notice_ports");

	assert_int_equal(bpf_map_lookup_elem(fd, &word, &bits), 0);
	(void)close(fd);
	return bits >> port % 64 & 1;
}

static bool notice_is_set(void)
{
	return dataplane->config->now.flags & AG_CONFIG_NOTICE;
}

/* --- after every store, as the program sees it ------------------------------------- */

static struct {
	uint32_t slot;
	uint16_t port;
	bool on;
	size_t stores;
	size_t wrong; /* the account hands visitors over, and the port is not a notice server's, or no flag */
} stepper;

static void after_store(void)
{
	union ag_account_state state;

	if (!stepper.on)
		return;
	stepper.stores++;
	state = account_state(dataplane, stepper.slot);
	if (state.action < AG_ACTIONS_FIRST || state.flags & AG_ACCOUNT_MONITOR)
		return;
	stepper.wrong += !port_is_set(stepper.port) || !notice_is_set() ||
			 row(state.action).kind != AG_ON_DENY_NOTICE ||
			 row(state.action).port_be != htons(stepper.port);
}

/* These stand in the place of dataplane_store.c. */
void store_u32(uint32_t *to, uint32_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
	after_store();
}

void store_u64(__u64 *to, uint64_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
	after_store();
}

/* --- rows ----------------------------------------------------------------------- */

static void test_rows(void **state)
{
	struct ag_action action;

	(void)state;
	put(1, ENFORCE);
	put(2, REJECT);
	put(3, notice(PORT, AG_MODE_ENFORCE));
	put(4, notice(PORT, AG_MODE_MONITOR));
	put(5, notice(PORT + 1, AG_MODE_ENFORCE));
	put(6, REDIRECT);
	assert_int_equal(action_of(1), AG_ACTION_DROP);
	assert_int_equal(action_of(2), AG_ACTION_REJECT);
	assert_true(action_of(3) >= AG_ACTIONS_FIRST);
	assert_int_equal(action_of(4), action_of(3)); /* shared */
	assert_int_not_equal(action_of(5), action_of(3));
	assert_int_not_equal(action_of(6), action_of(3));
	action = row(action_of(3));
	assert_int_equal(action.kind, AG_ON_DENY_NOTICE);
	assert_int_equal(ntohs(action.port_be), PORT);
	action = row(action_of(6));
	assert_int_equal(action.kind, AG_ON_DENY_REDIRECT);
	assert_string_equal(action.interface, DEVICE);
	assert_int_equal(action.ifindex, if_nametoindex(DEVICE));
	assert_int_equal(device_at(action_of(6)), if_nametoindex(DEVICE));
}

/* What a packet under way may still look at stays until none is. */
static void test_rows_wait(void **state)
{
	uint8_t first, redirect;

	(void)state;
	put(3, notice(PORT, AG_MODE_ENFORCE));
	put(4, notice(PORT, AG_MODE_ENFORCE));
	put(5, REDIRECT);
	first = action_of(3);
	redirect = action_of(5);
	put(3, ENFORCE);
	tidy();
	assert_int_equal(row(first).kind, AG_ON_DENY_NOTICE); /* account 4's */
	put(4, REJECT);
	put(5, INACTIVE);
	assert_int_equal(ntohs(row(first).port_be), PORT);
	assert_int_equal(device_at(redirect), if_nametoindex(DEVICE));
	put(3, notice(PORT + 1, AG_MODE_ENFORCE));
	assert_int_not_equal(action_of(3), first); /* not used again yet */
	assert_int_not_equal(action_of(3), redirect);
	tidy();
	assert_true(row_is_free(first));
	assert_true(row_is_free(redirect));
	assert_int_equal(device_at(redirect), 0);
	put(4, notice(PORT + 2, AG_MODE_ENFORCE));
	assert_int_equal(action_of(4), first);
}

/* One that comes back while it waits is the same one, and stays. */
static void test_row_comes_back(void **state)
{
	uint8_t index;

	(void)state;
	put(3, notice(PORT, AG_MODE_ENFORCE));
	index = action_of(3);
	put(3, ENFORCE);
	put(3, notice(PORT, AG_MODE_ENFORCE));
	assert_int_equal(action_of(3), index);
	tidy();
	assert_int_equal(ntohs(row(index).port_be), PORT);
	assert_true(port_is_set(PORT));
}

/* A change that is staged holds its row, and one that is dropped leaves nothing. */
static void test_staged(void **state)
{
	struct compiled_account want = account_of(3, REDIRECT, LIST);
	struct dataplane_change *staged, *other;

	(void)state;
	check_ok(dataplane_stage(dataplane, NULL, &want, &staged, &error));
	assert_int_equal(device_at(AG_ACTIONS_FIRST), if_nametoindex(DEVICE)); /* before the word names it */
	check_ok(dataplane_stage(dataplane, NULL, &want, &other, &error));
	dataplane_change_free(other);
	put(4, notice(PORT, AG_MODE_ENFORCE));
	put(4, INACTIVE);
	tidy();
	assert_int_equal(row(AG_ACTIONS_FIRST).kind, AG_ON_DENY_REDIRECT);
	check_ok(dataplane_publish(dataplane, staged, &error));
	dataplane_change_free(staged);
	assert_in_kernel(&want);
	put(3, INACTIVE);
	tidy();
	check_ok(dataplane_stage(dataplane, NULL, &want, &staged, &error));
	dataplane_change_free(staged);
	assert_true(row_is_free(AG_ACTIONS_FIRST));
	assert_int_equal(device_at(AG_ACTIONS_FIRST), 0);
	compiled_account_clear(&want);
}

/* 254 beside drop and reject; the next is refused before anything is done, until one of them goes. */
static void test_as_many_as_there_are(void **state)
{
	static const struct dataplane_limits many = {.accounts = 300, .services = 16, .entries = 16};
	const uint32_t most = AG_ACTIONS_MAX - AG_ACTIONS_FIRST;
	struct compiled_account over = account_of(most, notice(1000, AG_MODE_MONITOR), LIST);
	struct dataplane_change *staged = NULL;

	(void)state;
	dataplane_close(dataplane);
	check_ok(dataplane_open(host.pins, &many, &dataplane, &error));
	for (uint32_t slot = 0; slot < most; slot++)
		put(slot, notice((uint16_t)(2000 + slot), AG_MODE_MONITOR));
	check_refused(dataplane_stage(dataplane, NULL, &over, &staged, &error), ERROR_LIMIT, "254");
	assert_null(staged);
	assert_int_equal(account_state(dataplane, most).word, 0);
	put(most, notice(2000 + 17, AG_MODE_MONITOR)); /* there already */
	put(most, REJECT);
	put(77, ENFORCE);
	change(NULL, &over); /* what 77 had waits for a grace period, which is taken here */
	compiled_account_clear(&over);
}

/* --- devices -------------------------------------------------------------------- */

static void refresh(void)
{
	check_ok(dataplane_refresh_devices(dataplane, &error));
	assert_int_equal(error.code, ERROR_NONE);
}

static void test_no_device(void **state)
{
	struct settings nowhere = REDIRECT;
	struct compiled_account want;
	struct dataplane_change *staged = NULL;

	(void)state;
	(void)snprintf(nowhere.on_deny.interface, sizeof(nowhere.on_deny.interface), "q7");
	want = account_of(3, nowhere, LIST);
	check_refused(dataplane_stage(dataplane, NULL, &want, &staged, &error), ERROR_NOT_FOUND, "'q7'");
	assert_null(staged);
	assert_true(row_is_free(AG_ACTIONS_FIRST));
	compiled_account_clear(&want);
}

static void test_device_made_again(void **state)
{
	uint32_t first = if_nametoindex(DEVICE);
	uint8_t index;

	(void)state;
	put(3, REDIRECT);
	index = action_of(3);
	refresh();
	assert_int_equal(row(index).ifindex, first);
	run("ip link del " DEVICE);
	refresh();
	assert_int_equal(row(index).ifindex, 0);
	assert_int_equal(device_at(index), 0);
	run("ip link add dummy9 type veth peer name dummy8 && ip link add " DEVICE " type veth peer name q1");
	assert_int_not_equal(if_nametoindex(DEVICE), first);
	refresh();
	assert_int_equal(row(index).ifindex, if_nametoindex(DEVICE));
	assert_int_equal(device_at(index), if_nametoindex(DEVICE));
}

/* Without a word of its going in between, too. */
static void test_device_made_again_at_once(void **state)
{
	(void)state;
	put(3, REDIRECT);
	run("ip link del " DEVICE " && ip link add dummy9 type veth peer name dummy8 && ip link add " DEVICE
	    " type veth peer name q1");
	refresh();
	assert_int_equal(device_at(action_of(3)), if_nametoindex(DEVICE));
}

/* One that is staged again brings its device along, without a refresh. */
static void test_device_comes_by_a_change(void **state)
{
	(void)state;
	put(3, REDIRECT);
	run("ip link del " DEVICE);
	refresh();
	run("ip link add dummy9 type veth peer name dummy8 && ip link add " DEVICE " type veth peer name q1");
	put(4, REDIRECT);
	assert_int_equal(action_of(4), action_of(3));
	assert_int_equal(row(action_of(4)).ifindex, if_nametoindex(DEVICE));
	assert_int_equal(device_at(action_of(4)), if_nametoindex(DEVICE));
}

/* The name is what counts: a device that has another one now is not the one that was meant. */
static void test_device_renamed(void **state)
{
	(void)state;
	put(3, REDIRECT);
	run("ip link set " DEVICE " down && ip link set " DEVICE " name q9 && ip link set q9 up");
	refresh();
	assert_int_equal(row(action_of(3)).ifindex, 0);
	assert_int_equal(device_at(action_of(3)), 0);
}

/* --- notice --------------------------------------------------------------------- */

static void test_notice_ports(void **state)
{
	(void)state;
	assert_false(notice_is_set());
	put(3, notice(PORT, AG_MODE_MONITOR));
	assert_false(notice_is_set());
	assert_false(port_is_set(PORT));
	put(4, notice(PORT, AG_MODE_ENFORCE));
	assert_true(notice_is_set());
	assert_true(port_is_set(PORT));
	put(5, notice(65535, AG_MODE_ENFORCE));
	assert_true(port_is_set(65535));
	put(4, notice(PORT, AG_MODE_MONITOR));
	assert_false(port_is_set(PORT));
	assert_true(notice_is_set());
	put(5, REJECT);
	assert_false(port_is_set(65535));
	assert_false(notice_is_set());
	put(3, notice(PORT, AG_MODE_ENFORCE));
	assert_true(notice_is_set());
	assert_true(port_is_set(PORT));
	put(3, INACTIVE);
	assert_false(notice_is_set());
	assert_false(port_is_set(PORT));
}

/* At no moment is a visitor handed to a port that is not a notice server's. */
static void test_port_before_word(void **state)
{
	(void)state;
	stepper.slot = 3;
	stepper.port = PORT;
	stepper.on = true;
	for (int i = 0; i < 3; i++) {
		put(3, notice(PORT, AG_MODE_ENFORCE));
		put(3, i % 2 ? INACTIVE : ENFORCE);
		tidy();
		put(3, notice(PORT, AG_MODE_MONITOR));
		put(3, notice(PORT, AG_MODE_ENFORCE));
		put(3, INACTIVE);
	}
	stepper.on = false;
	assert_true(stepper.stores > 20);
	assert_int_equal(stepper.wrong, 0);
}

/* --- another daemon -------------------------------------------------------------- */

static void test_adoption(void **state)
{
	struct compiled_account redirect = account_of(3, REDIRECT, LIST);
	struct compiled_account handed = account_of(4, notice(PORT, AG_MODE_ENFORCE), LIST);
	struct compiled_account staged_one = account_of(5, notice(PORT + 1, AG_MODE_ENFORCE), LIST);
	struct dataplane_change *staged;
	uint8_t index, held;

	(void)state;
	change(NULL, &redirect);
	change(NULL, &handed);
	index = action_of(3);
	held = action_of(4);
	check_ok(dataplane_stage(dataplane, NULL, &staged_one, &staged, &error));
	staged->has_action = false; /* as where it is killed in between */
	dataplane_change_free(staged);
	assert_int_equal(ntohs(row(AG_ACTIONS_FIRST + 2).port_be), PORT + 1);
	run("ip link del " DEVICE " && ip link add dummy9 type veth peer name dummy8 && ip link add " DEVICE
	    " type veth peer name q1");
	reopen();
	assert_in_kernel(&redirect);
	assert_in_kernel(&handed);
	assert_int_equal(action_of(3), index);
	assert_int_equal(device_at(index), if_nametoindex(DEVICE));
	assert_true(port_is_set(PORT));
	assert_true(notice_is_set());
	assert_true(row_is_free(AG_ACTIONS_FIRST + 2));
	put(6, notice(PORT, AG_MODE_ENFORCE));
	assert_int_equal(action_of(6), held);
	put(6, INACTIVE);
	put(4, INACTIVE);
	put(3, INACTIVE);
	tidy();
	assert_true(row_is_free(index));
	assert_true(row_is_free(held));
	assert_false(notice_is_set());
	compiled_account_clear(&redirect);
	compiled_account_clear(&handed);
	compiled_account_clear(&staged_one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DEVICE(test_rows),
		WITH_DEVICE(test_rows_wait),
		WITH_DEVICE(test_row_comes_back),
		WITH_DEVICE(test_staged),
		WITH_DEVICE(test_as_many_as_there_are),
		WITH_DEVICE(test_no_device),
		WITH_DEVICE(test_device_made_again),
		WITH_DEVICE(test_device_made_again_at_once),
		WITH_DEVICE(test_device_comes_by_a_change),
		WITH_DEVICE(test_device_renamed),
		WITH_DEVICE(test_notice_ports),
		WITH_DEVICE(test_port_before_word),
		WITH_DEVICE(test_adoption),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
