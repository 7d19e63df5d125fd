// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_persons_text.c - text that names people, as text that refers to them, and back
 *
 * What the audit log says of a change stands in its chain for good. So names of users, uids of whom the log
 * knows, and the actor's address become "{user#12}", "{uid#12}" and "{origin}" there; a brace of the text
 * itself is doubled. Users are found word by word, whatever wrote the text.
 */
#include "userspace/io/store_audit.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

struct referring {
	struct store *store;
	const char *origin; /* NULL: unknown */
	int64_t row;
	const char *start; /* of the text */
	struct buffer *out;
	struct ag_error *error;
};

static bool is_name_byte(char c)
{
	return islower((unsigned char)c) || isdigit((unsigned char)c) || (c && strchr("._-", c));
}

/* A word may begin behind this. */
static bool is_boundary(char c)
{
	return !isalnum((unsigned char)c) && (unsigned char)c < 0x80 && !is_name_byte(c);
}

static void refer_to(struct referring *referring, const char *kind, int64_t id)
{
	(void)buffer_print(referring->out, "{%s#%" PRId64 "}", kind, id); /* remembered in the buffer */
}

/* --- the origin --------------------------------------------------------------------- */

static size_t origin_at(const struct referring *referring, const char *at)
{
	size_t length = referring->origin ? strlen(referring->origin) : 0;
	const char *behind = at + length;

	if (!length || strncmp(at, referring->origin, length) != 0)
		return 0;
	if (at > referring->start && (isalnum((unsigned char)at[-1]) || strchr(".:", at[-1])))
		return 0;
	if (isalnum((unsigned char)*behind) ||
	    (*behind && strchr(".:", *behind) && isxdigit((unsigned char)behind[1])))
		return 0;
	return length;
}

/* --- uids --------------------------------------------------------------------------- */

/* 1 with the id of whom has the uid, 0 where nobody is known to. */
static int find_uid(struct referring *referring, int64_t uid, int64_t *ret)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct person person = {0};
	int r = sql_open(referring->store, SQL_PERSON_BY_UID, &stmt, referring->error, SQL_NUMBER(uid));

	if (!r)
		r = sql_step(referring->store, stmt, referring->error);
	if (r <= 0)
		return r;
	r = person_read(referring->store, stmt, &person, referring->error);
	*ret = person.id;
	return r < 0 ? r : 1;
}

static int touch(struct referring *referring, int64_t id)
{
	return sql_run(referring->store, SQL_PERSON_TOUCH, referring->error, SQL_NUMBER(id),
		       SQL_NUMBER(referring->row));
}

/* "uid=1000", "uid 1000": *ret_length is what was taken, 0 for none. */
static int take_uid(struct referring *referring, const char *at, size_t *ret_length)
{
	size_t digits;
	char number[24];
	uint64_t uid;
	int64_t id = 0;
	int r;

	*ret_length = 0;
	if (strncmp(at, "uid", 3) != 0 || (at[3] != '=' && at[3] != ' '))
		return 0;
	digits = strspn(at + 4, "0123456789");
	if (!digits || digits >= sizeof(number))
		return 0;
	memcpy(number, at + 4, digits);
	number[digits] = '\0';
	if (number_parse("uid", number, 0, UINT32_MAX - 1, &uid, NULL))
		return 0;
	r = find_uid(referring, (int64_t)uid, &id);
	if (r <= 0)
		return r;
	(void)buffer_append(referring->out, at, 4); /* remembered in the buffer */
	refer_to(referring, "uid", id);
	*ret_length = 4 + digits;
	return touch(referring, id);
}

/* --- names -------------------------------------------------------------------------- */

/* 1 with the id of the newest person of that name; 0: there is none. */
static int find_name(struct referring *referring, const char *name, int64_t *ret)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct person person = {0};
	int r = sql_open(referring->store, SQL_PERSON_BY_NAME, &stmt, referring->error, sql_text(name));

	if (!r)
		r = sql_step(referring->store, stmt, referring->error);
	if (r <= 0)
		return r;
	r = person_read(referring->store, stmt, &person, referring->error);
	*ret = person.id;
	return r < 0 ? r : 1;
}

/* Behind "user '", where a name that nobody has may be a person's all the same. */
static bool is_named(const struct referring *referring, const char *at)
{
	static const char before[] = "user '";
	size_t length = sizeof(before) - 1;

	return (size_t)(at - referring->start) >= length && !memcmp(at - length, before, length);
}

