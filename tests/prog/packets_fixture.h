/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packets_fixture.h - the oracle's policies put into a dataplane, and what became of a frame
 */
#pragma once

#include "tests/prog/private_host.h"

#include <limits.h>
#include <net/if.h>
#include <time.h>

#include "tests/oracle/generate.h"
#include "tests/oracle/oracle.h"
#include "userspace/io/dataplane_private.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define QUARANTINE   "quarantine0"

static const struct dataplane_limits LIMITS = {
	.accounts = ORACLE_ACCOUNTS_MAX, .services = ORACLE_SERVICES_MAX, .entries = 4096};
static struct ag_error error;
static struct dataplane *dataplane;

static inline int packets_setup(void **state)
{
	(void)state;
	if (system("ip link add " QUARANTINE " type veth peer name quarantine1") != 0)
		host_skip("cannot make a veth pair");
	check_ok(dataplane_open(host.pins, &LIMITS, &dataplane, &error));
	return 0;
}

static inline int packets_teardown(void **state)
{
	(void)state;
	dataplane_close(dataplane);
	dataplane = NULL;
	check_ok(dataplane_uninstall(host.pins, &error));
	return system("ip link delete " QUARANTINE) ? -1 : 0;
}

/* --- policies ------------------------------------------------------------------ */

static inline struct prefix prefix_of_oracle(const struct oracle_prefix *prefix)
{
	struct addr addr = addr_make((enum ag_family)prefix->addr.family, prefix->addr.bytes);

	return prefix_of(&addr, prefix->len);
}

static inline void list_of_oracle(const struct oracle_account *from, struct list *list)
{
	for (size_t i = 0; i < from->entry_count; i++) {
		const struct oracle_entry *entry = &from->entries[i];
		struct entry add = {.prefix = prefix_of_oracle(&entry->prefix),
				    .verdict = entry->deny ? AG_ENTRY_DENY : AG_ENTRY_ALLOW,
				    .disabled = entry->disabled,
				    .expires = entry->expires};

		assert_int_equal(list_append(list, &add), 0);
	}
	assert_null(list_sort(list));
}

/* Its settings and counts; a slot that the policy has no account for is one without entries. */
static inline struct account account_of_oracle(const struct oracle_policy *policy, uint32_t slot)
{
	const struct oracle_account *from = &policy->accounts[slot];
	struct account account = {.id = slot + 1, .slot = slot};

	if (slot >= policy->account_count)
		return account;
	account.mode = from->mode;
	account.on_deny.kind = from->on_deny;
	account.on_deny.port = from->notice_port;
	if (from->on_deny == AG_ON_DENY_REDIRECT)
		(void)snprintf(account.on_deny.interface, sizeof(account.on_deny.interface), QUARANTINE);
	for (size_t i = 0; i < from->entry_count; i++) {
		bool ipv4 = from->entries[i].prefix.addr.family == AG_FAMILY_IPV4;

		account.entries4 += ipv4;
		account.entries6 += !ipv4;
		account.disabled4 += ipv4 && from->entries[i].disabled;
		account.disabled6 += !ipv4 && from->entries[i].disabled;
	}
	return account;
}

static inline void put_account(const struct oracle_policy *policy, uint32_t slot)
{
	struct account account = account_of_oracle(policy, slot);
	struct compiled_account compiled;
	struct dataplane_change *staged;
	struct list list = {0};

	if (slot < policy->account_count)
		list_of_oracle(&policy->accounts[slot], &list);
	assert_int_equal(compile_account(&account, &list, &compiled), 0);
	check_ok(dataplane_stage(dataplane, NULL, &compiled, &staged, &error));
	check_ok(dataplane_publish(dataplane, staged, &error));
	dataplane_change_free(staged);
	compiled_account_clear(&compiled);
	list_clear(&list);
}

