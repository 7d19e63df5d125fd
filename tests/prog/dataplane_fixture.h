/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dataplane_fixture.h - a dataplane over pins of the test's own; accounts and services from text
 */
#pragma once

#include "tests/prog/private_host.h"

#include <errno.h>
#include <netinet/in.h>

#include "userspace/io/dataplane_private.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAPS	     "maps-4-64-16-4096"
#define CLAIMS_MAX   1024
#define TEST(name)   cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct dataplane_limits LIMITS = {.accounts = 64, .services = 16, .entries = 4096};
/* What an account is beside its list. */
struct settings {
	bool active;
	enum ag_mode mode;
	struct on_deny on_deny;
};
static const struct settings ENFORCE = {.active = true, .mode = AG_MODE_ENFORCE};
static const struct settings INACTIVE = {.active = false};

static struct ag_error error;
static struct dataplane *dataplane;

static inline __attribute__((unused)) int setup(void **state)
{
	(void)state;
	memset(&error, 0, sizeof(error));
	check_ok(dataplane_open(host.pins, &LIMITS, &dataplane, &error));
	return 0;
}

static inline __attribute__((unused)) int teardown(void **state)
{
	(void)state;
	dataplane_close(dataplane);
	dataplane = NULL;
	check_ok(dataplane_uninstall(host.pins, &error));
	return 0;
}

static inline __attribute__((unused)) void reopen(void)
{
	dataplane_close(dataplane);
	dataplane = NULL;
	check_ok(dataplane_open(host.pins, &LIMITS, &dataplane, &error));
}

static inline __attribute__((unused)) int compare_entries(const void *a, const void *b)
{
	const struct compiled_entry *left = a, *right = b;

	return prefix_compare(&left->prefix, &right->prefix);
}

static inline __attribute__((unused)) void append(struct compiled_entry **entries, size_t *count,
						  const struct compiled_entry *entry)
{
	*entries = realloc(*entries, (*count + 1) * sizeof(**entries));
	assert_non_null(*entries);
	(*entries)[(*count)++] = *entry;
}

/*
 * "203.0.113.0/24 !203.0.113.7 2001:db8::/32@1000": the account with these entries, '!' before what is
 * denied, and the second it expires in behind '@'.
 */
static inline __attribute__((unused)) struct compiled_account
account_of(uint32_t slot, struct settings settings, const char *text)
{
	struct compiled_account account = {
		.slot = slot, .active = settings.active, .mode = settings.mode, .on_deny = settings.on_deny};
	char *copy = strdup(text), *rest = copy;

	for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
		bool deny = *word == '!';
		char *expires = strchr(word, '@');
		struct compiled_entry entry = {.value.verdict = deny ? AG_ENTRY_DENY : AG_ENTRY_ALLOW};

		if (!*word || !settings.active)
			continue;
		if (expires) {
			*expires++ = '\0';
			entry.value.expires = (__u32)strtoul(expires, NULL, 10);
		}
		check_ok(prefix_parse(word + deny, &entry.prefix, &error));
		entry.value.len = entry.prefix.len;
		if (entry.prefix.addr.family == AG_FAMILY_IPV4)
			append(&account.entries4, &account.count4, &entry);
		else
			append(&account.entries6, &account.count6, &entry);
	}
	if (account.count4)
		qsort(account.entries4, account.count4, sizeof(*account.entries4), compare_entries);
	if (account.count6)
		qsort(account.entries6, account.count6, sizeof(*account.entries6), compare_entries);
	free(copy);
	return account;
}

static inline __attribute__((unused)) void assert_entries(const struct compiled_entry *have,
							  size_t have_count,
							  const struct compiled_entry *want,
							  size_t want_count)
{
	assert_int_equal(have_count, want_count);
	for (size_t i = 0; i < want_count; i++) {
		assert_int_equal(prefix_compare(&have[i].prefix, &want[i].prefix), 0);
		assert_memory_equal(&have[i].value, &want[i].value, sizeof(have[i].value));
	}
}

