/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz.h - what every fuzz target shares: its entry point, and input as text
 *
 * A target asserts properties of what it parsed (assert() aborts, which libFuzzer and the replay report);
 * that it did not crash is the least of them.
 */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input with a NUL behind it, in memory of exactly that size so that a read beyond is seen. The caller
 * frees it. */
static inline __attribute__((unused)) char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	assert(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}
