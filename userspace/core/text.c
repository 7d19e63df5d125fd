// SPDX-License-Identifier: GPL-2.0-only
/*
 * text.c - names, notes, times, durations, numbers
 *
 * By hand and not by the C library: its functions for these depend on the locale or the
 * time zone, skip blanks, or accept what is not meant (strtoull takes "-1").
 */
#include "userspace/core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/error.h"
#include "userspace/core/utf8.h"

#define DAY_SECONDS 86400

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c);
}

int name_check(const char *what, const char *name, struct ag_error *error)
{
	size_t length = 0;

	if (!name[0])
		return error_set(error, ERROR_BAD_REQUEST, "the %s name is empty: give 1 to %d characters",
				 what, NAME_MAX_BYTES);
	while (is_alphanumeric(name[length]) || (length > 0 && name[length] && strchr("._-", name[length])))
		length++;
	if (name[length])
		return error_set_at(
			error, ERROR_BAD_REQUEST, length,
			"%s name \"%.80s\": use a-z, 0-9, '.', '_' and '-', a letter or digit first", what,
			name);
	if (length > NAME_MAX_BYTES)
		return error_set_at(error, ERROR_BAD_REQUEST, NAME_MAX_BYTES,
				    "%s name \"%.20s...\" is too long: at most %d characters", what, name,
				    NAME_MAX_BYTES);
	return 0;
}

int note_check(const char *what, const char *note, struct ag_error *error)
{
	size_t at = 0;

	for (unsigned int count = 0; note[at]; count++) {
		uint32_t character = 0;
		size_t length = utf8_decode(note + at, &character);

		if (length == 0)
			return error_set_at(error, ERROR_BAD_REQUEST, at,
					    "the %s is not valid UTF-8 at byte %zu: send it as UTF-8", what,
					    at);
		if (character_is_control(character))
			return error_set_at(error, ERROR_BAD_REQUEST, at,
					    "the %s has a control character (U+%04" PRIX32
					    ") at byte %zu: write one line of plain text",
					    what, character, at);
		if (count == NOTE_MAX_CHARS)
			return error_set_at(error, ERROR_BAD_REQUEST, at,
					    "the %s is too long: at most %d characters", what,
					    NOTE_MAX_CHARS);
		at += length;
	}
	return 0;
}

int number_parse(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *ret,
		 struct ag_error *error)
{
	size_t digits = 0;
	uint64_t value = 0;
	bool over = false;

	for (; is_digit(text[digits]); digits++) {
		over |= __builtin_mul_overflow(value, 10U, &value);
		over |= __builtin_add_overflow(value, (uint64_t)(text[digits] - '0'), &value);
	}
	if (digits == 0 || text[digits])
		return error_set_at(error, ERROR_BAD_REQUEST, digits,
				    "%s \"%.80s\" is no number: write digits alone, from %" PRIu64
				    " to %" PRIu64,
				    what, text, min, max);
	if (digits > 1 && text[0] == '0')
		return error_set(error, ERROR_BAD_REQUEST, "%s \"%.80s\" has leading zeros: leave them out",
				 what, text);
	if (over || value < min || value > max)
		return error_set(error, ERROR_BAD_REQUEST,
				 "%s %.80s is out of range: it goes from %" PRIu64 " to %" PRIu64, what, text,
				 min, max);
	*ret = value;
	return 0;
}

/*
 * Days since 1970-01-01 and back, in the proleptic Gregorian calendar, for the years of RFC 3339. Years are
 * counted from March so that the leap day is their last. Source: H. Hinnant, "chrono-Compatible Low-Level
 * Date Algorithms", days_from_civil and civil_from_days.
 */
#define ERA_DAYS   146097 /* of 400 years */
#define EPOCH_DAYS 719468 /* from 0000-03-01 to 1970-01-01 */

struct date {
	uint16_t year;
	uint8_t month, day;
};

static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t from_march = year - (month <= 2);
	int64_t era = (from_march >= 0 ? from_march : from_march - 399) / 400;
	int64_t year_of_era = from_march - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * ERA_DAYS + day_of_era - EPOCH_DAYS;
}

