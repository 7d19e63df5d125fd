// SPDX-License-Identifier: GPL-2.0-only
/* test_store_corrupt.c - damage is an error, never another policy: flipped bits, cut files, rows changed
 * behind the back */
#include "userspace/io/store.h"

#include <inttypes.h>

#include "tests/unit/store_fixture.h"
#include "userspace/core/buffer.h"

#define FLIPS 150

/* Fixed, so that a failure repeats; xorshift64. */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Two accounts with services and lists in both families, users, roles, an interface, a change that waits, an
 * audit log. */
static int setup_policy(void **state)
{
	static const char *const prefixes[] = {"203.0.113.0/24", "203.0.113.7", "2001:db8::/32"};
	struct store_interface interface = {"eth0", "native"};
	struct store_audit row = {.user = (char *)"ada", .action = (char *)"allow add"};
	struct store_pending pending = {
		.subject = PENDING_POLICY,
		.name = "host",
		.action = "policy apply",
		.generation = 7,
		.made_at = 1700000000,
		.deadline = {.within = 120, .at = {.wall = 1700000120, .boot = "this"}},
		.claims = (char *)" account=acme account=beta ",
		.inverse = (char *)"{\"do\": \"all\", \"changes\": []}"};
	char owner[NAME_SIZE], text[64];
	struct fixture *f;
	int64_t acme, beta;

	setup_store(state);
	f = *state;
	assert_ok(f, store_begin(f->store, &f->error));
	acme = add_account(f, "acme").id;
	beta = add_account(f, "beta").id;
	for (size_t i = 0; i < COUNT(prefixes); i++)
		assert_ok(f, add_entry(f, acme, prefixes[i], i == 1 ? AG_ENTRY_DENY : AG_ENTRY_ALLOW));
	for (unsigned int i = 0; i < 150; i++) {
		snprintf(text, sizeof(text), "198.51.100.%u", i);
		assert_ok(f, add_entry(f, beta, text, AG_ENTRY_ALLOW));
	}
	assert_ok(f, add_service(f, acme, "192.0.2.10:443/tcp", owner));
	assert_ok(f, add_service(f, beta, "[2001:db8::/64]:443/tcp", owner));
	assert_ok(f, store_role_grant(f->store, acme, add_user(f, "ada", 1000).id, ROLE_VIEWER, &f->error));
	add_user(f, "bob", -1);
	assert_ok(f, store_interface_put(f->store, &interface, &f->error));
	assert_ok(f, store_pending_add(f->store, &pending, &f->error));
	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	return 0;
}

static int dump_lists(struct fixture *f, const struct account *accounts, size_t count, struct buffer *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct account *a = &accounts[i];
		struct list list = {0};
		char on_deny[ON_DENY_TEXT_MAX];
		struct account same;

		/* The index leads to the same row. */
		if (store_account_find(f->store, a->name, &same, &f->error) < 0)
			return -1;
		assert_string_equal(same.name, a->name);
		assert_int_equal(same.id, a->id);
		account_clear(&same);
		on_deny_format(&a->on_deny, on_deny);
		buffer_print(out, "%s %s %u %d %s %zu %zu %zu %zu\n", a->name, a->label ? a->label : "",
			     a->slot, a->mode, on_deny, a->entries4, a->entries6, a->disabled4, a->disabled6);
		if (store_list(f->store, a->id, &list, &f->error) < 0)
			return -1;
		for (size_t j = 0; j < list.count; j++) {
			const struct entry *e = &list.entries[j];
			char text[PREFIX_TEXT_MAX];

			prefix_format(&e->prefix, text);
			buffer_print(out, "%s %d %d %" PRId64 " %s %" PRId64 "\n", text, e->verdict,
				     e->disabled, e->expires, e->note, e->created_at);
		}
		list_clear(&list);
	}
	return 0;
}

