// SPDX-License-Identifier: GPL-2.0-only
/* colour.c - see colour.h. Whole words alone: no text of anybody's can ask for a colour. */
#include "userspace/core/colour.h"

#include <stddef.h>
#include <string.h>

#define RED    "\x1b[31m"
#define GREEN  "\x1b[32m"
#define YELLOW "\x1b[33m"

static const struct {
	const char *word;
	const char *colour;
} WORDS[] = {
	{"allow", GREEN},  {"allowed", GREEN}, {"ok", GREEN},	       {"agrees", GREEN},
	{"deny", RED},	   {"denied", RED},    {"rejected", RED},      {"malformed", RED},
	{"degraded", RED}, {"DISAGREES", RED}, {"would_deny", YELLOW}, {"redirected", YELLOW},
	{"open", YELLOW},  {"panic", RED},     {"fail", RED},	       {"warn", YELLOW},
};

const char *colour_of(const char *word)
{
	for (size_t i = 0; i < sizeof(WORDS) / sizeof(*WORDS); i++)
		if (!strcmp(WORDS[i].word, word))
			return WORDS[i].colour;
	return NULL;
}
