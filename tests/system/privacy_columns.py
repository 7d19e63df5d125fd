# SPDX-License-Identifier: GPL-2.0-only
"""privacy_columns.py PHASE STORE NAME EXPORT: every column of text of the store, and whether it names somebody

PHASE is held: each column that may hold a name does, and the part of the export that shows it has something; or erased: none
does. A column that COLUMNS does not know is an error: say what it holds, and have it exported and erased if that is people.
"""

import json
import re
import sqlite3
import sys

PHASE, STORE, NAME, EXPORT = sys.argv[1:]

# What shows it, of those that hold the name of a user; None: what it holds is no person.
COLUMNS = {
    "accounts.name": None,
    "accounts.label": None,
    "accounts.mode": None,
    "accounts.on_deny": None,
    "audit.account": None,
    "audit.action": None,
    "audit.detail": None,  # refers to persons by numbers
    "audit.outcome": None,
    "audit_origins.origin": None,  # an address; tests/system/privacy.sh
    "entries.verdict": None,
    "entries.note": None,
    "entries.created_by": "entries",
    "entries.list": None,
    "history.user": "history",
    "history.action": None,
    "history.mode": None,
    "history.on_deny": None,
    "history.label": None,
    "interfaces.name": None,
    "interfaces.mode": None,
    "list_entries.note": None,
    "list_entries.created_by": "lists",
    "lists.name": None,
    "panic.by": "panic",
    "panic.reason": None,
    "pending.subject": None,
    "pending.name": "pending",
    "pending.action": None,
    "pending.user": "pending",
    "pending.boot": None,
    "pending.claims": "pending",
    "pending.inverse": "pending",
    "persons.name": "audit",
    "roles.role": None,
    "tokens.role": None,
    "tokens.note": None,
    "tokens.created_by": "tokens",
    "users.name": "user",
}
failed = False


def result(good, what, why):
    global failed
    print(("ok - " if good else "not ok - ") + what)
    if not good:
        print(f"  {why}")
        failed = True


store = sqlite3.connect(f"file:{STORE}?mode=ro", uri=True)
found = set()
named = re.compile(rf"(?<![a-z0-9._-]){re.escape(NAME)}(?![a-z0-9._-])")
for (table,) in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall():
    for _, column, kind, *_ in store.execute(f"PRAGMA table_info({table})").fetchall():
        if kind == "TEXT":
            found.add(f"{table}.{column}")
holding = set()
for place in found:
    table, column = place.split(".")
    values = store.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()
    if any(named.search(value) for (value,) in values):
        holding.add(place)
store.close()

if PHASE == "held":
    result(found == set(COLUMNS), "what each column of text holds is known", sorted(found ^ set(COLUMNS)))
    people = {place for place in COLUMNS if COLUMNS[place]}
    result(holding == people, "each that may name a person does", sorted(holding ^ people))
    with open(EXPORT, encoding="utf-8") as file:
        document = json.load(file)
    empty = sorted({COLUMNS[place] for place in people if not document.get(COLUMNS[place])})
    result(not empty, "each is shown", empty)
else:
    result(not holding, "no column names her any more", sorted(holding))
sys.exit(failed)
