# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Completion of allowgate(1) for bash, printed by "allowgate completion bash".
#
# Names of accounts and the like come from the daemon, for two seconds at most; without it there are none.

# A command a line: its words|arguments|options|options that stand instead of arguments|help. The row without words
# has the options of every command. Behind "=" of an option, and for each argument, what is offered there: ":a,b"
# these words, "-" nothing, "file", "device", "os-user", or the names that "allowgate NOUN list" prints; "..." is the
# rest of the arguments.
_allowgate_commands=@commands@
# option|its value|help
_allowgate_options=@options@
# Options that exclude one another.
_allowgate_exclusive=@exclusive@

# What was typed up to the cursor, as words; bash has taken them apart at ":" and "=" too, and replaces the last part.
_allowgate_split()
{
	local rest=${COMP_LINE:0:COMP_POINT} blank i
	words=("")
	for ((i = 0; i <= COMP_CWORD; i++)); do
		blank=${rest%%[![:space:]]*}
		rest=${rest#"$blank"}
		part=$rest
		((i == COMP_CWORD)) || part=${COMP_WORDS[i]}
		rest=${rest#"$part"}
		((i == 0)) || [ -z "$blank" ] || words+=("")
		words[${#words[@]} - 1]+=$part
	done
}

# What the words before the last one say: the plain ones, how many of them may name a command, the options, and the
# one whose value is still to come.
_allowgate_read()
{
	local word
	for word in "${words[@]:1:${#words[@]}-2}"; do
		[[ $awaited$word != --socket?* ]] || socket=(--socket "${word#--socket=}")
		if [ "$awaited" ]; then
			awaited=
		elif [ "$ended" ]; then
			plain+=("$word")
		elif [ "$word" = -- ]; then
			ended=1
		elif [[ $word == -?* ]]; then
			given+="${word%%=*} "
			[[ $'\n'$_allowgate_options != *$'\n'"$word|"[!\|]* ]] || awaited=$word
		else
			plain+=("$word")
			named=${#plain[@]}
		fi
	done
	if [ "${plain[0]-}" = help ] && [ "$named" -gt 0 ]; then
		help=1 named=$((named - 1)) plain=("${plain[@]:1}")
	fi
}

# _allowgate_row WORDS: that command's arguments, options and what stands instead; fails where there is none.
_allowgate_row()
{
	local name
	while IFS='|' read -r name arguments options instead _; do
		[ "$name" != "$1" ] || return 0
	done <<<"$_allowgate_commands"
	arguments='' options='' instead=''
	return 1
}

# The command that was named, and what every one takes; how many words named it.
_allowgate_find()
{
	_allowgate_row ''
	common=$options
	if [ "$named" -ge 2 ] && _allowgate_row "${plain[0]} ${plain[1]}"; then
		used=2
	elif [ "$named" -ge 1 ] && _allowgate_row "${plain[0]}"; then
		used=1
	else
		used=0 arguments='' options='' instead=''
	fi
}

# Offers those words that begin as the one at the cursor.
_allowgate_offer()
{
	local word
	for word in "$@"; do
		[[ $word != "$current"* ]] || COMPREPLY+=("$prefix$word")
	done
}

# The nouns; or with a noun its verbs.
_allowgate_offer_names()
{
	local name rest last=
	[ $# -gt 0 ] || [ "$help" ] || _allowgate_offer help
	while IFS='|' read -r name rest; do
		if [ $# -eq 0 ] && [ "${name%% *}" != "$last" ]; then
			last=${name%% *}
			_allowgate_offer "$last"
		elif [ $# -gt 0 ] && [ "${name% *}" = "$1" ] && [ "$name" != "$1" ] && [ "$rest" ]; then
			_allowgate_offer "${name#* }"
		fi
	done <<<"$_allowgate_commands"
}

# Whether an option goes with what was given.
_allowgate_fits()
{
	local one line
	[[ $given != *" $1 "* ]] || return 1
	[ "${#plain[@]}" -eq "$used" ] || [[ " $instead " != *" $1 "* ]] || return 1
	while read -r line; do
		[[ " $line " == *" $1 "* ]] || continue
		for one in $line; do
			[[ $given != *" $one "* ]] || return 1
		done
	done <<<"$_allowgate_exclusive"
}

_allowgate_offer_options()
{
	local option
	for option in $options $common; do
		option=${option%%=*}
		! _allowgate_fits "$option" || _allowgate_offer "$option"
	done
}

# Names of the daemon's.
_allowgate_names()
{
	timeout 2 allowgate "$1" list --quiet "${socket[@]}" 2>/dev/null </dev/null | cut -f 1
}

_allowgate_devices()
{
	local path
	for path in /sys/class/net/*/; do
		basename "$path"
	done
}

# Those names that need no quotes.
_allowgate_plain()
{
	grep -xE '[A-Za-z0-9._@-]+'
}

# What is offered for a value or an argument: see above.
_allowgate_offer_kind()
{
	local offered=()
	case $1 in
	'' | -) ;;
	:*) IFS=,: read -ra offered <<<"${1#:}" ;;
	file)
		mapfile -t offered < <(compgen -f -- "$current")
		compopt -o filenames 2>/dev/null
		;;
	os-user) mapfile -t offered < <(compgen -u -- "$current") ;;
	device) mapfile -t offered < <(_allowgate_devices | _allowgate_plain) ;;
	*) mapfile -t offered < <(_allowgate_names "$1" | _allowgate_plain) ;;
	esac
	_allowgate_offer ${offered[@]+"${offered[@]}"}
}

# The value of an option.
_allowgate_offer_value()
{
	local option
	for option in $options $common; do
		[ "${option%%=*}" != "$1" ] || _allowgate_offer_kind "${option#"$1"=}"
	done
}

_allowgate_offer_argument()
{
	local kinds index=$((${#plain[@]} - used)) option
	for option in $instead; do
		[[ $given != *" $option "* ]] || return 0
	done
	read -ra kinds <<<"$arguments"
	if [ "$index" -lt "${#kinds[@]}" ]; then
		_allowgate_offer_kind "${kinds[index]%...}"
	elif [[ $arguments == *... ]]; then
		_allowgate_offer_kind "${kinds[${#kinds[@]} - 1]%...}"
	fi
}

_allowgate_offer_plain()
{
	[ "$ended" ] || [ "${#plain[@]}" -gt 0 ] || _allowgate_offer_names
	[ "$ended" ] || [ "${#plain[@]}" -ne 1 ] || _allowgate_offer_names "${plain[0]}"
	[ "$help" ] || [ "$used" -eq 0 ] || _allowgate_offer_argument
}

# Bash puts what is offered in place of that part; behind it, where it is what words are taken apart at.
_allowgate_trim()
{
	local whole=${words[${#words[@]} - 1]} head i
	case $part in : | = | ::) part= ;; esac
	head=${whole%"$part"}
	for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
		COMPREPLY[i]=${COMPREPLY[i]#"$head"}
	done
}

_allowgate()
{
	local IFS=$' \t\n' words=() plain=() socket=() given=' ' named=0 used=0 ended='' awaited='' help=''
	local arguments options common instead current part prefix=
	COMPREPLY=()
	_allowgate_split
	_allowgate_read
	_allowgate_find
	current=${words[${#words[@]} - 1]}
	if [ "$awaited" ]; then
		_allowgate_offer_value "$awaited"
	elif [ -z "$ended" ] && [[ $current == --*=* ]]; then
		prefix=${current%%=*}= current=${current#*=}
		[[ $given == *" ${prefix%=} "* ]] || _allowgate_offer_value "${prefix%=}"
	elif [ -z "$ended" ] && [[ $current == -* ]]; then
		_allowgate_offer_options
	else
		_allowgate_offer_plain
	fi
	_allowgate_trim
}

complete -F _allowgate allowgate
