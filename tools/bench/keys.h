/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keys.h - a packets file as the maps of bench_walk.bpf.c, and the frame that its program fills in
 *
 * A packets file has a line a packet: source<TAB>dest<TAB>port<TAB>pass|drop, all of one family, at most
 * KEYS_MAX lines. Exits with a message where anything is wrong.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/bench/bench_keys.h"

#define KEYS_MAX (1U << 20)

struct bpf_object;

struct keys {
	struct bpf_object *object;
	struct bench_walk *walk; /* mapped, as are the keys */
	struct bench_key4 *keys4;
	struct bench_key6 *keys6;
	int family; /* 4 or 6 */
	uint32_t count;
	uint8_t *pass; /* by index: 1 where it must get through */
	uint8_t frame[BENCH_FRAME6_LEN];
	uint32_t frame_len;
};

/* Loads the object file, its programs with these BPF_F_XDP_* flags. */
void keys_open(struct keys *keys, const char *object_path, uint32_t program_flags);
/* Replaces all keys, and starts with the first of them. The frame fits afterwards. */
void keys_read(struct keys *keys, const char *path);
/* Of send4 or send6, call4 or call6, by the family of the keys. */
int keys_program(const struct keys *keys, const char *stem);
/* Of the program that drops. */
int keys_idle(const struct keys *keys);
/* Where frames go from now on: two addresses of the link. */
void keys_set_macs(struct keys *keys, const uint8_t dest[6], const uint8_t source[6]);
