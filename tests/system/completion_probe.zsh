# SPDX-License-Identifier: GPL-2.0-only
#
# Sourced by an interactive zsh on a terminal: writes what is offered behind each line of $AG_LINES to $AG_OFFERED,
# "LINE<TAB>WORD WORD", and ends. The completion script is found in the directory $AG_FPATH, as zsh finds it.
PS1='' PROMPT_EOL_MARK=''
fpath=("$AG_FPATH" $fpath)
autoload -Uz compinit && compinit -u -D
typeset -a ag_offered

# Everything that is offered goes through this; -O, -A and -D only ask what fits.
compadd()
{
	local -a hits
	if [[ -n ${(M)@[1,(i)(-|--)]:#-[a-zA-Z]#[OAD]*} ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -O hits "$@"
	ag_offered+=("$IPREFIX"${^hits})
	builtin compadd "$@"
}

zle-line-init()
{
	local line
	for line in "${(@f)$(<$AG_LINES)}"; do
		ag_offered=()
		BUFFER=$line CURSOR=$#line
		zle list-choices
		print -r -- "$line"$'\t'"${(j: :)${(@ou)ag_offered}}" >>$AG_OFFERED
	done
	exit 0
}
zle -N zle-line-init
