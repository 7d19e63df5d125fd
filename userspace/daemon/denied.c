// SPDX-License-Identifier: GPL-2.0-only
/*
 * denied.c - rows from one pool, found by a hash, in the order in which they were seen last
 *
 * Each row is in three lists: of its bucket, of its account and of all; each account is in the list of those
 * that have as many rows, in the order in which they were seen last, or lost a row. So every packet costs the
 * same, whatever is held. The hash is keyed by chance: sources are chosen by whoever floods.
 */
#include "userspace/daemon/denied.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/number.h"

struct owner;

struct slot_row {
	struct denied_row row;
	uint64_t missed_before; /* the row's first packet */
	struct owner *owner;
	LIST_ENTRY(slot_row) same_hash; /* or of those that are free */
	TAILQ_ENTRY(slot_row) in_owner; /* seen last: at the end */
	TAILQ_ENTRY(slot_row) in_all;
};
LIST_HEAD(hash_rows, slot_row);
TAILQ_HEAD(seen_rows, slot_row);

/* An account that has rows. */
struct owner {
	uint32_t slot;
	int64_t id;
	char name[NAME_SIZE];
	size_t count;
	struct seen_rows rows;
	TAILQ_ENTRY(owner) same_count;
};
TAILQ_HEAD(owners, owner);

struct denied {
	size_t account_rows;
	size_t count;
	uint64_t sequence;
	uint64_t missed;
	uint64_t keys[2];
	size_t bucket_mask;
	struct hash_rows *buckets;
	struct hash_rows free_rows;
	struct slot_row *pool;
	struct seen_rows rows;
	struct owners *by_count; /* [account_rows + 1] */
	struct owner **by_slot;
	size_t slot_room;
};

DEFINE_CLEANUP(denied, struct denied *, denied_free)

int denied_new(size_t account_rows, size_t rows, struct denied **ret)
{
	CLEANUP(cleanup_denied) struct denied *denied = calloc(1, sizeof(*denied));
	size_t buckets = 1;

	assert(account_rows > 0 && rows >= account_rows);
	while (buckets < rows)
		buckets *= 2;
	if (!denied)
		return -ENOMEM;
	denied->pool = calloc(rows, sizeof(*denied->pool));
	denied->buckets = calloc(buckets, sizeof(*denied->buckets));
	denied->by_count = calloc(account_rows + 1, sizeof(*denied->by_count));
	if (!denied->pool || !denied->buckets || !denied->by_count)
		return -ENOMEM;
	if (getrandom(denied->keys, sizeof(denied->keys), 0) != sizeof(denied->keys))
		return -errno;
	denied->account_rows = account_rows;
	denied->bucket_mask = buckets - 1;
	TAILQ_INIT(&denied->rows);
	for (size_t i = 0; i <= account_rows; i++)
		TAILQ_INIT(&denied->by_count[i]);
	for (size_t i = 0; i < rows; i++)
		LIST_INSERT_HEAD(&denied->free_rows, &denied->pool[i], same_hash);
	*ret = TAKE_PTR(denied);
	return 0;
}

void denied_free(struct denied *denied)
{
	if (!denied)
		return;
	for (size_t slot = 0; slot < denied->slot_room; slot++)
		free(denied->by_slot[slot]);
	free(denied->by_slot);
	free(denied->by_count);
	free(denied->buckets);
	free(denied->pool);
	free(denied);
}

size_t denied_count(const struct denied *denied)
{
	return denied->count;
}

/* --- finding ------------------------------------------------------------------- */

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static struct hash_rows *bucket_of(const struct denied *denied, uint32_t slot, const struct prefix *source)
{
	unsigned __int128 number = number_of_addr(&source->addr);
	uint64_t which = (uint64_t)slot << 16 | (uint64_t)source->addr.family << 8 | source->len;
	uint64_t hash = mix((uint64_t)number ^ denied->keys[0], (uint64_t)(number >> 64) ^ denied->keys[1]);

	return &denied->buckets[mix(hash ^ which, denied->keys[0] | 1) & denied->bucket_mask];
}

