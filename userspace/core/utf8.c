// SPDX-License-Identifier: GPL-2.0-only
/*
 * utf8.c - by a table of forms, so that what is overlong is told by the least character of its form
 */
#include "userspace/core/utf8.h"

size_t utf8_decode(const char *text, uint32_t *ret)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t least; /* a smaller one has a shorter form */
	} FORMS[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	const uint8_t *bytes = (const uint8_t *)text;
	size_t extra = 0;
	uint32_t character;

	while (extra < 4 && (bytes[0] & FORMS[extra].mask) != FORMS[extra].lead)
		extra++;
	if (extra == 4)
		return 0;
	character = bytes[0] & (uint8_t)~FORMS[extra].mask;
	for (size_t i = 1; i <= extra; i++) {
		if ((bytes[i] & 0xc0) != 0x80) /* the NUL at the end is none either */
			return 0;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character < FORMS[extra].least || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		return 0;
	*ret = character;
	return extra + 1;
}

bool character_is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character <= 0x9f) || character == 0x2028 ||
	       character == 0x2029;
}
