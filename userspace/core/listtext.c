// SPDX-License-Identifier: GPL-2.0-only
/* listtext.c - a line's words, and the note behind them */
#include "userspace/core/listtext.h"

#include <stdbool.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"
#include "userspace/core/listlines.h"
#include "userspace/core/reference.h"

#define EXPIRES "expires="

/* What a word behind the prefix says. */
enum word {
	WORD_VERDICT = 1,
	WORD_DISABLED = 2,
	WORD_EXPIRES = 4,
};

static int take_word(const char *word, unsigned int *given, struct entry *entry, struct ag_error *error)
{
	enum word kind = WORD_VERDICT;
	int r = 0;

	if (strcmp(word, "disabled") == 0)
		kind = WORD_DISABLED;
	else if (strncmp(word, EXPIRES, strlen(EXPIRES)) == 0)
		kind = WORD_EXPIRES;
	else if (entry_verdict_parse(word, &entry->verdict, NULL) < 0)
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%.80s\" stands behind the prefix: write allow, deny, disabled, "
				 "expires=TIME, or a note as in \"# office\"",
				 word);
	if (*given & kind)
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%.80s\" is said once already: a line has one verdict, \"disabled\" and "
				 "expiry at most",
				 word);
	*given |= kind;
	entry->disabled |= kind == WORD_DISABLED;
	if (kind == WORD_EXPIRES)
		r = expiry_time_parse(word + strlen(EXPIRES), &entry->expires, error);
	return r;
}

/* "PREFIX [allow|deny] [disabled] [expires=TIME]", which is not blank, cut into words in place. */
static int take_words(char *words, struct entry *entry, struct ag_error *error)
{
	unsigned int given = 0;
	char *rest = NULL;
	int r = entry_source_parse(strtok_r(words, LIST_BLANKS, &rest), entry, error);

	for (char *word = strtok_r(NULL, LIST_BLANKS, &rest); word && r == 0;
	     word = strtok_r(NULL, LIST_BLANKS, &rest))
		r = take_word(word, &given, entry, error);
	return r;
}

/* The first '#' of the line or behind a blank: what is before it is ended there. NULL: no note. */
static const char *split_note(char *line)
{
	for (char *at = strchr(line, '#'); at; at = strchr(at + 1, '#')) {
		if (at > line && !strchr(LIST_BLANKS, at[-1]))
			continue;
		*at++ = '\0';
		return at + (*at && strchr(LIST_BLANKS, *at) ? 1 : 0);
	}
	return NULL;
}

/* Fails only for what ends the reading. */
static int read_line(struct list_reader *reader, char *line, struct ag_error *error)
{
	struct entry entry = {.verdict = AG_ENTRY_ALLOW};
	const char *note = split_note(line);
	struct ag_error problem;
	int r;

	if (line[strspn(line, LIST_BLANKS)] == '\0')
		return 0;
	r = take_words(line, &entry, &problem);
	if (r == 0 && note)
		r = note_check("note", note, &problem);
	if (r == 0)
		return list_reader_append(reader, &entry, note, error);
	entry_clear(&entry);
	list_reader_report(reader, reader->number, &problem);
	return 0;
}

int listtext_parse(const char *text, size_t length, size_t limit, struct list *ret, struct ag_error *error)
{
	struct list_reader reader = {.limit = limit, .line = read_line};

	return list_reader_run(&reader, text, length, ret, error);
}

void listtext_format(const struct entry *entry, struct buffer *out)
{
	bool noted = entry->note && entry->note[0];
	char source[ENTRY_TEXT_MAX], expires[TIME_TEXT_MAX];

	entry_format_short(entry, source);
	time_format(entry->expires, expires);
	(void)buffer_print(out, "%s%s%s%s%s%s%s\n", source, entry->verdict == AG_ENTRY_DENY ? " deny" : "",
			   entry->disabled ? " disabled" : "", entry->expires ? " " EXPIRES : "",
			   entry->expires ? expires : "", noted ? " # " : "", noted ? entry->note : "");
}
