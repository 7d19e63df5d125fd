// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_statements.c - every statement of the store, in one place to be read beside the schema
 */
#include "userspace/io/store_statements.h"

#define ACCOUNT_COLUMNS                                                                                      \
	"id, slot, name, label, mode, on_deny, generation, entries4, entries6, list_sum, digest, "           \
	"list_version, disabled4, disabled6, refs, disabled_refs FROM accounts "
#define ENTRY_COLUMNS "family, addr, len, verdict, note, created_by, created_at, disabled, expires, list"
/* ?2 is the version of the list. */
#define IN_LIST "account_id = ?1 AND since <= ?2 AND (until = 0 OR until > ?2) "
/* Whether a prefix is in the list of that version. Of its rows the newest one decides: others are not read,
 * however often it came and went. */
#define PREFIX_IN_LIST(account, family, addr, len, version)                                                  \
	"(SELECT until = 0 OR until > " version " FROM entries AS e WHERE e.account_id = " account           \
	" AND e.family = " family " AND e.addr = " addr " AND e.len = " len " AND e.since <= " version       \
	" ORDER BY e.since DESC LIMIT 1) "
#define HISTORY_COLUMNS                                                                                      \
	"generation, time, user, action, list_version, added, removed, entries4, entries6, disabled4, "      \
	"disabled6, refs, disabled_refs, list_sum, mode, on_deny, label, pinned, digest FROM history "
#define SWEPT                                                                                                \
	"account_id = ?1 AND (family, addr, len, since) > (?2, ?3, ?4, ?5) AND "                             \
	"(family, addr, len, since) <= (?6, ?7, ?8, ?9) "
#define ROLE_COLUMNS                                                                                         \
	"a.name, u.name, r.role FROM roles AS r JOIN accounts AS a ON a.id = r.account_id "                  \
	"JOIN users AS u ON u.id = r.user_id "
/* Of a row, of whom it names, and the address while it is kept. */
#define AUDIT_ROWS                                                                                           \
	"SELECT a.id, a.time, a.person, a.delegate, a.origin_mac, a.account, a.action, a.detail, "           \
	"a.outcome, a.hash, p.name, p.uid, d.name, d.uid, o.origin, p.mac, p.key, d.mac FROM audit AS a "    \
	"LEFT JOIN persons AS p ON p.id = a.person LEFT JOIN persons AS d ON d.id = a.delegate "             \
	"LEFT JOIN audit_origins AS o ON o.id = a.id "
#define AUDIT_IN       "WHERE a.id > ?1 AND a.time >= ?2 AND a.time < ?3 "
#define PERSON_COLUMNS "SELECT id, mac, key, name, uid FROM persons "
#define TOKEN_COLUMNS                                                                                        \
	"t.id, t.account_id, t.user_id, a.name, u.name, t.role, t.hash, t.note, t.created_by, "              \
	"t.created_at, t.expires, t.last_used FROM tokens AS t JOIN accounts AS a ON a.id = t.account_id "   \
	"JOIN users AS u ON u.id = t.user_id "
#define PENDING_HEAD                                                                                         \
	"subject, name, action, user, admins, generation, restores, made_at, within, wall, up, boot, "
#define PENDING_COLUMNS	    PENDING_HEAD "claims, inverse"
#define NAMED_COLUMNS	    "id, name, entries, generation, created_at, content FROM lists "
#define NAMED_ENTRY_COLUMNS "family, addr, len, note, created_by, created_at "
/* A reference to a list, in the list of entries e of account a as it is. */
#define NAMED_REFERENCE                                                                                      \
	"WHERE e.family = 0 AND e.addr = ? AND e.since <= a.list_version "                                   \
	"AND (e.until = 0 OR e.until > a.list_version) "