static inline void put_services(const struct oracle_policy *policy)
{
	struct account accounts[ORACLE_ACCOUNTS_MAX];
	struct claim claims[ORACLE_SERVICES_MAX];
	struct compiled_services services = {0};

	for (uint32_t slot = 0; slot < ORACLE_ACCOUNTS_MAX; slot++)
		accounts[slot] = account_of_oracle(policy, slot);
	for (size_t i = 0; i < policy->service_count; i++) {
		const struct oracle_service *from = &policy->services[i];

		claims[i] = (struct claim){.service = {.dest = prefix_of_oracle(&from->dest),
						       .port = from->port,
						       .proto = from->proto},
					   .slot = from->account};
	}
	check_ok(compile_services(claims, policy->service_count, accounts, COUNT(accounts), &services,
				  &error));
	check_ok(dataplane_sync_services(dataplane, &services, false, NULL, &error));
	compiled_services_clear(&services);
}

static inline void put_policy(const struct oracle_policy *policy)
{
	struct prefix failsafes[ORACLE_FAILSAFES_MAX];

	for (size_t i = 0; i < policy->failsafe_count; i++)
		failsafes[i] = prefix_of_oracle(&policy->failsafes[i]);
	check_ok(dataplane_set_failsafe(dataplane, failsafes, policy->failsafe_count, &error));
	for (uint32_t slot = 0; slot < ORACLE_ACCOUNTS_MAX; slot++)
		put_account(policy, slot);
	put_services(policy);
	check_ok(dataplane_tidy(dataplane, &error));
}

/* --- the clock ----------------------------------------------------------------- */

static inline int64_t boot_seconds(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
	return now.tv_sec;
}

/* Until the next second it is the policy's time. *at: the second that it was set in. */
static inline void set_time(const struct oracle_policy *policy, int64_t *at)
{
	*at = boot_seconds();
	dataplane_set_clock(dataplane, ((int64_t)policy->now - *at) * 1000000000);
}

/* --- counters ------------------------------------------------------------------ */

/* Everything that is counted, summed over CPUs. */
struct tally {
	struct ag_counter account[ORACLE_ACCOUNTS_MAX][AG_VERDICT_ACCOUNT_MAX];
	struct ag_counter interface[AG_VERDICT_INTERFACE_MAX];
};

#define TALLY_VALUES_MAX 8192

static inline void add_up(struct ag_counter *sums, const struct ag_counter *each, size_t count)
{
	for (size_t cpu = 0; cpu < dataplane->cpus; cpu++)
		for (size_t i = 0; i < count; i++) {
			sums[i].packets += each[cpu * count + i].packets;
			sums[i].bytes += each[cpu * count + i].bytes;
		}
}

static inline void tally_accounts(const struct bpf_map *map, size_t first, size_t count, struct tally *tally)
{
	static struct ag_counter values[TALLY_VALUES_MAX];
	uint32_t keys[ORACLE_ACCOUNTS_MAX], next, found = ORACLE_ACCOUNTS_MAX;

	assert_true(ORACLE_ACCOUNTS_MAX * dataplane->cpus * count <= TALLY_VALUES_MAX);
	if (bpf_map_lookup_batch(bpf_map__fd(map), NULL, &next, keys, values, &found, NULL) < 0)
		assert_int_equal(errno, ENOENT); /* it was the last part */
	assert_int_equal(found, ORACLE_ACCOUNTS_MAX);
	for (uint32_t i = 0; i < found; i++)
		add_up(tally->account[keys[i]] + first, values + i * dataplane->cpus * count, count);
}

static inline void tally_interface(uint32_t ifindex, struct tally *tally)
{
	static struct ag_counter values[TALLY_VALUES_MAX];

	if (!bpf_map_lookup_elem(bpf_map__fd(dataplane->skeleton->maps.ag_interface_counters), &ifindex,
				 values))
		add_up(tally->interface, values, AG_VERDICT_INTERFACE_MAX);
}

static inline void take_tally(uint32_t ifindex, struct tally *tally)
{
	memset(tally, 0, sizeof(*tally));
	tally_accounts(dataplane->skeleton->maps.ag_account_counters, 0, AG_VERDICT_JUDGED_MAX, tally);
	tally_accounts(dataplane->skeleton->maps.ag_action_counters, AG_VERDICT_JUDGED_MAX,
		       AG_VERDICT_ACTION_MAX, tally);
	tally_interface(ifindex, tally);
}

