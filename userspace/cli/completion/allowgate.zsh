#compdef allowgate
# SPDX-License-Identifier: GPL-2.0-only
#
# Completion of allowgate(1) for zsh, printed by "allowgate completion zsh".
#
# Names of accounts and the like come from the daemon, for two seconds at most; without it there are none.

# A command a line: its words|arguments|options|options that stand instead of arguments|help. The row without words
# has the options of every command. Behind "=" of an option, and for each argument, what is offered there: ":a,b"
# these words, "-" nothing, "file", "device", "os-user", or the names that "allowgate NOUN list" prints; "..." is the
# rest of the arguments.
typeset -g _allowgate_commands=@commands@
# option|its value|help
typeset -g _allowgate_options=@options@
# Options that exclude one another.
typeset -g _allowgate_exclusive=@exclusive@

# What the words before the cursor's say: the plain ones, how many of them may name a command, the options, and the one
# whose value is still to come.
_allowgate_read()
{
	local word
	for word in "${(@Q)words[2,CURRENT-1]}"; do
		[[ $awaited$word != --socket?* ]] || socket=(--socket "${word#--socket=}")
		if [[ -n $awaited ]]; then
			awaited=
		elif [[ -n $ended ]]; then
			plain+=("$word")
		elif [[ $word == -- ]]; then
			ended=1
		elif [[ $word == -?* ]]; then
			given+=("${word%%=*}")
			[[ $'\n'$_allowgate_options != *$'\n'"$word|"[^\|]* ]] || awaited=$word
		else
			plain+=("$word")
			named=$#plain
		fi
	done
	if [[ $named -gt 0 && $plain[1] == help ]]; then
		help=1 named=$((named - 1))
		shift plain
	fi
}

# _allowgate_row WORDS: that command's arguments, options and what stands instead; fails where there is none.
_allowgate_row()
{
	local row
	local -a part
	for row in "${(@f)_allowgate_commands}"; do
		part=("${(@s:|:)row}")
		[[ $part[1] == "$1" ]] || continue
		arguments=(${=part[2]}) options=(${=part[3]}) instead=(${=part[4]})
		return 0
	done
	arguments=() options=() instead=()
	return 1
}

# The command that was named, and what every one takes; how many words named it.
_allowgate_find()
{
	_allowgate_row ''
	common=($options)
	if [[ $named -ge 2 ]] && _allowgate_row "$plain[1] $plain[2]"; then
		used=2
	elif [[ $named -ge 1 ]] && _allowgate_row "$plain[1]"; then
		used=1
	else
		used=0 arguments=() options=() instead=()
	fi
}

# The nouns; or with a noun its verbs.
_allowgate_offer_names()
{
	local row name
	local -aU names
	local -a part verbs
	for row in "${(@f)_allowgate_commands}"; do
		part=("${(@s:|:)row}")
		name=$part[1]
		[[ -z $name ]] || names+=("${name%% *}")
		[[ $# -eq 0 || ${name% *} != "$1" || $name == "$1" ]] || verbs+=("${name#* }:${(j:|:)part[5,-1]}")
	done
	if [[ $# -eq 0 ]]; then
		[[ -n $help ]] || names+=(help)
		_describe -t commands command names
	elif [[ $#verbs -gt 0 ]]; then
		_describe -t commands "$1" verbs
	fi
}

# Whether an option goes with what was given.
_allowgate_fits()
{
	local line
	local -a group
	[[ ${given[(Ie)$1]} -eq 0 ]] || return 1
	[[ $#plain -eq $used || ${instead[(Ie)$1]} -eq 0 ]] || return 1
	for line in "${(@f)_allowgate_exclusive}"; do
		group=(${=line})
		[[ ${group[(Ie)$1]} -eq 0 || -z ${group:*given} ]] || return 1
	done
}

_allowgate_offer_options()
{
	local option row
	local -a part offered
	for option in ${options%%=*} ${common%%=*}; do
		_allowgate_fits $option || continue
		for row in "${(@f)_allowgate_options}"; do
			part=("${(@s:|:)row}")
			[[ $part[1] != "$option" ]] || offered+=("$option:${(j:|:)part[3,-1]}")
		done
	done
	_describe -o -t options option offered
}

# What is offered for a value or an argument: see above.
_allowgate_offer_kind()
{
	local -a names
	case $1 in
	'' | -) return ;;
	:*) names=(${(s:,:)1#:}) ;;
	file) _files; return ;;
	os-user) _users; return ;;
	device) names=(/sys/class/net/*(N-/:t)) ;;
	*) names=(${(f)"$(timeout 2 allowgate $1 list --quiet $socket 2>/dev/null </dev/null | cut -f 1)"}) ;;
	esac
	names=(${(M)names:#[A-Za-z0-9._@-]##}) # those that need no quotes
	compadd -a names
}

# The value of an option.
_allowgate_offer_value()
{
	local option
	for option in $options $common; do
		[[ ${option%%=*} != "$1" ]] || _allowgate_offer_kind "${option#*=}"
	done
}

_allowgate_offer_argument()
{
	local index=$(($#plain - used + 1))
	local -a given_instead=(${instead:*given})
	[[ $#given_instead -eq 0 ]] || return
	[[ $index -le $#arguments || ${arguments[-1]-} != *... ]] || index=$#arguments
	_allowgate_offer_kind "${arguments[index]%...}"
}

_allowgate_offer_plain()
{
	[[ -n $ended || $#plain -gt 0 ]] || _allowgate_offer_names
	[[ -n $ended || $#plain -ne 1 ]] || _allowgate_offer_names "$plain[1]"
	[[ -n $help || $used -eq 0 ]] || _allowgate_offer_argument
}

_allowgate()
{
	local named=0 used=0 ended awaited help
	local -a plain socket given arguments options common instead
	_allowgate_read
	_allowgate_find
	if [[ -n $awaited ]]; then
		_allowgate_offer_value $awaited
	elif [[ -z $ended && $PREFIX == --*=* ]]; then
		[[ ${given[(Ie)${PREFIX%%=*}]} -gt 0 ]] || {
			local option=${PREFIX%%=*}
			compset -P '*='
			_allowgate_offer_value $option
		}
	elif [[ -z $ended && $PREFIX == -* ]]; then
		_allowgate_offer_options
	else
		_allowgate_offer_plain
	fi
}

# Found in fpath it is the body of the function; sourced it says what it is for.
if [[ $funcstack[1] == _allowgate ]]; then
	_allowgate "$@"
else
	compdef _allowgate allowgate
fi
