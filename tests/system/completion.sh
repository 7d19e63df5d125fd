#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# completion - what bash, zsh and fish offer while a command is typed: all that the table of commands has, where it has
# it, and nothing that is refused
#
# What is to be offered is taken from the help, which is printed from the same table; the shells are real ones. The
# daemon is tests/system/fake_daemon.py.
#
# shellcheck disable=SC2046,SC2086 # what is expected are words
. "$(dirname "$0")/../lib.sh"

command -v python3 >/dev/null || skip_all "python3 is not installed"
[ -x "$AG_CLI" ] || die "$AG_CLI is not built"
DIR=$(mktemp -d "/tmp/$NS.XXXXXX")
trap ag_cleanup EXIT
trap 'exit 130' INT TERM
HERE=$ROOT/tests/system
export LC_ALL=C.UTF-8 PATH=$DIR/bin:$PATH AG_LINES=$DIR/lines AG_FPATH=$DIR/fpath AG_OFFERED AG_SCRIPT
export ALLOWGATE_SOCKET=$DIR/fake.sock
mkdir "$DIR/bin" "$DIR/fpath" "$DIR/files" "$DIR/home"
ln -s "$AG_CLI" "$DIR/bin/allowgate"
: >"$DIR/files/office.txt"

# items NAME...: a list of things of that name.
items()
{
	local name list=
	for name in "$@"; do
		list+=", {\"name\": \"$name\", \"interface\": \"$name\"}"
	done
	printf '{"body": {"items": [%s], "next": null}}' "${list#, }"
}
printf '{"/v1/accounts": %s, "/v1/users": %s, "/v1/interfaces": %s}' \
	"$(items acme 'zeta.2' '$(touch evil)')" "$(items ada bob)" "$(items wan0 wan1)" >"$DIR/paths"
python3 "$HERE/fake_daemon.py" "$ALLOWGATE_SOCKET" "$DIR" >"$DIR/fake.log" 2>&1 &
PIDS+=($!)
wait_for 10 test -S "$ALLOWGATE_SOCKET" || die "the fake daemon does not start"

# --- the table, by the help ------------------------------------------------------

# Every command's words, a line each.
commands()
{
	allowgate help | awk '/^$/ && seen++ { exit }
		/^  [a-z]/ { verb = $2 ~ /^[a-z-]+$/ && substr($0, 4 + length($1), 1) != " "; print $1 (verb ? " " $2 : "") }'
}

# takes COMMAND: the options, "--mode MODE" a line; of every command where none is given.
takes()
{
	allowgate $1 --help | sed -n 's/^  \(--[a-z-]*\)\( [A-Za-z|]*\)\{0,1\}  .*/\1\2/p'
}

# arguments COMMAND: their placeholders, a word each.
arguments()
{
	allowgate $1 --help | sed -n "1s/^usage: allowgate $1//p" | sed 's/ \[--.*//; s/ | .*//; s/[][]//g'
}

nouns=$(commands | cut -d ' ' -f 1 | sort -u)
check "the help names commands" test "$(commands | wc -l)" -gt 30

words()
{
	tr ' ' '\n' | grep . | LC_ALL=C sort -u | paste -sd ' '
}

names_of()
{
	takes "$1" | cut -d ' ' -f 1
}

