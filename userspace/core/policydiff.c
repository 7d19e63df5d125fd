// SPDX-License-Identifier: GPL-2.0-only
/*
 * policydiff.c - sorted lists walked side by side
 */
#include "userspace/core/policydiff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* --- settings, services, roles --------------------------------------------- */

static void compare_settings(const struct policydoc_account *asked, const struct account *had,
			     struct policydiff *diff)
{
	diff->sets_label = asked->has_label && !same_text(asked->label, had->label);
	diff->sets_mode = asked->has_mode && asked->mode != had->mode;
	diff->sets_on_deny = asked->has_on_deny && !on_deny_equal(&asked->on_deny, &had->on_deny);
}

static int compare_services(const struct policydoc_account *asked, const struct claim *had, size_t count,
			    struct policydiff *diff)
{
	size_t i = 0, k = 0;

	diff->services_come = calloc(asked->service_count + 1, sizeof(struct service));
	diff->services_go = calloc(count + 1, sizeof(struct service));
	if (!diff->services_come || !diff->services_go)
		return -ENOMEM;
	while (i < asked->service_count || k < count) {
		int order = i == asked->service_count ? 1
			    : k == count	      ? -1
						      : service_compare(&asked->services[i], &had[k].service);

		if (order < 0)
			diff->services_come[diff->services_come_count++] = asked->services[i];
		if (order > 0)
			diff->services_go[diff->services_go_count++] = had[k].service;
		i += order <= 0;
		k += order >= 0;
	}
	return 0;
}

static int compare_roles(const struct policydoc_account *asked, const struct policydoc_role *had,
			 size_t count, struct policydiff *diff)
{
	size_t i = 0, k = 0;

	diff->roles_come = calloc(asked->role_count + 1, sizeof(struct policydoc_role));
	diff->roles_go = calloc(count + 1, sizeof(struct policydoc_role));
	if (!diff->roles_come || !diff->roles_go)
		return -ENOMEM;
	while (i < asked->role_count || k < count) {
		int order = i == asked->role_count ? 1
			    : k == count	   ? -1
						   : strcmp(asked->roles[i].user, had[k].user);

		if (order < 0 || (order == 0 && asked->roles[i].role != had[k].role))
			diff->roles_come[diff->roles_come_count++] = asked->roles[i];
		if (order > 0)
			diff->roles_go[diff->roles_go_count++] = had[k];
		i += order <= 0;
		k += order >= 0;
	}
	return 0;
}

int policydiff_account(const struct policydoc_account *asked, const struct account *had,
		       const struct claim *services, size_t service_count, const struct policydoc_role *roles,
		       size_t role_count, struct policydiff *ret)
{
	struct policydiff diff = {.adds = !had};
	int r = 0;

	if (had)
		compare_settings(asked, had, &diff);
	if (asked->has_services)
		r = compare_services(asked, services, service_count, &diff);
	if (r == 0 && asked->has_roles)
		r = compare_roles(asked, roles, role_count, &diff);
	if (r == 0)
		*ret = diff;
	else
		policydiff_clear(&diff);
	return r;
}

bool policydiff_sets(const struct policydiff *diff)
{
	return diff->sets_label || diff->sets_mode || diff->sets_on_deny;
}

bool policydiff_is_empty(const struct policydiff *diff)
{
	return !diff->adds && !policydiff_sets(diff) && !diff->services_come_count &&
	       !diff->services_go_count && !diff->roles_come_count && !diff->roles_go_count;
}

void policydiff_clear(struct policydiff *diff)
{
	free(diff->services_come);
	free(diff->services_go);
	free(diff->roles_come);
	free(diff->roles_go);
	*diff = (struct policydiff){0};
}

/* --- entries --------------------------------------------------------------- */

void policydiff_entries_begin(struct policydiff_entries *diff, const struct list *asked, size_t keep)
{
	*diff = (struct policydiff_entries){.asked = asked, .keep = keep};
}

/* A copy, as it would be sent. */
static int keep_entry(const struct policydiff_entries *diff, struct list *list, const struct entry *entry)
{
	const struct entry sent = {.prefix = entry->prefix,
				   .verdict = entry->verdict,
				   .disabled = entry->disabled,
				   .expires = entry->expires,
				   .note = entry->note,
				   .list = entry->list};

	return list->count < diff->keep ? list_append_copy(list, &sent) : 0;
}

static int comes(struct policydiff_entries *diff, const struct entry *entry)
{
	diff->added++;
	return keep_entry(diff, &diff->came, entry);
}

static int goes(struct policydiff_entries *diff, const struct entry *entry)
{
	diff->removed++;
	return keep_entry(diff, &diff->went, entry);
}

static int stays(struct policydiff_entries *diff, const struct entry *asked, const struct entry *had)
{
	int r;

	if (asked->verdict != had->verdict) {
		r = goes(diff, had);
		return r < 0 ? r : comes(diff, asked);
	}
	if (asked->disabled == had->disabled && asked->expires == had->expires &&
	    same_text(asked->note, had->note))
		return 0;
	diff->changed++;
	return keep_entry(diff, &diff->set, asked);
}

int policydiff_entries_feed(struct policydiff_entries *diff, const struct entry *had)
{
	const struct list *asked = diff->asked;

	while (diff->next < asked->count) {
		const struct entry *entry = &asked->entries[diff->next];
		int order = prefix_compare(&entry->prefix, &had->prefix), r;

		if (order > 0)
			break;
		diff->next++;
		if (order == 0)
			return stays(diff, entry, had);
		r = comes(diff, entry);
		if (r < 0)
			return r;
	}
	return goes(diff, had);
}

int policydiff_entries_end(struct policydiff_entries *diff)
{
	int r = 0;

	while (diff->next < diff->asked->count && r == 0)
		r = comes(diff, &diff->asked->entries[diff->next++]);
	diff->asked = NULL;
	return r;
}

size_t policydiff_entries_count(const struct policydiff_entries *diff)
{
	return diff->added + diff->removed + diff->changed;
}

void policydiff_entries_clear(struct policydiff_entries *diff)
{
	list_clear(&diff->came);
	list_clear(&diff->went);
	list_clear(&diff->set);
	*diff = (struct policydiff_entries){0};
}
