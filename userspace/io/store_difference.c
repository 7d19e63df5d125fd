// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_difference.c - two generations' lists walked side by side, some rows at a time
 *
 * A version of a list never changes while its generation is kept, so the walk may be left and taken up again.
 * What was read is compared with both sums at the end.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

#include <stdlib.h>

struct side {
	struct account_record record; /* the list */
	struct account_record seen;   /* counts and sum of what was read of it */
	struct list page;
	size_t at; /* in the page */
	struct prefix last;
	bool ended;
};

struct store_difference {
	int64_t account_id;
	uint64_t from;
	uint64_t to;
	struct side before;
	struct side after;
};

static int find_sides(struct store *store, struct store_difference *difference, struct ag_error *error)
{
	int r = history_record(store, difference->account_id, difference->from, &difference->before.record,
			       error);

	if (r < 0)
		return r;
	if (difference->to)
		return history_record(store, difference->account_id, difference->to,
				      &difference->after.record, error);
	return account_record_find(store, difference->account_id, &difference->after.record, error);
}

int store_difference_open(struct store *store, int64_t account_id, uint64_t from, uint64_t to,
			  struct store_difference **ret, struct ag_error *error)
{
	struct store_difference *difference = calloc(1, sizeof(*difference));
	int r;

	if (!difference)
		return store_no_memory(error);
	difference->account_id = account_id;
	difference->from = from;
	difference->to = to;
	r = find_sides(store, difference, error);
	if (r < 0)
		store_difference_close(difference);
	else
		*ret = difference;
	return r;
}

void store_difference_close(struct store_difference *difference)
{
	if (!difference)
		return;
	list_clear(&difference->before.page);
	list_clear(&difference->after.page);
	free(difference);
}

static int refill(struct store *store, struct side *side, size_t max_rows, struct ag_error *error)
{
	int r;

	if (side->ended || side->at < side->page.count)
		return 0;
	list_clear(&side->page);
	side->at = 0;
	r = entries_page(store, &side->record, &side->last, max_rows, &side->page, error);
	if (r < 0)
		return r;
	side->ended = !side->page.count;
	for (size_t i = 0; i < side->page.count; i++)
		entries_count(store, &side->seen, &side->page.entries[i], true);
	if (side->page.count)
		side->last = side->page.entries[side->page.count - 1].prefix;
	return 0;
}

static const struct entry *next_of(const struct side *side)
{
	return side->at < side->page.count ? &side->page.entries[side->at] : NULL;
}

/* One prefix of either list. */
static int walk(struct store_difference *difference, store_difference_fn visit, void *arg)
{
	const struct entry *before = next_of(&difference->before), *after = next_of(&difference->after);
	int order = !before ? 1 : !after ? -1 : prefix_compare(&before->prefix, &after->prefix);

	difference->before.at += order <= 0;
	difference->after.at += order >= 0;
	if (order < 0)
		return visit(before, NULL, arg);
	if (order > 0)
		return visit(NULL, after, arg);
	return entries_same(before, after) ? 0 : visit(before, after, arg);
}

/* Rows that went in mid-walk went because their generation was not to be kept. */
static int check_whole(struct store *store, const struct store_difference *difference, struct ag_error *error)
{
	struct store_difference now = {
		.account_id = difference->account_id, .from = difference->from, .to = difference->to};
	int r;

	if (entries_fit(&difference->before.seen, &difference->before.record) &&
	    entries_fit(&difference->after.seen, &difference->after.record))
		return 0;
	r = find_sides(store, &now, error);
	if (!r && now.after.record.list_version != difference->after.record.list_version)
		return error_set(error, ERROR_CONFLICT,
				 "the list was changed while it was being compared: try again");
	return r < 0 ? r
		     : store_damaged(store, error, "a list of account '%s' does not fit its sum",
				     now.before.record.account.name);
}

int store_difference_step(struct store *store, struct store_difference *difference, size_t max_rows,
			  store_difference_fn visit, void *arg, bool *ret_done, struct ag_error *error)
{
	struct side *before = &difference->before, *after = &difference->after;
	int r = 0;

	*ret_done = false;
	for (size_t i = 0; i < max_rows && !r && !*ret_done; i++) {
		r = refill(store, before, max_rows, error);
		if (!r)
			r = refill(store, after, max_rows, error);
		if (r)
			return r;
		*ret_done = !next_of(before) && !next_of(after);
		r = *ret_done ? check_whole(store, difference, error) : walk(difference, visit, arg);
	}
	return r;
}
