// SPDX-License-Identifier: GPL-2.0-only
/*
 * The longest match works on the sorted array itself, so that a list costs nothing beside its entries. The
 * order (address, then length) puts a prefix in front of all that lies within it; list_match() says why that
 * is enough.
 */
#include "userspace/core/policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/choice.h"
#include "userspace/core/compile.h"
#include "userspace/core/error.h"

#define LIST_CAPACITY_MIN 8

static const char *const mode_names[] = {
	[AG_MODE_ENFORCE] = "enforce",
	[AG_MODE_MONITOR] = "monitor",
	[AG_MODE_OFF] = "off",
};
_Static_assert(sizeof(mode_names) / sizeof(*mode_names) == AG_MODE_MAX, "a mode has no name");

static const char *const on_deny_names[] = {
	[AG_ON_DENY_DROP] = "drop",
	[AG_ON_DENY_REJECT] = "reject",
	[AG_ON_DENY_NOTICE] = "notice",
	[AG_ON_DENY_REDIRECT] = "redirect",
};
_Static_assert(sizeof(on_deny_names) / sizeof(*on_deny_names) == AG_ON_DENY_MAX, "an action has no name");

static const char *const entry_verdict_names[] = {
	[AG_ENTRY_ALLOW] = "allow",
	[AG_ENTRY_DENY] = "deny",
};
_Static_assert(sizeof(entry_verdict_names) / sizeof(*entry_verdict_names) == AG_ENTRY_VERDICT_MAX,
	       "a verdict of an entry has no name");

static const struct {
	const char *name;
	bool passes;
} verdicts[] = {
	[AG_VERDICT_OPEN] = {"open", true},
	[AG_VERDICT_ALLOWED] = {"allowed", true},
	[AG_VERDICT_WOULD_DENY] = {"would_deny", true},
	[AG_VERDICT_DENIED] = {"denied", false},
	[AG_VERDICT_REJECTED] = {"rejected", false},
	[AG_VERDICT_REDIRECTED] = {"redirected", false},
	[AG_VERDICT_UNMATCHED] = {"unmatched", true},
	[AG_VERDICT_FAILSAFE] = {"failsafe", true},
	[AG_VERDICT_MALFORMED] = {"malformed", false},
	[AG_VERDICT_ICMP_ERROR] = {"icmp_error", true},
	[AG_VERDICT_FRAGMENT] = {"fragment", true},
	[AG_VERDICT_NOT_JUDGED] = {NULL, true},
};
_Static_assert(sizeof(verdicts) / sizeof(*verdicts) == AG_VERDICT_NOT_JUDGED + 1, "a verdict has no name");

const char *mode_name(enum ag_mode mode)
{
	return mode_names[mode];
}

int mode_parse(const char *text, enum ag_mode *ret, struct ag_error *error)
{
	size_t index;
	int r = choice_parse("mode", mode_names, AG_MODE_MAX, text, &index, error);

	if (r == 0)
		*ret = (enum ag_mode)index;
	return r;
}

void on_deny_format(const struct on_deny *on_deny, char text[ON_DENY_TEXT_MAX])
{
	const char *name = on_deny_names[on_deny->kind];

	if (on_deny->kind == AG_ON_DENY_NOTICE)
		(void)snprintf(text, ON_DENY_TEXT_MAX, "%s:%u", name, on_deny->port);
	else if (on_deny->kind == AG_ON_DENY_REDIRECT)
		(void)snprintf(text, ON_DENY_TEXT_MAX, "%s:%s", name, on_deny->interface);
	else
		(void)snprintf(text, ON_DENY_TEXT_MAX, "%s", name);
}

bool on_deny_equal(const struct on_deny *a, const struct on_deny *b)
{
	return a->kind == b->kind && (a->kind != AG_ON_DENY_NOTICE || a->port == b->port) &&
	       (a->kind != AG_ON_DENY_REDIRECT || !strcmp(a->interface, b->interface));
}

static int parse_argument(const char *text, struct on_deny *on_deny, struct ag_error *error)
{
	uint64_t port = 0;
	int r = 0;

	if (on_deny->kind == AG_ON_DENY_NOTICE) {
		if (!text)
			return error_set(error, ERROR_BAD_REQUEST,
					 "say at which port the notice server listens: notice:8080");
		r = number_parse("notice server's port", text, 1, UINT16_MAX, &port, error);
		on_deny->port = (uint16_t)port;
	} else if (on_deny->kind == AG_ON_DENY_REDIRECT) {
		if (!text || !interface_name_valid(text))
			return error_set(error, ERROR_BAD_REQUEST,
					 "say to which interface, a name of 1 to %d bytes without blanks, "
					 "slashes and colons: redirect:quarantine0",
					 INTERFACE_SIZE - 1);
		(void)snprintf(on_deny->interface, sizeof(on_deny->interface), "%s", text);
	} else if (text) {
		r = error_set(error, ERROR_BAD_REQUEST, "on-deny action '%s' takes nothing behind it",
			      on_deny_names[on_deny->kind]);
	}
	return r;
}

