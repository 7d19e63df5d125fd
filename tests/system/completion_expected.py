#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What is to be offered while a command is typed, taken from the help, which is printed from the table of commands.

completion_expected.py offers FILES     a line each: what is typed, a tab, and the words to be offered
completion_expected.py refusals FILES   runs every command with every option and value of it, and prints those refused

FILES is a directory with office.txt in it. The program is the allowgate in PATH.
"""
import functools
import os
import re
import subprocess
import sys

NAMES = "acme zeta.2"  # of accounts, by the fake daemon
# By option, placeholder and command: what is offered there; the first that matches.
VALUES = [
    ("--os-user", ".*", ".*", "root"),
    (".*", "MODE", "account.*", "enforce monitor off"),
    (".*", "MODE", "interface.*", "auto native generic"),
    (".*", "ACTION", ".*", "drop reject"),
    (".*", "NAME", ".* (add|create)", ""),
    (".*", "ACCOUNT", ".*", NAMES),
    (".*", "NAME", "account.*", NAMES),
    (".*", "USER", ".*", "ada bob"),
    (".*", "NAME", "user.*", "ada bob"),
    (".*", "IFACE", "interface detach", "wan0 wan1"),
    (".*", "IFACE", ".*", " ".join(os.listdir("/sys/class/net"))),
]
# By placeholder: a value that the command takes.
SAMPLES = [
    ("FILE.*|PATH", "{files}/office.txt"),
    ("USER", "root"),
    ("UID|N", "1"),
    ("TIME|AGE|WHEN", "8h"),
    ("ADDRESS|PREFIX.*", "203.0.113.7"),
    ("SERVICE.*", "192.0.2.10:443/tcp"),
    ("MODE", "off"),
    ("ACTION", "drop"),
]
# By command and option: the arguments, and the options without which it means nothing; the first that matches.
LINES = [
    ("check", "--from", "--to 192.0.2.10"),
    ("check", "--to", "--from 203.0.113.7"),
    ("panic", "--reason|--off", ""),
    ("confirm", "--user|--interface|--token|--list|--policy", ""),
    ("panic", ".*", "--off"),
    ("token create", "--user", "--account acme --role admin"),
    ("token create", "--account", "--user ada --role admin"),
    ("token create", "--role", "--user ada --account acme"),
    ("token create", ".*", "--user ada --account acme --role admin"),
    ("account set", "--label", "acme"),
    ("account set", ".*", "acme --label x"),
]


# --- the table, by the help ---------------------------------------------------


@functools.cache
def help_of(command):
    return subprocess.run(["allowgate", *command.split(), "--help"], capture_output=True, text=True, check=True).stdout


@functools.cache
def commands():
    table = help_of("").split("\n\n")[1]
    return [" ".join(filter(None, found)) for found in re.findall(r"^  ([a-z-]+)(?: ([a-z-]+)(?= |$))?", table, re.M)]


def verbs(noun):
    return [command[len(noun) + 1:] for command in commands() if command.startswith(noun + " ")]


@functools.cache
def takes(command):
    """Its options, each with a placeholder, or ""."""
    return re.findall(r"^  (--[a-z-]+)(?: ([A-Za-z|]+))?  ", help_of(command), re.M)


def names(command, *without):
    return [option for option, _ in takes(command) if option not in without]


def takes_itself(command):
    """Those of every command alone where the command is one of two that stand for all."""
    common = [] if command in ("status", "account add") else names("")
    return [(option, placeholder) for option, placeholder in takes(command) if option not in common]


def arguments(command):
    usage = help_of(command).split("\n")[0].removeprefix(f"usage: allowgate {command}")
    return re.sub(r"[][]", "", re.split(r" \[--| \| ", usage)[0]).split()


def value(placeholder, command, option):
    for row in VALUES:
        if all(map(re.fullmatch, row, (option, placeholder, command))):
            return row[3].split()
    return placeholder.split("|") if re.match("[a-z].*[|]", placeholder) else []


def sample(placeholder, files):
    for pattern, text in SAMPLES:
        if re.fullmatch(pattern, placeholder):
            return text.format(files=files)
    return placeholder.split("|")[0] if "|" in placeholder else "acme"


# --- what is offered ------------------------------------------------------------


def nouns():
    for noun in sorted({command.split()[0] for command in commands()}):
        also = NAMES.split() if noun == "audit" else []
        if noun in commands() and not also:
            continue
        yield f"{noun} ", verbs(noun) + also
        yield f"help {noun} ", verbs(noun)
        yield f"--json --as ada {noun} ", verbs(noun) + also
        yield f"{noun} -- ", also


def by_hand():
    every = {command.split()[0] for command in commands()}
    yield "", [*every, "help"]
    yield "--json ", [*every, "help"]
    yield "help ", every
    yield "acc", ["account"]
    yield "account s", ["set", "show"]
    yield "-- ", []
    yield "-", names("")
    yield "--json --ver", ["--version"]
    yield "nothing ", []
    yield "account nothing ", []
    yield "help account add ", []
    yield "--as account allow ", verbs("allow")
    yield "allow --note account list ", NAMES.split()
    yield "allow add acme 203.0.113.7 --note -- --de", ["--deny"]
    yield "allow add acme 2001:db8::1 2001:db8::/32 --n", ["--note"]
    yield "allow set acme 203.0.113.7 --disable -", names("allow set", "--enable", "--disable")
    yield "user add ops --uid 7 -", names("user add", "--uid", "--os-user")
    yield "user add ops --os-user=root -", names("user add", "--uid", "--os-user")
    yield "check acme -", names("check", "--from", "--to")
    yield "check --from 203.0.113.7 -", names("check", "--from")
    yield "check --from 203.0.113.7 --to 192.0.2.10:443/tcp ", []
    yield ("--json --as ada account set acme --mode=off --quiet -",
           names("account set", "--json", "--as", "--mode", "--quiet"))
    yield "account set acme --mode off --mode=", []
    yield "account add acme --mode=m", ["--mode=monitor"]
    yield "account add acme --note=", []
    yield "account add acme --json=", []
    yield "account add acme --dry-run --mo", ["--mode"]
    yield "account list --as=b", ["--as=bob"]
    yield "account list --quiet --mode ", []
    yield "account --mode ", []


def options(command):
    yield f"{command} -", names(command)
    for option, placeholder in takes_itself(command):
        if not placeholder or placeholder == "PATH" or option == "--os-user":
            continue
        offered = value(placeholder, command, option)
        yield f"{command} {option} ", offered
        yield f"{command} {option}=", [f"{option}={one}" for one in offered]


def operands(command, files):
    line, last = f"{command} ", ""
    for one in arguments(command):
        if one.startswith("FILE"):
            yield f"{line}{files}/o", [f"{files}/office.txt"]
        elif line != "audit ":
            yield line, value(one.removesuffix("..."), command, "")
        line += sample(one, files) + " "
        last = one
    yield line, value(last.removesuffix("..."), command, "") if last.endswith("...") else []


def offers(files):
    rows = [*nouns(), *by_hand()]
    for command in commands():
        rows += [*options(command), *operands(command, files)]
    for line, offered in rows:
        print(f"allowgate {line}\t{' '.join(sorted(set(offered)))}")


# --- what is refused --------------------------------------------------------------


def line_for(command, option, files):
    for row in LINES:
        if all(map(re.fullmatch, row, (command, option))):
            return row[2].split()
    return [sample(placeholder, files) for placeholder in arguments(command)]


def refusals(files):
    for command in commands():
        for option, placeholder in takes_itself(command):
            if option == "--socket":
                continue
            for one in [*value(placeholder, command, option), sample(placeholder, files)] if placeholder else [None]:
                line = [*command.split(), *line_for(command, option, files), option, *filter(None, [one])]
                done = subprocess.run(["allowgate", *line], stdin=subprocess.DEVNULL, capture_output=True, text=True)
                if done.returncode == 2:
                    print(" ".join(line), done.stderr, sep=": ", end="")


if __name__ == "__main__":
    {"offers": offers, "refusals": refusals}[sys.argv[1]](sys.argv[2])