# value PLACEHOLDER COMMAND [OPTION]: what is offered there.
value()
{
	case $3:$1:$2 in
	--os-user:*) printf 'root\n' ;;
	*:MODE:account*) echo enforce monitor off ;;
	*:MODE:interface*) echo auto native generic ;;
	*:ACTION:*) echo drop reject ;;
	*:NAME:*' add' | *:NAME:*' create') ;;
	*:ACCOUNT:* | *:NAME:account*) echo acme zeta.2 ;;
	*:USER:* | *:NAME:user*) echo ada bob ;;
	*:IFACE:'interface detach') echo wan0 wan1 ;;
	*:IFACE:*) basename -a /sys/class/net/*/ ;;
	*:[a-z]*'|'*) echo "${1//|/ }" ;;
	esac
}

# A value that the command takes.
sample()
{
	case $1 in
	FILE* | PATH) echo "$DIR/files/office.txt" ;;
	USER) echo root ;;
	UID | N) echo 1 ;;
	TIME | AGE | WHEN) echo 8h ;;
	ADDRESS | PREFIX*) echo 203.0.113.7 ;;
	SERVICE*) echo 192.0.2.10:443/tcp ;;
	MODE) echo off ;;
	ACTION) echo drop ;;
	*'|'*) echo "${1%%|*}" ;;
	*) echo acme ;;
	esac
}

# --- what is asked, and what is to be offered: LINE<TAB>WORD WORD ----------------------

# expect LINE WORD...: those that go on from the line's last word are offered.
expect()
{
	local line=$1
	shift
	printf '%s\t%s\n' "$line" "$(printf '%s\n' "$@" | words)" >>"$DIR/expected"
}

COMMON=$(names_of '')

# takes_itself COMMAND: those of every command alone where the command is one of two that stand for all.
takes_itself()
{
	case $1 in
	status | 'account add') takes "$1" ;;
	*) takes "$1" | grep -vwFe "$COMMON" ;;
	esac
}

for noun in $nouns; do
	expect_noun=$(commands | sed -n "s/^$noun //p")
	[ "$noun" != audit ] || expect_noun+=" acme zeta.2"
	[ "$(commands | grep -cx "$noun")" -gt 0 ] && [ "$noun" != audit ] && continue
	expect "allowgate $noun " $expect_noun
	expect "allowgate help $noun " $(commands | sed -n "s/^$noun //p")
	expect "allowgate --json --as ada $noun " $expect_noun
	expect "allowgate $noun -- " $([ "$noun" != audit ] || echo acme zeta.2)
done
{
	expect "allowgate " $nouns help
	expect "allowgate --json " $nouns help
	expect "allowgate help " $nouns
	expect "allowgate acc" account
	expect "allowgate account s" set show
	expect "allowgate -- "
	expect "allowgate -" $COMMON
	expect "allowgate --json --ver" --version
	expect "allowgate nothing "
	expect "allowgate account nothing "
	expect "allowgate help account add "
	expect "allowgate --as account allow " $(commands | sed -n 's/^allow //p')
	expect "allowgate allow --note account list " acme zeta.2
	expect "allowgate allow add acme 203.0.113.7 --note -- --de" --deny
	expect "allowgate allow add acme 2001:db8::1 2001:db8::/32 --n" --note
	expect "allowgate allow set acme 203.0.113.7 --disable -" $(names_of 'allow set' | grep -vx -e --enable -e --disable)
	expect "allowgate user add ops --uid 7 -" $(names_of 'user add' | grep -vx -e --uid -e --os-user)
	expect "allowgate user add ops --os-user=root -" $(names_of 'user add' | grep -vx -e --uid -e --os-user)
	expect "allowgate check acme -" $(names_of check | grep -vx -e --from -e --to)
	expect "allowgate check --from 203.0.113.7 -" $(names_of check | grep -vx -e --from)
	expect "allowgate check --from 203.0.113.7 --to 192.0.2.10:443/tcp "
	expect "allowgate --json --as ada account set acme --mode=off --quiet -" \
		$(names_of 'account set' | grep -vx -e --json -e --as -e --mode -e --quiet)
	expect "allowgate account set acme --mode off --mode="
	expect "allowgate account add acme --mode=m" --mode=monitor
	expect "allowgate account add acme --note="
	expect "allowgate account add acme --json="
	expect "allowgate account add acme --dry-run --mo" --mode
	expect "allowgate account list --as=b" --as=bob
	expect "allowgate account list --quiet --mode "
	expect "allowgate account --mode "
}

expect_options()
{
	local command=$1 option placeholder
	expect "allowgate $command -" $(names_of "$command")
	while read -r option placeholder; do
		case $option:$placeholder in *: | *:PATH | --os-user:*) continue ;; esac
		expect "allowgate $command $option " $(value "$placeholder" "$command" "$option")
		expect "allowgate $command $option=" $(value "$placeholder" "$command" "$option" | tr ' ' '\n' | sed "s/^./$option=&/")
	done < <(takes_itself "$command")
}

expect_arguments()
{
	local command=$1 line="allowgate $1 " one last=
	for one in $(arguments "$command"); do
		case $one in
		FILE*) expect "$line$DIR/files/o" "$DIR/files/office.txt" ;;
		*) [ "$line" = "allowgate audit " ] || expect "$line" $(value "${one%...}" "$command" "") ;;
		esac
		line+="$(sample "$one") "
		last=$one
	done
	case $last in
	*...) expect "$line" $(value "${last%...}" "$command" "") ;;
	*) expect "$line" ;;
	esac
}

while read -r command; do
	expect_options "$command"
	expect_arguments "$command"
done < <(commands)
cut -f 1 "$DIR/expected" >"$AG_LINES"

# --- nothing that is refused: every command with every option and value of it ----------------

# line_for COMMAND OPTION: arguments, and options without which it means nothing.
line_for()
{
	local placeholder
	case $1:$2 in
	check:--from) echo "--to 192.0.2.10" ;;
	check:--to) echo "--from 203.0.113.7" ;;
	panic:--reason | panic:--off | confirm:--user | confirm:--interface | confirm:--token) ;;
	panic:*) echo --off ;;
	'token create:--user') echo "--account acme --role admin" ;;
	'token create:--account') echo "--user ada --role admin" ;;
	'token create:--role') echo "--user ada --account acme" ;;
	'token create:'*) echo "--user ada --account acme --role admin" ;;
	'account set:--label') echo acme ;;
	'account set:'*) echo "acme --label x" ;;
	*)
		for placeholder in $(arguments "$1"); do
			sample "$placeholder"
		done | paste -sd ' '
		;;
	esac
}

refusals()
{
	local command option placeholder value
	while read -r command; do
		while read -r option placeholder; do
			for value in $(value "$placeholder" "$command" "$option") "$(sample "$placeholder")"; do
				allowgate $command $(line_for "$command" "$option") "$option" ${placeholder:+"$value"} \
					>"$DIR/output" 2>&1 </dev/null
				[ $? -ne 2 ] || sed "s|^|$command $option: |" "$DIR/output"
			done
		done < <(takes_itself "$command" | grep -v '^--socket')
	done < <(commands)
}
is "no option is refused where it is offered" "$(ALLOWGATE_SOCKET=$DIR/none.sock refusals)" ""

# --- the shells -----------------------------------------------------------------------

# probe SHELL: writes $DIR/offered.SHELL.
probe()
{
	AG_OFFERED=$DIR/offered.$1 AG_SCRIPT=$BUILD/completion/allowgate.$1
	rm -f "$AG_OFFERED"
	case $1 in
	bash) bash --norc "$HERE/completion_probe.bash" ;;
	zsh)
		cp "$AG_SCRIPT" "$AG_FPATH/_allowgate"
		"$HERE/on_terminal.py" 80 --type ". $HERE/completion_probe.zsh"$'\n' -- zsh -f -i >"$DIR/zsh.log"
		;;
	fish) XDG_CONFIG_HOME=$DIR/home XDG_DATA_HOME=$DIR/home fish --no-config "$HERE/completion_probe.fish" ;;
	esac >"$DIR/$1.output" 2>&1 </dev/null
}

# Files are offered as each shell does: fish and bash with their directory, zsh without.
normal()
{
	sed "s|$DIR/files/\(office.txt\)\$|\1|; s|[ \t]*\$||" "$1" | LC_ALL=C sort
}

# The first lines that differ, of $DIR/want and $DIR/got.
cmp_lines()
{
	diff "$DIR/want" "$DIR/got" >"$DIR/diff" || { head -n 40 "$DIR/diff"; return 1; }
}

for shell in bash zsh fish; do
	command -v "$shell" >/dev/null || { skip "$shell" "$shell is not installed"; continue; }
	check "$shell: what make built is what allowgate prints" cmp "$BUILD/completion/allowgate.$shell" <(allowgate completion "$shell")
	check "$shell: has no error in it" "$shell" -n "$BUILD/completion/allowgate.$shell"
	probe "$shell"
	normal "$DIR/expected" >"$DIR/want"
	normal "$DIR/offered.$shell" >"$DIR/got"
	check "$shell: all there is, and no more ($(wc -l <"$AG_LINES") lines)" cmp_lines
	is "$shell: says nothing" "$(cat "$DIR/$shell.output")" ""
done

# --- without a daemon, and with one that does not answer ------------------------------------

# asked SHELL LINE: what is offered behind it.
asked()
{
	printf '%s\n' "$2" >"$AG_LINES"
	probe "$1"
	cut -f 2- "$DIR/offered.$1"
}

# away WHAT SOCKET: commands and options are there, names are not, and nothing is said, within seconds.
away()
{
	local shell started=$SECONDS there=$ALLOWGATE_SOCKET
	for shell in bash zsh fish; do
		command -v "$shell" >/dev/null || continue
		is "$1, $shell: no names" "$(ALLOWGATE_SOCKET=$2 asked "$shell" "allowgate account show ")" ""
		is "$1, $shell: nothing said" "$(cat "$DIR/$shell.output")" ""
		is "$1, $shell: verbs" "$(ALLOWGATE_SOCKET=$2 asked "$shell" "allowgate account s")" "set show"
		is "$1, $shell: the socket that the line names" \
			"$(ALLOWGATE_SOCKET=$2 asked "$shell" "allowgate --socket $there account show a")" acme
		is "$1, $shell: ... behind =" \
			"$(ALLOWGATE_SOCKET=$2 asked "$shell" "allowgate --socket=$there account show a")" acme
	done
	check "$1: soon" test $((SECONDS - started)) -lt 30
}
away "no daemon" "$DIR/none.sock"
python3 -c 'import socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(64)
time.sleep(600)' "$DIR/deaf.sock" &
PIDS+=($!)
disown
wait_for 10 test -S "$DIR/deaf.sock"
away "a daemon that does not answer" "$DIR/deaf.sock"

# --- typed to bash: what is put into the line -------------------------------------------------

cat >"$DIR/bashrc" <<-END
	. $BUILD/completion/allowgate.bash
	cd $DIR/files
	PS1=
	bind 'set enable-bracketed-paste off'
	allowgate() { printf 'ran'; printf ' <%s>' "\$@"; echo; }
END
# typed LINE: it is typed, run, and what was run comes out.
typed()
{
	"$HERE/on_terminal.py" 80 --type "$1"$'\nexit\n' -- bash --rcfile "$DIR/bashrc" -i 2>/dev/null | sed -n 's/^.*ran <\(.*\)>$/\1/p'
}
is "typed: a verb and a name" "$(typed $'allowgate acc\tsho\tac\t')" "account> <show> <acme"
is "typed: a value behind =" "$(typed $'allowgate account set acme --mode=mon\t')" "account> <set> <acme> <--mode=monitor"
is "typed: behind an IPv6 address" "$(typed $'allowgate allow set acme 2001:db8::1 --dis\t')" "allow> <set> <acme> <2001:db8::1> <--disable"
is "typed: a file" "$(typed $'allowgate allow replace acme off\t')" "allow> <replace> <acme> <office.txt"
is "typed: a file behind =" "$(typed $'allowgate --socket=off\t status')" "--socket=office.txt> <status"
is "typed: in the middle" "$(typed $'allowgate account sho acme\e[D\e[D\e[D\e[D\e[D\t')" "account> <show> <acme"
is "typed: in a word" "$(typed $'allowgate acxyz\e[D\e[D\e[D\t')" "accountxyz"
is "typed: behind = in a word" "$(typed $'allowgate account set --mode=mozz acme\e[D\e[D\e[D\e[D\e[D\e[D\e[D\t')" \
	"account> <set> <--mode=monitorzz> <acme"
refute "no name was run" test -e evil -o -e "$DIR/files/evil"
finish