static inline __attribute__((unused)) void assert_in_kernel(const struct compiled_account *want)
{
	struct compiled_account have = {0};

	check_ok(dataplane_read_account(dataplane, want->slot, &have, &error));
	assert_int_equal(have.slot, want->slot);
	assert_int_equal(have.active, want->active);
	assert_int_equal(have.mode, want->mode);
	assert_true(on_deny_equal(&have.on_deny, &want->on_deny));
	assert_entries(have.entries4, have.count4, want->entries4, want->count4);
	assert_entries(have.entries6, have.count6, want->entries6, want->count6);
	compiled_account_clear(&have);
}

/* Stages, sees that nothing is in force yet, publishes, and reads back. */
static inline __attribute__((unused)) void change(const struct compiled_account *have,
						  const struct compiled_account *want)
{
	struct compiled_account before = {0};
	struct dataplane_change *staged = NULL;

	check_ok(dataplane_read_account(dataplane, want->slot, &before, &error));
	check_ok(dataplane_stage(dataplane, have, want, &staged, &error));
	assert_in_kernel(&before);
	check_ok(dataplane_publish(dataplane, staged, &error));
	assert_in_kernel(want);
	check_ok(dataplane_publish(dataplane, staged, &error)); /* again: harmless */
	assert_in_kernel(want);
	dataplane_change_free(staged);
	compiled_account_clear(&before);
}

/* From one text to another; known: the caller tells what there was. */
static inline __attribute__((unused)) void change_text(const char *from, const char *to, bool known)
{
	struct compiled_account have = account_of(3, *from ? ENFORCE : INACTIVE, from);
	struct compiled_account want = account_of(3, *to ? ENFORCE : INACTIVE, to);

	change(known ? &have : NULL, &want);
	compiled_account_clear(&have);
	compiled_account_clear(&want);
}

/* The long list in force of a family, by the id of its map; 0 for none. */
static inline __attribute__((unused)) uint32_t list_id(uint32_t slot, enum family_index index)
{
	union ag_account_state state = account_state(dataplane, slot);
	uint8_t held = state_held(state, index);
	uint32_t id = 0;
	int fd;

	if (!held_is_long(held))
		return 0;
	fd = long_open(dataplane, long_kind_of(index, held), ag_long_place(slot, state.flags), &id);
	assert_true(fd >= 0);
	(void)close(fd);
	return id;
}

static inline __attribute__((unused)) uint8_t held4(uint32_t slot)
{
	return account_state(dataplane, slot).held4;
}

static inline __attribute__((unused)) uint8_t held6(uint32_t slot)
{
	return account_state(dataplane, slot).held6;
}

static inline __attribute__((unused)) void count_packets(uint32_t slot)
{
	int cpus = libbpf_num_possible_cpus();
	struct ag_account_counters *each = calloc((size_t)cpus, sizeof(*each));
	int fd = host_map(MAPS "/ag_account_counters");

	assert_non_null(each);
	for (int i = 0; i < cpus; i++)
		each[i].by_verdict[AG_VERDICT_DENIED] = (struct ag_counter){.packets = 10, .bytes = 1000};
	assert_int_equal(bpf_map_update_elem(fd, &slot, each, BPF_ANY), 0);
	(void)close(fd);
	free(each);
}

/* What the kernel says of a source at an account, and the entry that decides (len 255: none). */
static inline __attribute__((unused)) enum ag_verdict ask_source(uint32_t slot, const struct addr *source,
								 struct prefix *ret_entry)
{
	struct dataplane_question question = {
		.source = *source, .slot = slot, .proto = IPPROTO_TCP, .port = 443};
	struct dataplane_answer answer = {0};

	question.dest.family = source->family;
	question.dest.bytes[0] = 0x20;
	check_ok(dataplane_ask(dataplane, &question, &answer, &error));
	*ret_entry = answer.matched ? answer.entry : (struct prefix){.len = 255};
	return answer.verdict;
}

