# SPDX-License-Identifier: GPL-2.0-only
#
# Writes what is offered behind each line of $AG_LINES to $AG_OFFERED, "LINE<TAB>WORD WORD". The completion script is
# $AG_SCRIPT.
source $AG_SCRIPT
for line in (cat $AG_LINES)
    printf '%s\t%s\n' $line (complete -C $line | string replace -r '\t.*' '' | LC_ALL=C sort -u | string join ' ')
end >$AG_OFFERED
