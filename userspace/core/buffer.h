/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * buffer.h - text that grows up to a limit
 *
 * Zero-initialised is empty and grows without limit but memory; a failed append is remembered, so
 * that a writer can check once at its end. `data` is always NUL-terminated once anything was appended.
 */
#pragma once

#include <stddef.h>

struct buffer {
	char *data;
	size_t length;
	size_t capacity;
	size_t limit; /* bytes; 0: none */
	int failed;   /* 0, -ENOMEM or -EFBIG */
};

int buffer_append(struct buffer *buffer, const void *data, size_t length);
int buffer_print(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Frees the memory and leaves an empty buffer with the same limit. */
void buffer_clear(struct buffer *buffer);
