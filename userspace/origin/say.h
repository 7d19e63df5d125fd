/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * say.h - one line per event to standard error
 *
 * What is not printable ASCII comes out as '?', so that nothing can begin a line of its own.
 */
#pragma once

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
