# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Writes what is offered behind each line of $AG_LINES to $AG_OFFERED, "LINE<TAB>WORD WORD". The completion script is
# $AG_SCRIPT. Bash replaces no more than what stands behind the last ":" or "=": the rest of the word goes in front.
set -u
# shellcheck source=/dev/null # what make built
. "$AG_SCRIPT"

# Takes the line apart as bash does, at blanks and at runs of ":" and "=".
split()
{
	local rest=$1
	COMP_WORDS=()
	while [[ $rest =~ ^[[:blank:]]*([:=]+|[^[:blank:]:=]+) ]]; do
		COMP_WORDS+=("${BASH_REMATCH[1]}")
		rest=${rest#"${BASH_REMATCH[0]}"}
	done
	[[ $1 != *[[:blank:]] ]] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
}

function_of=$(complete -p allowgate)
function_of=${function_of#* -F }
while IFS= read -r line; do
	split "$line"
	COMPREPLY=()
	"${function_of%% *}" allowgate "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]-}"
	word=${line##*[[:blank:]]}
	[[ $word == *[:=]* ]] && head=${word%"${word##*[:=]}"} || head=
	offered=$(printf -- "$head%s\n" ${COMPREPLY[@]+"${COMPREPLY[@]}"} | LC_ALL=C sort -u | tr '\n' ' ')
	[ ${#COMPREPLY[@]} -gt 0 ] || offered=
	printf '%s\t%s\n' "$line" "${offered% }"
done <"$AG_LINES" >"$AG_OFFERED"
