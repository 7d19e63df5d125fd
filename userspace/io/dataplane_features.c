// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_features.c - whether the running kernel has what the program needs, and what it does without
 *
 * What can be asked of the kernel is asked, since distributions bring things to older kernels; and before
 * anything else, since the verifier's refusals are not for everybody to read. What it takes, and since when:
 *
 *   XDP 4.8, its links 5.9; array of maps 4.12; LPM trie 4.11; devmap 4.14; LRU hash 4.10
 *   bpf_xdp_adjust_head 4.10, bpf_redirect_map 4.14, bpf_csum_diff 4.6; bpf_xdp_adjust_tail also outwards 5.8
 *   bounded loops 5.3, global functions 5.6, to which pointers to memory are passed 5.12
 *   bpf_jiffies64 5.5, bpf_ktime_get_boot_ns 5.8, ring buffer 5.8
 *   BPF_F_MMAPABLE 5.5, BPF_F_INNER_MAP 5.10, inner maps of other sizes than the template's 5.10
 *   CAP_BPF 5.8
 *
 * so the level needed is Linux 5.12's; the oldest long-term kernel that has it, and what is promised,
 * is 5.15. Used where there: batches of tries (5.13), helpers for frames in several buffers (5.18), batches
 * of arrays of maps (5.19), tcx (6.6).
 *
 * Source: bpf-helpers(7); docs/kernel-versions.md of iovisor/bcc; the kernel's history, where these do not
 * say (e5069b9c23b3 pointers in global function arguments, 4a8f87e60f6d BPF_F_INNER_MAP, 134fede4eecf inner
 * tries' sizes, e420bed02507 tcx).
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define POINTERS_MAJOR 5 /* pointers as arguments of global functions: nothing to ask the kernel for */
#define POINTERS_MINOR 12
#define RING_BYTES     (64U * 1024) /* a page, on any processor */
#define TCX_EGRESS     47	    /* enum bpf_attach_type, not in older headers */

#define HELPER(name_, program_, since_, purpose_)                                                            \
	{                                                                                                    \
		.kind = NEED_HELPER, .id = BPF_FUNC_##name_, .program = BPF_PROG_TYPE_##program_,            \
		.name = "the helper bpf_" #name_, .since = since_, .purpose = purpose_                       \
	}
#define MAP(type_, name_, since_, purpose_)                                                                  \
	{                                                                                                    \
		.kind = NEED_MAP, .id = BPF_MAP_TYPE_##type_, .name = name_, .since = since_,                \
		.purpose = purpose_                                                                          \
	}
#define FLAG(flag_, since_, purpose_)                                                                        \
	{                                                                                                    \
		.kind = NEED_FLAGS, .id = (flag_), .name = "maps with " #flag_, .since = since_,             \
		.purpose = purpose_                                                                          \
	}

/* The newest last: then what is named first is what the kernel is oldest in. */
static const struct kernel_need NEEDS[] = {
	HELPER(csum_diff, XDP, "4.6", "checksums of answers"),
	HELPER(l4_csum_replace, SCHED_CLS, "4.1", "the answers of notice servers"),
	HELPER(xdp_adjust_head, XDP, "4.10", "the action reject"),
	MAP(LRU_HASH, "LRU hash maps", "4.10", "the action notice"),
	MAP(LPM_TRIE, "LPM trie maps", "4.11", "lists of prefixes"),
	MAP(DEVMAP, "device maps", "4.14", "the action redirect"),
	HELPER(redirect_map, XDP, "4.14", "the action redirect"),
	HELPER(xdp_adjust_tail, XDP, "4.18", "the action reject"),
	FLAG(BPF_F_MMAPABLE, "5.5", "changes by single stores"),
	HELPER(jiffies64, XDP, "5.5", "limits by time"),
	HELPER(ktime_get_boot_ns, XDP, "5.8", "entries that expire"),
	MAP(RINGBUF, "ring buffers", "5.8", "reports of stopped packets"),
	HELPER(ringbuf_output, XDP, "5.8", "reports of stopped packets"),
	FLAG(BPF_F_INNER_MAP, "5.10", "long lists"),
};

const struct kernel_need *features_needs(size_t *ret_count)
{
	*ret_count = sizeof(NEEDS) / sizeof(*NEEDS);
	return NEEDS;
}

/* No is only what the kernel does not know: not that it is not allowed, or short of memory. */
static bool is_unknown(int result)
{
	return result == -EINVAL || result == -E2BIG || result == -EOPNOTSUPP;
}

static bool can_create(enum bpf_map_type type, uint32_t key, uint32_t value, uint32_t elements,
		       uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
	AUTO_FD int fd = bpf_map_create(type, "ag_probe", key, value, elements, &options);

	return fd >= 0 || !is_unknown(fd);
}

static bool has_map(enum bpf_map_type type)
{
	switch (type) {
	case BPF_MAP_TYPE_RINGBUF:
		return can_create(type, 0, 0, RING_BYTES, 0);
	case BPF_MAP_TYPE_LPM_TRIE:
		return can_create(type, sizeof(struct ag_list4_key), sizeof(struct ag_entry), 1,
				  BPF_F_NO_PREALLOC);
	default:
		return can_create(type, sizeof(uint32_t), sizeof(uint32_t), 1, 0);
	}
}

bool features_probe(const struct kernel_need *need)
{
	switch (need->kind) {
	case NEED_HELPER:
		return libbpf_probe_bpf_helper(need->program, (enum bpf_func_id)need->id, NULL) != 0;
	case NEED_MAP:
		return has_map((enum bpf_map_type)need->id);
	default:
		return can_create(BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct ag_line), 1, need->id);
	}
}