static struct slot_row *find(const struct denied *denied, const struct owner *owner,
			     const struct prefix *source)
{
	struct slot_row *row;

	LIST_FOREACH(row, bucket_of(denied, owner->slot, source), same_hash)
	if (row->owner == owner && !prefix_compare(&row->row.source, source))
		return row;
	return NULL;
}

static struct owner *owner_at(const struct denied *denied, uint32_t slot)
{
	return slot < denied->slot_room ? denied->by_slot[slot] : NULL;
}

static bool is_owner(const struct owner *owner, const struct account *account)
{
	return owner && owner->id == account->id && !strcmp(owner->name, account->name);
}

bool denied_knows(const struct denied *denied, const struct account *account)
{
	return is_owner(owner_at(denied, account->slot), account);
}

/* --- coming and going ---------------------------------------------------------- */

/* Into the list of those with as many, behind the others: it was seen, or has lost a row, just now. */
static void place_owner(struct denied *denied, struct owner *owner, size_t count)
{
	TAILQ_REMOVE(&denied->by_count[owner->count], owner, same_count);
	owner->count = count;
	TAILQ_INSERT_TAIL(&denied->by_count[count], owner, same_count);
}

/* Those that are left without rows go last of all: whoever makes room may be one for a moment. */
static void drop_empty(struct denied *denied)
{
	struct owner *owner;

	while ((owner = TAILQ_FIRST(&denied->by_count[0]))) {
		TAILQ_REMOVE(&denied->by_count[0], owner, same_count);
		denied->by_slot[owner->slot] = NULL;
		free(owner);
	}
}

static void remove_row(struct denied *denied, struct slot_row *row)
{
	struct owner *owner = row->owner;

	LIST_REMOVE(row, same_hash);
	TAILQ_REMOVE(&owner->rows, row, in_owner);
	TAILQ_REMOVE(&denied->rows, row, in_all);
	LIST_INSERT_HEAD(&denied->free_rows, row, same_hash);
	denied->count--;
	place_owner(denied, owner, owner->count - 1);
}

void denied_forget(struct denied *denied, uint32_t slot)
{
	struct owner *owner = owner_at(denied, slot);

	while (owner && owner->count)
		remove_row(denied, TAILQ_FIRST(&owner->rows));
	drop_empty(denied);
}

static struct owner *owner_with_most(const struct denied *denied)
{
	size_t count = denied->account_rows;

	while (TAILQ_EMPTY(&denied->by_count[count]))
		count--; /* the pool is used up, so there is one */
	return TAILQ_FIRST(&denied->by_count[count]);
}

static int reserve_slot(struct denied *denied, uint32_t slot)
{
	size_t room = (size_t)slot + 1;
	struct owner **larger;

	if (slot < denied->slot_room)
		return 0;
	if (room < denied->slot_room * 2)
		room = denied->slot_room * 2;
	larger = reallocarray(denied->by_slot, room, sizeof(void *));
	if (!larger)
		return -ENOMEM;
	memset(larger + denied->slot_room, 0, (room - denied->slot_room) * sizeof(void *));
	denied->by_slot = larger;
	denied->slot_room = room;
	return 0;
}

static struct owner *owner_new(struct denied *denied, const struct account *account)
{
	struct owner *owner = reserve_slot(denied, account->slot) ? NULL : calloc(1, sizeof(*owner));

	if (!owner)
		return NULL;
	owner->slot = account->slot;
	owner->id = account->id;
	memcpy(owner->name, account->name, sizeof(owner->name));
	TAILQ_INIT(&owner->rows);
	TAILQ_INSERT_TAIL(&denied->by_count[0], owner, same_count);
	denied->by_slot[account->slot] = owner;
	return owner;
}

/* Room for one more of that account: its own oldest row goes before anybody else's. */
static void make_room(struct denied *denied, const struct owner *owner)
{
	if (owner->count == denied->account_rows)
		remove_row(denied, TAILQ_FIRST(&owner->rows));
	else if (LIST_EMPTY(&denied->free_rows))
		remove_row(denied, TAILQ_FIRST(&owner_with_most(denied)->rows));
}