static bool is_word(const char *word, const char *text, size_t length)
{
	return strlen(word) == length && memcmp(word, text, length) == 0;
}

int on_deny_parse(const char *text, struct on_deny *ret, struct ag_error *error)
{
	size_t length = strcspn(text, ":");
	const char *argument = text[length] ? text + length + 1 : NULL;
	struct on_deny on_deny = {0};
	int r;

	while (on_deny.kind < AG_ON_DENY_MAX && !is_word(on_deny_names[on_deny.kind], text, length))
		on_deny.kind++;
	if (on_deny.kind == AG_ON_DENY_MAX)
		return error_set(error, ERROR_BAD_REQUEST,
				 "no such on-deny action, \"%.80s\": use drop, reject, notice:PORT or "
				 "redirect:IFACE",
				 text);
	r = parse_argument(argument, &on_deny, error);
	if (r == 0)
		*ret = on_deny;
	return r;
}

const char *entry_verdict_name(enum ag_entry_verdict verdict)
{
	return entry_verdict_names[verdict];
}

int entry_verdict_parse(const char *text, enum ag_entry_verdict *ret, struct ag_error *error)
{
	size_t index;
	int r = choice_parse("verdict", entry_verdict_names, AG_ENTRY_VERDICT_MAX, text, &index, error);

	if (r == 0)
		*ret = (enum ag_entry_verdict)index;
	return r;
}

const char *verdict_name(enum ag_verdict verdict)
{
	return verdicts[verdict].name;
}

bool verdict_passes(enum ag_verdict verdict)
{
	return verdicts[verdict].passes;
}

void account_clear(struct account *account)
{
	free(account->label);
	account->label = NULL;
}

int account_copy(struct account *to, const struct account *from)
{
	char *label = from->label ? strdup(from->label) : NULL;

	if (from->label && !label)
		return -ENOMEM;
	*to = *from;
	to->label = label;
	return 0;
}

void accounts_free(struct account *accounts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		account_clear(&accounts[i]);
	free(accounts);
}

void entry_clear(struct entry *entry)
{
	free(entry->note);
	free(entry->created_by);
	free(entry->list);
	entry->note = NULL;
	entry->created_by = NULL;
	entry->list = NULL;
}

static int copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

int entry_copy(const struct entry *from, struct entry *ret)
{
	struct entry copy = *from;
	int r;

	copy.note = copy.created_by = copy.list = NULL;
	r = copy_text(from->note, &copy.note);
	if (!r)
		r = copy_text(from->created_by, &copy.created_by);
	if (!r)
		r = copy_text(from->list, &copy.list);
	if (r < 0)
		entry_clear(&copy);
	else
		*ret = copy;
	return r;
}

