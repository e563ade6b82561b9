#!/bin/sh
# linux.check_processes: check_processes.sh state|name|pid CRITERIA [TEXT]
# Writes {"count": N, "processes": [{"pid": N, "state": "S", "name": "...", "command": "..."}]}. Exit status: 0, or
# 1 when nothing has that name or number, or 2 when it was asked wrongly.
set -u
search=${1:-name}
criteria=${2:-}
args=${3:-}

case $search in
    state | name | pid) ;;
    *)
        printf 'Cannot search by %s: use state, name or pid.\n' "$search" >&2
        exit 2
        ;;
esac
if [ -z "$criteria" ]; then
    printf 'Say which %s to search for.\n' "$search" >&2
    exit 2
fi

# The kernel keeps 15 characters of a name.
short=$(printf '%.15s' "$criteria")

fits() {
    case $search in
        pid) [ "$pid" = "$criteria" ] ;;
        state) [ "$state" = "$criteria" ] ;;
        name) [ "$name" = "$short" ] ;;
    esac
}

# One line for each process that fits, leaving out those of this script itself.
list() {
    read -r own rest </proc/self/stat
    for folder in /proc/[0-9]*; do
        pid=${folder#/proc/}
        { read -r stat <"$folder/stat"; } 2>/dev/null || continue
        # The name stands in parentheses and may hold blanks and parentheses itself.
        name=${stat#*\(}
        name=${name%\)*}
        rest=${stat##*\) }
        state=${rest%% *}
        rest=${rest#* }
        if [ "$pid" = "$own" ] || [ "$pid" = "$$" ] || [ "${rest%% *}" = "$$" ] || ! fits; then
            continue
        fi
        # NUL stands between arguments; kernel threads have none.
        command=$(tr '\000\n\t' '   ' 2>/dev/null <"$folder/cmdline")
        printf '%s\t%s\t%s\t%s\n' "$pid" "$state" "$name" "$command"
    done
}

# The environment carries the texts, because awk -v would read backslashes in them.
list | SEARCH=$search ARGS=$args awk -F '\t' '
    function text(value) {
        gsub(/[[:cntrl:]]/, " ", value); gsub(/["\\]/, "\\\\&", value); sub(/ +$/, "", value)
        return "\"" value "\""
    }
    ENVIRON["ARGS"] == "" || index($4, ENVIRON["ARGS"]) {
        rows = rows (count++ ? ", " : "") "{\"pid\": " $1 ", \"state\": " text($2) ", \"name\": " text($3) \
            ", \"command\": " text($4) "}"
    }
    END {
        printf "{\"count\": %d, \"processes\": [%s]}\n", count, rows
        exit (count == 0 && ENVIRON["SEARCH"] != "state")
    }'
