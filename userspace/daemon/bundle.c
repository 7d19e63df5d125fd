// SPDX-License-Identifier: GPL-2.0-only
/*
 * bundle.c - see bundle.h
 */
#include "userspace/daemon/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/pending.h"
#include "userspace/daemon/reversal.h"

DEFINE_CLEANUP(json, json_t *, json_decref)
#define AUTO_JSON CLEANUP(cleanup_json)

static bool leads(const struct change *leader)
{
	char name[NAME_SIZE];
	enum pending_subject subject = pending_subject_of(leader, name);

	return (leader->confirm_within || leader->takes_back) &&
	       (subject == PENDING_LIST || subject == PENDING_POLICY);
}

int bundle_new(struct gate *gate, const struct change *leader, struct outcome *outcome, struct bundle **ret)
{
	struct bundle *bundle;

	if (!leads(leader))
		return 0;
	bundle = calloc(1, sizeof(*bundle));
	if (!bundle)
		return -ENOMEM;
	bundle->gate = gate;
	bundle->leader = leader;
	bundle->outcome = outcome;
	bundle->parts = json_array();
	if (!bundle->parts) {
		free(bundle);
		return -ENOMEM;
	}
	*ret = bundle;
	return 0;
}

void bundle_free(struct bundle *bundle)
{
	if (!bundle)
		return;
	json_decref(bundle->parts);
	buffer_clear(&bundle->claims);
	store_pending_clear(&bundle->row);
	free(bundle);
}

/* Whoever keeps or takes back what came and went in a list must have the right to it. */
static void claim_account(struct bundle *bundle, const struct passage *passage)
{
	const struct change *change = passage->edit.change;

	if (!change->account[0])
		return;
	if (!passage->follows)
		reversal_claim(&bundle->claims, "account=%s", change->account);
	if (!change_is_of_list(change->kind) || !strcmp(bundle->entries_of, change->account))
		return;
	reversal_claim(&bundle->claims, "entries=%s", change->account);
	memcpy(bundle->entries_of, change->account, sizeof(bundle->entries_of));
}

int bundle_begin(struct passage *passage, struct ag_error *error)
{
	struct bundle *bundle = passage->bundle;

	if (bundle->leader->takes_back)
		return passage->edit.change == bundle->leader
			       ? pending_find_ended(bundle->gate, bundle->leader, &bundle->row, error)
			       : 0;
	claim_account(bundle, passage);
	return reversal_note(&passage->edit, bundle->parts, &bundle->claims, error);
}

static int write_row(struct bundle *bundle, struct ag_error *error)
{
	struct store_pending *row = &bundle->row;
	AUTO_JSON json_t *document = json_pack("{s:s, s:O}", "do", "all", "changes", bundle->parts);

	row->inverse = document ? json_dumps(document, JSON_COMPACT) : NULL;
	if (!row->inverse || bundle->claims.failed)
		return error_set(error, ERROR_STORE, "no memory to note what would take the change back");
	row->claims = TAKE_PTR(bundle->claims.data);
	pending_complete(row, bundle->leader, bundle->outcome);
	return pending_put(bundle->gate, row, true, error);
}

int bundle_write(struct bundle *bundle, struct ag_error *error)
{
	if (bundle->leader->takes_back)
		return pending_put(bundle->gate, &bundle->row, false, error);
	return write_row(bundle, error);
}

int bundle_unwrite(struct bundle *bundle, struct ag_error *error)
{
	return pending_put(bundle->gate, &bundle->row, bundle->leader->takes_back, error);
}

void bundle_follow(struct bundle *bundle)
{
	pending_count(bundle->gate, bundle->leader->takes_back ? -1 : 1);
}
