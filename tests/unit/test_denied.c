// SPDX-License-Identifier: GPL-2.0-only
/* test_denied.c - which stopped sources are kept: of whom, how many, in which order, and what goes first */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/denied.h"

#define ACCOUNT_ROWS 4
#define ROWS	     10
#define SEEN_MAX     64

static struct denied *denied;

static int setup(void **state)
{
	(void)state;
	assert_int_equal(denied_new(ACCOUNT_ROWS, ROWS, &denied), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	denied_free(denied);
	return 0;
}

static struct account account_of(uint32_t slot)
{
	struct account account = {.id = 100 + slot, .slot = slot};

	(void)snprintf(account.name, sizeof(account.name), "account%u", slot);
	return account;
}

static void stop_as(const struct account *account, const char *source, int64_t time)
{
	struct stopped stopped = {.time = time, .account = account, .verdict = AG_VERDICT_DENIED};

	assert_int_equal(prefix_parse(source, &stopped.source, NULL), 0);
	assert_int_equal(service_parse("192.0.2.10:443/tcp", &stopped.service, NULL), 0);
	denied_note(denied, &stopped);
}

static void stop(uint32_t slot, const char *source)
{
	struct account account = account_of(slot);

	stop_as(&account, source, 1000);
}

static void stop_number(uint32_t slot, unsigned int number)
{
	char source[32];

	(void)snprintf(source, sizeof(source), "10.%u.%u.%u", number >> 16 & 255, number >> 8 & 255,
		       number & 255);
	stop(slot, source);
}

struct seen {
	char text[1024];
	struct denied_row rows[SEEN_MAX];
	size_t count;
};

static int see(uint32_t slot, const struct denied_row *row, void *arg)
{
	struct seen *seen = arg;
	char source[PREFIX_TEXT_MAX];
	size_t used = strlen(seen->text);

	prefix_format_short(&row->source, source);
	(void)snprintf(seen->text + used, sizeof(seen->text) - used, "%s%u:%s*%llu", used ? " " : "", slot,
		       source, (unsigned long long)row->packets);
	assert_true(seen->count < SEEN_MAX);
	seen->rows[seen->count++] = *row;
	return 0;
}

static struct seen look(uint32_t slot)
{
	struct account account = account_of(slot);
	struct seen seen = {0};

	assert_int_equal(denied_each(denied, &account, 0, see, &seen), 0);
	return seen;
}

static struct seen look_at_all(void)
{
	struct seen seen = {0};

	assert_int_equal(denied_each(denied, NULL, 0, see, &seen), 0);
	return seen;
}

static void test_rows(void **state)
{
	struct account account = account_of(1);
	struct stopped stopped = {.time = 2000, .account = &account, .verdict = AG_VERDICT_WOULD_DENY};
	struct seen seen;

	(void)state;
	stop(1, "203.0.113.7");
	stop(1, "2001:db8::7");
	assert_int_equal(prefix_parse("203.0.113.7", &stopped.source, NULL), 0);
	assert_int_equal(service_parse("192.0.2.10:80/tcp", &stopped.service, NULL), 0);
	denied_note(denied, &stopped);
	seen = look(1);
	assert_string_equal(seen.text, "1:203.0.113.7*2 1:2001:db8::7*1");
	assert_int_equal(seen.rows[0].first_seen, 1000);
	assert_int_equal(seen.rows[0].last_seen, 2000);
	assert_int_equal(seen.rows[0].service.port, 80);
	assert_int_equal(seen.rows[0].verdict, AG_VERDICT_WOULD_DENY);
	assert_string_equal(look(2).text, "");
}

/* The same bytes with another length, or of the other family, or at another account, are another source. */
static void test_sources_differ(void **state)
{
	(void)state;
	stop(1, "10.0.0.0/24");
	stop(1, "10.0.0.0");
	stop(1, "a00::");
	stop(2, "10.0.0.0");
	assert_string_equal(look(1).text, "1:a00::*1 1:10.0.0.0*1 1:10.0.0.0/24*1");
	assert_string_equal(look_at_all().text, "2:10.0.0.0*1 1:a00::*1 1:10.0.0.0*1 1:10.0.0.0/24*1");
}

/* The one that was seen longest ago goes, not the one that came first. */
static void test_account_bound(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ACCOUNT_ROWS; i++)
		stop_number(1, i);
	stop_number(1, 0);
	stop_number(1, 100);
	assert_string_equal(look(1).text, "1:10.0.0.100*1 1:10.0.0.0*2 1:10.0.0.3*1 1:10.0.0.2*1");
	assert_int_equal(denied_count(denied), ACCOUNT_ROWS);
}

