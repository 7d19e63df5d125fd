/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * value.h - what a setting's value may be
 *
 * Each says 0, or ERROR_BAD_REQUEST with what to do.
 */
#pragma once

#include <stdint.h>

struct ag_error;

#define SUPPORT_MAX 2000 /* bytes, all its lines together */

/* UTF-8 without control characters. */
int value_text(const char *text, struct ag_error *error);
/* http:// or https:// and a host; printable ASCII that may stand in a header and in HTML; no fragment. */
int value_url(const char *text, struct ag_error *error);
/* The name of a query's parameter: unreserved characters (RFC 3986, 2.3). */
int value_parameter(const char *text, struct ag_error *error);
/* Decimal, without sign. */
int value_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret, struct ag_error *error);
