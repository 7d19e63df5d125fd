/* SPDX-License-Identifier: GPL-2.0-only */
/* terminal.h - what standard output is, as far as it matters to how things are shown */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* All zero: a pipe or a file. */
struct terminal {
	size_t columns; /* $COLUMNS, or what the terminal says; 0: not known */
	bool colour;	/* not with $NO_COLOR (no-color.org), nor where $TERM says that it has none */
};

void terminal_find(struct terminal *ret);
