#!/bin/sh
# examples.largest_files: largest_files.sh [--min_kib=N] [--other_filesystems] FOLDER COUNT
set -u

min_kib=1
stay=-xdev
folder=
count=
for argument in "$@"; do
    case $argument in
        --min_kib=*) min_kib=${argument#*=} ;;
        --other_filesystems) stay= ;;
        *) if [ -z "$folder" ]; then folder=$argument; else count=$argument; fi ;;
    esac
done
: "${folder:=/var/log}" "${count:=5}"

if [ ! -d "$folder" ]; then
    printf 'There is no folder %s\n' "$folder" >&2
    exit 2
fi

# What may not be read is left out; find says so on standard error, and that is no failure here.
find "$folder" $stay -type f -exec stat -c '%s %n' {} + 2>/dev/null |
    sort -rn |
    awk -v count="$count" -v least="$((min_kib * 1024))" '
        $1 < least || shown >= count { next }
        {
            size = $1; unit = "B"; path = substr($0, length($1) + 2)
            if (size >= 1024) { size /= 1024; unit = "KiB" }
            if (size >= 1024) { size /= 1024; unit = "MiB" }
            if (size >= 1024) { size /= 1024; unit = "GiB" }
            printf "%8.1f %-3s  %s\n", size, unit, path
            shown++
        }
        END { if (!shown) print "No file of that size." }'
