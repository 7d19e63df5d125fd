/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * maps.h - the maps of the program; what is in them is in bpf/ag_abi.h
 *
 * Sizes of 1 are set by user space before the load, from its limits. The arrays mapped into the
 * daemon change by single aligned stores. Inner tries differ in size, which the kernel
 * allows: the sizes of key and value and the flags must be the template's. A template gives
 * sizes, not types: clang leaves types that only an inner map names out of the BTF.
 */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/ag_abi.h"

/*
 * Zero, to be added to a pointer: what is read there is read after `value` was, on any processor, for the
 * address depends on it. There is no load-acquire before kernel 6.14.
 */
#define AG_AFTER(value)                                                                                      \
	({                                                                                                   \
		__u64 zero = (value);                                                                        \
		asm volatile("%0 &= 0" : "+r"(zero));                                                        \
		zero;                                                                                        \
	})

#define AG_INTERFACES_MAX  256
#define AG_FAILSAFE_MAX	   1024
#define AG_FLOWS_MAX	   65536
#define AG_SIGHTINGS_BYTES (256 * 1024)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ag_config);
} ag_config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ag_account);
} ag_accounts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ag_line);
} ag_lines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ag_service4_bucket);
} ag_services4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ag_service6_bucket);
} ag_services6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct ag_dest_key);
	__type(value, struct ag_dest);
} ag_dests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct ag_dest_prefix_key);
	__type(value, struct ag_dest);
} ag_dest_prefixes SEC(".maps");

/* Nearly empty where services stand on single addresses, hence not allocated beforehand. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct ag_service_key);
	__type(value, __u32);
} ag_services SEC(".maps");

/* Inner arrays differ in size (kernel 5.10), so a lookup in one is a call. */
struct ag_index {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct ag_line));
};

struct ag_list4 {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct ag_list4_key));
	__uint(value_size, sizeof(struct ag_entry));
};

struct ag_list6 {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct ag_list6_key));
	__uint(value_size, sizeof(struct ag_entry));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ag_index);
} ag_indexes4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ag_index);
} ag_indexes6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ag_list4);
} ag_lists4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ag_list6);
} ag_lists6 SEC(".maps");

/*
 * For user space alone: a byte a place of long lists, with a bit for each of the four arrays that has a map
 * there. Kernels before 6.8 wait a grace period for each element of an array of maps that is read.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} ag_long_present SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ag_account_counters);
} ag_account_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ag_action_counters);
} ag_action_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, AG_INTERFACES_MAX);
	__type(key, __u32);
	__type(value, struct ag_interface_counters);
} ag_interface_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AG_FAILSAFE_MAX);
	__type(key, struct ag_dest_prefix_key);
	__type(value, __u32);
} ag_failsafe SEC(".maps");

/* --- what is done with stopped packets ------------------------------------------ */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, AG_ACTIONS_MAX);
	__type(key, __u32);
	__type(value, struct ag_action);
} ag_actions SEC(".maps");

/* By the index in ag_actions; the kernel takes a device out that goes. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, AG_ACTIONS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} ag_devices SEC(".maps");

/* Packets for a device that was not there, by the same index. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, AG_ACTIONS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} ag_redirect_misses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, AG_NOTICE_PORT_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} ag_notice_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, AG_FLOWS_MAX);
	__type(key, struct ag_flow_key);
	__type(value, __be16);
} ag_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ag_cpu);
} ag_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, AG_SIGHTINGS_BYTES);
} ag_sightings SEC(".maps");

/* Each instance of the program has its own: it is not pinned. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ag_explanation);
} ag_explanation SEC(".maps");