static struct slot_row *add_row(struct denied *denied, struct owner *owner, const struct stopped *stopped)
{
	struct slot_row *row = LIST_FIRST(&denied->free_rows);

	LIST_REMOVE(row, same_hash);
	*row = (struct slot_row){.owner = owner, .missed_before = denied->missed};
	row->row.source = stopped->source;
	row->row.first_seen = stopped->time;
	LIST_INSERT_HEAD(bucket_of(denied, owner->slot, &stopped->source), row, same_hash);
	TAILQ_INSERT_TAIL(&owner->rows, row, in_owner);
	TAILQ_INSERT_TAIL(&denied->rows, row, in_all);
	denied->count++;
	place_owner(denied, owner, owner->count + 1);
	return row;
}

static void touch_row(struct denied *denied, struct slot_row *row)
{
	TAILQ_REMOVE(&row->owner->rows, row, in_owner);
	TAILQ_INSERT_TAIL(&row->owner->rows, row, in_owner);
	TAILQ_REMOVE(&denied->rows, row, in_all);
	TAILQ_INSERT_TAIL(&denied->rows, row, in_all);
	place_owner(denied, row->owner, row->owner->count);
}

static struct owner *enter(struct denied *denied, const struct account *account)
{
	struct owner *owner = owner_at(denied, account->slot);

	if (owner && !is_owner(owner, account)) {
		denied_forget(denied, account->slot);
		owner = NULL;
	}
	return owner ? owner : owner_new(denied, account);
}

void denied_miss(struct denied *denied, uint64_t count)
{
	denied->missed += count;
}

void denied_note(struct denied *denied, const struct stopped *stopped)
{
	struct owner *owner = enter(denied, stopped->account);
	struct slot_row *row = owner ? find(denied, owner, &stopped->source) : NULL;

	if (!owner) {
		denied_miss(denied, 1);
		return;
	}
	if (row) {
		touch_row(denied, row);
	} else {
		make_room(denied, owner);
		row = add_row(denied, owner, stopped);
	}
	row->row.sequence = ++denied->sequence;
	row->row.packets++;
	row->row.last_seen = stopped->time;
	row->row.service = stopped->service;
	row->row.verdict = stopped->verdict;
	drop_empty(denied);
}

/* --- reading ------------------------------------------------------------------- */

static int visit_all(const struct denied *denied, uint64_t before,
		     int (*visit)(uint32_t slot, const struct denied_row *row, void *arg), void *arg)
{
	const struct slot_row *row;
	int result = 0;

	TAILQ_FOREACH_REVERSE(row, &denied->rows, seen_rows, in_all)
	if (!result && (!before || row->row.sequence < before))
		result = visit(row->owner->slot, &row->row, arg);
	return result;
}

int denied_each(const struct denied *denied, const struct account *account, uint64_t before,
		int (*visit)(uint32_t slot, const struct denied_row *row, void *arg), void *arg)
{
	const struct slot_row *row;
	int result = 0;

	if (!account)
		return visit_all(denied, before, visit, arg);
	if (!denied_knows(denied, account))
		return 0;
	TAILQ_FOREACH_REVERSE(row, &denied->by_slot[account->slot]->rows, seen_rows, in_owner)
	if (!result && (!before || row->row.sequence < before))
		result = visit(account->slot, &row->row, arg);
	return result;
}

uint64_t denied_missed(const struct denied *denied, const struct account *account)
{
	const struct slot_row *row;
	uint64_t oldest = UINT64_MAX;

	if (!account) {
		TAILQ_FOREACH(row, &denied->rows, in_all)
		oldest = row->missed_before < oldest ? row->missed_before : oldest;
	} else if (denied_knows(denied, account)) {
		TAILQ_FOREACH(row, &denied->by_slot[account->slot]->rows, in_owner)
		oldest = row->missed_before < oldest ? row->missed_before : oldest;
	}
	return denied->missed - (oldest == UINT64_MAX ? 0 : oldest);
}
