// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_token.c - tokens from any text
 *
 * Properties: what is accepted is written back as it was; what is refused leaves the id alone.
 */
#include "tests/fuzz/fuzz.h"
#include "userspace/core/token.h"

static void check_id(const char *text)
{
	char again[TOKEN_ID_SIZE];
	int64_t id = -1;

	if (token_id_parse(text, &id)) {
		assert(id == -1);
		return;
	}
	assert(id > 0 && id <= TOKEN_ID_LAST);
	token_id_format(id, again);
	assert(strcmp(again, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t secret[TOKEN_SECRET_SIZE];
	char again[TOKEN_TEXT_SIZE], *text = fuzz_text(data, size);
	int64_t id = -1;

	check_id(text);
	if (token_parse(text, &id, secret)) {
		assert(id == -1);
	} else {
		assert(id > 0 && id <= TOKEN_ID_LAST);
		token_format(id, secret, again);
		assert(strcmp(again, text) == 0);
	}
	free(text);
	return 0;
}
