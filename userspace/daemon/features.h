/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * features.h - what the running kernel lacks that allowgate does without, in words
 *
 * What it cannot do without is an error of the start, by dataplane_open().
 */
#pragma once

#include "userspace/io/dataplane.h"

#define FEATURE_TEXT_SIZE 256

/* Calls `tell` with a line for each that is not there, in the order of the versions that brought it. */
void features_each_lacking(const struct dataplane_features *has, void (*tell)(const char *line, void *arg),
			   void *arg);
/* Asks the kernel, and logs. */
void features_log(void);
