/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_kernel.h - userspace/io/dataplane.h over a kernel in memory, whose n-th fallible call can be made to
 * fail
 *
 * Defines the functions, so it is included by one test alone, which then links no other data plane.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/compile.h"
#include "userspace/core/error.h"
#include "userspace/io/dataplane.h"

#define SLOTS 8

struct dataplane {
	struct compiled_account accounts[SLOTS];
	struct compiled_service services[32];
	size_t service_count;
	uint32_t flags;
	uint64_t store_id, generation;
	int calls;	 /* fallible calls so far */
	int fail_at;	 /* the call that fails, 0: none */
	int fail_for;	 /* how many from there on fail */
	char order[256]; /* what was done, a letter each */
};

struct dataplane_change {
	struct compiled_account want;
};

static struct dataplane kernel;

static int fallible(struct ag_error *error)
{
	kernel.calls++;
	if (!kernel.fail_at || kernel.calls < kernel.fail_at ||
	    kernel.calls >= kernel.fail_at + kernel.fail_for)
		return 0;
	return error_set(error, ERROR_KERNEL, "made to fail: wait and try again");
}

static void note(char what)
{
	size_t used = strlen(kernel.order);

	if (used + 1 < sizeof(kernel.order))
		kernel.order[used] = what;
}

static void copy_account(struct compiled_account *to, const struct compiled_account *from)
{
	compiled_account_clear(to);
	*to = *from;
	to->entries4 = malloc((from->count4 + 1) * sizeof(*to->entries4));
	to->entries6 = malloc((from->count6 + 1) * sizeof(*to->entries6));
	assert_true(to->entries4 && to->entries6);
	if (from->count4)
		memcpy(to->entries4, from->entries4, from->count4 * sizeof(*to->entries4));
	if (from->count6)
		memcpy(to->entries6, from->entries6, from->count6 * sizeof(*to->entries6));
}

int dataplane_open(const char *pin_dir, const struct dataplane_limits *limits, struct dataplane **ret,
		   struct ag_error *error)
{
	(void)pin_dir;
	(void)limits;
	(void)error;
	*ret = &kernel;
	return 0;
}

void dataplane_close(struct dataplane *dataplane)
{
	(void)dataplane;
}

int dataplane_set_failsafe(struct dataplane *dataplane, const struct prefix *prefixes, size_t count,
			   struct ag_error *error)
{
	(void)dataplane;
	(void)prefixes;
	(void)count;
	(void)error;
	return 0;
}

void dataplane_seal(const struct dataplane *dataplane, uint64_t *ret_store_id, uint64_t *ret_generation)
{
	*ret_store_id = dataplane->store_id;
	*ret_generation = dataplane->generation;
}

bool dataplane_filled(const struct dataplane *dataplane)
{
	return dataplane->store_id != 0;
}

void dataplane_set_seal(struct dataplane *dataplane, uint64_t store_id, uint64_t generation)
{
	dataplane->store_id = store_id;
	dataplane->generation = generation;
}

int dataplane_stage(struct dataplane *dataplane, const struct compiled_account *have,
		    const struct compiled_account *want, struct dataplane_change **ret,
		    struct ag_error *error)
{
	struct dataplane_change *change;

	(void)dataplane;
	(void)have;
	note('s');
	if (fallible(error))
		return -EIO;
	change = calloc(1, sizeof(*change));
	assert_non_null(change);
	copy_account(&change->want, want);
	*ret = change;
	return 0;
}

int dataplane_publish_all(struct dataplane *dataplane, struct dataplane_change *const *changes, size_t count,
			  struct ag_error *error)
{
	note('p');
	if (fallible(error))
		return -EIO;
	for (size_t i = 0; i < count; i++)
		copy_account(&dataplane->accounts[changes[i]->want.slot], &changes[i]->want);
	return 0;
}

int dataplane_publish(struct dataplane *dataplane, struct dataplane_change *change, struct ag_error *error)
{
	return dataplane_publish_all(dataplane, &change, 1, error);
}

void dataplane_change_free(struct dataplane_change *change)
{
	if (!change)
		return;
	compiled_account_clear(&change->want);
	free(change);
}

int dataplane_read_account(struct dataplane *dataplane, uint32_t slot, struct compiled_account *ret,
			   struct ag_error *error)
{
	(void)error;
	copy_account(ret, &dataplane->accounts[slot]);
	ret->slot = slot;
	return 0;
}

int dataplane_clear_account(struct dataplane *dataplane, uint32_t slot, struct ag_error *error)
{
	note('c');
	if (fallible(error))
		return -EIO;
	compiled_account_clear(&dataplane->accounts[slot]);
	memset(&dataplane->accounts[slot], 0, sizeof(dataplane->accounts[slot]));
	return 0;
}

int dataplane_used_slots(struct dataplane *dataplane, uint32_t **ret, size_t *ret_count,
			 struct ag_error *error)
{
	(void)error;
	*ret = calloc(SLOTS, sizeof(**ret));
	*ret_count = 0;
	assert_non_null(*ret);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		if (dataplane->accounts[slot].state.word)
			(*ret)[(*ret_count)++] = slot;
	return 0;
}

static bool same_services(const struct dataplane *dataplane, const struct compiled_services *want)
{
	return dataplane->service_count == want->service_count &&
	       !memcmp(dataplane->services, want->services, want->service_count * sizeof(*want->services));
}

int dataplane_sync_services(struct dataplane *dataplane, const struct compiled_services *want, bool dry_run,
			    size_t *ret_changed, struct ag_error *error)
{
	bool same = !want->service_count ? !dataplane->service_count : same_services(dataplane, want);

	if (ret_changed)
		*ret_changed = !same;
	if (dry_run)
		return 0;
	note('t');
	if (fallible(error))
		return -EIO;
	assert_true(want->service_count <= 32);
	if (want->service_count)
		memcpy(dataplane->services, want->services, want->service_count * sizeof(*want->services));
	dataplane->service_count = want->service_count;
	dataplane->flags = want->flags;
	return 0;
}

int dataplane_attachments(struct dataplane *dataplane, struct attachment **ret, size_t *ret_count,
			  struct ag_error *error)
{
	(void)dataplane;
	(void)error;
	*ret = NULL;
	*ret_count = 0;
	return 0;
}

int dataplane_attach(struct dataplane *dataplane, const char *interface, enum attach_mode mode,
		     struct attachment *ret, struct ag_error *error)
{
	(void)dataplane;
	(void)mode;
	if (fallible(error))
		return -EIO;
	*ret = (struct attachment){.ifindex = 1};
	(void)snprintf(ret->name, sizeof(ret->name), "%s", interface);
	return 0;
}

int dataplane_detach(struct dataplane *dataplane, const char *interface, struct ag_error *error)
{
	(void)dataplane;
	(void)interface;
	return fallible(error) ? -EIO : 0;
}

int dataplane_adopt_links(struct dataplane *dataplane, size_t *ret_count, struct ag_error *error)
{
	(void)dataplane;
	(void)error;
	*ret_count = 0;
	return 0;
}

void dataplane_drop_old_maps(struct dataplane *dataplane)
{
	(void)dataplane;
}

const char *attach_mode_name(enum attach_mode mode)
{
	(void)mode;
	return "auto";
}

int attach_mode_parse(const char *text, enum attach_mode *ret, struct ag_error *error)
{
	(void)text;
	(void)error;
	*ret = ATTACH_AUTO;
	return 0;
}
