/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * show.h - a frame and as much of a policy as concerns it, for a person
 */
#pragma once

#include <stdio.h>

#include "tests/oracle/oracle.h"

/* Services whose prefix holds the destination, and of their accounts the entries that hold the source. */
void show_policy(FILE *to, const struct oracle_policy *policy, const uint8_t *frame, size_t len);
void show_frame(FILE *to, const uint8_t *frame, size_t len);
void show_answer(FILE *to, const struct oracle_answer *answer);