static struct date date_from_days(int64_t days)
{
	int64_t shifted = days + EPOCH_DAYS;
	int64_t era = (shifted >= 0 ? shifted : shifted - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t day_of_era = shifted - era * ERA_DAYS;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (ERA_DAYS - 1)) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t from_march = (5 * day_of_year + 2) / 153;

	return (struct date){
		.year = (uint16_t)(year_of_era + era * 400 + (from_march >= 10)),
		.month = (uint8_t)(from_march < 10 ? from_march + 3 : from_march - 9),
		.day = (uint8_t)(day_of_year - (153 * from_march + 2) / 5 + 1),
	};
}

void time_format(int64_t seconds, char text[TIME_TEXT_MAX])
{
	int64_t shown = seconds < TIME_FIRST ? TIME_FIRST : seconds > TIME_LAST ? TIME_LAST : seconds;
	int64_t clock = (shown % DAY_SECONDS + DAY_SECONDS) % DAY_SECONDS;
	struct date date = date_from_days((shown - clock) / DAY_SECONDS);

	/* fits: a year of four digits */
	(void)snprintf(text, TIME_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ", date.year, date.month, date.day,
		       (uint8_t)(clock / 3600), (uint8_t)(clock / 60 % 60), (uint8_t)(clock % 60));
}

/* The take_* functions stand at *at, and move it on over what they took. */
static bool take_char(const char **at, const char *one_of)
{
	if (!**at || !strchr(one_of, **at))
		return false;
	(*at)++;
	return true;
}

static bool take_number(const char **at, unsigned int digits, int64_t min, int64_t max, int64_t *ret)
{
	int64_t value = 0;

	for (unsigned int i = 0; i < digits; i++) {
		if (!is_digit((*at)[i]))
			return false;
		value = value * 10 + ((*at)[i] - '0');
	}
	if (value < min || value > max)
		return false;
	*at += digits;
	*ret = value;
	return true;
}

static int64_t month_days(int64_t year, int64_t month)
{
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month == 2)
		return leap ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static bool take_date(const char **at, int64_t *ret_days)
{
	int64_t year, month, day;

	if (!take_number(at, 4, 0, 9999, &year) || !take_char(at, "-") ||
	    !take_number(at, 2, 1, 12, &month) || !take_char(at, "-") ||
	    !take_number(at, 2, 1, month_days(year, month), &day))
		return false;
	*ret_days = days_from_date(year, month, day);
	return true;
}

static bool take_clock(const char **at, int64_t *ret_seconds, bool *ret_leap)
{
	int64_t hour, minute, second;

	if (!take_number(at, 2, 0, 23, &hour) || !take_char(at, ":") || !take_number(at, 2, 0, 59, &minute) ||
	    !take_char(at, ":") || !take_number(at, 2, 0, 60, &second))
		return false;
	if (take_char(at, ".")) {
		if (!is_digit(**at))
			return false;
		while (is_digit(**at))
			(*at)++;
	}
	*ret_seconds = hour * 3600 + minute * 60 + second;
	*ret_leap = second == 60;
	return true;
}

static bool take_offset(const char **at, int64_t *ret_seconds)
{
	bool west = **at == '-';
	int64_t hour, minute;

	if (take_char(at, "Zz")) {
		*ret_seconds = 0;
		return true;
	}
	if (!take_char(at, "+-") || !take_number(at, 2, 0, 23, &hour) || !take_char(at, ":") ||
	    !take_number(at, 2, 0, 59, &minute))
		return false;
	*ret_seconds = (hour * 3600 + minute * 60) * (west ? -1 : 1);
	return true;
}

