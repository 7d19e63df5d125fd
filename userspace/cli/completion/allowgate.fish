# SPDX-License-Identifier: GPL-2.0-only
#
# Completion of allowgate(1) for fish, printed by "allowgate completion fish".
#
# Names of accounts and the like come from the daemon, for two seconds at most; without it there are none.

# A command a line: its words|arguments|options|options that stand instead of arguments|help. The row without words
# has the options of every command. Behind "=" of an option, and for each argument, what is offered there: ":a,b"
# these words, "-" nothing, "file", "device", "os-user", or the names that "allowgate NOUN list" prints; "..." is the
# rest of the arguments.
set -g __allowgate_commands (string split \n -- @commands@)
# option|its value|help
set -g __allowgate_options (string split \n -- @options@)
# Options that exclude one another.
set -g __allowgate_exclusive (string split \n -- @exclusive@)
# Names that need no quotes.
set -g __allowgate_plain '^[A-Za-z0-9._@-]+$'

# The functions below share the variables of __allowgate_complete.

# What the words before the cursor's say: the plain ones, how many of them may name a command, the options, and the one
# whose value is still to come.
function __allowgate_read --no-scope-shadowing
    for word in $argv
        string match -qr -- '^--socket.' "$awaited$word"; and set socket --socket (string replace -r -- '^--socket=' '' $word)
        if test -n "$awaited"
            set awaited
        else if test -n "$ended"
            set -a plain $word
        else if test "$word" = --
            set ended 1
        else if string match -qr -- '^-.' $word
            set -a given (string replace -r -- '=.*' '' $word)
            string match -qr -- '^'(string escape --style=regex -- $word)'\|[^|]' $__allowgate_options; and set awaited $word
        else
            set -a plain $word
            set named (count $plain)
        end
    end
    if test $named -gt 0; and test "$plain[1]" = help
        set help 1
        set named (math $named - 1)
        set -e plain[1]
    end
end

# The row of these words: that command's arguments, options and what stands instead; fails where there is none.
function __allowgate_row --no-scope-shadowing
    for row in $__allowgate_commands
        set -l part (string split -m 4 -- '|' $row)
        test "$part[1]" = "$argv"; or continue
        set arguments (string split -n -- ' ' $part[2])
        set options (string split -n -- ' ' $part[3])
        set instead (string split -n -- ' ' $part[4])
        return 0
    end
    return 1
end

# The command that was named, and what every one takes; how many words named it.
function __allowgate_find --no-scope-shadowing
    __allowgate_row
    set common $options
    set options
    if test $named -ge 2; and __allowgate_row $plain[1..2]
        set used 2
    else if test $named -ge 1; and __allowgate_row $plain[1]
        set used 1
    end
end

# The nouns; or with a noun its verbs.
function __allowgate_offer_names --no-scope-shadowing
    set -q argv[1]; or test -n "$help"; or echo help
    for row in $__allowgate_commands
        set -l part (string split -m 4 -- '|' $row)
        set -l name (string split -- ' ' $part[1])
        if not set -q argv[1]; and test -n "$name[1]"
            set -q name[2]; and echo $name[1]; or printf '%s\t%s\n' $name[1] $part[5]
        else if set -q argv[1] name[2]; and test "$name[1]" = "$argv[1]"
            printf '%s\t%s\n' $name[2] $part[5]
        end
    end
end

# Whether an option goes with what was given.
function __allowgate_fits --no-scope-shadowing
    contains -- $argv[1] $given; and return 1
    test (count $plain) -eq $used; or not contains -- $argv[1] $instead; or return 1
    for line in $__allowgate_exclusive
        set -l group (string split -- ' ' $line)
        contains -- $argv[1] $group; or continue
        for one in $group
            contains -- $one $given; and return 1
        end
    end
    return 0
end

function __allowgate_offer_options --no-scope-shadowing
    for option in (string replace -r -- '=.*' '' $options $common)
        __allowgate_fits $option; or continue
        for row in $__allowgate_options
            set -l part (string split -m 2 -- '|' $row)
            test "$part[1]" = $option; and printf '%s\t%s\n' $option $part[3]
        end
    end
end

# Names of the daemon's.
function __allowgate_names
    timeout 2 allowgate $argv list --quiet 2>/dev/null </dev/null | cut -f 1
end

# What is offered for a value or an argument: see above.
function __allowgate_offer_kind --no-scope-shadowing
    switch "$argv[1]"
        case '' -
        case ':*'
            string split -- , (string sub -s 2 -- $argv[1])
        case file
            __fish_complete_path $current
        case os-user
            __fish_complete_users
        case device
            string replace -r -- '.*/([^/]+)/$' '$1' /sys/class/net/*/ | string match -r -- $__allowgate_plain
        case '*'
            __allowgate_names $socket $argv[1] | string match -r -- $__allowgate_plain
    end
end

# The value of an option.
function __allowgate_offer_value --no-scope-shadowing
    for option in $options $common
        set -l part (string split -m 1 -- = $option)
        test "$part[1]" = "$argv[1]"; and __allowgate_offer_kind "$part[2]"
    end
end

function __allowgate_offer_argument --no-scope-shadowing
    set -l index (math (count $plain) - $used + 1)
    for option in $instead
        contains -- $option $given; and return
    end
    if test $index -gt (count $arguments); and string match -q -- '*...' $arguments[-1]
        set index (count $arguments)
    end
    __allowgate_offer_kind (string replace -- ... '' $arguments[$index])
end

function __allowgate_offer_plain --no-scope-shadowing
    if test -z "$ended"
        test (count $plain) -eq 0; and __allowgate_offer_names
        test (count $plain) -eq 1; and __allowgate_offer_names $plain[1]
    end
    test -z "$help"; and test $used -gt 0; and __allowgate_offer_argument
end

function __allowgate_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l named 0
    set -l used 0
    set -l plain
    set -l socket
    set -l given
    set -l ended
    set -l awaited
    set -l help
    set -l arguments
    set -l options
    set -l common
    set -l instead
    __allowgate_read $words[2..-1]
    __allowgate_find
    if test -n "$awaited"
        __allowgate_offer_value $awaited
    else if test -z "$ended"; and string match -q -- '--*=*' $current
        set -l part (string split -m 1 -- = $current)
        set current $part[2]
        contains -- $part[1] $given; or string replace -r -- '^' "$part[1]=" (__allowgate_offer_value $part[1])
    else if test -z "$ended"; and string match -q -- '-*' $current
        __allowgate_offer_options
    else
        __allowgate_offer_plain
    end
end

complete -c allowgate -f -k -a '(__allowgate_complete)'
