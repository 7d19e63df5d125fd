// SPDX-License-Identifier: GPL-2.0-only
/*
 * convoy.c - changes of one transaction: which of them concern the same account, and what they leave in
 * memory
 */
#include "userspace/daemon/convoy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/bundle.h"
#include "userspace/daemon/pending.h"
#include "userspace/daemon/watch.h"

/* --- which concern the same account ---------------------------------------- */

static int compare_accounts(const void *a, const void *b)
{
	const struct passage *left = *(struct passage *const *)a, *right = *(struct passage *const *)b;
	int order = strcmp(left->edit.change->account, right->edit.change->account);

	return order ? order : left < right ? -1 : 1;
}

static bool changes_entries(enum change_kind kind)
{
	return kind == CHANGE_ALLOW_ADD || kind == CHANGE_ALLOW_SET || kind == CHANGE_ALLOW_REPLACE ||
	       kind == CHANGE_ALLOW_ROLLBACK;
}

/* These concern one account, in order. */
static void relate(struct passage *const *passages, size_t count)
{
	struct passage *first = NULL, *last = NULL, *kept = NULL;

	for (size_t i = 0; i < count; i++) {
		passages[i]->follows = i > 0;
		if (passages[i]->kind->list || passages[i]->edit.change->kind == CHANGE_ACCOUNT_ADD)
			kept = passages[i];
		if (!passages[i]->kind->list)
			continue;
		first = first ? first : passages[i];
		last = passages[i];
		last->first = first;
		first->entries |= changes_entries(last->edit.change->kind);
	}
	if (last)
		last->closes = true;
	if (kept && !kept->kind->removes_account)
		kept->remembers = true;
}

static int relate_all(struct convoy *convoy)
{
	AUTO_FREE struct passage **sorted = calloc(convoy->count, sizeof(struct passage *));
	size_t begin = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < convoy->count; i++)
		sorted[i] = &convoy->passages[i];
	qsort(sorted, convoy->count, sizeof(struct passage *), compare_accounts);
	for (size_t end = 1; end <= convoy->count; end++) {
		const char *account = sorted[begin]->edit.change->account;

		if (end < convoy->count && !strcmp(account, sorted[end]->edit.change->account))
			continue;
		if (account[0])
			relate(&sorted[begin], end - begin);
		begin = end;
	}
	return 0;
}

/* --- their life --------------------------------------------------------------- */

void convoy_clear(struct convoy *convoy)
{
	for (size_t i = 0; i < convoy->count && convoy->passages; i++)
		passage_clear(&convoy->passages[i]);
	free(convoy->passages);
	bundle_free(convoy->bundle);
	summary_clear(&convoy->summary);
	services_edit_clear(&convoy->services);
}

int convoy_new(struct gate *gate, const struct change *changes, size_t count, struct outcome *outcomes,
	       struct convoy *convoy)
{
	convoy->gate = gate;
	convoy->passages = calloc(count, sizeof(*convoy->passages));
	if (!convoy->passages || bundle_new(gate, &changes[0], &outcomes[0], &convoy->bundle))
		return -ENOMEM;
	convoy->count = count;
	convoy->dry_run = changes[0].dry_run;
	for (size_t i = 0; i < count; i++)
		convoy->passages[i] = (struct passage){
			.edit = {.gate = gate,
				 .change = &changes[i],
				 .outcome = &outcomes[i],
				 .detail = {.limit = CHANGE_DETAIL_SIZE}},
			.bundle = convoy->bundle,
			.kind = &edit_kinds[changes[i].kind],
		};
	return relate_all(convoy);
}

int convoy_each(struct convoy *convoy, int (*step)(struct passage *passage, struct ag_error *error),
		struct ag_error *error)
{
	int err = 0;

	for (size_t i = 0; i < convoy->count && !err; i++) {
		convoy->at = i;
		err = step(&convoy->passages[i], error);
	}
	return err;
}

void convoy_follow(struct convoy *convoy)
{
	struct gate *gate = convoy->gate;

	gate->generation = convoy->generation;
	for (size_t i = 0; i < convoy->count; i++) {
		struct passage *passage = &convoy->passages[i];

		if (passage->kind->removes_account)
			watch_forget(gate->watch, passage->edit.before.slot);
		if (!convoy->bundle)
			pending_follow(&passage->edit);
		if (!convoy->anew)
			passage_follow(passage);
	}
	if (convoy->bundle)
		bundle_follow(convoy->bundle);
	if (!convoy->anew)
		return;
	summary_clear(&gate->summary);
	gate->summary = convoy->summary;
	convoy->summary = (struct summary){0};
}
