// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy_answer.c - list by list and account by account, what comes and goes; by name where nothing was done
 * yet
 */
#include "userspace/daemon/policy_answer.h"

#include "userspace/core/request.h"
#include "userspace/daemon/call.h"

/* Takes over both, and is NULL where either is, or there is no memory. */
static json_t *with(json_t *object, const char *name, json_t *value)
{
	if (!object || json_object_set_new(object, name, value)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static size_t take_names(size_t *left, size_t count)
{
	size_t taken = count < *left ? count : *left;

	*left -= taken;
	return taken;
}

static json_t *service_names(const struct service *services, size_t count, size_t *left)
{
	json_t *names = json_array();
	char text[SERVICE_TEXT_MAX];
	size_t most = take_names(left, count);

	for (size_t i = 0; i < most && names; i++) {
		service_format(&services[i], text);
		(void)json_array_append_new(names, json_string(text)); /* an answer that is short of a name */
	}
	return names;
}

static json_t *role_names(const struct policydoc_role *roles, size_t count, size_t *left)
{
	json_t *names = json_array();
	size_t most = take_names(left, count);

	for (size_t i = 0; i < most && names; i++)
		(void)json_array_append_new(names, json_pack("{s:s, s:s}", "user", roles[i].user, "role",
							     role_name(roles[i].role))); /* as above */
	return names;
}

static json_t *prefix_names(const struct list *list, size_t *left)
{
	size_t most = list->count < POLICY_DIRECT_MAX ? list->count : POLICY_DIRECT_MAX;

	return json_prefixes(list, take_names(left, most));
}

static json_t *counts(size_t added, size_t removed)
{
	return json_pack("{s:I, s:I}", "added", (json_int_t)added, "removed", (json_int_t)removed);
}

static json_t *services(const struct policydiff *diff, size_t *left)
{
	json_t *json = counts(diff->services_come_count, diff->services_go_count);

	if (!left)
		return json;
	return with(json, "difference",
		    json_pack("{s:o, s:o}", "added",
			      service_names(diff->services_come, diff->services_come_count, left), "removed",
			      service_names(diff->services_go, diff->services_go_count, left)));
}

static json_t *roles(const struct policydiff *diff, size_t *left)
{
	json_t *json = counts(diff->roles_come_count, diff->roles_go_count);

	if (!left)
		return json;
	return with(json, "difference",
		    json_pack("{s:o, s:o}", "added",
			      role_names(diff->roles_come, diff->roles_come_count, left), "removed",
			      role_names(diff->roles_go, diff->roles_go_count, left)));
}

static json_t *entries(const struct policydiff_entries *diff, size_t *left)
{
	json_t *json = counts(diff->added, diff->removed);

	json = with(json, "changed", json_integer((json_int_t)diff->changed));
	if (!left)
		return json;
	return with(json, "difference",
		    json_pack("{s:o, s:o, s:o}", "added", prefix_names(&diff->came, left), "removed",
			      prefix_names(&diff->went, left), "changed", prefix_names(&diff->set, left)));
}

static json_t *settings(const struct policy_part *part)
{
	const struct policydiff *diff = &part->diff;
	const struct policydoc_account *asked = part->entries ? part->entries->asked : NULL;
	bool adds = part->kind == PART_ADDED;
	json_t *json = json_object();
	char on_deny[ON_DENY_TEXT_MAX];

	if (asked && asked->has_mode && (adds || diff->sets_mode))
		json = with(json, "mode", json_string(mode_name(asked->mode)));
	if (asked && asked->has_on_deny && (adds || diff->sets_on_deny)) {
		on_deny_format(&asked->on_deny, on_deny);
		json = with(json, "on_deny", json_string(on_deny));
	}
	if (asked && asked->has_label && (adds || diff->sets_label))
		json = with(json, "label", json_string(asked->label ? asked->label : ""));
	return json;
}

static bool active_then(const struct policy_plan *plan, const struct policy_part *part)
{
	if (part->has_conclusion)
		return plan->outcomes[part->concludes].active;
	return part->kind == PART_CHANGED && part->was_active;
}

static const char *const kinds[] = {
	[PART_CHANGED] = "changed", [PART_ADDED] = "added", [PART_REMOVED] = "removed"};
static const struct policydiff_entries none;

static json_t *part_json(const struct policy_plan *plan, const struct policy_part *part, size_t *left)
{
	const struct policydiff_entries *diff = part->entries ? &part->entries->diff : &none;

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:b}", "account", part->account, "change",
			 kinds[part->kind], "settings", settings(part), "services",
			 services(&part->diff, left), "roles", roles(&part->diff, left), "entries",
			 entries(diff, left), "active", active_then(plan, part));
}

/* Of one that goes all entries do, which are not named. */
static json_t *list_json(const struct policy_list_part *part, size_t *left)
{
	struct policydiff_entries gone = {.removed = part->had};

	return json_pack("{s:s, s:s, s:o, s:I}", "list", part->name, "change", kinds[part->kind], "entries",
			 entries(part->entries ? &part->entries->diff : &gone, left), "accounts",
			 (json_int_t)part->user_count);
}

static json_t *lists_json(const struct policy_plan *plan, size_t *left)
{
	json_t *lists = json_array();

	for (size_t i = 0; i < plan->list_count && lists; i++)
		if (json_array_append_new(lists, list_json(&plan->lists[i], left))) {
			json_decref(lists);
			lists = NULL;
		}
	return lists;
}

static json_t *warnings(const struct policy_plan *plan)
{
	json_t *json = json_array();

	for (size_t i = 0; i < plan->change_count && json; i++)
		if (plan->outcomes[i].warning[0])
			(void)json_array_append_new(json,
						    json_sprintf("account %s: %s", plan->changes[i].account,
								 plan->outcomes[i].warning)); /* above */
	return json;
}

/* Whom all of it together would stop. */
static json_t *with_preview(const struct policy_plan *plan, json_t *answer)
{
	const struct preview *preview = plan->change_count ? &plan->outcomes[0].preview : NULL;

	return preview && preview->made ? with(answer, "preview", preview_json(preview)) : answer;
}

/* Until when it is to be confirmed, where it is. */
static json_t *with_confirm_by(json_t *answer, const struct policy_plan *plan)
{
	char text[TIME_TEXT_MAX];

	if (!plan->change_count || !plan->outcomes[0].confirm_by || plan->ask->dry_run)
		return answer;
	time_format(plan->outcomes[0].confirm_by, text);
	return with(answer, "confirm_by", json_string(text));
}

json_t *policy_answer(const struct policy_plan *plan)
{
	size_t names = POLICY_NAMES_MAX, *left = plan->ask->dry_run ? &names : NULL;
	json_t *accounts = json_array(), *json;
	uint64_t generation = plan->ask->gate->generation;

	for (size_t i = 0; i < plan->part_count && accounts; i++)
		if (json_array_append_new(accounts, part_json(plan, &plan->parts[i], left))) {
			json_decref(accounts);
			accounts = NULL;
		}
	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->outcomes[i].generation > generation)
			generation = plan->outcomes[i].generation;
	json = json_pack("{s:I, s:b, s:I, s:I, s:I, s:o, s:o, s:o}", "generation", (json_int_t)generation,
			 "dry_run", plan->ask->dry_run, "added", (json_int_t)plan->counts[PART_ADDED],
			 "removed", (json_int_t)plan->counts[PART_REMOVED], "changed",
			 (json_int_t)plan->counts[PART_CHANGED], "warnings", warnings(plan), "lists",
			 lists_json(plan, left), "accounts", accounts);
	return with_confirm_by(with_preview(plan, json), plan);
}
