/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * actions.h - one account for each action, and frames run to see what they have become
 *
 * All lists hold the same: whoever comes from 203.0.113.0/24 or 2001:db8:1::/48 is let in. Every failure ends
 * the test.
 */
#pragma once

#include "tests/prog/fill.h"

#include <time.h>

#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LISTED4	  "203.0.113.7"
#define LISTED6	  "2001:db8:1::7"
#define STRANGER4 "100.64.0.9"
#define STRANGER6 "2001:db8:bad::7"

#define NOTICE_PORT 8080
#define OTHER_PORT  8081

/* The indices in ag_actions. */
enum {
	NOTICE_ACTION = AG_ACTIONS_FIRST,
	OTHER_NOTICE_ACTION,
	REDIRECT_ACTION,
	REJECT_ACTION_TOO, /* reject by its kind, not by its index */
};

struct actions_account {
	const char *name;
	uint8_t action;
	const char *services[4];
};

static const struct actions_account actions_world[] = {
	{"reject", AG_ACTION_REJECT, {"192.0.2.10", "2001:db8::10"}},
	{"reject in a prefix", AG_ACTION_REJECT, {"198.18.0.0/16", "2001:db8:a::/48"}},
	{"notice",
	 NOTICE_ACTION,
	 {"192.0.2.20:80/tcp", "192.0.2.20:443/tcp", "[2001:db8::20]:80/tcp", "192.0.2.20:any/udp"}},
	{"other notice",
	 OTHER_NOTICE_ACTION,
	 {"192.0.2.21", "[2001:db8::21]:any/tcp", "198.19.0.0/16:80/tcp"}},
	{"redirect", REDIRECT_ACTION, {"192.0.2.30", "2001:db8::30"}},
	{"reject by kind", REJECT_ACTION_TOO, {"192.0.2.40"}},
	{"nonsense", AG_ACTIONS_MAX - 1, {"192.0.2.50"}},
};
#define ACTIONS_ACCOUNTS COUNT(actions_world)

/* What became of a frame. */
struct actions_result {
	uint32_t action;
	enum ag_verdict verdict; /* AG_VERDICT_NOT_JUDGED: no account counted it */
	uint32_t slot;
	size_t len;
	uint8_t data[FRAME_MAX];
};

struct actions_tally {
	struct ag_counter account[ACTIONS_ACCOUNTS][AG_VERDICT_ACCOUNT_MAX];
};

static inline void actions_put(struct allowgate_bpf *kernel, uint32_t index, const struct ag_action *action)
{
	kernel_put(kernel->maps.ag_actions, &index, action);
}

static inline void actions_put_notice_port(struct allowgate_bpf *kernel, uint16_t port)
{
	const uint32_t word = port / 64;
	uint64_t bits;

	kernel_get(kernel->maps.ag_notice_ports, word, &bits);
	bits |= 1ULL << (port % 64);
	kernel_put(kernel->maps.ag_notice_ports, &word, &bits);
}

static inline struct account actions_put_account(struct allowgate_bpf *kernel, uint32_t slot)
{
	static const char *const allowed[] = {"203.0.113.0/24", "2001:db8:1::/48"};
	struct account model = {.slot = slot, .mode = AG_MODE_ENFORCE};
	struct compiled_account compiled;
	struct list list = {0};
	struct ag_account word;

	for (size_t i = 0; i < COUNT(allowed); i++) {
		struct entry entry = {.verdict = AG_ENTRY_ALLOW};

		kernel_check(prefix_parse(allowed[i], &entry.prefix, NULL), allowed[i]);
		kernel_check(list_append(&list, &entry), "append");
	}
	model.entries4 = model.entries6 = 1;
	kernel_check(compile_account(&model, &list, &compiled), "compile");
	kernel_put_account(kernel, &compiled);
	kernel_get(kernel->maps.ag_accounts, slot, &word);
	word.state.action = actions_world[slot].action;
	kernel_put_word(kernel, slot, word.state);
	compiled_account_clear(&compiled);
	list_clear(&list);
	return model;
}

