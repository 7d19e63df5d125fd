/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * generate.h - random policies, and random frames that mean something under them
 *
 * The same from the same seed. Policies are such as a host accepts: no two services alike, no more than
 * AG_DEST_DEPTH_MAX of their prefixes within one another, no more than AG_EXPIRING_LENGTHS_MAX lengths of a
 * list's expiring entries. Prefixes nest and meet, destinations are in services and next to them, sources in
 * entries and next to them, and the frames are of every row of the table. Some of them are then changed at
 * random.
 */
#pragma once

#include "tests/frames.h"
#include "tests/oracle/chance.h"
#include "tests/oracle/oracle.h"

#define GENERATED_FRAME_MAX 9000

void generate_policy(uint64_t seed, struct oracle_policy *ret);
/* *ret_mutated: it was changed at random. */
void generate_frame(const struct oracle_policy *policy, uint64_t seed, struct frame *ret, bool *ret_mutated);

/* An address of those that policies are about. */
struct oracle_addr generate_source(struct chance *chance, uint8_t family);
struct oracle_addr generate_dest(struct chance *chance, uint8_t family);
/* At the edge of a prefix: its first address, its last, any in it, or the next beyond. */
struct oracle_addr generate_near(struct chance *chance, const struct oracle_prefix *prefix);
uint16_t generate_port(struct chance *chance);
/* Changes the frame in one to three ways. */
void generate_mutation(struct chance *chance, struct frame *frame);