int time_parse(const char *text, int64_t *ret, struct ag_error *error)
{
	const char *at = text;
	int64_t days, clock, offset, seconds;
	bool leap;

	if (!take_date(&at, &days) || !take_char(&at, "Tt") || !take_clock(&at, &clock, &leap) ||
	    !take_offset(&at, &offset) || *at)
		return error_set_at(
			error, ERROR_BAD_REQUEST, (size_t)(at - text),
			"\"%.80s\" is no time: write it as RFC 3339 has it, as in 2026-01-02T03:04:05Z",
			text);
	seconds = days * DAY_SECONDS + clock - offset;
	if (leap && seconds % DAY_SECONDS != 0)
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%.80s\" is no time: only 23:59:60 UTC can be a leap second", text);
	if (seconds < TIME_FIRST || seconds > TIME_LAST)
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%.80s\" is beyond the years 0000 to 9999 in UTC", text);
	*ret = seconds;
	return 0;
}

#define DURATION_MAX (INT64_C(100) * 366 * DAY_SECONDS)

static int64_t unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return DAY_SECONDS;
	case 'w':
		return INT64_C(7) * DAY_SECONDS;
	default:
		return 0;
	}
}

/* Digits and a unit, in range or not. */
static bool is_duration(const char *text, size_t *ret_digits)
{
	size_t digits = 0;

	while (is_digit(text[digits]))
		digits++;
	*ret_digits = digits;
	return digits && unit_seconds(text[digits]) && !text[digits + 1];
}

int duration_parse(const char *text, int64_t *ret_seconds, struct ag_error *error)
{
	int64_t number = 0;
	size_t digits;

	if (!is_duration(text, &digits))
		return error_set_at(error, ERROR_BAD_REQUEST, digits,
				    "\"%.80s\" is no duration: write a number and s, m, h, d or w, as in 24h",
				    text);
	for (size_t i = 0; i < digits && number <= DURATION_MAX; i++)
		number = number * 10 + (text[i] - '0');
	/* no overflow: a number that is out of range is at most ten times DURATION_MAX */
	number *= unit_seconds(text[digits]);
	if (number < 1 || number > DURATION_MAX)
		return error_set(error, ERROR_BAD_REQUEST, "\"%.80s\" is out of range: from 1s to 100 years",
				 text);
	*ret_seconds = number;
	return 0;
}

/* Zero is no expiry but the want of one: it must not come out of a time. */
static int check_expiry(const char *text, int64_t expires, struct ag_error *error)
{
	char last[TIME_TEXT_MAX];

	if (expires >= 1 && expires <= EXPIRES_LAST)
		return 0;
	time_format(EXPIRES_LAST, last);
	return error_set(
		error, ERROR_BAD_REQUEST,
		"an expiry of %.80s is out of range: from 1970-01-01T00:00:01Z to %s; an entry without "
		"an expiry never expires",
		text, last);
}

int expiry_time_parse(const char *text, int64_t *ret, struct ag_error *error)
{
	int64_t expires;
	int r = time_parse(text, &expires, error);

	if (r == 0)
		r = check_expiry(text, expires, error);
	if (r == 0)
		*ret = expires;
	return r;
}

static int expiry_in(const char *text, int64_t now, int64_t *ret, struct ag_error *error)
{
	int64_t seconds, expires;
	int r = duration_parse(text, &seconds, error);

	if (r < 0)
		return r;
	if (__builtin_add_overflow(now, seconds, &expires))
		expires = INT64_MAX;
	r = check_expiry(text, expires, error);
	if (r == 0)
		*ret = expires;
	return r;
}

int expiry_parse(const char *text, int64_t now, int64_t *ret, struct ag_error *error)
{
	size_t digits;

	if (strcmp(text, "never") == 0) {
		*ret = 0;
		return 0;
	}
	if (is_duration(text, &digits))
		return expiry_in(text, now, ret, error);
	if (text[digits] == '-' && digits)
		return expiry_time_parse(text, ret, error);
	return error_set_at(error, ERROR_BAD_REQUEST, digits,
			    "\"%.80s\" is no expiry: write a time, as in 2026-01-02T03:04:05Z, how long from "
			    "now, as in 8h, or never",
			    text);
}

/* As dev_valid_name() in net/core/dev.c has it; and what is shown of it is plain text. */
bool interface_name_valid(const char *name)
{
	return name[0] && strlen(name) < INTERFACE_SIZE && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && !strpbrk(name, " /:") && note_check("name", name, NULL) == 0;
}