/* What a frame came to by the counters. */
struct counted {
	enum ag_verdict verdict; /* AG_VERDICT_NOT_JUDGED: none moved */
	uint32_t account;	 /* AG_NO_ACCOUNT */
	unsigned int moved;	 /* counters */
	bool exact;		 /* by one packet of so many bytes */
};

static inline void note_moved(const struct ag_counter *before, const struct ag_counter *after, size_t count,
			      size_t bytes, unsigned int first_verdict, uint32_t account,
			      struct counted *counted)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t packets = after[i].packets - before[i].packets;

		if (!packets && after[i].bytes == before[i].bytes)
			continue;
		counted->moved++;
		counted->exact &= packets == 1 && after[i].bytes - before[i].bytes == bytes;
		counted->verdict = (enum ag_verdict)(first_verdict + i);
		counted->account = account;
	}
}

static inline struct counted what_moved(const struct tally *before, const struct tally *after, size_t bytes)
{
	struct counted counted = {.verdict = AG_VERDICT_NOT_JUDGED, .account = AG_NO_ACCOUNT, .exact = true};

	for (uint32_t slot = 0; slot < ORACLE_ACCOUNTS_MAX; slot++)
		note_moved(before->account[slot], after->account[slot], AG_VERDICT_ACCOUNT_MAX, bytes, 0,
			   slot, &counted);
	note_moved(before->interface, after->interface, AG_VERDICT_INTERFACE_MAX, bytes,
		   AG_VERDICT_ACCOUNT_MAX, AG_NO_ACCOUNT, &counted);
	return counted;
}

/* Over its rate limit, the program drops what it would answer, and counts it as denied. */
static inline bool is_over_limit(const struct oracle_answer *wanted, const struct counted *counted)
{
	return wanted->action == ORACLE_ANSWERED && counted->verdict == AG_VERDICT_DENIED;
}

static inline bool counts_agree(const struct oracle_answer *wanted, const struct counted *counted)
{
	return counted->moved <= 1 && counted->exact && counted->account == wanted->account &&
	       (counted->verdict == wanted->verdict || is_over_limit(wanted, counted));
}

/* Over a frame of which so many bytes are in the first buffer (0: all that have room there). */
static inline int run_program(struct frame *frame, uint32_t linear, uint32_t *ret_action)
{
	struct xdp_md context = {.data_end = linear};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame_data(frame),
		    .data_size_in = (uint32_t)frame->len, .repeat = 1);
	int r;

	if (linear) {
		opts.ctx_in = &context;
		opts.ctx_size_in = sizeof(context);
	}
	r = bpf_prog_test_run_opts(bpf_program__fd(dataplane->skeleton->progs.ag_ingress), &opts);
	*ret_action = opts.retval;
	return r;
}

static inline bool action_agrees(const struct oracle_answer *wanted, const struct counted *counted,
				 uint32_t action)
{
	static const uint32_t actions[] = {
		[ORACLE_PASSES] = XDP_PASS,    [ORACLE_DROPPED] = XDP_DROP,	   [ORACLE_ANSWERED] = XDP_TX,
		[ORACLE_REWRITTEN] = XDP_PASS, [ORACLE_REDIRECTED] = XDP_REDIRECT,
	};

	return action == (is_over_limit(wanted, counted) ? XDP_DROP : actions[wanted->action]);
}

/* The same frame, where the table can be read otherwise. */
static inline struct oracle_answer read_otherwise(struct oracle_policy *policy, const uint8_t *frame,
						  size_t len)
{
	struct oracle_answer answer;

	policy->other_reading = true;
	answer = oracle_judge(policy, frame, len);
	policy->other_reading = false;
	return answer;
}

static inline unsigned long number_of(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

static inline void show_counted(FILE *to, const struct counted *counted)
{
	(void)fprintf(to, "verdict %d, account %d%s", counted->verdict, (int)counted->account,
		      counted->moved > 1 || !counted->exact ? ", counted otherwise than once" : "");
}
