/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - the program loaded for tests: filled from compile_*(), run over frames, its counters read
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
#include "userspace/core/compile.h"

#define KERNEL_ACCOUNTS_MAX 32
#define KERNEL_IFINDEX	    1 /* BPF_PROG_TEST_RUN runs as if received on lo */

/* Everything that is counted, summed over CPUs. */
struct tally {
	struct ag_account_counters account[KERNEL_ACCOUNTS_MAX];
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

/* frags: as on a kernel from 5.18 on. */
static inline struct allowgate_bpf *kernel_load(bool frags, uint32_t services)
{
	struct allowgate_bpf *kernel = allowgate_bpf__open();

	assert_non_null(kernel);
	bpf_map__set_max_entries(kernel->maps.ag_accounts, KERNEL_ACCOUNTS_MAX);
	bpf_map__set_max_entries(kernel->maps.ag_account_counters, KERNEL_ACCOUNTS_MAX);
	bpf_map__set_max_entries(kernel->maps.ag_lists4, KERNEL_ACCOUNTS_MAX);
	bpf_map__set_max_entries(kernel->maps.ag_lists6, KERNEL_ACCOUNTS_MAX);
	bpf_map__set_max_entries(kernel->maps.ag_services, services);
	bpf_map__set_max_entries(kernel->maps.ag_dests, services);
	bpf_map__set_max_entries(kernel->maps.ag_dest_prefixes, services);
	kernel->rodata->ag_has_frags = frags;
	if (frags)
		bpf_program__set_flags(kernel->progs.ag_ingress, BPF_F_XDP_HAS_FRAGS);
	kernel_check(allowgate_bpf__load(kernel), "load");
	return kernel;
}

static inline void kernel_put(struct bpf_map *map, const void *key, const void *value)
{
	kernel_check(bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY), bpf_map__name(map));
}

static inline void kernel_put_list(struct bpf_map *outer, uint32_t slot, const struct compiled_entry *entries,
				   size_t count, size_t addr_bytes)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	struct ag_list6_key key; /* that of IPv4 is its beginning */
	int fd;

	if (!count)
		return;
	fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "ag_test_list",
			    (uint32_t)(sizeof(key.prefixlen) + addr_bytes), sizeof(struct ag_entry),
			    (uint32_t)count, &opts);
	kernel_check(fd, "create a list");
	for (size_t i = 0; i < count; i++) {
		key.prefixlen = entries[i].prefix.len;
		memcpy(key.addr, entries[i].prefix.addr.bytes, sizeof(key.addr));
		kernel_check(bpf_map_update_elem(fd, &key, &entries[i].value, BPF_ANY), "fill a list");
	}
	kernel_put(outer, &slot, &fd);
	close(fd);
}

static inline void kernel_put_account(struct allowgate_bpf *kernel, const struct compiled_account *account)
{
	struct ag_account value = {.state = account->state};

	kernel_put_list(kernel->maps.ag_lists4, account->slot, account->entries4, account->count4, 4);
	kernel_put_list(kernel->maps.ag_lists6, account->slot, account->entries6, account->count6, 16);
	kernel_put(kernel->maps.ag_accounts, &account->slot, &value);
}

static inline struct ag_dest_prefix_key kernel_prefix_key(const struct prefix *prefix)
{
	struct ag_dest_prefix_key key = {.prefixlen = 32U + prefix->len,
					 .family_be = htonl(prefix->addr.family)};

	memcpy(key.addr, prefix->addr.bytes, sizeof(key.addr));
	return key;
}

static inline void kernel_put_dest(struct allowgate_bpf *kernel, const struct compiled_dest *dest)
{
	struct ag_dest_prefix_key prefix = kernel_prefix_key(&dest->prefix);
	struct ag_dest_key single = {.family = dest->prefix.addr.family};

	memcpy(single.addr, dest->prefix.addr.bytes, sizeof(single.addr));
	if (dest->prefix.len == addr_bits(&dest->prefix.addr))
		kernel_put(kernel->maps.ag_dests, &single, &dest->value);
	else
		kernel_put(kernel->maps.ag_dest_prefixes, &prefix, &dest->value);
}

static inline void kernel_put_config(struct allowgate_bpf *kernel, uint32_t flags)
{
	const struct ag_config config = {.abi_version = AG_ABI_VERSION, .flags = flags};
	const uint32_t zero = 0;

	kernel_put(kernel->maps.ag_config, &zero, &config);
}

static inline void kernel_put_services(struct allowgate_bpf *kernel, const struct compiled_services *compiled)
{
	for (size_t i = 0; i < compiled->service_count; i++)
		kernel_put(kernel->maps.ag_services, &compiled->services[i].key, &compiled->services[i].slot);
	for (size_t i = 0; i < compiled->dest_count; i++)
		kernel_put_dest(kernel, &compiled->dests[i]);
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
			   AG_VERDICT_ACCOUNT_MAX);
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

/* Runs one frame; asserts that at most one counter moved, by one packet and the frame's bytes. */
static inline struct outcome kernel_run(struct allowgate_bpf *kernel, size_t accounts, struct frame *frame,
					size_t linear)
{
	struct outcome outcome = {.verdict = AG_VERDICT_NOT_JUDGED, .slot = AG_NO_ACCOUNT};
	struct tally before, after;
	size_t index = 0, found = 0;

	kernel_tally(kernel, accounts, &before);
	kernel_check(kernel_run_raw(kernel, frame, linear, &outcome.action), "run");
	kernel_tally(kernel, accounts, &after);
	for (uint32_t slot = 0; slot < accounts; slot++) {
		if (!kernel_moved(before.account[slot].by_verdict, after.account[slot].by_verdict,
				  AG_VERDICT_ACCOUNT_MAX, frame->len, &index))
			continue;
		outcome.verdict = (enum ag_verdict)index;
		outcome.slot = slot;
		found++;
	}
	if (kernel_moved(before.interface.by_verdict, after.interface.by_verdict, AG_VERDICT_INTERFACE_MAX,
			 frame->len, &index)) {
		outcome.verdict = (enum ag_verdict)(AG_VERDICT_ACCOUNT_MAX + index);
		found++;
	}
	assert_true(found <= 1);
	return outcome;
}
