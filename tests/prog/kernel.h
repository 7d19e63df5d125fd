/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - the program loaded for tests: run over frames, its counters read
 *
 * Nothing is pinned or attached. Every failure ends the test: these are not what is under test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/allowgate.skel.h"
#include "tests/frames.h"
#include "userspace/core/addr.h"

#define KERNEL_ACCOUNTS_MAX 32
#define KERNEL_IFINDEX	    1 /* BPF_PROG_TEST_RUN runs as if received on lo */
#define KERNEL_SEED	    0x5eed5eed12345678ULL
#define KERNEL_LINES	    (AG_LINES4_MAX + AG_LINES6_MAX) /* of each account: they begin at slot * this */

struct kernel_options {
	bool frags; /* as on a kernel from 5.18 on */
	uint32_t services;
	uint32_t buckets4; /* 0: as many as the daemon makes for those services */
	uint32_t buckets6;
};

/* Everything that is counted, summed over CPUs. */
struct tally {
	struct {
		struct ag_counter by_verdict[AG_VERDICT_ACCOUNT_MAX];
	} account[KERNEL_ACCOUNTS_MAX];
	struct ag_interface_counters interface;
};

/* What a frame came to. */
struct outcome {
	uint32_t action;
	enum ag_verdict verdict; /* AG_VERDICT_NOT_JUDGED: nothing was counted */
	uint32_t slot;		 /* AG_NO_ACCOUNT for an interface's verdicts */
};

static inline void kernel_check(int r, const char *what)
{
	if (r < 0)
		fail_msg("%s: %s", what, strerror(-r));
}

static inline uint32_t kernel_buckets(uint32_t wanted)
{
	uint32_t buckets = 64;

	while (buckets < wanted)
		buckets *= 2;
	return buckets;
}

static inline void kernel_size_services(struct allowgate_bpf *kernel, const struct kernel_options *options)
{
	kernel->rodata->ag_seed = KERNEL_SEED;
	kernel->rodata->ag_buckets4 = options->buckets4 ? options->buckets4
							: kernel_buckets((options->services * 2 + 2) / 3);
	kernel->rodata->ag_buckets6 = options->buckets6 ? options->buckets6
							: kernel_buckets(options->services);
	bpf_map__set_max_entries(kernel->maps.ag_services4, kernel->rodata->ag_buckets4);
	bpf_map__set_max_entries(kernel->maps.ag_services6, kernel->rodata->ag_buckets6);
	bpf_map__set_max_entries(kernel->maps.ag_services, options->services);
	bpf_map__set_max_entries(kernel->maps.ag_dests, options->services);
	bpf_map__set_max_entries(kernel->maps.ag_dest_prefixes, options->services);
}

static inline struct allowgate_bpf *kernel_load_with(const struct kernel_options *options)
{
	struct allowgate_bpf *kernel = allowgate_bpf__open();

	assert_non_null(kernel);
	bpf_map__set_max_entries(kernel->maps.ag_accounts, KERNEL_ACCOUNTS_MAX);
	bpf_map__set_max_entries(kernel->maps.ag_account_counters, KERNEL_ACCOUNTS_MAX);
	bpf_map__set_max_entries(kernel->maps.ag_action_counters, KERNEL_ACCOUNTS_MAX);
	bpf_map__set_max_entries(kernel->maps.ag_lines, KERNEL_ACCOUNTS_MAX * KERNEL_LINES);
	bpf_map__set_max_entries(kernel->maps.ag_indexes4, KERNEL_ACCOUNTS_MAX * 2);
	bpf_map__set_max_entries(kernel->maps.ag_indexes6, KERNEL_ACCOUNTS_MAX * 2);
	bpf_map__set_max_entries(kernel->maps.ag_lists4, KERNEL_ACCOUNTS_MAX * 2);
	bpf_map__set_max_entries(kernel->maps.ag_lists6, KERNEL_ACCOUNTS_MAX * 2);
	kernel_size_services(kernel, options);
	kernel->rodata->ag_has_frags = options->frags;
	if (options->frags)
		bpf_program__set_flags(kernel->progs.ag_ingress, BPF_F_XDP_HAS_FRAGS);
	kernel_check(allowgate_bpf__load(kernel), "load");
	return kernel;
}

static inline struct allowgate_bpf *kernel_load(bool frags, uint32_t services)
{
	return kernel_load_with(&(struct kernel_options){.frags = frags, .services = services});
}

static inline void kernel_put(const struct bpf_map *map, const void *key, const void *value)
{
	kernel_check(bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY), bpf_map__name(map));
}

static inline void kernel_get(const struct bpf_map *map, uint32_t key, void *value)
{
	kernel_check(bpf_map_lookup_elem(bpf_map__fd(map), &key, value), bpf_map__name(map));
}

static inline struct ag_dest_prefix_key kernel_prefix_key(const struct prefix *prefix)
{
	struct ag_dest_prefix_key key = {.prefixlen = 32U + prefix->len,
					 .family_be = htonl(prefix->addr.family)};

	memcpy(key.addr, prefix->addr.bytes, sizeof(key.addr));
	return key;
}

