/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile.h - for tests of services and lists made by somebody who knows the seed
 *
 * The daemon's seed is random and never leaves the host; here it is known, so that keys can be crafted to
 * want the same place. All must still be decided right, and cost no more than a small multiple of an
 * ordinary packet.
 */
#pragma once

#include "tests/prog/fill.h"

#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ACCOUNTS     4	/* those with an even slot list the source */
#define COST_MAX     30 /* times an ordinary packet */

static const char *const sources[] = {"203.0.113.7", "2001:db8:1::7"};

static inline const char *source_of(enum ag_family family)
{
	return sources[family == AG_FAMILY_IPV6];
}

/* --- what a packet costs ----------------------------------------------------- */

/* Nanoseconds, of the best of some runs: few, as each waits for the kernel before and after. */
static inline uint32_t cost_of(struct allowgate_bpf *kernel, struct frame *frame)
{
	uint32_t best = UINT32_MAX;

	for (int i = 0; i < 4; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame_data(frame),
			    .data_size_in = (uint32_t)frame->len, .repeat = 5000);

		kernel_check(bpf_prog_test_run_opts(bpf_program__fd(kernel->progs.ag_ingress), &opts), "run");
		if (opts.duration < best)
			best = opts.duration;
	}
	return best ? best : 1;
}

/* --- lists and accounts -------------------------------------------------------- */

static inline void add_entry(struct list *list, const struct addr *addr, uint8_t len,
			     enum ag_entry_verdict verdict)
{
	struct entry entry = {.prefix = prefix_of(addr, len), .verdict = verdict};

	kernel_check(list_append(list, &entry), "append");
}

static inline struct addr addr_of(const char *text)
{
	struct addr addr;

	kernel_check(addr_parse(text, &addr, NULL), text);
	return addr;
}

/* The caller clears it. */
static inline struct compiled_account compile_list(uint32_t slot, struct list *list)
{
	struct account account = {.slot = slot, .mode = AG_MODE_ENFORCE};
	struct compiled_account compiled;

	assert_null(list_sort(list));
	account.entries4 = list_count_family(list, AG_FAMILY_IPV4);
	account.entries6 = list_count_family(list, AG_FAMILY_IPV6);
	kernel_check(compile_account(&account, list, &compiled), "compile");
	return compiled;
}

static inline union ag_account_state put_list(struct allowgate_bpf *kernel, uint32_t slot, struct list *list,
					      enum kernel_form form)
{
	struct compiled_account compiled = compile_list(slot, list);
	union ag_account_state state = kernel_put_account_as(kernel, &compiled, form, form, 0);

	compiled_account_clear(&compiled);
	return state;
}

/* Ten entries of either family, of which the last that is looked at lists the source. */
static inline void put_ordinary_account(struct allowgate_bpf *kernel, uint32_t slot)
{
	struct list list = {0};

	for (size_t i = 0; i < COUNT(sources); i++) {
		struct addr addr = addr_of(sources[i]);
		uint8_t whole = (uint8_t)addr_bits(&addr);

		if (slot % 2 == 0)
			add_entry(&list, &addr, (uint8_t)(whole - 8), AG_ENTRY_ALLOW);
		for (int entry = 0; entry < 9; entry++) {
			addr.bytes[addr_size(&addr) - 2]++;
			add_entry(&list, &addr, whole, AG_ENTRY_ALLOW);
		}
	}
	(void)put_list(kernel, slot, &list, KERNEL_SHORT);
	list_clear(&list);
}

/* Puts services of ACCOUNTS accounts. */
static inline struct kernel_placed put_claims(struct allowgate_bpf *kernel, const struct claim *claims,
					      size_t count)
{
	struct account accounts[ACCOUNTS] = {0};
	struct compiled_services services;
	struct ag_error error = {0};
	struct kernel_placed placed;

	for (uint32_t slot = 0; slot < ACCOUNTS; slot++) {
		accounts[slot].slot = slot;
		accounts[slot].mode = AG_MODE_ENFORCE;
		accounts[slot].entries4 = accounts[slot].entries6 = 1;
	}
	if (compile_services(claims, count, accounts, ACCOUNTS, &services, &error))
		fail_msg("%s", error.message);
	placed = kernel_put_services(kernel, &services);
	kernel_put_config(kernel, services.flags);
	compiled_services_clear(&services);
	return placed;
}

static inline struct claim claim_of(const char *text, uint32_t slot)
{
	struct claim claim = {.slot = slot};

	kernel_check(service_parse(text, &claim.service, NULL), text);
	return claim;
}

/* One account with one service of either family, both in their home buckets. */
static inline struct allowgate_bpf *load_gate(void)
{
	const struct claim claims[] = {claim_of("192.0.2.10:443/tcp", 0),
				       claim_of("[2001:db8::10]:443/tcp", 0)};
	struct allowgate_bpf *kernel = kernel_load(true, 100);

	put_ordinary_account(kernel, 0);
	assert_int_equal(put_claims(kernel, claims, COUNT(claims)).home, 2);
	return kernel;
}

static inline void gate_frame(struct frame *frame, const struct addr *source)
{
	char text[ADDR_TEXT_MAX];
	bool ipv4 = source->family == AG_FAMILY_IPV4;
	const struct frame_spec spec = {.source = text,
					.dest = ipv4 ? "192.0.2.10" : "2001:db8::10",
					.proto = IPPROTO_TCP,
					.source_port = 40000,
					.port = 443};

	addr_format(source, text);
	frame_build(frame, &spec);
}

/* Beside one another, as the machine's speed changes; once more where something came between. */
static inline void check_cost_of(struct allowgate_bpf *kernel, struct frame *frame, enum ag_family family,
				 const char *what, uint32_t limit)
{
	struct allowgate_bpf *gate = load_gate();
	struct addr source = addr_of(source_of(family));
	uint32_t ordinary = 0, hostile = UINT32_MAX;
	static struct frame known;

	gate_frame(&known, &source);
	for (int i = 0; i < 3 && hostile / limit >= ordinary; i++) {
		ordinary = cost_of(gate, &known);
		hostile = cost_of(kernel, frame);
	}
	print_message("IPv%d, %s: %u ns, an ordinary packet %u ns\n", family, what, hostile, ordinary);
	allowgate_bpf__destroy(gate);
	if (hostile > ordinary * limit)
		fail_msg("%s: %u times an ordinary packet", what, hostile / ordinary);
}

static inline void check_cost(struct allowgate_bpf *kernel, struct frame *frame, enum ag_family family,
			      const char *what)
{
	check_cost_of(kernel, frame, family, what, COST_MAX);
}
