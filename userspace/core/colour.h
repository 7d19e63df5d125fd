/* SPDX-License-Identifier: GPL-2.0-only */
/* colour.h - the words of a verdict or a state, as a terminal colours them */
#pragma once

/* What stands in front of such a word on a terminal (ECMA-48), COLOUR_END behind it. NULL: it has no colour.
 */
const char *colour_of(const char *word);
#define COLOUR_END "\x1b[0m"
