// SPDX-License-Identifier: GPL-2.0-only
/*
 * buffer.c - text that grows up to a limit
 *
 * Invariants: length < capacity and data[length] is NUL, unless data is NULL; length <= limit where there is
 * one.
 */
#include "userspace/core/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 256

static int fail(struct buffer *buffer, int result)
{
	buffer->failed = result;
	return result;
}

/* Makes room for `length` more bytes and the NUL. */
static int reserve(struct buffer *buffer, size_t length)
{
	size_t needed, capacity = buffer->capacity ? buffer->capacity : CAPACITY_FIRST;
	char *data;

	if (buffer->failed)
		return buffer->failed;
	if (__builtin_add_overflow(buffer->length, length, &needed) || needed == SIZE_MAX)
		return fail(buffer, -EFBIG);
	if (buffer->limit && needed > buffer->limit)
		return fail(buffer, -EFBIG);
	if (needed < buffer->capacity)
		return 0;
	while (capacity <= needed)
		capacity = capacity > SIZE_MAX / 2 ? SIZE_MAX : capacity * 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		return fail(buffer, -ENOMEM);
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

int buffer_append(struct buffer *buffer, const void *data, size_t length)
{
	int result = reserve(buffer, length);

	if (result)
		return result;
	if (length)
		memcpy(buffer->data + buffer->length, data, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
	return 0;
}

int buffer_print(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	int length, result;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return buffer->failed ? buffer->failed : fail(buffer, -EFBIG); /* over INT_MAX */
	result = reserve(buffer, (size_t)length);
	if (result)
		return result;
	va_start(args, format);
	(void)vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format,
			args); /* it was measured */
	va_end(args);
	buffer->length += (size_t)length;
	return 0;
}

void buffer_clear(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){.limit = buffer->limit};
}