/* A user who is there has a person: one is made with them (store_user_add()). */
static int refer_name(struct referring *referring, const char *name, bool named, bool *ret_done)
{
	struct person person = {0};
	int64_t id = 0;
	int r = find_name(referring, name, &id);

	if (!r && named && !name_check("user", name, NULL)) {
		r = person_take(referring->store, name, -1, referring->row, &person, referring->error);
		id = person.id;
	} else if (r > 0) {
		r = touch(referring, id);
	}
	*ret_done = !r && id;
	if (*ret_done)
		refer_to(referring, "user", id);
	return r;
}

/* A name may end with a dot or be followed by one. */
static int take_word(struct referring *referring, const char *at, size_t *ret_length)
{
	bool named = is_named(referring, at), done = false;
	size_t length = 0, shortest;
	char name[NAME_SIZE];
	int r = 0;

	while (is_name_byte(at[length]))
		length++;
	shortest = length;
	while (shortest && strchr("._-", at[shortest - 1]))
		shortest--;
	*ret_length = length;
	for (size_t size = length; !r && !done && size; size = size > shortest ? shortest : 0) {
		if (size >= sizeof(name))
			continue;
		memcpy(name, at, size);
		name[size] = '\0';
		r = refer_name(referring, name, named, &done);
		if (done)
			*ret_length = size;
	}
	if (!r && !done)
		(void)buffer_append(referring->out, at, length); /* remembered in the buffer */
	return r;
}

/* --- all of it ---------------------------------------------------------------------- */

static int take_next(struct referring *referring, const char *at, size_t *ret_length)
{
	bool begins = at == referring->start || is_boundary(at[-1]);
	int r = 0;

	*ret_length = origin_at(referring, at);
	if (*ret_length)
		return buffer_print(referring->out, "{origin}") < 0 ? store_no_memory(referring->error) : 0;
	if (begins)
		r = take_uid(referring, at, ret_length);
	if (!r && !*ret_length && begins && is_name_byte(*at))
		r = take_word(referring, at, ret_length);
	if (r < 0 || *ret_length)
		return r;
	*ret_length = 1;
	(void)buffer_append(referring->out, *at == '{' ? "{{" : at, *at == '{' ? 2 : 1); /* as above */
	return 0;
}

int persons_refer(struct store *store, const char *text, const char *origin, int64_t row, struct buffer *out,
		  struct ag_error *error)
{
	struct referring referring = {store, origin, row, text, out, error};
	size_t length = 0;
	int r = 0;

	(void)buffer_append(out, "", 0); /* an empty text is one */
	for (const char *at = text; !r && *at; at += length)
		r = take_next(&referring, at, &length);
	return !r && out->failed ? store_no_memory(error) : r;
}

static int resolve_person(struct store *store, int64_t id, bool uid, struct buffer *out,
			  struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct person person = {.erased = true};
	int r = sql_open(store, SQL_PERSON_GET, &stmt, error, SQL_NUMBER(id));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r > 0)
		r = person_read(store, stmt, &person, error);
	if (r < 0)
		return r;
	if (person.erased)
		return buffer_print(out, uid ? ERASED : ERASED "#%" PRId64, id);
	return uid ? buffer_print(out, "%" PRId64, person.uid) : buffer_print(out, "%s", person.name);
}

/* A reference: *ret_length is its length, 0 where there is none. */
static int resolve(struct store *store, const char *at, const char *origin, struct buffer *out,
		   size_t *ret_length, struct ag_error *error)
{
	int64_t id = 0;
	int length = 0;

	*ret_length = 0;
	if (!strncmp(at, "{origin}", 8)) {
		*ret_length = 8;
		return buffer_print(out, "%s", origin);
	}
	if (!strncmp(at, "{{", 2)) {
		*ret_length = 2;
		return buffer_append(out, "{", 1);
	}
	if (sscanf(at, "{user#%18" SCNd64 "}%n", &id, &length) == 1 && length) {
		*ret_length = (size_t)length;
		return resolve_person(store, id, false, out, error);
	}
	if (sscanf(at, "{uid#%18" SCNd64 "}%n", &id, &length) != 1 || !length)
		return 0;
	*ret_length = (size_t)length;
	return resolve_person(store, id, true, out, error);
}

int persons_resolve(struct store *store, const char *text, const char *origin, struct buffer *out,
		    struct ag_error *error)
{
	size_t length = 0, plain;
	int r = buffer_append(out, "", 0);

	for (const char *at = text; !r && *at; at += length) {
		plain = strcspn(at, "{");
		length = plain;
		if (plain)
			r = buffer_append(out, at, plain);
		else
			r = resolve(store, at, origin, out, &length, error);
		if (!r && !length)
			r = buffer_append(out, at, length = 1);
	}
	return out->failed ? store_no_memory(error) : r;
}