static inline size_t actions_claims(uint32_t slot, struct claim *claims)
{
	const struct actions_account *account = &actions_world[slot];
	size_t count = 0;

	for (size_t i = 0; i < COUNT(account->services) && account->services[i]; i++) {
		kernel_check(service_parse(account->services[i], &claims[count].service, NULL),
			     account->services[i]);
		claims[count++].slot = slot;
	}
	return count;
}

static inline struct allowgate_bpf *actions_load(bool frags)
{
	static const struct ag_action notice = {.kind = AG_ON_DENY_NOTICE,
						.port_be = __builtin_bswap16(NOTICE_PORT)};
	static const struct ag_action other = {.kind = AG_ON_DENY_NOTICE,
					       .port_be = __builtin_bswap16(OTHER_PORT)};
	static const struct ag_action redirect = {.kind = AG_ON_DENY_REDIRECT};
	static const struct ag_action reject = {.kind = AG_ON_DENY_REJECT};
	static const struct ag_action nonsense = {.kind = 77};
	struct claim claims[ACTIONS_ACCOUNTS * COUNT(actions_world[0].services)];
	struct allowgate_bpf *kernel = kernel_load(frags, 100);
	struct account accounts[ACTIONS_ACCOUNTS];
	struct compiled_services services;
	struct ag_error error = {0};
	size_t count = 0;

	for (uint32_t slot = 0; slot < ACTIONS_ACCOUNTS; slot++) {
		accounts[slot] = actions_put_account(kernel, slot);
		count += actions_claims(slot, claims + count);
	}
	if (compile_services(claims, count, accounts, ACTIONS_ACCOUNTS, &services, &error))
		fail_msg("%s", error.message);
	(void)kernel_put_services(kernel, &services);
	actions_put(kernel, NOTICE_ACTION, &notice);
	actions_put(kernel, OTHER_NOTICE_ACTION, &other);
	actions_put(kernel, REDIRECT_ACTION, &redirect);
	actions_put(kernel, REJECT_ACTION_TOO, &reject);
	actions_put(kernel, AG_ACTIONS_MAX - 1, &nonsense);
	actions_put_notice_port(kernel, NOTICE_PORT);
	actions_put_notice_port(kernel, OTHER_PORT);
	kernel_put_config(kernel, services.flags | AG_CONFIG_NOTICE);
	compiled_services_clear(&services);
	return kernel;
}

/* --- running ------------------------------------------------------------------ */

/* Answers are limited by the tick: each test begins with all that a CPU has of them. */
static inline void actions_refill(struct allowgate_bpf *kernel)
{
	size_t cpus = (size_t)libbpf_num_possible_cpus();
	const uint32_t zero = 0;
	struct ag_cpu *values = calloc(cpus, sizeof(*values));

	assert_non_null(values);
	kernel_put(kernel->maps.ag_cpu, &zero, values);
	free(values);
}

static inline void actions_tally(struct allowgate_bpf *kernel, struct actions_tally *tally)
{
	for (uint32_t slot = 0; slot < ACTIONS_ACCOUNTS; slot++) {
		kernel_sum(kernel->maps.ag_account_counters, slot, tally->account[slot],
			   AG_VERDICT_JUDGED_MAX);
		kernel_sum(kernel->maps.ag_action_counters, slot,
			   tally->account[slot] + AG_VERDICT_JUDGED_MAX, AG_VERDICT_ACTION_MAX);
	}
}

/* linear: as for kernel_run_raw(). */
static inline void actions_run_only(struct allowgate_bpf *kernel, struct frame *frame, size_t linear,
				    struct actions_result *result)
{
	struct xdp_md context = {.data_end = (uint32_t)linear};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame_data(frame),
		    .data_size_in = (uint32_t)frame->len, .data_out = result->data,
		    .data_size_out = sizeof(result->data), .repeat = 1);

	if (linear) {
		opts.ctx_in = &context;
		opts.ctx_size_in = sizeof(context);
	}
	kernel_check(bpf_prog_test_run_opts(bpf_program__fd(kernel->progs.ag_ingress), &opts), "run");
	result->action = opts.retval;
	result->len = opts.data_size_out;
}