static inline void kernel_put_config(struct allowgate_bpf *kernel, uint32_t flags)
{
	const struct ag_config config = {
		.abi_version = AG_ABI_VERSION, .now.flags = flags, .seed = KERNEL_SEED};
	const uint32_t zero = 0;

	kernel_put(kernel->maps.ag_config, &zero, &config);
}

static inline void kernel_put_failsafe(struct allowgate_bpf *kernel, const char *text)
{
	struct ag_dest_prefix_key key;
	struct prefix prefix;
	const uint32_t unused = 1;

	kernel_check(prefix_parse(text, &prefix, NULL), text);
	key = kernel_prefix_key(&prefix);
	kernel_put(kernel->maps.ag_failsafe, &key, &unused);
}

static inline void kernel_sum(const struct bpf_map *map, uint32_t key, struct ag_counter *sum, size_t count)
{
	int cpus = libbpf_num_possible_cpus();
	struct ag_counter *values;

	kernel_check(cpus, "count CPUs");
	values = calloc((size_t)cpus * count, sizeof(*values));
	assert_non_null(values);
	memset(sum, 0, count * sizeof(*sum));
	if (!bpf_map_lookup_elem(bpf_map__fd(map), &key, values)) {
		for (size_t i = 0; i < (size_t)cpus * count; i++) {
			sum[i % count].packets += values[i].packets;
			sum[i % count].bytes += values[i].bytes;
		}
	}
	free(values);
}

static inline void kernel_tally(struct allowgate_bpf *kernel, size_t accounts, struct tally *tally)
{
	memset(tally, 0, sizeof(*tally));
	for (uint32_t slot = 0; slot < accounts; slot++)
		kernel_sum(kernel->maps.ag_account_counters, slot, tally->account[slot].by_verdict,
			   AG_VERDICT_JUDGED_MAX);
	for (uint32_t slot = 0; slot < accounts; slot++)
		kernel_sum(kernel->maps.ag_action_counters, slot,
			   tally->account[slot].by_verdict + AG_VERDICT_JUDGED_MAX, AG_VERDICT_ACTION_MAX);
	kernel_sum(kernel->maps.ag_interface_counters, KERNEL_IFINDEX, tally->interface.by_verdict,
		   AG_VERDICT_INTERFACE_MAX);
}

/*
 * linear: bytes the program can read directly, the rest being in other buffers; 0 for all. 0, or a negative
 * errno (older kernels refuse another linear size).
 */
static inline int kernel_run_raw(struct allowgate_bpf *kernel, struct frame *frame, size_t linear,
				 uint32_t *ret)
{
	struct xdp_md context = {.data_end = (uint32_t)linear};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame_data(frame),
		    .data_size_in = (uint32_t)frame->len, .repeat = 1);
	int r;

	if (linear) {
		opts.ctx_in = &context;
		opts.ctx_size_in = sizeof(context);
	}
	r = bpf_prog_test_run_opts(bpf_program__fd(kernel->progs.ag_ingress), &opts);
	if (!r)
		*ret = opts.retval;
	return r;
}

/* The one counter that moved, by one packet of that many bytes. */
static inline size_t kernel_moved(const struct ag_counter *before, const struct ag_counter *after,
				  size_t count, size_t bytes, size_t *moved)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (after[i].packets == before[i].packets && after[i].bytes == before[i].bytes)
			continue;
		assert_int_equal(after[i].packets - before[i].packets, 1);
		assert_int_equal(after[i].bytes - before[i].bytes, bytes);
		*moved = i;
		found++;
	}
	return found;
}

/* What moved between two tallies: asserts that at most one counter, by one packet of that many bytes. */
static inline void kernel_outcome(const struct tally *before, const struct tally *after, size_t accounts,
				  size_t bytes, struct outcome *outcome)
{
	size_t index = 0, found = 0;

	for (uint32_t slot = 0; slot < accounts; slot++) {
		if (!kernel_moved(before->account[slot].by_verdict, after->account[slot].by_verdict,
				  AG_VERDICT_ACCOUNT_MAX, bytes, &index))
			continue;
		outcome->verdict = (enum ag_verdict)index;
		outcome->slot = slot;
		found++;
	}
	if (kernel_moved(before->interface.by_verdict, after->interface.by_verdict, AG_VERDICT_INTERFACE_MAX,
			 bytes, &index)) {
		outcome->verdict = (enum ag_verdict)(AG_VERDICT_ACCOUNT_MAX + index);
		found++;
	}
	assert_true(found <= 1);
}

/* Runs one frame; *tally is what was counted before and becomes what was counted after. */
static inline struct outcome kernel_run_on(struct allowgate_bpf *kernel, size_t accounts, struct frame *frame,
					   size_t linear, struct tally *tally)
{
	struct outcome outcome = {.verdict = AG_VERDICT_NOT_JUDGED, .slot = AG_NO_ACCOUNT};
	struct tally before = *tally;

	kernel_check(kernel_run_raw(kernel, frame, linear, &outcome.action), "run");
	kernel_tally(kernel, accounts, tally);
	kernel_outcome(&before, tally, accounts, frame->len, &outcome);
	return outcome;
}

static inline struct outcome kernel_run(struct allowgate_bpf *kernel, size_t accounts, struct frame *frame,
					size_t linear)
{
	struct tally tally;

	kernel_tally(kernel, accounts, &tally);
	return kernel_run_on(kernel, accounts, frame, linear, &tally);
}
