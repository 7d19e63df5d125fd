/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_answer.h - what an apply did, or would do, as JSON (private to polic*.c)
 */
#pragma once

#include <jansson.h>

#include "userspace/daemon/policy_plan.h"

/* Names of services, users and prefixes that a dry run's answer has in all. */
#define POLICY_NAMES_MAX 10000

/* A new reference, NULL where there is no memory. */
json_t *policy_answer(const struct policy_plan *plan);