static inline __attribute__((unused)) void assert_denied(uint32_t slot, uint64_t packets)
{
	struct account_counters sum;

	check_ok(dataplane_account_counters(dataplane, slot, &sum, &error));
	assert_int_equal(sum.by_verdict[AG_VERDICT_DENIED].packets, packets);
	assert_int_equal(sum.by_verdict[AG_VERDICT_DENIED].bytes, packets * 100);
	assert_int_equal(sum.by_verdict[AG_VERDICT_ALLOWED].packets, 0);
}

static inline __attribute__((unused)) void assert_used(const uint32_t *slots, size_t count)
{
	uint32_t *used;
	size_t used_count;

	check_ok(dataplane_used_slots(dataplane, &used, &used_count, &error));
	assert_int_equal(used_count, count);
	if (count)
		assert_memory_equal(used, slots, count * sizeof(*slots));
	free(used);
}

/* "192.0.2.10:443/tcp>3 192.0.2.0/24>4": each service and its slot; the accounts that are named enforce. */
static inline __attribute__((unused)) struct compiled_services services_of(const char *text)
{
	struct account accounts[64] = {0};
	struct claim claims[CLAIMS_MAX];
	struct compiled_services services = {0};
	char *copy = strdup(text), *rest = copy;
	size_t count = 0;

	for (uint32_t slot = 0; slot < COUNT(accounts); slot++)
		accounts[slot] = (struct account){.id = slot + 1, .slot = slot, .mode = AG_MODE_ENFORCE};
	for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
		char *slot = strchr(word, '>');

		if (!slot)
			continue;
		*slot++ = '\0';
		check_ok(service_parse(word, &claims[count].service, &error));
		claims[count].slot = (uint32_t)atoi(slot);
		accounts[claims[count++].slot].entries4 = 1;
	}
	check_ok(compile_services(claims, count, accounts, COUNT(accounts), &services, &error));
	free(copy);
	return services;
}

static inline __attribute__((unused)) size_t sync_text(const char *text, bool dry_run)
{
	struct compiled_services services = services_of(text);
	size_t changed = 0;

	check_ok(dataplane_sync_services(dataplane, &services, dry_run, &changed, &error));
	compiled_services_clear(&services);
	return changed;
}

static inline __attribute__((unused)) uint64_t entries_of_map(const char *name)
{
	struct dataplane_map_usage *rows;
	uint64_t entries = UINT64_MAX;
	size_t count;

	check_ok(dataplane_map_usage(dataplane, &rows, &count, &error));
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].map, name) == 0)
			entries = rows[i].entries;
	free(rows);
	return entries;
}

/*
 * `count` entries of a family that differ by `salt`: of one length (an index), or of every length (`every`,
 * which is for no index, but a trie).
 */
static inline __attribute__((unused)) void add_many(struct compiled_account *account, enum family_index index,
						    size_t count, uint32_t salt, bool every)
{
	struct compiled_entry **entries = index == FAMILY4 ? &account->entries4 : &account->entries6;
	size_t *used = index == FAMILY4 ? &account->count4 : &account->count6;
	uint8_t bits = index == FAMILY4 ? 32 : 128;

	for (uint32_t i = 0; i < count; i++) {
		unsigned int length = every ? 12U + i % (bits - 11U) : bits;
		uint8_t bytes[16] = {(uint8_t)((index == FAMILY4 ? 11 : 0x24) + (i >> 4)), (uint8_t)(i << 4),
				     (uint8_t)salt};
		struct addr addr = addr_make(family_of_index(index), bytes);
		struct compiled_entry entry = {.prefix = prefix_of(&addr, (uint8_t)length),
					       .value = {.verdict = i % 2, .len = (uint8_t)length}};

		append(entries, used, &entry);
	}
	if (count)
		qsort(*entries, *used, sizeof(**entries), compare_entries);
}