static int list_grow(struct list *list)
{
	size_t capacity = list->capacity ? list->capacity * 2 : LIST_CAPACITY_MIN;
	struct entry *entries = reallocarray(list->entries, capacity, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	list->entries = entries;
	list->capacity = capacity;
	return 0;
}

int list_append(struct list *list, struct entry *entry)
{
	if (list->count == list->capacity && list_grow(list) < 0) {
		entry_clear(entry);
		return -ENOMEM;
	}
	list->entries[list->count++] = *entry;
	entry->note = NULL;
	entry->created_by = NULL;
	entry->list = NULL;
	return 0;
}

int list_append_copy(struct list *list, const struct entry *entry)
{
	struct entry copy;
	int r = entry_copy(entry, &copy);

	return r < 0 ? r : list_append(list, &copy);
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

const struct entry *list_sort(struct list *list)
{
	if (list->count > 1)
		qsort(list->entries, list->count, sizeof(*list->entries), entry_compare);
	for (size_t i = 1; i < list->count; i++) {
		if (entry_compare(&list->entries[i - 1], &list->entries[i]) == 0)
			return &list->entries[i];
	}
	return NULL;
}

/* The last entry that does not sort behind the prefix, or NULL. */
static struct entry *list_floor(const struct list *list, const struct prefix *prefix)
{
	size_t low = 0;
	size_t high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&list->entries[middle].prefix, prefix) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &list->entries[low - 1] : NULL;
}

struct entry *list_find(const struct list *list, const struct prefix *prefix)
{
	struct entry *entry = list_floor(list, prefix);

	return entry && prefix_compare(&entry->prefix, prefix) == 0 ? entry : NULL;
}

/* How many leading bits two addresses of one family have in common. */
static uint8_t common_bits(const struct addr *a, const struct addr *b)
{
	size_t size = addr_size(a);
	size_t i = 0;

	while (i < size && a->bytes[i] == b->bytes[i])
		i++;
	if (i == size)
		return addr_bits(a);
	return (uint8_t)(8 * i + (size_t)__builtin_clz((unsigned int)(a->bytes[i] ^ b->bytes[i])) - 24);
}

/*
 * Every prefix that holds the address sorts at or before the address itself, the longest last. So the entry
 * found there is either that longest one, or it parts from the address at some bit; and since every match
 * sorts before it, no match is longer than what the two have in common. Cut the address there and look again:
 * each round is shorter than the last.
 */
const struct entry *list_match_within(const struct list *list, const struct addr *addr, uint8_t len,
				      int64_t now)
{
	struct prefix probe;

	if (!addr_known(addr))
		return NULL;
	probe = prefix_of(addr, len);
	for (;;) {
		const struct entry *entry = list_floor(list, &probe);

		if (!entry || entry->prefix.addr.family != addr->family)
			return NULL;
		if (!prefix_contains(&entry->prefix, addr)) {
			probe = prefix_of(addr, common_bits(&entry->prefix.addr, addr));
			continue;
		}
		if (entry_in_effect(entry, now))
			return entry;
		if (entry->prefix.len == 0)
			return NULL;
		probe = prefix_of(addr, entry->prefix.len - 1);
	}
}

const struct entry *list_match(const struct list *list, const struct addr *addr, int64_t now)
{
	return list_match_within(list, addr, addr_bits(addr), now);
}

bool entry_in_effect(const struct entry *entry, int64_t now)
{
	return !entry->disabled && (!entry->expires || now < entry->expires);
}

void list_clear(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		entry_clear(&list->entries[i]);
	free(list->entries);
	*list = (struct list){0};
}

size_t list_count_family(const struct list *list, enum ag_family family)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->entries[i].prefix.addr.family == family;
	return count;
}

size_t account_enabled(const struct account *account)
{
	return account->entries4 + account->entries6 + account->references - account->disabled4 -
	       account->disabled6 - account->disabled_references;
}

bool policy_active(enum ag_mode mode, size_t enabled)
{
	return mode != AG_MODE_OFF && enabled > 0;
}

static size_t list_enabled(const struct list *list)
{
	size_t enabled = 0;

	for (size_t i = 0; i < list->count; i++)
		enabled += !list->entries[i].disabled;
	return enabled;
}

enum ag_verdict policy_decide(enum ag_mode mode, const struct list *list, const struct addr *source,
			      int64_t now, const struct entry **ret_entry)
{
	const struct entry *entry = NULL;
	enum ag_verdict verdict = AG_VERDICT_OPEN;

	if (policy_active(mode, list_enabled(list))) {
		entry = list_match(list, source, now);
		if (entry && entry->verdict == AG_ENTRY_ALLOW)
			verdict = AG_VERDICT_ALLOWED;
		else
			verdict = mode == AG_MODE_MONITOR ? AG_VERDICT_WOULD_DENY : AG_VERDICT_DENIED;
	}
	if (ret_entry)
		*ret_entry = entry;
	return verdict;
}

enum ag_verdict policy_action(enum ag_verdict verdict, const struct on_deny *on_deny, uint8_t proto)
{
	if (verdict != AG_VERDICT_DENIED)
		return verdict;
	switch (on_deny->kind) {
	case AG_ON_DENY_REJECT:
		return AG_VERDICT_REJECTED;
	case AG_ON_DENY_NOTICE:
		return proto == IPPROTO_TCP ? AG_VERDICT_REDIRECTED : verdict;
	case AG_ON_DENY_REDIRECT:
		return AG_VERDICT_REDIRECTED;
	default:
		return verdict;
	}
}

/* --- services --------------------------------------------------------------- */

/* The first claim that does not sort before the service. */
static const struct claim *claim_at(const struct claim *claims, size_t count, const struct service *service)
{
	struct claim key = {.service = *service};
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (claim_compare(&claims[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && !service_compare(&claims[low].service, service) ? &claims[low] : NULL;
}

const struct claim *policy_find_claim(const struct claim *claims, size_t count, const struct addr *dest,
				      uint8_t proto, uint16_t port)
{
	for (int len = addr_bits(dest); len > 0; len--) {
		struct service service = {.dest = prefix_of(dest, (uint8_t)len)};

		for (int kind = 0; kind < 4; kind++) {
			const struct claim *claim;

			service.port = kind < 2 ? port : AG_PORT_ANY;
			service.proto = kind & 1 ? AG_PROTO_ANY : proto;
			if ((kind < 2 && port == AG_PORT_ANY) || (!(kind & 1) && proto == AG_PROTO_ANY))
				continue;
			claim = claim_at(claims, count, &service);
			if (claim)
				return claim;
		}
	}
	return NULL;
}