static int dump_pending(struct fixture *f, struct buffer *out)
{
	struct store_pending *rows = NULL;
	size_t count = 0;

	if (store_pendings(f->store, &rows, &count, &f->error) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		buffer_print(out, "%d %s %s %" PRIu64 " %" PRId64 " %s %s %s\n", rows[i].subject,
			     rows[i].name, rows[i].action, rows[i].generation, rows[i].deadline.at.wall,
			     rows[i].deadline.at.boot, rows[i].claims, rows[i].inverse);
	store_pendings_free(rows, count);
	return 0;
}

static int dump_people(struct fixture *f, struct buffer *out)
{
	AUTO_FREE struct store_user *users = NULL;
	AUTO_FREE struct store_role *roles = NULL;
	AUTO_FREE struct store_interface *interfaces = NULL;
	size_t count = 0;

	if (store_users(f->store, &users, &count, &f->error) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct store_user same;

		if (store_user_find(f->store, users[i].name, &same, &f->error) < 0)
			return -1;
		assert_memory_equal(&same, &users[i], sizeof(same));
		if (users[i].uid >= 0 && store_user_find_uid(f->store, users[i].uid, &same, &f->error) < 0)
			return -1;
		assert_memory_equal(&same, &users[i], sizeof(same));
		buffer_print(out, "%s %" PRId64 " %d %d\n", users[i].name, users[i].uid, users[i].operator_,
			     users[i].delegate);
	}
	if (store_roles(f->store, NULL, NULL, &roles, &count, &f->error) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		buffer_print(out, "%s %s %d\n", roles[i].account, roles[i].user, roles[i].role);
	if (store_interfaces(f->store, &interfaces, &count, &f->error) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		buffer_print(out, "%s %s\n", interfaces[i].name, interfaces[i].mode);
	return dump_pending(f, out);
}

static int dump_policy(struct fixture *f, const struct account *accounts, size_t count, struct buffer *out)
{
	AUTO_FREE struct claim *claims = NULL;
	size_t claim_count = 0;

	if (store_claims(f->store, &claims, &claim_count, &f->error) < 0)
		return -1;
	for (size_t i = 0; i < claim_count; i++) {
		char text[SERVICE_TEXT_MAX];

		service_format(&claims[i].service, text);
		buffer_print(out, "%s %u\n", text, claims[i].slot);
	}
	return dump_lists(f, accounts, count, out) < 0 ? -1 : dump_people(f, out);
}

/* Everything that decides about a packet or a right; negative as soon as anything is an error. */
static int dump(struct fixture *f, struct buffer *out)
{
	struct account *accounts = NULL;
	uint64_t id, generation;
	size_t count = 0;
	int r;

	if (store_identity(f->store, &id, &generation, &f->error) < 0 ||
	    store_accounts(f->store, &accounts, &count, &f->error) < 0)
		return -1;
	buffer_print(out, "%" PRIu64 " %" PRIu64 "\n", id, generation);
	r = dump_policy(f, accounts, count, out);
	accounts_free(accounts, count);
	return r;
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static uint8_t *read_whole(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	struct stat st;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	*size = (size_t)st.st_size;
	data = malloc(*size);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, *size, file), *size);
	fclose(file);
	return data;
}

/* Whether the damage was an error; if it was none, the policy is the same to the letter. */
static bool noticed(struct fixture *f, const uint8_t *data, size_t size, const char *wanted)
{
	struct buffer out = {0};
	int r;

	shell("rm -f %s %s-wal %s-shm", f->path, f->path, f->path);
	write_file(f->path, data, size);
	f->error = (struct ag_error){0};
	r = fixture_open(f, STORE_MAY_CREATE);
	if (!r)
		r = dump(f, &out);
	if (r < 0)
		assert_int_equal(f->error.code, ERROR_STORE);
	else
		assert_string_equal(out.data, wanted);
	buffer_clear(&out);
	fixture_close(f);
	return r < 0;
}

static void test_flipped_bits(void **state)
{
	struct fixture *f = *state;
	struct buffer wanted = {0};
	AUTO_FREE uint8_t *data = NULL;
	const char *rounds = getenv("STORE_FLIPS"); /* more, by hand */
	unsigned int flips = rounds ? (unsigned int)atoi(rounds) : FLIPS;
	uint64_t seed = 0x9e3779b97f4a7c15;
	unsigned int errors = 0;
	size_t size;

	assert_int_equal(dump(f, &wanted), 0);
	fixture_close(f);
	data = read_whole(f->path, &size);
	for (unsigned int i = 0; i < flips; i++) {
		size_t at[3];

		for (size_t j = 0; j < COUNT(at); j++) {
			at[j] = next_random(&seed) % (size * 8);
			if (j == 0 || i % 3 >= j)
				data[at[j] / 8] ^= (uint8_t)(1 << at[j] % 8);
		}
		errors += noticed(f, data, size, wanted.data);
		for (size_t j = 0; j < COUNT(at); j++)
			if (j == 0 || i % 3 >= j)
				data[at[j] / 8] ^= (uint8_t)(1 << at[j] % 8);
	}
	print_message("%zu bytes, %u times damaged: %u errors, %u harmless\n", size, flips, errors,
		      flips - errors);
	/* It does look: and what is whole is taken. */
	assert_true(errors > flips / 10);
	assert_false(noticed(f, data, size, wanted.data));
	buffer_clear(&wanted);
}

/* In a table and in its index: what is looked up by name must not vanish because its index is damaged. */
static void test_damaged_names(void **state)
{
	static const char *const names[] = {"acme", "beta", "bob", "ada"};
	struct fixture *f = *state;
	struct buffer wanted = {0};
	AUTO_FREE uint8_t *data = NULL;
	unsigned int errors = 0;
	size_t size;

	assert_int_equal(dump(f, &wanted), 0);
	fixture_close(f);
	data = read_whole(f->path, &size);
	for (size_t i = 0; i < COUNT(names); i++)
		for (uint8_t *at = data;
		     (at = memmem(at, size - (size_t)(at - data), names[i], strlen(names[i])));) {
			*at ^= 16;
			errors += noticed(f, data, size, wanted.data);
			*at++ ^= 16;
		}
	assert_true(errors >= 2 * COUNT(names));
	buffer_clear(&wanted);
}

static void test_truncated(void **state)
{
	struct fixture *f = *state;
	struct buffer wanted = {0};
	AUTO_FREE uint8_t *data = NULL;
	size_t size;

	assert_int_equal(dump(f, &wanted), 0);
	fixture_close(f);
	data = read_whole(f->path, &size);
	for (size_t cut = 0; cut < size; cut += cut < 512 ? 64 : 2048)
		assert_true(noticed(f, data, cut, wanted.data));
	/* The last page ends in zeros, which SQLite fills in by itself. */
	(void)noticed(f, data, size - 1, wanted.data);
	assert_false(noticed(f, data, size, wanted.data));
	buffer_clear(&wanted);
}

/* What stands in the tables is well-formed, but nobody wrote it by the store. */
static const char *const tampering[] = {
	"UPDATE entries SET verdict = 'allow' WHERE verdict = 'deny'",
	"UPDATE entries SET note = 'other' WHERE account_id = 1 AND len = 24",
	"UPDATE entries SET note = note || char(0) || 'x' WHERE account_id = 1 AND len = 24",
	"UPDATE entries SET created_at = created_at + 1 WHERE account_id = 1 AND len = 24",
	"UPDATE entries SET addr = x'cb007200' WHERE account_id = 1 AND len = 24",
	"UPDATE entries SET addr = x'cb007108' WHERE account_id = 1 AND len = 24",
	"UPDATE entries SET len = 25 WHERE account_id = 1 AND len = 24",
	"DELETE FROM entries WHERE account_id = 1 AND len = 24",
	"DELETE FROM entries",
	"INSERT INTO entries VALUES (1, 4, x'cb007200', 24, 0, 0, 'allow', '', '', 0, 0, 0, '')",
	"UPDATE entries SET account_id = 2 WHERE account_id = 1 AND len = 24",
	"UPDATE entries SET account_id = 3 - account_id",
	"UPDATE entries SET since = 2 WHERE account_id = 1 AND len = 24",
	"UPDATE accounts SET list_version = 2 WHERE name = 'acme'",
	"UPDATE accounts SET mode = 'monitor' WHERE name = 'acme'",
	"UPDATE accounts SET name = 'gamma' WHERE name = 'acme'",
	"UPDATE accounts SET label = 'other' WHERE name = 'acme'",
	"UPDATE accounts SET slot = 5 WHERE name = 'acme'",
	"UPDATE accounts SET on_deny = 'pass' WHERE name = 'acme'",
	"UPDATE accounts SET on_deny = 'reject' WHERE name = 'acme'",
	"UPDATE accounts SET disabled4 = 1 WHERE name = 'acme'",
	"UPDATE entries SET disabled = 1 WHERE account_id = 1 AND len = 24",
	"UPDATE entries SET expires = 1800000000 WHERE account_id = 1 AND len = 24",
	"UPDATE accounts SET generation = 99 WHERE name = 'acme'",
	"UPDATE accounts SET entries4 = 0, entries6 = 0 WHERE name = 'acme'",
	"UPDATE accounts SET list_sum = zeroblob(32) WHERE name = 'acme'",
	"UPDATE accounts SET digest = zeroblob(32) WHERE name = 'acme'",
	"DELETE FROM services WHERE account_id = 1; DELETE FROM accounts WHERE id = 1; "
	"DELETE FROM roles; DELETE FROM entries WHERE account_id = 1",
	"INSERT INTO accounts SELECT 3, 7, 'gamma', '', mode, on_deny, 0, 0, 0, zeroblob(32), digest, 0, 0, "
	"0, 0, "
	"0 "
	"FROM accounts WHERE id = 1",
	"DELETE FROM services WHERE account_id = 1",
	"UPDATE services SET port = 444",
	"UPDATE services SET proto = 255",
	"UPDATE services SET len = 31 WHERE family = 4",
	"UPDATE services SET account_id = 3 - account_id",
	"UPDATE services SET account_id = 9 WHERE account_id = 1",
	"INSERT INTO services VALUES (4, x'c000020b', 32, 6, 443, 1)",
	"UPDATE pending SET inverse = '{\"do\": \"all\", \"changes\": [{\"do\": \"account remove\"}]}'",
	"UPDATE pending SET claims = replace(claims, 'beta', 'gamma')",
	"UPDATE pending SET wall = wall + 86400",
	"UPDATE pending SET subject = 'list'",
	"DELETE FROM pending",
	"UPDATE users SET operator = 1 WHERE name = 'bob'",
	"UPDATE users SET delegate = 1 WHERE name = 'bob'",
	"UPDATE users SET uid = 1001 WHERE name = 'bob'",
	"UPDATE users SET name = 'carol' WHERE name = 'bob'",
	"DELETE FROM users WHERE name = 'bob'",
	"INSERT INTO users VALUES (9, 'eve', 1009, 1, 0)",
	"UPDATE roles SET role = 'admin'",
	"UPDATE roles SET user_id = 2",
	"DELETE FROM roles",
	"INSERT INTO roles VALUES (2, 2, 'admin')",
	"DELETE FROM interfaces",
	"UPDATE interfaces SET mode = 'generic'",
	"INSERT INTO interfaces VALUES ('eth1', 'auto')",
	"INSERT INTO panic VALUES (1, 5, 'eve', 'open up')",
	"UPDATE meta SET store_id = 1",
	"UPDATE meta SET generation = 5",
	"UPDATE meta SET audit_rows = 0",
	"UPDATE meta SET accounts = 1",
	"UPDATE meta SET account_sum = zeroblob(32)",
	"UPDATE meta SET people_sum = zeroblob(32), digest = zeroblob(32)",
	"DELETE FROM meta",
};

static void test_tampered_rows(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE uint8_t *data = NULL;
	struct buffer out = {0};
	size_t size;

	fixture_close(f);
	data = read_whole(f->path, &size);
	for (size_t i = 0; i < COUNT(tampering); i++) {
		write_file(f->path, data, size);
		raw(f->path, tampering[i]);
		f->error = (struct ag_error){0};
		if (fixture_open(f, STORE_MUST_EXIST) >= 0 && dump(f, &out) >= 0) {
			print_error("not noticed: %s\n", tampering[i]);
			fail();
		}
		assert_int_equal(f->error.code, ERROR_STORE);
		buffer_clear(&out);
		fixture_close(f);
	}
	write_file(f->path, data, size);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
}

/* While the daemon runs: the account is named, others go on, and no change makes it right again. */
static void test_damaged_list_while_open(void **state)
{
	struct fixture *f = *state;
	struct list list = {0};
	struct entry *list_before = list.entries;

	raw(f->path, "UPDATE entries SET verdict = 'allow' WHERE verdict = 'deny'");
	assert_error(f, store_list(f->store, 1, &list, &f->error), ERROR_STORE, "account 'acme'");
	assert_ptr_equal(list.entries, list_before);
	assert_int_equal(list.count, 0);
	assert_ok(f, store_list(f->store, 2, &list, &f->error));
	assert_int_equal(list.count, 150);
	list_clear(&list);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, add_entry(f, 1, "9.9.9.9", AG_ENTRY_ALLOW));
	assert_error(f, store_list(f->store, 1, &list, &f->error), ERROR_STORE, "account 'acme'");
	assert_ok(f, store_commit(f->store, &f->error));
	assert_error(f, store_list(f->store, 1, &list, &f->error), ERROR_STORE, "account 'acme'");
	/* A whole new list is whole. */
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_entries_clear(f->store, 1, &f->error));
	assert_ok(f, add_entry(f, 1, "9.9.9.9", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_list(f, 1, "9.9.9.9/32");
}

static void test_damaged_rows_while_open(void **state)
{
	struct fixture *f = *state;
	struct account account = {0}, *accounts = NULL;
	struct claim *claims = NULL;
	uint64_t id, generation;
	size_t count = 77;

	raw(f->path, "UPDATE accounts SET mode = 'off' WHERE name = 'acme'");
	assert_error(f, store_account_find(f->store, "acme", &account, &f->error), ERROR_STORE,
		     "account 'acme'");
	assert_error(f, store_accounts(f->store, &accounts, &count, &f->error), ERROR_STORE,
		     "account 'acme'");
	assert_error(f, store_claims(f->store, &claims, &count, &f->error), ERROR_STORE, "account 'acme'");
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, add_entry(f, 1, "9.9.9.9", AG_ENTRY_ALLOW), ERROR_STORE, "account 'acme'");
	store_rollback(f->store);
	assert_ok(f, store_account_find(f->store, "beta", &account, &f->error));
	account_clear(&account);
	raw(f->path, "UPDATE accounts SET mode = 'enforce'; DELETE FROM services WHERE account_id = 2");
	assert_error(f, store_claims(f->store, &claims, &count, &f->error), ERROR_STORE, "services");
	raw(f->path, "PRAGMA foreign_keys = ON; DELETE FROM accounts WHERE id = 2");
	assert_error(f, store_accounts(f->store, &accounts, &count, &f->error), ERROR_STORE, "accounts");
	raw(f->path, "UPDATE meta SET generation = 9");
	assert_error(f, store_identity(f->store, &id, &generation, &f->error), ERROR_STORE, "meta");
	assert_error(f, store_begin(f->store, &f->error), ERROR_STORE, "meta");
	assert_null(accounts);
	assert_null(claims);
	assert_int_equal(count, 77);
}

#define POLICY_TEST(name) cmocka_unit_test_setup_teardown(name, setup_policy, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POLICY_TEST(test_flipped_bits),
		POLICY_TEST(test_damaged_names),
		POLICY_TEST(test_truncated),
		POLICY_TEST(test_tampered_rows),
		POLICY_TEST(test_damaged_list_while_open),
		POLICY_TEST(test_damaged_rows_while_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