static inline void actions_run(struct allowgate_bpf *kernel, struct frame *frame, size_t linear,
			       struct actions_result *result)
{
	struct actions_tally before, after;
	size_t verdict = 0, found = 0;

	actions_refill(kernel);
	actions_tally(kernel, &before);
	actions_run_only(kernel, frame, linear, result);
	actions_tally(kernel, &after);
	result->verdict = AG_VERDICT_NOT_JUDGED;
	result->slot = AG_NO_ACCOUNT;
	for (uint32_t slot = 0; slot < ACTIONS_ACCOUNTS; slot++) {
		if (!kernel_moved(before.account[slot], after.account[slot], AG_VERDICT_ACCOUNT_MAX,
				  frame->len, &verdict))
			continue;
		result->verdict = (enum ag_verdict)verdict;
		result->slot = slot;
		found++;
	}
	assert_true(found <= 1);
}

/* --- frames ------------------------------------------------------------------- */

/* Where the IP header begins, and what is behind it and its options or extension headers. */
static inline size_t actions_network(const struct frame_spec *spec)
{
	size_t offset = 14;

	for (size_t i = 0; i < COUNT(spec->tags) && spec->tags[i]; i++)
		offset += 4;
	return offset;
}

static inline size_t actions_transport(const struct frame_spec *spec)
{
	struct frame_spec bare = *spec;
	static struct frame whole, less;

	bare.cut = bare.trim = bare.padding = bare.payload = 0;
	frame_build(&whole, &bare);
	bare.proto = 253; /* without a header */
	frame_build(&less, &bare);
	return less.len;
}

/* A TCP header's fields that frames.h leaves zero. */
static inline void actions_set_tcp(struct frame *frame, size_t at, uint32_t seq, uint32_t ack, uint8_t words,
				   uint8_t flags)
{
	uint8_t *tcp = frame_data(frame) + at;

	frame_put16(tcp + 4, seq >> 16);
	frame_put16(tcp + 6, seq & 0xffff);
	frame_put16(tcp + 8, ack >> 16);
	frame_put16(tcp + 10, ack & 0xffff);
	tcp[12] = (uint8_t)(words << 4);
	tcp[13] = flags;
}

/* Bytes that differ from one another, so that one in a wrong place is seen. */
static inline void actions_fill(struct frame *frame, size_t at)
{
	for (size_t i = at; i < frame->len; i++)
		frame_data(frame)[i] = (uint8_t)(i * 7 + i / 256);
}

/* RFC 1071, as it stands there. `sum` is that of what comes before, an even number of bytes. */
static inline uint32_t actions_add(const uint8_t *data, size_t len, uint32_t sum)
{
	for (; len > 1; data += 2, len -= 2)
		sum += (uint32_t)data[0] << 8 | data[1];
	if (len)
		sum += (uint32_t)data[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The sum of the pseudo header of the packet whose IP header is at `ip`. */
static inline uint32_t actions_pseudo(const uint8_t *ip, uint8_t proto, size_t len)
{
	uint8_t rest[4] = {0, proto, (uint8_t)(len >> 8), (uint8_t)len};
	bool ipv4 = ip[0] >> 4 == 4;
	uint32_t sum = actions_add(ipv4 ? ip + 12 : ip + 8, ipv4 ? 8 : 32, 0);

	return actions_add(rest, sizeof(rest), sum);
}

static inline void actions_show(const char *what, const uint8_t *data, size_t len)
{
	print_message("%s:", what);
	for (size_t i = 0; i < len; i++)
		print_message("%s%02x", i % 16 ? " " : "\n  ", data[i]);
	print_message("\n");
}

static inline void actions_compare(const char *name, const uint8_t *got, size_t got_len, const uint8_t *want,
				   size_t want_len)
{
	if (got_len == want_len && memcmp(got, want, got_len) == 0)
		return;
	actions_show("got", got, got_len);
	actions_show("want", want, want_len);
	fail_msg("%s: another frame than wanted", name);
}
