/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h - text from elsewhere made safe to show, and rows of it laid out
 *
 * Everything that is shown goes through shown_append(): control characters (C0, DEL, C1), bytes that are not
 * UTF-8, line separators and the marks that reorder text (Unicode Bidi_Control, UAX #9) become visible
 * escapes, so that nobody's note can move the cursor or pass for another line. Columns are as wide as
 * wcwidth(3) says in the locale that the program has set; a character that it does not know takes one cell.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "userspace/core/buffer.h"

enum shown_style {
	SHOWN_LINE, /* everything as said: \x1b, \u202e */
	SHOWN_TEXT, /* keeps line feeds and tabs */
	SHOWN_JSON, /* a JSON document: \u001b, and line feeds and tabs stay */
};

/* `text` has a NUL behind its `length` bytes. Errors collect in the buffer. */
void shown_append(struct buffer *out, const char *text, size_t length, enum shown_style style);
/* The word of a verdict or a state, made safe; as a terminal colours it (colour.h), if it is to. */
void shown_append_word(struct buffer *out, const char *word, bool colour);
/* Cells of a terminal that the text takes; it is one that shown_append() wrote. */
size_t shown_width(const char *text);
/* Bytes of its beginning that take at most so many cells; what combines with a character stays with it. */
size_t shown_fit(const char *text, size_t cells);

struct table_column {
	const char *header;
	bool right; /* aligned to the right: numbers */
	bool word;  /* a verdict or a state */
};

/* Borrows the columns, owns the cells. Set columns and column_count, zero the rest. */
struct table {
	const struct table_column *columns;
	size_t column_count;
	char **cells; /* row by row, made safe */
	size_t count;
	size_t capacity;
	int failed;   /* -ENOMEM once a cell could not be kept */
	size_t width; /* of the terminal; 0: there is none */
	bool colour;  /* words are coloured, but for TABLE_TABS */
};

enum table_style {
	/* With headers; "-" for an empty cell but the last. On a terminal a text in the last column is cut,
	 * so that a row takes no more lines than it has to. */
	TABLE_ALIGNED,
	TABLE_TABS,  /* tab-separated, without headers */
	TABLE_PLAIN, /* aligned, without headers */
};

/* Adds the next cell of the row in work (copied; NULL is empty). */
void table_add(struct table *table, const char *cell);
/* 0, or what failed before (-ENOMEM, -EFBIG), and then the output is not whole. Incomplete rows are padded.
 */
int table_print(const struct table *table, enum table_style style, struct buffer *out);
void table_clear(struct table *table);