static void test_flood_of_one(void **state)
{
	(void)state;
	stop(2, "203.0.113.7");
	for (unsigned int i = 0; i < 100000; i++)
		stop_number(1, i);
	assert_string_equal(look(2).text, "2:203.0.113.7*1");
	assert_int_equal(look(1).count, ACCOUNT_ROWS);
	assert_int_equal(denied_count(denied), ACCOUNT_ROWS + 1);
}

/* Where all rows are used, those go who have the most. */
static void test_flood_of_many(void **state)
{
	(void)state;
	stop(9, "203.0.113.7");
	stop(9, "203.0.113.8");
	for (unsigned int i = 0; i < 1000; i++)
		for (uint32_t slot = 1; slot <= 3; slot++)
			stop_number(slot, i);
	assert_string_equal(look(9).text, "9:203.0.113.8*1 9:203.0.113.7*1");
	assert_int_equal(denied_count(denied), ROWS);
	assert_true(look(1).count >= 2 && look(2).count >= 2 && look(3).count >= 2);
}

/* More accounts than rows: each has one at the most, and the accounts seen longest ago none. */
static void test_many_accounts(void **state)
{
	(void)state;
	for (uint32_t slot = 1; slot <= 1000; slot++)
		stop_number(slot, slot);
	assert_int_equal(denied_count(denied), ROWS);
	assert_int_equal(look_at_all().count, ROWS);
	for (uint32_t slot = 991; slot <= 1000; slot++)
		assert_int_equal(look(slot).count, 1);
	stop_number(991, 1); /* its own row is the one seen longest ago, of those who have the most */
	assert_int_equal(denied_count(denied), ROWS);
	assert_int_equal(look(991).count, 1);
}

/* The only row there is makes room for the next one. */
static void test_least(void **state)
{
	struct denied *least = NULL, *other = denied;

	(void)state;
	assert_int_equal(denied_new(1, 1, &least), 0);
	denied = least;
	for (unsigned int i = 0; i < 10; i++)
		stop_number(1, i);
	assert_string_equal(look(1).text, "1:10.0.0.9*1");
	stop_number(2, 1);
	assert_string_equal(look_at_all().text, "2:10.0.0.1*1");
	denied_free(least);
	denied = other;
}

static void test_forget(void **state)
{
	(void)state;
	stop(1, "203.0.113.7");
	stop(2, "203.0.113.7");
	stop(1, "203.0.113.8");
	denied_forget(denied, 1);
	denied_forget(denied, 1);
	denied_forget(denied, 70000);
	assert_string_equal(look_at_all().text, "2:203.0.113.7*1");
	stop(1, "203.0.113.9");
	assert_string_equal(look(1).text, "1:203.0.113.9*1");
}

/* Whoever comes into a slot sees nothing of whoever was in it, and is seen as what it is. */
static void test_slot_reused(void **state)
{
	struct account next = account_of(1), renamed = account_of(1);
	struct seen seen = {0};

	(void)state;
	next.id = 7;
	(void)snprintf(renamed.name, sizeof(renamed.name), "other");
	stop(1, "203.0.113.7");
	assert_int_equal(denied_each(denied, &next, 0, see, &seen), 0);
	assert_int_equal(denied_each(denied, &renamed, 0, see, &seen), 0);
	assert_int_equal(seen.count, 0);
	assert_false(denied_knows(denied, &next));
	stop_as(&next, "203.0.113.8", 1000);
	assert_int_equal(denied_each(denied, &next, 0, see, &seen), 0);
	assert_string_equal(seen.text, "1:203.0.113.8*1");
	assert_string_equal(look(1).text, "");
	assert_int_equal(denied_count(denied), 1);
}

