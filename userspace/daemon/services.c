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

/* compile_services() of a part: with the accounts whose services they are, of which one (NULL: none) is
 * given. */
static int compile_part(const struct summary *summary, const struct claims *claims,
			const struct account *given, struct compiled_services *ret, struct ag_error *error)
{
	AUTO_FREE struct account *accounts = calloc(claims->count + 1, sizeof(*accounts));
	size_t count = 0;
	int err;

	if (!accounts)
		return out_of_memory(error);
	for (size_t i = 0; i < claims->count; i++) {
		const struct account *account = summary_slot(summary, claims->claims[i].slot);

		if (given && claims->claims[i].slot == given->slot)
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
	int err = compile_part(&gate->summary, before, change->before, &edit->have, error);

	if (!err && claims_after(change, before, &after))
		err = out_of_memory(error);
	if (!err)
		err = compile_part(&gate->summary, &after, change->after, &edit->want, error);
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

/* --- of many changes at once ------------------------------------------------ */

/* What differs between two summaries, and around what. */
struct difference {
	struct prefix *touched;
	size_t count;
	size_t come;	 /* services */
	size_t prefixes; /* those of them on prefixes */
	size_t go;
};

static bool gates_alike(const struct summary *before, const struct summary *after, uint32_t slot)
{
	const struct account *was = summary_slot(before, slot), *is = summary_slot(after, slot);

	return (was && account_gates(was)) == (is && account_gates(is));
}

/* The next service in the order of either; NULL where the summary has none of that key. */
static void next_pair(const struct summary *before, const struct summary *after, size_t *at_before,
		      size_t *at_after, const struct claim **ret_was, const struct claim **ret_is)
{
	const struct claim *was = *at_before < before->claim_count ? &before->by_service[*at_before] : NULL;
	const struct claim *is = *at_after < after->claim_count ? &after->by_service[*at_after] : NULL;
	int order = !was ? 1 : !is ? -1 : claim_compare(was, is);

	*ret_was = order <= 0 ? was : NULL;
	*ret_is = order >= 0 ? is : NULL;
	*at_before += *ret_was != NULL;
	*at_after += *ret_is != NULL;
}

static void note_pair(const struct summary *before, const struct summary *after, const struct claim *was,
		      const struct claim *is, struct difference *difference)
{
	if (was && is && was->slot == is->slot && gates_alike(before, after, is->slot))
		return;
	difference->touched[difference->count++] = (is ? is : was)->service.dest;
	if (!was) {
		difference->come++;
		difference->prefixes += is->service.dest.len < addr_bits(&is->service.dest.addr);
	}
	difference->go += !is;
}

static int find_difference(const struct summary *before, const struct summary *after, struct difference *ret)
{
	size_t at_before = 0, at_after = 0;

	ret->touched = calloc(before->claim_count + after->claim_count + 1, sizeof(*ret->touched));
	if (!ret->touched)
		return -ENOMEM;
	while (at_before < before->claim_count || at_after < after->claim_count) {
		const struct claim *was, *is;

		next_pair(before, after, &at_before, &at_after, &was, &is);
		note_pair(before, after, was, is, ret);
	}
	return 0;
}

static int compile_around(const struct summary *summary, const struct difference *difference,
			  struct compiled_services *ret, struct ag_error *error)
{
	struct claims claims = {0};
	int err;

	if (compile_claims_around(summary->by_service, summary->claim_count, difference->touched,
				  difference->count, &claims.claims, &claims.count))
		return out_of_memory(error);
	err = compile_part(summary, &claims, NULL, ret, error);
	free(claims.claims);
	return err;
}

int services_edit_between(const struct gate *gate, const struct summary *after, struct services_edit *ret,
			  struct ag_error *error)
{
	const struct summary *before = &gate->summary;
	struct difference difference = {0};
	size_t more;
	int err;

	if (find_difference(before, after, &difference))
		return out_of_memory(error);
	more = difference.come > difference.go ? difference.come - difference.go : 0;
	ret->had_flags = tally_flags(&before->tally);
	ret->flags = tally_flags(&after->tally);
	err = dataplane_check_services(gate->dataplane, more, difference.prefixes, error);
	if (!err)
		err = compile_around(before, &difference, &ret->have, error);
	if (!err)
		err = compile_around(after, &difference, &ret->want, error);
	if (err)
		services_edit_clear(ret);
	free(difference.touched);
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
