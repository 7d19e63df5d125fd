// SPDX-License-Identifier: GPL-2.0-only
/* value.c - see value.h */
#include "userspace/notice/value.h"

#include <stddef.h>
#include <string.h>

#include "userspace/core/error.h"
#include "userspace/core/utf8.h"

#define DIGITS	   "0123456789"
#define LETTERS	   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define UNRESERVED LETTERS DIGITS "-._~"
#define IN_URL	   UNRESERVED ":/?[]@!$&'()*+,;=%"
#define IN_HOST	   UNRESERVED ":[]"

int value_text(const char *text, struct ag_error *error)
{
	uint32_t character = 0;
	size_t size;

	for (const char *at = text; *at; at += size) {
		size = utf8_decode(at, &character);
		if (!size)
			return error_set(error, ERROR_BAD_REQUEST,
					 "this is no UTF-8: save the file as UTF-8");
		if (character_is_control(character))
			return error_set(error, ERROR_BAD_REQUEST,
					 "there is a control character in it: remove it");
	}
	return 0;
}

int value_url(const char *text, struct ag_error *error)
{
	const char *host = NULL;
	size_t length;

	if (!strncmp(text, "https://", 8))
		host = text + 8;
	else if (!strncmp(text, "http://", 7))
		host = text + 7;
	length = host ? strspn(host, IN_HOST) : 0;
	if (!length || (host[length] && !strchr("/?", host[length])))
		return error_set(error, ERROR_BAD_REQUEST,
				 "this is no URL to send visitors to: write https://HOST/PATH");
	if (text[strspn(text, IN_URL)])
		return error_set(error, ERROR_BAD_REQUEST,
				 "a URL is ASCII without blanks, quotes and '#': percent-encode the rest");
	return 0;
}

int value_parameter(const char *text, struct ag_error *error)
{
	if (!*text || text[strspn(text, UNRESERVED)])
		return error_set(error, ERROR_BAD_REQUEST,
				 "a parameter's name is of letters, digits and -._~: choose another");
	return 0;
}

int value_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret, struct ag_error *error)
{
	size_t length = strspn(text, DIGITS);
	uint64_t number = 0;

	for (size_t i = 0; i < length && i < 10; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	if (!length || length > 10 || text[length] || number < min || number > max)
		return error_set(error, ERROR_BAD_REQUEST, "\"%.40s\" is no number from %u to %u", text, min,
				 max);
	*ret = (uint32_t)number;
	return 0;
}
