#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# completion - what bash, zsh and fish offer while a command is typed: all that the table of commands has, where it has
# it, and nothing that is refused
#
# What is to be offered is taken from the help, which is printed from the same table (completion_expected.py); the shells
# are real ones. The daemon is tests/system/fake_daemon.py.
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

# --- what is asked, and what is to be offered: LINE<TAB>WORD WORD ----------------------

"$HERE/completion_expected.py" offers "$DIR/files" >"$DIR/expected"
cut -f 1 "$DIR/expected" >"$AG_LINES"
check "the help names commands, and what is offered" test "$(wc -l <"$AG_LINES")" -gt 300
is "no option is refused where it is offered" \
	"$(ALLOWGATE_SOCKET=$DIR/none.sock "$HERE/completion_expected.py" refusals "$DIR/files" 2>&1)" ""

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
	check "$1: soon" test $((SECONDS - started)) -lt 60
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