/* A page goes on behind the one before, whatever came since. */
static void test_pages(void **state)
{
	struct account account = account_of(1);
	struct seen first, rest = {0};

	(void)state;
	for (unsigned int i = 0; i < ACCOUNT_ROWS; i++)
		stop_number(1, i);
	first = look(1);
	stop_number(1, 100);
	assert_int_equal(denied_each(denied, &account, first.rows[1].sequence, see, &rest), 0);
	assert_string_equal(rest.text, "1:10.0.0.1*1");
	assert_int_equal(denied_each(denied, NULL, 1, see, &rest), 0);
	assert_int_equal(rest.count, 1);
}

static void test_missed(void **state)
{
	struct account one = account_of(1), two = account_of(2), none = account_of(3);

	(void)state;
	denied_miss(denied, 5);
	stop(1, "203.0.113.7");
	assert_int_equal(denied_missed(denied, &one), 0);
	assert_int_equal(denied_missed(denied, &none), 5);
	assert_int_equal(denied_missed(denied, NULL), 0);
	denied_miss(denied, 10);
	stop(2, "203.0.113.7");
	assert_int_equal(denied_missed(denied, &one), 10);
	assert_int_equal(denied_missed(denied, &two), 0);
	denied_miss(denied, 100);
	assert_int_equal(denied_missed(denied, NULL), 110);
	assert_int_equal(denied_missed(denied, &two), 100);
	denied_forget(denied, 1);
	assert_int_equal(denied_missed(denied, NULL), 100);
}

/* Against a model without any structure, by chance. */
#define MODEL_SLOTS 6

struct model {
	struct model_row {
		unsigned int slot, source, packets;
	} rows[ROWS + 1];
	size_t count;
	unsigned int touched[MODEL_SLOTS]; /* when a slot was seen last, or lost a row */
	unsigned int clock;
};

static size_t model_of(const struct model *model, unsigned int slot, size_t *ret_first)
{
	size_t of = 0;

	for (size_t i = model->count; i-- > 0;) {
		if (model->rows[i].slot != slot)
			continue;
		of++;
		*ret_first = i;
	}
	return of;
}

static void model_remove(struct model *model, size_t at)
{
	model->touched[model->rows[at].slot] = ++model->clock;
	memmove(&model->rows[at], &model->rows[at + 1], (model->count - at - 1) * sizeof(*model->rows));
	model->count--;
}

static void model_make_room(struct model *model, unsigned int slot)
{
	size_t first = 0, most = 0;
	unsigned int victim = 0;

	if (model_of(model, slot, &first) == ACCOUNT_ROWS) {
		model_remove(model, first);
		return;
	}
	for (unsigned int i = 0; i < MODEL_SLOTS && model->count == ROWS; i++) {
		size_t of = model_of(model, i, &first);

		if (of > most || (of == most && of && model->touched[i] < model->touched[victim])) {
			most = of;
			victim = i;
		}
	}
	if (most && model_of(model, victim, &first))
		model_remove(model, first);
}

static void model_note(struct model *model, unsigned int slot, unsigned int source)
{
	struct model_row row = {slot, source, 0};
	size_t at = 0;

	while (at < model->count && (model->rows[at].slot != slot || model->rows[at].source != source))
		at++;
	if (at < model->count) {
		row.packets = model->rows[at].packets;
		model_remove(model, at);
	} else {
		model_make_room(model, slot);
	}
	row.packets++;
	model->rows[model->count++] = row;
	model->touched[slot] = ++model->clock;
}

static void assert_same_as(const struct model *model)
{
	struct seen seen = look_at_all();

	assert_int_equal(seen.count, model->count);
	for (size_t i = 0; i < seen.count; i++) {
		const struct model_row *row = &model->rows[model->count - 1 - i];
		struct prefix source;
		char text[32];

		(void)snprintf(text, sizeof(text), "10.0.0.%u", row->source);
		assert_int_equal(prefix_parse(text, &source, NULL), 0);
		assert_int_equal(prefix_compare(&seen.rows[i].source, &source), 0);
		assert_int_equal(seen.rows[i].packets, row->packets);
	}
}

static void test_model(void **state)
{
	struct model model = {0};

	(void)state;
	srand(4);
	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int slot = (unsigned int)rand() % MODEL_SLOTS, source = (unsigned int)rand() % 7;

		stop_number(slot, source);
		model_note(&model, slot, source);
		assert_same_as(&model);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sources_differ, setup, teardown),
		cmocka_unit_test_setup_teardown(test_account_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood_of_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood_of_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_accounts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_least, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forget, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slot_reused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_model, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