static const char *running_release(struct utsname *names)
{
	return uname(names) < 0 ? "unknown" : names->release;
}

int features_check(bool (*has)(const struct kernel_need *need, void *arg), void *arg, struct ag_error *error)
{
	struct utsname names;

	for (size_t i = 0; i < sizeof(NEEDS) / sizeof(*NEEDS); i++)
		if (!(has ? has(&NEEDS[i], arg) : features_probe(&NEEDS[i])))
			return error_set(error, ERROR_KERNEL,
					 "this kernel (%s) lacks %s (Linux %s has it), needed for %s: run "
					 "Linux 5.15 or later",
					 running_release(&names), NEEDS[i].name, NEEDS[i].since,
					 NEEDS[i].purpose);
	return 0;
}

static bool is_too_old(const char *release)
{
	unsigned int major = 0, minor = 0;

	return sscanf(release, "%u.%u", &major, &minor) == 2 &&
	       (major < POINTERS_MAJOR || (major == POINTERS_MAJOR && minor < POINTERS_MINOR));
}

int features_refusal(int result, const char *reason, const char *release, struct ag_error *error)
{
	struct utsname names;

	if (!release)
		release = running_release(&names);
	if (is_too_old(release))
		return error_set(error, ERROR_KERNEL,
				 "this kernel (%s) is older than Linux 5.12, the first to take pointers as "
				 "arguments of global functions, and so refuses the program (%s): run Linux "
				 "5.15 or later",
				 release, reason);
	return error_set(error, ERROR_KERNEL,
			 "this kernel (%s) does not take the program: %s (%s); it needs Linux 5.15 or later, "
			 "with CONFIG_BPF_SYSCALL, and memory for the configured limits",
			 release, strerror(-result), reason);
}

/* --- what the program does without ------------------------------------------------- */

static bool has_batches(int fd)
{
	uint8_t cursor[sizeof(union trie_key)], keys[sizeof(union trie_key)], values[sizeof(struct ag_entry)];
	__u32 count = 1;

	return fd >= 0 &&
	       !map_batch_is_missing(bpf_map_lookup_batch(fd, NULL, cursor, keys, values, &count, NULL));
}

static bool has_trie_batches(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	AUTO_FD int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "ag_probe", sizeof(struct ag_list4_key),
					sizeof(struct ag_entry), 1, &options);

	return has_batches(fd);
}

static bool has_outer_batches(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	AUTO_FD int outer = -1;
	AUTO_FD int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ag_probe", 4, 4, 1, &options);

	if (inner < 0)
		return false;
	options.inner_map_fd = (__u32)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "ag_probe", 4, 4, 1, &options);
	return has_batches(outer);
}

/* Asked of the loopback device, and whatever is there: a kernel without does not know the question. */
static bool has_tcx(void)
{
	__u32 count = 0;

	return bpf_prog_query((int)if_nametoindex("lo"), (enum bpf_attach_type)TCX_EGRESS, 0, NULL, NULL,
			      &count) != -EINVAL;
}

void dataplane_features(struct dataplane_features *ret)
{
	*ret = (struct dataplane_features){
		.frags = libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_get_buff_len, NULL) == 1,
		.tcx = has_tcx(),
		.trie_batches = has_trie_batches(),
		.outer_batches = has_outer_batches(),
	};
}
