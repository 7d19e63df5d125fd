// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_addr.c - addresses and prefixes from any text
 *
 * Properties: what is accepted formats to text that gives the same again; a prefix is canonical, not a /0,
 * and holds its own address; what is refused leaves the result alone and has a code and a one-line message.
 */
#include "tests/fuzz/fuzz.h"
#include "userspace/core/addr.h"
#include "userspace/core/error.h"

static void check_refusal(const struct ag_error *error, enum error_code code)
{
	assert(error->code == code);
	assert(error->message[0] && !strchr(error->message, '\n'));
}

static void check_addr(const char *text)
{
	struct addr addr = {.family = 99}, again;
	struct ag_error error = {0};
	char out[ADDR_TEXT_MAX];

	if (addr_parse(text, &addr, &error)) {
		check_refusal(&error, ERROR_BAD_REQUEST);
		assert(addr.family == 99);
		return;
	}
	assert(addr_known(&addr));
	addr_format(&addr, out);
	assert(addr_parse(out, &again, NULL) == 0);
	assert(addr_equal(&addr, &again));
}

static void check_prefix(const char *text)
{
	struct prefix prefix = {.len = 255}, again, around;
	struct ag_error error = {0};
	char out[PREFIX_TEXT_MAX];

	if (prefix_parse(text, &prefix, &error)) {
		check_refusal(&error, ERROR_BAD_PREFIX);
		assert(error.offset <= strlen(text));
		assert(prefix.len == 255);
		return;
	}
	around = prefix_of(&prefix.addr, prefix.len);
	assert(prefix_compare(&prefix, &around) == 0);
	assert(prefix.len > 0 && prefix.len <= addr_bits(&prefix.addr));
	assert(prefix_contains(&prefix, &prefix.addr));
	prefix_format(&prefix, out);
	assert(prefix_parse(out, &again, NULL) == 0);
	assert(prefix_compare(&prefix, &again) == 0);
	prefix_format_short(&prefix, out);
	assert(prefix_parse(out, &again, NULL) == 0);
	assert(prefix_compare(&prefix, &again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	check_addr(text);
	check_prefix(text);
	free(text);
	return 0;
}
