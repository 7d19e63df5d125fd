/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * utf8.h - characters out of text, strictly
 *
 * Source: RFC 3629 (UTF-8); Unicode 15, chapter 23.1 (control codes), 5.8 (line and paragraph separators).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The character at `text`, which ends with a NUL: strict UTF-8 (RFC 3629: no overlong form, no surrogate,
 * nothing beyond U+10FFFF). Returns its length in bytes, 1 to 4; 0, with *ret untouched, if there is none.
 */
size_t utf8_decode(const char *text, uint32_t *ret);
/* C0, DEL, C1, and the line and paragraph separators: what would break a line or drive a terminal. */
bool character_is_control(uint32_t character);
