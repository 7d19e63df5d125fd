/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * choice.h - one word out of a table of names
 */
#pragma once

#include <stddef.h>

struct ag_error;

/* *ret gets the index of `text` in names. Otherwise ERROR_BAD_REQUEST, which says what `what` ("mode") may
 * be. */
int choice_parse(const char *what, const char *const *names, size_t count, const char *text, size_t *ret,
		 struct ag_error *error);
