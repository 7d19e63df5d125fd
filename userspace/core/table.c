// SPDX-License-Identifier: GPL-2.0-only
/* table.c - see table.h */
#include "userspace/core/table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/colour.h"
#include "userspace/core/text.h"
#include "userspace/core/utf8.h"

#define GAP 2
/* Cells in which the beginning of a text still says something. */
#define CUT_LEAST 8
static const char ELLIPSIS[] = "\xe2\x80\xa6"; /* U+2026, one cell */

static bool reorders(uint32_t code)
{
	return code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

static bool kept(uint32_t code, enum shown_style style)
{
	if (code == '\n' || code == '\t')
		return style != SHOWN_LINE;
	return !character_is_control(code) && !reorders(code);
}

void shown_append(struct buffer *out, const char *text, size_t length, enum shown_style style)
{
	size_t start = 0, i = 0;

	while (i < length) {
		uint32_t code = (unsigned char)text[i];
		size_t size = utf8_decode(text + i, &code);

		if (size && kept(code, style)) {
			i += size;
			continue;
		}
		(void)buffer_append(out, text + start, i - start); /* remembered in the buffer, as below */
		if (style == SHOWN_JSON && !size)
			(void)buffer_print(out, "\\ufffd");
		else if (style == SHOWN_JSON || code > 0xff)
			(void)buffer_print(out, "\\u%04x", code);
		else
			(void)buffer_print(out, "\\x%02x", code);
		i += size ? size : 1;
		start = i;
	}
	(void)buffer_append(out, text + start, length - start);
}

void shown_append_word(struct buffer *out, const char *word, bool colour)
{
	const char *begin = colour ? colour_of(word) : NULL;

	(void)buffer_print(out, "%s", begin ? begin : ""); /* remembered in the buffer, as below */
	shown_append(out, word, strlen(word), SHOWN_LINE);
	(void)buffer_print(out, "%s", begin ? COLOUR_END : "");
}

/* Bytes of the character at `text`, and its cells. */
static size_t measure_character(const char *text, size_t *ret_cells)
{
	uint32_t code = 0;
	size_t size = utf8_decode(text, &code);
	int cells = size > 1 ? wcwidth((wchar_t)code) : 1;

	*ret_cells = cells < 0 ? 1 : (size_t)cells;
	return size ? size : 1;
}

size_t shown_width(const char *text)
{
	size_t width = 0, cells;

	while (*text) {
		text += measure_character(text, &cells);
		width += cells;
	}
	return width;
}

size_t shown_fit(const char *text, size_t cells)
{
	size_t length = 0, size, taken;

	while (text[length]) {
		size = measure_character(text + length, &taken);
		if (taken > cells)
			break;
		cells -= taken;
		length += size;
	}
	return length;
}

static int grow(struct table *table)
{
	size_t capacity = table->capacity ? 2 * table->capacity : 64;
	char **cells = reallocarray(table->cells, capacity, sizeof(*cells));

	if (!cells)
		return -ENOMEM;
	table->cells = cells;
	table->capacity = capacity;
	return 0;
}

void table_add(struct table *table, const char *cell)
{
	struct buffer safe = {0};
	char *kept_cell;

	if (!table->failed && table->count == table->capacity)
		table->failed = grow(table);
	if (table->failed)
		return;
	if (cell)
		shown_append(&safe, cell, strlen(cell), SHOWN_LINE);
	kept_cell = safe.failed ? NULL
				: strdup(safe.data ? safe.data : ""); /* without the buffer's spare room */
	buffer_clear(&safe);
	if (kept_cell)
		table->cells[table->count++] = kept_cell;
	else
		table->failed = -ENOMEM;
}

static const char *cell_at(const struct table *table, size_t row, size_t column)
{
	size_t index = row * table->column_count + column;

	return index < table->count ? table->cells[index] : "";
}

static void print_spaces(struct buffer *out, size_t count)
{
	(void)buffer_print(out, "%*s", (int)count, ""); /* remembered in the buffer */
}

/* Cells for the last column, up to the end of the terminal's line that it begins on, or of the next. */
static size_t last_room(const struct table *table, const size_t *widths)
{
	size_t start = 0, room;

	for (size_t i = 0; i + 1 < table->column_count; i++)
		start += widths[i] + GAP;
	room = table->width - start % table->width;
	return room < CUT_LEAST ? room + table->width : room;
}

static void print_cut(struct buffer *out, const char *text, size_t room)
{
	bool cut = shown_width(text) > room;
	size_t length = cut ? shown_fit(text, room - 1) : strlen(text);

	(void)buffer_append(out, text, length); /* remembered in the buffer, as below */
	(void)buffer_print(out, "%s", cut ? ELLIPSIS : "");
}

static void print_cell(struct buffer *out, const struct table *table, size_t column, const char *text,
		       const size_t *widths)
{
	const struct table_column *kind = &table->columns[column];

	if (kind->word)
		shown_append_word(out, text, table->colour);
	else if (table->width && !kind->right && column + 1 == table->column_count)
		print_cut(out, text, last_room(table, widths));
	else
		(void)buffer_append(out, text, strlen(text)); /* remembered in the buffer */
}

static void print_aligned(struct buffer *out, const struct table *table, size_t column, const char *cell,
			  const size_t *widths)
{
	bool last = column + 1 == table->column_count;
	const char *text = !*cell && !last ? "-" : cell;
	size_t space = widths[column] - shown_width(text);

	if (table->columns[column].right)
		print_spaces(out, space);
	print_cell(out, table, column, text, widths);
	if (!last)
		print_spaces(out, (table->columns[column].right ? 0 : space) + GAP);
}

static void measure(const struct table *table, size_t rows, bool headers, size_t *widths)
{
	for (size_t column = 0; column < table->column_count; column++) {
		widths[column] = headers ? shown_width(table->columns[column].header) : 0;
		for (size_t row = 0; row < rows; row++) {
			size_t width = shown_width(cell_at(table, row, column));

			width = width ? width : 1; /* the "-" of an empty cell */
			widths[column] = width > widths[column] ? width : widths[column];
		}
	}
}

/* Without trailing spaces, which would wrap on a terminal. */
static void end_line(struct buffer *out)
{
	while (out->length && out->data[out->length - 1] == ' ')
		out->data[--out->length] = '\0';
	(void)buffer_append(out, "\n", 1); /* remembered in the buffer */
}

static void print_row(struct buffer *out, const struct table *table, size_t row, const size_t *widths)
{
	for (size_t column = 0; column < table->column_count; column++) {
		const char *cell = cell_at(table, row, column);

		if (widths)
			print_aligned(out, table, column, cell, widths);
		else
			(void)buffer_print(out, "%s%s", column ? "\t" : "",
					   cell); /* remembered in the buffer */
	}
	if (widths)
		end_line(out);
	else
		(void)buffer_append(out, "\n", 1); /* remembered in the buffer */
}

int table_print(const struct table *table, enum table_style style, struct buffer *out)
{
	size_t rows = (table->count + table->column_count - 1) / table->column_count;
	AUTO_FREE size_t *widths = calloc(table->column_count, sizeof(*widths));

	if (table->failed || !widths)
		return table->failed ? table->failed : -ENOMEM;
	measure(table, rows, style == TABLE_ALIGNED, widths);
	if (style == TABLE_ALIGNED) {
		for (size_t i = 0; i < table->column_count; i++)
			print_aligned(out, table, i, table->columns[i].header, widths);
		end_line(out);
	}
	for (size_t row = 0; row < rows && !out->failed; row++)
		print_row(out, table, row, style == TABLE_TABS ? NULL : widths);
	return out->failed;
}

void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	table->cells = NULL;
	table->count = table->capacity = 0;
	table->failed = 0;
}
