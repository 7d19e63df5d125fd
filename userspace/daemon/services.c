// SPDX-License-Identifier: GPL-2.0-only
/*
 * services.c - compile the services around a change twice: as they are, and as they will be
 */
#include "userspace/daemon/services.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"

struct claims {
	struct claim *claims;
	size_t count;
};

static int out_of_memory(struct ag_error *error)
{
	return error_set(error, ERROR_STORE, "no memory to compile the table of services");
}

/* The prefixes that the change touches; the caller frees. */
static int touched_prefixes(const struct gate *gate, const struct services_change *change,
			    struct prefix **ret, size_t *ret_count)
{
	bool named = change->kind == SERVICES_COME || change->kind == SERVICES_GO;
	size_t count;
	const struct claim *all = summary_claims_of(&gate->summary, change->before->slot, &count);
	struct prefix *touched;

	if (named)
		count = change->count;
	touched = calloc(count + 1, sizeof(*touched));
	if (!touched)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		touched[i] = named ? change->services[i].dest : all[i].service.dest;
	*ret = touched;
	*ret_count = count;
	return 0;
}

static bool stays(const struct services_change *change, const struct claim *claim)
{
	if (claim->slot != change->before->slot)
		return true;
	for (size_t i = 0; i < change->count && change->kind == SERVICES_GO; i++)
		if (!service_compare(&change->services[i], &claim->service))
			return false;
	return change->kind != SERVICES_ALL_GO;
}

static int claims_after(const struct services_change *change, const struct claims *before, struct claims *ret)
{
	size_t room = before->count + change->count + 1;

	ret->claims = calloc(room, sizeof(*ret->claims));
	if (!ret->claims)
		return -ENOMEM;
	for (size_t i = 0; i < before->count; i++)
		if (stays(change, &before->claims[i]))
			ret->claims[ret->count++] = before->claims[i];
	for (size_t i = 0; i < change->count && change->kind == SERVICES_COME; i++)
		ret->claims[ret->count++] = (struct claim){.service = change->services[i],
							   .slot = change->before->slot};
	return 0;
}

/* compile_services() of a part: with the accounts whose services they are, of which one is given. */
static int compile_part(const struct gate *gate, const struct claims *claims, const struct account *given,
			struct compiled_services *ret, struct ag_error *error)
{
	AUTO_FREE struct account *accounts = calloc(claims->count + 1, sizeof(*accounts));
	size_t count = 0;
	int err;

	if (!accounts)
		return out_of_memory(error);
	for (size_t i = 0; i < claims->count; i++) {
		const struct account *account = summary_slot(&gate->summary, claims->claims[i].slot);

		if (claims->claims[i].slot == given->slot)
			account = given;
		if (account)
			accounts[count++] = *account; /* its label is borrowed */
	}
	error->code = ERROR_NONE;
	err = compile_services(claims->claims, claims->count, accounts, count, ret, error);
	return err && error->code == ERROR_NONE ? out_of_memory(error) : err;
}

/* How many come that are on prefixes; also counts the whole table as it will be. */
static size_t count_after(const struct gate *gate, const struct services_change *change,
			  struct tally *ret_tally)
{
	size_t count, prefixes;
	const struct claim *all = summary_claims_of(&gate->summary, change->before->slot, &count);

	*ret_tally = gate->summary.tally;
	ret_tally->enforcing += (size_t)account_gates(change->after);
	ret_tally->enforcing -= (size_t)account_gates(change->before);
	for (size_t i = 0; i < change->count; i++)
		if (change->kind == SERVICES_COME || change->kind == SERVICES_GO)
			tally_service(ret_tally, &change->services[i],
				      change->kind == SERVICES_COME ? 1 : -1);
	prefixes = ret_tally->prefixes - gate->summary.tally.prefixes;
	for (size_t i = 0; i < count && change->kind == SERVICES_ALL_GO; i++)
		tally_service(ret_tally, &all[i].service, -1);
	return prefixes;
}

static int check_room(const struct gate *gate, const struct services_change *change,
		      struct services_edit *edit, struct ag_error *error)
{
	struct tally tally;
	size_t prefixes = count_after(gate, change, &tally);

	edit->had_flags = tally_flags(&gate->summary.tally);
	edit->flags = tally_flags(&tally);
	if (change->kind != SERVICES_COME)
		return 0;
	return dataplane_check_services(gate->dataplane, change->count, prefixes, error);
}

static int plan(const struct gate *gate, const struct services_change *change, const struct claims *before,
		struct services_edit *edit, struct ag_error *error)
{
	struct claims after = {0};
	int err = compile_part(gate, before, change->before, &edit->have, error);

	if (!err && claims_after(change, before, &after))
		err = out_of_memory(error);
	if (!err)
		err = compile_part(gate, &after, change->after, &edit->want, error);
	if (!err)
		err = check_room(gate, change, edit, error);
	free(after.claims);
	return err;
}

int services_edit_plan(const struct gate *gate, const struct services_change *change,
		       struct services_edit *ret, struct ag_error *error)
{
	AUTO_FREE struct prefix *touched = NULL;
	struct claims before = {0};
	size_t count;
	int err;

	if (touched_prefixes(gate, change, &touched, &count) ||
	    compile_claims_around(gate->summary.by_service, gate->summary.claim_count, touched, count,
				  &before.claims, &before.count))
		return out_of_memory(error);
	err = plan(gate, change, &before, ret, error);
	if (err)
		services_edit_clear(ret);
	free(before.claims);
	return err;
}

int services_edit_publish(struct gate *gate, const struct services_edit *edit, struct ag_error *error)
{
	return dataplane_edit_services(gate->dataplane, &edit->have, &edit->want, edit->flags, error);
}

int services_edit_revert(struct gate *gate, const struct services_edit *edit, struct ag_error *error)
{
	return dataplane_edit_services(gate->dataplane, &edit->want, &edit->have, edit->had_flags, error);
}

void services_edit_clear(struct services_edit *edit)
{
	compiled_services_clear(&edit->have);
	compiled_services_clear(&edit->want);
	*edit = (struct services_edit){0};
}