static const char *const statements[SQL_MAX] = {
	[SQL_META_ADD] =
		"INSERT INTO meta (id, store_id, generation, accounts, services, audit_rows, audit_hash, "
		"account_sum, service_sum, people_sum, digest) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_META_READ] =
		"SELECT store_id, generation, accounts, services, audit_rows, audit_hash, account_sum, "
		"service_sum, people_sum, digest FROM meta",
	[SQL_META_WRITE] =
		"UPDATE meta SET store_id = ?, generation = ?, accounts = ?, services = ?, "
		"audit_rows = ?, audit_hash = ?, account_sum = ?, service_sum = ?, people_sum = ?, "
		"digest = ? WHERE id = 1",

	[SQL_ACCOUNT_NEXT_ID] = "SELECT coalesce(max(id), 0) + 1 FROM accounts",
	/* The smallest from ?1 on, found by walking the index to its first gap. */
	[SQL_ACCOUNT_FREE_SLOT] =
		"SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM accounts WHERE slot = ?1) THEN ?1 ELSE "
		"(SELECT a.slot + 1 FROM accounts AS a WHERE a.slot >= ?1 AND NOT EXISTS "
		"(SELECT 1 FROM accounts AS b WHERE b.slot = a.slot + 1) ORDER BY a.slot LIMIT 1) END",
	[SQL_ACCOUNT_ADD] =
		"INSERT INTO accounts (id, slot, name, label, mode, on_deny, generation, entries4, entries6, "
		"list_sum, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_ACCOUNT_WRITE] = "UPDATE accounts SET label = ?2, mode = ?3, on_deny = ?4, generation = ?5, "
			      "entries4 = ?6, entries6 = ?7, list_sum = ?8, digest = ?9, list_version = ?10, "
			      "disabled4 = ?11, disabled6 = ?12, refs = ?13, disabled_refs = ?14 "
			      "WHERE id = ?1",
	[SQL_ACCOUNT_REMOVE] = "DELETE FROM accounts WHERE id = ?",
	[SQL_ACCOUNT_BY_ID] = "SELECT " ACCOUNT_COLUMNS "WHERE id = ?",
	[SQL_ACCOUNT_BY_NAME] = "SELECT " ACCOUNT_COLUMNS "WHERE name = ?",
	/* As they lie in the file: by name, each would be looked for one by one. */
	[SQL_ACCOUNTS] = "SELECT " ACCOUNT_COLUMNS "ORDER BY id",
	[SQL_ACCOUNT_BEHIND] = "SELECT id FROM accounts WHERE id > ? ORDER BY id LIMIT 1",
	[SQL_ACCOUNT_DIGEST] = "SELECT digest FROM accounts WHERE id = ?",

	[SQL_SERVICE_ADD] = "INSERT INTO services (account_id, family, addr, len, proto, port) "
			    "VALUES (?, ?, ?, ?, ?, ?)",
	[SQL_SERVICE_REMOVE] =
		"DELETE FROM services WHERE account_id = ? AND family = ? AND addr = ? AND len = ? "
		"AND proto = ? AND port = ?",
	[SQL_SERVICE_OWNER] =
		"SELECT a.name FROM services AS s JOIN accounts AS a ON a.id = s.account_id "
		"WHERE s.family = ? AND s.addr = ? AND s.len = ? AND s.proto = ? AND s.port = ?",
	[SQL_SERVICES] = "SELECT account_id, family, addr, len, proto, port FROM services "
			 "ORDER BY family, addr, len, proto, port",
	[SQL_SERVICES_OF] =
		"SELECT account_id, family, addr, len, proto, port FROM services WHERE account_id = ?",

	[SQL_ENTRY_ADD] = "INSERT INTO entries (account_id, family, addr, len, since, until, verdict, note, "
			  "created_by, created_at, disabled, expires, list) "
			  "VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_ENTRY_REMOVE] = "DELETE FROM entries WHERE account_id = ? AND family = ? AND addr = ? AND len = "
			     "? AND since = ?",
	[SQL_ENTRIES_REMOVE] = "DELETE FROM entries WHERE account_id = ?1 AND since = ?2",
	[SQL_ENTRIES_END] = "UPDATE entries SET until = ?2 WHERE account_id = ?1 AND since < ?2 "
			    "AND (until = 0 OR until > ?2)",
	[SQL_ENTRIES_CLEAR] = "DELETE FROM entries WHERE account_id = ?",
	/* By the primary key, which is the order of prefix_compare(). */
	[SQL_ENTRIES] = "SELECT " ENTRY_COLUMNS " FROM entries WHERE " IN_LIST "ORDER BY family, addr, len",
	[SQL_ENTRIES_PAGE] = "SELECT " ENTRY_COLUMNS " FROM entries WHERE " IN_LIST
			     "AND (family, addr, len) > (?3, ?4, ?5) ORDER BY family, addr, len LIMIT ?6",
	/* The newest row, which alone can be in the list; see entries_find(). */
	[SQL_ENTRY_FIND] = "SELECT " ENTRY_COLUMNS ", since, until FROM entries WHERE account_id = ?1 "
			   "AND family = ?3 AND addr = ?4 AND len = ?5 AND since <= ?2 "
			   "ORDER BY since DESC LIMIT 1",
	/* In the list or not: a step costs the same, however much garbage there is. */
	[SQL_ENTRY_FLOOR] = "SELECT family, addr, len FROM entries WHERE account_id = ? "
			    "AND (family, addr, len) <= (?, ?, ?) "
			    "ORDER BY family DESC, addr DESC, len DESC LIMIT 1",
	[SQL_ENTRY_END] = "UPDATE entries SET until = ?6 WHERE account_id = ?1 AND family = ?2 AND addr = ?3 "
			  "AND len = ?4 AND since = ?5",
	/* The same of what is in the list, whichever of its rows that is. */
	[SQL_ENTRY_LEAVE] = "UPDATE entries SET until = ?6 WHERE " IN_LIST
			    "AND family = ?3 AND addr = ?4 AND len = ?5",
	/* From one length to the next one that there is: as many steps as there are lengths. */
	[SQL_EXPIRING_LENGTHS] =
		"WITH RECURSIVE lengths(len) AS (SELECT min(len) FROM entries WHERE " IN_LIST
		"AND family = ?3 AND expires > 0 AND disabled = 0 "
		"UNION ALL SELECT (SELECT min(e.len) FROM entries AS e WHERE e.account_id = ?1 "
		"AND e.since <= ?2 AND (e.until = 0 OR e.until > ?2) AND e.family = ?3 AND e.len > "
		"lengths.len "
		"AND e.expires > 0 AND e.disabled = 0) FROM lengths WHERE lengths.len IS NOT NULL) "
		"SELECT count(len) FROM lengths",

	[SQL_SEEN_PUT] =
		"INSERT INTO seen (account_id, family, addr, len, time) SELECT ?1, ?2, ?3, ?4, ?5 "
		"FROM accounts AS a WHERE a.id = ?1 "
		"AND " PREFIX_IN_LIST(
			"?1", "?2", "?3", "?4",
			"a.list_version") "ON CONFLICT DO UPDATE SET time = max(time, excluded.time)",
	[SQL_SEEN_GET] = "SELECT time FROM seen WHERE account_id = ? AND family = ? AND addr = ? AND len = ?",
	[SQL_SEEN_REMOVE] = "DELETE FROM seen WHERE account_id = ? AND family = ? AND addr = ? AND len = ?",
	[SQL_SEEN_CLEAR] = "DELETE FROM seen WHERE account_id = ?",
	[SQL_SEEN_SWEEP] = "DELETE FROM seen WHERE account_id = ?1 AND (family, addr, len) > (?2, ?3, ?4) "
			   "AND (family, addr, len) <= (?5, ?6, ?7) AND NOT coalesce(" PREFIX_IN_LIST(
				   "?1", "seen.family", "seen.addr", "seen.len", "?8") ", 0)",
	[SQL_SEEN_SWEEP_REST] =
		"DELETE FROM seen WHERE account_id = ?1 AND (family, addr, len) > (?2, ?3, ?4)",

	[SQL_UNSWEPT_ADD] = "INSERT OR IGNORE INTO unswept (account_id) VALUES (?)",
	[SQL_UNSWEPT_REMOVE] = "DELETE FROM unswept WHERE account_id = ?",
	[SQL_UNSWEPT] = "SELECT account_id FROM unswept ORDER BY account_id",
	/* The last row of the next ?6, behind a key. */
	[SQL_SWEEP_RANGE] = "SELECT family, addr, len, since FROM (SELECT family, addr, len, since "
			    "FROM entries WHERE account_id = ?1 AND "
			    "(family, addr, len, since) > (?2, ?3, ?4, ?5) "
			    "ORDER BY family, addr, len, since LIMIT ?6) "
			    "ORDER BY family DESC, addr DESC, len DESC, since DESC LIMIT 1",
	[SQL_SWEEP_ROWS] = "DELETE FROM entries WHERE " SWEPT
			   "AND (since > ?10 OR (until > 0 AND until <= ?11))",
	[SQL_SWEEP_MARKS] = "UPDATE entries SET until = 0 WHERE " SWEPT "AND until > ?10",

	[SQL_HISTORY_ADD] = "INSERT INTO history (account_id, generation, time, user, action, list_version, "
			    "added, removed, entries4, entries6, disabled4, disabled6, refs, disabled_refs, "
			    "list_sum, mode, on_deny, "
			    "label, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_HISTORY_REMOVE] = "DELETE FROM history WHERE account_id = ? AND generation = ?",
	[SQL_HISTORY_CLEAR] = "DELETE FROM history WHERE account_id = ?",
	[SQL_HISTORY_FIND] = "SELECT " HISTORY_COLUMNS "WHERE account_id = ? AND generation = ?",
	[SQL_HISTORY_PAGE] = "SELECT " HISTORY_COLUMNS
			     "WHERE account_id = ? AND generation < ? ORDER BY generation DESC LIMIT ?",
	[SQL_HISTORY_PIN] = "UPDATE history SET pinned = ? WHERE account_id = ? AND generation = ?",
	/* Later generations have no smaller version. */
	[SQL_HISTORY_OLDEST] =
		"SELECT list_version FROM history WHERE account_id = ? ORDER BY generation LIMIT 1",
	[SQL_HISTORY_FIRST] =
		"SELECT generation FROM history WHERE account_id = ? ORDER BY generation LIMIT 1",

	/*
	 * The generation before which all may go: by number (?2), by age (what was in force at ?3 is kept),
	 * and by rows of the list (beyond ?4) that have ended by the version of now (?5); never the newest.
	 */
	[SQL_PRUNE_CUT] =
		"WITH ended(version) AS (SELECT until FROM entries WHERE account_id = ?1 AND until > 0 "
		"AND until <= ?5 ORDER BY until DESC LIMIT 1 OFFSET ?4), "
		"newest(generation) AS (SELECT max(generation) FROM history WHERE account_id = ?1) "
		"SELECT max("
		"coalesce((SELECT generation FROM history WHERE account_id = ?1 ORDER BY generation DESC "
		"LIMIT 1 OFFSET ?2 - 1), 0), "
		"coalesce((SELECT max(generation) FROM history WHERE account_id = ?1 AND time < ?3), 0), "
		"coalesce((SELECT coalesce((SELECT min(generation) FROM history WHERE account_id = ?1 "
		"AND list_version >= ended.version), newest.generation) FROM ended, newest), 0))",
	/* Whether anything goes: a generation, or rows that none has that is kept. */
	[SQL_PRUNE_DUE] =
		"SELECT EXISTS (SELECT 1 FROM history WHERE account_id = ?1 AND generation < ?2 AND pinned = "
		"0) "
		"OR EXISTS (SELECT 1 FROM entries WHERE account_id = ?1 AND until > 0 AND until <= ?3)",
	[SQL_PRUNE_HISTORY] =
		"DELETE FROM history WHERE account_id = ?1 AND generation IN (SELECT generation FROM history "
		"WHERE account_id = ?1 AND generation < ?2 AND pinned = 0 ORDER BY generation LIMIT ?3)",
	[SQL_PRUNE_ENTRIES] = "SELECT family, addr, len, since FROM entries WHERE account_id = ?1 "
			      "AND until > 0 AND until <= ?2 ORDER BY until LIMIT ?3",

	[SQL_USER_ADD] = "INSERT INTO users (id, name, uid, operator, delegate) "
			 "VALUES ((SELECT coalesce(max(id), 0) + 1 FROM users), ?, ?, ?, ?)",
	[SQL_USER_REMOVE] = "DELETE FROM users WHERE id = ?",
	[SQL_USER_BY_NAME] = "SELECT id, name, uid, operator, delegate FROM users WHERE name = ?",
	[SQL_USER_BY_UID] = "SELECT id, name, uid, operator, delegate FROM users WHERE uid = ?",
	[SQL_USERS] = "SELECT id, name, uid, operator, delegate FROM users ORDER BY name",

	[SQL_ROLE_PUT] = "INSERT INTO roles (account_id, user_id, role) VALUES (?, ?, ?) "
			 "ON CONFLICT (account_id, user_id) DO UPDATE SET role = excluded.role",
	[SQL_ROLE_REMOVE] = "DELETE FROM roles WHERE account_id = ? AND user_id = ?",
	[SQL_ROLE_GET] = "SELECT account_id, user_id, role FROM roles WHERE account_id = ? AND user_id = ?",
	[SQL_ROLE_OF] =
		"SELECT r.account_id, r.user_id, r.role FROM roles AS r JOIN users AS u ON u.id = r.user_id "
		"WHERE r.account_id = ? AND u.name = ?",
	[SQL_ROLES_OF_ACCOUNT] = "SELECT account_id, user_id, role FROM roles WHERE account_id = ?",
	[SQL_ROLES_OF_USER] = "SELECT account_id, user_id, role FROM roles WHERE user_id = ?",
	[SQL_ROLE_KEYS] = "SELECT account_id, user_id, role FROM roles",
	[SQL_ROLES] = "SELECT " ROLE_COLUMNS "ORDER BY a.name, u.name",
	[SQL_ROLES_BY_ACCOUNT] = "SELECT " ROLE_COLUMNS
				 "WHERE a.name = ?1 AND (?2 IS NULL OR u.name = ?2) ORDER BY a.name, u.name",
	[SQL_ROLES_BY_USER] = "SELECT " ROLE_COLUMNS "WHERE u.name = ? ORDER BY a.name, u.name",

	[SQL_TOKEN_ADD] = "INSERT INTO tokens (id, account_id, user_id, role, hash, note, created_by, "
			  "created_at, expires, last_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_TOKEN_REMOVE] = "DELETE FROM tokens WHERE id = ?",
	[SQL_TOKEN_GET] = "SELECT " TOKEN_COLUMNS "WHERE t.id = ?",
	[SQL_TOKENS] = "SELECT " TOKEN_COLUMNS "WHERE (?1 = 0 OR t.account_id = ?1) "
		       "AND (?2 = 0 OR t.user_id = ?2) AND t.id > ?3 ORDER BY t.id LIMIT ?4",
	[SQL_TOKEN_COUNTS] = "SELECT count(*), coalesce(sum(account_id = ? AND user_id = ?), 0) FROM tokens",
	[SQL_TOKEN_USED] = "UPDATE tokens SET last_used = max(last_used, ?2) WHERE id = ?1",

	[SQL_INTERFACE_PUT] = "INSERT INTO interfaces (name, mode) VALUES (?, ?) "
			      "ON CONFLICT (name) DO UPDATE SET mode = excluded.mode",
	[SQL_INTERFACE_REMOVE] = "DELETE FROM interfaces WHERE name = ?",
	[SQL_INTERFACE_GET] = "SELECT name, mode FROM interfaces WHERE name = ?",
	[SQL_INTERFACES] = "SELECT name, mode FROM interfaces ORDER BY name",

	[SQL_PANIC_PUT] = "INSERT INTO panic (id, since, by, reason) VALUES (1, ?, ?, ?)",
	[SQL_PANIC_REMOVE] = "DELETE FROM panic",
	[SQL_PANIC] = "SELECT since, by, reason FROM panic",
	[SQL_PENDING_ADD] = "INSERT INTO pending (" PENDING_COLUMNS
			    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_PENDING_REMOVE] = "DELETE FROM pending WHERE subject = ? AND name = ?",
	[SQL_PENDING_GET] = "SELECT " PENDING_COLUMNS " FROM pending WHERE subject = ? AND name = ?",
	[SQL_PENDINGS] = "SELECT " PENDING_COLUMNS " FROM pending ORDER BY subject, name",
	[SQL_PENDING_COUNT] = "SELECT count(*) FROM pending",
	[SQL_PENDING_CLAIMED] = "SELECT " PENDING_HEAD "'', '' FROM pending "
				"WHERE instr(claims, ' ' || ?1 || ' ') > 0 LIMIT 1",
	[SQL_NAMED_ADD] = "INSERT INTO lists (id, name, entries, generation, created_at, content) "
			  "VALUES ((SELECT coalesce(max(id), 0) + 1 FROM lists), ?, 0, 0, ?, ?)",
	[SQL_NAMED_REMOVE] = "DELETE FROM lists WHERE id = ?",
	[SQL_NAMED_WRITE] = "UPDATE lists SET entries = ?2, generation = ?3, content = ?4 WHERE id = ?1",
	[SQL_NAMED_FIND] = "SELECT " NAMED_COLUMNS "WHERE name = ?",
	[SQL_NAMED_ALL] = "SELECT " NAMED_COLUMNS "ORDER BY name",
	[SQL_NAMED_PAGE] = "SELECT " NAMED_ENTRY_COLUMNS "FROM list_entries WHERE list_id = ?1 "
			   "AND (family, addr, len) > (?2, ?3, ?4) ORDER BY family, addr, len LIMIT ?5",
	[SQL_NAMED_ENTRY_ADD] = "INSERT INTO list_entries (list_id, family, addr, len, note, created_by, "
				"created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
	[SQL_NAMED_ENTRY_REMOVE] = "DELETE FROM list_entries WHERE list_id = ? AND family = ? AND addr = ? "
				   "AND len = ? RETURNING " NAMED_ENTRY_COLUMNS,
	[SQL_NAMED_USERS] = "SELECT DISTINCT a.id, a.name FROM entries AS e JOIN accounts AS a ON a.id = "
			    "e.account_id " NAMED_REFERENCE "ORDER BY a.name",
	[SQL_NAMED_USER_COUNT] = "SELECT count(DISTINCT e.account_id) FROM entries AS e "
				 "JOIN accounts AS a ON a.id = e.account_id " NAMED_REFERENCE,

	[SQL_AUDIT_ADD] = "INSERT INTO audit (id, time, person, delegate, origin_mac, account, action, "
			  "detail, outcome, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_AUDIT_READ] = AUDIT_ROWS AUDIT_IN "ORDER BY a.id LIMIT ?4",
	[SQL_AUDIT_READ_ACCOUNT] = AUDIT_ROWS AUDIT_IN "AND a.account = ?5 ORDER BY a.id LIMIT ?4",
	/* One id, so that its index gives them in order. */
	[SQL_AUDIT_READ_PERSON] = AUDIT_ROWS AUDIT_IN
	"AND a.person = ?6 AND (?5 IS NULL OR a.account = ?5) ORDER BY a.id LIMIT ?4",
	[SQL_AUDIT_READ_PERSONS] = AUDIT_ROWS AUDIT_IN
	"AND a.person IN (SELECT id FROM persons WHERE name = ?6) AND (?5 IS NULL OR a.account = ?5) "
	"ORDER BY a.id LIMIT ?4",
	/* Of others, within some ids: who vouched, and whoever is referred to (store_persons_text.c). */
	[SQL_AUDIT_NAMING] = AUDIT_ROWS
	"JOIN persons AS w ON (w.id = ?3 OR (?3 = 0 AND w.name = ?4)) "
	"WHERE a.id > ?1 AND a.id <= ?2 AND (a.delegate = w.id "
	"OR instr(a.detail, '{user#' || w.id || '}') > 0 "
	"OR instr(a.detail, '{uid#' || w.id || '}') > 0) "
	"AND NOT (?3 > 0 AND a.person = ?3) AND NOT (?4 <> '' AND coalesce(p.name = ?4, "
	"0)) GROUP BY a.id ORDER BY a.id",
	[SQL_AUDIT_ALL] = AUDIT_ROWS "ORDER BY a.id",
	[SQL_AUDIT_ORIGIN_ADD] = "INSERT INTO audit_origins (id, origin) VALUES (?, ?)",
	[SQL_AUDIT_BOUNDS_ADD] = "INSERT INTO audit_bounds (id, pruned, pruned_hash, forgotten, digest) "
				 "VALUES (1, ?, ?, ?, ?)",
	[SQL_AUDIT_BOUNDS] = "SELECT pruned, pruned_hash, forgotten, digest FROM audit_bounds",

	[SQL_PERSON_ADD] = "INSERT INTO persons (id, mac, last_row, key, name, uid) VALUES "
			   "((SELECT coalesce(max(id), 0) + 1 FROM persons), ?, ?, ?, ?, ?)",
	[SQL_PERSON_TOUCH] = "UPDATE persons SET last_row = ?2 WHERE id = ?1 AND last_row < ?2",
	[SQL_PERSON_GET] = PERSON_COLUMNS "WHERE id = ?",
	[SQL_PERSON_BY_NAME_UID] = PERSON_COLUMNS "WHERE name = ? AND uid = ?",
	[SQL_PERSON_BY_NAME] = PERSON_COLUMNS "WHERE name = ? ORDER BY id DESC",
	[SQL_PERSON_BY_UID] = PERSON_COLUMNS "WHERE uid = ? ORDER BY id DESC LIMIT 1",
	[SQL_PERSONS] = PERSON_COLUMNS "ORDER BY id",

	/* By name, and what somebody with one of their uids did who had no name yet, unless that is another's
	 * uid by now. */
	[SQL_ERASE_PERSONS] =
		"SELECT id FROM persons WHERE (?1 <> '' AND name = ?1) OR (name = '' AND uid > 0 "
		"AND (uid = ?2 OR (?1 <> '' AND uid IN (SELECT uid FROM persons WHERE name = ?1))) "
		"AND NOT EXISTS (SELECT 1 FROM users WHERE users.uid = persons.uid)) ORDER BY id",
	[SQL_ERASE_PERSON] = "UPDATE persons SET key = NULL, name = NULL, uid = NULL WHERE id = ?",
	[SQL_ERASE_ORIGINS] = "DELETE FROM audit_origins WHERE id IN (SELECT id FROM audit WHERE person = ?)",
	/* No digest covers who made something. */
	[SQL_ERASE_CREATED_BY] = "UPDATE entries SET created_by = '' WHERE created_by = ?",
	[SQL_ERASE_HISTORY] = "UPDATE history SET user = '' WHERE user = ?",
	[SQL_ERASE_PANIC] = "UPDATE panic SET by = '' WHERE by = ?",
	[SQL_ERASE_LISTED] = "UPDATE list_entries SET created_by = '' WHERE created_by = ?",
	[SQL_ERASE_TOKENS] = "UPDATE tokens SET created_by = '' WHERE created_by = ?",
	[SQL_ERASE_PENDING] = "UPDATE pending SET user = '' WHERE user = ?",
	[SQL_HISTORY_MADE] =
		"SELECT a.name, h.account_id, h.generation, h.time, h.action, h.added, h.removed, h.user = "
		"?3 "
		"FROM history AS h JOIN accounts AS a ON a.id = h.account_id "
		"WHERE (h.account_id, h.generation) > (?1, ?2) ORDER BY h.account_id, h.generation LIMIT ?4",

	[SQL_AUDIT_OLDEST] = "SELECT id, time, hash FROM audit WHERE id > ? ORDER BY id LIMIT ?",
	[SQL_AUDIT_NEWEST] = "SELECT coalesce(max(id), 0) FROM audit",
	[SQL_AUDIT_BOUNDS_WRITE] =
		"UPDATE audit_bounds SET pruned = ?, pruned_hash = ?, forgotten = ?, digest = ? WHERE id = 1",
	[SQL_AUDIT_PRUNE] = "DELETE FROM audit WHERE id <= ?",
	[SQL_AUDIT_FORGET] = "DELETE FROM audit_origins WHERE id <= ?",
	[SQL_PERSONS_PRUNE] = "DELETE FROM persons WHERE last_row <= ? AND NOT EXISTS "
			      "(SELECT 1 FROM users WHERE users.name = persons.name)",
	[SQL_SEEN_STRETCH] =
		"SELECT account_id, family, addr, len FROM (SELECT account_id, family, addr, len "
		"FROM seen WHERE (account_id, family, addr, len) > (?1, ?2, ?3, ?4) "
		"ORDER BY account_id, family, addr, len LIMIT ?5) "
		"ORDER BY account_id DESC, family DESC, addr DESC, len DESC LIMIT 1",
	[SQL_SEEN_FORGET] = "DELETE FROM seen WHERE (account_id, family, addr, len) > (?1, ?2, ?3, ?4) "
			    "AND (account_id, family, addr, len) <= (?5, ?6, ?7, ?8) AND time < ?9",

	/* All, so that one call reads no more than so many: those of others say so. */
	[SQL_ENTRIES_MADE] =
		"SELECT e.account_id, a.name, e.list, e.family, e.addr, e.len, e.since, e.since <= "
		"a.list_version AND "
		"(e.until = 0 OR e.until > a.list_version), e.verdict = 'allow', e.note, e.created_at, "
		"e.created_by = ?6 FROM entries AS e JOIN accounts AS a ON a.id = e.account_id "
		"WHERE (e.account_id, e.family, e.addr, e.len, e.since) > (?1, ?2, ?3, ?4, ?5) "
		"ORDER BY e.account_id, e.family, e.addr, e.len, e.since LIMIT ?7",
	[SQL_LISTED_MADE] =
		"SELECT e.list_id, l.name, e.family, e.addr, e.len, e.note, e.created_at, e.created_by = ?5 "
		"FROM list_entries AS e JOIN lists AS l ON l.id = e.list_id "
		"WHERE (e.list_id, e.family, e.addr, e.len) > (?1, ?2, ?3, ?4) "
		"ORDER BY e.list_id, e.family, e.addr, e.len LIMIT ?6",
};

const char *sql_statement(enum sql which)
{
	return statements[which];
}
